//! Orders born in Axerrio: each line against the Prebook item that stands for it, the header against each Prebook.

mod header;
mod line;

use super::Context;
use super::findings::{Findings, text};
use super::purchase::{self, Expected};
use super::values::status_name;
use crate::domain::{AgreedLine, AxLine, AxOrder, HoldReason, LineId, NO_ORDER, Prebook, PrebookItem};
use crate::sync::plan::{Sight, UNSEEN};

pub(super) fn compare(found: &mut Findings<'_>, sight: &Sight, context: &Context<'_>) {
    let alive = alive_items(found.order);
    let Some(ax) = found.order.axerrio.order.as_ref() else {
        if !alive.is_empty() && context.whole.orders {
            let left = found.is_left(HoldReason::EditedInKomet, None, |cause| cause.starts_with(NO_ORDER));
            found.report(left, None, "order", text("absent"), text("present"));
        }
        return;
    };
    let wanted: Vec<&AxLine> = ax.lines.iter().filter(|l| l.terms.boxes > 0).collect();
    if ax.status.is_off() || wanted.is_empty() {
        if stands_in_komet(found, sight, &alive) {
            let are_added = |found: &Findings<'_>| {
                alive.iter().all(|(_, item)| {
                    let cause = format!("item {}", item.id);
                    found.is_left(HoldReason::EditedInKomet, None, |c| c == cause)
                })
            };
            // Lines that a person kept, each by itself.
            let are_kept = |found: &Findings<'_>| {
                alive.iter().all(|(_, item)| {
                    let line = owner(sight, item);
                    line.is_some_and(|line| {
                        found.is_left(HoldReason::EditedInKomet, Some(line), |_| true) || found.is_kept_out(line)
                    })
                })
            };
            let left = found.is_left(HoldReason::ChangedAfterApproval, None, |_| true)
                || found.was_left(HoldReason::TooManyCancellations, None)
                || !alive.is_empty() && (are_added(found) || are_kept(found));
            found.report(left, None, "order", text(status_name(ax.status)), text("present"));
        }
        return;
    }
    compare_missing(found, sight, &wanted, context);
    compare_surplus(found, sight, &wanted, &alive, context);
    if found.names(None, "order") {
        return;
    }
    header::compare_all(found, sight, ax, context);
    let mut expected = Vec::new();
    for line in wanted {
        let Some(agreed) = sight.agreed.lines.get(&line.id) else { continue };
        let Some((_, item)) = item_of(found, agreed) else { continue };
        line::compare(found, line, agreed, item, context);
        expected.extend(Expected::of(line, item.id.clone()));
    }
    compare_ship_dates(found, sight, ax);
    purchase::compare(found, sight, &expected, context);
}

fn alive_items(order: &crate::domain::Order) -> Vec<(&Prebook, &PrebookItem)> {
    let items = order.komet.prebooks.iter().flat_map(|p| p.items.iter().map(move |i| (p, i)));
    items.filter(|(_, item)| item.is_alive()).collect()
}

/// Whether anything of an order that is off still stands in Komet.
fn stands_in_komet(found: &Findings<'_>, sight: &Sight, alive: &[(&Prebook, &PrebookItem)]) -> bool {
    !alive.is_empty()
        || sight
            .agreed
            .lines
            .values()
            .flat_map(|l| &l.po_lines)
            .any(|link| purchase::standing(found.order, link).is_some())
}

fn item_of<'o>(found: &Findings<'o>, agreed: &AgreedLine) -> Option<(&'o Prebook, &'o PrebookItem)> {
    let link = agreed.item.as_ref()?;
    alive_items(found.order).into_iter().find(|(_, item)| item.id == link.item)
}

/// The line that an item stands for.
fn owner<'s>(sight: &'s Sight, item: &PrebookItem) -> Option<&'s LineId> {
    let mut lines = sight.agreed.lines.iter();
    let is_its = |agreed: &AgreedLine| agreed.item.as_ref().is_some_and(|link| link.item == item.id);
    lines.find(|(_, agreed)| is_its(agreed)).map(|(id, _)| id)
}

/// Lines that Komet does not have.
fn compare_missing(found: &mut Findings<'_>, sight: &Sight, wanted: &[&AxLine], context: &Context<'_>) {
    if !context.whole.prebooks {
        return;
    }
    let missing: Vec<&&AxLine> = wanted
        .iter()
        .filter(|line| sight.agreed.lines.get(&line.id).and_then(|agreed| item_of(found, agreed)).is_none())
        .collect();
    let left = |found: &Findings<'_>, line: &AxLine| {
        // From approval on Komet's people may delete the item, and nobody is asked about what is bought all the same; what was
        // agreed before then stands until the line changes.
        let agreed = sight.agreed.lines.get(&line.id).filter(|agreed| agreed.terms.same_goods(&line.terms));
        let is_decided = |agreed: &AgreedLine| {
            let is_let_go = agreed.item.as_ref().is_some_and(|link| link.let_go);
            is_let_go && is_approved(found, agreed) || found.was_left(HoldReason::EditedInKomet, Some(&line.id))
        };
        let is_unseen = sight.agreed.unseen.contains_key(&line.id)
            && found.is_left(HoldReason::EditedInKomet, None, |cause| cause.starts_with(UNSEEN));
        is_unseen || found.is_line_left(&line.id) || agreed.is_some_and(is_decided)
    };
    if missing.len() == wanted.len() {
        let all_left = missing.iter().all(|line| left(found, line));
        found.report(all_left, None, "order", text("present"), text("absent"));
        return;
    }
    for line in missing {
        let is_left = left(found, line);
        found.report(is_left, Some(&line.id), "line", text("present"), text("absent"));
    }
}

/// Items that stand for no line that Axerrio wants.
fn compare_surplus(
    found: &mut Findings<'_>,
    sight: &Sight,
    wanted: &[&AxLine],
    alive: &[(&Prebook, &PrebookItem)],
    context: &Context<'_>,
) {
    for (prebook, item) in alive {
        let owner = owner(sight, item);
        // Komet's lists show it no more: nobody knows whether it stands.
        if owner.is_none() && item.ship_date < context.rules.visible_from {
            continue;
        }
        let shown = text(format_args!("item {} of Prebook {}", item.id, prebook.number));
        match owner {
            Some(line) if wanted.iter().any(|w| w.id == *line) => {}
            Some(line) => {
                let left = found.is_line_left(line);
                found.report(left, Some(line), "line", text("absent"), shown);
            }
            None => {
                let cause = format!("item {}", item.id);
                let left = found.is_left(HoldReason::EditedInKomet, None, |c| c == cause);
                found.report_each(left, None, "item", text("absent"), shown);
            }
        }
    }
}

/// The day the vendor ships stands on Komet's items. If they all agree on another day than Axerrio, the order moved;
/// else single lines did. Komet may ignore the day it is told: then its first sight is what counts.
fn compare_ship_dates(found: &mut Findings<'_>, sight: &Sight, ax: &AxOrder) {
    let ours = ax.header.ship_date;
    let mut moved = Vec::new();
    let mut standing = 0;
    for line in ax.lines.iter().filter(|l| l.terms.boxes > 0) {
        let Some(agreed) = sight.agreed.lines.get(&line.id) else { continue };
        let Some((prebook, item)) = item_of(found, agreed) else { continue };
        standing += 1;
        let seen = agreed.item.as_ref().and_then(|link| link.seen.as_ref());
        let sent = sight.agreed.prebooks.get(&prebook.id).and_then(|p| p.sent.as_ref());
        let explained = seen.is_some_and(|seen| seen.ship_date == item.ship_date)
            && sent.is_none_or(|sent| sent.ship_date == ours);
        // From approval on Komet's people may move it, and that is told apart; what Komet made of the date at first is nobody's doing.
        let is_moved = agreed.item.as_ref().is_some_and(|link| {
            let before = link.before_approval.as_ref();
            before.is_some_and(|before| before.ship_date != item.ship_date)
        });
        let left = explained
            && (found.was_left(HoldReason::EditedInKomet, Some(&line.id))
                || is_moved && is_approved(found, agreed));
        if item.ship_date != ours && (!explained || left) {
            let left = left || found.is_line_left(&line.id);
            moved.push((&line.id, item.ship_date, left));
        }
    }
    let same_day = moved.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match moved.first() {
        Some((_, day, left)) if moved.len() == standing && same_day => {
            found.report(*left, None, "ship_date", text(ours), text(day));
        }
        _ => {
            for (line, day, left) in moved {
                found.report(left, Some(line), "ship_date", text(ours), text(day));
            }
        }
    }
}

/// Whether procurement has approved a PO that buys the line.
fn is_approved(found: &Findings<'_>, agreed: &AgreedLine) -> bool {
    let mut pos = found.order.komet.purchase_orders.iter().filter(|po| po.status.is_decided());
    pos.any(|po| po.lines.iter().any(|it| it.is_alive() && agreed.po_lines.iter().any(|link| link.line == it.id)))
}
