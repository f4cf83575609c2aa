//! What a person left as Komet has it, and each thing that may change after that: it is carried out, or a person is asked and may
//! have it carried out. Nothing waits unseen.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use stemsync::domain::{MapKind, Verdict};
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::OrderChange;
use stemsync::sandbox::komet::{HeaderChange, ItemChange};

use crate::link::{Link, placed};
use crate::trade::{bought, items_of, po_of, prebooks_of};

/// What somebody does to an order in one of the systems.
type Deed = fn(&mut World, &str, DateTime<Utc>);

/// What people in Komet do, of which a person is asked.
const LEFT: [(&str, Deed); 6] = [
    ("item", |w, id, now| {
        let change = ItemChange { boxes: Some(3), ..ItemChange::default() };
        w.komet.rep_changes_item(items_of(w, id)[0].id, &change, now).unwrap();
    }),
    ("header", |w, id, now| {
        let prebook = prebooks_of(w, id)[0].clone();
        let change = HeaderChange { truck_date: prebook.truck_date.succ_opt(), ..HeaderChange::default() };
        w.komet.rep_changes_header(prebook.id, &change, now).unwrap();
    }),
    ("home", |w, id, now| {
        let (prebook, item) = (prebooks_of(w, id)[0].clone(), items_of(w, id)[0].id);
        let other = w.komet.rep_splits_prebook(item, now).unwrap();
        let change = HeaderChange { truck_date: prebook.truck_date.succ_opt(), ..HeaderChange::default() };
        w.komet.rep_changes_header(other, &change, now).unwrap();
    }),
    ("PO line", |w, id, now| {
        let line = bought(w, items_of(w, id)[0].id)[0].1.id;
        w.komet.buyer_changes_line(line, None, Some(Decimal::new(41, 2)), now).unwrap();
    }),
    ("PO's day", |w, id, now| {
        let po = po_of(w, id);
        let day = w.komet.purchase_order(po).unwrap().ship_date.succ_opt().unwrap();
        w.komet.buyer_moves_po(po, day, now).unwrap();
    }),
    ("off its PO", |w, id, now| {
        let line = bought(w, items_of(w, id)[0].id)[0].1.id;
        w.komet.buyer_deletes_line(line, true, now).unwrap();
    }),
];

/// What changes later, and whether Komet is as it should be with that.
type Later = (&'static str, Deed, fn(&World, &str) -> bool);

const LATER: [Later; 6] = [
    (
        "line",
        |w, id, now| w.axerrio.customer_changes_line(id, "1", |line| line.boxes = 6, now).unwrap(),
        |w, _| boxes_bought(w).contains(&6),
    ),
    (
        "header",
        |w, id, now| {
            let change = OrderChange { customer_po: Some("PO-78".into()), ..OrderChange::default() };
            w.axerrio.customer_changes_header(id, &change, now).unwrap();
        },
        |w, id| {
            let prebooks = prebooks_of(w, id);
            prebooks.iter().all(|prebook| prebook.customer_po == "PO-78") && boxes_bought(w) == [2, 4]
        },
    ),
    (
        "removed",
        |w, id, now| w.axerrio.customer_removes_line(id, "1", now).unwrap(),
        |w, id| boxes_bought(w) == [2] && items_of(w, id).len() == 1,
    ),
    (
        "map",
        |_, _, _| {},
        |w, id| {
            let is_right = |item: u64| bought(w, item).iter().any(|(_, line)| line.goods.product == Some(9001));
            items_of(w, id).iter().any(|item| is_right(item.id))
        },
    ),
    (
        "fewer",
        |w, id, now| w.axerrio.vendor_accepts(id, &[("1", 1)], now).unwrap(),
        |w, _| boxes_bought(w) == [1, 2],
    ),
    (
        "cancelled",
        |w, id, now| w.axerrio.customer_cancels(id, now).unwrap(),
        |w, id| boxes_bought(w).is_empty() && items_of(w, id).is_empty(),
    ),
];

/// What is bought no more needs no fewer boxes.
const OFF: &str = "??+?.+ off its PO";

/// Boxes on each PO line that buys an item of the order, the fewest first. Strangers buy for stock, which is no item's.
fn boxes_bought(world: &World) -> Vec<u32> {
    let lines = world.komet.purchase_orders().flat_map(|po| &po.lines);
    let mut boxes: Vec<u32> = lines.filter(|line| line.item.is_some()).map(|line| line.goods.boxes).collect();
    boxes.retain(|boxes| *boxes > 0);
    boxes.sort_unstable();
    boxes
}

/// What comes of a later change: `+` it is carried out, `?` a person is asked first, `.` nothing comes of it.
async fn comes_of(left: &Link, id: &str, later: &Later) -> char {
    let link = left.copy().await;
    let (what, deed, is_done) = later;
    link.act(|w, now| deed(w, id, now));
    if *what == "map" {
        link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9001).await;
    }
    link.sync_well().await;
    if !link.holds().await.is_empty() {
        '?'
    } else if link.act(|w, _| is_done(w, id)) {
        '+'
    } else {
        '.'
    }
}

/// What comes of everything that may change after each thing was left by this word.
async fn table(verdict: Verdict) -> Vec<String> {
    let mut table = Vec::new();
    for (what, deed) in LEFT {
        let link = Link::plain().await;
        link.map(MapKind::Product, "ROSE-FREEDOM-50-CM", 9002).await;
        let id = placed(&link).await;
        link.act(|w, now| deed(w, &id, now));
        link.sync().await;
        link.decide(verdict).await;
        link.sync_well().await;
        assert_eq!(link.held().await, [], "{what} is left");
        let mut row = String::new();
        for later in &LATER {
            row.push(comes_of(&link, &id, later).await);
        }
        table.push(format!("{row} {what}"));
    }
    table
}

#[tokio::test]
async fn what_changes_after_komets_was_taken_is_carried_out_or_asked_about() {
    let expected = ["+?+?++ item", "+?++++ header", "????+? home", "??+??+ PO line", "??+??+ PO's day", OFF];
    assert_eq!(table(Verdict::TakeKomet).await, expected);
}

#[tokio::test]
async fn what_changes_after_a_question_was_dismissed_is_carried_out_or_asked_about() {
    let expected = ["?????? item", "????++ header", "?????? home", "?????? PO line", "??+??+ PO's day", OFF];
    assert_eq!(table(Verdict::Dismissed).await, expected);
}
