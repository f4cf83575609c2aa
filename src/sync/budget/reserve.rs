//! What the rest of the day will need for work, which comes before every poll (quota.md, rule 3).

use chrono::{DateTime, Utc};

use super::profile::Profile;
use super::{minutes, pieces};

/// Standard deviations that are kept beside what is expected. quota.md has 1.5; a sales meeting late in the day makes the
/// spread lopsided, and then a write had to wait on one day in fifty.
const DEVIATIONS: f64 = 2.0;
/// What of the quota is kept at least,
const SHARE_OF_LIMIT: f64 = 0.01;
/// in requests,
const LEAST: f64 = 10.0;
/// and of what is left of it.
const SHARE_OF_LEFT: f64 = 0.06;
/// A day is taken for twice as busy as usual at most, and for half as busy at least.
const BUSIEST: f64 = 2.5;
const QUIETEST: f64 = 0.9;

/// Work expected from `from` to `to`, by the profile alone.
pub fn expected_work(profile: &Profile, from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    pieces(from, to).map(|(begin, end)| profile.at(begin).work * minutes(begin, end)).sum()
}

/// How today runs against what was expected by now: 1 as expected. A young day has said little.
pub(super) fn pace(done: f64, expected: f64, whole_day: f64) -> f64 {
    let doubt = (whole_day * 0.4).max(5.0);
    ((done + doubt) / (expected + doubt)).clamp(QUIETEST, BUSIEST)
}

/// Requests of the `left` ones that polls must not spend, when `work` more are expected.
pub fn reserve(work: f64, spread: f64, limit: f64, left: f64) -> f64 {
    let kept = work + DEVIATIONS * spread + (limit * SHARE_OF_LIMIT).max(LEAST);
    kept.max(left * SHARE_OF_LEFT)
}
