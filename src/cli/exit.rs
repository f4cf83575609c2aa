//! How the program ends: the numbers that scripts and units rely on (interface.md), and which failure means which.

use std::fmt;
use std::process::ExitCode;

use chrono::SecondsFormat;

use crate::config::ConfigErrors;
use crate::store::LockHolder;
use crate::systems::{Fault, SystemError};

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and nothing waits for a person. `status`: healthy.
    Done = 0,
    /// An unexpected failure.
    Unexpected = 1,
    /// Wrong usage: an argument, or what it names, is not there or not allowed.
    Usage = 2,
    /// The configuration is wrong, or there is none.
    Config = 3,
    /// Done, but something is held or failed; what was asked for was not found; differences. `status`: not healthy.
    Attention = 4,
    /// A system cannot be reached or refuses the token.
    System = 5,
    /// Another run holds the lock.
    Busy = 6,
    /// The day's quota is spent.
    QuotaSpent = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that cannot be carried out as it was given: wrong usage, found out later than by the parser. The text
/// says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

/// Another run holds the lock.
#[derive(Debug)]
pub struct Busy(
    /// Who, as far as it can be told.
    pub Option<LockHolder>,
);

impl std::error::Error for Busy {}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another run is going on")?;
        if let Some(holder) = &self.0 {
            let since = holder.since.to_rfc3339_opts(SecondsFormat::Secs, true);
            write!(f, " (process {}, since {since})", holder.pid)?;
        }
        write!(f, "; nothing was changed, try again when it has ended")
    }
}

/// A signal ended what changes nothing before it was through.
#[derive(Debug, thiserror::Error)]
#[error("stopped by a signal; nothing was changed")]
pub struct Stopped;

/// Another daemon serves the database.
#[derive(Debug)]
pub struct AnotherDaemon(
    /// Who, as far as it can be told.
    pub Option<LockHolder>,
);

impl std::error::Error for AnotherDaemon {}

impl fmt::Display for AnotherDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "another daemon serves this database already")?;
        match &self.0 {
            Some(LockHolder { pid, since }) => {
                let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
                write!(
                    f,
                    " (process {pid}, since {since}); stop it first: systemctl stop stemsync, or kill {pid}. "
                )?;
            }
            None => write!(f, "; stop it first. ")?,
        }
        write!(f, "To make it read its configuration again, send it SIGHUP")
    }
}

impl Exit {
    /// What a failed command ends with.
    pub fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Unexpected)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if cause.is::<ConfigErrors>() {
            return Some(Self::Config);
        }
        if cause.is::<WrongUsage>() {
            return Some(Self::Usage);
        }
        if cause.is::<Busy>() || cause.is::<AnotherDaemon>() {
            return Some(Self::Busy);
        }
        let system = cause.downcast_ref::<SystemError>()?;
        match system.fault {
            Fault::QuotaSpent(_) => Some(Self::QuotaSpent),
            // The database's failure, not a system's.
            Fault::Uncounted(_) => Some(Self::Unexpected),
            // No answer, or none of use: as good as out of reach.
            _ => Some(Self::System),
        }
    }
}
