//! What a system refuses is held and tried again each run, until it passes, is released or the order changes.

use stemsync::domain::{HoldReason, Verdict};
use stemsync::reports::choices::means;

use crate::trade::{Desk, day, held, label, lilies, line, roses};

const UNKNOWN: &str = "customer does not exist";

fn refused() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.refuses.insert("prebook.create", UNKNOWN);
    assert_eq!(desk.sync(), ["prebook 1 refused"]);
    desk
}

#[test]
fn a_refusal_is_held_and_tried_again_each_run() {
    let mut desk = refused();
    for _ in 0..2 {
        assert_eq!(held(&desk), ["rejected_by_komet 1"]);
        assert_eq!(desk.sync(), ["prebook 1 refused"]);
    }
}

#[test]
fn a_refusal_that_passes_clears_its_hold() {
    let mut desk = refused();
    desk.refuses.clear();
    assert_eq!(desk.sync(), ["prebook 1", "po 1"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_released_refusal_is_not_tried_again() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = refused();
        desk.decide(HoldReason::RejectedByKomet, verdict);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_changed_order_is_tried_again_although_its_refusal_was_released() {
    let mut desk = refused();
    desk.decide(HoldReason::RejectedByKomet, Verdict::Dismissed);
    desk.ax_line("1").terms.boxes = 6;
    assert_eq!(desk.sync(), ["prebook 1 refused"]);
    assert_eq!(held(&desk), ["rejected_by_komet 1"], "and refused again it is a new question");
}

#[test]
fn a_deletion_whose_refusal_was_released_is_tried_again_once_the_order_changes() {
    type Change = fn(&mut Desk);
    let changes: [Change; 4] = [
        |d| d.ax_line("1").terms.boxes = 7,
        |d| d.ax_line("2").terms.boxes = 7,
        |d| d.ax().header.customer_po = Some("NEW".into()),
        |d| d.ax().status = stemsync::domain::AxStatus::Cancelled,
    ];
    for verdict in [Verdict::TakeAxerrio, Verdict::Dismissed] {
        for change in changes {
            let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
            desk.sync();
            desk.refuses.insert("purchase.order.item.delete", "closed for today");
            desk.ax_line("1").terms.boxes = 6;
            assert_eq!(desk.sync(), ["delete po line 1 refused"]);
            desk.decide(HoldReason::RejectedByKomet, verdict);
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "not until the order changes");
            desk.refuses.clear();
            change(&mut desk);
            assert_eq!(desk.sync().first().map(String::as_str), Some("delete po line 1"));
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
        }
    }
}

#[test]
fn lines_refused_together_go_one_by_one() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.refuses.insert("prebook.create", UNKNOWN);
    assert_eq!(desk.sync(), ["prebook 1,2 refused", "prebook 1 refused", "prebook 2 refused"]);
    assert_eq!(held(&desk), ["rejected_by_komet 1", "rejected_by_komet 2"]);
    desk.refuses.clear();
    assert_eq!(desk.sync(), ["prebook 1", "more prebook 2", "po 1,2"]);
}

#[test]
fn a_refusal_stays_held_while_something_must_be_read_first() {
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.sync();
    desk.accept();
    desk.refuses.insert("purchase.order.create", "not allowed");
    desk.sync();
    desk.facts.po_dates_read.clear();
    assert_eq!(desk.plan().needs.len(), 1);
    assert_eq!(held(&desk), ["rejected_by_komet 11"]);
}

#[test]
fn a_po_that_refuses_further_lines_is_read_again() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.ax_line("1").terms.boxes = 6;
    desk.refuses.insert("purchase.order.create", "no such purchase order");
    desk.sync();
    assert!(desk.facts.po_numbers_read.contains(&desk.po().number));
    desk.refuses.clear();
    desk.komet.purchase_orders.clear();
    desk.read();
    assert_eq!(desk.sync(), ["po 1"]);
}

#[test]
fn a_group_of_labels_that_is_refused_does_not_stop_the_other() {
    let mut desk = Desk::flow1(vec![line("1", roses(2))]);
    desk.sync();
    desk.approve();
    desk.sync();
    let mut other = label("1", 2, "B2");
    other.awb = Some("999-9".into());
    desk.print(vec![label("1", 1, "B1"), other]);
    desk.refuses.insert("purchase.order.items.awb.add", "no such AWB");
    assert_eq!(desk.sync(), ["ship 1 B1 refused", "ship 1 B2 refused"]);
}

/// Komet's lists show nothing of the old day any more, so that nobody can say whether the item is gone already: made on its new day
/// as well, the line might stand twice.
#[test]
fn a_line_whose_item_komet_keeps_on_a_day_that_is_over_is_made_on_its_new_day_once_a_person_says_so() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = Desk::flow1(vec![line("1", roses(5))]);
        desk.sync();
        desk.visible_from = day("2026-12-02");
        desk.ax().header.ship_date = day("2026-12-05");
        desk.refuses.insert("prebook.item.delete", "Prebook item does not exist");
        assert_eq!(desk.sync(), ["delete po line 1", "delete item 1 refused"]);
        assert_eq!(
            (desk.sync(), held(&desk)),
            (vec!["delete item 1 refused".into()], vec!["rejected_by_komet 1".into()])
        );
        let asked = desk.plan().holds.remove(0).detail;
        assert!(asked.contains("2026-12-01, which is over") && asked.contains("stand twice"), "{asked}");
        desk.decide(HoldReason::RejectedByKomet, verdict);
        let made: &[&str] = if verdict == Verdict::TakeAxerrio { &["prebook 1", "po 1"] } else { &[] };
        let told = means(HoldReason::RejectedByKomet, verdict);
        assert_eq!(told.contains("made anew"), !made.is_empty(), "{told}");
        assert_eq!(
            (desk.sync(), held(&desk)),
            (made.iter().map(ToString::to_string).collect(), vec![]),
            "{verdict:?}"
        );
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{verdict:?}");
    }
}

#[test]
fn a_line_whose_item_leaves_a_day_that_is_over_after_all_is_made_on_its_new_day() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.visible_from = day("2026-12-02");
    desk.ax().header.ship_date = day("2026-12-05");
    desk.refuses.insert("prebook.item.delete", "closed for today");
    desk.sync();
    desk.refuses.clear();
    assert_eq!(
        (desk.sync(), held(&desk)),
        (vec!["delete item 1".into(), "prebook 1".into(), "po 1".into()], vec![])
    );
}
