//! `status`: is all well, what waits, when does each job run, as `reports::health` finds it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::budget;
use super::exit::Exit;
use super::look;
use super::output::{Cell, Output, Page, Report, Tone, relative};
use crate::config::Config;
use crate::reports::health::{self, Health, Known, Scope};
use crate::store::{DaemonLock, LockHolder, RunLock};
use crate::sync::report::QuotaReport;

/// What is drawn.
#[derive(Serialize)]
#[serde(transparent)]
struct StatusReport<'h> {
    health: &'h Health,
    #[serde(skip)]
    verbose: bool,
    #[serde(skip)]
    now: DateTime<Utc>,
    /// Who took the run lock last, if that process is there still.
    #[serde(skip)]
    holder: Option<u32>,
    /// A daemon is there, which runs each job by its schedule.
    #[serde(skip)]
    is_scheduled: bool,
}

/// Carries `status` out.
pub(super) async fn run(config: &Config, output: Output, verbose: bool) -> anyhow::Result<Exit> {
    let now = Utc::now();
    let known = match look(config)? {
        Some(store) => {
            let scope = Scope::of(config, now);
            store.read(move |conn| health::gather(conn, &scope)).await?
        }
        None => Known::default(),
    };
    let health = health::judge(config, known, now);
    let holder = RunLock::holder(&config.state.path).filter(LockHolder::is_there).map(|holder| holder.pid);
    let is_scheduled = DaemonLock::holder(&config.state.path).is_some_and(|daemon| daemon.is_there());
    output.print(&StatusReport { health: &health, verbose, now, holder, is_scheduled })?;
    Ok(if health.healthy { Exit::Done } else { Exit::Attention })
}

impl Report for StatusReport<'_> {
    fn tell(&self, page: &mut Page) {
        let health = self.health;
        if health.healthy {
            page.paragraph(Tone::Good, 0, &health.well(self.holder));
        } else {
            page.paragraph(Tone::Bad, 0, "Needs a look:");
            for complaint in &health.complaints {
                page.paragraph(Tone::Waiting, 4, &format!("  - {}", complaint.text));
            }
        }
        page.gap();
        let time = |at: Option<DateTime<Utc>>, none: &str| match at {
            None => Cell::new(none, Tone::Faint),
            Some(at) if page.is_drawn() => relative(at, self.now).into(),
            Some(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
        };
        let rows = health.jobs.iter().map(|job| {
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
        if page.is_drawn() && !self.is_scheduled {
            let text = "No daemon runs here: NEXT RUN is when one would run it. A timer or cron has a schedule of its own.";
            page.paragraph(Tone::Faint, 0, text);
        }
        page.gap();
        let stages = health.stages.iter().map(|(stage, count)| format!("{count} {}", stage.name()));
        let stages: Vec<_> = stages.collect();
        let stages = if stages.is_empty() { "none yet".to_owned() } else { stages.join(", ") };
        page.paragraph(Tone::Plain, 10, &format!("Orders:   {stages}"));
        page.paragraph(Tone::Plain, 10, &format!("Backlog:  {} to be looked at by the next run", health.backlog));
        let QuotaReport { limit, used, resets_at } = health.quota;
        let reset = relative(resets_at, self.now);
        page.paragraph(Tone::Plain, 10, &format!("Quota:    {used} of {limit} requests used, resets {reset}"));
        let Some(budget) = &health.budget else { return };
        if let Some(warning) = budget.warning() {
            page.paragraph(Tone::Waiting, 10, &format!("          {warning}"));
        }
        if self.verbose {
            budget::tell(budget, page, self.now);
        }
    }
}
