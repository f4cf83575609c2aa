//! The schedule, and whether the quota carries it. Nothing here asks a system.

use chrono::{DateTime, TimeDelta, Utc};

use super::Check;
use crate::cli::output::relative;
use crate::config::{Config, Endpoint};
use crate::store::{Store, orders};
use crate::sync::plan::window_of;
use crate::sync::report::Job;

/// A day of a schedule is counted out; what fires more often than every second is counted no further.
const MOST_RUNS: u64 = 86_400;

/// Looks at the machine.
pub(super) async fn look(config: &Config) -> Vec<Check> {
    vec![schedule(config, Utc::now()), budget(config, Utc::now()).await]
}

/// When the jobs would run next.
fn schedule(config: &Config, now: DateTime<Utc>) -> Check {
    let zone = config.jobs.timezone;
    let next: Vec<_> =
        Job::ALL.into_iter().map(|job| (job.name(), config.jobs.schedule(job).next_after(now, zone))).collect();
    let told: Vec<_> = next
        .iter()
        .map(|(job, at)| match at {
            Some(at) => format!("{job} {}", relative(*at, now)),
            None => format!("{job} off"),
        })
        .collect();
    let detail = format!("next times by {zone}: {}", told.join(", "));
    let rare: Vec<_> = next
        .iter()
        .filter(|(_, at)| at.is_some_and(|at| at - now > TimeDelta::hours(24)))
        .map(|(job, _)| *job)
        .collect();
    if next.iter().all(|(_, at)| at.is_none()) {
        return Check::warning(
            "schedule",
            detail,
            "Every job is off: nothing runs by itself. See [jobs] in sync.toml",
        );
    }
    if !rare.is_empty() {
        let advice = format!("{} would not run within a day: see [jobs] in sync.toml", rare.join(" and "));
        return Check::warning("schedule", detail, advice);
    }
    Check::ok("schedule", detail)
}

/// Whether the quota carries the schedule: a Prebook poll costs a request for each window of seven ship dates, a PO
/// poll one for each ship date with an open PO.
async fn budget(config: &Config, now: DateTime<Utc>) -> Check {
    const NAME: &str = "request budget";
    if matches!(config.komet.endpoint, Endpoint::Sandbox) {
        return Check::ok(NAME, "the sandbox has no quota");
    }
    let runs = |job| runs_a_day(config, job, now);
    let today = now.with_timezone(&config.jobs.timezone).date_naive();
    let (first, last) =
        (today.pred_opt().unwrap_or(today), today + TimeDelta::days(i64::from(config.sync.horizon_days)));
    let windows = u64::try_from(window_of(last) - window_of(first) + 1).unwrap_or(0);
    let dates = open_dates(config, first).await;
    let (prebooks, pos) = (runs(Job::Prebooks) * windows, runs(Job::PurchaseOrders) * dates);
    // Carriers and box types, once a day.
    let reads = prebooks + pos + 2;
    let limit = config.komet.daily_limit();
    let detail = format!(
        "run at every time of the schedule, polling Komet takes {reads} of {limit} requests a day (prebooks {prebooks}: \
         {} runs of {windows} windows; purchase-orders {pos}: {} runs of {dates} ship dates with an open PO)",
        runs(Job::Prebooks),
        runs(Job::PurchaseOrders)
    );
    // Writes come on top: two for each new order, up to four for a changed line.
    if reads * 10 <= limit * 7 {
        return Check::ok(NAME, detail);
    }
    let advice = "Little or nothing is left for writes: let [jobs] prebooks and purchase-orders run more rarely, or set \
                  [komet] users to the number of paid users";
    Check::warning(NAME, detail, advice)
}

async fn open_dates(config: &Config, from: chrono::NaiveDate) -> u64 {
    let Ok(Some(store)) = Store::open_existing_read_only(&config.state.path) else { return 0 };
    let dates = store.read(move |conn| orders::open_po_ship_dates(conn, from)).await;
    dates.map_or(0, |dates| dates.len() as u64)
}

/// How often a job's schedule fires in the next 24 hours.
fn runs_a_day(config: &Config, job: Job, now: DateTime<Utc>) -> u64 {
    let schedule = config.jobs.schedule(job);
    let end = now + TimeDelta::hours(24);
    let mut runs = 0;
    let mut at = now;
    while let Some(next) = schedule.next_after(at, config.jobs.timezone).filter(|next| *next <= end) {
        runs += 1;
        if runs >= MOST_RUNS || next <= at {
            break;
        }
        at = next;
    }
    runs
}
