//! The request budget against quota.md's workloads: the real policy (`stemsync::sync::budget`) with a simulated clock.
//! Prints how long changes waited beside that page's figures. `cargo bench --bench budget -- [SEEDS]`.

mod play;
mod trade;

use std::time::Instant;

use play::{Policy, Seen, play};
use trade::Volume;

/// Seeds a cell, if not said otherwise.
const SEEDS: u64 = 3;
/// The budget alone decides when it is asked this often, in seconds.
const OFTEN: i64 = 10;
/// And nearly so, in the table of many cells.
const OFTEN_ENOUGH: i64 = 20;

fn main() {
    let seeds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SEEDS);
    let began = Instant::now();
    println!("Minutes until seen, median/p95; {seeds} seeds a cell, each a fortnight after 8 days of learning.");
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
            ["39/75", "42/75", "38/75", "6.6/21", "6.8/29", "13/64"],
        ),
        (
            "300 a day, Q = 2,000",
            Volume::Steady(300.0),
            2000,
            ["28/51", "26/51", "27/51", "5.2/19", "4.4/21", "8.1/36"],
        ),
        (
            "Valentine fortnight, Q = 3,000",
            Volume::Valentine,
            3000,
            ["16/47", "16/46", "16/46", "2.6/14", "2.5/14", "3.2/24"],
        ),
    ];
    for (name, volume, limit, page) in workloads {
        println!("| {name} | *page: every date in turn* | {} | {} | {} | | |", page[0], page[1], page[2]);
        row(name, "every date in turn", &cell(volume, limit, Policy::Evenly, seeds));
        println!("| {name} | *page: policy 2* | {} | {} | {} | | |", page[3], page[4], page[5]);
        row(name, "budget", &cell(volume, limit, Policy::Budget(OFTEN), seeds));
        row(name, "budget, every five minutes", &cell(volume, limit, Policy::BudgetEveryFiveMinutes, seeds));
    }
    println!();
    println!(
        "Approvals, and the share of working days on which a write had to wait; quota.md's figure in brackets."
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
                let seen = cell(Volume::Steady(orders), limit, Policy::Budget(OFTEN_ENOUGH), seeds);
                format!("{}, {} [{page}]", waited(&seen.approvals), held(&seen))
            })
            .collect();
        println!("| {orders} | {} |", cells.join(" | "));
    }
    println!();
    println!("{:.0} s", began.elapsed().as_secs_f64());
}

fn cell(volume: Volume, limit: u64, policy: Policy, seeds: u64) -> Seen {
    let threads: Vec<_> =
        (0..seeds).map(|seed| std::thread::spawn(move || play(volume, limit, policy, seed + 1))).collect();
    let mut all = Seen::default();
    for thread in threads {
        all.add(thread.join().expect("a fortnight is played to its end"));
    }
    all
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
    format!("{:.0} %", 100.0 * seen.held_days as f64 / seen.working_days.max(1) as f64)
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
