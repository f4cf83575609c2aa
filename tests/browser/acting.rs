//! Logging in and out, and what whoever is logged in does.

use std::time::Duration;

use serde_json::json;
use stemsync::sandbox::{Effect, Fault, Target};
use stemsync::systems::System;

use crate::browser::Browser;
use crate::shop::{ALL_THE_TIME, BY_HAND, PASSWORD, Shop};
use crate::story;

#[test]
fn a_product_is_mapped_from_its_hold_and_the_hold_goes_away() {
    story(async {
        let shop = Shop::with_a_week(ALL_THE_TIME).await;
        shop.rep_orders_what_komet_knows();
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.open("/holds").await;
        browser.reads("Product not mapped").await;
        // What the rep ordered has to be seen before it can be suggested.
        browser.open("/orders").await;
        browser
            .until("the rep's order", async |it| it.text().await.contains("Garden Rose Cream Wedding Spirit"))
            .await;
        browser.open("/holds").await;
        browser.go("a.button[href*='GRDWED']").await;
        browser.reads("What GRDWED may be in Komet").await;
        browser.reads("Garden Rose Cream Wedding Spirit").await;
        browser.go("button[aria-label='Map to this: GRDWED is 44750']").await;
        browser.reads("Mapped. The next run goes on").await;
        browser.reads("Nothing waits for a person.").await;
        browser.open("/maps/product").await;
        assert_eq!(browser.find("td input.id").await.value().await.unwrap().as_deref(), Some("44750"));
        browser.open("/").await;
        browser.reads("Nothing waits for a person.").await;
        assert_eq!(browser.complaints().await, [""; 0]);
    });
}

#[test]
fn sync_now_shows_how_far_it_is_and_what_came_of_it() {
    story(async {
        let shop = Shop::with_a_week(BY_HAND).await;
        // One request takes its time, so that there is something to watch.
        shop.sandbox.act(|world, _| {
            let hang = Fault::Hang { open_for: Duration::from_secs(5), effect: Effect::Done };
            world.inject(Target::next(System::Komet, "prebook.create"), hang);
        });
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        browser.reads("Nothing runs now.").await;
        browser.go(".run button[type=submit]").await;
        browser.script("window.marked = 'here'").await;
        let progress = "const bar = document.querySelector('.run progress'); return [bar?.max > 0, bar?.position < 1, \
                        document.querySelector('[data-live=run]').getAttribute('aria-busy'), \
                        /Running: .*, [0-9]+ of [0-9]+ orders/.test(document.querySelector('.run').textContent)]";
        let is_under_way = json!([true, true, "true", true]);
        browser.until("it is under way", async |it| it.script(progress).await == is_under_way).await;
        browser.reads("The run asked for here ended").await;
        browser.reads_no_more("Running:").await;
        assert_eq!(browser.count(".run progress").await, 0);
        assert_eq!(browser.script("return window.marked").await, json!("here"), "it came by itself");
        browser.go(".run a[href^='/runs/']").await;
        browser.reads("What happened").await;
        let detail = browser.text().await;
        assert!(
            detail.contains("page") && detail.contains("into Prebook") && detail.contains("AX-100001"),
            "{detail}"
        );

        // One job alone.
        browser.open("/runs").await;
        browser.script("document.querySelector('#job').value = 'labels'").await;
        browser.go(".run button[type=submit]").await;
        browser
            .until("the labels' run is on top", async |it| it.read("tbody tr td:nth-child(2)").await == "labels")
            .await;
    });
}

#[test]
fn a_wrong_password_is_refused_and_the_fifth_is_slowed_down() {
    story(async {
        let shop = Shop::with_a_week(BY_HAND).await;
        let browser = Browser::start(&shop.base).await;
        for _ in 0..4 {
            browser.log_in("daisies").await;
            browser.reads("That is not the password.").await;
            let told = "const field = document.querySelector('#password'); return [document.activeElement === field, field.value, \
                        document.getElementById(field.getAttribute('aria-describedby')).textContent]";
            assert_eq!(browser.script(told).await, json!([true, "", "That is not the password."]));
        }
        browser.log_in("daisies").await;
        browser.reads("Too many wrong passwords. Try again in 30 s.").await;
        // Not even the right one is looked at meanwhile.
        browser.log_in(PASSWORD).await;
        browser.reads("Too many wrong passwords.").await;
        browser.open("/").await;
        browser.reads("Jobs").await;
        assert_eq!(browser.count("main button").await, 0);
    });
}

#[test]
fn whoever_is_logged_in_acts_and_sees_customers_and_after_the_logout_neither() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        for path in ["/", "/orders", "/holds", "/maps/product", "/runs"] {
            browser.open(path).await;
            assert_eq!(browser.count("main form[method=post]").await, 0, "{path}");
        }
        let of_larkspur = shop.order_of_po("LF-20117");
        browser.open(&format!("/orders?q={of_larkspur}")).await;
        browser.reads(&of_larkspur).await;
        browser.go("tbody th a").await;
        let order = browser.path().await;
        assert!(!browser.text().await.contains("Larkspur"), "{}", browser.text().await);

        // The login leads back to where one was.
        browser.open("/holds").await;
        browser.go(".account a").await;
        browser.write("#password", PASSWORD).await;
        browser.go("main button[type=submit]").await;
        assert_eq!(browser.path().await, "/holds");
        assert!(browser.count("main form[method=post] button").await >= 3);
        browser.open(&order).await;
        browser.reads("Larkspur & Finch Floral Design").await;

        browser.go(".account button").await;
        assert_eq!(browser.count("main form[method=post]").await, 0);
        // Nor does the way back lead to what was seen.
        browser.driver.back().await.unwrap();
        browser.until("the order is there", async |it| it.path().await == order).await;
        browser.reads(&of_larkspur).await;
        assert!(!browser.text().await.contains("Larkspur"), "{}", browser.text().await);
    });
}
