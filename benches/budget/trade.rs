//! The trade of quota.md, drawn from a seed: customers order singly and in sales meetings, sales reps enter and change
//! Prebooks, buyers approve POs one by one and in piles, and change some that they approved; most of it in office hours
//! in New York.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc, Weekday};
use fastrand::Rng;
use stemsync::domain::Zone;

/// Writes that a new order costs.
pub(crate) const NEW_ORDER: u64 = 2;
/// Writes that a changed line costs.
pub(crate) const CHANGED_LINE: u64 = 4;
/// Part of the orders of which a line is changed within two hours, if the buyer was not quicker.
pub(crate) const CHANGED: f64 = 0.2;
/// Prebook changes an order. quota.md does not say how many there are; with these its rows "every date in turn" at 300 a day
/// and "told" come out near its figures, with a third fewer neither does.
const PREBOOKS: f64 = 0.45;
/// Part of these that are new Prebooks: once the vendor accepts one, its PO is a write.
pub(crate) const NEW_PREBOOKS: f64 = 0.7;
/// Requests for labels an order.
const LABELS: f64 = 0.25;

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
                // quota.md does not tell the volumes: these make its "every date in turn" come out near its figures.
                const OF_DAY: [f64; 14] = [
                    180.0, 210.0, 250.0, 280.0, 320.0, 350.0, 390.0, 440.0, 490.0, 540.0, 570.0, 530.0, 390.0,
                    260.0,
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

/// Of an order or a Prebook, and of the PO that comes of it.
pub(crate) type Id = u64;

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// A customer orders in Axerrio for this ship date.
    Order(NaiveDate, Id),
    /// The customer changes a line of an order, if its PO is not approved yet.
    Change(Id),
    /// A sales rep makes or changes a Prebook.
    Prebook(NaiveDate, Id),
    /// The vendor accepts it: its PO can be made.
    Accepted(NaiveDate, Id),
    /// A buyer approves the PO.
    Approve(Id),
    /// A buyer goes through the pile of a ship date.
    Pile(NaiveDate),
    /// A buyer changes an approved PO of this ship date, for the so-manieth time.
    Late(NaiveDate, Id, u64),
    /// The vendor has printed labels: one request ships the boxes of several orders.
    Labels,
}

/// What is drawn.
pub(crate) struct Dice(pub(crate) Rng);

/// What is drawn for one order, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Day,
    Po,
    Approval,
    Acceptance,
    Late(u64),
}

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
    at.with_timezone(&Zone::default()).date_naive()
}

fn is_office(at: DateTime<Utc>) -> bool {
    (7..19).contains(&at.with_timezone(&Zone::default()).hour())
}

impl Dice {
    /// Dice of their own for whatever is drawn: the trade is the same then whoever reads what when, and policies can be
    /// compared in pairs.
    pub(crate) fn of(seed: u64, id: u64, fate: Fate) -> Self {
        let fate = match fate {
            Fate::Day => 0,
            Fate::Po => 1,
            Fate::Approval => 2,
            Fate::Acceptance => 3,
            Fate::Late(n) => 4 + n,
        };
        let mut all = Rng::with_seed(seed);
        for part in [id, fate] {
            all = Rng::with_seed(all.u64(..) ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        Self(all)
    }

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
        let midnight = date.and_hms_opt(0, 0, 0).and_then(|at| at.and_local_timezone(Zone::default()).earliest());
        let midnight = midnight.expect("New York's clocks change at two").to_utc();
        midnight + TimeDelta::minutes(minute) + TimeDelta::milliseconds(self.0.i64(0..60_000))
    }

    /// What comes from outside on the `n`th day.
    pub(crate) fn day(&mut self, volume: Volume, n: i64, date: NaiveDate) -> Vec<(DateTime<Utc>, Deed)> {
        // Days differ by a tenth.
        let normal: f64 = (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0;
        let expected = (volume.on(n, date) * (1.0 + 0.1 * normal)).max(0.0);
        let mut deeds = Vec::new();
        let mut id = u64::from(date.num_days_from_ce().unsigned_abs()) << 32;
        // Half of it comes from five to eight sales meetings of an hour.
        let meetings: Vec<_> = (0..self.0.u32(5..=8))
            .map(|_| {
                let minute = self.0.i64(8 * 60..17 * 60);
                moment_at(date, minute)
            })
            .collect();
        let mut draw = |dice: &mut Self, count: f64, make: &dyn Fn(&mut Self, Id) -> Deed| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = (count + dice.0.f64()) as u64;
            for _ in 0..count {
                let at = if dice.0.bool() {
                    after(meetings[dice.0.usize(..meetings.len())], dice.0.f64() * 60.0)
                } else {
                    dice.moment(date)
                };
                id += 1;
                let deed = make(dice, id);
                deeds.push((at, deed));
            }
        };
        draw(self, expected, &|dice, id| Deed::Order(dice.ship_date(date), id));
        draw(self, expected * PREBOOKS, &|dice, id| Deed::Prebook(dice.ship_date(date), id));
        draw(self, expected * LABELS, &|_, _| Deed::Labels);
        deeds
    }
}

fn moment_at(date: NaiveDate, minute: i64) -> DateTime<Utc> {
    let noon = date.and_hms_opt(12, 0, 0).and_then(|at| at.and_local_timezone(Zone::default()).earliest());
    noon.expect("New York's clocks change at two").to_utc() + TimeDelta::minutes(minute - 12 * 60)
}
