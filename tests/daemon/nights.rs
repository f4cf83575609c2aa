//! When a job is due: over nights in which the clocks change, when a clock is set, and after long runs.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::daemon::schedule::Timetable;
use stemsync::domain::Zone;
use stemsync::sync::report::Job;

use crate::{at, config};

/// The nights of 2026 and 2027 in which clocks change, each from noon to noon.
const NIGHTS: [(&str, &str); 8] = [
    ("America/New_York", "2026-03-07T12:00:00-05:00"),
    ("America/New_York", "2026-10-31T12:00:00-04:00"),
    ("America/New_York", "2027-03-13T12:00:00-05:00"),
    ("America/New_York", "2027-11-06T12:00:00-04:00"),
    ("Europe/Amsterdam", "2026-03-28T12:00:00+01:00"),
    ("Europe/Amsterdam", "2026-10-24T12:00:00+02:00"),
    ("Europe/Amsterdam", "2027-03-27T12:00:00+01:00"),
    ("Europe/Amsterdam", "2027-10-30T12:00:00+02:00"),
];

/// Only `orders` runs, by this pattern.
fn only(zone: &str, pattern: &str) -> stemsync::config::Config {
    config(&format!(
        "timezone = \"{zone}\"\norders = \"{pattern}\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n"
    ))
}

/// The moments at which a job that ran at `from` runs until `to`.
fn moments(zone: &str, pattern: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let config = only(zone, pattern);
    let mut table = Timetable::new(&config.jobs, from, |_| Some(from));
    let mut ran = Vec::new();
    while let Some(now) = table.next().filter(|next| *next < to) {
        assert_eq!(table.take_due(now - TimeDelta::seconds(1)), [], "{zone} {pattern}: early at {now}");
        assert_eq!(table.take_due(now), [Job::Orders]);
        ran.push(now);
    }
    ran
}

#[test]
fn a_job_that_runs_all_day_neither_pauses_nor_doubles_when_clocks_change() {
    let patterns = [
        ("0 */2 * * * *", 120),
        ("0 1-59/2 * * * *", 120),
        ("30 */5 * * * *", 300),
        ("0 */15 0-23 * * *", 900),
        ("0 0,30 * * * *", 1800),
        ("0 0 * * * *", 3600),
    ];
    for (zone, noon) in NIGHTS {
        let noon = at(noon);
        for (pattern, seconds) in patterns {
            let ran = moments(zone, pattern, noon, noon + TimeDelta::hours(26));
            let gaps: Vec<i64> = ran.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).collect();
            assert!(gaps.iter().all(|gap| *gap == seconds), "{zone} {noon} {pattern}: {gaps:?}");
            assert!(ran.len() >= usize::try_from(26 * 3600 / seconds - 1).unwrap(), "{zone} {noon} {pattern}");
        }
    }
}

#[test]
fn a_daily_job_runs_once_on_each_day_also_where_its_hour_comes_twice_or_never() {
    for (zone, noon) in NIGHTS {
        let noon = at(noon);
        for minute in ["0 0 1", "0 30 1", "0 0 2", "0 30 2", "59 59 2", "0 0 3", "0 15 3"] {
            let pattern = format!("{minute} * * *");
            let mut days: BTreeMap<NaiveDate, u32> = BTreeMap::new();
            let tz: Zone = zone.parse().unwrap();
            for moment in moments(zone, &pattern, noon, noon + TimeDelta::hours(47)) {
                *days.entry(moment.with_timezone(&tz).date_naive()).or_default() += 1;
            }
            assert!(days.len() == 2 && days.values().all(|n| *n == 1), "{zone} {noon} {pattern}: {days:?}");
        }
    }
}

#[test]
fn a_job_of_the_night_hours_is_not_skipped_for_an_hour() {
    for (zone, noon) in NIGHTS {
        let noon = at(noon);
        let ran = moments(zone, "0 */10 1-4 * * *", noon, noon + TimeDelta::hours(24));
        let gaps: Vec<i64> = ran.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
        assert!(gaps.iter().all(|gap| *gap == 10), "{zone} {noon}: {gaps:?}");
    }
}

/// The readings of the clock at which a job runs in the night after `noon`.
fn readings(zone: &str, pattern: &str, noon: &str) -> Vec<String> {
    let tz: Zone = zone.parse().unwrap();
    let ran = moments(zone, pattern, at(noon), at(noon) + TimeDelta::hours(22));
    ran.iter().map(|moment| moment.with_timezone(&tz).format("%H:%M %Z").to_string()).collect()
}

#[test]
fn a_job_with_several_moments_in_a_repeated_hour_runs_at_each_of_them_once() {
    let new_york = |pattern| readings("America/New_York", pattern, "2026-10-31T12:00:00-04:00");
    assert_eq!(new_york("0 */15 1 * * *"), ["01:00 EDT", "01:15 EDT", "01:30 EDT", "01:45 EDT"]);
    assert_eq!(new_york("0 0,30 1-2 * * *"), ["01:00 EDT", "01:30 EDT", "02:00 EST", "02:30 EST"]);
    assert_eq!(new_york("0 30 0-1 * * *"), ["00:30 EDT", "01:30 EDT"]);
    // All through the night: without the second 01:30 it would pause for two hours.
    assert_eq!(new_york("0 30 0-2 * * *"), ["00:30 EDT", "01:30 EDT", "01:30 EST", "02:30 EST"]);
    // Where the clocks go back by half an hour the neighbours of a moment are an hour away all the same.
    let lord_howe = readings("Australia/Lord_Howe", "0 45 0-3 * * *", "2026-04-04T12:00:00+11:00");
    assert_eq!(lord_howe, ["00:45 +11", "01:45 +11", "01:45 +1030", "02:45 +1030", "03:45 +1030"]);
}

#[test]
fn the_moments_that_a_change_leaves_out_are_made_up_once_also_where_a_job_ran_shortly_before() {
    let new_york = |pattern| readings("America/New_York", pattern, "2026-03-07T12:00:00-05:00");
    assert_eq!(new_york("0 0,30 1-2 * * *"), ["01:00 EST", "01:30 EST", "03:00 EDT"]);
    assert_eq!(new_york("0 */15 2 * * *"), ["03:00 EDT"]);
    assert_eq!(new_york("0 30 2-3 * * *"), ["03:00 EDT", "03:30 EDT"]);
    assert_eq!(new_york("0 30 1-3 * * *"), ["01:30 EST", "03:30 EDT"], "it goes on as if nothing was");
}

#[test]
fn a_daemon_that_starts_within_a_repeated_hour_does_not_run_what_ran_in_the_first() {
    for (zone, first, second) in [
        ("America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T01:10:00-05:00"),
        ("Europe/Amsterdam", "2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00"),
    ] {
        let (first, second) = (at(first), at(second));
        let tz: Zone = zone.parse().unwrap();
        let local = first.with_timezone(&tz);
        let config = only(zone, &format!("0 30 {} * * *", local.format("%-H")));
        let mut table = Timetable::new(&config.jobs, second, |_| Some(first));
        assert_eq!(table.take_due(first + TimeDelta::hours(6)), [], "{zone}");
        let next = table.next().unwrap();
        assert_eq!(next.with_timezone(&tz).date_naive(), local.date_naive().succ_opt().unwrap(), "{zone}");
        // The same, looked at from anew: whoever reloads in the repeated hour gets no moment that is over.
        let anew = config.jobs.schedule(Job::Orders).next_after(second, tz).unwrap();
        assert!(anew > second, "{zone}: {anew}");
    }
}

/// A table of the default schedule in which everything ran a moment ago.
fn usual(now: &str) -> (Timetable, DateTime<Utc>) {
    let now = at(now);
    (Timetable::new(&config("").jobs, now, |_| Some(now)), now)
}

const fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

#[test]
fn jobs_that_are_due_at_the_same_moment_run_in_the_order_of_a_run() {
    let (mut table, now) = usual("2026-05-04T09:59:00Z");
    assert_eq!(table.take_due(now + minutes(1)), [Job::Orders, Job::Prebooks]);
    assert_eq!(table.take_due(now + minutes(1) + TimeDelta::seconds(30)), [Job::PurchaseOrders]);
    assert_eq!(table.take_due(now + minutes(2)), [Job::Labels]);
    assert_eq!(table.take_due(now + minutes(2)), []);
}

#[test]
fn what_was_missed_is_made_up_once() {
    // A run of seven minutes, a machine that was suspended for a night, a clock that was set ahead.
    for missed in [minutes(7), minutes(600), minutes(60)] {
        let (mut table, now) = usual("2026-05-04T09:59:10Z");
        let due = table.take_due(now + missed);
        assert_eq!(due, Job::ALL, "{missed}");
        assert_eq!(table.take_due(now + missed), [], "{missed}");
        assert!(table.next().unwrap() - (now + missed) <= minutes(2), "{missed}");
    }
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_silences_no_job() {
    let (mut table, now) = usual("2026-05-04T10:00:00Z");
    table.take_due(now + minutes(30));
    let mut now = now - minutes(30);
    let mut runs = BTreeMap::<Job, u32>::new();
    for _ in 0..30 * 60 {
        now += TimeDelta::seconds(1);
        for job in table.take_due(now) {
            *runs.entry(job).or_default() += 1;
        }
    }
    assert_eq!(runs, [(Job::Orders, 15), (Job::Prebooks, 6), (Job::PurchaseOrders, 6), (Job::Labels, 15)].into());
}

#[test]
fn a_clock_that_is_corrected_by_seconds_runs_nothing_twice() {
    let (mut table, now) = usual("2026-05-04T09:59:30Z");
    assert_eq!(table.take_due(now + TimeDelta::milliseconds(30_050)), [Job::Orders, Job::Prebooks]);
    for back in [29_900, 30_000, 20_000, 30_000, 45_000] {
        assert_eq!(table.take_due(now + TimeDelta::milliseconds(back)), [], "{back}");
    }
    assert_eq!(table.take_due(now + TimeDelta::seconds(60)), [Job::PurchaseOrders]);
}

#[test]
fn a_daemon_that_starts_makes_up_what_nobody_ran_meanwhile_and_nothing_else() {
    let config = config("orders = \"0 0 6 * * *\"\nlabels = \"off\"\n");
    let now = at("2026-05-04T15:00:00Z");
    let due = |ran: &str| Timetable::new(&config.jobs, now, |_| Some(at(ran))).take_due(now);
    assert_eq!(due("2026-05-04T14:59:59Z"), [Job::Prebooks], "the rest ran, or is not due");
    assert_eq!(due("2026-05-04T09:00:00Z"), [Job::Orders, Job::Prebooks, Job::PurchaseOrders]);
    assert_eq!(due("2026-05-04T15:59:00Z"), [], "it ran before its clock was set back");
    let never = Timetable::new(&config.jobs, now, |_| None).take_due(now);
    assert_eq!(never, [Job::Orders, Job::Prebooks, Job::PurchaseOrders]);
}

#[test]
fn a_new_schedule_moves_only_the_jobs_that_it_is_new_for() {
    let (mut table, now) = usual("2026-05-04T10:00:10Z");
    let orders = table.next_of(Job::Orders);
    table.replace(&config("labels = \"0 30 * * * *\"\nprebooks = \"off\"\n").jobs, now + minutes(1));
    assert_eq!(table.next_of(Job::Orders), orders);
    assert_eq!(table.next_of(Job::Labels), Some(at("2026-05-04T10:30:00Z")));
    assert_eq!(table.next_of(Job::Prebooks), None);
}
