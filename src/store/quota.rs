//! How many requests were made of Komet each day, by all processes of this link. The day is Komet's.

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::columns::Day;

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

/// Requests made on that day.
pub fn used(conn: &Connection, day: NaiveDate) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached("SELECT used FROM quota WHERE day = ?1")?;
    let used: Option<i64> = statement.query_row([Day(day)], |row| row.get(0)).optional()?;
    Ok(used.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}
