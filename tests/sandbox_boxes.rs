//! Shipping in the simulated Komet: AWBs, box codes, lots, split lines, and what is refused.

#![allow(clippy::unwrap_used, missing_docs)]

mod sandbox_support;

use sandbox_support::*;
use serde_json::{Value, json};

fn shipping(line: u64, codes: &[&str]) -> Value {
    json!({ "poItemId": line, "awb": "729-11112222", "shipDate": "2026-03-04", "boxCodes": codes, "lotNumber": "L7" })
}

const RESULTS: &str = "purchaseOrderItemDetailsAWBAddAPIResultList";

#[tokio::test]
async fn fewer_codes_than_boxes_split_the_line() {
    let f = Fixture::plain().await;
    let (item, po, line) = f.bought(4).await;
    f.sandbox.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    let body = json!({ "poItems": [shipping(line, &["A1", "A2", "A3"])] });
    let answer = f.written("purchase.order.items.awb.add", body).await;
    let rest = number(&answer[RESULTS][0]["newPOItemId"]);
    let lines = f.pos().await[0]["details"].clone();
    assert_eq!((number(&lines[0]["totalBoxes"]), number(&lines[1]["totalBoxes"])), (3, 1));
    assert_eq!(number(&lines[1]["poItemId"]), rest);
    assert_eq!(number(&lines[1]["prebookItemId"]), item);
    assert_eq!(lines[0]["boxes"][2]["boxCode"], "A3");
    assert_eq!(lines[0]["boxes"][2]["lotNumber"], "L7");
    assert!(lines[1].get("boxes").is_none());
    f.written("purchase.order.items.awb.add", json!({ "poItems": [shipping(rest, &["A4"])] })).await;
}

#[tokio::test]
async fn each_shipment_is_judged_by_itself() {
    let f = Fixture::plain().await;
    let (_, po, good) = f.bought(1).await;
    let made = f.written("prebook.create", prebook(&[item("Rose Unheard", 1)])).await;
    let mut unmapped = sandbox_support::po(&[number(&made["prebookItems"][0]["prebookItemId"])]);
    unmapped["purchaseOrderNumber"] = json!(po);
    let added = f.written("purchase.order.create", unmapped).await;
    let unmapped = number(&added["purchaseOrderItems"][0]["poItemId"]);

    let both = json!({ "poItems": [shipping(unmapped, &["U1"]), shipping(good, &["G1"])] });
    let answer = f.write("purchase.order.items.awb.add", both.clone()).await;
    assert!(message(&answer).contains("not approved"), "nothing shipped: the whole request fails");
    f.sandbox.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    let answer = f.written("purchase.order.items.awb.add", both).await;
    assert!(message(&answer[RESULTS][0]).contains("unmapped"));
    assert!(is_ok(&answer[RESULTS][1]));
}

#[tokio::test]
async fn lots_and_codes_that_komet_does_not_take_are_refused() {
    let f = Fixture::plain().await;
    let (_, po, line) = f.bought(2).await;
    let (_, other_po, other) = f.bought(1).await;
    f.sandbox.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    f.sandbox.act(|w, now| w.komet.buyer_approves(other_po, now)).unwrap();
    f.written("purchase.order.items.awb.add", json!({ "poItems": [shipping(other, &["USED"])] })).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut shipment = shipping(line, &["N1", "N2"]);
        change(&mut shipment);
        json!({ "poItems": [shipment] })
    };
    for (body, refusal) in [
        (with(&|s| s["lotNumber"] = json!("1000")), "lotNumber"),
        (with(&|s| s["lotNumber"] = json!(99_999)), "lotNumber"),
        (with(&|s| s["boxCodes"] = json!(["N1", "123456789012345678901"])), "20 characters"),
        (with(&|s| s["boxCodes"] = json!(["N1", "USED"])), "already used"),
        (with(&|s| s["boxCodes"] = json!(["N1", "N1"])), "repeated"),
        (with(&|s| s["boxCodes"] = json!(["N1", "N2", "N3"])), "More box codes"),
        (with(&|s| s["awb"] = Value::Null), "awb"),
    ] {
        assert!(message(&f.write("purchase.order.items.awb.add", body).await).contains(refusal), "{refusal}");
    }
    f.written("purchase.order.items.awb.add", with(&|s| s["lotNumber"] = json!("999"))).await;
    assert!(
        message(&f.write("purchase.order.items.awb.add", with(&|_| {})).await).contains("already been shipped")
    );
}

#[tokio::test]
async fn komets_own_codes_are_changed_box_by_box_and_the_whole_is_always_a_success() {
    let f = Fixture::plain().await;
    let (_, po, line) = f.bought(2).await;
    f.sandbox.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    let shipped = f.written("purchase.order.items.awb.add", json!({ "poItems": [shipping(line, &[])] })).await;
    let own = shipped[RESULTS][0]["boxCodes"].as_array().unwrap().clone();
    assert_eq!(own.len(), 2);
    let change = |from: &Value, to: &str| json!({ "currentBoxCode": from, "newBoxCode": to });
    let body = json!({ "boxes": [change(&own[0], "A1"), change(&own[0], "A2"), change(&own[1], "A1")] });
    let answer = f.written("box.code.change", body).await;
    assert!(is_ok(&answer["boxes"][0]));
    assert_eq!(message(&answer["boxes"][1]), "Box code does not exist");
    assert!(message(&answer["boxes"][2]).contains("already used"));
    f.sandbox.act(|w, now| w.komet.warehouse_receives("A1", now)).unwrap();
    let boxes = f.pos().await[0]["details"][0]["boxes"].clone();
    assert_eq!((&boxes[0]["boxCode"], &boxes[0]["statusName"]), (&json!("A1"), &json!("Received")));
    assert_eq!(boxes[1]["boxCode"], own[1]);
}
