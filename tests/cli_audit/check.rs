//! What `check` says, and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::TimeDelta;
use serde_json::{Value, json};
use stemsync::sandbox::{Clock, Fault, Sandbox, SandboxOptions, Target};
use stemsync::store::Store;
use stemsync::systems::System;

use crate::place::{NOWHERE, Place, everything};

/// A check by its name.
fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

fn outcome(report: &Value, name: &str) -> String {
    check(report, name)["outcome"].as_str().unwrap().to_owned()
}

fn outcomes(report: &Value, wanted: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().filter(|check| check["outcome"] == wanted);
    found.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

async fn sandbox() -> Sandbox {
    Sandbox::start(SandboxOptions::default()).await.unwrap()
}

#[test]
fn everything_is_well_on_the_sandbox() {
    let place = Place::simulated();
    let (report, code) = place.json(&["check"]);
    assert_eq!(
        (code, outcomes(&report, "failed"), outcomes(&report, "warning")),
        (0, vec![], vec![]),
        "{report:#}"
    );
    assert!(!place.database().exists(), "a check makes no database");
    for check in report["checks"].as_array().unwrap() {
        assert!(check["advice"].is_null() && check["detail"].is_string(), "{check}");
    }
    let told = String::from_utf8(place.run(&["check"]).stdout).unwrap();
    assert!(told.contains("✓ ok\tkomet\t") && told.contains("4 requests"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_systems_that_answer_leave_only_what_cannot_be_tried() {
    let sandbox = sandbox().await;
    let place = Place::on(&sandbox, "5s");
    let (report, code) = place.json(&["check"]);
    assert_eq!(code, 0);
    assert_eq!(outcomes(&report, "failed"), Vec::<String>::new());
    assert_eq!(outcome(&report, "komet writes"), "warning", "writing is not tried");
    assert!(check(&report, "komet writes")["detail"].as_str().unwrap().contains("prebook.create"));
    assert!(check(&report, "secrets")["detail"].as_str().unwrap().contains("$KOMET_TOKEN"));
    assert_eq!(sandbox.act(|world, _| world.requests().writes()), 0);
    let budget = check(&report, "request budget");
    assert_eq!(budget["outcome"], "warning");
    assert!(budget["detail"].as_str().unwrap().contains("288 runs"), "{budget}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_ends_with_5_and_is_not_shown() {
    let sandbox = sandbox().await;
    let place = Place::at(&sandbox.komet_url(), &sandbox.axerrio_url(), "5s", ["WRONGKOMET", "WRONGAX"]);
    let (report, code) = place.json(&["check"]);
    assert_eq!(code, 5);
    assert_eq!(outcomes(&report, "failed"), ["komet", "axerrio"]);
    assert!(check(&report, "komet")["advice"].as_str().unwrap().contains("token"));
    let output = place.run(&["check", "-vv"]);
    assert!(!everything(&output).contains("WRONG"), "{}", everything(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_the_token_may_not_use_is_named() {
    let sandbox = sandbox().await;
    sandbox.act(|world, _| {
        let body = json!({"status": 0, "message": "Method not allowed for this user"}).to_string();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        world.inject(Target::next(System::Komet, "prebook.details.list").times(9), refused);
    });
    let (report, code) = Place::on(&sandbox, "5s").json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["komet reads".to_owned()]), "{report:#}");
    assert!(check(&report, "komet reads")["advice"].as_str().unwrap().contains("prebook.details.list"));
}

#[test]
fn an_unreachable_system_ends_with_5_and_the_rest_is_still_checked() {
    let place = Place::at(NOWHERE, NOWHERE, "1s", ["a", "b"]);
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (5, vec!["komet".to_owned(), "axerrio".to_owned()]));
    assert_eq!(outcome(&report, "schedule"), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_minutes_off_is_told_and_ends_with_0() {
    let sandbox = sandbox().await;
    sandbox.set_clock(Clock::Shifted(TimeDelta::minutes(-7)));
    let (report, code) = Place::on(&sandbox, "5s").json(&["check"]);
    assert_eq!(code, 0);
    for (name, system) in [("komet clock", "Komet"), ("axerrio clock", "Axerrio")] {
        let clock = check(&report, name);
        assert_eq!(clock["outcome"], "warning");
        let detail = clock["detail"].as_str().unwrap();
        assert!(detail.contains(system) && detail.contains("behind") && detail.contains('4'), "{detail}");
    }
}

#[test]
fn a_broken_database_fails_with_what_to_do() {
    let place = Place::simulated();
    fs::write(place.database(), "this is no database, whatever its name may say".repeat(100)).unwrap();
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["database".to_owned()]));
    assert!(check(&report, "database")["advice"].as_str().unwrap().contains("backup"));
}

#[test]
fn pages_that_were_damaged_are_found() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let mut bytes = fs::read(place.database()).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 4096].fill(0x5a);
    fs::write(place.database(), bytes).unwrap();
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["database".to_owned()]), "{report:#}");
}

#[test]
fn a_database_that_others_may_read_fails() {
    let place = Place::simulated();
    drop(Store::open(&place.database()).unwrap());
    fs::set_permissions(place.database(), fs::Permissions::from_mode(0o644)).unwrap();
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["database mode".to_owned()]));
    assert!(check(&report, "database mode")["advice"].as_str().unwrap().contains("chmod 600"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_where_there_is_a_database_to_count_them() {
    let sandbox = sandbox().await;
    let place = Place::on(&sandbox, "5s");
    drop(Store::open(&place.database()).unwrap());
    let (first, _) = place.json(&["check"]);
    let (second, _) = place.json(&["check"]);
    let used = |report: &Value| check(report, "quota")["detail"].as_str().unwrap().to_owned();
    assert!(used(&first).starts_with("4 of 1000") && used(&second).starts_with("8 of 1000"), "{}", used(&second));
}

#[test]
fn a_wrong_configuration_ends_with_3() {
    let place = Place::simulated();
    fs::write(place.folder.path().join("sync.toml"), "[komet]\nbase_ulr = \"sandbox\"\n").unwrap();
    let output = place.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(everything(&output).contains("base_url"));
}

#[test]
fn a_schedule_that_is_off_is_told() {
    let place = Place::simulated();
    let file = place.folder.path().join("sync.toml");
    let off = "[jobs]\norders = \"off\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n";
    fs::write(&file, fs::read_to_string(&file).unwrap() + off).unwrap();
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcomes(&report, "warning")), (0, vec!["schedule".to_owned()]));
}
