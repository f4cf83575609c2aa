//! Labels become boxes: by shipping PO lines with their codes, or by changing codes that are there already.

use stemsync::domain::{HoldReason, Stage, Verdict};
use stemsync::sandbox::axerrio::Reprint;
use stemsync::sandbox::{Fault, Request, Target, World};
use stemsync::sync::report::ActionResult;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, both};
use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, approve_all, bought, current_labels, items_of, line, order, print_all,
};

/// An approved order of one line of so many boxes.
async fn approved(link: &Link, boxes: u32) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, boxes)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    id
}

/// The codes that Komet has for an order's only line, by PO line.
fn codes(world: &World, order: &str) -> Vec<Vec<String>> {
    let item = items_of(world, order)[0].id;
    let mut lines = bought(world, item);
    lines.sort_by_key(|(_, l)| l.id);
    lines.iter().map(|(_, l)| l.boxes.iter().map(|b| b.code.clone()).collect()).collect()
}

#[tokio::test]
async fn labels_wait_for_their_awb() {
    both(async |link: Link| {
        let id = approved(&link, 2).await;
        let labels = link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 2, None, None, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| codes(w, &id)), [Vec::<String>::new()]);
        invariants(&link).await;
        link.act(|w, now| {
            labels
                .iter()
                .try_for_each(|l| w.axerrio.vendor_corrects_label(l, Some(AWB), Some("H-1"), Some(LOT), now))
        })
        .unwrap();
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn fewer_labels_than_boxes_ship_what_is_labelled_and_follow_the_split() {
    both(async |link: Link| {
        let id = approved(&link, 5).await;
        for (boxes, shipped) in [(2, 2), (1, 3), (2, 5)] {
            link.act(|w, now| w.axerrio.vendor_prints(&id, "1", boxes, Some(AWB), Some(LOT), now)).unwrap();
            link.sync_well().await;
            assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), shipped);
            invariants(&link).await;
        }
        let told = link.act(|w, _| w.axerrio.order(&id).unwrap().purchase_order.clone()).unwrap();
        assert_eq!(told.lines.iter().map(|l| l.boxes).collect::<Vec<_>>(), [2, 1, 2], "an entry for each PO line");
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
    })
    .await;
}

#[tokio::test]
async fn several_awbs_and_lots_go_in_successive_calls() {
    both(async |link: Link| {
        let id = approved(&link, 6).await;
        link.act(|w, now| {
            for (boxes, awb, lot) in [(2, AWB, LOT), (1, AWB, "FV0302"), (3, "729-11112222", LOT)] {
                w.axerrio.vendor_prints(&id, "1", boxes, Some(awb), Some(lot), now).unwrap();
            }
        });
        link.sync_well().await;
        link.act(|w, _| {
            let item = items_of(w, &id)[0].id;
            let mut lines: Vec<_> = bought(w, item)
                .iter()
                .map(|(_, l)| (l.awb.clone().unwrap(), l.boxes[0].lot.clone(), l.boxes.len()))
                .collect();
            lines.sort();
            let of = |awb: &str, lot: &str, boxes| (awb.to_owned(), lot.to_owned(), boxes);
            assert_eq!(lines, [of(AWB, LOT, 2), of(AWB, "FV0302", 1), of("729-11112222", LOT, 3)]);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_reprint_changes_the_code_whether_the_label_is_the_same_or_new() {
    both(async |link: Link| {
        let id = approved(&link, 3).await;
        let labels = link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        link.act(|w, now| {
            w.axerrio.vendor_reprints(&labels[0], Reprint::SameLabel, now).unwrap();
            w.axerrio.vendor_reprints(&labels[2], Reprint::NewLabel, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.komet_requests("box.code.change"), 1, "both in one request");
        assert_eq!(link.holds().await, []);
        link.act(|w, _| {
            let mut printed: Vec<_> = current_labels(w, &id).into_iter().map(|l| l.box_code).collect();
            let mut there = codes(w, &id).concat();
            printed.sort();
            there.sort();
            assert_eq!(there, printed);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_reprint_before_shipping_ships_the_new_code_only() {
    both(async |link: Link| {
        let id = approved(&link, 2).await;
        link.act(|w, now| {
            let labels = print_all(w, &id, now);
            w.axerrio.vendor_reprints(&labels[0], Reprint::NewLabel, now).unwrap();
            w.axerrio.vendor_reprints(&labels[1], Reprint::SameLabel, now).unwrap();
        });
        link.sync_well().await;
        assert_eq!(link.komet_requests("box.code.change"), 0);
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_void_label_ships_nothing_before_and_is_held_after_shipping() {
    both(async |link: Link| {
        let id = approved(&link, 3).await;
        let labels = link.act(|w, now| {
            let labels = print_all(w, &id, now);
            w.axerrio.vendor_voids(&labels[2], now).unwrap();
            labels
        });
        link.sync_well().await;
        assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), 2);
        assert_eq!(link.holds().await, []);
        link.act(|w, now| w.axerrio.vendor_voids(&labels[0], now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::VoidLabel, Some("1".into()))]);
        // The rest of the line is not held up by it.
        link.act(|w, now| w.axerrio.vendor_prints(&id, "1", 2, Some(AWB), Some(LOT), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), 3);
        assert_eq!(link.holds().await, [], "the box has a new label");
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn codes_that_komet_made_itself_are_replaced() {
    both(async |link: Link| {
        let id = approved(&link, 3).await;
        link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            let po_line = bought(w, item)[0].1.id;
            assert_eq!(w.komet.person_ships_line(po_line, AWB, now).unwrap().len(), 3);
        });
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        assert_eq!(link.komet_requests("purchase.order.items.awb.add"), 0);
        assert!(link.act(|w, _| codes(w, &id)).concat().iter().all(|c| c.starts_with("AXB")));
        invariants(&link).await;
    })
    .await;
}

/// The answer to the change of codes is lost: the boxes keep Komet's AWB and lot, and nobody takes them for stemsync's.
#[tokio::test]
async fn codes_whose_replacement_went_unanswered_are_on_boxes_that_komet_shipped() {
    both(async |link: Link| {
        let id = approved(&link, 3).await;
        link.act(|w, now| {
            let po_line = bought(w, items_of(w, &id)[0].id)[0].1.id;
            w.komet.person_ships_line(po_line, AWB, now).unwrap();
        });
        link.sync_well().await;
        link.act(|w, now| print_all(w, &id, now));
        link.inject(System::Komet, "box.code.change", Fault::AnswerLost);
        link.sync().await;
        link.sync_well().await;
        assert!(link.act(|w, _| codes(w, &id)).concat().iter().all(|c| c.starts_with("AXB")));
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_awb_that_changes_after_shipping_is_held() {
    both(async |link: Link| {
        let id = approved(&link, 1).await;
        let labels = link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_corrects_label(&labels[0], Some("729-0"), None, None, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::LabelChangedAfterShipping, Some("1".into()))]);
        link.decide(Verdict::Dismissed).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// Whether a request was answered or found done: what shipped is what was sent, and the label says otherwise by now.
#[tokio::test]
async fn an_awb_that_changes_while_a_request_is_in_doubt_is_held() {
    for method in ["purchase.order.items.awb.add", "box.code.change"] {
        println!("--- {method}");
        let link = Link::plain().await;
        let id = approved(&link, 2).await;
        let mut labels = link.act(|w, now| print_all(w, &id, now));
        let corrected = (Some("729-0"), None, None);
        if method == "box.code.change" {
            link.sync_well().await;
            link.act(|w, now| {
                labels[1] = w.axerrio.vendor_reprints(&labels[1], Reprint::NewLabel, now).unwrap();
                w.axerrio.vendor_corrects_label(&labels[1], corrected.0, corrected.1, corrected.2, now).unwrap();
            });
        }
        link.inject(System::Komet, method, Fault::AnswerLost);
        link.act(|w, _| {
            w.inject(Target::next(System::Komet, "purchase.order.list").after(1).times(200), Fault::Html(502));
        });
        link.sync().await;
        link.act(|w, now| {
            w.clear_faults();
            if method != "box.code.change" {
                w.axerrio.vendor_corrects_label(&labels[1], corrected.0, corrected.1, corrected.2, now).unwrap();
            }
        });
        link.sync_well().await;
        assert_eq!(link.komet_requests(method), 1, "it is adopted");
        assert_eq!(link.held().await, [(HoldReason::LabelChangedAfterShipping, Some("1".into()))]);
        invariants(&link).await;
    }
}

#[tokio::test]
async fn a_lot_in_komets_own_range_and_a_long_code_wait_and_hold_up_no_other() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), line(MONDIAL, 1)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let label = link.act(|w, now| {
            w.axerrio.vendor_prints(&id, "2", 1, Some(AWB), Some(LOT), now).unwrap();
            w.axerrio.vendor_prints(&id, "1", 1, Some(AWB), Some(LOT), now).unwrap();
            w.axerrio.vendor_prints(&id, "1", 1, Some(AWB), Some("5000"), now).unwrap().remove(0)
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ReservedLotNumber, Some("1".into()))]);
        assert_eq!(
            link.act(|w, _| w.komet.purchase_orders().flat_map(|p| &p.lines).flat_map(|l| &l.boxes).count()),
            2
        );
        link.act(|w, now| w.axerrio.vendor_corrects_label(&label, None, None, Some("FV9"), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn labels_of_an_order_that_is_not_approved_wait() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        assert_eq!(link.act(|w, _| codes(w, &id)), [Vec::<String>::new()]);
        invariants(&link).await;
        link.act(approve_all);
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn more_labels_than_the_buyer_approved_are_held() {
    both(async |link: Link| {
        let id = approved(&link, 3).await;
        link.act(|w, now| {
            let item = items_of(w, &id)[0].id;
            let po_line = bought(w, item)[0].1.id;
            w.komet.buyer_changes_line(po_line, Some(2), None, now).unwrap();
            print_all(w, &id, now);
        });
        link.sync().await;
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some("1".into()))]);
        assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), 2);
        invariants(&link).await;
    })
    .await;
}

/// The warehouse gave a box of the first line the code that the vendor then printed for the second line. It cannot stand twice,
/// and that it stands on the same PO does not mean that the second line's box has it.
#[tokio::test]
async fn a_code_that_another_line_bears_is_told_and_not_taken_for_done() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 1), line(MONDIAL, 1)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let label = link.act(|w, now| w.axerrio.vendor_prints(&id, "2", 1, Some(AWB), Some(LOT), now)).unwrap();
        let token = link.sandbox.komet_token().to_owned();
        link.act(|w, now| {
            let code = current_labels(w, &id).into_iter().find(|l| l.id == label[0]).unwrap().box_code.clone();
            let of = |w: &World, at: usize| bought(w, items_of(w, &id)[at].id)[0].1.id;
            let lines = [of(w, 0), of(w, 1)];
            let first = w.komet.person_ships_line(lines[0], AWB, now).unwrap().remove(0);
            w.komet.person_ships_line(lines[1], AWB, now).unwrap();
            let body = format!("{{\"authenticationToken\":\"{token}\",\"boxes\":[{{\"currentBoxCode\":\"{first}\",\"newBoxCode\":\"{code}\"}}]}}");
            let uri = "/komet/api/box.code.change".parse().unwrap();
            w.serve(&Request::of("POST", &uri, None, body.into_bytes()), now);
            assert_eq!(bought(w, items_of(w, &id)[0].id)[0].1.boxes[0].code, code, "the warehouse's mistake");
        });
        for _ in 0..2 {
            let report = link.sync().await;
            assert!(report.actions.iter().all(|a| a.result != ActionResult::Adopted), "{:?}", report.actions);
            assert_eq!(link.held().await, [(HoldReason::DuplicateBoxCode, Some("2".into()))]);
        }
        assert_eq!(link.komet_requests("box.code.change"), 1, "the warehouse's; stemsync asks for none of that code");
    })
    .await;
}

/// Komet refuses the call with all labels in it, and then the half with the first order's.
#[tokio::test]
async fn a_part_for_which_komet_refuses_a_whole_call_keeps_no_other_from_shipping() {
    let link = Link::plain().await;
    let [bad, good, third] = [approved(&link, 1).await, approved(&link, 1).await, approved(&link, 1).await];
    let refusal = Fault::Http {
        status: 200,
        body: r#"{"status": 0, "message": "The lot is closed"}"#.to_owned(),
        headers: Vec::new(),
    };
    let calls = Target::next(System::Komet, "purchase.order.items.awb.add").times(2);
    link.act(|w, now| {
        print_all(w, &bad, now);
        print_all(w, &good, now);
        w.inject(calls, refusal.clone());
    });
    link.sync().await;
    let shipped = |id: &String| link.act(|w, _| codes(w, id)).concat().len();
    assert_eq!((shipped(&bad), shipped(&good)), (0, 1));
    assert_eq!(link.komet_requests("purchase.order.items.awb.add"), 3);
    assert_eq!(link.held().await, [(HoldReason::RejectedByKomet, Some("1".into()))]);
    // From then on it goes by itself, beside the labels of others.
    link.act(|w, now| {
        print_all(w, &third, now);
        w.inject(Target::next(System::Komet, "purchase.order.items.awb.add").after(1), refusal);
    });
    link.sync().await;
    assert_eq!((shipped(&bad), shipped(&third)), (0, 1));
    link.sync_well().await;
    assert_eq!(shipped(&bad), 1);
    invariants(&link).await;
}

/// The vendor copied a sheet: a box of another order bears the code of one of the labels.
#[tokio::test]
async fn a_code_that_another_orders_box_bears_waits_for_a_reprint_while_the_rest_ships() {
    both(async |link: Link| {
        let (id, other) = (approved(&link, 2).await, approved(&link, 1).await);
        let token = link.sandbox.komet_token().to_owned();
        let code = link.act(|w, now| {
            print_all(w, &id, now);
            let code = current_labels(w, &id)[0].box_code.clone();
            let taken = bought(w, items_of(w, &other)[0].id)[0].1.id;
            let theirs = w.komet.person_ships_line(taken, AWB, now).unwrap().remove(0);
            let body = format!("{{\"authenticationToken\":\"{token}\",\"boxes\":[{{\"currentBoxCode\":\"{theirs}\",\"newBoxCode\":\"{code}\"}}]}}");
            let uri = "/komet/api/box.code.change".parse().unwrap();
            w.serve(&Request::of("POST", &uri, None, body.into_bytes()), now);
            code
        });
        link.sync().await;
        link.sync().await;
        let held = link.holds().await;
        let told = |hold: &stemsync::store::holds::HoldRow| hold.reason == HoldReason::DuplicateBoxCode;
        assert!(held.iter().any(|hold| told(hold) && hold.detail.contains(&code)), "{held:?}");
        assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), 1);
        link.act(|w, now| {
            let label = current_labels(w, &id).into_iter().find(|label| label.box_code == code).unwrap();
            w.axerrio.vendor_reprints(&label.id, Reprint::NewLabel, now).unwrap();
        });
        link.sync().await;
        link.sync_well().await;
        assert_eq!(link.act(|w, _| codes(w, &id)).concat().len(), 2);
    })
    .await;
}

/// Two labels of one line with different AWBs, and Komet has both codes on boxes of another order.
#[tokio::test]
async fn two_groups_that_are_refused_are_both_told_and_tried_until_they_pass() {
    both(async |link: Link| {
        let id = approved(&link, 2).await;
        let other = approved(&link, 2).await;
        let token = link.sandbox.komet_token().to_owned();
        let rename = |w: &mut World, from: &str, to: &str, now| {
            let body = format!(
                "{{\"authenticationToken\":\"{token}\",\"boxes\":[{{\"currentBoxCode\":\"{from}\",\"newBoxCode\":\"{to}\"}}]}}"
            );
            w.serve(&Request::of("POST", &"/komet/api/box.code.change".parse().unwrap(), None, body.into_bytes()), now);
        };
        let codes: Vec<String> = link.act(|w, now| {
            let taken = bought(w, items_of(w, &other)[0].id)[0].1.id;
            let theirs = w.komet.person_ships_line(taken, AWB, now).unwrap();
            w.axerrio.vendor_prints(&id, "1", 1, Some(AWB), Some(LOT), now).unwrap();
            w.axerrio.vendor_prints(&id, "1", 1, Some("729-11112222"), Some(LOT), now).unwrap();
            let codes: Vec<String> = current_labels(w, &id).iter().map(|label| label.box_code.clone()).collect();
            for (from, to) in theirs.iter().zip(&codes) {
                rename(w, from, to, now);
            }
            codes
        });
        for _ in 0..2 {
            link.sync().await;
            let held = link.holds().await;
            let told = |code: &String| held.iter().any(|hold| hold.detail.contains(code.as_str()));
            assert!(held.len() == 2 && codes.iter().all(told), "{held:?}");
        }
        // The second one passes first.
        for (at, left) in [(1, 1), (0, 0)] {
            link.act(|w, now| rename(w, &codes[at], &format!("FREE{at}"), now));
            link.sync().await;
            link.sync().await;
            assert_eq!(link.holds().await.len(), left);
        }
        let shipped = link.act(|w, _| {
            let lines = bought(w, items_of(w, &id)[0].id).into_iter();
            let mut codes: Vec<String> = lines.flat_map(|(_, line)| line.boxes).map(|b| b.code).collect();
            codes.sort();
            codes
        });
        assert_eq!(shipped, codes);
    })
    .await;
}
