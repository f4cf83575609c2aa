//! Axerrio's two feeds, page by page.

use chrono::{DateTime, TimeDelta, Utc};

use super::{PollError, Polled};
use crate::domain::{AxOrder, Label};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, labels};
use crate::sync::engine::Engine;
use crate::sync::observe;
use crate::sync::report::Job;
use crate::systems::{Axerrio, Fault, FeedPage, Komet, System, SystemError};

/// No feed is longer (5 million records); one that is does not end.
const MOST_PAGES: u32 = 10_000;

/// What the two feeds of Axerrio have in common.
struct Feed<T> {
    job: Job,
    stream: Stream,
    what: &'static str,
    method: &'static str,
    store: fn(&Connection, &T) -> Result<bool, StoreError>,
    changed_at: fn(&T) -> DateTime<Utc>,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Polls Axerrio's orders.
    pub async fn poll_orders(&self, since: Option<DateTime<Utc>>) -> Result<Polled, PollError> {
        let has_begun = |conn: &Connection| Ok(watermarks::get(conn, Stream::Orders, 0)?.is_some());
        let feed = Feed::<AxOrder> {
            job: Job::Orders,
            stream: Stream::Orders,
            what: "Axerrio order",
            method: "GET orders",
            // The first time all that was ever ordered is read.
            store: if self.store.read(has_begun).await? { observe::axerrio_news } else { observe::axerrio_order },
            changed_at: |order| order.changed_at,
        };
        self.poll_feed(&feed, since, async |since, cursor| self.axerrio.orders(since, cursor).await).await
    }

    /// Polls Axerrio's labels.
    pub async fn poll_labels(&self, since: Option<DateTime<Utc>>) -> Result<Polled, PollError> {
        let feed = Feed::<Label> {
            job: Job::Labels,
            stream: Stream::Labels,
            what: "Axerrio label",
            method: "GET labels",
            store: labels::observe,
            changed_at: |label| label.changed_at,
        };
        self.poll_feed(&feed, since, async |since, cursor| self.axerrio.labels(since, cursor).await).await
    }

    /// Reads a feed page by page. Each page is stored with the watermark that is safe by then: the feed is ascending, so
    /// everything before the page's last record is stored. The last page sets it to the first page's `asOf`
    /// (clarification 7): what changed while the pages were read comes again.
    async fn poll_feed<T, F>(
        &self,
        feed: &Feed<T>,
        since: Option<DateTime<Utc>>,
        read: F,
    ) -> Result<Polled, PollError>
    where
        T: Send + 'static,
        F: AsyncFn(DateTime<Utc>, Option<&str>) -> Result<FeedPage<T>, SystemError>,
    {
        let stream = feed.stream;
        let watermark = self.store.read(move |conn| watermarks::get(conn, stream, 0)).await?;
        let forced = since.is_some();
        let mut since = since.or(watermark.map(|w| w.at)).unwrap_or(DateTime::UNIX_EPOCH);
        let overlap = chrono::Duration::from_std(self.settings.overlap).unwrap_or_default();
        let mut polled = Polled::default();
        let mut cursor: Option<String> = None;
        let mut as_of = None;
        let mut limit: Option<DateTime<Utc>> = None;
        let mut stuck = false;
        for _ in 0..MOST_PAGES {
            let mut page = read(since, cursor.as_deref()).await?;
            // The system's clock went back behind the watermark: what it stamped since would never be shown.
            if as_of.is_none() && !forced && page.answer.as_of < since {
                log::warn!(
                    job = feed.job.name();
                    "Axerrio's clock went back to {}; what changed in the day before is read again", page.answer.as_of
                );
                since = page.answer.as_of - TimeDelta::days(1);
                page = read(since, None).await?;
            }
            let first_as_of = *as_of.get_or_insert(page.answer.as_of);
            polled.records += page.answer.items.len() as u64;
            polled.report(feed.job, feed.what, &page.answer.unreadable);
            for record in &page.answer.unreadable {
                match record.changed_at {
                    Some(at) => limit = Some(limit.map_or(at, |limit| limit.min(at))),
                    None => stuck = true,
                }
            }
            let last = page.next.is_none();
            let safe = if last { Some(first_as_of) } else { page.answer.items.last().map(feed.changed_at) };
            let safe =
                safe.map(|at| at.min(first_as_of) - overlap).map(|at| limit.map_or(at, |limit| at.min(limit)));
            // Forced from a later time than the watermark, a poll leaves a gap that the watermark must not pass.
            let gap = forced && watermark.is_none_or(|w| w.at < since);
            let safe = safe.filter(|_| !stuck && !gap);
            let items = page.answer.items;
            let store = feed.store;
            let is_whole = page.next.is_none() && !gap && watermark.is_none_or(|w| w.full_at.is_none());
            let now = self.clock.now();
            polled.changed += self
                .store
                .write(move |conn| {
                    let mut changed = 0;
                    for item in &items {
                        changed += u64::from(store(conn, item)?);
                    }
                    if let Some(safe) = safe {
                        watermarks::set(conn, stream, 0, safe)?;
                    }
                    if is_whole {
                        watermarks::read_whole(conn, stream, 0, now)?;
                    }
                    Ok(changed)
                })
                .await?;
            match page.next {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok(polled),
            }
        }
        let fault = Fault::Unreadable(format!("the feed goes on after {MOST_PAGES} pages"));
        Err(SystemError { system: System::Axerrio, method: feed.method, fault }.into())
    }
}
