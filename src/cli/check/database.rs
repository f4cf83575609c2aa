//! The database: whether it opens, is sound, and is its owner's alone. A database that is not there yet is made by the
//! first run, and is not made here.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Check, owners};
use crate::config::Config;
use crate::store::{Connection, Fault, Store, StoreError, VERSION, files_of};
use crate::sync::engine::SystemClock;
use crate::sync::meter;
use crate::systems::Komet;

/// Looks at the database; hands on what can be read of it.
pub(super) async fn look(config: &Config) -> (Option<Store>, Vec<Check>) {
    let path = &config.state.path;
    match Store::open_existing_read_only(path) {
        Ok(Some(store)) => {
            let mut checks = vec![sound(&store).await];
            // Where nothing can be made beside it a run fails, whatever its own mode.
            checks.extend(unwritable_place(path).or_else(|| writable(path)));
            checks.extend(owner(path));
            (Some(store), checks)
        }
        Ok(None) => {
            let absent = format!("{} is not there yet; the first run makes it", path.display());
            (None, vec![unwritable_place(path).unwrap_or_else(|| Check::ok("database", absent))])
        }
        Err(StoreError { fault: fault @ Fault::Older { .. }, .. }) => {
            let detail = format!("{} {fault}", path.display());
            (None, vec![Check::warning("database", detail, "Back it up first")])
        }
        Err(error) => (None, vec![broken(&error)]),
    }
}

/// The error's text says what to do.
fn broken(error: &StoreError) -> Check {
    let text = error.to_string();
    match text.split_once("; ") {
        Some((detail, advice)) => {
            let mut advice = advice.to_owned();
            if let Some(first) = advice.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            Check::failed("database", detail, advice)
        }
        None => Check::failed("database", text, "Run with -vv for more"),
    }
}

/// SQLite's own look at every page.
async fn sound(store: &Store) -> Check {
    let path = store.path().display().to_string();
    let looked = store.read(|conn: &Connection| {
        let mut statement = conn.prepare("PRAGMA quick_check(1)")?;
        let verdict: String = statement.query_row([], |row| row.get(0))?;
        let orders: i64 = conn.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
        Ok((verdict, orders))
    });
    match looked.await {
        Ok((verdict, orders)) if verdict == "ok" => {
            Check::ok("database", format!("{path} is sound, schema version {VERSION}, {orders} orders on file"))
        }
        Ok((verdict, _)) => {
            Check::failed("database", format!("{path} is damaged: {verdict}"), "Restore the last backup")
        }
        Err(error) => broken(&error),
    }
}

/// A directory in which the database and what lies beside it cannot be made. The machine is asked with a file that has no
/// name or loses it at once: modes alone say nothing of root, of file systems that are read-only, or of sandboxes.
fn unwritable_place(path: &Path) -> Option<Check> {
    let directory = owners::nearest_directory_of(path);
    let error = tempfile::tempfile_in(&directory).err()?;
    // "." tells nobody where the daemon would look.
    let directory = fs::canonicalize(&directory).unwrap_or(directory);
    let (place, why) = (directory.display(), error.kind());
    let detail = format!("{} cannot be made or written: {place} takes no files ({why})", path.display());
    let advice = format!(
        "Give {place} to the user that stemsync runs as, start stemsync in another directory, or name another place with \
         [state] path"
    );
    Some(Check::failed("database", detail, advice))
}

/// Whether stemsync may write it, and nobody else may read it: it holds orders, customers and costs.
fn writable(path: &Path) -> Option<Check> {
    let shown = path.display();
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    if let Err(error) = fs::OpenOptions::new().write(true).open(path) {
        let detail = format!("{shown} cannot be written ({error})");
        return Some(Check::failed(
            "database mode",
            detail,
            "Give it and its directory to the user that stemsync runs as",
        ));
    }
    let open_to_others = mode & 0o077;
    Some(if open_to_others == 0 {
        Check::ok("database mode", format!("mode {mode:04o}: its owner's alone"))
    } else {
        let advice = format!("Run: chmod 600 {shown}");
        Check::failed("database mode", format!("others may open {shown} (mode {mode:04o})"), advice)
    })
}

/// Whether the database and what lies beside it belong to one user, who is its directory's: the daemon runs as that user,
/// and what root left there it could not open.
fn owner(path: &Path) -> Option<Check> {
    const NAME: &str = "database owner";
    let directory = owners::directory_of(path);
    let mine = fs::metadata(&directory).ok()?.uid();
    let uid_of = |file: PathBuf| fs::metadata(&file).ok().map(|meta| (file, meta.uid()));
    let found: Vec<_> = files_of(path).into_iter().filter_map(uid_of).collect();
    let (_, database) = found.first()?;
    // Whoever works in another's directory, such as /tmp, knows why; root did not mean to.
    let foreign = found.iter().find(|(_, uid)| uid != database || (*uid == 0 && mine != 0));
    let Some((file, uid)) = foreign else {
        return Some(Check::ok(NAME, format!("{}'s, with all that lies beside it", owners::user(*database))));
    };
    let detail = format!(
        "{} is {}'s, but its directory is {}'s: the next run of that user cannot open it",
        file.display(),
        owners::user(*uid),
        owners::user(mine)
    );
    let advice = format!("Run: chown --reference={} {}*", directory.display(), path.display());
    Some(Check::failed(NAME, detail, advice))
}

/// Has the requests that the check makes counted, where there is a database. That they cannot be counted was told above.
pub(super) fn count_requests(config: &Config, looked: Option<&Store>, komet: &impl Komet) {
    if looked.is_none() {
        return;
    }
    match Store::open(&config.state.path) {
        Ok(store) => komet.attach(meter(store, Arc::new(SystemClock), config.komet.daily_limit())),
        Err(error) => log::warn!("the requests of this check to Komet are not counted: {error}"),
    }
}
