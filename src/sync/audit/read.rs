//! Reading both systems in full into the copy of the database: Axerrio's feeds from their beginning, every Prebook
//! window of the horizon, the POs of every ship date on which an order stands, and by its number whatever a list
//! no longer shows. What Axerrio showed before is forgotten first, so that the copy holds what is there now.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{AuditError, Difference};
use crate::domain::{Flow, Maps, Order, OrderKey, PoNumber, window_of, yesterday};
use crate::store::watermarks::{self, Stream};
use crate::store::{labels, maps, orders, reference};
use crate::sync::budget::Source;
use crate::sync::engine::Engine;
use crate::sync::observe;
use crate::sync::plan::{Facts, Need, plan};
use crate::sync::poll::{List, PollError, Windows};
use crate::systems::{Axerrio, Komet, System};

/// Rounds of reading what the orders at hand ask for: a Prebook beyond the horizon, then the PO it names.
const ROUNDS: usize = 3;

/// Which readings hold every record: from what an incomplete one lacks nothing is concluded.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)] // one for each reading
pub(super) struct Whole {
    pub(super) orders: bool,
    pub(super) labels: bool,
    pub(super) prebooks: bool,
    pub(super) purchase_orders: bool,
}

impl Whole {
    pub(super) fn is_whole(self) -> bool {
        self.orders && self.labels && self.prebooks && self.purchase_orders
    }
}

/// Everything that was read, beside what stands in the copy.
pub(super) struct Readings {
    /// The orders of the horizon.
    pub(super) keys: BTreeSet<OrderKey>,
    pub(super) maps: Maps,
    /// Komet's carriers: id to code.
    pub(super) carriers: HashMap<i64, String>,
    /// Komet's box types: id to code.
    pub(super) box_types: HashMap<i64, String>,
    pub(super) facts: Facts,
    /// What was read, or tried in vain, because an order needed it.
    asked: BTreeSet<List>,
    pub(super) whole: Whole,
    /// Records that could not be compared.
    pub(super) unreadable: Vec<Difference>,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    pub(super) async fn read_all(&self) -> Result<Readings, AuditError> {
        self.store
            .write(|conn| {
                for stream in [Stream::Orders, Stream::Labels, Stream::Prebooks, Stream::PurchaseOrders] {
                    watermarks::reset(conn, stream)?;
                }
                orders::forget_axerrio(conn)?;
                labels::forget_all(conn)
            })
            .await?;
        let mut readings = Readings {
            keys: BTreeSet::new(),
            maps: Maps::default(),
            carriers: HashMap::new(),
            box_types: HashMap::new(),
            facts: Facts::default(),
            asked: BTreeSet::new(),
            whole: Whole { orders: true, labels: true, prebooks: true, purchase_orders: true },
            unreadable: Vec::new(),
        };
        let unread = self.poll_orders(None).await?.unreadable;
        readings.whole.orders = unread.is_empty();
        readings.cannot_read(System::Axerrio, unread);
        let unread = self.poll_labels(None).await?.unreadable;
        readings.whole.labels = unread.is_empty();
        readings.facts.orders_read = readings.whole.orders.then_some(DateTime::<Utc>::MAX_UTC);
        readings.cannot_read(System::Axerrio, unread);
        let polled = self.poll_prebooks(None, Windows::All).await?;
        readings.whole.prebooks = polled.unreadable.is_empty();
        readings.cannot_read(System::Komet, polled.unreadable.clone());
        readings.cannot_look_up(polled.left);
        readings.facts.has_read_whole(&polled.windows);
        self.read_names(&mut readings, &polled.carriers).await?;
        self.look_up_absent().await?;
        for round in 0..ROUNDS {
            readings.keys = self.keys_of_horizon().await?;
            let needs = self.needs(&readings, round == 0).await?;
            if needs.is_empty() {
                break;
            }
            self.satisfy(&mut readings, &needs).await?;
        }
        Ok(readings)
    }

    /// What the feed does not show may have changed after the time up to which it is complete: it is asked for by its id.
    async fn look_up_absent(&self) -> Result<(), AuditError> {
        for key in self.keys_of_horizon().await? {
            let order = self.store.read(move |conn| orders::load(conn, key)).await?;
            let absent = order.filter(|order| order.axerrio.order.is_none()).and_then(|order| order.ax_id);
            let Some(id) = absent else { continue };
            match self.axerrio.order(&id).await {
                Ok(None) => {}
                Ok(Some(order)) => drop(self.store.write(move |conn| observe::axerrio_order(conn, &order)).await?),
                Err(error) if error.is_systemic() => return Err(error.into()),
                // A record that makes no sense was told with its feed.
                Err(error) => log::debug!("{}; order {id} is compared without", error.for_log()),
            }
        }
        Ok(())
    }

    /// The maps and Komet's own lists, which are read again if they lack a carrier by which a Prebook goes.
    async fn read_names(&self, readings: &mut Readings, used: &BTreeSet<i64>) -> Result<(), AuditError> {
        let known = self.store.read(reference::carriers).await?.map(|list| list.items).unwrap_or_default();
        let lacks_carriers = used.iter().any(|id| !known.iter().any(|carrier| carrier.id == *id));
        match self.poll_reference(lacks_carriers).await {
            Err(PollError::System(error)) if !error.is_systemic() => {
                log::warn!("{}; going on without", error.for_log());
            }
            other => other?,
        }
        let (maps, carriers, box_types) = self
            .store
            .read(|conn| Ok((maps::load(conn)?, reference::carriers(conn)?, reference::box_types(conn)?)))
            .await?;
        readings.maps = maps;
        readings.carriers = carriers.into_iter().flat_map(|l| l.items).map(|c| (c.id, c.code)).collect();
        readings.box_types = box_types.into_iter().flat_map(|l| l.items).map(|b| (b.id, b.code)).collect();
        Ok(())
    }

    /// The orders that ship within the horizon on either side. A Vendor token sees nothing that ships before Komet's
    /// own yesterday, which may be one day ahead of ours.
    async fn keys_of_horizon(&self) -> Result<BTreeSet<OrderKey>, AuditError> {
        let from = self.visible_from().max(yesterday(self.komet_day()));
        let to = self.horizon_end();
        let keys = self
            .store
            .read(move |conn| {
                let mut keys: BTreeSet<OrderKey> = orders::keys_in_range(conn, from, to)?.into_iter().collect();
                keys.extend(orders::items_expected(conn, from, to)?.into_iter().map(|(key, _, _)| key));
                Ok(keys)
            })
            .await?;
        Ok(keys)
    }

    /// What must still be read before the orders can be compared. `all_dates`: the POs of every ship date, too.
    async fn needs(&self, readings: &Readings, all_dates: bool) -> Result<BTreeSet<Need>, AuditError> {
        let mut needs = BTreeSet::new();
        if all_dates {
            // A buyer may have bought anything on any day.
            needs.extend(self.ship_dates().map(Need::PurchaseOrders));
        }
        for key in readings.keys.iter().copied() {
            let Some(order) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
            let rules = self.audit_rules(&readings.maps, &readings.carriers, &readings.facts);
            needs.extend(plan(&order, &rules).needs);
            needs.extend(prebooks_elsewhere(&order));
            if all_dates {
                needs.extend(po_dates(&order).into_iter().map(Need::PurchaseOrders));
            } else {
                needs.extend(known_numbers(&order).into_iter().map(Need::PurchaseOrder));
            }
        }
        needs.retain(|need| {
            let is_read = match need {
                Need::Prebooks(date) => readings.facts.windows_seen.contains(&window_of(*date)),
                Need::PurchaseOrders(date) => readings.facts.po_dates_read.contains(date),
                Need::PurchaseOrder(number) => readings.facts.po_numbers_read.contains(number),
            };
            // What could not be read is told once.
            !is_read && !readings.asked.contains(&List::of(need))
        });
        Ok(needs)
    }

    /// Reads what is needed as a run does. Of what cannot be read the rest is compared without it.
    async fn satisfy(&self, readings: &mut Readings, needs: &BTreeSet<Need>) -> Result<(), AuditError> {
        let mut windows = BTreeSet::new();
        let mut dates = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for list in needs.iter().map(List::of) {
            match list.clone() {
                List::Source(Source::Window(window)) => drop(windows.insert(window)),
                List::Source(Source::ShipDate(date)) => drop(dates.insert(date)),
                List::Po(number) => drop(numbers.insert(number)),
            }
            readings.asked.insert(list);
        }
        if !windows.is_empty() {
            let polled = self.read_windows(&windows).await?;
            readings.whole.prebooks &= polled.unreadable.is_empty();
            readings.cannot_read(System::Komet, polled.unreadable);
            readings.cannot_look_up(polled.left);
            readings.facts.has_read_whole(&polled.windows);
        }
        let mut polled = self.read_po_dates(&dates).await?;
        numbers.retain(|number| number.can_be_asked_for() && !polled.po_numbers.contains(number));
        for number in &numbers {
            polled.add(self.read_po(number).await?);
        }
        readings.whole.purchase_orders &= polled.unreadable.is_empty();
        readings.cannot_read(System::Komet, polled.unreadable);
        readings.facts.po_dates_read.extend(polled.po_dates);
        readings.facts.po_dates_in_vain.extend(polled.in_vain.keys().filter_map(List::ship_date));
        readings.facts.po_numbers_read.extend(polled.po_numbers);
        Ok(())
    }
}

impl Readings {
    fn cannot_read(&mut self, system: System, records: impl IntoIterator<Item = String>) {
        self.unreadable.extend(records.into_iter().map(|record| {
            let (axerrio, komet) = match system {
                System::Axerrio => (Some(record), None),
                System::Komet => (None, Some(record)),
            };
            Difference { order: None, line: None, field: "unreadable", axerrio, komet }
        }));
    }

    /// So many Prebooks that Komet's lists no longer show were not looked up: half a reading is not taken for a whole one.
    fn cannot_look_up(&mut self, prebooks: u64) {
        self.whole.prebooks &= prebooks == 0;
        let what = || {
            format!(
                "{prebooks} Prebooks that Komet's lists no longer show were not looked up: what is left of the quota is kept for writes"
            )
        };
        self.cannot_read(System::Komet, (prebooks > 0).then(what));
    }
}

/// The ship dates on which POs of the order may stand.
fn po_dates(order: &Order) -> BTreeSet<NaiveDate> {
    let items = order.komet.prebooks.iter().flat_map(|p| &p.items).map(|item| item.ship_date);
    let pos = order.komet.purchase_orders.iter().map(|po| po.ship_date);
    let told = order.axerrio.order.iter().filter_map(|o| o.purchase_order.as_ref()).map(|po| po.ship_date);
    let ordered = order.axerrio.order.iter().map(|o| o.header.ship_date);
    items.chain(pos).chain(told).chain(ordered).chain([order.ship_date]).collect()
}

/// The POs that the order is known to stand on.
fn known_numbers(order: &Order) -> BTreeSet<PoNumber> {
    let links = order.agreed.lines.values().flat_map(|l| &l.po_lines).filter(|link| !link.dead);
    let shown = order.komet.purchase_orders.iter().map(|po| po.number.clone());
    links.map(|link| link.number.clone()).chain(shown).collect()
}

/// A Prebook that no window has shown: Komet may have put its items on the truck date instead of the ship date.
fn prebooks_elsewhere(order: &Order) -> Option<Need> {
    let ax = order.axerrio.order.as_ref().filter(|ax| order.flow == Flow::FromAxerrio && !ax.status.is_off())?;
    let shown = order.komet.prebooks.iter().flat_map(|p| &p.items).filter(|item| item.is_alive()).count();
    let wanted = ax.lines.iter().filter(|line| line.terms.boxes > 0).count();
    (shown < wanted).then(|| Need::Prebooks(ax.header.truck_date()))
}
