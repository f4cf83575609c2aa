//! What the vendor declined as a whole, by rejecting it or confirming none of its boxes, goes off its pending POs unasked. Of many
//! orders at once that is a cancellation like any other: the brake counts it, and a person is asked.

use super::draft::Draft;
use super::prints::{header_print, komet_print, terms_print};
use crate::domain::{AxStatus, Flow, HoldReason, LineId, Order, PoItemId, PrebookItem, Verdict, fingerprint};
use crate::sync::action::Action;

/// How the causes begin under which is kept what a person said of such an order.
const DECLINED: &str = "declined by the vendor";

/// Names what the vendor declined of an order that stands all the same: if that changes it is another question. Flow 1 is cancelled
/// by a rejection (clarification 8).
pub(crate) fn declined(order: &Order) -> Option<String> {
    let shown = order.axerrio.order.as_ref()?;
    let items: Vec<&PrebookItem> = match order.flow {
        Flow::FromAxerrio => Vec::new(),
        Flow::FromKomet => order.komet.prebooks.iter().flat_map(|prebook| &prebook.items).collect(),
    };
    let is_line = |item: &&PrebookItem| shown.lines.iter().any(|line| line.id == LineId::from(&item.id));
    let stands = match order.flow {
        Flow::FromAxerrio => !shown.status.is_off(),
        Flow::FromKomet => {
            shown.status != AxStatus::Cancelled && items.iter().any(|item| item.is_alive() && is_line(item))
        }
    };
    let is_rejected = shown.status == AxStatus::Rejected;
    let mut wanted = shown.lines.iter().filter(|line| line.terms.boxes > 0).peekable();
    let is_none_confirmed = wanted.peek().is_some() && wanted.all(|line| line.wanted_boxes(line.terms.boxes) == 0);
    (stands && (is_rejected || is_none_confirmed)).then(|| {
        let lines = shown.lines.iter().map(|line| (&line.id, terms_print(&line.terms), line.confirmed_boxes));
        let lines: Vec<_> = lines.collect();
        let items: Vec<_> =
            items.iter().map(|item| (&item.id, komet_print(&item.terms), item.ship_date)).collect();
        let print = fingerprint(&(is_rejected, header_print(&shown.header), lines, items));
        format!("{DECLINED} {print:016x}")
    })
}

/// Has the brake count it before the POs are read, and takes nothing off that it, or a person, keeps.
pub(super) fn stop(draft: &mut Draft<'_>) {
    let cause = declined(draft.order);
    // Declined otherwise, or once more, it is a new question.
    let is_over = |other: &String| other.starts_with(DECLINED) && Some(other) != cause.as_ref();
    draft.agreed.decisions.retain(|decision| !is_over(&decision.cause));
    let Some(cause) = cause else { return };
    let verdict = draft.verdict(HoldReason::TooManyCancellations, None, &cause);
    let goes: Vec<PoItemId> = draft.actions.iter().filter_map(|action| pending_line(draft, action)).collect();
    if goes.is_empty() || verdict == Some(Verdict::TakeAxerrio) {
        return;
    }
    draft.cancels |= verdict.is_none();
    if verdict.is_some() || !draft.rules.may_cancel {
        let is_stopped =
            |action: &Action| matches!(action, Action::DeletePoLine(it) if goes.contains(&it.po_item));
        draft.actions.retain(|action| !is_stopped(action));
    }
}

/// The PO line that an action takes away and that procurement has not decided about: what it has goes by a person's word only.
fn pending_line(draft: &Draft<'_>, action: &Action) -> Option<PoItemId> {
    let Action::DeletePoLine(delete) = action else { return None };
    let mut links = draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    let link = links.find(|link| link.line == delete.po_item)?;
    (!draft.is_link_decided(link)).then(|| link.line.clone())
}
