//! From labels to boxes. A printed label's code becomes the code of a box in Komet: by shipping the PO line with it,
//! or, where Komet has boxes already, by changing their codes. Axerrio owns codes, lots and AWBs; what changes after
//! a box has shipped cannot be written any more, except its code, and is held.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::links::parts_in_red;
use super::{twice, unbought};
use crate::domain::{
    AgreedBox, BOX_CODE, CodeChange, HoldReason, Label, LabelStatus, LineId, PoBox, PoItemId, PoLink, PoNumber,
    Shipment, blank, quoted,
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
    let doubled = doubled_labels(&by_line, &draft.agreed.boxes);
    let mut changes = Vec::new();
    for (line, labels) in by_line {
        plan_line(draft, line, &labels, &doubled, &mut changes);
    }
    carry_out(draft, changes);
}

/// Changes codes. One that another box of the order bears waits until that box has given it up; where it does not, a person must
/// look: Komet would refuse it, or have two boxes of one code.
fn carry_out(draft: &mut Draft<'_>, changes: Vec<ChangeCode>) {
    let lines = draft.order.komet.purchase_orders.iter().flat_map(|po| &po.lines);
    let borne: BTreeSet<&str> = lines.flat_map(|line| &line.boxes).map(|shown| shown.code.as_str()).collect();
    let (free, mut taken): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| !borne.contains(change.change.new.as_str()));
    let mut given_up = BTreeSet::new();
    for change in free {
        let action = Action::ChangeCode(change.clone());
        if !draft.was_refused(&action) {
            given_up.insert(change.change.current);
        }
        draft.act(action);
    }
    loop {
        let (waits, stuck): (Vec<_>, Vec<_>) =
            taken.into_iter().partition(|change| given_up.contains(&change.change.new));
        taken = stuck;
        if waits.is_empty() {
            break;
        }
        given_up.extend(waits.into_iter().map(|change| change.change.current));
    }
    for ChangeCode { line, box_number, change, .. } in taken {
        let cause = format!("box {box_number} {}", change.new);
        let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(&line), &cause, || {
            format!(
                "box {box_number} has the code {}, which another box of the order still has in Komet; there it is {}. Reprint one of \
                 them in Axerrio.",
                change.new, change.current
            )
        });
    }
}

/// Boxes whose current label bears the code of another box of the order: the later ones of each code, with the box that
/// has it already, or first.
type Doubled<'l> = BTreeMap<(&'l LineId, u32), (&'l LineId, u32)>;

fn doubled_labels<'l>(
    by_line: &BTreeMap<&'l LineId, Vec<&'l Label>>,
    boxes: &BTreeMap<String, AgreedBox>,
) -> Doubled<'l> {
    let mut by_code: BTreeMap<&str, Vec<(&LineId, u32)>> = BTreeMap::new();
    for (line, labels) in by_line {
        for (number, label) in current_labels(labels) {
            if label.status == LabelStatus::Printed {
                by_code.entry(&label.box_code).or_default().push((line, number));
            }
        }
    }
    let mut doubled = Doubled::new();
    for (code, bearers) in by_code.into_iter().filter(|(_, bearers)| bearers.len() > 1) {
        let shipped = |(line, number): &(&LineId, u32)| {
            boxes.get(code).is_some_and(|known| known.line == **line && known.box_number == *number)
        };
        let first = bearers.iter().copied().find(shipped).unwrap_or(bearers[0]);
        doubled.extend(bearers.into_iter().filter(|bearer| *bearer != first).map(|bearer| (bearer, first)));
    }
    doubled
}

/// The box waits until its label is printed anew with a code of its own.
fn ask_about_doubled(draft: &mut Draft<'_>, line: &LineId, label: &Label, other: (&LineId, u32)) {
    let (other_line, other_number) = other;
    let cause = format!("box {} {}", label.box_number, label.box_code);
    let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(line), &cause, || {
        format!(
            "box {} has the code {}, which is also that of box {other_number} of line {other_line}. Reprint one of them in \
             Axerrio; until then this box has no label in Komet.",
            label.box_number, label.box_code
        )
    });
}

/// Komet refuses labels of products it does not know; says so as soon as it shows.
fn ask_for_unmapped(draft: &mut Draft<'_>) {
    if draft.order.flow == crate::domain::Flow::FromKomet {
        return;
    }
    let unmapped: Vec<(LineId, String, String)> = draft
        .agreed
        .lines
        .iter()
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
        format!(
            "Komet does not know {}. Map it in Komet's Prebook Summary (shown in red){local}. stemsync goes on by itself then.",
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

fn plan_line(
    draft: &mut Draft<'_>,
    line: &LineId,
    labels: &[&Label],
    doubled: &Doubled<'_>,
    changes: &mut Vec<ChangeCode>,
) {
    let mut links = draft.alive_po_links(line);
    // Boxes that have shipped are there, also where procurement takes its approval back.
    let boxes: Vec<Shown<'_>> = links
        .iter()
        .filter_map(|link| draft.po_line(&link.line))
        .flat_map(|(po, l)| l.boxes.iter().map(move |b| Shown { po: &po.number, line: &l.id, seen: b }))
        .collect();
    links.retain(|link| draft.po_status(link).can_ship());
    let current = current_labels(labels);
    judge_voids(draft, line, &current, &boxes);
    let mut printed: Vec<&Label> =
        current.values().copied().filter(|l| l.status == LabelStatus::Printed).collect();
    printed.retain(|label| {
        let other = doubled.get(&(line, label.box_number)).copied();
        if let Some(other) = other {
            ask_about_doubled(draft, line, label, other);
        }
        other.is_none()
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
        if boxes.iter().any(|b| b.seen.code == label.box_code) {
            continue;
        }
        let bore = |code: &str| {
            numbers_of(draft, line, labels, code).is_some_and(|numbers| numbers.contains(&label.box_number))
        };
        let former = free.iter().position(|b| bore(&b.seen.code));
        match former {
            Some(at) => {
                let shown = free.remove(at);
                changes.extend(change_code(draft, line, label, shown, &boxes));
            }
            None => waiting.push(label),
        }
    }
    // Codes that Komet made itself are replaced, and those of boxes whose present label another box bears already, but never
    // those of boxes whose label is merely void.
    free.retain(|b| {
        let former = numbers_of(draft, line, labels, &b.seen.code);
        let is_elsewhere = |number: &u32| {
            let label = current.get(number).filter(|label| label.status == LabelStatus::Printed);
            let is_its_own = !doubled.contains_key(&(line, *number));
            is_its_own && label.is_some_and(|label| boxes.iter().any(|b| b.seen.code == label.box_code))
        };
        former.is_some_and(|numbers| numbers.iter().all(is_elsewhere))
    });
    let mut free = free.into_iter();
    let mut unshipped = Vec::new();
    for label in waiting {
        match free.next() {
            Some(shown) => changes.extend(change_code(draft, line, label, shown, &boxes)),
            None => unshipped.push(label),
        }
    }
    if unshipped.is_empty() {
        return;
    }
    if unbought::was_taken_off(draft, line) {
        unbought::ask_about_labels_of_nothing(draft, line, &unshipped);
    } else if may_ship(draft, line) {
        ship(draft, line, &links, &unshipped);
    }
}

/// Which boxes of the line bore this code before: by what was agreed, else by their labels. `None`: another line's did.
fn numbers_of(draft: &Draft<'_>, line: &LineId, labels: &[&Label], code: &str) -> Option<BTreeSet<u32>> {
    match draft.agreed.boxes.get(code) {
        Some(agreed) => (agreed.line == *line).then(|| BTreeSet::from([agreed.box_number])),
        None => Some(labels.iter().filter(|label| label.box_code == code).map(|label| label.box_number).collect()),
    }
}

/// The label that counts for each box: the latest printed one, else a void one (clarification 10: a reprint may have
/// the same label id or a new one).
pub(crate) fn current_labels<'a>(labels: &[&'a Label]) -> BTreeMap<u32, &'a Label> {
    // Of two printed in the same instant the one with the higher number is the reprint.
    let rank = |l: &Label| (l.status == LabelStatus::Printed, l.changed_at, l.id.0.len(), l.id.clone());
    let mut current: BTreeMap<u32, &'a Label> = BTreeMap::new();
    for &label in labels {
        current
            .entry(label.box_number)
            .and_modify(|best| {
                if rank(label) > rank(best) {
                    *best = label;
                }
            })
            .or_insert(label);
    }
    current
}

/// Remembers which label a shipped box bears, and holds what changed on it since.
fn recognise(draft: &mut Draft<'_>, line: &LineId, label: &Label, shown: &PoBox) {
    let Some(known) = draft.agreed.boxes.get_mut(&label.box_code) else {
        // Komet's lot tells a box that stemsync gave its code by a change which nobody confirmed.
        let lot = blank(shown.lot_number.as_deref());
        let is_komets = lot.is_some_and(is_komets_lot) && lot != blank(label.lot_number.as_deref());
        let known = if is_komets {
            AgreedBox::shipped_by_komet(line.clone(), label.box_number)
        } else {
            agreed_box(line, label)
        };
        draft.agreed.boxes.insert(label.box_code.clone(), known);
        return;
    };
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

/// A withdrawn label whose box is in Komet already.
fn judge_voids(draft: &mut Draft<'_>, line: &LineId, current: &BTreeMap<u32, &Label>, boxes: &[Shown<'_>]) {
    let item = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
    // An item that moved to another ship date has taken its PO line there, and the boxes that are on it.
    let has_moved = item.is_some_and(|link| draft.order.items_elsewhere.contains(&link.item));
    for label in current.values().filter(|l| l.status == LabelStatus::Void) {
        let shipped = draft.agreed.boxes.iter().any(|(code, agreed)| {
            agreed.line == *line
                && agreed.box_number == label.box_number
                && (has_moved || boxes.iter().any(|b| b.seen.code == *code))
        });
        // Of two labels of one code the box is the other's.
        let is_others = draft
            .agreed
            .boxes
            .get(&label.box_code)
            .is_some_and(|agreed| (&agreed.line, agreed.box_number) != (line, label.box_number));
        if shipped || !is_others && boxes.iter().any(|b| b.seen.code == label.box_code) {
            let cause = format!("box {} {}", label.box_number, label.box_code);
            let _ = draft.ask(HoldReason::VoidLabel, Some(line), &cause, || {
                format!(
                    "the label of box {} was withdrawn in Axerrio after it shipped. Take the box out in Komet by hand, then \
                     dismiss this.",
                    label.box_code
                )
            });
        }
    }
}

fn change_code(
    draft: &mut Draft<'_>,
    line: &LineId,
    label: &Label,
    shown: &Shown<'_>,
    boxes: &[Shown<'_>],
) -> Option<ChangeCode> {
    let is_unique = is_unique_in_komet(draft, line, label, shown, boxes);
    (is_unique && fits(draft, line, label)).then(|| ChangeCode {
        line: line.clone(),
        number: shown.po.clone(),
        po_item: shown.line.clone(),
        box_number: label.box_number,
        change: CodeChange { current: shown.seen.code.clone(), new: label.box_code.clone() },
    })
}

/// Komet finds the box whose code changes by its code.
fn is_unique_in_komet(
    draft: &mut Draft<'_>,
    line: &LineId,
    label: &Label,
    shown: &Shown<'_>,
    boxes: &[Shown<'_>],
) -> bool {
    let code = &shown.seen.code;
    let is_unique = boxes.iter().filter(|other| other.seen.code == *code).nth(1).is_none();
    if !is_unique {
        let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(line), &format!("in Komet {code}"), || {
            format!(
                "Komet shows the code {code} on several boxes of the line, one of which is to have the code {}. Put their codes right \
                 in Komet by hand (this clears itself then).",
                label.box_code
            )
        });
    }
    is_unique
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
    let in_question = twice::in_question(draft, line);
    let open = links.iter().filter(|link| !in_question.contains(&link.line)).find_map(|link| {
        let (po, po_line) = draft.po_line(&link.line)?;
        po_line.boxes.is_empty().then(|| (po.number.clone(), po_line.id.clone(), po_line.terms.boxes as usize))
    });
    let Some((number, po_item, room)) = open else {
        unbought::ask_about_surplus(draft, line, links, labels);
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
    for label in labels {
        let Some(awb) = blank(label.awb.as_deref()) else { continue };
        if !fits(draft, line, label) || is_reserved(draft, line, label) {
            continue;
        }
        let text = |value: &Option<String>| blank(value.as_deref()).unwrap_or_default().to_owned();
        let group = (label.ship_date, awb.to_owned(), text(&label.house_awb), text(&label.lot_number));
        groups.entry(group).or_default().push(label);
    }
    groups
}

/// Whether Komet hands out the lot number itself, and refuses it from others.
pub(crate) fn is_komets_lot(lot: &str) -> bool {
    lot.parse::<u64>().is_ok_and(|number| KOMET_LOTS.contains(&number))
}

/// A lot number in Komet's own range would be refused.
fn is_reserved(draft: &mut Draft<'_>, line: &LineId, label: &Label) -> bool {
    let Some(lot) = blank(label.lot_number.as_deref()).filter(|lot| is_komets_lot(lot)) else { return false };
    let _ = draft.ask(HoldReason::ReservedLotNumber, Some(line), lot, || {
        format!(
            "lot number {lot} lies in Komet's own range (1000 to 99999). Give the lot another number in Axerrio."
        )
    });
    true
}
