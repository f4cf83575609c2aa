//! Further deeds, which one of four lives draws: what people do seldom, and what one line or item is hard to tell from
//! another after. They are drawn by dice of their own (`life.rs`), so that the other lives stay what they were.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use rust_decimal::Decimal;
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{AxUnit, Line, Named, OrderChange};
use stemsync::sandbox::komet::{HeaderChange, ItemChange, ItemDraft, Prebook, PrebookItem};
use stemsync::systems::System;

use crate::deeds::{
    self, Done, KNOWN, UNKNOWN, buyers_po, customers_order, kinds, line_of, pick, printed_label, reps_item,
    reps_prebook, vendors_order, weighted,
};
use crate::network::State;
use crate::trade;

kinds! {
    4 CustomerChangesGoods,
    4 CustomerChangesCarrier,
    4 CustomerChangesCustomer,
    4 CustomerChangesLocation,
    4 CustomerSplitsLine,
    4 CustomerRepeatsLine,
    4 CustomerMergesLines,
    4 CustomerWantsNone,
    1 CustomerOrdersMuch,
    4 RepChangesGoods,
    4 RepChangesCarrier,
    4 RepSplitsPrebook,
    4 RepCopiesItem,
    4 RepCopiesPrebook,
    4 RepJoinsPrebook,
    4 RepAddsToTagged,
    4 RepEditsTagged,
    4 RepMovesTagged,
    4 BuyerBuysItem,
    4 BuyerChangesCost,
    4 VendorMisprints,
    4 VendorSwapsLabels,
    4 VendorCorrectsHouseAwb,
    4 VendorChangesCost,
    4 OtherLinksTwin,
}

const STEMS: [u32; 3] = [12, 20, 25];

impl Kind {
    pub(crate) fn draw(dice: &mut Rng) -> Self {
        weighted(dice, KINDS)
    }
}

/// Does it, if there is somebody whom it can concern.
pub(crate) fn done(kind: Kind, dice: &mut Rng, state: &mut State) -> Done {
    let (ax, ko) = (state.clock(System::Axerrio), state.clock(System::Komet));
    let world = &mut state.world;
    match kind {
        Kind::CustomerChangesGoods => customer_changes_goods(world, dice, ax),
        Kind::CustomerChangesCarrier => {
            let carriers = [("ARM", "Greenway Trucking"), ("PRI", "Bluestem Freight"), ("OLD", "Oldway Trucking")];
            let carrier = Some(named(dice.choice(carriers)?));
            customer_changes_header(world, dice, &OrderChange { carrier, ..OrderChange::default() }, ax)
        }
        Kind::CustomerChangesCustomer => {
            let customers = [("BLOOM", "Bloom & Bough Wholesale"), ("PETAL", "Petal Street Florists")];
            let customer = Some(named(dice.choice(customers)?));
            customer_changes_header(world, dice, &OrderChange { customer, ..OrderChange::default() }, ax)
        }
        Kind::CustomerChangesLocation => {
            let location = Some(dice.choice(["MIA", "LAX"])?.to_owned());
            customer_changes_header(world, dice, &OrderChange { location, ..OrderChange::default() }, ax)
        }
        Kind::CustomerSplitsLine => customer_splits_line(world, dice, ax),
        Kind::CustomerRepeatsLine => customer_repeats_line(world, dice, ax),
        Kind::CustomerMergesLines => customer_merges_lines(world, dice, ax),
        Kind::CustomerWantsNone => customer_wants_none(world, dice, ax),
        Kind::CustomerOrdersMuch => Some(Ok(customer_orders_much(world, dice, ax))),
        Kind::RepChangesGoods => rep_changes_goods(state, dice, ko),
        Kind::RepChangesCarrier => {
            let prebook = reps_prebook(world, dice)?;
            let carrier = Some(dice.choice(["ARM", "PRI", "OLD"])?.to_owned());
            let change = HeaderChange { carrier, ..HeaderChange::default() };
            Some(rep_changes_header(world, prebook, &change, ko))
        }
        Kind::RepSplitsPrebook => rep_splits_prebook(state, dice, false, ko),
        Kind::RepMovesTagged => rep_splits_prebook(state, dice, true, ko),
        Kind::RepCopiesItem => rep_copies_item(world, dice, ko),
        Kind::RepCopiesPrebook => rep_copies_prebook(state, dice, ko),
        Kind::RepJoinsPrebook => rep_joins_prebook(state, dice, ko),
        Kind::RepAddsToTagged => rep_adds_to_tagged(state, dice, ko),
        Kind::RepEditsTagged => rep_edits_tagged(state, dice, ko),
        Kind::BuyerBuysItem => buyer_buys_item(world, dice, ko),
        Kind::BuyerChangesCost => buyer_changes_cost(world, dice, ko),
        Kind::VendorMisprints => vendor_misprints(state, dice, ax),
        Kind::VendorSwapsLabels => vendor_swaps_labels(state, dice, ax),
        Kind::VendorCorrectsHouseAwb => vendor_corrects_house_awb(world, dice, ax),
        Kind::VendorChangesCost => vendor_changes_cost(world, dice, ax),
        Kind::OtherLinksTwin => other_links_twin(state, dice, ko),
    }
}

fn named((code, name): (&str, &str)) -> Named {
    Named { code: code.to_owned(), name: name.to_owned() }
}

fn customer_changes_header(world: &mut World, dice: &mut Rng, change: &OrderChange, now: DateTime<Utc>) -> Done {
    let order = customers_order(world, dice)?;
    Some(world.axerrio.customer_changes_header(&order, change, now).map(|()| format!("{order} {change:?}")))
}

/// A line of an order that its customer may change, with the order's id.
fn customers_line(world: &World, dice: &mut Rng) -> Option<(String, Line)> {
    let order = customers_order(world, dice)?;
    let line = line_of(world, dice, &order)?;
    let line = world.axerrio.order(&order)?.draft.lines.iter().find(|l| l.id == line)?.clone();
    Some((order, line))
}

/// What [`deeds::Kind::CustomerChangesLine`] leaves alone.
fn customer_changes_goods(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let (order, mut line) = customers_line(world, dice)?;
    let (what, number) = (dice.u8(0..9), dice.u32(1..7));
    let other = KNOWN[dice.usize(..KNOWN.len())];
    match what {
        0 => ["QB", "HB", "FB", "EB"][dice.usize(..4)].clone_into(&mut line.box_type),
        1 => line.notes = Some(format!("note {number}")),
        2 => line.mark_code = None,
        3 => line.unit_price = Some(Decimal::new(i64::from(number), 1)),
        _ if line.mix.is_empty() => changes_plain_box(&mut line, what, number, other),
        _ => changes_mixed_box(&mut line, what, number, other),
    }
    let told = format!("{order} {line:?}");
    let id = line.id.clone();
    Some(world.axerrio.customer_changes_line(&order, &id, |own| *own = line, now).map(|()| told))
}

fn changes_plain_box(line: &mut Line, what: u8, number: u32, other: &str) {
    match what {
        4 => line.stems_per_bunch = STEMS[number as usize % STEMS.len()],
        5 => line.bunches_per_box = number + 2,
        6 => {
            line.unit_type = match line.unit_type {
                AxUnit::Stem => AxUnit::Bunch,
                AxUnit::Bunch => AxUnit::Stem,
            };
        }
        _ => *line = Line { id: line.id.clone(), ..trade::mixed_line(line.boxes, &[other, KNOWN[0]]) },
    }
}

fn changes_mixed_box(line: &mut Line, what: u8, number: u32, other: &str) {
    let plain = trade::line(other, line.boxes);
    match what {
        4 | 5 => line.mix[0].bunches = number,
        6 => line.mix[0].stems_per_bunch = STEMS[number as usize % STEMS.len()],
        7 => line.mix[0].product = plain.product,
        _ => {
            *line = Line { id: line.id.clone(), ..plain };
            return;
        }
    }
    line.bunches_per_box = line.mix.iter().map(|part| part.bunches).sum();
}

/// Some boxes of a line become a line of their own, which differs from it in nothing else.
fn customer_splits_line(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let (order, line) = customers_line(world, dice)?;
    if line.boxes < 2 {
        return None;
    }
    let boxes = dice.u32(1..line.boxes);
    let left = line.boxes - boxes;
    let split = Line { id: String::new(), boxes, ..line.clone() };
    let done = world.axerrio.customer_changes_line(&order, &line.id, |own| own.boxes = left, now);
    let done = done.and_then(|()| world.axerrio.customer_adds_line(&order, split, now));
    Some(done.map(|new| format!("{order} {}: {left}, and {new}: {boxes}", line.id)))
}

/// A line is ordered once more: two lines that differ in nothing.
fn customer_repeats_line(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let (order, line) = customers_line(world, dice)?;
    let again = Line { id: String::new(), ..line.clone() };
    Some(world.axerrio.customer_adds_line(&order, again, now).map(|new| format!("{order} {} as {new}", line.id)))
}

/// The boxes of a line are ordered by another, and it is gone.
fn customer_merges_lines(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let (order, line) = customers_line(world, dice)?;
    let into = line_of(world, dice, &order).filter(|into| *into != line.id)?;
    let done = world.axerrio.customer_removes_line(&order, &line.id, now);
    let add = |own: &mut Line| own.boxes += line.boxes;
    let done = done.and_then(|()| world.axerrio.customer_changes_line(&order, &into, add, now));
    Some(done.map(|()| format!("{order} {} into {into}", line.id)))
}

/// No boxes, or very few, of a line that stays.
fn customer_wants_none(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let (order, line) = customers_line(world, dice)?;
    let boxes = if dice.bool() { 0 } else { dice.u32(0..3) };
    let done = world.axerrio.customer_changes_line(&order, &line.id, |own| own.boxes = boxes, now);
    Some(done.map(|()| format!("{order} {}: {boxes}", line.id)))
}

/// More lines than fit one request.
fn customer_orders_much(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> String {
    let notes = Some("n".repeat(190));
    let lines = (0..dice.u8(100..200)).map(|_| Line { notes: notes.clone(), ..deeds::line(dice) }).collect();
    let draft = trade::order(deeds::ship_date(dice, now), lines);
    world.axerrio.customer_orders(draft, now)
}

/// What [`deeds::Kind::RepChangesItem`] leaves alone.
fn rep_changes_goods(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let world = &mut state.world;
    let item = reps_item(world, dice)?;
    let is_mixed = world.komet.prebook_item(item).is_some_and(|(_, item)| !item.goods.parts.is_empty());
    let mut change = ItemChange::default();
    match dice.u8(0..4) {
        0 if !is_mixed => change.bunches = Some(dice.u32(3..9)),
        1 if !is_mixed => change.stems = Some(STEMS[dice.usize(..STEMS.len())]),
        2 if !is_mixed => {
            let unknown = UNKNOWN[dice.usize(..UNKNOWN.len())].0;
            change.description = Some(unknown.to_owned());
            state.renamed.insert(item);
        }
        _ => change.notes = Some(format!("rep note {}", dice.u8(..))),
    }
    Some(world.komet.rep_changes_item(item, &change, now).map(|()| format!("{item} {change:?}")))
}

fn rep_changes_header(
    world: &mut World,
    prebook: u64,
    change: &HeaderChange,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    world.komet.rep_changes_header(prebook, change, now).map(|()| format!("{prebook} {change:?}"))
}

/// The Prebooks that bear a tag, or those that bear none.
fn prebooks(world: &World, tagged: bool) -> impl Iterator<Item = &Prebook> {
    world.komet.prebooks().filter(move |prebook| trade::tag_of(prebook).is_some() == tagged)
}

/// A Prebook that bears a tag and holds something of this link's.
fn tagged_prebook(world: &World, dice: &mut Rng) -> Option<Prebook> {
    let vendor = world.komet.catalogue().vendor.id;
    let holds = |prebook: &&Prebook| prebook.items.iter().any(|i| i.vendor == vendor && i.goods.boxes > 0);
    let holding = prebooks(world, true).filter(holds);
    let id = pick(dice, holding.map(|p| p.id).collect())?;
    world.komet.prebook(id).cloned()
}

/// An item of a Prebook that bears a tag, or of one that bears none.
fn item_of(world: &World, dice: &mut Rng, tagged: bool) -> Option<u64> {
    let vendor = world.komet.catalogue().vendor.id;
    let items = prebooks(world, tagged).flat_map(|p| &p.items);
    pick(dice, items.filter(|i| i.vendor == vendor && i.goods.boxes > 0).map(|i| i.id).collect())
}

/// An item gets a Prebook of its own, without the comments of the one that it was in.
fn rep_splits_prebook(state: &mut State, dice: &mut Rng, tagged: bool, now: DateTime<Utc>) -> Done {
    let world = &mut state.world;
    let item = item_of(world, dice, tagged)?;
    state.moved.insert(item);
    Some(world.komet.rep_splits_prebook(item, now).map(|own| {
        state.people.untagged.insert(own);
        format!("{item} to Prebook {own}")
    }))
}

/// An item is put on another Prebook without a tag.
fn rep_joins_prebook(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let world = &mut state.world;
    let item = item_of(world, dice, false)?;
    let other = reps_prebook(world, dice)?;
    state.moved.insert(item);
    // Where flow 1 was moved from under its tag, it moves on.
    let (from, _) = world.komet.prebook_item(item)?;
    if state.people.untagged.contains(&from.id) {
        state.people.untagged.insert(other);
    }
    Some(world.komet.rep_joins_prebook(item, other, now).map(|()| format!("{item} to Prebook {other}")))
}

/// A rep adds to what bears a tag.
fn rep_adds_to_tagged(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let prebook = tagged_prebook(&state.world, dice)?.id;
    let ship_date = deeds::ship_date(dice, now);
    let draft = deeds::item(dice, ship_date);
    Some(state.world.komet.rep_adds_item(prebook, &draft, now).map(|item| {
        state.people.added.insert(item);
        format!("{item} to Prebook {prebook}")
    }))
}

/// Two items that differ in nothing.
fn rep_copies_item(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let prebook = reps_prebook(world, dice)?;
    let draft = trade::item(trade::FREEDOM, 2, deeds::ship_date(dice, now));
    let done = world.komet.rep_adds_item(prebook, &draft, now);
    let done = done.and_then(|one| Ok((one, world.komet.rep_adds_item(prebook, &draft, now)?)));
    Some(done.map(|(one, two)| format!("{one} and {two} to Prebook {prebook}")))
}

/// What the rep's screen copies of an item.
fn copied(item: &PrebookItem, now: DateTime<Utc>) -> ItemDraft {
    let goods = &item.goods;
    ItemDraft {
        ship_date: Some(item.ship_date.unwrap_or(now.date_naive())),
        boxes: goods.boxes,
        bunches: goods.bunches,
        stems: goods.stems,
        cost: goods.cost,
        mark_code: goods.mark_code.clone(),
        box_type: goods.box_type.clone(),
        ..trade::item(&goods.description, goods.boxes, now.date_naive())
    }
}

/// A rep makes a Prebook out of what bears a tag: with the tag as it is, with the tag no longer at the end, or without it.
fn rep_copies_prebook(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let of = tagged_prebook(&state.world, dice)?;
    let plain = of.items.iter().filter(|i| i.goods.boxes > 0 && i.goods.parts.is_empty());
    let items: Vec<ItemDraft> = plain.map(|item| copied(item, now)).collect();
    if items.is_empty() {
        return None;
    }
    let later = TimeDelta::days(if dice.bool() { 7 } else { 0 });
    let mut draft = trade::prebook(of.truck_date + later, items);
    if dice.bool() {
        "PETAL".clone_into(&mut draft.customer);
    }
    draft.customer_po.clone_from(&of.customer_po);
    draft.comments = match dice.u8(0..3) {
        0 => of.comments.clone(),
        1 => format!("{} copy", of.comments),
        _ => format!("as {}", of.number),
    };
    let told = format!("a copy of {}: {}", of.id, draft.comments);
    Some(state.world.komet.rep_creates_prebook(&draft, now).map(|id| {
        let items = state.world.komet.prebook(id).into_iter().flat_map(|prebook| &prebook.items);
        state.people.added.extend(items.map(|item| item.id));
        format!("Prebook {id}, {told}")
    }))
}

/// A rep edits the header of what bears a tag, its comments included.
fn rep_edits_tagged(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let Prebook { id, comments, .. } = tagged_prebook(&state.world, dice)?;
    let mut change = HeaderChange::default();
    match dice.u8(0..5) {
        0 => change.truck_date = Some(deeds::ship_date(dice, now) + TimeDelta::days(4)),
        1 => change.customer_po = Some(format!("T-{}", dice.u8(..))),
        2 => change.carrier = Some(dice.choice(["ARM", "PRI"])?.to_owned()),
        3 => change.comments = Some(format!("{comments} call first")),
        _ => change.comments = Some(format!("gate {} {comments}", dice.u8(..))),
    }
    state.people.untagged.insert(id);
    Some(rep_changes_header(&mut state.world, id, &change, now))
}

/// A buyer does not wait for stemsync. What ships later than this nobody buys yet.
fn buyer_buys_item(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let item = reps_item(world, dice)?;
    let until = now.date_naive() + TimeDelta::days(20);
    let (_, found) = world.komet.prebook_item(item)?;
    let is_near = found.ship_date.is_some_and(|day| day <= until);
    if !is_near || world.komet.lines_buying(item).next().is_some() {
        return None;
    }
    Some(world.komet.buyer_buys_item(item, now).map(|po| format!("item {item} on PO {po}")))
}

fn buyer_changes_cost(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let po = buyers_po(world, dice, false)?;
    let lines = world.komet.purchase_order(po)?.lines.iter().filter(|l| l.item.is_some() && l.goods.boxes > 0);
    let line = pick(dice, lines.map(|l| l.id).collect())?;
    let cost = deeds::cost(dice);
    Some(world.komet.buyer_changes_line(line, None, Some(cost), now).map(|()| format!("{line}: {cost}")))
}

/// A label that is on a box, with its code.
fn printed_code(world: &World, dice: &mut Rng) -> Option<(String, String)> {
    let label = printed_label(world, dice)?;
    let code = world.axerrio.labels().find(|l| l.id == label)?.box_code.clone();
    Some((label, code))
}

/// A label gets the code of another.
fn vendor_misprints(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let world = &mut state.world;
    let label = printed_label(world, dice)?;
    let (_, code) = printed_code(world, dice)?;
    state.people.misprinted.insert(code.clone());
    Some(world.axerrio.vendor_misprints(&label, &code, now).map(|()| format!("{label} as {code}")))
}

/// Two labels get each other's codes.
fn vendor_swaps_labels(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let world = &mut state.world;
    let (one, code_of_one) = printed_code(world, dice)?;
    let (two, code_of_two) = printed_code(world, dice)?;
    state.people.misprinted.extend([code_of_one.clone(), code_of_two.clone()]);
    let done = world.axerrio.vendor_misprints(&two, &code_of_one, now);
    let done = done.and_then(|()| world.axerrio.vendor_misprints(&one, &code_of_two, now));
    Some(done.map(|()| format!("{one} {code_of_one} and {two} {code_of_two}")))
}

fn vendor_corrects_house_awb(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let label = printed_label(world, dice)?;
    let house = format!("H{}", dice.u8(0..3));
    let done = world.axerrio.vendor_corrects_label(&label, None, Some(&house), None, now);
    Some(done.map(|()| format!("{label} {house}")))
}

fn vendor_changes_cost(world: &mut World, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let order = vendors_order(world, dice)?;
    let line = line_of(world, dice, &order)?;
    let cost = deeds::cost(dice);
    let done = world.axerrio.vendor_edits_line(&order, &line, None, Some(cost), now);
    Some(done.map(|()| format!("{order} {line}: {cost}")))
}

/// Another vendor's link makes a Prebook with the same header, sometimes under the same tag: each vendor counts its own orders.
fn other_links_twin(state: &mut State, dice: &mut Rng, now: DateTime<Utc>) -> Done {
    let order = customers_order(&state.world, dice)?;
    let own = &state.world.axerrio.order(&order)?.draft;
    let truck_date = own.truck_date.unwrap_or(own.ship_date);
    let mut draft = trade::prebook(truck_date, vec![deeds::item(dice, own.ship_date)]);
    draft.customer.clone_from(&own.customer.code);
    draft.carrier = own.carrier.as_ref().map(|carrier| carrier.code.clone());
    draft.customer_po = own.customer_po.clone().unwrap_or_default();
    draft.comments = if dice.bool() { format!("[AX {order}]") } else { String::new() };
    let done = state.world.komet.other_vendor_prebook(&draft, now);
    Some(done.map(|id| {
        state.other_vendors(id);
        format!("Prebook {id}, like {order}")
    }))
}
