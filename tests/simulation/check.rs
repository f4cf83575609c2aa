//! What must hold at the end of every life: no duplicate, no loss, nothing of anybody else's touched, both sides equal
//! on every owned field but where a person is asked, watermarks not ahead, and a further run silent.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use stemsync::domain::{Flow, HoldReason, Stage};
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::komet::{PoStatus, PrebookItem, PurchaseOrder};
use stemsync::store::watermarks::{self, Stream};
use stemsync::sync::audit::Difference;
use stemsync::systems::System;

use crate::fields;
use crate::life::Life;
use crate::network::End;
use crate::standing::{Remembered, wrong};

/// Lets stemsync come to rest, and says what is wrong then.
pub(crate) fn at_rest(life: &mut Life) -> Vec<String> {
    let writes = life.settle();
    let mut known = life.link().store.read_blocking(Remembered::read).unwrap();
    known.people = life.net.lock().people.clone();
    let mut found = Vec::new();
    // What a system refuses is tried again each run (clarification 11).
    if writes > 0 && !known.retries() {
        found.push(format!("it does not come to rest: the last run made {writes} writes"));
    }
    let (first, last) = (life.link().today(), life.link().horizon_end());
    found.extend(wrong(&life.net.lock().world, &known, first, last));
    found.extend(fields::apart(life, &known, first, last));
    found.extend(strangers(life));
    found.extend(cut_unasked(life, &known));
    found.extend(watermarks_ahead(life));
    for hold in &known.holds {
        *life.tally.holds.entry(hold.reason.name()).or_default() += 1;
        // Beyond the horizon nobody looks, until the day comes nearer.
        let is_looked_at =
            |order: &stemsync::domain::Order| hold.order_key == Some(order.key) && order.ship_date <= last;
        if hold.reason == HoldReason::UnmappedProduct && known.orders.iter().any(is_looked_at) {
            found.extend(nothing_to_map(life, &hold.order.clone().unwrap_or_default()));
        }
    }
    found.extend(cancelled_unasked(life, last, &known));
    found.extend(bought_as_it_was(life, last, &known));
    // The program's own verdict comes last: it reads, and what it read stays.
    let excused: BTreeSet<String> = known
        .orders
        .iter()
        // Also where a line stands in another of the Prebook's orders that cannot let go of it: that one is held.
        .filter(|o| known.is_asked(o) || !o.elsewhere.is_empty())
        .map(|o| o.name().to_owned())
        .collect();
    life.link();
    let net = life.net.clone();
    match net.drive(life.link().compare_all(), None) {
        End::Done(Ok(audit)) => {
            let decided = decided(&known);
            for difference in audit.differences {
                let order = difference.order.as_deref().unwrap_or_default();
                // From approval on the order's lines are nobody's to put right: only the PO and the boxes are owned.
                // Codes that Komet made itself stand until there are labels.
                // What was received is done with: its PO is not read any more.
                let is_over = known.orders.iter().any(|o| o.name() == order && o.stage == Stage::Received);
                let is_over = is_over || is_cancelled(life, &difference) || is_shipped(life, order);
                let own_code = difference.field == "box_code"
                    && difference.komet.as_deref().is_some_and(|code| code.starts_with("KS"));
                let of_po = difference.field.starts_with("po") || difference.field.starts_with("box_code");
                if !excused.contains(order) && !own_code && !is_over && (of_po || !decided.contains(order)) {
                    found.push(format!("verify: {difference:?}"));
                }
            }
        }
        End::Done(Err(error)) => found.push(format!("verify failed: {error}")),
        End::Killed => {}
    }
    found
}

/// From approval on a line is taken from its PO only by a person's word for Axerrio.
fn cut_unasked(life: &Life, known: &Remembered) -> Vec<String> {
    let state = life.net.lock();
    let mut found = Vec::new();
    for line in &state.cut {
        let links = |order: &&stemsync::domain::Order| {
            let links = order.agreed.lines.values().flat_map(|l| &l.po_lines);
            links.map(|link| u64::try_from(link.line.0)).any(|linked| linked == Ok(*line))
        };
        let Some(order) = known.orders.iter().find(links) else { continue };
        // An item that moved to another ship date, or to another Prebook, was another order's when a person was asked.
        let shares = |other: &&stemsync::domain::Order| {
            order.prebook.is_some() && other.prebook == order.prebook || order.agreed.kin.contains(&other.key)
        };
        let mut concerned = known.orders.iter().filter(shares).chain([order]);
        if !concerned.any(|order| life.taken.contains(order.name())) {
            found.push(format!("{}: approved PO line {line} was taken away unasked", order.name()));
        }
    }
    found
}

/// What moved beyond the horizon is in no list any more, and stands all the same: its order is not cancelled.
fn cancelled_unasked(life: &Life, last: NaiveDate, known: &Remembered) -> Vec<String> {
    let state = life.net.lock();
    let vendor = state.world.komet.catalogue().vendor.id;
    let mut found = Vec::new();
    for prebook in state.world.komet.prebooks() {
        let asked = known.orders.iter().any(|order| {
            let is_its = order.prebook.as_ref().is_some_and(|p| u64::try_from(p.0) == Ok(prebook.id));
            is_its && known.is_asked(order)
        });
        let items = prebook.items.iter().filter(|i| i.vendor == vendor && i.goods.boxes > 0 && !asked);
        // What a rep also moved to another Prebook is not seen there until its day comes nearer: its former order is over.
        let items = items.filter(|i| !state.moved.contains(&i.id));
        for item in items.filter(|i| i.goods.cost.is_some() && i.ship_date.is_some_and(|day| day > last)) {
            let line = item.id.to_string();
            let orders = state.world.axerrio.orders().filter(|o| o.draft.lines.iter().any(|l| l.id == line));
            let statuses: Vec<_> = orders.map(|o| o.status).collect();
            if !statuses.is_empty() && statuses.iter().all(|s| *s == OrderStatus::Cancelled) {
                found.push(format!(
                    "item {line} of Prebook {} stands, and its order was cancelled",
                    prebook.number
                ));
            }
        }
    }
    found
}

/// What a rep changed of an item that the vendor accepted is on its PO as well, or a person is asked; beyond the horizon once its day
/// comes nearer.
fn bought_as_it_was(life: &Life, last: NaiveDate, known: &Remembered) -> Vec<String> {
    let state = life.net.lock();
    let komet = &state.world.komet;
    let mut found = Vec::new();
    for order in known.orders.iter().filter(|order| order.flow == Flow::FromKomet && !known.is_asked(order)) {
        let Some(shown) = state.world.axerrio.order(order.name()) else { continue };
        let items = komet.prebooks().flat_map(|prebook| &prebook.items).filter(|item| item.goods.boxes > 0);
        let stands =
            |line: &str| shown.draft.lines.iter().any(|own| own.id == line && own.confirmed_boxes != Some(0));
        // What a mixed box is called is no product.
        let items = items.filter(|item| item.goods.parts.is_empty());
        let items = items.filter(|item| item.ship_date.is_some_and(|day| day <= last));
        for item in items.filter(|item| shown.status == OrderStatus::Accepted && stands(&item.id.to_string())) {
            let is_open = |po: &PurchaseOrder| po.status != PoStatus::Cancelled;
            let lines = komet.lines_buying(item.id).filter(|(po, line)| is_open(po) && line.boxes.is_empty());
            for (po, line) in lines.filter(|(_, line)| line.goods.boxes > 0) {
                let (now, bought) = (&item.goods, &line.goods);
                if now.product.is_some() && (now.product, &now.mark_code) != (bought.product, &bought.mark_code) {
                    found.push(format!(
                        "{}: item {} is {:?} {:?} by now, PO {} buys {:?} {:?}",
                        order.name(),
                        item.id,
                        now.product,
                        now.mark_code,
                        po.number,
                        bought.product,
                        bought.mark_code
                    ));
                }
            }
        }
    }
    found
}

/// Whether the vendor has shipped the order: it is over, also if its Prebook is gone since.
fn is_shipped(life: &Life, order: &str) -> bool {
    life.net.lock().world.axerrio.order(order).is_some_and(|order| order.status == OrderStatus::Shipped)
}

/// Whether a difference is about a PO that procurement cancelled: nothing of it is owed to anybody.
fn is_cancelled(life: &Life, difference: &Difference) -> bool {
    let state = life.net.lock();
    let texts = [&difference.axerrio, &difference.komet].into_iter().flatten();
    let mut numbers = texts.filter_map(|text| text.split_whitespace().last()?.parse::<u64>().ok());
    numbers.any(|number| {
        let komet = &state.world.komet;
        let po = komet.purchase_order(number).or_else(|| komet.po_line(number).map(|(po, _)| po));
        po.is_some_and(|po| po.status == PoStatus::Cancelled)
    })
}

/// The orders of flow 1 whose PO procurement has decided about.
fn decided(known: &Remembered) -> BTreeSet<String> {
    let is_decided = |order: &&stemsync::domain::Order| {
        order.flow == stemsync::domain::Flow::FromAxerrio
            && order.komet.purchase_orders.iter().any(|po| po.status.is_decided())
    };
    known.orders.iter().filter(is_decided).map(|order| order.name().to_owned()).collect()
}

/// Another vendor's Prebooks and POs for stock are as their people made them.
fn strangers(life: &Life) -> Vec<String> {
    let state = life.net.lock();
    let vendor = state.world.komet.catalogue().vendor.id;
    let mut found = Vec::new();
    for (id, items) in &state.strangers.prebooks {
        // A stray line of this link's, which `useExisting` put there, is deleted: a Vendor token leaves it with quantity 0.
        let is_stray = |item: &&PrebookItem| item.vendor == vendor && item.goods.boxes == 0;
        let now = state.world.komet.prebook(*id).map(|prebook| {
            let items = prebook.items.iter().filter(|item| !is_stray(item));
            items.map(|item| (item.id, item.goods.boxes)).collect()
        });
        if now.as_ref() != Some(items) {
            found.push(format!("another vendor's Prebook {id} was touched: {items:?} is now {now:?}"));
        }
    }
    for (number, lines) in &state.strangers.stock {
        let now = state.world.komet.purchase_order(*number);
        let now: Option<Vec<_>> = now.map(|po| po.lines.iter().map(|l| (l.id, l.goods.boxes)).collect());
        if now.as_ref() != Some(lines) {
            found.push(format!("the stock PO {number} was touched: {lines:?} is now {now:?}"));
        }
    }
    let foreign = state.world.komet.prebooks().flat_map(|p| &p.items).filter(|i| i.vendor != vendor);
    for item in foreign {
        if state.world.komet.lines_buying(item.id).next().is_some() {
            found.push(format!("another vendor's item {} was bought", item.id));
        }
    }
    found
}

fn watermarks_ahead(life: &mut Life) -> Vec<String> {
    let mut found = Vec::new();
    for (stream, system) in
        [(Stream::Orders, System::Axerrio), (Stream::Labels, System::Axerrio), (Stream::Prebooks, System::Komet)]
    {
        let now = life.net.lock().clock(system);
        let all = life.link().store.read_blocking(move |conn| watermarks::list(conn, stream)).unwrap();
        for (part, mark) in all.into_iter().filter(|(_, mark)| mark.at > now) {
            found.push(format!("the watermark {stream:?} {part} is ahead: {} after {now}", mark.at));
        }
    }
    found
}

/// An order that waits for a product to be mapped has one that is not.
fn nothing_to_map(life: &Life, order: &str) -> Option<String> {
    let state = life.net.lock();
    let unmapped = |goods: &stemsync::sandbox::komet::Goods| {
        goods.product.is_none() || goods.parts.iter().any(|p| p.product.is_none())
    };
    let any_item = state.world.komet.prebooks().flat_map(|p| &p.items).any(|i| unmapped(&i.goods));
    let any_line = state.world.komet.purchase_orders().flat_map(|p| &p.lines).any(|l| unmapped(&l.goods));
    (!any_item && !any_line).then(|| format!("{order} waits for a product to be mapped, and none is unknown"))
}
