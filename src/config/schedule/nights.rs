//! The nights in which clocks change. croner knows them, but leaves out the whole repeated hour and may answer with a
//! time that is over; so it is only asked for the next reading of a clock that never changes, and what that reading is
//! worth is decided here:
//!
//! - **Repeated readings** (clocks go back): a job that runs all through the night goes on without a pause; of any other one
//!   each moment comes the first time only.
//! - **Readings left out** (clocks go forward): a job that runs all through the night goes on as if nothing was; any other
//!   one that has moments there runs once when the clocks have changed.

use std::iter::successors;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike as _, Utc};
use croner::Cron;

use crate::domain::Zone;

/// Clocks change on a quarter of an hour.
const STEP: TimeDelta = TimeDelta::minutes(15);
/// More than clocks ever go back at once.
const LONGEST_REPEAT: TimeDelta = TimeDelta::hours(3);
/// A day and its neighbours: whatever lies further ahead is approached in two steps.
const NEAR: TimeDelta = TimeDelta::days(2);
/// Who has so many readings in an hour polls; who has fewer has something to do at them.
const FREQUENT: usize = 3;

/// A change of clocks.
struct Change {
    /// The first moment of the new time.
    at: DateTime<Utc>,
    /// What the clocks would have shown, and what they show.
    readings: [NaiveDateTime; 2],
}

impl Change {
    /// How far the clocks go, in either direction.
    fn length(&self) -> TimeDelta {
        (self.readings[1] - self.readings[0]).abs()
    }

    fn goes_back(&self) -> bool {
        self.readings[1] < self.readings[0]
    }
}

/// The first moment after `now`.
pub(super) fn next_after(cron: &Cron, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
    // A pattern has whole seconds.
    let now = now.with_nanosecond(0).unwrap_or(now);
    let (mut from, mut inclusive) = (now, false);
    if let Some(change) = first_change(zone, now - LONGEST_REPEAT, now)
        && change.goes_back()
        && now < change.at + change.length()
        && !runs_through(cron, &change)
    {
        (from, inclusive) = (change.at + change.length(), true);
    }
    // Each turn passes a change, or all but the last days of a long wait: a year has two changes, a leap cycle has eight
    // years, but a wait is approached at once. A few turns always do.
    for _ in 0..16 {
        let ahead = offset(zone, from);
        let reading = next_reading(cron, from.naive_utc() + ahead, inclusive)?;
        let moment = (reading - ahead).and_utc();
        let is_far = moment - from > NEAR;
        let change = first_change(zone, from, if is_far { from + LONGEST_REPEAT } else { moment });
        let Some(change) = change else {
            if is_far {
                // Between here and there no clock shows a reading that fits.
                (from, inclusive) = (moment - NEAR / 2, true);
                continue;
            }
            return Some(moment);
        };
        if change.goes_back() {
            let repeats = runs_through(cron, &change);
            (from, inclusive) = (if repeats { change.at } else { change.at + change.length() }, true);
        } else if reading >= change.readings[0] && reading < change.readings[1] && !runs_through(cron, &change) {
            return Some(change.at);
        } else {
            (from, inclusive) = (change.at, true);
        }
    }
    None
}

/// Whether the job runs all through the night, so that without the readings of a change it would pause for longer than it does:
/// it goes on close after them, and ran close before, or runs every few minutes in them.
fn runs_through(cron: &Cron, change: &Change) -> bool {
    let close = change.length().max(TimeDelta::hours(1));
    let [one, other] = change.readings;
    let (start, end) = (one.min(other), one.max(other));
    let has = |from: NaiveDateTime, to| next_reading(cron, from, true).is_some_and(|next| next < to);
    let within = successors(next_reading(cron, start, true), |last| next_reading(cron, *last, false));
    let is_frequent = || within.take_while(|next| *next < end).take(FREQUENT).count() == FREQUENT;
    has(end, end + close) && (has(start - close, start) || is_frequent())
}

/// The next reading of a clock that never changes.
fn next_reading(cron: &Cron, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
    cron.find_next_occurrence(&from.and_utc(), inclusive).ok().map(|next| next.naive_utc())
}

/// How far the clocks of `zone` are ahead of UTC.
fn offset(zone: Zone, at: DateTime<Utc>) -> TimeDelta {
    TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()))
}

/// The first change after `from`, up to `to`.
fn first_change(zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Change> {
    let before = offset(zone, from);
    let mut unchanged = from;
    loop {
        let next = (unchanged + STEP).min(to);
        if next <= unchanged {
            return None;
        }
        if offset(zone, next) != before {
            let at = boundary(zone, unchanged, next);
            let local = at.naive_utc();
            return Some(Change { at, readings: [local + before, local + offset(zone, at)] });
        }
        unchanged = next;
    }
}

/// The second in which the offset changes, between two moments that have different ones.
fn boundary(zone: Zone, mut old: DateTime<Utc>, mut new: DateTime<Utc>) -> DateTime<Utc> {
    let before = offset(zone, old);
    while new - old > TimeDelta::seconds(1) {
        let middle = old + (new - old) / 2;
        if offset(zone, middle) == before { old = middle } else { new = middle }
    }
    // Clocks change with a full second.
    DateTime::from_timestamp(new.timestamp(), 0).unwrap_or(new)
}
