//! Pushing: each request is recorded as an intent and committed, then sent, and its result, the new views and the
//! agreed view are committed in one transaction after it. Different orders run side by side, the steps of one order
//! in order; the store commits together what waits together. A request whose outcome is unknown leaves its intent
//! open for `verify`, and its order waits.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};

use super::action::{Action, CreatePrebook};
use super::apply::{Outcome, apply, assume};
use super::engine::{Engine, Progress};
use super::plan::{Need, Plan, plan, window_of};
use super::poll::PollError;
use super::report::{ActionReport, ActionResult, Job};
use super::state::RunState;
use super::verify::Patience;
use crate::domain::{CodeChange, CreatedPo, CreatedPrebook, Flow, Hold, Order, OrderKey, Rejection, Shipment};
use crate::store::events::{self, Event};
use crate::store::intents::{self, IntentId, NewIntent};
use crate::store::{Connection, StoreError, holds, orders};
use crate::systems::{Axerrio, Certainty, Fault, Komet, System, SystemError};

/// Orders whose views are in memory at once: enough that one commit serves many, little enough for a small machine.
const ORDERS_IN_HAND: usize = 192;

/// Rounds of reading, batching and verifying after which the rest is left to the next run.
const ROUNDS: usize = 40;

/// What became of one order for now.
#[derive(Default)]
struct Driven {
    key: Option<OrderKey>,
    needs: BTreeSet<Need>,
    batch: Vec<Entry>,
}

/// One order's part in a request that serves many.
struct Entry {
    key: OrderKey,
    name: String,
    action: Action,
}

/// A step whose result is not committed yet.
struct Finished {
    intent: Option<IntentId>,
    event: Event,
}

/// What a system answered.
enum Answered {
    Outcome(Outcome),
    /// Done, but the ids must be read back: the answer so far, as JSON.
    Incomplete(String),
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Pushes what is outstanding for `job`, until nothing more can be done in this run.
    pub(super) async fn push(&self, state: &RunState, job: Job) -> Result<(), StoreError> {
        let in_doubt = self.store.read(intents::orders_in_doubt).await?;
        let mut queue: Vec<OrderKey> = self.store.read(orders::dirty).await?;
        queue.retain(|key| !in_doubt.contains(key) && state.is_about(*key));
        state.say(&Progress::Orders(job, queue.len()));
        for _ in 0..ROUNDS {
            let mut needs: BTreeMap<Need, BTreeSet<OrderKey>> = BTreeMap::new();
            let mut batch = Vec::new();
            let mut driving =
                stream::iter(queue).map(|key| self.drive(state, job, key)).buffer_unordered(ORDERS_IN_HAND);
            while let Some(driven) = driving.next().await {
                let driven = driven?;
                state.say(&Progress::OrderDone(job));
                batch.extend(driven.batch);
                for need in driven.needs {
                    needs.entry(need).or_default().extend(driven.key);
                }
            }
            drop(driving);
            if state.is_stopped() {
                break;
            }
            let mut again = self.send_batches(state, job, batch).await?;
            again.extend(self.read_needs(state, job, needs).await?);
            again.extend(self.verify(state, Patience::None).await?);
            if again.is_empty() {
                break;
            }
            queue = again.into_iter().collect();
        }
        Ok(())
    }

    /// Takes one order as far as it goes: plan, send, apply, and plan again.
    async fn drive(&self, state: &RunState, job: Job, key: OrderKey) -> Result<Driven, StoreError> {
        let Some(mut order) = self.store.read(move |conn| orders::load(conn, key)).await? else {
            return Ok(Driven::default());
        };
        let mut finished: Option<Finished> = None;
        let mut recorded: Vec<Hold> = Vec::new();
        loop {
            let known = state.known();
            let planned = plan(&order, &state.rules(&self.settings, &known));
            let next = self.choose(state, job, &order, &planned);
            recorded.extend(planned.recorded.iter().cloned());
            let Some((planned_key, action)) = next else {
                return self.rest(state, job, order, Plan { recorded, ..planned }, finished).await;
            };
            order.agreed = planned.agreed;
            if state.dry_run {
                let detail = action.detail();
                state.report(job, report(&order, &action, ActionResult::Planned, detail));
                match assume(&order, &action, state.serial()) {
                    Some(outcome) => apply(&mut order, &action, &outcome),
                    None => return Ok(Driven::default()),
                }
                continue;
            }
            let intent = self.begin(state, job, &order, &action, finished.take()).await?;
            let answer = {
                let _permit = state.permits.acquire().await;
                if state.is_stopped() || state.is_down(action.system()) {
                    // Not sent: the intent is withdrawn, and the order stays dirty for the next run.
                    self.store.write(move |conn| intents::close(conn, intent)).await?;
                    return Ok(Driven::default());
                }
                self.send(&action).await
            };
            let at = self.clock.now();
            match answer {
                Ok(Answered::Outcome(outcome)) => {
                    apply(&mut order, &action, &outcome);
                    let detail = done(&action, &outcome);
                    finished = Some(Finished {
                        intent: Some(intent),
                        event: event(state, &order, &action, at, ActionResult::Done, &detail),
                    });
                    if let Action::CancelOrder(_) = action {
                        state.cancelled_one();
                    }
                    state.report(job, report(&order, &action, ActionResult::Done, detail));
                }
                Ok(Answered::Incomplete(answer)) => {
                    self.store.write(move |conn| intents::answer(conn, intent, &answer)).await?;
                    return Ok(Driven::default());
                }
                Err(error) if error.certainty() == Certainty::NotDone => {
                    let detail = format!("{}: {error}", action.detail());
                    finished = Some(Finished {
                        intent: Some(intent),
                        event: event(state, &order, &action, at, ActionResult::Failed, &detail),
                    });
                    Self::not_done(state, &mut order, planned_key, &action, &error);
                    state.report(job, report(&order, &action, ActionResult::Failed, detail));
                }
                Err(error) => {
                    let why = error.to_string();
                    log::warn!(
                        job = job.name(), order = order.name();
                        "{why}; whether it was done is read back before anything is repeated"
                    );
                    let from = self.decided_from(&error);
                    self.store.write(move |conn| intents::doubt(conn, intent, &why, from)).await?;
                    return Ok(Driven::default());
                }
            }
        }
    }

    /// From when on a read-back that does not find the effect may be believed: at once where the system has finished with
    /// the request, a further time-out later where it may still be at work.
    fn decided_from(&self, error: &SystemError) -> DateTime<Utc> {
        let timeout = TimeDelta::from_std(self.settings.komet_timeout).unwrap_or_default();
        let now = self.clock.now();
        if error.certainty() == Certainty::Pending { now + timeout } else { now }
    }

    /// A request that certainly had no effect: refused, or its system is out of reach. A refusal is remembered under
    /// the key of what was planned, where planning finds it again, also if only a part of that was sent.
    fn not_done(state: &RunState, order: &mut Order, key: String, action: &Action, error: &SystemError) {
        if error.is_systemic() {
            state.set_down(error);
            return;
        }
        let message = match &error.fault {
            Fault::Rejected(message) | Fault::NotFound(message) => message.clone(),
            other => other.to_string(),
        };
        state.refused(order.key);
        order.agreed.rejections.insert(key, Rejection { lines: action.lines(), message });
    }

    /// The first action of the plan that this job may send now, cut to what one request holds, and its key uncut.
    fn choose(&self, state: &RunState, job: Job, order: &Order, planned: &Plan) -> Option<(String, Action)> {
        if state.is_stopped() {
            return None;
        }
        planned
            .actions
            .iter()
            .filter(|action| action.job(order.flow) == job && !action.is_batched())
            .filter(|action| !state.is_down(action.system()))
            .map(|action| (action.key(), action))
            .find(|(key, _)| !state.was_tried(order.key, key) && state.try_once(order.key, key))
            .map(|(key, action)| (key, self.fit(action.clone())))
    }

    /// As many lines as one request of 64,000 bytes holds; the others follow, planned anew.
    fn fit(&self, action: Action) -> Action {
        match action {
            Action::CreatePrebook(mut create) => {
                let fits = self.komet.prebook_fits(&create.new);
                create.new.items.truncate(fits);
                create.lines.truncate(fits);
                Action::CreatePrebook(create)
            }
            Action::CreatePo(mut new) => {
                let fits = self.komet.po_fits(&new);
                new.lines.truncate(fits);
                Action::CreatePo(new)
            }
            other => other,
        }
    }

    /// Commits the intent, together with the step before it.
    async fn begin(
        &self,
        state: &RunState,
        job: Job,
        order: &Order,
        action: &Action,
        finished: Option<Finished>,
    ) -> Result<IntentId, StoreError> {
        let key = order.key;
        let entries = vec![(key, action.clone())];
        let now = self.clock.now();
        let intent = NewIntent::new(&state.run, job, action.system(), action.method(), &entries, vec![key], now)?;
        let snapshot = finished.is_some().then(|| (order.axerrio.order.clone(), order.komet.clone()));
        let agreed = order.agreed.clone();
        self.store
            .write(move |conn| {
                if let Some((axerrio, komet)) = &snapshot {
                    save_views(conn, key, axerrio.as_ref(), komet)?;
                }
                orders::save_agreed(conn, key, &agreed)?;
                if let Some(finished) = &finished {
                    finish(conn, finished)?;
                }
                intents::open(conn, &intent)
            })
            .await
    }

    /// Nothing more to send for this order now: commits what is agreed, held and how far it has come.
    async fn rest(
        &self,
        state: &RunState,
        job: Job,
        order: Order,
        planned: Plan,
        finished: Option<Finished>,
    ) -> Result<Driven, StoreError> {
        let key = order.key;
        let name = order.name().to_owned();
        let flow = order.flow;
        state.tally(job, |tally| {
            if planned.holds.is_empty() {
                tally.held.remove(&key);
            } else {
                tally.held.insert(key, planned.holds.len() as u64);
            }
        });
        let braked = planned.cancels && planned.actions.is_empty();
        let dirty = !planned.actions.is_empty() || !planned.needs.is_empty() || braked;
        let batch = planned
            .actions
            .iter()
            .filter(|action| action.is_batched() && action.job(flow) == job)
            .filter(|action| !state.is_down(action.system()) && !state.was_tried(key, &action.key()))
            .map(|action| Entry { key, name: name.clone(), action: action.clone() })
            .collect();
        let ship_date = match (&order.axerrio.order, flow) {
            (Some(shown), Flow::FromAxerrio) => shown.header.ship_date,
            _ => order.ship_date,
        };
        let now = self.clock.now();
        let opened = self
            .store
            .write(move |conn| {
                if finished.is_some() {
                    save_views(conn, key, order.axerrio.order.as_ref(), &order.komet)?;
                }
                if finished.is_some() || planned.agreed != order.agreed {
                    orders::save_agreed(conn, key, &planned.agreed)?;
                }
                if let Some(finished) = &finished {
                    finish(conn, finished)?;
                }
                let changes = holds::sync_order(conn, key, &planned.holds, now)?;
                for (hold, what) in changes
                    .opened
                    .iter()
                    .map(|hold| (hold, "held"))
                    .chain(changes.cleared.iter().map(|hold| (hold, "hold cleared")))
                    .chain(planned.recorded.iter().map(|hold| (hold, "settled for the owner")))
                {
                    events::add(
                        conn,
                        &Event {
                            order: Some(key),
                            run: None,
                            at: now,
                            system: None,
                            what: what.to_owned(),
                            detail: format!("{}: {}", hold.reason.name(), hold.detail),
                            result: None,
                        },
                    )?;
                }
                orders::settle(conn, key, planned.stage, ship_date, dirty)?;
                Ok((changes.opened, planned.needs))
            })
            .await?;
        for hold in &opened.0 {
            log::warn!(job = job.name(), order = name.as_str(); "held, {}: {}", hold.reason.name(), hold.detail);
            state.report_hold(job, &name, hold);
        }
        Ok(Driven { key: Some(key), needs: opened.1, batch })
    }

    /// Sends one request of one order.
    async fn send(&self, action: &Action) -> Result<Answered, SystemError> {
        let outcome = match action {
            Action::CreatePrebook(create) => {
                let created = self.komet.prebook_create(&create.new).await?;
                if created.items.as_ref().is_none_or(|items| items.len() != create.lines.len()) {
                    return Ok(incomplete(&CreatedPrebook { items: None, ..created }));
                }
                Outcome::PrebookCreated(created)
            }
            Action::DeleteItem(delete) => {
                self.komet.prebook_item_delete(&delete.prebook, &delete.item).await?;
                Outcome::Deleted
            }
            Action::CreatePo(new) => {
                let created = self.komet.po_create(new).await?;
                if created.lines.as_ref().is_none_or(|lines| lines.len() != new.lines.len()) {
                    return Ok(incomplete(&CreatedPo { lines: None, ..created }));
                }
                Outcome::PoCreated(created)
            }
            Action::DeletePoLine(delete) => {
                self.komet.po_item_delete(&delete.po_item).await?;
                Outcome::Deleted
            }
            Action::PutOrder(put) => {
                Outcome::Order(Box::new(self.axerrio.put_order(&put.reference, &put.input).await?))
            }
            Action::CancelOrder(cancel) => {
                Outcome::Order(Box::new(self.axerrio.cancel_order(&cancel.reference).await?))
            }
            Action::PutPurchaseOrder(put) => {
                Outcome::Order(Box::new(self.axerrio.put_purchase_order(&put.order, &put.info).await?))
            }
            Action::Ship(ship) => {
                let mut shipped = self.komet.ship(std::slice::from_ref(&ship.shipment)).await?;
                match shipped.pop() {
                    Some(shipped) => Outcome::Shipped(shipped),
                    None => return Err(unmentioned(action)),
                }
            }
            Action::ChangeCode(change) => {
                self.komet.change_codes(std::slice::from_ref(&change.change)).await?;
                Outcome::CodeChanged
            }
        };
        Ok(Answered::Outcome(outcome))
    }

    /// Sends what several orders share: shipments and code changes, in as few requests as 64 KB allow.
    async fn send_batches(
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
        while !batch.is_empty() && !state.is_stopped() && !state.is_down(System::Komet) {
            let method = batch[0].action.method();
            let same = batch.iter().take_while(|entry| entry.action.method() == method).count();
            let fits = self.batch_fits(&batch[..same]);
            let chunk: Vec<Entry> = batch.drain(..fits).collect();
            again.extend(self.send_batch(state, job, chunk).await?);
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

    async fn send_batch(
        &self,
        state: &RunState,
        job: Job,
        chunk: Vec<Entry>,
    ) -> Result<BTreeSet<OrderKey>, StoreError> {
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
            Err(error) if error.certainty() == Certainty::NotDone => {
                if error.is_systemic() {
                    state.set_down(&error);
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
                log::warn!(job = job.name(); "{why}; whether it was done is read back before anything is repeated");
                self.store.write(move |conn| intents::doubt(conn, intent, &why, from)).await?;
                return Ok(BTreeSet::new());
            }
        };
        let is_down = state.is_down(System::Komet);
        // "Box code does not exist" may mean that it was already changed: the PO is read before that is believed.
        let unsure = shipments.is_empty() && !is_down && results.iter().any(Result::is_err);
        let mut settled: Vec<Settled> = Vec::new();
        for (entry, result) in chunk.into_iter().zip(results) {
            let (outcome, detail) = match &result {
                Ok(outcome) => (ActionResult::Done, done(&entry.action, outcome)),
                Err(message) => (ActionResult::Failed, format!("{}: {message}", entry.action.detail())),
            };
            if !(unsure && result.is_err()) {
                let action = ActionReport {
                    order: Some(entry.name.clone()),
                    system: System::Komet,
                    method: entry.action.method().to_owned(),
                    result: outcome,
                    detail: detail.clone(),
                };
                state.report(job, action);
            }
            settled.push((entry, result, outcome, detail));
        }
        let run = state.run.clone();
        let at = self.clock.now();
        self.store
            .write(move |conn| {
                let open = unsure;
                settled.retain(|(_, result, _, _)| !(unsure && result.is_err()));
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
                if open {
                    intents::doubt(conn, intent, "some boxes were refused", at)
                } else {
                    intents::close(conn, intent)
                }
            })
            .await?;
        Ok(keys.into_iter().collect())
    }

    /// Reads what plans asked for, each list once for all orders. Answers the orders to plan again.
    async fn read_needs(
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
                state.learn(|facts| facts.po_dates_read.extend(&polled.po_dates));
                state.tally(job, |tally| tally.polled += polled.records);
            }
            for number in &numbers {
                self.read_po(number).await?;
                state.learn(|facts| facts.po_numbers_read.extend([number.clone()]));
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

fn incomplete(created: &impl serde::Serialize) -> Answered {
    Answered::Incomplete(serde_json::to_string(created).unwrap_or_default())
}

fn unmentioned(action: &Action) -> SystemError {
    SystemError {
        system: action.system(),
        method: action.method(),
        fault: Fault::Unreadable("the answer has no result".to_owned()),
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

pub(super) fn save_views(
    conn: &Connection,
    key: OrderKey,
    axerrio: Option<&crate::domain::AxOrder>,
    komet: &crate::domain::KometView,
) -> Result<(), StoreError> {
    if let Some(shown) = axerrio {
        orders::save_axerrio(conn, key, shown)?;
    }
    orders::save_komet(conn, key, komet)?;
    Ok(())
}

fn finish(conn: &Connection, finished: &Finished) -> Result<(), StoreError> {
    events::add(conn, &finished.event)?;
    match finished.intent {
        Some(intent) => intents::close(conn, intent),
        None => Ok(()),
    }
}

pub(super) fn event(
    state: &RunState,
    order: &Order,
    action: &Action,
    at: chrono::DateTime<chrono::Utc>,
    result: ActionResult,
    detail: &str,
) -> Event {
    Event {
        order: Some(order.key),
        run: Some(state.run.clone()),
        at,
        system: Some(action.system()),
        what: action.method().to_owned(),
        detail: detail.to_owned(),
        result: Some(result),
    }
}

pub(super) fn report(order: &Order, action: &Action, result: ActionResult, detail: String) -> ActionReport {
    ActionReport {
        order: Some(order.name().to_owned()),
        system: action.system(),
        method: action.method().to_owned(),
        result,
        detail,
    }
}

/// What was done, with the numbers that people know it by.
pub(super) fn done(action: &Action, outcome: &Outcome) -> String {
    match (action, outcome) {
        (Action::CreatePrebook(CreatePrebook { expect, .. }), Outcome::PrebookCreated(created)) => {
            if expect.as_ref().is_some_and(|expected| *expected != created.id) {
                format!(
                    "prebook {} was answered, which is not the order's; the line is taken out again",
                    created.number
                )
            } else {
                format!("prebook {}", created.number)
            }
        }
        (Action::CreatePo(_), Outcome::PoCreated(created)) => format!("PO {}", created.number),
        (Action::PutOrder(put), Outcome::Order(order)) => format!("{} is {}", put.reference, order.id),
        _ => action.detail(),
    }
}
