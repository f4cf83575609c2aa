//! Disk space where the database is: it grows, its log beside it, and a backup on the same disk takes as much once more.

use std::path::Path;

use super::Check;
use super::owners::{directory_of, nearest_directory_of};

const NAME: &str = "disk space";
const MB: u64 = 1_000_000;
/// Free space below which a person should look, however small the database is.
const COMFORT: u64 = 100 * MB;
/// Free space below which the next busy run may stop.
const LEAST: u64 = 10 * MB;
/// How many times the database's size should be free.
const TIMES: u64 = 10;

/// Looks at the file system of the database, or of the nearest directory that is there yet.
pub(super) fn look(database: &Path) -> Check {
    let directory = directory_of(database);
    let there = nearest_directory_of(database);
    match rustix::fs::statvfs(&there) {
        // What is left for other users than root.
        Ok(disk) => judge(&directory, disk.f_bavail.saturating_mul(disk.f_frsize), size(database)),
        Err(error) => {
            Check::warning(NAME, format!("cannot be told for {} ({error})", there.display()), "Look with: df -h")
        }
    }
}

/// The database with its log.
fn size(database: &Path) -> u64 {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    [database, Path::new(&log)].iter().filter_map(|file| std::fs::metadata(file).ok()).map(|meta| meta.len()).sum()
}

fn judge(directory: &Path, free: u64, size: u64) -> Check {
    let wanted = COMFORT.max(size.saturating_mul(TIMES));
    let detail = format!(
        "{} MB free in {}, the database has {}.{} MB",
        free / MB,
        directory.display(),
        size / MB,
        size % MB * 10 / MB
    );
    let advice = format!(
        "Make room until {} MB are free (df -h): without space a run stops, and loses nothing",
        wanted.div_ceil(MB)
    );
    match free {
        free if free >= wanted => Check::ok(NAME, detail),
        free if free < LEAST => Check::failed(NAME, detail, advice),
        _ => Check::warning(NAME, detail, advice),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn ten_times_the_database_and_at_least_100_mb_should_be_free() {
        for (free, size, expected) in [
            (100 * MB, 0, Outcome::Ok),
            (100 * MB - 1, 0, Outcome::Warning),
            (499 * MB, 50 * MB, Outcome::Warning),
            (500 * MB, 50 * MB, Outcome::Ok),
            (LEAST, 0, Outcome::Warning),
            (LEAST - 1, 0, Outcome::Failed),
        ] {
            assert_eq!(judge(Path::new("/var"), free, size).outcome, expected, "{free} free for {size}");
        }
    }
}
