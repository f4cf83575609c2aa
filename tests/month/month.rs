//! Days and nights of the default schedule, played: the real loop, engine, adapters and database file, a week of trade
//! every seven days, retention at work. Whatever grows must be explained by the trade. In a process of its own, whose
//! memory is nobody else's. Four days by default, over a night in which clocks change; the whole month with
//!
//! ```text
//! STEMSYNC_MONTH_DAYS=30 cargo test --example month
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../daemon/stage.rs"]
#[allow(dead_code)]
mod stage;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use stage::Play;
use stemsync::daemon::signals::Wish;
use stemsync::store::{Connection, StoreError, orders};
use stemsync::systems::System::{Axerrio, Komet};

const DAY: TimeDelta = TimeDelta::days(1);

/// What may grow.
#[derive(Debug)]
struct Size {
    orders: usize,
    /// In each table that is not the trade's own.
    rows: BTreeMap<String, u64>,
    /// Database and log, in bytes.
    file: u64,
    /// Resident, in bytes.
    memory: u64,
    threads: usize,
}

/// Kept as long as the orders are, so that they grow with them; the tables behind the search are named after theirs.
const OF_TRADE: [&str; 14] = [
    "order_counts",
    "orders",
    "order_names",
    "names",
    "numbers",
    "axerrio_views",
    "komet_views",
    "agreed_views",
    "prebook_links",
    "item_links",
    "po_links",
    "box_links",
    "labels",
    "holds",
];

/// Tables that fill up with the days and then stay: the hours of four weeks, the days' counts of sixty, and what is known of each
/// ship date and window from five weeks ago to the horizon.
const FILL_UP: [(&str, u64); 3] = [("budget_hours", 28 * 24 + 1), ("quota", 61), ("sources", 35 + 30 + 11)];

/// How many rows each other table has.
fn rows(conn: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let others = names.into_iter().filter(|name| !OF_TRADE.iter().any(|of_trade| name.starts_with(of_trade)));
    let count = |name: String| {
        let rows: i64 =
            conn.prepare(&format!("SELECT count(*) FROM \"{name}\""))?.query_row([], |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    };
    others.map(count).collect()
}

impl Size {
    fn of(play: &Play) -> Self {
        let count = |conn: &Connection| Ok((orders::all_keys(conn)?.len(), rows(conn)?));
        let (orders, rows) = play.store.read_blocking(count).unwrap();
        let length = |ending: &str| {
            let file = format!("{}{ending}", play.database.display());
            std::fs::metadata(file).map_or(0, |file| file.len())
        };
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let resident: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            orders,
            rows,
            file: length("") + length("-wal"),
            memory: resident * 4096,
            threads: std::fs::read_dir("/proc/self/task").unwrap().count(),
        }
    }
}

/// Days of the default schedule leave nothing behind but the trade.
fn main() {
    // `cargo test NAME` and `--list` ask for other tests.
    if std::env::args().skip(1).any(|argument| argument == "--list" || !argument.starts_with('-')) {
        return;
    }
    let days: usize = std::env::var("STEMSYNC_MONTH_DAYS").map_or(4, |days| days.parse().unwrap());
    let began: DateTime<Utc> = "2026-10-29T10:00:00Z".parse().unwrap();
    // In the night of 1 November New York's clocks go back. Runs and events go after two days.
    let mut play = Play::start(began, "retention = \"2d\"\n");
    let mut sizes = Vec::new();
    for day in 1..=days {
        let from = play.now();
        assert!(play.pass(DAY).is_none(), "it lives");
        let polls = [(Axerrio, "/orders"), (Axerrio, "/labels"), (Komet, "/prebook.details.list")]
            .map(|(system, path)| play.stage.asked(system, path, from));
        // A run of trade reads once more what its pushes changed; a day's first run may fall to the day before.
        assert!(polls[..2].iter().all(|polls| (719..=760).contains(polls)), "day {day}: {polls:?}");
        assert!((300..=1000).contains(&polls[2]), "what the request budget allows, on day {day}: {polls:?}");
        // What the stage remembers is not the daemon's.
        play.stage.lock().asked = Vec::new();
        let size = Size::of(&play);
        println!("day {day:2}: {size:?}");
        sizes.push(size);
    }
    let (early, late) = (&sizes[days / 2 - 1], &sizes[days - 1]);
    // Nothing but trade makes it grow, and it grows no faster than the trade.
    let trade = |size: u64| size * late.orders as u64 / early.orders as u64;
    assert!(late.file <= trade(early.file) * 11 / 10, "{late:?} after {early:?}");
    let runs = |size: &Size| size.rows["runs"];
    assert!(runs(late) <= runs(early) + runs(early) / 2, "{late:?} after {early:?}");
    assert_eq!(late.threads, early.threads);
    // Trade comes week by week: the most that a table had in the last one, beside the most in the one before the middle.
    if days >= 21 {
        let most = |week: &[Size], table: &str| week.iter().map(|size| size.rows[table]).max().unwrap();
        for table in late.rows.keys() {
            let (before, now) = (most(&sizes[days / 2 - 7..days / 2], table), most(&sizes[days - 7..], table));
            let full = FILL_UP.iter().find(|(name, _)| name == table).map(|(_, full)| *full);
            let bound = full.unwrap_or(before + before / 10 + 3);
            assert!(now <= bound, "{table}: {now} rows after {before}");
        }
    }
    // The simulated systems remember every order, too: that is the stage's share, and allocators round up.
    let world = play.stage.lock().world.to_json().unwrap().len() as u64;
    assert!(late.memory <= early.memory + 4 * world + 1024 * 1024, "{late:?} after {early:?}, world {world}");

    play.ask.send(Wish::Stop).unwrap();
    // A run may be under way.
    assert!(play.pass(TimeDelta::minutes(1)).expect("it ends").is_ok());
}
