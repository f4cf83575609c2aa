//! The overview: is it healthy, and what must I do? Everything it tells is read at once and kept for as long as nothing
//! changes, so that it costs the same however many orders are on file and however many people watch.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use maud::{Markup, html};

use super::access::Visitor;
use super::advice::on_page;
use super::desk::Desk;
use super::parts::{capital, clock, count, csrf_field, day, empty, moment, stage_name, thousands, words};
use super::shell::{self, Place};
use super::trouble::Trouble;
use super::{chart, live};
use crate::domain::{HoldReason, Stage, Zone};
use crate::reports::health::{self, Health, JobHealth, Known};
use crate::reports::words::{length, reason};
use crate::store::holds::{self, HoldRow};
use crate::store::{Connection, StoreError, orders};

/// Holds that are shown; the others are a click away.
const HOLDS: u32 = 8;

/// Ship dates that are drawn.
const DATES: i64 = 35;

/// What is on file of it.
pub(super) struct Facts {
    pub(super) known: Known,
    by_date: Vec<(NaiveDate, Stage, i64)>,
    holds: Vec<HoldRow>,
    pub(super) reasons: Vec<(HoldReason, i64)>,
    /// The database's size.
    pub(super) bytes: i64,
}

impl Facts {
    pub(super) fn gather(conn: &Connection, scope: &health::Scope) -> Result<Self, StoreError> {
        Ok(Self {
            known: health::gather(conn, scope)?,
            by_date: orders::stage_counts_by_date(conn)?,
            holds: holds::urgent(conn, HOLDS)?,
            reasons: holds::count_by_reason(conn)?,
            bytes: crate::store::size(conn)?,
        })
    }
}

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/", get(overview))
}

async fn overview(visitor: Visitor, State(desk): State<Desk>) -> Result<Response, Trouble> {
    let facts = desk.facts().await?;
    let health = desk.health(&facts);
    let (zone, now) = (desk.config().jobs.timezone, desk.now());
    let body = html! {
        h1 { "Overview" }
        (sentence(&health))
        (live::panel(&desk, &visitor, "overview", now, zone))
        div.cards.two {
            section.card.wide aria-labelledby="pipeline" data-live="pipeline" {
                (pipeline(&health, &facts.by_date, desk.config().horizon(now).today()))
            }
            section.card aria-labelledby="holds" data-live="holds" {
                (waiting(&facts.holds, health.held, &visitor, now, zone))
            }
            section.card aria-labelledby="budget" data-live="budget" { (budget(&health, now, zone)) }
            section.card.wide aria-labelledby="jobs" data-live="jobs" { (jobs(&health, &visitor, now, zone)) }
        }
    };
    Ok(shell::page(&visitor, Place::Overview, "Overview", body))
}

fn sentence(health: &Health) -> Markup {
    html! {
        div.health data-live="health" aria-live="polite" {
            p.lead.good[health.healthy].waiting[!health.healthy] { (health.sentence()) }
            @if !health.complaints.is_empty() {
                ul {
                    @for complaint in &health.complaints {
                        li {
                            // Of one alone the sentence says already what it is.
                            @if health.complaints.len() == 1 && !complaint.why.is_empty() {
                                a href=(complaint.path) { (capital(complaint.why)) }
                            } @else {
                                a href=(complaint.path) { (complaint.short) }
                                @if !complaint.why.is_empty() { ": " (complaint.why) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn jobs(health: &Health, visitor: &Visitor, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        h2 #jobs { "Jobs" }
        div.scroll role="region" aria-labelledby="jobs" tabindex="0" {
            table.stacked {
                thead {
                    tr {
                        th scope="col" { "Job" }
                        th scope="col" { "State" }
                        th scope="col" { "Last success" }
                        th scope="col" { "Next run" }
                        th scope="col" { "Has read up to" }
                        @if visitor.may_act() { th scope="col" { span.hidden { "Run it" } } }
                    }
                }
                tbody { @for job in &health.jobs { (job_row(job, visitor, now, zone)) } }
            }
        }
    }
}

fn job_row(job: &JobHealth, visitor: &Visitor, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "/runs?job=" (job.job) } { (job.job) } }
            td data-label="State" {
                @match job.trouble {
                    Some(trouble) => span.badge.bad { (trouble) },
                    None if job.last_run.is_none() => span.badge { "not run yet" },
                    None => span.badge.good { "ok" },
                }
            }
            td.nowrap data-label="Last success" {
                @match job.last_success { Some(at) => (moment(at, now, zone)), None => span.muted { "never" } }
            }
            td.nowrap data-label="Next run" {
                @match job.next_run {
                    Some(at) => { (moment(at, now, zone)) " " span.muted.small { (clock(at, now, zone)) } },
                    None => span.muted { "off" },
                }
            }
            td.nowrap data-label="Read up to" {
                @match job.watermark {
                    Some(at) => { (clock(at, now, zone)) " " span.muted.small { (lag(at, now)) } },
                    None => span.muted { "nothing yet" },
                }
            }
            @if let Some(csrf) = &visitor.csrf {
                td.num {
                    form method="post" action="/sync" {
                        (csrf_field(csrf))
                        input type="hidden" name="job" value=(job.job);
                        button.plain type="submit" { "Run now" span.hidden { ": " (job.job) } }
                    }
                }
            }
        }
    }
}

/// How many orders stand at each stage, whatever their ship date; also the key to the chart.
fn stages(health: &Health) -> Markup {
    let orders = |stage| health.stages.iter().find(|(one, _)| *one == stage).map_or(0, |(_, orders)| *orders);
    html! {
        ul.stages {
            @for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Cancelled) {
                li {
                    a href={ "/orders?stage=" (stage.name()) } {
                        span { (chart::key(stage)) (stage_name(stage)) }
                        b { (thousands(u64::try_from(orders(stage)).unwrap_or(0))) }
                    }
                }
            }
        }
    }
}

/// How far behind the present.
fn lag(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} behind", length((now - at).max(TimeDelta::zero())))
}

fn budget(health: &Health, now: DateTime<Utc>, zone: Zone) -> Markup {
    let (limit, used) = (health.quota.limit, health.quota.used);
    let kept = health.budget.as_ref().map_or(0, |budget| budget.reserve);
    let share = |part: u64| (part.min(limit) * 1000).checked_div(limit).unwrap_or(0);
    let (used_share, kept_share) = (share(used), share(kept));
    let of_limit = format!("{} of {} requests used", thousands(used), thousands(limit));
    html! {
        div.between {
            h2 #budget { "Komet's requests today" }
            span.muted.small { "resets " (moment(health.quota.resets_at, now, zone)) }
        }
        svg.bar viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=(of_limit) {
            rect.ground width="1000" height="10" {}
            rect.used.over[used >= limit] width=(used_share) height="10" {}
            rect.kept x=(used_share) width=(kept_share.min(1000 - used_share)) height="10" {}
        }
        ul.legend {
            li { svg.key width="12" height="12" aria-hidden="true" { rect.used width="12" height="12" rx="3" {} } (of_limit) }
            @if let Some(budget) = &health.budget {
                li {
                    svg.key width="12" height="12" aria-hidden="true" { rect.kept width="12" height="12" rx="3" {} }
                    (thousands(kept)) " kept for writes"
                }
                li { (thousands(budget.reads_left)) " left for polls" }
            }
        }
        @match health.budget.as_ref().map(crate::reports::budget::BudgetReport::warning) {
            Some(Some(warning)) => p.waiting { "! " (capital(&warning)) "." },
            Some(None) => p.muted { "At this rate the quota lasts until the reset." },
            None => p.muted { "The forecast begins with the first run." },
        }
    }
}

fn waiting(holds: &[HoldRow], all: i64, visitor: &Visitor, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        div.between {
            h2 #holds { "Waiting for a person" }
            @if all > 0 { a href="/holds" { "All " (all) } }
        }
        @if holds.is_empty() {
            (empty("Nothing waits for a person."))
        } @else {
            ul.plain {
                @for hold in holds {
                    li {
                        div.between {
                            a href={ "/holds/" (hold.id) } {
                                (reason(hold.reason)) @if let Some(order) = &hold.order { ": " (order) }
                            }
                            span.muted.small.nowrap {
                                @if let Some(date) = hold.ship_date { "ships " (day(date)) } @else { (moment(hold.since, now, zone)) }
                            }
                        }
                        @if visitor.may_act() { p.small.muted.two-lines { (words(&capital(&on_page(visitor, &hold.detail)))) } }
                    }
                }
            }
        }
    }
}

fn pipeline(health: &Health, by_date: &[(NaiveDate, Stage, i64)], today: NaiveDate) -> Markup {
    let from = today - TimeDelta::days(1);
    let to = from + TimeDelta::days(DATES - 1);
    let open = |stage: &Stage| !matches!(stage, Stage::Received | Stage::Cancelled);
    let sum = |wanted: &dyn Fn(NaiveDate, &Stage) -> bool| -> i64 {
        by_date.iter().filter(|(date, stage, _)| wanted(*date, stage)).map(|(.., orders)| orders).sum()
    };
    let before = sum(&|date, stage| date < from && open(stage));
    let after = sum(&|date, stage| date > to && open(stage));
    let shown: Vec<_> = by_date.iter().filter(|(date, ..)| (from..=to).contains(date)).copied().collect();
    html! {
        div.between {
            h2 #pipeline { "Orders by ship date" }
            span.muted.small {
                @if health.backlog > 0 { (count(health.backlog, "order", "orders")) " to be looked at by the next run" }
            }
        }
        (stages(health))
        (chart::stages(&shown, from, today))
        @if before + after > 0 {
            p.small.muted {
                @if before > 0 { (count(before, "order", "orders")) " of earlier ship dates never arrived. " }
                @if after > 0 { (count(after, "order ships", "orders ship")) " later than " (day(to)) "." }
            }
        }
    }
}
