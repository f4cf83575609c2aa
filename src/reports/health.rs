//! Is all well, what waits, when does each job run: what `status` and the page tell. All of it stands in the database; no
//! system is asked.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

use super::budget::{self, BudgetReport};
use super::watermarks;
use crate::config::{Config, Schedule};
use crate::domain::Stage;
use crate::store::{Connection, StoreError, holds, intents, orders, quota, runs};
use crate::sync::end_of;
use crate::sync::report::{Job, QuotaReport};
use crate::sync::tell::some;
use crate::systems::System;

/// How late a scheduled job may be beyond the run it missed: a run that found much to do takes its time.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// How long after its last success a job is overdue where no daemon runs it: how often the timer or cron does is theirs to know.
const UNSCHEDULED: TimeDelta = TimeDelta::hours(2);

const HEALTHY: &str = "Healthy: nothing waits for a person, nothing failed.";
const NEVER_RAN: &str = "Nothing has run yet: `stemsync sync` makes a first run, `stemsync run` is the daemon.";
const FAILED: &str = "its last run failed";
const OVERDUE: &str = "it is overdue";
const AHEAD: &str = "its last run lies in the future";
const PAUSED: &str = "it waits until Komet's quota resets";

/// How it is, in the shape of `status --format json`.
#[derive(Debug, Serialize)]
pub struct Health {
    /// Nothing waits for a person, nothing failed, nothing is overdue.
    pub healthy: bool,
    /// The four, in a run's order.
    pub jobs: Vec<JobHealth>,
    /// Orders that the next run looks at.
    pub backlog: i64,
    /// What waits for a person.
    pub held: i64,
    /// Pushes that failed in each job's last run.
    pub failed: u64,
    /// Sent without an answer.
    pub unverified: usize,
    /// The day's requests.
    pub quota: QuotaReport,
    /// How far the quota reaches and what its budget decides; `null` before the first run.
    pub budget: Option<BudgetReport>,
    /// Why it is not healthy.
    #[serde(skip)]
    pub complaints: Vec<Complaint>,
    /// How many orders stand at each stage.
    #[serde(skip)]
    pub stages: Vec<(Stage, i64)>,
    /// The latest run has not ended: it goes on, or it broke off.
    #[serde(skip)]
    pub is_unfinished: bool,
}

/// One job.
#[derive(Clone, Debug, Serialize)]
pub struct JobHealth {
    /// Its name.
    pub job: &'static str,
    /// Its cron pattern.
    pub schedule: String,
    /// When it last finished, however it ended.
    pub last_run: Option<DateTime<Utc>>,
    /// When it last finished with both systems in reach.
    pub last_success: Option<DateTime<Utc>>,
    /// When it is due; `None` where it is off.
    pub next_run: Option<DateTime<Utc>>,
    /// Up to when it has read.
    pub watermark: Option<DateTime<Utc>>,
    /// What is wrong with it.
    #[serde(skip)]
    pub trouble: Option<&'static str>,
    /// Its last run.
    #[serde(skip)]
    pub run: Option<String>,
}

/// Something that keeps it from being healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// In few words: `3 held`.
    pub short: String,
    /// In a sentence that says what to do in the shell.
    pub text: String,
    /// What follows from it; empty where `short` says all.
    pub why: &'static str,
    /// Where in the page more of it stands.
    pub path: String,
}

/// What the database knows, before the clock and the configuration judge it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    jobs: Vec<KnownJob>,
    backlog: i64,
    held: i64,
    unverified: usize,
    /// The orders that these requests are for.
    in_doubt: Vec<String>,
    /// The day by Komet's clock, and the requests that were made on it.
    day: Option<NaiveDate>,
    used: u64,
    budget: Option<BudgetReport>,
    stages: Vec<(Stage, i64)>,
    is_unfinished: bool,
}

#[derive(Clone, Debug, Default)]
struct KnownJob {
    last: Option<runs::LastRun>,
    /// The last run's id.
    run: Option<String>,
    /// Whether a daemon made that run.
    is_scheduled: bool,
    /// Pushes that failed when it last ran.
    failed: u64,
    watermark: Option<DateTime<Utc>>,
}

/// What looking depends on beside the database.
#[derive(Clone, Debug)]
pub struct Scope {
    now: DateTime<Utc>,
    /// The Prebook windows of the horizon.
    windows: std::ops::RangeInclusive<i64>,
    /// What a request may take: a younger one may still be on its way.
    request: std::time::Duration,
    budget: budget::Scope,
    users: u32,
}

impl Scope {
    /// By this configuration.
    pub fn of(config: &Config, now: DateTime<Utc>) -> Self {
        Self {
            now,
            windows: config.horizon(now).windows(),
            request: config.komet.timeout.max(config.axerrio.timeout),
            budget: budget::scope(config, now),
            users: config.komet.users,
        }
    }
}

/// Looks at the database; no system is asked.
pub fn gather(conn: &Connection, scope: &Scope) -> Result<Known, StoreError> {
    let Scope { now, windows, request, .. } = scope;
    let mut jobs = Vec::new();
    for job in Job::ALL {
        // The newest run is the one going on, if one is: the one before it has the last word.
        let latest = runs::list(conn, Some(job), 1)?.pop();
        let reports = latest.iter().filter_map(|run| run.report.as_ref()).flat_map(|report| &report.jobs);
        let failed = reports.filter(|j| j.job == job).map(|j| j.failed).sum();
        jobs.push(KnownJob {
            last: runs::last(conn, job)?,
            is_scheduled: latest.as_ref().is_some_and(|run| run.trigger != "sync"),
            run: latest.map(|run| run.id),
            failed,
            watermark: watermarks::of_job(conn, job, windows)?,
        });
    }
    let is_unfinished = runs::latest(conn)?.is_some_and(|run| run.finished_at.is_none());
    let on_its_way = |intent: &intents::Intent| {
        is_unfinished
            && intent.doubt.is_none()
            && (*now - intent.sent.sent_at).to_std().is_ok_and(|age| age < *request)
    };
    let mut open = intents::list(conn)?;
    open.retain(|intent| !on_its_way(intent));
    let keys: BTreeSet<_> = open.iter().flat_map(|intent| &intent.sent.orders).copied().collect();
    let in_doubt = orders::names(conn, keys)?;
    let day = quota::day(conn, now.date_naive())?;
    Ok(Known {
        jobs,
        day: Some(day),
        backlog: orders::backlog(conn)?,
        held: holds::count(conn)?,
        unverified: open.len(),
        in_doubt,
        used: quota::used(conn, day)?,
        budget: Some(BudgetReport::of(conn, &scope.budget, scope.users)?),
        stages: orders::stage_counts(conn)?,
        is_unfinished,
    })
}

/// What that means, by the configuration and the clock.
pub fn judge(config: &Config, known: Known, now: DateTime<Utc>) -> Health {
    let zone = config.jobs.timezone;
    let is_paused = known.budget.as_ref().is_some_and(|budget| budget.paused);
    let jobs: Vec<_> = Job::ALL
        .into_iter()
        .zip(known.jobs.iter().cloned().chain(std::iter::repeat(KnownJob::default())))
        .map(|(job, known)| {
            let schedule = config.jobs.schedule(job);
            let last_success = known.last.and_then(|last| last.last_success);
            // The run after its last success is due; the one after that says that one was missed.
            let missed = last_success
                .and_then(|at| schedule.next_after(at, zone))
                .and_then(|due| schedule.next_after(due, zone))
                .is_some_and(|next| now > next + GRACE)
                && (known.is_scheduled || last_success.is_none_or(|at| now > at + UNSCHEDULED));
            let trouble = match known.last {
                Some(last) if !last.succeeded => Some(FAILED),
                // Until it ran by the clock as it is now nothing tells whether it missed a run.
                Some(last) if !matches!(schedule, Schedule::Off) && last.last_run > now + GRACE => Some(AHEAD),
                _ if missed && is_paused && job.polls() == System::Komet => Some(PAUSED),
                _ if missed => Some(OVERDUE),
                _ => None,
            };
            JobHealth {
                job: job.name(),
                schedule: schedule.text().to_owned(),
                last_run: known.last.map(|last| last.last_run),
                last_success,
                next_run: schedule.next_after(now, zone),
                watermark: known.watermark,
                trouble,
                run: known.run,
            }
        })
        .collect();
    let failed: u64 = known.jobs.iter().map(|job| job.failed).sum();
    let waiting = if is_paused { known.backlog } else { 0 };
    let complaints = complaints(&jobs, &known, failed, waiting);
    Health {
        healthy: complaints.is_empty(),
        jobs,
        backlog: known.backlog,
        held: known.held,
        failed,
        unverified: known.unverified,
        quota: QuotaReport {
            limit: config.komet.daily_limit(),
            used: known.used,
            resets_at: end_of(known.day.unwrap_or(now.date_naive())),
        },
        budget: known.budget,
        complaints,
        stages: known.stages,
        is_unfinished: known.is_unfinished,
    }
}

/// `waiting`: orders that wait because the day's quota is spent.
fn complaints(jobs: &[JobHealth], known: &Known, failed: u64, waiting: i64) -> Vec<Complaint> {
    let Known { held, unverified, .. } = *known;
    let mut complaints: Vec<_> = jobs
        .iter()
        .filter_map(|job| {
            let trouble = job.trouble?;
            let short = format!("{}: {trouble}", job.job);
            let text = match &job.run {
                Some(run) if trouble == FAILED => format!("{short}; `stemsync history show {run}` says why"),
                _ if trouble == PAUSED => short.clone(),
                _ if trouble == AHEAD => format!("{short}: the clock was set back since; a run puts that right"),
                _ => format!("{short}: is the service, the timer or the line for cron at work?"),
            };
            Some(Complaint { short, text, why: "", path: format!("/runs?job={}", job.job) })
        })
        .collect();
    let mut add = |short: String, more: &str, why: &'static str, path: &str| {
        complaints.push(Complaint { text: format!("{short}{more}"), short, why, path: path.to_owned() });
    };
    if held > 0 {
        let more = ": a person must decide; see `stemsync holds`";
        add(format!("{held} held"), more, "a person must decide", "/holds");
    }
    if failed > 0 {
        let more = "; tried again by the next";
        add(format!("{failed} failed in the last run"), more, "tried again by the next", "/runs/latest");
    }
    if unverified > 0 {
        let more = format!(" ({}): sent without an answer; the next run reads back", some(&known.in_doubt));
        let why = "sent without an answer, and read back by the next run";
        add(format!("{unverified} unverified"), &more, why, "/runs/latest");
    }
    if waiting > 0 {
        let more = ", and Komet is paused until its reset; see `stemsync status -v`";
        add(format!("{waiting} waiting for requests"), more, "Komet is paused until its reset", "/#budget");
    }
    complaints
}

impl Health {
    /// What is said when nothing is wrong; `holder` is the process that holds the run lock, if one does.
    pub fn well(&self, holder: Option<u32>) -> String {
        match holder.filter(|_| self.is_unfinished) {
            _ if self.jobs.iter().any(|job| job.last_run.is_some()) => HEALTHY.to_owned(),
            Some(process) => {
                format!("The first run is going on (process {process}); how it went is told once it has ended.")
            }
            None => NEVER_RAN.to_owned(),
        }
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        if self.healthy {
            return HEALTHY.to_owned();
        }
        let shorts: Vec<_> = self.complaints.iter().map(|complaint| complaint.short.as_str()).collect();
        format!("Needs a look: {}.", shorts.join(", "))
    }
}
