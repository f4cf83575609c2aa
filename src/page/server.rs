//! Listening, and what a client may take: so many connections, so long for a request's head, so much of it. Each connection is a
//! task of its own on the daemon's runtime; none of them holds anything that a job needs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

use super::access::{Access, Ends, guard};
use super::desk::Desk;
use super::patience::Patient;
use super::routes;

/// Connections at once.
const CONNECTIONS: usize = 256;

/// A request's head, and how many headers are in it.
const HEAD: usize = 16 * 1024;
/// See [`HEAD`].
const HEADERS: usize = 64;

/// How long a head may take to arrive; also how long a connection may rest between two requests.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long answers in hand may take once the daemon ends.
const GRACE: Duration = Duration::from_secs(1);

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the status page cannot listen on {address}: {}. {}", reason(.cause), advice(*.address, .cause))]
pub struct CannotListen {
    address: SocketAddr,
    #[source]
    cause: io::Error,
}

fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "something listens there already",
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
        io::ErrorKind::PermissionDenied => "that port is for root",
        _ => "the system refuses",
    }
}

fn advice(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    let instead = "[status] of the configuration says where: listen = \"127.0.0.1:8788\" for another port, listen = \"off\" for \
                   no page";
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "It may be the stemsync of another link, which needs a port of its own, or another program: `ss -ltnp 'sport = \
             :{port}'` names it. {instead}"
        ),
        _ => instead.to_owned(),
    }
}

/// The address is taken; nobody is answered yet.
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Takes the address.
    pub async fn on(address: SocketAddr) -> Result<Self, CannotListen> {
        let failed = |cause| CannotListen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on.
    pub fn serve(self, desk: Desk) -> Page {
        log::info!("the status page is at http://{}/", self.address);
        let access = Access::new(desk.clone());
        let (stop, stopping) = watch::channel(false);
        let following = tokio::spawn(desk.clone().follow());
        let router = routes().layer(Extension(Stopping(stopping.clone())));
        let router = router.layer(middleware::from_fn_with_state(access, guard)).with_state(desk);
        let task = tokio::spawn(accept(self.listener, router, stopping));
        Page { stop, task, following }
    }
}

/// The page, which answers until it is stopped or dropped.
pub struct Page {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    following: JoinHandle<()>,
}

/// How long an address that is taken is left alone before it is tried again.
pub const TRY_AGAIN: Duration = Duration::from_mins(1);

/// A page that stands, or waits for an address that something else has: no job waits for a page.
pub enum Standing {
    /// It answers.
    Now(Page),
    /// It is tried again, and answers then.
    Later(JoinHandle<Page>),
}

impl Standing {
    /// Answers as soon as the address is free, for which it looks this often.
    pub fn serve(listening: Result<Listening, CannotListen>, desk: Desk, every: Duration) -> Self {
        let error = match listening {
            Ok(listening) => return Self::Now(listening.serve(desk)),
            Err(error) => error,
        };
        log::error!("{error}. Jobs run all the same; the address is tried again every {} s", every.as_secs());
        let address = error.address;
        Self::Later(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                if let Ok(listening) = Listening::on(address).await {
                    log::info!("the status page listens on {address} now");
                    return listening.serve(desk);
                }
            }
        }))
    }

    /// As [`Page::stop`].
    pub async fn stop(self) {
        match self {
            Self::Now(page) => page.stop().await,
            Self::Later(waiting) if waiting.is_finished() => {
                if let Ok(page) = waiting.await {
                    page.stop().await;
                }
            }
            Self::Later(waiting) => waiting.abort(),
        }
    }
}

/// Becomes `true` when the page ends: for answers that do not end by themselves.
#[derive(Clone)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Page {
    /// Answers what is in hand, then ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(GRACE, &mut self.task).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.task.abort();
        self.following.abort();
    }
}

async fn accept(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stopping) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: a loop without rest would only make it worse.
                log::warn!("status page: a connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        match Arc::clone(&room).try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(connection(stream, peer, router.clone(), place, stopping.clone()))),
            // Closed at once: there is no room to say more.
            Err(_) => log::debug!("status page: {peer} was turned away, {CONNECTIONS} are here already"),
        }
    }
    drop(listener);
    // Whoever has a place gives it back when he is answered.
    let _ = room.acquire_many(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX)).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: OwnedSemaphorePermit,
    mut stopping: watch::Receiver<bool>,
) {
    let Ok(here) = stream.local_addr() else { return };
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.layer(Extension(Ends { peer, here })));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD).max_headers(HEADERS);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(Patient::new(stream)), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("status page: {peer}: {error}");
    }
    drop(place);
}

/// Waits until the page is to end.
pub(super) async fn told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
