//! The people of the sandbox: a vendor who accepts, a buyer who approves, a packer who prints, a warehouse that scans.
//! They see what their own system shows them and act on that, never on the other one; what travels between the two is
//! stemsync's work. Nothing is drawn by chance: the same world at the same time makes them do the same.

use anyhow::Result;
use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::World;
use super::axerrio::{Born, InfoStatus, LabelStatus, Order, OrderStatus};
use super::komet::PoStatus;
use super::scenario::{KometProductId, PeopleNames, Scenario, VendorInfo};

/// Everybody who acts on the sandbox's model.
#[derive(Clone, Debug)]
pub struct People {
    names: PeopleNames,
    vendor: VendorInfo,
    /// What an unknown product is in Komet: the description on the order, and Komet's id.
    mappings: Vec<(String, u64)>,
    /// The vendor is a box short on every such order from Komet (by the order's number), on the first line of
    /// several boxes; 0 never. Only flow 2: there the PO waits for the acceptance, while in flow 1 the buyer may
    /// have approved already, and a later cut would be an edit after approval.
    pub short_every: u32,
}

impl People {
    /// The people of a scenario.
    pub fn of(scenario: &Scenario) -> Self {
        let mappings = scenario.goods.iter().filter_map(|goods| match &goods.komet {
            KometProductId::Unknown { map_to } => Some((goods.description.clone(), map_to.komet_id.into())),
            KometProductId::Known { .. } => None,
        });
        Self {
            names: scenario.people.clone(),
            vendor: scenario.vendor.clone(),
            mappings: mappings.collect(),
            short_every: 3,
        }
    }

    /// Lets everybody do once what is ready for them, and tells each deed in one plain sentence. Nobody maps
    /// unknown products here, so that there is something to wait for: see [`People::maps_products`].
    pub fn step(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut told = self.vendor_accepts(world, now)?;
        told.extend(self.buyer_approves(world, now)?);
        told.extend(self.packer_prints(world, now)?);
        told.extend(self.vendor_ships(world, now)?);
        told.extend(self.warehouse_receives(world, now)?);
        Ok(told)
    }

    /// The vendor answers every order that is placed, sometimes with a box fewer: see [`People::short_every`].
    pub fn vendor_accepts(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let placed = world.axerrio.orders().filter(|o| o.status == OrderStatus::Placed);
        let answers: Vec<_> = placed.map(|o| (o.id.clone(), self.short_line(o))).collect();
        let who = &self.names.vendor;
        let mut told = Vec::with_capacity(answers.len());
        for (order, short) in answers {
            let fewer = short.as_ref().map(|(line, boxes)| (line.as_str(), boxes - 1));
            world.axerrio.vendor_accepts(&order, fewer.as_slice(), now)?;
            told.push(match &short {
                Some((line, boxes)) => {
                    format!("{who} accepted {order}, but only {} of {boxes} boxes of line {line}", boxes - 1)
                }
                None => format!("{who} accepted {order}"),
            });
        }
        Ok(told)
    }

    /// The line of which the vendor lacks a box, and its boxes.
    fn short_line(&self, order: &Order) -> Option<(String, u32)> {
        let number: u32 = order.id.rsplit('-').next()?.parse().ok()?;
        let is_short =
            order.origin == Born::Komet && self.short_every > 0 && number.is_multiple_of(self.short_every);
        let line = order.draft.lines.iter().find(|l| is_short && l.boxes > 1)?;
        Some((line.id.clone(), line.boxes))
    }

    /// The buyer approves every pending PO to this vendor that still buys something.
    pub fn buyer_approves(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let vendor = u64::from(self.vendor.id);
        let pending = world.komet.purchase_orders().filter(|po| {
            po.vendor == vendor && po.status == PoStatus::Pending && po.lines.iter().any(|l| l.goods.boxes > 0)
        });
        let mut told = Vec::new();
        for number in pending.map(|po| po.number).collect::<Vec<_>>() {
            world.komet.buyer_approves(number, now)?;
            told.push(format!("{} approved PO {number}", self.names.buyer));
        }
        Ok(told)
    }

    /// The packer prints labels for every box that an approved or confirmed PO buys and that has none yet: with the
    /// ship date's AWB and lot. What was sold off (cancelled, rejected) and what is on its way gets none.
    pub fn packer_prints(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for ToPrint { order, ship_date, lines } in ready_to_print(world) {
            let (awb, lot) = (self.awb(ship_date), self.lot(ship_date));
            let mut labels = 0;
            for (line, boxes) in lines {
                labels += world.axerrio.vendor_prints(&order, &line, boxes, Some(&awb), Some(&lot), now)?.len();
            }
            let who = &self.names.packer;
            told.push(format!(
                "{who} printed {} for {order}, AWB {awb}, lot {lot}",
                count(labels, "label", "labels")
            ));
        }
        Ok(told)
    }

    /// The vendor ships, once its ship date has come, every order whose bought boxes are all labelled.
    pub fn vendor_ships(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let due = world.axerrio.orders().filter(|order| {
            order.status == OrderStatus::Accepted
                && order.draft.ship_date <= now.date_naive()
                && may_print(order)
                && unlabelled(world, order).is_empty()
                && world.axerrio.labels_of(&order.id).any(|l| l.status == LabelStatus::Printed)
        });
        let mut told = Vec::new();
        for order in due.map(|o| o.id.clone()).collect::<Vec<_>>() {
            world.axerrio.vendor_ships(&order, now)?;
            told.push(format!("{} shipped {order}", self.names.vendor));
        }
        Ok(told)
    }

    /// The warehouse scans in every box whose sticker Komet knows. A sticker that Komet does not know yet cannot be
    /// scanned, and a code that Komet made itself is on no sticker.
    pub fn warehouse_receives(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut arrived: Vec<(u64, Vec<String>)> = Vec::new();
        for label in world.axerrio.labels().filter(|l| l.status == LabelStatus::Printed) {
            let Some((po, line)) = world.komet.line_of_box(&label.box_code) else { continue };
            if line.boxes.iter().any(|b| b.code == label.box_code && !b.received) {
                match arrived.iter_mut().find(|(number, _)| *number == po.number) {
                    Some((_, codes)) => codes.push(label.box_code.clone()),
                    None => arrived.push((po.number, vec![label.box_code.clone()])),
                }
            }
        }
        let mut told = Vec::with_capacity(arrived.len());
        for (number, codes) in arrived {
            for code in &codes {
                world.komet.warehouse_receives(code, now)?;
            }
            let boxes = count(codes.len(), "box", "boxes");
            told.push(format!("{} received {boxes} of PO {number}", self.names.warehouse));
        }
        Ok(told)
    }

    /// A person maps, in Komet's Prebook Summary, the products that show in red there. Not part of
    /// [`People::step`].
    pub fn maps_products(&self, world: &mut World, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for (description, product) in &self.mappings {
            let red = world.komet.prebooks().flat_map(|p| &p.items).any(|item| {
                let parts = item.goods.parts.iter().map(|part| (part.product, &part.description));
                let mut goods = parts.chain([(item.goods.product, &item.goods.description)]);
                goods.any(|(id, text)| id.is_none() && text.trim().eq_ignore_ascii_case(description))
            });
            if red {
                world.komet.person_maps_product(description, *product, now)?;
                told.push(format!("{} mapped {description:?} to Komet's product {product}", self.names.data));
            }
        }
        Ok(told)
    }

    /// The air waybill of a ship date: a flight a day, with the airlines' check digit (serial modulo 7).
    pub fn awb(&self, ship_date: NaiveDate) -> String {
        let serial = 4_000_000 + ship_date.num_days_from_ce() % 1_000_000;
        format!("{}-{serial:07}{}", self.vendor.awb_prefix, serial % 7)
    }

    /// The lot of a ship date: the vendor's prefix, month, day, 1. Outside 1000 to 99999, which Komet keeps for itself.
    pub fn lot(&self, ship_date: NaiveDate) -> String {
        format!("{}{}1", self.vendor.lot_prefix, ship_date.format("%m%d"))
    }
}

/// `3 boxes`, `1 box`.
fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// Whether the vendor delivers the order and Komet bought it.
fn may_print(order: &Order) -> bool {
    let bought = order.purchase_order.as_ref();
    matches!(order.status, OrderStatus::Placed | OrderStatus::Accepted)
        && bought.is_some_and(|po| matches!(po.status, InfoStatus::Approved | InfoStatus::Confirmed))
}

/// Each line of which boxes are bought that have no label, and how many.
fn unlabelled(world: &World, order: &Order) -> Vec<(String, u32)> {
    let Some(po) = &order.purchase_order else { return Vec::new() };
    let printed = |line: &str| {
        let labels = world.axerrio.labels_of(&order.id);
        labels.filter(|l| l.line_id == line && l.status == LabelStatus::Printed).map(|_| 1).sum::<u32>()
    };
    let lines = order.draft.lines.iter().map(|line| {
        // After a split a line has several entries, which together are what is bought.
        let entries = po.lines.iter().filter(|l| l.line_id == line.id);
        let bought = entries.fold(0_u32, |sum, entry| sum.saturating_add(entry.boxes));
        (line.id.clone(), bought.min(line.boxes).saturating_sub(printed(&line.id)))
    });
    lines.filter(|(_, boxes)| *boxes > 0).collect()
}

/// An order with boxes to label.
struct ToPrint {
    order: String,
    ship_date: NaiveDate,
    /// Lines, and how many boxes of each.
    lines: Vec<(String, u32)>,
}

fn ready_to_print(world: &World) -> Vec<ToPrint> {
    let bought = world.axerrio.orders().filter(|order| may_print(order));
    let ready = bought.map(|order| ToPrint {
        order: order.id.clone(),
        ship_date: order.draft.ship_date,
        lines: unlabelled(world, order),
    });
    ready.filter(|to_print| !to_print.lines.is_empty()).collect()
}
