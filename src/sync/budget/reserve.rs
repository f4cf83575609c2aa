//! What the rest of the day will need for work, which comes before every poll (quota.md, rule 3).

use chrono::{DateTime, Utc};

use super::profile::{Profile, usual_spread};

/// Standard deviations that are kept beside what is expected. With more, polls stop for hours on busy days and what was
/// kept is left over in the evening.
const DEVIATIONS: f64 = 1.5;
/// Standard deviations by which today may be ahead before that is taken for a busy day: half of the orders come from a few
/// sales meetings, so being early or late is mostly chance, and the hours' deviations are kept anyway. Believing it made
/// the price rise and fall all day.
const BY_CHANCE: f64 = 2.0;
/// What of a whole day's work today is weighed against when it is further ahead.
const DOUBT: f64 = 0.8;
/// What of the quota is kept at least,
const SHARE_OF_LIMIT: f64 = 0.01;
/// in requests,
const LEAST: f64 = 10.0;
/// and of what is left of it.
const SHARE_OF_LEFT: f64 = 0.06;
/// A day is taken for so many times as busy as expected at most, and never for a quieter one: writes that come late are no
/// reason to spend what is kept for them.
const BUSIEST: f64 = 2.5;

/// Work expected from `from` to `to`, by the profile alone.
pub fn expected_work(profile: &Profile, from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    profile.pieces(from, to).map(|(cell, _, long)| cell.work * long).sum()
}

/// By how much more work than usual is to be expected of the rest of today: 1 unless it runs further ahead than chance.
pub(super) fn pace(done: f64, expected: f64, whole_day: f64) -> f64 {
    let doubt = (whole_day * DOUBT).max(5.0);
    let beyond = (done - expected - BY_CHANCE * usual_spread(expected)).max(0.0);
    (1.0 + beyond / (expected + doubt)).min(BUSIEST)
}

/// Requests of the `left` ones that polls must not spend, when `work` more are expected.
pub fn reserve(work: f64, spread: f64, limit: f64, left: f64) -> f64 {
    let kept = work + DEVIATIONS * spread + (limit * SHARE_OF_LIMIT).max(LEAST);
    kept.max(left * SHARE_OF_LEFT)
}
