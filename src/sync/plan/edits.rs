//! Lines of an order born in Axerrio that somebody edited in Komet, where the order is Axerrio's: what of it is asked about, and
//! what was left as Komet has it.

use std::fmt::Write as _;

use super::compare::{
    PRODUCT, SHIP_DATE, asked_differences, goods_from_axerrio, is_other_product, seen_differences,
    wanted_differences,
};
use super::draft::Draft;
use super::prints::{MAPPED_TO, header_print, komet_print, line_print, moved_print, terms_print};
use super::said::told;
use super::wanted::{self, wanted_goods};
use super::wish::Wish;
use super::{buyers, home, purchase, twice};
use crate::domain::{
    AgreedLine, AxLine, AxOrder, Decision, HoldReason, ItemLink, LineId, PrebookItem, SeenItem, Verdict,
};

/// What the causes of questions about an edited item begin with.
const ITEM: &str = "item ";

/// What comes of Komet's edits of an item.
pub(super) enum Judged {
    /// There are none.
    AsAgreed,
    /// Both sides say the same by now, or a person left Komet's.
    Agreed,
    /// Axerrio's is to be written again.
    Overruled,
    /// A person must decide.
    Held,
}

pub(super) fn judge(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    agreed: &AgreedLine,
    link: &ItemLink,
    changed: bool,
    moved: bool,
) -> Judged {
    let edits = edits(draft, agreed, link);
    // Most lines were not edited, and most orders have no decisions: comparing takes a moment.
    let Some(item) = draft.item(&link.item).filter(|_| !edits.is_empty() || !draft.agreed.decisions.is_empty())
    else {
        return Judged::AsAgreed;
    };
    let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
    let then = link.seen.as_ref().map(|seen| (agreed.terms.unit_cost, seen.terms.unit_cost));
    let mark = line.terms.mark_code.as_deref();
    let is_alike = wanted_differences(&goods, mark, then, &item.terms).is_empty();
    if edits.is_empty() {
        if is_alike && item.ship_date == order.header.ship_date {
            forget_left(draft, line, |verdict| verdict == Verdict::Dismissed);
        }
        return Judged::AsAgreed;
    }
    let is_put_back =
        !changed && link.before_left.as_ref().is_some_and(|seen| seen_differences(seen, item).is_empty());
    let is_as_wanted = is_put_back
        || is_alike
            && edits.iter().all(|field| match *field {
                "ship date" => item.ship_date == order.header.ship_date,
                // Whether Komet's product or box type is the one that Axerrio means cannot be told.
                "product" | "mix" | "box type" => false,
                _ => true,
            });
    if is_as_wanted {
        forget_left(draft, line, |_| true);
        agree(draft, line, link);
        if let Some(link) = own_link(draft, line) {
            link.left.clear();
            link.before_left = None;
        }
        return Judged::Agreed;
    }
    let begins = format!("{ITEM}{} {:016x} {}", link.item, komet_print(&item.terms), item.ship_date);
    let print = line_print(draft, line, terms_print(&line.terms));
    let as_is = format!("{begins} {:016x}", terms_print(&line.terms));
    // A line that is left would stay behind with the old header: where that changed in Axerrio, it is another question, but for who
    // took a side.
    let word = draft.verdict(HoldReason::EditedInKomet, Some(&line.id), &as_is);
    let cause = if word.is_some_and(|word| word != Verdict::Dismissed) {
        as_is
    } else if moved {
        line_print(draft, line, header_print(&order.header)).cause(draft, &line.id, &as_is)
    } else {
        print.cause(draft, &line.id, &begins)
    };
    let shown = told(&edits, item);
    let both = print.both(deed(changed, moved));
    match draft.settle(HoldReason::EditedInKomet, Some(&line.id), &cause, Verdict::TakeAxerrio, || {
        format!(
            "{shown} of Prebook item {} changed in Komet, but the order is Axerrio's until its PO is approved.{both} Take \
             axerrio to write Axerrio's line again, take komet to leave Komet's as it is.",
            link.item
        )
    }) {
        Some(Verdict::TakeAxerrio) => Judged::Overruled,
        Some(Verdict::TakeKomet) => {
            leave_to_komet(draft, line, link);
            let before = link.before_left.clone().or_else(|| link.seen.clone());
            if let Some(link) = own_link(draft, line) {
                link.before_left = before;
                link.left.extend(edits.iter().map(|field| (*field).to_owned()));
            }
            Judged::Agreed
        }
        Some(Verdict::Dismissed) | None => Judged::Held,
    }
}

fn own_link<'d>(draft: &'d mut Draft<'_>, line: &AxLine) -> Option<&'d mut ItemLink> {
    draft.agreed.lines.get_mut(&line.id)?.item.as_mut()
}

/// What Axerrio did to a line since it was last agreed, in the words of a question.
pub(super) fn deed(changed: bool, moved: bool) -> Option<&'static str> {
    match (changed, moved) {
        (true, _) => Some("changed"),
        (false, true) => Some("moved to another date, carrier or customer PO"),
        (false, false) => None,
    }
}

/// An edit that was left and taken back is asked about again when it is made again.
fn forget_left(draft: &mut Draft<'_>, line: &AxLine, which: impl Fn(Verdict) -> bool) {
    draft.forget(HoldReason::EditedInKomet, Some(&line.id), |decision| {
        decision.cause.starts_with(ITEM) && which(decision.verdict)
    });
}

/// Whether both sides have agreed that Komet's item is not what Axerrio's line says.
pub(super) fn is_left_to_komet(draft: &Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink) -> bool {
    let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
    let sent = draft.agreed.prebooks.get(&link.prebook).and_then(|agreed| agreed.sent.as_ref());
    let is_date_changed = sent.is_some_and(|sent| sent.ship_date != order.header.ship_date);
    let is_left = link.left.contains(PRODUCT) || link.left.contains(SHIP_DATE) && !is_date_changed;
    // What the map alone says otherwise, nobody left.
    let is_of_map = |field: &&str| *field == "box type" && wanted::has_other_box_type(draft, line, link);
    let differs = |item: &PrebookItem| {
        let fields = asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms);
        fields.iter().any(|field| !is_of_map(field))
    };
    draft.item(&link.item).is_some_and(|item| {
        link.seen.as_ref().is_some_and(|seen| seen_differences(seen, item).is_empty())
            && (is_left || differs(item))
    })
}

/// Whether a person left the edited item as Komet has it when the map was corrected already: that was asked about along with it.
pub(super) fn is_left_as_mapped(draft: &mut Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let Some(map) = wanted::map_print(draft, line) else { return false };
    let (begins, ends) = (format!("{ITEM}{} ", link.item), format!("{MAPPED_TO}{map}"));
    let is_about_it =
        |decision: &&Decision| decision.line.as_ref() == Some(&line.id) && decision.cause.ends_with(&ends);
    let Some(cause) = draft.left_to_komet(&begins).find(is_about_it).map(|decision| decision.cause.clone()) else {
        return false;
    };
    draft.ask(HoldReason::EditedInKomet, Some(&line.id), &cause, String::new).is_some()
}

/// The fields in which both sides had agreed to leave Komet's item as it is, and which Axerrio does not change now: a change of
/// the very thing that was left is carried out.
pub(super) fn left_fields<'l>(
    draft: &Draft<'_>,
    line: &AxLine,
    agreed: &AgreedLine,
    link: &'l ItemLink,
) -> Vec<&'l str> {
    let is_as_seen =
        |item: &&PrebookItem| link.seen.as_ref().is_some_and(|seen| seen_differences(seen, item).is_empty());
    let Some(item) = draft.item(&link.item).filter(is_as_seen) else { return Vec::new() };
    if agreed.terms.same_goods(&line.terms) {
        // By the map of today the goods may differ where nobody left them.
        return link.left.iter().map(String::as_str).collect();
    }
    let goods = goods_from_axerrio(&agreed.terms, agreed.terms.boxes, draft.rules);
    let (before, now) = (&agreed.terms, &line.terms);
    let mut fields = asked_differences(&goods, before.mark_code.as_deref(), &item.terms);
    fields.retain(|field| match *field {
        "boxes" => before.boxes == now.boxes,
        "bunches per box" => before.bunches == now.bunches,
        "stems per bunch" => before.stems_per_bunch == now.stems_per_bunch,
        "unit type" => before.unit_type == now.unit_type,
        "cost" => before.unit_cost == now.unit_cost,
        "box type" => before.box_type == now.box_type,
        "mark code" => before.mark_code == now.mark_code,
        _ => before.mix == now.mix,
    });
    // Neither the product nor the ship date of an item can be held against the line's own.
    if link.left.contains(PRODUCT) && before.product.name() == now.product.name() {
        fields.push(PRODUCT);
    }
    if link.left.contains(SHIP_DATE) {
        fields.push(SHIP_DATE);
    }
    fields
}

/// Asks about such an item once Axerrio changes its line: made anew it would lose what was left to Komet.
pub(super) fn takes_changed_anew(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    link: &ItemLink,
    left: &[&str],
) -> Option<Verdict> {
    let item = draft.item(&link.item)?;
    let left = told(left, item);
    let begins = format!("changed {} {:016x}", link.item, komet_print(&item.terms));
    let print = line_print(draft, line, moved_print(line, &order.header));
    let cause = print.cause(draft, &line.id, &begins);
    let is_mapped = draft.agreed.lines.get(&line.id).is_some_and(|agreed| agreed.terms.same_goods(&line.terms));
    let (what, since) =
        if is_mapped { ("the line was mapped anew", "") } else { ("the line changed in Axerrio", print.since()) };
    draft.settle(HoldReason::EditedInKomet, Some(&line.id), &cause, Verdict::TakeAxerrio, || {
        format!(
            "{what}, but {left} of its Prebook item {} was left as Komet has it.{since} Take axerrio to write Axerrio's line \
             again as it is now, take komet to leave the item as it is.",
            link.item
        )
    })
}

/// Asks about such an item once its header moved: it can only be moved by making it anew.
pub(super) fn takes_moved_anew(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink) -> bool {
    let Some(item) = draft.item(&link.item) else { return true };
    let begins = format!("moved {} {:016x}", link.item, komet_print(&item.terms));
    let print = line_print(draft, line, moved_print(line, &order.header));
    let cause = print.cause(draft, &line.id, &begins);
    draft.settle(HoldReason::EditedInKomet, Some(&line.id), &cause, Verdict::TakeAxerrio, || {
        format!(
            "the order moved to another date, carrier or customer PO in Axerrio, but Prebook item {} was left as Komet has it.{} \
             Take axerrio to write Axerrio's line again where it belongs now, take komet to leave the item as and where it is.",
            link.item,
            print.since()
        )
    }) == Some(Verdict::TakeAxerrio)
}

/// A line that was edited in Komet is not deleted over somebody's head.
pub(super) fn may_delete(draft: &mut Draft<'_>, line: &LineId) -> bool {
    let Some(agreed) = draft.agreed.lines.get(line).cloned() else { return false };
    let edits = agreed.item.as_ref().map(|link| edits(draft, &agreed, link)).unwrap_or_default();
    let item = agreed.item.as_ref().and_then(|link| draft.item(&link.item));
    let home = agreed.item.as_ref().and_then(|link| home::other(draft, link));
    if let Some(item) = item.filter(|item| item.is_alive() && (!edits.is_empty() || home.is_some())) {
        let mut done = Vec::new();
        if !edits.is_empty() {
            done.push(format!("{} of its Prebook item {} changed", told(&edits, item), item.id));
        }
        let mut cause = format!("removed {} {:016x}", item.id, komet_print(&item.terms));
        // What a person left there is asked about all the same: it may be another customer's by now.
        let mut when = " meanwhile";
        if let Some((home, differs)) = home {
            let is_left = draft.left_to_komet(&format!("home {} of {}", home.id, item.id)).next().is_some();
            let left = if is_left { " and was left there" } else { "" };
            if is_left && edits.is_empty() {
                when = "";
            }
            done.push(format!(
                "Prebook item {} was moved to Prebook {}, which has another {differs},{left}",
                item.id, home.number
            ));
            let _ = write!(cause, " from {}", home.id);
        }
        let done = done.join(", and ");
        // What a request left that was delivered twice goes first: of a line that waits for a person nothing is taken.
        if draft.verdict(HoldReason::EditedInKomet, Some(line), &cause).is_none() && twice::has_twins(draft, line)
        {
            return false;
        }
        let verdict =
            draft.settle(HoldReason::EditedInKomet, Some(line), &cause, Verdict::TakeAxerrio, || {
                format!(
                    "Axerrio no longer wants the line, but {done} in Komet{when}. Take axerrio to delete it, take komet to \
                     leave it."
                )
            });
        if verdict != Some(Verdict::TakeAxerrio) {
            return false;
        }
    }
    buyers::may_delete(draft, line, &Wish::Gone)
}

/// In what Komet's item differs from what was agreed.
pub(super) fn edits(draft: &Draft<'_>, agreed: &AgreedLine, link: &ItemLink) -> Vec<&'static str> {
    let Some(item) = draft.item(&link.item) else { return Vec::new() };
    match &link.seen {
        Some(seen) => seen_differences(seen, item),
        None => {
            let goods = goods_from_axerrio(&agreed.terms, agreed.terms.boxes, draft.rules);
            let mut edits = asked_differences(&goods, agreed.terms.mark_code.as_deref(), &item.terms);
            edits.extend(is_other_product(link, item).then_some(PRODUCT));
            edits
        }
    }
}

/// Takes in what Komet's people made of an item under an approval, and keeps what it was before, lest they take that back.
pub(super) fn take_in(draft: &mut Draft<'_>, line: &AxLine) {
    let link = draft.agreed.lines.get(&line.id).and_then(|agreed| agreed.item.as_ref());
    let Some((link, item)) = link.and_then(|link| Some((link, draft.item(&link.item)?))) else { return };
    let before = link.before_approval.as_ref().or(link.seen.as_ref());
    let before = before.filter(|before| !seen_differences(before, item).is_empty()).cloned();
    let seen = SeenItem { terms: item.terms.clone(), ship_date: item.ship_date };
    if let Some(link) = own_link(draft, line) {
        link.before_approval = before;
        link.seen = Some(seen);
    }
}

/// A person took Komet's: item and PO line stay as they are.
pub(super) fn leave_to_komet(draft: &mut Draft<'_>, line: &AxLine, link: &ItemLink) {
    agree(draft, line, link);
    purchase::leave(draft, &line.id, &wanted_goods(draft, line));
}

/// Makes what both sides show now the agreed state of a line.
pub(super) fn agree(draft: &mut Draft<'_>, line: &AxLine, link: &ItemLink) {
    let seen =
        draft.item(&link.item).map(|item| SeenItem { terms: item.terms.clone(), ship_date: item.ship_date });
    if let Some(agreed) = draft.agreed.lines.get_mut(&line.id) {
        agreed.terms = line.terms.clone();
        if let Some(link) = &mut agreed.item {
            link.seen = seen;
            link.before_approval = None;
        }
    }
}
