//! What is read for a request in doubt: what the table of `verify` names, and where that shows nothing, further lists.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Case, Looked, Open};
use crate::domain::{
    AxOrderId, CreatedPo, CreatedPrebook, Flow, ItemId, LineId, NewPrebookItem, NewPurchaseOrder, Order, OrderKey,
    PoNumber, PrebookItem, dates_of, window_of,
};
use crate::store::{Connection, StoreError, orders};
use crate::sync::action::{Action, CreatePrebook};
use crate::sync::engine::Engine;
use crate::sync::needs::{Reads, Unread};
use crate::sync::observe;
use crate::sync::plan::is_made_of;
use crate::sync::poll::{PollError, Shown};
use crate::sync::report::Job;
use crate::sync::state::RunState;
use crate::systems::{Axerrio, Certainty, Fault, Komet, PrebookDates, PrebookQuery, System, SystemError};

/// What must be read for an open intent, or for all of them.
#[derive(Clone, Default)]
struct ReadBack {
    komet: Reads,
    /// POs that were just made, by their ship dates: the list of a date shows all of them at once.
    made: BTreeMap<NaiveDate, BTreeSet<PoNumber>>,
    ax_orders: BTreeSet<AxOrderId>,
    ax_feed: bool,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Reads what the open intents need, each list once. Answers, case by case, what could not be read of what it needs: that may
    /// be what is looked for, and is no other case's trouble.
    pub(super) async fn read_back(
        &self,
        state: &RunState,
        job: Job,
        cases: &[Case],
    ) -> Result<Vec<Option<String>>, PollError> {
        let mut needed = Vec::with_capacity(cases.len());
        for case in cases {
            let mut wanted = ReadBack::default();
            for (key, action) in &case.entries {
                let key = *key;
                let order = self.store.read(move |conn| orders::load(conn, key)).await?;
                if let Some(order) = order {
                    wanted.add(&order, action, case.intent.answer.as_deref());
                }
            }
            needed.push(wanted);
        }
        let mut all = ReadBack::default();
        for wanted in &needed {
            all.extend(wanted.clone());
        }
        // Where somebody's record makes no sense it is what may be looked for, and nothing is gained by reading it each time.
        let mut unread = Unread::new();
        if state.paced {
            unread = self.leave_what_is_in_vain(state, &mut all.komet).await?;
        }
        let shared: BTreeSet<NaiveDate> =
            all.made.iter().filter(|(_, numbers)| numbers.len() > 1).map(|(date, _)| *date).collect();
        if !shared.is_empty() {
            let polled = self.read_pos_of(state, job, &shared).await?;
            // What its date does not show is asked for by its number.
            all.komet.po_numbers.retain(|number| !polled.po_numbers.contains(number));
        }
        unread.extend(self.read(state, job, &all.komet).await?);
        let mut unread_orders = BTreeMap::new();
        for id in all.ax_orders {
            match self.axerrio.order(&id).await {
                Ok(Some(order)) => {
                    self.store.write(move |conn| observe::axerrio_order(conn, &order)).await?;
                }
                Ok(None) => {}
                Err(error) if self.is_of_one_order(&error).await => {
                    unread_orders.insert(id, error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if all.ax_feed {
            // What cannot be read of it proves nothing either, but what is put by its reference again makes nothing twice.
            self.poll_orders(None).await?;
        }
        let first_unread = |wanted: ReadBack| {
            let order = || wanted.ax_orders.iter().find_map(|id| unread_orders.get(id).cloned());
            wanted.komet.first_unread(&unread).or_else(order)
        };
        Ok(needed.into_iter().map(first_unread).collect())
    }

    /// Whether a read of an order failed for the sake of that order: Axerrio answers.
    async fn is_of_one_order(&self, error: &SystemError) -> bool {
        error.certainty() == Certainty::Unknown
            || !error.is_systemic() && error.fault != Fault::Stopped && self.axerrio.health().await.is_ok()
    }

    /// Komet may have given the items another ship date than it was sent (assumed); the truck date is the Prebook's own.
    pub(super) async fn look_on_truck_date(
        &self,
        state: &RunState,
        job: Job,
        create: &CreatePrebook,
        looked: &mut Looked,
    ) -> Result<Result<(), Open>, StoreError> {
        let date = create.new.truck_date;
        if let Some(unread) = looked.get(&date) {
            return Ok(unread.clone().map_or(Ok(()), |why| Err(Open::Unread(why))));
        }
        let dates = PrebookDates::Truck(date);
        let query = PrebookQuery { dates, updated_as_of: None, number: None };
        match self.prebooks_of(&query).await {
            Ok(Shown { answer, too_long }) => {
                let garbled = answer.unreadable.first().map(|record| {
                    format!("one of Komet's Prebooks of the truck date cannot be read: {}", record.what)
                });
                let unread = garbled.or_else(|| {
                    let date = too_long.first()?;
                    Some(format!(
                        "Komet's Prebooks of truck date {date} cannot be read: the answer is longer than 32 MB. A Vendor token sees \
                         this vendor's items only: give the link one ([komet] token and token_kind)"
                    ))
                });
                self.store
                    .write(move |conn| {
                        answer.items.iter().try_for_each(|prebook| observe::prebook(conn, prebook).map(drop))
                    })
                    .await?;
                looked.insert(date, unread.clone());
                Ok(unread.map_or(Ok(()), |why| Err(Open::Unread(why))))
            }
            Err(error) => {
                state.failed(job, &error);
                Ok(Err(Open::Yet))
            }
        }
    }

    /// A buyer may have moved the PO to a day on which nobody looks for it: the items that it buys name it, where Komet says
    /// so (assumed).
    pub(super) async fn look_at_the_items(
        &self,
        state: &RunState,
        job: Job,
        order: &Order,
        new: &NewPurchaseOrder,
    ) -> Result<Result<(), Open>, StoreError> {
        let bought: BTreeSet<&ItemId> = new.lines.iter().map(|line| &line.item).collect();
        let mut reads = Reads::default();
        reads.windows.insert(window_of(new.ship_date));
        reads.windows.extend(shown(order, &bought).map(|item| window_of(item.ship_date)));
        let key = order.key;
        let look = async {
            let mut unread = self.read(state, job, &reads).await?;
            if let Some(order) = self.store.read(move |conn| orders::load(conn, key)).await? {
                let po_numbers = shown(&order, &bought).filter_map(|item| item.po_number.clone()).collect();
                let named = Reads { po_numbers, ..Reads::default() };
                unread.extend(self.read(state, job, &named).await?);
                reads.extend(named);
            }
            Ok(reads.first_unread(&unread))
        };
        match look.await {
            Ok(unread) => Ok(unread.map_or(Ok(()), |why| Err(Open::Unread(why)))),
            Err(PollError::Store(error)) => Err(error),
            Err(PollError::System(error)) => {
                state.failed(job, &error);
                Ok(Err(Open::Yet))
            }
        }
    }

    /// The items of a Prebook that was answered in place of the one that was meant, line by line: of those that nobody knows and
    /// that order the same as was sent the latest. Of what cannot be told a person is asked: it may be somebody else's.
    pub(super) async fn stray_items(
        &self,
        order: &Order,
        create: &CreatePrebook,
        created: &CreatedPrebook,
    ) -> Result<Vec<Option<ItemId>>, PollError> {
        // Komet may have given the items another ship date than it was sent (assumed): the truck date.
        let days = create.new.items.first().map(|item| item.ship_date).into_iter().chain([create.new.truck_date]);
        let windows: BTreeSet<i64> = days.map(window_of).collect();
        let mut shown = Vec::new();
        for window in windows {
            let (from, to) = dates_of(window);
            let query = PrebookQuery {
                dates: PrebookDates::Ship { from, to },
                updated_as_of: None,
                number: Some(created.number.clone()),
            };
            let answer = self.komet.prebooks(&query).await?;
            if let Some(why) = answer.unreadable.into_iter().next() {
                let fault = Fault::Unreadable(why.what);
                return Err(SystemError { system: System::Komet, method: "prebook.details.list", fault }.into());
            }
            shown.extend(answer.items);
        }
        let items = shown.into_iter().filter(|prebook| prebook.id == created.id).flat_map(|prebook| prebook.items);
        let items: Vec<PrebookItem> = items.filter(PrebookItem::is_alive).collect();
        let (own, known) = (order.key, items_known_of(order));
        let candidates = self
            .store
            .read(move |conn| {
                let mut nobodys = Vec::new();
                for item in items {
                    if !known.contains(&item.id) && !is_somebodys(conn, own, &item.id)? {
                        nobodys.push(item);
                    }
                }
                Ok(nobodys)
            })
            .await?;
        Ok(strays_among(candidates, &create.new.items))
    }
}

/// The items that stood for an order's lines before the read-back, or stand there by mistake.
fn items_known_of(order: &Order) -> BTreeSet<ItemId> {
    let lines = &order.agreed.lines;
    let linked = lines.values().filter_map(|line| line.item.as_ref()).map(|link| &link.item);
    let bought = lines.values().flat_map(|line| &line.po_lines).map(|link| &link.item);
    let strays = order.agreed.strays.iter().filter_map(|stray| stray.item.as_ref());
    linked.chain(bought).chain(strays).cloned().collect()
}

/// Whether an item is known as another order's line: of flow 1, or as one that Axerrio has from its Prebook. What has just come into
/// a rep's Prebook, or into one that bears the `own` order's tag, may be what was sent.
fn is_somebodys(conn: &Connection, own: OrderKey, item: &ItemId) -> Result<bool, StoreError> {
    let Some(key) = orders::key_by_item(conn, item)?.filter(|key| *key != own) else { return Ok(false) };
    let Some(order) = orders::load(conn, key)? else { return Ok(false) };
    Ok(order.flow == Flow::FromAxerrio || is_put(&order, item))
}

/// Whether Axerrio has the item as a line of an order that was prebooked in Komet.
pub(super) fn is_put(order: &Order, item: &ItemId) -> bool {
    let line = LineId::from(item);
    let sent = order.agreed.input.iter().flat_map(|input| &input.sent.lines).any(|own| own.id == line);
    let shown = order.axerrio.order.iter().flat_map(|order| &order.lines).any(|own| own.id == line);
    sent || shown
}

/// Which of the `candidates` is each item that was sent.
pub(super) fn strays_among(mut candidates: Vec<PrebookItem>, sent: &[NewPrebookItem]) -> Vec<Option<ItemId>> {
    // Komet numbers upwards: the latest of equal items is the one just made.
    candidates.sort_by_key(|item| std::cmp::Reverse(item.id.0));
    candidates.dedup_by(|a, b| a.id == b.id);
    let mut take = |wanted: &NewPrebookItem| {
        let at = candidates.iter().position(|item| is_made_of(wanted, &item.terms))?;
        Some(candidates.remove(at).id)
    };
    sent.iter().map(&mut take).collect()
}

/// The items among these that Komet last showed.
fn shown<'o>(order: &'o Order, items: &BTreeSet<&ItemId>) -> impl Iterator<Item = &'o PrebookItem> {
    order.komet.prebooks.iter().flat_map(|p| &p.items).filter(|item| items.contains(&item.id))
}

impl ReadBack {
    /// Adds what another intent needs.
    fn extend(&mut self, other: Self) {
        self.komet.extend(other.komet);
        for (date, numbers) in other.made {
            self.made.entry(date).or_default().extend(numbers);
        }
        self.ax_orders.extend(other.ax_orders);
        self.ax_feed |= other.ax_feed;
    }

    /// The PO, by its number or else on the day on which it was last shown.
    fn add_po(&mut self, order: &Order, number: &PoNumber) {
        if number.can_be_asked_for() {
            self.komet.po_numbers.insert(number.clone());
        } else {
            let shown = order.komet.purchase_orders.iter().find(|po| po.number == *number);
            self.komet.po_dates.insert(shown.map_or(order.ship_date, |po| po.ship_date));
        }
    }

    fn add(&mut self, order: &Order, action: &Action, answer: Option<&str>) {
        match action {
            Action::CreatePrebook(create) => {
                self.komet.windows.extend(create.new.items.iter().map(|item| window_of(item.ship_date)));
            }
            Action::DeleteItem(delete) => {
                let item = order.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == delete.item);
                self.komet.windows.insert(window_of(item.map_or(order.ship_date, |i| i.ship_date)));
            }
            Action::CreatePo(new) => {
                let answered: Option<CreatedPo> = answer.and_then(|text| serde_json::from_str(text).ok());
                match answered.map(|created| created.number).or_else(|| new.number.clone()) {
                    Some(number) if number.can_be_asked_for() => {
                        self.made.entry(new.ship_date).or_default().insert(number.clone());
                        self.komet.po_numbers.insert(number);
                    }
                    _ => drop(self.komet.po_dates.insert(new.ship_date)),
                }
            }
            Action::DeletePoLine(delete) => self.add_po(order, &delete.number),
            Action::Ship(ship) => self.add_po(order, &ship.number),
            Action::ChangeCode(change) => self.add_po(order, &change.number),
            Action::PutOrder(_) | Action::CancelOrder(_) | Action::PutPurchaseOrder(_) => match &order.ax_id {
                Some(id) => drop(self.ax_orders.insert(id.clone())),
                None => self.ax_feed = true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Breakdown, KometProduct, KometRef, KometTerms, NewBreakdown, NewGoods, UnitType};

    fn sent(product: i64, mix: &[i64]) -> NewPrebookItem {
        let part = |id: &i64| NewBreakdown {
            product: KometRef::Id(*id),
            bunches: 5,
            stems_per_bunch: 25,
            unit_cost: 1.into(),
        };
        NewPrebookItem {
            line: LineId("1".into()),
            product: KometRef::Id(product),
            goods: NewGoods {
                boxes: 2,
                box_type: KometRef::Code { code: "HB".into(), name: String::new() },
                bunches: 10,
                stems_per_bunch: 25,
                unit_type: UnitType::Stem,
                unit_cost: 1.into(),
                notes: None,
                mix: mix.iter().map(part).collect(),
            },
            price: None,
            ship_date: chrono::NaiveDate::MIN,
            mark_code: None,
        }
    }

    fn shown(id: i64, new: &NewPrebookItem) -> PrebookItem {
        let product = |asked: &KometRef| match asked {
            KometRef::Id(id) => KometProduct { id: Some(*id), description: String::new() },
            _ => unreachable!("asked for by id"),
        };
        let part = |part: &NewBreakdown| Breakdown {
            product: product(&part.product),
            bunches: part.bunches,
            stems_per_bunch: part.stems_per_bunch,
            unit_cost: part.unit_cost,
        };
        let goods = &new.goods;
        let terms = KometTerms {
            product: product(&new.product),
            box_type: "HB".into(),
            boxes: goods.boxes,
            bunches: goods.bunches,
            stems_per_bunch: goods.stems_per_bunch,
            unit_type: Some(goods.unit_type),
            unit_cost: goods.unit_cost,
            mark_code: None,
            notes: None,
            breakdowns: goods.mix.iter().map(part).collect(),
        };
        PrebookItem { id: ItemId(id), ship_date: new.ship_date, terms, po_number: None }
    }

    /// Each line gets its own item or none: what is taken for a stray is deleted.
    #[test]
    fn only_the_goods_that_were_sent_are_taken_for_a_stray() {
        let (mixed, roses, lilies) = (sent(9, &[1, 2]), sent(1, &[]), sent(2, &[]));
        let of = |items: Vec<PrebookItem>, sent: &[&NewPrebookItem]| {
            let sent: Vec<NewPrebookItem> = sent.iter().map(|one| (*one).clone()).collect();
            strays_among(items, &sent).into_iter().map(|id| id.map(|id| id.0)).collect::<Vec<_>>()
        };
        let both = || vec![shown(1, &mixed), shown(2, &roses)];
        assert_eq!(of(both(), &[&mixed, &roses]), [Some(1), Some(2)]);
        assert_eq!(of(both(), &[&lilies, &roses]), [None, Some(2)], "packed alike, another product");
        let twins = vec![shown(3, &roses), shown(7, &roses)];
        assert_eq!(of(twins, &[&roses]), [Some(7)], "the latest is the one just made");
    }
}
