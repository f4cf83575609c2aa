//! What Komet shows: Prebooks, POs and their boxes (komet-api.md), and what stemsync asks it to write.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ItemId, LineId, PoItemId, PoNumber, PrebookId, PrebookNumber, UnitType};

/// Whether a Prebook came from a standing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrebookKind {
    /// Type `S`.
    Standing,
    /// Type `P`.
    Prebook,
}

/// A Prebook, with this vendor's items only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prebook {
    /// Komet's internal id.
    pub id: PrebookId,
    /// The number people see.
    pub number: PrebookNumber,
    /// Standing order or Prebook.
    pub kind: PrebookKind,
    /// What holds for all items.
    pub header: PrebookHeader,
    /// Free text; ends with stemsync's tag where stemsync made it.
    pub comments: Option<String>,
    /// The items. Quantity 0 means deleted.
    pub items: Vec<PrebookItem>,
}

/// What a Prebook says about all its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrebookHeader {
    /// Komet's id of the customer, where shown.
    pub customer_id: Option<i64>,
    /// The customer's code in Komet.
    pub customer_code: Option<String>,
    /// The customer's name; never compared, never logged.
    pub customer_name: Option<String>,
    /// The location's code, in companies that have several.
    pub location_code: Option<String>,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// Komet's id of the carrier.
    pub carrier_id: Option<i64>,
    /// The carrier's name; never compared.
    pub carrier_name: Option<String>,
}

/// A product as Komet names it. `id` is `None` while Komet does not know the product: no id, 0, or a
/// description that starts with `UNKNOWN` (komet-api.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KometProduct {
    /// Komet's id, once mapped.
    pub id: Option<i64>,
    /// The description.
    pub description: String,
}

/// One part of a mixed box in Komet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    /// What is in it.
    pub product: KometProduct,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit.
    pub unit_cost: Decimal,
}

/// What a Prebook item or a PO line says about the goods, as Komet shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KometTerms {
    /// The product; of a mixed box what the box is called.
    pub product: KometProduct,
    /// Box type code.
    pub box_type: String,
    /// Boxes.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What the cost is per; `None` where Komet does not say.
    pub unit_type: Option<UnitType>,
    /// Cost per unit.
    pub unit_cost: Decimal,
    /// Text on the box.
    pub mark_code: Option<String>,
    /// Free text; never compared.
    pub notes: Option<String>,
    /// Parts of a mixed box.
    pub breakdowns: Vec<Breakdown>,
}

impl KometTerms {
    /// Whether Komet knows every product in the box.
    pub fn is_mapped(&self) -> bool {
        if self.breakdowns.is_empty() {
            self.product.id.is_some()
        } else {
            self.breakdowns.iter().all(|b| b.product.id.is_some())
        }
    }
}

/// One line of a Prebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrebookItem {
    /// Komet's id.
    pub id: ItemId,
    /// The day the vendor ships it.
    pub ship_date: NaiveDate,
    /// The goods.
    pub terms: KometTerms,
    /// The PO it is on, where Komet says so (assumed).
    pub po_number: Option<PoNumber>,
}

impl PrebookItem {
    /// A Vendor token's deletion leaves the item with quantity 0 (komet-api.md).
    pub fn is_alive(&self) -> bool {
        self.terms.boxes > 0
    }
}

/// The state of a PO in Komet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoStatus {
    /// `PA`, `Pending Approval`.
    Pending,
    /// `A`, `Approved`.
    Approved,
    /// `CF`, `Confirmed by Farm`.
    Confirmed,
    /// `C`, `Cancelled`.
    Cancelled,
}

impl PoStatus {
    /// From approval on Komet owns the PO's lines; a cancelled PO is Komet's decision as well.
    pub fn is_decided(self) -> bool {
        self != Self::Pending
    }

    /// Whether boxes may be shipped on it.
    pub fn can_ship(self) -> bool {
        matches!(self, Self::Approved | Self::Confirmed)
    }
}

/// A PO to this vendor. In an order's view it holds that order's lines only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    /// The number people see.
    pub number: PoNumber,
    /// Its state.
    pub status: PoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// When it last changed, in GMT; where Komet does not say, when it was first read as it is.
    pub updated_on: Option<DateTime<Utc>>,
    /// Air waybill, where Komet says it (assumed).
    pub awb: Option<String>,
    /// The location's name or code.
    pub location: Option<String>,
    /// The lines.
    pub lines: Vec<PoLine>,
}

/// One line of a PO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoLine {
    /// Komet's id.
    pub id: PoItemId,
    /// The Prebook item it buys for; `None` for stock bought without a Prebook.
    pub item_id: Option<ItemId>,
    /// The goods.
    pub terms: KometTerms,
    /// Boxes, once shipped.
    pub boxes: Vec<PoBox>,
}

impl PoLine {
    /// A deleted PO line is gone or has quantity 0 (clarification 14).
    pub fn is_alive(&self) -> bool {
        self.terms.boxes > 0
    }
}

/// One shipped box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoBox {
    /// What is scanned.
    pub code: String,
    /// The grower's lot.
    pub lot_number: Option<String>,
    /// Komet's name of the box's state, such as `Received`.
    pub status: Option<String>,
}

impl PoBox {
    /// Scanned in at the importer (clarification 18).
    pub fn is_received(&self) -> bool {
        self.status.as_deref().is_some_and(|s| s.to_lowercase().contains("received"))
    }
}

/// A product, customer or carrier, named so that Komet can find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KometRef {
    /// By Komet's id: from a local map, or as Komet itself showed it.
    Id(i64),
    /// By code and name (customers, carriers), or by code alone (box types).
    Code {
        /// The code.
        code: String,
        /// The name that goes with it.
        name: String,
    },
    /// By description (products): Komet shows it in red until a person maps it.
    Description(String),
}

impl KometRef {
    /// Komet's id, where it is named by that.
    pub fn id(&self) -> Option<i64> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Code { .. } | Self::Description(_) => None,
        }
    }
}

/// One part of a mixed box to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewBreakdown {
    /// What is in it.
    pub product: KometRef,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit.
    pub unit_cost: Decimal,
}

/// The goods of a line to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGoods {
    /// Boxes.
    pub boxes: u32,
    /// By id or code.
    pub box_type: KometRef,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What the cost is per.
    pub unit_type: UnitType,
    /// Cost per unit.
    pub unit_cost: Decimal,
    /// Free text, at most 200 characters.
    pub notes: Option<String>,
    /// Parts of a mixed box.
    pub mix: Vec<NewBreakdown>,
}

/// `prebook.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPrebook {
    /// Who buys: by id, or by code and name.
    pub customer: KometRef,
    /// Who carries it.
    pub carrier: Option<KometRef>,
    /// The day it leaves the importer (`shipDate` in Komet's body).
    pub truck_date: NaiveDate,
    /// The customer's own PO number, at most 20 characters.
    pub customer_po: Option<String>,
    /// Comments with the tag behind them.
    pub comments: String,
    /// The location, in companies that have several.
    pub location_code: Option<String>,
    /// Adds to the matching Prebook, if there is one (`useExisting` 1).
    pub use_existing: bool,
    /// The items, in order.
    pub items: Vec<NewPrebookItem>,
}

/// One item of a [`NewPrebook`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPrebookItem {
    /// The order line it is for; not sent.
    pub line: LineId,
    /// The product.
    pub product: KometRef,
    /// The goods.
    pub goods: NewGoods,
    /// What the customer pays, where Komet allows a Vendor token to say so.
    pub price: Option<Decimal>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Text on the box, at most 20 characters.
    pub mark_code: Option<String>,
}

/// What `prebook.create` answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedPrebook {
    /// Komet's internal id.
    pub id: PrebookId,
    /// The number people see.
    pub number: PrebookNumber,
    /// The items' ids in the order sent; `None` where Komet did not say, and they must be read back.
    pub items: Option<Vec<ItemId>>,
}

/// `purchase.order.create`, or `purchase.order.mixed.create` where `mixed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPurchaseOrder {
    /// Whether the lines are mixed boxes.
    pub mixed: bool,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The location, in companies that have several.
    pub location_code: Option<String>,
    /// The PO to add the lines to; `None` makes a new one.
    pub number: Option<PoNumber>,
    /// The lines, in order.
    pub lines: Vec<NewPoLine>,
}

/// One line of a [`NewPurchaseOrder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPoLine {
    /// The order line it is for; not sent.
    pub line: LineId,
    /// The Prebook item it buys for.
    pub item: ItemId,
    /// The goods.
    pub goods: NewGoods,
    /// What the order wants, where the goods are as a buyer negotiated them; not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<NewGoods>,
}

/// What `purchase.order.create` answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedPo {
    /// The number people see.
    pub number: PoNumber,
    /// The lines' ids in the order sent; `None` where Komet did not say.
    pub lines: Option<Vec<PoItemId>>,
}

/// One entry of `purchase.order.items.awb.add`: ships boxes of a PO line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// The PO line.
    pub po_item: PoItemId,
    /// Air waybill.
    pub awb: String,
    /// House air waybill.
    pub house_awb: Option<String>,
    /// The day it ships.
    pub ship_date: NaiveDate,
    /// The boxes' codes.
    pub codes: Vec<String>,
    /// The grower's lot; never in Komet's own range 1000 to 99999.
    pub lot_number: Option<String>,
}

/// What became of one [`Shipment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// The PO line.
    pub po_item: PoItemId,
    /// `Err` holds Komet's message.
    pub result: Result<(), String>,
    /// Codes Komet says the boxes have; empty where it does not say.
    pub codes: Vec<String>,
    /// The line that holds what was not shipped.
    pub rest: Option<PoItemId>,
}

/// One entry of `box.code.change`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeChange {
    /// The code the box has.
    pub current: String,
    /// The code it shall have.
    pub new: String,
}

/// What became of one [`CodeChange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeChanged {
    /// The code it was to have.
    pub new: String,
    /// `Err` holds Komet's message.
    pub result: Result<(), String>,
}

/// A carrier in Komet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Komet's id.
    pub id: i64,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A box type in Komet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxType {
    /// Komet's id.
    pub id: i64,
    /// Three characters at most.
    pub code: String,
    /// Full box equivalent.
    pub fbe: Decimal,
}
