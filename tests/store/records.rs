//! What is kept beside the orders: watermarks, intents, runs, the quota and Komet's lists.

use chrono::{DateTime, TimeDelta, Utc};
use stemsync::domain::{Carrier, OrderKey};
use stemsync::store::events::{self, Event};
use stemsync::store::intents::{self, NewIntent};
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{Store, quota, reference, runs};
use stemsync::sync::report::{
    ActionReport, ActionResult, Job, JobReport, Outcome, QuotaReport, Requests, RunReport, WatermarkMove,
};
use stemsync::systems::System;

use crate::trade::*;

#[test]
fn each_window_has_its_own_watermark() {
    let (_dir, store) = fresh();
    let (early, late) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
    store
        .write_blocking(move |conn| {
            watermarks::set_full(conn, Stream::Prebooks, 2931, early, late)?;
            watermarks::set_full(conn, Stream::Prebooks, 2932, early, early)?;
            watermarks::set(conn, Stream::Prebooks, 2932, late)?;
            watermarks::set(conn, Stream::Orders, 0, early)
        })
        .unwrap();
    let get = |part| store.read_blocking(move |conn| watermarks::get(conn, Stream::Prebooks, part)).unwrap();
    assert_eq!(get(2931).map(|w| (w.at, w.full_at)), Some((early, Some(late))));
    assert_eq!(
        get(2932).map(|w| (w.at, w.full_at)),
        Some((late, Some(early))),
        "a changed-since read is not a full one"
    );
    assert_eq!(get(2933), None, "never read");

    store
        .write_blocking(move |conn| {
            watermarks::set(conn, Stream::Labels, 0, early)?;
            watermarks::reset(conn, Stream::Prebooks)
        })
        .unwrap();
    store
        .read_blocking(move |conn| {
            assert_eq!(watermarks::list(conn, Stream::Prebooks)?, []);
            assert_eq!(watermarks::get(conn, Stream::Orders, 0)?.map(|w| w.at), Some(early));
            assert_eq!(watermarks::get(conn, Stream::Labels, 0)?.map(|w| w.at), Some(early));
            Ok(())
        })
        .unwrap();
}

fn intent(order: OrderKey) -> NewIntent {
    NewIntent::new("01R", Job::Orders, System::Komet, "prebook.create", &vec![1, 2], vec![order], now()).unwrap()
}

#[test]
fn an_intent_survives_a_crash_with_all_that_verifying_needs() {
    let (_dir, store) = fresh();
    let order = settled(&store, flow_1("AX-1", "2026-03-05"));
    let path = store.path().to_owned();
    store
        .write_blocking(move |conn| {
            let id = intents::open(conn, &intent(order))?;
            intents::answer(conn, id, "prebook 85")?;
            intents::doubt(conn, id, "no item ids", now())
        })
        .unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    let open = store.read_blocking(intents::list).unwrap();
    assert_eq!(open[0].sent, intent(order));
    assert_eq!(open[0].action::<Vec<i32>>().unwrap(), [1, 2]);
    assert_eq!(open[0].answer.as_deref(), Some("prebook 85"));
    assert_eq!(open[0].doubt.as_deref(), Some("no item ids"));
    assert_eq!(store.read_blocking(intents::orders_in_doubt).unwrap(), [order].into());
    let id = open[0].id;
    store.write_blocking(move |conn| intents::close(conn, id)).unwrap();
    assert_eq!(store.read_blocking(intents::count).unwrap(), 0);
    assert!(store.read_blocking(intents::orders_in_doubt).unwrap().is_empty());
}

fn report(run: &str, jobs: &[Job], outcome: Outcome, at: DateTime<Utc>) -> RunReport {
    let job = |job: &Job| JobReport {
        job: *job,
        outcome,
        polled: 0,
        changed: 0,
        pushed: 0,
        held: 0,
        failed: 0,
        requests: Requests::default(),
        watermark: WatermarkMove::default(),
        error: None,
    };
    let action = ActionReport {
        order: None,
        system: System::Komet,
        method: "prebook.create".to_owned(),
        result: ActionResult::Done,
        detail: String::new(),
    };
    RunReport {
        run: run.to_owned(),
        dry_run: false,
        outcome,
        started_at: at,
        finished_at: at + TimeDelta::seconds(1),
        jobs: jobs.iter().map(job).collect(),
        actions: vec![action],
        quota: QuotaReport { limit: 1000, used: 4, resets_at: at },
    }
}

fn ran(store: &Store, n: i64, jobs: &'static [Job], outcome: Outcome, quiet: bool) {
    let started_at = now() + TimeDelta::minutes(n);
    let id = format!("01R{n:03}");
    store
        .write_blocking(move |conn| {
            runs::begin(conn, &id, "schedule", started_at)?;
            runs::finish(conn, &report(&id, jobs, outcome, started_at), quiet)
        })
        .unwrap();
}

#[test]
fn polls_that_found_nothing_do_not_fill_the_disk() {
    const ORDERS: &[Job] = &[Job::Orders];
    const LABELS: &[Job] = &[Job::Labels];
    let (_dir, store) = fresh();
    ran(&store, 0, ORDERS, Outcome::Ok, false);
    for n in 0..10 {
        ran(&store, 2 * n + 1, ORDERS, Outcome::Ok, true);
        ran(&store, 2 * n + 2, LABELS, Outcome::Ok, true);
    }
    let rows = store.read_blocking(|conn| runs::list(conn, None, 100)).unwrap();
    let told: Vec<_> = rows.iter().map(|r| (r.id.as_str(), r.quiet, r.repeats)).collect();
    assert_eq!(told, [("01R020", true, 9), ("01R019", true, 9), ("01R000", false, 0)]);
    assert_eq!(rows[0].first_started_at, now() + TimeDelta::minutes(2));
    let jobs: i64 =
        store.read_blocking(|c| Ok(c.query_row("SELECT count(*) FROM run_jobs", [], |r| r.get(0))?)).unwrap();
    assert_eq!(jobs, 3);

    ran(&store, 21, ORDERS, Outcome::Attention, false);
    ran(&store, 22, ORDERS, Outcome::Ok, true);
    let rows = store.read_blocking(|conn| runs::list(conn, Some(Job::Orders), 100)).unwrap();
    let told: Vec<_> = rows.iter().map(|r| (r.id.as_str(), r.repeats)).collect();
    assert_eq!(told, [("01R022", 0), ("01R021", 0), ("01R019", 9), ("01R000", 0)], "the busy run stays between");
}

#[test]
fn a_crashed_run_stays_visible_and_is_no_success() {
    let (_dir, store) = fresh();
    ran(&store, 1, &[Job::Orders], Outcome::Ok, false);
    ran(&store, 2, &[Job::Orders], Outcome::Failed, false);
    store.write_blocking(|conn| runs::begin(conn, "01R003", "shell", now())).unwrap();
    let latest = store.read_blocking(runs::latest).unwrap().unwrap();
    assert_eq!((latest.id.as_str(), latest.finished_at, latest.outcome), ("01R003", None, None));
    let last = store.read_blocking(|conn| runs::last(conn, Job::Orders)).unwrap().unwrap();
    let minute = |n| now() + TimeDelta::minutes(n) + TimeDelta::seconds(1);
    assert_eq!((last.last_run, last.last_success), (minute(2), Some(minute(1))));
    assert_eq!(store.read_blocking(|conn| runs::last(conn, Job::Labels)).unwrap(), None);
}

#[test]
fn a_run_is_kept_with_its_report_and_its_actions_as_events() {
    let (_dir, store) = fresh();
    ran(&store, 1, &[Job::Orders], Outcome::Ok, false);
    let row = store.read_blocking(|conn| runs::get(conn, "01R001")).unwrap().unwrap();
    let mut expected = report("01R001", &[Job::Orders], Outcome::Ok, now() + TimeDelta::minutes(1));
    expected.actions.clear();
    assert_eq!(row.report, Some(expected));
}

#[test]
fn retention_drops_old_runs_and_events_but_no_jobs_last_success() {
    let (_dir, store) = fresh();
    ran(&store, 1, &[Job::Orders], Outcome::Ok, false);
    ran(&store, 2, &[Job::Orders], Outcome::Ok, false);
    ran(&store, 3, &[Job::Orders], Outcome::Failed, false);
    let event = |n| Event {
        order: None,
        run: Some("01R001".to_owned()),
        at: now() + TimeDelta::minutes(n),
        system: Some(System::Komet),
        what: "prebook.create".to_owned(),
        detail: format!("{n}"),
        result: Some(ActionResult::Done),
    };
    let later = now() + TimeDelta::minutes(10);
    let (runs_dropped, events_dropped) = store
        .write_blocking(move |conn| {
            events::add(conn, &event(1))?;
            events::add(conn, &event(20))?;
            Ok((runs::prune(conn, later)?, events::prune(conn, later)?))
        })
        .unwrap();
    assert_eq!((runs_dropped, events_dropped), (1, 1));
    assert_eq!(store.read_blocking(|conn| events::for_run(conn, "01R001")).unwrap(), [event(20)]);
}

/// Whoever pays for another user has requests left, but not where Komet itself said that the quota is spent.
#[test]
fn a_quota_that_is_spent_by_our_own_count_is_there_again_when_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("link.db")).unwrap();
    let (today, now) = ("2026-02-10".parse().unwrap(), "2026-02-10T09:00:00Z".parse().unwrap());
    for (used, when_it_grows) in [(1_000, None), (900, Some(now))] {
        store.write_blocking(move |conn| conn.execute("DELETE FROM quota", []).map_err(Into::into)).unwrap();
        store.write_blocking(move |conn| quota::add(conn, today, used)).unwrap();
        store.write_blocking(move |conn| quota::set_spent(conn, today, now, 1_000)).unwrap();
        let spent_at = |limit| store.read_blocking(move |conn| quota::spent_at(conn, today, limit)).unwrap();
        assert_eq!((spent_at(1_000), spent_at(2_000)), (Some(now), when_it_grows), "{used} used");
    }
}

#[test]
fn the_quota_counts_a_day_over_all_processes_and_forgets_old_days() {
    let (_dir, store) = fresh();
    let other = Store::open(store.path()).unwrap();
    let (old, today) = (day("2026-01-01"), day("2026-03-05"));
    store.write_blocking(move |conn| quota::add(conn, old, 9)).unwrap();
    store.write_blocking(move |conn| quota::add(conn, today, 3)).unwrap();
    assert_eq!(other.write_blocking(move |conn| quota::add(conn, today, 4)).unwrap(), 7);
    assert_eq!(store.read_blocking(move |conn| quota::used(conn, today)).unwrap(), 7);
    assert_eq!(store.read_blocking(move |conn| quota::used(conn, old)).unwrap(), 0);
}

#[test]
fn komets_carriers_are_kept_with_the_time_they_were_read() {
    let (_dir, store) = fresh();
    assert_eq!(store.read_blocking(reference::carriers).unwrap(), None);
    let carrier = Carrier { id: 3, code: "ARM".to_owned(), name: "Greenway Trucking".to_owned() };
    let carriers = vec![carrier];
    let kept = carriers.clone();
    store.write_blocking(move |conn| reference::set_carriers(conn, &kept, now())).unwrap();
    let listed = store.read_blocking(reference::carriers).unwrap().unwrap();
    assert_eq!((listed.items, listed.read_at), (carriers, now()));
    assert_eq!(store.read_blocking(reference::box_types).unwrap(), None);
}
