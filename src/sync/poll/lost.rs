//! Prebooks of which a list no longer shows something: each is looked for by its number before anything is concluded from that, and
//! what came of it is stored before the next one is looked for, so that what ends half-way loses nothing.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::prebooks::{Missing, Sweep, ship_dates};
use super::{FULL_READ_HOURS, List, PollError};
use crate::domain::{Header, ItemId, OrderKey, Prebook, PrebookId, PrebookNumber};
use crate::store::sought::{self, Sought};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, orders};
use crate::sync::budget::{Decision, Source};
use crate::sync::engine::Engine;
use crate::sync::observe;
use crate::sync::report::Job;
use crate::systems::{Axerrio, Komet, PrebookDates, PrebookQuery, SystemError, Unreadable};

/// Windows beyond the horizon in which a Prebook that left the horizon is looked for.
const WINDOWS_BEYOND: u8 = 12;

/// Requests by which a Prebook is looked for by its number: where it was, and on its truck date.
const ITS_OWN: u64 = 2;

/// Requests of a run that cancels, beside a PO list for each day: the carriers and box types of the day, what other jobs read.
const SOME_MORE: f64 = 10.0;

/// How soon a window is read in full again of which something is missing that could not be looked up for want of requests.
const LOOKED_UP_AGAIN: TimeDelta = TimeDelta::hours(1);

/// Prebooks that were lost sight of.
type AllLost = BTreeMap<PrebookId, Lost>;

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// What a list no longer shows: first every window of the horizon is read in full, then each Prebook is looked for where it was,
    /// on its truck date and beyond the horizon. Only what is nowhere is gone. Those for which the day has not the requests beside what
    /// is kept for work are left for later (quota.md, rule 3), also where somebody waits for them.
    pub(super) async fn look_up_missing(&self, sweep: &mut Sweep, paced: bool) -> Result<(), PollError> {
        sweep.drop_shown();
        if sweep.missing.is_empty() {
            return self.confirm_full(sweep, AllLost::new()).await;
        }
        let up_to = self.look_up_may_reach(paced).await?;
        let affords = |requests: u64| self.komet.requests() + requests <= up_to;
        let unread = self.windows().filter(|window| !sweep.full.contains_key(window)).count() as u64;
        if !affords(unread + ITS_OWN + u64::from(WINDOWS_BEYOND)) {
            let lost = self.lost(std::mem::take(&mut sweep.missing)).await?;
            return self.look_up_later(sweep, lost).await;
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
        let mut beyond: Option<Vec<PrebookDates>> = None;
        for prebook in self.longest_lost_first(&lost).await? {
            let lists_beyond = beyond.as_ref().map_or(u64::from(WINDOWS_BEYOND), |lists| lists.len() as u64);
            if !affords(ITS_OWN + lists_beyond) {
                break;
            }
            self.seek(&prebook, &mut lost, &mut beyond).await?;
            if let Some(one) = lost.remove(&prebook) {
                self.conclude(one, sweep).await?;
            }
        }
        self.look_up_later(sweep, lost).await
    }

    /// Up to which count of Komet's requests a look-up may go. Before what is gone is cancelled the POs of each day of the horizon are
    /// read, and some more: late in the day less may be kept for work than that takes, which one that nobody asked for leaves too.
    async fn look_up_may_reach(&self, paced: bool) -> Result<u64, StoreError> {
        let Decision { reads_left, reserve, .. } = self.outlook().await?.decision;
        #[allow(clippy::cast_precision_loss, reason = "a number of days")]
        let cancelling = self.ship_dates().count() as f64 + SOME_MORE;
        let wanting = if paced { (cancelling - reserve).max(0.0) } else { 0.0 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what polls may still spend")]
        let left = (reads_left - wanting).max(0.0) as u64;
        Ok(self.komet.requests() + left)
    }

    /// The Prebooks of which something is missing.
    async fn lost(&self, missing: Missing) -> Result<AllLost, StoreError> {
        self.store
            .read(move |conn| {
                let mut all = AllLost::new();
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

    async fn longest_lost_first(&self, lost: &AllLost) -> Result<Vec<PrebookId>, StoreError> {
        let known: HashMap<PrebookId, DateTime<Utc>> =
            self.store.read(sought::list).await?.into_iter().map(|one| (one.prebook, one.since)).collect();
        let mut prebooks: Vec<PrebookId> = lost.keys().cloned().collect();
        prebooks.sort_by_key(|prebook| known.get(prebook).copied().unwrap_or(DateTime::<Utc>::MAX_UTC));
        Ok(prebooks)
    }

    /// Looks for one Prebook by its number, which Komet documents only together with dates (clarification 4): where it was, on its
    /// truck date, and `beyond` the horizon, as far as the lists there could not tell of all at once. One that was made and never
    /// shown has a number, too: Komet may have given its items a ship date beyond the horizon.
    async fn seek(
        &self,
        prebook: &PrebookId,
        lost: &mut AllLost,
        beyond: &mut Option<Vec<PrebookDates>>,
    ) -> Result<(), SystemError> {
        let Some(one) = lost.get_mut(prebook) else { return Ok(()) };
        let Some((_, truck_date)) = one.name else { return Ok(()) };
        let was_in = one.items.values().next().map(|(_, window)| ship_dates(*window));
        let own = was_in.into_iter().chain(truck_date.map(PrebookDates::Truck));
        self.ask_for(prebook, one, own).await?;
        if one.is_found() {
            return Ok(());
        }
        let lists = match beyond {
            Some(lists) => lists,
            None => beyond.insert(self.look_beyond(lost).await?),
        };
        let Some(one) = lost.get_mut(prebook) else { return Ok(()) };
        self.ask_for(prebook, one, lists.iter().copied()).await
    }

    /// Asks for a Prebook by its number in these places until all of it was found.
    async fn ask_for(
        &self,
        prebook: &PrebookId,
        lost: &mut Lost,
        places: impl Iterator<Item = PrebookDates>,
    ) -> Result<(), SystemError> {
        let Some((number, _)) = lost.name.clone() else { return Ok(()) };
        for dates in places {
            if lost.is_found() {
                break;
            }
            let query = PrebookQuery { dates, updated_as_of: None, number: Some(number.clone()) };
            let answer = self.komet.prebooks(&query).await?;
            lost.unreadable.extend(answer.unreadable);
            lost.found.extend(answer.items.into_iter().filter(|shown| shown.id == *prebook));
        }
        Ok(())
    }

    /// Reads the lists of the dates beyond the horizon, each once for all that are sought. Answers those in which each must be asked
    /// for by its number: what cannot be read there may be any of them, and one alone costs no more that way.
    async fn look_beyond(&self, lost: &mut AllLost) -> Result<Vec<PrebookDates>, SystemError> {
        let end = *self.windows().end();
        let mut by_number = Vec::new();
        for dates in (end + 1..=end + i64::from(WINDOWS_BEYOND)).map(ship_dates) {
            match lost.values().filter(|one| one.name.is_some() && !one.is_found()).count() {
                0 => break,
                1 => by_number.push(dates),
                _ => {
                    let read =
                        self.prebooks_of(&PrebookQuery { dates, updated_as_of: None, number: None }).await?;
                    if !read.is_whole() {
                        by_number.push(dates);
                        continue;
                    }
                    for shown in read.answer.items {
                        if let Some(one) = lost.get_mut(&shown.id) {
                            one.found.push(shown);
                        }
                    }
                }
            }
        }
        Ok(by_number)
    }

    /// Stores what was found of a Prebook, and that what was found nowhere is gone.
    async fn conclude(&self, mut lost: Lost, sweep: &mut Sweep) -> Result<(), PollError> {
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
            return Ok(());
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
        Ok(())
    }

    /// Nothing is concluded of what is `left`, which is noticed again by a full read in an hour.
    async fn look_up_later(&self, sweep: &mut Sweep, left: AllLost) -> Result<(), PollError> {
        if left.is_empty() {
            return self.confirm_full(sweep, left).await;
        }
        log::info!(
            job = Job::Prebooks.name();
            "{} Prebooks that Komet's lists no longer show are looked up later: what is left of the quota is kept for writes",
            left.len()
        );
        sweep.polled.left += left.len() as u64;
        let windows: BTreeSet<i64> = left.values().flat_map(Lost::windows).collect();
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
        self.confirm_full(sweep, left).await
    }

    /// Everything that the full reads did not show was looked up, but for what is `left`: they count as the day's.
    async fn confirm_full(&self, sweep: &Sweep, left: AllLost) -> Result<(), PollError> {
        if sweep.full.is_empty() && left.is_empty() {
            return Ok(());
        }
        let (full, read) = (sweep.full.clone(), sweep.polled.windows.clone());
        let (now, first) = (self.clock.now(), *self.windows().start());
        self.store
            .write(move |conn| {
                full.iter().try_for_each(|(window, at)| {
                    watermarks::set_full(conn, Stream::Prebooks, *window, *at, now)
                })?;
                let before = sought::list(conn)?;
                let mut after: Vec<Sought> = Vec::new();
                for (prebook, lost) in left {
                    let known = before.iter().find(|one| one.prebook == prebook);
                    let (since, told) = known.map_or((now, false), |one| (one.since, one.told));
                    let orders = lost.items.values().map(|(key, _)| *key).collect();
                    let windows = lost.windows().collect();
                    after.push(Sought { prebook, orders, windows, since, told });
                }
                // Of what else a window that was read in full should have shown nothing is missing any more.
                let is_waiting = |one: &&Sought| {
                    one.windows.is_disjoint(&read)
                        && one.windows.iter().any(|window| *window >= first)
                        && after.iter().all(|left| left.prebook != one.prebook)
                };
                let others: Vec<Sought> = before.iter().filter(is_waiting).cloned().collect();
                after.extend(others);
                after.sort_by_key(|one| one.prebook.0);
                if after == before { Ok(()) } else { sought::keep(conn, &after, now) }
            })
            .await?;
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

    /// The windows that should show it.
    fn windows(&self) -> impl Iterator<Item = i64> {
        self.items.values().map(|(_, window)| *window)
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
