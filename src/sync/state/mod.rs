//! What one run knows beside the database: what it has read, what it has tried, which system is down, and what it
//! will report. Shared by the orders that are pushed at the same time. [`known`], [`tried`] and [`told`] are what is asked of it.

mod known;
mod told;
mod tried;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use self::known::Known;
pub(super) use self::told::{READ_BACK_FIRST, Tally, log_error, log_without_words};
use super::engine::{Listener, Progress};
use super::needs::Unread;
use super::plan::{Facts, Made};
use super::poll::List;
use super::report::{ActionReport, Job};
use crate::domain::{Maps, OrderKey};
use crate::store::OnFile;
use crate::store::intents::IntentId;
use crate::systems::{System, SystemError};

/// What one run knows.
pub(super) struct RunState {
    pub(super) run: String,
    pub(super) dry_run: bool,
    pub(super) visible_from: chrono::NaiveDate,
    pub(super) permits: Semaphore,
    stop: Arc<AtomicBool>,
    listener: Option<Listener>,
    /// Nobody waits for the run.
    pub(super) paced: bool,
    pub(super) failures_are_told: bool,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Only these orders are pushed; `None`: all of them.
    only: Option<BTreeSet<OrderKey>>,
    known: Known,
    /// What this run made.
    made: HashMap<OrderKey, Arc<Made>>,
    /// Carriers, by Komet's id, of the Prebooks that changed.
    carriers_seen: BTreeSet<i64>,
    tried: HashMap<(OrderKey, String), u8>,
    asked: HashMap<(OrderKey, String), u8>,
    refusals: HashMap<OrderKey, u8>,
    down: BTreeMap<System, SystemError>,
    /// Polls and read-backs that failed, and for which job.
    failures: Vec<(Job, SystemError)>,
    actions: Vec<ActionReport>,
    /// Requests that had no effect, for which job, until they are sent again.
    undone: BTreeMap<(OrderKey, String), (Job, ActionReport)>,
    tallies: BTreeMap<Job, Tally>,
    serial: i64,
    /// Orders that the brake has counted and lets it cancel.
    may_cancel: BTreeSet<OrderKey>,
    /// Orders that it has begun to cancel.
    cancelled: BTreeSet<OrderKey>,
    settled: u64,
    /// Grows with what was read.
    read: u64,
    /// Lists of which something cannot be read: the run found it out, or leaves them because another one just did.
    unread: Unread,
    /// What each order's plan needs to know before it can go on, and the job that came to it first.
    waiting: BTreeMap<OrderKey, (Job, BTreeSet<List>)>,
    /// When each request in doubt was read back. Numbers of intents are used again, moments are not.
    read_back: HashMap<(IntentId, DateTime<Utc>), DateTime<Utc>>,
    /// When each job last pushed, and the brake last judged.
    looked: HashMap<Look, Mark>,
}

/// Who looks at everything that is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Look {
    /// The brake.
    Brake,
    /// A job that pushes.
    Push(Job),
}

/// A moment between two changes: of what is on file, by this process or another, and of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    on_file: OnFile,
    read: u64,
}

/// How a run is to be carried out.
pub(super) struct Setup {
    pub(super) run: String,
    pub(super) dry_run: bool,
    pub(super) only: Option<BTreeSet<OrderKey>>,
    pub(super) maps: Maps,
    pub(super) carriers: HashMap<i64, String>,
    pub(super) visible_from: chrono::NaiveDate,
    pub(super) concurrency: usize,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) listener: Option<Listener>,
    pub(super) paused: Vec<SystemError>,
    pub(super) paced: bool,
    pub(super) failures_are_told: bool,
    pub(super) facts: Facts,
}

impl RunState {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            run: setup.run,
            dry_run: setup.dry_run,
            visible_from: setup.visible_from,
            permits: Semaphore::new(setup.concurrency.max(1)),
            stop: setup.stop,
            listener: setup.listener,
            paced: setup.paced,
            failures_are_told: setup.failures_are_told,
            shared: Mutex::new(Shared {
                known: Known {
                    facts: Arc::new(setup.facts),
                    carriers: Arc::new(setup.carriers),
                    maps: Arc::new(setup.maps),
                    made: Arc::default(),
                },
                only: setup.only,
                down: setup.paused.into_iter().map(|error| (error.system, error)).collect(),
                ..Shared::default()
            }),
        }
    }

    /// The state stays usable after a panic elsewhere: it holds counts, not invariants.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn say(&self, progress: &Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether the run is about this order.
    pub(super) fn is_about(&self, order: OrderKey) -> bool {
        self.shared().only.as_ref().is_none_or(|only| only.contains(&order))
    }

    /// Narrows the run to these orders.
    pub(super) fn set_only(&self, orders: BTreeSet<OrderKey>) {
        let mut shared = self.shared();
        shared.only = Some(orders);
        shared.looked.clear();
    }

    /// Whether anything happened since `look` was last asked for: if not, it would find what it found then. A look during
    /// which something happened counts for nothing.
    pub(super) fn has_news(&self, look: Look, on_file: OnFile) -> bool {
        let mut shared = self.shared();
        let mark = Mark { on_file, read: shared.read };
        shared.looked.insert(look, mark) != Some(mark)
    }

    /// How many orders the run was narrowed to.
    pub(super) fn named(&self) -> usize {
        self.shared().only.as_ref().map_or(0, BTreeSet::len)
    }

    pub(super) fn serial(&self) -> i64 {
        let mut shared = self.shared();
        shared.serial += 1;
        shared.serial
    }
}
