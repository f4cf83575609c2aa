//! The shapes of the Axerrio contract, field by field as `data/axerrio.openapi.yaml` has them: JSON in camelCase,
//! dates `YYYY-MM-DD`, times RFC 3339 in UTC, money a decimal string. They read what the sandbox writes and write what
//! it reads. Unknown fields are ignored; an unknown name of a state makes the record unreadable.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

// The names of these states are the contract's, and the domain took them over word for word.
pub use crate::domain::{AxStatus, LabelStatus, Origin, PoInfoStatus, UnitType};

/// A decimal that is a string in JSON (`"0.32"`). A JSON number is understood too, by its shortest decimal text,
/// which is the text that was written for anything up to 15 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money(pub Decimal);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal string such as \"0.32\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Money, E> {
                let digits = Some(text.trim()).filter(|text| !text.contains('_'));
                let decimal = digits.and_then(|text| Decimal::from_str_exact(text).ok());
                decimal.map(Money).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Money, E> {
                Ok(Money(number.into()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Money, E> {
                Ok(Money(number.into()))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Money, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Digits)
    }
}

/// A list that may be absent, which null means as well.
fn nothing_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// `GET health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The server's clock.
    pub time: DateTime<Utc>,
}

/// One page of a feed, ascending by (`changedAt`, `id`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// Where the next page starts; null on the last.
    pub next_cursor: Option<String>,
    /// The feed is complete up to this time of the server.
    pub as_of: DateTime<Utc>,
}

/// A customer or carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its code in the installation.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its code in the installation.
    pub code: String,
    /// What people call it.
    pub description: String,
}

/// One part of a mixed box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MixPart {
    /// What is in it.
    pub product: Product,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit.
    pub unit_cost: Money,
}

/// One line of an order. In an [`OrderInput`] `confirmedBoxes` is ignored (clarification 9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Unique within the order, and stable.
    pub id: String,
    /// What is ordered.
    pub product: Product,
    /// Box type code such as `HB`.
    pub box_type: String,
    /// Boxes ordered.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches_per_box: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What cost and price are per: `stem` or `bunch`.
    pub unit_type: UnitType,
    /// What the importer pays per unit.
    pub unit_cost: Money,
    /// What the customer pays per unit.
    pub unit_price: Option<Money>,
    /// Text on the box.
    pub mark_code: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Boxes the vendor accepted; null while it has not said.
    pub confirmed_boxes: Option<u32>,
    /// The parts of a mixed box; empty for a box of one product.
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub mix: Vec<MixPart>,
}

/// What Axerrio is told about the PO of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseOrderInfo {
    /// The PO number people see in Komet.
    pub number: String,
    /// `pending`, `approved`, `confirmed` or `cancelled`.
    pub status: PoInfoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill, once known.
    pub awb: Option<String>,
    /// When it last changed in Komet.
    pub updated_at: DateTime<Utc>,
    /// The lines bought; several entries per `lineId` after a split (clarification 17).
    pub lines: Vec<PurchaseOrderLine>,
}

/// One line of a [`PurchaseOrderInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseOrderLine {
    /// The order's line.
    pub line_id: String,
    /// Komet's PO line.
    pub po_item_id: String,
    /// Boxes bought.
    pub boxes: u32,
    /// Cost per unit.
    pub unit_cost: Money,
}

/// An order as Axerrio shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Such as `AX-100234`.
    pub id: String,
    /// Set for orders that came from Komet.
    pub external_ref: Option<String>,
    /// `axerrio` or `komet`.
    pub origin: Origin,
    /// `placed`, `accepted`, `rejected`, `cancelled` or `shipped`.
    pub status: AxStatus,
    /// Grows with every change.
    pub version: i64,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// Who buys.
    pub customer: Party,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer; null means the ship date.
    pub truck_date: Option<NaiveDate>,
    /// Who carries it to the customer.
    pub carrier: Option<Party>,
    /// The importer's location code.
    pub location: Option<String>,
    /// Free text.
    pub comments: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
    /// What Komet decided about the PO.
    pub purchase_order: Option<PurchaseOrderInfo>,
}

/// The body of `PUT orders/by-ref/{externalRef}`: an [`Order`] without what Axerrio itself decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderInput {
    /// Who buys.
    pub customer: Party,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer; null means the ship date.
    pub truck_date: Option<NaiveDate>,
    /// Who carries it to the customer.
    pub carrier: Option<Party>,
    /// The importer's location code.
    pub location: Option<String>,
    /// Free text.
    pub comments: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The sticker on one box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Axerrio's id.
    pub id: String,
    /// The order it belongs to.
    pub order_id: String,
    /// The line it belongs to.
    pub line_id: String,
    /// Which box of the line, from 1.
    pub box_number: u32,
    /// What is scanned; 20 characters at most.
    pub box_code: String,
    /// The grower's lot.
    pub lot_number: Option<String>,
    /// Air waybill.
    pub awb: Option<String>,
    /// House air waybill.
    pub house_awb: Option<String>,
    /// The day it ships.
    pub ship_date: NaiveDate,
    /// `printed` or `void`.
    pub status: LabelStatus,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
}

/// Problem details (RFC 9457): how Axerrio says no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The kind in words.
    #[serde(default)]
    pub title: Option<String>,
    /// The HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// What is wrong this time.
    #[serde(default)]
    pub detail: Option<String>,
}
