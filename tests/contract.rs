//! Holds the adapter to `data/axerrio.openapi.yaml`, the contract that an Axerrio installation builds against, so
//! that the two cannot drift apart, and the sandbox with them. The document's own rules are in `document`.
#![allow(clippy::unwrap_used)]

#[path = "contract/document.rs"]
mod document;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use document::{Contract, Example};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stemsync::domain::{AxOrder, AxStatus, Label, LabelStatus, OrderInput, Origin, PoInfoLine, PoInfoStatus};
use stemsync::domain::{LineId, PoNumber, PurchaseOrderInfo, UnitType};
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::world::{Outcome, Request};
use stemsync::sandbox::{Answers, KometRules, Tokens};
use stemsync::systems::axerrio::wire;

/// `value` read with a wire shape, and written again.
fn through<W: DeserializeOwned + Serialize>(at: &str, value: &Value) -> Value {
    let wire: W = read(at, value);
    serde_json::to_value(wire).unwrap()
}

/// `value` read with a wire shape, taken into the domain and back, and written again.
fn through_domain<W, D>(at: &str, value: &Value) -> Value
where
    W: DeserializeOwned + Serialize + From<D>,
    D: TryFrom<W>,
    D::Error: std::fmt::Debug,
{
    let wire: W = read(at, value);
    serde_json::to_value(W::from(D::try_from(wire).unwrap())).unwrap()
}

fn read<W: DeserializeOwned>(at: &str, value: &Value) -> W {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|e| panic!("{at}: {e}\n{value:#}"))
}

/// A page of a feed; each of its records takes the way into the domain.
fn page_through<W: DeserializeOwned + Serialize>(
    at: &str,
    page: &Value,
    item: fn(&str, &Value) -> Value,
) -> Value {
    let mut written = through::<wire::Page<W>>(at, page);
    for (written, record) in
        written["items"].as_array_mut().unwrap().iter_mut().zip(page["items"].as_array().unwrap())
    {
        *written = item(at, record);
    }
    written
}

/// What the adapter makes of an example of the schema `name`.
fn through_adapter(name: &str, at: &str, value: &Value) -> Value {
    match name {
        "Order" => through_domain::<wire::Order, AxOrder>(at, value),
        "OrderInput" => through_domain::<wire::OrderInput, OrderInput>(at, value),
        "PurchaseOrderInfo" => through_domain::<wire::PurchaseOrderInfo, PurchaseOrderInfo>(at, value),
        "Label" => through_domain::<wire::Label, Label>(at, value),
        "OrderPage" => page_through::<wire::Order>(at, value, through_domain::<wire::Order, AxOrder>),
        "LabelPage" => page_through::<wire::Label>(at, value, through_domain::<wire::Label, Label>),
        "Health" => through::<wire::Health>(at, value),
        "Problem" => through::<wire::Problem>(at, value),
        "Party" => through::<wire::Party>(at, value),
        "Product" => through::<wire::Product>(at, value),
        "MixPart" => through::<wire::MixPart>(at, value),
        "Line" => through::<wire::Line>(at, value),
        "PurchaseOrderLine" => through::<wire::PurchaseOrderLine>(at, value),
        "Money" => through::<wire::Money>(at, value),
        "Time" => through::<DateTime<Utc>>(at, value),
        "Date" => through::<NaiveDate>(at, value),
        other => panic!("the schema {other} has no wire shape"),
    }
}

/// `value` without what means "no value": null, and the empty mix of a box of one product.
fn without_nothing(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let said = fields.iter().filter(|(key, v)| !(v.is_null() || *key == "mix" && **v == json!([])));
            said.map(|(key, v)| (key.clone(), without_nothing(v))).collect()
        }
        Value::Array(items) => items.iter().map(without_nothing).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_example_passes_through_the_adapter_and_comes_out_valid_and_saying_the_same() {
    let contract = Contract::read();
    let examples = contract.examples();
    for Example { at, name, schema, value } in examples.iter().filter(|e| !e.name.is_empty()) {
        let written = through_adapter(name, at, value);
        contract.assert_valid(at, schema, &written);
        assert_eq!(without_nothing(&written), without_nothing(value), "{at}");
    }
}

#[test]
fn what_the_adapter_sends_for_a_prebook_is_a_valid_order_input() {
    let contract = Contract::read();
    let schema = contract.schema("OrderInput");
    let scenario = Scenario::bundled();
    let monday = NaiveDate::from_ymd_opt(2026, 2, 2).unwrap();
    let week = scenario.week.orders.iter().map(|o| scenario.order(o, monday).unwrap());
    for input in week.chain(scenario.bulk(50, 4, 1, monday)) {
        let sent = serde_json::to_value(wire::OrderInput::from(input)).unwrap();
        contract.assert_valid("PUT orders/by-ref", schema, &sent);
        let lines = sent["lines"].as_array().unwrap();
        assert!(lines.iter().all(|l| l["confirmedBoxes"].is_null()), "acceptance is the vendor's");
    }
}

#[test]
fn what_the_adapter_sends_about_a_po_is_valid_in_every_state() {
    let contract = Contract::read();
    for status in PO_STATUSES {
        for awb in [None, Some("729-40316625".to_owned())] {
            let line = |item: &str| PoInfoLine {
                line_id: LineId("1".to_owned()),
                po_item_id: item.to_owned(),
                boxes: 3,
                unit_cost: "0.380".parse().unwrap(),
            };
            let info = PurchaseOrderInfo {
                number: PoNumber("471108".to_owned()),
                status,
                ship_date: NaiveDate::from_ymd_opt(2026, 2, 9).unwrap(),
                awb,
                updated_at: "2026-02-02T15:40:12.345678Z".parse().unwrap(),
                lines: vec![line("930114"), line("930187")],
            };
            let sent = serde_json::to_value(wire::PurchaseOrderInfo::from(info)).unwrap();
            contract.assert_valid("PUT orders/{id}/purchase-order", contract.schema("PurchaseOrderInfo"), &sent);
        }
    }
}

/// The paths of all properties, such as `lines[].product.code`.
fn properties(contract: &Contract, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    let schema = contract.follow(schema);
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        properties(contract, inner, &path, found);
        found.insert(path);
    }
    if let Some(items) = schema.get("items") {
        properties(contract, items, &format!("{at}[]"), found);
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        properties(contract, choice, at, found);
    }
}

/// The paths of all keys of a value, as [`properties`] writes them.
fn keys(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                keys(inner, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{at}[]"), found)),
        _ => {}
    }
}

/// An example of `schema` that says everything: what the examples leave out is made up.
fn populated(contract: &Contract, schema: &Value) -> Value {
    let schema = contract.follow(schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        return populated(contract, &choices[0]);
    }
    if let Some(constant) = schema.get("const").or(schema.pointer("/enum/0")) {
        return constant.clone();
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap();
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().unwrap().iter();
            fields.map(|(name, inner)| (name.clone(), populated(contract, inner))).collect()
        }
        "array" => json!([populated(contract, &schema["items"])]),
        "integer" => schema.get("minimum").filter(|m| m.as_u64() > Some(0)).cloned().unwrap_or(json!(7)),
        "string" => schema.pointer("/examples/0").cloned().unwrap_or_else(|| {
            let room = schema["maxLength"].as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
            json!("text".chars().take(room).collect::<String>())
        }),
        other => panic!("a property of type {other}"),
    }
}

/// `value` with only what `schema` requires.
fn required_only(contract: &Contract, schema: &Value, value: &Value) -> Value {
    let schema = contract.follow(schema);
    match value {
        Value::Object(fields) => {
            let required: Vec<_> =
                schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
            let kept = fields.iter().filter(|(name, _)| required.contains(&name.as_str()));
            kept.map(|(name, v)| (name.clone(), required_only(contract, &schema["properties"][name], v))).collect()
        }
        Value::Array(items) => items.iter().map(|v| required_only(contract, &schema["items"], v)).collect(),
        other => other.clone(),
    }
}

const OBJECTS: [&str; 7] = ["Order", "OrderInput", "PurchaseOrderInfo", "Label", "OrderPage", "Health", "Problem"];

#[test]
fn the_wire_shapes_and_the_document_know_the_same_properties() {
    let contract = Contract::read();
    for name in
        OBJECTS.into_iter().chain(["LabelPage", "Line", "MixPart", "Party", "Product", "PurchaseOrderLine"])
    {
        let schema = contract.schema(name);
        let everything = populated(&contract, schema);
        contract.assert_valid(name, schema, &everything);
        let wire = match name {
            "OrderPage" => through::<wire::Page<wire::Order>>(name, &everything),
            "LabelPage" => through::<wire::Page<wire::Label>>(name, &everything),
            "Order" => through::<wire::Order>(name, &everything),
            "OrderInput" => through::<wire::OrderInput>(name, &everything),
            _ => through_adapter(name, name, &everything),
        };
        // A property the wire shape does not know would be lost here, and one only it knows would be null or new.
        assert_eq!(wire, everything, "{name}");
        let (mut documented, mut known) = (BTreeSet::new(), BTreeSet::new());
        properties(&contract, schema, "", &mut documented);
        keys(&wire, "", &mut known);
        assert_eq!(known, documented, "{name}");
    }
}

#[test]
fn an_answer_with_only_what_the_document_requires_is_readable() {
    let contract = Contract::read();
    for name in OBJECTS.into_iter().chain(["LabelPage"]) {
        let schema = contract.schema(name);
        let least = required_only(&contract, schema, &populated(&contract, schema));
        contract.assert_valid(name, schema, &least);
        assert_eq!(without_nothing(&through_adapter(name, name, &least)), without_nothing(&least), "{name}");
    }
}

const PO_STATUSES: [PoInfoStatus; 4] =
    [PoInfoStatus::Pending, PoInfoStatus::Approved, PoInfoStatus::Confirmed, PoInfoStatus::Cancelled];

#[test]
fn states_and_units_have_the_same_words_in_the_adapter_and_the_document() {
    let contract = Contract::read();
    let statuses =
        [AxStatus::Placed, AxStatus::Accepted, AxStatus::Rejected, AxStatus::Cancelled, AxStatus::Shipped];
    for (schema, property, known) in [
        ("Order", "status", json!(statuses)),
        ("Order", "origin", json!([Origin::Axerrio, Origin::Komet])),
        ("Line", "unitType", json!([UnitType::Stem, UnitType::Bunch])),
        ("Label", "status", json!([LabelStatus::Printed, LabelStatus::Void])),
        ("PurchaseOrderInfo", "status", json!(PO_STATUSES)),
    ] {
        assert_eq!(contract.schema(schema)["properties"][property]["enum"], known, "{schema}.{property}");
    }
}

#[test]
fn a_property_nobody_knows_does_not_disturb_the_adapter() {
    let contract = Contract::read();
    let mut order = contract.schema("Order")["examples"][0].clone();
    order["greenhouse"] = json!({"row": 7});
    order["lines"][0]["product"]["ean"] = json!("8712345678906");
    contract.assert_valid("a newer Axerrio", contract.schema("Order"), &order);
    let read = through_domain::<wire::Order, AxOrder>("a newer Axerrio", &order);
    assert!(read.get("greenhouse").is_none() && read["id"] == order["id"]);
}

#[test]
fn the_sandboxs_plain_axerrio_answers_as_the_document_says() {
    let contract = Contract::read();
    let scenario = Scenario::bundled();
    let now: DateTime<Utc> = "2026-02-02T12:00:00Z".parse().unwrap();
    let mut world = scenario.world(KometRules::default(), Answers::Plain);
    world.set_tokens(Tokens { axerrio: "a token".to_owned(), ..Tokens::default() });
    scenario.place_week(&mut world, now.date_naive(), now).unwrap();
    world.axerrio.vendor_accepts("AX-100001", &[("1", 5)], now).unwrap();
    world.axerrio.vendor_prints("AX-100001", "1", 2, Some("729-40316625"), None, now).unwrap();
    let mut ask = |verb: &str, path: &[&str], since: bool, body: &Value| {
        let request = Request {
            verb: verb.to_owned(),
            path: ["axerrio", "api", "v1"].iter().chain(path).map(|&segment| segment.to_owned()).collect(),
            parameters: since
                .then(|| ("changedSince".to_owned(), "2026-02-01T00:00:00Z".to_owned()))
                .into_iter()
                .collect(),
            credential: Some("a token".to_owned()),
            body: body.to_string().into_bytes(),
        };
        let Outcome::Answer(reply) = world.serve(&request, now) else { panic!("no answer to {request:?}") };
        (reply.status, serde_json::from_str::<Value>(&reply.body).unwrap())
    };
    let input = contract.at("#/components/examples/InputMixedBox")["value"].clone();
    let info = contract.at("#/components/examples/PoSplit")["value"].clone();
    for (expected, schema, verb, path, since, body) in [
        (200, "Health", "GET", &["health"][..], false, &Value::Null),
        (200, "OrderPage", "GET", &["orders"], true, &Value::Null),
        (200, "LabelPage", "GET", &["labels"], true, &Value::Null),
        (200, "Order", "GET", &["orders", "AX-100001"], false, &Value::Null),
        (404, "Problem", "GET", &["orders", "AX-999999"], false, &Value::Null),
        (201, "Order", "PUT", &["orders", "by-ref", "komet-prebook-1"], false, &input),
        (200, "Order", "PUT", &["orders", "by-ref", "komet-prebook-1"], false, &input),
        (422, "Problem", "PUT", &["orders", "by-ref", "komet-prebook-1"], false, &json!({"lines": 7})),
        (200, "Order", "PUT", &["orders", "AX-100001", "purchase-order"], false, &info),
        (200, "Order", "POST", &["orders", "by-ref", "komet-prebook-1", "cancel"], false, &Value::Null),
    ] {
        let (status, answer) = ask(verb, path, since, body);
        assert_eq!(status, expected, "{verb} {path:?}: {answer}");
        contract.assert_valid(&format!("{verb} {path:?}"), contract.schema(schema), &answer);
    }
}
