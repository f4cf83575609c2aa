//! What `check` says of units and of the last run. systemd is played by a `systemctl` of our own on the PATH, which answers
//! as the real one does; the real one answers in `tests/systemd`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use stemsync::store::{RunLock, Store, runs};
use stemsync::sync::report::{Job, JobReport, Outcome, QuotaReport, Requests, RunReport, WatermarkMove};

use crate::check::{check, outcome};
use crate::place::{Place, everything, object};

/// What `systemctl show` says of one unit.
fn state(id: &str, load: &str, active: &str, file: &str) -> String {
    format!(
        "Id={id}\nLoadState={load}\nActiveState={active}\nUnitFileState={file}\nResult=success\nNRestarts=0\n\
         ExecMainStatus=0\nNeedDaemonReload=no\n"
    )
}

/// A machine whose systemd says this of our three units, in the order of the check's question.
struct Machine {
    place: Place,
}

impl Machine {
    fn new(states: &[String]) -> Self {
        let place = Place::simulated();
        let folder = place.folder.path();
        fs::write(folder.join("show"), states.join("\n")).unwrap();
        let script = format!(
            "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in show) exec cat '{0}/show';; cat) exec cat '{0}'/\"$3\";; esac; \
             shift; done\nexit 1\n",
            folder.display()
        );
        fs::create_dir(folder.join("bin")).unwrap();
        program(&folder.join("bin/systemctl"), &script);
        Self { place }
    }

    /// What `systemctl cat` prints of a unit.
    fn with_file(self, unit: &str, text: &str) -> Self {
        fs::write(self.place.folder.path().join(unit), text).unwrap();
        self
    }

    /// A machine where the last run, of every job, ended so long ago.
    fn with_a_run(self, ago: TimeDelta) -> Self {
        let store = Store::open(&self.place.database()).unwrap();
        let at = Utc::now() - ago;
        let jobs = Job::ALL.map(|job| JobReport {
            job,
            outcome: Outcome::Ok,
            polled: 0,
            changed: 0,
            pushed: 0,
            held: 0,
            failed: 0,
            requests: Requests::default(),
            watermark: WatermarkMove::default(),
            error: None,
        });
        let report = RunReport {
            run: "01JD4Q6Z8K3N5T7V9X1B3D5F7H".to_owned(),
            dry_run: false,
            outcome: Outcome::Ok,
            started_at: at,
            finished_at: at,
            jobs: jobs.to_vec(),
            actions: Vec::new(),
            quota: QuotaReport { limit: 1000, used: 0, resets_at: at },
        };
        let write = store.write_blocking(move |conn| {
            runs::begin(conn, &report.run, "sync", at)?;
            runs::finish(conn, &report, false)
        });
        write.unwrap();
        self
    }

    fn check(&self) -> Value {
        let bin = self.place.folder.path().join("bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        object(&self.place.command(&["check", "--format", "json"]).env("PATH", path).output().unwrap())
    }
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn shipped(unit: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit)).unwrap()
}

/// Our units as they are after the installation: there, and not enabled.
fn installed() -> [String; 3] {
    [
        state("stemsync.service", "loaded", "inactive", "disabled"),
        state("stemsync-sync.timer", "loaded", "inactive", "disabled"),
        state("stemsync-sync.service", "loaded", "inactive", "static"),
    ]
}

fn detail(report: &Value, name: &str) -> String {
    check(report, name)["detail"].as_str().unwrap().to_owned()
}

#[test]
fn without_systemd_cron_is_named_and_nothing_is_wrong() {
    let place = Place::simulated();
    let output = place.command(&["check", "--format", "json"]).env("PATH", place.folder.path()).output().unwrap();
    let report = object(&output);
    assert_eq!((output.status.code(), outcome(&report, "units").as_str()), (Some(0), "ok"));
    assert!(detail(&report, "units").contains("no systemd") && detail(&report, "units").contains("cron"));
    assert_eq!(outcome(&report, "runs"), "ok");
}

#[test]
fn a_systemctl_that_hangs_does_not_hang_the_check() {
    let machine = Machine::new(&[]);
    program(&machine.place.folder.path().join("bin/systemctl"), "#!/bin/sh\nexec sleep 600\n");
    assert!(detail(&machine.check(), "units").contains("no systemd"));
}

#[test]
fn units_that_are_installed_and_unused_are_told() {
    let report = Machine::new(&installed()).check();
    assert!(detail(&report, "units").contains("not enabled: stemsync.service, stemsync-sync.timer"), "{report:#}");
    assert!(detail(&report, "runs").contains("no run yet"));
}

#[test]
fn our_daemon_that_runs_lacks_nothing() {
    let [_, timer, one_run] = installed();
    let daemon = state("stemsync.service", "loaded", "active", "enabled");
    let machine =
        Machine::new(&[daemon, timer, one_run]).with_file("stemsync.service", &shipped("stemsync.service"));
    let report = machine.with_a_run(TimeDelta::seconds(40)).check();
    assert_eq!((outcome(&report, "units").as_str(), outcome(&report, "runs").as_str()), ("ok", "ok"));
    assert!(detail(&report, "runs").starts_with("stemsync.service is active, last run 4"), "{report:#}");
}

#[test]
fn a_unit_of_ones_own_is_told_what_it_lacks() {
    let daemon = state("stemsync.service", "loaded", "active", "enabled");
    let own = "[Service]\nExecStart=/usr/local/bin/stemsync run\nRestart=on-failure\n";
    let machine = Machine::new(&[daemon]).with_file("stemsync.service", own);
    let report = machine.check();
    let unit = check(&report, "units");
    assert_eq!((&unit["outcome"], &unit["of"]), (&"warning".into(), &"stemsync.service".into()));
    for part in ["runs as root", "no WatchdogSec", "no StateDirectory", "sandbox"] {
        assert!(detail(&report, "units").contains(part), "{unit}");
    }
    assert!(!detail(&report, "units").contains("no Restart "), "{unit}");
    assert!(unit["advice"].as_str().unwrap().contains("systemctl edit stemsync"));
}

#[test]
fn a_daemon_that_failed_fails_the_check() {
    let failed = state("stemsync.service", "loaded", "failed", "enabled")
        .replace("Result=success", "Result=exit-code")
        .replace("ExecMainStatus=0", "ExecMainStatus=3");
    let machine = Machine::new(&[failed]).with_file("stemsync.service", &shipped("stemsync.service"));
    let report = machine.check();
    assert_eq!(outcome(&report, "units"), "failed");
    assert!(detail(&report, "units").contains("exit-code, status 3"), "{report:#}");
    assert!(check(&report, "units")["advice"].as_str().unwrap().contains("journalctl -u stemsync"));
}

#[test]
fn a_daemon_that_restarts_by_itself_is_noticed() {
    let daemon = state("stemsync.service", "loaded", "active", "enabled").replace("NRestarts=0", "NRestarts=7");
    let machine = Machine::new(&[daemon]).with_file("stemsync.service", &shipped("stemsync.service"));
    let report = machine.check();
    assert_eq!(outcome(&report, "units"), "warning");
    assert!(detail(&report, "units").contains("7 times"), "{report:#}");
}

#[test]
fn a_timer_brings_its_service_along() {
    let [daemon, _, one_run] = installed();
    let timer = state("stemsync-sync.timer", "loaded", "active", "enabled");
    let text = shipped("stemsync-sync.service").replace("SuccessExitStatus=4 6", "");
    let machine = Machine::new(&[daemon, timer, one_run]).with_file("stemsync-sync.service", &text);
    let report = machine.with_a_run(TimeDelta::minutes(12)).check();
    let units: Vec<_> = report["checks"].as_array().unwrap().iter().filter(|c| c["name"] == "units").collect();
    assert_eq!(
        units.iter().map(|c| c["of"].as_str().unwrap()).collect::<Vec<_>>(),
        ["stemsync-sync.timer", "stemsync-sync.service"]
    );
    assert!(units[1]["detail"].as_str().unwrap().contains("no SuccessExitStatus (a hold makes the unit fail)"));
    assert!(detail(&report, "runs").starts_with("stemsync-sync.timer is active, last run 12 min ago"));
}

#[test]
fn a_daemon_and_a_timer_are_one_too_many() {
    let daemon = state("stemsync.service", "loaded", "active", "enabled");
    let timer = state("stemsync-sync.timer", "loaded", "active", "enabled");
    let machine = Machine::new(&[daemon, timer]).with_file("stemsync.service", &shipped("stemsync.service"));
    let report = machine.check();
    assert_eq!(outcome(&report, "runs"), "warning");
    assert!(detail(&report, "runs").contains("stemsync.service and stemsync-sync.timer are active"));
}

#[test]
fn a_daemon_that_no_longer_runs_any_job_is_noticed() {
    let daemon = state("stemsync.service", "loaded", "active", "enabled");
    let machine = Machine::new(&[daemon]).with_file("stemsync.service", &shipped("stemsync.service"));
    let report = machine.with_a_run(TimeDelta::hours(5)).check();
    assert_eq!(outcome(&report, "runs"), "warning");
    assert_eq!(detail(&report, "runs"), "stemsync.service is active, but last run 5 h ago");
}

#[test]
fn cron_that_stopped_is_noticed_by_the_last_runs_age() {
    let late = Machine::new(&installed()).with_a_run(TimeDelta::days(3)).check();
    assert_eq!(
        (outcome(&late, "runs").as_str(), detail(&late, "runs").as_str()),
        ("warning", "last run 3 days ago")
    );
    let fresh = Machine::new(&installed()).with_a_run(TimeDelta::minutes(20)).check();
    assert_eq!(outcome(&fresh, "runs"), "ok");
    assert!(detail(&fresh, "runs").contains("started by cron or by hand"));
}

#[test]
fn a_process_that_runs_without_systemd_is_seen() {
    let place = Place::simulated();
    place.json(&["sync"]);
    // A sandbox stands for the daemon: a process of this program, which took the lock last.
    let mut process = place.command(&["sandbox"]).stdout(Stdio::null()).spawn().unwrap();
    fs::write(place.folder.path().join("link.db.lock"), format!("{} 2026-01-15T10:00:00Z\n", process.id()))
        .unwrap();
    let (report, _) = place.json(&["check"]);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(detail(&report, "runs").starts_with(&format!("process {} is running", process.id())), "{report:#}");
    let (report, _) = place.json(&["check"]);
    assert!(detail(&report, "runs").contains("started by cron or by hand"), "{report:#}");
}

#[test]
fn the_daemon_and_the_timer_are_both_asked_for() {
    // The question itself is the answer here: which units were asked for.
    let machine = Machine::new(&[]);
    let asked = machine.place.folder.path().join("asked");
    let script = format!("#!/bin/sh\necho \"$@\" >> '{}'\n", asked.display());
    program(&machine.place.folder.path().join("bin/systemctl"), &script);
    machine.check();
    let told = fs::read_to_string(&asked).unwrap();
    assert!(told.contains("-- stemsync.service stemsync-sync.timer stemsync-sync.service"), "{told}");
}

/// The command of the crontab example, as cron gives it to a shell: for this program and this place.
fn crontab_line(place: &Place, wait: &str) -> Command {
    let example = shipped("crontab.example");
    let line = example.lines().rfind(|line| !line.starts_with('#')).unwrap();
    // Minute, hour, day, month, weekday, user; the rest is the command.
    let fields: Vec<_> = line.splitn(7, ' ').collect();
    assert_eq!(&fields[1..6], ["*", "*", "*", "*", "stemsync"], "{line}");
    let program = assert_cmd::cargo::cargo_bin!("stemsync").display().to_string();
    let command = fields[6]
        .replace("/usr/bin/stemsync", &format!("'{program}'"))
        .replace("/etc/stemsync/sync.toml", "sync.toml")
        .replace("--wait 15m", &format!("--wait {wait}"));
    let mut shell = Command::new("/bin/sh");
    shell.current_dir(place.folder.path()).arg("-c").arg(command);
    // Cron's is nearly empty.
    shell.env_clear().env("PATH", "/usr/bin:/bin");
    shell
}

#[test]
fn the_crontab_line_is_silent_when_all_is_well_and_ends_with_6_beside_another_run() {
    let place = Place::simulated();
    let output = crontab_line(&place, "15m").output().unwrap();
    // Something is held in the sandbox's week, which is no reason for a mail.
    assert_eq!((output.status.code(), everything(&output).as_str()), (Some(4), ""));
    let held = RunLock::try_acquire(&place.database()).unwrap();
    let output = crontab_line(&place, "0s").output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", everything(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another run is going on"));
    drop(held);
}

#[test]
fn every_line_fits_80_columns() {
    let daemon = state("stemsync.service", "loaded", "active", "enabled");
    let machine = Machine::new(&[daemon]).with_file("stemsync.service", "[Service]\nExecStart=stemsync run\n");
    let bin = machine.place.folder.path().join("bin");
    let mut command: Command = machine.place.command(&["check", "--color", "always"]);
    let output = command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).output().unwrap();
    let drawn = crate::verify::strip(&String::from_utf8(output.stdout).unwrap());
    assert!(drawn.contains("lacks what stemsync's own has"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
}
