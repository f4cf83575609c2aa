//! A Prebook of Komet's own is one order for each ship date: which order takes which date, and which are new.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::domain::{AxStatus, ExternalRef, Flow, ItemId, KometView, LineId, OrderKey, Prebook, PrebookItem};
use crate::store::orders::{self, NewOrder};
use crate::store::{Connection, StoreError};

/// Flow 2: one order for each vendor ship date. An order whose items all moved to another date moves with them.
pub(super) fn group_by_ship_date(
    conn: &Connection,
    prebook: &Prebook,
    items: &[&PrebookItem],
    mut known: Vec<orders::Identity>,
    owners: &mut BTreeMap<OrderKey, BTreeSet<ItemId>>,
) -> Result<(), StoreError> {
    let mut dates: BTreeMap<NaiveDate, Vec<&PrebookItem>> = BTreeMap::new();
    for item in items {
        // A deleted item goes nowhere, whatever its ship date says: whose it was is told of its end.
        if !item.is_alive()
            && let Some(order) = last_owner(conn, item, &known)?
        {
            owners.entry(order).or_default().insert(item.id.clone());
            continue;
        }
        // An item that was never alive is nobody's order, unless Axerrio has an order for its Prebook.
        if item.is_alive() || !known.is_empty() || orders::key_by_item(conn, &item.id)?.is_some() {
            dates.entry(item.ship_date).or_default().push(item);
        }
    }
    let mut views = BTreeMap::new();
    let mut ordered = BTreeMap::new();
    let mut stays = BTreeMap::new();
    for order in &known {
        let view = orders::load_komet(conn, order.key)?;
        let is_empty = view.prebooks.iter().all(|prebook| prebook.items.is_empty());
        let has_left = !dates.contains_key(&order.ship_date);
        if is_empty || has_left {
            let shown = orders::load(conn, order.key)?.and_then(|order| order.axerrio.order);
            let stands = shown.as_ref().filter(|shown| has_left && shown.status != AxStatus::Cancelled);
            stays.extend(stands.map(|shown| (order.key, shown.header.ship_date)));
            let lines = shown.into_iter().flat_map(|order| order.lines).map(|line| line.id);
            ordered.insert(order.key, lines.collect::<Vec<LineId>>());
        }
        views.insert(order.key, view);
    }
    // Orders that already ship on one of these dates keep it.
    let mut targets: BTreeMap<NaiveDate, OrderKey> = BTreeMap::new();
    for date in dates.keys() {
        if let Some(at) = known.iter().position(|order| order.ship_date == *date) {
            targets.insert(*date, known.remove(at).key);
        }
    }
    // An order whose items went to one date goes with them.
    for (date, group) in dates.iter().filter(|(date, _)| !targets.contains_key(date)).collect::<Vec<_>>() {
        let whole = known.iter().position(|order| {
            let view = views.get(&order.key);
            let mut own = view.into_iter().flat_map(|v| &v.prebooks).flat_map(|p| &p.items).peekable();
            if own.peek().is_none() {
                // After a lost database the window of what Axerrio has of the order may not have been read yet.
                let lines = ordered.get(&order.key).filter(|lines| !lines.is_empty());
                let is_its =
                    |item: &&PrebookItem| lines.is_none_or(|lines| lines.contains(&LineId::from(&item.id)));
                return dates.len() == 1 && group.iter().any(is_its);
            }
            own.filter(|i| i.is_alive()).all(|i| group.iter().any(|now| now.id == i.id) || was_seen(items, i))
                && group.iter().any(|now| view.is_some_and(|v| holds(v, &now.id)))
        });
        if let Some(at) = whole {
            let order = known.remove(at);
            orders::move_to(conn, order.key, *date)?;
            targets.insert(*date, order.key);
        }
    }
    for (date, group) in &dates {
        let key = match targets.get(date) {
            Some(key) => *key,
            // It was to move, and Axerrio never took that: there it ships on this day all along.
            None => match known.iter().position(|order| stays.get(&order.key) == Some(date)) {
                Some(at) => {
                    let order = known.remove(at);
                    orders::move_to(conn, order.key, *date)?;
                    order.key
                }
                None if group.iter().any(|i| i.is_alive()) => new_order(conn, prebook, *date)?,
                None => continue,
            },
        };
        owners.entry(key).or_default().extend(group.iter().map(|item| item.id.clone()));
    }
    Ok(())
}

/// Which of the Prebook's orders had the item in Komet, or has it in Axerrio still.
fn last_owner(
    conn: &Connection,
    item: &PrebookItem,
    known: &[orders::Identity],
) -> Result<Option<OrderKey>, StoreError> {
    if let Some(key) = orders::key_by_item(conn, &item.id)? {
        return Ok(known.iter().any(|order| order.key == key).then_some(key));
    }
    let line = LineId::from(&item.id);
    for order in known {
        let shown = orders::load(conn, order.key)?.and_then(|order| order.axerrio.order);
        if shown.is_some_and(|shown| shown.lines.iter().any(|own| own.id == line)) {
            return Ok(Some(order.key));
        }
    }
    Ok(None)
}

/// The item is shown again, on whichever date.
fn was_seen(items: &[&PrebookItem], item: &PrebookItem) -> bool {
    items.iter().any(|now| now.id == item.id && (now.ship_date != item.ship_date || !now.is_alive()))
}

fn holds(view: &KometView, item: &ItemId) -> bool {
    view.prebooks.iter().flat_map(|p| &p.items).any(|i| i.id == *item)
}

/// A ship date of a Prebook that was not seen before. An order that has nothing left is taken up again; one that moved on to
/// another date keeps its name, and what is new gets another one.
fn new_order(conn: &Connection, prebook: &Prebook, ship_date: NaiveDate) -> Result<OrderKey, StoreError> {
    let mut reference = ExternalRef::first(&prebook.id);
    let mut again = 0;
    while let Some(key) = orders::key_by_reference(conn, &reference)? {
        let view = orders::load_komet(conn, key)?;
        let is_empty = !view.prebooks.iter().flat_map(|prebook| &prebook.items).any(PrebookItem::is_alive);
        if again > 0 && is_empty {
            orders::move_to(conn, key, ship_date)?;
            return Ok(key);
        }
        again += 1;
        reference = ExternalRef::further(&prebook.id, ship_date, again);
    }
    orders::insert(
        conn,
        &NewOrder {
            flow: Flow::FromKomet,
            ax_id: None,
            reference: Some(reference),
            prebook: Some(prebook.id.clone()),
            ship_date,
        },
    )
}
