//! A server on loopback that answers word for word what a test gives it, one answer after the other, and keeps every
//! request: also answers that no HTTP library would send, such as half a body or a connection that breaks.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::received::{Received, receive};

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Canned {
    /// Status, headers, body.
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// 200 with a body that stops before its announced length.
    Truncated(String),
    /// The connection closes without an answer.
    Reset,
    /// The request is read, and nothing ever comes.
    Silence,
    /// A body that does not end.
    Endless,
}

impl Canned {
    pub(crate) fn json(value: &Value) -> Self {
        Self::status(200, &value.to_string())
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::bytes(status, body.as_bytes())
    }

    pub(crate) fn bytes(status: u16, body: &[u8]) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Received {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// A query parameter, decoded as every server decodes it: `+` is a space.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(crate) fn body_text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Canned>>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
}

/// The server; it ends with the value.
pub(crate) struct Server {
    /// Ends with `/api`, without a slash.
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { answers: Mutex::new(answers.into_iter().collect()), ..Shared::default() });
        let state = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                state.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        Self { url, shared, task }
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = receive(&mut stream).await {
        shared.received.lock().unwrap().push(request);
        let answer = shared.answers.lock().unwrap().pop_front();
        match answer {
            Some(Canned::Answer { status, headers, body }) => {
                let mut head = format!("HTTP/1.1 {status} X\r\n");
                for (name, value) in headers {
                    write!(head, "{name}: {value}\r\n").unwrap();
                }
                if status != 204 {
                    write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
                }
                let bytes = [head.as_bytes(), b"\r\n", &body].concat();
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Some(Canned::Truncated(part)) => {
                let length = part.len() + 100;
                let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{part}");
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Some(Canned::Silence) => std::future::pending().await,
            Some(Canned::Endless) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
                let chunk =
                    [format!("{:x}\r\n", 1 << 20).into_bytes(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
                while stream.write_all(&chunk).await.is_ok() {}
                return;
            }
            Some(Canned::Reset) | None => return,
        }
    }
}
