//! The database's writes fail one by one, each in its turn: statements, whole transactions, commits, and the disk that is
//! full. The run ends as it can; then the same process goes on, as a daemon does, or a new one on the file that is left:
//! either does the rest, once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use stemsync::sandbox::Answers;
use stemsync::store::Fault;
use stemsync::sync::RunRequest;
use stemsync::sync::engine::Settings;
use stemsync::systems::System;

use crate::fuse::{Failure, install};
use crate::invariants::invariants;
use crate::link::{Link, Setup};
use crate::scenario::STEPS;
use crate::trade::WRITES;

/// Soon enough for a test, late enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(600);
/// Cases at a time; most of each is waiting for what a request may still do.
const AT_ONCE: usize = 8;

/// The trade, each step before stemsync runs, and how often each request is then sent.
async fn play(answers: Answers) -> Vec<(Link, Vec<u64>)> {
    let settings = Settings { komet_timeout: TIMEOUT, horizon_days: 7, ..Settings::default() };
    let link = Link::start(Setup { answers, settings, ..Setup::default() }).await;
    let today = link.today();
    let mut steps = Vec::new();
    for (_, deeds) in STEPS {
        link.act(|world, now| deeds(world, today, now));
        let before = link.copy().await;
        link.act(|world, _| world.clear_requests());
        link.sync_well().await;
        let written = written(&link);
        invariants(&link).await;
        steps.push((before, written));
    }
    steps
}

/// How often each request that writes was sent.
fn written(link: &Link) -> Vec<u64> {
    let of = |method: &str| {
        let system = if method.contains(' ') { System::Axerrio } else { System::Komet };
        link.act(|world, _| world.requests().count(system, method))
    };
    WRITES.into_iter().map(of).collect()
}

/// A run whose database fails once `spared` writes went well; then another one, in the same process or in a new one.
/// Answers whether it came to that.
async fn fails(before: &Link, written_well: &[u64], failure: Failure, spared: u32, goes_on: bool) -> bool {
    let mut link = before.copy().await;
    let blown = install(&link.engine.store, failure, spared).await;
    let ended = link.engine.run(RunRequest { trigger: "test".into(), ..RunRequest::default() }).await;
    if let (Failure::DiskFull, Err(error)) = (failure, &ended) {
        assert_eq!(error.fault, Fault::Full);
    }
    // What has not failed by now does not.
    let failed = blown.swap(true, Ordering::SeqCst) || ended.is_err();
    if goes_on && failure != Failure::DiskFull {
        println!("--- {failure:?} after {spared} writes; the process goes on");
    } else {
        println!("--- {failure:?} after {spared} writes; another process goes on");
        link.restart();
    }
    link.sync_well().await;
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
    assert_eq!(written(&link), written_well, "{failure:?} after {spared} writes: each is sent as often as ever");
    failed
}

/// Every step, with every `stride`th write of it failing; answers how many that were.
async fn all_fail(answers: Answers, failure: Failure, stride: usize) -> u32 {
    // All of them, for who has minutes.
    let stride = if std::env::var_os("STEMSYNC_CRASH_WHOLE").is_some() { 1 } else { stride };
    let mut count = 0;
    for (before, written) in play(answers).await {
        let spared = (0..).step_by(stride).zip([true, false].into_iter().cycle());
        let mut cases = stream::iter(spared)
            .map(|(spared, goes_on)| fails(&before, &written, failure, spared, goes_on))
            .buffered(AT_ONCE);
        while cases.next().await == Some(true) {
            count += 1;
        }
    }
    println!("{failure:?} in {answers:?}: {count} times");
    count
}

#[tokio::test]
async fn every_commit_may_fail() {
    assert!(all_fail(Answers::Plain, Failure::Commit, 1).await > 50);
}

/// What is answered without ids is read back first, which has writes of its own.
#[tokio::test]
async fn any_statement_may_fail() {
    assert!(all_fail(Answers::Messy(7), Failure::Statement, 7).await > 60);
}

/// What a failed write to the disk does; the commits above come to the same, but for what was queued with them.
#[tokio::test]
async fn a_statement_may_take_its_transaction_with_it() {
    assert!(all_fail(Answers::Messy(7), Failure::Transaction, 19).await > 20);
}

#[tokio::test]
async fn the_disk_may_be_full_at_any_page() {
    assert!(all_fail(Answers::Plain, Failure::DiskFull, 1).await > 5);
}
