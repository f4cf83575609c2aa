//! What waits for a person, as people and scripts see it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::Verdict;
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
        }
    }
}

/// What became of a hold that was decided.
pub fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TakeAxerrio => "released: what Axerrio says counts. The next run acts on it.",
        Verdict::TakeKomet => "released: what Komet says counts. The next run acts on it.",
        Verdict::Dismissed => "dismissed: things stay as they are.",
    }
}

/// Why there is no hold of a number.
pub fn gone(id: i64) -> String {
    format!("there is no hold {id}: it was decided, or its cause went away")
}
