//! Whole runs against the sandbox over loopback HTTP: a first sync, a quiet run, and ten changed orders among many.
//! `cargo bench --bench runs -- [ORDERS…]` prints a line for each; nothing is asserted, machines differ.

#![allow(clippy::unwrap_used, clippy::cast_precision_loss, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use stemsync::sandbox::scenario::{Scenario, place_orders};
use stemsync::sandbox::{Clock as SandboxClock, Sandbox, SandboxOptions};
use stemsync::store::Store;
use stemsync::sync::RunRequest;
use stemsync::sync::engine::{Clock, Engine, Settings};
use stemsync::sync::report::Job;
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ahead of the machine, so that a run right after another does not read the overlap again.
struct Ahead(TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.0
    }

    fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 10_000] } else { sizes };
    println!(
        "{:>8} {:>12} {:>9} {:>12} {:>12} {:>12}",
        "orders", "first sync", "orders/s", "CPU/order", "10 changed", "quiet run"
    );
    for orders in sizes {
        measure(orders);
    }
}

fn measure(orders: usize) {
    let scenario = Scenario::bundled();
    let sandbox = start_sandbox(&scenario);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let engine = |ahead: i64| {
        let ahead = TimeDelta::minutes(ahead);
        sandbox.set_clock(SandboxClock::Shifted(ahead));
        let timeout = Duration::from_secs(20);
        let retry_base = Duration::from_millis(100);
        let komet = KometOptions {
            base_url: sandbox.komet_url(),
            token: sandbox.komet_token().to_owned(),
            vendor_id: None,
            timeout,
            retry_base,
        };
        let axerrio = AxerrioOptions {
            base_url: sandbox.axerrio_url(),
            token: sandbox.axerrio_token().to_owned(),
            auth: AxerrioAuth::Bearer,
            timeout,
            retry_base,
            page_size: 500,
        };
        Engine {
            komet: KometClient::new(komet).unwrap(),
            axerrio: AxerrioClient::new(axerrio).unwrap(),
            store: Store::open(&path).unwrap(),
            clock: Arc::new(Ahead(ahead)),
            settings: Settings { quota_limit: 10_000_000, ..Settings::default() },
        }
    };
    let sync = |engine: &Engine<KometClient, AxerrioClient>| {
        let (start, cpu) = (Instant::now(), cpu());
        let request = RunRequest { jobs: vec![Job::Orders], trigger: "bench".into(), ..RunRequest::default() };
        let end = runtime.block_on(engine.run(request)).unwrap();
        assert!(end.down.is_empty(), "{:?}", end.down);
        (start.elapsed(), self::cpu().saturating_sub(cpu), end.report.jobs[0].pushed)
    };
    let first = engine(0);
    let inputs = scenario.bulk(orders, 3, 1, first.today());
    let ids = sandbox.act(|world, now| place_orders(world, inputs, now));
    let (took, cpu, pushed) = sync(&first);
    assert_eq!(pushed, 2 * orders as u64);
    drop(first);
    let mut changed = Vec::new();
    let mut quiet = Vec::new();
    for round in 1..=5_i64 {
        let later = engine(round * 20);
        sync(&later);
        drop(later);
        let later = engine(round * 20 + 10);
        quiet.push(sync(&later).0);
        sandbox.act(|world, now| {
            for id in ids.iter().take(10) {
                world.axerrio.customer_changes_line(id, "1", |line| line.boxes += 1, now).unwrap();
            }
        });
        let (took, _, pushed) = sync(&later);
        assert_eq!(pushed, 40);
        changed.push(took);
    }
    changed.sort();
    quiet.sort();
    println!(
        "{orders:>8} {took:>12.2?} {:>9.0} {:>12.0?} {:>12.2?} {:>12.2?}",
        orders as f64 / took.as_secs_f64(),
        cpu / u32::try_from(orders).unwrap(),
        changed[2],
        quiet[2]
    );
}

/// The sandbox on a thread of its own, as another process would be; it ends with the program.
fn start_sandbox(scenario: &Scenario) -> Arc<Sandbox> {
    let catalogue = scenario.catalogue();
    let (ready, sandbox) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rules = stemsync::sandbox::KometRules { daily_limit: None, ..Default::default() };
            let options = SandboxOptions { catalogue, rules, ..SandboxOptions::default() };
            let sandbox = Arc::new(Sandbox::start(options).await.unwrap());
            ready.send(Arc::clone(&sandbox)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    sandbox.recv().unwrap()
}

/// Processor time of this process: engine and sandbox together.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    Duration::from_millis((fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10)
}
