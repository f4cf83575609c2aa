//! What the targets found, each as a story of its own.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stemsync::sandbox::Answers;
use stemsync::store::{Connection, watermarks};
use stemsync::sync::RunRequest;
use stemsync::systems::{Axerrio, Komet, PoQuery, PrebookDates, PrebookQuery};

use crate::corpus;
use crate::damage::{Trade, run};
use crate::http::response;
use crate::komet::parrot;
use crate::mutate::TOKEN;
use crate::world::{self, Systems, axerrio, komet, world};

/// The first specimen of a call, changed.
fn specimen(call: &str, change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut answer: Value = serde_json::from_str(&corpus::answers(call)[0]).unwrap();
    change(&mut answer);
    response(200, &[("Date", "Mon, 02 Feb 2026 10:00:00 GMT")], answer.to_string().as_bytes())
}

fn any_window() -> PrebookQuery {
    let day = world::now().date_naive();
    PrebookQuery { dates: PrebookDates::Ship { from: day, to: day }, updated_as_of: None, number: None }
}

#[tokio::test]
async fn a_date_beyond_the_year_9999_makes_its_record_unreadable_and_no_other() {
    let (server, next) = parrot().await;
    let komet = komet(&server.url);
    *next.lock().unwrap() =
        specimen("prebook.details.list", |a| a["prebooks"][0]["truckDate"] = json!("+262142-12-31"));
    let answer = komet.prebooks(&any_window()).await.unwrap();
    assert_eq!(answer.unreadable.len(), 1);
    assert!(
        !answer.items.is_empty() && answer.unreadable[0].what.contains("truckDate"),
        "{:?}",
        answer.unreadable
    );

    let axerrio = axerrio(&server.url);
    for (field, odd) in [("shipDate", "-262143-01-01"), ("changedAt", "9999-12-31T23:59:59-23:59")] {
        *next.lock().unwrap() = specimen("orders", |a| a["items"][0][field] = json!(odd));
        let page = axerrio.orders(world::now(), None).await.unwrap();
        assert_eq!(page.answer.unreadable.len(), 1, "{field}");
        assert!(page.answer.unreadable[0].what.contains(field), "{:?}", page.answer.unreadable);
    }
}

/// A watermark is the feed's time less the overlap: at the calendar's end that overflowed, and a little before it
/// became a text that the database could not give back.
#[tokio::test]
async fn a_feed_whose_time_cannot_be_counted_with_moves_no_watermark() {
    for odd in ["-262143-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"] {
        let hand = Box::new(move |call: &str, status: u16, body: String| {
            let mut answer: Value = serde_json::from_str(&body).unwrap();
            if call == "orders" {
                answer["asOf"] = json!(odd);
            }
            (status, answer.to_string().into_bytes())
        });
        let systems = Systems::start(world(Answers::Plain), hand).await;
        let directory = tempfile::tempdir().unwrap();
        let engine = systems.engine(&directory.path().join("stemsync.db"));
        for _ in 0..2 {
            let report = engine.run(RunRequest::default()).await.unwrap().report;
            assert!(
                report.jobs[0].error.as_deref().is_some_and(|told| told.contains("asOf")),
                "{odd}: {report:?}"
            );
        }
        let read = |conn: &Connection| watermarks::get(conn, watermarks::Stream::Orders, 0);
        assert!(engine.store.read(read).await.unwrap().is_none(), "{odd}");
    }
}

#[tokio::test]
async fn a_token_in_a_field_of_the_trade_is_not_taken_for_data() {
    let (server, next) = parrot().await;
    let day = world::now().date_naive();
    *next.lock().unwrap() = specimen("purchase.order.list", |a| a["purchaseOrders"][0]["awb"] = json!(TOKEN));
    let answer = komet(&server.url).purchase_orders(&PoQuery::ShipDate(day)).await.unwrap();
    assert_eq!(answer.items[0].awb.as_deref(), Some("***"));
}

#[tokio::test]
async fn a_po_number_of_endless_length_is_not_taken_over() {
    let (server, next) = parrot().await;
    let day = world::now().date_naive();
    *next.lock().unwrap() =
        specimen("purchase.order.list", |a| a["purchaseOrders"][0]["number"] = json!("1".repeat(41)));
    let answer = komet(&server.url).purchase_orders(&PoQuery::ShipDate(day)).await.unwrap();
    assert!(answer.unreadable[0].what.contains("a PO number of at most 40 characters"), "{:?}", answer.unreadable);
}

/// Two lines of four billion boxes are more than a `u32` holds.
#[tokio::test]
async fn boxes_beyond_counting_are_added_up_all_the_same() {
    let many: Arc<Mutex<bool>> = Arc::default();
    let lies = Arc::clone(&many);
    let hand = Box::new(move |call: &str, status: u16, body: String| {
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        if call == "purchase.order.list" && *lies.lock().unwrap() {
            for po in answer["purchaseOrders"].as_array_mut().unwrap() {
                let lines = po["details"].as_array_mut().unwrap();
                for line in lines.iter_mut() {
                    line["totalBoxes"] = json!(u32::MAX);
                }
                let twins: Vec<Value> = lines
                    .iter()
                    .map(|line| {
                        let mut twin = line.clone();
                        twin["poItemId"] = json!(line["poItemId"].as_i64().unwrap() + 500_000);
                        twin
                    })
                    .collect();
                lines.extend(twins);
            }
        }
        (status, answer.to_string().into_bytes())
    });
    let systems = Systems::start(world(Answers::Plain), hand).await;
    let directory = tempfile::tempdir().unwrap();
    let engine = systems.engine(&directory.path().join("stemsync.db"));
    engine.run(RunRequest::default()).await.unwrap();
    *many.lock().unwrap() = true;
    for _ in 0..2 {
        world::people().step(&mut systems.world.lock().unwrap(), world::now()).unwrap();
        let report = engine.run(RunRequest::default()).await.unwrap().report;
        assert!(report.jobs.iter().all(|job| job.error.is_none()), "{report:?}");
    }
    engine.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_on_a_damaged_database_names_the_database_and_not_its_copy() {
    let trade = Trade::carried().await;
    let place = trade.place(false);
    Connection::open(place.path().join("link.db"))
        .unwrap()
        .execute("UPDATE komet_views SET doc = '{'", [])
        .unwrap();
    for command in [&["sync", "--dry-run"][..], &["sync"], &["verify"]] {
        let folder = place.path().to_owned();
        let ended = tokio::task::spawn_blocking(move || run(&folder, command)).await.unwrap().unwrap();
        assert_eq!(ended.status, Some(1), "{command:?}");
        assert!(ended.stderr.contains("the database link.db holds an unreadable document"), "{}", ended.stderr);
        assert!(ended.stderr.contains("restore the last backup, or move the file"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_is_gone_is_damage_and_no_riddle() {
    let trade = Trade::carried().await;
    let place = trade.place(false);
    let sql = "ALTER TABLE komet_views RENAME COLUMN print TO hint";
    Connection::open(place.path().join("link.db")).unwrap().execute(sql, []).unwrap();
    let folder = place.path().to_owned();
    let ended = tokio::task::spawn_blocking(move || run(&folder, &["sync"])).await.unwrap().unwrap();
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.stderr.contains("the database link.db is damaged") && ended.stderr.contains("restore"),
        "{}",
        ended.stderr
    );
}
