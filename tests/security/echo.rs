//! A server that repeats what it was sent, wherever an answer has a place for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What came in, token and all.
pub(crate) struct Heard {
    /// Path and query as sent.
    pub(crate) target: String,
    /// `Authorization`, or the body, or the query: whatever held the token, decoded.
    pub(crate) token: String,
}

/// The server. It goes on until the test's process ends.
pub(crate) struct Server {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// `answer` gives the response's bytes.
    pub(crate) fn start(answer: impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, requests): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let (counted, served, answer) = (Arc::clone(&connections), Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let (served, answer) = (Arc::clone(&served), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(heard) = hear(&mut stream) {
                        served.fetch_add(1, Ordering::SeqCst);
                        let bytes = answer(&heard);
                        if bytes.is_empty() || stream.get_mut().write_all(&bytes).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, connections, requests }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn hear(stream: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut token) = (0, String::new());
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => value.trim().trim_start_matches("Bearer ").clone_into(&mut token),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let url = reqwest::Url::parse(&format!("http://x{target}")).ok()?;
    if let Some((_, value)) = url.query_pairs().find(|(name, _)| name == "authenticationToken") {
        token = value.into_owned();
    }
    if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&body)
        && let Some(value) = body["authenticationToken"].as_str()
    {
        value.clone_into(&mut token);
    }
    Some(Heard { target, token })
}

pub(crate) fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
