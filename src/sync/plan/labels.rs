//! From labels to boxes. A printed label's code becomes the code of a box in Komet: by shipping the PO line with it,
//! or, where Komet has boxes already, by changing their codes. Axerrio owns codes, lots and AWBs; what changes after
//! a box has shipped cannot be written any more, except its code, and is held.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::links::parts_in_red;
use super::{codes, twice, unbought};
use crate::domain::{
    AgreedBox, BOX_CODE, CodeChange, HoldReason, Label, LabelStatus, LineId, PoBox, PoItemId, PoLink, PoNumber,
    Shipment, blank, current_labels, quoted,
};
use crate::sync::action::{Action, ChangeCode, ShipBoxes};

/// Komet hands out lot numbers of this range itself and refuses them from others.
const KOMET_LOTS: std::ops::RangeInclusive<u64> = 1000..=99_999;

pub(super) fn plan(draft: &mut Draft<'_>) {
    ask_for_unmapped(draft);
    unbought::ask_about_labels_of_no_line(draft);
    let mut by_line: BTreeMap<&LineId, Vec<&Label>> = BTreeMap::new();
    for label in &draft.order.axerrio.labels {
        by_line.entry(&label.line_id).or_default().push(label);
    }
    // Of a line that has shipped all labels may be another's by now.
    for shipped in draft.order.agreed.boxes.values() {
        by_line.entry(&shipped.line).or_default();
    }
    let doubled = codes::doubled_labels(&by_line, &draft.agreed.boxes);
    let (mut changes, mut unshipped) = (Vec::new(), Vec::new());
    for (line, labels) in by_line {
        let waiting = plan_line(draft, line, &labels, &doubled, &mut changes);
        unshipped.push((line, waiting));
    }
    let given_up = codes::change(draft, changes);
    for (line, mut labels) in unshipped {
        labels.retain(|label| codes::is_free(draft, line, label, &given_up));
        if !labels.is_empty() {
            ship_line(draft, line, &labels);
        }
    }
}

/// Komet refuses labels of products it does not know; says so as soon as it shows.
fn ask_for_unmapped(draft: &mut Draft<'_>) {
    if draft.order.flow == crate::domain::Flow::FromKomet {
        return;
    }
    // Nobody waits for what the order no longer wants.
    let is_wanted = |id: &LineId| {
        let order = draft.order.axerrio.order.as_ref();
        order.is_none_or(|order| {
            !order.status.is_off() && order.lines.iter().any(|line| line.id == *id && line.terms.boxes > 0)
        })
    };
    let unmapped: Vec<(LineId, String, String)> = draft
        .agreed
        .lines
        .iter()
        .filter(|(id, _)| is_wanted(id))
        .filter_map(|(id, line)| {
            let item = draft.item(&line.item.as_ref()?.item).filter(|i| i.is_alive())?;
            (!item.terms.is_mapped() && !is_mapped_on_po(draft, id))
                .then(|| (id.clone(), line.terms.product.description.clone(), line.terms.product.code.clone()))
        })
        .collect();
    for (line, product, code) in unmapped {
        ask_for_mapping(draft, &line, &product, Some(&code));
    }
}

/// Mapping need not touch a Prebook's changed-since, so the PO may know first (clarification 14).
fn is_mapped_on_po(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.alive_po_links(line);
    let mut shown = links.iter().filter_map(|link| draft.po_line(&link.line)).peekable();
    shown.peek().is_some() && shown.all(|(_, po_line)| po_line.terms.is_mapped())
}

/// Holds a line until somebody tells Komet the product.
pub(super) fn ask_for_mapping(draft: &mut Draft<'_>, line: &LineId, product: &str, code: Option<&str>) {
    let cause = code.unwrap_or(product).to_owned();
    let mut unknown = unknown_parts(draft, line);
    // From approval on the line is not made anew, and a local map is of no use.
    let is_decided = draft.is_line_decided(line);
    if !is_decided {
        let is_mapped = |code: &String| draft.rules.mapped_product(code).is_some();
        unknown.retain(|(_, code)| !code.as_ref().is_some_and(is_mapped));
    }
    if unknown.is_empty() {
        unknown.push((product.to_owned(), code.map(str::to_owned)));
    }
    let _ = draft.ask(HoldReason::UnmappedProduct, Some(line), &cause, || {
        let names: Vec<String> =
            unknown.iter().map(|(product, _)| format!("\u{201c}{product}\u{201d}")).collect();
        let codes = unknown.iter().filter_map(|(_, code)| code.as_ref()).filter(|code| !is_decided && !code.trim().is_empty());
        let local: Vec<String> =
            codes.map(|code| format!(", or run: stemsync map product set {} KOMET-ID", quoted(code))).collect();
        let late = if is_decided { " Its PO is approved: a local map comes too late for it." } else { "" };
        format!(
            "Komet does not know {}. Map it in Komet's Prebook Summary (shown in red){local}. stemsync goes on by itself then.{late}",
            names.join(", "),
            local = local.concat(),
        )
    });
}

/// The parts of a mixed box that Komet does not know: what they are called, and their codes in Axerrio where these are known.
fn unknown_parts(draft: &Draft<'_>, line: &LineId) -> Vec<(String, Option<String>)> {
    let Some(agreed) = draft.agreed.lines.get(line) else { return Vec::new() };
    let Some(item) = agreed.item.as_ref().and_then(|link| draft.item(&link.item)) else { return Vec::new() };
    parts_in_red(item, &agreed.terms)
        .map(|(shown, part)| {
            let part = part.filter(|_| draft.order.flow == crate::domain::Flow::FromAxerrio);
            (shown.product.description.clone(), part.map(|part| part.product.code.clone()))
        })
        .collect()
}

/// A box that Komet has, with the PO line it is on.
struct Shown<'a> {
    po: &'a PoNumber,
    line: &'a PoItemId,
    seen: &'a PoBox,
}

/// Plans the codes of the boxes that a line has; answers the labels for which it has none.
fn plan_line<'l>(
    draft: &mut Draft<'_>,
    line: &LineId,
    labels: &[&'l Label],
    doubled: &codes::Doubled<'_>,
    changes: &mut Vec<ChangeCode>,
) -> Vec<&'l Label> {
    let links = draft.alive_po_links(line);
    // Boxes that have shipped are there, also where procurement takes its approval back.
    let boxes: Vec<Shown<'_>> = links
        .iter()
        .filter_map(|link| draft.po_line(&link.line))
        .flat_map(|(po, l)| l.boxes.iter().map(move |b| Shown { po: &po.number, line: &l.id, seen: b }))
        .collect();
    let current = current_labels(labels);
    judge_moved_voids(draft, line, &current);
    let mut printed: Vec<&Label> =
        current.values().copied().filter(|l| l.status == LabelStatus::Printed).collect();
    let is_borne = |code: &str| boxes.iter().any(|b| b.seen.code == code);
    printed.retain(|label| {
        if is_borne(&label.box_code) && !doubled.contains_key(&(line, label.box_number)) {
            // Its box is there already, whoever else has the code.
            return true;
        }
        codes::is_its_own(draft, line, label, doubled)
    });
    let mut free: Vec<&Shown<'_>> = boxes.iter().collect();
    let mut waiting = Vec::new();
    // A label whose code a box bears is done; one whose box bears its former code is a reprint.
    for label in &printed {
        if let Some(at) = free.iter().position(|b| b.seen.code == label.box_code) {
            let shown = free.remove(at);
            recognise(draft, line, label, shown.seen);
        }
    }
    for label in printed {
        if is_borne(&label.box_code) {
            codes::is_unique_in_komet(draft, line, &label.box_code);
            continue;
        }
        let bore = |code: &str| {
            numbers_of(draft, line, labels, code).is_some_and(|numbers| numbers.contains(&label.box_number))
        };
        let former = free.iter().position(|b| bore(&b.seen.code));
        match former {
            Some(at) => {
                let shown = free.remove(at);
                changes.extend(change_code(draft, line, label, shown));
            }
            None => waiting.push(label),
        }
    }
    // Codes that Komet made itself are replaced, and those of boxes whose present label another box bears already, but never
    // those of boxes whose label is merely void.
    let (mut free, mut left): (Vec<&Shown<'_>>, Vec<&Shown<'_>>) = free.into_iter().partition(|b| {
        let former = numbers_of(draft, line, labels, &b.seen.code);
        let is_elsewhere = |number: &u32| {
            let label = current.get(number).filter(|label| label.status == LabelStatus::Printed);
            let is_its_own = !doubled.contains_key(&(line, *number));
            is_its_own && label.is_some_and(|label| is_borne(&label.box_code))
        };
        former.is_some_and(|numbers| numbers.iter().all(is_elsewhere))
    });
    // What has shipped before, and was given another code by hand since, gets a box before any other, and of its own lot if there is
    // one.
    waiting.sort_by_key(|label| !draft.agreed.boxes.contains_key(&label.box_code));
    let mut unshipped = Vec::new();
    for label in waiting {
        let lot = blank(label.lot_number.as_deref());
        let is_its_lot = |b: &&Shown<'_>| lot.is_some() && blank(b.seen.lot_number.as_deref()) == lot;
        if free.is_empty() {
            unshipped.push(label);
            continue;
        }
        let shown = free.remove(free.iter().position(is_its_lot).unwrap_or(0));
        changes.extend(change_code(draft, line, label, shown));
    }
    left.extend(free);
    judge_left_boxes(draft, line, labels, &current, (&left, &boxes));
    unshipped
}

/// Ships labels for which the line has no box yet, if it may.
fn ship_line(draft: &mut Draft<'_>, line: &LineId, unshipped: &[&Label]) {
    if unbought::was_taken_off(draft, line) {
        unbought::ask_about_labels_of_nothing(draft, line, unshipped);
    } else if may_ship(draft, line) {
        let mut links = draft.alive_po_links(line);
        links.retain(|link| draft.po_status(link).can_ship());
        ship(draft, line, &links, unshipped);
    }
}

/// Which boxes of the line bore this code before: by what was agreed, else by their labels. `None`: another line's did.
fn numbers_of(draft: &Draft<'_>, line: &LineId, labels: &[&Label], code: &str) -> Option<BTreeSet<u32>> {
    match draft.agreed.boxes.get(code) {
        Some(agreed) => (agreed.line == *line).then(|| BTreeSet::from([agreed.box_number])),
        None => Some(labels.iter().filter(|label| label.box_code == code).map(|label| label.box_number).collect()),
    }
}

/// Remembers which label a shipped box bears, and holds what changed on it since.
fn recognise(draft: &mut Draft<'_>, line: &LineId, label: &Label, shown: &PoBox) {
    let known = draft.agreed.boxes.entry(label.box_code.clone()).or_insert_with(|| {
        // Komet's lot tells a box that stemsync gave its code by a change which nobody confirmed.
        let lot = blank(shown.lot_number.as_deref());
        let is_komets = lot.is_some_and(is_komets_lot) && lot != blank(label.lot_number.as_deref());
        if is_komets {
            AgreedBox::shipped_by_komet(line.clone(), label.box_number)
        } else {
            let lot_number = lot.map(str::to_owned).or_else(|| label.lot_number.clone());
            AgreedBox { lot_number, ..agreed_box(line, label) }
        }
    });
    known.line = line.clone();
    known.box_number = label.box_number;
    let known = known.clone();
    let mut changed = Vec::new();
    if known.awb.is_some() && blank(known.awb.as_deref()) != blank(label.awb.as_deref()) {
        changed.push("AWB");
    }
    if known.awb.is_some() && blank(known.house_awb.as_deref()) != blank(label.house_awb.as_deref()) {
        changed.push("house AWB");
    }
    if known.awb.is_some() && blank(known.lot_number.as_deref()) != blank(label.lot_number.as_deref()) {
        changed.push("lot number");
    }
    if changed.is_empty() {
        return;
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cause =
        format!("{} {} {} {}", label.box_code, text(&label.awb), text(&label.house_awb), text(&label.lot_number));
    let _ = draft.ask(HoldReason::LabelChangedAfterShipping, Some(line), &cause, || {
        format!(
            "{} of box {} changed in Axerrio after it shipped; Komet cannot be told. Correct it in Komet by hand, then dismiss \
             this.",
            changed.join(", "),
            label.box_code
        )
    });
}

fn agreed_box(line: &LineId, label: &Label) -> AgreedBox {
    AgreedBox {
        line: line.clone(),
        box_number: label.box_number,
        awb: label.awb.clone(),
        house_awb: label.house_awb.clone(),
        lot_number: label.lot_number.clone(),
    }
}

/// Boxes of the line that have shipped under a label which is withdrawn, or another box's by now: `left` are those that no label
/// claims.
fn judge_left_boxes(
    draft: &mut Draft<'_>,
    line: &LineId,
    labels: &[&Label],
    current: &BTreeMap<u32, &Label>,
    (left, boxes): (&[&Shown<'_>], &[Shown<'_>]),
) {
    let is_borne = |label: &&Label| boxes.iter().any(|b| b.seen.code == label.box_code);
    let is_withdrawn = |number: &u32| match current.get(number) {
        Some(label) if label.status == LabelStatus::Printed => is_borne(label),
        _ => true,
    };
    for shown in left {
        let numbers = numbers_of(draft, line, labels, &shown.seen.code).unwrap_or_default();
        let Some(number) = numbers.first().filter(|_| numbers.iter().all(is_withdrawn)) else { continue };
        ask_about_void(draft, line, *number, &shown.seen.code);
    }
}

/// The same of boxes that went to another ship date with their item, and are shown there.
fn judge_moved_voids(draft: &mut Draft<'_>, line: &LineId, current: &BTreeMap<u32, &Label>) {
    let item = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
    if !item.is_some_and(|link| draft.order.items_elsewhere.contains(&link.item)) {
        return;
    }
    for label in current.values().filter(|label| label.status == LabelStatus::Void) {
        let mut shipped = draft.agreed.boxes.values();
        if shipped.any(|agreed| agreed.line == *line && agreed.box_number == label.box_number) {
            ask_about_void(draft, line, label.box_number, &label.box_code);
        }
    }
}

fn ask_about_void(draft: &mut Draft<'_>, line: &LineId, number: u32, code: &str) {
    let _ = draft.ask(HoldReason::VoidLabel, Some(line), &codes::cause(number, code), || {
        format!(
            "the label of box {code} was withdrawn in Axerrio after it shipped. Take the box out in Komet by hand, then dismiss \
             this."
        )
    });
}

fn change_code(draft: &mut Draft<'_>, line: &LineId, label: &Label, shown: &Shown<'_>) -> Option<ChangeCode> {
    let is_unique = codes::is_unique_in_komet(draft, line, &shown.seen.code);
    (is_unique && fits(draft, line, label)).then(|| ChangeCode {
        line: line.clone(),
        number: shown.po.clone(),
        po_item: shown.line.clone(),
        box_number: label.box_number,
        change: CodeChange { current: shown.seen.code.clone(), new: label.box_code.clone() },
    })
}

/// Komet's box codes have 20 characters.
fn fits(draft: &mut Draft<'_>, line: &LineId, label: &Label) -> bool {
    let length = label.box_code.chars().count();
    if (1..=20).contains(&length) {
        return true;
    }
    let cause = format!("{BOX_CODE}{}", label.box_code);
    let _ = draft.ask(HoldReason::FieldTooLong, Some(line), &cause, || {
        format!(
            "the box code of box {} has {length} characters, Komet holds 1 to 20. Reprint it in Axerrio.",
            label.box_number
        )
    });
    false
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
    if draft.order.flow == crate::domain::Flow::FromKomet {
        ask_for_mapping(draft, line, &bought.terms.product.description, None);
    } else if let Some(product) = draft.agreed.lines.get(line).map(|l| l.terms.product.clone()) {
        ask_for_mapping(draft, line, &product.description, Some(&product.code));
    }
    false
}

/// What travels in one call: the ship date, AWB, house AWB and lot.
type Group = (chrono::NaiveDate, String, String, String);

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
