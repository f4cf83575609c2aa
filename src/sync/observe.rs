//! From what a system showed to the views: which order a thing belongs to, and what of its view it replaces. Runs in
//! the transaction that also moves the watermark. Nothing is taken out of a view here because a list lacks it;
//! [`forget_items`] and [`forget_po`] do that, once a look-up by number has confirmed it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use crate::domain::{
    Agreed, AxOrder, AxOrderId, AxStatus, ExternalRef, Flow, ItemId, KometView, LineId, OrderKey, Origin, PoLine,
    PoNumber, Prebook, PrebookId, PrebookItem, PurchaseOrder, Unseen, tag,
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
            orders::insert(
                conn,
                &NewOrder {
                    flow: Flow::FromKomet,
                    ax_id: Some(order.id.clone()),
                    reference: Some(reference),
                    prebook: Some(prebook),
                    ship_date: order.header.ship_date,
                },
            )?
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
    orders::observe_axerrio(conn, key, order)
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

fn owner_of(owners: &BTreeMap<OrderKey, BTreeSet<ItemId>>, item: &PrebookItem) -> Option<OrderKey> {
    owners.iter().find(|(_, items)| items.contains(&item.id)).map(|(key, _)| *key)
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

/// Which order each item of a Prebook belongs to: by tag, else by what is linked already, else by ship date (flow 2).
fn owners(conn: &Connection, prebook: &Prebook) -> Result<BTreeMap<OrderKey, BTreeSet<ItemId>>, StoreError> {
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
            Some(key) if flow1 == Some(key) || !copied.contains(&key) && is_shown_flow1(conn, key)? => {
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
        let items: BTreeSet<&ItemId> =
            order.komet.prebooks.iter().flat_map(|p| &p.items).filter(|i| i.is_alive()).map(|i| &i.id).collect();
        let stands = |line: &LineId| {
            let link = order.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
            link.is_some_and(|link| items.contains(&link.item) || link.seen.is_none() && !link.dead)
        };
        let mut lines =
            order.axerrio.order.iter().flat_map(|order| &order.lines).filter(|line| line.terms.boxes > 0);
        if lines.any(|line| !stands(&line.id)) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// Whether it is an order of flow 1 that Axerrio has shown: what a tag names that is no order's goes when the tag goes.
fn is_shown_flow1(conn: &Connection, key: OrderKey) -> Result<bool, StoreError> {
    Ok(is_flow1(conn, key)? && orders::load(conn, key)?.is_some_and(|order| order.axerrio.order.is_some()))
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

/// Flow 2: one order for each vendor ship date. An order whose items all moved to another date moves with them.
fn group_by_ship_date(
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
    let mut unnamed = Vec::new();
    for line in &po.lines {
        let Some(item) = &line.item_id else {
            unnamed.push(line);
            continue;
        };
        if let Some(key) = orders::key_by_item(conn, item)? {
            lines.entry(key).or_default().push(line.clone());
        }
    }
    // An order that had lines on this PO and has none any more is told so.
    for key in orders::keys_by_po(conn, &po.number)? {
        let lines = lines.entry(key).or_default();
        if !unnamed.is_empty() {
            lines.extend(known_lines(conn, key, &unnamed)?);
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
