//! Style and script, compiled in. Their address names their content, so that a browser keeps them until they change.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Desk;
use super::access::hex;

const CSS: &str = include_str!("assets/page.css");
const JS: &str = include_str!("assets/page.js");

/// Where the style is.
pub(super) static CSS_ADDRESS: LazyLock<String> = LazyLock::new(|| address("page.css", CSS));
/// Where the script is.
pub(super) static JS_ADDRESS: LazyLock<String> = LazyLock::new(|| address("page.js", JS));

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/assets/page.css", get(|| asset("text/css; charset=utf-8", CSS)))
        .route("/assets/page.js", get(|| asset("text/javascript; charset=utf-8", JS)))
}

fn address(name: &str, content: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, content.as_bytes());
    format!("/assets/{name}?v={}", hex(&hash.as_ref()[..6]))
}

fn asset(kind: &'static str, content: &'static str) -> std::future::Ready<Response> {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    std::future::ready((headers, content).into_response())
}
