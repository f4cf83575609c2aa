//! Komet's Prebooks, window by window, and the search for what a window no longer shows.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{FULL_READ_HOURS, List, PollError, Polled, is_stale};
use crate::domain::{Header, ItemId, OrderKey, Prebook, PrebookId, PrebookNumber};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, orders};
use crate::sync::budget::{Kind, Source};
use crate::sync::engine::Engine;
use crate::sync::plan::window_of;
use crate::sync::report::Job;
use crate::sync::{observe, pace};
use crate::systems::{Axerrio, Komet, PrebookDates, PrebookQuery, SystemError, Unreadable};

/// Windows beyond the horizon in which a Prebook that left the horizon is looked for.
const WINDOWS_BEYOND: i64 = 12;

/// How soon a window is read in full again of which something is missing that could not be looked up for want of requests.
const LOOKED_UP_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Which windows of the horizon a poll reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// All of them.
    All,
    /// Those that were never read, but those that were tried just now, in vain.
    Unknown {
        /// Nobody waits for it.
        paced: bool,
    },
    /// Those that are worth a request now, and those that must be read in full.
    Due,
}

impl Windows {
    /// Whether nobody waits for it.
    fn is_paced(self) -> bool {
        matches!(self, Self::Due | Self::Unknown { paced: true })
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// The windows that the horizon touches. They are always read whole (clarification 6).
    pub fn windows(&self) -> std::ops::RangeInclusive<i64> {
        window_of(self.visible_from())..=window_of(self.horizon_end())
    }

    /// Polls Komet's Prebooks, window by window: those that `which` names.
    pub async fn poll_prebooks(&self, since: Option<DateTime<Utc>>, which: Windows) -> Result<Polled, PollError> {
        let mut sweep = Sweep::default();
        let due = if which == Windows::Due { Some(self.due(Kind::Prebooks).await?) } else { None };
        let in_vain = match which {
            Windows::Unknown { paced } => self.in_vain(paced).await?,
            Windows::All | Windows::Due => BTreeSet::new(),
        };
        for window in self.windows() {
            if due.as_ref().is_some_and(|due| !due.contains(&Source::Window(window))) {
                continue;
            }
            let watermark = self.store.read(move |conn| watermarks::get(conn, Stream::Prebooks, window)).await?;
            let is_unknown = watermark.is_none() && !in_vain.contains(&Source::Window(window));
            if matches!(which, Windows::Unknown { .. }) && !is_unknown {
                continue;
            }
            let now = self.clock.now();
            let full = watermark.and_then(|w| w.full_at).is_none_or(|at| is_stale(at, now));
            let updated = if full { None } else { since.or(watermark.map(|w| w.at)) };
            // Forced from a later time than the watermark, a poll leaves a gap that the watermark must not pass.
            let gap = updated.is_some_and(|since| watermark.is_none_or(|w| w.at < since));
            self.read_window(window, updated, gap, &mut sweep).await?;
            sweep.polled.polls += 1;
        }
        self.look_up_missing(&mut sweep, which.is_paced()).await?;
        Ok(sweep.polled)
    }

    /// Reads one window in full, wherever it lies; for what a plan or an intent needs to know.
    pub async fn read_windows(&self, windows: &BTreeSet<i64>) -> Result<Polled, PollError> {
        let mut sweep = Sweep::default();
        for window in windows {
            self.read_window(*window, None, false, &mut sweep).await?;
        }
        self.look_up_missing(&mut sweep, false).await?;
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
        let mut read = self.prebooks_of(&query).await?;
        let mut full = updated.is_none();
        // Komet's clock went back behind the watermark: what it stamped since would never be shown.
        if updated.is_some_and(|since| since > read.answer.as_of) && !gap {
            log::warn!(job = Job::Prebooks.name(); "Komet's clock went back; the window of {from} is read in full");
            read = self.prebooks_of(&PrebookQuery { updated_as_of: None, ..query }).await?;
            full = true;
        }
        let overlap = chrono::Duration::from_std(self.settings.overlap).unwrap_or_default();
        let readable = read.is_whole();
        let list = List::Source(Source::Window(window));
        for date in &read.too_long {
            let then = format!(
                "Orders that ship from {from} to {to} wait where they depend on it, the others go on. A Vendor token sees this \
                 vendor's items only: give the link one ([komet] token and token_kind)."
            );
            sweep.polled.report_too_long(list.clone(), Job::Prebooks, "Prebooks", *date, &then);
        }
        let answer = read.answer;
        sweep.polled.records += answer.items.len() as u64;
        sweep.polled.report_in(list, Job::Prebooks, "Komet Prebook", &answer.unreadable);
        let as_of = answer.as_of;
        // Komet's day may be one ahead of ours: what ships before today may rightly have left the list.
        let visible = from.max(self.today());
        let shown: BTreeSet<ItemId> = answer.items.iter().flat_map(|p| &p.items).map(|i| i.id.clone()).collect();
        let prebooks: BTreeSet<PrebookId> = answer.items.iter().map(|p| p.id.clone()).collect();
        let carriers: BTreeSet<i64> = answer.items.iter().filter_map(|p| p.header.carrier_id).collect();
        let items = answer.items;
        let expected = shown.clone();
        let now = self.clock.now();
        let (changed, missing) = self
            .store
            .write(move |conn| {
                let before = orders::items_expected(conn, visible, to)?;
                let mut changed = 0;
                for item in &items {
                    changed += observe::prebook(conn, item)?;
                }
                if !gap {
                    pace::saw(conn, Source::Window(window), now, None, (changed, readable))?;
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
        if readable && !gap {
            sweep.polled.windows_seen.insert(window);
        }
        if full && readable {
            sweep.polled.windows.insert(window);
            sweep.full.insert(window, as_of - overlap);
        }
        for (key, prebook, item) in missing {
            sweep.missing.insert(item, (key, prebook, window));
        }
        Ok(())
    }

    /// What a list no longer shows: first every window of the horizon is read in full, then each Prebook is looked for where it was,
    /// on its truck date and beyond the horizon. Only what is nowhere is gone. A `paced` poll leaves it for later where it costs more
    /// than polls may spend.
    async fn look_up_missing(&self, sweep: &mut Sweep, paced: bool) -> Result<(), PollError> {
        sweep.drop_shown();
        if sweep.missing.is_empty() {
            return self.confirm_full(sweep).await;
        }
        if paced {
            let lost = self.lost(sweep.missing.clone()).await?;
            if self.is_dear(sweep, &lost).await? {
                return self.look_up_later(sweep, lost.len()).await;
            }
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
        let mut lost = self.lost(std::mem::take(&mut sweep.missing)).await?;
        let places = self.places(&lost);
        self.seek(&mut lost, places).await?;
        for mut lost in lost.into_values() {
            sweep.polled.report(Job::Prebooks, "Komet Prebook", &lost.unreadable);
            if lost.name.is_none() || !lost.unreadable.is_empty() {
                // What it is about must be noticed again.
                sweep.full.retain(|window, _| lost.items.values().all(|(_, of)| of != window));
                if !lost.unreadable.is_empty()
                    && let Some(why) = sweep.polled.unreadable.last().cloned()
                {
                    let lists = lost.items.values().map(|(_, window)| List::Source(Source::Window(*window)));
                    sweep.polled.in_vain.extend(lists.map(|list| (list, why.clone())));
                }
                continue;
            }
            let mut gone: BTreeMap<OrderKey, BTreeSet<ItemId>> = BTreeMap::new();
            for (item, (key, _)) in std::mem::take(&mut lost.items) {
                if !lost.shows(&item) {
                    gone.entry(key).or_default().insert(item);
                }
            }
            sweep.polled.changed += self
                .store
                .write(move |conn| {
                    let mut changed = 0;
                    for prebook in &lost.found {
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

    /// The Prebooks of which something is missing.
    async fn lost(&self, missing: Missing) -> Result<BTreeMap<PrebookId, Lost>, StoreError> {
        self.store
            .read(move |conn| {
                let mut all: BTreeMap<PrebookId, Lost> = BTreeMap::new();
                for (item, (key, prebook, window)) in missing {
                    let lost = match all.entry(prebook) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => {
                            let name = name_of(conn, key, new.key())?;
                            new.insert(Lost::new(name))
                        }
                    };
                    lost.items.insert(item, (key, window));
                }
                Ok(all)
            })
            .await
    }

    /// Where Prebooks that were lost sight of are looked for, one request each.
    fn places(&self, lost: &BTreeMap<PrebookId, Lost>) -> Vec<(PrebookDates, BTreeSet<PrebookId>)> {
        let mut places = Vec::new();
        let mut all: BTreeSet<PrebookId> = BTreeSet::new();
        for (prebook, lost) in lost {
            let Some((_, truck_date)) = &lost.name else { continue };
            // Nothing counts as gone that was not looked up by its own number (product.md, Never).
            let alone = || BTreeSet::from([prebook.clone()]);
            places.extend(lost.items.values().next().map(|(_, window)| (ship_dates(*window), alone())));
            places.extend(truck_date.map(|date| (PrebookDates::Truck(date), alone())));
            all.insert(prebook.clone());
        }
        let end = *self.windows().end();
        let beyond = (end + 1..=end + WINDOWS_BEYOND).filter(|_| !all.is_empty());
        places.extend(beyond.map(|window| (ship_dates(window), all.clone())));
        places
    }

    /// Whether to look up what is missing takes more requests than are left for polls.
    async fn is_dear(&self, sweep: &Sweep, lost: &BTreeMap<PrebookId, Lost>) -> Result<bool, StoreError> {
        let unread = self.windows().filter(|window| !sweep.full.contains_key(window)).count();
        let requests = u32::try_from(unread + self.places(lost).len()).unwrap_or(u32::MAX);
        Ok(f64::from(requests) > self.outlook().await?.decision.reads_left)
    }

    /// Nothing is concluded from what is missing, which is noticed again by a full read in an hour.
    async fn look_up_later(&self, sweep: &mut Sweep, prebooks: usize) -> Result<(), PollError> {
        log::info!(
            job = Job::Prebooks.name();
            "{prebooks} Prebooks that Komet's lists no longer show are looked up later: what is left of the quota is kept for writes"
        );
        let windows: BTreeSet<i64> = sweep.missing.values().map(|(_, _, window)| *window).collect();
        let just_read: BTreeSet<i64> =
            sweep.full.extract_if(.., |window, _| windows.contains(window)).map(|(w, _)| w).collect();
        let full_at = self.clock.now() - FULL_READ_HOURS + LOOKED_UP_AGAIN;
        self.store
            .write(move |conn| {
                for window in windows {
                    let before = watermarks::get(conn, Stream::Prebooks, window)?.and_then(|known| known.full_at);
                    // What changes there once more does not put it off again.
                    if just_read.contains(&window) || before.is_none_or(|before| before > full_at) {
                        watermarks::count_as_full(conn, Stream::Prebooks, window, full_at)?;
                    }
                }
                Ok(())
            })
            .await?;
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

    /// Looks for Prebooks in these places, each list once for all that are sought there. One alone is asked for by its number, which
    /// Komet documents only together with dates (clarification 4). One that was made and never shown has a number, too: Komet may
    /// have given its items a ship date beyond the horizon.
    async fn seek(
        &self,
        lost: &mut BTreeMap<PrebookId, Lost>,
        places: Vec<(PrebookDates, BTreeSet<PrebookId>)>,
    ) -> Result<(), SystemError> {
        for (dates, mut sought) in places {
            sought.retain(|prebook| lost.get(prebook).is_some_and(|lost| !lost.is_found()));
            if sought.len() > 1 {
                let read = self.prebooks_of(&PrebookQuery { dates, updated_as_of: None, number: None }).await?;
                // What cannot be read may be any of them: then each is asked for.
                if read.is_whole() {
                    for shown in read.answer.items.into_iter().filter(|shown| sought.contains(&shown.id)) {
                        lost.entry(shown.id.clone()).and_modify(|lost| lost.found.push(shown));
                    }
                    continue;
                }
            }
            for prebook in sought {
                let Some(lost) = lost.get_mut(&prebook) else { continue };
                let Some((number, _)) = lost.name.clone() else { continue };
                let query = PrebookQuery { dates, updated_as_of: None, number: Some(number) };
                let answer = self.komet.prebooks(&query).await?;
                lost.unreadable.extend(answer.unreadable);
                lost.found.extend(answer.items.into_iter().filter(|shown| shown.id == prebook));
            }
        }
        Ok(())
    }
}

/// A Prebook of which a list no longer shows something, and what was found of it elsewhere.
struct Lost {
    /// Its number and truck date; `None`: it cannot be looked up.
    name: Option<(PrebookNumber, Option<NaiveDate>)>,
    /// What is missing, each with its order and the window that should show it.
    items: BTreeMap<ItemId, (OrderKey, i64)>,
    found: Vec<Prebook>,
    unreadable: Vec<Unreadable>,
}

impl Lost {
    fn new(name: Option<(PrebookNumber, Option<NaiveDate>)>) -> Self {
        Self { name, items: BTreeMap::new(), found: Vec::new(), unreadable: Vec::new() }
    }

    fn shows(&self, item: &ItemId) -> bool {
        self.found.iter().flat_map(|prebook| &prebook.items).any(|shown| shown.id == *item)
    }

    fn is_found(&self) -> bool {
        self.items.keys().all(|item| self.shows(item))
    }
}

/// A Prebook's number and truck date, as Komet last showed it or as it was made.
fn name_of(
    conn: &Connection,
    key: OrderKey,
    prebook: &PrebookId,
) -> Result<Option<(PrebookNumber, Option<NaiveDate>)>, StoreError> {
    if let Some(shown) = orders::load_komet(conn, key)?.prebooks.into_iter().find(|p| p.id == *prebook) {
        return Ok(Some((shown.number, Some(shown.header.truck_date))));
    }
    let made = orders::load_agreed(conn, key)?.prebooks.remove(prebook);
    Ok(made.map(|made| (made.number, made.sent.as_ref().map(Header::truck_date))))
}

/// Items that are missing, each with its order, its Prebook and the window that should show it.
type Missing = BTreeMap<ItemId, (OrderKey, PrebookId, i64)>;

/// What a sweep over windows has found so far.
#[derive(Default)]
struct Sweep {
    polled: Polled,
    /// Windows read in full, with the watermark they earned.
    full: BTreeMap<i64, DateTime<Utc>>,
    /// Items that some window showed.
    shown: BTreeSet<ItemId>,
    /// Items that their window should have shown.
    missing: Missing,
}

impl Sweep {
    fn drop_shown(&mut self) {
        let shown = &self.shown;
        self.missing.retain(|item, _| !shown.contains(item));
    }
}

const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

/// The seven ship dates of a window.
pub fn dates_of(window: i64) -> (NaiveDate, NaiveDate) {
    let from = DateTime::UNIX_EPOCH.date_naive() + chrono::Duration::days(window * 7);
    // Komet takes no year of five digits, and an order may name the last day of all for none.
    (from, (from + chrono::Duration::days(6)).min(LAST_DAY))
}

fn ship_dates(window: i64) -> PrebookDates {
    let (from, to) = dates_of(window);
    PrebookDates::Ship { from, to }
}
