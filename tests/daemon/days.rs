//! Days of the daemon, played: clocks that are set, systems that fail, runs that take long, others who hold the lock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use serde_json::json;
use stemsync::daemon::signals::Wish;
use stemsync::notify::what::Notice;
use stemsync::reports::health;
use stemsync::store::{RunLock, notices, orders, quota, runs};
use stemsync::sync::report::{
    Job, JobReport, Outcome as RunOutcome, QuotaReport, Requests, RunReport, WatermarkMove,
};
use stemsync::systems::System::{self, Axerrio, Komet};

use tokio::io::{AsyncWriteExt, BufReader};

use crate::received::receive;
use crate::stage::{Outage, Play};
use crate::{at, heard};

const HOUR: TimeDelta = TimeDelta::hours(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A daemon that has been at work for an hour.
fn at_work(now: &str) -> Play {
    heard::listen();
    let mut play = Play::start(at(now), "");
    assert!(play.pass(HOUR).is_none());
    heard::lines();
    play
}

#[test]
fn an_hour_of_the_default_schedule_polls_as_often_as_it_says() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    let from = play.now();
    play.pass(HOUR);
    assert_eq!(play.stage.asked(Axerrio, "/orders", from), 30);
    assert_eq!(play.stage.asked(Axerrio, "/labels", from), 30);
    let travelled = play.stage.asked(Komet, "/prebook.create", at("2026-05-04T08:00:00Z"));
    assert!(travelled > 5, "{travelled}");
}

#[test]
fn a_clock_set_back_by_an_hour_while_it_runs_silences_nothing() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().skew = -HOUR;
    let from = play.now();
    play.pass(HOUR);
    for (system, path, least) in
        [(Axerrio, "/orders", 29), (Axerrio, "/labels", 29), (Komet, "/prebook.details.list", 4)]
    {
        let asked = play.stage.asked(system, path, from);
        assert!(asked >= least, "{path}: {asked}");
    }
    let told = heard::lines();
    assert!(heard::with(&told, "ERROR").is_empty());
    let of_clock = heard::with(&told, "the clock was set back by ");
    assert!(of_clock.len() == 1 && of_clock[0].starts_with("WARN"), "{told:#?}");
}

#[test]
fn a_clock_set_ahead_by_three_hours_makes_up_one_run() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().skew = HOUR * 3;
    let from = play.now();
    play.pass(MINUTE * 10);
    let asked = play.stage.asked(Axerrio, "/orders", from);
    assert!((5..=6).contains(&asked), "{asked}");
}

/// What is wrong with each job in a run's order, as `status` says at `at`.
fn troubles(play: &Play, at: DateTime<Utc>) -> Vec<Option<&'static str>> {
    let config = play.config();
    let scope = health::Scope::of(&config, at);
    let known = play.store.read_blocking(move |conn| health::gather(conn, &scope)).unwrap();
    health::judge(&config, known, at).jobs.iter().map(|job| job.trouble).collect()
}

#[test]
fn when_a_clock_that_was_ahead_is_set_back_the_run_that_came_last_is_the_last_one() {
    const OVERDUE: [Option<&str>; 4] = [Some("it is overdue"); 4];
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().skew = HOUR * 48;
    play.pass(MINUTE * 10);
    play.stage.lock().skew = TimeDelta::zero();
    let back = play.now();
    assert_eq!(troubles(&play, back), [Some("its last run lies in the future"); 4], "it may be long ago");
    play.pass(MINUTE * 10);
    assert_eq!(troubles(&play, play.now()), [None; 4]);
    assert_eq!(troubles(&play, play.now() + HOUR), OVERDUE, "what lies in the future does not hide it");

    play.stage.lock().outage = Some((Axerrio, Outage::Refused));
    play.pass(HOUR);
    assert_eq!(troubles(&play, play.now())[0], Some("its last run failed"));
    let list = play.store.read_blocking(|conn| runs::list(conn, None, 1000)).unwrap();
    let (since, before): (Vec<_>, Vec<_>) =
        list.iter().map(|run| run.started_at).partition(|at| *at < back + HOUR * 2);
    let newest = list.iter().position(|run| before.contains(&run.started_at)).unwrap();
    assert!(newest >= 5 && since.len() > newest, "those from the future lie between: {list:#?}");
    assert!(since[..newest].is_sorted_by(|a, b| a > b), "the newest first: {since:?}");

    play.stage.lock().outage = None;
    play.pass(MINUTE * 20);
    assert_eq!(troubles(&play, play.now()), [None; 4]);
    assert_eq!(troubles(&play, play.now() + HOUR), OVERDUE);
}

/// Everything once an hour, at a quarter past.
const HOURLY: &str = "[jobs]\norders = \"0 15 * * * *\"\nprebooks = \"0 15 * * * *\"\n\
                      purchase-orders = \"0 15 * * * *\"\nlabels = \"0 15 * * * *\"\n";

/// The minutes from `from` in which a system was asked.
fn minutes(play: &Play, system: System, from: DateTime<Utc>) -> Vec<i64> {
    let state = play.stage.lock();
    let asked = state.asked.iter().filter(|(at, of, _)| *of == system && *at >= from);
    let mut minutes: Vec<i64> = asked.map(|(at, ..)| (*at - from).num_minutes()).collect();
    minutes.dedup();
    minutes
}

#[test]
fn with_an_hourly_schedule_an_outage_is_over_when_it_is_and_not_an_hour_later() {
    heard::listen();
    let mut play = Play::start(at("2026-05-04T14:10:00Z"), HOURLY);
    play.pass(HOUR + MINUTE * 4);
    for system in [Komet, Axerrio] {
        play.stage.lock().outage = Some((system, Outage::Refused));
        let from = play.now() + MINUTE;
        play.pass(MINUTE * 17);
        let tries = minutes(&play, system, from);
        assert!(tries.starts_with(&[0]) && tries.contains(&15), "{tries:?}");
        assert!((5..=8).contains(&tries.len()), "ever more seldom: {tries:?}");
        let other = if system == Komet { Axerrio } else { Komet };
        assert!(minutes(&play, other, from).iter().all(|minute| *minute == 0), "its schedule goes on");
        play.stage.lock().outage = None;
        let mended = play.now();
        heard::lines();
        play.pass(MINUTE * 15);
        assert_eq!(heard::with(&heard::lines(), "answers again").len(), 1);
        let orders = play.stage.asked(Axerrio, "/orders", mended);
        assert!((1..=2).contains(&orders), "made up once, read again where it pushed: {orders}");
        let made_up = play.now();
        play.pass(at("2026-05-04T14:14:00Z") + HOUR * if system == Komet { 2 } else { 3 } - made_up);
        assert_eq!(play.stage.asked(Axerrio, "", made_up) + play.stage.asked(Komet, "", made_up), 0);
    }
}

#[test]
fn an_outage_of_a_quarter_of_an_hour_is_told_then_however_its_tries_fall() {
    // The task that tells is never played: what it is to tell stands on file.
    let beside = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _beside = beside.enter();
    let mut play = Play::start(at("2026-05-04T14:10:00Z"), "[notify]\nwebhook = { env = \"HOOK\" }\n");
    let down = |play: &Play| {
        let rows = play.store.read_blocking(|conn| notices::after(conn, 0)).unwrap();
        rows.iter().any(|row| matches!(row.notice, Notice::SystemDown { system: Axerrio, .. }))
    };
    for seed in 0..5 {
        fastrand::seed(seed);
        // The last pause is over, and amid a minute nothing is on its way.
        play.pass(MINUTE * 20 + TimeDelta::seconds(7));
        play.store.write_blocking(|conn| notices::drop_to(conn, i64::MAX)).unwrap();
        play.stage.lock().outage = Some((Axerrio, Outage::Refused));
        let from = play.now();
        while play.stage.asked(Axerrio, "", from) == 0 {
            play.pass(TimeDelta::seconds(1));
        }
        play.pass(MINUTE * 15 - TimeDelta::seconds(5));
        assert!(!down(&play), "{seed}: not yet");
        play.pass(TimeDelta::seconds(30));
        assert!(down(&play), "{seed}: out of reach for a quarter of an hour");
        play.stage.lock().outage = None;
    }
}

#[test]
fn whoever_starts_the_daemon_anew_has_what_failed_tried_at_once() {
    let mut play = Play::start(at("2026-05-04T14:10:00Z"), HOURLY);
    play.stage.lock().outage = Some((Axerrio, Outage::Refused));
    play.pass(MINUTE);
    play.ask.send(Wish::Stop).unwrap();
    assert!(play.pass(MINUTE).is_some());
    play.stage.lock().outage = None;
    let from = play.now();
    play.restart();
    play.pass(TimeDelta::seconds(10));
    assert!(play.stage.asked(Axerrio, "/orders", from) >= 1);
}

#[test]
fn a_run_that_takes_longer_than_its_schedule_is_not_started_again_beside_itself() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().latency = Duration::from_secs(15);
    play.pass(HOUR);
    // Whatever begins ends before the next one begins.
    let list = play.store.read_blocking(|conn| runs::list(conn, None, 1000)).unwrap();
    let mut spans: Vec<_> = list.iter().map(|run| (run.started_at, run.finished_at)).collect();
    spans.sort();
    for pair in spans.windows(2) {
        assert!(pair[0].1.is_some_and(|end| end <= pair[1].0), "{pair:?}");
    }
    let longest = spans.iter().filter_map(|(began, ended)| Some((*ended)? - *began)).max().unwrap();
    assert!(longest > MINUTE, "the runs did take long: {longest}");
}

#[test]
fn a_komet_that_is_down_for_three_hours_is_told_of_twice_and_asked_ever_more_seldom() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().outage = Some((Komet, Outage::Refused));
    let from = play.now();
    play.pass(HOUR * 3);
    let lines = heard::lines();
    assert_eq!(heard::with(&lines, "cannot be reached").len(), 1, "{lines:#?}");
    assert!(heard::with(&lines, "WARN").is_empty(), "{lines:#?}");
    let tries = play.stage.asked(Komet, "", from);
    // Each try is a read that is repeated three times.
    assert!((15 * 4..40 * 4).contains(&tries), "{tries}");
    assert_eq!(play.stage.asked(Axerrio, "/orders", from), 90, "Axerrio is polled on");
    play.stage.lock().outage = None;
    play.pass(MINUTE * 20);
    let lines = heard::lines();
    assert_eq!(heard::with(&lines, "Komet answers again").len(), 1, "{lines:#?}");
    assert!(heard::with(&lines, "ERROR").is_empty(), "{lines:#?}");
    assert_eq!(play.store.read_blocking(orders::backlog).unwrap(), 0, "what waited went on");
}

#[test]
fn an_axerrio_that_does_not_answer_does_not_keep_komet_from_being_polled() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().outage = Some((Axerrio, Outage::Hangs));
    let from = play.now();
    play.pass(HOUR * 2);
    let lines = heard::lines();
    // A job alone, then both of them: the system as a whole.
    let errors = heard::with(&lines, "ERROR");
    assert!((1..=2).contains(&errors.len()), "{lines:#?}");
    let polls = play.stage.asked(Komet, "/prebook.details.list", from);
    assert!(polls >= 15, "before office hours the request budget is thrifty: {polls}");
    play.stage.lock().outage = None;
    play.pass(MINUTE * 20);
    assert_eq!(heard::with(&heard::lines(), "Axerrio answers again").len(), 1);
}

#[test]
fn a_spent_quota_pauses_komet_until_its_reset_and_is_told_once() {
    let mut play = at_work("2026-05-04T17:59:40Z");
    play.stage.lock().outage = Some((Komet, Outage::QuotaSpent));
    let from = play.now();
    play.pass(at("2026-05-05T00:00:00Z") - from);
    let lines = heard::lines();
    assert_eq!(heard::with(&lines, "quota").len(), 1, "{lines:#?}");
    assert!(heard::with(&lines, "left alone until 20:0").len() == 1, "midnight UTC in New York: {lines:#?}");
    assert_eq!(play.stage.asked(Komet, "", from), 1, "whoever is told so does not ask again");
    assert!(play.stage.asked(Axerrio, "/orders", from) >= 150, "Axerrio is polled on");
    let waits = Some("it waits until Komet's quota resets");
    assert_eq!(troubles(&play, play.now() - MINUTE)[2], waits, "the service is at work");
    play.stage.lock().outage = None;
    let reset = play.now();
    play.pass(MINUTE * 10);
    assert_eq!(heard::with(&heard::lines(), "Komet answers again").len(), 1);
    assert!(play.stage.asked(Komet, "", reset) > 5);
    let day = reset.date_naive();
    assert!(play.store.read_blocking(move |conn| quota::used(conn, day)).unwrap() > 5);
}

/// Runs go on while Komet is left alone, also when its new day has begun.
#[test]
fn who_starts_it_anew_right_after_the_reset_has_the_whole_new_day() {
    let mut play = at_work("2026-05-04T20:59:40Z");
    play.stage.lock().outage = Some((Komet, Outage::QuotaSpent));
    play.pass(at("2026-05-05T00:00:10Z") - play.now());
    play.ask.send(Wish::Stop).unwrap();
    assert!(play.pass(MINUTE).is_some());
    play.stage.lock().outage = None;
    let from = play.now();
    play.restart();
    play.pass(MINUTE * 10);
    assert!(play.stage.asked(Komet, "", from) > 5);
    let spent =
        play.store.read_blocking(|conn| quota::spent_at(conn, at("2026-05-05T00:00:00Z").date_naive(), 1_000));
    assert_eq!(spent.unwrap(), None, "that day's is not spent");
}

/// A forced `sync` of this job did well just now.
fn somebody_synced(play: &Play, job: Job) {
    let now = play.now();
    let job = JobReport {
        job,
        outcome: RunOutcome::Ok,
        polled: 1,
        changed: 0,
        pushed: 0,
        held: 0,
        failed: 0,
        requests: Requests::default(),
        watermark: WatermarkMove::default(),
        error: None,
    };
    let synced = move |conn: &Connection| {
        let run = runs::next_id(conn, now)?;
        runs::begin(conn, &run, "sync", now)?;
        let report = RunReport {
            run,
            dry_run: false,
            outcome: RunOutcome::Ok,
            started_at: now,
            finished_at: now,
            jobs: vec![job],
            actions: Vec::new(),
            quota: QuotaReport { limit: 1000, used: 1, resets_at: now },
        };
        runs::finish(conn, &report, false)
    };
    play.store.write_blocking(synced).unwrap();
}

#[test]
fn what_answers_somebody_else_is_left_alone_no_longer() {
    for (system, job) in [(Axerrio, Job::Labels), (Komet, Job::Prebooks)] {
        let mut play = at_work("2026-05-04T14:00:10Z");
        play.stage.lock().outage = Some((system, Outage::Refused));
        play.pass(HOUR);
        play.stage.lock().outage = None;
        let mended = play.now();
        // Its own try is minutes away.
        play.pass(TimeDelta::seconds(20));
        assert_eq!(play.stage.asked(system, "", mended), 0);
        somebody_synced(&play, job);
        play.pass(MINUTE);
        assert!(play.stage.asked(system, "", mended) > 0, "{system:?}");
    }
}

/// What a forced `sync` does that Komet answers, because somebody pays for another user.
#[test]
fn when_komet_answers_somebody_else_again_the_daemon_goes_on_too() {
    let mut play = at_work("2026-05-04T17:59:40Z");
    play.stage.lock().outage = Some((Komet, Outage::QuotaSpent));
    play.pass(MINUTE * 30);
    play.stage.lock().outage = None;
    let from = play.now();
    play.pass(MINUTE * 10);
    assert_eq!(play.stage.asked(Komet, "", from), 0, "by itself it waits for the reset");
    play.store.write_blocking(move |conn| quota::clear_spent(conn, from.date_naive())).unwrap();
    play.pass(MINUTE * 10);
    assert!(play.stage.asked(Komet, "", from) > 0);
}

#[test]
fn whoever_else_holds_the_lock_is_waited_for_and_that_is_said_once() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    let other = RunLock::try_acquire(&play.database).unwrap().unwrap();
    let from = play.now();
    play.pass(MINUTE * 10);
    assert_eq!(play.stage.asked(Axerrio, "", from), 0);
    let lines = heard::lines();
    let pid = format!("process {} runs", std::process::id());
    assert_eq!((heard::with(&lines, &pid).len(), lines.len()), (1, 1), "{lines:#?}");
    drop(other);
    let from = play.now();
    play.pass(TimeDelta::seconds(5));
    // A run of trade reads once more what its pushes changed.
    let asked = play.stage.asked(Axerrio, "/orders", from);
    assert!((1..=2).contains(&asked), "what was missed is made up once: {asked}");
}

#[test]
fn a_database_that_is_locked_for_a_while_is_outlived_and_told_of_twice() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    let other = Connection::open(&play.database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(play.pass(MINUTE * 30).is_none());
    let lines = heard::lines();
    assert_eq!(heard::with(&lines, "is locked by another process").len(), 1, "{lines:#?}");
    other.execute_batch("ROLLBACK").unwrap();
    play.pass(MINUTE * 6);
    let lines = heard::lines();
    assert_eq!(heard::with(&lines, "can be used again").len(), 1, "{lines:#?}");
}

/// A daemon that has been at work for an hour, and the webhook at which it tells people what it has to.
fn at_work_with_a_hook(beside: &tokio::runtime::Runtime) -> (Play, tokio::net::TcpListener) {
    let hook = beside.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let told = format!("[notify]\nwebhook = {{ env = \"HOOK_{}\" }}\n", hook.local_addr().unwrap().port());
    let mut play = Play::start(at("2026-05-04T08:59:40Z"), &told);
    assert!(play.pass(HOUR).is_none());
    (play, hook)
}

/// What is posted next of the database: its events.
async fn posted(hook: &tokio::net::TcpListener) -> serde_json::Value {
    loop {
        let mut stream = BufReader::new(hook.accept().await.unwrap().0);
        let request = receive(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let event = body["stemsync"]["events"][0].clone();
        if event["kind"].as_str().is_some_and(|kind| kind.starts_with("database_")) {
            return event;
        }
    }
}

#[test]
fn people_are_told_of_a_database_that_is_locked_for_a_quarter_of_an_hour_and_of_its_end() {
    let beside = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _beside = beside.enter();
    let (mut play, hook) = at_work_with_a_hook(&beside);
    let other = Connection::open(&play.database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(play.pass(MINUTE * 25).is_none());
    let fails = beside.block_on(posted(&hook));
    assert_eq!((&fails["kind"], &fails["cause"]), (&json!("database_failing"), &json!("locked")));
    let time = |value: &serde_json::Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let lasted = time(&fails["at"]) - time(&fails["since"]);
    assert!(lasted >= MINUTE * 15 && lasted < MINUTE * 21, "{fails}");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(play.pass(MINUTE * 6).is_none());
    let recovered = beside.block_on(posted(&hook));
    assert_eq!((&recovered["kind"], &recovered["since"]), (&json!("database_recovered"), &fails["since"]));
}

#[test]
fn of_a_database_that_is_locked_for_ten_minutes_nobody_is_told() {
    let beside = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _beside = beside.enter();
    let (mut play, hook) = at_work_with_a_hook(&beside);
    let lock = |play: &mut Play, time: TimeDelta| {
        let other = Connection::open(&play.database).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(play.pass(time).is_none());
    };
    lock(&mut play, MINUTE * 10);
    play.pass(MINUTE * 6);
    let between = play.now();
    lock(&mut play, MINUTE * 25);
    let fails = beside.block_on(posted(&hook));
    let since = fails["since"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(since > between, "the first that is told is the second: {fails}");
}

#[test]
fn a_database_that_is_no_database_any_more_ends_the_daemon() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    let other = Connection::open(&play.database).unwrap();
    other.execute_batch("DROP TABLE watermarks").unwrap();
    let end = play.pass(MINUTE * 10).expect("it ends");
    let error = end.unwrap_err().to_string();
    assert!(error.contains("link.db") && error.contains("damaged"), "{error}");
}

#[test]
fn whoever_asks_it_to_stop_does_not_wait_longer_than_ten_seconds() {
    // Between two runs at once; in a run whose request does not come back, after eight seconds.
    let mut idle = at_work("2026-05-04T08:59:40Z");
    idle.ask.send(Wish::Stop).unwrap();
    assert!(idle.pass(TimeDelta::zero()).expect("it ends at once").is_ok());

    let mut busy = at_work("2026-05-04T08:59:40Z");
    busy.stage.lock().outage = Some((Axerrio, Outage::Hangs));
    busy.pass(MINUTE + TimeDelta::seconds(5));
    busy.ask.send(Wish::Stop).unwrap();
    assert!(busy.pass(TimeDelta::seconds(7)).is_none());
    assert!(busy.pass(TimeDelta::seconds(2)).expect("it leaves").is_ok());
    assert_eq!(heard::with(&heard::lines(), "left before the last answers came").len(), 1);
}

/// The runs that somebody asked for since, with their jobs: the first one first.
fn asked_for(play: &Play, from: DateTime<Utc>) -> Vec<Vec<&'static str>> {
    let list = play.store.read_blocking(|conn| runs::list(conn, None, 1000)).unwrap();
    let asked = list.into_iter().rev().filter(|run| run.trigger == "page" && run.started_at >= from);
    asked.map(|run| run.report.unwrap().jobs.iter().map(|job| job.job.name()).collect()).collect()
}

#[test]
fn whoever_asks_for_a_run_gets_it_between_two_others_and_once_however_often_he_asks() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().latency = Duration::from_secs(5);
    let from = play.now();
    play.pass(TimeDelta::seconds(25));
    for _ in 0..20 {
        play.ask.send(Wish::Sync(vec![Job::Labels])).unwrap();
        play.ask.send(Wish::Sync(vec![Job::Orders])).unwrap();
    }
    play.pass(MINUTE * 10);
    assert_eq!(asked_for(&play, from), [["orders", "labels"]]);
    let list = play.store.read_blocking(|conn| runs::list(conn, None, 1000)).unwrap();
    let mut spans: Vec<_> = list.iter().map(|run| (run.started_at, run.finished_at)).collect();
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1.is_none_or(|end| end <= pair[1].0)), "one run at a time");
    assert!(play.stage.asked(Axerrio, "/orders", from) >= 5, "the schedule goes on");
}

#[test]
fn a_run_that_somebody_asks_for_tries_a_system_that_is_left_alone_and_reads_everything() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.stage.lock().outage = Some((Komet, Outage::Refused));
    play.pass(HOUR);
    let from = play.now();
    let tried = |play: &Play| play.stage.asked(Komet, "/prebook.details.list", from);
    while tried(&play) == 0 {
        play.pass(MINUTE);
    }
    let before = tried(&play);
    play.pass(MINUTE * 2);
    assert_eq!(tried(&play), before, "it is left alone");
    play.ask.send(Wish::Sync(vec![Job::Prebooks])).unwrap();
    play.pass(MINUTE);
    assert!(tried(&play) > before, "somebody is at work");
    play.stage.lock().outage = None;
    play.pass(MINUTE * 20);
    let from = play.now();
    play.ask.send(Wish::Sync(Job::ALL.to_vec())).unwrap();
    play.pass(MINUTE);
    assert!(play.stage.asked(Komet, "/prebook.details.list", from) >= 5, "every window of the horizon");
    assert_eq!(asked_for(&play, from).len(), 1);
}

#[test]
fn whoever_asks_for_a_run_and_for_the_end_gets_the_end() {
    let mut play = at_work("2026-05-04T08:59:40Z");
    play.ask.send(Wish::Stop).unwrap();
    play.ask.send(Wish::Sync(Job::ALL.to_vec())).unwrap();
    assert!(matches!(play.pass(MINUTE), Some(Ok(()))));
}
