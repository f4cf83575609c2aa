//! The door between the program and both systems. It names and counts every request, lets it through to the sandbox, and
//! at one of them stops the world: before the request reaches the system, after its effect and before the answer, or
//! with the answer in hand. It can also keep a request back until the one who sent it is long gone. What it has let through it sees to the end, whoever dies meanwhile.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Once};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{Method, Request, Response};
use stemsync::sandbox::Sandbox;
use tokio::sync::{Notify, watch};

/// At which moment of a request the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// Before the request reaches the system.
    Asked,
    /// As before, but the request was under way: it reaches the system after the next process has looked for its effect
    /// in vain.
    UnderWay,
    /// The system has done it, and the answer is not on its way.
    Done,
    /// The answer has arrived, and nothing of it is committed.
    Answered,
}

/// One moment of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trap {
    /// Its method; `None` for any.
    pub(crate) method: Option<String>,
    /// Which request of this method, from 0.
    pub(crate) nth: u32,
    pub(crate) moment: Moment,
}

/// What has come by.
#[derive(Default)]
struct Book {
    /// Requests that arrived, in their order: the method, and whether it writes.
    arrived: Vec<(String, bool)>,
    /// Those let through, by method.
    passed: BTreeMap<String, u32>,
    trap: Option<Trap>,
    /// The trap has sprung: nothing goes through, in either direction.
    shut: bool,
    /// A request is kept back, until so many others were answered.
    kept_until: Option<u32>,
}

/// So many reads of the next process are answered before a request that was under way has its effect: it verifies first.
const LATE: u32 = 3;

struct Shared {
    client: reqwest::Client,
    /// Where the sandbox is, as `http://127.0.0.1:port`.
    target: String,
    book: Mutex<Book>,
    /// Says that the trap has sprung.
    sprung: Sender<()>,
    /// Lets the trapped answer go, or the request that was kept back.
    release: Notify,
    /// Says that this request has had its effect.
    late: Notify,
    /// Says that all of it was handed over.
    handed: Sender<()>,
    /// Requests on their way to the sandbox.
    passing: watch::Sender<usize>,
}

/// The door, on loopback.
pub(crate) struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
    sprung: Receiver<()>,
    handed: Receiver<()>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Gate {
    pub(crate) async fn before(sandbox: &Sandbox) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let builder = reqwest::Client::builder().no_proxy().gzip(false).tls_certs_only([]).tcp_nodelay(true);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sprung, springs) = channel();
        let (handed, hands) = channel();
        let shared = Arc::new(Shared {
            client: builder.build().unwrap(),
            target: sandbox.komet_url().split("/komet/").next().unwrap().to_owned(),
            book: Mutex::default(),
            sprung,
            release: Notify::new(),
            late: Notify::new(),
            handed,
            passing: watch::Sender::new(0),
        });
        let router = Router::new().fallback(pass).with_state(shared.clone());
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, sprung: springs, handed: hands, server }
    }

    /// The base URL behind which the sandbox has `url`.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replacen(&self.shared.target, &format!("http://{}", self.address), 1)
    }

    /// Waits for one of the requests from now on, or no longer for any.
    pub(crate) fn set(&self, trap: Option<Trap>) {
        let mut book = self.shared.book.lock().unwrap();
        book.trap = trap;
        book.arrived.clear();
    }

    /// Whether the trap has sprung; waits for it a moment.
    pub(crate) fn has_sprung(&self) -> bool {
        self.sprung.recv_timeout(std::time::Duration::from_millis(20)).is_ok()
    }

    /// Hands the trapped answer over, and nothing else.
    pub(crate) fn hand_over(&self) {
        self.shared.release.notify_one();
        self.handed.recv().unwrap();
    }

    /// Lets everything through again, once what was let through before has come to its end.
    pub(crate) async fn reopen(&self) {
        self.shared.passing.subscribe().wait_for(|passing| *passing == 0).await.unwrap();
        self.shared.book.lock().unwrap().shut = false;
    }

    /// The requests that arrived since it was last asked: the method, and whether it writes.
    pub(crate) fn arrived(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.shared.book.lock().unwrap().arrived)
    }

    /// How often each writing method was let through.
    pub(crate) fn written(&self) -> BTreeMap<String, u32> {
        let book = self.shared.book.lock().unwrap();
        let writes = book.passed.iter().filter(|(method, _)| crate::trade::WRITES.contains(&method.as_str()));
        writes.map(|(method, count)| (method.clone(), *count)).collect()
    }
}

/// A request that may go through.
struct Passage {
    /// Its answer is waited for.
    trapped: Option<Moment>,
    /// The one that was kept back goes first.
    goes_second: bool,
}

impl Shared {
    /// A request has arrived; `None` if it goes no further.
    fn arrive(&self, method: String, writes: bool) -> Option<Passage> {
        let mut book = self.book.lock().unwrap();
        if book.shut {
            return None;
        }
        let (of_all, of_its) = (book.arrived.len(), book.arrived.iter().filter(|(m, _)| *m == method).count());
        book.arrived.push((method.clone(), writes));
        let is_it = |trap: &Trap| match &trap.method {
            Some(trapped) => *trapped == method && trap.nth as usize == of_its,
            None => trap.nth as usize == of_all,
        };
        let trapped = book.trap.take_if(|trap| is_it(trap)).map(|trap| trap.moment);
        if let Some(Moment::Asked | Moment::UnderWay) = trapped {
            book.shut = true;
            self.sprung.send(()).unwrap();
        }
        if trapped == Some(Moment::Asked) {
            return None;
        }
        *book.passed.entry(method).or_default() += 1;
        if trapped == Some(Moment::UnderWay) {
            book.kept_until = Some(LATE);
            return Some(Passage { trapped, goes_second: false });
        }
        self.passing.send_modify(|passing| *passing += 1);
        let goes_second = book.kept_until.take_if(|left| *left == 0).is_some();
        book.kept_until = book.kept_until.map(|left| left - 1);
        Some(Passage { trapped, goes_second })
    }

    /// An answer has come from the sandbox; `false` if it goes no further for now.
    fn may_answer(&self, trapped: Option<Moment>) -> bool {
        let mut book = self.book.lock().unwrap();
        if book.shut {
            return false;
        }
        if trapped.is_some() {
            book.shut = true;
            self.sprung.send(()).unwrap();
        }
        true
    }
}

/// The request's name, as the API pages call it.
fn name_of(verb: &Method, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    match segments[..] {
        ["komet", "api", method] => method.to_owned(),
        ["axerrio", "api", "v1", ref call @ ..] => {
            let call = match *call {
                ["orders", "by-ref", _] => "orders/by-ref/{externalRef}".to_owned(),
                ["orders", "by-ref", _, "cancel"] => "orders/by-ref/{externalRef}/cancel".to_owned(),
                ["orders", _, "purchase-order"] => "orders/{id}/purchase-order".to_owned(),
                ["orders", _] => "orders/{id}".to_owned(),
                ref other => other.join("/"),
            };
            format!("{verb} {call}")
        }
        _ => path.to_owned(),
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let method = name_of(&head.method, head.uri.path());
    let Some(Passage { trapped, goes_second }) = shared.arrive(method, head.method != Method::GET) else {
        return nothing().await;
    };
    if goes_second {
        shared.release.notify_one();
        shared.late.notified().await;
    }
    let path = head.uri.path_and_query().unwrap().as_str();
    let mut request = shared.client.request(head.method, format!("{}{path}", shared.target)).body(body);
    let own = [HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING];
    for (name, value) in head.headers.iter().filter(|(name, _)| !own.contains(name)) {
        request = request.header(name, value);
    }
    // A task of its own: the effect comes about though the one who asked for it is gone.
    let sent = shared.clone();
    let answer = tokio::spawn(async move {
        if trapped == Some(Moment::UnderWay) {
            sent.release.notified().await;
        }
        let answer = request.send().await.unwrap();
        let mut response = Response::new(());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        let body = answer.bytes().await.unwrap();
        if trapped == Some(Moment::UnderWay) {
            sent.late.notify_one();
        } else {
            sent.passing.send_modify(|passing| *passing -= 1);
        }
        response.map(|()| body)
    });
    let answer = answer.await.unwrap();
    if !shared.may_answer(trapped) {
        return nothing().await;
    }
    let (head, body) = answer.into_parts();
    let body = match trapped {
        None => Body::from(body),
        Some(Moment::Answered) => {
            shared.release.notified().await;
            let handed = shared.handed.clone();
            let whole = futures_util::stream::once(async move { Ok::<_, std::io::Error>(body) });
            // Asked for what follows the last byte: all before it is written.
            let end = futures_util::stream::poll_fn(move |_| {
                let _ = handed.send(());
                std::task::Poll::Ready(None)
            });
            Body::from_stream(futures_util::StreamExt::chain(whole, end))
        }
        Some(_) => return nothing().await,
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    for name in [TRANSFER_ENCODING, CONTENT_LENGTH, CONNECTION] {
        response.headers_mut().remove(name);
    }
    response
}

/// No answer, as long as whoever asked is there.
async fn nothing() -> Response<Body> {
    std::future::pending().await
}
