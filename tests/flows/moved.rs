//! A rep moves an item of a Prebook of Komet's own to another Prebook, where it keeps its id (assumed): the vendor never has two orders for
//! it, whatever became of the first one.

use std::time::Duration;

use stemsync::domain::{HoldReason, Verdict};
use stemsync::sandbox::axerrio::{InfoStatus, OrderStatus};
use stemsync::sandbox::komet::ItemChange;
use stemsync::sandbox::{Effect, Fault, Target, World};
use stemsync::systems::System;

use crate::crashes::until_hit;
use crate::invariants::invariants;
use crate::link::{Link, accepted_prebook, both, placed};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, orders_for, po_of, prebook, prebooks_of,
    print_all,
};

/// Axerrio's method by which an order of a Prebook is put.
const PUT: &str = "PUT orders/by-ref/{externalRef}";

/// A Prebook of so many items, which the vendor accepted and procurement approved.
struct Approved {
    prebook: u64,
    items: Vec<u64>,
    order: String,
    po: u64,
}

async fn approved(link: &Link, products: &[&str]) -> Approved {
    let ship = link.day(3);
    let items = products.iter().map(|product| item(product, 3, ship)).collect();
    let prebook = accepted_prebook(link, &prebook(link.day(5), items)).await;
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, _| {
        let items: Vec<u64> = w.komet.prebook(prebook).unwrap().items.iter().map(|item| item.id).collect();
        let po = bought(w, items[0])[0].0.number;
        Approved { prebook, order: orders_for(w, prebook)[0].id.clone(), items, po }
    })
}

/// The same, and the vendor printed its labels.
async fn printed(link: &Link, products: &[&str]) -> Approved {
    let approved = approved(link, products).await;
    link.act(|w, now| print_all(w, &approved.order, now));
    approved
}

/// The rep gives the item a Prebook of its own.
fn split(link: &Link, item: u64) -> u64 {
    link.act(|w, now| w.komet.rep_splits_prebook(item, now)).unwrap()
}

/// The orders that the vendor has for an item.
fn standing(link: &Link, item: u64) -> Vec<String> {
    let has_it = |order: &stemsync::sandbox::axerrio::Order| {
        order.status != OrderStatus::Cancelled && order.draft.lines.iter().any(|line| line.id == item.to_string())
    };
    link.act(|w, _| w.axerrio.orders().filter(|order| has_it(order)).map(|order| order.id.clone()).collect())
}

/// What waits, with its order and line.
async fn held(link: &Link) -> Vec<(HoldReason, String, Option<String>)> {
    let holds = link.holds().await.into_iter();
    let mut held: Vec<_> =
        holds.map(|hold| (hold.reason, hold.order.unwrap_or_default(), hold.line.map(|line| line.0))).collect();
    held.sort();
    held
}

#[tokio::test]
async fn an_item_that_moves_to_another_prebook_is_let_go_of_before_it_is_ordered_again() {
    both(async |link: Link| {
        let Approved { items, order, .. } = approved(&link, &[FREEDOM, MONDIAL]).await;
        let body = r#"{"title": "Conflict", "status": 409, "detail": "not now"}"#.to_owned();
        link.inject(System::Axerrio, PUT, Fault::Http { status: 409, body, headers: Vec::new() });
        let own = split(&link, items[0]);
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()], "the vendor did not let go of it yet");
        link.sync().await;
        link.sync_well().await;
        let moved = link.act(|w, _| orders_for(w, own)[0].id.clone());
        assert_eq!(standing(&link, items[0]), [moved]);
        assert_eq!(link.held().await, []);
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync_well().await;
        link.sync_well().await;
        for item in items {
            assert_eq!(link.act(|w, _| bought(w, item).len()), 1, "it is bought once");
        }
        invariants(&link).await;
    })
    .await;
}

/// Axerrio lets go of nothing whose labels are printed.
#[tokio::test]
async fn an_item_whose_labels_are_printed_waits_on_its_new_prebook() {
    both(async |link: Link| {
        for shipped in [false, true] {
            let Approved { prebook, items, order, po } = printed(&link, &[FREEDOM, MONDIAL]).await;
            if shipped {
                link.sync_well().await;
            }
            let own = split(&link, items[0]);
            let reference = format!("komet-prebook-{own}");
            for _ in 0..3 {
                link.sync().await;
                assert_eq!(standing(&link, items[0]), [order.as_str()], "shipped: {shipped}");
            }
            let refused = HoldReason::RejectedByAxerrio;
            let mut expected = [(refused, order.clone(), None), (refused, reference, Some(items[0].to_string()))];
            expected.sort();
            assert_eq!(held(&link).await, expected, "shipped: {shipped}");
            let told = link.act(|w, _| w.axerrio.order(&order).unwrap().purchase_order.clone()).unwrap();
            assert_eq!((told.status, told.lines.len()), (InfoStatus::Approved, 2), "PO {po} stands");
            for hold in link.holds().await {
                assert!(hold.detail.contains("labels of"), "it says why: {}", hold.detail);
                assert!(!hold.detail.contains("stemsync map"), "{}", hold.detail);
            }
            // Put back, it is where the vendor has it.
            link.act(|w, now| w.komet.rep_joins_prebook(items[0], prebook, now)).unwrap();
            link.sync_well().await;
            assert_eq!(held(&link).await, [], "shipped: {shipped}");
            assert_eq!(standing(&link, items[0]), [order.as_str()]);
            link.sync_well().await;
            invariants(&link).await;
        }
    })
    .await;
}

/// Of its only item: the whole order is to be cancelled.
#[tokio::test]
async fn what_was_approved_stands_where_an_order_does_not_let_go_of_its_only_item() {
    both(async |link: Link| {
        let Approved { items, order, .. } = printed(&link, &[FREEDOM]).await;
        link.sync_well().await;
        split(&link, items[0]);
        link.sync().await;
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
        let told = link.act(|w, _| w.axerrio.order(&order).unwrap().purchase_order.clone()).unwrap();
        assert_eq!((told.status, told.lines.len()), (InfoStatus::Approved, 1), "procurement took nothing back");
        assert_eq!(link.holds().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn once_the_vendor_lets_go_the_new_order_goes() {
    both(async |link: Link| {
        for (alone, voided) in [(true, true), (true, false), (false, true), (false, false)] {
            let products: &[&str] = if alone { &[FREEDOM] } else { &[FREEDOM, MONDIAL] };
            let Approved { items, order, .. } = printed(&link, products).await;
            let own = split(&link, items[0]);
            link.sync().await;
            link.act(|w, now| {
                if voided {
                    let labels: Vec<String> = w.axerrio.labels_of(&order).map(|label| label.id.clone()).collect();
                    labels.iter().try_for_each(|label| w.axerrio.vendor_voids(label, now))
                } else {
                    w.axerrio.customer_cancels(&order, now)
                }
            })
            .unwrap();
            link.sync().await;
            link.sync().await;
            let moved = link.act(|w, _| orders_for(w, own)[0].id.clone());
            assert_eq!(standing(&link, items[0]), [moved.as_str()], "alone: {alone}, voided: {voided}");
            let waits = held(&link).await;
            assert!(waits.iter().all(|(_, held, _)| *held != moved), "{waits:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_dismissed_wait_is_not_asked_about_again_and_ends_all_the_same() {
    let link = Link::plain().await;
    let Approved { prebook, items, order, .. } = printed(&link, &[FREEDOM, MONDIAL]).await;
    let own = split(&link, items[0]);
    link.sync().await;
    for hold in link.holds().await {
        link.decide_one(hold.id, Verdict::Dismissed).await;
    }
    link.sync().await;
    assert_eq!(held(&link).await, []);
    assert_eq!(standing(&link, items[0]), [order.as_str()], "a person's word does not order it twice");
    // A rep wants it otherwise: that is a new question.
    link.act(|w, now| {
        w.komet.rep_changes_item(items[0], &ItemChange { boxes: Some(5), ..ItemChange::default() }, now)
    })
    .unwrap();
    link.sync().await;
    let line = Some(items[0].to_string());
    assert_eq!(held(&link).await, [(HoldReason::RejectedByAxerrio, format!("komet-prebook-{own}"), line)]);
    assert_eq!(standing(&link, items[0]), [order.as_str()]);
    link.act(|w, now| {
        w.komet.rep_changes_item(items[0], &ItemChange { boxes: Some(3), ..ItemChange::default() }, now).unwrap();
        w.komet.rep_joins_prebook(items[0], prebook, now)
    })
    .unwrap();
    link.sync_well().await;
    assert_eq!(held(&link).await, []);
    invariants(&link).await;
}

/// What somebody changed in Axerrio, and a person left so, is not ordered anew for the Prebook that the item is on by now.
#[tokio::test]
async fn a_line_that_was_left_as_axerrio_has_it_is_not_ordered_for_another_prebook() {
    both(async |link: Link| {
        let Approved { items, order, .. } = approved(&link, &[FREEDOM, MONDIAL]).await;
        let line = items[0].to_string();
        link.act(|w, now| w.axerrio.vendor_edits_line(&order, &line, Some(9), None, now)).unwrap();
        let own = split(&link, items[0]);
        link.sync().await;
        link.sync().await;
        let asked = HoldReason::EditedInAxerrio;
        let reference = format!("komet-prebook-{own}");
        let mut expected = [(asked, order.clone(), Some(line.clone())), (asked, reference, Some(line))];
        expected.sort();
        assert_eq!(held(&link).await, expected);
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
        let holds = link.holds().await;
        let on_old = holds.iter().find(|hold| hold.order.as_ref() == Some(&order)).unwrap();
        link.decide_one(on_old.id, Verdict::TakeKomet).await;
        link.sync().await;
        link.sync_well().await;
        let moved = link.act(|w, _| orders_for(w, own)[0].id.clone());
        assert_eq!(standing(&link, items[0]), [moved]);
        assert_eq!(held(&link).await, []);
    })
    .await;
}

#[tokio::test]
async fn an_item_that_moves_on_waits_for_the_first_order_that_has_it() {
    both(async |link: Link| {
        let Approved { items, order, .. } = printed(&link, &[FREEDOM, MONDIAL]).await;
        let to = link.day(4);
        split(&link, items[0]);
        link.sync().await;
        let own = split(&link, items[0]);
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
        // From one ship date of that Prebook to another.
        link.act(|w, now| w.komet.rep_moves_ship_date(items[0], to, now)).unwrap();
        link.sync().await;
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
        assert_eq!(link.act(|w, _| orders_for(w, own).len()), 0);
    })
    .await;
}

#[tokio::test]
async fn an_item_that_is_deleted_while_it_waits_is_ordered_nowhere() {
    both(async |link: Link| {
        let Approved { items, order, .. } = printed(&link, &[FREEDOM, MONDIAL]).await;
        let own = split(&link, items[0]);
        link.sync().await;
        link.act(|w, now| {
            w.komet.rep_changes_item(items[0], &ItemChange { boxes: Some(0), ..ItemChange::default() }, now)
        })
        .unwrap();
        link.sync().await;
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
        let waits = held(&link).await;
        let is_told = |reason, held: &str| waits.iter().any(|(why, order, _)| *why == reason && order == held);
        assert!(is_told(HoldReason::RejectedByAxerrio, &order), "{waits:?}");
        // Procurement approved it: whether it is still wanted is a question of the order that it was last on.
        assert!(is_told(HoldReason::ChangedAfterApproval, &format!("komet-prebook-{own}")), "{waits:?}");
        assert_eq!(waits.len(), 2, "{waits:?}");
    })
    .await;
}

/// The process dies, and nobody knows whether the new order was put: the first one does not take the item back on a guess.
#[tokio::test]
async fn an_item_that_goes_back_while_its_new_order_is_in_doubt_is_ordered_once() {
    both(async |mut link: Link| {
        let Approved { prebook, items, order, .. } = approved(&link, &[FREEDOM, MONDIAL]).await;
        split(&link, items[0]);
        // The first one lets go before.
        let hang = Fault::Hang { open_for: Duration::from_mins(1), effect: Effect::Late };
        link.act(|w, _| w.inject(Target::next(System::Axerrio, PUT).after(1), hang));
        tokio::select! {
            _ = link.sync() => panic!("it dies"),
            () = until_hit(&link) => {}
        }
        link.restart();
        assert_eq!(standing(&link, items[0]), Vec::<String>::new());
        link.act(|w, now| w.komet.rep_joins_prebook(items[0], prebook, now)).unwrap();
        link.act(World::release_delayed);
        assert_eq!(standing(&link, items[0]).len(), 1, "it comes late");
        for _ in 0..4 {
            link.sync().await;
            assert_eq!(standing(&link, items[0]).len(), 1);
        }
        assert_eq!(standing(&link, items[0]), [order]);
        assert_eq!(link.held().await, []);
    })
    .await;
}

/// The database that saw it move is lost: Axerrio's first order says whose it was.
#[tokio::test]
async fn an_item_that_moved_is_not_ordered_twice_by_a_new_database() {
    both(async |mut link: Link| {
        let Approved { items, order, .. } = printed(&link, &[FREEDOM, MONDIAL]).await;
        link.sync_well().await;
        split(&link, items[0]);
        link.lose_database();
        link.sync().await;
        link.sync().await;
        assert_eq!(standing(&link, items[0]), [order.as_str()]);
    })
    .await;
}

/// What stood for no line of the order is not the order's any more once it has left the Prebook under its mark.
#[tokio::test]
async fn what_a_rep_added_under_an_orders_mark_and_then_gives_a_prebook_of_its_own_is_ordered() {
    both(async |link: Link| {
        let order = placed(&link).await;
        let added = link.act(|w, now| {
            let (prebook, draft) = (prebooks_of(w, &order)[0].id, item(NOBBIO, 3, link.day(3)));
            w.komet.rep_adds_item(prebook, &draft, now).unwrap()
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)], "it is asked what it is");
        let own = split(&link, added);
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, [], "that is known now");
        assert_eq!(standing(&link, added).len(), 1);
        link.act(|w, _| {
            assert_eq!(orders_for(w, own).len(), 1);
            assert_eq!(items_of(w, &order).len(), 2, "the order's own lines stand");
        });
        invariants(&link).await;
    })
    .await;
}

/// The same while a line of the order waits that has no item yet: what a person was asked about as added is not taken for that line's.
#[tokio::test]
async fn what_a_rep_added_is_ordered_on_its_own_prebook_also_while_a_line_of_the_order_waits() {
    both(async |link: Link| {
        let order = placed(&link).await;
        let added = link.act(|w, now| {
            w.komet.buyer_approves(po_of(w, &order), now).unwrap();
            w.axerrio.customer_adds_line(&order, line(MONDIAL, 1), now).unwrap();
            let prebook = prebooks_of(w, &order)[0].id;
            w.komet.rep_adds_item(prebook, &item(NOBBIO, 3, link.day(3)), now).unwrap()
        });
        link.sync_well().await;
        split(&link, added);
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(standing(&link, added).len(), 1);
        assert_eq!(
            link.held().await,
            [(HoldReason::ChangedAfterApproval, Some("3".into()))],
            "the line still waits"
        );
        invariants(&link).await;
    })
    .await;
}
