//! What must be read before something can be decided, collected over all orders, so that one request serves many.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};

use super::budget::Source;
use super::engine::Engine;
use super::pace;
use super::plan::Need;
use super::poll::{List, PollError, Polled};
use super::report::Job;
use super::state::{RunState, log_without_words};
use super::tell::some;
use crate::domain::{OrderKey, PoNumber, window_of};
use crate::store::events::{self, Event};
use crate::store::sought::{self, Sought};
use crate::store::{StoreError, intents, orders};
use crate::systems::{Axerrio, Komet, System, without_words};

/// How long a Prebook may wait to be looked up before people are told.
const SOUGHT_TOO_LONG: TimeDelta = TimeDelta::days(1);

/// What an order does that cannot go on before something can be read, as its story tells it.
const WAITS: &str = "waits";

/// Lists of which something could not be read, each with what that was.
pub(super) type Unread = BTreeMap<List, String>;

impl List {
    /// Where what is needed would show.
    pub(super) fn of(need: &Need) -> Self {
        match need {
            Need::Prebooks(date) => Self::Source(Source::Window(window_of(*date))),
            Need::PurchaseOrders(date) => Self::Source(Source::ShipDate(*date)),
            Need::PurchaseOrder(number) => Self::Po(number.clone()),
        }
    }

    /// What people call it.
    fn name(&self) -> String {
        match self {
            Self::Source(source) => format!("the {}", pace::name(*source)),
            Self::Po(number) => format!("PO {number}"),
        }
    }
}

/// Komet's lists that are to be read.
#[derive(Clone, Default)]
pub(super) struct Reads {
    pub(super) windows: BTreeSet<i64>,
    pub(super) po_dates: BTreeSet<NaiveDate>,
    pub(super) po_numbers: BTreeSet<PoNumber>,
}

impl Reads {
    fn is_empty(&self) -> bool {
        self.lists().next().is_none()
    }

    fn add(&mut self, list: List) {
        match list {
            List::Source(Source::Window(window)) => self.windows.insert(window),
            List::Source(Source::ShipDate(date)) => self.po_dates.insert(date),
            List::Po(number) => self.po_numbers.insert(number),
        };
    }

    /// Adds what others need.
    pub(super) fn extend(&mut self, others: Self) {
        self.windows.extend(others.windows);
        self.po_dates.extend(others.po_dates);
        self.po_numbers.extend(others.po_numbers);
    }

    fn lists(&self) -> impl Iterator<Item = List> {
        let windows = self.windows.iter().map(|window| List::Source(Source::Window(*window)));
        let dates = self.po_dates.iter().map(|date| List::Source(Source::ShipDate(*date)));
        windows.chain(dates).chain(self.po_numbers.iter().cloned().map(List::Po))
    }

    /// What could not be read of these lists, if there was anything: what they do not show may be there all the same.
    pub(super) fn first_unread(&self, unread: &Unread) -> Option<String> {
        self.lists().find_map(|list| unread.get(&list).cloned())
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Reads what plans asked for, each list once for all orders. Answers the orders to plan again.
    pub(super) async fn read_needs(
        &self,
        state: &RunState,
        job: Job,
        needs: BTreeMap<Need, BTreeSet<OrderKey>>,
    ) -> Result<BTreeSet<OrderKey>, StoreError> {
        let mut again = BTreeSet::new();
        let mut reads = Reads::default();
        for (need, keys) in needs {
            let name = format!("{need:?}");
            let wanting: Vec<OrderKey> = keys.into_iter().filter(|key| state.may_read_for(*key, &name)).collect();
            if wanting.is_empty() {
                continue;
            }
            again.extend(wanting);
            reads.add(List::of(&need));
        }
        if again.is_empty() || state.is_down(System::Komet) {
            return Ok(BTreeSet::new());
        }
        let left = self.leave_what_is_in_vain(state, &mut reads).await?;
        state.leaves(left);
        if reads.is_empty() {
            return Ok(BTreeSet::new());
        }
        match self.read(state, job, &reads).await {
            Ok(_) => Ok(again),
            Err(PollError::Store(error)) => Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                Ok(BTreeSet::new())
            }
        }
    }

    /// Leaves out what was read just now and made no sense, and answers it.
    pub(super) async fn leave_what_is_in_vain(
        &self,
        state: &RunState,
        reads: &mut Reads,
    ) -> Result<Unread, StoreError> {
        let in_vain = self.in_vain(state.paced).await?;
        let pos_in_vain = self.pos_in_vain(state.paced).await?;
        let is_left = |list: &List| match list {
            List::Source(source) => in_vain.contains(source),
            List::Po(number) => pos_in_vain.contains(number),
        };
        let (left, wanted): (Vec<List>, Vec<List>) = reads.lists().partition(is_left);
        *reads = Reads::default();
        for list in wanted {
            reads.add(list);
        }
        let why = |list: &List| format!("something in {} could not be read just now", list.name());
        Ok(left.into_iter().map(|list| (list.clone(), why(&list))).collect())
    }

    /// Reads each list once; the run knows each from then on. Answers what could not be read of them.
    pub(super) async fn read(&self, state: &RunState, job: Job, reads: &Reads) -> Result<Unread, PollError> {
        let mut unread = Unread::new();
        if !reads.windows.is_empty() {
            let polled = self.read_windows(&reads.windows).await?;
            state.learn_from(&polled);
            state.tally(job, |tally| tally.polled += polled.records);
            unread.extend(polled.in_vain);
        }
        if !reads.po_dates.is_empty() {
            unread.extend(self.read_pos_of(state, job, &reads.po_dates).await?.in_vain);
        }
        for number in &reads.po_numbers {
            let polled = self.read_po(number).await?;
            state.learn_from(&polled);
            unread.extend(polled.in_vain);
        }
        Ok(unread)
    }

    /// Reads the POs of these ship dates; the run knows them from then on.
    pub(super) async fn read_pos_of(
        &self,
        state: &RunState,
        job: Job,
        dates: &BTreeSet<NaiveDate>,
    ) -> Result<Polled, PollError> {
        let polled = self.read_po_dates(dates).await?;
        state.learn_from(&polled);
        state.tally(job, |tally| tally.polled += polled.records);
        Ok(polled)
    }

    /// Tells of Prebooks that wait for long to be looked up, or whoever asked for a run of those that it left: in each report of a run
    /// that polled Prebooks, and in the log once.
    async fn tell_what_is_sought(&self, state: &RunState) -> Result<(), StoreError> {
        if state.is_stopped() || !state.tallies().contains_key(&Job::Prebooks) {
            return Ok(());
        }
        let now = self.clock.now();
        let mut all = self.store.read(sought::list).await?;
        let late: Vec<&mut Sought> =
            all.iter_mut().filter(|one| !state.paced || now - one.since >= SOUGHT_TOO_LONG).collect();
        let Some(since) = late.iter().map(|one| one.since).min() else { return Ok(()) };
        let keys: BTreeSet<OrderKey> = late.iter().flat_map(|one| &one.orders).copied().collect();
        let (count, is_known) = (late.len(), late.iter().all(|one| one.told));
        let mut names = self.store.read(move |conn| orders::names(conn, keys)).await?;
        names.sort_unstable();
        if !is_known {
            for one in late {
                one.told = true;
            }
            self.store.write(move |conn| sought::keep(conn, &all, now)).await?;
        }
        let line = format!(
            "{count} Prebooks that Komet's lists no longer show (orders {}) wait since {} to be looked up, for want of requests: nothing \
             is concluded of them, and their orders stand as they are. The next runs look them up as far as the \
             day's requests go beside what is kept for writes; a larger quota_share, or more paid users, leave them more",
            some(&names),
            since.format("%Y-%m-%d %H:%M UTC")
        );
        let level = if is_known && state.paced { log::Level::Debug } else { log::Level::Warn };
        log_without_words(level, Job::Prebooks, "", &line, "");
        state.tally(Job::Prebooks, |tally| {
            tally.failed += 1;
            tally.still += u64::from(is_known);
            tally.errors.push(line);
        });
        Ok(())
    }

    /// Tells of the orders that wait for what cannot be read, or to be looked up: in each run's report, and in the order's story once.
    pub(super) async fn tell_who_waits(&self, state: &RunState) -> Result<(), StoreError> {
        self.tell_what_is_sought(state).await?;
        let waiting = state.kept_waiting();
        if waiting.is_empty() || state.is_stopped() {
            return Ok(());
        }
        let (run, at) = (state.run.clone(), self.clock.now());
        let told = self
            .store
            .write(move |conn| {
                let outstanding: BTreeSet<OrderKey> = orders::dirty(conn)?.into_iter().collect();
                // Of a request in doubt more is told than that its order waits.
                let in_doubt = intents::orders_in_doubt(conn)?;
                let mut told = Vec::new();
                for (key, job, unread) in waiting {
                    if !outstanding.contains(&key) || in_doubt.contains(&key) {
                        continue;
                    }
                    let Some(order) = orders::load(conn, key)? else { continue };
                    let names: Vec<String> = unread.keys().map(List::name).collect();
                    let lists = format!("for {}", some(&names));
                    let why = unread.into_values().next().unwrap_or_default();
                    let is_known = events::for_order(conn, key)?
                        .iter()
                        .rfind(|event| event.what == WAITS)
                        .is_some_and(|event| event.detail.starts_with(&lists));
                    let detail = format!(
                        "{lists}: not everything there can be read, and nothing that depends on it is sent. It goes on by itself once \
                         somebody has corrected the record in Komet: {why}"
                    );
                    let line = format!("{} {WAITS} {detail}", order.name());
                    if !is_known {
                        let detail = without_words(&detail);
                        let (order, run, what) = (Some(key), Some(run.clone()), WAITS.to_owned());
                        let event = Event { order, run, at, system: Some(System::Komet), what, detail, result: None };
                        events::add(conn, &event)?;
                    }
                    told.push((job, order.name().to_owned(), line, is_known));
                }
                Ok(told)
            })
            .await?;
        for (job, order, line, is_known) in told {
            // A run that nobody asked for repeats itself in the log no more than in the story.
            let level = if is_known && state.paced { log::Level::Debug } else { log::Level::Warn };
            log_without_words(level, job, &order, &line, "");
            state.tally(job, |tally| {
                tally.failed += 1;
                tally.still += u64::from(is_known);
                tally.errors.push(line);
            });
        }
        Ok(())
    }
}
