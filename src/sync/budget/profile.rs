//! What is expected of each hour of a working day, a Saturday and a Sunday, in the link's time zone: defaults (quota.md,
//! rule 2) that give way to what was learned.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::hour::Hour;

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
/// Minutes of an hour that must have been watched for it to count.
const WATCHED: f64 = 20.0;
/// Minutes of open POs that the default approval rate is worth when the first day is weighed against it.
const PRIOR_EXPOSURE: f64 = 240.0;

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
    zone: Tz,
    cells: [[Cell; 24]; 3],
    /// How far the work of the rest of Komet's day was from what was expected, by the hour (UTC) from which on: the mean
    /// square over the days of each kind, and what of it was learned.
    misses: [[Miss; 24]; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Miss {
    square: f64,
    learned: f64,
}

impl Profile {
    /// What is expected before anything was learned, with `limit` requests a day.
    pub fn unlearned(zone: Tz, limit: u64) -> Self {
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
        Self { zone, cells, misses: <[[Miss; 24]; 3]>::default() }
    }

    /// What is expected by what was seen in `hours`, the oldest first: an exponential average over the days of each kind.
    pub fn learned(zone: Tz, limit: u64, hours: &[Hour]) -> Self {
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
        let mut rest = day.iter().rev().peekable();
        for hour in (0..24).rev() {
            let at = first.at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(hour);
            let mut work = 0.0;
            while let Some(seen) = rest.next_if(|seen| seen.at >= at) {
                work += seen.work;
            }
            missed += work - self.at(at).work * 60.0;
            let known = &mut self.misses[kind][usize::try_from(hour).unwrap_or_default() % 24];
            let weight = if known.learned == 0.0 { 1.0 } else { NEW_MISS };
            known.square += weight * (missed * missed - known.square);
            known.learned += NEW_MISS * (1.0 - known.learned);
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
        let usual = expected * CLUSTER + (expected * DAYS_DIFFER).powi(2);
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

    /// The hour that `at` lies in.
    pub fn at(&self, at: DateTime<Utc>) -> Cell {
        let (day, hour) = self.place(at);
        self.cells[day][hour]
    }

    fn place(&self, at: DateTime<Utc>) -> (usize, usize) {
        let local = at.with_timezone(&self.zone);
        let day = match local.weekday() {
            Weekday::Sat => 1,
            Weekday::Sun => 2,
            _ => 0,
        };
        (day, local.hour() as usize % 24)
    }
}

fn is_office(hour: u32) -> bool {
    (OPENS..CLOSES).contains(&hour)
}
