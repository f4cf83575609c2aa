//! Flow 1: ordered in Axerrio, prebooked and bought in Komet, labelled by the vendor, received by the importer.

use rust_decimal::Decimal;
use stemsync::domain::Stage;
use stemsync::sandbox::axerrio::{InfoStatus, Named, OrderChange};
use stemsync::sandbox::komet::PoStatus;

use crate::invariants::invariants;
use crate::link::{Link, both, placed, told};
use crate::trade::{
    self, FREEDOM, MONDIAL, NOBBIO, approve_all, bought, items_of, line, mixed_line, order, po_of, prebooks_of,
    print_all,
};

#[tokio::test]
async fn an_order_travels_from_the_customer_to_the_warehouse() {
    both(async |link: Link| {
        let id = placed(&link).await;
        assert_eq!(link.order(&id).await.stage, Stage::PoPending);
        invariants(&link).await;

        let po = link.act(|w, now| {
            let po = po_of(w, &id);
            w.komet.buyer_approves(po, now).unwrap();
            po
        });
        link.sync_well().await;
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone()).unwrap();
        assert_eq!((told.number, told.status), (po.to_string(), InfoStatus::Approved));
        assert_eq!(told.lines.iter().map(|l| l.boxes).sum::<u32>(), 6);
        assert_eq!(link.order(&id).await.stage, Stage::PoApproved);

        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;

        link.act(|w, now| {
            for label in trade::current_labels(w, &id) {
                w.komet.warehouse_receives(&label.box_code, now).unwrap();
            }
        });
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Received);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_line_that_changes_is_made_anew_on_the_same_prebook_and_po() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let (prebook, po) = link.act(|w, _| (prebooks_of(w, &id)[0].id, po_of(w, &id)));
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(items.iter().map(|i| i.goods.boxes).collect::<Vec<_>>(), [2, 7]);
            assert_eq!(prebooks_of(w, &id)[0].id, prebook);
            assert_eq!(po_of(w, &id), po);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn lines_come_and_go_before_approval() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            w.axerrio.customer_adds_line(&id, line(NOBBIO, 1), now).unwrap();
            w.axerrio.customer_removes_line(&id, "2", now).unwrap();
        });
        link.sync_well().await;
        let goods = link.act(|w, _| items_of(w, &id).into_iter().map(|i| i.goods.description).collect::<Vec<_>>());
        assert_eq!(goods, [FREEDOM, NOBBIO]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_cost_and_mark_code_reach_komet() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            w.axerrio.customer_changes_line(
                &id,
                "2",
                |l| {
                    l.unit_cost = Decimal::new(4125, 4);
                    l.mark_code = Some("GATE 9".into());
                },
                now,
            )
        })
        .unwrap();
        link.sync_well().await;
        let made = link.act(|w, _| items_of(w, &id).pop().unwrap());
        assert_eq!((made.goods.cost, made.goods.mark_code.as_str()), (Some(Decimal::new(4125, 4)), "GATE 9"));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_header_moves_the_lines_to_a_new_prebook() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let old = link.act(|w, _| prebooks_of(w, &id)[0].id);
        let (ship, truck) = (link.day(5), link.day(6));
        let change = OrderChange {
            ship_date: Some(ship),
            truck_date: Some(truck),
            customer_po: Some("PO-78".into()),
            carrier: Some(Named { code: "PRI".into(), name: "Bluestem Freight".into() }),
            ..OrderChange::default()
        };
        link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let prebooks = prebooks_of(w, &id);
            assert_eq!(prebooks.len(), 1, "the old Prebook holds nothing any more");
            assert_ne!(prebooks[0].id, old);
            assert_eq!((prebooks[0].truck_date, prebooks[0].customer_po.as_str()), (truck, "PO-78"));
            assert!(prebooks[0].items.iter().all(|i| i.ship_date == Some(ship)));
            let po = w.komet.purchase_order(po_of(w, &id)).unwrap();
            assert_eq!(po.ship_date, ship);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn comments_of_the_owner_are_no_difference() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let change = OrderChange { comments: Some("ring the bell".into()), ..OrderChange::default() };
        link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
        let before = link.writes();
        link.sync_well().await;
        assert_eq!(link.writes(), before);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_and_a_rejected_order_leave_komet() {
    both(async |link: Link| {
        let cancelled = placed(&link).await;
        let rejected = placed(&link).await;
        let stays = placed(&link).await;
        link.act(|w, now| {
            w.axerrio.customer_cancels(&cancelled, now).unwrap();
            w.axerrio.vendor_rejects(&rejected, now).unwrap();
        });
        link.sync_well().await;
        link.act(|w, _| {
            assert!(items_of(w, &cancelled).is_empty() && items_of(w, &rejected).is_empty());
            assert_eq!(items_of(w, &stays).len(), 2);
        });
        assert_eq!(link.order(&cancelled).await.stage, Stage::Cancelled);
        assert_eq!(link.order(&rejected).await.stage, Stage::Cancelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn fewer_confirmed_boxes_are_what_is_bought() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| w.axerrio.vendor_accepts(&id, &[("1", 3), ("2", 0)], now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(
                items.iter().map(|i| i.goods.boxes).collect::<Vec<_>>(),
                [4, 2],
                "the Prebook is the order's"
            );
            let boxes: Vec<u32> =
                items.iter().map(|i| bought(w, i.id).iter().map(|(_, l)| l.goods.boxes).sum()).collect();
            assert_eq!(boxes, [3, 0]);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn buyers_approve_in_piles_and_axerrio_hears_of_each_po() {
    both(async |link: Link| {
        let mut ids = Vec::new();
        for offset in [3, 3, 3, 4, 8, 15] {
            let draft = order(link.day(offset), vec![line(FREEDOM, 1)]);
            ids.push(link.act(|w, now| w.axerrio.customer_orders(draft, now)));
        }
        link.sync_well().await;
        let approved = link.act(approve_all);
        assert_eq!(approved.len(), ids.len());
        link.sync_well().await;
        link.act(|w, _| {
            for id in &ids {
                let told = w.axerrio.order(id).unwrap().purchase_order.as_ref().unwrap();
                assert_eq!((told.status, told.number.parse()), (InfoStatus::Approved, Ok(po_of(w, id))));
            }
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_buyer_changes_after_approval_reaches_axerrio() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(approve_all);
        link.sync_well().await;
        let moved_to = link.day(4);
        link.act(|w, now| {
            let items = items_of(w, &id);
            let (po, po_line) = bought(w, items[0].id).pop().unwrap();
            w.komet.buyer_changes_line(po_line.id, Some(3), Some(Decimal::new(30, 2)), now).unwrap();
            w.komet.buyer_confirms(po.number, now).unwrap();
            w.komet.buyer_moves_po(po.number, moved_to, now).unwrap();
        });
        link.sync_well().await;
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone()).unwrap();
        assert_eq!((told.status, told.ship_date), (InfoStatus::Confirmed, moved_to));
        let first = told.lines.iter().find(|l| l.line_id == "1").unwrap();
        assert_eq!((first.boxes, first.unit_cost), (3, Decimal::new(30, 2)));
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_po_that_the_buyer_cancels_is_not_made_again() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let po = link.act(|w, now| {
            let po = po_of(w, &id);
            w.komet.buyer_cancels(po, now).unwrap();
            po
        });
        link.sync_well().await;
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(
                w.axerrio.order(&id).unwrap().purchase_order.as_ref().unwrap().status,
                InfoStatus::Cancelled
            );
            assert_eq!(w.komet.purchase_order(po).unwrap().status, PoStatus::Cancelled);
            assert!(items_of(w, &id).iter().all(|i| bought(w, i.id).is_empty()));
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_buyer_buys_anew_after_he_cancelled_the_po_reaches_axerrio() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| w.komet.buyer_cancels(po_of(w, &id), now)).unwrap();
        link.sync_well().await;
        let anew = link.act(|w, now| {
            let items: Vec<u64> = items_of(w, &id).iter().map(|item| item.id).collect();
            let pos: Vec<u64> = items.iter().map(|item| w.komet.buyer_buys_item(*item, now).unwrap()).collect();
            for po in &pos {
                w.komet.buyer_approves(*po, now).unwrap();
            }
            pos
        });
        link.sync_well().await;
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone().unwrap());
        assert_eq!((told.status, told.lines.len()), (InfoStatus::Approved, anew.len()));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn mixed_boxes_join_the_plain_lines_on_one_po() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), mixed_line(3, &[MONDIAL, NOBBIO])]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(|w, _| {
            let po = w.komet.purchase_order(po_of(w, &id)).unwrap();
            assert_eq!(po.lines.iter().map(|l| l.goods.parts.len()).collect::<Vec<_>>(), [0, 2]);
        });
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn everything_that_happened_at_once_travels_in_one_run() {
    both(async |link: Link| {
        let id = placed(&link).await;
        link.act(|w, now| {
            approve_all(w, now);
            print_all(w, &id, now);
        });
        let report = link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled, "{:?}", told(&report));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn two_orders_of_the_same_customer_truck_and_po_stay_apart() {
    both(async |link: Link| {
        let first = placed(&link).await;
        let second = placed(&link).await;
        link.act(|w, now| w.axerrio.customer_adds_line(&second, line(NOBBIO, 3), now)).unwrap();
        for _ in 0..3 {
            link.sync().await;
        }
        link.act(|w, _| {
            assert_eq!(items_of(w, &first).len(), 2);
            assert_eq!(items_of(w, &second).len(), 3);
        });
        invariants(&link).await;
    })
    .await;
}
