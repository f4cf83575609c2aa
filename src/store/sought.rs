//! Prebooks that Komet's lists no longer show and for which there were not the requests yet to look them up: nothing is concluded of
//! them, and since when they wait is to be told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{StoreError, reference};
use crate::domain::{OrderKey, PrebookId};

const KIND: &str = "sought";

/// A Prebook that is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sought {
    /// Komet's id of it.
    pub prebook: PrebookId,
    /// The orders that it is about.
    pub orders: BTreeSet<OrderKey>,
    /// The windows of ship dates that should show it.
    pub windows: BTreeSet<i64>,
    /// When it was first missed.
    pub since: DateTime<Utc>,
    /// Whether people were told that it waits for long.
    pub told: bool,
}

/// All that are to be looked up.
pub fn list(conn: &Connection) -> Result<Vec<Sought>, StoreError> {
    Ok(reference::get(conn, KIND)?.map(|listed| listed.items).unwrap_or_default())
}

/// Keeps these, and no others.
pub fn keep(conn: &Connection, sought: &[Sought], now: DateTime<Utc>) -> Result<(), StoreError> {
    reference::set(conn, KIND, sought, now)
}
