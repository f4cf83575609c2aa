//! One run: poll, diff, plan, push and verify, for the jobs asked for, in their order; then once more for those that
//! the first pass gave new work, so that what is ready travels the whole way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::{DateTime, NaiveDate, Utc};

use super::budget::Source;
use super::engine::{Engine, Listener, Progress};
use super::plan::Facts;
use super::poll::{PollError, Polled, Windows, unseen};
use super::report::{Job, JobReport, Outcome, Requests, RunReport};
use super::state::{RunState, Setup};
use super::verify::Patience;
use crate::domain::OrderKey;
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, budget, doubt, maps, orders, policy, quota, reference, runs};
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
    /// Jobs whose poll asked Komet something and was answered: the budget may leave a poll nothing to ask.
    pub read: BTreeSet<Job>,
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
        let (on_conflict, create_po) = (self.settings.on_conflict, self.settings.create_po);
        let timezone = self.settings.timezone;
        let visible_from = self.visible_from();
        let run = self
            .store
            .write(move |conn| {
                doubt::doubt_after_a_pause(conn, started_at)?;
                policy::follow(conn, on_conflict, create_po, timezone, visible_from, started_at)?;
                policy::follow_clock(conn, visible_from, started_at)?;
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
        self.tell_quota(&state, &request, sent).await?;
        self.finish(&state, &request, &jobs, &before, requests, started_at).await
    }

    async fn prepare(&self, run: &str, request: &RunRequest) -> Result<RunState, StoreError> {
        let horizon: Vec<NaiveDate> = self.ship_dates().collect();
        let today = self.today();
        let in_vain = self.in_vain(request.paced).await?;
        let po_dates = horizon.iter().copied().collect();
        let (maps, carriers, windows, unknown, unseen, orders) = self
            .store
            .read(move |conn| {
                let windows = watermarks::list(conn, Stream::Prebooks)?;
                let orders = watermarks::get(conn, Stream::Orders, 0)?;
                let (unknown, unseen) = (budget::never_shown(conn, &horizon)?, unseen(conn, today)?);
                Ok((maps::load(conn)?, carriers(conn)?, windows, unknown, unseen, orders))
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
            paced: request.paced,
            failures_are_told: request.failures_are_told,
            facts: Facts {
                windows_known: windows.into_iter().map(|(w, _)| w).collect(),
                po_dates,
                po_dates_unknown: unknown.into_iter().collect(),
                po_dates_unseen: unseen,
                po_dates_in_vain: in_vain.into_iter().filter_map(Source::ship_date).collect(),
                orders_read: orders.map(|watermark| watermark.at),
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
        let (Some(first), Some(last)) = (jobs.first().copied(), jobs.last().copied()) else { return Ok(()) };
        // What a crash or a time-out left open comes first, whatever the jobs.
        self.counted(requests, first, self.verify(state, Patience::None)).await?;
        let mut pushed_before: BTreeMap<Job, u64> = BTreeMap::new();
        // Whether the Prebooks' poll succeeded, where it came before their turn.
        let mut prebooks = None;
        for job in jobs {
            let ahead = prebooks.filter(|_| *job == Job::Prebooks);
            let is_read = match ahead {
                Some(is_read) => is_read,
                None => self.counted(requests, *job, self.look(state, request, *job)).await?,
            };
            if is_read {
                self.brake(state, *job).await?;
                // The brake stops before the first of all that the run would cancel, so what was cancelled in Komet is known before
                // anything goes that was cancelled in Axerrio. If that cannot be read, the run cancels nothing of it either.
                if *job == Job::Orders && jobs.contains(&Job::Prebooks) && state.lets_cancel() {
                    prebooks = Some(
                        self.counted(requests, Job::Prebooks, self.look(state, request, Job::Prebooks)).await?,
                    );
                    self.brake(state, *job).await?;
                }
                self.counted(requests, *job, self.push(state, *job)).await?;
            }
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
        if !self.counted(requests, last, self.verify(state, Patience::UntilDecided)).await?.is_empty() {
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

    /// Runs a pass or a read-back and adds its requests to its job's (clarification 18).
    async fn counted<T>(
        &self,
        requests: &mut BTreeMap<Job, Requests>,
        job: Job,
        pass: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let before = Counts { axerrio: self.axerrio.requests(), komet: self.komet.requests() };
        let result = pass.await;
        let entry = requests.entry(job).or_default();
        entry.axerrio += self.axerrio.requests() - before.axerrio;
        entry.komet += self.komet.requests() - before.komet;
        result
    }

    /// One job: poll, then push what is outstanding. A job whose poll failed pushes nothing.
    async fn pass(&self, state: &RunState, request: &RunRequest, job: Job) -> Result<(), StoreError> {
        if !self.look(state, request, job).await? {
            return Ok(());
        }
        self.brake(state, job).await?;
        self.push(state, job).await
    }

    /// Polls for a job. Answers whether that succeeded.
    async fn look(&self, state: &RunState, request: &RunRequest, job: Job) -> Result<bool, StoreError> {
        if state.is_stopped() {
            return Ok(false);
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
            return Ok(false);
        }
        state.say(&Progress::Polling(job));
        let polled = match self.poll(state, request, job).await {
            Ok(polled) => polled,
            Err(PollError::Store(error)) => return Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                return Ok(false);
            }
        };
        state.learn_from(&polled);
        state.count_polls(job, polled.polls);
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
        Ok(true)
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
                let known = self.poll_prebooks(None, Windows::Unknown { paced: request.paced }).await?;
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
                    Ok(()) => {
                        let known = self.store.read(|conn| Ok((carriers(conn)?, maps::load(conn)?))).await?;
                        state.learn_reference(known.0, known.1);
                    }
                    // Komet allows each method by itself. Where it is the token that it refuses, the next request shows that.
                    Err(PollError::System(error))
                        if matches!(error.fault, Fault::Unauthorized(_))
                            || !error.is_systemic() && error.fault != Fault::Stopped =>
                    {
                        log::warn!(job = job.name(); "{}; going on without", error.for_log());
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
                    self.poll_unseen_purchase_orders(request.paced).await?
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

    /// Where each job's polling stands; of Prebooks the oldest window of the horizon.
    pub(super) async fn watermarks(
        &self,
        jobs: &[Job],
    ) -> Result<BTreeMap<Job, Option<DateTime<Utc>>>, StoreError> {
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

impl RunEnd {
    /// Whether a job read what it polls. One that asked nothing, or only for what was in doubt, says nothing of its system.
    pub fn has_read(&self, job: &JobReport) -> bool {
        let asked = match job.job.polls() {
            System::Axerrio => job.requests.axerrio > 0,
            System::Komet => self.read.contains(&job.job),
        };
        asked && job.outcome != Outcome::Failed
    }

    /// Whether Komet's quota of the day is spent.
    pub fn quota_spent(&self) -> bool {
        self.down.iter().any(|error| matches!(error.fault, Fault::QuotaSpent(_)))
    }
}
