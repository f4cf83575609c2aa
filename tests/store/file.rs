//! The file, the transactions and what is said when something is wrong with them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use stemsync::domain::AxOrderId;
use stemsync::store::{Connection, Fault, RunLock, Store, VERSION, orders, watermarks};
use tempfile::TempDir;

use crate::trade::{at, day, flow_1, fresh, now};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    format!("{}{suffix}", path.display()).into()
}

#[test]
fn the_database_and_its_companions_are_private() {
    let (_dir, store) = fresh();
    store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05"))).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(store.path(), suffix)), 0o600, "{suffix}");
    }
}

#[test]
fn every_commit_is_synced_to_the_disk() {
    let (_dir, store) = fresh();
    let pragma = |name: &'static str| {
        store.read_blocking(move |c| {
            Ok(c.pragma_query_value(None, name, |r| r.get::<_, rusqlite::types::Value>(0))?)
        })
    };
    assert_eq!(pragma("journal_mode").unwrap(), "wal".to_owned().into());
    assert_eq!(pragma("synchronous").unwrap(), 2.into());
    assert_eq!(pragma("foreign_keys").unwrap(), 1.into());
    assert_eq!(pragma("user_version").unwrap(), VERSION.into());
}

#[test]
fn a_database_of_a_newer_stemsync_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("newer.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.fault, Fault::Newer { found: VERSION + 1, known: VERSION });
    assert!(error.to_string().contains("newer.db"), "{error}");
    assert_eq!(Store::open_existing_read_only(&path).unwrap_err().fault, error.fault);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn opening_for_reading_creates_nothing_and_writes_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stemsync.db");
    assert!(Store::open_existing_read_only(&path).unwrap().is_none());
    assert!(!path.exists());

    let store = Store::open(&path).unwrap();
    store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05"))).unwrap();
    let reader = Store::open_existing_read_only(&path).unwrap().unwrap();
    assert_eq!(reader.read_blocking(orders::backlog).unwrap(), 1);
    let refused = reader.write_blocking(|conn| orders::insert(conn, &flow_1("AX-2", "2026-03-05")));
    assert_eq!(refused.unwrap_err().fault, Fault::ReadOnly);
}

#[test]
fn a_file_that_is_no_database_is_called_damaged() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stemsync.db");
    std::fs::write(&path, "this is not SQLite at all, but long enough to have a header of its own ".repeat(20))
        .unwrap();
    assert!(matches!(Store::open(&path).unwrap_err().fault, Fault::Corrupt(_)));
}

#[test]
fn a_path_below_a_file_is_a_plain_error() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let error = Store::open(&dir.path().join("file/stemsync.db")).unwrap_err();
    assert!(matches!(error.fault, Fault::CannotOpen(_)), "{error}");
}

#[test]
fn a_read_only_file_is_called_read_only() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stemsync.db");
    drop(Store::open(&path).unwrap());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        return; // Root may write anyway; `opening_for_reading_…` shows the same fault by other means.
    }
    assert_eq!(Store::open(&path).unwrap_err().fault, Fault::ReadOnly);
}

#[test]
fn a_database_locked_by_another_process_is_a_plain_error() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stemsync.db");
    let store = Store::open_waiting(&path, Duration::from_millis(300)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let insert = || store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05")));
    assert_eq!(insert().unwrap_err().fault, Fault::Locked);
    other.execute_batch("ROLLBACK").unwrap();
    insert().unwrap();
}

#[test]
fn a_full_disk_is_a_plain_error_and_leaves_nothing_half_written() {
    let (_dir, store) = fresh();
    store
        .read_blocking(|conn| {
            let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
            Ok(conn.pragma_update(None, "max_page_count", pages + 4)?)
        })
        .unwrap();
    let flood = store.write_blocking(|conn| {
        for n in 0..10_000 {
            orders::insert(conn, &flow_1(&format!("AX-{n}"), "2026-03-05"))?;
        }
        Ok(())
    });
    assert_eq!(flood.unwrap_err().fault, Fault::Full);
    assert_eq!(store.read_blocking(orders::all_keys).unwrap(), []);
    store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05"))).unwrap();
}

/// Keeps the store's thread busy until the sender is dropped, so that what is queued meanwhile shares a transaction.
fn occupy(store: &Store) -> (std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>) {
    let (done, wait) = channel::<()>();
    let (running, is_running) = channel();
    let store = store.clone();
    let thread = std::thread::spawn(move || {
        let block = move |_: &Connection| {
            running.send(()).unwrap();
            let _ = wait.recv();
            Ok(())
        };
        store.read_blocking(block).unwrap();
    });
    is_running.recv().unwrap();
    (done, thread)
}

#[tokio::test(flavor = "current_thread")]
async fn a_failing_write_takes_back_only_itself() {
    let (_dir, store) = fresh();
    let (done, thread) = occupy(&store);
    let insert = |id: &'static str| store.write(move |conn| orders::insert(conn, &flow_1(id, "2026-03-05")));
    let fails = store.write(|conn| {
        orders::insert(conn, &flow_1("AX-3", "2026-03-05"))?;
        orders::insert(conn, &flow_1("AX-1", "2026-03-05"))
    });
    let panics = store.write(|conn| {
        orders::insert(conn, &flow_1("AX-4", "2026-03-05"))?;
        let key = orders::key_by_ax_id(conn, &AxOrderId("AX-5".to_owned()))?;
        Ok(key.expect("a bug"))
    });
    let writes = async { tokio::join!(insert("AX-1"), fails, panics, insert("AX-2")) };
    let release = async {
        tokio::task::yield_now().await;
        drop(done);
    };
    let ((first, second, third, fourth), ()) = tokio::join!(writes, release);
    thread.join().unwrap();
    assert!(first.is_ok() && fourth.is_ok());
    assert!(matches!(second.unwrap_err().fault, Fault::Sqlite(_)));
    assert_eq!(third.unwrap_err().fault, Fault::Panicked("a bug".to_owned()));
    assert_eq!(store.read(|conn| Ok(orders::all_keys(conn)?.len())).await.unwrap(), 2);
}

#[tokio::test(flavor = "current_thread")]
async fn writes_that_wait_together_are_committed_together() {
    let (_dir, store) = fresh();
    let other = Connection::open(store.path()).unwrap();
    let frames = |conn: &Connection| -> i64 {
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap()
    };
    let before = frames(&other);
    let (done, thread) = occupy(&store);
    let set = |part| store.write(move |conn| watermarks::set(conn, watermarks::Stream::Prebooks, part, now()));
    let release = async {
        tokio::task::yield_now().await;
        drop(done);
    };
    let (a, b, c, d, ()) = tokio::join!(set(1), set(2), set(3), set(4), release);
    thread.join().unwrap();
    assert!([a, b, c, d].iter().all(Result::is_ok));
    // Four rows of one small table, one page: a commit of its own for each would write it four times.
    let written = frames(&other);
    assert!(written <= 1, "{before} frames before, {written} after");
    assert_eq!(store.read(|conn| watermarks::list(conn, watermarks::Stream::Prebooks)).await.unwrap().len(), 4);
}

#[test]
fn a_read_that_writes_by_mistake_changes_nothing() {
    let (_dir, store) = fresh();
    store.read_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05"))).unwrap();
    assert_eq!(store.read_blocking(orders::all_keys).unwrap(), []);
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let (_dir, store) = fresh();
    let path = store.path().to_owned();
    store.write_blocking(|conn| orders::insert(conn, &flow_1("AX-1", "2026-03-05"))).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store.read_blocking(|c| orders::keys_in_range(c, day("2026-03-05"), day("2026-03-05"))).unwrap().len(),
        1
    );
}

#[test]
fn one_run_at_a_time_holds_the_lock() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("stemsync.db");
    let lock = RunLock::try_acquire(&path).unwrap().unwrap();
    assert!(RunLock::try_acquire(&path).unwrap().is_none());
    let holder = RunLock::holder(&path).unwrap();
    assert_eq!(holder.pid, std::process::id());
    assert!(holder.since > at("2026-01-01T00:00:00Z"));
    assert_eq!(mode(&beside(&path, ".lock")), 0o600);
    drop(lock);
    assert!(RunLock::try_acquire(&path).unwrap().is_some());
}
