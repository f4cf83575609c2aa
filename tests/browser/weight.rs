//! What a page loads.

use crate::browser::Browser;
use crate::looking::views;
use crate::shop::{PASSWORD, Shop};
use crate::story;

/// Of a page with all it loads, in bytes over the wire.
const MOST: u64 = 60 * 1024;

const LOADED: &str =
    "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return all.map((one) => [new URL(one.name).pathname, one.transferSize]);";

#[test]
fn a_page_with_all_it_loads_weighs_less_than_60_kb() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        browser.devtools("Network.enable", serde_json::json!({})).await;
        browser.devtools("Network.setCacheDisabled", serde_json::json!({ "cacheDisabled": true })).await;
        for password in [None, Some(PASSWORD)] {
            if let Some(password) = password {
                browser.log_in(password).await;
            }
            for (name, path) in views(&browser).await {
                browser.open(&path).await;
                let loaded: Vec<(String, u64)> = serde_json::from_value(browser.script(LOADED).await).unwrap();
                let weight: u64 = loaded.iter().map(|(_, bytes)| bytes).sum();
                println!("{name}: {weight} bytes");
                assert!(
                    weight < MOST && loaded.len() >= 3 && loaded.iter().all(|(_, bytes)| *bytes > 0),
                    "{name}: {loaded:?}"
                );
            }
        }
    });
}
