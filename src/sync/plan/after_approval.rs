//! Flow 1 once procurement has approved: a line is Komet's by then, and what Axerrio changes, adds or removes is a question. Here is
//! how it is asked, and what tells that there is nothing to ask: Komet followed, or the line was left, lost or never bought.

use super::compare::{goods_from_axerrio, wanted_differences};
use super::draft::Draft;
use super::prints::line_cause;
use super::question::{self, Question};
use super::wanted::{item_link, wanted_goods};
use super::{po_lines, purchase};
use crate::domain::{AxLine, AxOrder, HoldReason, ItemLink, LineId, OnConflict, PoLink, PoStatus};

/// Asks about a change after approval; `true` if Axerrio's change is to be carried out all the same.
pub(super) fn takes_axerrio_after_approval(draft: &mut Draft<'_>, line: &LineId, cause: &str, what: &str) -> bool {
    after_approval(draft, line, cause, what).takes_axerrio(draft)
}

/// The same of a line that Axerrio no longer has. What buys it after stemsync took its item out, bought it twice, unseen: whoever
/// owns the PO, that is in nobody's interest, and a person is asked.
pub(super) fn takes_removal_after_approval(draft: &mut Draft<'_>, line: &LineId) -> bool {
    let is_out = item_link(draft, line).is_some_and(|link| link.dead);
    Question { is_komets: !is_out, ..after_approval(draft, line, "removed", "removed") }.takes_axerrio(draft)
}

fn after_approval<'q>(draft: &Draft<'_>, line: &'q LineId, cause: &'q str, what: &str) -> Question<'q> {
    let is_new = draft.agreed.lines.get(line).is_none_or(|agreed| agreed.po_lines.is_empty());
    let (done, kept) = if is_all_cancelled(draft, line) || is_new && draft.is_po_cancelled() {
        ("cancelled", "Komet as it is")
    } else {
        ("approved", "what was approved")
    };
    Question {
        line: Some(line),
        cause,
        what: format!("the line was {what} in Axerrio, but procurement has {done} the PO."),
        choice: format!("Take axerrio to change Komet's Prebook and PO, take komet to keep {kept}."),
        is_komets: true,
        has_shipped: draft.has_shipped(line),
    }
}

/// Whether procurement cancelled every PO that bought the line.
fn is_all_cancelled(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.agreed.lines.get(line).map(|agreed| &agreed.po_lines[..]).unwrap_or_default();
    let mut links = links.iter().filter(|link| !link.dead).peekable();
    links.peek().is_some() && links.all(|link| draft.po_status(link) == PoStatus::Cancelled)
}

/// Whether a person left this very state of the order's line as it was approved. That holds as well once the line, which waited
/// for its product to be mapped, is on a PO of its own that nobody has approved yet.
pub(super) fn was_left_as_approved(draft: &Draft<'_>, order: &AxOrder, line: &AxLine) -> bool {
    // Naming the question takes a moment, and most orders have no decisions. What was left to the owner is Axerrio's again.
    !draft.agreed.decisions.is_empty()
        && draft.rules.on_conflict != OnConflict::Owner
        && question::is_left(draft, Some(&line.id), &line_cause(line, &order.header))
}

/// Whether Komet's people changed the item and its PO to what Axerrio's line says by now. Of another product, box type or
/// mix that cannot be told.
pub(super) fn komet_followed(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let Some(agreed) = draft.agreed.lines.get(&line.id) else { return false };
    let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
    let is_same_kind = agreed.terms.product.name() == line.terms.product.name()
        && agreed.terms.box_type.eq_ignore_ascii_case(&line.terms.box_type)
        && agreed.terms.mix.is_empty()
        && line.terms.mix.is_empty();
    let Some(item) = draft.item(&link.item) else { return false };
    let seen = link.before_approval.as_ref().or(link.seen.as_ref());
    let then = seen.map(|seen| (agreed.terms.unit_cost, seen.terms.unit_cost));
    // Komet rounds on a PO as it does on a Prebook.
    let costs = [goods.unit_cost, item.terms.unit_cost];
    is_same_kind
        && wanted_differences(&goods, line.terms.mark_code.as_deref(), then, &item.terms).is_empty()
        && purchase::buys(draft, &line.id, &wanted_goods(draft, line))
        && po_lines::shown(draft, &draft.alive_po_links(&line.id))
            .all(|bought| costs.contains(&bought.terms.unit_cost))
}

pub(super) fn was_bought(draft: &Draft<'_>, line: &LineId) -> bool {
    draft.agreed.lines.get(line).is_some_and(|agreed| !agreed.po_lines.is_empty())
}

/// Whether a line that stays where it was approved to be was never bought, because it waited for its product to be mapped.
pub(super) fn is_yet_to_be_bought(
    draft: &Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    link: &ItemLink,
    cause: &str,
) -> bool {
    draft.verdict(HoldReason::ChangedAfterApproval, Some(&line.id), cause).is_some()
        && draft.agreed.lines.get(&line.id).is_some_and(|agreed| agreed.po_lines.is_empty())
        && draft.item(&link.item).is_some_and(|item| item.ship_date == order.header.ship_date)
}

/// Whether a line was bought and is bought no more, though no PO of it was cancelled: nothing in Komet stands for it.
pub(super) fn is_lost(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.agreed.lines.get(line).map(|agreed| &agreed.po_lines[..]).unwrap_or_default();
    let is_answered =
        |link: &PoLink| link.dead || draft.po_alive(link) || draft.po_status(link) == PoStatus::Cancelled;
    let mut own = links.iter().filter(|link| !link.replaced).peekable();
    own.peek().is_some() && !own.any(is_answered)
}
