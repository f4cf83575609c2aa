//! The HTTP client under both adapters: one attempt, the retry of reads, and the text of what went wrong. It knows
//! no method and no wire shape; the adapters judge each [`Reply`]. Everything that becomes an error passes
//! [`Transport::error`], where the token is masked and a foreign text is cut.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, StatusCode, Url};

use super::mask::Mask;
use super::network::{Received, Sent, SharedNetwork};
use super::reply::{Failure, Reply, RetryAfter, http_date};
use super::{Fault, Meter, SharedMeter, System, SystemError};

/// How soon a wait ends when a signal says to stop.
const HEARS_A_SIGNAL: Duration = Duration::from_millis(200);

/// No answer of either system comes near it; whatever does is not an answer.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// A read is tried this many times before the run gives it up; the next run tries again anyway.
const ATTEMPTS: u32 = 4;
/// No back-off is longer, and who asks for a longer pause gets it from the scheduler, not from a waiting run.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What a transport needs to know. No `Debug`: it holds the token.
pub(super) struct Settings {
    /// Whose errors these are.
    pub(super) system: System,
    /// Where every path starts.
    pub(super) base_url: String,
    /// What must never be seen.
    pub(super) token: String,
    /// The header that carries the token, where it is not part of URL or body.
    pub(super) auth: Option<(HeaderName, HeaderValue)>,
    /// For the whole of one attempt, body included.
    pub(super) timeout: Duration,
    /// The first back-off; doubles with each attempt.
    pub(super) retry_base: Duration,
    /// What carries the requests in place of HTTP.
    pub(super) network: Option<SharedNetwork>,
}

/// What carries the requests.
enum Line {
    Http(Client),
    /// A simulated network, and what stands in the header that carries the token.
    Simulated(SharedNetwork, Option<String>),
}

/// One system's HTTP client.
pub(super) struct Transport {
    system: System,
    line: Line,
    /// Ends with a slash, so that paths are simply appended.
    base: String,
    mask: Mask,
    timeout: Duration,
    retry_base: Duration,
    /// Grows before each attempt, so that an attempt that is dropped half-way is counted too.
    sent: AtomicU64,
    /// Seconds since 1970 of the last answer's `Date`; `i64::MIN` before the first.
    clock: AtomicI64,
    /// What counts each attempt before it is sent, where a quota is to be kept.
    meter: OnceLock<SharedMeter>,
    /// Whether whoever reads was told to stop.
    stop: Mutex<Arc<AtomicBool>>,
}

impl Transport {
    /// A client with its pool. Fails where the base URL is none or TLS cannot be set up.
    pub(super) fn new(settings: Settings) -> Result<Self, SystemError> {
        let Settings { system, base_url, token, auth, timeout, retry_base, network } = settings;
        let unusable = |what: String| SystemError { system, method: "set-up", fault: Fault::Unreachable(what) };
        let base = if base_url.ends_with('/') { base_url } else { base_url + "/" };
        let url = Url::parse(&base).map_err(|e| unusable(format!("the base URL cannot be used: {e}")))?;
        let line = match network {
            Some(network) => {
                let credential = auth.and_then(|(_, value)| value.to_str().ok().map(str::to_owned));
                Line::Simulated(network, credential)
            }
            None => Line::Http(http(&url, auth, timeout).map_err(|e| unusable(deepest(&e.without_url())))?),
        };
        Ok(Self {
            system,
            line,
            base,
            mask: Mask::of(&token),
            timeout,
            retry_base,
            sent: AtomicU64::new(0),
            clock: AtomicI64::new(i64::MIN),
            meter: OnceLock::new(),
            stop: Mutex::default(),
        })
    }

    /// The base URL with `path` behind it; `path` is percent-encoded already.
    pub(super) fn url(&self, path: &str) -> Result<Url, Fault> {
        let mut text = String::with_capacity(self.base.len() + path.len());
        text.push_str(&self.base);
        text.push_str(path);
        // The base parsed when the client was made, so this cannot happen; if it did, nothing was sent.
        Url::parse(&text).map_err(|_| Fault::Unreachable("the request's URL cannot be used".to_owned()))
    }

    /// Attempts made so far.
    pub(super) fn requests(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Has every further attempt counted before it is sent; the first meter stays.
    pub(super) fn attach(&self, meter: SharedMeter) {
        let _ = self.meter.set(meter);
    }

    /// Reads nothing more once `stop` is set; the one of the last call counts.
    pub(super) fn heed(&self, stop: Arc<AtomicBool>) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }

    fn is_stopped(&self) -> bool {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).load(Ordering::Relaxed)
    }

    /// The meter, once one is attached.
    pub(super) fn meter(&self) -> Option<&dyn Meter> {
        self.meter.get().map(|meter| &**meter)
    }

    /// The `Date` of the last answer.
    pub(super) fn clock(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.clock.load(Ordering::Relaxed), 0)
    }

    /// A read: repeated with capped, jittered back-off while [`SystemError::is_worth_retrying`], or while the
    /// answer is no JSON at all.
    ///
    /// Cancelling it at any await loses nothing. A `Retry-After` beyond 30 seconds is given back as
    /// [`Fault::Throttled`], not waited for.
    pub(super) async fn read<T>(
        &self,
        method: &'static str,
        path: &str,
        judge: impl Fn(&Reply) -> Result<T, Failure>,
    ) -> Result<T, SystemError> {
        let url = self.url(path).map_err(|fault| self.error(method, fault))?;
        let mut attempt = 1;
        loop {
            if self.is_stopped() {
                return Err(self.error(method, Fault::Stopped));
            }
            let failure = match self.attempt(Request::new(Method::GET, url.clone())).await {
                Ok(reply) => match judge(&reply) {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                },
                Err(fault) => fault.into(),
            };
            let garbled = failure.garbled;
            let error = self.error(method, failure.fault);
            let wait = match error.fault {
                Fault::Throttled(wait) if wait > LONGEST_WAIT => return Err(error),
                Fault::Throttled(wait) => wait,
                _ => self.back_off(attempt),
            };
            if attempt == ATTEMPTS || !(garbled || error.is_worth_retrying()) {
                return Err(error);
            }
            log::debug!("{error}; attempt {attempt} of {ATTEMPTS}");
            self.sleep(wait).await;
            attempt += 1;
        }
    }

    /// Waits, but no longer than until a signal says to stop.
    async fn sleep(&self, wait: Duration) {
        match &self.line {
            Line::Http(_) => {
                let mut left = wait;
                while !left.is_zero() && !self.is_stopped() {
                    let step = left.min(HEARS_A_SIGNAL);
                    tokio::time::sleep(step).await;
                    left -= step;
                }
            }
            Line::Simulated(network, _) => network.sleep(wait).await,
        }
    }

    /// A write: sent exactly once, whatever becomes of it; but for a 429 with `Retry-After`, which says that nothing was done and
    /// when to ask again. As of reads, longer pauses than 30 seconds are given back.
    ///
    /// A caller who cancels it does not know whether it took effect, exactly as after a time-out.
    pub(super) async fn write<T>(
        &self,
        method: &'static str,
        verb: Method,
        path: &str,
        body: Vec<u8>,
        judge: impl FnOnce(&Reply) -> Result<T, Failure>,
    ) -> Result<T, SystemError> {
        let url = self.url(path).map_err(|fault| self.error(method, fault))?;
        let mut request = Request::new(verb, url);
        if !body.is_empty() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        *request.body_mut() = Some(body.into());
        let mut attempt = 1;
        loop {
            // A body of bytes can always be had once more.
            let again = request.try_clone().filter(|_| attempt < ATTEMPTS);
            let reply = self.attempt(request).await.map_err(|fault| self.error(method, fault))?;
            let asked = reply
                .retry_after
                .wait()
                .filter(|wait| reply.status == StatusCode::TOO_MANY_REQUESTS && *wait <= LONGEST_WAIT);
            let (Some(wait), Some(next)) = (asked, again) else {
                return judge(&reply).map_err(|failure| self.error(method, failure.fault));
            };
            log::debug!(
                "{} {method}: asks to wait {} s; attempt {attempt} of {ATTEMPTS}",
                self.system.title(),
                wait.as_secs()
            );
            self.sleep(wait).await;
            if self.is_stopped() {
                return judge(&reply).map_err(|failure| self.error(method, failure.fault));
            }
            request = next;
            attempt += 1;
        }
    }

    /// An error of this system, its foreign text cleaned.
    pub(super) fn error(&self, method: &'static str, fault: Fault) -> SystemError {
        let fault = match fault {
            Fault::Unreachable(t) => Fault::Unreachable(self.mask.text(&t)),
            Fault::Unauthorized(t) => Fault::Unauthorized(self.mask.text(&t)),
            Fault::QuotaSpent(t) => Fault::QuotaSpent(self.mask.text(&t)),
            Fault::Rejected(t) => Fault::Rejected(self.mask.text(&t)),
            Fault::NotFound(t) => Fault::NotFound(self.mask.text(&t)),
            Fault::Broken(t) => Fault::Broken(self.mask.text(&t)),
            Fault::Server(t) => Fault::Server(self.mask.text(&t)),
            Fault::Page(t) => Fault::Page(self.mask.text(&t)),
            Fault::Unreadable(t) => Fault::Unreadable(self.mask.text(&t)),
            Fault::TooLong
            | Fault::NoSuchAddress(_)
            | Fault::Throttled(_)
            | Fault::TimedOut(_)
            | Fault::TooLarge(_)
            | Fault::Uncounted(_)
            | Fault::Stopped => fault,
        };
        SystemError { system: self.system, method, fault }
    }

    /// A foreign text fit for people: see [`Mask::text`].
    pub(super) fn clean(&self, text: &str) -> String {
        self.mask.text(text)
    }

    /// One attempt, counted before it is sent.
    async fn attempt(&self, request: Request) -> Result<Reply, Fault> {
        let Some(meter) = self.meter() else { return self.send(request).await };
        let day = meter.count().await?;
        let reply = self.send(request).await?;
        if let Some(date) = reply.date {
            meter.answered(day, date).await;
        }
        Ok(reply)
    }

    async fn send(&self, request: Request) -> Result<Reply, Fault> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let client = match &self.line {
            Line::Http(client) => client,
            Line::Simulated(network, credential) => {
                return self.received(network.send(sent(&request, credential.as_ref())).await?);
            }
        };
        let mut response = client.execute(request).await.map_err(|e| self.broken(e))?;
        let date = header(&response, &DATE).and_then(http_date);
        self.set_clock(date);
        let retry_after =
            response.headers().get(RETRY_AFTER).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let retry_after = RetryAfter::of(retry_after.as_deref(), date);
        let status = response.status();
        // A compressed body announces nothing here: what counts is its length when it is unpacked.
        let announced = response.content_length().map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
        if announced > BODY_LIMIT {
            return Err(Fault::TooLong);
        }
        let mut body = Vec::with_capacity(announced.min(1 << 20));
        while let Some(chunk) = response.chunk().await.map_err(|e| self.broken(e))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Fault::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, date, retry_after, body: self.mask.body(body) })
    }

    fn received(&self, answer: Received) -> Result<Reply, Fault> {
        if answer.body.len() > BODY_LIMIT {
            return Err(Fault::TooLong);
        }
        let date = answer.date.as_deref().and_then(http_date);
        self.set_clock(date);
        let retry_after = RetryAfter::of(answer.retry_after.as_deref(), date);
        let status = StatusCode::from_u16(answer.status)
            .map_err(|_| Fault::Unreadable(format!("{} is no HTTP status", answer.status)))?;
        Ok(Reply { status, date, retry_after, body: self.mask.body(answer.body) })
    }

    fn set_clock(&self, date: Option<DateTime<Utc>>) {
        if let Some(date) = date {
            self.clock.store(date.timestamp(), Ordering::Relaxed);
        }
    }

    fn broken(&self, error: reqwest::Error) -> Fault {
        // reqwest prints URLs, and Komet's hold the token.
        let error = error.without_url();
        if error.is_connect() || error.is_builder() {
            Fault::Unreachable(deepest(&error))
        } else if error.is_timeout() {
            Fault::TimedOut(self.timeout)
        } else {
            Fault::Broken(deepest(&error))
        }
    }

    fn back_off(&self, attempt: u32) -> Duration {
        let full = self.retry_base.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_WAIT);
        let jitter = match &self.line {
            Line::Http(_) => fastrand::f64(),
            Line::Simulated(network, _) => network.jitter(),
        };
        full.mul_f64(0.5 + jitter / 2.0)
    }
}

/// An HTTP client with its pool.
pub(crate) fn http(
    url: &Url,
    auth: Option<(HeaderName, HeaderValue)>,
    timeout: Duration,
) -> Result<Client, reqwest::Error> {
    // Only the first call of the process can succeed; the others find the same provider installed.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some((name, mut value)) = auth {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut builder = Client::builder()
        .user_agent(concat!("stemsync/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .tcp_nodelay(true)
        .timeout(timeout)
        .connect_timeout((timeout / 2).min(Duration::from_secs(10)))
        .pool_max_idle_per_host(64)
        // Shorter than what servers allow: a write on a connection that is just being closed would have to be
        // read back.
        .pool_idle_timeout(Duration::from_secs(15));
    builder = if url.scheme() == "https" {
        builder.https_only(true)
    } else {
        // Loopback: neither a proxy nor certificates, whose loading would cost the start of every run.
        builder.no_proxy().tls_certs_only([])
    };
    builder.build()
}

/// Appends `text` to a URL, everything but RFC 3986's unreserved characters percent-encoded: right for a path
/// segment and for a query value alike.
pub(super) fn encode(url: &mut String, text: &str) {
    encode_with(url, text, b"0123456789ABCDEF");
}

/// As [`encode`], with these digits.
pub(super) fn encode_with(url: &mut String, text: &str, hex: &[u8; 16]) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.push(char::from(hex[usize::from(byte >> 4)]));
            url.push(char::from(hex[usize::from(byte & 15)]));
        }
    }
}

/// The cause at the bottom, which is the one an admin can act on: `Connection refused (os error 111)`.
pub(crate) fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn sent(request: &Request, credential: Option<&String>) -> Sent {
    Sent {
        verb: match *request.method() {
            Method::POST => "POST",
            Method::PUT => "PUT",
            _ => "GET",
        },
        url: request.url().to_string(),
        credential: credential.cloned(),
        body: request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec(),
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn transport(token: &str) -> Transport {
        Transport::new(Settings {
            system: System::Komet,
            base_url: "http://127.0.0.1:9".to_owned(),
            token: token.to_owned(),
            auth: None,
            timeout: Duration::from_secs(1),
            retry_base: Duration::from_millis(100),
            network: None,
        })
        .unwrap()
    }

    #[test]
    fn back_off_doubles_with_jitter_and_is_capped() {
        let transport = transport("t");
        for attempt in 1..=30 {
            let full = Duration::from_millis(100).saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_WAIT);
            let wait = transport.back_off(attempt);
            assert!(wait >= full / 2 && wait <= full, "attempt {attempt} waits {wait:?}");
        }
    }
}
