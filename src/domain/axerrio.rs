//! What Axerrio shows: orders, what it knows of their PO, and labels (axerrio-api.md).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AxOrderId, ExternalRef, LabelId, LineId, LineTerms, Party, PoNumber};

/// Where an order was born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Flow 1: ordered in Axerrio.
    Axerrio,
    /// Flow 2: prebooked in Komet.
    Komet,
}

/// The state of an order in Axerrio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxStatus {
    /// Not answered yet.
    Placed,
    /// The vendor will deliver, possibly fewer boxes.
    Accepted,
    /// The vendor will not deliver.
    Rejected,
    /// Withdrawn.
    Cancelled,
    /// On its way.
    Shipped,
}

impl AxStatus {
    /// Nothing will be delivered: in flow 1 a rejection is a cancellation too (clarification 8).
    pub fn is_off(self) -> bool {
        matches!(self, Self::Cancelled | Self::Rejected)
    }

    /// The vendor said yes.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Shipped)
    }
}

/// What an order says about all its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Who buys.
    pub customer: Party,
    /// The customer's own PO number; 20 characters in Komet.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer; absent means the ship date.
    pub truck_date: Option<NaiveDate>,
    /// Who carries it to the customer.
    pub carrier: Option<Party>,
    /// The importer's location, in companies that have several.
    pub location: Option<String>,
    /// Free text.
    pub comments: Option<String>,
}

impl Header {
    /// The day it leaves the importer.
    pub fn truck_date(&self) -> NaiveDate {
        self.truck_date.unwrap_or(self.ship_date)
    }

    /// Whether `other` says the same in everything that is reconciled: comments and names are not.
    pub fn same_as(&self, other: &Self) -> bool {
        let code = |p: &Option<Party>| p.as_ref().map(|p| p.code.clone());
        self.customer.code == other.customer.code
            && super::blank(self.customer_po.as_deref()) == super::blank(other.customer_po.as_deref())
            && self.ship_date == other.ship_date
            && self.truck_date() == other.truck_date()
            && code(&self.carrier) == code(&other.carrier)
            && super::blank(self.location.as_deref()) == super::blank(other.location.as_deref())
    }
}

/// One line of an order in Axerrio.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxLine {
    /// Stable and unique within the order.
    pub id: LineId,
    /// What is ordered.
    pub terms: LineTerms,
    /// Boxes the vendor accepted; `None` while it has not said.
    pub confirmed_boxes: Option<u32>,
}

impl AxLine {
    /// How many boxes are bought where so many are `asked` for: a lower `confirmedBoxes` counts (clarification 8).
    pub fn wanted_boxes(&self, asked: u32) -> u32 {
        self.confirmed_boxes.map_or(asked, |confirmed| confirmed.min(asked))
    }
}

/// An order as Axerrio shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxOrder {
    /// Axerrio's id.
    pub id: AxOrderId,
    /// Set for orders that came from Komet.
    pub external_ref: Option<ExternalRef>,
    /// Where it was born.
    pub origin: Origin,
    /// Its state.
    pub status: AxStatus,
    /// Grows with every change.
    pub version: i64,
    /// When it last changed, by Axerrio's clock.
    pub changed_at: DateTime<Utc>,
    /// What holds for all lines.
    pub header: Header,
    /// The lines.
    pub lines: Vec<AxLine>,
    /// What Axerrio was last told about the PO.
    pub purchase_order: Option<PurchaseOrderInfo>,
}

/// The body of `PUT orders/by-ref`: an order that comes from Komet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderInput {
    /// What holds for all lines.
    pub header: Header,
    /// The lines, named by their Prebook items. `confirmed_boxes` is not sent.
    pub lines: Vec<InputLine>,
}

impl OrderInput {
    /// The line of this id.
    pub fn line(&self, id: &LineId) -> Option<&InputLine> {
        self.lines.iter().find(|line| line.id == *id)
    }
}

/// One line of an [`OrderInput`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLine {
    /// The Prebook item's id.
    pub id: LineId,
    /// What is ordered.
    pub terms: LineTerms,
}

/// The state of a PO in the words of Axerrio's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoInfoStatus {
    /// Waits for procurement.
    Pending,
    /// Procurement approved it.
    Approved,
    /// The farm confirmed it.
    Confirmed,
    /// Cancelled.
    Cancelled,
}

/// What Axerrio is told about the PO of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrderInfo {
    /// The PO number people see in Komet.
    pub number: PoNumber,
    /// Its state.
    pub status: PoInfoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill, once known.
    pub awb: Option<String>,
    /// When it last changed in Komet; never compared.
    pub updated_at: DateTime<Utc>,
    /// The lines bought. After a split a line has several entries.
    pub lines: Vec<PoInfoLine>,
}

impl PurchaseOrderInfo {
    /// Whether `other` says the same, whenever it was said.
    pub fn same_as(&self, other: &Self) -> bool {
        let sorted = |info: &Self| {
            let mut lines = info.lines.clone();
            lines.sort_by(|a, b| (&a.line_id, &a.po_item_id).cmp(&(&b.line_id, &b.po_item_id)));
            lines
        };
        self.number == other.number
            && self.status == other.status
            && self.ship_date == other.ship_date
            && super::blank(self.awb.as_deref()) == super::blank(other.awb.as_deref())
            && sorted(self) == sorted(other)
    }
}

/// One bought line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoInfoLine {
    /// The Axerrio line.
    pub line_id: LineId,
    /// Komet's PO line, as text (clarification 17).
    pub po_item_id: String,
    /// Boxes bought.
    pub boxes: u32,
    /// Cost per unit.
    pub unit_cost: Decimal,
}

/// The state of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelStatus {
    /// On a box.
    Printed,
    /// Withdrawn.
    Void,
}

/// The sticker on one box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Axerrio's id.
    pub id: LabelId,
    /// The order it belongs to.
    pub order_id: AxOrderId,
    /// The line it belongs to.
    pub line_id: LineId,
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
    /// Printed or void.
    pub status: LabelStatus,
    /// When it last changed, by Axerrio's clock.
    pub changed_at: DateTime<Utc>,
}

/// The label that counts for each box: the latest printed one, else a void one (clarification 10: a reprint may have
/// the same label id or a new one).
pub fn current_labels<'a>(labels: &[&'a Label]) -> BTreeMap<u32, &'a Label> {
    // Of two printed in the same instant the one with the higher number is the reprint.
    let rank = |l: &Label| (l.status == LabelStatus::Printed, l.changed_at, l.id.0.len(), l.id.clone());
    let mut current: BTreeMap<u32, &'a Label> = BTreeMap::new();
    for &label in labels {
        current
            .entry(label.box_number)
            .and_modify(|best| {
                if rank(label) > rank(best) {
                    *best = label;
                }
            })
            .or_insert(label);
    }
    current
}
