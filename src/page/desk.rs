//! The desk: through it every view reads and every form changes. Reads have a connection of their own that can write nothing;
//! changes go the way of `stemsync holds` and `stemsync map`: under the run lock, because a run plans from what it read at
//! its beginning.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::overview::Facts;
use super::trouble::Trouble;
use crate::config::Config;
use crate::daemon::board::Board;
use crate::daemon::signals::Wish;
use crate::reports::health::{self, Complaint, Health};
use crate::store::{Connection, OnFile, RunLock, Store, StoreError};
use crate::sync::report::Job;

/// How long a change waits for a run to end: as long as a person looks at a page that does not answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often the run lock is tried meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// Those who watch: the rest of the connections is for those who only look.
const WATCHERS: usize = 220;

/// How often it is looked whether something was written.
const LOOK: Duration = Duration::from_secs(1);

/// KiB of pages that the reading connection keeps: the upper levels of its indexes.
const CACHE: i64 = -256;

/// Cheap to clone: every clone is the same desk.
#[derive(Clone)]
pub struct Desk {
    reader: Store,
    writer: Store,
    board: Board,
    wishes: UnboundedSender<Wish>,
    facts: Arc<Memo<Facts>>,
    /// Places for those who watch.
    watchers: Arc<Semaphore>,
    /// Somebody begins to watch.
    begun: Arc<Notify>,
    /// When it was opened, which is when the daemon started.
    pub(super) since: DateTime<Utc>,
}

/// What was read last, good for as long as nobody writes: a page that many watch is read once. What the clock changes may be
/// a minute old.
struct Memo<T>(Mutex<Option<Known<T>>>);

/// What was read, and when: by the database's count of changes and by the clock.
type Known<T> = (OnFile, DateTime<Utc>, Arc<T>);

impl<T> Memo<T> {
    fn get(
        &self,
        conn: &Connection,
        now: DateTime<Utc>,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<Arc<T>, StoreError> {
        let on_file = OnFile::now(conn)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, when, known)) = &*known
            && *at == on_file
            && (now - *when).abs() < TimeDelta::minutes(1)
        {
            return Ok(Arc::clone(known));
        }
        let fresh = Arc::new(read(conn)?);
        *known = Some((on_file, now, Arc::clone(&fresh)));
        Ok(fresh)
    }
}

impl Desk {
    /// A desk at the database that `writer` has open.
    pub async fn open(writer: Store, board: Board, wishes: UnboundedSender<Wish>) -> Result<Self, StoreError> {
        let reader = Store::open_existing_read_only(writer.path())?;
        let reader = reader.ok_or(crate::store::Fault::Closed)?;
        reader.read(|conn| Ok(conn.pragma_update(None, "cache_size", CACHE)?)).await?;
        let facts = Arc::new(Memo(Mutex::default()));
        Ok(Self {
            reader,
            writer,
            board,
            wishes,
            facts,
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            begun: Arc::default(),
            since: Utc::now(),
        })
    }

    /// Reads on one snapshot.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Ok(self.reader.read(f).await?)
    }

    /// What the overview and the machines are told: read once, however many ask.
    pub(super) async fn facts(&self) -> Result<Arc<Facts>, Trouble> {
        let (memo, now) = (Arc::clone(&self.facts), self.now());
        let scope = health::Scope::of(&self.config(), now);
        self.read(move |conn| memo.get(conn, now, |conn| Facts::gather(conn, &scope))).await
    }

    /// How it is, by what is on file and by what the daemon cannot put there: that the database refuses.
    pub(super) fn health(&self, facts: &Facts) -> Health {
        let config = self.config();
        let mut health = health::judge(&config, facts.known.clone(), self.now());
        if let Some((since, cause)) = self.board.shown().database {
            let since = crate::daemon::words::time(since, self.now(), config.jobs.timezone);
            let short = format!("the database cannot be used since {since} ({})", cause.words());
            health.healthy = false;
            health
                .complaints
                .insert(0, Complaint { text: short.clone(), short, why: "", path: "/#jobs".to_owned() });
        }
        health
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
                self.writer.is_in_place()?;
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

    /// A place among those who watch; `None` where there is none left.
    pub(super) fn watch(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.watchers).try_acquire_owned().ok();
        self.begun.notify_one();
        place
    }

    /// How many watch.
    pub(super) fn watchers(&self) -> usize {
        WATCHERS - self.watchers.available_permits()
    }

    /// Has those who watch look again whenever something was written, by whomever: `stemsync holds` in a shell is another
    /// process. Sleeps while nobody watches; ends never.
    pub(super) async fn follow(self) {
        let mut known = None;
        loop {
            if self.watchers() == 0 {
                self.begun.notified().await;
                known = None;
            }
            tokio::time::sleep(LOOK).await;
            // Whoever just came may have missed what was written since his page was read.
            if let Ok(now) = self.reader.read(OnFile::now).await
                && known.replace(now) != Some(now)
            {
                self.board.nudge();
            }
        }
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
