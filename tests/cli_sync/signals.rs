//! A run that is asked to stop: what is in hand is not lost, and nothing is done twice.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::store::RunLock;
use stemsync::systems::System;

use crate::place::{Place, bare, prebooks_of, sandbox_with_a_week};

const METHOD: &str = "prebook.create";

/// One order has one request on its way. Were there more, those that are cut off would be waited for: the next run
/// believes that they had no effect once they can no longer have one, after their time-out.
const ONE: &[&str] = &["AX-100001"];

/// Much longer than any test: who is seen to end did not wait for it.
const FOREVER: Duration = Duration::from_hours(1);

/// Starts a run of these orders, or of all, and waits until its first Prebook is made and nobody was told.
async fn start(sandbox: &Sandbox, place: &Place, orders: &[&str]) -> Child {
    let mut command = place.command(&["sync", "--format", "json"]);
    command.args(orders.iter().flat_map(|order| ["--order", order]));
    start_by(command, sandbox).await
}

async fn start_by(mut command: Command, sandbox: &Sandbox) -> Child {
    sandbox.act(|world, _| {
        let target = Target::next(System::Komet, METHOD);
        world.inject(target, Fault::Hang { open_for: FOREVER, effect: Effect::Done });
    });
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while sandbox.act(|world, _| world.requests().count(System::Komet, METHOD)) == 0 {
        tokio::task::yield_now().await;
    }
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn terminate(child: &Child) {
    signal(child, "-TERM");
}

/// The same command, whatever whoever runs the tests has SIGHUP do: `--default-signal=HUP`, or `--ignore-signal=HUP` as
/// `nohup` does.
fn with(hangup: &str, command: &Command) -> Command {
    let mut with = Command::new("env");
    with.arg(hangup).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        with.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => with.env(name, value),
            None => with.env_remove(name),
        };
    }
    with
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
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("once more to leave at once") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended by itself");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_terminal_goes_away_is_left_as_if_it_was_told_to_stop() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let sync = place.command(&["sync", "--order", ONE[0]]);
    let mut child = start_by(with("--default-signal=HUP", &sync), &sandbox).await;
    // Nobody reads any more what it says of that.
    drop((child.stdout.take(), child.stderr.take()));
    signal(&child, "-HUP");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    goes_on(&sandbox, &place);
}

#[test]
fn who_waits_for_another_run_and_is_told_to_stop_ends_with_1() {
    let place = Place::simulated();
    let held = RunLock::try_acquire(&place.database()).unwrap().unwrap();
    for command in ["sync", "verify"] {
        let child = place.command(&[command, "-v"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("waiting for the run of process") {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "{command} ended by itself");
        }
        terminate(&child);
        assert_eq!(child.wait().unwrap().code(), Some(1), "{command}");
        line.clear();
        told.read_line(&mut line).unwrap();
        assert_eq!(line, "error: stopped by a signal; nothing was changed\n", "{command}");
    }
    drop(held);
}

#[test]
fn a_simulation_ends_with_its_terminal_unless_it_was_started_to_outlive_it() {
    for (hangup, ends) in [("--default-signal=HUP", true), ("--ignore-signal=HUP", false)] {
        let sandbox = bare_sandbox();
        let mut child = with(hangup, &sandbox).stdout(Stdio::piped()).spawn().unwrap();
        // It hears signals once it tells where it is.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        signal(&child, "-HUP");
        if !ends {
            std::thread::sleep(Duration::from_millis(300));
            assert!(child.try_wait().unwrap().is_none(), "it was started with nohup");
            terminate(&child);
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{hangup}");
    }
}

fn bare_sandbox() -> Command {
    let mut command = bare();
    command.args(["sandbox", "--people", "0", "--port", "0"]);
    command
}

#[test]
fn a_demo_whose_terminal_goes_away_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut demo = with("--default-signal=HUP", bare().arg("demo"));
    let mut child = demo.env("TMPDIR", folder.path()).stdout(Stdio::null()).spawn().unwrap();
    while names() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was seen");
    }
    signal(&child, "-HUP");
    child.wait().unwrap();
    assert_eq!(names(), 0);
}
