//! What Komet makes of what it is told, about which its pages say nothing.

use stemsync::domain::{AxStatus, HoldReason, LineId, PrebookNumber, Unseen, Verdict};

use crate::trade::{Desk, cost, held, line, roses};

/// Nobody says how many decimals of a cost Komet keeps.
#[test]
fn a_cost_of_which_komet_keeps_fewer_decimals_is_nobodys_edit() {
    for (sent, kept) in [("0.3333333", 4), ("0.255", 2), ("0.25", 2)] {
        let mut terms = roses(5);
        terms.unit_cost = cost(sent);
        let mut desk = Desk::flow1(vec![line("1", terms)]).with_owner_rule();
        desk.keeps_decimals = kept;
        assert_eq!(desk.sync(), ["prebook 1", "po 1"], "{sent}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{sent}");
        // What somebody changes later is compared with that.
        desk.on_conflict = stemsync::domain::OnConflict::Hold;
        desk.edit_item("1", |item| item.terms.unit_cost = cost("0.24"));
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]), "{sent}");
    }
}

/// Komet showed the cost as it was sent: it keeps as many decimals, and what differs since is somebody's doing.
#[test]
fn a_cost_that_komet_showed_exactly_is_compared_exactly() {
    let placed = |sent: &str| {
        let mut terms = roses(5);
        terms.unit_cost = cost(sent);
        let mut desk = Desk::flow1(vec![line("1", terms)]);
        assert_eq!((desk.sync(), desk.sync()), (vec!["prebook 1".to_owned(), "po 1".to_owned()], vec![]));
        desk
    };
    let mut desk = placed("0.32");
    desk.edit_po(|po| po.status = stemsync::domain::PoStatus::Approved);
    desk.sync();
    desk.ax_line("1").terms.unit_cost = cost("0.325");
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["changed_after_approval 1".to_owned()]));
    let mut desk = placed("0.325");
    desk.edit_item("1", |item| item.terms.unit_cost = cost("0.33"));
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]));
    let mut desk = placed("0.325");
    desk.edit_po(|po| po.lines[0].terms.unit_cost = cost("0.32"));
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec!["edited_in_komet 1".to_owned()]));
}

/// Of a Komet that keeps cents what was typed there for a changed cost is that, and every other cost is not.
#[test]
fn a_cost_that_komet_rounded_is_agreed_by_its_rounding() {
    for (typed, holds) in [("0.34", 0), ("0.32", 1), ("0.36", 1)] {
        let mut terms = roses(5);
        terms.unit_cost = cost("0.325");
        let mut desk = Desk::flow1(vec![line("1", terms)]);
        desk.keeps_decimals = 2;
        desk.sync();
        desk.edit_po(|po| po.status = stemsync::domain::PoStatus::Approved);
        desk.sync();
        desk.ax_line("1").terms.unit_cost = cost("0.335");
        desk.edit_item("1", |item| item.terms.unit_cost = cost(typed));
        desk.edit_po(|po| po.lines[0].terms.unit_cost = cost(typed));
        desk.sync();
        assert_eq!(held(&desk).len(), holds, "{typed}: {:?}", held(&desk));
    }
}

#[test]
fn a_mark_code_or_customer_po_whose_blanks_komet_folds_is_nobodys_edit() {
    let mut terms = roses(5);
    terms.mark_code = Some("GREEN  7".into());
    let mut desk = Desk::flow1(vec![line("1", terms)]).with_owner_rule();
    desk.ax().header.customer_po = Some("C  77".into());
    assert_eq!(desk.sync(), ["prebook 1", "po 1"]);
    desk.komet.prebooks[0].header.customer_po = Some("C 77".into());
    desk.order.agreed.prebooks.values_mut().for_each(|prebook| prebook.seen = None);
    desk.read();
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
}

/// A rep gives the item to another Prebook, under the same id.
#[test]
fn an_item_that_a_rep_moved_to_another_prebook_is_deleted_there() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", roses(2))]);
    desk.sync();
    let mut other = desk.komet.prebooks[0].clone();
    other.id.0 += 500;
    other.items.truncate(1);
    desk.komet.prebooks[0].items.remove(0);
    desk.komet.prebooks.push(other.clone());
    desk.read();
    assert_eq!(desk.sync(), [""; 0]);
    desk.ax_line("1").terms.boxes = 0;
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1"]);
    assert_eq!(desk.komet.prebooks[1].items[0].terms.boxes, 0);
    assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]));
}

/// The map named the wrong customer, carrier or box type, and somebody put it right.
#[test]
fn a_corrected_map_makes_pending_lines_anew() {
    use stemsync::domain::MapKind::{BoxType, Carrier, Customer};
    for (kind, code, wrong, right) in
        [(Customer, "FLORIST", 9, 8), (Carrier, "ARM", 32, 31), (BoxType, "HB", 2, 3)]
    {
        let place = || {
            let mut desk = Desk::flow1(vec![line("1", roses(5))]);
            desk.maps.push((kind, code.into(), wrong));
            desk.sync();
            desk
        };
        let mut desk = place();
        assert_eq!(desk.sync(), [""; 0], "{kind:?}");
        desk.maps = vec![(kind, code.into(), right)];
        let prebook = if kind == BoxType { "more prebook 1" } else { "prebook 1" };
        assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", prebook, "more po 1"], "{kind:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{kind:?}");
        // What was approved stays.
        let mut desk = place();
        desk.approve();
        desk.sync();
        desk.maps = vec![(kind, code.into(), right)];
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{kind:?}");
        // What the map no longer names goes by Komet's own list, and so stays where there is none.
        let mut desk = place();
        desk.maps.clear();
        let anew = if kind == Customer {
            vec![]
        } else {
            vec!["delete po line 1", "delete item 1", prebook, "more po 1"]
        };
        assert_eq!(desk.sync(), anew, "{kind:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{kind:?}");
    }
}

#[test]
fn a_product_without_a_code_is_another_one_by_its_description() {
    let mut terms = roses(5);
    terms.product.code.clear();
    let mut desk = Desk::flow1(vec![line("1", terms)]);
    desk.sync();
    desk.ax_line("1").terms.product.description = "CARNATION RED".into();
    let told = desk.sync();
    assert_eq!(told[..2], ["delete po line 1", "delete item 1"], "{told:?}");
    let items = desk.komet.prebooks.iter().flat_map(|prebook| &prebook.items).filter(|item| item.is_alive());
    let names: Vec<&str> = items.map(|item| item.terms.product.description.as_str()).collect();
    assert!(names.len() == 1 && names[0].contains("CARNATION RED"), "{names:?}");
}

/// It went by its code, and Komet took it for one of its own: whoever says since which it is has corrected that.
#[test]
fn what_went_by_its_code_and_is_mapped_to_another_since_is_made_anew() {
    use stemsync::domain::MapKind::{BoxType, Carrier, Customer};
    for (kind, code, right) in [(Customer, "FLORIST", 8), (Carrier, "ARM", 31), (BoxType, "HB", 2)] {
        let mut desk = Desk::flow1(vec![line("1", roses(5))]);
        desk.sync();
        let header = &mut desk.komet.prebooks[0].header;
        (header.customer_id, header.carrier_id) = (Some(77), Some(78));
        let header = header.clone();
        desk.read();
        desk.order.agreed.prebooks.values_mut().for_each(|prebook| prebook.seen = Some(header.clone()));
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{kind:?}");
        desk.maps = vec![(kind, code.into(), right)];
        let told = desk.sync();
        assert_eq!(told[..2], ["delete po line 1", "delete item 1"], "{kind:?}");
        assert_eq!((desk.sync(), held(&desk)), (vec![], vec![]), "{kind:?}");
    }
}

/// Komet finds a Prebook by its whole header.
#[test]
fn a_further_line_joins_the_prebook_of_the_customer_that_was_left_to_komet() {
    let mut desk = Desk::flow1(vec![line("1", roses(5))]);
    desk.maps.push((stemsync::domain::MapKind::Customer, "FLORIST".into(), 9));
    desk.sync();
    let header = &mut desk.komet.prebooks[0].header;
    (header.customer_id, header.customer_code) = (Some(77), Some("OTHER".into()));
    header.location_code = Some("BOG".into());
    desk.read();
    desk.sync();
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.sync();
    desk.ax().lines.push(line("2", roses(1)));
    desk.has_read_po();
    let plan = desk.plan();
    let [stemsync::sync::action::Action::CreatePrebook(create)] = &plan.actions[..] else {
        panic!("{:?} {:?} {:?}", plan.actions, plan.needs, plan.holds)
    };
    assert_eq!(create.new.customer, stemsync::domain::KometRef::Id(77));
    assert_eq!(create.new.location_code.as_deref(), Some("BOG"));
    assert!(create.new.use_existing);
}

/// `sync.toml` names another location since the Prebook was made.
#[test]
fn what_is_bought_for_a_prebook_is_bought_for_its_location() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", roses(2))]);
    desk.ax().header.location = None;
    desk.location = Some("MIA");
    desk.sync();
    desk.location = Some("BOG");
    desk.ax_line("1").terms.boxes = 7;
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more po 1"]);
    assert_eq!(desk.bought_for, [Some("MIA".to_owned()), Some("MIA".to_owned())]);
}

/// Komet took the line into Prebook 8 and shows nothing of it; a person looked, and left it.
#[test]
fn what_changes_of_a_line_that_was_never_seen_is_asked_about_anew() {
    let mut desk = Desk::flow1(vec![line("1", roses(5)), line("2", roses(2))]);
    let unseen = Unseen::Made(PrebookNumber("8".into()));
    desk.order.agreed.unseen.insert(LineId("1".into()), unseen);
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    assert_eq!((desk.sync().is_empty(), held(&desk)), (false, vec![]), "the other line is made");
    desk.ax_line("1").terms.boxes = 20;
    assert_eq!(held(&desk), ["edited_in_komet"]);
    desk.decide(HoldReason::EditedInKomet, Verdict::TakeKomet);
    desk.ax().status = AxStatus::Cancelled;
    let holds = desk.plan().holds;
    assert!(holds.iter().any(|hold| hold.detail.contains("it is cancelled since")), "{holds:?}");
}
