//! A line against the Prebook item that stands for it.

use super::is_approved;
use crate::domain::{AgreedLine, AxLine, Flow, HoldReason, KometTerms, LineTerms, PrebookItem, blank};
use crate::sync::audit::findings::{Findings, text};
use crate::sync::audit::values::{expected_box_type, parts_of_komet, parts_of_mix, product_name, unit_name};
use crate::sync::audit::{Context, purchase};
use crate::sync::plan::{
    MAPPED_TO, is_cost_kept, is_field_kept, item_differences, line_parts, mapped_otherwise, parts, parts_changed,
    parts_differ, same_description,
};

pub(super) fn compare(
    found: &mut Findings<'_>,
    line: &AxLine,
    agreed: &AgreedLine,
    item: &PrebookItem,
    context: &Context<'_>,
) {
    let seen = agreed.item.as_ref().and_then(|link| link.seen.as_ref()).map(|seen| &seen.terms);
    let unchanged = agreed.terms.same_goods(&line.terms)
        && seen.is_some_and(|seen| item_differences(seen, &item.terms).is_empty());
    let decided = [HoldReason::EditedInKomet, HoldReason::ChangedAfterApproval]
        .into_iter()
        .any(|reason| found.was_left(reason, Some(&line.id)));
    // From approval on an edit of the item is Komet's right (product.md, Who owns what).
    let approved = is_approved(found, agreed);
    let left = unchanged && (decided || approved) || found.is_line_left(&line.id);
    let (ours, shown) = (&line.terms, &item.terms);
    let sides = Sides { ours, then: &agreed.terms, shown, seen };
    for (field, axerrio, komet) in line_differences(sides, context) {
        found.report(left, Some(&line.id), field, axerrio, komet);
    }
    let item_link = agreed.item.as_ref();
    let asked = item_link.map(|link| &link.products[..]).unwrap_or_default();
    if let Some(remapped) = mapped_otherwise(ours, &agreed.terms, shown, asked, &context.rules) {
        let left = found.is_left(HoldReason::ChangedAfterApproval, Some(&line.id), |_| true)
            // Asked about with what Komet's people had changed, it is named there; what was left by another map says nothing of it.
            || found.is_left(HoldReason::EditedInKomet, Some(&line.id), |cause| cause.contains(MAPPED_TO))
            || item_link.is_some_and(|link| {
                let lines = format!("lines of prebook {} ", link.prebook);
                found.is_left(HoldReason::EditedInKomet, None, |cause| cause.starts_with(&lines))
            });
        let mut parts = shown.breakdowns.iter().map(|part| &part.product);
        let wrong = parts.find(|product| product.id == Some(remapped.former)).map(|product| &product.description);
        let wrong = wrong.map_or_else(|| product_name(shown), |name| format!("{} {name}", remapped.former));
        found.report(left, Some(&line.id), "product", text(&remapped.product.code), text(wrong));
    }
    // Which product the codes of the two sides mean only its first sight tells, and that follows the item once it is Komet's:
    // the PO line still shows what was bought, unless it is that which a buyer changed.
    let mut bought = agreed.po_lines.iter().filter_map(|link| purchase::standing(found.order, link));
    let before = item_link.and_then(|link| link.before_approval.as_ref()).map(|before| &before.terms.product);
    let is_changed = before.is_some_and(|before| before.id != shown.product.id);
    let of_another = |bought: &KometTerms| {
        let is_ours = || {
            let mapped = context.rules.mapped_product(&ours.product.code);
            mapped.is_some() && mapped == bought.product.id
                || same_description(&ours.product.description, &bought.product.description)
        };
        let both = bought.product.id.zip(shown.product.id);
        both.is_some_and(|(bought, shown)| bought != shown) && (is_changed || is_ours())
    };
    if approved && !ours.is_mixed() && bought.any(|(_, line)| of_another(&line.terms)) {
        found.report(left, Some(&line.id), "product", text(&ours.product.code), text(product_name(shown)));
    }
}

type Field = (&'static str, Option<String>, Option<String>);

/// What both systems show of a line, and what both showed when last agreed.
#[derive(Clone, Copy)]
struct Sides<'a> {
    ours: &'a LineTerms,
    then: &'a LineTerms,
    shown: &'a KometTerms,
    seen: Option<&'a KometTerms>,
}

/// In what Axerrio's line and Komet's item differ.
fn line_differences(sides: Sides<'_>, context: &Context<'_>) -> Vec<Field> {
    let Sides { ours, then, shown, seen } = sides;
    let mut fields = Vec::new();
    let mixed = ours.is_mixed();
    if product_differs(sides, context) {
        fields.push(("product", text(&ours.product.code), text(product_name(shown))));
    }
    // Of a mixed box Komet computes all but the number of boxes by itself.
    let mut number = |field, certain: bool, ours: String, then: String, shown: String, seen: Option<String>| {
        let differs = ours != shown && (certain || ours != then || seen.is_some_and(|seen| seen != shown));
        if differs {
            fields.push((field, Some(ours), Some(shown)));
        }
    };
    let of = |value: fn(&KometTerms) -> String| (value(shown), seen.map(value));
    let (now, before) = of(|t| t.boxes.to_string());
    number("boxes", true, ours.boxes.to_string(), then.boxes.to_string(), now, before);
    let (now, before) = of(|t| t.bunches.to_string());
    number("bunches", !mixed, ours.bunches.to_string(), then.bunches.to_string(), now, before);
    let (now, before) = of(|t| t.stems_per_bunch.to_string());
    number("stems", !mixed, ours.stems_per_bunch.to_string(), then.stems_per_bunch.to_string(), now, before);
    let (now, before) = of(|t| t.unit_cost.normalize().to_string());
    let cost = |terms: &LineTerms| terms.unit_cost.normalize().to_string();
    let as_seen = seen.is_none_or(|seen| seen.unit_cost == shown.unit_cost);
    // What Axerrio wants now is no rounding of what it wanted before.
    if !(as_seen && ours.unit_cost == then.unit_cost && is_cost_kept(ours.unit_cost, shown.unit_cost)) {
        number("cost", !mixed, cost(ours), cost(then), now, before);
    }
    let (now, before) = of(|t| t.unit_type.map(unit_name).unwrap_or_default().to_owned());
    let unit = |terms: &LineTerms| unit_name(terms.unit_type).to_owned();
    number("unit_type", !mixed && shown.unit_type.is_some(), unit(ours), unit(then), now, before);
    let mark = (blank(ours.mark_code.as_deref()), blank(shown.mark_code.as_deref()));
    if !is_field_kept(mark.0, mark.1) {
        fields.push(("mark_code", mark.0.and_then(text), mark.1.and_then(text)));
    }
    if box_type_differs(sides, context) {
        fields.push(("box_type", text(&ours.box_type), text(&shown.box_type)));
    }
    if mix_differs(sides, context) {
        fields.push(("mix", text(parts_of_mix(&ours.mix)), text(parts_of_komet(shown))));
    }
    fields
}

fn product_differs(sides: Sides<'_>, context: &Context<'_>) -> bool {
    let Sides { ours, then, shown, seen } = sides;
    let mapped = context.rules.mapped_product(&ours.product.code);
    if mapped.is_some() && mapped == shown.product.id {
        return false;
    }
    let changed_there = match seen {
        Some(seen) => match (seen.product.id, shown.product.id) {
            (Some(before), now) => now != Some(before),
            // A product that Komet has come to know is no difference.
            (None, Some(_)) => false,
            (None, None) => !same_description(&seen.product.description, &shown.product.description),
        },
        None => match (mapped, shown.product.id) {
            (Some(mapped), Some(shown)) => mapped != shown,
            (_, None) => !same_description(&ours.product.description, &shown.product.description),
            (None, Some(_)) => false,
        },
    };
    ours.product.name() != then.product.name() || changed_there
}

fn box_type_differs(sides: Sides<'_>, context: &Context<'_>) -> bool {
    let Sides { ours, then, shown, seen } = sides;
    match (expected_box_type(&ours.box_type, context), blank(Some(&shown.box_type))) {
        (Some(expected), Some(shown)) => !expected.eq_ignore_ascii_case(shown),
        _ => {
            !then.box_type.eq_ignore_ascii_case(&ours.box_type)
                || seen.is_some_and(|seen| !seen.box_type.eq_ignore_ascii_case(&shown.box_type))
        }
    }
}

fn mix_differs(sides: Sides<'_>, context: &Context<'_>) -> bool {
    let Sides { ours, then, shown, seen } = sides;
    if shown.breakdowns.is_empty() {
        return ours.mix != then.mix && !ours.same_goods(then)
            || seen.is_some_and(|seen| !seen.breakdowns.is_empty());
    }
    if parts_differ(&line_parts(ours, Flow::FromAxerrio, &context.rules), &parts(&shown.breakdowns)) {
        return true;
    }
    let codes = |terms: &LineTerms| {
        let mut codes: Vec<_> = terms.mix.iter().map(|p| p.product.code.clone()).collect();
        codes.sort();
        codes
    };
    // Which part is which where the two sides name them differently only what both showed when last agreed tells.
    let changed_here = parts_of_mix(&ours.mix) != parts_of_mix(&then.mix);
    let moved = seen.is_some_and(|seen| parts_changed(seen, shown) != changed_here);
    let known = |terms: &KometTerms| {
        let mut ids: Vec<_> = terms.breakdowns.iter().filter_map(|b| b.product.id).collect();
        ids.sort_unstable();
        ids
    };
    let remapped = seen.is_some_and(|seen| {
        let now = known(shown);
        known(seen).iter().any(|id| !now.contains(id))
    });
    // A mix that was taken over from Komet as it was found has no codes to compare with.
    !then.mix.is_empty() && (codes(ours) != codes(then) || moved) || remapped
}
