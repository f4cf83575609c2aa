//! What systemd says of units, asked through `systemctl` as an admin would. A machine without systemd, or one on which it
//! does not answer, is none to complain of: the answer is then nothing.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// systemd answers in milliseconds; one that hangs must not hang the check.
const PATIENCE: Duration = Duration::from_secs(5);

/// A unit's state, as `systemctl show` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    properties: BTreeMap<String, String>,
}

impl State {
    const ASKED: &str = "Id,LoadState,ActiveState,UnitFileState,Result,NRestarts,ExecMainStatus,NeedDaemonReload";

    /// A property's value; empty where systemd does not know it.
    pub(super) fn get(&self, property: &str) -> &str {
        self.properties.get(property).map_or("", String::as_str)
    }

    /// The unit's name.
    pub(super) fn id(&self) -> &str {
        self.get("Id")
    }

    /// What sort of unit: `service`, `timer`.
    pub(super) fn kind(&self) -> &str {
        self.id().rsplit_once('.').map_or("", |(_, kind)| kind)
    }

    /// Whether systemd has the unit's file.
    pub(super) fn is_loaded(&self) -> bool {
        self.get("LoadState") == "loaded"
    }

    /// Whether it runs, or is about to.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.get("ActiveState"), "active" | "activating" | "reloading")
    }

    /// Whether it ended badly.
    pub(super) fn has_failed(&self) -> bool {
        self.get("ActiveState") == "failed"
    }

    /// Whether it is started with the machine.
    pub(super) fn is_enabled(&self) -> bool {
        self.get("UnitFileState").starts_with("enabled")
    }
}

/// The states of units, in the order asked for; `None` without systemd.
pub(super) fn states(units: &[String]) -> Option<Vec<State>> {
    let mut arguments = vec!["show", "--property", State::ASKED, "--"];
    arguments.extend(units.iter().map(String::as_str));
    let text = systemctl(&arguments)?;
    let states = text.split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| State {
        properties: block
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(property, value)| (property.to_owned(), value.to_owned()))
            .collect(),
    });
    Some(states.collect())
}

/// A unit's file and its drop-ins, one after the other.
pub(super) fn text(unit: &str) -> Option<String> {
    systemctl(&["cat", "--", unit])
}

/// What `systemctl` prints; `None` if it is not there, refuses, or does not answer.
fn systemctl(arguments: &[&str]) -> Option<String> {
    /// Short against the patience, long against a look at a process.
    const PAUSE: Duration = Duration::from_millis(5);
    // Into a file and not a pipe: a pipe that nobody reads in time would stop it.
    let mut printed = tempfile::tempfile().ok()?;
    let mut child = Command::new("systemctl")
        .args(["--no-pager", "--no-ask-password"])
        .args(arguments)
        .env("LC_ALL", "C")
        .env("SYSTEMD_COLORS", "0")
        .stdin(Stdio::null())
        .stdout(printed.try_clone().ok()?)
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                log::debug!("systemctl did not answer within {} s", PATIENCE.as_secs());
                return None;
            }
        }
    };
    let mut bytes = Vec::new();
    printed.rewind().ok()?;
    printed.take(1 << 20).read_to_end(&mut bytes).ok()?;
    status.success().then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// The service that a process runs in, by its control group; `None` for a shell.
pub(super) fn service_of(process: &str) -> Option<String> {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    service_in(&groups).map(str::to_owned)
}

fn service_in(groups: &str) -> Option<&str> {
    let path = groups.lines().find_map(|line| {
        line.strip_prefix("0::").or_else(|| line.split_once(":name=systemd:").map(|(_, path)| path))
    })?;
    path.rsplit('/').find(|part| part.ends_with(".service") && !part.starts_with("user@"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_control_group() {
        assert_eq!(service_in("0::/system.slice/stemsync.service\n"), Some("stemsync.service"));
        let template = "0::/system.slice/system-stemsync.slice/stemsync@miami.service\n";
        assert_eq!(service_in(template), Some("stemsync@miami.service"));
        assert_eq!(service_in("1:name=systemd:/system.slice/ours.service\n"), Some("ours.service"));
        assert_eq!(service_in("0::/user.slice/user-0.slice/session-3.scope\n"), None);
        assert_eq!(service_in("0::/user.slice/user-0.slice/user@0.service/app.slice/run-1.scope\n"), None);
        assert_eq!(service_in("0::/\n"), None);
    }
}
