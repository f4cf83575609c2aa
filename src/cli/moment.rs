//! A moment as people type it: a time, a day, or how long ago.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};

use crate::config::parse_duration;
use crate::domain::Zone;

/// How long to wait, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Duration);

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = "a time to wait is a number and a unit: 0s, 30s, 5m, 1h30m";
        parse_duration(text).map(Self).ok_or_else(|| allowed.to_owned())
    }
}

/// A moment as it was typed. What a day or "two hours ago" means is only known with a clock and a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// RFC 3339.
    At(DateTime<Utc>),
    /// The beginning of a day.
    Day(NaiveDate),
    /// So long ago.
    Ago(Duration),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.with_timezone(&Utc)));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Day(day));
        }
        let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
        parse_duration(ago)
            .map(Self::Ago)
            .ok_or_else(|| "a time is 2026-01-15T10:00:00Z, a day 2026-01-15, or how long ago: 2h, 3d".to_owned())
    }
}

impl Moment {
    /// The time meant. A day begins by the clock of `zone`, in which stemsync's other days begin, too. `None` for what
    /// lies before all calendars.
    pub(super) fn resolve(self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Ago(ago) => now.checked_sub_signed(chrono::TimeDelta::from_std(ago).ok()?),
            Self::Day(day) => {
                // Where the clocks change at midnight the day begins an hour later.
                let midnight = day.and_time(NaiveTime::MIN);
                let begins = zone
                    .from_local_datetime(&midnight)
                    .earliest()
                    .or_else(|| zone.from_local_datetime(&(midnight + chrono::TimeDelta::hours(1))).earliest())?;
                Some(begins.with_timezone(&Utc))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(text: &str, zone: Zone) -> String {
        let now = "2026-01-15T10:00:00Z".parse().unwrap();
        text.parse::<Moment>().unwrap().resolve(now, zone).unwrap().to_rfc3339()
    }

    #[test]
    fn a_moment_is_a_time_a_day_or_a_while_ago() {
        let zone = Zone::default();
        assert_eq!(told("2026-01-01T00:00:00+01:00", zone), "2025-12-31T23:00:00+00:00");
        assert_eq!(told("2026-01-01", zone), "2026-01-01T05:00:00+00:00");
        assert_eq!(told("2h", zone), "2026-01-15T08:00:00+00:00");
        assert_eq!(told("3d ago", zone), "2026-01-12T10:00:00+00:00");
    }

    #[test]
    fn a_day_without_a_midnight_begins_when_its_clocks_do() {
        assert_eq!(told("2018-11-04", Zone::named("America/Sao_Paulo").unwrap()), "2018-11-04T03:00:00+00:00");
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for bad in ["", "yesterday", "2026-13-01", "2026-01-15 10:00", "-2h"] {
            assert!(bad.parse::<Moment>().unwrap_err().contains("2h"), "{bad}");
        }
        let far = Moment::Ago(Duration::MAX);
        assert_eq!(far.resolve(Utc::now(), Zone::UTC), None);
    }
}
