//! Who owns what: a change on the side that does not own it is held, and released, taken or dismissed by a person; a
//! hold stops nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use stemsync::domain::{CreatePo, HoldReason, OnConflict, Verdict, Zone};
use stemsync::sandbox::axerrio::{OrderChange, OrderStatus};
use stemsync::sandbox::komet::{HeaderChange, ItemChange};
use stemsync::sandbox::{Fault, Outcome, Request, Target, World};
use stemsync::sync::engine::Settings;
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, approved, both, both_with, placed};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, po_of, prebook,
    prebooks_of, print_all,
};

/// The order of a Prebook of two items that the vendor has accepted, with the item ids.
async fn prebooked(link: &Link) -> (u64, Vec<u64>, String) {
    let ship = link.day(3);
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)]);
    let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    let order = link.act(|w, now| {
        let order = orders_for(w, id)[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        order
    });
    link.sync_well().await;
    let items = link.act(|w, _| w.komet.prebook(id).unwrap().items.iter().map(|i| i.id).collect());
    (id, items, order)
}

fn boxes(link: &Link, order: &str) -> Vec<u32> {
    let mut boxes = link.act(|w, _| items_of(w, order).iter().map(|i| i.goods.boxes).collect::<Vec<_>>());
    boxes.sort_unstable();
    boxes
}

fn changed_boxes(boxes: u32) -> ItemChange {
    ItemChange { boxes: Some(boxes), ..ItemChange::default() }
}

#[tokio::test]
async fn a_line_edited_in_komet_waits_while_the_others_go_on() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let other = placed(&link).await;
        link.act(|w, now| {
            let items = items_of(w, &id);
            w.komet.rep_changes_item(items[0].id, &changed_boxes(9), now).unwrap();
            w.axerrio.customer_changes_line(&id, "2", |l| l.boxes = 5, now).unwrap();
            w.axerrio.customer_changes_line(&other, "1", |l| l.boxes = 6, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        assert_eq!((boxes(&link, &id), boxes(&link, &other)), (vec![5, 9], vec![2, 6]));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn taking_axerrio_writes_its_line_again_and_taking_komet_leaves_it() {
    for (verdict, left) in
        [(Verdict::TakeAxerrio, [2, 4]), (Verdict::TakeKomet, [2, 9]), (Verdict::Dismissed, [2, 9])]
    {
        both(async |link: Link| {
            let id = placed(&link).await;
            link.act(|w, now| w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now)).unwrap();
            link.sync_well().await;
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            assert_eq!(boxes(&link, &id), left, "{verdict:?}");
            invariants(&link).await;
            if verdict == Verdict::TakeKomet {
                // Agreed to differ is no loss of interest: a later change of Axerrio's is carried out.
                link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
                link.sync_well().await;
                assert_eq!(boxes(&link, &id), [2, 7]);
                invariants(&link).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_left_to_komet_is_not_written_over_when_the_header_changes() {
    for (verdict, left) in [(Verdict::TakeKomet, [2, 9]), (Verdict::TakeAxerrio, [2, 4])] {
        both(async |link: Link| {
            let id = placed(&link).await;
            link.act(|w, now| w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now)).unwrap();
            link.sync_well().await;
            let change = OrderChange { customer_po: Some("NEW-1".into()), ..OrderChange::default() };
            link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
            link.decide(Verdict::TakeKomet).await;
            link.sync_well().await;
            assert_eq!(boxes(&link, &id), [2, 9], "it is asked about once more before it goes along");
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            assert_eq!(boxes(&link, &id), left, "{verdict:?}");
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_after_approval_that_procurement_carries_out_clears_its_hold() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 8, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            let po_line = bought(w, item)[0].1.id;
            w.komet.rep_changes_item(item, &changed_boxes(8), now).unwrap();
            w.komet.buyer_changes_line(po_line, Some(8), None, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(boxes(&link, &id), [2, 8]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_edit_in_axerrio_that_the_sales_rep_carries_out_clears_its_hold() {
    both(async |link: Link| {
        let (_, items, order) = prebooked(&link).await;
        let first = items[0].to_string();
        link.act(|w, now| w.axerrio.vendor_edits_line(&order, &first, Some(1), None, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, Some(first.clone()))]);
        link.act(|w, now| w.komet.rep_changes_item(items[0], &changed_boxes(1), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        // It is agreed: a later change in Komet is carried out.
        link.act(|w, now| w.komet.rep_changes_item(items[0], &changed_boxes(3), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().draft.lines[0].boxes), 3);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_edit_that_is_undone_clears_its_hold() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let first = link.act(|w, _| items_of(w, &id)[0].id);
        link.act(|w, now| w.komet.rep_changes_item(first, &changed_boxes(9), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await.len(), 1);
        link.act(|w, now| w.komet.rep_changes_item(first, &changed_boxes(4), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_line_deleted_in_komet_waits_and_is_made_again_or_left() {
    for (verdict, left) in [(Verdict::TakeAxerrio, vec![2, 4]), (Verdict::TakeKomet, vec![2])] {
        both(async |link: Link| {
            let id = placed(&link).await;
            link.act(|w, now| w.komet.rep_deletes_item(items_of(w, &id)[0].id, now)).unwrap();
            link.let_pass(TimeDelta::hours(25));
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(boxes(&link, &id), left, "{verdict:?}");
            assert_eq!(link.holds().await, []);
        })
        .await;
    }
}

#[tokio::test]
async fn an_item_added_to_our_prebook_waits_and_goes_or_stays() {
    for (verdict, left) in [(Verdict::TakeAxerrio, 2), (Verdict::TakeKomet, 3)] {
        both(async |link: Link| {
            let id = placed(&link).await;
            let ship = link.day(3);
            link.act(|w, now| {
                let prebook = prebooks_of(w, &id)[0].id;
                w.komet.rep_adds_item(prebook, &item(NOBBIO, 8, ship), now).unwrap();
            });
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!(boxes(&link, &id).len(), left);
            assert_eq!(link.holds().await, []);
        })
        .await;
    }
}

#[tokio::test]
async fn a_header_edited_in_komet_waits_and_is_moved_or_left() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet] {
        both(async |link: Link| {
            let id = placed(&link).await;
            let truck = link.day(9);
            let old = link.act(|w, now| {
                let prebook = prebooks_of(w, &id)[0].id;
                let change = HeaderChange { truck_date: Some(truck), ..HeaderChange::default() };
                w.komet.rep_changes_header(prebook, &change, now).unwrap();
                prebook
            });
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            let now = link.act(|w, _| (prebooks_of(w, &id)[0].id, prebooks_of(w, &id)[0].truck_date));
            if verdict == Verdict::TakeAxerrio {
                assert_ne!(now.0, old);
                assert_eq!(now.1, link.day(5));
            } else {
                assert_eq!(now, (old, truck));
            }
            assert_eq!(boxes(&link, &id), [2, 4]);
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn the_owner_wins_where_the_admin_says_so() {
    let settings = Settings { on_conflict: OnConflict::Owner, ..Settings::default() };
    both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
        let id = placed(&link).await;
        let (_, items, order2) = prebooked(&link).await;
        link.act(|w, now| {
            w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now).unwrap();
            w.axerrio.vendor_edits_line(&order2, &items[0].to_string(), Some(1), None, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(boxes(&link, &id), [2, 4]);
        assert_eq!(link.act(|w, _| w.axerrio.order(&order2).unwrap().draft.lines[0].boxes), 4);
        link.act(|w, now| w.axerrio.vendor_accepts(&order2, &[], now)).unwrap();
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_waits_by_a_rule_goes_on_once_the_admin_changes_the_rule() {
    both(async |mut link: Link| {
        let id = placed(&link).await;
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let asked = link.act(|w, now| {
            w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now).unwrap();
            w.komet.rep_creates_prebook(&draft, now).unwrap()
        });
        link.sync().await;
        assert_eq!(link.held().await.len(), 1);
        assert_eq!(link.act(|w, _| orders_for(w, asked)[0].status), OrderStatus::Placed);
        link.engine.settings.on_conflict = OnConflict::Owner;
        link.engine.settings.create_po = CreatePo::Received;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        assert_eq!(boxes(&link, &id), [2, 4]);
        assert!(
            link.order(&format!("komet-prebook-{asked}")).await.agreed.po.is_some(),
            "bought before the vendor accepts"
        );
        invariants(&link).await;
    })
    .await;
}

/// At noon in Greenwich it is tomorrow on Kiritimati, and yesterday's ship date over.
#[tokio::test]
async fn what_was_over_in_a_wrong_time_zone_goes_on_once_that_is_put_right() {
    both(async |mut link: Link| {
        let now = link.engine.clock.now();
        let noon = now.date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc() + TimeDelta::days(1);
        link.let_pass(noon - now);
        link.engine.settings.timezone = Zone::named("Pacific/Kiritimati").unwrap();
        let yesterday = noon.date_naive().pred_opt().unwrap();
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, yesterday)]);
        let asked = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        for _ in 0..2 {
            link.sync().await;
            assert_eq!(link.act(|w, _| orders_for(w, asked).len()), 0);
        }
        link.engine.settings.timezone = Zone::UTC;
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, asked).len()), 1);
    })
    .await;
}

#[tokio::test]
async fn a_line_edited_in_axerrio_waits_and_is_put_right_or_left() {
    for (verdict, left) in [(Verdict::TakeKomet, 4), (Verdict::TakeAxerrio, 1), (Verdict::Dismissed, 1)] {
        both(async |link: Link| {
            let (_, items, order) = prebooked(&link).await;
            let first = items[0].to_string();
            link.act(|w, now| w.axerrio.vendor_edits_line(&order, &first, Some(1), Some(Decimal::ONE), now))
                .unwrap();
            // Another line of the same order changes in Komet, and goes on.
            link.act(|w, now| w.komet.rep_changes_item(items[1], &changed_boxes(6), now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, Some(first.clone()))]);
            let now = |link: &Link| {
                link.act(|w, _| {
                    w.axerrio.order(&order).unwrap().draft.lines.iter().map(|l| l.boxes).collect::<Vec<_>>()
                })
            };
            assert_eq!(now(&link), [1, 6]);
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!(now(&link), [left, 6], "{verdict:?}");
            assert_eq!(link.holds().await, []);
            link.act(|w, now| w.axerrio.vendor_accepts(&order, &[], now)).unwrap();
            link.sync_well().await;
            invariants(&link).await;
        })
        .await;
    }
}

/// It is neither sent nor taken for sent while the vendor's own change is asked about.
#[tokio::test]
async fn what_a_rep_changes_on_a_line_in_question_goes_to_the_vendor_once_that_is_over() {
    for (what, change) in [
        ("boxes", changed_boxes(7)),
        ("another field", ItemChange { mark_code: Some("Z".into()), ..ItemChange::default() }),
        ("no boxes any more", changed_boxes(0)),
    ] {
        println!("--- {what}");
        let link = Link::plain().await;
        let (_, items, order) = prebooked(&link).await;
        let first = items[0].to_string();
        let edits = |boxes| {
            link.act(|w, now| w.axerrio.vendor_edits_line(&order, &first, Some(boxes), None, now)).unwrap();
        };
        edits(1);
        link.sync_well().await;
        link.act(|w, now| w.komet.rep_changes_item(items[0], &change, now)).unwrap();
        link.sync_well().await;
        // Something else of the order is put meanwhile.
        link.act(|w, now| w.komet.rep_changes_item(items[1], &changed_boxes(6), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, Some(first.clone()))]);
        edits(4);
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        link.act(|w, _| {
            let lines = &w.axerrio.order(&order).unwrap().draft.lines;
            let line = lines.iter().find(|line| line.id == first);
            match what {
                "boxes" => assert_eq!(line.unwrap().boxes, 7),
                "another field" => assert_eq!(line.unwrap().mark_code.as_deref(), Some("Z")),
                _ => assert!(line.is_none_or(|line| line.boxes == 0)),
            }
        });
        invariants(&link).await;
    }
}

#[tokio::test]
async fn a_flow_2_order_cancelled_in_axerrio_waits_and_is_placed_again_or_left() {
    for (verdict, status) in
        [(Verdict::TakeKomet, OrderStatus::Placed), (Verdict::TakeAxerrio, OrderStatus::Cancelled)]
    {
        both(async |link: Link| {
            let (_, _, order) = prebooked(&link).await;
            link.act(|w, now| w.axerrio.customer_cancels(&order, now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, None)]);
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().status), status);
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn what_changes_after_approval_waits_and_is_carried_out_or_not() {
    for (verdict, left) in [(Verdict::TakeAxerrio, [2, 6]), (Verdict::TakeKomet, [2, 4])] {
        both(async |link: Link| {
            let id = approved(&link).await;
            let po = link.act(|w, _| po_of(w, &id));
            link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 6, now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
            assert_eq!(boxes(&link, &id), [2, 4]);
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            assert_eq!(boxes(&link, &id), left, "{verdict:?}");
            link.act(|w, _| {
                assert_eq!(po_of(w, &id), po);
                for item in items_of(w, &id) {
                    assert_eq!(
                        bought(w, item.id).iter().map(|(_, l)| l.goods.boxes).sum::<u32>(),
                        item.goods.boxes
                    );
                }
            });
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_order_cancelled_after_approval_waits_and_goes_or_stays() {
    for (verdict, lines) in [(Verdict::TakeAxerrio, 0), (Verdict::TakeKomet, 2)] {
        both(async |link: Link| {
            let id = approved(&link).await;
            link.act(|w, now| w.axerrio.customer_cancels(&id, now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, None)]);
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(boxes(&link, &id).len(), lines);
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

/// Polls of POs are minutes apart. What was approved between two of them is approved all the same.
#[tokio::test]
async fn a_change_right_after_an_approval_that_no_poll_has_seen_waits_too() {
    type Change = fn(&mut World, &str, DateTime<Utc>);
    let changes: [(Change, Option<&str>); 3] = [
        (|w, id, now| w.axerrio.customer_changes_line(id, "1", |l| l.boxes = 6, now).unwrap(), Some("1")),
        (|w, id, now| w.axerrio.customer_removes_line(id, "1", now).unwrap(), Some("1")),
        (|w, id, now| w.axerrio.customer_cancels(id, now).unwrap(), None),
    ];
    for (change, line) in changes {
        both(async |link: Link| {
            let id = placed(&link).await;
            let before = boxes(&link, &id);
            link.act(|w, now| {
                approve_all(w, now);
                change(w, &id, now);
            });
            link.sync_jobs(&[Job::Orders]).await;
            assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, line.map(str::to_owned))]);
            assert_eq!(boxes(&link, &id), before);
            link.sync_well().await;
            invariants(&link).await;
        })
        .await;
    }
}

/// The order and its PO have moved to different days, and the PO was approved: it is in no list that the order knows of.
#[tokio::test]
async fn a_po_that_moved_and_was_approved_is_looked_up_before_a_line_goes() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let before = boxes(&link, &id);
        let (order_to, po_to) = (link.day(4), link.day(6));
        link.act(|w, now| {
            let moved = OrderChange { ship_date: Some(order_to), ..OrderChange::default() };
            w.axerrio.customer_changes_header(&id, &moved, now).unwrap();
            w.komet.buyer_moves_po(po_of(w, &id), po_to, now).unwrap();
            approve_all(w, now);
        });
        link.sync_jobs(&[Job::Orders]).await;
        assert_eq!(boxes(&link, &id), before);
        assert!(!link.holds().await.is_empty(), "a person is asked");
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

/// The list of the day's POs has one that makes no sense. It is not this order's, and keeps nothing of it waiting.
#[tokio::test]
async fn a_pending_po_beside_an_unreadable_one_is_changed_all_the_same() {
    let link = Link::plain().await;
    let [id, other] = [placed(&link).await, placed(&link).await];
    let body = link.act(|w, now| {
        let day = w.axerrio.order(&id).unwrap().draft.ship_date;
        let token = link.sandbox.komet_token();
        let uri = format!("/komet/api/purchase.order.list?authenticationToken={token}&date={day}");
        let Outcome::Answer(list) = w.serve(&Request::of("GET", &uri.parse().unwrap(), None, Vec::new()), now)
        else {
            panic!("Komet answers")
        };
        let mut list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
        let unreadable = po_of(w, &other).to_string();
        let pos = list["purchaseOrders"].as_array_mut().unwrap();
        let po = pos.iter_mut().find(|po| po["number"].to_string().contains(&unreadable)).unwrap();
        po["status"] = serde_json::json!({"not": "readable"});
        list.to_string()
    });
    let target = Target::next(System::Komet, "purchase.order.list").times(30);
    link.act(|w, now| {
        w.inject(target, Fault::Http { status: 200, body, headers: Vec::new() });
        w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 6, now).unwrap();
    });
    link.sync_jobs(&[Job::Orders]).await;
    assert_eq!(boxes(&link, &id), [2, 6]);
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    invariants(&link).await;
}

#[tokio::test]
async fn lines_added_removed_and_moved_after_approval_wait() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| {
            w.axerrio.customer_adds_line(&id, line(NOBBIO, 1), now).unwrap();
            w.axerrio.customer_removes_line(&id, "2", now).unwrap();
        });
        link.sync_well().await;
        let mut held = link.held().await;
        held.sort();
        let after = |line: &str| (HoldReason::ChangedAfterApproval, Some(line.to_owned()));
        assert_eq!(held, [after("2"), after("3")]);
        assert_eq!(boxes(&link, &id), [2, 4]);
        let change = OrderChange { ship_date: Some(link.day(4)), ..OrderChange::default() };
        link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
        link.sync_well().await;
        assert_eq!(boxes(&link, &id), [2, 4]);
        assert!(link.held().await.contains(&after("1")));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_pending_po_that_the_buyer_edits_before_it_was_ever_read_waits_as_well() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_jobs(&[Job::Orders]).await;
        link.act(|w, now| {
            let po_line = bought(w, items_of(w, &id)[0].id)[0].1.id;
            w.komet.buyer_changes_line(po_line, Some(3), None, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_pending_po_that_the_buyer_edits_or_moves_waits_until_it_is_approved() {
    both(async |link: Link| {
        let edited = placed(&link).await;
        let moved = placed(&link).await;
        let to = link.day(4);
        link.act(|w, now| {
            let po_line = bought(w, items_of(w, &edited)[0].id)[0].1.id;
            w.komet.buyer_changes_line(po_line, Some(3), None, now).unwrap();
            w.komet.buyer_moves_po(po_of(w, &moved), to, now).unwrap();
        });
        link.sync_well().await;
        let mut held = link.held().await;
        held.sort();
        assert_eq!(held, [(HoldReason::EditedInKomet, None), (HoldReason::EditedInKomet, Some("1".into()))]);
        // Approving it is the buyer's word.
        link.act(approve_all);
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        let told = link
            .act(|w, _| [&edited, &moved].map(|id| w.axerrio.order(id).unwrap().purchase_order.clone().unwrap()));
        assert_eq!((told[0].lines[0].boxes, told[1].ship_date), (3, to));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn too_long_a_field_waits_and_is_cut_only_if_a_person_says_so() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        let id = link.act(|w, now| {
            let id = w.axerrio.customer_orders(draft, now);
            let long = "A MARK CODE BEYOND TWENTY CHARACTERS";
            w.axerrio.customer_changes_line(&id, "1", |l| l.mark_code = Some(long.into()), now).unwrap();
            w.axerrio.customer_changes_line(&id, "2", |l| l.notes = Some("n".repeat(300)), now).unwrap();
            id
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::FieldTooLong, Some("1".into()))]);
        let notes = link.act(|w, _| items_of(w, &id)[0].goods.notes.clone());
        assert_eq!(
            (notes.chars().count(), notes.chars().last()),
            (200, Some('…')),
            "a note is cut with an ellipsis"
        );
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(boxes(&link, &id), [2, 4]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_long_customer_po_that_was_cut_is_no_difference() {
    both(async |link: Link| {
        let mut draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        draft.customer_po = Some("PURCHASE ORDER OF MARCH 2026".into());
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        assert!(boxes(&link, &id).is_empty());
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| prebooks_of(w, &id)[0].customer_po.clone()), "PURCHASE ORDER OF MA");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn both_sides_changed_to_the_same_is_agreement() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(5), now).unwrap();
            w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 5, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(boxes(&link, &id), [2, 5]);
        invariants(&link).await;
    })
    .await;
}

/// The item is another order's by the time the PO is read for the first time.
#[tokio::test]
async fn an_approved_po_keeps_the_line_of_an_item_that_moved_before_anybody_read_it() {
    both(async |link: Link| {
        let (first, second) = (link.day(3), link.day(4));
        let draft = prebook(link.day(6), vec![item(FREEDOM, 4, first), item(MONDIAL, 2, second)]);
        let id = accepted_prebook(&link, &draft).await;
        link.sync_jobs(&[Job::Orders]).await;
        let moves = link.act(|w, _| w.komet.prebook(id).unwrap().items[1].id);
        link.act(|w, now| {
            approve_all(w, now);
            w.komet.rep_moves_ship_date(moves, first, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.act(|w, _| bought(w, moves).len()), 1, "it is bought, and stays so");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_rep_and_a_customer_who_change_a_line_in_the_same_gap_are_asked_about() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now).unwrap();
            w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        assert_eq!(boxes(&link, &id), [2, 9], "what the rep did is not written over");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_was_left_is_asked_about_again_when_axerrio_changes_the_line() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| w.komet.rep_deletes_item(items_of(w, &id)[0].id, now)).unwrap();
        link.sync_well().await;
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
        link.sync_well().await;
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(boxes(&link, &id), [2, 7]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_edit_after_approval_is_komets_right_and_told_apart() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| w.komet.rep_changes_item(items_of(w, &id)[0].id, &changed_boxes(9), now)).unwrap();
        link.sync_well().await;
        let audit = link.engine.audit().await.unwrap();
        assert_eq!((link.holds().await.len(), audit.differences.len(), audit.agreed_to_differ.len()), (0, 0, 1));
        invariants(&link).await;
    })
    .await;
}

/// A buyer moves the PO to another day, and the line that is added then goes on a second one.
#[tokio::test]
async fn axerrio_is_told_of_what_procurement_approved_and_of_nothing_else() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let (moved, to) = (link.act(|w, _| po_of(w, &id)), link.day(5));
        link.act(|w, now| w.komet.buyer_moves_po(moved, to, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| w.axerrio.customer_adds_line(&id, line(NOBBIO, 3), now)).unwrap();
        link.sync_well().await;
        let second = link.act(|w, now| {
            let item = items_of(w, &id).last().unwrap().id;
            let second = bought(w, item)[0].0.number;
            w.komet.buyer_approves(second, now).unwrap();
            second
        });
        assert_ne!(moved, second);
        link.sync_well().await;
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone().unwrap());
        assert_eq!((told.number, told.lines.len()), (second.to_string(), 1));
    })
    .await;
}

#[tokio::test]
async fn an_item_that_a_rep_moves_after_approval_is_asked_about() {
    both(async |link: Link| {
        let (_, items, _) = prebooked(&link).await;
        link.act(approve_all);
        link.sync_well().await;
        let to = link.day(4);
        link.act(|w, now| w.komet.rep_moves_ship_date(items[1], to, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(items[1].to_string()))]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        link.sync_well().await;
        let days = link.act(|w, _| bought(w, items[1]).iter().map(|(po, _)| po.ship_date).collect::<Vec<_>>());
        assert_eq!(days, [to], "it is bought anew for the new day");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn labels_of_a_line_that_a_buyer_took_off_its_po_are_asked_about() {
    both(async |link: Link| {
        let (_, items, order) = prebooked(&link).await;
        link.act(|w, now| w.komet.buyer_changes_line(bought(w, items[1])[0].1.id, Some(0), None, now)).unwrap();
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        assert_eq!(link.holds().await, [], "in flow 2 it is Komet's to take away");
        link.act(|w, now| print_all(w, &order, now));
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(items[1].to_string()))]);
        invariants(&link).await;
    })
    .await;
}

/// Another order has the POs of the day read before the Prebooks are.
#[tokio::test]
async fn an_item_that_moves_in_the_run_that_has_read_its_po_already_is_not_bought_again() {
    let settings = Settings { create_po: CreatePo::Received, ..Settings::default() };
    both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
        let ship = link.day(3);
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.sync_well().await;
        link.act(approve_all);
        let other = placed(&link).await;
        let (moving, to) = (link.act(|w, _| w.komet.prebook(id).unwrap().items[1].id), link.day(4));
        link.act(|w, now| {
            w.komet.rep_moves_ship_date(moving, to, now).unwrap();
            w.axerrio.customer_changes_line(&other, "1", |l| l.boxes = 7, now).unwrap();
        });
        link.sync().await;
        link.sync().await;
        assert_eq!(link.act(|w, _| bought(w, moving).len()), 1);
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(moving.to_string()))]);
    })
    .await;
}
