//! Writing the three views. `observe_*` stores what a system showed and makes the order dirty if that is news;
//! `save_*` stores the result of stemsync's own push, which is no news. Either way a view that says the same as the
//! one on file is not written: equality is told by fingerprints that leave out what is never compared (versions and
//! times of change).

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::{links, names};
use crate::domain::{
    Agreed, AxLine, AxOrder, AxOrderId, AxStatus, ExternalRef, Header, KometView, OrderKey, Origin, PoLine,
    PoNumber, PoStatus, Prebook, PurchaseOrder, PurchaseOrderInfo, fingerprint, fingerprint_of_text,
};
use crate::store::StoreError;
use crate::store::columns::{Day, from_doc, to_doc};

/// What Axerrio showed: stored, and the order made dirty, if it is news. Says whether it was.
pub fn observe_axerrio(conn: &Connection, key: OrderKey, order: &AxOrder) -> Result<bool, StoreError> {
    let news = save_axerrio(conn, key, order)?;
    if news {
        super::mark_dirty(conn, &[key])?;
    }
    Ok(news)
}

/// What Komet showed: stored, and the order made dirty, if it is news. Says whether it was.
pub fn observe_komet(conn: &Connection, key: OrderKey, view: &KometView) -> Result<bool, StoreError> {
    let news = save_komet(conn, key, view)?;
    if news {
        super::mark_dirty(conn, &[key])?;
    }
    Ok(news)
}

/// What Axerrio answered to a push. Also keeps the order's id, and in flow 1 its ship date, in step. Says whether
/// anything was written.
pub fn save_axerrio(conn: &Connection, key: OrderKey, order: &AxOrder) -> Result<bool, StoreError> {
    let print = fingerprint(&AxContent::of(order)).cast_signed();
    let mut statement = conn.prepare_cached("SELECT print FROM axerrio_views WHERE key = ?1")?;
    if statement.query_row([key], |row| row.get::<_, i64>(0)).optional()? == Some(print) {
        return Ok(false);
    }
    let doc = to_doc(order, format_args!("Axerrio view of order {}", key.0))?;
    conn.prepare_cached(
        "INSERT INTO axerrio_views (key, doc, print) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET doc = excluded.doc, print = excluded.print",
    )?
    .execute(params![key, doc, print])?;
    names::save_of_axerrio(conn, key, order)?;
    conn.prepare_cached(
        "UPDATE orders SET ax_id = ?2, ship_date = iif(flow = 'from_axerrio', ?3, ship_date)
         WHERE key = ?1 AND (ax_id IS NOT ?2 OR (flow = 'from_axerrio' AND ship_date <> ?3))",
    )?
    .execute(params![key, order.id.0, Day(order.header.ship_date)])?;
    Ok(true)
}

/// What Komet is known to hold after a push. Says whether anything was written.
pub fn save_komet(conn: &Connection, key: OrderKey, view: &KometView) -> Result<bool, StoreError> {
    let print = fingerprint(&KometContent::of(view)).cast_signed();
    let stored = stored_prints(conn, "SELECT print, links_print FROM komet_views WHERE key = ?1", key)?;
    if stored.is_some_and(|(known, _)| known == print) {
        return Ok(false);
    }
    let links_print = links::save_of_view(conn, key, view, stored.map(|(_, links)| links))?;
    let doc = to_doc(view, format_args!("Komet view of order {}", key.0))?;
    conn.prepare_cached(
        "INSERT INTO komet_views (key, doc, print, links_print) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET doc = excluded.doc, print = excluded.print, links_print = excluded.links_print",
    )?
    .execute(params![key, doc, print, links_print])?;
    names::save_of_komet(conn, key, view)?;
    Ok(true)
}

/// What is agreed. Says whether anything was written.
pub fn save_agreed(conn: &Connection, key: OrderKey, agreed: &Agreed) -> Result<bool, StoreError> {
    let doc = to_doc(agreed, format_args!("agreed view of order {}", key.0))?;
    let print = fingerprint_of_text(&doc).cast_signed();
    let stored = stored_prints(conn, "SELECT print, links_print FROM agreed_views WHERE key = ?1", key)?;
    if stored.is_some_and(|(known, _)| known == print) {
        return Ok(false);
    }
    let links_print = links::save_of_agreed(conn, key, agreed, stored.map(|(_, links)| links))?;
    conn.prepare_cached(
        "INSERT INTO agreed_views (key, doc, print, links_print) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET doc = excluded.doc, print = excluded.print, links_print = excluded.links_print",
    )?
    .execute(params![key, doc, print, links_print])?;
    Ok(true)
}

/// Changes what is agreed about every order of which `change` says that it did, in a file of any version: its links must stay as
/// they are. What cannot be read is left as it is, for whoever needs it to say so.
pub fn change_all_agreed(conn: &Connection, change: impl Fn(&mut Agreed) -> bool) -> Result<(), StoreError> {
    let mut changed: Vec<(i64, String)> = Vec::new();
    let mut statement = conn.prepare("SELECT key, doc FROM agreed_views")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, doc): (i64, String) = (row.get(0)?, row.get(1)?);
        let what = || format!("agreed view of order {key}");
        let Ok(mut agreed) = from_doc::<Agreed>(&doc, what()) else { continue };
        if change(&mut agreed) {
            changed.push((key, to_doc(&agreed, what())?));
        }
    }
    let mut update = conn.prepare("UPDATE agreed_views SET doc = ?2, print = ?3 WHERE key = ?1")?;
    for (key, doc) in changed {
        let print = fingerprint_of_text(&doc).cast_signed();
        update.execute(params![key, doc, print])?;
    }
    Ok(())
}

/// Forgets what Axerrio showed of every order; for a copy of the database that is to hold only what is there now.
pub fn forget_axerrio(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM axerrio_views", [])?;
    names::forget_axerrio(conn)?;
    Ok(())
}

/// What Komet last showed of an order, without its other views.
pub fn load_komet(conn: &Connection, key: OrderKey) -> Result<KometView, StoreError> {
    let mut statement = conn.prepare_cached("SELECT doc FROM komet_views WHERE key = ?1")?;
    let doc: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    doc.map_or_else(
        || Ok(KometView::default()),
        |doc| from_doc(&doc, format_args!("Komet view of order {}", key.0)),
    )
}

/// What is agreed about an order, without its other views.
pub fn load_agreed(conn: &Connection, key: OrderKey) -> Result<Agreed, StoreError> {
    let mut statement = conn.prepare_cached("SELECT doc FROM agreed_views WHERE key = ?1")?;
    let doc: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    doc.map_or_else(|| Ok(Agreed::default()), |doc| from_doc(&doc, format_args!("agreed view of order {}", key.0)))
}

fn stored_prints(conn: &Connection, sql: &'static str, key: OrderKey) -> Result<Option<(i64, i64)>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    Ok(statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// An [`AxOrder`] without `version` and `changed_at`.
#[derive(Serialize)]
struct AxContent<'a> {
    id: &'a AxOrderId,
    external_ref: &'a Option<ExternalRef>,
    origin: Origin,
    status: AxStatus,
    header: &'a Header,
    lines: &'a [AxLine],
    purchase_order: &'a Option<PurchaseOrderInfo>,
}

impl<'a> AxContent<'a> {
    fn of(order: &'a AxOrder) -> Self {
        // Named one by one, so that a field added to the type must be decided on here.
        let AxOrder { id, external_ref, origin, status, version: _, changed_at: _, header, lines, purchase_order } =
            order;
        Self { id, external_ref, origin: *origin, status: *status, header, lines, purchase_order }
    }
}

/// A [`KometView`] without the POs' `updated_on`.
#[derive(Serialize)]
struct KometContent<'a> {
    prebooks: &'a [Prebook],
    purchase_orders: Vec<PoContent<'a>>,
}

#[derive(Serialize)]
struct PoContent<'a> {
    number: &'a PoNumber,
    status: PoStatus,
    ship_date: NaiveDate,
    awb: &'a Option<String>,
    location: &'a Option<String>,
    lines: &'a [PoLine],
}

impl<'a> KometContent<'a> {
    fn of(view: &'a KometView) -> Self {
        let content = |po: &'a PurchaseOrder| {
            let PurchaseOrder { number, status, ship_date, updated_on: _, awb, location, lines } = po;
            PoContent { number, status: *status, ship_date: *ship_date, awb, location, lines }
        };
        Self { prebooks: &view.prebooks, purchase_orders: view.purchase_orders.iter().map(content).collect() }
    }
}
