//! Komet's Prebooks, window by window.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{List, PollError, Polled, is_stale};
use crate::domain::{ItemId, OrderKey, PrebookId, dates_of};
use crate::store::orders;
use crate::store::sought;
use crate::store::watermarks::{self, Stream};
use crate::sync::budget::{Kind, Source};
use crate::sync::engine::Engine;
use crate::sync::report::Job;
use crate::sync::{observe, pace};
use crate::systems::{Axerrio, Komet, PrebookDates, PrebookQuery};

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
        self.horizon().windows()
    }

    /// Polls Komet's Prebooks, window by window: those that `which` names.
    pub async fn poll_prebooks(&self, since: Option<DateTime<Utc>>, which: Windows) -> Result<Polled, PollError> {
        let mut sweep = Sweep::default();
        let due = if which == Windows::Due { Some(self.decide_and_note(Kind::Prebooks).await?) } else { None };
        let in_vain = match which {
            Windows::Unknown { paced } => self.in_vain(paced).await?,
            Windows::All | Windows::Due => BTreeSet::new(),
        };
        // Whoever asked for this poll does not wait for what could not be looked up yet.
        let sought: BTreeSet<i64> = match which {
            Windows::All => self.store.read(sought::list).await?.into_iter().flat_map(|one| one.windows).collect(),
            Windows::Unknown { .. } | Windows::Due => BTreeSet::new(),
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
            let is_due = watermark.and_then(|w| w.full_at).is_none_or(|at| is_stale(at, now));
            let full = is_due || sought.contains(&window);
            let updated = if full { None } else { since.or(watermark.map(|w| w.at)) };
            // Forced from a later time than the watermark, a poll leaves a gap that the watermark must not pass.
            let gap = updated.is_some_and(|since| watermark.is_none_or(|w| w.at < since));
            self.read_window(window, updated, gap, &mut sweep).await?;
            sweep.polled.polls += 1;
        }
        // That is paid out of what polls have, and is no work that other days should expect.
        let before = self.komet.requests();
        self.look_up_missing(&mut sweep, which.is_paced()).await?;
        sweep.polled.polls += self.komet.requests() - before;
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
    pub(super) async fn read_window(
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
}

/// Items that are missing, each with its order, its Prebook and the window that should show it.
pub(super) type Missing = BTreeMap<ItemId, (OrderKey, PrebookId, i64)>;

/// What a sweep over windows has found so far.
#[derive(Default)]
pub(super) struct Sweep {
    pub(super) polled: Polled,
    /// Windows read in full, with the watermark they earned.
    pub(super) full: BTreeMap<i64, DateTime<Utc>>,
    /// Items that some window showed.
    shown: BTreeSet<ItemId>,
    /// Items that their window should have shown.
    pub(super) missing: Missing,
}

impl Sweep {
    pub(super) fn drop_shown(&mut self) {
        let shown = &self.shown;
        self.missing.retain(|item, _| !shown.contains(item));
    }
}

pub(super) fn ship_dates(window: i64) -> PrebookDates {
    let (from, to) = dates_of(window);
    PrebookDates::Ship { from, to }
}
