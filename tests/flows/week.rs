//! A whole week of trade, played by the sandbox's people, in plain and in messy answers.

use stemsync::domain::Stage;
use stemsync::sandbox::Answers;
use stemsync::store::orders;
use stemsync::sync::engine::Settings;

use crate::invariants::invariants;
use crate::link::Link;

async fn play(answers: Answers) {
    let link = Link::with(answers, Settings::default()).await;
    let today = link.today();
    let placed = link.act(|w, now| link.scenario.place_week(w, today, now)).unwrap();
    for round in 0..8 {
        link.sync_well().await;
        link.act(|w, now| link.people.step(w, now)).unwrap();
        if round == 3 {
            link.act(|w, now| link.people.maps_products(w, now)).unwrap();
        }
    }
    link.sync_well().await;
    let counts = link.engine.store.read(orders::stage_counts).await.unwrap();
    assert!(counts.iter().all(|(stage, _)| *stage == Stage::Received), "{counts:?}");
    let known: i64 = counts.iter().map(|(_, n)| *n).sum();
    assert!(usize::try_from(known).unwrap() >= placed.len(), "a Prebook of two ship dates is two orders");
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
}

#[tokio::test]
async fn a_week_of_orders_is_received_in_plain_answers() {
    play(Answers::Plain).await;
}

#[tokio::test]
async fn a_week_of_orders_is_received_in_messy_answers() {
    play(Answers::Messy(7)).await;
}
