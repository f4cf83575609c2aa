//! SQL is written in the program and nowhere put together: values go in as parameters. The compiler watches most of it,
//! as what takes SQL from elsewhere takes `&'static str`; this looks at the rest of the source.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect()
}

/// Why this is no fixed text or parameter list, if so.
fn complaint(text: &str, argument: &str) -> Option<&'static str> {
    let argument = argument.trim_start();
    let is_word = |word: &str| argument.strip_prefix(word).is_some_and(|rest| rest.starts_with([',', ')']));
    if argument.starts_with(['"', '[', '(']) || argument.starts_with("params!") || argument.starts_with("r#\"") {
        return None;
    }
    if !is_word("sql") {
        return Some("neither a text nor `sql`");
    }
    let declared = text.matches("let sql =").count() + text.matches("sql: &'static str").count();
    let fixed = text.split("let sql =").skip(1).all(|rest| rest.trim_start().starts_with('"'));
    let typed = text.matches("sql: &str").count() == 0;
    (declared == 0 && !text.contains("migrations: &[&'static str]") || !fixed || !typed)
        .then_some("`sql` is no fixed text")
}

#[test]
fn no_statement_is_put_together() {
    let (mut looked, mut wrong) = (0, Vec::new());
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("rusqlite") && !text.contains("store::") && !text.contains("StoreError") {
            continue;
        }
        for call in [".prepare(", ".prepare_cached(", ".execute_batch(", ".execute(", ".query_row("] {
            for (at, _) in text.match_indices(call) {
                let before = &text[..at];
                // A statement's own `execute` and reqwest's client take no SQL; the run's `prepare` neither.
                if ["client", "self"].iter().any(|owner| before.ends_with(owner)) && call != ".prepare_cached(" {
                    continue;
                }
                looked += 1;
                if let Some(why) = complaint(&text, &text[at + call.len()..]) {
                    let line = before.matches('\n').count() + 1;
                    wrong.push(format!("{}:{line}: {why}", file.display()));
                }
            }
        }
        for (at, _) in text.match_indices("format!(") {
            let told = &text[at..(at + 120).min(text.len())];
            if ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "PRAGMA ", "WHERE "]
                .iter()
                .any(|word| told.contains(word))
            {
                wrong.push(format!("{}: {told}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked > 60, "only {looked} statements were looked at");
}
