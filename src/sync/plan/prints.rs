//! Names of what both sides say, as they stand in the causes of questions: a question stays the same one while they say the same, and is
//! a new one once either says something else. Each holds only what is reconciled, in one way of writing it, so that another
//! order of parts or another case of letters is nothing new.

use super::compare::new_parts;
use crate::domain::{AxLine, Header, KometTerms, LineTerms, NewGoods, blank, fingerprint};

/// Names a line's wish after approval, so that a decision holds until Axerrio wants something else.
pub(super) fn line_cause(line: &AxLine, header: &Header) -> String {
    format!("{:016x}", fingerprint(&(terms_print(&line.terms), header_print(header))))
}

/// Names a header in what is reconciled, so that a question about it stays the same question while nothing else
/// changes.
pub(super) fn header_print(header: &Header) -> u64 {
    fingerprint(&(
        &header.customer.code,
        blank(header.customer_po.as_deref()),
        header.ship_date,
        header.truck_date(),
        header.carrier.as_ref().map(|c| &c.code),
        blank(header.location.as_deref()),
    ))
}

/// Names an Axerrio line in what is reconciled.
pub(super) fn terms_print(terms: &LineTerms) -> u64 {
    let mut mix: Vec<_> = terms
        .mix
        .iter()
        .map(|p| (p.product.name(), p.bunches, p.stems_per_bunch, p.unit_cost.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        terms.product.name(),
        terms.box_type.to_uppercase(),
        (terms.boxes, terms.bunches, terms.stems_per_bunch),
        terms.unit_type,
        terms.unit_cost.normalize(),
        blank(terms.mark_code.as_deref()),
        mix,
    ))
}

/// Names what Komet shows of a line in what is reconciled.
pub(super) fn komet_print(terms: &KometTerms) -> u64 {
    let mut mix: Vec<_> = terms
        .breakdowns
        .iter()
        .map(|b| (b.product.id, b.bunches, b.stems_per_bunch, b.unit_cost.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        terms.product.id,
        terms.box_type.to_uppercase(),
        (terms.boxes, terms.bunches, terms.stems_per_bunch),
        terms.unit_type,
        terms.unit_cost.normalize(),
        blank(terms.mark_code.as_deref()),
        mix,
    ))
}

/// Names the goods that a PO line should buy; which Komet product it is matters only for the parts of a mixed box.
pub(super) fn goods_print(goods: &NewGoods) -> u64 {
    let mut mix: Vec<_> = new_parts(&goods.mix)
        .into_iter()
        .map(|part| (part.id, part.name, part.packing.0, part.packing.1, part.packing.2.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        (goods.boxes, goods.bunches, goods.stems_per_bunch),
        goods.unit_type,
        goods.unit_cost.normalize(),
        mix,
    ))
}
