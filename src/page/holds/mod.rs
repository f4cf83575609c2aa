//! What waits for a person, and deciding it. A hold that somebody else decided meanwhile is no error: the page says so. `card`
//! draws one.

mod card;

use std::collections::HashMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Router, response};
use maud::{Markup, html};

use super::access::Visitor;
use super::address::address;
use super::desk::Desk;
use super::maps::REACH;
use super::parts::{capital, count, pager};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{MapKind, Verdict};
use crate::reports::ground::Ground;
use crate::reports::holds::{gone, without_sides};
use crate::reports::map_csv;
use crate::reports::suggest::compare;
use crate::reports::words::reason as words_of;
use crate::store::holds::{self, Decided};
use crate::store::maps;

pub(super) use card::{HoldView, card};

/// Holds on a page, each with all its choices.
const ROWS: usize = 10;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/holds", get(list)).route("/holds/{id}", get(one).post(decide))
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
            let ground = Ground::load(conn, &config, config.horizon(now).today())?;
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
            let ground = Ground::load(conn, &config, config.horizon(now).today())?;
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
    match desk.change(move |conn| holds::decide(conn, id, verdict, now)).await? {
        Decided::Taken(_) => Ok(Redirect::to(&address(back(field("back")), &[("done", done)])).into_response()),
        Decided::WithoutSides(hold) => {
            Err(Trouble::bad_request(format!("{}.", capital(without_sides(&hold).trim_end_matches('.')))))
        }
        Decided::Gone => Ok(vanished(&visitor, Some(id), StatusCode::CONFLICT)),
    }
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
