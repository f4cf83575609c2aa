//! Opens a link from its configuration: both systems, real or simulated, and the engine between them. A simulated
//! system lives inside the process, on loopback; its state is kept beside the database (`sandbox.json`), so that the
//! next command finds what this one left.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::config::{Config, Endpoint, TokenKind};
use crate::sandbox::people::People;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::{Sandbox, SandboxOptions, World, life};
use crate::store::Store;
use crate::sync::engine::{Engine, SystemClock};
use crate::systems::axerrio::{AxerrioClient, AxerrioOptions};
use crate::systems::komet::{KometClient, KometOptions};

/// The first pause before a read is repeated.
const RETRY_BASE: Duration = Duration::from_millis(250);
/// Records a page: the contract's largest, for the fewest requests.
const PAGE_SIZE: u32 = 500;

/// Both systems of a link.
pub(super) struct Systems {
    pub(super) komet: KometClient,
    pub(super) axerrio: AxerrioClient,
    /// What stands in for them; `None` where both are real.
    pub(super) simulation: Option<Simulation>,
}

impl Systems {
    /// Makes the adapters, and starts the sandbox where the configuration asks for it. Nothing is sent yet.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let simulation = Simulation::start(config).await?;
        let sandbox = simulation.as_ref().map(|simulation| &simulation.sandbox);
        let (base_url, token) = match (&config.komet.endpoint, sandbox) {
            (Endpoint::Remote { base_url, token }, _) => (base_url.to_string(), token.expose().to_owned()),
            (Endpoint::Sandbox, Some(sandbox)) => (sandbox.komet_url(), sandbox.komet_token().to_owned()),
            (Endpoint::Sandbox, None) => unreachable!("the sandbox is started for such an endpoint"),
        };
        let komet = KometClient::new(KometOptions {
            base_url,
            token,
            vendor_id: match (&config.komet.endpoint, config.komet.token_kind) {
                (Endpoint::Remote { .. }, TokenKind::Company { vendor_id }) => Some(vendor_id),
                // The sandbox is asked with its Vendor token.
                _ => None,
            },
            timeout: config.komet.timeout,
            retry_base: RETRY_BASE,
        })?;
        let (base_url, token) = match (&config.axerrio.endpoint, sandbox) {
            (Endpoint::Remote { base_url, token }, _) => (base_url.to_string(), token.expose().to_owned()),
            (Endpoint::Sandbox, Some(sandbox)) => (sandbox.axerrio_url(), sandbox.axerrio_token().to_owned()),
            (Endpoint::Sandbox, None) => unreachable!("the sandbox is started for such an endpoint"),
        };
        let axerrio = AxerrioClient::new(AxerrioOptions {
            base_url,
            token,
            auth: config.axerrio.auth,
            timeout: config.axerrio.timeout,
            retry_base: RETRY_BASE,
            page_size: PAGE_SIZE,
        })?;
        Ok(Self { komet, axerrio, simulation })
    }
}

/// A link, ready to run.
pub(super) struct Link {
    pub(super) engine: Engine<KometClient, AxerrioClient>,
    simulation: Option<Simulation>,
}

impl Link {
    /// Opens the link on a database that is open already.
    ///
    /// Caveat: a simulated world is not saved unless [`Link::save`] is called, and only who holds the run lock may do
    /// so: a run going on in another process has its own copy of the world.
    pub(super) async fn open(config: &Config, store: Store) -> anyhow::Result<Self> {
        let Systems { komet, axerrio, simulation } = Systems::open(config).await?;
        let engine = Engine { komet, axerrio, store, clock: Arc::new(SystemClock), settings: config.settings() };
        Ok(Self { engine, simulation })
    }

    /// Lets time pass in a world in which both systems are simulated: see [`life::pass`]. Where one of them is real
    /// nobody acts by himself: what stemsync would carry into a real system must come from people.
    pub(super) fn live(&self) -> anyhow::Result<Vec<String>> {
        let Some(Simulation { sandbox, is_whole: true, .. }) = &self.simulation else { return Ok(Vec::new()) };
        let scenario = Scenario::bundled();
        let people = People::of(&scenario);
        let today = self.engine.today();
        sandbox.act(|world, now| life::pass(world, &scenario, &people, today, now))
    }

    /// Somebody acts in the simulated world, which is there by the link's configuration.
    ///
    /// # Panics
    /// Where both systems are real.
    pub(super) fn act<T>(&self, action: impl FnOnce(&mut World, DateTime<Utc>) -> T) -> T {
        let simulation = self.simulation.as_ref().expect("nobody acts for people in a real system");
        simulation.sandbox.act(action)
    }

    /// Takes the simulated world up as another process left it. Only who holds the run lock may do so.
    pub(super) fn take_up(&mut self) -> anyhow::Result<()> {
        self.simulation.as_mut().map_or(Ok(()), Simulation::take_up)
    }

    /// Writes the simulated world down, whole or not at all. Nothing to do where both systems are real.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        self.simulation.as_ref().map_or(Ok(()), Simulation::save)
    }

    /// Whether people act by themselves: where both systems are simulated.
    pub(super) fn has_a_life(&self) -> bool {
        self.simulation.as_ref().is_some_and(|simulation| simulation.is_whole)
    }

    /// Whether any of it is simulated.
    pub(super) fn is_simulated(&self) -> bool {
        self.simulation.is_some()
    }

    /// Stops the simulation, if there is one.
    pub(super) async fn close(self) {
        if let Some(simulation) = self.simulation {
            simulation.sandbox.stop().await;
        }
    }
}

/// The sandbox inside the process.
pub(super) struct Simulation {
    pub(super) sandbox: Sandbox,
    /// Where its state is kept.
    path: PathBuf,
    /// Both systems are simulated.
    is_whole: bool,
    /// The file as this process last wrote or read it.
    known: Cell<Option<Version>>,
}

/// What tells one version of a file from another: when it was written, and the file itself, which is replaced each time.
type Version = (SystemTime, u64);

impl Simulation {
    /// Starts the sandbox with the state that the last command left, if any endpoint asks for it.
    async fn start(config: &Config) -> anyhow::Result<Option<Self>> {
        let simulated = [&config.komet.endpoint, &config.axerrio.endpoint].map(Endpoint::is_sandbox);
        if simulated == [false, false] {
            return Ok(None);
        }
        let path = config.state.sandbox();
        let options = SandboxOptions { catalogue: Scenario::bundled().catalogue(), ..SandboxOptions::default() };
        let known = Cell::new(version(&path));
        let sandbox = Sandbox::load_or_new(&path, options).await.context("the built-in sandbox does not start")?;
        Ok(Some(Self { sandbox, path, is_whole: simulated == [true, true], known }))
    }

    fn take_up(&mut self) -> anyhow::Result<()> {
        let now = version(&self.path);
        if now.is_some() && now != self.known.get() {
            self.sandbox.reload(&self.path)?;
            self.known.set(now);
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<()> {
        self.sandbox.save(&self.path)?;
        self.known.set(version(&self.path));
        Ok(())
    }
}

fn version(path: &Path) -> Option<Version> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.ino()))
}
