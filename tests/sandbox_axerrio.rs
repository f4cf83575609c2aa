//! The simulated Axerrio against its contract: feeds, idempotence, what forbids a change, and problem details.

#![allow(clippy::unwrap_used, missing_docs)]

mod sandbox_support;

use reqwest::Method;
use sandbox_support::*;
use serde_json::{Value, json};
use stemsync::sandbox::Answers;
use stemsync::sandbox::axerrio::Reprint;

const REF: &str = "orders/by-ref/komet-prebook-700001";

fn is_problem(got: &Got, status: u16) {
    assert_eq!(got.status, status, "{}", got.text);
    assert_eq!(got.content_type, "application/problem+json");
    assert_eq!(got.json["status"].to_string(), status.to_string());
    assert!(got.json["title"].is_string() && got.json["type"].is_string() && got.json["detail"].is_string());
}

#[tokio::test]
async fn both_ways_to_show_the_token_are_taken_and_no_other_token() {
    let f = Fixture::plain().await;
    let url = format!("{}/health", f.sandbox.axerrio_url());
    let token = f.sandbox.axerrio_token();
    for request in [f.client.get(&url).bearer_auth(token), f.client.get(&url).header("x-api-key", token)] {
        let got = f.send(request).await;
        assert_eq!((got.status, &got.json["time"]), (200, &json!("2026-03-02T12:00:00.000000Z")));
    }
    for request in [f.client.get(&url), f.client.get(&url).bearer_auth("wrong")] {
        is_problem(&f.send(request).await, 401);
    }
}

#[tokio::test]
async fn a_feed_needs_a_time_and_a_sensible_limit() {
    let f = Fixture::plain().await;
    for path in [
        "orders",
        "orders?changedSince=yesterday",
        "orders?changedSince=2026-03-02",
        "orders?changedSince=2026-03-02T00:00:00Z&limit=501",
        "orders?changedSince=2026-03-02T00:00:00Z&limit=0",
        "labels?changedSince=2026-03-02T00:00:00Z&cursor=nonsense",
    ] {
        is_problem(&f.ax_get(path).await, 400);
    }
    is_problem(&f.ax_get("orders/AX-1").await, 404);
    is_problem(&f.ax_get("parcels").await, 404);
}

async fn pages(f: &Fixture, path: &str) -> (Vec<String>, usize) {
    let (mut ids, mut cursor, mut count) = (Vec::new(), String::new(), 0);
    loop {
        let got = f.ax_get(&format!("{path}{cursor}")).await;
        assert_eq!(got.status, 200, "{}", got.text);
        count += 1;
        ids.extend(got.json["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()));
        match &got.json["nextCursor"] {
            Value::Null => return (ids, count),
            next => cursor = format!("&cursor={}", next.as_str().unwrap()),
        }
    }
}

#[tokio::test]
async fn the_feed_goes_page_by_page_in_the_order_of_change() {
    let f = Fixture::plain().await;
    for minute in [1, 1, 1, 2, 3] {
        f.at(&format!("2026-03-02T12:0{minute}:00Z"));
        f.sandbox.act(|w, now| w.axerrio.customer_orders(ax_order(&[2]), now));
    }
    f.at("2026-03-02T12:09:00Z");
    f.sandbox.act(|w, now| w.axerrio.customer_cancels("AX-100002", now)).unwrap();
    let (ids, count) = pages(&f, "orders?changedSince=2026-03-02T12:00:00Z&limit=2").await;
    assert_eq!(ids, ["AX-100001", "AX-100003", "AX-100004", "AX-100005", "AX-100002"]);
    assert_eq!(count, 3);
    let (ids, _) = pages(&f, "orders?changedSince=2026-03-02T12:03:00Z").await;
    assert_eq!(ids, ["AX-100005", "AX-100002"], "at or after, cancelled ones too");
    let (ids, _) = pages(&f, "orders?changedSince=2026-03-02T12:03:00.000001Z").await;
    assert_eq!(ids, ["AX-100002"]);
    let got = f.ax_get("orders?changedSince=2026-03-02T12:00:00Z").await;
    assert_eq!(got.json["asOf"], "2026-03-02T12:09:00.000000Z");
}

#[tokio::test]
async fn messy_feeds_have_small_pages_and_fields_nobody_knows_but_lose_nothing() {
    let f = Fixture::new(Answers::Messy(3)).await;
    f.sandbox.act(|w, now| {
        for _ in 0..120 {
            w.axerrio.customer_orders(ax_order(&[2]), now);
        }
    });
    let (ids, count) = pages(&f, "orders?changedSince=2026-03-02T12:00:00Z&limit=500").await;
    assert_eq!(ids.len(), 120);
    assert!(ids.is_sorted() && count > 3);
    assert!(f.ax_get("orders?changedSince=2026-03-02T12:00:00Z").await.text.contains("xInternalTags"));
}

#[tokio::test]
async fn a_put_by_reference_creates_once_and_changes_nothing_when_repeated() {
    let f = Fixture::plain().await;
    let first = f.ax_put(REF, &ax_input()).await;
    assert_eq!((first.status, &first.json["version"].to_string()), (201, &"1".to_owned()));
    assert_eq!(first.json["origin"], "komet");
    assert_eq!(first.json["externalRef"], "komet-prebook-700001");
    f.at("2026-03-02T13:00:00Z");
    let again = f.ax_put(REF, &ax_input()).await;
    assert_eq!((again.status, again.json), (200, first.json.clone()));
    let read = f.ax_get(&format!("orders/{}", first.json["id"].as_str().unwrap())).await;
    assert_eq!(read.json, first.json);
}

#[tokio::test]
async fn a_material_change_asks_the_vendor_again_and_a_comment_does_not() {
    let f = Fixture::plain().await;
    let made = f.ax_put(REF, &ax_input()).await.json;
    let id = made["id"].as_str().unwrap();
    f.sandbox.act(|w, now| w.axerrio.vendor_accepts(id, &[("3000001", 3)], now)).unwrap();
    assert_eq!(f.ax_put(REF, &ax_input()).await.json["status"], "accepted", "confirmedBoxes in a PUT is ignored");

    let mut body = ax_input();
    body["comments"] = json!("Call twice");
    body["lines"][0]["product"]["description"] = json!("Freedom");
    let told = f.ax_put(REF, &body).await.json;
    assert_eq!(
        (&told["status"], told["lines"][0]["confirmedBoxes"].to_string()),
        (&json!("accepted"), "3".into())
    );

    body["lines"][0]["boxes"] = json!(5);
    let reopened = f.ax_put(REF, &body).await.json;
    assert_eq!((&reopened["status"], &reopened["lines"][0]["confirmedBoxes"]), (&json!("placed"), &Value::Null));
}

#[tokio::test]
async fn a_bad_body_is_unprocessable() {
    let f = Fixture::plain().await;
    let twice = json!([ax_input()["lines"][0], ax_input()["lines"][0]]);
    for (pointer, value) in [
        ("/customer", Value::Null),
        ("/customer/code", json!("")),
        ("/shipDate", json!("soon")),
        ("/lines", json!([])),
        ("/lines", twice),
        ("/lines/0/boxes", json!(0)),
        ("/lines/0/boxes", json!(-1)),
        ("/lines/0/unitType", json!("box")),
        ("/lines/0/unitCost", json!(0.32)),
        ("/lines/0/unitCost", json!("cheap")),
        ("/lines/0/product", json!({ "code": "9001" })),
    ] {
        let mut body = ax_input();
        *body.pointer_mut(pointer).unwrap() = value;
        is_problem(&f.ax_put(REF, &body).await, 422);
    }
    is_problem(&f.send(f.axerrio(Method::PUT, REF).body("{")).await, 422);
    assert_eq!(f.sandbox.act(|w, _| w.axerrio.orders().count()), 0);
}

#[tokio::test]
async fn a_cancellation_can_be_repeated_and_taken_back() {
    let f = Fixture::plain().await;
    is_problem(&f.ax_cancel("komet-prebook-700001").await, 404);
    f.ax_put(REF, &ax_input()).await;
    let cancelled = f.ax_cancel("komet-prebook-700001").await;
    assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("cancelled")));
    assert_eq!(f.ax_cancel("komet-prebook-700001").await.json, cancelled.json);
    let back = f.ax_put(REF, &ax_input()).await;
    assert_eq!((back.status, &back.json["status"]), (200, &json!("placed")));
}

#[tokio::test]
async fn printed_labels_forbid_changes_and_cancellation() {
    let f = Fixture::plain().await;
    let made = f.ax_put(REF, &ax_input()).await.json;
    let id = made["id"].as_str().unwrap();
    let labels = f.sandbox.act(|w, now| w.axerrio.vendor_prints(id, "3000001", 1, None, None, now)).unwrap();
    let mut changed = ax_input();
    changed["lines"][0]["boxes"] = json!(9);
    is_problem(&f.ax_put(REF, &changed).await, 409);
    is_problem(&f.ax_cancel("komet-prebook-700001").await, 409);
    f.sandbox.act(|w, now| w.axerrio.vendor_voids(&labels[0], now)).unwrap();
    assert_eq!(f.ax_put(REF, &changed).await.status, 200, "a void label is on no box");
}

#[tokio::test]
async fn what_komet_decided_is_stored_once() {
    let f = Fixture::plain().await;
    let order = f.sandbox.act(|w, now| w.axerrio.customer_orders(ax_order(&[2]), now));
    let path = format!("orders/{order}/purchase-order");
    let info = json!({
        "number": "41001", "status": "approved", "shipDate": "2026-03-04", "awb": null,
        "updatedAt": "2026-03-02T11:00:00Z",
        "lines": [{ "lineId": "1", "poItemId": "6000001", "boxes": 2, "unitCost": "0.32" }],
    });
    let stored = f.ax_put(&path, &info).await;
    assert_eq!((stored.status, &stored.json["purchaseOrder"]), (200, &info));
    assert_eq!(f.ax_put(&path, &info).await.json["version"], stored.json["version"]);
    let mut bad = info.clone();
    bad["status"] = json!("PA");
    is_problem(&f.ax_put(&path, &bad).await, 422);
    is_problem(&f.ax_put("orders/AX-9/purchase-order", &info).await, 404);
}

#[tokio::test]
async fn a_reprint_keeps_its_label_or_makes_a_new_one() {
    let f = Fixture::plain().await;
    let order = f.sandbox.act(|w, now| w.axerrio.customer_orders(ax_order(&[3]), now));
    let labels =
        f.sandbox.act(|w, now| w.axerrio.vendor_prints(&order, "1", 2, Some("729-1"), Some("L7"), now)).unwrap();
    let feed = f.ax_get("labels?changedSince=2026-03-02T12:00:00Z").await.json["items"].clone();
    assert_eq!(feed.as_array().unwrap().len(), 2);
    assert_eq!(
        (&feed[1]["awb"], &feed[1]["lotNumber"], &feed[1]["houseAwb"]),
        (&json!("729-1"), &json!("L7"), &json!(null))
    );
    assert_eq!(feed[1]["boxNumber"].to_string(), "2");

    f.at("2026-03-02T13:00:00Z");
    let kept = f.sandbox.act(|w, now| w.axerrio.vendor_reprints(&labels[0], Reprint::SameLabel, now)).unwrap();
    let fresh = f.sandbox.act(|w, now| w.axerrio.vendor_reprints(&labels[1], Reprint::NewLabel, now)).unwrap();
    assert_eq!(kept, labels[0]);
    let later = f.ax_get("labels?changedSince=2026-03-02T13:00:00Z").await.json["items"].clone();
    assert_ne!(later[0]["boxCode"], feed[0]["boxCode"]);
    assert_eq!((&later[1]["id"], &later[1]["status"]), (&json!(labels[1]), &json!("void")));
    assert_eq!((&later[2]["id"], later[2]["boxNumber"].to_string()), (&json!(fresh), "2".to_owned()));

    let next = f.sandbox.act(|w, now| w.axerrio.vendor_prints(&order, "1", 1, None, None, now)).unwrap();
    let third = f.sandbox.act(|w, _| w.axerrio.labels().find(|l| l.id == next[0]).unwrap().box_number);
    assert_eq!(third, 3);
    assert!(f.sandbox.act(|w, now| w.axerrio.vendor_prints(&order, "1", 1, None, None, now)).is_err());
}

#[tokio::test]
async fn customers_change_their_orders_until_they_are_closed() {
    let f = Fixture::plain().await;
    let order = f.sandbox.act(|w, now| w.axerrio.customer_orders(ax_order(&[2, 3]), now));
    f.sandbox.act(|w, now| {
        let ax = &mut w.axerrio;
        ax.vendor_accepts(&order, &[], now).unwrap();
        ax.customer_changes_line(&order, "1", |line| line.boxes = 7, now).unwrap();
        assert_eq!(ax.customer_adds_line(&order, ax_line(1), now).unwrap(), "3");
        ax.customer_removes_line(&order, "2", now).unwrap();
    });
    let shown = f.ax_get(&format!("orders/{order}")).await.json;
    let lines: Vec<(String, String)> = shown["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["id"].as_str().unwrap().to_owned(), l["boxes"].to_string()))
        .collect();
    assert_eq!(lines, [("1".to_owned(), "7".to_owned()), ("3".to_owned(), "1".to_owned())]);
    assert_eq!(shown["version"].to_string(), "5");
    f.sandbox.act(|w, now| w.axerrio.vendor_ships(&order, now)).unwrap();
    assert!(f.sandbox.act(|w, now| w.axerrio.customer_cancels(&order, now)).is_err());
}
