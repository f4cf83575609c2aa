//! What keeps the file from growing for ever: runs and events that are older than the retention time go, in steps that
//! let others in between, and then the file gives back the room it does not need. Links, views, holds and intents are
//! never touched: they are open work, or what keeps it from being done twice.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OpenFlags};

use super::handle::{BUSY, connect};
use super::{RunLock, Store, StoreError, events, runs};

/// As many rows as one transaction looks at: some milliseconds, for which somebody else may have to wait.
pub(super) const STEP: i64 = 2000;

/// Free pages that are not worth the writes it takes to give them back: 256 KiB, and a tenth of the file. What comes
/// next fills them again.
const SLACK: i64 = 64;

/// After so long whoever waits for it goes on: signals and the watchdog are not heard meanwhile.
const LONGEST: Duration = Duration::from_secs(3);

/// Room that must be left on a disk beside what rewriting the file takes.
const MARGIN: u64 = 16 * 1024 * 1024;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Runs that were dropped.
    pub runs: usize,
    /// Events that were dropped.
    pub events: usize,
    /// Bytes by which the database became smaller.
    pub freed: u64,
    /// Time was up before all was dropped or given back: the rest goes after the next run.
    pub is_left: bool,
}

impl Store {
    /// Drops finished runs and events that are older than `retention` at `now`, and lets the file shrink where a good
    /// part of it is free. It costs next to nothing, and writes nothing, where there is nothing to do: call it after
    /// every run.
    ///
    /// The run lock makes sure that no run is under way in another process: a file that an older stemsync made must be
    /// rewritten once before it can shrink, during which nobody else can write. That is done only if the disk has room
    /// for it. That the file could not shrink is logged and is no failure; it is tried again next time.
    pub async fn upkeep(
        &self,
        _lock: &RunLock,
        now: DateTime<Utc>,
        retention: Duration,
    ) -> Result<Upkeep, StoreError> {
        let before = TimeDelta::from_std(retention).ok().and_then(|age| now.checked_sub_signed(age));
        // So long a time that nothing is older than it.
        let Some(before) = before else { return Ok(Upkeep::default()) };
        let mut done = Upkeep::default();
        let end = Instant::now() + LONGEST;
        loop {
            if Instant::now() > end {
                done.is_left = true;
                break;
            }
            let due = move |conn: &Connection| {
                Ok(!runs::old(conn, before)?.is_empty() || !events::old(conn, before)?.is_empty())
            };
            if !self.read(due).await? {
                break;
            }
            let step = move |conn: &Connection| Ok((runs::prune(conn, before)?, events::prune(conn, before)?));
            let (runs, events) = self.write(step).await?;
            done.runs += runs;
            done.events += events;
        }
        if !done.is_left {
            (done.freed, done.is_left) = self.shrink(end).await;
        }
        if done != Upkeep::default() {
            log::info!(
                "dropped {} runs and {} events from before {}; the database is {} KB smaller{}",
                done.runs,
                done.events,
                before.format("%Y-%m-%d"),
                done.freed / 1024,
                if done.is_left { ", and the rest goes after the next run" } else { "" }
            );
        }
        Ok(done)
    }

    /// Gives back what is free, if it is a good part of the file; says how many bytes, and whether `end` came before all was.
    async fn shrink(&self, end: Instant) -> (u64, bool) {
        let shrunk = async {
            let room = self.read(Room::of).await?;
            if !room.is_worth_giving_back() {
                return Ok((0, false));
            }
            let path = self.path().to_owned();
            let shrunk =
                tokio::task::spawn_blocking(move || shrink(&path, room, end).map_err(|e| e.at(&path))).await;
            shrunk.unwrap_or_else(|panic| Err(super::Fault::Panicked(panic.to_string()).into()))
        };
        match shrunk.await {
            Ok(shrunk) => shrunk,
            Err(error) => {
                log::warn!("the database cannot shrink, which is tried again after the next run: {error}");
                (0, false)
            }
        }
    }
}

/// How a file's room is used.
#[derive(Clone, Copy, Debug)]
struct Room {
    pages: i64,
    free: i64,
    page_size: i64,
    /// Whether it was made so that it can shrink in steps.
    can_shrink: bool,
}

impl Room {
    fn of(conn: &Connection) -> Result<Self, StoreError> {
        let pragma = |name: &'static str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(Self {
            pages: pragma("page_count")?,
            free: pragma("freelist_count")?,
            page_size: pragma("page_size")?,
            can_shrink: pragma("auto_vacuum")? == 2,
        })
    }

    fn is_worth_giving_back(self) -> bool {
        self.free > SLACK && self.free > self.pages / 10
    }

    fn bytes(self, pages: i64) -> u64 {
        u64::try_from(pages.saturating_mul(self.page_size)).unwrap_or(0)
    }
}

fn shrink(path: &Path, before: Room, end: Instant) -> Result<(u64, bool), StoreError> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, BUSY)?;
    let mut is_left = false;
    if before.can_shrink {
        is_left = give_back(&conn, end)?;
    } else if !rewrite(&conn, path, before)? {
        return Ok((0, false));
    }
    // The pages are gone from the file once the log is written into it.
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    let after = Room::of(&conn)?;
    Ok((before.bytes(before.pages - after.pages), is_left))
}

/// In steps of 1 MiB, each a transaction of its own, so that nobody waits long for his turn; answers whether `end` came before
/// all was given back. One step is made in any case, so that a file of whatever size comes to an end.
fn give_back(conn: &Connection, end: Instant) -> Result<bool, StoreError> {
    let mut free = Room::of(conn)?.free;
    while free > 0 {
        let mut statement = conn.prepare("PRAGMA incremental_vacuum(256)")?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        let left = Room::of(conn)?.free;
        if left >= free {
            break; // Others fill it meanwhile.
        }
        free = left;
        if free > 0 && Instant::now() > end {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rewrites a file of before so that it can shrink in steps from now on; `false` if there is no room for that.
fn rewrite(conn: &Connection, path: &Path, room: Room) -> Result<bool, StoreError> {
    // All that is in use is written to a temporary file, and from there to the log beside the database.
    let used = room.bytes(room.pages - room.free);
    let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = scratch_folder();
    for (folder, needed) in [(beside, used.saturating_mul(2)), (&scratch, used)] {
        let needed = needed.saturating_add(MARGIN);
        let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(false) };
        if disk.f_bavail.saturating_mul(disk.f_frsize) < needed {
            log::debug!("the database is not rewritten: {} has less than {needed} bytes free", folder.display());
            return Ok(false);
        }
    }
    log::info!("rewriting the database once, so that it can shrink from now on");
    conn.pragma_update(None, "temp_store", "FILE")?;
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.execute_batch("VACUUM")?;
    // The log holds the whole file once more now, and would keep that size.
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(true)
}

/// Where SQLite puts temporary files.
fn scratch_folder() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from);
    named.chain(usual).find(|folder| folder.is_dir()).unwrap_or_else(|| PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_gives_back_a_little_each_time_where_there_is_no_time_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("link.db")).unwrap();
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
        conn.execute_batch("CREATE TABLE old (x); INSERT INTO old VALUES (zeroblob(3000000)); DELETE FROM old")
            .unwrap();
        let free = || Room::of(&conn).unwrap().free;
        let (all, over) = (free(), Instant::now());
        assert!(give_back(&conn, over).unwrap(), "something is left");
        assert_eq!(free(), all - 256);
        while give_back(&conn, over).unwrap() {}
        assert_eq!(free(), 0);
    }
}
