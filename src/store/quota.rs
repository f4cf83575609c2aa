//! How many requests were made of Komet each day, by all processes of this link. The day is Komet's.

use chrono::{DateTime, Days, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::columns::{Day, Time};

/// Days that are kept.
const KEPT: Days = Days::new(60);

/// Counts `n` further requests; says how many that makes of the day.
pub fn add(conn: &Connection, day: NaiveDate, n: u64) -> Result<u64, StoreError> {
    let before = used(conn, day)?;
    if n == 0 {
        return Ok(before);
    }
    let sql = "INSERT INTO quota (day, used) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET used = used + ?2";
    conn.prepare_cached(sql)?.execute(params![Day(day), i64::try_from(n).unwrap_or(i64::MAX)])?;
    if before == 0
        && let Some(first) = day.checked_sub_days(KEPT)
    {
        conn.prepare_cached("DELETE FROM quota WHERE day < ?1")?.execute([Day(first)])?;
    }
    Ok(before + n)
}

/// Counts one request that is about to be sent, if the day has one left; says whether it had.
pub fn take(conn: &Connection, day: NaiveDate, limit: u64) -> Result<bool, StoreError> {
    if used(conn, day)? >= limit {
        return Ok(false);
    }
    add(conn, day, 1).map(|_| true)
}

/// A request that was counted for one day was answered on another.
pub fn shift(conn: &Connection, from: NaiveDate, to: NaiveDate) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE quota SET used = used - 1 WHERE day = ?1 AND used > 0")?.execute([Day(from)])?;
    add(conn, to, 1).map(drop)
}

/// Requests made on that day.
pub fn used(conn: &Connection, day: NaiveDate) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached("SELECT used FROM quota WHERE day = ?1")?;
    let used: Option<i64> = statement.query_row([Day(day)], |row| row.get(0)).optional()?;
    Ok(used.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

/// The day that Komet counts for, as far as is known at `today`: a request that was made on the next one tells that its clock
/// is ahead. A later one tells that ours once was.
pub fn day(conn: &Connection, today: NaiveDate) -> Result<NaiveDate, StoreError> {
    let Some(next) = today.succ_opt() else { return Ok(today) };
    let is_next = used(conn, next)? > 0;
    Ok(if is_next { next } else { today })
}

/// When the day's quota was found spent: by Komet's word, or by this link's own count, as long as its `limit` has not grown since.
pub fn spent_at(conn: &Connection, day: NaiveDate, limit: u64) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT spent_at FROM quota WHERE day = ?1 AND coalesce(spent_limit, ?2) >= ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let at: Option<Option<Time>> = statement.query_row(params![Day(day), limit], |row| row.get(0)).optional()?;
    Ok(at.flatten().map(|at| at.0))
}

/// The day's quota was found spent: by this link's own count where that has come to its `limit`, else by Komet's word.
pub fn set_spent(conn: &Connection, day: NaiveDate, at: DateTime<Utc>, limit: u64) -> Result<(), StoreError> {
    let own = (used(conn, day)? >= limit).then(|| i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = "INSERT INTO quota (day, used, spent_at, spent_limit) VALUES (?1, 0, ?2, ?3)
               ON CONFLICT (day) DO UPDATE SET spent_at = excluded.spent_at, spent_limit = excluded.spent_limit";
    conn.prepare_cached(sql)?.execute(params![Day(day), Time(at), own])?;
    Ok(())
}

/// Komet answers again: somebody pays for another user.
pub fn clear_spent(conn: &Connection, day: NaiveDate) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE quota SET spent_at = NULL WHERE day = ?1 AND spent_at IS NOT NULL")?
        .execute([Day(day)])?;
    Ok(())
}
