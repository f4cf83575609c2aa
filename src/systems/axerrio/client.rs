//! The contract's calls over the transport: paging, problem details, both ways to present the token. A record that
//! cannot be read is reported with its id and time where these are legible; the rest of its page serves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::convert::countable;
use super::wire;
use crate::domain::{AxOrder, AxOrderId, ExternalRef, Label, OrderInput, PurchaseOrderInfo, blank};
use crate::systems::calendar::is_countable;
use crate::systems::network::SharedNetwork;
use crate::systems::reply::{Failure, Reply};
use crate::systems::transport::{Settings, Transport, encode};
use crate::systems::{Answer, Axerrio, Fault, FeedPage, System, SystemError, Unreadable};

/// The contract's largest page.
const LARGEST_PAGE: u32 = 500;
/// A server that heeds no `limit` is read all the same, one that sends without end is not.
const MOST_ITEMS: usize = 20 * LARGEST_PAGE as usize;
/// A 429 without `Retry-After` is not in the contract; a minute is what it usually means.
const UNHINTED_PAUSE: Duration = Duration::from_mins(1);

/// How the token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxerrioAuth {
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// `X-Api-Key: <token>`.
    XApiKey,
}

/// What the adapter needs to know. No `Debug`: it holds the token.
pub struct AxerrioOptions {
    /// Such as `https://axerrio.example/api/v1`.
    pub base_url: String,
    /// The token.
    pub token: String,
    /// How it is presented.
    pub auth: AxerrioAuth,
    /// For one attempt, from connecting to the answer's last byte.
    pub timeout: Duration,
    /// The first pause before a read is repeated; it doubles each time.
    pub retry_base: Duration,
    /// Records a page, 1 to 500.
    pub page_size: u32,
}

/// Axerrio over HTTP. No `Debug`: it holds the token.
#[derive(Clone)]
pub struct AxerrioClient {
    transport: Arc<Transport>,
    page_size: u32,
}

/// A feed's page with its records unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPage<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    #[serde(default)]
    next_cursor: Option<String>,
    as_of: DateTime<Utc>,
}

impl AxerrioClient {
    /// A client with its own connection pool; make one and keep it. Nothing is sent yet.
    ///
    /// Fails where the base URL is none, the token cannot stand in a header, or TLS cannot be set up.
    pub fn new(options: AxerrioOptions) -> Result<Self, SystemError> {
        Self::build(options, None)
    }

    /// A client over a simulated network.
    ///
    /// Fails as [`Self::new`] does.
    pub fn over(network: SharedNetwork, options: AxerrioOptions) -> Result<Self, SystemError> {
        Self::build(options, Some(network))
    }

    fn build(options: AxerrioOptions, network: Option<SharedNetwork>) -> Result<Self, SystemError> {
        let AxerrioOptions { base_url, token, auth, timeout, retry_base, page_size } = options;
        let (name, value) = match auth {
            AxerrioAuth::Bearer => (AUTHORIZATION, format!("Bearer {token}")),
            AxerrioAuth::XApiKey => (HeaderName::from_static("x-api-key"), token.clone()),
        };
        let value = HeaderValue::from_str(&value).map_err(|_| SystemError {
            system: System::Axerrio,
            method: "set-up",
            fault: Fault::Unauthorized("the token holds characters that no HTTP header may".to_owned()),
        })?;
        let transport = Arc::new(Transport::new(Settings {
            system: System::Axerrio,
            base_url,
            token,
            auth: Some((name, value)),
            timeout,
            retry_base,
            network,
        })?);
        Ok(Self { transport, page_size: page_size.clamp(1, LARGEST_PAGE) })
    }

    /// One page of a feed.
    async fn feed<W, T>(
        &self,
        method: &'static str,
        feed: &str,
        since: DateTime<Utc>,
        cursor: Option<&str>,
    ) -> Result<FeedPage<T>, SystemError>
    where
        W: DeserializeOwned,
        T: TryFrom<W, Error = String>,
    {
        let mut path = format!("{feed}?changedSince=");
        encode(&mut path, &since.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        path.push_str("&limit=");
        path.push_str(&self.page_size.to_string());
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            encode(&mut path, cursor);
        }
        let mut page = self
            .transport
            .read(method, &path, |reply| {
                found(reply)?;
                page(parse::<RawPage<'_>>(reply.text()?)?, cursor)
            })
            .await?;
        for one in &mut page.answer.unreadable {
            one.what = self.transport.clean(&one.what);
            one.id = one.id.as_deref().map(|id| self.transport.clean(id));
        }
        Ok(page)
    }

    async fn put(
        &self,
        method: &'static str,
        verb: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<AxOrder, SystemError> {
        self.transport.write(method, verb, path, body, order).await
    }
}

/// One order as the whole answer.
fn order(reply: &Reply) -> Result<AxOrder, Failure> {
    answered(reply)?;
    parse::<wire::Order>(reply.text()?)?.try_into().map_err(|what: String| Failure::shape(what))
}

/// Reads each record of a page on its own.
fn page<W, T>(raw: RawPage<'_>, cursor: Option<&str>) -> Result<FeedPage<T>, Failure>
where
    W: DeserializeOwned,
    T: TryFrom<W, Error = String>,
{
    if raw.items.len() > MOST_ITEMS {
        let what = format!("items: expected a page of at most {LARGEST_PAGE}, found {}", raw.items.len());
        return Err(Failure::shape(what));
    }
    countable(raw.as_of, "asOf").map_err(Failure::shape)?;
    let next = raw.next_cursor.filter(|next| blank(Some(next)).is_some());
    if next.is_some() && next.as_deref() == cursor {
        return Err(Failure::shape("nextCursor: expected a further page, found the same cursor again"));
    }
    let mut answer =
        Answer { items: Vec::with_capacity(raw.items.len()), unreadable: Vec::new(), as_of: raw.as_of };
    for (index, record) in raw.items.iter().enumerate() {
        match read(record.get()) {
            Ok(item) => answer.items.push(item),
            Err(what) => {
                // What starts with a list's bracket is about the record itself, not about a field of it.
                let dot = if what.starts_with(':') { "" } else { "." };
                let (id, changed_at) = identity(record.get());
                answer.unreadable.push(Unreadable { id, changed_at, what: format!("items[{index}]{dot}{what}") });
            }
        }
    }
    Ok(FeedPage { answer, next })
}

fn read<W, T>(text: &str) -> Result<T, String>
where
    W: DeserializeOwned,
    T: TryFrom<W, Error = String>,
{
    if !text.starts_with('{') {
        let found = if text.starts_with('[') { "a list" } else { text };
        return Err(format!(": expected an object, found {found}"));
    }
    match serde_json::from_str::<W>(text) {
        Ok(wire) => wire.try_into(),
        Err(_) => Err(complaint::<W>(text)),
    }
}

/// The way to the field and what is wrong with it; `: …` where it is the whole record. Read a second time with the
/// way tracked, which the many good records need not pay for.
fn complaint<'a, W: Deserialize<'a>>(text: &'a str) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, W>(&mut deserializer) {
        Ok(_) => ": not readable".to_owned(),
        Err(error) => {
            let what = error.inner().to_string();
            // The line and column of a record cut out of a page lead nowhere.
            let what = plain(what.rfind(" at line ").map_or(what.as_str(), |at| &what[..at]));
            match error.path().to_string().as_str() {
                "." | "" => format!(": {what}"),
                path => format!("{path}: {what}"),
            }
        }
    }
}

/// serde's complaint in the words of the rest: `expected a whole number, found "many"`.
fn plain(what: &str) -> String {
    let told = what.strip_prefix("invalid type: ").or_else(|| what.strip_prefix("invalid value: "));
    let Some((found, expected)) = told.and_then(|told| told.rsplit_once(", expected ")) else {
        return what.to_owned();
    };
    let expected = match expected {
        "u16" | "u32" | "i64" => "a whole number",
        // It is a price: what is there instead is not quoted, because complaints are logged.
        money if money.starts_with("a decimal") => return format!("expected {money}, found none"),
        other => other,
    };
    format!("expected {expected}, found {}", found.strip_prefix("string ").unwrap_or(found))
}

/// The id and time of a record that is unreadable otherwise.
fn identity(text: &str) -> (Option<String>, Option<DateTime<Utc>>) {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Identity<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        changed_at: Option<&'a RawValue>,
    }
    let Identity { id, changed_at } = serde_json::from_str(text).unwrap_or_default();
    (
        id.and_then(|raw| serde_json::from_str(raw.get()).ok()),
        changed_at
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .filter(|at: &DateTime<Utc>| is_countable(*at)),
    )
}

/// A whole answer; a wrong shape names its field.
fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Failure> {
    if text.trim_start().starts_with('[') {
        return Err(Failure::shape("expected an object, found a list"));
    }
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Failure::shape(complaint::<T>(text).trim_start_matches([':', ' ']))
        } else {
            Failure::json(&error)
        }
    })
}

/// As [`answered`], for a call that names no order: every Axerrio has it.
fn found(reply: &Reply) -> Result<(), Failure> {
    if reply.status == StatusCode::NOT_FOUND {
        return Err(Fault::NoSuchAddress(System::Axerrio).into());
    }
    answered(reply)
}

/// `Err` unless the reply is a success: what its problem details say.
fn answered(reply: &Reply) -> Result<(), Failure> {
    if reply.status.is_success() {
        return Ok(());
    }
    let problem = reply.text().ok().and_then(|text| serde_json::from_str::<wire::Problem>(text).ok());
    let message = problem.and_then(|problem| {
        let told = |text: Option<String>| text.filter(|text| blank(Some(text)).is_some());
        told(problem.detail).or(told(problem.title))
    });
    if reply.status == StatusCode::NOT_FOUND {
        // Only Axerrio itself can say that there is no such order; a proxy's page says that Axerrio was not asked.
        return Err(if reply.is_page() {
            Fault::Server(reply.status_and_summary()).into()
        } else {
            Fault::NotFound(message.unwrap_or_else(|| "HTTP 404".to_owned())).into()
        });
    }
    match reply.fault(message, Fault::Throttled(UNHINTED_PAUSE)) {
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}

/// `before{segment}after`, the segment percent-encoded.
fn path(before: &str, segment: &str, after: &str) -> String {
    let mut path = before.to_owned();
    encode(&mut path, segment);
    path.push_str(after);
    path
}

/// A body's bytes. Plain structs of numbers and texts always serialise.
fn bytes(body: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("a struct with string keys serialises into memory")
}

impl Axerrio for AxerrioClient {
    async fn health(&self) -> Result<DateTime<Utc>, SystemError> {
        self.transport
            .read("GET health", "health", |reply| {
                found(reply)?;
                let health = parse::<wire::Health>(reply.text()?)?;
                countable(health.time, "time").map_err(Failure::shape)?;
                if health.status.eq_ignore_ascii_case("ok") {
                    Ok(health.time)
                } else {
                    Err(Fault::Server(format!("it reports {:?}", health.status)).into())
                }
            })
            .await
    }

    async fn orders(&self, since: DateTime<Utc>, cursor: Option<&str>) -> Result<FeedPage<AxOrder>, SystemError> {
        self.feed::<wire::Order, AxOrder>("GET orders", "orders", since, cursor).await
    }

    async fn order(&self, id: &AxOrderId) -> Result<Option<AxOrder>, SystemError> {
        let answer = self.transport.read("GET orders/{id}", &path("orders/", &id.0, ""), order).await;
        match answer {
            Ok(order) => Ok(Some(order)),
            Err(SystemError { fault: Fault::NotFound(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_order(&self, reference: &ExternalRef, input: &OrderInput) -> Result<AxOrder, SystemError> {
        let body = bytes(&wire::OrderInput::from(input.clone()));
        let path = path("orders/by-ref/", &reference.0, "");
        self.put("PUT orders/by-ref/{externalRef}", Method::PUT, &path, body).await
    }

    async fn cancel_order(&self, reference: &ExternalRef) -> Result<AxOrder, SystemError> {
        let path = path("orders/by-ref/", &reference.0, "/cancel");
        self.put("POST orders/by-ref/{externalRef}/cancel", Method::POST, &path, Vec::new()).await
    }

    async fn put_purchase_order(&self, id: &AxOrderId, info: &PurchaseOrderInfo) -> Result<AxOrder, SystemError> {
        let body = bytes(&wire::PurchaseOrderInfo::from(info.clone()));
        let path = path("orders/", &id.0, "/purchase-order");
        self.put("PUT orders/{id}/purchase-order", Method::PUT, &path, body).await
    }

    async fn labels(&self, since: DateTime<Utc>, cursor: Option<&str>) -> Result<FeedPage<Label>, SystemError> {
        self.feed::<wire::Label, Label>("GET labels", "labels", since, cursor).await
    }

    fn requests(&self) -> u64 {
        self.transport.requests()
    }

    fn heed(&self, stop: Arc<AtomicBool>) {
        self.transport.heed(stop);
    }
}
