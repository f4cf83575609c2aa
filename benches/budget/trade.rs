//! The trade of quota.md, drawn from a seed: customers order singly and in sales meetings, sales reps enter and change
//! Prebooks, buyers approve POs one by one and in piles, and change some that they approved; most of it in office hours
//! in New York.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::America::New_York;
use fastrand::Rng;

/// Writes that a new order costs.
pub(crate) const NEW_ORDER: u64 = 2;
/// Writes that a changed line costs.
pub(crate) const CHANGED_LINE: u64 = 4;

/// How many orders a day there are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Volume {
    /// The same on every working day.
    Steady(f64),
    /// The fortnight before Valentine's Day, as ten working days.
    Valentine,
}

impl Volume {
    /// Orders expected on the `n`th day of the fortnight; days before it are like the first.
    fn on(self, n: i64, date: NaiveDate) -> f64 {
        let factor = weekday_factor(date);
        match self {
            Self::Steady(orders) => orders * factor,
            Self::Valentine => {
                const OF_DAY: [f64; 14] = [
                    200.0, 240.0, 280.0, 320.0, 360.0, 400.0, 440.0, 500.0, 560.0, 620.0, 650.0, 600.0, 450.0,
                    300.0,
                ];
                OF_DAY[usize::try_from(n.clamp(0, 13)).unwrap_or_default()] * factor
            }
        }
    }
}

/// Saturdays are half a day, Sundays a tenth.
fn weekday_factor(date: NaiveDate) -> f64 {
    match date.weekday() {
        Weekday::Sat => 0.5,
        Weekday::Sun => 0.1,
        _ => 1.0,
    }
}

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// A customer orders in Axerrio for this ship date.
    Order(NaiveDate),
    /// The customer changes a line of an order of this ship date, if its PO (by its number) is not approved yet.
    Change(u64),
    /// A sales rep makes or changes a Prebook.
    Prebook(NaiveDate, bool),
    /// The vendor accepts it: its PO can be made.
    Accepted(NaiveDate),
    /// A buyer approves the PO of this number.
    Approve(u64),
    /// A buyer goes through the pile of a ship date.
    Pile(NaiveDate),
    /// A buyer changes an approved PO of this ship date.
    Late(NaiveDate),
    /// The vendor has printed labels: one request ships the boxes of several orders.
    Labels,
}

/// What is drawn.
pub(crate) struct Dice(pub(crate) Rng);

/// Minutes of an exponential time with this mean.
fn exponential(dice: &mut Rng) -> f64 {
    -(1.0 - dice.f64()).ln()
}

pub(crate) fn after(at: DateTime<Utc>, minutes: f64) -> DateTime<Utc> {
    #[allow(clippy::cast_possible_truncation)]
    let milliseconds = (minutes * 60_000.0) as i64;
    at + TimeDelta::milliseconds(milliseconds)
}

pub(crate) fn local_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&New_York).date_naive()
}

fn is_office(at: DateTime<Utc>) -> bool {
    (7..19).contains(&at.with_timezone(&New_York).hour())
}

impl Dice {
    /// When something happens that happens at `office` a minute in office hours and at `night` else; within 40 days.
    pub(crate) fn when(&mut self, from: DateTime<Utc>, office: f64, night: f64) -> Option<DateTime<Utc>> {
        let mut left = exponential(&mut self.0);
        let mut at = from;
        while at - from < TimeDelta::days(40) {
            let next =
                at + TimeDelta::minutes(60 - i64::from(at.minute())) - TimeDelta::seconds(i64::from(at.second()));
            let long = (next - at).as_seconds_f64() / 60.0;
            let rate = weekday_factor(local_date(at)) * if is_office(at) { office } else { night };
            if rate * long >= left {
                return Some(after(at, left / rate));
            }
            left -= rate * long;
            at = next;
        }
        None
    }

    /// When an open PO is approved, or a pile gone through.
    pub(crate) fn approval(&mut self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.when(from, 1.0 / 75.0, 1.0 / 1500.0)
    }

    /// When an approved PO is changed: 3·10⁻⁵ a minute over the day, 94 % of it in office hours.
    pub(crate) fn late(&mut self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.when(from, 3e-5 * 0.94 * 2.0, 3e-5 * 0.06 * 2.0)
    }

    /// A ship date, one to ten days ahead.
    fn ship_date(&mut self, today: NaiveDate) -> NaiveDate {
        today + TimeDelta::days(self.0.i64(1..=10))
    }

    /// A moment of the day: 94 % of them in office hours.
    fn moment(&mut self, date: NaiveDate) -> DateTime<Utc> {
        let minute = if self.0.f64() < 0.94 {
            7 * 60 + self.0.i64(0..12 * 60)
        } else {
            (19 * 60 + self.0.i64(0..12 * 60)) % (24 * 60)
        };
        let midnight = date.and_hms_opt(0, 0, 0).and_then(|at| at.and_local_timezone(New_York).earliest());
        let midnight = midnight.expect("New York's clocks change at two").to_utc();
        midnight + TimeDelta::minutes(minute) + TimeDelta::milliseconds(self.0.i64(0..60_000))
    }

    /// What comes from outside on the `n`th day.
    pub(crate) fn day(&mut self, volume: Volume, n: i64, date: NaiveDate) -> BTreeMap<DateTime<Utc>, Deed> {
        // Days differ by a tenth.
        let normal: f64 = (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0;
        let expected = (volume.on(n, date) * (1.0 + 0.1 * normal)).max(0.0);
        let mut deeds = BTreeMap::new();
        // Half of it comes from five to eight sales meetings of an hour.
        let meetings: Vec<_> = (0..self.0.u32(5..=8))
            .map(|_| {
                let minute = self.0.i64(8 * 60..17 * 60);
                moment_at(date, minute)
            })
            .collect();
        let mut draw = |dice: &mut Self, count: f64, make: &dyn Fn(&mut Self) -> Deed| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = (count + dice.0.f64()) as u64;
            for _ in 0..count {
                let at = if dice.0.bool() {
                    after(meetings[dice.0.usize(..meetings.len())], dice.0.f64() * 60.0)
                } else {
                    dice.moment(date)
                };
                let deed = make(dice);
                deeds.insert(at, deed);
            }
        };
        draw(self, expected, &|dice| Deed::Order(dice.ship_date(date)));
        draw(self, expected * 0.3, &|dice| {
            let new = dice.0.f64() < 0.7;
            Deed::Prebook(dice.ship_date(date), new)
        });
        draw(self, expected * 0.25, &|_| Deed::Labels);
        deeds
    }
}

fn moment_at(date: NaiveDate, minute: i64) -> DateTime<Utc> {
    let noon = date.and_hms_opt(12, 0, 0).and_then(|at| at.and_local_timezone(New_York).earliest());
    noon.expect("New York's clocks change at two").to_utc() + TimeDelta::minutes(minute - 12 * 60)
}
