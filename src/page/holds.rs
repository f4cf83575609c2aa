//! What waits for a person: what happened, what each choice will do on each system, and the buttons that make it. A hold that
//! somebody else decided meanwhile is no error: the page says so.

use std::collections::HashMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Router, response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::access::Visitor;
use super::address::address;
use super::advice::on_page;
use super::desk::Desk;
use super::maps::{REACH, ranking};
use super::parts::{capital, count, csrf_field, day, moment, pager, words};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{HoldReason, MapKind, OrderKey, Verdict};
use crate::reports::choices::{Choice, happened, offered, otherwise, stopped};
use crate::reports::ground::Ground;
use crate::reports::holds::gone;
use crate::reports::map_csv;
use crate::reports::suggest::{Suggestions, compare};
use crate::reports::words::reason as words_of;
use crate::store::holds::{self, HoldRow};
use crate::store::{Connection, StoreError, maps, orders};

/// Holds on a page, each with all its choices.
const ROWS: usize = 10;

/// Orders that the brake stopped and that are named.
const NAMED: usize = 12;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/holds", get(list)).route("/holds/{id}", get(one).post(decide))
}

/// A hold with all that is told of it.
pub(super) struct HoldView {
    row: HoldRow,
    choices: Vec<Choice>,
    /// The orders it stops.
    stopped: Vec<(OrderKey, String)>,
    /// Of an unmapped product that a map can name: the codes that none names yet.
    codes: Option<Vec<String>>,
    /// What one of them may be, where it was asked for.
    suggested: Option<Suggestions>,
    /// It is all that the view shows, and names it.
    is_alone: bool,
}

impl HoldView {
    pub(super) fn gather(conn: &Connection, ground: &Ground, row: HoldRow) -> Result<Self, StoreError> {
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

async fn list(
    visitor: Visitor,
    State(desk): State<Desk>,
    Query(fields): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let (config, now) = (desk.config(), desk.now());
    let zone = config.jobs.timezone;
    let page: usize = fields.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 100_000);
    let (views, total) = desk
        .read(move |conn| {
            let all = holds::list(conn)?;
            let total = all.len();
            let ground = Ground::load(conn, &config, now.with_timezone(&zone).date_naive())?;
            let shown = all.into_iter().skip((page - 1) * ROWS).take(ROWS);
            let views: Vec<_> = shown.map(|row| HoldView::gather(conn, &ground, row)).collect::<Result<_, _>>()?;
            Ok((views, total))
        })
        .await?;
    let pages = total.div_ceil(ROWS).max(1);
    let body = html! {
        h1 { "Holds" }
        (told(&fields))
        div data-live="holds" {
            @if total == 0 {
                p.lead.good { "Nothing waits for a person." }
                p.empty {
                    "A hold stops one line or one order, never the others. It appears here when the two systems say something "
                    "that only a person can settle, and goes by itself when its cause goes away."
                }
            } @else {
                p.lead.waiting { (count(total, "hold waits", "holds wait")) " for a person, the most urgent ship date first." }
                @if !visitor.may_act() { (who_decides(&visitor)) }
                @for view in &views { (card(&visitor, view, "/holds", zone, now)) }
                @if views.is_empty() { p.empty { "There is no page " (page) ". " a href="/holds" { "To the first page" } } }
                @let at = |page: u64| format!("/holds?page={page}");
                (pager(["More urgent", "Less urgent"], page as u64, Some(pages as u64), page < pages, at))
            }
        }
    };
    Ok(shell::page(&visitor, Place::Holds, "Holds", body))
}

/// What the last form did.
fn told(fields: &HashMap<String, String>) -> Markup {
    let what = match fields.get("done").map_or("", String::as_str) {
        "axerrio" => "Released: what Axerrio says counts. The next run acts on it.",
        "komet" => "Released: what Komet says counts. The next run acts on it.",
        "dismissed" => "Dismissed: things stay as they are.",
        "mapped" => "Mapped. The next run goes on with the orders that wait for it.",
        _ => return html! {},
    };
    html! { p.notice role="status" { "✓ " (what) } }
}

fn who_decides(visitor: &Visitor) -> Markup {
    html! {
        p.muted {
            @if visitor.can_log_in { a href="/login?next=/holds" { "Log in" } " to decide." }
            @else { "Here they can be read; `stemsync holds` decides." }
        }
    }
}

/// One hold, whole. `back` is where its forms lead back to.
pub(super) fn card(visitor: &Visitor, view: &HoldView, back: &str, zone: Tz, now: DateTime<Utc>) -> Markup {
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
            @let detail = (visitor.may_act() || is_plain(row.reason)).then_some(&row.detail);
            @if detail.is_none() || !is_unmapped { p { (happened(row.reason)) } }
            @if let Some(detail) = detail { p { (words(&capital(&on_page(visitor, detail)))) } }
            @if let Some(codes) = &view.codes { (unmapped(visitor, view, codes)) }
            details id={ "choices-" (id) } open[!is_unmapped] {
                summary { @if view.choices.len() > 1 { "What each choice does" } @else { "What dismissing it does" } }
                div.choices { @for it in &view.choices { (choice(visitor, view, it, back)) } }
            }
            @if !is_unmapped { p.muted { (words(otherwise(row.reason))) } }
        }
    }
}

/// Whether a reason's details are the program's own words, with nothing in them that names a customer.
fn is_plain(reason: HoldReason) -> bool {
    !matches!(reason, HoldReason::RejectedByKomet | HoldReason::RejectedByAxerrio)
}

fn named(view: &HoldView) -> Markup {
    let more = view.stopped.len().saturating_sub(NAMED);
    html! {
        @for (at, (key, name)) in view.stopped.iter().take(NAMED).enumerate() {
            @if at > 0 { ", " } @else { "Order " }
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

async fn one(
    visitor: Visitor,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Query(fields): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let Ok(id) = id.parse::<i64>() else { return Ok(vanished(&visitor, None, StatusCode::NOT_FOUND)) };
    let (config, now) = (desk.config(), desk.now());
    let zone = config.jobs.timezone;
    let code = fields.get("code").cloned();
    let found = desk
        .read(move |conn| {
            let Some(row) = holds::get(conn, id)? else { return Ok(None) };
            let ground = Ground::load(conn, &config, now.with_timezone(&zone).date_naive())?;
            let mut view = HoldView::gather(conn, &ground, row)?;
            let code = match view.codes.as_deref().unwrap_or_default() {
                [only] => Some(only),
                codes => codes.iter().find(|known| Some(*known) == code.as_ref()),
            };
            view.suggested = code.map(|code| compare(conn, MapKind::Product, code, REACH)).transpose()?;
            view.is_alone = true;
            Ok(Some(view))
        })
        .await?;
    let Some(view) = found else { return Ok(vanished(&visitor, Some(id), StatusCode::NOT_FOUND)) };
    let body = html! {
        p.small { a href="/holds" { "← Holds" } }
        h1 { (words_of(view.row.reason)) }
        (told(&fields))
        @if !visitor.may_act() { (who_decides(&visitor)) }
        div data-live="hold" { (card(&visitor, &view, "/holds", zone, now)) }
    };
    Ok(shell::page(&visitor, Place::Holds, &format!("Hold {id}"), body))
}

/// Decided, cleared or never there.
fn vanished(visitor: &Visitor, id: Option<i64>, status: StatusCode) -> Response {
    let title = id.map_or_else(|| "No such hold".to_owned(), |id| format!("Hold {id} is gone"));
    let why = id.map_or_else(|| "Holds go by numbers.".to_owned(), |id| format!("{}.", capital(&gone(id))));
    let body = html! {
        h1 { (title) }
        p.lead { (why) " Nothing was changed by this." }
        p { a.button href="/holds" { "What waits now" } }
    };
    (status, shell::page(visitor, Place::Holds, &title, body)).into_response()
}

async fn decide(
    visitor: Visitor,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let Ok(id) = id.parse::<i64>() else { return Ok(vanished(&visitor, None, StatusCode::NOT_FOUND)) };
    if let Some(code) = field("code") {
        return map(&visitor, &desk, id, code, field("komet_id").unwrap_or_default()).await;
    }
    let (verdict, done) = match (field("take"), field("dismiss")) {
        (Some("axerrio"), _) => (Verdict::TakeAxerrio, "axerrio"),
        (Some("komet"), _) => (Verdict::TakeKomet, "komet"),
        (None, Some(_)) => (Verdict::Dismissed, "dismissed"),
        _ => {
            return Err(Trouble::bad_request("A hold is released with take=axerrio or take=komet, or dismissed."));
        }
    };
    let now = desk.now();
    let decided = desk.change(move |conn| holds::decide(conn, id, verdict, now)).await?;
    if decided.is_none() {
        return Ok(vanished(&visitor, Some(id), StatusCode::CONFLICT));
    }
    Ok(Redirect::to(&address(back(field("back")), &[("done", done)])).into_response())
}

/// Where a form leads back to: a view of this page and nowhere else.
fn back(asked: Option<&str>) -> &str {
    let is_order = |path: &&str| {
        path.strip_prefix("/orders/").is_some_and(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()))
    };
    asked.filter(is_order).unwrap_or("/holds")
}

async fn map(
    visitor: &Visitor,
    desk: &Desk,
    id: i64,
    code: &str,
    komet_id: &str,
) -> Result<response::Response, Trouble> {
    let code = map_csv::code(code).map_err(Trouble::bad_request)?;
    let komet_id = map_csv::komet_id(komet_id).map_err(Trouble::bad_request)?;
    let set = desk
        .change(move |conn| {
            let is_open = holds::get(conn, id)?.is_some();
            if is_open {
                maps::set(conn, MapKind::Product, &code, komet_id)?;
            }
            Ok(is_open)
        })
        .await?;
    if !set {
        return Ok(vanished(visitor, Some(id), StatusCode::CONFLICT));
    }
    Ok(Redirect::to(&address("/holds", &[("done", "mapped")])).into_response())
}
