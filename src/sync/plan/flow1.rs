//! Orders born in Axerrio. Until procurement approves the PO, Axerrio owns header and lines: its changes are carried
//! out, Komet's are held. From approval on the PO is Komet's, and a change in Axerrio is held.
//!
//! Komet's lines cannot be changed, only deleted and added, so every change has the same shape: a line that is not
//! *in place* loses its PO line, then its Prebook item, and is created anew. Each step is planned from the views, so
//! it does not matter who took the step before.

use std::fmt::Write as _;

use super::buyers::{self, Wish};
use super::compare::{asked_differences, goods_from_axerrio};
use super::draft::Draft;
use super::edits::Judged;
use super::header::{self, Edited};
use super::prints::{header_print, line_cause, terms_print};
use super::question::{self, Question};
use super::said::{header_changes, line_changes, said};
use super::wanted::{self, buy, item_link, wanted_goods};
use super::{approved, create, edits, links, po_lines, purchase, strays, twice};
use crate::domain::{
    AxLine, AxOrder, CANCELLED, Header, HoldReason, ItemId, ItemLink, LineId, OnConflict, PoLink, PoStatus,
    Prebook, Verdict, fingerprint,
};
use crate::sync::action::{Action, DeleteItem};

/// What is to become of a line.
enum Fate {
    /// Stands as it should.
    InPlace,
    /// Must be made.
    Create,
    /// Must go, to be made anew or for good.
    Delete,
    /// Waits for a person, or is left as a person decided.
    Leave,
    /// Left as it was approved, and on no PO any more.
    TakenOff,
}

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

/// What is to become of one line that Axerrio wants.
fn fate(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, edited: &Edited) -> Fate {
    if strays::has_stray(draft, &line.id) || draft.agreed.unseen.contains_key(&line.id) {
        return Fate::Leave;
    }
    let agreed = draft.agreed.lines.get(&line.id).cloned();
    let Some((agreed, link)) = agreed.and_then(|agreed| agreed.item.clone().map(|link| (agreed, link))) else {
        return new_line(draft, order, line);
    };
    if link.removed && !draft.item_alive(&link) {
        return new_line(draft, order, line);
    }
    let changed = !agreed.terms.same_goods(&line.terms);
    let moved = !header::stands(draft, &link.prebook, &order.header);
    if !draft.item_alive(&link) || is_given_up(draft, order, line, &link, moved) {
        return dead_line(draft, order, line, &link, edits::deed(changed, moved));
    }
    if !draft.agreed.decisions.is_empty() {
        // Deleted once more, it is a new question.
        let cause = deleted_cause(&link.item);
        draft.forget(HoldReason::EditedInKomet, Some(&line.id), |decision| decision.cause.starts_with(&cause));
    }
    // Of lines that change while their header is left undecided the header's question speaks.
    let is_left = edited.is_left(&link.prebook);
    if edited.waits(&link.prebook) || is_left && changed {
        return Fate::Leave;
    }
    if draft.is_line_decided(&line.id) || was_left_as_approved(draft, order, line) {
        return decided_line(draft, order, line, &link, changed, moved);
    }
    match header::judge_home(draft, order, line, &link) {
        Some(Verdict::TakeKomet) => {}
        Some(Verdict::TakeAxerrio) => {
            let goods = wanted_goods(draft, line);
            return delete_or_leave(draft, order, line, &Wish::AsBought(&goods));
        }
        Some(Verdict::Dismissed) | None => return Fate::Leave,
    }
    let replace = match edits::judge(draft, order, line, &agreed, &link, changed, moved && !is_left) {
        // The line stays in its Prebook, whatever Axerrio says of the header.
        Judged::AsAgreed | Judged::Agreed if is_left => return if moved { Fate::Leave } else { Fate::InPlace },
        Judged::AsAgreed => changed || moved || wanted::is_mapped_otherwise(draft, line, &link),
        Judged::Agreed => moved,
        Judged::Overruled => true,
        Judged::Held => return Fate::Leave,
    };
    if !replace {
        return Fate::InPlace;
    }
    // What a person left as Komet has it is not written over because Axerrio changes something else.
    let left = if changed || !moved { edits::left_fields(draft, line, &agreed, &link) } else { Vec::new() };
    if !left.is_empty() {
        match edits::takes_changed_anew(draft, order, line, &link, &left) {
            Some(Verdict::TakeAxerrio) => {}
            Some(Verdict::TakeKomet) => {
                edits::leave_to_komet(draft, line, &link);
                return if moved { Fate::Leave } else { Fate::InPlace };
            }
            Some(Verdict::Dismissed) | None => return Fate::Leave,
        }
    }
    if moved
        && !changed
        && edits::is_left_to_komet(draft, order, line, &link)
        && !edits::takes_moved_anew(draft, order, line, &link)
    {
        return Fate::Leave;
    }
    let goods = wanted_goods(draft, line);
    let wish = if moved {
        Wish::Moved(&goods, fingerprint(&(header_print(&order.header), terms_print(&line.terms))))
    } else {
        Wish::Changed(&goods, terms_print(&line.terms))
    };
    delete_or_leave(draft, order, line, &wish)
}

/// Whether the order moved off a day that Komet's lists show no more, and Komet refuses to delete the line's item there: it is taken
/// for gone, since nothing will ever show whether it is, and the line is due on its new day.
fn is_given_up(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink, moved: bool) -> bool {
    if !links::is_left_behind(draft, order, link) {
        return false;
    }
    let is_refused = moved && draft.was_refused(&deletion(draft, &line.id, link));
    let own = draft.agreed.lines.get_mut(&line.id).and_then(|agreed| agreed.item.as_mut());
    let Some(own) = own.filter(|_| is_refused || link.dead) else { return false };
    own.dead = true;
    true
}

/// A line goes, to be made anew, where that is possible and nobody is asked about its PO first.
fn delete_or_leave(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, wish: &Wish<'_>) -> Fate {
    if create::is_possible(draft, order, line) && buyers::may_delete(draft, &line.id, wish) {
        Fate::Delete
    } else {
        Fate::Leave
    }
}

/// A line that was never in Komet, or that Axerrio had removed.
fn new_line(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) -> Fate {
    let cause = line_cause(line, &order.header);
    draft.agreed.due |= order.header.ship_date >= draft.rules.visible_from;
    let is_kept_out = draft.is_decided() && !takes_axerrio_after_approval(draft, &line.id, &cause, "added");
    if !is_kept_out && create::is_possible(draft, order, line) { Fate::Create } else { Fate::Leave }
}

/// A line whose item is gone: stemsync is in the middle of a change, or somebody deleted it in Komet.
fn dead_line(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink, deed: Option<&str>) -> Fate {
    let cause = line_cause(line, &order.header);
    // In the middle of carrying it out nothing of the line is on a PO any more.
    let verdict = draft.verdict(HoldReason::ChangedAfterApproval, Some(&line.id), &cause);
    let is_taken = verdict == Some(Verdict::TakeAxerrio) && !draft.has_shipped(&line.id);
    let is_to_be_made = match deed {
        // stemsync is in the middle of a change, or gave up what no list shows.
        _ if link.dead || draft.item_alive(link) => true,
        Some(_) if is_taken => true,
        // The deletion alone is Komet's right by then.
        Some(what) if draft.is_line_decided(&line.id) => {
            takes_axerrio_after_approval(draft, &line.id, &cause, what)
        }
        // What was never bought was never approved.
        None if was_bought(draft, &line.id) && draft.is_line_decided(&line.id) && !is_lost(draft, &line.id) => {
            if let Some(link) = draft.agreed.lines.get_mut(&line.id).and_then(|agreed| agreed.item.as_mut()) {
                link.let_go = true;
            }
            false
        }
        _ => takes_deleted_anew(draft, &order.header, line, link),
    };
    if !is_to_be_made || !create::is_possible(draft, order, line) {
        Fate::Leave
    } else if draft.alive_po_links(&line.id).is_empty() {
        Fate::Create
    } else {
        // What was bought for the deleted item goes first: a line is never bought twice.
        Fate::Delete
    }
}

/// How the causes of questions about a deleted item begin.
fn deleted_cause(item: &ItemId) -> String {
    format!("deleted {item}")
}

/// Asks about an item that somebody deleted in Komet. One that was made and never shown is asked about whoever owns it: it
/// may stand where the token cannot see it, and made again it would be there once more after each run.
fn takes_deleted_anew(draft: &mut Draft<'_>, header: &Header, line: &AxLine, link: &ItemLink) -> bool {
    let moved = !header::stands(draft, &link.prebook, header);
    // What Axerrio changes on the line later is a new question.
    let as_agreed = draft.agreed.lines.get(&line.id).is_some_and(|agreed| agreed.terms.same_goods(&line.terms));
    let mut since = if as_agreed { String::new() } else { format!(" {:016x}", terms_print(&line.terms)) };
    if moved {
        let _ = write!(since, " {:016x}", header_print(header));
    }
    let (reason, cause) = (HoldReason::EditedInKomet, deleted_cause(&link.item) + since.as_str());
    let is_bought = !draft.alive_po_links(&line.id).is_empty();
    let owner = if draft.is_line_decided(&line.id) { Verdict::TakeKomet } else { Verdict::TakeAxerrio };
    // What it was, not what Axerrio says of the line by now.
    let was = link.seen.as_ref().map(|seen| &seen.terms);
    let (boxes, box_type, product) = match was {
        Some(was) => (was.boxes, &was.box_type, &was.product.description),
        None => (line.terms.boxes, &line.terms.box_type, &line.terms.product.description),
    };
    let verdict = if link.gone {
        draft.ask(reason, Some(&line.id), &cause, || {
            format!(
                "Komet made Prebook item {} for the line, and no list shows it. Look for it in Komet; take axerrio to make it \
                 again, take komet to leave it.",
                link.item
            )
        })
    } else {
        draft.settle(reason, Some(&line.id), &cause, owner, || {
            format!(
                "Prebook item {} ({} {} of {}) was deleted in Komet, but the line still stands in Axerrio. Take axerrio to make it \
                 again, take komet to leave it deleted{}.",
                link.item,
                boxes,
                box_type,
                product,
                if is_bought { " and its PO as it is" } else { "" }
            )
        })
    };
    verdict == Some(Verdict::TakeAxerrio)
}

fn was_bought(draft: &Draft<'_>, line: &LineId) -> bool {
    draft.agreed.lines.get(line).is_some_and(|agreed| !agreed.po_lines.is_empty())
}

/// Whether a line was bought and is bought no more, though no PO of it was cancelled: nothing in Komet stands for it.
fn is_lost(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.agreed.lines.get(line).map(|agreed| &agreed.po_lines[..]).unwrap_or_default();
    let is_answered =
        |link: &PoLink| link.dead || draft.po_alive(link) || draft.po_status(link) == PoStatus::Cancelled;
    let mut own = links.iter().filter(|link| !link.replaced).peekable();
    own.peek().is_some() && !own.any(is_answered)
}

/// A line after approval: Komet's edits are Komet's right, Axerrio's are held.
fn decided_line(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    link: &ItemLink,
    changed: bool,
    moved: bool,
) -> Fate {
    // Nobody approved of an item that was never bought.
    let agreed = draft.agreed.lines.get(&line.id).filter(|agreed| agreed.po_lines.is_empty()).cloned();
    if let Some(agreed) = agreed.filter(|_| !changed && !moved) {
        match edits::judge(draft, order, line, &agreed, link, false, false) {
            Judged::AsAgreed => {}
            Judged::Agreed => return Fate::InPlace,
            Judged::Held => return Fate::Leave,
            Judged::Overruled => {
                return if create::is_possible(draft, order, line) { Fate::Delete } else { Fate::Leave };
            }
        }
    }
    edits::take_in(draft, line);
    if changed && !moved && komet_followed(draft, line, link) {
        edits::agree(draft, line, link);
        return Fate::InPlace;
    }
    if let Some(what) = edits::deed(changed, moved) {
        let cause = line_cause(line, &order.header);
        let terms = draft.agreed.lines.get(&line.id).map(|agreed| line_changes(&agreed.terms, &line.terms));
        let sent = draft.agreed.prebooks.get(&link.prebook).and_then(|prebook| prebook.sent.as_ref());
        let header = sent.map(|sent| header_changes(sent, &order.header));
        let changes: Vec<_> = terms.into_iter().chain(header).filter(|changes| !changes.is_empty()).collect();
        let what = said(what, &changes.join(", "));
        let takes_axerrio = takes_axerrio_after_approval(draft, &line.id, &cause, &what);
        return if takes_axerrio && create::is_possible(draft, order, line) {
            Fate::Delete
        } else if !takes_axerrio && !changed && is_yet_to_be_bought(draft, order, line, link, &cause) {
            Fate::InPlace
        } else if !takes_axerrio
            && question::is_left(draft, Some(&line.id), &cause)
            && is_lost(draft, &line.id)
            && !moved
        {
            Fate::TakenOff
        } else {
            Fate::Leave
        };
    }
    if let Some((product, ids)) = wanted::remapped(draft, line, link) {
        let question = Question {
            line: Some(&line.id),
            cause: &format!("mapped to {ids:?}"),
            what: format!(
                "{product} was mapped to another product of Komet's, but procurement has approved the PO."
            ),
            choice: "Take axerrio to write it anew as that, take komet to keep what was approved.".to_owned(),
            is_komets: true,
            has_shipped: draft.has_shipped(&line.id),
        };
        if question.takes_axerrio(draft) {
            return if create::is_possible(draft, order, line) { Fate::Delete } else { Fate::Leave };
        }
    }
    Fate::InPlace
}

/// Whether a person left this very state of the order's line as it was approved. That holds as well once the line, which waited
/// for its product to be mapped, is on a PO of its own that nobody has approved yet.
fn was_left_as_approved(draft: &Draft<'_>, order: &AxOrder, line: &AxLine) -> bool {
    // Naming the question takes a moment, and most orders have no decisions. What was left to the owner is Axerrio's again.
    !draft.agreed.decisions.is_empty()
        && draft.rules.on_conflict != OnConflict::Owner
        && question::is_left(draft, Some(&line.id), &line_cause(line, &order.header))
}

/// Whether a line that stays where it was approved to be was never bought, because it waited for its product to be mapped.
fn is_yet_to_be_bought(draft: &Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink, cause: &str) -> bool {
    draft.verdict(HoldReason::ChangedAfterApproval, Some(&line.id), cause).is_some()
        && draft.agreed.lines.get(&line.id).is_some_and(|agreed| agreed.po_lines.is_empty())
        && draft.item(&link.item).is_some_and(|item| item.ship_date == order.header.ship_date)
}

/// Whether Komet's people changed the item and its PO to what Axerrio's line says by now. Of another product, box type or
/// mix that cannot be told.
fn komet_followed(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let Some(agreed) = draft.agreed.lines.get(&line.id) else { return false };
    let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
    let is_same_kind = agreed.terms.product.name() == line.terms.product.name()
        && agreed.terms.box_type.eq_ignore_ascii_case(&line.terms.box_type)
        && agreed.terms.mix.is_empty()
        && line.terms.mix.is_empty();
    let item = draft.item(&link.item);
    is_same_kind
        && item
            .is_some_and(|item| asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms).is_empty())
        && purchase::buys(draft, &line.id, &wanted_goods(draft, line))
}

/// Asks about a change after approval; `true` if Axerrio's change is to be carried out all the same.
fn takes_axerrio_after_approval(draft: &mut Draft<'_>, line: &LineId, cause: &str, what: &str) -> bool {
    after_approval(draft, line, cause, what).takes_axerrio(draft)
}

fn after_approval<'q>(draft: &Draft<'_>, line: &'q LineId, cause: &'q str, what: &str) -> Question<'q> {
    let is_new = draft.agreed.lines.get(line).is_none_or(|agreed| agreed.po_lines.is_empty());
    let (done, kept) = if is_all_cancelled(draft, line) || is_new && draft.is_po_cancelled() {
        ("cancelled", "Komet as it is")
    } else {
        ("approved", "what was approved")
    };
    Question {
        line: Some(line),
        cause,
        what: format!("the line was {what} in Axerrio, but procurement has {done} the PO."),
        choice: format!("Take axerrio to change Komet's Prebook and PO, take komet to keep {kept}."),
        is_komets: true,
        has_shipped: draft.has_shipped(line),
    }
}

/// Whether procurement cancelled every PO that bought the line.
fn is_all_cancelled(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.agreed.lines.get(line).map(|agreed| &agreed.po_lines[..]).unwrap_or_default();
    let mut links = links.iter().filter(|link| !link.dead).peekable();
    links.peek().is_some() && links.all(|link| draft.po_status(link) == PoStatus::Cancelled)
}

/// The same of a line that Axerrio no longer has. What buys it after stemsync took its item out, bought it twice, unseen: whoever
/// owns the PO, that is in nobody's interest, and a person is asked.
fn takes_removal_after_approval(draft: &mut Draft<'_>, line: &LineId) -> bool {
    let is_out = item_link(draft, line).is_some_and(|link| link.dead);
    Question { is_komets: !is_out, ..after_approval(draft, line, "removed", "removed") }.takes_axerrio(draft)
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

fn deletion(draft: &Draft<'_>, line: &LineId, link: &ItemLink) -> Action {
    // A rep may have moved the item to another Prebook.
    let shown_in = |prebook: &&Prebook| prebook.items.iter().any(|item| item.id == link.item);
    let prebook = draft.order.komet.prebooks.iter().find(shown_in).map(|prebook| &prebook.id);
    Action::DeleteItem(DeleteItem {
        prebook: prebook.unwrap_or(&link.prebook).clone(),
        item: link.item.clone(),
        line: Some(line.clone()),
    })
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
