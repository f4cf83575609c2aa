//! A webhook on loopback that takes, refuses or lets wait, and somebody who is told by it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use stemsync::config::Config;
use stemsync::notify::{Delivered, Notices, Patience};
use stemsync::store::Store;
use stemsync::sync::{RunEnd, RunRequest};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::link::Link;
use crate::received::{Received, receive};

/// The key in the address: nobody may ever see it.
pub(crate) const KEY: &str = "K3yOfTheHook";

/// Longer than a delivery to somebody who answers takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// For somebody who does not answer.
const BRIEF: Duration = Duration::from_millis(300);

pub(crate) const PATIENCE: Patience = Patience { attempt: LONG, verdict: LONG };
pub(crate) const SHORT: Patience = Patience { attempt: BRIEF, verdict: BRIEF };

/// Seconds for which it asks to be left alone where it answers 429.
pub(crate) const ASKED: i64 = 300;

/// Stands for "no answer" among the statuses.
const HANGS: u16 = 0;

pub(crate) struct Hook {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    heard: Arc<Mutex<Vec<(Received, u16)>>>,
}

impl Hook {
    /// One that takes what it gets.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (status, heard) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (says, hears) = (Arc::clone(&status), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (status, heard) = (Arc::clone(&says), Arc::clone(&hears));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = receive(&mut stream).await {
                        let status = status.load(Ordering::SeqCst);
                        heard.lock().unwrap().push((request, status));
                        if status == HANGS {
                            std::future::pending::<()>().await;
                        }
                        // What it answers repeats the address, as some do.
                        let body = format!("no hook at /hooks/{KEY}");
                        let wait = if status == 429 { format!("Retry-After: {ASKED}\r\n") } else { String::new() };
                        let head = format!("HTTP/1.1 {status} X\r\n{wait}Content-Length: {}\r\n\r\n", body.len());
                        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, status, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks/{KEY}?also={KEY}", self.address)
    }

    /// From now on it answers so.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// From now on it takes requests and does not answer.
    pub(crate) fn hang(&self) {
        self.answer(HANGS);
    }

    /// All requests that arrived.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.heard.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    /// What it took, as JSON.
    pub(crate) fn posts(&self) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let taken = heard.iter().filter(|(_, status)| *status == 200);
        taken.map(|(request, _)| serde_json::from_slice(&request.body).unwrap()).collect()
    }

    /// The texts of what it took.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.posts().iter().map(|post| post["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// Whoever is told by these channels.
pub(crate) fn told_by(notify: &str, secrets: &[(&str, &str)]) -> Notices {
    let text = format!("[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n{notify}");
    let secret = |name: &str| secrets.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
    Notices::new(&Config::from_text(Path::new("acme.toml"), &text, &secret).unwrap())
}

pub(crate) fn told_by_hook(hook: &Hook) -> Notices {
    told_by("[notify]\nwebhook = { env = \"HOOK\" }", &[("HOOK", &hook.url())])
}

/// A run, and what it brought put into the outbox.
pub(crate) async fn run(link: &Link, notices: &Notices) -> RunEnd {
    let end = link.run(RunRequest { trigger: "test".into(), ..RunRequest::default() }).await;
    notices.run_ended(&link.engine.store, &end, link.engine.clock.now()).await.unwrap();
    end
}

/// Tells what waits.
pub(crate) async fn deliver(link: &Link, notices: &Notices) -> Delivered {
    let now = link.engine.clock.now();
    let delivered = notices.deliver(&link.engine.store, PATIENCE, now).await.unwrap();
    assert_eq!(delivered.failed, [], "it was taken");
    delivered
}

/// Tells what waits, at a time of its own.
pub(crate) async fn deliver_at(
    store: &Store,
    notices: &Notices,
    patience: Patience,
    now: DateTime<Utc>,
) -> Delivered {
    notices.deliver(store, patience, now).await.unwrap()
}
