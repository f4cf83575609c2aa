//! The end of a run: what came of each job, as it is told and as it goes on file.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::action::Action;
use super::engine::Engine;
use super::report::{
    ActionResult, Job, JobReport, Outcome, QuotaReport, Requests, RunReport, STOPPED, WatermarkMove,
};
use super::run::{RunEnd, RunRequest, end_of};
use super::state::RunState;
use super::tell::{event, report as told_as};
use crate::domain::OrderKey;
use crate::store::{Connection, StoreError, events, holds, intents, orders, quota, runs};
use crate::systems::{Axerrio, Komet, SystemError};

impl<K: Komet, A: Axerrio> Engine<K, A> {
    #[allow(clippy::too_many_arguments)] // the pieces of one report, gathered in one place
    pub(super) async fn finish(
        &self,
        state: &RunState,
        request: &RunRequest,
        jobs: &[Job],
        before: &BTreeMap<Job, Option<DateTime<Utc>>>,
        requests: BTreeMap<Job, Requests>,
        started_at: DateTime<Utc>,
    ) -> Result<RunEnd, StoreError> {
        self.tell_unanswered(state).await?;
        if state.has_undone() {
            state.tell_undone(&self.store.read(orders::dirty).await?);
        }
        self.tell_who_waits(state).await?;
        // A dry run moves those of its copy.
        let after = if request.dry_run { before.clone() } else { self.watermarks(jobs).await? };
        let counts =
            |conn: &Connection| Ok((holds::count(conn)?, holds::brake(conn)?.is_some(), intents::count(conn)?));
        let (held, is_braked, unverified) = self.store.read(counts).await?;
        let tallies = state.tallies();
        let stopped = state.is_stopped();
        let mut reports = Vec::new();
        let mut told: BTreeSet<OrderKey> = BTreeSet::new();
        // The brake's is one hold, too.
        let mut brake = u64::from(is_braked);
        for job in jobs {
            let tally = tallies.get(job).cloned().unwrap_or_default();
            let braked = if tally.braked { std::mem::take(&mut brake) } else { 0 };
            // Of an order that several jobs looked at the first one tells: a hold is one hold.
            let has_held = tally.held.iter().filter(|(_, count)| **count > 0).map(|(key, _)| *key);
            let keys: Vec<OrderKey> = has_held.filter(|key| told.insert(*key)).collect();
            let held = if request.dry_run {
                keys.iter().filter_map(|key| tally.held.get(key)).sum()
            } else {
                // As it stands at the end: what an order waited for may have been settled by a later job.
                let count = move |conn: &Connection| {
                    keys.iter().try_fold(0, |sum, key| Ok(sum + u64::from(holds::count_of_order(conn, *key)?)))
                };
                self.store.read(count).await?
            };
            let held = held + braked;
            let outcome = if tally.broken || stopped {
                Outcome::Failed
            } else if held > 0 || tally.failed > 0 {
                Outcome::Attention
            } else {
                Outcome::Ok
            };
            reports.push(JobReport {
                job: *job,
                outcome,
                polled: tally.polled,
                changed: tally.changed,
                pushed: tally.pushed,
                held,
                failed: tally.failed,
                requests: requests.get(job).copied().unwrap_or_default(),
                watermark: WatermarkMove {
                    before: before.get(job).copied().flatten(),
                    after: after.get(job).copied().flatten(),
                },
                error: error_text(&tally.errors, stopped),
            });
        }
        let worst = reports.iter().map(|job| job.outcome).max().unwrap_or(Outcome::Ok);
        let outcome = match worst {
            Outcome::Ok if held > 0 || unverified > 0 => Outcome::Attention,
            other => other,
        };
        let day = self.komet_day();
        let actions = state.take_actions();
        let quiet = outcome != Outcome::Failed
            && actions.is_empty()
            && reports.iter().all(|job| job.pushed == 0 && job.changed == 0)
            && tallies.values().all(|tally| tally.failed == tally.still);
        let mut report = RunReport {
            run: state.run.clone(),
            dry_run: request.dry_run,
            outcome,
            started_at,
            finished_at: self.clock.now(),
            jobs: reports,
            actions,
            quota: QuotaReport { limit: self.settings.quota_limit, used: 0, resets_at: end_of(day) },
        };
        let dry_run = request.dry_run;
        let limit = self.settings.quota_limit;
        let resets_at = end_of(day);
        report = self
            .store
            .write(move |conn| {
                let used = quota::used(conn, day)?;
                report.quota = QuotaReport { limit, used, resets_at };
                if !dry_run {
                    runs::finish(conn, &report, quiet)?;
                }
                Ok(report)
            })
            .await?;
        log::info!("run {} {}", report.run, report.outcome.name());
        let is_news = |error: &SystemError| request.paused.iter().all(|known| known.system != error.system);
        let down = state.down().into_iter().filter(is_news).collect();
        let failures = state.failures().into_iter().filter(|(_, error)| is_news(error)).collect();
        let read = tallies.iter().filter(|(_, tally)| tally.polls > 0).map(|(job, _)| *job).collect();
        Ok(RunEnd { report, down, failures, read, stopped, named: state.named() })
    }

    /// What this run sent and nobody answered, as far as no read-back has settled it: it is told like everything that was sent.
    async fn tell_unanswered(&self, state: &RunState) -> Result<(), StoreError> {
        if state.dry_run {
            return Ok(());
        }
        let (run, now) = (state.run.clone(), self.clock.now());
        let unanswered = self
            .store
            .read(move |conn| {
                let mut unanswered = Vec::new();
                for intent in intents::list(conn)?.into_iter().filter(|intent| intent.sent.run == run) {
                    let why = intent.doubt.as_deref().unwrap_or("its answer is incomplete");
                    let entries: Vec<(OrderKey, Action)> = intent.action()?;
                    for (key, action) in entries {
                        let Some(order) = orders::load(conn, key)? else { continue };
                        let detail = format!(
                            "{}: {why}; whether it was done is read back before anything is repeated",
                            action.detail()
                        );
                        unanswered.push((intent.sent.job, order, action, detail));
                    }
                }
                Ok(unanswered)
            })
            .await?;
        let result = ActionResult::Failed;
        let mut events_of = Vec::new();
        for (job, order, action, detail) in unanswered {
            events_of.push(event(state, &order, &action, now, result, &detail));
            state.note(job, told_as(&order, &action, result, detail));
        }
        if events_of.is_empty() {
            return Ok(());
        }
        self.store.write(move |conn| events_of.iter().try_for_each(|event| events::add(conn, event))).await
    }
}

fn error_text(errors: &[String], stopped: bool) -> Option<String> {
    let mut text = errors.first().cloned();
    if let (Some(text), more @ 1..) = (&mut text, errors.len().saturating_sub(1)) {
        *text = format!("{text} (and {more} more)");
    }
    text.or_else(|| stopped.then(|| STOPPED.to_owned()))
}
