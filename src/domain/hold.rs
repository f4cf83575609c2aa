//! Holds: what waits for a person, and what the person decided.

use serde::{Deserialize, Serialize};

use super::LineId;

/// Why something waits. The names are those of `holds --format json` (interface.md, clarification 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// Komet does not know a product and would refuse its labels.
    UnmappedProduct,
    /// Somebody changed in Komet what Axerrio owns: edited, added, deleted or moved it, or Komet shows it in no list.
    EditedInKomet,
    /// Somebody changed in Axerrio what Komet owns, or the order is there and its Prebook in no list of Komet's.
    EditedInAxerrio,
    /// What procurement has approved is no longer what is wanted: the order changed in Axerrio, its Prebook in Komet, or the map by
    /// which it was made; the vendor confirms fewer boxes than were bought; or labels are there beyond what was bought.
    ChangedAfterApproval,
    /// A label was withdrawn after its box had shipped.
    VoidLabel,
    /// A label's AWB or lot changed after its box had shipped.
    LabelChangedAfterShipping,
    /// A lot number lies in Komet's own range.
    ReservedLotNumber,
    /// A box's code is not its own, so that Komet could not tell it from another: a second label of the order bears it, another order
    /// that ships within the time that codes are compared, or a second box in Komet.
    DuplicateBoxCode,
    /// A value does not fit Komet's field.
    FieldTooLong,
    /// One run would cancel more than `max_cancellations`.
    TooManyCancellations,
    /// Komet refused a request, or it is too late for it.
    RejectedByKomet,
    /// Axerrio refused a request, or it is too late for it, or the vendor refused the order.
    RejectedByAxerrio,
}

impl HoldReason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::UnmappedProduct,
        Self::EditedInKomet,
        Self::EditedInAxerrio,
        Self::ChangedAfterApproval,
        Self::VoidLabel,
        Self::LabelChangedAfterShipping,
        Self::ReservedLotNumber,
        Self::DuplicateBoxCode,
        Self::FieldTooLong,
        Self::TooManyCancellations,
        Self::RejectedByKomet,
        Self::RejectedByAxerrio,
    ];

    /// The name that scripts rely on.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnmappedProduct => "unmapped_product",
            Self::EditedInKomet => "edited_in_komet",
            Self::EditedInAxerrio => "edited_in_axerrio",
            Self::ChangedAfterApproval => "changed_after_approval",
            Self::VoidLabel => "void_label",
            Self::LabelChangedAfterShipping => "label_changed_after_shipping",
            Self::ReservedLotNumber => "reserved_lot_number",
            Self::DuplicateBoxCode => "duplicate_box_code",
            Self::FieldTooLong => "field_too_long",
            Self::TooManyCancellations => "too_many_cancellations",
            Self::RejectedByKomet => "rejected_by_komet",
            Self::RejectedByAxerrio => "rejected_by_axerrio",
        }
    }

    /// Whether there is a side to take in a question of this cause. A product that Komet does not know is not known by anybody's
    /// saying so, and what has shipped does not come back: it is mended by hand, or the question dismissed.
    pub fn has_sides(self, cause: &str) -> bool {
        self != Self::UnmappedProduct && !BY_HAND.iter().any(|beginning| cause.starts_with(beginning))
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// How the causes begin of what changed after boxes of it had shipped.
pub const SHIPPED: &str = "shipped ";

/// How the cause begins of a Prebook whose tag names an order that Axerrio does not have.
pub const NO_ORDER: &str = "no order ";

/// The cause of every brake and of an order that is cancelled as a whole; causes about an order that was cancelled in Axerrio begin
/// with it.
pub const CANCELLED: &str = "cancelled";

/// The cause of an order in Axerrio whose Prebook Komet does not show.
pub const NO_PREBOOK: &str = "no Prebook";

/// How the causes begin of labels beyond what was bought; the codes follow.
pub const SURPLUS: &str = "surplus ";

/// The same of labels for what was never bought.
pub const NOT_BOUGHT: &str = "not bought ";

/// How the causes begin of a Prebook item that Axerrio has on another order, which keeps it.
pub const ELSEWHERE: &str = "stands in ";

/// How the causes begin of boxes that the vendor does not confirm, on a PO that somebody left as it was.
pub const FEWER: &str = "fewer ";

/// How the causes begin of box codes that Komet cannot hold: of another one the vendor's paper knows nothing.
pub const BOX_CODE: &str = "box code ";

/// How the causes begin of what stemsync can write to neither system: beside those above labels that
/// have no box.
const BY_HAND: [&str; 7] = [SHIPPED, NO_ORDER, ELSEWHERE, FEWER, BOX_CODE, SURPLUS, NOT_BOUGHT];

/// What `plan` says must wait. Two holds of one order are the same hold when reason, line and `cause` agree:
/// that is how a hold keeps its number and age over the runs, and how a decision finds its question again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub reason: HoldReason,
    /// The line it stops; `None` for the whole order.
    pub line: Option<LineId>,
    /// What exactly is in question, in a stable text: when it changes, it is a new question.
    pub cause: String,
    /// What happened and what a person can do, for people. Never a price or a customer's address.
    pub detail: String,
}

/// What a person decided about a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// `--take axerrio`
    TakeAxerrio,
    /// `--take komet`
    TakeKomet,
    /// Seen, and left as it is.
    Dismissed,
}

/// A decision, remembered with the order so that it is not asked again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The hold's reason.
    pub reason: HoldReason,
    /// The hold's line.
    pub line: Option<LineId>,
    /// The hold's cause.
    pub cause: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Whether its question has come up since. It does not where the cause was gone before the decision was made.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub met: bool,
}

impl Decision {
    /// A decision whose question has not come up since.
    pub fn new(reason: HoldReason, line: Option<LineId>, cause: String, verdict: Verdict) -> Self {
        Self { reason, line, cause, verdict, met: false }
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_yes(yes: &bool) -> bool {
    *yes
}
