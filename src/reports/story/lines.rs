//! Lines, of an order, a Prebook or a PO, which are told alike.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::{AxLine, Breakdown, KometTerms, MixPart, UnitType};

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
    pub(super) fn of_axerrio(line: &AxLine) -> Self {
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

    pub(super) fn of_komet(id: i64, prebook_item: Option<i64>, terms: &KometTerms) -> Self {
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
    pub(super) fn of_axerrio(part: &MixPart) -> Self {
        Self {
            product: Some(part.product.code.clone()),
            description: part.product.description.clone(),
            bunches: part.bunches,
            stems_per_bunch: part.stems_per_bunch,
            unit_cost: part.unit_cost,
        }
    }

    pub(super) fn of_komet(part: &Breakdown) -> Self {
        Self {
            product: part.product.id.map(|id| id.to_string()),
            description: part.product.description.clone(),
            bunches: part.bunches,
            stems_per_bunch: part.stems_per_bunch,
            unit_cost: part.unit_cost,
        }
    }
}
