//! A progress bar on stderr, where a person watches; and a memory of what was done, for a run that is left early.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::logging;
use crate::cli::output::Output;
use crate::sync::engine::{self, Listener};
use crate::sync::report::ActionReport;

/// What is shown while a run goes on.
pub(super) struct Progress {
    bar: ProgressBar,
    actions: Arc<Mutex<Vec<ActionReport>>>,
}

impl Progress {
    /// Starts, where a person watches and asked for no quiet.
    pub(super) fn start(output: Output) -> Self {
        let bar = if output.shows_progress() {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(waiting());
        bar.enable_steady_tick(Duration::from_millis(120));
        logging::share_terminal_with(Some(bar.clone()));
        Self { bar, actions: Arc::default() }
    }

    /// What the engine calls.
    pub(super) fn listener(&self) -> Listener {
        let (bar, actions) = (self.bar.clone(), Arc::clone(&self.actions));
        Arc::new(move |progress: &engine::Progress| match progress {
            engine::Progress::Polling(job) => {
                bar.set_style(waiting());
                bar.set_message(format!("{}: reading what changed", job.name()));
            }
            engine::Progress::Orders(job, orders) if *orders > 0 => {
                bar.set_style(counting());
                bar.set_length(*orders as u64);
                bar.set_position(0);
                bar.set_message(job.name());
            }
            engine::Progress::Orders(..) => {}
            engine::Progress::OrderDone(_) => bar.inc(1),
            engine::Progress::Action(action) => {
                actions.lock().unwrap_or_else(PoisonError::into_inner).push(action.clone());
            }
        })
    }

    /// Clears the bar, and answers what was done.
    pub(super) fn finish(self) -> Vec<ActionReport> {
        self.bar.finish_and_clear();
        logging::share_terminal_with(None);
        std::mem::take(&mut *self.actions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn waiting() -> ProgressStyle {
    style("{spinner} {msg}")
}

fn counting() -> ProgressStyle {
    style("{spinner} {msg:<16} {bar:30} {pos}/{len} orders")
}

/// The templates are constants: should one not be understood, the plain bar serves.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
