//! Following what happens: whoever watches gets one small event for each change (server-sent events) and fetches what he looks
//! at anew. And having it happen: a run that somebody asks for, while it waits, while it goes on, and what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Router};
use chrono::{DateTime, Utc};
use futures_util::stream;
use maud::{Markup, html};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::access::Visitor;
use super::desk::Desk;
use super::parts::{clock, csrf_field, moment, thousands};
use super::runs::{names, outcome};
use super::server::{Stopping, told};
use super::trouble::Trouble;
use crate::daemon::board::{Ended, Shown, UnderWay};
use crate::domain::Zone;
use crate::sync::report::Job;

/// At most one event in this time: what changes in between is the same event.
const BETWEEN: Duration = Duration::from_millis(400);

/// Something is said at least this often: proxies close a connection on which nothing is, and whoever is gone shows.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/live", get(live)).route("/sync", post(sync))
}

/// One who watches.
struct Watcher {
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// Nothing was said yet.
    is_new: bool,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// What is said next; `None` once the page ends.
    async fn next(&mut self) -> Option<&'static str> {
        if std::mem::take(&mut self.is_new) {
            return Some("retry: 3000\n\n");
        }
        let said = tokio::select! {
            biased;
            () = told(&mut self.stopping) => return None,
            changed = self.changes.changed() => changed.ok().map(|()| "data: changed\n\n")?,
            () = tokio::time::sleep(KEEP_ALIVE) => return Some(":\n\n"),
        };
        tokio::select! {
            () = told(&mut self.stopping) => return None,
            () = tokio::time::sleep(BETWEEN) => {}
        }
        self.changes.mark_unchanged();
        Some(said)
    }
}

async fn live(
    State(desk): State<Desk>,
    Extension(Stopping(stopping)): Extension<Stopping>,
) -> Result<Response, Trouble> {
    let place = desk.watch().ok_or_else(|| Trouble::too_many("As many pages as can be followed are open."))?;
    let watcher = Watcher { changes: desk.board().changes(), stopping, is_new: true, _place: place };
    let events = stream::unfold(watcher, async |mut watcher| {
        let said = watcher.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(said.as_bytes())), watcher))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (axum::http::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

#[derive(Deserialize)]
struct Wanted {
    job: String,
    from: Option<String>,
}

async fn sync(State(desk): State<Desk>, Form(wanted): Form<Wanted>) -> Result<Redirect, Trouble> {
    let jobs = match wanted.job.as_str() {
        "all" => Job::ALL.to_vec(),
        name => vec![Job::parse(name).ok_or_else(|| {
            Trouble::bad_request(
                "There is no such job: they are orders, prebooks, purchase-orders and labels, or all.",
            )
        })?],
    };
    desk.sync(jobs);
    Ok(Redirect::to(if wanted.from.as_deref() == Some("runs") { "/runs" } else { "/" }))
}

/// What is asked for, what goes on, what came of it; and where to ask. `from`: where the answer to a form leads back to.
pub(super) fn panel(desk: &Desk, visitor: &Visitor, from: &str, now: DateTime<Utc>, zone: Zone) -> Markup {
    let Shown { asked, under_way, last_asked, .. } = desk.board().shown();
    html! {
        section.card.run aria-label="What runs now" {
            div.between {
                div.grow data-live="run" aria-live="polite" aria-busy=[under_way.is_some().then_some("true")] {
                    (now_running(&asked, under_way.as_ref(), last_asked.as_ref(), now, zone))
                }
                div data-live="ask" {
                    @if let Some(csrf) = &visitor.csrf {
                        form.row method="post" action="/sync" {
                            (csrf_field(csrf))
                            input type="hidden" name="from" value=(from);
                            div {
                                label.hidden for="job" { "What to run" }
                                select #job name="job" {
                                    option value="all" { "All jobs" }
                                    @for job in Job::ALL { option value=(job.name()) { (job.name()) } }
                                }
                            }
                            button type="submit" { "Sync now" }
                        }
                    }
                }
            }
        }
    }
}

fn now_running(
    asked: &BTreeSet<Job>,
    under_way: Option<&UnderWay>,
    last_asked: Option<&Ended>,
    now: DateTime<Utc>,
    zone: Zone,
) -> Markup {
    html! {
        @if let Some(run) = under_way { (progress(run, now, zone)) }
        @if !asked.is_empty() {
            p { strong { "Asked for: " (names(&asked.iter().copied().collect::<Vec<_>>())) "." } " It begins as soon as nothing else runs." }
        }
        @if let Some(ended) = last_asked { (result(ended, now, zone)) }
        @if under_way.is_none() && asked.is_empty() && last_asked.is_none() { p.muted { "Nothing runs now." } }
    }
}

fn progress(run: &UnderWay, now: DateTime<Utc>, zone: Zone) -> Markup {
    let what = run.job.map_or_else(|| names(&run.jobs), |job| job.name().to_owned());
    let figures = [(run.pushed, "done"), (run.failed, "failed")];
    let figures: Vec<_> = figures.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    html! {
        p {
            strong { "Running: " (what) }
            @match run.orders {
                Some(orders) if orders > 0 => { ", " (run.finished) " of " (thousands(orders as u64)) " orders" },
                _ => ", reading what changed",
            }
            @if !figures.is_empty() { "; " (figures.join(", ")) }
            span.muted.small {
                @if run.is_asked_for { " asked for here," } " since " (clock(run.since, now, zone))
            }
        }
        @match run.orders {
            Some(orders) if orders > 0 => progress aria-label="Orders looked at" max=(orders) value=(run.finished.min(orders)) {},
            _ => progress aria-label="Reading" {},
        }
    }
}

fn result(ended: &Ended, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        p {
            @match &ended.run {
                Some((id, how)) => {
                    (outcome(Some(*how))) " The run asked for here ended " (moment(ended.at, now, zone)) ": " (ended.text) ". "
                    a href={ "/runs/" (id) } { "In detail" }
                },
                None => { span.badge.bad { "not done" } " " (ended.text) },
            }
        }
    }
}
