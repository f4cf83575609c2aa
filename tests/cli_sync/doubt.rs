//! A request without an answer, as an admin sees it: counted by `status` until it is settled, told by `trace` and
//! `history` when its effect was found.

use std::time::Duration;

use serde_json::{Value, json};
use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::systems::System;

use crate::place::{Place, prebooks_of, sandbox_with_a_week};

/// One more order like the week's first.
fn one_more(sandbox: &Sandbox) -> String {
    sandbox.act(|world, now| {
        let like = world.axerrio.orders().find(|order| order.external_ref.is_none()).unwrap();
        let draft = like.draft.clone();
        world.axerrio.customer_orders(draft, now)
    })
}

fn creates(sandbox: &Sandbox) -> u64 {
    sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create"))
}

fn unverified(place: &Place) -> (Value, i32) {
    let (status, code) = place.json(&["status"]);
    (status["unverified"].clone(), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_doubt_whose_read_back_times_out_stays_open_and_is_told_when_it_is_settled() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    place.json(&["sync"]);
    assert_eq!(unverified(&place).0, json!(0));

    let doubted = one_more(&sandbox);
    let before = creates(&sandbox);
    sandbox.act(|world, _| {
        world.inject(Target::next(System::Komet, "prebook.create"), Fault::AnswerLost);
        let hang = Fault::Hang { open_for: Duration::from_mins(1), effect: Effect::Never };
        world.inject(Target::next(System::Komet, "prebook.details.list"), hang);
        world.inject(Target::next(System::Komet, "prebook.details.list").times(500), Fault::Html(502));
    });
    place.json(&["sync", "orders"]);
    assert_eq!(unverified(&place), (json!(1), 4));
    let told = String::from_utf8(place.run(&["status"]).stdout).unwrap();
    assert!(told.contains(&format!("1 unverified ({doubted}): sent without an answer")), "{told}");

    // Another order goes on; nothing more is sent for the first one.
    let other = one_more(&sandbox);
    place.json(&["sync", "orders"]);
    assert_eq!(unverified(&place), (json!(1), 4));
    assert_eq!((prebooks_of(&sandbox, &other), prebooks_of(&sandbox, &doubted)), (1, 1));
    assert_eq!(creates(&sandbox) - before, 2, "once each");
    let (story, _) = place.json(&["trace", &other]);
    assert_eq!(story["stage"], json!("po_pending"));
    let (story, _) = place.json(&["trace", &doubted]);
    assert_eq!(story["stage"], json!("placed"));
    let told: Vec<_> = story["events"].as_array().unwrap().iter().map(|event| event["detail"].clone()).collect();
    assert!(told.len() == 1 && told[0].as_str().unwrap().contains("is read back"), "{told:?}");

    sandbox.act(|world, _| world.clear_faults());
    let (report, _) = place.json(&["sync"]);
    assert_eq!(unverified(&place).0, json!(0));
    assert_eq!(creates(&sandbox) - before, 2, "nothing is repeated");
    let is_adopted = |action: &&Value| action["result"] == json!("adopted");
    let adopted = |of: &Value| -> Vec<Value> {
        of["actions"].as_array().unwrap().iter().filter(is_adopted).map(|a| a["order"].clone()).collect()
    };
    assert_eq!(adopted(&report), [json!(doubted)]);
    let (run, _) = place.json(&["history", "show", report["run"].as_str().unwrap()]);
    assert_eq!(adopted(&run), [json!(doubted)]);
    assert_eq!(place.json(&["history", "--limit", "1"]).0["runs"][0]["run"], report["run"]);
    let (story, _) = place.json(&["trace", &doubted]);
    assert_eq!(story["stage"], json!("po_pending"));
    let found = &story["events"][1];
    assert_eq!(found["what"], json!("prebook.create"));
    assert!(found["detail"].as_str().unwrap().ends_with("(adopted)"), "{found}");
}
