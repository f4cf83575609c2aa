//! Both systems, simulated, where the real ones are not at hand: for `demo`, for `base_url = "sandbox"` and for tests.
//! It is built to the API pages and knows nothing of the adapters, so that both can be held against each other. The
//! [`World`] is a pure model that takes a request and the time; [`Sandbox`] puts it behind HTTP on loopback.
//!
//! - [`catalogue`]: what the Komet company knows (products, customers, carriers, box types).
//! - [`komet`], [`axerrio`]: the two models, each with its calls and with what its people do.
//! - [`messy`]: how awkwardly answers are worded. [`faults`]: what goes wrong on the way, and the request log.
//! - [`people`], [`life`]: who acts, and when. [`scenario`]: what the company is and what is ordered.
//! - [`world`]: both models behind one door. [`clock`]: what time it is. `http`: the thin layer on top.

pub mod axerrio;
pub mod catalogue;
pub mod clock;
pub mod faults;
mod http;
pub mod komet;
pub mod life;
pub mod messy;
pub mod people;
pub mod scenario;
pub mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use catalogue::Catalogue;
pub use clock::Clock;
pub use faults::{Effect, Fault, RequestLog, Target};
pub use komet::KometRules;
pub use messy::Answers;
pub use world::{Outcome, Reply, Request, Tokens, World};

/// How a sandbox starts.
#[derive(Clone, Default)]
pub struct SandboxOptions {
    /// The port on loopback; 0 takes any that is free.
    pub port: u16,
    /// What Komet knows. Of no account where a saved world is loaded.
    pub catalogue: Catalogue,
    /// How Komet decides what the pages leave open. Of no account where a saved world is loaded.
    pub rules: KometRules,
    /// How answers are worded.
    pub answers: Answers,
    /// What time it is.
    pub clock: Clock,
    /// The tokens accepted; `None` takes names that everybody may know.
    pub tokens: Option<Tokens>,
}

/// The tokens of a sandbox that was not told others. They open nothing but a sandbox.
fn known_tokens() -> Tokens {
    Tokens {
        vendor: "sandbox-komet-vendor".to_owned(),
        company: Some("sandbox-komet-company".to_owned()),
        axerrio: "sandbox-axerrio".to_owned(),
    }
}

/// Both systems on loopback, until stopped. Dropping it stops serving without waiting.
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    clock: Arc<Mutex<Clock>>,
    tokens: Tokens,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Sandbox {
    /// Starts with an empty world.
    ///
    /// Fails if the port cannot be bound. Must be called inside a tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self> {
        let world = World::new(options.catalogue.clone(), options.rules.clone(), options.answers);
        Self::serve(world, options).await
    }

    /// Starts with the world that [`Sandbox::save`] left at `path`, or with an empty one if there is none.
    ///
    /// Fails if the file is there but cannot be read; it is never overwritten then.
    pub async fn load_or_new(path: &Path, options: SandboxOptions) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mut world = saved(&text, path)?;
                world.answers = options.answers;
                Self::serve(world, options).await
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::start(options).await,
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    async fn serve(mut world: World, options: SandboxOptions) -> Result<Self> {
        let tokens = options.tokens.unwrap_or_else(known_tokens);
        world.set_tokens(tokens.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .with_context(|| format!("cannot listen on 127.0.0.1:{}", options.port))?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let world = Arc::new(Mutex::new(world));
        let clock = Arc::new(Mutex::new(options.clock));
        let shared = http::Shared { world: world.clone(), clock: clock.clone(), stopping: stopping.clone() };
        let mut told = stopping;
        let server = tokio::spawn(async move {
            let until = async move {
                // An error means that the handle is gone: stop as well.
                let _ = told.wait_for(|stopping| *stopping).await;
            };
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Small answers must not wait for the client's acknowledgement.
                let _ = stream.set_nodelay(true);
            });
            if let Err(error) = axum::serve(listener, http::router(shared)).with_graceful_shutdown(until).await {
                log::error!("the sandbox stopped serving: {error}");
            }
        });
        Ok(Self { address, world, clock, tokens, stop, server })
    }

    /// Komet's base URL; ends in `/api/`.
    pub fn komet_url(&self) -> String {
        format!("http://{}/komet/api/", self.address)
    }

    /// Axerrio's base URL; ends in `/api/v1`.
    pub fn axerrio_url(&self) -> String {
        format!("http://{}/axerrio/api/v1", self.address)
    }

    /// The Vendor token that Komet accepts.
    pub fn komet_token(&self) -> &str {
        &self.tokens.vendor
    }

    /// The Company token that Komet accepts.
    pub fn komet_company_token(&self) -> Option<&str> {
        self.tokens.company.as_deref()
    }

    /// The token that Axerrio accepts.
    pub fn axerrio_token(&self) -> &str {
        &self.tokens.axerrio
    }

    /// The world itself, shared with the server. Keep the lock short; [`Sandbox::act`] is the simple way.
    pub fn model(&self) -> Arc<Mutex<World>> {
        self.world.clone()
    }

    /// Somebody acts: gives the world and the time, under one lock, so that times grow in the order of changes.
    pub fn act<T>(&self, action: impl FnOnce(&mut World, DateTime<Utc>) -> T) -> T {
        let mut world = http::lock(&self.world);
        let now = http::lock(&self.clock).now();
        action(&mut world, now)
    }

    /// What time it is in the sandbox.
    pub fn now(&self) -> DateTime<Utc> {
        http::lock(&self.clock).now()
    }

    /// Sets the clock.
    pub fn set_clock(&self, clock: Clock) {
        *http::lock(&self.clock) = clock;
    }

    /// Writes the world's state to `path`, whole or not at all. Tokens, faults and log are not in it.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = http::lock(&self.world).to_json().context("the sandbox cannot be written as JSON")?;
        let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || -> Result<()> {
            std::fs::create_dir_all(directory)?;
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Goes on with the world that [`Sandbox::save`] left at `path`, maybe in another process. What is to go wrong, and the
    /// log, are gone.
    pub fn reload(&self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut world = saved(&text, path)?;
        world.set_tokens(self.tokens.clone());
        let mut present = http::lock(&self.world);
        world.answers = present.answers;
        *present = world;
        Ok(())
    }

    /// Finishes the requests in hand and stops serving; hanging ones are broken off.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A client that keeps a request open without finishing it must not keep the sandbox alive.
        if tokio::time::timeout(Duration::from_secs(2), &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

fn saved(text: &str, path: &Path) -> Result<World> {
    World::from_json(text).with_context(|| format!("{} is not a saved sandbox", path.display()))
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
