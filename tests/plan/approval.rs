//! From approval on the PO is Komet's: Axerrio learns of it, and what changes there is held.

use stemsync::domain::{AxStatus, HoldReason, ItemId, PoInfoStatus, PoItemId, PoStatus, Stage, Verdict};
use stemsync::sync::plan::Need;

use crate::trade::{Desk, at, bouquet, cost, day, held, label, lilies, line, roses};

fn approved() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk.approve();
    assert_eq!(desk.sync(), ["tell approved"]);
    desk
}

#[test]
fn a_pending_po_is_not_told() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    assert_eq!(desk.order.axerrio.order.unwrap().purchase_order, None);
}

#[test]
fn an_approved_po_is_told_once() {
    let mut desk = approved();
    let info = desk.ax().purchase_order.clone().unwrap();
    assert_eq!((info.status, info.lines.len()), (PoInfoStatus::Approved, 2));
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn an_item_that_no_line_stands_for_is_asked_about_after_approval_too() {
    for owner_rule in [false, true] {
        let mut desk = if owner_rule { approved().with_owner_rule() } else { approved() };
        let item = desk.item(900, &roses(9));
        desk.komet.prebooks[0].items.push(item);
        desk.read();
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["edited_in_komet"]);
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
        assert_eq!(desk.sync(), ["delete item"]);
        assert_eq!(held(&desk), [""; 0]);
    }
}

#[test]
fn an_item_that_no_line_stands_for_and_a_po_buys_goes_from_both_or_stays() {
    for (verdict, sent) in [
        (Verdict::TakeAxerrio, &["delete po line 900", "delete item"][..]),
        (Verdict::TakeKomet, &[]),
        (Verdict::Dismissed, &[]),
    ] {
        let mut desk = approved();
        let item = desk.item(900, &roses(9));
        desk.komet.prebooks[0].items.push(item);
        desk.edit_po(|po| {
            let mut bought = po.lines[0].clone();
            (bought.id, bought.item_id) = (PoItemId(99), Some(ItemId(900)));
            po.lines.push(bought);
        });
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["changed_after_approval"]);
        desk.decide(HoldReason::ChangedAfterApproval, verdict);
        assert_eq!(desk.sync(), sent, "{verdict:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
}

#[test]
fn what_changed_on_the_po_is_told_again() {
    type Change = fn(&mut Desk);
    let changes: [(&str, Change, &[&str]); 6] = [
        ("boxes", |d| d.edit_po(|po| po.lines[0].terms.boxes = 4), &["tell approved"]),
        ("cost", |d| d.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.30")), &["tell approved"]),
        ("status", |d| d.edit_po(|po| po.status = PoStatus::Confirmed), &["tell confirmed"]),
        ("AWB", |d| d.edit_po(|po| po.awb = Some("729-1".into())), &["tell approved"]),
        ("cancelled", |d| d.edit_po(|po| po.status = PoStatus::Cancelled), &["tell cancelled"]),
        ("only the time", |d| d.edit_po(|po| po.updated_on = Some(at(9))), &[]),
    ];
    for (what, change, told) in changes {
        let mut desk = approved();
        change(&mut desk);
        assert_eq!(desk.sync(), told, "{what}");
        assert_eq!(held(&desk), [""; 0], "{what}");
    }
}

#[test]
fn what_buys_a_line_that_axerrio_removed_is_not_told_as_that_lines() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk.ax().lines.pop();
    assert_eq!(desk.sync(), [""; 0]);
    desk.edit_po(|po| po.status = PoStatus::Confirmed);
    assert_eq!(desk.sync(), ["tell confirmed"]);
    let told = desk.ax().purchase_order.clone().unwrap();
    assert_eq!(told.lines.iter().map(|line| line.line_id.0.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["changed_after_approval 2".to_owned()]));
}

#[test]
fn axerrio_may_show_the_po_in_its_own_way() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.approve();
    let plan = desk.plan();
    desk.order.agreed = plan.agreed;
    let mut outcome = desk.execute(&plan.actions[0]);
    let stemsync::sync::apply::Outcome::Order(order) = &mut outcome else { unreachable!() };
    order.purchase_order.as_mut().unwrap().number.0 = "0000101".into();
    stemsync::sync::apply::apply(&mut desk.order, &plan.actions[0], &outcome);
    assert_eq!(desk.sync(), [""; 0]);
}

#[test]
fn a_po_that_komet_cancelled_is_not_bought_again() {
    let mut desk = approved();
    desk.edit_po(|po| po.status = PoStatus::Cancelled);
    assert_eq!(desk.sync(), ["tell cancelled"]);
    assert_eq!(desk.order.stage, Stage::Cancelled);
}

#[test]
fn an_order_cancelled_after_its_po_was_cancelled_goes_without_a_question() {
    let mut desk = approved();
    desk.edit_po(|po| po.status = PoStatus::Cancelled);
    desk.sync();
    desk.ax().status = AxStatus::Cancelled;
    assert_eq!(desk.sync(), ["delete item 1", "delete item 2"]);
}

type Change = fn(&mut Desk);

/// Each change in Axerrio after approval, and what is sent if it is carried out all the same.
fn changes() -> Vec<(&'static str, Change, Vec<&'static str>)> {
    vec![
        (
            "a changed line",
            |d| d.ax_line("1").terms.boxes = 9,
            vec!["delete po line 1", "delete item 1", "more prebook 1", "more po 1", "tell approved"],
        ),
        (
            "an added line",
            |d| d.ax().lines.push(line("3", roses(1))),
            vec!["more prebook 3", "more po 3", "tell approved"],
        ),
        (
            "a removed line",
            |d| drop(d.ax().lines.remove(0)),
            vec!["delete po line 1", "delete item 1", "tell approved"],
        ),
        (
            "a cancelled order",
            |d| d.ax().status = AxStatus::Cancelled,
            vec!["delete po line 1", "delete item 1", "delete po line 2", "delete item 2", "tell cancelled"],
        ),
        (
            "a rejected order",
            |d| d.ax().status = AxStatus::Rejected,
            vec!["delete po line 1", "delete item 1", "delete po line 2", "delete item 2", "tell cancelled"],
        ),
    ]
}

#[test]
fn a_change_in_axerrio_after_approval_waits_for_a_person() {
    for (what, change, _) in changes() {
        let mut desk = approved();
        change(&mut desk);
        assert_eq!(desk.sync(), [""; 0], "{what}");
        let holds = desk.plan().holds;
        assert_eq!(holds.len(), 1, "{what}");
        assert_eq!(holds[0].reason, HoldReason::ChangedAfterApproval, "{what}");
    }
}

#[test]
fn the_question_says_what_was_changed_after_approval() {
    let mut desk = approved();
    desk.ax_line("1").terms.boxes = 9;
    desk.ax().header.ship_date = day("2026-12-09");
    let plan = desk.plan();
    let hold = plan.holds.iter().find(|hold| hold.line.as_ref().is_some_and(|line| line.0 == "1")).unwrap();
    for told in ["the line was changed (boxes ", " became 9, ship date ", " became 2026-12-09) in Axerrio"] {
        assert!(hold.detail.contains(told), "{}", hold.detail);
    }
}

#[test]
fn taking_axerrio_changes_what_was_approved() {
    for (what, change, sent) in changes() {
        let mut desk = approved();
        change(&mut desk);
        desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
        assert_eq!(desk.sync(), sent, "{what}");
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{what}");
    }
}

#[test]
fn taking_komet_dismissing_or_the_owner_rule_keep_what_was_approved() {
    for verdict in [Some(Verdict::TakeKomet), Some(Verdict::Dismissed), None] {
        for (what, change, _) in changes() {
            let mut desk = approved();
            change(&mut desk);
            match verdict {
                Some(verdict) => desk.decide(HoldReason::ChangedAfterApproval, verdict),
                None => desk = desk.with_owner_rule(),
            }
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{what}");
        }
    }
}

#[test]
fn a_line_that_was_removed_after_approval_and_comes_back_is_asked_about() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet] {
        let mut desk = approved();
        let removed = desk.ax().lines.remove(1);
        desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
        assert_eq!(desk.sync(), ["delete po line 2", "delete item 2", "tell approved"]);
        desk.ax().lines.push(removed);
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["changed_after_approval 2"]);
        desk.decide(HoldReason::ChangedAfterApproval, verdict);
        let made = if verdict == Verdict::TakeAxerrio { 3 } else { 0 };
        assert_eq!((desk.sync().len(), held(&desk).len()), (made, 0));
    }
}

/// What is left of the PO is told to Axerrio, where the line stands all the same.
#[test]
fn a_line_that_komets_people_took_from_prebook_and_po_is_asked_about() {
    for (verdict, made) in [(Verdict::TakeAxerrio, 2), (Verdict::TakeKomet, 0)] {
        let mut desk = approved();
        desk.edit_po(|po| drop(po.lines.remove(0)));
        desk.edit_item("1", |item| item.terms.boxes = 0);
        assert_eq!(desk.sync(), ["tell approved"]);
        assert_eq!(held(&desk), ["edited_in_komet 1"]);
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!((desk.sync().len(), held(&desk).len()), (made, 0));
    }
    let mut owner = approved().with_owner_rule();
    owner.edit_po(|po| drop(po.lines.remove(0)));
    owner.edit_item("1", |item| item.terms.boxes = 0);
    assert_eq!((owner.sync(), held(&owner).len()), (vec!["tell approved".to_owned()], 0), "the PO is Komet's");
}

#[test]
fn a_map_that_was_corrected_makes_a_pending_line_anew_and_is_asked_about_once_it_was_approved() {
    for approves in [false, true] {
        let mut desk = Desk::flow1(vec![line("1", roses(5))]);
        desk.map("ROS60", 502);
        desk.sync();
        if approves {
            desk.approve();
            desk.sync();
        }
        desk.map("ROS60", 501);
        let anew = ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"];
        if approves {
            assert_eq!(desk.sync(), [""; 0]);
            assert_eq!(held(&desk), ["changed_after_approval 1"]);
            desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
        }
        assert_eq!(desk.sync()[..4], anew);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    }
}

#[test]
fn a_note_changed_after_the_decision_is_no_new_question() {
    let mut desk = approved();
    desk.ax_line("1").terms.boxes = 9;
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    desk.ax_line("1").terms.notes = Some("sorry".into());
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn fewer_boxes_confirmed_after_approval_are_held_until_the_po_says_so_too() {
    let mut desk = approved();
    desk.ax_line("1").confirmed_boxes = Some(3);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    desk.edit_po(|po| po.lines[0].terms.boxes = 3);
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn komets_edits_after_approval_are_komets_right() {
    let mut desk = approved();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.komet.prebooks[0].header.carrier_id = Some(32);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_line_that_is_mapped_after_approval_goes_on_a_po_of_its_own_and_can_still_change() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", bouquet(2))]);
    desk.known.remove("Lily White");
    desk.sync();
    desk.approve();
    desk.sync();
    desk.edit_item("2", |i| i.terms.breakdowns[1].product.id = Some(502));
    desk.known.insert("Lily White".into(), 502);
    assert_eq!(desk.sync(), ["mixed po 2"], "nobody approved it");
    desk.ax_line("2").terms.boxes = 3;
    assert_eq!(desk.sync()[..2], ["delete po line 2", "delete item 2"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn an_order_with_a_mixed_box_not_yet_bought_is_not_received() {
    let mut desk = Desk::flow1(vec![line("1", roses(1)), line("2", bouquet(2))]);
    desk.known.remove("Lily White");
    desk.sync();
    desk.approve();
    desk.edit_po(|po| {
        po.lines[0].boxes =
            vec![stemsync::domain::PoBox { code: "B1".into(), lot_number: None, status: Some("Received".into()) }];
    });
    desk.sync();
    assert_eq!(desk.order.stage, Stage::PoApproved);
}

#[test]
fn what_was_left_as_approved_stays_where_another_line_makes_the_po_wait_again() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk.ax_line("1").terms.boxes = 9;
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    desk.ax_line("2").confirmed_boxes = Some(2);
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    desk.sync();
    // Somebody adds to the PO, and Komet has it approved once more.
    desk.edit_po(|po| po.status = PoStatus::Pending);
    assert_eq!(desk.sync(), ["tell pending"], "and nothing else");
    assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()));
}

#[test]
fn a_line_that_a_buyer_moved_to_another_po_is_looked_for_there() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    let mut other = desk.po().clone();
    other.number.0 = "PO-OTHER".into();
    other.lines[0].id.0 += 500;
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    desk.edit_item("1", |item| item.po_number = Some(other.number.clone()));
    let needs = desk.plan().needs;
    assert_eq!(needs.into_iter().collect::<Vec<_>>(), [Need::PurchaseOrder(other.number.clone())]);
    desk.komet.purchase_orders.push(other);
    assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()));
}

/// The vendor knows the PO as approved.
#[test]
fn a_po_whose_lines_went_to_a_pending_one_and_from_that_too_is_told_as_cancelled() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.approve();
    desk.sync();
    let mut other = desk.po().clone();
    other.number.0 = "PO-OTHER".into();
    other.status = PoStatus::Pending;
    desk.edit_po(|po| po.lines.clear());
    desk.komet.purchase_orders.push(other);
    desk.read();
    desk.ax_line("1").confirmed_boxes = Some(0);
    assert_eq!(desk.sync(), ["delete po line 1", "tell cancelled"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// A buyer took it off the PO that took the first one's place.
#[test]
fn a_line_that_is_off_the_po_in_its_place_changes_by_a_persons_word_like_any_approved_one() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    let mut anew = desk.po().clone();
    anew.number.0 = "PO-ANEW".into();
    anew.lines.truncate(1);
    anew.lines[0].id.0 += 500;
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    desk.komet.purchase_orders.push(anew);
    desk.read();
    desk.sync();
    desk.approve();
    desk.komet.purchase_orders.iter_mut().for_each(|po| po.status = PoStatus::Approved);
    desk.read();
    desk.sync();
    desk.komet.purchase_orders[1].lines[0].terms.boxes = 0;
    desk.read();
    desk.sync();
    desk.ax_line("1").terms.boxes = 9;
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["changed_after_approval 1".to_owned()]));
}

/// Its request was delivered twice, and procurement approved both lines.
#[test]
fn a_line_that_is_bought_twice_on_one_po_stays_a_question_when_some_of_it_has_shipped() {
    let mut desk = Desk::flow1(vec![line("1", roses(3))]);
    desk.sync();
    let mut again = desk.po().lines[0].clone();
    again.id.0 += 500;
    desk.edit_po(|po| {
        po.lines.push(again);
        po.status = PoStatus::Approved;
    });
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    desk.print(vec![label("1", 1, "B1"), label("1", 2, "B2")]);
    assert_eq!(desk.sync()[0], "ship 1 B1+B2");
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    assert!(desk.plan().holds[0].detail.contains("bought twice"), "{}", desk.plan().holds[0].detail);
}

/// Whether it does is nowhere said.
#[test]
fn a_changed_line_goes_on_a_po_of_its_own_where_komet_takes_none_onto_an_approved_one() {
    let mut desk = approved();
    desk.ax_line("1").terms.boxes = 9;
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
    desk.refuses.insert("purchase.order.create", "PO is approved");
    let told = desk.sync();
    assert_eq!(told[3..5], ["more po 1 refused", "po 1 refused"], "{told:?}");
    desk.refuses.clear();
    assert_eq!(desk.sync()[0], "po 1");
    assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()));
}

/// The one that nobody has approved took its place.
#[test]
fn a_line_beside_a_cancelled_po_is_pending_where_a_buyer_bought_it_anew() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    let mut anew = desk.po().clone();
    anew.number.0 = "PO-ANEW".into();
    anew.lines[0].id.0 += 500;
    desk.edit_po(|po| po.status = PoStatus::Cancelled);
    desk.komet.purchase_orders.push(anew);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.ax_line("1").confirmed_boxes = Some(3);
    assert_eq!(desk.sync(), ["delete po line 1", "po 1"]);
    desk.ax_line("1").terms.boxes = 7;
    desk.ax_line("1").confirmed_boxes = None;
    let told = desk.sync();
    assert_eq!((told.len(), held(&desk)), (4, Vec::new()), "{told:?}");
}

/// A buyer may have bought it anew on a PO of any day.
#[test]
fn a_line_that_is_off_its_po_is_looked_for_on_every_day_before_anything_else_is_done() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.has_read_po();
    desk.facts.po_dates = (1..=9).map(|date| day(&format!("2026-12-0{date}"))).collect();
    let mut other = desk.po().clone();
    other.number.0 = "PO-OTHER".into();
    other.ship_date = day("2026-12-07");
    other.lines[0].id.0 += 500;
    desk.edit_po(|po| po.lines.clear());
    desk.ax().status = AxStatus::Cancelled;
    let plan = desk.plan();
    assert!(plan.actions.is_empty(), "{:?}", plan.actions);
    assert!(plan.needs.contains(&Need::PurchaseOrders(day("2026-12-09"))), "{:?}", plan.needs);
    desk.komet.purchase_orders.push(other);
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1"]);
    desk.facts.po_dates_read.clear();
    assert!(desk.plan().needs.is_empty(), "once");
}

/// Of one of the days somebody else's PO makes no sense: that holds up nobody.
#[test]
fn what_is_off_its_po_is_not_looked_for_where_nothing_can_be_read() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.has_read_po();
    desk.facts.po_dates = [day("2026-12-04"), day("2026-12-05")].into();
    desk.facts.po_dates_in_vain = [day("2026-12-05")].into();
    desk.edit_po(|po| po.lines.clear());
    let needs = desk.plan().needs;
    assert!(needs.contains(&Need::PurchaseOrders(day("2026-12-04"))), "{needs:?}");
    assert!(!needs.contains(&Need::PurchaseOrders(day("2026-12-05"))), "{needs:?}");
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn a_change_that_was_left_before_the_line_was_made_anew_is_a_new_question() {
    let mut desk = approved();
    desk.ax_line("1").terms.boxes = 9;
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    desk.sync();
    desk.ax_line("1").terms.boxes = 7;
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
    desk.sync();
    desk.ax_line("1").terms.boxes = 9;
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
}

#[test]
fn what_was_edited_under_an_approval_is_asked_about_once_it_is_taken_back() {
    for (verdict, sent) in [
        (
            Verdict::TakeAxerrio,
            &["delete po line 1", "delete item 1", "more prebook 1", "more po 1", "tell pending"][..],
        ),
        (Verdict::TakeKomet, &[]),
    ] {
        let mut desk = approved();
        desk.komet.prebooks[0].items[0].terms.mark_code = Some("REP".into());
        desk.read();
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        desk.edit_po(|po| po.status = PoStatus::Pending);
        assert_eq!(desk.sync(), ["tell pending"]);
        assert_eq!(held(&desk), ["edited_in_komet 1"]);
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!(desk.sync(), sent, "{verdict:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
}

#[test]
fn what_was_edited_under_an_approval_and_put_right_again_is_no_question() {
    let mut desk = approved();
    let before = desk.komet.prebooks[0].items[0].terms.mark_code.clone();
    for mark in [Some("REP".into()), before] {
        desk.komet.prebooks[0].items[0].terms.mark_code = mark;
        desk.read();
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
    desk.edit_po(|po| po.status = PoStatus::Pending);
    assert_eq!(desk.sync(), ["tell pending"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_header_that_was_edited_under_an_approval_is_asked_about_once_it_is_taken_back() {
    let mut desk = approved();
    desk.komet.prebooks[0].header.customer_po = Some("REP-9".into());
    desk.read();
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    desk.edit_po(|po| po.status = PoStatus::Pending);
    assert_eq!(desk.sync(), ["tell pending"]);
    assert_eq!(held(&desk), ["edited_in_komet"]);
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
}

#[test]
fn a_line_that_was_left_as_approved_and_is_taken_off_its_po_is_asked_about() {
    for (verdict, sent) in [(Verdict::TakeAxerrio, &["po 1"][..]), (Verdict::TakeKomet, &[])] {
        let mut desk = approved();
        desk.ax_line("1").terms.unit_cost = cost("0.40");
        desk.sync();
        desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        desk.edit_po(|po| po.lines[0].terms.boxes = 0);
        desk.sync();
        assert_eq!(held(&desk), ["edited_in_komet 1"]);
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!(desk.sync(), sent, "{verdict:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
}

/// From approval on the PO is Komet's: what its people take off it stays off where the owner's value wins.
#[test]
fn under_the_owner_rule_a_line_is_bought_again_only_where_its_po_was_pending() {
    let mut pending = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    pending.sync();
    for (mut desk, sent) in
        [(pending.with_owner_rule(), &["more po 1"][..]), (approved().with_owner_rule(), &["tell approved"])]
    {
        desk.edit_po(|po| po.lines[0].terms.boxes = 0);
        assert_eq!(desk.sync(), sent);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
}

#[test]
fn a_change_that_was_left_and_taken_back_is_asked_about_when_it_is_made_again() {
    for verdict in [Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = approved();
        desk.ax_line("1").terms.boxes = 9;
        desk.sync();
        desk.decide(HoldReason::ChangedAfterApproval, verdict);
        for (boxes, questions) in [(9, 0), (5, 0), (9, 1)] {
            desk.ax_line("1").terms.boxes = boxes;
            desk.sync();
            assert_eq!(held(&desk).len(), questions, "{verdict:?} {boxes}");
        }
    }
}

#[test]
fn a_change_beside_a_cancelled_po_is_not_said_to_be_one_after_approval() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.edit_po(|po| po.status = PoStatus::Cancelled);
    desk.sync();
    desk.ax_line("1").terms.boxes = 6;
    desk.sync();
    let detail = desk.plan().holds[0].detail.clone();
    assert!(detail.contains("cancelled the PO") && !detail.contains("approved"), "{detail}");
}
