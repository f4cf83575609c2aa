//! Runs: past ones with how they went, one in detail, and what somebody asked for now.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::access::Visitor;
use super::advice::on_page;
use super::desk::Desk;
use super::parts::{clock, count, empty, moment, pager, thousands};
use super::shell::{self, Place};
use super::trouble::Trouble;
use super::{live, spark};
use crate::domain::Zone;
use crate::reports::runs::{Happened, RunLine, RunStory, story};
use crate::reports::words::deed;
use crate::store::runs;
use crate::sync::report::{Job, JobReport, Outcome};
use crate::systems::gist;

/// Runs on a page.
const PAGE: u32 = 50;

/// Runs in a sparkline.
const SPARK: u32 = 60;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/runs", get(list)).route("/runs/{run}", get(one))
}

#[derive(Deserialize)]
struct Asked {
    job: Option<String>,
    page: Option<u64>,
}

async fn list(visitor: Visitor, State(desk): State<Desk>, asked: Query<Asked>) -> Result<Response, Trouble> {
    let job = match asked.job.as_deref().filter(|job| !job.is_empty()) {
        Some(name) => Some(Job::parse(name).ok_or_else(|| {
            Trouble::bad_request("There is no such job: they are orders, prebooks, purchase-orders and labels.")
        })?),
        None => None,
    };
    let page = asked.page.unwrap_or(1).clamp(1, 1_000_000);
    let read = desk.read(move |conn| {
        let rows = runs::page(conn, job, PAGE, (page - 1) * u64::from(PAGE))?;
        Ok((rows, runs::list(conn, job, SPARK)?, runs::count(conn, job)?))
    });
    let (rows, recent, all) = read.await?;
    let lines =
        |rows: Vec<runs::RunRow>| -> Vec<RunLine> { rows.into_iter().map(|row| RunLine::new(row, job)).collect() };
    let (rows, recent) = (lines(rows), lines(recent));
    let (now, zone) = (desk.now(), desk.config().jobs.timezone);
    let name = job.map(Job::name);
    let address =
        |page: u64| format!("/runs?page={page}{}", name.map(|job| format!("&job={job}")).unwrap_or_default());
    let pages = all.div_ceil(u64::from(PAGE));
    let body = html! {
        h1 { "Runs" }
        (live::panel(&desk, &visitor, "runs", now, zone))
        nav.tabs aria-label="Jobs" {
            a href="/runs" aria-current=[job.is_none().then_some("page")] { "All jobs" }
            @for one in Job::ALL {
                a href={ "/runs?job=" (one.name()) } aria-current=[(job == Some(one)).then_some("page")] { (one.name()) }
            }
        }
        section.card aria-labelledby="lately" data-live="sparks" { (sparks(&recent)) }
        section.card aria-labelledby="history" data-live="history" {
            h2 #history { "History" }
            (table(&rows, now, zone))
            (pager(["Newer", "Older"], page, Some(pages), page < pages, address))
        }
    };
    Ok(shell::page(&visitor, Place::Runs, "Runs", body))
}

fn took(run: &RunLine) -> Option<TimeDelta> {
    Some(run.finished_at? - run.started_at)
}

fn milliseconds(time: TimeDelta) -> u64 {
    u64::try_from(time.num_milliseconds()).unwrap_or(0)
}

/// `850 ms`, `4.2 s`, `3 min`.
fn duration(time: TimeDelta) -> String {
    match milliseconds(time) {
        short @ ..1000 => format!("{short} ms"),
        seconds @ 1000..60_000 => format!("{}.{} s", seconds / 1000, seconds % 1000 / 100),
        long => format!("{} min", long / 60_000),
    }
}

fn sparks(recent: &[RunLine]) -> Markup {
    let finished: Vec<_> = recent.iter().rev().filter(|run| run.finished_at.is_some()).collect();
    let figures = |figure: &dyn Fn(&RunLine) -> u64| finished.iter().map(|run| figure(run)).collect::<Vec<_>>();
    let durations = figures(&|run| took(run).map_or(0, milliseconds));
    let requests = figures(&|run| run.requests.axerrio + run.requests.komet);
    let changes = figures(&|run| run.changed + run.pushed);
    let last = |figures: &[u64]| figures.last().copied().unwrap_or(0);
    let most = |figures: &[u64]| figures.iter().copied().max().unwrap_or(0);
    let time = |ms: u64| duration(TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX)));
    let told = |name: &str, last: &str, most: &str| {
        format!(
            "{name} of the last {}: {last} in the last one, at most {most}",
            count(finished.len(), "run", "runs")
        )
    };
    html! {
        h2 #lately { "The last " @if finished.len() == 1 { "run" } @else { (count(finished.len(), "run", "runs")) } }
        div.cards.three {
            @for (name, figures, last, most) in [
                ("Duration", &durations, time(last(&durations)), time(most(&durations))),
                ("Requests", &requests, thousands(last(&requests)), thousands(most(&requests))),
                ("Changes", &changes, thousands(last(&changes)), thousands(most(&changes))),
            ] {
                div {
                    div.between { span { (name) } span { strong { (last) } span.muted.small { " at most " (most) } } }
                    (spark::line(figures, &told(name, &last, &most)))
                }
            }
        }
    }
}

fn table(rows: &[RunLine], now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        @if rows.is_empty() {
            (empty("No run is on file here yet: the first one is made as soon as a job is due."))
        } @else {
            div.scroll role="region" aria-labelledby="history" tabindex="0" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Started" }
                            th.spare scope="col" { "Jobs" }
                            th scope="col" { "Outcome" }
                            th scope="col" { "What" }
                            th.num.spare scope="col" { "Requests" }
                            th.num.spare scope="col" { "Took" }
                            th.spare scope="col" { "By" }
                        }
                    }
                    tbody {
                        @for run in rows {
                            tr {
                                td.nowrap { a href={ "/runs/" (run.run) } { (clock(run.started_at, now, zone)) } }
                                td.spare { (names(&run.jobs)) }
                                td { (outcome(run.outcome)) }
                                td { (run.did()) }
                                td.num.spare { (thousands(run.requests.axerrio + run.requests.komet)) }
                                td.num.spare { @if let Some(time) = took(run) { (duration(time)) } }
                                td.spare { (run.trigger) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A run's jobs: all four are "all".
pub(super) fn names(jobs: &[Job]) -> String {
    if jobs.len() == Job::ALL.len() {
        return "all".to_owned();
    }
    jobs.iter().map(|job| job.name()).collect::<Vec<_>>().join(", ")
}

/// How a run ended, as a badge.
pub(super) fn outcome(outcome: Option<Outcome>) -> Markup {
    html! {
        @match outcome {
            Some(one @ Outcome::Ok) => span.badge.good { (one.name()) },
            Some(one @ Outcome::Attention) => span.badge.waiting { (one.name()) },
            Some(one) => span.badge.bad { (one.name()) },
            None => span.badge { "unfinished" },
        }
    }
}

async fn one(visitor: Visitor, State(desk): State<Desk>, Path(run): Path<String>) -> Result<Response, Trouble> {
    let story = desk.read(move |conn| story(conn, run.trim())).await?;
    let story = story.ok_or_else(|| {
        Trouble::not_found(
            "There is no such run on file. Of quiet runs in a row only the last is kept, and finished runs go after the \
             retention time.",
        )
    })?;
    let (now, zone) = (desk.now(), desk.config().jobs.timezone);
    let body = html! {
        p.small { a href="/runs" { "← Runs" } }
        h1 { "Run of " (clock(story.started_at, now, zone)) }
        div data-live="run-detail" { (detail(&story, &visitor, now, zone)) }
    };
    Ok(shell::page(&visitor, Place::Runs, "One run", body))
}

fn detail(story: &RunStory, visitor: &Visitor, now: DateTime<Utc>, zone: Zone) -> Markup {
    let took = story.finished_at.map(|at| at - story.started_at);
    html! {
        section.card aria-label="In short" {
            dl.figures {
                div { dt { "Outcome" } dd { (outcome(story.outcome)) } }
                div { dt { "Started" } dd { (moment(story.started_at, now, zone)) } }
                div { dt { "Took" } dd { @if let Some(time) = took { (duration(time)) } @else { "unfinished" } } }
                div { dt { "By" } dd { (story.trigger) } }
                @if let Some(quota) = story.quota {
                    div { dt { "Komet's requests that day" } dd { (thousands(quota.used)) " of " (thousands(quota.limit)) } }
                }
            }
            @if story.repeats > 0 {
                p.muted {
                    "It stands for " (story.repeats + 1) " runs in a row that found nothing, since "
                    (clock(story.first_started_at, now, zone)) "."
                }
            }
            p.small.muted { "Id " code { (story.run) } }
        }
        @if !story.jobs.is_empty() { (jobs(&story.jobs, visitor, now, zone)) }
        section.card aria-labelledby="happened" {
            h2 #happened { "What happened" }
            @if story.actions.is_empty() {
                (empty("Nothing was sent and nothing held."))
            } @else {
                div.scroll role="region" aria-labelledby="happened" tabindex="0" {
                    table {
                        thead {
                            tr {
                                th.spare scope="col" { "At" }
                                th scope="col" { "Order" }
                                th scope="col" { "What" }
                                th scope="col" { "Result" }
                                @if visitor.may_act() { th scope="col" { "Detail" } }
                            }
                        }
                        tbody { @for action in &story.actions { (happened(action, visitor, zone)) } }
                    }
                }
            }
        }
    }
}

/// What a run counted of a job.
const FIGURES: [&str; 7] = ["Polled", "Changed", "Pushed", "Held", "Failed", "To Axerrio", "To Komet"];

fn jobs(jobs: &[JobReport], visitor: &Visitor, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        section.card aria-labelledby="jobs" {
            h2 #jobs { "Jobs" }
            div.scroll role="region" aria-labelledby="jobs" tabindex="0" {
                table.stacked {
                    thead {
                        tr {
                            th scope="col" { "Job" }
                            th scope="col" { "Outcome" }
                            @for figure in FIGURES {
                                th.num scope="col" { (figure) }
                            }
                            th scope="col" { "Read up to" }
                        }
                    }
                    tbody {
                        @for job in jobs {
                            tr {
                                th scope="row" { (job.job.name()) }
                                td data-label="Outcome" { (outcome(Some(job.outcome))) }
                                @for (name, figure) in FIGURES.iter().zip([
                                    job.polled, job.changed, job.pushed, job.held, job.failed, job.requests.axerrio,
                                    job.requests.komet,
                                ]) {
                                    td.num data-label=(name) { (thousands(figure)) }
                                }
                                td.nowrap data-label="Read up to" { @if let Some(at) = job.watermark.after { (clock(at, now, zone)) } }
                            }
                        }
                    }
                }
            }
            @for (job, error) in jobs.iter().filter_map(|job| Some((job.job, job.error.as_ref()?))) {
                // What a system answered may hold anything.
                @if visitor.may_act() {
                    p.bad { (job.name()) ": " (error) }
                } @else if let Some(gist) = gist(error) {
                    p.bad { (job.name()) ": " (gist) ". Whoever logs in sees more." }
                } @else {
                    p.bad { (job.name()) " could not be done; whoever logs in sees why." }
                }
            }
        }
    }
}

fn happened(action: &Happened, visitor: &Visitor, zone: Zone) -> Markup {
    html! {
        tr {
            td.nowrap.spare { (action.at.with_timezone(&zone).format("%H:%M:%S")) }
            td.nowrap {
                @match (&action.order, action.key) {
                    (Some(order), Some(key)) => a href={ "/orders/" (key.0) } { (order) },
                    (Some(order), None) => (order),
                    (None, _) => span.muted { "–" },
                }
            }
            td.nowrap {
                (deed(&action.method))
                @match action.system {
                    Some("komet") => span.muted.small { " in Komet" },
                    Some("axerrio") => span.muted.small { " in Axerrio" },
                    _ => {},
                }
            }
            td {
                @match action.result {
                    Some("failed") => span.badge.bad { "failed" },
                    Some("held") => span.badge.waiting { "held" },
                    Some(result) => span.badge.good { (result) },
                    None => span.muted { "–" },
                }
            }
            @if visitor.may_act() { td { (on_page(visitor, &action.detail)) } }
        }
    }
}
