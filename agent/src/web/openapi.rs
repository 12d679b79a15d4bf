//! The interface's description: nothing comes in, an OpenAPI 3.1 document goes out. A test compares it with the routes.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}
