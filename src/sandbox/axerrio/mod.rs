//! The simulated Axerrio: orders, what it was told about their POs, and labels of one vendor, kept in memory with
//! the feeds' order as an index. `calls` is the contract as it arrives from outside, `staff` is what customers and
//! the vendor's people do. Its JSON is serde's view of these types; nothing here reads a clock.

mod calls;
mod staff;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

pub(super) use calls::{Call, Problem, Wording};
pub use staff::{OrderChange, Reprint};

/// A customer, carrier or product by the code that Axerrio uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The code.
    pub code: String,
    /// The name for people.
    pub name: String,
}

/// A product by the code that Axerrio uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxProduct {
    /// The code.
    pub code: String,
    /// The description for people.
    pub description: String,
}

/// What a cost is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxUnit {
    /// Per stem.
    Stem,
    /// Per bunch.
    Bunch,
}

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Not answered yet.
    Placed,
    /// The vendor will deliver.
    Accepted,
    /// The vendor will not.
    Rejected,
    /// Withdrawn.
    Cancelled,
    /// On its way.
    Shipped,
}

/// Where an order was born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Born {
    /// Ordered in Axerrio (flow 1).
    Axerrio,
    /// Came from Komet (flow 2).
    Komet,
}

/// What somebody orders: the contract's OrderInput.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDraft {
    /// Who buys.
    pub customer: Named,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer; `None` means the ship date.
    pub truck_date: Option<NaiveDate>,
    /// Who carries it to the customer.
    pub carrier: Option<Named>,
    /// The importer's location code.
    pub location: Option<String>,
    /// Free text.
    pub comments: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Unique within the order and stable. Drafts of people may leave it out: then lines are numbered.
    #[serde(default)]
    pub id: String,
    /// What is ordered.
    pub product: AxProduct,
    /// Box type code.
    pub box_type: String,
    /// Boxes ordered.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches_per_box: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What cost and price are per.
    pub unit_type: AxUnit,
    /// Cost per unit; a decimal text in JSON.
    #[serde(deserialize_with = "money")]
    pub unit_cost: Decimal,
    /// Price per unit; a decimal text in JSON.
    #[serde(default, deserialize_with = "money_or_null")]
    pub unit_price: Option<Decimal>,
    /// Text on the box.
    pub mark_code: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Boxes the vendor accepted. Ignored in a PUT.
    #[serde(default)]
    pub confirmed_boxes: Option<u32>,
    /// The parts of a mixed box.
    #[serde(default)]
    pub mix: Vec<MixPart>,
}

/// One part of a mixed box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MixPart {
    /// What is in it.
    pub product: AxProduct,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit; a decimal text in JSON.
    #[serde(deserialize_with = "money")]
    pub unit_cost: Decimal,
}

/// Money is a text, never a number (axerrio-api.md).
fn money<'de, D: Deserializer<'de>>(source: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(source)?;
    text.parse().map_err(|_| serde::de::Error::custom("expected a decimal text such as \"0.32\""))
}

fn money_or_null<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(source)?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| serde::de::Error::custom("expected a decimal text such as \"0.32\""))
}

/// What Komet decided about the PO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseOrderInfo {
    /// The PO number.
    pub number: String,
    /// Its state.
    pub status: InfoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill.
    pub awb: Option<String>,
    /// When it last changed in Komet.
    pub updated_at: DateTime<Utc>,
    /// The lines bought.
    pub lines: Vec<InfoLine>,
}

/// The state of a PO in Axerrio's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InfoStatus {
    /// Waits for procurement.
    Pending,
    /// Approved.
    Approved,
    /// Confirmed by the farm.
    Confirmed,
    /// Cancelled.
    Cancelled,
}

/// One bought line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InfoLine {
    /// The order's line.
    pub line_id: String,
    /// Komet's PO line.
    pub po_item_id: String,
    /// Boxes bought.
    pub boxes: u32,
    /// Cost per unit; a decimal text in JSON.
    #[serde(deserialize_with = "money")]
    pub unit_cost: Decimal,
}

/// An order. The contract shows the draft's fields beside the others; here, and in the saved world, it stands apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// `AX-100001` and so on.
    pub id: String,
    /// Set for orders that came from Komet.
    pub external_ref: Option<String>,
    /// Where it was born.
    pub origin: Born,
    /// Its state.
    pub status: OrderStatus,
    /// Grows with every change.
    pub version: u64,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// What is ordered.
    pub draft: OrderDraft,
    /// What Axerrio was last told about the PO.
    pub purchase_order: Option<PurchaseOrderInfo>,
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
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// `LB-1000001` and so on.
    pub id: String,
    /// The order.
    pub order_id: String,
    /// The order's line.
    pub line_id: String,
    /// Which box of the line, from 1.
    pub box_number: u32,
    /// What is scanned.
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
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
}

/// The next free numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Next {
    order: u32,
    label: u32,
    box_code: u64,
}

/// A table of a feed: records by number, and their order of change.
#[derive(Serialize, Deserialize)]
struct Feed<T> {
    records: BTreeMap<u32, T>,
    #[serde(skip)]
    order: BTreeSet<(DateTime<Utc>, u32)>,
}

/// The whole simulated installation.
#[derive(Serialize, Deserialize)]
pub struct AxerrioModel {
    orders: Feed<Order>,
    labels: Feed<Label>,
    next: Next,
    /// By so many seconds the feeds lag behind: they show what had changed by then, and tell that time as `asOf`.
    #[serde(default)]
    lag: u32,
    /// Orders that came from Komet, by their reference.
    #[serde(skip)]
    refs: HashMap<String, u32>,
    /// Labels of an order.
    #[serde(skip)]
    labels_of: HashMap<u32, Vec<u32>>,
}

/// What stands in a feed.
trait Changed {
    /// How the contract shows it.
    type Shown<'r>: Serialize
    where
        Self: 'r;

    fn changed_at(&self) -> DateTime<Utc>;
    fn shown(&self) -> Self::Shown<'_>;
}

impl Changed for Order {
    type Shown<'r> = calls::ShownOrder<'r>;

    fn changed_at(&self) -> DateTime<Utc> {
        self.changed_at
    }

    fn shown(&self) -> Self::Shown<'_> {
        calls::ShownOrder::of(self)
    }
}

impl Changed for Label {
    type Shown<'r> = &'r Self;

    fn changed_at(&self) -> DateTime<Utc> {
        self.changed_at
    }

    fn shown(&self) -> Self::Shown<'_> {
        self
    }
}

impl<T: Changed> Feed<T> {
    fn new() -> Self {
        Self { records: BTreeMap::new(), order: BTreeSet::new() }
    }

    fn insert(&mut self, number: u32, record: T) {
        self.order.insert((record.changed_at(), number));
        self.records.insert(number, record);
    }

    /// Changes a record and moves it to where its new time of change belongs.
    fn change<R>(&mut self, number: u32, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let record = self.records.get_mut(&number)?;
        self.order.remove(&(record.changed_at(), number));
        let result = change(record);
        self.order.insert((record.changed_at(), number));
        Some(result)
    }

    fn reindex(&mut self) {
        self.order = self.records.iter().map(|(number, record)| (record.changed_at(), *number)).collect();
    }
}

impl Default for AxerrioModel {
    fn default() -> Self {
        Self::new()
    }
}

/// The number behind an id such as `AX-100234`.
fn number_of(id: &str, prefix: &str) -> Option<u32> {
    id.strip_prefix(prefix)?.parse().ok()
}

impl AxerrioModel {
    /// An installation without orders.
    pub fn new() -> Self {
        Self {
            orders: Feed::new(),
            labels: Feed::new(),
            next: Next { order: 100_001, label: 1_000_001, box_code: 1 },
            refs: HashMap::new(),
            labels_of: HashMap::new(),
            lag: 0,
        }
    }

    /// Has the feeds lag behind by so many seconds.
    pub fn set_lag(&mut self, seconds: u32) {
        self.lag = seconds;
    }

    /// Rebuilds what is not saved.
    pub(super) fn reindex(&mut self) {
        self.orders.reindex();
        self.labels.reindex();
        self.refs = self
            .orders
            .records
            .iter()
            .filter_map(|(number, order)| order.external_ref.clone().map(|reference| (reference, *number)))
            .collect();
        self.labels_of.clear();
        for (number, label) in &self.labels.records {
            if let Some(order) = number_of(&label.order_id, "AX-") {
                self.labels_of.entry(order).or_default().push(*number);
            }
        }
    }

    /// Every order, by id.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.records.values()
    }

    /// One order, by id.
    pub fn order(&self, id: &str) -> Option<&Order> {
        self.orders.records.get(&number_of(id, "AX-")?)
    }

    /// The order with this external reference.
    pub fn order_by_ref(&self, reference: &str) -> Option<&Order> {
        self.orders.records.get(self.refs.get(reference)?)
    }

    /// Every label, by id.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.labels.records.values()
    }

    /// The labels of one order, oldest first.
    pub fn labels_of(&self, order: &str) -> impl Iterator<Item = &Label> {
        let numbers = number_of(order, "AX-").and_then(|number| self.labels_of.get(&number));
        numbers.into_iter().flatten().filter_map(|number| self.labels.records.get(number))
    }

    fn is_labelled(&self, order: u32) -> bool {
        let labels = self.labels_of.get(&order).into_iter().flatten();
        labels.filter_map(|n| self.labels.records.get(n)).any(|label| label.status == LabelStatus::Printed)
    }

    /// Adds an order; `now` is when.
    fn add_order(&mut self, draft: OrderDraft, reference: Option<String>, now: DateTime<Utc>) -> u32 {
        let number = self.next.order;
        self.next.order += 1;
        if let Some(reference) = &reference {
            self.refs.insert(reference.clone(), number);
        }
        let origin = if reference.is_some() { Born::Komet } else { Born::Axerrio };
        let order = Order {
            id: format!("AX-{number}"),
            external_ref: reference,
            origin,
            status: OrderStatus::Placed,
            version: 1,
            changed_at: stamp(now),
            draft,
            purchase_order: None,
        };
        self.orders.insert(number, order);
        number
    }

    /// Changes an order, which makes it a new version.
    fn touch_order(&mut self, number: u32, now: DateTime<Utc>, change: impl FnOnce(&mut Order)) {
        self.orders.change(number, |order| {
            change(order);
            order.version += 1;
            order.changed_at = stamp(now);
        });
    }
}

/// Axerrio's clock ticks in microseconds: what it shows is what it compares.
fn stamp(now: DateTime<Utc>) -> DateTime<Utc> {
    now.trunc_subsecs(6)
}
