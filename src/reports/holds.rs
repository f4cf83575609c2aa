//! What waits for a person, as people and scripts see it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::store::holds::HoldRow;

/// One hold.
#[derive(Clone, Debug, Serialize)]
pub struct HoldReport {
    /// Its number.
    pub id: i64,
    /// Why it waits.
    pub reason: &'static str,
    /// What people call the order; `None` for the brake on cancellations.
    pub order: Option<String>,
    /// The line that waits; `None` for the whole order.
    pub line: Option<String>,
    /// What happened and what a person can do.
    pub detail: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// There is a side to take.
    #[serde(skip)]
    pub has_sides: bool,
}

impl From<HoldRow> for HoldReport {
    fn from(row: HoldRow) -> Self {
        Self {
            id: row.id,
            reason: row.reason.name(),
            order: row.order,
            line: row.line.map(|line| line.0),
            detail: row.detail,
            since: row.since,
            has_sides: row.reason.has_sides(&row.cause),
        }
    }
}

/// Why a hold is not released.
pub fn without_sides(hold: &HoldRow) -> String {
    format!("hold {} ({}) has no side to take, only to be dismissed: {}", hold.id, hold.reason.name(), hold.detail)
}

/// Why there is no hold of a number.
pub fn gone(id: i64) -> String {
    format!("there is no hold {id}: it was decided, its cause went away, or there never was one")
}
