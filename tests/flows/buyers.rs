//! What buyers do to POs in Komet between two runs, and what becomes of it when the order changes after that.

use rust_decimal::Decimal;
use stemsync::domain::{HoldReason, Verdict};
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::komet::{HeaderChange, ItemChange, KometRules, PoStatus};
use stemsync::sandbox::{Fault, World};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, both, placed};
use crate::trade::{FREEDOM, approve_all, bought, item, items_of, orders_for, po_of, prebook};

/// What is bought of an item: PO and boxes.
fn buys(world: &World, item: u64) -> Vec<(u64, u32)> {
    bought(world, item).iter().map(|(po, line)| (po.number, line.goods.boxes)).collect()
}

/// A buyer takes an item off its PO and buys it anew, on a PO that ships on another day. Answers that PO.
fn buys_for_another_day(link: &Link, item: u64) -> u64 {
    let day = link.day(4);
    link.act(|w, now| {
        let line = bought(w, item)[0].1.id;
        w.komet.buyer_deletes_line(line, false, now).unwrap();
        let po = w.komet.buyer_buys_item(item, now).unwrap();
        w.komet.buyer_moves_po(po, day, now).unwrap();
        po
    })
}

#[tokio::test]
async fn what_a_buyer_bought_anew_for_another_day_goes_when_the_order_is_cancelled() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let item = link.act(|w, _| items_of(w, &id)[0].id);
        link.sync_well().await;
        let po = buys_for_another_day(&link, item);
        link.act(|w, now| w.axerrio.customer_cancels(&id, now)).unwrap();
        link.sync().await;
        // The order is Axerrio's until its PO is approved: what a buyer did is asked about, or goes with the rest.
        if !link.holds().await.is_empty() {
            link.decide(Verdict::TakeAxerrio).await;
        }
        link.sync_well().await;
        assert_eq!(link.act(|w, _| buys(w, item)), [], "PO {po}");
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_buyer_bought_anew_for_another_day_is_found_and_its_approval_told() {
    let link = Link::plain().await;
    let draft = prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3)), item(FREEDOM, 2, link.day(3))]);
    let number = accepted_prebook(&link, &draft).await;
    link.sync_well().await;
    let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
    let po = buys_for_another_day(&link, item);
    link.sync_well().await;
    assert_eq!(link.holds().await, [], "nobody is asked whether to buy it again");
    assert_eq!(link.act(|w, _| buys(w, item)), [(po, 4)]);
    link.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    link.sync_well().await;
    let told = link.act(|w, _| {
        let order = w.axerrio.orders().next().unwrap().purchase_order.clone().unwrap();
        order.lines.iter().map(|line| line.line_id.clone()).collect::<Vec<_>>()
    });
    assert_eq!(told, [item.to_string()]);
}

/// No order of this link ships on that day, so nobody reads it.
#[tokio::test]
async fn what_a_buyer_bought_anew_after_the_question_is_found_before_it_is_bought_again() {
    let rules = KometRules { items_show_po: false, ..KometRules::default() };
    let link = Link::start(Setup { rules, ..Setup::default() }).await;
    let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
    link.sync_well().await;
    let (item, day) = (link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id), link.day(8));
    let line = link.act(|w, _| bought(w, item)[0].1.id);
    link.act(|w, now| w.komet.buyer_deletes_line(line, false, now)).unwrap();
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some(item.to_string()))]);
    let po = link.act(|w, now| {
        let po = w.komet.buyer_buys_item(item, now).unwrap();
        w.komet.buyer_moves_po(po, day, now).unwrap();
        po
    });
    link.decide(Verdict::TakeAxerrio).await;
    link.sync().await;
    assert_eq!(link.act(|w, _| buys(w, item)), [(po, 4)]);
}

/// Nothing leads there but the day that the item had: no PO of stemsync's is on it, and Komet's items do not name their PO.
#[tokio::test]
async fn what_a_buyer_bought_for_the_day_that_a_rep_moved_the_item_away_from_is_not_bought_twice() {
    let rules = KometRules { items_show_po: false, ..KometRules::default() };
    let link = Link::start(Setup { rules, ..Setup::default() }).await;
    // With the first purchase each day of the horizon was read.
    accepted_prebook(&link, &prebook(link.day(4), vec![item(FREEDOM, 1, link.day(1))])).await;
    link.sync_well().await;
    let draft = prebook(link.day(9), vec![item(FREEDOM, 3, link.day(3))]);
    let number = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    let (item, later) = (link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id), link.day(6));
    let po = link.act(|w, now| {
        let po = w.komet.buyer_buys_item(item, now).unwrap();
        w.komet.rep_moves_ship_date(item, later, now).unwrap();
        po
    });
    link.sync_well().await;
    link.act(|w, now| {
        for order in orders_for(w, number).iter().filter(|order| order.status != OrderStatus::Cancelled) {
            w.axerrio.vendor_accepts(&order.id, &[], now).unwrap();
        }
    });
    link.sync().await;
    link.sync().await;
    let bought = link.act(|w, _| buys(w, item));
    assert_eq!(bought, [(po, 3)]);
}

/// It is pending, and nobody has approved anything.
#[tokio::test]
async fn a_po_that_a_buyer_cancelled_and_made_again_changes_like_any_other() {
    both(async |link: Link| {
        let id = placed(&link).await;
        let items = link.act(|w, _| items_of(w, &id));
        link.act(|w, now| {
            w.komet.buyer_cancels(po_of(w, &id), now).unwrap();
            for item in &items {
                w.komet.buyer_buys_item(item.id, now).unwrap();
            }
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, now| w.axerrio.vendor_accepts(&id, &[("1", 3)], now)).unwrap();
        link.sync_well().await;
        let boxes = |item: u64| link.act(|w, _| buys(w, item)).iter().map(|(_, boxes)| *boxes).collect::<Vec<_>>();
        assert_eq!(boxes(items[0].id), [3]);
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes = 6, now)).unwrap();
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        let now = link.act(|w, _| items_of(w, &id).iter().map(|item| item.goods.boxes).collect::<Vec<_>>());
        assert!(now.contains(&6), "{now:?}");
        invariants(&link).await;
    })
    .await;
}

/// A rep puts an item on a Prebook of its own that is to leave on another day.
#[tokio::test]
async fn an_item_that_a_rep_put_on_another_header_is_asked_about() {
    for (verdict, left) in [(Verdict::TakeAxerrio, 0), (Verdict::TakeKomet, 1)] {
        let link = Link::plain().await;
        let id = placed(&link).await;
        let truck = link.day(9);
        let own = link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            let own = w.komet.rep_splits_prebook(item, now).unwrap();
            let change = HeaderChange { truck_date: Some(truck), ..HeaderChange::default() };
            w.komet.rep_changes_header(own, &change, now).unwrap();
            own
        });
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        let hold = link.holds().await.remove(0);
        assert!(hold.detail.contains("truck date"), "{}", hold.detail);
        link.decide(verdict).await;
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        let alive = |w: &World| w.komet.prebook(own).unwrap().items.iter().filter(|i| i.goods.boxes > 0).count();
        assert_eq!(link.act(|w, _| alive(w)), left, "{verdict:?}");
        let pos = link.act(|w, _| {
            let lines = w.komet.purchase_orders().filter(|po| po.status != PoStatus::Cancelled);
            lines.flat_map(|po| &po.lines).filter(|line| line.item.is_some() && line.goods.boxes > 0).count()
        });
        assert_eq!(pos, 2, "each line is bought once");
    }
}

#[tokio::test]
async fn a_line_that_changes_after_its_item_was_left_on_another_header_is_asked_about_anew() {
    let link = Link::plain().await;
    let id = placed(&link).await;
    let truck = link.day(9);
    link.act(|w, now| {
        let own = w.komet.rep_splits_prebook(items_of(w, &id)[0].id, now).unwrap();
        let change = HeaderChange { truck_date: Some(truck), ..HeaderChange::default() };
        w.komet.rep_changes_header(own, &change, now).unwrap();
    });
    link.sync().await;
    link.decide(Verdict::Dismissed).await;
    link.sync_well().await;
    assert_eq!(link.held().await, []);
    link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes += 10, now)).unwrap();
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
}

#[tokio::test]
async fn a_line_that_was_put_back_and_is_taken_off_again_is_asked_about_again() {
    let link = Link::plain().await;
    let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
    link.sync_well().await;
    let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
    let first = link.act(|w, _| bought(w, item)[0].1.id);
    let set = |line: u64, boxes: u32| {
        link.act(|w, now| w.komet.buyer_changes_line(line, Some(boxes), None, now)).unwrap();
    };
    set(first, 0);
    let po = link.act(|w, now| w.komet.buyer_buys_item(item, now)).unwrap();
    link.sync_well().await;
    let second = link.act(|w, _| w.komet.purchase_order(po).unwrap().lines[0].id);
    set(first, 4);
    set(second, 0);
    link.sync_well().await;
    set(first, 0);
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some(item.to_string()))]);
    assert_eq!(link.act(|w, _| buys(w, item)), []);
}

/// The hold says that it clears itself once the PO in Komet buys what is ordered.
#[tokio::test]
async fn what_a_buyer_buys_in_addition_since_more_is_wanted_is_nothing_bought_twice() {
    for (ordered, more) in [(8, 4), (6, 2)] {
        let link = Link::plain().await;
        let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
        link.sync_well().await;
        let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
        let approved = link.act(|w, now| {
            let po = bought(w, item)[0].0.number;
            w.komet.buyer_approves(po, now).unwrap();
            po
        });
        link.sync_well().await;
        link.act(|w, now| {
            w.komet.rep_changes_item(item, &ItemChange { boxes: Some(ordered), ..ItemChange::default() }, now)
        })
        .unwrap();
        link.sync().await;
        link.act(|w, now| {
            let order = orders_for(w, number)[0].id.clone();
            w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        });
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(item.to_string()))]);
        let po = link.act(|w, now| {
            let po = w.komet.buyer_buys_item(item, now).unwrap();
            let line = w.komet.purchase_order(po).unwrap().lines[0].id;
            w.komet.buyer_changes_line(line, Some(more), None, now).unwrap();
            po
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        assert_eq!(link.act(|w, _| buys(w, item)), [(approved, 4), (po, more)]);
    }
}

/// A request that was given up is no reason to take a buyer's own purchase for its late effect.
#[tokio::test]
async fn what_a_buyer_buys_since_more_is_wanted_stays_though_a_purchase_was_given_up() {
    let link = Link::hasty().await;
    link.inject(System::Komet, "purchase.order.create", Fault::RefusedBefore);
    let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
    link.sync().await;
    link.sync_well().await;
    let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| {
        w.komet.rep_changes_item(item, &ItemChange { boxes: Some(8), ..ItemChange::default() }, now)
    })
    .unwrap();
    link.sync().await;
    link.act(|w, now| {
        let order = orders_for(w, number)[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        w.komet.buyer_buys_item(item, now).unwrap();
        let line = bought(w, item)[1].1.id;
        w.komet.buyer_changes_line(line, Some(4), None, now).unwrap();
    });
    link.sync().await;
    link.sync_well().await;
    assert_eq!(link.act(|w, _| buys(w, item).iter().map(|(_, boxes)| *boxes).collect::<Vec<_>>()), [4, 4]);
    assert_eq!(link.held().await, []);
}

/// In flow 2 the PO is the buyer's: what the vendor cannot deliver is taken off where it stands.
#[tokio::test]
async fn fewer_boxes_are_bought_on_the_day_to_which_a_buyer_moved_the_po() {
    let link = Link::plain().await;
    let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
    link.sync_well().await;
    let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
    let day = link.day(5);
    let po = link.act(|w, now| {
        let po = bought(w, item)[0].0.number;
        w.komet.buyer_moves_po(po, day, now).unwrap();
        po
    });
    link.sync_well().await;
    link.act(|w, now| {
        let order = orders_for(w, number)[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[(&item.to_string(), 3)], now).unwrap();
    });
    link.sync_well().await;
    assert_eq!(link.act(|w, _| buys(w, item)), [(po, 3)]);
    let writes = link.writes();
    link.sync_well().await;
    assert_eq!(link.writes(), writes, "a further run is silent");
    assert_eq!(link.act(|w, _| w.komet.purchase_order(po).unwrap().ship_date), day);
}

/// Clarification 8: the PO is reduced. What a buyer negotiated on it is his.
#[tokio::test]
async fn fewer_boxes_are_bought_at_the_cost_that_a_buyer_negotiated() {
    both(async |link: Link| {
        let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
        link.sync_well().await;
        let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
        let cost = Decimal::new(27, 2);
        link.act(|w, now| w.komet.buyer_changes_line(bought(w, item)[0].1.id, None, Some(cost), now)).unwrap();
        link.sync_well().await;
        for boxes in [3, 2] {
            link.act(|w, now| {
                let order = orders_for(w, number)[0].id.clone();
                w.axerrio.vendor_accepts(&order, &[(&item.to_string(), boxes)], now).unwrap();
            });
            link.sync_well().await;
            let goods = link.act(|w, _| bought(w, item).remove(0).1.goods);
            assert_eq!((goods.boxes, goods.cost), (boxes, Some(cost)));
            let writes = link.writes();
            link.sync_well().await;
            assert_eq!(link.writes(), writes, "a further run is silent");
        }
        // What a rep makes of the item is another cost altogether.
        let cost = Decimal::new(35, 2);
        let change = ItemChange { cost: Some(cost), ..ItemChange::default() };
        link.act(|w, now| w.komet.rep_changes_item(item, &change, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync_well().await;
        let costs = link.act(|w, _| bought(w, item).iter().map(|(_, line)| line.goods.cost).collect::<Vec<_>>());
        assert_eq!(costs, [Some(cost)]);
        assert_eq!(link.held().await, []);
        invariants(&link).await;
    })
    .await;
}

/// The order's change is heard of before the PO is.
#[tokio::test]
async fn what_a_buyer_bought_for_a_line_that_was_left_is_read_before_the_line_changes() {
    let link = Link::plain().await;
    let id = placed(&link).await;
    let item = link.act(|w, _| items_of(w, &id)[0].id);
    let takes_off = |w: &mut World, now| {
        let line = bought(w, item)[0].1.id;
        w.komet.buyer_deletes_line(line, true, now).unwrap();
    };
    link.act(|w, now| {
        takes_off(w, now);
        w.komet.buyer_buys_item(item, now).unwrap();
    });
    link.sync_well().await;
    link.act(takes_off);
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
    link.decide(Verdict::TakeKomet).await;
    link.sync_well().await;
    let po = link.act(|w, now| {
        let po = w.komet.buyer_buys_item(item, now).unwrap();
        w.komet.buyer_approves(po, now).unwrap();
        w.axerrio.customer_changes_line(&id, "1", |line| line.boxes += 2, now).unwrap();
        po
    });
    link.sync().await;
    assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
    assert_eq!(link.act(|w, _| buys(w, item)).iter().map(|(po, _)| *po).collect::<Vec<_>>(), [po]);
}

#[tokio::test]
async fn what_is_still_pending_stays_beside_an_approved_half_of_what_is_wanted_by_now() {
    let link = Link::plain().await;
    let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
    link.sync_well().await;
    let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
    let pending = link.act(|w, now| {
        let change = ItemChange { boxes: Some(8), ..ItemChange::default() };
        w.komet.rep_changes_item(item, &change, now).unwrap();
        bought(w, item)[0].0.number
    });
    link.sync_well().await;
    let half = link.act(|w, now| {
        let po = w.komet.buyer_buys_item(item, now).unwrap();
        let line = w.komet.purchase_order(po).unwrap().lines[0].id;
        w.komet.buyer_changes_line(line, Some(4), None, now).unwrap();
        w.komet.buyer_approves(po, now).unwrap();
        let order = orders_for(w, number)[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        po
    });
    link.sync_well().await;
    link.sync_well().await;
    assert_eq!(link.act(|w, _| buys(w, item)), [(pending, 4), (half, 4)]);
}
