//! Prebooks of which a list no longer shows something: each is looked for by its number before anything is concluded from that.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use chrono::{NaiveDate, TimeDelta};

use super::prebooks::{Missing, Sweep, ship_dates};
use super::{FULL_READ_HOURS, List, PollError};
use crate::domain::{Header, ItemId, OrderKey, Prebook, PrebookId, PrebookNumber};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, orders};
use crate::sync::budget::Source;
use crate::sync::engine::Engine;
use crate::sync::observe;
use crate::sync::report::Job;
use crate::systems::{Axerrio, Komet, PrebookDates, PrebookQuery, SystemError, Unreadable};

/// Windows beyond the horizon in which a Prebook that left the horizon is looked for.
const WINDOWS_BEYOND: i64 = 12;

/// How soon a window is read in full again of which something is missing that could not be looked up for want of requests.
const LOOKED_UP_AGAIN: TimeDelta = TimeDelta::hours(1);

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// What a list no longer shows: first every window of the horizon is read in full, then each Prebook is looked for where it was,
    /// on its truck date and beyond the horizon. Only what is nowhere is gone. A `paced` poll leaves it for later where it costs more
    /// than polls may spend.
    pub(super) async fn look_up_missing(&self, sweep: &mut Sweep, paced: bool) -> Result<(), PollError> {
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
