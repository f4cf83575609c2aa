//! Orders prebooked in Komet. Komet owns header and lines: its changes are put to Axerrio, Axerrio's are held.
//! Acceptance and confirmed boxes are Axerrio's; once the vendor accepts, the PO is made.
//!
//! `PUT by-ref` replaces the whole order, so a line that waits for a person is sent as Axerrio has it.

mod buy;
mod input;
mod put;

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::draft::Draft;
use crate::domain::{
    AxOrder, AxStatus, CANCELLED, ExternalRef, HoldReason, LineId, NO_PREBOOK, Prebook, PrebookItem, Verdict,
};
use crate::sync::action::{Action, CancelOrder};
use buy::{ask_about_approved_leftovers, pending_po_lines, take_off};
pub(crate) use input::{same_input, shown, take_over};
pub(super) use put::is_elsewhere;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(reference) = draft.order.reference.clone() else { return };
    let Some(prebook) = draft.order.komet.prebooks.first() else {
        // Never read, or confirmed deleted: the poll removes a Prebook only after looking it up by its number. An order that
        // Axerrio never had is known by its Prebook alone; what moved to it with its items may be bought all the same.
        let was_read = draft.agreed.input.is_some()
            || draft.order.axerrio.order.as_ref().is_none_or(|order| has_moved(draft, order));
        if draft.order.prebook.is_some() && was_read {
            cancel(draft, reference);
            ask_about_approved_leftovers(draft);
        } else {
            ask_about_orphan(draft, reference);
        }
        return;
    };
    let alive: Vec<&PrebookItem> = prebook.items.iter().filter(|i| i.is_alive()).collect();
    if alive.is_empty() {
        cancel(draft, reference);
        ask_about_approved_leftovers(draft);
        return;
    }
    // A Company token sees what shipped long ago: nobody is to order that.
    if draft.order.axerrio.order.is_none() && draft.order.ship_date < draft.rules.visible_from {
        ask_about_late(draft, prebook);
        return;
    }
    // An item that was read on another day before the order was found to keep its own becomes another order's by reading its week again.
    let days = alive.iter().map(|item| item.ship_date).filter(|day| *day != draft.order.ship_date);
    let days: Vec<NaiveDate> = days.collect();
    if !draft.has_read_windows(&days) {
        return;
    }
    if put::put(draft, reference.clone(), prebook, &alive) {
        buy::buy(draft, prebook, &alive);
    } else {
        cancel(draft, reference);
    }
}

/// A Prebook that Axerrio did not take before its ship date was over. Of one that was first seen after it nothing is due.
fn ask_about_late(draft: &mut Draft<'_>, prebook: &Prebook) {
    if !draft.agreed.due {
        return;
    }
    let day = draft.order.ship_date;
    let _ = draft.ask(HoldReason::RejectedByAxerrio, None, &format!("late {day}"), || {
        format!(
            "Axerrio did not take Prebook {} before its ship date {day} was over. Order it there by hand if it shipped, then \
             dismiss this.",
            prebook.number
        )
    });
}

/// Whether Komet shows all that Axerrio has of the order on other ship dates of the Prebook.
fn has_moved(draft: &Draft<'_>, order: &AxOrder) -> bool {
    let elsewhere: BTreeSet<LineId> = draft.order.items_elsewhere.iter().map(LineId::from).collect();
    !order.lines.is_empty() && order.lines.iter().all(|line| elsewhere.contains(&line.id))
}

/// An order in Axerrio that names a Prebook which this database never saw: it was deleted while the database was lost
/// with it. Komet was looked through for it (each window once in full), but only by a person's word is it cancelled.
fn ask_about_orphan(draft: &mut Draft<'_>, reference: ExternalRef) {
    let Some(order) = &draft.order.axerrio.order else { return };
    let ship_date = order.header.ship_date;
    let stands = matches!(order.status, AxStatus::Placed | AxStatus::Accepted);
    // A Vendor token sees nothing older: of an order that shipped nothing can be said.
    if !stands || ship_date < draft.rules.visible_from {
        return;
    }
    if !draft.knows_windows(&[ship_date]) {
        return;
    }
    let verdict = draft.ask(HoldReason::EditedInAxerrio, None, NO_PREBOOK, || {
        format!(
            "the order stands in Axerrio, but Komet shows no Prebook for it ({reference}): it was deleted, or is another \
             company's. Take komet to cancel the order in Axerrio, take axerrio to leave it."
        )
    });
    if verdict == Some(Verdict::TakeKomet) {
        draft.agreed.cancellation_released = true;
        cancel(draft, reference);
    }
}

/// The Prebook is gone or has no quantity left.
fn cancel(draft: &mut Draft<'_>, reference: ExternalRef) {
    let on_order = draft.order.axerrio.order.as_ref().is_some_and(|o| o.status != AxStatus::Cancelled);
    let pending: Vec<_> = pending_po_lines(draft);
    if !on_order && pending.is_empty() {
        return;
    }
    if draft.verdict(HoldReason::TooManyCancellations, None, CANCELLED).is_some() {
        return;
    }
    // Counted before the POs are read: the brake judges all that a run would cancel, at once.
    draft.cancels = on_order && !draft.agreed.cancellation_released;
    if !draft.knows_purchases(|_, _| true) {
        return;
    }
    if !draft.cancels || draft.rules.may_cancel {
        take_off(draft, pending);
        if on_order {
            draft.act(Action::CancelOrder(CancelOrder { reference }));
        }
    }
}
