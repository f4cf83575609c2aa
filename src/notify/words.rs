//! What notices may quote, and in which words. They leave the house, through chat services and mail servers, so nothing
//! foreign is in them but the ids of orders and lines, and of these only harmless characters. A hold's own detail can
//! quote products, customers and what a system said: it stays in `stemsync holds`.

use super::what::{Cause, DatabaseCause};
use crate::domain::HoldReason;
use crate::domain::tag::cut;
use crate::systems::System;

/// An id of either system, fit for a mail's subject and for the markup of chat services: letters, digits and a few
/// signs, forty of them at most.
pub(super) fn id(text: &str) -> String {
    const LONGEST: usize = 40;
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#');
    cut(&text.chars().map(|c| if harmless(c) { c } else { '?' }).collect::<String>(), LONGEST)
}

/// What happened, and what a person can do; `{id}` stands for the hold's number. Some questions of a reason have no side to take.
pub(super) fn of_hold(reason: HoldReason, cause: &str) -> (&'static str, &'static str) {
    let (happened, to_do) = of_reason(reason);
    if to_do == EITHER && !reason.has_sides(cause) {
        return (happened, "`stemsync holds` tells what to mend, or `stemsync holds dismiss {id}`");
    }
    (happened, to_do)
}

const EITHER: &str = "`stemsync holds release {id} --take axerrio` or `--take komet`";

/// The same, of a question that has sides.
pub(super) fn of_reason(reason: HoldReason) -> (&'static str, &'static str) {
    match reason {
        HoldReason::UnmappedProduct => (
            "Komet does not know a product",
            "map it in Komet's Prebook Summary, or with `stemsync map product set`; the rest goes on by itself",
        ),
        HoldReason::EditedInKomet => ("somebody changed in Komet what Axerrio owns", EITHER),
        HoldReason::EditedInAxerrio => ("somebody changed in Axerrio what Komet owns", EITHER),
        HoldReason::ChangedAfterApproval => ("the order changed after its PO was approved", EITHER),
        HoldReason::VoidLabel => (
            "a label was withdrawn after its box had shipped",
            "take the box out in Komet, then `stemsync holds dismiss {id}`",
        ),
        HoldReason::LabelChangedAfterShipping => {
            ("an AWB or lot changed after shipping", "correct it in Komet, then `stemsync holds dismiss {id}`")
        }
        HoldReason::ReservedLotNumber => {
            ("a lot number lies in Komet's own range", "give the lot another number in Axerrio")
        }
        HoldReason::DuplicateBoxCode => {
            ("two boxes bear the same code", "have one of the labels printed anew in Axerrio")
        }
        HoldReason::FieldTooLong => (
            "a value does not fit Komet's field",
            "shorten it in Axerrio, or `stemsync holds release {id} --take komet` to have it cut",
        ),
        HoldReason::TooManyCancellations => {
            ("a run would cancel more orders than max_cancellations allows; what is left of them waits", EITHER)
        }
        HoldReason::RejectedByKomet => {
            ("Komet refuses a request; it is tried again each run", "`stemsync holds` tells what Komet says")
        }
        HoldReason::RejectedByAxerrio => (
            "Axerrio or the vendor refuses; it is tried again each run",
            "`stemsync holds` tells what Axerrio says",
        ),
    }
}

/// What is wrong with a system.
pub(super) fn of_cause(cause: Cause, system: System) -> String {
    let title = system.title();
    match cause {
        Cause::Unreachable => format!("{title} cannot be reached"),
        Cause::Unauthorized => format!("{title} refuses the token"),
        Cause::Throttled => format!("{title} asks to wait"),
        Cause::TimedOut => format!("{title} does not answer in time"),
        Cause::Broken => format!("the connections to {title} break off"),
        Cause::Server => format!("{title} reports errors of its own"),
        Cause::Unreadable => format!("{title}'s answers make no sense"),
        Cause::Rejected => format!("{title} refuses what it is asked"),
    }
}

/// What a person can do about a database that cannot be used.
pub(super) fn to_do_about(cause: DatabaseCause) -> &'static str {
    match cause {
        DatabaseCause::Full => "To do: make room on the disk on which it is (`stemsync check` names it).",
        DatabaseCause::Locked => {
            "To do: end that process; `fuser` names it, given the file that `stemsync check` names."
        }
        DatabaseCause::Disk => "To do: see that the disk is sound and has room; the log says what it refused.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_what_it_is_and_whatever_is_more_than_an_id_does_not_get_through() {
        assert_eq!(id("AX-100234"), "AX-100234");
        assert_eq!(id("komet-prebook-85063"), "komet-prebook-85063");
        assert_eq!(id("AX-1\r\nBcc: all@example.com"), "AX-1??Bcc??all?example.com");
        assert_eq!(id("<!channel> [x](https://e.vil)"), "??channel???x??https?//e.vil?");
        assert_eq!(id(&"9".repeat(200)).chars().count(), 40);
    }

    #[test]
    fn every_hold_says_what_to_do() {
        for reason in HoldReason::ALL {
            let (happened, to_do) = of_reason(reason);
            assert!(!happened.is_empty() && !to_do.is_empty(), "{reason:?}");
        }
    }

    #[test]
    fn where_there_is_no_side_to_take_none_is_offered() {
        let reason = HoldReason::ChangedAfterApproval;
        assert!(of_hold(reason, "cancelled").1.contains("--take axerrio"));
        assert!(!of_hold(reason, "shipped cancelled").1.contains("--take"));
    }
}
