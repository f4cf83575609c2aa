//! A plain HTTP client for the sandbox's tests. It knows URLs and tokens and nothing of the adapters, so that the
//! sandbox is held against the API pages and not against our own reading of them.

#![allow(dead_code, clippy::unwrap_used, unreachable_pub)] // each test file uses its part

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use stemsync::sandbox::axerrio::{AxProduct, AxUnit, Line, Named, OrderDraft};
use stemsync::sandbox::komet::{ItemDraft, PrebookDraft, Unit};
use stemsync::sandbox::{Answers, Clock, Sandbox, SandboxOptions};

/// Monday, 2 March 2026, noon.
pub fn noon() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub struct Fixture {
    pub sandbox: Sandbox,
    pub client: reqwest::Client,
}

/// What came back.
pub struct Got {
    pub status: u16,
    pub content_type: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Fixture {
    pub async fn plain() -> Self {
        Self::new(Answers::Plain).await
    }

    pub async fn new(answers: Answers) -> Self {
        Self::with(SandboxOptions { answers, ..Default::default() }).await
    }

    /// The clock stands still at [`noon`] unless the options say otherwise.
    pub async fn with(mut options: SandboxOptions) -> Self {
        if options.clock == Clock::System {
            options.clock = Clock::Fixed(noon());
        }
        Self { sandbox: Sandbox::start(options).await.unwrap(), client: client() }
    }

    /// Moves the clock.
    pub fn at(&self, time: &str) {
        self.sandbox.set_clock(Clock::Fixed(time.parse().unwrap()));
    }

    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> Result<Got, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let content_type = headers.get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Got { status, content_type, headers, text, json })
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Got {
        self.try_send(request).await.unwrap()
    }

    pub fn komet_get(&self, method: &str, parameters: &str, token: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{method}?authenticationToken={token}&{parameters}", self.sandbox.komet_url());
        self.client.get(url)
    }

    pub fn komet_post(&self, method: &str, mut body: Value, token: &str) -> reqwest::RequestBuilder {
        body["authenticationToken"] = json!(token);
        self.client.post(format!("{}{method}", self.sandbox.komet_url())).body(body.to_string())
    }

    /// A read with the Vendor token.
    pub async fn read(&self, method: &str, parameters: &str) -> Value {
        self.send(self.komet_get(method, parameters, self.sandbox.komet_token())).await.json
    }

    /// A write with the Vendor token.
    pub async fn write(&self, method: &str, body: Value) -> Value {
        self.send(self.komet_post(method, body, self.sandbox.komet_token())).await.json
    }

    /// A write that must succeed.
    pub async fn written(&self, method: &str, body: Value) -> Value {
        let answer = self.write(method, body).await;
        assert!(is_ok(&answer), "{method}: {answer}");
        answer
    }

    /// Prebooks that ship from 2 to 8 March 2026.
    pub async fn week(&self) -> Vec<Value> {
        let answer =
            self.read("prebook.details.list", "vendorShipDateFrom=2026-03-02&vendorShipDateTo=2026-03-08").await;
        assert!(is_ok(&answer), "{answer}");
        answer["prebooks"].as_array().unwrap().clone()
    }

    /// POs that ship on 4 March 2026.
    pub async fn pos(&self) -> Vec<Value> {
        let answer = self.read("purchase.order.list", "date=2026-03-04").await;
        assert!(is_ok(&answer), "{answer}");
        answer["purchaseOrders"].as_array().unwrap().clone()
    }

    /// A Prebook of one line with `boxes` boxes, and a PO for it: the item's id, the PO's number, the PO line's id.
    pub async fn bought(&self, boxes: u32) -> (u64, u64, u64) {
        let prebook = self.written("prebook.create", prebook(&[item("Rose Freedom 50 cm", boxes)])).await;
        let item = number(&prebook["prebookItems"][0]["prebookItemId"]);
        let po = self.written("purchase.order.create", po(&[item])).await;
        let line = number(&po["purchaseOrderItems"][0]["poItemId"]);
        (item, number(&po["purchaseOrderNumber"]), line)
    }

    pub fn axerrio(&self, verb: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(verb, format!("{}/{path}", self.sandbox.axerrio_url()))
            .bearer_auth(self.sandbox.axerrio_token())
    }

    pub async fn ax_get(&self, path: &str) -> Got {
        self.send(self.axerrio(reqwest::Method::GET, path)).await
    }

    pub async fn ax_put(&self, path: &str, body: &Value) -> Got {
        self.send(self.axerrio(reqwest::Method::PUT, path).body(body.to_string())).await
    }

    pub async fn ax_cancel(&self, reference: &str) -> Got {
        self.send(self.axerrio(reqwest::Method::POST, &format!("orders/by-ref/{reference}/cancel"))).await
    }
}

pub fn client() -> reqwest::Client {
    // A second installation in the same process is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

/// Numbers come as numbers or as texts.
pub fn number(value: &Value) -> u64 {
    match value {
        Value::Number(number) => number.to_string().parse().unwrap(),
        Value::String(text) => text.parse().unwrap(),
        other => panic!("{other} is no number"),
    }
}

/// Decimals too, with thousands separators or without.
pub fn decimal(value: &Value) -> rust_decimal::Decimal {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace(',', "").parse().unwrap()
}

pub fn is_ok(answer: &Value) -> bool {
    matches!(&answer["status"], Value::Number(n) if n.to_string() == "1") || answer["status"] == "1"
}

pub fn message(answer: &Value) -> &str {
    assert!(!is_ok(answer), "not refused: {answer}");
    answer["message"].as_str().unwrap()
}

/// The body of `prebook.create`; ships on 4 March, leaves on 6 March 2026.
pub fn prebook(items: &[Value]) -> Value {
    json!({
        "customerCode": "BLOOM", "customerDescription": "Bloom & Bough", "carrierId": 301,
        "shipDate": "2026-03-06", "shipViaId": 0, "customerPO": "PO-77", "comments": "Call first [AX AX-100234]",
        "useExisting": 0, "prebookItems": items,
    })
}

pub fn item(description: &str, boxes: u32) -> Value {
    json!({
        "productDescription": description, "boxTypeCode": "QB", "boxes": boxes, "bunches": 8, "stemsBunch": 25,
        "unitType": "Stem", "cost": 0.32, "price": 0.55, "vendorShipDate": "2026-03-04", "markCode": "MC1",
    })
}

/// The body of `purchase.order.create` for these Prebook items.
pub fn po(items: &[u64]) -> Value {
    let items: Vec<Value> = items.iter().map(|id| json!({ "prebookItemId": id })).collect();
    json!({ "shipDate": "2026-03-04", "purchaseOrderItems": items })
}

/// What a sales rep enters.
pub fn rep_item(description: &str, boxes: u32) -> ItemDraft {
    ItemDraft {
        ship_date: Some(date("2026-03-04")),
        description: description.to_owned(),
        box_type: "HB".to_owned(),
        boxes,
        bunches: 10,
        stems: 25,
        unit: Unit::Stem,
        cost: Some("0.32".parse().unwrap()),
        price: Some("0.60".parse().unwrap()),
        mark_code: String::new(),
        notes: String::new(),
        parts: Vec::new(),
    }
}

pub fn rep_prebook(items: Vec<ItemDraft>) -> PrebookDraft {
    PrebookDraft {
        customer: "BLOOM".to_owned(),
        carrier: Some("ARM".to_owned()),
        truck_date: date("2026-03-06"),
        customer_po: "PO-77".to_owned(),
        comments: String::new(),
        standing: false,
        items,
    }
}

/// What a customer orders in Axerrio.
pub fn ax_order(boxes: &[u32]) -> OrderDraft {
    OrderDraft {
        customer: Named { code: "C-9".to_owned(), name: "Bloom & Bough".to_owned() },
        customer_po: Some("PO-77".to_owned()),
        ship_date: date("2026-03-04"),
        truck_date: None,
        carrier: None,
        location: None,
        comments: None,
        lines: boxes.iter().map(|boxes| ax_line(*boxes)).collect(),
    }
}

pub fn ax_line(boxes: u32) -> Line {
    Line {
        id: String::new(),
        product: AxProduct { code: "RFRE50".to_owned(), description: "Rose Freedom 50 cm".to_owned() },
        box_type: "QB".to_owned(),
        boxes,
        bunches_per_box: 8,
        stems_per_bunch: 25,
        unit_type: AxUnit::Stem,
        unit_cost: "0.32".parse().unwrap(),
        unit_price: None,
        mark_code: None,
        notes: None,
        confirmed_boxes: None,
        mix: Vec::new(),
    }
}

/// The body of `PUT orders/by-ref`.
pub fn ax_input() -> Value {
    json!({
        "customer": { "code": "BLOOM", "name": "Bloom & Bough" }, "customerPo": null, "shipDate": "2026-03-04",
        "truckDate": "2026-03-06", "carrier": { "code": "ARM", "name": "Greenway Trucking" }, "location": null,
        "comments": "Call first",
        "lines": [{
            "id": "3000001", "product": { "code": "9001", "description": "Rose Freedom 50 cm" }, "boxType": "QB",
            "boxes": 4, "bunchesPerBox": 8, "stemsPerBunch": 25, "unitType": "stem", "unitCost": "0.32",
            "unitPrice": null, "markCode": null, "notes": null, "confirmedBoxes": null, "mix": [],
        }],
    })
}
