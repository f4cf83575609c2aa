//! What customers and the vendor's people do in Axerrio: order, change, accept, print, ship. Every method takes the
//! moment it happens and answers an error with a plain sentence if it cannot be done.

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{AxerrioModel, Label, LabelStatus, Line, Named, Order, OrderDraft, OrderStatus, number_of, stamp};

/// What a customer changes of an order's header; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderChange {
    /// Whose order it is.
    pub customer: Option<Named>,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: Option<NaiveDate>,
    /// The day it leaves the importer.
    pub truck_date: Option<NaiveDate>,
    /// Who carries it.
    pub carrier: Option<Named>,
    /// The code of the importer's location.
    pub location: Option<String>,
    /// Free text.
    pub comments: Option<String>,
}

/// How a reprinted label appears in the feed (clarification 10 allows both).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reprint {
    /// The same label with a new box code.
    SameLabel,
    /// A new label for the same box; the old one is void.
    NewLabel,
}

impl AxerrioModel {
    fn find(&self, order: &str) -> Result<(u32, &Order)> {
        let number = number_of(order, "AX-").with_context(|| format!("{order} is no order id"))?;
        let found = self.orders.records.get(&number).with_context(|| format!("there is no order {order}"))?;
        Ok((number, found))
    }

    /// The order, if it may still be changed.
    fn open(&self, order: &str) -> Result<u32> {
        let (number, found) = self.find(order)?;
        match found.status {
            OrderStatus::Cancelled | OrderStatus::Shipped => bail!("{order} is closed"),
            _ => Ok(number),
        }
    }

    /// A customer or salesperson orders (flow 1). Lines without an id are numbered from 1. Answers the order's id.
    pub fn customer_orders(&mut self, mut draft: OrderDraft, now: DateTime<Utc>) -> String {
        for (at, line) in draft.lines.iter_mut().enumerate() {
            if line.id.is_empty() {
                line.id = (at + 1).to_string();
            }
            line.confirmed_boxes = None;
        }
        let number = self.add_order(draft, None, now);
        format!("AX-{number}")
    }

    /// A customer changes a line of an order: `change` gets the line. The vendor's answer to the line is asked anew.
    pub fn customer_changes_line(
        &mut self,
        order: &str,
        line: &str,
        change: impl FnOnce(&mut Line),
        now: DateTime<Utc>,
    ) -> Result<()> {
        let number = self.open(order)?;
        if !self.orders.records[&number].draft.lines.iter().any(|l| l.id == line) {
            bail!("{order} has no line {line}");
        }
        self.touch_order(number, now, |order| {
            if let Some(found) = order.draft.lines.iter_mut().find(|l| l.id == line) {
                change(found);
                line.clone_into(&mut found.id);
                found.confirmed_boxes = None;
            }
        });
        Ok(())
    }

    /// A customer adds a line; one without an id gets the next free number. Answers the line's id.
    pub fn customer_adds_line(&mut self, order: &str, mut line: Line, now: DateTime<Utc>) -> Result<String> {
        let number = self.open(order)?;
        let lines = &self.orders.records[&number].draft.lines;
        if line.id.is_empty() {
            let highest = lines.iter().filter_map(|l| l.id.parse::<u64>().ok()).max().unwrap_or(0);
            line.id = (highest + 1).to_string();
        } else if lines.iter().any(|l| l.id == line.id) {
            bail!("{order} has a line {} already", line.id);
        }
        line.confirmed_boxes = None;
        let id = line.id.clone();
        self.touch_order(number, now, |order| order.draft.lines.push(line));
        Ok(id)
    }

    /// A customer removes a line.
    pub fn customer_removes_line(&mut self, order: &str, line: &str, now: DateTime<Utc>) -> Result<()> {
        let number = self.open(order)?;
        if !self.orders.records[&number].draft.lines.iter().any(|l| l.id == line) {
            bail!("{order} has no line {line}");
        }
        self.touch_order(number, now, |order| order.draft.lines.retain(|l| l.id != line));
        Ok(())
    }

    /// A customer changes the header of an order.
    pub fn customer_changes_header(
        &mut self,
        order: &str,
        change: &OrderChange,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let number = self.open(order)?;
        self.touch_order(number, now, |order| {
            let draft = &mut order.draft;
            if let Some(customer) = &change.customer {
                draft.customer.clone_from(customer);
            }
            draft.ship_date = change.ship_date.unwrap_or(draft.ship_date);
            draft.truck_date = change.truck_date.or(draft.truck_date);
            if change.customer_po.is_some() {
                draft.customer_po.clone_from(&change.customer_po);
            }
            if change.carrier.is_some() {
                draft.carrier.clone_from(&change.carrier);
            }
            if change.location.is_some() {
                draft.location.clone_from(&change.location);
            }
            if change.comments.is_some() {
                draft.comments.clone_from(&change.comments);
            }
        });
        Ok(())
    }

    /// A customer cancels an order.
    pub fn customer_cancels(&mut self, order: &str, now: DateTime<Utc>) -> Result<()> {
        let number = self.open(order)?;
        self.touch_order(number, now, |order| order.status = OrderStatus::Cancelled);
        Ok(())
    }

    /// The vendor accepts an order; `fewer` names lines of which it delivers fewer boxes than ordered (0 is none).
    pub fn vendor_accepts(&mut self, order: &str, fewer: &[(&str, u32)], now: DateTime<Utc>) -> Result<()> {
        let number = self.open(order)?;
        let lines = &self.orders.records[&number].draft.lines;
        for (line, boxes) in fewer {
            match lines.iter().find(|l| l.id == *line) {
                None => bail!("{order} has no line {line}"),
                Some(found) if *boxes > found.boxes => {
                    bail!("line {line} of {order} has {} boxes only", found.boxes)
                }
                Some(_) => {}
            }
        }
        self.touch_order(number, now, |order| {
            order.status = OrderStatus::Accepted;
            for line in &mut order.draft.lines {
                let less = fewer.iter().find(|(id, _)| *id == line.id).map(|(_, boxes)| *boxes);
                line.confirmed_boxes = Some(less.unwrap_or(line.boxes));
            }
        });
        Ok(())
    }

    /// The vendor accepts every order that is placed. Answers their ids.
    pub fn vendor_accepts_all(&mut self, now: DateTime<Utc>) -> Result<Vec<String>> {
        let placed: Vec<String> = self
            .orders
            .records
            .values()
            .filter(|order| order.status == OrderStatus::Placed)
            .map(|order| order.id.clone())
            .collect();
        for order in &placed {
            self.vendor_accepts(order, &[], now)?;
        }
        Ok(placed)
    }

    /// The vendor refuses an order.
    pub fn vendor_rejects(&mut self, order: &str, now: DateTime<Utc>) -> Result<()> {
        let number = self.open(order)?;
        self.touch_order(number, now, |order| order.status = OrderStatus::Rejected);
        Ok(())
    }

    /// The vendor prints labels for `boxes` further boxes of a line, numbered from the first box without a label.
    /// `awb` and `lot` may be unknown still. Answers the labels' ids.
    pub fn vendor_prints(
        &mut self,
        order: &str,
        line: &str,
        boxes: u32,
        awb: Option<&str>,
        lot: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<String>> {
        let (number, found) = self.find(order)?;
        if matches!(found.status, OrderStatus::Cancelled | OrderStatus::Rejected) {
            bail!("{order} is {:?}: no labels", found.status);
        }
        let Some(of_line) = found.draft.lines.iter().find(|l| l.id == line) else {
            bail!("{order} has no line {line}")
        };
        let (ordered, ship_date) = (of_line.boxes, found.draft.ship_date);
        let labelled: Vec<u32> = self
            .labels_of(order)
            .filter(|l| l.line_id == line && l.status == LabelStatus::Printed)
            .map(|l| l.box_number)
            .collect();
        let free: Vec<u32> = (1..=ordered).filter(|n| !labelled.contains(n)).take(boxes as usize).collect();
        if free.len() < boxes as usize {
            bail!("line {line} of {order} has only {} boxes without a label", free.len());
        }
        let mut ids = Vec::with_capacity(free.len());
        for box_number in free {
            let label = Label {
                id: String::new(),
                order_id: order.to_owned(),
                line_id: line.to_owned(),
                box_number,
                box_code: self.next_code(),
                lot_number: lot.map(str::to_owned),
                awb: awb.map(str::to_owned),
                house_awb: None,
                ship_date,
                status: LabelStatus::Printed,
                changed_at: stamp(now),
            };
            ids.push(self.add_label(number, label));
        }
        Ok(ids)
    }

    fn next_code(&mut self) -> String {
        self.next.box_code += 1;
        format!("AXB{:09}", self.next.box_code)
    }

    fn add_label(&mut self, order: u32, mut label: Label) -> String {
        let number = self.next.label;
        self.next.label += 1;
        label.id = format!("LB-{number}");
        let id = label.id.clone();
        self.labels_of.entry(order).or_default().push(number);
        self.labels.insert(number, label);
        id
    }

    fn change_label(&mut self, label: &str, now: DateTime<Utc>, change: impl FnOnce(&mut Label)) -> Result<Label> {
        let number = number_of(label, "LB-").with_context(|| format!("{label} is no label id"))?;
        self.labels
            .change(number, |label| {
                change(label);
                label.changed_at = stamp(now);
                label.clone()
            })
            .with_context(|| format!("there is no label {label}"))
    }

    /// The vendor reprints a label with a new box code. Answers the id of the label that is on the box now.
    pub fn vendor_reprints(&mut self, label: &str, how: Reprint, now: DateTime<Utc>) -> Result<String> {
        let code = self.next_code();
        match how {
            Reprint::SameLabel => Ok(self.change_label(label, now, |label| label.box_code = code)?.id),
            Reprint::NewLabel => {
                let old = self.change_label(label, now, |label| label.status = LabelStatus::Void)?;
                let order = number_of(&old.order_id, "AX-").context("the label has no order")?;
                Ok(self.add_label(order, Label { box_code: code, status: LabelStatus::Printed, ..old }))
            }
        }
    }

    /// The vendor voids a label.
    pub fn vendor_voids(&mut self, label: &str, now: DateTime<Utc>) -> Result<()> {
        self.change_label(label, now, |label| label.status = LabelStatus::Void).map(drop)
    }

    /// The vendor corrects AWB, house AWB or lot of a label; `None` leaves it as it is.
    pub fn vendor_corrects_label(
        &mut self,
        label: &str,
        awb: Option<&str>,
        house_awb: Option<&str>,
        lot: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let put = |field: &mut Option<String>, value: Option<&str>| {
            if let Some(value) = value {
                *field = Some(value.to_owned());
            }
        };
        self.change_label(label, now, |label| {
            put(&mut label.awb, awb);
            put(&mut label.house_awb, house_awb);
            put(&mut label.lot_number, lot);
        })
        .map(drop)
    }

    /// A printer gives a label a code of its own choosing, which another label may have already.
    pub fn vendor_misprints(&mut self, label: &str, code: &str, now: DateTime<Utc>) -> Result<()> {
        self.change_label(label, now, |label| code.clone_into(&mut label.box_code)).map(drop)
    }

    /// The vendor changes boxes or cost of a line by hand, also where Komet owns the order (flow 2): a meddling. The
    /// order's status stays.
    pub fn vendor_edits_line(
        &mut self,
        order: &str,
        line: &str,
        boxes: Option<u32>,
        unit_cost: Option<Decimal>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let number = self.open(order)?;
        if !self.orders.records[&number].draft.lines.iter().any(|l| l.id == line) {
            bail!("{order} has no line {line}");
        }
        self.touch_order(number, now, |order| {
            for found in order.draft.lines.iter_mut().filter(|l| l.id == line) {
                found.boxes = boxes.unwrap_or(found.boxes);
                found.unit_cost = unit_cost.unwrap_or(found.unit_cost);
            }
        });
        Ok(())
    }

    /// The vendor ships an order.
    pub fn vendor_ships(&mut self, order: &str, now: DateTime<Utc>) -> Result<()> {
        let number = self.open(order)?;
        self.touch_order(number, now, |order| order.status = OrderStatus::Shipped);
        Ok(())
    }
}
