//! The PO. While it is pending it must buy what the vendor delivers; from approval on its lines are Komet's, and
//! Axerrio must know them. Nobody may have bought a line twice.

use std::collections::BTreeSet;

use super::Context;
use super::findings::{DELETE_PO_LINE, Findings, text};
use super::values::{expected_box_type, parts_of_komet, parts_of_mix, product_name, unit_name};
use crate::domain::{
    AxLine, Flow, HoldReason, ItemId, KometTerms, LineId, LineTerms, Order, PoInfoLine, PoInfoStatus, PoLine,
    PoLink, PoNumber, PoStatus, PurchaseOrder, PurchaseOrderInfo, blank,
};
use crate::sync::plan::{
    CONFIRMED, PO_LINE, Sight, changed_since_bought, is_buyers_number, is_cost_kept, is_substituted,
    item_differences, line_parts, parts, parts_changed, parts_differ, ships_as_before,
};

/// The request that tells Axerrio of the PO, as its refusal is named.
const PUT_PO: &str = "PUT orders/{id}/purchase-order";

/// What the PO should buy for one line.
pub(super) struct Expected<'o> {
    line: &'o LineId,
    /// The Prebook item it buys for.
    item: ItemId,
    terms: &'o LineTerms,
    /// Boxes that the vendor delivers.
    boxes: u32,
    confirmed: Option<u32>,
}

impl<'o> Expected<'o> {
    /// A lower `confirmedBoxes` is what is bought (clarification 8).
    pub(super) fn of(line: &'o AxLine, item: ItemId) -> Option<Self> {
        let boxes = line.wanted_boxes(line.terms.boxes);
        let confirmed = line.confirmed_boxes;
        (line.terms.boxes > 0).then_some(Self { line: &line.id, item, terms: &line.terms, boxes, confirmed })
    }
}

/// The PO line of a link and its PO, if it stands: with a quantity, on a PO that is not cancelled.
pub(super) fn standing<'o>(order: &'o Order, link: &PoLink) -> Option<(&'o PurchaseOrder, &'o PoLine)> {
    shown(order, link).filter(|(po, line)| line.is_alive() && po.status != PoStatus::Cancelled)
}

fn shown<'o>(order: &'o Order, link: &PoLink) -> Option<(&'o PurchaseOrder, &'o PoLine)> {
    let pos = order.komet.purchase_orders.iter();
    pos.flat_map(|po| po.lines.iter().map(move |line| (po, line))).find(|(_, line)| line.id == link.line)
}

/// Compares what is bought with what should be.
pub(super) fn compare(found: &mut Findings<'_>, sight: &Sight, expected: &[Expected<'_>], context: &Context<'_>) {
    let mut missing = Vec::new();
    let mut bought = false;
    for expect in expected {
        let links = sight.agreed.lines.get(expect.line).map_or(&[][..], |l| &l.po_lines[..]);
        let alive: Vec<_> = links.iter().filter_map(|link| Some((link, standing(found.order, link)?))).collect();
        bought |= !alive.is_empty();
        if alive.is_empty() {
            if expect.boxes > 0 && should_stand(found, expect, links) {
                missing.push(expect);
            }
        } else if !bought_twice(found, expect, &alive) {
            compare_line(found, sight, expect, &alive, context);
        }
    }
    if !context.whole.purchase_orders {
        return;
    }
    let is_left = |found: &Findings<'_>, line: &LineId| {
        found.is_left(HoldReason::RejectedByKomet, Some(line), |cause| cause.starts_with("purchase.order."))
            || found.is_line_left(line)
            || found.is_left(HoldReason::UnmappedProduct, Some(line), |_| true)
    };
    if !bought && !missing.is_empty() {
        let left = missing.iter().all(|e| is_left(found, e.line));
        found.report(left, None, "po", text("present"), text("absent"));
        return;
    }
    for expect in missing {
        let left = is_left(found, expect.line);
        found.report(left, Some(expect.line), "po_line", text("present"), text("absent"));
    }
}

/// Whether a line that nobody buys should be bought. What Komet cancelled or took off an approved PO is Komet's
/// decision, of which Axerrio is told.
fn should_stand(found: &Findings<'_>, expect: &Expected<'_>, links: &[PoLink]) -> bool {
    let order = found.order;
    let cancelled =
        links.iter().filter_map(|link| shown(order, link)).any(|(po, _)| po.status == PoStatus::Cancelled);
    let told = order.axerrio.order.as_ref().and_then(|o| o.purchase_order.as_ref());
    let told = told.filter(|told| told.status != PoInfoStatus::Pending);
    let is_approved = |number: &PoNumber| {
        told.is_some_and(|told| told.number == *number)
            || order.komet.purchase_orders.iter().any(|po| po.number == *number && po.status.is_decided())
    };
    let mut vanished = links.iter().filter(|link| !link.dead && link.item == expect.item);
    let is_komets =
        order.flow == Flow::FromKomet && told.is_some() && vanished.any(|link| is_approved(&link.number));
    !cancelled && !is_komets
}

/// A PO line that stands, with its link and its PO.
type Standing<'o> = (&'o PoLink, (&'o PurchaseOrder, &'o PoLine));

/// Boxes that these PO lines buy together.
fn boxes_bought(alive: &[Standing<'_>]) -> u64 {
    alive.iter().map(|(_, (_, shown))| u64::from(shown.terms.boxes)).sum()
}

/// Boxes that stemsync asked for by them.
fn boxes_asked(alive: &[Standing<'_>]) -> u64 {
    alive.iter().filter_map(|(link, _)| link.asked.as_ref()).map(|goods| u64::from(goods.boxes)).sum()
}

/// Several lines that together buy what was asked for are a split, by shipping or by a buyer; anything else is a line too many.
fn bought_twice(found: &mut Findings<'_>, expect: &Expected<'_>, alive: &[Standing<'_>]) -> bool {
    let numbers: BTreeSet<_> = alive.iter().map(|(_, (po, _))| &po.number).collect();
    let unshipped = alive.iter().filter(|(_, (_, line))| line.boxes.is_empty()).count();
    // What procurement approved for an item that Komet's people made again ships the line; what is pending goes with the first.
    let others = alive.iter().any(|(link, (po, _))| link.item != expect.item && !po.status.is_decided());
    let asked = boxes_asked(alive).max(expect.boxes.into());
    let twice = (numbers.len() > 1 || unshipped > 1) && boxes_bought(alive) > asked || others;
    if twice {
        let lines: Vec<_> =
            alive.iter().map(|(_, (po, line))| format!("line {} of PO {}", line.id, po.number)).collect();
        let left = found.is_left(HoldReason::ChangedAfterApproval, Some(expect.line), |cause| {
            cause.starts_with("bought twice ")
        });
        found.report(left, Some(expect.line), "po_line", text("bought once"), text(lines.join(", ")));
    }
    twice
}

/// In flow 2 a PO line that was made as it should be is the buyer's to change (`plan/purchase.rs`).
fn is_the_buyers<'l>(flow: Flow, expect: &Expected<'_>, mut links: impl Iterator<Item = &'l PoLink>) -> bool {
    let asked = links.try_fold(0_u64, |sum, link| Some(sum + u64::from(link.asked.as_ref()?.boxes)));
    flow == Flow::FromKomet && asked == Some(u64::from(expect.boxes))
}

/// The product that a PO line buys in place of its Prebook item's, or of the one that it bought when it was made: by its code Axerrio's
/// line cannot be held against it.
fn substituted<'o>(order: &Order, sight: &Sight, alive: &[Standing<'o>]) -> Option<&'o KometTerms> {
    let other = alive.iter().find(|(link, (po, line))| {
        let is_changed = |seen: &KometTerms| item_differences(seen, &line.terms).contains(&"product");
        let is_items =
            order.komet.item(&link.item).is_some_and(|item| item.terms.product.id == line.terms.product.id);
        !is_items && is_substituted(order, &sight.agreed, &line.terms, link)
            || !po.status.is_decided() && link.seen.as_ref().is_some_and(is_changed)
    });
    other.map(|(_, (_, line))| &line.terms)
}

fn compare_line(
    found: &mut Findings<'_>,
    sight: &Sight,
    expect: &Expected<'_>,
    alive: &[Standing<'_>],
    context: &Context<'_>,
) {
    let line = expect.line;
    let bought = boxes_bought(alive);
    if alive.iter().any(|(_, (po, _))| po.status.is_decided()) {
        // The vendor confirms other boxes than were asked for, and procurement has not followed.
        // What was found after a lost database was asked for in another life.
        let asked = Some(boxes_asked(alive)).filter(|asked| *asked > 0).unwrap_or(bought);
        let confirmed = expect.confirmed.map(|_| u64::from(expect.boxes));
        let links = alive.iter().map(|(link, _)| *link);
        let left = found.is_left(HoldReason::ChangedAfterApproval, Some(line), |_| true)
            || is_buyers_number(found.order, &expect.item, links, bought, confirmed);
        if let Some(confirmed) = confirmed.filter(|confirmed| *confirmed != asked && *confirmed != bought)
            && !found.names(Some(line), "boxes")
        {
            found.report(left, Some(line), "confirmed_boxes", text(confirmed), text(bought));
        }
        compare_approved(found, sight, expect, alive);
        return;
    }
    let Some((link, (_, shown))) = alive.first() else { return };
    let unchanged = link.seen.as_ref().is_some_and(|seen| item_differences(seen, &shown.terms).is_empty());
    let left = unchanged && found.was_left(HoldReason::EditedInKomet, Some(line))
        || found.is_left(HoldReason::EditedInKomet, Some(line), |cause| cause.starts_with(PO_LINE))
        // Kept as it was approved, also where the approval was taken back since.
        || found.is_left(HoldReason::ChangedAfterApproval, Some(line), |cause| cause.starts_with(CONFIRMED))
        || found.is_left(HoldReason::RejectedByKomet, Some(line), |cause| {
            cause.starts_with("parts of PO line ") || cause.starts_with(DELETE_PO_LINE)
        })
        || found.is_kept_though_declined()
        || is_the_buyers(found.order.flow, expect, alive.iter().map(|(link, _)| *link));
    let other = substituted(found.order, sight, alive);
    let (ours, now, flow) = (expect.terms, &shown.terms, found.order.flow);
    let mut field = |of_line: &str, name, differs: bool, axerrio: Option<String>, komet: Option<String>| {
        // Where the line itself differs the PO follows it.
        if differs && !found.names(Some(line), of_line) {
            found.report(left, Some(line), name, axerrio, komet);
        }
    };
    let names = (text(&ours.product.code), other.and_then(|other| text(product_name(other))));
    field("product", "po_product", other.is_some(), names.0, names.1);
    field("boxes", "po_boxes", u64::from(expect.boxes) != bought, text(expect.boxes), text(bought));
    if ours.is_mixed() {
        let parts = (line_parts(ours, flow, &context.rules), parts(&now.breakdowns));
        // Parts that the two sides name differently only the first sight tells apart.
        let is_changed = || link.seen.as_ref().is_some_and(|seen| parts_changed(seen, now));
        let differs = !now.breakdowns.is_empty() && (parts_differ(&parts.0, &parts.1) || is_changed());
        field("mix", "po_mix", differs, text(parts_of_mix(&ours.mix)), text(parts_of_komet(now)));
    } else {
        field("bunches", "po_bunches", ours.bunches != now.bunches, text(ours.bunches), text(now.bunches));
        let stems = (ours.stems_per_bunch, now.stems_per_bunch);
        field("stems", "po_stems", stems.0 != stems.1, text(stems.0), text(stems.1));
        let cost = (ours.unit_cost, now.unit_cost);
        // Komet's rounding shows at first sight, and of what was asked for.
        let as_seen = link.seen.as_ref().is_none_or(|seen| seen.unit_cost == cost.1)
            && link.asked.as_ref().is_none_or(|asked| asked.unit_cost == cost.0);
        let differs = cost.0 != cost.1 && !(as_seen && is_cost_kept(cost.0, cost.1));
        field("cost", "po_cost", differs, text(cost.0.normalize()), text(cost.1.normalize()));
        let unit = (unit_name(ours.unit_type), now.unit_type.map(unit_name));
        let differs = unit.1.is_some_and(|shown| shown != unit.0);
        field("unit_type", "po_unit_type", differs, text(unit.0), unit.1.and_then(text));
    }
    if let (Some(expected), Some(shown)) = (expected_box_type(&ours.box_type, context), blank(Some(&now.box_type)))
    {
        let differs = !expected.eq_ignore_ascii_case(shown);
        field("box_type", "po_box_type", differs, text(&ours.box_type), text(shown));
    }
}

/// What procurement approved, and is not what its Prebook item is: a buyer had it buy another product, or a rep changed a flow 2 item
/// after it was bought.
fn compare_approved(found: &mut Findings<'_>, sight: &Sight, expect: &Expected<'_>, alive: &[Standing<'_>]) {
    let line = expect.line;
    let left = found.is_left(HoldReason::ChangedAfterApproval, Some(line), |_| true);
    compare_with_item(found, left, expect, alive);
    // What is said of the item says it of the PO line, too.
    if let Some(other) = substituted(found.order, sight, alive).filter(|_| !found.names(Some(line), "product")) {
        let code = &expect.terms.product.code;
        found.report(left, Some(line), "po_product", text(code), text(product_name(other)));
    }
}

/// What of a flow 2 item a rep changed after it was bought, and procurement had approved it as it was.
fn compare_with_item(found: &mut Findings<'_>, left: bool, expect: &Expected<'_>, alive: &[Standing<'_>]) {
    let line = expect.line;
    let item = found.order.komet.item(&expect.item);
    let then = alive.iter().find_map(|(link, _)| link.bought_as.as_ref());
    let Some((item, then)) = item.zip(then).filter(|_| found.order.flow == Flow::FromKomet) else { return };
    let bought: Vec<&PoLine> = alive.iter().map(|(_, (_, line))| *line).collect();
    let as_before = alive.iter().find(|(link, (po, _))| ships_as_before(found.order, link, po));
    // Where the order's own day differs the PO follows it.
    if let Some((_, (po, _))) = as_before.filter(|_| !found.names(None, "ship_date")) {
        found.report(left, Some(line), "po_ship_date", text(found.order.ship_date), text(po.ship_date));
    }
    for changed in changed_since_bought(&item.terms, then, &bought) {
        let (of_line, field, value): (_, _, fn(&KometTerms) -> Option<String>) = match changed {
            "product" => ("product", "product", |terms| text(product_name(terms))),
            "box type" => ("box_type", "po_box_type", |terms| text(&terms.box_type)),
            "bunches per box" => ("bunches", "po_bunches", |terms| text(terms.bunches)),
            "stems per bunch" => ("stems", "po_stems", |terms| text(terms.stems_per_bunch)),
            "unit type" => ("unit_type", "po_unit_type", |terms| terms.unit_type.map(unit_name).and_then(text)),
            "cost" => ("cost", "po_cost", |terms| text(terms.unit_cost.normalize())),
            "mark code" => ("mark_code", "mark_code", |terms| blank(terms.mark_code.as_deref()).and_then(text)),
            _ => ("mix", "po_mix", |terms| text(parts_of_komet(terms))),
        };
        // Where the line itself differs the PO follows it.
        if !found.names(Some(line), of_line) {
            let bought = alive.first().and_then(|(_, (_, line))| value(&line.terms));
            found.report(left, Some(line), field, value(&item.terms), bought);
        }
    }
}

/// Compares what Axerrio knows of the PO with what it should know.
pub(super) fn compare_told(found: &mut Findings<'_>, sight: &Sight, context: &Context<'_>) {
    let Some(ax) = found.order.axerrio.order.as_ref() else { return };
    let left = found.is_refused(PUT_PO);
    let told = ax.purchase_order.as_ref();
    let (told, should) = match (told, sight.po_to_tell.as_ref()) {
        (None, Some(should)) => {
            if should.status != PoInfoStatus::Pending {
                found.report(left, None, "po", text("absent"), text(format_args!("PO {}", should.number)));
            }
            return;
        }
        (Some(told), None) => {
            let is_over = told.status == PoInfoStatus::Cancelled || ax.status.is_off();
            if !is_over && context.whole.purchase_orders {
                found.report(left, None, "po", text(format_args!("PO {}", told.number)), text("absent"));
            }
            return;
        }
        (Some(told), Some(should)) => (told, should),
        (None, None) => return,
    };
    let base = sight.agreed.po_info.as_ref().and_then(|info| Some((&info.sent, info.seen.as_ref()?)));
    let mut field = |name, value: fn(&PurchaseOrderInfo) -> Option<String>| {
        let normalised =
            base.is_some_and(|(sent, seen)| value(sent) == value(should) && value(seen) == value(told));
        if value(told) != value(should) && !normalised {
            found.report(left, None, name, value(told), value(should));
        }
    };
    field("po_number", |po| text(&po.number));
    field("po_status", |po| text(status_name(po.status)));
    field("po_ship_date", |po| text(po.ship_date));
    field("po_awb", |po| blank(po.awb.as_deref()).and_then(text));
    let base = base.map(|(sent, seen)| (&sent.lines[..], &seen.lines[..]));
    compare_told_lines(found, left, &told.lines, &should.lines, base);
}

fn compare_told_lines(
    found: &mut Findings<'_>,
    left: bool,
    told: &[PoInfoLine],
    should: &[PoInfoLine],
    base: Option<(&[PoInfoLine], &[PoInfoLine])>,
) {
    let find = |lines: &[PoInfoLine], id: &str| lines.iter().find(|l| l.po_item_id == id).cloned();
    let ids: BTreeSet<&str> = told.iter().chain(should).map(|l| l.po_item_id.as_str()).collect();
    for id in ids {
        let (told, should) = (find(told, id), find(should, id));
        let then = base.map(|(sent, seen)| (find(sent, id), find(seen, id)));
        if told == should || then.is_some_and(|(sent, seen)| sent == should && seen == told) {
            continue;
        }
        match (told, should) {
            (Some(told), Some(should)) => {
                let line = &should.line_id;
                if told.line_id != *line {
                    found.report(left, Some(line), "po_line", text(&told.line_id), text(line));
                }
                if told.boxes != should.boxes {
                    found.report(left, Some(line), "po_boxes", text(told.boxes), text(should.boxes));
                }
                let cost = (told.unit_cost.normalize(), should.unit_cost.normalize());
                if cost.0 != cost.1 {
                    found.report(left, Some(line), "po_cost", text(cost.0), text(cost.1));
                }
            }
            (Some(told), None) => {
                let told_line = text(format_args!("line {id}"));
                found.report(left, Some(&told.line_id), "po_line", told_line, text("absent"));
            }
            (None, Some(should)) => {
                let bought = text(format_args!("line {id}"));
                found.report(left, Some(&should.line_id), "po_line", text("absent"), bought);
            }
            (None, None) => {}
        }
    }
}

fn status_name(status: PoInfoStatus) -> &'static str {
    match status {
        PoInfoStatus::Pending => "pending",
        PoInfoStatus::Approved => "approved",
        PoInfoStatus::Confirmed => "confirmed",
        PoInfoStatus::Cancelled => "cancelled",
    }
}
