//! What one run knows beside the database: what it has read, what it has tried, which system is down, and what it
//! will report. Shared by the orders that are pushed at the same time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use super::action::CreatePrebook;
use super::apply::Outcome;
use super::budget::APART;
use super::engine::{Listener, Progress, Settings};
use super::needs::Unread;
use super::plan::{Facts, Made, Need, Rules};
use super::poll::{List, Polled};
use super::report::{ActionReport, ActionResult, Job};
use crate::domain::{HoldReason, MapKind, Maps, OrderKey};
use crate::store::OnFile;
use crate::store::intents::{Intent, IntentId};
use crate::systems::{Fault, System, SystemError, without_words};

/// How often one request may be sent in a run: once, and once more if a read-back showed that it had no effect.
const ATTEMPTS: u8 = 2;

/// Refusals after which an order is left alone until the next run: what refuses three of its requests will refuse the
/// others too.
const REFUSALS: u8 = 3;

/// What one run knows.
pub(super) struct RunState {
    pub(super) run: String,
    pub(super) dry_run: bool,
    pub(super) visible_from: chrono::NaiveDate,
    pub(super) permits: Semaphore,
    stop: Arc<AtomicBool>,
    listener: Option<Listener>,
    /// Nobody waits for the run.
    pub(super) paced: bool,
    pub(super) failures_are_told: bool,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Only these orders are pushed; `None`: all of them.
    only: Option<BTreeSet<OrderKey>>,
    known: Known,
    /// What this run made.
    made: HashMap<OrderKey, Arc<Made>>,
    /// Carriers, by Komet's id, of the Prebooks that changed.
    carriers_seen: BTreeSet<i64>,
    tried: HashMap<(OrderKey, String), u8>,
    asked: HashMap<(OrderKey, String), u8>,
    refusals: HashMap<OrderKey, u8>,
    down: BTreeMap<System, SystemError>,
    /// Polls and read-backs that failed, and for which job.
    failures: Vec<(Job, SystemError)>,
    actions: Vec<ActionReport>,
    /// Requests that had no effect, for which job, until they are sent again.
    undone: BTreeMap<(OrderKey, String), (Job, ActionReport)>,
    tallies: BTreeMap<Job, Tally>,
    serial: i64,
    /// Orders that the brake has counted and lets it cancel.
    may_cancel: BTreeSet<OrderKey>,
    /// Orders that it has begun to cancel.
    cancelled: BTreeSet<OrderKey>,
    settled: u64,
    /// Grows with what was read.
    read: u64,
    /// Lists of which something cannot be read: the run found it out, or leaves them because another one just did.
    unread: Unread,
    /// What each order's plan needs to know before it can go on, and the job that came to it first.
    waiting: BTreeMap<OrderKey, (Job, BTreeSet<List>)>,
    /// When each request in doubt was read back. Numbers of intents are used again, moments are not.
    read_back: HashMap<(IntentId, DateTime<Utc>), DateTime<Utc>>,
    /// When each job last pushed, and the brake last judged.
    looked: HashMap<Look, Mark>,
}

/// Who looks at everything that is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Look {
    /// The brake.
    Brake,
    /// A job that pushes.
    Push(Job),
}

/// A moment between two changes: of what is on file, by this process or another, and of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    on_file: OnFile,
    read: u64,
}

/// What has been read by now: a plan works on one moment's state of it.
#[derive(Clone, Default)]
pub(super) struct Known {
    facts: Arc<Facts>,
    /// Komet's carriers: id to code.
    carriers: Arc<HashMap<i64, String>>,
    /// The local maps, and by which ids they name Komet's box types.
    maps: Arc<Maps>,
    /// What this run made of the order.
    made: Arc<Made>,
}

impl Known {
    /// Reads the maps as they were when this was asked for: they may have been corrected since, and what came of the request is
    /// what was asked for.
    pub(super) fn ask_as(&mut self, create: &CreatePrebook) {
        let maps = Arc::make_mut(&mut self.maps);
        maps.set(MapKind::Customer, &create.header.customer.code, create.new.customer.id());
        for ((_, terms), item) in create.lines.iter().zip(&create.new.items) {
            if terms.is_mixed() {
                for (part, asked) in terms.mix.iter().zip(&item.goods.mix) {
                    maps.set(MapKind::Product, &part.product.code, asked.product.id());
                }
            } else {
                maps.set(MapKind::Product, &terms.product.code, item.product.id());
            }
        }
    }
}

/// What a job has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) polled: u64,
    /// Requests by which its poll read Komet.
    pub(super) polls: u64,
    pub(super) changed: u64,
    pub(super) pushed: u64,
    pub(super) failed: u64,
    /// How many of these are orders that an earlier run has told of: they still wait for the same.
    pub(super) still: u64,
    /// Holds that were open on the orders the job looked at when it looked.
    pub(super) held: BTreeMap<OrderKey, u64>,
    /// The brake held cancellations while it was at work.
    pub(super) braked: bool,
    /// What to say of a failure, the first one first.
    pub(super) errors: Vec<String>,
    /// The job as a whole did not succeed.
    pub(super) broken: bool,
}

/// How a run is to be carried out.
pub(super) struct Setup {
    pub(super) run: String,
    pub(super) dry_run: bool,
    pub(super) only: Option<BTreeSet<OrderKey>>,
    pub(super) maps: Maps,
    pub(super) carriers: HashMap<i64, String>,
    pub(super) visible_from: chrono::NaiveDate,
    pub(super) concurrency: usize,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) listener: Option<Listener>,
    pub(super) paused: Vec<SystemError>,
    pub(super) paced: bool,
    pub(super) failures_are_told: bool,
    pub(super) facts: Facts,
}

impl RunState {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            run: setup.run,
            dry_run: setup.dry_run,
            visible_from: setup.visible_from,
            permits: Semaphore::new(setup.concurrency.max(1)),
            stop: setup.stop,
            listener: setup.listener,
            paced: setup.paced,
            failures_are_told: setup.failures_are_told,
            shared: Mutex::new(Shared {
                known: Known {
                    facts: Arc::new(setup.facts),
                    carriers: Arc::new(setup.carriers),
                    maps: Arc::new(setup.maps),
                    made: Arc::default(),
                },
                only: setup.only,
                down: setup.paused.into_iter().map(|error| (error.system, error)).collect(),
                ..Shared::default()
            }),
        }
    }

    /// The state stays usable after a panic elsewhere: it holds counts, not invariants.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn say(&self, progress: &Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether the run is about this order.
    pub(super) fn is_about(&self, order: OrderKey) -> bool {
        self.shared().only.as_ref().is_none_or(|only| only.contains(&order))
    }

    /// Narrows the run to these orders.
    pub(super) fn set_only(&self, orders: BTreeSet<OrderKey>) {
        let mut shared = self.shared();
        shared.only = Some(orders);
        shared.looked.clear();
    }

    /// Whether anything happened since `look` was last asked for: if not, it would find what it found then. A look during
    /// which something happened counts for nothing.
    pub(super) fn has_news(&self, look: Look, on_file: OnFile) -> bool {
        let mut shared = self.shared();
        let mark = Mark { on_file, read: shared.read };
        shared.looked.insert(look, mark) != Some(mark)
    }

    /// How many orders the run was narrowed to.
    pub(super) fn named(&self) -> usize {
        self.shared().only.as_ref().map_or(0, BTreeSet::len)
    }

    pub(super) fn known_for(&self, order: OrderKey) -> Known {
        let shared = self.shared();
        let made = shared.made.get(&order).cloned().unwrap_or_default();
        Known { made, ..shared.known.clone() }
    }

    /// A request of this run ended so.
    pub(super) fn made(&self, order: OrderKey, outcome: &Outcome) {
        outcome.note(Arc::make_mut(self.shared().made.entry(order).or_default()));
    }

    pub(super) fn learn(&self, change: impl FnOnce(&mut Facts)) {
        let mut shared = self.shared();
        let mut facts = Facts::clone(&shared.known.facts);
        change(&mut facts);
        if *shared.known.facts != facts {
            shared.known.facts = Arc::new(facts);
            shared.read += 1;
        }
    }

    /// What was read need not be read again in this run: windows, the POs of ship dates, single POs.
    pub(super) fn learn_from(&self, polled: &Polled) {
        self.learn(|facts| {
            // POs that were read before the Prebooks of a window showed whose items they buy.
            if polled.windows.iter().any(|window| !facts.windows_known.contains(window)) {
                facts.po_dates_read.clear();
                facts.po_numbers_read.clear();
            }
            facts.windows_known.extend(&polled.windows);
            facts.windows_seen.extend(&polled.windows_seen);
            facts.windows_whole.extend(&polled.windows);
            facts.po_dates_unknown.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_unseen.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_read.extend(&polled.po_dates);
            facts.po_dates_in_vain.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_in_vain.extend(polled.in_vain.keys().filter_map(List::ship_date));
            facts.po_numbers_read.extend(polled.po_numbers.iter().cloned());
        });
        let mut shared = self.shared();
        shared.unread.retain(|list, _| !polled.has_read(list));
        shared.unread.extend(polled.in_vain.clone());
    }

    /// These lists are left because something in them could not be read just now.
    pub(super) fn leaves(&self, left: Unread) {
        let mut shared = self.shared();
        // What this run read of them itself says more.
        for (list, why) in left {
            shared.unread.entry(list).or_insert(why);
        }
    }

    /// What an order waits for, as its plan is now.
    pub(super) fn waits_for(&self, order: OrderKey, job: Job, needs: &BTreeSet<Need>) {
        let mut shared = self.shared();
        if needs.is_empty() {
            shared.waiting.remove(&order);
        } else {
            shared.waiting.entry(order).or_insert((job, BTreeSet::new())).1 = needs.iter().map(List::of).collect();
        }
    }

    /// The orders that wait for lists of which something cannot be read: for which job, and what that is.
    pub(super) fn kept_waiting(&self) -> Vec<(OrderKey, Job, Unread)> {
        let shared = self.shared();
        let unread = |lists: &BTreeSet<List>| -> Unread {
            let known = lists.iter().filter_map(|list| Some((list.clone(), shared.unread.get(list)?.clone())));
            known.collect()
        };
        let waiting = shared.waiting.iter().map(|(order, (job, lists))| (*order, *job, unread(lists)));
        waiting.filter(|(.., unread)| !unread.is_empty()).collect()
    }

    /// Komet's carriers as they were just read, and the maps that go by its box types.
    pub(super) fn learn_reference(&self, carriers: HashMap<i64, String>, maps: Maps) {
        let mut shared = self.shared();
        if *shared.known.carriers != carriers || *shared.known.maps != maps {
            shared.known.carriers = Arc::new(carriers);
            shared.known.maps = Arc::new(maps);
            shared.read += 1;
        }
    }

    pub(super) fn saw_carriers(&self, seen: &BTreeSet<i64>) {
        self.shared().carriers_seen.extend(seen);
    }

    /// Whether a changed Prebook goes by a carrier that is not in the list.
    pub(super) fn lacks_carriers(&self) -> bool {
        let shared = self.shared();
        shared.carriers_seen.iter().any(|id| !shared.known.carriers.contains_key(id))
    }

    /// What holds for an order in this run.
    pub(super) fn rules<'a>(&'a self, order: OrderKey, settings: &'a Settings, known: &'a Known) -> Rules<'a> {
        Rules {
            on_conflict: settings.on_conflict,
            create_po: settings.create_po,
            location_code: settings.location_code.as_deref(),
            maps: &known.maps,
            carriers: &known.carriers,
            visible_from: self.visible_from,
            facts: &known.facts,
            made: &known.made,
            may_cancel: self.shared().may_cancel.contains(&order),
        }
    }

    /// The brake has counted what the run would cancel: these orders may go, and no other. What turns out to be cancelled
    /// only once a plan has read what it needs waits until it was counted, too.
    pub(super) fn let_cancel(&self, orders: BTreeSet<OrderKey>) {
        let mut shared = self.shared();
        if shared.may_cancel != orders {
            shared.may_cancel = orders;
            shared.read += 1;
        }
    }

    /// Whether the brake has let anything go.
    pub(super) fn lets_cancel(&self) -> bool {
        !self.shared().may_cancel.is_empty()
    }

    /// Whether this request may still be sent in this run; counts it.
    pub(super) fn try_once(&self, order: OrderKey, key: &str) -> bool {
        let mut shared = self.shared();
        let tried = shared.tried.entry((order, key.to_owned())).or_default();
        if *tried > 0 {
            return false;
        }
        *tried = 1;
        shared.undone.remove(&(order, key.to_owned()));
        true
    }

    pub(super) fn was_tried(&self, order: OrderKey, key: &str) -> bool {
        let shared = self.shared();
        shared.tried.get(&(order, key.to_owned())).is_some_and(|tried| *tried > 0)
            || shared.refusals.get(&order).is_some_and(|refusals| *refusals >= REFUSALS)
    }

    /// A read-back showed that the request had no effect: it may be sent again, once.
    pub(super) fn allow_again(&self, order: OrderKey, key: &str) {
        let mut shared = self.shared();
        let again = shared.asked.entry((order, key.to_owned())).or_default();
        *again += 1;
        if *again < ATTEMPTS {
            shared.tried.remove(&(order, key.to_owned()));
        }
    }

    /// What this run sent had no effect: if it is not sent again, and its order is not done with without it, the run has failed
    /// in that.
    pub(super) fn had_no_effect(&self, job: Job, order: OrderKey, key: String, told: ActionReport) {
        self.shared().undone.insert((order, key), (job, told));
    }

    /// Whether there is such a request.
    pub(super) fn has_undone(&self) -> bool {
        !self.shared().undone.is_empty()
    }

    /// Tells of what had no effect and is `outstanding` still.
    pub(super) fn tell_undone(&self, outstanding: &[OrderKey]) {
        let undone = std::mem::take(&mut self.shared().undone);
        let left = undone.into_iter().filter(|((order, _), _)| outstanding.contains(order));
        left.for_each(|(_, (job, told))| self.note(job, told));
    }

    /// Whether a need of an order may be read for (again): what a read did not satisfy is not read forever.
    pub(super) fn may_read_for(&self, order: OrderKey, need: &str) -> bool {
        let mut shared = self.shared();
        let asked = shared.asked.entry((order, need.to_owned())).or_default();
        *asked += 1;
        *asked <= ATTEMPTS
    }

    /// Whether it is time to read for a request in doubt: no source is read twice within ten seconds (quota.md), but
    /// for once when its absence comes to prove something.
    pub(super) fn may_read_back(&self, intent: &Intent, decided_from: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let shared = self.shared();
        let last = shared.read_back.get(&(intent.id, intent.sent.sent_at));
        last.is_none_or(|last| now - *last >= APART || *last < decided_from && now >= decided_from)
    }

    pub(super) fn was_read_back(&self, intent: &Intent, at: DateTime<Utc>) {
        self.shared().read_back.insert((intent.id, intent.sent.sent_at), at);
    }

    pub(super) fn refused(&self, order: OrderKey) {
        *self.shared().refusals.entry(order).or_default() += 1;
    }

    /// A system is out of reach: nothing more is sent to it in this run.
    pub(super) fn set_down(&self, error: &SystemError) {
        self.shared().down.entry(error.system).or_insert_with(|| error.clone());
    }

    /// The system failed as a whole at a write. Its orders are told one by one, this once.
    pub(super) fn lost_at_write(&self, job: Job, error: &SystemError) {
        if !self.is_down(error.system) {
            self.log_failure(job, "", error);
        }
        self.set_down(error);
    }

    fn log_failure(&self, job: Job, order: &str, error: &SystemError) {
        // That the quota is spent is told once a day, at the end of the run that finds it out.
        let is_told = self.failures_are_told || matches!(error.fault, Fault::QuotaSpent(_));
        let level = if is_told { log::Level::Debug } else { log::Level::Error };
        log_without_words(level, job, order, &error.to_string(), "");
    }

    pub(super) fn is_down(&self, system: System) -> bool {
        self.shared().down.contains_key(&system)
    }

    /// Whether the system's quota is spent, which is told once and not for every request.
    fn is_spent(&self, system: System) -> bool {
        self.shared().down.get(&system).is_some_and(|error| matches!(error.fault, Fault::QuotaSpent(_)))
    }

    pub(super) fn down(&self) -> Vec<SystemError> {
        self.shared().down.values().cloned().collect()
    }

    pub(super) fn failures(&self) -> Vec<(Job, SystemError)> {
        self.shared().failures.clone()
    }

    pub(super) fn serial(&self) -> i64 {
        let mut shared = self.shared();
        shared.serial += 1;
        shared.serial
    }

    /// A request that was in doubt is settled: its orders can go on, whichever job is at work.
    pub(super) fn settled_one(&self) {
        self.shared().settled += 1;
    }

    /// Grows with everything that may give some job work.
    pub(super) fn progress(&self) -> u64 {
        let shared = self.shared();
        shared.settled + shared.tallies.values().map(|tally| tally.pushed).sum::<u64>()
    }

    /// Requests by which a job's poll read Komet.
    pub(super) fn count_polls(&self, job: Job, polls: u64) {
        self.tally(job, |tally| tally.polls += polls);
    }

    /// Those of all jobs: requests that were the turn of a source, not a plan's.
    pub(super) fn polls(&self) -> u64 {
        self.shared().tallies.values().map(|tally| tally.polls).sum()
    }

    /// The run sends what cancels the order, or a part of it.
    pub(super) fn cancels(&self, key: OrderKey) {
        self.shared().cancelled.insert(key);
    }

    /// The orders that the run has begun to cancel, whichever side they were cancelled on.
    pub(super) fn cancelled(&self) -> BTreeSet<OrderKey> {
        self.shared().cancelled.clone()
    }

    /// Reports a push and counts it for its job.
    pub(super) fn report(&self, job: Job, action: ActionReport) {
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
    pub(super) fn note(&self, job: Job, action: ActionReport) {
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

    pub(super) fn tally(&self, job: Job, change: impl FnOnce(&mut Tally)) {
        change(self.shared().tallies.entry(job).or_default());
    }

    pub(super) fn tallies(&self) -> BTreeMap<Job, Tally> {
        self.shared().tallies.clone()
    }

    pub(super) fn take_actions(&self) -> Vec<ActionReport> {
        std::mem::take(&mut self.shared().actions)
    }
}

/// Logs what was told of a failure without the words of the system that failed, and what stemsync does `then`; and whole where
/// somebody asked for that (`-vv`).
pub(super) fn log_without_words(level: log::Level, job: Job, order: &str, told: &str, then: &str) {
    let short = without_words(told);
    log::log!(level, job = job.name(), order = order; "{short}{then}");
    if short != told {
        log::debug!(job = job.name(), order = order; "{told}");
    }
}

/// What is said of a write in doubt.
pub(super) const READ_BACK_FIRST: &str = "; whether it was done is read back before anything is repeated";

impl RunState {
    /// A read failed: the job did not do all it should; if the whole system is out of reach, nothing more is asked
    /// of it.
    pub(super) fn failed(&self, job: Job, error: &SystemError) {
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
    pub(super) fn doubts(&self, job: Job, orders: &str, doubt: &SystemError, is_known: bool) {
        if is_known && self.paced {
            log_without_words(log::Level::Debug, job, orders, &doubt.to_string(), "");
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
    pub(super) fn report_hold(&self, job: Job, order: Option<&str>, reason: HoldReason, detail: &str) {
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
