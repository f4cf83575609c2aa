//! What was read is known, and never more than that: feeds, pages, windows and their watermarks.

use chrono::{DateTime, TimeDelta, Utc};
use stemsync::domain::Stage;
use stemsync::sandbox::komet::ItemChange;
use stemsync::sandbox::{Fault, Target};
use stemsync::store::watermarks::{self, Stream, Watermark};
use stemsync::sync::RunRequest;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, both, both_with};
use crate::trade::{FREEDOM, MONDIAL, item, items_of, line, order, orders_for, prebook};

fn place(link: &Link, boxes: u32) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, boxes)]);
    link.act(|w, now| w.axerrio.customer_orders(draft, now))
}

async fn orders_watermark(link: &Link) -> Option<DateTime<Utc>> {
    let stored: Option<Watermark> =
        link.engine.store.read(|conn| watermarks::get(conn, Stream::Orders, 0)).await.unwrap();
    stored.map(|w| w.at)
}

/// The next page of orders as it would be, with one order spoiled in it.
fn spoil(link: &Link, order: &str, spoiled: &str) {
    let (body, order) = link.act(|w, now| {
        let orders: Vec<_> = w.axerrio.orders().cloned().collect();
        let mut items: Vec<serde_json::Value> = orders
            .iter()
            .map(|o| {
                let mut shown = serde_json::to_value(&o.draft).unwrap();
                let own = serde_json::json!({
                    "id": o.id, "externalRef": o.external_ref, "origin": o.origin, "status": o.status, "version": o.version,
                    "changedAt": o.changed_at, "purchaseOrder": o.purchase_order,
                });
                shown.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
                shown
            })
            .collect();
        for shown in items.iter_mut().filter(|shown| shown["id"] == order) {
            shown[spoiled] = serde_json::json!({"not": "readable"});
        }
        (serde_json::json!({"items": items, "nextCursor": null, "asOf": now}).to_string(), order.to_owned())
    });
    let _ = order;
    link.act(|w, _| {
        // Both reads of the run.
        let target = Target::next(System::Axerrio, "GET orders").times(8);
        w.inject(target, Fault::Http { status: 200, body, headers: Vec::new() });
    });
}

#[tokio::test]
async fn an_unreadable_order_is_reported_and_neither_stops_the_others_nor_is_passed() {
    for field in ["lines", "changedAt", "customer"] {
        both(async |link: Link| {
            println!("{field} is unreadable");
            place(&link, 1);
            link.sync_well().await;
            let bad = place(&link, 2);
            let changed_at = link.act(|w, _| w.axerrio.order(&bad).unwrap().changed_at);
            link.let_pass(TimeDelta::hours(1));
            let good = place(&link, 3);
            spoil(&link, &bad, field);
            let before = orders_watermark(&link).await.unwrap();
            let report = link.sync().await;
            assert!(report.jobs[0].failed > 0);
            let error = report.jobs[0].error.clone().unwrap();
            assert!(error.contains(field) && error.contains(&bad), "{error}");
            assert_eq!(link.act(|w, _| (items_of(w, &good).len(), items_of(w, &bad).len())), (1, 0));
            let after = orders_watermark(&link).await.unwrap();
            assert!(before <= after && after <= changed_at, "{before} {after} {changed_at}");
            link.act(|w, _| w.clear_faults());
            link.sync_well().await;
            assert_eq!(link.act(|w, _| items_of(w, &bad).len()), 1);
            assert!(orders_watermark(&link).await.unwrap() > changed_at);
            invariants(&link).await;
        })
        .await;
    }
}

/// It may be what is looked for; but what is put by its reference again makes nothing twice.
#[tokio::test]
async fn an_unreadable_order_keeps_no_other_one_in_doubt() {
    let link = Link::hasty().await;
    let bad = place(&link, 2);
    link.sync_well().await;
    let rep = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
    let rep = link.act(|w, now| w.komet.rep_creates_prebook(&rep, now)).unwrap();
    spoil(&link, &bad, "lines");
    link.inject(System::Axerrio, "PUT orders/by-ref/{externalRef}", Fault::Html(502));
    link.sync().await;
    assert_eq!(link.act(|w, _| orders_for(w, rep).len()), 1, "it was put again");
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let setup = Setup { page_size: 3, ..Setup::default() };
    both_with(setup, async |link: Link| {
        let ids: Vec<String> = (1..=10).map(|n| place(&link, n)).collect();
        link.sync_well().await;
        assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_breaks_off_between_pages_is_read_from_there() {
    let setup = Setup { page_size: 3, ..Setup::default() };
    let link = Link::start(setup).await;
    let ids: Vec<String> = (1..=10).map(|n| place(&link, n)).collect();
    link.act(|w, now| {
        let target = Target::next(System::Axerrio, "GET orders").after(2).times(50);
        w.inject(target, Fault::Html(502));
        // Changes while the pages are read come again.
        w.axerrio.customer_changes_line(&ids[0], "1", |l| l.boxes = 50, now).unwrap();
    });
    let report = link.sync().await;
    assert!(report.jobs[0].error.is_some());
    assert_eq!(link.komet_requests("prebook.create"), 0, "nothing is pushed from a partial poll");
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
    invariants(&link).await;
}

#[tokio::test]
async fn what_was_stamped_before_the_watermark_and_shown_after_is_seen_within_the_overlap() {
    both(async |link: Link| {
        link.sync_well().await;
        let mut ids = Vec::new();
        for minutes in [1, 4] {
            let draft = order(link.day(3), vec![line(FREEDOM, 2)]);
            // Komet's and Axerrio's transactions take their time stamp before they are committed.
            ids.push(link.act(|w, now| w.axerrio.customer_orders(draft, now - TimeDelta::minutes(minutes))));
        }
        let draft = prebook(link.day(5), vec![item(MONDIAL, 2, link.day(3))]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now - TimeDelta::minutes(4))).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            assert!(ids.iter().all(|id| items_of(w, id).len() == 1));
            assert_eq!(orders_for(w, id).len(), 1);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_prebook_entered_months_ahead_is_read_when_its_window_enters_the_horizon() {
    both(async |link: Link| {
        link.sync_well().await;
        let ship = link.day(70);
        let draft = prebook(link.day(72), vec![item(FREEDOM, 4, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        for _ in 0..5 {
            link.sync_well().await;
            assert!(link.act(|w, _| orders_for(w, id)).is_empty());
            link.let_pass(TimeDelta::days(7));
        }
        link.let_pass(TimeDelta::days(8));
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, id)).len(), 1);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_order_beyond_the_horizon_is_pushed_all_the_same() {
    both(async |link: Link| {
        let draft = order(link.day(90), vec![line(FREEDOM, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::PoPending);
        link.act(crate::trade::approve_all);
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::PoApproved);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_forced_since_reads_further_back_and_leaves_no_gap() {
    both(async |link: Link| {
        link.sync_well().await;
        let before = orders_watermark(&link).await.unwrap();
        let missed = place(&link, 1);
        link.let_pass(TimeDelta::hours(2));
        let later = place(&link, 2);
        // Only the last hour: what came before must still be read by the next run.
        let since = Some(link.engine.clock.now() - TimeDelta::hours(1));
        link.run(RunRequest { since, ..RunRequest::default() }).await;
        assert_eq!(orders_watermark(&link).await.unwrap(), before);
        assert_eq!(link.act(|w, _| (items_of(w, &later).len(), items_of(w, &missed).len())), (1, 0));
        link.sync_well().await;
        assert_eq!(link.act(|w, _| items_of(w, &missed).len()), 1);
        invariants(&link).await;
        let since = Some(before - TimeDelta::days(1));
        link.run(RunRequest { since, ..RunRequest::default() }).await;
        assert!(orders_watermark(&link).await.unwrap() > before);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_forced_since_of_prebooks_leaves_no_gap_either() {
    both(async |link: Link| {
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| {
            let item = w.komet.prebook(id).unwrap().items[0].id;
            w.komet.rep_changes_item(item, &ItemChange { boxes: Some(9), ..Default::default() }, now)
        })
        .unwrap();
        link.let_pass(TimeDelta::hours(2));
        let since = Some(link.engine.clock.now() - TimeDelta::hours(1));
        link.run(RunRequest { since, ..RunRequest::default() }).await;
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, id)[0].draft.lines[0].boxes), 9);
        invariants(&link).await;
    })
    .await;
}
