//! Orders prebooked in Komet: what Komet orders, in Axerrio's words, against what Axerrio shows. Axerrio may normalise
//! what it is told; what it showed right after the last put counts then.

use super::Context;
use super::findings::{Findings, text};
use super::purchase::{self, Expected};
use super::values::{parts_of_mix, status_name, unit_name};
use crate::domain::{
    AgreedInput, AxOrder, AxStatus, CANCELLED, CreatePo, Header, HoldReason, InputLine, ItemId, LineId, LineTerms,
    NO_PREBOOK, OrderInput, blank,
};
use crate::sync::plan::{Sight, shown};

/// The requests that bring an order, and take it back, as refusals name them.
const PUT: &str = "PUT orders/by-ref/";
const CANCEL: &str = "POST orders/by-ref/";

pub(super) fn compare(found: &mut Findings<'_>, sight: &Sight, context: &Context<'_>) {
    let wanted = sight.ordered.as_ref().filter(|wanted| !wanted.lines.is_empty());
    compare_orders(found, sight, wanted, context);
    compare_leftovers(found, sight, wanted, context);
}

fn compare_orders(found: &mut Findings<'_>, sight: &Sight, wanted: Option<&OrderInput>, context: &Context<'_>) {
    let order = found.order;
    let (ax, wanted) = match (&order.axerrio.order, wanted) {
        (None, None) => return,
        (None, Some(wanted)) => {
            if context.whole.orders {
                let is_left = wanted.lines.iter().all(|line| is_left_unmapped(found, &line.id));
                found.report(is_left || found.is_refused(PUT), None, "order", text("absent"), text("present"));
            }
            return;
        }
        (Some(ax), None) => {
            if !ax.status.is_off() && context.whole.prebooks {
                let left = found.was_left(HoldReason::TooManyCancellations, None)
                    || found.is_refused(CANCEL)
                    || found.is_left(HoldReason::EditedInAxerrio, None, |cause| cause == NO_PREBOOK);
                found.report(left, None, "order", text("present"), text("absent"));
            }
            return;
        }
        (Some(ax), Some(wanted)) => (ax, wanted),
    };
    if ax.status.is_off() {
        let left = found.is_left(HoldReason::EditedInAxerrio, None, |cause| cause.starts_with(CANCELLED))
            || found.is_left(HoldReason::RejectedByAxerrio, None, |_| true);
        found.report(left, None, "order", text(status_name(ax.status)), text("present"));
        return;
    }
    let now = shown(ax);
    let base = sight.agreed.input.as_ref();
    compare_header(found, &wanted.header, &now.header, base);
    compare_lines(found, wanted, &now, base, context);
    let expected = expected(ax, wanted, context);
    purchase::compare(found, sight, &expected, context);
}

/// What is bought for items that Komet no longer has, and Axerrio knows that. One that moved to another ship date is that
/// order's.
fn compare_leftovers(found: &mut Findings<'_>, sight: &Sight, wanted: Option<&OrderInput>, context: &Context<'_>) {
    if !context.whole.is_whole() || found.names(None, "order") {
        return;
    }
    let order = found.order;
    for (line, agreed) in &sight.agreed.lines {
        let is_elsewhere = agreed.item.as_ref().is_some_and(|link| order.items_elsewhere.contains(&link.item));
        let is_wanted = wanted.is_some_and(|wanted| wanted.line(line).is_some());
        if is_elsewhere || is_wanted || found.names(Some(line), "line") {
            continue;
        }
        let left = found.is_left(HoldReason::ChangedAfterApproval, Some(line), |_| true);
        for (po, bought) in agreed.po_lines.iter().filter_map(|link| purchase::standing(order, link)) {
            let shown = text(format_args!("line {} of PO {}", bought.id, po.number));
            found.report(left, Some(line), "po_line", text("absent"), shown);
        }
    }
}

fn compare_header(found: &mut Findings<'_>, wanted: &Header, now: &Header, base: Option<&AgreedInput>) {
    let left = found.is_left(HoldReason::EditedInAxerrio, None, |cause| !cause.starts_with(CANCELLED))
        || found.is_refused(PUT);
    let mut field = |name, value: fn(&Header) -> Option<String>| {
        let (komet, axerrio) = (value(wanted), value(now));
        let normalised =
            base.is_some_and(|base| value(&base.sent.header) == komet && value(&base.seen.header) == axerrio);
        if komet != axerrio && !normalised {
            found.report(left, None, name, axerrio, komet);
        }
    };
    field("customer", |h| text(&h.customer.code));
    field("customer_po", |h| blank(h.customer_po.as_deref()).and_then(text));
    field("ship_date", |h| text(h.ship_date));
    field("truck_date", |h| text(h.truck_date()));
    field("carrier", |h| h.carrier.as_ref().map(|c| c.code.clone()));
    field("location", |h| blank(h.location.as_deref()).and_then(text));
}

fn compare_lines(
    found: &mut Findings<'_>,
    wanted: &OrderInput,
    now: &OrderInput,
    base: Option<&AgreedInput>,
    context: &Context<'_>,
) {
    for line in &wanted.lines {
        let left = found.is_left(HoldReason::EditedInAxerrio, Some(&line.id), |_| true) || found.is_refused(PUT);
        match now.line(&line.id) {
            Some(other) => compare_line(found, left, line, other, base),
            None => {
                let left = left || is_left_unmapped(found, &line.id);
                found.report(left, Some(&line.id), "line", text("absent"), text("present"));
            }
        }
    }
    for line in now.lines.iter().filter(|l| l.terms.boxes > 0 && wanted.line(&l.id).is_none()) {
        if context.whole.prebooks {
            let left =
                found.is_left(HoldReason::EditedInAxerrio, Some(&line.id), |_| true) || found.is_refused(PUT);
            found.report(left, Some(&line.id), "line", text("present"), text("absent"));
        }
    }
}

/// Whether a person left it that Komet does not know the product, so that it was never sent.
fn is_left_unmapped(found: &Findings<'_>, line: &LineId) -> bool {
    found.is_left(HoldReason::UnmappedProduct, Some(line), |_| true)
}

fn compare_line(
    found: &mut Findings<'_>,
    left: bool,
    wanted: &InputLine,
    now: &InputLine,
    base: Option<&AgreedInput>,
) {
    let then = base.and_then(|base| Some((base.sent.line(&wanted.id)?, base.seen.line(&wanted.id)?)));
    let mut field = |name, value: fn(&LineTerms) -> Option<String>| {
        let (komet, axerrio) = (value(&wanted.terms), value(&now.terms));
        let normalised =
            then.is_some_and(|(sent, seen)| value(&sent.terms) == komet && value(&seen.terms) == axerrio);
        if komet != axerrio && !normalised {
            found.report(left, Some(&wanted.id), name, axerrio, komet);
        }
    };
    field("product", |t| text(&t.product.code));
    field("box_type", |t| text(t.box_type.to_uppercase()));
    field("boxes", |t| text(t.boxes));
    field("bunches", |t| text(t.bunches));
    field("stems", |t| text(t.stems_per_bunch));
    field("unit_type", |t| text(unit_name(t.unit_type)));
    field("cost", |t| text(t.unit_cost.normalize()));
    field("mark_code", |t| blank(t.mark_code.as_deref()).and_then(text));
    field("mix", |t| t.is_mixed().then(|| parts_of_mix(&t.mix)));
}

/// What should be bought, once the vendor has said yes (or at once, if the admin says so).
fn expected<'o>(ax: &'o AxOrder, wanted: &OrderInput, context: &Context<'_>) -> Vec<Expected<'o>> {
    let at_once = context.settings.create_po == CreatePo::Received && ax.status == AxStatus::Placed;
    if !(ax.status.is_accepted() || at_once) {
        return Vec::new();
    }
    ax.lines
        .iter()
        .filter(|line| wanted.line(&line.id).is_some())
        .filter_map(|line| Expected::of(line, ItemId(line.id.0.parse().ok()?)))
        .collect()
}
