//! A link on the sandbox: both simulated systems on loopback, a real database in a temporary directory, and the real
//! engine between them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use stemsync::domain::{Order, OrderKey};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::{Answers, Sandbox, SandboxOptions, World};
use stemsync::store::holds::HoldRow;
use stemsync::store::{Store, holds, maps, orders};
use stemsync::sync::engine::{Engine, Settings, SystemClock};
use stemsync::sync::report::{ActionResult, Job, RunReport};
use stemsync::sync::{RunEnd, RunRequest};
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};

/// Everything a story needs.
pub(crate) struct Link {
    pub(crate) sandbox: Sandbox,
    pub(crate) scenario: Scenario,
    pub(crate) people: People,
    pub(crate) engine: Engine<KometClient, AxerrioClient>,
    pub(crate) path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Link {
    pub(crate) async fn plain() -> Self {
        Self::with(Answers::Plain, Settings::default()).await
    }

    pub(crate) async fn with(answers: Answers, settings: Settings) -> Self {
        let scenario = Scenario::bundled();
        let options = SandboxOptions { catalogue: scenario.catalogue(), answers, ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stemsync.db");
        let engine = engine(&sandbox, &path, settings);
        let people = People::of(&scenario);
        Self { sandbox, scenario, people, engine, path, _directory: directory }
    }

    /// A new process on the same database.
    pub(crate) fn restart(&mut self) {
        let settings = self.engine.settings.clone();
        self.engine = engine(&self.sandbox, &self.path, settings);
    }

    /// The database is lost; the systems are not.
    pub(crate) fn lose_database(&mut self) {
        self.path = self.path.with_file_name(format!("new-{}", self.path.file_name().unwrap().to_string_lossy()));
        self.restart();
    }

    pub(crate) async fn sync(&self) -> RunReport {
        self.run(RunRequest { trigger: "test".into(), ..RunRequest::default() }).await.report
    }

    pub(crate) async fn sync_jobs(&self, jobs: &[Job]) -> RunReport {
        self.run(RunRequest { jobs: jobs.to_vec(), trigger: "test".into(), ..RunRequest::default() }).await.report
    }

    pub(crate) async fn run(&self, request: RunRequest) -> RunEnd {
        self.engine.run(request).await.unwrap()
    }

    pub(crate) fn act<T>(&self, deed: impl FnOnce(&mut World, DateTime<Utc>) -> T) -> T {
        self.sandbox.act(deed)
    }

    pub(crate) fn today(&self) -> NaiveDate {
        self.engine.today()
    }

    pub(crate) async fn order(&self, reference: &str) -> Order {
        let reference = reference.to_owned();
        self.engine
            .store
            .read(move |conn| {
                let key: Vec<OrderKey> = orders::find(conn, &reference)?;
                assert_eq!(key.len(), 1, "one order is called {reference}");
                orders::load(conn, key[0])
            })
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn holds(&self) -> Vec<HoldRow> {
        self.engine.store.read(holds::list).await.unwrap()
    }

    pub(crate) async fn map(&self, kind: stemsync::domain::MapKind, code: &str, id: i64) {
        let code = code.to_owned();
        self.engine.store.write(move |conn| maps::set(conn, kind, &code, id)).await.unwrap();
    }

    /// Write requests that both systems have received.
    pub(crate) fn writes(&self) -> u64 {
        self.act(|world, _| world.requests().writes())
    }
}

fn engine(sandbox: &Sandbox, path: &std::path::Path, settings: Settings) -> Engine<KometClient, AxerrioClient> {
    let timeout = settings.komet_timeout;
    let retry_base = Duration::from_millis(1);
    Engine {
        komet: KometClient::new(KometOptions {
            base_url: sandbox.komet_url(),
            token: sandbox.komet_token().to_owned(),
            vendor_id: None,
            timeout,
            retry_base,
        })
        .unwrap(),
        axerrio: AxerrioClient::new(AxerrioOptions {
            base_url: sandbox.axerrio_url(),
            token: sandbox.axerrio_token().to_owned(),
            auth: AxerrioAuth::Bearer,
            timeout,
            retry_base,
            page_size: 500,
        })
        .unwrap(),
        store: Store::open(path).unwrap(),
        clock: Arc::new(SystemClock),
        settings,
    }
}

/// What was done, as `order method result`, for comparing with a story.
pub(crate) fn told(report: &RunReport) -> BTreeSet<String> {
    report
        .actions
        .iter()
        .map(|a| format!("{} {} {}", a.order.as_deref().unwrap_or("-"), a.method, a.result.name()))
        .collect()
}

/// The pushes that did not succeed.
pub(crate) fn failures(report: &RunReport) -> Vec<String> {
    report
        .actions
        .iter()
        .filter(|a| a.result == ActionResult::Failed)
        .map(|a| format!("{:?} {} {}", a.order, a.method, a.detail))
        .collect()
}
