//! What became of an intent without a result. Nothing is repeated on a guess: the opposite system is read back, the
//! views are brought up to date, and the planner's own recognition (`plan::links`) says whether the effect is there.
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
//! | `prebook.create` | the windows of its ship dates, then its truck date; answered without item ids: also the Prebook by number | every line has a live item | `doubtful_creates` grows: what comes later is cleared away |
//! | `prebook.item.delete` | the window of the ship date | the item is dead or gone | planned again; refused: held |
//! | `purchase.order.create`, `.mixed.create` | the PO by number, else the POs of the ship date, at last the one that its items name | every line is bought on a live PO line | `doubtful_purchases` grows: what comes later is cleared away or held |
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
//! An answer that broke off or could not be read is followed by one read: the system has finished with the request.
//! After a time-out it may still be at work, so that absence is believed only a further time-out later. Until it is
//! settled the intent stays open, nothing is sent for its orders, and the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::action::{Action, CreatePrebook};
use super::apply::{Outcome, apply};
use super::engine::Engine;
use super::observe;
use super::plan::{plan, shown, window_of};
use super::poll::{PollError, dates_of};
use super::push::{Buried, Refusal, remember_refusal, save_views};
use super::report::{ActionResult, Job};
use super::state::RunState;
use super::tell::{done, event, report};
use crate::domain::{
    Agreed, AxStatus, CreatedPo, CreatedPrebook, ItemId, NewPurchaseOrder, Order, OrderKey, PoItemId, PoNumber,
    PrebookItem, PrebookNumber,
};
use crate::store::intents::{self, Intent};
use crate::store::{StoreError, events, orders};
use crate::systems::{Axerrio, Komet, PrebookDates, PrebookQuery, System};

/// What was answered and is in no list a quarter of an hour later was taken away by somebody since.
const LISTS_LAG: chrono::TimeDelta = chrono::TimeDelta::minutes(15);

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
}

/// What must be read for the open intents.
#[derive(Default)]
struct Reads {
    windows: BTreeSet<i64>,
    po_dates: BTreeSet<NaiveDate>,
    po_numbers: BTreeSet<PoNumber>,
    ax_orders: BTreeSet<crate::domain::AxOrderId>,
    ax_feed: bool,
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
                if cases.is_empty() || state.is_stopped() {
                    continue;
                }
                let job = cases[0].intent.sent.job;
                match self.read_back(state, &cases).await {
                    Ok(()) => {}
                    Err(PollError::Store(error)) => return Err(error),
                    Err(PollError::System(error)) => {
                        state.failed(job, &error);
                        continue;
                    }
                }
                for case in cases {
                    let keys: Vec<OrderKey> = case.entries.iter().map(|(key, _)| *key).collect();
                    let until = case.decided_from;
                    // Asked once: what is undecided a moment before its time must still be waited for.
                    let is_decided = self.clock.now() >= until;
                    if self.settle(state, case, is_decided).await? {
                        freed.extend(keys);
                    } else if !is_decided {
                        undecided = Some(undecided.map_or(until, |at| at.min(until)));
                    }
                }
            }
            let Some(until) = undecided.filter(|_| patience == Patience::UntilDecided && freed.is_empty()) else {
                return Ok(freed);
            };
            let left = (until - self.clock.now()).to_std().unwrap_or(Duration::ZERO);
            self.clock.sleep(left).await;
        }
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
        let mut cases = Vec::new();
        for intent in open.into_iter().filter(|intent| intent.sent.system == system) {
            let entries: Vec<(OrderKey, Action)> = intent.action()?;
            let own = intent.sent.run == state.run;
            let crashed = last_sign.filter(|_| !own).map_or(intent.sent.sent_at, |at| at + timeout);
            let decided_from = intent.decided_from.unwrap_or(crashed);
            cases.push(Case { intent, entries, decided_from });
        }
        Ok(cases)
    }

    /// Reads what the open intents need, each list once.
    async fn read_back(&self, state: &RunState, cases: &[Case]) -> Result<(), PollError> {
        let mut reads = Reads::default();
        for case in cases {
            for (key, action) in &case.entries {
                let key = *key;
                let order = self.store.read(move |conn| orders::load(conn, key)).await?;
                if let Some(order) = order {
                    reads.add(&order, action, case.intent.answer.as_deref());
                }
            }
        }
        if !reads.windows.is_empty() {
            let polled = self.read_windows(&reads.windows).await?;
            state.learn(|facts| {
                facts.windows_known.extend(&polled.windows);
                facts.windows_read.extend(&polled.windows);
            });
        }
        if !reads.po_dates.is_empty() {
            let polled = self.read_po_dates(&reads.po_dates).await?;
            state.learn_pos(&polled);
        }
        for number in &reads.po_numbers {
            self.read_po(number).await?;
        }
        for id in reads.ax_orders {
            if let Some(order) = self.axerrio.order(&id).await? {
                self.store.write(move |conn| observe::axerrio_order(conn, &order)).await?;
            }
        }
        if reads.ax_feed {
            self.poll_orders(None).await?;
        }
        Ok(())
    }

    /// Settles one intent by what the views show now; absence is believed where it `is_decided`. `false`: still open.
    async fn settle(&self, state: &RunState, case: Case, is_decided: bool) -> Result<bool, StoreError> {
        let id = case.intent.id;
        let job = case.intent.sent.job;
        let sent_at = case.intent.sent.sent_at;
        let mut results = Vec::new();
        for (key, action) in case.entries {
            let Some(mut order) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
            let answer = case.intent.answer.as_deref();
            let refusal = answer.and_then(refusal_of);
            let answered = answer.is_some() && refusal.is_none();
            let (mut agreed, mut effect) = self.judge(state, &order, &action, answer).await;
            let looked_further = match (&effect, &action) {
                (None, Action::CreatePrebook(create)) => Some(self.look_on_truck_date(state, job, create).await?),
                // The last look, and the dearest; what was answered was read by its number.
                (None, Action::CreatePo(new)) if is_decided && !answered => {
                    Some(self.look_at_the_items(state, job, &order, new).await?)
                }
                _ => None,
            };
            if looked_further == Some(false) {
                return Ok(false);
            }
            if looked_further.is_some() {
                let Some(now) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
                order = now;
                (agreed, effect) = self.judge(state, &order, &action, answer).await;
            }
            match effect {
                Some(effect) => {
                    order.agreed = agreed;
                    let detail = match &effect {
                        Effect::Outcome(outcome) => {
                            apply(&mut order, &action, outcome);
                            done(&action, outcome)
                        }
                        Effect::Recognised => action.detail(),
                    };
                    let end = if answered { End::Answered } else { End::Adopted };
                    results.push((order, action, end, detail));
                }
                // What was answered is done, even if no list shows it yet; what timed out may still come.
                None if !is_decided || answered && self.clock.now() < sent_at + LISTS_LAG => return Ok(false),
                None => {
                    if let Some(Refusal { message, refused }) = refusal {
                        remember_refusal(state, &mut order, action.key(), &action, message);
                        let detail = format!("{}: {refused}", action.detail());
                        results.push((order, action, End::Refused, detail));
                        continue;
                    }
                    match action {
                        Action::CreatePrebook(_) => order.agreed.doubtful_creates += 1,
                        Action::CreatePo(_) => order.agreed.doubtful_purchases += 1,
                        _ => {}
                    }
                    let detail = format!("{}: not found on read-back", action.detail());
                    results.push((order, action, End::NotDone, detail));
                }
            }
        }
        state.settled_one();
        let at = self.clock.now();
        let mut rows = Vec::new();
        for (order, action, end, detail) in results {
            let result = match end {
                End::Answered => ActionResult::Done,
                End::Adopted => ActionResult::Adopted,
                End::Refused | End::NotDone => ActionResult::Failed,
            };
            let told = event(state, &order, &action, at, result, &detail);
            let buried = Buried::of(&order, &action).filter(|_| result != ActionResult::Failed);
            if end == End::NotDone {
                log::info!(
                    job = job.name(), order = order.name();
                    "{} {} had no effect; it is planned again", action.system().title(), action.method()
                );
                state.allow_again(order.key, &action.key());
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
                intents::close(conn, id)
            })
            .await?;
        Ok(true)
    }

    /// Whether the views show the effect, with the agreed view that recognised it.
    async fn judge(
        &self,
        state: &RunState,
        order: &Order,
        action: &Action,
        answer: Option<&str>,
    ) -> (Agreed, Option<Effect>) {
        let known = state.known();
        let agreed = plan(order, &state.rules(order.key, &self.settings, &known)).agreed;
        let effect = match (action, answer.and_then(prebook_answer)) {
            (Action::CreatePrebook(create), Some(created)) => {
                self.created_prebook(order, &agreed, create, created).await
            }
            _ => effect(order, &agreed, action),
        };
        (agreed, effect)
    }

    /// A Prebook that was answered without item ids: its items are those now linked to the lines, or, if Komet
    /// answered another Prebook than was meant, the items there that nobody knows and that order the same.
    async fn created_prebook(
        &self,
        order: &Order,
        agreed: &Agreed,
        create: &CreatePrebook,
        created: CreatedPrebook,
    ) -> Option<Effect> {
        let items = if create.expect.as_ref().is_some_and(|expected| *expected != created.id) {
            self.stray_items(create, &created).await?
        } else {
            linked_items(order, agreed, create, Some(&created))?
        };
        Some(Effect::Outcome(Outcome::PrebookCreated(CreatedPrebook { items: Some(items), ..created })))
    }

    /// Komet may have given the items another ship date than it was sent (assumed); the truck date is the Prebook's own.
    /// Says whether it could look.
    async fn look_on_truck_date(
        &self,
        state: &RunState,
        job: Job,
        create: &CreatePrebook,
    ) -> Result<bool, StoreError> {
        let dates = PrebookDates::Truck(create.new.truck_date);
        let query = PrebookQuery { dates, updated_as_of: None, number: None };
        match self.komet.prebooks(&query).await {
            Ok(answer) => {
                self.store
                    .write(move |conn| {
                        answer.items.iter().try_for_each(|prebook| observe::prebook(conn, prebook).map(drop))
                    })
                    .await?;
                Ok(true)
            }
            Err(error) => {
                state.failed(job, &error);
                Ok(false)
            }
        }
    }

    /// A buyer may have moved the PO to a day on which nobody looks for it: the items that it buys name it, where Komet says
    /// so (assumed). Says whether it could look.
    async fn look_at_the_items(
        &self,
        state: &RunState,
        job: Job,
        order: &Order,
        new: &NewPurchaseOrder,
    ) -> Result<bool, StoreError> {
        let bought: BTreeSet<ItemId> = new.lines.iter().map(|line| line.item.clone()).collect();
        let shown = |order: &Order| -> Vec<PrebookItem> {
            let items = order.komet.prebooks.iter().flat_map(|p| &p.items);
            items.filter(|item| bought.contains(&item.id)).cloned().collect()
        };
        let mut windows: BTreeSet<i64> = shown(order).iter().map(|item| window_of(item.ship_date)).collect();
        windows.insert(window_of(new.ship_date));
        let key = order.key;
        let look = async {
            self.read_windows(&windows).await?;
            let Some(order) = self.store.read(move |conn| orders::load(conn, key)).await? else { return Ok(()) };
            let numbers: BTreeSet<PoNumber> =
                shown(&order).into_iter().filter_map(|item| item.po_number).collect();
            for number in &numbers {
                self.read_po(number).await?;
            }
            Ok(())
        };
        match look.await {
            Ok(()) => Ok(true),
            Err(PollError::Store(error)) => Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                Ok(false)
            }
        }
    }

    async fn stray_items(&self, create: &CreatePrebook, created: &CreatedPrebook) -> Option<Vec<ItemId>> {
        // Komet may have given the items another ship date than it was sent (assumed): the truck date.
        let days = [create.new.items.first()?.ship_date, create.new.truck_date];
        let windows: BTreeSet<i64> = days.into_iter().map(window_of).collect();
        let mut shown = Vec::new();
        for window in windows {
            let (from, to) = dates_of(window);
            let query = PrebookQuery {
                dates: PrebookDates::Ship { from, to },
                updated_as_of: None,
                number: Some(created.number.clone()),
            };
            shown.extend(self.komet.prebooks(&query).await.ok()?.items);
        }
        let mut found = Vec::new();
        let mut candidates: Vec<_> = shown.iter().filter(|p| p.id == created.id).flat_map(|p| &p.items).collect();
        // Komet numbers upwards: the latest of equal items is the one just made.
        candidates.sort_by_key(|item| std::cmp::Reverse(item.id.0));
        candidates.dedup_by(|a, b| a.id == b.id);
        for wanted in &create.new.items {
            let goods = &wanted.goods;
            let at = candidates.iter().position(|item| {
                item.terms.boxes == goods.boxes
                    && (!goods.mix.is_empty()
                        || (item.terms.bunches == goods.bunches
                            && item.terms.stems_per_bunch == goods.stems_per_bunch
                            && item.terms.unit_cost == goods.unit_cost))
            });
            if let Some(at) = at {
                found.push(candidates.remove(at).id.clone());
            }
        }
        Some(found)
    }
}

fn refusal_of(answer: &str) -> Option<Refusal> {
    serde_json::from_str(answer).ok()
}

fn prebook_answer(answer: &str) -> Option<CreatedPrebook> {
    serde_json::from_str(answer).ok()
}

impl Reads {
    fn add(&mut self, order: &Order, action: &Action, answer: Option<&str>) {
        match action {
            Action::CreatePrebook(create) => {
                self.windows.extend(create.new.items.iter().map(|item| window_of(item.ship_date)));
            }
            Action::DeleteItem(delete) => {
                let item = order.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == delete.item);
                self.windows.insert(window_of(item.map_or(order.ship_date, |i| i.ship_date)));
            }
            Action::CreatePo(new) => {
                let answered: Option<CreatedPo> = answer.and_then(|text| serde_json::from_str(text).ok());
                match answered.map(|created| created.number).or_else(|| new.number.clone()) {
                    Some(number) => drop(self.po_numbers.insert(number)),
                    None => drop(self.po_dates.insert(new.ship_date)),
                }
            }
            Action::DeletePoLine(delete) => drop(self.po_numbers.insert(delete.number.clone())),
            Action::Ship(ship) => drop(self.po_numbers.insert(ship.number.clone())),
            Action::ChangeCode(change) => drop(self.po_numbers.insert(change.number.clone())),
            Action::PutOrder(_) | Action::CancelOrder(_) | Action::PutPurchaseOrder(_) => match &order.ax_id {
                Some(id) => drop(self.ax_orders.insert(id.clone())),
                None => self.ax_feed = true,
            },
        }
    }
}

/// That a request had its effect.
enum Effect {
    /// The views must still be told.
    Outcome(Outcome),
    /// The read-back has told the views all there is.
    Recognised,
}

/// Whether the views show that the request had its effect.
fn effect(order: &Order, agreed: &Agreed, action: &Action) -> Option<Effect> {
    match action {
        Action::CreatePrebook(create) => {
            let items = linked_items(order, agreed, create, None)?;
            let link = agreed.lines.get(&create.lines.first()?.0)?.item.as_ref()?;
            let number = agreed
                .prebooks
                .get(&link.prebook)
                .map_or_else(|| PrebookNumber(link.prebook.to_string()), |p| p.number.clone());
            let id = link.prebook.clone();
            Some(Effect::Outcome(Outcome::PrebookCreated(CreatedPrebook { id, number, items: Some(items) })))
        }
        Action::DeleteItem(delete) => {
            let item = order.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == delete.item);
            item.is_none_or(|item| !item.is_alive()).then_some(Effect::Outcome(Outcome::Deleted))
        }
        Action::CreatePo(new) => {
            let mut lines = Vec::new();
            let mut number = None;
            for line in &new.lines {
                let link = agreed.lines.get(&line.line)?.po_lines.iter().rev().find(|link| {
                    let shown =
                        order.komet.purchase_orders.iter().flat_map(|p| &p.lines).find(|l| l.id == link.line);
                    link.item == line.item && shown.is_some_and(crate::domain::PoLine::is_alive)
                })?;
                number = Some(link.number.clone());
                lines.push(link.line.clone());
            }
            Some(Effect::Outcome(Outcome::PoCreated(CreatedPo { number: number?, lines: Some(lines) })))
        }
        Action::DeletePoLine(delete) => {
            let line = order.komet.purchase_orders.iter().flat_map(|p| &p.lines).find(|l| l.id == delete.po_item);
            line.is_none_or(|line| !line.is_alive()).then_some(Effect::Outcome(Outcome::Deleted))
        }
        // On this line or what was split off it: a code that another one bears is why Komet refuses it here.
        Action::Ship(ship) => {
            let codes = &ship.shipment.codes;
            has_box(order, &ship.shipment.po_item, |code| codes.iter().any(|c| c == code))
        }
        Action::ChangeCode(change) => has_box(order, &change.po_item, |code| code == change.change.new),
        Action::PutOrder(put) => {
            let answer = order.axerrio.order.as_ref().filter(|o| o.status != AxStatus::Cancelled)?;
            super::plan::same_input(&shown(answer), &put.input)
                .then(|| Effect::Outcome(Outcome::Order(Box::new(answer.clone()))))
        }
        Action::CancelOrder(_) => {
            let answer = order.axerrio.order.as_ref().filter(|o| o.status == AxStatus::Cancelled)?;
            Some(Effect::Outcome(Outcome::Order(Box::new(answer.clone()))))
        }
        Action::PutPurchaseOrder(put) => {
            let answer = order.axerrio.order.as_ref()?;
            let told = answer.purchase_order.as_ref().is_some_and(|told| told.same_as(&put.info));
            told.then(|| Effect::Outcome(Outcome::Order(Box::new(answer.clone()))))
        }
    }
}

fn has_box(order: &Order, line: &PoItemId, wanted: impl Fn(&str) -> bool) -> Option<Effect> {
    let lines = || order.komet.purchase_orders.iter().flat_map(|p| &p.lines);
    let item = lines().find(|l| l.id == *line).and_then(|l| l.item_id.as_ref());
    let own = lines().filter(|l| l.id == *line || (item.is_some() && l.item_id.as_ref() == item));
    let mut boxes = own.flat_map(|l| &l.boxes);
    boxes.any(|b| wanted(&b.code)).then_some(Effect::Recognised)
}

/// The items that now stand for the lines of a create, if all do and Komet shows them alive.
fn linked_items(
    order: &Order,
    agreed: &Agreed,
    create: &CreatePrebook,
    created: Option<&CreatedPrebook>,
) -> Option<Vec<ItemId>> {
    let alive: BTreeMap<&ItemId, bool> =
        order.komet.prebooks.iter().flat_map(|p| &p.items).map(|i| (&i.id, i.is_alive())).collect();
    create
        .lines
        .iter()
        .map(|(line, _)| {
            let link = agreed.lines.get(line)?.item.as_ref()?;
            let meant = created.is_none_or(|created| created.id == link.prebook);
            (meant && alive.get(&link.item) == Some(&true)).then(|| link.item.clone())
        })
        .collect()
}
