//! The request budget: which of Komet's lists are worth a request now, so that the day's quota is spent where and when
//! it saves the most waiting, and writes never have to wait for it. Pure: no clock, no I/O, no randomness; `sync::pace`
//! feeds it from the store and does what it says, `benches/budget` plays whole fortnights against it.
//!
//! A *source* is one ship date of POs or one window of Prebooks; reading it costs one request. *N* is how many unseen
//! changes a source is expected to hold, *C* the minutes that they are expected to have waited, all together. A source is
//! due when its C reaches the *price* of a request. What is left for reads is the quota less what was used and less the
//! *reserve* that is kept for *work*: writes, and the reads that a plan or a read-back needs.
//!
//! [`source`] lets N and C grow, [`profile`] knows the rates of each hour, as they were learned from [`hour`]s on file,
//! [`reserve`] says what the rest of the day will need, [`decide`] puts them together, and [`forecast`] tells people how
//! long the quota lasts.

mod decide;
mod forecast;
mod hour;
mod profile;
mod reserve;
mod source;

pub(super) use decide::APART;
pub use decide::{Decision, Due, Judged, Situation, decide};
pub use forecast::{Forecast, forecast};
pub use hour::{Hour, hour_of, reading, watched};
pub use profile::{Cell, Profile};
pub use reserve::{expected_work, reserve};
pub use source::{Kind, Source, SourceState, window_share};

use chrono::{DateTime, TimeDelta, Utc};

/// Minutes from `from` to `to`; 0 where the clock went back.
fn minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "lengths of time within a few days")]
    let milliseconds = (to.timestamp_millis() - from.timestamp_millis()) as f64;
    (milliseconds / 60_000.0).max(0.0)
}

/// The pieces of `from..to` that lie in one hour each: where each begins and ends.
fn pieces(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let begin = at;
        at = (hour_of(begin) + TimeDelta::hours(1)).min(to);
        Some((begin, at))
    })
}
