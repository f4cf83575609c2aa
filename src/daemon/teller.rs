//! Telling people what the runs brought (`notify`), in a task beside the loop: a webhook that hangs or a mail server that
//! refuses holds up no job. The loop only puts down what is news, under the run lock, and wakes the task. That the database
//! itself cannot be used is told past it, from memory.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::notify::what::{DatabaseCause, Notice};
use crate::notify::{Channel, Notices, Patience};
use crate::store::Store;
use crate::sync::RunEnd;

/// Nobody waits for it.
const PATIENCE: Patience = Patience { attempt: Duration::from_secs(30), verdict: Duration::from_mins(1) };

/// Tells, until it is dropped. What it was about to tell then is told by whoever comes next.
pub(super) struct Teller {
    notices: Arc<Notices>,
    store: Store,
    news: Arc<Notify>,
    database: watch::Sender<Option<OfDatabase>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What there is to tell of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OfDatabase {
    notice: Notice,
    at: DateTime<Utc>,
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Teller {
    /// Starts; `None` where nobody is to be told. What an earlier process left is told at once.
    pub(super) fn start(config: &Config, store: &Store) -> Option<Self> {
        let notices = Arc::new(Notices::new(config));
        if notices.channels().is_empty() {
            return None;
        }
        let news = Arc::new(Notify::new());
        let database = watch::Sender::new(None);
        let mut tasks = vec![tokio::spawn(tell(Arc::clone(&notices), store.clone(), Arc::clone(&news)))];
        for channel in notices.channels() {
            tasks.push(tokio::spawn(tell_of_database(Arc::clone(&notices), channel, database.subscribe())));
        }
        Some(Self { notices, store: store.clone(), news, database, tasks })
    }

    /// Puts down what a run brought. The caller holds the run lock.
    pub(super) async fn run_ended(&self, end: &RunEnd, now: DateTime<Utc>) {
        self.notices.record(&self.store, end, now).await;
    }

    /// Has it told, once, that the database cannot be used.
    pub(super) fn database_fails(&self, since: DateTime<Utc>, cause: DatabaseCause, now: DateTime<Utc>) {
        self.database.send_if_modified(|told| {
            let is_known = |told: &OfDatabase| matches!(told.notice, Notice::DatabaseFailing { since: known, .. } if known == since);
            let is_news = !told.as_ref().is_some_and(is_known);
            if is_news {
                *told = Some(OfDatabase { notice: Notice::DatabaseFailing { since, cause }, at: now });
            }
            is_news
        });
    }

    /// Has it told that the database can be used again, to whom the other was told.
    pub(super) fn database_recovers(&self, since: DateTime<Utc>, now: DateTime<Utc>) {
        self.database.send_if_modified(|told| {
            let is_news = told.is_some();
            if is_news {
                *told = Some(OfDatabase { notice: Notice::DatabaseRecovered { since }, at: now });
            }
            is_news
        });
    }

    /// Has it told. The caller holds no lock.
    pub(super) fn tell(&self) {
        self.news.notify_one();
    }
}

/// Tells what waits, whenever there is news or an attempt is due again.
async fn tell(notices: Arc<Notices>, store: Store, news: Arc<Notify>) {
    loop {
        // What fails at a channel is on the log already.
        let next = match notices.deliver(&store, PATIENCE, Utc::now()).await {
            Ok(delivered) => delivered.next_attempt,
            Err(error) => {
                log::error!("notifications: {error}");
                None
            }
        };
        let due = async {
            match next {
                // Not sooner than a second later, whatever the clock says.
                Some(at) => {
                    let wait = (at - Utc::now()).to_std().unwrap_or_default();
                    tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = news.notified() => {}
            () = due => {}
        }
    }
}

/// Tells over a channel what there is to tell of the database. What was not told when it is over is no news any more.
async fn tell_of_database(notices: Arc<Notices>, channel: Channel, mut news: watch::Receiver<Option<OfDatabase>>) {
    // Whoever is told that it works again was told that it does not.
    let mut is_told_of = false;
    loop {
        let latest = news.borrow_and_update().clone();
        let fails = matches!(&latest, Some(OfDatabase { notice: Notice::DatabaseFailing { .. }, .. }));
        if let Some(OfDatabase { notice, at }) = latest.filter(|_| fails || is_told_of) {
            let mut next = news.clone();
            let is_over = async { next.changed().await.unwrap_or_default() };
            let told = notices.tell_past_outbox(channel, &notice, at, PATIENCE, is_over).await;
            is_told_of = fails && told;
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}
