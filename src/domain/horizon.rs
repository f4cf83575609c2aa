//! Which ship dates are looked at: the horizon, and the windows of Prebooks that it touches.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::Zone;

/// Ship dates in one window.
const WINDOW: i64 = 7;

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// Komet takes no year of five digits, and an order may name the last day of all for none.
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

/// The ship dates from yesterday, in the link's time zone (clarification 6), to `[sync] horizon` days ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    today: NaiveDate,
    days: u32,
}

impl Horizon {
    /// On this day, so many days ahead.
    pub fn of(today: NaiveDate, days: u32) -> Self {
        Self { today, days }
    }

    /// At this moment, in the link's time zone.
    pub fn at(now: DateTime<Utc>, zone: Zone, days: u32) -> Self {
        Self::of(now.with_timezone(&zone).date_naive(), days)
    }

    /// Today in the link's time zone.
    pub fn today(self) -> NaiveDate {
        self.today
    }

    /// Yesterday: the first ship date that is polled and created.
    pub fn first(self) -> NaiveDate {
        yesterday(self.today)
    }

    /// The last ship date.
    pub fn last(self) -> NaiveDate {
        self.today.checked_add_days(Days::new(u64::from(self.days))).unwrap_or(self.today)
    }

    /// Every ship date.
    pub fn dates(self) -> impl Iterator<Item = NaiveDate> {
        let last = self.last();
        self.first().iter_days().take_while(move |day| *day <= last)
    }

    /// The windows that it touches. They are always read whole (clarification 6).
    pub fn windows(self) -> RangeInclusive<i64> {
        window_of(self.first())..=window_of(self.last())
    }
}

/// The first ship date that is not over, where it is `today`: a Vendor token sees nothing of earlier ones (clarification 6).
pub fn yesterday(today: NaiveDate) -> NaiveDate {
    today.pred_opt().unwrap_or(today)
}

/// The fixed window of seven ship dates that `date` lies in, counted from the epoch (product.md: Prebook
/// watermarks are kept per window, so that one entering the horizon is read in full).
pub fn window_of(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce() - EPOCH.num_days_from_ce()).div_euclid(WINDOW)
}

/// The first and the last ship date of a window.
pub fn dates_of(window: i64) -> (NaiveDate, NaiveDate) {
    let from = EPOCH + TimeDelta::days(window * WINDOW);
    (from, (from + TimeDelta::days(WINDOW - 1)).min(LAST_DAY))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn windows_reach_from_yesterday_in_the_time_zone_to_the_horizon() {
        // 1970-01-08 is the first day of window 1; in New York it is still the 7th, and yesterday the 6th.
        let now: DateTime<Utc> = "1970-01-08T03:00:00Z".parse().unwrap();
        let windows = |now, zone, days| Horizon::at(now, zone, days).windows();
        assert_eq!(windows(now, Zone::default(), 1), 0..=1);
        assert_eq!(windows(now, Zone::UTC, 28), 0..=5);
        let next_day: DateTime<Utc> = "1970-01-09T03:00:00Z".parse().unwrap();
        assert_eq!(windows(next_day, Zone::UTC, 1), 1..=1);
    }

    #[test]
    fn its_dates_lie_in_its_windows_and_their_dates_in_them() {
        let horizon = Horizon::of("2026-03-02".parse().unwrap(), 28);
        let dates: Vec<NaiveDate> = horizon.dates().collect();
        assert_eq!(
            (dates.len(), dates[0].to_string(), dates[29].to_string()),
            (30, "2026-03-01".into(), "2026-03-30".into())
        );
        for day in dates {
            let (from, to) = dates_of(window_of(day));
            assert!(horizon.windows().contains(&window_of(day)) && (from..=to).contains(&day), "{day}");
            assert_eq!(
                (window_of(from), window_of(to), (to - from).num_days()),
                (window_of(day), window_of(day), 6)
            );
        }
    }
}
