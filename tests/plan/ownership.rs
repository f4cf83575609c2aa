//! Who owns what in flow 1: what Komet's people change before approval waits for a person, or goes by the owner rule.

use stemsync::domain::{AxStatus, HoldReason, ItemId, LineTerms, Verdict};

use crate::trade::{Desk, cost, day, held, lilies, line, roses};

fn placed() -> Desk {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    desk.sync();
    desk
}

const REMADE: [&str; 4] = ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"];

type Edit = fn(&mut Desk);

/// Each edit in Komet, and what is sent when Axerrio's side is taken.
fn edits() -> Vec<(&'static str, Edit, Vec<&'static str>)> {
    let moved = vec![
        "delete po line 1",
        "delete item 1",
        "delete po line 2",
        "delete item 2",
        "prebook 1,2",
        "more po 1,2",
    ];
    vec![
        ("boxes", |d| d.edit_item("1", |i| i.terms.boxes = 4), REMADE.to_vec()),
        ("cost", |d| d.edit_item("1", |i| i.terms.unit_cost = cost("0.30")), REMADE.to_vec()),
        ("product", |d| d.edit_item("1", |i| i.terms.product.id = Some(777)), REMADE.to_vec()),
        ("ship date", |d| d.edit_item("1", |i| i.ship_date = day("2026-12-02")), REMADE.to_vec()),
        (
            "deleted item",
            |d| d.edit_item("1", |i| i.terms.boxes = 0),
            vec!["delete po line 1", "more prebook 1", "more po 1"],
        ),
        (
            "PO cost",
            |d| d.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.30")),
            vec!["delete po line 1", "more po 1"],
        ),
        ("deleted PO line", |d| d.edit_po(|po| po.lines[0].terms.boxes = 0), vec!["more po 1"]),
        (
            "PO date",
            |d| d.edit_po(|po| po.ship_date = day("2026-12-02")),
            vec!["delete po line 1", "delete po line 2", "po 1,2"],
        ),
        (
            "truck date",
            |d| {
                d.komet.prebooks[0].header.truck_date = day("2026-12-05");
                d.read();
            },
            moved.clone(),
        ),
        (
            "carrier",
            |d| {
                d.komet.prebooks[0].header.carrier_id = Some(32);
                d.read();
            },
            moved.clone(),
        ),
        (
            "location",
            |d| {
                d.komet.prebooks[0].header.location_code = Some("LAX".into());
                d.read();
            },
            moved,
        ),
        (
            "added item",
            |d| {
                let item = d.item(900, &roses(9));
                d.komet.prebooks[0].items.push(item);
                d.read();
            },
            vec!["delete item"],
        ),
    ]
}

#[test]
fn an_edit_in_komet_before_approval_waits_for_a_person() {
    for (what, edit, _) in edits() {
        let mut desk = placed();
        edit(&mut desk);
        assert_eq!(desk.sync(), [""; 0], "{what}");
        assert_eq!(desk.plan().holds.len(), 1, "{what}");
        assert_eq!(desk.plan().holds[0].reason, HoldReason::EditedInKomet, "{what}");
    }
}

#[test]
fn taking_axerrio_writes_axerrios_again() {
    for (what, edit, sent) in edits() {
        let mut desk = placed();
        edit(&mut desk);
        desk.sync();
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
        assert_eq!(desk.sync(), sent, "{what}");
        assert_eq!((desk.sync().len(), desk.plan().holds.len()), (0, 0), "{what}");
    }
}

#[test]
fn the_owner_rule_does_the_same_without_a_person_and_records_it() {
    for (what, edit, sent) in edits() {
        let mut desk = placed().with_owner_rule();
        edit(&mut desk);
        desk.facts.po_dates_read.insert(desk.order.ship_date);
        assert_eq!(desk.plan().recorded.len(), 1, "{what}");
        assert_eq!(desk.sync(), sent, "{what}");
        assert_eq!(desk.plan().holds, [], "{what}");
        assert_eq!(desk.order.agreed.decisions, [], "{what}: carried out, and forgotten");
    }
}

#[test]
fn taking_komet_or_dismissing_leaves_komets_as_it_is() {
    for verdict in [Verdict::TakeKomet, Verdict::Dismissed] {
        for (what, edit, _) in edits() {
            let mut desk = placed();
            edit(&mut desk);
            desk.sync();
            desk.decide(HoldReason::EditedInKomet, verdict);
            let before = desk.komet.clone();
            assert_eq!(desk.sync(), [""; 0], "{what}");
            assert_eq!((held(&desk).len(), &desk.komet), (0, &before), "{what}");
        }
    }
}

#[test]
fn an_edit_taken_back_clears_its_hold() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.sync();
    desk.edit_item("1", |i| i.terms.boxes = 5);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_decision_whose_cause_is_gone_is_no_answer_to_the_next_edit() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = placed();
        desk.edit_item("1", |i| i.terms.boxes = 4);
        desk.sync();
        // Changed back by hand, before the decision was carried out.
        desk.decide(HoldReason::EditedInKomet, verdict);
        desk.edit_item("1", |i| i.terms.boxes = 5);
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{verdict:?}");
        desk.edit_item("1", |i| i.terms.boxes = 4);
        assert_eq!(desk.sync(), [""; 0], "{verdict:?}");
        assert_eq!(held(&desk), ["edited_in_komet 1"], "{verdict:?}");
    }
}

#[test]
fn an_edit_that_was_left_and_taken_back_is_asked_about_when_it_is_made_again() {
    for verdict in [Verdict::TakeKomet, Verdict::Dismissed] {
        let mut desk = placed();
        for _ in 0..2 {
            desk.edit_item("1", |i| i.terms.boxes = 4);
            assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]), "{verdict:?}");
            desk.decide(HoldReason::EditedInKomet, verdict);
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{verdict:?}");
            desk.edit_item("1", |i| i.terms.boxes = 5);
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{verdict:?}");
        }
    }
}

#[test]
fn a_decision_about_an_approved_line_is_no_answer_to_the_next_change() {
    for is_carried_out in [false, true] {
        let mut desk = placed();
        desk.approve();
        desk.sync();
        desk.ax_line("1").terms.boxes = 7;
        desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeAxerrio);
        if is_carried_out {
            assert_eq!(desk.sync()[..4], REMADE);
            desk.approve();
            desk.sync();
            // Left at the next change, and changed once more to what was carried out before.
            desk.ax_line("1").terms.boxes = 8;
            desk.decide(HoldReason::ChangedAfterApproval, Verdict::TakeKomet);
        } else {
            desk.ax_line("1").terms.boxes = 5;
        }
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{is_carried_out}");
        desk.ax_line("1").terms.boxes = if is_carried_out { 7 } else { 8 };
        if is_carried_out {
            // Komet has seven: both say the same again.
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
            desk.ax_line("1").terms.boxes = 9;
        }
        assert_eq!(desk.sync(), [""; 0], "{is_carried_out}");
        assert_eq!(held(&desk), ["changed_after_approval 1"], "{is_carried_out}");
    }
}

#[test]
fn a_reps_edit_under_a_header_that_was_left_is_a_question() {
    for before in [false, true] {
        let mut desk = placed();
        let edit = |desk: &mut Desk| desk.edit_item("1", |i| i.terms.boxes = 4);
        if before {
            edit(&mut desk);
        }
        desk.komet.prebooks[0].header.truck_date = day("2026-12-05");
        desk.read();
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet".to_owned()]), "{before}");
        desk.decide(HoldReason::EditedInKomet, Verdict::Dismissed);
        if !before {
            assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
            edit(&mut desk);
        }
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]), "{before}");
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
        assert_eq!(desk.sync(), [""; 0], "{before}");
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{before}");
    }
}

#[test]
fn a_header_that_changes_while_a_line_is_left_is_a_new_question() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.unit_cost = cost("0.30"));
    desk.decide(HoldReason::EditedInKomet, Verdict::Dismissed);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.ax().header.customer_po = Some("NEW".into());
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
    desk.sync();
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn an_edit_that_axerrio_makes_too_needs_nobody() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.ax_line("1").terms.boxes = 4;
    assert_eq!(held(&desk), [""; 0]);
    assert_eq!(desk.sync(), ["delete po line 1", "more po 1"], "only what was bought is changed");
}

#[test]
fn a_hold_stops_neither_the_other_lines_nor_new_ones() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.ax_line("2").terms.boxes = 8;
    desk.ax().lines.push(line("3", lilies(1)));
    let told = desk.sync();
    assert_eq!(told, ["delete po line 2", "delete item 2", "more prebook 2,3", "more po 2,3"]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn both_sides_changed_is_a_new_question_after_it_was_dismissed() {
    let mut desk = placed();
    desk.edit_item("1", |i| i.terms.boxes = 4);
    desk.decide(HoldReason::EditedInKomet, Verdict::Dismissed);
    desk.ax_line("1").terms.boxes = 9;
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn what_a_buyer_changed_is_not_deleted_over_his_head() {
    let cases: [Edit; 3] = [
        |d| d.ax_line("1").terms.boxes = 9,
        |d| drop(d.ax().lines.remove(0)),
        |d| {
            d.ax().status = AxStatus::Cancelled;
        },
    ];
    for change in cases {
        let mut desk = placed();
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.30"));
        change(&mut desk);
        assert!(desk.sync().iter().all(|told| told.ends_with('2')));
        assert_eq!(held(&desk), ["edited_in_komet 1"]);
    }
}

#[test]
fn a_line_that_a_buyer_split_still_buys_the_same() {
    // Also where the first request that bought it was given up: what that may have done buys the whole once more.
    for given_up in [0, 1] {
        let mut desk = placed();
        desk.doubt_purchases(given_up);
        desk.split_line();
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), [""; 0]);
    }
}

#[test]
fn beside_a_line_that_a_buyer_split_only_what_was_given_up_goes() {
    let mut desk = placed();
    desk.doubt_purchases(1);
    desk.edit_po(|po| {
        let (mut part, mut late) = (po.lines[0].clone(), po.lines[0].clone());
        (part.id, late.id) = (stemsync::domain::PoItemId(990), stemsync::domain::PoItemId(991));
        part.terms.boxes = 2;
        po.lines[0].terms.boxes = 3;
        po.lines.extend([part, late]);
    });
    assert_eq!(desk.sync(), ["delete po line 1"]);
    let alive: Vec<_> = desk.po().lines.iter().filter(|line| line.id.0 >= 990).map(|l| l.terms.boxes).collect();
    assert_eq!((alive, desk.sync().len(), held(&desk).len()), (vec![2, 0], 0, 0));
}

#[test]
fn a_line_bought_once_more_is_a_question() {
    let mut desk = placed();
    desk.edit_po(|po| {
        let mut more = po.lines[0].clone();
        more.id = stemsync::domain::PoItemId(990);
        more.terms.boxes = 2;
        po.lines.push(more);
    });
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}

#[test]
fn a_product_that_komet_comes_to_know_is_no_edit() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.clear();
    desk.sync();
    desk.edit_item("1", |i| {
        i.terms.product.id = Some(501);
        i.terms.product.description = "ROSE FREEDOM 60".into();
    });
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn an_item_that_a_person_left_in_komet_never_becomes_a_line() {
    let mut desk = placed();
    let item = desk.item(900, &roses(9));
    desk.komet.prebooks[0].items.push(item);
    desk.read();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.ax().lines.push(line("3", roses(9)));
    assert_eq!(desk.sync(), ["more prebook 3", "more po 3"]);
    // By now it looks like a request that was delivered twice, but a person has said what it is.
    assert_eq!(desk.sync(), [""; 0]);
    assert!(desk.komet.prebooks[0].items.iter().any(|i| i.id == ItemId(900) && i.is_alive()));
}

#[test]
fn what_was_left_to_komet_is_not_written_over_by_a_change_of_something_else() {
    let left: [(&str, Edit); 3] = [
        ("product", |d| d.edit_item("1", |i| i.terms.product.id = Some(777))),
        ("ship date", |d| d.edit_item("1", |i| i.ship_date = day("2026-12-02"))),
        ("the buyer's cost", |d| d.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.30"))),
    ];
    let changes: [(&str, Edit); 2] = [
        ("boxes", |d| d.ax_line("1").terms.boxes = 7),
        ("confirmed", |d| d.ax_line("1").confirmed_boxes = Some(2)),
    ];
    for (what, edit) in left {
        for (changed, change) in changes {
            if changed == "confirmed" && what != "the buyer's cost" {
                // The item stays as it is, and the PO buys fewer of it.
                continue;
            }
            let mut desk = placed();
            edit(&mut desk);
            desk.sync();
            desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
            desk.sync();
            change(&mut desk);
            assert_eq!(desk.sync(), [""; 0], "{what}, {changed}");
            assert_eq!(held(&desk), ["edited_in_komet 1"], "{what}, {changed}");
            desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
            let sent = desk.sync();
            assert!(!sent.iter().any(|sent| sent.contains("item")), "{what}, {changed}: {sent:?}");
            assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{what}, {changed}");
        }
    }
}

#[test]
fn a_map_writes_over_nothing_that_was_left_to_komet() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.remove("Rose Freedom 60 cm");
    desk.sync();
    desk.edit_item("1", |i| i.terms.boxes = 7);
    desk.sync();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.sync();
    desk.map("ROS60", 4004);
    assert_eq!(desk.sync(), [""; 0]);
    assert!(held(&desk).contains(&"edited_in_komet 1".to_owned()), "{:?}", held(&desk));
}

/// Whoever changes an item and its PO line alike is asked about once.
#[test]
fn an_edit_that_shows_on_the_po_as_well_is_one_question() {
    for verdict in [Verdict::TakeAxerrio, Verdict::TakeKomet] {
        let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
        desk.sync();
        desk.edit_item("1", |item| item.terms.boxes = 7);
        desk.edit_po(|po| po.lines[0].terms.boxes = 7);
        assert_eq!(desk.sync(), [""; 0]);
        assert_eq!(held(&desk), ["edited_in_komet 1"]);
        desk.decide(HoldReason::EditedInKomet, verdict);
        let sent = desk.sync();
        assert_eq!(sent.is_empty(), verdict == Verdict::TakeKomet, "{sent:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
        let boxes: Vec<u32> = desk.po().lines.iter().filter(|l| l.is_alive()).map(|l| l.terms.boxes).collect();
        assert_eq!(boxes.contains(&7), verdict == Verdict::TakeKomet, "{boxes:?}");
    }
}

#[test]
fn what_changes_on_a_line_whose_mark_does_not_fit_is_a_new_question() {
    let mark = Some("M".repeat(30));
    let mut desk = Desk::flow1(vec![line("1", LineTerms { mark_code: mark, ..roses(5) }), line("2", lilies(3))]);
    desk.sync();
    assert_eq!(held(&desk), ["field_too_long 1"]);
    desk.decide(HoldReason::FieldTooLong, Verdict::Dismissed);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
    desk.ax_line("1").terms.boxes = 9;
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["field_too_long 1"]);
    desk.decide(HoldReason::FieldTooLong, Verdict::TakeKomet);
    assert!(!desk.sync().is_empty());
    // What may be cut is cut, whatever else changes.
    desk.ax_line("1").terms.boxes = 7;
    assert!(!desk.sync().is_empty());
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_deleted_item_is_told_as_it_was() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.edit_item("1", |item| item.terms.boxes = 0);
    desk.ax_line("1").terms.boxes = 9;
    let holds = desk.plan().holds;
    assert!(holds[0].detail.contains("(5 HB of"), "{}", holds[0].detail);
}

/// Of what was made in this run Komet's lists were not read before a rep came.
fn unread() -> Desk {
    let mut desk = placed();
    for agreed in desk.order.agreed.lines.values_mut() {
        agreed.item.iter_mut().for_each(|link| link.seen = None);
        agreed.po_lines.iter_mut().for_each(|link| link.seen = None);
    }
    desk
}

#[test]
fn a_reps_edit_before_the_first_read_is_asked_about_where_the_other_items_or_the_po_show_that_it_is_one() {
    let edits: [(&str, Edit); 2] = [
        ("ship date", |d| d.edit_item("1", |i| i.ship_date = day("2026-12-02"))),
        ("product", |d| {
            d.edit_item("1", |i| (i.terms.product.id, i.terms.product.description) = (Some(777), "Other".into()));
        }),
    ];
    for (what, edit) in edits {
        for (verdict, sent) in [(Verdict::TakeAxerrio, REMADE.to_vec()), (Verdict::TakeKomet, Vec::new())] {
            let mut desk = unread();
            if verdict == Verdict::TakeAxerrio {
                // The PO was read before the rep came.
                let shown = &desk.komet.purchase_orders[0].lines;
                for link in desk.order.agreed.lines.values_mut().flat_map(|agreed| &mut agreed.po_lines) {
                    link.seen = shown.iter().find(|line| line.id == link.line).map(|line| line.terms.clone());
                }
            }
            edit(&mut desk);
            assert_eq!(desk.sync(), [""; 0], "{what}");
            assert_eq!(held(&desk), ["edited_in_komet 1"], "{what}");
            desk.decide(HoldReason::EditedInKomet, verdict);
            assert_eq!(desk.sync(), sent, "{what}");
            assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()), "{what}");
        }
        // Also where the link stood still for so long that nothing is certain any more: stemsync changes no item, it makes another.
        let mut desk = unread();
        assert!(desk.order.agreed.doubt());
        edit(&mut desk);
        assert_eq!(desk.sync(), [""; 0], "{what}");
        assert_eq!(held(&desk), ["edited_in_komet 1"], "{what}, doubted");
        // Taken back it is as it was made.
        let mut desk = unread();
        let before = desk.komet.clone();
        edit(&mut desk);
        desk.sync();
        desk.komet = before;
        desk.read();
        assert_eq!((desk.sync().len(), held(&desk)), (0, Vec::new()), "{what}");
    }
}

#[test]
fn a_rep_who_was_there_before_the_window_was_read_is_found_out_once_the_po_is() {
    let mut desk = unread();
    let pos = std::mem::take(&mut desk.komet.purchase_orders);
    desk.edit_item("1", |i| (i.terms.product.id, i.terms.product.description) = (Some(777), "Other".into()));
    assert_eq!((desk.plan().actions.len(), held(&desk)), (0, Vec::new()));
    desk.order.agreed = desk.plan().agreed;
    desk.komet.purchase_orders = pos;
    desk.read();
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 1".to_owned()]));
}

/// Komet knew neither when they were read first; a person mapped the product, and a rep gave the item another one meanwhile.
#[test]
fn an_item_that_comes_to_be_known_as_another_product_than_its_po_line_is_asked_about() {
    for (is_rep, is_po_later, asked) in [(false, false, 0), (true, false, 1), (false, true, 0), (true, true, 1)] {
        let mut desk = placed();
        for agreed in desk.order.agreed.lines.values_mut() {
            let item = agreed.item.iter_mut().filter_map(|link| link.seen.as_mut()).map(|seen| &mut seen.terms);
            let bought = agreed.po_lines.iter_mut().filter_map(|link| link.seen.as_mut());
            item.chain(bought).for_each(|terms| terms.product.id = None);
        }
        if is_rep {
            desk.edit_item("1", |i| {
                (i.terms.product.id, i.terms.product.description) = (Some(777), "Other".into());
            });
        }
        let ids: Vec<Option<i64>> =
            desk.komet.purchase_orders[0].lines.iter().map(|l| l.terms.product.id).collect();
        if is_po_later {
            desk.komet.purchase_orders[0].lines.iter_mut().for_each(|line| line.terms.product.id = None);
            desk.read();
            desk.sync();
            let lines = desk.komet.purchase_orders[0].lines.iter_mut();
            lines.zip(ids).for_each(|(line, id)| line.terms.product.id = id);
        }
        desk.read();
        desk.sync();
        let holds = desk.plan().holds;
        assert_eq!(holds.iter().filter(|hold| hold.reason == HoldReason::EditedInKomet).count(), asked);
    }
}

#[test]
fn what_komet_makes_of_a_ship_date_or_a_product_by_itself_is_no_edit() {
    let ways: [(&str, Edit); 4] = [
        ("ignores ship dates", |d| {
            d.komet.prebooks[0].items.iter_mut().for_each(|i| i.ship_date = day("2026-12-03"));
        }),
        ("goes by products of its own", |d| {
            let own = |terms: &mut stemsync::domain::KometTerms| {
                terms.product.id = terms.product.id.map(|id| id + 7000);
                terms.product.description.insert_str(0, "Own ");
            };
            d.komet.prebooks[0].items.iter_mut().for_each(|i| own(&mut i.terms));
            d.komet.purchase_orders[0].lines.iter_mut().for_each(|l| own(&mut l.terms));
        }),
        ("came to know the product", |d| {
            d.komet.purchase_orders[0].lines.iter_mut().for_each(|l| l.terms.product.id = None);
            d.komet.prebooks[0].items.iter_mut().for_each(|i| i.terms.product.description = "Own".into());
        }),
        ("words what it does not know in its own way", |d| {
            d.komet.purchase_orders[0].lines.iter_mut().for_each(|l| {
                (l.terms.product.id, l.terms.product.description) = (None, "UNKNOWN: a rose".into());
            });
            d.komet.prebooks[0].items.iter_mut().for_each(|i| {
                (i.terms.product.id, i.terms.product.description) = (None, "Unknown product".into());
            });
        }),
    ];
    for (what, way) in ways {
        let mut desk = unread();
        way(&mut desk);
        desk.read();
        let asked = |desk: &mut Desk| {
            desk.sync();
            desk.plan().holds.iter().filter(|hold| hold.reason == HoldReason::EditedInKomet).count()
        };
        assert_eq!(asked(&mut desk), 0, "{what}");
        // Nor is a rep's edit afterwards taken for Komet's.
        desk.edit_item("1", |i| i.ship_date = day("2026-12-02"));
        assert_eq!(asked(&mut desk), 1, "{what}");
    }
}
