//! Holds, the decisions about them, and the brake.

use chrono::TimeDelta;
use stemsync::domain::*;
use stemsync::store::Connection;
use stemsync::store::holds::Decided;
use stemsync::store::{events, holds, maps, orders};

use crate::trade::*;

#[test]
fn a_hold_keeps_its_number_and_age_while_its_question_stays_the_same() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let unmapped = hold(HoldReason::UnmappedProduct, Some("1"), "ROSFR60");
    let edited = hold(HoldReason::EditedInKomet, Some("1"), "4 boxes");
    let first = vec![unmapped.clone(), edited.clone()];
    let changes = store.write_blocking(move |conn| holds::sync_order(conn, key, &first, now())).unwrap();
    assert_eq!((changes.opened.len(), changes.cleared.len()), (2, 0));
    let before = store.read_blocking(holds::list).unwrap();

    let reworded = Hold { detail: "in other words".to_owned(), ..unmapped.clone() };
    let edited_again = hold(HoldReason::EditedInKomet, Some("1"), "5 boxes");
    let second = vec![edited_again.clone(), reworded];
    let later = now() + TimeDelta::days(1);
    let changes = store.write_blocking(move |conn| holds::sync_order(conn, key, &second, later)).unwrap();
    assert_eq!((changes.opened, changes.cleared), (vec![edited_again], vec![edited]));

    let after = store.read_blocking(holds::list).unwrap();
    assert_eq!((after[0].id, after[0].since), (before[0].id, now()));
    assert_eq!(after[0].detail, "in other words");
    assert!(after[1].id > before[1].id, "a new question has a new number");
}

#[test]
fn a_hold_stays_while_something_must_be_read_before_all_is_known_that_waits() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let unmapped = hold(HoldReason::UnmappedProduct, Some("1"), "ROSFR60");
    let edited = hold(HoldReason::EditedInKomet, Some("1"), "4 boxes");
    let first = vec![unmapped];
    store.write_blocking(move |conn| holds::sync_order(conn, key, &first, now())).unwrap();
    let before = store.read_blocking(holds::list).unwrap();
    let new = edited.clone();
    let changes = store.write_blocking(move |conn| holds::add_to_order(conn, key, &[new], now())).unwrap();
    assert_eq!((changes.opened, changes.cleared), (vec![edited], vec![]));
    assert_eq!(store.read_blocking(holds::list).unwrap()[0], before[0]);
}

#[test]
fn equal_holds_are_not_written_again() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let sync = || {
        let holds = [hold(HoldReason::VoidLabel, None, "BOX1"), hold(HoldReason::VoidLabel, None, "BOX1")];
        rows_written(&store, move |conn| holds::sync_order(conn, key, &holds, now()).map(drop))
    };
    assert!(sync() > 0);
    assert_eq!(sync(), 0);
    assert_eq!(store.read_blocking(holds::count).unwrap(), 1);
}

#[test]
fn holds_come_most_urgent_ship_date_first_and_the_brake_before_all() {
    let (_dir, store) = fresh();
    let late = settled(&store, flow_1("AX-1", "2026-03-09"));
    let soon = settled(&store, flow_2(85, "2026-03-05"));
    store
        .write_blocking(move |conn| {
            for key in [late, soon] {
                holds::sync_order(conn, key, &[hold(HoldReason::RejectedByKomet, None, "no")], now())?;
            }
            holds::set_brake(conn, &[late, soon], "2 of 2 orders", now())
        })
        .unwrap();
    let rows = store.read_blocking(holds::list).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.order.as_deref()).collect();
    assert_eq!(names, [None, Some("komet-prebook-85"), Some("AX-1")]);
}

#[test]
fn a_decision_is_kept_with_its_order_and_replaces_the_one_before_on_the_same_question() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let decide = |cause: &'static str, verdict| {
        store
            .write_blocking(move |conn| {
                holds::sync_order(conn, key, &[hold(HoldReason::EditedInKomet, Some("1"), cause)], now())?;
                let id = holds::list(conn)?[0].id;
                assert!(matches!(holds::decide(conn, id, verdict, now())?, Decided::Taken(_)));
                holds::decide(conn, id, verdict, now())
            })
            .unwrap()
    };
    assert_eq!(decide("5 boxes", Verdict::Dismissed), Decided::Gone, "decided once");
    decide("5 boxes", Verdict::TakeKomet);
    let decisions = load(&store, key).agreed.decisions;
    let line = Some(LineId("1".to_owned()));
    let expected = Decision::new(HoldReason::EditedInKomet, line, "5 boxes".to_owned(), Verdict::TakeKomet);
    assert_eq!(decisions, [expected]);
    assert!(is_dirty(&store, key));
    let told = store.read_blocking(move |conn| events::for_order(conn, key)).unwrap();
    assert_eq!(told[1].what, "hold released, Komet taken");
    assert!(told[1].detail.contains("edited_in_komet line 1"), "{}", told[1].detail);
}

#[test]
fn a_hold_number_never_comes_to_mean_another_hold() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let id = |cause: &'static str| {
        store
            .write_blocking(move |conn| {
                holds::sync_order(conn, key, &[hold(HoldReason::EditedInKomet, None, cause)], now())?;
                Ok(holds::list(conn)?[0].id)
            })
            .unwrap()
    };
    assert_ne!(id("4 boxes"), id("5 boxes"));
}

#[test]
fn the_brake_is_one_hold_that_keeps_its_number_until_it_covers_one_more_order() {
    let (_dir, store) = fresh();
    let orders = ["AX-1", "AX-2", "AX-3"].map(|id| settled(&store, flow_1(id, "2026-03-05")));
    let [first, second, third] = orders;
    let set = |covers: &'static [usize], detail: &'static str, days: i64| {
        let covers: Vec<OrderKey> = covers.iter().map(|at| orders[*at]).collect();
        let now = now() + TimeDelta::days(days);
        store
            .write_blocking(move |conn| {
                let new = holds::set_brake(conn, &covers, detail, now)?;
                let all = holds::list(conn)?;
                assert_eq!(all.len(), 1);
                Ok((new, all[0].clone()))
            })
            .unwrap()
    };
    let (new, asked) = set(&[0, 1], "1", 0);
    assert!(new);
    let (new, left) = set(&[1], "2", 1);
    assert!(!new, "one came back");
    assert_eq!((left.id, left.since, left.covers, left.detail.as_str()), (asked.id, now(), vec![second], "2"));
    let (new, more) = set(&[1, 2], "3", 2);
    assert!(new, "nobody was asked about that one");
    assert_ne!(more.id, asked.id);
    assert_eq!((more.since, more.covers), (now() + TimeDelta::days(2), vec![second, third]));
    let (new, again) = set(&[1, 2], "3", 3);
    assert_eq!((new, again.id), (false, more.id));
    let stale = move |conn: &Connection| holds::decide(conn, asked.id, Verdict::TakeAxerrio, now());
    assert_eq!(store.write_blocking(stale).unwrap(), Decided::Gone);
    assert!(orders.iter().all(|key| !load(&store, *key).agreed.cancellation_released));
    assert!(!is_dirty(&store, first));
    assert!(store.write_blocking(holds::clear_brake).unwrap());
    assert!(!store.write_blocking(holds::clear_brake).unwrap());
}

#[test]
fn an_unmapped_product_has_no_side_to_take() {
    let (_dir, store) = fresh();
    let key = settled(&store, flow_1("AX-1", "2026-03-05"));
    let decide = |verdict| {
        store
            .write_blocking(move |conn| {
                holds::sync_order(conn, key, &[hold(HoldReason::UnmappedProduct, Some("1"), "R-1")], now())?;
                let id = holds::list(conn)?[0].id;
                holds::decide(conn, id, verdict, now())
            })
            .unwrap()
    };
    assert!(matches!(decide(Verdict::TakeKomet), Decided::WithoutSides(_)));
    assert_eq!(store.read_blocking(holds::count).unwrap(), 1, "it waits on");
    assert_eq!(load(&store, key).agreed.decisions, []);
    assert!(matches!(decide(Verdict::Dismissed), Decided::Taken(_)), "it may be left alone");
}

#[test]
fn taking_the_side_that_cancelled_lets_cancellations_through() {
    let (_dir, store) = fresh();
    let first = settled(&store, flow_1("AX-1", "2026-03-05"));
    let second = settled(&store, flow_2(85, "2026-03-05"));
    let decide = |verdict| {
        store
            .write_blocking(move |conn| {
                holds::set_brake(conn, &[first, second], "2 of 2", now())?;
                let id = holds::list(conn)?[0].id;
                holds::decide(conn, id, verdict, now())
            })
            .unwrap()
    };
    let outcome = |key| {
        let agreed = load(&store, key).agreed;
        (agreed.cancellation_released, agreed.decisions.len())
    };
    decide(Verdict::TakeAxerrio);
    assert_eq!((outcome(first), outcome(second)), ((true, 0), (false, 1)));
    decide(Verdict::TakeKomet);
    assert_eq!((outcome(first), outcome(second)), ((false, 1), (true, 0)));
    decide(Verdict::Dismissed);
    assert_eq!((outcome(first), outcome(second)), ((false, 1), (false, 1)));
    assert!(is_dirty(&store, first) && is_dirty(&store, second));
    assert_eq!(store.read_blocking(holds::count).unwrap(), 0);
}

#[test]
fn mapping_a_product_wakes_the_orders_that_wait_for_one() {
    let (_dir, store) = fresh();
    let waiting = settled(&store, flow_1("AX-1", "2026-03-05"));
    let other = settled(&store, flow_1("AX-2", "2026-03-05"));
    let mapped = store
        .write_blocking(move |conn| {
            holds::sync_order(conn, waiting, &[hold(HoldReason::UnmappedProduct, None, "X")], now())?;
            holds::sync_order(conn, other, &[hold(HoldReason::EditedInKomet, None, "X")], now())?;
            maps::set(conn, MapKind::Product, "X", 7)
        })
        .unwrap();
    assert!(mapped);
    assert!(is_dirty(&store, waiting));
    assert!(!is_dirty(&store, other));
    assert!(!store.write_blocking(|conn| maps::set(conn, MapKind::Product, "X", 7)).unwrap(), "no news");
}

#[test]
fn maps_are_imported_beside_those_on_file_and_removed() {
    let (_dir, store) = fresh();
    let rows = |codes: &[(&str, i64)]| codes.iter().map(|(c, id)| ((*c).to_owned(), *id)).collect::<Vec<_>>();
    for (import, news, after) in [
        (rows(&[("A", 1), ("B", 2)]), 2, rows(&[("A", 1), ("B", 2)])),
        (rows(&[("B", 3), ("A", 1)]), 1, rows(&[("A", 1), ("B", 3)])),
    ] {
        assert_eq!(store.write_blocking(move |conn| maps::import(conn, MapKind::BoxType, &import)).unwrap(), news);
        assert_eq!(store.read_blocking(|conn| maps::list(conn, MapKind::BoxType)).unwrap(), after);
    }
    let loaded = store.read_blocking(maps::load).unwrap();
    assert_eq!(loaded.axerrio(MapKind::BoxType, 3), Some("B"));
    assert!(store.write_blocking(|conn| maps::remove(conn, MapKind::BoxType, "B")).unwrap());
    assert!(!store.write_blocking(|conn| maps::remove(conn, MapKind::BoxType, "B")).unwrap());
}

/// Taken out and set anew, a code is corrected as well; and what was asked about its correction may be over.
#[test]
fn a_code_that_is_set_or_removed_wakes_the_orders_that_were_sent_with_it() {
    for codes in [1, 50] {
        let (_dir, store) = fresh();
        let sent = settled(&store, flow_1("AX-1", "2026-03-05"));
        let rows: Vec<(String, i64)> = (0..codes).map(|n| (format!("ROSE{n}"), 501)).collect();
        let mut agreed = Agreed::default();
        let mut terms = terms(1);
        terms.product.code = "ROSE0".into();
        agreed.lines.insert(LineId("1".into()), AgreedLine { terms, item: None, po_lines: Vec::new() });
        let settle = || {
            let agreed = agreed.clone();
            store
                .write_blocking(move |conn| {
                    orders::save_agreed(conn, sent, &agreed)?;
                    conn.execute("UPDATE orders SET dirty = 0", []).unwrap();
                    Ok(())
                })
                .unwrap();
        };
        settle();
        store.write_blocking(move |conn| maps::import(conn, MapKind::Product, &rows)).unwrap();
        assert!(is_dirty(&store, sent), "{codes}");
        settle();
        store.write_blocking(|conn| maps::remove(conn, MapKind::Product, "ROSE0")).unwrap();
        assert!(is_dirty(&store, sent));
        settle();
        store.write_blocking(|conn| maps::set(conn, MapKind::BoxType, "hb", 3)).unwrap();
        assert!(is_dirty(&store, sent), "whose box type is HB");
    }
}
