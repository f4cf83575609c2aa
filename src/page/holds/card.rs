//! One hold as it is drawn, among others, alone or with its order: what happened, and what each choice will do.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::domain::{HoldReason, OrderKey, Verdict, Zone};
use crate::page::access::Visitor;
use crate::page::address::address;
use crate::page::advice::{may_read, on_page};
use crate::page::maps::ranking;
use crate::page::parts::{capital, csrf_field, day, moment, words};
use crate::reports::choices::{Choice, happened, offered, otherwise, stopped};
use crate::reports::ground::Ground;
use crate::reports::suggest::Suggestions;
use crate::reports::words::reason as words_of;
use crate::store::holds::HoldRow;
use crate::store::{Connection, StoreError, orders};

/// Orders that the brake stopped and that are named.
const NAMED: usize = 12;

/// A hold with all that is told of it.
pub(in crate::page) struct HoldView {
    pub(super) row: HoldRow,
    choices: Vec<Choice>,
    /// The orders it stops.
    stopped: Vec<(OrderKey, String)>,
    /// Of an unmapped product that a map can name: the codes that none names yet.
    pub(super) codes: Option<Vec<String>>,
    /// What one of them may be, where it was asked for.
    pub(super) suggested: Option<Suggestions>,
    /// It is all that the view shows, and names it.
    pub(super) is_alone: bool,
}

impl HoldView {
    pub(in crate::page) fn gather(conn: &Connection, ground: &Ground, row: HoldRow) -> Result<Self, StoreError> {
        let order = match row.order_key.filter(|_| row.reason == HoldReason::UnmappedProduct) {
            Some(key) => orders::load(conn, key)?,
            None => None,
        };
        let codes = order.and_then(|order| ground.unmapped_codes(&order, row.line.as_ref()));
        Ok(Self {
            choices: offered(conn, ground, &row)?,
            stopped: stopped(conn, &row)?,
            codes: codes.map(|codes| codes.into_iter().collect()),
            suggested: None,
            is_alone: false,
            row,
        })
    }
}

/// One hold, whole. `back` is where its forms lead back to.
pub(in crate::page) fn card(
    visitor: &Visitor,
    view: &HoldView,
    back: &str,
    zone: Zone,
    now: DateTime<Utc>,
) -> Markup {
    let HoldView { row, .. } = view;
    let id = row.id;
    // Its detail says all that there is to say.
    let is_unmapped = row.reason == HoldReason::UnmappedProduct;
    html! {
        article.card.hold id={ "hold-" (id) } aria-labelledby={ "hold-title-" (id) } {
            div.between {
                h2 id={ "hold-title-" (id) } {
                    @if view.is_alone { "Hold " (id) } @else { a href={ "/holds/" (id) } { "Hold " (id) } ": " (words_of(row.reason)) }
                }
                span.muted {
                    @if let Some(date) = row.ship_date { "ships " (day(date)) ", " }
                    "held " (moment(row.since, now, zone))
                }
            }
            p {
                (named(view))
                @if let Some(line) = &row.line { " · line " (line) }
            }
            @let detail = may_read(visitor, row.reason, &row.detail).then_some(&row.detail);
            @if detail.is_none() || !is_unmapped { p { (happened(row.reason)) } }
            @if let Some(detail) = detail { p { (words(&capital(&on_page(visitor, detail)))) } }
            @if let Some(codes) = &view.codes { (unmapped(visitor, view, codes)) }
            details id={ "choices-" (id) } open[!is_unmapped] {
                summary { @if view.choices.len() > 1 { "What each choice does" } @else { "What dismissing it does" } }
                div.choices { @for it in &view.choices { (choice(visitor, view, it, back)) } }
            }
            @if !is_unmapped && view.choices.len() > 1 { p.muted { (words(otherwise(row.reason))) } }
        }
    }
}

fn named(view: &HoldView) -> Markup {
    let more = view.stopped.len().saturating_sub(NAMED);
    html! {
        @for (at, (key, name)) in view.stopped.iter().take(NAMED).enumerate() {
            @if at > 0 { ", " } @else if view.stopped.len() == 1 { "Order " } @else { "Orders " }
            a href={ "/orders/" (key.0) } { (name) }
        }
        @if more > 0 { " and " (more) " more" }
    }
}

fn choice(visitor: &Visitor, view: &HoldView, choice: &Choice, back: &str) -> Markup {
    let (label, field, value) = match choice.verdict {
        Verdict::TakeAxerrio => ("Take Axerrio's", "take", "axerrio"),
        Verdict::TakeKomet => ("Take Komet's", "take", "komet"),
        Verdict::Dismissed => ("Dismiss", "dismiss", "1"),
    };
    let is_dismissal = choice.verdict == Verdict::Dismissed;
    html! {
        section.choice {
            h3 { (label) }
            p { (choice.means) }
            dl {
                dt { "In Axerrio" } dd { (steps(&choice.axerrio)) }
                dt { "In Komet" } dd { (steps(&choice.komet)) }
            }
            @if let Some(note) = choice.waits_for { p.muted.small { (note) } }
            @if let Some(csrf) = &visitor.csrf {
                form method="post" action={ "/holds/" (view.row.id) } {
                    (csrf_field(csrf))
                    input type="hidden" name="back" value=(back);
                    button.second[is_dismissal] type="submit" name=(field) value=(value)
                        aria-label={ (label) ", hold " (view.row.id) } { (label) }
                }
            }
        }
    }
}

fn steps(steps: &[String]) -> Markup {
    html! {
        @if steps.is_empty() { span.muted { "nothing is written" } }
        @else if let [only] = steps { (only) }
        @else { ol { @for step in steps { li { (step) } } } }
    }
}

/// The way to map what is not mapped yet. The ranking reads every order on file: it is asked for, not shown unasked.
fn unmapped(visitor: &Visitor, view: &HoldView, codes: &[String]) -> Markup {
    html! {
        @if codes.is_empty() {
            p { span.badge.good { "mapped" } " Every code of the line has its product; the next run goes on, unless Komet still shows another one in red." }
        } @else {
            ul.plain {
                @for code in codes {
                    @if view.suggested.as_ref().is_none_or(|it| it.axerrio_code != *code) {
                        li {
                            code { (code) } " "
                            a.button href=(address(&format!("/holds/{}", view.row.id), &[("code", code)])) {
                                @if visitor.may_act() { "Map this product" } @else { "What it may be" }
                            }
                        }
                    }
                }
            }
            @if let Some(suggested) = &view.suggested {
                section aria-labelledby="mapping" {
                    h3 #mapping { "What " (suggested.axerrio_code) " may be in Komet" }
                    (ranking(visitor, &format!("/holds/{}", view.row.id), suggested))
                }
            }
        }
    }
}
