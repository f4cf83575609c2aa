//! What can go wrong with the database, in words an admin can act on. SQLite's codes stop here: nothing outside
//! `store` looks at a [`rusqlite::Error`].

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What a person can do about a damaged file, and why starting anew repeats nothing (clarification 1).
const AFTER_DAMAGE: &str = "restore the last backup, or move the file and its -wal and -shm away: the next sync then \
                            reads both systems in full and finds its own work again by tag, Prebook item and box \
                            code, so nothing is made twice, but the maps and the decisions on holds are lost";

/// The database could not do what was asked; nothing of the failed work was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// The database file; `None` only inside a closure, before [`super::Store`] adds it.
    pub path: Option<PathBuf>,
    /// What is wrong.
    pub fault: Fault,
}

/// The kinds of trouble.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file or its directory is out of reach.
    #[error("cannot be opened ({0}); check that the directory exists and belongs to the user stemsync runs as")]
    CannotOpen(String),
    /// What should be the file is a directory.
    #[error("is a directory; [state] path names a file")]
    IsDirectory,
    /// While it was open, its name came to stand for another file, or for none.
    #[error(
        "was moved away or replaced while it was in use; start stemsync again, which goes on with the file that is there now"
    )]
    Replaced,
    /// Another program's database.
    #[error(
        "holds another program's tables; [state] path names a file of stemsync's own, which need not exist yet"
    )]
    Foreign,
    /// It can be read, not written.
    #[error(
        "is read-only; check the owner and mode of the file and its directory, and that the disk is not mounted read-only; \
         where all of that is in order its header is damaged: restore the last backup"
    )]
    ReadOnly,
    /// Another process kept it locked for longer than the busy time-out.
    #[error("is locked by another process; wait for it or stop it (`fuser` names it), then try again")]
    Locked,
    /// No room for a write.
    #[error("cannot grow: the disk is full; make room, then try again")]
    Full,
    /// The disk refused a read or a write.
    #[error(
        "cannot be read or written ({0}); check the disk's space and health, the quota and the limit on file sizes, \
         then try again"
    )]
    Disk(String),
    /// Written by a later stemsync.
    #[error("has schema version {found}, this stemsync knows {known} and older; install the newer stemsync again")]
    Newer {
        /// The file's version.
        found: i64,
        /// This binary's version.
        known: i64,
    },
    /// Opened for reading only, and not yet migrated.
    #[error("has schema version {found}, this stemsync needs {known}; `stemsync sync` brings it up to date")]
    Older {
        /// The file's version.
        found: i64,
        /// This binary's version.
        known: i64,
    },
    /// The file is damaged, or no database at all.
    #[error("is damaged or not a database ({0}); {AFTER_DAMAGE}")]
    Corrupt(String),
    /// A stored document does not have the expected shape.
    #[error("holds an unreadable document ({0}); {AFTER_DAMAGE}")]
    Document(String),
    /// A closure panicked; its transaction was rolled back.
    #[error("was not changed: an internal error occurred ({0}); please report this")]
    Panicked(String),
    /// The thread that owns the connection is gone.
    #[error("was closed while in use; start stemsync again")]
    Closed,
    /// Anything else that SQLite reports.
    #[error("reports: {0}; `stemsync check` says whether the file is sound")]
    Sqlite(String),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "the database {} {}", path.display(), self.fault),
            None => write!(f, "the database {}", self.fault),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    pub(super) fn new(fault: Fault, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), fault }
    }

    /// Adds the file's name, unless it is there already.
    pub(super) fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The same, of the database that a copy was made of, where the copy took it over: nobody can restore the copy.
    #[must_use]
    pub fn of_original(self, path: &Path) -> Self {
        match self.fault {
            Fault::Corrupt(_) | Fault::Document(_) | Fault::Sqlite(_) => Self::new(self.fault, path),
            _ => self,
        }
    }

    /// A stored document that does not have the shape it was stored with.
    pub(super) fn document(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Fault::Document(format!("{what}: {error}")).into()
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self { path: None, fault }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let fault = match error {
            rusqlite::Error::SqliteFailure(code, _) => match code.code {
                ErrorCode::ReadOnly => Fault::ReadOnly,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                    Fault::Locked
                }
                ErrorCode::DiskFull => Fault::Full,
                ErrorCode::SystemIoFailure => Fault::Disk(text),
                // Unknown is "no such column": the statements are the program's own, so it is the file that lacks one.
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => Fault::Corrupt(text),
                ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Fault::CannotOpen(text),
                _ => Fault::Sqlite(text),
            },
            rusqlite::Error::SqlInputError { .. } => Fault::Corrupt(text),
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => Fault::Document(text),
            _ => Fault::Sqlite(text),
        };
        fault.into()
    }
}
