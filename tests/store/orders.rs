//! Orders: their views, their links, and which of them a job must look at.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use stemsync::domain::*;
use stemsync::store::orders::NewOrder;
use stemsync::store::{Connection, Fault, StoreError, intents, labels, orders};
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::trade::*;

#[test]
fn an_order_is_loaded_as_it_was_saved() {
    let (_dir, store) = fresh();
    let order = ax_order("AX-1", "2026-03-05");
    let komet = KometView {
        prebooks: vec![prebook(85, "P-85", &[1, 2], "2026-03-05")],
        purchase_orders: vec![purchase_order("PO-9", 1, &["BOX1"], "2026-03-05")],
    };
    let mut agreed = Agreed { avoid_existing: true, po: Some(PoNumber("PO-9".to_owned())), ..Agreed::default() };
    agreed.prebooks.insert(PrebookId(85), AgreedPrebook::new(PrebookNumber("85".into()), None, None));
    agreed.lines.insert(LineId("1".to_owned()), AgreedLine { terms: terms(4), item: None, po_lines: vec![] });
    let printed = label("L1", "AX-1", "BOX1");

    let (o, k, a, l) = (order.clone(), komet.clone(), agreed.clone(), printed.clone());
    let key = store
        .write_blocking(move |conn| {
            let key = orders::insert(conn, &flow_1("AX-1", "2026-03-01"))?;
            orders::observe_axerrio(conn, key, &o)?;
            orders::observe_komet(conn, key, &k)?;
            orders::save_agreed(conn, key, &a)?;
            labels::observe(conn, &l)?;
            orders::settle(conn, key, Stage::PoApproved, day("2026-03-05"), false)?;
            Ok(key)
        })
        .unwrap();
    let expected = Order {
        key,
        flow: Flow::FromAxerrio,
        ax_id: Some(AxOrderId("AX-1".to_owned())),
        reference: None,
        prebook: None,
        ship_date: day("2026-03-05"),
        stage: Stage::PoApproved,
        axerrio: AxerrioView { order: Some(order), labels: vec![printed] },
        komet,
        agreed,
        elsewhere: BTreeMap::new(),
        items_elsewhere: std::collections::BTreeSet::new(),
        bought_elsewhere: Vec::new(),
        former_days: BTreeMap::new(),
        ambiguous: std::collections::BTreeSet::new(),
        codes_elsewhere: std::collections::BTreeMap::new(),
    };
    assert_eq!(load(&store, key), expected);
}

#[test]
fn what_says_nothing_new_is_not_written() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let observe = |hours: i64| {
        let mut order = ax_order("AX-1", "2026-03-05");
        order.version += hours;
        order.changed_at += TimeDelta::hours(hours);
        let mut po = purchase_order("PO-9", 1, &["BOX1"], "2026-03-05");
        po.updated_on = po.updated_on.map(|at| at + TimeDelta::hours(hours));
        let komet =
            KometView { prebooks: vec![prebook(85, "P-85", &[1], "2026-03-05")], purchase_orders: vec![po] };
        let mut printed = label("L1", "AX-1", "BOX1");
        printed.changed_at += TimeDelta::hours(hours);
        rows_written(&store, move |conn| {
            orders::observe_axerrio(conn, key, &order)?;
            orders::observe_komet(conn, key, &komet)?;
            labels::observe(conn, &printed)?;
            orders::save_agreed(conn, key, &Agreed::default())?;
            Ok(())
        })
    };
    assert!(observe(0) > 0);
    assert!(is_dirty(&store, key));
    let wal = std::path::PathBuf::from(format!("{}-wal", store.path().display()));
    let size = std::fs::metadata(&wal).unwrap().len();
    assert_eq!(observe(1), 0);
    assert_eq!(std::fs::metadata(&wal).unwrap().len(), size);
}

#[test]
fn news_makes_an_order_dirty_and_the_result_of_a_push_does_not() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let komet = KometView { prebooks: vec![prebook(85, "P-85", &[1], "2026-03-05")], purchase_orders: vec![] };
    assert!(store.write_blocking(move |conn| orders::save_komet(conn, key, &komet)).unwrap());
    assert!(store.write_blocking(move |c| orders::save_axerrio(c, key, &ax_order("AX-1", "2026-03-05"))).unwrap());
    assert!(!is_dirty(&store, key));

    let mut changed = ax_order("AX-1", "2026-03-05");
    changed.lines[0].terms.boxes += 1;
    assert!(store.write_blocking(move |conn| orders::observe_axerrio(conn, key, &changed)).unwrap());
    assert!(is_dirty(&store, key));
}

#[test]
fn a_label_makes_its_order_dirty_also_when_it_was_read_before_the_order() {
    let (_dir, store) = fresh();
    store.write_blocking(|conn| labels::observe(conn, &label("L1", "AX-1", "BOX1"))).unwrap();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    assert_eq!(load(&store, key).axerrio.labels.len(), 1);
    assert!(!is_dirty(&store, key));
    store.write_blocking(|conn| labels::observe(conn, &label("L1", "AX-1", "BOX2"))).unwrap();
    assert!(is_dirty(&store, key));
}

#[test]
fn a_label_that_is_printed_again_is_news_where_its_box_has_another_one() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let observe = |id: &'static str, code: &'static str, box_number: u32, hours: i64| {
        let mut printed = stemsync::domain::Label { box_number, ..label(id, "AX-1", code) };
        printed.changed_at += TimeDelta::hours(hours);
        let news = store.write_blocking(move |conn| labels::observe(conn, &printed)).unwrap();
        let at = load(&store, key).axerrio.labels.iter().find(|l| l.id.0 == id).map(|l| l.changed_at);
        let hours = (at.unwrap() - label(id, "AX-1", code).changed_at).num_hours();
        store
            .write_blocking(move |conn| orders::settle(conn, key, Stage::Placed, day("2026-03-05"), false))
            .unwrap();
        (news, hours)
    };
    assert_eq!(observe("L1", "A", 1, 0), (true, 0));
    assert_eq!(observe("L2", "C", 2, 1), (true, 1));
    assert_eq!(observe("L1", "A", 1, 2), (false, 0), "it is the only one of its box");
    assert_eq!(observe("L3", "B", 1, 3), (true, 3));
    assert_eq!(observe("L1", "A", 1, 4), (true, 4));
    assert_eq!(observe("L1", "A", 1, 4), (false, 4), "a feed repeats itself");
    assert_eq!(observe("L1", "A", 1, 3), (false, 4));
}

#[test]
fn a_flow_1_order_ships_when_axerrio_says_and_a_flow_2_order_does_not() {
    let (_dir, store) = fresh();
    let first = settled(&store, flow_1("AX-1", "2026-03-05"));
    let second = settled(&store, flow_2(85, "2026-03-05"));
    store
        .write_blocking(move |conn| {
            orders::observe_axerrio(conn, first, &ax_order("AX-1", "2026-03-09"))?;
            orders::observe_axerrio(conn, second, &ax_order("AX-2", "2026-03-09"))
        })
        .unwrap();
    assert_eq!(load(&store, first).ship_date, day("2026-03-09"));
    let order = load(&store, second);
    assert_eq!((order.ship_date, order.name()), (day("2026-03-05"), "AX-2"));
}

#[test]
fn an_order_is_found_by_everything_a_person_may_type() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_2(85, "2026-03-05"));
    let other = settled(&store, flow_1("AX-77", "2026-03-05"));
    let komet = KometView {
        prebooks: vec![prebook(85, "P-85", &[1], "2026-03-05")],
        purchase_orders: vec![purchase_order("PO-9", 1, &["BOX1"], "2026-03-05")],
    };
    store
        .write_blocking(move |conn| {
            orders::save_komet(conn, key, &komet)?;
            orders::rename(conn, key, Some(&AxOrderId("AX-5".to_owned())), None)?;
            labels::observe(conn, &label("L1", "AX-5", "BOX2"))
        })
        .unwrap();
    let find = |text: &'static str| store.read_blocking(move |conn| orders::find(conn, text)).unwrap();
    for text in ["AX-5", "ax-5", "komet-prebook-85", "P-85", "PO-9", "po-9", "BOX1", " box2 "] {
        assert_eq!(find(text), [key], "{text}");
    }
    assert_eq!(find("AX-77"), [other]);
    assert_eq!(find("AX-6"), []);
}

#[test]
fn an_item_once_linked_is_never_taken_for_a_new_one() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let save = |items: &'static [i64]| {
        let prebooks = vec![prebook(85, "P-85", items, "2026-03-05")];
        let view = KometView { prebooks, purchase_orders: vec![] };
        store.write_blocking(move |conn| orders::save_komet(conn, key, &view)).unwrap()
    };
    let expected = || {
        let range = (day("2026-03-01"), day("2026-03-07"));
        let items = store.read_blocking(move |conn| orders::items_expected(conn, range.0, range.1)).unwrap();
        items.into_iter().map(|(_, _, item)| item.0).collect::<Vec<_>>()
    };
    save(&[1, 2]);
    assert_eq!(expected(), [1, 2]);
    save(&[2]);
    assert_eq!(expected(), [2]);
    assert_eq!(store.read_blocking(|conn| orders::key_by_item(conn, &ItemId(1))).unwrap(), Some(key));
}

#[test]
fn what_stemsync_made_is_linked_before_komet_shows_it() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let item = ItemLink::new(PrebookId(85), ItemId(1));
    let line = AgreedLine { terms: terms(4), item: Some(item), po_lines: vec![] };
    let stray = Stray { prebook: PrebookId(99), item: Some(ItemId(7)), line: LineId("1".to_owned()) };
    let mut agreed = Agreed { strays: vec![stray], po: Some(PoNumber("PO-9".to_owned())), ..Agreed::default() };
    agreed.lines.insert(LineId("1".to_owned()), line);
    agreed.prebooks.insert(PrebookId(85), AgreedPrebook::new(PrebookNumber("85".into()), None, None));
    store.write_blocking(move |conn| orders::save_agreed(conn, key, &agreed)).unwrap();

    store
        .read_blocking(move |conn| {
            assert_eq!(orders::key_by_item(conn, &ItemId(1))?, Some(key));
            assert_eq!(orders::key_by_item(conn, &ItemId(7))?, Some(key));
            assert_eq!(orders::keys_by_prebook(conn, &PrebookId(85))?, [key]);
            assert_eq!(orders::keys_by_prebook(conn, &PrebookId(99))?, [], "somebody else's Prebook");
            assert_eq!(orders::keys_by_po(conn, &PoNumber("PO-9".to_owned()))?, [key]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn dirty_orders_come_most_urgent_first() {
    let (_dir, store) = fresh();
    let keys = store
        .write_blocking(|conn| {
            let days = ["2026-03-09", "2026-03-05", "2026-03-07"];
            days.iter().enumerate().map(|(n, d)| orders::insert(conn, &flow_1(&format!("AX-{n}"), d))).collect()
        })
        .unwrap();
    let keys: Vec<OrderKey> = keys;
    assert_eq!(store.read_blocking(orders::dirty).unwrap(), [keys[1], keys[2], keys[0]]);
    let urgent = keys[1];
    store
        .write_blocking(move |conn| orders::settle(conn, urgent, Stage::Placed, day("2026-03-05"), false))
        .unwrap();
    assert_eq!(store.read_blocking(orders::dirty).unwrap(), [keys[2], keys[0]]);
    assert_eq!(store.read_blocking(orders::backlog).unwrap(), 2);
}

#[test]
fn only_ship_dates_with_an_open_po_are_polled() {
    let (_dir, store) = fresh();
    let stages = [
        (Stage::PoPending, "2026-03-01"),
        (Stage::Prebooked, "2026-03-05"),
        (Stage::PoPending, "2026-03-06"),
        (Stage::PoApproved, "2026-03-06"),
        (Stage::Labelled, "2026-03-08"),
        (Stage::Received, "2026-03-09"),
        (Stage::Cancelled, "2026-03-10"),
    ];
    for (n, (stage, ship_date)) in stages.into_iter().enumerate() {
        let key = settled(&store, flow_1(&format!("AX-{n}"), ship_date));
        store.write_blocking(move |conn| orders::settle(conn, key, stage, day(ship_date), false)).unwrap();
    }
    store
        .read_blocking(|conn| {
            assert_eq!(
                orders::open_po_ship_dates(conn, day("2026-03-02"))?,
                [day("2026-03-06"), day("2026-03-08")]
            );
            assert_eq!(orders::keys_with_open_po(conn, day("2026-03-06"))?.len(), 2);
            assert_eq!(orders::open_count(conn, day("2000-01-01"))?, 5);
            assert_eq!(orders::stage_counts(conn)?[1], (Stage::PoPending, 2));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_damaged_document_is_an_error_that_names_the_order() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    store
        .write_blocking(move |conn| {
            orders::save_agreed(conn, key, &Agreed::default())?;
            Ok(conn.execute("UPDATE agreed_views SET doc = '{\"lines\": 3}' WHERE key = ?1", [key])?)
        })
        .unwrap();
    let error = store.read_blocking(move |conn| orders::load(conn, key)).unwrap_err();
    assert!(matches!(error.fault, Fault::Document(_)));
    assert!(error.to_string().contains("agreed view of order 1"), "{error}");
}

type Counts = Vec<(NaiveDate, Stage, i64)>;

/// The counts, and the same counted anew.
fn counts(conn: &Connection) -> Result<[Counts; 2], StoreError> {
    let mut anew = BTreeMap::new();
    for key in orders::all_keys(conn)? {
        let order = orders::identity(conn, key)?.unwrap();
        *anew.entry((order.ship_date, order.stage)).or_insert(0) += 1;
    }
    let mut kept = orders::stage_counts_by_date(conn)?;
    kept.sort_unstable();
    Ok([kept, anew.into_iter().map(|((date, stage), orders)| (date, stage, orders)).collect()])
}

#[test]
fn the_counts_by_ship_date_and_stage_keep_up_with_every_change() {
    let (_dir, store) = fresh();
    for round in 0..200_u64 {
        let day = |n: u64| day("2026-03-01") + TimeDelta::days(i64::try_from(n % 5).unwrap());
        let stage = |n: u64| Stage::ALL[usize::try_from(n % 7).unwrap()];
        let (kept, anew) = store
            .write_blocking(move |conn| {
                let new = NewOrder { ship_date: day(round), ..flow_1(&format!("AX-{round}"), "2026-03-01") };
                orders::insert(conn, &new)?;
                let all = orders::all_keys(conn)?;
                let key = all[usize::try_from(round * 7919).unwrap() % all.len()];
                match round % 3 {
                    0 => orders::settle(conn, key, stage(round / 3), day(round / 2), false)?,
                    1 => orders::move_to(conn, key, day(round / 5))?,
                    _ => orders::settle(conn, key, stage(round), day(round), true)?,
                }
                let [kept, anew] = counts(conn)?;
                Ok((kept, anew))
            })
            .unwrap();
        assert_eq!(kept, anew, "round {round}");
    }
}

#[test]
fn a_change_that_is_taken_back_leaves_the_counts_as_they_were() {
    let (_dir, store) = fresh();
    store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-01"))).unwrap();
    let failed = store.write_blocking(|conn| -> Result<(), StoreError> {
        orders::insert(conn, &flow_1("AX-2", "2026-03-01"))?;
        Err(Fault::Closed.into())
    });
    assert!(failed.is_err());
    let [kept, anew] = store.read_blocking(counts).unwrap();
    assert_eq!(kept, anew);
}

/// For "no date" some write the last of all, after which days have a year of five digits.
#[test]
fn an_order_of_the_last_day_of_all_is_one_of_the_open_ship_dates() {
    let (_dir, store) = fresh();
    let open = store
        .write_blocking(|conn| {
            orders::insert(conn, &flow_1("AX-1", "9999-12-31"))?;
            conn.execute("UPDATE orders SET stage = 'po_pending'", []).unwrap();
            orders::open_po_ship_dates(conn, day("2026-03-01"))
        })
        .unwrap();
    assert_eq!(open, [day("9999-12-31")]);
    let (from, to) = dates_of(window_of(day("9999-12-31")));
    assert!(from <= to && to == day("9999-12-31"));
}

#[test]
fn a_box_code_is_another_orders_that_shows_it_or_whose_label_was_there_first() {
    let (_dir, store) = fresh();
    let first = settled(&store, flow_1("AX-1", "2026-03-05"));
    let second = settled(&store, flow_1("AX-2", "2026-03-05"));
    let long_after = settled(&store, flow_1("AX-3", "2026-09-05"));
    let print = |id: &'static str, order: &'static str, code: &'static str| {
        store.write_blocking(move |conn| labels::observe(conn, &label(id, order, code))).unwrap();
    };
    let elsewhere = |key| {
        let codes = load(&store, key).codes_elsewhere.into_iter();
        codes.map(|(code, other)| (code, other.order, other.in_komet)).collect::<Vec<_>>()
    };
    for (id, order) in [("L1", "AX-1"), ("L2", "AX-2"), ("L3", "AX-3")] {
        print(id, order, "BOX1");
    }
    assert_eq!((elsewhere(first), elsewhere(long_after)), (vec![], vec![]));
    assert_eq!(elsewhere(second), [("BOX1".to_owned(), "AX-1".to_owned(), false)]);
    let shows = |codes: &'static [&'static str]| {
        let pos = vec![purchase_order("PO-9", 1, codes, "2026-03-05")];
        let komet = KometView { prebooks: vec![], purchase_orders: pos };
        store.write_blocking(move |conn| orders::save_komet(conn, second, &komet)).unwrap();
    };
    shows(&["BOX1"]);
    assert_eq!(elsewhere(first), [("BOX1".to_owned(), "AX-2".to_owned(), true)]);
    assert_eq!(elsewhere(second), []);
    shows(&["BOX7"]);
    print("L2", "AX-2", "BOX7");
    assert_eq!((elsewhere(first), elsewhere(second)), (vec![], vec![]));
}

/// An order of this Prebook of Komet's own, which shares items with these.
fn shares(store: &stemsync::store::Store, prebook: i64, kin: &[OrderKey]) -> OrderKey {
    let agreed = Agreed { kin: kin.iter().copied().collect(), ..Agreed::default() };
    store
        .write_blocking(move |conn| {
            let key = orders::insert(conn, &flow_2(prebook, "2026-03-05"))?;
            orders::save_agreed(conn, key, &agreed)?;
            Ok(key)
        })
        .unwrap()
}

#[test]
fn orders_that_share_items_are_worked_on_together() {
    let (_dir, store) = fresh();
    let (a, b, c) = (shares(&store, 1, &[]), shares(&store, 2, &[]), shares(&store, 3, &[]));
    let joins = shares(&store, 4, &[a, c]);
    let queue = [a, b, c, joins];
    let families = store.read_blocking(move |conn| orders::families(conn, &queue)).unwrap();
    assert_eq!(families, [vec![a, c, joins], vec![b]]);
}

/// What became of the request is not known yet.
#[test]
fn a_line_that_another_order_may_have_in_axerrio_stands_there() {
    let (_dir, store) = fresh();
    let former = shares(&store, 1, &[]);
    let order = shares(&store, 2, &[former]);
    let action = serde_json::json!([[former, {"put_order": {"input": {"lines": [{"id": "7"}]}}}]]);
    store
        .write_blocking(move |conn| {
            let at = "2026-03-01T10:00:00Z".parse().unwrap();
            let method = "PUT orders/by-ref/{externalRef}";
            let new =
                intents::NewIntent::new("run", Job::Prebooks, System::Axerrio, method, &action, vec![former], at)?;
            intents::open(conn, &new)
        })
        .unwrap();
    let elsewhere = load(&store, order).elsewhere;
    assert_eq!(elsewhere[&LineId("7".into())].staying, Staying::Goes);
}
