//! What days of trade brought to light: acts that follow each other, before and after approval and shipping.

use std::time::Duration;

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, Verdict};
use stemsync::sandbox::axerrio::InfoStatus;
use stemsync::sandbox::komet::ItemChange;
use stemsync::sandbox::{Clock, Fault, KometRules, Target};
use stemsync::store::holds::{self, Decided};
use stemsync::sync::engine::Settings;
use stemsync::sync::report::{ActionReport, ActionResult, Job, Outcome};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, approved, both, both_with, placed};
use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, prebook,
    print_all,
};

/// The one hold has no side to take, and is dismissed.
async fn dismiss_by_hand(link: &Link) {
    let hold = link.holds().await.remove(0);
    assert!(hold.detail.contains("have shipped"), "{}", hold.detail);
    let now = link.engine.clock.now();
    let decide = |verdict| link.engine.store.write(move |conn| holds::decide(conn, hold.id, verdict, now));
    assert!(
        matches!(decide(Verdict::TakeAxerrio).await.unwrap(), Decided::WithoutSides(_)),
        "nothing can be done"
    );
    assert!(matches!(decide(Verdict::Dismissed).await.unwrap(), Decided::Taken(_)));
}

#[tokio::test]
async fn an_item_that_is_moved_and_deleted_in_one_gap_is_gone_everywhere() {
    for (days, is_accepted) in [(1, true), (8, true), (1, false)] {
        both(async |link: Link| {
            let ship = link.day(3);
            let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)]);
            let id = if is_accepted {
                accepted_prebook(&link, &draft).await
            } else {
                link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap()
            };
            link.sync_well().await;
            let gone = link.act(|w, now| {
                let gone = w.komet.prebook(id).unwrap().items[0].id;
                w.komet.rep_moves_ship_date(gone, ship + TimeDelta::days(days), now).unwrap();
                w.komet
                    .rep_changes_item(gone, &ItemChange { boxes: Some(0), ..ItemChange::default() }, now)
                    .unwrap();
                gone
            });
            link.sync_well().await;
            link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
            link.sync_well().await;
            link.act(|w, _| {
                let orders = orders_for(w, id);
                let lines: Vec<_> =
                    orders.iter().flat_map(|order| &order.draft.lines).map(|l| l.id.clone()).collect();
                assert!(!lines.contains(&gone.to_string()), "{lines:?}");
                assert_eq!(bought(w, gone), []);
            });
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_order_that_moved_on_keeps_its_name_when_its_first_date_is_used_again() {
    both(async |link: Link| {
        let (first, second, third) = (link.day(2), link.day(3), link.day(6));
        let draft = prebook(link.day(8), vec![item(FREEDOM, 4, first), item(MONDIAL, 2, second)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| {
            let moved = w.komet.prebook(id).unwrap().items[1].id;
            w.komet.rep_moves_ship_date(moved, third, now).unwrap();
        });
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let before = link.act(|w, _| orders_for(w, id));
        link.act(|w, now| w.komet.rep_adds_item(id, &item(NOBBIO, 1, second), now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let after = orders_for(w, id);
            assert_eq!(after.len(), 3);
            for before in &before {
                let after = after.iter().find(|after| after.id == before.id).unwrap();
                assert_eq!((&before.draft.lines, before.status), (&after.draft.lines, after.status), "it stands");
            }
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_changes_once_a_part_has_shipped_is_mended_by_hand() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 1, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        let deleted = link.komet_requests("purchase.order.item.delete");
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 3, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        dismiss_by_hand(&link).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.komet_requests("purchase.order.item.delete"), deleted, "the rest of the line stays, too");
    })
    .await;
}

#[tokio::test]
async fn fewer_boxes_confirmed_after_shipping_are_mended_by_hand() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 4, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_accepts(&id, &[("1", 1)], now)).unwrap();
        link.sync_well().await;
        dismiss_by_hand(&link).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_change_after_approval_is_a_question_though_its_item_was_deleted_in_komet() {
    both(async |link: Link| {
        let id = approved(&link).await;
        let gone = link.act(|w, now| {
            let gone = items_of(w, &id)[0].id;
            w.komet.rep_deletes_item(gone, now).unwrap();
            gone
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, [], "from approval on that is Komet's right");
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 1, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(bought(w, gone), []);
            let boxes: Vec<_> = items_of(w, &id).iter().map(|item| item.goods.boxes).collect();
            assert_eq!(boxes, [2, 1]);
        });
    })
    .await;
}

#[tokio::test]
async fn what_changes_after_axerrios_clock_went_back_is_read() {
    let link = Link::plain().await;
    placed(&link).await;
    link.sandbox.set_clock(Clock::Shifted(TimeDelta::hours(1)));
    link.sync_well().await;
    link.let_pass(TimeDelta::minutes(5));
    let ship = link.day(4);
    let id = link.act(|w, now| w.axerrio.customer_orders(order(ship, vec![line(FREEDOM, 1)]), now));
    link.let_pass(TimeDelta::minutes(20));
    link.sync_well().await;
    assert_eq!(link.act(|w, _| items_of(w, &id).len()), 1);
}

#[tokio::test]
async fn what_fails_in_every_run_is_told_by_every_run() {
    // So long each run waits for what may have been done.
    let settings = Settings { komet_timeout: Duration::from_secs(2), ..Settings::default() };
    both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
        let fault = Fault::Http { status: 500, body: "{}".into(), headers: Vec::new() };
        let target = Target { times: 1000, ..Target::next(System::Komet, "purchase.order.create") };
        link.act(|w, _| w.inject(target, fault));
        placed_anyhow(&link).await;
        for _ in 0..3 {
            let report = link.sync().await;
            assert_eq!(report.outcome, Outcome::Attention);
            let told = |action: &&ActionReport| action.method == "purchase.order.create";
            let failed = report.actions.iter().filter(told).map(|action| action.result);
            assert_eq!(failed.collect::<Vec<_>>(), [ActionResult::Failed]);
            assert_eq!(report.jobs.iter().map(|job| job.failed).sum::<u64>(), 1);
        }
    })
    .await;
}

async fn placed_anyhow(link: &Link) {
    let ship = link.day(3);
    link.act(|w, now| w.axerrio.customer_orders(order(ship, vec![line(FREEDOM, 1)]), now));
    link.sync().await;
}

#[tokio::test]
async fn an_item_deleted_in_komet_once_a_change_was_carried_out_stays_deleted() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 1, now)).unwrap();
        link.sync_well().await;
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| {
            let gone = items_of(w, &id).iter().find(|item| item.goods.boxes == 1).unwrap().id;
            w.komet.rep_deletes_item(gone, now).unwrap();
        });
        let writes = link.writes();
        link.sync_well().await;
        assert_eq!((link.writes(), link.holds().await), (writes, Vec::new()), "that is Komet's right");
    })
    .await;
}

/// In the evening Komet's day is one ahead of New York's, and what ships "yesterday" is in none of its lists: nobody can say
/// whether a request without an answer was done.
#[tokio::test]
async fn what_komet_shows_no_more_is_asked_about_and_not_made_again() {
    let link = Link::hasty().await;
    link.sync_well().await;
    let now = link.engine.clock.now();
    let evening = (now + TimeDelta::days(1)).date_naive().and_hms_opt(2, 0, 0).unwrap().and_utc();
    link.let_pass(evening - now);
    let yesterday = link.day(-1);
    assert_eq!(yesterday + TimeDelta::days(2), link.engine.clock.now().date_naive());
    let id = link.act(|w, now| w.axerrio.customer_orders(order(yesterday, vec![line(FREEDOM, 4)]), now));
    link.inject(System::Komet, "prebook.create", Fault::AnswerLost);
    link.sync().await;
    link.sync_well().await;
    assert_eq!(link.komet_requests("prebook.create"), 1);
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
    link.decide(Verdict::TakeKomet).await;
    link.sync_well().await;
    assert_eq!(link.komet_requests("prebook.create"), 1);
    assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 1);
    assert_eq!(link.holds().await, []);
}

/// A buyer may approve a PO after its ship date, and stemsync may have stood still meanwhile.
#[tokio::test]
async fn what_procurement_approved_is_told_and_shipped_though_nobody_read_it_for_ten_days() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            approve_all(w, now);
            w.axerrio.vendor_prints(&id, "1", 4, Some(AWB), Some(LOT), now).unwrap();
        });
        link.let_pass(TimeDelta::days(14));
        link.sync_well().await;
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone());
        assert!(told.is_some_and(|told| told.status == InfoStatus::Approved), "the vendor learns of it");
        let shipped = link.act(|w, _| bought(w, items_of(w, &id)[0].id)[0].1.boxes.len());
        assert_eq!(shipped, 4);
    })
    .await;
}

/// komet-api.md: a deleted PO line is gone or has quantity 0, and a create may tell the ids, so that nobody has to read.
#[tokio::test]
async fn a_po_line_that_a_buyer_took_off_before_it_was_ever_read_is_asked_about() {
    for stays in [false, true] {
        let link = Link::plain().await;
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_jobs(&[Job::Orders]).await;
        link.act(|w, now| {
            let taken = bought(w, items_of(w, &id)[0].id)[0].1.id;
            w.komet.buyer_deletes_line(taken, stays, now).unwrap();
            approve_all(w, now);
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))], "stays: {stays}");
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone());
        assert_eq!(told.map(|told| told.lines.len()), Some(1), "the vendor learns of the other line");
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        let boxes = link.act(|w, _| bought(w, items_of(w, &id)[0].id)[0].1.goods.boxes);
        assert_eq!(boxes, 4, "bought again");
        invariants(&link).await;
    }
}

#[tokio::test]
async fn a_line_that_a_buyer_bought_anew_before_it_was_ever_read_is_the_lines_own() {
    let link = Link::plain().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_jobs(&[Job::Orders]).await;
    link.act(|w, now| {
        let item = items_of(w, &id)[0].id;
        let taken = bought(w, item)[0].1.id;
        w.komet.buyer_deletes_line(taken, false, now).unwrap();
        w.komet.buyer_buys_item(item, now).unwrap();
        approve_all(w, now);
    });
    link.sync_well().await;
    assert_eq!(link.holds().await, []);
    let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone());
    assert_eq!(told.map(|told| told.lines.len()), Some(2));
    invariants(&link).await;
}

/// product.md: a PO that left a list because it moved to another date is found by its number and lives on.
#[tokio::test]
async fn a_po_that_a_buyer_moved_far_is_read_where_it_stands() {
    both(async |link: Link| {
        let draft = prebook(link.day(3), vec![item(FREEDOM, 4, link.day(1))]);
        let id = accepted_prebook(&link, &draft).await;
        link.sync_well().await;
        let number = link.act(|w, now| {
            let item = w.komet.prebook(id).unwrap().items[0].id;
            let number = bought(w, item)[0].0.number;
            w.komet.buyer_moves_po(number, now.date_naive() + TimeDelta::days(12), now).unwrap();
            number
        });
        link.sync_well().await;
        link.let_pass(TimeDelta::days(10));
        link.act(|w, now| w.komet.buyer_approves(number, now)).unwrap();
        link.sync_well().await;
        let told = link.act(|w, _| orders_for(w, id)[0].purchase_order.clone());
        assert!(told.is_some_and(|told| told.status == InfoStatus::Approved), "the vendor learns of it");
    })
    .await;
}

#[tokio::test]
async fn what_a_buyer_bought_anew_after_he_took_all_off_its_po_is_found() {
    for po_touches_prebook in [false, true] {
        let rules = KometRules { items_show_po: false, po_touches_prebook, ..KometRules::default() };
        let link = Link::start(Setup { rules, ..Setup::default() }).await;
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = accepted_prebook(&link, &draft).await;
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let bought_item = link.act(|w, now| {
            let item = w.komet.prebook(id).unwrap().items[0].id;
            let line = bought(w, item)[0].1.id;
            w.komet.buyer_deletes_line(line, false, now).unwrap();
            item
        });
        link.sync_well().await;
        let told = |link: &Link| link.act(|w, _| orders_for(w, id)[0].purchase_order.clone().unwrap().status);
        assert_eq!(told(&link), InfoStatus::Cancelled);
        link.act(|w, now| {
            w.komet.buyer_buys_item(bought_item, now).unwrap();
            approve_all(w, now);
        });
        link.sync_well().await;
        assert_eq!(told(&link), InfoStatus::Approved);
        assert_eq!(link.holds().await, []);
    }
}

/// Komet answers from a copy that lags, or a PO is another vendor's for a while.
#[tokio::test]
async fn a_po_that_was_in_no_list_for_a_while_is_taken_up_again() {
    let link = Link::plain().await;
    let id = approved(&link).await;
    let body = "{\"status\":1,\"purchaseOrders\":[]}".to_owned();
    let nothing = Fault::Http { status: 200, body, headers: Vec::new() };
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(99), nothing));
    link.sync().await;
    assert_eq!(link.holds().await.len(), 2, "what is in no list, nor under its number, is asked about");
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    assert_eq!(link.holds().await, []);
    let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone().unwrap());
    assert_eq!((told.status, told.lines.len()), (InfoStatus::Approved, 2));
    invariants(&link).await;
}

#[tokio::test]
async fn what_was_over_by_a_clock_that_was_wrong_goes_on_once_it_is_right() {
    both(async |link: Link| {
        link.sync_well().await;
        let draft = order(link.day(4), vec![line(FREEDOM, 4)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        let rep = prebook(link.day(6), vec![item(MONDIAL, 2, link.day(4))]);
        let rep = link.act(|w, now| w.komet.rep_creates_prebook(&rep, now)).unwrap();
        link.set_own_clock(TimeDelta::days(8));
        link.sync().await;
        assert_eq!(link.act(|w, _| items_of(w, &id).len()), 0, "its ship date is over, for all that is known");
        link.set_own_clock(-TimeDelta::days(8));
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| (items_of(w, &id).len(), orders_for(w, rep).len())), (1, 1));
        invariants(&link).await;
    })
    .await;
}

/// Its labels are printed, so Axerrio lets it neither move nor be cancelled.
#[tokio::test]
async fn an_order_that_could_not_move_is_the_same_one_when_its_items_are_back_and_made_anew() {
    let link = Link::plain().await;
    let number = accepted_prebook(&link, &prebook(link.day(5), vec![item(FREEDOM, 3, link.day(3))])).await;
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    let order = link.act(|w, _| orders_for(w, number)[0].id.clone());
    link.act(|w, now| print_all(w, &order, now));
    link.sync_well().await;
    let (day, other) = (link.day(3), link.day(6));
    let first = link.act(|w, now| {
        let item = w.komet.prebook(number).unwrap().items[0].id;
        w.komet.rep_moves_ship_date(item, other, now).unwrap();
        item
    });
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::RejectedByAxerrio, None)]);
    link.act(|w, now| {
        w.komet.rep_moves_ship_date(first, day, now).unwrap();
        w.komet.rep_adds_item(number, &item(FREEDOM, 3, day), now).unwrap();
        w.komet.rep_deletes_item(first, now).unwrap();
    });
    link.sync().await;
    link.sync().await;
    assert_eq!(link.act(|w, _| orders_for(w, number).len()), 1, "no second order for the same day");
    assert!(link.held().await.contains(&(HoldReason::RejectedByAxerrio, None)), "{:?}", link.held().await);
}

/// Lists are read week by week: the earlier one shows the item that moved there, the later one what was added in its place. The vendor is
/// never asked for both on one day.
#[tokio::test]
async fn what_a_rep_adds_on_the_day_that_an_item_has_left_is_ordered_apart_from_it() {
    both(async |link: Link| {
        let (early, late) = (link.day(3), link.day(12));
        let draft = prebook(link.day(14), vec![item(FREEDOM, 4, late)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| {
            let moved = w.komet.prebook(id).unwrap().items[0].id;
            w.komet.rep_moves_ship_date(moved, early, now).unwrap();
            w.komet.rep_adds_item(id, &item(MONDIAL, 2, late), now).unwrap();
        });
        link.sync_well().await;
        let mut ordered: Vec<_> = link.act(|w, _| {
            orders_for(w, id).iter().map(|order| (order.draft.ship_date, order.draft.lines.len())).collect()
        });
        ordered.sort_unstable();
        assert_eq!(ordered, [(early, 1), (late, 1)]);
        invariants(&link).await;
    })
    .await;
}
