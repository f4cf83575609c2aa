//! How `status` and `check` tell of the request budget: how far the quota reaches, and what the policy decided for each
//! source and why.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::output::{Cell, Page, Tone, relative};
use crate::config::Config;
use crate::store::{Connection, StoreError};
use crate::sync::budget::{Due, Kind};
use crate::sync::pace::{Outlook, Scope, name};

/// What is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BudgetReport {
    /// Komet is not asked until the reset.
    paused: bool,
    /// Requests kept for writes, and for the reads that these need.
    reserve: u64,
    /// Requests that polls may still make today.
    reads_left: u64,
    /// Minutes of waiting that a read must save; `null` where none is left to be made.
    price_minutes: Option<f64>,
    /// When writes alone will have spent the quota; `null` where it lasts.
    pub(super) lasts_until: Option<DateTime<Utc>>,
    /// Paid users whose requests would do.
    users: u64,
    sources: Vec<SourceReport>,
    #[serde(skip)]
    has_users: u64,
    #[serde(skip)]
    zone: Tz,
}

/// A source, the most waiting first.
#[derive(Clone, Debug, Serialize)]
struct SourceReport {
    source: String,
    kind: &'static str,
    expected_changes: f64,
    waiting_minutes: f64,
    last_read: Option<DateTime<Utc>>,
    due: bool,
    why: &'static str,
}

impl BudgetReport {
    /// Looks at the database; no system is asked.
    pub(super) fn of(conn: &Connection, scope: &Scope, users: u32) -> Result<Self, StoreError> {
        let outlook = Outlook::of(conn, scope)?;
        let forecast = outlook.forecast(scope.limit / u64::from(users.max(1)));
        let sources = outlook.decision.sources.iter().map(|one| {
            let is_mandatory = outlook.mandatory.contains(&one.state.source);
            SourceReport {
                source: name(one.state.source),
                kind: match one.state.source.kind() {
                    Kind::PurchaseOrders => "purchase-orders",
                    Kind::Prebooks => "prebooks",
                },
                expected_changes: hundredths(one.state.unseen),
                waiting_minutes: hundredths(one.state.waiting),
                last_read: one.state.read_at,
                due: !outlook.paused && (is_mandatory || one.due == Due::Yes),
                why: match () {
                    () if outlook.paused => "the quota is spent",
                    () if is_mandatory => "its daily full read",
                    () => one.due.why(),
                },
            }
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
            zone: scope.zone,
        })
    }

    /// "at this rate the quota lasts until 15:40; two paid users would do"; `None` where it lasts.
    pub(super) fn warning(&self) -> Option<String> {
        if self.paused {
            return Some(format!("it is spent, and Komet is paused until the reset; {}", self.would_do()));
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

    /// The sources, for `-v`.
    pub(super) fn tell(&self, page: &mut Page, now: DateTime<Utc>) {
        page.heading("Request budget");
        let Self { price_minutes, reserve, reads_left, .. } = self;
        let price = match price_minutes {
            Some(minutes) => format!("A read must save {minutes} min of waiting; {reads_left} requests"),
            None => "No requests".to_owned(),
        };
        let text = format!("{price} are left for polls, {reserve} are kept for writes.");
        page.paragraph(Tone::Plain, 0, &text);
        let rows = self.sources.iter().map(|one| {
            let read = match one.last_read {
                None => Cell::new("never", Tone::Faint),
                Some(at) if page.is_drawn() => relative(at, now).into(),
                Some(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into(),
            };
            let tone = if one.due { Tone::Good } else { Tone::Plain };
            [
                one.source.clone().into(),
                format!("{:.2}", one.expected_changes).into(),
                format!("{:.1} min", one.waiting_minutes).into(),
                read,
                Cell::new(one.why, tone),
            ]
        });
        let rows = rows.collect();
        page.table(["SOURCE", "EXPECTED CHANGES", "WAITING", "LAST READ", "DUE"], rows);
    }
}

/// The scope of a look from outside of a run: Komet's clock is taken for ours.
pub(super) fn scope(config: &Config, now: DateTime<Utc>) -> Scope {
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
