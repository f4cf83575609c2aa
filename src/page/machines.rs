//! What programs read: `/metrics` for Prometheus, `/healthz` (it lives), `/readyz` (it is healthy, by the same rule as
//! `status`). Nothing in them names a customer, an order or a product.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::desk::Desk;
use super::overview::Facts;
use super::trouble::Trouble;
use crate::daemon::board::Totals;
use crate::domain::{HoldReason, Stage};
use crate::reports::health::{self, Health};
use crate::sync::report::{Job, Outcome};

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

async fn healthz() -> Response {
    plain(StatusCode::OK, "alive\n".to_owned())
}

async fn readyz(State(desk): State<Desk>) -> Response {
    let Ok(facts) = desk.facts().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be read\n".to_owned());
    };
    let health = desk.health(&facts);
    let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    plain(status, format!("{}\n", health.sentence()))
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

async fn metrics(State(desk): State<Desk>) -> Result<Response, Trouble> {
    let facts = desk.facts().await?;
    let health = desk.health(&facts);
    let shown = desk.board().shown();
    let mut page = Exposition::default();
    page.gauge("stemsync_build_info", "The version that runs.");
    page.value(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    of_health(&mut page, &health);
    of_trade(&mut page, &facts, &health);
    of_budget(&mut page, &health);
    page.gauge("stemsync_run_under_way", "Whether a run goes on.");
    page.value(&[], u8::from(shown.under_way.is_some()));
    of_runs(&mut page, &shown.totals);
    page.gauge("stemsync_page_watchers", "Open pages that follow what happens.");
    page.value(&[], desk.watchers());
    page.gauge("stemsync_database_size_bytes", "Size of the database.");
    page.value(&[], facts.bytes);
    of_process(&mut page, desk.since);
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, page.text).into_response())
}

/// One of a job's moments.
type Moment = fn(&health::JobHealth) -> Option<DateTime<Utc>>;

fn of_health(page: &mut Exposition, health: &Health) {
    page.gauge(
        "stemsync_healthy",
        "Whether nothing waits for a person, nothing failed and nothing is overdue, as `status` says.",
    );
    page.value(&[], u8::from(health.healthy));
    page.gauge("stemsync_job_failing", "Whether a job's last run failed, or it is overdue.");
    for job in &health.jobs {
        page.value(&[("sync_job", job.job)], u8::from(job.trouble.is_some()));
    }
    let moments: [(&str, &str, Moment); 4] = [
        ("stemsync_job_last_run_timestamp_seconds", "When a job last finished.", |job| job.last_run),
        (
            "stemsync_job_last_success_timestamp_seconds",
            "When a job last finished with both systems in reach.",
            |job| job.last_success,
        ),
        ("stemsync_job_next_run_timestamp_seconds", "When a job is due next; absent while it is off.", |job| {
            job.next_run
        }),
        ("stemsync_job_watermark_timestamp_seconds", "Up to when a job has read.", |job| job.watermark),
    ];
    for (name, help, moment) in moments {
        page.gauge(name, help);
        for job in &health.jobs {
            if let Some(at) = moment(job) {
                page.value(&[("sync_job", job.job)], at.timestamp());
            }
        }
    }
}

fn of_trade(page: &mut Exposition, facts: &Facts, health: &Health) {
    page.gauge("stemsync_orders", "Orders on file at each stage.");
    for stage in Stage::ALL {
        let orders = health.stages.iter().find(|(one, _)| *one == stage).map_or(0, |(_, orders)| *orders);
        page.value(&[("stage", stage.name())], orders);
    }
    page.gauge("stemsync_backlog_orders", "Orders that the next run looks at.");
    page.value(&[], health.backlog);
    page.gauge("stemsync_holds", "What waits for a person, by reason.");
    for reason in HoldReason::ALL {
        let holds = facts.reasons.iter().find(|(one, _)| *one == reason).map_or(0, |(_, holds)| *holds);
        page.value(&[("reason", reason.name())], holds);
    }
    page.gauge("stemsync_failed_pushes", "Pushes that failed in each job's last run and are tried again.");
    page.value(&[], health.failed);
    page.gauge("stemsync_unverified_requests", "Requests sent without an answer; the next run reads back.");
    page.value(&[], health.unverified);
}

fn of_budget(page: &mut Exposition, health: &Health) {
    let quota = &health.quota;
    page.gauge("stemsync_quota_limit_requests", "Requests to Komet that this link may make a day.");
    page.value(&[], quota.limit);
    page.gauge("stemsync_quota_used_requests", "Requests to Komet made today, by all processes of this link.");
    page.value(&[], quota.used);
    page.gauge("stemsync_quota_reset_timestamp_seconds", "When Komet's day ends.");
    page.value(&[], quota.resets_at.timestamp());
    let Some(budget) = &health.budget else { return };
    page.gauge("stemsync_budget_reserved_requests", "Requests that the budget keeps for writes.");
    page.value(&[], budget.reserve);
    page.gauge("stemsync_budget_poll_requests", "Requests that polls may still make today.");
    page.value(&[], budget.reads_left);
    page.gauge("stemsync_budget_paused", "Whether Komet is not asked until the reset.");
    page.value(&[], u8::from(budget.paused));
    page.gauge(
        "stemsync_quota_lasts_until_timestamp_seconds",
        "When writes alone will have spent the quota: the reset, where it lasts.",
    );
    page.value(&[], budget.lasts_until.map_or(quota.resets_at, |at| at.min(quota.resets_at)).timestamp());
}

fn of_runs(page: &mut Exposition, totals: &Totals) {
    const OUTCOMES: [Outcome; 3] = [Outcome::Ok, Outcome::Attention, Outcome::Failed];
    let zero = crate::daemon::board::JobTotals::default();
    let jobs: Vec<_> =
        Job::ALL.into_iter().map(|job| (job.name(), totals.jobs.get(&job).unwrap_or(&zero))).collect();
    page.counter("stemsync_runs_total", "Runs since the daemon started, by how they ended.");
    for outcome in OUTCOMES {
        page.value(&[("outcome", outcome.name())], totals.runs.get(&outcome).copied().unwrap_or(0));
    }
    page.family("stemsync_run_duration_seconds", "How long runs took.", "summary");
    page.named("stemsync_run_duration_seconds_sum", &[], totals.seconds);
    page.named("stemsync_run_duration_seconds_count", &[], totals.runs.values().sum::<u64>());
    page.counter("stemsync_job_runs_total", "Runs of each job since the daemon started, by how it ended.");
    for (job, totals) in &jobs {
        for outcome in OUTCOMES {
            let runs = totals.runs.get(&outcome).copied().unwrap_or(0);
            page.value(&[("sync_job", job), ("outcome", outcome.name())], runs);
        }
    }
    page.counter("stemsync_requests_total", "Requests that each job made of each system.");
    for (job, totals) in &jobs {
        page.value(&[("sync_job", job), ("system", "axerrio")], totals.requests.axerrio);
        page.value(&[("sync_job", job), ("system", "komet")], totals.requests.komet);
    }
    page.counter("stemsync_polled_records_total", "Records that each job read.");
    for (job, totals) in &jobs {
        page.value(&[("sync_job", job)], totals.polled);
    }
    page.counter("stemsync_changed_orders_total", "Orders whose views each job found changed.");
    for (job, totals) in &jobs {
        page.value(&[("sync_job", job)], totals.changed);
    }
    page.counter("stemsync_pushes_total", "What each job wrote into the opposite system, by what became of it.");
    for (job, totals) in &jobs {
        page.value(&[("sync_job", job), ("result", "done")], totals.pushed);
        page.value(&[("sync_job", job), ("result", "failed")], totals.failed);
    }
}

/// What Prometheus's own clients tell of their process, where the system tells it.
fn of_process(page: &mut Exposition, since: DateTime<Utc>) {
    page.gauge("process_start_time_seconds", "When the daemon started.");
    page.value(&[], since.timestamp());
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    if let Some(resident) = resident.and_then(|kib| kib.trim().parse::<u64>().ok()) {
        page.gauge("process_resident_memory_bytes", "Memory in use.");
        page.value(&[], resident * 1024);
    }
}

/// The text format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
#[derive(Default)]
struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "gauge");
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "counter");
    }

    fn family(&mut self, name: &'static str, help: &str, kind: &str) {
        self.name = name;
        // Writing into a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.named(self.name, labels, value);
    }

    /// Labels are names of ours: nothing in them needs escaping.
    fn named(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(key, text)| format!("{key}=\"{text}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }
}
