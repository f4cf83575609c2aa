//! What is already there is recognised: after a lost database, a lost answer, a late effect.

use stemsync::domain::{
    AxStatus, HoldReason, LineId, LineTerms, PoBox, PoItemId, PoNumber, PoStatus, PrebookId, PurchaseOrder,
    Verdict,
};
use stemsync::sync::plan::Need;

use crate::trade::{Desk, bouquet, day, held, label, lilies, line, prebook, roses};

fn placed() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3)), line("3", bouquet(2))]);
    desk.sync();
    desk
}

#[test]
fn with_an_empty_database_nothing_is_repeated() {
    let mut desk = placed();
    desk.lose_database();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.approve();
    desk.sync();
    desk.print((1..=5).map(|n| label("1", n, &format!("B{n}"))).collect());
    desk.sync();
    desk.lose_database();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn with_an_empty_database_a_flow_2_order_is_not_repeated() {
    let mut desk = Desk::flow2(&[roses(5)]);
    desk.sync();
    desk.accept();
    desk.sync();
    desk.lose_database();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn products_that_were_mapped_meanwhile_are_recognised_by_their_goods() {
    let mut desk = placed();
    for item in &mut desk.komet.prebooks[0].items {
        item.terms.product.description = format!("KOMET'S OWN NAME {}", item.id);
    }
    desk.read();
    desk.lose_database();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn an_order_without_a_carrier_is_recognised_although_komet_gave_it_one() {
    let mut desk = placed();
    desk.ax().header.carrier = None;
    desk.lose_database();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_change_that_came_while_the_database_was_lost_is_carried_out() {
    type Change = fn(&mut Desk);
    let changes: [(&str, Change); 6] = [
        ("boxes", |d| d.ax_line("1").terms.boxes = 9),
        ("unit", |d| d.ax_line("1").terms.unit_type = stemsync::domain::UnitType::Bunch),
        ("truck date", |d| d.ax().header.truck_date = Some(day("2026-12-04"))),
        ("customer PO", |d| d.ax().header.customer_po = None),
        ("carrier", |d| d.ax().header.carrier.as_mut().unwrap().code = "PRIME".into()),
        ("ship date", |d| d.ax().header.ship_date = day("2026-12-02")),
    ];
    for (what, change) in changes {
        let mut desk = placed();
        desk.lose_database();
        change(&mut desk);
        assert!(desk.sync().starts_with(&["delete po line 1".to_owned()]), "{what}");
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{what}");
        for number in ["1", "2", "3"] {
            assert_eq!(bought(&desk, number), 1, "{what}: line {number} is bought once");
        }
    }
}

#[test]
fn an_approved_po_is_read_before_anything_is_done_about_what_it_buys() {
    let changes: [fn(&mut Desk); 3] = [
        |d| d.ax_line("1").terms.boxes = 9,
        |d| d.ax().status = AxStatus::Cancelled,
        |d| d.ax().lines.push(line("9", roses(1))),
    ];
    for change in changes {
        let mut desk = placed();
        desk.approve();
        desk.sync();
        desk.lose_database();
        desk.order.komet.purchase_orders.clear();
        change(&mut desk);
        let plan = desk.plan();
        assert_eq!((plan.actions.len(), plan.needs.len()), (0, 1));
        desk.sync();
        assert_eq!(held(&desk).len(), 1);
        assert!(desk.po().lines.iter().all(|l| l.terms.boxes > 0));
    }
}

#[test]
fn a_tag_of_no_order_decides_nothing_and_is_a_question() {
    let mut desk = placed();
    desk.lose_database();
    desk.order.axerrio.order = None;
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.holds.len(), plan.cancels), (0, 1, false));
}

#[test]
fn a_late_second_prebook_of_a_doubtful_create_is_cleared_away() {
    let mut desk = placed();
    desk.gives_up(&[("1", roses(5)), ("2", lilies(3))]);
    let items = vec![desk.item(901, &roses(5)), desk.item(902, &lilies(3))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    assert_eq!(desk.sync(), ["delete item", "delete item"]);
    assert_eq!(desk.order.agreed.given_up, []);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_second_prebook_that_nobody_can_explain_is_a_question() {
    let mut desk = placed();
    let items = vec![desk.item(901, &roses(4))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet"]);
}

#[test]
fn a_prebook_of_another_order_is_never_added_to() {
    let mut desk = placed();
    let items = vec![];
    desk.komet.prebooks.push(prebook(9000, Some("[AX AX-2]".into()), items));
    desk.read();
    desk.ax().lines.push(line("9", roses(1)));
    desk.sync();
    assert_eq!(desk.komet.prebooks.iter().find(|p| p.id == PrebookId(9000)).unwrap().items, []);
}

#[test]
fn a_pending_po_read_after_the_loss_is_not_bought_again() {
    let mut desk = placed();
    desk.lose_database();
    desk.order.komet.purchase_orders.clear();
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(desk.komet.purchase_orders.len(), 1);
    assert_eq!(desk.po().status, PoStatus::Pending);
}

/// Everything of the last PO once more, under other numbers.
fn po_again(desk: &mut Desk, number: PoNumber) -> PurchaseOrder {
    let mut again = PurchaseOrder { number, ..desk.po().clone() };
    again.lines.iter_mut().for_each(|line| line.id = PoItemId(desk.new_id()));
    again
}

#[test]
fn a_prebook_create_that_was_delivered_twice_leaves_nothing_behind() {
    let mut desk = placed();
    let items = vec![desk.item(901, &roses(5)), desk.item(902, &lilies(3))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    let before = desk.item_of("1");
    assert_eq!(desk.sync(), ["delete item"; 2]);
    assert_eq!((desk.item_of("1"), desk.sync().len(), held(&desk).len()), (before, 0, 0));
}

/// A rep edited the item of a cancelled order, which a person must judge, but not what a request left that was delivered twice.
#[test]
fn po_lines_that_were_delivered_twice_go_before_a_person_is_asked_about_their_line() {
    let mut desk = placed();
    let again = po_again(&mut desk, PoNumber("PO-AGAIN".into()));
    desk.komet.purchase_orders.push(again);
    desk.komet.prebooks[0].items[0].terms.boxes = 2;
    desk.ax().status = AxStatus::Cancelled;
    desk.read();
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
    let item = desk.item_of("1");
    let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
    assert_eq!(lines.filter(|line| line.is_alive() && line.item_id.as_ref() == Some(&item)).count(), 1);
}

#[test]
fn an_item_like_ours_that_a_rep_adds_later_is_a_question() {
    let mut desk = placed();
    let twin = desk.item(903, &roses(5));
    desk.komet.prebooks[0].items.push(twin);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet".to_owned()]));
}

#[test]
fn a_copy_of_our_prebook_for_another_customer_is_a_question() {
    let mut desk = placed();
    let items = vec![desk.item(901, &roses(5)), desk.item(902, &lilies(3))];
    let mut copy = prebook(900, Some("[AX AX-1]".into()), items);
    copy.header.customer_id = Some(502);
    desk.komet.prebooks.push(copy);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 2));
}

#[test]
fn a_twin_that_a_buyer_bought_is_a_question() {
    let mut desk = placed();
    let items = vec![desk.item(901, &roses(5))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    let mut bought = po_again(&mut desk, PoNumber("PO990".into()));
    bought.lines.truncate(1);
    bought.lines[0].item_id = Some(stemsync::domain::ItemId(901));
    desk.komet.purchase_orders.push(bought);
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet".to_owned()]));
}

#[test]
fn a_doubled_po_that_shows_only_after_its_line_was_made_anew_goes_while_it_is_pending() {
    let mut desk = placed();
    let again = po_again(&mut desk, PoNumber("PO990".into()));
    desk.ax_line("1").terms.boxes = 7;
    desk.sync();
    // Its first line buys the item that is deleted by now.
    desk.komet.purchase_orders.push(again);
    desk.read();
    assert_eq!(desk.sync().len(), 3);
    assert!(desk.komet.purchase_orders[1].lines.iter().all(|line| !line.is_alive()));
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn po_lines_that_were_delivered_twice_go_while_they_are_pending() {
    for on_own_po in [false, true] {
        for flow2 in [false, true] {
            let mut desk = if flow2 { Desk::flow2(&[roses(5), lilies(3)]) } else { placed() };
            desk.sync();
            desk.accept();
            desk.sync();
            let made = desk.po().lines.clone();
            if on_own_po {
                let again = po_again(&mut desk, PoNumber("PO990".into()));
                desk.komet.purchase_orders.push(again);
                desk.read();
            } else {
                let number = desk.po().number.clone();
                let again = po_again(&mut desk, number).lines;
                desk.edit_po(|po| po.lines.extend(again));
            }
            let told = desk.sync();
            assert_eq!(told.len(), made.len(), "{told:?}");
            assert!(told.iter().all(|told| told.starts_with("delete po line")), "{told:?}");
            let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
            let left: Vec<_> = lines.filter(|line| line.is_alive()).cloned().collect();
            assert_eq!(left, made, "what stemsync knows stays");
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
        }
    }
}

#[test]
fn what_was_bought_twice_and_approved_unseen_is_asked_about_after_its_line_was_removed() {
    let mut desk = placed().with_owner_rule();
    let mut again = po_again(&mut desk, PoNumber("PO990".into()));
    again.status = PoStatus::Approved;
    desk.ax().lines.retain(|line| line.id.0 != "1");
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1"]);
    // A buyer moved the second PO to another day, where it is found only now.
    desk.komet.purchase_orders.push(again);
    desk.read();
    desk.sync();
    assert!(held(&desk).contains(&"changed_after_approval 1".to_owned()), "{:?}", held(&desk));
    desk.order.agreed.decisions.extend(
        desk.plan()
            .holds
            .into_iter()
            .map(|hold| stemsync::domain::Decision::new(hold.reason, hold.line, hold.cause, Verdict::TakeAxerrio)),
    );
    desk.sync();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
    assert_eq!(lines.filter(|line| line.is_alive()).count(), 2, "each of the other two is bought once");
}

#[test]
fn a_twin_on_the_same_approved_po_stays_a_question_whatever_a_buyer_makes_of_the_other() {
    let mut desk = placed();
    let number = desk.po().number.clone();
    let again = po_again(&mut desk, number).lines.swap_remove(0);
    desk.edit_po(|po| {
        po.lines.push(again);
        po.status = PoStatus::Approved;
    });
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    desk.edit_po(|po| po.lines[0].terms.boxes = 1);
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    desk.edit_po(|po| po.lines[0].terms.boxes = 0);
    desk.sync();
    assert_eq!(held(&desk), [""; 0]);
}

/// The first line is bought once more, on another PO, and procurement has approved both.
fn approved_twice() -> Desk {
    let mut desk = placed();
    let mut again = po_again(&mut desk, PoNumber("PO990".into()));
    again.lines.truncate(1);
    desk.approve();
    again.status = PoStatus::Approved;
    desk.komet.purchase_orders.push(again);
    desk.read();
    desk
}

#[test]
fn what_was_bought_twice_and_kept_may_still_be_confirmed_otherwise() {
    let mut desk = approved_twice();
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.ax_line("1").confirmed_boxes = Some(2);
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["changed_after_approval 1".to_owned()]));
}

#[test]
fn what_was_bought_and_shipped_twice_is_put_right_by_hand() {
    let mut desk = approved_twice();
    for po in &mut desk.komet.purchase_orders {
        let boxes = (0..5).map(|n| PoBox { code: format!("{} {n}", po.number), lot_number: None, status: None });
        po.lines[0].boxes = boxes.collect();
    }
    desk.read();
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 1"]);
    let told = &desk.plan().holds[0].detail;
    assert!(told.contains("bought twice") && told.contains("by hand"), "{told}");
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::Dismissed);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_line_that_was_bought_twice_and_left_as_komet_has_it_is_bought_once() {
    let mut desk = placed();
    let made = desk.po().lines.clone();
    let again = po_again(&mut desk, PoNumber("PO990".into()));
    desk.komet.purchase_orders.push(again);
    desk.edit_item("1", |item| item.terms.mark_code = Some("THEIRS".into()));
    desk.read();
    // The other two lines lose their twins; of the line that is held nothing is touched.
    assert_eq!((desk.sync().len(), held(&desk)), (2, vec!["edited_in_komet 1".to_owned()]));
    desk.decide(HoldReason::EditedInKomet, Verdict::Dismissed);
    assert_eq!(desk.sync().len(), 1);
    let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
    let left: Vec<_> = lines.filter(|line| line.is_alive()).cloned().collect();
    assert_eq!(left, made);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn what_is_left_in_a_cancelled_orders_prebooks_is_a_question() {
    let mut desk = placed();
    desk.ax().status = AxStatus::Cancelled;
    desk.sync();
    let items = vec![desk.item(901, &roses(4))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet".to_owned()]));
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
    assert_eq!(desk.sync(), ["delete item"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn what_a_doubtful_create_did_after_its_order_was_cancelled_is_cleared_away() {
    let mut desk = placed();
    // As it was asked for then; the line has changed since.
    desk.gives_up(&[("1", roses(4))]);
    desk.ax().status = AxStatus::Cancelled;
    desk.sync();
    let items = vec![desk.item(901, &roses(4))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    assert_eq!(desk.sync(), ["delete item"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_po_is_looked_for_on_the_orders_day_and_on_the_items() {
    let mut desk = placed();
    // Komet gave the items the truck date; the PO was made for the order's ship date (assumed).
    let (ours, komets) = (desk.po().ship_date, day("2026-12-03"));
    desk.komet.prebooks[0].items.iter_mut().for_each(|item| item.ship_date = komets);
    desk.lose_database();
    desk.read();
    desk.order.komet.purchase_orders.clear();
    for read in [ours, komets] {
        let mut desk = desk.clone();
        desk.facts.po_dates_read.insert(read);
        let plan = desk.plan();
        let other = if read == ours { komets } else { ours };
        assert_eq!((plan.actions.len(), plan.needs), (0, [Need::PurchaseOrders(other)].into()));
    }
    desk.sync();
    for number in ["1", "2", "3"] {
        assert_eq!(bought(&desk, number), 1, "line {number} is bought once");
    }
}

/// It is somebody else's PO of another day that makes no sense.
#[test]
fn what_was_found_is_bought_though_the_pos_of_another_day_cannot_be_read() {
    let mut desk = Desk::flow2(&[roses(4)]);
    desk.sync();
    desk.accept();
    let other = day("2026-12-09");
    desk.facts.po_dates_unknown = [other].into();
    desk.facts.po_dates_in_vain = [other].into();
    desk.facts.po_dates_read.clear();
    let needs = desk.plan().needs;
    assert!(!needs.is_empty() && !needs.contains(&Need::PurchaseOrders(other)), "{needs:?}");
    desk.sync();
    let item = desk.komet.prebooks[0].items[0].id.to_string();
    assert_eq!(bought(&desk, &item), 1);
}

/// How many PO lines buy for a line.
fn bought(desk: &Desk, line: &str) -> usize {
    let item = desk.item_of(line);
    let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
    lines.filter(|line| line.is_alive() && line.item_id.as_ref() == Some(&item)).count()
}

/// That they are answered in the order sent is assumed (komet-api.md).
#[test]
fn ids_that_are_answered_in_another_order_end_on_the_lines_that_their_items_were_made_for() {
    let alike = LineTerms { product: lilies(4).product, ..roses(4) };
    for other in [lilies(3), alike] {
        let mut desk = Desk::flow1(vec![line("1", roses(4)), line("2", other.clone())]);
        desk.answers_reversed = true;
        desk.sync();
        assert_eq!(held(&desk), [""; 0]);
        for (id, terms) in [("1", roses(4)), ("2", other)] {
            let item = desk.item_of(id);
            let items = desk.komet.prebooks.iter().flat_map(|prebook| &prebook.items);
            let shown = items.clone().find(|shown| shown.id == item).unwrap();
            assert_eq!(shown.terms.product.description, terms.product.description);
            let bought = desk.po().lines.iter().filter(|line| line.item_id.as_ref() == Some(&item));
            let bought: Vec<_> = bought.filter(|line| line.terms.boxes > 0).map(|l| &l.terms).collect();
            assert_eq!(bought.len(), 1);
            assert_eq!((bought[0].boxes, bought[0].unit_cost), (terms.boxes, terms.unit_cost));
        }
        assert_eq!(desk.sync(), [""; 0]);
    }
}

/// That a create answers the ids under which its lines are listed is assumed (komet-api.md).
#[test]
fn a_po_line_that_is_listed_under_another_id_than_was_answered_is_the_lines_own() {
    let mut desk = Desk::flow1(vec![line("1", roses(4)), line("2", lilies(3))]);
    desk.answers_other_ids = true;
    desk.sync();
    desk.read();
    desk.has_read_po();
    desk.approve();
    assert_eq!(desk.sync(), ["tell approved"]);
    assert_eq!(held(&desk), [""; 0]);
    assert_eq!((bought(&desk, "1"), bought(&desk, "2")), (1, 1));
}

/// A copy of the database was put back that knows the order on a day of which Komet's lists show nothing any more.
#[test]
fn an_order_that_moved_since_an_old_copy_is_found_on_its_new_day() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    let copy = desk.order.clone();
    desk.ax().header.ship_date = day("2026-12-05");
    desk.sync();
    desk.visible_from = day("2026-12-02");
    let now = desk.order.clone();
    let moved = |id: &PrebookId| !copy.komet.prebooks.iter().any(|old| old.id == *id);
    let mut restored = stemsync::domain::Order { axerrio: now.axerrio, ..copy.clone() };
    restored.komet.prebooks.extend(now.komet.prebooks.into_iter().filter(|prebook| moved(&prebook.id)));
    let bought = now.komet.purchase_orders.into_iter().filter(|po| po.ship_date == day("2026-12-05"));
    restored.komet.purchase_orders.extend(bought);
    let is_of_copy = |po: &PoNumber| copy.komet.purchase_orders.iter().any(|old| old.number == *po);
    desk.facts.po_numbers_read.extend(copy.komet.purchase_orders.iter().map(|po| po.number.clone()));
    restored.komet.purchase_orders.retain(|po| !is_of_copy(&po.number));
    desk.order = restored;
    let planned = desk.plan();
    assert_eq!((planned.actions, held(&desk)), (vec![], vec![]));
    let stands = |line: &str| planned.agreed.lines[&LineId(line.into())].item.as_ref().unwrap().prebook.clone();
    assert!(moved(&stands("1")) && moved(&stands("2")));
}

/// Komet takes ten characters, and no comma, where it is asked for a PO.
#[test]
fn a_po_that_cannot_be_asked_for_by_its_number_is_looked_for_on_its_day() {
    for number in ["PO-2026-31001", "P31001,1"] {
        let mut desk = placed();
        let number = PoNumber(number.into());
        desk.komet.purchase_orders[0].number = number.clone();
        for item in desk.komet.prebooks.iter_mut().flat_map(|prebook| &mut prebook.items) {
            item.po_number = Some(number.clone());
        }
        desk.read();
        desk.order.komet.purchase_orders.clear();
        desk.lose_database();
        let needs = desk.plan().needs;
        assert!(needs.contains(&Need::PurchaseOrders(day("2026-12-01"))), "{needs:?}");
        assert!(!needs.contains(&Need::PurchaseOrder(number)), "{needs:?}");
    }
}

/// The order's PO bears a number by which Komet cannot be asked for it, and this run has not seen it.
fn unseen_under_a_long_number() -> Desk {
    let mut desk = placed();
    let number = PoNumber("PO-2026-31001".into());
    desk.komet.purchase_orders[0].number = number.clone();
    desk.order.komet.purchase_orders[0].number = number.clone();
    for link in desk.order.agreed.lines.values_mut().flat_map(|line| &mut line.po_lines) {
        link.number = number.clone();
    }
    desk.facts.po_dates = (1..=7).map(|n| day(&format!("2026-12-0{n}"))).collect();
    desk.facts.po_dates_read.extend(desk.facts.po_dates.clone());
    desk.facts.po_numbers_read.clear();
    desk.ax().lines[0].terms.boxes += 2;
    desk
}

/// Procurement may have approved it there meanwhile: until it has been seen nothing is taken off it.
#[test]
fn a_po_that_cannot_be_asked_for_may_stand_on_the_day_that_cannot_be_read() {
    let mut desk = unseen_under_a_long_number();
    desk.facts.po_dates_in_vain.insert(day("2026-12-01"));
    desk.facts.po_dates_read.remove(&day("2026-12-01"));
    let planned = desk.plan();
    assert_eq!(planned.actions, []);
    assert!(planned.needs.contains(&Need::PurchaseOrders(day("2026-12-01"))), "{:?}", planned.needs);
}

#[test]
fn a_po_that_cannot_be_asked_for_is_read_on_its_own_day_beyond_the_horizon() {
    let mut desk = unseen_under_a_long_number();
    desk.order.komet.purchase_orders[0].ship_date = day("2027-01-20");
    let planned = desk.plan();
    assert_eq!(planned.actions, []);
    assert!(planned.needs.contains(&Need::PurchaseOrders(day("2027-01-20"))), "{:?}", planned.needs);
}
