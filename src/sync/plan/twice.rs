//! PO lines by which a line is bought twice: by a request that took effect late, or was delivered twice, or by a buyer.

use super::compare::{are_twins, goods_differences};
use super::draft::Draft;
use super::po_lines::{asked_boxes, boxes_of, delete, names};
use super::question::{Question, is_answered};
use crate::domain::{Flow, HoldReason, KometTerms, LineId, PoItemId, PoLink};

/// Pending lines that stand beside one that buys the same: what a request that was given up did after all, without which as
/// much is bought as was asked for, and exact twins, which a request that was delivered twice left. A buyer who splits a line
/// leaves parts, not twins. Where
/// procurement approved the other one already, it is stemsync's that goes. `wanted` boxes count where stemsync asked for none of
/// them, and two lines of which each buys all of the item are twins, also if the vendor confirmed fewer since. In flow 2 a
/// buyer may change the one that stemsync knows; the other one is still what was asked for. Beside what is approved a twin may be
/// what more was wanted since: it goes only where as much is bought without it.
pub(super) fn late_effects(draft: &Draft<'_>, wanted: u32, alive: &[PoLink]) -> Vec<PoLink> {
    let is_decided = |link: &&PoLink| draft.is_link_decided(link);
    // What somebody took off and put back is no request's.
    let (found, made): (Vec<&PoLink>, Vec<&PoLink>) =
        alive.iter().filter(|link| !link.replaced).partition(|link| link.asked.is_none());
    let terms = |link: &PoLink| draft.po_line(&link.line).map(|(_, line)| line.terms.clone());
    let approved = found.iter().copied().filter(is_decided).cloned().collect::<Vec<_>>();
    if !approved.is_empty() && !made.is_empty() && !made.iter().any(is_decided) {
        let (asked, bought) = (asked_boxes(made.iter().copied()), boxes_of(draft, &approved));
        let repeats = approved.iter().all(|other| is_of_a_purchase(draft, other))
            || made.iter().all(|own| approved.iter().any(|other| terms(own) == terms(other)));
        return if repeats && bought == asked && bought >= u64::from(wanted) {
            made.into_iter().cloned().collect()
        } else {
            Vec::new()
        };
    }
    let stands = |link: &&PoLink| link.asked.is_some() || is_decided(link);
    let Some(keeper) = alive.iter().find(stands).or_else(|| alive.first()) else { return Vec::new() };
    let asked = keeper.asked.as_ref().map_or(wanted, |goods| goods.boxes);
    let whole = draft.item(&keeper.item).map(|item| item.terms.boxes);
    // What has shipped was split from its rest, which may buy as much.
    let kept = terms(keeper).filter(|_| !draft.has_link_shipped(keeper));
    let given_up = !made.is_empty() && !draft.agreed.purchases_given_up_since(draft.rules.visible_from).is_empty();
    let is_as_asked = |twin: &KometTerms| {
        let asked = keeper.asked.as_ref().filter(|_| given_up || draft.order.flow == Flow::FromKomet);
        asked.is_some_and(|goods| goods_differences(goods, twin).is_empty())
    };
    let is_twin = |link: &PoLink| {
        let both = terms(link).zip(kept.as_ref());
        both.is_some_and(|(twin, kept)| {
            (twin.boxes == asked || Some(twin.boxes) == whole) && are_twins(kept, &twin) || is_as_asked(&twin)
        })
    };
    // The largest first: what was given up bought the whole of something, and parts of a split line may stand beside it.
    let boxes = |link: &PoLink| boxes_of(draft, [link]);
    let mut others: Vec<&PoLink> = found.into_iter().filter(|l| l.line != keeper.line && !is_decided(l)).collect();
    others.sort_by_key(|link| std::cmp::Reverse(boxes(link)));
    let mut left = boxes_of(draft, alive);
    others.retain(|link| {
        let without = left - boxes(link);
        let is_enough = without >= u64::from(wanted) || !is_decided(&keeper);
        let is_late = given_up && without >= u64::from(asked) && is_of_a_purchase(draft, link);
        let goes = is_enough && (is_late || is_twin(link));
        if goes {
            left = without;
        }
        goes
    });
    others.into_iter().cloned().collect()
}

/// Whether a request that was given up left the line after all: it buys what was asked for then. What has other boxes, another cost
/// or packing is a buyer's.
fn is_of_a_purchase(draft: &Draft<'_>, link: &PoLink) -> bool {
    let Some((_, shown)) = draft.po_line(&link.line) else { return false };
    let mut given_up = draft.agreed.purchases_given_up_since(draft.rules.visible_from).iter();
    given_up.any(|sent| sent.item == link.item && goods_differences(&sent.goods, &shown.terms).is_empty())
}

/// Lines without which a line is still bought in full: what a request that was given up, or was delivered twice, did after
/// all and somebody approved or changed, or what somebody bought on another PO. A line that was split, by shipping or by a
/// buyer, buys no more than was asked for; and what is wanted by now is nothing that is bought twice.
pub(super) fn surplus(draft: &Draft<'_>, line: &LineId, alive: &[PoLink]) -> Vec<PoLink> {
    let asked = asked_boxes(alive);
    let enough = asked.max(wanted_boxes(draft, line));
    let Some(own) = alive.iter().find(|link| link.asked.is_some()) else {
        return exact_twins(draft, enough, alive);
    };
    let boxes_of = |link: &PoLink| boxes_of(draft, [link]);
    let unshipped = |link: &&PoLink| draft.po_line(&link.line).is_some_and(|(_, line)| line.boxes.is_empty());
    let mut total: u64 = alive.iter().map(boxes_of).sum();
    let terms = |link: &PoLink| draft.po_line(&link.line).map(|(_, line)| &line.terms);
    // Once the first one has shipped in part only the sum tells, and that more than its rest is still to ship.
    let is_doubled = asked > 0 && total >= 2 * asked && alive.iter().filter(unshipped).count() > 1;
    // A part of a split line does not buy the whole by itself, whatever a buyer made of the other.
    let is_whole = |link: &PoLink| terms(link) == terms(own) || boxes_of(link) >= asked;
    let foreign = |link: &&PoLink| {
        let is_twin = || unshipped(&own) && is_whole(link);
        link.number != own.number
            || is_doubled
            || !draft.agreed.purchases_given_up_since(draft.rules.visible_from).is_empty()
            || is_twin()
    };
    let found = alive.iter().filter(|link| link.asked.is_none()).filter(foreign);
    let made = alive.iter().filter(|link| link.asked.is_some());
    if found.clone().next().is_none() {
        return Vec::new();
    }
    let mut surplus = Vec::new();
    let (open, shipped): (Vec<&PoLink>, Vec<&PoLink>) = found.chain(made).partition(unshipped);
    for link in open {
        let left = total.saturating_sub(boxes_of(link));
        if left >= enough {
            total = left;
            surplus.push(link.clone());
        }
    }
    if surplus.is_empty() {
        // Nothing takes back what has shipped; that it did so twice a person must know all the same.
        let other = shipped.into_iter().filter(|link| link.asked.is_none());
        surplus.extend(other.filter(|link| total.saturating_sub(boxes_of(link)) >= enough).cloned());
    }
    surplus
}

/// Where nothing is known of what was asked for, as after the loss of the database: lines that buy the whole once more, and are what the
/// first one is. Parts into which a buyer split it are less than that.
fn exact_twins(draft: &Draft<'_>, wanted: u64, alive: &[PoLink]) -> Vec<PoLink> {
    let shown = |link: &PoLink| draft.po_line(&link.line).map(|(_, line)| line);
    let Some((first, others)) = alive.split_first().filter(|_| wanted > 0) else { return Vec::new() };
    let Some(own) = shown(first) else { return Vec::new() };
    let is_twin = |link: &&PoLink| {
        shown(link).is_some_and(|line| u64::from(line.terms.boxes) >= wanted && are_twins(&own.terms, &line.terms))
    };
    others.iter().filter(is_twin).cloned().collect()
}

/// Boxes that are wanted of a line by now: what both sides say, or as many as the vendor confirmed. What Axerrio changed on what was
/// approved counts once Komet's item followed.
fn wanted_boxes(draft: &Draft<'_>, line: &LineId) -> u64 {
    let mut lines = draft.order.axerrio.order.iter().flat_map(|order| &order.lines);
    let Some(shown) = lines.find(|shown| shown.id == *line) else { return 0 };
    let item = draft.agreed.lines.get(line).and_then(|agreed| draft.item(&agreed.item.as_ref()?.item));
    let boxes = match (item.map(|item| item.terms.boxes), draft.order.flow) {
        (Some(reps), Flow::FromKomet) => reps,
        (item, _) => item.map_or(shown.terms.boxes, |item| item.min(shown.terms.boxes)),
    };
    u64::from(shown.wanted_boxes(boxes))
}

/// The same before approval: in flow 1 a buyer's edits are asked about as such.
pub(super) fn surplus_while_pending(draft: &Draft<'_>, line: &LineId, alive: &[PoLink]) -> Option<Vec<PoLink>> {
    let twice = || surplus(draft, line, alive);
    (draft.order.flow == Flow::FromKomet).then(twice).filter(|twice| !twice.is_empty())
}

/// A PO that buys a line once more: which of the two is wanted only a person can say. Answers whether one said that both are.
pub(super) fn ask(draft: &mut Draft<'_>, line: &LineId, surplus: &[PoLink]) -> bool {
    if goes(draft, line, surplus) {
        delete(draft, line, surplus);
        return false;
    }
    is_answered(draft, Some(line), &bought_twice(surplus))
}

/// Whether a person wants what buys the line once more deleted.
fn goes(draft: &mut Draft<'_>, line: &LineId, surplus: &[PoLink]) -> bool {
    let names = names(surplus);
    let links = draft.alive_po_links(line);
    let are_approved = links.iter().all(|link| draft.po_status(link).is_decided());
    let approved = if are_approved { ", and procurement approved both" } else { "" };
    let question = Question {
        line: Some(line),
        cause: &bought_twice(surplus),
        what: format!(
            "the line is bought twice{approved}: {names} buys it once more, by a request that took effect late or by a buyer."
        ),
        choice:
            "Cancel it in Komet (this clears itself then), take axerrio to delete it, take komet to keep both."
                .to_owned(),
        // Whoever owns the PO, a line bought twice is in nobody's interest.
        is_komets: false,
        has_shipped: surplus.iter().any(|link| draft.has_link_shipped(link)),
    };
    question.takes_axerrio(draft)
}

/// PO lines that may be bought by mistake, of which nobody has said yet that they stay: nothing is shipped on them.
pub(super) fn in_question(draft: &Draft<'_>, line: &LineId) -> Vec<PoItemId> {
    let twice = surplus(draft, line, &draft.alive_po_links(line));
    let is_left = || draft.verdict(HoldReason::ChangedAfterApproval, Some(line), &bought_twice(&twice)).is_some();
    if twice.is_empty() || is_left() { Vec::new() } else { twice.into_iter().map(|link| link.line).collect() }
}

/// The cause of a question about PO lines that buy a line once more.
fn bought_twice(surplus: &[PoLink]) -> String {
    format!("bought twice {}", names(surplus))
}

/// Whether a line of which procurement has approved nothing is bought once more by what [`judge_left`] takes away.
pub(super) fn has_twins(draft: &Draft<'_>, line: &LineId) -> bool {
    let alive = draft.alive_po_links(line);
    !alive.iter().any(|link| draft.is_link_decided(link)) && !late_effects(draft, 0, &alive).is_empty()
}

/// A line that is left as it is, by a person's word or its owner's, may all the same be bought twice: what is stemsync's own and
/// still pending goes, what procurement approved is a question, also beside another one about the line. While that waits nothing is
/// done.
pub(super) fn judge_left(draft: &mut Draft<'_>, line: &LineId) {
    let alive = draft.alive_po_links(line);
    let waits = draft.is_held(line);
    if !alive.iter().any(|link| draft.is_link_decided(link)) {
        if waits {
            return;
        }
        // What is pending of an order that the vendor rejected goes as a whole.
        let order = draft.order.axerrio.order.as_ref();
        if !(draft.order.flow == Flow::FromKomet && order.is_some_and(|order| order.status.is_off())) {
            let twins = late_effects(draft, 0, &alive);
            delete(draft, line, &twins);
        }
        return;
    }
    let twice = surplus(draft, line, &alive);
    if !twice.is_empty() && goes(draft, line, &twice) && !waits {
        delete(draft, line, &twice);
    }
}
