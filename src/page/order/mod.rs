//! One order: how far it has come, what waits for a person, its two sides next to each other, its boxes, and its story.
//! `sides` draws the comparison.

mod sides;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::access::Visitor;
use super::advice::{may_read, on_page};
use super::desk::Desk;
use super::holds::{HoldView, card};
use super::parts::{capital, count, day, moment, stage_badge, words};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{HoldReason, Order, OrderKey};
use crate::reports::ground::Ground;
use crate::reports::story::{self, BoxStory, EventStory, Story};
use crate::reports::words::{deed, reason as words_of};
use crate::store::{holds, orders};
use crate::sync::audit::AuditReport;

/// What happened lately; an order of which more is told is rare, and its page would be long.
const EVENTS: usize = 100;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/orders/{key}", get(order))
}

/// What the view shows.
struct View {
    order: Order,
    story: Story,
    audit: AuditReport,
    holds: Vec<HoldView>,
}

async fn order(visitor: Visitor, State(desk): State<Desk>, Path(key): Path<String>) -> Result<Response, Trouble> {
    let unknown =
        || Trouble::not_found("There is no such order. Orders can be searched by any number that they go by.");
    let key: i64 = key.parse().map_err(|_| unknown())?;
    let (config, now) = (desk.config(), desk.now());
    let view = desk
        .read(move |conn| {
            let Some(order) = orders::load(conn, OrderKey(key))? else { return Ok(None) };
            let zone = config.jobs.timezone;
            let ground = Ground::load(conn, &config, config.horizon(now).today())?;
            let story = Story::of(conn, &order, zone)?;
            let waiting = holds::list_of_order(conn, order.key)?.into_iter();
            let holds = waiting.map(|hold| HoldView::gather(conn, &ground, hold)).collect::<Result<_, _>>()?;
            Ok(Some(View { audit: ground.differences(&order), story, holds, order }))
        })
        .await?
        .ok_or_else(unknown)?;
    let body = draw(&visitor, &view, now);
    Ok(shell::page(&visitor, Place::Orders, view.order.name(), body))
}

fn draw(visitor: &Visitor, view: &View, now: DateTime<Utc>) -> Markup {
    let View { order, story, audit, holds } = view;
    html! {
        p.small { a href="/orders" { "← Orders" } }
        div data-live="head" {
            h1 { (order.name()) " " (stage_badge(order.stage)) }
            p.lead { (capital(story.born())) ", ships " (day(order.ship_date)) ": " (story::stage_words(order.stage)) "." }
            (known_as(visitor, view))
        }
        div data-live="holds" {
            @if !holds.is_empty() {
                section aria-labelledby="waits" {
                    h2 #waits { "Waits for a person" }
                    @for hold in holds {
                        (card(visitor, hold, &format!("/orders/{}", order.key.0), story.zone, now))
                    }
                }
            }
        }
        section.card aria-labelledby="sides" data-live="sides" {
            h2 #sides { "Both sides" }
            (sides::draw(visitor, order, audit))
        }
        section.card aria-labelledby="boxes" data-live="boxes" {
            h2 #boxes { "Labels and boxes" }
            (boxes(&story.boxes))
        }
        section.card aria-labelledby="story" data-live="story" {
            h2 #story { "What happened" }
            @if story.events.is_empty() {
                p.empty { "Nothing yet that is on record." }
            } @else {
                ol.timeline { @for event in story.events.iter().rev().take(EVENTS) { (happening(visitor, event, story, now)) } }
                @if story.events.len() > EVENTS {
                    p.muted { (story.events.len() - EVENTS) " earlier ones are told by " code { "stemsync trace " (order.name()) } "." }
                }
            }
        }
    }
}

/// The numbers that people know it by, and who buys.
fn known_as(visitor: &Visitor, View { order, .. }: &View) -> Markup {
    let asked = order.axerrio.order.as_ref();
    html! {
        dl.figures {
            @if visitor.may_act() && let Some(asked) = asked {
                div { dt { "Customer" } dd { (asked.header.customer.name) " " span.muted { (asked.header.customer.code) } } }
                @if let Some(po) = &asked.header.customer_po { div { dt { "Customer's PO" } dd { (po) } } }
            }
            @for prebook in &order.komet.prebooks { div { dt { "Prebook" } dd { (prebook.number) } } }
            @for po in &order.komet.purchase_orders {
                div { dt { "PO, " (story::po_words(po.status)) } dd { (po.number) } }
                @if let Some(awb) = &po.awb { div { dt { "AWB" } dd { (awb) } } }
            }
            @if let Some(reference) = order.reference.as_ref().filter(|_| order.ax_id.is_some()) {
                div { dt { "Reference" } dd { (reference) } }
            }
        }
    }
}

fn boxes(boxes: &[BoxStory]) -> Markup {
    if boxes.is_empty() {
        return html! { p.empty { "No label was printed yet." } };
    }
    let received = boxes.iter().filter(|it| it.status == "received").count();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Boxes" {
            table {
                caption { (count(boxes.len(), "box", "boxes")) ", " (received) " received" }
                thead {
                    tr { @for head in ["Code", "Line", "Box", "Lot", "AWB", "State"] { th scope="col" { (head) } } }
                }
                tbody {
                    @for it in boxes {
                        @let class = match it.status { "received" | "shipped" => "badge good", "void" => "badge bad", _ => "badge" };
                        tr {
                            th scope="row" { code { (it.code) } }
                            td { (it.line.as_deref().unwrap_or_default()) }
                            td { (it.box_number.map(|number| number.to_string()).unwrap_or_default()) }
                            td { (it.lot_number.as_deref().unwrap_or_default()) }
                            td { (it.awb.as_deref().unwrap_or_default()) }
                            td { span class=(class) { (box_state(it.status)) } }
                        }
                    }
                }
            }
        }
    }
}

fn box_state(status: &str) -> &str {
    match status {
        "printed" => "printed, not in Komet yet",
        "void" => "withdrawn",
        "shipped" => "in Komet",
        other => other,
    }
}

fn happening(visitor: &Visitor, event: &EventStory, story: &Story, now: DateTime<Utc>) -> Markup {
    let class = if event.failed {
        "bad"
    } else if event.held {
        "waiting"
    } else {
        ""
    };
    html! {
        li class=(class) {
            (moment(event.at, now, story.zone))
            " " b { (event.system.map_or("stemsync", |system| system.title())) }
            " " (deed(&event.what))
            @match told(visitor, event) {
                Some(told) if !told.is_empty() => { ": " (words(&on_page(visitor, &told))) },
                Some(_) => {},
                None => ": failed",
            }
        }
    }
}

/// What of an event a visitor may read; `None` where it is what a system said in its own words, which may name a customer.
fn told(visitor: &Visitor, event: &EventStory) -> Option<String> {
    if event.failed && !visitor.may_act() {
        return None;
    }
    // A hold's event begins with its reason as scripts know it.
    let (name, rest) = event.detail.split_once(": ").unwrap_or((&event.detail, ""));
    Some(match HoldReason::parse(name) {
        Some(reason) if may_read(visitor, reason, rest) => format!("{}. {rest}", words_of(reason)),
        Some(reason) => words_of(reason).to_owned(),
        None => event.detail.clone(),
    })
}
