//! A database that was damaged: bytes flipped, pages zeroed or swapped, the file cut, the log beside it gone wrong, values
//! in rows that mean nothing. The program itself opens it. It may not notice (SQLite keeps no checksums), but it ends,
//! without a panic, and where it notices it says which file, what a person can do, and leaves both systems alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::world::Tokens;
use stemsync::sandbox::{Sandbox, SandboxOptions};
use stemsync::store::{Connection, Store};
use stemsync::sync::RunRequest;
use stemsync::sync::engine::{Engine, Settings, SystemClock};

use crate::fuzz::fuzz;
use crate::mutate::{Mutator, TOKEN, leaks};
use crate::world;

const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["status", "--format", "json"],
    &["holds"],
    &["trace", "AX-100001"],
    &["map", "product", "list"],
    &["map", "product", "set", "X", "7"],
    &["watermark", "show"],
    &["check"],
    &["sync", "--dry-run"],
    &["sync"],
    &["sync", "orders", "--format", "json"],
];

/// Both systems with a week of trade in them, and the database of a link that carried it.
pub(crate) struct Trade {
    pub(crate) sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Trade {
    pub(crate) async fn carried() -> Self {
        let scenario = Scenario::bundled();
        let tokens = Tokens { vendor: TOKEN.to_owned(), company: None, axerrio: TOKEN.to_owned() };
        let options =
            SandboxOptions { catalogue: scenario.catalogue(), tokens: Some(tokens), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let today = sandbox.now().date_naive();
        sandbox.act(|world, now| scenario.place_week(world, today, now)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine {
            komet: world::komet(&sandbox.komet_url()),
            axerrio: world::axerrio(&sandbox.axerrio_url()),
            store: Store::open(&folder.path().join("link.db")).unwrap(),
            clock: Arc::new(SystemClock),
            settings: Settings::default(),
        };
        for _ in 0..3 {
            engine.run(RunRequest::default()).await.unwrap();
            sandbox.act(|world, now| People::of(&scenario).step(world, now)).unwrap();
        }
        // As a crash leaves it: with what was committed last in the log beside the database.
        for name in ["link.db", "link.db-wal"] {
            fs::copy(folder.path().join(name), folder.path().join(format!("crashed-{name}"))).unwrap();
        }
        drop(engine);
        Self { sandbox, folder }
    }

    /// A place of its own for one case: the configuration, and a copy of the database, sound so far.
    pub(crate) fn place(&self, crashed: bool) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let from = |name: &str| self.folder.path().join(name);
        if crashed {
            fs::copy(from("crashed-link.db"), place.path().join("link.db")).unwrap();
            fs::copy(from("crashed-link.db-wal"), place.path().join("link.db-wal")).unwrap();
        } else {
            fs::copy(from("link.db"), place.path().join("link.db")).unwrap();
        }
        let (komet, axerrio) = (self.sandbox.komet_url(), self.sandbox.axerrio_url());
        let text = format!(
            "[komet]\nbase_url = \"{komet}\"\ntoken = {{ env = \"KOMET_TOKEN\" }}\n[axerrio]\nbase_url = \"{axerrio}\"\n\
             token = {{ env = \"AXERRIO_TOKEN\" }}\n[state]\npath = \"link.db\"\n"
        );
        fs::write(place.path().join("sync.toml"), text).unwrap();
        place
    }

    fn writes(&self) -> u64 {
        self.sandbox.act(|world, _| world.requests().writes())
    }
}

/// What a command came to.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program; `Err` if it does not end.
pub(crate) fn run(place: &Path, args: &[&str]) -> Result<Ended, String> {
    let (out, err) = (place.join("stdout"), place.join("stderr"));
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
    command.current_dir(place).args(args).env_remove("STEMSYNC_CONFIG").env_remove("RUST_LOG");
    command.env("KOMET_TOKEN", TOKEN).env("AXERRIO_TOKEN", TOKEN);
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(90) {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("{args:?} does not end"));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let read = |file: PathBuf| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    Ok(Ended { status: status.code(), stdout: read(out), stderr: read(err) })
}

/// Damages a file.
fn damage(mutator: &mut Mutator, file: &Path) {
    const PAGE: usize = 4096;
    let mut bytes = fs::read(file).unwrap();
    if bytes.is_empty() {
        return;
    }
    for _ in 0..mutator.rng.usize(1..4) {
        if bytes.is_empty() {
            break;
        }
        let pages = bytes.len().div_ceil(PAGE);
        let page = mutator.rng.usize(..pages) * PAGE;
        let end = (page + PAGE).min(bytes.len());
        let at = mutator.rng.usize(..bytes.len());
        match mutator.rng.u8(..10) {
            0 => bytes.truncate(at),
            1 => bytes.truncate(page),
            2 => bytes[page..end].fill(0),
            3 => bytes[page..end].iter_mut().for_each(|b| *b = mutator.rng.u8(..)),
            4 => {
                let other = mutator.rng.usize(..pages) * PAGE;
                let part = bytes[other..(other + PAGE).min(bytes.len())].to_vec();
                let end = (page + part.len()).min(bytes.len());
                bytes[page..end].copy_from_slice(&part[..end - page]);
            }
            // The first hundred bytes are SQLite's header, the next the first b-tree's.
            5 => bytes[mutator.rng.usize(..120.min(at + 1))] = mutator.rng.u8(..),
            6 => bytes[page..(page + 16).min(end)].fill(0xff),
            _ => {
                for _ in 0..mutator.rng.usize(1..60) {
                    let at = mutator.rng.usize(..bytes.len());
                    bytes[at] ^= 1 << mutator.rng.u8(..8);
                }
            }
        }
    }
    fs::write(file, bytes).unwrap();
}

/// Puts values that mean nothing into a column, as a person with an SQL shell might.
fn falsify(mutator: &mut Mutator, file: &Path) -> Result<(), String> {
    let conn = Connection::open(file).map_err(|e| e.to_string())?;
    let names = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let tables = names("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for _ in 0..mutator.rng.usize(1..4) {
        let table = &tables[mutator.rng.usize(..tables.len())];
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let column = &columns[mutator.rng.usize(..columns.len())];
        let value = mutator.pick(&[
            "NULL",
            "''",
            "'x'",
            "-1",
            "0",
            "9223372036854775807",
            "1.5",
            "x'ff00'",
            "'{}'",
            "'[]'",
            "'null'",
            "'+262142-12-31T00:00:00Z'",
            "'0000-00-00'",
            "'-0001-12-31T23:55:00Z'",
            "replace(hex(zeroblob(5000)), '0', '[')",
        ]);
        let some = mutator.pick(&["1", "rowid % 2", "rowid = 1"]);
        if mutator.chance(40)
            && let Ok(Some(document)) = conn.query_row(
                &format!("SELECT {column} FROM {table} WHERE {column} LIKE '{{%' LIMIT 1"),
                [],
                |row| row.get::<_, Option<String>>(0),
            )
            && serde_json::from_str::<serde_json::Value>(&document).is_ok()
        {
            let odd = mutator.structure(&document);
            let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1 WHERE {column} = ?2");
            let _ = conn.execute(&sql, [odd, document]);
            continue;
        }
        // What the schema itself refuses cannot come about.
        let _ = conn.execute(&format!("UPDATE OR IGNORE {table} SET {column} = {value} WHERE {some}"), []);
    }
    Ok(())
}

/// What the program may say of a damaged database.
fn judge(ended: &Ended, place: &Path) -> Result<(), String> {
    let told = format!("{}{}", ended.stdout, ended.stderr);
    let wrong = |why: &str| Err(format!("{why}: {:?} {told}", ended.status));
    if told.contains("panicked") || told.contains("internal error") || leaks(&told) {
        return wrong("panic or token");
    }
    let names = |words: &[&str]| words.iter().any(|word| ended.stderr.contains(word));
    match ended.status {
        Some(1) if !names(&["link.db"]) => wrong("names no file"),
        Some(1) if !names(&["restore", "stemsync check", "install", "check that", "try again"]) => {
            wrong("says nothing that a person can do")
        }
        Some(2) if !names(&["AX-100001"]) => wrong("it was called rightly"),
        // 2: the order that `trace` is asked for is gone. 7: the day's count of requests is what was damaged.
        Some(0 | 1 | 2 | 4 | 7) => Ok(()),
        _ => wrong(&format!("unexpected end in {}", place.display())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database() {
    let trade = Trade::carried().await;
    fuzz("damage::database", 40, async |mutator| {
        let place = trade.place(mutator.chance(30));
        let file = place.path().join("link.db");
        match mutator.rng.u8(..10) {
            0..=3 => falsify(mutator, &file)?,
            4 if place.path().join("link.db-wal").exists() => damage(mutator, &place.path().join("link.db-wal")),
            _ => damage(mutator, &file),
        }
        let kept = place.path().join("as-it-was");
        fs::copy(&file, &kept).unwrap();
        let args = COMMANDS[mutator.rng.usize(..COMMANDS.len())];
        let before = trade.writes();
        let folder = place.path().to_owned();
        let ended = tokio::task::spawn_blocking(move || run(&folder, args)).await.unwrap()?;
        let written = trade.writes() - before;
        let verdict = judge(&ended, place.path()).and_then(|()| {
            let noticed = ended.status == Some(1);
            if noticed && written > 0 {
                Err(format!("{written} requests were written: {}", ended.stderr))
            } else {
                Ok(())
            }
        });
        verdict.map_err(|problem| {
            let keep = Path::new(env!("CARGO_TARGET_TMPDIR")).join("damaged.db");
            fs::copy(&kept, &keep).unwrap();
            format!("{args:?}: {problem}\nthe damaged file is kept in {}", keep.display())
        })
    })
    .await;
}
