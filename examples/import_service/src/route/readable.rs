//! Requests that cannot be read get a page like all other problems.

use std::fmt::Display;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};

use crate::error::Problem;

/// An extractor of axum whose refusal is a [`Problem`].
pub struct Readable<T>(pub T);

impl<S, T> FromRequestParts<S> for Readable<T>
where
    S: Send + Sync,
    T: FromRequestParts<S, Rejection: Display>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &S) -> Result<Self, Problem> {
        T::from_request_parts(parts, service).await.map(Self).map_err(bad)
    }
}

impl<S, T> FromRequest<S> for Readable<T>
where
    S: Send + Sync,
    T: FromRequest<S, Rejection: Display>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, service: &S) -> Result<Self, Problem> {
        T::from_request(request, service).await.map(Self).map_err(bad)
    }
}

fn bad(rejection: impl Display) -> Problem {
    Problem::BadRequest(rejection.to_string())
}
