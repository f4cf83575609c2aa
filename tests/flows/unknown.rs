//! Products, customers and carriers that the other side calls by other names, or does not know at all.

use chrono::TimeDelta;
use stemsync::domain::{HoldReason, MapKind, OnConflict, Stage, Verdict};
use stemsync::sandbox::axerrio::{Named, OrderChange};
use stemsync::sandbox::{Fault, KometRules, Target};
use stemsync::store::holds::{self, HoldRow};
use stemsync::store::{Connection, maps};
use stemsync::sync::engine::Settings;
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, both, both_with};
use crate::trade::{
    FREEDOM, MONDIAL, UNKNOWN, UNKNOWN_CODE, UNKNOWN_IS, approve_all, bought, item, items_of, line, mixed_line,
    order, orders_for, prebook, prebooks_of, print_all,
};

/// An order of a known and an unknown product, approved and labelled.
async fn half_known(link: &Link) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, 2), line(UNKNOWN, 3)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| print_all(w, &id, now));
    link.sync_well().await;
    id
}

fn boxes(link: &Link) -> usize {
    link.act(|w, _| w.komet.purchase_orders().flat_map(|p| &p.lines).map(|l| l.boxes.len()).sum())
}

#[tokio::test]
async fn an_unknown_product_holds_its_line_until_a_person_maps_it_in_komet() {
    both(async |link: Link| {
        let id = half_known(&link).await;
        assert_eq!(link.held().await, [(HoldReason::UnmappedProduct, Some("2".into()))]);
        assert_eq!(boxes(&link), 2, "the known line ships");
        let detail = link.holds().await.remove(0).detail;
        let helps = detail.contains("map product set");
        assert!(detail.contains(UNKNOWN) && !helps, "what is approved is not made anew: {detail}");
        invariants(&link).await;
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

/// In Komet's form for a token each method has a tick of its own.
#[tokio::test]
async fn a_list_that_the_token_may_not_read_keeps_nothing_waiting() {
    for method in ["boxtype.list", "carrier.list"] {
        println!("--- {method}");
        let link = Link::plain().await;
        let body = r#"{"status":0,"message":"Method not authorized for this token"}"#.to_owned();
        let refused = Fault::Http { status: 200, body, headers: Vec::new() };
        link.act(|w, _| w.inject(Target::next(System::Komet, method).times(1000), refused));
        half_known(&link).await;
        assert_eq!(boxes(&link), 2, "the known line ships");
        assert_eq!(link.held().await, [(HoldReason::UnmappedProduct, Some("2".into()))]);
    }
}

/// Nothing else happens to the order, and yet it would be bought as what it is not.
#[tokio::test]
async fn a_map_that_is_corrected_corrects_what_is_pending() {
    both(async |link: Link| {
        let right = i64::try_from(UNKNOWN_IS).unwrap();
        link.map(MapKind::Product, UNKNOWN_CODE, 9001).await;
        let draft = order(link.day(3), vec![line(UNKNOWN, 3)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.map(MapKind::Product, UNKNOWN_CODE, right).await;
        link.sync_well().await;
        let items = link.act(|w, _| items_of(w, &id));
        assert_eq!(items.iter().map(|item| item.goods.product).collect::<Vec<_>>(), [Some(UNKNOWN_IS)]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_product_mapped_before_approval_is_learned_of_although_the_prebook_did_not_change() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(UNKNOWN, 3)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::UnmappedProduct, Some("1".into()))]);
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 1);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_local_map_avoids_the_wait() {
    both(async |link: Link| {
        link.map(MapKind::Product, UNKNOWN_CODE, i64::try_from(UNKNOWN_IS).unwrap()).await;
        let id = half_known(&link).await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_local_map_set_later_replaces_the_line_that_waits() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), line(UNKNOWN, 3)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        assert_eq!(link.held().await.len(), 1);
        link.map(MapKind::Product, UNKNOWN_CODE, i64::try_from(UNKNOWN_IS).unwrap()).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert!(items.iter().all(|i| i.goods.is_mapped()));
            assert!(items.iter().all(|i| bought(w, i.id).len() == 1));
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_map_still_helps_once_the_question_was_dismissed() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(UNKNOWN, 3)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        let detail = link.holds().await.remove(0).detail;
        assert!(detail.contains(&format!("map product set {UNKNOWN_CODE}")), "{detail}");
        link.decide(Verdict::Dismissed).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, [], "nobody is asked");
        link.map(MapKind::Product, UNKNOWN_CODE, i64::try_from(UNKNOWN_IS).unwrap()).await;
        link.sync_well().await;
        assert!(link.act(|w, _| items_of(w, &id).iter().all(|i| i.goods.is_mapped())));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_mixed_box_waits_for_its_unknown_part_and_is_then_bought_whole() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), mixed_line(2, &[MONDIAL, UNKNOWN])]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::UnmappedProduct, Some("2".into()))]);
        let detail = link.holds().await.remove(0).detail;
        assert!(detail.contains(UNKNOWN) && detail.contains(UNKNOWN_CODE), "the part is named: {detail}");
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(items.iter().map(|i| bought(w, i.id).len()).collect::<Vec<_>>(), [1, 0]);
        });
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        // No PO shows the mixed box yet, so a Prebook read must: the daily one at the latest.
        link.let_pass(chrono::TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(bought(w, items[1].id)[0].1.goods.parts.len(), 2);
        });
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_mixed_box_that_waits_is_bought_though_a_new_header_was_left_to_komet() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), mixed_line(2, &[MONDIAL, UNKNOWN])]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let change = OrderChange { customer_po: Some("NEW-1".into()), ..OrderChange::default() };
        link.act(|w, now| w.axerrio.customer_changes_header(&id, &change, now)).unwrap();
        link.sync_well().await;
        let changed = |hold: &HoldRow| hold.reason == HoldReason::ChangedAfterApproval;
        for hold in link.holds().await.into_iter().filter(changed) {
            let now = link.act(|_, now| now);
            let decide = move |conn: &Connection| holds::decide(conn, hold.id, Verdict::TakeKomet, now);
            link.engine.store.write(decide).await.unwrap();
        }
        link.sync_well().await;
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(items.iter().map(|i| bought(w, i.id).len()).collect::<Vec<_>>(), [1, 1]);
            assert_eq!(prebooks_of(w, &id).len(), 1, "it stays where it was approved to be");
        });
    })
    .await;
}

#[tokio::test]
async fn an_unknown_product_in_a_prebook_is_sent_once_it_is_mapped() {
    both(async |link: Link| {
        let ship = link.day(3);
        let draft = prebook(link.day(5), vec![item(FREEDOM, 2, ship), item(UNKNOWN, 1, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await.iter().map(|h| h.0).collect::<Vec<_>>(), [HoldReason::UnmappedProduct]);
        assert_eq!(link.act(|w, _| orders_for(w, id)[0].draft.lines.len()), 1);
        link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
        link.let_pass(chrono::TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| orders_for(w, id)[0].draft.lines.len()), 2);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn customers_and_carriers_go_by_map_in_both_directions() {
    both(async |link: Link| {
        link.map(MapKind::Customer, "C-0815", 5002).await;
        link.map(MapKind::Carrier, "T-1", 302).await;
        link.map(MapKind::Product, "FREE50", 9001).await;
        link.map(MapKind::BoxType, "1/4", 3).await;
        let mut draft = order(link.day(3), vec![line("whatever the vendor calls it", 2)]);
        draft.customer = Named { code: "C-0815".into(), name: "Petal Street".into() };
        draft.carrier = Some(Named { code: "T-1".into(), name: "Prime".into() });
        draft.lines[0].product.code = "FREE50".into();
        draft.lines[0].box_type = "1/4".into();
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        let mut back = prebook(link.day(6), vec![item(FREEDOM, 1, link.day(4))]);
        back.customer = "PETAL".into();
        back.carrier = Some("PRI".into());
        let prebook = link.act(|w, now| w.komet.rep_creates_prebook(&back, now)).unwrap();
        link.sync_well().await;
        link.act(|w, _| {
            let made = prebooks_of(w, &id)[0];
            assert_eq!((made.customer, made.carrier), (5002, Some(302)));
            assert_eq!((made.items[0].goods.product, made.items[0].goods.box_type.as_str()), (Some(9001), "QB"));
            let order = orders_for(w, prebook).pop().unwrap();
            assert_eq!(order.draft.customer.code, "C-0815");
            assert_eq!(order.draft.carrier.unwrap().code, "T-1");
            assert_eq!(order.draft.lines[0].product.code, "FREE50");
        });
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_unknown_customer_is_held_tried_each_run_and_passes_once_it_is_known() {
    both(async |link: Link| {
        let mut stranger = order(link.day(3), vec![line(FREEDOM, 2)]);
        stranger.customer = Named { code: "NEWCO".into(), name: "New Company".into() };
        let waits = link.act(|w, now| w.axerrio.customer_orders(stranger, now));
        let draft = order(link.day(3), vec![line(MONDIAL, 1)]);
        let goes = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        for _ in 0..2 {
            let before = link.komet_requests("prebook.create");
            link.sync().await;
            assert!(link.komet_requests("prebook.create") > before, "tried again");
            assert_eq!(link.held().await.iter().map(|h| h.0).collect::<Vec<_>>(), [HoldReason::RejectedByKomet]);
        }
        assert_eq!(link.act(|w, _| items_of(w, &goes)).len(), 1);
        // Somebody tells Komet.
        link.act(|w, _| w.komet.rules.refuse_unknown_customer = false);
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| items_of(w, &waits)).len(), 1);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn one_line_that_komet_refuses_does_not_hold_up_the_others_of_its_order() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 2), line(MONDIAL, 1), line(FREEDOM, 3)]);
        let id = link.act(|w, now| {
            let id = w.axerrio.customer_orders(draft, now);
            w.axerrio.customer_changes_line(&id, "2", |l| l.box_type = "ZZ".into(), now).unwrap();
            id
        });
        link.sync().await;
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::RejectedByKomet, Some("2".into()))]);
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert_eq!(items.iter().map(|i| i.goods.boxes).collect::<Vec<_>>(), [2, 3]);
            assert!(items.iter().all(|i| bought(w, i.id).len() == 1));
        });
        invariants(&link).await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "2", |l| l.box_type = "HB".into(), now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 3);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_company_that_makes_new_customers_itself_takes_the_order() {
    let rules =
        KometRules { refuse_unknown_customer: false, refuse_unknown_carrier: false, ..KometRules::default() };
    both_with(Setup { rules, ..Setup::default() }, async |link: Link| {
        let mut draft = order(link.day(3), vec![line(FREEDOM, 2)]);
        draft.customer = Named { code: "NEWCO".into(), name: "New Company".into() };
        draft.carrier = Some(Named { code: "NEWT".into(), name: "New Trucker".into() });
        link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// The vendor's box types have names of their own, which a map reads both ways.
#[tokio::test]
async fn a_box_type_goes_to_the_vendor_by_his_own_name() {
    both(async |link: Link| {
        link.map(MapKind::BoxType, "QUARTER", 3).await;
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        let line = link.act(|w, _| orders_for(w, id)[0].draft.lines[0].clone());
        assert_eq!(line.box_type, "QUARTER");
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
    })
    .await;
}

/// What came of a request is what was asked for, whatever the map says by now.
#[tokio::test]
async fn a_map_that_is_corrected_while_a_create_is_in_doubt_makes_nothing_twice() {
    let rules = KometRules { create_tells_items: false, ..KometRules::default() };
    both_with(Setup { rules, ..Setup::default() }, async |link: Link| {
        let right = i64::try_from(UNKNOWN_IS).unwrap();
        link.map(MapKind::Product, UNKNOWN_CODE, 9001).await;
        link.sync_well().await;
        let draft = order(link.day(3), vec![line(UNKNOWN, 3), line(FREEDOM, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.inject(System::Komet, "prebook.create", Fault::AnswerLost);
        link.act(|w, _| {
            let lists = Target::next(System::Komet, "prebook.details.list").times(20);
            w.inject(lists, Fault::Http { status: 500, body: String::new(), headers: Vec::new() });
        });
        link.sync().await;
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 2, "the request was carried out");
        link.act(|w, _| w.clear_faults());
        link.map(MapKind::Product, UNKNOWN_CODE, right).await;
        link.let_pass(TimeDelta::minutes(30));
        link.sync().await;
        link.sync_well().await;
        let items = link.act(|w, _| items_of(w, &id));
        let products: Vec<_> = items.iter().map(|item| item.goods.product).collect();
        assert!(items.len() == 2 && products.contains(&Some(UNKNOWN_IS)), "{products:?}");
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// An order that went out by these entries of the map, which are taken away then.
async fn unmapped(link: &Link, entries: &[(MapKind, &str, i64)]) -> String {
    for (kind, code, id) in entries {
        link.map(*kind, code, *id).await;
    }
    let mut draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    for (kind, code, _) in entries {
        let named = Named { code: (*code).to_owned(), name: "as Axerrio has it".into() };
        match kind {
            MapKind::Customer => draft.customer = named,
            MapKind::Carrier => draft.carrier = Some(named),
            MapKind::BoxType => draft.lines[0].box_type = named.code,
            MapKind::Product => draft.lines[0].product.code = named.code,
        }
    }
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    for (kind, code, _) in entries {
        let (kind, code) = (*kind, (*code).to_owned());
        assert!(link.engine.store.write(move |conn| maps::remove(conn, kind, &code)).await.unwrap());
    }
    id
}

/// Komet knows these codes itself, as something else.
#[tokio::test]
async fn a_wrong_entry_that_is_taken_away_has_its_orders_made_anew() {
    both(async |link: Link| {
        let id = unmapped(&link, &[(MapKind::Carrier, "ARM", 302), (MapKind::BoxType, "HB", 1)]).await;
        let made = |link: &Link| {
            link.act(|w, _| {
                let prebooks = prebooks_of(w, &id);
                let prebook =
                    prebooks.iter().find(|prebook| prebook.items.iter().any(|item| item.goods.boxes > 0));
                let items = items_of(w, &id);
                let boxes: Vec<String> = items.iter().map(|item| item.goods.box_type.clone()).collect();
                let bought: Vec<usize> = items.iter().map(|item| bought(w, item.id).len()).collect();
                (prebook.unwrap().carrier, boxes, bought)
            })
        };
        assert_eq!(made(&link), (Some(302), vec!["FB".to_owned(), "QB".to_owned()], vec![1, 1]));
        link.sync_well().await;
        link.sync_well().await;
        let (carrier, mut boxes, bought) = made(&link);
        boxes.sort();
        assert_eq!((carrier, boxes, bought), (Some(301), vec!["HB".to_owned(), "QB".to_owned()], vec![1, 1]));
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// Komet would refuse what it does not know: what stands there by the entry stays.
#[tokio::test]
async fn an_entry_that_is_taken_away_leaves_what_komet_knows_by_nothing_else() {
    let entries =
        [(MapKind::Carrier, "T-1", 302), (MapKind::BoxType, "1/4", 3), (MapKind::Product, "FREE50", 9001)];
    let link = Link::plain().await;
    unmapped(&link, &entries).await;
    let writes = link.writes();
    link.sync_well().await;
    link.sync_well().await;
    assert_eq!(link.writes(), writes);
    assert_eq!(link.holds().await, []);
}

/// Nobody can tell whether Komet knows a customer by a code before it is asked.
#[tokio::test]
async fn a_customers_entry_that_is_taken_away_is_asked_about() {
    for (verdict, customer) in
        [(Verdict::TakeAxerrio, 5001), (Verdict::TakeKomet, 5002), (Verdict::Dismissed, 5002)]
    {
        let settings = Settings { on_conflict: OnConflict::Owner, ..Settings::default() };
        both_with(Setup { settings, ..Setup::default() }, async |link: Link| {
            let id = unmapped(&link, &[(MapKind::Customer, "BLOOM", 5002)]).await;
            let writes = link.writes();
            link.sync_well().await;
            assert_eq!(link.writes(), writes);
            assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
            let asked = link.holds().await.remove(0).detail;
            assert!(asked.contains("stemsync map customer set BLOOM KOMET-ID"), "{asked}");
            link.decide(verdict).await;
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.holds().await, [], "{verdict:?}");
            let customers: Vec<u64> = link.act(|w, _| {
                let prebooks = prebooks_of(w, &id).into_iter();
                let alive = prebooks.filter(|prebook| prebook.items.iter().any(|item| item.goods.boxes > 0));
                alive.map(|prebook| prebook.customer).collect()
            });
            assert_eq!(customers, [customer], "{verdict:?}");
            invariants(&link).await;
            // Mapped as it should be it is made anew, whatever was said of it before.
            link.map(MapKind::Customer, "BLOOM", 5001).await;
            link.sync_well().await;
            link.sync_well().await;
            let right = link.act(|w, _| {
                let prebooks = prebooks_of(w, &id);
                let alive =
                    prebooks.iter().filter(|prebook| prebook.items.iter().any(|item| item.goods.boxes > 0));
                alive.map(|prebook| prebook.customer).all(|customer| customer == 5001)
            });
            assert!(right, "{verdict:?}");
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_entry_that_said_what_komet_says_itself_is_taken_away_without_a_question() {
    let same = [(MapKind::Customer, "BLOOM", 5001), (MapKind::Carrier, "ARM", 301), (MapKind::BoxType, "HB", 2)];
    let link = Link::plain().await;
    unmapped(&link, &same).await;
    let writes = link.writes();
    link.sync_well().await;
    assert_eq!(link.writes(), writes);
    assert_eq!(link.holds().await, []);
}
