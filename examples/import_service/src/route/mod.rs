//! Which address does what.

mod api;
mod form;
mod readable;
mod view;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::{Service, error::Problem};

/// How many files are received at a time; others wait.
const UPLOADS_AT_A_TIME: usize = 8;

/// The whole service.
pub fn router(service: Service) -> Router {
    let uploads = Router::new()
        .route("/companies/{company}/uploads", post(form::upload))
        .route("/companies/{company}/imports", post(api::import))
        // files are counted as they arrive, and answered with a page
        .layer(DefaultBodyLimit::disable())
        .layer(GlobalConcurrencyLimitLayer::new(UPLOADS_AT_A_TIME));
    Router::new()
        .route("/", get(view::companies))
        .route("/companies/{company}", get(view::company))
        .route("/companies/{company}/employees.csv", get(view::employees_csv))
        .route("/companies/{company}/uploads/{upload}", get(view::upload))
        .route("/companies/{company}/uploads/{upload}/apply", post(form::apply))
        .route("/companies/{company}/uploads/{upload}/retry", post(form::retry))
        .route("/openapi.json", get(api::description))
        .route("/style.css", get(stylesheet))
        .merge(uploads)
        .fallback(async || Problem::NotFound("There is no such page."))
        .layer(map_response(with_headers))
        .with_state(service)
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../page/style.css"))
}

/// No script runs on these pages, wherever it comes from, and no other site shows them.
async fn with_headers(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
        frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
