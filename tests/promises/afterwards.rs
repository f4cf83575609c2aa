//! What comes after it was agreed: fewer boxes confirmed after approval, a PO line whose effect came minutes late and was
//! approved meanwhile, a map set after an order went out, labels that share a code, a Prebook gone with the database.

use std::time::Duration;

use stemsync::domain::{HoldReason, MapKind, OnConflict, Stage, Verdict};
use stemsync::sandbox::axerrio::{OrderStatus, Reprint};
use stemsync::sandbox::komet::{ItemChange, PoStatus};
use stemsync::sandbox::{Effect, Fault, World};
use stemsync::sync::engine::Settings;
use stemsync::sync::report::Job;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, approved, both, both_with};
use crate::trade::{
    FREEDOM, MONDIAL, approve_all, bought, item, items_of, line, mixed_item, order, orders_for, prebook, print_all,
};

const TIMEOUT: Duration = Duration::from_millis(600);

fn confirm(link: &Link, order: &str, boxes: u32) {
    link.act(|w, now| w.axerrio.vendor_accepts(order, &[("1", boxes)], now)).unwrap();
}

/// Boxes bought for the first line, on however many PO lines.
fn boxes_bought(link: &Link, order: &str) -> Vec<u32> {
    link.act(|w, _| bought(w, items_of(w, order)[0].id).iter().map(|(_, l)| l.goods.boxes).collect())
}

async fn differences(link: &Link) -> Vec<String> {
    let report = link.engine.audit().await.unwrap();
    report.differences.iter().map(|d| format!("{} {}", d.line.as_deref().unwrap_or("-"), d.field)).collect()
}

#[tokio::test]
async fn fewer_boxes_confirmed_after_approval_are_held_until_the_buyer_follows() {
    both(async |link: Link| {
        let id = approved(&link).await;
        confirm(&link, &id, 3);
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        assert_eq!(differences(&link).await, ["1 confirmed_boxes"]);
        assert_eq!(boxes_bought(&link, &id), [4], "the PO is Komet's");
        link.act(|w, now| {
            let po_line = bought(w, items_of(w, &id)[0].id)[0].1.id;
            w.komet.buyer_changes_line(po_line, Some(3), None, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, [], "the cause is gone");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn fewer_boxes_confirmed_after_approval_are_held_after_a_lost_database_too() {
    both(async |mut link: Link| {
        let id = approved(&link).await;
        link.lose_database();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        confirm(&link, &id, 3);
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!((link.holds().await, boxes_bought(&link, &id)), (vec![], vec![4]));
        invariants(&link).await;
    })
    .await;
}

/// An order whose PO was asked for twice, because the first request's effect came minutes after it was given up. The
/// buyer approves as `approves` says before the next run.
async fn bought_late(
    link: &Link,
    approves: impl Fn(&mut World, Vec<u64>, chrono::DateTime<chrono::Utc>),
) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.inject(
        System::Komet,
        "purchase.order.create",
        Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Late },
    );
    link.sync().await;
    assert_eq!(boxes_bought(link, &id), [4], "it was sent again");
    link.act(World::release_delayed);
    assert_eq!(boxes_bought(link, &id), [4, 4], "and then the first one came");
    link.act(|w, now| {
        let numbers = bought(w, items_of(w, &id)[0].id).iter().map(|(po, _)| po.number).collect();
        approves(w, numbers, now);
    });
    id
}

fn impatient() -> Setup {
    let settings = Settings { komet_timeout: TIMEOUT, ..Settings::default() };
    Setup { settings, ..Setup::default() }
}

#[tokio::test]
async fn a_po_that_came_late_and_was_approved_beside_its_repetition_is_held_and_taken_out_or_left() {
    for (verdict, left) in [(Verdict::TakeAxerrio, 1), (Verdict::TakeKomet, 2), (Verdict::Dismissed, 2)] {
        both_with(impatient(), async |link: Link| {
            let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
            let hold = link.holds().await.remove(0);
            assert!(hold.detail.contains("bought twice"), "{}", hold.detail);
            assert!(differences(&link).await.contains(&"1 po_line".to_owned()));
            assert_eq!(boxes_bought(&link, &id), [4, 4], "what procurement approved is not touched unasked");
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            assert_eq!(boxes_bought(&link, &id).len(), left, "{verdict:?}");
            if left == 1 {
                invariants(&link).await;
            }
        })
        .await;
    }
}

/// Six labels, and four boxes on each of the two PO lines: only a person can say whether two of them are to ship on what may
/// be bought by mistake.
#[tokio::test]
async fn nothing_ships_on_a_po_line_that_may_have_to_go() {
    both_with(impatient(), async |link: Link| {
        let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
        link.sync_well().await;
        link.act(|w, now| {
            let six = |line: &mut stemsync::sandbox::axerrio::Line| line.boxes = 6;
            w.axerrio.customer_changes_line(&id, "1", six, now).unwrap();
            w.axerrio.vendor_prints(&id, "1", 6, Some("729-10000001"), Some("200001"), now).unwrap();
        });
        let shipped = |link: &Link| {
            let bought =
                link.act(|w, _| bought(w, items_of(w, &id)[0].id).iter().map(|(_, l)| l.boxes.len()).collect());
            let mut shipped: Vec<usize> = bought;
            shipped.sort_unstable();
            shipped
        };
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(shipped(&link), [0, 4]);
        assert!(!link.holds().await.is_empty(), "a person is asked");
    })
    .await;
}

/// Whoever decided to keep what procurement approved did not say that it is to come twice.
#[tokio::test]
async fn a_po_approved_twice_is_asked_about_also_where_its_order_is_cancelled_and_kept() {
    for on_conflict in [OnConflict::Hold, OnConflict::Owner] {
        let settings = Settings { komet_timeout: TIMEOUT, on_conflict, ..Settings::default() };
        both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
            let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
            link.act(|w, now| w.axerrio.customer_cancels(&id, now)).unwrap();
            link.sync_well().await;
            if on_conflict == OnConflict::Hold {
                assert!(link.holds().await[0].detail.contains("cancelled in Axerrio"));
                link.decide(Verdict::TakeKomet).await;
                link.sync_well().await;
            }
            let holds = link.holds().await;
            assert_eq!(holds.len(), 1, "{holds:?}");
            assert!(holds[0].detail.contains("bought twice"), "{}", holds[0].detail);
            assert_eq!(boxes_bought(&link, &id), [4, 4]);
        })
        .await;
    }
}

#[tokio::test]
async fn a_po_approved_twice_is_asked_about_also_where_the_vendor_rejects_the_prebook() {
    both_with(impatient(), async |link: Link| {
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = accepted_prebook(&link, &draft).await;
        link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
        link.sync_jobs(&[Job::Orders]).await;
        link.act(|w, now| {
            approve_all(w, now);
            let order = orders_for(w, id)[0].id.clone();
            w.axerrio.vendor_rejects(&order, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        let details: Vec<String> = link.holds().await.into_iter().map(|hold| hold.detail).collect();
        assert_eq!(details.len(), 2, "{details:?}");
        assert!(details.iter().any(|detail| detail.contains("bought twice")), "{details:?}");
        assert!(details.iter().any(|detail| detail.contains("the vendor rejected")), "{details:?}");
    })
    .await;
}

#[tokio::test]
async fn what_the_buyer_sorts_out_himself_clears_the_hold() {
    both_with(impatient(), async |link: Link| {
        let id = bought_late(&link, |w, _, now| drop(approve_all(w, now))).await;
        link.sync_well().await;
        assert_eq!(link.holds().await.len(), 1);
        link.act(|w, now| {
            let twice = bought(w, items_of(w, &id)[0].id);
            w.komet.buyer_cancels(twice[1].0.number, now).unwrap();
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(boxes_bought(&link, &id), [4]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn of_a_po_that_came_late_and_its_repetition_the_one_that_was_not_approved_goes() {
    for approved in [0, 1] {
        both_with(impatient(), async |link: Link| {
            let id = bought_late(&link, |w, numbers, now| w.komet.buyer_approves(numbers[approved], now).unwrap());
            let id = id.await;
            link.sync_well().await;
            assert_eq!(link.holds().await, []);
            let left = link.act(|w, _| bought(w, items_of(w, &id)[0].id));
            assert_eq!(left.len(), 1);
            assert_eq!(left[0].0.status, PoStatus::Approved);
            link.sync_well().await;
            invariants(&link).await;
        })
        .await;
    }
}

/// A Prebook that the vendor has accepted, sent before anybody set a map.
async fn accepted(link: &Link) -> (u64, String) {
    let ship = link.day(3);
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), mixed_item(2, &[FREEDOM, MONDIAL], ship)]);
    let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    let order = link.act(|w, now| {
        let order = orders_for(w, id)[0].id.clone();
        w.axerrio.vendor_accepts(&order, &[], now).unwrap();
        order
    });
    link.sync_well().await;
    (id, order)
}

/// What the vendor reads of an order: products, customer, carrier.
fn codes(link: &Link, order: &str) -> Vec<String> {
    link.act(|w, _| {
        let draft = &w.axerrio.order(order).unwrap().draft;
        let products = draft.lines.iter().flat_map(|l| {
            std::iter::once(l.product.code.clone()).chain(l.mix.iter().map(|part| part.product.code.clone()))
        });
        let carrier = draft.carrier.as_ref().map(|c| c.code.clone());
        products.chain([draft.customer.code.clone()]).chain(carrier).collect()
    })
}

/// Somebody sets maps for everything that the orders name.
async fn set_maps(link: &Link) {
    link.map(MapKind::Product, "FREE50", 9001).await;
    link.map(MapKind::Product, "MOND50", 9003).await;
    link.map(MapKind::Customer, "C-0815", 5001).await;
    link.map(MapKind::Carrier, "T-1", 301).await;
}

#[tokio::test]
async fn a_map_set_after_an_order_went_out_changes_no_code_and_asks_for_nothing_again() {
    for lost in [false, true] {
        both(async |mut link: Link| {
            let (prebook, order) = accepted(&link).await;
            let before = codes(&link, &order);
            assert!(before.contains(&"9001".to_owned()) && before.contains(&"9003".to_owned()), "{before:?}");
            let ids = link.act(|w, _| {
                let shown = w.komet.prebook(prebook).unwrap();
                (shown.customer, shown.carrier)
            });
            assert_eq!(ids, (5001, Some(301)));
            if lost {
                link.lose_database();
            }
            set_maps(&link).await;
            for known in link.orders().await {
                let key = known.key;
                let dirty =
                    move |conn: &stemsync::store::Connection| stemsync::store::orders::mark_dirty(conn, &[key]);
                link.engine.store.write(dirty).await.unwrap();
            }
            let writes = link.writes();
            link.sync_well().await;
            assert_eq!(link.writes(), writes, "lost: {lost}");
            assert_eq!(codes(&link, &order), before);
            assert_eq!(link.act(|w, _| w.axerrio.order(&order).unwrap().status), OrderStatus::Accepted);
            invariants(&link).await;
            // What goes out from now on goes by the map.
            let (_, next) = accepted(&link).await;
            let now = codes(&link, &next);
            assert!(
                ["FREE50", "MOND50", "C-0815", "T-1"].iter().all(|c| now.contains(&(*c).to_owned())),
                "{now:?}"
            );
            // Another product in the line is another code.
            let item = link.act(|w, _| w.komet.prebook(prebook).unwrap().items[0].id);
            link.act(|w, now| {
                let change = ItemChange { description: Some(MONDIAL.into()), ..ItemChange::default() };
                w.komet.rep_changes_item(item, &change, now).unwrap();
            });
            link.sync_well().await;
            assert_eq!(codes(&link, &order)[0], "MOND50");
        })
        .await;
    }
}

#[tokio::test]
async fn two_labels_with_one_code_ship_one_box_and_hold_the_other_until_it_is_reprinted() {
    both(async |link: Link| {
        let id = approved(&link).await;
        link.act(|w, now| print_all(w, &id, now));
        let first = link.act(|w, _| w.axerrio.labels_of(&id).find(|l| l.line_id == "1").unwrap().box_code.clone());
        link.act(|w, now| {
            let third =
                w.axerrio.labels_of(&id).find(|l| l.line_id == "1" && l.box_number == 3).unwrap().id.clone();
            w.axerrio.vendor_misprints(&third, &first, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::DuplicateBoxCode, Some("1".into()))]);
        let detail = link.holds().await.remove(0).detail;
        assert!(detail.contains(&first) && detail.contains("box 3") && detail.contains("box 1"), "{detail}");
        let shipped = |link: &Link| {
            link.act(|w, _| {
                let lines = bought(w, items_of(w, &id)[0].id);
                lines.iter().flat_map(|(_, l)| l.boxes.iter().map(|b| b.code.clone())).collect::<Vec<_>>()
            })
        };
        assert_eq!(shipped(&link).len(), 3, "the others have shipped");
        link.act(|w, now| {
            let label =
                w.axerrio.labels_of(&id).find(|l| l.line_id == "1" && l.box_number == 3).unwrap().id.clone();
            w.axerrio.vendor_reprints(&label, Reprint::SameLabel, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(shipped(&link).len(), 4);
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

/// A Prebook is deleted whole while the database is lost too: only its order in Axerrio tells of it.
async fn orphan(link: &mut Link) -> (String, String) {
    let (id, order) = accepted(link).await;
    let (_, other) = accepted(link).await;
    link.act(|w, _| w.komet.rep_deletes_prebook(id)).unwrap();
    link.lose_database();
    link.sync_well().await;
    (order, other)
}

#[tokio::test]
async fn an_order_whose_prebook_went_with_the_database_is_held_and_cancelled_or_left() {
    for (verdict, status) in [
        (Verdict::TakeKomet, OrderStatus::Cancelled),
        (Verdict::TakeAxerrio, OrderStatus::Accepted),
        (Verdict::Dismissed, OrderStatus::Accepted),
    ] {
        for on_conflict in [OnConflict::Hold, OnConflict::Owner] {
            let settings = Settings { on_conflict, ..Settings::default() };
            both_with(Setup { settings, ..Setup::default() }, async |mut link: Link| {
                let (order, other) = orphan(&mut link).await;
                let status_of = |link: &Link, order: &str| link.act(|w, _| w.axerrio.order(order).unwrap().status);
                assert_eq!(link.held().await, [(HoldReason::EditedInAxerrio, None)]);
                assert_eq!(link.holds().await[0].order.as_deref(), Some(order.as_str()));
                assert_eq!(status_of(&link, &order), OrderStatus::Accepted, "nothing goes by absence alone");
                assert_eq!(differences(&link).await, ["- order"]);
                link.decide(verdict).await;
                link.sync_well().await;
                link.sync_well().await;
                assert_eq!(link.holds().await, []);
                assert_eq!(status_of(&link, &order), status, "{verdict:?}");
                assert_eq!(status_of(&link, &other), OrderStatus::Accepted);
                assert_eq!(differences(&link).await, Vec::<String>::new());
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_order_whose_prebook_is_only_beyond_the_first_windows_is_no_orphan() {
    both(async |mut link: Link| {
        let ship = link.day(45);
        let draft = prebook(link.day(47), vec![item(FREEDOM, 4, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        let windows = std::collections::BTreeSet::from([stemsync::domain::window_of(ship)]);
        link.sync_well().await;
        link.engine.read_windows(&windows).await.unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, id)).len(), 1);
        link.lose_database();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}
