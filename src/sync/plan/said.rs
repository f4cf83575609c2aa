//! How people are told what changed: which field, and from what to what where they may read that. Of a price, of the customer and of
//! what he calls his order they learn that it is another one, and no more.

use std::fmt::Display;

use crate::domain::{Header, LineTerms, PrebookItem, blank};

/// What became of an Axerrio line's terms, field by field; a price is not told, nor what the customer wants on the box.
pub(super) fn line_changes(before: &LineTerms, now: &LineTerms) -> String {
    let mut changes = Vec::new();
    let mut became = |field, before: &dyn Display, now: &dyn Display| {
        let (before, now) = (before.to_string(), now.to_string());
        if before != now {
            changes.push(format!("{field} {before} became {now}"));
        }
    };
    became("product", &before.product.name(), &now.product.name());
    became("box type", &before.box_type, &now.box_type);
    became("boxes", &before.boxes, &now.boxes);
    became("bunches per box", &before.bunches, &now.bunches);
    became("stems per bunch", &before.stems_per_bunch, &now.stems_per_bunch);
    let others = [
        ("cost", before.unit_cost != now.unit_cost),
        ("unit type", before.unit_type != now.unit_type),
        ("mix", before.mix != now.mix),
        ("mark code", blank(before.mark_code.as_deref()) != blank(now.mark_code.as_deref())),
    ];
    changes.extend(another(others));
    changes.join(", ")
}

/// The same of a header; who the customer is and what he calls the order is not told.
pub(super) fn header_changes(before: &Header, now: &Header) -> String {
    let code = |header: &Header| header.carrier.as_ref().map(|carrier| carrier.code.clone());
    let mut changes = Vec::new();
    if before.ship_date != now.ship_date {
        changes.push(format!("ship date {} became {}", before.ship_date, now.ship_date));
    }
    if before.truck_date() != now.truck_date() {
        changes.push(format!("truck date {} became {}", before.truck_date(), now.truck_date()));
    }
    let others = [
        ("customer", before.customer.code != now.customer.code),
        ("customer PO", blank(before.customer_po.as_deref()) != blank(now.customer_po.as_deref())),
        ("carrier", code(before) != code(now)),
        ("location", blank(before.location.as_deref()) != blank(now.location.as_deref())),
    ];
    changes.extend(another(others));
    changes.join(", ")
}

/// The fields that differ, where their values are not told.
fn another<const N: usize>(fields: [(&str, bool); N]) -> impl Iterator<Item = String> {
    fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| format!("another {field}"))
}

/// A deed with what it changed, if that can be said.
pub(super) fn said(deed: &str, changes: &str) -> String {
    if changes.is_empty() { deed.to_owned() } else { format!("{deed} ({changes})") }
}

/// Fields that changed, with what Komet shows there now; a price is not told.
pub(super) fn told(fields: &[&str], now: &PrebookItem) -> String {
    let shown = |field: &&str| {
        let value = match *field {
            "boxes" => now.terms.boxes.to_string(),
            "bunches per box" => now.terms.bunches.to_string(),
            "stems per bunch" => now.terms.stems_per_bunch.to_string(),
            "box type" => now.terms.box_type.clone(),
            "product" => now.terms.product.description.clone(),
            "mark code" => now.terms.mark_code.clone().unwrap_or_else(|| "none".to_owned()),
            "ship date" => now.ship_date.to_string(),
            _ => return (*field).to_owned(),
        };
        format!("{field} (now {value})")
    };
    fields.iter().map(shown).collect::<Vec<_>>().join(", ")
}
