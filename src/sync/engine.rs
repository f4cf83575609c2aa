//! What a run works with: both systems, the store, a clock, and the admin's settings. Time comes in through a port like
//! the network does, so that a whole life of the program can be played in a moment.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::report::{ActionReport, Job};
use crate::domain::{Brake, CreatePo, Horizon, OnConflict, Zone};
use crate::store::Store;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
    /// Waits.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What an admin sets, as far as a run needs it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Ship dates from yesterday to this many days ahead are polled.
    pub horizon_days: u32,
    /// What is read again before each watermark.
    pub overlap: Duration,
    /// The time zone in which "yesterday" is meant.
    pub timezone: Zone,
    /// `[sync] on_conflict`
    pub on_conflict: OnConflict,
    /// `[sync] create_po`
    pub create_po: CreatePo,
    /// `[sync] max_cancellations`
    pub brake: Brake,
    /// `[komet] location_code`
    pub location_code: Option<String>,
    /// Komet requests a day that this link may make.
    pub quota_limit: u64,
    /// Requests in flight at once; the steps of one order are never in flight together.
    pub concurrency: usize,
    /// How long Komet may take to answer: what timed out may still take effect this much later.
    pub komet_timeout: Duration,
}

impl Settings {
    /// How many requests are in flight at once, over both systems.
    pub const CONCURRENCY: usize = 8;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            horizon_days: 28,
            overlap: Duration::from_mins(5),
            timezone: Zone::default(),
            on_conflict: OnConflict::default(),
            create_po: CreatePo::default(),
            brake: Brake::default(),
            location_code: None,
            quota_limit: 1000,
            concurrency: Self::CONCURRENCY,
            komet_timeout: Duration::from_secs(20),
        }
    }
}

/// What a run says while it goes on; for a progress bar or a story.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A job starts polling.
    Polling(Job),
    /// A job has this many orders to look at.
    Orders(Job, usize),
    /// One of them is finished, for now.
    OrderDone(Job),
    /// A request ended.
    Action(ActionReport),
}

/// Who listens to a run's progress.
pub type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Both systems, the store, the clock and the settings of one link.
pub struct Engine<K, A> {
    /// The importer's system.
    pub komet: K,
    /// The vendor's system.
    pub axerrio: A,
    /// What stemsync remembers.
    pub store: Store,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What the admin set.
    pub settings: Settings,
}

impl<K, A> Engine<K, A> {
    /// The ship dates that are looked at now.
    pub fn horizon(&self) -> Horizon {
        Horizon::at(self.clock.now(), self.settings.timezone, self.settings.horizon_days)
    }

    /// Today in the link's time zone.
    pub fn today(&self) -> NaiveDate {
        self.horizon().today()
    }

    /// Yesterday: the first ship date that is polled and created.
    pub fn visible_from(&self) -> NaiveDate {
        self.horizon().first()
    }

    /// The last ship date of the horizon.
    pub fn horizon_end(&self) -> NaiveDate {
        self.horizon().last()
    }

    /// The ship dates of the horizon.
    pub(super) fn ship_dates(&self) -> impl Iterator<Item = NaiveDate> + use<K, A> {
        self.horizon().dates()
    }
}
