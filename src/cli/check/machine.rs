//! The schedule, and what it means for the quota. Nothing here asks a system.

use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeDelta, TimeZone as _, Utc};

use super::Check;
use crate::cli::output::relative;
use crate::config::{Config, Endpoint, region_of};
use crate::domain::Zone;
use crate::sync::report::Job;

/// A day of a schedule is counted out; what fires more often than every second is counted no further.
const MOST_RUNS: u64 = 86_400;

/// Looks at the machine.
pub(super) fn look(config: &Config) -> Vec<Check> {
    let now = Utc::now();
    let mut checks = vec![schedule(config, now)];
    checks.extend(summer_time(config.jobs.timezone, now.year()));
    checks.push(budget(config, now));
    checks
}

/// An abbreviation such as `EST` is a zone, too, but one whose clocks never change: told where its region's do.
fn summer_time(zone: Zone, year: i32) -> Option<Check> {
    let region = Zone::named(region_of(zone.name())?)?;
    let midsummer = NaiveDate::from_ymd_opt(year, 7, 1)?.and_hms_opt(12, 0, 0)?;
    let ahead = |zone: Zone| zone.offset_from_utc_datetime(&midsummer).fix().local_minus_utc();
    (ahead(zone) != ahead(region)).then(|| {
        let detail = format!("{zone} has no summer time: from spring to autumn jobs run an hour late by {region}");
        Check::warning("time zone", detail, format!("Write timezone = \"{region}\" in [jobs]"))
    })
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

/// What the schedule means for the quota: its times are the earliest ones, and of them the budget uses what writes leave
/// requests for (quota.md, 6). How far the quota reaches is told by what the last days took, beside what is left of it.
fn budget(config: &Config, now: DateTime<Utc>) -> Check {
    const NAME: &str = "request budget";
    if matches!(config.komet.endpoint, Endpoint::Sandbox) {
        return Check::ok(NAME, "the sandbox counts requests as Komet does");
    }
    let runs = |job| runs_a_day(config, job, now);
    let detail = format!(
        "{} requests a day, writes first; the daemon looks up to {} times a day for Prebooks and {} for POs, and reads \
         of them what is worth a request",
        config.komet.daily_limit(),
        runs(Job::Prebooks),
        runs(Job::PurchaseOrders)
    );
    Check::ok(NAME, detail)
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
