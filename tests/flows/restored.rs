//! A copy of the database is restored while both systems have moved on: what was done since is found, and not done again.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, Stage, Verdict};
use stemsync::sandbox::axerrio::{OrderChange, OrderStatus};
use stemsync::sandbox::komet::HeaderChange;
use stemsync::sandbox::{Fault, KometRules, Target};
use stemsync::store::back_up;
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, approved, both, both_with, placed};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, po_of, prebook,
    prebooks_of, print_all,
};

/// Each line of the order has one live Prebook item and one PO line. It may have several Prebooks: the orders look alike.
pub(crate) fn stands_once(link: &Link, order: &str, lines: usize) {
    link.act(|w, _| {
        let items = items_of(w, order);
        assert_eq!(items.len(), lines, "{order}");
        for item in items {
            assert_eq!(bought(w, item.id).len(), 1, "{order}: item {} is bought once", item.id);
        }
    });
}

#[tokio::test]
async fn an_old_copy_is_restored_and_nothing_that_was_done_since_is_done_again() {
    both(async |mut link: Link| {
        let draft = || order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let (first, late) = (draft(), draft());
        let placed = link.act(|w, now| w.axerrio.customer_orders(first, now));
        link.sync_well().await;
        // When the copy is made one order has its Prebook and not yet its PO.
        let half = link.act(|w, now| w.axerrio.customer_orders(late, now));
        let body = "{\"status\":0,\"message\":\"Purchase orders are closed for today\"}".to_owned();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.create").times(99), refused));
        link.sync().await;
        assert_eq!(link.act(|w, _| items_of(w, &half).iter().map(|i| bought(w, i.id).len()).sum::<usize>()), 0);
        let copy = link.path.with_file_name("copy.db");
        back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();

        // The day goes on.
        link.act(|w, _| w.clear_faults());
        link.let_pass(TimeDelta::minutes(30));
        let new = order(link.day(4), vec![line(NOBBIO, 3)]);
        let new = link.act(|w, now| w.axerrio.customer_orders(new, now));
        let rep = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
        let rep = link.act(|w, now| w.komet.rep_creates_prebook(&rep, now)).unwrap();
        link.act(|w, now| w.axerrio.customer_changes_line(&placed, "2", |l| l.boxes = 5, now)).unwrap();
        for _ in 0..3 {
            link.sync_well().await;
        }
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync_well().await;
        for (order, lines) in [(&placed, 2), (&half, 2), (&new, 1)] {
            stands_once(&link, order, lines);
        }
        link.let_pass(TimeDelta::hours(3));
        let writes = link.writes();

        link.put_in_place(&copy);
        link.sync().await;
        link.sync().await;
        assert_eq!(link.held().await, []);
        for (order, lines) in [(&placed, 2), (&half, 2), (&new, 1)] {
            stands_once(&link, order, lines);
        }
        let of_rep = link.act(|w, _| orders_for(w, rep).len());
        assert_eq!(of_rep, 1, "the rep's Prebook is one order in Axerrio");
        // A PUT says what it said before, and changes nothing.
        let creates = link.writes() - writes;
        assert!(creates <= 1, "{creates} requests were made again");
        link.act(approve_all);
        link.sync_well().await;
        assert_eq!(link.order(&half).await.stage, Stage::PoApproved);
        invariants(&link).await;
    })
    .await;
}

/// The copy is made while a request is under way. What its read-back shows is not all that was done since.
#[tokio::test]
async fn what_was_bought_since_a_copy_with_a_request_in_doubt_is_not_bought_again() {
    for method in ["prebook.create", "purchase.order.create"] {
        println!("--- {method}");
        both(async |mut link: Link| {
            link.sync_well().await;
            let draft = || order(link.day(3), vec![line(FREEDOM, 4)]);
            let (first, second) = (draft(), draft());
            let first = link.act(|w, now| w.axerrio.customer_orders(first, now));
            link.inject(System::Komet, method, Fault::AnswerLost);
            link.act(|w, _| {
                for list in ["prebook.details.list", "purchase.order.list"] {
                    w.inject(Target::next(System::Komet, list).times(200), Fault::Html(502));
                }
            });
            link.sync().await;
            let copy = link.path.with_file_name("copy.db");
            back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
            link.act(|w, _| w.clear_faults());
            let second = link.act(|w, now| w.axerrio.customer_orders(second, now));
            link.sync_well().await;
            link.act(approve_all);
            link.sync_well().await;
            let creates = link.komet_requests("purchase.order.create");

            link.put_in_place(&copy);
            link.sync().await;
            link.sync().await;
            assert_eq!(link.komet_requests("purchase.order.create"), creates);
            for id in [&first, &second] {
                stands_once(&link, id, 1);
            }
            assert_eq!(link.held().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

/// A refused PO is made by hand in Komet before it is tried again.
#[tokio::test]
async fn what_procurement_bought_by_hand_meanwhile_is_not_bought_again() {
    both(async |link: Link| {
        link.sync_well().await;
        let body = "{\"status\":0,\"message\":\"Purchase orders are closed for today\"}".to_owned();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.create"), refused));
        let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync().await;
        link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            w.komet.buyer_buys_item(item, now).unwrap();
        });
        let creates = link.komet_requests("purchase.order.create");
        link.sync().await;
        assert_eq!(link.komet_requests("purchase.order.create"), creates);
        stands_once(&link, &id, 1);
        assert_eq!(link.held().await, []);
    })
    .await;
}

/// What Axerrio changed since is read before anything is made of what Komet shows by now.
#[tokio::test]
async fn a_line_that_was_added_since_the_copy_is_not_made_again_whichever_job_is_first() {
    for first in [Job::Prebooks, Job::PurchaseOrders, Job::Labels] {
        println!("--- {first:?}");
        both(async |mut link: Link| {
            let id = placed(&link).await;
            let copy = link.path.with_file_name("copy.db");
            back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
            link.act(|w, now| w.axerrio.customer_adds_line(&id, line(NOBBIO, 1), now)).unwrap();
            link.sync_well().await;
            let lines = link.act(|w, _| items_of(w, &id).len());

            link.put_in_place(&copy);
            // Axerrio cannot be read yet: nothing is concluded.
            let body = "{}".to_owned();
            let down = Fault::Http { status: 503, body, headers: Vec::new() };
            link.act(|w, _| w.inject(Target::next(System::Axerrio, "GET orders").times(99), down));
            link.sync_jobs(&[first]).await;
            link.act(|w, _| w.clear_faults());
            link.sync_jobs(&[first]).await;
            link.sync().await;
            link.sync().await;
            assert_eq!(link.held().await, []);
            stands_once(&link, &id, lines);
            invariants(&link).await;
        })
        .await;
    }
}

/// Whichever job the schedule begins with.
#[tokio::test]
async fn boxes_that_were_shipped_since_the_copy_are_not_shipped_again() {
    for first in [Job::Labels, Job::PurchaseOrders, Job::Orders, Job::Prebooks] {
        println!("--- {first:?}");
        let mut link = Link::plain().await;
        let id = approved(&link).await;
        let copy = link.path.with_file_name("copy.db");
        back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        let shipped = link.komet_requests("purchase.order.items.awb.add");
        let changed = link.komet_requests("box.code.change");

        link.put_in_place(&copy);
        link.sync_jobs(&[first]).await;
        link.sync().await;
        assert_eq!(link.komet_requests("purchase.order.items.awb.add"), shipped, "nothing is shipped twice");
        assert_eq!(link.komet_requests("box.code.change"), changed);
        assert_eq!(link.held().await, []);
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    }
}

/// A PO that makes no sense may be the one that has the boxes: its date waits, and no other.
#[tokio::test]
async fn after_a_restore_an_unreadable_po_keeps_the_labels_of_its_own_date_waiting_alone() {
    let mut link = Link::plain().await;
    let mut ids = Vec::new();
    for ahead in [3, 5] {
        let draft = order(link.day(ahead), vec![line(FREEDOM, 2)]);
        ids.push(link.act(|w, now| w.axerrio.customer_orders(draft, now)));
    }
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    let copy = link.path.with_file_name("copy.db");
    back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
    link.act(|w, now| print_all(w, &ids[0], now));
    link.sync_well().await;

    link.put_in_place(&copy);
    let nonsense = Fault::Http {
        status: 200,
        body: r#"{"status": 1, "purchaseOrders": [{"number": {}}]}"#.to_owned(),
        headers: Vec::new(),
    };
    link.act(|w, now| {
        print_all(w, &ids[1], now);
        w.inject(Target::next(System::Komet, "purchase.order.list"), nonsense);
    });
    link.sync_jobs(&[Job::Labels]).await;
    let boxes = |id: &String| link.act(|w, _| bought(w, items_of(w, id)[0].id)[0].1.boxes.len());
    assert_eq!((boxes(&ids[0]), boxes(&ids[1])), (2, 2));
    assert_eq!(link.komet_requests("purchase.order.items.awb.add"), 2, "nothing is shipped twice");
    link.sync().await;
    link.sync_well().await;
    assert_eq!(link.komet_requests("purchase.order.items.awb.add"), 2);
    invariants(&link).await;
}

/// Whichever job the schedule begins with, and however far the order came.
#[tokio::test]
async fn a_prebook_that_is_read_before_its_order_is_found_as_it_was_left() {
    for first in [Job::Prebooks, Job::PurchaseOrders, Job::Labels] {
        println!("--- {first:?}");
        let mut link = Link::plain().await;
        link.sync_well().await;
        let copy = link.path.with_file_name("copy.db");
        back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
        let fresh = placed(&link).await;
        let shipped = approved(&link).await;
        link.act(|w, now| print_all(w, &shipped, now));
        link.sync_well().await;
        let writes = link.writes();

        link.put_in_place(&copy);
        link.sync_jobs(&[first]).await;
        link.sync_well().await;
        link.sync_well().await;
        // A PUT of the PO says what it said before, and changes nothing.
        assert!(link.writes() - writes <= 2, "{} requests were made again", link.writes() - writes);
        for id in [&fresh, &shipped] {
            stands_once(&link, id, 2);
            link.act(|w, _| assert_eq!(prebooks_of(w, id).len(), 1, "{id} has the Prebook that it had"));
        }
        assert_eq!(link.held().await, []);
        invariants(&link).await;
    }
}

#[tokio::test]
async fn a_plain_copy_of_the_file_is_doubted_once_a_day_has_passed() {
    both(async |mut link: Link| {
        link.sync_well().await;
        // Not made by `backup`: it claims all that the database claimed.
        let copy = link.path.with_file_name("plain.db");
        let file = rusqlite::Connection::open(&link.path).unwrap();
        file.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        let draft = order(link.day(5), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.let_pass(TimeDelta::hours(25));
        link.put_in_place(&copy);
        link.sync().await;
        link.sync().await;
        stands_once(&link, &id, 2);
        assert_eq!(link.held().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_changed_beyond_the_horizon_since_the_copy_is_not_done_again() {
    both(async |mut link: Link| {
        let [far, farther] = [40, 50].map(|days| {
            let draft = order(link.day(days), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
            link.act(|w, now| w.axerrio.customer_orders(draft, now))
        });
        link.sync_well().await;
        let copy = link.path.with_file_name("copy.db");
        back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
        link.act(|w, now| {
            w.axerrio.customer_changes_line(&far, "1", |l| l.boxes = 6, now).unwrap();
            w.axerrio.customer_adds_line(&farther, line(NOBBIO, 3), now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        link.put_in_place(&copy);
        link.sync().await;
        link.sync().await;
        stands_once(&link, &far, 2);
        stands_once(&link, &farther, 3);
        assert_eq!(link.held().await, []);
    })
    .await;
}

#[tokio::test]
async fn with_an_empty_database_a_po_that_a_buyer_moved_is_found() {
    let setup = Setup { rules: KometRules { items_show_po: false, ..KometRules::default() }, ..Setup::default() };
    both_with(setup, async |mut link: Link| {
        let id = placed(&link).await;
        let to = link.day(9);
        link.act(|w, now| w.komet.buyer_moves_po(po_of(w, &id), to, now)).unwrap();
        link.lose_database();
        link.sync().await;
        link.sync().await;
        stands_once(&link, &id, 2);
    })
    .await;
}

/// The PO of which Axerrio was told says that the line is bought, though nothing else in Komet leads to it any more.
#[tokio::test]
async fn with_an_empty_database_what_is_bought_for_a_deleted_item_is_not_bought_again() {
    for deleted in [1, 2] {
        println!("--- {deleted} of two deleted");
        both(async |mut link: Link| {
            let id = approved(&link).await;
            let items: Vec<u64> = link.act(|w, _| items_of(w, &id).iter().map(|item| item.id).collect());
            link.act(|w, now| {
                for item in &items[..deleted] {
                    w.komet.rep_deletes_item(*item, now).unwrap();
                }
            });
            link.lose_database();
            link.sync().await;
            link.sync().await;
            let creates = link.komet_requests("purchase.order.create");
            let still: Vec<usize> = link.act(|w, _| items.iter().map(|item| bought(w, *item).len()).collect());
            assert_eq!(still, [1, 1], "what was bought stands");
            link.act(|w, _| assert_eq!(items_of(w, &id).len(), 2 - deleted, "nothing is made again"));
            let holds = link.holds().await;
            assert!(holds.iter().all(|hold| hold.reason == HoldReason::ChangedAfterApproval), "{holds:?}");
            assert_eq!(holds.len(), deleted);
            let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone().unwrap());
            assert_eq!(told.lines.len(), 2, "Axerrio is told of what is bought still");
            // Of the first a person says that it is to be made again, of another that it is left.
            for (hold, verdict) in holds.iter().zip([Verdict::TakeAxerrio, Verdict::TakeKomet]) {
                link.decide_one(hold.id, verdict).await;
            }
            link.sync_well().await;
            link.act(|w, _| assert_eq!(bought(w, items[0]), [], "it is off its PO"));
            for hold in link.holds().await {
                link.decide_one(hold.id, Verdict::TakeAxerrio).await;
            }
            link.sync_well().await;
            assert_eq!(link.held().await, []);
            link.act(|w, _| {
                assert_eq!(items_of(w, &id).len(), 3 - deleted);
                let standing = items_of(w, &id).into_iter().map(|item| item.id);
                let all: BTreeSet<u64> = items.iter().copied().chain(standing).collect();
                assert_eq!(all.iter().map(|item| bought(w, *item).len()).sum::<usize>(), 2, "each is bought once");
            });
            assert_eq!(link.komet_requests("purchase.order.create"), creates + 1);
        })
        .await;
    }
}

/// A PO was made twice, and procurement approved both before anybody had read of it. A new database knows of neither what was asked for.
#[tokio::test]
async fn with_an_empty_database_what_is_approved_twice_is_asked_about() {
    both(async |mut link: Link| {
        link.sync_well().await;
        let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
        link.sync_jobs(&[Job::Orders]).await;
        link.act(approve_all);
        link.lose_database();
        link.sync().await;
        link.sync().await;
        let item = link.act(|w, _| items_of(w, &id)[0].id);
        assert_eq!(link.act(|w, _| bought(w, item).len()), 2);
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        link.decide_one(link.holds().await[0].id, Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        stands_once(&link, &id, 1);
        invariants(&link).await;
    })
    .await;
}

/// The same of a Prebook that a rep has changed since: the vendor is asked once more, and nothing is bought before he has answered.
#[tokio::test]
async fn with_an_empty_database_what_was_bought_twice_does_not_wait_for_the_vendor() {
    both(async |mut link: Link| {
        link.sync_well().await;
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = accepted_prebook(&link, &draft).await;
        link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
        link.sync_jobs(&[Job::Orders]).await;
        let first = link.act(|w, now| {
            w.komet.rep_adds_item(id, &item(NOBBIO, 2, link.day(3)), now).unwrap();
            w.komet.prebook(id).unwrap().items[0].id
        });
        assert_eq!(link.act(|w, _| bought(w, first).len()), 2);
        link.lose_database();
        link.sync().await;
        link.sync().await;
        link.act(|w, _| {
            assert_eq!(orders_for(w, id)[0].status, OrderStatus::Placed);
            assert_eq!(bought(w, first).len(), 1);
        });
        assert_eq!(link.held().await, []);
    })
    .await;
}

#[tokio::test]
async fn with_an_empty_database_a_prebook_is_found_behind_whose_mark_a_rep_wrote() {
    both(async |mut link: Link| {
        let id = placed(&link).await;
        let marked = link.act(|w, now| {
            let prebook = prebooks_of(w, &id)[0].id;
            let comments = Some(format!("Gift wrap [AX {id}] call before delivery"));
            w.komet
                .rep_changes_header(prebook, &HeaderChange { comments, ..HeaderChange::default() }, now)
                .unwrap();
            prebook
        });
        let speaking = link.act(|w, now| {
            let draft = prebook(link.day(5), vec![item(MONDIAL, 1, link.day(3))]);
            let other = w.komet.rep_creates_prebook(&draft, now).unwrap();
            let comments = Some(format!("as [AX {id}] has it, but fewer"));
            w.komet.rep_changes_header(other, &HeaderChange { comments, ..HeaderChange::default() }, now).unwrap();
            other
        });
        link.sync_well().await;
        link.lose_database();
        link.sync().await;
        link.sync().await;
        link.act(|w, _| {
            assert!(prebooks_of(w, &id).is_empty(), "no second one was made");
            let items: Vec<u64> = w.komet.prebook(marked).unwrap().items.iter().map(|item| item.id).collect();
            assert_eq!(items.iter().map(|item| bought(w, *item).len()).collect::<Vec<_>>(), [1, 1]);
            assert!(orders_for(w, marked).is_empty(), "it is no order of Komet's");
            assert_eq!(orders_for(w, speaking).len(), 1, "what only speaks of an order is one");
        });
    })
    .await;
}

/// The item is all that leads to a PO that was made since the copy: it is read before the item goes.
#[tokio::test]
async fn what_was_bought_since_the_copy_on_another_day_is_not_left_behind() {
    for is_approved in [false, true] {
        for is_cancelled in [false, true] {
            let rules = KometRules { items_show_po: false, ..KometRules::default() };
            let mut link = Link::start(Setup { rules, ..Setup::default() }).await;
            let id = placed(&link).await;
            let copy = link.path.with_file_name("copy.db");
            back_up(&link.path, &copy, false, &AtomicBool::new(false)).unwrap();
            let moves = |days| OrderChange { ship_date: Some(link.day(days)), ..OrderChange::default() };
            let (second, third) = (moves(6), moves(8));
            link.act(|w, now| w.axerrio.customer_changes_header(&id, &second, now)).unwrap();
            link.sync_well().await;
            if is_approved {
                link.act(approve_all);
                link.sync_well().await;
            }
            let made: Vec<u64> = link.act(|w, _| items_of(w, &id).iter().map(|item| item.id).collect());
            link.act(|w, now| {
                if is_cancelled {
                    w.axerrio.customer_cancels(&id, now).unwrap();
                } else {
                    w.axerrio.customer_changes_header(&id, &third, now).unwrap();
                }
            });
            link.let_pass(TimeDelta::minutes(20));
            link.put_in_place(&copy);
            link.sync().await;
            link.sync().await;
            let still = link.act(|w, _| made.iter().map(|item| bought(w, *item).len()).sum::<usize>());
            let held = link.held().await;
            if is_approved {
                assert_eq!(still, 2, "what procurement has approved stands");
                assert!(held.iter().all(|(reason, _)| *reason == HoldReason::ChangedAfterApproval), "{held:?}");
                assert_ne!(held, []);
            } else {
                assert_eq!(still, 0, "nothing buys what is gone");
                assert_eq!(held, []);
                stands_once(&link, &id, if is_cancelled { 0 } else { 2 });
            }
        }
    }
}
