//! The commands that need no other system: what they answer and change.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::{NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use stemsync::domain::{AxOrderId, Flow, HoldReason, LabelId, LabelStatus, PoNumber};
use stemsync::store::intents::{self, NewIntent};
use stemsync::store::orders::{self, NewOrder};
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{RunLock, holds};
use stemsync::sync::report::{Job, Outcome};
use stemsync::systems::System;

use super::place::{Place, hold, hold_for, labelled_order, run, run_by};

#[test]
fn before_the_first_run_nothing_waits_and_no_database_is_made() {
    let place = Place::new();
    let (status, code) = place.json(&["status"]);
    assert_eq!(code, 0);
    assert_eq!(status["healthy"], true);
    assert_eq!(status["jobs"][0]["last_run"], Value::Null);
    assert_eq!(place.json(&["holds"]), (json!({"holds": []}), 0));
    assert_eq!(place.json(&["map", "product"]), (json!({"kind": "product", "entries": []}), 0));
    assert!(!place.database().exists());
}

/// The names that an object has, sorted: their order says nothing.
pub(crate) fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

#[test]
fn status_has_exactly_the_keys_that_scripts_rely_on() {
    let place = Place::new();
    run(&place.store(), 1, Outcome::Ok, 0);
    let (status, code) = place.json(&["status"]);
    assert_eq!(code, 0);
    assert_eq!(keys(&status), ["backlog", "budget", "failed", "healthy", "held", "jobs", "quota", "unverified"]);
    let job = ["job", "last_run", "last_success", "next_run", "schedule", "watermark"];
    assert_eq!(keys(&status["jobs"][0]), job);
    assert_eq!(status["jobs"][0]["schedule"], "0 */2 * * * *");
    assert_eq!((&status["quota"]["limit"], &status["quota"]["used"]), (&json!(1000), &json!(0)));
    assert!(status["quota"]["resets_at"].as_str().unwrap().ends_with("T00:00:00Z"));
}

#[test]
fn status_is_4_while_something_is_held() {
    let place = Place::new();
    hold(&place.store(), labelled_order(&place.store()));
    let (status, code) = place.json(&["status"]);
    assert_eq!((code, &status["healthy"], &status["held"]), (4, &json!(false), &json!(1)));
    assert!(place.told(&["status"]).0.contains("stemsync holds"));
}

#[test]
fn status_is_4_after_a_run_that_failed_and_0_after_one_that_did_not() {
    let place = Place::new();
    run(&place.store(), 2, Outcome::Failed, 0);
    let (told, code) = place.told(&["status"]);
    assert!(code == 4 && told.contains("orders: its last run failed"), "{told}");
    run(&place.store(), 1, Outcome::Ok, 0);
    assert_eq!(place.told(&["status"]).1, 0);
}

#[test]
fn status_is_4_while_pushes_failed() {
    let place = Place::new();
    run(&place.store(), 1, Outcome::Attention, 2);
    let (status, code) = place.json(&["status"]);
    assert_eq!((code, &status["failed"]), (4, &json!(2)));
}

#[test]
fn status_is_4_when_a_job_is_overdue_but_not_when_it_is_off() {
    let place = Place::new();
    run(&place.store(), 24 * 60, Outcome::Ok, 0);
    let (told, code) = place.told(&["status"]);
    assert!(code == 4 && told.contains("orders: it is overdue"), "{told}");
    let off = "[jobs]\norders = \"off\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n";
    let file = place.folder.path().join("sync.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap() + off).unwrap();
    assert_eq!(place.told(&["status"]).1, 0);
}

/// A timer or cron runs as seldom as the admin says.
#[test]
fn a_job_is_overdue_sooner_where_a_daemon_runs_it() {
    let place = Place::new();
    run(&place.store(), 60, Outcome::Ok, 0);
    assert_eq!(place.told(&["status"]).1, 0);
    run_by("schedule", &place.store(), 59, Outcome::Ok, 0);
    let (told, code) = place.told(&["status"]);
    assert!(code == 4 && told.contains("orders: it is overdue"), "{told}");
}

#[test]
fn a_hold_is_listed_released_and_gone() {
    let place = Place::new();
    let id = hold(&place.store(), labelled_order(&place.store()));
    let (listed, code) = place.json(&["holds", "list"]);
    assert_eq!(code, 0);
    let first = &listed["holds"][0];
    assert_eq!(keys(first), ["detail", "id", "line", "order", "reason", "since"]);
    assert_eq!(
        (&first["id"], &first["reason"], &first["order"]),
        (&json!(id), &json!("edited_in_komet"), &json!("AX-1"))
    );
    let (decided, code) = place.json(&["holds", "release", &id.to_string(), "--take", "komet"]);
    assert_eq!((code, &decided["verdict"]), (0, &json!("take_komet")));
    assert_eq!(place.json(&["holds"]).0, json!({"holds": []}));
    let (told, code) = place.complaint(&["holds", "dismiss", &id.to_string()]);
    assert!(code == 2 && told.contains(&format!("there is no hold {id}")), "{told}");
}

#[test]
fn a_product_that_komet_does_not_know_has_no_side_to_take() {
    let place = Place::new();
    let id = hold_for(&place.store(), labelled_order(&place.store()), HoldReason::UnmappedProduct).to_string();
    assert!(!place.told(&["holds"]).0.contains("--take"));
    for side in ["axerrio", "komet"] {
        let (told, code) = place.complaint(&["holds", "release", &id, "--take", side]);
        assert!(code == 2 && told.contains("has no side to take, only to be dismissed: "), "{told}");
    }
    assert_eq!(place.store().read_blocking(holds::count).unwrap(), 1);
    assert!(place.told(&["holds", "dismiss", &id]).0.contains("until it is mapped"));
}

#[test]
fn a_decision_waits_for_the_run_that_is_going_on() {
    let place = Place::new();
    let id = hold(&place.store(), labelled_order(&place.store())).to_string();
    let lock = RunLock::try_acquire(&place.database()).unwrap().unwrap();
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
    let child = command.args(["holds", "dismiss", &id]).current_dir(place.folder.path());
    let mut child = child.env_remove("STEMSYNC_CONFIG").stdout(std::process::Stdio::null()).spawn().unwrap();
    // Whenever the lock is let go, the decision comes after it: nothing here depends on how fast either is.
    let waiting = place.store().read_blocking(holds::count).unwrap();
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert_eq!((waiting, place.store().read_blocking(holds::count).unwrap()), (1, 0));
}

#[test]
fn a_map_is_set_listed_exported_imported_and_removed() {
    let place = Place::new();
    assert_eq!(place.json(&["map", "product", "set", "ROS-60", "915"]).0["changed"], 1);
    assert_eq!(place.json(&["map", "product", "set", "ROS-60", "915"]).0["changed"], 0);
    assert_eq!(place.told(&["map", "product"]).0, "AXERRIO CODE\tKOMET ID\nROS-60\t915\n");
    assert_eq!(place.told(&["map", "carrier"]).0, "");
    let csv = place.folder.path().join("map.csv");
    assert_eq!(place.told(&["map", "product", "export", "map.csv"]).1, 0);
    assert_eq!(fs::read_to_string(&csv).unwrap(), "axerrio_code,komet_id\nROS-60,915\n");
    assert_eq!(place.told(&["map", "product", "export", "-"]).0, "axerrio_code,komet_id\nROS-60,915\n");
    fs::write(&csv, "axerrio_code,komet_id\nROS-60,916\nROS-70,917\n").unwrap();
    let (imported, code) = place.json(&["map", "product", "import", "map.csv"]);
    assert_eq!((code, &imported["codes"], &imported["changed"]), (0, &json!(2), &json!(2)));
    assert_eq!(place.told(&["map", "product", "remove", "ROS-70"]).1, 0);
    let entries = json!([{"axerrio_code": "ROS-60", "komet_id": 916}]);
    assert_eq!(place.json(&["map", "product"]).0["entries"], entries);
    let (told, code) = place.complaint(&["map", "product", "remove", "ROS-06"]);
    assert!(code == 2 && told.contains("did you mean ROS-60?"), "{told}");
}

#[test]
fn a_map_is_written_over_nothing_that_the_link_works_with() {
    let place = Place::new();
    let file = |name: &str| place.folder.path().join(name);
    fs::write(file("page.password"), "roses are red").unwrap();
    fs::set_permissions(file("page.password"), fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(file("sync.toml")).unwrap();
    let credential = "[status]\npassword = { credential = \"page.password\" }\n";
    fs::write(file("sync.toml"), format!("{text}{credential}")).unwrap();
    place.json(&["map", "product", "set", "ROS-60", "915"]);
    std::os::unix::fs::symlink("sync.toml", file("map.csv")).unwrap();
    for own in ["link.db", "sync.toml", "map.csv", "page.password", "sandbox.json"] {
        let (told, code) = place.complaint(&["map", "product", "export", own]);
        assert!(code == 2 && told.contains("stemsync works with"), "{own}: {told}");
    }
    assert_eq!(fs::read_to_string(file("page.password")).unwrap(), "roses are red");
    assert!(fs::read_to_string(file("sync.toml")).unwrap().ends_with(credential));
}

#[test]
fn a_code_that_means_another_id_from_now_on_is_told_with_the_one_it_replaces() {
    let place = Place::new();
    let set = |id| place.told(&["map", "product", "set", "ROS-60", id]).0;
    assert_eq!(set("915"), "product ROS-60 is 915 in Komet.\n");
    assert_eq!(set("915"), "product ROS-60 is 915 in Komet.\n");
    assert_eq!(set("916"), "product ROS-60 is 916 in Komet, no longer 915.\n");
    assert_eq!(place.json(&["map", "product", "set", "ROS-60", "917"]).0["replaces"], 916);
}

#[test]
fn what_is_no_number_is_told_in_plain_words() {
    let place = Place::new();
    for args in [
        &["map", "product", "set", "ROS-60", "rose"][..],
        &["holds", "dismiss", "first"],
        &["history", "--limit", "0"],
        &["sandbox", "--people", "soon"],
    ] {
        let (told, code) = place.complaint(args);
        assert!(code == 2 && told.contains("a whole number is expected"), "{told}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_names_standard_output() {
    let place = Place::new();
    for args in [&["status"][..], &["holds", "--format", "json"], &["completions", "bash"]] {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
        command.args(args).current_dir(place.folder.path()).env_remove("STEMSYNC_CONFIG");
        let output = command.stdout(fs::File::create("/dev/full").unwrap()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(told.starts_with("error: cannot write to standard output: No space left"), "{told}");
    }
}

#[test]
fn a_csv_with_a_bad_row_imports_nothing() {
    let place = Place::new();
    let csv = "axerrio_code,komet_id\nA,1\nB,none\nA,2\n";
    fs::write(place.folder.path().join("map.csv"), csv).unwrap();
    let (told, code) = place.complaint(&["map", "product", "import", "map.csv"]);
    assert_eq!(code, 2);
    assert!(told.contains("row 3: komet_id: found \"none\"") && told.contains("row 4: A stands"), "{told}");
    assert_eq!(place.json(&["map", "product"]).0["entries"], json!([]));
}

#[test]
fn a_csv_comes_from_stdin() {
    let place = Place::new();
    let mut command = place.command(&["map", "box-type", "import", "-"]);
    command.write_stdin("axerrio_code,komet_id\nHB,2\n").assert().success();
    assert_eq!(place.json(&["map", "box-type"]).0["entries"][0]["komet_id"], 2);
}

#[test]
fn a_watermark_is_set_back_and_never_forward() {
    let place = Place::new();
    let now = Utc::now();
    let marks = move |conn: &stemsync::store::Connection| {
        let today = (now.date_naive() - NaiveDate::default()).num_days() / 7;
        watermarks::set(conn, Stream::Prebooks, today, now - TimeDelta::hours(1))?;
        watermarks::set(conn, Stream::Prebooks, today + 1, now - TimeDelta::hours(9))?;
        watermarks::set(conn, Stream::Orders, 0, now - TimeDelta::hours(5))
    };
    place.store().write_blocking(marks).unwrap();
    let age =
        |value: &Value| (now - value.as_str().unwrap().parse::<chrono::DateTime<Utc>>().unwrap()).num_hours();

    let (told, code) = place.complaint(&["watermark", "set", "orders", "2h"]);
    assert!(code == 2 && told.contains("only set back"), "{told}");
    assert_eq!(place.complaint(&["watermark", "set", "orders", "2999-01-01"]).1, 2);
    assert_eq!(place.complaint(&["watermark", "set", "labels", "2h"]).1, 2);
    let (set, code) = place.json(&["watermark", "set", "orders", "30h"]);
    assert_eq!((code, age(&set["watermarks"][0]["watermark"])), (0, 29));

    let (set, _) = place.json(&["watermark", "set", "prebooks", "3h"]);
    let ages: Vec<_> =
        set["watermarks"][0]["windows"].as_array().unwrap().iter().map(|w| age(&w["watermark"])).collect();
    assert_eq!(ages, [2, 9]);

    assert_eq!(place.json(&["watermark", "reset", "orders"]).0["watermarks"][0]["watermark"], Value::Null);
    let (all, _) = place.json(&["watermark"]);
    assert_eq!(all["watermarks"].as_array().unwrap().len(), 4);
    assert_eq!(place.json(&["watermark", "labels"]).0["watermarks"][0]["job"], "labels");
}

#[test]
fn an_order_is_traced_by_any_of_its_names() {
    let place = Place::new();
    labelled_order(&place.store());
    let (story, code) = place.json(&["trace", "AX-1"]);
    assert_eq!(code, 0);
    for name in ["ax-1", "85063", "14021", "BX-1", "BX-2"] {
        assert_eq!(place.json(&["trace", name]), (story.clone(), 0), "{name}");
    }
    assert_eq!(keys(&story), ["axerrio", "boxes", "events", "flow", "komet", "order", "stage"]);
    assert_eq!((&story["flow"], &story["stage"]), (&json!(1), &json!("po_approved")));
    assert_eq!(story["axerrio"]["lines"][0]["confirmed_boxes"], 4);
    assert_eq!(story["axerrio"]["lines"][0]["unit_cost"], "0.32");
    assert_eq!(story["komet"]["prebooks"][0]["number"], "85063");
    assert_eq!(story["komet"]["purchase_orders"][0]["status"], "approved");
    let boxes: Vec<_> = story["boxes"].as_array().unwrap().iter().map(|b| (&b["code"], &b["status"])).collect();
    assert_eq!(boxes, [(&json!("BX-1"), &json!("received")), (&json!("BX-2"), &json!("printed"))]);
    let event = json!({"at": "2026-01-10T15:00:00Z", "system": "komet", "what": "prebook.create",
                       "detail": "prebook 85063 (adopted)"});
    assert_eq!(story["events"][0], event);
}

#[test]
fn a_trace_reads_like_a_story() {
    let place = Place::new();
    let id = hold(&place.store(), labelled_order(&place.store()));
    let (told, _) = place.told(&["trace", "AX-1", "--color", "always"]);
    let plain = told.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
    let plain: String = plain.collect();
    for words in [
        "AX-1, ordered in Axerrio: its PO is approved, not all labelled (po_approved)",
        "4 of 5 HB",
        "Prebook 85063, truck 2026-01-17",
        "PO 14021, approved, ships 2026-01-15, AWB 729-1",
        "Jan 10 10:00  Komet     prebook.create: prebook 85063 (adopted)",
        &format!("{id}  edited_in_komet, order AX-1, line 1"),
    ] {
        assert!(plain.contains(words), "{words} in:\n{plain}");
    }
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
}

#[test]
fn an_unknown_reference_ends_with_4_and_says_what_was_searched() {
    let place = Place::new();
    let (told, code) = place.told(&["trace", "AX-9"]);
    assert!(code == 4 && told.contains("AX-9") && told.contains("box codes"), "{told}");
    let (story, code) = place.json(&["trace", "AX-9"]);
    assert_eq!((code, &story["order"]), (4, &Value::Null));
    assert_eq!(story["searched"].as_array().unwrap().len(), 5);
}

#[test]
fn status_is_4_while_a_request_has_no_answer() {
    let place = Place::new();
    let key = labelled_order(&place.store());
    let intent = move |conn: &stemsync::store::Connection| {
        let new = NewIntent::new(
            "run",
            Job::Orders,
            System::Komet,
            "prebook.create",
            &json!({}),
            vec![key],
            Utc::now(),
        )?;
        intents::open(conn, &new)
    };
    place.store().write_blocking(intent).unwrap();
    let (status, code) = place.json(&["status"]);
    assert_eq!((code, &status["unverified"]), (4, &json!(1)));
}

#[test]
fn a_po_of_several_orders_tells_all_of_them() {
    let place = Place::new();
    labelled_order(&place.store());
    let other = |conn: &stemsync::store::Connection| {
        let new = NewOrder {
            flow: Flow::FromAxerrio,
            ax_id: Some(AxOrderId("AX-2".to_owned())),
            reference: None,
            prebook: None,
            ship_date: NaiveDate::default(),
        };
        let key = orders::insert(conn, &new)?;
        let mut agreed = orders::load_agreed(conn, key)?;
        agreed.po = Some(PoNumber("14021".to_owned()));
        orders::save_agreed(conn, key, &agreed)
    };
    place.store().write_blocking(other).unwrap();
    let (told, code) = place.json(&["trace", "14021"]);
    let orders: Vec<_> = told["orders"].as_array().unwrap().iter().map(|o| &o["order"]).collect();
    assert_eq!((code, orders), (0, vec![&json!("AX-1"), &json!("AX-2")]));
}

#[test]
fn a_void_labels_box_that_komet_still_has_is_told_as_both() {
    let place = Place::new();
    let store = place.store();
    let key = labelled_order(&store);
    let void = move |conn: &stemsync::store::Connection| {
        let order = orders::load(conn, key)?.unwrap();
        let mut label = order.axerrio.labels.into_iter().find(|l| l.id == LabelId("L1".to_owned())).unwrap();
        label.status = LabelStatus::Void;
        stemsync::store::labels::observe(conn, &label)
    };
    store.write_blocking(void).unwrap();
    let (story, _) = place.json(&["trace", "AX-1"]);
    let boxes: Vec<_> = story["boxes"].as_array().unwrap().iter().map(|b| (&b["code"], &b["status"])).collect();
    let (first, second) = (json!("BX-1"), json!("BX-2"));
    let expected = [(&first, &json!("void")), (&second, &json!("printed")), (&first, &json!("received"))];
    assert_eq!(boxes, expected);
}
