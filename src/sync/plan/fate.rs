//! What is to become of one line that Axerrio wants: the views say whether it is new, gone, changed, moved or approved, and that decides
//! whether it stands, is made, goes to be made anew, or waits for a person. What comes of it for the order is [`super::flow1`]'s.

use std::fmt::Write as _;

use super::after_approval::{
    is_lost, is_yet_to_be_bought, komet_followed, takes_axerrio_after_approval, was_bought, was_left_as_approved,
};
use super::draft::Draft;
use super::edits::{self, Judged};
use super::header::{self, Edited};
use super::home::{self, Home};
use super::prints::{header_print, line_cause, line_print, terms_print};
use super::question::{self, Question};
use super::said::{header_changes, line_changes, said};
use super::wanted::{self, wanted_goods};
use super::wish::Wish;
use super::{buyers, create, links, strays};
use crate::domain::{
    AxLine, AxOrder, Header, HoldReason, ItemId, ItemLink, LineId, Prebook, Verdict, fingerprint,
};
use crate::sync::action::{Action, DeleteItem};

/// What is to become of a line.
pub(super) enum Fate {
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

/// What is to become of one line that Axerrio wants.
pub(super) fn fate(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, edited: &Edited) -> Fate {
    if strays::has_stray(draft, &line.id) || draft.agreed.unseen.contains_key(&line.id) {
        return Fate::Leave;
    }
    let agreed = draft.agreed.lines.get(&line.id).cloned();
    let Some((agreed, link)) = agreed.and_then(|agreed| agreed.item.clone().map(|link| (agreed, link))) else {
        let is_bought = links::is_bought_without_item(draft, &line.id);
        return if is_bought { bought_line(draft, order, line) } else { new_line(draft, order, line) };
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
    let is_left_away = match home::judge(draft, order, line, &link, edits::deed(changed, moved)) {
        Home::AsMade => false,
        Home::Left => true,
        Home::Overruled => {
            let (goods, print) = (wanted_goods(draft, line), line_print(draft, line, terms_print(&line.terms)));
            let is_mapped = print.is_mapped_anew();
            let wish = if is_mapped { Wish::Anew(&goods, print) } else { Wish::AsBought(&goods) };
            return delete_or_leave(draft, order, line, &wish);
        }
        Home::Undecided => return Fate::Leave,
    };
    let replace = match edits::judge(draft, order, line, &agreed, &link, changed, moved && !is_left) {
        // The line stays in its Prebook, whatever Axerrio says of the header.
        Judged::AsAgreed | Judged::Agreed if is_left => return if moved { Fate::Leave } else { Fate::InPlace },
        // Whatever Axerrio or the map said by then, that it stays there was answered, and made anew it would not be there.
        Judged::AsAgreed | Judged::Agreed if is_left_away => {
            if changed || wanted::is_mapped_otherwise(draft, line, &link) {
                edits::leave_to_komet(draft, line, &link);
            }
            return if moved { Fate::Leave } else { Fate::InPlace };
        }
        Judged::AsAgreed => {
            let is_mapped = wanted::is_mapped_otherwise(draft, line, &link);
            changed || moved || is_mapped && !edits::is_left_as_mapped(draft, line, &link)
        }
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
    let terms = terms_print(&line.terms);
    let wish = if moved {
        let said = fingerprint(&(header_print(&order.header), terms));
        Wish::Moved(&goods, line_print(draft, line, said))
    } else if changed {
        Wish::Changed(&goods, line_print(draft, line, terms))
    } else {
        Wish::Anew(&goods, line_print(draft, line, terms))
    };
    delete_or_leave(draft, order, line, &wish)
}

/// Whether the order moved off a day that is over, Komet refuses to delete the line's item there, and a person said to make the line
/// on its new day all the same. Unasked it might stand twice: a Vendor token's lists show nothing of that day any more.
fn is_given_up(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink, moved: bool) -> bool {
    if !links::is_left_behind(draft, order, link) {
        return false;
    }
    let deletion = deletion(draft, &line.id, link);
    let is_given_up =
        moved && draft.was_refused(&deletion) && draft.keep_refusal(&deletion) == Some(Verdict::TakeAxerrio);
    let own = draft.agreed.lines.get_mut(&line.id).and_then(|agreed| agreed.item.as_mut());
    let Some(own) = own.filter(|_| is_given_up || link.dead) else { return false };
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

/// A line that a lost database had bought, and whose item nobody shows any more: made again it would be bought again.
fn bought_line(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) -> Fate {
    let links = draft.alive_po_links(&line.id);
    let on: Vec<String> = links.iter().map(|link| format!("line {} of PO {}", link.line, link.number)).collect();
    let question = Question {
        line: Some(&line.id),
        cause: &format!("bought without item {:016x}", terms_print(&line.terms)),
        what: format!(
            "{} buys {} {} of {}, but no list of Komet's shows its Prebook item any more.",
            on.join(" and "),
            line.terms.boxes,
            line.terms.box_type,
            line.terms.product.name()
        ),
        choice: "Take axerrio to take it off the PO, make it and buy it again, take komet to leave it so."
            .to_owned(),
        is_komets: true,
        has_shipped: draft.has_shipped(&line.id),
    };
    if question.takes_axerrio(draft) && create::is_possible(draft, order, line) {
        Fate::Delete
    } else {
        Fate::Leave
    }
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

pub(super) fn deletion(draft: &Draft<'_>, line: &LineId, link: &ItemLink) -> Action {
    // A rep may have moved the item to another Prebook.
    let shown_in = |prebook: &&Prebook| prebook.items.iter().any(|item| item.id == link.item);
    let prebook = draft.order.komet.prebooks.iter().find(shown_in).map(|prebook| &prebook.id);
    Action::DeleteItem(DeleteItem {
        prebook: prebook.unwrap_or(&link.prebook).clone(),
        item: link.item.clone(),
        line: Some(line.clone()),
    })
}
