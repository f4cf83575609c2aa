//! The database's file and those that lie beside it: which they are, and how each of them is made.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Fault, StoreError, owner};

/// The database and what stemsync and SQLite keep beside it.
pub fn files_of(database: &Path) -> [PathBuf; 6] {
    ["", "-wal", "-shm", "-journal", ".lock", ".daemon.lock"].map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Whether both names stand for one file that is there. Links are followed.
pub fn is_same(one: &Path, other: &Path) -> bool {
    id(one).is_some_and(|found| id(other) == Some(found))
}

/// Which file a name stands for; `None` where there is none. Links are followed.
pub(super) fn id(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Opens a file for writing, and makes it for its owner alone where it is not there. SQLite gives its -wal and -shm the same
/// mode.
pub(super) fn open_private(path: &Path) -> Result<File, StoreError> {
    let refused = |error: std::io::Error| {
        let fault = match error.kind() {
            ErrorKind::ReadOnlyFilesystem => Fault::ReadOnly,
            ErrorKind::PermissionDenied if path.exists() => Fault::ReadOnly,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full,
            ErrorKind::IsADirectory => Fault::IsDirectory,
            _ => Fault::CannotOpen(error.to_string()),
        };
        StoreError::new(fault, path)
    };
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(refused)?;
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(path).map_err(refused)?;
    owner::hand_over(&file, path);
    Ok(file)
}
