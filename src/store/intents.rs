//! Intents: what stemsync is about to send. One is committed before its request and deleted in the transaction that
//! stores the result; one that is found open tells that a request's outcome is unknown, and is verified by reading
//! back before anything is repeated.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::columns::{Named, Time, from_doc, to_doc};
use crate::domain::OrderKey;
use crate::sync::report::Job;
use crate::systems::System;

/// An intent's number in the database; used again after the intent is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub i64);

/// A request that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIntent {
    /// The run's id.
    pub run: String,
    /// The job it is part of.
    pub job: Job,
    /// The system it goes to.
    pub system: System,
    /// Komet's method or Axerrio's call.
    pub method: String,
    /// What is asked for, as JSON; never a token.
    pub action: String,
    /// The orders it concerns.
    pub orders: Vec<OrderKey>,
    /// When it is sent.
    pub sent_at: DateTime<Utc>,
}

impl NewIntent {
    /// An intent of `action`.
    pub fn new(
        run: &str,
        job: Job,
        system: System,
        method: &str,
        action: &impl Serialize,
        orders: Vec<OrderKey>,
        sent_at: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let action = to_doc(action, format_args!("intent {method}"))?;
        Ok(Self { run: run.to_owned(), job, system, method: method.to_owned(), action, orders, sent_at })
    }
}

/// A request without a stored result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// What was to be sent.
    pub sent: NewIntent,
    /// What was answered, where that alone does not settle it.
    pub answer: Option<String>,
    /// Why its outcome is unknown; `None` right after a crash.
    pub doubt: Option<String>,
    /// From when on absence is believed; `None` right after a crash.
    pub decided_from: Option<DateTime<Utc>>,
}

impl Intent {
    /// What was asked for.
    pub fn action<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        from_doc(&self.sent.action, format_args!("intent {}", self.id.0))
    }
}

/// Records a request before it is sent.
pub fn open(conn: &Connection, new: &NewIntent) -> Result<IntentId, StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO intents (run, job, system, method, action, sent_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let id = statement.insert(params![
        new.run,
        new.job.name(),
        new.system.name(),
        new.method,
        new.action,
        Time(new.sent_at)
    ])?;
    let mut statement =
        conn.prepare_cached("INSERT OR IGNORE INTO intent_orders (intent, order_key) VALUES (?1, ?2)")?;
    for key in &new.orders {
        statement.execute(params![id, key])?;
    }
    Ok(IntentId(id))
}

/// Keeps an answer that must be completed by a read-back, such as a create without item ids (clarification 3).
pub fn answer(conn: &Connection, id: IntentId, answer: &str) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE intents SET answer = ?2 WHERE id = ?1")?.execute(params![id.0, answer])?;
    Ok(())
}

/// Notes why the outcome is unknown, and from when on a read-back that does not find the effect may be believed.
pub fn doubt(conn: &Connection, id: IntentId, why: &str, decided_from: DateTime<Utc>) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE intents SET doubt = ?2, decided_from = ?3 WHERE id = ?1")?.execute(params![
        id.0,
        why,
        Time(decided_from)
    ])?;
    Ok(())
}

/// Has a read-back that does not find the effect believed from another time on.
pub fn decide(conn: &Connection, id: IntentId, from: DateTime<Utc>) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE intents SET decided_from = ?2 WHERE id = ?1")?
        .execute(params![id.0, Time(from)])?;
    Ok(())
}

/// Forgets an intent whose result is stored in this same transaction.
pub fn close(conn: &Connection, id: IntentId) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM intents WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Every open intent, the oldest first.
pub fn list(conn: &Connection) -> Result<Vec<Intent>, StoreError> {
    let mut orders = conn.prepare_cached("SELECT order_key FROM intent_orders WHERE intent = ?1 ORDER BY 1")?;
    let mut statement = conn.prepare_cached(
        "SELECT id, run, job, system, method, action, sent_at, answer, doubt, decided_from FROM intents ORDER BY sent_at, id",
    )?;
    let rows = statement.query_map([], |row| {
        let id: i64 = row.get(0)?;
        let orders = orders.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Intent {
            id: IntentId(id),
            sent: NewIntent {
                run: row.get(1)?,
                job: row.get::<_, Named<_>>(2)?.0,
                system: row.get::<_, Named<_>>(3)?.0,
                method: row.get(4)?,
                action: row.get(5)?,
                orders,
                sent_at: row.get::<_, Time>(6)?.0,
            },
            answer: row.get(7)?,
            doubt: row.get(8)?,
            decided_from: row.get::<_, Option<Time>>(9)?.map(|t| t.0),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The orders with an open intent: nothing may be planned for them before it is verified.
pub fn orders_in_doubt(conn: &Connection) -> Result<BTreeSet<OrderKey>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT order_key FROM intent_orders")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many intents are open.
pub fn count(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.prepare_cached("SELECT count(*) FROM intents")?.query_row([], |row| row.get(0))?)
}
