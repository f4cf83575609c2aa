//! What the scenarios of people who had only the pages brought to light: two people's acts in one gap, and what was left
//! alone meeting what changes later.

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, OnConflict, Verdict};
use stemsync::sandbox::axerrio::OrderChange;
use stemsync::sandbox::komet::{HeaderChange, ItemChange, Prebook, PrebookDraft};
use stemsync::sandbox::{Fault, Target};
use stemsync::store::{events, holds};
use stemsync::sync::engine::Settings;
use stemsync::sync::report::{ActionResult, Job};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, both, both_with, placed};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, po_of, prebook,
    prebooks_of,
};

fn other_po() -> OrderChange {
    OrderChange { customer_po: Some("ANOTHER".into()), ..OrderChange::default() }
}

/// Whether the rep's item was held before the order left its Prebook, or both fell into one gap.
#[tokio::test]
async fn a_reps_item_outlives_the_lines_of_the_order_beside_it() {
    for is_seen_before in [true, false] {
        for is_cancelled in [true, false] {
            both(async |link: Link| {
                let id = placed(&link).await;
                let at = link.act(|w, _| prebooks_of(w, &id)[0].id);
                let theirs = link.act(|w, now| {
                    // As many boxes as the order's second line, of something else.
                    w.komet.rep_adds_item(
                        at,
                        &item(NOBBIO, 2, w.komet.prebook(at).unwrap().items[0].ship_date.unwrap()),
                        now,
                    )
                });
                let theirs = theirs.unwrap();
                if is_seen_before {
                    link.sync_well().await;
                }
                link.act(|w, now| {
                    if is_cancelled {
                        w.axerrio.customer_cancels(&id, now).unwrap();
                    } else {
                        w.axerrio.customer_changes_header(&id, &other_po(), now).unwrap();
                    }
                });
                link.sync_well().await;
                link.sync_well().await;
                assert_eq!(
                    link.act(|w, _| w
                        .komet
                        .prebook(at)
                        .unwrap()
                        .items
                        .iter()
                        .find(|i| i.id == theirs)
                        .unwrap()
                        .goods
                        .boxes),
                    2,
                    "it is theirs"
                );
                assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_line_that_is_added_while_procurement_approves_waits_for_a_person() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            w.komet.buyer_approves(po_of(w, &id), now).unwrap();
            w.axerrio.customer_adds_line(&id, line(NOBBIO, 3), now).unwrap();
        });
        let writes = link.komet_requests("prebook.create") + link.komet_requests("purchase.order.create");
        link.sync_well().await;
        assert_eq!(link.komet_requests("prebook.create") + link.komet_requests("purchase.order.create"), writes);
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("3".into()))]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.act(|w, _| items_of(w, &id).len()), 3);
    })
    .await;
}

/// Nothing shows with a quantity of 0: whoever deletes without a Vendor token leaves nothing behind.
#[tokio::test]
async fn a_prebook_deleted_after_approval_leaves_a_question_and_before_it_nothing() {
    for is_approved in [true, false] {
        both(async |link: Link| {
            let ship = link.day(3);
            let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)]);
            let id = accepted_prebook(&link, &draft).await;
            link.sync_well().await;
            let items =
                link.act(|w, _| w.komet.prebook(id).unwrap().items.iter().map(|i| i.id).collect::<Vec<_>>());
            if is_approved {
                link.act(approve_all);
                link.sync_well().await;
            }
            link.act(|w, _| w.komet.rep_deletes_prebook(id)).unwrap();
            link.let_pass(TimeDelta::hours(25));
            link.sync_well().await;
            link.sync_well().await;
            let bought = link.act(|w, _| items.iter().map(|item| bought(w, *item).len()).sum::<usize>());
            let asked =
                link.held().await.iter().filter(|(why, _)| *why == HoldReason::ChangedAfterApproval).count();
            assert_eq!((bought, asked), if is_approved { (2, 2) } else { (0, 0) });
        })
        .await;
    }
}

#[tokio::test]
async fn a_line_that_changes_under_a_dismissed_header_is_asked_about() {
    for (verdict, boxes, prebooks) in
        [(Verdict::TakeKomet, 8, 1), (Verdict::TakeAxerrio, 8, 1), (Verdict::Dismissed, 2, 1)]
    {
        both(async |link: Link| {
            let id = placed(&link).await;
            let to = HeaderChange { truck_date: Some(link.day(6)), ..HeaderChange::default() };
            link.act(|w, now| w.komet.rep_changes_header(prebooks_of(w, &id)[0].id, &to, now)).unwrap();
            link.sync_well().await;
            link.decide(Verdict::Dismissed).await;
            link.sync_well().await;
            assert_eq!(link.held().await, []);
            link.act(|w, now| w.axerrio.customer_changes_line(&id, "2", |l| l.boxes = 8, now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)], "it is not lost");
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.held().await, []);
            let mondial = link.act(|w, _| items_of(w, &id).iter().map(|i| i.goods.boxes).min().unwrap());
            assert_eq!(mondial, boxes.min(4), "{verdict:?}");
            assert_eq!(
                link.act(|w, _| prebooks_of(w, &id)
                    .iter()
                    .filter(|p| p.items.iter().any(|i| i.goods.boxes > 0))
                    .count()),
                prebooks
            );
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_left_to_komet_is_asked_about_before_another_change_writes_over_it() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let theirs = ItemChange { mark_code: Some("KK".into()), ..ItemChange::default() };
        link.act(|w, now| w.komet.rep_changes_item(items_of(w, &id)[0].id, &theirs, now)).unwrap();
        link.sync_well().await;
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        assert!(link.act(|w, _| items_of(w, &id).iter().any(|i| i.goods.boxes == 7)));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_owner_wins_over_is_on_record() {
    let settings = Settings { on_conflict: OnConflict::Owner, ..Settings::default() };
    both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
        let id = placed(&link).await;
        let nine = ItemChange { boxes: Some(9), ..ItemChange::default() };
        link.act(|w, now| w.komet.rep_changes_item(items_of(w, &id)[0].id, &nine, now)).unwrap();
        link.sync_well().await;
        let key = link.order(&id).await.key;
        let told = link.engine.store.read(move |conn| events::for_order(conn, key)).await.unwrap();
        let told: Vec<_> = told.iter().filter(|event| event.what == "settled for the owner").collect();
        assert_eq!(told.len(), 1);
        assert!(told[0].detail.contains("boxes (now 9)"), "{}", told[0].detail);
        assert!(!told[0].detail.contains("Take "), "nobody has a choice: {}", told[0].detail);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_an_answer_is_told_and_then_what_became_of_it() {
    both(async |link: Link| {
        link.sync_well().await;
        let draft = order(link.day(3), vec![line(FREEDOM, 1)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.inject(System::Komet, "prebook.create", Fault::AnswerLost);
        link.act(|w, _| {
            w.inject(Target::next(System::Komet, "prebook.details.list").times(200), Fault::Html(502));
        });
        let report = link.sync_jobs(&[Job::Orders]).await;
        let told: Vec<_> =
            report.actions.iter().map(|a| (a.order.as_deref(), a.method.as_str(), a.result)).collect();
        assert_eq!(told, [(Some(id.as_str()), "prebook.create", ActionResult::Failed)]);
        assert!(report.actions[0].detail.contains("read back"), "{}", report.actions[0].detail);
        link.act(|w, _| w.clear_faults());
        let report = link.sync_well().await;
        assert!(report.actions.iter().any(|a| a.method == "prebook.create" && a.result == ActionResult::Adopted));
        let key = link.order(&id).await.key;
        assert_eq!(link.engine.store.read(move |conn| holds::count_of_order(conn, key)).await.unwrap(), 0);
        invariants(&link).await;
    })
    .await;
}

/// A rep copies a Prebook with its comments, for another customer: what is on it is not Axerrio's to take out, and no line of the order
/// is put on it.
#[tokio::test]
async fn a_copy_for_another_customer_takes_no_line_of_the_order() {
    for on_conflict in [OnConflict::Hold, OnConflict::Owner] {
        let settings = Settings { on_conflict, ..Settings::default() };
        both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
            let id = placed(&link).await;
            let copy = link.act(|w, now| {
                let of = prebooks_of(w, &id)[0].clone();
                let draft = PrebookDraft {
                    customer: "PETAL".into(),
                    customer_po: of.customer_po.clone(),
                    comments: of.comments.clone(),
                    ..prebook(of.truck_date, vec![item(MONDIAL, 4, of.items[0].ship_date.unwrap())])
                };
                w.komet.rep_creates_prebook(&draft, now).unwrap()
            });
            link.sync_well().await;
            link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 7, now)).unwrap();
            link.sync_well().await;
            link.act(|w, _| {
                let theirs: Vec<u32> =
                    w.komet.prebook(copy).unwrap().items.iter().map(|i| i.goods.boxes).collect();
                assert_eq!(theirs, [4], "it is theirs");
                let boxes = |prebook: &&Prebook| prebook.items.iter().any(|item| item.goods.boxes == 7);
                assert!(prebooks_of(w, &id).iter().any(boxes));
            });
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
        })
        .await;
    }
}

/// An order that its customer cancelled looks for nothing any more.
#[tokio::test]
async fn a_prebook_that_speaks_of_a_cancelled_order_is_one_of_its_own() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| w.axerrio.customer_cancels(&id, now)).unwrap();
        link.sync_well().await;
        let again = link.act(|w, now| {
            let comments = format!("as [AX {id}] was, but from us");
            let draft = PrebookDraft { comments, ..prebook(link.day(5), vec![item(FREEDOM, 5, link.day(3))]) };
            w.komet.rep_creates_prebook(&draft, now).unwrap()
        });
        link.sync_well().await;
        link.act(|w, _| assert_eq!(orders_for(w, again).len(), 1, "the vendor is asked for it"));
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// The item lives on in another Prebook: there it is deleted when its line changes.
#[tokio::test]
async fn an_item_that_a_rep_gave_a_prebook_of_its_own_follows_its_line() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 5), line(NOBBIO, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        let own = link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            w.komet.rep_splits_prebook(item, now).unwrap()
        });
        link.sync_well().await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 7, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            assert!(w.komet.prebook(own).unwrap().items.iter().all(|item| item.goods.boxes == 0));
            let boxes: u32 = items_of(w, &id).iter().map(|item| item.goods.boxes).sum();
            assert_eq!(boxes, 9);
        });
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}
