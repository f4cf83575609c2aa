//! What the customers and products of an order are called, for `search`. Kept with the views, and written only where an
//! order's names changed, so that a view which says something else about the same goods costs one read.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::domain::{AxOrder, KometView, OrderKey, Party, Product};
use crate::store::StoreError;
use crate::systems::System;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameKind {
    /// A customer, whom not everybody may look for.
    Customer,
    /// A product.
    Product,
}

impl NameKind {
    fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
        }
    }
}

/// The names of one view.
type Names = BTreeSet<(NameKind, String)>;

/// A code and what goes with it, as a person may type either.
fn add(names: &mut Names, kind: NameKind, code: &str, name: &str) {
    let text = format!("{} {}", code.trim(), name.trim()).trim().to_lowercase();
    if !text.is_empty() {
        names.insert((kind, text));
    }
}

/// Keeps the names of what Axerrio showed.
pub(super) fn save_of_axerrio(conn: &Connection, key: OrderKey, order: &AxOrder) -> Result<(), StoreError> {
    let mut names = Names::new();
    let Party { code, name } = &order.header.customer;
    add(&mut names, NameKind::Customer, code, name);
    for terms in order.lines.iter().map(|line| &line.terms) {
        let parts = terms.mix.iter().map(|part| &part.product);
        for Product { code, description } in std::iter::once(&terms.product).chain(parts) {
            add(&mut names, NameKind::Product, code, description);
        }
    }
    save(conn, key, System::Axerrio, names)
}

/// Keeps the names of what Komet showed.
pub(super) fn save_of_komet(conn: &Connection, key: OrderKey, view: &KometView) -> Result<(), StoreError> {
    let mut names = Names::new();
    for prebook in &view.prebooks {
        let (code, name) = (&prebook.header.customer_code, &prebook.header.customer_name);
        add(
            &mut names,
            NameKind::Customer,
            code.as_deref().unwrap_or_default(),
            name.as_deref().unwrap_or_default(),
        );
    }
    for terms in view.prebooks.iter().flat_map(|prebook| &prebook.items).map(|item| &item.terms) {
        let parts = terms.breakdowns.iter().map(|part| &part.product);
        for product in std::iter::once(&terms.product).chain(parts) {
            add(&mut names, NameKind::Product, "", &product.description);
        }
    }
    save(conn, key, System::Komet, names)
}

fn save(conn: &Connection, key: OrderKey, side: System, mut names: Names) -> Result<(), StoreError> {
    let mut known = conn.prepare_cached(
        "SELECT n.id, n.kind, n.text FROM order_names o JOIN names n ON n.id = o.name
         WHERE o.order_key = ?1 AND o.side = ?2",
    )?;
    let mut forget =
        conn.prepare_cached("DELETE FROM order_names WHERE order_key = ?1 AND side = ?2 AND name = ?3")?;
    let mut rows = known.query(params![key, side.name()])?;
    let mut gone: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = if row.get_ref(1)?.as_str() == Ok("customer") { NameKind::Customer } else { NameKind::Product };
        if !names.remove(&(kind, row.get(2)?)) {
            gone.push(row.get(0)?);
        }
    }
    drop(rows);
    for id in gone {
        forget.execute(params![key, side.name(), id])?;
    }
    for (kind, text) in names {
        conn.prepare_cached("INSERT OR IGNORE INTO names (kind, text) VALUES (?1, ?2)")?
            .execute(params![kind.name(), text])?;
        conn.prepare_cached(
            "INSERT INTO order_names (order_key, side, name)
             SELECT ?1, ?2, id FROM names WHERE kind = ?3 AND text = ?4",
        )?
        .execute(params![key, side.name(), kind.name(), text])?;
    }
    Ok(())
}

/// Forgets what Axerrio called anything.
pub(super) fn forget_axerrio(conn: &Connection) -> Result<(), StoreError> {
    conn.execute("DELETE FROM order_names WHERE side = 'axerrio'", [])?;
    Ok(())
}

/// The names in which every word of `text` stands; those of customers only where `customers` may be looked for.
pub(super) fn matching(conn: &Connection, text: &str, customers: bool) -> Result<Vec<i64>, StoreError> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut statement = conn.prepare_cached("SELECT id, text FROM names WHERE kind = 'product' OR ?1")?;
    let mut rows = statement.query([customers])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if words.iter().all(|word| name.contains(word)) {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}
