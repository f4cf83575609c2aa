//! The matrix: every request of the trade, and before, after and behind each that writes, the program dies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use stemsync::sandbox::Answers;
use tokio::runtime::{Handle, Runtime};

use crate::gate::{Moment, Trap};
use crate::process::{Checkpoint, Site};
use crate::scenario::STEPS;
use crate::trade::WRITES;

/// One step as it goes when nobody dies.
struct Played {
    /// Before stemsync runs.
    before: Checkpoint,
    requests: Vec<(String, bool)>,
    written: BTreeMap<String, u32>,
}

/// Plays the trade without a crash.
fn play(runtime: &Handle, answers: Answers) -> Vec<Played> {
    let site = Site::new(runtime, answers);
    let mut written = BTreeMap::new();
    let played = STEPS.iter().map(|(_, deeds)| {
        site.act(*deeds);
        let before = site.checkpoint();
        let requests = site.sync_until_quiet();
        site.check();
        let now = site.written();
        let of_step = now.iter().map(|(method, n)| (method.clone(), n - written.get(method).unwrap_or(&0)));
        let of_step = of_step.filter(|(_, n)| *n > 0).collect();
        written = now;
        Played { before, requests, written: of_step }
    });
    played.collect()
}

/// A step and where in it the program dies.
struct Case {
    step: usize,
    trap: Trap,
    /// The next process dies as well, at its so manieth request.
    again: Option<u32>,
}

/// The whole: every moment of every request that writes, and before every one that reads. Else only the moments between
/// a request that writes and its answer.
fn cases(played: &[Played], whole: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    // The first requests verify, the others go on; each is met by one case or another.
    let mut again = (0..AGAIN).cycle();
    for (step, played) in played.iter().enumerate() {
        let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
        for (method, writes) in &played.requests {
            let nth = seen.entry(method).or_default();
            let moments: &[Moment] = match (writes, whole) {
                (true, true) => &[Moment::Asked, Moment::UnderWay, Moment::Done, Moment::Answered],
                (true, false) => &[Moment::UnderWay, Moment::Done],
                (false, true) => &[Moment::Asked],
                (false, false) => &[],
            };
            for moment in moments {
                let again = (*moment == Moment::Done).then(|| again.next().unwrap());
                let trap = Trap { method: Some(method.clone()), nth: *nth, moment: *moment };
                cases.push(Case { step, trap, again });
            }
            *nth += 1;
        }
    }
    cases
}

/// The program dies, and the next one finds out what became of it; then the trade goes on to its end.
fn dies(runtime: &Handle, answers: Answers, played: &[Played], case: &Case) {
    println!("--- dies in {:?}, {:?}, and again: {:?}", STEPS[case.step].0, case.trap, case.again);
    let site = Site::at(runtime, answers, &played[case.step].before, case.trap.moment);
    assert!(site.killed_at(&case.trap), "it came to that");
    if let Some(nth) = case.again {
        site.killed_at(&Trap { method: None, nth, moment: Moment::Done });
    }
    site.sync_until_quiet();
    site.check();
    // Sent once, whether by the one that died or by the one after it.
    assert_eq!(site.written(), played[case.step].written, "as often as without a crash");
    if case.trap.moment == Moment::Done {
        // What was found by reading back serves as well as what was answered.
        // One run does what is ready, as ever; that it is quiet then is asked once, at the end.
        for (_, deeds) in &STEPS[case.step + 1..] {
            site.act(*deeds);
            assert_eq!(site.sync(), 0);
        }
        site.sync_until_quiet();
        site.check();
    }
}

/// Runs all cases, several at a time.
fn all_die(answers: Answers, whole: bool) {
    let runtime = Runtime::new().unwrap();
    let played = play(runtime.handle(), answers);
    let done: BTreeSet<&str> = played.iter().flat_map(|p| p.written.keys()).map(String::as_str).collect();
    assert_eq!(done, BTreeSet::from(WRITES), "every request that writes occurs");
    let cases = cases(&played, whole);
    println!("{} requests, {} cases", played.iter().map(|p| p.requests.len()).sum::<usize>(), cases.len());
    let queue = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some(case) = next else { return };
                    dies(runtime.handle(), answers, &played, case);
                }
            });
        }
    });
}

/// The successor of a killed process dies at one of this many requests, if it has so many.
const AGAIN: u32 = 9;

/// Most of a case is waiting for what a killed request may still do.
const THREADS: usize = 6;

#[test]
fn the_program_may_be_killed_at_every_request() {
    all_die(Answers::Plain, true);
}

#[test]
fn the_program_may_be_killed_at_every_request_that_writes_in_messy_answers() {
    let seed = std::env::var("STEMSYNC_CRASH_SEED").map_or(7, |seed| seed.parse().unwrap());
    all_die(Answers::Messy(seed), false);
}
