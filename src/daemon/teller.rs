//! Telling people what the runs brought (`notify`), in a task beside the loop: a webhook that hangs or a mail server that
//! refuses holds up no job. The loop only puts down what is news, under the run lock, and wakes the task.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::notify::{Notices, Patience};
use crate::store::Store;
use crate::sync::RunEnd;

/// Nobody waits for it.
const PATIENCE: Patience = Patience { attempt: Duration::from_secs(30), verdict: Duration::from_mins(1) };

/// Tells, until it is dropped. What it was about to tell then is told by whoever comes next.
pub(super) struct Teller {
    notices: Arc<Notices>,
    store: Store,
    news: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.task.abort();
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
        let task = tokio::spawn(tell(Arc::clone(&notices), store.clone(), Arc::clone(&news)));
        Some(Self { notices, store: store.clone(), news, task })
    }

    /// Puts down what a run brought. The caller holds the run lock.
    pub(super) async fn run_ended(&self, end: &RunEnd, now: DateTime<Utc>) {
        self.notices.record(&self.store, end, now).await;
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
