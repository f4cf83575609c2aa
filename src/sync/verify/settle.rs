//! How a request in doubt ends, by what the views show once its lists were read: done, refused, not done, or done where no
//! read-back sees it; and what is remembered and told of that.

use chrono::TimeDelta;

use super::effect::{Effect, buying, effect, lines_alive, linked_items};
use super::{Case, Looked, Open, astray, prebook_answer};
use crate::domain::{Agreed, CreatedPo, CreatedPrebook, GivenUp, NewPrebook, Order, Unseen, yesterday};
use crate::store::intents::{self, Intent};
use crate::store::{StoreError, budget, events, orders};
use crate::sync::action::{Action, CreatePrebook};
use crate::sync::apply::{Outcome, apply, put_found, shipment_found};
use crate::sync::engine::Engine;
use crate::sync::observe;
use crate::sync::plan::plan;
use crate::sync::poll::PollError;
use crate::sync::push::{Buried, Refusal, remember_refusal, save_views};
use crate::sync::report::{ActionResult, Job};
use crate::sync::state::RunState;
use crate::sync::tell::{done, event, report};
use crate::systems::{Axerrio, Certainty, Komet};

/// What was answered and is in no list a quarter of an hour later was taken away by somebody since.
const LISTS_LAG: TimeDelta = TimeDelta::minutes(15);

/// A PO that was not answered and not found may have been moved by a buyer before anybody read it, to a day on which nobody
/// looks. Each day of the horizon is read once, when buyers have had the time.
const MOVED_BY: TimeDelta = TimeDelta::hours(1);

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

/// What became of an intent for one of its orders.
struct Settled {
    /// With what is remembered of it.
    order: Order,
    action: Action,
    end: End,
    /// For people.
    detail: String,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Settles one intent by what the views show now; absence is believed where it `is_proof`.
    pub(super) async fn settle(
        &self,
        state: &RunState,
        case: Case,
        is_proof: bool,
        looked: &mut Looked,
    ) -> Result<Result<(), Open>, StoreError> {
        let mut all: Vec<Settled> = Vec::new();
        for (key, action) in case.entries {
            // Of several entries of one order each goes on from what the one before it came to.
            let before = all.iter().rev().find(|settled| settled.order.key == key);
            let order = match before {
                Some(settled) => Some(settled.order.clone()),
                None => self.store.read(move |conn| orders::load(conn, key)).await?,
            };
            let Some(order) = order else { continue };
            match self.settle_entry(state, &case.intent, order, action, is_proof, looked).await? {
                Ok(settled) => all.extend(settled),
                Err(open) => return Ok(Err(open)),
            }
        }
        self.close(state, &case.intent, all).await?;
        Ok(Ok(()))
    }

    /// What became of one entry; nothing (`None`) where its order is no more.
    async fn settle_entry(
        &self,
        state: &RunState,
        intent: &Intent,
        mut order: Order,
        action: Action,
        is_proof: bool,
        looked: &mut Looked,
    ) -> Result<Result<Option<Settled>, Open>, StoreError> {
        let job = intent.sent.job;
        let answer = intent.answer.as_deref();
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
            let key = order.key;
            let Some(now) = self.store.read(move |conn| orders::load(conn, key)).await? else {
                return Ok(Ok(None));
            };
            order = now;
            (agreed, effect) = match self.judge(state, job, &order, &action, answer).await? {
                Ok(judged) => judged,
                Err(open) => return Ok(Err(open)),
            };
        }
        if let (None, Action::CreatePrebook(create), None, true) = (&effect, &action, answer, is_proof) {
            let (own, create) = (order.key, create.clone());
            let astray = self.store.read(move |conn| astray::found(conn, own, &create)).await?;
            effect = astray.map(|(created, items)| Effect::Outcome(Outcome::Strayed(created, items)));
        }
        let (end, detail) = if let Some(effect) = effect {
            order.agreed = agreed;
            let detail = found(state, intent, &mut order, &action, &effect);
            (if answered { End::Answered } else { End::Adopted }, detail)
        // What was answered is done, even if no list shows it yet; what timed out may still come.
        } else if !is_proof || answered && (self.clock.now() - intent.sent.sent_at).abs() < LISTS_LAG {
            return Ok(Err(Open::Yet));
        } else if let Some(Refusal { message, refused }) = refusal {
            remember_refusal(state, &mut order, action.key(), &action, message);
            (End::Refused, format!("{}: {refused}", action.detail()))
        } else {
            self.not_found(&mut order, &agreed, &action, answer)
        };
        Ok(Ok(Some(Settled { order, action, end, detail })))
    }

    /// What is kept of a request that no list shows: what it may have done unseen is asked about, what it may do late is known then.
    fn not_found(
        &self,
        order: &mut Order,
        agreed: &Agreed,
        action: &Action,
        answer: Option<&str>,
    ) -> (End, String) {
        if let Action::CreatePrebook(create) = action
            && let Some(unseen) = self.unseen(create, answer)
        {
            let alive = lines_alive(order, agreed);
            let lines = create.lines.iter().map(|(line, _)| line).filter(|line| !alive.contains(line));
            let lines: Vec<_> = lines.map(|line| (line.clone(), unseen.clone())).collect();
            order.agreed.unseen.extend(lines);
            return (End::Unseen, format!("{}: in no list that the read-back sees", action.detail()));
        }
        if let (Action::CreatePo(new), Some(created)) = (action, answer.and_then(po_answer)) {
            let unbought = new.lines.iter().filter(|line| buying(order, agreed, line).is_none());
            let unbought: Vec<_> = unbought.map(|line| (line.line.clone(), created.number.clone())).collect();
            order.agreed.unseen_purchases.extend(unbought);
            return (End::Unseen, format!("{}: on no PO that the read-back sees", action.detail()));
        }
        match action {
            Action::CreatePrebook(create) => order.agreed.give_up(given_up(&create.new), self.today()),
            Action::CreatePo(new) => order.agreed.give_up_purchases(&new.lines, self.today()),
            _ => {}
        }
        (End::NotDone, format!("{}: not found on read-back", action.detail()))
    }

    /// Tells what became of an intent's entries, and commits that with its end.
    async fn close(&self, state: &RunState, intent: &Intent, all: Vec<Settled>) -> Result<(), StoreError> {
        let (id, job) = (intent.id, intent.sent.job);
        state.settled_one();
        let at = self.clock.now();
        let (today, last) = (self.today(), self.horizon_end());
        let is_lost =
            |settled: &Settled| settled.end == End::NotDone && matches!(settled.action, Action::CreatePo(_));
        let may_be_elsewhere = all.iter().any(is_lost);
        let mut rows = Vec::new();
        for Settled { order, action, end, detail } in all {
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
                if is_of(state, intent) {
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
                    observe::claim_strays(conn, order.key, &order.agreed)?;
                    orders::mark_dirty(conn, &[order.key])?;
                    events::add(conn, told)?;
                    if let Some(buried) = buried {
                        buried.tell_others(conn)?;
                    }
                }
                if may_be_elsewhere {
                    let days = today.iter_days().take_while(|day| *day <= last);
                    budget::look_again(conn, days, at, at + MOVED_BY)?;
                }
                intents::close(conn, id)
            })
            .await
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
        let first = create.new.items.iter().map(|item| item.ship_date).min()?;
        let is_over = first < yesterday(self.komet_day());
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

/// Whether this run sent it. What an earlier one sent was told of by that.
fn is_of(state: &RunState, intent: &Intent) -> bool {
    intent.sent.run == state.run
}

/// Tells the views of an effect that the read-back found, and says what that was.
fn found(state: &RunState, intent: &Intent, order: &mut Order, action: &Action, effect: &Effect) -> String {
    match (effect, action) {
        (Effect::Outcome(outcome), _) => {
            apply(order, action, outcome);
            if is_of(state, intent) {
                state.made(order.key, outcome);
            }
            return done(action, outcome);
        }
        (Effect::Accepted(answer), Action::PutOrder(put)) => put_found(order, put, answer),
        (Effect::Shipped, Action::Ship(ship)) => shipment_found(order, ship),
        (Effect::Accepted(_) | Effect::Shipped, _) => {}
    }
    action.detail()
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
