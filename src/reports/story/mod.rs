//! The whole story of one order, found by whatever name a person has for it: both sides' views, the boxes, what happened
//! and what waits, in the shape that `trace --format json` has. The field names are part of the outside of the program.
//! `lines`, `axerrio`, `komet`: the two sides. `boxes`: their labels on both.

mod axerrio;
mod boxes;
mod komet;
mod lines;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::choices::means;
use super::holds::HoldReport;
use super::words::reason;
use crate::domain::{Flow, Order, OrderKey, PoStatus, Stage, UnitType, Zone};
use crate::store::events::{self, Event};
use crate::store::intents::{self, Intent};
use crate::store::{Connection, StoreError, holds, orders};
use crate::sync::action::Action;
use crate::sync::report::ActionResult;
use crate::systems::System;

pub use axerrio::{AxerrioSide, ToldPo};
pub use boxes::{BoxStory, boxes};
pub use komet::{KometSide, PoStory, PrebookStory};
pub use lines::{LineStory, PartStory};

/// Where a reference is searched.
pub const SEARCHED: [&str; 5] =
    ["order ids in Axerrio", "external references", "Prebook numbers", "PO numbers", "box codes"];

/// What an event of a new hold is called.
const HELD: &str = "held";

/// One order's story.
#[derive(Debug, Serialize)]
pub struct Story {
    /// What people call it.
    pub order: String,
    /// 1 or 2.
    pub flow: u8,
    /// How far it has come.
    pub stage: Stage,
    /// `null` while Axerrio showed nothing of it.
    pub axerrio: Option<AxerrioSide>,
    /// `null` while Komet showed nothing of it.
    pub komet: Option<KometSide>,
    /// Its boxes.
    pub boxes: Vec<BoxStory>,
    /// What happened, the first thing first.
    pub events: Vec<EventStory>,
    /// What waits for a person.
    #[serde(skip)]
    pub waits: Vec<HoldReport>,
    /// In which people read its times.
    #[serde(skip)]
    pub zone: Zone,
}

/// The stories of the orders that a person may mean.
pub fn find(conn: &Connection, reference: &str, zone: Zone) -> Result<Vec<Story>, StoreError> {
    let mut found = Vec::new();
    for key in orders::find(conn, reference)? {
        if let Some(order) = orders::load(conn, key)? {
            found.push(Story::of(conn, &order, zone)?);
        }
    }
    Ok(found)
}

impl Story {
    /// The story of an order.
    pub fn of(conn: &Connection, order: &Order, zone: Zone) -> Result<Self, StoreError> {
        let waits = holds::list_of_order(conn, order.key)?;
        let mut events: Vec<_> = events::for_order(conn, order.key)?.into_iter().map(EventStory::from).collect();
        let open = intents::list(conn)?.into_iter().filter(|intent| intent.sent.orders.contains(&order.key));
        for intent in open {
            let is_told = |told: &EventStory| told.what == intent.sent.method && told.at >= intent.sent.sent_at;
            if !events.iter().any(is_told) {
                events.push(EventStory::open(&intent, order)?);
            }
        }
        Ok(Self {
            order: order.name().to_owned(),
            flow: order.flow.number(),
            stage: order.stage,
            axerrio: order.axerrio.order.as_ref().map(AxerrioSide::of),
            komet: KometSide::of(order),
            boxes: boxes(order),
            events,
            waits: waits.into_iter().map(HoldReport::from).collect(),
            zone,
        })
    }

    /// Where it was born, in words.
    pub fn born(&self) -> &'static str {
        if self.flow == Flow::FromAxerrio.number() { "ordered in Axerrio" } else { "prebooked in Komet" }
    }
}

/// How far an order has come, in words.
pub fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Placed => "not in the other system yet",
        Stage::Prebooked => "it has a Prebook and no PO yet",
        Stage::PoPending => "its PO waits for procurement",
        Stage::PoApproved => "its PO is approved, not all labelled",
        Stage::Labelled => "every box has its label and AWB in Komet",
        Stage::Received => "every box was received",
        Stage::Cancelled => "called off",
    }
}

/// A PO's state in words.
pub fn po_words(status: PoStatus) -> &'static str {
    match status {
        PoStatus::Pending => "waits for procurement",
        PoStatus::Approved => "approved",
        PoStatus::Confirmed => "confirmed by the farm",
        PoStatus::Cancelled => "cancelled",
    }
}

/// What a cost is per.
pub fn unit_words(unit: UnitType) -> &'static str {
    match unit {
        UnitType::Stem => "stem",
        UnitType::Bunch => "bunch",
    }
}

/// Something that happened.
#[derive(Debug, Serialize)]
pub struct EventStory {
    /// When.
    pub at: DateTime<Utc>,
    /// `null` for stemsync itself.
    pub system: Option<System>,
    /// What: Komet's method, Axerrio's call, or a few words.
    pub what: String,
    /// More of it.
    pub detail: String,
    /// A push that was tried and not done, or not known to be done: its detail is what the system said.
    #[serde(skip)]
    pub failed: bool,
    /// Something that began to wait for a person.
    #[serde(skip)]
    pub held: bool,
}

impl EventStory {
    /// A request that was begun and whose end is on no record: the program was stopped at it, or is at it right now.
    fn open(intent: &Intent, order: &Order) -> Result<Self, StoreError> {
        let actions: Vec<(OrderKey, Action)> = intent.action()?;
        let own = actions.iter().filter(|(key, _)| *key == order.key).map(|(_, action)| action.detail());
        Ok(Self {
            at: intent.sent.sent_at,
            system: Some(intent.sent.system),
            what: intent.sent.method.clone(),
            detail: format!(
                "{}: sent, and no answer is on record; a run reads back whether it was done before anything more is sent",
                own.collect::<Vec<_>>().join(", ")
            ),
            failed: false,
            held: false,
        })
    }
}

impl From<Event> for EventStory {
    fn from(event: Event) -> Self {
        let mut detail = holds::decision(&event).map_or_else(|| event.detail.clone(), |told| in_words(&told));
        let failed = event.result == Some(ActionResult::Failed);
        // Nothing is sent where something begins to wait: there is no result to know it by.
        let held = event.what == HELD;
        if let Some(result) = event.result.filter(|result| *result != ActionResult::Done) {
            let space = if detail.is_empty() { "" } else { " " };
            detail = format!("{detail}{space}({})", result.name());
        }
        Self { at: event.at, system: event.system, what: event.what, detail, failed, held }
    }
}

/// What was decided about a hold, and what that means.
fn in_words(told: &holds::Told<'_>) -> String {
    let line = told.line.map(|line| format!(", line {line}")).unwrap_or_default();
    format!("{}{line} (hold {}). {}", reason(told.reason), told.hold, means(told.reason, told.verdict))
}
