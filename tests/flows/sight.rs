//! What people do before stemsync has read for the first time what it made.

use std::time::Duration;

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, Verdict};
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::komet::{HeaderChange, ItemDraft, PrebookDraft, PrebookItem};
use stemsync::sandbox::{Answers, Fault, Target};
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::link::{Link, Setup, accepted_prebook, both};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, UNKNOWN, approve_all, bought, item, items_of, line, mixed_line, order, orders_for,
    prebook, prebooks_of,
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

/// What was to be sent before the vendor shipped is told when it is too late; what shipped long before it was first seen was never due.
#[tokio::test]
async fn an_order_that_could_not_be_sent_before_its_ship_date_was_over_is_told() {
    both(async |link: Link| {
        link.sync_well().await;
        let draft = order(link.day(1), vec![line(FREEDOM, 4)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.act(|w, _| {
            w.inject(
                Target::next(System::Komet, "prebook.create").times(999),
                Fault::Throttle(Duration::from_secs(99)),
            );
        });
        link.sync().await;
        let tries = link.komet_requests("prebook.create");
        link.let_pass(TimeDelta::days(4));
        let past = order(link.day(-20), vec![line(MONDIAL, 2)]);
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

#[tokio::test]
async fn an_order_that_nobody_read_of_before_it_shipped_is_told() {
    both(async |link: Link| {
        // What was ordered before this link worked is nobody's to write.
        let before = order(link.day(-3), vec![line(MONDIAL, 2)]);
        link.act(|w, now| w.axerrio.customer_orders(before, now));
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        // Over a weekend the machine stands still.
        let draft = order(link.day(1), vec![line(FREEDOM, 4)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.let_pass(TimeDelta::days(4));
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::RejectedByKomet, Some("1".into()))]);
        assert_eq!(link.komet_requests("prebook.create"), 0);
    })
    .await;
}

/// Of an approval that the buyer undid before anybody read it Axerrio is told what came of it.
#[tokio::test]
async fn a_po_that_lost_its_lines_before_it_was_read_is_told_as_cancelled() {
    both(async |link: Link| {
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = accepted_prebook(&link, &draft).await;
        link.sync_well().await;
        link.act(|w, now| {
            let item = w.komet.prebook(id).unwrap().items[0].id;
            let line = bought(w, item)[0].1.id;
            approve_all(w, now);
            w.komet.buyer_changes_line(line, Some(0), None, now).unwrap();
        });
        link.sync_well().await;
        let told = link.act(|w, _| orders_for(w, id)[0].purchase_order.clone()).unwrap();
        assert_eq!(told.lines.len(), 0);
        assert_eq!(link.holds().await, []);
    })
    .await;
}

/// A copy of a Prebook bears its mark, and is an order of its own once that is taken out.
#[tokio::test]
async fn a_copy_whose_mark_is_taken_out_goes_to_the_vendor() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        let copy = link.act(|w, now| {
            let comments = format!("for Easter [AX {id}]");
            let draft = PrebookDraft { comments, ..prebook(link.day(5), vec![item(MONDIAL, 7, link.day(4))]) };
            w.komet.rep_creates_prebook(&draft, now).unwrap()
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
        assert!(link.holds().await[0].detail.contains("take the mark out"));
        link.act(|w, now| {
            let change = HeaderChange { comments: Some("for Easter".into()), ..HeaderChange::default() };
            w.komet.rep_changes_header(copy, &change, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| orders_for(w, copy).len()), 1);
    })
    .await;
}

/// Their goods, on items that a rep enters.
fn copied(items: &[PrebookItem]) -> Vec<ItemDraft> {
    let copy = |it: &PrebookItem| ItemDraft {
        cost: it.goods.cost,
        mark_code: it.goods.mark_code.clone(),
        ..item(&it.goods.description, it.goods.boxes, it.ship_date.unwrap())
    };
    items.iter().map(copy).collect()
}

/// The customer adds a line, which waits because the PO is approved: nothing of a copy becomes that, though its goods are alike.
#[tokio::test]
async fn a_copy_with_words_behind_its_mark_stands_for_no_line_that_was_added() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let (added, copy) = link.act(|w, now| {
            let added = w.axerrio.customer_adds_line(&id, line(NOBBIO, 2), now).unwrap();
            let comments = format!("Spring week [AX {id}] copy");
            let items = copied(&items_of(w, &id));
            let draft = PrebookDraft { comments, ..prebook(link.day(5), items) };
            (added, w.komet.rep_creates_prebook(&draft, now).unwrap())
        });
        link.sync_well().await;
        let waiting = (HoldReason::ChangedAfterApproval, Some(added));
        let copied = (HoldReason::EditedInKomet, None);
        let mut held = link.held().await;
        held.sort_by_key(|(_, line)| line.clone());
        assert_eq!(held, [copied.clone(), copied, waiting.clone()]);
        link.act(|w, now| {
            let change = HeaderChange { comments: Some("for Easter".into()), ..HeaderChange::default() };
            w.komet.rep_changes_header(copy, &change, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [waiting]);
        assert_eq!(link.act(|w, _| orders_for(w, copy).len()), 1);
    })
    .await;
}
