//! What should be bought for a line, and what its PO lines come to together, as Komet shows them and as stemsync asked for them.

use super::draft::Draft;
use crate::domain::{ItemId, LineId, NewGoods, PoLine, PoLink};
use crate::sync::action::{Action, DeletePoLine};

/// What a PO should buy for one line in place.
pub(super) struct Buy {
    pub(super) line: LineId,
    pub(super) item: ItemId,
    /// Boxes 0: nothing is bought (any more).
    pub(super) goods: NewGoods,
    /// The vendor named the boxes himself.
    pub(super) confirmed: bool,
    /// Whether Komet knows every product; `None` while that was not read.
    pub(super) mapped: Option<bool>,
    /// The product's description and its Axerrio code, for people.
    pub(super) product: String,
    pub(super) code: Option<String>,
}

/// What people call these PO lines.
pub(super) fn names(links: &[PoLink]) -> String {
    let names: Vec<String> =
        links.iter().map(|link| format!("line {} of PO {}", link.line, link.number)).collect();
    names.join(", ")
}

/// Those that Komet shows.
pub(super) fn shown<'d, 'l>(
    draft: &'d Draft<'_>,
    links: impl IntoIterator<Item = &'l PoLink, IntoIter: 'd>,
) -> impl Iterator<Item = &'d PoLine> {
    links.into_iter().filter_map(|link| draft.po_line(&link.line)).map(|(_, line)| line)
}

/// Boxes that Komet shows on them together.
pub(super) fn boxes_of<'l>(draft: &Draft<'_>, links: impl IntoIterator<Item = &'l PoLink>) -> u64 {
    let lines = links.into_iter().filter_map(|link| draft.po_line(&link.line));
    lines.map(|(_, line)| u64::from(line.terms.boxes)).sum()
}

/// Boxes that stemsync asked for in them together; none for lines that were found.
pub(super) fn asked_boxes<'l>(links: impl IntoIterator<Item = &'l PoLink>) -> u64 {
    links.into_iter().filter_map(|link| link.asked.as_ref()).map(|goods| u64::from(goods.boxes)).sum()
}

/// Takes them away.
pub(super) fn delete(draft: &mut Draft<'_>, line: &LineId, links: &[PoLink]) {
    for link in links {
        draft.act(Action::DeletePoLine(DeletePoLine {
            number: link.number.clone(),
            po_item: link.line.clone(),
            line: line.clone(),
        }));
    }
}
