//! What a scenario is made of. Parties and products carry both sides' names, since the sandbox plays both sides.

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::{LineTerms, MixPart, Product, UnitType};

/// A company, its vendor's assortment, and a week of orders. Every code in it resolves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Who sells, with Komet.
    pub importer: Importer,
    /// The vendor that runs Axerrio.
    pub vendor: VendorInfo,
    /// A vendor that stemsync must never see.
    pub other_vendor: OtherVendor,
    /// What the people are called.
    pub people: PeopleNames,
    /// Box types, the same codes on both sides.
    pub box_types: Vec<BoxType>,
    /// Truckers.
    pub carriers: Vec<Carrier>,
    /// Customers.
    pub customers: Vec<Customer>,
    /// Products and recipes.
    pub goods: Vec<Goods>,
    /// A week of trade.
    pub week: Week,
}

/// The company that runs Komet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importer {
    /// Its name.
    pub name: String,
    /// The one currency of all its prices.
    pub currency: String,
    /// Where it stands.
    pub location: Location,
}

/// A location of the importer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Komet's id.
    pub id: u32,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// The vendor that runs Axerrio.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorInfo {
    /// Komet's id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What its lot numbers begin with.
    pub lot_prefix: String,
    /// What its air waybills begin with: the airline's three digits.
    pub awb_prefix: String,
}

/// Another vendor of the importer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherVendor {
    /// Komet's id.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// What the people are called in what the sandbox tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleNames {
    /// Orders in Axerrio and prebooks in Komet.
    pub sales: String,
    /// Approves POs in Komet.
    pub buyer: String,
    /// Accepts orders in Axerrio.
    pub vendor: String,
    /// Prints labels in Axerrio.
    pub packer: String,
    /// Scans boxes in at the importer.
    pub warehouse: String,
    /// Maps products that Komet shows in red.
    pub data: String,
}

/// A box type.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxType {
    /// The code on both sides, three characters at most.
    pub code: String,
    /// Komet's id.
    pub komet_id: u32,
    /// Full box equivalent.
    #[serde(deserialize_with = "super::files::money")]
    pub fbe: Decimal,
    /// Name for people.
    pub name: String,
}

/// A trucker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Axerrio's code.
    pub code: String,
    /// Komet's id.
    pub komet_id: u32,
    /// Komet's code.
    pub komet_code: String,
    /// Name for people.
    pub name: String,
    /// Whether it may be used.
    pub active: bool,
}

/// What a customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustomerKind {
    /// Small orders, mixed colours.
    Florist,
    /// Sells on to florists.
    Wholesaler,
    /// Volume and bouquets.
    Supermarket,
}

/// A customer of the importer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Axerrio's code.
    pub code: String,
    /// Komet's id.
    pub komet_id: u32,
    /// Komet's code.
    pub komet_code: String,
    /// Name for people.
    pub name: String,
    /// What it is.
    pub kind: CustomerKind,
    /// City and state.
    pub place: String,
}

/// Whether Komet knows a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KometProductId {
    /// It does.
    Known {
        /// Its id.
        id: u32,
        /// Its code there; empty where Komet knows it by its description only.
        code: String,
    },
    /// It does not: the line shows in red until a person maps it to this one.
    Unknown {
        /// What it is in Komet, under another name.
        map_to: MapTarget,
    },
}

/// What Komet calls a product that it does not recognise by Axerrio's description.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapTarget {
    /// Its id.
    pub komet_id: u32,
    /// Its description there.
    pub description: String,
}

/// A product, or the recipe of a mixed box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Axerrio's code.
    pub code: String,
    /// What it is in Komet.
    pub komet: KometProductId,
    /// What it is called on both sides.
    pub description: String,
    /// The box it usually comes in.
    pub box_type: String,
    /// Bunches per box; of a recipe the sum of its parts.
    pub bunches: u32,
    /// Stems per bunch.
    pub stems: u32,
    /// What the cost is per.
    pub unit: UnitType,
    /// What is usually paid, from and to.
    pub cost: (Decimal, Decimal),
    /// The parts of a recipe; empty for a product.
    pub parts: Vec<Part>,
}

impl Goods {
    /// Komet's id, if Komet knows it.
    pub fn komet_id(&self) -> Option<u32> {
        match self.komet {
            KometProductId::Known { id, .. } => Some(id),
            KometProductId::Unknown { .. } => None,
        }
    }

    /// The product as Axerrio names it.
    pub fn product(&self) -> Product {
        Product { code: self.code.clone(), description: self.description.clone() }
    }

    /// `boxes` of it, packed and priced as usual.
    pub fn terms(&self, boxes: u32) -> LineTerms {
        LineTerms {
            product: self.product(),
            box_type: self.box_type.clone(),
            boxes,
            bunches: self.bunches,
            stems_per_bunch: self.stems,
            unit_type: self.unit,
            unit_cost: self.cost.0,
            unit_price: None,
            mark_code: None,
            notes: None,
            mix: self.parts.iter().map(Part::mix_part).collect(),
        }
    }
}

/// One part of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Axerrio's code of the product.
    pub product: String,
    /// What it is called.
    pub description: String,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems per bunch.
    pub stems: u32,
    /// Cost per unit of the recipe.
    pub cost: Decimal,
}

impl Part {
    fn mix_part(&self) -> MixPart {
        MixPart {
            product: Product { code: self.product.clone(), description: self.description.clone() },
            bunches: self.bunches,
            stems_per_bunch: self.stems,
            unit_cost: self.cost,
        }
    }
}

/// A week of trade. Days count from the day the scenario is seeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Week {
    /// Flow 1: ordered in Axerrio.
    #[serde(rename = "order")]
    pub orders: Vec<WeekOrder>,
    /// Flow 2: prebooked in Komet for this vendor.
    #[serde(rename = "prebook")]
    pub prebooks: Vec<WeekPrebook>,
    /// Prebooks of the other vendor.
    #[serde(rename = "other_prebook")]
    pub other_prebooks: Vec<WeekPrebook>,
    /// Stock bought from this vendor without a Prebook.
    #[serde(rename = "stock_po")]
    pub stock_pos: Vec<WeekPo>,
}

/// An order placed in Axerrio.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekOrder {
    /// A handle for tests and people; unique in the week.
    pub name: String,
    /// The day somebody enters it.
    pub placed: u16,
    /// Axerrio's customer code.
    pub customer: String,
    /// The customer's PO number.
    pub po: Option<String>,
    /// The vendor's ship date.
    pub ship: u16,
    /// The truck date, where it is not the ship date.
    pub truck: Option<u16>,
    /// Axerrio's carrier code.
    pub carrier: Option<String>,
    /// Free text.
    pub comments: Option<String>,
    /// What is ordered.
    pub lines: Vec<WeekLine>,
}

/// A Prebook made in Komet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekPrebook {
    /// A handle for tests and people; unique in the week.
    pub name: String,
    /// The day somebody enters it.
    #[serde(default)]
    pub placed: u16,
    /// Whether a standing order made it.
    #[serde(default)]
    pub standing: bool,
    /// Axerrio's customer code.
    pub customer: String,
    /// The customer's PO number.
    pub po: Option<String>,
    /// The truck date.
    pub truck: u16,
    /// Axerrio's carrier code.
    pub carrier: Option<String>,
    /// Free text.
    pub comments: Option<String>,
    /// What is ordered; every line has its `ship`.
    pub lines: Vec<WeekLine>,
}

/// A PO that no Prebook stands behind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekPo {
    /// A handle for tests and people; unique in the week.
    pub name: String,
    /// The vendor's ship date.
    pub ship: u16,
    /// What is bought.
    pub lines: Vec<WeekLine>,
}

/// One line. What it leaves open is as the catalogue says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekLine {
    /// Axerrio's code of a product or recipe.
    pub product: String,
    /// How many boxes.
    pub boxes: u32,
    /// The vendor's ship date; lines of Prebooks only.
    pub ship: Option<u16>,
    /// Another box type than usual.
    #[serde(rename = "box")]
    pub box_type: Option<String>,
    /// Another number of bunches per box than usual.
    pub bunches: Option<u32>,
    /// Cost per unit; else the lower end of what is usual.
    #[serde(default, deserialize_with = "super::files::money_or_none")]
    pub cost: Option<Decimal>,
    /// What the customer pays per unit.
    #[serde(default, deserialize_with = "super::files::money_or_none")]
    pub price: Option<Decimal>,
    /// Text that the customer wants on the box.
    pub mark: Option<String>,
    /// Free text.
    pub notes: Option<String>,
}
