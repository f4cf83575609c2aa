//! The program as a shell sees it: exit statuses, what goes to stdout and stderr, options and configuration.
#![allow(clippy::unwrap_used)]

mod commands;
mod history;
mod place;
mod shell;
mod suggest;

use std::fs;

use place::{Place, bare, hold, labelled_order};

#[test]
fn help_shows_examples_and_exit_statuses() {
    let output = bare().arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("EXAMPLES:") && text.contains("EXIT STATUS:"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn the_version_is_told() {
    let output = bare().arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), concat!("stemsync ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_ends_with_2() {
    for args in [
        &[][..],
        &["frobnicate"],
        &["status", "--frobnicate"],
        &["trace"],
        &["holds", "release", "1"],
        &["holds", "release", "1", "--take", "both"],
        &["holds", "dismiss", "one"],
        &["map", "flower"],
        &["map", "product", "set", "A", "0"],
        &["map", "product", "suggest"],
        &["map", "product", "suggest", " "],
        &["backup"],
        &["completions", "tcsh"],
        &["completions"],
        &["man", "sync"],
        &["watermark", "set", "orders", "yesterday"],
        &["watermark", "set", "everything", "2h"],
        &["status", "-v", "-q"],
        &["status", "--color", "mauve"],
    ] {
        // With a configuration, so that what is found wrong later than by the parser is wrong usage, too.
        let output = Place::new().command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_wrong_configuration_ends_with_3_and_tells_every_problem() {
    let place = Place::new();
    fs::write(place.folder.path().join("sync.toml"), "[komet]\nbase_url = \"sandbox\"\nusers = 0\n").unwrap();
    for format in ["table", "json"] {
        let (told, code) = place.complaint(&["status", "--format", format]);
        assert_eq!(code, 3);
        assert!(told.contains("sync.toml:3: komet.users") && told.contains("axerrio.base_url"), "{told}");
    }
}

#[test]
fn no_configuration_ends_with_3_and_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let output = bare().current_dir(folder.path()).arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("./sync.toml") && told.contains("/etc/stemsync/sync.toml"), "{told}");
}

#[test]
fn the_option_wins_over_the_variable_and_the_variable_over_the_directory() {
    let place = Place::new();
    let broken = place.folder.path().join("broken.toml");
    fs::write(&broken, "").unwrap();
    assert!(place.command(&["status"]).env("STEMSYNC_CONFIG", &broken).output().unwrap().status.code() == Some(3));
    let good = ["status", "-c", "sync.toml"];
    assert!(place.command(&good).env("STEMSYNC_CONFIG", &broken).output().unwrap().status.success());
    let (told, code) = place.complaint(&["status", "-c", "absent.toml"]);
    assert!(code == 3 && told.contains("absent.toml (named by -c)"), "{told}");
}

#[test]
fn a_pipe_gets_no_colour_unless_it_is_asked_for() {
    let place = Place::new();
    hold(&place.store(), labelled_order(&place.store()));
    for args in [&["holds"][..], &["status"], &["trace", "AX-1"], &["map", "product"], &["watermark"]] {
        assert!(!place.told(args).0.contains('\u{1b}'), "{args:?}");
    }
    let always = ["--color", "always", "trace", "AX-1"];
    assert!(place.told(&always).0.contains('\u{1b}'));
    let json = place.command(&["holds", "--color", "always", "--format", "json"]).output().unwrap();
    assert!(!String::from_utf8(json.stdout).unwrap().contains('\u{1b}'));
}

#[test]
fn an_error_obeys_no_text_that_it_names() {
    let place = Place::new();
    let (told, code) = place.complaint(&["map", "product", "remove", "U\u{1b}[31m\u{202e}X"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("U [31m X") && !told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_damaged_database_is_told_plainly() {
    let place = Place::new();
    fs::write(place.database(), "this is no database, however long one looks at it".repeat(100)).unwrap();
    let (told, code) = place.complaint(&["holds"]);
    assert!(code == 1 && told.contains("link.db"), "{told}");
}

#[test]
fn another_programs_database_is_left_alone() {
    let place = Place::new();
    rusqlite::Connection::open(place.database()).unwrap().execute_batch("CREATE TABLE customers (id)").unwrap();
    let before = fs::read(place.database()).unwrap();
    for args in [&["status"][..], &["sync"], &["map", "product", "set", "ROS-60", "915"]] {
        let (told, code) = place.complaint(args);
        assert!(code == 1 && told.contains("another program's tables"), "{args:?}: {told}");
    }
    assert_eq!(fs::read(place.database()).unwrap(), before);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
    let child = child.arg("status").current_dir(place.folder.path()).env_remove("STEMSYNC_CONFIG");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = child.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}
