//! The seam at which a simulated network takes the place of HTTP. Everything above it (the adapters' wire shapes and
//! verdicts, the retry of reads, the engine) runs unchanged, so that a whole life of the program can be played from a
//! seed. The program itself never uses it: without a [`Network`] an adapter speaks HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Fault;

/// What a [`Network`] answers with.
pub type Pending<'n, T> = Pin<Box<dyn Future<Output = T> + Send + 'n>>;

/// A network without sockets, and the time that passes on it.
pub trait Network: Send + Sync {
    /// Carries one request and its answer. An error says what the client could see of the failure:
    /// [`Fault::Unreachable`], [`Fault::Broken`] or [`Fault::TimedOut`].
    fn send(&self, request: Sent) -> Pending<'_, Result<Received, Fault>>;
    /// Waits before a read is repeated.
    fn sleep(&self, wait: Duration) -> Pending<'_, ()>;
    /// The jitter of that wait, from 0 up to 1.
    fn jitter(&self) -> f64;
}

/// A network that several clients share.
pub type SharedNetwork = Arc<dyn Network>;

/// A request as it leaves the adapter. No `Debug`: it holds the token.
pub struct Sent {
    /// `GET`, `POST`, `PUT`.
    pub verb: &'static str,
    /// The whole URL, percent-encoded.
    pub url: String,
    /// What the header that carries the token holds, where it is not part of URL or body.
    pub credential: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer as it arrives.
pub struct Received {
    /// HTTP status.
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}
