//! The page of the program itself: how it begins, ends and follows its configuration.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use stemsync::daemon::board::Board;
use stemsync::page::{Desk, Listening, Standing};
use stemsync::store::Store;
use stemsync::store::runs::{self, RunRow};
use stemsync::sync::report::Job;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;

use crate::client::{Answer, Client};
use crate::house::{PASSWORD, config};
use crate::place::{Place, sandbox_with_a_week};
use crate::trade::{FREEDOM, line, order};

struct Daemon {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
}

fn listen(place: &Place, status: &str) {
    let file = place.folder.path().join("sync.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let before = text.split("[status]").next().unwrap();
    std::fs::write(&file, format!("{before}[status]\n{status}")).unwrap();
}

impl Daemon {
    /// Waits until its page answers.
    fn start(place: &Place) -> Self {
        let mut daemon = Self::begin(place);
        let line = daemon.line("the status page is at http://");
        daemon.address = line.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
        daemon
    }

    fn begin(place: &Place) -> Self {
        let mut command = place.command(&["run"]);
        command.env("PAGE_PASSWORD", PASSWORD).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (stderr, lines) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line));
        });
        Self { child, log, address: ([127, 0, 0, 1], 0).into() }
    }

    /// Waits for a line in the log.
    fn line(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(line) = self.log.lock().unwrap().iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{text}: {:#?}", self.log);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn client(&self) -> Client {
        Client::of(self.address)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LISTEN: &str = "listen = \"127.0.0.1:0\"\npassword = { env = \"PAGE_PASSWORD\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_somebody_asks_for_takes_place_and_its_result_is_shown() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    listen(
        &place,
        &format!(
            "{LISTEN}[jobs]\norders = \"off\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n"
        ),
    );
    let mut daemon = Daemon::start(&place);
    let mut admin = daemon.client();
    assert_eq!(admin.log_in(PASSWORD).await.status, 303);
    let csrf = admin.get("/").await.csrf();
    let before = admin.get("/").await.body;
    assert!(before.contains("Nothing runs now."), "{before}");
    assert_eq!(admin.post("/sync", &[("csrf", &csrf), ("job", "all")]).await.status, 303);
    let began = Instant::now();
    let page = loop {
        let page = admin.get("/").await.body;
        if page.contains("The run asked for here ended") {
            break page;
        }
        assert!(page.contains("Asked for: all") || page.contains("Running: "), "{page}");
        assert!(began.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(page.contains(" pushed") && page.contains("In detail"), "{page}");
    let run = page.split("href=\"/runs/").nth(1).unwrap().split('"').next().unwrap();
    let detail = admin.get(&format!("/runs/{run}")).await.body;
    assert!(detail.contains("into Prebook") && detail.contains("<dd>page</dd>"), "{detail}");
    let metrics = admin.get("/metrics").await.body;
    assert!(metrics.contains("stemsync_run_duration_seconds_count 1\n"), "{metrics}");

    // It ends in time, though somebody watches.
    let watching = daemon.client();
    let watching =
        tokio::spawn(async move { watching.raw(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    daemon.signal("-TERM");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    watching.await.unwrap();
    assert!(!daemon.log.lock().unwrap().join("\n").contains("ranunculus"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_with_what_to_do_and_the_jobs_run_all_the_same() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let jobs =
        "[jobs]\norders = \"* * * * * *\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n";
    listen(&place, &format!("listen = \"{address}\"\n{jobs}"));
    let mut daemon = Daemon::begin(&place);
    let told = daemon.line("the status page cannot listen");
    for part in [&address.to_string(), "something listens there already", "ss -ltnp", "listen = \"off\""] {
        assert!(told.contains(part), "{part} in {told}");
    }
    daemon.line("pushed");
    daemon.signal("-TERM");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_its_address_once_that_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let config = Arc::new(config(folder.path(), ""));
    let store = Store::open(&config.state.path).unwrap();
    let desk = Desk::open(store, Board::new(config), unbounded_channel().0).await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let first = Listening::on(address).await;
    assert!(first.is_err());
    let standing = Standing::serve(first, desk, Duration::from_millis(20));
    drop(taken);
    let began = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        assert!(began.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let client = Client::of(address);
    let answer = client.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(Answer::of(&answer).status, 200);
    standing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_is_taken_over_and_another_address_takes_a_restart() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5s");
    listen(&place, "listen = \"127.0.0.1:0\"\n");
    let daemon = Daemon::start(&place);
    let mut client = daemon.client();
    assert!(client.get("/login").await.body.contains("nobody can log in"));
    std::fs::write(place.folder.path().join("word"), "peonies and tulips\n").unwrap();
    std::fs::set_permissions(place.folder.path().join("word"), std::fs::Permissions::from_mode(0o600)).unwrap();
    listen(&place, "listen = \"127.0.0.1:1\"\npassword = { file = \"word\" }\n");
    daemon.signal("-HUP");
    daemon.line("status.listen changed, which takes a restart");
    daemon.line("the configuration was read again");
    assert_eq!(client.log_in("peonies and tulips").await.status, 303);
    assert!(client.get("/").await.body.contains("Sync now"));
}

/// Those who watch, as many as the page is meant for; each counts what he is told.
struct Audience(Arc<Vec<AtomicUsize>>);

impl Audience {
    const SIZE: usize = 200;

    async fn at(address: SocketAddr) -> Self {
        let told: Arc<Vec<AtomicUsize>> = Arc::new((0..Self::SIZE).map(|_| AtomicUsize::new(0)).collect());
        for seat in 0..Self::SIZE {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
            let mut lines = tokio::io::BufReader::new(stream).lines();
            // He is let in once he is told when to come again.
            while lines.next_line().await.unwrap().expect("there is room for everybody") != "retry: 3000" {}
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "data: changed" {
                        told[seat].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        Self(told)
    }

    fn told(&self) -> Vec<usize> {
        self.0.iter().map(|told| told.load(Ordering::Relaxed)).collect()
    }

    /// Waits until everybody was told something since then.
    async fn all_hear_since(&self, before: &[usize]) {
        let began = Instant::now();
        while self.told().iter().zip(before).any(|(now, before)| now <= before) {
            assert!(began.elapsed() < Duration::from_secs(30), "somebody is not told: {:?}", self.told());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_who_watch_make_the_daemon_miss_no_poll_and_hear_of_each() {
    const POLLS: usize = 4;
    /// Seconds between two polls: many times what a poll and a busy machine take.
    const PERIOD: i64 = 5;
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "20s");
    let jobs = format!(
        "[jobs]\norders = \"*/{PERIOD} * * * * *\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n"
    );
    listen(&place, &format!("{LISTEN}{jobs}"));
    let first = place.command(&["sync"]).env("PAGE_PASSWORD", PASSWORD).output().unwrap();
    assert_eq!(first.status.code(), Some(4), "{first:?}");
    let daemon = Daemon::start(&place);
    let audience = Audience::at(daemon.address).await;

    let polls = async || -> Vec<RunRow> {
        let store = Store::open_existing_read_only(&place.database()).unwrap().unwrap();
        let runs = store.read(|conn| runs::list(conn, Some(Job::Orders), 50)).await.unwrap();
        runs.into_iter().filter(|run| run.finished_at.is_some()).collect()
    };
    let mut due = Vec::new();
    for _ in 0..=POLLS {
        // Each poll finds something: none is told as a repetition of the one before.
        let (before, known) = (audience.told(), polls().await[0].id.clone());
        let ordered = order(sandbox.now().date_naive() + TimeDelta::days(3), vec![line(FREEDOM, 1)]);
        sandbox.act(|world, now| world.axerrio.customer_orders(ordered, now));
        let began = Instant::now();
        let poll = loop {
            let last = polls().await.remove(0);
            if last.id != known {
                break last;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "no poll came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        due.push(poll.started_at.timestamp() / PERIOD);
        audience.all_hear_since(&before).await;
    }
    // The first may have been due while they came in.
    let first = due[1];
    assert_eq!(due[1..], (first..).take(POLLS).collect::<Vec<_>>(), "each poll took place when it was due");
    assert_eq!(daemon.client().get("/").await.status, 200);
}
