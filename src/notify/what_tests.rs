//! The rules of [`super::judge`] as a table of stories: what each run showed, when, and what was told of it.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;
use crate::sync::report::{QuotaReport, Requests, RunReport, WatermarkMove};
use crate::systems::SystemError;

fn at(minute: i64) -> DateTime<Utc> {
    "2026-02-02T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

/// What one run showed, as the table writes it.
#[derive(Clone, Copy)]
enum Run {
    /// Both jobs and both systems are well.
    Well,
    /// `orders` failed: Axerrio is out of reach.
    AxerrioDown,
    /// `orders` failed: Axerrio's answer makes no sense.
    Nonsense,
    /// `prebooks` failed: Komet's quota is spent.
    Spent,
    /// A signal stopped it.
    Stopped,
    /// Both jobs ended well, as there was nothing to ask.
    NothingDue,
    /// Only `prebooks` ran, and well.
    PrebooksOnly,
    /// Only `prebooks` ran, had nothing to poll, and read in vain what was in doubt.
    InDoubt,
}

fn error(system: System, fault: Fault) -> SystemError {
    SystemError { system, method: "read", fault }
}

fn job(job: Job, outcome: Outcome) -> JobReport {
    let (axerrio, komet) = match job.polls() {
        System::Axerrio => (1, 0),
        System::Komet => (0, 1),
    };
    JobReport {
        job,
        outcome,
        polled: 0,
        changed: 0,
        pushed: 0,
        held: 0,
        failed: 0,
        requests: Requests { axerrio, komet },
        watermark: WatermarkMove::default(),
        error: None,
    }
}

impl Run {
    fn end(self, now: DateTime<Utc>) -> RunEnd {
        let (orders, prebooks) = match self {
            Self::Well | Self::NothingDue | Self::PrebooksOnly | Self::InDoubt => {
                (Outcome::Ok, Outcome::Attention)
            }
            Self::AxerrioDown | Self::Nonsense => (Outcome::Failed, Outcome::Ok),
            Self::Spent => (Outcome::Ok, Outcome::Failed),
            Self::Stopped => (Outcome::Failed, Outcome::Failed),
        };
        let mut jobs = vec![job(Job::Orders, orders), job(Job::Prebooks, prebooks)];
        if matches!(self, Self::PrebooksOnly | Self::InDoubt) {
            jobs.remove(0);
        }
        if matches!(self, Self::NothingDue) {
            for job in &mut jobs {
                job.requests = Requests::default();
            }
        }
        let failed = match self {
            Self::AxerrioDown => Some((Job::Orders, error(System::Axerrio, Fault::Unreachable("secret".into())))),
            Self::Nonsense => Some((Job::Orders, error(System::Axerrio, Fault::Unreadable("secret".into())))),
            Self::InDoubt => Some((Job::Orders, error(System::Komet, Fault::Broken("secret".into())))),
            Self::Spent => Some((Job::Prebooks, error(System::Komet, Fault::QuotaSpent("secret".into())))),
            _ => None,
        };
        let polled = jobs.iter().filter(|job| job.requests.komet > 0 && !matches!(self, Self::InDoubt));
        let read = polled.map(|job| job.job).collect();
        let midnight = now.date_naive().succ_opt().unwrap().and_time(chrono::NaiveTime::MIN).and_utc();
        RunEnd {
            report: RunReport {
                run: "01R".into(),
                dry_run: false,
                outcome: orders.max(prebooks),
                started_at: now,
                finished_at: now,
                jobs,
                actions: Vec::new(),
                quota: QuotaReport { limit: 1000, used: 0, resets_at: midnight },
            },
            down: failed.iter().map(|(_, e)| e.clone()).filter(SystemError::is_systemic).collect(),
            failures: failed.into_iter().collect(),
            stopped: matches!(self, Self::Stopped),
            named: 0,
            read,
        }
    }
}

/// Plays a story; tells what was told in which minute.
fn told(story: &[(i64, Run)]) -> Vec<(i64, &'static str)> {
    let mut troubles = Troubles::default();
    let mut told = Vec::new();
    for (minute, run) in story {
        let (after, notices) = judge(&troubles, &Seen::by(&run.end(at(*minute))), at(*minute));
        troubles = after;
        told.extend(notices.iter().map(|notice| {
            let word = match notice {
                Notice::Holds { .. } => "holds",
                Notice::JobFailing { job: Job::Orders, .. } => "orders failing",
                Notice::JobRecovered { job: Job::Orders, .. } => "orders well",
                Notice::JobFailing { .. } | Notice::JobRecovered { .. } => "another job",
                Notice::QuotaSpent { .. } => "quota",
                Notice::SystemDown { system: System::Axerrio, .. } => "axerrio down",
                Notice::SystemRecovered { system: System::Axerrio, .. } => "axerrio back",
                Notice::SystemDown { .. } => "komet down",
                Notice::SystemRecovered { .. } => "komet back",
                Notice::DatabaseFailing { .. } | Notice::DatabaseRecovered { .. } => "no run says so",
            };
            (*minute, word)
        }));
    }
    told
}

#[test]
fn what_is_told_of_jobs_systems_and_the_quota() {
    use Run::{AxerrioDown, InDoubt, Nonsense, NothingDue, PrebooksOnly, Spent, Stopped, Well};
    const DAY: i64 = 24 * 60;
    type Story = &'static [(i64, Run)];
    type Told = &'static [(i64, &'static str)];
    let table: &[(&str, Story, Told)] = &[
        ("all is well", &[(0, Well), (2, Well)], &[]),
        ("two failures are nobody's business", &[(0, Nonsense), (2, Nonsense), (4, Well)], &[]),
        (
            "the third in a row is told, and told once",
            &[(0, Nonsense), (2, Nonsense), (4, Nonsense), (6, Nonsense)],
            &[(4, "orders failing")],
        ),
        (
            "three that are not in a row",
            &[(0, Nonsense), (2, Nonsense), (4, Well), (6, Nonsense), (8, Nonsense)],
            &[],
        ),
        (
            "its recovery is told",
            &[(0, Nonsense), (2, Nonsense), (4, Nonsense), (6, Well), (8, Well)],
            &[(4, "orders failing"), (6, "orders well")],
        ),
        (
            "and it may begin anew",
            &[(0, Nonsense), (1, Nonsense), (2, Nonsense), (3, Well), (4, Nonsense)],
            &[(2, "orders failing"), (3, "orders well")],
        ),
        ("a run that was stopped says nothing", &[(0, Nonsense), (1, Stopped), (2, Stopped), (3, Nonsense)], &[]),
        (
            "and interrupts nothing",
            &[(0, Nonsense), (1, Stopped), (2, Nonsense), (3, Nonsense)],
            &[(3, "orders failing")],
        ),
        (
            "nor does one that asked nothing",
            &[(0, Nonsense), (1, NothingDue), (2, Nonsense), (3, Nonsense)],
            &[(3, "orders failing")],
        ),
        (
            "which is no recovery either",
            &[(0, AxerrioDown), (16, AxerrioDown), (17, NothingDue)],
            &[(16, "axerrio down")],
        ),
        (
            "nor does one of other jobs",
            &[(0, Nonsense), (1, PrebooksOnly), (2, Nonsense), (3, Nonsense)],
            &[(3, "orders failing")],
        ),
        (
            "of whom only what is in doubt is asked is out of reach all the same",
            &[(0, InDoubt), (5, InDoubt), (15, InDoubt), (20, PrebooksOnly)],
            &[(15, "komet down"), (20, "komet back")],
        ),
        ("a system that makes no sense is there", &[(0, Nonsense), (60, Nonsense)], &[]),
        ("down for fourteen minutes", &[(0, AxerrioDown), (14, AxerrioDown)], &[]),
        (
            "down for fifteen, told once, and back",
            &[(0, AxerrioDown), (15, AxerrioDown), (16, AxerrioDown), (40, AxerrioDown), (50, Well), (51, Well)],
            &[(15, "axerrio down"), (16, "orders failing"), (50, "axerrio back"), (50, "orders well")],
        ),
        ("back before it was told", &[(0, AxerrioDown), (10, Well), (20, AxerrioDown)], &[]),
        ("one failure does not say how long", &[(0, AxerrioDown), (300, Well)], &[]),
        (
            "a clock set back by an hour",
            &[(60, AxerrioDown), (0, AxerrioDown), (14, AxerrioDown), (15, AxerrioDown)],
            &[(14, "orders failing"), (15, "axerrio down")],
        ),
        (
            "a spent quota is told once a day, and is no failure",
            &[(0, Spent), (1, Spent), (2, Spent), (3, Well), (4, Spent), (DAY, Spent)],
            &[(0, "quota"), (DAY, "quota")],
        ),
    ];
    for (name, story, expected) in table {
        assert_eq!(told(story), *expected, "{name}");
    }
}

#[test]
fn what_a_system_says_in_its_own_words_stays_out_of_notices() {
    let mut troubles = Troubles::default();
    for minute in [0, 20, 40] {
        let (after, notices) = judge(&troubles, &Seen::by(&Run::AxerrioDown.end(at(minute))), at(minute));
        troubles = after;
        let text = serde_json::to_string(&notices).unwrap();
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn every_fault_has_its_cause_and_only_a_system_out_of_use_is_down() {
    let text = || "x".to_owned();
    let down = [
        Fault::Unreachable(text()),
        Fault::NoSuchAddress(System::Komet),
        Fault::Unauthorized(text()),
        Fault::Throttled(Duration::ZERO),
        Fault::TimedOut(Duration::ZERO),
        Fault::Broken(text()),
        Fault::Server(text()),
    ];
    assert!(down.iter().all(|fault| Cause::of(fault).unwrap().is_down()));
    let there = [
        Fault::Page(text()),
        Fault::TooLong,
        Fault::Unreadable(text()),
        Fault::Rejected(text()),
        Fault::NotFound(text()),
        Fault::TooLarge(70_000),
    ];
    assert!(there.iter().all(|fault| !Cause::of(fault).unwrap().is_down()));
    assert_eq!(Cause::of(&Fault::QuotaSpent(text())), None);
}
