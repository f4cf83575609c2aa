//! The day's count of Komet's requests, kept in the database: whoever asks Komet (a run, a dry run, `verify`, `check`),
//! in whichever process of the link, counts each request there before it is sent. When the day's last one is gone
//! Komet is paused until its day ends, just as if Komet itself had said so.

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::end_of;
use super::engine::{Clock, Engine};
use super::run::RunRequest;
use super::state::RunState;
use crate::store::{Connection, Store, StoreError, quota};
use crate::systems::network::Pending;
use crate::systems::{Axerrio, Fault, Komet, Meter, System, SystemError};

/// Counts in one link's database.
struct QuotaMeter {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Requests a day that this link may make.
    limit: u64,
    /// Milliseconds by which Komet's clock was ahead of ours when it last answered.
    ahead: AtomicI64,
    /// What Komet's clock said then, in milliseconds since 1970: it does not go back, whatever ours does.
    last: AtomicI64,
    trouble: Mutex<Option<StoreError>>,
}

/// A meter that counts in `store`, up to `limit` requests a day. For a client that no engine owns.
pub fn meter(store: Store, clock: Arc<dyn Clock>, limit: u64) -> Arc<dyn Meter> {
    Arc::new(QuotaMeter {
        store,
        clock,
        limit,
        ahead: AtomicI64::new(0),
        last: AtomicI64::new(i64::MIN),
        trouble: Mutex::default(),
    })
}

/// Why Komet is not asked any more today.
pub(super) fn spent(limit: u64) -> Fault {
    Fault::QuotaSpent(format!("all {limit} of this link are used; Komet is asked again when its day starts anew"))
}

impl QuotaMeter {
    fn note(&self, error: StoreError) -> String {
        let text = error.to_string();
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        text
    }
}

impl Meter for QuotaMeter {
    fn count(&self) -> Pending<'_, Result<NaiveDate, Fault>> {
        Box::pin(async move {
            let (day, limit) = (self.now().date_naive(), self.limit);
            match self.store.write(move |conn| quota::take(conn, day, limit)).await {
                Ok(true) => Ok(day),
                Ok(false) => Err(spent(limit)),
                Err(error) => Err(Fault::Uncounted(self.note(error))),
            }
        })
    }

    fn answered(&self, counted: NaiveDate, date: DateTime<Utc>) -> Pending<'_, ()> {
        let apart = date - self.clock.now();
        // `Date` has whole seconds: what is less apart is no difference.
        let ahead = if apart.abs() < TimeDelta::seconds(2) { 0 } else { apart.num_milliseconds() };
        self.ahead.store(ahead, Ordering::Relaxed);
        self.last.store(date.timestamp_millis(), Ordering::Relaxed);
        let day = date.date_naive();
        Box::pin(async move {
            if day != counted
                && let Err(error) = self.store.write(move |conn| quota::shift(conn, counted, day)).await
            {
                self.note(error);
            }
        })
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now() + TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed));
        let last = DateTime::from_timestamp_millis(self.last.load(Ordering::Relaxed));
        last.map_or(now, |last| now.max(last))
    }

    fn trouble(&self) -> Option<Box<dyn Error + Send + Sync>> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        trouble.map(Into::into)
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Has every request of Komet's counted in the link's database from now on.
    pub(super) fn count_requests(&self) {
        if self.komet.meter().is_none() {
            let meter = meter(self.store.clone(), Arc::clone(&self.clock), self.settings.quota_limit);
            self.komet.attach(meter);
        }
    }

    /// Komet's clock, as far as it is known.
    pub fn komet_now(&self) -> DateTime<Utc> {
        match self.komet.meter() {
            Some(meter) => meter.now(),
            None => self.komet.clock().unwrap_or_else(|| self.clock.now()),
        }
    }

    /// A paced run asks Komet nothing once the day's quota is spent, whoever found that out. A run that a person asked for
    /// asks Komet once more, unless this link has used all that is its own.
    pub(super) async fn pause_if_spent(&self, state: &RunState) -> Result<(), StoreError> {
        if self.is_quota_spent().await? {
            let fault = spent(self.settings.quota_limit);
            state.set_down(&SystemError { system: System::Komet, method: "requests", fault });
        }
        Ok(())
    }

    /// Whether the day's quota is spent, by this link's count or by Komet's word.
    pub async fn is_quota_spent(&self) -> Result<bool, StoreError> {
        let (day, limit) = (self.komet_day(), self.settings.quota_limit);
        let is_spent = move |conn: &Connection| {
            Ok(quota::used(conn, day)? >= limit || quota::spent_at(conn, day, limit)?.is_some())
        };
        self.store.read(is_spent).await
    }

    /// Forgets that the day's quota was found spent, where this link has requests left: Komet is asked once more.
    pub async fn doubt_spent_quota(&self) -> Result<(), StoreError> {
        let (day, limit) = (self.komet_day(), self.settings.quota_limit);
        let is_doubtful = move |conn: &Connection| {
            Ok(quota::used(conn, day)? < limit && quota::spent_at(conn, day, limit)?.is_some())
        };
        if self.store.read(is_doubtful).await? {
            self.store.write(move |conn| quota::clear_spent(conn, day)).await?;
        }
        Ok(())
    }

    /// Says once a day that the quota is spent; remembers that it is, or no longer is. A run that was told to leave Komet alone
    /// has found out nothing: the day may be another one by now.
    pub(super) async fn tell_quota(
        &self,
        state: &RunState,
        request: &RunRequest,
        sent: u64,
    ) -> Result<(), StoreError> {
        if request.paused.iter().any(|error| error.system == System::Komet) {
            return Ok(());
        }
        let (day, now, limit) = (self.komet_day(), self.clock.now(), self.settings.quota_limit);
        let is_spent = state.down().iter().any(|error| matches!(error.fault, Fault::QuotaSpent(_)));
        if !is_spent {
            if sent > 0 && self.store.read(move |conn| quota::spent_at(conn, day, limit)).await?.is_some() {
                self.store.write(move |conn| quota::clear_spent(conn, day)).await?;
            }
            return Ok(());
        }
        let (news, used) = self
            .store
            .write(move |conn| {
                let news = quota::spent_at(conn, day, limit)?.is_none();
                if news {
                    quota::set_spent(conn, day, now, limit)?;
                }
                Ok((news, quota::used(conn, day)?))
            })
            .await?;
        if news {
            let resets_at = end_of(day).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            // A daemon tells it in its own words.
            let level = if state.failures_are_told { log::Level::Debug } else { log::Level::Warn };
            log::log!(
                level,
                "Komet's quota of the day is spent ({used} of {limit} requests made by this link): Komet is paused until \
                 {resets_at}, Axerrio is polled on; nothing is lost, `stemsync status -v` tells how many paid users would do"
            );
        }
        Ok(())
    }

    /// The database's failure, if requests could not be counted because of it.
    pub(super) fn uncounted(&self) -> Option<StoreError> {
        let trouble = self.komet.meter()?.trouble()?;
        trouble.downcast::<StoreError>().ok().map(|error| *error)
    }
}
