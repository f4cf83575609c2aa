//! What people do on both sides while stemsync works: customers, sales reps, buyers, the vendor, the warehouse, and an
//! admin. A deed is a kind and a seed of its own: whom it concerns is drawn when it is done, so that a history stays
//! playable when others are taken out of it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fastrand::Rng;
use rust_decimal::Decimal;
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{Born, LabelStatus, Line, Order, OrderChange, OrderStatus, Reprint};
use stemsync::sandbox::komet::{HeaderChange, ItemChange, ItemDraft, PoStatus, Prebook};
use stemsync::systems::System;

use crate::further;
use crate::network::State;
use crate::trade;

/// A list of kinds, each with how often it is drawn; another list's may come in as `and Name(other::Kind)`.
macro_rules! kinds {
    ($($weight:literal $name:ident,)* $(and $others:ident($theirs:path))?) => {
        /// What is done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $($name,)* $($others($theirs),)? }

        /// Every kind, and how often it is drawn.
        const KINDS: &[(u32, Kind)] = &[$(($weight, Kind::$name),)*];
    };
}
pub(crate) use kinds;

kinds! {
    14 CustomerOrders,
    7 CustomerChangesLine,
    4 CustomerAddsLine,
    3 CustomerRemovesLine,
    4 CustomerChangesHeader,
    3 CustomerCancels,
    9 VendorAccepts,
    3 VendorAcceptsFewer,
    2 VendorRejects,
    12 VendorPrints,
    4 VendorReprints,
    3 VendorVoids,
    4 VendorCorrectsLabel,
    2 VendorEditsLine,
    2 VendorShips,
    10 RepCreatesPrebook,
    4 RepAddsItem,
    5 RepChangesItem,
    3 RepChangesHeader,
    4 RepMovesShipDate,
    3 RepDeletesItem,
    1 RepDeletesPrebook,
    10 BuyerApproves,
    4 BuyerApprovesAll,
    3 BuyerConfirms,
    2 BuyerCancels,
    3 BuyerChangesLine,
    2 BuyerMovesPo,
    2 BuyerBuysStock,
    2 OtherVendorsPrebook,
    3 PersonMapsProduct,
    2 PersonShipsLine,
    4 WarehouseReceives,
    1 ManyCancel,
    and Further(further::Kind)
}

/// One deed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
}

pub(crate) const KNOWN: [&str; 4] = [trade::FREEDOM, trade::MONDIAL, trade::NOBBIO, "Rose Explorer 60 cm"];
/// Komet does not know them; a person maps them to these.
pub(crate) const UNKNOWN: [(&str, u64); 2] =
    [(trade::UNKNOWN, trade::UNKNOWN_IS), ("Ranunculus Cloni Hanoi", 9005)];

fn product(dice: &mut Rng) -> &'static str {
    if dice.u8(0..9) == 0 { UNKNOWN[dice.usize(..2)].0 } else { KNOWN[dice.usize(..KNOWN.len())] }
}

pub(crate) fn cost(dice: &mut Rng) -> Decimal {
    // Komet keeps four decimals; more of them are a story of their own (known gap).
    Decimal::new(dice.i64(15..60), 2)
}

pub(crate) fn ship_date(dice: &mut Rng, now: DateTime<Utc>) -> NaiveDate {
    let days = match dice.u8(0..20) {
        0 => return far(dice, now),
        1..=3 => dice.i64(8..24),
        _ => dice.i64(2..8),
    };
    now.date_naive() + TimeDelta::days(days)
}

/// A day about the end of the horizon or beyond it.
fn far(dice: &mut Rng, now: DateTime<Utc>) -> NaiveDate {
    now.date_naive() + TimeDelta::days(dice.i64(24..36))
}

pub(crate) fn line(dice: &mut Rng) -> Line {
    let boxes = dice.u32(1..6);
    let mut line = if dice.u8(0..8) == 0 {
        trade::mixed_line(boxes, &[product(dice), KNOWN[dice.usize(..4)]])
    } else {
        trade::line(product(dice), boxes)
    };
    if line.mix.is_empty() {
        line.unit_cost = cost(dice);
        line.bunches_per_box = dice.u32(4..9);
    }
    ["QB", "HB", "FB"][dice.usize(..3)].clone_into(&mut line.box_type);
    line.mark_code = match dice.u8(0..30) {
        0 => Some("M".repeat(60)),
        1..=9 => None,
        n => Some(format!("MARK {n}")),
    };
    line
}

pub(crate) fn item(dice: &mut Rng, ship: NaiveDate) -> ItemDraft {
    let boxes = dice.u32(1..6);
    let mut item = if dice.u8(0..8) == 0 {
        trade::mixed_item(boxes, &[product(dice), KNOWN[dice.usize(..4)]], ship)
    } else {
        trade::item(product(dice), boxes, ship)
    };
    if item.parts.is_empty() {
        item.cost = Some(cost(dice));
        item.bunches = dice.u32(4..9);
        if dice.u8(0..15) == 0 {
            item.cost = None;
        }
    }
    if dice.u8(0..20) == 0 {
        item.ship_date = None;
    }
    item
}

/// One of them; the latest are the likeliest.
pub(crate) fn pick<T>(dice: &mut Rng, mut all: Vec<T>) -> Option<T> {
    let count = all.len();
    let from = if count > 6 && dice.bool() { count - 6 } else { 0 };
    (count > 0).then(|| all.swap_remove(dice.usize(from..count)))
}

/// One of a list of kinds, by their weights.
pub(crate) fn weighted<K: Copy>(dice: &mut Rng, kinds: &[(u32, K)]) -> K {
    let total: u32 = kinds.iter().map(|(weight, _)| weight).sum();
    let mut at = dice.u32(0..total);
    for (weight, kind) in kinds {
        if at < *weight {
            return *kind;
        }
        at -= weight;
    }
    unreachable!("the weights add up to the total")
}

/// What was done, in words, or why it could not be; `None` where it can concern nobody.
pub(crate) type Done = Option<anyhow::Result<String>>;

fn is_open(order: &Order) -> bool {
    !matches!(order.status, OrderStatus::Cancelled | OrderStatus::Shipped)
}

fn is_customers(order: &Order) -> bool {
    order.origin == Born::Axerrio && is_open(order)
}

/// An order that its customer may change.
pub(crate) fn customers_order(world: &World, dice: &mut Rng) -> Option<String> {
    pick(dice, world.axerrio.orders().filter(|o| is_customers(o)).map(|o| o.id.clone()).collect())
}

/// An order that the vendor may work on.
pub(crate) fn vendors_order(world: &World, dice: &mut Rng) -> Option<String> {
    pick(dice, world.axerrio.orders().filter(|o| is_open(o)).map(|o| o.id.clone()).collect())
}

pub(crate) fn line_of(world: &World, dice: &mut Rng, order: &str) -> Option<String> {
    pick(dice, world.axerrio.order(order)?.draft.lines.iter().map(|l| l.id.clone()).collect())
}

/// An item that a rep works on: what the vendor's own token shows, whoever made it.
pub(crate) fn reps_item(world: &World, dice: &mut Rng) -> Option<u64> {
    let vendor = world.komet.catalogue().vendor.id;
    let mine = world.komet.prebooks().filter(|p| is_in_reach(p, dice.bool()) || p.id % 4 > 0);
    let all: Vec<u64> =
        mine.flat_map(|p| &p.items).filter(|i| i.vendor == vendor && i.goods.boxes > 0).map(|i| i.id).collect();
    pick(dice, all)
}

/// Whether a rep takes this Prebook: any, or only those that bear no tag.
fn is_in_reach(prebook: &Prebook, flow2_only: bool) -> bool {
    !flow2_only || trade::tag_of(prebook).is_none()
}

/// A Prebook of flow 2. One in which a line of an order went astray stays its own vendor's.
pub(crate) fn reps_prebook(world: &World, dice: &mut Rng) -> Option<u64> {
    let vendor = world.komet.catalogue().vendor.id;
    let all: Vec<u64> = world
        .komet
        .prebooks()
        .filter(|p| trade::tag_of(p).is_none() && !p.items.is_empty())
        .filter(|p| p.items.iter().all(|i| i.vendor == vendor))
        .map(|p| p.id)
        .collect();
    pick(dice, all)
}

/// A PO that buys for Prebooks. What is cancelled is done with.
pub(crate) fn buyers_po(world: &World, dice: &mut Rng, pending: bool) -> Option<u64> {
    let vendor = world.komet.catalogue().vendor.id;
    let all: Vec<u64> = world
        .komet
        .purchase_orders()
        .filter(|po| po.vendor == vendor && po.lines.iter().any(|l| l.item.is_some()))
        .filter(|po| po.status != PoStatus::Cancelled && (!pending || po.status == PoStatus::Pending))
        .map(|po| po.number)
        .collect();
    pick(dice, all)
}

/// A label that is on a box.
pub(crate) fn printed_label(world: &World, dice: &mut Rng) -> Option<String> {
    let printed = world.axerrio.labels().filter(|l| l.status == LabelStatus::Printed);
    pick(dice, printed.map(|l| l.id.clone()).collect())
}

impl Deed {
    pub(crate) fn draw(dice: &mut Rng) -> Self {
        Self { kind: weighted(dice, KINDS), seed: dice.u64(..) }
    }

    /// Does it, if there is somebody whom it can concern.
    pub(crate) fn play(self, state: &mut State) {
        let done = self.done(state);
        if let Some(story) = &mut state.story {
            let when = state.now.format("%d %H:%M:%S");
            match done {
                Some(Ok(told)) => story.push(format!("{when} {:?}: {told}", self.kind)),
                Some(Err(why)) => story.push(format!("{when} {:?}: could not: {why}", self.kind)),
                None => story.push(format!("{when} {:?}: nobody", self.kind)),
            }
        }
    }

    fn done(self, state: &mut State) -> Done {
        let mut dice = Rng::with_seed(self.seed);
        let dice = &mut dice;
        let (ax, ko) = (state.clock(System::Axerrio), state.clock(System::Komet));
        let world = &mut state.world;
        Some(match self.kind {
            Kind::CustomerOrders => {
                let lines = (0..dice.u8(1..4)).map(|_| line(dice)).collect();
                let mut draft = trade::order(ship_date(dice, ax), lines);
                match dice.u8(0..12) {
                    0 => draft.comments = Some("Valentine. ".repeat(60)),
                    1 => draft.customer_po = Some("P".repeat(80)),
                    2 => draft.carrier = None,
                    3 => "NOBODY".clone_into(&mut draft.customer.code),
                    _ => {}
                }
                Ok(world.axerrio.customer_orders(draft, ax))
            }
            Kind::CustomerChangesLine => {
                let order = customers_order(world, dice)?;
                let line = line_of(world, dice, &order)?;
                let (what, boxes, cost) = (dice.u8(0..5), dice.u32(1..7), cost(dice));
                let product = product(dice);
                let other = trade::line(product, 1).product;
                let change = |line: &mut Line| match what {
                    0 | 1 => line.boxes = boxes,
                    2 if line.mix.is_empty() => line.unit_cost = cost,
                    3 if line.mix.is_empty() => line.product = other,
                    _ => line.mark_code = Some(format!("NEW {boxes}")),
                };
                world.axerrio.customer_changes_line(&order, &line, change, ax).map(|()| format!("{order} {line}"))
            }
            Kind::CustomerAddsLine => {
                let order = customers_order(world, dice)?;
                world.axerrio.customer_adds_line(&order, line(dice), ax).map(|line| format!("{order} {line}"))
            }
            Kind::CustomerRemovesLine => {
                let order = customers_order(world, dice)?;
                let line = line_of(world, dice, &order)?;
                world.axerrio.customer_removes_line(&order, &line, ax).map(|()| format!("{order} {line}"))
            }
            Kind::CustomerChangesHeader => {
                let order = customers_order(world, dice)?;
                let mut change = OrderChange::default();
                match dice.u8(0..4) {
                    0 => change.ship_date = Some(ship_date(dice, ax)),
                    1 => change.customer_po = Some(format!("PO-{}", dice.u8(..))),
                    2 => change.truck_date = Some(ship_date(dice, ax) + TimeDelta::days(3)),
                    _ => change.comments = Some(format!("call at {}", dice.u8(1..12))),
                }
                world.axerrio.customer_changes_header(&order, &change, ax).map(|()| format!("{order} {change:?}"))
            }
            Kind::CustomerCancels => {
                let order = customers_order(world, dice)?;
                world.axerrio.customer_cancels(&order, ax).map(|()| order)
            }
            Kind::ManyCancel => {
                let all: Vec<String> =
                    world.axerrio.orders().filter(|o| is_customers(o)).map(|o| o.id.clone()).collect();
                for order in &all {
                    if dice.u8(0..4) > 0 {
                        let _ = world.axerrio.customer_cancels(order, ax);
                    }
                }
                Ok(format!("of {}", all.len()))
            }
            Kind::VendorAccepts => {
                let order = vendors_order(world, dice)?;
                world.axerrio.vendor_accepts(&order, &[], ax).map(|()| order)
            }
            Kind::VendorAcceptsFewer => {
                let order = vendors_order(world, dice)?;
                let line = line_of(world, dice, &order)?;
                let boxes = world.axerrio.order(&order)?.draft.lines.iter().find(|l| l.id == line)?.boxes;
                let fewer = dice.u32(0..boxes.max(1));
                let told = world.axerrio.vendor_accepts(&order, &[(&line, fewer)], ax);
                told.map(|()| format!("{order} {line}: {fewer} of {boxes}"))
            }
            Kind::VendorRejects => {
                let order = vendors_order(world, dice)?;
                world.axerrio.vendor_rejects(&order, ax).map(|()| order)
            }
            Kind::VendorPrints => {
                let bought = |o: &&Order| is_open(o) && o.purchase_order.is_some();
                let order = pick(dice, world.axerrio.orders().filter(bought).map(|o| o.id.clone()).collect())?;
                let line = line_of(world, dice, &order)?;
                let found = world.axerrio.order(&order)?;
                let boxes =
                    found.draft.lines.iter().find(|l| l.id == line).map(|l| l.confirmed_boxes.unwrap_or(l.boxes));
                let labelled = world.axerrio.labels_of(&order);
                let labelled = labelled.filter(|l| l.line_id == line && l.status == LabelStatus::Printed).count();
                let free = boxes?.saturating_sub(u32::try_from(labelled).unwrap_or(u32::MAX));
                if free == 0 {
                    return None;
                }
                let number = if dice.u8(0..3) == 0 { dice.u32(1..=free) } else { free };
                let awb = [trade::AWB, "045-76543210"][usize::from(dice.u8(0..6) == 0)];
                let awb = (dice.u8(0..5) > 0).then_some(awb);
                let lot = [trade::LOT, "FV0302", "5000"][match dice.u8(0..40) {
                    0 => 2,
                    1..=5 => 1,
                    _ => 0,
                }];
                let lot = (dice.u8(0..6) > 0).then_some(lot);
                world
                    .axerrio
                    .vendor_prints(&order, &line, number, awb, lot, ax)
                    .map(|ids| format!("{order} {line}: {ids:?} {awb:?} {lot:?}"))
            }
            Kind::VendorReprints => {
                let label = printed_label(world, dice)?;
                let how = if dice.bool() { Reprint::SameLabel } else { Reprint::NewLabel };
                world.axerrio.vendor_reprints(&label, how, ax).map(|new| format!("{label} {how:?} {new}"))
            }
            Kind::VendorVoids => {
                let label = printed_label(world, dice)?;
                world.axerrio.vendor_voids(&label, ax).map(|()| label)
            }
            Kind::VendorCorrectsLabel => {
                let label = printed_label(world, dice)?;
                let awb = (dice.u8(0..4) > 0).then_some(trade::AWB);
                let lot = dice.bool().then_some(trade::LOT);
                let told = world.axerrio.vendor_corrects_label(&label, awb, None, lot, ax);
                told.map(|()| format!("{label} {awb:?} {lot:?}"))
            }
            Kind::VendorEditsLine => {
                let order = vendors_order(world, dice)?;
                let line = line_of(world, dice, &order)?;
                let boxes = dice.u32(1..7);
                let told = world.axerrio.vendor_edits_line(&order, &line, Some(boxes), None, ax);
                told.map(|()| format!("{order} {line}: {boxes}"))
            }
            Kind::VendorShips => {
                let ready = |o: &&Order| o.status == OrderStatus::Accepted && o.purchase_order.is_some();
                let order = pick(dice, world.axerrio.orders().filter(ready).map(|o| o.id.clone()).collect())?;
                world.axerrio.vendor_ships(&order, ax).map(|()| order)
            }
            Kind::RepCreatesPrebook => {
                let ship = ship_date(dice, ko);
                let items = (0..dice.u8(1..4)).map(|_| {
                    let later =
                        if dice.u8(0..5) == 0 { TimeDelta::days(dice.i64(1..4)) } else { TimeDelta::zero() };
                    item(dice, ship + later)
                });
                let draft = trade::prebook(ship + TimeDelta::days(4), items.collect());
                world.komet.rep_creates_prebook(&draft, ko).map(|id| format!("Prebook {id}"))
            }
            Kind::RepAddsItem => {
                let prebook = reps_prebook(world, dice)?;
                let ship = ship_date(dice, ko);
                let draft = item(dice, ship);
                world.komet.rep_adds_item(prebook, &draft, ko).map(|id| format!("item {id} to Prebook {prebook}"))
            }
            Kind::RepChangesItem => {
                let item = reps_item(world, dice)?;
                let mut change = ItemChange::default();
                match dice.u8(0..5) {
                    0 | 1 => change.boxes = Some(dice.u32(1..7)),
                    2 => change.cost = Some(cost(dice)),
                    3 => {
                        change.description = Some(KNOWN[dice.usize(..4)].to_owned());
                        state.renamed.insert(item);
                    }
                    _ => change.mark_code = Some(format!("REP {}", dice.u8(0..9))),
                }
                world.komet.rep_changes_item(item, &change, ko).map(|()| format!("{item} {change:?}"))
            }
            Kind::RepChangesHeader => {
                let prebook = reps_prebook(world, dice)?;
                let mut change = HeaderChange::default();
                match dice.u8(0..3) {
                    0 => change.truck_date = Some(ship_date(dice, ko) + TimeDelta::days(4)),
                    1 => change.customer_po = Some(format!("REP-{}", dice.u8(..))),
                    _ => change.comments = Some(format!("gate {}", dice.u8(..))),
                }
                world.komet.rep_changes_header(prebook, &change, ko).map(|()| format!("{prebook} {change:?}"))
            }
            Kind::RepMovesShipDate => {
                let item = reps_item(world, dice)?;
                // Often where nobody looks yet: it leaves every list that stemsync reads, and is not deleted.
                let to = if dice.u8(0..4) == 0 { far(dice, ko) } else { ship_date(dice, ko) };
                state.dated.insert(item);
                world.komet.rep_moves_ship_date(item, to, ko).map(|()| format!("{item} to {to}"))
            }
            Kind::RepDeletesItem => {
                let item = reps_item(world, dice)?;
                world.komet.rep_deletes_item(item, ko).map(|()| item.to_string())
            }
            Kind::RepDeletesPrebook => {
                let prebook = reps_prebook(world, dice)?;
                world.komet.rep_deletes_prebook(prebook).map(|()| prebook.to_string())
            }
            Kind::BuyerApproves => {
                let po = buyers_po(world, dice, true)?;
                world.komet.buyer_approves(po, ko).map(|()| format!("PO {po}"))
            }
            Kind::BuyerApprovesAll => world.komet.buyer_approves_all(ko).map(|all| format!("{all:?}")),
            Kind::BuyerConfirms => {
                let po = buyers_po(world, dice, false)?;
                world.komet.buyer_confirms(po, ko).map(|()| format!("PO {po}"))
            }
            Kind::BuyerCancels => {
                let po = buyers_po(world, dice, false)?;
                world.komet.buyer_cancels(po, ko).map(|()| format!("PO {po}"))
            }
            Kind::BuyerChangesLine => {
                let po = buyers_po(world, dice, false)?;
                let lines = world
                    .komet
                    .purchase_order(po)?
                    .lines
                    .iter()
                    .filter(|l| l.item.is_some() && l.goods.boxes > 0 && l.boxes.is_empty());
                let line = pick(dice, lines.map(|l| l.id).collect())?;
                match dice.u32(0..7) {
                    0 => {
                        let stays = dice.bool();
                        let how = if stays { "0 boxes" } else { "off its PO" };
                        world.komet.buyer_deletes_line(line, stays, ko).map(|()| format!("{line}: {how}"))
                    }
                    boxes => world
                        .komet
                        .buyer_changes_line(line, Some(boxes), None, ko)
                        .map(|()| format!("{line}: {boxes}")),
                }
            }
            Kind::BuyerMovesPo => {
                let po = buyers_po(world, dice, false)?;
                let to = ship_date(dice, ko);
                state.people.moved_pos.insert(po);
                world.komet.buyer_moves_po(po, to, ko).map(|()| format!("PO {po} to {to}"))
            }
            Kind::BuyerBuysStock => {
                let ship = ship_date(dice, ko);
                world.komet.buyer_buys_stock(ship, &[item(dice, ship)], ko).map(|number| {
                    let po = world.komet.purchase_order(number).expect("it was just made");
                    let lines = po.lines.iter().map(|l| (l.id, l.goods.boxes)).collect();
                    state.strangers.stock.push((number, lines));
                    format!("PO {number}")
                })
            }
            Kind::OtherVendorsPrebook => {
                let ship = ship_date(dice, ko);
                let draft = trade::prebook(ship + TimeDelta::days(2), vec![item(dice, ship)]);
                world.komet.other_vendor_prebook(&draft, ko).map(|id| {
                    state.other_vendors(id);
                    format!("Prebook {id}")
                })
            }
            Kind::PersonMapsProduct => {
                let (text, id) = UNKNOWN[dice.usize(..2)];
                let is_known = world.komet.catalogue().products.iter().any(|p| p.description == text);
                if is_known {
                    return None;
                }
                world.komet.person_maps_product(text, id, ko).map(|n| format!("{text}: {n} lines"))
            }
            Kind::PersonShipsLine => {
                let approved = |s: PoStatus| matches!(s, PoStatus::Approved | PoStatus::Confirmed);
                let all = world.komet.purchase_orders().filter(|po| approved(po.status)).flat_map(|po| &po.lines);
                let ready = all.filter(|l| l.item.is_some() && l.boxes.is_empty() && l.goods.boxes > 0);
                let line = pick(dice, ready.map(|l| l.id).collect())?;
                world.komet.person_ships_line(line, trade::AWB, ko).map(|codes| format!("{line}: {codes:?}"))
            }
            Kind::WarehouseReceives => {
                let lines = world.komet.purchase_orders().flat_map(|po| &po.lines);
                let boxes = lines.flat_map(|l| &l.boxes).filter(|b| !b.received);
                let code = pick(dice, boxes.map(|b| b.code.clone()).collect())?;
                world.komet.warehouse_receives(&code, ko).map(|()| code)
            }
            Kind::Further(kind) => return further::done(kind, dice, state),
        })
    }
}
