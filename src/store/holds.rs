//! Holds: what waits for a person, and taking in what the person decided. A hold keeps its number and age for as long
//! as its order, reason, line and cause stay the same. A decision goes into the order's agreed view, where planning
//! finds it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, Params, Row, params};

use super::columns::{Day, Named, Time, from_doc, to_doc};
use super::events::{self, Event};
use super::{StoreError, orders};
use crate::domain::{Agreed, CANCELLED, Decision, Flow, Hold, HoldReason, LineId, Order, OrderKey, Verdict};
use crate::sync::plan::declined;

/// A hold on file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number, never used again.
    pub id: i64,
    /// The order that waits; `None` for the brake on cancellations.
    pub order_key: Option<OrderKey>,
    /// What people call the order.
    pub order: Option<String>,
    /// Why.
    pub reason: HoldReason,
    /// The line that waits; `None` for the whole order.
    pub line: Option<LineId>,
    /// What exactly is in question.
    pub cause: String,
    /// What happened and what a person can do.
    pub detail: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The order's ship date.
    pub ship_date: Option<NaiveDate>,
    /// The orders that the brake stopped.
    pub covers: Vec<OrderKey>,
}

/// What became of an order's holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldChanges {
    /// New ones.
    pub opened: Vec<Hold>,
    /// Those whose cause went away.
    pub cleared: Vec<Hold>,
}

/// What became of a person's word on a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It was taken in, and this hold is gone.
    Taken(HoldRow),
    /// A side was to be taken where none asks for it: nothing was changed, this hold stays.
    WithoutSides(HoldRow),
    /// There is no such hold.
    Gone,
}

/// Opens the holds that are new, and clears none: for an order of which something must be read before all is known that waits.
pub fn add_to_order(
    conn: &Connection,
    key: OrderKey,
    holds: &[Hold],
    now: DateTime<Utc>,
) -> Result<HoldChanges, StoreError> {
    let mut all = holds.to_vec();
    let known = of_order(conn, key)?.into_iter();
    all.extend(known.map(|((reason, line, cause), (_, detail))| Hold { reason, line, cause, detail }));
    sync_order(conn, key, &all, now)
}

/// Makes `holds` the holds of an order: new ones are opened, the same ones stay, the others are cleared.
pub fn sync_order(
    conn: &Connection,
    key: OrderKey,
    holds: &[Hold],
    now: DateTime<Utc>,
) -> Result<HoldChanges, StoreError> {
    let mut known = of_order(conn, key)?;
    let mut changes = HoldChanges::default();
    let mut wanted: Vec<&Hold> = Vec::with_capacity(holds.len());
    for hold in holds {
        if wanted.iter().any(|other| identity(other) == identity(hold)) {
            continue;
        }
        wanted.push(hold);
        match known.remove(&identity(hold)) {
            Some((_, detail)) if detail == hold.detail => {}
            Some((id, _)) => {
                let sql = "UPDATE holds SET detail = ?2 WHERE id = ?1";
                conn.prepare_cached(sql)?.execute(params![id, hold.detail])?;
            }
            None => {
                let sql = "INSERT INTO holds (order_key, reason, line, cause, detail, since)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let line = hold.line.as_ref().map(|l| &l.0);
                conn.prepare_cached(sql)?.execute(params![
                    key,
                    hold.reason.name(),
                    line,
                    hold.cause,
                    hold.detail,
                    Time(now)
                ])?;
                changes.opened.push(hold.clone());
            }
        }
    }
    for ((reason, line, cause), (id, detail)) in known {
        delete(conn, id)?;
        changes.cleared.push(Hold { reason, line, cause, detail });
    }
    Ok(changes)
}

type Identity = (HoldReason, Option<LineId>, String);

fn identity(hold: &Hold) -> Identity {
    (hold.reason, hold.line.clone(), hold.cause.clone())
}

/// An order's holds: number and detail by identity.
fn of_order(conn: &Connection, key: OrderKey) -> Result<BTreeMap<Identity, (i64, String)>, StoreError> {
    let sql = "SELECT id, reason, line, cause, detail FROM holds WHERE order_key = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([key], |row| {
        let line = row.get::<_, Option<String>>(2)?.map(LineId);
        let identity = (row.get::<_, Named<_>>(1)?.0, line, row.get(3)?);
        Ok((identity, (row.get(0)?, row.get(4)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What a [`HoldRow`] is made of.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT h.id, h.order_key, coalesce(o.ax_id, o.reference), h.reason, h.line, h.cause, h.detail, h.since,
             o.ship_date, h.covers FROM holds h LEFT JOIN orders o ON o.key = h.order_key",
            $rest
        )
    };
}

/// How many holds are open for each reason.
pub fn count_by_reason(conn: &Connection) -> Result<Vec<(HoldReason, i64)>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT reason, count(*) FROM holds GROUP BY reason ORDER BY reason")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Named<_>>(0)?.0, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every open hold, the most urgent ship date first; the brake, which stops whole runs, before all.
pub fn list(conn: &Connection) -> Result<Vec<HoldRow>, StoreError> {
    urgent(conn, u32::MAX)
}

/// As many of them at most, the most urgent.
pub fn urgent(conn: &Connection, limit: u32) -> Result<Vec<HoldRow>, StoreError> {
    rows(conn, select!(" ORDER BY o.ship_date, h.id LIMIT ?1"), [limit])
}

/// One order's open holds; the brake's last, if it stopped this order.
pub fn list_of_order(conn: &Connection, key: OrderKey) -> Result<Vec<HoldRow>, StoreError> {
    let of_order = select!(
        " WHERE h.order_key = ?1
             OR h.order_key IS NULL AND EXISTS (SELECT 1 FROM json_each(h.covers) WHERE value = ?1)
          ORDER BY h.order_key IS NULL, h.id"
    );
    rows(conn, of_order, [key])
}

/// One hold.
pub fn get(conn: &Connection, id: i64) -> Result<Option<HoldRow>, StoreError> {
    Ok(rows(conn, select!(" WHERE h.id = ?1"), [id])?.pop())
}

fn rows(conn: &Connection, sql: &'static str, params: impl Params) -> Result<Vec<HoldRow>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut holds = Vec::new();
    while let Some(row) = rows.next()? {
        holds.push(from_row(row)?);
    }
    Ok(holds)
}

/// How many holds are open.
pub fn count(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.prepare_cached("SELECT count(*) FROM holds")?.query_row([], |row| row.get(0))?)
}

/// How many of an order's holds are open.
pub fn count_of_order(conn: &Connection, key: OrderKey) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM holds WHERE order_key = ?1";
    Ok(conn.prepare_cached(sql)?.query_row([key], |row| row.get(0))?)
}

/// Takes in a decision: it is kept with the order (of the brake: with every order it stopped), which is planned
/// again, and the hold is gone. A side is taken only where there are two: an unmapped product would be taken for settled.
pub fn decide(conn: &Connection, id: i64, verdict: Verdict, now: DateTime<Utc>) -> Result<Decided, StoreError> {
    let Some(hold) = get(conn, id)? else { return Ok(Decided::Gone) };
    if verdict != Verdict::Dismissed && !hold.reason.has_sides(&hold.cause) {
        return Ok(Decided::WithoutSides(hold));
    }
    let decision = Decision::new(hold.reason, hold.line.clone(), hold.cause.clone(), verdict);
    match hold.order_key {
        Some(key) => remember(conn, key, decision, &hold, now)?,
        None => {
            for key in &hold.covers {
                remember(conn, *key, decision.clone(), &hold, now)?;
            }
        }
    }
    delete(conn, id)?;
    Ok(Decided::Taken(hold))
}

fn remember(
    conn: &Connection,
    key: OrderKey,
    decision: Decision,
    hold: &HoldRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut agreed = orders::load_agreed(conn, key)?;
    let event = told(&decision, hold, key, now);
    if hold.order_key.is_none() {
        let Some(order) = orders::load(conn, key)? else { return Ok(()) };
        release_brake(&mut agreed, &order, decision);
    } else {
        replace(&mut agreed, decision);
    }
    orders::save_agreed(conn, key, &agreed)?;
    orders::mark_dirty(conn, &[key])?;
    events::add(conn, &event)
}

/// What the event of a decision is called.
const DECIDED: [(Verdict, &str); 3] = [
    (Verdict::TakeAxerrio, "hold released, Axerrio taken"),
    (Verdict::TakeKomet, "hold released, Komet taken"),
    (Verdict::Dismissed, "hold dismissed"),
];

fn told(decision: &Decision, hold: &HoldRow, key: OrderKey, at: DateTime<Utc>) -> Event {
    let what = DECIDED.iter().find(|(verdict, _)| *verdict == decision.verdict).map_or("", |(_, what)| what);
    let line = hold.line.as_ref().map(|line| format!(" line {line}")).unwrap_or_default();
    let detail = format!("hold {} {}{line}", hold.id, hold.reason.name());
    Event { order: Some(key), run: None, at, system: None, what: what.to_owned(), detail, result: None }
}

/// A decision as its event tells it.
pub struct Told<'e> {
    /// What was decided.
    pub verdict: Verdict,
    /// The hold's number.
    pub hold: &'e str,
    /// Why it waited.
    pub reason: HoldReason,
    /// The line that waited; `None` for the whole order.
    pub line: Option<&'e str>,
}

/// The decision that an event tells of, if it does.
pub fn decision(event: &Event) -> Option<Told<'_>> {
    let (verdict, _) = *DECIDED.iter().find(|(_, what)| *what == event.what)?;
    let (hold, rest) = event.detail.strip_prefix("hold ")?.split_once(' ')?;
    let (reason, line) = rest.split_once(" line ").map_or((rest, None), |(reason, line)| (reason, Some(line)));
    Some(Told { verdict, hold, reason: HoldReason::parse(reason)?, line })
}

fn replace(agreed: &mut Agreed, decision: Decision) {
    agreed
        .decisions
        .retain(|old| (old.reason, &old.line, &old.cause) != (decision.reason, &decision.line, &decision.cause));
    agreed.decisions.push(decision);
}

/// Taking the side that cancelled lets the cancellation through (clarification 13); anything else is remembered as
/// "not cancelled". What the vendor declined stands still, so what was said of that is remembered by itself.
pub fn release_brake(agreed: &mut Agreed, order: &Order, decision: Decision) {
    if let Some(cause) = declined(order) {
        replace(agreed, Decision { cause, ..decision });
        return;
    }
    let cancelling = match order.flow {
        Flow::FromAxerrio => Verdict::TakeAxerrio,
        Flow::FromKomet => Verdict::TakeKomet,
    };
    agreed.cancellation_released = decision.verdict == cancelling;
    if agreed.cancellation_released {
        agreed.decisions.retain(|old| old.reason != HoldReason::TooManyCancellations);
    } else {
        replace(agreed, decision);
    }
}

/// Holds a run's cancellations, all together; there is one such hold at most. It keeps its number and age as long as it covers no
/// order that it did not name: whoever answered the old one did not answer for that. Says whether it is new.
pub fn set_brake(
    conn: &Connection,
    covers: &[OrderKey],
    detail: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let known = brake(conn)?;
    let covered = to_doc(&covers, "brake")?;
    if let Some(HoldRow { id, covers: named, .. }) = known {
        let named: BTreeSet<OrderKey> = named.into_iter().collect();
        if covers.iter().all(|key| named.contains(key)) {
            let sql = "UPDATE holds SET covers = ?2, detail = ?3 WHERE id = ?1 AND (covers <> ?2 OR detail <> ?3)";
            conn.prepare_cached(sql)?.execute(params![id, covered, detail])?;
            return Ok(false);
        }
        delete(conn, id)?;
    }
    let reason = HoldReason::TooManyCancellations.name();
    let sql = "INSERT INTO holds (reason, cause, detail, since, covers) VALUES (?1, ?2, ?3, ?4, ?5)";
    conn.prepare_cached(sql)?.execute(params![reason, CANCELLED, detail, Time(now), covered])?;
    Ok(true)
}

/// The brake's hold, if cancellations are held.
pub fn brake(conn: &Connection) -> Result<Option<HoldRow>, StoreError> {
    let braked = select!(" WHERE h.order_key IS NULL AND h.reason = ?1");
    Ok(rows(conn, braked, [HoldReason::TooManyCancellations.name()])?.pop())
}

/// The cancellations are few enough again. Says whether they were held.
pub fn clear_brake(conn: &Connection) -> Result<bool, StoreError> {
    let sql = "DELETE FROM holds WHERE order_key IS NULL AND reason = ?1";
    Ok(conn.prepare_cached(sql)?.execute([HoldReason::TooManyCancellations.name()])? > 0)
}

fn delete(conn: &Connection, id: i64) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM holds WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    let id = row.get(0)?;
    let covers: Option<String> = row.get(9)?;
    Ok(HoldRow {
        id,
        order_key: row.get(1)?,
        order: row.get(2)?,
        reason: row.get::<_, Named<_>>(3)?.0,
        line: row.get::<_, Option<String>>(4)?.map(LineId),
        cause: row.get(5)?,
        detail: row.get(6)?,
        since: row.get::<_, Time>(7)?.0,
        ship_date: row.get::<_, Option<Day>>(8)?.map(|day| day.0),
        covers: covers.map_or_else(|| Ok(Vec::new()), |doc| from_doc(&doc, format_args!("hold {id}")))?,
    })
}
