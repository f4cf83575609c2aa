//! From an order in Axerrio to a Prebook and a PO.

use stemsync::domain::{AxStatus, HoldReason, KometProduct, KometRef, Stage, Verdict};
use stemsync::sync::action::Action;
use stemsync::sync::plan::Need;

use crate::trade::{Desk, bouquet, day, held, lilies, line, roses};

#[test]
fn an_order_becomes_a_prebook_and_a_po_in_two_writes() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3))]);
    assert_eq!(desk.sync(), ["prebook 1,2", "po 1,2"]);
    assert_eq!(desk.order.stage, Stage::PoPending);
    assert_eq!(desk.sync(), Vec::<String>::new());
}

#[test]
fn a_prebook_ends_with_the_orders_tag() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.ax().header.comments = Some("two vans".into());
    desk.sync();
    assert_eq!(desk.komet.prebooks[0].comments.as_deref(), Some("two vans [AX AX-1]"));
}

#[test]
fn the_truck_date_is_the_ship_date_where_axerrio_names_none() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.ax().header.truck_date = None;
    desk.sync();
    assert_eq!(desk.komet.prebooks[0].header.truck_date, day("2026-12-01"));
}

#[test]
fn a_mixed_box_joins_the_po_of_the_plain_ones() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2)), line("2", roses(5))]);
    assert_eq!(desk.sync(), ["prebook 1,2", "po 2", "more mixed po 1"]);
    assert_eq!(desk.komet.purchase_orders.len(), 1);
}

#[test]
fn a_mixed_box_waits_until_komet_knows_every_part() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
    desk.known.remove("Lily White");
    assert_eq!(desk.sync(), ["prebook 1"]);
    assert_eq!(held(&desk), ["unmapped_product 1"]);
    desk.edit_item("1", |item| item.terms.breakdowns[1].product.id = Some(502));
    desk.known.insert("Lily White".into(), 502);
    assert_eq!(desk.sync(), ["mixed po 1"]);
    assert_eq!(held(&desk), [""; 0]);
}

/// The map need not name the parts that Komet knows by their description.
#[test]
fn what_is_asked_for_is_what_the_map_does_not_name_yet() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
    desk.known.clear();
    desk.sync();
    let detail = |desk: &Desk| desk.plan().holds[0].detail.clone();
    assert!(detail(&desk).contains("ROS60") && detail(&desk).contains("LIL"), "{}", detail(&desk));
    desk.map("ROS60", 501);
    assert!(!detail(&desk).contains("ROS60") && detail(&desk).contains("LIL"), "{}", detail(&desk));
}

#[test]
fn a_mixed_box_goes_on_once_the_map_names_the_parts_in_red() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
    desk.known.remove("Lily White");
    desk.sync();
    assert_eq!(held(&desk), ["unmapped_product 1"]);
    desk.known.insert("Lilium LA White".into(), 502);
    desk.map(&lilies(1).product.code, 502);
    assert_eq!(desk.sync(), ["delete item 1", "more prebook 1", "mixed po 1"]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    // A map that Komet does not heed is tried once.
    let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
    desk.known.remove("Lily White");
    desk.sync();
    desk.map(&lilies(1).product.code, 999);
    assert_eq!(desk.sync(), ["delete item 1", "more prebook 1"]);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["unmapped_product 1".to_owned()]));
}

/// Komet may call the part by the product's own name since.
#[test]
fn a_part_that_a_person_mapped_is_bought_by_the_id_that_komet_shows() {
    for name in ["Lily White", "Lilium LA White 2-3 Blooms"] {
        let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
        desk.known.remove("Lily White");
        desk.sync();
        desk.edit_item("1", |item| {
            item.terms.breakdowns[1].product = KometProduct { id: Some(502), description: name.into() };
        });
        let plan = desk.plan();
        let Some(Action::CreatePo(po)) = plan.actions.first() else { panic!("{:?}", plan.actions) };
        assert_eq!(po.lines[0].goods.mix[1].product, KometRef::Id(502), "{name}");
    }
}

#[test]
fn a_mixed_box_that_komet_bought_without_a_part_is_bought_anew_once() {
    let mut desk = Desk::flow1(vec![line("1", bouquet(2))]);
    desk.sync();
    desk.has_read_po();
    desk.edit_po(|po| drop(po.lines[0].terms.breakdowns.pop()));
    assert_eq!(desk.sync(), ["delete po line 1", "more mixed po 1"]);
    desk.edit_po(|po| drop(po.lines[1].terms.breakdowns.pop()));
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["rejected_by_komet 1"]);
}

#[test]
fn an_unknown_product_is_prebooked_and_bought_by_its_description() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.clear();
    assert_eq!(desk.sync(), ["prebook 1", "po 1"]);
    assert_eq!(held(&desk), ["unmapped_product 1"]);
}

#[test]
fn a_product_that_the_po_list_shows_mapped_waits_no_more() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.clear();
    desk.sync();
    desk.edit_po(|po| po.lines[0].terms.product.id = Some(501));
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_local_map_goes_along_with_the_first_request() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.map("ROS60", 501);
    let plan = desk.plan();
    let Action::CreatePrebook(create) = &plan.actions[0] else { panic!("{:?}", plan.actions) };
    assert_eq!(create.new.items[0].product, KometRef::Id(501));
}

#[test]
fn a_local_map_makes_the_line_that_waits_anew() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.clear();
    desk.sync();
    desk.known.insert("Rosa Freedom".into(), 501);
    desk.map("ROS60", 501);
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_local_map_to_an_id_that_komet_does_not_know_does_not_go_round_in_circles() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.map("ROS60", 999);
    desk.sync();
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["unmapped_product 1"]);
}

#[test]
fn a_window_that_was_never_read_is_read_before_the_first_push() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.facts.windows_known.clear();
    let plan = desk.plan();
    assert_eq!(plan.actions, []);
    assert_eq!(plan.needs.into_iter().collect::<Vec<_>>(), [Need::Prebooks(day("2026-12-01"))]);
}

#[test]
fn what_ships_in_the_past_is_never_created() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.ax().header.ship_date = day("2026-11-19");
    desk.ax().header.customer_po = Some("far too long for Komet's field".into());
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_customer_po_that_is_too_long_is_held_and_cut_only_on_a_persons_word() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.ax().header.customer_po = Some("C-7777777777777777777-LONG".into());
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), ["field_too_long"]);
    desk.decide(HoldReason::FieldTooLong, Verdict::TakeKomet);
    assert_eq!(desk.sync(), ["prebook 1", "po 1"]);
    assert_eq!(desk.komet.prebooks[0].header.customer_po.as_deref(), Some("C-777777777777777777"));
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_mark_code_that_is_too_long_holds_its_line_only() {
    let mut marked = roses(5);
    marked.mark_code = Some("WEDDING OF ANNA AND BEN".into());
    let mut desk = Desk::flow1(vec![line("1", marked), line("2", lilies(1))]);
    assert_eq!(desk.sync(), ["prebook 2", "po 2"]);
    assert_eq!(held(&desk), ["field_too_long 1"]);
    desk.decide(HoldReason::FieldTooLong, Verdict::TakeKomet);
    assert_eq!(desk.sync(), ["more prebook 1", "more po 1"]);
    assert_eq!(desk.sync(), [""; 0]);
    assert_eq!(held(&desk), [""; 0]);
}

#[test]
fn a_mark_code_that_is_too_long_once_more_is_a_new_question() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    let too_long = Some("WEDDING OF ANNA AND BEN".to_owned());
    desk.ax_line("1").terms.mark_code.clone_from(&too_long);
    desk.decide(HoldReason::FieldTooLong, Verdict::Dismissed);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
    desk.ax_line("1").terms.mark_code = Some("ANNA".into());
    assert_eq!(desk.sync().len(), 4, "made anew");
    desk.ax_line("1").terms.mark_code = too_long;
    assert_eq!(held(&desk), ["field_too_long 1"]);
}

#[test]
fn long_notes_are_cut_with_an_ellipsis() {
    let mut noted = roses(5);
    noted.notes = Some("n".repeat(300));
    let mut desk = Desk::flow1(vec![line("1", noted)]);
    desk.sync();
    let notes = desk.komet.prebooks[0].items[0].terms.notes.clone().unwrap();
    assert_eq!((notes.chars().count(), notes.ends_with('…')), (200, true));
}

#[test]
fn fewer_boxes_confirmed_are_fewer_boxes_bought() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.ax_line("1").confirmed_boxes = Some(3);
    desk.sync();
    assert_eq!(desk.po().lines[0].terms.boxes, 3);
    assert_eq!(desk.komet.prebooks[0].items[0].terms.boxes, 5);
}

#[test]
fn fewer_boxes_confirmed_later_reduce_the_pending_po() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.sync();
    desk.ax_line("1").confirmed_boxes = Some(3);
    assert_eq!(desk.sync(), ["delete po line 1", "more po 1"]);
    desk.ax_line("1").confirmed_boxes = Some(0);
    assert_eq!(desk.sync(), ["delete po line 1"]);
}

#[test]
fn nobody_waits_for_the_product_of_a_line_that_is_off() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.known.clear();
    desk.sync();
    assert_eq!(held(&desk), ["unmapped_product 1"]);
    // A rep has changed it meanwhile, so it stays for now.
    desk.edit_item("1", |item| item.terms.boxes = 4);
    desk.ax().status = AxStatus::Cancelled;
    desk.sync();
    assert_eq!(held(&desk), ["edited_in_komet 1"]);
}
