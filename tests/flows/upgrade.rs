//! A database that an older stemsync left, and the trade that goes on with it. The kept one was made by the program as it
//! was at schema version 1 (the commit before 0002): `sandbox --bulk 3`, two runs of `sync` with one `map carrier set`
//! between them, then the database as SQL and the sandbox's state. Another was made at schema version 12 (the commit before 0013), so that
//! each table that came between has rows: `sandbox --people 4` on the week of orders, `sync`, `map carrier set`, and two of
//! `sync --paced` while people approved and printed, with a webhook where nobody listens. Both clocks go back to that hour.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, Utc};
use stemsync::domain::{HoldReason, MapKind, Stage};
use stemsync::store::{Connection, RunLock, Store, StoreError, VERSION, back_up, maps, orders, runs};

use crate::invariants::invariants;
use crate::link::Link;
use crate::trade::{approve_all, items_of, prebooks_of, print_all};

/// What a program of some version left.
struct Kept {
    version: i64,
    database: &'static str,
    trade: &'static str,
    /// Some moments after the last of its runs.
    then: &'static str,
}

const FIRST: Kept = Kept {
    version: 1,
    database: include_str!("../store/version_1/database.sql"),
    trade: include_str!("../store/version_1/trade.json"),
    then: "2026-11-26T02:00:00Z",
};

const PREVIOUS: Kept = Kept {
    version: VERSION - 1,
    database: include_str!("../store/version_12/database.sql"),
    trade: include_str!("../store/version_12/trade.json"),
    then: "2026-11-29T11:56:10Z",
};

const ORDERS: [&str; 3] = ["AX-100001", "AX-100002", "AX-100003"];

impl Kept {
    fn put(&self, folder: &Path) {
        let conn = Connection::open(folder.join("stemsync.db")).unwrap();
        conn.execute_batch(self.database).unwrap();
        let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, self.version, "it is as the older program left it");
        std::fs::write(folder.join("trade.json"), self.trade).unwrap();
    }

    fn then(&self) -> DateTime<Utc> {
        self.then.parse().unwrap()
    }

    async fn resume(&self) -> Link {
        let folder = tempfile::tempdir().unwrap();
        self.put(folder.path());
        let link = Link::resume(folder, self.then() - Utc::now()).await;
        assert_eq!(link.engine.store.read(version).await.unwrap(), VERSION);
        link
    }
}

fn version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[tokio::test]
async fn trade_goes_on_with_a_database_of_schema_version_1_and_nothing_is_repeated() {
    let link = FIRST.resume().await;
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

#[tokio::test]
async fn trade_goes_on_with_a_database_of_the_previous_schema_version_and_nothing_is_repeated() {
    let link = PREVIOUS.resume().await;
    let before = link.orders().await;
    let held = link.holds().await;
    assert_eq!((before.len(), held.len(), held[0].reason), (21, 1, HoldReason::UnmappedProduct));
    link.sync().await;
    for method in ["prebook.create", "purchase.order.create", "purchase.order.mixed.create"] {
        assert_eq!(link.komet_requests(method), 0, "{method}");
    }
    assert_eq!(link.holds().await[0].id, held[0].id, "the same question");
    link.act(approve_all);
    link.sync().await;
    for id in before.iter().filter_map(|order| order.ax_id.clone()) {
        link.act(|w, now| {
            if w.axerrio.labels_of(&id.0).next().is_none() {
                print_all(w, &id.0, now);
            }
        });
    }
    link.sync().await;
    link.sync().await;
    assert!(link.orders().await.iter().filter(|order| order.stage == Stage::Labelled).count() > 15);
    invariants(&link).await;
}

#[test]
fn a_database_of_schema_version_1_is_opened_for_looking_only_after_it_was_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    FIRST.put(folder.path());
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
    FIRST.put(folder.path());
    let store = Store::open(&folder.path().join("stemsync.db")).unwrap();
    let lock = RunLock::try_acquire(store.path()).unwrap().unwrap();
    let day = std::time::Duration::from_hours(24);
    let later = FIRST.then() + chrono::TimeDelta::days(30);
    let done = store.upkeep(&lock, later, day).await.unwrap();
    assert_eq!((done.runs, done.events), (1, 6), "one run is the last of each job");
    let orders = store.read(stemsync::store::orders::all_keys).await.unwrap();
    assert_eq!(orders.len(), ORDERS.len());
}
