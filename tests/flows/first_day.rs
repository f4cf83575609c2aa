//! The first run on a trade that people have retyped until today.

use std::collections::BTreeSet;

use stemsync::sandbox::axerrio::Line;
use stemsync::sandbox::komet::ItemDraft;

use crate::invariants::invariants;
use crate::link::{Link, both};
use crate::restored::stands_once;
use crate::trade::{FREEDOM, MONDIAL, approve_all, item, items_of, line, order, orders_for, prebook, prebooks_of};

/// An order in Axerrio, the Prebook that a rep retyped of it, with the order's mark, and what procurement bought by hand of that.
fn retyped(link: &Link, boxes: u32) -> (String, u64) {
    let draft = order(link.day(3), vec![line(FREEDOM, 2), line(MONDIAL, 3)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft.clone(), now));
    let as_ordered = |like: &Line, boxes| ItemDraft {
        cost: Some(like.unit_cost),
        mark_code: like.mark_code.clone().unwrap(),
        ..item(&like.product.description, boxes, link.day(3))
    };
    let items = vec![as_ordered(&draft.lines[0], boxes), as_ordered(&draft.lines[1], 3)];
    let mut typed = prebook(draft.truck_date.unwrap(), items);
    typed.customer_po = draft.customer_po.unwrap();
    typed.comments = format!("by phone [AX {id}]");
    let prebook = link.act(|w, now| w.komet.rep_creates_prebook(&typed, now).unwrap());
    link.act(|w, now| w.komet.buyer_buys_item(items_of(w, &id)[0].id, now).unwrap());
    (id, prebook)
}

#[tokio::test]
async fn what_was_retyped_and_bears_the_orders_mark_is_not_made_again() {
    both(async |link: Link| {
        let (id, prebook) = retyped(&link, 2);
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.komet_requests("prebook.create"), 0);
        assert_eq!(link.held().await, []);
        link.act(|w, _| {
            assert_eq!(prebooks_of(w, &id).iter().map(|p| p.id).collect::<Vec<_>>(), [prebook]);
            assert!(orders_for(w, prebook).is_empty(), "it is no order of Komet's");
        });
        stands_once(&link, &id, 2);
        link.act(approve_all);
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_retyped_wrongly_is_put_right_by_the_orders_mark() {
    both(async |link: Link| {
        let (id, _) = retyped(&link, 5);
        link.sync().await;
        link.sync().await;
        assert_eq!(link.held().await, []);
        let items = link.act(|w, _| items_of(w, &id));
        assert_eq!(items.iter().map(|item| item.goods.boxes).collect::<BTreeSet<_>>(), [2, 3].into());
        stands_once(&link, &id, 2);
        invariants(&link).await;
    })
    .await;
}
