//! The contract document itself: read, resolved, and held to the rules it is written by (OpenAPI 3.1, JSON Schema
//! 2020-12, and what axerrio-api.md lists).

use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The document, with everything by name.
pub(crate) struct Contract {
    pub(crate) root: Value,
}

/// An example and what it is an example of.
pub(crate) struct Example {
    /// Where it stands.
    pub(crate) at: String,
    /// The name of its schema; empty for a schema without one.
    pub(crate) name: String,
    /// The schema, as it stands there.
    pub(crate) schema: Value,
    pub(crate) value: Value,
}

impl Contract {
    pub(crate) fn read() -> Self {
        Self { root: serde_yaml_ng::from_str(include_str!("../../data/axerrio.openapi.yaml")).unwrap() }
    }

    /// Follows `#/…`; fails the test on a reference to nowhere or outside.
    pub(crate) fn at(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leaves the document"));
        self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// What a value is after its `$ref`, if it is one.
    pub(crate) fn follow<'v>(&'v self, value: &'v Value) -> &'v Value {
        value.get("$ref").and_then(Value::as_str).map_or(value, |reference| self.at(reference))
    }

    pub(crate) fn schema(&self, name: &str) -> &Value {
        self.at(&format!("#/components/schemas/{name}"))
    }

    pub(crate) fn schemas(&self) -> &Map<String, Value> {
        self.root["components"]["schemas"].as_object().unwrap()
    }

    /// A validator of a schema of the document, with `$ref`s into the document and formats asserted.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.root["components"],
            "allOf": [schema],
        });
        jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(&whole).unwrap()
    }

    /// Panics with every violation, not only the first.
    pub(crate) fn assert_valid(&self, at: &str, schema: &Value, value: &Value) {
        let validator = self.validator(schema);
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{at}:\n{}\n{value:#}", errors.join("\n"));
    }

    /// Every example of the document: of schemas, parameters, headers, requests and answers.
    pub(crate) fn examples(&self) -> Vec<Example> {
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
