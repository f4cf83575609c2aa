//! The parts of a run, one by one: planning an order, applying an answer, noticing that nothing changed, and
//! loading an order among many. `cargo bench --bench steps`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use divan::{Bencher, black_box};
use stemsync::domain::{AxLine, AxOrderId, CreatePo, OnConflict, Origin, window_of};
use stemsync::domain::{AxOrder, AxStatus, AxerrioView, Flow, KometView, Maps, Order, OrderKey, Stage};
use stemsync::sandbox::scenario::Scenario;
use stemsync::store::{Store, orders};
use stemsync::sync::apply::{apply, assume};
use stemsync::sync::observe;
use stemsync::sync::plan::{Facts, Made, Rules, plan};

fn main() {
    divan::main();
}

/// Bulk orders of three lines, as Axerrio shows them.
fn shown(count: usize) -> Vec<AxOrder> {
    let start = chrono::Utc::now().date_naive();
    let inputs = Scenario::bundled().bulk(count, 3, 1, start);
    let order = |(index, input): (usize, stemsync::domain::OrderInput)| AxOrder {
        id: AxOrderId(format!("AX-{index}")),
        external_ref: None,
        origin: Origin::Axerrio,
        status: AxStatus::Placed,
        version: 1,
        changed_at: chrono::Utc::now(),
        header: input.header,
        lines: input
            .lines
            .into_iter()
            .map(|line| AxLine { id: line.id, terms: line.terms, confirmed_boxes: None })
            .collect(),
        purchase_order: None,
    };
    inputs.into_iter().enumerate().map(order).collect()
}

fn order_of(shown: AxOrder) -> Order {
    Order {
        key: OrderKey(1),
        flow: Flow::FromAxerrio,
        ax_id: Some(shown.id.clone()),
        reference: None,
        prebook: None,
        ship_date: shown.header.ship_date,
        stage: Stage::Placed,
        axerrio: AxerrioView { order: Some(shown), labels: Vec::new() },
        komet: KometView::default(),
        agreed: stemsync::domain::Agreed::default(),
        elsewhere: BTreeMap::new(),
        items_elsewhere: BTreeSet::new(),
        bought_elsewhere: Vec::new(),
        former_days: std::collections::BTreeMap::new(),
        ambiguous: BTreeSet::new(),
        codes_elsewhere: BTreeMap::new(),
    }
}

fn with_rules<T>(order: &Order, work: impl FnOnce(&Rules<'_>) -> T) -> T {
    let (maps, carriers) = (Maps::default(), HashMap::new());
    let windows_known = BTreeSet::from([window_of(order.ship_date)]);
    let facts = Facts { windows_known, ..Facts::default() };
    work(&Rules {
        on_conflict: OnConflict::Hold,
        create_po: CreatePo::Accepted,
        location_code: None,
        maps: &maps,
        carriers: &carriers,
        visible_from: order.ship_date,
        facts: &facts,
        made: &Made::default(),
        may_cancel: true,
    })
}

#[divan::bench]
fn plan_a_new_order(bencher: Bencher) {
    let order = order_of(shown(1).remove(0));
    with_rules(&order, |rules| bencher.bench_local(|| plan(black_box(&order), rules)));
}

#[divan::bench]
fn plan_an_order_that_needs_nothing(bencher: Bencher) {
    let mut order = order_of(shown(1).remove(0));
    with_rules(&order.clone(), |rules| {
        for serial in 1..10 {
            let planned = plan(&order, rules);
            order.agreed = planned.agreed;
            let Some(action) = planned.actions.first() else { break };
            let outcome = assume(&order, action, serial).unwrap();
            apply(&mut order, action, &outcome);
        }
        assert!(plan(&order, rules).actions.is_empty());
        bencher.bench_local(|| plan(black_box(&order), rules));
    });
}

/// A store with this many orders on file.
fn filled(count: usize) -> (tempfile::TempDir, Store, Vec<AxOrder>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("bench.db")).unwrap();
    let all = shown(count);
    for chunk in all.chunks(1_000).map(<[AxOrder]>::to_vec) {
        let write = move |conn: &stemsync::store::Connection| {
            chunk.iter().try_for_each(|order| observe::axerrio_order(conn, order).map(drop))
        };
        store.write_blocking(write).unwrap();
    }
    (directory, store, all)
}

#[divan::bench(args = [1_000, 100_000])]
fn observe_ten_unchanged_orders_among(bencher: Bencher, count: usize) {
    let (_directory, store, all) = filled(count);
    let ten: Vec<AxOrder> = all.into_iter().take(10).collect();
    bencher.bench_local(|| {
        let ten = ten.clone();
        store
            .write_blocking(move |conn| ten.iter().try_for_each(|o| observe::axerrio_order(conn, o).map(drop)))
            .unwrap();
    });
}

#[divan::bench(args = [1_000, 100_000])]
fn load_an_order_among(bencher: Bencher, count: usize) {
    let (_directory, store, _) = filled(count);
    let key = OrderKey(i64::try_from(count / 2).unwrap());
    bencher.bench_local(|| store.read_blocking(move |conn| orders::load(conn, key)).unwrap());
}
