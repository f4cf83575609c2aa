//! The Axerrio adapter: the contract's calls, pages, problem details, and records that cannot be read.

use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions, wire};
use stemsync::systems::{Axerrio, Certainty, Fault, System};

use crate::wire_server::{Canned, Server};

const TOKEN: &str = "AxS3cret+/token";

fn options(base_url: &str) -> AxerrioOptions {
    AxerrioOptions {
        base_url: base_url.to_owned(),
        token: TOKEN.to_owned(),
        auth: AxerrioAuth::Bearer,
        timeout: Duration::from_secs(10),
        retry_base: Duration::from_millis(1),
        page_size: 500,
    }
}

fn client(server: &Server) -> AxerrioClient {
    AxerrioClient::new(options(&server.url)).unwrap()
}

fn since() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 2, 1, 10, 0, 0).unwrap() + chrono::Duration::milliseconds(250)
}

fn order(id: &str) -> Value {
    json!({"id": id, "externalRef": null, "origin": "axerrio", "status": "placed", "version": 3,
        "changedAt": "2026-02-01T10:11:12Z", "customer": {"code": "C5", "name": "Flowers & Co"},
        "customerPo": null, "shipDate": "2026-02-05", "truckDate": null, "carrier": null, "location": null,
        "comments": "", "lines": [{"id": "1", "product": {"code": "RF50", "description": "Rose Freedom 50 cm"},
            "boxType": "HB", "boxes": 3, "bunchesPerBox": 12, "stemsPerBunch": 25, "unitType": "stem",
            "unitCost": "0.32", "unitPrice": null, "markCode": null, "notes": null, "confirmedBoxes": null,
            "mix": []}],
        "purchaseOrder": null, "neverSeenBefore": {"a": [1]}})
}

fn label(id: &str) -> Value {
    json!({"id": id, "orderId": "AX-1", "lineId": "1", "boxNumber": 1, "boxCode": "B0001", "lotNumber": null,
        "awb": "729-12345675", "houseAwb": null, "shipDate": "2026-02-05", "status": "printed",
        "changedAt": "2026-02-01T10:11:12Z"})
}

fn page(items: &[Value], next: Option<&str>) -> Canned {
    Canned::json(&json!({"items": items, "nextCursor": next, "asOf": "2026-02-01T12:00:00Z"}))
}

fn problem(status: u16, detail: &str) -> Canned {
    let body = json!({"type": "about:blank", "title": "No", "status": status, "detail": detail});
    Canned::status(status, &body.to_string()).header("Content-Type", "application/problem+json")
}

fn input() -> OrderInput {
    let order: AxOrder = serde_json::from_value::<wire::Order>(order("AX-1")).unwrap().try_into().unwrap();
    let line = order.lines[0].clone();
    OrderInput { header: order.header, lines: vec![InputLine { id: line.id, terms: line.terms }] }
}

fn reference() -> ExternalRef {
    ExternalRef::first(&PrebookId(85063))
}

#[tokio::test]
async fn a_feed_is_read_page_by_page_with_its_parameters_encoded() {
    let server = Server::start([page(&[order("AX-1")], Some("a+b/c=&d")), page(&[order("AX-2")], None)]).await;
    let axerrio = client(&server);
    let first = axerrio.orders(since(), None).await.unwrap();
    assert_eq!(first.answer.items[0].id.0, "AX-1");
    assert_eq!(first.answer.items[0].header.comments, None, "blank is no value");
    assert_eq!(Some(first.answer.as_of), Utc.with_ymd_and_hms(2026, 2, 1, 12, 0, 0).single());
    let second = axerrio.orders(since(), first.next.as_deref()).await.unwrap();
    assert_eq!((second.answer.items[0].id.0.as_str(), second.next), ("AX-2", None));

    let sent = server.requests();
    assert_eq!(sent[0].path(), "/api/orders");
    assert_eq!(sent[0].query("changedSince").as_deref(), Some("2026-02-01T10:00:00.250Z"));
    assert_eq!((sent[0].query("limit").as_deref(), sent[0].query("cursor")), (Some("500"), None));
    assert_eq!(sent[1].query("cursor").as_deref(), Some("a+b/c=&d"));
    assert_eq!(axerrio.requests(), 2);
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_no_endless_loop() {
    let server = Server::start([page(&[], Some("c1"))]).await;
    let error = client(&server).labels(since(), Some("c1")).await.unwrap_err();
    assert!(error.to_string().contains("GET labels: unreadable answer: nextCursor"), "{error}");
}

#[tokio::test]
async fn the_token_is_a_bearer_or_an_api_key() {
    for (auth, header, value) in [
        (AxerrioAuth::Bearer, "authorization", format!("Bearer {TOKEN}")),
        (AxerrioAuth::XApiKey, "x-api-key", TOKEN.to_owned()),
    ] {
        let server = Server::start([Canned::json(&json!({"status": "ok", "time": "2026-02-01T12:00:00Z"}))]).await;
        let axerrio = AxerrioClient::new(AxerrioOptions { auth, ..options(&server.url) }).unwrap();
        assert_eq!(Some(axerrio.health().await.unwrap()), Utc.with_ymd_and_hms(2026, 2, 1, 12, 0, 0).single());
        let sent = &server.requests()[0];
        assert_eq!(sent.header(header), Some(value.as_str()));
        assert_eq!(sent.target, "/api/health");
    }
}

#[tokio::test]
async fn one_unreadable_order_is_reported_and_the_others_go_on() {
    let (mut many, mut twice, mut strange) = (order("AX-2"), order("AX-3"), order("AX-4"));
    many["lines"][0]["boxes"] = json!("many");
    let line = twice["lines"][0].clone();
    twice["lines"].as_array_mut().unwrap().push(line);
    strange["status"] = json!("dreamt");
    let mut dear = order("AX-6");
    dear["lines"][0]["unitPrice"] = json!("1.234,56");
    let records = [order("AX-1"), many, json!(7), twice, strange, order("AX-5"), dear];
    let server = Server::start([page(&records, None)]).await;
    let answer = client(&server).orders(since(), None).await.unwrap().answer;
    assert_eq!(answer.items.iter().map(|order| order.id.0.as_str()).collect::<Vec<_>>(), ["AX-1", "AX-5"]);

    let bad = &answer.unreadable;
    assert_eq!(bad[0].id.as_deref(), Some("AX-2"));
    assert_eq!(bad[0].changed_at, Utc.with_ymd_and_hms(2026, 2, 1, 10, 11, 12).single());
    assert_eq!(bad[0].what, "items[1].lines[0].boxes: expected a whole number, found \"many\"");
    assert_eq!((bad[1].id.as_deref(), bad[1].what.as_str()), (None, "items[2]: expected an object, found 7"));
    assert_eq!(bad[2].what, "items[3].lines[1].id: expected an id of its own, found \"1\" a second time");
    assert!(bad[3].what.starts_with("items[4].status: unknown variant `dreamt`"), "{}", bad[3].what);
    let told = "items[6].lines[0].unitPrice: expected a decimal string such as \"0.32\", found none";
    assert_eq!(bad[4].what, told, "no price is told");
}

#[tokio::test]
async fn a_missing_field_is_named_in_a_record_and_in_a_page() {
    let mut nameless = label("L1");
    nameless.as_object_mut().unwrap().remove("boxCode");
    let mut unnumbered = label("L2");
    unnumbered["boxNumber"] = json!(0);
    let server = Server::start([
        page(&[nameless, unnumbered, label("L3")], None),
        Canned::json(&json!({"items": []})),
        Canned::json(&json!({"items": {}, "asOf": "2026-02-01T12:00:00Z"})),
    ])
    .await;
    let axerrio = client(&server);
    let answer = axerrio.labels(since(), None).await.unwrap().answer;
    assert_eq!(answer.items[0].id.0, "L3");
    assert_eq!(answer.unreadable[0].what, "items[0]: missing field `boxCode`");
    assert_eq!(answer.unreadable[1].what, "items[1].boxNumber: expected 1 or more, found 0");
    let error = axerrio.labels(since(), None).await.unwrap_err();
    assert_eq!(error.to_string(), "Axerrio GET labels: unreadable answer: missing field `asOf`");
    let error = axerrio.labels(since(), None).await.unwrap_err();
    assert!(
        error.to_string().contains("GET labels: unreadable answer: items: expected a sequence, found map"),
        "{error}"
    );
}

#[tokio::test]
async fn blanks_around_what_is_printed_on_a_label_are_no_part_of_it() {
    let mut blanks = label("L1");
    for (field, value) in [("boxCode", " B X1 "), ("lotNumber", "LOT1\t"), ("awb", " 729-1"), ("houseAwb", "  ")] {
        blanks[field] = json!(value);
    }
    let server = Server::start([page(&[blanks], None)]).await;
    let label = client(&server).labels(since(), None).await.unwrap().answer.items.remove(0);
    assert_eq!((label.box_code.as_str(), label.lot_number.as_deref()), ("B X1", Some("LOT1")));
    assert_eq!((label.awb.as_deref(), label.house_awb), (Some("729-1"), None));
}

#[tokio::test]
async fn money_is_a_decimal_string_and_a_number_is_understood() {
    let (mut text, mut number, mut garbled) = (order("AX-1"), order("AX-2"), order("AX-3"));
    text["lines"][0]["unitCost"] = json!("12345678901234567.890");
    number["lines"][0]["unitCost"] = json!(0.1);
    garbled["lines"][0]["unitCost"] = json!("cheap");
    let server = Server::start([page(&[text, number, garbled], None)]).await;
    let answer = client(&server).orders(since(), None).await.unwrap().answer;
    let costs: Vec<_> = answer.items.iter().map(|order| order.lines[0].terms.unit_cost.to_string()).collect();
    assert_eq!(costs, ["12345678901234567.890", "0.1"]);
    assert!(
        answer.unreadable[0].what.starts_with("items[2].lines[0].unitCost: "),
        "{}",
        answer.unreadable[0].what
    );
}

#[tokio::test]
async fn an_order_that_is_not_there_is_none_unless_a_proxy_says_so() {
    let server = Server::start([
        Canned::json(&order("AX-1")),
        problem(404, "no such order"),
        Canned::status(404, "<html><title>nginx</title></html>"),
        Canned::status(404, "<html><title>nginx</title></html>"),
        Canned::status(404, "<html><title>nginx</title></html>"),
        Canned::status(404, "<html><title>nginx</title></html>"),
    ])
    .await;
    let axerrio = client(&server);
    let id = AxOrderId("AX/1 +%".to_owned());
    assert!(axerrio.order(&id).await.unwrap().is_some());
    assert_eq!(axerrio.order(&id).await.unwrap(), None);
    let error = axerrio.order(&id).await.unwrap_err();
    assert_eq!(error.fault, Fault::Server("HTTP 404: nginx".to_owned()));
    assert_eq!(server.requests()[0].target, "/api/orders/AX%2F1%20%2B%25");
}

#[tokio::test]
async fn an_order_from_komet_is_put_cancelled_and_told_its_po() {
    let server = Server::start([
        Canned::status(201, &order("AX-1").to_string()),
        Canned::json(&order("AX-1")),
        Canned::json(&order("AX-1")),
    ])
    .await;
    let axerrio = client(&server);
    axerrio.put_order(&reference(), &input()).await.unwrap();
    axerrio.cancel_order(&reference()).await.unwrap();
    let info = PurchaseOrderInfo {
        number: PoNumber("4711".to_owned()),
        status: PoInfoStatus::Approved,
        ship_date: input().header.ship_date,
        awb: None,
        updated_at: since(),
        lines: vec![PoInfoLine {
            line_id: LineId("1".to_owned()),
            po_item_id: "501".to_owned(),
            boxes: 3,
            unit_cost: "0.320".parse().unwrap(),
        }],
    };
    axerrio.put_purchase_order(&AxOrderId("AX-1".to_owned()), &info).await.unwrap();

    let sent = server.requests();
    let calls: Vec<_> = sent.iter().map(|one| (one.method.as_str(), one.target.as_str())).collect();
    assert_eq!(
        calls,
        [
            ("PUT", "/api/orders/by-ref/komet-prebook-85063"),
            ("POST", "/api/orders/by-ref/komet-prebook-85063/cancel"),
            ("PUT", "/api/orders/AX-1/purchase-order"),
        ]
    );
    let body = sent[0].json();
    assert_eq!(body["lines"][0]["unitCost"], "0.32");
    assert_eq!(body["lines"][0]["confirmedBoxes"], Value::Null);
    assert_eq!((&body["shipDate"], body.get("status")), (&json!("2026-02-05"), None));
    assert!(sent[1].body.is_empty());
    assert_eq!(
        sent[2].json(),
        json!({"number": "4711", "status": "approved", "shipDate": "2026-02-05", "awb": null,
            "updatedAt": "2026-02-01T10:00:00.250Z",
            "lines": [{"lineId": "1", "poItemId": "501", "boxes": 3, "unitCost": "0.320"}]})
    );
}

#[tokio::test]
async fn problem_details_say_why_and_the_status_says_what_it_means() {
    type Expect = fn(&Fault) -> bool;
    let table: [(Canned, Certainty, Expect); 9] = [
        (problem(400, "why"), Certainty::NotDone, |f| *f == Fault::Rejected("why".to_owned())),
        (problem(409, "printed"), Certainty::NotDone, |f| *f == Fault::Rejected("printed".to_owned())),
        (problem(422, ""), Certainty::NotDone, |f| *f == Fault::Rejected("No".to_owned())),
        (problem(401, "who"), Certainty::NotDone, |f| *f == Fault::Unauthorized("HTTP 401: who".to_owned())),
        (problem(403, "who"), Certainty::NotDone, |f| *f == Fault::Unauthorized("HTTP 403: who".to_owned())),
        (problem(404, "gone"), Certainty::NotDone, |f| *f == Fault::NotFound("gone".to_owned())),
        (problem(429, ""), Certainty::NotDone, |f| *f == Fault::Throttled(Duration::from_mins(1))),
        (problem(503, "busy"), Certainty::Pending, |f| *f == Fault::Server("HTTP 503: busy".to_owned())),
        (Canned::status(200, "[]"), Certainty::Unknown, |f| matches!(f, Fault::Unreadable(_))),
    ];
    for (answer, certainty, expect) in table {
        let server = Server::start([answer.clone(), Canned::json(&order("AX-1"))]).await;
        let error = client(&server).put_order(&reference(), &input()).await.unwrap_err();
        assert!(expect(&error.fault), "{answer:?}: {error:?}");
        assert_eq!(error.certainty(), certainty, "{answer:?}");
        assert_eq!(server.requests().len(), 1, "a write is sent once");
    }
}

#[tokio::test]
async fn a_feed_that_is_not_there_is_a_wrong_address_whoever_says_so() {
    for answer in [problem(404, "no such resource"), Canned::status(404, "<title>404 Not Found</title>")] {
        let server = Server::start(vec![answer; 4]).await;
        let error = client(&server).orders(since(), None).await.unwrap_err();
        assert_eq!(error.fault, Fault::NoSuchAddress(System::Axerrio));
        assert!(error.is_systemic());
    }
}

#[tokio::test]
async fn a_read_is_repeated_when_axerrio_stumbles() {
    for stumble in [problem(503, "busy"), problem(429, "").header("Retry-After", "0"), Canned::Reset] {
        let server = Server::start([stumble.clone(), page(&[], None)]).await;
        client(&server).orders(since(), None).await.unwrap_or_else(|e| panic!("{stumble:?}: {e}"));
        assert_eq!(server.requests().len(), 2, "{stumble:?}");
    }
}

#[tokio::test]
async fn the_token_is_in_no_fault() {
    let mut order = order("AX-1");
    order["status"] = json!(TOKEN);
    for answer in [problem(422, &format!("{TOKEN} is bad")), Canned::json(&order), Canned::status(500, TOKEN)] {
        let server = Server::start([answer.clone()]).await;
        let error = client(&server).cancel_order(&reference()).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("***") && !told.contains("S3cret"), "{answer:?}: {told}");
    }
    let token = "S3cret\n".to_owned();
    let error = AxerrioClient::new(AxerrioOptions { token, ..options("http://127.0.0.1:9") }).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("S3cret"));
}

#[test]
fn what_is_absent_and_what_is_null_is_no_value() {
    let whole: AxOrder = serde_json::from_value::<wire::Order>(order("AX-1")).unwrap().try_into().unwrap();
    let optional = ["unitPrice", "markCode", "notes", "confirmedBoxes", "mix"];
    for field in optional {
        let (mut null, mut absent) = (order("AX-1"), order("AX-1"));
        null["lines"][0][field] = Value::Null;
        absent["lines"][0].as_object_mut().unwrap().remove(field);
        for shown in [null, absent] {
            let read: AxOrder = serde_json::from_value::<wire::Order>(shown).unwrap().try_into().unwrap();
            assert_eq!(read, whole, "{field}");
        }
    }
}

#[test]
fn the_contracts_shapes_go_both_ways() {
    let mut full = order("AX-1");
    full["externalRef"] = json!("komet-prebook-85063");
    full["carrier"] = json!({"code": "ARM", "name": "Greenway Trucking"});
    full["lines"][0]["mix"] = json!([{"product": {"code": "RF50", "description": "Rose"}, "bunches": 6,
        "stemsPerBunch": 25, "unitCost": "0.30"}]);
    full["purchaseOrder"] = json!({"number": "4711", "status": "pending", "shipDate": "2026-02-05", "awb": null,
        "updatedAt": "2026-02-01T10:00:00Z", "lines": []});
    full["comments"] = Value::Null;
    full.as_object_mut().unwrap().remove("neverSeenBefore");
    let domain: AxOrder = serde_json::from_value::<wire::Order>(full.clone()).unwrap().try_into().unwrap();
    assert_eq!(serde_json::to_value(wire::Order::from(domain)).unwrap(), full);

    let domain: Label = serde_json::from_value::<wire::Label>(label("L1")).unwrap().try_into().unwrap();
    assert_eq!(serde_json::to_value(wire::Label::from(domain)).unwrap(), label("L1"));

    let there = wire::OrderInput::from(input());
    assert_eq!(OrderInput::try_from(there).unwrap(), input());
}
