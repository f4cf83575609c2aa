//! The loop of a target: so many cases, or so many seconds, each from a seed of its own. A case that fails, panics
//! (also in a thread or task that would swallow it) or does not end is told with its seed and the command that plays it again.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use crate::mutate::Mutator;

/// No case takes a hundredth of it; one that takes longer does not end.
const PATIENCE: Duration = Duration::from_mins(2);

static PANICS: AtomicU64 = AtomicU64::new(0);
static LAST: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// A target that failed says so by a panic of its own, which is no finding of the others.
    static REPORTS: Cell<bool> = const { Cell::new(false) };
}

/// Counts panics from here on, wherever they happen.
fn watch() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !REPORTS.get() {
                PANICS.fetch_add(1, Ordering::SeqCst);
                *LAST.lock().unwrap() = panic.to_string();
            }
            before(panic);
        }));
    });
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, expected a number")))
}

/// Runs `case` with `cases` seeds from `STEMSYNC_FUZZ_SEED` (or 1) on; `STEMSYNC_FUZZ_CASES` asks for another number of
/// them, `STEMSYNC_FUZZ_SECONDS` for as many as fit.
pub(crate) async fn fuzz(target: &str, cases: u64, mut case: impl AsyncFnMut(&mut Mutator) -> Result<(), String>) {
    watch();
    let first = number("STEMSYNC_FUZZ_SEED").unwrap_or(1);
    let seconds = number("STEMSYNC_FUZZ_SECONDS").map(Duration::from_secs);
    let cases = number("STEMSYNC_FUZZ_CASES").unwrap_or(if seconds.is_some() { u64::MAX } else { cases });
    let began = Instant::now();
    let mut played = 0;
    while played < cases && seconds.is_none_or(|seconds| began.elapsed() < seconds) {
        let seed = first + played;
        let panics = PANICS.load(Ordering::SeqCst);
        let mut mutator = Mutator::new(seed);
        let end = tokio::time::timeout(PATIENCE, AssertUnwindSafe(case(&mut mutator)).catch_unwind()).await;
        let problem = match end {
            Err(_) => Some("the case does not end".to_owned()),
            Ok(Err(_)) => Some(LAST.lock().unwrap().clone()),
            Ok(Ok(Err(problem))) => Some(problem),
            Ok(Ok(Ok(()))) => None,
        };
        let swallowed = (PANICS.load(Ordering::SeqCst) > panics).then(|| LAST.lock().unwrap().clone());
        if let Some(problem) = problem.or(swallowed) {
            REPORTS.set(true);
            panic!(
                "{target}, seed {seed}: {problem}\nagain with: STEMSYNC_FUZZ_SEED={seed} STEMSYNC_FUZZ_CASES=1 cargo test \
                 --test hostile {target}"
            );
        }
        played += 1;
    }
    println!("{target}: {played} cases from seed {first} in {:.0?}", began.elapsed());
}
