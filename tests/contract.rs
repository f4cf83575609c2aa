//! Holds the adapter to `data/axerrio.openapi.yaml`, the contract that an Axerrio installation builds against, so
//! that the two cannot drift apart; and the document to the rules it is written by.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use jsonschema::{Draft, Validator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use stemsync::domain::{AxOrder, AxStatus, Label, LabelStatus, OrderInput, Origin, PoInfoLine, PoInfoStatus};
use stemsync::domain::{LineId, PoNumber, PurchaseOrderInfo, UnitType};
use stemsync::sandbox::scenario::Scenario;
use stemsync::systems::axerrio::wire;

/// The document, with everything by name.
struct Contract {
    root: Value,
}

/// An example and what it is an example of.
struct Example {
    /// Where it stands.
    at: String,
    /// The name of its schema; empty for a schema without one.
    name: String,
    /// The schema, as it stands there.
    schema: Value,
    value: Value,
}

impl Contract {
    fn read() -> Self {
        Self { root: serde_yaml_ng::from_str(include_str!("../data/axerrio.openapi.yaml")).unwrap() }
    }

    /// Follows `#/…`; fails the test on a reference to nowhere or outside.
    fn at(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leaves the document"));
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// What a value is after its `$ref`, if it is one.
    fn follow<'v>(&'v self, value: &'v Value) -> &'v Value {
        value.get("$ref").and_then(Value::as_str).map_or(value, |reference| self.at(reference))
    }

    fn schema(&self, name: &str) -> &Value {
        self.at(&format!("#/components/schemas/{name}"))
    }

    fn schemas(&self) -> &Map<String, Value> {
        self.root["components"]["schemas"].as_object().unwrap()
    }

    /// A validator of a schema of the document, with `$ref`s into the document and formats asserted.
    fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.root["components"],
            "allOf": [schema],
        });
        jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(&whole).unwrap()
    }

    /// Panics with every violation, not only the first.
    fn assert_valid(&self, at: &str, schema: &Value, value: &Value) {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{at}:\n{}\n{value:#}", errors.join("\n"));
    }

    /// Every example of the document: of schemas, parameters, headers, requests and answers.
    fn examples(&self) -> Vec<Example> {
        let mut found = Vec::new();
        for (name, schema) in self.schemas() {
            for (value, number) in schema["examples"].as_array().into_iter().flatten().zip(1..) {
                found.push(Example {
                    at: format!("schema {name}, example {number}"),
                    name: name.clone(),
                    schema: schema.clone(),
                    value: value.clone(),
                });
            }
        }
        self.examples_in(&self.root, "", &mut found);
        found
    }

    /// A thing with a `schema` (media type, parameter, header) has its examples beside it.
    fn examples_in(&self, value: &Value, at: &str, found: &mut Vec<Example>) {
        match value {
            Value::Object(fields) => {
                if let Some(schema) = fields.get("schema") {
                    let name = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()).unwrap_or_default();
                    if let Some(example) = fields.get("example") {
                        found.push(Example {
                            at: at.to_owned(),
                            name: name.to_owned(),
                            schema: schema.clone(),
                            value: example.clone(),
                        });
                    }
                    for (title, example) in fields.get("examples").and_then(Value::as_object).into_iter().flatten()
                    {
                        found.push(Example {
                            at: format!("{at} {title}"),
                            name: name.to_owned(),
                            schema: schema.clone(),
                            value: self.follow(example)["value"].clone(),
                        });
                    }
                }
                for (key, inner) in fields {
                    self.examples_in(inner, &format!("{at}/{key}"), found);
                }
            }
            Value::Array(items) => {
                for (item, index) in items.iter().zip(0..) {
                    self.examples_in(item, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
}

fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let contract = Contract::read();
    let mut used = BTreeSet::new();
    references(&contract.root, &mut used);
    for reference in &used {
        assert!(contract.at(reference).is_object(), "{reference}");
    }
    for kind in ["schemas", "examples", "parameters", "responses"] {
        for name in contract.root["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(reference.as_str()), "{reference} is used nowhere");
        }
    }
}

#[test]
fn every_schema_is_a_json_schema_of_2020_12() {
    let contract = Contract::read();
    for (name, schema) in contract.schemas() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        contract.validator(schema);
    }
}

#[test]
fn every_schema_parameter_body_and_answer_has_an_example_and_every_example_is_valid() {
    let contract = Contract::read();
    let examples = contract.examples();
    for example in &examples {
        contract.assert_valid(&example.at, &example.schema, &example.value);
    }
    for name in contract.schemas().keys() {
        assert!(examples.iter().any(|e| e.at.starts_with(&format!("schema {name},"))), "{name} has no example");
    }
    let mut described = 0;
    with_schema(&contract.root, &mut |thing| {
        described += 1;
        assert!(thing.get("example").is_some() || thing.get("examples").is_some(), "no example: {thing:?}");
    });
    assert!(described > 20, "the walk found the parameters, bodies and answers: {described}");
}

/// Calls `see` with every media type, parameter and header.
fn with_schema(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("schema") {
                see(fields);
            }
            fields.values().for_each(|inner| with_schema(inner, see));
        }
        Value::Array(items) => items.iter().for_each(|inner| with_schema(inner, see)),
        _ => {}
    }
}

/// axerrio-api.md's table: method, path, the answers it may have beside 401, 403, 429.
const CALLS: [(&str, &str, &[&str]); 7] = [
    ("get", "/health", &["200"]),
    ("get", "/orders", &["200", "422"]),
    ("get", "/orders/{id}", &["200", "404"]),
    ("put", "/orders/by-ref/{externalRef}", &["200", "201", "409", "422"]),
    ("post", "/orders/by-ref/{externalRef}/cancel", &["200", "404", "409"]),
    ("put", "/orders/{id}/purchase-order", &["200", "404", "409", "422"]),
    ("get", "/labels", &["200", "422"]),
];

#[test]
fn the_document_has_every_call_of_the_adapter_and_no_other() {
    let contract = Contract::read();
    let mut calls = BTreeSet::new();
    for (path, item) in contract.root["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            calls.insert((method.as_str(), path.as_str()));
            let placeholders = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}'));
            let named: BTreeSet<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|p| contract.follow(p))
                .filter(|p| p["in"] == "path")
                .map(|p| p["name"].as_str().unwrap())
                .collect();
            assert_eq!(placeholders.collect::<BTreeSet<_>>(), named, "{method} {path}");
        }
    }
    assert_eq!(calls, CALLS.iter().map(|(method, path, _)| (*method, *path)).collect());
}

#[test]
fn every_call_says_what_it_may_answer_with_problem_details_for_every_failure() {
    let contract = Contract::read();
    for (method, path, own) in CALLS {
        let answers = contract.root["paths"][path][method]["responses"].as_object().unwrap();
        let expected: BTreeSet<_> = own.iter().copied().chain(["401", "403", "429", "default"]).collect();
        assert_eq!(answers.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{method} {path}");
        for (status, answer) in answers {
            let content = contract.follow(answer)["content"].as_object().unwrap();
            let kind = if status.starts_with('2') { "application/json" } else { "application/problem+json" };
            assert_eq!(content.keys().collect::<Vec<_>>(), [kind], "{method} {path} {status}");
        }
    }
    assert!(contract.at("#/components/responses/TooManyRequests")["headers"]["Retry-After"].is_object());
}

#[test]
fn a_problem_of_the_document_has_the_status_it_is_answered_with() {
    let contract = Contract::read();
    for (method, path, _) in CALLS {
        for (status, answer) in contract.root["paths"][path][method]["responses"].as_object().unwrap() {
            let media = &contract.follow(answer)["content"]["application/problem+json"];
            for example in media["examples"].as_object().into_iter().flat_map(Map::values) {
                let told = contract.follow(example)["value"]["status"].to_string();
                assert!(status == "default" || *status == told, "{method} {path} {status}: {told}");
            }
        }
    }
}

#[test]
fn both_ways_to_show_the_token_are_offered_everywhere() {
    let contract = Contract::read();
    assert_eq!(contract.root["security"], json!([{"bearer": []}, {"apiKey": []}]));
    let schemes = &contract.root["components"]["securitySchemes"];
    assert_eq!((&schemes["bearer"]["type"], &schemes["bearer"]["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!((&schemes["apiKey"]["in"], &schemes["apiKey"]["name"]), (&json!("header"), &json!("X-Api-Key")));
    let overridden =
        contract.root["paths"].as_object().unwrap().values().flat_map(|p| p.as_object().unwrap().values());
    assert_eq!(overridden.filter(|operation| operation.get("security").is_some()).count(), 0);
}

#[test]
fn answers_may_grow_and_money_is_never_a_number() {
    let contract = Contract::read();
    for (name, schema) in contract.schemas().iter().filter(|(_, schema)| schema["type"] == "object") {
        assert_eq!(schema["additionalProperties"], json!(true), "{name}");
    }
    let mut line = contract.schema("Line")["examples"][0].clone();
    line["unitCost"] = json!(0.38);
    assert!(!contract.validator(contract.schema("Line")).is_valid(&line));
}

// ---- The adapter's shapes against the document ---------------------------------------------------------------------

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
            let said = fields.iter().filter(|(key, v)| !v.is_null() && !(*key == "mix" && **v == json!([])));
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
