//! What the Komet stories are made of: a client, Komet's records as it shows them, and what is written to it.

use std::time::Duration;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{PrebookDates, PrebookQuery};

use crate::wire_server::Server;

pub(crate) const TOKEN: &str = "S3cret+/token==";

pub(crate) fn options(base_url: &str) -> KometOptions {
    KometOptions {
        base_url: base_url.to_owned(),
        token: TOKEN.to_owned(),
        vendor_id: None,
        timeout: Duration::from_secs(10),
        retry_base: Duration::from_millis(1),
    }
}

pub(crate) fn client(server: &Server) -> KometClient {
    KometClient::new(options(&server.url)).unwrap()
}

pub(crate) fn day(d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, d).unwrap()
}

pub(crate) fn week() -> PrebookQuery {
    PrebookQuery { dates: PrebookDates::Ship { from: day(2), to: day(8) }, updated_as_of: None, number: None }
}

pub(crate) fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn detail(id: i64) -> Value {
    json!({"prebookItemId": id, "vendorId": 9, "vendorShipDate": "2026-02-05", "productId": 77,
        "productDescription": "Rose Freedom 50 cm", "totalBoxes": 3, "boxType": "HB", "bunches": 12,
        "stemsBunch": 25, "unitType": "Stem", "unitCost": 0.32, "markCode": null, "notes": ""})
}

pub(crate) fn prebook(id: i64, details: &[Value]) -> Value {
    json!({"id": id, "number": id + 1000, "type": "P", "truckDate": "2026-02-09", "customerId": 5,
        "customerCode": "C5", "details": details})
}

pub(crate) fn prebooks(list: &[Value]) -> Value {
    json!({"status": 1, "message": "", "prebooks": list})
}

pub(crate) fn purchase_order(number: &str, status: &str) -> Value {
    json!({"id": 1, "number": number, "status": status, "shipDate": "2026-02-05",
        "updatedOn": "2026-02-01 10:11:12", "vendorId": 9, "details": [{"poItemId": 501, "prebookItemId": 11,
        "productId": 77, "productDescription": "Rose", "boxType": "HB", "totalBoxes": 2, "bunches": 12,
        "stemsBunch": 25, "unitType": "Stem", "unitCost": "0.32"}]})
}

pub(crate) fn goods() -> NewGoods {
    NewGoods {
        boxes: 3,
        box_type: KometRef::Code { code: "HB".to_owned(), name: String::new() },
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: UnitType::Stem,
        unit_cost: number("0.32"),
        notes: None,
        mix: Vec::new(),
    }
}

pub(crate) fn new_item(line: u32) -> NewPrebookItem {
    NewPrebookItem {
        line: LineId(line.to_string()),
        product: KometRef::Id(77),
        goods: goods(),
        price: None,
        ship_date: day(5),
        mark_code: None,
    }
}

pub(crate) fn new_prebook(items: u32) -> NewPrebook {
    NewPrebook {
        customer: KometRef::Id(5),
        carrier: None,
        truck_date: day(9),
        customer_po: None,
        comments: "[AX AX-1]".to_owned(),
        location_code: None,
        use_existing: false,
        items: (1..=items).map(new_item).collect(),
    }
}

pub(crate) fn new_po(items: &[i64]) -> NewPurchaseOrder {
    let line = |item: &i64| NewPoLine {
        line: LineId(item.to_string()),
        item: ItemId(*item),
        goods: goods(),
        wanted: None,
    };
    NewPurchaseOrder {
        mixed: false,
        ship_date: day(5),
        location_code: None,
        number: None,
        lines: items.iter().map(line).collect(),
    }
}

pub(crate) fn shipment(line: i64, codes: &[&str]) -> Shipment {
    Shipment {
        po_item: PoItemId(line),
        awb: "729-12345675".to_owned(),
        house_awb: None,
        ship_date: day(5),
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        lot_number: Some("L-7".to_owned()),
    }
}
