//! The words of the stories: products that Komet knows and one that it does not, lines, orders, Prebooks, and what a
//! story wants to know of the two systems.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{AxProduct, AxUnit, Label, LabelStatus, Line, MixPart, Named, Order, OrderDraft};
use stemsync::sandbox::komet::{
    ItemDraft, PartDraft, PoLine, Prebook, PrebookDraft, PrebookItem, PurchaseOrder, Unit,
};

pub(crate) const FREEDOM: &str = "Rose Freedom 50 cm";
pub(crate) const MONDIAL: &str = "Rose Mondial 50 cm";
pub(crate) const NOBBIO: &str = "Carnation Nobbio";
/// Komet does not know it; in Komet it is product 9006.
pub(crate) const UNKNOWN: &str = "Hydrangea Select Blue";
pub(crate) const UNKNOWN_CODE: &str = "HYDRANGEA-SELECT-BLUE";
/// What a person in Komet says the unknown product is.
pub(crate) const UNKNOWN_IS: u64 = 9006;

pub(crate) const AWB: &str = "045-12345675";
pub(crate) const LOT: &str = "FV0301";

/// Every request that writes, by the API pages' names.
pub(crate) const WRITES: [&str; 10] = [
    "prebook.create",
    "prebook.item.delete",
    "purchase.order.create",
    "purchase.order.mixed.create",
    "purchase.order.item.delete",
    "purchase.order.items.awb.add",
    "box.code.change",
    "PUT orders/by-ref/{externalRef}",
    "POST orders/by-ref/{externalRef}/cancel",
    "PUT orders/{id}/purchase-order",
];

fn code(description: &str) -> String {
    description.to_uppercase().replace(' ', "-")
}

fn product(description: &str) -> AxProduct {
    AxProduct { code: code(description), description: description.to_owned() }
}

/// A line of an order in Axerrio.
pub(crate) fn line(description: &str, boxes: u32) -> Line {
    Line {
        id: String::new(),
        product: product(description),
        box_type: "QB".into(),
        boxes,
        bunches_per_box: 6,
        stems_per_bunch: 25,
        unit_type: AxUnit::Stem,
        unit_cost: Decimal::new(32, 2),
        unit_price: Some(Decimal::new(55, 2)),
        mark_code: Some("BLOOM 1".into()),
        notes: None,
        confirmed_boxes: None,
        mix: Vec::new(),
    }
}

/// A line of mixed boxes.
pub(crate) fn mixed_line(boxes: u32, parts: &[&str]) -> Line {
    let part = |description: &&str| MixPart {
        product: product(description),
        bunches: 3,
        stems_per_bunch: 25,
        unit_cost: Decimal::new(30, 2),
    };
    let bunches = 3 * u32::try_from(parts.len()).unwrap();
    Line { mix: parts.iter().map(part).collect(), bunches_per_box: bunches, ..line("Mixed garden box", boxes) }
}

/// An order of a customer that Komet knows.
pub(crate) fn order(ship_date: NaiveDate, lines: Vec<Line>) -> OrderDraft {
    OrderDraft {
        customer: Named { code: "BLOOM".into(), name: "Bloom & Bough Wholesale".into() },
        customer_po: Some("PO-77".into()),
        ship_date,
        truck_date: Some(ship_date + TimeDelta::days(2)),
        carrier: Some(Named { code: "ARM".into(), name: "Greenway Trucking".into() }),
        location: None,
        comments: Some("Spring week".into()),
        lines,
    }
}

/// An item of a Prebook that a sales rep enters.
pub(crate) fn item(description: &str, boxes: u32, ship_date: NaiveDate) -> ItemDraft {
    ItemDraft {
        ship_date: Some(ship_date),
        description: description.to_owned(),
        box_type: "QB".into(),
        boxes,
        bunches: 6,
        stems: 25,
        unit: Unit::Stem,
        cost: Some(Decimal::new(29, 2)),
        price: Some(Decimal::new(49, 2)),
        mark_code: "REP".into(),
        notes: String::new(),
        parts: Vec::new(),
    }
}

/// An item of mixed boxes.
pub(crate) fn mixed_item(boxes: u32, parts: &[&str], ship_date: NaiveDate) -> ItemDraft {
    let part = |description: &&str| PartDraft {
        description: (*description).to_owned(),
        bunches: 3,
        stems: 25,
        cost: Decimal::new(30, 2),
    };
    ItemDraft { parts: parts.iter().map(part).collect(), ..item("Mixed garden box", boxes, ship_date) }
}

/// A Prebook that a sales rep enters.
pub(crate) fn prebook(truck_date: NaiveDate, items: Vec<ItemDraft>) -> PrebookDraft {
    PrebookDraft {
        customer: "BLOOM".into(),
        carrier: Some("ARM".into()),
        truck_date,
        customer_po: "REP-1".into(),
        comments: "call before noon".into(),
        standing: false,
        items,
    }
}

/// Whose order a Prebook is: the tag that ends its comments.
pub(crate) fn tag_of(prebook: &Prebook) -> Option<&str> {
    prebook.comments.rsplit_once("[AX ")?.1.strip_suffix(']')
}

/// The Prebooks that carry an order's tag and still hold something.
pub(crate) fn prebooks_of<'w>(world: &'w World, order: &str) -> Vec<&'w Prebook> {
    let alive = |p: &&Prebook| p.items.iter().any(|i| i.goods.boxes > 0);
    world.komet.prebooks().filter(|p| tag_of(p) == Some(order)).filter(alive).collect()
}

/// The live items of an order's Prebooks, in the order in which they were made.
pub(crate) fn items_of(world: &World, order: &str) -> Vec<PrebookItem> {
    let prebooks = prebooks_of(world, order);
    let mut items: Vec<_> =
        prebooks.iter().flat_map(|p| &p.items).filter(|i| i.goods.boxes > 0).cloned().collect();
    items.sort_by_key(|i| i.id);
    items
}

/// The live PO lines that buy for an item, on POs that are not cancelled.
pub(crate) fn bought(world: &World, item: u64) -> Vec<(PurchaseOrder, PoLine)> {
    use stemsync::sandbox::komet::PoStatus;
    let lines = world.komet.lines_buying(item);
    let alive = lines.filter(|(po, line)| po.status != PoStatus::Cancelled && line.goods.boxes > 0);
    alive.map(|(po, line)| (po.clone(), line.clone())).collect()
}

/// The one PO of an order.
pub(crate) fn po_of(world: &World, order: &str) -> u64 {
    let mut numbers: Vec<u64> =
        items_of(world, order).iter().flat_map(|i| bought(world, i.id)).map(|(po, _)| po.number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "one PO buys all of {order}: {numbers:?}");
    numbers[0]
}

/// The Axerrio orders that stand for a Prebook, by their ship dates.
pub(crate) fn orders_for(world: &World, prebook: u64) -> Vec<Order> {
    let reference = format!("komet-prebook-{prebook}");
    let is_its = |r: &str| r == reference || r.starts_with(&format!("{reference}-"));
    let mut orders: Vec<Order> =
        world.axerrio.orders().filter(|o| o.external_ref.as_deref().is_some_and(is_its)).cloned().collect();
    orders.sort_by_key(|o| o.draft.ship_date);
    orders
}

/// The label that is on each box of an order.
pub(crate) fn current_labels(world: &World, order: &str) -> Vec<Label> {
    let mut labels: Vec<Label> =
        world.axerrio.labels_of(order).filter(|l| l.status == LabelStatus::Printed).cloned().collect();
    labels.sort_by(|a, b| (&a.line_id, a.box_number, a.changed_at).cmp(&(&b.line_id, b.box_number, b.changed_at)));
    labels
}

/// The buyer approves everything that is pending.
pub(crate) fn approve_all(world: &mut World, now: DateTime<Utc>) -> Vec<u64> {
    world.komet.buyer_approves_all(now).unwrap()
}

/// The vendor prints a label for every box of a line.
pub(crate) fn print_all(world: &mut World, order: &str, now: DateTime<Utc>) -> Vec<String> {
    let lines = world.axerrio.order(order).unwrap().draft.lines.clone();
    let mut labels = Vec::new();
    for line in lines {
        let boxes = line.confirmed_boxes.unwrap_or(line.boxes);
        labels.extend(world.axerrio.vendor_prints(order, &line.id, boxes, Some(AWB), Some(LOT), now).unwrap());
    }
    labels
}
