//! Sources, and how much waiting is expected to have gathered in each since it was last read.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::minutes;
use super::profile::{Cell, Profile};
use crate::domain::window_of;

/// How much likelier a further change is right after one was seen (quota.md, rule 5): buyers approve in piles.
const BURST: f64 = 5.0;
/// What of that the other sources of the kind get.
const NEIGHBOURS: f64 = 0.5;
/// Minutes over which it fades.
const FADES: f64 = 4.0;
/// Minutes after which nothing is left of it.
const FADED: f64 = 24.0;
/// Prebooks are made for the ship dates from tomorrow to so many days ahead, and seldom for others.
const BUSY_DAYS: i64 = 10;
/// What another ship date counts beside one of these.
const QUIET_DATE: f64 = 0.05;

/// What an approved PO counts once its ship date is over: its boxes have left, so no buyer changes it any more. It is still
/// read now and then: it may yet be received, or corrected.
const SHIPPED_COUNTS: f64 = 0.1;
/// When a ship date is over at the latest in the Americas, after midnight UTC.
const OVER: TimeDelta = TimeDelta::hours(12);
/// What a Prebook change counts beside any other: it begins an order, and the vendor has yet to accept it.
const PREBOOK_COUNTS: f64 = 1.1;

/// What one request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The POs of one vendor ship date.
    ShipDate(NaiveDate),
    /// The Prebooks of one window of seven ship dates, by its number.
    Window(i64),
}

/// The two kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// POs.
    PurchaseOrders,
    /// Prebooks.
    Prebooks,
}

impl Source {
    /// What it is a list of.
    pub fn kind(self) -> Kind {
        match self {
            Self::ShipDate(_) => Kind::PurchaseOrders,
            Self::Window(_) => Kind::Prebooks,
        }
    }

    /// The date whose POs it is.
    pub fn ship_date(self) -> Option<NaiveDate> {
        match self {
            Self::ShipDate(date) => Some(date),
            Self::Window(_) => None,
        }
    }
}

/// What is known of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceState {
    /// Which one.
    pub source: Source,
    /// When it was last read; `None`: not since this database knows it.
    pub read_at: Option<DateTime<Utc>>,
    /// When a read last showed a change.
    pub changed_at: Option<DateTime<Utc>>,
    /// The moment at which the others hold.
    pub as_of: DateTime<Utc>,
    /// Of a ship date: orders whose PO awaits approval.
    pub pending: u32,
    /// Of a ship date: orders whose PO is approved.
    pub approved: u32,
    /// Of a window: its share of the link's Prebook changes, from 0 to 1.
    pub share: f64,
    /// N: unseen changes that are expected.
    pub unseen: f64,
    /// C: minutes that they are expected to have waited, all together.
    pub waiting: f64,
}

impl SourceState {
    /// A source that is seen for the first time: nothing is expected of it yet.
    pub fn new(source: Source, now: DateTime<Utc>) -> Self {
        Self {
            source,
            read_at: None,
            changed_at: None,
            as_of: now,
            pending: 0,
            approved: 0,
            share: 0.0,
            unseen: 0.0,
            waiting: 0.0,
        }
    }

    /// It was read: nothing is unseen. `changed`: the read showed a change.
    pub fn was_read(&mut self, now: DateTime<Utc>, changed: bool) {
        self.read_at = Some(now);
        self.as_of = now;
        self.unseen = 0.0;
        self.waiting = 0.0;
        if changed {
            self.changed_at = Some(now);
        }
    }

    /// Changes a minute that are expected in an hour like `cell`, bursts aside (quota.md, rule 2), each for what it counts.
    pub fn rate(&self, cell: &Cell) -> f64 {
        match self.source {
            Source::ShipDate(date) => {
                let open = (f64::from(self.pending) - self.unseen).max(0.0);
                let is_over = (self.as_of - OVER).date_naive() > date;
                let counts = if is_over { SHIPPED_COUNTS } else { 1.0 };
                open * cell.approval + f64::from(self.approved) * cell.late * counts
            }
            Source::Window(_) => self.share * cell.prebooks * PREBOOK_COUNTS,
        }
    }

    /// Lets N and C grow until `to`. `neighbour`: when any source of its kind last showed a change.
    ///
    /// Each step N grows by the rate and C by N, so the waiting of a quiet source grows with the square of the time: it
    /// is read less often than a busy one, and never forgotten.
    pub fn advance(&mut self, profile: &Profile, neighbour: Option<DateTime<Utc>>, to: DateTime<Utc>) {
        let ago = |last: Option<DateTime<Utc>>| last.map_or(f64::MAX, |last| minutes(last, self.as_of));
        let (own, others) = (ago(self.changed_at), ago(neighbour));
        for (cell, begin, length) in profile.pieces(self.as_of, to) {
            let mut at = 0.0;
            while at < length {
                let so_far = begin + at;
                let step = if own.min(others) + so_far < FADED { 0.5 } else { 5.0 };
                let long = f64::min(step, length - at);
                let middle = so_far + long / 2.0;
                let rate = self.rate(&cell) * burst(own + middle, others + middle);
                self.waiting += self.unseen * long + rate * long * long / 2.0;
                self.unseen += rate * long;
                at += long;
            }
        }
        self.as_of = self.as_of.max(to);
    }

    /// By how much a change seen lately raises the rate.
    pub(super) fn burst(&self, neighbour: Option<DateTime<Utc>>, at: DateTime<Utc>) -> f64 {
        let ago = |last: Option<DateTime<Utc>>| last.map_or(f64::MAX, |last| minutes(last, at));
        burst(ago(self.changed_at), ago(neighbour))
    }
}

/// What is left of something that fades, e to the power of minus `ago`. Nothing here needs more than its first digits, and the
/// system's own function would keep the whole mathematical library in memory, half a megabyte.
pub(super) fn fading(ago: f64) -> f64 {
    /// A power of two, so that it takes sixteen multiplications.
    const STEPS: i32 = 65_536;
    (1.0 - ago / f64::from(STEPS)).powi(STEPS)
}

/// The same, so many minutes after its own last change and its neighbours'.
fn burst(own: f64, others: f64) -> f64 {
    let left = |ago: f64| if ago < FADED { fading(ago / FADES) } else { 0.0 };
    1.0 + (BURST - 1.0) * left(own).max(NEIGHBOURS * left(others))
}

/// A window's share of the Prebook changes of the ship dates `first` to `last`: most are made one to ten days ahead.
pub fn window_share(window: i64, today: NaiveDate, first: NaiveDate, last: NaiveDate) -> f64 {
    let weight = |date: NaiveDate| {
        let ahead = (date - today).num_days();
        if (1..=BUSY_DAYS).contains(&ahead) { 1.0 } else { QUIET_DATE }
    };
    let (mut own, mut all) = (0.0, 0.0);
    for date in first.iter_days().take_while(|date| *date <= last) {
        all += weight(date);
        if window_of(date) == window {
            own += weight(date);
        }
    }
    if all > 0.0 { own / all } else { 0.0 }
}
