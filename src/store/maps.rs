//! The local maps from Axerrio codes to Komet ids. A change makes those orders dirty that wait for one: whatever was
//! held because Komet did not know a product or refused a request may pass now. So does it to those that have the code: they
//! may have been sent by another id, and what was asked about that may be over.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::columns::{Named, from_doc};
use super::{StoreError, reference};
use crate::domain::{Agreed, MapKind, Maps};

/// So many codes are searched for in what was sent; with more of them all that was sent is looked at, which is less work.
const SEARCHED_FOR: usize = 20;

/// All maps, for planning.
pub fn load(conn: &Connection) -> Result<Maps, StoreError> {
    let mut statement = conn.prepare_cached("SELECT kind, code, komet_id FROM maps")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, Named<MapKind>>(0)?.0, row.get(1)?, row.get(2)?)))?;
    let maps = Maps::new(rows.collect::<Result<Vec<_>, _>>()?);
    let box_types = reference::box_types(conn)?.map(|list| list.items).unwrap_or_default();
    Ok(maps.with_box_types(box_types.into_iter().map(|box_type| (box_type.id, box_type.code))))
}

/// One map, by code.
pub fn list(conn: &Connection, kind: MapKind) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT code, komet_id FROM maps WHERE kind = ?1 ORDER BY code")?;
    let rows = statement.query_map([kind.name()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What one code means, if that is known.
pub fn find(conn: &Connection, kind: MapKind, code: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT komet_id FROM maps WHERE kind = ?1 AND code = ?2")?;
    Ok(statement.query_row(params![kind.name(), code], |row| row.get(0)).optional()?)
}

/// Maps one code; says whether that is news.
pub fn set(conn: &Connection, kind: MapKind, code: &str, komet_id: i64) -> Result<bool, StoreError> {
    Ok(import(conn, kind, &[(code.to_owned(), komet_id)])? > 0)
}

/// Forgets one code; says whether it was known.
pub fn remove(conn: &Connection, kind: MapKind, code: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM maps WHERE kind = ?1 AND code = ?2";
    let removed = conn.prepare_cached(sql)?.execute(params![kind.name(), code])? > 0;
    if removed {
        wake(conn)?;
        wake_those_of(conn, &[code])?;
    }
    Ok(removed)
}

/// Maps many codes, beside those on file; says how many were news.
pub fn import(conn: &Connection, kind: MapKind, rows: &[(String, i64)]) -> Result<usize, StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO maps (kind, code, komet_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, code) DO UPDATE SET komet_id = excluded.komet_id WHERE komet_id <> excluded.komet_id",
    )?;
    let mut news = Vec::new();
    for (code, komet_id) in rows {
        if statement.execute(params![kind.name(), code, komet_id])? > 0 {
            news.push(code.as_str());
        }
    }
    if !news.is_empty() {
        wake(conn)?;
        wake_those_of(conn, &news)?;
    }
    Ok(news.len())
}

/// How many orders of flow 1 whose PO procurement has not approved went out by this entry. Codes are compared as Axerrio writes them.
pub fn pending_by(conn: &Connection, kind: MapKind, code: &str, komet_id: i64) -> Result<usize, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT o.key, g.doc FROM orders o JOIN agreed_views g ON g.key = o.key
         WHERE o.stage IN ('placed', 'prebooked', 'po_pending') AND o.flow = 'from_axerrio'
         AND (instr(g.doc, '\"code\":' || json_quote(?1)) > 0 OR instr(g.doc, '\"box_type\":' || json_quote(?1)) > 0)",
    )?;
    let mut rows = statement.query([code])?;
    let mut pending = 0;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let doc = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let agreed: Agreed = from_doc(doc, format_args!("agreed view of order {key}"))?;
        pending += usize::from(went_out_by(&agreed, kind, code, komet_id));
    }
    Ok(pending)
}

/// Whether a line that stands, or its Prebook, was asked for by this entry.
fn went_out_by(agreed: &Agreed, kind: MapKind, code: &str, komet_id: i64) -> bool {
    let mut lines = agreed.lines.values().filter_map(|line| Some((&line.terms, line.item.as_ref()?)));
    lines.any(|(terms, link)| {
        let prebook = || agreed.prebooks.get(&link.prebook);
        let sent = || prebook().and_then(|prebook| prebook.sent.as_ref());
        let is_by = match kind {
            MapKind::Product => {
                let mut products = terms.mix.iter().map(|part| &part.product).chain([&terms.product]);
                link.products.contains(&Some(komet_id)) && products.any(|product| product.code == code)
            }
            MapKind::BoxType => link.box_type == Some(komet_id) && terms.box_type == code,
            MapKind::Customer => {
                prebook().and_then(|prebook| prebook.mapped_customer) == Some(komet_id)
                    && sent().is_some_and(|sent| sent.customer.code == code)
            }
            MapKind::Carrier => {
                prebook().and_then(|prebook| prebook.mapped_carrier) == Some(komet_id)
                    && sent().and_then(|sent| sent.carrier.as_ref()).is_some_and(|carrier| carrier.code == code)
            }
        };
        is_by && !link.dead
    })
}

/// Has the next run look at the orders that were sent with one of these codes. A code that is new may have meant something else
/// before it was taken out.
fn wake_those_of(conn: &Connection, codes: &[&str]) -> Result<(), StoreError> {
    if codes.len() > SEARCHED_FOR {
        let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0 AND key IN (SELECT key FROM agreed_views)";
        conn.prepare_cached(sql)?.execute([])?;
        return Ok(());
    }
    let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0
               AND key IN (SELECT key FROM agreed_views WHERE instr(doc, '\"code\":' || json_quote(?1)) > 0
                           OR instr(lower(doc), '\"box_type\":' || lower(json_quote(?1))) > 0)";
    let mut statement = conn.prepare_cached(sql)?;
    for code in codes {
        statement.execute([code])?;
    }
    Ok(())
}

/// Has the next run look at the orders that a map may help: those that wait, and those whose question was dismissed.
fn wake(conn: &Connection) -> Result<(), StoreError> {
    let sql = "UPDATE orders SET dirty = 1 WHERE dirty = 0 AND key IN (SELECT order_key FROM holds
               WHERE reason IN ('unmapped_product', 'rejected_by_komet', 'field_too_long', 'edited_in_axerrio')
               UNION SELECT key FROM agreed_views
               WHERE doc LIKE '%\"unmapped_product\"%' OR doc LIKE '%\"rejected_by_komet\"%')";
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}
