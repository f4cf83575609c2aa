//! The signals that ask the program for something: Ctrl-C in a terminal, or its end, SIGTERM and SIGHUP from systemd; and
//! how a run ends that was under way when one came.

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
    /// `None` where it means something else, or nothing.
    hangup: Option<Signal>,
}

impl Signals {
    /// Starts listening. A terminal that goes away, as with a lost SSH session, asks to end as well, unless the program was
    /// started to outlive it (`nohup`).
    pub fn listen() -> std::io::Result<Self> {
        let hangup = if is_hangup_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Self { hangup, ..Self::of_daemon()? })
    }

    /// The same for who reads its configuration again at SIGHUP.
    fn of_daemon() -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hangup: None })
    }

    /// Waits for the next one. Dropping the future loses none.
    pub async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Has a file that may not grow any more (`ulimit -f`, `LimitFSIZE=`) refuse what is written, which is told like a full disk. Without
/// this the program would be ended without a word.
pub fn outlive_limits_on_files() {
    /// Its number on x86 and ARM.
    const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);
    // Heard by nobody: it is enough that it does not end the program. Where that cannot be had all else works the same.
    let _ = signal(FILE_TOO_LARGE);
}

/// Whether whoever started the program had it ignore SIGHUP. To listen would undo that, so the kernel is asked before.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // A bit for each signal, from 1 on, which is SIGHUP's number.
    ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).is_some_and(|bits| bits & 1 == 1)
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
    let mut ends = Signals::of_daemon()?;
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
