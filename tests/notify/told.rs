//! What people are told of, in the order in which it happens to them.

use chrono::TimeDelta;
use serde_json::json;
use stemsync::domain::Verdict;
use stemsync::sandbox::Fault;
use stemsync::store::{OnFile, Store, holds};
use stemsync::systems::System;

use crate::hook::{Hook, PATIENCE, deliver, deliver_at, run, told_by, told_by_hook};
use crate::link::Link;
use crate::trade::{UNKNOWN, UNKNOWN_IS, line, order};

/// So many orders of a product that Komet does not know, the first to ship first.
fn unknown_orders(link: &Link, count: i64) -> Vec<String> {
    (0..count)
        .map(|n| {
            let draft = order(link.day(3 + n), vec![line(UNKNOWN, 2)]);
            link.act(|w, now| w.axerrio.customer_orders(draft, now))
        })
        .collect()
}

/// From now on every request to the system fails, until the faults are cleared.
fn all_fail(link: &Link, system: System, fault: &Fault) {
    let target = stemsync::sandbox::Target { system, method: None, after: 0, times: u32::MAX };
    link.act(|w, _| w.inject(target, fault.clone()));
}

/// How the program is called for the link that is told of.
fn command() -> String {
    format!("stemsync -c {}", std::path::absolute("acme.toml").unwrap().display())
}

#[tokio::test]
async fn a_new_hold_is_told_once_over_runs_restarts_and_processes() {
    let (mut link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    let id = unknown_orders(&link, 1).remove(0);
    run(&link, &notices).await;
    let (hold, ships) = (link.holds().await.remove(0).id, link.day(3));

    // The daemon and a forced run that ends at the same moment.
    let now = link.engine.clock.now();
    let deliveries = [link.engine.store.clone(), Store::open(&link.path).unwrap()].map(|store| {
        let notices = told_by_hook(&hook);
        tokio::spawn(async move { deliver_at(&store, &notices, PATIENCE, now).await.told.len() })
    });
    let mut told = 0;
    for delivery in deliveries {
        told += delivery.await.unwrap();
    }
    assert_eq!(told, 1, "by one of them");
    let stemsync = command();
    let expected = format!(
        "stemsync acme on {}: order {id} waits for a person\nHold {hold}, order {id}, line 1, ships {ships}: Komet does \
         not know a product. To do: map it in Komet's Prebook Summary, or with `{stemsync} map product set`; the rest goes \
         on by itself. `{stemsync} holds` says more.",
        host()
    );
    assert_eq!(hook.texts(), [expected]);
    let post = hook.posts().remove(0);
    assert_eq!(post["stemsync"]["holds"]["first"][0]["order"], json!(id));
    assert_eq!(post["stemsync"]["holds"]["by_reason"], json!({"unmapped_product": 1}));
    let request = hook.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.header("content-type")),
        ("POST", Some("application/json; charset=utf-8"))
    );

    link.restart();
    for _ in 0..3 {
        run(&link, &told_by_hook(&hook)).await;
        deliver(&link, &told_by_hook(&hook)).await;
    }
    assert_eq!(hook.requests().len(), 1, "told once");

    let another = unknown_orders(&link, 1).remove(0);
    run(&link, &notices).await;
    deliver(&link, &notices).await;
    assert!(hook.texts()[1].contains(&another) && !hook.texts()[1].contains(&id), "{}", hook.texts()[1]);
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_hold_that_cleared_before_it_was_told_is_not_told() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    unknown_orders(&link, 1);
    run(&link, &notices).await;
    link.act(|w, now| w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now)).unwrap();
    run(&link, &notices).await;
    assert_eq!(link.holds().await, []);
    let delivered = deliver(&link, &notices).await;
    assert_eq!((delivered.told, delivered.next_attempt), (Vec::new(), None));
    assert_eq!(hook.requests().len(), 0);
}

#[tokio::test]
async fn many_new_holds_are_one_digest_and_whoever_asks_to_be_told_later_hears_of_what_is_open() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let orders = unknown_orders(&link, 7);
    // Nobody is told as yet.
    let nobody = told_by("", &[]);
    run(&link, &nobody).await;
    let decided = link.holds().await.pop().unwrap().id;
    let now = link.engine.clock.now();
    link.engine.store.write(move |conn| holds::decide(conn, decided, Verdict::Dismissed, now)).await.unwrap();

    let notices = told_by_hook(&hook);
    run(&link, &notices).await;
    deliver(&link, &notices).await;
    let text = hook.texts().remove(0);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with(": 6 holds wait for a person"), "{text}");
    assert_eq!(lines[2], "- 6 unmapped_product: Komet does not know a product");
    let first = format!("- order {}, line 1, ships {}, unmapped_product", orders[0], link.day(3));
    assert_eq!((lines[4], lines.len()), (first.as_str(), 10), "{text}");
    assert_eq!(lines[9], format!("All of them, with what to do: `{} holds`", command()));
}

#[tokio::test]
async fn a_system_that_is_down_for_a_quarter_of_an_hour_is_told_and_so_is_its_recovery() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    run(&link, &notices).await;
    all_fail(&link, System::Axerrio, &Fault::RefusedBefore);
    for minutes in [0, 14] {
        link.let_pass(TimeDelta::minutes(minutes));
        run(&link, &notices).await;
        deliver(&link, &notices).await;
    }
    assert_eq!(hook.requests().len(), 0, "fourteen minutes, and two failures of each job");
    link.let_pass(TimeDelta::minutes(1));
    run(&link, &notices).await;
    deliver(&link, &notices).await;
    let post = hook.posts().remove(0);
    let text = post["text"].as_str().unwrap();
    assert!(text.lines().next().unwrap().contains(": Axerrio is down, and 2 more"), "{text}");
    assert!(text.contains("Axerrio has been down since 20"), "{text}");
    assert!(
        text.contains("The job orders failed three times in a row") && text.contains("The job labels"),
        "{text}"
    );
    assert_eq!(post["stemsync"]["events"][0]["system"], json!("axerrio"));

    run(&link, &notices).await;
    deliver(&link, &notices).await;
    assert_eq!(hook.requests().len(), 1, "told once, however long it lasts");

    link.act(|w, _| w.clear_faults());
    run(&link, &notices).await;
    deliver(&link, &notices).await;
    let text = hook.texts().remove(1);
    for told in
        ["Axerrio answers again; it was down for 15 min.", "The job orders is well", "The job labels is well"]
    {
        assert!(text.contains(told), "{text}");
    }
    run(&link, &notices).await;
    deliver(&link, &notices).await;
    assert_eq!(hook.requests().len(), 2);
}

#[tokio::test]
async fn a_job_that_fails_three_times_in_a_row_is_told_without_what_the_system_said() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    run(&link, &notices).await;
    let said = json!({"status": 0, "message": "Bloom & Bough Wholesale, 12 Rose Lane, owes 0.55"}).to_string();
    let refused = Fault::Http { status: 200, body: said, headers: Vec::new() };
    let target = stemsync::sandbox::Target::next(System::Komet, "prebook.details.list").times(u32::MAX);
    link.act(|w, _| w.inject(target, refused));
    for told in [0, 0, 1, 1] {
        let end = run(&link, &notices).await;
        assert!(end.report.jobs.iter().any(|job| job.error.as_ref().is_some_and(|e| e.contains("Rose Lane"))));
        deliver(&link, &notices).await;
        assert_eq!(hook.requests().len(), told);
    }
    let post = hook.posts().remove(0);
    let text = post["text"].as_str().unwrap();
    assert!(text.contains("The job prebooks failed three times in a row"), "{text}");
    let more = format!("{} history --job prebooks", command());
    assert!(text.contains("(Komet refuses what it is asked)") && text.contains(&more), "{text}");
    assert!(!text.contains("is down"), "who refuses is there: {text}");
    let all = post.to_string();
    assert!(!["Bloom", "Rose", "0.55"].iter().any(|private| all.contains(private)), "{all}");
}

#[tokio::test]
async fn a_spent_quota_is_told_once_a_day_and_its_jobs_do_not_count_as_failing() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    run(&link, &notices).await;
    link.act(|w, now| w.komet.rules.daily_limit = Some(w.komet.quota_used(now)));
    for _ in 0..4 {
        assert!(run(&link, &notices).await.quota_spent());
        deliver(&link, &notices).await;
    }
    let texts = hook.texts();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("Komet's quota of the day is spent") && texts[0].contains("Axerrio is still read"));

    link.let_pass(TimeDelta::hours(24));
    assert!(!run(&link, &notices).await.quota_spent(), "a new day");
    link.act(|w, now| w.komet.rules.daily_limit = Some(w.komet.quota_used(now)));
    assert!(run(&link, &notices).await.quota_spent());
    deliver(&link, &notices).await;
    assert_eq!(hook.requests().len(), 2);
}

#[tokio::test]
async fn a_run_with_nothing_to_tell_does_not_touch_the_disk() {
    let (link, hook) = (Link::plain().await, Hook::start().await);
    let notices = told_by_hook(&hook);
    let end = run(&link, &notices).await;
    let before = link.engine.store.read(OnFile::now).await.unwrap();
    let now = link.engine.clock.now();
    notices.run_ended(&link.engine.store, &end, now).await.unwrap();
    deliver(&link, &notices).await;
    assert_eq!(link.engine.store.read(OnFile::now).await.unwrap(), before);
    assert_eq!(hook.requests().len(), 0);
}
