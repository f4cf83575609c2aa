//! The two ports, one for each system, and what can go wrong on the way. The adapters behind them live in
//! [`komet`] and [`axerrio`]; nothing outside an adapter knows a wire shape. What may be retried is decided
//! here and nowhere else.

pub mod axerrio;
mod calendar;
mod error;
pub mod komet;
mod mask;
mod meter;
pub mod network;
mod reply;
mod transport;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, NaiveDate, Utc};

pub use error::{Certainty, Fault, SystemError, gist, without_words};
pub use meter::{Meter, SharedMeter};
pub(crate) use reply::pause;
pub(crate) use transport::{deepest, http};

use crate::domain::{
    AxOrder, AxOrderId, BoxType, Carrier, CodeChange, CodeChanged, CreatedPo, CreatedPrebook, ExternalRef, ItemId,
    Label, NewPrebook, NewPurchaseOrder, OrderInput, PoItemId, PoNumber, Prebook, PrebookId, PrebookNumber,
    PurchaseOrder, PurchaseOrderInfo, Shipment, Shipped,
};

/// One of the two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// The vendor's.
    Axerrio,
    /// The importer's.
    Komet,
}

impl System {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axerrio => "axerrio",
            Self::Komet => "komet",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Axerrio => "Axerrio",
            Self::Komet => "Komet",
        }
    }
}

/// A record that could not be understood. It is reported, the others go on, and no watermark passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id, where at least that could be read.
    pub id: Option<String>,
    /// When it changed, where that could be read.
    pub changed_at: Option<DateTime<Utc>>,
    /// Where and what: `items[3].lines[0].boxes: expected a whole number, found "many"`.
    pub what: String,
}

/// What a read answered.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The records that could be understood.
    pub items: Vec<T>,
    /// Those that could not.
    pub unreadable: Vec<Unreadable>,
    /// The answering system's clock: Komet's HTTP `Date`, Axerrio's `asOf`.
    pub as_of: DateTime<Utc>,
}

/// One page of an Axerrio feed.
#[derive(Clone, Debug)]
pub struct FeedPage<T> {
    /// The page.
    pub answer: Answer<T>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<String>,
}

/// Which Prebooks to read: always a range of vendor ship dates or a truck date, as Komet documents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrebookQuery {
    /// The dates.
    pub dates: PrebookDates,
    /// Only those changed at or after it.
    pub updated_as_of: Option<DateTime<Utc>>,
    /// Only the Prebook of this number.
    pub number: Option<PrebookNumber>,
}

/// The dates of a [`PrebookQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrebookDates {
    /// Vendor ship dates, inclusive, at most seven of them (clarification 16).
    Ship {
        /// The first.
        from: NaiveDate,
        /// The last.
        to: NaiveDate,
    },
    /// One truck date.
    Truck(NaiveDate),
}

/// Which POs to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoQuery {
    /// All of one vendor ship date.
    ShipDate(NaiveDate),
    /// One PO by its number.
    Number(PoNumber),
}

/// Komet, as stemsync needs it: the eleven methods a Vendor token may have.
///
/// Reads retry what is safe to retry (time-outs, 429 with `Retry-After`, 5xx, resets) with capped, jittered
/// back-off. Writes are sent once, but for a 429, which is no effect; [`SystemError::certainty`] says whether the effect may have happened.
/// Every attempt counts against the quota, see [`Komet::requests`]. Clones share connections and counts.
pub trait Komet: Clone + Send + Sync {
    /// `prebook.details.list`: this vendor's items only, also with a Company token.
    fn prebooks(&self, query: &PrebookQuery) -> impl Future<Output = Result<Answer<Prebook>, SystemError>> + Send;
    /// `purchase.order.list`: this vendor's POs only. Lines without a Prebook item are included.
    fn purchase_orders(
        &self,
        query: &PoQuery,
    ) -> impl Future<Output = Result<Answer<PurchaseOrder>, SystemError>> + Send;
    /// `carrier.list`, inactive ones too: orders may still name them.
    fn carriers(&self) -> impl Future<Output = Result<Vec<Carrier>, SystemError>> + Send;
    /// `boxtype.list`.
    fn box_types(&self) -> impl Future<Output = Result<Vec<BoxType>, SystemError>> + Send;
    /// `prebook.create`. The items must fit one request, see [`Komet::prebook_fits`].
    fn prebook_create(&self, new: &NewPrebook)
    -> impl Future<Output = Result<CreatedPrebook, SystemError>> + Send;
    /// `prebook.item.delete`.
    fn prebook_item_delete(
        &self,
        prebook: &PrebookId,
        item: &ItemId,
    ) -> impl Future<Output = Result<(), SystemError>> + Send;
    /// `purchase.order.create`, or `purchase.order.mixed.create` for mixed boxes.
    fn po_create(&self, new: &NewPurchaseOrder) -> impl Future<Output = Result<CreatedPo, SystemError>> + Send;
    /// `purchase.order.item.delete`.
    fn po_item_delete(&self, line: &PoItemId) -> impl Future<Output = Result<(), SystemError>> + Send;
    /// `purchase.order.items.awb.add`: one request; one result for each shipment, in their order. A shipment
    /// that Komet's answer does not mention has `Err`.
    fn ship(&self, shipments: &[Shipment]) -> impl Future<Output = Result<Vec<Shipped>, SystemError>> + Send;
    /// `box.code.change`: one request; one result for each change, in their order.
    fn change_codes(
        &self,
        changes: &[CodeChange],
    ) -> impl Future<Output = Result<Vec<CodeChanged>, SystemError>> + Send;

    /// How many of the items, from the first, fit one request of 64,000 bytes; at least 1 if there is one.
    fn prebook_fits(&self, new: &NewPrebook) -> usize;
    /// As [`Komet::prebook_fits`], for PO lines.
    fn po_fits(&self, new: &NewPurchaseOrder) -> usize;
    /// As [`Komet::prebook_fits`], for shipments.
    fn shipments_fit(&self, shipments: &[Shipment]) -> usize;
    /// As [`Komet::prebook_fits`], for code changes.
    fn changes_fit(&self, changes: &[CodeChange]) -> usize;

    /// Requests sent so far by this adapter, retries included.
    fn requests(&self) -> u64;
    /// Reads nothing more once `stop` is set; the one of the last call counts.
    fn heed(&self, stop: Arc<AtomicBool>);
    /// Has every further request counted by this meter before it is sent; the first meter stays.
    fn attach(&self, meter: SharedMeter);
    /// The meter, once one is attached.
    fn meter(&self) -> Option<&dyn Meter>;
    /// Komet's clock, from the last answer's `Date`; `None` before the first answer.
    fn clock(&self) -> Option<DateTime<Utc>>;
}

/// Axerrio, as its contract (`data/axerrio.openapi.yaml`) describes it.
///
/// Reads retry as Komet's do. Writes are idempotent by contract; all the same they are sent once, and an
/// unknown outcome is read back.
pub trait Axerrio: Clone + Send + Sync {
    /// `GET health`: the server's clock.
    fn health(&self) -> impl Future<Output = Result<DateTime<Utc>, SystemError>> + Send;
    /// One page of `GET orders`.
    fn orders(
        &self,
        since: DateTime<Utc>,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<FeedPage<AxOrder>, SystemError>> + Send;
    /// `GET orders/{id}`; `None` for 404.
    fn order(&self, id: &AxOrderId) -> impl Future<Output = Result<Option<AxOrder>, SystemError>> + Send;
    /// `PUT orders/by-ref/{externalRef}`.
    fn put_order(
        &self,
        reference: &ExternalRef,
        input: &OrderInput,
    ) -> impl Future<Output = Result<AxOrder, SystemError>> + Send;
    /// `POST orders/by-ref/{externalRef}/cancel`.
    fn cancel_order(&self, reference: &ExternalRef) -> impl Future<Output = Result<AxOrder, SystemError>> + Send;
    /// `PUT orders/{id}/purchase-order`.
    fn put_purchase_order(
        &self,
        id: &AxOrderId,
        info: &PurchaseOrderInfo,
    ) -> impl Future<Output = Result<AxOrder, SystemError>> + Send;
    /// One page of `GET labels`.
    fn labels(
        &self,
        since: DateTime<Utc>,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<FeedPage<Label>, SystemError>> + Send;

    /// Requests sent so far by this adapter, retries included.
    fn requests(&self) -> u64;
    /// Reads nothing more once `stop` is set; the one of the last call counts.
    fn heed(&self, stop: Arc<AtomicBool>);
}
