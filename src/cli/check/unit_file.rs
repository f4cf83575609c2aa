//! An installed unit beside the one that came with stemsync: what is missing in it. A unit may say more, and say things
//! otherwise; it should not leave out what guards the daemon, its state and the machine.

use std::collections::{BTreeMap, BTreeSet};

/// The units as they ship.
const SERVICE: &str = include_str!("../../../systemd/stemsync.service");
const TEMPLATE: &str = include_str!("../../../systemd/stemsync@.service");
const ONE_RUN: &str = include_str!("../../../systemd/stemsync-sync.service");

/// What the daemon or a run would miss most, and why. The other settings are told by their number.
const NEEDED: &[(&str, &str)] = &[
    ("Type", "systemd does not learn when it is ready"),
    ("WatchdogSec", "a daemon that hangs is not restarted"),
    ("Restart", "a daemon that ends is not restarted"),
    ("RestartPreventExitStatus", "a wrong configuration is tried again and again"),
    ("ExecReload", "systemctl reload does not work"),
    ("SuccessExitStatus", "a hold makes the unit fail"),
    ("StateDirectory", "nothing makes its directory"),
    ("MemoryMax", "nothing keeps its memory within bounds"),
];

/// Needs no mention where it is missing: a machine may have its own way.
const OPTIONAL: &[&str] = &[
    "ExecStart",
    "NotifyAccess",
    "RestartSec",
    "RestartSteps",
    "RestartMaxDelaySec",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "User",
    "DynamicUser",
    "StateDirectoryMode",
    "ConfigurationDirectory",
    "ConfigurationDirectoryMode",
    "WorkingDirectory",
    "LoadCredential",
    "MemoryHigh",
    "TasksMax",
    "AmbientCapabilities",
    "SystemCallErrorNumber",
];

/// Few enough to be named.
const FEW: usize = 4;

/// What a unit leaves out, in words; empty if nothing. `unit` is its name, `installed` its file with its drop-ins.
pub(super) fn lacks(unit: &str, installed: &str) -> Vec<String> {
    let shipped = service(shipped(unit));
    let installed = service(installed);
    let missing: BTreeSet<_> = shipped
        .iter()
        .filter(|(key, value)| !OPTIONAL.contains(&key.as_str()) && !is_there(key, value, &installed))
        .map(|(key, _)| key.as_str())
        .collect();
    let mut told = Vec::new();
    if is_root(&installed) {
        told.push("it runs as root (no DynamicUser=yes, no User=)".to_owned());
    }
    let needed = NEEDED.iter().filter(|(key, _)| missing.contains(key));
    told.extend(needed.map(|(key, why)| format!("no {key} ({why})")));
    let rest: Vec<_> = missing.into_iter().filter(|key| NEEDED.iter().all(|(needed, _)| needed != key)).collect();
    if rest.len() <= FEW {
        told.extend(rest.into_iter().map(|key| format!("no {key}")));
    } else {
        told.push(format!("{} settings of the sandbox are missing ({}, …)", rest.len(), rest[..FEW].join(", ")));
    }
    told
}

/// The one to compare with, by the name.
fn shipped(unit: &str) -> &'static str {
    match unit {
        "stemsync-sync.service" => ONE_RUN,
        unit if unit.starts_with("stemsync@") => TEMPLATE,
        _ => SERVICE,
    }
}

type Settings = BTreeMap<String, Vec<String>>;

/// The settings of `[Service]`, as systemd reads them: a key may come several times, an empty value takes back what was
/// said before, a backslash continues a line.
fn service(text: &str) -> Settings {
    let mut settings = Settings::new();
    let mut section = "";
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once('=').filter(|_| section == "Service") {
            let values = settings.entry(key.trim().to_owned()).or_default();
            match value.trim() {
                "" => values.clear(),
                value => values.push(value.to_owned()),
            }
        }
    }
    settings
}

/// Whether a setting is made at all, and not switched off.
fn is_there(key: &str, shipped: &[String], installed: &Settings) -> bool {
    let Some(values) = installed.get(key) else { return false };
    let Some(last) = values.last() else { return shipped.is_empty() };
    let off = match key {
        "WatchdogSec" => matches!(last.as_str(), "0" | "infinity"),
        "MemoryMax" => last == "infinity",
        "Type" => !last.starts_with("notify") && shipped.first().is_some_and(|shipped| shipped == "notify"),
        _ => matches!(last.as_str(), "no" | "false" | "off" | "0") && shipped.first().is_some_and(|s| s != "0"),
    };
    !off
}

fn is_root(installed: &Settings) -> bool {
    let last = |key| installed.get(key).and_then(|values| values.last()).map_or("", String::as_str);
    let dynamic = matches!(last("DynamicUser"), "yes" | "true" | "on" | "1");
    !dynamic && matches!(last("User"), "" | "root" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_units_lack_nothing() {
        for unit in ["stemsync.service", "stemsync@miami.service", "stemsync-sync.service"] {
            assert_eq!(lacks(unit, shipped(unit)), Vec::<String>::new(), "{unit}");
        }
    }

    #[test]
    fn what_is_left_out_is_named_by_what_it_costs() {
        let least = "[Service]\nExecStart=/usr/bin/stemsync run\n";
        let told = lacks("stemsync.service", least).join("; ");
        for part in
            ["runs as root", "no WatchdogSec (a daemon that hangs", "no StateDirectory", "settings of the sandbox"]
        {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn a_drop_in_may_switch_off_what_the_unit_says() {
        let without =
            |drop_in: &str| lacks("stemsync.service", &format!("{SERVICE}\n# drop-in\n[Service]\n{drop_in}\n"));
        assert_eq!(without("NoNewPrivileges=no"), ["no NoNewPrivileges"]);
        assert_eq!(without("WatchdogSec=0"), ["no WatchdogSec (a daemon that hangs is not restarted)"]);
        assert_eq!(without("SystemCallFilter="), ["no SystemCallFilter"]);
        assert_eq!(without("DynamicUser=no\nUser=root"), ["it runs as root (no DynamicUser=yes, no User=)"]);
        assert_eq!(without("DynamicUser=no\nUser=flowers\nMemoryMax=1G"), Vec::<String>::new());
    }

    #[test]
    fn units_are_read_as_systemd_reads_them() {
        let text = "[Unit]\nA=0\n[Service]\n# B=1\nC=1 \\\n  2\nC = 3\nD=4\nD=\n[Install]\nE=5\n";
        let settings = service(text);
        assert_eq!(settings["C"], ["1    2", "3"]);
        assert!(settings["D"].is_empty() && settings.len() == 2, "{settings:?}");
    }
}
