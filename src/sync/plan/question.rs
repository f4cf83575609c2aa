//! The question about what differs from what procurement approved: asked in one way by all who come upon such a thing, and known as
//! left or answered by the same causes. Once boxes have shipped it only tells.

use super::draft::Draft;
use super::po_lines::{Buy, delete};
use crate::domain::{HoldReason, LineId, OnConflict, PoLink, SHIPPED, Verdict};

/// What differs from what procurement approved.
pub(super) struct Question<'q> {
    /// The line; `None` for the whole order.
    pub(super) line: Option<&'q LineId>,
    pub(super) cause: &'q str,
    /// What happened.
    pub(super) what: String,
    /// Which choice a person has.
    pub(super) choice: String,
    /// Left to the owner, it is Komet's; else a person is asked in any case.
    pub(super) is_komets: bool,
    pub(super) has_shipped: bool,
}

impl Question<'_> {
    /// Asks about what differs from what procurement approved; `true` to carry it out all the same. Once boxes of it have shipped
    /// stemsync can do nothing about it, and says so, unless what was approved was left already.
    pub(super) fn takes_axerrio(self, draft: &mut Draft<'_>) -> bool {
        let Self { line, cause, what, choice, is_komets, has_shipped } = self;
        let reason = HoldReason::ChangedAfterApproval;
        let is_settled = is_left(draft, line, cause) || is_komets && draft.rules.on_conflict == OnConflict::Owner;
        if has_shipped && !is_settled {
            let _ = draft.ask(reason, line, &format!("{SHIPPED}{cause}"), || {
                format!(
                    "{what} Boxes of it have shipped, so stemsync changes nothing: put it right in Komet and Axerrio by hand, then \
                     dismiss this."
                )
            });
            return false;
        }
        let detail = || format!("{what} {choice}");
        let verdict = if is_komets {
            draft.settle(reason, line, cause, Verdict::TakeKomet, detail)
        } else {
            draft.ask(reason, line, cause, detail)
        };
        verdict == Some(Verdict::TakeAxerrio)
    }

    /// Asks whether what a line buys stays as it is; where it does not it goes, to be bought anew.
    pub(super) fn stays(self, draft: &mut Draft<'_>, buy: &Buy, alive: &[PoLink]) -> bool {
        let goes = self.takes_axerrio(draft);
        if goes {
            delete(draft, &buy.line, alive);
        }
        !goes
    }
}

/// Whether a person has left what was approved against this.
pub(super) fn is_left(draft: &Draft<'_>, line: Option<&LineId>, cause: &str) -> bool {
    let verdict = draft.verdict(HoldReason::ChangedAfterApproval, line, cause);
    verdict.is_some_and(|verdict| verdict != Verdict::TakeAxerrio)
}

/// Whether a person has answered this question, asked before or after boxes had shipped.
pub(super) fn is_answered(draft: &Draft<'_>, line: Option<&LineId>, cause: &str) -> bool {
    let is_decided = |cause: &str| draft.verdict(HoldReason::ChangedAfterApproval, line, cause).is_some();
    is_decided(cause) || is_decided(&format!("{SHIPPED}{cause}"))
}
