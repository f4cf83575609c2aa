//! The PO of an order, the same for both flows: every line in place is bought once, in the boxes that the vendor
//! confirmed. While the PO is pending a line that should be bought otherwise loses its PO line and gets a new one on
//! the same PO; from approval on the PO is Komet's.

use chrono::NaiveDate;

use super::Need;
use super::compare::{asks_otherwise, goods_differences, item_differences};
use super::draft::Draft;
use super::labels::ask_for_mapping;
use crate::domain::{
    Flow, HoldReason, ItemId, LineId, NewGoods, NewPoLine, NewPurchaseOrder, OnConflict, PoLink, PoNumber,
    PoStatus, Verdict, blank, fingerprint,
};
use crate::sync::action::{Action, DeletePoLine};

/// What a PO should buy for one line in place.
pub(super) struct Buy {
    pub(super) line: LineId,
    pub(super) item: ItemId,
    /// Boxes 0: nothing is bought (any more).
    pub(super) goods: NewGoods,
    /// stemsync made the item in this database's life.
    pub(super) fresh: bool,
    /// The PO that Komet says the item is on.
    pub(super) po_number: Option<PoNumber>,
    /// Whether Komet knows every product; `None` while that was not read.
    pub(super) mapped: Option<bool>,
    /// The product's description and its Axerrio code, for people.
    pub(super) product: String,
    pub(super) code: Option<String>,
}

pub(super) fn plan(draft: &mut Draft<'_>, buys: &[Buy], ship_date: NaiveDate, location: Option<&str>) {
    let mut create = Vec::new();
    for buy in buys {
        let links: Vec<PoLink> = draft
            .agreed
            .lines
            .get(&buy.line)
            .map(|l| l.po_lines.iter().filter(|link| link.item == buy.item).cloned().collect())
            .unwrap_or_default();
        let alive: Vec<&PoLink> = links.iter().filter(|link| draft.po_alive(link)).collect();
        if alive.iter().any(|link| draft.po_status(link).is_decided()) {
            continue;
        }
        if alive.is_empty() {
            if buy.goods.boxes > 0 && may_buy(draft, buy, &links) {
                create.push(buy);
            }
        } else {
            judge_pending(draft, buy, &alive, ship_date);
        }
    }
    let busy =
        draft.awaits(|a| matches!(a, Action::DeletePoLine(_) | Action::DeleteItem(_) | Action::CreatePrebook(_)));
    if !create.is_empty() && !busy {
        create_lines(draft, &create, ship_date, location);
    }
}

/// Whether a line without a PO line may get one: nobody took it away on purpose, Komet knows what it would leave out,
/// and nobody else bought it already.
fn may_buy(draft: &mut Draft<'_>, buy: &Buy, links: &[PoLink]) -> bool {
    if let Some(vanished) = links.iter().find(|link| !link.dead) {
        if draft.po_line(&vanished.line).is_some_and(|(po, _)| po.status == PoStatus::Cancelled) {
            return false;
        }
        if draft.order.flow == Flow::FromKomet {
            return false;
        }
        if draft.rules.on_conflict == OnConflict::Hold {
            let cause = format!("PO line deleted {}", vanished.line);
            let verdict = draft.ask(HoldReason::EditedInKomet, Some(&buy.line), &cause, || {
                format!(
                    "line {} was deleted from PO {} in Komet, but the order still stands in Axerrio. Take axerrio to buy it \
                     again, take komet to leave it.",
                    vanished.line, vanished.number
                )
            });
            if verdict != Some(Verdict::TakeAxerrio) {
                return false;
            }
        }
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
    if buy.fresh {
        return true;
    }
    if let Some(number) = &buy.po_number
        && !draft.rules.facts.po_numbers_read.contains(number)
        && draft.po(number).is_none()
    {
        draft.needs.insert(Need::PurchaseOrder(number.clone()));
        return false;
    }
    if draft.rules.facts.po_dates_read.contains(&draft.order.ship_date) {
        return true;
    }
    draft.needs.insert(Need::PurchaseOrders(draft.order.ship_date));
    false
}

/// A pending PO line: Axerrio's change is carried out; in flow 1 Komet's is held.
fn judge_pending(draft: &mut Draft<'_>, buy: &Buy, alive: &[&PoLink], ship_date: NaiveDate) {
    let mut replace = alive.len() > 1;
    for link in alive {
        let shown = draft.po_line(&link.line).map(|(_, line)| line);
        let missing_parts = shown.is_some_and(|line| {
            buy.goods.mix.len() > line.terms.breakdowns.len() && !line.terms.breakdowns.is_empty()
        });
        if missing_parts {
            if buy.mapped == Some(true) {
                replace = true;
            } else {
                ask_for_mapping(draft, &buy.line, &buy.product, buy.code.as_deref());
            }
            continue;
        }
        let edits = match (shown, &link.seen, &link.asked) {
            (Some(line), Some(seen), Some(_)) => item_differences(seen, &line.terms),
            (Some(line), _, Some(asked)) => goods_differences(asked, &line.terms),
            (Some(line), _, None) if draft.order.flow == Flow::FromAxerrio => {
                goods_differences(&buy.goods, &line.terms)
            }
            _ => Vec::new(),
        };
        if draft.order.flow == Flow::FromAxerrio && !edits.is_empty() {
            let agreed_by_now = shown.is_some_and(|line| goods_differences(&buy.goods, &line.terms).is_empty());
            if agreed_by_now {
                settle(draft, buy, link);
                continue;
            }
            let cause = format!("PO line {} {:016x}", link.line, fingerprint(&shown.map(|l| &l.terms)));
            if draft.rules.on_conflict == OnConflict::Owner {
                replace = true;
                continue;
            }
            let fields = edits.join(", ");
            match draft.ask(HoldReason::EditedInKomet, Some(&buy.line), &cause, || {
                format!(
                    "{fields} of line {} on PO {} changed in Komet before approval, but the order is Axerrio's until then. \
                     Approve the PO to keep it, or take axerrio to write Axerrio's line again, take komet to leave it.",
                    link.line, link.number
                )
            }) {
                Some(Verdict::TakeAxerrio) => replace = true,
                Some(Verdict::TakeKomet) => settle(draft, buy, link),
                Some(Verdict::Dismissed) | None => return,
            }
            continue;
        }
        // The order moved to another ship date since; a PO that the buyer moved stays where it is.
        replace |= link.ship_date.is_some_and(|bought_for| bought_for != ship_date);
        match &link.asked {
            Some(asked) if asks_otherwise(asked, &buy.goods) => replace = true,
            Some(_) => {}
            None => settle(draft, buy, link),
        }
    }
    if replace || buy.goods.boxes == 0 {
        for link in alive {
            draft.act(Action::DeletePoLine(DeletePoLine {
                number: link.number.clone(),
                po_item: link.line.clone(),
                line: buy.line.clone(),
            }));
        }
    }
}

/// What Komet shows of a PO line stands for what should be bought.
fn settle(draft: &mut Draft<'_>, buy: &Buy, link: &PoLink) {
    let shown = draft.po_line(&link.line).map(|(_, line)| line.terms.clone());
    let links = draft.agreed.lines.get_mut(&buy.line).into_iter().flat_map(|l| &mut l.po_lines);
    for own in links.filter(|own| own.line == link.line) {
        own.asked = Some(buy.goods.clone());
        own.seen.clone_from(&shown);
    }
}

fn create_lines(draft: &mut Draft<'_>, buys: &[&Buy], ship_date: NaiveDate, location: Option<&str>) {
    // Further lines go on the order's PO while it can still take them.
    let number = draft.agreed.po.clone().filter(|number| match draft.po(number) {
        Some(po) => po.ship_date == ship_date && po.status != PoStatus::Cancelled,
        None => {
            draft.agreed.lines.values().flat_map(|l| &l.po_lines).any(|l| l.number == *number && l.seen.is_none())
        }
    });
    for mixed in [false, true] {
        let group: Vec<&Buy> = buys.iter().copied().filter(|b| b.goods.mix.is_empty() != mixed).collect();
        if group.is_empty() {
            continue;
        }
        if mixed && number.is_none() && draft.awaits(|a| matches!(a, Action::CreatePo(_))) {
            // The plain lines make the PO first; the mixed boxes then join it.
            return;
        }
        let action = |group: &[&Buy]| {
            Action::CreatePo(NewPurchaseOrder {
                mixed,
                ship_date,
                location_code: blank(location).or(draft.rules.location_code).map(str::to_owned),
                number: number.clone(),
                lines: group
                    .iter()
                    .map(|buy| NewPoLine {
                        line: buy.line.clone(),
                        item: buy.item.clone(),
                        goods: buy.goods.clone(),
                    })
                    .collect(),
            })
        };
        let together = action(&group);
        let singles: Vec<Action> = group.iter().map(|buy| action(&[*buy])).collect();
        if draft.was_refused_together(&together) {
            for single in singles {
                draft.act(single);
            }
        } else {
            draft.act(together);
        }
    }
}
