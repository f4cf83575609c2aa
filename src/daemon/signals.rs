//! The signals that ask the program for something: Ctrl-C in a terminal, SIGTERM and SIGHUP from systemd; and how a run
//! ends that was under way when one came.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::sync::engine::Clock;
use crate::sync::report::Job;

/// How long the requests in hand may take once a signal came: within the ten seconds that interface.md promises.
const GRACE: Duration = Duration::from_secs(8);

/// Those that ask the program to end. Once it exists they no longer end it by themselves.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts listening.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one. Dropping the future loses none.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What somebody asks of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To end.
    Stop,
    /// To read its configuration again.
    Reload,
    /// To run these jobs now, whatever their schedule and the budget say.
    Sync(Vec<Job>),
}

/// Everything that is asked of the daemon from now on by signals; and how others in this process ask it.
pub fn wishes() -> std::io::Result<(mpsc::UnboundedSender<Wish>, mpsc::UnboundedReceiver<Wish>)> {
    let mut ends = Signals::listen()?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (ask, wishes) = mpsc::unbounded_channel();
    let others = ask.clone();
    tokio::spawn(async move {
        loop {
            let wish = tokio::select! {
                () = ends.next() => Wish::Stop,
                _ = hangup.recv() => Wish::Reload,
            };
            if ask.send(wish).is_err() {
                return;
            }
        }
    });
    Ok((others, wishes))
}

/// Waits until `run` ends. At a first `signal`, which is `told`, it is asked by `stop` to finish the requests in hand;
/// after [`GRACE`], or at a second signal, it is left where it stands, which answers `None`: what was sent is on record as
/// an intent, and the next run reads back what became of it.
pub async fn until_told<T>(
    run: impl Future<Output = T>,
    stop: &AtomicBool,
    clock: &dyn Clock,
    mut signal: impl AsyncFnMut(),
    told: impl FnOnce(),
) -> Option<T> {
    let mut run = pin!(run);
    tokio::select! {
        biased;
        end = &mut run => return Some(end),
        () = signal() => {}
    }
    stop.store(true, Ordering::Relaxed);
    told();
    tokio::select! {
        biased;
        end = &mut run => Some(end),
        () = signal() => None,
        () = clock.sleep(GRACE) => None,
    }
}
