//! Copies of a database that is in use: whole, sound, private, and fit to be restored.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use stemsync::domain::{
    Agreed, AgreedLine, ItemId, ItemLink, LineId, OrderKey, PoItemId, PoLink, PoNumber, PrebookId,
};
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{Backup, BackupError, Connection, Fault, Store, StoreError, VERSION, back_up, orders};

use crate::trade::{flow_1, fresh, now, terms};

fn go() -> AtomicBool {
    AtomicBool::new(false)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn place(store: &Store, ids: std::ops::Range<u32>) {
    store
        .write_blocking(move |conn| {
            for n in ids {
                orders::insert(conn, &flow_1(&format!("AX-{n}"), "2026-03-05"))?;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_copy_holds_what_was_there_and_says_so() {
    let (dir, store) = fresh();
    place(&store, 0..3);
    let target = dir.path().join("copy.db");
    let made = back_up(store.path(), &target, false, &go()).unwrap();
    let bytes = fs::metadata(&target).unwrap().len();
    let expected =
        Backup { bytes, schema_version: VERSION, orders: 3, holds: 0, codes: 0, unverified: 0, last_run: None };
    assert_eq!(made, expected);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(dir.path()).iter().filter(|n| n.contains("copy") || n.contains("backup")).count(), 1);
    // It goes its own way.
    place(&store, 3..5);
    let copy = Store::open(&target).unwrap();
    place(&copy, 7..8);
    assert_eq!(copy.read_blocking(|conn| Ok(orders::all_keys(conn)?.len())).unwrap(), 4);
    assert_eq!(store.read_blocking(|conn| Ok(orders::all_keys(conn)?.len())).unwrap(), 5);
}

#[test]
fn a_copy_can_be_looked_into_where_nothing_may_be_written_beside_it() {
    let (dir, store) = fresh();
    place(&store, 0..1);
    let target = dir.path().join("copy.db");
    back_up(store.path(), &target, false, &go()).unwrap();
    let conn = Connection::open_with_flags(&target, stemsync::store::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    let count: i64 = conn.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn what_stands_at_the_target_is_replaced_only_when_asked_and_only_if_it_is_a_file() {
    let (dir, store) = fresh();
    place(&store, 0..1);
    let target = dir.path().join("copy.db");
    fs::write(&target, "the last good copy").unwrap();
    let error = back_up(store.path(), &target, false, &go()).unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)) && error.to_string().contains("--force"), "{error}");
    assert_eq!(fs::read(&target).unwrap(), b"the last good copy");
    back_up(store.path(), &target, true, &go()).unwrap();
    assert!(fs::read(&target).unwrap().starts_with(b"SQLite format 3"));
    for no_file in [dir.path(), Path::new("/dev/null"), &dir.path().join("new/")] {
        let error = back_up(store.path(), no_file, true, &go()).unwrap_err();
        assert!(matches!(error, BackupError::NotAFile(_)), "{error}");
    }
}

#[test]
fn the_database_is_never_replaced_by_its_copy() {
    let (dir, store) = fresh();
    place(&store, 0..1);
    let again = dir.path().join("another-name.db");
    fs::hard_link(store.path(), &again).unwrap();
    let wal = format!("{}-wal", store.path().display());
    for target in [store.path(), &again, Path::new(&wal)] {
        let error = back_up(store.path(), target, true, &go()).unwrap_err();
        assert!(matches!(error, BackupError::Itself(_)), "{error}");
    }
    assert_eq!(store.read_blocking(|conn| Ok(orders::all_keys(conn)?.len())).unwrap(), 1);
}

#[test]
fn without_a_database_or_a_place_to_write_there_is_an_error_and_nothing_else() {
    let (dir, store) = fresh();
    let target = dir.path().join("copy.db");
    let absent = dir.path().join("absent.db");
    let error = back_up(&absent, &target, false, &go()).unwrap_err();
    assert!(matches!(&error, BackupError::NoDatabase(path) if *path == absent), "{error}");
    let error = back_up(store.path(), &dir.path().join("no/such/copy.db"), false, &go()).unwrap_err();
    assert!(matches!(&error, BackupError::CannotWrite { .. }), "{error}");
    assert!(error.to_string().contains("no/such"), "{error}");
    assert!(!target.exists() && !absent.exists());
}

#[test]
fn a_copy_that_is_stopped_leaves_nothing_behind() {
    let (dir, store) = fresh();
    let before = names(dir.path());
    let stop = go();
    stop.store(true, Ordering::Relaxed);
    let error = back_up(store.path(), &dir.path().join("copy.db"), false, &stop).unwrap_err();
    assert!(matches!(error, BackupError::Stopped));
    assert_eq!(names(dir.path()), before);
}

#[test]
fn a_damaged_database_makes_no_copy() {
    let (dir, store) = fresh();
    place(&store, 0..2000);
    let path = store.path().to_owned();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 9000].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let before = names(dir.path());
    let target = dir.path().join("copy.db");
    let error = back_up(&path, &target, false, &go()).unwrap_err();
    assert!(matches!(error, BackupError::Unsound(_)), "{error}");
    assert!(error.to_string().contains("keep the backups"), "{error}");
    let after: Vec<_> =
        names(dir.path()).into_iter().filter(|n| !n.ends_with("-wal") && !n.ends_with("-shm")).collect();
    assert_eq!(
        after,
        before.into_iter().filter(|n| !n.ends_with("-wal") && !n.ends_with("-shm")).collect::<Vec<_>>()
    );
}

#[test]
fn a_newer_database_is_left_to_its_own_stemsync() {
    let (dir, store) = fresh();
    let path = store.path().to_owned();
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let error = back_up(&path, &dir.path().join("copy.db"), false, &go()).unwrap_err();
    let BackupError::Store(StoreError { fault, .. }) = error else { panic!("{error}") };
    assert_eq!(fault, Fault::Newer { found: VERSION + 1, known: VERSION });
}

#[test]
fn a_copy_does_not_claim_to_have_read_any_prebook() {
    let (dir, store) = fresh();
    store
        .write_blocking(|conn| {
            watermarks::set_full(conn, Stream::Prebooks, 2931, now(), now())?;
            watermarks::set(conn, Stream::Orders, 0, now())
        })
        .unwrap();
    let target = dir.path().join("copy.db");
    back_up(store.path(), &target, false, &go()).unwrap();
    let marks =
        |store: &Store, stream| store.read_blocking(move |conn| watermarks::list(conn, stream)).unwrap().len();
    let copy = Store::open(&target).unwrap();
    assert_eq!((marks(&copy, Stream::Prebooks), marks(&copy, Stream::Orders)), (0, 1));
    assert_eq!(
        (marks(&store, Stream::Prebooks), marks(&store, Stream::Orders)),
        (1, 1),
        "the database keeps its own"
    );
}

#[test]
fn a_copy_holds_no_item_too_new_to_have_been_bought_and_all_else_as_it_was() {
    let (dir, store) = fresh();
    let agreed = |fresh: bool| {
        let made = ItemLink { fresh, joined: true, dead: true, ..ItemLink::new(PrebookId(85), ItemId(7)) };
        let bought = PoLink { dead: true, ..PoLink::new(PoNumber("PO-9".to_owned()), PoItemId(5), ItemId(7)) };
        let first = AgreedLine { terms: terms(4), item: Some(made), po_lines: vec![bought] };
        let other = AgreedLine { terms: terms(2), item: None, po_lines: Vec::new() };
        let lines = [(LineId("1".to_owned()), first), (LineId("2".to_owned()), other)].into();
        Agreed { lines, avoid_existing: true, ..Agreed::default() }
    };
    let certain = agreed(true);
    let keys = store
        .write_blocking(move |conn| {
            let add = |id, agreed: &Agreed| {
                let key = orders::insert(conn, &flow_1(id, "2026-03-05"))?;
                orders::save_agreed(conn, key, agreed).map(|_| key)
            };
            let keys = (add("AX-1", &certain)?, add("AX-2", &Agreed::default())?);
            conn.execute("UPDATE agreed_views SET doc = '{broken' WHERE key = ?1", [keys.1.0])?;
            Ok(keys)
        })
        .unwrap();
    let target = dir.path().join("copy.db");
    back_up(store.path(), &target, false, &go()).unwrap();
    let copy = Store::open(&target).unwrap();
    let held =
        |store: &Store, key: OrderKey| store.read_blocking(move |conn| orders::load_agreed(conn, key)).unwrap();
    assert_eq!((held(&copy, keys.0), held(&store, keys.0)), (agreed(false), agreed(true)));
    let doubted = agreed(false);
    let key = keys.0;
    let is_news = copy.write_blocking(move |conn| orders::save_agreed(conn, key, &doubted)).unwrap();
    assert!(!is_news, "its fingerprint is that of what it says");
    let left: String = copy
        .read_blocking(move |conn| {
            let sql = "SELECT doc FROM agreed_views WHERE key = ?1";
            Ok(conn.query_row(sql, [keys.1.0], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(left, "{broken", "what nobody can read is copied as it is");
}
