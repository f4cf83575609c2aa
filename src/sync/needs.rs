//! What must be read before something can be decided, collected over all orders, so that one request serves many.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::budget::Source;
use super::engine::Engine;
use super::plan::{Need, window_of};
use super::poll::PollError;
use super::report::Job;
use super::state::RunState;
use crate::domain::{OrderKey, PoNumber};
use crate::store::StoreError;
use crate::systems::{Axerrio, Komet, System};

/// Komet's lists that are to be read.
#[derive(Default)]
pub(super) struct Reads {
    pub(super) windows: BTreeSet<i64>,
    pub(super) po_dates: BTreeSet<NaiveDate>,
    pub(super) po_numbers: BTreeSet<PoNumber>,
}

impl Reads {
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.windows.len() + self.po_dates.len() + self.po_numbers.len()
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
            match need {
                Need::Prebooks(date) => reads.windows.insert(window_of(date)),
                Need::PurchaseOrders(date) => reads.po_dates.insert(date),
                Need::PurchaseOrder(number) => reads.po_numbers.insert(number),
            };
        }
        if again.is_empty() || state.is_down(System::Komet) {
            return Ok(BTreeSet::new());
        }
        self.leave_what_is_in_vain(state, &mut reads).await?;
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

    /// Leaves out what was read just now and made no sense; answers whether there was any.
    pub(super) async fn leave_what_is_in_vain(
        &self,
        state: &RunState,
        reads: &mut Reads,
    ) -> Result<bool, StoreError> {
        let in_vain = self.in_vain(state.paced).await?;
        let before = reads.len();
        reads.windows.retain(|window| !in_vain.contains(&Source::Window(*window)));
        reads.po_dates.retain(|date| !in_vain.contains(&Source::ShipDate(*date)));
        reads.po_numbers.retain(|number| !self.is_in_vain(number, state.paced));
        Ok(reads.len() < before)
    }

    /// Reads each list once; the run knows each from then on. Answers what could not be read of them.
    pub(super) async fn read(&self, state: &RunState, job: Job, reads: &Reads) -> Result<Vec<String>, PollError> {
        let mut unreadable = Vec::new();
        if !reads.windows.is_empty() {
            let polled = self.read_windows(&reads.windows).await?;
            state.learn_from(&polled);
            state.tally(job, |tally| tally.polled += polled.records);
            unreadable.extend(polled.unreadable);
        }
        if !reads.po_dates.is_empty() {
            let polled = self.read_po_dates(&reads.po_dates).await?;
            state.learn_from(&polled);
            state.tally(job, |tally| tally.polled += polled.records);
            unreadable.extend(polled.unreadable);
        }
        for number in &reads.po_numbers {
            let polled = self.read_po(number).await?;
            state.learn_from(&polled);
            unreadable.extend(polled.unreadable);
        }
        Ok(unreadable)
    }
}
