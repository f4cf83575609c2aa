//! What is already there is recognised: after a lost database, a lost answer, a late effect.

use stemsync::domain::{AxStatus, PoStatus, PrebookId};

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
            let item = desk.item_of(number);
            let lines = desk.komet.purchase_orders.iter().flat_map(|po| &po.lines);
            let bought = lines.filter(|l| l.is_alive() && l.item_id.as_ref() == Some(&item)).count();
            assert_eq!(bought, 1, "{what}: line {number} is bought once");
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
fn a_tag_whose_order_was_not_read_decides_nothing() {
    let mut desk = placed();
    desk.lose_database();
    desk.order.axerrio.order = None;
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.holds.len(), plan.cancels), (0, 0, false));
}

#[test]
fn a_late_second_prebook_of_a_doubtful_create_is_cleared_away() {
    let mut desk = placed();
    desk.order.agreed.doubtful_creates = 1;
    let items = vec![desk.item(901, &roses(5)), desk.item(902, &lilies(3))];
    desk.komet.prebooks.push(prebook(900, Some("[AX AX-1]".into()), items));
    desk.read();
    assert_eq!(desk.sync(), ["delete item", "delete item"]);
    assert_eq!(desk.order.agreed.doubtful_creates, 0);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_second_prebook_that_nobody_can_explain_is_a_question() {
    let mut desk = placed();
    let items = vec![desk.item(901, &roses(5))];
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
