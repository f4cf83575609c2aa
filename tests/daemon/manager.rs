//! A service manager: the socket on which a daemon tells how it goes, and the daemon itself, started as a unit would be.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::place::Place;

/// Much longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// Asks again and again, for as long as is reasonable.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// A daemon under a service manager.
pub(crate) struct Service {
    socket: UnixDatagram,
    path: PathBuf,
    /// What it told so far, one line an assignment.
    pub(crate) told: Vec<String>,
    child: Option<Child>,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Service {
    pub(crate) fn new(place: &Place) -> Self {
        let path = place.folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Self { socket, path, told: Vec::new(), child: None, log: Arc::default(), reader: None }
    }

    /// Starts the daemon, and waits until it says that it is ready.
    pub(crate) fn start(&mut self, place: &Place) {
        self.start_with(place, |_| {});
        self.expect("READY=1");
    }

    pub(crate) fn start_with(&mut self, place: &Place, more: impl FnOnce(&mut Command)) {
        self.told.clear();
        let mut command = place.command(&["run"]);
        command.env("NOTIFY_SOCKET", &self.path).stdout(Stdio::null()).stderr(Stdio::piped());
        more(&mut command);
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::clone(&self.log);
        let read = move || stderr.lines().map_while(Result::ok).for_each(|line| log.lock().unwrap().push(line));
        self.reader = Some(std::thread::spawn(read));
        self.child = Some(child);
    }

    /// Hears what was told meanwhile.
    pub(crate) fn hear(&mut self) {
        let mut message = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut message) {
            let text = String::from_utf8_lossy(&message[..length]).into_owned();
            self.told.extend(text.lines().map(str::to_owned));
        }
    }

    /// Waits until a line that begins like this was told.
    pub(crate) fn expect(&mut self, line: &str) {
        let began = Instant::now();
        while !self.told.iter().any(|told| told.starts_with(line)) {
            assert!(began.elapsed() < LONG, "{line} was not told: {:?}, log: {:#?}", self.told, self.log());
            self.hear();
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has so many lines that hold a text.
    pub(crate) fn expect_log(&self, text: &str, times: usize) {
        let count = || self.log().iter().filter(|line| line.contains(text)).count();
        until(&format!("{times} lines with {text:?} in {:#?}", self.log()), || count() >= times);
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Fills its queue, until there is no room for what a newcomer tells. One teller alone may run out of its own room first:
    /// the queue is as long as the machine's `net.unix.max_dgram_qlen` says.
    pub(crate) fn turn_deaf(&self) {
        let is_heard = || {
            let teller = UnixDatagram::unbound().unwrap();
            teller.set_nonblocking(true).unwrap();
            teller.send_to(b"nothing new", &self.path).is_ok()
        };
        while is_heard() {}
    }

    /// Waits for its end, and hears what is told meanwhile.
    pub(crate) fn end(&mut self) -> ExitStatus {
        while self.child.as_mut().unwrap().try_wait().unwrap().is_none() {
            self.hear();
        }
        let status = self.end_unheard();
        self.hear();
        status
    }

    /// Waits for its end, and hears nothing.
    pub(crate) fn end_unheard(&mut self) -> ExitStatus {
        let status = self.child.take().unwrap().wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        status
    }

    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.end()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A test that failed leaves no daemon behind.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
