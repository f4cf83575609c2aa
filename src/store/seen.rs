//! What the views on file tell about a code of Axerrio's, and which products and customers Komet has shown: what
//! `map suggest` compares. It reads the orders on file, once, for a person who waits for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rusqlite::Connection;

use super::StoreError;
use super::columns::{Day, from_doc};
use crate::domain::suggest::{Candidate, Listed};
use crate::domain::{
    Agreed, AxOrder, KometProduct, KometTerms, KometView, MapKind, OrderKey, Party, Prebook, Product,
};

/// What Axerrio's orders tell about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCode {
    /// As Axerrio writes it: a person may have typed it otherwise.
    pub code: String,
    /// What the latest order calls it.
    pub name: String,
    /// Box types it was ordered in; for products.
    pub box_types: BTreeSet<String>,
    /// Lines or orders it stands on.
    pub times: u32,
    /// The last of their ship dates.
    pub last_ship_date: NaiveDate,
}

/// One order on file, as far as it may matter.
struct Row {
    ship_date: NaiveDate,
    /// Only where the code stands in it.
    axerrio: Option<AxOrder>,
    komet: KometView,
    /// Only where the code stands in it.
    agreed: Option<Agreed>,
}

/// How far back orders are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every order on file.
    All,
    /// So many that came last.
    Last(u32),
}

/// Calls `look` with every order within `reach`.
fn each_order(conn: &Connection, code: &str, reach: Reach, mut look: impl FnMut(&Row)) -> Result<(), StoreError> {
    // A code stands in a document as a JSON text of its own.
    let needle = serde_json::Value::from(code).to_string().to_ascii_lowercase();
    let mut statement = conn.prepare(
        "SELECT o.key, o.ship_date, k.doc,
                CASE WHEN instr(lower(a.doc), ?1) > 0 THEN a.doc END,
                CASE WHEN instr(lower(g.doc), ?1) > 0 THEN g.doc END
         FROM orders o LEFT JOIN axerrio_views a ON a.key = o.key
         LEFT JOIN komet_views k ON k.key = o.key LEFT JOIN agreed_views g ON g.key = o.key
         WHERE o.key > (SELECT ifnull(max(key), 0) FROM orders) - ?2
         ORDER BY o.key",
    )?;
    let last = match reach {
        Reach::All => i64::MAX,
        Reach::Last(orders) => i64::from(orders),
    };
    let mut rows = statement.query(rusqlite::params![needle, last])?;
    while let Some(row) = rows.next()? {
        let key: OrderKey = row.get(0)?;
        let doc = |column: usize| row.get::<_, Option<String>>(column);
        let view = |what: &str| format!("{what} view of order {}", key.0);
        let komet = doc(2)?.map(|doc| from_doc(&doc, view("Komet"))).transpose()?;
        look(&Row {
            ship_date: row.get::<_, Day>(1)?.0,
            komet: komet.unwrap_or_default(),
            axerrio: doc(3)?.map(|doc| from_doc(&doc, view("Axerrio"))).transpose()?,
            agreed: doc(4)?.map(|doc| from_doc(&doc, view("agreed"))).transpose()?,
        });
    }
    Ok(())
}

/// What Axerrio's orders tell about a product's code (`None` if it never stood in one), and every product that Komet
/// knows and has shown.
pub fn products(
    conn: &Connection,
    code: &str,
    reach: Reach,
) -> Result<(Option<SeenCode>, Vec<Candidate>), StoreError> {
    let mut seen: Option<SeenCode> = None;
    let mut shown: BTreeMap<i64, Candidate> = BTreeMap::new();
    let mut of_this_code: BTreeMap<i64, u32> = BTreeMap::new();
    each_order(conn, code, reach, |row| {
        for line in row.axerrio.iter().flat_map(|order| &order.lines) {
            let named =
                std::iter::once(&line.terms.product).chain(line.terms.mix.iter().map(|part| &part.product));
            for Product { code: theirs, description } in named.filter(|p| p.code.eq_ignore_ascii_case(code)) {
                note(&mut seen, theirs, description, Some(&line.terms.box_type), row.ship_date);
            }
        }
        for (terms, ship_date) in lines(&row.komet) {
            show(&mut shown, terms, ship_date);
        }
        for id in of_code(row, code).filter_map(|product| product.id) {
            *of_this_code.entry(id).or_default() += 1;
        }
    })?;
    for (id, lines) in of_this_code {
        if let Some(candidate) = shown.get_mut(&id) {
            candidate.shown_for_code = lines;
        }
    }
    Ok((seen, shown.into_values().collect()))
}

/// The goods of an order in Komet: its Prebook items, and the PO lines that buy for none of them.
fn lines(view: &KometView) -> impl Iterator<Item = (&KometTerms, NaiveDate)> {
    let items: BTreeSet<_> = view.prebooks.iter().flat_map(|p| &p.items).map(|item| &item.id).collect();
    let of_prebooks = view.prebooks.iter().flat_map(|p| &p.items).map(|item| (&item.terms, item.ship_date));
    let of_pos = view.purchase_orders.iter().flat_map(|po| po.lines.iter().map(move |line| (line, po.ship_date)));
    let of_pos = of_pos.filter(move |(line, _)| line.item_id.as_ref().is_none_or(|item| !items.contains(item)));
    of_prebooks.chain(of_pos.map(|(line, ship_date)| (&line.terms, ship_date)))
}

fn show(shown: &mut BTreeMap<i64, Candidate>, terms: &KometTerms, ship_date: NaiveDate) {
    let parts = terms.breakdowns.iter().map(|part| &part.product);
    for KometProduct { id, description } in std::iter::once(&terms.product).chain(parts) {
        let Some(id) = *id else { continue };
        let candidate = shown.entry(id).or_insert_with(|| Candidate {
            id,
            description: description.clone(),
            box_types: BTreeSet::new(),
            seen: 0,
            last_ship_date: ship_date,
            shown_for_code: 0,
        });
        candidate.seen += 1;
        candidate.box_types.insert(terms.box_type.to_uppercase());
        if ship_date >= candidate.last_ship_date {
            candidate.last_ship_date = ship_date;
            candidate.description.clone_from(description);
        }
    }
}

/// The products that Komet shows for an order's lines of that code; of mixed boxes nothing can be said.
fn of_code<'r>(row: &'r Row, code: &'r str) -> impl Iterator<Item = &'r KometProduct> {
    let lines = row.agreed.iter().flat_map(|agreed| agreed.lines.values());
    let lines =
        lines.filter(move |line| !line.terms.is_mixed() && line.terms.product.code.eq_ignore_ascii_case(code));
    lines.filter_map(|line| {
        let item = &line.item.as_ref()?.item;
        let items = row.komet.prebooks.iter().flat_map(|p: &Prebook| &p.items);
        items.filter(|shown| shown.id == *item).map(|shown| &shown.terms.product).next()
    })
}

fn note(seen: &mut Option<SeenCode>, code: &str, name: &str, box_type: Option<&str>, ship_date: NaiveDate) {
    let seen = seen.get_or_insert_with(|| SeenCode {
        code: code.to_owned(),
        name: name.to_owned(),
        box_types: BTreeSet::new(),
        times: 0,
        last_ship_date: ship_date,
    });
    seen.times += 1;
    seen.box_types.extend(box_type.map(str::to_uppercase));
    if ship_date >= seen.last_ship_date {
        seen.last_ship_date = ship_date;
        code.clone_into(&mut seen.code);
        name.clone_into(&mut seen.name);
    }
}

/// What Axerrio's orders tell about the code of a customer, a carrier or a box type, and every customer whom Komet has
/// shown with an id.
pub fn others(
    conn: &Connection,
    kind: MapKind,
    code: &str,
    reach: Reach,
) -> Result<(Option<SeenCode>, Vec<Listed>), StoreError> {
    let mut seen: Option<SeenCode> = None;
    let mut customers: BTreeMap<i64, Listed> = BTreeMap::new();
    each_order(conn, code, reach, |row| {
        if let Some(order) = &row.axerrio {
            let mut party = |party: &Party| {
                if party.code.eq_ignore_ascii_case(code) {
                    note(&mut seen, &party.code, &party.name, None, row.ship_date);
                }
            };
            match kind {
                MapKind::Customer => party(&order.header.customer),
                MapKind::Carrier => order.header.carrier.iter().for_each(party),
                MapKind::BoxType => {
                    for terms in order.lines.iter().map(|line| &line.terms) {
                        if terms.box_type.eq_ignore_ascii_case(code) {
                            note(&mut seen, &terms.box_type, "", None, row.ship_date);
                        }
                    }
                }
                MapKind::Product => {}
            }
        }
        for header in row.komet.prebooks.iter().map(|prebook| &prebook.header) {
            let Some(id) = header.customer_id else { continue };
            let code = header.customer_code.clone().unwrap_or_default();
            let name = header.customer_name.clone().unwrap_or_default();
            customers.insert(id, Listed { id, code, name });
        }
    })?;
    Ok((seen, customers.into_values().collect()))
}
