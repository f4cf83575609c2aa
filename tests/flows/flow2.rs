//! Flow 2: prebooked in Komet, accepted by the vendor in Axerrio, bought in Komet, labelled and received.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use stemsync::domain::{CreatePo, HoldReason, Stage};
use stemsync::sandbox::axerrio::{InfoStatus, OrderStatus};
use stemsync::sandbox::komet::{HeaderChange, ItemChange, PrebookDraft};
use stemsync::sync::engine::Settings;
use stemsync::sync::report::{Job, Outcome};

use crate::invariants::invariants;
use crate::link::{Link, Setup, both, both_with};
use crate::trade::{
    self, FREEDOM, MONDIAL, NOBBIO, approve_all, bought, item, mixed_item, orders_for, prebook, print_all,
};

/// A Prebook of two items of one ship date, which Axerrio has.
async fn prebooked(link: &Link) -> u64 {
    let ship = link.day(3);
    prebooked_as(link, prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(MONDIAL, 2, ship)])).await
}

async fn prebooked_as(link: &Link, draft: PrebookDraft) -> u64 {
    let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    id
}

/// Item ids of a Prebook, and the id of its one order in Axerrio.
fn known(link: &Link, prebook: u64) -> (Vec<u64>, String) {
    link.act(|w, _| {
        let orders = orders_for(w, prebook);
        assert_eq!(orders.len(), 1);
        (w.komet.prebook(prebook).unwrap().items.iter().map(|i| i.id).collect(), orders[0].id.clone())
    })
}

fn accept(link: &Link, order: &str) {
    link.act(|w, now| w.axerrio.vendor_accepts(order, &[], now)).unwrap();
}

#[tokio::test]
async fn a_prebook_travels_from_the_sales_rep_to_the_warehouse() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        link.act(|w, _| {
            let order = w.axerrio.order(&order).unwrap();
            assert_eq!(order.external_ref.as_deref(), Some(format!("komet-prebook-{id}").as_str()));
            assert_eq!(order.draft.lines[0].unit_cost, Decimal::new(29, 2));
            assert_eq!(order.draft.lines[0].unit_price, None, "the sales price is not the vendor's to know");
            assert!(bought(w, items[0]).is_empty(), "nothing is bought before the vendor accepts");
        });
        invariants(&link).await;

        accept(&link, &order);
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::PoPending);
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| {
            assert_eq!(
                w.axerrio.order(&order).unwrap().purchase_order.as_ref().unwrap().status,
                InfoStatus::Approved
            );
            print_all(w, &order, now);
        });
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::Labelled);
        link.act(|w, now| {
            for label in trade::current_labels(w, &order) {
                w.komet.warehouse_receives(&label.box_code, now).unwrap();
            }
        });
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::Received);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn the_vendor_accepts_fewer_boxes_and_those_are_bought() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        let (first, second) = (items[0].to_string(), items[1].to_string());
        link.act(|w, now| w.axerrio.vendor_accepts(&order, &[(&first, 3), (&second, 0)], now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(bought(w, items[0]).iter().map(|(_, l)| l.goods.boxes).collect::<Vec<_>>(), [3]);
            assert!(bought(w, items[1]).is_empty());
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_rejected_order_waits_and_a_changed_prebook_asks_again() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        link.act(|w, now| w.axerrio.vendor_rejects(&order, now)).unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::RejectedByAxerrio, None)]);
        link.act(|w, now| {
            w.komet.rep_changes_item(
                items[0],
                &ItemChange { cost: Some(Decimal::new(35, 2)), ..Default::default() },
                now,
            )
        })
        .unwrap();
        let report = link.sync().await;
        assert_eq!(report.outcome, Outcome::Ok, "what an earlier job saw held is settled");
        assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().status), OrderStatus::Placed);
        accept(&link, &order);
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::PoPending);
        invariants(&link).await;
    })
    .await;
}

/// Another link's mark, or one that was copied with the comments: without it the Prebook is the vendor's like any other.
#[tokio::test]
async fn a_prebook_that_bears_the_mark_of_no_order_is_asked_about_and_goes_once_that_is_gone() {
    both(async |link: Link| {
        let mut draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        draft.comments = "As last week [AX AX-999]".into();
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
        let plain = HeaderChange { comments: Some("As last week".into()), ..HeaderChange::default() };
        link.act(|w, now| w.komet.rep_changes_header(id, &plain, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| orders_for(w, id).len()), 1);
        invariants(&link).await;
    })
    .await;
}

/// The mark of an order that was prebooked in Komet is none of this link's.
#[tokio::test]
async fn a_prebook_that_bears_the_mark_of_another_prebooks_order_goes_to_the_vendor() {
    both(async |link: Link| {
        let first = prebooked(&link).await;
        let order = link.act(|w, _| orders_for(w, first)[0].id.clone());
        let mut draft = prebook(link.day(5), vec![item(MONDIAL, 4, link.day(3))]);
        draft.comments = format!("As last week [AX {order}]");
        let second = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, second).len()), 1);
        invariants(&link).await;
    })
    .await;
}

/// Nobody confirmed what Axerrio would not even hear of.
#[tokio::test]
async fn a_change_that_axerrio_refuses_is_one_question_and_says_nothing_of_the_vendors_word() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| print_all(w, &order, now));
        link.act(|w, now| {
            w.komet.rep_changes_item(items[0], &ItemChange { boxes: Some(1), ..Default::default() }, now)
        })
        .unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::RejectedByAxerrio, None)]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn with_create_po_received_the_po_comes_first_and_is_reduced_later() {
    let settings = Settings { create_po: CreatePo::Received, ..Settings::default() };
    both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        link.sync_well().await;
        assert_eq!(link.act(|w, _| bought(w, items[0])[0].1.goods.boxes), 4);
        link.act(|w, now| w.axerrio.vendor_accepts(&order, &[(&items[0].to_string(), 1)], now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| bought(w, items[0])[0].1.goods.boxes), 1);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn two_ship_dates_are_two_orders() {
    both(async |link: Link| {
        let (early, late) = (link.day(3), link.day(11));
        let draft =
            prebook(link.day(13), vec![item(FREEDOM, 4, early), item(MONDIAL, 2, late), item(NOBBIO, 1, late)]);
        let id = prebooked_as(&link, draft).await;
        let orders = link.act(|w, _| orders_for(w, id));
        let shapes: Vec<_> = orders.iter().map(|o| (o.draft.ship_date, o.draft.lines.len())).collect();
        assert_eq!(shapes, [(early, 1), (late, 2)]);
        assert_eq!(orders[0].external_ref, Some(format!("komet-prebook-{id}")));
        assert_eq!(orders[1].external_ref, Some(format!("komet-prebook-{id}-{late}")));
        invariants(&link).await;

        accept(&link, &orders[1].id);
        link.sync_well().await;
        link.act(|w, _| {
            let items = &w.komet.prebook(id).unwrap().items;
            assert!(bought(w, items[0].id).is_empty());
            assert_eq!(bought(w, items[1].id)[0].0.ship_date, late);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_prebook_that_moves_as_a_whole_moves_its_order() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        for (by, pass) in [(5, 1), (12, 1)] {
            let to = link.day(by);
            link.act(|w, now| items.iter().try_for_each(|i| w.komet.rep_moves_ship_date(*i, to, now))).unwrap();
            for _ in 0..pass {
                link.sync_well().await;
            }
            let orders = link.act(|w, _| orders_for(w, id));
            assert_eq!(orders.len(), 1);
            assert_eq!((orders[0].id.as_str(), orders[0].draft.ship_date), (order.as_str(), to));
            invariants(&link).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_prebook_that_moves_in_part_becomes_two_orders_and_one_again() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, _) = known(&link, id);
        let (stays, to) = (link.day(3), link.day(10));
        link.act(|w, now| w.komet.rep_moves_ship_date(items[1], to, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let orders = orders_for(w, id);
            let shapes: Vec<_> = orders.iter().map(|o| (o.draft.ship_date, o.draft.lines.len())).collect();
            assert_eq!(shapes, [(stays, 1), (to, 1)]);
        });
        invariants(&link).await;

        link.act(|w, now| w.komet.rep_moves_ship_date(items[1], stays, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let orders = orders_for(w, id);
            assert_eq!(orders[0].draft.lines.len(), 2);
            assert_eq!(orders[1].status, OrderStatus::Cancelled);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_moved_prebook_takes_its_pending_po_along() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        let to = link.day(4);
        link.act(|w, now| items.iter().try_for_each(|i| w.komet.rep_moves_ship_date(*i, to, now))).unwrap();
        link.sync_well().await;
        // A material change asks the vendor again (clarification 9).
        accept(&link, &order);
        link.sync_well().await;
        link.act(|w, _| {
            for item in &items {
                let lines = bought(w, *item);
                assert_eq!(lines.iter().map(|(po, _)| po.ship_date).collect::<Vec<_>>(), [to]);
            }
        });
        invariants(&link).await;
    })
    .await;
}

/// Also where nobody has read its PO since.
#[tokio::test]
async fn an_item_that_moves_to_another_order_is_not_bought_there_as_well() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        let to = link.day(10);
        link.act(|w, now| {
            let po = bought(w, items[1])[0].0.number;
            w.komet.buyer_approves(po, now).unwrap();
            w.komet.rep_moves_ship_date(items[1], to, now).unwrap();
        });
        link.sync_jobs(&[Job::Prebooks]).await;
        let moved = link.act(|w, _| orders_for(w, id).pop().unwrap().id);
        accept(&link, &moved);
        link.sync_jobs(&[Job::Orders]).await;
        link.act(|w, _| assert_eq!(bought(w, items[1]).len(), 1));
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

/// One item of two: it becomes an order of its own, whose PO is of its day.
#[tokio::test]
async fn an_item_that_moves_to_another_order_takes_its_pending_po_line_along() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        let (stays, to) = (link.day(3), link.day(10));
        link.act(|w, now| w.komet.rep_moves_ship_date(items[1], to, now)).unwrap();
        link.sync_well().await;
        for order in link.act(|w, _| orders_for(w, id)) {
            if order.status == OrderStatus::Placed {
                accept(&link, &order.id);
            }
        }
        link.sync_well().await;
        link.act(|w, _| {
            for (item, day) in items.iter().zip([stays, to]) {
                let lines = bought(w, *item);
                assert_eq!(lines.iter().map(|(po, _)| po.ship_date).collect::<Vec<_>>(), [day]);
            }
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn header_changes_reach_axerrio() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let truck = link.day(6);
        let change = HeaderChange {
            truck_date: Some(truck),
            customer_po: Some("REP-2".into()),
            carrier: Some("PRI".into()),
            comments: Some("ring twice".into()),
        };
        link.act(|w, now| w.komet.rep_changes_header(id, &change, now)).unwrap();
        link.sync_well().await;
        let order = link.act(|w, _| orders_for(w, id).pop().unwrap());
        assert_eq!((order.draft.truck_date, order.draft.customer_po.as_deref()), (Some(truck), Some("REP-2")));
        assert_eq!(order.draft.carrier.unwrap().code, "PRI");
        assert_eq!(order.draft.comments.as_deref(), Some("ring twice"));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn items_change_come_and_go() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        let ship = link.day(3);
        link.act(|w, now| {
            w.komet.rep_changes_item(items[0], &ItemChange { boxes: Some(6), ..Default::default() }, now).unwrap();
            w.komet.rep_deletes_item(items[1], now).unwrap();
            w.komet.rep_adds_item(id, &item(NOBBIO, 1, ship), now).unwrap();
        });
        link.sync_well().await;
        let order = link.act(|w, _| orders_for(w, id).pop().unwrap());
        let lines: Vec<_> = order.draft.lines.iter().map(|l| (l.product.description.as_str(), l.boxes)).collect();
        assert_eq!(lines, [(FREEDOM, 6), (NOBBIO, 1)]);
        assert_eq!(order.status, OrderStatus::Placed, "the vendor is asked again");
        accept(&link, &order.id);
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(bought(w, items[0]).iter().map(|(_, l)| l.goods.boxes).collect::<Vec<_>>(), [6]);
            assert!(bought(w, items[1]).is_empty());
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_prebook_is_cancelled_and_its_pending_po_lines_go() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        accept(&link, &order);
        link.sync_well().await;
        // Deleted line by line it shows in changed-since reads; as a whole it does not (see `absence`).
        link.act(|w, now| items.iter().try_for_each(|i| w.komet.rep_deletes_item(*i, now))).unwrap();
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(w.axerrio.order(&order).unwrap().status, OrderStatus::Cancelled);
            assert!(items.iter().all(|i| bought(w, *i).is_empty()));
        });
        assert_eq!(link.order(&order).await.stage, Stage::Cancelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn items_set_to_nothing_cancel_at_once() {
    both(async |link: Link| {
        let id = prebooked(&link).await;
        let (items, order) = known(&link, id);
        let none = ItemChange { boxes: Some(0), ..Default::default() };
        link.act(|w, now| items.iter().try_for_each(|i| w.komet.rep_changes_item(*i, &none, now))).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().status), OrderStatus::Cancelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_standing_order_of_mixed_boxes_goes_all_the_way() {
    both(async |link: Link| {
        let draft = PrebookDraft {
            standing: true,
            ..prebook(link.day(5), vec![mixed_item(3, &[FREEDOM, NOBBIO], link.day(3))])
        };
        let id = prebooked_as(&link, draft).await;
        let (items, order) = known(&link, id);
        let parts = link.act(|w, _| w.axerrio.order(&order).unwrap().draft.lines[0].mix.len());
        assert_eq!(parts, 2);
        accept(&link, &order);
        link.sync_well().await;
        link.act(|w, now| {
            assert_eq!(bought(w, items[0])[0].1.goods.parts.len(), 2);
            approve_all(w, now);
        });
        link.sync_well().await;
        link.act(|w, now| print_all(w, &order, now));
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_prebook_without_cost_or_ship_date_is_seen_once_it_has_them() {
    both(seen_once_it_has_them).await;
    both_with(Setup { company_token: true, ..Setup::default() }, seen_once_it_has_them).await;
}

async fn seen_once_it_has_them(link: Link) {
    let ship = link.day(3);
    let unpriced = trade::item(FREEDOM, 4, ship);
    let draft = prebook(link.day(5), vec![stemsync::sandbox::komet::ItemDraft { cost: None, ..unpriced }]);
    let id = prebooked_as(&link, draft).await;
    assert!(link.act(|w, _| orders_for(w, id)).is_empty());
    link.act(|w, now| {
        let item = w.komet.prebook(id).unwrap().items[0].id;
        w.komet.rep_changes_item(item, &ItemChange { cost: Some(Decimal::new(29, 2)), ..Default::default() }, now)
    })
    .unwrap();
    link.sync_well().await;
    assert_eq!(link.act(|w, _| orders_for(w, id)).len(), 1);
    invariants(&link).await;
}
