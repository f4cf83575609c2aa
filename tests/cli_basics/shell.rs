//! What a shell and a manual reader get: completions and pages for every command there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::place::{Place, bare};

fn told(args: &[&str]) -> String {
    let output = bare().args(args).current_dir(std::env::temp_dir()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers for a line that is being typed, with the completions as it sources them.
fn bash(script: &Path, words: &[&str]) -> Vec<String> {
    let typed = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let (last, before) = (words.len() - 1, words.len().saturating_sub(2));
    let line = format!(
        "source '{}' && COMP_WORDS=({typed}) && COMP_CWORD={last} && \
         _stemsync stemsync '{}' '{}' 2>/dev/null; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words[last],
        words[before]
    );
    let output = Command::new("bash").args(["--norc", "-c", &line]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_jobs_and_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("stemsync.bash");
    fs::write(&script, told(&["completions", "bash"])).unwrap();
    assert_eq!(bash(&script, &["stemsync", "sy"]), ["sync"]);
    assert_eq!(bash(&script, &["stemsync", "wa"]), ["watermark"]);
    assert_eq!(bash(&script, &["stemsync", "sync", "--dr"]), ["--dry-run"]);
    assert_eq!(bash(&script, &["stemsync", "map", "carr"]), ["carrier"]);
    assert!(bash(&script, &["stemsync", "sync", ""]).contains(&"purchase-orders".to_owned()));
    assert_eq!(bash(&script, &["stemsync", "holds", "rel"]), ["release"]);
}

#[test]
fn every_shell_has_its_completions() {
    for (shell, beginning) in [
        ("bash", "_stemsync() {"),
        ("zsh", "#compdef stemsync"),
        ("fish", "# Print an optspec"),
        ("elvish", ""),
        ("powershell", ""),
    ] {
        let script = told(&["completions", shell]);
        assert!(script.starts_with(beginning), "{shell}: {}", script.lines().next().unwrap_or_default());
        for word in ["sync", "watermark", "backup", "suggest"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let (object, code) = Place::new().json(&["completions", shell]);
        assert_eq!((code, object), (0, json!({"shell": shell, "script": script})));
    }
    let output = bare().args(["completions", "tcsh"]).output().unwrap();
    let hint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && hint.contains("elvish, fish"), "{hint}");
}

/// Every command as its help lists it, `stemsync-map-set` and all.
fn commands(words: &[String], found: &mut BTreeSet<String>) {
    found.insert(words.join("-"));
    let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let help = told(&[&arguments[..], &["--help"]].concat());
    let listed = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    let listed = listed.lines().take_while(|line| line.starts_with("  "));
    // Deeper lines go on with what a command is for.
    for name in listed.filter(|l| !l.starts_with("   ")).filter_map(|line| line.split_whitespace().next()) {
        if name != "help" {
            let below = [words, &[name.to_owned()]].concat();
            // `map` wants its kind before its command; its help does not.
            commands(&below, found);
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man/man1");
    let said = told(&["man", "--dir", dir.to_str().unwrap()]);
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&dir).unwrap() {
        names.insert(entry.unwrap().file_name().into_string().unwrap());
    }
    assert!(said.starts_with(&format!("{} manual pages written to", names.len())), "{said}");
    let mut known = BTreeSet::new();
    commands(&["stemsync".to_owned()], &mut known);
    assert!(known.len() > 20, "{known:?}");
    assert_eq!(names, known.iter().map(|name| format!("{name}.1")).collect());
    let (written, _) = Place::new().json(&["man", "--dir", dir.to_str().unwrap()]);
    assert_eq!(written["pages"], json!(names));

    for name in &names {
        let page = fs::read_to_string(dir.join(name)).unwrap();
        let command = name.trim_end_matches(".1");
        for part in
            [format!(".TH {command} 1"), ".SH NAME".into(), ".SH SYNOPSIS".into(), ".SH \"EXAMPLES\"".into()]
        {
            assert!(page.contains(&part), "{name}: {part}\n{page}");
        }
    }
    assert_eq!(told(&["man"]), fs::read_to_string(dir.join("stemsync.1")).unwrap());
    for (name, usage) in [
        ("stemsync-map-set.1", "stemsync map <KIND> set [OPTIONS] <AXERRIO_CODE> <KOMET_ID>"),
        ("stemsync-sync.1", "stemsync sync [OPTIONS] [JOB]..."),
    ] {
        let page = fs::read_to_string(dir.join(name)).unwrap();
        assert!(page.contains(usage), "typed as it stands there it is understood: {page}");
    }
}

#[test]
fn the_pages_render_without_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    told(&["man", "--dir", dir]);
    if Command::new("man").arg("--version").output().is_err() {
        return; // Nothing to render with; what the pages hold is looked at above.
    }
    for (page, words) in [
        ("stemsync.1", &["Keeps a flower importer", "EXIT STATUS", "6  another run holds the lock"][..]),
        ("stemsync-sync.1", &["--dry-run", "stemsync sync orders labels         These two jobs"]),
        ("stemsync-map-suggest.1", &["stemsync map product suggest ROS-RED-60", "SEE ALSO"]),
    ] {
        let mut man = Command::new("man");
        let man = man.args(["--warnings", "-P", "cat", "-l"]).arg(folder.path().join(page));
        let output = man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains("has been minimized") {
            return;
        }
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for part in words {
            assert!(text.contains(part), "{page}: {part}\n{text}");
        }
    }
}

#[test]
fn neither_needs_a_configuration_and_a_place_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let output = bare().current_dir(folder.path()).args(["man", "--dir", "file/man1"]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && errors.contains("cannot write to file/man1"), "{errors}");
    assert!(output.stdout.is_empty());
}
