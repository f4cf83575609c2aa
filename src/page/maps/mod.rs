//! The local maps from Axerrio's codes to Komet's ids: on top what waits for one. `ranking`: what a code may be. `entries`: what is
//! mapped. `files`, `upload`: as CSV.

mod entries;
mod files;
mod ranking;
mod upload;

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};

use super::access::Visitor;
use super::address::address;
use super::desk::Desk;
use super::parts::{count, thousands};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{HoldReason, MapKind};
use crate::reports::ground::Ground;
use crate::reports::map_csv;
use crate::reports::suggest::{Suggestions, compare};
use crate::store::seen::Reach;
use crate::store::{Connection, StoreError, holds, maps, orders};
use entries::{add, entries};
use files::{export, files, import};

pub(super) use ranking::ranking;

/// Codes on a page.
const ROWS: usize = 100;

/// Orders that a suggestion is made from: those of a season, so that who looks at other views meanwhile hardly waits.
pub(super) const REACH: Reach = Reach::Last(10_000);

pub(super) fn routes() -> Router<Desk> {
    // One pattern serves the view and its CSV: an address's part is one parameter.
    Router::new().route("/maps/{kind}", get(view).post(change)).route("/maps/{kind}/import", post(import))
}

fn kind_of(name: &str) -> Result<MapKind, Trouble> {
    MapKind::parse(name).ok_or_else(|| {
        Trouble::not_found("There is no such map. There are four: product, customer, carrier and box-type.")
    })
}

fn title(kind: MapKind) -> &'static str {
    match kind {
        MapKind::Product => "Products",
        MapKind::Customer => "Customers",
        MapKind::Carrier => "Carriers",
        MapKind::BoxType => "Box types",
    }
}

fn path(kind: MapKind) -> String {
    format!("/maps/{}", kind.name())
}

/// Customers' codes name customers.
fn may_see(visitor: &Visitor, kind: MapKind) -> bool {
    visitor.may_act() || kind != MapKind::Customer
}

async fn view(
    visitor: Visitor,
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Query(fields): Query<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    if let Some(name) = name.strip_suffix(".csv") {
        return export(&visitor, &desk, kind_of(name)?).await;
    }
    let kind = kind_of(&name)?;
    let shown = if may_see(&visitor, kind) { Some(gather(&desk, kind, &fields).await?) } else { None };
    let body = html! {
        h1 { "Maps" }
        (kinds(kind))
        (told(&fields))
        @match &shown {
            Some(shown) => { (draw(&visitor, kind, shown)) },
            None => { p.lead { "The customers' map names customers: it is for whoever is logged in." } },
        }
    };
    Ok(shell::page(&visitor, Place::Maps, title(kind), body))
}

/// What the view of a map shows.
struct Shown {
    entries: Vec<(String, i64)>,
    /// Of all, as they were narrowed.
    fits: usize,
    all: usize,
    text: String,
    page: usize,
    /// Codes that orders wait for, and how many.
    waiting: Vec<(String, usize)>,
    suggested: Option<Suggestions>,
}

async fn gather(desk: &Desk, kind: MapKind, fields: &HashMap<String, String>) -> Result<Shown, Trouble> {
    let field = |name: &str| fields.get(name).map(|value| value.trim().to_owned()).unwrap_or_default();
    let (text, code) = (field("q"), field("code"));
    let page: usize = field("page").parse().unwrap_or(1).clamp(1, 100_000);
    let code = if code.is_empty() { None } else { Some(map_csv::code(&code).map_err(Trouble::bad_request)?) };
    let (config, now) = (desk.config(), desk.now());
    desk.read(move |conn| {
        let mut entries = maps::list(conn, kind)?;
        let all = entries.len();
        let wanted = text.to_lowercase();
        entries.retain(|(code, id)| code.to_lowercase().contains(&wanted) || id.to_string() == wanted);
        let waiting = match kind {
            MapKind::Product => waiting(conn, &Ground::load(conn, &config, config.horizon(now).today())?)?,
            MapKind::Customer | MapKind::Carrier | MapKind::BoxType => Vec::new(),
        };
        let suggested = code.map(|code| compare(conn, kind, &code, REACH)).transpose()?;
        let fits = entries.len();
        let entries = entries.into_iter().skip((page - 1) * ROWS).take(ROWS).collect();
        Ok(Shown { entries, fits, all, text, page, waiting, suggested })
    })
    .await
}

/// The product codes that orders wait for, those that most wait for first.
fn waiting(conn: &Connection, ground: &Ground) -> Result<Vec<(String, usize)>, StoreError> {
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let held = holds::list(conn)?.into_iter().filter(|hold| hold.reason == HoldReason::UnmappedProduct);
    for hold in held {
        let Some(key) = hold.order_key else { continue };
        let Some(order) = orders::load(conn, key)? else { continue };
        for code in ground.unmapped_codes(&order, hold.line.as_ref()).into_iter().flatten() {
            *codes.entry(code).or_default() += 1;
        }
    }
    let mut codes: Vec<_> = codes.into_iter().collect();
    codes.sort_by(|(a, lines), (b, more)| more.cmp(lines).then(a.cmp(b)));
    Ok(codes)
}

fn kinds(here: MapKind) -> Markup {
    html! {
        nav.tabs aria-label="Kinds of map" {
            @for kind in MapKind::ALL {
                a href=(path(kind)) aria-current=[(kind == here).then_some("page")] { (title(kind)) }
            }
        }
    }
}

/// What the last form did.
fn told(fields: &HashMap<String, String>) -> Markup {
    let number = |name: &str| fields.get(name).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    let what = match fields.get("done").map_or("", String::as_str) {
        "set" => "Set. The next run goes on with the orders that wait for it.".to_owned(),
        "removed" => "Removed: the code is not mapped any more.".to_owned(),
        "imported" => format!(
            "{} imported, {} of them new or changed.",
            count(number("codes"), "code", "codes"),
            thousands(number("changed"))
        ),
        _ => return html! {},
    };
    html! { p.notice role="status" { "✓ " (what) } }
}

fn draw(visitor: &Visitor, kind: MapKind, shown: &Shown) -> Markup {
    html! {
        @if !shown.waiting.is_empty() {
            section.card aria-labelledby="waiting" data-live="waiting" {
                h2 #waiting { "Orders wait for these" }
                ul.plain {
                    @for (code, lines) in &shown.waiting {
                        li {
                            code { (code) } " " span.muted { (count(*lines, "line waits", "lines wait")) } " "
                            a href=(address(&path(kind), &[("code", code)])) { "What it may be" }
                        }
                    }
                }
            }
        }
        section.card aria-labelledby="suggest" {
            h2 #suggest { "What a code may be" }
            form.row method="get" action=(path(kind)) {
                div {
                    label for="code" { "Axerrio code" }
                    input #code name="code" required maxlength="200" autocomplete="off"
                        value=(shown.suggested.as_ref().map(|it| it.axerrio_code.as_str()).unwrap_or_default());
                }
                div { button.second type="submit" { "Compare" } }
            }
            @if let Some(suggested) = &shown.suggested { (ranking(visitor, &path(kind), suggested)) }
        }
        section.card aria-labelledby="entries" {
            h2 #entries { "What is mapped" }
            @if let Some(csrf) = &visitor.csrf { (add(kind, csrf)) }
            (entries(visitor, kind, shown))
        }
        (files(visitor, kind))
    }
}

async fn change(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Result<Response, Trouble> {
    let kind = kind_of(&name)?;
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let code = map_csv::code(field("code")).map_err(Trouble::bad_request)?;
    let done = if fields.contains_key("remove") {
        desk.change(move |conn| maps::remove(conn, kind, &code)).await?;
        "removed"
    } else {
        let komet_id = map_csv::komet_id(field("komet_id")).map_err(Trouble::bad_request)?;
        desk.change(move |conn| maps::set(conn, kind, &code, komet_id)).await?;
        "set"
    };
    Ok(Redirect::to(&address(&path(kind), &[("done", done)])).into_response())
}
