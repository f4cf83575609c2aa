//! What buyers change on POs in Komet before procurement approves them. In flow 1 the order is Axerrio's until then, and what a buyer
//! changed is neither overruled nor deleted unasked; in flow 2 it is his to change.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::compare::{PRODUCT, goods_differences, item_differences, packing_differences, same_description};
use super::draft::Draft;
use super::po_lines::shown;
use super::prints::{LinePrint, goods_print, komet_print};
use super::wish::Wish;
use super::{off, twice};
use crate::domain::{
    Agreed, AgreedLine, Flow, HoldReason, KometTerms, LineId, NewGoods, Order, PoLink, Verdict, fingerprint,
};

/// How the causes of questions begin about what a buyer changed on a line's PO.
pub(in crate::sync) const PO_LINE: &str = "PO line ";

/// In what a person left the PO line of flow 1 as a buyer has it, and not as it was asked for.
pub(super) fn left_to_the_buyer(draft: &Draft<'_>, links: &[PoLink]) -> Vec<&'static str> {
    let ([link], Flow::FromAxerrio) = (links, draft.order.flow) else { return Vec::new() };
    let shown = draft.po_line(&link.line).map(|(_, line)| &line.terms);
    match (shown, &link.seen, &link.asked) {
        (Some(shown), Some(seen), Some(asked)) if item_differences(seen, shown).is_empty() => {
            goods_differences(asked, shown)
        }
        _ => Vec::new(),
    }
}

/// A pending PO that somebody moved to another ship date. Answers "take Komet's" where there is nothing to ask.
pub(super) fn judge_ship_date(draft: &mut Draft<'_>, alive: &[PoLink], ship_date: NaiveDate) -> Option<Verdict> {
    let moved = alive.iter().find_map(|link| {
        let (po, _) = draft.po_line(&link.line)?;
        (po.ship_date != ship_date && Some(po.ship_date) != link.ship_date).then_some(po)
    });
    let Some(po) = moved else {
        // Moved once more, it is a new question.
        let is_of_theirs =
            |cause: &str| alive.iter().any(|link| cause.starts_with(&format!("PO {} ships ", link.number)));
        if !draft.agreed.decisions.is_empty() {
            draft.forget(HoldReason::EditedInKomet, None, |decision| is_of_theirs(&decision.cause));
        }
        return Some(Verdict::TakeKomet);
    };
    let cause = format!("PO {} ships {} not {ship_date}", po.number, po.ship_date);
    draft.settle(HoldReason::EditedInKomet, None, &cause, Verdict::TakeAxerrio, || {
        format!(
            "PO {} was moved to {} in Komet before approval, but Axerrio ships on {ship_date}. Take axerrio to buy the lines anew \
             for that day, take komet to leave the PO.",
            po.number, po.ship_date
        )
    })
}

/// Whether a person left one of their POs on the day to which a buyer moved it, and which Axerrio's order still is not for.
pub(super) fn is_date_left(draft: &Draft<'_>, links: &[PoLink]) -> bool {
    let order = draft.order.axerrio.order.as_ref();
    links.iter().filter_map(|link| draft.po_line(&link.line)).any(|(po, _)| {
        let left = format!("PO {} ships {} not ", po.number, po.ship_date);
        order.is_some_and(|order| order.header.ship_date != po.ship_date)
            && draft.left_to_komet(&left).next().is_some()
    })
}

/// In what the PO lines differ from how stemsync made them, or, of lines that were found, from what is `wanted`.
pub(super) fn changes(draft: &Draft<'_>, links: &[PoLink], wanted: Option<&NewGoods>) -> Vec<&'static str> {
    let [link] = links else {
        let asked = links.iter().find_map(|link| link.asked.as_ref()).or(wanted);
        return asked.map(|asked| differences(draft, links, asked)).unwrap_or_default();
    };
    let Some((_, line)) = draft.po_line(&link.line) else { return Vec::new() };
    let mut edits = match (&link.seen, &link.asked, wanted) {
        (Some(seen), Some(_), _) => return item_differences(seen, &line.terms),
        (None, Some(asked), _) => goods_differences(asked, &line.terms),
        (_, None, Some(wanted)) => goods_differences(wanted, &line.terms),
        (_, None, None) => return Vec::new(),
    };
    edits.extend(is_substituted(draft.order, &draft.agreed, &line.terms, link).then_some(PRODUCT));
    edits
}

/// Whether a PO line surely buys another product than the Prebook item that it is for, which names it to Komet.
pub(in crate::sync) fn is_substituted(order: &Order, agreed: &Agreed, bought: &KometTerms, link: &PoLink) -> bool {
    let own = |line: &&AgreedLine| line.item.as_ref().is_some_and(|item| item.item == link.item);
    let linked = agreed.lines.values().find(own).and_then(|line| line.item.as_ref());
    let then = linked.and_then(|item| item.seen.as_ref()).map(|seen| &seen.terms);
    let Some(item) = then.or_else(|| order.komet.item(&link.item).map(|item| &item.terms)) else { return false };
    let are_known = item.product.id.is_some() && bought.product.id.is_some();
    are_known
        && item.breakdowns.is_empty()
        && item.product.id != bought.product.id
        && !same_description(&item.product.description, &bought.product.description)
}

/// In what the PO lines together differ from `goods`: a line that a buyer split still buys the same.
pub(super) fn differences(draft: &Draft<'_>, links: &[PoLink], goods: &NewGoods) -> Vec<&'static str> {
    let mut fields = BTreeSet::new();
    let mut boxes = 0;
    for (link, line) in links.iter().filter_map(|link| Some((link, draft.po_line(&link.line)?.1))) {
        boxes += u64::from(line.terms.boxes);
        fields.extend(packing_differences(goods, &line.terms));
        fields.extend(is_substituted(draft.order, &draft.agreed, &line.terms, link).then_some(PRODUCT));
    }
    let all_shown = shown(draft, links).count() == links.len();
    if all_shown && boxes != u64::from(goods.boxes) {
        fields.insert("boxes");
    }
    fields.into_iter().collect()
}

/// Whether a PO line shows in this field what its item was changed to: the question about the item speaks of both.
pub(super) fn is_the_items(draft: &Draft<'_>, line: &LineId, links: &[PoLink], field: &str) -> bool {
    let link = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
    let Some((link, item)) = link.and_then(|link| Some((link, draft.item(&link.item)?))) else { return false };
    let is_edited =
        link.seen.as_ref().is_some_and(|seen| item_differences(&seen.terms, &item.terms).contains(&field));
    (is_edited || link.left.contains(field))
        && shown(draft, links).all(|line| !item_differences(&item.terms, &line.terms).contains(&field))
}

/// Asks what becomes of a PO line that a buyer changed in these fields.
pub(super) fn ask_about_edits(
    draft: &mut Draft<'_>,
    line: &LineId,
    links: &[PoLink],
    edits: &[&str],
    wish: &Wish<'_>,
) -> Option<Verdict> {
    let lines: Vec<String> = links.iter().map(|link| link.line.to_string()).collect();
    let lines = lines.join(", ");
    let prints: Vec<u64> = shown(draft, links).map(|line| komet_print(&line.terms)).collect();
    let mut cause = format!("{PO_LINE}{lines} {:016x}", fingerprint(&(prints, wish.goods().map(goods_print))));
    if let Some(print) = wish.line_print() {
        cause = print.cause(draft, line, &cause);
    }
    let numbers: BTreeSet<String> = links.iter().map(|link| link.number.to_string()).collect();
    // By a request that took effect twice, one of whose lines a buyer changed before anybody saw both.
    let (pos, several) = match numbers.len() {
        0 | 1 => ("PO", ""),
        _ => ("POs", " It is bought on several POs."),
    };
    let numbers = numbers.into_iter().collect::<Vec<_>>().join(", ");
    draft.settle(HoldReason::EditedInKomet, Some(line), &cause, Verdict::TakeAxerrio, || {
        let what = format!("{} of line {lines} on {pos} {numbers} changed in Komet before approval", edits.join(", "));
        let (but, choice) = match wish {
            Wish::AsBought(_) => (
                "but the order is Axerrio's until then",
                "Approve the PO to keep it, or take axerrio to write Axerrio's line again, take komet to leave it.",
            ),
            Wish::Confirmed(goods) if goods.boxes == 0 => (
                "and the vendor confirms none of it",
                "Take axerrio to take it off the PO, take komet to leave the PO line.",
            ),
            Wish::Confirmed(_) => (
                "and the vendor confirms another number of boxes",
                "Take axerrio to buy what it confirms, take komet to leave the PO line.",
            ),
            Wish::Changed(..) => (
                "and the line in Axerrio, whose order it is until then",
                "Take axerrio to write Axerrio's line again as it is now, take komet to leave the PO line.",
            ),
            Wish::Moved(..) => (
                "and the order moved to another date, carrier or customer PO in Axerrio",
                "Take axerrio to write Axerrio's line again where it belongs now, take komet to leave it as and where it is.",
            ),
            Wish::Anew(..) => (
                "and its Prebook item is to be made anew",
                "Take axerrio to write Axerrio's line again, take komet to leave item and PO line as they are.",
            ),
            Wish::Gone => (
                "but Axerrio no longer wants the line",
                "Take axerrio to delete it, take komet to leave it.",
            ),
        };
        let since = wish.line_print().map_or("", LinePrint::since);
        format!("{what}, {but}.{several}{since} {choice}")
    })
}

/// Whether the PO lines of a line may go because the line changed, moved or is off: what a buyer changed is not deleted over
/// his head.
pub(super) fn may_delete(draft: &mut Draft<'_>, line: &LineId, wish: &Wish<'_>) -> bool {
    let wanted = wish.goods();
    let mut links = draft.alive_po_links(line);
    // What a request left that was delivered twice goes with the rest; it is no buyer's change.
    let late = twice::late_effects(draft, wanted.map_or(0, |goods| goods.boxes), &links);
    links.retain(|link| !late.contains(link));
    let mut edits = changes(draft, &links, None);
    edits.retain(|field| !is_the_items(draft, line, &links, field));
    if edits.is_empty() && wanted.is_some() {
        edits = left_to_the_buyer(draft, &links);
    }
    if wanted.is_some() && is_date_left(draft, &links) {
        edits.push("ship date");
    }
    if links.is_empty() && late.is_empty() {
        return off::may_be_bought_anew(draft, line, wish);
    }
    edits.is_empty() || ask_about_edits(draft, line, &links, &edits, wish) == Some(Verdict::TakeAxerrio)
}
