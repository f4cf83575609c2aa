//! `backup`: a copy of the database that is whole and sound, made while the daemon runs. It takes no lock and asks
//! neither system; a signal ends it without leaving anything behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::BackupArgs;
use super::exit::{Exit, WrongUsage};
use super::output::{Output, Page, Report, Tone, relative};
use crate::config::Config;
use crate::daemon::signals::Signals;
use crate::store::{Backup, BackupError, back_up};

/// `backup FILE --format json`.
#[derive(Debug, Serialize)]
struct BackupReport {
    file: PathBuf,
    database: PathBuf,
    bytes: u64,
    schema_version: i64,
    orders: i64,
    holds: i64,
    mapped_codes: i64,
    unverified: i64,
    /// When the last run in it ended; `null` if none has.
    last_run: Option<DateTime<Utc>>,
}

impl Report for BackupReport {
    fn tell(&self, page: &mut Page) {
        let size = size(self.bytes);
        let text = format!("{} is copied to {}: {size}, sound.", self.database.display(), self.file.display());
        page.paragraph(Tone::Good, 2, &text);
        let holds = counted(self.holds, "hold", "holds");
        let orders = counted(self.orders, "order", "orders");
        let codes = counted(self.mapped_codes, "mapped code", "mapped codes");
        let ended = self.last_run.map(|at| format!(" Its last run ended {}.", relative(at, Utc::now())));
        let (version, ended) = (self.schema_version, ended.unwrap_or_default());
        let text = format!("It holds {orders}, {holds} and {codes}, in schema version {version}.{ended}");
        page.paragraph(Tone::Plain, 2, &text);
        if self.unverified > 0 {
            let text =
                format!("{} had no answer yet; the next run looks what became of it.", requests(self.unverified));
            page.paragraph(Tone::Plain, 2, &text);
        }
        page.paragraph(Tone::Faint, 2, "No token is in it. How to restore it: stemsync backup --help");
    }
}

/// Carries `backup` out.
pub(super) async fn run(config: &Config, output: Output, args: &BackupArgs) -> anyhow::Result<Exit> {
    super::spare_own(config, &args.file)?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let (database, target) = (config.state.path.clone(), args.file.clone());
    let (force, told) = (args.force, Arc::clone(&stop));
    let copying = tokio::task::spawn_blocking(move || back_up(&database, &target, force, &told));
    tokio::pin!(copying);
    let copied = tokio::select! {
        copied = &mut copying => copied,
        () = signals.next() => {
            stop.store(true, Ordering::Relaxed);
            copying.await
        }
    };
    let copied = copied.context("the copying broke off")?;
    let made = copied.map_err(|error| refused(&error, &config.state.path))?;
    output.print(&report(&made, &args.file, &config.state.path))?;
    Ok(Exit::Done)
}

/// What was asked for wrongly ends otherwise than what went wrong.
fn refused(error: &BackupError, database: &Path) -> anyhow::Error {
    let is_usage = matches!(error, BackupError::Exists(_) | BackupError::NotAFile(_) | BackupError::Itself(_));
    let text = format!("{} was not copied: {error}", database.display());
    if is_usage { WrongUsage(text).into() } else { anyhow::Error::msg(text) }
}

fn report(made: &Backup, file: &Path, database: &Path) -> BackupReport {
    BackupReport {
        file: file.to_owned(),
        database: database.to_owned(),
        bytes: made.bytes,
        schema_version: made.schema_version,
        orders: made.orders,
        holds: made.holds,
        mapped_codes: made.codes,
        unverified: made.unverified,
        last_run: made.last_run,
    }
}

fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn requests(count: i64) -> String {
    counted(count, "request", "requests")
}

/// A size in the unit that people would choose.
fn size(bytes: u64) -> String {
    const KB: u64 = 1024;
    match bytes {
        ..KB => format!("{bytes} bytes"),
        KB..0x10_0000 => format!("{} KB", bytes / KB),
        _ => format!("{}.{} MB", bytes / (KB * KB), bytes % (KB * KB) * 10 / (KB * KB)),
    }
}
