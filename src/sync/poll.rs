//! Polling: what changed since the watermark, stored together with the new watermark in one transaction. A
//! watermark comes from the other system's clock less an overlap, and never passes a record that could not be read.
//! What a list no longer shows is looked up by its number before anything is concluded from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::engine::Engine;
use super::observe;
use super::plan::window_of;
use crate::domain::{AxOrder, ItemId, Label, OrderKey, PoNumber, Prebook, PrebookId, PrebookNumber};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, labels, orders, reference};
use crate::systems::{
    Answer, Axerrio, FeedPage, Komet, PoQuery, PrebookDates, PrebookQuery, SystemError, Unreadable,
};

/// Why a poll did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// A system failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// Records read.
    pub records: u64,
    /// Orders whose views changed.
    pub changed: u64,
    /// Records that could not be read.
    pub unreadable: Vec<String>,
    /// Prebook windows read in full.
    pub windows: BTreeSet<i64>,
    /// Ship dates whose POs were read.
    pub po_dates: BTreeSet<NaiveDate>,
    /// Carriers, by Komet's id, of windows in which something changed.
    pub carriers: BTreeSet<i64>,
}

impl Polled {
    /// Adds what another poll found.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.changed += other.changed;
        self.unreadable.extend(other.unreadable);
        self.windows.extend(other.windows);
        self.po_dates.extend(other.po_dates);
        self.carriers.extend(other.carriers);
    }

    fn report(&mut self, what: &str, unreadable: &[Unreadable]) {
        for record in unreadable {
            let id = record.id.as_deref().unwrap_or("of unknown id");
            let text = format!("{what} {id} cannot be read: {}", record.what);
            log::warn!("{text}; it is read again next time, the others go on");
            self.unreadable.push(text);
        }
    }
}

/// How many days after its ship date a PO is still polled: boxes are scanned in within days.
const RECEIVING_DAYS: u64 = 7;

/// Windows beyond the horizon in which a Prebook that left the horizon is looked for.
const WINDOWS_BEYOND: i64 = 4;

/// How long a window's last full read satisfies: a deleted Prebook shows in no changed-since read (clarification 5).
const FULL_READ_HOURS: i64 = 24;

/// What the two feeds of Axerrio have in common.
struct Feed<T> {
    stream: Stream,
    what: &'static str,
    store: fn(&Connection, &T) -> Result<bool, StoreError>,
    changed_at: fn(&T) -> DateTime<Utc>,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Polls Axerrio's orders.
    pub async fn poll_orders(&self, since: Option<DateTime<Utc>>) -> Result<Polled, PollError> {
        let feed = Feed::<AxOrder> {
            stream: Stream::Orders,
            what: "Axerrio order",
            store: observe::axerrio_order,
            changed_at: |order| order.changed_at,
        };
        self.poll_feed(&feed, since, async |since, cursor| self.axerrio.orders(since, cursor).await).await
    }

    /// Polls Axerrio's labels.
    pub async fn poll_labels(&self, since: Option<DateTime<Utc>>) -> Result<Polled, PollError> {
        let feed = Feed::<Label> {
            stream: Stream::Labels,
            what: "Axerrio label",
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
        let since = since.or(watermark.map(|w| w.at)).unwrap_or(DateTime::UNIX_EPOCH);
        let overlap = chrono::Duration::from_std(self.settings.overlap).unwrap_or_default();
        let mut polled = Polled::default();
        let mut cursor: Option<String> = None;
        let mut as_of = None;
        let mut limit: Option<DateTime<Utc>> = None;
        let mut stuck = false;
        loop {
            let page = read(since, cursor.as_deref()).await?;
            let first_as_of = *as_of.get_or_insert(page.answer.as_of);
            polled.records += page.answer.items.len() as u64;
            polled.report(feed.what, &page.answer.unreadable);
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
                    Ok(changed)
                })
                .await?;
            match page.next {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok(polled),
            }
        }
    }

    /// Reads Komet's carriers and box types, which change rarely: once a day, and the carriers also when a Prebook goes
    /// by one that is not in the list (`lacks_carriers`).
    pub async fn poll_reference(&self, lacks_carriers: bool) -> Result<(), PollError> {
        let now = self.clock.now();
        let stale = move |read_at: DateTime<Utc>| now - read_at >= chrono::Duration::hours(FULL_READ_HOURS);
        let due = self
            .store
            .read(move |conn| {
                let carriers = reference::carriers(conn)?.is_none_or(|list| stale(list.read_at));
                let box_types = reference::box_types(conn)?.is_none_or(|list| stale(list.read_at));
                Ok((carriers, box_types))
            })
            .await?;
        if due.0 || lacks_carriers {
            let carriers = self.komet.carriers().await?;
            self.store.write(move |conn| reference::set_carriers(conn, &carriers, now)).await?;
        }
        if due.1 {
            let box_types = self.komet.box_types().await?;
            self.store.write(move |conn| reference::set_box_types(conn, &box_types, now)).await?;
        }
        Ok(())
    }

    /// The windows that the horizon touches. They are always read whole (clarification 6).
    pub fn windows(&self) -> std::ops::RangeInclusive<i64> {
        window_of(self.visible_from())..=window_of(self.horizon_end())
    }

    /// Polls Komet's Prebooks, window by window; `only_unknown` reads just the windows that were never read.
    pub async fn poll_prebooks(
        &self,
        since: Option<DateTime<Utc>>,
        only_unknown: bool,
    ) -> Result<Polled, PollError> {
        let mut sweep = Sweep::default();
        for window in self.windows() {
            let watermark = self.store.read(move |conn| watermarks::get(conn, Stream::Prebooks, window)).await?;
            if only_unknown && watermark.is_some() {
                continue;
            }
            let now = self.clock.now();
            let stale = |at| now - at >= chrono::Duration::hours(FULL_READ_HOURS);
            let full = watermark.and_then(|w| w.full_at).is_none_or(stale);
            let updated = if full { None } else { since.or(watermark.map(|w| w.at)) };
            // Forced from a later time than the watermark, a poll leaves a gap that the watermark must not pass.
            let gap = updated.is_some_and(|since| watermark.is_none_or(|w| w.at < since));
            self.read_window(window, updated, gap, &mut sweep).await?;
        }
        self.look_up_missing(&mut sweep).await?;
        Ok(sweep.polled)
    }

    /// Reads one window in full, wherever it lies; for what a plan or an intent needs to know.
    pub async fn read_windows(&self, windows: &BTreeSet<i64>) -> Result<Polled, PollError> {
        let mut sweep = Sweep::default();
        for window in windows {
            self.read_window(*window, None, false, &mut sweep).await?;
        }
        self.look_up_missing(&mut sweep).await?;
        Ok(sweep.polled)
    }

    /// Reads a window (in full if `updated` is `None`), stores what it shows, and notes what it should have shown. The
    /// watermark stays where it is if the read leaves a `gap` behind it.
    async fn read_window(
        &self,
        window: i64,
        updated: Option<DateTime<Utc>>,
        gap: bool,
        sweep: &mut Sweep,
    ) -> Result<(), PollError> {
        let (from, to) = dates_of(window);
        let query = PrebookQuery { dates: PrebookDates::Ship { from, to }, updated_as_of: updated, number: None };
        let answer = self.komet.prebooks(&query).await?;
        let full = updated.is_none();
        let overlap = chrono::Duration::from_std(self.settings.overlap).unwrap_or_default();
        let readable = answer.unreadable.is_empty();
        sweep.polled.records += answer.items.len() as u64;
        sweep.polled.report("Komet Prebook", &answer.unreadable);
        let as_of = answer.as_of;
        // Komet's day may be one ahead of ours: what ships before today may rightly have left the list.
        let visible = from.max(self.today());
        let shown: BTreeSet<ItemId> = answer.items.iter().flat_map(|p| &p.items).map(|i| i.id.clone()).collect();
        let prebooks: BTreeSet<PrebookId> = answer.items.iter().map(|p| p.id.clone()).collect();
        let carriers: BTreeSet<i64> = answer.items.iter().filter_map(|p| p.header.carrier_id).collect();
        let items = answer.items;
        let expected = shown.clone();
        let (changed, missing) = self
            .store
            .write(move |conn| {
                let before = orders::items_expected(conn, visible, to)?;
                let mut changed = 0;
                for item in &items {
                    changed += observe::prebook(conn, item)?;
                }
                if readable && !gap {
                    watermarks::set(conn, Stream::Prebooks, window, as_of - overlap)?;
                }
                let missing: Vec<(OrderKey, PrebookId, ItemId)> = before
                    .into_iter()
                    .filter(|(_, prebook, item)| {
                        readable && !expected.contains(item) && (full || prebooks.contains(prebook))
                    })
                    .collect();
                Ok((changed, missing))
            })
            .await?;
        sweep.polled.changed += changed;
        if changed > 0 {
            sweep.polled.carriers.extend(carriers.into_iter().filter(|id| *id != 0));
        }
        sweep.shown.extend(shown);
        if full && readable {
            sweep.polled.windows.insert(window);
            sweep.full.insert(window, as_of - overlap);
        }
        for (key, prebook, item) in missing {
            sweep.missing.insert(item, (key, prebook, window));
        }
        Ok(())
    }

    /// What a list no longer shows: first every window of the horizon is read in full, then each Prebook is looked up
    /// by its number, where it was, on its truck date and beyond the horizon. Only what is nowhere is gone.
    async fn look_up_missing(&self, sweep: &mut Sweep) -> Result<(), PollError> {
        sweep.drop_shown();
        if sweep.missing.is_empty() {
            return self.confirm_full(sweep).await;
        }
        // If the look-up fails half-way, the next poll must notice again.
        let windows: BTreeSet<i64> = sweep.missing.values().map(|(_, _, window)| *window).collect();
        self.store
            .write(move |conn| {
                windows.iter().try_for_each(|window| watermarks::forget_full(conn, Stream::Prebooks, *window))
            })
            .await?;
        for window in self.windows() {
            if !sweep.full.contains_key(&window) && !sweep.missing.is_empty() {
                self.read_window(window, None, false, sweep).await?;
                sweep.drop_shown();
            }
        }
        let mut by_prebook: BTreeMap<PrebookId, BTreeMap<ItemId, (OrderKey, i64)>> = BTreeMap::new();
        for (item, (key, prebook, window)) in std::mem::take(&mut sweep.missing) {
            by_prebook.entry(prebook).or_default().insert(item, (key, window));
        }
        for (prebook, mut items) in by_prebook {
            let found = self.find_prebook(&prebook, &items).await?;
            if !found.unreadable.is_empty() {
                sweep.polled.report("Komet Prebook", &found.unreadable);
                continue;
            }
            let shown: BTreeSet<ItemId> =
                found.items.iter().flat_map(|p| &p.items).map(|i| i.id.clone()).collect();
            items.retain(|item, _| !shown.contains(item));
            let mut gone: BTreeMap<OrderKey, BTreeSet<ItemId>> = BTreeMap::new();
            for (item, (key, _)) in items {
                gone.entry(key).or_default().insert(item);
            }
            sweep.polled.changed += self
                .store
                .write(move |conn| {
                    let mut changed = 0;
                    for prebook in &found.items {
                        changed += observe::prebook(conn, prebook)?;
                    }
                    for (key, items) in &gone {
                        changed += u64::from(observe::forget_items(conn, *key, items)?);
                    }
                    Ok(changed)
                })
                .await?;
        }
        self.confirm_full(sweep).await
    }

    /// Everything that the full reads did not show was looked up: they count as the day's.
    async fn confirm_full(&self, sweep: &Sweep) -> Result<(), PollError> {
        if sweep.full.is_empty() {
            return Ok(());
        }
        let full = sweep.full.clone();
        let now = self.clock.now();
        self.store
            .write(move |conn| {
                full.iter()
                    .try_for_each(|(window, at)| watermarks::set_full(conn, Stream::Prebooks, *window, *at, now))
            })
            .await?;
        Ok(())
    }

    /// Looks a Prebook up by its number, which Komet documents only together with dates (clarification 4).
    async fn find_prebook(
        &self,
        prebook: &PrebookId,
        items: &BTreeMap<ItemId, (OrderKey, i64)>,
    ) -> Result<Answer<Prebook>, PollError> {
        let mut found = Answer { items: Vec::new(), unreadable: Vec::new(), as_of: self.clock.now() };
        let Some((key, window)) = items.values().next().copied() else { return Ok(found) };
        let id = prebook.clone();
        let known = self
            .store
            .read(move |conn| Ok(orders::load_komet(conn, key)?.prebooks.into_iter().find(|p| p.id == id)))
            .await?;
        let Some(known) = known else { return Ok(found) };
        let mut places: Vec<PrebookDates> = vec![ship_dates(window), PrebookDates::Truck(known.header.truck_date)];
        let end = *self.windows().end();
        places.extend((end + 1..=end + WINDOWS_BEYOND).map(ship_dates));
        let mut seen: BTreeSet<ItemId> = BTreeSet::new();
        for dates in places {
            let answer = self.prebooks_by_number(dates, &known.number).await?;
            found.unreadable.extend(answer.unreadable);
            for shown in answer.items.into_iter().filter(|p| p.id == *prebook) {
                seen.extend(shown.items.iter().map(|i| i.id.clone()));
                found.items.push(shown);
            }
            if items.keys().all(|item| seen.contains(item)) {
                break;
            }
        }
        Ok(found)
    }

    async fn prebooks_by_number(
        &self,
        dates: PrebookDates,
        number: &PrebookNumber,
    ) -> Result<Answer<Prebook>, SystemError> {
        let query = PrebookQuery { dates, updated_as_of: None, number: Some(number.clone()) };
        self.komet.prebooks(&query).await
    }

    /// Polls the POs of every ship date that holds an open linked PO.
    pub async fn poll_purchase_orders(&self) -> Result<Polled, PollError> {
        let today = self.today();
        let from = today.checked_sub_days(Days::new(RECEIVING_DAYS)).unwrap_or(today);
        let dates = self.store.read(move |conn| orders::open_po_ship_dates(conn, from)).await?;
        self.read_po_dates(&dates.into_iter().collect()).await
    }

    /// Reads the POs of these ship dates; a PO that left its date is looked up by its number.
    pub async fn read_po_dates(&self, dates: &BTreeSet<NaiveDate>) -> Result<Polled, PollError> {
        let mut polled = Polled::default();
        let mut missing: BTreeSet<PoNumber> = BTreeSet::new();
        let mut shown: BTreeSet<PoNumber> = BTreeSet::new();
        for date in dates.iter().copied() {
            let answer = self.komet.purchase_orders(&PoQuery::ShipDate(date)).await?;
            polled.records += answer.items.len() as u64;
            polled.report("Komet PO", &answer.unreadable);
            let readable = answer.unreadable.is_empty();
            if readable {
                polled.po_dates.insert(date);
            }
            shown.extend(answer.items.iter().map(|po| po.number.clone()));
            let items = answer.items;
            let as_of = answer.as_of;
            let (changed, expected) = self
                .store
                .write(move |conn| {
                    let mut changed = 0;
                    for po in &items {
                        changed += observe::purchase_order(conn, po)?;
                    }
                    let mut expected = BTreeSet::new();
                    for key in orders::keys_with_open_po(conn, date)? {
                        expected.extend(open_numbers(conn, key)?);
                    }
                    watermarks::set(conn, Stream::PurchaseOrders, 0, as_of)?;
                    Ok((changed, expected))
                })
                .await?;
            polled.changed += changed;
            if readable {
                missing.extend(expected);
            }
        }
        for number in missing.difference(&shown) {
            polled.add(self.read_po(number).await?);
        }
        Ok(polled)
    }

    /// Reads one PO by its number; if Komet has none of that number it is gone.
    pub async fn read_po(&self, number: &PoNumber) -> Result<Polled, PollError> {
        let answer = self.komet.purchase_orders(&PoQuery::Number(number.clone())).await?;
        let mut polled = Polled { records: answer.items.len() as u64, ..Polled::default() };
        polled.report("Komet PO", &answer.unreadable);
        let readable = answer.unreadable.is_empty();
        let wanted = number.clone();
        polled.changed = self
            .store
            .write(move |conn| {
                let mut changed = 0;
                let mut found = false;
                for po in &answer.items {
                    found |= po.number == wanted;
                    changed += observe::purchase_order(conn, po)?;
                }
                if !found && readable {
                    changed += observe::forget_po(conn, &wanted)?;
                }
                Ok(changed)
            })
            .await?;
        Ok(polled)
    }
}

/// The POs on which something may still happen for an order.
fn open_numbers(conn: &Connection, key: OrderKey) -> Result<BTreeSet<PoNumber>, StoreError> {
    let agreed = orders::load_agreed(conn, key)?;
    let links = agreed.lines.values().flat_map(|l| &l.po_lines).filter(|link| !link.dead);
    Ok(links.map(|link| link.number.clone()).collect())
}

/// What a sweep over windows has found so far.
#[derive(Default)]
struct Sweep {
    polled: Polled,
    /// Windows read in full, with the watermark they earned.
    full: BTreeMap<i64, DateTime<Utc>>,
    /// Items that some window showed.
    shown: BTreeSet<ItemId>,
    /// Items that their window should have shown: their order, Prebook and window.
    missing: BTreeMap<ItemId, (OrderKey, PrebookId, i64)>,
}

impl Sweep {
    fn drop_shown(&mut self) {
        let shown = &self.shown;
        self.missing.retain(|item, _| !shown.contains(item));
    }
}

/// The seven ship dates of a window.
pub fn dates_of(window: i64) -> (NaiveDate, NaiveDate) {
    let from = DateTime::UNIX_EPOCH.date_naive() + chrono::Duration::days(window * 7);
    (from, from + chrono::Duration::days(6))
}

fn ship_dates(window: i64) -> PrebookDates {
    let (from, to) = dates_of(window);
    PrebookDates::Ship { from, to }
}
