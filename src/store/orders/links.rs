//! Links: which order a Prebook, a Prebook item, a PO or a box belongs to. They are written with the views and only
//! when a view's links changed. A link is never taken back, because a thing of Komet's does not become another
//! order's by vanishing from a list, and forgetting it would make it look new (and be ordered twice); an item that
//! another order's view shows moves there. The agreed view adds what stemsync made and Komet has not shown yet.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde::Serialize;

use crate::domain::{
    Agreed, ItemId, KometView, OrderKey, PoLine, PoNumber, PoStatus, PrebookHeader, PrebookId, PurchaseOrder,
    blank, fingerprint,
};
use crate::store::StoreError;
use crate::store::columns::Day;

/// Item, Prebook, ship date, alive.
type LinkedItem = (i64, i64, NaiveDate, bool);

/// What an order's Komet view links.
#[derive(Serialize)]
struct ViewLinks<'a> {
    /// Id, number, what `useExisting` goes by.
    prebooks: BTreeSet<(i64, &'a str, i64)>,
    items: BTreeSet<LinkedItem>,
    /// Number, ship date, whether it buys anything for the order.
    pos: BTreeSet<(&'a str, NaiveDate, bool)>,
    boxes: BTreeSet<&'a str>,
}

impl<'a> ViewLinks<'a> {
    fn of(view: &'a KometView) -> Self {
        let pos = &view.purchase_orders;
        Self {
            prebooks: view
                .prebooks
                .iter()
                .map(|p| (p.id.0, p.number.0.as_str(), header_print(&p.header)))
                .collect(),
            items: view
                .prebooks
                .iter()
                .flat_map(|p| p.items.iter().map(|i| (i.id.0, p.id.0, i.ship_date, i.is_alive())))
                .collect(),
            pos: pos.iter().map(|po| (po.number.0.as_str(), po.ship_date, buys(po))).collect(),
            boxes: pos.iter().flat_map(|po| &po.lines).flat_map(|l| &l.boxes).map(|b| b.code.as_str()).collect(),
        }
    }
}

fn buys(po: &PurchaseOrder) -> bool {
    po.status != PoStatus::Cancelled && po.lines.iter().any(PoLine::is_alive)
}

/// What `useExisting` goes by: "same location, carrier, truck date, customer and customer PO" (komet-api.md).
fn header_print(header: &PrebookHeader) -> i64 {
    let PrebookHeader { customer_id, customer_code, location_code, truck_date, customer_po, carrier_id, .. } =
        header;
    // The code speaks only where there is no id: an answer may leave it out.
    let customer = customer_id.map_or_else(|| customer_code.clone().unwrap_or_default(), |id| id.to_string());
    let location = blank(location_code.as_deref());
    fingerprint(&(customer, carrier_id, truck_date, blank(customer_po.as_deref()), location)).cast_signed()
}

/// Those of an order's Prebooks whose header a Prebook of another order shares.
pub(super) fn ambiguous_prebooks(conn: &Connection, key: OrderKey) -> Result<BTreeSet<PrebookId>, StoreError> {
    let sql = "SELECT own.prebook FROM prebook_links own WHERE own.order_key = ?1 AND EXISTS (
                   SELECT 1 FROM prebook_links other
                   WHERE other.header = own.header AND other.prebook <> own.prebook AND other.order_key <> ?1)";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([key], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The other orders that have a Prebook of the same header as this one of the order's: where `useExisting` may have led instead.
pub fn keys_of_alike(conn: &Connection, key: OrderKey, prebook: &PrebookId) -> Result<Vec<OrderKey>, StoreError> {
    let sql = "SELECT DISTINCT other.order_key FROM prebook_links own
               JOIN prebook_links other ON other.header = own.header AND other.prebook <> own.prebook
               WHERE own.order_key = ?1 AND own.prebook = ?2 AND other.order_key <> ?1 ORDER BY 1";
    keys(conn, sql, params![key, prebook])
}

/// Writes the links of a Komet view, unless their fingerprint is `known`; answers their fingerprint.
pub(super) fn save_of_view(
    conn: &Connection,
    key: OrderKey,
    view: &KometView,
    known: Option<i64>,
) -> Result<i64, StoreError> {
    let links = ViewLinks::of(view);
    let print = fingerprint(&links).cast_signed();
    if known == Some(print) {
        return Ok(print);
    }
    save_items(conn, key, links.items, known.is_some())?;
    for (prebook, number, header) in links.prebooks {
        conn.prepare_cached(
            "INSERT INTO prebook_links (prebook, order_key, number, header) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (prebook, order_key) DO UPDATE SET number = excluded.number, header = excluded.header
             WHERE number IS NOT excluded.number OR header IS NOT excluded.header",
        )?
        .execute(params![prebook, key, number, header])?;
    }
    for (number, ship_date, buys) in links.pos {
        conn.prepare_cached(
            "INSERT INTO po_links (number, order_key, look_on)
             SELECT ?1, ?2, iif(?4, nullif(?3, ship_date), ship_date) FROM orders WHERE key = ?2
             ON CONFLICT (number, order_key) DO UPDATE SET look_on = excluded.look_on
             WHERE look_on IS NOT excluded.look_on",
        )?
        .execute(params![number, key, Day(ship_date), buys])?;
    }
    for code in links.boxes {
        conn.prepare_cached("INSERT OR IGNORE INTO box_links (code, order_key) VALUES (?1, ?2)")?
            .execute(params![code, key])?;
    }
    Ok(print)
}

/// Writes the items' links that differ from those on file. An item that is not shown any more stays linked, dead.
fn save_items(
    conn: &Connection,
    key: OrderKey,
    mut shown: BTreeSet<LinkedItem>,
    seen_before: bool,
) -> Result<(), StoreError> {
    if seen_before {
        let sql = "SELECT item, prebook, ship_date, alive FROM item_links WHERE order_key = ?1";
        let mut known = conn.prepare_cached(sql)?;
        let mut rows = known.query([key])?;
        let mut vanished = Vec::new();
        while let Some(row) = rows.next()? {
            let (item, ship_date): (i64, Option<Day>) = (row.get(0)?, row.get(2)?);
            let on_file = ship_date.map(|day| Ok::<_, StoreError>((item, row.get(1)?, day.0, row.get(3)?)));
            let on_file = on_file.transpose()?;
            let is_unchanged = on_file.is_some_and(|link| shown.remove(&link));
            if !is_unchanged && on_file.is_some_and(|(_, _, _, alive)| alive) {
                vanished.push(item);
            }
        }
        // Those of them that merely changed come to life again below.
        let mut bury = conn.prepare_cached("UPDATE item_links SET alive = 0 WHERE item = ?1")?;
        for item in vanished {
            bury.execute([item])?;
        }
    }
    let mut link = conn.prepare_cached(
        "INSERT INTO item_links (item, order_key, prebook, ship_date, alive) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (item) DO UPDATE SET order_key = excluded.order_key, prebook = excluded.prebook,
         ship_date = excluded.ship_date, alive = excluded.alive",
    )?;
    for (item, prebook, ship_date, alive) in shown {
        link.execute(params![item, key, prebook, Day(ship_date), alive])?;
    }
    Ok(())
}

/// Links items that Axerrio has on a flow 2 order of this Prebook and ship date, which Komet has not shown: a rep may have moved one to
/// another Prebook while no database saw it.
pub fn link_ordered(
    conn: &Connection,
    key: OrderKey,
    (prebook, ship_date): (&PrebookId, NaiveDate),
    items: impl Iterator<Item = ItemId>,
) -> Result<(), StoreError> {
    let mut link = conn.prepare_cached(
        "INSERT OR IGNORE INTO item_links (item, order_key, prebook, ship_date, alive) VALUES (?1, ?2, ?3, ?4, 0)",
    )?;
    for item in items {
        link.execute(params![item, key, prebook, Day(ship_date)])?;
    }
    Ok(())
}

/// What an order's agreed view links. Strays lend their items only: the Prebook they lie in is somebody else's.
#[derive(Serialize)]
struct AgreedLinks<'a> {
    prebooks: BTreeSet<i64>,
    /// Item, Prebook.
    items: BTreeSet<(i64, i64)>,
    pos: BTreeSet<&'a PoNumber>,
}

impl<'a> AgreedLinks<'a> {
    fn of(agreed: &'a Agreed) -> Self {
        let links = agreed.lines.values();
        let items = links.clone().filter_map(|line| line.item.as_ref()).map(|i| (i.item.0, i.prebook.0));
        let strays = agreed.strays.iter().filter_map(|s| s.item.as_ref().map(|i| (i.0, s.prebook.0)));
        let bought = links.flat_map(|line| &line.po_lines).map(|link| &link.number);
        Self {
            prebooks: agreed.prebooks.keys().map(|p| p.0).collect(),
            items: items.chain(strays).collect(),
            pos: bought.chain(&agreed.po).collect(),
        }
    }
}

/// Adds the links of an agreed view, unless their fingerprint is `known`; answers their fingerprint.
pub(super) fn save_of_agreed(
    conn: &Connection,
    key: OrderKey,
    agreed: &Agreed,
    known: Option<i64>,
) -> Result<i64, StoreError> {
    let links = AgreedLinks::of(agreed);
    let print = fingerprint(&links).cast_signed();
    if known == Some(print) {
        return Ok(print);
    }
    for prebook in links.prebooks {
        conn.prepare_cached("INSERT OR IGNORE INTO prebook_links (prebook, order_key) VALUES (?1, ?2)")?
            .execute(params![prebook, key])?;
    }
    for (item, prebook) in links.items {
        conn.prepare_cached(
            "INSERT OR IGNORE INTO item_links (item, order_key, prebook, alive) VALUES (?1, ?2, ?3, 0)",
        )?
        .execute(params![item, key, prebook])?;
    }
    for number in links.pos {
        link_po(conn, number, key)?;
    }
    Ok(print)
}

/// Links a PO that buys for the order, or bought for it.
pub fn link_po(conn: &Connection, number: &PoNumber, key: OrderKey) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT OR IGNORE INTO po_links (number, order_key) VALUES (?1, ?2)")?
        .execute(params![number.0, key])?;
    Ok(())
}

/// The orders that lines of this Prebook belong or belonged to.
pub fn keys_by_prebook(conn: &Connection, prebook: &PrebookId) -> Result<Vec<OrderKey>, StoreError> {
    let sql = "SELECT order_key FROM prebook_links WHERE prebook = ?1
               UNION SELECT key FROM orders WHERE prebook = ?1 ORDER BY 1";
    keys(conn, sql, [prebook])
}

/// The order of a Prebook item.
pub fn key_by_item(conn: &Connection, item: &ItemId) -> Result<Option<OrderKey>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT order_key FROM item_links WHERE item = ?1")?;
    Ok(statement.query_row([item], |row| row.get(0)).optional()?)
}

/// The orders that lines of this PO buy for, or bought for.
pub fn keys_by_po(conn: &Connection, number: &PoNumber) -> Result<Vec<OrderKey>, StoreError> {
    keys(conn, "SELECT order_key FROM po_links WHERE number = ?1 ORDER BY 1", [&number.0])
}

/// A PO that bought for the order is gone: it is looked for on the order's ship date.
pub fn look_for_po(conn: &Connection, number: &PoNumber, key: OrderKey) -> Result<(), StoreError> {
    let sql = "UPDATE po_links SET look_on = (SELECT ship_date FROM orders WHERE key = ?2)
               WHERE number = ?1 AND order_key = ?2 AND look_on IS NULL";
    conn.prepare_cached(sql)?.execute(params![number.0, key])?;
    Ok(())
}

/// The orders that have a box of this code in Komet or a label with it.
pub fn keys_by_box(conn: &Connection, code: &str) -> Result<Vec<OrderKey>, StoreError> {
    let sql = "SELECT order_key FROM box_links WHERE code = ?1
               UNION SELECT key FROM orders JOIN labels ON ax_order = ax_id WHERE box_code = ?1 ORDER BY 1";
    keys(conn, sql, [code])
}

/// The orders that a person may mean: by id in Axerrio, external reference, Prebook number, PO number or box code;
/// exact, or if there is none, in any case of letters.
pub fn find(conn: &Connection, reference: &str) -> Result<Vec<OrderKey>, StoreError> {
    let exact = "SELECT key FROM orders WHERE ax_id = ?1
         UNION SELECT key FROM orders WHERE reference = ?1
         UNION SELECT order_key FROM prebook_links WHERE number = ?1
         UNION SELECT order_key FROM po_links WHERE number = ?1
         UNION SELECT order_key FROM box_links WHERE code = ?1
         UNION SELECT key FROM orders JOIN labels ON ax_order = ax_id WHERE box_code = ?1
         ORDER BY 1";
    // Reads whole tables, which a person's question may.
    let any_case = "SELECT key FROM orders WHERE ax_id = ?1 COLLATE NOCASE
         UNION SELECT key FROM orders WHERE reference = ?1 COLLATE NOCASE
         UNION SELECT order_key FROM prebook_links WHERE number = ?1 COLLATE NOCASE
         UNION SELECT order_key FROM po_links WHERE number = ?1 COLLATE NOCASE
         UNION SELECT order_key FROM box_links WHERE code = ?1 COLLATE NOCASE
         UNION SELECT key FROM orders JOIN labels ON ax_order = ax_id WHERE box_code = ?1 COLLATE NOCASE
         ORDER BY 1";
    let reference = reference.trim();
    let found = keys(conn, exact, [reference])?;
    if found.is_empty() { keys(conn, any_case, [reference]) } else { Ok(found) }
}

/// The keys that a query selects.
pub(super) fn keys(
    conn: &Connection,
    sql: &'static str,
    params: impl Params,
) -> Result<Vec<OrderKey>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
