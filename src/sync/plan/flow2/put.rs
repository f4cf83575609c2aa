//! Puts a Prebook to Axerrio. The whole order goes at once, so what a person left as Axerrio has it is put as that; what somebody
//! changed in Axerrio since the last put is asked about, or overruled where Komet is the owner.

use super::buy::{pending_po_lines, take_off};
use super::input::{edits, print, same_input, same_text, shown, take_over, wish_print};
use crate::domain::{
    AgreedInput, AxStatus, CANCELLED, ELSEWHERE, ExternalRef, HoldReason, LineElsewhere, LineId, Order,
    OrderInput, Prebook, PrebookItem, Staying, Verdict,
};
use crate::sync::action::{Action, PutOrder};
use crate::sync::plan::draft::Draft;
use crate::sync::plan::prints::komet_print;
use crate::sync::plan::unmapped::ask_for_mapping;
use crate::sync::plan::words;

/// Brings Axerrio's order to what Komet says; `false` where nothing of it stands any more and it is to be cancelled.
pub(super) fn put(
    draft: &mut Draft<'_>,
    reference: ExternalRef,
    prebook: &Prebook,
    alive: &[&PrebookItem],
) -> bool {
    let Some(input) = desired(draft, prebook, alive) else {
        // Nothing that is left can be sent yet, and what Axerrio has went to another ship date.
        let left = draft.order.axerrio.order.as_ref().is_some_and(|order| {
            order.lines.iter().all(|line| !alive.iter().any(|item| LineId::from(&item.id) == line.id))
        });
        return !left;
    };
    // What was decided about a cancellation is forgotten once the order stands: another one is a new question.
    draft.agreed.cancellation_released = false;
    let is_past = (HoldReason::TooManyCancellations, CANCELLED);
    draft.agreed.decisions.retain(|decision| (decision.reason, decision.cause.as_str()) != is_past);
    bring(draft, reference, input);
    true
}

/// The order as Komet says it; `None` while nothing of it can be sent.
fn desired(draft: &mut Draft<'_>, prebook: &Prebook, alive: &[&PrebookItem]) -> Option<OrderInput> {
    let rules = draft.rules;
    let mut lines = Vec::new();
    for item in alive {
        let id = LineId::from(&item.id);
        if is_elsewhere(draft.order, &id) {
            draft.waits = true;
            ask_about_elsewhere(draft, prebook, item, &id);
        } else if item.terms.is_mapped() {
            lines.push(words::line(item, draft.order, &draft.agreed, rules));
        } else {
            ask_for_mapping(draft, &id, &item.terms.product.description, None);
            let known = draft.agreed.input.as_ref().and_then(|i| i.sent.line(&id));
            lines.extend(known.cloned());
        }
    }
    if lines.is_empty() {
        return None;
    }
    Some(OrderInput { header: words::header(prebook, draft.order, &draft.agreed, rules), lines })
}

/// Whether a line that moved to this order, from another ship date or another Prebook, still stands in the one it left. It never stands
/// in two orders, so that one lets go of it first.
pub(in crate::sync::plan) fn is_elsewhere(order: &Order, line: &LineId) -> bool {
    let stands = order.axerrio.order.as_ref().filter(|order| order.status != AxStatus::Cancelled);
    let own = stands.is_some_and(|order| order.lines.iter().any(|l| l.id == *line));
    !own && order.elsewhere.contains_key(line)
}

/// Where the order that it left keeps the line, a person must see to it: nothing else here says that the vendor was not asked.
fn ask_about_elsewhere(draft: &mut Draft<'_>, prebook: &Prebook, item: &PrebookItem, line: &LineId) {
    let Some(LineElsewhere { order, staying }) = draft.order.elsewhere.get(line).cloned() else { return };
    let (reason, why) = match staying {
        Staying::Goes => return,
        Staying::Refused(message) => {
            (HoldReason::RejectedByAxerrio, format!(", and Axerrio refuses to take it off there: {message}"))
        }
        Staying::Kept => {
            (HoldReason::EditedInAxerrio, ", where it is asked about, or was left as it is".to_owned())
        }
    };
    let cause = format!("{ELSEWHERE}{order} {:016x}", komet_print(&item.terms));
    let _ = draft.ask(reason, Some(line), &cause, || {
        format!(
            "the item is on Prebook {} for {} in Komet by now, but the vendor has it on order {order}{why}. It is put nowhere else, lest \
             it is delivered twice, and labels that are printed for it there come to none of its boxes in Komet. Move it back in \
             Komet, or have the vendor take it off order {order} (labels are voided first); stemsync goes on by itself then.",
            prebook.number, draft.order.ship_date
        )
    });
}

/// Puts `input`, but for what waits for a person.
fn bring(draft: &mut Draft<'_>, reference: ExternalRef, mut input: OrderInput) {
    let Some(order) = &draft.order.axerrio.order else {
        draft.agreed.due = true;
        draft.act(put_all(reference, input));
        return;
    };
    let shown = shown(order);
    let agreed = draft.agreed.input.clone();
    if order.status == AxStatus::Cancelled && agreed.as_ref().is_none_or(|agreed| !agreed.sent.lines.is_empty()) {
        revive(draft, reference, input, agreed.map(|agreed| agreed.sent));
        return;
    }
    let Some(agreed) = agreed else {
        // Found after a lost database: Komet owns, so a difference is put right.
        if same_input(&input, &shown) {
            draft.agreed.input = Some(AgreedInput { sent: input, seen: shown });
        } else {
            draft.act(put_all(reference, input));
        }
        return;
    };
    let wanted = input.clone();
    let agreed = take_in_other_words(agreed, &wanted, &shown);
    let agreed = take_in_what_is_alike(draft, agreed, &wanted, &shown);
    let mut base = agreed.sent.clone();
    let mut keeps = Vec::new();
    let mut overrule = false;
    let mut is_open = false;
    for edit in edits(&agreed.seen, &shown) {
        let line = edit.line.clone();
        let cause = format!("{:016x} {:016x}", edit.print(), wish_print(&wanted, line.as_ref()));
        let what = format!("{} changed in Axerrio, but the order is Komet's", edit.what);
        let verdict = meddled(draft, line.as_ref(), &cause, &what);
        if verdict == Some(true) {
            overrule = true;
        } else {
            is_open |= verdict.is_none();
            take_over(&mut input, &shown, line.as_ref());
            take_over(&mut base, &shown, line.as_ref());
            keeps.push(line);
        }
    }
    // Where each line was left as Axerrio has it, which is not at all, there is no order to put.
    if input.lines.is_empty() && !is_open && !order.status.is_off() && !shown.lines.is_empty() {
        let cause = format!("nothing left {:016x} {:016x}", print(&wanted), print(&shown));
        let what = "Komet no longer wants what Axerrio has of the order, and the rest of its Prebook was left out of it. Cancel \
                    the order in Axerrio to end it";
        if meddled(draft, None, &cause, what) == Some(true) {
            (input, keeps, overrule) = (wanted.clone(), Vec::new(), true);
        }
    }
    draft.forget_settled(HoldReason::EditedInAxerrio);
    if !input.lines.is_empty() && (overrule || !same_text(&input, &base)) {
        draft.act(Action::PutOrder(PutOrder { reference, input, wanted, keeps }));
    }
}

/// A put that leaves nothing as Axerrio has it.
fn put_all(reference: ExternalRef, input: OrderInput) -> Action {
    Action::PutOrder(PutOrder { reference, wanted: input.clone(), input, keeps: Vec::new() })
}

/// A product that the vendor writes by another code of the same thing is agreed, whatever else differs on its line.
fn take_in_other_words(mut agreed: AgreedInput, wanted: &OrderInput, shown: &OrderInput) -> AgreedInput {
    for line in &shown.lines {
        let code = &line.terms.product.code;
        let is_wanted = wanted.line(&line.id).is_some_and(|wanted| wanted.terms.product.code == *code);
        let own = [&mut agreed.sent, &mut agreed.seen].into_iter().flat_map(|input| &mut input.lines);
        for own in own.filter(|own| is_wanted && own.id == line.id) {
            own.terms.product.code.clone_from(code);
        }
    }
    agreed
}

/// What was changed in Axerrio, and says what Komet says by now, is agreed.
fn take_in_what_is_alike(
    draft: &mut Draft<'_>,
    mut agreed: AgreedInput,
    wanted: &OrderInput,
    shown: &OrderInput,
) -> AgreedInput {
    let differ = edits(wanted, shown);
    for edit in edits(&agreed.seen, shown) {
        if !differ.iter().any(|other| other.line == edit.line) {
            take_over(&mut agreed.sent, wanted, edit.line.as_ref());
            take_over(&mut agreed.seen, shown, edit.line.as_ref());
            draft.agreed.input = Some(agreed.clone());
        }
    }
    agreed
}

/// The order was cancelled in Axerrio, and not by stemsync, but its Prebook stands. Where that is not what was `sent` any more it
/// is a new question: whoever left the order cancelled left another Prebook.
fn revive(draft: &mut Draft<'_>, reference: ExternalRef, input: OrderInput, sent: Option<OrderInput>) {
    let has_changed = sent.is_some_and(|sent| !same_input(&sent, &input));
    let (cause, since) = if has_changed {
        (format!("{CANCELLED} {:016x}", print(&input)), " and changed since")
    } else {
        (CANCELLED.to_owned(), "")
    };
    let what = format!("the order was cancelled in Axerrio, but its Prebook stands in Komet{since}");
    if meddled(draft, None, &cause, &what) == Some(true) {
        draft.act(put_all(reference, input));
    } else if draft.verdict(HoldReason::EditedInAxerrio, None, &cause) == Some(Verdict::TakeAxerrio) {
        // Nobody will ship what is on a pending PO, as when the vendor rejects the order.
        let pending = pending_po_lines(draft);
        take_off(draft, pending);
    }
}

/// Somebody changed in Axerrio what Komet owns: `Some(true)` to put Komet's again, `Some(false)` to leave it. Of what ships no more
/// Komet's lists show nothing that would confirm its last state, which may be an old copy's: a person is asked whoever owns it.
fn meddled(draft: &mut Draft<'_>, line: Option<&LineId>, cause: &str, what: &str) -> Option<bool> {
    let reason = HoldReason::EditedInAxerrio;
    let verdict = if draft.order.ship_date < draft.rules.visible_from {
        draft.ask(reason, line, cause, || {
            format!(
                "{what}. Its ship date is over, and Komet's lists do not show it any more: look there first. Take komet to put what \
                 they showed last, take axerrio to leave Axerrio's as it is."
            )
        })
    } else {
        draft.settle(reason, line, cause, Verdict::TakeKomet, || {
            format!("{what}. Take komet to put Komet's again, take axerrio to leave Axerrio's as it is.")
        })
    };
    verdict.map(|verdict| verdict == Verdict::TakeKomet)
}
