//! Without JavaScript the page reads and acts the same; it only does not follow by itself.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::Browser;
use crate::shop::{BY_HAND, PASSWORD, Shop};
use crate::story;

#[test]
fn without_javascript_one_reads_searches_logs_in_decides_and_syncs() {
    story(async {
        let shop = Shop::with_an_edited_order(BY_HAND).await;
        let browser = Browser::start(&shop.base).await;
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        browser.open("/").await;
        browser.reads("Needs a look").await;

        browser.go("nav a[href='/orders']").await;
        browser.write("#q", "AX-100002").await;
        browser.go("main form button[type=submit]").await;
        assert_eq!(browser.count("tbody tr").await, 1);
        browser.go("tbody th a").await;
        browser.reads("Both sides").await;

        browser.go(".account a").await;
        browser.write("#password", PASSWORD).await;
        browser.press(Key::Enter).await;
        browser.reads("Orders").await;
        browser.open("/holds").await;
        browser.reads("Edited in Komet").await;
        browser.go("button[name=take][value=axerrio]").await;
        browser.reads("Released: what Axerrio says counts").await;
        browser.reads_no_more("Edited in Komet").await;

        browser.open("/").await;
        browser.go(".run button[type=submit]").await;
        // It is loaded anew until the run is over, as a person would.
        browser
            .until("the run is over", async |it| {
                it.driver.refresh().await.unwrap();
                it.text().await.contains("The run asked for here ended")
            })
            .await;
        assert!(shop.boxes_in_komet("AX-100001").contains(&6), "Komet has Axerrio's count again");
        browser.go(".account button").await;
        browser.reads("Overview").await;
        assert_eq!(browser.count("main form[method=post]").await, 0);
    });
}
