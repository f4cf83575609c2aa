//! What was left as it is holds for what was shown. Once that has gone, the same deed, done again, is a new question.

use chrono::NaiveDate;
use stemsync::domain::{HoldReason, Prebook, Verdict};

use crate::trade::{Desk, cost, day, held, label, lilies, line, prebook, roses};

/// Something that can be in one of three ways: as it was made (0), and two others.
type Deed = fn(&mut Desk, usize);

/// Left as it is in the first way, changed to what `between` says, and back again: it is asked about anew.
fn is_asked_again(desk: &Desk, reason: HoldReason, verdict: Verdict, deed: Deed, between: usize) {
    let mut desk = desk.clone();
    deed(&mut desk, 1);
    desk.sync();
    let asked = held(&desk);
    assert_eq!(asked.len(), 1, "{asked:?}");
    desk.decide(reason, verdict);
    desk.sync();
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "it is left");
    deed(&mut desk, between);
    desk.sync();
    assert_eq!(held(&desk), if between == 0 { vec![] } else { asked.clone() });
    deed(&mut desk, 1);
    desk.sync();
    assert_eq!(held(&desk), asked, "{verdict:?} of the first time");
}

fn placed() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk
}

#[test]
fn a_reps_edit_of_an_item() {
    let deed: Deed = |desk, nth| desk.edit_item("1", |item| item.terms.boxes = [5, 4, 3][nth]);
    for between in [0, 2] {
        is_asked_again(&placed(), HoldReason::EditedInKomet, Verdict::Dismissed, deed, between);
    }
}

#[test]
fn a_reps_edit_of_a_header() {
    let deed: Deed = |desk, nth| {
        let days = ["2026-12-03", "2026-12-04", "2026-12-05"];
        desk.komet.prebooks[0].header.truck_date = day(days[nth]);
        desk.read();
    };
    for between in [0, 2] {
        is_asked_again(&placed(), HoldReason::EditedInKomet, Verdict::Dismissed, deed, between);
    }
}

#[test]
fn an_item_that_a_rep_puts_on_another_prebook() {
    let deed: Deed = |desk, nth| {
        let item = desk.item_of("1");
        let is_it = |at: &Prebook| at.items.iter().position(|shown| shown.id == item);
        let from = desk.komet.prebooks.iter_mut().find_map(|at| is_it(at).map(|nth| at.items.remove(nth)));
        let days: [NaiveDate; 2] = [day("2026-12-08"), day("2026-12-09")];
        for (id, truck_date) in [570, 571].into_iter().zip(days) {
            if desk.komet.prebooks.iter().all(|known| known.id.0 != id) {
                let mut other = prebook(id, None, vec![]);
                other.header.truck_date = truck_date;
                desk.komet.prebooks.push(other);
            }
        }
        desk.komet.prebooks[nth].items.insert(0, from.unwrap());
        desk.read();
    };
    for verdict in [Verdict::Dismissed, Verdict::TakeKomet] {
        for between in [0, 2] {
            is_asked_again(&placed(), HoldReason::EditedInKomet, verdict, deed, between);
        }
    }
}

#[test]
fn a_buyers_edit_of_a_po_line() {
    let deed: Deed = |desk, nth| {
        let shown = ["0.32", "0.41", "0.42"][nth];
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost(shown));
    };
    for between in [0, 2] {
        is_asked_again(&placed(), HoldReason::EditedInKomet, Verdict::Dismissed, deed, between);
    }
}

#[test]
fn a_change_in_axerrio_of_what_was_left_to_komet() {
    let mut desk = placed();
    desk.edit_item("1", |item| item.terms.boxes = 4);
    desk.sync();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.sync();
    let deeds: [Deed; 2] = [
        |desk, nth| desk.ax_line("1").terms.unit_cost = cost(["0.32", "0.41", "0.42"][nth]),
        |desk, nth| desk.ax().header.customer_po = Some(["C-77", "C-78", "C-79"][nth].into()),
    ];
    for deed in deeds {
        for between in [0, 2] {
            is_asked_again(&desk, HoldReason::EditedInKomet, Verdict::Dismissed, deed, between);
        }
    }
}

#[test]
fn a_change_in_axerrio_after_approval() {
    let mut desk = placed();
    desk.approve();
    desk.sync();
    let deeds: [Deed; 2] = [
        |desk, nth| desk.ax_line("1").terms.boxes = [5, 9, 8][nth],
        |desk, nth| desk.ax_line("1").terms.boxes = [5, 9, 0][nth],
    ];
    for deed in deeds {
        for verdict in [Verdict::Dismissed, Verdict::TakeKomet] {
            for between in [0, 2] {
                is_asked_again(&desk, HoldReason::ChangedAfterApproval, verdict, deed, between);
            }
        }
    }
}

#[test]
fn a_label_that_changes_after_its_box_shipped() {
    let mut desk = placed();
    desk.approve();
    desk.sync();
    desk.print(vec![label("1", 1, "B1")]);
    desk.sync();
    let deed: Deed = |desk, nth| {
        desk.order.axerrio.labels[0].awb = Some(["729-1", "729-2", "729-3"][nth].into());
    };
    for between in [0, 2] {
        is_asked_again(&desk, HoldReason::LabelChangedAfterShipping, Verdict::Dismissed, deed, between);
    }
}
