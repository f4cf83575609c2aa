//! The clocks of a region. The rules come from jiff, whose table is read where it lies in the program file; those of
//! chrono-tz are 1.8 MB that the loader touches at each start, and end in 2099.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset as Ahead, TimeZone as Rules, TimeZoneDatabase};

static UTC: Rules = Rules::UTC;
/// What was asked for by name so far; each is kept for good, and there are some 600 names.
static KNOWN: Mutex<Vec<&'static Rules>> = Mutex::new(Vec::new());

/// A region of the IANA time zone database, such as `America/New_York`.
#[derive(Clone, Copy)]
pub struct Zone(&'static Rules);

/// No region of the IANA database has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such time zone")]
pub struct UnknownZone;

impl Zone {
    /// The zone without summer time.
    pub const UTC: Self = Self(&UTC);

    /// By its IANA name, spelt as it is there.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = known.iter().find(|rules| rules.iana_name() == Some(name)) {
            return Some(Self(rules));
        }
        let rules = TimeZoneDatabase::bundled().get(name).ok().filter(|rules| rules.iana_name() == Some(name))?;
        let kept: &'static Rules = Box::leak(Box::new(rules));
        known.push(kept);
        Some(Self(kept))
    }

    /// All names there are.
    #[must_use]
    pub fn names() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn ahead_at(self, at: DateTime<Utc>) -> ZoneOffset {
        ZoneOffset { zone: self, fixed: fixed(self.0.to_offset(timestamp(at))), at }
    }
}

/// `America/New_York`, where most of the trade's importers are (`interface.md`, `[jobs]`).
impl Default for Zone {
    fn default() -> Self {
        Self::named("America/New_York").unwrap_or(Self::UTC)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::named(name).ok_or(UnknownZone)
    }
}

/// How far a region's clocks are ahead of UTC at one moment; shown as its clocks' name, such as `EST`.
#[derive(Clone, Copy)]
pub struct ZoneOffset {
    zone: Zone,
    fixed: FixedOffset,
    at: DateTime<Utc>,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.zone.0.to_offset_info(timestamp(self.at)).abbreviation())
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let reading = Ahead::UTC.to_datetime(timestamp(local.and_utc()));
        let at = |ahead| {
            let fixed = fixed(ahead);
            let at = local.checked_sub_offset(fixed).unwrap_or(*local).and_utc();
            ZoneOffset { zone: *self, fixed, at }
        };
        match self.0.to_ambiguous_timestamp(reading).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(at(offset)),
            AmbiguousOffset::Fold { before, after } => MappedLocalTime::Ambiguous(at(before), at(after)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.ahead_at(utc.and_time(NaiveTime::MIN).and_utc())
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.ahead_at(utc.and_utc())
    }
}

/// jiff's calendar has the years -9999 to 9999; beyond them the clocks stay as they are at its end.
fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let end = if at.timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at.timestamp()).unwrap_or(end)
}

fn fixed(ahead: Ahead) -> FixedOffset {
    // At most a day, by the database's own limits.
    FixedOffset::east_opt(ahead.seconds()).unwrap_or_else(|| Utc.fix())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;

    fn amsterdam() -> Zone {
        Zone::named("Europe/Amsterdam").unwrap()
    }

    fn reading(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn clocks_go_back_and_show_an_hour_twice() {
        let twice = amsterdam().from_local_datetime(&reading("2026-10-25T02:30:00"));
        let shown: Vec<String> =
            [twice.earliest(), twice.latest()].map(|at| at.unwrap().format("%H:%MZ %Z %z").to_string()).into();
        assert_eq!(shown, ["02:30Z CEST +0200", "02:30Z CET +0100"]);
        assert_eq!(twice.latest().unwrap() - twice.earliest().unwrap(), chrono::TimeDelta::hours(1));
    }

    #[test]
    fn clocks_go_forward_and_leave_an_hour_out() {
        assert_eq!(amsterdam().from_local_datetime(&reading("2026-03-29T02:30:00")).single(), None);
    }

    #[test]
    fn summer_time_goes_on_after_the_century() {
        let at = amsterdam().from_local_datetime(&reading("2126-07-01T12:00:00")).unwrap();
        assert_eq!(at.to_rfc3339(), "2126-07-01T12:00:00+02:00");
    }

    #[test]
    fn a_moment_outside_every_calendar_is_no_panic() {
        let last = amsterdam().from_utc_datetime(&NaiveDateTime::MAX);
        assert_eq!(last.offset().to_string(), "CET");
        assert!(amsterdam().offset_from_local_datetime(&NaiveDateTime::MIN).earliest().is_some());
    }

    #[test]
    fn a_name_is_known_as_it_is_spelt() {
        assert_eq!(Zone::named("europe/amsterdam"), None);
        assert_eq!("Mars/Olympus".parse::<Zone>(), Err(UnknownZone));
        for name in Zone::names() {
            assert_eq!(Zone::named(&name).map(Zone::name), Some(name.as_str()));
        }
    }
}
