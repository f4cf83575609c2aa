//! The daemon's sentences: what a run did, what fails and what is due, for the log and for `systemctl status`.

use chrono::{DateTime, Utc};

use super::agenda::Agenda;
use super::backoff::{Culprit, News, Trouble};
use crate::domain::Zone;
use crate::sync::RunEnd;
use crate::sync::report::{ActionResult, Job, JobReport, Outcome, RunReport};
use crate::systems::{Fault, System};

/// A time of day as it is told in the link's zone, `14:05 EST`, with its date where that is not today's.
pub fn time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let format = if at.date_naive() == now.date_naive() { "%H:%M %Z" } else { "%b %-d %H:%M %Z" };
    at.format(format).to_string()
}

/// `orders, labels: 3 pushed, 1 held`
pub fn deeds(report: &RunReport) -> String {
    let jobs: Vec<_> = report.jobs.iter().map(|job| job.job.name()).collect();
    let sum = |count: fn(&JobReport) -> u64| report.jobs.iter().map(count).sum::<u64>();
    let newly_held = report.actions.iter().filter(|action| action.result == ActionResult::Held).count() as u64;
    let broken = report.jobs.iter().filter(|job| job.outcome == Outcome::Failed).count();
    let counts = [
        (sum(|job| job.changed), "changed"),
        (sum(|job| job.pushed), "pushed"),
        (newly_held, "newly held"),
        (sum(|job| job.failed), "failed"),
    ];
    let told: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let told = match (told.is_empty(), broken) {
        (true, 0) => "nothing to do".to_owned(),
        (true, _) => format!("{broken} of {} not done", jobs.len()),
        (false, 0) => told.join(", "),
        (false, _) => format!("{}, {broken} of {} not done", told.join(", "), jobs.len()),
    };
    format!("{}: {told}", jobs.join(", "))
}

/// Whether there is more to say of a run than that it was.
pub fn is_worth_a_line(report: &RunReport) -> bool {
    !report.actions.is_empty() || report.jobs.iter().any(|job| job.changed > 0)
}

/// The run in a status line, with the moment it ended: `orders, labels: 3 pushed, at 14:05 EST`.
pub fn last_run(end: &RunEnd, zone: Zone) -> String {
    format!("{}, at {}", deeds(&end.report), time(end.report.finished_at, end.report.finished_at, zone))
}

/// What `systemctl status` shows: the last run, since when the database `refused` one, what fails, and what is next.
pub fn status(
    last: Option<&str>,
    refused: Option<DateTime<Utc>>,
    agenda: &Agenda,
    now: DateTime<Utc>,
    zone: Zone,
) -> String {
    let mut parts = vec![last.map_or_else(|| "no run yet".to_owned(), |last| format!("last run: {last}"))];
    parts.extend(refused.map(|since| format!("the database refuses since {}", time(since, now, zone))));
    let failing = [System::Axerrio, System::Komet].into_iter().filter(|system| agenda.fails(*system));
    parts.extend(failing.map(|system| format!("{} fails", system.title())));
    parts.push(next(agenda, now, zone));
    parts.join("; ")
}

/// `next: labels at 14:05 EST`
pub fn next(agenda: &Agenda, now: DateTime<Utc>, zone: Zone) -> String {
    let all = Job::ALL.into_iter().filter_map(|job| Some((agenda.next_of(job, now)?, job.name())));
    match all.min() {
        Some((at, _)) if at <= now => "next: now".to_owned(),
        Some((at, job)) => format!("next: {job} at {}", time(at, now, zone)),
        None => "every job is off".to_owned(),
    }
}

/// What is told of a failure, once when it begins and once when it is over.
pub fn news(news: &News, now: DateTime<Utc>, zone: Zone) -> String {
    match news {
        News::Began(culprit, trouble) => {
            format!("{}; {}", trouble.error.for_log(), began(*culprit, trouble, now, zone))
        }
        News::Ended(Culprit::System(system), trouble) => {
            let since = time(trouble.since, now, zone);
            format!("{} answers again; it had failed since {since}. What waited for it goes on", system.title())
        }
        News::Ended(Culprit::Job(_), trouble) => {
            format!("reads again; it had failed since {}", time(trouble.since, now, zone))
        }
    }
}

fn began(culprit: Culprit, trouble: &Trouble, now: DateTime<Utc>, zone: Zone) -> String {
    let until = time(trouble.until, now, zone);
    let other = |system| match system {
        System::Komet => System::Axerrio.title(),
        System::Axerrio => System::Komet.title(),
    };
    match (culprit, &trouble.error.fault) {
        (Culprit::System(system), Fault::QuotaSpent(_)) => format!(
            "{} is left alone until {until}, what is for it waits, and {} is polled on. More paid users, or a larger \
             quota_share, would last longer",
            system.title(),
            other(system)
        ),
        (Culprit::System(system), Fault::Unauthorized(_)) => format!(
            "check its token and restart stemsync (SIGHUP will do where the token is a `file`); until then it is tried \
             again, at {until} and then ever more seldom, and {} is polled on. That it answers again will be told",
            other(system)
        ),
        (Culprit::System(system), _) => format!(
            "{} is tried again at {until}, then ever more seldom, at least every 15 minutes; {} is polled on. That it \
             answers again will be told",
            system.title(),
            other(system)
        ),
        (Culprit::Job(_), _) => format!(
            "this job is tried again at {until}, then ever more seldom, at least every 15 minutes; the others go on. That \
             it reads again will be told"
        ),
    }
}
