//! What the admin's rules were when orders were last planned. An order is planned when it changes; one that waits is planned as
//! well once the rule changes by which it waits.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, params};

use super::StoreError;
use super::columns::{Day, flow_name};
use super::{reference, runs};
use crate::domain::{CreatePo, Flow, OnConflict, Stage, Zone};

/// Keeps the rules, and has the orders planned again that waited by others: those that are held, and those of flow 2 that ship
/// from `from` on and have no PO yet: in another time zone a ship date may not be over. Writes nothing while they stay as they are.
pub fn follow(
    conn: &Connection,
    on_conflict: OnConflict,
    create_po: CreatePo,
    timezone: Zone,
    from: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const KIND: &str = "policy";
    let rules = [on_conflict.name(), create_po.name(), timezone.name()];
    let former: Vec<String> = reference::get(conn, KIND)?.map(|listed| listed.items).unwrap_or_default();
    if former == rules {
        return Ok(());
    }
    let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0 AND (key IN (SELECT order_key FROM holds)
               OR flow = ?1 AND stage IN (?3, ?4) AND ship_date >= ?2)";
    let [placed, prebooked] = Stage::UNBOUGHT.map(Stage::name);
    conn.prepare_cached(sql)?.execute(params![flow_name(Flow::FromKomet), Day(from), placed, prebooked])?;
    reference::set(conn, KIND, &rules, now)
}

/// Once the clock was set back, has the orders planned again that ship from `from` on and wait: what was over by the clock that was
/// wrong is not over.
pub fn follow_clock(conn: &Connection, from: NaiveDate, now: DateTime<Utc>) -> Result<(), StoreError> {
    if runs::latest(conn)?.is_none_or(|last| last.started_at <= now) {
        return Ok(());
    }
    let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0 AND ship_date >= ?1 AND stage IN (?2, ?3)";
    let [placed, prebooked] = Stage::UNBOUGHT.map(Stage::name);
    conn.prepare_cached(sql)?.execute(params![Day(from), placed, prebooked])?;
    Ok(())
}
