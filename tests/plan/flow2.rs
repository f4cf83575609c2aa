//! Prebooked in Komet: the order goes to Axerrio, and the PO follows the vendor's word.

use stemsync::domain::{
    AxStatus, Breakdown, CreatePo, HoldReason, ItemId, KometProduct, KometTerms, LineId, PoItemId, PoNumber,
    PoStatus, PrebookItem, PurchaseOrder, Stage, Verdict,
};

use crate::trade::{Desk, bouquet, cost, day, held, lilies, roses};

fn sent() -> Desk {
    let mut desk = Desk::flow2(&[roses(5), lilies(3)]);
    assert_eq!(desk.sync(), ["put"]);
    desk
}

fn accepted() -> Desk {
    let mut desk = sent();
    desk.accept();
    assert_eq!(desk.sync(), ["po 11,12"]);
    desk
}

/// A sales rep changes an item.
fn rep_changes(desk: &mut Desk, id: i64, boxes: u32) {
    item(desk, id).terms.boxes = boxes;
    desk.read();
}

fn item(desk: &mut Desk, id: i64) -> &mut PrebookItem {
    let mut items = desk.komet.prebooks.iter_mut().flat_map(|p| &mut p.items);
    items.find(|i| i.id == ItemId(id)).unwrap()
}

fn rep_cancels(desk: &mut Desk) {
    desk.komet.prebooks.iter_mut().flat_map(|p| &mut p.items).for_each(|i| i.terms.boxes = 0);
    desk.read();
}

fn bought(desk: &Desk) -> Vec<u32> {
    desk.po().lines.iter().map(|l| l.terms.boxes).filter(|boxes| *boxes > 0).collect()
}

/// A PO that buys the first line once more.
fn first_line_again(desk: &Desk) -> PurchaseOrder {
    let mut again = PurchaseOrder { number: PoNumber("PO990".into()), ..desk.po().clone() };
    again.lines.truncate(1);
    again.lines[0].id = PoItemId(990);
    again
}

#[test]
fn a_prebook_becomes_an_order_and_after_its_acceptance_a_po() {
    let mut desk = sent();
    assert_eq!(desk.sync(), [""; 0], "the vendor has not answered");
    desk.accept();
    assert_eq!(desk.sync(), ["po 11,12"]);
    assert_eq!(desk.order.stage, Stage::PoPending);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn the_vendor_is_told_neither_the_sales_price_nor_a_foreign_code() {
    let mut desk = sent();
    let line = &desk.ax().lines[0].terms;
    assert_eq!((line.unit_price, line.product.code.as_str()), (None, "501"));
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.map("ROS60", 501);
    desk.sync();
    assert_eq!(desk.ax().lines[0].terms.product.code, "ROS60");
    assert_eq!(desk.ax().header.carrier.as_ref().unwrap().code, "ARM");
}

#[test]
fn no_po_before_it_was_read_whether_there_is_one() {
    let mut desk = sent();
    desk.accept();
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.needs.len()), (0, 1));
}

#[test]
fn fewer_boxes_accepted_are_fewer_boxes_bought() {
    let mut desk = sent();
    desk.accept();
    desk.ax_line("11").confirmed_boxes = Some(4);
    desk.ax_line("12").confirmed_boxes = Some(0);
    assert_eq!(desk.sync(), ["po 11"]);
    assert_eq!(bought(&desk), [4]);
}

#[test]
fn fewer_boxes_confirmed_later_reduce_a_pending_po() {
    let mut desk = accepted();
    desk.ax_line("11").confirmed_boxes = Some(4);
    assert_eq!(desk.sync(), ["delete po line 11", "more po 11"]);
}

#[test]
fn fewer_boxes_confirmed_after_approval_are_held() {
    let mut desk = accepted();
    desk.approve();
    assert_eq!(desk.sync(), ["tell approved"]);
    desk.ax_line("11").confirmed_boxes = Some(4);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["changed_after_approval 11"]);
}

#[test]
fn with_create_po_received_the_po_comes_with_the_order() {
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.create_po = CreatePo::Received;
    assert_eq!(desk.sync(), ["put", "po 11"]);
    desk.accept();
    desk.ax_line("11").confirmed_boxes = Some(4);
    assert_eq!(desk.sync(), ["delete po line 11", "more po 11"]);
}

#[test]
fn a_changed_prebook_is_put_again_and_waits_for_the_vendor_again() {
    let mut desk = accepted();
    rep_changes(&mut desk, 11, 8);
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.ax().status, AxStatus::Placed);
    desk.accept();
    assert_eq!(desk.sync(), ["delete po line 11", "more po 11"]);
    assert_eq!(bought(&desk), [3, 8]);
}

#[test]
fn comments_and_notes_are_passed_on() {
    let mut desk = sent();
    desk.komet.prebooks[0].comments = Some("call before noon".into());
    desk.read();
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_deleted_item_leaves_the_order_and_the_po() {
    let mut desk = accepted();
    rep_changes(&mut desk, 11, 0);
    assert_eq!(desk.sync(), ["put", "delete po line 11"], "nobody approves it while the vendor thinks");
    desk.accept();
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn what_procurement_approved_for_an_item_that_is_deleted_later_is_a_question() {
    let mut desk = accepted();
    desk.approve();
    desk.sync();
    rep_changes(&mut desk, 11, 0);
    desk.sync();
    desk.accept();
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 11"]);
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
    assert_eq!(desk.sync()[0], "delete po line 11");
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn what_was_approved_twice_is_asked_about_also_while_the_vendor_has_not_accepted() {
    let mut desk = accepted();
    let mut again = first_line_again(&desk);
    desk.approve();
    again.status = PoStatus::Approved;
    desk.komet.purchase_orders.push(again);
    desk.read();
    desk.ax().status = AxStatus::Placed;
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 11"]);
}

#[test]
fn a_mixed_box_that_komet_calls_nothing_has_a_code_in_axerrio_all_the_same() {
    let mut desk = Desk::flow2(&[bouquet(2)]);
    item(&mut desk, 11).terms.product = KometProduct { id: None, description: String::new() };
    desk.read();
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.ax_line("11").terms.product.code, "MIX");
    desk.accept();
    assert_eq!(desk.sync(), ["mixed po 11"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_part_that_is_added_to_a_mixed_box_is_bought() {
    let mut desk = Desk::flow2(&[bouquet(2)]);
    desk.sync();
    desk.accept();
    assert_eq!(desk.sync(), ["mixed po 11"]);
    let breakdowns = &mut item(&mut desk, 11).terms.breakdowns;
    breakdowns.push(Breakdown { bunches: 2, ..breakdowns[0].clone() });
    desk.read();
    assert_eq!(desk.sync(), ["put"]);
    desk.accept();
    assert_eq!(desk.sync(), ["delete po line 11", "more mixed po 11"]);
    assert_eq!(held(&desk), [""; 0]);
    assert_eq!(desk.po().lines.last().unwrap().terms.breakdowns.len(), 3);
}

#[test]
fn a_code_that_the_vendor_writes_in_his_own_words_is_no_edit() {
    let mut desk = sent();
    desk.map("ROS60", 501);
    desk.ax_line("11").terms.product.code = "ROS60".into();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    // And it stays his when the line changes, also where he writes it in the same gap.
    rep_changes(&mut desk, 11, 4);
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.ax_line("11").terms.product.code, "ROS60");
    desk.ax_line("11").terms.product.code = "501".into();
    rep_changes(&mut desk, 11, 3);
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.ax_line("11").terms.product.code, "501");
    assert_eq!(held(&desk), [""; 0]);
    desk.ax_line("11").terms.product.code = "ROS60".into();
    desk.sync();
    assert_eq!(desk.ax_line("11").terms.product.code, "ROS60");
    desk.ax_line("11").terms.product.code = "LIL".into();
    assert_eq!(held(&desk), ["edited_in_axerrio 11"], "another product is one");
}

#[test]
fn what_a_buyer_bought_before_the_vendor_confirmed_fewer_is_reduced() {
    let desk = accepted();
    let by_hand = PurchaseOrder { number: PoNumber("PO990".into()), ..desk.po().clone() };
    let mut desk = sent();
    desk.komet.purchase_orders.push(by_hand);
    desk.read();
    desk.accept();
    desk.ax_line("11").confirmed_boxes = Some(2);
    desk.sync();
    assert_eq!(bought(&desk), [3, 2]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// Nobody read what the buyer did before the rep changed the item as well.
#[test]
fn what_a_buyer_put_in_place_of_a_line_follows_the_reps_changes() {
    for cost_changes in [false, true] {
        let mut desk = accepted();
        desk.read();
        desk.sync();
        let by_hand = first_line_again(&desk);
        desk.edit_po(|po| po.lines.retain(|line| line.item_id != Some(ItemId(11))));
        desk.komet.purchase_orders.push(by_hand);
        if cost_changes {
            item(&mut desk, 11).terms.unit_cost = cost("0.99");
            desk.read();
        } else {
            rep_changes(&mut desk, 11, 9);
        }
        assert_eq!(desk.sync(), ["put"]);
        desk.accept();
        let told = desk.sync();
        assert_eq!(told[0], "delete po line 11", "{told:?}");
        let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
        let bought: Vec<_> = lines.filter(|line| line.item_id == Some(ItemId(11)) && line.is_alive()).collect();
        assert_eq!(bought.len(), 1);
        let wanted = item(&mut desk.clone(), 11).terms.clone();
        assert_eq!((bought[0].terms.boxes, bought[0].terms.unit_cost), (wanted.boxes, wanted.unit_cost));
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_line_that_a_buyer_split_is_bought_anew_as_a_whole() {
    let mut desk = accepted();
    desk.split_line();
    assert_eq!(desk.sync(), [""; 0]);
    desk.ax_line("11").confirmed_boxes = Some(1);
    let told = desk.sync();
    assert_eq!(told.last().map(String::as_str), Some("more po 11"), "{told:?}");
    let lines = desk.po().lines.iter().filter(|line| line.item_id == Some(ItemId(11)));
    assert_eq!(lines.map(|line| line.terms.boxes).filter(|boxes| *boxes > 0).collect::<Vec<_>>(), [1]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// The PO that he cancelled is pending again beside the one that took its place.
#[test]
fn a_cancelled_po_that_a_buyer_takes_back_after_he_bought_anew_is_told_as_bought_twice() {
    let mut desk = accepted();
    let mut anew = first_line_again(&desk);
    anew.lines[0].terms.unit_cost = cost("0.40");
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    desk.komet.purchase_orders.push(anew);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.komet.purchase_orders[0].lines[0].terms.boxes = 5;
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["changed_after_approval 11".to_owned()]));
}

/// The hold says: move the line to a PO of that day.
#[test]
fn what_a_buyer_bought_for_the_day_that_a_rep_moved_the_item_to_stays_at_his_price() {
    for anew in [false, true] {
        let mut desk = Desk::flow2(&[roses(5)]);
        desk.sync();
        desk.accept();
        desk.sync();
        let later = day("2026-12-09");
        if anew {
            let mut other = PurchaseOrder { ship_date: later, ..first_line_again(&desk) };
            other.lines[0].terms.unit_cost = cost("0.30");
            desk.edit_po(|po| po.lines.clear());
            desk.komet.purchase_orders.push(other);
        } else {
            desk.edit_po(|po| po.ship_date = later);
        }
        item(&mut desk, 11).ship_date = later;
        desk.order.ship_date = later;
        desk.read();
        assert_eq!(desk.sync(), ["put"]);
        desk.accept();
        assert_eq!((desk.sync(), held(&desk).len()), (vec![], 0), "anew: {anew}");
    }
}

#[test]
fn what_a_buyer_made_as_many_of_as_the_rep_wants_by_now_is_his() {
    let mut desk = accepted();
    rep_changes(&mut desk, 11, 9);
    desk.edit_po(|po| po.lines[0].terms.boxes = 9);
    assert_eq!(desk.sync(), ["put"]);
    desk.accept();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.edit_po(|po| po.lines[0].terms.boxes = 8);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "his to change");
}

/// The PO of which Axerrio was told is another one.
#[test]
fn a_line_that_is_off_a_pending_po_is_a_question_though_another_was_told_as_approved() {
    let mut desk = accepted();
    desk.approve();
    desk.sync();
    let added = desk.item(13, &lilies(2));
    desk.komet.prebooks[0].items.push(added);
    desk.read();
    desk.sync();
    desk.accept();
    desk.sync();
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.komet.purchase_orders[1].lines.clear();
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 13".to_owned()]));
}

/// The first part could not be deleted, and by now nobody wants it to be.
#[test]
fn a_split_line_that_was_not_to_go_after_all_stays() {
    let mut desk = accepted();
    desk.split_line();
    desk.sync();
    desk.ax_line("11").confirmed_boxes = Some(1);
    desk.has_read_po();
    let plan = desk.plan();
    assert!(!plan.actions.is_empty());
    desk.order.agreed = plan.agreed;
    desk.ax_line("11").confirmed_boxes = Some(5);
    assert_eq!((desk.sync(), held(&desk).len()), (vec![], 0));
}

/// Of the empty PO nothing is told, and of the pending one neither.
#[test]
fn a_line_that_is_off_an_approved_po_is_a_question_while_the_rest_waits_on_another() {
    let mut desk = accepted();
    let other = PurchaseOrder { lines: vec![desk.po().lines[1].clone()], ..first_line_again(&desk) };
    desk.edit_po(|po| {
        po.lines.clear();
        po.status = PoStatus::Approved;
    });
    desk.komet.purchase_orders.push(other);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 11".to_owned()]));
    desk.komet.purchase_orders[1].status = PoStatus::Approved;
    desk.read();
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), [""; 0], "the vendor knows by now");
}

#[test]
fn a_line_that_a_buyer_takes_off_a_pending_po_is_a_question() {
    for (verdict, sent) in [(Verdict::TakeAxerrio, &["more po 11"][..]), (Verdict::TakeKomet, &[])] {
        let mut desk = accepted();
        desk.edit_po(|po| po.lines.retain(|line| line.item_id != Some(ItemId(11))));
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!(desk.sync(), sent);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_line_that_a_buyer_takes_off_an_approved_po_is_told_to_the_vendor() {
    let mut desk = accepted();
    desk.edit_po(|po| {
        po.status = PoStatus::Approved;
        po.lines.retain(|line| line.item_id != Some(ItemId(11)));
    });
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn more_boxes_of_a_prebook_than_were_approved_are_asked_about_whoever_owns_them() {
    let mut desk = accepted().with_owner_rule();
    desk.approve();
    desk.sync();
    rep_changes(&mut desk, 11, 9);
    assert_eq!(desk.sync(), ["put"]);
    desk.ax_line("11").confirmed_boxes = Some(9);
    desk.accept();
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 11"]);
}

/// Its item had moved to an order of its own, and was deleted before that was put to Axerrio.
#[test]
fn what_is_bought_for_an_order_that_the_vendor_never_had_goes_with_its_prebook() {
    for approves in [false, true] {
        let mut desk = accepted();
        if approves {
            desk.approve();
        }
        desk.order.axerrio.order = None;
        desk.order.agreed.input = None;
        desk.order.komet.prebooks.clear();
        desk.komet.prebooks.clear();
        if approves {
            assert_eq!(desk.sync(), [""; 0]);
            assert_eq!(held(&desk), ["changed_after_approval 11", "changed_after_approval 12"]);
        } else {
            assert_eq!(desk.sync(), ["delete po line 11", "delete po line 12"]);
            assert_eq!(held(&desk), [""; 0]);
        }
    }
}

#[test]
fn what_is_pending_twice_goes_also_while_the_vendor_has_not_accepted() {
    let mut desk = accepted();
    let again = first_line_again(&desk);
    desk.komet.purchase_orders.push(again);
    desk.read();
    desk.ax().status = AxStatus::Placed;
    assert_eq!(desk.sync(), ["delete po line 11"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_line_that_is_added_after_approval_goes_on_a_po_of_its_own() {
    let mut desk = accepted();
    desk.approve();
    desk.sync();
    let item = desk.item(13, &lilies(2));
    desk.komet.prebooks[0].items.push(item);
    desk.read();
    desk.sync();
    desk.accept();
    desk.sync();
    assert_eq!(desk.komet.purchase_orders.len(), 2, "nobody approved it");
}

#[test]
fn a_rejected_order_waits_for_a_person_and_a_changed_one_is_asked_for_again() {
    let mut desk = sent();
    desk.ax().status = AxStatus::Rejected;
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["rejected_by_axerrio"]);
    desk.decide(HoldReason::RejectedByAxerrio, Verdict::Dismissed);
    rep_changes(&mut desk, 11, 4);
    assert_eq!(desk.sync(), ["put"]);
    desk.ax().status = AxStatus::Rejected;
    assert_eq!(held(&desk), ["rejected_by_axerrio"], "another refusal is another question");
}

#[test]
fn a_rejected_order_gives_back_its_pending_po() {
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.create_po = CreatePo::Received;
    desk.sync();
    desk.ax().status = AxStatus::Rejected;
    assert_eq!(desk.sync(), ["delete po line 11"]);
}

#[test]
fn an_order_that_stays_cancelled_gives_back_its_pending_po() {
    let mut desk = accepted();
    desk.ax().status = AxStatus::Cancelled;
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_axerrio"]);
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeAxerrio);
    assert_eq!(desk.sync(), ["delete po line 11", "delete po line 12"]);
    assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()));
}

#[test]
fn a_cancelled_prebook_takes_its_pending_po_and_the_order_with_it() {
    let mut desk = accepted();
    rep_cancels(&mut desk);
    assert!(desk.plan().cancels);
    assert_eq!(desk.sync(), ["delete po line 11", "delete po line 12", "cancel"]);
    assert_eq!(desk.order.stage, Stage::Cancelled);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn the_brake_stops_a_cancellation_in_axerrio() {
    let mut desk = accepted();
    desk.may_cancel = false;
    rep_cancels(&mut desk);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_prebook_that_comes_back_to_life_is_ordered_again() {
    let mut desk = sent();
    rep_cancels(&mut desk);
    desk.sync();
    rep_changes(&mut desk, 11, 5);
    rep_changes(&mut desk, 12, 3);
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn nothing_is_cancelled_because_the_prebook_was_never_seen() {
    let mut desk = sent();
    desk.lose_database();
    desk.order.komet = stemsync::domain::KometView::default();
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.cancels), (0, false));
}

#[test]
fn an_item_of_an_unknown_product_waits_and_the_others_go() {
    let mut desk = Desk::flow2(&[roses(5), lilies(3)]);
    desk.komet.prebooks[0].items[1].terms.product.id = None;
    desk.read();
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(desk.ax().lines.len(), 1);
    assert_eq!(held(&desk), ["unmapped_product 12"]);
    desk.komet.prebooks[0].items[1].terms.product.id = Some(502);
    desk.read();
    assert_eq!(desk.sync(), ["put"]);
    assert_eq!(held(&desk), [""; 0]);
}

/// Roses that the vendor has accepted and that then went to another ship date, beside an item that nobody has mapped.
fn only_unmapped_left() -> Desk {
    let mut desk = Desk::flow2(&[roses(5), lilies(3)]);
    desk.komet.prebooks[0].items[1].terms.product.id = None;
    desk.read();
    desk.sync();
    desk.accept();
    assert_eq!(desk.sync(), ["po 11"]);
    desk.komet.prebooks[0].items.remove(0);
    desk.read();
    desk
}

#[test]
fn an_order_whose_lines_moved_away_is_cancelled_although_an_unmapped_item_is_left() {
    let mut desk = only_unmapped_left();
    assert!(desk.plan().cancels);
    assert_eq!(desk.sync(), ["delete po line 11", "cancel"]);
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["unmapped_product 12".to_owned()]));
    desk.komet.prebooks[0].items[0].terms.product.id = Some(502);
    desk.read();
    assert_eq!(desk.sync(), ["put"], "once it is mapped the order stands again");
    assert_eq!((desk.ax().lines.len(), held(&desk).len()), (1, 0));
}

#[test]
fn an_order_whose_lines_moved_away_goes_once_the_brake_is_released() {
    let mut desk = only_unmapped_left();
    desk.may_cancel = false;
    assert_eq!(desk.sync(), [""; 0]);
    desk.order.agreed.cancellation_released = true;
    assert!(!desk.plan().cancels, "a person has counted it");
    assert_eq!(desk.sync(), ["delete po line 11", "cancel"]);
}

#[test]
fn a_po_line_that_komet_deleted_is_not_bought_again_unasked() {
    let mut desk = accepted();
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 11".to_owned()]));
}

#[test]
fn a_buyers_edit_of_the_pending_po_is_komets_right() {
    for given_up in [0, 1] {
        let mut desk = accepted();
        desk.doubt_purchases(given_up);
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.29"));
        desk.edit_po(|po| po.ship_date = day("2026-12-02"));
        desk.split_line();
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn axerrio_may_show_an_order_in_its_own_way() {
    let mut desk = Desk::flow2(&[roses(5)]);
    let plan = desk.plan();
    desk.order.agreed = plan.agreed;
    let mut outcome = desk.execute(&plan.actions[0]);
    let stemsync::sync::apply::Outcome::Order(order) = &mut outcome else { unreachable!() };
    order.lines[0].terms.product.code = "AXR-501".into();
    order.header.carrier = None;
    stemsync::sync::apply::apply(&mut desk.order, &plan.actions[0], &outcome);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

type Edit = fn(&mut Desk);

/// Each edit in Axerrio of what Komet owns.
const EDITS: [(&str, Edit); 5] = [
    ("boxes", |d| d.ax_line("11").terms.boxes = 4),
    ("cost", |d| d.ax_line("11").terms.unit_cost = cost("0.40")),
    ("a line gone", |d| drop(d.ax().lines.remove(0))),
    ("the header", |d| d.ax().header.ship_date = day("2026-12-09")),
    ("cancelled", |d| d.ax().status = AxStatus::Cancelled),
];

#[test]
fn an_edit_in_axerrio_waits_for_a_person() {
    for (what, edit) in EDITS {
        let mut desk = sent();
        edit(&mut desk);
        assert_eq!(desk.sync(), [""; 0], "{what}");
        let holds = desk.plan().holds;
        assert_eq!(holds.len(), 1, "{what}");
        assert_eq!(holds[0].reason, HoldReason::EditedInAxerrio, "{what}");
    }
}

#[test]
fn the_question_says_what_was_edited_and_no_price() {
    for (at, told) in
        [(0, "boxes 5 became 4) changed"), (1, "the line (another cost) changed"), (3, "became 2026-12-09)")]
    {
        let mut desk = sent();
        (EDITS[at].1)(&mut desk);
        let detail = &desk.plan().holds[0].detail;
        assert!(detail.contains(told) && !detail.contains("0.4"), "{detail}");
    }
}

#[test]
fn taking_komet_or_the_owner_rule_put_komets_again() {
    for by_owner_rule in [false, true] {
        for (what, edit) in EDITS {
            let mut desk = sent();
            edit(&mut desk);
            if by_owner_rule {
                desk = desk.with_owner_rule();
            } else {
                desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
            }
            assert_eq!(desk.sync(), ["put"], "{what}");
            assert_eq!(desk.ax().lines[0].terms.boxes, 5, "{what}");
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{what}");
        }
    }
}

#[test]
fn taking_axerrio_or_dismissing_leaves_axerrios_as_it_is() {
    for verdict in [Verdict::TakeAxerrio, Verdict::Dismissed] {
        for (what, edit) in EDITS {
            let mut desk = sent();
            edit(&mut desk);
            desk.decide(HoldReason::EditedInAxerrio, verdict);
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{what}");
        }
    }
}

#[test]
fn the_same_edit_made_again_is_a_new_question() {
    for (what, edit) in EDITS {
        let mut desk = sent();
        edit(&mut desk);
        desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
        desk.sync();
        edit(&mut desk);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 1), "{what}");
    }
}

#[test]
fn another_line_is_put_while_a_held_one_stays_as_axerrio_has_it() {
    let mut desk = sent();
    desk.ax_line("11").terms.boxes = 4;
    rep_changes(&mut desk, 12, 6);
    assert_eq!(desk.sync(), ["put"]);
    let boxes: Vec<u32> = desk.ax().lines.iter().map(|l| l.terms.boxes).collect();
    assert_eq!(boxes, [4, 6]);
    assert_eq!(held(&desk), ["edited_in_axerrio 11"]);
}

#[test]
fn both_sides_changed_one_line_and_nobody_is_overruled() {
    let mut desk = sent();
    desk.ax_line("11").terms.boxes = 4;
    rep_changes(&mut desk, 11, 9);
    assert_eq!(desk.sync(), [""; 0]);
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeAxerrio);
    assert_eq!(desk.sync(), [""; 0]);
    rep_changes(&mut desk, 11, 10);
    assert_eq!(held(&desk), ["edited_in_axerrio 11"], "Komet's next change is a new question");
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
    assert_eq!(desk.sync(), ["put"]);
}

#[test]
fn a_held_line_is_not_bought_the_others_are() {
    let mut desk = sent();
    desk.accept();
    desk.ax_line("11").terms.boxes = 4;
    assert_eq!(desk.sync(), ["po 12"]);
    assert_eq!(held(&desk), ["edited_in_axerrio 11"]);
}

#[test]
fn a_line_added_in_axerrio_is_held_and_goes_when_komet_is_taken() {
    let mut desk = sent();
    desk.ax().lines.push(crate::trade::line("x", roses(1)));
    assert_eq!(held(&desk), ["edited_in_axerrio x"]);
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
    assert_eq!(desk.sync(), ["put"]);
    assert!(!desk.ax().lines.iter().any(|l| l.id == LineId("x".into())));
}

#[test]
fn an_item_that_changes_while_its_po_is_pending_is_bought_as_it_is_by_then() {
    let changes: [fn(&mut KometTerms); 4] = [
        |terms| terms.product = KometProduct { id: Some(502), description: "Lily White".into() },
        |terms| terms.box_type = "QB".into(),
        |terms| terms.mark_code = Some("STORE 7".into()),
        |terms| terms.unit_cost = cost("0.35"),
    ];
    for change in changes {
        let mut desk = accepted();
        change(&mut item(&mut desk, 11).terms);
        desk.read();
        assert_eq!(desk.sync(), ["put"], "the vendor is asked again");
        desk.accept();
        assert_eq!(desk.sync(), ["delete po line 11", "more po 11"]);
        assert_eq!(desk.sync(), [""; 0]);
    }
}

#[test]
fn an_item_that_changes_after_approval_is_a_question() {
    let changed = || {
        let mut desk = accepted();
        desk.approve();
        desk.sync();
        item(&mut desk, 11).terms.product = KometProduct { id: Some(502), description: "Lily White".into() };
        desk.read();
        assert_eq!(desk.sync(), ["put"]);
        desk.accept();
        assert_eq!(desk.sync(), [""; 0], "what is approved stays");
        assert_eq!(held(&desk), ["changed_after_approval 11"]);
        desk
    };
    let mut followed = changed();
    followed.edit_po(|po| po.lines[0].terms.product.id = Some(502));
    assert_eq!((followed.sync().len(), held(&followed)), (0, Vec::new()), "the buyer has followed");
    let mut left = changed();
    left.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    assert_eq!((left.sync().len(), held(&left)), (0, Vec::new()));
    let mut anew = changed();
    anew.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
    assert_eq!(anew.sync(), ["delete po line 11", "po 11", "tell approved"], "on a PO that nobody approved yet");
}

#[test]
fn a_map_that_changes_later_changes_no_order_that_went_out() {
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.map("ROS60", 501);
    desk.sync();
    desk.accept();
    desk.sync();
    desk.approve();
    desk.sync();
    desk.maps.clear();
    desk.map("ROSEX", 501);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    // Nor does it when the vendor writes something of his own.
    desk.ax().header.comments = Some("from the farm".into());
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_prebook_that_changes_after_its_order_was_left_cancelled_is_a_new_question() {
    for verdict in [Verdict::TakeAxerrio, Verdict::Dismissed] {
        let mut desk = sent();
        desk.ax().status = AxStatus::Cancelled;
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_axerrio".to_owned()]));
        desk.decide(HoldReason::EditedInAxerrio, verdict);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{verdict:?}");
        desk.edit_item("11", |item| item.terms.boxes = 9);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_axerrio".to_owned()]), "{verdict:?}");
        desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
        assert_eq!(desk.sync(), ["put"], "{verdict:?}");
        assert_eq!(desk.ax_line("11").terms.boxes, 9);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{verdict:?}");
    }
}

#[test]
fn a_prebook_of_days_past_is_not_ordered_any_more_and_told_where_it_was_due() {
    for (ships, told, due, held) in [
        ("2026-11-19", &[][..], false, 0),
        ("2026-11-19", &[][..], true, 1),
        ("2026-11-20", &["put"][..], true, 0),
    ] {
        let mut desk = Desk::flow2(&[roses(5)]);
        item(&mut desk, 11).ship_date = day(ships);
        desk.order.ship_date = day(ships);
        desk.order.agreed.due = due;
        desk.read();
        assert_eq!(desk.sync(), told, "{ships}");
        assert_eq!(desk.plan().holds.len(), held, "{ships}");
    }
}

#[test]
fn where_no_line_is_left_in_axerrio_a_new_header_is_not_put() {
    for verdict in [None, Some(Verdict::TakeAxerrio), Some(Verdict::Dismissed)] {
        let mut desk = Desk::flow2(&[roses(5)]);
        desk.sync();
        desk.ax().lines.clear();
        desk.sync();
        if let Some(verdict) = verdict {
            desk.decide(HoldReason::EditedInAxerrio, verdict);
        }
        desk.komet.prebooks[0].header.customer_po = Some("REP-9".into());
        desk.read();
        assert_eq!(desk.sync(), [""; 0], "{verdict:?}");
    }
}

#[test]
fn a_line_that_the_vendor_took_back_and_a_person_let_him_is_bought_no_more() {
    let mut desk = accepted();
    desk.ax().lines.retain(|line| line.id != LineId("12".into()));
    assert_eq!(desk.sync(), [""; 0], "a person is asked");
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeAxerrio);
    desk.sync();
    assert_eq!(bought(&desk), [5]);
    assert_eq!(desk.sync(), [""; 0]);
}

/// The vendor took one of two lines out and was let; then the rep deletes the other one.
#[test]
fn an_order_of_which_komet_wants_nothing_that_is_left_is_asked_about() {
    let mut desk = Desk::flow2(&[roses(5), roses(3)]);
    desk.sync();
    desk.accept();
    desk.sync();
    let lines: Vec<_> = desk.ax().lines.iter().map(|line| line.id.0.clone()).collect();
    desk.ax().lines.remove(1);
    desk.sync();
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeAxerrio);
    desk.sync();
    assert_eq!(held(&desk), [""; 0]);
    desk.edit_item(&lines[0], |item| item.terms.boxes = 0);
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_axerrio"]);
    assert!(desk.plan().holds[0].detail.contains("Cancel the order in Axerrio"));
    let mut overruled = desk.clone();
    overruled.decide(HoldReason::EditedInAxerrio, Verdict::TakeKomet);
    overruled.sync();
    let left: Vec<_> = overruled.ax().lines.iter().map(|line| line.id.0.clone()).collect();
    assert_eq!((left, held(&overruled)), (lines[1..].to_vec(), vec![]));
    desk.decide(HoldReason::EditedInAxerrio, Verdict::TakeAxerrio);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "left as it is");
}

/// The vendor accepted one day, and its own edit of the order keeps the other from it.
#[test]
fn what_is_bought_stays_where_it_is_until_the_vendor_has_answered_the_new_day() {
    let mut desk = accepted();
    desk.sync();
    desk.ax().header.carrier = Some(stemsync::domain::Party { code: "PRIME".into(), name: String::new() });
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_axerrio"]);
    desk.order.ship_date = day("2026-12-07");
    for item in &mut desk.komet.prebooks[0].items {
        item.ship_date = day("2026-12-07");
    }
    desk.read();
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn what_is_bought_stays_as_it_is_while_axerrio_refuses_to_hear_of_the_change() {
    let mut desk = accepted();
    desk.sync();
    desk.refuses.insert("PUT orders/by-ref/{externalRef}", "labels are printed");
    desk.edit_item("11", |item| item.terms.bunches = 14);
    let sent = desk.sync();
    assert!(!sent.iter().any(|told| told.contains("po")), "{sent:?}");
    assert!(held(&desk).contains(&"rejected_by_axerrio".to_owned()), "{:?}", held(&desk));
}

/// An old copy of the database was put back, and knows less of the Prebook than Axerrio does.
#[test]
fn what_ships_no_more_is_not_put_as_it_was_without_a_persons_word() {
    let mut desk = Desk::flow2(&[roses(5)]).with_owner_rule();
    desk.sync();
    let over = day("2026-11-10");
    desk.order.ship_date = over;
    desk.ax().header.ship_date = over;
    let agreed = desk.order.agreed.input.as_mut().unwrap();
    (agreed.sent.header.ship_date, agreed.seen.header.ship_date) = (over, over);
    let line = desk.ax().lines[0].id.0.clone();
    desk.ax_line(&line).terms.boxes = 9;
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![format!("edited_in_axerrio {line}")]));
}
