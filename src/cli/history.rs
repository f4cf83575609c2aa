//! `history`: past runs, newest first, and one of them in detail. Quiet runs in a row stand on file as one, so that what
//! happened is not lost among what did not. Nothing is asked of either system.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::args::{HistoryAction, HistoryArgs};
use super::exit::Exit;
use super::look;
use super::output::{Cell, Output, Page, Report, Tone, relative};
use super::sync::jobs;
use crate::config::Config;
use crate::reports::words::deed;
use crate::store::events::{self, Event};
use crate::store::runs::{self, RunRow};
use crate::store::{Connection, StoreError, orders};
use crate::sync::report::{Job, JobReport, Outcome, QuotaReport, Requests};

/// `history --format json`.
#[derive(Debug, Serialize)]
struct HistoryReport {
    runs: Vec<RunLine>,
    /// Whose runs were asked for.
    #[serde(skip)]
    job: Option<Job>,
    #[serde(skip)]
    zone: Tz,
}

/// One run in a line, or several quiet ones in a row. Figures are those of the jobs asked for.
#[derive(Debug, Serialize)]
struct RunLine {
    run: String,
    trigger: String,
    /// `null` while it runs, and for ever if it broke off.
    outcome: Option<Outcome>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// How many quiet runs before it this line stands for, and when the first of them started.
    repeats: u32,
    first_started_at: DateTime<Utc>,
    jobs: Vec<Job>,
    polled: u64,
    changed: u64,
    pushed: u64,
    held: u64,
    failed: u64,
    requests: Requests,
}

impl RunLine {
    fn new(row: RunRow, only: Option<Job>) -> Self {
        let about: Vec<JobReport> = row.report.map(|report| report.jobs).unwrap_or_default();
        let about: Vec<JobReport> =
            about.into_iter().filter(|job| only.is_none_or(|only| job.job == only)).collect();
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
        }
    }
}

impl RunLine {
    /// What came of it, in words; a run's id leaves little room in 80 columns.
    fn did(&self) -> Cell {
        let figures =
            [(self.changed, "changed"), (self.pushed, "pushed"), (self.held, "held"), (self.failed, "failed")];
        let figures = figures.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = figures.map(|(count, what)| format!("{count} {what}")).collect();
        if words.is_empty() && self.finished_at.is_some() {
            words.push("nothing new".to_owned());
        }
        if self.repeats > 0 {
            words.push(format!("{} runs in a row", self.repeats + 1));
        }
        Cell::from(words.join(", "))
    }
}

/// `history show RUN --format json`: the keys of `sync`, and what only the history knows.
#[derive(Debug, Serialize)]
struct RunStory {
    run: String,
    trigger: String,
    outcome: Option<Outcome>,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    repeats: u32,
    first_started_at: DateTime<Utc>,
    jobs: Vec<JobReport>,
    actions: Vec<Happened>,
    quota: Option<QuotaReport>,
    #[serde(skip)]
    zone: Tz,
}

/// One thing that happened in a run: a push and what became of it, or a hold.
#[derive(Debug, Serialize)]
struct Happened {
    at: DateTime<Utc>,
    order: Option<String>,
    /// `null` for what stemsync decided by itself.
    system: Option<&'static str>,
    method: String,
    /// `null` where nothing was sent.
    result: Option<&'static str>,
    detail: String,
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
                store.read(move |conn| story(conn, &reference, zone)).await?
            }
            None => None,
        };
        let Some(story) = story else {
            output.print(&NoSuchRun { run: None, reference: &reference })?;
            return Ok(Exit::Attention);
        };
        output.print(&story)?;
        return Ok(Exit::Done);
    }
    let (job, limit) = (args.job, args.limit);
    let rows = match store {
        Some(store) => store.read(move |conn| runs::list(conn, job, limit)).await?,
        None => Vec::new(),
    };
    output.print(&HistoryReport {
        runs: rows.into_iter().map(|row| RunLine::new(row, job)).collect(),
        job,
        zone,
    })?;
    Ok(Exit::Done)
}

fn story(conn: &Connection, reference: &str, zone: Tz) -> Result<Option<RunStory>, StoreError> {
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
        zone,
    }))
}

impl Happened {
    fn new(conn: &Connection, event: Event) -> Result<Self, StoreError> {
        let identity = match event.order {
            Some(key) => orders::identity(conn, key)?,
            None => None,
        };
        let name = identity.and_then(|order| order.ax_id.map(|id| id.0).or(order.reference.map(|r| r.0)));
        Ok(Self {
            at: event.at,
            order: name,
            system: event.system.map(crate::systems::System::name),
            method: event.what,
            result: event.result.map(crate::sync::report::ActionResult::name),
            detail: event.detail,
        })
    }

    fn tone(&self) -> Tone {
        match (self.result, self.method.as_str()) {
            (Some("failed"), _) => Tone::Bad,
            (Some("adopted"), _) | (None, "held") => Tone::Waiting,
            _ => Tone::Plain,
        }
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
                [Cell::from(run.run.clone()), started.into(), outcome_cell(run.outcome), run.did()]
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

impl Report for RunStory {
    fn tell(&self, page: &mut Page) {
        let now = Utc::now();
        let ended = match self.outcome {
            Some(outcome) => outcome.name().to_owned(),
            None => "unfinished: it is going on, or it broke off".to_owned(),
        };
        let tone = match self.outcome {
            Some(Outcome::Ok) => Tone::Good,
            Some(Outcome::Attention) => Tone::Waiting,
            _ => Tone::Bad,
        };
        page.paragraph(tone, 2, &format!("Run {}, {}: {ended}", self.run, relative(self.started_at, now)));
        let took = self.finished_at.map(|at| format!(", took {} ms", (at - self.started_at).num_milliseconds()));
        let started = self.started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let took = took.unwrap_or_default();
        page.paragraph(Tone::Plain, 2, &format!("Started {started} by {}{took}.", self.trigger));
        if self.repeats > 0 {
            let first = self.first_started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let text =
                format!("It stands for {} runs in a row that found nothing, since {first}.", self.repeats + 1);
            page.paragraph(Tone::Plain, 2, &text);
        }
        if !self.jobs.is_empty() {
            page.gap();
            jobs(page, &self.jobs);
        }
        for job in &self.jobs {
            if let Some(error) = &job.error {
                page.paragraph(Tone::Bad, 2, &format!("{}: {error}", job.job.name()));
            }
        }
        if self.actions.is_empty() {
            return;
        }
        page.heading(&format!("What happened (times in {})", self.zone.name()));
        for action in &self.actions {
            let at = action.at.with_timezone(&self.zone).format("%H:%M:%S");
            let order = action.order.as_deref().unwrap_or("-");
            let result = action.result.map(|result| format!(" {result}")).unwrap_or_default();
            let text = format!("  {at}  {order}  {}{result}: {}", deed(&action.method), action.detail);
            page.paragraph(action.tone(), 12, &text);
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
