//! `watermark`: up to when each job has read, and reading again from an earlier moment. A watermark is never set
//! forward: it would pass changes that nobody has stored (product.md, "Never").

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;

use super::args::{WatermarkAction, WatermarkArgs};
use super::exit::{Exit, WrongUsage};
use super::output::{Cell, Output, Page, Report, Tone, relative};
use super::{change, look};
use crate::config::Config;
use crate::domain::dates_of;
use crate::reports::watermarks::{parts, stream};
use crate::store::watermarks::{self, Watermark};
use crate::sync::report::Job;

/// `watermark --format json`.
#[derive(Debug, Serialize)]
struct WatermarksReport {
    watermarks: Vec<JobWatermark>,
}

/// One job's.
#[derive(Debug, Serialize)]
struct JobWatermark {
    job: &'static str,
    /// The oldest window's, where there are windows; `null` if nothing was read.
    watermark: Option<DateTime<Utc>>,
    /// Prebooks only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<WindowWatermark>,
}

/// One window of ship dates.
#[derive(Debug, Serialize)]
struct WindowWatermark {
    from: NaiveDate,
    to: NaiveDate,
    watermark: DateTime<Utc>,
    /// When it was last read in full.
    full_at: Option<DateTime<Utc>>,
}

impl WindowWatermark {
    fn new(part: i64, mark: &Watermark) -> Self {
        let (from, to) = dates_of(part);
        Self { from, to, watermark: mark.at, full_at: mark.full_at }
    }
}

impl Report for WatermarksReport {
    fn tell(&self, page: &mut Page) {
        let now = Utc::now();
        let row = |what: String, at: Option<DateTime<Utc>>| {
            let (time, ago) = match at {
                Some(at) => (at.to_rfc3339_opts(SecondsFormat::Secs, true), relative(at, now)),
                None => ("never read".to_owned(), String::new()),
            };
            [what.into(), Cell::from(time), Cell::new(ago, Tone::Faint)]
        };
        let mut rows = Vec::new();
        for job in &self.watermarks {
            rows.push(row(job.job.to_owned(), job.watermark));
            for window in &job.windows {
                rows.push(row(format!("  {} to {}", window.from, window.to), Some(window.watermark)));
            }
        }
        page.table(["JOB", "READ UP TO", ""], rows);
    }
}

/// Carries `watermark` out.
pub(super) async fn run(config: &Config, output: Output, args: &WatermarkArgs) -> anyhow::Result<Exit> {
    let shown = match args.action {
        None => args.job,
        Some(WatermarkAction::Show { job }) => job,
        Some(WatermarkAction::Set { job, at }) => {
            let now = Utc::now();
            let at = at.resolve(now, config.jobs.timezone).filter(|at| *at <= now).ok_or_else(|| {
                WrongUsage("that moment is yet to come, and a watermark is only ever set back: changes before it would never be read".to_owned())
            })?;
            set(config, output, job, at).await?;
            Some(job)
        }
        Some(WatermarkAction::Reset { job }) => {
            let (store, _lock) = change(config, output).await?;
            store.write(move |conn| watermarks::reset(conn, stream(job))).await?;
            Some(job)
        }
    };
    show(config, output, shown).await?;
    Ok(Exit::Done)
}

/// Sets what was read after `at` back to it; parts that stand before it keep what they have.
async fn set(config: &Config, output: Output, job: Job, at: DateTime<Utc>) -> anyhow::Result<()> {
    let (store, _lock) = change(config, output).await?;
    let (known, moved) = store
        .write(move |conn| {
            let known = watermarks::list(conn, stream(job))?;
            let later: Vec<_> = known.iter().filter(|(_, mark)| mark.at > at).collect();
            for (part, _) in &later {
                watermarks::set(conn, stream(job), *part, at)?;
            }
            Ok((known.iter().map(|(_, mark)| mark.at).max(), later.len()))
        })
        .await?;
    match known {
        None => Err(WrongUsage(format!("{} was never read: the next run reads everything", job.name())).into()),
        Some(latest) if moved == 0 && latest < at => {
            let latest = latest.to_rfc3339_opts(SecondsFormat::Secs, true);
            let why = "a watermark is only set back, for what changed in between would never be read";
            Err(WrongUsage(format!("{} has read up to {latest} only: {why}", job.name())).into())
        }
        Some(_) => Ok(()),
    }
}

async fn show(config: &Config, output: Output, job: Option<Job>) -> anyhow::Result<()> {
    let jobs = job.map_or(Job::ALL.to_vec(), |job| vec![job]);
    let windows = config.horizon(Utc::now()).windows();
    let all: Vec<(Job, Vec<(i64, Watermark)>)> = match look(config)? {
        None => jobs.into_iter().map(|job| (job, Vec::new())).collect(),
        Some(store) => {
            store
                .read(move |conn| jobs.into_iter().map(|job| Ok((job, parts(conn, job, &windows)?))).collect())
                .await?
        }
    };
    let told = all.into_iter().map(|(job, parts)| JobWatermark {
        job: job.name(),
        watermark: parts.iter().map(|(_, mark)| mark.at).min(),
        windows: match job {
            Job::Prebooks => parts.iter().map(|(part, mark)| WindowWatermark::new(*part, mark)).collect(),
            _ => Vec::new(),
        },
    });
    output.print(&WatermarksReport { watermarks: told.collect() })
}
