//! Komet's POs, a ship date at a time: there is no changed-since filter for them.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{List, PollError, Polled};
use crate::domain::{OrderKey, PoNumber, PoStatus, PrebookItem, PurchaseOrder};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, budget, orders};
use crate::sync::budget::{Kind, Source};
use crate::sync::engine::Engine;
use crate::sync::report::Job;
use crate::sync::{observe, pace};
use crate::systems::{Axerrio, Komet, PoQuery};

/// How soon the ship date of a cancelled PO is read again while its order stands: a buyer may take the cancellation back, or buy the
/// items anew, and neither shows anywhere else.
const CANCELLED_AGAIN: TimeDelta = TimeDelta::hours(1);

/// How many days after its ship date a PO is still polled: boxes are scanned in within days.
pub(in crate::sync) const RECEIVING_DAYS: u64 = 7;

/// For how many days after its ship date a PO that is still open by then is read, once a day: a buyer may approve it late, and
/// stemsync may have stood still while he did.
const LATE_DAYS: u64 = 30;

/// How often such a PO is read, and by runs that somebody asked for: those of a timer come every few minutes.
const LATE_EVERY: TimeDelta = TimeDelta::days(1);
const LATE_AGAIN: TimeDelta = TimeDelta::hours(1);

/// How often a ship date is read on which a PO may stand that its order does not lead to.
const FURTHER_EVERY: TimeDelta = TimeDelta::hours(1);

/// The ship dates that are read now though no open order leads to them, each with the reason: seldom, for they are worth nothing to
/// the budget, and still nothing may be forgotten.
pub(in crate::sync) fn seldom(
    conn: &Connection,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<(NaiveDate, &'static str)>, StoreError> {
    let late = late_dates(conn, today, now - LATE_EVERY)?.into_iter();
    let further = orders::further_po_dates(conn, polled_from(today))?;
    let further = budget::unread_since(conn, further, now - FURTHER_EVERY)?.into_iter();
    let late = late.map(|date| (date, "still open long after its ship date"));
    Ok(further.map(|date| (date, "a PO was moved there, or taken away")).chain(late).collect())
}

/// The ship dates on which a PO may still be open, though it should be received by `today`, and that were not read since.
fn late_dates(conn: &Connection, today: NaiveDate, since: DateTime<Utc>) -> Result<Vec<NaiveDate>, StoreError> {
    let mut open = orders::open_po_ship_dates(conn, days_before(today, LATE_DAYS))?;
    open.retain(|date| *date < polled_from(today));
    budget::unread_since(conn, open, since)
}

/// The first ship date whose POs are still polled.
pub(in crate::sync) fn polled_from(today: NaiveDate) -> NaiveDate {
    days_before(today, RECEIVING_DAYS)
}

fn days_before(today: NaiveDate, days: u64) -> NaiveDate {
    today.checked_sub_days(Days::new(days)).unwrap_or(today)
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Polls the POs of every ship date that holds an open linked PO, or an unseen one of ours; `paced`: of those that are
    /// worth a request now.
    pub async fn poll_purchase_orders(&self, paced: bool) -> Result<Polled, PollError> {
        let dates: BTreeSet<NaiveDate> = if paced {
            self.decide_and_note(Kind::PurchaseOrders).await?.into_iter().filter_map(Source::ship_date).collect()
        } else {
            let (today, now) = (self.today(), self.clock.now());
            let dates = move |conn: &Connection| {
                let mut dates = orders::open_po_ship_dates(conn, polled_from(today))?;
                dates.extend(late_dates(conn, today, now - LATE_AGAIN)?);
                dates.extend(orders::further_po_dates(conn, polled_from(today))?);
                dates.extend(budget::to_look_at(conn, now)?);
                // Whoever asked for this run does not wait to see a cancellation taken back.
                for date in budget::to_look_at(conn, now + CANCELLED_AGAIN)? {
                    if orders::is_any_cancelled(conn, date)? {
                        dates.push(date);
                    }
                }
                Ok(dates.into_iter().collect())
            };
            self.store.read(dates).await?
        };
        let mut polled = self.read_po_dates(&dates).await?;
        polled.polls = dates.len() as u64;
        Ok(polled)
    }

    /// Reads the POs of the ship dates that were never read while the stream as a whole was not either: in a new database, or
    /// in a restored copy, boxes may have been shipped that it does not know, and they are not shipped again. What a date has that
    /// cannot be read may be those boxes, so nothing is shipped on its other unread POs either.
    pub(in crate::sync) async fn poll_unseen_purchase_orders(&self, paced: bool) -> Result<Polled, PollError> {
        let in_vain = self.in_vain(paced).await?;
        let today = self.today();
        let mut unseen = self.store.read(move |conn| unseen(conn, today)).await?;
        unseen.retain(|date| !in_vain.contains(&Source::ShipDate(*date)));
        self.read_po_dates(&unseen).await
    }

    /// Reads the POs of these ship dates; a PO that left its date is looked up by its number.
    pub async fn read_po_dates(&self, dates: &BTreeSet<NaiveDate>) -> Result<Polled, PollError> {
        let mut polled = Polled::default();
        let mut missing: BTreeSet<PoNumber> = BTreeSet::new();
        let mut shown: BTreeSet<PoNumber> = BTreeSet::new();
        for date in dates.iter().copied() {
            let answer = match self.komet.purchase_orders(&PoQuery::ShipDate(date)).await {
                Err(error) if error.is_too_long() => {
                    self.leave_too_long(date, &mut polled).await?;
                    continue;
                }
                answer => answer?,
            };
            polled.records += answer.items.len() as u64;
            let list = List::Source(Source::ShipDate(date));
            polled.report_in(list, Job::PurchaseOrders, "Komet PO", &answer.unreadable);
            let readable = answer.unreadable.is_empty();
            polled.po_dates.extend(readable.then_some(date));
            shown.extend(answer.items.iter().map(|po| po.number.clone()));
            let items = answer.items;
            let shows = readable.then_some(answer.as_of);
            let (now, from) = (self.clock.now(), polled_from(self.today()));
            let (changed, expected) = self
                .store
                .write(move |conn| {
                    let mut changed = 0;
                    for po in &items {
                        changed += observe::purchase_order(conn, po)?;
                    }
                    let mut expected = BTreeSet::new();
                    for key in orders::keys_with_open_po(conn, date)? {
                        expected.extend(open_numbers(conn, key)?);
                    }
                    pace::saw(conn, Source::ShipDate(date), now, shows, (changed, readable))?;
                    if stands_without_po(conn, &items)? {
                        budget::look_later(conn, date, now, now + CANCELLED_AGAIN)?;
                    }
                    // The stream as a whole was read up to where its oldest ship date was.
                    let open = orders::open_po_ship_dates(conn, from)?;
                    if let Some(at) = budget::all_show(conn, &open)? {
                        watermarks::set(conn, Stream::PurchaseOrders, 0, at)?;
                    }
                    Ok((changed, expected))
                })
                .await?;
            polled.changed += changed;
            if readable {
                missing.extend(expected);
            }
        }
        for number in missing.difference(&shown) {
            polled.add(self.read_po(number).await?);
        }
        polled.po_numbers.extend(shown);
        Ok(polled)
    }

    /// A ship date whose list cannot be read for its length proves nothing, and is left for a while as one that makes no sense is.
    async fn leave_too_long(&self, date: NaiveDate, polled: &mut Polled) -> Result<(), StoreError> {
        let then = "What becomes of these POs is not seen, those of other dates are. Look in Komet for what fills this date.";
        let list = List::Source(Source::ShipDate(date));
        polled.report_too_long(list, Job::PurchaseOrders, "POs", date, then);
        let now = self.clock.now();
        self.store.write(move |conn| pace::saw(conn, Source::ShipDate(date), now, None, (0, false))).await
    }

    /// Reads one PO by its number; if Komet has none of that number it is gone. Of a number that cannot be asked for nothing can be
    /// said.
    pub async fn read_po(&self, number: &PoNumber) -> Result<Polled, PollError> {
        if !number.can_be_asked_for() {
            log::warn!(
                job = Job::PurchaseOrders.name();
                "PO {number} cannot be looked up: its number holds a comma, or more than 10 characters"
            );
            return Ok(Polled::default());
        }
        let answer = self.komet.purchase_orders(&PoQuery::Number(number.clone())).await?;
        let mut polled = Polled { records: answer.items.len() as u64, ..Polled::default() };
        polled.report_in(List::Po(number.clone()), Job::PurchaseOrders, "Komet PO", &answer.unreadable);
        let readable = answer.unreadable.is_empty();
        if readable {
            polled.po_numbers.insert(number.clone());
        }
        let (wanted, now) = (number.clone(), self.clock.now());
        polled.changed = self
            .store
            .write(move |conn| {
                budget::po_was_read(conn, &wanted, !readable, now)?;
                let mut changed = 0;
                let mut found = false;
                for po in &answer.items {
                    found |= po.number == wanted;
                    changed += observe::purchase_order(conn, po)?;
                }
                if !found && readable {
                    changed += observe::forget_po(conn, &wanted)?;
                }
                Ok(changed)
            })
            .await?;
        Ok(polled)
    }
}

/// The ship dates of open POs that were never read, while the stream as a whole was not either.
pub(in crate::sync) fn unseen(conn: &Connection, today: NaiveDate) -> Result<BTreeSet<NaiveDate>, StoreError> {
    if watermarks::get(conn, Stream::PurchaseOrders, 0)?.is_some() {
        return Ok(BTreeSet::new());
    }
    let open = orders::open_po_ship_dates(conn, days_before(today, LATE_DAYS))?;
    Ok(budget::never_shown(conn, &open)?.into_iter().collect())
}

/// The POs on which something may still happen for an order.
fn open_numbers(conn: &Connection, key: OrderKey) -> Result<BTreeSet<PoNumber>, StoreError> {
    let agreed = orders::load_agreed(conn, key)?;
    let links = agreed.lines.values().flat_map(|l| &l.po_lines).filter(|link| !link.dead);
    Ok(links.map(|link| link.number.clone()).collect())
}

/// Whether one of these POs is cancelled while an order whose it is stands in both systems.
fn stands_without_po(conn: &Connection, pos: &[PurchaseOrder]) -> Result<bool, StoreError> {
    for po in pos.iter().filter(|po| po.status == PoStatus::Cancelled) {
        for key in orders::keys_by_po(conn, &po.number)? {
            let Some(order) = orders::load(conn, key)? else { continue };
            let is_ordered = order.axerrio.order.is_some_and(|order| !order.status.is_off());
            if is_ordered && order.komet.prebooks.iter().flat_map(|p| &p.items).any(PrebookItem::is_alive) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
