//! Where the tests' commands run: a directory of their own, with a configuration and what a run leaves in the
//! database.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use chrono::{NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use stemsync::domain::*;
use stemsync::store::events::{self, Event};
use stemsync::store::orders::{self, NewOrder};
use stemsync::store::{Store, holds, runs};
use stemsync::sync::report::*;
use stemsync::systems::System;

/// A directory with a configuration that runs on the sandbox, and a database in it.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"link.db\"\n";
        fs::write(folder.path().join("sync.toml"), text).unwrap();
        Self { folder }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.path().join("link.db")
    }

    pub(super) fn store(&self) -> Store {
        Store::open(&self.database()).unwrap()
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command.current_dir(self.folder.path()).args(args);
        command
    }

    /// What a command answers in JSON, and its exit status.
    pub(super) fn json(&self, args: &[&str]) -> (Value, i32) {
        let output = self.command(args).args(["--format", "json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text);
        let errors = String::from_utf8_lossy(&output.stderr);
        (value.unwrap_or_else(|e| panic!("{e}: {text:?} {errors}")), output.status.code().unwrap())
    }

    /// What a command prints for people, and its exit status.
    pub(super) fn told(&self, args: &[&str]) -> (String, i32) {
        let output = self.command(args).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }

    /// What a command complains of, and its exit status.
    pub(super) fn complaint(&self, args: &[&str]) -> (String, i32) {
        let output = self.command(args).output().unwrap();
        assert!(output.stdout.is_empty(), "{:?}", String::from_utf8_lossy(&output.stdout));
        (String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    }
}

pub(super) fn bare() -> Command {
    let mut command = Command::cargo_bin("stemsync").unwrap();
    for name in ["STEMSYNC_CONFIG", "RUST_LOG", "NO_COLOR", "JOURNAL_STREAM", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// What was printed, without its colours.
pub(super) fn plain(text: &str) -> String {
    text.split('\u{1b}')
        .map(|part| part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |(_, rest)| rest))
        .collect()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An order of flow 1: five boxes of roses, a Prebook, a PO, two labels of which one has arrived in Komet.
pub(super) fn labelled_order(store: &Store) -> OrderKey {
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
pub(super) fn hold(store: &Store, key: OrderKey) -> i64 {
    hold_for(store, key, HoldReason::EditedInKomet)
}

/// As [`hold`], for that reason.
pub(super) fn hold_for(store: &Store, key: OrderKey, reason: HoldReason) -> i64 {
    let hold = Hold {
        reason,
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
pub(super) fn run(store: &Store, minutes: i64, outcome: Outcome, failed: u64) {
    run_by("sync", store, minutes, outcome, failed);
}

/// The same, by whoever started it.
pub(super) fn run_by(trigger: &'static str, store: &Store, minutes: i64, outcome: Outcome, failed: u64) {
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
            runs::begin(conn, &report.run, trigger, at)?;
            runs::finish(conn, &report, false)
        })
        .unwrap();
}
