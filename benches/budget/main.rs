//! The request budget against quota.md's workloads: the real policy (`stemsync::sync::budget`) and that page's own, on one
//! trade with a simulated clock. Prints how long changes waited, beside the page's figures, which come from another draw
//! of the trade. The policy was tuned on the seeds 1 to 6 and 201 to 230; what it is worth others tell:
//! `pairs` are the rows of policy 2 and of the budget.
//!
//!     cargo bench --bench budget -- [SEEDS [FIRST SEED]] [workloads | pairs | reach]

mod literal;
mod play;
mod trade;

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use play::{Policy, Seen, play};
use trade::Volume;

/// Seeds a cell, and the first of them, if not said otherwise.
const SEEDS: u64 = 3;
const FIRST: u64 = 101;
/// The budget alone decides when it is asked this often, in seconds.
const OFTEN: i64 = 10;
/// And nearly so, in the table of many cells.
const OFTEN_ENOUGH: i64 = 20;

#[derive(Clone, Copy)]
struct Seeds {
    first: u64,
    count: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse().ok());
    let count = numbers.next().unwrap_or(SEEDS);
    let seeds = Seeds { count, first: numbers.next().unwrap_or(FIRST) };
    let told = |what: &str| arguments.iter().any(|argument| argument == what);
    let all = !["workloads", "pairs", "reach"].into_iter().any(told);
    let began = Instant::now();
    println!(
        "Minutes until seen, median/p95; seeds {} to {}, each a fortnight after 8 days of learning. Held: the share of \
         working days on which a write had to wait (and their work would have fit the quota).",
        seeds.first,
        seeds.first + seeds.count - 1
    );
    if all || told("workloads") || told("pairs") {
        workloads(seeds, told("pairs"));
    }
    if all || told("reach") {
        reach(seeds);
    }
    println!();
    println!("{:.0} s", began.elapsed().as_secs_f64());
}

fn workloads(seeds: Seeds, only_pairs: bool) {
    println!();
    println!(
        "| workload | policy | approvals | Prebook changes | changes of approved POs | held | requests a day |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let workloads = [
        (
            "100 orders a day, Q = 1,000",
            Volume::Steady(100.0),
            1000,
            [
                "39/75 | 42/75 | 38/75",
                "8.1/22 | 8.3/29 | 13/59",
                "6.6/21 | 6.8/29 | 13/64",
                "4.2/11 | 3.5/10 | 4.5/11",
            ],
        ),
        (
            "300 a day, Q = 2,000",
            Volume::Steady(300.0),
            2000,
            [
                "28/51 | 26/51 | 27/51",
                "6.5/20 | 5.6/22 | 9.2/36",
                "5.2/19 | 4.4/21 | 8.1/36",
                "4.1/13 | 3.2/12 | 4.5/13",
            ],
        ),
        (
            "Valentine fortnight, Q = 3,000",
            Volume::Valentine,
            3000,
            [
                "16/47 | 16/46 | 16/46",
                "3.3/15 | 3.2/14 | 3.7/26",
                "2.6/14 | 2.5/14 | 3.2/24",
                "2.0/9 | 1.5/7 | 1.9/8",
            ],
        ),
    ];
    for (name, volume, limit, page) in workloads {
        let page_s = [
            ("every date in turn", Policy::Evenly),
            ("policy 1", Policy::Tokens),
            ("policy 2", Policy::Price),
            ("policy 2, told", Policy::Told),
        ];
        for ((policy, played), figures) in page_s.into_iter().zip(page) {
            if only_pairs && played != Policy::Price {
                continue;
            }
            println!("| {name} | *page: {policy}* | {figures} | | |");
            row(name, policy, &cell(volume, limit, played, seeds));
        }
        row(name, "budget", &cell(volume, limit, Policy::Budget(OFTEN), seeds));
        row(name, "budget, every five minutes", &cell(volume, limit, Policy::BudgetEveryFiveMinutes, seeds));
    }
}

fn reach(seeds: Seeds) {
    println!();
    println!(
        "Approvals, and the share of working days on which a write had to wait: the budget, (policy 2 on the same trade) and \
         [the page]."
    );
    println!();
    println!("| orders a day | Q = 1,000 | Q = 2,000 | Q = 3,000 | Q = 5,000 |");
    println!("| --- | --- | --- | --- | --- |");
    let page = [
        (30.0, ["2.9/8, 0 %", "1.4/4, 0 %", "0.9/3, 0 %", "0.6/1, 0 %"]),
        (100.0, ["6.6/21, 0 %", "2.6/8, 0 %", "1.6/5, 0 %", "0.9/3, 0 %"]),
        (200.0, ["14/57, 0 %", "3.6/12, 0 %", "2.1/7, 0 %", "1.2/4, 0 %"]),
        (300.0, ["63/411, 11 %", "5.2/19, 0 %", "2.7/9, 0 %", "1.4/5, 0 %"]),
        (600.0, ["390/686, 100 %", "28/204, 15 %", "5.2/24, 0 %", "1.9/7, 0 %"]),
    ];
    for (orders, figures) in page {
        let cells: Vec<String> = [1000, 2000, 3000, 5000]
            .into_iter()
            .zip(figures)
            .map(|(limit, page)| {
                let told = |policy| {
                    let seen = cell(Volume::Steady(orders), limit, policy, seeds);
                    format!("{}, {}", waited(&seen.approvals), held(&seen))
                };
                format!("{} ({}) [{page}]", told(Policy::Budget(OFTEN_ENOUGH)), told(Policy::Price))
            })
            .collect();
        println!("| {orders} | {} |", cells.join(" | "));
    }
}

/// One policy on one workload, over all seeds; as many at once as there are processors.
fn cell(volume: Volume, limit: u64, policy: Policy, Seeds { first, count }: Seeds) -> Seen {
    let seeds = Mutex::new(first..first + count);
    let worker = || {
        let mut all = Seen::default();
        // The lock must not be held while a fortnight is played.
        let next = || seeds.lock().expect("nobody panics with it").next();
        while let Some(seed) = next() {
            all.add(play(volume, limit, policy, seed));
        }
        all
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(worker)).collect();
        let mut all = Seen::default();
        for worker in workers {
            all.add(worker.join().expect("a fortnight is played to its end"));
        }
        all
    })
}

#[allow(clippy::cast_precision_loss)]
fn row(workload: &str, policy: &str, seen: &Seen) {
    let waits = [&seen.approvals, &seen.prebooks, &seen.late].map(|waits| waited(waits));
    let days = seen.working_days.max(1);
    println!(
        "| {workload} | **{policy}** | {} | {} | {} | {} | {:.0}, {:.0} of them polls |",
        waits[0],
        waits[1],
        waits[2],
        held(seen),
        seen.used as f64 / days as f64,
        seen.reads as f64 / days as f64
    );
}

#[allow(clippy::cast_precision_loss)]
fn held(seen: &Seen) -> String {
    let share = |days: u64| 100.0 * days as f64 / seen.working_days.max(1) as f64;
    format!("{:.1} % ({:.1} %)", share(seen.held_days), share(seen.needless_days))
}

/// Median/p95.
fn waited(waits: &[f64]) -> String {
    let mut sorted = waits.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or(f64::NAN)
    };
    let told = |minutes: f64| if minutes < 9.95 { format!("{minutes:.1}") } else { format!("{minutes:.0}") };
    format!("{}/{}", told(at(0.5)), told(at(0.95)))
}
