//! The desk: through it every view reads and every form changes. Reads have a connection of their own that can write nothing;
//! changes go the way of `stemsync holds` and `stemsync map`: under the run lock, because a run plans from what it read at
//! its beginning.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedSender;

use super::trouble::Trouble;
use crate::config::Config;
use crate::daemon::board::Board;
use crate::daemon::signals::Wish;
use crate::store::{Connection, RunLock, Store, StoreError};
use crate::sync::report::Job;

/// How long a change waits for a run to end: as long as a person looks at a page that does not answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often the run lock is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// KiB of pages that the reading connection keeps: the upper levels of its indexes.
const CACHE: i64 = -1024;

/// Cheap to clone: every clone is the same desk.
#[derive(Clone)]
pub struct Desk {
    reader: Store,
    writer: Store,
    board: Board,
    wishes: UnboundedSender<Wish>,
}

impl Desk {
    /// A desk at the database that `writer` has open.
    pub async fn open(writer: Store, board: Board, wishes: UnboundedSender<Wish>) -> Result<Self, StoreError> {
        let reader = Store::open_existing_read_only(writer.path())?;
        let reader = reader.ok_or(crate::store::Fault::Closed)?;
        reader.read(|conn| Ok(conn.pragma_update(None, "cache_size", CACHE)?)).await?;
        Ok(Self { reader, writer, board, wishes })
    }

    /// Reads on one snapshot.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Ok(self.reader.read(f).await?)
    }

    /// Changes something, all of it or nothing, while no run goes on. Whoever watches is told.
    ///
    /// # Errors
    /// [`Trouble::busy`] if a run goes on for longer than a person waits; then nothing was changed.
    pub async fn change<T, F>(&self, f: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let lock = self.lock().await?;
        let changed = self.writer.write(f).await;
        drop(lock);
        self.board.nudge();
        Ok(changed?)
    }

    async fn lock(&self) -> Result<RunLock, Trouble> {
        let began = Instant::now();
        loop {
            if let Some(lock) = RunLock::try_acquire(self.writer.path())? {
                return Ok(lock);
            }
            if began.elapsed() >= PATIENCE {
                return Err(Trouble::busy());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Has the daemon run these jobs now.
    pub fn sync(&self, jobs: Vec<Job>) {
        self.board.ask(&jobs);
        // Without a daemon nobody is left to whom the page could tell it.
        let _ = self.wishes.send(Wish::Sync(jobs));
    }

    /// What the daemon shows.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.board.config()
    }

    /// The time.
    #[allow(clippy::unused_self, reason = "time comes in through the desk, as everything does")]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
