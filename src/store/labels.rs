//! Labels as Axerrio last showed them. They hang on the Axerrio order's id and not on the order's number, because
//! the labels feed may be ahead of the orders feed.

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::StoreError;
use super::columns::{from_doc, to_doc};
use crate::domain::{AxOrderId, Label, LabelStatus, fingerprint};

/// Stores a label, and makes its order dirty, if it is news. Says whether it was; `changed_at` alone is none, but where the box
/// has another label: the one that was printed last is on it.
pub fn observe(conn: &Connection, label: &Label) -> Result<bool, StoreError> {
    let print = fingerprint(&Content::of(label)).cast_signed();
    let mut statement = conn.prepare_cached("SELECT print FROM labels WHERE id = ?1")?;
    let is_known = statement.query_row([&label.id.0], |row| row.get::<_, i64>(0)).optional()? == Some(print);
    if is_known && !is_printed_again(conn, label)? {
        return Ok(false);
    }
    let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0 AND (ax_id = ?1 OR ax_id = (SELECT ax_order FROM labels WHERE id = ?2))";
    conn.prepare_cached(sql)?.execute([&label.order_id.0, &label.id.0])?;
    let doc = to_doc(label, format_args!("label {}", label.id))?;
    conn.prepare_cached(
        "INSERT INTO labels (id, ax_order, line, box_code, doc, print) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET ax_order = excluded.ax_order, line = excluded.line,
         box_code = excluded.box_code, doc = excluded.doc, print = excluded.print",
    )?
    .execute(params![label.id.0, label.order_id.0, label.line_id.0, label.box_code, doc, print])?;
    Ok(true)
}

/// The labels of an order, by id.
pub fn for_order(conn: &Connection, order: &AxOrderId) -> Result<Vec<Label>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT id, doc FROM labels WHERE ax_order = ?1 ORDER BY id")?;
    let mut rows = statement.query([&order.0])?;
    let mut labels = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, doc): (String, String) = (row.get(0)?, row.get(1)?);
        labels.push(from_doc(&doc, format_args!("label {id}"))?);
    }
    Ok(labels)
}

/// Whether a label that says what it said before was printed since, for a box that has another one.
fn is_printed_again(conn: &Connection, label: &Label) -> Result<bool, StoreError> {
    let sql = "SELECT id, doc FROM labels WHERE ax_order = ?1 AND line = ?2";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([&label.order_id.0, &label.line_id.0])?;
    let (mut is_later, mut has_other) = (false, false);
    while let Some(row) = rows.next()? {
        let (id, doc): (String, String) = (row.get(0)?, row.get(1)?);
        let known: Label = from_doc(&doc, format_args!("label {id}"))?;
        if known.id == label.id {
            is_later = known.changed_at < label.changed_at;
        } else {
            has_other |= known.box_number == label.box_number;
        }
    }
    Ok(is_later && has_other)
}

/// Forgets every label; for a copy of the database that is to hold only what is there now.
pub fn forget_all(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM labels", [])?;
    Ok(())
}

/// A [`Label`] without `changed_at`.
#[derive(Serialize)]
struct Content<'a> {
    order_id: &'a str,
    line_id: &'a str,
    box_number: u32,
    box_code: &'a str,
    lot_number: &'a Option<String>,
    awb: &'a Option<String>,
    house_awb: &'a Option<String>,
    ship_date: NaiveDate,
    status: LabelStatus,
}

impl<'a> Content<'a> {
    fn of(label: &'a Label) -> Self {
        // Named one by one, so that a field added to the type must be decided on here. The id is the row's key.
        let Label {
            id: _,
            order_id,
            line_id,
            box_number,
            box_code,
            lot_number,
            awb,
            house_awb,
            ship_date,
            status,
            changed_at: _,
        } = label;
        Self {
            order_id: &order_id.0,
            line_id: &line_id.0,
            box_number: *box_number,
            box_code,
            lot_number,
            awb,
            house_awb,
            ship_date: *ship_date,
            status: *status,
        }
    }
}
