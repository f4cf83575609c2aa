//! Labels for which nothing was bought: more than there are boxes, of lines that were taken off their PO, and of lines that the
//! order does not have. A person is asked, since neither system can be told of them.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use crate::domain::{
    Agreed, HoldReason, Label, LabelStatus, LineId, NOT_BOUGHT, Order, SURPLUS, Verdict, current_labels,
};

/// The codes of labels, as causes and people name them.
pub(super) fn codes_of(labels: &[&Label]) -> String {
    let codes: Vec<&str> = labels.iter().map(|label| label.box_code.as_str()).collect();
    codes.join(", ")
}

/// More labels than boxes were bought: nothing is left to ship them on. While a PO still has boxes without a code, the
/// line that holds them has only not been read yet; and while the line's PO is being changed, it is too early to ask.
pub(super) fn ask_about_surplus(draft: &mut Draft<'_>, line: &LineId, labels: &[&Label]) {
    // What is bought and not approved yet counts as well: its labels only wait.
    let links = draft.alive_po_links(line);
    let shown = links.iter().filter_map(|link| draft.po_line(&link.line));
    let (bought, shipped) = shown.fold((0, 0), |(b, s), (_, l)| (b + l.terms.boxes as usize, s + l.boxes.len()));
    let changing = draft.actions.iter().any(|action| !action.is_batched() && action.lines().contains(line));
    if changing || bought > shipped {
        return;
    }
    if bought == 0 {
        if will_never_be_bought(draft, line) {
            ask_about_labels_of_nothing(draft, line, labels);
        }
        return;
    }
    let codes = codes_of(labels);
    let _ = draft.ask(HoldReason::ChangedAfterApproval, Some(line), &format!("{SURPLUS}{codes}"), || {
        format!(
            "Axerrio printed more labels than the PO has boxes: {codes}. Void them in Axerrio, or buy more boxes in Komet."
        )
    });
}

/// Whether the vendor confirmed none of the line, or a person left it out of what was approved.
fn will_never_be_bought(draft: &Draft<'_>, line: &LineId) -> bool {
    let mut lines = draft.order.axerrio.order.iter().flat_map(|order| &order.lines);
    let is_declined = lines.any(|shown| shown.id == *line && shown.confirmed_boxes == Some(0));
    let is_left_out = || {
        !draft.agreed.lines.contains_key(line)
            && draft.agreed.decisions.iter().any(|decision| {
                decision.line.as_ref() == Some(line)
                    && decision.reason == HoldReason::ChangedAfterApproval
                    && decision.verdict != Verdict::TakeAxerrio
            })
    };
    is_declined || is_left_out()
}

/// Whether Komet's people took the line off its PO, or cancelled that: nothing is bought for it, nor will be.
pub(super) fn was_taken_off(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.agreed.lines.get(line).map(|agreed| agreed.po_lines.as_slice()).unwrap_or_default();
    links.iter().any(|link| !link.dead) && !links.iter().any(|link| draft.po_alive(link))
}

pub(super) fn ask_about_labels_of_nothing(draft: &mut Draft<'_>, line: &LineId, labels: &[&Label]) {
    let changing = draft.actions.iter().any(|action| !action.is_batched() && action.lines().contains(line));
    // What moved to another ship date or Prebook took its PO line there.
    let item = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
    let has_moved = item.is_some_and(|link| draft.order.items_elsewhere.contains(&link.item));
    if changing || has_moved || draft.is_held(line) {
        return;
    }
    let codes = codes_of(labels);
    let _ = draft.ask(HoldReason::ChangedAfterApproval, Some(line), &format!("{NOT_BOUGHT}{codes}"), || {
        format!(
            "Axerrio printed labels for a line that no PO buys: {codes}. Void them in Axerrio, or buy the line in Komet."
        )
    });
}

/// Printed labels of lines that neither the order has nor another one, to which they moved, and whose codes no box bears.
pub(crate) fn labels_of_no_line<'o>(order: &'o Order, agreed: &Agreed) -> BTreeMap<&'o LineId, Vec<&'o Label>> {
    let lines = order.axerrio.order.iter().flat_map(|order| &order.lines).map(|line| &line.id);
    let lines: BTreeSet<&LineId> = lines.chain(agreed.lines.keys()).chain(order.elsewhere.keys()).collect();
    let borne: BTreeSet<&str> = order.komet.box_codes().collect();
    let mut by_line: BTreeMap<&LineId, Vec<&Label>> = BTreeMap::new();
    for label in &order.axerrio.labels {
        let has_moved = order.items_elsewhere.iter().any(|item| LineId::from(item) == label.line_id);
        if !lines.contains(&label.line_id) && !has_moved {
            by_line.entry(&label.line_id).or_default().push(label);
        }
    }
    for labels in by_line.values_mut() {
        *labels = current_labels(labels).into_values().collect();
        labels.retain(|label| label.status == LabelStatus::Printed && !borne.contains(label.box_code.as_str()));
    }
    by_line.retain(|_, labels| !labels.is_empty());
    by_line
}

/// Says so once something of the order may ship. Until the order was read since they were printed the line may only not show yet.
pub(super) fn ask_about_labels_of_no_line(draft: &mut Draft<'_>) {
    let Some(order) = draft.order.axerrio.order.as_ref().filter(|order| !order.status.is_off()) else { return };
    let mut bought = draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    if !bought.any(|link| draft.po_alive(link) && draft.po_status(link).can_ship()) {
        return;
    }
    let read = draft.rules.facts.orders_read.max(Some(order.changed_at));
    for (line, labels) in labels_of_no_line(draft.order, &draft.agreed) {
        if labels.iter().any(|label| Some(label.changed_at) > read) {
            draft.waits = true;
            continue;
        }
        let codes = codes_of(&labels);
        let _ = draft.ask(HoldReason::ChangedAfterApproval, Some(line), &format!("{NOT_BOUGHT}{codes}"), || {
            format!(
                "Axerrio printed labels for line {line}, which the order does not have: {codes}. Void them in Axerrio, or add the \
                 line there."
            )
        });
    }
}
