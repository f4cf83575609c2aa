//! What `verify` says, and how it ends.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stemsync::sandbox::komet::HeaderChange;
use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::systems::System;

use crate::place::{NOWHERE, Place, everything, sandbox_with_a_week};

/// A synced week of which somebody has changed one Prebook's truck date.
async fn week_with_a_change() -> (Sandbox, Place) {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    tokio::task::block_in_place(|| place.json(&["sync"]));
    sandbox.act(|world, now| {
        let prebook = world.komet.prebooks().find(|p| p.comments.ends_with("[AX AX-100001]")).unwrap();
        let (id, truck_date) = (prebook.id, prebook.truck_date.succ_opt());
        let change = HeaderChange { truck_date, ..HeaderChange::default() };
        world.komet.rep_changes_header(id, &change, now).unwrap();
    });
    (sandbox, place)
}

#[test]
fn after_a_sync_the_sandbox_agrees() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let (report, code) = place.json(&["verify"]);
    assert_eq!((code, &report["differences"]), (0, &json!([])));
    assert!(report["checked"].as_u64().unwrap() > 10);
    let told = String::from_utf8(place.run(&["verify"]).stdout).unwrap();
    assert!(told.contains("no differences"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_told_with_both_values_and_ends_with_4() {
    let (_sandbox, place) = week_with_a_change().await;
    let (report, code) = place.json(&["verify"]);
    assert_eq!(code, 4);
    let difference = &report["differences"][0];
    assert_eq!(report["differences"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(difference["order"], json!("AX-100001"));
    assert_eq!((&difference["line"], &difference["field"]), (&Value::Null, &json!("truck_date")));
    assert!(difference["axerrio"].as_str().unwrap() < difference["komet"].as_str().unwrap());
    let drawn = String::from_utf8(place.run(&["verify", "--color", "always"]).stdout).unwrap();
    let plain = strip(&drawn);
    assert!(plain.contains("1 difference in") && plain.contains("truck date"), "{plain}");
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
}

pub(crate) fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_writes_to_neither_system() {
    let (sandbox, place) = week_with_a_change().await;
    let writes = sandbox.act(|world, _| world.requests().writes());
    place.json(&["verify"]);
    assert_eq!(sandbox.act(|world, _| world.requests().writes()), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_down_leaves_no_half_a_report() {
    let place = Place::at(NOWHERE, NOWHERE, "1s", ["KOMETSECRET", "AXSECRET"]);
    let output = place.run(&["verify", "--format", "json"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(output.stdout.is_empty());
    let told = everything(&output);
    assert!(!told.contains("SECRET"));
    assert!(told.contains("nothing was compared") && told.contains("base_url"), "{told}");
    let (sandbox, place) = week_with_a_change().await;
    sandbox.act(|world, _| {
        world.inject(Target::next(System::Komet, "purchase.order.list").times(9), Fault::Html(502));
    });
    let output = place.run(&["verify"]);
    assert_eq!(output.status.code(), Some(5), "{}", everything(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_only_and_is_told_to_stop_reads_nothing_more_and_ends_with_1() {
    let (sandbox, place) = week_with_a_change().await;
    for (command, method) in [("verify", "prebook.details.list"), ("check", "boxtype.list")] {
        let asked = || sandbox.act(|world, _| world.requests().count(System::Komet, method));
        sandbox.act(|world, _| {
            let fault = Fault::Hang { open_for: Duration::from_secs(1), effect: Effect::Never };
            world.inject(Target::next(System::Komet, method), fault);
        });
        let before = asked();
        let child = place.command(&[command]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while asked() == before {
            tokio::task::yield_now().await;
        }
        let all = |world: &mut stemsync::sandbox::World| {
            world.requests().totals.values().map(|t| t.requests).sum::<u64>()
        };
        let requests = sandbox.act(|world, _| all(world));
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {told}");
        assert!(output.stdout.is_empty(), "half of it says nothing");
        assert!(told.ends_with("error: stopped by a signal; nothing was changed\n"), "{command}: {told}");
        assert_eq!(sandbox.act(|world, _| all(world)), requests, "{command}");
    }
}
