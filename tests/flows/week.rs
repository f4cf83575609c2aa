//! A whole week of trade, in plain and in messy answers.

use stemsync::domain::Stage;
use stemsync::sandbox::Answers;
use stemsync::store::orders;
use stemsync::sync::engine::Settings;

use crate::link::{Link, failures};

async fn play(answers: Answers) {
    let link = Link::with(answers, Settings::default()).await;
    let today = link.today();
    let placed = link.act(|w, now| link.scenario.place_week(w, today, now)).unwrap();
    for round in 0..8 {
        let report = link.sync().await;
        println!("round {round}: {:?}", report.outcome);
        for a in &report.actions {
            println!("   {:?} {} {} {}", a.order, a.method, a.result.name(), a.detail);
        }
        for j in &report.jobs {
            println!("   {:?} polled {} changed {} {:?} {:?}", j.job, j.polled, j.changed, j.requests, j.error);
        }
        assert_eq!(failures(&report), Vec::<String>::new());
        let mut done = link.act(|w, now| link.people.step(w, now)).unwrap();
        if round == 3 {
            done.extend(link.act(|w, now| link.people.maps_products(w, now)).unwrap());
        }
        for d in done {
            println!("      {d}");
        }
    }
    link.sync().await;
    let counts = link.engine.store.read(orders::stage_counts).await.unwrap();
    println!("{counts:?} {:?}", link.holds().await);
    assert_eq!(counts.iter().map(|(_, n)| *n).sum::<i64>() >= placed.len() as i64, true);
    assert!(counts.iter().all(|(stage, _)| *stage == Stage::Received), "{counts:?}");
    let writes = link.writes();
    let quiet = link.sync().await;
    assert_eq!(link.writes(), writes, "a second sync writes nothing: {:?}", quiet.actions);
}

#[tokio::test]
async fn a_week_of_orders_is_received_in_plain_answers() {
    play(Answers::Plain).await;
}

#[tokio::test]
async fn a_week_of_orders_is_received_in_messy_answers() {
    play(Answers::Messy(7)).await;
}
