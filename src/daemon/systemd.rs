//! What the service manager is told, as sd_notify(3) wants it. Without one (`NOTIFY_SOCKET` is not set) nothing is sent.

use std::cell::Cell;
use std::time::Duration;

use sd_notify::NotifyState;

/// The service manager.
#[derive(Debug, Default)]
pub struct Systemd {
    /// That it cannot be told was said already.
    deaf: Cell<bool>,
}

impl Systemd {
    /// How long the watchdog waits before it bites, if there is one.
    pub fn watchdog() -> Option<Duration> {
        sd_notify::watchdog_enabled().filter(|bites| !bites.is_zero())
    }

    /// The database is open and the schedule stands. Whether the systems answer is another matter.
    pub fn ready(&self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// The configuration is read again; [`Systemd::ready`] follows in any case.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => log::warn!("the service manager is not told of the reload: {error}"),
        }
    }

    /// The daemon ends.
    pub fn stopping(&self) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status("stopping after the requests in hand")]);
    }

    /// What `systemctl status` shows.
    pub fn status(&self, status: &str) {
        self.tell(&[NotifyState::Status(status)]);
    }

    /// The loop is alive.
    pub fn alive(&self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    fn tell(&self, states: &[NotifyState]) {
        if let Err(error) = sd_notify::notify(states)
            && !self.deaf.replace(true)
        {
            log::warn!("the service manager cannot be told how it goes ($NOTIFY_SOCKET): {error}");
        }
    }
}
