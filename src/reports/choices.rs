//! What each choice about a hold will do on each system, told before it is made. It is no second set of rules: the planner
//! itself plans the order as if the choice had been made, with every request succeeding, and what it would send then and
//! would not send otherwise is what the choice does. [`happened`] and [`means`] put the rest into words, a sentence for
//! each reason.

use std::collections::BTreeSet;

use super::braked;
use super::ground::{Ground, everything_read, nothing_read_since};
use crate::domain::{Decision, HoldReason, KometRef, LineId, NewGoods, Order, OrderKey, PrebookId, Verdict};
use crate::store::holds::HoldRow;
use crate::store::{Connection, StoreError, orders};
use crate::sync::action::Action;
use crate::sync::apply::{apply, assume};
use crate::sync::plan::{Rules, plan};
use crate::systems::System;

/// Steps after which an order is looked at no further; a change of every line of a large order takes fewer.
const STEPS: usize = 400;

/// What one choice does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is chosen.
    pub verdict: Verdict,
    /// What it means, in a sentence.
    pub means: &'static str,
    /// What is written to Axerrio, in order.
    pub axerrio: Vec<String>,
    /// What is written to Komet, in order.
    pub komet: Vec<String>,
    /// What must be read, or answered by the vendor, before the rest is known.
    pub waits_for: Option<&'static str>,
}

/// The choices about a hold that a person is offered, the one that leaves things as they are last: both sides where the
/// question is which one is right, and otherwise those that do something else than a dismissal.
pub fn offered(conn: &Connection, ground: &Ground, hold: &HoldRow) -> Result<Vec<Choice>, StoreError> {
    let mut offered = all(conn, ground, hold)?;
    let Some(dismissed) = offered.pop() else { return Ok(offered) };
    let writes = |choice: &Choice| (choice.axerrio.clone(), choice.komet.clone(), choice.waits_for);
    offered.retain(|choice| is_asked(hold) || writes(choice) != writes(&dismissed));
    offered.push(dismissed);
    Ok(offered)
}

/// Every choice there is about a hold, offered or not; the dismissal last.
pub fn all(conn: &Connection, ground: &Ground, hold: &HoldRow) -> Result<Vec<Choice>, StoreError> {
    let Some(key) = hold.order_key else { return braked::all(conn, ground, hold) };
    let order = orders::load(conn, key)?;
    let choice = |verdict| match &order {
        Some(order) => foresee(order, hold, verdict, ground),
        None => Choice::without_writes(hold.reason, verdict),
    };
    Ok([Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed].map(choice).to_vec())
}

/// The orders that a hold stops, by what people call them.
pub fn stopped(conn: &Connection, hold: &HoldRow) -> Result<Vec<(OrderKey, String)>, StoreError> {
    let mut named = Vec::new();
    for key in hold.order_key.iter().chain(&hold.covers) {
        if let Some(order) = orders::identity(conn, *key)? {
            let name = order.ax_id.map(|id| id.0).or(order.reference.map(|r| r.0));
            named.push((*key, name.unwrap_or_else(|| "?".to_owned())));
        }
    }
    Ok(named)
}

/// Whether both sides may be taken, also where neither writes anything.
fn is_asked(hold: &HoldRow) -> bool {
    hold.reason.has_sides(&hold.cause)
        && matches!(
            hold.reason,
            HoldReason::EditedInKomet
                | HoldReason::EditedInAxerrio
                | HoldReason::ChangedAfterApproval
                | HoldReason::TooManyCancellations
        )
}

impl Choice {
    pub(super) fn without_writes(reason: HoldReason, verdict: Verdict) -> Self {
        let means = means(reason, verdict);
        Self { verdict, means, axerrio: Vec::new(), komet: Vec::new(), waits_for: None }
    }

    pub(super) fn add(&mut self, system: System, step: String) {
        match system {
            System::Axerrio => self.axerrio.push(step),
            System::Komet => self.komet.push(step),
        }
    }
}

/// What the planner would send after `verdict` and would not send before it.
fn foresee(order: &Order, hold: &HoldRow, verdict: Verdict, ground: &Ground) -> Choice {
    let mut decided = order.clone();
    let HoldRow { reason, line, cause, .. } = hold;
    decided.agreed.decisions.retain(|old| (old.reason, &old.line, &old.cause) != (*reason, line, cause));
    let decision = Decision::new(*reason, line.clone(), cause.clone(), verdict);
    decided.agreed.decisions.push(decision);
    let before = chain(order.clone(), ground, true);
    let Foreseen { sent, waits_for } = before.news(order, chain(decided, ground, true));
    let mut choice = Choice::without_writes(*reason, verdict);
    choice.waits_for = waits_for;
    for action in &sent {
        choice.add(action.system(), told(order, action));
    }
    choice
}

/// What would be sent for an order, in order.
pub(super) struct Foreseen {
    pub(super) sent: Vec<Action>,
    /// Why it may not be all.
    pub(super) waits_for: Option<&'static str>,
}

impl Foreseen {
    /// What is sent `after` a decision, and would not be sent without it.
    pub(super) fn news(&self, order: &Order, after: Self) -> Self {
        // By their words: the ids of what does not exist yet differ with the number of steps.
        let words = |action: &Action| (action.system(), told(order, action));
        let mut anyway: Vec<_> = self.sent.iter().map(words).collect();
        let Self { mut sent, mut waits_for } = after;
        sent.retain(|action| {
            let step = words(action);
            let place = anyway.iter().position(|other| *other == step);
            place.map(|place| anyway.swap_remove(place)).is_none()
        });
        let changes_po = |action: &Action| matches!(action, Action::CreatePo(_) | Action::DeletePoLine(_));
        if waits_for.is_none() && order.agreed.po_info.is_some() && sent.iter().any(changes_po) {
            waits_for = Some("Axerrio then learns of the PO as Komet shows it.");
        }
        Self { sent, waits_for }
    }
}

/// Everything that would be sent for an order, each step as if the one before had succeeded. `may_cancel`: the brake lets it be
/// cancelled.
pub(super) fn chain(mut order: Order, ground: &Ground, may_cancel: bool) -> Foreseen {
    let facts = everything_read(&order);
    let mut made = nothing_read_since(&order);
    let mut sent: Vec<Action> = Vec::new();
    let mut keys = BTreeSet::new();
    for serial in 1..=STEPS {
        let planned = plan(&order, &Rules { may_cancel, ..ground.rules(&facts, &made) });
        order.agreed = planned.agreed;
        let Some(action) = planned.actions.into_iter().find(|action| keys.insert(action.key())) else {
            let waits_for =
                (!planned.needs.is_empty()).then_some("Komet is read again first; what it shows may change this.");
            return Foreseen { sent, waits_for };
        };
        let outcome = assume(&order, &action, i64::try_from(serial).unwrap_or(i64::MAX));
        sent.push(action.clone());
        match outcome {
            Some(outcome) => {
                apply(&mut order, &action, &outcome);
                outcome.note(&mut made);
            }
            None => return Foreseen { sent, waits_for: Some("What follows depends on the vendor's answer.") },
        }
    }
    Foreseen { sent, waits_for: None }
}

/// An action in the trade's words. Never a price, a customer or an address.
pub(super) fn told(order: &Order, action: &Action) -> String {
    match action {
        Action::CreatePrebook(create) => {
            let goods = create.new.items.iter().map(|item| goods(&item.goods, &called(order, &item.line)));
            let goods = goods.collect::<Vec<_>>().join("; ");
            match &create.expect {
                Some(prebook) => format!("Prebook {} gets {goods}", number(order, prebook)),
                None => format!("a new Prebook with {goods}"),
            }
        }
        Action::DeleteItem(delete) => {
            let line =
                delete.line.as_ref().map_or_else(|| format!("item {}", delete.item), |line| called(order, line));
            format!("{line} is taken out of Prebook {}", number(order, &delete.prebook))
        }
        Action::CreatePo(po) => {
            let goods = po.lines.iter().map(|line| goods(&line.goods, &called(order, &line.line)));
            let goods = goods.collect::<Vec<_>>().join("; ");
            match &po.number {
                Some(number) if number.0 != "(new)" => format!("PO {number} gets {goods}"),
                _ => format!("a PO that ships {} gets {goods}", po.ship_date),
            }
        }
        Action::DeletePoLine(delete) => {
            format!("{} is taken off PO {}", called(order, &delete.line), delete.number)
        }
        Action::Ship(ship) => {
            let boxes = ship.shipment.codes.len();
            let boxes = if boxes == 1 {
                "1 box gets its label".to_owned()
            } else {
                format!("{boxes} boxes get their labels")
            };
            format!("{boxes} on PO {}, AWB {}", ship.number, ship.shipment.awb)
        }
        Action::ChangeCode(change) => {
            format!("box {} becomes {} on PO {}", change.change.current, change.change.new, change.number)
        }
        Action::PutOrder(put) => {
            let lines = put.input.lines.iter().map(|line| {
                format!(
                    "{} {} of {}",
                    boxes(line.terms.boxes),
                    line.terms.box_type,
                    line.terms.product.description
                )
            });
            let lines = lines.collect::<Vec<_>>().join("; ");
            format!("the order is put again for {}: {lines}", put.input.header.ship_date)
        }
        Action::CancelOrder(_) => "the order is cancelled".to_owned(),
        Action::PutPurchaseOrder(put) => {
            let lines = put.info.lines.iter().map(|line| line.boxes).sum();
            format!(
                "the order learns of PO {} ({}), which ships {}",
                put.info.number,
                boxes(lines),
                put.info.ship_date
            )
        }
    }
}

fn boxes(boxes: u32) -> String {
    if boxes == 1 { "1 box".to_owned() } else { format!("{boxes} boxes") }
}

fn goods(goods: &NewGoods, called: &str) -> String {
    let box_type = match &goods.box_type {
        KometRef::Code { code, .. } => format!(" {code}"),
        KometRef::Id(_) | KometRef::Description(_) => String::new(),
    };
    format!("{}{box_type} of {called}", boxes(goods.boxes))
}

/// What people call a line.
fn called(order: &Order, line: &LineId) -> String {
    let asked = order.axerrio.order.iter().flat_map(|order| &order.lines).find(|it| it.id == *line);
    let agreed = order.agreed.lines.get(line).map(|agreed| &agreed.terms);
    let item = order.komet.prebooks.iter().flat_map(|p| &p.items).find(|item| item.id.to_string() == line.0);
    let terms = asked.map(|line| &line.terms).or(agreed);
    let name = terms.map(|terms| &terms.product.description).or(item.map(|item| &item.terms.product.description));
    name.map_or_else(|| format!("line {line}"), |name| format!("{name} (line {line})"))
}

/// A Prebook by the number people see.
fn number(order: &Order, prebook: &PrebookId) -> String {
    if prebook.0 < 0 {
        return "(the new one)".to_owned();
    }
    let shown = order.komet.prebooks.iter().find(|it| it.id == *prebook).map(|it| it.number.to_string());
    let agreed = order.agreed.prebooks.get(prebook).map(|it| it.number.to_string());
    shown.or(agreed).unwrap_or_else(|| format!("id {prebook}"))
}

/// What happened, in a sentence that names nobody; the hold's own detail says more.
pub fn happened(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::UnmappedProduct => {
            "Komet does not know a product of this line and shows it in red. Its labels wait, because Komet would refuse them."
        }
        HoldReason::EditedInKomet => {
            "Somebody changed or deleted in Komet what Axerrio owns until the PO is approved."
        }
        HoldReason::EditedInAxerrio => {
            "Somebody changed or cancelled in Axerrio what Komet owns, or the Prebook it was made from is gone."
        }
        HoldReason::ChangedAfterApproval => {
            "The order or its Prebook changed after procurement approved the PO, or more labels were printed than boxes bought."
        }
        HoldReason::VoidLabel => "A label was withdrawn in Axerrio after its box had shipped.",
        HoldReason::LabelChangedAfterShipping => {
            "A label's AWB or lot changed in Axerrio after its box had shipped."
        }
        HoldReason::ReservedLotNumber => "A lot number lies between 1000 and 99999, which Komet keeps for itself.",
        HoldReason::DuplicateBoxCode => {
            "Two boxes bear the same code. Komet could not tell them apart, so the second has no label there."
        }
        HoldReason::FieldTooLong => "A value is longer than Komet's field for it.",
        HoldReason::TooManyCancellations => {
            "One run would have cancelled more of the open orders than max_cancellations allows. What is left of them waits."
        }
        HoldReason::RejectedByKomet => {
            "Komet refused a request, which is tried again in each run until it passes, or what it should be sent is too late."
        }
        HoldReason::RejectedByAxerrio => {
            "Axerrio refused a request, or the vendor the order. A request is tried again in each run until it passes."
        }
    }
}

/// What a person can do in the systems themselves, so that the hold goes away by itself.
pub fn otherwise(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::UnmappedProduct => "Or map it in Komet's Prebook Summary: stemsync goes on by itself then.",
        HoldReason::EditedInKomet => "Or change it back in Komet.",
        HoldReason::EditedInAxerrio => "Or change it back in Axerrio.",
        HoldReason::ChangedAfterApproval => {
            "Or change it back in Axerrio; of labels, void the surplus there or have procurement buy more boxes."
        }
        HoldReason::VoidLabel => "Take the box out in Komet, then dismiss this.",
        HoldReason::LabelChangedAfterShipping => "Correct the AWB or lot in Komet, then dismiss this.",
        HoldReason::ReservedLotNumber => "Give the lot another number in Axerrio.",
        HoldReason::DuplicateBoxCode => {
            "Reprint one of the two labels in Axerrio; codes that Komet shows twice are put right there."
        }
        HoldReason::FieldTooLong => "Shorten it in Axerrio; a box code is reprinted.",
        HoldReason::TooManyCancellations => {
            "Find out in both systems whether they are meant before letting them through."
        }
        HoldReason::RejectedByKomet | HoldReason::RejectedByAxerrio => {
            "Mend what the refusal names, or change the order; `stemsync check` tells of missing rights."
        }
    }
}

/// What a choice means, in a sentence.
pub fn means(reason: HoldReason, verdict: Verdict) -> &'static str {
    use HoldReason as R;
    match (reason, verdict) {
        (R::EditedInKomet, Verdict::TakeAxerrio) => "Axerrio's counts: it is written to Komet again.",
        (R::EditedInKomet, Verdict::TakeKomet) => "Komet's stays as it is; the two agree to differ.",
        (R::EditedInAxerrio, Verdict::TakeAxerrio) => "Axerrio's stays as it is; the two agree to differ.",
        (R::EditedInAxerrio, Verdict::TakeKomet) => {
            "Komet's counts: the order is put to Axerrio again, or cancelled there if its Prebook is gone."
        }
        (R::ChangedAfterApproval, Verdict::TakeAxerrio) => {
            "Axerrio's change is carried out in Komet, approved or not."
        }
        (R::ChangedAfterApproval, Verdict::TakeKomet) => "What was approved stays.",
        (R::FieldTooLong, Verdict::TakeKomet) => "It is cut to what Komet's field holds. A box code is never cut.",
        (R::TooManyCancellations, Verdict::TakeAxerrio) => {
            "Orders cancelled in Axerrio are deleted in Komet by the next run, and what the vendor declined goes off its PO there; \
             those cancelled in Komet are kept."
        }
        (R::TooManyCancellations, Verdict::TakeKomet) => {
            "Orders cancelled in Komet are cancelled in Axerrio by the next run; what the vendor declined stays on its PO, and \
             those cancelled in Axerrio are kept."
        }
        (R::TooManyCancellations, Verdict::Dismissed) => "None of these orders is cancelled on the other side.",
        (R::RejectedByKomet, Verdict::TakeAxerrio) => {
            "It is not tried again until the order changes; what was taken out for it stays out, unless it can be made anew without it."
        }
        (R::RejectedByKomet | R::RejectedByAxerrio, _) => {
            "It is not tried again until the order changes; what was taken out for it stays out."
        }
        (R::UnmappedProduct, _) => "Its labels go on waiting until it is mapped, and nobody is asked again.",
        // Where only the systems' own people can change something, whichever side is named.
        _ => "Things stay as they are, and nobody is asked again.",
    }
}
