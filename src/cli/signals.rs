//! The signals that ask the program to end: Ctrl-C in a terminal, SIGTERM from systemd.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both of them. Once it exists a signal no longer ends the program by itself.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts listening.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
