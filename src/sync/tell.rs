//! What is told of a push: to the report, to the order's story, and in numbers that people know.

use super::action::{Action, CreatePrebook};
use super::apply::Outcome;
use super::report::{ActionReport, ActionResult};
use super::state::RunState;
use crate::domain::{CreatedPrebook, Order};
use crate::store::events::Event;

pub(super) fn event(
    state: &RunState,
    order: &Order,
    action: &Action,
    at: chrono::DateTime<chrono::Utc>,
    result: ActionResult,
    detail: &str,
) -> Event {
    Event {
        order: Some(order.key),
        run: Some(state.run.clone()),
        at,
        system: Some(action.system()),
        what: action.method().to_owned(),
        detail: detail.to_owned(),
        result: Some(result),
    }
}

pub(super) fn report(order: &Order, action: &Action, result: ActionResult, detail: String) -> ActionReport {
    ActionReport {
        order: Some(order.name().to_owned()),
        system: action.system(),
        method: action.method().to_owned(),
        result,
        detail,
    }
}

/// What was done, with the numbers that people know it by.
pub(super) fn done(action: &Action, outcome: &Outcome) -> String {
    match (action, outcome) {
        (Action::CreatePrebook(_), Outcome::Strayed(created, items)) => {
            strayed(created, items.iter().all(Option::is_some))
        }
        (Action::CreatePrebook(CreatePrebook { expect, .. }), Outcome::PrebookCreated(created)) => {
            if expect.as_ref().is_some_and(|expected| *expected != created.id) {
                strayed(created, true)
            } else {
                format!("prebook {}", created.number)
            }
        }
        (Action::CreatePo(_), Outcome::PoCreated(created)) => format!("PO {}", created.number),
        (Action::PutOrder(put), Outcome::Order(order)) => format!("{} is {}", put.reference, order.id),
        _ => action.detail(),
    }
}

fn strayed(created: &CreatedPrebook, are_known: bool) -> String {
    let then = if are_known { "the line is taken out again" } else { "no list shows the line there" };
    format!("prebook {} was answered, which is not the one that was meant; {then}", created.number)
}

/// The first names of a list that may be long.
pub(crate) fn some(names: &[String]) -> String {
    const TOLD: usize = 10;
    let told = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}
