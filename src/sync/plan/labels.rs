//! From labels to boxes. A printed label's code becomes the code of a box in Komet: by shipping the PO line with it (`ship`),
//! or, where Komet has boxes already, by changing their codes. Axerrio owns codes, lots and AWBs; what changes after
//! a box has shipped cannot be written any more, except its code, and is held.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::ship::{self, is_komets_lot};
use super::{codes, unbought, unmapped};
use crate::domain::{
    AgreedBox, CodeChange, HoldReason, Label, LabelStatus, LineId, PoBox, PoItemId, PoNumber, blank,
    current_labels,
};
use crate::sync::action::ChangeCode;

pub(super) fn plan(draft: &mut Draft<'_>) {
    unmapped::ask_for_unmapped(draft);
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
    let borne = codes::borne(draft.order);
    let (mut changes, mut unshipped) = (Vec::new(), Vec::new());
    for (line, labels) in by_line {
        let waiting = plan_line(draft, line, &labels, (&doubled, &borne), &mut changes);
        unshipped.push((line, waiting));
    }
    let given_up = codes::change(draft, &borne, changes);
    for (line, mut labels) in unshipped {
        labels.retain(|label| codes::is_free(draft, line, label, &borne, &given_up));
        if !labels.is_empty() {
            ship::ship_line(draft, line, &labels);
        }
    }
}

/// A box that Komet has, with the PO line it is on.
struct Shown<'a> {
    po: &'a PoNumber,
    line: &'a PoItemId,
    seen: &'a PoBox,
}

/// Boxes of a line of which none was given a label yet, in their order: each is taken once. An order may have thousands.
struct Free<'s, 'a>(BTreeMap<usize, &'s Shown<'a>>);

impl<'s, 'a> Free<'s, 'a> {
    /// Takes the first of these boxes that is still there.
    fn take(&mut self, of: Option<&BTreeSet<usize>>) -> Option<&'s Shown<'a>> {
        let at = of?.iter().find(|at| self.0.contains_key(at)).copied()?;
        self.0.remove(&at)
    }
}

/// The numbers that the labels of a line give to each code.
type Numbers<'l> = BTreeMap<&'l str, BTreeSet<u32>>;

/// Plans the codes of the boxes that a line has; answers the labels for which it has none.
fn plan_line<'l>(
    draft: &mut Draft<'_>,
    line: &LineId,
    labels: &[&'l Label],
    (doubled, in_komet): (&codes::Doubled<'_>, &codes::Borne<'_>),
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
    let mut numbers = Numbers::new();
    for label in labels {
        numbers.entry(&label.box_code).or_default().insert(label.box_number);
    }
    let mut by_code: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, shown) in boxes.iter().enumerate() {
        by_code.entry(&shown.seen.code).or_default().insert(at);
    }
    let mut printed: Vec<&Label> =
        current.values().copied().filter(|l| l.status == LabelStatus::Printed).collect();
    let is_borne = |code: &str| by_code.contains_key(code);
    printed.retain(|label| {
        if is_borne(&label.box_code) && !doubled.contains_key(&(line, label.box_number)) {
            // Its box is there already, whoever else has the code.
            return true;
        }
        codes::is_its_own(draft, line, label, doubled)
    });
    let mut free = Free(boxes.iter().enumerate().collect());
    let mut waiting = Vec::new();
    // A label whose code a box bears is done; one whose box bears its former code is a reprint.
    for label in &printed {
        if let Some(shown) = free.take(by_code.get(label.box_code.as_str())) {
            recognise(draft, line, label, shown.seen);
        }
    }
    let mut by_number: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (at, shown) in &free.0 {
        for number in numbers_of(draft, line, &numbers, &shown.seen.code).unwrap_or_default() {
            by_number.entry(number).or_default().insert(*at);
        }
    }
    for label in printed {
        if is_borne(&label.box_code) {
            codes::is_unique_in_komet(draft, line, in_komet, &label.box_code);
            continue;
        }
        match free.take(by_number.get(&label.box_number)) {
            Some(shown) => changes.extend(change_code(draft, line, in_komet, label, shown)),
            None => waiting.push(label),
        }
    }
    // Codes that Komet made itself are replaced, and those of boxes whose present label another box bears already, but never
    // those of boxes whose label is merely void.
    let (free, mut left): (BTreeMap<_, _>, BTreeMap<_, _>) = free.0.into_iter().partition(|(_, b)| {
        let former = numbers_of(draft, line, &numbers, &b.seen.code);
        let is_elsewhere = |number: &u32| {
            let label = current.get(number).filter(|label| label.status == LabelStatus::Printed);
            let is_its_own = !doubled.contains_key(&(line, *number));
            is_its_own && label.is_some_and(|label| is_borne(&label.box_code))
        };
        former.is_some_and(|numbers| numbers.iter().all(is_elsewhere))
    });
    let mut free = Free(free);
    let mut by_lot: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, shown) in &free.0 {
        if let Some(lot) = blank(shown.seen.lot_number.as_deref()) {
            by_lot.entry(lot).or_default().insert(*at);
        }
    }
    // What has shipped before, and was given another code by hand since, gets a box before any other, and of its own lot if there is
    // one.
    waiting.sort_by_key(|label| !draft.agreed.boxes.contains_key(&label.box_code));
    let mut unshipped = Vec::new();
    for label in waiting {
        let of_its_lot = blank(label.lot_number.as_deref()).and_then(|lot| by_lot.get(lot));
        match free.take(of_its_lot).or_else(|| free.0.pop_first().map(|(_, shown)| shown)) {
            Some(shown) => changes.extend(change_code(draft, line, in_komet, label, shown)),
            None => unshipped.push(label),
        }
    }
    left.extend(free.0);
    let left: Vec<&Shown<'_>> = left.into_values().collect();
    let is_withdrawn = |number: &u32| match current.get(number) {
        Some(label) if label.status == LabelStatus::Printed => is_borne(&label.box_code),
        _ => true,
    };
    judge_left_boxes(draft, line, &numbers, &left, is_withdrawn);
    unshipped
}

/// Which boxes of the line bore this code before: by what was agreed, else by their labels. `None`: another line's did.
fn numbers_of(draft: &Draft<'_>, line: &LineId, labels: &Numbers<'_>, code: &str) -> Option<BTreeSet<u32>> {
    match draft.agreed.boxes.get(code) {
        Some(agreed) => (agreed.line == *line).then(|| BTreeSet::from([agreed.box_number])),
        None => Some(labels.get(code).cloned().unwrap_or_default()),
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
    labels: &Numbers<'_>,
    left: &[&Shown<'_>],
    is_withdrawn: impl Fn(&u32) -> bool,
) {
    for shown in left {
        let numbers = numbers_of(draft, line, labels, &shown.seen.code).unwrap_or_default();
        let Some(number) = numbers.first().filter(|_| numbers.iter().all(&is_withdrawn)) else { continue };
        ask_about_void(draft, line, *number, &shown.seen.code);
    }
}

/// The same of boxes that went to another ship date with their item, and are shown there.
fn judge_moved_voids(draft: &mut Draft<'_>, line: &LineId, current: &BTreeMap<u32, &Label>) {
    let item = draft.agreed.lines.get(line).and_then(|agreed| agreed.item.as_ref());
    if !item.is_some_and(|link| draft.order.items_elsewhere.contains(&link.item)) {
        return;
    }
    let shipped = draft.agreed.boxes.values().filter(|agreed| agreed.line == *line);
    let shipped: BTreeSet<u32> = shipped.map(|agreed| agreed.box_number).collect();
    for label in current.values().filter(|label| label.status == LabelStatus::Void) {
        if shipped.contains(&label.box_number) {
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

fn change_code(
    draft: &mut Draft<'_>,
    line: &LineId,
    in_komet: &codes::Borne<'_>,
    label: &Label,
    shown: &Shown<'_>,
) -> Option<ChangeCode> {
    let is_unique = codes::is_unique_in_komet(draft, line, in_komet, &shown.seen.code);
    (is_unique && codes::fits(draft, line, label)).then(|| ChangeCode {
        line: line.clone(),
        number: shown.po.clone(),
        po_item: shown.line.clone(),
        box_number: label.box_number,
        change: CodeChange { current: shown.seen.code.clone(), new: label.box_code.clone() },
    })
}
