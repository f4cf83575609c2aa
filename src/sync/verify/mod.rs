//! What became of an intent without a result. Nothing is repeated on a guess: the opposite system is read back, the
//! views are brought up to date, and the planner's own recognition (`plan::links`) says whether the effect is there. What
//! `stemsync verify` does is [`super::audit`].
//!
//! Before each request the run, the job, the method, the moment and, for every order and line it is for, the whole action
//! are committed (`store::intents`): what is sent, what of Axerrio's it stands for, and for which Prebook or PO.
//!
//! | method | recorded beside that | the answer adds | may have happened without it |
//! | --- | --- | --- | --- |
//! | `prebook.create` | header and lines as Axerrio says them, the Prebook meant | Prebook, items, *or* that it was another Prebook: strays | a Prebook, or items in one, more |
//! | `prebook.item.delete` | the item, the line it stood for | the link is dead; *or* a refusal | quantity 0, or the item is gone |
//! | `purchase.order.create`, `.mixed.create` | item and goods of each line, the PO to add to | PO, PO lines | a PO, or lines on one, more |
//! | `purchase.order.item.delete` | the PO line, the line it bought | the link is dead; *or* a refusal | quantity 0, or the line is gone |
//! | `purchase.order.items.awb.add` | per entry: PO line, AWB, lot, codes, their box numbers | boxes by code, the rest's PO line; refusals, entry by entry | some entries shipped, their lines split |
//! | `box.code.change` | per entry: code now, code meant, box number | the code; refusals, entry by entry | some codes changed |
//! | `PUT orders/by-ref` | what is sent, what Komet wants, the lines kept | the order as Axerrio shows it | the order made or replaced |
//! | `POST orders/by-ref/…/cancel` | the reference | the order as Axerrio shows it | the order cancelled |
//! | `PUT orders/{id}/purchase-order` | the PO as told | the order as Axerrio shows it | the PO told |
//!
//! | method | what is read | decided as done | decided as not done |
//! | --- | --- | --- | --- |
//! | `prebook.create` | the windows of its ship dates, then its truck date; answered without item ids: also the Prebook by number | every line has a live item; or, added to a Prebook and not answered, all lines are found astray in another one with its header | answered, shipping before Komet's yesterday, or without a cost: a person is asked (`unseen`); else it is kept as it was sent (`given_up`): what comes later and looks like it is cleared away |
//! | `prebook.item.delete` | the window of the ship date | the item is dead or gone | planned again; refused: held |
//! | `purchase.order.create`, `.mixed.create` | the PO by number, else the POs of the ship date, at last the one that its items name | every line is bought on a live PO line | its lines are kept as they were sent (`given_up_purchases`): what comes later, or turns up when each day of the horizon is read once, and looks like them is cleared away; what else may be is held; answered: a person is asked |
//! | `purchase.order.item.delete` | the PO by number | the line is dead or gone | planned again; refused: held |
//! | `purchase.order.items.awb.add` | the POs by number | one of an entry's codes is there | planned again |
//! | `box.code.change` | the POs by number | the code meant is there | planned again |
//! | `PUT orders/by-ref` | the order, or, while its id is not known, the feed | it stands and says what was sent | planned again, idempotent |
//! | `POST orders/by-ref/…/cancel` | the order | it is cancelled | planned again, idempotent |
//! | `PUT orders/{id}/purchase-order` | the order | it knows the PO as told | planned again, idempotent |
//!
//! Done is reported as `adopted` (`done`, where only the ids were wanting), in the run's actions and in the order's
//! events, so that `trace` and `history` tell it. What is answered and not found stays open: the lists are late, not the
//! answer wrong. A read-back that fails or times out decides nothing.
//!
//! A refused deletion is read back, too: what "does not exist" may be gone by the same request, delivered twice.
//!
//! An answer that cannot be read is followed by one read: the system has finished with the request. After a time-out, a connection
//! that broke, a server's error or a proxy's page it may still be at work, so that absence is believed only a time-out later. Until it
//! is settled the intent stays open, nothing is sent for its orders, and the others go on.

mod astray;
mod effect;
mod read;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

pub(super) use astray::awaits_create;

use super::action::Action;
use super::engine::Engine;
use super::poll::PollError;
use super::state::RunState;
use super::tell::some;
use crate::domain::{CreatedPrebook, OrderKey};
use crate::store::events::{self, Event};
use crate::store::intents::{self, Intent, NewIntent};
use crate::store::{StoreError, orders};
use crate::systems::{Axerrio, Fault, Komet, System, SystemError, without_words};

/// How soon a wait ends when a signal says to stop.
const HEARS_A_SIGNAL: Duration = Duration::from_secs(1);

/// What a request is of which something hides what became of it, as the stories of its orders tell it.
const IN_DOUBT: &str = "in doubt";

/// Whether to wait for what may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Other work is left: look, and go on.
    None,
    /// Nothing else is left.
    UntilDecided,
}

/// What an intent's orders and actions are, with what is read for them.
struct Case {
    intent: Intent,
    entries: Vec<(OrderKey, Action)>,
    /// Before this, absence proves nothing.
    decided_from: DateTime<Utc>,
}

/// Truck dates whose Prebooks were read in this round, for all that was sent before it; and what of one could not be.
type Looked = BTreeMap<NaiveDate, Option<String>>;

/// Why a request stays in doubt.
enum Open {
    /// Nothing shows yet what became of it, or it could not be looked, which was told.
    Yet,
    /// Something could not be read that may be what is looked for.
    Unread(String),
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Verifies every open intent; answers the orders that can go on. What may still happen is waited for only where
    /// nothing else is left to do, and only as long as it takes.
    pub(super) async fn verify(
        &self,
        state: &RunState,
        patience: Patience,
    ) -> Result<BTreeSet<OrderKey>, StoreError> {
        let mut freed = BTreeSet::new();
        loop {
            let mut undecided: Option<DateTime<Utc>> = None;
            for system in [System::Komet, System::Axerrio] {
                let cases = self.open_cases(state, system).await?;
                let now = self.clock.now();
                let may_read = |case: &Case| state.may_read_back(&case.intent, case.decided_from, now);
                let (cases, later): (Vec<_>, Vec<_>) = cases.into_iter().partition(may_read);
                let waiting = later.iter().map(|case| case.decided_from).filter(|until| now < *until);
                undecided = waiting.chain(undecided).min();
                if cases.is_empty() || state.is_stopped() {
                    continue;
                }
                let job = cases[0].intent.sent.job;
                let unread = match self.read_back(state, job, &cases).await {
                    Ok(unread) => unread,
                    Err(PollError::Store(error)) => return Err(error),
                    Err(PollError::System(error)) => {
                        state.failed(job, &error);
                        continue;
                    }
                };
                for case in &cases {
                    state.was_read_back(&case.intent, now);
                }
                let mut looked = Looked::default();
                for (case, unread) in cases.into_iter().zip(unread) {
                    let keys: Vec<OrderKey> = case.entries.iter().map(|(key, _)| *key).collect();
                    let until = case.decided_from;
                    // Asked once: what is undecided a moment before its time must still be waited for.
                    let is_decided = self.clock.now() >= until;
                    // What could not be read may be what is looked for.
                    let is_proof = is_decided && unread.is_none();
                    let sent = case.intent.sent.clone();
                    let why = match self.settle(state, case, is_proof, &mut looked).await? {
                        Ok(()) => {
                            freed.extend(keys);
                            continue;
                        }
                        Err(Open::Yet) => unread,
                        Err(Open::Unread(why)) => Some(why),
                    };
                    if !is_decided {
                        undecided = Some(undecided.map_or(until, |at| at.min(until)));
                    } else if let Some(why) = why {
                        self.tell_doubt(state, &sent, keys, why).await?;
                    }
                }
            }
            let Some(until) = undecided.filter(|_| patience == Patience::UntilDecided && freed.is_empty()) else {
                return Ok(freed);
            };
            let mut left = (until - self.clock.now()).to_std().unwrap_or(Duration::ZERO);
            while !left.is_zero() {
                if state.is_stopped() {
                    return Ok(freed);
                }
                let step = left.min(HEARS_A_SIGNAL);
                self.clock.sleep(step).await;
                left -= step;
            }
        }
    }

    /// Tells that a request stays in doubt because something could not be read: in each run's report, and in the stories of its orders
    /// once.
    async fn tell_doubt(
        &self,
        state: &RunState,
        sent: &NewIntent,
        keys: Vec<OrderKey>,
        why: String,
    ) -> Result<(), StoreError> {
        let NewIntent { job, system, sent_at, .. } = *sent;
        let what = format!("whether {} had its effect is not known", sent.method);
        let told = format!("{what}, and nothing more is sent before it is: {}", without_words(&why));
        let (begins, run, at) = (what.clone(), state.run.clone(), self.clock.now());
        let (names, is_known) = self
            .store
            .write(move |conn| {
                let mut names = BTreeSet::new();
                let mut is_known = true;
                for key in keys {
                    let Some(order) = orders::load(conn, key)? else { continue };
                    names.insert(order.name().to_owned());
                    let is_told = |event: &Event| {
                        event.what == IN_DOUBT && event.at >= sent_at && event.detail.starts_with(&begins)
                    };
                    if !events::for_order(conn, key)?.iter().any(is_told) {
                        is_known = false;
                        let (order, run, what) = (Some(key), Some(run.clone()), IN_DOUBT.to_owned());
                        let detail = told.clone();
                        let event = Event { order, run, at, system: Some(system), what, detail, result: None };
                        events::add(conn, &event)?;
                    }
                }
                Ok((names.into_iter().collect::<Vec<_>>(), is_known))
            })
            .await?;
        let names = some(&names);
        let fault = Fault::Unreadable(format!(
            "{what}, and nothing more is sent for its order ({names}) before it is; that is looked for again by itself, and shows \
             once this can be read: {why}"
        ));
        state.doubts(job, &names, &SystemError { system, method: "read-back", fault }, is_known);
        Ok(())
    }

    /// The open intents of a system that is in reach.
    async fn open_cases(&self, state: &RunState, system: System) -> Result<Vec<Case>, StoreError> {
        if state.dry_run || state.is_down(system) {
            return Ok(Vec::new());
        }
        let (open, last_event) =
            self.store.read(|conn| Ok((intents::list(conn)?, events::last_at(conn)?))).await?;
        let timeout = chrono::Duration::from_std(self.settings.komet_timeout).unwrap_or_default();
        // A process that died sent its last request about when it last committed something.
        let last_sign = open.iter().map(|intent| intent.sent.sent_at).chain(last_event).max();
        let now = self.clock.now();
        let mut cases = Vec::new();
        for intent in open.into_iter().filter(|intent| intent.sent.system == system) {
            let entries: Vec<(OrderKey, Action)> = intent.action()?;
            let own = intent.sent.run == state.run;
            let crashed = last_sign.filter(|_| !own).map_or(intent.sent.sent_at, |at| at + timeout);
            let mut decided_from = intent.decided_from.unwrap_or(crashed);
            if decided_from > now + timeout {
                // The clock was set back since: it is waited for from now on, and not until it is there again.
                decided_from = now + timeout;
                let id = intent.id;
                self.store.write(move |conn| intents::decide(conn, id, decided_from)).await?;
            }
            cases.push(Case { intent, entries, decided_from });
        }
        Ok(cases)
    }
}

pub(super) fn prebook_answer(answer: &str) -> Option<CreatedPrebook> {
    serde_json::from_str(answer).ok()
}
