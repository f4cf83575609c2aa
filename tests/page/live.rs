//! Following what happens.

use std::time::Duration;

use stemsync::daemon::signals::Wish;
use stemsync::domain::MapKind;
use stemsync::store::{Store, maps};
use stemsync::sync::report::Job;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::House;

struct Watcher {
    stream: TcpStream,
    read: String,
}

impl Watcher {
    async fn new(house: &House) -> Self {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        stream.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut watcher = Self { stream, read: String::new() };
        watcher.until("retry: 3000").await;
        watcher
    }

    /// Reads until this was said; says whether it was within three seconds.
    async fn until(&mut self, text: &str) -> bool {
        let mut bytes = [0; 1024];
        while !self.read.contains(text) {
            let reading = tokio::time::timeout(Duration::from_secs(3), self.stream.read(&mut bytes)).await;
            match reading {
                Ok(Ok(length)) if length > 0 => self.read += &String::from_utf8_lossy(&bytes[..length]),
                _ => return false,
            }
        }
        self.read.clear();
        true
    }
}

#[tokio::test]
async fn each_change_is_one_small_event_whoever_made_it() {
    let house = House::new().await;
    let mut watcher = Watcher::new(&house).await;
    house.board.nudge();
    assert!(watcher.until("data: changed").await, "the daemon's");
    // Another process, as a command in a shell is.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    watcher.read.clear();
    let other = Store::open(house.store.path()).unwrap();
    other.write(|conn| maps::set(conn, MapKind::Product, "ROSE", 7)).await.unwrap();
    assert!(watcher.until("data: changed").await, "another process's");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for _ in 0..500 {
        house.board.nudge();
    }
    assert!(watcher.until("data: changed").await);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut bytes = [0; 4096];
    let rest = tokio::time::timeout(Duration::from_millis(300), watcher.stream.read(&mut bytes)).await;
    assert!(
        rest.is_err() || rest.unwrap().unwrap() < 200,
        "five hundred changes at once are not five hundred events"
    );
}

#[tokio::test]
async fn what_was_asked_for_is_shown_at_once() {
    let mut house = House::new().await;
    let mut admin = house.admin().await;
    let csrf = admin.get("/").await.csrf();
    let answer = admin.post("/sync", &[("csrf", &csrf), ("job", "labels"), ("from", "runs")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/runs")));
    assert_eq!(house.wishes.try_recv().unwrap(), Wish::Sync(vec![Job::Labels]));
    for path in ["/", "/runs"] {
        let page = house.guest().get(path).await.body;
        assert!(page.contains("Asked for: labels."), "{page}");
        assert!(!page.contains("Sync now"), "whoever is not logged in cannot ask");
    }
    assert_eq!(admin.post("/sync", &[("csrf", &csrf), ("job", "everything")]).await.status, 400);
    let shapeless = admin.post("/sync", &[("csrf", &csrf)]).await;
    assert!(
        shapeless.status == 400 && shapeless.body.contains("<main"),
        "a page like any other: {}",
        shapeless.body
    );
}
