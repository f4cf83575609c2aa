//! What is off its PO though stemsync did not take it off: a buyer deleted it, or some of its boxes, cancelled the PO, or bought
//! it anew elsewhere. It is looked for before anything is made of it; what took its place stands for it, and of the rest a person is
//! asked, unless procurement has answered.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::compare::item_differences;
use super::draft::Draft;
use super::po_lines::{Buy, asked_boxes, boxes_of};
use super::prints::{goods_print, komet_print};
use super::wish::Wish;
use super::{Need, inform};
use crate::domain::{
    AgreedLine, Flow, HoldReason, LineId, NewPoLine, PoInfoStatus, PoItemId, PoLink, PoNumber, PoStatus, Verdict,
    window_of,
};

/// How the causes of questions begin about a line that a buyer took off; its number follows.
const TAKEN_OFF: &str = "PO line deleted ";

/// A buyer who takes a line off its PO, or cancels the PO, may have bought it anew, on a PO of any day: every ship date of the horizon
/// is read once before anything is made of it.
pub(super) fn seek(draft: &mut Draft<'_>) {
    let missing = |draft: &Draft<'_>, _: &LineId, agreed: &AgreedLine| {
        let is_off = |link: &&PoLink| !draft.po_alive(link) && is_taken_off(draft, link) && link.sought.is_none();
        agreed.po_lines.iter().filter(is_off).map(|link| link.line.clone()).collect()
    };
    seek_what(draft, missing);
}

/// So may one who takes some of its boxes off. That is his right, and mostly nothing comes of it: they are sought once a line is
/// changed, or asked about.
pub(super) fn seek_parts(draft: &mut Draft<'_>) {
    let concerned: BTreeSet<LineId> = draft.concerned_lines();
    if concerned.is_empty() {
        return;
    }
    let missing = |draft: &Draft<'_>, line: &LineId, agreed: &AgreedLine| {
        let alive = || agreed.po_lines.iter().filter(|link| draft.po_alive(link));
        let boxes = boxes_of(draft, alive());
        if !concerned.contains(line) || boxes >= asked_boxes(alive()) {
            return Vec::new();
        }
        let is_read = |link: &PoLink| draft.rules.facts.po_numbers_read.contains(&link.number);
        let is_less = |link: &&PoLink| link.asked.is_some() && is_read(link) && link.sought != Some(boxes);
        alive().filter(is_less).map(|link| link.line.clone()).collect()
    };
    seek_what(draft, missing);
}

/// Has the horizon's POs read for what is `missing` of each line, and remembers that it was.
fn seek_what(draft: &mut Draft<'_>, missing: impl Fn(&Draft<'_>, &LineId, &AgreedLine) -> Vec<PoItemId>) {
    if draft.order.ship_date < draft.rules.visible_from {
        return;
    }
    let sought = draft.agreed.lines.iter().flat_map(|(line, agreed)| missing(draft, line, agreed));
    let sought: BTreeSet<PoItemId> = sought.collect();
    if sought.is_empty() {
        return;
    }
    if !draft.has_read_horizon() {
        draft.seeks = true;
        return;
    }
    let mut lines = std::mem::take(&mut draft.agreed.lines);
    for agreed in lines.values_mut() {
        let boxes = boxes_of(draft, agreed.po_lines.iter().filter(|link| draft.po_alive(link)));
        let own = agreed.po_lines.iter_mut().filter(|link| sought.contains(&link.line));
        own.for_each(|link| link.sought = Some(boxes));
    }
    draft.agreed.lines = lines;
}

/// Whether somebody else took this PO line off, and its item is still this order's.
fn is_taken_off(draft: &Draft<'_>, link: &PoLink) -> bool {
    let is_known = link.seen.is_some() || link.gone;
    is_known && !link.dead && !draft.order.items_elsewhere.contains(&link.item)
}

/// What buyers took off, or cancelled, and bought anew since, is over: where the new one goes, the line is not off its PO for that. In
/// flow 2 the new one stands for what was asked for: what changed since is held against that.
pub(super) fn supersede(draft: &mut Draft<'_>, buy: &Buy) {
    let Some(agreed) = draft.agreed.lines.get(&buy.line) else { return };
    let is_over = |link: &&PoLink| link.item == buy.item && link.seen.is_some() && !draft.po_alive(link);
    let over: Vec<PoLink> = agreed.po_lines.iter().filter(is_over).cloned().collect();
    let is_made = agreed.po_lines.iter().any(|link| draft.po_alive(link) && link.asked.is_some());
    let asked = over.iter().rev().find(|link| link.asked.is_some() && !link.dead);
    let asked = asked.filter(|_| draft.order.flow == Flow::FromKomet && !is_made);
    let heir = asked.and_then(|_| agreed.po_lines.iter().find(|link| draft.po_alive(link)));
    let heir = heir.map(|link| link.line.clone());
    let own = draft.agreed.lines.get_mut(&buy.line).into_iter().flat_map(|agreed| &mut agreed.po_lines);
    for link in own {
        if over.iter().any(|over| over.line == link.line) {
            link.dead = true;
            link.replaced = true;
            if heir.is_some() || is_made {
                // Put back, it buys once more.
                link.asked = None;
                link.bought_as = None;
            }
        } else if let Some(asked) = asked.filter(|_| heir.as_ref() == Some(&link.line)) {
            link.asked.clone_from(&asked.asked);
            link.bought_as.clone_from(&asked.bought_as);
            link.ship_date = asked.ship_date;
        }
    }
}

/// Put back and taken off again, a line is a new question.
pub(super) fn forget_what_is_back(draft: &mut Draft<'_>, line: &LineId, alive: &[PoLink]) {
    let names = |cause: &str, link: &PoLink| {
        let named = cause.strip_prefix(TAKEN_OFF).and_then(|rest| rest.split(' ').next());
        named == Some(link.line.to_string().as_str())
    };
    let is_back = |cause: &str| alive.iter().any(|link| names(cause, link));
    draft.forget(HoldReason::EditedInKomet, Some(line), |decision| is_back(&decision.cause));
    let asked = asked_boxes(alive);
    if boxes_of(draft, alive) >= asked {
        let own = draft.agreed.lines.get_mut(line).into_iter().flat_map(|agreed| &mut agreed.po_lines);
        own.filter(|own| alive.iter().any(|link| link.line == own.line)).for_each(|own| own.sought = None);
    }
}

/// Whether Komet's people took the line from its PO, or cancelled that: a deleted line is a question, since the vendor delivers
/// it, while a cancelled PO is procurement's answer.
pub(super) fn is_taken_away(draft: &mut Draft<'_>, buy: &Buy, links: &[PoLink]) -> bool {
    let vanished: Vec<&PoLink> = links.iter().filter(|link| !link.dead).collect();
    let Some(last) = vanished.last() else { return false };
    let is_cancelled =
        |link: &&PoLink| draft.po_line(&link.line).is_some_and(|(po, _)| po.status == PoStatus::Cancelled);
    let is_cancelled = vanished.iter().any(is_cancelled);
    if !is_cancelled && may_be_on_another_po(draft, buy, &last.number) {
        return true;
    }
    let is_flow_2 = draft.order.flow == Flow::FromKomet;
    if is_cancelled && is_flow_2 && takes_cancelled_anew(draft, buy, last) && draft.has_read_horizon() {
        bury(draft, &buy.line, &vanished);
        return false;
    }
    if is_cancelled || is_flow_2 && hears_of_it(draft, last) {
        return true;
    }
    let mut cause = format!("{TAKEN_OFF}{}", last.line);
    if let Some(item) = draft.item(&buy.item).filter(|_| is_flow_2) {
        // What a rep changes on the item later is another question.
        let _ = write!(cause, " {:016x}", komet_print(&item.terms));
    }
    let detail = || {
        format!(
            "line {} was deleted from PO {} in Komet, but the order still stands in Axerrio. Take axerrio to buy it again, \
             take komet to leave it.",
            last.line, last.number
        )
    };
    let verdict = if is_flow_2 || last.gone {
        // Both sides of it are Komet's own; or nobody ever saw it, and it may yet show.
        draft.ask(HoldReason::EditedInKomet, Some(&buy.line), &cause, detail)
    } else {
        // From approval on the PO's lines are Komet's.
        let owner = if draft.po_status(last).is_decided() { Verdict::TakeKomet } else { Verdict::TakeAxerrio };
        draft.settle(HoldReason::EditedInKomet, Some(&buy.line), &cause, owner, detail)
    };
    // Somebody may have bought it since it was asked about.
    if verdict != Some(Verdict::TakeAxerrio) || !draft.has_read_horizon() {
        return true;
    }
    bury(draft, &buy.line, &vanished);
    false
}

/// What is bought now takes their place.
fn bury(draft: &mut Draft<'_>, line: &LineId, vanished: &[&PoLink]) {
    let own = draft.agreed.lines.get_mut(line).into_iter().flat_map(|agreed| &mut agreed.po_lines);
    own.filter(|own| vanished.iter().any(|link| link.line == own.line)).for_each(|own| own.dead = true);
}

/// Flow 2: what a rep changed of an item since its PO was cancelled, and the vendor accepted, is another order than the one that
/// procurement answered. Whether it is bought both sides of Komet must know.
fn takes_cancelled_anew(draft: &mut Draft<'_>, buy: &Buy, last: &PoLink) -> bool {
    let Some(item) = draft.item(&buy.item) else { return false };
    let is_moved = last.ship_date.is_some_and(|then| then != item.ship_date);
    let changes = last.bought_as.as_ref().map(|then| item_differences(then, &item.terms)).unwrap_or_default();
    if changes.is_empty() && !is_moved {
        return false;
    }
    let what = if changes.is_empty() { "ship date".to_owned() } else { changes.join(", ") };
    let cause = format!("cancelled PO {} {:016x} {}", last.number, komet_print(&item.terms), item.ship_date);
    draft.ask(HoldReason::ChangedAfterApproval, Some(&buy.line), &cause, || {
        format!(
            "procurement cancelled PO {}, but the item changed in Komet since it was bought there ({what}), and is ordered as it is \
             now. Take axerrio to buy it, take komet to leave it unbought.",
            last.number
        )
    }) == Some(Verdict::TakeAxerrio)
}

/// Whether a line that a person left off its PO may be made anew because Axerrio or the map changed it, or a person took Axerrio's: it
/// would be bought again with that.
pub(super) fn may_be_bought_anew(draft: &mut Draft<'_>, line: &LineId, wish: &Wish<'_>) -> bool {
    let left = draft.left_to_komet(TAKEN_OFF).find(|decision| decision.line.as_ref() == Some(line));
    let left = left.map(|decision| decision.cause.clone());
    let links = draft.agreed.lines.get(line).map(|agreed| &agreed.po_lines[..]).unwrap_or_default();
    let Some((left, last)) = left.zip(links.last().cloned()) else { return true };
    let Some(print) = wish.print() else { return true };
    let cause = print.cause(draft, line, &format!("{left} changed"));
    let what = match wish {
        Wish::Changed(..) => "the line changed in Axerrio",
        Wish::Moved(..) => "the order moved to another date, carrier or customer PO in Axerrio",
        _ if print.is_mapped_anew() => "the line was mapped anew, and its Prebook item is to be made anew",
        _ => "the line's Prebook item is to be made anew",
    };
    draft.settle(HoldReason::EditedInKomet, Some(line), &cause, Verdict::TakeAxerrio, || {
        format!(
            "{what}, but it was left off PO {} in Komet. Take axerrio to buy it as it is now, take komet to leave it as Komet has it.",
            last.number
        )
    }) == Some(Verdict::TakeAxerrio)
}

/// Whether Axerrio was told, or is about to be, what procurement decided about a flow 2 order and the PO that a line is off by now.
/// While the rest of the order waits on another PO nothing is told.
fn hears_of_it(draft: &Draft<'_>, off: &PoLink) -> bool {
    let told = draft.order.axerrio.order.as_ref().and_then(|order| order.purchase_order.as_ref());
    let is_decided = |status: PoInfoStatus| status != PoInfoStatus::Pending;
    let is_off_decided = draft.po_status(off).is_decided();
    told.is_some_and(|told| is_decided(told.status) && (is_off_decided || told.number == off.number))
        || is_off_decided && inform::desired(draft).is_some_and(|info| is_decided(info.status))
}

/// Whether the PO must be read first to which a buyer may have moved the line: the item names it, where Komet says so (assumed).
fn may_be_on_another_po(draft: &mut Draft<'_>, buy: &Buy, former: &PoNumber) -> bool {
    let Some(item) = draft.item(&buy.item) else { return false };
    let facts = draft.rules.facts;
    let needs = match &item.po_number {
        Some(number) if number == former && facts.windows_seen.contains(&window_of(item.ship_date)) => {
            return false;
        }
        Some(number) if number == former && item.ship_date >= draft.rules.visible_from => {
            vec![Need::Prebooks(item.ship_date)]
        }
        Some(number) if number != former => draft.unread_number(number),
        _ => return false,
    };
    let may_be = !needs.is_empty();
    draft.needs.extend(needs);
    may_be
}

/// Whether Komet answered that it bought the line, though no PO shows it: somebody took it off before anybody read it, or it stands
/// where it is not shown. Only a person can say.
pub(super) fn is_unseen(draft: &mut Draft<'_>, buy: &Buy) -> bool {
    let Some(number) = draft.agreed.unseen_purchases.get(&buy.line).cloned() else { return false };
    if !draft.has_read_pos(&[draft.order.ship_date]) {
        return true;
    }
    // What becomes another line is another question.
    let cause = format!("unseen on PO {number} {} {:016x}", buy.item, goods_print(&buy.goods));
    let verdict = draft.ask(HoldReason::EditedInKomet, Some(&buy.line), &cause, || {
        format!(
            "Komet took the line on PO {number}, and no PO shows it. Look for it in Komet; take axerrio to buy it again, take komet \
             to leave it."
        )
    });
    if verdict != Some(Verdict::TakeAxerrio) {
        return true;
    }
    draft.agreed.unseen_purchases.remove(&buy.line);
    // Should it show after all, it is one too many.
    let again =
        NewPoLine { line: buy.line.clone(), item: buy.item.clone(), goods: buy.goods.clone(), wanted: None };
    draft.agreed.give_up_purchases(&[again], draft.rules.today());
    draft.forget(HoldReason::EditedInKomet, Some(&buy.line), |decision| decision.cause == cause);
    false
}
