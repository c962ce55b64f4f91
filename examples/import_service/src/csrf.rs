//! Forms that another site made are refused: a token stands in a cookie that
//! only this site is sent, and in each form; both have to be the same.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponseParts, ResponseParts},
};
use subtle::ConstantTimeEq;

use crate::{error::Problem, random};

const COOKIE: &str = "import_service_csrf";

/// The name of the field in forms.
pub const FIELD: &str = "csrf_token";

/// The token of a visitor: that of the cookie, or a new one.
#[derive(Clone, Debug)]
pub struct CsrfToken {
    text: String,
    is_new: bool,
}

impl CsrfToken {
    /// What stands in forms.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses a form whose token is not the one of the cookie.
    pub fn check(&self, given: &str) -> Result<(), Problem> {
        // how long it takes does not tell how much of it was right
        let same = bool::from(self.text.as_bytes().ct_eq(given.as_bytes()));
        if same && !self.is_new { Ok(()) } else { Err(Problem::Forbidden) }
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match cookie(&parts.headers) {
            Some(text) => Ok(Self { text: text.to_owned(), is_new: false }),
            None => Ok(Self { text: random::digits()?, is_new: true }),
        }
    }
}

impl IntoResponseParts for CsrfToken {
    type Error = Problem;

    fn into_response_parts(
        self,
        mut response: ResponseParts,
    ) -> Result<ResponseParts, Self::Error> {
        if self.is_new {
            let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", self.text);
            response.headers_mut().append(
                header::SET_COOKIE,
                HeaderValue::try_from(cookie).map_err(|_| Problem::Internal)?,
            );
        }
        Ok(response)
    }
}

/// An empty token is none.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).map(str::trim);
    pairs
        .find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|text| !text.is_empty())
}
