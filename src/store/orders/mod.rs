//! Orders: who they are, how far they have come, and their three views. An order that changed is *dirty* until it
//! was planned again (`settle`), which is how a run costs as much as what changed. `views` writes the documents,
//! `links` finds the order behind a thing of Komet's, `lists` answers which orders a job must look at, and `search`, with
//! the `names` of customers and products, which ones a person looks for.

mod elsewhere;
mod links;
mod lists;
mod names;
mod search;
mod views;

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};

pub use links::{
    find, key_by_item, keys_by_box, keys_by_po, keys_by_prebook, keys_of_alike, link_ordered, link_po, look_for_po,
};
pub use lists::{
    all_keys, backlog, dirty, families, further_po_dates, is_any, is_any_cancelled, items_expected, keys_in_range,
    keys_with_open_po, open_count, open_po_ship_dates, stage_counts, stage_counts_by_date,
};
pub use search::{Found, Search, Sort, Stages, search};
pub use views::{
    change_all_agreed, forget_axerrio, load_agreed, load_komet, observe_axerrio, observe_komet, save_agreed,
    save_axerrio, save_komet,
};

use std::collections::BTreeSet;

use self::elsewhere::{Codes, Elsewhere, Kin};
use super::columns::{Day, Named, flow_name, from_doc};
use super::{StoreError, labels};
use crate::domain::{
    Agreed, AxOrderId, AxerrioView, ExternalRef, Flow, KometView, Order, OrderKey, PrebookId, Stage,
};

/// An order seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Which way it travels.
    pub flow: Flow,
    /// Its id in Axerrio, where known.
    pub ax_id: Option<AxOrderId>,
    /// Flow 2: its name in Axerrio.
    pub reference: Option<ExternalRef>,
    /// Flow 2: the Prebook it is made from.
    pub prebook: Option<PrebookId>,
    /// The day the vendor ships it.
    pub ship_date: NaiveDate,
}

/// Puts an order on file, placed and dirty, with empty views. An id or reference that another order has is an error.
pub fn insert(conn: &Connection, new: &NewOrder) -> Result<OrderKey, StoreError> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO orders (flow, ax_id, reference, prebook, ship_date, stage, dirty) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
    )?;
    let key = statement.insert(params![
        flow_name(new.flow),
        new.ax_id.as_ref().map(|id| &id.0),
        new.reference.as_ref().map(|r| &r.0),
        new.prebook,
        Day(new.ship_date),
        Stage::Placed.name(),
    ])?;
    Ok(OrderKey(key))
}

/// Who an order is, without its views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub key: OrderKey,
    /// Which way it travels.
    pub flow: Flow,
    /// Its id in Axerrio, where known.
    pub ax_id: Option<AxOrderId>,
    /// Flow 2: its name in Axerrio.
    pub reference: Option<ExternalRef>,
    /// The day the vendor ships it.
    pub ship_date: NaiveDate,
    /// How far it has come.
    pub stage: Stage,
}

/// Who an order is.
pub fn identity(conn: &Connection, key: OrderKey) -> Result<Option<Identity>, StoreError> {
    let sql = "SELECT flow, ax_id, reference, ship_date, stage FROM orders WHERE key = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let row = statement.query_row([key], |row| {
        Ok(Identity {
            key,
            flow: row.get::<_, Named<_>>(0)?.0,
            ax_id: row.get::<_, Option<String>>(1)?.map(AxOrderId),
            reference: row.get::<_, Option<String>>(2)?.map(ExternalRef),
            ship_date: row.get::<_, Day>(3)?.0,
            stage: row.get::<_, Named<_>>(4)?.0,
        })
    });
    Ok(row.optional()?)
}

/// What people call these orders, in this order.
pub fn names(conn: &Connection, keys: impl IntoIterator<Item = OrderKey>) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for key in keys {
        names.extend(load(conn, key)?.map(|order| order.name().to_owned()));
    }
    Ok(names)
}

/// The order with its three views, labels included.
pub fn load(conn: &Connection, key: OrderKey) -> Result<Option<Order>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT o.flow, o.ax_id, o.reference, o.prebook, o.ship_date, o.stage, a.doc, k.doc, g.doc FROM orders o
         LEFT JOIN axerrio_views a ON a.key = o.key
         LEFT JOIN komet_views k ON k.key = o.key
         LEFT JOIN agreed_views g ON g.key = o.key
         WHERE o.key = ?1",
    )?;
    let mut rows = statement.query([key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = |column: usize| row.get_ref(column).map(|value| value.as_str_or_null());
    let text = |column| text(column)?.map_err(rusqlite::Error::from);
    let view = |what: &str| format!("{what} view of order {}", key.0);
    let ax_id = row.get::<_, Option<String>>(1)?.map(AxOrderId);
    let order = text(6)?.map(|doc| from_doc(doc, view("Axerrio"))).transpose()?;
    let komet: Option<KometView> = text(7)?.map(|doc| from_doc(doc, view("Komet"))).transpose()?;
    let agreed: Option<Agreed> = text(8)?.map(|doc| from_doc(doc, view("agreed"))).transpose()?;
    let labels = ax_id.as_ref().map(|id| labels::for_order(conn, id)).transpose()?;
    let prebook: Option<PrebookId> = row.get(3)?;
    let agreed = agreed.unwrap_or_default();
    let kin = prebook.as_ref().map(|prebook| Kin { key, prebook, others: &agreed.kin });
    let elsewhere = kin.map(|kin| Elsewhere::load(conn, &kin)).transpose()?;
    let Elsewhere { lines: elsewhere, items: items_elsewhere, bought: bought_elsewhere, days: former_days } =
        elsewhere.unwrap_or_default();
    let flow = row.get::<_, Named<_>>(0)?.0;
    // stemsync adds to Prebooks of flow 1 only.
    let ambiguous =
        if flow == Flow::FromAxerrio { links::ambiguous_prebooks(conn, key)? } else { BTreeSet::new() };
    let (labels, komet) = (labels.unwrap_or_default(), komet.unwrap_or_default());
    let ship_date = row.get::<_, Day>(4)?.0;
    let kin = &agreed.kin;
    let codes = Codes { key, prebook: prebook.as_ref(), kin, ship_date, labels: &labels, komet: &komet };
    let codes_elsewhere = codes.elsewhere(conn)?;
    Ok(Some(Order {
        key,
        flow,
        ax_id,
        reference: row.get::<_, Option<String>>(2)?.map(ExternalRef),
        prebook,
        ship_date,
        stage: row.get::<_, Named<_>>(5)?.0,
        axerrio: AxerrioView { order, labels },
        komet,
        agreed,
        elsewhere,
        items_elsewhere,
        bought_elsewhere,
        former_days,
        ambiguous,
        codes_elsewhere,
    }))
}

/// The order of that id in Axerrio.
pub fn key_by_ax_id(conn: &Connection, id: &AxOrderId) -> Result<Option<OrderKey>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT key FROM orders WHERE ax_id = ?1")?;
    Ok(statement.query_row([&id.0], |row| row.get(0)).optional()?)
}

/// The order of that external reference.
pub fn key_by_reference(conn: &Connection, reference: &ExternalRef) -> Result<Option<OrderKey>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT key FROM orders WHERE reference = ?1")?;
    Ok(statement.query_row([&reference.0], |row| row.get(0)).optional()?)
}

/// Sets the order's id in Axerrio and its reference, where given; what is `None` stays.
pub fn rename(
    conn: &Connection,
    key: OrderKey,
    ax_id: Option<&AxOrderId>,
    reference: Option<&ExternalRef>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "UPDATE orders SET ax_id = coalesce(?2, ax_id), reference = coalesce(?3, reference)
         WHERE key = ?1 AND (ax_id IS NOT coalesce(?2, ax_id) OR reference IS NOT coalesce(?3, reference))",
    )?;
    statement.execute(params![key, ax_id.map(|id| &id.0), reference.map(|r| &r.0)])?;
    Ok(())
}

/// Records what planning an order came to: its stage and ship date, and whether it must be looked at again.
pub fn settle(
    conn: &Connection,
    key: OrderKey,
    stage: Stage,
    ship_date: NaiveDate,
    dirty: bool,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "UPDATE orders SET stage = ?2, ship_date = ?3, dirty = ?4
         WHERE key = ?1 AND (stage <> ?2 OR ship_date <> ?3 OR dirty <> ?4)",
    )?;
    statement.execute(params![key, stage.name(), Day(ship_date), dirty])?;
    Ok(())
}

/// The order ships on another day.
pub fn move_to(conn: &Connection, key: OrderKey, ship_date: NaiveDate) -> Result<(), StoreError> {
    let mut statement =
        conn.prepare_cached("UPDATE orders SET ship_date = ?2, dirty = 1 WHERE key = ?1 AND ship_date <> ?2")?;
    statement.execute(params![key, Day(ship_date)])?;
    Ok(())
}

/// Has these orders planned again.
pub fn mark_dirty(conn: &Connection, keys: &[OrderKey]) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("UPDATE orders SET dirty = 1 WHERE key = ?1 AND dirty = 0")?;
    for key in keys {
        statement.execute([key])?;
    }
    Ok(())
}
