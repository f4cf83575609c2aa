//! What stemsync remembers, in one SQLite file: three views per order, links, watermarks, intents, holds, maps,
//! runs and events. It stores observations and decisions, never work: what is to be done is derived from the views
//! by `sync`. Each table family is a file of short functions over a `&Connection`; [`Store`] runs them on one thread
//! and commits what is queued together in one transaction.

mod backup;
pub mod budget;
mod columns;
pub(crate) mod doubt;
mod error;
pub mod events;
mod files;
mod handle;
pub mod holds;
pub mod intents;
pub mod labels;
mod lock;
pub mod maps;
pub mod notices;
pub mod orders;
mod owner;
pub mod policy;
pub mod quota;
pub mod reference;
mod retention;
pub mod runs;
mod schema;
pub mod seen;
pub mod sought;
pub mod watermarks;
mod worker;

pub use backup::{Backup, BackupError, back_up};
pub use error::{Fault, StoreError};
pub use files::{files_of, is_same};
pub use handle::{OnFile, Store};
pub use lock::{DaemonLock, LockHolder, RunLock};
pub use retention::Upkeep;
pub use rusqlite::{Connection, OpenFlags};
pub use schema::{VERSION, size};
