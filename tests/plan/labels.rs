//! Labels printed in Axerrio become the boxes of the PO in Komet.

use stemsync::domain::{
    CodeElsewhere, HoldReason, Label, LabelStatus, LineId, PoBox, PoNumber, PoStatus, Stage, Verdict,
};
use stemsync::sync::action::Action;
use stemsync::sync::plan::Need;

use crate::trade::{Desk, at, day, held, label, lilies, line, roses};

/// An order whose PO of so many boxes is approved, and Axerrio knows.
fn approved(boxes: u32) -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(boxes))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk
}

fn shipped(codes: &[&str]) -> Desk {
    let mut desk = approved(u32::try_from(codes.len()).unwrap());
    desk.print(codes.iter().zip(1..).map(|(code, n)| label("1", n, code)).collect());
    desk.sync();
    desk
}

fn codes(desk: &Desk) -> Vec<String> {
    desk.po().lines.iter().flat_map(|l| &l.boxes).map(|b| b.code.clone()).collect()
}

#[test]
fn labels_ship_the_approved_line() {
    let mut desk = approved(2);
    desk.print(vec![label("1", 1, "B1"), label("1", 2, "B2")]);
    assert_eq!(desk.sync(), ["ship 1 B1+B2", "tell approved"], "the AWB is told");
    assert_eq!(desk.order.stage, Stage::Labelled);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn labels_wait_for_approval() {
    let mut desk = Desk::flow1(vec![line("1", roses(1))]);
    desk.sync();
    desk.print(vec![label("1", 1, "B1")]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn labels_wait_for_their_awb() {
    let mut desk = approved(1);
    let mut waiting = label("1", 1, "B1");
    waiting.awb = None;
    desk.print(vec![waiting]);
    assert_eq!(desk.sync(), [""; 0]);
    desk.order.axerrio.labels[0].awb = Some("729-1".into());
    assert_eq!(desk.sync()[0], "ship 1 B1");
}

#[test]
fn several_awbs_lots_and_dates_go_in_successive_calls_along_the_split_line() {
    let mut desk = approved(4);
    let mut labels: Vec<_> = (1..=4).map(|n| label("1", n, &format!("B{n}"))).collect();
    labels[1].awb = Some("729-2".into());
    labels[2].lot_number = Some("L9".into());
    labels[3].ship_date = crate::trade::day("2026-12-02");
    desk.print(labels);
    let told = desk.sync();
    assert_eq!(told[..4], ["ship 1 B1", "ship 1 B3", "ship 1 B2", "ship 1 B4"]);
    let lines: Vec<_> = desk.po().lines.iter().map(|l| (l.terms.boxes, l.boxes.len())).collect();
    assert_eq!(lines, [(1, 1); 4]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn fewer_labels_than_boxes_ship_what_is_labelled() {
    let mut desk = approved(3);
    desk.print(vec![label("1", 1, "B1")]);
    assert_eq!(desk.sync()[0], "ship 1 B1");
    assert_eq!(desk.order.stage, Stage::PoApproved);
    desk.print(vec![label("1", 2, "B2"), label("1", 3, "B3")]);
    assert_eq!(desk.sync()[0], "ship 1 B2+B3");
}

#[test]
fn a_split_that_komet_did_not_tell_is_waited_for_not_held() {
    let mut desk = approved(2);
    desk.print(vec![label("1", 1, "B1"), label("1", 2, "B2")]);
    desk.edit_po(|po| {
        po.lines[0].boxes = vec![PoBox { code: "B1".into(), lot_number: None, status: None }];
    });
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn more_labels_than_boxes_are_held() {
    let mut desk = shipped(&["B1"]);
    desk.print(vec![label("1", 2, "B2")]);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
}

/// An order may have been read before the line was added for which its labels are.
#[test]
fn labels_of_a_line_that_the_order_does_not_have_are_held_once_it_was_read_since() {
    let mut desk = approved(1);
    desk.print(vec![label("1", 1, "B1"), label("9", 1, "LOST")]);
    assert_eq!(desk.sync()[0], "ship 1 B1");
    assert_eq!((held(&desk).len(), desk.plan().waits), (0, true));
    desk.facts.orders_read = Some(at(2));
    assert_eq!((held(&desk), desk.plan().waits), (vec!["changed_after_approval 9".to_owned()], false));
    assert_eq!(desk.sync(), [""; 0]);
    desk.order.axerrio.labels[1].status = LabelStatus::Void;
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_reprint_changes_the_code_whether_its_label_is_the_same_or_a_new_one() {
    let mut same = shipped(&["B1", "B2"]);
    same.order.axerrio.labels[0].box_code = "C1".into();
    let mut new = shipped(&["B1", "B2"]);
    let mut reprint = label("1", 1, "C1");
    reprint.changed_at = at(5);
    new.print(vec![reprint]);
    for mut desk in [same, new] {
        assert_eq!(desk.sync(), ["code B1>C1"]);
        assert_eq!(codes(&desk), ["C1", "B2"]);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_code_that_a_box_gave_up_may_be_printed_for_another_one() {
    // Box 1 is printed anew with the code of box 2, and that with a fresh one: in Komet one code changes.
    let mut desk = shipped(&["B1", "B2"]);
    desk.order.axerrio.labels[0].box_code = "B2".into();
    desk.order.axerrio.labels[1].box_code = "C2".into();
    assert_eq!(desk.sync(), ["code B1>C2"]);
    assert_eq!(codes(&desk), ["C2", "B2"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// Two lines with a box each, shipped as A and B.
fn two_lines_shipped() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(1)), line("2", crate::trade::lilies(1))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk.print(vec![label("1", 1, "A"), label("2", 1, "B")]);
    desk.sync();
    desk
}

#[test]
fn a_code_waits_until_the_box_of_another_line_has_given_it_up() {
    let mut desk = two_lines_shipped();
    desk.order.axerrio.labels[0].box_code = "B".into();
    desk.order.axerrio.labels[1].box_code = "C".into();
    assert_eq!(desk.sync(), ["code B>C", "code A>B"]);
    assert_eq!(codes(&desk), ["B", "C"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn codes_that_two_lines_swapped_are_a_question() {
    let mut desk = two_lines_shipped();
    desk.order.axerrio.labels[0].box_code = "B".into();
    desk.order.axerrio.labels[1].box_code = "A".into();
    assert_eq!(desk.sync(), [""; 0], "either would give two boxes one code");
    assert_eq!(held(&desk), ["duplicate_box_code 1", "duplicate_box_code 2"]);
}

#[test]
fn of_two_labels_of_one_instant_the_higher_number_is_the_reprint() {
    let mut desk = approved(1);
    let (mut ninth, mut tenth) = (label("1", 1, "B9"), label("1", 1, "B10"));
    ninth.id.0 = "LB-9".into();
    tenth.id.0 = "LB-10".into();
    desk.print(vec![tenth, ninth]);
    assert_eq!(desk.sync()[0], "ship 1 B10");
}

#[test]
fn codes_that_komet_made_itself_are_replaced_box_by_box_even_without_an_awb() {
    let mut desk = approved(2);
    desk.edit_po(|po| {
        po.lines[0].boxes =
            ["K1", "K2"].map(|code| PoBox { code: code.into(), lot_number: None, status: None }).to_vec();
    });
    let mut labels = vec![label("1", 1, "B1"), label("1", 2, "B2")];
    labels[0].awb = None;
    desk.print(labels);
    assert_eq!(desk.sync(), ["code K1>B1", "code K2>B2"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_label_withdrawn_after_shipping_is_held_and_its_box_left_alone() {
    let mut desk = shipped(&["B1", "B2"]);
    desk.order.axerrio.labels[0].status = LabelStatus::Void;
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["void_label 1"]);
    desk.decide(HoldReason::VoidLabel, Verdict::Dismissed);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// The second box bore no code of its own.
#[test]
fn the_withdrawn_one_of_two_labels_with_one_code_takes_no_box_with_it() {
    let mut desk = approved(2);
    desk.print(vec![label("1", 1, "B1"), label("1", 2, "B1")]);
    desk.sync();
    assert_eq!(held(&desk), ["duplicate_box_code 1"]);
    desk.order.axerrio.labels[1].status = LabelStatus::Void;
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_reprint_of_a_withdrawn_label_clears_the_hold() {
    let mut desk = shipped(&["B1"]);
    desk.order.axerrio.labels[0].status = LabelStatus::Void;
    let mut reprint = label("1", 1, "C1");
    reprint.changed_at = at(5);
    desk.print(vec![reprint]);
    assert_eq!(desk.sync(), ["code B1>C1"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_withdrawn_label_is_not_another_boxs_code_after_a_lost_database() {
    let mut desk = shipped(&["B1", "B2"]);
    desk.order.axerrio.labels[0].status = LabelStatus::Void;
    desk.print(vec![label("1", 3, "B3")]);
    desk.lose_database();
    desk.sync();
    assert_eq!(codes(&desk), ["B1", "B2"]);
}

#[test]
fn a_label_withdrawn_before_shipping_is_nothing() {
    let mut desk = approved(1);
    let mut void = label("1", 1, "B1");
    void.status = LabelStatus::Void;
    desk.print(vec![void]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn an_awb_house_awb_or_lot_changed_after_shipping_is_held() {
    type Change = fn(&mut stemsync::domain::Label);
    let changes: [Change; 3] = [
        |l| l.awb = Some("729-9".into()),
        |l| l.house_awb = Some("H-1".into()),
        |l| l.lot_number = Some("L-1".into()),
    ];
    for change in changes {
        let mut desk = shipped(&["B1"]);
        change(&mut desk.order.axerrio.labels[0]);
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["label_changed_after_shipping 1"]);
        desk.decide(HoldReason::LabelChangedAfterShipping, Verdict::Dismissed);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_lot_in_komets_own_range_is_held_the_others_ship() {
    let lots = [("999", 0), ("1000", 1), ("99999", 1), ("100000", 0), ("L1000", 0)];
    for (lot, held_lots) in lots {
        let mut desk = approved(2);
        let mut labels = vec![label("1", 1, "B1"), label("1", 2, "B2")];
        labels[0].lot_number = Some(lot.into());
        desk.print(labels);
        desk.sync();
        assert_eq!(held(&desk), vec!["reserved_lot_number 1"; held_lots], "{lot}");
        assert_eq!(codes(&desk).len(), 2 - held_lots, "{lot}");
    }
}

#[test]
fn a_box_code_that_is_too_long_is_held_the_others_ship() {
    let mut desk = approved(2);
    desk.print(vec![label("1", 1, "A-BOX-CODE-OF-21-CHAR"), label("1", 2, "B2")]);
    assert_eq!(desk.sync()[0], "ship 1 B2");
    assert_eq!(held(&desk), ["field_too_long 1"]);
}

#[test]
fn labels_of_an_unknown_product_wait_until_it_is_mapped() {
    let mut desk = Desk::flow1(vec![line("1", roses(1))]);
    desk.known.clear();
    desk.sync();
    desk.approve();
    desk.print(vec![label("1", 1, "B1")]);
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), ["unmapped_product 1"]);
    desk.edit_item("1", |i| i.terms.product.id = Some(501));
    assert_eq!(desk.sync()[0], "ship 1 B1");
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn labels_are_for_their_line_although_another_question_about_it_waits() {
    let mut desk = approved(1);
    desk.ax_line("1").terms.boxes = 9;
    desk.print(vec![label("1", 1, "B1")]);
    assert_eq!(desk.sync()[0], "ship 1 B1");
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
}

#[test]
fn a_reprint_reaches_a_shipped_box_also_where_the_approval_was_taken_back() {
    let mut desk = shipped(&["B1", "B2"]);
    desk.edit_po(|po| po.status = PoStatus::Pending);
    desk.sync();
    let mut reprint = label("1", 1, "B9");
    reprint.changed_at = at(9);
    desk.order.axerrio.labels.push(reprint);
    assert_eq!(desk.sync(), ["code B1>B9"]);
    desk.order.axerrio.labels[1].status = LabelStatus::Void;
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["void_label 1".to_owned()]));
}

#[test]
fn labels_of_a_line_that_nobody_buys_are_told() {
    let mut declined = Desk::flow1(vec![line("1", roses(1)), line("2", roses(1))]);
    declined.ax_line("2").confirmed_boxes = Some(0);
    declined.sync();
    declined.approve();
    declined.sync();
    let mut left_out = approved(1);
    left_out.ax().lines.push(line("2", roses(1)));
    left_out.sync();
    left_out.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    for mut desk in [declined, left_out] {
        desk.print(vec![label("2", 1, "B1")]);
        desk.sync();
        assert_eq!(held(&desk), ["changed_after_approval 2"]);
    }
}

/// The vendor stuck it on the wrong box: the label is another line's by now, and the box has shipped.
#[test]
fn a_label_that_is_moved_to_another_line_after_it_shipped_is_asked_about_on_both() {
    let mut desk = Desk::flow1(vec![line("1", roses(1)), line("2", lilies(1))]);
    desk.sync();
    desk.approve();
    desk.print(vec![label("1", 1, "B1")]);
    desk.sync();
    desk.order.axerrio.labels[0].line_id = LineId("2".into());
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["void_label 1", "duplicate_box_code 2"]);
    // Somebody takes the box out; another label comes for it.
    desk.edit_po(|po| po.lines[0].boxes.clear());
    assert_eq!(desk.sync(), ["ship 2 B1"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_code_that_another_order_has_keeps_its_box_waiting_and_no_other() {
    for in_komet in [true, false] {
        let mut desk = approved(2);
        desk.print(vec![label("1", 1, "B1"), label("1", 2, "B2")]);
        let other = CodeElsewhere { order: "AX-2".into(), in_komet };
        desk.order.codes_elsewhere.insert("B1".into(), other);
        assert_eq!(desk.sync()[0], "ship 1 B2");
        assert_eq!((held(&desk), desk.plan().waits), (vec!["duplicate_box_code 1".to_owned()], true));
        desk.order.codes_elsewhere.clear();
        assert_eq!(desk.sync()[0], "ship 1 B1");
        assert_eq!((held(&desk).len(), desk.plan().waits), (0, false));
    }
}

/// Komet changes the code of whichever box it finds by it.
#[test]
fn a_code_that_a_box_of_another_order_bears_too_is_not_changed() {
    let mut desk = shipped(&["B1"]);
    desk.order.codes_elsewhere.insert("B1".into(), CodeElsewhere { order: "AX-2".into(), in_komet: true });
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["duplicate_box_code 1".to_owned()]));
    desk.order.axerrio.labels[0].box_code = "B9".into();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["duplicate_box_code 1".to_owned()]));
    desk.order.codes_elsewhere.clear();
    assert_eq!(desk.sync(), ["code B1>B9"]);
}

#[test]
fn a_code_that_a_box_of_another_line_bears_too_is_not_changed() {
    let mut desk = Desk::flow1(vec![line("1", roses(2)), line("2", lilies(2))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk.print(vec![label("1", 1, "B1"), label("2", 1, "C1")]);
    desk.sync();
    // Somebody put the code on another box by hand, too.
    desk.edit_po(|po| {
        po.lines.iter_mut().flat_map(|line| &mut line.boxes).for_each(|shown| shown.code = "B1".into());
    });
    desk.order.axerrio.labels[0].box_code = "B9".into();
    let told = desk.sync();
    assert!(!told.iter().any(|told| told.starts_with("code B1>B9")), "{told:?}");
    assert!(held(&desk).contains(&"duplicate_box_code 1".to_owned()), "{:?}", held(&desk));
}

/// The box of a withdrawn label stays in Komet, whichever box has its number by now.
#[test]
fn a_withdrawn_label_is_asked_about_also_after_the_vendor_numbered_the_rest_anew() {
    let mut desk = shipped(&["B1", "B2", "B3"]);
    desk.order.axerrio.labels[1].status = LabelStatus::Void;
    desk.order.axerrio.labels[2].box_number = 2;
    for _ in 0..2 {
        desk.sync();
        assert_eq!(held(&desk), ["void_label 1"]);
        assert!(desk.plan().holds[0].detail.contains("B2"));
    }
    desk.edit_po(|po| po.lines[0].boxes.retain(|shown| shown.code != "B2"));
    desk.sync();
    assert_eq!(held(&desk), [""; 0]);
}

/// The database was lost, and the lot corrected meanwhile.
#[test]
fn a_lot_is_held_against_the_one_that_komet_shows_for_the_box() {
    let mut desk = approved(1);
    desk.print(vec![Label { lot_number: Some("LOT".into()), ..label("1", 1, "B1") }]);
    desk.sync();
    desk.lose_database();
    desk.sync();
    assert_eq!(held(&desk), [""; 0]);
    desk.lose_database();
    desk.order.axerrio.labels[0].lot_number = Some("OTHER".into());
    desk.sync();
    assert_eq!(held(&desk), ["label_changed_after_shipping 1"]);
}

/// Somebody gave a shipped box another code by hand, and before anybody read that the vendor printed more labels.
#[test]
fn a_box_that_was_given_another_code_by_hand_gets_its_own_back() {
    let mut desk = approved(3);
    desk.print(vec![label("1", 3, "B3")]);
    desk.sync();
    desk.edit_po(|po| po.lines[0].boxes[0].code = "HAND".into());
    desk.print(vec![label("1", 1, "B1"), label("1", 2, "B2")]);
    let told = desk.sync();
    assert!(told.contains(&"code HAND>B3".to_owned()), "{told:?}");
    assert_eq!(codes(&desk), ["B3", "B1", "B2"]);
    // And what it shipped with is not forgotten.
    desk.order.axerrio.labels[0].awb = Some("145-9".into());
    desk.sync();
    assert_eq!(held(&desk), ["label_changed_after_shipping 1"]);
}

#[test]
fn labels_of_what_waits_for_approval_on_another_po_wait_too() {
    let mut desk = approved(5);
    desk.split_line();
    let mut rest = desk.po().clone();
    rest.number = PoNumber("PO-REST".into());
    rest.status = PoStatus::Pending;
    rest.lines = vec![desk.po().lines.last().unwrap().clone()];
    desk.edit_po(|po| drop(po.lines.pop()));
    desk.komet.purchase_orders.push(rest);
    desk.read();
    desk.print((1..=5).map(|n| label("1", n, &format!("B{n}"))).collect());
    assert_eq!(desk.sync()[0], "ship 1 B1+B2+B3");
    assert_eq!(held(&desk), [""; 0]);
    desk.approve();
    assert_eq!(desk.sync()[0], "ship 1 B4+B5");
    assert_eq!(held(&desk), [""; 0]);
}

/// "The rest flies tomorrow." To take boxes off is the buyer's right, and of that alone nothing need be read.
#[test]
fn boxes_that_are_off_a_po_are_looked_for_on_every_day_once_somebody_asks_for_them() {
    let mut desk = approved(5);
    desk.has_read_po();
    desk.facts.po_dates = [day("2026-12-01"), day("2026-12-02")].into();
    desk.edit_po(|po| po.lines[0].terms.boxes = 3);
    assert!(desk.plan().needs.is_empty());
    desk.sync();
    desk.print((1..=5).map(|n| label("1", n, &format!("B{n}"))).collect());
    assert_eq!(desk.sync()[0], "ship 1 B1+B2+B3");
    desk.facts.po_dates_read.clear();
    assert!(desk.plan().needs.is_empty(), "once");
    let mut desk = approved(5);
    desk.has_read_po();
    desk.facts.po_dates = [day("2026-12-01"), day("2026-12-02")].into();
    desk.edit_po(|po| po.lines[0].terms.boxes = 3);
    desk.ax_line("1").confirmed_boxes = Some(4);
    let needs = desk.plan().needs;
    assert!(needs.contains(&Need::PurchaseOrders(day("2026-12-02"))), "{needs:?}");
}

/// Labels, and the boxes of its PO line, of an order as large as a container.
#[test]
fn each_box_of_thousands_is_planned() {
    const BOXES: u32 = 5_000;
    let recoded = |desk: &Desk| {
        let actions = desk.plan().actions;
        actions.iter().filter(|action| matches!(action, Action::ChangeCode(_))).count()
    };
    let boxes = |named: &str| {
        let one = shipped(&["B1"]).po().lines[0].boxes[0].clone();
        (1..=BOXES)
            .map(move |number| PoBox { code: format!("{named}{number}"), ..one.clone() })
            .collect::<Vec<_>>()
    };
    let labels = |named: &str| {
        (1..=BOXES).map(|number| label("1", number, &format!("{named}{number}"))).collect::<Vec<_>>()
    };
    let mut desk = approved(BOXES);
    desk.print(labels("B"));
    assert_eq!(desk.plan().actions.len(), 1);
    let mut own = desk.clone();
    own.edit_po(|po| po.lines[0].boxes = boxes("K"));
    assert_eq!(recoded(&own), BOXES as usize);
    desk.edit_po(|po| po.lines[0].boxes = boxes("B"));
    let shipped = desk.plan();
    assert_eq!(shipped.agreed.boxes.len(), BOXES as usize);
    for is_known in [false, true] {
        if is_known {
            desk.order.agreed = shipped.agreed.clone();
        }
        let mut again = desk.clone();
        again.print(labels("R").into_iter().map(|label| Label { changed_at: at(9), ..label }).collect());
        assert_eq!(recoded(&again), BOXES as usize);
        let mut void = desk.clone();
        void.order.axerrio.labels.iter_mut().for_each(|label| label.status = LabelStatus::Void);
        let withdrawn = void.plan().holds;
        let withdrawn = withdrawn.iter().filter(|hold| hold.reason == HoldReason::VoidLabel).count();
        assert_eq!(withdrawn, BOXES as usize);
    }
}
