//! What a run has to tell: what came of each job and of each push, and which system is out of reach.

use std::collections::BTreeMap;

use super::RunState;
use crate::domain::{HoldReason, OrderKey};
use crate::sync::engine::Progress;
use crate::sync::report::{ActionReport, ActionResult, Job};
use crate::systems::{Fault, System, SystemError, without_words};

/// What a job has done so far.
#[derive(Clone, Debug, Default)]
pub(in crate::sync) struct Tally {
    pub(in crate::sync) polled: u64,
    /// Requests by which its poll read Komet.
    pub(in crate::sync) polls: u64,
    pub(in crate::sync) changed: u64,
    pub(in crate::sync) pushed: u64,
    pub(in crate::sync) failed: u64,
    /// How many of these are orders that an earlier run has told of: they still wait for the same.
    pub(in crate::sync) still: u64,
    /// Holds that were open on the orders the job looked at when it looked.
    pub(in crate::sync) held: BTreeMap<OrderKey, u64>,
    /// The brake held cancellations while it was at work.
    pub(in crate::sync) braked: bool,
    /// What to say of a failure, the first one first.
    pub(in crate::sync) errors: Vec<String>,
    /// The job as a whole did not succeed.
    pub(in crate::sync) broken: bool,
}

impl RunState {
    /// A system is out of reach: nothing more is sent to it in this run.
    pub(in crate::sync) fn set_down(&self, error: &SystemError) {
        self.shared().down.entry(error.system).or_insert_with(|| error.clone());
    }

    /// The system failed as a whole at a write. Its orders are told one by one, this once.
    pub(in crate::sync) fn lost_at_write(&self, job: Job, error: &SystemError) {
        if !self.is_down(error.system) {
            self.log_failure(job, "", error);
        }
        self.set_down(error);
    }

    fn log_failure(&self, job: Job, order: &str, error: &SystemError) {
        // That the quota is spent is told once a day, at the end of the run that finds it out.
        let is_told = self.failures_are_told || matches!(error.fault, Fault::QuotaSpent(_));
        let level = if is_told { log::Level::Debug } else { log::Level::Error };
        log_error(level, job, order, error, "");
    }

    pub(in crate::sync) fn is_down(&self, system: System) -> bool {
        self.shared().down.contains_key(&system)
    }

    /// Whether the system's quota is spent, which is told once and not for every request.
    fn is_spent(&self, system: System) -> bool {
        self.shared().down.get(&system).is_some_and(|error| matches!(error.fault, Fault::QuotaSpent(_)))
    }

    pub(in crate::sync) fn down(&self) -> Vec<SystemError> {
        self.shared().down.values().cloned().collect()
    }

    pub(in crate::sync) fn failures(&self) -> Vec<(Job, SystemError)> {
        self.shared().failures.clone()
    }

    /// A request that was in doubt is settled: its orders can go on, whichever job is at work.
    pub(in crate::sync) fn settled_one(&self) {
        self.shared().settled += 1;
    }

    /// Grows with everything that may give some job work.
    pub(in crate::sync) fn progress(&self) -> u64 {
        let shared = self.shared();
        shared.settled + shared.tallies.values().map(|tally| tally.pushed).sum::<u64>()
    }

    /// Requests by which a job's poll read Komet.
    pub(in crate::sync) fn count_polls(&self, job: Job, polls: u64) {
        self.tally(job, |tally| tally.polls += polls);
    }

    /// Those of all jobs: requests that were the turn of a source, not a plan's.
    pub(in crate::sync) fn polls(&self) -> u64 {
        self.shared().tallies.values().map(|tally| tally.polls).sum()
    }

    /// Reports a push and counts it for its job.
    pub(in crate::sync) fn report(&self, job: Job, action: ActionReport) {
        let order = action.order.clone().unwrap_or_default();
        let (system, method, detail) = (action.system.name(), &action.method, &action.detail);
        match action.result {
            ActionResult::Failed if self.failures_are_told && self.is_down(action.system) => {
                log::debug!(job = job.name(), order = order.as_str(); "{system} {method} failed: {detail}");
            }
            ActionResult::Failed => {
                let level = if self.is_spent(action.system) { log::Level::Debug } else { log::Level::Warn };
                log_without_words(level, job, &order, &format!("{system} {method} failed: {detail}"), "");
            }
            ActionResult::Adopted => {
                log::info!(job = job.name(), order = order.as_str(); "{system} {method} was done: {detail}");
            }
            _ => log::info!(job = job.name(), order = order.as_str(); "{system} {method}: {detail}"),
        }
        self.note(job, action);
    }

    /// The same of one that the log has told of already.
    pub(in crate::sync) fn note(&self, job: Job, action: ActionReport) {
        {
            let mut shared = self.shared();
            let tally = shared.tallies.entry(job).or_default();
            match action.result {
                ActionResult::Done | ActionResult::Adopted | ActionResult::Planned => tally.pushed += 1,
                ActionResult::Failed => tally.failed += 1,
                ActionResult::Held => {}
            }
            shared.actions.push(action.clone());
        }
        self.say(&Progress::Action(action));
    }

    pub(in crate::sync) fn tally(&self, job: Job, change: impl FnOnce(&mut Tally)) {
        change(self.shared().tallies.entry(job).or_default());
    }

    pub(in crate::sync) fn tallies(&self) -> BTreeMap<Job, Tally> {
        self.shared().tallies.clone()
    }

    pub(in crate::sync) fn take_actions(&self) -> Vec<ActionReport> {
        std::mem::take(&mut self.shared().actions)
    }

    /// A read failed: the job did not do all it should; if the whole system is out of reach, nothing more is asked
    /// of it.
    pub(in crate::sync) fn failed(&self, job: Job, error: &SystemError) {
        if error.fault == Fault::Stopped {
            // No system's failure: the run as a whole says that it was stopped.
            self.tally(job, |tally| tally.broken = true);
            return;
        }
        if error.is_systemic() {
            self.set_down(error);
        }
        self.log_failure(job, "", error);
        self.shared().failures.push((job, error.clone()));
        self.tally(job, |tally| {
            tally.broken = true;
            tally.errors.push(error.to_string());
        });
    }

    /// What became of a request cannot be seen, for a record that makes no sense: that is its order's trouble, and not the system's,
    /// which answers. A run that nobody asked for repeats what `is_known` in the log no more than in the order's story.
    pub(in crate::sync) fn doubts(&self, job: Job, orders: &str, doubt: &SystemError, is_known: bool) {
        if is_known && self.paced {
            log_error(log::Level::Debug, job, orders, doubt, "");
        } else {
            self.log_failure(job, orders, doubt);
        }
        self.tally(job, |tally| {
            tally.failed += 1;
            tally.still += u64::from(is_known);
            tally.errors.push(doubt.to_string());
        });
    }

    /// Reports a new hold: of an order, or the brake's (`None`).
    pub(in crate::sync) fn report_hold(&self, job: Job, order: Option<&str>, reason: HoldReason, detail: &str) {
        // What a system said of its refusal may hold a price or an address, which no log at the default level shows.
        let is_refusal = matches!(reason, HoldReason::RejectedByAxerrio | HoldReason::RejectedByKomet);
        let short = detail.split_once(": ").map_or(detail, |(short, _)| if is_refusal { short } else { detail });
        log::warn!(job = job.name(), order = order.unwrap_or_default(); "held, {}: {short}", reason.name());
        if short != detail {
            log::debug!(job = job.name(), order = order.unwrap_or_default(); "held, {}: {detail}", reason.name());
        }
        let action = ActionReport {
            order: order.map(str::to_owned),
            system: match reason {
                HoldReason::EditedInAxerrio | HoldReason::RejectedByAxerrio => System::Axerrio,
                _ => System::Komet,
            },
            method: reason.name().to_owned(),
            result: ActionResult::Held,
            detail: detail.to_owned(),
        };
        self.tally(job, |_| {});
        {
            let mut shared = self.shared();
            // A later job's brake asks about all that an earlier one's did.
            shared.actions.retain(|told| order.is_some() || told.order.is_some() || told.method != reason.name());
            shared.actions.push(action.clone());
        }
        self.say(&Progress::Action(action));
    }
}

/// Logs an error without the words of the system that failed, and what stemsync does `then`; and whole where somebody asked for
/// that (`-vv`).
pub(in crate::sync) fn log_error(level: log::Level, job: Job, order: &str, error: &SystemError, then: &str) {
    log_both(level, job, order, (&error.for_log(), &error.to_string()), then);
}

/// The same of a failure of which nothing is left but what was told of it.
pub(in crate::sync) fn log_without_words(level: log::Level, job: Job, order: &str, told: &str, then: &str) {
    log_both(level, job, order, (&without_words(told), told), then);
}

fn log_both(level: log::Level, job: Job, order: &str, (short, told): (&str, &str), then: &str) {
    log::log!(level, job = job.name(), order = order; "{short}{then}");
    if short != told {
        log::debug!(job = job.name(), order = order; "{told}");
    }
}

/// What is said of a write in doubt.
pub(in crate::sync) const READ_BACK_FIRST: &str = "; whether it was done is read back before anything is repeated";
