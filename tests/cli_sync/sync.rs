//! One run after the other, and what keeps one from running.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stemsync::sandbox::{Effect, Fault, Target};
use stemsync::store::RunLock;
use stemsync::systems::System;

use crate::place::{NOWHERE, Place, everything, object, sandbox_with_a_week};

fn numbers(report: &Value, key: &str) -> Vec<u64> {
    report["jobs"].as_array().unwrap().iter().map(|job| job[key].as_u64().unwrap()).collect()
}

#[test]
fn a_second_sync_on_the_sandbox_finds_what_the_first_one_left_and_does_nothing() {
    let place = Place::simulated();
    let (first, code) = place.json(&["sync"]);
    assert_eq!((code, &first["outcome"]), (4, &json!("attention")), "the unknown product is held");
    assert!(first["actions"].as_array().unwrap().len() > 30, "{first:#}");
    let (second, _) = place.json(&["sync"]);
    assert_eq!(second["actions"], json!([]));
    assert_eq!(numbers(&second, "pushed"), [0, 0, 0, 0]);
    assert!(numbers(&second, "polled").iter().sum::<u64>() > 0, "it did look");
}

#[test]
fn a_paced_sync_reads_of_komet_only_what_is_worth_a_request() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let komet = |report: &Value| {
        let jobs = report["jobs"].as_array().unwrap();
        jobs.iter().map(|job| job["requests"]["komet"].as_u64().unwrap()).sum::<u64>()
    };
    let (whole, _) = place.json(&["sync"]);
    let (paced, code) = place.json(&["sync", "--paced"]);
    assert!(komet(&whole) > 5, "{whole:#}");
    assert_eq!((komet(&paced), code), (0, 4), "all of it was read a moment ago: {paced:#}");
    assert!(paced["jobs"].as_array().unwrap().iter().any(|job| job["requests"]["axerrio"].as_u64() > Some(0)));
    assert_eq!(place.run(&["sync", "--paced", "--order", "AX-1"]).status.code(), Some(2));
}

#[test]
fn the_sandboxs_people_go_on_with_their_work_between_two_runs() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let path = place.folder.path().join("sandbox.json");
    let mut world: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    world["life"]["seen_to"] = json!("2020-01-01T00:00:00Z");
    std::fs::write(&path, world.to_string()).unwrap();
    let (later, _) = place.json(&["sync"]);
    let told: Vec<_> = later["actions"].as_array().unwrap().iter().map(|a| a["method"].clone()).collect();
    assert!(told.contains(&json!("PUT orders/{id}/purchase-order")), "approvals reach Axerrio: {told:?}");
}

#[test]
fn a_report_has_the_shape_that_scripts_rely_on() {
    let place = Place::simulated();
    let (report, _) = place.json(&["sync", "orders", "labels"]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut top = keys(&report);
    top.sort();
    assert_eq!(top, ["actions", "dry_run", "finished_at", "jobs", "outcome", "quota", "run", "started_at"]);
    let jobs: Vec<_> = report["jobs"].as_array().unwrap().iter().map(|job| job["job"].clone()).collect();
    assert_eq!(jobs, [json!("orders"), json!("labels")]);
    let mut job = keys(&report["jobs"][0]);
    job.sort();
    let expected =
        ["changed", "error", "failed", "held", "job", "outcome", "polled", "pushed", "requests", "watermark"];
    assert_eq!(job, expected);
    assert_eq!(report["quota"]["limit"], json!(1000));
}

#[test]
fn people_read_what_was_done_and_what_to_do_next() {
    let place = Place::simulated();
    let told = String::from_utf8(place.run(&["sync"]).stdout).unwrap();
    for part in ["orders", "into Prebook", "Held now (1)", "stemsync holds", "Komet requests today"] {
        assert!(told.contains(part), "{part:?} is missing: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_done_and_changes_nothing() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let (report, code) = place.json(&["sync", "--dry-run"]);
    assert_eq!((code, &report["dry_run"]), (0, &json!(true)));
    let results: Vec<_> = report["actions"].as_array().unwrap().iter().map(|a| a["result"].clone()).collect();
    assert!(results.len() > 20 && results.iter().all(|result| *result == json!("planned")), "{results:?}");
    assert_eq!(sandbox.act(|world, _| world.requests().writes()), 0);
    assert!(place.orders().await.is_empty());
    let jobs = report["jobs"].as_array().unwrap();
    let read: u64 = jobs.iter().map(|job| job["requests"]["komet"].as_u64().unwrap()).sum();
    assert_eq!((&report["quota"]["used"], read > 0), (&json!(read), true), "reading costs quota all the same");
}

#[test]
fn a_dry_run_on_the_built_in_sandbox_leaves_no_world_behind() {
    let place = Place::simulated();
    place.json(&["sync", "--dry-run"]);
    assert!(!place.folder.path().join("sandbox.json").exists());
}

#[test]
fn who_finds_another_run_going_on_is_told_who_and_ends_with_6() {
    let place = Place::simulated();
    let _held = RunLock::try_acquire(&place.database()).unwrap().unwrap();
    let (report, code) = place.json(&["sync", "--wait", "0s"]);
    assert_eq!((code, &report["outcome"]), (6, &json!("busy")));
    assert_eq!(report["holder"]["pid"], json!(std::process::id()));
    assert_eq!((&report["jobs"], &report["actions"]), (&json!([]), &json!([])));
    let output = place.run(&["sync", "--wait", "50ms"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(everything(&output).contains(&std::process::id().to_string()));
    let (report, code) = place.json(&["sync", "--dry-run", "--wait", "0s"]);
    assert_eq!((code, &report["dry_run"]), (0, &json!(true)), "a dry run disturbs nobody");
}

#[test]
fn who_waits_for_another_run_is_told_once_for_which_and_for_how_long() {
    let place = Place::simulated();
    let held = RunLock::try_acquire(&place.database()).unwrap().unwrap();
    let mut command = place.command(&["sync", "labels", "--wait", "5m", "-v"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().unwrap();
    let run = format!("waiting for the run of process {} to end, 29", std::process::id());
    assert!(first.contains(&run) && first.ends_with(" s more at most"), "{first}");
    drop(held);
    assert!(!lines.any(|line| line.contains("waiting for")));
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_base_url_ends_with_5_and_is_told_as_such() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let komet = sandbox.komet_url().replace("/api/", "/apix/");
    let place = Place::at(&komet, &sandbox.axerrio_url(), "5s", [sandbox.komet_token(), sandbox.axerrio_token()]);
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5));
    assert!(told.contains("no such address (HTTP 404): check [komet] base_url"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_order_that_was_asked_for_is_pushed() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let (report, code) = place.json(&["sync", "--order", "AX-100002"]);
    assert_eq!((code, &report["asked"]["found"]), (0, &json!(true)), "{report:#}");
    let orders: Vec<_> = report["actions"].as_array().unwrap().iter().map(|a| a["order"].clone()).collect();
    assert!(!orders.is_empty() && orders.iter().all(|order| *order == json!("AX-100002")), "{orders:?}");
    let again = place.run(&["sync", "--order", "AX-100002"]);
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(told.contains("Nothing to do for this order") && told.contains("not pushed"), "{told}");
    let (rest, _) = place.json(&["sync"]);
    assert!(rest["actions"].as_array().unwrap().len() > 20, "the others follow");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_knows_ends_with_4_and_says_where_it_was_searched() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let output = place.run(&["sync", "--order", "AX-999999"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4));
    assert!(told.contains("AX-999999") && told.contains("box codes"), "{told}");
    assert_eq!(sandbox.act(|world, _| world.requests().writes()), 0, "nothing was pushed");
}

#[test]
fn a_system_out_of_reach_ends_with_5_and_names_it() {
    let place = Place::at(NOWHERE, NOWHERE, "1s", ["a", "b"]);
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5));
    assert!(told.contains("cannot be reached") && told.contains("base_url"), "{told}");
    let output = place.run(&["sync", "--order", "AX-1"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5));
    assert!(told.contains("on file is called \"AX-1\"") && told.contains("base_url"), "{told}");
    let (report, code) = place.json(&["sync", "labels"]);
    assert_eq!((code, &report["outcome"]), (5, &json!("failed")));
    assert!(report["jobs"][0]["error"].as_str().unwrap().contains("Axerrio"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_ends_with_5_and_is_never_shown() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let (komet, axerrio) = ("k0met/h+ush", "axerrio-h+ush");
    let place = Place::at(&sandbox.komet_url(), &sandbox.axerrio_url(), "5s", [komet, axerrio]);
    for args in [&["sync", "-vv"][..], &["sync", "-vvv", "prebooks", "--format", "json"]] {
        let output = place.command(args).env("RUST_LOG", "trace").output().unwrap();
        let told = everything(&output);
        assert_eq!(output.status.code(), Some(5), "{told}");
        assert!(told.contains("refuses the token"), "{told}");
        for part in [komet, axerrio, "h+ush", "h%2Bush"] {
            assert!(!told.contains(part), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_asked_for_once_and_holds_what_needs_it() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    sandbox.act(|world, _| {
        let (body, headers) = ("{\"status\":0,\"message\":\"not allowed\"}".to_owned(), Vec::new());
        let target = Target::next(System::Komet, "prebook.create").times(500);
        world.inject(target, Fault::Http { status: 403, body, headers });
    });
    let (report, code) = place.json(&["sync"]);
    assert_eq!(code, 4, "{report:#}");
    let sent = sandbox.act(|world, _| world.requests().count(System::Komet, "prebook.create"));
    assert!(sent <= 8, "as many as go at once, and whoever else needs it waits as well: {sent}");
    let (holds, _) = place.json(&["holds"]);
    let held = holds["holds"].as_array().unwrap().iter().filter(|hold| hold["reason"] == "rejected_by_komet");
    assert!(held.count() > 5, "{holds:#}");
    let actions = report["actions"].as_array().unwrap();
    let put = actions.iter().any(|a| a["system"] == "axerrio" && a["result"] == "done");
    assert!(put, "what was prebooked in Komet goes on: {report:#}");
    let (check, _) = place.json(&["check"]);
    let of_it = check["checks"].as_array().unwrap().iter().find(|c| c["of"] == "prebook.create");
    assert!(check.to_string().contains("Allow prebook.create for this token in Komet"), "{of_it:?}");
}

/// product.md, Never: a customer's address or a price in a log at the default level.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_failing_system_says_is_in_the_log_only_where_somebody_asks_for_it() {
    const SAID: &str = "Jane Roe, 77 Orchid Lane, cost 0.5577";
    let words = || format!("{{\"status\":0,\"message\":\"{SAID}\",\"prebooks\":\"{SAID}\"}}");
    for (status, method) in [(500, "prebook.create"), (403, "prebook.create"), (200, "prebook.details.list")] {
        let (sandbox, _) = sandbox_with_a_week().await;
        let place = Place::on(&sandbox, "20s");
        let fault = Fault::Http { status, body: words(), headers: Vec::new() };
        sandbox.act(|world, _| world.inject(Target::next(System::Komet, method).times(500), fault));
        let log = |args: &[&str]| String::from_utf8_lossy(&place.run(args).stderr).into_owned();
        let at_default = log(&["sync"]);
        assert!(at_default.contains(method), "{at_default}");
        assert!(!at_default.contains("Orchid") && !at_default.contains("0.5577"), "{status}: {at_default}");
        let asked_for = log(&["sync", "-vv"]);
        assert!(asked_for.contains(SAID), "{status}: {asked_for}");
    }
}

#[test]
fn a_spent_quota_ends_with_7() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (sandbox, _) = runtime.block_on(sandbox_with_a_week());
    sandbox.act(|world, _| world.komet.rules.daily_limit = Some(12));
    let place = Place::on(&sandbox, "5s");
    let output = place.command(&["sync", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", everything(&output));
    assert_eq!(object(&output)["outcome"], json!("failed"));
}

#[test]
fn a_directory_in_place_of_the_database_is_told_as_that() {
    let place = Place::simulated();
    std::fs::create_dir_all(place.database()).unwrap();
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("is a directory"), "{told}");
}

#[test]
fn a_locked_database_is_told_plainly_and_nothing_is_sent() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let world = std::fs::read(place.folder.path().join("sandbox.json")).unwrap();
    let other = rusqlite::Connection::open(place.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("link.db is locked by another process"), "{told}");
    assert_eq!(std::fs::read(place.folder.path().join("sandbox.json")).unwrap(), world);
}

#[test]
fn a_database_that_cannot_be_made_is_told_plainly() {
    let place = Place::simulated();
    std::fs::create_dir(place.database()).unwrap();
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains("link.db"), "{told}");
}

#[test]
fn a_damaged_sandbox_is_refused_and_left_as_it_is() {
    let place = Place::simulated();
    let path = place.folder.path().join("sandbox.json");
    std::fs::write(&path, "{\"komet\": 7}").unwrap();
    let output = place.run(&["sync"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains("sandbox.json"), "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"komet\": 7}");
}

#[test]
fn a_wrong_argument_ends_with_2() {
    let place = Place::simulated();
    for args in [
        &["sync", "flowers"][..],
        &["sync", "--order", " "],
        &["sync", "--wait", "soon"],
        &["sync", "--since", "3026-01-01"],
        &["sandbox", "--port", "99999"],
        &["sandbox", "--people", "-1"],
        &["demo", "now"],
    ] {
        let output = place.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", everything(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn commands_are_told_as_they_must_be_called_for_the_link() {
    let place = Place::simulated();
    let folder = place.folder.path();
    std::fs::rename(folder.join("sync.toml"), folder.join("miami.toml")).unwrap();
    let run = |args: &[&str]| place.run(&[&["-c", "miami.toml"], args].concat());
    let synced = run(&["sync"]);
    let json = object(&run(&["history", "show", "latest", "--format", "json"]));
    let held = json["actions"].as_array().unwrap().iter().find(|action| action["method"] == "held").unwrap();
    let order = held["order"].as_str().unwrap();
    assert!(held["detail"].as_str().unwrap().contains("or run: stemsync map product set "), "as on file: {held}");
    let (told, log) = (String::from_utf8(synced.stdout).unwrap(), String::from_utf8(synced.stderr).unwrap());
    let traced = everything(&run(&["trace", order]));
    let shown = everything(&run(&["history", "show", "latest"]));
    for told in [&told, &log, &traced, &shown, &everything(&run(&["holds"]))] {
        assert!(told.contains("or run: stemsync -c miami.toml map product set "), "{told}");
        assert!(!told.contains("run: stemsync map"), "{told}");
    }
    assert!(told.contains("see `stemsync -c miami.toml holds`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_that_the_first_run_is_going_on() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    let status = || String::from_utf8(place.run(&["status"]).stdout).unwrap();
    assert!(status().starts_with("Nothing has run yet"), "{}", status());
    sandbox.act(|world, _| {
        let fault = Fault::Hang { open_for: Duration::from_hours(1), effect: Effect::Never };
        world.inject(Target::any(System::Komet), fault);
    });
    let mut run = place.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while sandbox.act(|world, _| world.requests().of(System::Komet)) == 0 {
        tokio::task::yield_now().await;
    }
    let told = status();
    assert!(told.starts_with(&format!("The first run is going on (process {})", run.id())), "{told}");
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(status().starts_with("Nothing has run yet"), "it broke off: {}", status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_file_sizes_is_told_and_does_not_end_the_program_without_a_word() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    let program = place.command(&["sync"]);
    let mut limited = Command::new("prlimit");
    limited
        .current_dir(place.folder.path())
        .arg("--fsize=4096")
        .arg(program.get_program())
        .args(program.get_args());
    let given = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let output = limited.envs(given).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("link.db cannot be read or written") && errors.contains("limit on file sizes"),
        "{errors}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_an_entry_of_a_map_away_is_told_how_many_orders_went_out_by_it() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let (code, wrong) = sandbox.act(|world, _| {
        let code = world.axerrio.orders().find_map(|order| order.draft.carrier.clone()).unwrap().code;
        let mut carriers = world.komet.catalogue().carriers.iter();
        (code.clone(), carriers.find(|carrier| carrier.code != code && carrier.active).unwrap().id.to_string())
    });
    let told = |args: &[&str]| String::from_utf8(place.run(args).stdout).unwrap();
    told(&["map", "carrier", "set", &code, &wrong]);
    place.run(&["sync"]);
    let removed = told(&["map", "carrier", "remove", &code]);
    let one_line = removed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(one_line.starts_with(&format!("carrier {code} is not mapped any more.")), "{removed}");
    assert!(
        one_line.contains("whose PO is pending went out by it: where Komet knows the code itself"),
        "{removed}"
    );
    // Nothing went out by one that was set since.
    told(&["map", "carrier", "set", &code, "4711"]);
    assert_eq!(
        told(&["map", "carrier", "remove", &code]).trim(),
        format!("carrier {code} is not mapped any more.")
    );
}
