//! One run: poll, diff, plan, push and verify, for the jobs asked for, in their order; then once more for those that
//! the first pass gave new work, so that what is ready travels the whole way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, NaiveDate, Utc};

use super::action::Action;
use super::engine::{Engine, Listener, Progress};
use super::plan::{Facts, plan};
use super::poll::{PollError, Polled, Windows};
use super::report::{ActionResult, Job, JobReport, Outcome, QuotaReport, Requests, RunReport, WatermarkMove};
use super::state::{Look, RunState, Setup};
use super::tell::{event, report as told_as};
use super::verify::Patience;
use crate::domain::{HoldReason, OrderKey, Stage};
use crate::store::events::{self, Event};
use crate::store::watermarks::{self, Stream};
use crate::store::{
    Connection, OnFile, StoreError, backup, budget, holds, intents, maps, orders, quota, reference, runs,
};
use crate::systems::{Axerrio, Fault, Komet, System, SystemError};

/// What a run is asked to do.
#[derive(Clone, Default)]
pub struct RunRequest {
    /// The jobs; empty means all.
    pub jobs: Vec<Job>,
    /// Plan everything, write nothing.
    pub dry_run: bool,
    /// Poll from here instead of from the watermarks.
    pub since: Option<DateTime<Utc>>,
    /// Push only these orders.
    pub only: Option<BTreeSet<OrderKey>>,
    /// Push only the orders that this names (an id, a number, a box code): looked up after each poll, which may be
    /// the one that brings them.
    pub only_ref: Option<String>,
    /// Poll only what the request budget says is due: for runs that nobody asked for. Else everything is read, out of what
    /// is kept for writes where nothing else is left.
    pub paced: bool,
    /// What started it, for the history.
    pub trigger: String,
    /// Set to leave after the requests in hand.
    pub stop: Arc<AtomicBool>,
    /// Who listens.
    pub listener: Option<Listener>,
    /// Systems that are left alone in this run, each with the failure that was the last heard of it.
    pub paused: Vec<SystemError>,
    /// Whoever asked for the run tells of a system's failures himself, in [`RunEnd::failed`] and [`RunEnd::down`]: then
    /// the log has them at debug only.
    pub failures_are_told: bool,
}

/// A run's report, and what kept it from being whole.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// For people and scripts.
    pub report: RunReport,
    /// Systems that failed as a whole.
    pub down: Vec<SystemError>,
    /// Reads that failed, polls and read-backs, and the job that needed them.
    pub failures: Vec<(Job, SystemError)>,
    /// It was asked to stop.
    pub stopped: bool,
    /// How many orders [`RunRequest::only_ref`] named in the end.
    pub named: usize,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Carries out one run. The caller holds the run lock.
    ///
    /// Guarantees: every write was recorded before it was sent; whatever the run did not finish, the next one does.
    ///
    /// # Errors
    /// Only the database's: what the systems refuse or fail at is in the report.
    pub async fn run(&self, request: RunRequest) -> Result<RunEnd, StoreError> {
        self.count_requests();
        if !request.dry_run {
            return self.run_on(request).await;
        }
        // A dry run goes through everything on a copy of the database.
        let end = self.on_a_copy(async |dry| dry.run_on(request).await).await?;
        let mut end = end.map_err(|error| error.of_original(self.store.path()))?;
        // The copy does not know what was counted since it was made.
        let day = self.komet_day();
        end.report.quota.used = self.store.read(move |conn| quota::used(conn, day)).await?;
        Ok(end)
    }

    /// Does `work` on a private copy of the database, which is thrown away. Reading costs quota all the same: its requests
    /// are counted in the original.
    pub(super) async fn on_a_copy<T>(&self, work: impl AsyncFnOnce(&Self) -> T) -> Result<T, StoreError> {
        let (store, file) = self.copy_store().await?;
        let copy = Self {
            komet: self.komet.clone(),
            axerrio: self.axerrio.clone(),
            store,
            clock: Arc::clone(&self.clock),
            settings: self.settings.clone(),
        };
        let done = work(&copy).await;
        drop((copy, file));
        Ok(done)
    }

    async fn run_on(&self, request: RunRequest) -> Result<RunEnd, StoreError> {
        let started_at = self.clock.now();
        let jobs: Vec<Job> =
            Job::ALL.into_iter().filter(|job| request.jobs.is_empty() || request.jobs.contains(job)).collect();
        let trigger = request.trigger.clone();
        let run = self
            .store
            .write(move |conn| {
                backup::doubt_after_a_pause(conn, started_at)?;
                let id = runs::next_id(conn, started_at)?;
                runs::begin(conn, &id, &trigger, started_at)?;
                Ok(id)
            })
            .await?;
        self.komet.heed(Arc::clone(&request.stop));
        self.axerrio.heed(Arc::clone(&request.stop));
        let before = self.watermarks(&jobs).await?;
        let state = self.prepare(&run, &request).await?;
        if request.paced {
            self.pause_if_spent(&state).await?;
        }
        // A former run's failure to count was that run's.
        drop(self.uncounted());
        let before_requests = self.komet.requests();
        let mut requests: BTreeMap<Job, Requests> = BTreeMap::new();
        // On the heap: whoever awaits a run would carry its whole state machine in his own.
        Box::pin(self.passes(&state, &request, &jobs, &mut requests)).await?;
        // What is on file of this run is whole or not there; the database's failure is what its caller must hear of.
        if let Some(error) = self.uncounted() {
            return Err(error);
        }
        let sent = self.komet.requests() - before_requests;
        self.worked(sent.saturating_sub(state.polls())).await?;
        self.tell_quota(&state, sent).await?;
        self.finish(&state, &request, &jobs, &before, requests, started_at).await
    }

    async fn prepare(&self, run: &str, request: &RunRequest) -> Result<RunState, StoreError> {
        let horizon: Vec<NaiveDate> =
            self.visible_from().iter_days().take_while(|day| *day <= self.horizon_end()).collect();
        let (maps, carriers, windows, unknown) = self
            .store
            .read(move |conn| {
                let windows = watermarks::list(conn, Stream::Prebooks)?;
                Ok((maps::load(conn)?, carriers(conn)?, windows, budget::never_shown(conn, &horizon)?))
            })
            .await?;
        Ok(RunState::new(Setup {
            run: run.to_owned(),
            dry_run: request.dry_run,
            // Nothing until the reference was looked up.
            only: request.only.clone().or_else(|| request.only_ref.as_ref().map(|_| BTreeSet::new())),
            maps,
            carriers,
            visible_from: self.visible_from(),
            concurrency: self.settings.concurrency,
            stop: Arc::clone(&request.stop),
            listener: request.listener.clone(),
            paused: request.paused.clone(),
            failures_are_told: request.failures_are_told,
            facts: Facts {
                windows_known: windows.into_iter().map(|(w, _)| w).collect(),
                po_dates_unknown: unknown.into_iter().collect(),
                ..Facts::default()
            },
        }))
    }

    /// The first pass over all jobs, and the second over those that it gave new work.
    async fn passes(
        &self,
        state: &RunState,
        request: &RunRequest,
        jobs: &[Job],
        requests: &mut BTreeMap<Job, Requests>,
    ) -> Result<(), StoreError> {
        // What a crash or a time-out left open comes first, whatever the jobs.
        self.verify(state, Patience::None).await?;
        let mut pushed_before: BTreeMap<Job, u64> = BTreeMap::new();
        for job in jobs {
            self.counted(requests, *job, self.pass(state, request, *job)).await?;
            pushed_before.insert(*job, state.tallies().get(job).map_or(0, |t| t.pushed));
        }
        let pushed = |job: Job| state.tallies().get(&job).map_or(0, |t| t.pushed);
        let fresh = |job: Job| pushed(job) > pushed_before.get(&job).copied().unwrap_or(0);
        for job in jobs {
            // What an earlier job of this run pushed after this one had polled may show in this one's lists.
            let again = match job {
                Job::Orders => pushed(Job::Prebooks) + pushed(Job::PurchaseOrders) > 0,
                Job::Prebooks => false,
                Job::PurchaseOrders => fresh(Job::Orders),
                Job::Labels => fresh(Job::PurchaseOrders) || fresh(Job::Orders),
            };
            if again && !request.dry_run {
                self.counted(requests, *job, self.pass(state, request, *job)).await?;
            } else {
                self.counted(requests, *job, self.push_again(state, *job)).await?;
            }
        }
        // What was shipped, for one, is told to Axerrio at once; nothing has to be read for it.
        self.push_all(state, jobs, requests).await?;
        // What timed out may still take effect: everything else is done, so that can be waited out.
        if !self.verify(state, Patience::UntilDecided).await?.is_empty() {
            self.push_all(state, jobs, requests).await?;
        }
        Ok(())
    }

    /// Pushes for every job until none of them gives another one work.
    async fn push_all(
        &self,
        state: &RunState,
        jobs: &[Job],
        requests: &mut BTreeMap<Job, Requests>,
    ) -> Result<(), StoreError> {
        loop {
            let before = state.progress();
            for job in jobs {
                self.counted(requests, *job, self.push_again(state, *job)).await?;
            }
            // Every request is sent a limited number of times in a run, so this ends.
            if state.progress() == before {
                return Ok(());
            }
        }
    }

    /// Pushes what a later job's poll made possible after this job had its turn; nothing has to be read for it.
    async fn push_again(&self, state: &RunState, job: Job) -> Result<(), StoreError> {
        let is_broken = state.tallies().get(&job).is_none_or(|tally| tally.broken);
        if is_broken || state.is_stopped() || self.store.read(orders::backlog).await? == 0 {
            return Ok(());
        }
        self.brake(state, job).await?;
        self.push(state, job).await
    }

    /// Runs a pass and adds its requests to its job's.
    async fn counted(
        &self,
        requests: &mut BTreeMap<Job, Requests>,
        job: Job,
        pass: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let before = Counts { axerrio: self.axerrio.requests(), komet: self.komet.requests() };
        let result = pass.await;
        let entry = requests.entry(job).or_default();
        entry.axerrio += self.axerrio.requests() - before.axerrio;
        entry.komet += self.komet.requests() - before.komet;
        result
    }

    /// One job: poll, then push what is outstanding. A job whose poll failed pushes nothing.
    async fn pass(&self, state: &RunState, request: &RunRequest, job: Job) -> Result<(), StoreError> {
        if state.is_stopped() {
            return Ok(());
        }
        state.tally(job, |_| {});
        let system = job.polls();
        if state.is_down(system) {
            let down = state.down();
            let error = down.iter().find(|error| error.system == system).map(ToString::to_string);
            state.tally(job, |tally| {
                tally.broken = true;
                tally.errors.extend(error);
            });
            return Ok(());
        }
        state.say(&Progress::Polling(job));
        let polled = match self.poll(state, request, job).await {
            Ok(polled) => polled,
            Err(PollError::Store(error)) => return Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                return Ok(());
            }
        };
        state.learn_from(&polled);
        state.count_polls(polled.polls);
        state.tally(job, |tally| {
            tally.polled += polled.records;
            tally.changed += polled.changed;
            tally.failed += polled.unreadable.len() as u64;
            tally.errors.extend(polled.unreadable);
        });
        if let Some(reference) = request.only_ref.clone() {
            let named = self.store.read(move |conn| orders::find(conn, &reference)).await?;
            state.set_only(named.into_iter().collect());
        }
        self.brake(state, job).await?;
        self.push(state, job).await
    }

    async fn poll(&self, state: &RunState, request: &RunRequest, job: Job) -> Result<Polled, PollError> {
        match job {
            Job::Orders => {
                let mut polled = self.poll_orders(request.since).await?;
                if state.is_down(System::Komet) {
                    // Nothing is pushed to it in this run, so nothing has to be known of it.
                    return Ok(polled);
                }
                // Before the first push every window was read once (clarification 1): stemsync's own work of a former
                // life is there to be found.
                let known = self.poll_prebooks(None, Windows::Unknown).await?;
                state.saw_carriers(&known.carriers);
                polled.add(known);
                Ok(polled)
            }
            Job::Prebooks => {
                self.read_orders_first(state).await?;
                let which = if request.paced { Windows::Due } else { Windows::All };
                let polled = self.poll_prebooks(request.since, which).await?;
                state.saw_carriers(&polled.carriers);
                // Axerrio is told a carrier's code: one that came to be known only later would look like a change.
                match self.poll_reference(state.lacks_carriers()).await {
                    Ok(()) => state.learn_carriers(self.store.read(carriers).await?),
                    Err(PollError::System(error)) if !error.is_systemic() && error.fault != Fault::Stopped => {
                        log::warn!(job = job.name(); "{error}; going on without");
                    }
                    Err(error) => return Err(error),
                }
                Ok(polled)
            }
            Job::PurchaseOrders => {
                self.read_orders_first(state).await?;
                self.poll_purchase_orders(request.paced).await
            }
            Job::Labels => {
                self.read_orders_first(state).await?;
                let mut polled = if state.is_down(System::Komet) {
                    Polled::default()
                } else {
                    self.poll_unseen_purchase_orders().await?
                };
                polled.add(self.poll_labels(request.since).await?);
                Ok(polled)
            }
        }
    }

    /// Before anything is made of what Komet shows, Axerrio's orders were read once: what was put there in a former life, or
    /// since a backup that was restored, is there to be found. Else stemsync would take its own work for a stranger's.
    async fn read_orders_first(&self, state: &RunState) -> Result<(), PollError> {
        let watermark = self.store.read(|conn| watermarks::get(conn, Stream::Orders, 0)).await?;
        if watermark.is_some_and(|watermark| watermark.full_at.is_some()) {
            return Ok(());
        }
        if let Some(error) = state.down().into_iter().find(|error| error.system == System::Axerrio) {
            return Err(error.into());
        }
        self.poll_orders(None).await?;
        Ok(())
    }

    /// The brake: stops before the first cancellation if there would be too many, and holds them all together. Only what it
    /// has counted goes.
    async fn brake(&self, state: &RunState, job: Job) -> Result<(), StoreError> {
        if !state.has_news(Look::Brake, self.store.read(OnFile::now).await?) {
            return Ok(());
        }
        let from = self.visible_from();
        let (candidates, open, braked) = self
            .store
            .read(move |conn| {
                let mut candidates = Vec::new();
                for key in orders::dirty(conn)? {
                    if orders::identity(conn, key)?
                        .is_some_and(|o| o.stage != Stage::Placed || o.reference.is_some())
                    {
                        candidates.push(key);
                    }
                }
                Ok((candidates, orders::open_count(conn, from)?, holds::brake(conn)?))
            })
            .await?;
        let mut cancels = Vec::new();
        let mut begun = state.cancelled();
        for key in candidates {
            let Some(order) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
            let known = state.known();
            if plan(&order, &state.rules(key, &self.settings, &known)).cancels {
                begun.remove(&key);
                cancels.push(key);
            }
        }
        let now = self.clock.now();
        // What an earlier job of this run cancelled counts as well, and was open when the run began.
        let total = cancels.len() + begun.len();
        let open = usize::try_from(open).unwrap_or(0) + begun.len();
        // What was stopped goes only when a person lets it through, also where an earlier job left few enough of it.
        let stays = braked.filter(|hold| cancels.iter().any(|key| hold.covers.contains(key)));
        let stops = self.settings.brake.stops(total, open) && !cancels.is_empty();
        if stops || stays.is_some() {
            state.let_cancel(BTreeSet::new());
            let done = match begun.len() {
                0 => "None was cancelled.".to_owned(),
                some => {
                    format!("An earlier job cancelled {some} of them before the others were known; those wait.")
                }
            };
            let detail = format!(
                "this run would cancel {total} of {open} open orders, more than max_cancellations ({}). {done} Release with \
                 --take the side that cancelled to let them through.",
                self.settings.brake.percent
            );
            let detail = stays.filter(|_| !stops).map_or(detail, |hold| hold.detail);
            let reason = HoldReason::TooManyCancellations;
            let event = Event {
                order: None,
                run: Some(state.run.clone()),
                at: now,
                system: None,
                what: "held".to_owned(),
                detail: format!("{}: {detail}", reason.name()),
                result: None,
            };
            let told = detail.clone();
            let new = self
                .store
                .write(move |conn| {
                    let new = holds::set_brake(conn, &cancels, &detail, now)?;
                    if new {
                        events::add(conn, &event)?;
                    }
                    Ok(new)
                })
                .await?;
            state.tally(job, |tally| tally.braked = true);
            if new {
                state.report_hold(job, None, reason, &told);
            }
        } else {
            state.let_cancel(cancels.into_iter().chain(begun).collect());
            self.store.write(holds::clear_brake).await?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // the pieces of one report, gathered in one place
    async fn finish(
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
        let after = self.watermarks(jobs).await?;
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
            && reports.iter().all(|job| job.pushed == 0 && job.failed == 0 && job.changed == 0);
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
        Ok(RunEnd { report, down, failures, stopped, named: state.named() })
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

    /// Where each job's polling stands; of Prebooks the oldest window of the horizon.
    async fn watermarks(&self, jobs: &[Job]) -> Result<BTreeMap<Job, Option<DateTime<Utc>>>, StoreError> {
        let jobs = jobs.to_vec();
        let windows = self.windows();
        self.store
            .read(move |conn| {
                let mut all = BTreeMap::new();
                for job in jobs {
                    let at = match job {
                        Job::Orders => watermarks::get(conn, Stream::Orders, 0)?.map(|w| w.at),
                        Job::Labels => watermarks::get(conn, Stream::Labels, 0)?.map(|w| w.at),
                        Job::PurchaseOrders => watermarks::get(conn, Stream::PurchaseOrders, 0)?.map(|w| w.at),
                        Job::Prebooks => watermarks::list(conn, Stream::Prebooks)?
                            .into_iter()
                            .filter(|(window, _)| windows.contains(window))
                            .map(|(_, w)| w.at)
                            .min(),
                    };
                    all.insert(job, at);
                }
                Ok(all)
            })
            .await
    }

    /// The day that Komet counts requests for, by its own clock (clarification 15).
    pub fn komet_day(&self) -> NaiveDate {
        self.komet_now().date_naive()
    }

    /// A private copy of the database, removed with the directory it is in.
    pub async fn copy_store(&self) -> Result<(crate::store::Store, TempCopy), StoreError> {
        let copy = TempCopy::new()?;
        let (source, target) = (self.store.clone(), copy.path.clone());
        let copied = tokio::task::spawn_blocking(move || source.copy_to(&target)).await;
        copied.map_err(|_| StoreError::from(crate::store::Fault::Closed))??;
        let store = crate::store::Store::open_scratch(&copy.path)?;
        Ok((store, copy))
    }
}

/// A database copy that goes when it is dropped.
pub struct TempCopy {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl TempCopy {
    fn new() -> Result<Self, StoreError> {
        let directory = tempfile::Builder::new().prefix("stemsync-").tempdir().map_err(|e| {
            StoreError::from(crate::store::Fault::CannotOpen(format!("no temporary directory: {e}")))
        })?;
        Ok(Self { path: directory.path().join("copy.db"), _directory: directory })
    }
}

/// Komet's carriers as they are on file: id to code.
fn carriers(conn: &Connection) -> Result<HashMap<i64, String>, StoreError> {
    let list = reference::carriers(conn)?.map(|list| list.items).unwrap_or_default();
    Ok(list.into_iter().map(|carrier| (carrier.id, carrier.code)).collect())
}

struct Counts {
    axerrio: u64,
    komet: u64,
}

/// When the quota's day ends.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let next = day.succ_opt().unwrap_or(day);
    next.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn error_text(errors: &[String], stopped: bool) -> Option<String> {
    let mut text = errors.first().cloned();
    if let (Some(text), more @ 1..) = (&mut text, errors.len().saturating_sub(1)) {
        *text = format!("{text} (and {more} more)");
    }
    text.or_else(|| stopped.then(|| "stopped by a signal".to_owned()))
}

impl RunEnd {
    /// Whether Komet's quota of the day is spent.
    pub fn quota_spent(&self) -> bool {
        self.down.iter().any(|error| matches!(error.fault, Fault::QuotaSpent(_)))
    }
}
