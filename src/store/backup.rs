//! Copies of the database, made while others go on writing it, with SQLite's online backup. A copy is one snapshot, made
//! beside its target, looked at, and only then given its name: what bears that name is whole and sound.
//!
//! A copy is made so that it can be restored weeks later, when both systems have moved on: what is then no longer certain is
//! taken out of it ([`doubt`]). The database itself is only read.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use rusqlite::backup::StepResult;
use rusqlite::{Connection, OpenFlags};

use super::files::{files_of, is_same, open_private};
use super::handle::{BUSY, connect};
use super::{Fault, StoreError, doubt, runs, schema};
use crate::systems::deepest;

/// Pages copied between two looks at whether to stop: 4 MiB.
const PAGES: i32 = 1024;

/// A copy, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// The version of its schema.
    pub schema_version: i64,
    /// Orders on file.
    pub orders: i64,
    /// Holds that wait for a person.
    pub holds: i64,
    /// Codes in the local maps.
    pub codes: i64,
    /// Requests whose outcome was unknown.
    pub unverified: i64,
    /// When the last run in it ended.
    pub last_run: Option<DateTime<Utc>>,
}

/// Why there is no copy. Nothing was left behind, and what stood at the target still does.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database.
    #[error("there is no database at {} yet; the first run makes it", .0.display())]
    NoDatabase(PathBuf),
    /// The target is there already.
    #[error("{} is there already; name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// The target is a directory, a device or the like.
    #[error("{} is no file; name a file, such as {}", .0.display(), .0.join("stemsync.db").display())]
    NotAFile(PathBuf),
    /// The target is the database.
    #[error("{} is the database itself, or one of the files beside it; name another file", .0.display())]
    Itself(PathBuf),
    /// The directory of the target cannot be written.
    #[error("cannot write to {} ({why}); check that it exists, that you may write there, and its disk", .folder.display())]
    CannotWrite {
        /// The directory.
        folder: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The copy is not sound, and so the database is not.
    #[error(
        "the copy is not sound ({0}), so the database is damaged: keep the backups there are, and see `stemsync check`"
    )]
    Unsound(String),
    /// Told to stop.
    #[error("stopped before the copy was complete")]
    Stopped,
    /// The database or its copy could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a copy of the database at `database` in the file `target`, mode 0600. A file that stands there is replaced
/// with `replace` only, and only once the copy is whole.
///
/// It needs no run lock, and blocks for as long as it takes to read the file: others read and write meanwhile, and what
/// they write after it began is not in the copy. An older schema is copied as it is; a newer one is refused.
pub fn back_up(database: &Path, target: &Path, replace: bool, stop: &AtomicBool) -> Result<Backup, BackupError> {
    if !database.exists() {
        return Err(BackupError::NoDatabase(database.to_owned()));
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    look_at_target(database, target, replace)?;
    let refused =
        |error: &std::io::Error| BackupError::CannotWrite { folder: folder.to_owned(), why: deepest(error) };
    // A directory, so that whatever SQLite puts beside a file goes with it.
    let scratch = tempfile::Builder::new()
        .prefix(".stemsync-backup-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(folder)
        .map_err(|e| refused(&e))?;
    let copy = scratch.path().join("copy.db");
    copy_pages(database, &copy, stop).map_err(|e| of_either(e, database, target))?;
    let mut made = prepare_and_look(&copy).map_err(|e| of_either(e, database, target))?;
    let file = File::open(&copy).and_then(|file| file.sync_all().map(|()| file)).map_err(|e| refused(&e))?;
    made.bytes = file.metadata().map_err(|e| refused(&e))?.size();
    give_name(&copy, target, replace).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
        _ => refused(&e),
    })?;
    // The name is on disk once its directory is; some file systems cannot sync one, and need not.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(made)
}

/// Names the file that an error is about: a copy that cannot be written is the target's trouble.
fn of_either(error: BackupError, database: &Path, target: &Path) -> BackupError {
    match error {
        BackupError::Store(StoreError { path: None, fault: fault @ (Fault::Full | Fault::Disk(_)) }) => {
            BackupError::Store(StoreError::new(fault, target))
        }
        BackupError::Store(error) => BackupError::Store(error.at(database)),
        other => other,
    }
}

/// What stands at the target may be replaced, if at all, only where it is a plain file and not the database.
fn look_at_target(database: &Path, target: &Path, replace: bool) -> Result<(), BackupError> {
    if target.as_os_str().is_empty() || target.to_string_lossy().ends_with('/') {
        return Err(BackupError::NotAFile(target.to_owned()));
    }
    let Ok(found) = target.symlink_metadata() else { return Ok(()) };
    if found.is_file() && files_of(database).iter().any(|file| is_same(file, target)) {
        Err(BackupError::Itself(target.to_owned()))
    } else if !found.is_file() {
        Err(BackupError::NotAFile(target.to_owned()))
    } else if !replace {
        Err(BackupError::Exists(target.to_owned()))
    } else {
        Ok(())
    }
}

fn copy_pages(database: &Path, copy: &Path, stop: &AtomicBool) -> Result<(), BackupError> {
    let stopped = || stop.load(Ordering::Relaxed);
    let source = connect(database, OpenFlags::SQLITE_OPEN_READ_ONLY, BUSY)?;
    match schema::version(&source)? {
        0 => return Err(BackupError::NoDatabase(database.to_owned())),
        found if found > schema::VERSION => {
            return Err(StoreError::from(Fault::Newer { found, known: schema::VERSION }).into());
        }
        _ => {}
    }
    open_private(copy)?;
    let mut target = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY)?;
    // A copy that is not whole is thrown away: it needs no journal, and is synced once at its end.
    for (name, off) in [("journal_mode", "OFF"), ("synchronous", "OFF")] {
        target.pragma_update(None, name, off).map_err(StoreError::from)?;
    }
    // One snapshot from beginning to end: else each write of somebody else would begin it anew.
    let snapshot = source.unchecked_transaction().map_err(StoreError::from)?;
    schema::version(&snapshot)?;
    let pages = rusqlite::backup::Backup::new(&snapshot, &mut target).map_err(StoreError::from)?;
    loop {
        if stopped() {
            return Err(BackupError::Stopped);
        }
        match pages.step(PAGES).map_err(StoreError::from)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Nobody writes a snapshot, and nobody else has the copy.
            _ => return Err(StoreError::from(Fault::Locked).into()),
        }
    }
}

/// Makes the copy fit to be restored, looks whether it is sound, and tells what is in it.
fn prepare_and_look(copy: &Path) -> Result<Backup, BackupError> {
    let look = || -> Result<(String, Backup), StoreError> {
        let conn = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY)?;
        // One file, that can be opened wherever it may not be written.
        conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let transaction = conn.unchecked_transaction()?;
        doubt::claim_no_certainty(&transaction)?;
        transaction.commit()?;
        Ok((verdict, contents(&conn)?))
    };
    match look() {
        Ok((verdict, contents)) if verdict == "ok" => Ok(contents),
        Ok((verdict, _)) => Err(BackupError::Unsound(verdict)),
        Err(StoreError { fault: Fault::Corrupt(why) | Fault::Document(why), .. }) => {
            Err(BackupError::Unsound(why))
        }
        Err(error) => Err(error.into()),
    }
}

fn contents(conn: &Connection) -> Result<Backup, StoreError> {
    Ok(Backup {
        bytes: 0,
        schema_version: schema::version(conn)?,
        orders: conn.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?,
        holds: conn.query_row("SELECT count(*) FROM holds", [], |row| row.get(0))?,
        codes: conn.query_row("SELECT count(*) FROM maps", [], |row| row.get(0))?,
        unverified: conn.query_row("SELECT count(*) FROM intents", [], |row| row.get(0))?,
        last_run: runs::last_end(conn)?,
    })
}

/// Gives the copy its name; without `replace` it fails where that name is taken, also by somebody this very moment.
fn give_name(copy: &Path, target: &Path, replace: bool) -> std::io::Result<()> {
    if replace {
        return std::fs::rename(copy, target);
    }
    let copy = tempfile::TempPath::try_from_path(copy)?;
    copy.persist_noclobber(target).map_err(|error| error.error)
}
