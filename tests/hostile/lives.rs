//! Whole runs of the engine between two systems that lie: every answer may be changed on its way, so that what no
//! parser refuses reaches the store and the planner. Whatever they say, a run ends, without a panic and without harm to
//! the database; and when they tell the truth again, it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stemsync::sandbox::{Answers, World};
use stemsync::sync::RunRequest;

use crate::fuzz::fuzz;
use crate::mutate::{Mutator, leaks};
use crate::world::{Hand, Systems, honest, now, people, tokens, world};

/// A run over the week needs a few hundred; lies make it ask again, not without end.
const REQUESTS: u64 = 20_000;

/// Changes one answer in so many hundred.
fn liar(seed: u64, percent: u8, count: Arc<AtomicU64>) -> Hand {
    let mut mutator = Mutator::new(seed);
    Box::new(move |_, status, body| {
        count.fetch_add(1, Ordering::SeqCst);
        if !mutator.chance(percent) || serde_json::from_str::<serde_json::Value>(&body).is_err() {
            return (status, body.into_bytes());
        }
        // Bytes that are no JSON are other targets' business: here the lies shall get far.
        (status, mutator.structure(&body).into_bytes())
    })
}

#[tokio::test]
async fn lives() {
    let saved: Vec<String> =
        [Answers::Plain, Answers::Messy(7)].map(|style| world(style).to_json().unwrap()).into_iter().collect();
    fuzz("lives", 4, async |mutator| {
        let mut model = World::from_json(&saved[mutator.rng.usize(..saved.len())]).unwrap();
        model.set_tokens(tokens());
        let count = Arc::new(AtomicU64::new(0));
        let percent = [3, 15, 50][mutator.rng.usize(..3)];
        // Half of them begin with honest weeks, so that there is something to be lied about.
        let honest_rounds = mutator.rng.usize(..4);
        let systems = Systems::start(model, honest()).await;
        let directory = tempfile::tempdir().unwrap();
        let engine = systems.engine(&directory.path().join("stemsync.db"));
        for round in 0..honest_rounds + 3 {
            if round == honest_rounds {
                *systems.hand.lock().unwrap() = liar(mutator.rng.u64(..), percent, Arc::clone(&count));
            }
            let end = engine.run(RunRequest::default()).await.map_err(|error| format!("run {round}: {error}"))?;
            let told = format!("{:?} {:?}", end.report, end.down);
            if leaks(&told) {
                return Err(format!("the token is told: {told}"));
            }
            if count.load(Ordering::SeqCst) > REQUESTS {
                return Err(format!("{} requests in one run", count.load(Ordering::SeqCst)));
            }
            count.store(0, Ordering::SeqCst);
            people().step(&mut systems.world.lock().unwrap(), now()).map_err(|e| e.to_string())?;
        }
        *systems.hand.lock().unwrap() = honest();
        let end = engine.run(RunRequest::default()).await.map_err(|error| format!("the honest run: {error}"))?;
        let errors: Vec<String> = end.report.jobs.iter().filter_map(|job| job.error.clone()).collect();
        if end.down.is_empty() && errors.is_empty() { Ok(()) } else { Err(format!("the honest run: {errors:?}")) }
    })
    .await;
}
