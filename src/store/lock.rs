//! The locks: one run at a time per database, and one daemon, whichever processes they are in. Each is an advisory lock on
//! a file beside the database, so the kernel releases it when the holder ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use super::files::open_private;
use super::{Fault, StoreError};

/// Held while a run is going on; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    /// Closing it releases the lock.
    _file: File,
}

/// Held as long as a daemon lives; released when dropped.
#[derive(Debug)]
pub struct DaemonLock {
    /// Closing it releases the lock.
    _file: File,
}

/// Who holds the lock, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder {
    /// The process.
    pub pid: u32,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl LockHolder {
    /// Whether that process is there still. A number of one that has ended may be another program's by now.
    pub fn is_there(&self) -> bool {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", self.pid));
        name.is_ok_and(|name| name.trim() == "stemsync")
    }
}

impl RunLock {
    /// Takes the lock of the database at `db_path`; `None` if another run holds it.
    pub fn try_acquire(db_path: &Path) -> Result<Option<Self>, StoreError> {
        Ok(take(&beside(db_path, RUN))?.map(|file| Self { _file: file }))
    }

    /// Who took the lock last: the present holder, if [`RunLock::try_acquire`] just said that there is one.
    pub fn holder(db_path: &Path) -> Option<LockHolder> {
        holder(&beside(db_path, RUN))
    }
}

impl DaemonLock {
    /// Takes the lock of the database at `db_path`; `None` if another daemon holds it.
    pub fn try_acquire(db_path: &Path) -> Result<Option<Self>, StoreError> {
        Ok(take(&beside(db_path, DAEMON))?.map(|file| Self { _file: file }))
    }

    /// As [`RunLock::holder`].
    pub fn holder(db_path: &Path) -> Option<LockHolder> {
        holder(&beside(db_path, DAEMON))
    }
}

/// What the names of the locks add to the database's.
const RUN: &str = ".lock";
/// See [`RUN`].
const DAEMON: &str = ".daemon.lock";

fn take(path: &Path) -> Result<Option<File>, StoreError> {
    let mut file = open_private(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            return Err(StoreError::new(Fault::CannotOpen(error.to_string()), path));
        }
    }
    let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    // The lock is held, whether or not a full disk lets it say by whom.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{} {since}", std::process::id()));
    Ok(Some(file))
}

fn holder(path: &Path) -> Option<LockHolder> {
    let text = std::fs::read_to_string(path).ok()?;
    let (pid, since) = text.trim().split_once(' ')?;
    Some(LockHolder { pid: pid.parse().ok()?, since: since.parse().ok()? })
}

/// Beside the file itself: a database that goes by a second name, a link, has its locks once.
fn beside(db_path: &Path, ending: &str) -> PathBuf {
    let path = std::fs::canonicalize(db_path).unwrap_or_else(|_| db_path.to_owned());
    let mut path = path.into_os_string();
    path.push(ending);
    PathBuf::from(path)
}
