//! HTTP, and nothing else.

use axum::{Router, routing::get};

pub fn router() -> Router {
    Router::new().route("/hello", get(|| async { "Hello, user!" }))
}
