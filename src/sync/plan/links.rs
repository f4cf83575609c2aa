//! Recognising what is already there. stemsync knows its own work by the tag in a Prebook's comments, a PO line by
//! its Prebook item, a box by its code. Whatever was made and never confirmed (a lost answer, a lost database) is
//! found here again and linked, so that nothing is made twice; and what Komet showed first becomes the baseline.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::compare::{
    PRODUCT, Sureness, are_twins, asked_differences, goods_differences, goods_from_axerrio, is_other_product,
    is_product, is_surely_product, item_differences, same_description, seen_differences,
};
use super::draft::Draft;
use super::rules::Rules;
use super::{crossed, header_fields, off};
use crate::domain::{
    AgreedLine, AgreedPrebook, AxLine, AxOrder, Flow, HoldReason, ItemId, ItemLink, KometProduct, KometTerms,
    LineId, PoItemId, PoLine, PoLink, PoStatus, Prebook, PrebookId, PrebookItem, Product, PurchaseOrder, SeenItem,
    blank, tag,
};

/// Links everything the views show, and moves the baselines of what is as it was agreed.
pub(super) fn recognise(draft: &mut Draft<'_>) {
    recognise_prebooks(draft);
    miss_po_lines(draft);
    crossed::uncross_purchases(draft);
    match draft.order.flow {
        Flow::FromAxerrio => {
            if let Some(order) = &draft.order.axerrio.order {
                crossed::uncross(draft);
                adopt_items(draft, order);
            }
        }
        Flow::FromKomet => link_own_items(draft),
    }
    move_item_baselines(draft);
    link_po_lines(draft);
    move_po_baselines(draft);
    off::seek(draft);
    if draft.order.flow == Flow::FromAxerrio {
        take_back_approval(draft);
    }
}

/// Where a PO that procurement had approved is pending again, Komet's people's edits under the approval are judged like others.
fn take_back_approval(draft: &mut Draft<'_>) {
    let is_pending =
        |draft: &Draft<'_>, line: &LineId| !draft.is_line_decided(line) && !draft.alive_po_links(line).is_empty();
    let edited = draft.agreed.lines.iter();
    let edited =
        edited.filter(|(_, agreed)| agreed.item.as_ref().is_some_and(|link| link.before_approval.is_some()));
    let back: Vec<LineId> = edited.map(|(line, _)| line).filter(|line| is_pending(draft, line)).cloned().collect();
    for line in back {
        if let Some(link) = draft.agreed.lines.get_mut(&line).and_then(|agreed| agreed.item.as_mut()) {
            link.seen = link.before_approval.take();
        }
    }
    let are_edited = draft.agreed.prebooks.values().any(|prebook| prebook.before_approval.is_some());
    if are_edited && !draft.is_decided() && draft.agreed.lines.keys().any(|line| is_pending(draft, line)) {
        for prebook in draft.agreed.prebooks.values_mut().filter(|prebook| prebook.before_approval.is_some()) {
            prebook.seen = prebook.before_approval.take();
        }
    }
}

/// Prebook items that no line of the order stands for.
pub(super) fn unlinked_items<'a>(draft: &Draft<'a>) -> Vec<(&'a Prebook, &'a PrebookItem)> {
    let linked: BTreeSet<&ItemId> =
        draft.agreed.lines.values().filter_map(|l| l.item.as_ref()).map(|link| &link.item).collect();
    let former: BTreeSet<&ItemId> =
        draft.agreed.lines.values().flat_map(|l| &l.po_lines).map(|link| &link.item).collect();
    // What no list shows any more of an order that ships later was left behind when it moved.
    let ship_date =
        draft.order.axerrio.order.as_ref().map_or(draft.order.ship_date, |order| order.header.ship_date);
    let is_over = ship_date < draft.rules.visible_from;
    draft
        .order
        .komet
        .prebooks
        .iter()
        .flat_map(|p| p.items.iter().map(move |i| (p, i)))
        .filter(|(p, _)| draft.agreed.prebooks.contains_key(&p.id))
        .filter(|(_, i)| i.is_alive() && !linked.contains(&i.id) && !former.contains(&i.id))
        .filter(|(_, i)| i.ship_date >= draft.rules.visible_from || is_over)
        .filter(|(_, i)| !draft.agreed.strays.iter().any(|s| s.item.as_ref() == Some(&i.id)))
        .collect()
}

fn recognise_prebooks(draft: &mut Draft<'_>) {
    for prebook in &draft.order.komet.prebooks {
        if draft.agreed.prebooks.contains_key(&prebook.id) {
            continue;
        }
        let sent = match (draft.order.flow, &draft.order.axerrio.order) {
            // A Prebook that holds the order's line by mistake of `useExisting` bears another tag, or none.
            (Flow::FromAxerrio, _) if !bears_tag(draft, prebook) => continue,
            // What it was made from is known only once Axerrio has shown the order.
            (Flow::FromAxerrio, None) => continue,
            (Flow::FromAxerrio, Some(order)) => Some(header_fields::as_shown(&order.header, prebook, draft.rules)),
            (Flow::FromKomet, _) => None,
        };
        let agreed = AgreedPrebook::new(prebook.number.clone(), sent, Some(prebook.header.clone()));
        draft.agreed.prebooks.insert(prebook.id.clone(), agreed);
    }
}

fn bears_tag(draft: &Draft<'_>, prebook: &Prebook) -> bool {
    let (comments, order) = (prebook.comments.as_deref(), draft.order.ax_id.as_ref());
    comments.zip(order).is_some_and(|(comments, order)| tag::is_in(comments, order))
}

/// Flow 1: gives items without a line to lines without an item, the surest matches first: what Axerrio was told of the PO;
/// same goods and surely the same product, same goods and possibly the same product; then, for lines that were never
/// linked, the same with other goods (the difference is then a change to be carried out, and no line stands twice).
fn adopt_items(draft: &mut Draft<'_>, order: &AxOrder) {
    if awaits_told_po(draft, order) {
        return;
    }
    let first_sight = draft.order.agreed.lines.is_empty();
    if first_sight {
        take_told_lines(draft, order);
    }
    link_bought_items(draft, order);
    let mut free = unlinked_items(draft);
    free.retain(|(_, item)| !is_known_as_added(draft, item));
    if free.is_empty() {
        return;
    }
    free.sort_by_key(|(_, item)| item.id.0);
    let mut homeless: Vec<&AxLine> = order.lines.iter().filter(|line| is_homeless(draft, order, line)).collect();
    for (same_goods, sureness) in
        [(true, Sureness::Sure), (true, Sureness::Possible), (false, Sureness::Sure), (false, Sureness::Possible)]
    {
        homeless.retain(|line| {
            let never_linked = !draft.agreed.lines.contains_key(&line.id);
            if !same_goods && !(never_linked && (first_sight || sureness == Sureness::Sure)) {
                return true;
            }
            let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
            let former = draft.agreed.lines.get(&line.id).and_then(|agreed| agreed.item.as_ref());
            let former = former.and_then(|link| Some((&link.prebook, link.seen.as_ref()?.ship_date)));
            let is_moved = |prebook: &Prebook, item: &PrebookItem| {
                let (home, day) = former.unwrap_or((&prebook.id, item.ship_date));
                *home == prebook.id && ![day, order.header.ship_date].contains(&item.ship_date)
            };
            let found = free.iter().position(|(prebook, item)| {
                // Made again beside the former one, but for another day, it is a rep's change.
                if is_moved(prebook, item) {
                    return false;
                }
                let differences = asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms);
                let may_be_copied = !same_goods || sureness != Sureness::Sure;
                is_product(&line.terms, item, draft.rules) >= sureness
                    && (!same_goods || differences.is_empty())
                    && !(may_be_copied && is_copy(draft, order, prebook))
            });
            let Some(at) = found else { return true };
            let (prebook, item) = free.remove(at);
            link_item(draft, line, prebook, item);
            false
        });
    }
}

/// Whether a line that Axerrio wants has no item that stands for it.
fn is_homeless(draft: &Draft<'_>, order: &AxOrder, line: &AxLine) -> bool {
    let link = draft.agreed.lines.get(&line.id).and_then(|agreed| agreed.item.as_ref());
    line.terms.boxes > 0 && !link.is_some_and(|link| draft.item_alive(link) && !is_left_behind(draft, order, link))
}

/// Whether a Prebook is a rep's copy of the order's: it repeats an item that stands for a line there, and that no line lacks. What else
/// is on it was put there for whoever the copy is for, and not for a line that happens to look for its item.
fn is_copy(draft: &Draft<'_>, order: &AxOrder, prebook: &Prebook) -> bool {
    if draft.agreed.has_lines_in(&prebook.id) {
        return false;
    }
    let standing = draft.agreed.lines.values().filter_map(|agreed| {
        let link = agreed.item.as_ref().filter(|link| !is_left_behind(draft, order, link))?;
        Some((&agreed.terms.product, draft.item(&link.item).filter(|item| item.is_alive())?))
    });
    let standing: Vec<(&Product, &PrebookItem)> = standing.collect();
    let is_lacking = |item: &PrebookItem, repeated: &[&Product]| {
        order.lines.iter().filter(|line| is_homeless(draft, order, line)).any(|line| {
            let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
            let is_alike = repeated.iter().any(|product| product.name() == line.terms.product.name());
            (is_alike || is_surely_product(&line.terms, item, draft.rules))
                && asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms).is_empty()
        })
    };
    prebook.items.iter().filter(|item| item.is_alive()).any(|item| {
        let repeated = standing.iter().filter(|(_, own)| are_twins(&own.terms, &item.terms));
        let repeated: Vec<&Product> = repeated.map(|(product, _)| *product).collect();
        !repeated.is_empty() && !is_lacking(item, &repeated)
    })
}

/// Whether the order ships later than the item, which Komet's lists show no more: an old copy of the database does not know that the
/// line moved, and nothing will tell it but the item that stands on the new day.
pub(super) fn is_left_behind(draft: &Draft<'_>, order: &AxOrder, link: &ItemLink) -> bool {
    let visible_from = draft.rules.visible_from;
    order.header.ship_date >= visible_from
        && draft.item(&link.item).is_some_and(|item| item.ship_date < visible_from)
}

/// Whether an order of none of whose lines this database knows must wait for the PO of which Axerrio was told in another life;
/// asks for it then. It says which item stands for which line, whatever was changed in either since, and what is bought though its
/// item is gone.
pub(super) fn awaits_told_po(draft: &mut Draft<'_>, order: &AxOrder) -> bool {
    let is_due = || order.header.ship_date >= draft.rules.visible_from && !order.status.is_off();
    if !draft.agreed.lines.is_empty() || draft.agreed.prebooks.is_empty() && !is_due() {
        return false;
    }
    let told = order.purchase_order.as_ref().filter(|told| !told.lines.is_empty());
    let Some(told) = told else { return false };
    if draft.po(&told.number).is_none() {
        return !draft.has_read_pos(&[told.ship_date]);
    }
    // What is not there may only not have been looked for.
    let days = [order.header.ship_date, told.ship_date].into_iter();
    let days: Vec<NaiveDate> = days.filter(|day| *day >= draft.rules.visible_from).collect();
    !draft.knows_windows(&days)
}

/// Gives lines the PO lines of which Axerrio was told in another life, whatever became of the items that they buy.
fn take_told_lines(draft: &mut Draft<'_>, order: &AxOrder) {
    for told in order.purchase_order.iter().flat_map(|told| &told.lines) {
        let line = order.lines.iter().find(|line| line.id == told.line_id && line.terms.boxes > 0);
        let bought = told.po_item_id.parse().ok().and_then(|id| draft.po_line(&PoItemId(id)));
        let bought = bought.filter(|(po, bought)| bought.is_alive() && po.status != PoStatus::Cancelled);
        let Some((line, (po, bought))) = line.zip(bought) else { continue };
        let Some(item) = bought.item_id.clone() else { continue };
        let link =
            PoLink { seen: Some(bought.terms.clone()), ..PoLink::new(po.number.clone(), bought.id.clone(), item) };
        let agreed = draft.agreed.lines.entry(line.id.clone());
        let new = || AgreedLine { terms: line.terms.clone(), item: None, po_lines: Vec::new() };
        agreed.or_insert_with(new).po_lines.push(link);
    }
}

/// Gives lines that are bought, and of whose item nothing is known, the item that their PO line buys.
fn link_bought_items(draft: &mut Draft<'_>, order: &AxOrder) {
    let without: Vec<&AxLine> =
        order.lines.iter().filter(|line| is_bought_without_item(draft, &line.id)).collect();
    for line in without {
        let bought: Vec<ItemId> = draft.alive_po_links(&line.id).into_iter().map(|link| link.item).collect();
        let prebooks = draft.order.komet.prebooks.iter().filter(|p| draft.agreed.prebooks.contains_key(&p.id));
        let mut items = prebooks.flat_map(|p| p.items.iter().map(move |item| (p, item)));
        if let Some((prebook, item)) = items.find(|(_, item)| item.is_alive() && bought.contains(&item.id)) {
            link_item(draft, line, prebook, item);
        }
    }
}

/// Whether a line is bought, and has no item of which anything is known.
pub(super) fn is_bought_without_item(draft: &Draft<'_>, line: &LineId) -> bool {
    draft.agreed.lines.get(line).is_some_and(|agreed| agreed.item.is_none())
        && !draft.alive_po_links(line).is_empty()
}

/// A person was asked about this item, or has said what it is: an addition of Komet's people.
fn is_known_as_added(draft: &Draft<'_>, item: &PrebookItem) -> bool {
    draft.agreed.added.contains(&item.id)
        || draft.verdict(HoldReason::EditedInKomet, None, &format!("item {}", item.id)).is_some()
}

fn link_item(draft: &mut Draft<'_>, line: &AxLine, prebook: &Prebook, item: &PrebookItem) {
    // What Komet shows is what was once agreed: where Axerrio says otherwise by now, that is a change.
    let mut terms = line.terms.clone();
    let goods = goods_from_axerrio(&terms, terms.boxes, draft.rules);
    if !asked_differences(&goods, terms.mark_code.as_deref(), &item.terms).is_empty() {
        terms.boxes = item.terms.boxes;
        terms.bunches = item.terms.bunches;
        terms.stems_per_bunch = item.terms.stems_per_bunch;
        terms.unit_cost = item.terms.unit_cost;
        terms.unit_type = item.terms.unit_type.unwrap_or(terms.unit_type);
        terms.mark_code.clone_from(&item.terms.mark_code);
        terms.box_type.clone_from(&item.terms.box_type);
        terms.mix.clear();
    }
    let seen = Some(SeenItem { terms: item.terms.clone(), ship_date: item.ship_date });
    let link = ItemLink { seen, ..ItemLink::new(prebook.id.clone(), item.id.clone()) };
    let po_lines = draft.agreed.lines.remove(&line.id).map(|l| l.po_lines).unwrap_or_default();
    draft.agreed.lines.insert(line.id.clone(), AgreedLine { terms, item: Some(link), po_lines });
}

/// Flow 2: each item is its own line.
fn link_own_items(draft: &mut Draft<'_>) {
    for prebook in &draft.order.komet.prebooks {
        for item in &prebook.items {
            let line = LineId::from(&item.id);
            let seen = Some(SeenItem { terms: item.terms.clone(), ship_date: item.ship_date });
            let agreed = draft.agreed.lines.entry(line).or_insert_with(|| AgreedLine {
                terms: super::words::line_terms(item, draft.rules, &[]),
                item: None,
                po_lines: Vec::new(),
            });
            let mut former_days = draft.order.former_days.get(&item.id).cloned().unwrap_or_default();
            if let Some(before) = agreed.item.take() {
                former_days.extend(before.former_days);
                former_days.extend(before.seen.map(|seen| seen.ship_date));
            }
            former_days.remove(&item.ship_date);
            let link = ItemLink::new(prebook.id.clone(), item.id.clone());
            agreed.item = Some(ItemLink { seen, former_days, ..link });
        }
    }
}

/// An item that is as it was agreed (or as it was asked for, at first sight) becomes the baseline; so a product that
/// Komet has come to know is remembered as known. What a rep surely did before the first sight does not.
fn move_item_baselines(draft: &mut Draft<'_>) {
    if draft.order.flow == Flow::FromKomet {
        return;
    }
    let days = kept_days(draft);
    let mut lines = std::mem::take(&mut draft.agreed.lines);
    for agreed in lines.values_mut() {
        let made_of = product_made(draft, agreed);
        let Some(link) = &mut agreed.item else { continue };
        let Some(item) = draft.item(&link.item).filter(|i| i.is_alive()) else { continue };
        let as_agreed = match &link.seen {
            Some(seen) => seen_differences(seen, item).is_empty(),
            None => {
                let goods = goods_from_axerrio(&agreed.terms, agreed.terms.boxes, draft.rules);
                asked_differences(&goods, agreed.terms.mark_code.as_deref(), &item.terms).is_empty()
                    && !is_other_product(link, item)
            }
        };
        if as_agreed {
            let made_for = days.get(&link.prebook).filter(|_| link.seen.is_none());
            let mut seen = SeenItem { terms: item.terms.clone(), ship_date: item.ship_date };
            seen.ship_date = made_for.copied().unwrap_or(seen.ship_date);
            seen.terms.product = made_of.unwrap_or(seen.terms.product);
            link.seen = Some(seen);
        }
    }
    draft.agreed.lines = lines;
}

/// The ship dates that Komet surely took over from what it was sent, by the Prebook: it may ignore them (assumed), but not for one item
/// of a Prebook and for another not. So what shows another date was moved there.
fn kept_days(draft: &Draft<'_>) -> BTreeMap<PrebookId, NaiveDate> {
    let links = draft.agreed.lines.values().filter_map(|agreed| agreed.item.as_ref());
    let kept = links.filter_map(|link| {
        let sent = draft.agreed.prebooks.get(&link.prebook)?.sent.as_ref()?.ship_date;
        let shown = draft.item(&link.item).filter(|item| item.is_alive() && item.ship_date == sent)?;
        // Where Komet gave it another date, a rep moved it.
        let is_kept = link.seen.as_ref().is_none_or(|seen| seen.ship_date == shown.ship_date);
        is_kept.then(|| (link.prebook.clone(), sent))
    });
    kept.collect()
}

/// The product that Komet made of the one which stemsync asked for, where a rep changed it before anything was read, or before Komet came
/// to know it: a PO line takes its product from the item that it buys, and keeps it.
fn product_made(draft: &Draft<'_>, agreed: &AgreedLine) -> Option<KometProduct> {
    let link = agreed.item.as_ref().filter(|link| !link.left.contains(PRODUCT))?;
    let item = draft.item(&link.item).filter(|item| item.terms.breakdowns.is_empty())?;
    let mut own = agreed.po_lines.iter().filter(|po| po.asked.is_some() && !po.dead && po.item == link.item);
    let was_known = link.seen.as_ref().is_some_and(|seen| seen.terms.product.id.is_some());
    // Whichever of the two is read first waits for the other.
    let own = own.find(|po| !was_known || po.seen.as_ref().is_none_or(|seen| seen.product.id.is_none()))?;
    let (po, bought) = draft.po_line(&own.line).filter(|(_, bought)| bought.is_alive())?;
    if po.status.is_decided() || is_surely_product(&agreed.terms, item, draft.rules) {
        return None;
    }
    let seen = own.seen.as_ref().filter(|seen| seen.product.id.is_some());
    let (made, shown) = (&seen.unwrap_or(&bought.terms).product, &item.terms.product);
    let is_other = match (made.id, shown.id) {
        (Some(made), Some(shown)) => made != shown,
        // What Komet does not know is shown in words, which need not be the same in both lists.
        (None, None) => {
            let asked = blank(Some(&agreed.terms.product.description)).unwrap_or(&agreed.terms.product.code);
            same_description(asked, &made.description) && !same_description(asked, &shown.description)
        }
        // Komet came to know it, in one place before the other.
        (None, Some(_)) | (Some(_), None) => false,
    };
    is_other.then(|| made.clone())
}

/// A PO line that was made in an earlier run, and that its PO does not show though it was read in this one, is gone. What buys an
/// item that moved to another ship date of its Prebook is shown there.
fn miss_po_lines(draft: &mut Draft<'_>) {
    let Rules { facts, made, .. } = draft.rules;
    let is_missed = |link: &PoLink| {
        facts.po_numbers_read.contains(&link.number)
            && !made.po_lines.contains(&link.line)
            && draft.item(&link.item).is_some()
    };
    let links = draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    let unseen = links.filter(|link| link.seen.is_none() && draft.po_line(&link.line).is_none());
    let gone: BTreeSet<PoItemId> =
        unseen.filter(|link| link.gone || is_missed(link)).map(|link| link.line.clone()).collect();
    for link in draft.agreed.lines.values_mut().flat_map(|line| &mut line.po_lines) {
        link.gone = gone.contains(&link.line);
    }
}

/// A PO line belongs to the order line whose item it buys, also when that item was replaced since.
fn link_po_lines(draft: &mut Draft<'_>) {
    for po in &draft.order.komet.purchase_orders {
        for po_line in &po.lines {
            let Some(item) = &po_line.item_id else { continue };
            let Some(owner) = owner_of(draft, item) else { continue };
            for (line, agreed) in &mut draft.agreed.lines {
                if *line == owner {
                    // What it is by now is what a buyer bought: later changes of a flow 2 item are held against that.
                    let shown = draft.order.komet.prebooks.iter().flat_map(|prebook| &prebook.items);
                    let then =
                        shown.filter(|_| draft.order.flow == Flow::FromKomet).find(|shown| shown.id == *item);
                    let then = then.map(|shown| (shown.terms.clone(), draft.order.ship_date));
                    link_po_line(agreed, po, po_line, (item, then), &draft.order.bought_elsewhere);
                } else {
                    agreed.po_lines.retain(|link| link.line != po_line.id);
                }
            }
            if po_line.is_alive() && draft.agreed.po.is_none() {
                draft.agreed.po = Some(po.number.clone());
            }
        }
    }
}

/// The line for which an item stands, else the one for which it stood.
fn owner_of(draft: &Draft<'_>, item: &ItemId) -> Option<LineId> {
    let lines = &draft.agreed.lines;
    let now = lines.iter().find(|(_, l)| l.item.as_ref().is_some_and(|link| link.item == *item));
    let before = || lines.iter().find(|(_, l)| l.po_lines.iter().any(|link| link.item == *item));
    now.or_else(before).map(|(line, _)| line.clone())
}

/// `before`: what is remembered of PO lines that moved to this order with their items.
fn link_po_line(
    agreed: &mut AgreedLine,
    po: &PurchaseOrder,
    po_line: &PoLine,
    (item, then): (&ItemId, Option<(KometTerms, NaiveDate)>),
    before: &[PoLink],
) {
    if let Some(link) = agreed.po_lines.iter_mut().find(|link| link.line == po_line.id) {
        link.number.clone_from(&po.number);
        // A buyer may have it buy the item by which a deleted one was replaced.
        link.item.clone_from(item);
        if link.replaced && po_line.is_alive() && po.status != PoStatus::Cancelled {
            // Put back: taken off once more it is a new question.
            link.dead = false;
        }
        return;
    }
    if po_line.is_alive() {
        if let Some(link) = before.iter().find(|link| link.line == po_line.id && link.item == *item) {
            agreed.po_lines.push(PoLink { number: po.number.clone(), ..link.clone() });
            return;
        }
        agreed.po_lines.push(PoLink {
            ship_date: then.as_ref().map(|(_, day)| *day),
            bought_as: then.map(|(terms, _)| terms),
            seen: Some(po_line.terms.clone()),
            ..PoLink::new(po.number.clone(), po_line.id.clone(), item.clone())
        });
    }
}

/// A PO line's baseline follows Komet from approval on, until that is taken back, and in flow 2 always; before, in flow 1, only
/// while it is as it was asked for.
fn move_po_baselines(draft: &mut Draft<'_>) {
    let mut lines = std::mem::take(&mut draft.agreed.lines);
    for link in lines.values_mut().flat_map(|l| &mut l.po_lines) {
        let Some((po, po_line)) = draft.po_line(&link.line) else { continue };
        // A PO that was made for a day which its order has left is looked up by its number, and that shows no second one: its
        // day's list is read once, in case the request was delivered twice.
        let has_left = |day| day != draft.order.ship_date;
        if let Some(day) = link.ship_date.filter(|day| link.seen.is_none() && has_left(*day))
            && !draft.has_read_pos(&[day])
        {
            continue;
        }
        if draft.order.flow == Flow::FromAxerrio {
            if po.status == PoStatus::Pending && po_line.boxes.is_empty() {
                link.seen = link.before_approval.take().or(link.seen.take());
            } else if po.status.is_decided() {
                let before = link.before_approval.take().or_else(|| link.seen.clone());
                link.before_approval =
                    before.filter(|before| !item_differences(before, &po_line.terms).is_empty());
            }
        }
        let as_agreed = match (&link.seen, &link.asked) {
            (Some(seen), _) => item_differences(seen, &po_line.terms).is_empty(),
            (None, Some(asked)) => goods_differences(asked, &po_line.terms).is_empty(),
            (None, None) => true,
        };
        if as_agreed || po.status.is_decided() || draft.order.flow == Flow::FromKomet {
            link.seen = Some(po_line.terms.clone());
        }
    }
    draft.agreed.lines = lines;
}
