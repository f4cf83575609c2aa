//! What plans ask to have read before they can decide, collected over all orders, so that one request serves many.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Engine;
use super::plan::{Need, window_of};
use super::poll::PollError;
use super::report::Job;
use super::state::RunState;
use crate::domain::OrderKey;
use crate::store::StoreError;
use crate::systems::{Axerrio, Komet, System};

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Reads what plans asked for, each list once for all orders. Answers the orders to plan again.
    pub(super) async fn read_needs(
        &self,
        state: &RunState,
        job: Job,
        needs: BTreeMap<Need, BTreeSet<OrderKey>>,
    ) -> Result<BTreeSet<OrderKey>, StoreError> {
        let mut again = BTreeSet::new();
        let mut windows = BTreeSet::new();
        let mut dates = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for (need, keys) in needs {
            let name = format!("{need:?}");
            let wanting: Vec<OrderKey> = keys.into_iter().filter(|key| state.may_read_for(*key, &name)).collect();
            if wanting.is_empty() {
                continue;
            }
            again.extend(wanting);
            match need {
                Need::Prebooks(date) => windows.insert(window_of(date)),
                Need::PurchaseOrders(date) => dates.insert(date),
                Need::PurchaseOrder(number) => numbers.insert(number),
            };
        }
        if again.is_empty() || state.is_down(System::Komet) {
            return Ok(BTreeSet::new());
        }
        let read = async {
            if !windows.is_empty() {
                let polled = self.read_windows(&windows).await?;
                state.learn(|facts| {
                    facts.windows_known.extend(&polled.windows);
                    facts.windows_read.extend(&polled.windows);
                });
                state.tally(job, |tally| tally.polled += polled.records);
            }
            if !dates.is_empty() {
                let polled = self.read_po_dates(&dates).await?;
                state.learn_pos(&polled);
                state.tally(job, |tally| tally.polled += polled.records);
            }
            for number in &numbers {
                state.learn_pos(&self.read_po(number).await?);
            }
            Ok::<(), PollError>(())
        };
        match read.await {
            Ok(()) => Ok(again),
            Err(PollError::Store(error)) => Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                Ok(BTreeSet::new())
            }
        }
    }
}
