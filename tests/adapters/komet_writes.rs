//! Komet's writes: what goes out, how it is split, and what its answers say of each entry.

use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Certainty, Fault, Komet};

use crate::komet_things::*;
use crate::wire_server::{Canned, Server};

#[tokio::test]
async fn a_write_that_is_asked_to_wait_a_moment_is_sent_again_and_no_other_is() {
    let created = json!({"status": 1, "prebookId": 7, "prebookNumber": 85063});
    let throttled = Canned::status(429, "").header("Retry-After", "0");
    let server = Server::start([throttled.clone(), throttled.clone(), Canned::json(&created)]).await;
    let komet = client(&server);
    assert_eq!(komet.prebook_create(&new_prebook(1)).await.unwrap().id, PrebookId(7));
    assert_eq!((server.requests().len(), komet.requests()), (3, 3), "each counts");
    let long = Canned::status(429, "").header("Retry-After", "31");
    for answer in [long, Canned::status(503, "busy"), Canned::Reset] {
        let server = Server::start([answer, Canned::json(&created)]).await;
        client(&server).prebook_create(&new_prebook(1)).await.unwrap_err();
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_prebook_goes_out_as_komet_documents_it() {
    let created = json!({"status": "1", "prebookId": "7", "prebookNumber": 85063,
        "prebookItems": [{"prebookItemId": "10"}, {"prebookItemId": 11}]});
    let server = Server::start([Canned::json(&created)]).await;
    let mut new = new_prebook(2);
    new.customer = KometRef::Code { code: "C5".to_owned(), name: "Flowers & Co".to_owned() };
    new.carrier = Some(KometRef::Id(3));
    new.customer_po = Some("PO-1".to_owned());
    new.use_existing = true;
    new.items[1].product = KometRef::Description("Rose Playa Blanca".to_owned());
    new.items[1].goods.box_type = KometRef::Id(4);
    new.items[1].goods.unit_cost = number("12345678901234567.8900");
    new.items[1].mark_code = Some("M1".to_owned());

    let answer = client(&server).prebook_create(&new).await.unwrap();
    assert_eq!(answer.id, PrebookId(7));
    assert_eq!(answer.number, PrebookNumber("85063".to_owned()));
    assert_eq!(answer.items, Some(vec![ItemId(10), ItemId(11)]));

    let sent = &server.requests()[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/api/prebook.create"));
    assert!(sent.body_text().contains("\"cost\":12345678901234567.8900,"), "money is sent digit by digit");
    let mut body = sent.json();
    body["prebookItems"][1]["cost"] = json!(0);
    assert_eq!(
        body,
        json!({"authenticationToken": TOKEN, "customerCode": "C5", "customerDescription": "Flowers & Co",
            "carrierId": 3, "shipDate": "2026-02-09", "shipViaId": 0, "customerPO": "PO-1",
            "comments": "[AX AX-1]", "useExisting": 1, "prebookItems": [
                {"productId": 77, "boxTypeCode": "HB", "boxes": 3, "bunches": 12, "stemsBunch": 25,
                    "unitType": "Stem", "cost": 0.32, "vendorShipDate": "2026-02-05"},
                {"productDescription": "Rose Playa Blanca", "boxTypeId": 4, "boxes": 3, "bunches": 12,
                    "stemsBunch": 25, "unitType": "Stem", "cost": 0, "vendorShipDate": "2026-02-05",
                    "markCode": "M1"}]})
    );
}

#[tokio::test]
async fn item_ids_that_are_missing_or_cannot_be_trusted_are_left_to_a_read_back() {
    for items in [
        json!(null),
        json!([]),
        json!([{"prebookItemId": 10}]),
        json!([{"prebookItemId": 10}, {"prebookItemId": 10}]),
        json!([{"prebookItemId": 10}, {"prebookItemId": ""}]),
    ] {
        let answer = json!({"status": 1, "prebookId": 7, "prebookNumber": "85063", "prebookItems": items});
        let server = Server::start([Canned::json(&answer)]).await;
        let created = client(&server).prebook_create(&new_prebook(2)).await.unwrap();
        assert_eq!(created.items, None, "{items}");
    }
}

#[tokio::test]
async fn a_create_answer_without_a_usable_id_leaves_the_effect_unknown() {
    for answer in [
        json!({"status": 1}),
        json!({"status": 1, "prebookId": 0, "prebookNumber": "1"}),
        json!({"status": 1, "prebookId": "soon", "prebookNumber": "1"}),
        json!({"prebookId": 7, "prebookNumber": "1"}),
        json!([1, 2]),
    ] {
        let server = Server::start([Canned::json(&answer)]).await;
        let error = client(&server).prebook_create(&new_prebook(1)).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Unreadable(_)), "{answer}: {error}");
        assert_eq!(error.certainty(), Certainty::Unknown);
    }
}

#[tokio::test]
async fn po_lines_are_matched_by_their_prebook_items_where_komet_names_them() {
    let answer = |items: Value| {
        Canned::json(&json!({"status": 1, "purchaseOrderId": 1, "purchaseOrderNumber": 4711,
            "purchaseOrderItems": items}))
    };
    let server = Server::start([
        answer(json!([{"poItemId": 502, "prebookItemId": 11}, {"poItemId": 501, "prebookItemId": 10}])),
        answer(json!([{"poItemId": 501}, {"poItemId": 502}])),
        answer(json!([{"poItemId": 501}])),
        // Komet documents no name for them: whichever it gives besides is no reason to misread it.
        Canned::json(&json!({"status": 1, "purchaseOrderNumber": 4711, "purchaseOrderItems": [], "items": 2,
            "details": [{"poItemId": 501}, {"poItemId": 502}]})),
    ])
    .await;
    let komet = client(&server);
    let mut new = new_po(&[10, 11]);
    new.number = Some(PoNumber("4711".to_owned()));
    let both = || Some(vec![PoItemId(501), PoItemId(502)]);
    for expected in [both(), both(), None, both()] {
        let created = komet.po_create(&new).await.unwrap();
        assert_eq!((created.number.0.as_str(), created.lines), ("4711", expected));
    }
    let body = server.requests()[0].json();
    assert_eq!(body["purchaseOrderNumber"], "4711");
    assert_eq!(body["purchaseOrderItems"][1]["prebookItemId"], 11);
}

#[tokio::test]
async fn mixed_boxes_have_their_own_method_and_parts() {
    let server = Server::start([Canned::json(&json!({"status": 1, "purchaseOrderNumber": "4711"}))]).await;
    let mut new = new_po(&[10]);
    new.mixed = true;
    new.lines[0].goods.mix = vec![NewBreakdown {
        product: KometRef::Id(78),
        bunches: 6,
        stems_per_bunch: 25,
        unit_cost: number("0.30"),
    }];
    client(&server).po_create(&new).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.path(), "/api/purchase.order.mixed.create");
    assert_eq!(
        sent.json()["purchaseOrderItems"][0]["breakdowns"],
        json!([{"productId": 78, "bunches": 6, "stemsBunch": 25, "cost": 0.30}])
    );
}

#[tokio::test]
async fn deletions_name_the_line() {
    let server = Server::start([Canned::json(&json!({"status": 1})), Canned::json(&json!({"status": "1"}))]).await;
    let komet = client(&server);
    komet.prebook_item_delete(&PrebookId(7), &ItemId(10)).await.unwrap();
    komet.po_item_delete(&PoItemId(501)).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].json(), json!({"authenticationToken": TOKEN, "prebookId": 7, "prebookItemId": 10}));
    assert_eq!(sent[1].json(), json!({"authenticationToken": TOKEN, "poItemId": 501}));
}

#[tokio::test]
async fn shipments_are_judged_line_by_line_and_a_split_line_names_its_rest() {
    let answer = json!({"status": 0, "message": "partly", "purchaseOrderItemDetailsAWBAddAPIResultList": [
        {"poItemId": "502", "status": "0", "message": format!("Unmapped product {TOKEN}")},
        {"poItemId": 501, "status": 1, "boxCodes": ["B1", 2], "newPOItemId": "601"}]});
    let server = Server::start([Canned::json(&answer)]).await;
    let all = [shipment(501, &["B1"]), shipment(502, &["B2"])];
    let results = client(&server).ship(&all).await.unwrap();
    assert_eq!(results[0].result, Ok(()));
    assert_eq!(results[0].codes, ["B1", "2"]);
    assert_eq!(results[0].rest, Some(PoItemId(601)));
    assert_eq!(results[1].result, Err("Unmapped product ***".to_owned()));
    assert_eq!(
        server.requests()[0].json()["poItems"][0],
        json!({"poItemId": 501, "awb": "729-12345675", "shipDate": "2026-02-05", "boxCodes": ["B1"],
            "lotNumber": "L-7"})
    );
}

#[tokio::test]
async fn results_without_ids_count_by_their_place_only_if_none_is_missing() {
    let list = |results: Value| json!({"status": 1, "purchaseOrderItemDetailsAWBAddAPIResultList": results});
    let server = Server::start([
        Canned::json(&list(json!([{"status": 1}, {"status": 0, "message": "no"}]))),
        Canned::json(&list(json!([{"status": 1}]))),
    ])
    .await;
    let komet = client(&server);
    let all = [shipment(501, &["B1"]), shipment(502, &["B2"])];
    let results = komet.ship(&all).await.unwrap();
    assert_eq!((results[0].result.is_ok(), results[1].result.clone()), (true, Err("no".to_owned())));
    let error = komet.ship(&all).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown, "whether the other one shipped is not known: {error}");
}

#[tokio::test]
async fn a_shipment_answer_without_results_is_refused_or_read_back() {
    let server = Server::start([
        Canned::json(&json!({"status": 0, "message": "PO is not approved"})),
        Canned::json(&json!({"status": 1})),
        Canned::json(&json!({"status": 1, "purchaseOrderItemDetailsAWBAddAPIResultList": [{"poItemId": 501}]})),
    ])
    .await;
    let komet = client(&server);
    let error = komet.ship(&[shipment(501, &["B1"])]).await.unwrap_err();
    assert_eq!(error.fault, Fault::Rejected("PO is not approved".to_owned()));
    for _ in 0..2 {
        let error = komet.ship(&[shipment(501, &["B1"])]).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::Unknown, "{error}");
    }
}

#[tokio::test]
async fn code_changes_are_judged_box_by_box_whatever_the_overall_status_says() {
    let answer = json!({"status": 1, "boxes": [
        {"newBoxCode": "N2", "status": 0, "message": "Box code does not exist"}, {"newBoxCode": "N1", "status": 1}]});
    let server = Server::start([Canned::json(&answer)]).await;
    let change = |n: u32| CodeChange { current: format!("C{n}"), new: format!("N{n}") };
    let results = client(&server).change_codes(&[change(1), change(2), change(3)]).await.unwrap();
    assert_eq!(results[0].result, Ok(()));
    assert_eq!(results[1].result, Err("Box code does not exist".to_owned()));
    assert_eq!(results[2].result, Err("Komet's answer does not mention it".to_owned()));
    assert_eq!(server.requests()[0].json()["boxes"][2], json!({"currentBoxCode": "C3", "newBoxCode": "N3"}));
}

#[tokio::test]
async fn what_fits_64_000_bytes_fits_to_the_byte() {
    let ok = Canned::json(&json!({"status": 1, "prebookId": 7, "prebookNumber": "1"}));
    let server = Server::start([ok.clone(), ok]).await;
    let komet = client(&server);
    let mut new = new_prebook(2000);
    let fits = komet.prebook_fits(&new);
    assert!(fits > 100 && fits < 2000, "{fits} items");

    // Fill the request to its last byte with the comment, then pass it by one.
    new.items.truncate(fits);
    komet.prebook_create(&new).await.unwrap();
    let room = 64_000 - server.requests()[0].body.len();
    new.comments.push_str(&"x".repeat(room));
    assert_eq!(komet.prebook_fits(&new), fits);
    komet.prebook_create(&new).await.unwrap();
    assert_eq!(server.requests()[1].body.len(), 64_000);
    new.comments.push('x');
    assert_eq!(komet.prebook_fits(&new), fits - 1);
    let error = komet.prebook_create(&new).await.unwrap_err();
    assert_eq!(error.fault, Fault::TooLarge(64_001));
    assert_eq!(server.requests().len(), 2, "what is too large is not sent");
}

#[tokio::test]
async fn every_method_that_is_split_counts_what_fits() {
    let server = Server::start([]).await;
    let komet = client(&server);
    let lines: Vec<i64> = (1..2000).collect();
    assert!((100..1999).contains(&komet.po_fits(&new_po(&lines))));
    let shipments: Vec<_> = (0..2000).map(|line| shipment(line, &["BOX-0001", "BOX-0002"])).collect();
    assert!((100..2000).contains(&komet.shipments_fit(&shipments)));
    let change = CodeChange { current: "A".repeat(20), new: "B".repeat(20) };
    assert!((500..2000).contains(&komet.changes_fit(&vec![change; 2000])));
    let giant = shipment(1, &["x".repeat(70_000).as_str()]);
    assert_eq!(komet.shipments_fit(std::slice::from_ref(&giant)), 1);
    assert_eq!(komet.shipments_fit(&[]), 0);
    let error = komet.ship(&[giant]).await.unwrap_err();
    assert!(matches!(error.fault, Fault::TooLarge(size) if size > 70_000), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_company_token_names_the_vendor_of_a_prebook() {
    let server = Server::start([Canned::json(&json!({"status": 1, "prebookId": 7, "prebookNumber": "1"}))]).await;
    let komet = KometClient::new(KometOptions { vendor_id: Some(9), ..options(&server.url) }).unwrap();
    komet.prebook_create(&new_prebook(1)).await.unwrap();
    let body = server.requests()[0].json();
    assert_eq!((&body["vendorId"], &body["prebookItems"][0]["vendorId"]), (&json!(9), &json!(9)));
}
