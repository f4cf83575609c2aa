//! The thin HTTP layer: axum takes a request apart, the [`World`] answers it, and what goes wrong on the line is
//! played here: a body that fails before its first byte makes hyper close the connection without an answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request as HttpRequest, Response, StatusCode, Uri};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use super::clock::Clock;
use super::world::{Outcome, Reply, Request, World};

/// What every request needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) clock: Arc<Mutex<Clock>>,
    /// Becomes `true` when the server stops, so that hanging requests end.
    pub(super) stopping: watch::Receiver<bool>,
}

/// A panic elsewhere does not make the world unusable: it is changed by whole steps.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Larger than any system takes, so that the model can refuse what is too large.
const LARGEST_READ: usize = 16 * 1024 * 1024;

pub(super) fn router(shared: Shared) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(mut shared): State<Shared>, request: HttpRequest<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_READ).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let request = Request::of(head.method.as_str(), &head.uri, credential_of(&head.headers), body.into());
    let (outcome, now, is_set) = {
        let mut world = lock(&shared.world);
        // Read under the lock, so that times grow in the order of changes.
        let clock = lock(&shared.clock).clone();
        let now = clock.now();
        (world.serve(&request, now), now, !clock.is_system())
    };
    let date = is_set.then_some(now);
    match outcome {
        Outcome::Answer(reply) => respond(reply, date),
        Outcome::Truncated(reply) => break_off(reply, date),
        Outcome::Closed => close(),
        Outcome::Hang(open_for) => {
            tokio::select! {
                () = tokio::time::sleep(open_for) => {}
                _ = shared.stopping.wait_for(|stopping| *stopping) => {}
            }
            close()
        }
    }
}

impl Request {
    /// Takes a request's address apart: path segments and parameters, decoded.
    pub fn of(verb: &str, uri: &Uri, credential: Option<String>, body: Vec<u8>) -> Self {
        Self {
            verb: verb.to_owned(),
            path: uri.path().split('/').filter(|segment| !segment.is_empty()).map(decode).collect(),
            parameters: Query::try_from_uri(uri).map(|Query(parameters)| parameters).unwrap_or_default(),
            credential,
            body,
        }
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn decode(segment: &str) -> String {
    let mut bytes = segment.as_bytes().iter();
    let mut out = Vec::with_capacity(segment.len());
    while let Some(&byte) = bytes.next() {
        let digits = bytes.as_slice().get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn credential_of(headers: &HeaderMap) -> Option<String> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let bearer = headers.get(AUTHORIZATION).and_then(text);
    bearer
        .and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned))
        .or_else(|| headers.get("x-api-key").and_then(text))
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn head_of(reply: &Reply, date: Option<DateTime<Utc>>, response: &mut Response<Body>) {
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    // hyper tells the machine's time; a clock that was set must show here too, watermarks are taken from it.
    let date = date.map(|now| now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
    if let Some(Ok(date)) = date.map(HeaderValue::try_from) {
        headers.insert(DATE, date);
    }
}

fn respond(reply: Reply, date: Option<DateTime<Utc>>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    head_of(&reply, date, &mut response);
    *response.body_mut() = Body::from(reply.body);
    response
}

/// Promises the whole answer, sends half of it, and breaks the connection.
fn break_off(reply: Reply, date: Option<DateTime<Utc>>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    head_of(&reply, date, &mut response);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    let mut half = reply.body.into_bytes();
    half.truncate(half.len() / 2);
    let rest = stream::once(async {
        // Lets hyper flush the first half.
        tokio::task::yield_now().await;
        Err(broken())
    });
    *response.body_mut() = Body::from_stream(stream::iter([Ok(half)]).chain(rest));
    response
}

/// No answer at all: hyper drops the connection because the body fails before anything was flushed.
fn close() -> Response<Body> {
    Response::new(Body::from_stream(stream::iter([Err::<Vec<u8>, _>(broken())])))
}

fn broken() -> std::io::Error {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset)
}
