//! One order: both sides, boxes, holds and story.

use stemsync::domain::Zone;
use stemsync::reports::story::{self, Story};
use stemsync::sandbox::Fault;
use stemsync::sandbox::komet::ItemChange;
use stemsync::store::Connection;
use stemsync::systems::System;

use crate::link::Link;
use crate::orders::traded;
use crate::site::{Person, Site};
use crate::trade::*;

async fn key_of(site: &Site, order: &str) -> i64 {
    site.link.order(order).await.key.0
}

async fn seen(person: &Person, site: &Site, order: &str) -> crate::client::Answer {
    let answer = person.get(&format!("/orders/{}", key_of(site, order).await)).await;
    assert_eq!(answer.status, 200);
    answer
}

/// What a shell tells of the order.
async fn story_of(link: &Link, order: String) -> Story {
    let find = move |conn: &Connection| story::find(conn, &order, Zone::UTC);
    link.engine.store.read(find).await.unwrap().remove(0)
}

#[tokio::test]
async fn both_sides_stand_next_to_each_other_and_say_where_they_differ() {
    let (site, order) = traded().await;
    let admin = site.admin().await;
    let as_agreed = seen(&admin, &site, &order).await;
    as_agreed.says("Ordered in Axerrio").says("PO pending").says("Both sides say the same");
    as_agreed.says("Bloom & Bough Wholesale").says("PO-77").says("product unknown to Komet");
    let item = site.link.act(|w, _| items_of(w, &order)[0].id);
    site.link
        .act(|w, now| w.komet.rep_changes_item(item, &ItemChange { boxes: Some(9), ..ItemChange::default() }, now))
        .unwrap();
    site.link.sync().await;
    let edited = seen(&admin, &site, &order).await;
    edited
        .says("The sides differ")
        .says("✕ boxes Axerrio 4, Komet 9")
        .says("Waits for a person")
        .says("Edited in Komet");
    assert!(edited.body.contains("<mark>9</mark>") && edited.body.contains("<mark>4</mark>"), "{}", edited.body);
    edited.says("Axerrio's counts: it is written to Komet again.");
}

#[tokio::test]
async fn its_boxes_and_its_story_are_those_of_trace() {
    let site = Site::start().await;
    let link = &site.link;
    let draft = order(link.day(3), vec![line(FREEDOM, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| print_all(w, &id, now));
    link.sync_well().await;
    let codes: Vec<_> =
        link.act(|w, _| current_labels(w, &id).iter().map(|label| label.box_code.clone()).collect());
    let page = seen(&site.anybody(), &site, &id).await;
    page.says("Labelled").says("2 boxes, 0 received").says(&codes[0]).says(AWB).says(LOT).says("in Komet");
    page.says("into Prebook").says("onto PO").says("labels");
    let story = story_of(link, id).await;
    for event in &story.events {
        page.says(&event.detail);
    }
}

#[tokio::test]
async fn who_is_not_logged_in_sees_neither_customer_nor_price() {
    let (site, order) = traded().await;
    let page = seen(&site.anybody(), &site, &order).await;
    page.says(&order).says("Rose Freedom 50 cm").says("4 QB");
    for private in ["Bloom", "BLOOM", "PO-77", "0.32", "Spring week", "csrf", "<form"] {
        page.keeps_quiet_of(private);
    }
    seen(&site.admin().await, &site, &order).await.says("0.32 a stem").says("Spring week").says("BLOOM 1");
}

/// What Komet says of the customer, whom it names.
const REFUSAL: &str = "Customer Larkspur & Vine is over its credit limit";

#[tokio::test]
async fn who_is_not_logged_in_reads_nowhere_what_a_system_said() {
    let site = Site::start().await;
    let link = &site.link;
    let body = format!(r#"{{"status":0,"message":"{REFUSAL}"}}"#);
    link.inject(System::Komet, "prebook.create", Fault::Http { status: 200, body, headers: Vec::new() });
    let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync().await;
    assert_eq!(link.held().await.len(), 1);
    let (order, hold) = (format!("/orders/{}", key_of(&site, &id).await), link.holds().await[0].id);
    let views =
        ["/", "/orders", &order, "/holds", &format!("/holds/{hold}"), "/runs", "/runs/latest", "/maps/product"]
            .map(str::to_owned);
    let (anybody, admin) = (site.anybody(), site.admin().await);
    for view in &views {
        anybody.get(view).await.keeps_quiet_of("Larkspur").keeps_quiet_of("credit");
    }
    for view in ["/metrics", "/readyz", "/healthz"] {
        anybody.get(view).await.keeps_quiet_of("Larkspur");
    }
    anybody.get(&order).await.says("into Prebook: failed").says("held: Refused by Komet");
    admin.get(&order).await.says(&format!("held: Refused by Komet. Komet refused prebook.create: {REFUSAL}"));
    // When it is over, that is told, and not what it was.
    link.sync().await;
    assert_eq!(link.held().await, []);
    anybody.get(&order).await.says("hold cleared: Refused by Komet").keeps_quiet_of("Larkspur");
}

#[tokio::test]
async fn a_mark_on_a_box_is_for_who_is_logged_in_also_where_it_is_in_question() {
    let (site, order) = traded().await;
    let item = site.link.act(|w, _| items_of(w, &order)[0].id);
    let marked = ItemChange { mark_code: Some("LARKSPUR 7".into()), ..ItemChange::default() };
    site.link.act(|w, now| w.komet.rep_changes_item(item, &marked, now)).unwrap();
    site.link.sync().await;
    let holds = site.link.holds().await;
    assert!(holds.iter().any(|hold| hold.detail.contains("LARKSPUR 7")), "{holds:?}");
    for view in ["/", "/holds", &format!("/orders/{}", key_of(&site, &order).await)] {
        site.anybody().get(view).await.says("Edited in Komet").keeps_quiet_of("LARKSPUR");
        site.admin().await.get(view).await.says("LARKSPUR 7");
    }
}

#[tokio::test]
async fn an_order_that_is_not_there_is_a_plain_answer() {
    let (site, _) = traded().await;
    for key in ["99999999", "-1", "0", "x", "99999999999999999999999", "1%2F..", "%00"] {
        let answer = site.anybody().get(&format!("/orders/{key}")).await;
        assert_eq!(answer.status, 404, "{key}");
        answer.says("There is no such order");
    }
}

#[tokio::test]
async fn nothing_that_people_write_becomes_markup() {
    const EVIL: &str = "<script>alert(1)</script>\"'&";
    let site = Site::start().await;
    let link = &site.link;
    let id = link.act(|w, now| {
        let mut evil = line(FREEDOM, 2);
        evil.product.description = format!("Rose {EVIL}");
        evil.product.code = EVIL.into();
        evil.notes = Some(EVIL.into());
        evil.mark_code = Some("<b>mark".into());
        let mut draft = order(link.day(3), vec![evil]);
        draft.customer.name = EVIL.into();
        draft.comments = Some(EVIL.into());
        draft.customer_po = Some("<i>po".into());
        w.axerrio.customer_orders(draft, now)
    });
    link.sync().await;
    let admin = site.admin().await;
    let key = key_of(&site, &id).await;
    let hold = link.holds().await.first().map_or(0, |hold| hold.id);
    let asked = crate::client::encoded(EVIL);
    for path in [
        "/orders".to_owned(),
        format!("/orders?q={asked}"),
        format!("/orders/{key}"),
        "/holds".to_owned(),
        format!("/holds/{hold}"),
        format!("/holds/{hold}?code={asked}"),
        "/maps/product".to_owned(),
        format!("/maps/product?code={asked}&q={asked}&done={asked}"),
        format!("/orders?stage={asked}&sort={asked}"),
        format!("/holds?done={asked}"),
    ] {
        let answer = admin.get(&path).await;
        for markup in ["<script>alert", "<b>mark", "<i>po", "\"'&<", "</script>\""] {
            answer.keeps_quiet_of(markup);
        }
        assert!(answer.body.contains("&lt;script&gt;alert(1)") || !answer.body.contains("alert(1)"), "{path}");
    }
    admin.get(&format!("/orders/{key}")).await.says(EVIL);
    assert!(admin.post("/maps/product", &[("code", EVIL), ("komet_id", "9001")]).await.status == 303);
    let maps = admin.get("/maps/product").await;
    maps.says(EVIL).keeps_quiet_of("<script>alert");
}

#[tokio::test]
async fn a_dismissed_question_is_told_in_plain_words_and_as_what_it_is() {
    let site = Site::start().await;
    let link = &site.link;
    let draft = order(link.day(3), vec![line(UNKNOWN, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync().await;
    link.act(approve_all);
    link.sync().await;
    link.act(|w, now| print_all(w, &id, now));
    link.sync().await;
    let hold = link.holds().await.remove(0).id;
    let admin = site.admin().await;
    admin.post(&format!("/holds/{hold}"), &[("dismiss", "1")]).await;
    link.sync_well().await;
    let page = seen(&admin, &site, &id).await;
    page.says(&format!(
        "hold dismissed: Product not mapped, line 1 (hold {hold}). Its labels go on waiting until it is mapped, and nobody is \
         asked again."
    ));
    page.says("Both sides say the same, but for labels that wait until their product is mapped.")
        .says("Waits until it is mapped: box code Axerrio")
        .keeps_quiet_of("unmapped_product")
        .keeps_quiet_of("Agreed to differ");
    // A shell tells the same.
    let story = story_of(link, id).await;
    let event = story.events.iter().find(|event| event.what == "hold dismissed").unwrap();
    page.says(&event.detail);
}
