//! Komet's Prebooks, window by window, and the search for what a window no longer shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::{List, PollError, Polled, is_stale};
use crate::domain::{Header, ItemId, OrderKey, Prebook, PrebookId, PrebookNumber};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, orders};
use crate::sync::budget::{Kind, Source};
use crate::sync::engine::Engine;
use crate::sync::plan::window_of;
use crate::sync::report::Job;
use crate::sync::{observe, pace};
use crate::systems::{Answer, Axerrio, Komet, PrebookDates, PrebookQuery, SystemError};

/// Windows beyond the horizon in which a Prebook that left the horizon is looked for.
const WINDOWS_BEYOND: i64 = 12;

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
        let mut answer = self.komet.prebooks(&query).await?;
        let mut full = updated.is_none();
        // Komet's clock went back behind the watermark: what it stamped since would never be shown.
        if updated.is_some_and(|since| since > answer.as_of) && !gap {
            log::warn!(job = Job::Prebooks.name(); "Komet's clock went back; the window of {from} is read in full");
            answer = self.komet.prebooks(&PrebookQuery { updated_as_of: None, ..query }).await?;
            full = true;
        }
        let overlap = chrono::Duration::from_std(self.settings.overlap).unwrap_or_default();
        let readable = answer.unreadable.is_empty();
        sweep.polled.records += answer.items.len() as u64;
        let list = List::Source(Source::Window(window));
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
            if let Some(found) = &found {
                sweep.polled.report(Job::Prebooks, "Komet Prebook", &found.unreadable);
            }
            let is_garbled = found.as_ref().is_some_and(|found| !found.unreadable.is_empty());
            let Some(found) = found.filter(|found| found.unreadable.is_empty()) else {
                // What it is about must be noticed again.
                sweep.full.retain(|window, _| items.values().all(|(_, of)| of != window));
                if let Some(why) = sweep.polled.unreadable.last().filter(|_| is_garbled).cloned() {
                    let lists = items.values().map(|(_, window)| List::Source(Source::Window(*window)));
                    sweep.polled.in_vain.extend(lists.map(|list| (list, why.clone())));
                }
                continue;
            };
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

    /// Looks a Prebook up by its number, which Komet documents only together with dates (clarification 4). One that was made
    /// and never shown has a number, too: Komet may have given its items a ship date beyond the horizon. `None`: it cannot be
    /// looked up, and nothing is known of it.
    async fn find_prebook(
        &self,
        prebook: &PrebookId,
        items: &BTreeMap<ItemId, (OrderKey, i64)>,
    ) -> Result<Option<Answer<Prebook>>, PollError> {
        let mut found = Answer { items: Vec::new(), unreadable: Vec::new(), as_of: self.clock.now() };
        let Some((key, window)) = items.values().next().copied() else { return Ok(None) };
        let id = prebook.clone();
        let Some((number, truck_date)) = self.store.read(move |conn| name_of(conn, key, &id)).await? else {
            return Ok(None);
        };
        let mut places: Vec<PrebookDates> = vec![ship_dates(window)];
        places.extend(truck_date.map(PrebookDates::Truck));
        let end = *self.windows().end();
        places.extend((end + 1..=end + WINDOWS_BEYOND).map(ship_dates));
        let mut seen: BTreeSet<ItemId> = BTreeSet::new();
        for dates in places {
            let answer = self.prebooks_by_number(dates, &number).await?;
            found.unreadable.extend(answer.unreadable);
            for shown in answer.items.into_iter().filter(|p| p.id == *prebook) {
                seen.extend(shown.items.iter().map(|i| i.id.clone()));
                found.items.push(shown);
            }
            if items.keys().all(|item| seen.contains(item)) {
                break;
            }
        }
        Ok(Some(found))
    }

    async fn prebooks_by_number(
        &self,
        dates: PrebookDates,
        number: &PrebookNumber,
    ) -> Result<Answer<Prebook>, SystemError> {
        let query = PrebookQuery { dates, updated_as_of: None, number: Some(number.clone()) };
        self.komet.prebooks(&query).await
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
