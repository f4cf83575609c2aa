//! The overview: is it healthy, and what must I do?

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};

use super::access::Visitor;
use super::desk::Desk;
use super::parts::words;
use super::shell::{self, Place};
use super::trouble::Trouble;
use crate::reports::health::{self, Health, Scope};

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/", get(overview))
}

async fn overview(visitor: Visitor, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let (config, now) = (desk.config(), desk.now());
    let scope = Scope::of(&config, now);
    let known = desk.read(move |conn| health::gather(conn, &scope)).await?;
    let health = health::judge(&config, known, now);
    let body = html! {
        h1 { "Overview" }
        (sentence(&health))
    };
    Ok(shell::page(&visitor, Place::Overview, "Overview", body))
}

fn sentence(health: &Health) -> Markup {
    html! {
        div.health data-live="health" aria-live="polite" {
            p.lead.good[health.healthy].waiting[!health.healthy] { (health.sentence()) }
            @if !health.complaints.is_empty() {
                ul { @for complaint in &health.complaints { li { (words(&complaint.text)) } } }
            }
        }
    }
}
