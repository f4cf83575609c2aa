//! The table of orders.

use stemsync::domain::{Flow, HoldReason};
use stemsync::store::orders;

use crate::site::Site;
use crate::trade::*;

/// Two orders of flow 1 and one of flow 2; the first is held.
pub(crate) async fn traded() -> (Site, String) {
    let site = Site::start().await;
    let link = &site.link;
    let (first, _) = link.act(|w, now| {
        let mut other = order(link.day(5), vec![line(NOBBIO, 3)]);
        other.customer.name = "Tulips <script>alert(1)</script>".into();
        other.customer.code.clone_from(&w.komet.catalogue().customers[1].code);
        let first = order(link.day(3), vec![line(FREEDOM, 4), line(UNKNOWN, 2)]);
        (w.axerrio.customer_orders(first, now), w.axerrio.customer_orders(other, now))
    });
    let draft = prebook(link.day(6), vec![item(MONDIAL, 6, link.day(4))]);
    link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync().await;
    (site, first)
}

#[tokio::test]
async fn an_order_is_found_by_each_of_its_names() {
    let (site, first) = traded().await;
    assert!(site.link.held().await.iter().any(|(reason, _)| *reason == HoldReason::UnmappedProduct));
    let stands = site.link.order(&first).await;
    let prebook = stands.komet.prebooks[0].number.0.clone();
    let po = stands.komet.purchase_orders[0].number.0.clone();
    let admin = site.admin().await;
    for text in [first.as_str(), &prebook, &po, "freedom", "hydrangea select", "bough", "BLOOM bloom"] {
        let answer = admin.get(&format!("/orders?q={}", crate::client::encoded(text))).await;
        answer.says(&first);
        assert_eq!(answer.status, 200);
    }
    admin.get("/orders?q=nobbio").await.keeps_quiet_of(&first);
    admin.get("/orders?q=nowhere").await.says("Nothing fits.");
}

#[tokio::test]
async fn who_is_not_logged_in_sees_no_customer_and_finds_none() {
    let (site, first) = traded().await;
    let anybody = site.anybody();
    let all = anybody.get("/orders").await;
    all.says(&first)
        .says("Rose Freedom 50 cm")
        .keeps_quiet_of("Bloom")
        .keeps_quiet_of("Tulips")
        .keeps_quiet_of("Customer");
    anybody.get("/orders?q=bough").await.says("Nothing fits.").says("Customers are found by whoever is logged in");
    site.admin().await.get("/orders").await.says("Bloom & Bough Wholesale").says("Customer");
}

#[tokio::test]
async fn filters_and_sorts_are_links_that_say_what_they_are() {
    let (site, first) = traded().await;
    let anybody = site.anybody();
    let held = anybody.get("/orders?held=1").await;
    held.says(&first).says("1 hold").says("1 order");
    anybody.get("/orders?flow=2").await.says("1 order").says("Rose Mondial").keeps_quiet_of(&first);
    anybody.get("/orders?stage=cancelled").await.says("Nothing fits.");
    anybody.get(&format!("/orders?ship={}", site.link.day(3))).await.says("1 order").says(&first);
    let sorted = anybody.get("/orders?sort=-order").await.body;
    assert!(sorted.contains("aria-sort=\"descending\"") && sorted.matches("aria-sort").count() == 1, "{sorted}");
    let by_order = anybody.get("/orders?sort=order").await.body;
    assert!(by_order.contains("href=\"/orders?sort=-order\""), "once more turns it round");
    let place = |text: &str, what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    let second = "AX-100002";
    assert!(place(&by_order, &first) < place(&by_order, second));
    assert!(place(&sorted, second) < place(&sorted, &first));
}

#[tokio::test]
async fn what_makes_no_sense_shows_the_table_all_the_same() {
    let (site, first) = traded().await;
    for asked in [
        "page=-1",
        "page=0",
        "page=x",
        "sort=bogus",
        "stage=foo",
        "flow=9",
        "ship=yesterday",
        "held=2",
        "q=%",
        "q=%FF",
        "q=%00",
        "&&&=",
        "q=a&q=",
    ] {
        let answer = site.anybody().get(&format!("/orders?{asked}")).await;
        assert_eq!(answer.status, 200, "{asked}");
        assert!(answer.body.contains(&first) || answer.body.contains("Nothing fits"), "{asked}");
    }
    site.anybody().get("/orders?page=99999999").await.says("There is no page 99,999,999");
}

#[tokio::test]
async fn an_empty_database_says_what_will_fill_it() {
    let site = Site::start().await;
    site.anybody().get("/orders").await.says("No order is on file yet.");
    site.anybody().get("/orders?q=AX").await.says("No order is on file yet.");
}

#[tokio::test]
async fn many_orders_come_in_pages() {
    let site = Site::start().await;
    let day = site.link.day(4);
    let put = move |conn: &stemsync::store::Connection| {
        for n in 0..120 {
            let ax_id = Some(stemsync::domain::AxOrderId(format!("AX-{n:04}")));
            let new = orders::NewOrder {
                flow: Flow::FromAxerrio,
                ax_id,
                reference: None,
                prebook: None,
                ship_date: day,
            };
            orders::insert(conn, &new)?;
        }
        Ok(())
    };
    site.link.engine.store.write(put).await.unwrap();
    let anybody = site.anybody();
    let first = anybody.get("/orders?sort=order").await;
    first.says("120 orders, 1 to 50 shown").says("Page 1 of 3").says("AX-0049").keeps_quiet_of("AX-0050");
    assert!(first.body.contains("rel=\"next\" href=\"/orders?sort=order&amp;page=2\""), "{}", first.body);
    anybody.get("/orders?sort=order&page=3").await.says("101 to 120 shown").says("AX-0119");
    assert!(first.body.len() < 40_000, "{} bytes", first.body.len());
}
