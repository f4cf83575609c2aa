//! The program itself, told to tell: what its report, its exit status and its lock have to do with notifications, which
//! is nothing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use stemsync::sandbox::Sandbox;
use stemsync::store::Store;
use stemsync::store::notices::{self, ChannelRow};

use crate::hook::{Hook, KEY};
use crate::place::{Place, everything, sandbox_with_a_week};

/// A place on the sandbox with a week of orders, one of which waits for a person.
pub(crate) async fn week(notify: &str) -> (Sandbox, Place) {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    configure(&place, notify);
    (sandbox, place)
}

/// Adds to the configuration.
pub(crate) fn configure(place: &Place, text: &str) {
    let file = place.folder.path().join("sync.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{before}{text}")).unwrap();
}

pub(crate) const WEBHOOK: &str = "[notify]\nwebhook = { env = \"HOOK\" }\n";

/// Runs a command that knows the webhook's address.
fn knowing(place: &Place, hook: &str, args: &[&str], more: &[(&str, &str)]) -> Output {
    place.command(args).env("HOOK", hook).envs(more.iter().copied()).output().unwrap()
}

fn nobody_sees_the_address(place: &Place, output: &Output, address: &str) {
    let told = everything(output);
    assert!(!told.contains(KEY) && !told.contains(address), "{told}");
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [KEY, address] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_tells_what_it_held_once() {
    let hook = Hook::start().await;
    let (_sandbox, place) = week("").await;
    assert_eq!(place.run(&["sync"]).status.code(), Some(4), "something is held, and nobody is told");
    configure(&place, WEBHOOK);
    knowing(&place, &hook.url(), &["sync", "--dry-run"], &[]);
    assert_eq!(hook.requests().len(), 0, "a dry run tells nobody");
    for _ in 0..2 {
        let output = knowing(&place, &hook.url(), &["sync", "-vv"], &[("RUST_LOG", "trace")]);
        assert_eq!(output.status.code(), Some(4), "{}", everything(&output));
        nobody_sees_the_address(&place, &output, &hook.url());
    }
    let posts = hook.posts();
    assert_eq!(posts.len(), 1, "{posts:#?}");
    assert_eq!(posts[0]["stemsync"]["holds"]["by_reason"], serde_json::json!({"unmapped_product": 1}));
    assert_eq!(posts[0]["stemsync"]["link"], Value::Null, "sync.toml is a machine's only link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_hangs_delays_neither_the_report_nor_another_run_nor_who_asks_it_to_leave() {
    let hook = Hook::start().await;
    hook.hang();
    let (_sandbox, place) = week(WEBHOOK).await;
    let mut command = place.command(&["sync", "--format", "json"]);
    let mut child = command.env("HOOK", hook.url()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut report = String::new();
    while !report.ends_with("\n}\n") {
        assert!(stdout.read_line(&mut report).unwrap() > 0, "{report}");
    }
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["outcome"], "attention");
    // The report is out; the notification is on its way, and stays there.
    while hook.requests().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it waits for the webhook");
        tokio::task::yield_now().await;
    }
    // A run that would have to wait for the lock ends with 6.
    let other = knowing(&place, &hook.url(), &["sync", "--wait", "0s", "--format", "json"], &[]);
    assert_eq!(other.status.code(), Some(4), "{}", everything(&other));
    assert_eq!(hook.requests().len(), 1, "what one process is about to tell no other tells");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(4), "as without a notification");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_never_answers_is_left_after_a_while_with_one_line_and_the_same_exit_status() {
    let hook = Hook::start().await;
    hook.hang();
    let (_sandbox, place) = week(WEBHOOK).await;
    let output = knowing(&place, &hook.url(), &["sync"], &[]);
    assert_eq!(output.status.code(), Some(4), "{}", everything(&output));
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    let lines: Vec<_> = told.lines().filter(|line| line.contains("notifications:")).collect();
    assert_eq!(lines.len(), 1, "{told}");
    assert!(lines[0].contains("not told by webhook: it does not answer within 8 s"), "{told}");
    nobody_sees_the_address(&place, &output, &hook.url());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_refuses_or_is_not_there_costs_one_line_and_nothing_else() {
    let hook = Hook::start().await;
    hook.answer(410);
    let nobody = format!("http://127.0.0.1:1/hooks/{KEY}");
    for (address, why) in
        [(hook.url(), "it answers HTTP 410 Gone: check that its address"), (nobody, "it cannot be reached (")]
    {
        let (_sandbox, place) = week(WEBHOOK).await;
        let (_sandbox_without, without) = week("").await;
        let told = knowing(&place, &address, &["sync", "--format", "json"], &[]);
        let silent = knowing(&without, &address, &["sync", "--format", "json"], &[]);
        assert_eq!(told.status.code(), silent.status.code());
        let lines = |output: &Output| -> Vec<String> {
            String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
        };
        let more: Vec<_> = lines(&told).into_iter().filter(|line| line.contains("notifications")).collect();
        assert!(more.len() == 1 && more[0].contains(why), "{more:?}");
        assert_eq!(lines(&told).len(), lines(&silent).len() + 1);
        nobody_sees_the_address(&place, &told, &address);

        // The next run is on its own schedule, not on the webhook's, and says nothing of it any more.
        let again = knowing(&place, &address, &["sync"], &[]);
        assert!(!everything(&again).contains("notifications"), "{}", everything(&again));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_after_a_day_is_told_on_the_log_with_one_line() {
    let hook = Hook::start().await;
    hook.answer(404);
    let (_sandbox, place) = week(WEBHOOK).await;
    let lines = |output: &Output| -> Vec<String> {
        let told = everything(output);
        told.lines().filter(|line| line.contains("notifications:")).map(str::to_owned).collect()
    };
    let first = lines(&knowing(&place, &hook.url(), &["sync"], &[]));
    assert!(first.len() == 1 && first[0].contains("1 not told by webhook: it answers HTTP 404"), "{first:?}");

    // A day and six more attempts go by.
    let store = Store::open(&place.database()).unwrap();
    store
        .write(|conn| {
            let row = ChannelRow { attempts: 7, next_at: None, ..notices::channel(conn, "webhook")? };
            notices::set_channel(conn, "webhook", &row)?;
            conn.execute("UPDATE notices SET at = '2020-01-01T00:00:00Z'", [])?;
            Ok(())
        })
        .await
        .unwrap();
    let last = lines(&knowing(&place, &hook.url(), &["sync"], &[]));
    assert!(last.len() == 1 && last[0].contains("gave up telling 1 by webhook after 8 attempts"), "{last:?}");
    assert_eq!(hook.requests().len(), 2);
    assert_eq!(store.read(|conn| notices::after(conn, 0)).await.unwrap(), []);
}
