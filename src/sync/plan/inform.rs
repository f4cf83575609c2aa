//! What Axerrio learns of the PO: number, state, AWB, boxes and cost, once procurement has decided, and from then on
//! whenever it changes. Komet owns all of it.

use super::draft::Draft;
use crate::domain::{
    AgreedPoInfo, AxOrder, AxStatus, Flow, LineId, PoInfoLine, PoInfoStatus, PoLine, PoLink, PoStatus,
    PurchaseOrder, PurchaseOrderInfo,
};
use crate::sync::action::{Action, PutPurchaseOrder};

pub(super) fn plan(draft: &mut Draft<'_>) {
    // While lines are being moved about the PO is half of what it will be.
    if draft.awaits(moves_lines) || has_unread_lines(draft) {
        return;
    }
    let Some(order) = &draft.order.axerrio.order else { return };
    let Some(info) = desired(draft) else { return };
    let told = order.purchase_order.as_ref();
    let worth_telling = info.status != PoInfoStatus::Pending || told.is_some();
    if !worth_telling || told.is_some_and(|told| told.same_as(&info)) {
        if let Some(told) = told.filter(|told| told.same_as(&info)) {
            draft.agreed.po_info = Some(AgreedPoInfo { sent: info, seen: Some(told.clone()) });
        }
        return;
    }
    // Axerrio shows it differently from how it was sent, but as it did right after: nothing new to say.
    if let Some(agreed) = &draft.agreed.po_info {
        let as_before = match (&agreed.seen, told) {
            (Some(seen), Some(told)) => seen.same_as(told),
            (seen, told) => seen.is_none() && told.is_none(),
        };
        if agreed.sent.same_as(&info) && as_before {
            return;
        }
    }
    let action = PutPurchaseOrder { order: order.id.clone(), info };
    draft.act(Action::PutPurchaseOrder(action));
}

/// A line that was just bought is not told before Komet has shown it. What an item that moved to another ship date was
/// bought with is told there.
fn has_unread_lines(draft: &Draft<'_>) -> bool {
    let has_left = |link: &PoLink| draft.order.flow == Flow::FromKomet && draft.item(&link.item).is_none();
    let mut links = draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    links.any(|link| draft.po_line(&link.line).is_none() && draft.po_alive(link) && !has_left(link))
}

fn moves_lines(action: &Action) -> bool {
    matches!(
        action,
        Action::CreatePrebook(_) | Action::DeleteItem(_) | Action::CreatePo(_) | Action::DeletePoLine(_)
    )
}

/// What Axerrio should know, with what it was told of lines that it does not let go of though their items moved to another order: they
/// stand here until then, and so does their PO. `None` while no PO of the order was read, or what a buyer bought of a Prebook by hand
/// is before the vendor's answer: POs are looked for from that on.
pub(super) fn desired(draft: &Draft<'_>) -> Option<PurchaseOrderInfo> {
    let own = of_own(draft)?;
    let Some(told) = told(draft).filter(|told| told.number == own.number) else { return Some(own) };
    let kept: Vec<&PoInfoLine> = told.lines.iter().filter(|line| has_left_and_stands(draft, told, line)).collect();
    if kept.is_empty() {
        return Some(own);
    }
    if own.lines.is_empty() {
        return Some(told.clone());
    }
    let mut whole = own;
    whole.lines.retain(|line| !kept.iter().any(|kept| kept.po_item_id == line.po_item_id));
    whole.lines.extend(kept.into_iter().cloned());
    Some(whole)
}

/// Whether Axerrio has the line still, while its item is another order's, and so is what buys it.
fn has_left_and_stands(draft: &Draft<'_>, told: &PurchaseOrderInfo, line: &PoInfoLine) -> bool {
    let Some(order) = draft.order.axerrio.order.as_ref().filter(|order| !order.status.is_off()) else {
        return false;
    };
    let is_bought = |link: &PoLink| {
        link.number == told.number
            && link.line.to_string() == line.po_item_id
            && !link.dead
            && draft.order.items_elsewhere.contains(&link.item)
    };
    let links = draft.agreed.lines.get(&line.line_id).map(|agreed| agreed.po_lines.as_slice()).unwrap_or_default();
    order.lines.iter().any(|shown| shown.id == line.line_id)
        && links.iter().any(is_bought)
        && draft.po(&told.number).is_none_or(|po| po.status != PoStatus::Cancelled)
}

fn told<'a>(draft: &Draft<'a>) -> Option<&'a PurchaseOrderInfo> {
    draft.order.axerrio.order.as_ref()?.purchase_order.as_ref()
}

fn of_own(draft: &Draft<'_>) -> Option<PurchaseOrderInfo> {
    let is_early = |order: &AxOrder| {
        let mut links = draft.agreed.lines.values().flat_map(|line| &line.po_lines);
        order.status == AxStatus::Placed
            && order.purchase_order.is_none()
            && links.all(|link| link.asked.is_none())
    };
    if draft.order.flow == Flow::FromKomet && draft.order.axerrio.order.as_ref().is_some_and(is_early) {
        return None;
    }
    let mut linked: Vec<(&PurchaseOrder, &PoLine, &LineId)> = draft
        .agreed
        .lines
        .iter()
        .flat_map(|(id, line)| line.po_lines.iter().map(move |link| (id, link)))
        .filter_map(|(id, link)| draft.po_line(&link.line).map(|(po, line)| (po, line, id)))
        .filter(|(_, line, _)| line.is_alive())
        .collect();
    // A cancelled PO counts only where no other took its place.
    if linked.iter().any(|(po, _, _)| po.status != PoStatus::Cancelled) {
        linked.retain(|(po, _, _)| po.status != PoStatus::Cancelled);
    }
    // What procurement has approved is told as such; what waits on another PO follows when that is approved.
    if linked.iter().any(|(po, _, _)| po.status.is_decided()) {
        linked.retain(|(po, _, _)| po.status.is_decided());
    }
    linked.sort_by_key(|(_, line, _)| line.id.0);
    let whole = info(draft, &linked).or_else(|| emptied(draft))?;
    // Of a line that it has no more Axerrio could say nothing; that it has it no more is nothing to tell by itself.
    let order = draft.order.axerrio.order.as_ref();
    let told = order.and_then(|order| order.purchase_order.as_ref());
    let is_known = told.is_some_and(|told| {
        let as_sent = |agreed: &AgreedPoInfo| {
            agreed.sent.same_as(&whole) && agreed.seen.as_ref().is_some_and(|seen| seen.same_as(told))
        };
        told.same_as(&whole) || draft.agreed.po_info.as_ref().is_some_and(as_sent)
    });
    if is_known {
        return Some(whole);
    }
    linked.retain(|(_, _, id)| order.is_some_and(|order| order.lines.iter().any(|line| line.id == **id)));
    info(draft, &linked).or(Some(whole))
}

/// What these PO lines say.
fn info(draft: &Draft<'_>, linked: &[(&PurchaseOrder, &PoLine, &LineId)]) -> Option<PurchaseOrderInfo> {
    let main = main_po(draft, linked)?;
    Some(PurchaseOrderInfo {
        number: main.number.clone(),
        status: status(main.status),
        ship_date: main.ship_date,
        awb: main.awb.clone().or_else(|| shipped_awb(draft, linked)).or_else(|| told_awb(draft, main)),
        updated_at: main.updated_on.unwrap_or_default(),
        lines: linked
            .iter()
            .map(|(_, line, id)| PoInfoLine {
                line_id: (*id).clone(),
                po_item_id: line.id.to_string(),
                boxes: line.terms.boxes,
                unit_cost: line.terms.unit_cost,
            })
            .collect(),
    })
}

/// The AWB of the first box that was shipped, by what was agreed or by its label: known without reading Komet again, which
/// may not show it at all.
fn shipped_awb(draft: &Draft<'_>, linked: &[(&PurchaseOrder, &PoLine, &LineId)]) -> Option<String> {
    let mut codes = linked.iter().flat_map(|(_, line, _)| &line.boxes).map(|shown| &shown.code);
    codes.find_map(|code| match draft.agreed.boxes.get(code) {
        Some(agreed) => agreed.awb.clone(),
        None => draft.order.axerrio.labels.iter().find(|label| label.box_code == *code)?.awb.clone(),
    })
}

/// The AWB that Axerrio was told: nothing unships a box, so it stands until another one is known.
fn told_awb(draft: &Draft<'_>, main: &PurchaseOrder) -> Option<String> {
    let told = draft.order.axerrio.order.as_ref()?.purchase_order.as_ref()?;
    told.awb.clone().filter(|_| told.number == main.number)
}

/// The PO that gives the order its number and state: the one further lines would go on, else the one with most lines.
fn main_po<'a>(draft: &Draft<'_>, linked: &[(&'a PurchaseOrder, &PoLine, &LineId)]) -> Option<&'a PurchaseOrder> {
    let own = draft.agreed.po.as_ref().and_then(|n| linked.iter().find(|(po, _, _)| po.number == *n));
    let most = || {
        linked.iter().max_by_key(|(po, _, _)| {
            (
                linked.iter().filter(|(other, _, _)| other.number == po.number).count(),
                std::cmp::Reverse(&po.number),
            )
        })
    };
    own.or_else(most).map(|(po, _, _)| *po)
}

/// A PO that has lost all its lines is cancelled: for Axerrio that knows it, and also where procurement decided about it and took
/// the lines off before Axerrio was told of it.
fn emptied(draft: &Draft<'_>) -> Option<PurchaseOrderInfo> {
    let order = draft.order.axerrio.order.as_ref()?;
    let links = || draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    if links().any(|link| draft.po_alive(link)) {
        return None;
    }
    let is_known = |link: &PoLink| link.seen.is_some() || link.gone;
    let Some(told) = &order.purchase_order else {
        let is_here = |link: &&PoLink| !draft.order.items_elsewhere.contains(&link.item);
        let taken_off = links().filter(|link| !link.dead && is_known(link)).filter(is_here);
        // Of a line that is gone from an approved PO a person is asked in flow 1.
        let is_answered = |po: &&PurchaseOrder| match draft.order.flow {
            Flow::FromAxerrio => po.status == PoStatus::Cancelled,
            Flow::FromKomet => po.status.is_decided(),
        };
        let mut pos = taken_off.filter_map(|link| draft.po(&link.number)).filter(is_answered);
        let po = pos.next().filter(|_| !order.status.is_off())?;
        return Some(PurchaseOrderInfo {
            number: po.number.clone(),
            status: PoInfoStatus::Cancelled,
            ship_date: po.ship_date,
            awb: None,
            updated_at: po.updated_on.unwrap_or_default(),
            lines: Vec::new(),
        });
    };
    // Its lines may have gone to another PO since, and from that, too.
    let stands = draft.po(&told.number).is_some_and(|po| po.lines.iter().any(PoLine::is_alive));
    let is_read = links().any(|link| link.number == told.number && is_known(link));
    let is_empty = is_read || !stands && links().any(|link| link.seen.is_some() && link.dead);
    is_empty.then(|| PurchaseOrderInfo { status: PoInfoStatus::Cancelled, lines: Vec::new(), ..told.clone() })
}

fn status(status: PoStatus) -> PoInfoStatus {
    match status {
        PoStatus::Pending => PoInfoStatus::Pending,
        PoStatus::Approved => PoInfoStatus::Approved,
        PoStatus::Confirmed => PoInfoStatus::Confirmed,
        PoStatus::Cancelled => PoInfoStatus::Cancelled,
    }
}
