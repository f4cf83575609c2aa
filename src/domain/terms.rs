//! What both systems say about a line, a customer or a box, in one vocabulary, so that they can be compared.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a price is per: the unit in which a product is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitType {
    /// Cost and price are per stem.
    Stem,
    /// Cost and price are per bunch.
    Bunch,
}

/// A customer or carrier as Axerrio names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Party {
    /// The code in the Axerrio installation.
    pub code: String,
    /// The name for people; never compared.
    pub name: String,
}

/// A product as Axerrio names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Product {
    /// The code in the Axerrio installation.
    pub code: String,
    /// The description by which Komet may know it.
    pub description: String,
}

impl Product {
    /// By what it is known from others: its code, or, where Axerrio has none for it, its description.
    pub fn name(&self) -> &str {
        blank(Some(&self.code)).unwrap_or(self.description.trim())
    }
}

/// One part of a mixed box.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MixPart {
    /// What is in it.
    pub product: Product,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// Cost per unit, in the currency of the Komet company.
    pub unit_cost: Decimal,
}

/// What a line orders, in Axerrio's words; the same for flow 1 (where Axerrio owns it) and flow 2 (where it is what
/// stemsync sends).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LineTerms {
    /// The product; for a mixed box what the box is called.
    pub product: Product,
    /// Box type code such as `HB`, `QB`, `FB`.
    pub box_type: String,
    /// Boxes ordered.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems_per_bunch: u32,
    /// What the cost is per.
    pub unit_type: UnitType,
    /// What the importer pays the vendor per unit.
    pub unit_cost: Decimal,
    /// What the customer pays per unit, where the vendor knows it.
    pub unit_price: Option<Decimal>,
    /// Text that the customer wants on the box; 20 characters in Komet.
    pub mark_code: Option<String>,
    /// Free text; 200 characters in Komet.
    pub notes: Option<String>,
    /// The parts of a mixed box; empty for a box of one product.
    pub mix: Vec<MixPart>,
}

impl LineTerms {
    /// Whether the box holds several products.
    pub fn is_mixed(&self) -> bool {
        !self.mix.is_empty()
    }

    /// Whether `other` orders the same goods: everything but notes, names and the sales price, which are not
    /// reconciled (product.md, "Who owns what").
    pub fn same_goods(&self, other: &Self) -> bool {
        self.product.name() == other.product.name()
            && self.box_type.eq_ignore_ascii_case(&other.box_type)
            && self.boxes == other.boxes
            && self.bunches == other.bunches
            && self.stems_per_bunch == other.stems_per_bunch
            && self.unit_type == other.unit_type
            && self.unit_cost == other.unit_cost
            && blank(self.mark_code.as_deref()) == blank(other.mark_code.as_deref())
            && self.parts() == other.parts()
    }

    /// The parts of a mixed box in an order of their own: in which one a system lists them means nothing.
    fn parts(&self) -> Vec<(&str, u32, u32, Decimal)> {
        let mut parts: Vec<_> =
            self.mix.iter().map(|p| (p.product.name(), p.bunches, p.stems_per_bunch, p.unit_cost)).collect();
        parts.sort_unstable();
        parts
    }
}

/// Absent, null and empty all mean "no value" in both systems.
pub fn blank(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|t| !t.is_empty())
}
