//! Axerrio's contract as it arrives over HTTP (axerrio-api.md): feeds in the order of change with an opaque cursor,
//! idempotent writes by reference, and problem details for everything that is refused.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::{
    AxerrioModel, Born, Changed, Feed, MixPart, Order, OrderDraft, OrderStatus, PurchaseOrderInfo, number_of,
    stamp,
};
use crate::sandbox::messy::{Answers, mess_up};

/// A refusal: RFC 9457 problem details.
#[derive(Debug, Serialize)]
pub(in crate::sandbox) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    pub(in crate::sandbox) status: u16,
    detail: String,
}

impl Problem {
    pub(in crate::sandbox) fn new(status: u16, detail: impl Into<String>) -> Self {
        let title = match status {
            400 => "Bad request",
            401 => "Unauthorized",
            404 => "Not found",
            405 => "Method not allowed",
            409 => "Conflict",
            _ => "Unprocessable content",
        };
        Self { kind: "about:blank", title, status, detail: detail.into() }
    }
}

/// A call of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Call {
    Health,
    Orders,
    Order(String),
    PutByRef(String),
    Cancel(String),
    PutPurchaseOrder(String),
    Labels,
}

impl Call {
    /// The call that a verb and a path (already decoded, without the base) make.
    pub(in crate::sandbox) fn of(verb: &str, path: &[String]) -> Option<Self> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (verb, path.as_slice()) {
            ("GET", ["health"]) => Some(Self::Health),
            ("GET", ["orders"]) => Some(Self::Orders),
            ("GET", ["orders", id]) => Some(Self::Order((*id).to_owned())),
            ("PUT", ["orders", "by-ref", reference]) => Some(Self::PutByRef((*reference).to_owned())),
            ("POST", ["orders", "by-ref", reference, "cancel"]) => Some(Self::Cancel((*reference).to_owned())),
            ("PUT", ["orders", id, "purchase-order"]) => Some(Self::PutPurchaseOrder((*id).to_owned())),
            ("GET", ["labels"]) => Some(Self::Labels),
            _ => None,
        }
    }

    /// Its name in the request log.
    pub(in crate::sandbox) fn name(&self) -> &'static str {
        match self {
            Self::Health => "GET health",
            Self::Orders => "GET orders",
            Self::Order(_) => "GET orders/{id}",
            Self::PutByRef(_) => "PUT orders/by-ref/{externalRef}",
            Self::Cancel(_) => "POST orders/by-ref/{externalRef}/cancel",
            Self::PutPurchaseOrder(_) => "PUT orders/{id}/purchase-order",
            Self::Labels => "GET labels",
        }
    }

    pub(in crate::sandbox) fn is_write(&self) -> bool {
        matches!(self, Self::PutByRef(_) | Self::Cancel(_) | Self::PutPurchaseOrder(_))
    }
}

/// One page of a feed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
    #[serde(serialize_with = "instant")]
    as_of: DateTime<Utc>,
}

/// An Order of the contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownOrder<'r> {
    id: &'r str,
    external_ref: Option<&'r str>,
    origin: Born,
    status: OrderStatus,
    version: u64,
    changed_at: DateTime<Utc>,
    #[serde(flatten)]
    draft: &'r OrderDraft,
    purchase_order: Option<&'r PurchaseOrderInfo>,
}

impl<'r> ShownOrder<'r> {
    pub(super) fn of(order: &'r Order) -> Self {
        Self {
            id: &order.id,
            external_ref: order.external_ref.as_deref(),
            origin: order.origin,
            status: order.status,
            version: order.version,
            changed_at: order.changed_at,
            draft: &order.draft,
            purchase_order: order.purchase_order.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(serialize_with = "instant")]
    time: DateTime<Utc>,
}

fn instant<S: Serializer>(time: &DateTime<Utc>, target: S) -> Result<S::Ok, S::Error> {
    target.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// How an answer is worded.
#[derive(Clone, Copy)]
pub(in crate::sandbox) struct Wording {
    pub(in crate::sandbox) answers: Answers,
    pub(in crate::sandbox) counter: u64,
}

impl Wording {
    fn json<T: Serialize>(self, value: &T) -> Result<String, Problem> {
        let text = match self.answers.dice(self.counter) {
            None => serde_json::to_string(value),
            Some(mut dice) => serde_json::to_value(value).map(|mut value| {
                mess_up(&mut value, &mut dice);
                value.to_string()
            }),
        };
        text.map_err(|error| Problem::new(500, error.to_string()))
    }

    /// Messy feeds have small pages: a server may give fewer than the limit.
    fn page_size(self, limit: usize) -> usize {
        self.answers.dice(self.counter).map_or(limit, |mut dice| limit.min(dice.usize(3..40)))
    }
}

impl AxerrioModel {
    fn lag(&self) -> TimeDelta {
        TimeDelta::seconds(self.lag.into())
    }

    /// Answers one call: the status and the JSON.
    pub(in crate::sandbox) fn answer(
        &mut self,
        call: &Call,
        parameters: &[(String, String)],
        body: &[u8],
        now: DateTime<Utc>,
        wording: Wording,
    ) -> Result<(u16, String), Problem> {
        match call {
            Call::Health => Ok((200, wording.json(&Health { status: "ok", time: stamp(now) })?)),
            Call::Orders => Ok((200, feed_page(&self.orders, parameters, now, self.lag(), wording)?)),
            Call::Labels => Ok((200, feed_page(&self.labels, parameters, now, self.lag(), wording)?)),
            Call::Order(id) => {
                let order = self.order(id).ok_or_else(|| no_order(id))?;
                Ok((200, wording.json(&order.shown())?))
            }
            Call::PutByRef(reference) => {
                let (status, number) = self.put_by_ref(reference, parse(body)?, now)?;
                Ok((status, self.show(number, wording)?))
            }
            Call::Cancel(reference) => {
                let number = self.cancel_by_ref(reference, now)?;
                Ok((200, self.show(number, wording)?))
            }
            Call::PutPurchaseOrder(id) => {
                let number = self.put_purchase_order(id, parse(body)?, now)?;
                Ok((200, self.show(number, wording)?))
            }
        }
    }

    fn show(&self, number: u32, wording: Wording) -> Result<String, Problem> {
        match self.orders.records.get(&number) {
            Some(order) => wording.json(&order.shown()),
            None => Err(no_order(&number.to_string())),
        }
    }

    /// Creates (201) or replaces (200). What is identical changes nothing; what is materially different asks the
    /// vendor again (clarification 9).
    fn put_by_ref(
        &mut self,
        reference: &str,
        mut draft: OrderDraft,
        now: DateTime<Utc>,
    ) -> Result<(u16, u32), Problem> {
        check(&draft)?;
        draft.lines.iter_mut().for_each(|line| line.confirmed_boxes = None);
        let Some(&number) = self.refs.get(reference) else {
            return Ok((201, self.add_order(draft, Some(reference.to_owned()), now)));
        };
        if self.is_labelled(number) {
            return Err(Problem::new(409, format!("the labels of {reference} are printed")));
        }
        let Some(order) = self.orders.records.get(&number) else { return Err(no_order(reference)) };
        if order.status == OrderStatus::Shipped {
            return Err(Problem::new(409, format!("{reference} has shipped")));
        }
        let revived = order.status == OrderStatus::Cancelled;
        let mut present = order.draft.clone();
        present.lines.iter_mut().for_each(|line| line.confirmed_boxes = None);
        if !revived && present == draft {
            return Ok((200, number));
        }
        let reopened = revived || material(&present) != material(&draft);
        self.touch_order(number, now, |order| {
            if reopened {
                order.status = OrderStatus::Placed;
            } else {
                // What the vendor accepted stays accepted.
                for (line, old) in draft.lines.iter_mut().zip(&order.draft.lines) {
                    line.confirmed_boxes = old.confirmed_boxes;
                }
            }
            order.draft = draft;
        });
        Ok((200, number))
    }

    fn cancel_by_ref(&mut self, reference: &str, now: DateTime<Utc>) -> Result<u32, Problem> {
        let Some(&number) = self.refs.get(reference) else { return Err(no_order(reference)) };
        if self.is_labelled(number) {
            return Err(Problem::new(409, format!("the labels of {reference} are printed")));
        }
        match self.orders.records.get(&number).map(|order| order.status) {
            Some(OrderStatus::Cancelled) => {}
            Some(OrderStatus::Shipped) => return Err(Problem::new(409, format!("{reference} has shipped"))),
            _ => self.touch_order(number, now, |order| order.status = OrderStatus::Cancelled),
        }
        Ok(number)
    }

    fn put_purchase_order(
        &mut self,
        id: &str,
        info: PurchaseOrderInfo,
        now: DateTime<Utc>,
    ) -> Result<u32, Problem> {
        if info.number.trim().is_empty() {
            return Err(Problem::new(422, "number: must not be empty"));
        }
        let number = number_of(id, "AX-").ok_or_else(|| no_order(id))?;
        let order = self.orders.records.get(&number).ok_or_else(|| no_order(id))?;
        if order.purchase_order.as_ref() != Some(&info) {
            self.touch_order(number, now, |order| order.purchase_order = Some(info));
        }
        Ok(number)
    }
}

fn no_order(what: &str) -> Problem {
    Problem::new(404, format!("there is no order {what}"))
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(422, error.to_string()))
}

/// What the body's types do not say by themselves.
fn check(draft: &OrderDraft) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(422, detail));
    if draft.customer.code.trim().is_empty() {
        return refuse("customer.code: must not be empty".into());
    }
    if draft.lines.is_empty() {
        return refuse("lines: must not be empty".into());
    }
    let mut ids = std::collections::HashSet::new();
    for (at, line) in draft.lines.iter().enumerate() {
        if line.id.trim().is_empty() {
            return refuse(format!("lines[{at}].id: must not be empty"));
        }
        if !ids.insert(&line.id) {
            return refuse(format!("lines[{at}].id: {} is repeated", line.id));
        }
        if line.product.code.trim().is_empty() || line.box_type.trim().is_empty() {
            return refuse(format!("lines[{at}]: product.code and boxType must not be empty"));
        }
        let whole = |part: &MixPart| part.bunches > 0 && part.stems_per_bunch > 0;
        if line.boxes == 0 || line.bunches_per_box == 0 || line.stems_per_bunch == 0 || !line.mix.iter().all(whole)
        {
            return refuse(format!("lines[{at}]: boxes, bunches and stems must be at least 1"));
        }
    }
    Ok(())
}

/// The draft without what nobody is asked about again: comments, notes, names, and the sales price.
fn material(draft: &OrderDraft) -> OrderDraft {
    let mut draft = draft.clone();
    draft.comments = None;
    draft.customer.name.clear();
    draft.carrier.iter_mut().for_each(|carrier| carrier.name.clear());
    for line in &mut draft.lines {
        line.notes = None;
        line.unit_price = None;
        line.product.description.clear();
        line.mix.iter_mut().for_each(|part| part.product.description.clear());
    }
    draft
}

/// One page of what had changed `lag` ago, ascending by (changedAt, id), from the cursor on or from `changedSince`.
fn feed_page<T: Changed>(
    feed: &Feed<T>,
    parameters: &[(String, String)],
    now: DateTime<Utc>,
    lag: TimeDelta,
    wording: Wording,
) -> Result<String, Problem> {
    let as_of = now - lag;
    let parameter = |key: &str| {
        parameters.iter().find(|(name, _)| name == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    };
    let since = parameter("changedSince").ok_or_else(|| Problem::new(400, "changedSince is required"))?;
    let since = DateTime::parse_from_rfc3339(since)
        .map_err(|_| Problem::new(400, "changedSince must be an RFC 3339 date-time"))?
        .to_utc();
    let limit = match parameter("limit") {
        None => 100,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=500).contains(limit))
            .ok_or_else(|| Problem::new(400, "limit must be from 1 to 500"))?,
    };
    let from = match parameter("cursor") {
        None => (since, 0),
        Some(cursor) => {
            let (time, number) = read_cursor(cursor).ok_or_else(|| Problem::new(400, "unknown cursor"))?;
            // The next one after the last one given.
            (time, number.saturating_add(1))
        }
    };
    let size = wording.page_size(limit);
    // What changed in a future that the clock was set back from is no news.
    let is_late = |(changed_at, _): &&(DateTime<Utc>, u32)| *changed_at > as_of && *changed_at <= now;
    let mut following = feed.order.range(from..).filter(|key| !is_late(key));
    let keys: Vec<&(DateTime<Utc>, u32)> = following.by_ref().take(size).collect();
    let next_cursor = match (keys.last(), following.next()) {
        (Some(last), Some(_)) => Some(write_cursor(**last)),
        _ => None,
    };
    let items = keys.iter().filter_map(|(_, number)| feed.records.get(number)).map(Changed::shown).collect();
    wording.json(&Page { items, next_cursor, as_of: stamp(as_of) })
}

/// Opaque to clients: the last record's time of change and number.
fn write_cursor((time, number): (DateTime<Utc>, u32)) -> String {
    format!("{:x}.{number:x}", time.timestamp_micros())
}

fn read_cursor(cursor: &str) -> Option<(DateTime<Utc>, u32)> {
    let (time, number) = cursor.split_once('.')?;
    let time = DateTime::from_timestamp_micros(i64::from_str_radix(time, 16).ok()?)?;
    Some((time, u32::from_str_radix(number, 16).ok()?))
}
