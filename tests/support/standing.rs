//! What must stand in both systems after every story, whatever went wrong in it: nothing twice, nothing lost. It looks
//! at the sandbox's world and at what stemsync remembers, and needs nothing of how the story was played.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use stemsync::domain::{Decision, HoldReason, Order as Known, SHIPPED, Verdict};
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{Born, InfoStatus, Order, OrderStatus};
use stemsync::sandbox::komet::{PoLine, PoStatus, PrebookItem, PurchaseOrder};
use stemsync::store::holds::HoldRow;
use stemsync::store::{Connection, StoreError, holds, intents, orders};

use crate::trade::{bought, current_labels, items_of, tag_of};

/// What stemsync remembers, as far as it is held against both systems.
pub(crate) struct Remembered {
    /// Every order on file.
    pub(crate) orders: Vec<Known>,
    /// What waits for a person.
    pub(crate) holds: Vec<HoldRow>,
    /// Requests whose outcome is unknown.
    pub(crate) in_doubt: i64,
    /// What people did beside it.
    pub(crate) people: People,
}

/// What people did that neither system shows afterwards, and that excuses what would be wrong without it.
#[derive(Clone, Default)]
pub(crate) struct People {
    /// Prebooks without a tag in which flow 1 may live: a rep moved items of it there, or wrote over the tag.
    pub(crate) untagged: BTreeSet<u64>,
    /// Items that a rep added to what bears a tag, or copied with it.
    pub(crate) added: BTreeSet<u64>,
    /// POs that a buyer moved to another ship date.
    pub(crate) moved_pos: BTreeSet<u64>,
    /// Box codes that a label got from another.
    pub(crate) misprinted: BTreeSet<String>,
}

impl Remembered {
    pub(crate) fn read(conn: &Connection) -> Result<Self, StoreError> {
        let mut all = Vec::new();
        for key in orders::all_keys(conn)? {
            all.extend(orders::load(conn, key)?);
        }
        let (holds, in_doubt) = (holds::list(conn)?, intents::count(conn)?);
        Ok(Self { orders: all, holds, in_doubt, people: People::default() })
    }

    /// Whether a person is asked about the order, or has decided: there the two sides may differ.
    pub(crate) fn is_asked(&self, order: &Known) -> bool {
        let holds = |hold: &HoldRow| hold.order_key == Some(order.key) || hold.covers.contains(&order.key);
        !order.agreed.decisions.is_empty() || self.holds.iter().any(holds)
    }

    /// Whether a hold is there whose request is tried again each run, until the system takes it (clarification 11).
    pub(crate) fn retries(&self) -> bool {
        let tried =
            |hold: &HoldRow| matches!(hold.reason, HoldReason::RejectedByKomet | HoldReason::RejectedByAxerrio);
        self.holds.iter().any(tried)
    }
}

/// What stands wrong; nothing, if stemsync had the time to do its work. `first` and `last` are the ship dates that
/// it looks at: today or yesterday, and the end of its horizon.
pub(crate) fn wrong(world: &World, known: &Remembered, first: NaiveDate, last: NaiveDate) -> Vec<String> {
    let holds = &known.holds;
    // Nothing may stand twice all the same.
    let differs = |order: &Known| known.is_asked(order);
    let people = &known.people;
    let by_name: BTreeMap<String, &Known> = known.orders.iter().map(|o| (o.name().to_owned(), o)).collect();
    let mut wrong = Vec::new();
    for order in world.axerrio.orders() {
        let Some(known) = by_name.get(&order.id) else {
            wrong.push(format!("{} is not on file", order.id));
            continue;
        };
        // A person is asked, or has said that it stays.
        let held = holds.iter().filter(|h| h.order_key == Some(known.key));
        // What has shipped nobody can take back, whichever side is taken.
        let is_kept = |d: &&Decision| d.verdict != Verdict::TakeAxerrio || d.cause.starts_with(SHIPPED);
        let decided = known.agreed.decisions.iter().filter(is_kept);
        let causes: Vec<&str> =
            held.clone().map(|h| h.cause.as_str()).chain(decided.clone().map(|d| d.cause.as_str())).collect();
        let about = |wanted: &str| {
            causes.iter().any(|cause| cause.strip_prefix(SHIPPED).unwrap_or(cause).starts_with(wanted))
        };
        // Or was told that Komet refuses to let it go, and may have left it at that.
        let is_refusal = |reason: HoldReason, cause: &str| {
            reason == HoldReason::RejectedByKomet && cause.contains("item.delete")
        };
        let refused = held.clone().any(|h| is_refusal(h.reason, &h.cause))
            || decided.clone().any(|d| is_refusal(d.reason, &d.cause));
        let asked = about("item ") || refused;
        // Of an order that waits for the brake nothing is given up before a person has let it go.
        let braked = holds.iter().any(|hold| hold.covers.contains(&known.key));
        let twice =
            braked || about("bought twice") || held.clone().any(|h| h.reason == HoldReason::ChangedAfterApproval);
        let check =
            Check { world, order, known, people, differs: differs(known), asked, twice, causes, first, last };
        match order.origin {
            Born::Axerrio => check.flow1(&mut wrong),
            Born::Komet => check.flow2(&mut wrong),
        }
        check.labels(&mut wrong);
    }
    every_prebook_has_its_orders(world, first, last, known, &mut wrong);
    box_codes_are_unique(world, &mut wrong);
    if known.in_doubt > 0 {
        wrong.push(format!("{} requests are in doubt", known.in_doubt));
    }
    wrong
}

struct Check<'w> {
    world: &'w World,
    order: &'w Order,
    known: &'w Known,
    people: &'w People,
    differs: bool,
    /// A person is asked about an item that stands for no line.
    asked: bool,
    /// Procurement approved a line twice, or one that is gone, before stemsync could see that it was there, and a person is
    /// asked.
    twice: bool,
    /// Of each question that a person is asked, or has answered so that it stays: what it is about.
    causes: Vec<&'w str>,
    /// The day from which on stemsync looks.
    first: NaiveDate,
    /// The end of the horizon: what ships later is read when it comes nearer.
    last: NaiveDate,
}

/// What one line is, so that both sides can be counted against each other.
type Shape = (u32, u32, u32, String, usize);

/// Whether one holds all of the other twice; both are in order.
fn is_twice(shapes: &[Shape], wanted: &[Shape]) -> bool {
    let twice: Vec<&Shape> = wanted.iter().flat_map(|shape| [shape, shape]).collect();
    shapes.iter().collect::<Vec<_>>() == twice
}

impl Check<'_> {
    fn flow1(&self, wrong: &mut Vec<String>) {
        let id = &self.order.id;
        let items = self.items();
        let off = matches!(self.order.status, OrderStatus::Cancelled | OrderStatus::Rejected);
        let wanted: Vec<_> = self.order.draft.lines.iter().filter(|l| l.boxes > 0 && !off).collect();
        // Also if its Prebook line is gone since.
        let mut ever = self.known.agreed.lines.values().flat_map(|l| &l.po_lines);
        let decided = ever.any(|link| {
            let line = u64::try_from(link.line.0).ok().and_then(|line| self.world.komet.po_line(line));
            line.is_some_and(|(po, line)| line.goods.boxes > 0 && !matches!(po.status, PoStatus::Pending))
        });
        let mut shapes: Vec<Shape> = items.iter().map(shape).collect();
        let mut wanted_shapes: Vec<Shape> = wanted
            .iter()
            .map(|l| {
                let mixed = !l.mix.is_empty();
                let bunches = if mixed { 0 } else { l.bunches_per_box };
                let cost = if mixed { String::new() } else { l.unit_cost.normalize().to_string() };
                (l.boxes, bunches, l.stems_per_bunch, cost, l.mix.len())
            })
            .collect();
        shapes.sort();
        wanted_shapes.sort();
        if self.differs || decided {
            let ever: BTreeSet<&str> = self
                .known
                .agreed
                .lines
                .keys()
                .map(|l| l.0.as_str())
                .chain(wanted.iter().map(|l| l.id.as_str()))
                .collect();
            // What was delivered twice beyond the horizon is found when its day comes nearer.
            if items.len() > ever.len() && !self.asked && self.order.draft.ship_date <= self.last {
                wrong.push(format!("{id} has {} lines, and {} items in Komet", ever.len(), items.len()));
            }
        } else if self.order.draft.ship_date > self.last
            && (items.len() <= self.joined() + if off { self.order.draft.lines.len() } else { wanted.len() }
                || is_twice(&shapes, &wanted_shapes))
        {
            // What people change in Komet beyond the horizon is read when it comes nearer, and what a request left there
            // that was delivered twice.
        } else if self.order.draft.ship_date < self.first - TimeDelta::days(1)
            && self.known.agreed.lines.is_empty()
        {
            // Refused until its day was over: nothing older is made, for nobody could find it again.
        } else if items.len() <= wanted.len() && self.moved_beyond() {
            // What people delete there is noticed when its day comes nearer.
        } else if shapes != wanted_shapes {
            wrong.push(format!("{id}: Axerrio has {wanted_shapes:?}, Komet has {shapes:?}"));
        }
        for item in &items {
            let link = self
                .known
                .agreed
                .lines
                .iter()
                .find(|(_, l)| l.item.as_ref().is_some_and(|link| u64::try_from(link.item.0) == Ok(item.id)));
            let line = link.and_then(|(line, _)| wanted.iter().find(|l| l.id == line.0));
            let expected = line.map(|l| l.confirmed_boxes.map_or(l.boxes, |c| c.min(l.boxes)));
            self.bought(item, expected, wrong);
        }
        for prebook in self.world.komet.prebooks().filter(|p| tag_of(p) == Some(id)) {
            for item in prebook.items.iter().filter(|i| i.goods.boxes == 0) {
                let lines = self.purchases(item.id);
                if !lines.is_empty() && !self.twice {
                    let lines: Vec<_> =
                        lines.iter().map(|(po, l)| (po.number, po.status, l.id, l.boxes.len())).collect();
                    wrong.push(format!("{id}: a PO buys the deleted item {}: {lines:?}", item.id));
                }
            }
        }
    }

    /// The order's own items: in the Prebooks under its tag, where another vendor's link may have the same one, and where a rep
    /// moved them.
    fn items(&self) -> Vec<PrebookItem> {
        let vendor = self.world.komet.catalogue().vendor.id;
        let mut items = items_of(self.world, &self.order.id);
        // What a rep adds there without a cost or a day, or for a day that is far, no list shows yet.
        let is_shown = |item: &PrebookItem| {
            item.goods.cost.is_some() && item.ship_date.is_some_and(|day| self.first <= day && day <= self.last)
        };
        items.retain(|item| item.vendor == vendor && (is_shown(item) || !self.people.added.contains(&item.id)));
        let links = self.known.agreed.lines.values().filter_map(|line| line.item.as_ref());
        for link in links {
            let Some((prebook, item)) =
                u64::try_from(link.item.0).ok().and_then(|item| self.world.komet.prebook_item(item))
            else {
                continue;
            };
            if self.people.untagged.contains(&prebook.id) && tag_of(prebook).is_none() && item.goods.boxes > 0 {
                items.push(item.clone());
            }
        }
        items
    }

    /// How many items stemsync put into a Prebook that was there: delivered twice, each may stand there once more until it is read.
    fn joined(&self) -> usize {
        let links = self.known.agreed.lines.values().filter_map(|line| line.item.as_ref());
        links.filter(|link| link.joined).count()
    }

    /// Whether Komet last showed an item of the order beyond the horizon, where it put it in place of the day that it was sent.
    fn moved_beyond(&self) -> bool {
        self.known.komet.prebooks.iter().flat_map(|p| &p.items).any(|item| item.ship_date > self.last)
    }

    fn flow2(&self, wrong: &mut Vec<String>) {
        let id = &self.order.id;
        // What was shipped is over, also if its Prebook is gone since.
        let standing = !matches!(self.order.status, OrderStatus::Cancelled | OrderStatus::Shipped);
        let accepted = matches!(self.order.status, OrderStatus::Accepted | OrderStatus::Shipped);
        for line in &self.order.draft.lines {
            let Some((_, item)) = line.id.parse().ok().and_then(|item| self.world.komet.prebook_item(item)) else {
                // What leaves Komet's list once its day is over may have been deleted, or be history.
                let is_looked_at = (self.first..=self.last).contains(&self.order.draft.ship_date);
                if standing && !self.differs && is_looked_at {
                    wrong.push(format!("{id}: line {} stands for no Prebook item", line.id));
                }
                continue;
            };
            let same = item.goods.boxes == line.boxes && item.ship_date == Some(self.order.draft.ship_date);
            // Beyond the horizon nobody looks, until the day comes nearer; nor for what moved there once its own day was over.
            let is_over = self.order.draft.ship_date < self.first;
            let seen = self.order.draft.ship_date <= self.last && !is_over
                || item.ship_date.is_some_and(|day| day <= self.last);
            if standing && !self.differs && !same && seen {
                wrong.push(format!("{id}: line {} differs from its item {:?}", line.id, item.goods));
            }
            // What moved to another ship date is judged with the order it stands in now.
            let moved = !standing
                && self.world.axerrio.orders().any(|other| {
                    other.status != OrderStatus::Cancelled && other.draft.lines.iter().any(|l| l.id == line.id)
                });
            if !moved {
                let expected = accepted.then(|| line.confirmed_boxes.map_or(line.boxes, |c| c.min(line.boxes)));
                self.bought(item, expected, wrong);
            }
        }
    }

    /// The PO lines that buy an item. Beyond the horizon nobody looks for one that stemsync does not know, nor where a buyer moved one
    /// that a request left which was delivered twice, before anybody read of it.
    fn purchases(&self, item: u64) -> Vec<(PurchaseOrder, PoLine)> {
        let is_known = |line: &PoLine| {
            let mut links = self.known.agreed.lines.values().flat_map(|l| &l.po_lines);
            links.any(|link| u64::try_from(link.line.0) == Ok(line.id))
        };
        let mut lines = bought(self.world, item);
        let is_out_of_sight =
            |po: &PurchaseOrder| po.ship_date > self.last || self.people.moved_pos.contains(&po.number);
        lines.retain(|(po, line)| !is_out_of_sight(po) || is_known(line));
        lines
    }

    /// Each item is bought once, on one PO; `expected` boxes while procurement has not decided otherwise.
    fn bought(&self, item: &PrebookItem, expected: Option<u32>, wrong: &mut Vec<String>) {
        let id = &self.order.id;
        let lines = self.purchases(item.id);
        // What people shipped themselves, under codes that Komet made, is as they wanted it.
        let is_theirs =
            |line: &PoLine| !line.boxes.is_empty() && line.boxes.iter().all(|b| b.code.starts_with("KS"));
        let ours = lines.iter().filter(|(_, line)| !is_theirs(line));
        let numbers: BTreeSet<u64> = ours.map(|(po, _)| po.number).collect();
        let unshipped = lines.iter().filter(|(_, l)| l.boxes.is_empty()).count();
        // Whoever is asked what a buyer's change is to be is told of all the lines.
        let names = |cause: &str| {
            let named: BTreeSet<&str> = cause.split([' ', ',']).collect();
            cause.starts_with("PO line ") && lines.iter().all(|(_, l)| named.contains(l.id.to_string().as_str()))
        };
        // Of a line whose item is in question nothing is given up, what a late request did included.
        let item_asked = format!("item {} ", item.id);
        let asked = self.causes.iter().any(|cause| names(cause) || cause.starts_with(&item_asked));
        if !self.twice && !asked && (numbers.len() > 1 || unshipped > 1) {
            wrong.push(format!("{id}: item {} is bought {unshipped} times, on POs {numbers:?}", item.id));
        }
        let pending = lines.iter().all(|(po, _)| po.status == PoStatus::Pending);
        // In flow 2 a PO line that was made as it should be is the buyer's to change.
        let asked = self.known.agreed.lines.values().flat_map(|l| &l.po_lines);
        let asked =
            asked.filter(|link| u64::try_from(link.item.0) == Ok(item.id)).filter_map(|l| l.asked.as_ref());
        let as_asked = self.order.origin == Born::Komet
            && expected == Some(asked.map(|goods| goods.boxes).sum())
            && lines.len() == 1;
        if as_asked {
            return;
        }
        let mut called_off = self.world.komet.purchase_orders().filter(|po| po.status == PoStatus::Cancelled);
        let cancelled = called_off.any(|po| po.lines.iter().any(|l| l.item == Some(item.id)));
        // What procurement took off a PO of flow 2 that it had decided about stays off, and Axerrio is told.
        let told = self.order.purchase_order.as_ref().filter(|told| told.status != InfoStatus::Pending);
        let taken_off = self.order.origin == Born::Komet
            && lines.is_empty()
            && told.is_some_and(|told| told.lines.iter().all(|line| line.line_id != item.id.to_string()));
        let is_settled = cancelled || taken_off || self.differs;
        let Some(expected) = expected.filter(|_| pending && !is_settled) else { return };
        let boxes: u32 = lines.iter().map(|(_, l)| l.goods.boxes).sum();
        if boxes != expected {
            wrong.push(format!("{id}: {boxes} boxes of item {} are bought, not {expected}", item.id));
        }
    }

    /// Each label that may ship is the code of one box of its own line, and no other code is there.
    fn labels(&self, wrong: &mut Vec<String>) {
        let id = &self.order.id;
        let labels = current_labels(self.world, id);
        let codes: BTreeSet<&str> = self.world.axerrio.labels_of(id).map(|l| l.box_code.as_str()).collect();
        for label in &labels {
            let agreed = self.known.agreed.lines.iter().find(|(line, _)| line.0 == label.line_id);
            let item = agreed.and_then(|(_, l)| l.item.as_ref()).and_then(|link| u64::try_from(link.item.0).ok());
            match self.world.komet.line_of_box(&label.box_code) {
                Some((_, line)) if line.item == item => {}
                // The item was deleted and made again, and the PO line of the first one still buys and ships the line.
                Some((_, line)) if agreed.is_some_and(|(_, l)| buys(l, line)) => {}
                // The order line is gone, and nobody remembers which item stood for it; or the PO is off.
                Some((po, _)) if item.is_none() || po.status == PoStatus::Cancelled => {}
                // Another box has the code already, and a person is asked which, or will be once there is an AWB.
                Some(_)
                    if self.people.misprinted.contains(&label.box_code)
                        && (self.differs || label.awb.is_none()) => {}
                Some((po, line)) => wrong.push(format!(
                    "{id}: box {} is on line {} of PO {}, which buys for {:?}",
                    label.box_code, line.id, po.number, line.item
                )),
                None => {
                    let approved = item.is_some_and(|item| {
                        bought(self.world, item).iter().any(|(po, _)| po.status != PoStatus::Pending)
                    });
                    if approved && label.awb.is_some() && !self.differs {
                        wrong.push(format!("{id}: box {} is not in Komet", label.box_code));
                    }
                }
            }
        }
        let current: BTreeSet<&str> = labels.iter().map(|l| l.box_code.as_str()).collect();
        for link in self.known.agreed.lines.values().filter_map(|l| l.item.as_ref()) {
            let Ok(item) = u64::try_from(link.item.0) else { continue };
            for (po, line) in bought(self.world, item) {
                for shown in &line.boxes {
                    let stale = codes.contains(shown.code.as_str()) && !current.contains(shown.code.as_str());
                    if stale && !self.differs {
                        wrong.push(format!("{id}: PO {} has the withdrawn box {}", po.number, shown.code));
                    }
                }
            }
        }
    }
}

fn shape(item: &PrebookItem) -> Shape {
    let mixed = !item.goods.parts.is_empty();
    let bunches = if mixed { 0 } else { item.goods.bunches };
    let cost = if mixed { String::new() } else { item.goods.cost.unwrap_or_default().normalize().to_string() };
    (item.goods.boxes, bunches, item.goods.stems, cost, item.goods.parts.len())
}

/// Every ship date of a Prebook that the vendor may see is one order in Axerrio, with each item as one line.
fn every_prebook_has_its_orders(
    world: &World,
    first: NaiveDate,
    last: NaiveDate,
    known: &Remembered,
    wrong: &mut Vec<String>,
) {
    let orders = &known.orders;
    let vendor = world.komet.catalogue().vendor.id;
    for prebook in world.komet.prebooks().filter(|p| tag_of(p).is_none()) {
        let is_untagged = known.people.untagged.contains(&prebook.id);
        // An order of flow 1 that lives there, or whose tag somebody has written behind, is asked about what else is there.
        let concerns = |order: &Known| {
            order.prebook.as_ref().is_some_and(|p| u64::try_from(p.0) == Ok(prebook.id))
                || prebook.comments.contains(&format!("[AX {}]", order.name()))
                || is_untagged && prebook.items.iter().any(|item| stands_for_a_line(order, item.id))
                // Moved before anybody read it, it may be the line that is missed.
                || is_untagged && !order.agreed.unseen.is_empty()
        };
        let asked = orders.iter().any(|order| concerns(order) && known.is_asked(order));
        for item in prebook.items.iter().filter(|i| i.vendor == vendor && i.goods.boxes > 0) {
            let line = item.id.to_string();
            let of_flow1 = orders.iter().any(|o| {
                let links = o.agreed.strays.iter().filter_map(|s| s.item.as_ref());
                links
                    .chain(o.agreed.lines.values().filter_map(|l| l.item.as_ref()).map(|l| &l.item))
                    .any(|i| i.to_string() == line)
                    && o.prebook.is_none()
            });
            if of_flow1 && !is_untagged {
                wrong.push(format!("item {line} of flow 1 lives in the foreign Prebook {}", prebook.number));
            }
            let standing = world
                .axerrio
                .orders()
                .filter(|o| o.origin == Born::Komet && o.status != OrderStatus::Cancelled)
                .filter(|o| o.draft.lines.iter().any(|l| l.id == line))
                .count();
            let seen = item.goods.cost.is_some() && item.ship_date.is_some_and(|d| first <= d && d <= last);
            let excused = asked || of_flow1 && is_untagged;
            if standing > usize::from(!of_flow1) || (standing == 0 && seen && !excused) {
                wrong.push(format!("item {line} of Prebook {} is {standing} lines in Axerrio", prebook.number));
            }
        }
    }
}

/// Whether the item is what stands for a line of the order in Komet.
fn stands_for_a_line(order: &Known, item: u64) -> bool {
    let mut links = order.agreed.lines.values().filter_map(|line| line.item.as_ref());
    links.any(|link| u64::try_from(link.item.0) == Ok(item))
}

fn box_codes_are_unique(world: &World, wrong: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let lines = world.komet.purchase_orders().flat_map(|po| &po.lines);
    for code in lines.flat_map(|l| &l.boxes).map(|b| &b.code) {
        if !seen.insert(code) {
            wrong.push(format!("box code {code} is on two boxes"));
        }
    }
}

/// Whether the PO line is one of the order line's own.
fn buys(line: &stemsync::domain::AgreedLine, bought: &PoLine) -> bool {
    line.po_lines.iter().any(|link| u64::try_from(link.line.0) == Ok(bought.id))
}
