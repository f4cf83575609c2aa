//! Orders born in Axerrio. Until procurement approves the PO, Axerrio owns header and lines: its changes are carried
//! out, Komet's are held. From approval on the PO is Komet's, and a change in Axerrio is held.
//!
//! Komet's lines cannot be changed, only deleted and added, so every change has the same shape: a line that is not
//! *in place* loses its PO line, then its Prebook item, and is created anew. Each step is planned from the views, so
//! it does not matter who took the step before.

use super::after_approval::takes_removal_after_approval;
use super::draft::Draft;
use super::fate::{Fate, deletion, fate};
use super::header::{self, Edited};
use super::question::{self, Question};
use super::wanted::{buy, item_link};
use super::{approved, create, edits, links, po_lines, purchase, strays, twice};
use crate::domain::{AxLine, CANCELLED, HoldReason, ItemLink, LineId};
use crate::sync::action::Action;

pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(order) = &draft.order.axerrio.order else {
        strays::ask_about_tag(draft);
        return;
    };
    if links::awaits_told_po(draft, order) {
        return;
    }
    strays::delete_strays(draft);
    strays::ask_about_unseen(draft, order);
    strays::judge_orphans(draft);
    let wanted: Vec<&AxLine> = order.lines.iter().filter(|l| l.terms.boxes > 0).collect();
    let is_off = order.status.is_off() || wanted.is_empty();
    // Items that were found, not made, or that somebody took off their PO, may have been bought, and the PO approved: that is read
    // before anything is done.
    if !draft.knows_purchases(|draft, link| {
        draft.item_alive(link) && (!link.fresh || draft.was_ever_bought(&link.item))
    }) {
        draft.cancels = is_off && may_cancel_unasked(draft);
        return;
    }
    if is_off {
        cancel(draft);
        strays::judge_unlinked(draft);
        return;
    }
    stands_again(draft);
    strays::judge_unlinked(draft);
    let edited = header::judge(draft, order);
    if header::has_left_location(draft, order) {
        draft.agreed.po = None;
    }
    let mut new = Vec::new();
    let mut buys = Vec::new();
    for line in &wanted {
        match fate(draft, order, line, &edited) {
            Fate::InPlace => buys.extend(buy(draft, line)),
            Fate::Create => new.push(*line),
            Fate::Delete => delete_line(draft, &line.id),
            Fate::Leave => {
                twice::judge_left(draft, &line.id);
                approved::judge_fewer(draft, line);
            }
            Fate::TakenOff => {
                let terms = draft.agreed.lines.get(&line.id).map(|agreed| agreed.terms.clone());
                buys.extend(terms.and_then(|terms| buy(draft, &AxLine { terms, ..(*line).clone() })));
            }
        }
    }
    new.retain(|line| !strays::may_stand_already(draft, line));
    remove_lines(draft, &wanted, &edited);
    let deleting = draft.awaits(|a| matches!(a, Action::DeletePoLine(_) | Action::DeleteItem(_)));
    if !new.is_empty() && !deleting && draft.knows_approvals() {
        create::lines(draft, order, &new, &edited);
    }
    purchase::plan(draft, &buys, order.header.ship_date, order.header.location.as_deref());
}

/// What was decided about a cancellation is forgotten once the order stands: another one is a new question.
fn stands_again(draft: &mut Draft<'_>) {
    draft.agreed.cancellation_released = false;
    draft.agreed.decisions.retain(|decision| decision.cause != CANCELLED);
}

/// Lines that Axerrio no longer has.
fn remove_lines(draft: &mut Draft<'_>, wanted: &[&AxLine], edited: &Edited) {
    let gone: Vec<LineId> =
        draft.agreed.lines.keys().filter(|id| !wanted.iter().any(|l| l.id == **id)).cloned().collect();
    for line in gone {
        let header_held = item_link(draft, &line).is_some_and(|link| edited.contains(&link.prebook));
        if !is_alive(draft, &line) {
            note_removal(draft, &line);
            continue;
        }
        if header_held {
            continue;
        }
        if !draft.knows_repeats(&line) {
            continue;
        }
        let goes = if draft.is_line_decided(&line) {
            takes_removal_after_approval(draft, &line)
        } else {
            edits::may_delete(draft, &line)
        };
        if goes {
            delete_line(draft, &line);
        } else {
            twice::judge_left(draft, &line);
        }
    }
}

/// Where the line comes back, it is a new one, and nothing that was decided about it holds any more: stemsync took it out of Komet,
/// or somebody there did, and by now both sides are without it.
fn note_removal(draft: &mut Draft<'_>, line: &LineId) {
    let link = draft.agreed.lines.get_mut(line).and_then(|agreed| agreed.item.as_mut());
    let is_out = |link: &ItemLink| link.dead || link.seen.is_some() && !link.gone;
    let Some(link) = link.filter(|link| is_out(link) && !link.removed) else { return };
    link.removed = true;
    draft.forget(HoldReason::ChangedAfterApproval, Some(line), |_| true);
}

/// Whether anything in Komet still stands for the line.
fn is_alive(draft: &Draft<'_>, line: &LineId) -> bool {
    item_link(draft, line).is_some_and(|link| draft.item_alive(&link)) || !draft.alive_po_links(line).is_empty()
}

/// Takes a line out of Komet: its PO lines first, then its Prebook item.
fn delete_line(draft: &mut Draft<'_>, line: &LineId) {
    let po_links = draft.alive_po_links(line);
    po_lines::delete(draft, line, &po_links);
    let link = draft.agreed.lines.get(line).and_then(|l| l.item.clone());
    if let Some(link) = link.filter(|link| po_links.is_empty() && draft.item_alive(link)) {
        draft.act(deletion(draft, line, &link));
    }
}

/// Whether the cancelled order would go without a question, once what must be read first is read: the brake counts it before.
fn may_cancel_unasked(draft: &Draft<'_>) -> bool {
    !draft.agreed.cancellation_released
        && (!draft.is_decided() || draft.is_po_cancelled())
        && draft.verdict(HoldReason::TooManyCancellations, None, CANCELLED).is_none()
        && draft.agreed.lines.keys().any(|line| is_alive(draft, line))
}

/// The whole order is off, or has no lines left.
fn cancel(draft: &mut Draft<'_>) {
    let (alive, mut out): (Vec<LineId>, Vec<LineId>) =
        draft.agreed.lines.keys().cloned().partition(|line| is_alive(draft, line));
    out.retain(|line| item_link(draft, line).is_some_and(|link| !link.dead));
    for line in &out {
        note_removal(draft, line);
    }
    if alive.is_empty() {
        return;
    }
    if alive.iter().filter(|line| !draft.knows_repeats(line)).count() > 0 {
        draft.cancels = may_cancel_unasked(draft);
        return;
    }
    let mut is_approved_word = false;
    if draft.is_decided() && !draft.is_po_cancelled() {
        let has_shipped = alive.iter().any(|line| draft.has_shipped(line));
        let goes = Question {
            line: None,
            cause: CANCELLED,
            what: "the order was cancelled in Axerrio, but procurement has approved the PO.".to_owned(),
            choice: "Take axerrio to delete it in Komet, take komet to keep the PO.".to_owned(),
            is_komets: true,
            has_shipped,
        }
        .takes_axerrio(draft);
        if !goes {
            // One question at a time; what stays all the same may stand there twice.
            if question::is_answered(draft, None, CANCELLED) {
                for line in &alive {
                    twice::judge_left(draft, line);
                }
            }
            return;
        }
        // A person has already said that this very one goes.
        is_approved_word = true;
    }
    if draft.verdict(HoldReason::TooManyCancellations, None, CANCELLED).is_some() {
        return;
    }
    let goes = |line: &LineId| is_approved_word || edits::may_delete(draft, line);
    let (going, staying): (Vec<LineId>, Vec<LineId>) = alive.into_iter().partition(goes);
    for line in &staying {
        twice::judge_left(draft, line);
    }
    let released = is_approved_word || draft.agreed.cancellation_released;
    draft.cancels = !released && !going.is_empty();
    if released || draft.rules.may_cancel {
        for line in &going {
            delete_line(draft, line);
        }
    }
}
