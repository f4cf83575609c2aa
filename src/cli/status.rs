//! `status`: is all well, what waits, when does each job run. All of it stands in the database; no system is asked.

use chrono::{DateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::budget::{self, BudgetReport};
use super::exit::Exit;
use super::look;
use super::output::{Cell, Output, Page, Report, Tone, relative};
use super::watermark::{of_job, windows};
use crate::config::Config;
use crate::domain::Stage;
use crate::store::{Connection, StoreError, holds, intents, orders, quota, runs};
use crate::sync::report::{Job, QuotaReport};

/// How late a scheduled job may be beyond the run it missed: a run that found much to do takes its time.
const GRACE: TimeDelta = TimeDelta::minutes(10);

/// `status --format json`.
#[derive(Debug, Serialize)]
struct StatusReport {
    healthy: bool,
    jobs: Vec<JobStatus>,
    backlog: i64,
    held: i64,
    failed: u64,
    unverified: usize,
    quota: QuotaReport,
    /// How far the quota reaches and what its budget decides; `null` before the first run.
    budget: Option<BudgetReport>,
    #[serde(skip)]
    verbose: bool,
    #[serde(skip)]
    complaints: Vec<String>,
    #[serde(skip)]
    stages: Vec<(Stage, i64)>,
    #[serde(skip)]
    now: DateTime<Utc>,
}

/// One job.
#[derive(Debug, Serialize)]
struct JobStatus {
    job: &'static str,
    schedule: String,
    last_run: Option<DateTime<Utc>>,
    last_success: Option<DateTime<Utc>>,
    next_run: Option<DateTime<Utc>>,
    watermark: Option<DateTime<Utc>>,
    #[serde(skip)]
    trouble: Option<&'static str>,
}

/// What the database knows.
#[derive(Default)]
struct Known {
    jobs: Vec<KnownJob>,
    backlog: i64,
    held: i64,
    unverified: usize,
    used: u64,
    budget: Option<BudgetReport>,
    stages: Vec<(Stage, i64)>,
}

#[derive(Clone, Copy, Default)]
struct KnownJob {
    last: Option<runs::LastRun>,
    /// Pushes that failed when it last ran.
    failed: u64,
    watermark: Option<DateTime<Utc>>,
}

/// Carries `status` out.
pub(super) async fn run(config: &Config, output: Output, verbose: bool) -> anyhow::Result<Exit> {
    let now = Utc::now();
    let windows = windows(now, config.jobs.timezone, config.sync.horizon_days);
    // A request younger than this may still be on its way, if a run is going on.
    let request = config.komet.timeout.max(config.axerrio.timeout);
    let known = match look(config)? {
        Some(store) => {
            let (scope, users) = (budget::scope(config, now), config.komet.users);
            let gathered = move |conn: &Connection| {
                let budget = Some(BudgetReport::of(conn, &scope, users)?);
                Ok(Known { budget, ..gather(conn, now, &windows, request)? })
            };
            store.read(gathered).await?
        }
        None => Known { jobs: vec![KnownJob::default(); Job::ALL.len()], ..Known::default() },
    };
    let report = StatusReport { verbose, ..judge(config, known, now) };
    output.print(&report)?;
    Ok(if report.healthy { Exit::Done } else { Exit::Attention })
}

fn gather(
    conn: &Connection,
    now: DateTime<Utc>,
    windows: &std::ops::RangeInclusive<i64>,
    request: std::time::Duration,
) -> Result<Known, StoreError> {
    let mut jobs = Vec::new();
    for job in Job::ALL {
        // The newest run is the one going on, if one is: the one before it has the last word.
        let latest = runs::list(conn, Some(job), 1)?.pop().and_then(|run| run.report);
        let failed =
            latest.iter().flat_map(|report| &report.jobs).filter(|j| j.job == job).map(|j| j.failed).sum();
        jobs.push(KnownJob { last: runs::last(conn, job)?, failed, watermark: of_job(conn, job, windows)? });
    }
    let is_running = runs::latest(conn)?.is_some_and(|run| run.finished_at.is_none());
    let on_its_way = |intent: &intents::Intent| {
        is_running && intent.doubt.is_none() && (now - intent.sent.sent_at).to_std().is_ok_and(|age| age < request)
    };
    Ok(Known {
        jobs,
        backlog: orders::backlog(conn)?,
        held: holds::count(conn)?,
        unverified: intents::list(conn)?.iter().filter(|intent| !on_its_way(intent)).count(),
        used: quota::used(conn, now.date_naive())?,
        budget: None,
        stages: orders::stage_counts(conn)?,
    })
}

fn judge(config: &Config, known: Known, now: DateTime<Utc>) -> StatusReport {
    let zone = config.jobs.timezone;
    let jobs: Vec<_> = Job::ALL
        .into_iter()
        .zip(&known.jobs)
        .map(|(job, known)| {
            let schedule = config.jobs.schedule(job);
            let success = known.last.and_then(|last| last.last_success);
            // The run after its last success is due; the one after that says that one was missed.
            let missed = success
                .and_then(|at| schedule.next_after(at, zone))
                .and_then(|due| schedule.next_after(due, zone))
                .is_some_and(|next| now > next + GRACE);
            let trouble = match known.last {
                Some(last) if success.is_none_or(|at| at < last.last_run) => Some("its last run failed"),
                _ if missed => Some("it is overdue"),
                _ => None,
            };
            JobStatus {
                job: job.name(),
                schedule: schedule.text().to_owned(),
                last_run: known.last.map(|last| last.last_run),
                last_success: success,
                next_run: schedule.next_after(now, zone),
                watermark: known.watermark,
                trouble,
            }
        })
        .collect();
    let failed: u64 = known.jobs.iter().map(|job| job.failed).sum();
    let mut complaints: Vec<_> = jobs
        .iter()
        .filter_map(|job| {
            job.trouble.map(|trouble| format!("{}: {trouble}; `stemsync sync {}` says why", job.job, job.job))
        })
        .collect();
    if known.held > 0 {
        complaints.push(format!("{} held: a person must decide; see `stemsync holds`", known.held));
    }
    if failed > 0 {
        complaints.push(format!("{failed} failed in the last run, and are tried again by the next"));
    }
    if known.unverified > 0 {
        complaints
            .push(format!("{} unverified: sent without an answer; the next run reads back", known.unverified));
    }
    let tomorrow = now.date_naive().succ_opt().unwrap_or(now.date_naive()).and_time(NaiveTime::MIN).and_utc();
    StatusReport {
        healthy: complaints.is_empty(),
        jobs,
        backlog: known.backlog,
        held: known.held,
        failed,
        unverified: known.unverified,
        // Komet's day is UTC's (komet-api.md, assumed).
        quota: QuotaReport { limit: config.komet.daily_limit(), used: known.used, resets_at: tomorrow },
        budget: known.budget,
        verbose: false,
        complaints,
        stages: known.stages,
        now,
    }
}

impl Report for StatusReport {
    fn tell(&self, page: &mut Page) {
        if self.healthy {
            page.paragraph(Tone::Good, 0, "Healthy: nothing waits, nothing failed.");
        } else {
            page.paragraph(Tone::Bad, 0, "Needs a look:");
            for complaint in &self.complaints {
                page.paragraph(Tone::Waiting, 4, &format!("  - {complaint}"));
            }
        }
        page.gap();
        let time = |at: Option<DateTime<Utc>>, none: &str| match at {
            None => Cell::new(none, Tone::Faint),
            Some(at) if page.is_drawn() => relative(at, self.now).into(),
            Some(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
        };
        let rows = self.jobs.iter().map(|job| {
            let tone = if job.trouble.is_some() { Tone::Bad } else { Tone::Plain };
            [
                Cell::new(job.job, tone),
                time(job.last_run, "never"),
                time(job.last_success, "never"),
                time(job.next_run, "off"),
                time(job.watermark, "nothing"),
                job.schedule.clone().into(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        page.table(["JOB", "LAST RUN", "LAST OK", "NEXT RUN", "READ TO", "SCHEDULE"], rows);
        page.gap();
        let stages = self.stages.iter().map(|(stage, count)| format!("{count} {}", stage.name()));
        let stages: Vec<_> = stages.collect();
        let stages = if stages.is_empty() { "none yet".to_owned() } else { stages.join(", ") };
        page.paragraph(Tone::Plain, 10, &format!("Orders:   {stages}"));
        page.paragraph(Tone::Plain, 10, &format!("Backlog:  {} to be looked at by the next run", self.backlog));
        let QuotaReport { limit, used, resets_at } = self.quota;
        let reset = relative(resets_at, self.now);
        page.paragraph(Tone::Plain, 10, &format!("Quota:    {used} of {limit} requests used, resets {reset}"));
        let Some(budget) = &self.budget else { return };
        if let Some(warning) = budget.warning() {
            page.paragraph(Tone::Waiting, 10, &format!("          {warning}"));
        }
        if self.verbose {
            budget.tell(page, self.now);
        }
    }
}
