//! What the service manager is told, as sd_notify(3) wants it. Without one (`NOTIFY_SOCKET` is not set) nothing is sent.

use std::cell::Cell;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

/// How long a manager may take to take a message in; its queue is full only where it reads none. The trade goes on without.
const PATIENCE: Duration = Duration::from_millis(500);

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
        let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
        if let Err(error) = send(&socket, states)
            && !self.deaf.replace(true)
        {
            log::warn!("the service manager cannot be told how it goes ($NOTIFY_SOCKET): {error}");
        }
    }
}

/// Sends one message, as sd_notify(3) does, to a socket in the file system or (`@`) without one. `sd_notify::notify` waits
/// for as long as the manager does not read.
fn send(socket: &OsStr, states: &[NotifyState]) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let message = states.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}
