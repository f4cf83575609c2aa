//! Events: what happened to an order, for `trace` and `history`. Told once when it happens, never changed, and dropped
//! after the retention time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::StoreError;
use super::columns::{Named, Time};
use super::retention::STEP;
use crate::domain::OrderKey;
use crate::sync::report::ActionResult;
use crate::systems::System;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The order it happened to; `None` for what concerns several.
    pub order: Option<OrderKey>,
    /// The run it happened in; `None` for what a person did.
    pub run: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// The system it happened in; `None` for stemsync itself.
    pub system: Option<System>,
    /// What: Komet's method, Axerrio's call, or a few words.
    pub what: String,
    /// More of it; never a price, an address or a token.
    pub detail: String,
    /// What became of it, for pushes.
    pub result: Option<ActionResult>,
}

/// Records an event.
pub fn add(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    let sql = "INSERT INTO events (order_key, run, at, system, what, detail, result)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    conn.prepare_cached(sql)?.execute(params![
        event.order,
        event.run,
        Time(event.at),
        event.system.map(System::name),
        event.what,
        event.detail,
        event.result.map(ActionResult::name),
    ])?;
    Ok(())
}

/// When something last happened.
pub fn last_at(conn: &Connection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT at FROM events ORDER BY id DESC LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get::<_, Time>(0)).optional()?.map(|at| at.0))
}

/// An order's events, the first one first.
pub fn for_order(conn: &Connection, key: OrderKey) -> Result<Vec<Event>, StoreError> {
    let sql =
        "SELECT order_key, run, at, system, what, detail, result FROM events WHERE order_key = ?1 ORDER BY id";
    select(conn, sql, [key])
}

/// A run's events, the first one first.
pub fn for_run(conn: &Connection, run: &str) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT order_key, run, at, system, what, detail, result FROM events WHERE run = ?1 ORDER BY id";
    select(conn, sql, [run])
}

/// When each method of a system last worked, or was found to have worked.
pub fn last_done(conn: &Connection, system: System) -> Result<BTreeMap<String, DateTime<Utc>>, StoreError> {
    let sql = "SELECT what, max(at) FROM events WHERE system = ?1 AND result IN ('done', 'adopted') GROUP BY what";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([system.name()], |row| Ok((row.get(0)?, row.get::<_, Time>(1)?.0)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What failed in a system, the first one first.
pub fn failed(conn: &Connection, system: System) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT order_key, run, at, system, what, detail, result FROM events
               WHERE system = ?1 AND result = 'failed' ORDER BY id";
    select(conn, sql, [system.name()])
}

/// The events from before `before`, of the [`STEP`] oldest on file. Events are numbered as they happen, so that those of
/// that age stand in front: finding out that there are none costs the same however many others there are.
pub(super) fn old(conn: &Connection, before: DateTime<Utc>) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT id FROM (SELECT id, at FROM events ORDER BY id LIMIT ?2) WHERE at < ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![Time(before), STEP], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops events from before `before`, a step's worth; says how many.
pub fn prune(conn: &Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut delete = conn.prepare_cached("DELETE FROM events WHERE id = ?1")?;
    let mut dropped = 0;
    for id in old(conn, before)? {
        dropped += delete.execute([id])?;
    }
    Ok(dropped)
}

fn select(conn: &Connection, sql: &'static str, params: impl Params) -> Result<Vec<Event>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| {
        Ok(Event {
            order: row.get(0)?,
            run: row.get(1)?,
            at: row.get::<_, Time>(2)?.0,
            system: row.get::<_, Option<Named<_>>>(3)?.map(|name| name.0),
            what: row.get(4)?,
            detail: row.get(5)?,
            result: row.get::<_, Option<Named<_>>>(6)?.map(|name| name.0),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
