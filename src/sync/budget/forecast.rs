//! For people, ahead of time: how long the quota lasts, and how many paid users would do.

use chrono::{DateTime, TimeDelta, Utc};

use super::hour::Hour;
use super::profile::Profile;
use super::reserve::{pace, reserve};
use super::{minutes, pieces};

/// Polls that each source needs a day for the service to be worth its name, in requests: quota.md's smallest row that
/// it still calls served reads a source some eight times a day.
const POLLS_A_SOURCE: f64 = 8.0;

/// What is to come, from the last days' numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Requests of work that are expected for the rest of the day.
    pub work_to_come: f64,
    /// When work alone will have spent the quota, if that is before the reset.
    pub lasts_until: Option<DateTime<Utc>>,
    /// Paid users whose requests would carry the busiest of the last days.
    pub users: u64,
}

/// Tells how far the quota reaches. `a_user`: requests a day of one paid user that are this link's.
pub fn forecast(
    profile: &Profile,
    hours: &[Hour],
    now: DateTime<Utc>,
    (day_began, resets_at): (DateTime<Utc>, DateTime<Utc>),
    (used, limit, a_user): (u64, u64, u64),
    sources: usize,
) -> Forecast {
    let so_far = super::expected_work(profile, day_began, now);
    let to_come = super::expected_work(profile, now, resets_at);
    let today: f64 = hours.iter().filter(|hour| hour.at >= day_began).map(|hour| hour.work).sum();
    let scale = pace(today, so_far, so_far + to_come);
    #[allow(clippy::cast_precision_loss, reason = "numbers of requests a day")]
    let (mut left, limit, a_user) = (limit.saturating_sub(used) as f64, limit as f64, a_user.max(1) as f64);
    let mut lasts_until = (left < 1.0).then_some(now);
    for (begin, end) in pieces(now, resets_at) {
        let needed = profile.expected(begin).work * scale * minutes(begin, end);
        if lasts_until.is_none() && needed > left {
            #[allow(clippy::cast_possible_truncation, reason = "a part of an hour in seconds")]
            let into = ((end - begin).as_seconds_f64() * left / needed) as i64;
            lasts_until = Some(begin + TimeDelta::seconds(into));
        }
        left -= needed;
    }
    let busiest = busiest_day(hours, day_began).max(today + to_come * scale);
    #[allow(clippy::cast_precision_loss, reason = "a number of sources")]
    let needed =
        reserve(busiest, profile.spread(day_began, busiest), limit, 0.0) + sources as f64 * POLLS_A_SOURCE;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number, and positive")]
    let users = (needed / a_user).ceil().max(1.0) as u64;
    Forecast { work_to_come: to_come * scale, lasts_until, users }
}

/// The work of the busiest of the seven days before `day_began`.
fn busiest_day(hours: &[Hour], day_began: DateTime<Utc>) -> f64 {
    let of_day = |back: i64| {
        let (from, to) = (day_began - TimeDelta::days(back), day_began - TimeDelta::days(back - 1));
        hours.iter().filter(|hour| hour.at >= from && hour.at < to).map(|hour| hour.work).sum::<f64>()
    };
    (1..=7).map(of_day).fold(0.0, f64::max)
}
