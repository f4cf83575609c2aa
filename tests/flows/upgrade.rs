//! A database that an older stemsync left, and the trade that goes on with it. The kept one was made by the program as it
//! was at schema version 1 (the commit before 0002): `sandbox --bulk 3`, two runs of `sync` with one `map carrier set`
//! between them, then the database as SQL and the sandbox's state. Both clocks go back to that hour.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use stemsync::domain::{MapKind, Stage};
use stemsync::store::{Connection, RunLock, Store, VERSION, back_up, maps, orders, runs};

use crate::invariants::invariants;
use crate::link::Link;
use crate::trade::{approve_all, items_of, prebooks_of, print_all};

const DATABASE: &str = include_str!("../store/version_1/database.sql");
const TRADE: &str = include_str!("../store/version_1/trade.json");
const ORDERS: [&str; 3] = ["AX-100001", "AX-100002", "AX-100003"];

/// Some minutes after the last of its runs.
const THEN: &str = "2026-11-26T02:00:00Z";

fn keep(folder: &Path) {
    let conn = Connection::open(folder.join("stemsync.db")).unwrap();
    conn.execute_batch(DATABASE).unwrap();
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1, "it is as the older program left it");
    std::fs::write(folder.join("trade.json"), TRADE).unwrap();
}

#[tokio::test]
async fn trade_goes_on_with_a_database_of_schema_version_1_and_nothing_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path());
    let then: DateTime<Utc> = THEN.parse().unwrap();
    let link = Link::resume(folder, then - Utc::now()).await;
    let schema =
        |conn: &Connection| Ok(conn.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?);
    assert_eq!(link.engine.store.read(schema).await.unwrap(), VERSION);
    let remembered = |conn: &Connection| Ok((runs::list(conn, None, 9)?, maps::list(conn, MapKind::Carrier)?));
    let (past, carriers) = link.engine.store.read(remembered).await.unwrap();
    assert_eq!((past.len(), past[0].report.is_some()), (2, true));
    assert_eq!(carriers, [("GREENLN".to_owned(), 201)]);
    let counted = link.engine.store.read(orders::stage_counts).await.unwrap();
    assert_eq!(counted, [(Stage::PoPending, 3)], "what was on file was counted");

    let report = link.sync_well().await;
    assert_eq!((link.writes(), report.actions), (0, Vec::new()));
    for order in ORDERS {
        assert_eq!(link.order(order).await.stage, Stage::PoPending);
        let (prebooks, items) = link.act(|w, _| (prebooks_of(w, order).len(), items_of(w, order).len()));
        assert_eq!((prebooks, items), (1, 3));
    }
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| ORDERS.iter().for_each(|order| drop(print_all(w, order, now))));
    link.sync_well().await;
    for order in ORDERS {
        assert_eq!(link.order(order).await.stage, Stage::Labelled);
    }
    invariants(&link).await;
}

#[test]
fn a_database_of_schema_version_1_is_opened_for_looking_only_after_it_was_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path());
    let path = folder.path().join("stemsync.db");
    let error = Store::open_existing_read_only(&path).unwrap_err().to_string();
    assert!(error.contains("has schema version 1") && error.contains("`stemsync sync` brings it up"), "{error}");
    // Before the upgrade it is copied as it is: the way back.
    let copy = folder.path().join("before.db");
    let made = back_up(&path, &copy, false, &AtomicBool::new(false)).unwrap();
    assert_eq!((made.schema_version, made.orders, made.codes), (1, 3, 1));
    drop(Store::open(&path).unwrap());
    assert!(Store::open_existing_read_only(&path).unwrap().is_some());
}

#[tokio::test]
async fn what_an_older_program_left_is_kept_by_the_next_upkeep() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path());
    let store = Store::open(&folder.path().join("stemsync.db")).unwrap();
    let lock = RunLock::try_acquire(store.path()).unwrap().unwrap();
    let (then, day): (DateTime<Utc>, _) = (THEN.parse().unwrap(), std::time::Duration::from_hours(24));
    let later = then + chrono::TimeDelta::days(30);
    let done = store.upkeep(&lock, later, day).await.unwrap();
    assert_eq!((done.runs, done.events), (1, 6), "one run is the last of each job");
    let orders = store.read(stemsync::store::orders::all_keys).await.unwrap();
    assert_eq!(orders.len(), ORDERS.len());
}
