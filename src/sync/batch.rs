//! Requests that serve many orders: shipments and code changes travel together, in as few requests as 64 KB allow. One
//! intent stands for all of a request's entries; each entry is judged by itself.

use std::collections::{BTreeSet, VecDeque};

use super::action::Action;
use super::apply::{Outcome, apply};
use super::engine::Engine;
use super::push::{Refusal, save_views};
use super::report::{ActionReport, ActionResult, Job};
use super::state::{READ_BACK_FIRST, RunState, log_without_words};
use super::tell::done;
use crate::domain::{CodeChange, OrderKey, Rejection, Shipment};
use crate::store::events::{self, Event};
use crate::store::intents::{self, NewIntent};
use crate::store::{Connection, StoreError, orders};
use crate::systems::{Axerrio, Certainty, Fault, Komet, System, SystemError};

/// One order's part in a request that serves many.
pub(super) struct Entry {
    pub(super) key: OrderKey,
    pub(super) name: String,
    pub(super) action: Action,
    /// Komet refused it before.
    pub(super) was_refused: bool,
}

/// What became of a shared request.
enum Sent {
    /// Each part is settled; these orders are planned again.
    Settled(BTreeSet<OrderKey>),
    /// All of it was refused, it may be for the sake of one part.
    Refused(Vec<Entry>),
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Sends what several orders share: shipments and code changes, in as few requests as 64 KB allow.
    pub(super) async fn send_batches(
        &self,
        state: &RunState,
        job: Job,
        batch: Vec<Entry>,
    ) -> Result<BTreeSet<OrderKey>, StoreError> {
        let mut batch: Vec<Entry> =
            batch.into_iter().filter(|entry| state.try_once(entry.key, &entry.action.key())).collect();
        batch.sort_by_key(|entry| (entry.action.method(), entry.key));
        let mut again = BTreeSet::new();
        if state.dry_run {
            for entry in batch {
                let action = ActionReport {
                    order: Some(entry.name),
                    system: entry.action.system(),
                    method: entry.action.method().to_owned(),
                    result: ActionResult::Planned,
                    detail: entry.action.detail(),
                };
                state.report(job, action);
            }
            return Ok(again);
        }
        // A part for which Komet may refuse the whole call keeps no other from going.
        let (alone, mut together): (Vec<Entry>, Vec<Entry>) =
            batch.into_iter().partition(|entry| entry.was_refused);
        let mut calls = VecDeque::new();
        while !together.is_empty() {
            let method = together[0].action.method();
            let same = together.iter().take_while(|entry| entry.action.method() == method).count();
            let fits = self.batch_fits(&together[..same]);
            calls.push_back(together.drain(..fits).collect());
        }
        calls.extend(alone.into_iter().map(|entry| vec![entry]));
        while let Some(chunk) = calls.pop_front() {
            if state.is_stopped() || state.is_down(System::Komet) {
                break;
            }
            match self.send_batch(state, job, chunk).await? {
                Sent::Settled(keys) => again.extend(keys),
                Sent::Refused(mut chunk) => {
                    let half = chunk.split_off(chunk.len() / 2);
                    calls.push_front(half);
                    calls.push_front(chunk);
                }
            }
        }
        Ok(again)
    }

    fn batch_fits(&self, entries: &[Entry]) -> usize {
        let (shipments, changes) = split(entries);
        let fits = if shipments.is_empty() {
            self.komet.changes_fit(&changes)
        } else {
            self.komet.shipments_fit(&shipments)
        };
        fits.clamp(1, entries.len())
    }

    async fn send_batch(&self, state: &RunState, job: Job, chunk: Vec<Entry>) -> Result<Sent, StoreError> {
        let keys: Vec<OrderKey> = chunk.iter().map(|entry| entry.key).collect();
        let entries: Vec<(OrderKey, Action)> = chunk.iter().map(|e| (e.key, e.action.clone())).collect();
        let method = chunk[0].action.method();
        let now = self.clock.now();
        let intent = NewIntent::new(&state.run, job, System::Komet, method, &entries, keys.clone(), now)?;
        let intent = self.store.write(move |conn| intents::open(conn, &intent)).await?;
        let (shipments, changes) = split(&chunk);
        let answer = if shipments.is_empty() {
            self.komet.change_codes(&changes).await.map(|results| {
                results.into_iter().map(|r| r.result.map(|()| Outcome::CodeChanged)).collect::<Vec<_>>()
            })
        } else {
            self.komet.ship(&shipments).await.map(|results| {
                results.into_iter().map(|r| r.result.clone().map(|()| Outcome::Shipped(r))).collect::<Vec<_>>()
            })
        };
        let results: Vec<Result<Outcome, String>> = match answer {
            Ok(results) if results.len() == chunk.len() => results,
            Err(SystemError { fault: Fault::Rejected(_), .. }) if chunk.len() > 1 => {
                self.store.write(move |conn| intents::close(conn, intent)).await?;
                return Ok(Sent::Refused(chunk));
            }
            Err(error) if error.certainty() == Certainty::NotDone => {
                if error.is_systemic() {
                    state.lost_at_write(job, &error);
                }
                let message = match &error.fault {
                    Fault::Rejected(message) => message.clone(),
                    _ => error.to_string(),
                };
                chunk.iter().map(|_| Err(message.clone())).collect()
            }
            failed => {
                let (why, from) = match failed {
                    Err(error) => (error.to_string(), self.decided_from(&error)),
                    Ok(_) => ("the answer lacks results".to_owned(), self.clock.now()),
                };
                log_without_words(log::Level::Warn, job, "", &why, READ_BACK_FIRST);
                self.store.write(move |conn| intents::doubt(conn, intent, &why, from)).await?;
                return Ok(Sent::Settled(BTreeSet::new()));
            }
        };
        let is_down = state.is_down(System::Komet);
        // "Box code does not exist" may mean that it was already changed: the PO is read before that is believed.
        let unsure = shipments.is_empty() && !is_down;
        let mut refused: Vec<(NewIntent, String)> = Vec::new();
        let mut settled: Vec<Settled> = Vec::new();
        for (entry, result) in chunk.into_iter().zip(results) {
            let (outcome, detail) = match &result {
                Ok(outcome) => (ActionResult::Done, done(&entry.action, outcome)),
                Err(message) if unsure => {
                    refused.push(self.in_doubt(state, job, entry, message)?);
                    continue;
                }
                Err(message) => (ActionResult::Failed, format!("{}: refused: {message}", entry.action.detail())),
            };
            let action = ActionReport {
                order: Some(entry.name.clone()),
                system: System::Komet,
                method: entry.action.method().to_owned(),
                result: outcome,
                detail: detail.clone(),
            };
            state.report(job, action);
            settled.push((entry, result, outcome, detail));
        }
        let run = state.run.clone();
        let at = self.clock.now();
        self.store
            .write(move |conn| {
                // An order's entries stand together, and an order of hundreds of boxes is written once.
                for of_order in settled.chunk_by(|(a, ..), (b, ..)| a.key == b.key) {
                    settle_entries(conn, of_order, is_down)?;
                }
                for (entry, _, outcome, detail) in &settled {
                    events::add(
                        conn,
                        &Event {
                            order: Some(entry.key),
                            run: Some(run.clone()),
                            at,
                            system: Some(System::Komet),
                            what: entry.action.method().to_owned(),
                            detail: detail.clone(),
                            result: Some(*outcome),
                        },
                    )?;
                }
                for (one, why) in &refused {
                    let one = intents::open(conn, one)?;
                    intents::answer(conn, one, why)?;
                    intents::doubt(conn, one, "the box was refused", at)?;
                }
                intents::close(conn, intent)
            })
            .await?;
        Ok(Sent::Settled(keys.into_iter().collect()))
    }

    /// An intent of its own for a part that was refused, with Komet's words for whoever is asked if it had no effect.
    fn in_doubt(
        &self,
        state: &RunState,
        job: Job,
        entry: Entry,
        message: &str,
    ) -> Result<(NewIntent, String), StoreError> {
        let method = entry.action.method();
        let fault = Fault::Rejected(message.to_owned());
        let refusal = Refusal::of(&SystemError { system: System::Komet, method, fault });
        let entries = [(entry.key, entry.action)];
        let now = self.clock.now();
        let intent = NewIntent::new(&state.run, job, System::Komet, method, &entries, vec![entry.key], now)?;
        Ok((intent, serde_json::to_string(&refusal).unwrap_or_default()))
    }
}

fn split(entries: &[Entry]) -> (Vec<Shipment>, Vec<CodeChange>) {
    let mut shipments = Vec::new();
    let mut changes = Vec::new();
    for entry in entries {
        match &entry.action {
            Action::Ship(ship) => shipments.push(ship.shipment.clone()),
            Action::ChangeCode(change) => changes.push(change.change.clone()),
            _ => {}
        }
    }
    (shipments, changes)
}

/// What became of one order's part in a shared request, with its report.
type Settled = (Entry, Result<Outcome, String>, ActionResult, String);

/// Brings one order's views to what its parts of a shared request did.
fn settle_entries(conn: &Connection, entries: &[Settled], is_down: bool) -> Result<(), StoreError> {
    let Some(key) = entries.first().map(|(entry, ..)| entry.key) else { return Ok(()) };
    let Some(mut order) = orders::load(conn, key)? else { return Ok(()) };
    for (entry, result, ..) in entries {
        match result {
            Ok(outcome) => apply(&mut order, &entry.action, outcome),
            Err(_) if is_down => {}
            Err(message) => {
                let rejection = Rejection { lines: entry.action.lines(), message: message.clone() };
                order.agreed.rejections.insert(entry.action.key(), rejection);
            }
        }
    }
    save_views(conn, key, order.axerrio.order.as_ref(), &order.komet)?;
    orders::save_agreed(conn, key, &order.agreed)?;
    orders::mark_dirty(conn, &[key])
}
