//! What could not be done: a page that says what failed and what to do. What a database's error holds is told to whoever
//! logged in; everybody else is told where to look.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::access::Visitor;
use super::shell::{self, Place};
use crate::store::{Fault, StoreError};

/// Something that could not be done.
#[derive(Clone, Debug)]
pub struct Trouble {
    status: StatusCode,
    title: &'static str,
    /// What happened and what to do; never anything that came from outside.
    text: String,
    /// For whoever may see it.
    detail: Option<String>,
    /// Seconds after which trying again makes sense.
    retry: Option<u64>,
}

impl Trouble {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self { status, title, text: text.into(), detail: None, retry: None }
    }

    /// There is no such thing. `text` says what was looked for and where to look instead.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", text)
    }

    /// What was sent cannot be meant. `text` says what is wrong and what is allowed.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That cannot be done", text)
    }

    /// A run goes on.
    pub fn busy() -> Self {
        let text = "A run is going on, and a decision taken in meanwhile could be lost. Nothing was changed: try again \
                    when the run has ended.";
        Self { retry: Some(10), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "A run is going on", text) }
    }

    /// Only whoever logged in may.
    pub(super) fn not_logged_in(can_log_in: bool) -> Self {
        let text = if can_log_in {
            "Nothing was changed. Only whoever is logged in may act, and see customers: log in, then try again."
        } else {
            NO_PASSWORD
        };
        Self::new(StatusCode::FORBIDDEN, "Not logged in", text)
    }

    /// A form that this page did not make, or made too long ago.
    pub(super) fn stale_form() -> Self {
        let text = "Nothing was changed: the form is too old, or it was not this page that made it. Load the page again, \
                    then repeat what you did.";
        Self::new(StatusCode::FORBIDDEN, "The form is too old", text)
    }

    pub(super) fn not_understood() -> Self {
        Self::bad_request(
            "The address or the form does not have the shape that this page gives it. Nothing was changed.",
        )
    }

    pub(super) fn too_large() -> Self {
        let text = "What was sent is larger than the page takes (16 KB; 1 MB for a map). Nothing was changed.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too large", text)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Too slow", "The request did not arrive within ten seconds.")
    }

    pub(super) fn no_such_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Not allowed",
            "This page is read with GET, and told things with POST where it has a form for them. Nothing was changed.",
        )
    }

    pub(super) fn locked(seconds: u64) -> Self {
        let text = format!("Too many wrong passwords. Try again in {seconds} s.");
        Self { retry: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Wait a moment", text) }
    }

    pub(super) fn too_many(what: &str) -> Self {
        let text = format!("{what} Close some, then load the page again.");
        Self { retry: Some(30), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "Too many", text) }
    }

    pub(super) fn wrong_host(host: &str) -> Self {
        let text = format!(
            "This stemsync does not go by the name {host:?}. Use its address (http://127.0.0.1:8787/ by default), or have \
             whoever runs it add the name to hosts in [status] of its configuration."
        );
        Self::new(StatusCode::MISDIRECTED_REQUEST, "Another name", text)
    }

    pub(super) fn needs_password() -> Self {
        let text = "The page listens beyond its machine, and its configuration no longer has a password: it answers again once \
                    status.password is back, or once stemsync was restarted with another status.listen.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "No password", text)
    }

    /// The page that tells of it.
    pub(super) fn shown_to(&self, visitor: &Visitor) -> Response {
        let body: Markup = html! {
            h1 { (self.title) }
            p.lead { (self.text) }
            @if let Some(detail) = self.detail.as_ref().filter(|_| visitor.may_act()) {
                p { code { (detail) } }
            }
            p {
                @if self.status == StatusCode::FORBIDDEN && visitor.can_log_in && !visitor.may_act() {
                    a.button href="/login" { "Log in" } " "
                }
                a href="/" { "To the overview" }
            }
        };
        let mut response = shell::page(visitor, Place::None, self.title, body);
        *response.status_mut() = self.status;
        if let Some(seconds) = self.retry {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What is said where nobody can log in.
pub(super) const NO_PASSWORD: &str = "This page is read-only: nobody can log in, because [status] of the configuration has no \
                                      password. To act here give it one (a secret, such as password = { credential = \
                                      \"status-password\" }), then send stemsync SIGHUP.";

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let (status, text) = match error.fault {
            Fault::Locked => {
                (StatusCode::SERVICE_UNAVAILABLE, "The database is locked by another process; try again.")
            }
            Fault::Full => {
                (StatusCode::INSUFFICIENT_STORAGE, "The disk is full: nothing can be stored. Make room.")
            }
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The database could not do what was asked, and nothing was changed. stemsync's log says why; `stemsync \
                 check` looks at the file.",
            ),
        };
        log::error!("status page: {error}");
        Self { detail: Some(error.to_string()), ..Self::new(status, "The database refused", text) }
    }
}

/// Who is told is known further out: the guard draws the page anew for the visitor.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.shown_to(&Visitor::default());
        response.extensions_mut().insert(self);
        response
    }
}
