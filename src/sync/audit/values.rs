//! Values as people read them in a finding, and by which both sides are compared.

use super::Context;
use crate::domain::{AxStatus, KometTerms, MapKind, MixPart, UnitType};

/// A product for people: Komet's id where it knows the product.
pub(super) fn product_name(shown: &KometTerms) -> String {
    match shown.product.id {
        Some(id) => format!("{id} {}", shown.product.description).trim_end().to_owned(),
        None => shown.product.description.clone(),
    }
}

/// The code by which Komet names a box type of Axerrio's; `None` if it is mapped to an id that Komet does not list.
pub(super) fn expected_box_type<'c>(code: &'c str, context: &Context<'c>) -> Option<&'c str> {
    match context.rules.maps.komet(MapKind::BoxType, code) {
        Some(id) => context.box_types.get(&id).map(String::as_str),
        None => Some(code),
    }
}

pub(super) fn parts_of_mix(mix: &[MixPart]) -> String {
    let parts =
        mix.iter().map(|p| part_text(&p.product.code, p.bunches, p.stems_per_bunch, p.unit_cost)).collect();
    in_order(parts)
}

pub(super) fn parts_of_komet(shown: &KometTerms) -> String {
    let parts = shown
        .breakdowns
        .iter()
        .map(|b| {
            let product = b.product.id.map_or_else(|| b.product.description.clone(), |id| id.to_string());
            part_text(&product, b.bunches, b.stems_per_bunch, b.unit_cost)
        })
        .collect();
    in_order(parts)
}

/// Parts are the same whichever comes first.
fn in_order(mut parts: Vec<String>) -> String {
    parts.sort();
    parts.join(", ")
}

fn part_text(product: &str, bunches: u32, stems: u32, cost: rust_decimal::Decimal) -> String {
    format!("{bunches}x{stems} {product} at {}", cost.normalize())
}

pub(super) fn unit_name(unit: UnitType) -> &'static str {
    match unit {
        UnitType::Stem => "stem",
        UnitType::Bunch => "bunch",
    }
}

pub(super) fn status_name(status: AxStatus) -> &'static str {
    match status {
        AxStatus::Placed => "placed",
        AxStatus::Accepted => "accepted",
        AxStatus::Rejected => "rejected",
        AxStatus::Cancelled => "cancelled",
        AxStatus::Shipped => "shipped",
    }
}
