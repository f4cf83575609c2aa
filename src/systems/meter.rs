//! The meter through which every request of Komet's goes: it counts the request before it is sent, or refuses it. The
//! adapters know only this much of it; `sync::meter` keeps the count in the database.

use std::error::Error;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::Fault;
use super::network::Pending;

/// Counts requests against the day's quota.
pub trait Meter: Send + Sync {
    /// Counts one request that is about to be sent; answers the day it was counted for. An error says why it must not
    /// be sent: [`Fault::QuotaSpent`], or [`Fault::Uncounted`].
    ///
    /// Guarantee: the count is on disk before the answer. A crash right after it leaves one request too many counted,
    /// never one too few.
    fn count(&self) -> Pending<'_, Result<NaiveDate, Fault>>;
    /// A request that was counted for a day was answered at this moment of Komet's clock: the day that Komet counts it
    /// for (clarification 15).
    fn answered(&self, counted: NaiveDate, date: DateTime<Utc>) -> Pending<'_, ()>;
    /// Komet's clock, as far as it is known.
    fn now(&self) -> DateTime<Utc>;
    /// Why counting failed since this was last asked; `None` where it did not.
    fn trouble(&self) -> Option<Box<dyn Error + Send + Sync>>;
}

/// A meter that clones of a client share.
pub type SharedMeter = Arc<dyn Meter>;
