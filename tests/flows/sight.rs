//! What people do before stemsync has read for the first time what it made.

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, Verdict};
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::komet::HeaderChange;
use stemsync::sandbox::{Answers, Fault, Target};
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::link::{Link, Setup, both};
use crate::trade::{
    FREEDOM, MONDIAL, UNKNOWN, approve_all, item, items_of, line, mixed_line, order, orders_for, prebook,
    prebooks_of,
};

/// An order of two lines whose Prebook stemsync has made and not read.
async fn made(link: &Link) -> String {
    link.sync_well().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_jobs(&[Job::Orders]).await;
    id
}

#[tokio::test]
async fn four_more_of_the_same_are_the_reps_and_asked_about() {
    both(async |link: Link| {
        let id = made(&link).await;
        link.act(|w, now| {
            let prebook = prebooks_of(w, &id)[0].id;
            w.komet.rep_adds_item(prebook, &item(FREEDOM, 4, link.day(3)), now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.act(|w, _| items_of(w, &id).len()), 3, "nothing of the rep's is deleted");
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
    })
    .await;
}

#[tokio::test]
async fn another_carrier_is_asked_about() {
    let link = Link::plain().await;
    let id = made(&link).await;
    link.act(|w, now| {
        let prebook = prebooks_of(w, &id)[0].id;
        let change = HeaderChange { carrier: Some("PRI".into()), ..HeaderChange::default() };
        w.komet.rep_changes_header(prebook, &change, now).unwrap();
    });
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
    let detail = link.holds().await.remove(0).detail;
    assert!(detail.starts_with("carrier of Prebook"), "{detail}");
}

/// Komet named the Prebook, though not its items: it is no sales rep's, whatever becomes of the mark in its comments.
#[tokio::test]
async fn a_prebook_that_lost_its_mark_before_it_was_read_is_no_order_of_komets() {
    let link = Link::start(Setup { answers: Answers::Messy(7), ..Setup::default() }).await;
    link.sync_well().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(200), Fault::Html(502)));
    link.sync().await;
    let made = link.act(|w, now| {
        w.clear_faults();
        let made = prebooks_of(w, &id)[0].id;
        let change = HeaderChange { comments: Some("call first".into()), ..HeaderChange::default() };
        w.komet.rep_changes_header(made, &change, now).unwrap();
        made
    });
    for _ in 0..3 {
        link.let_pass(TimeDelta::minutes(20));
        link.sync().await;
    }
    assert_eq!(link.komet_requests("prebook.create"), 1);
    link.act(|w, _| {
        assert_eq!(orders_for(w, made).len(), 0, "it is ordered already");
        assert_eq!(w.komet.prebook(made).unwrap().items.len(), 2);
    });
}

/// A line that waits for its product is not approved with the others.
#[tokio::test]
async fn a_line_that_was_never_bought_is_asked_about_when_its_item_is_deleted() {
    let link = Link::plain().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 4), mixed_line(2, &[MONDIAL, UNKNOWN])]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    assert_eq!(link.held().await, [(HoldReason::UnmappedProduct, Some("2".into()))]);
    link.act(|w, now| {
        let item = items_of(w, &id)[1].id;
        w.komet.rep_deletes_item(item, now).unwrap();
    });
    link.let_pass(TimeDelta::days(1));
    link.sync_well().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("2".into()))]);
}

/// The first PUT had no answer, and the vendor accepted less, dearer.
#[tokio::test]
async fn an_order_that_the_vendor_accepted_in_his_own_way_is_not_put_again() {
    both(async |link: Link| {
        link.sync_well().await;
        let ship = link.day(3);
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.inject(System::Axerrio, "PUT orders/by-ref/{externalRef}", Fault::AnswerLost);
        link.act(|w, _| w.inject(Target::next(System::Axerrio, "GET orders").times(200), Fault::Html(502)));
        link.sync().await;
        let order = link.act(|w, now| {
            w.clear_faults();
            let order = orders_for(w, id)[0].id.clone();
            let line = orders_for(w, id)[0].draft.lines[0].id.clone();
            w.axerrio.vendor_edits_line(&order, &line, Some(3), None, now).unwrap();
            w.axerrio.vendor_accepts(&order, &[], now).unwrap();
            order
        });
        link.sync_well().await;
        assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().status), OrderStatus::Accepted);
        let item = link.act(|w, _| w.komet.prebook(id).unwrap().items[0].id.to_string());
        assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, Some(item))]);
    })
    .await;
}

/// What was to be sent before the vendor shipped is told when it is too late; what was first seen then was never due.
#[tokio::test]
async fn an_order_that_could_not_be_sent_before_its_ship_date_was_over_is_told() {
    both(async |link: Link| {
        link.sync_well().await;
        let draft = order(link.day(1), vec![line(FREEDOM, 4)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.create").times(999), Fault::RefusedBefore));
        link.sync().await;
        let tries = link.komet_requests("prebook.create");
        link.let_pass(TimeDelta::days(4));
        let past = order(link.day(-3), vec![line(MONDIAL, 2)]);
        link.act(|w, now| {
            w.clear_faults();
            w.axerrio.customer_orders(past, now)
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.komet_requests("prebook.create"), tries);
        assert_eq!(link.held().await, [(HoldReason::RejectedByKomet, Some("1".into()))]);
        let detail = link.holds().await.remove(0).detail;
        assert!(detail.contains("is over"), "{detail}");
        link.decide(Verdict::Dismissed).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
    })
    .await;
}
