//! Shipping a PO line with the codes of its labels. Labels travel in groups of one ship date, AWB and lot, one call at a time, because
//! Komet moves what is left of the line to a new one after each; they wait for their AWB, and for a product that Komet knows.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::codes::fits;
use super::draft::Draft;
use super::unmapped::{ask_for_mapping, is_mapped_on_po};
use super::{twice, unbought};
use crate::domain::{Flow, HoldReason, Label, LineId, PoLink, Shipment, blank};
use crate::sync::action::{Action, ShipBoxes};

/// Komet hands out lot numbers of this range itself and refuses them from others.
const KOMET_LOTS: std::ops::RangeInclusive<u64> = 1000..=99_999;

/// Ships labels for which the line has no box yet, if it may.
pub(super) fn ship_line(draft: &mut Draft<'_>, line: &LineId, unshipped: &[&Label]) {
    if unbought::was_taken_off(draft, line) {
        unbought::ask_about_labels_of_nothing(draft, line, unshipped);
    } else if may_ship(draft, line) {
        let mut links = draft.alive_po_links(line);
        links.retain(|link| draft.po_status(link).can_ship());
        ship(draft, line, &links, unshipped);
    }
}

/// Whether Komet knows what it would ship, by the PO line where the Prebook item is gone; a person is asked where not.
fn may_ship(draft: &mut Draft<'_>, line: &LineId) -> bool {
    let item = draft.agreed.lines.get(line).and_then(|l| l.item.as_ref()).and_then(|link| draft.item(&link.item));
    let in_red = item.is_none_or(|item| !item.terms.is_mapped());
    if !in_red || is_mapped_on_po(draft, line) {
        return true;
    }
    let links = draft.alive_po_links(line);
    let Some((_, bought)) = links.iter().find_map(|link| draft.po_line(&link.line)) else {
        // Not read yet: that there is nothing to ship onto is told elsewhere.
        return item.is_none();
    };
    if draft.order.flow == Flow::FromKomet {
        ask_for_mapping(draft, line, &bought.terms.product.description, None);
    } else if let Some(product) = draft.agreed.lines.get(line).map(|l| l.terms.product.clone()) {
        ask_for_mapping(draft, line, &product.description, Some(&product.code));
    }
    false
}

/// What travels in one call: the ship date, AWB, house AWB and lot.
type Group = (NaiveDate, String, String, String);

/// Ships what is labelled: one group at a time, because each call gives the rest a new PO line.
fn ship(draft: &mut Draft<'_>, line: &LineId, links: &[PoLink], labels: &[&Label]) {
    let facts = draft.rules.facts;
    let is_unseen = |link: &&PoLink| {
        let day = draft.po(&link.number).map(|po| po.ship_date);
        !facts.po_numbers_read.contains(&link.number)
            && day.is_some_and(|day| facts.po_dates_unseen.contains(&day))
    };
    if links.iter().any(|link| is_unseen(&link)) {
        // Boxes of it may have shipped that this database does not know.
        draft.waits = true;
        return;
    }
    let in_question = twice::in_question(draft, line);
    let open = links.iter().filter(|link| !in_question.contains(&link.line)).find_map(|link| {
        let (po, po_line) = draft.po_line(&link.line)?;
        po_line.boxes.is_empty().then(|| (po.number.clone(), po_line.id.clone(), po_line.terms.boxes as usize))
    });
    let Some((number, po_item, room)) = open else {
        unbought::ask_about_surplus(draft, line, labels);
        return;
    };
    let calls: Vec<Action> = groups(draft, line, labels)
        .into_iter()
        .map(|((ship_date, awb, house_awb, lot), labels)| {
            let labels = &labels[..in_one_call(&labels).min(room)];
            let some = |text: String| (!text.is_empty()).then_some(text);
            Action::Ship(ShipBoxes {
                line: line.clone(),
                number: number.clone(),
                box_numbers: labels.iter().map(|l| l.box_number).collect(),
                shipment: Shipment {
                    po_item: po_item.clone(),
                    awb,
                    house_awb: some(house_awb),
                    ship_date,
                    codes: labels.iter().map(|l| l.box_code.clone()).collect(),
                    lot_number: some(lot),
                },
            })
        })
        .collect();
    // Each call gives the rest a new PO line, so they go one at a time. A group that was refused keeps no other from shipping,
    // and is told of as long as it is; of those that all were, the push takes the first that it has not tried yet.
    let (refused, fresh): (Vec<Action>, Vec<Action>) = calls.into_iter().partition(|call| draft.was_refused(call));
    match fresh.into_iter().next() {
        Some(next) => {
            draft.act(next);
            for call in &refused {
                let _ = draft.keep_refusal(call);
            }
        }
        None => refused.into_iter().for_each(|call| draft.act(call)),
    }
}

/// How many of these labels one call holds: a request has 64,000 bytes (clarification 16), and the rest of it is small.
fn in_one_call(labels: &[&Label]) -> usize {
    let mut bytes = 0;
    let fits = labels.iter().take_while(|label| {
        bytes += serde_json::to_string(&label.box_code).map_or(0, |code| code.len() + 1);
        bytes <= 60_000
    });
    fits.count()
}

/// The labels that can ship. They wait for their AWB.
fn groups<'l>(draft: &mut Draft<'_>, line: &LineId, labels: &[&'l Label]) -> BTreeMap<Group, Vec<&'l Label>> {
    let mut groups: BTreeMap<Group, Vec<&Label>> = BTreeMap::new();
    let mut reserved: BTreeMap<&str, Vec<&Label>> = BTreeMap::new();
    for label in labels {
        let Some(awb) = blank(label.awb.as_deref()) else { continue };
        if !fits(draft, line, label) {
            continue;
        }
        if let Some(lot) = blank(label.lot_number.as_deref()).filter(|lot| is_komets_lot(lot)) {
            reserved.entry(lot).or_default().push(label);
            continue;
        }
        let text = |value: &Option<String>| blank(value.as_deref()).unwrap_or_default().to_owned();
        let group = (label.ship_date, awb.to_owned(), text(&label.house_awb), text(&label.lot_number));
        groups.entry(group).or_default().push(label);
    }
    for (lot, labels) in reserved {
        ask_about_reserved(draft, line, lot, &labels);
    }
    groups
}

/// Whether Komet hands out the lot number itself, and refuses it from others.
pub(crate) fn is_komets_lot(lot: &str) -> bool {
    lot.parse::<u64>().is_ok_and(|number| KOMET_LOTS.contains(&number))
}

/// A lot number in Komet's own range would be refused.
fn ask_about_reserved(draft: &mut Draft<'_>, line: &LineId, lot: &str, labels: &[&Label]) {
    // Of further labels of that lot a person knows nothing yet.
    let cause = format!("{lot} {}", unbought::codes_of(labels));
    let _ = draft.ask(HoldReason::ReservedLotNumber, Some(line), &cause, || {
        format!(
            "lot number {lot} lies in Komet's own range (1000 to 99999). Give the lot another number in Axerrio."
        )
    });
}
