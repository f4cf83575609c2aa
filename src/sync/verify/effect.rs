//! Whether the views show that a request had its effect.

use std::collections::BTreeSet;

use crate::domain::{
    Agreed, AgreedLine, AxOrder, AxStatus, CreatedPo, CreatedPrebook, ItemId, LineId, NewPoLine, Order, PoItemId,
    PoLine, PoLink, PrebookNumber,
};
use crate::sync::action::{Action, CreatePrebook};
use crate::sync::apply::Outcome;
use crate::sync::plan::{same_input, shown};

/// That a request had its effect.
pub(super) enum Effect {
    /// The views must still be told.
    Outcome(Outcome),
    /// The vendor has answered an order that was put for the first time, and Axerrio shows it otherwise than it was put.
    Accepted(Box<AxOrder>),
    /// The read-back has told the views what shipped; as what it was sent is still to be agreed.
    Shipped,
}

/// Whether the views show that the request had its effect.
pub(super) fn effect(order: &Order, agreed: &Agreed, action: &Action) -> Option<Effect> {
    match action {
        Action::CreatePrebook(create) => {
            let items = linked_items(order, agreed, create, None)?;
            let link = agreed.lines.get(&create.lines.first()?.0)?.item.as_ref()?;
            let number = agreed
                .prebooks
                .get(&link.prebook)
                .map_or_else(|| PrebookNumber(link.prebook.to_string()), |p| p.number.clone());
            let id = link.prebook.clone();
            Some(Effect::Outcome(Outcome::PrebookCreated(CreatedPrebook { id, number, items: Some(items) })))
        }
        Action::DeleteItem(delete) => {
            let item = order.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == delete.item);
            item.is_none_or(|item| !item.is_alive()).then_some(Effect::Outcome(Outcome::Deleted))
        }
        Action::CreatePo(new) => {
            let mut lines = Vec::new();
            let mut number = None;
            for line in &new.lines {
                let link = buying(order, agreed, line)?;
                number = Some(link.number.clone());
                lines.push(link.line.clone());
            }
            Some(Effect::Outcome(Outcome::PoCreated(CreatedPo { number: number?, lines: Some(lines) })))
        }
        Action::DeletePoLine(delete) => {
            let line = order.komet.purchase_orders.iter().flat_map(|p| &p.lines).find(|l| l.id == delete.po_item);
            line.is_none_or(|line| !line.is_alive()).then_some(Effect::Outcome(Outcome::Deleted))
        }
        // On this line or what was split off it: a code that another one bears is why Komet refuses it here.
        Action::Ship(ship) => {
            let codes = &ship.shipment.codes;
            has_box(order, &ship.shipment.po_item, |code| codes.iter().any(|c| c == code))
                .then_some(Effect::Shipped)
        }
        Action::ChangeCode(change) => has_box(order, &change.po_item, |code| code == change.change.new)
            .then_some(Effect::Outcome(Outcome::CodeChanged)),
        Action::PutOrder(put) => {
            let answer = order.axerrio.order.as_ref().filter(|o| o.status != AxStatus::Cancelled)?;
            // Nobody else makes orders under stemsync's references. Put again, the order would lose the vendor's answer.
            let is_first = agreed.input.is_none() && put.keeps.is_empty();
            match same_input(&shown(answer), &put.input) {
                true => Some(Effect::Outcome(Outcome::Order(Box::new(answer.clone())))),
                false if is_first && answer.status == AxStatus::Accepted => {
                    Some(Effect::Accepted(Box::new(answer.clone())))
                }
                false => None,
            }
        }
        Action::CancelOrder(_) => {
            let answer = order.axerrio.order.as_ref().filter(|o| o.status == AxStatus::Cancelled)?;
            Some(Effect::Outcome(Outcome::Order(Box::new(answer.clone()))))
        }
        Action::PutPurchaseOrder(put) => {
            let answer = order.axerrio.order.as_ref()?;
            let told = answer.purchase_order.as_ref().is_some_and(|told| told.same_as(&put.info));
            told.then(|| Effect::Outcome(Outcome::Order(Box::new(answer.clone()))))
        }
    }
}

fn has_box(order: &Order, line: &PoItemId, wanted: impl Fn(&str) -> bool) -> bool {
    let lines = || order.komet.purchase_orders.iter().flat_map(|p| &p.lines);
    let item = lines().find(|l| l.id == *line).and_then(|l| l.item_id.as_ref());
    let own = lines().filter(|l| l.id == *line || (item.is_some() && l.item_id.as_ref() == item));
    let mut boxes = own.flat_map(|l| &l.boxes);
    boxes.any(|b| wanted(&b.code))
}

/// The PO line that now buys a line, if Komet shows one alive.
pub(super) fn buying<'a>(order: &Order, agreed: &'a Agreed, line: &NewPoLine) -> Option<&'a PoLink> {
    agreed.lines.get(&line.line)?.po_lines.iter().rev().find(|link| {
        let shown = order.komet.purchase_orders.iter().flat_map(|p| &p.lines).find(|l| l.id == link.line);
        link.item == line.item && shown.is_some_and(PoLine::is_alive)
    })
}

/// The lines of an order whose items Komet shows alive.
pub(super) fn lines_alive<'a>(order: &Order, agreed: &'a Agreed) -> BTreeSet<&'a LineId> {
    let shown = order.komet.prebooks.iter().flat_map(|p| &p.items).filter(|item| item.is_alive());
    let alive: BTreeSet<&ItemId> = shown.map(|item| &item.id).collect();
    let stands = |line: &AgreedLine| line.item.as_ref().is_some_and(|link| alive.contains(&link.item));
    agreed.lines.iter().filter(|(_, line)| stands(line)).map(|(id, _)| id).collect()
}

/// The items that now stand for the lines of a create, if all do and Komet shows them alive.
pub(super) fn linked_items(
    order: &Order,
    agreed: &Agreed,
    create: &CreatePrebook,
    created: Option<&CreatedPrebook>,
) -> Option<Vec<ItemId>> {
    let alive = lines_alive(order, agreed);
    create
        .lines
        .iter()
        .map(|(line, _)| {
            let link = agreed.lines.get(line)?.item.as_ref()?;
            let meant = created.is_none_or(|created| created.id == link.prebook);
            (meant && alive.contains(line)).then(|| link.item.clone())
        })
        .collect()
}
