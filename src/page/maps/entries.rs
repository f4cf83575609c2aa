//! What is mapped: found, set and removed.

use maud::{Markup, html};

use super::ranking::hidden;
use super::{ROWS, Shown, path};
use crate::domain::MapKind;
use crate::page::access::Visitor;
use crate::page::address::address;
use crate::page::parts::{count, csrf_field, pager};

/// Where a code is set.
pub(super) fn add(kind: MapKind, csrf: &str) -> Markup {
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

/// A page of what is mapped.
pub(super) fn entries(visitor: &Visitor, kind: MapKind, shown: &Shown) -> Markup {
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
                    tbody { @for (at, (code, id)) in shown.entries.iter().enumerate() { (entry(visitor, kind, at, code, *id)) } }
                }
            }
            (pager(["Previous", "Next"], shown.page as u64, Some(pages as u64), shown.page < pages, at))
        }
    }
}

/// `at`: its place on the page, which names its field.
fn entry(visitor: &Visitor, kind: MapKind, at: usize, code: &str, id: i64) -> Markup {
    let field = format!("id-{at}");
    html! {
        tr {
            th scope="row" { code { (code) } }
            @if let Some(csrf) = &visitor.csrf {
                td {
                    form.row method="post" action=(path(kind)) {
                        (hidden(csrf, code))
                        label.hidden for=(field) { "Komet id of " (code) }
                        input.id id=(field) name="komet_id" value=(id) inputmode="numeric" pattern="[0-9]+" required;
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
