//! What Komet's people do beside stemsync is not taken for its own doing, nor a word about one thing for a word about another.

use stemsync::domain::{
    AxStatus, HoldReason, ItemId, LineId, PoItemId, PoLine, PoStatus, PrebookHeader, PrebookItem, Verdict,
};

use stemsync::sync::plan::Need;

use crate::trade::{Desk, bouquet, cost, day, held, label, lilies, line, prebook, roses};

fn placed() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk
}

/// A buyer's line for an item, on the order's PO.
fn bought(desk: &mut Desk, item: ItemId, change: impl FnOnce(&mut PoLine)) {
    desk.edit_po(|po| {
        let mut line = po.lines[0].clone();
        (line.id, line.item_id) = (PoItemId(99), Some(item));
        change(&mut line);
        po.lines.push(line);
    });
}

#[test]
fn a_reps_copy_is_asked_about_also_where_a_create_was_given_up() {
    type Change = fn(&mut PrebookHeader);
    let copies: [(&str, u32, Change); 4] = [
        ("another customer's", 5, |header| (header.customer_id, header.customer_code) = (Some(77), None)),
        ("another's whose code is shown", 5, |header| {
            (header.customer_id, header.customer_code) = (Some(77), Some("PETAL".into()));
        }),
        ("for the next week", 5, |header| header.truck_date = day("2026-12-09")),
        ("of less", 3, |_| {}),
    ];
    for (what, boxes, change) in copies {
        println!("--- {what}");
        let mut desk = placed();
        desk.gives_up(&[("1", roses(5))]);
        let mut copy = prebook(70, desk.komet.prebooks[0].comments.clone(), vec![desk.item(900, &roses(boxes))]);
        change(&mut copy.header);
        desk.komet.prebooks.push(copy);
        desk.read();
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["edited_in_komet"]);
    }
}

#[test]
fn a_buyers_line_at_another_cost_is_not_what_a_request_left_that_was_given_up() {
    let mut desk = placed();
    desk.doubt_purchases(1);
    let item = desk.item_of("1");
    bought(&mut desk, item, |line| line.terms.unit_cost = cost("0.10"));
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn the_rest_of_a_line_that_was_raised_before_it_shipped_is_no_second_purchase() {
    let mut desk = Desk::flow1(vec![line("1", roses(1))]);
    desk.sync();
    desk.approve();
    desk.sync();
    desk.edit_po(|po| po.lines[0].terms.boxes = 2);
    desk.sync();
    desk.print(vec![label("1", 1, "B1")]);
    assert_eq!(desk.sync(), ["ship 1 B1", "tell approved"]);
    assert_eq!(held(&desk), [""; 0]);
    desk.edit_po(|po| po.status = PoStatus::Pending);
    assert_eq!((desk.sync(), held(&desk)), (vec!["tell pending".to_owned()], vec![]), "nor when it waits again");
}

#[test]
fn what_a_buyer_bought_for_a_reps_own_item_stays_when_the_item_goes() {
    let mut desk = placed();
    let item = desk.item(900, &roses(9));
    desk.komet.prebooks[0].items.push(item);
    desk.read();
    desk.sync();
    bought(&mut desk, ItemId(900), |_| {});
    desk.komet.prebooks[0].items.last_mut().unwrap().terms.boxes = 0;
    desk.read();
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
}

#[test]
fn a_word_about_a_stray_item_puts_no_line_on_an_approved_po() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", bouquet(2))]);
    desk.known.remove("Lily White");
    desk.sync();
    desk.approve();
    desk.sync();
    let item = desk.item(900, &roses(9));
    desk.komet.prebooks[0].items.push(item);
    bought(&mut desk, ItemId(900), |_| {});
    desk.sync();
    desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
    desk.edit_item("2", |i| i.terms.breakdowns[1].product.id = Some(502));
    desk.known.insert("Lily White".into(), 502);
    let sent = desk.sync();
    assert!(sent.contains(&"mixed po 2".to_owned()), "on one of its own: {sent:?}");
}

#[test]
fn letting_cancellations_through_answers_no_question_about_an_edited_line() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.sync();
    desk.ax().status = AxStatus::Cancelled;
    desk.order.agreed.cancellation_released = true;
    assert_eq!(desk.sync(), ["delete po line 2", "delete item 2"]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn a_cancellation_counts_for_the_brake_before_what_it_needs_is_read() {
    let mut desk = placed();
    desk.lose_database();
    desk.sync();
    for agreed in desk.order.agreed.lines.values_mut() {
        agreed.po_lines.clear();
    }
    desk.order.komet.purchase_orders.clear();
    desk.facts.po_dates_read.clear();
    desk.facts.po_numbers_read.clear();
    desk.ax().status = AxStatus::Cancelled;
    let plan = desk.plan();
    assert!(!plan.needs.is_empty(), "the items may be bought");
    assert!(plan.cancels && plan.actions.is_empty());
}

#[test]
fn a_line_whose_item_was_deleted_and_made_again_is_not_bought_once_more() {
    for (is_approved, sent) in [(false, &["delete po line 1", "more po 1"][..]), (true, &[])] {
        let mut desk = placed();
        if is_approved {
            desk.approve();
            desk.sync();
        }
        let again = desk.item(900, &roses(5));
        desk.edit_item("1", |item| item.terms.boxes = 0);
        desk.komet.prebooks[0].items.push(again);
        desk.read();
        assert_eq!(desk.sync(), sent, "approved: {is_approved}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "approved: {is_approved}");
        let bought =
            desk.komet.purchase_orders.iter().flat_map(|po| &po.lines).filter(|line| line.terms.boxes == 5);
        assert_eq!(bought.count(), 1);
    }
}

#[test]
fn a_copy_by_which_a_rep_replaced_the_prebook_is_not_taken_for_its_twin() {
    let mut desk = placed();
    let mut copy = desk.komet.prebooks[0].clone();
    copy.id.0 += 500;
    copy.items.iter_mut().for_each(|item| item.id.0 += 500);
    desk.facts.windows_whole.clear();
    desk.komet.prebooks.push(copy);
    desk.read();
    let plan = desk.plan();
    assert_eq!(plan.actions, [], "the first one may be gone, which no changed-since read shows");
    assert!(plan.needs.iter().any(|need| matches!(need, Need::Prebooks(_))), "{:?}", plan.needs);
}

#[test]
fn a_line_is_not_made_again_while_an_item_is_in_question_that_may_be_it() {
    for (verdict, sent) in [
        (Verdict::TakeAxerrio, &["delete item", "more prebook 1", "more po 1"][..]),
        (Verdict::TakeKomet, &["more prebook 1", "more po 1"]),
    ] {
        let mut desk = placed();
        // stemsync took the line out to make it anew, the answer was lost, and a rep changed what had been made.
        desk.edit_item("1", |item| item.terms.boxes = 0);
        desk.edit_po(|po| po.lines[0].terms.boxes = 0);
        let link = desk.order.agreed.lines.get_mut(&LineId("1".into())).unwrap();
        link.item.as_mut().unwrap().dead = true;
        link.po_lines[0].dead = true;
        let made = desk.item(900, &roses(8));
        desk.komet.prebooks[0].items.push(made);
        desk.read();
        assert_eq!((desk.sync(), desk.sync()), (vec![], vec![]));
        assert_eq!(held(&desk), ["edited_in_komet"]);
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!(desk.sync(), sent, "{verdict:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{verdict:?}");
    }
}

/// It has other boxes than were asked for then.
#[test]
fn what_a_buyer_adds_after_a_request_was_given_up_is_asked_about() {
    let mut desk = placed();
    desk.doubt_purchases(1);
    let item = desk.item_of("1");
    bought(&mut desk, item, |line| line.terms.boxes = 3);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

/// What a request that was given up may have done, it has done within the day.
#[test]
fn what_a_buyer_adds_days_after_a_request_was_given_up_is_asked_about() {
    for (day_of_doubt, sent, asked) in [("2026-11-21", 1, 0), ("2026-11-18", 0, 1)] {
        let mut desk = placed();
        desk.gives_up_purchases(day(day_of_doubt), |goods| goods.boxes = 6);
        let item = desk.item_of("1");
        bought(&mut desk, item, |_| {});
        desk.edit_po(|po| po.lines.last_mut().unwrap().terms.boxes = 6);
        assert_eq!((desk.sync().len(), held(&desk).len()), (sent, asked), "{day_of_doubt}");
    }
}

/// Of products the vendor is told nothing with the PO: the labels would be those of what was ordered.
#[test]
fn a_substitution_on_the_po_is_asked_about() {
    let lilies = stemsync::domain::KometProduct { id: Some(502), description: "Lily White".into() };
    for approved in [false, true] {
        for was_read in [false, true] {
            let mut desk = placed();
            if was_read {
                desk.read();
                desk.sync();
            }
            if approved {
                desk.approve();
                desk.sync();
            }
            desk.edit_po(|po| po.lines[0].terms.product = lilies.clone());
            let reason = if approved { "changed_after_approval 1" } else { "edited_in_komet 1" };
            assert_eq!((desk.sync(), held(&desk)), (vec![], vec![reason.to_owned()]));
            let reason = desk.plan().holds[0].reason;
            let mut kept = desk.clone();
            kept.decide(reason, Verdict::TakeKomet);
            assert_eq!((kept.sync(), held(&kept)), (vec![], vec![]));
            desk.edit_po(|po| po.lines[0].terms.product = desk_product());
            assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "put right");
        }
    }
}

fn desk_product() -> stemsync::domain::KometProduct {
    stemsync::domain::KometProduct { id: Some(501), description: "Rose Freedom 60 cm".into() }
}

/// What a person left of a PO line he left where it was.
#[test]
fn a_po_line_that_was_left_is_asked_about_again_once_the_order_moves() {
    for verdict in [Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = placed();
        desk.read();
        desk.sync();
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.10"));
        desk.sync();
        desk.decide(HoldReason::EditedInKomet, verdict);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        desk.ax().header.ship_date = day("2026-12-02");
        desk.sync();
        assert_eq!(held(&desk), ["edited_in_komet 1"], "{verdict:?}");
        let detail = &desk.plan().holds[0].detail;
        assert!(detail.contains("moved to another date"), "{detail}");
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
        desk.sync();
        assert_eq!(held(&desk), [""; 0]);
        assert!(
            desk.komet
                .prebooks
                .iter()
                .flat_map(|p| &p.items)
                .all(|item| { item.terms.boxes == 0 || item.ship_date == day("2026-12-02") })
        );
    }
}

#[test]
fn a_question_about_a_po_line_says_what_axerrio_wants_by_now() {
    let mut desk = placed();
    desk.read();
    desk.sync();
    desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.10"));
    desk.sync();
    let detail = |desk: &Desk| desk.plan().holds[0].detail.clone();
    assert!(detail(&desk).contains("Approve the PO to keep it"), "{}", detail(&desk));
    desk.ax_line("1").terms.boxes = 7;
    assert!(detail(&desk).contains("and the line in Axerrio"), "{}", detail(&desk));
    desk.ax().status = stemsync::domain::AxStatus::Cancelled;
    assert!(detail(&desk).contains("no longer wants the line"), "{}", detail(&desk));
    assert!(!detail(&desk).contains("Approve"), "{}", detail(&desk));
}

/// Of what a person left, what Axerrio changes next is a new question, also where the PO does not show it.
#[test]
fn a_po_line_that_was_left_is_asked_about_again_once_its_line_changes() {
    let changes: [fn(&mut Desk); 3] = [
        |d| d.ax_line("1").terms.product = lilies(1).product,
        |d| d.ax_line("1").terms.box_type = "QB".into(),
        |d| d.ax_line("1").terms.mark_code = Some("NEW".into()),
    ];
    for change in changes {
        let mut desk = placed();
        desk.read();
        desk.sync();
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.10"));
        desk.sync();
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
        desk.sync();
        change(&mut desk);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]));
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
        assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"]);
    }
}

/// What was left was left with the boxes that were on the PO.
#[test]
fn that_the_vendor_confirms_fewer_boxes_of_what_was_left_is_said() {
    type Edit = fn(&mut Desk);
    let edits: [(bool, Edit); 3] = [
        (true, |d| d.ax_line("1").terms.unit_cost = cost("0.40")),
        (false, |d| d.edit_item("1", |item| item.terms.mark_code = Some("HIS".into()))),
        (false, |d| d.edit_po(|po| po.ship_date = day("2026-12-02"))),
    ];
    for (approved, edit) in edits {
        let mut desk = placed();
        desk.read();
        desk.sync();
        let reason = if approved {
            desk.approve();
            HoldReason::ChangedAfterApproval
        } else {
            HoldReason::EditedInKomet
        };
        desk.sync();
        edit(&mut desk);
        desk.sync();
        desk.decide(reason, Verdict::Dismissed);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        desk.accept();
        desk.ax_line("1").confirmed_boxes = Some(3);
        desk.sync();
        assert_eq!(held(&desk), [format!("{} 1", reason.name())]);
        let hold = &desk.plan().holds[0];
        assert!(hold.detail.contains("the vendor confirms 3 boxes"), "{}", hold.detail);
        assert!(!reason.has_sides(&hold.cause), "by hand");
        desk.edit_po(|po| po.lines[0].terms.boxes = 3);
        desk.sync();
        assert!(desk.plan().holds.iter().all(|hold| !hold.detail.contains("confirms")), "put right");
    }
}

#[test]
fn a_po_follows_no_line_whose_item_was_left_to_komet() {
    let mut desk = placed();
    desk.edit_item("1", |item| item.terms.boxes = 3);
    desk.ax_line("1").terms.boxes = 7;
    desk.sync();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
}

#[test]
fn what_a_rep_puts_back_after_it_was_left_is_in_agreement() {
    let edits: [fn(&mut stemsync::domain::PrebookItem); 2] =
        [|item| item.terms.box_type = "QB".into(), |item| item.terms.product.id = Some(502)];
    for edit in edits {
        let mut desk = placed();
        desk.read();
        desk.sync();
        let before = desk.komet.prebooks[0].items[0].clone();
        desk.edit_item("1", edit);
        desk.sync();
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        desk.edit_item("1", |item| *item = before);
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    }
}

#[test]
fn a_po_that_is_moved_once_more_is_a_new_question() {
    for verdict in [Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = placed();
        desk.read();
        desk.sync();
        for _ in 0..2 {
            desk.edit_po(|po| po.ship_date = day("2026-12-02"));
            desk.sync();
            assert_eq!(held(&desk), ["edited_in_komet"], "{verdict:?}");
            desk.decide(HoldReason::EditedInKomet, verdict);
            desk.sync();
            assert_eq!(held(&desk), [""; 0]);
            desk.edit_po(|po| po.ship_date = day("2026-12-01"));
            desk.sync();
        }
    }
}

/// It waited for its product to be mapped while the rest was approved.
#[test]
fn a_reps_edit_of_an_item_that_was_never_bought_is_asked_about_whatever_else_is_approved() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2)), line("2", roses(5))]);
    desk.known.remove("Lily White");
    desk.sync();
    desk.approve();
    desk.sync();
    assert_eq!(held(&desk), ["unmapped_product 1"]);
    desk.edit_item("1", |item| item.terms.boxes = 4);
    desk.sync();
    assert!(held(&desk).contains(&"edited_in_komet 1".to_owned()), "{:?}", held(&desk));
    desk.known.insert("Lily White".into(), 502);
    desk.edit_item("1", |item| item.terms.breakdowns[1].product.id = Some(502));
    assert_eq!(desk.sync(), [""; 0]);
}

/// Nobody had read what was made before a rep made another product of it; its id says that it is one.
#[test]
fn a_product_that_was_changed_before_the_item_was_read_is_asked_about() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.map(&roses(5).product.code, 501);
    desk.sync();
    desk.edit_item("1", |item| item.terms.product.id = Some(777));
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
    assert!(desk.plan().holds[0].detail.starts_with("product"), "{}", desk.plan().holds[0].detail);
}

#[test]
fn an_item_that_was_made_again_for_another_day_is_not_taken_for_the_lines_own() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.read();
    desk.sync();
    let again = PrebookItem { ship_date: day("2026-12-05"), ..desk.item(950, &roses(5)) };
    desk.edit_item("1", |item| item.terms.boxes = 0);
    desk.komet.prebooks[0].items.push(again);
    desk.read();
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet", "edited_in_komet 1"]);
}

/// A rep puts the first line's item on another Prebook, which leaves on another truck.
fn moved() -> Desk {
    let mut desk = placed();
    let item = desk.komet.prebooks[0].items.remove(0);
    let mut other = prebook(570, None, vec![item]);
    other.header.truck_date = day("2026-12-09");
    desk.komet.prebooks.push(other);
    desk.read();
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]));
    desk
}

#[test]
fn an_item_that_a_rep_put_on_another_prebook_is_asked_about_once_its_line_is_removed() {
    for decided in [None, Some(Verdict::TakeKomet), Some(Verdict::Dismissed)] {
        for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed] {
            let mut desk = moved();
            if let Some(decided) = decided {
                desk.decide(HoldReason::EditedInKomet, decided);
                desk.sync();
            }
            desk.ax_line("1").terms.boxes = 0;
            assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]), "{decided:?}");
            let asked = desk.plan().holds.remove(0).detail;
            assert!(asked.contains("no longer wants the line") && asked.contains("Prebook P570"), "{asked}");
            let is_left = decided.is_some();
            assert_eq!(
                (asked.contains("left there"), asked.contains("meanwhile")),
                (is_left, !is_left),
                "{asked}"
            );
            desk.decide(HoldReason::EditedInKomet, verdict);
            let deleted: &[&str] =
                if verdict == Verdict::TakeAxerrio { &["delete po line 1", "delete item 1"] } else { &[] };
            assert_eq!((desk.sync(), held(&desk)), (deleted.iter().map(ToString::to_string).collect(), vec![]));
            assert_eq!(desk.sync(), [""; 0]);
        }
    }
}

#[test]
fn an_item_that_a_rep_put_on_another_prebook_stands_for_its_changed_line_once_that_was_left_there() {
    type Change = fn(&mut Desk);
    let changes: [Change; 3] = [
        |d| d.ax_line("1").terms.boxes = 7,
        |d| d.ax().header.customer_po = Some("C-78".into()),
        |d| d.map("ROSE", 777),
    ];
    for change in changes {
        let mut desk = moved();
        let item = desk.item_of("1");
        change(&mut desk);
        desk.sync();
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
        let sent = desk.sync();
        assert!(sent.iter().all(|sent| !sent.ends_with(" 1")), "it stays where it is: {sent:?}");
        assert_eq!((desk.item_of("1"), held(&desk)), (item, vec![]));
        assert_eq!(desk.sync(), [""; 0]);
        // What Axerrio changes later is asked about there.
        desk.ax_line("1").terms.boxes = 9;
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]));
    }
}
