//! How far a run has come, in one line on stderr where a person watches; and a memory of what was done, for a run that is left
//! early.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::cli::logging::{self, Shown};
use crate::cli::output::Output;
use crate::sync::engine::{self, Listener};
use crate::sync::report::{ActionReport, Job};

/// How often the line is drawn anew, so that it is seen to live.
const TICK: Duration = Duration::from_millis(120);

/// How many characters show what part of the orders is done.
const BAR: usize = 30;

/// What is shown while a run goes on.
pub(super) struct Progress {
    /// `None` where nobody watches, or asked for quiet.
    ticking: Option<JoinHandle<()>>,
    stage: Arc<Mutex<Option<Stage>>>,
    actions: Arc<Mutex<Vec<ActionReport>>>,
}

/// What the run is at.
#[derive(Clone, Copy)]
enum Stage {
    Reading(Job),
    Orders { job: Job, done: usize, all: usize },
}

impl Stage {
    fn words(self) -> String {
        match self {
            Self::Reading(job) => format!("{}: reading what changed", job.name()),
            Self::Orders { job, done, all } => {
                let full = "#".repeat(BAR * done.min(all) / all.max(1));
                format!("{:<16} {full:.<BAR$} {done}/{all} orders", job.name())
            }
        }
    }
}

impl Progress {
    /// Starts, where a person watches and asked for no quiet.
    pub(super) fn start(output: Output) -> Self {
        let stage = Arc::default();
        let ticking = output.shows_progress().then(|| {
            logging::share_terminal_with(Some(Shown::new(output.width())));
            let stage: Arc<Mutex<Option<Stage>>> = Arc::clone(&stage);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(TICK).await;
                    let now = *stage.lock().unwrap_or_else(PoisonError::into_inner);
                    logging::show(now.map(Stage::words).unwrap_or_default());
                }
            })
        });
        Self { ticking, stage, actions: Arc::default() }
    }

    /// What the engine calls. Drawn is none of it here: a run is through with thousands of orders in a second.
    pub(super) fn listener(&self) -> Listener {
        let (stage, actions) = (Arc::clone(&self.stage), Arc::clone(&self.actions));
        Arc::new(move |progress: &engine::Progress| {
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            match progress {
                engine::Progress::Polling(job) => *stage = Some(Stage::Reading(*job)),
                engine::Progress::Orders(job, all) if *all > 0 => {
                    *stage = Some(Stage::Orders { job: *job, done: 0, all: *all });
                }
                engine::Progress::Orders(..) => {}
                engine::Progress::OrderDone(_) => {
                    if let Some(Stage::Orders { done, .. }) = &mut *stage {
                        *done += 1;
                    }
                }
                engine::Progress::Action(action) => {
                    actions.lock().unwrap_or_else(PoisonError::into_inner).push(action.clone());
                }
            }
        })
    }

    /// Clears the line, and answers what was done.
    pub(super) fn finish(self) -> Vec<ActionReport> {
        if let Some(ticking) = &self.ticking {
            ticking.abort();
            logging::share_terminal_with(None);
        }
        std::mem::take(&mut *self.actions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
