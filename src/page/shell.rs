//! The page around each view: head, navigation, who is logged in.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::access::Visitor;
use super::assets::{CSS_ADDRESS, JS_ADDRESS};
use super::parts::csrf_field;
use crate::domain::turns;

/// Where in the page somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// How it is.
    Overview,
    /// Orders, and one order.
    Orders,
    /// Holds, and one hold.
    Holds,
    /// Maps of a kind.
    Maps,
    /// Runs, and one run.
    Runs,
    /// Nowhere in the navigation.
    None,
}

const PLACES: [(Place, &str, &str); 5] = [
    (Place::Overview, "/", "Overview"),
    (Place::Orders, "/orders", "Orders"),
    (Place::Holds, "/holds", "Holds"),
    (Place::Maps, "/maps/product", "Maps"),
    (Place::Runs, "/runs", "Runs"),
];

/// A whole page. `body` begins with its `h1`.
#[allow(clippy::needless_pass_by_value, reason = "a page is given away")]
pub(super) fn page(visitor: &Visitor, place: Place, title: &str, body: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · stemsync" }
                link rel="stylesheet" href=(*CSS_ADDRESS);
                link rel="icon" href=(ICON);
                script src=(*JS_ADDRESS) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { (leaf()) span { "stemsync" } }
                    nav aria-label="Views" {
                        @for (there, address, name) in PLACES {
                            a href=(address) aria-current=[(there == place).then_some("page")] { (name) }
                        }
                    }
                    (account(visitor, place))
                }
                main #main tabindex="-1" { (body) }
            }
        }
    };
    let mut page = page.into_string();
    // What is foreign is escaped, but may still turn the text around it.
    page.retain(|c| !turns(c));
    (StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

fn account(visitor: &Visitor, place: Place) -> Markup {
    let next = PLACES.iter().find(|(there, ..)| *there == place).map_or("/", |(_, address, _)| address);
    html! {
        // A session ends with the daemon, on a page that lies open, too.
        div.account data-live="account" {
            @if let Some(csrf) = &visitor.csrf {
                form method="post" action="/logout" {
                    (csrf_field(csrf))
                    button.plain type="submit" { "Log out" }
                }
            } @else if visitor.can_log_in {
                a href={ "/login?next=" (next) } { "Log in" }
            } @else {
                span.muted { "Read-only" }
            }
        }
    }
}

/// A leaf, in two strokes.
fn leaf() -> Markup {
    html! {
        svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" focusable="false" {
            path fill="currentColor" d="M17.5 2.5C9 2 3.500 5.200 3.500 11.200c0 1.300.3 2.500.9 3.500C6 10.500 9 8 13 6.800 9.500 9 6.900 12 5.600 17.500h1.700c.2-1.200.5-2.300 1-3.300 6.200.6 9.700-3.700 9.200-11.700z" {}
        }
    }
}

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'%3E%3Cpath \
                    fill='%232f7d4f' d='M17.5 2.500C9 2 3.500 5.200 3.500 11.200c0 1.300.3 2.500.9 3.500C6 10.500 9 8 13 6.800 9.500 9 6.900 \
                    12 5.600 17.500h1.700c.2-1.200.5-2.300 1-3.300 6.200.6 9.700-3.700 9.200-11.700z'/%3E%3C/svg%3E";
