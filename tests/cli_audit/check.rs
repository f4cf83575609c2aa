//! What `check` says, and how it ends.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};
use stemsync::sandbox::{Clock, Fault, Sandbox, SandboxOptions, Target};
use stemsync::store::Store;
use stemsync::systems::System;

use crate::place::{NOWHERE, Place, everything, sandbox_with_a_week};

/// What is said of a token's right to use a method.
fn right<'r>(report: &'r Value, system: &str, method: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == format!("{system} rights") && check["of"] == method);
    found.unwrap_or_else(|| panic!("no {method}: {report:#}"))
}

/// A check by its name.
pub(crate) fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

pub(crate) fn outcome(report: &Value, name: &str) -> String {
    check(report, name)["outcome"].as_str().unwrap().to_owned()
}

pub(crate) fn outcomes(report: &Value, wanted: &str) -> Vec<String> {
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
    let untried = ["prebook.create", "purchase.order.mixed.create", "box.code.change"];
    for method in untried {
        assert_eq!(right(&report, "komet", method)["outcome"], "untried", "{method} writes");
    }
    assert_eq!(outcomes(&report, "untried").len(), 7 + 3, "each writing method of either system");
    assert!(check(&report, "secrets")["detail"].as_str().unwrap().contains("$KOMET_TOKEN"));
    assert_eq!(sandbox.act(|world, _| world.requests().writes()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_of_every_new_configuration_is_no_reason_to_worry() {
    let sandbox = sandbox().await;
    let (report, _) = Place::on(&sandbox, "5s").json(&["check"]);
    let budget = check(&report, "request budget");
    assert_eq!((&budget["outcome"], &budget["advice"]), (&json!("ok"), &Value::Null));
    let detail = budget["detail"].as_str().unwrap();
    assert!(detail.contains("up to 288 times a day") && detail.contains("worth a request"), "{detail}");
    assert_eq!(outcomes(&report, "warning"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_base_url_is_told_as_such() {
    let sandbox = sandbox().await;
    let komet = sandbox.komet_url().replace("/api/", "/apix/");
    let axerrio = sandbox.axerrio_url().replace("/v1", "/v9");
    let place = Place::at(&komet, &axerrio, "5s", [sandbox.komet_token(), sandbox.axerrio_token()]);
    let (report, code) = place.json(&["check"]);
    // Of a Komet that is not there nothing else can be told: neither its rights nor its clock.
    assert_eq!((code, outcomes(&report, "failed")), (5, vec!["komet".to_owned(), "axerrio".to_owned()]));
    for name in ["komet", "axerrio"] {
        let detail = check(&report, name)["detail"].as_str().unwrap();
        let told = format!("there is no such address (HTTP 404): check [{name}] base_url");
        assert!(detail.ends_with(&told), "{detail}");
    }
}

/// A proxy's page with status 200 is no answer: runs end with 5 there, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_in_place_of_a_system_ends_with_5() {
    for (system, name) in [(System::Komet, "komet"), (System::Axerrio, "axerrio")] {
        let sandbox = sandbox().await;
        sandbox.act(|world, _| world.inject(Target::any(system).times(1000), Fault::Html(200)));
        let place = Place::on(&sandbox, "5s");
        let (report, code) = place.json(&["check"]);
        assert_eq!((code, outcomes(&report, "failed")), (5, vec![name.to_owned()]), "{report:#}");
        let advice = check(&report, name)["advice"].as_str().unwrap();
        assert!(advice.contains("not to a proxy's page"), "{advice}");
        assert_eq!(place.json(&["sync"]).1, 5);
    }
}

/// A configuration with another place for the database.
fn with_state(path: &str) -> Place {
    let place = Place::simulated();
    let file = place.folder.path().join("sync.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("link.db", path)).unwrap();
    place
}

#[test]
fn a_place_where_no_database_can_be_made_fails_with_what_to_do() {
    // Not even root makes a file there.
    let (report, code) = with_state("/proc/stemsync/link.db").json(&["check"]);
    let database = check(&report, "database");
    assert_eq!((code, &database["outcome"]), (4, &json!("failed")), "{report:#}");
    assert!(
        database["detail"].as_str().unwrap().starts_with("/proc/stemsync/link.db cannot be made"),
        "{database}"
    );
    assert!(database["advice"].as_str().unwrap().starts_with("Give /proc to the user"), "{database}");
}

#[test]
fn a_place_that_is_yet_to_be_made_is_tried_and_left_as_it_was() {
    let place = with_state("data/of/miami/link.db");
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcome(&report, "database")), (0, "ok".to_owned()));
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 1, "the configuration");
}

#[test]
fn a_zone_whose_clocks_never_change_is_told_with_its_region() {
    let place = Place::simulated();
    let file = place.folder.path().join("sync.toml");
    let text = fs::read_to_string(&file).unwrap();
    for (zone, region) in [("EST", Some("America/New_York")), ("CET", None), ("America/Chicago", None)] {
        fs::write(&file, format!("{text}[jobs]\ntimezone = \"{zone}\"\n")).unwrap();
        let (report, _) = place.json(&["check"]);
        let expected: Vec<_> = region.iter().map(|_| "time zone".to_owned()).collect();
        assert_eq!(outcomes(&report, "warning"), expected, "{zone}");
        if let Some(region) = region {
            assert!(check(&report, "time zone")["advice"].as_str().unwrap().contains(region));
        }
    }
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
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["komet rights".to_owned()]), "{report:#}");
    let refused = right(&report, "komet", "prebook.details.list");
    assert!(refused["detail"].as_str().unwrap().contains("Method not allowed for this user"), "{refused}");
    assert_eq!(refused["advice"], "Allow prebook.details.list for this token in Komet");
    assert_eq!(right(&report, "komet", "carrier.list")["outcome"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_method_that_is_refused_in_words_of_the_token_is_named_and_the_others_are_tried() {
    let sandbox = sandbox().await;
    sandbox.act(|world, _| {
        let body = json!({"status": 0, "message": "Method not authorized for this token"}).to_string();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        world.inject(Target::next(System::Komet, "boxtype.list").times(9), refused);
    });
    let (report, code) = Place::on(&sandbox, "5s").json(&["check"]);
    assert_eq!((code, outcomes(&report, "failed")), (4, vec!["komet rights".to_owned()]), "{report:#}");
    assert_eq!(right(&report, "komet", "boxtype.list")["advice"], "Allow boxtype.list for this token in Komet");
    for method in ["carrier.list", "prebook.details.list", "purchase.order.list"] {
        assert_eq!(right(&report, "komet", method)["outcome"], "ok", "{method}");
    }
    let carriers = sandbox.act(|world, _| world.requests().count(System::Komet, "carrier.list"));
    assert_eq!(carriers, 1, "asked once, whatever it is asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_met_with_tells_which_writing_methods_the_token_allows() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    sandbox.act(|world, _| {
        let body = json!({"status": 0, "message": "User does not have permission to this method"}).to_string();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        world.inject(Target::next(System::Komet, "purchase.order.create").times(99), refused);
    });
    tokio::task::block_in_place(|| place.json(&["sync"]));
    let (report, code) = place.json(&["check"]);
    assert_eq!(right(&report, "komet", "prebook.create")["outcome"], "ok");
    let refused = right(&report, "komet", "purchase.order.create");
    assert_eq!((code, &refused["outcome"]), (4, &json!("failed")), "{report:#}");
    assert!(refused["detail"].as_str().unwrap().contains("does not have permission"), "{refused}");
    assert_eq!(right(&report, "komet", "box.code.change")["outcome"], "untried");
    // Once it is allowed, it works, and that is the last word.
    sandbox.act(|world, _| world.clear_faults());
    tokio::task::block_in_place(|| place.json(&["sync"]));
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, &right(&report, "komet", "purchase.order.create")["outcome"]), (0, &json!("ok")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_trade_says_nothing_of_rights() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    sandbox.act(|world, _| {
        let body = json!({"status": 0, "message": "This customer is not allowed any credit"}).to_string();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        world.inject(Target::next(System::Komet, "prebook.create").times(99), refused);
    });
    tokio::task::block_in_place(|| place.json(&["sync"]));
    let (report, _) = place.json(&["check"]);
    assert_eq!(right(&report, "komet", "prebook.create")["outcome"], "untried", "{report:#}");
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

/// A user that is not root, on every Unix.
const NOBODY: u32 = 65534;

/// Gives a directory to somebody else, if this is root; else it stays whose it is.
fn give(path: &Path) -> bool {
    chown(path, Some(NOBODY), Some(NOBODY)).is_ok()
}

#[test]
fn what_root_makes_beside_the_daemon_belongs_to_the_directorys_owner() {
    let place = Place::simulated();
    give(place.folder.path());
    place.json(&["sync"]);
    let owner = fs::metadata(place.folder.path()).unwrap().uid();
    for file in fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        // -wal and -shm, too, where they were left; the configuration is the admin's.
        if name.starts_with("link.db") {
            assert_eq!(file.metadata().unwrap().uid(), owner, "{name}");
        }
    }
    let (report, code) = place.json(&["check"]);
    assert_eq!((code, outcome(&report, "database owner")), (0, "ok".to_owned()));
}

#[test]
fn a_link_in_the_daemons_directory_hands_no_file_of_roots_over() {
    let place = Place::simulated();
    let precious = tempfile::NamedTempFile::new().unwrap();
    let owner = precious.as_file().metadata().unwrap().uid();
    give(place.folder.path());
    std::os::unix::fs::symlink(precious.path(), place.folder.path().join("link.db.lock")).unwrap();
    place.json(&["sync"]);
    assert_eq!(precious.as_file().metadata().unwrap().uid(), owner);
}

#[test]
fn a_database_of_roots_in_the_daemons_directory_fails() {
    let place = Place::simulated();
    place.json(&["sync"]);
    // Only root can leave it behind, so only root can tell this story.
    let is_root = give(place.folder.path());
    let (report, code) = place.json(&["check"]);
    let owner = check(&report, "database owner");
    let (expected, ends) = if is_root { ("failed", 4) } else { ("ok", 0) };
    assert_eq!((&owner["outcome"], code), (&json!(expected), ends), "{owner}");
    assert!(!is_root || owner["advice"].as_str().unwrap().contains("chown --reference="), "{owner}");
}

#[test]
fn a_token_file_that_the_daemons_user_cannot_read_is_told() {
    let place = Place::at(NOWHERE, NOWHERE, "1s", ["a", "b"]);
    let (folder, token) = (place.folder.path(), place.folder.path().join("komet.token"));
    fs::write(&token, "hush\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.join("sync.toml");
    let named = fs::read_to_string(&file).unwrap().replace("env = \"KOMET_TOKEN\"", "file = \"komet.token\"");
    fs::write(&file, named).unwrap();
    // Only root reads what the state's owner cannot.
    let is_root = give(folder);
    let (report, _) = place.json(&["check"]);
    let told: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|c| c["name"] == "secrets").collect();
    assert!(told[0]["detail"].as_str().unwrap().contains("komet.token (mode 0600, "), "{report:#}");
    assert_eq!(told.len(), if is_root { 2 } else { 1 }, "{report:#}");
    assert!(!is_root || told[1]["advice"].as_str().unwrap().contains("LoadCredential="), "{report:#}");
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
