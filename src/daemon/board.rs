//! The board: what the daemon shows to whoever watches it, which is the status page. The configuration in force, what
//! somebody asked for, the run under way and how far it has come. Nobody who looks at it keeps the loop waiting, and the
//! loop does not know whether anybody looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::agenda::Turn;
use crate::config::Config;
use crate::notify::what::DatabaseCause;
use crate::sync::RunEnd;
use crate::sync::engine::Progress;
use crate::sync::report::{ActionResult, Job, Outcome, Requests, RunReport};

/// What the daemon shows. Cheap to clone: every clone is the same board.
#[derive(Clone, Debug)]
pub struct Board {
    config: watch::Sender<Arc<Config>>,
    /// Counts what changed on the board.
    changes: watch::Sender<u64>,
    shown: Arc<Mutex<Shown>>,
}

/// What stands on it.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Asked for, and not begun yet.
    pub asked: BTreeSet<Job>,
    /// The run under way.
    pub under_way: Option<UnderWay>,
    /// The last run that somebody asked for.
    pub last_asked: Option<Ended>,
    /// What was done since the daemon started.
    pub totals: Totals,
    /// Since when the database cannot be used, and why; `None` where it can.
    pub database: Option<(DateTime<Utc>, DatabaseCause)>,
}

/// Sums over the runs since the daemon started: they only grow.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Runs by how they ended.
    pub runs: BTreeMap<Outcome, u64>,
    /// Seconds that runs took.
    pub seconds: f64,
    /// Of each job: how often it ran by how it ended, and the sums of what it reported.
    pub jobs: BTreeMap<Job, JobTotals>,
}

/// One job's.
#[derive(Clone, Debug, Default)]
pub struct JobTotals {
    /// Runs by how they ended.
    pub runs: BTreeMap<Outcome, u64>,
    /// Records read.
    pub polled: u64,
    /// Orders whose views changed.
    pub changed: u64,
    /// Pushes that were done or adopted.
    pub pushed: u64,
    /// Pushes that failed.
    pub failed: u64,
    /// Requests made.
    pub requests: Requests,
}

impl Totals {
    fn add(&mut self, report: &RunReport) {
        *self.runs.entry(report.outcome).or_default() += 1;
        let took = report.finished_at - report.started_at;
        self.seconds += took.to_std().unwrap_or_default().as_secs_f64();
        for job in &report.jobs {
            let totals = self.jobs.entry(job.job).or_default();
            *totals.runs.entry(job.outcome).or_default() += 1;
            totals.polled += job.polled;
            totals.changed += job.changed;
            totals.pushed += job.pushed;
            totals.failed += job.failed;
            totals.requests.axerrio += job.requests.axerrio;
            totals.requests.komet += job.requests.komet;
        }
    }
}

/// How far a run has come.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// Somebody asked for it.
    pub is_asked_for: bool,
    /// When it began.
    pub since: DateTime<Utc>,
    /// The job it is at.
    pub job: Option<Job>,
    /// How many orders that job has to look at; `None` while it reads.
    pub orders: Option<usize>,
    /// How many of these are finished.
    pub finished: usize,
    /// Requests that changed something so far.
    pub pushed: usize,
    /// Those that failed.
    pub failed: usize,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// When.
    pub at: DateTime<Utc>,
    /// Its id and outcome; `None` where the database refused, or where it was left.
    pub run: Option<(String, Outcome)>,
    /// In words.
    pub text: String,
}

impl Board {
    /// A board on which nothing runs.
    pub fn new(config: Arc<Config>) -> Self {
        Self { config: watch::Sender::new(config), changes: watch::Sender::new(0), shown: Arc::default() }
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Whoever wants to know that something changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What stands on the board.
    pub fn shown(&self) -> Shown {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has everybody who watches look again.
    pub fn nudge(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Notes that somebody wants these jobs run now.
    pub fn ask(&self, jobs: &[Job]) {
        self.show(|shown| shown.asked.extend(jobs));
    }

    /// Since when the database cannot be used, and why.
    pub fn database(&self, refused: Option<(DateTime<Utc>, DatabaseCause)>) {
        self.show(|shown| shown.database = refused);
    }

    /// Another configuration is in force.
    pub fn reconfigure(&self, config: Arc<Config>) {
        self.config.send_replace(config);
        self.nudge();
    }

    pub(super) fn run_begins(&self, turn: &Turn, since: DateTime<Utc>) {
        self.show(|shown| {
            if turn.is_asked_for {
                shown.asked.retain(|job| !turn.jobs.contains(job));
            }
            shown.under_way = Some(UnderWay {
                jobs: turn.jobs.clone(),
                is_asked_for: turn.is_asked_for,
                since,
                job: None,
                orders: None,
                finished: 0,
                pushed: 0,
                failed: 0,
            });
        });
    }

    pub(super) fn progress(&self, progress: &Progress) {
        self.show(|shown| {
            let Some(run) = &mut shown.under_way else { return };
            match progress {
                Progress::Polling(job) => (run.job, run.orders, run.finished) = (Some(*job), None, 0),
                Progress::Orders(job, orders) => {
                    (run.job, run.orders, run.finished) = (Some(*job), Some(*orders), 0);
                }
                Progress::OrderDone(_) => run.finished += 1,
                Progress::Action(action) if action.result == ActionResult::Failed => run.failed += 1,
                Progress::Action(_) => run.pushed += 1,
            }
        });
    }

    /// `text`: what came of it, in words.
    pub(super) fn run_ended(&self, turn: &Turn, end: Option<&RunEnd>, at: DateTime<Utc>, text: String) {
        self.show(|shown| {
            shown.under_way = None;
            if let Some(end) = end {
                shown.totals.add(&end.report);
            }
            if turn.is_asked_for {
                let run = end.map(|end| (end.report.run.clone(), end.report.outcome));
                shown.last_asked = Some(Ended { jobs: turn.jobs.clone(), at, run, text });
            }
        });
    }

    fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
        self.nudge();
    }
}
