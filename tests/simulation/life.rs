//! A life of the program: a history of deeds, faults and runs drawn from a seed, played over the sandbox's model by the
//! real engine, adapters and store. After the last edit the faults stop, the engine runs until it is quiet, and what
//! must hold is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, TimeZone, Utc};
use fastrand::Rng;
use rusqlite::backup::Backup;
use stemsync::domain::{CreatePo, OnConflict, OrderKey, PoStatus};
use stemsync::sandbox::catalogue::Location;
use stemsync::sandbox::komet::PoStatus as PoInKomet;
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::{Answers, Catalogue, KometRules, Tokens, World};
use stemsync::store::{Connection, Store, orders};
use stemsync::sync::engine::{Clock, Engine, Settings};
use stemsync::sync::report::{ActionResult, Job};
use stemsync::sync::{RunEnd, RunRequest};
use stemsync::systems::System;
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};

use crate::check;
use crate::deeds::{Deed, Kind};
use crate::further;
use crate::network::{End, Mishap, Net, TIMEOUT, Weather};
use crate::standing::Remembered;

type Link = Engine<KometClient, AxerrioClient>;

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Somebody does something.
    Deed(Deed),
    /// Everybody does what is ready for them: the vendor accepts, the buyer approves, the packer prints.
    People,
    /// So many seconds pass.
    Pass(i64),
    /// A clock (Komet's, Axerrio's, stemsync's) is set to another time.
    Clock(usize, i64),
    /// An admin decides a hold, maps a product or moves a watermark back.
    Admin(u64),
    /// stemsync runs.
    Run(Run),
    /// stemsync's process is started anew.
    Restart,
    /// The database is lost.
    LoseDatabase,
    /// A line of `sync.toml` is changed.
    Settings(u64),
    /// A code is mapped to something else.
    Map(u64),
    /// The database is copied.
    CopyDatabase,
    /// The copy is put back.
    PutCopyBack,
}

/// How one run goes.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    jobs: Vec<Job>,
    /// The daemon starts it by itself: it reads what the request budget says is due, not everything.
    paced: bool,
    pub(crate) weather: Weather,
    /// Killed after so many steps of the process.
    pub(crate) kill: Option<u64>,
    pub(crate) database: Option<DatabaseFault>,
    /// So many of the deeds that follow are done while it runs.
    meanwhile: usize,
    /// It pushes one order only, drawn by this from those in Axerrio.
    only: Option<u64>,
    /// It reads what changed in so many seconds instead of from the watermarks.
    since: Option<i64>,
}

impl Run {
    /// All jobs, and nothing goes wrong.
    pub(crate) fn calm() -> Self {
        Self {
            jobs: Vec::new(),
            paced: false,
            weather: Weather::default(),
            kill: None,
            database: None,
            meanwhile: 0,
            only: None,
            since: None,
        }
    }
}

/// What goes wrong with the database during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DatabaseFault {
    /// Every statement fails once SQLite has done so many hundred operations.
    Closed(u64),
    /// The file may grow by so many pages, then the disk is full.
    Full(i64),
    /// Another process holds the lock.
    Locked,
}

/// What was drawn and played, for the summary.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) mishaps: BTreeMap<Mishap, u64>,
    pub(crate) deeds: BTreeMap<Kind, u64>,
    pub(crate) other: BTreeMap<&'static str, u64>,
    pub(crate) holds: BTreeMap<&'static str, u64>,
    pub(crate) pushes: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.other.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        fn add<K: Ord + Clone>(sum: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
            for (what, n) in counts {
                *sum.entry(what.clone()).or_default() += n;
            }
        }
        let Self { mishaps, deeds, other: rest, holds, pushes } = other;
        add(&mut self.mishaps, mishaps);
        add(&mut self.deeds, deeds);
        add(&mut self.other, rest);
        add(&mut self.holds, holds);
        add(&mut self.pushes, pushes);
    }
}

/// The history that a seed stands for.
pub(crate) fn history(seed: u64) -> Vec<Step> {
    let mut dice = Rng::with_seed(seed);
    // Short lives try more beginnings, long ones reach further: most have some dozens of edits, some have hundreds.
    let edits = match dice.u8(0..20) {
        0 => dice.usize(150..400),
        1..=4 => dice.usize(50..150),
        _ => dice.usize(6..50),
    };
    // Some lives are calm, some are storms.
    let storm = [0, 0, 20, 60, 200][dice.usize(..5)];
    let kills = dice.u8(0..3) == 0;
    let weak_disk = dice.u8(0..4) == 0;
    let clocks = dice.u8(0..4) == 0;
    let mut steps = Vec::with_capacity(edits * 2);
    let mut done = 0;
    while done < edits {
        match dice.u8(0..100) {
            0..=54 => {
                steps.push(Step::Deed(Deed::draw(&mut dice)));
                done += 1;
            }
            55..=64 => {
                steps.push(Step::People);
                done += 1;
            }
            65..=71 => steps.push(Step::Pass(match dice.u8(0..12) {
                0 => dice.i64(3600..90_000),
                1..=4 => dice.i64(60..3600),
                _ => dice.i64(1..60),
            })),
            72 if clocks => {
                // A server's clock that goes back by more than the overlap has no changed-since reads worth the name.
                let which = dice.usize(..3);
                let by = if which == 2 { dice.i64(-7200..7200) } else { dice.i64(-120..600) };
                steps.push(Step::Clock(which, by));
            }
            73..=75 => steps.push(Step::Admin(dice.u64(..))),
            76 => steps.push(if dice.u8(0..8) == 0 { Step::LoseDatabase } else { Step::Restart }),
            _ => steps.push(Step::Run(run(&mut dice, storm, kills, weak_disk))),
        }
    }
    // Some lives end with a holiday that is called off: many orders are placed, and most of them cancelled at once. Drawn
    // by dice of its own, so that the other lives stay what they were.
    let mut dice = Rng::with_seed(seed ^ 0x000F_F0FF);
    if dice.u8(0..16) == 0 {
        for _ in 0..dice.usize(8..16) {
            steps.push(Step::Deed(Deed { kind: Kind::CustomerOrders, seed: dice.u64(..) }));
        }
        steps.push(Step::Run(Run::calm()));
        steps.push(Step::Deed(Deed { kind: Kind::ManyCancel, seed: dice.u64(..) }));
        steps.push(Step::Run(run(&mut dice, storm, kills, weak_disk)));
    }
    if let Some(mut dice) = further_dice(seed) {
        draw_further(&mut dice, &mut steps, &|dice| run(dice, storm, kills, weak_disk));
    }
    if quota(seed).is_some() {
        let mut dice = Rng::with_seed(seed ^ 0x00DA_E303);
        for step in &mut steps {
            if let Step::Run(run) = step {
                // Whoever names an order or a time forces the run.
                run.paced = dice.u8(0..8) > 0 && run.only.is_none() && run.since.is_none();
            }
        }
    }
    steps
}

/// The dice by which one of four lives draws further deeds and steps, on top of its history. They are its own, so that the
/// other lives stay what they were.
fn further_dice(seed: u64) -> Option<Rng> {
    let mut dice = Rng::with_seed(seed ^ 0x000F_0E7E);
    (dice.u8(0..4) == 0).then_some(dice)
}

/// What comes on top of a history.
#[derive(Clone, Copy)]
enum Further {
    Deed(further::Kind),
    Settings,
    Map,
    Copy,
    RunForOne,
    RunSince,
    Pause,
}

impl Further {
    fn draw(dice: &mut Rng) -> Self {
        match dice.u8(0..28) {
            0 => Self::Settings,
            1 => Self::Map,
            2 => Self::Copy,
            3 => Self::RunForOne,
            4 => Self::RunSince,
            5 => Self::Pause,
            _ => Self::Deed(further::Kind::draw(dice)),
        }
    }

    fn step(self, dice: &mut Rng, run: &dyn Fn(&mut Rng) -> Run) -> Step {
        match self {
            Self::Deed(kind) => Step::Deed(Deed { kind: Kind::Further(kind), seed: dice.u64(..) }),
            Self::Settings => Step::Settings(dice.u64(..)),
            Self::Map => Step::Map(dice.u64(..)),
            Self::Copy if dice.bool() => Step::CopyDatabase,
            Self::Copy => Step::PutCopyBack,
            Self::RunForOne => Step::Run(Run { only: Some(dice.u64(..)), ..run(dice) }),
            Self::RunSince => Step::Run(Run { since: Some(dice.i64(1..20_000)), ..run(dice) }),
            Self::Pause => Step::Pass(dice.i64(20_000..120_000)),
        }
    }
}

/// One, two or three kinds of further steps, each several times, anywhere in the history: few kinds, so that what goes wrong
/// tells which; several times, so that they meet.
fn draw_further(dice: &mut Rng, steps: &mut Vec<Step>, run: &dyn Fn(&mut Rng) -> Run) {
    let kinds: Vec<Further> = (0..dice.usize(1..4)).map(|_| Further::draw(dice)).collect();
    for _ in 0..(steps.len() / 12).clamp(2, 20) {
        let step = kinds[dice.usize(..kinds.len())].step(dice, run);
        steps.insert(dice.usize(..=steps.len()), step);
    }
}

/// An ample quota.
const AMPLE: u64 = 1_000_000;

/// The day's requests of a link whose daemon runs by itself, in half of the lives; in the others somebody forces each run. By
/// dice of its own.
fn quota(seed: u64) -> Option<u64> {
    let mut dice = Rng::with_seed(seed ^ 0x0090_7A00);
    dice.bool().then(|| [150, 400, 1000, AMPLE][dice.usize(..4)])
}

/// By how many seconds the vendor's feeds lag behind; drawn by dice of its own, like the quota.
fn lag(seed: u64) -> u32 {
    let mut dice = Rng::with_seed(seed ^ 0x001A_6000);
    if dice.u8(0..3) == 0 { dice.u32(1..90) } else { 0 }
}

fn run(dice: &mut Rng, storm: u32, kills: bool, weak_disk: bool) -> Run {
    let jobs = match dice.u8(0..10) {
        0 => vec![Job::Orders],
        1 => vec![Job::Prebooks],
        2 => vec![Job::PurchaseOrders],
        3 => vec![Job::Labels],
        _ => Vec::new(),
    };
    let methods = [
        "prebook.list",
        "prebook.create",
        "prebook.item.delete",
        "purchase.order.list",
        "purchase.order.create",
        "purchase.order.item.delete",
        "purchase.orders.details",
        "awb.add",
        "box.code.change",
        "orders",
        "labels",
        "cancel",
        "purchase-order",
    ];
    Run {
        jobs,
        paced: false,
        weather: Weather {
            mishaps: storm,
            down: (storm > 0 && dice.u8(0..10) == 0).then(|| methods[dice.usize(..methods.len())]),
        },
        kill: (kills && dice.u8(0..3) == 0)
            .then(|| if dice.bool() { dice.u64(1..60) } else { dice.u64(60..1500) }),
        database: (weak_disk && dice.u8(0..5) == 0).then(|| match dice.u8(0..3) {
            0 => DatabaseFault::Full(dice.i64(0..12)),
            1 => DatabaseFault::Locked,
            _ => DatabaseFault::Closed(if dice.bool() { dice.u64(1..40) } else { dice.u64(40..1000) }),
        }),
        meanwhile: if dice.bool() { 0 } else { dice.usize(1..4) },
        only: None,
        since: None,
    }
}

/// A life while it is played.
pub(crate) struct Life {
    pub(crate) net: Arc<Net>,
    pub(crate) settings: Settings,
    pub(crate) tally: Tally,
    name: String,
    /// How many databases came before this one.
    lost: u32,
    pub(crate) page_size: u32,
    /// The company's token is used, not the vendor's.
    pub(crate) company: bool,
    /// The daemon runs by itself.
    paced: bool,
    pub(crate) anchor: Connection,
    pub(crate) link: Option<Link>,
    /// A copy of the database, and whether something waited for a person in it.
    pub(crate) copy: Option<(Connection, bool)>,
    /// A person has let a run's many cancellations through.
    pub(crate) released: bool,
    /// Orders about which a person has decided for Axerrio.
    pub(crate) taken: BTreeSet<String>,
    /// What was wrong before the end.
    wrong: Vec<String>,
    /// So many hundred operations of SQLite are left until every statement fails; 0 for no end.
    operations: Arc<AtomicU64>,
}

/// Parsed once: every life has the same people.
static PEOPLE: LazyLock<People> = LazyLock::new(|| People::of(&Scenario::bundled()));

impl Life {
    /// The beginning of the life that a seed stands for. `name` is the life's own among those played at once.
    pub(crate) fn new(seed: u64, name: &str, tell: bool) -> Self {
        let mut dice = Rng::with_seed(seed ^ 0x5EED);
        let rules = KometRules {
            daily_limit: (dice.u8(0..8) == 0).then(|| dice.u64(40..400)),
            limit_is_429: dice.bool(),
            create_tells_items: dice.u8(0..3) > 0,
            refuse_unknown_customer: dice.bool(),
            require_carrier: dice.u8(0..4) == 0,
            keep_vendor_ship_date: dice.u8(0..6) > 0,
            po_touches_prebook: dice.bool(),
            mapping_touches_prebook: dice.bool(),
            deleted_po_line_stays: dice.bool(),
            items_show_po: dice.bool(),
            orders_show_awb: dice.bool(),
            window_shows_whole_prebook: dice.bool(),
            ..KometRules::default()
        };
        let answers = if dice.bool() { Answers::Plain } else { Answers::Messy(dice.u64(..)) };
        let tokens =
            Tokens { vendor: "vendor".into(), company: Some("company".into()), axerrio: "axerrio".into() };
        let mut world = World::new(catalogue(seed), rules, answers);
        world.set_tokens(tokens);
        world.axerrio.set_lag(lag(seed));
        let settings = Settings {
            on_conflict: if dice.u8(0..3) == 0 { OnConflict::Owner } else { OnConflict::Hold },
            create_po: if dice.bool() { CreatePo::Accepted } else { CreatePo::Received },
            concurrency: dice.usize(1..9),
            komet_timeout: TIMEOUT,
            quota_limit: quota(seed).unwrap_or(AMPLE),
            ..Settings::default()
        };
        let start = Utc.with_ymd_and_hms(2027, 1, 12, 9, 0, 0).single().unwrap_or_default();
        let start = start + TimeDelta::seconds(dice.i64(0..86_400 * 20));
        let page_size = if dice.bool() { 500 } else { dice.u32(1..8) };
        let company = dice.u8(0..5) == 0;
        let net = Net::new(world, start, dice, tell);
        let anchor = anchor(&uri(name, 0), None);
        Self {
            net,
            settings,
            tally: Tally::default(),
            name: name.to_owned(),
            lost: 0,
            page_size,
            company,
            paced: quota(seed).is_some(),
            anchor,
            link: None,
            copy: None,
            released: false,
            taken: BTreeSet::new(),
            wrong: Vec::new(),
            operations: Arc::default(),
        }
    }

    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        let mut state = self.net.lock();
        let when = state.now.format("%d %H:%M:%S");
        if let Some(story) = &mut state.story {
            story.push(format!("{when} {}", what()));
        }
    }

    /// The process, started if it is not running.
    pub(crate) fn link(&mut self) -> &Link {
        if self.link.is_none() {
            self.link = Some(self.start());
        }
        self.link.as_ref().expect("it was just started")
    }

    fn start(&self) -> Link {
        let retry_base = Duration::from_millis(250);
        let (token, vendor_id) = if self.company { ("company", Some(1201)) } else { ("vendor", None) };
        let komet = KometClient::over(
            self.net.clone(),
            KometOptions {
                base_url: "http://127.0.0.1/komet/api/".into(),
                token: token.into(),
                vendor_id,
                timeout: TIMEOUT,
                retry_base,
            },
        );
        let axerrio = AxerrioClient::over(
            self.net.clone(),
            AxerrioOptions {
                base_url: "http://127.0.0.1/axerrio/api/v1".into(),
                token: "axerrio".into(),
                auth: AxerrioAuth::Bearer,
                timeout: TIMEOUT,
                retry_base,
                page_size: self.page_size,
            },
        );
        Engine {
            komet: komet.unwrap(),
            axerrio: axerrio.unwrap(),
            store: self.open(),
            clock: self.net.clone(),
            settings: self.settings.clone(),
        }
    }

    /// A database takes the place of the one that there was: empty, or what a copy holds.
    pub(crate) fn begin_database(&mut self, copy: Option<&Connection>) {
        self.link = None;
        self.lost += 1;
        self.anchor = anchor(&uri(&self.name, self.lost), copy);
    }

    fn open(&self) -> Store {
        let operations = self.operations.clone();
        operations.store(0, Ordering::Relaxed);
        let ends = move || match operations.load(Ordering::Relaxed) {
            0 => false,
            1 => true,
            left => {
                operations.store(left - 1, Ordering::Relaxed);
                false
            }
        };
        let prepare = |conn: &mut Connection| conn.progress_handler(100, Some(ends));
        Store::open_inline(&uri(&self.name, self.lost), prepare).unwrap()
    }

    /// Plays a history. Steps that follow a run and are done while it is under way are taken from it.
    pub(crate) fn play<'s>(&mut self, steps: impl IntoIterator<Item = &'s Step>) {
        let mut steps = steps.into_iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Deed(deed) => {
                    *self.tally.deeds.entry(deed.kind).or_default() += 1;
                    deed.play(&mut self.net.lock());
                }
                Step::People => self.people(),
                Step::Pass(seconds) => self.net.pass(TimeDelta::seconds(*seconds)),
                Step::Clock(which, by) => {
                    self.tally.count("clock set");
                    self.tell(|| format!("clock {which} moves by {by} s"));
                    self.net.lock().skew[*which] += TimeDelta::seconds(*by);
                }
                Step::Admin(seed) => self.admin(*seed),
                Step::Restart => self.link = None,
                Step::LoseDatabase => self.lose_database(),
                Step::Settings(seed) => self.change_settings(*seed),
                Step::Map(seed) => self.change_map(*seed),
                Step::CopyDatabase => self.copy_database(),
                Step::PutCopyBack => self.put_copy_back(),
                Step::Run(run) => {
                    for _ in 0..run.meanwhile {
                        let Some(Step::Deed(deed)) = steps.next_if(|next| matches!(next, Step::Deed(_))) else {
                            break;
                        };
                        *self.tally.deeds.entry(deed.kind).or_default() += 1;
                        self.net.lock().meanwhile.push_back(*deed);
                    }
                    self.run(run);
                    // Whoever did not get round to it while it ran does it now.
                    self.net.pass(TimeDelta::zero());
                }
            }
        }
    }

    /// What is ready for people is done.
    fn people(&mut self) {
        let mut guard = self.net.lock();
        let state = &mut *guard;
        let (ax, ko) = (state.clock(System::Axerrio), state.clock(System::Komet));
        let (people, world) = (&*PEOPLE, &mut state.world);
        let told = [
            people.vendor_accepts(world, ax),
            people.buyer_approves(world, ko),
            people.packer_prints(world, ax),
            people.vendor_ships(world, ax),
            people.warehouse_receives(world, ko),
        ];
        let when = state.now.format("%d %H:%M:%S");
        if let Some(story) = &mut state.story {
            for told in told {
                match told {
                    Ok(told) => story.extend(told.into_iter().map(|told| format!("{when} {told}"))),
                    Err(error) => story.push(format!("{when} could not: {error}")),
                }
            }
        }
    }

    /// One run, with what goes wrong in it. `None`: it did not come to its end.
    pub(crate) fn run(&mut self, run: &Run) -> Option<RunEnd> {
        self.tell(|| format!("run {run:?}"));
        self.tally.count("runs");
        if run.paced {
            self.tally.count("runs that the daemon paced");
        }
        {
            let mut state = self.net.lock();
            state.weather = run.weather.clone();
            let pos = state.world.komet.purchase_orders().filter(|po| po.status != PoInKomet::Pending);
            state.decided = pos.map(|po| po.number).collect();
        }
        let fault = run.database;
        self.link();
        if let Some(fault) = fault {
            self.break_database(fault);
        }
        let before = stages(&self.anchor);
        let (jobs, paced) = (run.jobs.clone(), run.paced);
        let since = run.since.map(|seconds| Clock::now(&*self.net) - TimeDelta::seconds(seconds));
        let only_ref = run.only.and_then(|seed| self.any_order(seed));
        let request = RunRequest { jobs, paced, since, only_ref, trigger: "life".into(), ..RunRequest::default() };
        let link = self.link.as_ref().expect("it was started above");
        let end = self.net.drive(link.run(request), run.kill);
        if fault == Some(DatabaseFault::Locked) {
            self.anchor.execute_batch("ROLLBACK").unwrap();
        }
        self.brake(&before);
        let end = match end {
            End::Killed => {
                self.tally.count("process killed");
                self.tell(|| "the process is killed".to_owned());
                self.link = None;
                None
            }
            End::Done(Err(error)) => {
                assert!(fault.is_some(), "the database failed by itself: {error}");
                self.tally.count("run ended by the database");
                self.tell(|| format!("the run ends: {error}"));
                None
            }
            End::Done(Ok(end)) => Some(end),
        };
        if fault.is_some() {
            // A process whose database failed ends, and is started anew.
            self.link = None;
        }
        self.net.lock().weather = Weather::default();
        if let Some(end) = &end {
            self.tally_run(end);
        }
        end
    }

    /// An order that is in Axerrio, known to stemsync or not yet.
    fn any_order(&self, seed: u64) -> Option<String> {
        let all: Vec<String> = self.net.lock().world.axerrio.orders().map(|order| order.id.clone()).collect();
        Rng::with_seed(seed).choice(all)
    }

    /// No run may cancel too many orders without a person's word (product.md, Never).
    fn brake(&mut self, before: &BTreeMap<i64, String>) {
        let after = stages(&self.anchor);
        let is_open = |stage: &str| matches!(stage, "prebooked" | "po_pending" | "po_approved" | "labelled");
        let open = before.values().filter(|stage| is_open(stage) || *stage == "placed").count();
        let gone = before.iter().filter(|(_, stage)| is_open(stage));
        let gone = gone.filter(|(key, _)| after.get(key).is_some_and(|now| now == "cancelled"));
        // What procurement called off itself is no run's doing.
        let gone = gone.filter(|(key, _)| !self.is_called_off(**key));
        let gone = gone.filter_map(|(key, _)| orders::load(&self.anchor, OrderKey(*key)).unwrap());
        // Nor is what Axerrio never had.
        let gone: Vec<stemsync::domain::Order> = gone.filter(|order| order.ax_id.is_some()).collect();
        if !self.released && self.settings.brake.stops(gone.len(), open) {
            let names: Vec<&str> = gone.iter().map(stemsync::domain::Order::name).collect();
            self.wrong.push(format!("a run cancelled {names:?} of {open} open orders, and nobody was asked"));
        }
    }

    /// Whether procurement cancelled a PO of the order.
    fn is_called_off(&self, key: i64) -> bool {
        let order = orders::load(&self.anchor, OrderKey(key)).unwrap();
        let mut pos = order.iter().flat_map(|order| &order.komet.purchase_orders);
        pos.any(|po| po.status == PoStatus::Cancelled)
    }

    fn tally_run(&mut self, end: &RunEnd) {
        let mut lines = Vec::new();
        for action in &end.report.actions {
            if action.result == ActionResult::Adopted {
                self.tally.count("adopted");
            }
            if action.result == ActionResult::Done {
                *self.tally.pushes.entry(action.method.clone()).or_default() += 1;
            }
            lines.push(format!(
                "      {} {} {} {}",
                action.order.as_deref().unwrap_or("-"),
                action.method,
                action.result.name(),
                action.detail
            ));
        }
        lines.extend(end.report.jobs.iter().filter_map(|j| j.error.as_ref()).map(|e| format!("      error: {e}")));
        if let Some(story) = &mut self.net.lock().story {
            story.extend(lines);
        }
    }

    fn break_database(&mut self, fault: DatabaseFault) {
        match fault {
            DatabaseFault::Locked => {
                self.tally.count("database locked");
                self.anchor.execute_batch("BEGIN IMMEDIATE").unwrap();
            }
            DatabaseFault::Full(pages) => {
                self.tally.count("disk full");
                let limit = move |conn: &Connection| {
                    let used: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
                    conn.pragma_update_and_check(None, "max_page_count", used + pages, |_| Ok(()))?;
                    Ok(())
                };
                self.link().store.read_blocking(limit).unwrap();
            }
            DatabaseFault::Closed(after) => {
                self.tally.count("database closed");
                self.operations.store(after + 1, Ordering::Relaxed);
            }
        }
    }

    /// Faults stop; stemsync runs until it has nothing left to do. Says how many writes the last run made.
    pub(crate) fn settle(&mut self) -> u64 {
        let calm = Run { paced: self.paced, ..Run::calm() };
        self.settings.quota_limit = AMPLE;
        self.link = None;
        {
            let mut state = self.net.lock();
            state.world.komet.rules.daily_limit = None;
        }
        self.tell(|| "--- nobody does anything any more".to_owned());
        let mut writes = 0;
        // A deleted Prebook shows in no changed-since read: a day later every window was read in full.
        for wait in [TimeDelta::minutes(45), TimeDelta::hours(25)] {
            self.net.pass(wait);
            let (mut last, mut alike) = (0, 0);
            for _ in 0..8 {
                let before = self.writes();
                self.run(&calm);
                writes = self.writes() - before;
                alike = if writes == last { alike + 1 } else { 0 };
                last = writes;
                // What a system refuses is tried again each run, and what was answered and is in no list may take a quarter of an hour
                // to be; nothing else is left.
                let mut known = || self.link().store.read_blocking(Remembered::read).unwrap();
                if writes == 0 && known().in_doubt == 0 || alike == 2 && known().retries() {
                    break;
                }
                self.net.pass(TimeDelta::minutes(10));
            }
        }
        writes
    }

    pub(crate) fn writes(&self) -> u64 {
        self.net.lock().world.requests().writes()
    }

    /// What both systems and stemsync have of the orders that something is wrong with, for whoever replays the life.
    pub(crate) fn tell_of(&mut self, wrong: &[String]) {
        if self.net.lock().story.is_none() {
            return;
        }
        let known = self.link().store.read_blocking(Remembered::read).unwrap();
        for order in known.orders.iter().filter(|order| wrong.iter().any(|it| it.contains(order.name()))) {
            let mut told = vec![format!("stemsync knows {order:#?}")];
            {
                let world = &self.net.lock().world;
                let prebook = order.prebook.as_ref().and_then(|id| world.komet.prebook(u64::try_from(id.0).ok()?));
                told.push(format!("Axerrio has {:#?}", world.axerrio.order(order.name())));
                told.push(format!("Komet has {prebook:#?}"));
                let numbers = order.komet.purchase_orders.iter().filter_map(|po| po.number.0.parse().ok());
                told.extend(numbers.map(|number| format!("and {:#?}", world.komet.purchase_order(number))));
            }
            self.tell(|| told.join("\n"));
        }
    }

    /// The whole life: what is wrong at its end.
    pub(crate) fn live<'s>(&mut self, steps: impl IntoIterator<Item = &'s Step>) -> Vec<String> {
        self.play(steps);
        let mut wrong = check::at_rest(self);
        wrong.append(&mut self.wrong);
        let mishaps = self.net.lock().mishaps.clone();
        self.tally.mishaps = mishaps;
        wrong
    }
}

/// How far each order on file has come.
fn stages(conn: &Connection) -> BTreeMap<i64, String> {
    let Ok(mut statement) = conn.prepare_cached("SELECT key, stage FROM orders") else { return BTreeMap::new() };
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
}

/// What Komet knows: a second location as well in some of the lives that draw further.
fn catalogue(seed: u64) -> Catalogue {
    let mut catalogue = Catalogue::default();
    if further_dice(seed).is_some_and(|mut dice| dice.bool()) {
        catalogue.locations.push(Location { id: 2, code: "LAX".into(), name: "Los Angeles".into() });
    }
    catalogue
}

fn uri(name: &str, lost: u32) -> String {
    format!("file:/{name}-{lost}?vfs=memdb")
}

/// Makes a database in memory, empty or from a copy, and keeps it alive while no process has it open.
fn anchor(uri: &str, copy: Option<&Connection>) -> Connection {
    /// The empty database that every life begins with: migrating one anew for each takes longer than copying it.
    static EMPTY: LazyLock<Mutex<Connection>> = LazyLock::new(|| {
        let uri = "file:/empty?vfs=memdb";
        let kept = connect(uri);
        drop(Store::open_inline(uri, |_| Ok(())).unwrap());
        Mutex::new(kept)
    });
    let mut conn = connect(uri);
    let empty = EMPTY.lock().unwrap();
    Backup::new(copy.unwrap_or(&empty), &mut conn).unwrap().step(-1).unwrap();
    // What was cut off in the middle of a transaction keeps its lock until its process is gone: nobody waits for that.
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    conn
}

fn connect(uri: &str) -> Connection {
    use stemsync::store::OpenFlags;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags).unwrap()
}
