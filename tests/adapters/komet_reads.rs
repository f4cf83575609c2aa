//! Komet's reads: what its loose answers mean.

use chrono::{TimeZone, Utc};
use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Fault, Komet, PoQuery, PrebookDates, PrebookQuery};

use crate::komet_things::*;
use crate::wire_server::{Canned, Server};

#[tokio::test]
async fn numbers_are_read_as_numbers_or_strings_and_money_digit_by_digit() {
    let mut messy = detail(11);
    for (field, value) in [
        ("prebookItemId", json!("11")),
        ("totalBoxes", json!("1,200")),
        ("bunches", json!("12.0")),
        ("stemsBunch", json!("25")),
        ("unitCost", json!("1,234.50")),
        ("vendorShipDate", json!("2026-02-05 00:00:00")),
        ("neverSeenBefore", json!({"a": [1]})),
    ] {
        messy[field] = value;
    }
    let mut book = prebook(7, &[detail(10), messy]);
    book["id"] = json!("7");
    let mut answer = prebooks(&[book]);
    answer["status"] = json!("1");
    let server = Server::start([Canned::json(&answer)]).await;

    let read = client(&server).prebooks(&week()).await.unwrap();
    assert_eq!(read.unreadable, []);
    let items = &read.items[0].items;
    assert_eq!(read.items[0].id, PrebookId(7));
    assert_eq!(items[0].terms.unit_cost, number("0.32"));
    assert_eq!(items[1].id, ItemId(11));
    assert_eq!((items[1].terms.boxes, items[1].terms.bunches), (1200, 12));
    assert_eq!(items[1].terms.unit_cost, number("1234.50"));
    assert_eq!(items[1].ship_date, day(5));
}

#[tokio::test]
async fn absent_null_and_empty_all_mean_no_value() {
    let mut book = prebook(7, &[detail(10)]);
    book["customerPONumber"] = json!("");
    book["carrierId"] = Value::Null;
    book["comments"] = json!("  ");
    let server = Server::start([
        Canned::json(&prebooks(&[book])),
        Canned::json(&json!({"status": true, "prebooks": ""})),
        Canned::json(&json!({"status": 1})),
    ])
    .await;
    let komet = client(&server);
    let read = komet.prebooks(&week()).await.unwrap();
    let header = &read.items[0].header;
    assert_eq!((&header.customer_po, header.carrier_id, &read.items[0].comments), (&None, None, &None));
    assert_eq!(komet.prebooks(&week()).await.unwrap().items, []);
    assert_eq!(komet.prebooks(&week()).await.unwrap().items, []);
}

#[tokio::test]
async fn a_product_without_id_with_id_0_or_called_unknown_is_not_mapped() {
    let mut lines: Vec<Value> = (10..14).map(detail).collect();
    lines[0]["productId"] = Value::Null;
    lines[1]["productId"] = json!("0");
    lines[2]["productDescription"] = json!("unknown: Rose Playa Blanca");
    let server = Server::start([Canned::json(&prebooks(&[prebook(7, &lines)]))]).await;
    let read = client(&server).prebooks(&week()).await.unwrap();
    let ids: Vec<_> = read.items[0].items.iter().map(|item| item.terms.product.id).collect();
    assert_eq!(ids, [None, None, None, Some(77)]);
}

#[tokio::test]
async fn an_item_that_is_listed_twice_is_one() {
    let book = prebook(7, &[detail(10), detail(11), detail(10)]);
    let server = Server::start([Canned::json(&prebooks(&[book]))]).await;
    let read = client(&server).prebooks(&week()).await.unwrap();
    let ids: Vec<_> = read.items[0].items.iter().map(|item| item.id.0).collect();
    assert_eq!(ids, [10, 11]);
}

#[tokio::test]
async fn a_po_that_is_listed_in_several_parts_is_one() {
    let part = |line: i64| {
        let mut part = purchase_order("P1", "A");
        part["details"][0]["poItemId"] = json!(line);
        part
    };
    let answer = json!({"status": 1, "purchaseOrders": [part(1), purchase_order("P2", "A"), part(2)]});
    let server = Server::start([Canned::json(&answer)]).await;
    let read = client(&server).purchase_orders(&PoQuery::ShipDate(day(5))).await.unwrap();
    let lines: Vec<_> = read.items.iter().map(|po| (po.number.0.as_str(), po.lines.len())).collect();
    assert_eq!(lines, [("P1", 2), ("P2", 1)]);
}

#[tokio::test]
async fn po_states_are_known_by_their_short_and_their_long_names() {
    use PoStatus::{Approved, Cancelled, Confirmed, Pending};
    let names = ["PA", "Pending Approval", "A", "approved", "CF", "Confirmed by Farm", "C", "CANCELLED"];
    let list: Vec<Value> = names.iter().zip(1..).map(|(name, n)| purchase_order(&format!("P{n}"), name)).collect();
    let server = Server::start([Canned::json(&json!({"status": 1, "purchaseOrders": list}))]).await;
    let read = client(&server).purchase_orders(&PoQuery::ShipDate(day(5))).await.unwrap();
    let states: Vec<_> = read.items.iter().map(|po| po.status).collect();
    assert_eq!(states, [Pending, Pending, Approved, Approved, Confirmed, Confirmed, Cancelled, Cancelled]);
    assert_eq!(read.items[0].updated_on, Utc.with_ymd_and_hms(2026, 2, 1, 10, 11, 12).single());
    assert_eq!(server.requests()[0].query("date").as_deref(), Some("2026-02-05"));
}

#[tokio::test]
async fn a_po_that_says_no_time_of_change_changed_by_when_it_was_read() {
    let mut timeless = purchase_order("P1", "A");
    timeless.as_object_mut().unwrap().remove("updatedOn");
    let server = Server::start([Canned::json(&json!({"status": 1, "purchaseOrders": [timeless]}))]).await;
    let read = client(&server).purchase_orders(&PoQuery::ShipDate(day(5))).await.unwrap();
    assert_eq!(read.items[0].updated_on, Some(read.as_of));
}

#[tokio::test]
async fn one_unreadable_prebook_does_not_hide_the_others() {
    let mut bad = detail(11);
    bad["totalBoxes"] = json!("many");
    let list = [prebook(7, &[detail(10)]), prebook(8, &[detail(12), bad]), json!(5), prebook(9, &[detail(13)])];
    let server = Server::start([Canned::json(&prebooks(&list))]).await;
    let read = client(&server).prebooks(&week()).await.unwrap();
    assert_eq!(read.items.iter().map(|book| book.id.0).collect::<Vec<_>>(), [7, 9]);
    assert_eq!(read.unreadable[0].id.as_deref(), Some("8"));
    assert_eq!(
        read.unreadable[0].what,
        "prebooks[1].details[1].totalBoxes: expected a whole number, found \"many\""
    );
    assert_eq!(read.unreadable[1].what, "prebooks[2]: expected an object, found a number");
}

#[tokio::test]
async fn an_unreadable_po_is_named_by_its_number_and_time() {
    let mut bad = purchase_order("P2", "Sleeping");
    bad["updatedOn"] = json!("2026-02-03 04:05:06");
    let list = [purchase_order("P1", "A"), bad];
    let server = Server::start([Canned::json(&json!({"status": 1, "purchaseOrders": list}))]).await;
    let read = client(&server).purchase_orders(&PoQuery::Number(PoNumber("P2".to_owned()))).await.unwrap();
    assert_eq!(read.items.len(), 1);
    assert_eq!(read.unreadable[0].id.as_deref(), Some("P2"));
    assert_eq!(read.unreadable[0].changed_at, Utc.with_ymd_and_hms(2026, 2, 3, 4, 5, 6).single());
    assert!(read.unreadable[0].what.contains("purchaseOrders[1].status"), "{}", read.unreadable[0].what);
}

#[tokio::test]
async fn an_item_without_a_ship_date_is_passed_over_only_when_it_is_deleted() {
    let (mut dead, mut alive) = (detail(11), detail(12));
    dead["vendorShipDate"] = json!("");
    dead["totalBoxes"] = json!(0);
    alive["vendorShipDate"] = Value::Null;
    let list = [prebook(7, &[detail(10), dead]), prebook(8, &[alive])];
    let server = Server::start([Canned::json(&prebooks(&list))]).await;
    let read = client(&server).prebooks(&week()).await.unwrap();
    assert_eq!(read.items[0].items.len(), 1);
    assert!(read.unreadable[0].what.contains("vendorShipDate"), "{}", read.unreadable[0].what);
}

#[tokio::test]
async fn a_shipped_line_shows_its_boxes_and_stock_without_a_prebook_is_kept() {
    let mut po = purchase_order("P1", "CF");
    po["details"][0]["boxes"] = json!([{"boxCode": 900_001, "lotNumber": "", "statusName": "Received"}]);
    po["details"].as_array_mut().unwrap().push(json!({"poItemId": 502, "totalBoxes": 1}));
    let server = Server::start([Canned::json(&json!({"status": 1, "purchaseOrders": [po]}))]).await;
    let read = client(&server).purchase_orders(&PoQuery::ShipDate(day(5))).await.unwrap();
    assert_eq!(read.unreadable, []);
    let lines = &read.items[0].lines;
    assert_eq!(lines[0].boxes[0].code, "900001");
    assert!(lines[0].boxes[0].is_received());
    assert_eq!(lines[1].item_id, None);
}

#[tokio::test]
async fn carriers_are_known_also_when_inactive_and_box_types_have_their_fbe() {
    let server = Server::start([
        Canned::json(&json!({"status": 1, "carriers": [
            {"id": 1, "code": "ARM", "name": "Greenway Trucking", "active": "1"},
            {"id": "2", "code": "OLD", "name": "Gone", "active": false},
            {"id": "x", "code": "BAD", "name": "Unreadable", "active": 1},
            {"id": 3, "code": "PRI", "name": "Prime", "active": true}]})),
        Canned::json(
            &json!({"status": 1, "boxtypes": [{"id": 4, "code": "HB", "fbe": "0.50"}], "boxTypes": null}),
        ),
    ])
    .await;
    let komet = client(&server);
    let codes: Vec<_> = komet.carriers().await.unwrap().into_iter().map(|c| c.code).collect();
    assert_eq!(codes, ["ARM", "OLD", "PRI"]);
    assert_eq!(komet.box_types().await.unwrap(), [BoxType { id: 4, code: "HB".to_owned(), fbe: number("0.5") }]);
}

#[tokio::test]
async fn a_prebook_query_names_its_window_its_number_and_its_time_in_gmt() {
    let server = Server::start([Canned::json(&prebooks(&[])), Canned::json(&prebooks(&[]))]).await;
    let komet = client(&server);
    let mut query = week();
    query.updated_as_of = Utc.with_ymd_and_hms(2026, 1, 31, 23, 5, 9).single();
    query.number = Some(PrebookNumber("85063".to_owned()));
    komet.prebooks(&query).await.unwrap();
    query.dates = PrebookDates::Truck(day(9));
    komet.prebooks(&query).await.unwrap();

    let sent = server.requests();
    assert_eq!((sent[0].method.as_str(), sent[0].path()), ("GET", "/api/prebook.details.list"));
    for (name, value) in [
        ("authenticationToken", TOKEN),
        ("vendorShipDateFrom", "2026-02-02"),
        ("vendorShipDateTo", "2026-02-08"),
        ("updatedAsOf", "2026-01-31 23:05:09"),
        ("prebook", "85063"),
    ] {
        assert_eq!(sent[0].query(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(sent[1].query("date").as_deref(), Some("2026-02-09"));
    assert_eq!(sent[1].query("vendorShipDateFrom"), None);
}

#[tokio::test]
async fn a_window_of_eight_ship_dates_is_refused_and_not_sent() {
    let server = Server::start([]).await;
    for (from, to) in [(day(1), day(8)), (day(8), day(1))] {
        let query = PrebookQuery { dates: PrebookDates::Ship { from, to }, ..week() };
        let error = client(&server).prebooks(&query).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Rejected(_)), "{error}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn komets_clock_is_the_date_of_its_answer() {
    let date = "Sun, 01 Feb 2026 10:00:00 GMT";
    let server = Server::start([Canned::json(&prebooks(&[])).header("Date", date)]).await;
    let komet = client(&server);
    assert_eq!(komet.clock(), None);
    let read = komet.prebooks(&week()).await.unwrap();
    assert_eq!(Some(read.as_of), Utc.with_ymd_and_hms(2026, 2, 1, 10, 0, 0).single());
    assert_eq!(komet.clock(), Some(read.as_of));
    assert_eq!(komet.requests(), 1);
}

#[tokio::test]
async fn a_company_tokens_items_without_cost_or_ship_date_are_not_the_vendors_business_yet() {
    let (mut unpriced, mut undated, mut mixed) = (detail(11), detail(12), detail(13));
    unpriced["unitCost"] = Value::Null;
    undated["vendorShipDate"] = json!("");
    mixed["unitCost"] = json!("");
    let part =
        json!({"productId": 77, "productDescription": "Rose", "stemsBunch": 25, "bunches": 12, "cost": "0.3"});
    mixed["breakdowns"] = json!([part]);
    let hidden = prebook(8, &[unpriced.clone(), undated.clone()]);
    let list = [prebook(7, &[detail(10), unpriced, undated, mixed]), hidden];
    let server = Server::start([Canned::json(&prebooks(&list))]).await;
    let komet = KometClient::new(KometOptions { vendor_id: Some(9), ..options(&server.url) }).unwrap();
    let read = komet.prebooks(&week()).await.unwrap();
    assert_eq!(read.unreadable, []);
    let shown: Vec<_> = read.items.iter().map(|book| (book.id.0, book.items.len())).collect();
    assert_eq!(shown, [(7, 2)]);
    assert_eq!(read.items[0].items[1].id, ItemId(13), "a mixed box costs what is in it");
}

#[tokio::test]
async fn a_company_token_names_its_vendor_and_sees_nobody_elses() {
    let mut theirs = detail(11);
    theirs["vendorId"] = json!(8);
    // Another vendor's items are not even read.
    theirs["totalBoxes"] = json!("many");
    let mut their_po = purchase_order("P2", "A");
    their_po["vendorId"] = json!(8);
    let server = Server::start([
        Canned::json(&prebooks(&[prebook(7, &[detail(10), theirs.clone()]), prebook(8, &[theirs])])),
        Canned::json(&json!({"status": 1, "purchaseOrders": [purchase_order("P1", "A"), their_po]})),
        Canned::json(&json!({"status": 1, "purchaseOrderNumber": "P3"})),
        Canned::json(&json!({"status": 1, "purchaseOrderItemDetailsAWBAddAPIResultList":
            [{"poItemId": 501, "status": 1}]})),
    ])
    .await;
    let komet = KometClient::new(KometOptions { vendor_id: Some(9), ..options(&server.url) }).unwrap();
    let read = komet.prebooks(&week()).await.unwrap();
    assert_eq!((read.items.len(), read.items[0].items.len(), read.unreadable.len()), (1, 1, 0));
    let read = komet.purchase_orders(&PoQuery::ShipDate(day(5))).await.unwrap();
    assert_eq!(read.items.iter().map(|po| po.number.0.as_str()).collect::<Vec<_>>(), ["P1"]);
    komet.po_create(&new_po(&[10])).await.unwrap();
    komet.ship(&[shipment(501, &["B1"])]).await.unwrap();

    let sent = server.requests();
    assert_eq!(sent[1].query("vendorId").as_deref(), Some("9"));
    assert_eq!(sent[2].json()["vendorId"], 9);
    assert_eq!(sent[3].json()["poItems"][0]["vendorId"], 9);
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    // {"status":1,"carriers":[{"id":3,"code":"PRI","name":"Prime"}]}
    let zipped: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 46, 73, 44, 41, 45, 86, 178, 50, 212, 81, 74, 78, 44, 42,
        202, 76, 45, 2, 114, 162, 171, 149, 50, 83, 148, 172, 140, 129, 98, 249, 41, 169, 74, 86, 74, 1, 65, 158,
        74, 58, 74, 121, 137, 185, 96, 78, 81, 38, 144, 174, 141, 173, 5, 0, 87, 198, 61, 64, 62, 0, 0, 0,
    ];
    let server = Server::start([Canned::bytes(200, zipped).header("Content-Encoding", "gzip")]).await;
    let carriers = client(&server).carriers().await.unwrap();
    assert_eq!(carriers, [Carrier { id: 3, code: "PRI".to_owned(), name: "Prime".to_owned() }]);
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("gzip"));
}
