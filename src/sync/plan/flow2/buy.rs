//! Buys what the vendor answered of a Prebook, and takes off its POs what is not wanted there any more: deleted, rejected or left out.

use crate::domain::{AxOrder, AxStatus, CreatePo, HoldReason, LineId, Prebook, PrebookItem, Verdict};
use crate::sync::action::{Action, DeletePoLine};
use crate::sync::plan::compare::{goods_from_komet, item_differences};
use crate::sync::plan::draft::Draft;
use crate::sync::plan::po_lines::{self, Buy};
use crate::sync::plan::question::Question;
use crate::sync::plan::{purchase, twice};

/// Cause of the hold of an order that the vendor rejected.
const REJECTED: &str = "rejected by the vendor";

/// The PO follows the vendor's word.
pub(super) fn buy(draft: &mut Draft<'_>, prebook: &Prebook, alive: &[&PrebookItem]) {
    let Some(order) = &draft.order.axerrio.order else { return };
    if order.status == AxStatus::Rejected {
        let _ = draft.ask(HoldReason::RejectedByAxerrio, None, REJECTED, || {
            "the vendor rejected the order. Change or delete the Prebook in Komet; a changed Prebook is asked for again."
                .to_owned()
        });
        let pending = pending_po_lines(draft);
        take_off(draft, pending);
        for item in alive {
            twice::judge_left(draft, &LineId::from(&item.id));
        }
        return;
    }
    draft.agreed.decisions.retain(|decision| decision.cause != REJECTED);
    give_up_what_was_deleted(draft);
    let received = draft.rules.create_po == CreatePo::Received && order.status == AxStatus::Placed;
    let waits = draft.awaits(|a| matches!(a, Action::PutOrder(_)));
    if waits || !(order.status.is_accepted() || received) {
        // The vendor thinks it over; what was approved twice meanwhile is a question all the same.
        if !waits {
            draft.read_named_pos(alive);
            for item in alive {
                twice::judge_left(draft, &LineId::from(&item.id));
            }
        }
        return;
    }
    // What Axerrio refused to hear of, the vendor has not answered: its word is on what stands there.
    let is_refused = draft.wants(|a| matches!(a, Action::PutOrder(_)));
    let mut buys = Vec::new();
    for item in alive {
        let line = LineId::from(&item.id);
        let Some(shown) = order.lines.iter().find(|l| l.id == line) else { continue };
        let asked = if is_refused { shown.terms.boxes } else { item.terms.boxes };
        let boxes = shown.wanted_boxes(asked);
        if draft.is_held(&line) || is_answered_otherwise(draft, order, &line, is_refused) {
            twice::judge_left(draft, &line);
            continue;
        }
        buys.push(Buy {
            line,
            item: item.id.clone(),
            goods: goods_from_komet(&item.terms, boxes),
            confirmed: shown.confirmed_boxes.is_some(),
            mapped: Some(item.terms.is_mapped()),
            product: item.terms.product.description.clone(),
            code: None,
        });
    }
    // Items that moved to another order take theirs with them, too; and nobody ships a line that was left out of Axerrio's order.
    let mut pending = pending_po_lines(draft);
    pending.retain(|DeletePoLine { line, .. }| {
        let is_alive = alive.iter().any(|item| LineId::from(&item.id) == *line);
        let is_left_out = is_left_to_axerrio(draft, line) && order.lines.iter().all(|shown| shown.id != *line);
        is_left_out || !is_alive && !is_gone(draft, line)
    });
    take_off(draft, pending);
    let location = prebook.header.location_code.clone();
    purchase::plan(draft, &buys, draft.order.ship_date, location.as_deref());
}

/// Whether what buys the line is what the vendor answered, and the Prebook is not: on another day since, which Axerrio has not, or
/// with other goods than Axerrio refused to hear of. What is bought stays until the vendor has answered again.
fn is_answered_otherwise(draft: &Draft<'_>, order: &AxOrder, line: &LineId, is_refused: bool) -> bool {
    let ship_date = draft.order.ship_date;
    let bought = draft.alive_po_links(line);
    let is_moved = bought.iter().any(|link| link.ship_date.is_some_and(|day| day != ship_date));
    let item = bought.first().and_then(|link| draft.item(&link.item));
    let then = bought.iter().find_map(|link| link.bought_as.as_ref());
    let is_other = |item: &PrebookItem| {
        let fields = then.map(|then| item_differences(then, &item.terms)).unwrap_or_default();
        fields.iter().any(|field| *field != "boxes")
    };
    is_moved && order.header.ship_date != ship_date || is_refused && item.is_some_and(is_other)
}

/// Whether a person left the line as the vendor changed it in Axerrio.
fn is_left_to_axerrio(draft: &Draft<'_>, line: &LineId) -> bool {
    draft.agreed.decisions.iter().any(|decision| {
        decision.reason == HoldReason::EditedInAxerrio
            && decision.verdict == Verdict::TakeAxerrio
            && decision.line.as_ref() == Some(line)
    })
}

/// Items that were deleted take their pending PO lines with them, whatever the vendor says of the rest (clarification 8).
fn give_up_what_was_deleted(draft: &mut Draft<'_>) {
    let mut pending = pending_po_lines(draft);
    pending.retain(|delete| is_gone(draft, &delete.line));
    take_off(draft, pending);
    ask_about_approved_leftovers(draft);
}

/// Whether the line's item is deleted: shown so, or shown no more and looked up in vain. One that moved to another ship date
/// is shown in that date's order.
fn is_gone(draft: &Draft<'_>, line: &LineId) -> bool {
    let Some(link) = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref()) else { return false };
    draft.item(&link.item).map_or(!draft.order.items_elsewhere.contains(&link.item), |item| !item.is_alive())
}

/// What procurement approved for an item that was deleted since: Komet's people must say whether it is still wanted.
pub(super) fn ask_about_approved_leftovers(draft: &mut Draft<'_>) {
    let lines = draft.agreed.lines.keys();
    let deleted: Vec<LineId> = lines.filter(|line| is_gone(draft, line)).cloned().collect();
    for line in deleted {
        let mut approved = draft.alive_po_links(&line);
        approved.retain(|link| draft.is_link_decided(link));
        let Some(first) = approved.first() else { continue };
        let order = draft.order.axerrio.order.as_ref().filter(|order| order.status != AxStatus::Cancelled);
        let stands = order.is_some_and(|order| order.lines.iter().any(|shown| shown.id == line));
        let told = if stands { "" } else { ", and the vendor was told" };
        let has_shipped = draft.has_shipped(&line);
        let goes = Question {
            line: Some(&line),
            cause: &format!("PO line {} of a deleted item", first.line),
            what: format!(
                "the Prebook item was deleted in Komet{told}, but line {} of PO {}, which procurement approved, still buys it.",
                first.line, first.number
            ),
            choice: "Cancel it in Komet (this clears itself then), take axerrio to delete it, take komet to leave it."
                .to_owned(),
            // Both sides of it are Komet's own.
            is_komets: false,
            has_shipped,
        }
        .takes_axerrio(draft);
        if goes {
            po_lines::delete(draft, &line, &approved);
        }
    }
}

/// What is bought and not approved yet, but for lines about which a person must decide.
pub(super) fn pending_po_lines(draft: &Draft<'_>) -> Vec<DeletePoLine> {
    draft
        .agreed
        .lines
        .iter()
        .flat_map(|(line, l)| l.po_lines.iter().map(move |link| (line, link)))
        .filter(|(_, link)| draft.po_alive(link) && !draft.is_link_decided(link))
        .filter(|(line, _)| !draft.is_held(line))
        .map(|(line, link)| DeletePoLine {
            number: link.number.clone(),
            po_item: link.line.clone(),
            line: line.clone(),
        })
        .collect()
}

/// What is bought goes, as soon as it is known that nothing was bought twice.
pub(super) fn take_off(draft: &mut Draft<'_>, pending: Vec<DeletePoLine>) {
    for delete in pending {
        if draft.knows_repeats(&delete.line) {
            draft.act(Action::DeletePoLine(delete));
        }
    }
}
