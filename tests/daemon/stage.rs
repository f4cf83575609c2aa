//! A daemon on a stage: the real loop, engine, adapters and database file, over a network and a clock that are played.
//! Time passes only when nobody has anything to do, so that a month takes as long as its work.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};
use stemsync::config::Config;
use stemsync::daemon::signals::Wish;
use stemsync::daemon::{Daemon, Served};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::{Answers, KometRules, Outcome, Request, Tokens, World, life};
use stemsync::store::Store;
use stemsync::sync::engine::{Clock, Engine, Settings};
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::network::{Network, Pending, Received, Sent};
use stemsync::systems::{Fault, System};
use tokio::sync::mpsc;

const TIMEOUT: Duration = Duration::from_secs(20);

/// How a system fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// No connection comes about.
    Refused,
    /// No answer comes.
    Hangs,
    /// The day's quota is spent.
    QuotaSpent,
}

/// The network, the clock and both systems.
pub(crate) struct Stage {
    state: Mutex<State>,
    woken: Arc<Woken>,
}

pub(crate) struct State {
    /// The true time, which is both systems'.
    pub(crate) now: DateTime<Utc>,
    /// How far the daemon's clock is ahead of it.
    pub(crate) skew: TimeDelta,
    pub(crate) world: World,
    /// How long a request takes.
    pub(crate) latency: Duration,
    pub(crate) outage: Option<(System, Outage)>,
    /// When which method was asked, by the true time.
    pub(crate) asked: Vec<(DateTime<Utc>, System, String)>,
    /// Who waits until when.
    timers: BTreeMap<(DateTime<Utc>, u64), Waker>,
    serial: u64,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stage {
    pub(crate) fn new(now: DateTime<Utc>) -> Arc<Self> {
        let scenario = Scenario::bundled();
        let mut world = World::new(scenario.catalogue(), KometRules::default(), Answers::Plain);
        world.set_tokens(Tokens { vendor: "vendor".into(), company: None, axerrio: "axerrio".into() });
        let state = State {
            now,
            skew: TimeDelta::zero(),
            world,
            latency: Duration::from_millis(40),
            outage: None,
            asked: Vec::new(),
            timers: BTreeMap::new(),
            serial: 0,
        };
        Arc::new(Self { state: Mutex::new(state), woken: Arc::new(Woken(AtomicBool::new(false))) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a system, or a method of it, was asked since `from`.
    pub(crate) fn asked(&self, system: System, method: &str, from: DateTime<Utc>) -> usize {
        let state = self.lock();
        let of = |(at, of, path): &&(DateTime<Utc>, System, String)| {
            *of == system && *at >= from && path.ends_with(method)
        };
        state.asked.iter().filter(of).count()
    }

    fn until(&self, at: DateTime<Utc>) -> Timer<'_> {
        let mut state = self.lock();
        state.serial += 1;
        let key = (at, state.serial);
        Timer { stage: self, key }
    }

    fn serve(&self, sent: Sent) -> Result<Received, Fault> {
        let mut state = self.lock();
        let uri: Uri = sent.url.parse().unwrap();
        let bearer = sent.credential.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        let request = Request::of(sent.verb, &uri, bearer, sent.body);
        let now = state.now;
        match state.world.serve(&request, now) {
            Outcome::Answer(reply) => Ok(answer(reply.status, reply.body, now)),
            _ => Err(Fault::Broken("closed".to_owned())),
        }
    }
}

fn answer(status: u16, body: String, now: DateTime<Utc>) -> Received {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Received { status, date: Some(date), retry_after: None, body: body.into_bytes() }
}

struct Timer<'s> {
    stage: &'s Stage,
    key: (DateTime<Utc>, u64),
}

impl Future for Timer<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stage.lock();
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.timers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.stage.lock().timers.remove(&self.key);
    }
}

impl Network for Stage {
    fn send(&self, request: Sent) -> Pending<'_, Result<Received, Fault>> {
        let (outage, latency, now) = {
            let mut state = self.lock();
            let path = request.url.split('?').next().unwrap_or_default().to_owned();
            let system = if path.contains("/komet/") { System::Komet } else { System::Axerrio };
            let now = state.now;
            state.asked.push((now, system, path));
            let outage = state.outage.filter(|(fails, _)| *fails == system).map(|(_, outage)| outage);
            (outage, state.latency, now)
        };
        Box::pin(async move {
            match outage {
                None => {
                    self.until(now + latency).await;
                    self.serve(request)
                }
                Some(Outage::Refused) => Err(Fault::Unreachable("Connection refused".to_owned())),
                Some(Outage::Hangs) => {
                    self.until(now + TIMEOUT).await;
                    Err(Fault::TimedOut(TIMEOUT))
                }
                Some(Outage::QuotaSpent) => {
                    let body = "{\"status\":0,\"message\":\"Daily request limit exceeded\"}".to_owned();
                    Ok(answer(429, body, now))
                }
            }
        })
    }

    fn sleep(&self, wait: Duration) -> Pending<'_, ()> {
        let at = self.lock().now + TimeDelta::from_std(wait).unwrap();
        Box::pin(self.until(at))
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

impl Clock for Stage {
    fn now(&self) -> DateTime<Utc> {
        let state = self.lock();
        state.now + state.skew
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Network::sleep(self, duration)
    }
}

/// The link that the daemon serves; its people act before each run, once a minute.
pub(crate) struct Played {
    engine: Engine<KometClient, AxerrioClient>,
    stage: Arc<Stage>,
    scenario: Scenario,
    people: People,
}

impl Served for Played {
    type Komet = KometClient;
    type Axerrio = AxerrioClient;

    fn engine(&self) -> &Engine<KometClient, AxerrioClient> {
        &self.engine
    }

    fn pace(&self) -> Option<TimeDelta> {
        None
    }

    fn take_up(&mut self) -> anyhow::Result<()> {
        let today = self.engine.today();
        let mut state = self.stage.lock();
        let now = state.now;
        life::pass(&mut state.world, &self.scenario, &self.people, today, now).map(drop)
    }

    fn put_down(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn reconfigure(&mut self, _: &Config) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A daemon on the stage, while it lives.
pub(crate) struct Play {
    pub(crate) stage: Arc<Stage>,
    pub(crate) database: PathBuf,
    pub(crate) store: Store,
    pub(crate) ask: mpsc::UnboundedSender<Wish>,
    life: Life,
    extra: String,
    folder: tempfile::TempDir,
}

impl Play {
    /// The daemon starts at `now` on an empty database; `extra` is added to its configuration.
    pub(crate) fn start(now: DateTime<Utc>, extra: &str) -> Self {
        fastrand::seed(7);
        let stage = Stage::new(now);
        // Where there is a disk in memory, nobody waits for the other one.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let database = folder.path().join("link.db");
        let config = config_in(folder.path(), extra);
        let store = Store::open_inline(&format!("file:{}", database.display()), |conn| {
            conn.pragma_update(None, "journal_mode", "WAL")?;
            conn.pragma_update(None, "synchronous", "OFF")
        });
        let store = store.unwrap();
        let (ask, life) = live(&stage, &store, config);
        Self { stage, database, store, ask, life, extra: extra.to_owned(), folder }
    }

    /// Another process takes the daemon's place.
    pub(crate) fn restart(&mut self) {
        (self.ask, self.life) = live(&self.stage, &self.store, self.config());
    }

    pub(crate) fn config(&self) -> Config {
        config_in(self.folder.path(), &self.extra)
    }

    /// Lets so much time pass. The answer is how the daemon ended, if it did.
    pub(crate) fn pass(&mut self, time: TimeDelta) -> Option<anyhow::Result<()>> {
        let until = self.stage.lock().now + time;
        let waker = Waker::from(Arc::clone(&self.stage.woken));
        let mut context = Context::from_waker(&waker);
        loop {
            self.stage.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(end) = self.life.as_mut().poll(&mut context) {
                return Some(end);
            }
            if self.stage.woken.0.load(Ordering::Relaxed) {
                continue;
            }
            let mut state = self.stage.lock();
            let next = state.timers.keys().next().copied();
            let Some(next) = next.filter(|(at, _)| *at <= until) else {
                state.now = until;
                return None;
            };
            state.now = state.now.max(next.0);
            if let Some(waker) = state.timers.remove(&next) {
                waker.wake();
            }
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.stage.lock().now
    }
}

type Life = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

fn config_in(folder: &Path, extra: &str) -> Config {
    let text = format!(
        "[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = \"{}\"\n{extra}",
        folder.join("link.db").display()
    );
    // At `HOOK` nobody listens, and no play waits for what is told there; at `HOOK_<port>` a play does itself.
    let secret = |name: &str| {
        let port = if name == "HOOK" { "9" } else { name.strip_prefix("HOOK_")? };
        Some(format!("http://127.0.0.1:{port}/hook").into())
    };
    Config::from_text(&folder.join("sync.toml"), &text, &secret).unwrap()
}

fn live(stage: &Arc<Stage>, store: &Store, config: Config) -> (mpsc::UnboundedSender<Wish>, Life) {
    let scenario = Scenario::bundled();
    let people = People::of(&scenario);
    let engine = engine(stage, store.clone(), &config);
    let link = Played { engine, stage: Arc::clone(stage), scenario, people };
    let (ask, wishes) = mpsc::unbounded_channel();
    (ask, Box::pin(async move { Daemon::new(link, config, None, wishes).await?.live().await }))
}

fn engine(stage: &Arc<Stage>, store: Store, config: &Config) -> Engine<KometClient, AxerrioClient> {
    let retry_base = Duration::from_millis(250);
    let komet = KometOptions {
        base_url: "http://127.0.0.1/komet/api/".into(),
        token: "vendor".into(),
        vendor_id: None,
        timeout: TIMEOUT,
        retry_base,
    };
    let axerrio = AxerrioOptions {
        base_url: "http://127.0.0.1/axerrio/api/v1".into(),
        token: "axerrio".into(),
        auth: AxerrioAuth::Bearer,
        timeout: TIMEOUT,
        retry_base,
        page_size: 500,
    };
    let settings = Settings {
        timezone: config.jobs.timezone,
        quota_limit: config.komet.daily_limit(),
        ..Settings::default()
    };
    Engine {
        komet: KometClient::over(stage.clone(), komet).unwrap(),
        axerrio: AxerrioClient::over(stage.clone(), axerrio).unwrap(),
        store,
        clock: stage.clone(),
        settings,
    }
}
