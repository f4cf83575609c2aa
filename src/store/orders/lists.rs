//! Which orders a job must look at, and how many there are. Every question that each run asks is answered from an
//! index that holds just the answer, so that it costs the same at a thousand orders and at a hundred thousand.
//! `INDEXED BY` makes that a promise: a query that could not use its index would be an error.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use rusqlite::{Connection, OptionalExtension, params};

use super::links::keys;
use crate::domain::{ItemId, OrderKey, PrebookId, Stage};
use crate::store::StoreError;
use crate::store::columns::{Day, Named, from_doc};

/// Orders whose views changed since they were planned, the most urgent ship date first.
pub fn dirty(conn: &Connection) -> Result<Vec<OrderKey>, StoreError> {
    keys(conn, "SELECT key FROM orders INDEXED BY orders_dirty WHERE dirty = 1 ORDER BY ship_date, key", [])
}

/// How many orders are dirty.
pub fn backlog(conn: &Connection) -> Result<i64, StoreError> {
    count(conn, "SELECT count(*) FROM orders INDEXED BY orders_dirty WHERE dirty = 1")
}

/// How many orders that ship from `from` on are neither received nor cancelled. Counts index entries: for the brake,
/// not for every poll.
pub fn open_count(conn: &Connection, from: NaiveDate) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM orders WHERE ship_date >= ?1
                AND stage IN ('placed', 'prebooked', 'po_pending', 'po_approved', 'labelled')";
    Ok(conn.prepare_cached(sql)?.query_row([Day(from)], |row| row.get(0))?)
}

fn count(conn: &Connection, sql: &'static str) -> Result<i64, StoreError> {
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The ship dates from `from` on that hold an order with a PO on which something may still happen: pending,
/// approved, or labelled but not received.
pub fn open_po_ship_dates(conn: &Connection, from: NaiveDate) -> Result<Vec<NaiveDate>, StoreError> {
    // One step in the index for each date, however many orders ship on it. The stages are spelled as the partial
    // index spells them.
    let mut next = conn.prepare_cached(
        "SELECT min(ship_date) FROM orders INDEXED BY orders_with_open_po
         WHERE stage IN ('po_pending', 'po_approved', 'labelled') AND ship_date >= ?1",
    )?;
    let mut dates = Vec::new();
    let mut from = Some(from);
    while let Some(day) = from {
        let found: Option<Day> = next.query_row([Day(day)], |row| row.get(0))?;
        dates.extend(found.as_ref().map(|day| day.0));
        // Days are on file as texts, among which one of five digits would come first.
        from = found.and_then(|day| day.0.succ_opt()).filter(|day| day.year() <= 9999);
    }
    Ok(dates)
}

/// Whether an order of this ship date, or its PO, is cancelled.
pub fn is_any_cancelled(conn: &Connection, ship_date: NaiveDate) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM orders WHERE ship_date = ?1 AND stage = 'cancelled')";
    Ok(conn.prepare_cached(sql)?.query_row([Day(ship_date)], |row| row.get(0))?)
}

/// The further ship dates from `from` on at which a PO is to be looked for: it stands there while its order ships on another, or
/// nothing is bought for the order any more, which still stands in Komet.
pub fn further_po_dates(conn: &Connection, from: NaiveDate) -> Result<Vec<NaiveDate>, StoreError> {
    let sql = "SELECT DISTINCT p.look_on FROM po_links p INDEXED BY po_links_to_look_for
               JOIN orders o ON o.key = p.order_key
               WHERE p.look_on IS NOT NULL AND p.look_on >= ?1
               AND (o.stage = 'prebooked'
                    OR o.stage IN ('po_pending', 'po_approved', 'labelled') AND o.ship_date <> p.look_on)";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([Day(from)], |row| row.get::<_, Day>(0))?;
    Ok(rows.map(|day| day.map(|day| day.0)).collect::<Result<_, _>>()?)
}

/// The orders with such a PO that ship on this date, or whose PO does.
pub fn keys_with_open_po(conn: &Connection, ship_date: NaiveDate) -> Result<Vec<OrderKey>, StoreError> {
    let sql = "SELECT key FROM orders INDEXED BY orders_with_open_po
               WHERE stage IN ('po_pending', 'po_approved', 'labelled') AND ship_date = ?1
               UNION
               SELECT o.key FROM po_links p INDEXED BY po_links_to_look_for JOIN orders o ON o.key = p.order_key
               WHERE p.look_on = ?1 AND o.stage IN ('po_pending', 'po_approved', 'labelled')
               ORDER BY 1";
    keys(conn, sql, [Day(ship_date)])
}

/// The live Prebook items that Komet last showed with a ship date from `from` to `to`, and those that stemsync made for
/// these dates and Komet never showed: what a full read of these dates must show, or have looked up.
pub fn items_expected(
    conn: &Connection,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<(OrderKey, PrebookId, ItemId)>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT order_key, prebook, item FROM item_links INDEXED BY item_links_alive
         WHERE alive = 1 AND ship_date BETWEEN ?1 AND ?2
         UNION ALL
         SELECT i.order_key, i.prebook, i.item FROM item_links i INDEXED BY item_links_unread
         JOIN orders o ON o.key = i.order_key
         WHERE i.ship_date IS NULL AND o.ship_date BETWEEN ?1 AND ?2
         ORDER BY order_key, item",
    )?;
    let rows =
        statement.query_map(params![Day(from), Day(to)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The orders, those together between which an item may move, or has moved: the orders of one flow 2 Prebook, and its kin.
pub fn families(conn: &Connection, orders: &[OrderKey]) -> Result<Vec<Vec<OrderKey>>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT o.prebook, iif(instr(g.doc, '\"kin\"') > 0, g.doc ->> '$.kin', NULL) FROM orders o
         LEFT JOIN agreed_views g ON g.key = o.key WHERE o.key = ?1 AND o.prebook IS NOT NULL",
    )?;
    let mut of_prebook: BTreeMap<i64, usize> = BTreeMap::new();
    let mut of_kin: BTreeMap<OrderKey, usize> = BTreeMap::new();
    let mut families: Vec<Vec<OrderKey>> = Vec::with_capacity(orders.len());
    for key in orders {
        let found = statement.query_row([key], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)));
        let Some((prebook, kin)) = found.optional()? else {
            families.push(vec![*key]);
            continue;
        };
        let kin: BTreeSet<OrderKey> = match kin {
            Some(kin) => from_doc(&kin, format_args!("kin of order {}", key.0))?,
            None => BTreeSet::new(),
        };
        // Through this order two families may come to be one.
        let known = of_prebook.get(&prebook).into_iter().chain(of_kin.get(key)).copied();
        let known: BTreeSet<usize> = known.chain(kin.iter().filter_map(|key| of_kin.get(key).copied())).collect();
        let at = known.first().copied().unwrap_or_else(|| {
            families.push(Vec::new());
            families.len() - 1
        });
        for other in known.into_iter().skip(1) {
            let joined = std::mem::take(&mut families[other]);
            families[at].extend(joined);
            let joins = of_prebook.values_mut().chain(of_kin.values_mut()).filter(|family| **family == other);
            joins.for_each(|family| *family = at);
        }
        families[at].push(*key);
        of_prebook.insert(prebook, at);
        of_kin.extend(kin.into_iter().chain([*key]).map(|key| (key, at)));
    }
    families.retain(|family| !family.is_empty());
    Ok(families)
}

/// How many orders stand at each stage; stages without orders are left out.
pub fn stage_counts(conn: &Connection) -> Result<Vec<(Stage, i64)>, StoreError> {
    let sql = "SELECT stage, sum(orders) FROM order_counts GROUP BY stage HAVING sum(orders) > 0";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Named<Stage>>(0)?.0, row.get(1)?)))?;
    let mut counts: Vec<(Stage, i64)> = rows.collect::<Result<_, _>>()?;
    counts.sort_unstable();
    Ok(counts)
}

/// How many orders of each ship date stand at each stage, the first ship date first.
pub fn stage_counts_by_date(conn: &Connection) -> Result<Vec<(NaiveDate, Stage, i64)>, StoreError> {
    let sql = "SELECT ship_date, stage, orders FROM order_counts WHERE orders > 0 ORDER BY ship_date";
    let mut statement = conn.prepare_cached(sql)?;
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, Day>(0)?.0, row.get::<_, Named<Stage>>(1)?.0, row.get(2)?));
    let rows = statement.query_map([], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Orders that ship from `from` to `to`, the first ship date first.
pub fn keys_in_range(conn: &Connection, from: NaiveDate, to: NaiveDate) -> Result<Vec<OrderKey>, StoreError> {
    let sql = "SELECT key FROM orders WHERE ship_date BETWEEN ?1 AND ?2 ORDER BY ship_date, key";
    keys(conn, sql, params![Day(from), Day(to)])
}

/// Whether any order is on file.
pub fn is_any(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM orders)")?.query_row([], |row| row.get(0))?)
}

/// Every order on file.
pub fn all_keys(conn: &Connection) -> Result<Vec<OrderKey>, StoreError> {
    keys(conn, "SELECT key FROM orders ORDER BY key", [])
}
