//! What lies in Komet and stands for no line of a flow 1 order: lines that `useExisting` put into another Prebook, late
//! effects of requests that were given up, and what people added.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::compare::{are_twins, is_made_of, is_surely_product};
use super::draft::Draft;
use super::prints::terms_print;
use super::{create, header_fields, links};
use crate::domain::{
    AxLine, AxOrder, Decision, GivenUp, HoldReason, ItemId, LineId, NO_ORDER, PoItemId, PoLine, PoStatus, Prebook,
    PrebookHeader, PrebookId, PrebookItem, PurchaseOrder, Stray, Unseen, Verdict, blank, fingerprint,
};
use crate::sync::action::{Action, DeleteItem, DeletePoLine};

/// Lines that `useExisting` put into another Prebook go before anything else (clarification 2).
pub(super) fn delete_strays(draft: &mut Draft<'_>) {
    for stray in draft.agreed.strays.clone() {
        match &stray.item {
            Some(item) => draft.act(Action::DeleteItem(DeleteItem {
                prebook: stray.prebook.clone(),
                item: item.clone(),
                line: None,
            })),
            None => ask_about_lost(draft, &stray),
        }
    }
}

/// A stray that Komet neither named nor shows: only a person can find it.
fn ask_about_lost(draft: &mut Draft<'_>, stray: &Stray) {
    let cause = format!("stray {}", stray.prebook);
    let seen_to = draft.ask(HoldReason::RejectedByKomet, Some(&stray.line), &cause, || {
        format!(
            "Komet put the line into Prebook id {}, which is not the order's and which the token cannot see. Delete it there \
             by hand, then dismiss this: the line is made anew then.",
            stray.prebook
        )
    });
    if seen_to.is_some() {
        draft.agreed.strays.retain(|other| other != stray);
    }
}

/// A line that lies in the wrong Prebook waits until it is out of there, so that it is never alive twice.
pub(super) fn has_stray(draft: &Draft<'_>, line: &LineId) -> bool {
    draft.agreed.strays.iter().any(|stray| stray.line == *line)
}

/// How the cause of a question about an [`Unseen`] begins.
pub(in crate::sync) const UNSEEN: &str = "unseen ";

/// Asks about lines that Komet took and does not show. They may stand where the token cannot see them, or somebody deleted them
/// before anybody read them: only a person can say, and until then they are not made again.
pub(super) fn ask_about_unseen(draft: &mut Draft<'_>, order: &AxOrder) {
    let mut unseen: BTreeMap<Unseen, Vec<LineId>> = BTreeMap::new();
    for (line, what) in draft.agreed.unseen.clone() {
        let link = draft.agreed.lines.get(&line).and_then(|agreed| agreed.item.as_ref());
        if link.is_some_and(|link| draft.item_alive(link)) {
            draft.agreed.unseen.remove(&line);
        } else {
            unseen.entry(what).or_default().push(line);
        }
    }
    for (what, lines) in unseen {
        let names = names(&lines);
        let is_wanted = |line: &&AxLine| line.terms.boxes > 0 && lines.contains(&line.id);
        let wanted = order.lines.iter().filter(is_wanted).filter(|_| !order.status.is_off());
        let wanted: Vec<(&LineId, u64)> = wanted.map(|line| (&line.id, terms_print(&line.terms))).collect();
        let stands = !wanted.is_empty();
        // What Axerrio changes of them later, or cancels, is a new question.
        let now = fingerprint(&wanted);
        let (cause, known) = match &what {
            Unseen::Made(number) => (
                format!("{UNSEEN}in prebook {number} {now:016x}"),
                if draft.order.komet.prebooks.iter().any(|prebook| prebook.number == *number) {
                    format!("Komet took {names} into Prebook {number}, which shows nothing of it")
                } else {
                    format!("Komet made Prebook {number} for {names}, and no list shows it")
                },
            ),
            Unseen::Unanswered(day) => (
                format!("{UNSEEN}on {day} {now:016x}"),
                format!(
                    "Komet did not answer when a Prebook for {day} was made for {names}, and its lists cannot show it"
                ),
            ),
        };
        let verdict = draft.ask(HoldReason::EditedInKomet, None, &cause, || {
            if stands {
                format!("{known}. Look for it in Komet; take axerrio to make it again, take komet to leave it.")
            } else {
                format!(
                    "{known}; it is cancelled since. Look for it in Komet and delete it there, then dismiss this."
                )
            }
        });
        if verdict == Some(Verdict::TakeAxerrio) {
            draft.agreed.unseen.retain(|line, _| !lines.contains(line));
            forget_empty(draft, &what);
            // Should it show after all, it is one too many.
            let again: Vec<&AxLine> = order.lines.iter().filter(|line| lines.contains(&line.id)).collect();
            let truck_date = order.header.truck_date();
            let given_up = GivenUp { truck_date, items: create::items(draft, order, &again) };
            draft.agreed.give_up(given_up, draft.rules.today());
            draft.forget(HoldReason::EditedInKomet, None, |decision| decision.cause == cause);
        }
    }
}

/// A Prebook that is given up takes no further lines.
fn forget_empty(draft: &mut Draft<'_>, what: &Unseen) {
    let Unseen::Made(number) = what else { return };
    let lines = &draft.agreed.lines;
    let holds_lines =
        |id: &PrebookId| lines.values().filter_map(|line| line.item.as_ref()).any(|link| link.prebook == *id);
    draft.agreed.prebooks.retain(|id, prebook| prebook.number != *number || holds_lines(id));
}

fn names(lines: &[LineId]) -> String {
    let names: Vec<&str> = lines.iter().map(|line| line.0.as_str()).collect();
    format!("{} {}", if names.len() == 1 { "line" } else { "lines" }, names.join(", "))
}

/// PO lines that buy an item of the order's Prebooks which is deleted by now, and that stand for none of its lines: what a
/// request that was delivered twice left on a PO that showed only after its line was made anew. While the PO is pending
/// they go; from approval on a person must say so.
pub(super) fn judge_orphans(draft: &mut Draft<'_>) {
    let linked =
        |id: &PoItemId| draft.agreed.lines.values().flat_map(|l| &l.po_lines).any(|link| link.line == *id);
    let is_deleted = |line: &PoLine| {
        let item = line.item_id.as_ref().and_then(|item| draft.item(item));
        item.is_some_and(|item| !item.is_alive())
    };
    let orphans: Vec<(&PurchaseOrder, &PoLine)> = bought_lines(draft)
        .filter(|(po, line)| po.status != PoStatus::Cancelled && !linked(&line.id) && is_deleted(line))
        // What Komet's people added to the order they buy and cancel themselves.
        .filter(|(_, line)| line.item_id.as_ref().is_none_or(|item| !draft.agreed.added.contains(item)))
        .collect();
    for (po, bought) in orphans {
        let Some(item) = &bought.item_id else { continue };
        if po.status == PoStatus::Pending || ask_about_orphan(draft, po, bought) && bought.boxes.is_empty() {
            draft.act(deletion(po, bought, item));
        }
    }
}

/// An approved line that buys a deleted item; `true` if it is to go.
fn ask_about_orphan(draft: &mut Draft<'_>, po: &PurchaseOrder, bought: &PoLine) -> bool {
    let cause = format!("PO line {} of no line", bought.id);
    // Not left to `on_conflict`: what is bought for nobody is in nobody's interest.
    let verdict = draft.ask(HoldReason::ChangedAfterApproval, None, &cause, || {
        format!(
            "line {} of PO {} is approved, but its Prebook item is deleted and no line of the order stands for it. Cancel it in \
             Komet (this clears itself then), take axerrio to delete it, take komet to leave it.",
            bought.id, po.number
        )
    });
    verdict == Some(Verdict::TakeAxerrio)
}

/// Items in the order's Prebooks that stand for no line: stemsync's own late effect, or somebody's addition.
pub(super) fn judge_unlinked(draft: &mut Draft<'_>) {
    for (prebook, item) in links::unlinked_items(draft) {
        let is_given_up = !draft.agreed.has_lines_in(&prebook.id) && is_of_a_create(draft, prebook, item);
        let late = is_given_up || is_twin(draft, prebook, item);
        let late = late && !is_left(draft, item) && !draft.agreed.added.contains(&item.id);
        if late && !(knows_originals(draft, item) && draft.knows_purchase(&item.id)) {
            continue;
        }
        let late = late && !is_bought(draft, item);
        if !late && !may_be_a_lines(draft, item) {
            // Once its lines are gone from the Prebook, or changed, it could be taken for one of theirs.
            draft.agreed.added.insert(item.id.clone());
        }
        let asked = !late && ask_about_unlinked(draft, prebook, item) == Some(Verdict::TakeAxerrio);
        if (late || asked) && draft.knows_purchase(&item.id) && !gives_up_purchase(draft, item, asked) {
            draft.act(Action::DeleteItem(DeleteItem {
                prebook: prebook.id.clone(),
                item: item.id.clone(),
                line: None,
            }));
        }
    }
}

/// Whether the item may be what became of a line whose own item is gone: made by a request whose answer was lost, and edited before
/// anybody read it.
fn may_be_a_lines(draft: &Draft<'_>, item: &PrebookItem) -> bool {
    let mut lines = draft.order.axerrio.order.iter().flat_map(|order| &order.lines);
    lines.any(|line| {
        let link = draft.agreed.lines.get(&line.id).and_then(|agreed| agreed.item.as_ref());
        line.terms.boxes > 0
            && link.is_some_and(|link| !draft.item_alive(link))
            && is_surely_product(&line.terms, item, draft.rules)
    })
}

/// Whether an item is in question that may be what became of this line: until it is answered for the line is not made again.
pub(super) fn may_stand_already(draft: &Draft<'_>, line: &AxLine) -> bool {
    let was_there = draft.agreed.lines.get(&line.id).is_some_and(|agreed| agreed.item.is_some());
    let is_in_question = |item: &PrebookItem| {
        let cause = format!("item {}", item.id);
        let is_answered = |reason| draft.verdict(reason, None, &cause).is_some();
        !draft.agreed.added.contains(&item.id)
            && !is_answered(HoldReason::EditedInKomet)
            && !is_answered(HoldReason::ChangedAfterApproval)
    };
    was_there
        && links::unlinked_items(draft)
            .iter()
            .any(|(_, item)| is_in_question(item) && is_surely_product(&line.terms, item, draft.rules))
}

/// Whether a request that was given up left the item after all: it looks as it was asked for then, and is for the order's customer.
/// A rep's copy of the Prebook, for another day or with other goods, is an order of its own.
fn is_of_a_create(draft: &Draft<'_>, prebook: &Prebook, item: &PrebookItem) -> bool {
    let mut given_up = draft.agreed.given_up_since(draft.rules.visible_from).iter();
    !is_of_another_customer(draft, prebook)
        && given_up.any(|create| {
            create.truck_date == prebook.header.truck_date
                && create.items.iter().any(|sent| is_made_of(sent, &item.terms))
        })
}

/// Whether a Prebook that bears the order's mark is surely for another customer than the order's lines are, and for none of them: a
/// rep copied it with its comments.
pub(super) fn is_of_another_customer(draft: &Draft<'_>, prebook: &Prebook) -> bool {
    if draft.agreed.has_lines_in(&prebook.id) {
        return false;
    }
    let order = draft.order.axerrio.order.as_ref();
    let named = order
        .and_then(|order| header_fields::names_customer(&order.header.customer, &prebook.header, draft.rules));
    let mut own = draft.order.komet.prebooks.iter().filter(|own| draft.agreed.has_lines_in(&own.id));
    let is_one = || Some(own.find_map(|own| own.header.customer_id)? == prebook.header.customer_id?);
    named.or_else(is_one) == Some(false)
}

/// An item that no line stands for: from approval on only a person can say whether it is wanted, since the PO is Komet's.
fn ask_about_unlinked(draft: &mut Draft<'_>, prebook: &Prebook, item: &PrebookItem) -> Option<Verdict> {
    let cause = format!("item {}", item.id);
    let what =
        format!("Prebook {} has an item ({}) that no line of the order stands for", prebook.number, item.id);
    let is_copy = !draft.agreed.has_lines_in(&prebook.id);
    let copy = if is_copy {
        " If the Prebook is a copy, and an order of its own, take the mark out of its comments: then this clears itself."
    } else {
        ""
    };
    let detail = || format!("{what}. Take axerrio to delete it, take komet to leave it.{copy}");
    let is_approved = buying(draft, item).any(|(po, _)| po.status.is_decided());
    if !draft.is_decided() && !is_approved {
        // Whom Axerrio does not sell to it does not own anything of.
        if is_of_another_customer(draft, prebook) {
            return draft.ask(HoldReason::EditedInKomet, None, &cause, detail);
        }
        return draft.settle(HoldReason::EditedInKomet, None, &cause, Verdict::TakeAxerrio, detail);
    }
    // Whoever took it off its PO meant the item, too.
    let goes = draft.verdict(HoldReason::ChangedAfterApproval, None, &cause) == Some(Verdict::TakeAxerrio);
    if !is_bought(draft, item) && !goes {
        return draft.ask(HoldReason::EditedInKomet, None, &cause, detail);
    }
    draft.ask(HoldReason::ChangedAfterApproval, None, &cause, || {
        format!(
            "{what}, and a PO buys it. Axerrio cannot be told of it: order it there too, or take it off the PO (this clears \
             itself then). Take axerrio to delete it from PO and Prebook, take komet to leave it."
        )
    })
}

/// Whether the item is exactly what a line of the order has already, in a Prebook with the same header: a request that was
/// delivered twice. Beside its own line, in one Prebook, it is that only if the line was put into a Prebook that was there, and if
/// it stood there when the line was first seen: what else is there is somebody's addition, as is a copy of the Prebook for somebody
/// else.
fn is_twin(draft: &mut Draft<'_>, prebook: &Prebook, item: &PrebookItem) -> bool {
    let owners: Vec<LineId> = originals(draft, item).map(|(line, _)| line.clone()).collect();
    let cause = format!("twin {}", item.id);
    let mut is_twin = false;
    let mut first_seen = false;
    for line in &owners {
        let Some(link) = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref()) else { continue };
        if link.prebook != prebook.id {
            let own = draft.prebook(&link.prebook).map(|own| &own.header);
            is_twin |= own.is_some_and(|own| is_same_header(own, &prebook.header));
            continue;
        }
        if !link.joined {
            continue;
        }
        let before = draft.order.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
        first_seen |= before.is_none_or(|before| before.item != link.item || before.seen.is_none());
    }
    let reason = HoldReason::EditedInKomet;
    if first_seen && draft.verdict(reason, None, &cause).is_none() {
        // Remembered: what buys it may have to be read first.
        draft.remember(Decision::new(reason, None, cause, Verdict::TakeAxerrio));
        return true;
    }
    is_twin || !owners.is_empty() && draft.verdict(reason, None, &cause).is_some()
}

/// The lines whose own items are exactly what `item` is.
fn originals<'d>(
    draft: &'d Draft<'_>,
    item: &'d PrebookItem,
) -> impl Iterator<Item = (&'d LineId, &'d PrebookItem)> + use<'d> {
    draft.agreed.lines.iter().filter_map(|(line, agreed)| {
        let own = draft.item(&agreed.item.as_ref()?.item).filter(|own| own.is_alive())?;
        (are_twins(&own.terms, &item.terms) && own.ship_date == item.ship_date).then_some((line, own))
    })
}

/// Whether the items that `item` repeats still stand: who copies a Prebook and deletes the first one shows only the copy. Asks for
/// their windows otherwise.
fn knows_originals(draft: &mut Draft<'_>, item: &PrebookItem) -> bool {
    let days: Vec<NaiveDate> = originals(draft, item).map(|(_, own)| own.ship_date).collect();
    draft.has_read_windows(&days)
}

fn is_same_header(own: &PrebookHeader, other: &PrebookHeader) -> bool {
    own.truck_date == other.truck_date
        && own.customer_id == other.customer_id
        && own.carrier_id == other.carrier_id
        && blank(own.customer_po.as_deref()) == blank(other.customer_po.as_deref())
}

/// What buys the item goes before it does, by a person's word also what procurement approved. Says whether something had to go.
fn gives_up_purchase(draft: &mut Draft<'_>, item: &PrebookItem, asked: bool) -> bool {
    let going = |po: &PurchaseOrder| po.status == PoStatus::Pending || asked && po.status != PoStatus::Cancelled;
    let bought = buying(draft, item).filter(|(po, _)| going(po));
    let deletions: Vec<Action> = bought.map(|(po, bought)| deletion(po, bought, &item.id)).collect();
    let any = !deletions.is_empty();
    for deletion in deletions {
        draft.act(deletion);
    }
    any
}

/// Takes a PO line away that stands for no line of the order: it goes by its item's name.
fn deletion(po: &PurchaseOrder, bought: &PoLine, item: &ItemId) -> Action {
    Action::DeletePoLine(DeletePoLine {
        number: po.number.clone(),
        po_item: bought.id.clone(),
        line: LineId::from(item),
    })
}

/// Whether a PO buys for the item: then it is not stemsync's to delete.
fn is_bought(draft: &Draft<'_>, item: &PrebookItem) -> bool {
    buying(draft, item).next().is_some()
}

/// The live PO lines that buy for an item.
fn buying<'a>(
    draft: &Draft<'a>,
    item: &'a PrebookItem,
) -> impl Iterator<Item = (&'a PurchaseOrder, &'a PoLine)> + use<'a> {
    bought_lines(draft).filter(|(_, line)| line.item_id.as_ref() == Some(&item.id))
}

/// Every live PO line of the order's POs.
fn bought_lines<'a>(draft: &Draft<'a>) -> impl Iterator<Item = (&'a PurchaseOrder, &'a PoLine)> + use<'a> {
    let pos = draft.order.komet.purchase_orders.iter();
    let lines = pos.flat_map(|po| po.lines.iter().map(move |line| (po, line)));
    lines.filter(|(_, line)| line.is_alive())
}

/// Whether a person has said that the item stays.
fn is_left(draft: &Draft<'_>, item: &PrebookItem) -> bool {
    let verdict = draft.verdict(HoldReason::EditedInKomet, None, &format!("item {}", item.id));
    matches!(verdict, Some(Verdict::TakeKomet | Verdict::Dismissed))
}

/// A Prebook bears the mark of an order that Axerrio does not have, though it was read before anything of Komet: another link
/// made it, or a rep copied the mark. Nothing is decided on absence, but nobody would order what is in it.
pub(super) fn ask_about_tag(draft: &mut Draft<'_>) {
    let mut prebooks = draft.order.komet.prebooks.iter();
    let Some(prebook) = prebooks.find(|prebook| prebook.items.iter().any(PrebookItem::is_alive)) else { return };
    let _ = draft.ask(HoldReason::EditedInKomet, None, &format!("{NO_ORDER}of prebook {}", prebook.id), || {
        format!(
            "Prebook {} ends its comments with the mark of an order that Axerrio does not have: it is another link's, or the mark \
             was copied. If the vendor is to have it, take the mark out of its comments in Komet; else dismiss this.",
            prebook.number
        )
    });
}
