//! What an answered request does to the three views. The counterpart of `plan`: applying the outcome of an action and
//! planning again yields the next step, and in the end nothing. Pure, like the planner, so that a dry run can go
//! through all steps with assumed outcomes.

use std::collections::BTreeSet;

use super::action::{Action, CreatePrebook};
use super::plan::{self, Made};
use crate::domain::{
    AgreedBox, AgreedInput, AgreedLine, AgreedPoInfo, AgreedPrebook, AxOrder, CreatedPo, CreatedPrebook, Decision,
    Flow, HoldReason, ItemId, ItemLink, KometRef, NewPrebookItem, Order, PoBox, PoItemId, PoLine, PoLink,
    PoNumber, PrebookId, PrebookNumber, Shipped, Stray, Verdict,
};

/// The answer to a request, reduced to what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The Prebook and its items; the ids are complete, read back where Komet did not tell them.
    PrebookCreated(CreatedPrebook),
    /// The items went into a Prebook that was not meant: which they are, of each line that can be told of.
    Strayed(CreatedPrebook, Vec<Option<ItemId>>),
    /// The PO and its lines, likewise.
    PoCreated(CreatedPo),
    /// A Prebook item or PO line is gone.
    Deleted,
    /// Boxes were shipped.
    Shipped(Shipped),
    /// A box has its new code.
    CodeChanged,
    /// Axerrio's order as it is now.
    Order(Box<AxOrder>),
}

impl Outcome {
    /// Adds what was made.
    pub fn note(&self, made: &mut Made) {
        match self {
            Self::PrebookCreated(CreatedPrebook { items: Some(items), .. }) => {
                made.items.extend(items.iter().cloned());
            }
            Self::PoCreated(CreatedPo { lines: Some(lines), .. }) => {
                made.po_lines.extend(lines.iter().cloned());
            }
            _ => {}
        }
    }
}

/// Brings `order`'s views to what they are after `action` ended in `outcome`.
pub fn apply(order: &mut Order, action: &Action, outcome: &Outcome) {
    match (action, outcome) {
        (Action::CreatePrebook(create), Outcome::Strayed(created, items)) => {
            strayed(order, create, created, items);
        }
        (Action::CreatePrebook(create), Outcome::PrebookCreated(created)) => {
            prebook_created(order, create, created);
        }
        (Action::DeleteItem(delete), Outcome::Deleted) => item_deleted(order, delete),
        (Action::CreatePo(new), Outcome::PoCreated(created)) => po_created(order, new, created),
        (Action::DeletePoLine(delete), Outcome::Deleted) => po_line_deleted(order, delete),
        (Action::Ship(ship), Outcome::Shipped(shipped)) => boxes_shipped(order, ship, shipped),
        (Action::ChangeCode(change), Outcome::CodeChanged) => code_changed(order, change),
        (Action::PutOrder(put), Outcome::Order(answer)) => order_put(order, put, answer),
        (Action::CancelOrder(_), Outcome::Order(answer)) => order_cancelled(order, answer),
        (Action::PutPurchaseOrder(put), Outcome::Order(answer)) => {
            order.agreed.po_info =
                Some(AgreedPoInfo { sent: put.info.clone(), seen: answer.purchase_order.clone() });
            show(order, answer);
        }
        (action, outcome) => debug_assert!(false, "{} cannot end in {outcome:?}", action.method()),
    }
    if !order.agreed.rejections.is_empty() {
        order.agreed.rejections.remove(&action.key());
    }
}

fn show(order: &mut Order, answer: &AxOrder) {
    order.ax_id = Some(answer.id.clone());
    order.axerrio.order = Some(answer.clone());
}

fn prebook_created(order: &mut Order, create: &CreatePrebook, created: &CreatedPrebook) {
    let items = created.items.clone().unwrap_or_default();
    if create.expect.as_ref().is_some_and(|expected| *expected != created.id) {
        let items: Vec<_> = items.into_iter().map(Some).collect();
        strayed(order, create, created, &items);
        return;
    }
    prebook_named(order, create, created);
    for ((line, terms), item) in create.lines.iter().zip(items) {
        // What was asked for is the baseline, also where a read-back has shown the item already: somebody may have
        // changed it since.
        let asked = create.new.items.iter().find(|item| item.line == *line);
        let link = ItemLink {
            fresh: true,
            products: asked.map(products_of).unwrap_or_default(),
            box_type: asked.and_then(|item| item.goods.box_type.id()),
            joined: create.new.use_existing,
            ..ItemLink::new(created.id.clone(), item)
        };
        order
            .agreed
            .lines
            .insert(line.clone(), AgreedLine { terms: terms.clone(), item: Some(link), po_lines: Vec::new() });
        // What was left as it was approved is there no more: if Axerrio says the same again, it is a new question.
        let is_over = |decision: &Decision| {
            decision.reason == HoldReason::ChangedAfterApproval
                && decision.line.as_ref() == Some(line)
                && decision.verdict != Verdict::TakeAxerrio
        };
        order.agreed.decisions.retain(|decision| !is_over(decision));
    }
}

/// Komet found another Prebook: its lines are not the order's (clarification 2).
fn strayed(order: &mut Order, create: &CreatePrebook, created: &CreatedPrebook, items: &[Option<ItemId>]) {
    order.agreed.avoid_existing = true;
    let items = items.iter().cloned().chain(std::iter::repeat(None));
    order.agreed.strays.extend(create.lines.iter().zip(items).map(|((line, _), item)| Stray {
        prebook: created.id.clone(),
        item,
        line: line.clone(),
    }));
}

/// Komet named the Prebook in which the lines are: it is the order's from then on, whatever becomes of its comments.
pub(super) fn prebook_named(order: &mut Order, create: &CreatePrebook, created: &CreatedPrebook) {
    if create.expect.as_ref().is_some_and(|expected| *expected != created.id) {
        return;
    }
    order.agreed.avoid_existing = false;
    order
        .agreed
        .prebooks
        .entry(created.id.clone())
        .or_insert_with(|| AgreedPrebook {
            mapped_customer: create.new.customer.id(),
            mapped_carrier: create.new.carrier.as_ref().and_then(KometRef::id),
            ..AgreedPrebook::new(created.number.clone(), None, None)
        })
        .sent = Some(create.header.clone());
}

/// The Komet ids by which an item's products were asked for, part by part; nothing where all went by their description.
fn products_of(item: &NewPrebookItem) -> Vec<Option<i64>> {
    let ids: Vec<Option<i64>> = if item.goods.mix.is_empty() {
        vec![item.product.id()]
    } else {
        item.goods.mix.iter().map(|part| part.product.id()).collect()
    };
    if ids.iter().any(Option::is_some) { ids } else { Vec::new() }
}

fn item_deleted(order: &mut Order, delete: &super::action::DeleteItem) {
    for item in order.komet.prebooks.iter_mut().flat_map(|p| &mut p.items).filter(|i| i.id == delete.item) {
        item.terms.boxes = 0;
    }
    for link in order.agreed.lines.values_mut().filter_map(|l| l.item.as_mut()).filter(|l| l.item == delete.item) {
        link.dead = true;
    }
    let strays = order.agreed.strays.len();
    order.agreed.strays.retain(|s| s.item.as_ref() != Some(&delete.item));
    let was_stray = strays != order.agreed.strays.len();
    if delete.line.is_none() && !was_stray {
        let of_it = order.komet.prebooks.iter().find(|p| p.id == delete.prebook);
        if let Some(gone) = of_it.filter(|p| !p.items.iter().any(|i| i.terms.boxes > 0)) {
            // What one request did after all, no other can have done.
            let given_up = &mut order.agreed.given_up;
            let its_own = given_up.iter().position(|create| create.truck_date == gone.header.truck_date);
            its_own.map(|at| given_up.remove(at));
        }
    }
}

fn po_created(order: &mut Order, new: &crate::domain::NewPurchaseOrder, created: &CreatedPo) {
    order.agreed.po = Some(created.number.clone());
    let bought_as = |item: &ItemId| {
        let items = order.komet.prebooks.iter().flat_map(|prebook| &prebook.items);
        let item = items.filter(|_| order.flow == Flow::FromKomet).find(|shown| shown.id == *item);
        item.map(|item| item.terms.clone())
    };
    // In flow 2 a buyer may ship the PO on another day than the order's, and has it buy what made way there.
    let bought_for = if order.flow == Flow::FromKomet { order.ship_date } else { new.ship_date };
    for (line, id) in new.lines.iter().zip(created.lines.iter().flatten()) {
        let Some(agreed) = order.agreed.lines.get_mut(&line.line) else { continue };
        // A read-back may have recognised the line already; what a buyer changed before that is no baseline.
        let seen = agreed.po_lines.iter().find(|link| link.line == *id).and_then(|link| link.seen.clone());
        let seen = seen.filter(|terms| plan::goods_differences(&line.goods, terms).is_empty());
        agreed.po_lines.retain(|link| !link.dead && link.line != *id);
        agreed.po_lines.push(PoLink {
            asked: Some(line.wanted.as_ref().unwrap_or(&line.goods).clone()),
            ship_date: Some(bought_for),
            bought_as: bought_as(&line.item),
            seen,
            ..PoLink::new(created.number.clone(), id.clone(), line.item.clone())
        });
    }
}

fn po_line_deleted(order: &mut Order, delete: &super::action::DeletePoLine) {
    let lines = order.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines);
    for line in lines.filter(|l| l.id == delete.po_item) {
        line.terms.boxes = 0;
    }
    let links = order.agreed.lines.values_mut().flat_map(|l| &mut l.po_lines);
    for link in links.filter(|l| l.line == delete.po_item) {
        link.dead = true;
        // A list that lags shows it for a while: nobody put it back.
        link.replaced = false;
    }
}

fn boxes_shipped(order: &mut Order, ship: &super::action::ShipBoxes, shipped: &Shipped) {
    let sent = &ship.shipment;
    let codes = if shipped.codes.len() == sent.codes.len() { &shipped.codes } else { &sent.codes };
    for (code, box_number) in codes.iter().zip(&ship.box_numbers) {
        order.agreed.boxes.insert(code.clone(), agreed_box(ship, *box_number));
    }
    let Some(po) = order.komet.purchase_orders.iter_mut().find(|p| p.lines.iter().any(|l| l.id == sent.po_item))
    else {
        return;
    };
    let Some(line) = po.lines.iter_mut().find(|l| l.id == sent.po_item) else { return };
    let bought = line.terms.boxes;
    line.boxes.extend(codes.iter().map(|code| PoBox {
        code: code.clone(),
        lot_number: sent.lot_number.clone(),
        status: None,
    }));
    let Some(rest) = &shipped.rest else { return };
    let here = u32::try_from(line.boxes.len()).unwrap_or(u32::MAX);
    line.terms.boxes = here.min(bought);
    let mut terms = line.terms.clone();
    terms.boxes = bought.saturating_sub(here);
    let item = line.item_id.clone();
    let number = po.number.clone();
    let first = line.terms.clone();
    if terms.boxes > 0 {
        po.lines.push(PoLine { id: rest.clone(), item_id: item.clone(), terms: terms.clone(), boxes: Vec::new() });
    }
    let Some(agreed) = order.agreed.lines.get_mut(&ship.line) else { return };
    for link in agreed.po_lines.iter_mut().filter(|l| l.line == sent.po_item) {
        link.seen = Some(first.clone());
    }
    if let (Some(item), true) = (item, terms.boxes > 0) {
        agreed.po_lines.push(PoLink { seen: Some(terms), ..PoLink::new(number, rest.clone(), item) });
    }
}

/// A box as it was sent: its label may have changed since.
fn agreed_box(ship: &super::action::ShipBoxes, box_number: u32) -> AgreedBox {
    let sent = &ship.shipment;
    AgreedBox {
        line: ship.line.clone(),
        box_number,
        awb: Some(sent.awb.clone()),
        house_awb: sent.house_awb.clone(),
        lot_number: sent.lot_number.clone(),
    }
}

/// A shipment that a read-back found in Komet's view: what of it is there is agreed as it was sent.
pub(super) fn shipment_found(order: &mut Order, ship: &super::action::ShipBoxes) {
    let boxes = order.komet.purchase_orders.iter().flat_map(|po| &po.lines).flat_map(|line| &line.boxes);
    let shown: BTreeSet<&str> = boxes.map(|shown| shown.code.as_str()).collect();
    for (code, box_number) in ship.shipment.codes.iter().zip(&ship.box_numbers) {
        if shown.contains(code.as_str()) {
            order.agreed.boxes.insert(code.clone(), agreed_box(ship, *box_number));
        }
    }
}

fn code_changed(order: &mut Order, change: &super::action::ChangeCode) {
    let boxes = order.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines).flat_map(|l| &mut l.boxes);
    for shown in boxes.filter(|b| b.code == change.change.current) {
        shown.code.clone_from(&change.change.new);
    }
    let known = order.agreed.boxes.remove(&change.change.current);
    // It may have had the new code before, until somebody gave it another by hand.
    let known = known.or_else(|| order.agreed.boxes.remove(&change.change.new));
    let agreed = known.unwrap_or_else(|| AgreedBox::shipped_by_komet(change.line.clone(), change.box_number));
    order.agreed.boxes.insert(change.change.new.clone(), AgreedBox { box_number: change.box_number, ..agreed });
}

fn order_put(order: &mut Order, put: &super::action::PutOrder, answer: &AxOrder) {
    let (mut sent, mut seen) = (put.wanted.clone(), super::plan::shown(answer));
    if let Some(before) = &order.agreed.input {
        // What is kept as Axerrio has it stays a question, or a decision, about the former baseline; what Komet says of it by now
        // has not been sent.
        for line in &put.keeps {
            super::plan::take_over(&mut sent, &before.sent, line.as_ref());
            super::plan::take_over(&mut seen, &before.seen, line.as_ref());
        }
    }
    order.agreed.input = Some(AgreedInput { sent, seen });
    show(order, answer);
}

/// An order that a read-back found, changed since: what was put is what Axerrio showed first, as far as anybody knows.
pub(super) fn put_found(order: &mut Order, put: &super::action::PutOrder, answer: &AxOrder) {
    order.agreed.input = Some(AgreedInput { sent: put.wanted.clone(), seen: put.input.clone() });
    show(order, answer);
}

/// Agreed is an order without lines: if its Prebook comes back to life, that is a change like any other.
fn order_cancelled(order: &mut Order, answer: &AxOrder) {
    if let Some(input) = &mut order.agreed.input {
        input.sent.lines.clear();
        input.seen = super::plan::shown(answer);
    }
    show(order, answer);
}

/// What a dry run assumes: success, with ids that no system gives. `serial` keeps them apart.
pub fn assume(order: &Order, action: &Action, serial: i64) -> Option<Outcome> {
    Some(match action {
        Action::CreatePrebook(create) => {
            let id = create.expect.clone().unwrap_or(PrebookId(-serial));
            let items = (0..create.lines.len()).map(|i| ItemId(-(serial * 10_000) - index(i))).collect();
            Outcome::PrebookCreated(CreatedPrebook {
                number: PrebookNumber("(new)".into()),
                id,
                items: Some(items),
            })
        }
        Action::CreatePo(new) => Outcome::PoCreated(CreatedPo {
            number: new.number.clone().unwrap_or_else(|| PoNumber("(new)".into())),
            lines: Some((0..new.lines.len()).map(|i| PoItemId(-(serial * 10_000) - index(i))).collect()),
        }),
        Action::DeleteItem(_) | Action::DeletePoLine(_) => Outcome::Deleted,
        Action::Ship(ship) => {
            let line = order.komet.purchase_orders.iter().flat_map(|p| &p.lines);
            let bought =
                line.filter(|l| l.id == ship.shipment.po_item).map(|l| l.terms.boxes as usize).sum::<usize>();
            Outcome::Shipped(Shipped {
                po_item: ship.shipment.po_item.clone(),
                result: Ok(()),
                codes: ship.shipment.codes.clone(),
                rest: (bought > ship.shipment.codes.len()).then_some(PoItemId(-serial)),
            })
        }
        Action::ChangeCode(_) => Outcome::CodeChanged,
        Action::PutPurchaseOrder(put) => {
            let mut answer = order.axerrio.order.clone()?;
            answer.purchase_order = Some(put.info.clone());
            Outcome::Order(Box::new(answer))
        }
        // What the vendor will say to it cannot be assumed: a dry run ends here.
        Action::PutOrder(_) | Action::CancelOrder(_) => return None,
    })
}

fn index(i: usize) -> i64 {
    i64::try_from(i).unwrap_or(i64::MAX)
}
