//! The PO of an order, the same for both flows: every line in place is bought once, in the boxes that the vendor
//! confirmed. While the PO is pending a line that should be bought otherwise loses its PO line and gets a new one on
//! the same PO; from approval on the PO is Komet's.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::Need;
use super::buyers::{self, PO_LINE};
use super::compare::{
    SHIP_DATE, asks_for_same_parts, asks_otherwise, goods_from_komet, is_cost_agreed, item_differences,
    packing_differences,
};
use super::draft::Draft;
use super::po_lines::{Buy, boxes_of, delete, shown};
use super::unmapped::ask_for_mapping;
use super::wish::Wish;
use super::{approved, off, twice};
use crate::domain::{
    AgreedLine, Decision, Flow, HoldReason, KometTerms, LineId, NewGoods, NewPoLine, NewPurchaseOrder, PoLine,
    PoLink, PoNumber, PoStatus, Verdict, blank,
};
use crate::sync::action::Action;

pub(super) fn plan(draft: &mut Draft<'_>, buys: &[Buy], ship_date: NaiveDate, location: Option<&str>) {
    let mut create = Vec::new();
    for buy in buys {
        let links = draft.agreed.lines.get(&buy.line).map(|line| line.po_lines.clone()).unwrap_or_default();
        let (links, mut former): (Vec<PoLink>, Vec<PoLink>) =
            links.into_iter().partition(|link| link.item == buy.item);
        let mut alive: Vec<PoLink> = links.iter().filter(|link| draft.po_alive(link)).cloned().collect();
        // Where Komet's people deleted an item and made it again, the PO still buys the first one: the line is bought all the same.
        former.retain(|link| draft.po_alive(link));
        if former.iter().any(|link| draft.is_link_decided(link)) {
            alive.append(&mut former);
        } else if !former.is_empty() {
            if buyers::may_delete(draft, &buy.line, &Wish::of(&former, &buy.goods)) {
                delete(draft, &buy.line, &former);
            }
            continue;
        }
        if !alive.is_empty() {
            off::supersede(draft, buy);
            let own = draft.agreed.lines.get(&buy.line).map(|line| &line.po_lines[..]).unwrap_or_default();
            let as_it_is_now = |link: &PoLink| own.iter().find(|own| own.line == link.line).cloned();
            alive = alive.iter().filter_map(as_it_is_now).collect();
            draft.agreed.unseen_purchases.remove(&buy.line);
            off::forget_what_is_back(draft, &buy.line, &alive);
        }
        let going = rest_of_what_goes(draft, &buy.line, &alive);
        if !going.is_empty() {
            delete(draft, &buy.line, &going);
            continue;
        }
        note_making_way(draft, &buy.line, &alive, false);
        let late = twice::late_effects(draft, buy.goods.boxes, &alive);
        if !late.is_empty() {
            delete(draft, &buy.line, &late);
        } else if alive.iter().any(|link| draft.is_link_decided(link)) || approved::was_kept(draft, buy, &alive) {
            approved::judge(draft, buy, &alive);
        } else if alive.is_empty() {
            if buy.goods.boxes > 0 && may_buy(draft, buy, &links) {
                create.push(buy);
            }
        } else if let Some(surplus) = twice::surplus_while_pending(draft, &buy.line, &alive)
            && !twice::ask(draft, &buy.line, &surplus)
        {
            // Until a person has said that both stay nothing else is done about it.
        } else if must_replace(draft, buy, &alive, ship_date) {
            note_making_way(draft, &buy.line, &alive, true);
            delete(draft, &buy.line, &alive);
        }
    }
    let busy =
        draft.awaits(|a| matches!(a, Action::DeletePoLine(_) | Action::DeleteItem(_) | Action::CreatePrebook(_)));
    if busy {
        return;
    }
    let mut days: BTreeMap<NaiveDate, Vec<&Buy>> = BTreeMap::new();
    for buy in create {
        days.entry(day_of(draft, buy, ship_date)).or_default().push(buy);
    }
    for (day, buys) in days {
        create_lines(draft, &buys, day, location);
    }
}

/// Remembers what PO lines of flow 2 were when they make way for what is wanted of their line by now, or that they do not.
fn note_making_way(draft: &mut Draft<'_>, line: &LineId, alive: &[PoLink], make_way: bool) {
    if draft.order.flow == Flow::FromAxerrio {
        return;
    }
    for link in alive {
        let shown = draft.po_line(&link.line).filter(|_| make_way).map(|(_, line)| line.terms.clone());
        let own = draft.agreed.lines.get_mut(line).into_iter().flat_map(|agreed| &mut agreed.po_lines);
        own.filter(|own| own.line == link.line).for_each(|own| own.made_way.clone_from(&shown));
    }
}

/// What made way for what is bought for this ship date now. What a buyer made of it in flow 2 holds until the order itself moves.
fn made_way<'d>(draft: &'d Draft<'_>, buy: &Buy) -> impl DoubleEndedIterator<Item = &'d PoLink> {
    let links = draft.agreed.lines.get(&buy.line).into_iter().flat_map(|line| &line.po_lines);
    links.filter(move |link| {
        link.made_way.is_some()
            && link.was_deleted()
            && link.item == buy.item
            && link.ship_date == Some(draft.order.ship_date)
    })
}

/// The ship date for which a line is bought: the order's, or that on which a buyer ships the PO where it made way.
fn day_of(draft: &Draft<'_>, buy: &Buy, ship_date: NaiveDate) -> NaiveDate {
    let po = made_way(draft, buy).next_back().and_then(|link| draft.po(&link.number));
    po.map_or(ship_date, |po| po.ship_date)
}

/// The goods that are bought for a line in place of what made way for another number of boxes, and of nothing else: its cost and
/// packing as a buyer negotiated them, where he did.
fn negotiated(draft: &Draft<'_>, buy: &Buy) -> Option<NewGoods> {
    let links: Vec<&PoLink> = made_way(draft, buy).collect();
    let asked = links.iter().find_map(|link| link.asked.as_ref())?;
    let then = links.iter().find_map(|link| link.bought_as.as_ref())?;
    // Nobody asks for the mark on a PO line.
    let mut changed = item_differences(then, &draft.item(&buy.item)?.terms);
    changed.retain(|field| !["boxes", "mark code"].contains(field));
    let boxes = buy.goods.boxes;
    if !changed.is_empty() || asks_otherwise(&NewGoods { boxes, ..asked.clone() }, &buy.goods) {
        return None;
    }
    let mut shown = links.iter().filter_map(|link| link.made_way.as_ref());
    let first = shown.next()?;
    let goods = as_shown(&buy.goods, first)?;
    // Parts that a buyer negotiated apart cannot be one line.
    (!packing_differences(&buy.goods, first).is_empty()
        && shown.all(|other| packing_differences(&goods, other).is_empty()))
    .then_some(goods)
}

/// The goods with cost and packing as Komet shows them; `None` for a mixed box of which parts are missing there.
fn as_shown(goods: &NewGoods, shown: &KometTerms) -> Option<NewGoods> {
    let of = goods_from_komet(shown, goods.boxes);
    (of.mix.len() == goods.mix.len()).then(|| NewGoods {
        box_type: goods.box_type.clone(),
        notes: goods.notes.clone(),
        ..of
    })
}

/// The parts of a line that a buyer split go one by one, and when the first is gone the others are not what was decided about: they
/// go all the same, unless procurement approved one of them meanwhile.
fn rest_of_what_goes(draft: &Draft<'_>, line: &LineId, alive: &[PoLink]) -> Vec<PoLink> {
    let is_word = |decision: &Decision| {
        decision.reason == HoldReason::ChangedAfterApproval
            && decision.verdict == Verdict::TakeAxerrio
            && decision.line.as_ref().is_none_or(|of| of == line)
    };
    let by_word = || draft.agreed.decisions.iter().any(is_word);
    let has_begun = draft.agreed.lines.get(line).is_some_and(AgreedLine::has_begun_to_go);
    let goes = |link: &&PoLink| has_begun && link.going && (!draft.is_link_decided(link) || by_word());
    alive.iter().filter(goes).cloned().collect()
}

/// Whether the POs buy these goods for a line, and nothing else.
pub(super) fn buys(draft: &Draft<'_>, line: &LineId, goods: &NewGoods) -> bool {
    let alive = draft.alive_po_links(line);
    let alike = |line: &PoLine| packing_differences(goods, &line.terms).is_empty();
    boxes_of(draft, &alive) == u64::from(goods.boxes) && shown(draft, &alive).all(alike)
}

/// Whether a line without a PO line may get one: nobody took it away on purpose, Komet knows what it would leave out,
/// and nobody else bought it already.
fn may_buy(draft: &mut Draft<'_>, buy: &Buy, links: &[PoLink]) -> bool {
    if off::is_taken_away(draft, buy, links) || off::is_unseen(draft, buy) {
        return false;
    }
    if !buy.goods.mix.is_empty() {
        // Komet leaves unmapped parts out of a mixed PO line, so it waits until all are known.
        match buy.mapped {
            Some(true) => {}
            Some(false) => {
                ask_for_mapping(draft, &buy.line, &buy.product, buy.code.as_deref());
                return false;
            }
            None => {
                draft.needs.insert(Need::Prebooks(draft.order.ship_date));
                return false;
            }
        }
    }
    // What came from another ship date of the Prebook was bought there, and stands on that PO until it is shown to be gone.
    let elsewhere = draft.order.bought_elsewhere.iter().filter(|link| link.item == buy.item);
    let unread: Vec<Need> = elsewhere.flat_map(|link| draft.unread_number(&link.number)).collect();
    if !unread.is_empty() {
        draft.needs.extend(unread);
        return false;
    }
    draft.rules.made.items.contains(&buy.item) || draft.knows_purchase(&buy.item)
}

/// Whether the pending PO lines of a line must make way for one that buys what is wanted now. In flow 1 what a buyer
/// changed before approval is held; in flow 2 it is his to change.
fn must_replace(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink], ship_date: NaiveDate) -> bool {
    if let Some(replace) = judge_missing_parts(draft, buy, alive) {
        return replace;
    }
    if draft.order.flow == Flow::FromAxerrio {
        match buyers::judge_ship_date(draft, alive, ship_date) {
            Some(Verdict::TakeKomet) => {}
            Some(Verdict::Dismissed) => {
                approved::judge_fewer_of(draft, &buy.line, buy.confirmed.then_some(buy.goods.boxes));
                return false;
            }
            verdict => return verdict == Some(Verdict::TakeAxerrio),
        }
        let edits = buyers::changes(draft, alive, Some(&buy.goods));
        // Comparing takes a moment, and most lines were not edited.
        let are_put_right = (!edits.is_empty() || !draft.agreed.decisions.is_empty())
            && buyers::differences(draft, alive, &buy.goods).is_empty()
            && alive.iter().all(|link| is_cost_right(draft, link, &buy.goods));
        if are_put_right {
            // Made again, they are a new question.
            draft.forget(HoldReason::EditedInKomet, Some(&buy.line), |decision| {
                decision.cause.starts_with(PO_LINE)
                    && (!edits.is_empty() || decision.verdict == Verdict::Dismissed)
            });
        }
        if !edits.is_empty() {
            let are_left = edits.iter().all(|field| buyers::is_the_items(draft, &buy.line, alive, field));
            if are_put_right || are_left {
                agree(draft, buy, alive);
                return false;
            }
            let verdict = buyers::ask_about_edits(draft, &buy.line, alive, &edits, &Wish::of(alive, &buy.goods));
            if verdict == Some(Verdict::TakeKomet) {
                agree(draft, buy, alive);
            }
            return verdict == Some(Verdict::TakeAxerrio);
        }
    }
    // The order moved to another ship date since it was bought, and its PO did not follow; a PO that the buyer moved stays where it is.
    let ships = |link: &PoLink| draft.po_line(&link.line).map(|(po, _)| po.ship_date);
    let has_moved = alive.iter().any(|link| {
        link.ship_date.is_some_and(|bought_for| bought_for != ship_date) && ships(link) != Some(ship_date)
    });
    let asked: Vec<&NewGoods> = alive.iter().filter_map(|link| link.asked.as_ref()).collect();
    // What a buyer bought himself stands as it is, but for boxes that the vendor does not deliver.
    let is_fewer = buy.confirmed && u64::from(buy.goods.boxes) < boxes_of(draft, alive);
    let is_flow_2 = draft.order.flow == Flow::FromKomet;
    let is_changed = is_flow_2 && !approved::changes_since_bought(draft, buy, alive).is_empty();
    if asked.is_empty() && buy.goods.boxes > 0 && !has_moved && !is_fewer && !is_changed {
        agree(draft, buy, alive);
        return false;
    }
    // Where another number was asked for, and a buyer made it the one that is wanted by now, that is agreed.
    let boxes = buy.goods.boxes;
    let is_in_number =
        is_flow_2 && asked.iter().any(|asked| asked.boxes != boxes) && boxes_of(draft, alive) == u64::from(boxes);
    let as_many = |asked: &NewGoods| NewGoods { boxes, ..asked.clone() };
    let is_as_asked = || asked.iter().all(|asked| !asks_otherwise(&as_many(asked), &buy.goods));
    if is_in_number && !has_moved && !is_changed && is_as_asked() {
        agree(draft, buy, alive);
        return false;
    }
    let replaces = has_moved
        || buy.goods.boxes == 0
        || asked.is_empty()
        || asked.iter().any(|asked| asks_otherwise(asked, &buy.goods))
        || !approved::changes_since_bought(draft, buy, alive).is_empty();
    let mut left = if replaces { buyers::left_to_the_buyer(draft, alive) } else { Vec::new() };
    if replaces && buyers::is_date_left(draft, alive) {
        left.push(SHIP_DATE);
    }
    if left.is_empty() || buy.goods.boxes == 0 {
        return replaces;
    }
    let verdict = buyers::ask_about_edits(draft, &buy.line, alive, &left, &Wish::of(alive, &buy.goods));
    if verdict == Some(Verdict::TakeKomet) {
        agree(draft, buy, alive);
    }
    verdict == Some(Verdict::TakeAxerrio)
}

/// Whether a PO line costs what is wanted by now. Of a mixed box Komet computes that itself.
fn is_cost_right(draft: &Draft<'_>, link: &PoLink, goods: &NewGoods) -> bool {
    let (Some(asked), Some(seen)) = (&link.asked, &link.seen) else { return true };
    let (then, shown) = ((asked.unit_cost, seen.unit_cost), draft.po_line(&link.line));
    !goods.mix.is_empty()
        || shown.is_none_or(|(_, line)| is_cost_agreed(then, (goods.unit_cost, line.terms.unit_cost)))
}

/// A mixed box on a PO that lacks parts: bought anew, once, as soon as Komet knows them all. If parts are missing even
/// then, a person must look. One that was asked for with other parts is not short of any: it has changed.
fn judge_missing_parts(draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) -> Option<bool> {
    let link = alive.iter().find(|link| {
        let breakdowns = draft.po_line(&link.line).map_or(0, |(_, line)| line.terms.breakdowns.len());
        let is_as_asked = link.asked.as_ref().is_none_or(|asked| asks_for_same_parts(asked, &buy.goods));
        is_as_asked && (1..buy.goods.mix.len()).contains(&breakdowns)
    })?;
    if buy.goods.boxes == 0 {
        return None;
    }
    if buy.mapped != Some(true) {
        ask_for_mapping(draft, &buy.line, &buy.product, buy.code.as_deref());
        return Some(false);
    }
    let tried = format!("parts of item {}", buy.item);
    if draft.verdict(HoldReason::UnmappedProduct, Some(&buy.line), &tried).is_none() {
        let line = Some(buy.line.clone());
        draft.remember(Decision::new(HoldReason::UnmappedProduct, line, tried, Verdict::TakeAxerrio));
        return Some(true);
    }
    let cause = format!("parts of PO line {}", link.line);
    let verdict = draft.ask(HoldReason::RejectedByKomet, Some(&buy.line), &cause, || {
        format!(
            "Komet left parts of the mixed box out of line {} on PO {}, though it knows every product. Take axerrio to buy it \
             anew, take komet to leave it.",
            link.line, link.number
        )
    });
    Some(verdict == Some(Verdict::TakeAxerrio))
}

/// What Komet shows of the PO lines stands for what should be bought.
fn agree(draft: &mut Draft<'_>, buy: &Buy, links: &[PoLink]) {
    // All of it was asked for at once; what is found beside that is a part, as after a split.
    let whole = links.iter().find(|link| link.asked.is_some()).or(links.first()).map(|link| &link.line);
    for link in links {
        let seen = draft.po_line(&link.line).map(|(_, line)| line.terms.clone());
        let is_flow_2 = draft.order.flow == Flow::FromKomet;
        let item = draft.item(&buy.item).filter(|_| is_flow_2).map(|item| item.terms.clone());
        let own = draft.agreed.lines.get_mut(&buy.line).into_iter().flat_map(|l| &mut l.po_lines);
        for own in own.filter(|own| own.line == link.line) {
            own.asked = (Some(&own.line) == whole).then(|| buy.goods.clone());
            own.bought_as.clone_from(&item);
            own.seen.clone_from(&seen);
            own.before_approval = None;
        }
    }
}

/// A person left the item as Komet has it, whatever Axerrio wants of its line: so its PO line stays. Only what Axerrio changes later
/// is another matter.
pub(super) fn leave(draft: &mut Draft<'_>, line: &LineId, wanted: &NewGoods) {
    let own = draft.agreed.lines.get_mut(line).into_iter().flat_map(|agreed| &mut agreed.po_lines);
    for own in own.filter(|own| own.asked.is_some()) {
        own.asked = Some(wanted.clone());
    }
}

/// The location that the lines are for: of their Prebook, as Komet shows it. What `sync.toml` names may have been another when that
/// was made, and no PO is of two locations.
fn location_of(draft: &Draft<'_>, buys: &[&Buy], location: Option<&str>) -> Option<String> {
    let agreed =
        buys.first().and_then(|buy| draft.agreed.lines.get(&buy.line)).and_then(|line| line.item.as_ref());
    let prebook = agreed.and_then(|item| draft.prebook(&item.prebook));
    let shown = prebook.and_then(|prebook| blank(prebook.header.location_code.as_deref()));
    shown.or(blank(location)).or(draft.rules.location_code).map(str::to_owned)
}

fn create_lines(draft: &mut Draft<'_>, buys: &[&Buy], ship_date: NaiveDate, location: Option<&str>) {
    let number = open_po(draft, buys, ship_date, location);
    for mixed in [false, true] {
        let group: Vec<&Buy> = buys.iter().copied().filter(|b| b.goods.mix.is_empty() != mixed).collect();
        if group.is_empty() {
            continue;
        }
        if mixed && number.is_none() && draft.awaits(|a| matches!(a, Action::CreatePo(_))) {
            // The plain lines make the PO first; the mixed boxes then join it.
            return;
        }
        let location = location_of(draft, &group, location);
        let group: Vec<NewPoLine> = group.into_iter().map(|buy| new_line(draft, buy)).collect();
        let action = |lines: &[NewPoLine], number: &Option<PoNumber>| {
            Action::CreatePo(NewPurchaseOrder {
                mixed,
                ship_date,
                location_code: location.clone(),
                number: number.clone(),
                lines: lines.to_vec(),
            })
        };
        let mut number = number.clone();
        let mut together = action(&group, &number);
        read_again_if_refused(draft, &together);
        // Whether Komet takes lines onto a PO that procurement has approved is not documented: else they go on one of their own.
        let is_approved =
            number.as_ref().and_then(|number| draft.po(number)).is_some_and(|po| po.status.is_decided());
        if is_approved && draft.goes_another_way(&together) {
            number = None;
            together = action(&group, &number);
        }
        let singles: Vec<Action> = group.iter().map(|line| action(std::slice::from_ref(line), &number)).collect();
        if group.len() > 1 && draft.goes_another_way(&together) {
            for single in singles {
                draft.act(single);
            }
        } else {
            draft.act(together);
        }
    }
}

/// The PO of the order that can still take these lines. What procurement has approved is not added to, but by a person's word
/// on changes of flow 1; what waited for its product to be mapped, for one, goes on a PO of its own.
fn open_po(draft: &Draft<'_>, buys: &[&Buy], ship_date: NaiveDate, location: Option<&str>) -> Option<PoNumber> {
    let links = || draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    let is_asked_for = |buy: &&Buy| {
        draft.agreed.decisions.iter().any(|decision| {
            decision.reason == HoldReason::ChangedAfterApproval
                && decision.verdict == Verdict::TakeAxerrio
                && decision.line.as_ref() == Some(&buy.line)
        })
    };
    let by_word = draft.order.flow == Flow::FromAxerrio && buys.iter().all(is_asked_for);
    // Lines that a person left where they were keep their PO when the order moves to another location.
    let is_elsewhere = |number: &PoNumber| {
        draft.agreed.lines.values().any(|line| {
            let prebook = line.item.as_ref().and_then(|item| draft.agreed.prebooks.get(&item.prebook));
            let sent = prebook.and_then(|prebook| prebook.sent.as_ref());
            sent.is_some_and(|sent| blank(sent.location.as_deref()) != blank(location))
                && line.po_lines.iter().any(|link| link.number == *number && draft.po_alive(link))
        })
    };
    let takes_more = |number: &PoNumber| match draft.po(number) {
        Some(po) if po.ship_date != ship_date || is_elsewhere(number) => false,
        Some(po) => po.status == PoStatus::Pending || by_word && po.status != PoStatus::Cancelled,
        None => links().any(|link| link.number == *number && link.seen.is_none() && !link.gone),
    };
    let own = draft.agreed.po.as_ref().filter(|number| takes_more(number));
    let other =
        || links().filter(|link| draft.po_alive(link)).map(|link| &link.number).find(|number| takes_more(number));
    own.or_else(other).cloned()
}

fn new_line(draft: &Draft<'_>, buy: &Buy) -> NewPoLine {
    let (line, item, wanted) = (buy.line.clone(), buy.item.clone(), buy.goods.clone());
    match negotiated(draft, buy) {
        Some(goods) => NewPoLine { line, item, goods, wanted: Some(wanted) },
        None => NewPoLine { line, item, goods: wanted, wanted: None },
    }
}

/// A PO that refuses further lines may be gone: it is read before the refusal is believed.
fn read_again_if_refused(draft: &mut Draft<'_>, action: &Action) {
    let Action::CreatePo(NewPurchaseOrder { number: Some(number), .. }) = action else { return };
    if !draft.was_refused(action) || draft.rules.facts.po_numbers_read.contains(number) {
        return;
    }
    if number.can_be_asked_for() {
        draft.needs.insert(Need::PurchaseOrder(number.clone()));
    } else {
        draft.has_read_pos(&[draft.order.ship_date]);
    }
}
