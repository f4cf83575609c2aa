//! A box is known by its code, and Komet finds a box by it: no code is put on two boxes, and none is changed that two bear. Whether
//! Komet refuses a code that is there already is not documented.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use crate::domain::{AgreedBox, BOX_CODE, HoldReason, Label, LabelStatus, LineId, Order, current_labels};
use crate::sync::action::{Action, ChangeCode};

/// Boxes whose current label bears the code of another box of the order: the later ones of each code, with the box that
/// has it already, or first.
pub(super) type Doubled<'l> = BTreeMap<(&'l LineId, u32), (&'l LineId, u32)>;

/// How many boxes of an order bear each code in Komet.
pub(super) type Borne<'o> = BTreeMap<&'o str, usize>;

pub(super) fn borne(order: &Order) -> Borne<'_> {
    let mut borne = Borne::new();
    order.komet.box_codes().for_each(|code| *borne.entry(code).or_default() += 1);
    borne
}

pub(super) fn doubled_labels<'l>(
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

/// Whether the label's code is its own: no other label of the order, and no other order that was first, has it. A person is asked
/// where it is not, and the box waits until its label is printed anew.
pub(super) fn is_its_own(draft: &mut Draft<'_>, line: &LineId, label: &Label, doubled: &Doubled<'_>) -> bool {
    let whose = match (doubled.get(&(line, label.box_number)), draft.order.codes_elsewhere.get(&label.box_code)) {
        (Some((other, number)), _) => format!("box {number} of line {other} has it, too"),
        (None, Some(other)) => {
            // Nothing of this order changes when the other one lets go of it.
            draft.waits = true;
            format!("a box of order {} has it, too", other.order)
        }
        (None, None) => return true,
    };
    ask(draft, line, label, &whose);
    false
}

/// Whether no other box of the order bears the label's code in Komet, where a label was moved from one line to another after it had
/// shipped. A code that is about to be `given_up` is only not free yet.
pub(super) fn is_free(
    draft: &mut Draft<'_>,
    line: &LineId,
    label: &Label,
    borne: &Borne<'_>,
    given_up: &BTreeSet<String>,
) -> bool {
    if !borne.contains_key(label.box_code.as_str()) {
        return true;
    }
    if !given_up.contains(&label.box_code) {
        ask(draft, line, label, "another box of the order bears it in Komet");
    }
    false
}

fn ask(draft: &mut Draft<'_>, line: &LineId, label: &Label, whose: &str) {
    let cause = cause(label.box_number, &label.box_code);
    let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(line), &cause, || {
        format!(
            "box {} has the code {}, and {whose}. Reprint one of them in Axerrio; until then this box has no label in Komet.",
            label.box_number, label.box_code
        )
    });
}

/// How a box whose code is another's, or whose label was withdrawn, is named in causes.
pub(super) fn cause(box_number: u32, code: &str) -> String {
    format!("box {box_number} {code}")
}

/// Changes codes; answers those that boxes give up by it. One that another box of the order bears waits until that box has given it
/// up; where it does not, a person must look: Komet would refuse it, or have two boxes of one code.
pub(super) fn change(draft: &mut Draft<'_>, borne: &Borne<'_>, changes: Vec<ChangeCode>) -> BTreeSet<String> {
    let (free, mut taken): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| !borne.contains_key(change.change.new.as_str()));
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
        let cause = cause(box_number, &change.new);
        let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(&line), &cause, || {
            format!(
                "box {box_number} has the code {}, which another box of the order still has in Komet; there it is {}. Reprint one of \
                 them in Axerrio.",
                change.new, change.current
            )
        });
    }
    given_up
}

/// Whether Komet knows by this code one box alone, by what it shows of this order and of others.
pub(super) fn is_unique_in_komet(draft: &mut Draft<'_>, line: &LineId, borne: &Borne<'_>, code: &str) -> bool {
    let other = draft.order.codes_elsewhere.get(code).filter(|other| other.in_komet);
    let on = match other {
        Some(other) => format!("a box of the line and one of order {}", other.order),
        None if borne.get(code).is_some_and(|boxes| *boxes > 1) => "several boxes of the order".to_owned(),
        None => return true,
    };
    draft.waits |= other.is_some();
    let _ = draft.ask(HoldReason::DuplicateBoxCode, Some(line), &format!("in Komet {code}"), || {
        format!(
            "Komet shows the code {code} on {on}. Put their codes right in Komet by hand (this clears itself then)."
        )
    });
    false
}

/// Komet's box codes have 20 characters.
pub(super) fn fits(draft: &mut Draft<'_>, line: &LineId, label: &Label) -> bool {
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
