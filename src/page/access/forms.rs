//! What comes in with a form: its body within its limits, from a page of ours, with the token that only this visitor's pages
//! hold.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

use super::sessions::is_same;
use crate::page::trouble::Trouble;

/// A form is a few fields.
const LARGEST_FORM: usize = 16 * 1024;

/// A map of some ten thousand codes.
const LARGEST_IMPORT: usize = 1024 * 1024;

/// How long a body may take to arrive, whatever its size.
const LONGEST: Duration = Duration::from_secs(10);

/// Takes the body in. A request that has no business having one is not waited for.
pub(super) async fn take(method: &Method, path: &str, body: Body) -> Result<Bytes, Trouble> {
    if method != Method::POST {
        return Ok(Bytes::new());
    }
    let is_import = path.starts_with("/maps/") && path.ends_with("/import");
    let largest = if is_import { LARGEST_IMPORT } else { LARGEST_FORM };
    match tokio::time::timeout(LONGEST, axum::body::to_bytes(body, largest)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Trouble::too_large()),
        Err(_) => Err(Trouble::too_slow()),
    }
}

/// A browser tells which page a form stands on; where it does not, the token has to do.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Trouble> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site)) {
        return Err(Trouble::stale_form());
    }
    let (origin, host) = (text(ORIGIN.as_str()), text(HOST.as_str()).unwrap_or_default());
    let host_of = |origin: &str| origin.split_once("://").map(|(_, host)| host.to_ascii_lowercase());
    match origin {
        Some(origin) if host_of(origin).as_deref() != Some(&*host.to_ascii_lowercase()) => {
            Err(Trouble::stale_form())
        }
        _ => Ok(()),
    }
}

/// The form's field `csrf` must be the session's.
pub(super) fn check_csrf(headers: &HeaderMap, body: &[u8], csrf: &str) -> Result<(), Trouble> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let sent = if kind.starts_with("multipart/form-data") { of_multipart(body) } else { field(body, "csrf") };
    if sent.is_some_and(|sent| is_same(&sent, csrf)) { Ok(()) } else { Err(Trouble::stale_form()) }
}

/// A field of a form.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    // An address's parser knows the form's encoding: both are one (WHATWG URL, 5).
    let mut address = reqwest::Url::parse("http://localhost/").ok()?;
    address.set_query(Some(&String::from_utf8_lossy(body)));
    address.query_pairs().find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}

/// The token in a form with files: whoever does not know it can put it nowhere.
fn of_multipart(body: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"name=\"csrf\"\r\n\r\n";
    let at = body.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let value = body.get(at..)?.split(|byte| *byte == b'\r').next()?;
    String::from_utf8(value.to_vec()).ok()
}
