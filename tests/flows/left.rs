//! What a person left as Komet has it, and what Axerrio or the map changes after that: a change of something else does not write
//! over what was left, and is not lost either. A person is asked anew.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use stemsync::domain::{HoldReason, MapKind, Verdict};
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::OrderChange;
use stemsync::sandbox::komet::{HeaderChange, ItemChange};

use crate::link::{Link, placed};
use crate::trade::{bought, items_of, po_of, prebooks_of};

const ANSWERS: [Verdict; 2] = [Verdict::TakeAxerrio, Verdict::TakeKomet];

/// An order in Komet, of which somebody there changes something that is left to Komet.
async fn left(change: impl FnOnce(&mut World, &str, DateTime<Utc>)) -> (Link, String) {
    let link = Link::plain().await;
    let id = placed(&link).await;
    link.act(|w, now| change(w, &id, now));
    link.sync().await;
    link.decide(Verdict::TakeKomet).await;
    link.sync_well().await;
    assert_eq!(link.held().await, [], "it is left");
    (link, id)
}

/// An order whose PO a buyer moved to another day, and that was left there.
async fn left_on_another_day() -> (Link, String, u64) {
    let (link, id) = left(|w, id, now| {
        let po = po_of(w, id);
        let day = w.komet.purchase_order(po).unwrap().ship_date.succ_opt().unwrap();
        w.komet.buyer_moves_po(po, day, now).unwrap();
    })
    .await;
    let po = link.act(|w, _| po_of(w, &id));
    (link, id, po)
}

fn changes_customer_po(link: &Link, id: &str) {
    let change = OrderChange { customer_po: Some("PO-78".into()), ..OrderChange::default() };
    link.act(|w, now| w.axerrio.customer_changes_header(id, &change, now)).unwrap();
}

/// A person answers what is asked by now, and nothing is left to do.
async fn answered(link: &Link, verdict: Verdict) {
    link.decide(verdict).await;
    link.sync_well().await;
    let writes = link.writes();
    link.sync_well().await;
    assert_eq!(link.writes(), writes, "a further run is silent");
    assert_eq!(link.held().await, []);
}

#[tokio::test]
async fn a_header_is_asked_about_again_before_another_field_of_it_moves_its_lines() {
    for verdict in ANSWERS {
        let (link, id) = left(|w, id, now| {
            let prebook = prebooks_of(w, id)[0].clone();
            let truck = prebook.truck_date.succ_opt();
            let change = HeaderChange { truck_date: truck, ..HeaderChange::default() };
            w.komet.rep_changes_header(prebook.id, &change, now).unwrap();
        })
        .await;
        let reps = link.act(|w, _| prebooks_of(w, &id)[0].clone());
        changes_customer_po(&link, &id);
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
        answered(&link, verdict).await;
        let prebook = link.act(|w, _| prebooks_of(w, &id)[0].clone());
        match verdict {
            Verdict::TakeAxerrio => assert_eq!(prebook.customer_po, "PO-78"),
            _ => assert_eq!((prebook.id, prebook.truck_date), (reps.id, reps.truck_date)),
        }
    }
}

#[tokio::test]
async fn a_pos_day_is_asked_about_again_before_its_line_is_bought_anew() {
    for verdict in ANSWERS {
        let (link, id, po) = left_on_another_day().await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.boxes += 2, now)).unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        answered(&link, verdict).await;
        let items = link.act(|w, _| items_of(w, &id));
        let are_there = items.iter().all(|item| link.act(|w, _| bought(w, item.id)[0].0.number) == po);
        assert_eq!(are_there, verdict == Verdict::TakeKomet, "{verdict:?}");
    }
}

#[tokio::test]
async fn an_items_ship_date_is_asked_about_again_before_its_header_moves_it() {
    for verdict in ANSWERS {
        let (link, id) = left(|w, id, now| {
            let item = items_of(w, id)[0].clone();
            w.komet.rep_moves_ship_date(item.id, item.ship_date.unwrap().succ_opt().unwrap(), now).unwrap();
        })
        .await;
        let reps = link.act(|w, _| items_of(w, &id)[0].clone());
        changes_customer_po(&link, &id);
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        answered(&link, verdict).await;
        let is_the_reps = link.act(|w, _| items_of(w, &id).iter().any(|item| item.id == reps.id));
        assert_eq!(is_the_reps, verdict == Verdict::TakeKomet, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_line_that_was_left_off_its_po_is_asked_about_again_before_it_is_bought() {
    for verdict in ANSWERS {
        let (link, id) = left(|w, id, now| {
            let item = items_of(w, id)[0].id;
            let line = bought(w, item)[0].1.id;
            w.komet.buyer_deletes_line(line, true, now).unwrap();
        })
        .await;
        let cost = Decimal::new(41, 2);
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |line| line.unit_cost = cost, now)).unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        answered(&link, verdict).await;
        let bought =
            link.act(|w, _| items_of(w, &id).iter().filter(|item| !bought(w, item.id).is_empty()).count());
        assert_eq!(bought, if verdict == Verdict::TakeAxerrio { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_map_that_is_corrected_while_a_header_is_left_undecided_is_asked_about() {
    let link = Link::plain().await;
    link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9002).await;
    let id = placed(&link).await;
    link.act(|w, now| {
        let prebook = prebooks_of(w, &id)[0].clone();
        let change = HeaderChange { truck_date: prebook.truck_date.succ_opt(), ..HeaderChange::default() };
        w.komet.rep_changes_header(prebook.id, &change, now).unwrap();
    });
    link.sync().await;
    link.decide(Verdict::Dismissed).await;
    link.sync_well().await;
    assert_eq!(link.held().await, []);
    link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9001).await;
    link.sync().await;
    let asked = link.holds().await.remove(0);
    assert!(asked.detail.contains("line 1 was mapped anew"), "{}", asked.detail);
    answered(&link, Verdict::TakeKomet).await;
    let products = link.act(|w, _| items_of(w, &id).iter().map(|item| item.goods.product).collect::<Vec<_>>());
    assert!(products.contains(&Some(9001)), "{products:?}");
}

#[tokio::test]
async fn a_line_that_changes_after_a_moved_header_was_dismissed_is_asked_about() {
    for verdict in ANSWERS {
        let (link, id) = left(|w, id, now| {
            let prebook = prebooks_of(w, id)[0].clone();
            let change = HeaderChange { truck_date: prebook.truck_date.succ_opt(), ..HeaderChange::default() };
            w.komet.rep_changes_header(prebook.id, &change, now).unwrap();
        })
        .await;
        let reps = link.act(|w, _| prebooks_of(w, &id)[0].clone());
        changes_customer_po(&link, &id);
        link.sync().await;
        link.decide(Verdict::Dismissed).await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        let boxes = link.act(|w, now| {
            w.axerrio.customer_changes_line(&id, "1", |line| line.boxes += 2, now).unwrap();
            w.axerrio.order(&id).unwrap().draft.lines[0].boxes
        });
        link.sync().await;
        let asked = link.holds().await.remove(0);
        assert!(asked.detail.contains("line 1 changed in Axerrio"), "{}", asked.detail);
        answered(&link, verdict).await;
        let prebook = link.act(|w, _| prebooks_of(w, &id)[0].clone());
        assert!(prebook.items.iter().any(|item| item.goods.boxes == boxes), "{verdict:?}");
        assert_eq!(prebook.truck_date == reps.truck_date, verdict == Verdict::TakeKomet);
    }
}

#[tokio::test]
async fn a_pos_day_is_asked_about_again_before_fewer_boxes_are_bought() {
    for verdict in ANSWERS {
        let (link, id, po) = left_on_another_day().await;
        link.act(|w, now| w.axerrio.vendor_accepts(&id, &[("1", 1)], now)).unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
        answered(&link, verdict).await;
        let item = link.act(|w, _| items_of(w, &id)[0].id);
        let (is_there, boxes) = link.act(|w, _| {
            let (order, line) = &bought(w, item)[0];
            (order.number == po, line.goods.boxes)
        });
        assert_eq!(
            (is_there, boxes == 1),
            if verdict == Verdict::TakeKomet { (true, false) } else { (false, true) }
        );
    }
}

/// A line whose product was mapped wrongly at first, and of which a question was left before the map is corrected.
async fn left_as_mapped(
    change: impl FnOnce(&mut World, &str, DateTime<Utc>),
    later: impl AsyncFnOnce(&Link, &str),
) -> (Link, String) {
    let link = Link::plain().await;
    link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9002).await;
    let id = placed(&link).await;
    link.act(|w, now| change(w, &id, now));
    link.sync().await;
    later(&link, &id).await;
    link.decide(Verdict::Dismissed).await;
    link.sync_well().await;
    assert_eq!(link.held().await, [], "it is left");
    let writes = link.writes();
    link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9001).await;
    link.sync().await;
    assert_eq!(link.writes(), writes, "it is asked about first");
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
    (link, id)
}

fn products(link: &Link, id: &str) -> Vec<Option<u64>> {
    link.act(|w, _| items_of(w, id).iter().map(|item| item.goods.product).collect())
}

#[tokio::test]
async fn a_map_that_is_corrected_while_an_item_is_on_another_prebook_is_asked_about() {
    for verdict in ANSWERS {
        let moves = |w: &mut World, id: &str, now| {
            let (tagged, item) = (prebooks_of(w, id)[0].clone(), items_of(w, id)[0].id);
            let other = w.komet.rep_splits_prebook(item, now).unwrap();
            let change = HeaderChange { truck_date: tagged.truck_date.succ_opt(), ..HeaderChange::default() };
            w.komet.rep_changes_header(other, &change, now).unwrap();
        };
        let (link, id) = left_as_mapped(moves, async |_, _| {}).await;
        let asked = link.holds().await.remove(0).detail;
        assert!(asked.contains("was moved to Prebook") && asked.contains("was mapped anew since"), "{asked}");
        answered(&link, verdict).await;
        // What was left on another Prebook has no tag.
        let is_made = products(&link, &id).contains(&Some(9001));
        assert_eq!(is_made, verdict == Verdict::TakeAxerrio, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_map_that_is_corrected_after_a_left_item_was_to_move_is_asked_about() {
    for verdict in ANSWERS {
        let edits = |w: &mut World, id: &str, now| {
            let change = ItemChange { boxes: Some(3), ..ItemChange::default() };
            w.komet.rep_changes_item(items_of(w, id)[0].id, &change, now).unwrap();
        };
        let (link, id) = left_as_mapped(edits, async |link, id| {
            link.decide(Verdict::TakeKomet).await;
            link.sync_well().await;
            changes_customer_po(link, id);
            link.sync().await;
        })
        .await;
        let asked = link.holds().await.remove(0).detail;
        assert!(asked.contains("the order moved") && asked.contains("was mapped anew since"), "{asked}");
        answered(&link, verdict).await;
        let expected = if verdict == Verdict::TakeAxerrio { Some(9001) } else { Some(9002) };
        assert!(products(&link, &id).contains(&expected), "{verdict:?}");
    }
}

#[tokio::test]
async fn a_map_that_is_corrected_after_a_buyers_line_was_left_is_asked_about() {
    for verdict in ANSWERS {
        let edits = |w: &mut World, id: &str, now| {
            let line = bought(w, items_of(w, id)[0].id)[0].1.id;
            w.komet.buyer_changes_line(line, None, Some(Decimal::new(41, 2)), now).unwrap();
        };
        let (link, id) = left_as_mapped(edits, async |link, id| {
            link.act(|w, now| w.axerrio.customer_changes_line(id, "1", |line| line.boxes += 2, now)).unwrap();
            link.sync().await;
        })
        .await;
        answered(&link, verdict).await;
        let expected = if verdict == Verdict::TakeAxerrio { Some(9001) } else { Some(9002) };
        assert!(products(&link, &id).contains(&expected), "{verdict:?}");
    }
}

/// A line that was left off its PO, whose item a rep edits since: nothing of it changed in Axerrio.
#[tokio::test]
async fn a_line_that_is_written_anew_is_not_told_as_changed_in_axerrio() {
    let (link, id) = left(|w, id, now| {
        let line = bought(w, items_of(w, id)[0].id)[0].1.id;
        w.komet.buyer_deletes_line(line, true, now).unwrap();
    })
    .await;
    link.act(|w, now| {
        let change = ItemChange { boxes: Some(3), ..ItemChange::default() };
        w.komet.rep_changes_item(items_of(w, &id)[0].id, &change, now).unwrap();
    });
    link.sync().await;
    link.decide(Verdict::TakeAxerrio).await;
    link.sync_well().await;
    let asked = link.holds().await.remove(0).detail;
    assert!(asked.starts_with("the line's Prebook item is to be made anew, but it was left off PO"), "{asked}");
}
