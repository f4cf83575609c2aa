//! The command line: one file per command. Arguments come in (`args`), a report goes out ([`output`]), the exit status
//! says how it ended ([`exit`]). Commands print and decide nothing; what they tell stands in the store or comes from
//! the engine.

mod args;
mod backup;
mod budget;
mod check;
mod completions;
mod demo;
pub mod exit;
mod history;
mod holds;
mod link;
mod logging;
mod man;
mod map;
mod moment;
pub mod output;
mod run;
mod sandbox;
mod status;
mod sync;
mod trace;
mod verify;
mod watermark;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{ColorChoice, CommandFactory, FromArgMatches};

use args::{Cli, ColorWhen, Command, Global};
use exit::{Busy, Exit, Stopped, WrongUsage};
use logging::Usual;
use output::Output;

use crate::config::Config;
use crate::daemon::signals::{Signals, outlive_limits_on_files, until_told};
use crate::domain::plain;
use crate::store::{RunLock, Store};
use crate::sync::engine::SystemClock;

/// Runs the program: parses the arguments, carries the command out, tells what went wrong on stderr.
pub async fn main() -> Exit {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are "errors" of clap's that end with 0. That they cannot be printed is nobody's to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    if matches!(cli.command, Command::Run) {
        run::lean();
    }
    outlive_limits_on_files();
    let output = Output::new(&cli.global);
    let usual = match &cli.command {
        Command::Demo => Usual::Nothing,
        Command::Sync(_) if output.shares_terminal() => Usual::Nothing,
        Command::Run => Usual::WarningsAndDeeds,
        _ => Usual::Warnings,
    };
    logging::start(&cli.global, usual);
    match run(&cli, output).await {
        Ok(exit) => exit,
        Err(error) => {
            // What it names may be foreign.
            let told = format!("{error:#}");
            let told = output::of_our_link(&told);
            let lines: Vec<_> = told.lines().map(plain).collect();
            if logging::is_in_journal() {
                output::complain(&format!("<3>error: {}", lines.join("\n<3>")));
            } else {
                output::complain(&format!("{} {}", stderr_tone(&cli.global, "error:"), lines.join("\n")));
            }
            Exit::of(&error)
        }
    }
}

/// Parses with the colours that `--color` asks for, also where parsing fails.
fn parse() -> Result<Cli, clap::Error> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let says = |when: &str| {
        arguments.iter().any(|a| *a == *format!("--color={when}"))
            || arguments.windows(2).any(|pair| pair[0] == "--color" && pair[1] == when)
    };
    let color = match (says("never"), says("always")) {
        (true, _) => ColorChoice::Never,
        (_, true) => ColorChoice::Always,
        _ => ColorChoice::Auto,
    };
    let matches = Cli::command().color(color).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// The word before an error, in colour where stderr shows colours.
fn stderr_tone(global: &Global, word: &str) -> String {
    use std::io::IsTerminal;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let auto = global.color == ColorWhen::Auto && std::io::stderr().is_terminal() && !plain;
    if auto || global.color == ColorWhen::Always {
        format!("\u{1b}[1;31m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

async fn run(cli: &Cli, output: Output) -> anyhow::Result<Exit> {
    let config = || -> anyhow::Result<Config> {
        let file = Config::find(cli.global.config.clone())?;
        output::name_link(&file);
        Ok(Config::load(&file)?)
    };
    match &cli.command {
        // These two bring their own systems.
        Command::Demo => demo::run(output).await,
        Command::Sandbox(args) => sandbox::run(output, args).await,
        // These two tell about the program itself.
        Command::Completions(args) => completions::run(output, args),
        Command::Man(args) => man::run(output, args),
        // On the heap: the daemon's whole state would be carried by every command.
        Command::Run => Box::pin(run::run(config()?, output)).await,
        Command::Sync(args) => sync::run(&config()?, output, args).await,
        Command::Status => status::run(&config()?, output, cli.global.verbose > 0).await,
        Command::Trace(args) => trace::run(&config()?, output, args).await,
        Command::History(args) => history::run(&config()?, output, args).await,
        Command::Holds(args) => holds::run(&config()?, output, args).await,
        Command::Map(args) => map::run(&config()?, output, args).await,
        Command::Watermark(args) => watermark::run(&config()?, output, args).await,
        Command::Backup(args) => backup::run(&config()?, output, args).await,
        Command::Verify => verify::run(&config()?, output).await,
        Command::Check => check::run(&config()?, output).await,
    }
}

/// The database, for a command that only looks; `None` before the first run.
fn look(config: &Config) -> anyhow::Result<Option<Store>> {
    Ok(Store::open_existing_read_only(&config.state.path)?)
}

/// Refuses to put a copy or an export in the place of what the link works with.
fn spare_own(config: &Config, file: &Path) -> Result<(), WrongUsage> {
    if config.owns(file) {
        return Err(WrongUsage(format!(
            "{} is a file that stemsync works with; name another one",
            file.display()
        )));
    }
    Ok(())
}

/// How long a command that changes something waits for a run to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The database and the run lock, for a command that changes something. A run plans from what it read at its
/// beginning: a decision taken in meanwhile could be overwritten by the run's own results.
async fn change(config: &Config, output: Output) -> anyhow::Result<(Store, RunLock)> {
    let lock = lock(&config.state.path, PATIENCE, output).await?;
    Ok((Store::open(&config.state.path)?, lock))
}

/// Takes the run lock, waiting for a run that holds it; after `patience` the answer is [`Busy`]. A wait that a person
/// notices is told once.
async fn lock(database: &Path, patience: Duration, output: Output) -> anyhow::Result<RunLock> {
    /// Short against a run, long against a look at a file.
    const PAUSE: Duration = Duration::from_millis(100);
    /// A shorter wait is none to a person.
    const NOTICED: Duration = Duration::from_secs(1);
    let began = Instant::now();
    let mut is_told = false;
    loop {
        if let Some(lock) = RunLock::try_acquire(database)? {
            return Ok(lock);
        }
        if began.elapsed() >= patience {
            return Err(Busy(RunLock::holder(database)).into());
        }
        if began.elapsed() >= NOTICED && !is_told {
            is_told = true;
            let run = RunLock::holder(database)
                .map_or("another run".to_owned(), |h| format!("the run of process {}", h.pid));
            let left = patience.saturating_sub(began.elapsed()).as_secs_f64().ceil();
            let told = format!("waiting for {run} to end, {left} s more at most");
            // cron mails what it finds on stderr, and that runs overlap is no news.
            if output.shows_progress() { output::complain(&told) } else { log::info!("{told}") }
        }
        tokio::time::sleep(PAUSE.min(patience)).await;
    }
}

/// [`lock`], for who hears signals by then: nothing is under way that would have to be finished.
async fn lock_unless_told(
    signals: &mut Signals,
    database: &Path,
    patience: Duration,
    output: Output,
) -> anyhow::Result<RunLock> {
    tokio::select! {
        biased;
        lock = lock(database, patience, output) => lock,
        () = signals.next() => Err(Stopped.into()),
    }
}

/// Carries out what only reads. After a signal the requests in hand are finished, `stop` keeps others from being made, and the
/// answer is [`Stopped`]: half of what was to be read says nothing.
async fn read_until_told<T>(
    signals: &mut Signals,
    stop: &AtomicBool,
    reading: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let ended = until_told(reading, stop, &SystemClock, async || signals.next().await, tell_of_stopping).await;
    ended.filter(|_| !stop.load(Ordering::Relaxed)).unwrap_or_else(|| Err(Stopped.into()))
}

/// What a person reads who stopped something.
fn tell_of_stopping() {
    output::complain("stopping after the requests in hand; once more to leave at once");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_in_vain_for_another_run_is_told_which_and_ends_with_6() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("link.db");
        let output = Output::new(&Cli::try_parse_from(["stemsync", "status"]).unwrap().global);
        let held = lock(&database, Duration::ZERO, output).await.unwrap();
        let error = lock(&database, Duration::ZERO, output).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Busy);
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert!(lock(&database, Duration::ZERO, output).await.is_ok());
    }
}
