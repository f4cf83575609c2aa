//! What procurement has approved is Komet's: it stays as it is, and what differs from it by now is a question. Once boxes have
//! shipped not even that: stemsync can take nothing back, and says so.

use super::buyers::is_substituted;
use super::compare::{PRODUCT, item_differences};
use super::draft::Draft;
use super::po_lines::{Buy, asked_boxes, boxes_of, names, shown};
use super::prints::komet_print;
use super::question::{Question, is_left};
use super::twice;
use crate::domain::{
    AxLine, Decision, FEWER, Flow, HoldReason, ItemId, KometTerms, LineId, OnConflict, Order, PoLine, PoLink,
    PurchaseOrder,
};
use crate::sync::action::Action;

/// From approval on the PO stays as it is; where the vendor confirms something else than was bought, a person must
/// know.
pub(super) fn judge(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) {
    let surplus = twice::surplus(draft, &buy.line, alive);
    if !surplus.is_empty() && !twice::ask(draft, &buy.line, &surplus) {
        return;
    }
    if !stays_where_bought(draft, buy, alive)
        || !stays_what_it_is(draft, buy, alive)
        || !stays_as_bought(draft, buy, alive)
    {
        return;
    }
    let Some(first) = alive.first() else { return };
    let confirmed = u64::from(buy.goods.boxes);
    let asked = asked_boxes(alive);
    let bought = boxes_of(draft, alive);
    // Where the rep changed the item since it was bought, both sides of it are Komet's own.
    let is_reps = is_reps_number(draft.order, &buy.item, alive.iter());
    let is_buyers =
        is_buyers_number(draft.order, &buy.item, alive.iter(), bought, buy.confirmed.then_some(confirmed));
    if is_buyers || asked > 0 && confirmed == asked || confirmed == bought {
        return;
    }
    let question = Question {
        line: Some(&buy.line),
        cause: &confirmed_cause(confirmed, first),
        what: if buy.confirmed {
            format!("the vendor confirms {confirmed} boxes, but procurement approved {bought}.")
        } else {
            format!("{confirmed} boxes are ordered by now, but procurement approved {bought}.")
        },
        choice: format!(
            "Change the PO in Komet (this clears itself then), take axerrio to buy {confirmed} in place of them, take komet to \
             keep what was approved."
        ),
        is_komets: !is_reps,
        has_shipped: draft.has_shipped(&buy.line),
    };
    question.stays(draft, buy, alive);
}

/// Whether a rep changed the number of a flow 2 item's boxes since it was bought.
fn is_reps_number<'l>(order: &Order, item: &ItemId, mut links: impl Iterator<Item = &'l PoLink>) -> bool {
    let then = links.find_map(|link| link.bought_as.as_ref());
    then.zip(order.komet.item(item)).is_some_and(|(then, item)| then.boxes != item.terms.boxes)
}

/// Whether the boxes that these PO lines buy are a buyer's to number: of lines that were found, which he bought, or stemsync in another
/// life, only that the vendor confirms fewer than are `bought`, or that a rep wants another number since, is plain.
pub(in crate::sync) fn is_buyers_number<'l>(
    order: &Order,
    item: &ItemId,
    links: impl Iterator<Item = &'l PoLink> + Clone,
    bought: u64,
    confirmed: Option<u64>,
) -> bool {
    asked_boxes(links.clone()) == 0
        && !is_reps_number(order, item, links)
        && confirmed.is_none_or(|confirmed| confirmed >= bought)
}

/// What a person left as it is, he left with the boxes that were on the PO: that the vendor delivers fewer is news to him.
pub(super) fn judge_fewer(draft: &mut Draft<'_>, line: &AxLine) {
    // Most orders have no decisions, and what is in question waits for its answer.
    let is_left = |decision: &Decision| decision.line.as_ref().is_none_or(|of| *of == line.id);
    if draft.agreed.decisions.iter().any(is_left) && !draft.is_held(&line.id) {
        judge_fewer_of(draft, &line.id, line.confirmed_boxes);
    }
}

/// The same of a line of which `confirmed` boxes come, if the vendor said so.
pub(super) fn judge_fewer_of(draft: &mut Draft<'_>, line: &LineId, confirmed: Option<u32>) {
    let Some(confirmed) = confirmed else { return };
    let alive = draft.alive_po_links(line);
    let bought = boxes_of(draft, &alive);
    let Some(first) = alive.first().filter(|_| u64::from(confirmed) < bought) else { return };
    let reason =
        if draft.is_line_decided(line) { HoldReason::ChangedAfterApproval } else { HoldReason::EditedInKomet };
    let cause = format!("{FEWER}{confirmed} on PO line {}", first.line);
    let _ = draft.ask(reason, Some(line), &cause, || {
        format!(
            "the vendor confirms {confirmed} boxes, but {} buys {bought}, as it was left when somebody was asked. Change the PO in \
             Komet (this clears itself then), or dismiss this to keep it.",
            names(&alive)
        )
    });
}

/// How the causes of questions begin about boxes that the vendor confirms otherwise than was approved.
pub(in crate::sync) const CONFIRMED: &str = "confirmed ";

/// Of lines that are bought anew later it is another question.
fn confirmed_cause(boxes: u64, first: &PoLink) -> String {
    format!("{CONFIRMED}{boxes} on PO line {}", first.line)
}

/// Whether a person kept what was approved against this very word of the vendor's: that holds as well where Komet has the PO wait
/// for approval again since another line was added to it.
pub(super) fn was_kept(draft: &Draft<'_>, buy: &Buy, alive: &[PoLink]) -> bool {
    // Naming the question takes a moment, and most orders have no decisions. What was left to the owner is Axerrio's again.
    let is_a_persons = !draft.agreed.decisions.is_empty() && draft.rules.on_conflict != OnConflict::Owner;
    let Some(first) = alive.first().filter(|_| is_a_persons) else { return false };
    is_left(draft, Some(&buy.line), &confirmed_cause(u64::from(buy.goods.boxes), first))
}

/// Asks about a PO line on which a buyer bought another product than its Prebook item is: the vendor is told of POs by boxes and
/// cost alone, and prints its labels for what was ordered. `false` where the line is to be bought anew.
fn stays_what_it_is(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) -> bool {
    let other = alive.iter().find_map(|link| {
        let (po, line) = draft.po_line(&link.line)?;
        let item = draft.item(&link.item)?;
        let is_other = line.terms.product.id != item.terms.product.id
            && is_substituted(draft.order, &draft.agreed, &line.terms, link);
        is_other.then_some((po, line, item))
    });
    // Of an item that a rep changed since it was bought the next question speaks.
    let is_reps = other.is_some() && changes_since_bought(draft, buy, alive).contains(&PRODUCT);
    let Some((po, line, item)) = other.filter(|_| !is_reps) else { return true };
    let question = Question {
        line: Some(&buy.line),
        cause: &format!("product {:?} on PO line {}", line.terms.product.id, line.id),
        what: format!(
            "line {} of PO {}, which procurement approved, buys {}, but its Prebook item is {}. Of products the vendor is told \
             nothing.",
            line.id, po.number, line.terms.product.description, item.terms.product.description
        ),
        choice: "Change one of the two in Komet (this clears itself then), take axerrio to buy anew what the item is, or tell the \
                 vendor and take komet to keep it."
            .to_owned(),
        is_komets: false,
        has_shipped: draft.has_shipped(&buy.line),
    };
    question.stays(draft, buy, alive)
}

/// Whether this was bought for another day than the flow 2 order ships on by now, and its PO has not followed.
pub(in crate::sync) fn ships_as_before(order: &Order, link: &PoLink, po: &PurchaseOrder) -> bool {
    let to = order.ship_date;
    order.flow == Flow::FromKomet && link.ship_date.is_some_and(|day| day != to) && po.ship_date != to
}

/// Asks about a flow 2 item that a rep moved to another ship date after procurement approved its PO, which ships as before. A PO
/// that a buyer moved is where Komet wants it. `false` where the line is to be bought anew.
fn stays_where_bought(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) -> bool {
    let to = draft.order.ship_date;
    let left = alive.iter().find_map(|link| {
        let (po, _) = draft.po_line(&link.line)?;
        ships_as_before(draft.order, link, po).then_some((po, link))
    });
    let Some((po, link)) = left else { return true };
    let question = Question {
        line: Some(&buy.line),
        cause: &format!("moved to {to} from PO line {}", link.line),
        what: format!(
            "the Prebook item was moved to {to} in Komet, but PO {}, which procurement approved, ships {}.",
            po.number, po.ship_date
        ),
        choice: "Move the line to a PO of that day in Komet (this clears itself then), take axerrio to buy it anew for that day, \
                 take komet to leave it."
            .to_owned(),
        is_komets: false,
        has_shipped: draft.has_shipped(&buy.line),
    };
    question.stays(draft, buy, alive)
}

/// Asks about a flow 2 item that a rep changed after procurement approved its PO, which buys it as it was. `false` where the line
/// is to be bought anew. Of boxes the vendor's word counts, and what Axerrio refused to hear of is told as that.
fn stays_as_bought(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) -> bool {
    let changed = changes_since_bought(draft, buy, alive);
    let Some(item) = draft.item(&buy.item).filter(|_| !changed.is_empty()) else { return true };
    if draft.wants(|action| matches!(action, Action::PutOrder(_))) {
        return true;
    }
    let cause = format!("item changed {:016x}", komet_print(&KometTerms { boxes: 0, ..item.terms.clone() }));
    let question = Question {
        line: Some(&buy.line),
        cause: &cause,
        what: format!(
            "{} of the Prebook item changed in Komet, but {}, which procurement approved, buys it as it was.",
            changed.join(", "),
            names(alive)
        ),
        choice: "Change the PO in Komet (this clears itself then), take axerrio to buy it anew, take komet to leave the PO."
            .to_owned(),
        is_komets: false,
        has_shipped: draft.has_shipped(&buy.line),
    };
    question.stays(draft, buy, alive)
}

/// What a rep changed of a flow 2 item since it was bought.
pub(super) fn changes_since_bought(draft: &Draft<'_>, buy: &Buy, alive: &[PoLink]) -> Vec<&'static str> {
    let Some(item) = draft.item(&buy.item) else { return Vec::new() };
    let Some(then) = alive.iter().find_map(|link| link.bought_as.as_ref()) else { return Vec::new() };
    let bought: Vec<&PoLine> = shown(draft, alive).collect();
    changed_since_bought(&item.terms, then, &bought)
}

/// In what a flow 2 item is otherwise `now` than `then`, when it was bought, as far as its PO lines do not show that already;
/// boxes are another matter.
pub(in crate::sync) fn changed_since_bought(
    now: &KometTerms,
    then: &KometTerms,
    bought: &[&PoLine],
) -> Vec<&'static str> {
    let mut changed = item_differences(then, now);
    let differs_on_po =
        |field: &&str| bought.iter().any(|line| item_differences(now, &line.terms).contains(field));
    // Of a mixed box Komet computes these itself.
    let is_computed = |field: &str| {
        !now.breakdowns.is_empty() && ["bunches per box", "stems per bunch", "cost"].contains(&field)
    };
    changed.retain(|field| *field != "boxes" && !is_computed(field) && differs_on_po(field));
    changed
}
