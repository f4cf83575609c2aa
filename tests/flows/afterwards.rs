//! What comes after it was agreed: fewer boxes confirmed after approval, a PO line whose effect came minutes late and was
//! approved meanwhile, a map set after an order went out, labels that share a code, a Prebook gone with the database.

use std::time::Duration;

use stemsync::domain::{HoldReason, MapKind, OnConflict, Stage, Verdict};
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::komet::PoStatus;
use stemsync::sandbox::{Effect, Fault, World};
use stemsync::sync::engine::Settings;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{BOTH, Link, Setup, both, both_with};
use crate::trade::{
    FREEDOM, MONDIAL, approve_all, bought, item, items_of, line, order, orders_for, po_of, prebook, print_all,
};

const TIMEOUT: Duration = Duration::from_millis(600);

async fn placed(link: &Link) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    id
}

async fn approved(link: &Link) -> String {
    let id = placed(link).await;
    link.act(approve_all);
    link.sync_well().await;
    id
}

fn confirm(link: &Link, order: &str, boxes: u32) {
    link.act(|w, now| w.axerrio.vendor_accepts(order, &[("1", boxes)], now)).unwrap();
}

/// Boxes bought for the first line, on however many PO lines.
fn boxes_bought(link: &Link, order: &str) -> Vec<u32> {
    link.act(|w, _| bought(w, items_of(w, order)[0].id).iter().map(|(_, l)| l.goods.boxes).collect())
}

async fn differences(link: &Link) -> Vec<String> {
    let report = link.engine.audit().await.unwrap();
    report.differences.iter().map(|d| format!("{} {}", d.line.as_deref().unwrap_or("-"), d.field)).collect()
}

#[tokio::test]
async fn fewer_boxes_confirmed_after_approval_are_held_until_the_buyer_follows() {
    both(async |link: Link| {
        let id = approved(&link).await;
        confirm(&link, &id, 3);
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        assert_eq!(differences(&link).await, ["1 confirmed_boxes"]);
        assert_eq!(boxes_bought(&link, &id), [4], "the PO is Komet's");
        link.act(|w, now| {
            let po_line = bought(w, items_of(w, &id)[0].id)[0].1.id;
            w.komet.buyer_changes_line(po_line, Some(3), None, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, [], "the cause is gone");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn fewer_boxes_confirmed_after_approval_are_held_after_a_lost_database_too() {
    both(async |mut link: Link| {
        let id = approved(&link).await;
        link.lose_database();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        confirm(&link, &id, 3);
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!((link.holds().await, boxes_bought(&link, &id)), (vec![], vec![4]));
        invariants(&link).await;
    })
    .await;
}

/// An order whose PO was asked for twice, because the first request's effect came minutes after it was given up. The
/// buyer approves as `approves` says before the next run.
async fn bought_late(
    link: &Link,
    approves: impl Fn(&mut World, Vec<u64>, chrono::DateTime<chrono::Utc>),
) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.inject(
        System::Komet,
        "purchase.order.create",
        Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Late },
    );
    link.sync().await;
    assert_eq!(boxes_bought(link, &id), [4], "it was sent again");
    link.act(World::release_delayed);
    assert_eq!(boxes_bought(link, &id), [4, 4], "and then the first one came");
    link.act(|w, now| {
        let numbers = bought(w, items_of(w, &id)[0].id).iter().map(|(po, _)| po.number).collect();
        approves(w, numbers, now);
    });
    id
}

fn impatient() -> Setup {
    let settings = Settings { komet_timeout: TIMEOUT, ..Settings::default() };
    Setup { settings, ..Setup::default() }
}

#[tokio::test]
async fn a_po_that_came_late_and_was_approved_beside_its_repetition_is_held_and_taken_out_or_left() {
    for (verdict, left) in [(Verdict::TakeAxerrio, 1), (Verdict::TakeKomet, 2), (Verdict::Dismissed, 2)] {
        both_with(impatient(), async |link: Link| {
            let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
            let hold = link.holds().await.remove(0);
            assert!(hold.detail.contains("bought twice"), "{}", hold.detail);
            assert!(differences(&link).await.contains(&"1 po_line".to_owned()));
            assert_eq!(boxes_bought(&link, &id), [4, 4], "what procurement approved is not touched unasked");
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            assert_eq!(boxes_bought(&link, &id).len(), left, "{verdict:?}");
            if left == 1 {
                invariants(&link).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_the_buyer_sorts_out_himself_clears_the_hold() {
    both_with(impatient(), async |link: Link| {
        let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
        link.sync_well().await;
        assert_eq!(link.holds().await.len(), 1);
        link.act(|w, now| {
            let twice = bought(w, items_of(w, &id)[0].id);
            w.komet.buyer_cancels(twice[1].0.number, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(boxes_bought(&link, &id), [4]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_po_that_came_late_and_its_repetition_the_one_that_was_not_approved_goes() {
    for approved in [0, 1] {
        both_with(impatient(), async |link: Link| {
            let id = bought_late(&link, |w, numbers, now| w.komet.buyer_approves(numbers[approved], now).unwrap());
            let id = id.await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            let left = link.act(|w, _| bought(w, items_of(w, &id)[0].id));
            assert_eq!(left.len(), 1);
            assert_eq!(left[0].0.status, PoStatus::Approved);
            link.sync_well().await;
            invariants(&link).await;
        })
        .await;
    }
}
