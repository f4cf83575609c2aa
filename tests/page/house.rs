//! A page that a test holds in its hands: its database, what the daemon would show on the board and hear as a wish; and a client
//! that sends byte for byte what it is told.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use stemsync::config::Config;
use stemsync::daemon::board::Board;
use stemsync::daemon::signals::Wish;
use stemsync::page::{Desk, Listening, Page};
use stemsync::store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) const PASSWORD: &str = "tulips, roses & <ranunculus>";

pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) board: Board,
    pub(crate) wishes: UnboundedReceiver<Wish>,
    _page: Page,
    pub(crate) folder: tempfile::TempDir,
}

/// A configuration with this `[status]`.
pub(crate) fn config(folder: &Path, status: &str) -> Config {
    let database = folder.join("link.db");
    let text = format!(
        "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"{}\"\n[status]\n{status}",
        database.display()
    );
    let environment = |name: &str| (name == "PAGE_PASSWORD").then(|| PASSWORD.into());
    Config::from_text(&folder.join("sync.toml"), &text, &environment).unwrap()
}

pub(crate) const WITH_PASSWORD: &str = "password = { env = \"PAGE_PASSWORD\" }\nhosts = [\"page.example\"]\n";

impl House {
    /// With a password.
    pub(crate) async fn new() -> Self {
        Self::with(WITH_PASSWORD).await
    }

    pub(crate) async fn with(status: &str) -> Self {
        Self::on(([127, 0, 0, 1], 0).into(), status).await
    }

    pub(crate) async fn on(address: SocketAddr, status: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(config(folder.path(), status));
        let store = Store::open(&config.state.path).unwrap();
        let board = Board::new(config);
        let (ask, wishes) = unbounded_channel();
        let listening = Listening::on(address).await.unwrap();
        let address = listening.address();
        let page = listening.serve(Desk::open(store.clone(), board.clone(), ask).await.unwrap());
        Self { address, store, board, wishes, _page: page, folder }
    }

    /// Somebody who looks, not logged in.
    pub(crate) fn guest(&self) -> Client {
        Client { address: self.address, cookies: Vec::new() }
    }

    /// Somebody who logged in.
    pub(crate) async fn admin(&self) -> Client {
        let mut client = self.guest();
        let answer = client.log_in(PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Takes an answer apart; of none at all the status is 0.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What a form's hidden `csrf` holds.
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A browser without opinions.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Client {
    /// Sends bytes, and reads until the other side has no more to say.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // Whoever is refused early may find the connection closed.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            write!(head, "Host: {}\r\n", self.address).unwrap();
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
            write!(head, "Cookie: {}\r\n", cookies.join("; ")).unwrap();
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if method == "POST" {
            head += "Content-Type: application/x-www-form-urlencoded\r\n";
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        let answer = Answer::of(&self.raw(format!("{head}\r\n{body}").as_bytes()).await);
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (key, rest) = set.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != key);
            if !set.contains("Max-Age=0") {
                self.cookies.push((key.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Posts a form with these fields.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, &[], &form(fields)).await
    }

    pub(crate) async fn log_in(&mut self, password: &str) -> Answer {
        let csrf = self.get("/login").await.csrf();
        self.post("/login", &[("csrf", &csrf), ("password", password), ("next", "/runs")]).await
    }
}

pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
        text.bytes().map(byte).collect()
    };
    fields.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect::<Vec<_>>().join("&")
}
