//! Processes die and databases get lost. Whatever moment it happens at, the next process finds out what was done and
//! does the rest, once.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use stemsync::domain::{LineId, Order};
use stemsync::sandbox::axerrio::{OrderStatus, Reprint};
use stemsync::sandbox::komet::ItemChange;
use stemsync::sandbox::{Answers, Effect, Fault, Target};
use stemsync::sync::engine::Settings;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{BOTH, Link, Setup, both};
use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, NOBBIO, approve_all, item, items_of, line, mixed_line, order, orders_for, po_of,
    prebook, prebooks_of, print_all,
};

/// Soon enough for a test, late enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(600);

/// A day on which everything happens: the next run sends every kind of request there is.
async fn busy_day(answers: Answers) -> Link {
    let settings = Settings { komet_timeout: TIMEOUT, ..Settings::default() };
    let link = Link::start(Setup { answers, settings, ..Setup::default() }).await;
    let ship = link.day(3);
    let ids: Vec<String> = (0..5)
        .map(|n| {
            let draft = order(link.day(3 + n), vec![line(FREEDOM, 2), mixed_line(1, &[MONDIAL, NOBBIO])]);
            link.act(|w, now| w.axerrio.customer_orders(draft, now))
        })
        .collect();
    let prebooks: Vec<u64> = (0..3)
        .map(|_| {
            let draft = prebook(link.day(6), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)]);
            link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap()
        })
        .collect();
    link.sync_well().await;
    link.act(|w, now| {
        [0, 1].map(|n| po_of(w, &ids[n])).iter().try_for_each(|po| w.komet.buyer_approves(*po, now))
    })
    .unwrap();
    link.sync_well().await;
    let labels = link.act(|w, now| print_all(w, &ids[0], now));
    link.sync_well().await;
    link.act(|w, now| {
        w.axerrio.vendor_reprints(&labels[0], Reprint::NewLabel, now).unwrap();
        w.axerrio.vendor_prints(&ids[1], "1", 1, Some(AWB), Some(LOT), now).unwrap();
        let po = po_of(w, &ids[2]);
        w.komet.buyer_approves(po, now).unwrap();
        w.axerrio.customer_changes_line(&ids[3], "1", |l| l.boxes = 5, now).unwrap();
        w.axerrio.customer_cancels(&ids[4], now).unwrap();
        w.axerrio.customer_orders(order(ship, vec![line(NOBBIO, 1), mixed_line(1, &[FREEDOM, NOBBIO])]), now);
        let order = orders_for(w, prebooks[0])[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        let items = |w: &stemsync::sandbox::World, n: usize| {
            w.komet.prebook(prebooks[n]).unwrap().items.iter().map(|i| i.id).collect::<Vec<_>>()
        };
        let change = |boxes| ItemChange { boxes: Some(boxes), ..ItemChange::default() };
        w.komet.rep_changes_item(items(w, 1)[0], &change(7), now).unwrap();
        for item in items(w, 2) {
            w.komet.rep_changes_item(item, &change(0), now).unwrap();
        }
    });
    link
}

/// The process dies while its `after`th request (from 0) to `system` is on the way; the next one takes over.
async fn dies(day: &Link, system: System, after: u32, effect: Effect) {
    println!("--- dies at request {after} to {system:?}, {effect:?}");
    let mut link = day.copy().await;
    let hang = Fault::Hang { open_for: Duration::from_mins(1), effect };
    link.act(|w, _| w.inject(Target::any(system).after(after), hang));
    let died = tokio::select! {
        _ = link.sync() => false,
        () = until_hit(&link) => true,
    };
    if died {
        link.restart();
    } else {
        assert!(after > 6, "the day has more requests than that");
        link.act(|w, _| w.clear_faults());
    }
    link.sync_well().await;
    link.sync_well().await;
    assert!(link.holds().await.is_empty(), "{:?}", link.holds().await);
    invariants(&link).await;
}

pub(crate) async fn until_hit(link: &Link) {
    while link.act(|w, _| w.faults_waiting()) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn dies_at_every_request(answers: Answers, system: System, requests: u32, step: usize) {
    let day = busy_day(answers).await;
    let points: Vec<u32> = (0..requests).step_by(step).collect();
    for some in points.chunks(8) {
        join_all(some.iter().map(|after| {
            let effect = if (after / 5) % 2 == 0 { Effect::Done } else { Effect::Never };
            dies(&day, system, *after, effect)
        }))
        .await;
    }
}

#[tokio::test]
async fn a_process_may_die_at_any_request_to_komet() {
    dies_at_every_request(Answers::Plain, System::Komet, 48, 2).await;
}

#[tokio::test]
async fn a_process_may_die_at_any_request_to_komet_in_messy_answers() {
    dies_at_every_request(Answers::Messy(11), System::Komet, 60, 5).await;
}

#[tokio::test]
async fn a_process_may_die_at_any_request_to_axerrio() {
    dies_at_every_request(Answers::Plain, System::Axerrio, 12, 1).await;
}

#[tokio::test]
async fn a_lost_database_makes_nothing_twice() {
    for answers in BOTH {
        println!("--- {answers:?}");
        let mut day = busy_day(answers).await;
        // Before the day's run, after it, and in the middle of it.
        let mut middle = day.copy().await;
        day.lose_database();
        for _ in 0..2 {
            day.sync().await;
            day.sync().await;
            invariants(&day).await;
            day.lose_database();
        }
        middle.act(|w, _| {
            let hang = Fault::Hang { open_for: Duration::from_mins(1), effect: Effect::Done };
            w.inject(Target::next(System::Komet, "prebook.create"), hang);
        });
        tokio::select! {
            _ = middle.sync() => panic!("it dies"),
            () = until_hit(&middle) => {}
        }
        middle.lose_database();
        middle.sync().await;
        middle.sync().await;
        invariants(&middle).await;
    }
}

#[tokio::test]
async fn a_lost_database_is_found_again_at_every_stage() {
    both(async |mut link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2), line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        let made = link.act(|w, _| (prebooks_of(w, &id)[0].id, po_of(w, &id), items_of(w, &id).len()));
        let again = async |link: &mut Link| {
            link.lose_database();
            let writes = link.writes();
            link.sync_well().await;
            assert_eq!(link.writes(), writes, "nothing is left to write");
            assert_eq!(link.act(|w, _| (prebooks_of(w, &id)[0].id, po_of(w, &id), items_of(w, &id).len())), made);
            invariants(link).await;
        };
        again(&mut link).await;
        link.act(approve_all);
        link.sync_well().await;
        again(&mut link).await;
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 3, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        again(&mut link).await;
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 1, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        again(&mut link).await;
    })
    .await;
}

#[tokio::test]
async fn what_changed_while_the_database_was_lost_is_carried_out() {
    both(async |mut link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
        let prebook = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.lose_database();
        link.act(|w, now| {
            w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 6, now).unwrap();
            w.axerrio.customer_adds_line(&id, line(NOBBIO, 1), now).unwrap();
            let item = w.komet.prebook(prebook).unwrap().items[0].id;
            w.komet.rep_changes_item(item, &ItemChange { boxes: Some(3), ..ItemChange::default() }, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        let mut boxes = link.act(|w, _| items_of(w, &id).iter().map(|i| i.goods.boxes).collect::<Vec<_>>());
        boxes.sort_unstable();
        assert_eq!(boxes, [1, 2, 6]);
        assert_eq!(link.act(|w, _| orders_for(w, prebook)[0].draft.lines[0].boxes), 3);
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// A customer takes one of two like lines away, a rep rewrites the mark code of the other one's item, and then the database
/// is lost: only the PO of which Axerrio was told says by now which item is whose.
#[tokio::test]
async fn a_line_finds_its_item_again_by_the_po_that_axerrio_was_told_of() {
    both(async |mut link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), line(FREEDOM, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let second = LineId("2".into());
        let item_of = |order: &Order| order.agreed.lines[&second].item.as_ref().map(|link| link.item.clone());
        let item = item_of(&link.order(&id).await).unwrap();
        link.act(|w, now| {
            w.axerrio.customer_removes_line(&id, "1", now).unwrap();
            let change = ItemChange { mark_code: Some("REP 7".into()), ..ItemChange::default() };
            w.komet.rep_changes_item(u64::try_from(item.0).unwrap(), &change, now).unwrap();
        });
        link.lose_database();
        link.sync_well().await;
        assert_eq!(item_of(&link.order(&id).await), Some(item));
        assert_eq!(link.komet_requests("prebook.create"), 1, "nothing is made anew");
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_order_older_than_yesterday_is_not_made_again_after_a_lost_database() {
    both(async |mut link: Link| {
        let draft = order(link.day(1), vec![line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.let_pass(TimeDelta::days(4));
        link.lose_database();
        // A Vendor token no longer sees the Prebook: it could not be found again.
        link.sync_well().await;
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 1);
        assert_eq!(link.komet_requests("prebook.create"), 1);
    })
    .await;
}

/// What the vendor rejected goes to the other ship date with its item, as it does without a loss.
#[tokio::test]
async fn an_item_that_moved_to_another_ship_date_is_found_there_after_a_lost_database() {
    both(async |mut link: Link| {
        let (first, second) = (link.day(3), link.day(4));
        let draft = prebook(link.day(6), vec![item(FREEDOM, 4, first), item(MONDIAL, 2, second)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| {
            let later = orders_for(w, id).into_iter().find(|order| order.draft.ship_date == second).unwrap();
            w.axerrio.vendor_rejects(&later.id, now).unwrap();
            let moved = w.komet.prebook(id).unwrap().items[1].id;
            w.komet.rep_moves_ship_date(moved, first, now).unwrap();
        });
        link.lose_database();
        link.sync_well().await;
        link.sync_well().await;
        let stand = link.act(|w, _| {
            let mut orders = orders_for(w, id);
            orders.retain(|order| order.status != OrderStatus::Cancelled);
            orders.iter().map(|order| order.draft.lines.len()).collect::<Vec<_>>()
        });
        assert_eq!(stand, [2]);
        assert_eq!(link.holds().await, []);
    })
    .await;
}
