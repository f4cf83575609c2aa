//! The file does not grow for ever: old runs and events go and their room comes back, open work and links stay.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::types::Value;
use stemsync::domain::{HoldReason, MapKind, OrderKey};
use stemsync::store::events::{self, Event};
use stemsync::store::intents::{self, NewIntent};
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{Connection, RunLock, Store, Upkeep, holds, labels, maps, orders, runs};
use stemsync::sync::report::{
    ActionResult, Job, JobReport, Outcome, QuotaReport, Requests, RunReport, WatermarkMove,
};
use stemsync::systems::System;

use crate::trade::*;

const RETENTION: Duration = Duration::from_hours(90 * 24);

/// Old enough to go.
fn long_ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::days(120) + TimeDelta::minutes(minutes)
}

fn report(run: &str, outcome: Outcome, at: DateTime<Utc>) -> RunReport {
    let job = |job| JobReport {
        job,
        outcome,
        polled: 12,
        changed: 3,
        pushed: 3,
        held: 0,
        failed: 0,
        requests: Requests { axerrio: 2, komet: 9 },
        watermark: WatermarkMove { before: Some(at), after: Some(at) },
        error: None,
    };
    RunReport {
        run: run.to_owned(),
        dry_run: false,
        outcome,
        started_at: at,
        finished_at: at + TimeDelta::seconds(4),
        jobs: Job::ALL.map(job).to_vec(),
        actions: Vec::new(),
        quota: QuotaReport { limit: 1000, used: 40, resets_at: at },
    }
}

/// A run in which three pushes were made for the order.
fn ran(conn: &Connection, id: &str, order: OrderKey, outcome: Outcome, at: DateTime<Utc>) {
    runs::begin(conn, id, "schedule", at).unwrap();
    for n in 0..3 {
        let event = Event {
            order: Some(order),
            run: Some(id.to_owned()),
            at: at + TimeDelta::seconds(n),
            system: Some(System::Komet),
            what: "purchase.order.items.awb.add".to_owned(),
            detail: format!("{n} boxes of PO 14021 got their codes and the AWB 729-12345675"),
            result: Some(ActionResult::Done),
        };
        events::add(conn, &event).unwrap();
    }
    runs::finish(conn, &report(id, outcome, at), false).unwrap();
}

/// A link of some age: a thousand old runs, ten of these days, one that broke off, and an order with everything that
/// can hang on one, all of it open.
fn well_used(store: &Store) -> OrderKey {
    let order = settled(store, flow_1("AX-1", "2026-03-05"));
    store
        .write_blocking(move |conn| {
            orders::observe_axerrio(conn, order, &ax_order("AX-1", "2026-03-05"))?;
            let mut view = orders::load_komet(conn, order)?;
            view.prebooks.push(prebook(85, "85063", &[11], "2026-03-05"));
            view.purchase_orders.push(purchase_order("14021", 11, &["BX-1"], "2026-03-05"));
            orders::observe_komet(conn, order, &view)?;
            labels::observe(conn, &label("L1", "AX-1", "BX-1"))?;
            let waits = hold(HoldReason::EditedInKomet, Some("1"), "boxes 5 to 4");
            holds::sync_order(conn, order, &[waits], long_ago(0))?;
            let intent = NewIntent::new(
                "01OLD0000",
                Job::Orders,
                System::Komet,
                "prebook.create",
                &1,
                vec![order],
                long_ago(0),
            )?;
            intents::open(conn, &intent)?;
            maps::set(conn, MapKind::Product, "ROS-60", 915)?;
            watermarks::set(conn, Stream::Orders, 0, long_ago(0))?;
            for n in 0..1000 {
                ran(conn, &format!("01OLD{n:04}"), order, Outcome::Ok, long_ago(n));
            }
            runs::begin(conn, "01OLDBROKEN", "schedule", long_ago(2000))?;
            for n in 0..10 {
                ran(conn, &format!("01YOUNG{n:02}"), order, Outcome::Failed, now() - TimeDelta::days(10 - n));
            }
            Ok(())
        })
        .unwrap();
    order
}

/// Every row of every table but those that retention is about.
fn kept(conn: &Connection) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let names = names.into_iter().filter(|name| !["runs", "run_jobs", "events"].contains(&name.as_str()));
    names
        .map(|name| {
            let mut statement = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect()).unwrap();
            let rows = rows.map(Result::unwrap).collect();
            (name, rows)
        })
        .collect()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

async fn upkeep(store: &Store) -> Upkeep {
    let lock = RunLock::try_acquire(store.path()).unwrap().unwrap();
    store.upkeep(&lock, now(), RETENTION).await.unwrap()
}

/// Writes what is in the log into the file, so that its size can be told.
fn settle_file(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}

fn pragma(store: &Store, name: &'static str) -> i64 {
    store.read_blocking(move |conn| Ok(conn.pragma_query_value(None, name, |row| row.get(0))?)).unwrap()
}

/// The tests' closures wait for the store; the runtime must not be the thread that does.
fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

#[test]
fn a_thousand_old_runs_go_their_room_comes_back_and_all_open_work_stays() {
    let (_dir, store) = fresh();
    let order = well_used(&store);
    settle_file(store.path());
    let (before, large) = (store.read_blocking(|conn| Ok(kept(conn))).unwrap(), size(store.path()));

    let done = block(upkeep(&store));
    // The last success of each job is an old one: `status` still tells of it.
    assert_eq!((done.runs, done.events), (1000, 3000));
    let left = store.read_blocking(|conn| runs::list(conn, None, 100)).unwrap();
    let mut expected: Vec<_> = (0..10).rev().map(|n| format!("01YOUNG{n:02}")).collect();
    expected.push("01OLD0999".to_owned());
    assert_eq!(left.iter().map(|run| run.id.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(store.read_blocking(move |conn| events::for_order(conn, order)).unwrap().len(), 30);

    let small = size(store.path());
    assert!(small < large / 3, "{large} bytes before, {small} after");
    assert_eq!(done.freed, large - small);
    assert_eq!(pragma(&store, "freelist_count"), 0);
    assert_eq!(store.read_blocking(|conn| Ok(kept(conn))).unwrap(), before);
    assert_eq!(block(upkeep(&store)), Upkeep::default(), "and that was all");
}

#[test]
fn a_file_of_an_older_stemsync_is_rewritten_once_and_shrinks_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stemsync.db");
    // It had no room of its own for what it takes to shrink; that can only be said before anything is in a file.
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE first (a INTEGER); DROP TABLE first").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(pragma(&store, "auto_vacuum"), 0);
    well_used(&store);
    settle_file(&path);
    let (before, large) = (store.read_blocking(|conn| Ok(kept(conn))).unwrap(), size(&path));
    block(upkeep(&store));
    settle_file(&path);
    assert!(size(&path) < large / 3, "{large} bytes before, {} after", size(&path));
    assert_eq!(store.read_blocking(|conn| Ok(kept(conn))).unwrap(), before);
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(pragma(&store, "auto_vacuum"), 2);
    let sound: String =
        store.read_blocking(|c| Ok(c.query_row("PRAGMA integrity_check", [], |r| r.get(0))?)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn a_new_file_can_shrink_without_being_rewritten() {
    let (_dir, store) = fresh();
    assert_eq!(pragma(&store, "auto_vacuum"), 2);
}

#[test]
fn where_nothing_is_old_nothing_is_written() {
    let (_dir, store) = fresh();
    let order = settled(&store, flow_1("AX-1", "2026-03-05"));
    store
        .write_blocking(move |conn| {
            ran(conn, "01YOUNG", order, Outcome::Ok, now());
            Ok(())
        })
        .unwrap();
    let other = Connection::open(store.path()).unwrap();
    let commits = || -> i64 { other.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap() };
    let before = commits();
    assert_eq!(block(upkeep(&store)), Upkeep::default());
    assert_eq!(commits(), before);
    // A clock that was far ahead for a while left an event that is not old for years; those behind it go all the same.
    store
        .write_blocking(move |conn| {
            conn.execute("DELETE FROM events", [])?;
            ran(conn, "01AHEAD", order, Outcome::Ok, now() + TimeDelta::days(4000));
            ran(conn, "01BEHIND", order, Outcome::Ok, long_ago(0));
            Ok(())
        })
        .unwrap();
    assert_eq!(block(upkeep(&store)).events, 3);
}

#[test]
fn somebody_who_reads_meanwhile_keeps_seeing_what_he_saw() {
    let (_dir, store) = fresh();
    well_used(&store);
    let reader = Connection::open(store.path()).unwrap();
    let count = |what: &str| -> i64 {
        reader.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    };
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count("runs"), 1011);
    let done = block(upkeep(&store));
    assert_eq!(done.runs, 1000);
    assert_eq!((count("runs"), count("events")), (1011, 3030));
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!((count("runs"), count("events")), (11, 30));
}
