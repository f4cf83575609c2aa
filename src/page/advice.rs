//! What a hold says was written for whoever reads it in a shell: scripts read it as it is, and so do the databases on file
//! keep it. The page has buttons in place of commands, so it says the same with their names; and it is decided here who may
//! read it there.

use std::borrow::Cow;

use super::access::Visitor;
use crate::domain::HoldReason;

/// What the shell is told, and what the buttons are called.
const NAMES: [(&str, &str); 5] = [
    ("take axerrio", "take Axerrio's"),
    ("Take axerrio", "Take Axerrio's"),
    ("take komet", "take Komet's"),
    ("Take komet", "Take Komet's"),
    // Of the brake, as databases that are older than its naming of the orders have it.
    ("Release with --take the side", "Take the side"),
];

/// The command that maps a product stands between these; in between is the product's code.
const COMMAND: (&str, &str) = (", or run: stemsync map product set ", " KOMET-ID");

/// A mark code is quoted after this; it is written on the box for the customer.
const MARK: &str = "mark code (now ";

/// Whether what a hold says may be read by this visitor: what a system said in its own words, or wrote on a box, may name a
/// customer.
pub(super) fn may_read(visitor: &Visitor, reason: HoldReason, detail: &str) -> bool {
    let quotes = matches!(reason, HoldReason::RejectedByKomet | HoldReason::RejectedByAxerrio);
    visitor.may_act() || !(quotes || detail.contains(MARK))
}

/// A hold's detail in the words of the page.
pub(super) fn on_page<'d>(visitor: &Visitor, detail: &'d str) -> Cow<'d, str> {
    let mut told = Cow::Borrowed(detail);
    for (shell, page) in NAMES {
        if told.contains(shell) {
            told = told.replace(shell, page).into();
        }
    }
    if let Some((before, command)) = told.split_once(COMMAND.0)
        && let Some((_, after)) = command.split_once(COMMAND.1)
    {
        let here = if visitor.may_act() { ", or on this page" } else { "" };
        told = format!("{before}{here}{after}").into();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(csrf: Option<&str>) -> Visitor {
        Visitor { csrf: csrf.map(Into::into), ..Visitor::default() }
    }

    #[test]
    fn buttons_are_called_by_their_names() {
        let admin = visitor(Some("token"));
        for (shell, page) in [
            (
                "it was deleted. Take axerrio to make it again, take komet to leave it deleted.",
                "it was deleted. Take Axerrio's to make it again, take Komet's to leave it deleted.",
            ),
            (
                "Release with --take the side that cancelled to let them through.",
                "Take the side that cancelled to let them through.",
            ),
            (
                "Map it in Komet (shown in red), or run: stemsync map product set A B-1 KOMET-ID. It goes on then.",
                "Map it in Komet (shown in red), or on this page. It goes on then.",
            ),
            ("Reprint it in Axerrio.", "Reprint it in Axerrio."),
        ] {
            assert_eq!(on_page(&admin, shell), page);
        }
    }

    #[test]
    fn who_cannot_map_is_not_told_to() {
        let told =
            on_page(&visitor(None), "Map it in Komet, or run: stemsync map product set X KOMET-ID. It goes on.");
        assert_eq!(told, "Map it in Komet. It goes on.");
    }
}
