//! What goes wrong on the way: each fault is seen from the client's side and in the world behind it.

#![allow(clippy::unwrap_used, missing_docs)]

mod sandbox_support;

use std::time::Duration;

use sandbox_support::*;

use stemsync::sandbox::{Effect, Fault, Sandbox, Target, World};
use stemsync::systems::System;

const CREATE: &str = "prebook.create";

fn create(f: &Fixture) -> reqwest::RequestBuilder {
    f.komet_post(CREATE, prebook(&[item("Rose Freedom 50 cm", 1)]), f.sandbox.komet_token())
}

fn made(sandbox: &Sandbox) -> usize {
    sandbox.act(|w, _| w.komet.prebooks().count())
}

async fn with(fault: Fault) -> Fixture {
    let f = Fixture::plain().await;
    f.sandbox.act(|w, _| w.inject(Target::next(System::Komet, CREATE), fault));
    f
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect_behind() {
    let f = with(Fault::AnswerLost).await;
    let error = f.try_send(create(&f)).await.err().unwrap();
    assert!(error.is_request() && error.status().is_none(), "no status line arrived: {error:?}");
    assert_eq!(made(&f.sandbox), 1);
}

#[tokio::test]
async fn a_connection_closed_before_leaves_nothing() {
    let f = with(Fault::RefusedBefore).await;
    assert!(f.try_send(create(&f)).await.is_err());
    assert_eq!(made(&f.sandbox), 0);
    assert!(f.try_send(create(&f)).await.is_ok(), "one request, one fault");
}

#[tokio::test]
async fn an_answer_breaks_off_in_the_middle() {
    let f = with(Fault::Truncated).await;
    let response = create(&f).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.text().await.is_err());
    assert_eq!(made(&f.sandbox), 1);
}

#[tokio::test]
async fn a_client_gives_up_and_the_effect_may_come_late() {
    for (effect, at_once, later) in [(Effect::Never, 0, 0), (Effect::Done, 1, 1), (Effect::Late, 0, 1)] {
        let f = with(Fault::Hang { open_for: Duration::from_mins(1), effect }).await;
        let error = f.try_send(create(&f).timeout(Duration::from_millis(200))).await.err().unwrap();
        assert!(error.is_timeout());
        assert_eq!(made(&f.sandbox), at_once, "{effect:?}");
        f.sandbox.act(World::release_delayed);
        assert_eq!(made(&f.sandbox), later, "{effect:?}");
    }
}

#[tokio::test]
async fn other_answers_take_the_place_of_the_systems() {
    let f = Fixture::plain().await;
    let target = || Target::next(System::Komet, CREATE);
    f.sandbox.act(|w, _| {
        w.inject(target(), Fault::Throttle(Duration::from_secs(7)));
        w.inject(target(), Fault::Html(502));
        w.inject(
            target(),
            Fault::Http { status: 503, body: "{}".into(), headers: vec![("x-proxy".into(), "yes".into())] },
        );
    });
    let throttled = f.send(create(&f)).await;
    assert_eq!((throttled.status, throttled.headers["retry-after"].to_str().unwrap()), (429, "7"));
    let page = f.send(create(&f)).await;
    assert_eq!((page.status, page.content_type.as_str()), (502, "text/html"));
    let other = f.send(create(&f)).await;
    assert_eq!((other.status, other.headers["x-proxy"].to_str().unwrap()), (503, "yes"));
    assert_eq!(made(&f.sandbox), 0);

    f.sandbox.act(|w, _| {
        w.inject(target(), Fault::Malformed);
        w.inject(target(), Fault::NotJson);
    });
    assert!(f.send(create(&f)).await.json["prebookId"].is_object());
    assert!(f.send(create(&f)).await.json.is_null());
    assert_eq!((made(&f.sandbox), f.sandbox.act(|w, _| w.faults_waiting())), (2, 0));
}

#[tokio::test]
async fn a_fault_waits_for_its_system_its_method_and_its_turn() {
    let f = Fixture::plain().await;
    f.sandbox.act(|w, _| {
        w.inject(Target::next(System::Komet, "carrier.list").after(1).times(2), Fault::Html(500));
    });
    f.ax_get("health").await;
    f.read("boxtype.list", "").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(f.send(f.komet_get("carrier.list", "", f.sandbox.komet_token())).await.status);
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
}

#[tokio::test]
async fn the_log_counts_what_was_asked() {
    let f = Fixture::plain().await;
    f.read("carrier.list", "").await;
    f.bought(2).await;
    f.ax_put("orders/by-ref/r%2F1", &ax_input()).await;
    f.sandbox.act(|w, _| {
        let log = w.requests();
        assert_eq!((log.of(System::Komet), log.of(System::Axerrio), log.writes()), (3, 1, 3));
        assert_eq!(log.count(System::Komet, CREATE), 1);
        assert_eq!(log.count(System::Axerrio, "PUT orders/by-ref/{externalRef}"), 1);
        let last = log.recent.back().unwrap();
        assert!(last.is_write && last.bytes == ax_input().to_string().len());
        assert!(w.axerrio.order_by_ref("r/1").is_some(), "references are decoded");
    });
}

#[tokio::test]
async fn a_hanging_client_does_not_keep_the_sandbox_from_stopping() {
    let f = with(Fault::Hang { open_for: Duration::from_hours(1), effect: Effect::Never }).await;
    let hanging = tokio::spawn(create(&f).send());
    while f.sandbox.act(|w, _| w.requests().count(System::Komet, CREATE)) == 0 {
        tokio::task::yield_now().await;
    }
    f.sandbox.stop().await;
    assert!(hanging.await.unwrap().is_err());
}
