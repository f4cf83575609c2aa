//! Which order each item of a Prebook belongs to.

use std::collections::{BTreeMap, BTreeSet};

use super::by_date::group_by_ship_date;
use crate::domain::{
    Agreed, AxOrderId, AxStatus, Flow, ItemId, LineId, Order, OrderKey, Prebook, PrebookId, PrebookItem, Unseen,
    tag,
};
use crate::store::orders::{self, NewOrder};
use crate::store::{Connection, StoreError};

/// Which order each item of a Prebook belongs to: by tag, else by what is linked already, else by ship date (flow 2).
pub(super) fn owners(
    conn: &Connection,
    prebook: &Prebook,
) -> Result<BTreeMap<OrderKey, BTreeSet<ItemId>>, StoreError> {
    let mut owners: BTreeMap<OrderKey, BTreeSet<ItemId>> = BTreeMap::new();
    let mut flow2 = Vec::new();
    let mut copied = BTreeSet::new();
    let mut flow1 = match prebook.comments.as_deref().and_then(tag::find) {
        Some(id) => tagged(conn, prebook, id)?,
        None => None,
    };
    for key in orders::keys_by_prebook(conn, &prebook.id)? {
        match orders::identity(conn, key)? {
            Some(order) if order.flow == Flow::FromKomet => flow2.push(order),
            // Without its tag a Prebook is an order's only if stemsync made it: one that `useExisting` found by mistake
            // stays its sales rep's, and a copy that bore the tag becomes its own order's.
            Some(order) if flow1.is_none() => match orders::load_agreed(conn, key)? {
                agreed if is_its(&agreed, &prebook.id) => flow1 = Some(order.key),
                agreed => let_go(conn, order.key, agreed, &prebook.id, &mut copied)?,
            },
            _ => {}
        }
    }
    if flow1.is_none() && flow2.is_empty() {
        flow1 = looked_for(conn, prebook)?;
    }
    let mut free: Vec<&PrebookItem> = Vec::new();
    for item in &prebook.items {
        match orders::key_by_item(conn, &item.id)? {
            // A line that `useExisting` put into somebody else's Prebook stays its order's.
            Some(key) if flow1 == Some(key) || !copied.contains(&key) && may_be_its(conn, key, &item.id)? => {
                owners.entry(key).or_default().insert(item.id.clone());
            }
            _ => free.push(item),
        }
    }
    match flow1 {
        Some(key) => {
            owners.entry(key).or_default().extend(free.iter().map(|item| item.id.clone()));
        }
        None => group_by_ship_date(conn, prebook, &free, flow2, &mut owners)?,
    }
    Ok(owners)
}

/// Whether a line of the order was ever in this Prebook of its, or stemsync made it and has not read it since.
fn is_its(agreed: &Agreed, prebook: &PrebookId) -> bool {
    agreed.prebooks.get(prebook).is_some_and(|made| {
        made.seen.is_none()
            || agreed.unseen.values().any(|unseen| *unseen == Unseen::Made(made.number.clone()))
            || agreed.strays.iter().any(|stray| stray.prebook == *prebook)
            || agreed.has_lines_in(prebook)
    })
}

/// An order lets go of a Prebook that only bore its tag.
fn let_go(
    conn: &Connection,
    key: OrderKey,
    mut agreed: Agreed,
    prebook: &PrebookId,
    copied: &mut BTreeSet<OrderKey>,
) -> Result<(), StoreError> {
    if agreed.prebooks.remove(prebook).is_some() {
        orders::save_agreed(conn, key, &agreed)?;
        copied.insert(key);
    }
    Ok(())
}

/// The order whose tag a rep wrote behind, if it looks for its Prebook: one of its lines has no live item. What merely speaks of an
/// order that has all of its own is a Prebook like any other.
fn looked_for(conn: &Connection, prebook: &Prebook) -> Result<Option<OrderKey>, StoreError> {
    for id in prebook.comments.as_deref().map(tag::within).unwrap_or_default() {
        let Some(key) = orders::key_by_ax_id(conn, &id)? else { continue };
        let Some(order) = orders::load(conn, key)?.filter(|order| order.flow == Flow::FromAxerrio) else {
            continue;
        };
        if lacks_an_item(&order) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// Whether a line that Axerrio wants has no live item.
fn lacks_an_item(order: &Order) -> bool {
    let items: BTreeSet<&ItemId> =
        order.komet.prebooks.iter().flat_map(|p| &p.items).filter(|i| i.is_alive()).map(|i| &i.id).collect();
    let stands = |line: &LineId| {
        let link = order.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
        link.is_some_and(|link| items.contains(&link.item) || link.seen.is_none() && !link.dead)
    };
    let wanted = order.axerrio.order.iter().filter(|order| order.status != AxStatus::Cancelled);
    let mut lines = wanted.flat_map(|order| &order.lines).filter(|line| line.terms.boxes > 0);
    lines.any(|line| !stands(&line.id))
}

/// Whether an item that once was under an order's tag, and is in somebody else's Prebook now, may still be the order's: it stands for a
/// line, or for one that lacks its item. What a rep had only added there is Komet's own by then, and so is what a person was asked about
/// as such, whichever line waits; what a tag names that Axerrio has not shown goes when the tag goes.
fn may_be_its(conn: &Connection, key: OrderKey, item: &ItemId) -> Result<bool, StoreError> {
    if !is_flow1(conn, key)? {
        return Ok(false);
    }
    let Some(order) = orders::load(conn, key)?.filter(|order| order.axerrio.order.is_some()) else {
        return Ok(false);
    };
    let agreed = &order.agreed;
    let lines = agreed.lines.values();
    let stand = lines.clone().filter_map(|line| line.item.as_ref()).map(|link| &link.item);
    let bought = lines.flat_map(|line| &line.po_lines).map(|link| &link.item);
    let astray = agreed.strays.iter().filter_map(|stray| stray.item.as_ref());
    let is_linked = stand.chain(bought).chain(astray).any(|own| own == item);
    Ok(is_linked || !agreed.added.contains(item) && lacks_an_item(&order))
}

fn is_flow1(conn: &Connection, key: OrderKey) -> Result<bool, StoreError> {
    Ok(orders::identity(conn, key)?.is_some_and(|order| order.flow == Flow::FromAxerrio))
}

/// The order that a tag names; one that Axerrio has not shown yet is put on file. No tag of this link's names an order that was
/// prebooked in Komet.
fn tagged(conn: &Connection, prebook: &Prebook, id: AxOrderId) -> Result<Option<OrderKey>, StoreError> {
    if let Some(key) = orders::key_by_ax_id(conn, &id)? {
        return Ok(is_flow1(conn, key)?.then_some(key));
    }
    let ship_date = prebook.items.first().map_or(prebook.header.truck_date, |i| i.ship_date);
    let new = NewOrder { flow: Flow::FromAxerrio, ax_id: Some(id), reference: None, prebook: None, ship_date };
    Ok(Some(orders::insert(conn, &new)?))
}

pub(super) fn owner_of(owners: &BTreeMap<OrderKey, BTreeSet<ItemId>>, item: &PrebookItem) -> Option<OrderKey> {
    owners.iter().find(|(_, items)| items.contains(&item.id)).map(|(key, _)| *key)
}
