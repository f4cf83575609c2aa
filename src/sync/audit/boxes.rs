//! Labels against boxes. Every printed label of a line that may ship has its box, and no box has another code. AWBs
//! cannot be read back from single boxes: there the label is held against what its box was shipped with. A label
//! waits for its AWB as long as Komet has no box for it; until then it is no difference.

use super::Context;
use super::findings::{Findings, text};
use super::purchase::standing;
use crate::domain::{
    BOX_CODE, HoldReason, Label, LabelStatus, LineId, NOT_BOUGHT, PoBox, SURPLUS, blank, current_labels,
};
use crate::sync::plan::{Sight, is_komets_lot, labels_of_no_line};

pub(super) fn compare(found: &mut Findings<'_>, sight: &Sight, context: &Context<'_>) {
    let order = found.order;
    if order.axerrio.order.as_ref().is_none_or(|ax| ax.status.is_off()) {
        return;
    }
    let mut ships = false;
    for (line, agreed) in &sight.agreed.lines {
        let shipping: Vec<_> = agreed
            .po_lines
            .iter()
            .filter_map(|link| standing(order, link))
            .filter(|(po, shown)| po.status.can_ship() || !shown.boxes.is_empty())
            .collect();
        if shipping.is_empty() {
            continue;
        }
        ships = true;
        let boxes: Vec<&PoBox> = shipping.iter().flat_map(|(_, shown)| &shown.boxes).collect();
        let labels: Vec<&Label> = order.axerrio.labels.iter().filter(|l| l.line_id == *line).collect();
        let waits = !shipping.iter().any(|(po, _)| po.status.can_ship());
        compare_line(found, sight, line, &labels, (&boxes, waits), context);
    }
    if ships && context.whole.orders {
        compare_labels_of_no_line(found, sight);
    }
}

/// Labels of lines that the order does not have.
fn compare_labels_of_no_line(found: &mut Findings<'_>, sight: &Sight) {
    for (line, labels) in labels_of_no_line(found.order, &sight.agreed) {
        for label in labels {
            let left = is_kept_out(found, line, label);
            found.report_each(left, Some(line), "box_code", text(&label.box_code), text("absent"));
        }
    }
}

fn compare_line(
    found: &mut Findings<'_>,
    sight: &Sight,
    line: &LineId,
    labels: &[&Label],
    (boxes, waits): (&[&PoBox], bool),
    context: &Context<'_>,
) {
    let mut free: Vec<&PoBox> = boxes.to_vec();
    let mut without_box = Vec::new();
    for label in current_labels(labels).into_values().filter(|label| label.status == LabelStatus::Printed) {
        match free.iter().position(|shown| shown.code == label.box_code) {
            Some(at) => compare_box(found, sight, line, label, free.remove(at)),
            None => without_box.push(label),
        }
    }
    for label in without_box {
        // The box that bears the label's former code, else any that no label claims.
        let former = free.iter().position(|shown| {
            let known = sight.agreed.boxes.get(&shown.code);
            known.is_some_and(|known| known.line == *line && known.box_number == label.box_number)
        });
        let unknown = || free.iter().position(|shown| !sight.agreed.boxes.contains_key(&shown.code));
        match former.or_else(unknown) {
            Some(at) => {
                let shown = free.remove(at);
                let left = is_kept_out(found, line, label);
                found.report_each(left, Some(line), "box_code", text(&label.box_code), text(&shown.code));
            }
            None if waits || blank(label.awb.as_deref()).is_none() => {}
            None => {
                let left = is_kept_out(found, line, label);
                found.report_each(left, Some(line), "box_code", text(&label.box_code), text("absent"));
            }
        }
    }
    if !context.whole.labels {
        return;
    }
    for shown in free {
        let is_void = labels.iter().any(|l| l.status == LabelStatus::Void && l.box_code == shown.code);
        let axerrio = if is_void { "void" } else { "absent" };
        let left = is_void
            && found.is_left(HoldReason::VoidLabel, Some(line), |cause| {
                cause.split(' ').next_back() == Some(shown.code.as_str())
            });
        found.report_each(left, Some(line), "box_code", text(axerrio), text(&shown.code));
    }
}

/// Whether the label cannot go to Komet, and a person has said to leave it at that.
fn is_kept_out(found: &Findings<'_>, line: &LineId, label: &Label) -> bool {
    let (code, lot) = (&label.box_code, blank(label.lot_number.as_deref()));
    let left = |reason, cause: &dyn Fn(&str) -> bool| found.is_left(reason, Some(line), cause);
    left(HoldReason::DuplicateBoxCode, &|cause| {
        cause == format!("box {} {code}", label.box_number) || cause.starts_with("in Komet ")
    }) || left(HoldReason::FieldTooLong, &|cause| cause == format!("{BOX_CODE}{code}"))
        || left(HoldReason::ReservedLotNumber, &|cause| {
            let (of, codes) = cause.split_once(' ').unwrap_or((cause, code));
            Some(of) == lot && codes.split(", ").any(|of| of == code)
        })
        || left(HoldReason::UnmappedProduct, &|_| true)
        || left(HoldReason::RejectedByKomet, &|cause| {
            cause.starts_with("purchase.order.items.awb.add") || cause.starts_with("box.code.change")
        })
        || left(HoldReason::ChangedAfterApproval, &|cause| {
            let codes = cause.strip_prefix(SURPLUS).or_else(|| cause.strip_prefix(NOT_BOUGHT));
            codes.is_some_and(|codes| codes.split(", ").any(|c| c == code))
        })
}

/// A label and the box that bears its code.
fn compare_box(found: &mut Findings<'_>, sight: &Sight, line: &LineId, label: &Label, shown: &PoBox) {
    let known = sight.agreed.boxes.get(&label.box_code);
    // What Komet shipped by itself has Komet's lot and nobody's AWB.
    let Some(known) = known.filter(|known| known.awb.is_some()) else { return };
    let code = &label.box_code;
    let left = found.is_left(HoldReason::LabelChangedAfterShipping, Some(line), |cause| {
        cause.split(' ').next() == Some(code.as_str())
    });
    let of_box = |value: &Option<String>| blank(value.as_deref()).map(|value| format!("{value} ({code})"));
    let (lot, shown_lot) = (blank(label.lot_number.as_deref()), blank(shown.lot_number.as_deref()));
    let komets_own = shown_lot.is_some_and(is_komets_lot);
    // Where Komet shows no lot, what it was told counts.
    let lot_there = match shown_lot {
        Some(_) if komets_own && lot.is_none() => None,
        Some(shown) => Some(shown),
        None => blank(known.lot_number.as_deref()),
    };
    if lot != lot_there {
        let komet = lot_there.map(|lot| format!("{lot} ({code})"));
        found.report_each(left, Some(line), "lot_number", of_box(&label.lot_number), komet);
    }
    if blank(known.awb.as_deref()) != blank(label.awb.as_deref()) {
        found.report_each(left, Some(line), "awb", of_box(&label.awb), of_box(&known.awb));
    }
    if blank(known.house_awb.as_deref()) != blank(label.house_awb.as_deref()) {
        found.report_each(left, Some(line), "house_awb", of_box(&label.house_awb), of_box(&known.house_awb));
    }
}
