//! `history`: past runs, newest first, and one of them in detail. Quiet runs in a row stand on file as one, so that what
//! happened is not lost among what did not. Nothing is asked of either system.

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

use super::args::{HistoryAction, HistoryArgs};
use super::exit::Exit;
use super::look;
use super::output::{Cell, Output, Page, Report, Tone, relative};
use super::sync::jobs;
use crate::config::Config;
use crate::domain::Zone;
use crate::reports::runs::{self, Happened, RunLine, RunStory};
use crate::reports::words::deed;
use crate::store::runs::list;
use crate::sync::report::{Job, Outcome};

/// `history --format json`.
#[derive(Debug, Serialize)]
struct HistoryReport {
    runs: Vec<RunLine>,
    /// Whose runs were asked for.
    #[serde(skip)]
    job: Option<Job>,
    #[serde(skip)]
    zone: Zone,
}

/// One run, drawn.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown<'s> {
    story: &'s RunStory,
    #[serde(skip)]
    zone: Zone,
}

/// No such run.
#[derive(Debug, Serialize)]
struct NoSuchRun<'a> {
    run: Option<()>,
    reference: &'a str,
}

/// Carries `history` out.
pub(super) async fn run(config: &Config, output: Output, args: &HistoryArgs) -> anyhow::Result<Exit> {
    let zone = config.jobs.timezone;
    let store = look(config)?;
    if let Some(HistoryAction::Show { run }) = &args.action {
        let reference = run.trim().to_owned();
        let story = match store {
            Some(store) => {
                let reference = reference.clone();
                store.read(move |conn| runs::story(conn, &reference)).await?
            }
            None => None,
        };
        let Some(story) = story else {
            output.print(&NoSuchRun { run: None, reference: &reference })?;
            return Ok(Exit::Attention);
        };
        output.print(&Shown { story: &story, zone })?;
        return Ok(Exit::Done);
    }
    let (job, limit) = (args.job, args.limit);
    let rows = match store {
        Some(store) => store.read(move |conn| list(conn, job, limit)).await?,
        None => Vec::new(),
    };
    output.print(&HistoryReport {
        runs: rows.into_iter().map(|row| RunLine::new(row, job)).collect(),
        job,
        zone,
    })?;
    Ok(Exit::Done)
}

fn tone_of(action: &Happened) -> Tone {
    match (action.result, action.method.as_str()) {
        (Some("failed"), _) => Tone::Bad,
        (Some("adopted"), _) | (None, "held") => Tone::Waiting,
        _ => Tone::Plain,
    }
}

fn outcome_cell(outcome: Option<Outcome>) -> Cell {
    match outcome {
        Some(outcome @ Outcome::Ok) => Cell::new(outcome.name(), Tone::Good),
        Some(outcome @ Outcome::Attention) => Cell::new(outcome.name(), Tone::Waiting),
        Some(outcome) => Cell::new(outcome.name(), Tone::Bad),
        None => Cell::new("unfinished", Tone::Bad),
    }
}

impl Report for HistoryReport {
    fn tell(&self, page: &mut Page) {
        if self.runs.is_empty() {
            let (of, name) = self.job.map_or(("", ""), |job| (" of ", job.name()));
            let how = if name.is_empty() { "sync".to_owned() } else { format!("sync {name}") };
            let text = format!("No run{of}{name} is on file yet. `stemsync {how}` makes one.");
            return page.paragraph(Tone::Plain, 0, &text);
        }
        if page.is_drawn() {
            let rows = self.runs.iter().map(|run| {
                let started = run.started_at.with_timezone(&self.zone).format("%b %d %H:%M").to_string();
                [Cell::from(run.run.clone()), started.into(), outcome_cell(run.outcome), Cell::from(run.did())]
            });
            return page.table(["RUN", "STARTED", "OUTCOME", "WHAT"], rows.collect());
        }
        let rows = self.runs.iter().map(|run| {
            [
                Cell::from(run.run.clone()),
                run.started_at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
                outcome_cell(run.outcome),
                run.changed.to_string().into(),
                run.pushed.to_string().into(),
                run.held.to_string().into(),
                run.failed.to_string().into(),
                (run.repeats + 1).to_string().into(),
            ]
        });
        let header = ["RUN", "STARTED", "OUTCOME", "CHANGED", "PUSHED", "HELD", "FAILED", "RUNS"];
        page.table(header, rows.collect());
    }
}

impl Report for Shown<'_> {
    fn tell(&self, page: &mut Page) {
        let Self { story, zone } = self;
        let now = Utc::now();
        let ended = match story.outcome {
            Some(outcome) => outcome.name().to_owned(),
            None => "unfinished: it is going on, or it broke off".to_owned(),
        };
        let tone = match story.outcome {
            Some(Outcome::Ok) => Tone::Good,
            Some(Outcome::Attention) => Tone::Waiting,
            _ => Tone::Bad,
        };
        page.paragraph(tone, 2, &format!("Run {}, {}: {ended}", story.run, relative(story.started_at, now)));
        let took = story.finished_at.map(|at| format!(", took {} ms", (at - story.started_at).num_milliseconds()));
        let started = story.started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let took = took.unwrap_or_default();
        page.paragraph(Tone::Plain, 2, &format!("Started {started} by {}{took}.", story.trigger));
        if story.repeats > 0 {
            let first = story.first_started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let text =
                format!("It stands for {} runs in a row that found nothing, since {first}.", story.repeats + 1);
            page.paragraph(Tone::Plain, 2, &text);
        }
        if !story.jobs.is_empty() {
            page.gap();
            jobs(page, &story.jobs);
        }
        for job in &story.jobs {
            if let Some(error) = &job.error {
                page.paragraph(Tone::Bad, 2, &format!("{}: {error}", job.job.name()));
            }
        }
        if story.actions.is_empty() {
            return;
        }
        page.heading(&format!("What happened (times in {})", zone.name()));
        for action in &story.actions {
            let at = action.at.with_timezone(zone).format("%H:%M:%S");
            let order = action.order.as_deref().unwrap_or("-");
            let result = action.result.map(|result| format!(" {result}")).unwrap_or_default();
            let text = format!("  {at}  {order}  {}{result}: {}", deed(&action.method), action.detail);
            page.paragraph(tone_of(action), 12, &text);
        }
    }
}

impl Report for NoSuchRun<'_> {
    fn tell(&self, page: &mut Page) {
        let text = format!(
            "There is no run {:?} on file. Of quiet runs in a row only the last is kept; finished runs go after the \
             retention time. `stemsync history` lists what there is.",
            self.reference
        );
        page.paragraph(Tone::Plain, 2, &text);
    }
}
