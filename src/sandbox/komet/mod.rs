//! The simulated Komet: Prebooks, purchase orders and boxes of one company, kept in memory with the indices that its
//! lists need. `reads` and `writes` are the eleven methods as they arrive from outside, `staff` is what the
//! importer's own people do. Nothing here reads a clock: every change is told when it happens.

mod body;
mod reads;
mod rules;
mod shipping;
mod staff;
mod store;
mod writes;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use rules::KometRules;
pub use staff::{HeaderChange, ItemChange, ItemDraft, PartDraft, PrebookDraft};

use super::catalogue::{Catalogue, Lookup};
use super::messy::Writer;
use store::Index;

/// What a cost is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Per stem.
    Stem,
    /// Per bunch.
    Bunch,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Stem => "Stem",
            Self::Bunch => "Bunch",
        }
    }
}

/// What is in a box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// The product; `None` while Komet does not know it. Of a mixed box what the box is called.
    pub product: Option<u64>,
    /// The description as it was entered.
    pub description: String,
    /// Box type code.
    pub box_type: String,
    /// Boxes; 0 means deleted.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems: u32,
    /// What cost and price are per.
    pub unit: Unit,
    /// Cost per unit.
    pub cost: Option<Decimal>,
    /// Text on the box.
    pub mark_code: String,
    /// Free text.
    pub notes: String,
    /// Parts of a mixed box; empty for one product.
    pub parts: Vec<Part>,
}

impl Goods {
    /// Whether Komet knows every product in the box.
    pub fn is_mapped(&self) -> bool {
        if self.parts.is_empty() { self.product.is_some() } else { self.parts.iter().all(|p| p.product.is_some()) }
    }

    /// Units (stems or bunches) in one box.
    fn units(&self) -> u64 {
        let of = |bunches: u32, stems: u32| match self.unit {
            Unit::Stem => u64::from(bunches) * u64::from(stems),
            Unit::Bunch => u64::from(bunches),
        };
        if self.parts.is_empty() {
            of(self.bunches, self.stems)
        } else {
            self.parts.iter().map(|p| of(p.bunches, p.stems)).sum()
        }
    }
}

/// One part of a mixed box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The product, once Komet knows it.
    pub product: Option<u64>,
    /// The description as it was entered.
    pub description: String,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems: u32,
    /// Cost per unit.
    pub cost: Decimal,
}

/// A Prebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prebook {
    /// Komet's internal id.
    pub id: u64,
    /// The number people see.
    pub number: u64,
    /// From a standing order (`S`) rather than entered by hand (`P`).
    pub standing: bool,
    /// Location, by id.
    pub location: u64,
    /// Customer, by id.
    pub customer: u64,
    /// Carrier, by id.
    pub carrier: Option<u64>,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// The customer's own PO number; may be empty.
    pub customer_po: String,
    /// 0 warehouse, 1 grower.
    pub ship_via: u8,
    /// Free text.
    pub comments: String,
    /// When it last changed, by Komet's clock.
    pub updated: DateTime<Utc>,
    /// The items of all vendors.
    pub items: Vec<PrebookItem>,
}

/// One line of a Prebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrebookItem {
    /// Komet's id.
    pub id: u64,
    /// Vendor, by id.
    pub vendor: u64,
    /// The day the vendor ships it; without one no Vendor token sees it.
    pub ship_date: Option<NaiveDate>,
    /// What the customer pays per unit.
    pub price: Option<Decimal>,
    /// The goods.
    pub goods: Goods,
}

/// The state of a PO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoStatus {
    /// `PA`.
    Pending,
    /// `A`.
    Approved,
    /// `CF`.
    Confirmed,
    /// `C`.
    Cancelled,
}

impl PoStatus {
    fn short(self) -> &'static str {
        match self {
            Self::Pending => "PA",
            Self::Approved => "A",
            Self::Confirmed => "CF",
            Self::Cancelled => "C",
        }
    }

    fn long(self) -> &'static str {
        match self {
            Self::Pending => "Pending Approval",
            Self::Approved => "Approved",
            Self::Confirmed => "Confirmed by Farm",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A purchase order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// Komet's internal id.
    pub id: u64,
    /// The number people see.
    pub number: u64,
    /// Vendor, by id.
    pub vendor: u64,
    /// Location, by id.
    pub location: u64,
    /// Inbound carrier, by id.
    pub carrier: Option<u64>,
    /// Its state.
    pub status: PoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it last changed.
    pub updated: DateTime<Utc>,
    /// The lines.
    pub lines: Vec<PoLine>,
}

/// One line of a PO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoLine {
    /// Komet's id.
    pub id: u64,
    /// The Prebook item it buys for; `None` for stock.
    pub item: Option<u64>,
    /// The goods.
    pub goods: Goods,
    /// Boxes the farm confirmed.
    pub confirmed: Option<u32>,
    /// Air waybill, once shipped.
    pub awb: Option<String>,
    /// House air waybill.
    pub house_awb: Option<String>,
    /// The boxes, once shipped.
    pub boxes: Vec<PoBox>,
}

/// One shipped box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoBox {
    /// What is scanned.
    pub code: String,
    /// The lot.
    pub lot: String,
    /// Scanned in at the importer.
    pub received: bool,
}

/// The next free numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Next {
    prebook: u64,
    prebook_number: u64,
    item: u64,
    po: u64,
    po_number: u64,
    po_line: u64,
    box_code: u64,
    lot: u64,
    party: u64,
}

impl Default for Next {
    /// Every kind of number has its own range, so that a mix-up never finds something by accident.
    fn default() -> Self {
        Self {
            prebook: 700_001,
            prebook_number: 85_001,
            item: 3_000_001,
            po: 500_001,
            po_number: 41_001,
            po_line: 6_000_001,
            box_code: 1,
            lot: 1_000,
            party: 8_001,
        }
    }
}

/// Requests of one UTC day.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Quota {
    day: Option<NaiveDate>,
    used: u64,
}

/// The whole simulated company.
#[derive(Serialize, Deserialize)]
pub struct KometModel {
    catalogue: Catalogue,
    /// How open questions are answered; may be changed at any time.
    pub rules: KometRules,
    prebooks: std::collections::BTreeMap<u64, Prebook>,
    orders: std::collections::BTreeMap<u64, PurchaseOrder>,
    next: Next,
    quota: Quota,
    #[serde(skip)]
    lookup: Lookup,
    #[serde(skip)]
    index: Index,
}

/// Who asks, by the token shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The catalogue's vendor.
    Vendor,
    /// The whole company.
    Company,
}

/// Why Komet refuses a request: the `message` beside `status` 0.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl<T: Into<String>> From<T> for Refused {
    fn from(message: T) -> Self {
        Self(message.into())
    }
}

/// What `refuse!` makes: an early return with a formatted message.
macro_rules! refuse {
    ($($message:tt)*) => { return Err($crate::sandbox::komet::Refused(format!($($message)*))) };
}
use refuse;

/// The eleven methods of a Vendor token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    BoxCodeChange,
    PrebookCreate,
    PrebookItemDelete,
    PoCreate,
    AwbAdd,
    PoItemDelete,
    MixedCreate,
    PoList,
    BoxTypeList,
    CarrierList,
    PrebookList,
}

impl Method {
    const ALL: [Self; 11] = [
        Self::BoxCodeChange,
        Self::PrebookCreate,
        Self::PrebookItemDelete,
        Self::PoCreate,
        Self::AwbAdd,
        Self::PoItemDelete,
        Self::MixedCreate,
        Self::PoList,
        Self::BoxTypeList,
        Self::CarrierList,
        Self::PrebookList,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BoxCodeChange => "box.code.change",
            Self::PrebookCreate => "prebook.create",
            Self::PrebookItemDelete => "prebook.item.delete",
            Self::PoCreate => "purchase.order.create",
            Self::AwbAdd => "purchase.order.items.awb.add",
            Self::PoItemDelete => "purchase.order.item.delete",
            Self::MixedCreate => "purchase.order.mixed.create",
            Self::PoList => "purchase.order.list",
            Self::BoxTypeList => "boxtype.list",
            Self::CarrierList => "carrier.list",
            Self::PrebookList => "prebook.details.list",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    pub(super) fn is_write(self) -> bool {
        !matches!(self, Self::PoList | Self::BoxTypeList | Self::CarrierList | Self::PrebookList)
    }
}

impl KometModel {
    /// A company without orders.
    pub fn new(catalogue: Catalogue, rules: KometRules) -> Self {
        let lookup = Lookup::new(&catalogue);
        Self {
            catalogue,
            rules,
            prebooks: std::collections::BTreeMap::new(),
            orders: std::collections::BTreeMap::new(),
            next: Next::default(),
            quota: Quota::default(),
            lookup,
            index: Index::default(),
        }
    }

    /// Counts one request; `false` if the day's limit is reached already.
    pub(super) fn spend(&mut self, now: DateTime<Utc>) -> bool {
        let today = now.date_naive();
        if self.quota.day != Some(today) {
            self.quota = Quota { day: Some(today), used: 0 };
        }
        if self.rules.daily_limit.is_some_and(|limit| self.quota.used >= limit) {
            return false;
        }
        self.quota.used += 1;
        true
    }

    /// Requests counted so far on the UTC day of `now`.
    pub fn quota_used(&self, now: DateTime<Utc>) -> u64 {
        if self.quota.day == Some(now.date_naive()) { self.quota.used } else { 0 }
    }

    /// Answers a read with the URL's parameters.
    pub(super) fn read(
        &self,
        method: Method,
        parameters: &[(String, String)],
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        match method {
            Method::PrebookList => self.prebook_details_list(parameters, caller, now, out),
            Method::PoList => self.purchase_order_list(parameters, caller, out),
            Method::CarrierList => {
                self.carrier_list(out);
                Ok(())
            }
            Method::BoxTypeList => {
                self.box_type_list(out);
                Ok(())
            }
            other => refuse!("{} must be sent as POST", other.name()),
        }
    }

    /// Answers a write with the parsed body.
    pub(super) fn write(
        &mut self,
        method: Method,
        body: &serde_json::Value,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        match method {
            Method::PrebookCreate => self.prebook_create(body, caller, now, out),
            Method::PrebookItemDelete => self.prebook_item_delete(body, caller, now, out),
            Method::PoCreate => self.purchase_order_create(body, false, caller, now, out),
            Method::MixedCreate => self.purchase_order_create(body, true, caller, now, out),
            Method::PoItemDelete => self.purchase_order_item_delete(body, caller, now, out),
            Method::AwbAdd => self.awb_add(body, caller, now, out),
            Method::BoxCodeChange => self.box_code_change(body, caller, now, out),
            other => refuse!("{} must be sent as GET", other.name()),
        }
    }
}
