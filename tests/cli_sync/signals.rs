//! A run that is asked to stop: what is in hand is not lost, and nothing is done twice.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::systems::System;

use crate::place::{Place, prebooks_of, sandbox_with_a_week};

const METHOD: &str = "prebook.create";

/// One order has one request on its way. Were there more, those that are cut off would be waited for: the next run
/// believes that they had no effect once they can no longer have one, after their time-out.
const ONE: &[&str] = &["AX-100001"];

/// Much longer than any test: who is seen to end did not wait for it.
const FOREVER: Duration = Duration::from_hours(1);

/// Starts a run of these orders, or of all, and waits until its first Prebook is made and nobody was told.
async fn start(sandbox: &Sandbox, place: &Place, orders: &[&str]) -> Child {
    sandbox.act(|world, _| {
        let target = Target::next(System::Komet, METHOD);
        world.inject(target, Fault::Hang { open_for: FOREVER, effect: Effect::Done });
    });
    let mut command = place.command(&["sync", "--format", "json"]);
    command.args(orders.iter().flat_map(|order| ["--order", order]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while sandbox.act(|world, _| world.requests().count(System::Komet, METHOD)) == 0 {
        tokio::task::yield_now().await;
    }
    child
}

fn terminate(child: &Child) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
}

/// The next run completes everything, and every order has its one Prebook.
fn goes_on(sandbox: &Sandbox, place: &Place) {
    let (report, code) = place.json(&["sync"]);
    assert_eq!(code, 4, "only the unknown product waits: {report:#}");
    let results: Vec<_> = report["actions"].as_array().unwrap().iter().map(|a| a["result"].clone()).collect();
    assert!(results.contains(&json!("adopted")), "what had been done was found: {results:?}");
    for number in 100_001..=100_012 {
        let order = format!("AX-{number}");
        assert_eq!(prebooks_of(sandbox, &order), 1, "{order}");
    }
    let (quiet, _) = place.json(&["sync"]);
    assert_eq!(quiet["actions"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_leaves_though_a_request_hangs_and_nothing_is_done_twice() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let child = start(&sandbox, &place, &[]).await;
    terminate(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], json!("failed"));
    goes_on(&sandbox, &place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_leaves_at_once() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut child = start(&sandbox, &place, ONE).await;
    terminate(&child);
    // Signals of one kind do not queue up: the next one counts once the first was seen.
    let mut told = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("once more to leave at once") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut told, &mut line).unwrap() > 0, "it ended by itself");
    }
    terminate(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    goes_on(&sandbox, &place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_completed_by_the_next_one() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let mut child = start(&sandbox, &place, ONE).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let (story, _) = place.json(&["trace", ONE[0]]);
    let open = story["events"].as_array().unwrap().last().unwrap();
    assert_eq!(open["what"], json!(METHOD), "what was on its way is told: {open}");
    assert!(open["detail"].as_str().unwrap().contains("no answer is on record"), "{open}");
    goes_on(&sandbox, &place);
}
