//! The simulated Komet against its API page: every quirk that the page names is a story here, over real HTTP and
//! with a client that shares nothing with the adapter.

#![allow(clippy::unwrap_used, missing_docs)]

mod sandbox_support;

use sandbox_support::*;
use serde_json::{Value, json};
use stemsync::sandbox::{Answers, Clock, KometRules, Sandbox, SandboxOptions};

#[tokio::test]
async fn an_unknown_token_is_refused_with_a_200_and_a_message() {
    let f = Fixture::plain().await;
    for request in [
        f.komet_get("carrier.list", "", "wrong"),
        f.komet_post("prebook.create", json!({}), "wrong"),
        // A POST shows its token in the body, not in the URL.
        f.client
            .post(format!(
                "{}prebook.create?authenticationToken={}",
                f.sandbox.komet_url(),
                f.sandbox.komet_token()
            ))
            .body("{}"),
    ] {
        let got = f.send(request).await;
        assert_eq!(got.status, 200);
        assert_eq!(message(&got.json), "Invalid authentication token");
    }
}

#[tokio::test]
async fn a_method_beyond_the_eleven_is_not_allowed() {
    let f = Fixture::plain().await;
    assert!(message(&f.read("invoice.list", "").await).contains("not allowed"));
    assert!(message(&f.read("prebook.create", "").await).contains("POST"));
    assert!(message(&f.write("carrier.list", json!({})).await).contains("GET"));
}

#[tokio::test]
async fn carriers_and_box_types_are_listed() {
    let f = Fixture::plain().await;
    let carriers = f.read("carrier.list", "").await;
    assert_eq!(
        carriers["carriers"][0],
        json!({ "id": 301, "code": "ARM", "name": "Greenway Trucking", "active": 1 })
    );
    let box_types = f.read("boxtype.list", "").await;
    assert_eq!(box_types["boxtypes"][2]["code"], "QB");
    assert_eq!(decimal(&box_types["boxtypes"][2]["fbe"]).normalize().to_string(), "0.25");
}

#[tokio::test]
async fn a_created_prebook_is_shown_with_its_items() {
    let f = Fixture::plain().await;
    let created = f.written("prebook.create", prebook(&[item("Rose Freedom 50 cm", 4)])).await;
    let week = f.week().await;
    assert_eq!(week.len(), 1);
    let shown = &week[0];
    assert_eq!((&shown["id"], &shown["number"]), (&created["prebookId"], &created["prebookNumber"]));
    assert_ne!(shown["id"], shown["number"]);
    assert_eq!(shown["truckDate"], "2026-03-06");
    assert_eq!(shown["customerCode"], "BLOOM");
    let line = &shown["details"][0];
    assert_eq!(line["prebookItemId"], created["prebookItems"][0]["prebookItemId"]);
    assert_eq!((number(&line["productId"]), number(&line["totalBoxes"])), (9001, 4));
    assert_eq!((number(&line["units"]), number(&line["totalUnits"])), (200, 800));
    assert_eq!(line["unitCost"].to_string(), "0.32");
    assert_eq!(line["vendorShipDate"], "2026-03-04");
    assert!(line["purchaseOrderNumber"].is_null());
}

#[tokio::test]
async fn a_create_called_twice_makes_two_prebooks() {
    let f = Fixture::plain().await;
    let body = prebook(&[item("Rose Freedom 50 cm", 4)]);
    f.written("prebook.create", body.clone()).await;
    f.written("prebook.create", body).await;
    assert_eq!(f.week().await.len(), 2);
}

#[tokio::test]
async fn use_existing_adds_to_the_prebook_with_the_same_header() {
    let f = Fixture::plain().await;
    let mut body = prebook(&[item("Rose Freedom 50 cm", 4)]);
    let first = f.written("prebook.create", body.clone()).await;
    body["useExisting"] = json!(1);
    let second = f.written("prebook.create", body.clone()).await;
    assert_eq!(first["prebookId"], second["prebookId"]);
    body["customerPO"] = json!("PO-78");
    let third = f.written("prebook.create", body).await;
    assert_ne!(first["prebookId"], third["prebookId"]);
}

#[tokio::test]
async fn use_existing_may_find_a_prebook_that_the_token_cannot_see() {
    let f = Fixture::plain().await;
    let other = rep_prebook(vec![rep_item("Carnation Nobbio", 1)]);
    let hidden = f.sandbox.act(|w, now| w.komet.other_vendor_prebook(&other, now)).unwrap();
    assert!(f.week().await.is_empty());
    let mut body = prebook(&[item("Rose Freedom 50 cm", 4)]);
    body["useExisting"] = json!(1);
    assert_eq!(number(&f.written("prebook.create", body).await["prebookId"]), hidden);
    let week = f.week().await;
    assert_eq!(week[0]["details"].as_array().unwrap().len(), 1, "the other vendor's item stays hidden");
}

#[tokio::test]
async fn a_vendor_tokens_deletion_leaves_quantity_zero() {
    let f = Fixture::plain().await;
    let made = f.written("prebook.create", prebook(&[item("Rose Freedom 50 cm", 4)])).await;
    let body = json!({ "prebookId": made["prebookId"],
                       "prebookItemId": made["prebookItems"][0]["prebookItemId"] });
    f.written("prebook.item.delete", body.clone()).await;
    assert_eq!(number(&f.week().await[0]["details"][0]["totalBoxes"]), 0);
    let company = f.sandbox.komet_company_token().unwrap();
    let got = f.send(f.komet_post("prebook.item.delete", body, company)).await;
    assert!(is_ok(&got.json));
    assert!(f.week().await.is_empty(), "a Company token removes the line");
}

#[tokio::test]
async fn prebooks_are_listed_by_dates_only_and_seven_at_most() {
    let f = Fixture::plain().await;
    f.written("prebook.create", prebook(&[item("Rose Freedom 50 cm", 4)])).await;
    for (parameters, refusal) in [
        ("prebook=85001", "date is required"),
        ("vendorShipDateFrom=2026-03-02", "date is required"),
        ("vendorShipDateFrom=2026-03-02&vendorShipDateTo=2026-03-09", "7 days"),
        ("vendorShipDateFrom=2026-03-02&vendorShipDateTo=2026-03-01", "before"),
        ("date=6.3.2026", "YYYY-MM-DD"),
        ("date=2026-03-06&updatedAsOf=2026-03-02T12:00:00Z", "hh:mm:ss"),
    ] {
        let answer = f.read("prebook.details.list", parameters).await;
        assert!(message(&answer).contains(refusal), "{parameters}: {answer}");
    }
    for (parameters, found) in [
        ("date=2026-03-06", 1),
        ("date=2026-03-04", 0),
        ("vendorShipDateFrom=2026-03-04&vendorShipDateTo=2026-03-10&prebook=85001", 1),
        ("vendorShipDateFrom=2026-03-04&vendorShipDateTo=2026-03-10&prebook=85002", 0),
        ("date=2026-03-06&customerPONumber=PO-77&customerId=5001&carrierId=301&locationId=1", 1),
        ("date=2026-03-06&customerId=5002", 0),
    ] {
        let answer = f.read("prebook.details.list", parameters).await;
        assert_eq!(answer["prebooks"].as_array().unwrap().len(), found, "{parameters}");
    }
}

#[tokio::test]
async fn a_vendor_token_sees_its_complete_items_from_yesterday_on_and_no_prices() {
    let f = Fixture::plain().await;
    let with = |change: fn(&mut stemsync::sandbox::komet::ItemDraft)| {
        let mut item = rep_item("Rose Freedom 50 cm", 2);
        change(&mut item);
        item
    };
    let items = vec![
        with(|_| {}),
        with(|i| i.ship_date = Some(date("2026-03-01"))),
        with(|i| i.ship_date = Some(date("2026-02-28"))),
        with(|i| i.ship_date = None),
        with(|i| i.cost = None),
    ];
    f.sandbox.act(|w, now| w.komet.rep_creates_prebook(&rep_prebook(items), now)).unwrap();
    let answer = f.read("prebook.details.list", "date=2026-03-06").await;
    let seen = answer["prebooks"][0]["details"].as_array().unwrap().clone();
    let dates: Vec<&Value> = seen.iter().map(|i| &i["vendorShipDate"]).collect();
    assert_eq!(dates, ["2026-03-04", "2026-03-01"]);
    assert!(seen.iter().all(|i| i.get("unitPrice").is_none() && i.get("totalPrice").is_none()));

    let company = f.sandbox.komet_company_token().unwrap();
    let all = f.send(f.komet_get("prebook.details.list", "date=2026-03-06", company)).await.json;
    let all = all["prebooks"][0]["details"].as_array().unwrap();
    assert_eq!((all.len(), decimal(&all[0]["unitPrice"]).normalize().to_string()), (5, "0.6".to_owned()));
}

#[tokio::test]
async fn changed_since_shows_what_changed_and_nothing_of_pos_mappings_and_deletions() {
    let f = Fixture::plain().await;
    let (first, second) = f.sandbox.act(|w, now| {
        let mut make =
            || w.komet.rep_creates_prebook(&rep_prebook(vec![rep_item("Rose Unheard", 2)]), now).unwrap();
        (make(), make())
    });
    f.at("2026-03-02T13:00:00Z");
    let changed = async || {
        let answer = f
            .read(
                "prebook.details.list",
                "vendorShipDateFrom=2026-03-02&vendorShipDateTo=2026-03-08&updatedAsOf=2026-03-02%2013:00:00",
            )
            .await;
        answer["prebooks"].as_array().unwrap().iter().map(|p| number(&p["id"])).collect::<Vec<_>>()
    };
    let item_of = |id| f.sandbox.act(|w, _| w.komet.prebook(id).unwrap().items[0].id);
    let item = item_of(first);
    f.written("purchase.order.create", po(&[item])).await;
    f.sandbox.act(|w, now| w.komet.person_maps_product("Rose Unheard", 9001, now)).unwrap();
    f.sandbox.act(|w, _| w.komet.rep_deletes_prebook(second)).unwrap();
    assert!(changed().await.is_empty());
    let more = stemsync::sandbox::komet::ItemChange { boxes: Some(9), ..Default::default() };
    f.sandbox.act(|w, now| w.komet.rep_changes_item(item, &more, now)).unwrap();
    assert_eq!(changed().await, [first]);
    assert_eq!(f.week().await.len(), 1, "the deleted Prebook is in no list");
}

#[tokio::test]
async fn an_unknown_product_has_no_id_until_a_person_maps_it() {
    let f = Fixture::plain().await;
    f.written("prebook.create", prebook(&[item("Rose Unheard", 4)])).await;
    let product = async || f.week().await[0]["details"][0]["productId"].clone();
    assert!(product().await.is_null());
    let touched = f.sandbox.act(|w, now| w.komet.person_maps_product("rose unheard", 9003, now)).unwrap();
    assert_eq!(touched, 1);
    assert_eq!(number(&product().await), 9003);
    f.written("prebook.create", prebook(&[item("Rose Unheard", 4)])).await;
    assert_eq!(number(&f.week().await[1]["details"][0]["productId"]), 9003, "what comes later is mapped too");
}

#[tokio::test]
async fn a_moved_item_leaves_its_window() {
    let f = Fixture::plain().await;
    let made = f.written("prebook.create", prebook(&[item("Rose Freedom 50 cm", 4)])).await;
    let item = number(&made["prebookItems"][0]["prebookItemId"]);
    f.sandbox.act(|w, now| w.komet.rep_moves_ship_date(item, date("2026-03-11"), now)).unwrap();
    assert!(f.week().await.is_empty());
    let later = f.read("prebook.details.list", "vendorShipDateFrom=2026-03-09&vendorShipDateTo=2026-03-15").await;
    assert_eq!(later["prebooks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_or_is_not_known_is_refused_whole() {
    let f = Fixture::plain().await;
    let long = |n: usize| json!("x".repeat(n));
    let cases: [(&str, Value, &str); 15] = [
        ("/customerPO", long(21), "customerPO"),
        ("/comments", long(501), "comments"),
        ("/prebookItems/1/markCode", long(21), "markCode"),
        ("/prebookItems/1/notes", long(201), "notes"),
        ("/prebookItems/1/boxes", json!(0), "boxes"),
        ("/prebookItems/1/bunches", json!("many"), "bunches"),
        ("/prebookItems/1/unitType", json!("Box"), "unitType"),
        ("/prebookItems/1/boxTypeCode", json!("ZZ"), "boxTypeCode"),
        ("/prebookItems/1/productId", json!(12), "productId"),
        ("/prebookItems/1/vendorShipDate", json!("4 March"), "vendorShipDate"),
        ("/prebookItems", json!([]), "prebookItems"),
        ("/customerCode", json!("NOBODY"), "customerCode"),
        ("/carrierId", json!(303), "carrierId"),
        ("/shipDate", Value::Null, "shipDate"),
        ("/useExisting", json!(2), "useExisting"),
    ];
    for (pointer, value, field) in cases {
        let mut body = prebook(&[item("Rose Freedom 50 cm", 1), item("Rose Freedom 60 cm", 1)]);
        body["prebookItems"][1]["notes"] = json!("");
        body["prebookItems"][1]["productId"] = Value::Null;
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = f.write("prebook.create", body).await;
        assert!(message(&answer).contains(field), "{pointer}: {answer}");
    }
    assert!(f.week().await.is_empty());
}

#[tokio::test]
async fn a_body_beyond_64_000_bytes_is_refused() {
    let f = Fixture::plain().await;
    let mut body = prebook(&[item("Rose Freedom 50 cm", 1)]);
    body["padding"] = json!("x".repeat(64_000));
    assert!(message(&f.write("prebook.create", body.clone()).await).contains("64 KB"));
    f.sandbox.act(|w, _| w.komet.rules.too_large_is_413 = true);
    assert_eq!(f.send(f.komet_post("prebook.create", body, f.sandbox.komet_token())).await.status, 413);
    assert!(f.week().await.is_empty());
}

#[tokio::test]
async fn nobody_protects_a_buyer_from_a_second_po() {
    let f = Fixture::plain().await;
    let (item, first, _) = f.bought(4).await;
    let second = number(&f.written("purchase.order.create", po(&[item])).await["purchaseOrderNumber"]);
    assert_ne!(first, second);
    assert_eq!(f.sandbox.act(|w, _| w.komet.lines_buying(item).count()), 2);
    let pos = f.pos().await;
    assert_eq!(pos.len(), 2);
    assert_eq!(pos[0]["status"], "PA");
    assert_eq!(number(&pos[0]["details"][0]["prebookItemId"]), item);
    assert_eq!(number(&pos[0]["details"][0]["prebook"]), 85_001);
    assert!(pos[0]["details"][0].get("boxes").is_none(), "no boxes before the grower ships");
}

#[tokio::test]
async fn pos_are_found_by_ship_date_or_by_a_short_list_of_numbers() {
    let f = Fixture::plain().await;
    let (_, number, _) = f.bought(4).await;
    f.sandbox.act(|w, now| w.komet.buyer_approves(number, now)).unwrap();
    for (parameters, found) in [
        ("date=2026-03-04".to_owned(), 1),
        ("date=2026-03-05".to_owned(), 0),
        (format!("number={number}"), 1),
        ("number=99,98".to_owned(), 0),
        ("date=2026-03-04&status=Approved".to_owned(), 1),
        ("date=2026-03-04&status=Cancelled".to_owned(), 0),
        ("date=2026-03-04&prebook=85001".to_owned(), 1),
        ("date=2026-03-04&prebook=85002".to_owned(), 0),
    ] {
        let answer = f.read("purchase.order.list", &parameters).await;
        assert_eq!(answer["purchaseOrders"].as_array().unwrap().len(), found, "{parameters}");
    }
    for parameters in ["status=Approved", "date=2026-03-04&status=A", "number=41001,41002"] {
        message(&f.read("purchase.order.list", parameters).await);
    }
    f.sandbox.act(|w, now| w.komet.buyer_moves_po(number, date("2026-03-05"), now)).unwrap();
    assert!(f.pos().await.is_empty());
}

#[tokio::test]
async fn lines_are_added_to_a_po_of_the_same_ship_date() {
    let f = Fixture::plain().await;
    let (item, number_text, _) = f.bought(4).await;
    let mut body = po(&[item]);
    body["purchaseOrderNumber"] = json!(number_text.to_string());
    let again = f.written("purchase.order.create", body.clone()).await;
    assert_eq!(number(&again["purchaseOrderNumber"]), number_text);
    assert_eq!(f.pos().await[0]["details"].as_array().unwrap().len(), 2);
    let mut moved = body.clone();
    moved["shipDate"] = json!("2026-03-05");
    assert!(message(&f.write("purchase.order.create", moved).await).contains("shipDate"));
    f.sandbox.act(|w, now| w.komet.buyer_cancels(number_text, now)).unwrap();
    assert!(message(&f.write("purchase.order.create", body).await).contains("cancelled"));
}

#[tokio::test]
async fn a_deleted_po_line_is_gone_or_has_quantity_zero() {
    for (stays, left) in [(false, 0), (true, 1)] {
        let rules = KometRules { deleted_po_line_stays: stays, ..Default::default() };
        let f = Fixture::with(SandboxOptions { rules, ..Default::default() }).await;
        let (item, _, line) = f.bought(4).await;
        f.written("purchase.order.item.delete", json!({ "poItemId": line })).await;
        let lines = f.pos().await[0]["details"].as_array().unwrap().clone();
        assert_eq!(lines.len(), left);
        assert!(lines.iter().all(|l| number(&l["totalBoxes"]) == 0));
        assert_eq!(f.sandbox.act(|w, _| w.komet.lines_buying(item).count()), 0);
    }
}

#[tokio::test]
async fn unmapped_parts_of_a_mixed_box_are_left_out_of_the_po() {
    let f = Fixture::plain().await;
    let part = |text: &str| json!({ "productDescription": text, "bunches": 4, "stemsBunch": 25, "cost": "0.30" });
    let parts = json!([part("Rose Freedom 50 cm"), part("Rose Unheard")]);
    let mut mixed = item("Assorted roses", 2);
    mixed["breakdowns"] = parts.clone();
    let made = f.written("prebook.create", prebook(&[mixed])).await;
    let mut body = po(&[number(&made["prebookItems"][0]["prebookItemId"])]);
    assert!(message(&f.write("purchase.order.create", body.clone()).await).contains("mixed"));
    body["purchaseOrderItems"][0]["breakdowns"] = parts;
    f.written("purchase.order.mixed.create", body.clone()).await;
    let line = f.pos().await[0]["details"][0].clone();
    assert_eq!(line["breakdowns"].as_array().unwrap().len(), 1);
    assert_eq!(f.week().await[0]["details"][0]["breakdowns"].as_array().unwrap().len(), 2);
    body["purchaseOrderItems"][0]["breakdowns"] = json!([part("Rose Unheard")]);
    assert!(message(&f.write("purchase.order.mixed.create", body).await).contains("mapped"));
}

#[tokio::test]
async fn a_spent_quota_refuses_until_the_next_utc_day() {
    let rules = KometRules { daily_limit: Some(2), ..Default::default() };
    let f = Fixture::with(SandboxOptions { rules, ..Default::default() }).await;
    assert!(is_ok(&f.read("carrier.list", "").await));
    assert!(is_ok(&f.read("carrier.list", "").await));
    assert!(message(&f.read("carrier.list", "").await).contains("limit"));
    f.sandbox.act(|w, _| w.komet.rules.limit_is_429 = true);
    let got = f.send(f.komet_get("carrier.list", "", f.sandbox.komet_token())).await;
    assert_eq!((got.status, got.headers.get("retry-after")), (429, None));
    f.at("2026-03-03T00:00:00Z");
    assert!(is_ok(&f.read("carrier.list", "").await));
}

#[tokio::test]
async fn the_date_header_tells_the_sandboxs_time() {
    let f = Fixture::plain().await;
    let got = f.send(f.komet_get("carrier.list", "", f.sandbox.komet_token())).await;
    assert_eq!(got.headers.get_all("date").iter().collect::<Vec<_>>(), ["Mon, 02 Mar 2026 12:00:00 GMT"]);
}

#[tokio::test]
async fn messy_answers_say_the_same_in_many_ways() {
    let mut wordings = std::collections::HashSet::new();
    for seed in 0..12 {
        let f = Fixture::new(Answers::Messy(seed)).await;
        let mut dear = item("Rose Unheard", 1200);
        dear["cost"] = json!("1234.5");
        let made = f.written("prebook.create", prebook(&[dear])).await;
        assert!(made.get("prebookItems").is_none(), "messy creates do not tell the items' ids");
        for _ in 0..4 {
            let line = f.week().await[0]["details"][0].clone();
            assert_eq!(number(&line["totalBoxes"]), 1200);
            let cost = line["unitCost"].as_str().map_or_else(|| line["unitCost"].to_string(), str::to_owned);
            assert_eq!(cost.replace(',', "").trim_end_matches('0'), "1234.5");
            let id = line.get("productId").cloned().unwrap_or(Value::Null);
            let unknown = id.is_null() || id == "" || number(&id) == 0;
            assert!(unknown || line["productDescription"].as_str().unwrap().starts_with("UNKNOWN"));
            wordings.insert(cost);
            wordings.insert(line.get("notes").map_or_else(|| "absent".to_owned(), Value::to_string));
        }
    }
    for wording in ["1234.5", "1,234.50", "absent", "null", "\"\""] {
        assert!(wordings.contains(wording), "{wording} is missing in {wordings:?}");
    }
}

#[tokio::test]
async fn a_saved_world_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/sandbox.json");
    let options = || SandboxOptions { clock: Clock::Fixed(noon()), ..Default::default() };
    let f = Fixture { sandbox: Sandbox::load_or_new(&path, options()).await.unwrap(), client: client() };
    let (_, po, line) = f.bought(2).await;
    f.sandbox.act(|w, now| w.komet.buyer_approves(po, now)).unwrap();
    let shipment = json!({ "poItemId": line, "awb": "729-11112222", "boxCodes": ["A1"] });
    f.written("purchase.order.items.awb.add", json!({ "poItems": [shipment] })).await;
    let order = f.sandbox.act(|w, now| w.axerrio.customer_orders(ax_order(&[3]), now));
    let before = (f.week().await, f.pos().await, f.ax_get(&format!("orders/{order}")).await.json);
    f.sandbox.save(&path).unwrap();
    assert!(!std::fs::read_to_string(&path).unwrap().contains(f.sandbox.komet_token()));
    f.sandbox.stop().await;

    let f = Fixture { sandbox: Sandbox::load_or_new(&path, options()).await.unwrap(), client: client() };
    assert_eq!(before, (f.week().await, f.pos().await, f.ax_get(&format!("orders/{order}")).await.json));
    let (_, next, _) = f.bought(1).await;
    assert!(next > po, "numbers are not used twice");
    assert_eq!(f.sandbox.act(|w, _| w.komet.line_of_box("A1").map(|(_, l)| l.id)), Some(line));

    std::fs::write(&path, "{\"komet\":").unwrap();
    assert!(Sandbox::load_or_new(&path, options()).await.is_err());
}
