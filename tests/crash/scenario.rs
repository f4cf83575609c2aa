//! A small trade that needs every request there is. It goes by steps: people act on both sides, then stemsync runs until
//! it is quiet. What people do depends on what they see in their own system only, so that a step can be played on
//! whatever a crash before it left behind.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{LabelStatus, Reprint};
use stemsync::sandbox::komet::ItemChange;

use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, NOBBIO, approve_all, item, line, mixed_line, order, orders_for, prebook, print_all,
};

/// What people do before stemsync runs again.
pub(crate) type Deeds = fn(&mut World, NaiveDate, DateTime<Utc>);

/// The steps, in their order. The day is today's.
pub(crate) const STEPS: [(&str, Deeds); 5] = [
    ("ordered", ordered),
    ("accepted, changed, cancelled", changed),
    ("approved", approved),
    ("printed", printed),
    ("reprinted", reprinted),
];

/// The customer's order that lives on. Both were made before stemsync wrote anything, so these are their names.
const KEPT: &str = "AX-100001";
/// The one that is cancelled.
const CANCELLED: &str = "AX-100002";

fn ordered(world: &mut World, today: NaiveDate, now: DateTime<Utc>) {
    let day = |n| today + TimeDelta::days(n);
    let lines = vec![line(FREEDOM, 2), mixed_line(1, &[MONDIAL, NOBBIO])];
    assert_eq!(world.axerrio.customer_orders(order(day(3), lines), now), KEPT);
    assert_eq!(world.axerrio.customer_orders(order(day(4), vec![line(NOBBIO, 1)]), now), CANCELLED);
    let mut keep = prebook(day(5), vec![item(FREEDOM, 4, day(3)), item(MONDIAL, 2, day(3))]);
    keep.customer_po = "REP-KEPT".into();
    world.komet.rep_creates_prebook(&keep, now).unwrap();
    let mut off = prebook(day(6), vec![item(NOBBIO, 1, day(4))]);
    off.customer_po = "REP-OFF".into();
    world.komet.rep_creates_prebook(&off, now).unwrap();
}

/// The Prebook with this customer PO.
fn prebook_called(world: &World, po: &str) -> u64 {
    world.komet.prebooks().find(|p| p.customer_po == po).unwrap().id
}

/// The order that Axerrio has of the Prebook that lives on.
fn from_komet(world: &World) -> String {
    orders_for(world, prebook_called(world, "REP-KEPT"))[0].id.clone()
}

fn changed(world: &mut World, _: NaiveDate, now: DateTime<Utc>) {
    let placed = from_komet(world);
    let first = world.axerrio.order(&placed).unwrap().draft.lines[0].id.clone();
    world.axerrio.vendor_accepts(&placed, &[(&first, 3)], now).unwrap();
    world.axerrio.customer_changes_line(KEPT, "1", |l| l.boxes = 3, now).unwrap();
    world.axerrio.customer_cancels(CANCELLED, now).unwrap();
    let off = prebook_called(world, "REP-OFF");
    for item in world.komet.prebook(off).unwrap().items.iter().map(|i| i.id).collect::<Vec<_>>() {
        world.komet.rep_changes_item(item, &ItemChange { boxes: Some(0), ..ItemChange::default() }, now).unwrap();
    }
}

fn approved(world: &mut World, _: NaiveDate, now: DateTime<Utc>) {
    approve_all(world, now);
}

fn printed(world: &mut World, _: NaiveDate, now: DateTime<Utc>) {
    print_all(world, KEPT, now);
    let order = from_komet(world);
    let first = world.axerrio.order(&order).unwrap().draft.lines[0].id.clone();
    world.axerrio.vendor_prints(&order, &first, 2, Some(AWB), Some(LOT), now).unwrap();
}

/// One label is printed anew, and what was left is printed: some of it on a line that was split.
fn reprinted(world: &mut World, _: NaiveDate, now: DateTime<Utc>) {
    let label = world.axerrio.labels_of(KEPT).find(|l| l.status == LabelStatus::Printed).unwrap().id.clone();
    world.axerrio.vendor_reprints(&label, Reprint::NewLabel, now).unwrap();
    let order = from_komet(world);
    let lines: Vec<String> =
        world.axerrio.order(&order).unwrap().draft.lines.iter().map(|l| l.id.clone()).collect();
    world.axerrio.vendor_prints(&order, &lines[0], 1, Some(AWB), Some("FV0302"), now).unwrap();
    world.axerrio.vendor_prints(&order, &lines[1], 2, Some(AWB), Some(LOT), now).unwrap();
}
