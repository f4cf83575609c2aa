//! The planner: what has to happen next for one order, derived from its three views and nothing else. Pure: no I/O,
//! no clock, no randomness. It returns the *next* actions, those whose preconditions hold in the views; the engine
//! sends one, applies the answer to the views and plans again, so that a crash between two steps is finished by
//! whoever plans next.
//!
//! Who owns a field is decided here, in the order in which a plan comes about; what an answer to the brake means is settled where it
//! is given (`store::holds::release_brake`):
//! - [`draft`] is the plan in the making, [`asking`] its questions, [`unread`] what must be read first, [`refused`] what the other
//!   side did not take. [`rules`] is what it depends on beside the views.
//! - [`links`] recognises what is already there (with [`crossed`]). [`compare`] says what counts as a difference, [`prints`] names what
//!   both sides say, [`said`] tells people what changed.
//! - [`flow1`] plans orders born in Axerrio: [`header`] with its [`header_fields`], then the [`fate`] of each line (whether it left its
//!   [`home`], [`edits`] of Komet's people, [`after_approval`]), which [`create`] makes; [`wanted`] is what a line goes by, [`strays`] are not where they were meant.
//! - [`flow2`] plans those prebooked in Komet (with [`words`], in which they are put).
//! - [`purchase`] buys for both: [`po_lines`] are what it has, [`buyers`] change them before procurement approves (against a [`wish`] of Axerrio's), [`approved`] is what
//!   that has decided about (each a [`question`]), [`off`] what is off its PO, [`twice`] what is bought once too often.
//! - [`labels`] gives boxes their codes (with [`codes`], which no two of them share), [`ship`] ships what has none, [`unbought`] are labels
//!   that get none; [`unmapped`] is what waits for a product.
//! - [`declined`] has the brake count what the vendor wants nothing of.
//! - [`inform`] tells Axerrio of the PO, [`stage`] how far the order has come, [`sight`] what the views show without being acted upon.

mod after_approval;
mod approved;
mod asking;
mod buyers;
mod codes;
mod compare;
mod create;
mod crossed;
mod declined;
mod draft;
mod edits;
mod fate;
mod flow1;
mod flow2;
mod header;
mod header_fields;
mod home;
mod inform;
mod labels;
mod links;
mod off;
mod po_lines;
mod prints;
mod purchase;
mod question;
mod refused;
mod rules;
mod said;
mod ship;
mod sight;
mod stage;
mod strays;
mod twice;
mod unbought;
mod unmapped;
mod unread;
mod wanted;
mod wish;
mod words;

use std::collections::BTreeSet;

use chrono::NaiveDate;

pub(in crate::sync) use approved::{CONFIRMED, changed_since_bought, is_buyers_number, ships_as_before};
pub(in crate::sync) use buyers::{PO_LINE, is_substituted};
pub use compare::item_differences;
pub(crate) use compare::same_description;
pub(in crate::sync) use compare::{
    goods_differences, is_cost_kept, is_field_kept, is_made_of, line_parts, mapped_otherwise, parts,
    parts_changed, parts_differ,
};
pub(crate) use declined::declined;
pub(crate) use flow2::{same_input, shown, take_over};
pub(in crate::sync) use prints::MAPPED_TO;
pub use rules::{Facts, Made, Rules};
pub(crate) use ship::is_komets_lot;
pub(crate) use sight::{Sight, sight};
pub(in crate::sync) use strays::UNSEEN;
pub(crate) use unbought::labels_of_no_line;

use super::action::Action;
use crate::domain::{Agreed, Decision, Flow, Hold, Order, PoNumber, Stage};
use draft::Draft;

/// What has to happen next for one order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The next actions, in the order in which they should be sent.
    pub actions: Vec<Action>,
    /// What waits for a person.
    pub holds: Vec<Hold>,
    /// Questions that came up and that a person has answered before.
    pub answered: Vec<Decision>,
    /// Conflicts that `on_conflict = "owner"` settled now, for the history.
    pub recorded: Vec<Hold>,
    /// What must be read from Komet before more can be decided.
    pub needs: BTreeSet<Need>,
    /// The agreed view with what was recognised in the other two: links, baselines, decisions carried out.
    pub agreed: Agreed,
    /// How far the order has come.
    pub stage: Stage,
    /// The order as a whole is to be cancelled on the other side, or taken off its POs: counted by the brake.
    pub cancels: bool,
    /// Something waits until another order has let go of it: the order is looked at again.
    pub waits: bool,
}

/// Something to read before deciding. Collected over all orders, so that one request serves many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The Prebooks of the window that holds this vendor ship date, in full.
    Prebooks(NaiveDate),
    /// The POs of a vendor ship date.
    PurchaseOrders(NaiveDate),
    /// One PO by its number.
    PurchaseOrder(PoNumber),
}

/// Plans one order.
///
/// Guarantees: never panics, whatever the views hold; planning again after its own actions succeeded yields nothing
/// new; never acts on a held line; never deletes because something is merely absent from a list.
pub fn plan(order: &Order, rules: &Rules<'_>) -> Plan {
    let mut draft = Draft::new(order, rules);
    links::recognise(&mut draft);
    match order.flow {
        Flow::FromAxerrio => flow1::plan(&mut draft),
        Flow::FromKomet => flow2::plan(&mut draft),
    }
    labels::plan(&mut draft);
    inform::plan(&mut draft);
    declined::stop(&mut draft);
    draft.finish()
}
