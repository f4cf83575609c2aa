//! What was seen in one hour: what hours are learned from, and how a read adds to it.

use chrono::{DateTime, TimeDelta, Utc};

use super::source::{Kind, SourceState};
use super::{minutes, pieces};

/// A source that was not read for longer shows when its changes were made no more.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// What was seen in one hour of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hour {
    /// Its beginning.
    pub at: DateTime<Utc>,
    /// Minutes of it in which somebody watched.
    pub watched: f64,
    /// Σ√(r/2) over the sources, summed over these minutes.
    pub urgency: f64,
    /// Open POs, summed over the minutes after which they were looked at.
    pub exposure: f64,
    /// Approvals that were seen.
    pub approvals: f64,
    /// Prebook changes that were seen.
    pub prebooks: f64,
    /// Requests that were no polls.
    pub work: f64,
}

impl Hour {
    /// An hour in which nothing was seen yet.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self {
            at: hour_of(at),
            watched: 0.0,
            urgency: 0.0,
            exposure: 0.0,
            approvals: 0.0,
            prebooks: 0.0,
            work: 0.0,
        }
    }

    /// Adds what else was seen in it.
    pub fn add(&mut self, more: &Self) {
        self.watched += more.watched;
        self.urgency += more.urgency;
        self.exposure += more.exposure;
        self.approvals += more.approvals;
        self.prebooks += more.prebooks;
        self.work += more.work;
    }
}

/// The beginning of the hour.
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let into = TimeDelta::seconds(at.timestamp().rem_euclid(3600));
    at - into - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}

/// Whether what was seen since `from` says when it happened.
fn is_recent(from: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    from < now && now - from <= LONGEST
}

/// What watching from `from` (when any source was last read) until `now` adds to the hours, with the `urgency` that the
/// sources have now. After a longer absence nothing is learned.
pub fn watched(from: Option<DateTime<Utc>>, now: DateTime<Utc>, urgency: f64) -> Vec<Hour> {
    let Some(from) = from.filter(|from| is_recent(*from, now)) else { return Vec::new() };
    let piece = |(begin, end)| {
        let long = minutes(begin, end);
        Hour { watched: long, urgency: urgency * long, ..Hour::new(begin) }
    };
    pieces(from, now).map(piece).collect()
}

/// What a read of a source adds to the hours since the one before it: how many orders it showed `changed`. When they
/// changed is not known: they count for the middle of that time. After a longer absence nothing is learned.
pub fn reading(before: &SourceState, now: DateTime<Utc>, changed: u64) -> Vec<Hour> {
    let Some(from) = before.read_at.filter(|from| is_recent(*from, now)) else { return Vec::new() };
    let middle = Hour::new(from + (now - from) / 2);
    #[allow(clippy::cast_precision_loss, reason = "a number of orders")]
    let seen = changed as f64;
    match before.source.kind() {
        Kind::PurchaseOrders => {
            let open = f64::from(before.pending);
            let watched = |(begin, end)| Hour { exposure: open * minutes(begin, end), ..Hour::new(begin) };
            let mut hours: Vec<Hour> = pieces(from, now).map(watched).collect();
            hours.push(Hour { approvals: seen.min(open), ..middle });
            hours
        }
        Kind::Prebooks => vec![Hour { prebooks: seen, ..middle }],
    }
}
