//! Makes the database fail at one chosen write, from inside of SQLite: triggers of the connection alone see every row
//! that is written, and the fuse counts them. Nothing of it is in the file, so that a new process finds a sound one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::functions::FunctionFlags;
use stemsync::store::{Connection, Store, StoreError};

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A statement; what was written before it in its transaction stands.
    Statement,
    /// A statement, and with it its whole transaction, as after a failed write to the disk.
    Transaction,
    /// A commit.
    Commit,
    /// The file may not grow beyond so many pages more, from now on.
    DiskFull,
}

/// Counts writes, and blows at one of them.
struct Fuse {
    failure: Failure,
    /// Writes (rows, or commits that have any) that still go through.
    left: u32,
    /// Sees commits of others.
    observer: rusqlite::Connection,
    version: i64,
    blown: Arc<AtomicBool>,
}

impl Fuse {
    /// A row is about to be written; whether it fails.
    fn row(&mut self) -> rusqlite::Result<bool> {
        if self.failure == Failure::Commit {
            // The first row of each transaction counts for all of it.
            let version = self.observer.pragma_query_value(None, "data_version", |row| row.get(0))?;
            if std::mem::replace(&mut self.version, version) == version {
                return Ok(false);
            }
        }
        if self.blown.load(Ordering::SeqCst) {
            return Ok(false);
        }
        let blows = self.left == 0;
        self.blown.store(blows, Ordering::SeqCst);
        self.left = self.left.saturating_sub(1);
        Ok(blows)
    }
}

/// Lets the write after `spared` others fail, once; a full disk spares pages, and stays full. Answers whether it has.
pub(crate) async fn install(store: &Store, failure: Failure, spared: u32) -> Arc<AtomicBool> {
    let blown = Arc::new(AtomicBool::new(false));
    if failure == Failure::DiskFull {
        store.write(move |conn| fill(conn, spared)).await.unwrap();
        return blown;
    }
    let observer = rusqlite::Connection::open(store.path()).unwrap();
    // Whatever it is, the first commit seen is another one.
    let fuse = Fuse { failure, left: spared, observer, version: -1, blown: blown.clone() };
    store.write(move |conn| arm(conn, fuse)).await.unwrap();
    blown
}

fn fill(conn: &Connection, spared: u32) -> Result<(), StoreError> {
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    conn.pragma_update_and_check(None, "max_page_count", pages + i64::from(spared), |_| Ok(()))?;
    Ok(())
}

fn arm(conn: &Connection, fuse: Fuse) -> Result<(), StoreError> {
    let effect = match fuse.failure {
        Failure::Statement => "SELECT RAISE(ABORT, 'a write fails') WHERE fuse_blows()",
        Failure::Transaction | Failure::DiskFull => "SELECT RAISE(ROLLBACK, 'a write fails') WHERE fuse_blows()",
        // What refers to nothing is found out by the commit.
        Failure::Commit => "INSERT INTO torn SELECT 1 WHERE fuse_blows()",
    };
    let fuse = Mutex::new(fuse);
    let blows = move |_: &mut rusqlite::functions::Context<'_>| fuse.lock().unwrap().row();
    conn.create_scalar_function("fuse_blows", 0, FunctionFlags::SQLITE_UTF8, blows)?;
    conn.execute_batch(
        "CREATE TEMP TABLE whole (id INTEGER PRIMARY KEY);
         CREATE TEMP TABLE torn (id INTEGER REFERENCES whole DEFERRABLE INITIALLY DEFERRED);",
    )?;
    let mut tables =
        conn.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in tables {
        for verb in ["INSERT", "UPDATE", "DELETE"] {
            conn.execute_batch(&format!(
                "CREATE TEMP TRIGGER fuse_{table}_{verb} BEFORE {verb} ON main.{table} BEGIN {effect}; END"
            ))?;
        }
    }
    Ok(())
}
