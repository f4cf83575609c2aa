//! The SMTP server of `smtp.py`, a real one in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

pub(crate) const USER: &str = "robot";
pub(crate) const PASSWORD: &str = "P4ss-w0rd,hush";

const INSTALL: &str = "these tests need aiosmtpd, a real SMTP server: `apt-get install python3-aiosmtpd`, or `python3 -m \
                       venv target/smtp && target/smtp/bin/pip install aiosmtpd`";

pub(crate) struct Smtp {
    pub(crate) port: u16,
    told: BufReader<ChildStdout>,
    child: Child,
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Who signed the server's certificate.
pub(crate) fn signer() -> PathBuf {
    here("tests/security/tls/nobodys-ca.pem")
}

/// A Python that has the server.
fn python() -> PathBuf {
    let has_it = |python: &PathBuf| {
        let tried = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    // Debian's package belongs to Debian's Python, which need not be the first on the path.
    let all = [here("target/smtp/bin/python"), "python3".into(), "/usr/bin/python3".into()];
    all.into_iter().find(has_it).unwrap_or_else(|| panic!("{INSTALL}"))
}

impl Smtp {
    /// Starts it; `manner` is one of `smtp.py`'s.
    pub(crate) fn start(manner: &str) -> Self {
        let mut child = Command::new(python())
            .arg(here("tests/notify/smtp.py"))
            .args([here("tests/security/tls/server.crt"), here("tests/security/tls/server.key")])
            .args([USER, PASSWORD, manner])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        told.read_line(&mut port).unwrap();
        Self { port: port.trim().parse().unwrap(), told, child }
    }

    /// The next mail it took; waits for it.
    pub(crate) fn mail(mut self) -> Value {
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Stops it; tells how many mails it took.
    pub(crate) fn mails(mut self) -> usize {
        self.child.stdin.take();
        self.child.wait().unwrap();
        self.told.by_ref().lines().count()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        // It ends when its input does.
        self.child.stdin.take();
        let _ = self.child.wait();
    }
}
