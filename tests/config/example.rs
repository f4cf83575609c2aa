//! The configuration that the package installs: it is the repository's, for real systems, and fits the units.

use std::fs;
use std::path::{Path, PathBuf};

use stemsync::config::{Config, Endpoint};
use toml::Table;

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_installed_configuration_is_valid_once_the_unit_hands_the_tokens_over() {
    let folder = tempfile::tempdir().unwrap();
    for system in ["komet", "axerrio"] {
        fs::write(folder.path().join(format!("{system}.token")), format!("{system}-hush\n")).unwrap();
    }
    let environment = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| folder.path().into());
    let example = text("systemd/sync.example.toml");
    let config = Config::from_text(Path::new("/etc/stemsync/sync.toml"), &example, &environment).unwrap();
    for (endpoint, token) in [(&config.komet.endpoint, "komet-hush"), (&config.axerrio.endpoint, "axerrio-hush")] {
        let Endpoint::Remote { token: found, .. } = endpoint else { panic!("not the sandbox") };
        assert_eq!(found.expose(), token);
    }
    assert_eq!(config.state.path, PathBuf::from("/var/lib/stemsync/stemsync.db"));
    // Without the tokens both are named, and nothing else is wrong.
    let missing = Config::from_text(Path::new("sync.toml"), &example, &|_| None).unwrap_err();
    let keys: Vec<_> = missing.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["komet.token", "axerrio.token"]);
}

#[test]
fn the_timer_makes_up_for_what_it_missed_and_starts_not_with_everybody_else() {
    let timer = text("systemd/stemsync-sync.timer");
    for line in ["OnCalendar=*:0/5", "RandomizedDelaySec=30s", "Persistent=true"] {
        assert!(timer.lines().any(|one| one == line), "{line}");
    }
}

#[test]
fn the_installed_configuration_differs_from_the_repositorys_where_it_says_so() {
    let read = |name| {
        let mut file: Table = text(name).parse().unwrap();
        for (table, key) in [
            ("komet", "base_url"),
            ("komet", "token"),
            ("axerrio", "base_url"),
            ("axerrio", "token"),
            ("state", "path"),
        ] {
            let table = file.get_mut(table).unwrap().as_table_mut().unwrap();
            assert!(table.remove(key).is_some(), "{name} does not list {key}");
        }
        file
    };
    assert_eq!(read("systemd/sync.example.toml"), read("sync.toml"));
}

#[test]
fn the_units_load_what_the_configuration_names_from_beside_it() {
    for unit in ["systemd/stemsync.service", "systemd/stemsync-sync.service"] {
        let unit = text(unit);
        for line in [
            "LoadCredential=komet.token:/etc/stemsync/komet.token",
            "LoadCredential=axerrio.token:/etc/stemsync/axerrio.token",
            "StateDirectory=stemsync",
        ] {
            assert!(unit.lines().any(|found| found == line), "{line}");
        }
        assert!(unit.contains("--config /etc/stemsync/sync.toml"));
    }
    let template = text("systemd/stemsync@.service");
    assert!(template.contains("LoadCredential=%i.komet.token:/etc/stemsync/%i.komet.token"));
}

#[test]
fn the_sandboxing_of_the_three_services_is_the_same() {
    let sandbox = |name| {
        let text = text(name);
        let from = text.find("# Fit for a machine with 1 GB").unwrap();
        text[from..].split("\n\n[Install]").next().unwrap().trim().to_owned()
    };
    let daemon = sandbox("systemd/stemsync.service");
    assert_eq!(sandbox("systemd/stemsync@.service"), daemon);
    assert_eq!(sandbox("systemd/stemsync-sync.service"), daemon);
}
