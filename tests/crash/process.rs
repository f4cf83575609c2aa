//! The program as a process of its own, on a database of its own, behind a gate before a world of its own: started, killed,
//! started again until it has nothing to do, and then held against the invariants.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};
use rusqlite::config::DbConfig;
use stemsync::domain::Zone;
use stemsync::sandbox::{Answers, Sandbox, SandboxOptions};
use stemsync::store::Store;
use tokio::runtime::Handle;

use crate::gate::{Gate, Moment, Trap};
use crate::link::{Strangers, strangers};
use crate::place::{Place, everything, object};
use crate::scenario::Deeds;
use crate::standing::{Remembered, wrong};

/// What a system may take to answer. The program that follows a killed one waits this long before it believes that
/// a request had no effect.
const TIMEOUT: &str = "1s";
/// The same where a request does have its effect meanwhile, which a busy machine must not keep from being seen.
const LONG_TIMEOUT: &str = "4s";
/// Ship dates that are polled: the trade's and not many more, so that there are few windows to read.
const HORIZON: u64 = 7;
/// Runs after which it must be quiet.
const RUNS: usize = 4;

/// A world and a database at one moment, with no process at work on them.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    world: String,
    database: Option<Vec<u8>>,
    strangers: Strangers,
}

/// Both systems, the gate, and the place in which the program runs.
pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    pub(crate) gate: Gate,
    pub(crate) place: Place,
    strangers: Strangers,
    runtime: Handle,
}

/// The link's day.
pub(crate) fn today() -> NaiveDate {
    Utc::now().with_timezone(&Zone::default()).date_naive()
}

impl Site {
    /// Nobody has ordered anything yet.
    pub(crate) fn new(runtime: &Handle, answers: Answers) -> Self {
        Self::with_timeout(runtime, answers, TIMEOUT)
    }

    /// The same, where a system may take so long to answer.
    pub(crate) fn with_timeout(runtime: &Handle, answers: Answers, timeout: &str) -> Self {
        let options = SandboxOptions { answers, ..SandboxOptions::default() };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let strangers = sandbox.act(|world, now| strangers(world, today(), now));
        Self::on(runtime, sandbox, strangers, timeout)
    }

    /// Where it stood then, for a crash at this moment.
    pub(crate) fn at(runtime: &Handle, answers: Answers, then: &Checkpoint, moment: Moment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.json");
        fs::write(&path, &then.world).unwrap();
        let options = SandboxOptions { answers, ..SandboxOptions::default() };
        let sandbox = runtime.block_on(Sandbox::load_or_new(&path, options)).unwrap();
        let timeout = if moment == Moment::UnderWay { LONG_TIMEOUT } else { TIMEOUT };
        let site = Self::on(runtime, sandbox, then.strangers.clone(), timeout);
        if let Some(database) = &then.database {
            fs::write(site.place.database(), database).unwrap();
        }
        site
    }

    fn on(runtime: &Handle, sandbox: Sandbox, strangers: Strangers, timeout: &str) -> Self {
        let gate = runtime.block_on(Gate::before(&sandbox));
        let tokens = [sandbox.komet_token(), sandbox.axerrio_token()];
        let urls = [gate.url(&sandbox.komet_url()), gate.url(&sandbox.axerrio_url())];
        let place = Place::at(&urls[0], &urls[1], timeout, tokens);
        let file = place.folder.path().join("sync.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}[sync]\nhorizon = \"{HORIZON}d\"\n")).unwrap();
        Self { sandbox, gate, place, strangers, runtime: runtime.clone() }
    }

    /// What is there now. No process may be at work.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let database = self.place.database();
        assert!(!wal(&database).exists(), "the last process has closed the database");
        Checkpoint {
            world: self.sandbox.model().lock().unwrap().to_json().unwrap(),
            database: fs::read(&database).ok(),
            strangers: self.strangers.clone(),
        }
    }

    pub(crate) fn act(&self, deeds: Deeds) {
        self.sandbox.act(|world, now| deeds(world, today(), now));
    }

    /// One run, to its end. Answers the exit status.
    pub(crate) fn sync(&self) -> i32 {
        let output = self.place.command(&["sync"]).output().unwrap();
        let code = output.status.code().unwrap();
        // Shown only where the story fails.
        println!("sync ended with {code}: {}", everything(&output));
        code
    }

    /// Runs until a run has nothing to write. Answers the requests of the runs before that one.
    pub(crate) fn sync_until_quiet(&self) -> Vec<(String, bool)> {
        let mut requests = Vec::new();
        for _ in 0..RUNS {
            let code = self.sync();
            let arrived = self.gate.arrived();
            if !arrived.iter().any(|(_, writes)| *writes) {
                assert_eq!(code, 0, "nothing waits");
                return requests;
            }
            requests.extend(arrived);
        }
        panic!("it is not quiet after {RUNS} runs: {requests:?}");
    }

    /// A run that is killed at this moment; `false` if it ends before.
    pub(crate) fn killed_at(&self, trap: &Trap) -> bool {
        self.gate.set(Some(trap.clone()));
        let mut command = self.place.command(&["sync"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !self.gate.has_sprung() {
            if child.try_wait().unwrap().is_some() {
                let output = child.wait_with_output().unwrap();
                println!("the run ended before {trap:?}: {}", everything(&output));
                self.gate.set(None);
                return false;
            }
        }
        if trap.moment == Moment::Answered {
            self.hand_over_and_kill(&mut child);
        } else {
            kill(&mut child);
        }
        self.runtime.block_on(self.gate.reopen());
        self.gate.set(None);
        true
    }

    /// The answer arrives while the test holds the database's write lock: the program can only wait for it.
    fn hand_over_and_kill(&self, child: &mut Child) {
        let lock = rusqlite::Connection::open(self.place.database()).unwrap();
        lock.busy_timeout(Duration::from_secs(5)).unwrap();
        // What the killed process left is left to the next one, its log included.
        lock.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let slept = slept(child.id());
        self.gate.hand_over();
        // SQLite asks for the lock again and again, and sleeps in between.
        while slept_often(child, slept) {
            std::thread::yield_now();
        }
        kill(child);
        lock.execute_batch("ROLLBACK").unwrap();
    }

    /// Asserts that everything stands once, that nobody else's was touched, and that the program agrees.
    pub(crate) fn check(&self) {
        let known = Store::open(&self.place.database()).unwrap().read_blocking(Remembered::read).unwrap();
        assert_eq!(known.holds, [], "nothing waits for a person");
        let today = today();
        let (first, last) = (today.pred_opt().unwrap(), today + Days::new(HORIZON));
        self.sandbox.act(|world, _| {
            assert_eq!(wrong(world, &known, first, last), Vec::<String>::new());
            assert!(self.strangers.are_untouched(world), "what is not stemsync's was touched");
        });
        let output = self.place.command(&["verify", "--format", "json"]).output().unwrap();
        let told = object(&output);
        assert_eq!((&told["differences"], output.status.code()), (&serde_json::json!([]), Some(0)), "{told:#}");
        self.gate.arrived();
    }

    /// How often each request that writes was let through.
    pub(crate) fn written(&self) -> BTreeMap<String, u32> {
        self.gate.written()
    }
}

fn wal(database: &Path) -> std::path::PathBuf {
    database.with_extension("db-wal")
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How often the thread that owns the database went to sleep.
fn slept(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let threads: Vec<_> = tasks.map(|task| task.unwrap().path()).collect();
    let is_store = |path: &&std::path::PathBuf| fs::read_to_string(path.join("comm")).unwrap().trim() == "store";
    let status = fs::read_to_string(threads.iter().find(is_store).unwrap().join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}

/// Whether it is yet to ask for the lock in vain.
fn slept_often(child: &mut Child, before: u64) -> bool {
    assert_eq!(child.try_wait().unwrap(), None, "it lives until it is killed");
    slept(child.id()) < before + 5
}
