//! The run lock: one run at a time per database, whichever process it is in. It is an advisory lock on a file beside
//! the database, so the kernel releases it when the holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Fault, StoreError, owner};

/// Held while a run is going on; released when dropped.
#[derive(Debug)]
pub struct RunLock {
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

impl RunLock {
    /// Takes the lock of the database at `db_path`; `None` if another run holds it.
    pub fn try_acquire(db_path: &Path) -> Result<Option<Self>, StoreError> {
        let path = lock_path(db_path);
        let failed = |e: std::io::Error| StoreError::new(Fault::CannotOpen(e.to_string()), &path);
        if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(failed)?;
        owner::hand_over(&file, &path);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{} {since}", std::process::id()).map_err(failed)?;
        Ok(Some(Self { _file: file }))
    }

    /// Who took the lock last: the present holder, if [`RunLock::try_acquire`] just said that there is one.
    pub fn holder(db_path: &Path) -> Option<LockHolder> {
        let text = std::fs::read_to_string(lock_path(db_path)).ok()?;
        let (pid, since) = text.trim().split_once(' ')?;
        Some(LockHolder { pid: pid.parse().ok()?, since: since.parse().ok()? })
    }
}

fn lock_path(db_path: &Path) -> PathBuf {
    let mut path = db_path.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}
