//! What changes in Axerrio while the PO waits for approval is carried out in Komet.

use stemsync::domain::{AxStatus, HoldReason, PrebookId, Stage, Verdict};
use stemsync::sync::action::Action;
use stemsync::sync::plan::Need;

use crate::trade::{Desk, day, held, lilies, line, roses};

fn placed() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk
}

#[test]
fn a_changed_line_is_deleted_and_made_anew_on_the_same_prebook_and_po() {
    let mut desk = placed();
    desk.ax_line("1").terms.boxes = 7;
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"]);
    assert_eq!((desk.komet.prebooks.len(), desk.komet.purchase_orders.len()), (1, 1));
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_note_a_name_or_a_price_is_no_change() {
    let mut desk = placed();
    desk.ax_line("1").terms.notes = Some("handle with care".into());
    desk.ax_line("1").terms.unit_price = Some("1.10".parse().unwrap());
    desk.ax().header.customer.name = "The Florist & Sons".into();
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn the_parts_of_a_mixed_box_in_another_order_are_no_change() {
    let mut desk = Desk::flow1(vec![line("1", crate::trade::bouquet(2))]);
    desk.map("ROS60", 501);
    desk.map("LIL", 502);
    desk.sync();
    desk.ax_line("1").terms.mix.reverse();
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_line_that_landed_in_another_prebook_is_taken_out_and_made_in_a_new_one() {
    let mut desk = placed();
    desk.finds_instead = Some(PrebookId(4000));
    desk.ax_line("1").terms.boxes = 7;
    let told = desk.sync();
    assert_eq!(
        told,
        ["delete po line 1", "delete item 1", "more prebook 1", "delete item", "prebook 1", "more po 1"]
    );
    assert_eq!(desk.komet.prebooks[1].comments.as_deref(), Some("[AX AX-1]"));
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_prebook_that_looks_like_another_orders_is_not_added_to() {
    let mut desk = placed();
    desk.order.ambiguous.insert(desk.komet.prebooks[0].id.clone());
    desk.ax_line("1").terms.boxes = 7;
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "prebook 1", "more po 1"]);
    assert_eq!(desk.komet.prebooks.len(), 2);
}

#[test]
fn a_line_that_landed_nobody_knows_where_waits_for_a_person() {
    let mut desk = placed();
    let stray = stemsync::domain::Stray { prebook: PrebookId(4000), item: None, line: line("1", roses(1)).id };
    desk.ax_line("1").terms.boxes = 7;
    desk.order.agreed.strays.push(stray);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["rejected_by_komet 1"]);
    desk.decide(HoldReason::RejectedByKomet, Verdict::Dismissed);
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"]);
}

#[test]
fn a_new_truck_date_moves_all_lines_to_a_new_prebook_on_the_same_po() {
    let mut desk = placed();
    desk.ax().header.truck_date = Some(day("2026-12-04"));
    let told = desk.sync();
    assert_eq!(
        told,
        ["delete po line 1", "delete item 1", "delete po line 2", "delete item 2", "prebook 1,2", "more po 1,2"]
    );
    assert_eq!(desk.komet.prebooks[1].header.truck_date, day("2026-12-04"));
}

#[test]
fn a_new_ship_date_moves_all_lines_to_a_new_prebook_and_a_new_po() {
    let mut desk = placed();
    desk.ax().header.ship_date = day("2026-12-02");
    let told = desk.sync();
    assert_eq!(told[4..], ["prebook 1,2", "po 1,2"]);
    assert_eq!(desk.po().ship_date, day("2026-12-02"));
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn an_order_that_moves_to_another_location_is_bought_on_a_po_of_its_own() {
    let mut desk = placed();
    desk.ax().header.location = Some("LAX".into());
    let told = desk.sync();
    assert_eq!(told[4..], ["prebook 1,2", "po 1,2"]);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_line_that_was_left_at_its_location_keeps_its_po() {
    let mut desk = placed();
    desk.edit_item("1", |item| item.terms.boxes = 4);
    desk.sync();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.sync();
    desk.ax().header.location = Some("LAX".into());
    let told = desk.sync();
    assert_eq!(told, ["delete po line 2", "delete item 2", "prebook 2", "po 2"]);
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.ax().lines.push(line("3", lilies(1)));
    assert_eq!(desk.sync(), ["more prebook 3", "more po 3"]);
    assert_ne!(desk.komet.purchase_orders[0].lines.len(), 3, "not on the PO of the former location");
    assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()));
}

#[test]
fn an_added_line_joins_the_prebook_and_the_po() {
    let mut desk = placed();
    desk.ax().lines.push(line("3", lilies(1)));
    assert_eq!(desk.sync(), ["more prebook 3", "more po 3"]);
}

#[test]
fn a_removed_line_goes_from_the_po_and_the_prebook() {
    let mut desk = placed();
    desk.ax().lines.remove(0);
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1"]);
}

#[test]
fn a_cancelled_or_rejected_order_goes_entirely() {
    for status in [AxStatus::Cancelled, AxStatus::Rejected] {
        let mut desk = placed();
        desk.ax().status = status;
        assert!(desk.plan().cancels);
        let told = desk.sync();
        assert_eq!(told, ["delete po line 1", "delete item 1", "delete po line 2", "delete item 2"]);
        assert_eq!(desk.order.stage, Stage::Cancelled);
        assert!(!desk.plan().cancels);
    }
}

#[test]
fn the_brake_stops_a_cancellation_before_its_first_request() {
    let mut desk = placed();
    desk.ax().status = AxStatus::Cancelled;
    desk.may_cancel = false;
    assert_eq!(desk.sync(), [""; 0]);
    desk.order.agreed.cancellation_released = true;
    assert_eq!(desk.sync().len(), 4);
}

#[test]
fn an_order_that_stands_again_is_made_again_and_may_be_cancelled_again() {
    let mut desk = placed();
    desk.ax().status = AxStatus::Cancelled;
    desk.order.agreed.cancellation_released = true;
    desk.sync();
    desk.ax().status = AxStatus::Placed;
    assert_eq!(desk.sync(), ["more prebook 1,2", "more po 1,2"]);
    desk.ax().status = AxStatus::Cancelled;
    assert!(desk.plan().cancels, "the brake counts it anew");
}

#[test]
fn a_change_after_a_crash_goes_on_where_it_stopped() {
    let mut desk = placed();
    desk.has_read_po();
    desk.ax_line("1").terms.boxes = 7;
    for _ in 0..3 {
        let plan = desk.plan();
        desk.order.agreed = plan.agreed;
        let outcome = desk.execute(&plan.actions[0]);
        stemsync::sync::apply::apply(&mut desk.order, &plan.actions[0], &outcome);
    }
    assert_eq!(desk.sync(), ["more po 1"]);
}

#[test]
fn a_line_is_taken_from_a_pending_po_only_in_a_run_that_has_read_it() {
    let mut desk = placed();
    desk.ax_line("1").terms.boxes = 7;
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.needs), (0, [Need::PurchaseOrders(desk.order.ship_date)].into()));
    desk.has_read_po();
    assert!(matches!(desk.plan().actions[0], Action::DeletePoLine(_)));
}

/// The customer cancels in Axerrio while a rep deletes the items in Komet: nobody is asked, and what the customer orders later is new.
#[test]
fn an_order_that_both_sides_ended_is_made_again_when_it_stands_again() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.ax().status = AxStatus::Cancelled;
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    desk.edit_item("1", |item| item.terms.boxes = 0);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    desk.ax().status = AxStatus::Placed;
    let sent = desk.sync();
    assert_eq!((sent.is_empty(), held(&desk)), (false, vec![]), "{sent:?}");
}
