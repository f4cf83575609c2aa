//! What needs no configuration: the demo and the sandbox.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::place::{Place, bare, everything, object};

#[test]
fn the_demo_plays_both_flows_to_the_end_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = bare().arg("demo").current_dir(folder.path()).env("TMPDIR", folder.path()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(told.contains("no differences") && told.contains("! held: AX-100003"), "{told}");
    assert!(told.contains("AX-100003: nothing is held any more"), "{told}");
    assert!(!told.contains('\u{1b}'));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_demo_in_json_is_one_object() {
    let output = bare().args(["demo", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", everything(&output));
    let report = object(&output);
    let stages: Vec<_> = report["orders"].as_array().unwrap().iter().map(|o| o["stage"].clone()).collect();
    assert_eq!(stages, vec![json!("received"); 5]);
    assert_eq!((&report["differences"], &report["checked"]), (&json!([]), &json!(5)));
    let steps = report["steps"].as_array().unwrap();
    for by in ["people", "stemsync", "held"] {
        assert!(steps.iter().any(|step| step["by"] == json!(by)), "{by}");
    }
}

#[test]
fn the_demo_is_the_same_each_time() {
    let told = || String::from_utf8(bare().arg("demo").output().unwrap().stdout).unwrap();
    assert_eq!(told(), told());
}

/// Starts `sandbox` and reads the object it prints.
fn start(args: &[&str]) -> (std::process::Child, Value) {
    let mut child =
        bare().args(["sandbox", "--format", "json"]).args(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    (child, serde_json::from_str(&text).unwrap())
}

fn end(mut child: std::process::Child) -> Option<i32> {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code()
}

#[test]
fn the_sandbox_tells_all_that_another_shell_needs_and_keeps_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("trade.json");
    let args = ["--people", "0", "--state", state.to_str().unwrap()];
    let (child, told) = start(&args);
    let place = Place::simulated();
    std::fs::write(place.folder.path().join("sync.toml"), told["sync_toml"].as_str().unwrap()).unwrap();
    let token = |side: &str| told[side]["token"].as_str().unwrap().to_owned();
    let mut sync = place.command(&["sync", "--format", "json"]);
    let output = sync.env("KOMET_TOKEN", token("komet")).env("AXERRIO_TOKEN", token("axerrio")).output().unwrap();
    assert!(object(&output)["actions"].as_array().unwrap().len() > 30);
    assert_eq!(end(child), Some(0));
    assert!(std::fs::read_to_string(&state).unwrap().contains("[AX AX-100001]"), "what stemsync wrote is kept");
    let (child, told) = start(&args);
    assert_eq!(told["placed"], json!(0), "the week is there already");
    assert_eq!(end(child), Some(0));
}

#[test]
fn the_sandbox_makes_as_many_orders_as_a_load_test_wants() {
    let (child, told) = start(&["--bulk", "250"]);
    assert_eq!(told["placed"], json!(250));
    assert_eq!(end(child), Some(0));
}

#[test]
fn a_sandbox_with_orders_says_that_it_takes_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("trade.json");
    let args = ["--bulk", "5", "--state", state.to_str().unwrap()];
    let (child, told) = start(&args);
    assert_eq!((&told["placed"], end(child)), (&json!(5), Some(0)));
    let child = bare().arg("sandbox").args(args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = child.unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("--bulk adds nothing: the state has orders already"), "{line}");
    assert_eq!(end(child), Some(0));
}

/// A service's children inherit what names the journal, and write elsewhere.
#[cfg(unix)]
#[test]
fn the_log_has_the_journals_form_only_where_it_goes_to_the_journal() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::simulated();
    for (is_it, sign) in [(true, '<'), (false, '2')] {
        let path = place.folder.path().join(format!("log-{is_it}"));
        let file = std::fs::File::create(&path).unwrap();
        let of = file.metadata().unwrap();
        let journal = if is_it { format!("{}:{}", of.dev(), of.ino()) } else { "9:9".to_owned() };
        let mut command = place.command(&["-v", "sync"]);
        command.env("JOURNAL_STREAM", journal).stderr(file).stdout(std::process::Stdio::null());
        command.status().unwrap();
        let log = std::fs::read_to_string(&path).unwrap();
        assert!(!log.is_empty() && log.lines().all(|line| line.starts_with(sign)), "{log}");
    }
}
