//! The whole story of one order, found by whatever name a person has for it: both sides' views, the boxes, what happened
//! and what waits, in the shape that `trace --format json` has. The field names are part of the outside of the program.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Serialize;

use super::holds::HoldReport;
use crate::domain::{
    AxLine, AxOrder, AxStatus, Breakdown, Flow, KometTerms, LabelStatus, MixPart, Order, Party, PoInfoStatus,
    PoStatus, PurchaseOrderInfo, Stage, UnitType,
};
use crate::store::events::{self, Event};
use crate::store::{Connection, StoreError, holds, orders};
use crate::sync::report::ActionResult;
use crate::systems::System;

/// Where a reference is searched.
pub const SEARCHED: [&str; 5] =
    ["order ids in Axerrio", "external references", "Prebook numbers", "PO numbers", "box codes"];

/// One order's story.
#[derive(Debug, Serialize)]
pub struct Story {
    /// What people call it.
    pub order: String,
    /// 1 or 2.
    pub flow: u8,
    /// How far it has come.
    pub stage: Stage,
    /// `null` while Axerrio showed nothing of it.
    pub axerrio: Option<AxerrioSide>,
    /// `null` while Komet showed nothing of it.
    pub komet: Option<KometSide>,
    /// Its boxes.
    pub boxes: Vec<BoxStory>,
    /// What happened, the first thing first.
    pub events: Vec<EventStory>,
    /// What waits for a person.
    #[serde(skip)]
    pub waits: Vec<HoldReport>,
    /// In which people read its times.
    #[serde(skip)]
    pub zone: Tz,
}

/// The stories of the orders that a person may mean.
pub fn find(conn: &Connection, reference: &str, zone: Tz) -> Result<Vec<Story>, StoreError> {
    let mut found = Vec::new();
    for key in orders::find(conn, reference)? {
        if let Some(order) = orders::load(conn, key)? {
            found.push(Story::of(conn, &order, zone)?);
        }
    }
    Ok(found)
}

impl Story {
    /// The story of an order.
    pub fn of(conn: &Connection, order: &Order, zone: Tz) -> Result<Self, StoreError> {
        let waits = holds::list_of_order(conn, order.key)?;
        Ok(Self {
            order: order.name().to_owned(),
            flow: order.flow.number(),
            stage: order.stage,
            axerrio: order.axerrio.order.as_ref().map(AxerrioSide::of),
            komet: KometSide::of(order),
            boxes: boxes(order),
            events: events::for_order(conn, order.key)?.into_iter().map(EventStory::from).collect(),
            waits: waits.into_iter().map(HoldReport::from).collect(),
            zone,
        })
    }

    /// Where it was born, in words.
    pub fn born(&self) -> &'static str {
        if self.flow == Flow::FromAxerrio.number() { "ordered in Axerrio" } else { "prebooked in Komet" }
    }
}

/// How far an order has come, in words.
pub fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Placed => "not in the other system yet",
        Stage::Prebooked => "it has a Prebook and no PO yet",
        Stage::PoPending => "its PO waits for procurement",
        Stage::PoApproved => "its PO is approved and waits for labels",
        Stage::Labelled => "every box has its label and AWB in Komet",
        Stage::Received => "every box was received",
        Stage::Cancelled => "called off",
    }
}

/// One line: of the order, of a Prebook or of a PO.
#[derive(Debug, Serialize)]
pub struct LineStory {
    /// The order's line, the Prebook item or the PO line.
    pub id: String,
    /// PO lines: the Prebook item it buys for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prebook_item: Option<i64>,
    /// Axerrio's code, or Komet's id as text; `null` while Komet does not know the product.
    pub product: Option<String>,
    /// What it is called.
    pub description: String,
    /// Boxes; 0 is a deleted line.
    pub boxes: u32,
    /// What the vendor accepted; Axerrio only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_boxes: Option<u32>,
    /// Box type code.
    pub box_type: String,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What the cost is per.
    pub unit_type: Option<UnitType>,
    /// Cost per unit.
    pub unit_cost: Decimal,
    /// Text on the box.
    pub mark_code: Option<String>,
    /// The parts of a mixed box.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<PartStory>,
    /// Komet knows every product in it.
    #[serde(skip)]
    pub is_mapped: bool,
}

/// One part of a mixed box.
#[derive(Debug, Serialize)]
pub struct PartStory {
    /// As of a line.
    pub product: Option<String>,
    /// What it is called.
    pub description: String,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit.
    pub unit_cost: Decimal,
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
pub struct AxerrioSide {
    /// Axerrio's id.
    pub id: String,
    /// Flow 2: its name there.
    pub reference: Option<String>,
    /// Its state.
    pub status: AxStatus,
    /// Grows with every change.
    pub version: i64,
    /// When it last changed, by Axerrio's clock.
    pub changed_at: DateTime<Utc>,
    /// Who buys.
    pub customer: Party,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// Who carries it.
    pub carrier: Option<Party>,
    /// The importer's location.
    pub location: Option<String>,
    /// Its lines.
    pub lines: Vec<LineStory>,
    /// What Axerrio was told about the PO.
    pub purchase_order: Option<ToldPo>,
}

/// What Axerrio was told about the PO.
#[derive(Debug, Serialize)]
pub struct ToldPo {
    /// The PO.
    pub number: String,
    /// Its state.
    pub status: PoInfoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill.
    pub awb: Option<String>,
    /// When it last changed in Komet.
    pub updated_at: DateTime<Utc>,
}

impl AxerrioSide {
    fn of(order: &AxOrder) -> Self {
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

    /// Its state in a word.
    pub fn status_name(&self) -> &'static str {
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

    /// Its state in a word.
    pub fn status_name(&self) -> &'static str {
        match self.status {
            PoInfoStatus::Pending => "pending",
            PoInfoStatus::Approved => "approved",
            PoInfoStatus::Confirmed => "confirmed",
            PoInfoStatus::Cancelled => "cancelled",
        }
    }
}

/// A PO's state in words.
pub fn po_words(status: PoStatus) -> &'static str {
    match status {
        PoStatus::Pending => "waits for procurement",
        PoStatus::Approved => "approved",
        PoStatus::Confirmed => "confirmed by the farm",
        PoStatus::Cancelled => "cancelled",
    }
}

/// What a cost is per.
pub fn unit_words(unit: UnitType) -> &'static str {
    match unit {
        UnitType::Stem => "stem",
        UnitType::Bunch => "bunch",
    }
}

/// The order as Komet last showed it.
#[derive(Debug, Serialize)]
pub struct KometSide {
    /// Its Prebooks.
    pub prebooks: Vec<PrebookStory>,
    /// Its POs.
    pub purchase_orders: Vec<PoStory>,
}

/// One Prebook, with this order's items.
#[derive(Debug, Serialize)]
pub struct PrebookStory {
    /// Komet's internal id.
    pub id: i64,
    /// The number people see.
    pub number: String,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// The customer's code in Komet.
    pub customer_code: Option<String>,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The carrier's name.
    pub carrier: Option<String>,
    /// This order's items.
    pub lines: Vec<LineStory>,
}

/// One PO, with this order's lines.
#[derive(Debug, Serialize)]
pub struct PoStory {
    /// The number people see.
    pub number: String,
    /// Its state.
    pub status: PoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill.
    pub awb: Option<String>,
    /// This order's lines.
    pub lines: Vec<LineStory>,
}

impl KometSide {
    fn of(order: &Order) -> Option<Self> {
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
pub struct BoxStory {
    /// What is scanned.
    pub code: String,
    /// The order's line.
    pub line: Option<String>,
    /// Which box of the line, from 1.
    #[serde(rename = "box")]
    pub box_number: Option<u32>,
    /// The grower's lot.
    pub lot_number: Option<String>,
    /// Air waybill.
    pub awb: Option<String>,
    /// `printed` or `void`: not in Komet; `shipped` or `received`: in Komet.
    pub status: &'static str,
    /// Komet's own name of its state.
    pub komet_status: Option<String>,
}

/// The order's boxes: those with a label, by line and box, then those that only Komet knows.
pub fn boxes(order: &Order) -> Vec<BoxStory> {
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
pub struct EventStory {
    /// When.
    pub at: DateTime<Utc>,
    /// `null` for stemsync itself.
    pub system: Option<System>,
    /// What: Komet's method, Axerrio's call, or a few words.
    pub what: String,
    /// More of it.
    pub detail: String,
    /// A push that was tried and not done, or not known to be done: its detail is what the system said.
    #[serde(skip)]
    pub failed: bool,
    /// Something that began to wait for a person.
    #[serde(skip)]
    pub held: bool,
}

impl From<Event> for EventStory {
    fn from(event: Event) -> Self {
        let mut detail = event.detail;
        let (failed, held) =
            (event.result == Some(ActionResult::Failed), event.result == Some(ActionResult::Held));
        if let Some(result) = event.result.filter(|result| *result != ActionResult::Done) {
            let space = if detail.is_empty() { "" } else { " " };
            detail = format!("{detail}{space}({})", result.name());
        }
        Self { at: event.at, system: event.system, what: event.what, detail, failed, held }
    }
}
