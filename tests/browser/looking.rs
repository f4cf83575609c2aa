//! How it looks: narrow and wide, light and dark; and pictures of the main views, under `target/browser`.

use serde_json::json;

use crate::browser::Browser;
use crate::shop::{PASSWORD, Shop};
use crate::story;

/// The main views, each with its name, as whoever is at the browser finds them.
pub(crate) async fn views(browser: &Browser) -> Vec<(&'static str, String)> {
    let mut views = vec![("overview", "/".to_owned())];
    for (list, path, one, link) in [
        ("orders", "/orders", "order", "tbody th a"),
        ("holds", "/holds", "hold", ".hold a[href^='/holds/']"),
        ("runs", "/runs", "run", "tbody a[href^='/runs/']"),
    ] {
        browser.open(path).await;
        let address = browser.find(link).await.attr("href").await.unwrap().unwrap();
        views.extend([(list, path.to_owned()), (one, address)]);
    }
    views.push(("maps", "/maps/product?code=GRDWED".to_owned()));
    views.push(("login", "/login".to_owned()));
    views.push(("nowhere", "/nowhere".to_owned()));
    views
}

#[test]
fn nothing_is_wider_than_the_window_narrow_or_wide() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        for is_logged_in in [false, true] {
            if is_logged_in {
                browser.log_in(PASSWORD).await;
            }
            let views = views(&browser).await;
            for width in [320, 390, 768, 1440] {
                browser.size(width, 900).await;
                for (name, path) in &views {
                    browser.open(path).await;
                    let too_wide = browser.script(TOO_WIDE).await;
                    assert_eq!(too_wide, json!([]), "{name}, {width} wide, logged in: {is_logged_in}");
                }
            }
        }
    });
}

/// What sticks out of the window, but for what scrolls within its own box.
const TOO_WIDE: &str = "
    const width = document.documentElement.clientWidth;
    const scrolls = (one) => one.closest('.scroll, .hidden, .skip');
    const out = [...document.body.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > width + 1 && !scrolls(one));
    if (document.documentElement.scrollWidth > width) out.push(document.documentElement);
    return out.map((one) => one.outerHTML.slice(0, 120));";

#[test]
fn the_chart_is_seen_whole_on_a_phone_and_on_a_screen() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        for (width, drawn) in
            [(320, "lines"), (360, "lines"), (390, "lines"), (768, "lines"), (1100, "chart"), (1440, "chart")]
        {
            browser.size(width, 900).await;
            browser.open("/").await;
            assert_eq!(browser.script(DRAWN).await, json!([drawn]), "{width} wide");
        }
        browser.size(360, 800).await;
        // Each ship date says its number and leads to its orders.
        let orders = browser.read(".lines li b").await;
        browser.go(".lines li a").await;
        browser.reads(&format!("{orders} order")).await;
    });
}

/// Which of the two drawings is shown, none of whose parts is hidden or sticks out of its card.
const DRAWN: &str = "
    const card = document.querySelector('[data-live=pipeline]').getBoundingClientRect();
    const is_seen = (one) => { const box = one.getBoundingClientRect();
        return box.width > 0 && box.left >= card.left && box.right <= card.right; };
    const whole = (name) => [...document.querySelectorAll(`.${name}, .${name} li, .${name} svg, .${name} text, .${name} b`)].every(is_seen);
    return ['lines', 'chart'].filter((name) => whole(name));";

#[test]
fn the_search_for_orders_has_room_for_words_on_a_phone_and_a_tablet() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        for width in [320, 390, 768, 1280] {
            browser.size(width, 900).await;
            browser.open("/orders").await;
            let (room, over): (f64, Vec<String>) = serde_json::from_value(browser.script(SEARCH).await).unwrap();
            assert!(room >= 220.0, "{width} wide: {room} for the words");
            assert_eq!(over, [""; 0], "{width} wide");
        }
    });
}

/// How wide the box for words is, and what in its form lies on something else.
const SEARCH: &str = "
    const form = document.querySelector('search form');
    const parts = [...form.querySelectorAll('label, input, select, button')].map((one) => [one, one.getBoundingClientRect()]);
    const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const over = parts.flatMap(([one, a], at) => parts.slice(at + 1).filter(([, b]) => meet(a, b)).map(([other]) =>
        `${one.outerHTML.slice(0, 80)} and ${other.outerHTML.slice(0, 80)}`));
    return [document.querySelector('#q').getBoundingClientRect().width, over];";

#[test]
fn every_column_is_in_sight_and_beside_its_name_on_a_phone_and_a_tablet() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        let mut views = views(&browser).await;
        views.retain(|(name, _)| ["overview", "orders", "order", "run"].contains(name));
        for width in [320, 390, 768, 896, 1024, 1280] {
            browser.size(width, 900).await;
            for (name, path) in &views {
                browser.open(path).await;
                assert_eq!(browser.script(OUT_OF_SIGHT).await, json!([]), "{name}, {width} wide");
                assert_eq!(browser.script(ON_ITS_NAME).await, json!([]), "{name}, {width} wide");
            }
        }
        browser.size(390, 900).await;
        browser.open("/").await;
        let seen = "return [...document.querySelectorAll('td button')].filter((one) => one.getBoundingClientRect().width > 40).length";
        assert_eq!(browser.script(seen).await, json!(4), "each job can be run from a phone");
        // Sorting is not lost with the heads of the columns.
        browser.open("/orders").await;
        browser.go("thead th.sorts a").await;
        assert_eq!(browser.path().await, "/orders?sort=order");
    });
}

/// Cells of tables made for a phone that stick out of the box in which these scroll.
const OUT_OF_SIGHT: &str = "
    return [...document.querySelectorAll('table.stacked')].filter((table) => {
        const box = table.closest('.scroll');
        return box.scrollWidth > box.clientWidth + 1;
    }).map((table) => table.innerText.slice(0, 120));";

/// Cells in which the text begins where the column's name stands before it.
const ON_ITS_NAME: &str = "
    const named = [...document.querySelectorAll('.stacked td[data-label]')];
    const before = (cell) => getComputedStyle(cell, '::before');
    const shown = named.filter((cell) => cell.offsetWidth > 0 && before(cell).content !== 'none');
    return shown.filter((cell) => {
        const text = document.createRange();
        text.selectNodeContents(cell);
        return cell.textContent && text.getBoundingClientRect().left < cell.getBoundingClientRect().left + parseFloat(before(cell).width);
    }).map((cell) => cell.outerHTML.slice(0, 120));";

#[test]
fn light_and_dark_differ_and_both_can_be_read() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        let mut grounds = Vec::new();
        for scheme in ["light", "dark"] {
            browser.scheme(scheme).await;
            browser.open("/").await;
            let read: (String, f64) = serde_json::from_value(browser.script(CONTRAST).await).unwrap();
            assert!(read.1 >= 10.0, "{scheme}: {read:?}");
            grounds.push(read.0);
        }
        assert_ne!(grounds[0], grounds[1]);
    });
}

/// The ground, and how much the text stands out from it. That of each piece of text is `reading`'s.
const CONTRAST: &str = "
    const style = getComputedStyle(document.body);
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).map((one) => one / 255).map((one) => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
      return .2126 * r + .7152 * g + .0722 * b;
    };
    const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
    return [style.backgroundColor, (bright + .05) / (dark + .05)];";

#[test]
fn pictures_are_taken() {
    story(async {
        let shop = Shop::busy().await;
        let browser = Browser::start(&shop.base).await;
        browser.log_in(PASSWORD).await;
        let mut views = views(&browser).await;
        browser.open("/orders?held=1&sort=-ship").await;
        views.push(("held", browser.find("tbody th a").await.attr("href").await.unwrap().unwrap()));
        for (look, width, height, scheme) in [
            ("wide-light", 1440, 900, "light"),
            ("wide-dark", 1440, 900, "dark"),
            ("middle", 768, 1024, "light"),
            ("narrow", 390, 844, "light"),
        ] {
            browser.size(width, height).await;
            browser.scheme(scheme).await;
            for (name, path) in views.iter().filter(|(name, _)| !["login", "nowhere"].contains(name)) {
                browser.open(path).await;
                browser.picture(&format!("{name}-{look}")).await;
            }
        }
    });
}
