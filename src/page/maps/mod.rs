//! The local maps from Axerrio's codes to Komet's ids: seen, set, removed, imported and exported; on top what waits for one.

mod upload;

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};

use super::access::Visitor;
use super::address::address;
use super::desk::Desk;
use super::parts::{count, csrf_field, pager, thousands};
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::domain::{HoldReason, MapKind};
use crate::reports::ground::Ground;
use crate::reports::map_csv;
use crate::reports::suggest::{Suggestions, compare};
use crate::store::seen::Reach;
use crate::store::{Connection, StoreError, holds, maps, orders};

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
        let today = now.with_timezone(&config.jobs.timezone).date_naive();
        let waiting = match kind {
            MapKind::Product => waiting(conn, &Ground::load(conn, &config, today)?)?,
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

/// What a code may be: the likeliest first, why, and a button each that says so to `action`.
pub(super) fn ranking(visitor: &Visitor, action: &str, suggested: &Suggestions) -> Markup {
    let code = &suggested.axerrio_code;
    html! {
        p { (suggested.heading()) }
        @if let Some(id) = suggested.mapped_to { p.waiting { "It is mapped to " (id) " already." } }
        @if suggested.suggestions.is_empty() { p.empty { (super::parts::words(&suggested.nothing())) } }
        @else {
            div.scroll {
                table {
                    caption { "The likeliest first. Nothing is set until a person says so: a wrong product on a box is worse than a question." }
                    thead {
                        tr {
                            th scope="col" { "In Komet" } th.num scope="col" { "Score" } th scope="col" { "Why" }
                            @if visitor.may_act() { th scope="col" { span.hidden { "Map it" } } }
                        }
                    }
                    tbody {
                        @for it in &suggested.suggestions {
                            tr {
                                th scope="row" { (it.description) " " span.muted { (it.komet_id) } }
                                td.num { (it.score) }
                                td { (it.why.join("; ")) }
                                @if let Some(csrf) = &visitor.csrf {
                                    td {
                                        form method="post" action=(action) {
                                            (hidden(csrf, code))
                                            input type="hidden" name="komet_id" value=(it.komet_id);
                                            button.nowrap type="submit" aria-label={ "Map to this: " (code) " is " (it.komet_id) } { "Map to this" }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(csrf) = &visitor.csrf {
            form.row method="post" action=(action) {
                (hidden(csrf, code))
                div {
                    label for="other" { @if suggested.suggestions.is_empty() { "Komet id" } @else { "Another Komet id" } }
                    input #other name="komet_id" inputmode="numeric" pattern="[0-9]+" required autocomplete="off";
                }
                div { button.second type="submit" { "Map to that" } }
            }
        }
    }
}

fn hidden(csrf: &str, code: &str) -> Markup {
    html! {
        (csrf_field(csrf))
        input type="hidden" name="code" value=(code);
    }
}

fn add(kind: MapKind, csrf: &str) -> Markup {
    html! {
        form.row method="post" action=(path(kind)) {
            (csrf_field(csrf))
            div {
                label for="new-code" { "Axerrio code" }
                input #new-code name="code" required maxlength="200" autocomplete="off";
            }
            div {
                label for="new-id" { "Komet id" }
                input #new-id name="komet_id" inputmode="numeric" pattern="[0-9]+" required autocomplete="off";
            }
            div { button type="submit" { "Set" } }
        }
    }
}

fn entries(visitor: &Visitor, kind: MapKind, shown: &Shown) -> Markup {
    let pages = shown.fits.div_ceil(ROWS).max(1);
    let at = |page: u64| address(&path(kind), &[("q", &shown.text), ("page", &page.to_string())]);
    html! {
        @if shown.all > ROWS || !shown.text.is_empty() {
            form.row method="get" action=(path(kind)) {
                div { label for="q" { "Find" } input #q type="search" name="q" value=(shown.text) maxlength="200"; }
                div { button.second type="submit" { "Show" } }
            }
        }
        @if shown.all == 0 {
            p.empty { "This map is empty. Without it Komet is asked by code and name, and may not know them." }
        } @else if shown.entries.is_empty() {
            p.empty { "Nothing fits. " a href=(path(kind)) { "Show all" } }
        } @else {
            div.scroll {
                table {
                    caption { (count(shown.fits, "code", "codes")) }
                    thead {
                        tr {
                            th scope="col" { "Axerrio code" } th scope="col" { "Komet id" }
                            @if visitor.may_act() { th scope="col" { span.hidden { "Remove" } } }
                        }
                    }
                    tbody { @for (code, id) in &shown.entries { (entry(visitor, kind, code, *id)) } }
                }
            }
            (pager(["Previous", "Next"], shown.page as u64, Some(pages as u64), shown.page < pages, at))
        }
    }
}

fn entry(visitor: &Visitor, kind: MapKind, code: &str, id: i64) -> Markup {
    html! {
        tr {
            th scope="row" { code { (code) } }
            @if let Some(csrf) = &visitor.csrf {
                td {
                    form.row method="post" action=(path(kind)) {
                        (hidden(csrf, code))
                        input.id name="komet_id" value=(id) inputmode="numeric" pattern="[0-9]+" required
                            aria-label={ "Komet id of " (code) };
                        button.plain type="submit" aria-label={ "Set " (code) } { "Set" }
                    }
                }
                td {
                    form method="post" action=(path(kind)) {
                        (hidden(csrf, code))
                        button.plain.bad type="submit" name="remove" value="1" aria-label={ "Remove " (code) } { "Remove" }
                    }
                }
            } @else { td { (id) } }
        }
    }
}

fn files(visitor: &Visitor, kind: MapKind) -> Markup {
    html! {
        section.card aria-labelledby="files" {
            h2 #files { "As a file" }
            p { a href={ (path(kind)) ".csv" } { "Export as CSV" } }
            @if let Some(csrf) = &visitor.csrf {
                form.row method="post" action={ (path(kind)) "/import" } enctype="multipart/form-data" {
                    (csrf_field(csrf))
                    div {
                        label for="csv" { "Import a CSV with the columns " code { "axerrio_code,komet_id" } }
                        input #csv type="file" name="csv" accept=".csv,text/csv" required;
                    }
                    div { button.second type="submit" { "Import" } }
                }
                p.muted.small { "A file is taken whole or not at all. Codes that stand in the map and not in the file stay." }
            }
        }
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

async fn import(
    visitor: Visitor,
    State(desk): State<Desk>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Trouble> {
    let kind = kind_of(&name)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let file = upload::part(content_type, &body, "csv");
    let file = file.ok_or_else(|| Trouble::bad_request("No file came with the form: choose one, then import."))?;
    let rows = match map_csv::parse(file) {
        Ok(rows) => rows,
        Err(problems) => return Ok(refused(&visitor, kind, &problems)),
    };
    let codes = rows.len();
    let changed = desk.change(move |conn| maps::import(conn, kind, &rows)).await?;
    let fields = [("done", "imported"), ("codes", &codes.to_string()), ("changed", &changed.to_string())];
    Ok(Redirect::to(&address(&path(kind), &fields)).into_response())
}

/// A file with bad rows: each is named, and nothing was taken from it.
fn refused(visitor: &Visitor, kind: MapKind, problems: &[String]) -> Response {
    let body = html! {
        h1 { "Nothing was imported" }
        p.lead { (count(problems.len(), "row is", "rows are")) " not as it should be. Mend the file, then import it again." }
        ul { @for problem in map_csv::told(problems) { li { (problem) } } }
        p { a href=(path(kind)) { "Back to the map" } }
    };
    (StatusCode::BAD_REQUEST, shell::page(visitor, Place::Maps, "Nothing was imported", body)).into_response()
}

async fn export(visitor: &Visitor, desk: &Desk, kind: MapKind) -> Result<Response, Trouble> {
    if !may_see(visitor, kind) {
        return Err(Trouble::not_logged_in(visitor.can_log_in));
    }
    let entries = desk.read(move |conn| maps::list(conn, kind)).await?;
    let text = map_csv::write(&entries).map_err(|_| Trouble::bad_request("The map cannot be written as CSV."))?;
    let name = format!("attachment; filename=\"{}-map.csv\"", kind.name());
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((StatusCode::OK, headers, text).into_response())
}
