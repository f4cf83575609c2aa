//! The decision: which sources are due, and why (quota.md, rules 3, 4 and 6).

use chrono::{DateTime, TimeDelta, Utc};

use super::minutes;
use super::profile::{Cell, Profile, usual_spread};
use super::reserve::{expected_work, pace, reserve};
use super::source::{Kind, SourceState, fading};

/// No source is read twice within this time.
pub(in crate::sync) const APART: TimeDelta = TimeDelta::seconds(10);
/// For how long the urgency of the moment says more of the hours to come than the day's work and other days do, in
/// minutes.
const OF_THE_MOMENT: f64 = 200.0;

/// Everything a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The moment.
    pub now: DateTime<Utc>,
    /// When Komet's day began,
    pub day_began: DateTime<Utc>,
    /// and when it ends.
    pub resets_at: DateTime<Utc>,
    /// Requests a day that this link may make.
    pub limit: u64,
    /// Requests made today.
    pub used: u64,
    /// Those of them that were work.
    pub work: f64,
    /// What is expected of each hour.
    pub profile: &'a Profile,
    /// Every source, as it stands now.
    pub sources: &'a [SourceState],
}

/// Whether a source is to be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its waiting has reached the price.
    Yes,
    /// Nothing is expected there that would be worth a request yet.
    NotWorthIt,
    /// It was read within the last ten seconds.
    JustRead,
    /// It would be worth it, but what is left is kept for work, or for sources with more waiting.
    NothingLeft,
}

impl Due {
    /// For people.
    pub fn why(self) -> &'static str {
        match self {
            Self::Yes => "due",
            Self::NotWorthIt => "not worth a request yet",
            Self::JustRead => "just read",
            Self::NothingLeft => "nothing left for it",
        }
    }
}

/// A source, and what was decided about it.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// The source, as it stands now.
    pub state: SourceState,
    /// Changes a minute expected there now, bursts aside.
    pub rate: f64,
    /// Whether it is to be read now.
    pub due: Due,
}

/// What was decided, and why.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Minutes of waiting that a request must save; 0 where the quota is too large to matter.
    pub price: f64,
    /// Requests that are kept for work.
    pub reserve: f64,
    /// Requests that polls may still make today.
    pub reads_left: f64,
    /// Σ√(r/2) over the sources, now.
    pub urgency: f64,
    /// The sources, the most waiting first.
    pub sources: Vec<Judged>,
}

/// Decides which sources are due.
pub fn decide(situation: &Situation<'_>) -> Decision {
    let Situation { now, day_began, resets_at, limit, used, work, profile, sources } = *situation;
    let so_far = expected_work(profile, day_began, now);
    let to_come = expected_work(profile, now, resets_at);
    let today = pace(work, so_far, so_far + to_come);
    let work_to_come = to_come * today;
    #[allow(clippy::cast_precision_loss, reason = "numbers of requests a day")]
    let (limit, left) = (limit as f64, limit.saturating_sub(used) as f64);
    // A few calm evenings, or days with half of the work, do not tell what a meeting late on a busy day brings.
    let spread = profile.spread(now, work_to_come).max(usual_spread(work_to_come));
    let reserve = reserve(work_to_come, spread, limit, left);
    let reads_left = (left - reserve).max(0.0);
    let cell = profile.at(now);
    let latest = |kind: Kind| {
        sources.iter().filter(|state| state.source.kind() == kind).filter_map(|state| state.changed_at).max()
    };
    let (pos, prebooks) = (latest(Kind::PurchaseOrders), latest(Kind::Prebooks));
    // Bursts count here, or what they cost would come as a surprise every time.
    let urgency = sources
        .iter()
        .map(|state| {
            let neighbour = if state.source.kind() == Kind::PurchaseOrders { pos } else { prebooks };
            (state.rate(&cell) * state.burst(neighbour, now) / 2.0).sqrt()
        })
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "a number of sources")]
    let every_time = sources.len() as f64 * (minutes(now, resets_at) * 60.0 / 10.0).ceil();
    let price = if reads_left >= every_time {
        0.0
    } else {
        (urgency_to_come(situation, urgency, today.sqrt()) / reads_left.max(f64::EPSILON)).powi(2)
    };
    let mut judged: Vec<Judged> = sources
        .iter()
        .map(|state| {
            let due = if state.read_at.is_some_and(|at| at <= now && now - at < APART) {
                Due::JustRead
            } else if state.waiting >= price {
                Due::Yes
            } else {
                Due::NotWorthIt
            };
            Judged { state: *state, rate: state.rate(&cell), due }
        })
        .collect();
    judged.sort_by(|a, b| {
        b.state.waiting.total_cmp(&a.state.waiting).then_with(|| a.state.source.cmp(&b.state.source))
    });
    let mut left = reads_left;
    for one in judged.iter_mut().filter(|one| one.due == Due::Yes) {
        if left < 1.0 {
            one.due = Due::NothingLeft;
        }
        left -= 1.0;
    }
    Decision { price, reserve, reads_left, urgency, sources: judged }
}

/// Σ√(r/2) over the sources in an hour like `cell`.
fn urgency(sources: &[SourceState], cell: &Cell) -> f64 {
    sources.iter().map(|state| (state.rate(cell) / 2.0).sqrt()).sum()
}

/// Σ√(r/2) over the sources, summed over the minutes that are left of the day: as other days' hours went where they are
/// known, else as if the sources stayed as they are. `today`: by which factor the day's work tells that it will be more.
fn urgency_to_come(situation: &Situation<'_>, now_urgent: f64, today: f64) -> f64 {
    let Situation { now, resets_at, profile, sources, .. } = *situation;
    let usual = |cell: &Cell| {
        if cell.learned > 0.99 {
            return cell.urgency; // the rest is not worth the time
        }
        cell.learned * cell.urgency + (1.0 - cell.learned) * urgency(sources, cell)
    };
    let usual_now = usual(&profile.expected(now));
    let this_moment = if usual_now > 0.0 { (now_urgent / usual_now).clamp(0.5, 2.0) } else { 1.0 };
    let ahead = profile.pieces(now, resets_at);
    ahead
        .map(|(cell, begin, long)| {
            let told_by_this = fading((begin + long / 2.0) / OF_THE_MOMENT);
            let factor = today + (this_moment - today) * told_by_this;
            usual(&cell) * factor * long
        })
        .sum()
}
