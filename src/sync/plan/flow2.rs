//! Orders prebooked in Komet. Komet owns header and lines: its changes are put to Axerrio, Axerrio's are held.
//! Acceptance and confirmed boxes are Axerrio's; once the vendor accepts, the PO is made.
//!
//! `PUT by-ref` replaces the whole order, so a line that waits for a person is sent as Axerrio has it.

use std::collections::BTreeSet;

use super::Need;
use super::compare::{goods_from_komet, item_differences};
use super::draft::Draft;
use super::po_lines::Buy;
use super::prints::{header_print, terms_print};
use super::question::Question;
use super::rules::window_of;
use super::said::{header_changes, line_changes, said};
use super::unmapped::ask_for_mapping;
use super::{po_lines, purchase, twice, words};
use crate::domain::{
    AgreedInput, AxOrder, AxStatus, CANCELLED, CreatePo, Header, HoldReason, InputLine, LineId, LineTerms,
    NO_PREBOOK, Order, OrderInput, Prebook, PrebookItem, Verdict, blank, fingerprint,
};
use crate::sync::action::{Action, CancelOrder, DeletePoLine, PutOrder};

/// Cause of the hold of an order that the vendor rejected.
const REJECTED: &str = "rejected by the vendor";

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
    if put(draft, reference, prebook, &alive) {
        buy(draft, prebook, &alive);
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
fn ask_about_orphan(draft: &mut Draft<'_>, reference: crate::domain::ExternalRef) {
    let Some(order) = &draft.order.axerrio.order else { return };
    let ship_date = order.header.ship_date;
    let stands = matches!(order.status, AxStatus::Placed | AxStatus::Accepted);
    // A Vendor token sees nothing older: of an order that shipped nothing can be said.
    if !stands || ship_date < draft.rules.visible_from {
        return;
    }
    if !draft.rules.facts.windows_known.contains(&window_of(ship_date)) {
        draft.needs.insert(Need::Prebooks(ship_date));
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

/// A put that leaves nothing as Axerrio has it.
fn put_all(reference: crate::domain::ExternalRef, input: OrderInput) -> Action {
    Action::PutOrder(PutOrder { reference, wanted: input.clone(), input, keeps: Vec::new() })
}

/// Brings Axerrio's order to what Komet says; `false` where nothing of it stands any more and it is cancelled.
fn put(
    draft: &mut Draft<'_>,
    reference: crate::domain::ExternalRef,
    prebook: &Prebook,
    alive: &[&PrebookItem],
) -> bool {
    let Some(input) = desired(draft, prebook, alive) else {
        // Nothing that is left can be sent yet, and what Axerrio has went to another ship date.
        let left = draft.order.axerrio.order.as_ref().is_some_and(|order| {
            order.lines.iter().all(|line| !alive.iter().any(|item| LineId::from(&item.id) == line.id))
        });
        if left {
            cancel(draft, reference);
        }
        return !left;
    };
    // What was decided about a cancellation is forgotten once the order stands: another one is a new question.
    draft.agreed.cancellation_released = false;
    draft.agreed.decisions.retain(|decision| decision.reason != HoldReason::TooManyCancellations);
    bring(draft, reference, input);
    true
}

/// Puts `input`, but for what waits for a person.
fn bring(draft: &mut Draft<'_>, reference: crate::domain::ExternalRef, mut input: OrderInput) {
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

/// A product that the vendor writes by another code of the same thing is agreed, whatever else differs on its line.
fn take_in_other_words(mut agreed: AgreedInput, wanted: &OrderInput, shown: &OrderInput) -> AgreedInput {
    for line in &shown.lines {
        let code = &line.terms.product.code;
        let is_wanted = find(wanted, &line.id).is_some_and(|wanted| wanted.terms.product.code == *code);
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
fn revive(
    draft: &mut Draft<'_>,
    reference: crate::domain::ExternalRef,
    input: OrderInput,
    sent: Option<OrderInput>,
) {
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

/// One thing that Axerrio shows differently from right after stemsync's last put.
struct Edit {
    line: Option<LineId>,
    what: String,
    now: Option<LineTerms>,
    header: Option<Header>,
}

impl Edit {
    fn print(&self) -> u64 {
        fingerprint(&(self.now.as_ref().map(terms_print), self.header.as_ref().map(header_print)))
    }
}

/// Names what Komet says of a line (or of the header, `None`): if that changes, the question is a new one.
fn wish_print(wanted: &OrderInput, line: Option<&LineId>) -> u64 {
    match line {
        Some(line) => fingerprint(&find(wanted, line).map(|line| terms_print(&line.terms))),
        None => header_print(&wanted.header),
    }
}

/// Names a whole order.
fn print(order: &OrderInput) -> u64 {
    let lines = order.lines.iter().map(|line| (&line.id, terms_print(&line.terms)));
    fingerprint(&(header_print(&order.header), lines.collect::<Vec<_>>()))
}

fn edits(seen: &OrderInput, now: &OrderInput) -> Vec<Edit> {
    let mut edits = Vec::new();
    if !seen.header.same_as(&now.header) {
        let what = said("the header", &header_changes(&seen.header, &now.header));
        edits.push(Edit { line: None, what, now: None, header: Some(now.header.clone()) });
    }
    for line in &seen.lines {
        match now.lines.iter().find(|l| l.id == line.id) {
            Some(other) if other.terms.same_goods(&line.terms) => {}
            other => edits.push(Edit {
                line: Some(line.id.clone()),
                what: match other {
                    Some(other) => said("the line", &line_changes(&line.terms, &other.terms)),
                    None => "the line is gone: it".into(),
                },
                now: other.map(|l| l.terms.clone()),
                header: None,
            }),
        }
    }
    for line in now.lines.iter().filter(|l| !seen.lines.iter().any(|s| s.id == l.id)) {
        edits.push(Edit {
            line: Some(line.id.clone()),
            what: "a line that Komet does not have was added: it".into(),
            now: Some(line.terms.clone()),
            header: None,
        });
    }
    edits
}

/// Gives a line (or the header, `None`) of `order` the state it has in `from`, absence included.
pub(crate) fn take_over(order: &mut OrderInput, from: &OrderInput, line: Option<&LineId>) {
    let Some(line) = line else {
        order.header = from.header.clone();
        return;
    };
    let at = order.lines.iter().position(|l| l.id == *line);
    match (at, find(from, line)) {
        (Some(at), Some(other)) => order.lines[at] = other.clone(),
        (Some(at), None) => {
            order.lines.remove(at);
        }
        (None, Some(other)) => order.lines.push(other.clone()),
        (None, None) => {}
    }
}

pub(super) fn find<'o>(order: &'o OrderInput, line: &LineId) -> Option<&'o InputLine> {
    order.lines.iter().find(|l| l.id == *line)
}

/// The Prebook is gone or has no quantity left.
fn cancel(draft: &mut Draft<'_>, reference: crate::domain::ExternalRef) {
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

/// What is bought and not approved yet, but for lines about which a person must decide.
fn pending_po_lines(draft: &Draft<'_>) -> Vec<DeletePoLine> {
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
fn take_off(draft: &mut Draft<'_>, pending: Vec<DeletePoLine>) {
    for delete in pending {
        if draft.knows_repeats(&delete.line) {
            draft.act(Action::DeletePoLine(delete));
        }
    }
}

/// The PO follows the vendor's word.
fn buy(draft: &mut Draft<'_>, prebook: &Prebook, alive: &[&PrebookItem]) {
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
        for item in alive.iter().filter(|_| !waits) {
            twice::judge_left(draft, &LineId::from(&item.id));
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
fn ask_about_approved_leftovers(draft: &mut Draft<'_>) {
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

/// The order as Komet says it; `None` while nothing of it can be sent.
fn desired(draft: &mut Draft<'_>, prebook: &Prebook, alive: &[&PrebookItem]) -> Option<OrderInput> {
    let rules = draft.rules;
    let mut lines = Vec::new();
    for item in alive {
        let id = LineId::from(&item.id);
        if is_elsewhere(draft.order, &id) {
            draft.waits = true;
        } else if item.terms.is_mapped() {
            let terms = words::line_terms(item, rules, &words::known_lines(draft.order, &draft.agreed, &id));
            lines.push(InputLine { id, terms });
        } else {
            ask_for_mapping(draft, &id, &item.terms.product.description, None);
            let known = draft.agreed.input.as_ref().and_then(|i| i.sent.lines.iter().find(|l| l.id == id));
            lines.extend(known.cloned());
        }
    }
    if lines.is_empty() {
        return None;
    }
    let known = words::known_headers(draft.order, &draft.agreed);
    let header = words::header(&prebook.header, prebook.comments.as_deref(), draft.order.ship_date, rules, &known);
    Some(OrderInput { header, lines })
}

/// Whether a line that moved to this order's ship date still stands in the one it left. It never stands in two orders,
/// so that one lets go of it first.
pub(super) fn is_elsewhere(order: &Order, line: &LineId) -> bool {
    let stands = order.axerrio.order.as_ref().filter(|order| order.status != AxStatus::Cancelled);
    let own = stands.is_some_and(|order| order.lines.iter().any(|l| l.id == *line));
    !own && order.elsewhere.contains(line)
}

/// An order as Axerrio shows it, in the shape in which it is put.
pub(crate) fn shown(order: &AxOrder) -> OrderInput {
    OrderInput {
        header: order.header.clone(),
        lines: order.lines.iter().map(|l| InputLine { id: l.id.clone(), terms: l.terms.clone() }).collect(),
    }
}

/// Whether both order the same.
pub(crate) fn same_input(a: &OrderInput, b: &OrderInput) -> bool {
    a.header.same_as(&b.header) && edits(a, b).is_empty()
}

/// As [`same_input`], comments and notes included: the owner's are passed on. Names are not.
fn same_text(a: &OrderInput, b: &OrderInput) -> bool {
    let notes = |order: &OrderInput| {
        let mut notes: Vec<_> = order
            .lines
            .iter()
            .map(|l| (l.id.clone(), blank(l.terms.notes.as_deref()).map(str::to_owned)))
            .collect();
        notes.sort();
        (blank(order.header.comments.as_deref()).map(str::to_owned), notes)
    };
    same_input(a, b) && notes(a) == notes(b)
}
