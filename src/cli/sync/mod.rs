//! `sync`: one run now. The engine does the work; here it gets its lock, its link and its signals, and what it did
//! is told (`report`), on a terminal also while it goes on (`progress`).

mod notices;
mod progress;
mod report;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::args::SyncArgs;
use super::exit::{Busy, Exit, WrongUsage};
use super::link::Link;
use super::output::Output;
use super::{lock_unless_told, look, tell_of_stopping};
use crate::config::Config;
use crate::daemon::signals::{Signals, until_told};
use crate::notify::Notices;
use crate::store::{RunLock, Store, quota};
use crate::sync::report::{Outcome, QuotaReport};
use crate::sync::{RunEnd, RunRequest, end_of};
use progress::Progress;
use report::{Asked, NoRun, SyncReport};
pub(super) use report::{jobs, what_to_do};

/// Carries `sync` out.
pub(super) async fn run(config: &Config, output: Output, args: &SyncArgs) -> anyhow::Result<Exit> {
    let since = since(config, args)?;
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    // A dry run works on a copy: it needs no lock, and disturbs nobody.
    let held = if args.dry_run {
        None
    } else {
        Some(lock_unless_told(&mut signals, &config.state.path, args.wait.0, output).await)
    };
    let lock: Option<RunLock> = match held.transpose() {
        Ok(lock) => lock,
        Err(error) => return busy(config, output, error).await,
    };
    let store = Store::open(&config.state.path)?;
    let link = Link::open(config, store).await?;
    for told in link.live()? {
        log::info!("sandbox: {told}");
    }
    if !args.dry_run {
        // Before the first request: were the world of this run lost, the database would know things that it does not.
        link.save()?;
    }
    let progress = Progress::start(output);
    let request = RunRequest {
        jobs: args.jobs.clone(),
        dry_run: args.dry_run,
        since,
        only: None,
        only_ref: args.order.clone(),
        paced: args.paced,
        trigger: "sync".to_owned(),
        stop: Arc::default(),
        listener: Some(progress.listener()),
        ..RunRequest::default()
    };
    let ended = run_until_told(&link, request, &mut signals).await;
    let actions = progress.finish();
    if !args.dry_run {
        link.save()?;
    }
    let Some(end) = ended? else {
        output.print(&NoRun::left(args.dry_run, actions))?;
        return Ok(Exit::Unexpected);
    };
    let notices = Notices::new(config);
    if let Some(lock) = &lock {
        notices.record(&link.engine.store, &end, Utc::now()).await;
        if !end.stopped
            && let Err(error) = link.engine.store.upkeep(lock, Utc::now(), config.state.retention).await
        {
            log::warn!("old runs and events are kept for now: {error}");
        }
    }
    let asked = args.order.as_deref().map(|reference| Asked::new(reference, end.named));
    let exit = exit_of(&end, asked.as_ref());
    output.print(&SyncReport::new(&end, asked, link.is_simulated()))?;
    let store = link.engine.store.clone();
    link.close().await;
    // The next run need not wait until people are told, nor need who asked this one to leave.
    drop(lock);
    if !args.dry_run && !end.stopped {
        notices::tell(&notices, &store, output, args.paced).await;
    }
    Ok(exit)
}

/// Runs until the run ends, or has to be left: see [`until_told`].
async fn run_until_told(
    link: &Link,
    request: RunRequest,
    signals: &mut Signals,
) -> anyhow::Result<Option<RunEnd>> {
    let stop: Arc<AtomicBool> = Arc::clone(&request.stop);
    let run = link.engine.run(request);
    let ended = until_told(run, &stop, &*link.engine.clock, async || signals.next().await, tell_of_stopping).await;
    Ok(ended.transpose()?)
}

fn since(config: &Config, args: &SyncArgs) -> anyhow::Result<Option<DateTime<Utc>>> {
    let Some(moment) = args.since else { return Ok(None) };
    let now = Utc::now();
    let at = moment.resolve(now, config.jobs.timezone).filter(|at| *at <= now);
    at.map(Some).ok_or_else(|| WrongUsage("--since names a time that is not in the past".to_owned()).into())
}

/// Somebody else runs: told as a report, too.
async fn busy(config: &Config, output: Output, error: anyhow::Error) -> anyhow::Result<Exit> {
    let Some(Busy(holder)) = error.downcast_ref::<Busy>() else { return Err(error) };
    let holder = holder.clone();
    let day = Utc::now().date_naive();
    let used = match look(config) {
        Ok(Some(store)) => store.read(move |conn| quota::used(conn, day)).await.unwrap_or(0),
        // The quota is a courtesy here; that it cannot be read is not what was asked about.
        _ => 0,
    };
    let quota = QuotaReport { limit: config.komet.daily_limit(), used, resets_at: end_of(day) };
    if output.is_json() {
        output.print(&NoRun::busy(holder, quota))?;
        return Ok(Exit::Busy);
    }
    Err(error)
}

/// interface.md, "Exit status": the first that applies, the most hopeless first.
fn exit_of(end: &RunEnd, asked: Option<&Asked>) -> Exit {
    if end.quota_spent() {
        Exit::QuotaSpent
    } else if !end.down.is_empty() {
        Exit::System
    } else if end.stopped {
        Exit::Unexpected
    } else if end.report.outcome == Outcome::Failed {
        // A job that failed otherwise: what a system answered was of no use.
        Exit::System
    } else if end.report.outcome == Outcome::Attention || asked.is_some_and(|asked| !asked.found) {
        Exit::Attention
    } else {
        Exit::Done
    }
}
