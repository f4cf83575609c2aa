//! What the request budget remembers: of each source when it was last read and what is expected there, of each hour
//! what was seen in it, and which POs made no sense. Everything that is concluded from it is concluded in `sync::budget`.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use super::columns::{Day, Time};
use crate::domain::{PoNumber, window_of};
use crate::sync::budget::{Hour, Source, SourceState};

/// The schema version that brought its tables.
pub(super) const SINCE: i64 = 5;

/// Hours that are kept; learning looks back no further.
const KEPT_HOURS: TimeDelta = TimeDelta::days(28);
/// Days after its ship date for which a date is kept, more than it is polled.
const KEPT_DAYS: Days = Days::new(35);
/// For how long it is kept that a PO made no sense; it is left for less.
const KEPT_IN_VAIN: TimeDelta = TimeDelta::days(1);

fn key(source: Source) -> (&'static str, i64) {
    match source {
        Source::ShipDate(date) => ("ship-date", i64::from(date.num_days_from_ce())),
        Source::Window(window) => ("window", window),
    }
}

/// The source that a row's first two columns name.
fn source_of(row: &Row<'_>) -> rusqlite::Result<Option<Source>> {
    let part: i64 = row.get(1)?;
    Ok(match row.get_ref(0)?.as_str()? {
        "ship-date" => {
            i32::try_from(part).ok().and_then(NaiveDate::from_num_days_from_ce_opt).map(Source::ShipDate)
        }
        _ => Some(Source::Window(part)),
    })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<SourceState>> {
    let Some(source) = source_of(row)? else { return Ok(None) };
    let time = |column| -> rusqlite::Result<Option<DateTime<Utc>>> {
        Ok(row.get::<_, Option<Time>>(column)?.map(|time| time.0))
    };
    Ok(Some(SourceState {
        source,
        read_at: time(2)?,
        changed_at: time(3)?,
        as_of: row.get::<_, Time>(4)?.0,
        pending: row.get(5)?,
        approved: row.get(6)?,
        share: 0.0,
        unseen: row.get(7)?,
        waiting: row.get(8)?,
    }))
}

/// Every source on file.
pub fn sources(conn: &Connection) -> Result<Vec<SourceState>, StoreError> {
    let sql = "SELECT kind, part, read_at, changed_at, as_of, pending, approved, unseen, waiting FROM sources";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], from_row)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// One source; `None` if it was never read nor looked at.
pub fn source(conn: &Connection, source: Source) -> Result<Option<SourceState>, StoreError> {
    let sql = "SELECT kind, part, read_at, changed_at, as_of, pending, approved, unseen, waiting FROM sources
               WHERE kind = ?1 AND part = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let (kind, part) = key(source);
    Ok(statement.query_row(params![kind, part], from_row).optional()?.flatten())
}

/// Keeps how a source stands.
pub fn save(conn: &Connection, state: &SourceState) -> Result<(), StoreError> {
    let (kind, part) = key(state.source);
    let sql = "INSERT INTO sources (kind, part, read_at, changed_at, as_of, pending, approved, unseen, waiting)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
               ON CONFLICT (kind, part) DO UPDATE SET read_at = excluded.read_at, changed_at = excluded.changed_at,
               as_of = excluded.as_of, pending = excluded.pending, approved = excluded.approved,
               unseen = excluded.unseen, waiting = excluded.waiting";
    conn.prepare_cached(sql)?.execute(params![
        kind,
        part,
        state.read_at.map(Time),
        state.changed_at.map(Time),
        Time(state.as_of),
        state.pending,
        state.approved,
        state.unseen,
        state.waiting,
    ])?;
    Ok(())
}

/// All of a source was read at this moment, `now`, and shows everything up to another of Komet's clock. If it was to be read
/// once, that is done.
pub fn shows(
    conn: &Connection,
    source: Source,
    up_to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (kind, part) = key(source);
    let sql = "UPDATE sources SET shows = ?3, look_from = CASE WHEN look_from > ?4 THEN look_from END
               WHERE kind = ?1 AND part = ?2";
    conn.prepare_cached(sql)?.execute(params![kind, part, Time(up_to), Time(now)])?;
    Ok(())
}

/// Notes that a source was read just now, and whether anything in it could not be.
pub fn was_in_vain(conn: &Connection, source: Source, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    let (kind, part) = key(source);
    let sql = "UPDATE sources SET in_vain_at = ?3 WHERE kind = ?1 AND part = ?2 AND in_vain_at IS NOT ?3";
    conn.prepare_cached(sql)?.execute(params![kind, part, at.map(Time)])?;
    Ok(())
}

/// The sources that were read in vain since `from`, and not later than `now`: the clock may have been set back.
pub fn in_vain(
    conn: &Connection,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<BTreeSet<Source>, StoreError> {
    let sql = "SELECT kind, part FROM sources WHERE in_vain_at > ?1 AND in_vain_at <= ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![Time(from), Time(now)], source_of)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// Notes that a PO was asked for by its number just now, and whether what was read of it made no sense (`is_in_vain`). What became of
/// others the day before concerns nobody any more.
pub fn po_was_read(
    conn: &Connection,
    number: &PoNumber,
    is_in_vain: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if is_in_vain {
        conn.prepare_cached("DELETE FROM pos_in_vain WHERE at < ?1")?.execute([Time(now - KEPT_IN_VAIN)])?;
        let sql = "INSERT INTO pos_in_vain (number, at) VALUES (?1, ?2)
                   ON CONFLICT (number) DO UPDATE SET at = excluded.at";
        conn.prepare_cached(sql)?.execute(params![number.0, Time(now)])?;
    } else {
        conn.prepare_cached("DELETE FROM pos_in_vain WHERE number = ?1")?.execute([&number.0])?;
    }
    Ok(())
}

/// The POs that were asked for in vain since `from`, and not later than `now`.
pub fn pos_in_vain(
    conn: &Connection,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<BTreeSet<PoNumber>, StoreError> {
    let sql = "SELECT number FROM pos_in_vain WHERE at > ?1 AND at <= ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![Time(from), Time(now)], |row| row.get(0).map(PoNumber))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// These ship dates are to be read once, from `from` on or sooner where one is to be anyway: a PO of ours may stand there that nobody
/// knows of. A later wish never puts off an earlier one, else nothing would be looked at in a bad hour.
pub fn look_again(
    conn: &Connection,
    dates: impl IntoIterator<Item = NaiveDate>,
    now: DateTime<Utc>,
    from: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sources (kind, part, as_of, pending, approved, unseen, waiting, look_from)
               VALUES (?1, ?2, ?3, 0, 0, 0, 0, ?4)
               ON CONFLICT (kind, part) DO UPDATE SET
               look_from = min(coalesce(look_from, excluded.look_from), excluded.look_from)";
    let mut statement = conn.prepare_cached(sql)?;
    for date in dates {
        let (kind, part) = key(Source::ShipDate(date));
        statement.execute(params![kind, part, Time(now), Time(from)])?;
    }
    Ok(())
}

/// This ship date is to be read once, from `from` on, unless it is so sooner or later for another reason.
pub fn look_later(
    conn: &Connection,
    date: NaiveDate,
    now: DateTime<Utc>,
    from: DateTime<Utc>,
) -> Result<(), StoreError> {
    if is_awaited(conn, date)? { Ok(()) } else { look_again(conn, [date], now, from) }
}

fn is_awaited(conn: &Connection, date: NaiveDate) -> Result<bool, StoreError> {
    let (kind, part) = key(Source::ShipDate(date));
    let sql = "SELECT EXISTS (SELECT 1 FROM sources WHERE kind = ?1 AND part = ?2 AND look_from IS NOT NULL)";
    Ok(conn.prepare_cached(sql)?.query_row(params![kind, part], |row| row.get(0))?)
}

/// The ship dates that are to be read once, and whose moment has come.
pub fn to_look_at(conn: &Connection, now: DateTime<Utc>) -> Result<Vec<NaiveDate>, StoreError> {
    let sql = "SELECT part FROM sources WHERE kind = 'ship-date' AND look_from <= ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let parts = statement.query_map([Time(now)], |row| row.get::<_, i32>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().filter_map(NaiveDate::from_num_days_from_ce_opt).collect())
}

/// Up to which moment of Komet's clock the POs of a ship date were read; `None` if they never were.
fn shown(conn: &Connection, date: NaiveDate) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT shows FROM sources WHERE kind = ?1 AND part = ?2")?;
    let (kind, part) = key(Source::ShipDate(date));
    let shown: Option<Option<Time>> = statement.query_row(params![kind, part], |row| row.get(0)).optional()?;
    Ok(shown.flatten().map(|time| time.0))
}

/// As [`shown`], of all these ship dates together; `None` if one of them never was.
pub fn all_show(conn: &Connection, dates: &[NaiveDate]) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut oldest: Option<DateTime<Utc>> = None;
    for date in dates {
        let Some(shown) = shown(conn, *date)? else { return Ok(None) };
        oldest = Some(oldest.map_or(shown, |oldest| oldest.min(shown)));
    }
    Ok(oldest)
}

/// Those of these ship dates whose POs were never read.
pub fn never_shown(conn: &Connection, dates: &[NaiveDate]) -> Result<Vec<NaiveDate>, StoreError> {
    let (Some(first), Some(last)) = (dates.iter().min(), dates.iter().max()) else { return Ok(Vec::new()) };
    let sql = "SELECT part FROM sources
               WHERE kind = 'ship-date' AND part BETWEEN ?1 AND ?2 AND shows IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let range = [first.num_days_from_ce(), last.num_days_from_ce()];
    let shown = statement.query_map(range, |row| row.get(0))?.collect::<Result<BTreeSet<i32>, _>>()?;
    Ok(dates.iter().copied().filter(|date| !shown.contains(&date.num_days_from_ce())).collect())
}

/// Those of these ship dates that were not read since.
pub fn unread_since(
    conn: &Connection,
    dates: Vec<NaiveDate>,
    since: DateTime<Utc>,
) -> Result<Vec<NaiveDate>, StoreError> {
    let mut unread = Vec::new();
    for date in dates {
        let read_at = source(conn, Source::ShipDate(date))?.and_then(|state| state.read_at);
        if read_at.is_none_or(|at| at < since) {
            unread.push(date);
        }
    }
    Ok(unread)
}

/// Takes every source for one that was never read.
pub fn forget_shown(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("UPDATE sources SET shows = NULL", [])?;
    Ok(())
}

/// Forgets ship dates and windows that are long past.
pub fn prune(conn: &Connection, today: NaiveDate) -> Result<(), StoreError> {
    let Some(before) = today.checked_sub_days(KEPT_DAYS) else { return Ok(()) };
    let sql = "DELETE FROM sources WHERE part < iif(kind = 'window', ?1, ?2)";
    let window = window_of(before);
    conn.prepare_cached(sql)?.execute(params![window, before.num_days_from_ce()])?;
    Ok(())
}

/// The hours on file that began at `from` or later, the oldest first.
pub fn hours(conn: &Connection, from: DateTime<Utc>) -> Result<Vec<Hour>, StoreError> {
    let sql = "SELECT hour, watched, urgency, exposure, approvals, prebooks, work FROM budget_hours
               WHERE hour >= ?1 ORDER BY hour";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([Time(from)], |row| {
        Ok(Hour {
            at: row.get::<_, Time>(0)?.0,
            watched: row.get(1)?,
            urgency: row.get(2)?,
            exposure: row.get(3)?,
            approvals: row.get(4)?,
            prebooks: row.get(5)?,
            work: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds to an hour what was seen in it. A new hour takes the place of those that are too old to learn from.
pub fn add_hour(conn: &Connection, more: &Hour) -> Result<(), StoreError> {
    let sql = "INSERT INTO budget_hours (hour, watched, urgency, exposure, approvals, prebooks, work)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (hour) DO UPDATE SET watched = watched + ?2, urgency = urgency + ?3,
               exposure = exposure + ?4, approvals = approvals + ?5, prebooks = prebooks + ?6, work = work + ?7";
    conn.prepare_cached(sql)?.execute(params![
        Time(more.at),
        more.watched,
        more.urgency,
        more.exposure,
        more.approvals,
        more.prebooks,
        more.work,
    ])?;
    conn.prepare_cached("DELETE FROM budget_hours WHERE hour < ?1")?.execute([Time(more.at - KEPT_HOURS)])?;
    Ok(())
}

/// Of each ship date from `from` on that holds an order with an open PO: how many await approval, and how many are
/// approved and not received.
pub fn open_pos(conn: &Connection, from: NaiveDate) -> Result<Vec<(NaiveDate, u32, u32)>, StoreError> {
    let sql =
        "SELECT ship_date, sum(iif(stage = 'po_pending', orders, 0)), sum(iif(stage <> 'po_pending', orders, 0))
               FROM order_counts WHERE ship_date >= ?1 AND orders > 0
               AND stage IN ('po_pending', 'po_approved', 'labelled') GROUP BY ship_date";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([Day(from)], |row| Ok((row.get::<_, Day>(0)?.0, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
