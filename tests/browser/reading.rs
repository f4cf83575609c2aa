//! Whoever uses a keyboard or a screen reader, and what somebody outside wrote into a name.

use std::path::PathBuf;

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::browser::Browser;
use crate::looking::views;
use crate::shop::{BY_HAND, PASSWORD, Shop};
use crate::story;

/// axe-core, which finds what keeps people out. It is not part of stemsync.
fn axe() -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("tests/browser wants axe-core ({error}): npm install --prefix target/axe axe-core")
    })
}

/// What axe finds serious or critical, each with where it is.
async fn found(browser: &Browser, rules: &Value) -> Vec<String> {
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'], ...arguments[0] }).then((found) => done(found.violations
          .filter((one) => ['serious', 'critical'].includes(one.impact))
          .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`)),
          (error) => done([String(error)]));";
    let answer = browser.driver.execute_async(script, vec![rules.clone()]).await.unwrap();
    serde_json::from_value(answer.json().clone()).unwrap()
}

async fn assert_nothing_serious(is_logged_in: bool) {
    let shop = Shop::busy().await;
    let browser = Browser::start(&shop.base).await;
    if is_logged_in {
        browser.log_in(PASSWORD).await;
    }
    let mut views = views(&browser).await;
    if is_logged_in {
        // There it leads back to the overview.
        views.retain(|(name, _)| *name != "login");
    }
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe() })).await;
    let mut serious = Vec::new();
    for (name, path) in &views {
        browser.scheme("light").await;
        browser.open(path).await;
        browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })").await;
        // Everything in light, on a screen and on a phone; in dark only what colours decide.
        let colours = json!({ "runOnly": ["color-contrast", "link-in-text-block"] });
        for (scheme, width, rules) in
            [("light", 390, json!({})), ("light", 1440, json!({})), ("dark", 1440, colours)]
        {
            browser.scheme(scheme).await;
            browser.size(width, 900).await;
            let found = found(&browser, &rules).await;
            serious.extend(found.into_iter().map(|one| format!("{name}, {scheme}, {width} wide: {one}")));
        }
        if *name != "nowhere" {
            assert_eq!(browser.complaints().await, [""; 0], "{name}");
        }
    }
    assert!(serious.is_empty(), "{}", serious.join("\n\n"));
}

#[test]
fn axe_finds_nothing_serious_for_whoever_only_looks() {
    story(assert_nothing_serious(false));
}

#[test]
fn axe_finds_nothing_serious_for_whoever_is_logged_in() {
    story(assert_nothing_serious(true));
}

/// What has the focus: what it is, whether it can be seen to have it, and whether it is in the window.
const FOCUS: &str = "const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    return [(one.textContent.trim() || one.id).replace(/\\s+/g, ' '), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
      box.width > 1 && box.left >= 0 && box.top >= 0 && box.bottom <= innerHeight];";

#[test]
fn a_keyboard_is_enough() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.open("/holds").await;
        browser.press(Key::Tab).await;
        assert_eq!(browser.script(FOCUS).await, json!(["Skip to the content", true, true]));
        browser.press(Key::Enter).await;
        browser
            .until("it skips", async |it| it.script("return document.activeElement.id").await == json!("main"))
            .await;

        // From there with Tab alone, past everything, each thing visibly in turn, to each choice of the first hold that has some.
        let mut passed = Vec::new();
        while !passed.iter().any(|name| name == "Dismiss") {
            browser.press(Key::Tab).await;
            let (name, outlined, visible): (String, bool, bool) =
                serde_json::from_value(browser.script(FOCUS).await).unwrap();
            assert!(outlined && visible, "{name} has the focus and does not look so: {outlined} {visible}");
            passed.push(name);
            assert!(passed.len() < 40, "{passed:?}");
        }
        for action in ["Map this product", "Take Axerrio's", "Take Komet's"] {
            assert!(passed.iter().any(|name| name == action), "{action} in {passed:?}");
        }

        // Enter follows a link, Space opens and closes.
        browser.open("/holds").await;
        browser.find("details:not([open]) summary").await.focus().await.unwrap();
        browser.press(Key::Space).await;
        browser
            .until("it opens", async |it| {
                it.script("return document.activeElement.parentElement.open").await == json!(true)
            })
            .await;
        browser.find("nav a[href='/runs']").await.focus().await.unwrap();
        browser.press(Key::Enter).await;
        browser.until("the runs", async |it| it.path().await == "/runs").await;
    });
}

#[test]
fn a_product_that_is_named_like_a_script_runs_nothing_and_reads_as_it_is_written() {
    story(async {
        let shop = Shop::with_a_week(BY_HAND).await;
        let (order, name) = shop.order_of_hostile_names();
        shop.sync().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.open(&format!("/orders?q={order}")).await;
        browser.reads(name).await;
        let mut views = views(&browser).await;
        browser.open(&format!("/orders?q={order}")).await;
        views.push(("its order", browser.find("tbody th a").await.attr("href").await.unwrap().unwrap()));
        browser.open("/holds").await;
        browser.reads(name).await;
        for (view, path) in &views {
            browser.open(path).await;
            let ran = browser.script("return [typeof window.hacked, document.querySelectorAll('main img, main script, main [onerror]').length]");
            assert_eq!(ran.await, json!(["undefined", 0]), "{view}");
            let complaints = browser.complaints().await;
            assert!(*view == "nowhere" || complaints.is_empty(), "{view}: {complaints:?}");
        }
        // It comes over the live update just the same.
        browser.open("/orders?sort=-ship").await;
        browser.reads(name).await;
        browser.script("window.marked = 'here'").await;
        let (_, again) = shop.order_of_hostile_names();
        assert_eq!(again, name);
        shop.sync().await;
        browser
            .until("the second one comes by itself", async |it| it.text().await.matches(name).count() == 2)
            .await;
        assert_eq!(
            browser.script("return [window.marked, typeof window.hacked]").await,
            json!(["here", "undefined"])
        );
    });
}
