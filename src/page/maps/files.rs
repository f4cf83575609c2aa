//! A map as a file: exported, and imported whole or not at all.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};

use super::{kind_of, may_see, path, upload};
use crate::domain::MapKind;
use crate::page::access::Visitor;
use crate::page::address::address;
use crate::page::desk::Desk;
use crate::page::parts::{count, csrf_field};
use crate::page::shell::{self, Place};
use crate::page::trouble::Trouble;
use crate::reports::map_csv;
use crate::store::maps;

/// Where the file is, and where one is taken.
pub(super) fn files(visitor: &Visitor, kind: MapKind) -> Markup {
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

pub(super) async fn import(
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

pub(super) async fn export(visitor: &Visitor, desk: &Desk, kind: MapKind) -> Result<Response, Trouble> {
    if !may_see(visitor, kind) {
        return Err(Trouble::not_logged_in(visitor.can_log_in));
    }
    let entries = desk.read(move |conn| maps::list(conn, kind)).await?;
    let text = map_csv::write(&entries).map_err(|_| Trouble::bad_request("The map cannot be written as CSV."))?;
    let name = format!("attachment; filename=\"{}-map.csv\"", kind.name());
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((StatusCode::OK, headers, text).into_response())
}
