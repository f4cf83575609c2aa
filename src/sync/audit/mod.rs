//! The audit behind `stemsync verify`: reads both systems in full over the horizon and compares them field by field. It
//! works on a private copy of the database and writes to neither system, so it changes nothing but the count of
//! Komet's requests. [`read`] fetches everything, [`flow1`] and [`flow2`] compare an order with its Prebook in the two
//! directions, [`purchase`] the PO with what Axerrio knows of it, [`boxes`] labels with boxes.
//!
//! The comparison is made directly, value against value. Only what a system may rightly show in its own way (a code
//! for an id, a ship date that Komet ignores, what Axerrio normalised) is judged against what it showed when it was
//! last agreed. Notes, comments, names and sales prices are not compared. What the planner would still do is a
//! difference too, so that an audit without differences also says that nothing is outstanding.

mod boxes;
mod findings;
mod flow1;
mod flow2;
mod purchase;
mod read;
mod values;

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::action::Action;
use super::engine::{Engine, Settings};
use super::plan::{Facts, Made, Plan, Rules, plan, same_input, shown, sight};
use super::poll::PollError;
use crate::domain::{Flow, ItemId, Maps, Order, PoItemId};
use crate::systems::{Axerrio, Komet};
use findings::Findings;

/// Why an audit could not be made.
pub type AuditError = PollError;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Orders compared.
    pub checked: u64,
    /// Where the systems differ.
    pub differences: Vec<Difference>,
    /// Where they differ because a person said so.
    pub agreed_to_differ: Vec<Difference>,
}

/// One thing on which the systems do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What people call the order; `None` for a record that could not be read.
    pub order: Option<String>,
    /// The order's line; `None` for the order as a whole.
    pub line: Option<String>,
    /// What differs, in `snake_case`; `order`, `line`, `item`, `po` and `po_line` speak of existence.
    pub field: &'static str,
    /// What Axerrio shows; `None`: no value.
    pub axerrio: Option<String>,
    /// What Komet shows; `None`: no value.
    pub komet: Option<String>,
}

/// An audit makes nothing.
static NONE_MADE: Made = Made { items: BTreeSet::new(), po_lines: BTreeSet::new() };

/// What every comparison needs to know.
struct Context<'a> {
    settings: &'a Settings,
    rules: Rules<'a>,
    /// Komet's box types: id to code.
    box_types: &'a HashMap<i64, String>,
    /// Which readings are whole: nothing is concluded from what an incomplete one lacks.
    whole: read::Whole,
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Reads both systems in full over the horizon and compares them.
    ///
    /// Guarantees: sends no write, and changes nothing in the database but the count of Komet's requests. Caveat: what
    /// a run pushes in the meantime may look like a difference, so the caller holds the run lock.
    ///
    /// # Errors
    /// If a system cannot be read or the database fails: half an audit would be taken for a whole one.
    pub async fn audit(&self) -> Result<AuditReport, AuditError> {
        self.count_requests();
        // Large, and rare enough for the heap.
        let report = self.on_a_copy(async |reader| Box::pin(reader.compare_all()).await).await?;
        report.map_err(|error| match error {
            AuditError::Store(error) => error.of_original(self.store.path()).into(),
            error @ AuditError::System(_) => error,
        })
    }

    /// Reads everything, then compares order by order. As [`Engine::audit`], but what is read stays in the database:
    /// for a caller who throws that away.
    pub async fn compare_all(&self) -> Result<AuditReport, AuditError> {
        let readings = self.read_all().await?;
        let context = Context {
            settings: &self.settings,
            rules: self.audit_rules(&readings.maps, &readings.carriers, &readings.facts),
            box_types: &readings.box_types,
            whole: readings.whole,
        };
        let mut report = AuditReport { differences: readings.unreadable.clone(), ..AuditReport::default() };
        for key in readings.keys.iter().copied() {
            let order = self.store.read(move |conn| crate::store::orders::load(conn, key)).await?;
            let Some(order) = order else { continue };
            if !is_anything(&order) {
                continue;
            }
            report.checked += 1;
            let found = compare(&order, &context);
            report.differences.extend(found.differences);
            report.agreed_to_differ.extend(found.agreed);
        }
        Ok(report)
    }

    /// The planner's rules, as a run that had just read everything would have them.
    fn audit_rules<'a>(
        &'a self,
        maps: &'a Maps,
        carriers: &'a HashMap<i64, String>,
        facts: &'a Facts,
    ) -> Rules<'a> {
        Rules {
            on_conflict: self.settings.on_conflict,
            create_po: self.settings.create_po,
            location_code: self.settings.location_code.as_deref(),
            maps,
            carriers,
            visible_from: self.visible_from(),
            facts,
            made: &NONE_MADE,
            may_cancel: true,
        }
    }
}

/// Compares what is on file of one order, as an audit does once it has read it anew. What stemsync made and has not read
/// back yet is no difference. Pure.
#[allow(clippy::implicit_hasher, reason = "the maps of this program all hash alike")]
pub fn compare_views(
    order: &Order,
    settings: &Settings,
    rules: &Rules<'_>,
    box_types: &HashMap<i64, String>,
) -> AuditReport {
    if !is_anything(order) {
        return AuditReport::default();
    }
    let (items, bought) = unread(order);
    let whole = read::Whole { orders: true, labels: true, prebooks: !items, purchase_orders: !(items || bought) };
    let found = compare(order, &Context { settings, rules: *rules, box_types, whole });
    AuditReport { checked: 1, differences: found.differences, agreed_to_differ: found.agreed }
}

/// Whether stemsync made Prebook items, or PO lines, that Komet has not shown since.
fn unread(order: &Order) -> (bool, bool) {
    let lines = order.agreed.lines.values();
    let items = lines.clone().filter_map(|line| line.item.as_ref());
    let shown = |id: &ItemId| order.komet.prebooks.iter().flat_map(|p| &p.items).any(|item| item.id == *id);
    let bought = lines.flat_map(|line| &line.po_lines);
    let bought_shown =
        |id: &PoItemId| order.komet.purchase_orders.iter().flat_map(|po| &po.lines).any(|line| line.id == *id);
    (
        items.clone().any(|link| !link.dead && !link.gone && link.seen.is_none() && !shown(&link.item)),
        bought.clone().any(|link| !link.dead && !link.gone && link.seen.is_none() && !bought_shown(&link.line)),
    )
}

/// Whether either system shows anything of the order.
fn is_anything(order: &Order) -> bool {
    order.axerrio.order.is_some() || !order.komet.prebooks.is_empty() || !order.komet.purchase_orders.is_empty()
}

/// Compares one order.
fn compare<'a>(order: &'a Order, context: &Context<'_>) -> Findings<'a> {
    let planned = plan(order, &context.rules);
    let sight = sight(order, &context.rules);
    let mut found = Findings::new(order, &planned.answered);
    match order.flow {
        Flow::FromAxerrio => flow1::compare(&mut found, &sight, context),
        Flow::FromKomet => flow2::compare(&mut found, &sight, context),
    }
    purchase::compare_told(&mut found, &sight, context);
    boxes::compare(&mut found, &sight, context);
    outstanding(&mut found, &planned, context);
    found
}

/// What the planner would still do, where the comparison has not named it: nothing outstanding goes unreported.
fn outstanding(found: &mut Findings<'_>, planned: &Plan, context: &Context<'_>) {
    if !found.is_empty() || !context.whole.is_whole() {
        return;
    }
    let axerrio = found.order.axerrio.order.as_ref();
    let named = planned.actions.iter().find(|action| match action {
        // Comments and notes travel, but are not compared.
        Action::PutOrder(put) => !axerrio.is_some_and(|order| same_input(&put.input, &shown(order))),
        Action::CancelOrder(_) => !axerrio.is_some_and(|order| order.status.is_off()),
        _ => true,
    });
    if let Some(action) = named {
        let line = action.lines().first().cloned();
        let what = format!("{} {}", action.method(), action.detail());
        match action.system() {
            crate::systems::System::Axerrio => found.differ(line.as_ref(), "outstanding", Some(what), None),
            crate::systems::System::Komet => found.differ(line.as_ref(), "outstanding", None, Some(what)),
        }
    }
}
