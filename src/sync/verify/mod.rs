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
//! | `prebook.create` | the windows of its ship dates, then its truck date; answered without item ids: also the Prebook by number | every line has a live item | answered, shipping before Komet's yesterday, or without a cost: a person is asked (`unseen`); else it is kept as it was sent (`given_up`): what comes later and looks like it is cleared away |
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

mod effect;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use self::effect::{Effect, buying, effect, lines_alive, linked_items};
use super::action::{Action, CreatePrebook};
use super::apply::{Outcome, apply, put_found, shipment_found};
use super::engine::Engine;
use super::plan::plan;
use super::poll::PollError;
use super::push::{Buried, Refusal, remember_refusal, save_views};
use super::report::{ActionResult, Job};
use super::state::RunState;
use super::tell::{done, event, report, some};
use crate::domain::{Agreed, CreatedPo, CreatedPrebook, GivenUp, NewPrebook, Order, OrderKey, Unseen};
use crate::store::events::{self, Event};
use crate::store::intents::{self, Intent, NewIntent};
use crate::store::{StoreError, budget, orders};
use crate::systems::{Axerrio, Certainty, Fault, Komet, System, SystemError, without_words};

/// What was answered and is in no list a quarter of an hour later was taken away by somebody since.
const LISTS_LAG: TimeDelta = TimeDelta::minutes(15);

/// A PO that was not answered and not found may have been moved by a buyer before anybody read it, to a day on which nobody
/// looks. Each day of the horizon is read once, when buyers have had the time.
const MOVED_BY: TimeDelta = TimeDelta::hours(1);

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

/// How a request that was in doubt ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was answered as done, and the read-back brought what the answer lacked.
    Answered,
    /// The read-back found it done.
    Adopted,
    /// It was refused, and the read-back shows that what it was for is still there.
    Refused,
    /// The read-back did not find it done.
    NotDone,
    /// It may be done where no read-back can see it.
    Unseen,
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

    /// Settles one intent by what the views show now; absence is believed where it `is_proof`.
    async fn settle(
        &self,
        state: &RunState,
        case: Case,
        is_proof: bool,
        looked: &mut Looked,
    ) -> Result<Result<(), Open>, StoreError> {
        let id = case.intent.id;
        let job = case.intent.sent.job;
        let sent_at = case.intent.sent.sent_at;
        // What an earlier run sent was told of by that.
        let own = case.intent.sent.run == state.run;
        let mut results: Vec<(Order, Action, End, String)> = Vec::new();
        let mut unseen = false;
        for (key, action) in case.entries {
            // Of several entries of one order each goes on from what the one before it came to.
            let before =
                results.iter().rev().find(|(order, ..)| order.key == key).map(|(order, ..)| order.clone());
            let loaded = match before {
                Some(order) => Some(order),
                None => self.store.read(move |conn| orders::load(conn, key)).await?,
            };
            let Some(mut order) = loaded else { continue };
            let answer = case.intent.answer.as_deref();
            let refusal = answer.and_then(refusal_of);
            let answered = answer.is_some() && refusal.is_none();
            let (mut agreed, mut effect) = match self.judge(state, job, &order, &action, answer).await? {
                Ok(judged) => judged,
                Err(open) => return Ok(Err(open)),
            };
            let looked_further = match (&effect, &action) {
                (None, Action::CreatePrebook(create)) => {
                    Some(self.look_on_truck_date(state, job, create, looked).await?)
                }
                // The last look, and the dearest; what was answered was read by its number.
                (None, Action::CreatePo(new)) if is_proof && !answered => {
                    Some(self.look_at_the_items(state, job, &order, new).await?)
                }
                _ => None,
            };
            if let Some(looked) = looked_further {
                if let Err(open) = looked {
                    return Ok(Err(open));
                }
                let Some(now) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
                order = now;
                (agreed, effect) = match self.judge(state, job, &order, &action, answer).await? {
                    Ok(judged) => judged,
                    Err(open) => return Ok(Err(open)),
                };
            }
            match effect {
                Some(effect) => {
                    order.agreed = agreed;
                    let detail = match &effect {
                        Effect::Outcome(outcome) => {
                            apply(&mut order, &action, outcome);
                            if own {
                                state.made(key, outcome);
                            }
                            done(&action, outcome)
                        }
                        Effect::Accepted(answer) => {
                            if let Action::PutOrder(put) = &action {
                                put_found(&mut order, put, answer);
                            }
                            action.detail()
                        }
                        Effect::Shipped => {
                            if let Action::Ship(ship) = &action {
                                shipment_found(&mut order, ship);
                            }
                            action.detail()
                        }
                    };
                    let end = if answered { End::Answered } else { End::Adopted };
                    results.push((order, action, end, detail));
                }
                // What was answered is done, even if no list shows it yet; what timed out may still come.
                None if !is_proof || answered && (self.clock.now() - sent_at).abs() < LISTS_LAG => {
                    return Ok(Err(Open::Yet));
                }
                None => {
                    if let Some(Refusal { message, refused }) = refusal {
                        remember_refusal(state, &mut order, action.key(), &action, message);
                        let detail = format!("{}: {refused}", action.detail());
                        results.push((order, action, End::Refused, detail));
                        continue;
                    }
                    if let Action::CreatePrebook(create) = &action
                        && let Some(unseen) = self.unseen(create, answer)
                    {
                        let alive = lines_alive(&order, &agreed);
                        let lines = create.lines.iter().map(|(line, _)| line).filter(|line| !alive.contains(line));
                        order.agreed.unseen.extend(lines.map(|line| (line.clone(), unseen.clone())));
                        let detail = format!("{}: in no list that the read-back sees", action.detail());
                        results.push((order, action, End::Unseen, detail));
                        continue;
                    }
                    if let (Action::CreatePo(new), Some(created)) = (&action, answer.and_then(po_answer)) {
                        let unbought = new.lines.iter().filter(|line| buying(&order, &agreed, line).is_none());
                        let unbought: Vec<_> =
                            unbought.map(|line| (line.line.clone(), created.number.clone())).collect();
                        order.agreed.unseen_purchases.extend(unbought);
                        let detail = format!("{}: on no PO that the read-back sees", action.detail());
                        results.push((order, action, End::Unseen, detail));
                        continue;
                    }
                    match &action {
                        Action::CreatePrebook(create) => order.agreed.give_up(given_up(&create.new), self.today()),
                        Action::CreatePo(new) => {
                            order.agreed.give_up_purchases(&new.lines, self.today());
                            unseen = true;
                        }
                        _ => {}
                    }
                    let detail = format!("{}: not found on read-back", action.detail());
                    results.push((order, action, End::NotDone, detail));
                }
            }
        }
        state.settled_one();
        let at = self.clock.now();
        let (today, last) = (self.today(), self.horizon_end());
        let mut rows = Vec::new();
        for (order, action, end, detail) in results {
            let result = match end {
                End::Answered => ActionResult::Done,
                End::Adopted => ActionResult::Adopted,
                End::Refused | End::NotDone | End::Unseen => ActionResult::Failed,
            };
            let told = event(state, &order, &action, at, result, &detail);
            let buried = Buried::of(&order, &action).filter(|_| result != ActionResult::Failed);
            if end == End::NotDone {
                log::info!(
                    job = job.name(), order = order.name();
                    "{} {} had no effect; it is planned again", action.system().title(), action.method()
                );
                state.allow_again(order.key, &action.key());
                if own {
                    state.had_no_effect(job, order.key, action.key(), report(&order, &action, result, detail));
                }
            } else {
                state.report(job, report(&order, &action, result, detail));
            }
            rows.push((order, told, buried));
        }
        self.store
            .write(move |conn| {
                for (order, told, buried) in &rows {
                    save_views(conn, order.key, order.axerrio.order.as_ref(), &order.komet)?;
                    orders::save_agreed(conn, order.key, &order.agreed)?;
                    orders::mark_dirty(conn, &[order.key])?;
                    events::add(conn, told)?;
                    if let Some(buried) = buried {
                        buried.tell_others(conn)?;
                    }
                }
                if unseen {
                    let days = today.iter_days().take_while(|day| *day <= last);
                    budget::look_again(conn, days, at, at + MOVED_BY)?;
                }
                intents::close(conn, id)
            })
            .await?;
        Ok(Ok(()))
    }

    /// Whether the views show the effect, with the agreed view that recognised it.
    async fn judge(
        &self,
        state: &RunState,
        job: Job,
        order: &Order,
        action: &Action,
        answer: Option<&str>,
    ) -> Result<Result<(Agreed, Option<Effect>), Open>, StoreError> {
        let mut known = state.known_for(order.key);
        if let Action::CreatePrebook(create) = action {
            known.ask_as(create);
        }
        let agreed = plan(order, &state.rules(order.key, &self.settings, &known)).agreed;
        let effect = match (action, answer.and_then(prebook_answer)) {
            (Action::CreatePrebook(create), Some(created)) => {
                let is_shown = order.komet.prebooks.iter().any(|prebook| prebook.id == created.id);
                let done = match self.created_prebook(order, &agreed, create, created).await {
                    Ok(done) => done,
                    Err(PollError::Store(error)) => return Err(error),
                    // Komet answers, and what it says of this Prebook makes no sense.
                    Err(PollError::System(error)) if error.certainty() == Certainty::Unknown => {
                        return Ok(Err(Open::Unread(error.to_string())));
                    }
                    Err(PollError::System(error)) => {
                        state.failed(job, &error);
                        return Ok(Err(Open::Yet));
                    }
                };
                match done {
                    // Delivered twice, it was answered as the Prebook that the lines are not linked to: that one goes.
                    None if is_shown => effect(order, &agreed, action),
                    done => done,
                }
            }
            _ => effect(order, &agreed, action),
        };
        Ok(Ok((agreed, effect)))
    }

    /// What must be said of a create that no list shows, where that does not prove that it was not done. A Vendor token sees
    /// nothing without a cost, and nothing that ships before Komet's own yesterday, which may be a day ahead of ours.
    fn unseen(&self, create: &CreatePrebook, answer: Option<&str>) -> Option<Unseen> {
        if let Some(created) = answer.and_then(prebook_answer) {
            return Some(Unseen::Made(created.number));
        }
        let komet_day = self.komet_day();
        let first = create.new.items.iter().map(|item| item.ship_date).min()?;
        let is_over = first < komet_day.pred_opt().unwrap_or(komet_day);
        let is_free =
            create.new.items.iter().any(|item| item.goods.mix.is_empty() && item.goods.unit_cost.is_zero());
        (is_over || is_free).then_some(Unseen::Unanswered(first))
    }

    /// A Prebook that was answered without item ids: its items are those now linked to the lines, or, if Komet
    /// answered another Prebook than was meant, the items there that nobody knows and that order the same.
    async fn created_prebook(
        &self,
        order: &Order,
        agreed: &Agreed,
        create: &CreatePrebook,
        created: CreatedPrebook,
    ) -> Result<Option<Effect>, PollError> {
        let outcome = if create.expect.as_ref().is_some_and(|expected| *expected != created.id) {
            let items = self.stray_items(order, create, &created).await?;
            Some(Outcome::Strayed(created, items))
        } else {
            let items = linked_items(order, agreed, create, Some(&created));
            items.map(|items| Outcome::PrebookCreated(CreatedPrebook { items: Some(items), ..created }))
        };
        Ok(outcome.map(Effect::Outcome))
    }
}

fn given_up(new: &NewPrebook) -> GivenUp {
    GivenUp { truck_date: new.truck_date, items: new.items.clone() }
}

fn refusal_of(answer: &str) -> Option<Refusal> {
    serde_json::from_str(answer).ok()
}

fn po_answer(answer: &str) -> Option<CreatedPo> {
    serde_json::from_str(answer).ok()
}

pub(super) fn prebook_answer(answer: &str) -> Option<CreatedPrebook> {
    serde_json::from_str(answer).ok()
}
