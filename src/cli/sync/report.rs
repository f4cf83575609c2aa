//! What `sync` tells: in JSON the run's report as interface.md has it; for people a line a job, then what was done,
//! what waits, the quota, and what to do next.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::output::{Cell, Page, Report, Tone, relative};
use crate::reports::story::SEARCHED;
use crate::reports::words::deed;
use crate::store::LockHolder;
use crate::sync::RunEnd;
use crate::sync::report::{ActionReport, ActionResult, JobReport, Outcome, QuotaReport, RunReport};
use crate::systems::{Fault, SystemError};

/// Actions that are told one by one; JSON has them all.
const TOLD: usize = 20;

/// A run that ended.
#[derive(Debug, Serialize)]
pub(super) struct SyncReport<'e> {
    #[serde(flatten)]
    run: &'e RunReport,
    /// With `--order` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    #[serde(skip)]
    down: &'e [SystemError],
    #[serde(skip)]
    stopped: bool,
    #[serde(skip)]
    simulated: bool,
}

/// What `--order` asked for.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    reference: String,
    pub(super) found: bool,
    /// Where it was looked for.
    searched: [&'static str; 5],
}

impl Asked {
    pub(super) fn new(reference: &str, named: usize) -> Self {
        Self { reference: reference.to_owned(), found: named > 0, searched: SEARCHED }
    }
}

impl<'e> SyncReport<'e> {
    pub(super) fn new(end: &'e RunEnd, asked: Option<Asked>, simulated: bool) -> Self {
        Self { run: &end.report, asked, down: &end.down, stopped: end.stopped, simulated }
    }
}

impl Report for SyncReport<'_> {
    fn tell(&self, page: &mut Page) {
        jobs(page, &self.run.jobs);
        for job in &self.run.jobs {
            if let Some(error) = &job.error {
                page.paragraph(Tone::Bad, 2, &format!("{}: {error}", job.job.name()));
            }
        }
        let told = |result| self.run.actions.iter().filter(move |a| a.result == result).collect::<Vec<_>>();
        let on_file = format!("`stemsync history show {}`", self.run.run);
        actions(page, "Done", Tone::Plain, &told(ActionResult::Done), &on_file);
        actions(page, "Found done on reading back", Tone::Plain, &told(ActionResult::Adopted), &on_file);
        // A dry run is on no file.
        actions(page, "Would be done", Tone::Plain, &told(ActionResult::Planned), "`--format json`");
        actions(page, "Failed", Tone::Bad, &told(ActionResult::Failed), &on_file);
        let held = told(ActionResult::Held);
        held_now(page, &held);
        page.gap();
        quota(page, &self.run.quota, self.run.finished_at);
        let (tone, text) = self.verdict(&held);
        page.paragraph(tone, 0, &text);
        let is_found = self.asked.as_ref().is_none_or(|asked| asked.found);
        if self.simulated && is_found && !self.run.dry_run && self.run.outcome != Outcome::Failed {
            let text = "In the sandbox people approve, print and ship once a minute: the next run after that finds \
                        their work.";
            page.paragraph(Tone::Faint, 0, text);
        }
    }
}

impl SyncReport<'_> {
    /// How it ended, and what to do next.
    fn verdict(&self, held: &[&ActionReport]) -> (Tone, String) {
        let run = self.run;
        let unknown = self.asked.as_ref().filter(|asked| !asked.found);
        if !self.down.is_empty() {
            // What could not be read may have named it.
            let unknown = unknown.map(|asked| format!("No order on file is called {:?}. ", asked.reference));
            return (Tone::Bad, unknown.unwrap_or_default() + advice(self.down).as_str());
        }
        if let Some(asked) = unknown {
            let places = asked.searched.join(", ");
            let text =
                format!("No order is called {:?}, and nothing was pushed. Searched: {places}.", asked.reference);
            return (Tone::Bad, text);
        }
        if self.stopped {
            return (Tone::Waiting, "Stopped by a signal. The next run goes on where this one left.".to_owned());
        }
        let failed: u64 = run.jobs.iter().map(|job| job.failed).sum();
        match run.outcome {
            Outcome::Failed => (Tone::Bad, "Not done: see the errors above. The next run tries again.".to_owned()),
            _ if failed > 0 => {
                (Tone::Bad, "Some things failed, see above. The next run tries them again.".to_owned())
            }
            _ if run.dry_run => match run.actions.iter().filter(|a| a.result == ActionResult::Planned).count() {
                0 if held.is_empty() && run.outcome == Outcome::Ok => {
                    (Tone::Good, "A dry run: there is nothing to push.".to_owned())
                }
                0 if held.is_empty() => (
                    Tone::Waiting,
                    "A dry run: there is nothing to push. Something waits from before: see `stemsync holds` and \
                     `stemsync status`."
                        .to_owned(),
                ),
                0 => {
                    (Tone::Waiting, "A dry run: what is held would wait for a person, the rest agrees.".to_owned())
                }
                _ => (
                    Tone::Plain,
                    "A dry run: nothing was written. `stemsync sync` does it, and what only the answers lead to, such \
                     as the POs of new mixed boxes."
                        .to_owned(),
                ),
            },
            Outcome::Attention if held.is_empty() => (
                Tone::Waiting,
                "Something waits from before: see `stemsync holds` and `stemsync status`.".to_owned(),
            ),
            Outcome::Attention => (
                Tone::Waiting,
                "What is held waits for a person: see `stemsync holds`. Everything else went on.".to_owned(),
            ),
            _ if self.asked.is_some() => {
                let done = if run.actions.is_empty() { "Nothing to do for this order" } else { "Done" };
                (Tone::Good, format!("{done}: both systems agree on it. Others were read, not pushed."))
            }
            _ if run.actions.is_empty() => (Tone::Good, "Nothing to do: both systems agree.".to_owned()),
            _ => (Tone::Good, "Done, and nothing waits for a person.".to_owned()),
        }
    }
}

/// What to do about systems that are out of reach.
fn advice(down: &[SystemError]) -> String {
    let mut told: Vec<String> = down.iter().map(what_to_do).collect();
    if !down.iter().all(|error| matches!(error.fault, Fault::QuotaSpent(_))) {
        told.push("Nothing is lost: the next run goes on. `stemsync check` tells more.".to_owned());
    }
    told.join(" ")
}

/// What to do about one system that failed as a whole.
pub(in crate::cli) fn what_to_do(error: &SystemError) -> String {
    let system = error.system.title();
    let section = error.system.name();
    match &error.fault {
        Fault::Unauthorized(_) => {
            format!(
                "{system} refuses the token for {}: see that it may use that, and that [{section}] token is the right one.",
                error.method
            )
        }
        Fault::QuotaSpent(_) => {
            "Komet's quota of the day is spent. What is left is done after it resets.".to_owned()
        }
        Fault::Throttled(wait) => format!("{system} asks to wait {} s.", wait.as_secs()),
        Fault::Uncounted(_) => {
            format!("{system} was not asked: see what is wrong with the database, where its requests are counted.")
        }
        Fault::NoSuchAddress(_) => format!("{system}: {}.", error.fault),
        _ => format!("{system} cannot be reached: check [{section}] base_url and the network."),
    }
}

/// One row a job: how it ended, and its figures.
pub(in crate::cli) fn jobs(page: &mut Page, jobs: &[JobReport]) {
    let number =
        |number: u64, tone: Tone| Cell::new(number.to_string(), if number == 0 { Tone::Faint } else { tone });
    let rows = jobs.iter().map(|job| {
        let tone = match job.outcome {
            Outcome::Ok => Tone::Good,
            Outcome::Attention => Tone::Waiting,
            Outcome::Busy | Outcome::Failed => Tone::Bad,
        };
        [
            job.job.name().into(),
            Cell::new(job.outcome.name(), tone),
            number(job.polled, Tone::Plain),
            number(job.changed, Tone::Plain),
            number(job.pushed, Tone::Plain),
            number(job.held, Tone::Waiting),
            number(job.failed, Tone::Bad),
            number(job.requests.axerrio + job.requests.komet, Tone::Plain),
        ]
    });
    let header = ["JOB", "OUTCOME", "POLLED", "CHANGED", "PUSHED", "HELD", "FAILED", "REQUESTS"];
    page.table(header, rows.collect());
}

/// `whole`: what lists all of them, where there are too many.
fn actions(page: &mut Page, title: &str, tone: Tone, actions: &[&ActionReport], whole: &str) {
    if actions.is_empty() {
        return;
    }
    page.heading(&format!("{title} ({})", actions.len()));
    // Orders travel side by side; told one after the other each is a story.
    let mut actions = actions.to_vec();
    actions.sort_by(|a, b| a.order.cmp(&b.order));
    let rows = actions.iter().take(TOLD).map(|action| {
        [
            Cell::new(action.order.clone().unwrap_or_default(), tone),
            action.system.title().into(),
            deed(&action.method).into(),
            action.detail.clone().into(),
        ]
    });
    page.table(["ORDER", "IN", "WHAT", "DETAIL"], rows.collect());
    if actions.len() > TOLD {
        let text = format!("… and {} more; {whole} lists them all", actions.len() - TOLD);
        page.paragraph(Tone::Faint, 0, &text);
    }
}

fn held_now(page: &mut Page, held: &[&ActionReport]) {
    if held.is_empty() {
        return;
    }
    page.heading(&format!("Held now ({})", held.len()));
    for action in held.iter().take(TOLD) {
        let about = action.order.as_ref().map(|order| format!("{order}, ")).unwrap_or_default();
        page.paragraph(Tone::Waiting, 2, &format!("{about}{}", action.method));
        page.paragraph(Tone::Plain, 2, &format!("  {}", action.detail));
    }
    if held.len() > TOLD {
        page.paragraph(
            Tone::Faint,
            0,
            &format!("… and {} more; `stemsync holds` lists them all", held.len() - TOLD),
        );
    }
}

fn quota(page: &mut Page, quota: &QuotaReport, now: DateTime<Utc>) {
    let text = format!(
        "Komet requests today: {} of {}; the count starts anew {}.",
        quota.used,
        quota.limit,
        relative(quota.resets_at, now)
    );
    page.paragraph(Tone::Faint, 0, &text);
}

/// A run that did not take place, or was left before it ended: the same keys as of one that did, so that a script
/// finds what it looks for.
#[derive(Debug, Serialize)]
pub(super) struct NoRun {
    run: Option<String>,
    dry_run: bool,
    outcome: Outcome,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    jobs: [JobReport; 0],
    /// What was done and recorded until it was left.
    actions: Vec<ActionReport>,
    /// `null` where nobody counted.
    quota: Option<QuotaReport>,
    /// Who runs; `null` if nobody does, or no longer.
    holder: Option<Holder>,
}

/// Who runs.
#[derive(Debug, Serialize)]
struct Holder {
    pid: u32,
    since: DateTime<Utc>,
}

impl NoRun {
    /// Another run holds the lock.
    pub(super) fn busy(holder: Option<LockHolder>, quota: QuotaReport) -> Self {
        Self {
            outcome: Outcome::Busy,
            quota: Some(quota),
            holder: holder.map(|LockHolder { pid, since }| Holder { pid, since }),
            ..Self::left(false, Vec::new())
        }
    }

    /// Signals did not leave it the time to end.
    pub(super) fn left(dry_run: bool, actions: Vec<ActionReport>) -> Self {
        Self {
            run: None,
            dry_run,
            outcome: Outcome::Failed,
            started_at: None,
            finished_at: None,
            jobs: [],
            actions,
            quota: None,
            holder: None,
        }
    }
}

impl Report for NoRun {
    fn tell(&self, page: &mut Page) {
        if self.outcome == Outcome::Busy {
            // For people this is an error, told on stderr.
            return;
        }
        let done = self.actions.iter().filter(|a| a.result == ActionResult::Done).count();
        let text = format!(
            "Left before the last answers came, with {done} done. The next run reads back what became of the requests \
             in hand, and goes on."
        );
        page.paragraph(Tone::Waiting, 0, &text);
    }
}
