//! The page that lies open follows what happens, and leaves alone what somebody is at.

use serde_json::json;

use crate::browser::Browser;
use crate::shop::{ALL_THE_TIME, BY_HAND, PASSWORD, Shop};
use crate::story;

/// Leaves a mark on the page that a reload would wipe off.
async fn mark(browser: &Browser) {
    browser.script("window.marked = 'here'").await;
}

async fn assert_not_reloaded(browser: &Browser) {
    assert_eq!(browser.script("return window.marked").await, json!("here"), "the page was loaded again");
}

#[test]
fn an_orders_stage_changes_on_the_open_page_by_itself() {
    story(async {
        let shop = Shop::with_a_week(ALL_THE_TIME).await;
        let browser = Browser::start(&shop.base).await;
        // It is not on file yet, or just now; then it is.
        browser.open("/orders?q=AX-100001").await;
        browser.go("tbody th a").await;
        mark(&browser).await;
        browser.reads("PO pending").await;
        let told = browser.count(".timeline li").await;

        shop.sandbox
            .act(|world, now| {
                shop.people.vendor_accepts(world, now)?;
                shop.people.buyer_approves(world, now)
            })
            .unwrap();
        browser.until("it is approved", async |it| it.read("h1 .badge").await == "PO approved").await;
        shop.people_act();
        browser.until("it is labelled", async |it| it.read("h1 .badge").await == "Labelled").await;
        browser.reads("in Komet").await;
        browser.until("its story goes on", async |it| it.count(".timeline li").await > told).await;
        assert_not_reloaded(&browser).await;
        assert_eq!(browser.complaints().await, [""; 0]);
    });
}

#[test]
fn what_is_typed_and_what_is_open_survives_what_happens_meanwhile() {
    story(async {
        let shop = Shop::with_a_week(ALL_THE_TIME).await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.open("/orders").await;
        mark(&browser).await;
        browser.write("#q", "rose fr").await;
        browser.reads("AX-100001").await;
        let before = browser.read("tbody").await;
        shop.people_act();
        browser.until("the table follows", async |it| it.read("tbody").await != before).await;
        assert_eq!(
            browser.script("return document.activeElement.id + ':' + document.activeElement.value").await,
            json!("q:rose fr")
        );
        assert_not_reloaded(&browser).await;

        // A hold is opened and read when another one comes in above or below it.
        browser.open("/holds").await;
        mark(&browser).await;
        browser.click("details:not([open]) summary").await;
        let opened = browser.script("return document.querySelector('details[open]').id").await;
        assert_eq!(browser.script("return document.activeElement.tagName").await, json!("SUMMARY"));
        let holds = browser.count(".hold").await;
        // Of an order of which the buyer has approved nothing yet.
        let order = shop.customer_orders();
        browser.until("it is in Komet", async |_| !shop.boxes_in_komet(&order).is_empty()).await;
        shop.rep_edits(&order);
        browser.until("another hold comes in", async |it| it.count(".hold").await > holds).await;
        let id = opened.as_str().unwrap();
        let is_open = format!(
            "return document.getElementById('{id}').open && document.activeElement.parentElement.id === '{id}'"
        );
        assert_eq!(browser.script(&is_open).await, json!(true), "it stays open, and the focus stays in it");
        assert_not_reloaded(&browser).await;
    });
}

#[test]
fn a_page_that_lies_open_while_the_daemon_is_restarted_shows_what_changed_meanwhile() {
    story(async {
        // Nothing runs by itself: a daemon that was started anew has no news of its own to tell.
        let mut shop = Shop::with_a_week(BY_HAND).await;
        shop.sync().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.open("/orders?q=AX-100001").await;
        browser.go("tbody th a").await;
        browser.reads("PO pending").await;
        mark(&browser).await;

        shop.stop();
        browser.reads("Not connected to stemsync: this is how it was at").await;
        shop.people_act();
        shop.sync().await;
        shop.people_act();
        shop.sync().await;
        browser.reads("PO pending").await;
        shop.start_again().await;
        browser.until("its stage is shown", async |it| it.read("h1 .badge").await == "Labelled").await;
        browser.reads_no_more("Not connected").await;
        // The session ended with the daemon.
        assert_eq!(browser.read(".account").await, "Log in");

        // It follows as before.
        shop.people_act();
        shop.sync().await;
        browser.until("it is received", async |it| it.read("h1 .badge").await == "Received").await;
        assert_not_reloaded(&browser).await;
    });
}
