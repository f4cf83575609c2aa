//! The specimens: real answers of both systems in `corpus/`, as the sandbox words them, plain and messy. They were
//! taken from whole weeks of trade, and are taken anew with
//! `STEMSYNC_RECORD=1 cargo test --test hostile specimens_of_every_call`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use stemsync::sandbox::Answers;
use stemsync::sync::RunRequest;

use crate::world::{Systems, people, world};

/// Larger answers are mutated no better, only slower.
const LARGEST: usize = 20_000;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus")
}

/// The answers to a call; at least one.
pub(crate) fn answers(call: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| {
            let name = file.file_name().unwrap().to_string_lossy();
            name.strip_prefix(call).is_some_and(|rest| rest.starts_with('-'))
                && name.matches('-').count() == call.matches('-').count() + 2
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are specimens of {call}");
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Every call of both systems.
pub(crate) const CALLS: [&str; 17] = [
    "boxtype.list",
    "box.code.change",
    "carrier.list",
    "prebook.create",
    "prebook.details.list",
    "prebook.item.delete",
    "purchase.order.create",
    "purchase.order.item.delete",
    "purchase.order.items.awb.add",
    "purchase.order.list",
    "purchase.order.mixed.create",
    "health",
    "labels",
    "order",
    "orders",
    "put-order",
    "put-purchase-order",
];

#[tokio::test]
async fn specimens_of_every_call_are_at_hand() {
    if std::env::var_os("STEMSYNC_RECORD").is_some() {
        for (name, style) in [("plain", Answers::Plain), ("messy", Answers::Messy(7))] {
            record(name, style).await;
        }
    }
    for call in CALLS {
        assert!(
            answers(call).iter().all(|text| serde_json::from_str::<serde_json::Value>(text).is_ok()),
            "{call}"
        );
    }
}

/// Plays a week of trade and writes down the two largest answers to each call that are not too large.
/// (What a week of trade does not ask for was written by hand: deletions, code changes, one order, health.)
async fn record(name: &str, style: Answers) {
    type Heard = BTreeMap<String, BTreeSet<(usize, String)>>;
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let book = Arc::clone(&heard);
    let hand = Box::new(move |call: &str, status: u16, body: String| {
        if (200..300).contains(&status) && body.len() <= LARGEST {
            book.lock().unwrap().entry(call.to_owned()).or_default().insert((body.len(), body.clone()));
        }
        (status, body.into_bytes())
    });
    let systems = Systems::start(world(style), hand).await;
    let directory = tempfile::tempdir().unwrap();
    let engine = systems.engine(&directory.path().join("stemsync.db"));
    for round in 0..8 {
        engine.run(RunRequest::default()).await.unwrap();
        let mut world = systems.world.lock().unwrap();
        people().step(&mut world, crate::world::now()).unwrap();
        if round == 3 {
            people().maps_products(&mut world, crate::world::now()).unwrap();
        }
    }
    std::fs::create_dir_all(folder()).unwrap();
    for (call, answers) in heard.lock().unwrap().iter() {
        for (number, (_, body)) in answers.iter().rev().take(2).enumerate() {
            std::fs::write(folder().join(format!("{call}-{name}-{number}.json")), body).unwrap();
        }
    }
}
