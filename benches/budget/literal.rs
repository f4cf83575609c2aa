//! quota.md's policies 1 and 2, to the letter: what the real policy is held against on the same trade. What that page
//! leaves open is what the real policy does: how hours are learned, and how much the work of a day spreads.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use stemsync::sync::budget::{Cell, Profile, Source, SourceState};

/// Rule 6.
pub(crate) const APART: TimeDelta = TimeDelta::seconds(10);
/// Policy 1: tokens that are saved up at most.
pub(crate) const SAVED: f64 = 20.0;
/// Policy 1: the part of them that flows in in office hours.
const IN_OFFICE: f64 = 0.85;
/// Rule 3.
const DEVIATIONS: f64 = 1.5;
/// Rule 5: how much likelier more changes are in a source that showed one,
const BURST: f64 = 5.0;
/// what of that its neighbours get,
const NEIGHBOURS: f64 = 0.5;
/// and the minutes over which it fades.
const FADES: f64 = 4.0;

fn minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64() / 60.0
}

/// Rules 2 and 5: changes a minute that are expected now.
pub(crate) fn rate(state: &SourceState, cell: &Cell, neighbour: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    let left = |last: Option<DateTime<Utc>>| last.map_or(0.0, |last| (-minutes(last, now) / FADES).exp());
    usual(state, cell) * (1.0 + (BURST - 1.0) * left(state.changed_at).max(NEIGHBOURS * left(neighbour)))
}

/// The same, were it a burst.
pub(crate) fn most(state: &SourceState, cell: &Cell) -> f64 {
    usual(state, cell) * BURST
}

fn usual(state: &SourceState, cell: &Cell) -> f64 {
    match state.source {
        Source::ShipDate(_) => {
            let open = (f64::from(state.pending) - state.unseen).max(0.0);
            open * cell.approval + f64::from(state.approved) * cell.late
        }
        Source::Window(_) => state.share * cell.prebooks,
    }
}

/// Rule 1, over the time since the last look, which it answers in minutes.
pub(crate) fn gather(state: &mut SourceState, rate: f64, now: DateTime<Utc>) -> f64 {
    let long = minutes(state.as_of, now);
    state.waiting += state.unseen * long + rate * long * long / 2.0;
    state.unseen += rate * long;
    state.as_of = now;
    long
}

/// Rule 4: minutes of waiting that a read must save.
pub(crate) fn price(urgency_to_come: f64, reads_left: f64) -> f64 {
    (urgency_to_come / reads_left.max(f64::EPSILON)).powi(2)
}

/// Σ√(r/2) to come where every hour's changes are known.
pub(crate) fn true_urgency(truth: &BTreeMap<(DateTime<Utc>, Source), f64>, now: DateTime<Utc>) -> f64 {
    let reset = now.date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1);
    // The hour that has begun is among them.
    let from = now - TimeDelta::hours(1) + TimeDelta::milliseconds(1);
    let hours = truth.range((from, Source::ShipDate(NaiveDate::MIN))..).take_while(|((hour, _), _)| *hour < reset);
    hours
        .map(|((hour, _), changes)| {
            let left = minutes((*hour).max(now), *hour + TimeDelta::hours(1));
            (changes / 60.0 / 2.0).sqrt() * left
        })
        .sum()
}

/// What is expected of each hour of one of Komet's days.
pub(crate) struct Day {
    began: DateTime<Utc>,
    cells: Vec<Cell>,
}

impl Default for Day {
    fn default() -> Self {
        Self { began: DateTime::UNIX_EPOCH, cells: Vec::new() }
    }
}

impl Day {
    pub(crate) fn of(profile: &Profile, began: DateTime<Utc>) -> Self {
        Self { began, cells: (0..24).map(|hour| profile.at(began + TimeDelta::hours(hour))).collect() }
    }

    pub(crate) fn cell(&self, now: DateTime<Utc>) -> &Cell {
        &self.cells[now.hour() as usize]
    }

    /// What is expected from now on, by the minute in each hour.
    fn to_come(&self, now: DateTime<Utc>, a_minute: impl Fn(&Cell) -> f64) -> f64 {
        let left = 60.0 - f64::from(now.minute()) - f64::from(now.second()) / 60.0;
        let later: f64 = self.cells[now.hour() as usize + 1..].iter().map(|cell| a_minute(cell) * 60.0).sum();
        a_minute(self.cell(now)) * left + later
    }

    /// Rule 3: what the rest of the quota is, less the reserve.
    pub(crate) fn reads_left(
        &self,
        now: DateTime<Utc>,
        profile: &Profile,
        work: f64,
        limit: u64,
        used: u64,
    ) -> f64 {
        let to_come = self.to_come(now, |cell| cell.work);
        let whole_day = self.to_come(self.began, |cell| cell.work);
        // How today runs; a young day has said little.
        let doubt = (whole_day * 0.4).max(5.0);
        let expected = to_come * (work + doubt) / (whole_day - to_come + doubt);
        #[allow(clippy::cast_precision_loss)]
        let (limit, left) = (limit as f64, limit.saturating_sub(used) as f64);
        let kept = expected + DEVIATIONS * profile.spread(now, expected) + (limit * 0.01).max(10.0);
        (left - kept.max(left * 0.06)).max(0.0)
    }

    /// Policy 1: tokens a minute.
    pub(crate) fn tokens(&self, now: DateTime<Utc>, reads_left: f64) -> f64 {
        // Like rule 2's office hours: the approval rate knows them.
        let most = self.cells.iter().map(|cell| cell.approval).fold(0.0, f64::max);
        let share = |cell: &Cell| {
            if cell.approval > most / 4.0 { IN_OFFICE / 12.0 } else { (1.0 - IN_OFFICE) / 12.0 }
        };
        reads_left * share(self.cell(now)) / self.to_come(now, share).max(f64::EPSILON)
    }

    /// Σ√(r/2) to come: as other days' hours went, else as now.
    pub(crate) fn urgency(&self, now: DateTime<Utc>, urgency: f64) -> f64 {
        self.to_come(now, |cell| cell.learned * cell.urgency + (1.0 - cell.learned) * urgency)
    }
}
