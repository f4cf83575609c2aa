//! A client that sends byte for byte what it is told, and what a test asks of an answer.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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

    /// Where it leads to; empty where it leads nowhere.
    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// What a form's hidden `csrf` holds.
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }

    /// What a reader sees, tags and spaces apart.
    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        for part in self.body.split('<') {
            words.push_str(part.split_once('>').map_or(part, |(_, text)| text));
            words.push(' ');
        }
        let words = words.replace("&amp;", "&").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.words().contains(words), "{words:?} is missing in {} {}", self.status, self.words());
        self
    }

    #[track_caller]
    pub(crate) fn keeps_quiet_of(&self, words: &str) -> &Self {
        assert!(!self.body.contains(words), "{words:?} stands in {}", self.body);
        self
    }
}

/// A browser without opinions.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Client {
    /// One that nobody knows yet.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self { address, cookies: Vec::new() }
    }

    /// Sends bytes, and reads until the other side has no more to say.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // Whoever is refused early may find the connection closed.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    /// A form, where nothing else is said of the body.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let body = body.as_ref();
        let says = |name: &str| headers.iter().any(|(said, _)| *said == name);
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !says("Host") {
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
            if !says("Content-Type") {
                head += "Content-Type: application/x-www-form-urlencoded\r\n";
            }
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        let answer = Answer::of(&self.raw(&[head.as_bytes(), b"\r\n", body].concat()).await);
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
    fields.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

/// As it stands in a form or an address.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}
