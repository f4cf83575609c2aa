//! `history`: what past runs did, newest first, and one of them in detail.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use stemsync::store::events::{self, Event};
use stemsync::store::{Store, runs};
use stemsync::sync::report::*;
use stemsync::systems::System;

use super::place::{Place, labelled_order, run};

/// A run of these jobs that ended `minutes` ago; each has `changed` orders.
fn run_of(store: &Store, minutes: i64, jobs: &[Job], outcome: Outcome, changed: u64) -> String {
    let at = Utc::now() - TimeDelta::minutes(minutes);
    let job = |job: &Job| JobReport {
        job: *job,
        outcome,
        polled: 2,
        changed,
        pushed: 0,
        held: 0,
        failed: 0,
        requests: Requests { axerrio: 1, komet: 3 },
        watermark: WatermarkMove::default(),
        error: (outcome == Outcome::Failed).then(|| "Komet prebook.details.list: HTTP 502".to_owned()),
    };
    let report = RunReport {
        run: format!("01RUN{:04}", 9999 - minutes),
        dry_run: false,
        outcome,
        started_at: at,
        finished_at: at + TimeDelta::seconds(2),
        jobs: jobs.iter().map(job).collect(),
        actions: Vec::new(),
        quota: QuotaReport { limit: 1000, used: 7, resets_at: at },
    };
    let id = report.run.clone();
    store
        .write_blocking(move |conn| {
            runs::begin(conn, &report.run, "cron", at)?;
            runs::finish(conn, &report, changed == 0)
        })
        .unwrap();
    id
}

fn runs_in(history: &Value) -> Vec<&str> {
    history["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect()
}

#[test]
fn before_the_first_run_there_is_no_history_and_no_database_is_made() {
    let place = Place::new();
    assert_eq!(place.json(&["history"]), (json!({"runs": []}), 0));
    assert!(place.told(&["history"]).0.contains("No run is on file yet"));
    assert_eq!(place.json(&["history", "show", "latest"]).1, 4);
    assert!(!place.database().exists());
}

#[test]
fn runs_are_listed_newest_first_and_as_many_as_asked_for() {
    let place = Place::new();
    let store = place.store();
    let ids: Vec<_> = (0..25).rev().map(|n| run_of(&store, n, &Job::ALL, Outcome::Ok, 1)).collect();
    let newest: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    let (history, code) = place.json(&["history"]);
    assert_eq!((runs_in(&history), code), (newest[..20].to_vec(), 0));
    assert_eq!(runs_in(&place.json(&["history", "--limit", "3"]).0), newest[..3]);
    assert_eq!(runs_in(&place.json(&["history", "--limit", "99"]).0), newest);
    let keys = crate::commands::keys(&history["runs"][0]);
    let known = [
        "changed",
        "failed",
        "finished_at",
        "first_started_at",
        "held",
        "jobs",
        "outcome",
        "polled",
        "pushed",
        "repeats",
        "requests",
        "run",
        "started_at",
        "trigger",
    ];
    assert_eq!(keys, known);
    assert_eq!(history["runs"][0]["requests"], json!({"axerrio": 4, "komet": 12}));
}

#[test]
fn one_jobs_history_has_its_runs_and_figures_alone() {
    let place = Place::new();
    let store = place.store();
    run_of(&store, 3, &[Job::Orders], Outcome::Ok, 1);
    let none = place.told(&["history", "--job", "labels"]).0;
    assert_eq!(none, "No run of labels is on file yet. `stemsync sync labels` makes one.\n");
    let all = run_of(&store, 2, &Job::ALL, Outcome::Attention, 4);
    let labels = run_of(&store, 1, &[Job::Labels], Outcome::Failed, 1);
    let (history, _) = place.json(&["history", "--job", "labels"]);
    assert_eq!(runs_in(&history), [labels, all]);
    let of_all = &history["runs"][1];
    assert_eq!(
        (&of_all["jobs"], &of_all["changed"], &of_all["outcome"]),
        (&json!(["labels"]), &json!(4), &json!("attention"))
    );
    assert_eq!(place.command(&["history", "--job", "flowers"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn quiet_runs_in_a_row_are_one_line_that_says_how_many() {
    let place = Place::new();
    let store = place.store();
    let busy = run_of(&store, 9, &Job::ALL, Outcome::Ok, 1);
    for minutes in [8, 7, 6] {
        run_of(&store, minutes, &Job::ALL, Outcome::Ok, 0);
    }
    let last = run_of(&store, 5, &Job::ALL, Outcome::Ok, 0);
    let (history, _) = place.json(&["history"]);
    assert_eq!(runs_in(&history), [last.as_str(), &busy]);
    let line = &history["runs"][0];
    assert_eq!(line["repeats"], 3);
    let time = |key: &str| line[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!((time("started_at") - time("first_started_at")).num_minutes(), 3);
    let (told, _) = place.told(&["history"]);
    assert!(told.lines().nth(1).unwrap().ends_with("\t4"), "{told}");
    assert!(place.told(&["history", "show", &last]).0.contains("4 runs in a row that found nothing"));
}

#[test]
fn a_run_in_detail_tells_its_jobs_and_what_became_of_each_push() {
    let place = Place::new();
    let store = place.store();
    let id = run_of(&store, 1, &Job::ALL, Outcome::Failed, 1);
    let order = labelled_order(&store);
    let in_run = id.clone();
    store
        .write_blocking(move |conn| {
            let happened = |what: &str, detail: &str, system, result| Event {
                order: Some(order),
                run: Some(in_run.clone()),
                at: "2026-01-10T15:00:00Z".parse().unwrap(),
                system,
                what: what.to_owned(),
                detail: detail.to_owned(),
                result,
            };
            let adopted = Some(ActionResult::Adopted);
            events::add(conn, &happened("prebook.create", "prebook 85063", Some(System::Komet), adopted))?;
            events::add(conn, &happened("held", "edited_in_komet: boxes of Prebook item 11", None, None))
        })
        .unwrap();
    let (story, code) = place.json(&["history", "show", &id]);
    assert_eq!(code, 0);
    let adopted = json!({"at": "2026-01-10T15:00:00Z", "order": "AX-1", "system": "komet", "method": "prebook.create",
                         "result": "adopted", "detail": "prebook 85063"});
    assert_eq!(story["actions"][0], adopted);
    assert_eq!((&story["actions"][1]["result"], &story["actions"][1]["method"]), (&Value::Null, &json!("held")));
    assert_eq!((&story["trigger"], &story["quota"]["used"]), (&json!("cron"), &json!(7)));
    assert_eq!(story["jobs"].as_array().unwrap().len(), 4);
    // Whatever way the run is named.
    assert_eq!(place.json(&["history", "show", &id.to_lowercase()]).0, story);
    assert_eq!(place.json(&["history", "show", "latest"]).0, story);
    let (told, _) = place.told(&["history", "show", &id]);
    for words in
        ["AX-1  into Prebook adopted: prebook 85063", "held: edited_in_komet", "HTTP 502", "by cron, took 2000 ms"]
    {
        assert!(told.contains(words), "{words} in:\n{told}");
    }
}

#[test]
fn a_run_that_broke_off_is_unfinished() {
    let place = Place::new();
    let begin = |conn: &stemsync::store::Connection| runs::begin(conn, "01RUN", "cron", Utc::now());
    place.store().write_blocking(begin).unwrap();
    let (history, code) = place.json(&["history"]);
    assert_eq!(
        (code, &history["runs"][0]["outcome"], &history["runs"][0]["finished_at"]),
        (0, &Value::Null, &Value::Null)
    );
    assert!(place.told(&["history"]).0.contains("unfinished"));
    assert!(place.told(&["history", "show", "01RUN"]).0.contains("it is going on, or it broke off"));
}

#[test]
fn an_unknown_run_ends_with_4() {
    let place = Place::new();
    run(&place.store(), 1, Outcome::Ok, 0);
    let (told, code) = place.told(&["history", "show", "01NONE"]);
    assert!(code == 4 && told.contains("01NONE") && told.contains("stemsync history"), "{told}");
    assert_eq!(place.json(&["history", "show", "01NONE"]), (json!({"run": null, "reference": "01NONE"}), 4));
}

#[test]
fn the_history_fits_a_terminal() {
    let place = Place::new();
    let store = place.store();
    let at = Utc::now();
    // As long as a run's id really is.
    store.write_blocking(move |conn| runs::begin(conn, "01JD4Q6Z8K3N5T7V9X1B3D5F7H", "cron", at)).unwrap();
    run_of(&store, 1, &Job::ALL, Outcome::Attention, 12_345);
    for args in [&["history"][..], &["history", "show", "01jd4q6z8k3n5t7v9x1b3d5f7h"]] {
        let (told, _) = place.told(&[args, &["--color", "always"]].concat());
        let plain = told.split('\u{1b}').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
        let plain: String = plain.collect();
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
        assert!(plain.contains("01JD4Q6Z8K3N5T7V9X1B3D5F7H"), "{plain}");
    }
}
