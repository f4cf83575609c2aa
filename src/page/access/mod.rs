//! Who may see and do what. Every request passes the guard: it looks under which name the page was asked for, takes the body
//! within its limits, finds out who asks, lets nobody act who is not logged in or whose form is not ours, and puts the
//! headers on the answer that tell a browser what the page may do.

mod forms;
mod guesses;
mod headers;
mod hosts;
mod login;
mod sessions;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::desk::Desk;
use super::trouble::Trouble;
use guesses::Guesses;
use sessions::Sessions;

pub(super) use headers::LIVE;
pub(super) use sessions::hex;

/// Who looks at the page, for every view: `visitor: Visitor` among a handler's arguments.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// What each of this visitor's forms must hold, as its field `csrf`; `None` of who is not logged in.
    pub csrf: Option<String>,
    /// There is a password to log in with.
    pub can_log_in: bool,
}

impl Visitor {
    /// Logged in: may act, and see customers and prices.
    pub fn may_act(&self) -> bool {
        self.csrf.is_some()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Both ends of the connection that a request came over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) peer: SocketAddr,
    pub(super) here: SocketAddr,
}

/// What the guard knows.
#[derive(Clone)]
pub(super) struct Access {
    desk: Desk,
    sessions: Arc<Mutex<Sessions>>,
    guesses: Arc<Mutex<Guesses>>,
}

impl Access {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk, sessions: Arc::default(), guesses: Arc::default() }
    }

    /// Nobody panics while holding them.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.go_by(&self.desk.config().status);
        sessions
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visitor(&self, headers: &HeaderMap, here: SocketAddr) -> Visitor {
        let can_log_in = self.desk.config().status.password.is_some();
        let token = sessions::cookie(headers, &sessions::name(here));
        // A page that follows what happens is no sign that somebody sits before it.
        let is_active = !headers.contains_key(LIVE);
        let csrf = token.and_then(|token| self.sessions().find(&token, Instant::now(), is_active));
        Visitor { csrf, can_log_in }
    }
}

pub(super) fn routes() -> Router<Desk> {
    login::routes()
}

/// The guard.
pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(ends) = parts.extensions.get::<Ends>().copied() else {
        unreachable!("the server names both ends of each connection");
    };
    let mut visitor = Visitor::default();
    let answer = match admit(&access, &parts, body, ends, &mut visitor).await {
        Ok(body) => {
            parts.extensions.insert(visitor.clone());
            parts.extensions.insert(access);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(trouble) => trouble.into_response(),
    };
    let mut answer = match answer.extensions().get::<Trouble>() {
        Some(trouble) => trouble.shown_to(&visitor),
        None if is_refusal(&answer) => why_refused(&answer).shown_to(&visitor),
        None => answer,
    };
    headers::put_on(&mut answer);
    answer
}

/// Whether a handler was never reached: what was sent does not have its shape, or cannot be sent there. The library says so in
/// words of its own.
fn is_refusal(answer: &Response) -> bool {
    let is_page = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    answer.status().is_client_error() && !is_page
}

fn why_refused(answer: &Response) -> Trouble {
    match answer.status() {
        StatusCode::METHOD_NOT_ALLOWED => Trouble::no_such_method(),
        _ => Trouble::not_understood(),
    }
}

/// Lets a request in, or says why not. Who asks is known even where it is not let in.
async fn admit(
    access: &Access,
    parts: &Parts,
    body: Body,
    ends: Ends,
    visitor: &mut Visitor,
) -> Result<Body, Trouble> {
    let config = access.desk.config();
    hosts::check(parts, ends.here, &config.status.hosts)?;
    if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
        return Err(Trouble::no_such_method());
    }
    if !ends.here.ip().to_canonical().is_loopback() && config.status.password.is_none() {
        // The configuration lost its password while the address it listens on cannot change.
        return Err(Trouble::needs_password());
    }
    let body = forms::take(&parts.method, parts.uri.path(), body).await?;
    *visitor = access.visitor(&parts.headers, ends.here);
    if parts.method == Method::POST {
        forms::check_origin(&parts.headers)?;
        if parts.uri.path() != login::PATH {
            let csrf = visitor.csrf.as_ref().ok_or_else(|| Trouble::not_logged_in(visitor.can_log_in))?;
            forms::check_csrf(&parts.headers, &body, csrf)?;
        }
    }
    Ok(Body::from(body))
}
