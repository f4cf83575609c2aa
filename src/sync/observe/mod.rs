//! From what a system showed to the views: which order a thing belongs to, and what of its view it replaces. Runs in
//! the transaction that also moves the watermark. Nothing is taken out of a view here because a list lacks it;
//! [`forget_items`] and [`forget_po`] do that, once a look-up by number has confirmed it. Whose a Prebook's items are, [`owners`] says, and
//! [`by_date`] of those prebooked in Komet.

mod by_date;
mod owners;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use self::owners::{owner_of, owners};
use crate::domain::{
    Agreed, AxOrder, AxStatus, Flow, ItemId, KometView, OrderKey, Origin, PoLine, PoNumber, Prebook, PrebookItem,
    PurchaseOrder,
};
use crate::store::orders::{self, NewOrder};
use crate::store::{Connection, StoreError, runs};
use crate::sync::report::Job;

/// Stores what Axerrio showed of an order. Orders that came from elsewhere than Axerrio or this link are not ours.
/// Says whether it was news.
pub fn axerrio_order(conn: &Connection, order: &AxOrder) -> Result<bool, StoreError> {
    let from_komet = order.origin == Origin::Komet;
    let known = match orders::key_by_ax_id(conn, &order.id)? {
        None if from_komet => match &order.external_ref {
            Some(reference) => orders::key_by_reference(conn, reference)?,
            None => None,
        },
        known => known,
    };
    let key = match known {
        Some(key) => key,
        None if from_komet => {
            let Some(reference) = order.external_ref.clone() else { return Ok(false) };
            let Some(prebook) = reference.prebook() else { return Ok(false) };
            let ship_date = order.header.ship_date;
            let new = NewOrder {
                flow: Flow::FromKomet,
                ax_id: Some(order.id.clone()),
                reference: Some(reference),
                prebook: Some(prebook.clone()),
                ship_date,
            };
            let key = orders::insert(conn, &new)?;
            if order.status != AxStatus::Cancelled {
                let items = order.lines.iter().filter_map(|line| line.id.0.parse().ok().map(ItemId));
                orders::link_ordered(conn, key, (&prebook, ship_date), items)?;
            }
            key
        }
        None => orders::insert(
            conn,
            &NewOrder {
                flow: Flow::FromAxerrio,
                ax_id: Some(order.id.clone()),
                reference: None,
                prebook: None,
                ship_date: order.header.ship_date,
            },
        )?,
    };
    let changed = orders::observe_axerrio(conn, key, order)?;
    // Where a lost database told of it, what that PO buys for the order is found also if its items are gone.
    if let Some(told) = order.purchase_order.as_ref().filter(|_| changed) {
        orders::link_po(conn, &told.number, key)?;
    }
    Ok(changed)
}

/// As [`axerrio_order`], of what changed since the feed was read last: an order that was never seen is due.
pub fn axerrio_news(conn: &Connection, order: &AxOrder) -> Result<bool, StoreError> {
    let is_new = order.origin == Origin::Axerrio && orders::key_by_ax_id(conn, &order.id)?.is_none();
    let is_due = is_new && is_news(conn, order)?;
    let changed = axerrio_order(conn, order)?;
    if is_due && let Some(key) = orders::key_by_ax_id(conn, &order.id)? {
        orders::save_agreed(conn, key, &Agreed { due: true, ..Agreed::default() })?;
    }
    Ok(changed)
}

/// Whether an order that was never seen came up since this link works, and is to be written to Komet also if its ship date went by
/// before anybody read of it: while stemsync stood still, or Axerrio did not answer. What was ordered before is nobody's to write,
/// nor what somebody saw through to its PO, or changed long after it shipped.
fn is_news(conn: &Connection, order: &AxOrder) -> Result<bool, StoreError> {
    let until = order.header.ship_date.checked_add_days(STILL_NEWS).unwrap_or(NaiveDate::MAX);
    if order.purchase_order.is_some() || order.changed_at.date_naive() > until {
        return Ok(false);
    }
    Ok(runs::last(conn, Job::Orders)?.is_some_and(|last| last.last_success.is_some()))
}

/// How many days after its ship date an order that was never seen is still asked about.
const STILL_NEWS: Days = Days::new(14);

/// Stores what Komet showed of a Prebook. Says how many orders' views changed.
pub fn prebook(conn: &Connection, prebook: &Prebook) -> Result<u64, StoreError> {
    let owners = owners(conn, prebook)?;
    let mut changed = 0;
    let mut moved: BTreeMap<(OrderKey, OrderKey), BTreeSet<ItemId>> = BTreeMap::new();
    for item in &prebook.items {
        if let (Some(former), Some(now)) = (orders::key_by_item(conn, &item.id)?, owner_of(&owners, item))
            && former != now
        {
            moved.entry((former, now)).or_default().insert(item.id.clone());
        }
    }
    for ((former, now), items) in moved {
        changed += u64::from(forget_items(conn, former, &items)?);
        changed += move_po_lines(conn, former, now, &items)?;
        become_kin(conn, former, now)?;
    }
    for (key, items) in owners {
        let mut view = orders::load_komet(conn, key)?;
        let items: Vec<PrebookItem> =
            prebook.items.iter().filter(|item| items.contains(&item.id)).cloned().collect();
        merge(&mut view, prebook, items);
        changed += u64::from(orders::observe_komet(conn, key, &view)?);
    }
    Ok(changed)
}

/// An item of Komet's own moved from one order to another. With what either shared before, since the item may have come from there, and
/// Axerrio may have it there still.
fn become_kin(conn: &Connection, former: OrderKey, now: OrderKey) -> Result<(), StoreError> {
    let mut kin = BTreeSet::from([former, now]);
    for key in [former, now] {
        if orders::identity(conn, key)?.is_none_or(|order| order.flow != Flow::FromKomet) {
            return Ok(());
        }
        kin.extend(orders::load_agreed(conn, key)?.kin);
    }
    for key in &kin {
        let mut agreed = orders::load_agreed(conn, *key)?;
        agreed.kin = kin.iter().copied().filter(|other| other != key).collect();
        orders::save_agreed(conn, *key, &agreed)?;
    }
    Ok(())
}

/// Items that are known to be an order's strays are its own from then on, also where a list showed them before as another order's.
pub fn claim_strays(conn: &Connection, key: OrderKey, agreed: &Agreed) -> Result<(), StoreError> {
    for item in agreed.strays.iter().filter_map(|stray| stray.item.as_ref()) {
        let Some(former) = orders::key_by_item(conn, item)?.filter(|former| *former != key) else { continue };
        let left = orders::load_komet(conn, former)?;
        let mut prebooks = left.prebooks.iter();
        let Some(prebook) = prebooks.find(|prebook| prebook.items.iter().any(|own| own.id == *item)) else {
            continue;
        };
        let shown = prebook.items.iter().filter(|own| own.id == *item).cloned().collect();
        let items = BTreeSet::from([item.clone()]);
        forget_items(conn, former, &items)?;
        move_po_lines(conn, former, key, &items)?;
        let mut view = orders::load_komet(conn, key)?;
        merge(&mut view, prebook, shown);
        orders::observe_komet(conn, key, &view)?;
    }
    Ok(())
}

/// What Komet showed of the PO lines that buy for these items belongs to the order that they belong to now.
fn move_po_lines(
    conn: &Connection,
    from: OrderKey,
    to: OrderKey,
    items: &BTreeSet<ItemId>,
) -> Result<u64, StoreError> {
    let (mut left, mut view) = (orders::load_komet(conn, from)?, orders::load_komet(conn, to)?);
    for po in &mut left.purchase_orders {
        let buys = |line: &PoLine| line.item_id.as_ref().is_some_and(|item| items.contains(item));
        let (going, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut po.lines).into_iter().partition(buys);
        po.lines = staying;
        if going.is_empty() {
            continue;
        }
        match view.purchase_orders.iter_mut().find(|own| own.number == po.number) {
            Some(own) => {
                own.lines.retain(|line| !going.iter().any(|new| new.id == line.id));
                own.lines.extend(going);
            }
            None => view.purchase_orders.push(PurchaseOrder { lines: going, ..po.clone() }),
        }
    }
    view.purchase_orders.sort_by(|a, b| a.number.cmp(&b.number));
    let mut changed = 0;
    for (key, view) in [(from, left), (to, view)] {
        changed += u64::from(orders::observe_komet(conn, key, &view)?);
    }
    Ok(changed)
}

/// The Prebook with these items in place of what the view had of them; items of other ship dates stay. An item is in one Prebook:
/// a rep may have moved it to this one.
fn merge(view: &mut KometView, prebook: &Prebook, items: Vec<PrebookItem>) {
    for other in view.prebooks.iter_mut().filter(|other| other.id != prebook.id) {
        other.items.retain(|old| !items.iter().any(|new| new.id == old.id));
    }
    let former = view.prebooks.iter().position(|p| p.id == prebook.id);
    let mut kept = former.map(|at| view.prebooks.remove(at).items).unwrap_or_default();
    kept.retain(|old| !items.iter().any(|new| new.id == old.id));
    kept.extend(items);
    kept.sort_by_key(|item| item.id.0);
    let merged = Prebook { items: kept, ..prebook.clone() };
    view.prebooks.insert(former.unwrap_or(view.prebooks.len()), merged);
    view.prebooks.sort_by_key(|p| p.id.0);
}

/// Takes items out of an order's view: Komet no longer has them, or another order does. Says whether it had them.
pub fn forget_items(conn: &Connection, key: OrderKey, items: &BTreeSet<ItemId>) -> Result<bool, StoreError> {
    let mut view = orders::load_komet(conn, key)?;
    for prebook in &mut view.prebooks {
        prebook.items.retain(|item| !items.contains(&item.id));
    }
    view.prebooks.retain(|p| !p.items.is_empty());
    let mut agreed = orders::load_agreed(conn, key)?;
    let links = agreed.lines.values_mut().filter_map(|line| line.item.as_mut());
    let mut unread = 0;
    for link in links.filter(|l| l.seen.is_none() && !l.gone && items.contains(&l.item)) {
        link.gone = true;
        unread += 1;
    }
    if unread > 0 {
        orders::save_agreed(conn, key, &agreed)?;
        orders::mark_dirty(conn, &[key])?;
    }
    Ok(orders::observe_komet(conn, key, &view)? || unread > 0)
}

/// Stores what Komet showed of a PO: each order gets the lines that buy for its items. Lines of others, and POs
/// without a Prebook, are nobody's. Says how many orders' views changed.
pub fn purchase_order(conn: &Connection, po: &PurchaseOrder) -> Result<u64, StoreError> {
    let mut lines: BTreeMap<OrderKey, Vec<_>> = BTreeMap::new();
    let (mut unnamed, mut unknown) = (Vec::new(), Vec::new());
    for line in &po.lines {
        let Some(item) = &line.item_id else {
            unnamed.push(line);
            continue;
        };
        match orders::key_by_item(conn, item)? {
            Some(key) => lines.entry(key).or_default().push(line.clone()),
            None => unknown.push(line),
        }
    }
    // An order that had lines on this PO and has none any more is told so.
    for key in orders::keys_by_po(conn, &po.number)? {
        let lines = lines.entry(key).or_default();
        if !unnamed.is_empty() {
            lines.extend(known_lines(conn, key, &unnamed)?);
        }
        if !unknown.is_empty() {
            lines.extend(told_lines(conn, key, &unknown)?);
        }
    }
    let mut changed = 0;
    for (key, lines) in lines {
        let mut view = orders::load_komet(conn, key)?;
        let before = view.purchase_orders.len();
        view.purchase_orders.retain(|p| p.number != po.number);
        // What it bought may have become another order's before anybody saw it; how the PO stands is told it all the same.
        if lines.is_empty() && before == view.purchase_orders.len() && !has_bought_on(conn, key, &po.number)? {
            continue;
        }
        // A line that moved to this PO has left the one it was on.
        for other in &mut view.purchase_orders {
            other.lines.retain(|old| !lines.iter().any(|new| new.id == old.id));
        }
        view.purchase_orders.push(PurchaseOrder { lines, ..po.clone() });
        view.purchase_orders.sort_by(|a, b| a.number.cmp(&b.number));
        changed += u64::from(orders::observe_komet(conn, key, &view)?);
    }
    Ok(changed)
}

/// Those of these PO lines that the order is known to have bought: Komet may name the item no more once that is deleted (assumed).
fn known_lines(conn: &Connection, key: OrderKey, unnamed: &[&PoLine]) -> Result<Vec<PoLine>, StoreError> {
    let agreed = orders::load_agreed(conn, key)?;
    let links = || agreed.lines.values().flat_map(|line| &line.po_lines).filter(|link| !link.was_deleted());
    let known = unnamed.iter().filter_map(|line| {
        let link = links().find(|link| link.line == line.id)?;
        Some(PoLine { item_id: Some(link.item.clone()), ..(*line).clone() })
    });
    Ok(known.collect())
}

/// Those of these PO lines of which Axerrio was told that they buy for the order: by a database that is lost, since this one knows
/// nothing of their items.
fn told_lines(conn: &Connection, key: OrderKey, unknown: &[&PoLine]) -> Result<Vec<PoLine>, StoreError> {
    let order = orders::load(conn, key)?.and_then(|order| order.axerrio.order);
    let told = order.and_then(|order| order.purchase_order).map(|told| told.lines).unwrap_or_default();
    let is_told = |line: &PoLine| told.iter().any(|told| told.po_item_id == line.id.to_string());
    Ok(unknown.iter().filter(|line| is_told(line)).map(|line| (*line).clone()).collect())
}

/// Whether a line of the order was bought on this PO and never shown there.
fn has_bought_on(conn: &Connection, key: OrderKey, number: &PoNumber) -> Result<bool, StoreError> {
    let agreed = orders::load_agreed(conn, key)?;
    let mut links = agreed.lines.values().flat_map(|line| &line.po_lines);
    Ok(links.any(|link| link.number == *number && link.seen.is_none() && !link.dead))
}

/// Takes a PO out of its orders' views.
pub fn forget_po(conn: &Connection, number: &PoNumber) -> Result<u64, StoreError> {
    let mut changed = 0;
    for key in orders::keys_by_po(conn, number)? {
        let mut view = orders::load_komet(conn, key)?;
        view.purchase_orders.retain(|p| p.number != *number);
        orders::look_for_po(conn, number, key)?;
        changed += u64::from(orders::observe_komet(conn, key, &view)?);
    }
    Ok(changed)
}
