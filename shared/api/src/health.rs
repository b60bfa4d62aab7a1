//! `GET /health` and `GET /openapi.json`: for everybody.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header;
use serde_json::json;

/// The description of this API, `OpenAPI` 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The process answers. It asks nobody else, so that it says nothing of them to a stranger.
pub(crate) async fn health() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
