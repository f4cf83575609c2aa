//! What is expected of each hour of a working day, a Saturday and a Sunday, in the link's time zone: defaults (quota.md,
//! rule 2) that give way to what was learned.

use chrono::{DateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};

use super::hour::Hour;
use crate::domain::Zone;

/// An open PO is approved at this rate a minute in office hours.
const APPROVAL: f64 = 1.0 / 75.0;
/// And at this one at night.
const APPROVAL_AT_NIGHT: f64 = 1.0 / 1500.0;
/// Changes of an approved PO a minute, over a whole day.
const LATE: f64 = 3e-5;
/// What part of all changes falls in office hours.
const IN_OFFICE: f64 = 0.94;
/// Office hours, by the link's clock: from this hour
const OPENS: u32 = 7;
/// to this one.
const CLOSES: u32 = 19;
/// Prebook changes of a working day, until they are learned.
const PREBOOKS: f64 = 30.0;
/// Work of a working day, until it is learned: a part of the quota.
const WORK: f64 = 0.3;
/// How much work varies beyond what single requests would, until it is learned: an order brings several, and orders come
/// from meetings.
const CLUSTER: f64 = 6.0;
/// And how much whole days differ.
const DAYS_DIFFER: f64 = 0.1;
/// How much a new day's miss counts against those before it: a spread takes longer to know than a mean.
const NEW_MISS: f64 = 0.25;
/// How much a new day counts against those before it.
const NEW_DAY: f64 = 0.4;
/// And how much its surprise counts towards how days grow.
const NEW_GROWTH: f64 = 0.3;
/// Growth that is believed in at most, and at least: a holiday doubles the trade within a week, not overnight.
const GROWTH: (f64, f64) = (0.8, 1.6);
/// What of a day's hours must have been learned for its surprise to tell growth from a wrong default.
const FAMILIAR: f64 = 0.7;
/// Requests that a surprise is weighed against, for the sake of links on which a day has few.
const FEW: f64 = 20.0;
/// Minutes of an hour that must have been watched for it to count.
const WATCHED: f64 = 20.0;
/// Minutes of open POs that the default approval rate is worth when the first day is weighed against it.
const PRIOR_EXPOSURE: f64 = 240.0;

/// The first of the three kinds of day.
const WORKING_DAY: usize = 0;
/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// What is expected of one hour; rates are a minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Approvals of one open PO.
    pub approval: f64,
    /// Changes of one approved PO.
    pub late: f64,
    /// Prebook changes of the whole link.
    pub prebooks: f64,
    /// Work: requests that are no polls.
    pub work: f64,
    /// Σ√(r/2) over the sources: how many requests a minute are worth making at a price of 1.
    pub urgency: f64,
    /// What of `urgency` was learned, from 0 to 1; the rest is nobody's guess yet.
    pub learned: f64,
}

/// The three kinds of day, hour by hour.
#[derive(Clone, Debug)]
pub struct Profile {
    zone: Zone,
    cells: [[Cell; 24]; 3],
    /// How far the work of the rest of Komet's day was from what was expected, by the hour (UTC) from which on: the mean
    /// square over the days of each kind, and what of it was learned.
    misses: [[Miss; 24]; 3],
    /// By how much working days are busier than the average of those before them: before a holiday an average lags behind.
    growth: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Miss {
    square: f64,
    learned: f64,
}

impl Profile {
    /// What is expected before anything was learned, with `limit` requests a day.
    pub fn unlearned(zone: Zone, limit: u64) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "a number of requests a day")]
        let work = limit as f64 * WORK;
        let cells = std::array::from_fn(|day| {
            let factor = [1.0, 0.5, 0.1][day];
            std::array::from_fn(|hour| {
                let is_office = u32::try_from(hour).is_ok_and(is_office);
                let office = f64::from(CLOSES - OPENS);
                let (part, hours) = if is_office { (IN_OFFICE, office) } else { (1.0 - IN_OFFICE, 24.0 - office) };
                let spread = part / (hours * 60.0);
                Cell {
                    approval: factor * if is_office { APPROVAL } else { APPROVAL_AT_NIGHT },
                    late: factor * LATE * part * 24.0 / hours,
                    prebooks: factor * PREBOOKS * spread,
                    work: factor * work * spread,
                    urgency: 0.0,
                    learned: 0.0,
                }
            })
        });
        Self { zone, cells, misses: <[[Miss; 24]; 3]>::default(), growth: 1.0 }
    }

    /// What is expected by what was seen in `hours`, the oldest first: an exponential average over the days of each kind.
    pub fn learned(zone: Zone, limit: u64, hours: &[Hour]) -> Self {
        let mut profile = Self::unlearned(zone, limit);
        let mut exposure = [[(0.0, 0.0); 24]; 3];
        for (day, cells) in profile.cells.iter().enumerate() {
            for (hour, cell) in cells.iter().enumerate() {
                exposure[day][hour] = (cell.approval * PRIOR_EXPOSURE, PRIOR_EXPOSURE);
            }
        }
        let days = hours.chunk_by(|a, b| a.at.date_naive() == b.at.date_naive());
        for day in days {
            profile.miss(day);
            for seen in day.iter().filter(|seen| seen.watched >= WATCHED) {
                profile.fold(seen, &mut exposure);
            }
        }
        profile
    }

    /// Notes how far a day's work was from what was expected of it.
    fn miss(&mut self, day: &[Hour]) {
        let Some(first) = day.first() else { return };
        let kind = self.kind(first.at);
        let mut missed = 0.0;
        let (mut done, mut usual, mut known_least) = (0.0, 0.0, 1.0_f64);
        let mut rest = day.iter().rev().peekable();
        for hour in (0..24).rev() {
            let at = first.at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(hour);
            let mut work = 0.0;
            while let Some(seen) = rest.next_if(|seen| seen.at >= at) {
                work += seen.work;
            }
            missed += work - self.expected(at).work * 60.0;
            let cell = self.at(at);
            done += work;
            usual += cell.work * 60.0;
            if self.place(at).0 == WORKING_DAY {
                known_least = known_least.min(cell.learned);
            }
            let known = &mut self.misses[kind][usize::try_from(hour).unwrap_or_default() % 24];
            let weight = if known.learned == 0.0 { 1.0 } else { NEW_MISS };
            known.square += weight * (missed * missed - known.square);
            known.learned += NEW_MISS * (1.0 - known.learned);
        }
        if kind == WORKING_DAY && known_least > FAMILIAR {
            let surprise = (done + FEW) / (usual + FEW);
            self.growth = (self.growth + NEW_GROWTH * (surprise - self.growth)).clamp(GROWTH.0, GROWTH.1);
        }
    }

    /// Takes what was seen in an hour into what is expected of its like.
    fn fold(&mut self, seen: &Hour, exposure: &mut [[(f64, f64); 24]; 3]) {
        let (day, hour) = self.place(seen.at);
        let cell = &mut self.cells[day][hour];
        let toward = |known: &mut f64, new: f64| *known += NEW_DAY * (new - *known);
        toward(&mut cell.prebooks, seen.prebooks / seen.watched);
        toward(&mut cell.work, seen.work / 60.0);
        let urgency = seen.urgency / seen.watched;
        if cell.learned == 0.0 {
            cell.urgency = urgency;
        } else {
            toward(&mut cell.urgency, urgency);
        }
        toward(&mut cell.learned, 1.0);
        let (approvals, open) = &mut exposure[day][hour];
        toward(approvals, seen.approvals);
        toward(open, seen.exposure.max(1.0));
        cell.approval = *approvals / *open;
    }

    /// The standard deviation of the work that is left of Komet's day from `at` on, where `expected` is expected.
    pub fn spread(&self, at: DateTime<Utc>, expected: f64) -> f64 {
        let usual = usual_spread(expected).powi(2);
        let day = self.kind(at);
        let hour = at.hour() as usize % 24;
        let (now, next) = (self.misses[day][hour], self.misses[day].get(hour + 1).copied().unwrap_or_default());
        // Within the hour, from this one's to the next one's.
        let part = f64::from(at.minute()) / 60.0;
        let seen = now.square + (next.square - now.square) * part;
        (now.learned * seen + (1.0 - now.learned) * usual).sqrt()
    }

    /// The kind of Komet's day that `at` lies in: what its middle is for the trade.
    fn kind(&self, at: DateTime<Utc>) -> usize {
        self.place(at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(16)).0
    }

    /// What is expected of the hour that `at` lies in, with the days' growth. Urgency is a sum of roots, so it
    /// grows with the root.
    pub fn expected(&self, at: DateTime<Utc>) -> Cell {
        self.grown(self.place(at))
    }

    fn grown(&self, (day, hour): (usize, usize)) -> Cell {
        let cell = self.cells[day][hour];
        let growth = if day == WORKING_DAY { self.growth } else { 1.0 };
        Cell { work: cell.work * growth, urgency: cell.urgency * growth.sqrt(), ..cell }
    }

    /// The average of the hours like the one that `at` lies in.
    pub fn at(&self, at: DateTime<Utc>) -> Cell {
        let (day, hour) = self.place(at);
        self.cells[day][hour]
    }

    /// The pieces of `from..to` that lie in one hour each: what is expected there, in how many minutes it begins and how
    /// many it lasts.
    pub(super) fn pieces(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = (Cell, f64, f64)> {
        // Zones are slow to ask, and their clocks seldom change within a day.
        let (offset, later) = (self.offset(from), self.offset(to));
        let (start, end) = (from.timestamp_millis(), to.timestamp_millis());
        let mut at = start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let begin = at;
            at = ((begin.div_euclid(HOUR) + 1) * HOUR).min(end);
            let offset = if offset == later {
                offset
            } else {
                DateTime::from_timestamp_millis(begin).map_or(offset, |at| self.offset(at))
            };
            #[allow(clippy::cast_precision_loss, reason = "lengths of time within a few days")]
            let minutes = |milliseconds: i64| milliseconds as f64 / 60_000.0;
            Some((self.grown(place(begin + offset)), minutes(begin - start), minutes(at - begin)))
        })
    }

    /// What the zone's clocks are ahead of UTC, in milliseconds.
    fn offset(&self, at: DateTime<Utc>) -> i64 {
        i64::from(self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) * 1000
    }

    fn place(&self, at: DateTime<Utc>) -> (usize, usize) {
        place(at.timestamp_millis() + self.offset(at))
    }
}

/// The kind of day and the hour of a moment, by its local clock.
fn place(local: i64) -> (usize, usize) {
    // The epoch was a Thursday.
    let day = match (local.div_euclid(24 * HOUR) + 3).rem_euclid(7) {
        5 => 1,
        6 => 2,
        _ => WORKING_DAY,
    };
    (day, usize::try_from(local.div_euclid(HOUR).rem_euclid(24)).unwrap_or_default())
}

/// What the spread of so much work is before any was seen.
pub(super) fn usual_spread(expected: f64) -> f64 {
    (expected * CLUSTER + (expected * DAYS_DIFFER).powi(2)).sqrt()
}

fn is_office(hour: u32) -> bool {
    (OPENS..CLOSES).contains(&hour)
}
