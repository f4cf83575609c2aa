//! Where the tests' commands run: a directory with a configuration, and the systems it points to.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use stemsync::domain::{Order, OrderKey};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::{Sandbox, SandboxOptions};
use stemsync::store::{Store, orders};

/// Nothing listens there.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1/";

pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    tokens: [String; 2],
}

impl Place {
    /// A configuration on the built-in sandbox.
    pub(crate) fn simulated() -> Self {
        Self::at("sandbox", "sandbox", "20s", ["unused", "unused"])
    }

    /// A configuration on a sandbox that the test holds in its hands.
    pub(crate) fn on(sandbox: &Sandbox, timeout: &str) -> Self {
        let tokens = [sandbox.komet_token(), sandbox.axerrio_token()];
        Self::at(&sandbox.komet_url(), &sandbox.axerrio_url(), timeout, tokens)
    }

    pub(crate) fn at(komet: &str, axerrio: &str, timeout: &str, tokens: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[komet]\nbase_url = \"{komet}\"\ntoken = {{ env = \"KOMET_TOKEN\" }}\ntimeout = \"{timeout}\"\n\
             [axerrio]\nbase_url = \"{axerrio}\"\ntoken = {{ env = \"AXERRIO_TOKEN\" }}\ntimeout = \"{timeout}\"\n\
             [state]\npath = \"link.db\"\n[status]\nlisten = \"off\"\n"
        );
        fs::write(folder.path().join("sync.toml"), text).unwrap();
        Self { folder, tokens: tokens.map(str::to_owned) }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("link.db")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = bare();
        command.current_dir(self.folder.path()).args(args);
        command.env("KOMET_TOKEN", &self.tokens[0]).env("AXERRIO_TOKEN", &self.tokens[1]);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command answers in JSON, and its exit status.
    pub(crate) fn json(&self, args: &[&str]) -> (Value, i32) {
        let output = self.command(args).args(["--format", "json"]).output().unwrap();
        (object(&output), output.status.code().unwrap())
    }

    /// Every order on file.
    pub(crate) async fn orders(&self) -> Vec<Order> {
        let store = Store::open(&self.database()).unwrap();
        let read = store.read(|conn| {
            let keys: Vec<OrderKey> = orders::all_keys(conn)?;
            keys.into_iter().filter_map(|key| orders::load(conn, key).transpose()).collect()
        });
        read.await.unwrap()
    }
}

/// The program, free of the environment of whoever runs the tests.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
    for name in ["STEMSYNC_CONFIG", "RUST_LOG", "NO_COLOR", "JOURNAL_STREAM", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// The one object on stdout.
pub(crate) fn object(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?} {errors}"))
}

/// All that a command printed, on both streams.
pub(crate) fn everything(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A sandbox with the week of orders in it.
pub(crate) async fn sandbox_with_a_week() -> (Sandbox, People) {
    let scenario = Scenario::bundled();
    let options = SandboxOptions { catalogue: scenario.catalogue(), ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let today = sandbox.now().date_naive();
    sandbox.act(|world, now| scenario.place_week(world, today, now)).unwrap();
    (sandbox, People::of(&scenario))
}

/// The Prebooks that carry an order's tag, but for those that have no lines any more.
pub(crate) fn prebooks_of(sandbox: &Sandbox, order: &str) -> usize {
    let tag = format!("[AX {order}]");
    sandbox.act(|world, _| {
        let tagged = world.komet.prebooks().filter(|prebook| prebook.comments.contains(&tag));
        tagged.filter(|prebook| prebook.items.iter().any(|item| item.goods.boxes > 0)).count()
    })
}
