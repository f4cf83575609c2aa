//! The day's count, held against what the sandbox received: whoever asks, in whichever process, however it ends.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::store::{Connection, Store};
use stemsync::systems::System;

use crate::place::{Place, everything, sandbox_with_a_week};

/// All requests on file; two days' where midnight passed meanwhile.
async fn counted(place: &Place) -> u64 {
    let store = Store::open(&place.database()).unwrap();
    let sum = |conn: &Connection| {
        let mut statement = conn.prepare("SELECT sum(used) FROM quota")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?)
    };
    u64::try_from(store.read(sum).await.unwrap()).unwrap()
}

fn received(sandbox: &Sandbox) -> u64 {
    sandbox.act(|world, _| world.requests().of(System::Komet))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_when_and_why_shows_in_the_status_and_on_the_log() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let run = place.run(&["sync"]);
    assert_eq!(run.status.code(), Some(4), "{}", everything(&run));
    let log = String::from_utf8(place.run(&["sync", "--paced", "-vv"]).stderr).unwrap();
    let told: Vec<_> = log.lines().filter_map(|line| line.split_once("budget: ")).map(|(_, told)| told).collect();
    let (status, _) = place.json(&["status"]);
    let sources = status["budget"]["sources"].as_array().unwrap();
    assert!(sources.len() > 10, "ship dates and windows: {status:#}");
    let table = String::from_utf8(place.run(&["status", "-v"]).stdout).unwrap();
    for source in sources {
        let name = source["source"].as_str().unwrap();
        let prefix = format!("{name}: ");
        let why: Vec<_> = told.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert!(why.len() == 1 && why[0].contains(" unseen changes expected, "), "{name}: {told:#?}");
        let row = table.lines().find(|line| line.starts_with(&format!("{name}\t"))).unwrap();
        assert_eq!(row.split('\t').filter(|cell| !cell.is_empty()).count(), 5, "{row}");
        assert!(row.ends_with(source["why"].as_str().unwrap()), "{row} for {source:#}");
    }
    for kind in ["ship dates due; a read must save ", "Prebook windows due; a read must save "] {
        assert!(told.iter().any(|line| line.contains(kind)), "{kind}: {told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_counts_once_whoever_makes_it() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let retried = Fault::Html(503);
    sandbox.act(|world, _| world.inject(Target::next(System::Komet, "prebook.details.list").times(2), retried));
    for command in [&["sync"][..], &["sync", "--dry-run"], &["verify"], &["check"], &["sync", "labels"]] {
        let output = place.run(command);
        assert_eq!(counted(&place).await, received(&sandbox), "{command:?}: {}", everything(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_has_counted_what_it_sent() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let hangs = Fault::Hang { open_for: Duration::from_mins(2), effect: Effect::Done };
    for method in ["prebook.details.list", "prebook.create", "purchase.order.create"] {
        sandbox.act(|world, _| world.inject(Target::next(System::Komet, method), hangs.clone()));
        let mut child = place.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while sandbox.act(|world, _| world.faults_waiting()) > 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "{method} is sent");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (counted, received) = (counted(&place).await, received(&sandbox));
        // Others may have been counted and not been sent yet when it died, at most as many as are sent at once.
        assert!((received..=received + 8).contains(&counted), "{method}: {counted} counted, {received} received");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_one_link_count_together() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    place.run(&["sync", "orders"]);
    let start = |args: &[&str]| place.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let all = [start(&["sync"]), start(&["sync", "--dry-run"]), start(&["check"]), start(&["check"])];
    for mut process in all {
        process.wait().unwrap();
    }
    assert_eq!(counted(&place).await, received(&sandbox));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_ends_with_7_and_is_announced_once() {
    let (sandbox, _people) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let file = place.folder.path().join("sync.toml");
    let text = fs::read_to_string(&file).unwrap().replace("[komet]\n", "[komet]\nquota_share = \"1%\"\n");
    fs::write(&file, text).unwrap();
    let announced =
        |output: &std::process::Output| everything(output).matches("quota of the day is spent (10").count();
    let first = place.run(&["sync"]);
    assert_eq!((first.status.code(), announced(&first)), (Some(7), 1), "{}", everything(&first));
    let second = place.run(&["sync"]);
    assert_eq!((second.status.code(), announced(&second)), (Some(7), 0), "{}", everything(&second));
    assert_eq!(place.run(&["check"]).status.code(), Some(7));
    assert_eq!(received(&sandbox), 10, "ten are a hundredth of a thousand");
    let (told, code) = place.json(&["status"]);
    assert_eq!(code, 4);
    assert_eq!((&told["quota"]["used"], &told["budget"]["paused"]), (&10.into(), &true.into()), "{told:#}");
    let shown = everything(&place.run(&["status", "-v"]));
    assert!(shown.contains("SOURCE\tEXPECTED CHANGES\tWAITING\tLAST READ\tDUE"), "{shown}");
    assert!(shown.contains("paid users would do") && shown.contains("0 are kept for writes"), "{shown}");
    assert!(shown.contains("waiting for requests, and Komet is paused until its reset"), "{shown}");
}
