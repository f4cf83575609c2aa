//! Komet's lists, worded by the `Writer`: `prebook.details.list`, `purchase.order.list`, `carrier.list` and
//! `boxtype.list`. A Vendor token sees its own vendor's items only, without sales prices, and no Prebook item that
//! lacks a ship date or a cost or shipped before yesterday (komet-api.md, "Reads").

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::body::Parameters;
use super::{Caller, Goods, KometModel, PoLine, PoStatus, Prebook, PrebookItem, PurchaseOrder, Refused, refuse};
use crate::sandbox::messy::Writer;

/// What a caller asked to see of the Prebooks.
struct Wanted {
    vendor: Option<u64>,
    /// First and last vendor ship date.
    window: Option<(NaiveDate, NaiveDate)>,
    /// A Vendor token's own limits: the first ship date it sees.
    limited_from: Option<NaiveDate>,
}

impl Wanted {
    fn in_window(&self, item: &PrebookItem) -> bool {
        self.window.is_none_or(|(from, to)| item.ship_date.is_some_and(|d| from <= d && d <= to))
    }

    fn may_see(&self, item: &PrebookItem) -> bool {
        self.vendor.is_none_or(|vendor| item.vendor == vendor)
            && self
                .limited_from
                .is_none_or(|first| item.goods.cost.is_some() && item.ship_date.is_some_and(|d| d >= first))
    }
}

impl KometModel {
    /// `prebook.details.list`.
    pub(super) fn prebook_details_list(
        &self,
        parameters: &[(String, String)],
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let p = Parameters(parameters);
        let truck_date = p.date("date")?;
        let window = match (p.date("vendorShipDateFrom")?, p.date("vendorShipDateTo")?) {
            (Some(from), Some(to)) if to < from => refuse!("vendorShipDateTo is before vendorShipDateFrom"),
            (Some(from), Some(to)) if (to - from).num_days() > 6 => {
                refuse!("vendorShipDateFrom and vendorShipDateTo may be at most 7 days apart")
            }
            (Some(from), Some(to)) => Some((from, to)),
            (None, None) if truck_date.is_some() => None,
            _ => refuse!("date is required, or vendorShipDateFrom and vendorShipDateTo"),
        };
        let since = p.time("updatedAsOf")?;
        let number = p.number("prebook")?;
        let customer_po = p.text("customerPONumber");
        let (customer, location, carrier) =
            (p.number("customerId")?, p.number("locationId")?, p.number("carrierId")?);
        let wanted = Wanted {
            vendor: match caller {
                Caller::Vendor => Some(self.catalogue.vendor.id),
                Caller::Company => p.number("vendorId")?,
            },
            window,
            limited_from: (caller == Caller::Vendor)
                .then(|| now.date_naive().checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN)),
        };

        // The narrowest index decides which Prebooks are looked at.
        let candidates: BTreeSet<u64> = if let Some(number) = number {
            self.index.numbers.get(&number).copied().into_iter().collect()
        } else if let Some(since) = since {
            self.index.changes.range((since, 0)..).map(|(_, id)| *id).collect()
        } else if let Some((from, to)) = window {
            self.index.ship_dates.range(from..=to).flat_map(|(_, ids)| ids).copied().collect()
        } else {
            truck_date.and_then(|date| self.index.truck_dates.get(&date)).cloned().unwrap_or_default()
        };

        let prices = caller == Caller::Company;
        out.list("prebooks", |out| {
            for prebook in candidates.iter().filter_map(|id| self.prebooks.get(id)) {
                let matches = truck_date.is_none_or(|date| prebook.truck_date == date)
                    && since.is_none_or(|since| prebook.updated >= since)
                    && customer_po.is_none_or(|po| prebook.customer_po == po)
                    && customer.is_none_or(|id| prebook.customer == id)
                    && location.is_none_or(|id| prebook.location == id)
                    && carrier.is_none_or(|id| prebook.carrier == Some(id));
                if !matches || !prebook.items.iter().any(|i| wanted.in_window(i) && wanted.may_see(i)) {
                    continue;
                }
                let whole = self.rules.window_shows_whole_prebook;
                let items = prebook.items.iter().filter(|i| (whole || wanted.in_window(i)) && wanted.may_see(i));
                out.object(|out| self.show_prebook(prebook, items, prices, out));
            }
        });
        Ok(())
    }

    fn show_prebook<'i>(
        &self,
        prebook: &Prebook,
        items: impl Iterator<Item = &'i PrebookItem>,
        prices: bool,
        out: &mut Writer,
    ) {
        out.number("id", prebook.id);
        out.number("number", prebook.number);
        self.show_location(prebook.location, true, out);
        out.number("customerId", prebook.customer);
        let customer = self.lookup.customer(&self.catalogue, prebook.customer);
        out.text_or_nothing("customerCode", customer.map_or("", |c| &c.code));
        out.text_or_nothing("customerName", customer.map_or("", |c| &c.name));
        out.text("type", if prebook.standing { "S" } else { "P" });
        out.text("truckDate", &prebook.truck_date.to_string());
        out.text_or_nothing("customerPONumber", &prebook.customer_po);
        self.show_carrier(prebook.carrier, out);
        out.text("shipVia", if prebook.ship_via == 1 { "Grower" } else { "Warehouse" });
        out.text_or_nothing("comments", &prebook.comments);
        out.list("details", |out| {
            for item in items {
                out.object(|out| self.show_item(item, prices, out));
            }
        });
    }

    fn show_item(&self, item: &PrebookItem, prices: bool, out: &mut Writer) {
        let goods = &item.goods;
        out.number("prebookItemId", item.id);
        out.number("vendorId", item.vendor);
        out.text_or_nothing("vendorName", self.vendor(item.vendor).map_or("", |v| &v.name));
        match item.ship_date {
            Some(date) => out.text("vendorShipDate", &date.to_string()),
            None => out.nothing("vendorShipDate"),
        }
        let price = if prices { item.price } else { None };
        show_goods(goods, item.id, out);
        match price {
            Some(price) => {
                out.decimal("unitPrice", price);
                out.decimal("totalPrice", price * total_units(goods));
            }
            None if prices => out.nothing("unitPrice"),
            None => {}
        }
        match goods.cost {
            Some(cost) => out.decimal("unitCost", cost),
            None => out.nothing("unitCost"),
        }
        out.nothing("brandId");
        out.nothing("brandName");
        if self.rules.items_show_po && out.answers.trait_of(1, 2) == 0 {
            let po = self.lines_buying(item.id).next().map(|(po, _)| po.number);
            out.number_or_nothing("purchaseOrderNumber", po);
        }
        show_parts(goods, item.id, out);
    }

    fn show_location(&self, id: u64, with_code: bool, out: &mut Writer) {
        let location = self.location(id);
        out.number_or_nothing("locationId", location.map(|l| l.id));
        if with_code {
            out.text_or_nothing("locationCode", location.map_or("", |l| &l.code));
        }
        out.text_or_nothing("locationName", location.map_or("", |l| &l.name));
    }

    fn show_carrier(&self, id: Option<u64>, out: &mut Writer) {
        let carrier = id.and_then(|id| self.lookup.carrier(&self.catalogue, id));
        out.number_or_nothing("carrierId", carrier.map(|c| c.id));
        out.text_or_nothing("carrierName", carrier.map_or("", |c| &c.name));
    }

    /// `purchase.order.list`.
    pub(super) fn purchase_order_list(
        &self,
        parameters: &[(String, String)],
        caller: Caller,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let p = Parameters(parameters);
        let date = p.date("date")?;
        let numbers = match p.text("number") {
            // The documented length; see komet-api.md.
            Some(list) if list.len() > 10 => refuse!("number exceeds 10 characters"),
            Some(list) => {
                let numbers: Result<Vec<u64>, _> = list.split(',').map(|n| n.trim().parse()).collect();
                match numbers {
                    Ok(numbers) => Some(numbers),
                    // Numbers are digits in this company, so any other text finds nothing.
                    Err(_) => Some(Vec::new()),
                }
            }
            None => None,
        };
        if date.is_none() && numbers.is_none() {
            refuse!("date or number is required");
        }
        let status = match p.text("status") {
            None => None,
            Some("Confirmed by Farm") => Some(PoStatus::Confirmed),
            Some("Approved") => Some(PoStatus::Approved),
            Some("Pending Approval") => Some(PoStatus::Pending),
            Some("Cancelled") => Some(PoStatus::Cancelled),
            Some(_) => refuse!("status must be Confirmed by Farm, Approved, Pending Approval or Cancelled"),
        };
        let prebook = p.number("prebook")?;
        let location = p.number("locationId")?;
        let vendor = match caller {
            Caller::Vendor => Some(self.catalogue.vendor.id),
            Caller::Company => p.number("vendorId")?,
        };
        let candidates: BTreeSet<u64> = match (&numbers, date) {
            (Some(numbers), _) => {
                numbers.iter().filter_map(|number| self.index.po_numbers.get(number)).copied().collect()
            }
            (None, date) => date.and_then(|date| self.index.po_dates.get(&date)).cloned().unwrap_or_default(),
        };
        out.list("purchaseOrders", |out| {
            for po in candidates.iter().filter_map(|id| self.orders.get(id)) {
                let for_prebook = |number| {
                    po.lines.iter().any(|line| self.prebook_of(line).is_some_and(|(p, _)| p.number == number))
                };
                let matches = date.is_none_or(|date| po.ship_date == date)
                    && status.is_none_or(|status| po.status == status)
                    && location.is_none_or(|id| po.location == id)
                    && vendor.is_none_or(|id| po.vendor == id)
                    && prebook.is_none_or(for_prebook);
                if matches {
                    out.object(|out| self.show_po(po, out));
                }
            }
        });
        Ok(())
    }

    fn prebook_of(&self, line: &PoLine) -> Option<(&Prebook, &PrebookItem)> {
        line.item.and_then(|item| self.prebook_item(item))
    }

    fn show_po(&self, po: &PurchaseOrder, out: &mut Writer) {
        out.number("id", po.id);
        out.number("number", po.number);
        let long = out.pick(2) == 1;
        out.text("status", if long { po.status.long() } else { po.status.short() });
        out.text("shipDate", &po.ship_date.to_string());
        out.text("createdOn", &gmt(po.created));
        out.text("updatedOn", &gmt(po.updated));
        out.number("vendorId", po.vendor);
        out.text_or_nothing("vendorName", self.vendor(po.vendor).map_or("", |v| &v.name));
        out.text_or_nothing("origin", "BOG");
        self.show_location(po.location, false, out);
        out.number("totalBoxes", po.lines.iter().map(|l| u64::from(l.goods.boxes)).sum());
        out.decimal("totalCost", po.lines.iter().map(|l| total_cost(&l.goods)).sum());
        out.nothing("comments");
        if self.rules.orders_show_awb && out.answers.trait_of(2, 2) == 0 {
            let awb = po.lines.iter().find_map(|l| l.awb.as_deref());
            out.text_or_nothing("awb", awb.unwrap_or_default());
        }
        out.list("details", |out| {
            for line in &po.lines {
                out.object(|out| self.show_line(line, out));
            }
        });
    }

    fn show_line(&self, line: &PoLine, out: &mut Writer) {
        let prebook = self.prebook_of(line).map(|(prebook, _)| prebook);
        let goods = &line.goods;
        out.number("poItemId", line.id);
        out.number_or_nothing("prebook", prebook.map(|p| p.number));
        out.number_or_nothing("prebookItemId", line.item);
        match prebook {
            Some(prebook) => out.text("prebookTruckDate", &prebook.truck_date.to_string()),
            None => out.nothing("prebookTruckDate"),
        }
        out.text("orderType", if prebook.is_some_and(|p| p.standing) { "S" } else { "P" });
        show_goods(goods, line.id, out);
        out.decimal("unitCost", goods.cost.unwrap_or_default());
        out.decimal("totalCost", total_cost(goods));
        out.number_or_nothing("quantityConfirmed", line.confirmed.map(u64::from));
        out.nothing("lineItemStatus");
        out.nothing("referenceNumber");
        let customer = prebook.and_then(|p| self.lookup.customer(&self.catalogue, p.customer));
        out.number_or_nothing("customerId", customer.map(|c| c.id));
        out.text_or_nothing("customerName", customer.map_or("", |c| &c.name));
        self.show_carrier(prebook.and_then(|p| p.carrier), out);
        out.nothing("standingOrder");
        out.no_list("customFields");
        show_parts(goods, line.id, out);
        if line.boxes.is_empty() {
            if out.pick(2) == 1 {
                out.no_list("boxes");
            }
            return;
        }
        out.list("boxes", |out| {
            for (position, shipped) in line.boxes.iter().enumerate() {
                out.object(|out| {
                    out.text("boxCode", &shipped.code);
                    out.text_or_nothing("lotNumber", &shipped.lot);
                    out.number("statusId", if shipped.received { 3 } else { 1 });
                    out.text("statusName", if shipped.received { "Received" } else { "Shipped" });
                    out.number("position", position as u64 + 1);
                });
            }
        });
    }

    /// `carrier.list`.
    pub(super) fn carrier_list(&self, out: &mut Writer) {
        out.list("carriers", |out| {
            for carrier in &self.catalogue.carriers {
                out.object(|out| {
                    out.number("id", carrier.id);
                    out.text("code", &carrier.code);
                    out.text("name", &carrier.name);
                    out.number("active", u64::from(carrier.active));
                });
            }
        });
    }

    /// `boxtype.list`.
    pub(super) fn box_type_list(&self, out: &mut Writer) {
        out.list("boxtypes", |out| {
            for box_type in &self.catalogue.box_types {
                out.object(|out| {
                    out.number("id", box_type.id);
                    out.text("code", &box_type.code);
                    out.decimal("fbe", box_type.fbe);
                });
            }
        });
    }
}

/// Komet's date-times: whole seconds in GMT.
fn gmt(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn total_units(goods: &Goods) -> Decimal {
    Decimal::from(goods.units() * u64::from(goods.boxes))
}

fn total_cost(goods: &Goods) -> Decimal {
    let cost = goods.cost.unwrap_or_default();
    if goods.parts.is_empty() {
        return cost * total_units(goods);
    }
    let units = |p: &super::Part| match goods.unit {
        super::Unit::Stem => u64::from(p.bunches) * u64::from(p.stems),
        super::Unit::Bunch => u64::from(p.bunches),
    };
    goods.parts.iter().map(|p| p.cost * Decimal::from(units(p) * u64::from(goods.boxes))).sum()
}

/// A product that Komet does not know has no id, or 0, or a description that says so; `key` makes the choice, so that
/// one line reads the same each time.
fn show_product(product: Option<u64>, description: &str, key: u64, out: &mut Writer) {
    match (product, out.answers.trait_of(key, 4)) {
        (Some(id), _) => {
            out.number("productId", id);
            out.text("productDescription", description);
        }
        (None, 0) => {
            out.nothing("productId");
            out.text("productDescription", description);
        }
        (None, 1) => {
            out.number("productId", 0);
            out.text("productDescription", description);
        }
        (None, wording) => {
            // Either no id, or that of a placeholder product.
            out.number_or_nothing("productId", (wording == 3).then_some(1));
            out.text("productDescription", &format!("UNKNOWN {description}"));
        }
    }
}

fn show_goods(goods: &Goods, key: u64, out: &mut Writer) {
    show_product(goods.product, &goods.description, key, out);
    out.number("totalBoxes", u64::from(goods.boxes));
    out.text("boxType", &goods.box_type);
    out.number("bunches", u64::from(goods.bunches));
    out.number("stemsBunch", u64::from(goods.stems));
    out.number("units", goods.units());
    out.text("unitType", goods.unit.name());
    out.number("totalUnits", goods.units() * u64::from(goods.boxes));
    out.text_or_nothing("markCode", &goods.mark_code);
    out.text_or_nothing("notes", &goods.notes);
}

fn show_parts(goods: &Goods, key: u64, out: &mut Writer) {
    if goods.parts.is_empty() {
        return out.no_list("breakdowns");
    }
    out.list("breakdowns", |out| {
        for (at, part) in goods.parts.iter().enumerate() {
            out.object(|out| {
                show_product(part.product, &part.description, key * 31 + at as u64, out);
                out.number("stemsBunch", u64::from(part.stems));
                out.number("bunches", u64::from(part.bunches));
                out.decimal("cost", part.cost);
            });
        }
    });
}
