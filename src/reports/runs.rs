//! Past runs: one in a line, and one in detail. Quiet runs in a row stand on file as one, so that what happened is not lost
//! among what did not.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::OrderKey;
use crate::store::events::{self, Event};
use crate::store::runs::{self, RunRow};
use crate::store::{Connection, StoreError, orders};
use crate::sync::report::{Job, JobReport, Outcome, QuotaReport, Requests, STOPPED};
use crate::systems::gist;

/// One run in a line, or several quiet ones in a row. Figures are those of the jobs asked for.
#[derive(Debug, Serialize)]
pub struct RunLine {
    /// Its id.
    pub run: String,
    /// What started it.
    pub trigger: String,
    /// `null` while it runs, and for ever if it broke off.
    pub outcome: Option<Outcome>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many quiet runs before it this line stands for, and when the first of them started.
    pub repeats: u32,
    /// When the first of them started.
    pub first_started_at: DateTime<Utc>,
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// Records read.
    pub polled: u64,
    /// Orders whose views changed.
    pub changed: u64,
    /// Pushes that were done or adopted.
    pub pushed: u64,
    /// Holds open on the orders it looked at.
    pub held: u64,
    /// Pushes that failed.
    pub failed: u64,
    /// Requests made.
    pub requests: Requests,
    /// Why jobs failed, each cause once; nothing that a system said.
    #[serde(skip)]
    pub causes: Vec<String>,
}

/// Why a job failed, where that can be told without what a system said.
fn cause(job: &JobReport) -> String {
    let told = job.error.as_deref().unwrap_or_default();
    match told {
        STOPPED => STOPPED.to_owned(),
        told => gist(told).unwrap_or_else(|| "not done".to_owned()),
    }
}

impl RunLine {
    /// `only`: the job asked for.
    pub fn new(row: RunRow, only: Option<Job>) -> Self {
        let about: Vec<JobReport> = row.report.map(|report| report.jobs).unwrap_or_default();
        let about: Vec<JobReport> =
            about.into_iter().filter(|job| only.is_none_or(|only| job.job == only)).collect();
        let mut causes: Vec<String> = Vec::new();
        for cause in about.iter().filter(|job| job.outcome == Outcome::Failed).map(cause) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        let sum = |figure: fn(&JobReport) -> u64| about.iter().map(figure).sum();
        Self {
            run: row.id,
            trigger: row.trigger,
            outcome: match only {
                Some(_) => about.first().map(|job| job.outcome),
                None => row.outcome,
            },
            started_at: row.started_at,
            finished_at: row.finished_at,
            repeats: row.repeats,
            first_started_at: row.first_started_at,
            jobs: about.iter().map(|job| job.job).collect(),
            polled: sum(|job| job.polled),
            changed: sum(|job| job.changed),
            pushed: sum(|job| job.pushed),
            held: sum(|job| job.held),
            failed: sum(|job| job.failed),
            requests: Requests { axerrio: sum(|job| job.requests.axerrio), komet: sum(|job| job.requests.komet) },
            causes,
        }
    }
}

/// `history show RUN --format json`: the keys of `sync`, and what only the history knows.
#[derive(Debug, Serialize)]
pub struct RunStory {
    /// Its id.
    pub run: String,
    /// What started it.
    pub trigger: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many quiet runs before it this one stands for.
    pub repeats: u32,
    /// When the first of them started.
    pub first_started_at: DateTime<Utc>,
    /// What each job reported.
    pub jobs: Vec<JobReport>,
    /// What happened, in order.
    pub actions: Vec<Happened>,
    /// The day's quota when it ended.
    pub quota: Option<QuotaReport>,
}

/// One thing that happened in a run: a push and what became of it, or a hold.
#[derive(Debug, Serialize)]
pub struct Happened {
    /// When.
    pub at: DateTime<Utc>,
    /// The order, where it is about one.
    pub order: Option<String>,
    /// Its key, for an address of it.
    #[serde(skip)]
    pub key: Option<OrderKey>,
    /// `null` for what stemsync decided by itself.
    pub system: Option<&'static str>,
    /// What was done: Komet's method or Axerrio's call, or `held` and the like.
    pub method: String,
    /// `null` where nothing was sent.
    pub result: Option<&'static str>,
    /// What exactly.
    pub detail: String,
}

impl RunLine {
    /// What came of it, in words.
    pub fn did(&self) -> String {
        let figures =
            [(self.changed, "changed"), (self.pushed, "pushed"), (self.held, "held"), (self.failed, "failed")];
        let figures = figures.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = figures.map(|(count, what)| format!("{count} {what}")).collect();
        words.extend(self.causes.iter().cloned());
        if words.is_empty() && self.finished_at.is_some() {
            words.push("nothing new".to_owned());
        }
        if self.repeats > 0 {
            words.push(format!("{} runs in a row", self.repeats + 1));
        }
        words.join(", ")
    }
}

/// The run of that id, or the `latest`.
pub fn story(conn: &Connection, reference: &str) -> Result<Option<RunStory>, StoreError> {
    let row = match reference {
        "latest" => runs::latest(conn)?,
        // Run ids are ULIDs, which may be typed in either case.
        id => match runs::get(conn, id)? {
            None => runs::get(conn, &id.to_uppercase())?,
            found => found,
        },
    };
    let Some(row) = row else { return Ok(None) };
    let mut actions = Vec::new();
    for event in events::for_run(conn, &row.id)? {
        actions.push(Happened::new(conn, event)?);
    }
    Ok(Some(RunStory {
        trigger: row.trigger,
        outcome: row.outcome,
        started_at: row.started_at,
        finished_at: row.finished_at,
        repeats: row.repeats,
        first_started_at: row.first_started_at,
        quota: row.report.as_ref().map(|report| report.quota),
        jobs: row.report.map(|report| report.jobs).unwrap_or_default(),
        run: row.id,
        actions,
    }))
}

impl Happened {
    /// Of an event on file.
    pub fn new(conn: &Connection, event: Event) -> Result<Self, StoreError> {
        let identity = match event.order {
            Some(key) => orders::identity(conn, key)?,
            None => None,
        };
        let name = identity.and_then(|order| order.ax_id.map(|id| id.0).or(order.reference.map(|r| r.0)));
        Ok(Self {
            at: event.at,
            order: name,
            key: event.order,
            system: event.system.map(crate::systems::System::name),
            method: event.what,
            result: event.result.map(crate::sync::report::ActionResult::name),
            detail: event.detail,
        })
    }
}
