//! A link on the sandbox: both simulated systems on loopback, a real database in a temporary directory, and the real
//! engine between them.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::domain::{HoldReason, MapKind, Order, OrderKey, Verdict};
use stemsync::sandbox::komet::{Prebook, PrebookDraft, PurchaseOrder};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::{
    Answers, Catalogue, Clock as SandboxClock, Fault, KometRules, Sandbox, SandboxOptions, Target, World,
};
use stemsync::store::holds::HoldRow;
use stemsync::store::{Store, holds, maps, orders};
use stemsync::sync::engine::{Clock, Engine, Settings};
use stemsync::sync::report::{ActionResult, Job, RunReport};
use stemsync::sync::{RunEnd, RunRequest};
use stemsync::systems::System;
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};

use crate::trade;

/// The two ways in which the systems may word their answers; stories hold in both.
pub(crate) const BOTH: [Answers; 2] = [Answers::Plain, Answers::Messy(7)];

/// Plays a story in plain and in messy answers.
pub(crate) async fn both(story: impl AsyncFn(Link)) {
    both_with(Setup::default(), story).await;
}

/// As [`both`], with another setup.
pub(crate) async fn both_with(setup: Setup, story: impl AsyncFn(Link)) {
    for answers in BOTH {
        // Shown only where the story fails.
        println!("--- {answers:?}");
        story(Link::start(Setup { answers, ..setup.clone() }).await).await;
    }
}

/// How a link starts.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) answers: Answers,
    pub(crate) settings: Settings,
    pub(crate) rules: KometRules,
    /// What Komet knows; the small company of [`Catalogue::default`] if not said otherwise.
    pub(crate) catalogue: Catalogue,
    /// A Company token, which names the vendor.
    pub(crate) company_token: bool,
    /// Records in each page of Axerrio's feeds.
    pub(crate) page_size: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            answers: Answers::Plain,
            settings: Settings::default(),
            rules: KometRules::default(),
            catalogue: Catalogue::default(),
            company_token: false,
            page_size: 500,
        }
    }
}

/// Records that are none of stemsync's business.
#[derive(Clone)]
pub(crate) struct Strangers {
    prebook: Prebook,
    stock: PurchaseOrder,
}

/// Everything a story needs.
pub(crate) struct Link {
    pub(crate) sandbox: Sandbox,
    pub(crate) scenario: &'static Scenario,
    pub(crate) people: People,
    pub(crate) engine: Engine<KometClient, AxerrioClient>,
    pub(crate) path: PathBuf,
    clock: Arc<MovedClock>,
    setup: Setup,
    strangers: Strangers,
    _directory: tempfile::TempDir,
}

impl Link {
    pub(crate) async fn plain() -> Self {
        Self::start(Setup::default()).await
    }

    /// Both systems are given 2 s to answer: for so long a run waits for what may have been done.
    pub(crate) async fn hasty() -> Self {
        let settings = Settings { komet_timeout: Duration::from_secs(2), ..Settings::default() };
        Self::start(Setup { settings, ..Setup::default() }).await
    }

    /// On the bundled scenario's company.
    pub(crate) async fn with(answers: Answers, settings: Settings) -> Self {
        let catalogue = Scenario::bundled().catalogue();
        Self::start(Setup { answers, settings, catalogue, ..Setup::default() }).await
    }

    pub(crate) async fn start(setup: Setup) -> Self {
        let scenario = scenario();
        let options = SandboxOptions {
            catalogue: setup.catalogue.clone(),
            rules: setup.rules.clone(),
            answers: setup.answers,
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stemsync.db");
        let clock = Arc::new(MovedClock::default());
        let engine = engine(&sandbox, &path, &setup, &clock);
        let strangers = sandbox.act(|world, now| strangers(world, engine.today(), now));
        let people = People::of(scenario);
        Self { sandbox, scenario, people, engine, path, clock, setup, strangers, _directory: directory }
    }

    /// The same trade once more, with its own systems and database; to try what could have happened instead.
    pub(crate) async fn copy(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = directory.path().join("world.json");
        self.sandbox.save(&world).unwrap();
        let path = directory.path().join("stemsync.db");
        self.engine.store.copy_to(&path).unwrap();
        let options = SandboxOptions { answers: self.setup.answers, ..SandboxOptions::default() };
        let sandbox = Sandbox::load_or_new(&world, options).await.unwrap();
        let clock = Arc::new(MovedClock(AtomicI64::new(self.clock.0.load(Ordering::SeqCst))));
        let engine = engine(&sandbox, &path, &self.setup, &clock);
        Self {
            sandbox,
            scenario: scenario(),
            people: self.people.clone(),
            engine,
            path,
            clock,
            setup: self.setup.clone(),
            strangers: self.strangers.clone(),
            _directory: directory,
        }
    }

    /// The trade and the database that are kept in a folder (`trade.json`, `stemsync.db`), with the clock moved to
    /// their time.
    #[allow(dead_code, reason = "not every test binary has kept files")]
    pub(crate) async fn resume(directory: tempfile::TempDir, moved: TimeDelta) -> Self {
        let setup = Setup::default();
        let path = directory.path().join("stemsync.db");
        let options = SandboxOptions { clock: SandboxClock::Shifted(moved), ..SandboxOptions::default() };
        let sandbox = Sandbox::load_or_new(&directory.path().join("trade.json"), options).await.unwrap();
        let clock = Arc::new(MovedClock(AtomicI64::new(moved.num_seconds())));
        let engine = engine(&sandbox, &path, &setup, &clock);
        let strangers = sandbox.act(|world, now| strangers(world, engine.today(), now));
        let people = People::of(scenario());
        let scenario = scenario();
        Self { sandbox, scenario, people, engine, path, clock, setup, strangers, _directory: directory }
    }

    /// A file takes the place of the database, as the README tells how to restore a copy.
    #[allow(dead_code, reason = "not every test binary restores a copy")]
    pub(crate) fn put_in_place(&mut self, copy: &std::path::Path) {
        // Not over the open one, whose handle would go on with it.
        self.lose_database();
        let path = self.path.with_file_name("restored.db");
        std::fs::copy(copy, &path).unwrap();
        self.path = path;
        self.restart();
    }

    /// A new process on the same database.
    pub(crate) fn restart(&mut self) {
        self.engine = engine(&self.sandbox, &self.path, &self.setup, &self.clock);
    }

    /// The database is lost; the systems are not.
    pub(crate) fn lose_database(&mut self) {
        self.path = self.path.with_file_name(format!("new-{}", self.path.file_name().unwrap().to_string_lossy()));
        self.restart();
    }

    /// Time goes by, for both systems and for stemsync.
    pub(crate) fn let_pass(&self, time: TimeDelta) {
        let moved = TimeDelta::seconds(self.clock.0.fetch_add(time.num_seconds(), Ordering::SeqCst)) + time;
        self.sandbox.set_clock(SandboxClock::Shifted(moved));
    }

    /// The machine's clock is set; both systems' go right.
    #[allow(dead_code, reason = "not every test binary has a clock that is wrong")]
    pub(crate) fn set_own_clock(&self, by: TimeDelta) {
        self.clock.0.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }

    pub(crate) async fn sync(&self) -> RunReport {
        self.run(RunRequest { trigger: "test".into(), ..RunRequest::default() }).await.report
    }

    /// A run in which nothing fails.
    pub(crate) async fn sync_well(&self) -> RunReport {
        let report = self.sync().await;
        assert_eq!(failures(&report), Vec::<String>::new());
        for job in &report.jobs {
            assert_eq!(job.error, None, "{:?}", job.job);
        }
        report
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

    /// Something goes wrong with the next requests of this method.
    pub(crate) fn inject(&self, system: System, method: &str, fault: Fault) {
        self.act(|w, _| w.inject(Target::next(system, method), fault));
    }

    pub(crate) fn today(&self) -> NaiveDate {
        self.engine.today()
    }

    /// So many days from today.
    pub(crate) fn day(&self, offset: i64) -> NaiveDate {
        self.today() + TimeDelta::days(offset)
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

    /// Every order on file.
    pub(crate) async fn orders(&self) -> Vec<Order> {
        let all = |conn: &stemsync::store::Connection| {
            let mut all = Vec::new();
            for key in orders::all_keys(conn)? {
                all.extend(orders::load(conn, key)?);
            }
            Ok(all)
        };
        self.engine.store.read(all).await.unwrap()
    }

    pub(crate) async fn holds(&self) -> Vec<HoldRow> {
        self.engine.store.read(holds::list).await.unwrap()
    }

    /// Why things wait, each with its line.
    pub(crate) async fn held(&self) -> Vec<(HoldReason, Option<String>)> {
        self.holds().await.into_iter().map(|h| (h.reason, h.line.map(|l| l.0))).collect()
    }

    /// A person decides the only hold there is.
    pub(crate) async fn decide(&self, verdict: Verdict) {
        let holds = self.holds().await;
        assert_eq!(holds.len(), 1, "one thing waits: {holds:?}");
        self.decide_one(holds[0].id, verdict).await;
    }

    /// A person decides this hold.
    pub(crate) async fn decide_one(&self, id: i64, verdict: Verdict) {
        let now = self.engine.clock.now();
        let decided = self.engine.store.write(move |conn| holds::decide(conn, id, verdict, now)).await.unwrap();
        assert!(matches!(decided, holds::Decided::Taken(_)), "it is taken in: {decided:?}");
    }

    pub(crate) async fn map(&self, kind: MapKind, code: &str, id: i64) {
        let code = code.to_owned();
        self.engine.store.write(move |conn| maps::set(conn, kind, &code, id)).await.unwrap();
    }

    /// Write requests that both systems have received.
    pub(crate) fn writes(&self) -> u64 {
        self.act(|world, _| world.requests().writes())
    }

    /// Requests of one of Komet's methods.
    pub(crate) fn komet_requests(&self, method: &str) -> u64 {
        self.act(|world, _| world.requests().count(System::Komet, method))
    }

    /// Whether what is none of stemsync's business is as it was.
    pub(crate) fn strangers_are_untouched(&self) -> bool {
        self.act(|world, _| self.strangers.are_untouched(world))
    }
}

impl Strangers {
    /// Whether they are as they were.
    pub(crate) fn are_untouched(&self, world: &World) -> bool {
        let Self { prebook, stock } = self;
        world.komet.prebook(prebook.id) == Some(prebook) && world.komet.purchase_order(stock.number) == Some(stock)
    }
}

/// Another vendor's Prebook and a PO for stock, on dates that stories use.
pub(crate) fn strangers(world: &mut World, today: NaiveDate, now: DateTime<Utc>) -> Strangers {
    let ship = today + TimeDelta::days(3);
    let name = world.komet.catalogue().products[0].description.clone();
    let customer = world.komet.catalogue().customers[1].code.clone();
    let item = trade::item(&name, 4, ship);
    let mut draft = trade::prebook(ship + TimeDelta::days(2), vec![item.clone()]);
    draft.customer = customer;
    draft.carrier = None;
    let prebook = world.komet.other_vendor_prebook(&draft, now).unwrap();
    let stock = world.komet.buyer_buys_stock(ship, &[item], now).unwrap();
    Strangers {
        prebook: world.komet.prebook(prebook).unwrap().clone(),
        stock: world.komet.purchase_order(stock).unwrap().clone(),
    }
}

/// The bundled scenario, read once for all links.
fn scenario() -> &'static Scenario {
    static BUNDLED: LazyLock<Scenario> = LazyLock::new(Scenario::bundled);
    &BUNDLED
}

/// The machine's clock, moved by so many seconds.
#[derive(Default)]
struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn engine(
    sandbox: &Sandbox,
    path: &std::path::Path,
    setup: &Setup,
    clock: &Arc<MovedClock>,
) -> Engine<KometClient, AxerrioClient> {
    let settings = setup.settings.clone();
    let timeout = settings.komet_timeout;
    let retry_base = Duration::from_millis(1);
    let (token, vendor_id) = if setup.company_token {
        let vendor = i64::try_from(setup.catalogue.vendor.id).unwrap();
        (sandbox.komet_company_token().unwrap().to_owned(), Some(vendor))
    } else {
        (sandbox.komet_token().to_owned(), None)
    };
    Engine {
        komet: KometClient::new(KometOptions {
            base_url: sandbox.komet_url(),
            token,
            vendor_id,
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
            page_size: setup.page_size,
        })
        .unwrap(),
        store: Store::open(path).unwrap(),
        clock: clock.clone(),
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

/// A link's order of two lines that is in Komet with its PO.
pub(crate) async fn placed(link: &Link) -> String {
    let draft = trade::order(link.day(3), vec![trade::line(trade::FREEDOM, 4), trade::line(trade::MONDIAL, 2)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    id
}

/// The same, and procurement has approved the PO.
pub(crate) async fn approved(link: &Link) -> String {
    let id = placed(link).await;
    link.act(trade::approve_all);
    link.sync_well().await;
    id
}

/// A rep's Prebook whose orders the vendor has accepted; nothing is bought yet. Answers the Prebook.
pub(crate) async fn accepted_prebook(link: &Link, draft: &PrebookDraft) -> u64 {
    let id = link.act(|w, now| w.komet.rep_creates_prebook(draft, now)).unwrap();
    link.sync_well().await;
    link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
    id
}
