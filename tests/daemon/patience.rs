//! What is left alone for a while, for how long, and what is told of it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use stemsync::config::JobsConfig;
use stemsync::daemon::agenda::Agenda;
use stemsync::daemon::backoff::{Backoff, Culprit, News, Seen};
use stemsync::daemon::words;
use stemsync::domain::Zone;
use stemsync::notify::what::DOWN;
use stemsync::sync::report::Job;
use stemsync::systems::{Fault, System, SystemError};

use crate::{at, config};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn error(system: System, fault: Fault) -> SystemError {
    SystemError { system, method: "a.method", fault }
}

fn unreachable(system: System) -> SystemError {
    error(system, Fault::Unreachable("Connection refused".into()))
}

fn down(error: &SystemError) -> Seen {
    Seen { down: vec![error.clone()], until_reset: Duration::from_hours(4), ..Seen::default() }
}

fn failed(job: Job, error: &SystemError) -> Seen {
    Seen { failed: vec![(job, error.clone())], ..Seen::default() }
}

fn polled(job: Job) -> Seen {
    Seen { polled: vec![job], ..Seen::default() }
}

fn began(news: &[News]) -> Vec<Culprit> {
    news.iter()
        .filter_map(|news| match news {
            News::Began(culprit, _) => Some(*culprit),
            News::Ended(..) => None,
        })
        .collect()
}

fn ended(news: &[News]) -> Vec<Culprit> {
    news.iter()
        .filter_map(|news| match news {
            News::Ended(culprit, _) => Some(*culprit),
            News::Began(..) => None,
        })
        .collect()
}

fn start() -> DateTime<Utc> {
    at("2026-05-04T20:00:00Z")
}

#[test]
fn a_failing_system_is_left_alone_ever_longer_up_to_a_limit_and_that_is_told_once() {
    for jitter in [0.0, 0.4, 0.99] {
        let mut backoff = Backoff::default();
        let (mut now, mut waits, mut told) = (start(), Vec::new(), 0);
        for _ in 0..12 {
            told += backoff.learn(&down(&unreachable(System::Komet)), &Job::ALL, now, jitter).len();
            let until = backoff.rests(Job::Prebooks, now).unwrap();
            assert_eq!(backoff.rests(Job::PurchaseOrders, now), Some(until));
            assert_eq!(backoff.rests(Job::Orders, now), None, "Axerrio is polled on");
            waits.push(until - now);
            now = until;
        }
        assert_eq!(told, 1);
        // But for the try at a quarter of an hour, for which a pause is cut.
        let (mut ever_longer, mut passed) = (Vec::new(), TimeDelta::zero());
        for wait in &waits {
            passed += *wait;
            ever_longer.extend((passed != DOWN).then_some(*wait));
        }
        assert!(ever_longer.is_sorted() && ever_longer.len() == 11, "{waits:?}");
        assert!(waits[0] >= MINUTE / 2 && waits[0] <= MINUTE, "{waits:?}");
        assert!(waits[11] >= MINUTE * 15 / 2 && waits[11] <= MINUTE * 15, "{waits:?}");
        let news = backoff.learn(&polled(Job::Prebooks), &Job::ALL, now, jitter);
        assert_eq!(ended(&news), [Culprit::System(System::Komet)]);
        assert_eq!(backoff.rests(Job::Prebooks, now), None);
    }
}

#[test]
fn a_system_that_is_down_when_its_quotas_day_is_over_is_news_and_fails_since_then() {
    let (mut backoff, zone) = (Backoff::default(), Zone::default());
    backoff.learn(&down(&error(System::Komet, Fault::QuotaSpent("limit".into()))), &Job::ALL, start(), 0.5);
    let reset = backoff.rests(Job::Prebooks, start()).unwrap();
    let news = backoff.learn(&down(&unreachable(System::Komet)), &Job::ALL, reset, 0.5);
    let told = words::news(&news[0], reset, zone);
    assert!(told.contains("cannot be reached") && told.contains("tried again at 20:0"), "{told}");
    let next = backoff.rests(Job::Prebooks, reset).unwrap();
    assert!(next - reset <= MINUTE, "its first pause");
    // After a day in which the machine slept.
    let day_later = next + TimeDelta::days(1);
    assert!(backoff.learn(&down(&unreachable(System::Komet)), &Job::ALL, day_later, 0.5).is_empty());
    let news = backoff.learn(&polled(Job::Prebooks), &Job::ALL, day_later, 0.5);
    let told = words::news(&news[0], day_later, zone);
    assert!(told.contains("had failed since May 4 20:00 EDT"), "not since its quota was spent: {told}");
}

#[test]
fn a_job_that_alone_fails_does_not_take_its_system_with_it() {
    let mut backoff = Backoff::default();
    let fault = error(System::Axerrio, Fault::Server("500".into()));
    let news = backoff.learn(&failed(Job::Labels, &fault), &Job::ALL, start(), 0.5);
    assert_eq!(began(&news), [Culprit::Job(Job::Labels)]);
    assert!(!backoff.fails(System::Axerrio));
    assert_eq!(backoff.rests(Job::Orders, start()), None);
    assert!(backoff.rests(Job::Labels, start()).is_some());
    assert!(backoff.learn(&polled(Job::Orders), &Job::ALL, start(), 0.5).is_empty(), "it still fails");
    let news = backoff.learn(&polled(Job::Labels), &Job::ALL, start(), 0.5);
    assert_eq!(ended(&news), [Culprit::Job(Job::Labels)]);
}

#[test]
fn a_system_none_of_whose_jobs_can_read_has_failed_as_a_whole() {
    let mut backoff = Backoff::default();
    let fault = error(System::Komet, Fault::TimedOut(Duration::from_secs(20)));
    backoff.learn(&failed(Job::Prebooks, &fault), &Job::ALL, start(), 0.5);
    let news = backoff.learn(&failed(Job::PurchaseOrders, &fault), &Job::ALL, start(), 0.5);
    assert_eq!(began(&news), [Culprit::System(System::Komet)]);
    assert_eq!(ended(&news), [], "what failed alone has not ended, it is part of the whole");
    let news = backoff.learn(&polled(Job::PurchaseOrders), &Job::ALL, start(), 0.5);
    assert_eq!(ended(&news), [Culprit::System(System::Komet)]);
    // Where the other one is off, one is all.
    let news = backoff.learn(&failed(Job::Prebooks, &fault), &[Job::Orders, Job::Prebooks], start(), 0.5);
    assert_eq!(began(&news), [Culprit::System(System::Komet)]);
}

#[test]
fn what_is_read_back_in_vain_is_its_systems_failure_unless_a_poll_was_answered() {
    let fault = error(System::Komet, Fault::Broken("Connection reset".into()));
    let mut backoff = Backoff::default();
    let news = backoff.learn(&failed(Job::Orders, &fault), &Job::ALL, start(), 0.5);
    assert_eq!(began(&news), [Culprit::System(System::Komet)]);
    let mut backoff = Backoff::default();
    let seen = Seen { polled: vec![Job::Prebooks], ..failed(Job::Orders, &fault) };
    assert_eq!(began(&backoff.learn(&seen, &Job::ALL, start(), 0.5)), [Culprit::Job(Job::Orders)]);
}

#[test]
fn a_spent_quota_is_waited_out_and_told_once() {
    let mut backoff = Backoff::default();
    let spent = error(System::Komet, Fault::QuotaSpent("limit".into()));
    assert_eq!(backoff.learn(&down(&spent), &Job::ALL, start(), 0.5).len(), 1);
    let until = backoff.rests(Job::Prebooks, start()).unwrap();
    assert!(until >= at("2026-05-05T00:00:00Z") && until <= at("2026-05-05T00:01:00Z"), "{until}");
    // Still spent when its day has begun: the day is another one than was thought.
    let again = Seen { until_reset: Duration::from_hours(24), ..down(&spent) };
    assert!(backoff.learn(&again, &Job::ALL, until, 0.5).is_empty());
    assert_eq!(backoff.rests(Job::Prebooks, until), Some(until + TimeDelta::hours(1)));
}

#[test]
fn who_asks_for_a_longer_pause_gets_it() {
    let mut backoff = Backoff::default();
    let throttled = error(System::Komet, Fault::Throttled(Duration::from_hours(2)));
    backoff.learn(&down(&throttled), &Job::ALL, start(), 0.5);
    assert_eq!(backoff.rests(Job::Prebooks, start()), Some(start() + TimeDelta::hours(2)));
}

#[test]
fn a_clock_that_is_set_back_makes_no_pause_longer() {
    let mut backoff = Backoff::default();
    backoff.learn(&down(&unreachable(System::Komet)), &Job::ALL, start(), 0.5);
    let back = start() - TimeDelta::hours(1);
    backoff.look(back);
    assert!(backoff.rests(Job::Prebooks, back).unwrap() <= back + MINUTE);
}

#[test]
fn a_failing_system_is_tried_by_one_poll_before_anything_is_pushed_to_it() {
    let now = start();
    let mut agenda = Agenda::new(&config("").jobs, now, |_| None);
    let first = agenda.take(now).unwrap();
    assert_eq!((first.jobs.as_slice(), first.paused.len()), (&Job::ALL[..], 0));
    agenda.learn(&down(&unreachable(System::Komet)), now, 0.99);
    // Axerrio's jobs go on without Komet; Komet's wait.
    let mut seen = BTreeSet::new();
    let until = agenda.next_of(Job::Prebooks, now).unwrap().max(now + MINUTE * 5);
    let mut at = now;
    while at < until {
        at += TimeDelta::seconds(1);
        while let Some(turn) = agenda.take(at) {
            if turn.paused.is_empty() {
                assert_eq!(turn.jobs.len(), 1, "{turn:?}");
                agenda.learn(&polled(turn.jobs[0]), at, 0.5);
                seen.insert(turn.jobs[0]);
                assert!(!agenda.fails(System::Komet));
                return;
            }
            assert!(turn.jobs.iter().all(|job| matches!(job, Job::Orders | Job::Labels)), "{turn:?}");
            seen.extend(turn.jobs);
        }
    }
    panic!("Komet was not tried again: {seen:?}");
}

#[test]
fn after_a_reload_everything_is_tried_at_once() {
    let now = start();
    let jobs = config("").jobs;
    let mut agenda = Agenda::new(&jobs, now, |_| None);
    agenda.take(now);
    for _ in 0..6 {
        agenda.learn(&down(&unreachable(System::Komet)), now, 0.5);
    }
    let later = now + MINUTE * 5;
    while let Some(turn) = agenda.take(later) {
        assert!(!turn.jobs.contains(&Job::Prebooks));
    }
    agenda.replace(&jobs, later);
    assert_eq!(agenda.take(later).unwrap().jobs, [Job::Prebooks]);
}

/// Each job once a day; all of them ran a moment ago.
fn daily(now: DateTime<Utc>) -> (Agenda, JobsConfig) {
    let once = |job| format!("{job} = \"0 0 6 * * *\"\n");
    let jobs = config(&["orders", "prebooks", "purchase-orders", "labels"].map(once).concat()).jobs;
    (Agenda::new(&jobs, now, |_| Some(now)), jobs)
}

/// What a run of those jobs showed.
fn after(ran: &[Job], seen: Seen) -> Seen {
    Seen { ran: ran.to_vec(), ..seen }
}

#[test]
fn a_daily_job_that_failed_is_tried_again_when_its_pause_is_over_and_not_a_day_later() {
    let mut now = start();
    let (mut agenda, _) = daily(now);
    let fault = error(System::Axerrio, Fault::Server("500".into()));
    for pause in [1, 2, 4] {
        agenda.learn(&after(&[Job::Labels], failed(Job::Labels, &fault)), now, 0.999_999);
        assert!(agenda.take(now + MINUTE * pause - TimeDelta::seconds(1)).is_none(), "it is left alone");
        now += MINUTE * pause;
        assert_eq!(agenda.next(now - MINUTE), agenda.next_of(Job::Labels, now - MINUTE));
        assert_eq!(agenda.take(now).unwrap().jobs, [Job::Labels]);
        assert!(agenda.take(now).is_none());
    }
    agenda.learn(&after(&[Job::Labels], polled(Job::Labels)), now, 0.5);
    assert!(agenda.take(now + TimeDelta::hours(8)).is_none(), "once it reads its schedule goes on");
    // A try for which the budget finds nothing worth a request is no reason for another one.
    agenda.learn(&after(&[Job::Prebooks], failed(Job::Prebooks, &unreachable(System::Komet))), now, 0.5);
    now += MINUTE;
    assert_eq!(agenda.take(now).unwrap().jobs, [Job::Prebooks]);
    agenda.learn(&after(&[Job::Prebooks], Seen::default()), now, 0.5);
    assert!(agenda.take(now + TimeDelta::hours(8)).is_none());
}

#[test]
fn a_system_is_tried_by_one_job_and_when_it_answers_whatever_ran_meanwhile_is_made_up_once() {
    let mut now = start();
    let (mut agenda, _) = daily(now);
    agenda.learn(&after(&[Job::Orders, Job::PurchaseOrders], down(&unreachable(System::Komet))), now, 0.5);
    for _ in 0..8 {
        now = agenda.next(now).unwrap();
        let turn = agenda.take(now).unwrap();
        assert_eq!((turn.jobs.as_slice(), turn.is_trial), (&[Job::PurchaseOrders][..], true), "it had failed");
        assert!(agenda.take(now).is_none());
        agenda.learn(&after(&turn.jobs, down(&unreachable(System::Komet))), now, 0.5);
    }
    now = agenda.next(now).unwrap();
    let trial = agenda.take(now).unwrap();
    agenda.learn(&after(&trial.jobs, polled(Job::PurchaseOrders)), now, 0.5);
    assert_eq!(agenda.take(now).unwrap().jobs, [Job::Orders], "it could not push");
    agenda.learn(&after(&[Job::Orders], polled(Job::Orders)), now, 0.5);
    assert!(agenda.take(now + TimeDelta::hours(6)).is_none());
}

#[test]
fn a_spent_quota_is_not_tried_before_its_reset_and_then_not_a_day_later() {
    let now = start();
    let (mut agenda, _) = daily(now);
    let spent = error(System::Komet, Fault::QuotaSpent("limit".into()));
    agenda.learn(&after(&[Job::Prebooks], down(&spent)), now, 0.5);
    assert!(agenda.take(now + TimeDelta::hours(4)).is_none());
    assert_eq!(agenda.take(now + TimeDelta::hours(4) + MINUTE).unwrap().jobs, [Job::Prebooks]);
}

#[test]
fn a_try_falls_on_the_moment_from_which_an_outage_is_told() {
    for percent in 0..100 {
        let mut backoff = Backoff::default();
        let (mut now, mut tries) = (start(), Vec::new());
        while now <= start() + DOWN {
            tries.push(now - start());
            backoff.learn(&down(&unreachable(System::Axerrio)), &Job::ALL, now, f64::from(percent) / 100.0);
            now = backoff.rests(Job::Orders, now).unwrap();
        }
        assert_eq!(tries.last(), Some(&DOWN), "{percent} %: {tries:?}");
    }
}

#[test]
fn after_a_reload_what_failed_is_tried_at_once_also_where_no_moment_of_it_waits() {
    let now = start();
    let (mut agenda, jobs) = daily(now);
    agenda.learn(&after(&[Job::Prebooks], down(&unreachable(System::Komet))), now, 0.5);
    agenda.learn(&after(&[Job::Labels], failed(Job::Labels, &unreachable(System::Axerrio))), now, 0.5);
    let soon = now + TimeDelta::seconds(5);
    assert!(agenda.take(soon).is_none());
    agenda.replace(&jobs, soon);
    assert_eq!(agenda.take(soon).unwrap().jobs, [Job::Labels]);
    assert_eq!(agenda.take(soon).unwrap().jobs, [Job::Prebooks]);
    // A paced try showed nothing of them; they still fail.
    agenda.replace(&jobs, soon);
    let tried: Vec<Job> =
        [agenda.take(soon), agenda.take(soon)].into_iter().flatten().flat_map(|turn| turn.jobs).collect();
    assert_eq!(tried, [Job::Labels, Job::Prebooks]);
}

#[test]
fn when_the_database_refuses_everybody_waits_and_nobodys_turn_is_lost() {
    let now = start();
    let mut agenda = Agenda::new(&config("").jobs, now, |_| None);
    let turn = agenda.take(now).unwrap();
    agenda.put_back(&turn);
    agenda.rest(now, TimeDelta::seconds(10));
    assert!(agenda.take(now + TimeDelta::seconds(9)).is_none());
    assert_eq!(agenda.next(now), Some(now + TimeDelta::seconds(10)));
    assert_eq!(agenda.take(now + TimeDelta::seconds(10)).unwrap().jobs, Job::ALL);
}
