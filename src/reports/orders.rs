//! Orders as a row each: what a person tells them apart by.

use chrono::NaiveDate;

use crate::domain::{Flow, Order, OrderKey, Stage};
use crate::store::orders::{self, Found, Search};
use crate::store::{Connection, StoreError, holds};

/// One order in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number in the database.
    pub key: OrderKey,
    /// What people call it.
    pub name: String,
    /// Which way it travels.
    pub flow: Flow,
    /// How far it has come.
    pub stage: Stage,
    /// The day the vendor ships it.
    pub ship_date: NaiveDate,
    /// Who buys, for those who may know.
    pub customer: Option<String>,
    /// What is ordered, each once.
    pub products: Vec<String>,
    /// Boxes ordered.
    pub boxes: u64,
    /// Numbers of its Prebooks.
    pub prebooks: Vec<String>,
    /// Numbers of its POs.
    pub purchase_orders: Vec<String>,
    /// How many of its holds wait for a person.
    pub held: u32,
}

/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderList {
    /// Those on it.
    pub rows: Vec<OrderRow>,
    /// All that were found.
    pub total: u32,
    /// There are more than `total`.
    pub and_more: bool,
    /// Nothing was ever put on file.
    pub nothing_on_file: bool,
}

/// The orders that are looked for.
pub fn list(conn: &Connection, search: &Search) -> Result<OrderList, StoreError> {
    let Found { keys, total, and_more } = orders::search(conn, search)?;
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(order) = orders::load(conn, key)? {
            rows.push(OrderRow::of(&order, holds::count_of_order(conn, key)?));
        }
    }
    let nothing_on_file = total == 0 && !orders::is_any(conn)?;
    Ok(OrderList { rows, total, and_more, nothing_on_file })
}

impl OrderRow {
    fn of(order: &Order, held: u32) -> Self {
        let asked = order.axerrio.order.as_ref();
        let prebooks = &order.komet.prebooks;
        let (products, boxes) = match asked {
            Some(asked) => {
                once(asked.lines.iter().map(|line| (&line.terms.product.description, line.terms.boxes)))
            }
            None => {
                let items = prebooks.iter().flat_map(|prebook| &prebook.items).map(|item| &item.terms);
                once(items.map(|terms| (&terms.product.description, terms.boxes)))
            }
        };
        let in_komet = prebooks.first().map(|prebook| &prebook.header);
        let in_komet = in_komet.and_then(|header| header.customer_name.clone().or(header.customer_code.clone()));
        Self {
            key: order.key,
            name: order.name().to_owned(),
            flow: order.flow,
            stage: order.stage,
            ship_date: order.ship_date,
            customer: asked
                .map(|order| order.header.customer.name.clone())
                .filter(|name| !name.is_empty())
                .or(in_komet),
            products,
            boxes,
            prebooks: prebooks.iter().map(|prebook| prebook.number.0.clone()).collect(),
            purchase_orders: order.komet.purchase_orders.iter().map(|po| po.number.0.clone()).collect(),
            held,
        }
    }
}

/// Each product once, and the boxes of all.
fn once<'l>(lines: impl Iterator<Item = (&'l String, u32)>) -> (Vec<String>, u64) {
    let (mut products, mut boxes): (Vec<String>, u64) = (Vec::new(), 0);
    for (product, ordered) in lines.filter(|(_, boxes)| *boxes > 0) {
        boxes += u64::from(ordered);
        if !products.contains(product) {
            products.push(product.clone());
        }
    }
    (products, boxes)
}
