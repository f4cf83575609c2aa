//! A deterministic simulation: whole lives of the program from a seed, with every kind of fault and crash.
//!
//! ```text
//! cargo test --profile simulate --example simulation -- --seeds 2000
//! cargo test --profile simulate --example simulation -- --replay 4711
//! ```
//!
//! `cargo test` alone plays a few, so that it stays quick in a debug build.
#![allow(clippy::unwrap_used, missing_docs)]

mod admin;
mod check;
mod deeds;
mod fields;
mod further;
mod life;
mod network;
mod shrink;
#[path = "../support/standing.rs"]
mod standing;
#[path = "../support/trade.rs"]
#[allow(dead_code)]
mod trade;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser as _;
use life::{Life, Step, Tally};

/// A life is short and made of small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays lives of stemsync from seeds, and says where one went wrong.
#[derive(clap::Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 30)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Begin no life after so many seconds; 0 for no limit.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
    /// Processes; each plays a part of the seeds. SQLite's own locks would make threads wait for each other.
    #[arg(long, default_value_t = 2)]
    processes: u64,
    /// Go on after a life that went wrong, and count.
    #[arg(long)]
    go_on: bool,
    /// Play one seed and tell its story.
    #[arg(long)]
    replay: Option<u64>,
    /// Of the replayed history only these steps, such as `0-4,9`.
    #[arg(long, requires = "replay")]
    keep: Option<String>,
    /// A file of seeds that are known to go wrong, one at the start of each line: they are played and told apart.
    #[arg(long)]
    known: Option<std::path::PathBuf>,
    /// Do not look for the shortest history that goes wrong.
    #[arg(long)]
    no_shrink: bool,
}

fn main() {
    // libtest's own arguments (`--nocapture`, a filter) are none of this harness's business.
    if std::env::args().nth(1).is_some_and(|filter| !filter.starts_with('-')) {
        return;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && std::env::args().any(|a| a == "--list" || a == "--nocapture") => {
            return;
        }
        Err(error) => error.exit(),
    };
    std::panic::set_hook(Box::new(|_| {}));
    let ok = match arguments.replay {
        Some(seed) => replay(seed, arguments.keep.as_deref()),
        None if arguments.processes > 1 => share(&arguments),
        None => play_all(&arguments),
    };
    std::process::exit(i32::from(!ok));
}

/// What became of a life: what was wrong at its end, and what happened in it.
struct Fate {
    wrong: Vec<String>,
    tally: Tally,
    story: Vec<String>,
}

/// Plays one life to its end. A panic is a wrong too.
fn live(seed: u64, steps: &[Step], tell: bool) -> Fate {
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let name = format!("life-{}", PLAYED.fetch_add(1, Ordering::Relaxed));
    let mut life = Life::new(seed, &name, tell);
    let net = life.net.clone();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let wrong = life.live(steps);
        life.tell_of(&wrong);
        wrong
    }));
    let wrong = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
        vec![format!("panicked: {}", text.unwrap_or_default())]
    });
    let story = net.lock().story.take().unwrap_or_default();
    Fate { wrong, tally: life.tally, story }
}

fn replay(seed: u64, keep: Option<&str>) -> bool {
    let all = life::history(seed);
    let steps: Vec<Step> = match keep.map(shrink::parse) {
        Some(kept) => kept.into_iter().filter_map(|at| all.get(at).cloned()).collect(),
        None => all,
    };
    let fate = live(seed, &steps, true);
    fate.story.iter().for_each(|line| println!("{line}"));
    println!(
        "\nseed {seed}, {} steps: {}",
        steps.len(),
        if fate.wrong.is_empty() { "all is well" } else { "WRONG" }
    );
    fate.wrong.iter().for_each(|wrong| println!("  {wrong}"));
    fate.wrong.is_empty()
}

/// Has other processes play the seeds, each its part.
fn share(arguments: &Arguments) -> bool {
    let program = std::env::current_exe().expect("a running program has a path");
    let part = arguments.seeds.div_ceil(arguments.processes);
    let mut children = Vec::new();
    for process in 0..arguments.processes {
        let from = arguments.from + process * part;
        let seeds = part.min((arguments.from + arguments.seeds).saturating_sub(from));
        let mut command = Command::new(&program);
        command.args(["--processes", "1", "--from", &from.to_string(), "--seeds", &seeds.to_string()]);
        command.args(["--seconds", &arguments.seconds.to_string()]);
        if let Some(known) = &arguments.known {
            command.arg("--known").arg(known);
        }
        command.args(arguments.go_on.then_some("--go-on"));
        command.args(arguments.no_shrink.then_some("--no-shrink"));
        children.push(command.spawn().expect("this program starts once more"));
    }
    // Not lazily: all of them are waited for.
    let ends: Vec<bool> =
        children.into_iter().map(|mut child| child.wait().is_ok_and(|status| status.success())).collect();
    ends.into_iter().all(|ok| ok)
}

/// The seeds of a file of known ones.
fn known(file: Option<&std::path::Path>) -> Vec<u64> {
    let Some(file) = file else { return Vec::new() };
    let text = std::fs::read_to_string(file).expect("the file of known seeds is there");
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

fn play_all(arguments: &Arguments) -> bool {
    let began = Instant::now();
    let known = known(arguments.known.as_deref());
    let (mut tally, mut played, mut failed) = (Tally::default(), 0_u64, Vec::new());
    for seed in arguments.from..arguments.from + arguments.seeds {
        if arguments.seconds > 0 && began.elapsed().as_secs() >= arguments.seconds {
            break;
        }
        let fate = live(seed, &life::history(seed), false);
        tally.add(&fate.tally);
        played += 1;
        if known.contains(&seed) {
            println!(
                "known seed {seed}: {}",
                if fate.wrong.is_empty() { "all is well now" } else { &fate.wrong[0] }
            );
        } else if !fate.wrong.is_empty() {
            failed.push((seed, fate.wrong));
            if !arguments.go_on {
                break;
            }
        }
    }
    summary(&tally, played, began.elapsed().as_secs_f64());
    kinds(&failed);
    for (seed, wrong) in failed.iter().take(20) {
        println!("seed {seed}: {}", wrong.join("\n    "));
    }
    if let Some((seed, _)) = failed.first().filter(|_| !arguments.no_shrink) {
        shrink::tell(*seed);
    }
    failed.is_empty()
}

/// What went wrong, numbers aside.
fn plain(wrong: &str) -> String {
    let mut plain = String::new();
    for c in wrong.chars() {
        match c {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            other => plain.push(other),
        }
    }
    plain.chars().take(150).collect()
}

/// What went wrong, numbers aside: how often, and in which seed with the shortest history.
fn kinds(failed: &[(u64, Vec<String>)]) {
    let mut kinds: std::collections::BTreeMap<String, (u64, usize, u64)> = std::collections::BTreeMap::new();
    for (seed, wrong) in failed {
        let length = life::history(*seed).len();
        for one in wrong {
            let kind = kinds.entry(plain(one)).or_insert((0, usize::MAX, 0));
            kind.0 += 1;
            if length < kind.1 {
                (kind.1, kind.2) = (length, *seed);
            }
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (count, ..))| std::cmp::Reverse(*count));
    for (kind, (count, steps, seed)) in kinds {
        println!("{count:5} x {kind}  (seed {seed}, {steps} steps)");
    }
}

fn summary(tally: &Tally, played: u64, seconds: f64) {
    fn row<K: std::fmt::Debug>(title: &str, counts: &std::collections::BTreeMap<K, u64>) {
        let all: Vec<String> =
            counts.iter().map(|(kind, n)| format!("{} {n}", format!("{kind:?}").trim_matches('"'))).collect();
        println!("{title} ({}): {}", counts.values().sum::<u64>(), all.join(", "));
    }
    #[allow(clippy::cast_precision_loss, reason = "for people to read")]
    let each = seconds * 1000.0 / played.max(1) as f64;
    println!("{played} lives in {seconds:.1} s ({each:.1} ms each)");
    row("edits", &tally.deeds);
    row("network", &tally.mishaps);
    row("process and database", &tally.other);
    row("pushed", &tally.pushes);
    row("held at the end", &tally.holds);
}
