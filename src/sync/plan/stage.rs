//! How far an order has come, for people and for choosing which ship dates still need polling.

use super::draft::Draft;
use crate::domain::{AxStatus, Flow, LineId, PrebookItem, Stage};

/// The stage that the views show.
pub(super) fn stage(draft: &Draft<'_>) -> Stage {
    let links: Vec<_> =
        draft.agreed.lines.values().flat_map(|l| &l.po_lines).filter(|link| draft.po_alive(link)).collect();
    if links.is_empty() {
        return without_po(draft);
    }
    if links.iter().any(|link| !draft.po_status(link).can_ship()) {
        return Stage::PoPending;
    }
    if links.iter().any(|link| draft.po_line(&link.line).is_none()) || waits_for_po(draft) {
        return Stage::PoApproved;
    }
    let (mut bought, mut shipped, mut received) = (0, 0, 0);
    for (_, line) in links.iter().filter_map(|link| draft.po_line(&link.line)) {
        bought += line.terms.boxes as usize;
        shipped += line.boxes.len();
        received += line.boxes.iter().filter(|b| b.is_received()).count();
    }
    if received >= bought {
        Stage::Received
    } else if shipped >= bought {
        Stage::Labelled
    } else {
        Stage::PoApproved
    }
}

/// Whether a line in place was never bought, such as a mixed box that waits for its products.
fn waits_for_po(draft: &Draft<'_>) -> bool {
    let confirmed = |id: &LineId| {
        let order = draft.order.axerrio.order.as_ref()?;
        order.lines.iter().find(|line| line.id == *id)?.confirmed_boxes
    };
    draft.agreed.lines.iter().any(|(id, line)| {
        line.po_lines.is_empty()
            && line.item.as_ref().is_some_and(|link| draft.item_alive(link))
            && confirmed(id) != Some(0)
    })
}

fn without_po(draft: &Draft<'_>) -> Stage {
    let called_off = draft.is_po_cancelled()
        || draft.order.axerrio.order.as_ref().is_some_and(|o| match draft.order.flow {
            Flow::FromAxerrio => o.status.is_off(),
            Flow::FromKomet => o.status == AxStatus::Cancelled,
        });
    let prebooked = match draft.order.flow {
        Flow::FromAxerrio => {
            draft.agreed.lines.values().filter_map(|l| l.item.as_ref()).any(|link| draft.item_alive(link))
        }
        Flow::FromKomet => draft.order.komet.prebooks.iter().flat_map(|p| &p.items).any(PrebookItem::is_alive),
    };
    match (prebooked, called_off, draft.order.flow) {
        (true, true, _) if draft.is_po_cancelled() => Stage::Cancelled,
        (true, _, _) => Stage::Prebooked,
        // A Prebook that is gone is called off once its order in Axerrio is: until then that may be a question.
        (false, false, Flow::FromKomet) if draft.order.axerrio.order.is_none() => Stage::Cancelled,
        (false, true, _) => Stage::Cancelled,
        (false, false, _) => Stage::Placed,
    }
}
