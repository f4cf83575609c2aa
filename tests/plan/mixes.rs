//! The parts of a mixed box: which product has which amount, whatever order they come in.

use stemsync::domain::{AxStatus, HoldReason, LineTerms, PrebookItem, Verdict};

use crate::trade::{Desk, bouquet, held, lilies, line, roses};

/// The amounts of roses and lilies change places: of both there are as many stems and cost as much as before.
fn of_one_cost() -> LineTerms {
    let mut terms = bouquet(2);
    terms.mix.iter_mut().for_each(|part| part.unit_cost = roses(1).unit_cost);
    terms
}

fn swapped(mut terms: LineTerms) -> LineTerms {
    let (roses, lilies) = (terms.mix[0].bunches, terms.mix[1].bunches);
    (terms.mix[0].bunches, terms.mix[1].bunches) = (lilies, roses);
    terms
}

fn swap(item: &mut PrebookItem) {
    let parts = &mut item.terms.breakdowns;
    let (roses, lilies) = (parts[0].bunches, parts[1].bunches);
    (parts[0].bunches, parts[1].bunches) = (lilies, roses);
}

/// What the last PO line buys: product and bunches.
fn bought(desk: &Desk) -> Vec<(Option<i64>, u32)> {
    let line = desk.po().lines.iter().rfind(|line| line.is_alive()).unwrap();
    line.terms.breakdowns.iter().map(|part| (part.product.id, part.bunches)).collect()
}

#[test]
fn amounts_that_a_rep_swapped_between_two_parts_are_bought_anew_while_the_po_is_pending() {
    let mut desk = Desk::flow2(&[of_one_cost()]);
    desk.sync();
    desk.accept();
    assert_eq!(desk.sync(), ["mixed po 11"]);
    desk.edit_item("11", swap);
    assert_eq!(desk.sync(), ["put"]);
    desk.accept();
    assert_eq!(desk.sync(), ["delete po line 11", "more mixed po 11"]);
    assert_eq!(bought(&desk), [(Some(501), 4), (Some(502), 6)]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn amounts_that_a_rep_swapped_after_approval_are_a_question() {
    let mut desk = Desk::flow2(&[of_one_cost()]);
    desk.sync();
    desk.accept();
    desk.sync();
    desk.approve();
    desk.sync();
    desk.edit_item("11", swap);
    desk.sync();
    desk.ax().status = AxStatus::Accepted;
    desk.sync();
    assert_eq!(held(&desk), ["changed_after_approval 11"]);
}

#[test]
fn amounts_that_a_rep_or_a_buyer_swapped_in_axerrios_order_are_held() {
    for is_buyer in [false, true] {
        let mut desk = Desk::flow1(vec![line("1", of_one_cost())]);
        desk.sync();
        if is_buyer {
            desk.edit_po(|po| {
                po.lines[0].terms.breakdowns.iter_mut().for_each(|part| part.bunches = 10 - part.bunches);
            });
        } else {
            desk.edit_item("1", swap);
        }
        assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 1".to_owned()]), "{is_buyer}");
        desk.decide(HoldReason::EditedInKomet, Verdict::TakeAxerrio);
        desk.sync();
        assert_eq!(bought(&desk), [(Some(501), 6), (Some(502), 4)], "{is_buyer}");
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{is_buyer}");
    }
}

/// Komet may call products by its own names (assumed).
#[test]
fn parts_that_komet_calls_otherwise_are_no_edit_at_first_sight_and_one_once_they_are_swapped() {
    let mut desk = Desk::flow1(vec![line("1", of_one_cost())]);
    desk.known.clear();
    desk.sync();
    for (part, name) in desk.komet.prebooks[0].items[0].terms.breakdowns.iter_mut().zip(["ROJA", "LIRIO"]) {
        part.product.description = name.into();
    }
    desk.komet.prebooks[0].items[0].terms.breakdowns.reverse();
    desk.read();
    let mut lost = desk.clone();
    lost.lose_database();
    for mut desk in [desk.clone(), lost] {
        assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["unmapped_product 1".to_owned()]));
    }
    desk.sync();
    desk.edit_item("1", |item| {
        let mut ids = [502, 501].into_iter();
        item.terms.breakdowns.iter_mut().for_each(|part| part.product.id = ids.next());
    });
    desk.known = [("ROJA".to_owned(), 501), ("LIRIO".to_owned(), 502)].into();
    assert_eq!(desk.sync(), ["mixed po 1"]);
    assert_eq!(held(&desk), [""; 0]);
    desk.edit_item("1", swap);
    assert_eq!((desk.sync().len(), held(&desk)), (0, vec!["edited_in_komet 1".to_owned()]));
}

#[test]
fn boxes_that_only_the_amounts_of_their_parts_tell_apart_keep_their_items_after_a_lost_database() {
    for is_mapped in [false, true] {
        let mut desk = Desk::flow1(vec![line("1", of_one_cost()), line("2", swapped(of_one_cost()))]);
        if is_mapped {
            desk.map(&roses(1).product.code, 501);
            desk.map(&lilies(1).product.code, 502);
        }
        desk.sync();
        let items = (desk.item_of("1"), desk.item_of("2"));
        desk.ax().lines.reverse();
        desk.lose_database();
        assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0), "{is_mapped}");
        assert_eq!((desk.item_of("1"), desk.item_of("2")), items, "{is_mapped}");
    }
}

#[test]
fn parts_whose_products_the_map_had_crosswise_are_made_anew_once_it_is_corrected() {
    let mut desk = Desk::flow1(vec![line("1", of_one_cost())]);
    desk.map(&roses(1).product.code, 502);
    desk.map(&lilies(1).product.code, 501);
    desk.sync();
    assert_eq!(bought(&desk), [(Some(502), 6), (Some(501), 4)]);
    desk.maps.clear();
    desk.map(&roses(1).product.code, 501);
    desk.map(&lilies(1).product.code, 502);
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more mixed po 1"]);
    assert_eq!(bought(&desk), [(Some(501), 6), (Some(502), 4)]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

/// Komet knows the other part by its description; the map need not name it.
#[test]
fn one_part_whose_map_was_wrong_is_made_anew_whatever_the_others_are_known_by() {
    let mut desk = Desk::flow1(vec![line("1", of_one_cost())]);
    desk.map(&roses(1).product.code, 503);
    desk.sync();
    assert_eq!(bought(&desk), [(Some(503), 6), (Some(502), 4)]);
    desk.maps.clear();
    desk.map(&roses(1).product.code, 501);
    let mut approved = desk.clone();
    assert_eq!(desk.sync(), ["delete po line 1", "delete item 1", "more prebook 1", "more mixed po 1"]);
    assert_eq!(bought(&desk), [(Some(501), 6), (Some(502), 4)]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));

    approved.approve();
    approved.sync();
    assert_eq!(held(&approved), ["changed_after_approval 1"]);
    let detail = &approved.plan().holds[0].detail;
    assert!(detail.starts_with(&roses(1).product.description), "names the part: {detail}");
}

#[test]
fn two_parts_may_be_one_product_by_a_corrected_map() {
    let mut desk = Desk::flow1(vec![line("1", of_one_cost())]);
    desk.map(&roses(1).product.code, 501);
    desk.map(&lilies(1).product.code, 503);
    desk.sync();
    desk.maps.clear();
    desk.map(&roses(1).product.code, 501);
    desk.map(&lilies(1).product.code, 501);
    desk.sync();
    assert_eq!(bought(&desk), [(Some(501), 6), (Some(501), 4)]);
    assert_eq!((desk.sync().len(), held(&desk).len()), (0, 0));
}

#[test]
fn a_map_that_is_taken_away_changes_no_part_of_a_mixed_box_that_went_out() {
    for is_lost in [false, true] {
        let mut desk = Desk::flow2(&[bouquet(2)]);
        desk.map("RFR60", 501);
        desk.map("LIL", 502);
        desk.sync();
        desk.accept();
        desk.sync();
        desk.approve();
        desk.sync();
        let codes = |desk: &mut Desk| {
            desk.ax().lines[0].terms.mix.iter().map(|part| part.product.code.clone()).collect::<Vec<_>>()
        };
        let before = codes(&mut desk);
        assert_eq!(before, ["RFR60", "LIL"]);
        desk.maps.clear();
        if is_lost {
            desk.lose_database();
        }
        desk.sync();
        assert_eq!(codes(&mut desk), before);
        assert_eq!(desk.ax().status, AxStatus::Accepted, "the vendor is not asked again");
        assert_eq!(held(&desk), [""; 0]);
    }
}
