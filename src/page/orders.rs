//! The table of orders: "where is my Valentine's order?". Searched, filtered, sorted and paged on the server, so that what is
//! seen is an address that can be kept and sent on. What an address asks for and makes no sense is left out, not refused.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use maud::{Markup, html};

use super::access::Visitor;
use super::address::address;
use super::desk::Desk;
use super::parts::{count, day, pager, stage_badge, stage_name, thousands};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{Flow, Stage};
use crate::reports::orders::{self as report, OrderList, OrderRow};
use crate::store::orders::{Search, Sort, Stages};

/// Orders on a page.
const ROWS: u32 = 50;

/// A search is a few words.
const LONGEST: usize = 200;

/// Products that are named in a row.
const NAMED: usize = 1;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/orders", get(orders))
}

/// What an address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    text: String,
    stage: String,
    flow: Option<Flow>,
    ship: Option<NaiveDate>,
    held: bool,
    sort: Sort,
    descending: bool,
    /// From 1.
    page: u32,
}

impl Asked {
    fn of(fields: &HashMap<String, String>) -> Self {
        let field = |name: &str| fields.get(name).map_or("", |value| value.trim());
        let stage = field("stage");
        let (descending, sort) = match field("sort").strip_prefix('-') {
            Some(sort) => (true, sort),
            None => (false, field("sort")),
        };
        let known = match sort {
            "order" => Some(Sort::Name),
            "stage" => Some(Sort::Stage),
            "ship" => Some(Sort::ShipDate),
            _ => None,
        };
        Self {
            text: field("q").chars().take(LONGEST).collect(),
            stage: if Stage::parse(stage).is_some() || stage == "all" { stage.to_owned() } else { String::new() },
            flow: match field("flow") {
                "1" => Some(Flow::FromAxerrio),
                "2" => Some(Flow::FromKomet),
                _ => None,
            },
            ship: field("ship").parse().ok(),
            held: field("held") == "1",
            sort: known.unwrap_or_default(),
            descending: descending && known.is_some(),
            page: field("page").parse().unwrap_or(1).max(1),
        }
    }

    fn search(&self, customers: bool) -> Search {
        Search {
            text: self.text.clone(),
            customers,
            stages: match (Stage::parse(&self.stage), self.stage.as_str()) {
                (Some(stage), _) => Stages::One(stage),
                // Whoever looks for one order wants it wherever it stands.
                (None, "") if self.text.is_empty() && self.ship.is_none() && !self.held => Stages::Open,
                _ => Stages::Any,
            },
            flow: self.flow,
            ships: self.ship.map(|day| (day, day)),
            held: self.held,
            sort: self.sort,
            descending: self.descending,
            offset: (self.page - 1).saturating_mul(ROWS),
            limit: ROWS,
        }
    }

    fn is_narrowed(&self) -> bool {
        *self != Self { sort: self.sort, descending: self.descending, page: self.page, ..Self::default() }
    }

    fn address(&self) -> String {
        let sort = match (self.sort, self.descending) {
            (Sort::ShipDate, false) => "",
            (Sort::ShipDate, true) => "-ship",
            (Sort::Name, false) => "order",
            (Sort::Name, true) => "-order",
            (Sort::Stage, false) => "stage",
            (Sort::Stage, true) => "-stage",
        };
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let ship = self.ship.map(|day| day.to_string()).unwrap_or_default();
        address(
            "/orders",
            &[
                ("q", &self.text),
                ("stage", &self.stage),
                ("flow", self.flow.map_or("", |flow| if flow == Flow::FromAxerrio { "1" } else { "2" })),
                ("ship", &ship),
                ("held", if self.held { "1" } else { "" }),
                ("sort", sort),
                ("page", &page),
            ],
        )
    }
}

async fn orders(
    visitor: Visitor,
    State(desk): State<Desk>,
    Query(fields): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let asked = Asked::of(&fields);
    let search = asked.search(visitor.may_act());
    let list = desk.read(move |conn| report::list(conn, &search)).await?;
    let body = html! {
        h1 { "Orders" }
        (form(&visitor, &asked))
        section.card aria-label="Orders found" data-live="orders" { (found(&visitor, &asked, &list)) }
    };
    Ok(shell::page(&visitor, Place::Orders, "Orders", body))
}

fn form(visitor: &Visitor, asked: &Asked) -> Markup {
    let may_be = if visitor.may_act() {
        "Order, Prebook, PO, box, product, customer"
    } else {
        "Order, Prebook, PO, box, product"
    };
    let any_stage = if asked.text.is_empty() { "Open" } else { "Any" };
    html! {
        search {
            form.row.card method="get" action="/orders" {
                div.grow {
                    label for="q" { (may_be) }
                    input #q type="search" name="q" value=(asked.text) maxlength=(LONGEST) autocomplete="off";
                }
                div {
                    label for="stage" { "Stage" }
                    select #stage name="stage" {
                        option value="" selected[asked.stage.is_empty()] { (any_stage) }
                        option value="all" selected[asked.stage == "all"] { "Any, also done" }
                        @for stage in Stage::ALL {
                            option value=(stage.name()) selected[asked.stage == stage.name()] { (stage_name(stage)) }
                        }
                    }
                }
                div {
                    label for="flow" { "Ordered in" }
                    select #flow name="flow" {
                        option value="" selected[asked.flow.is_none()] { "Either system" }
                        option value="1" selected[asked.flow == Some(Flow::FromAxerrio)] { "Axerrio" }
                        option value="2" selected[asked.flow == Some(Flow::FromKomet)] { "Komet" }
                    }
                }
                div {
                    label for="ship" { "Ship date" }
                    input #ship type="date" name="ship" value=(asked.ship.map(|day| day.to_string()).unwrap_or_default());
                }
                div.check {
                    input #held type="checkbox" name="held" value="1" checked[asked.held];
                    label for="held" { "Waiting for a person" }
                }
                div { button type="submit" { "Show" } }
                @if asked.is_narrowed() { div { a href="/orders" { "Clear" } } }
            }
        }
    }
}

fn found(visitor: &Visitor, asked: &Asked, list: &OrderList) -> Markup {
    if list.rows.is_empty() {
        return nothing(visitor, asked, list);
    }
    let first = (asked.page - 1) * ROWS + 1;
    let last = first + u32::try_from(list.rows.len()).unwrap_or(0) - 1;
    html! {
        div.scroll {
            table.orders.stacked {
                caption {
                    @if list.and_more { "More than " } (count(list.total, "order", "orders"))
                    @if list.total > ROWS || list.and_more {
                        ", " (thousands(first.into())) " to " (thousands(last.into())) " shown"
                    }
                }
                thead {
                    tr {
                        (sortable(asked, Sort::Name, "Order"))
                        @if visitor.may_act() { th scope="col" { "Customer" } }
                        (sortable(asked, Sort::ShipDate, "Ships"))
                        (sortable(asked, Sort::Stage, "Stage"))
                        th.num scope="col" { "Boxes" }
                        th scope="col" { "Products" }
                        th scope="col" { "Prebook" }
                        th scope="col" { "PO" }
                    }
                }
                tbody { @for order in &list.rows { (row(visitor, order)) } }
            }
        }
        (pages(asked, list))
    }
}

fn row(visitor: &Visitor, order: &OrderRow) -> Markup {
    let more = order.products.len().saturating_sub(NAMED);
    html! {
        tr {
            th scope="row" {
                a href={ "/orders/" (order.key.0) } { (order.name) }
                @if order.held > 0 { " " span.badge.waiting { (count(order.held, "hold", "holds")) } }
            }
            @if visitor.may_act() { td.who data-label="Customer" title=[&order.customer] { (order.customer.as_deref().unwrap_or_default()) } }
            td.nowrap data-label="Ships" { (day(order.ship_date)) }
            td data-label="Stage" { (stage_badge(order.stage)) }
            td.num data-label="Boxes" { (thousands(order.boxes)) }
            td data-label="Products" {
                (order.products.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", "))
                @if more > 0 { " " span.muted.nowrap { "+" (more) span.hidden { " more" } } }
            }
            td.nowrap data-label="Prebook" { (order.prebooks.join(", ")) }
            td.nowrap data-label="PO" { (order.purchase_orders.join(", ")) }
        }
    }
}

/// A column's head that sorts by it; once more, the other way round.
fn sortable(asked: &Asked, sort: Sort, name: &str) -> Markup {
    let is_sorted = asked.sort == sort;
    let next = Asked { sort, descending: is_sorted && !asked.descending, page: 1, ..asked.clone() };
    let (order, arrow) = match (is_sorted, asked.descending) {
        (false, _) => (None, " ↕"),
        (true, false) => (Some("ascending"), " ↑"),
        (true, true) => (Some("descending"), " ↓"),
    };
    html! {
        th.sorts scope="col" aria-sort=[order] {
            a href=(next.address()) { (name) }
            span aria-hidden="true" { (arrow) }
        }
    }
}

fn pages(asked: &Asked, list: &OrderList) -> Markup {
    let pages = list.total.div_ceil(ROWS);
    let at = |page: u64| Asked { page: u32::try_from(page).unwrap_or(u32::MAX), ..asked.clone() }.address();
    let is_more = asked.page < pages || list.and_more && list.rows.len() == ROWS as usize;
    pager(["Previous", "Next"], asked.page.into(), (!list.and_more).then(|| pages.into()), is_more, at)
}

fn nothing(visitor: &Visitor, asked: &Asked, list: &OrderList) -> Markup {
    html! {
        @if list.nothing_on_file {
            p.empty {
                "No order is on file yet. The first run reads them from both systems; " a href="/runs" { "Runs" }
                " tells how it goes."
            }
        } @else if asked.page > 1 {
            p.empty {
                "There is no page " (thousands(asked.page.into())) ". "
                a href=(Asked { page: 1, ..asked.clone() }.address()) { "To the first page" }
            }
        } @else if asked.is_narrowed() {
            p.empty {
                "Nothing fits. A number is found by its beginning, a product by any words of its name or code"
                @if visitor.may_act() { ", a customer likewise" }
                ". " a href="/orders" { "Show all open orders" }
            }
            @if !visitor.may_act() && !asked.text.is_empty() && visitor.can_log_in {
                p.muted { "Customers are found by whoever is " a href="/login?next=/orders" { "logged in" } "." }
            }
        } @else {
            p.empty { "No order is open. " a href="/orders?stage=all" { "Show those that are done" } }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Asked {
        Asked::of(&fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let nothing = asked(&[]);
        assert_eq!((nothing.page, nothing.address()), (1, "/orders".to_owned()));
        for (name, value) in [
            ("page", "-1"),
            ("page", "0"),
            ("page", "99999999999999999999"),
            ("sort", "bogus"),
            ("sort", "-bogus"),
            ("stage", "x"),
            ("flow", "3"),
            ("ship", "2026-02-31"),
            ("held", "yes"),
            ("other", "1"),
        ] {
            assert_eq!(asked(&[(name, value)]), nothing, "{name}={value}");
        }
        assert_eq!(asked(&[("page", "4294967295")]).search(false).offset, u32::MAX);
    }

    #[test]
    fn an_address_says_what_it_was_made_of() {
        let fields = [
            ("q", "a & b"),
            ("stage", "po_pending"),
            ("flow", "2"),
            ("ship", "2026-02-06"),
            ("held", "1"),
            ("sort", "-order"),
            ("page", "3"),
        ];
        let made = asked(&fields).address();
        assert_eq!(
            made,
            "/orders?q=a%20%26%20b&stage=po_pending&flow=2&ship=2026-02-06&held=1&sort=-order&page=3"
        );
    }
}
