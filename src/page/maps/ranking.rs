//! What a code may be, with a button for each product, customer or carrier of Komet's.

use maud::{Markup, html};

use crate::page::access::Visitor;
use crate::page::parts::{csrf_field, words};
use crate::reports::suggest::Suggestions;

/// What a code may be: the likeliest first, why, and a button each that says so to `action`.
pub(in crate::page) fn ranking(visitor: &Visitor, action: &str, suggested: &Suggestions) -> Markup {
    let code = &suggested.axerrio_code;
    html! {
        p { (suggested.heading()) }
        @if let Some(id) = suggested.mapped_to { p.waiting { "It is mapped to " (id) " already." } }
        @if suggested.suggestions.is_empty() { p.empty { (words(&suggested.nothing())) } }
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

/// What each form about a code holds.
pub(super) fn hidden(csrf: &str, code: &str) -> Markup {
    html! {
        (csrf_field(csrf))
        input type="hidden" name="code" value=(code);
    }
}
