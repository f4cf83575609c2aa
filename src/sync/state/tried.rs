//! What a run has tried: how often each request may still be sent and each need read for, and what it may cancel.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::RunState;
use crate::domain::OrderKey;
use crate::store::intents::Intent;
use crate::sync::budget::APART;
use crate::sync::report::{ActionReport, Job};

/// How often one request may be sent in a run: once, and once more if a read-back showed that it had no effect.
const ATTEMPTS: u8 = 2;

/// Refusals after which an order is left alone until the next run: what refuses three of its requests will refuse the
/// others too.
const REFUSALS: u8 = 3;

impl RunState {
    /// The brake has counted what the run would cancel: these orders may go, and no other. What turns out to be cancelled
    /// only once a plan has read what it needs waits until it was counted, too.
    pub(in crate::sync) fn let_cancel(&self, orders: BTreeSet<OrderKey>) {
        let mut shared = self.shared();
        if shared.may_cancel != orders {
            shared.may_cancel = orders;
            shared.read += 1;
        }
    }

    /// Whether the brake has let anything go.
    pub(in crate::sync) fn lets_cancel(&self) -> bool {
        !self.shared().may_cancel.is_empty()
    }

    /// Whether this request may still be sent in this run; counts it.
    pub(in crate::sync) fn try_once(&self, order: OrderKey, key: &str) -> bool {
        let mut shared = self.shared();
        let tried = shared.tried.entry((order, key.to_owned())).or_default();
        if *tried > 0 {
            return false;
        }
        *tried = 1;
        shared.undone.remove(&(order, key.to_owned()));
        true
    }

    pub(in crate::sync) fn was_tried(&self, order: OrderKey, key: &str) -> bool {
        let shared = self.shared();
        shared.tried.get(&(order, key.to_owned())).is_some_and(|tried| *tried > 0)
            || shared.refusals.get(&order).is_some_and(|refusals| *refusals >= REFUSALS)
    }

    /// A read-back showed that the request had no effect: it may be sent again, once.
    pub(in crate::sync) fn allow_again(&self, order: OrderKey, key: &str) {
        let mut shared = self.shared();
        let again = shared.asked.entry((order, key.to_owned())).or_default();
        *again += 1;
        if *again < ATTEMPTS {
            shared.tried.remove(&(order, key.to_owned()));
        }
    }

    /// What this run sent had no effect: if it is not sent again, and its order is not done with without it, the run has failed
    /// in that.
    pub(in crate::sync) fn had_no_effect(&self, job: Job, order: OrderKey, key: String, told: ActionReport) {
        self.shared().undone.insert((order, key), (job, told));
    }

    /// Whether there is such a request.
    pub(in crate::sync) fn has_undone(&self) -> bool {
        !self.shared().undone.is_empty()
    }

    /// Tells of what had no effect and is `outstanding` still.
    pub(in crate::sync) fn tell_undone(&self, outstanding: &[OrderKey]) {
        let undone = std::mem::take(&mut self.shared().undone);
        let left = undone.into_iter().filter(|((order, _), _)| outstanding.contains(order));
        left.for_each(|(_, (job, told))| self.note(job, told));
    }

    /// Whether a need of an order may be read for (again): what a read did not satisfy is not read forever.
    pub(in crate::sync) fn may_read_for(&self, order: OrderKey, need: &str) -> bool {
        let mut shared = self.shared();
        let asked = shared.asked.entry((order, need.to_owned())).or_default();
        *asked += 1;
        *asked <= ATTEMPTS
    }

    /// Whether it is time to read for a request in doubt: no source is read twice within ten seconds (quota.md), but
    /// for once when its absence comes to prove something.
    pub(in crate::sync) fn may_read_back(
        &self,
        intent: &Intent,
        decided_from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        let shared = self.shared();
        let last = shared.read_back.get(&(intent.id, intent.sent.sent_at));
        last.is_none_or(|last| now - *last >= APART || *last < decided_from && now >= decided_from)
    }

    pub(in crate::sync) fn was_read_back(&self, intent: &Intent, at: DateTime<Utc>) {
        self.shared().read_back.insert((intent.id, intent.sent.sent_at), at);
    }

    pub(in crate::sync) fn refused(&self, order: OrderKey) {
        *self.shared().refusals.entry(order).or_default() += 1;
    }

    /// The run sends what cancels the order, or a part of it.
    pub(in crate::sync) fn cancels(&self, key: OrderKey) {
        self.shared().cancelled.insert(key);
    }

    /// The orders that the run has begun to cancel, whichever side they were cancelled on.
    pub(in crate::sync) fn cancelled(&self) -> BTreeSet<OrderKey> {
        self.shared().cancelled.clone()
    }
}
