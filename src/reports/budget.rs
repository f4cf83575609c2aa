//! The request budget, as `status`, `check` and the page tell of it: how far the quota reaches, and what the policy decided
//! for each source and why.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Config;
use crate::domain::Zone;
use crate::store::{Connection, StoreError};
use crate::sync::budget::Kind;
pub use crate::sync::pace::Scope;
use crate::sync::pace::{Outlook, name};

/// Komet counts what others ask of it, too, and what this link asked before it had a database.
const SPENT_ELSEWHERE: &str =
    "Komet says so, before this link's own count has come to its limit: something else may ask Komet as well";

/// What is told.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetReport {
    /// Komet is not asked until the reset.
    pub paused: bool,
    /// Requests kept for writes, and for the reads that these need.
    pub reserve: u64,
    /// Requests that polls may still make today.
    pub reads_left: u64,
    /// Minutes of waiting that a read must save; `null` where none is left to be made.
    pub price_minutes: Option<f64>,
    /// When writes alone will have spent the quota; `null` where it lasts.
    pub lasts_until: Option<DateTime<Utc>>,
    /// Paid users whose requests would do.
    pub users: u64,
    /// Every source.
    pub sources: Vec<SourceReport>,
    #[serde(skip)]
    has_users: u64,
    /// The day's count has come to the limit, or it was Komet that said so before.
    #[serde(skip)]
    is_spent_here: bool,
    #[serde(skip)]
    zone: Zone,
}

/// A source, the most waiting first.
#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    /// In people's words.
    pub source: String,
    /// `purchase-orders` or `prebooks`.
    pub kind: &'static str,
    /// Changes that nobody has seen yet, as expected.
    pub expected_changes: f64,
    /// Minutes that these have waited, as expected.
    pub waiting_minutes: f64,
    /// When it was read.
    pub last_read: Option<DateTime<Utc>>,
    /// The next poll reads it.
    pub due: bool,
    /// Why, or why not.
    pub why: &'static str,
}

impl BudgetReport {
    /// Looks at the database; no system is asked.
    pub fn of(conn: &Connection, scope: &Scope, users: u32) -> Result<Self, StoreError> {
        let outlook = Outlook::of(conn, scope)?;
        let forecast = outlook.forecast(scope.limit / u64::from(users.max(1)));
        let sources = outlook.decision.sources.iter().map(|one| SourceReport {
            source: name(one.state.source),
            kind: match one.state.source.kind() {
                Kind::PurchaseOrders => "purchase-orders",
                Kind::Prebooks => "prebooks",
            },
            expected_changes: hundredths(one.state.unseen),
            waiting_minutes: hundredths(one.state.waiting),
            last_read: one.state.read_at,
            due: !outlook.paused && outlook.is_due(one),
            why: if outlook.paused { "the quota is spent" } else { outlook.why(one) },
        });
        Ok(Self {
            paused: outlook.paused,
            reserve: whole(outlook.decision.reserve).min(scope.limit.saturating_sub(outlook.used)),
            reads_left: whole(outlook.decision.reads_left),
            price_minutes: (outlook.decision.reads_left >= 1.0).then(|| hundredths(outlook.decision.price)),
            lasts_until: forecast.lasts_until,
            users: forecast.users,
            sources: sources.collect(),
            has_users: u64::from(users),
            is_spent_here: outlook.used >= scope.limit,
            zone: scope.zone,
        })
    }

    /// "at this rate the quota lasts until 15:40; two paid users would do"; `None` where it lasts.
    pub fn warning(&self) -> Option<String> {
        if self.paused {
            let more = if self.is_spent_here { self.would_do() } else { SPENT_ELSEWHERE.to_owned() };
            return Some(format!("it is spent, and Komet is paused until the reset; {more}"));
        }
        let until = self.lasts_until?.with_timezone(&self.zone).format("%H:%M");
        Some(format!("at this rate the quota lasts until {until}; {}", self.would_do()))
    }

    fn would_do(&self) -> String {
        // What one user grants may be enough on other days: who runs out today needs one more than there are.
        let users = self.users.max(self.has_users + 1);
        match users {
            2..=9 => {
                let words = ["two", "three", "four", "five", "six", "seven", "eight", "nine"];
                let word = usize::try_from(users - 2).ok().and_then(|at| words.get(at)).unwrap_or(&"more");
                format!("{word} paid users would do")
            }
            _ => format!("{users} paid users would do"),
        }
    }
}

/// The scope of a look from outside of a run: Komet's clock is taken for ours.
pub fn scope(config: &Config, now: DateTime<Utc>) -> Scope {
    Scope {
        now,
        komet_now: now,
        zone: config.jobs.timezone,
        horizon_days: config.sync.horizon_days,
        limit: config.komet.daily_limit(),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of requests")]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
