//! Stories of the trade after which both systems agree, although neither shows what was sent at first.

use serde_json::json;
use stemsync::domain::Verdict;
use stemsync::sandbox::axerrio::{OrderChange, Reprint};
use stemsync::sandbox::komet::{HeaderChange, ItemChange};
use stemsync::sandbox::{Fault, KometRules, Target};
use stemsync::systems::System;

use crate::link::{Link, Setup, both, both_with};
use crate::played::{differences, listed_apart};
use crate::trade::*;

const NOTHING: [&str; 0] = [];

async fn ordered(link: &Link) -> String {
    let lines = vec![line(FREEDOM, 5), line(MONDIAL, 3), mixed_line(2, &[FREEDOM, NOBBIO])];
    let id = link.act(|w, now| w.axerrio.customer_orders(order(link.day(5), lines), now));
    link.sync_well().await;
    id
}

#[tokio::test]
async fn lines_that_were_changed_and_made_anew_agree() {
    both(async |link: Link| {
        let id = ordered(&link).await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
        link.act(|w, now| w.axerrio.customer_removes_line(&id, "2", now)).unwrap();
        assert_eq!(differences(&link).await.len(), 2);
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
        let change = OrderChange { ship_date: Some(link.day(8)), ..OrderChange::default() };
        link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

/// The feed is complete up to a time before the change, and shows the order no more.
#[tokio::test]
async fn an_order_that_has_just_changed_is_not_called_absent() {
    both(async |link: Link| {
        let id = ordered(&link).await;
        link.act(|w, now| {
            w.axerrio.set_lag(60);
            let change = OrderChange { comments: Some("ring twice".into()), ..OrderChange::default() };
            w.axerrio.customer_changes_header(&id, &change, now).unwrap();
        });
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn an_order_cancelled_on_both_sides_agrees() {
    both(async |link: Link| {
        let id = ordered(&link).await;
        link.act(|w, now| w.axerrio.customer_cancels(&id, now)).unwrap();
        assert_eq!(differences(&link).await, [format!("{id} - order cancelled/present")]);
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_prebook_deleted_and_its_order_cancelled_agree() {
    both(async |link: Link| {
        let items = vec![item(FREEDOM, 5, link.day(4))];
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&prebook(link.day(6), items), now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| w.komet.rep_deletes_prebook(id)).unwrap();
        assert_eq!(differences(&link).await.len(), 1);
        // What is missing from a list is noticed when its window is read in full: once a day, or on a reset.
        link.engine
            .store
            .write(|conn| stemsync::store::watermarks::reset(conn, stemsync::store::watermarks::Stream::Prebooks))
            .await
            .unwrap();
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn lines_split_by_their_labels_agree() {
    both(async |link: Link| {
        let id = ordered(&link).await;
        link.act(approve_all);
        link.sync_well().await;
        for (boxes, awb, lot) in [(2, "729-11111111", "LOT-A"), (1, "729-22222222", "LOT-B")] {
            link.act(|w, now| w.axerrio.vendor_prints(&id, "1", boxes, Some(awb), Some(lot), now)).unwrap();
            assert!(!differences(&link).await.is_empty());
            link.sync_well().await;
            assert_eq!(differences(&link).await, NOTHING);
        }
        let label = link.act(|w, _| current_labels(w, &id)[0].id.clone());
        link.act(|w, now| w.axerrio.vendor_reprints(&label, Reprint::NewLabel, now)).unwrap();
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn labels_that_wait_for_their_awb_are_no_difference() {
    let link = Link::plain().await;
    let id = ordered(&link).await;
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 5, None, None, now)).unwrap();
    assert_eq!(differences(&link).await, NOTHING);
}

#[tokio::test]
async fn boxes_that_komet_numbered_itself_are_differences_until_their_labels_come() {
    both(async |link: Link| {
        let id = ordered(&link).await;
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            let line = bought(w, item)[0].1.id;
            w.komet.person_ships_line(line, AWB, now)
        })
        .unwrap();
        assert_eq!(differences(&link).await.iter().filter(|d| d.contains("box_code absent/")).count(), 5);
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 5, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn fewer_boxes_than_prebooked_and_two_ship_dates_agree() {
    both(async |link: Link| {
        let items = vec![
            item(FREEDOM, 5, link.day(4)),
            item(MONDIAL, 3, link.day(6)),
            mixed_item(2, &[NOBBIO, FREEDOM], link.day(6)),
        ];
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&prebook(link.day(8), items), now)).unwrap();
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
        let orders = link.act(|w, _| orders_for(w, id));
        assert_eq!(orders.len(), 2);
        link.act(|w, now| {
            let first = &orders[0].draft.lines[0].id;
            w.axerrio.vendor_accepts(&orders[0].id, &[(first, 4)], now).unwrap();
            w.axerrio.vendor_accepts(&orders[1].id, &[], now).unwrap();
        });
        assert_eq!(differences(&link).await.len(), 2, "both POs are outstanding");
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_product_mapped_in_komet_under_another_name_is_no_difference() {
    both(async |link: Link| {
        let id = link.act(|w, now| w.axerrio.customer_orders(order(link.day(5), vec![line(UNKNOWN, 2)]), now));
        link.sync().await;
        assert_eq!(differences(&link).await, NOTHING, "{id} stands in Komet, in red");
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        assert_eq!(differences(&link).await, NOTHING);
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn a_komet_that_ignores_the_vendor_ship_date_is_no_difference() {
    let rules = KometRules { keep_vendor_ship_date: false, ..KometRules::default() };
    both_with(Setup { rules, ..Setup::default() }, async |link: Link| {
        // Shipped within the horizon, trucked beyond it.
        let id = link.act(|w, now| w.axerrio.customer_orders(order(link.day(27), vec![line(FREEDOM, 2)]), now));
        link.sync_well().await;
        assert_eq!(differences(&link).await, NOTHING, "{id}");
    })
    .await;
}

#[tokio::test]
async fn stock_and_other_vendors_are_nobodys_difference() {
    let link = Link::plain().await;
    ordered(&link).await;
    link.act(|w, now| {
        w.komet.buyer_buys_stock(link.day(5), &[item(FREEDOM, 9, link.day(5))], now).unwrap();
        let others = prebook(link.day(7), vec![item(FREEDOM, 9, link.day(5))]);
        w.komet.other_vendor_prebook(&others, now).unwrap();
    });
    assert_eq!(differences(&link).await, NOTHING);
}

#[tokio::test]
async fn notes_and_comments_are_not_compared() {
    let link = Link::plain().await;
    let id = ordered(&link).await;
    let item = link.act(|w, _| items_of(w, &id)[0].id);
    link.act(|w, now| {
        let prebook = w.komet.prebook_item(item).unwrap().0.id;
        let notes = ItemChange { notes: Some("call first".into()), ..ItemChange::default() };
        w.komet.rep_changes_item(item, &notes, now).unwrap();
        let comments = HeaderChange { comments: Some(format!("other [AX {id}]")), ..HeaderChange::default() };
        w.komet.rep_changes_header(prebook, &comments, now).unwrap();
    });
    assert_eq!(differences(&link).await, NOTHING);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told_and_nothing_is_concluded_from_it() {
    let link = Link::plain().await;
    ordered(&link).await;
    let answers =
        |body: serde_json::Value| Fault::Http { status: 200, body: body.to_string(), headers: Vec::new() };
    let broken = json!({
        "items": [{"id": "AX-7", "changedAt": link.sandbox.now(), "lines": "none"}],
        "nextCursor": null, "asOf": link.sandbox.now(),
    });
    link.inject(System::Axerrio, "GET orders", answers(broken));
    let told = differences(&link).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("- - unreadable Axerrio order AX-7 cannot be read"), "{told:?}");
    let broken = json!({"status": 1, "prebooks": [{"id": 9, "number": "9", "details": "none"}]});
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(9), answers(broken)));
    let told = differences(&link).await;
    link.act(|w, _| w.clear_faults());
    assert!(!told.is_empty() && told.iter().all(|d| d.contains("unreadable -/Komet Prebook 9")), "{told:?}");
    let broken = json!({"status": 1, "purchaseOrders": [{"id": 9, "number": "9", "details": "none"}]});
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(9), answers(broken)));
    let told = differences(&link).await;
    assert!(!told.is_empty() && told.iter().all(|d| d.contains("unreadable -/Komet PO 9")), "{told:?}");
}

/// A Company token may see so many of other vendors.
#[tokio::test]
async fn a_ship_date_too_long_to_be_read_is_told_once_and_the_rest_is_compared() {
    let link = Link::plain().await;
    let id = ordered(&link).await;
    link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
    let as_it_is = differences(&link).await;
    assert_eq!(as_it_is.len(), 1, "{as_it_is:?}");
    let too_long = Fault::Http { status: 200, body: " ".repeat(33 << 20), headers: Vec::new() };
    // The first ship date is yesterday.
    link.inject(System::Komet, "purchase.order.list", too_long);
    let told = differences(&link).await;
    let first = link.engine.visible_from();
    assert!(
        told[0].starts_with(&format!("- - unreadable -/Komet's POs of ship date {first} cannot be read")),
        "{told:?}"
    );
    assert_eq!(told[1..], as_it_is);
}

#[tokio::test]
async fn orders_beyond_the_horizon_are_not_looked_at() {
    let link = Link::plain().await;
    link.act(|w, now| w.axerrio.customer_orders(order(link.day(40), vec![line(FREEDOM, 2)]), now));
    let report = link.engine.audit().await.unwrap();
    assert_eq!((report.checked, report.differences.len()), (0, 0));
}

#[tokio::test]
async fn what_was_agreed_to_differ_and_was_changed_back_agrees() {
    let link = Link::plain().await;
    let id = ordered(&link).await;
    let item = link.act(|w, _| items_of(w, &id)[0].id);
    let boxes = |n| ItemChange { boxes: Some(n), ..ItemChange::default() };
    link.act(|w, now| w.komet.rep_changes_item(item, &boxes(4), now)).unwrap();
    link.sync().await;
    link.decide(Verdict::TakeKomet).await;
    link.sync_well().await;
    link.act(|w, now| w.komet.rep_changes_item(item, &boxes(5), now)).unwrap();
    assert_eq!(differences(&link).await, NOTHING, "changed back, both agree again");
    assert_eq!(listed_apart(&link).await, NOTHING);
}
