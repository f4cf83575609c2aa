//! Pushing: each request is recorded as an intent and committed, then sent, and its result, the new views and the
//! agreed view are committed in one transaction after it. Different orders run side by side, the steps of one order
//! in order; the store commits together what waits together. A request whose outcome is unknown leaves its intent
//! open for `verify`, and its order waits.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::action::Action;
use super::apply::{apply, assume, prebook_named};
use super::batch::Entry;
use super::engine::{Engine, Progress};
use super::plan::{Need, Plan, plan};
use super::report::{ActionResult, Job};
use super::send::Answered;
use super::state::{Look, READ_BACK_FIRST, RunState, log_error};
use super::tell::{done, event, report};
use super::verify::{Patience, awaits_create, prebook_answer};
use crate::domain::{Flow, Hold, Order, OrderKey, PoItemId, PrebookId, Rejection};
use crate::store::events::{self, Event};
use crate::store::intents::{self, IntentId, NewIntent};
use crate::store::{Connection, OnFile, StoreError, holds, orders};
use crate::systems::{Axerrio, Certainty, Fault, Komet, SystemError};

/// Orders whose views are in memory at once: enough that one commit serves many, little enough for a small machine.
const ORDERS_IN_HAND: usize = 128;

/// How many orders are in hand where so many requests may be under way. Where they go one by one, so do the orders: the
/// same trade is then always carried out in the same order, as the demo promises.
fn in_hand(requests: usize) -> usize {
    if requests > 1 { ORDERS_IN_HAND } else { 1 }
}

/// Rounds of reading, batching and verifying after which the rest is left to the next run.
const ROUNDS: usize = 40;

/// What became of one order for now.
#[derive(Default)]
struct Driven {
    key: Option<OrderKey>,
    needs: BTreeSet<Need>,
    batch: Vec<Entry>,
}

/// A step whose result is not committed yet.
struct Finished {
    intent: IntentId,
    event: Event,
    buried: Option<Buried>,
}

/// A PO line of a flow 2 Prebook that stemsync deleted.
pub(super) struct Buried {
    key: OrderKey,
    prebook: PrebookId,
    kin: BTreeSet<OrderKey>,
    line: PoItemId,
}

impl Buried {
    pub(super) fn of(order: &Order, action: &Action) -> Option<Self> {
        let (Action::DeletePoLine(delete), Some(prebook)) = (action, &order.prebook) else { return None };
        let (prebook, kin) = (prebook.clone(), order.agreed.kin.clone());
        Some(Self { key: order.key, prebook, kin, line: delete.po_item.clone() })
    }

    /// The Prebook's orders of other ship dates, and others which an item may have moved to, know that it was no buyer who took the
    /// line from the PO.
    pub(super) fn tell_others(&self, conn: &Connection) -> Result<(), StoreError> {
        let others: BTreeSet<OrderKey> = orders::keys_by_prebook(conn, &self.prebook)?.into_iter().collect();
        for other in others.union(&self.kin).copied().filter(|key| *key != self.key) {
            let mut agreed = orders::load_agreed(conn, other)?;
            let links = agreed.lines.values_mut().flat_map(|line| &mut line.po_lines);
            links.filter(|link| link.line == self.line).for_each(|link| link.dead = true);
            orders::save_agreed(conn, other, &agreed)?;
            let mut view = orders::load_komet(conn, other)?;
            let lines = view.purchase_orders.iter_mut().flat_map(|po| &mut po.lines);
            lines.filter(|line| line.id == self.line).for_each(|line| line.terms.boxes = 0);
            orders::save_komet(conn, other, &view)?;
            orders::mark_dirty(conn, &[other])?;
        }
        Ok(())
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Pushes what is outstanding for `job`, until nothing more can be done in this run.
    pub(super) async fn push(&self, state: &RunState, job: Job) -> Result<(), StoreError> {
        if !state.has_news(Look::Push(job), self.store.read(OnFile::now).await?) {
            return Ok(());
        }
        let in_doubt = self.store.read(intents::orders_in_doubt).await?;
        let mut queue: Vec<OrderKey> = self.store.read(orders::dirty).await?;
        queue.retain(|key| !in_doubt.contains(key) && state.is_about(*key));
        state.say(&Progress::Orders(job, queue.len()));
        for _ in 0..ROUNDS {
            let mut needs: BTreeMap<Need, BTreeSet<OrderKey>> = BTreeMap::new();
            let mut batch = Vec::new();
            let families = self.store.read(move |conn| orders::families(conn, &queue)).await?;
            let mut driving = stream::iter(families)
                .map(|family| self.drive_family(state, job, family))
                .buffer_unordered(in_hand(self.settings.concurrency));
            while let Some(family) = driving.next().await {
                for driven in family? {
                    state.say(&Progress::OrderDone(job));
                    batch.extend(driven.batch);
                    for need in driven.needs {
                        needs.entry(need).or_default().extend(driven.key);
                    }
                }
            }
            drop(driving);
            if state.is_stopped() {
                break;
            }
            let mut again = self.send_batches(state, job, batch).await?;
            again.extend(self.read_needs(state, job, needs).await?);
            // What was read for one cancellation may show more of them.
            if state.lets_cancel() {
                self.brake(state, job).await?;
            }
            again.extend(self.verify(state, Patience::None).await?);
            if again.is_empty() {
                break;
            }
            queue = again.into_iter().collect();
        }
        Ok(())
    }

    /// Orders that may take lines from each other, one after the other.
    async fn drive_family(
        &self,
        state: &RunState,
        job: Job,
        family: Vec<OrderKey>,
    ) -> Result<Vec<Driven>, StoreError> {
        let mut driven = Vec::with_capacity(family.len());
        for key in family {
            driven.push(self.drive(state, job, key).await?);
        }
        Ok(driven)
    }

    /// Takes one order as far as it goes: plan, send, apply, and plan again.
    async fn drive(&self, state: &RunState, job: Job, key: OrderKey) -> Result<Driven, StoreError> {
        let loaded = self.store.read(move |conn| {
            let Some(order) = orders::load(conn, key)? else { return Ok(None) };
            // What may be a line astray is nobody's order yet.
            Ok((!awaits_create(conn, &order)?).then_some(order))
        });
        let Some(mut order) = loaded.await? else {
            return Ok(Driven::default());
        };
        let mut finished: Option<Finished> = None;
        let mut recorded: Vec<Hold> = Vec::new();
        loop {
            let known = state.known_for(key);
            let planned = plan(&order, &state.rules(key, &self.settings, &known));
            let next = self.choose(state, job, &order, &planned);
            recorded.extend(planned.recorded.iter().cloned());
            let Some((planned_key, action)) = next else {
                return self.rest(state, job, order, Plan { recorded, ..planned }, finished).await;
            };
            order.agreed = planned.agreed;
            if planned.cancels {
                state.cancels(key);
            }
            if state.dry_run {
                let detail = action.detail();
                state.report(job, report(&order, &action, ActionResult::Planned, detail));
                match assume(&order, &action, state.serial()) {
                    Some(outcome) => {
                        apply(&mut order, &action, &outcome);
                        state.made(key, &outcome);
                    }
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
                    state.made(key, &outcome);
                    let detail = done(&action, &outcome);
                    finished = Some(Finished {
                        buried: Buried::of(&order, &action),
                        intent,
                        event: event(state, &order, &action, at, ActionResult::Done, &detail),
                    });
                    state.report(job, report(&order, &action, ActionResult::Done, detail));
                }
                Ok(Answered::Incomplete(answer)) => {
                    if let (Action::CreatePrebook(create), Some(created)) = (&action, prebook_answer(&answer)) {
                        prebook_named(&mut order, create, &created);
                    }
                    self.store
                        .write(move |conn| {
                            orders::save_agreed(conn, key, &order.agreed)?;
                            intents::answer(conn, intent, &answer)
                        })
                        .await?;
                    return Ok(Driven::default());
                }
                Err(error) if is_refused_deletion(&action, &error) => {
                    // It may be gone already, by a request that was delivered twice: that is read before it is believed.
                    let from = self.clock.now();
                    let refusal = serde_json::to_string(&Refusal::of(&error)).unwrap_or_default();
                    let why = error.to_string();
                    self.store
                        .write(move |conn| {
                            intents::answer(conn, intent, &refusal)?;
                            intents::doubt(conn, intent, &why, from)
                        })
                        .await?;
                    return Ok(Driven::default());
                }
                Err(error) if error.certainty() == Certainty::NotDone => {
                    let detail = format!("{}: {error}", action.detail());
                    finished = Some(Finished {
                        buried: None,
                        intent,
                        event: event(state, &order, &action, at, ActionResult::Failed, &detail),
                    });
                    Self::not_done(state, job, &mut order, planned_key, &action, &error);
                    state.report(job, report(&order, &action, ActionResult::Failed, detail));
                }
                Err(error) => {
                    log_error(log::Level::Warn, job, order.name(), &error, READ_BACK_FIRST);
                    let why = error.to_string();
                    let from = self.decided_from(&error);
                    self.store.write(move |conn| intents::doubt(conn, intent, &why, from)).await?;
                    return Ok(Driven::default());
                }
            }
        }
    }

    /// From when on a read-back that does not find the effect may be believed: at once where the system has finished with
    /// the request, a further time-out later where it may still be at work.
    pub(super) fn decided_from(&self, error: &SystemError) -> DateTime<Utc> {
        let timeout = TimeDelta::from_std(self.settings.komet_timeout).unwrap_or_default();
        let now = self.clock.now();
        if error.certainty() == Certainty::Pending { now + timeout } else { now }
    }

    /// A request that certainly had no effect: refused, or its system is out of reach. A refusal is remembered under
    /// the key of what was planned, where planning finds it again, also if only a part of that was sent.
    fn not_done(state: &RunState, job: Job, order: &mut Order, key: String, action: &Action, error: &SystemError) {
        if error.is_systemic() {
            state.lost_at_write(job, error);
            return;
        }
        remember_refusal(state, order, key, action, Refusal::of(error).message);
    }

    /// The first action of the plan that this job may send now, cut to what one request holds, and its key uncut.
    fn choose(&self, state: &RunState, job: Job, order: &Order, planned: &Plan) -> Option<(String, Action)> {
        if state.is_stopped() {
            return None;
        }
        planned
            .actions
            .iter()
            .filter(|action| action.job() == job && !action.is_batched())
            .filter(|action| !state.is_down(action.system()))
            .map(|action| (action.key(), action))
            .find(|(key, _)| !state.was_tried(order.key, key) && state.try_once(order.key, key))
            .map(|(key, action)| (key, self.fit(action.clone())))
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
        let dirty = !planned.actions.is_empty() || !planned.needs.is_empty() || braked || planned.waits;
        state.waits_for(key, job, &planned.needs);
        // A call that ships gives the rest of its PO line a new one.
        let mut shipping = BTreeSet::new();
        let batch = planned
            .actions
            .iter()
            .filter(|action| action.is_batched() && action.job() == job)
            .filter(|action| !state.is_down(action.system()) && !state.was_tried(key, &action.key()))
            .filter(|action| match action {
                Action::Ship(ship) => shipping.insert(&ship.shipment.po_item),
                _ => true,
            })
            .map(|action| Entry {
                key,
                name: name.clone(),
                action: action.clone(),
                was_refused: planned.agreed.rejections.contains_key(&action.key()),
            })
            .collect();
        let ship_date = match (&order.axerrio.order, flow) {
            (Some(shown), Flow::FromAxerrio) => shown.header.ship_date,
            _ => order.ship_date,
        };
        let now = self.clock.now();
        let run = Some(state.run.clone());
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
                let keep = if planned.needs.is_empty() { holds::sync_order } else { holds::add_to_order };
                let changes = keep(conn, key, &planned.holds, now)?;
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
                            run: run.clone(),
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
            state.report_hold(job, Some(name.as_str()), hold.reason, &hold.detail);
        }
        Ok(Driven { key: Some(key), needs: opened.1, batch })
    }
}

/// A refusal is remembered, held and tried again by each run.
pub(super) fn remember_refusal(
    state: &RunState,
    order: &mut Order,
    key: String,
    action: &Action,
    message: String,
) {
    state.refused(order.key);
    order.agreed.rejections.insert(key, Rejection { lines: action.lines(), message });
}

/// Why a request was refused, as it is kept with its intent until the read-back.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    /// What the system said.
    pub(super) message: String,
    /// The same with system and method, for people.
    pub(super) refused: String,
}

impl Refusal {
    pub(super) fn of(error: &SystemError) -> Self {
        let message = match &error.fault {
            Fault::Rejected(message) | Fault::NotFound(message) => message.clone(),
            other => other.to_string(),
        };
        Self { message, refused: error.to_string() }
    }
}

fn is_refused_deletion(action: &Action, error: &SystemError) -> bool {
    matches!(action, Action::DeleteItem(_) | Action::DeletePoLine(_))
        && matches!(error.fault, Fault::Rejected(_) | Fault::NotFound(_))
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
    if let Some(buried) = &finished.buried {
        buried.tell_others(conn)?;
    }
    intents::close(conn, finished.intent)
}
