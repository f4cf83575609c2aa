//! Lines whose item Komet's people put on another Prebook than it was made in.

use super::draft::Draft;
use super::header_fields::{edits, shown_print, told};
use super::prints::{header_print, line_print, terms_print};
use crate::domain::{AxLine, AxOrder, HoldReason, ItemLink, Prebook, Verdict, fingerprint};

/// Where a line's item stands.
pub(super) enum Home {
    /// On the Prebook that it was made in, or on one that is like it.
    AsMade,
    /// On another one, where a person left it.
    Left,
    /// On another one, and it is to be made where it belongs.
    Overruled,
    /// On another one, and nobody has decided about it.
    Undecided,
}

/// The Prebook on which a rep put a line's item, where it is another customer's than the one that it was made in, or leaves on
/// another truck; with what of it is another.
pub(super) fn other<'a>(draft: &Draft<'a>, link: &ItemLink) -> Option<(&'a Prebook, String)> {
    let has_it = |prebook: &&Prebook| prebook.items.iter().any(|item| item.id == link.item && item.is_alive());
    let home = draft.order.komet.prebooks.iter().find(has_it).filter(|home| home.id != link.prebook)?;
    let agreed = draft.agreed.prebooks.get(&link.prebook)?;
    let differs = edits(agreed.seen.as_ref(), agreed.sent.as_ref()?, &home.header, draft.rules);
    (!differs.is_empty()).then(|| (home, told(&differs)))
}

/// Asks about a line whose item is on another Prebook; `deed` is what Axerrio did to it since it was agreed.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    link: &ItemLink,
    deed: Option<&str>,
) -> Home {
    let Some((home, differs)) = other(draft, link) else { return Home::AsMade };
    let now = fingerprint(&(shown_print(&home.header), header_print(&order.header), terms_print(&line.terms)));
    let print = line_print(draft, line, now);
    let cause = print.cause(draft, &line.id, &format!("home {} of {}", home.id, link.item));
    let verdict = draft.settle(HoldReason::EditedInKomet, Some(&line.id), &cause, Verdict::TakeAxerrio, || {
        format!(
            "Prebook item {} was moved to Prebook {} in Komet, which has another {differs}, but the order is Axerrio's until its PO \
             is approved.{} Take axerrio to make the line again where it belongs, take komet to leave it there as it is.",
            link.item,
            home.number,
            print.both(deed)
        )
    });
    match verdict {
        Some(Verdict::TakeKomet) => Home::Left,
        Some(Verdict::TakeAxerrio) => Home::Overruled,
        Some(Verdict::Dismissed) | None => Home::Undecided,
    }
}
