//! Up to when each job has read.

use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::Zone;
use crate::store::watermarks::{self, Stream, Watermark};
use crate::store::{Connection, StoreError};
use crate::sync::report::Job;

/// Ship dates in one Prebook window.
pub const WINDOW: i64 = 7;

/// What a job polls.
pub fn stream(job: Job) -> Stream {
    match job {
        Job::Orders => Stream::Orders,
        Job::Prebooks => Stream::Prebooks,
        Job::PurchaseOrders => Stream::PurchaseOrders,
        Job::Labels => Stream::Labels,
    }
}

/// The numbers of the Prebook windows that the horizon touches, from yesterday on.
pub fn windows(now: DateTime<Utc>, zone: Zone, horizon_days: u32) -> RangeInclusive<i64> {
    let today = (now.with_timezone(&zone).date_naive() - NaiveDate::default()).num_days();
    (today - 1).div_euclid(WINDOW)..=(today + i64::from(horizon_days)).div_euclid(WINDOW)
}

/// Where a job's polling stands: of several windows the oldest counts. `None` if nothing was read yet.
pub fn of_job(
    conn: &Connection,
    job: Job,
    windows: &RangeInclusive<i64>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(parts(conn, job, windows)?.into_iter().map(|(_, mark)| mark.at).min())
}

/// The watermarks of a job that still matter: past windows are not read any more.
pub fn parts(
    conn: &Connection,
    job: Job,
    windows: &RangeInclusive<i64>,
) -> Result<Vec<(i64, Watermark)>, StoreError> {
    let mut parts = watermarks::list(conn, stream(job))?;
    parts.retain(|(part, _)| job != Job::Prebooks || windows.contains(part));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn windows_reach_from_yesterday_in_the_time_zone_to_the_horizon() {
        // 1970-01-08 is the first day of window 1; in New York it is still the 7th, and yesterday the 6th.
        let now: DateTime<Utc> = "1970-01-08T03:00:00Z".parse().unwrap();
        assert_eq!(windows(now, Zone::default(), 1), 0..=1);
        assert_eq!(windows(now, Zone::UTC, 28), 0..=5);
        let next_day: DateTime<Utc> = "1970-01-09T03:00:00Z".parse().unwrap();
        assert_eq!(windows(next_day, Zone::UTC, 1), 1..=1);
    }
}
