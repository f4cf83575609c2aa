//! The table of orders on the status page, with many orders on file: a first page for each filter, sort and search.
//! `cargo bench --bench orders -- [ORDERS…]` prints a line for each; nothing is asserted, machines differ.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::domain::{
    AxLine, AxOrder, AxOrderId, AxStatus, Flow, Hold, HoldReason, ItemId, KometProduct, KometTerms, KometView,
    LineId, LineTerms, OrderInput, Origin, PoBox, PoItemId, PoLine, PoNumber, PoStatus, Prebook, PrebookHeader,
    PrebookId, PrebookItem, PrebookKind, PrebookNumber, PurchaseOrder, Stage,
};
use stemsync::sandbox::scenario::Scenario;
use stemsync::store::orders::{self, NewOrder, Search, Sort, Stages};
use stemsync::store::{Connection, Store, StoreError, holds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    for orders in if sizes.is_empty() { vec![10_000] } else { sizes } {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bench.db");
        fill(&path, orders);
        measure(&path, orders);
    }
}

/// A trade of a year: nine tenths received, the rest of the next four weeks at every stage; each hundredth is held.
fn fill(path: &Path, count: usize) {
    let store = Store::open_scratch(path).unwrap();
    let today: NaiveDate = "2026-02-02".parse().unwrap();
    let inputs = Scenario::bundled().bulk(count, 3, 1, today);
    let started = Instant::now();
    let mut inputs = inputs.into_iter().enumerate().peekable();
    while inputs.peek().is_some() {
        let some: Vec<_> = inputs.by_ref().take(2_000).collect();
        store.write_blocking(move |conn| some.iter().try_for_each(|(n, input)| put(conn, *n, input))).unwrap();
    }
    println!(
        "{count} orders put on file in {:.1?}, {} MB",
        started.elapsed(),
        path.metadata().unwrap().len() >> 20
    );
}

fn put(conn: &Connection, n: usize, input: &OrderInput) -> Result<(), StoreError> {
    let now: DateTime<Utc> = "2026-02-02T12:00:00Z".parse().unwrap();
    let is_past = !n.is_multiple_of(10);
    let mut header = input.header.clone();
    if is_past {
        header.ship_date -= TimeDelta::days(28 * i64::try_from(1 + n % 12).unwrap());
    }
    let number = i64::try_from(n).unwrap();
    let id = AxOrderId(format!("AX-{}", 100_000 + n));
    let ship_date = header.ship_date;
    let lines = input.lines.iter().map(|line| AxLine {
        id: line.id.clone(),
        terms: line.terms.clone(),
        confirmed_boxes: Some(line.terms.boxes),
    });
    let order = AxOrder {
        id: id.clone(),
        external_ref: None,
        origin: Origin::Axerrio,
        status: AxStatus::Accepted,
        version: 1,
        changed_at: now,
        header,
        lines: lines.collect(),
        purchase_order: None,
    };
    let stage = if is_past { Stage::Received } else { Stage::ALL[n / 10 % 7] };
    let new = NewOrder { flow: Flow::FromAxerrio, ax_id: Some(id), reference: None, prebook: None, ship_date };
    let key = orders::insert(conn, &new)?;
    orders::observe_axerrio(conn, key, &order)?;
    if stage > Stage::Placed {
        orders::observe_komet(conn, key, &in_komet(&order, number))?;
    }
    orders::settle(conn, key, stage, ship_date, false)?;
    if n.is_multiple_of(100) {
        let hold = Hold {
            reason: HoldReason::EditedInKomet,
            line: Some(LineId("1".to_owned())),
            cause: "boxes".to_owned(),
            detail: "Somebody changed boxes in Komet.".to_owned(),
        };
        holds::sync_order(conn, key, &[hold], now)?;
    }
    Ok(())
}

/// The Prebook and the PO of an order, with five boxes of it.
fn in_komet(order: &AxOrder, n: i64) -> KometView {
    let header = &order.header;
    let terms = |terms: &LineTerms| KometTerms {
        product: KometProduct { id: Some(7), description: terms.product.description.to_uppercase() },
        box_type: terms.box_type.clone(),
        boxes: terms.boxes,
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: Some(terms.unit_type),
        unit_cost: terms.unit_cost,
        mark_code: terms.mark_code.clone(),
        notes: None,
        breakdowns: Vec::new(),
    };
    let items = order.lines.iter().zip(0..).map(|(line, at)| PrebookItem {
        id: ItemId(n * 10 + at),
        ship_date: header.ship_date,
        terms: terms(&line.terms),
        po_number: None,
    });
    let boxes = |at: i64| (0..2).map(move |b| format!("BX{n:07}{at}{b}"));
    let bought = order.lines.iter().zip(0..).map(|(line, at)| PoLine {
        id: PoItemId(n * 10 + at),
        item_id: Some(ItemId(n * 10 + at)),
        terms: terms(&line.terms),
        boxes: boxes(at).map(|code| PoBox { code, lot_number: None, status: None }).collect(),
    });
    let prebook = Prebook {
        id: PrebookId(1_000_000 + n),
        number: PrebookNumber((85_000 + n).to_string()),
        kind: PrebookKind::Prebook,
        header: PrebookHeader {
            customer_id: Some(1),
            customer_code: Some(header.customer.code.clone()),
            customer_name: Some(header.customer.name.clone()),
            location_code: None,
            truck_date: header.truck_date(),
            customer_po: header.customer_po.clone(),
            carrier_id: None,
            carrier_name: None,
        },
        comments: None,
        items: items.collect(),
    };
    let po = PurchaseOrder {
        number: PoNumber((14_000 + n).to_string()),
        status: PoStatus::Approved,
        ship_date: header.ship_date,
        updated_on: None,
        awb: None,
        location: None,
        lines: bought.collect(),
    };
    KometView { prebooks: vec![prebook], purchase_orders: vec![po] }
}

fn measure(path: &Path, count: usize) {
    let store = Store::open_existing_read_only(path).unwrap().unwrap();
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let all = Search { customers: true, limit: 50, ..Search::default() };
    let text = |text: &str| Search { text: text.to_owned(), ..all.clone() };
    let customer = "rosemart";
    let filters: Vec<(&str, Search)> = vec![
        ("all", all.clone()),
        ("open", Search { stages: Stages::Open, ..all.clone() }),
        ("received", Search { stages: Stages::One(Stage::Received), ..all.clone() }),
        ("labelled", Search { stages: Stages::One(Stage::Labelled), ..all.clone() }),
        ("flow 2, of which there is none", Search { flow: Some(Flow::FromKomet), ..all.clone() }),
        ("one ship date", Search { ships: Some((day("2026-02-10"), day("2026-02-10"))), ..all.clone() }),
        ("held", Search { held: true, ..all.clone() }),
        ("an order", text("AX-150000")),
        ("part of an order", text("50000")),
        ("a Prebook", text("95063")),
        ("a box", text("BX000500010")),
        ("a product, in most orders", text("rose")),
        ("a product, in few orders", text("gypsophila")),
        ("a customer", text(customer)),
        ("a product and open", Search { stages: Stages::Open, ..text("rose") }),
        ("a product and held", Search { held: true, ..text("rose") }),
        ("what is nowhere", text("zzzz")),
    ];
    println!(
        "{count} orders: milliseconds of a first page of 50 with its rows, median of 5 (and of the last page)"
    );
    println!("{:<32} {:>9} {:>18} {:>18} {:>18}", "", "found", "by ship date", "by order", "by stage");
    for (name, filter) in filters {
        let mut cells = Vec::new();
        let mut total = String::new();
        for sort in [Sort::ShipDate, Sort::Name, Sort::Stage] {
            let first = [false, true].map(|descending| {
                let search = Search { sort, descending, ..filter.clone() };
                let (took, found) = page(&store, &search);
                total = format!("{}{}", found.total, if found.and_more { "+" } else { "" });
                took
            });
            let found = page(&store, &Search { sort, ..filter.clone() }).1;
            let last = Search { sort, offset: found.total.saturating_sub(50), ..filter.clone() };
            let last = page(&store, &last).0;
            let ms = |took: Duration| took.as_secs_f64() * 1000.0;
            cells.push(format!("{:.1} {:.1} ({:.1})", ms(first[0]), ms(first[1]), ms(last)));
        }
        println!("{name:<32} {total:>9} {:>18} {:>18} {:>18}", cells[0], cells[1], cells[2]);
    }
}

/// A page as the status page asks for it: the keys, and the orders behind them.
fn page(store: &Store, search: &Search) -> (Duration, orders::Found) {
    let mut took = Vec::new();
    let mut answer = orders::Found::default();
    for _ in 0..5 {
        let (search, started) = (search.clone(), Instant::now());
        answer = store
            .read_blocking(move |conn| {
                let found = orders::search(conn, &search)?;
                for key in &found.keys {
                    orders::load(conn, *key)?;
                }
                Ok(found)
            })
            .unwrap();
        took.push(started.elapsed());
    }
    took.sort();
    (took[2], answer)
}
