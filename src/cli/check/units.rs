//! Whether anything runs stemsync by itself: which of our units is in use, what it lacks, and when the last run was. Where
//! there is no systemd, or none of our units, it must be cron, and the last run is all there is to see.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::systemd::{self, State};
use super::{Check, unit_file};
use crate::cli::output::relative;
use crate::config::Config;
use crate::store::{Connection, DaemonLock, LockHolder, RunLock, Store, StoreError, runs};
use crate::sync::report::Job;

/// How late a run may be beyond the time it was due: a timer runs more rarely than the daemon's schedule asks for.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Looks at the units and at the last run.
pub(super) async fn look(config: &Config, store: Option<&Store>) -> Vec<Check> {
    let now = Utc::now();
    let last = match store {
        Some(store) => store.read(last_run).await.ok().flatten(),
        None => None,
    };
    let process = running(&config.state.path);
    let names = candidates(&config.file, process.as_deref());
    let looked = tokio::task::spawn_blocking(move || Seen::look(&names, process)).await;
    let seen = looked.unwrap_or_default();
    let mut checks = seen.tell();
    checks.push(seen.runs(config, last, now));
    checks
}

/// When a job last finished, whichever it was.
fn last_run(conn: &Connection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut last = None;
    for job in Job::ALL {
        last = last.max(runs::last(conn, job)?.map(|run| run.last_run));
    }
    Ok(last)
}

/// The daemon, else the process that took the run lock last, if it is still there.
fn running(database: &Path) -> Option<String> {
    let holders = [DaemonLock::holder(database), RunLock::holder(database)];
    holders.into_iter().flatten().find(LockHolder::is_there).map(|holder| holder.pid.to_string())
}

/// The units that may run this configuration: ours by their names, and whichever service this process or the running one
/// is in.
fn candidates(config: &Path, running: Option<&str>) -> Vec<String> {
    let whole = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let link = whole.file_stem().and_then(|stem| stem.to_str()).filter(|_| whole.starts_with("/etc/stemsync"));
    let mut names = match link {
        Some(link) if link != "sync" => vec![format!("stemsync@{link}.service")],
        _ => ["stemsync.service", "stemsync-sync.timer", "stemsync-sync.service"].map(str::to_owned).to_vec(),
    };
    let processes = [Some("self"), running].into_iter().flatten();
    for service in processes.filter_map(systemd::service_of) {
        if !names.contains(&service) {
            names.push(service);
        }
    }
    names
}

/// What systemd says, and what can be seen without it.
#[derive(Default)]
struct Seen {
    /// Whether it answers.
    booted: bool,
    /// Each unit that it has, and for services the file.
    units: Vec<(State, Option<String>)>,
    /// The process that is running.
    process: Option<String>,
}

impl Seen {
    fn look(names: &[String], process: Option<String>) -> Self {
        let Some(states) = systemd::states(names) else { return Self { process, ..Self::default() } };
        let loaded = states.into_iter().filter(State::is_loaded);
        let units = loaded.map(|state| {
            let text = (state.kind() == "service").then(|| systemd::text(state.id())).flatten();
            (state, text)
        });
        let units =
            units.filter(|(state, text)| is_ours(state.id()) || text.as_deref().is_some_and(starts_stemsync));
        Self { booted: true, units: units.collect(), process }
    }

    fn active(&self) -> impl Iterator<Item = &State> {
        // A service that runs once, started by its timer, is not what keeps stemsync running.
        self.units.iter().map(|(state, _)| state).filter(|state| state.is_active() && !is_one_run(state.id()))
    }

    /// The units that are in use, each with what it lacks.
    fn tell(&self) -> Vec<Check> {
        const NAME: &str = "units";
        if !self.booted {
            return vec![Check::ok(
                NAME,
                "no systemd here; from cron run `stemsync sync --paced`, see README, Installation",
            )];
        }
        if self.units.is_empty() {
            return vec![Check::ok(NAME, "systemd is here, and none of stemsync's units is installed")];
        }
        let timer = self.units.iter().any(|(state, _)| is_used(state) && state.kind() == "timer");
        let used = self.units.iter().filter(|(state, _)| is_used(state) || (timer && is_one_run(state.id())));
        let mut checks: Vec<_> = used.map(|(state, text)| unit(NAME, state, text.as_deref())).collect();
        if checks.is_empty() {
            let ids: Vec<_> = self.units.iter().map(|(state, _)| state.id()).collect();
            checks.push(Check::ok(NAME, format!("installed and not enabled: {}", ids.join(", "))));
        }
        checks
    }

    /// Whether something runs stemsync: a unit that is active, or else the last run says so.
    fn runs(&self, config: &Config, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Check {
        const NAME: &str = "runs";
        let active: Vec<_> = self.active().map(State::id).collect();
        let told = last.map_or("no run yet".to_owned(), |at| format!("last run {}", relative(at, now)));
        let is_late = last.and_then(|at| due_after(config, at)).is_some_and(|due| now > due + GRACE);
        if active.len() > 1 {
            let detail = format!("{} are active; {told}", active.join(" and "));
            return Check::warning(NAME, detail, "One is enough, both spend the quota: disable the other");
        }
        match (active.first(), is_late) {
            (Some(unit), true) => Check::warning(
                NAME,
                format!("{unit} is active, but {told}"),
                format!("Look why: journalctl -u {}", log_of(unit)),
            ),
            (Some(unit), false) => Check::ok(NAME, format!("{unit} is active, {told}")),
            (None, true) => {
                let advice = "Nothing seems to start it: enable the daemon or the timer, or see that cron runs";
                Check::warning(NAME, told, advice)
            }
            (None, false) => match (&self.process, last) {
                (Some(process), _) => Check::ok(NAME, format!("process {process} is running, {told}")),
                (None, Some(_)) => Check::ok(NAME, format!("{told}, started by cron or by hand")),
                (None, None) => Check::ok(NAME, "no run yet; start the daemon, the timer or a line in crontab"),
            },
        }
    }
}

/// When the first job would be due after a run; `None` if all are off.
fn due_after(config: &Config, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let zone = config.jobs.timezone;
    Job::ALL.into_iter().filter_map(|job| config.jobs.schedule(job).next_after(at, zone)).min()
}

fn is_used(state: &State) -> bool {
    state.is_active() || state.is_enabled() || state.has_failed()
}

fn is_ours(unit: &str) -> bool {
    unit.starts_with("stemsync.") || unit.starts_with("stemsync@") || unit.starts_with("stemsync-sync.")
}

/// Whether a service's file is for stemsync at all: what cron or a login starts runs in their services.
fn starts_stemsync(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with("ExecStart=") && line.contains("stemsync"))
}

fn is_one_run(unit: &str) -> bool {
    unit == "stemsync-sync.service"
}

/// Where a unit's log lines are: a timer's are its service's.
fn log_of(unit: &str) -> &str {
    if unit == "stemsync-sync.timer" { "stemsync-sync" } else { unit.trim_end_matches(".service") }
}

/// One unit: how it is, and what its file lacks.
fn unit(name: &'static str, state: &State, text: Option<&str>) -> Check {
    let id = state.id();
    let log = log_of(id);
    let check = if state.has_failed() {
        let (result, status) = (state.get("Result"), state.get("ExecMainStatus"));
        let detail = format!("failed ({result}, status {status}, {} restarts)", state.get("NRestarts"));
        Check::failed(name, detail, format!("Look why: journalctl -u {log} -n 50; then: systemctl restart {log}"))
    } else if state.get("NeedDaemonReload") == "yes" {
        Check::warning(
            name,
            "its file changed on disk, systemd still uses the old one",
            "Run: systemctl daemon-reload",
        )
    } else {
        let lacks = text.map(|text| unit_file::lacks(id, text)).unwrap_or_default();
        match (lacks.is_empty(), state.is_enabled()) {
            (false, _) => Check::warning(
                name,
                format!("lacks what stemsync's own has: {}", lacks.join("; ")),
                format!("Add it with `systemctl edit {log}`, or install stemsync's own unit"),
            ),
            (true, false) if state.is_active() && !is_one_run(id) => Check::warning(
                name,
                "runs, but is not started with the machine",
                format!("Run: systemctl enable {id}"),
            ),
            _ if text.is_none() && state.kind() == "service" => {
                Check::ok(name, "is in use; systemd does not show its file, so what it lacks cannot be told")
            }
            _ => match state.get("NRestarts") {
                "" | "0" => Check::ok(name, "is in use and lacks nothing"),
                restarts => {
                    let detail = format!("is in use and lacks nothing, but restarted by itself: {restarts} times");
                    Check::warning(name, detail, format!("Look why: journalctl -u {log}"))
                }
            },
        }
    };
    check.of(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_several_is_looked_for_under_its_own_name() {
        let first = |config| candidates(Path::new(config), None).remove(0);
        assert_eq!(first("/etc/stemsync/miami.toml"), "stemsync@miami.service");
        assert_eq!(first("/etc/stemsync/sync.toml"), "stemsync.service");
        assert_eq!(first("trial/miami.toml"), "stemsync.service");
    }

    #[test]
    fn cron_is_not_taken_for_a_unit_of_stemsyncs() {
        assert!(!is_ours("cron.service") && is_ours("stemsync@miami.service") && is_ours("stemsync-sync.timer"));
        assert!(!starts_stemsync("[Service]\nExecStart=/usr/sbin/cron -f\n"));
        assert!(starts_stemsync(
            "# /etc/systemd/system/flowers.service\n[Service]\nExecStart=/opt/stemsync run\n"
        ));
    }
}
