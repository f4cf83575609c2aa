//! Watermarks: up to when each stream was read, by the clock of the system it comes from. Prebooks have one per
//! window of seven ship dates; a window without one has never been read. `sync` writes a watermark in the
//! transaction that stores what was read up to it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;
use super::columns::Time;

/// What is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Axerrio's orders.
    Orders,
    /// Axerrio's labels.
    Labels,
    /// Komet's Prebooks, window by window.
    Prebooks,
    /// Komet's POs.
    PurchaseOrders,
}

impl Stream {
    /// The name in the database, which is that of the job.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Labels => "labels",
            Self::Prebooks => "prebooks",
            Self::PurchaseOrders => "purchase-orders",
        }
    }
}

/// Where one part of a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Everything changed before this is stored.
    pub at: DateTime<Utc>,
    /// When it was last read in full, whatever had changed.
    pub full_at: Option<DateTime<Utc>>,
}

impl Watermark {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let full_at: Option<Time> = row.get("full_at")?;
        Ok(Self { at: row.get::<_, Time>("at")?.0, full_at: full_at.map(|t| t.0) })
    }
}

/// The watermark of a part: the window's number, or 0 for a stream without windows. `None`: never read.
pub fn get(conn: &Connection, stream: Stream, part: i64) -> Result<Option<Watermark>, StoreError> {
    let sql = "SELECT at, full_at FROM watermarks WHERE stream = ?1 AND part = ?2";
    Ok(conn.prepare_cached(sql)?.query_row(params![stream.name(), part], Watermark::from_row).optional()?)
}

/// Every part of a stream, in their order.
pub fn list(conn: &Connection, stream: Stream) -> Result<Vec<(i64, Watermark)>, StoreError> {
    let sql = "SELECT part, at, full_at FROM watermarks WHERE stream = ?1 ORDER BY part";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([stream.name()], |row| Ok((row.get("part")?, Watermark::from_row(row)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Moves a watermark after a read of what changed.
pub fn set(conn: &Connection, stream: Stream, part: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO watermarks (stream, part, at) VALUES (?1, ?2, ?3)
               ON CONFLICT (stream, part) DO UPDATE SET at = excluded.at WHERE at <> excluded.at";
    conn.prepare_cached(sql)?.execute(params![stream.name(), part, Time(at)])?;
    Ok(())
}

/// Moves a watermark after a read in full, done at `full_at`.
pub fn set_full(
    conn: &Connection,
    stream: Stream,
    part: i64,
    at: DateTime<Utc>,
    full_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO watermarks (stream, part, at, full_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (stream, part) DO UPDATE SET at = excluded.at, full_at = excluded.full_at";
    conn.prepare_cached(sql)?.execute(params![stream.name(), part, Time(at), Time(full_at)])?;
    Ok(())
}

/// Notes that everything since the watermark was read by now, if that was in doubt. Where none could be set, because of a record
/// that cannot be read, it stays at the beginning of time.
pub fn read_whole(conn: &Connection, stream: Stream, part: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO watermarks (stream, part, at, full_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (stream, part) DO UPDATE SET full_at = excluded.full_at WHERE full_at IS NULL";
    conn.prepare_cached(sql)?.execute(params![stream.name(), part, Time(DateTime::UNIX_EPOCH), Time(now)])?;
    Ok(())
}

/// Has a part read in full next time, whatever its watermark: something that its last read did not show was not
/// looked up.
pub fn forget_full(conn: &Connection, stream: Stream, part: i64) -> Result<(), StoreError> {
    let sql = "UPDATE watermarks SET full_at = NULL WHERE stream = ?1 AND part = ?2";
    conn.prepare_cached(sql)?.execute(params![stream.name(), part])?;
    Ok(())
}

/// Has a part read in full again as if it had been read in full at `full_at`.
pub fn count_as_full(
    conn: &Connection,
    stream: Stream,
    part: i64,
    full_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "UPDATE watermarks SET full_at = ?3 WHERE stream = ?1 AND part = ?2";
    conn.prepare_cached(sql)?.execute(params![stream.name(), part, Time(full_at)])?;
    Ok(())
}

/// Forgets a stream's watermarks: it is read in full next time.
pub fn reset(conn: &Connection, stream: Stream) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM watermarks WHERE stream = ?1")?.execute([stream.name()])?;
    Ok(())
}
