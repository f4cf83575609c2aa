//! The program as a shell sees it: exit statuses, what goes to stdout, and the commands that need no other system.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use chrono::{NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use stemsync::domain::*;
use stemsync::store::events::{self, Event};
use stemsync::store::orders::{self, NewOrder};
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{RunLock, Store, holds, runs};
use stemsync::sync::report::*;
use stemsync::systems::System;

/// A directory with a configuration that runs on the sandbox, and a database in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"link.db\"\n";
        fs::write(folder.path().join("sync.toml"), text).unwrap();
        Self { folder }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("link.db")
    }

    fn store(&self) -> Store {
        Store::open(&self.database()).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command.current_dir(self.folder.path()).args(args);
        command
    }

    /// What a command answers in JSON, and its exit status.
    fn json(&self, args: &[&str]) -> (Value, i32) {
        let output = self.command(args).args(["--format", "json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text);
        let errors = String::from_utf8_lossy(&output.stderr);
        (value.unwrap_or_else(|e| panic!("{e}: {text:?} {errors}")), output.status.code().unwrap())
    }

    /// What a command prints for people, and its exit status.
    fn told(&self, args: &[&str]) -> (String, i32) {
        let output = self.command(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }

    /// What a command complains of, and its exit status.
    fn complaint(&self, args: &[&str]) -> (String, i32) {
        let output = self.command(args).output().unwrap();
        assert!(output.stdout.is_empty(), "{:?}", String::from_utf8_lossy(&output.stdout));
        (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    }
}

fn bare() -> Command {
    let mut command = Command::cargo_bin("stemsync").unwrap();
    for name in ["STEMSYNC_CONFIG", "RUST_LOG", "NO_COLOR", "JOURNAL_STREAM", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An order of flow 1: five boxes of roses, a Prebook, a PO, two labels of which one has arrived in Komet.
fn labelled_order(store: &Store) -> OrderKey {
    let terms = LineTerms {
        product: Product { code: "ROS-60".to_owned(), description: "Rose Freedom 60 cm".to_owned() },
        box_type: "HB".to_owned(),
        boxes: 5,
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: UnitType::Stem,
        unit_cost: "0.32".parse().unwrap(),
        unit_price: None,
        mark_code: None,
        notes: None,
        mix: Vec::new(),
    };
    let order = AxOrder {
        id: AxOrderId("AX-1".to_owned()),
        external_ref: None,
        origin: Origin::Axerrio,
        status: AxStatus::Accepted,
        version: 3,
        changed_at: "2026-01-10T09:00:00Z".parse().unwrap(),
        header: Header {
            customer: Party { code: "ROSEMART".to_owned(), name: "Rosemart".to_owned() },
            customer_po: Some("4711".to_owned()),
            ship_date: day("2026-01-15"),
            truck_date: Some(day("2026-01-17")),
            carrier: None,
            location: None,
            comments: None,
        },
        lines: vec![AxLine { id: LineId("1".to_owned()), terms, confirmed_boxes: Some(4) }],
        purchase_order: None,
    };
    let goods = KometTerms {
        product: KometProduct { id: Some(915), description: "Rose Freedom 60".to_owned() },
        box_type: "HB".to_owned(),
        boxes: 4,
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: Some(UnitType::Stem),
        unit_cost: "0.32".parse().unwrap(),
        mark_code: None,
        notes: None,
        breakdowns: Vec::new(),
    };
    let shipped = PoBox { code: "BX-1".to_owned(), lot_number: None, status: Some("Received".to_owned()) };
    let komet = KometView {
        prebooks: vec![Prebook {
            id: PrebookId(85_000),
            number: PrebookNumber("85063".to_owned()),
            kind: PrebookKind::Prebook,
            header: PrebookHeader {
                customer_id: None,
                customer_code: Some("ROSEMART".to_owned()),
                customer_name: None,
                location_code: None,
                truck_date: day("2026-01-17"),
                customer_po: Some("4711".to_owned()),
                carrier_id: None,
                carrier_name: None,
            },
            comments: Some("[AX AX-1]".to_owned()),
            items: vec![PrebookItem {
                id: ItemId(11),
                ship_date: day("2026-01-15"),
                terms: goods.clone(),
                po_number: None,
            }],
        }],
        purchase_orders: vec![PurchaseOrder {
            number: PoNumber("14021".to_owned()),
            status: PoStatus::Approved,
            ship_date: day("2026-01-15"),
            updated_on: None,
            awb: Some("729-1".to_owned()),
            location: None,
            lines: vec![PoLine {
                id: PoItemId(21),
                item_id: Some(ItemId(11)),
                terms: goods,
                boxes: vec![shipped],
            }],
        }],
    };
    let label = |n: u32| Label {
        id: LabelId(format!("L{n}")),
        order_id: AxOrderId("AX-1".to_owned()),
        line_id: LineId("1".to_owned()),
        box_number: n,
        box_code: format!("BX-{n}"),
        lot_number: Some("77".to_owned()),
        awb: Some("729-1".to_owned()),
        house_awb: None,
        ship_date: day("2026-01-15"),
        status: LabelStatus::Printed,
        changed_at: "2026-01-12T09:00:00Z".parse().unwrap(),
    };
    store
        .write_blocking(move |conn| {
            let new = NewOrder {
                flow: Flow::FromAxerrio,
                ax_id: Some(order.id.clone()),
                reference: None,
                prebook: None,
                ship_date: order.header.ship_date,
            };
            let key = orders::insert(conn, &new)?;
            orders::observe_axerrio(conn, key, &order)?;
            orders::observe_komet(conn, key, &komet)?;
            for n in [2, 1] {
                stemsync::store::labels::observe(conn, &label(n))?;
            }
            orders::settle(conn, key, Stage::PoApproved, order.header.ship_date, false)?;
            let told = Event {
                order: Some(key),
                run: None,
                at: "2026-01-10T15:00:00Z".parse().unwrap(),
                system: Some(System::Komet),
                what: "prebook.create".to_owned(),
                detail: "prebook 85063".to_owned(),
                result: Some(ActionResult::Adopted),
            };
            events::add(conn, &told)?;
            Ok(key)
        })
        .unwrap()
}

/// Puts a hold on an order; answers its number.
fn hold(store: &Store, key: OrderKey) -> i64 {
    let hold = Hold {
        reason: HoldReason::EditedInKomet,
        line: Some(LineId("1".to_owned())),
        cause: "boxes 5 to 4".to_owned(),
        detail: "Komet has 4 boxes, Axerrio 5.".to_owned(),
    };
    store
        .write_blocking(move |conn| {
            holds::sync_order(conn, key, &[hold], Utc::now())?;
            Ok(holds::list(conn)?[0].id)
        })
        .unwrap()
}

/// Records a run of all jobs that ended `minutes` ago.
fn run(store: &Store, minutes: i64, outcome: Outcome, failed: u64) {
    let at = Utc::now() - TimeDelta::minutes(minutes);
    let job = |job| JobReport {
        job,
        outcome,
        polled: 1,
        changed: 0,
        pushed: 0,
        held: 0,
        failed: if job == Job::Orders { failed } else { 0 },
        requests: Requests::default(),
        watermark: WatermarkMove::default(),
        error: None,
    };
    let report = RunReport {
        run: format!("run-{:04}", 9999 - minutes),
        dry_run: false,
        outcome,
        started_at: at,
        finished_at: at,
        jobs: Job::ALL.map(job).to_vec(),
        actions: Vec::new(),
        quota: QuotaReport { limit: 1000, used: 0, resets_at: at },
    };
    store
        .write_blocking(move |conn| {
            runs::begin(conn, &report.run, "sync", at)?;
            runs::finish(conn, &report, false)
        })
        .unwrap();
}

#[test]
fn help_shows_examples_and_exit_statuses() {
    let output = bare().arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("EXAMPLES:") && text.contains("EXIT STATUS:"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn the_version_is_told() {
    let output = bare().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), concat!("stemsync ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_ends_with_2() {
    for args in [
        &[][..],
        &["frobnicate"],
        &["status", "--frobnicate"],
        &["trace"],
        &["holds", "release", "1"],
        &["holds", "release", "1", "--take", "both"],
        &["holds", "dismiss", "one"],
        &["map", "flower"],
        &["map", "product", "set", "A", "0"],
        &["watermark", "set", "orders", "yesterday"],
        &["watermark", "set", "everything", "2h"],
        &["status", "-v", "-q"],
        &["status", "--color", "mauve"],
    ] {
        let output = bare().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_wrong_configuration_ends_with_3_and_tells_every_problem() {
    let place = Place::new();
    fs::write(place.folder.path().join("sync.toml"), "[komet]\nbase_url = \"sandbox\"\nusers = 0\n").unwrap();
    for format in ["table", "json"] {
        let (told, code) = place.complaint(&["status", "--format", format]);
        assert_eq!(code, 3);
        assert!(told.contains("sync.toml:3: komet.users") && told.contains("axerrio.base_url"), "{told}");
    }
}

#[test]
fn no_configuration_ends_with_3_and_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let output = bare().current_dir(folder.path()).arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("./sync.toml") && told.contains("/etc/stemsync/sync.toml"), "{told}");
}

#[test]
fn the_option_wins_over_the_variable_and_the_variable_over_the_directory() {
    let place = Place::new();
    let broken = place.folder.path().join("broken.toml");
    fs::write(&broken, "").unwrap();
    assert!(place.command(&["status"]).env("STEMSYNC_CONFIG", &broken).output().unwrap().status.code() == Some(3));
    let good = ["status", "-c", "sync.toml"];
    assert!(place.command(&good).env("STEMSYNC_CONFIG", &broken).output().unwrap().status.success());
    let (told, code) = place.complaint(&["status", "-c", "absent.toml"]);
    assert!(code == 3 && told.contains("absent.toml (named by -c)"), "{told}");
}

#[test]
fn a_pipe_gets_no_colour_unless_it_is_asked_for() {
    let place = Place::new();
    hold(&place.store(), labelled_order(&place.store()));
    for args in [&["holds"][..], &["status"], &["trace", "AX-1"], &["map", "product"], &["watermark"]] {
        assert!(!place.told(args).0.contains('\u{1b}'), "{args:?}");
    }
    let always = ["--color", "always", "trace", "AX-1"];
    assert!(place.told(&always).0.contains('\u{1b}'));
    let json = place.command(&["holds", "--color", "always", "--format", "json"]).output().unwrap();
    assert!(!String::from_utf8(json.stdout).unwrap().contains('\u{1b}'));
}

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

#[test]
fn status_has_exactly_the_keys_that_scripts_rely_on() {
    let place = Place::new();
    run(&place.store(), 1, Outcome::Ok, 0);
    let (status, code) = place.json(&["status"]);
    assert_eq!(code, 0);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&status), ["backlog", "failed", "healthy", "held", "jobs", "quota", "unverified"]);
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

#[test]
fn a_hold_is_listed_released_and_gone() {
    let place = Place::new();
    let id = hold(&place.store(), labelled_order(&place.store()));
    let (listed, code) = place.json(&["holds", "list"]);
    assert_eq!(code, 0);
    let first = &listed["holds"][0];
    let keys: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["detail", "id", "line", "order", "reason", "since"]);
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
    let keys: Vec<_> = story.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["axerrio", "boxes", "events", "flow", "komet", "order", "stage"]);
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
        "AX-1, ordered in Axerrio: its PO is approved and waits for labels (po_approved)",
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
fn a_damaged_database_is_told_plainly() {
    let place = Place::new();
    fs::write(place.database(), "this is no database, however long one looks at it".repeat(100)).unwrap();
    let (told, code) = place.complaint(&["holds"]);
    assert!(code == 1 && told.contains("link.db"), "{told}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
    let child = child.arg("status").current_dir(place.folder.path()).env_remove("STEMSYNC_CONFIG");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = child.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}
