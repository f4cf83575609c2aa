//! `backup` beside a run of another process: what it copies, and what keeps it from copying.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use stemsync::domain::Agreed;
use stemsync::sandbox::{Effect, Fault, Sandbox, Target};
use stemsync::systems::System;

use crate::place::{Place, everything, sandbox_with_a_week};

const METHOD: &str = "prebook.create";

/// What is agreed about every order, without what a copy does not claim of it.
fn agreed(conn: &Connection) -> Vec<String> {
    let mut statement = conn.prepare("SELECT key, doc FROM agreed_views").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
    let text = |(key, doc): (i64, String)| {
        let mut agreed: Agreed = serde_json::from_str(&doc).unwrap();
        agreed.doubt();
        format!("{key}|{agreed:?}")
    };
    rows.map(|row| text(row.unwrap())).collect()
}

/// Every row of every table, as text; without what a copy does not claim (see `store::doubt`).
fn contents(path: &Path) -> BTreeMap<String, Vec<String>> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let snapshot = conn.unchecked_transaction().unwrap();
    let mut tables =
        snapshot.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |name: &str| -> Vec<String> {
        let text = match name {
            "watermarks" => "SELECT stream, part, at FROM watermarks WHERE stream <> 'prebooks'".to_owned(),
            "agreed_views" => return agreed(&snapshot),
            name => format!("SELECT * FROM {name}"),
        };
        let mut statement = snapshot.prepare(&text).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|i| row.get_ref(i).map(|value| format!("{value:?}")));
            Ok(cells.collect::<Result<Vec<_>, _>>()?.join("|"))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    names.iter().map(|name| (name.clone(), rows(name))).collect()
}

/// The next Prebook takes effect and is never answered: a run that is under way for as long as the test wants.
fn hang(sandbox: &Sandbox) {
    sandbox.act(|world, _| {
        let fault = Fault::Hang { open_for: Duration::from_hours(1), effect: Effect::Done };
        world.inject(Target::next(System::Komet, METHOD), fault);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_during_a_run_holds_what_the_database_held() {
    let (sandbox, _) = sandbox_with_a_week().await;
    let place = Place::on(&sandbox, "5m");
    hang(&sandbox);
    let mut command = place.command(&["sync"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while sandbox.act(|world, _| world.requests().count(System::Komet, METHOD)) == 0 {
        tokio::task::yield_now().await;
    }
    let copy = place.folder.path().join("copy.db");
    // Other requests of the run go on for a while, and so does its writing.
    let mut compared = false;
    for _ in 0..200 {
        let before = contents(&place.database());
        let (made, code) = place.json(&["backup", "copy.db", "--force"]);
        assert_eq!((code, &made["file"]), (0, &json!("copy.db")), "{made}");
        let bytes = std::fs::metadata(&copy).unwrap().len();
        assert_eq!(made["bytes"], json!(bytes));
        let copied = contents(&copy);
        assert_eq!(made["orders"], json!(copied["orders"].len()));
        if before == contents(&place.database()) {
            assert_eq!(copied, before);
            assert!(made["unverified"].as_i64().unwrap() > 0, "the request without an answer is in it: {made}");
            compared = true;
            break;
        }
    }
    assert!(compared, "the run never came to rest");
    assert!(run.try_wait().unwrap().is_none(), "it was going on all the time");
    run.kill().unwrap();
    run.wait().unwrap();
}

/// What is left in the directory beside what belongs to the link.
fn left_behind(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("link.db") && name != "sync.toml" && name != "sandbox.json").collect()
}

/// A backup whose files may not grow beyond 16 KB, which is all that a test can have of a full disk without being root;
/// the shell keeps the kernel from killing the program for it.
fn on_a_small_disk(place: &Place) -> Output {
    let command = place.command(&["backup", "copy.db"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(place.folder.path()).env_remove("STEMSYNC_CONFIG").output().unwrap()
}

#[test]
fn on_a_full_disk_the_error_names_the_copy_and_nothing_is_left_behind() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let output = on_a_small_disk(&place);
    let told = everything(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("link.db was not copied") && told.contains("copy.db"), "{told}");
    assert!(told.contains("check the disk's space"), "{told}");
    assert_eq!(left_behind(&place), Vec::<String>::new());
    assert_eq!(place.json(&["backup", "copy.db"]).1, 0, "with room it works");
}

#[test]
fn what_keeps_a_copy_from_being_made_is_told_with_what_to_do() {
    let place = Place::simulated();
    let told = |args: &[&str], status| {
        let output = place.run(args);
        let told = everything(&output);
        assert_eq!(output.status.code(), Some(status), "{told}");
        assert!(output.stdout.is_empty(), "{told}");
        told
    };
    assert!(told(&["backup", "copy.db"], 1).contains("no database at link.db yet; the first run makes it"));
    place.json(&["sync"]);
    std::fs::write(place.folder.path().join("old.db"), "older").unwrap();
    assert!(told(&["backup", "old.db"], 2).contains("replace it with --force"));
    assert!(told(&["backup", "."], 2).contains("name a file, such as ./stemsync.db"));
    assert!(told(&["backup", "no/such/copy.db"], 1).contains("cannot write to no/such"));
    assert!(told(&["backup"], 2).contains("<FILE>"));
    assert_eq!(std::fs::read(place.folder.path().join("old.db")).unwrap(), b"older");
    assert_eq!(left_behind(&place), ["old.db"]);
}

#[test]
fn a_copy_takes_the_place_of_nothing_that_the_link_works_with() {
    let place = Place::simulated();
    let folder = place.folder.path();
    let configuration = folder.join("sync.toml");
    let text = std::fs::read_to_string(&configuration).unwrap();
    let text = text.replace("[status]\n", "[status]\npassword = { file = \"page.password\" }\n");
    std::fs::write(&configuration, &text).unwrap();
    let secret = std::fs::File::create(folder.join("page.password")).unwrap();
    secret.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("page.password"), "roses are red").unwrap();
    place.json(&["sync"]);
    let world = std::fs::read(folder.join("sandbox.json")).unwrap();
    let not_there_yet = "link.db-journal";
    let database = ["link.db", "link.db-wal", "link.db.lock", "link.db.daemon.lock", not_there_yet];
    for own in database.into_iter().chain(["./link.db", "sync.toml", "page.password", "sandbox.json"]) {
        let output = place.run(&["backup", "--force", own]);
        let told = everything(&output);
        assert_eq!(output.status.code(), Some(2), "{own}: {told}");
        assert!(told.contains("is a file that stemsync works with; name another one"), "{own}: {told}");
    }
    assert_eq!(std::fs::read_to_string(&configuration).unwrap(), text);
    assert_eq!(std::fs::read_to_string(folder.join("page.password")).unwrap(), "roses are red");
    assert_eq!(std::fs::read(folder.join("sandbox.json")).unwrap(), world);
    assert!(!folder.join(not_there_yet).exists());
}

#[test]
fn people_are_told_what_the_copy_holds() {
    let place = Place::simulated();
    place.json(&["sync"]);
    let output = place.run(&["backup", "copy.db"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for words in
        ["link.db is copied to copy.db: ", "sound.", " orders, 1 hold and 0 mapped codes", "No token is in it"]
    {
        assert!(told.contains(words), "{words} in:\n{told}");
    }
}
