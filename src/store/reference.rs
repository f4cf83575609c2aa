//! What is kept as one list with the time it was taken: Komet's carriers and box types, read once a day, the `policy`, and
//! what is `sought`.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use super::columns::{Time, from_doc, to_doc};
use crate::domain::{BoxType, Carrier};

/// A list and when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The list.
    pub items: Vec<T>,
    /// When it was read.
    pub read_at: DateTime<Utc>,
}

/// The carriers; `None` if they were never read.
pub fn carriers(conn: &Connection) -> Result<Option<Listed<Carrier>>, StoreError> {
    get(conn, "carriers")
}

/// Keeps the carriers.
pub fn set_carriers(conn: &Connection, items: &[Carrier], read_at: DateTime<Utc>) -> Result<(), StoreError> {
    set(conn, "carriers", items, read_at)
}

/// The box types; `None` if they were never read.
pub fn box_types(conn: &Connection) -> Result<Option<Listed<BoxType>>, StoreError> {
    get(conn, "box-types")
}

/// Keeps the box types.
pub fn set_box_types(conn: &Connection, items: &[BoxType], read_at: DateTime<Utc>) -> Result<(), StoreError> {
    set(conn, "box-types", items, read_at)
}

pub(super) fn get<T: DeserializeOwned>(conn: &Connection, kind: &str) -> Result<Option<Listed<T>>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT doc, read_at FROM reference WHERE kind = ?1")?;
    let row = statement.query_row([kind], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Time>(1)?.0)));
    let Some((doc, read_at)) = row.optional()? else { return Ok(None) };
    Ok(Some(Listed { items: from_doc(&doc, kind)?, read_at }))
}

pub(super) fn set(
    conn: &Connection,
    kind: &str,
    items: &[impl Serialize],
    read_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference (kind, doc, read_at) VALUES (?1, ?2, ?3)
               ON CONFLICT (kind) DO UPDATE SET doc = excluded.doc, read_at = excluded.read_at";
    conn.prepare_cached(sql)?.execute(params![kind, to_doc(&items, kind)?, Time(read_at)])?;
    Ok(())
}
