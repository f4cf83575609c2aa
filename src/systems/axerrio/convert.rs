//! Between the contract's shapes and the domain's types, both ways: the adapter reads orders and writes inputs, the
//! sandbox does the reverse. Reading checks what a shape cannot say (ids there and unique, boxes counted from 1) and
//! names the field that is wrong.

use std::fmt::Display;

use chrono::Datelike;

use super::wire;
use crate::domain::{
    AxLine, AxOrder, AxOrderId, ExternalRef, Header, InputLine, Label, LabelId, LineId, LineTerms, MixPart,
    OrderInput, Party, PoInfoLine, PoNumber, Product, PurchaseOrderInfo, blank,
};
use crate::systems::calendar::is_countable;

/// Blank text is no value.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| blank(Some(text)).is_some())
}

/// What a printer and a scanner read the same of: blanks around it are no part of it, and Komet may not keep them.
fn trimmed(text: Option<String>) -> Option<String> {
    filled(text).map(|text| text.trim().to_owned())
}

fn required(text: &str, field: &str) -> Result<(), String> {
    match blank(Some(text)) {
        Some(_) => Ok(()),
        None => Err(format!("{field}: expected text, found nothing")),
    }
}

/// A date or time that can be counted with.
pub(super) fn countable(at: impl Datelike + Copy + Display, field: &str) -> Result<(), String> {
    if is_countable(at) { Ok(()) } else { Err(format!("{field}: expected a year of four digits, found {at}")) }
}

fn lines_have_ids(lines: &[wire::Line]) -> Result<(), String> {
    let mut seen = std::collections::HashSet::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        required(&line.id, &format!("lines[{index}].id"))?;
        if !seen.insert(line.id.as_str()) {
            return Err(format!(
                "lines[{index}].id: expected an id of its own, found {:?} a second time",
                line.id
            ));
        }
    }
    Ok(())
}

impl From<wire::Party> for Party {
    fn from(wire: wire::Party) -> Self {
        Self { code: wire.code, name: wire.name }
    }
}

impl From<Party> for wire::Party {
    fn from(party: Party) -> Self {
        Self { code: party.code, name: party.name }
    }
}

impl From<wire::Product> for Product {
    fn from(wire: wire::Product) -> Self {
        Self { code: wire.code, description: wire.description }
    }
}

impl From<Product> for wire::Product {
    fn from(product: Product) -> Self {
        Self { code: product.code, description: product.description }
    }
}

/// What a line orders.
fn terms(wire: wire::Line) -> LineTerms {
    LineTerms {
        product: wire.product.into(),
        box_type: wire.box_type,
        boxes: wire.boxes,
        bunches: wire.bunches_per_box,
        stems_per_bunch: wire.stems_per_bunch,
        unit_type: wire.unit_type,
        unit_cost: wire.unit_cost.0,
        unit_price: wire.unit_price.map(|price| price.0),
        mark_code: filled(wire.mark_code),
        notes: filled(wire.notes),
        mix: wire
            .mix
            .into_iter()
            .map(|part| MixPart {
                product: part.product.into(),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost.0,
            })
            .collect(),
    }
}

fn wire_line(id: LineId, terms: LineTerms, confirmed_boxes: Option<u32>) -> wire::Line {
    wire::Line {
        id: id.0,
        product: terms.product.into(),
        box_type: terms.box_type,
        boxes: terms.boxes,
        bunches_per_box: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type,
        unit_cost: wire::Money(terms.unit_cost),
        unit_price: terms.unit_price.map(wire::Money),
        mark_code: terms.mark_code,
        notes: terms.notes,
        confirmed_boxes,
        mix: terms
            .mix
            .into_iter()
            .map(|part| wire::MixPart {
                product: part.product.into(),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: wire::Money(part.unit_cost),
            })
            .collect(),
    }
}

impl TryFrom<wire::Order> for AxOrder {
    type Error = String;

    /// Fails with the field and what was found there.
    fn try_from(wire: wire::Order) -> Result<Self, String> {
        required(&wire.id, "id")?;
        lines_have_ids(&wire.lines)?;
        countable(wire.changed_at, "changedAt")?;
        countable(wire.ship_date, "shipDate")?;
        wire.truck_date.map_or(Ok(()), |day| countable(day, "truckDate"))?;
        if let Some(info) = &wire.purchase_order {
            countable(info.ship_date, "purchaseOrder.shipDate")?;
            countable(info.updated_at, "purchaseOrder.updatedAt")?;
        }
        Ok(Self {
            id: AxOrderId(wire.id),
            external_ref: filled(wire.external_ref).map(ExternalRef),
            origin: wire.origin,
            status: wire.status,
            version: wire.version,
            changed_at: wire.changed_at,
            header: Header {
                customer: wire.customer.into(),
                customer_po: filled(wire.customer_po),
                ship_date: wire.ship_date,
                truck_date: wire.truck_date,
                carrier: wire.carrier.map(Party::from),
                location: filled(wire.location),
                comments: filled(wire.comments),
            },
            lines: wire
                .lines
                .into_iter()
                .map(|line| AxLine {
                    id: LineId(line.id.clone()),
                    confirmed_boxes: line.confirmed_boxes,
                    terms: terms(line),
                })
                .collect(),
            purchase_order: wire.purchase_order.map(PurchaseOrderInfo::from),
        })
    }
}

impl From<AxOrder> for wire::Order {
    fn from(order: AxOrder) -> Self {
        let header = order.header;
        Self {
            id: order.id.0,
            external_ref: order.external_ref.map(|reference| reference.0),
            origin: order.origin,
            status: order.status,
            version: order.version,
            changed_at: order.changed_at,
            customer: header.customer.into(),
            customer_po: header.customer_po,
            ship_date: header.ship_date,
            truck_date: header.truck_date,
            carrier: header.carrier.map(wire::Party::from),
            location: header.location,
            comments: header.comments,
            lines: order
                .lines
                .into_iter()
                .map(|line| wire_line(line.id, line.terms, line.confirmed_boxes))
                .collect(),
            purchase_order: order.purchase_order.map(wire::PurchaseOrderInfo::from),
        }
    }
}

impl TryFrom<wire::OrderInput> for OrderInput {
    type Error = String;

    /// Fails with the field and what was found there.
    fn try_from(wire: wire::OrderInput) -> Result<Self, String> {
        lines_have_ids(&wire.lines)?;
        Ok(Self {
            header: Header {
                customer: wire.customer.into(),
                customer_po: filled(wire.customer_po),
                ship_date: wire.ship_date,
                truck_date: wire.truck_date,
                carrier: wire.carrier.map(Party::from),
                location: filled(wire.location),
                comments: filled(wire.comments),
            },
            lines: wire
                .lines
                .into_iter()
                .map(|line| InputLine { id: LineId(line.id.clone()), terms: terms(line) })
                .collect(),
        })
    }
}

impl From<OrderInput> for wire::OrderInput {
    fn from(input: OrderInput) -> Self {
        let header = input.header;
        Self {
            customer: header.customer.into(),
            customer_po: header.customer_po,
            ship_date: header.ship_date,
            truck_date: header.truck_date,
            carrier: header.carrier.map(wire::Party::from),
            location: header.location,
            comments: header.comments,
            lines: input.lines.into_iter().map(|line| wire_line(line.id, line.terms, None)).collect(),
        }
    }
}

impl From<wire::PurchaseOrderInfo> for PurchaseOrderInfo {
    fn from(wire: wire::PurchaseOrderInfo) -> Self {
        Self {
            number: PoNumber(wire.number),
            status: wire.status,
            ship_date: wire.ship_date,
            awb: filled(wire.awb),
            updated_at: wire.updated_at,
            lines: wire
                .lines
                .into_iter()
                .map(|line| PoInfoLine {
                    line_id: LineId(line.line_id),
                    po_item_id: line.po_item_id,
                    boxes: line.boxes,
                    unit_cost: line.unit_cost.0,
                })
                .collect(),
        }
    }
}

impl From<PurchaseOrderInfo> for wire::PurchaseOrderInfo {
    fn from(info: PurchaseOrderInfo) -> Self {
        Self {
            number: info.number.0,
            status: info.status,
            ship_date: info.ship_date,
            awb: info.awb,
            updated_at: info.updated_at,
            lines: info
                .lines
                .into_iter()
                .map(|line| wire::PurchaseOrderLine {
                    line_id: line.line_id.0,
                    po_item_id: line.po_item_id,
                    boxes: line.boxes,
                    unit_cost: wire::Money(line.unit_cost),
                })
                .collect(),
        }
    }
}

impl TryFrom<wire::Label> for Label {
    type Error = String;

    /// Fails with the field and what was found there.
    fn try_from(wire: wire::Label) -> Result<Self, String> {
        required(&wire.id, "id")?;
        required(&wire.order_id, "orderId")?;
        required(&wire.line_id, "lineId")?;
        required(&wire.box_code, "boxCode")?;
        if wire.box_number == 0 {
            return Err("boxNumber: expected 1 or more, found 0".to_owned());
        }
        countable(wire.changed_at, "changedAt")?;
        countable(wire.ship_date, "shipDate")?;
        Ok(Self {
            id: LabelId(wire.id),
            order_id: AxOrderId(wire.order_id),
            line_id: LineId(wire.line_id),
            box_number: wire.box_number,
            box_code: wire.box_code.trim().to_owned(),
            lot_number: trimmed(wire.lot_number),
            awb: trimmed(wire.awb),
            house_awb: trimmed(wire.house_awb),
            ship_date: wire.ship_date,
            status: wire.status,
            changed_at: wire.changed_at,
        })
    }
}

impl From<Label> for wire::Label {
    fn from(label: Label) -> Self {
        Self {
            id: label.id.0,
            order_id: label.order_id.0,
            line_id: label.line_id.0,
            box_number: label.box_number,
            box_code: label.box_code,
            lot_number: label.lot_number,
            awb: label.awb,
            house_awb: label.house_awb,
            ship_date: label.ship_date,
            status: label.status,
            changed_at: label.changed_at,
        }
    }
}
