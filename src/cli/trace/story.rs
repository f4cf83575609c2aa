//! What `trace` tells of an order: both sides' views and the boxes, in the shape that scripts read. The field names
//! are part of the outside of the program.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{
    AxLine, AxOrder, AxStatus, Breakdown, KometTerms, LabelStatus, MixPart, Order, Party, PoInfoStatus, PoStatus,
    PurchaseOrderInfo, UnitType,
};
use crate::store::events::Event;
use crate::sync::report::ActionResult;
use crate::systems::System;

/// One line: of the order, of a Prebook or of a PO.
#[derive(Debug, Serialize)]
pub(super) struct LineStory {
    /// The order's line, the Prebook item or the PO line.
    pub(super) id: String,
    /// PO lines: the Prebook item it buys for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prebook_item: Option<i64>,
    /// Axerrio's code, or Komet's id as text; `null` while Komet does not know the product.
    product: Option<String>,
    pub(super) description: String,
    pub(super) boxes: u32,
    /// What the vendor accepted; Axerrio only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) confirmed_boxes: Option<u32>,
    pub(super) box_type: String,
    pub(super) bunches: u32,
    pub(super) stems_per_bunch: u32,
    pub(super) unit_type: Option<UnitType>,
    pub(super) unit_cost: Decimal,
    mark_code: Option<String>,
    /// The parts of a mixed box.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mix: Vec<PartStory>,
    #[serde(skip)]
    pub(super) is_mapped: bool,
}

/// One part of a mixed box.
#[derive(Debug, Serialize)]
struct PartStory {
    product: Option<String>,
    description: String,
    bunches: u32,
    stems_per_bunch: u32,
    unit_cost: Decimal,
}

impl LineStory {
    fn of_axerrio(line: &AxLine) -> Self {
        let terms = &line.terms;
        Self {
            id: line.id.0.clone(),
            prebook_item: None,
            product: Some(terms.product.code.clone()),
            description: terms.product.description.clone(),
            boxes: terms.boxes,
            confirmed_boxes: line.confirmed_boxes,
            box_type: terms.box_type.clone(),
            bunches: terms.bunches,
            stems_per_bunch: terms.stems_per_bunch,
            unit_type: Some(terms.unit_type),
            unit_cost: terms.unit_cost,
            mark_code: terms.mark_code.clone(),
            mix: terms.mix.iter().map(PartStory::of_axerrio).collect(),
            is_mapped: true,
        }
    }

    fn of_komet(id: i64, prebook_item: Option<i64>, terms: &KometTerms) -> Self {
        Self {
            id: id.to_string(),
            prebook_item,
            product: terms.product.id.map(|id| id.to_string()),
            description: terms.product.description.clone(),
            boxes: terms.boxes,
            confirmed_boxes: None,
            box_type: terms.box_type.clone(),
            bunches: terms.bunches,
            stems_per_bunch: terms.stems_per_bunch,
            unit_type: terms.unit_type,
            unit_cost: terms.unit_cost,
            mark_code: terms.mark_code.clone(),
            mix: terms.breakdowns.iter().map(PartStory::of_komet).collect(),
            is_mapped: terms.is_mapped(),
        }
    }
}

impl PartStory {
    fn of_axerrio(part: &MixPart) -> Self {
        Self {
            product: Some(part.product.code.clone()),
            description: part.product.description.clone(),
            bunches: part.bunches,
            stems_per_bunch: part.stems_per_bunch,
            unit_cost: part.unit_cost,
        }
    }

    fn of_komet(part: &Breakdown) -> Self {
        Self {
            product: part.product.id.map(|id| id.to_string()),
            description: part.product.description.clone(),
            bunches: part.bunches,
            stems_per_bunch: part.stems_per_bunch,
            unit_cost: part.unit_cost,
        }
    }
}

/// The order as Axerrio last showed it.
#[derive(Debug, Serialize)]
pub(super) struct AxerrioSide {
    pub(super) id: String,
    reference: Option<String>,
    status: AxStatus,
    version: i64,
    changed_at: DateTime<Utc>,
    pub(super) customer: Party,
    pub(super) customer_po: Option<String>,
    pub(super) ship_date: NaiveDate,
    pub(super) truck_date: NaiveDate,
    pub(super) carrier: Option<Party>,
    pub(super) location: Option<String>,
    pub(super) lines: Vec<LineStory>,
    /// What Axerrio was told about the PO.
    pub(super) purchase_order: Option<ToldPo>,
}

/// What Axerrio was told about the PO.
#[derive(Debug, Serialize)]
pub(super) struct ToldPo {
    pub(super) number: String,
    status: PoInfoStatus,
    pub(super) ship_date: NaiveDate,
    pub(super) awb: Option<String>,
    updated_at: DateTime<Utc>,
}

impl AxerrioSide {
    pub(super) fn of(order: &AxOrder) -> Self {
        let header = &order.header;
        Self {
            id: order.id.0.clone(),
            reference: order.external_ref.as_ref().map(|r| r.0.clone()),
            status: order.status,
            version: order.version,
            changed_at: order.changed_at,
            customer: header.customer.clone(),
            customer_po: header.customer_po.clone(),
            ship_date: header.ship_date,
            truck_date: header.truck_date(),
            carrier: header.carrier.clone(),
            location: header.location.clone(),
            lines: order.lines.iter().map(LineStory::of_axerrio).collect(),
            purchase_order: order.purchase_order.as_ref().map(ToldPo::of),
        }
    }

    pub(super) fn status_name(&self) -> &'static str {
        match self.status {
            AxStatus::Placed => "placed",
            AxStatus::Accepted => "accepted",
            AxStatus::Rejected => "rejected",
            AxStatus::Cancelled => "cancelled",
            AxStatus::Shipped => "shipped",
        }
    }
}

impl ToldPo {
    fn of(info: &PurchaseOrderInfo) -> Self {
        Self {
            number: info.number.0.clone(),
            status: info.status,
            ship_date: info.ship_date,
            awb: info.awb.clone(),
            updated_at: info.updated_at,
        }
    }

    pub(super) fn status_name(&self) -> &'static str {
        match self.status {
            PoInfoStatus::Pending => "pending",
            PoInfoStatus::Approved => "approved",
            PoInfoStatus::Confirmed => "confirmed",
            PoInfoStatus::Cancelled => "cancelled",
        }
    }
}

/// A PO's state in words.
pub(super) fn po_words(status: PoStatus) -> &'static str {
    match status {
        PoStatus::Pending => "waits for procurement",
        PoStatus::Approved => "approved",
        PoStatus::Confirmed => "confirmed by the farm",
        PoStatus::Cancelled => "cancelled",
    }
}

/// What a cost is per.
pub(super) fn unit_words(unit: UnitType) -> &'static str {
    match unit {
        UnitType::Stem => "stem",
        UnitType::Bunch => "bunch",
    }
}

/// The order as Komet last showed it.
#[derive(Debug, Serialize)]
pub(super) struct KometSide {
    pub(super) prebooks: Vec<PrebookStory>,
    pub(super) purchase_orders: Vec<PoStory>,
}

/// One Prebook, with this order's items.
#[derive(Debug, Serialize)]
pub(super) struct PrebookStory {
    id: i64,
    pub(super) number: String,
    pub(super) truck_date: NaiveDate,
    customer_code: Option<String>,
    pub(super) customer_po: Option<String>,
    carrier: Option<String>,
    pub(super) lines: Vec<LineStory>,
}

/// One PO, with this order's lines.
#[derive(Debug, Serialize)]
pub(super) struct PoStory {
    pub(super) number: String,
    pub(super) status: PoStatus,
    pub(super) ship_date: NaiveDate,
    pub(super) awb: Option<String>,
    pub(super) lines: Vec<LineStory>,
}

impl KometSide {
    pub(super) fn of(order: &Order) -> Option<Self> {
        let view = &order.komet;
        if view.prebooks.is_empty() && view.purchase_orders.is_empty() {
            return None;
        }
        let prebooks = view.prebooks.iter().map(|prebook| PrebookStory {
            id: prebook.id.0,
            number: prebook.number.0.clone(),
            truck_date: prebook.header.truck_date,
            customer_code: prebook.header.customer_code.clone(),
            customer_po: prebook.header.customer_po.clone(),
            carrier: prebook.header.carrier_name.clone(),
            lines: prebook.items.iter().map(|item| LineStory::of_komet(item.id.0, None, &item.terms)).collect(),
        });
        let purchase_orders = view.purchase_orders.iter().map(|po| PoStory {
            number: po.number.0.clone(),
            status: po.status,
            ship_date: po.ship_date,
            awb: po.awb.clone(),
            lines: po
                .lines
                .iter()
                .map(|line| LineStory::of_komet(line.id.0, line.item_id.as_ref().map(|i| i.0), &line.terms))
                .collect(),
        });
        Some(Self { prebooks: prebooks.collect(), purchase_orders: purchase_orders.collect() })
    }
}

/// One box: its label in Axerrio and what Komet says of its code.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct BoxStory {
    pub(super) code: String,
    /// The order's line.
    pub(super) line: Option<String>,
    /// Which box of the line, from 1.
    #[serde(rename = "box")]
    pub(super) box_number: Option<u32>,
    pub(super) lot_number: Option<String>,
    pub(super) awb: Option<String>,
    /// `printed` or `void`: not in Komet; `shipped` or `received`: in Komet.
    pub(super) status: &'static str,
    /// Komet's own name of its state.
    komet_status: Option<String>,
}

/// The order's boxes: those with a label, by line and box, then those that only Komet knows.
pub(super) fn boxes(order: &Order) -> Vec<BoxStory> {
    let mut shipped: Vec<_> = order
        .komet
        .purchase_orders
        .iter()
        .flat_map(|po| po.lines.iter().flat_map(move |line| line.boxes.iter().map(move |b| (po, line, b))))
        .collect();
    let mut labels: Vec<_> = order.axerrio.labels.iter().collect();
    labels.sort_by_key(|label| (&label.line_id, label.box_number, label.changed_at));
    let mut told = Vec::new();
    for label in labels {
        // A void label's code may live on in Komet: then the box is told as Komet's.
        let place = shipped.iter().position(|(_, _, b)| b.code == label.box_code);
        let known = place.filter(|_| label.status == LabelStatus::Printed).map(|place| shipped.remove(place).2);
        told.push(BoxStory {
            code: label.box_code.clone(),
            line: Some(label.line_id.0.clone()),
            box_number: Some(label.box_number),
            lot_number: label.lot_number.clone(),
            awb: label.awb.clone(),
            status: match (known, label.status) {
                (Some(b), _) if b.is_received() => "received",
                (Some(_), _) => "shipped",
                (None, LabelStatus::Printed) => "printed",
                (None, LabelStatus::Void) => "void",
            },
            komet_status: known.and_then(|b| b.status.clone()),
        });
    }
    for (po, line, b) in shipped {
        let agreed = order.agreed.boxes.get(&b.code);
        let bought = || {
            let mut lines = order.agreed.lines.iter();
            lines.find(|(_, agreed)| agreed.po_lines.iter().any(|link| link.line == line.id)).map(|(id, _)| id)
        };
        told.push(BoxStory {
            code: b.code.clone(),
            line: agreed.map(|a| &a.line).or_else(bought).map(|id| id.0.clone()),
            box_number: agreed.map(|a| a.box_number),
            lot_number: b.lot_number.clone(),
            awb: agreed.and_then(|a| a.awb.clone()).or_else(|| po.awb.clone()),
            status: if b.is_received() { "received" } else { "shipped" },
            komet_status: b.status.clone(),
        });
    }
    told
}

/// Something that happened.
#[derive(Debug, Serialize)]
pub(super) struct EventStory {
    pub(super) at: DateTime<Utc>,
    /// `null` for stemsync itself.
    pub(super) system: Option<System>,
    pub(super) what: String,
    pub(super) detail: String,
}

impl From<Event> for EventStory {
    fn from(event: Event) -> Self {
        let mut detail = event.detail;
        if let Some(result) = event.result.filter(|result| *result != ActionResult::Done) {
            let space = if detail.is_empty() { "" } else { " " };
            detail = format!("{detail}{space}({})", result.name());
        }
        Self { at: event.at, system: event.system, what: event.what, detail }
    }
}
