//! Where the program runs: a directory of its own, tokens in the environment, and whichever systems it is pointed to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Characters that URLs, JSON and HTML each write differently.
pub(crate) const KOMET_TOKEN: &str = "Km+T0k/en\"k&71<x>%z";
pub(crate) const AXERRIO_TOKEN: &str = "Ax+T0k/en\"a&72<y>%z";

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new(komet: &str, axerrio: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[komet]\nbase_url = \"{komet}\"\ntoken = {{ env = \"KOMET_TOKEN\" }}\ntimeout = \"5s\"\n\
             [axerrio]\nbase_url = \"{axerrio}\"\ntoken = {{ env = \"AXERRIO_TOKEN\" }}\ntimeout = \"5s\"\n\
             [state]\npath = \"link.db\"\n"
        );
        fs::write(folder.path().join("sync.toml"), text).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("link.db")
    }

    /// Adds a line behind a section's name in the configuration.
    pub(crate) fn configure(&self, section: &str, line: &str) {
        let file = self.path().join("sync.toml");
        let text = fs::read_to_string(&file).unwrap().replace(section, &format!("{section}\n{line}"));
        fs::write(file, text).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("stemsync"));
        command.current_dir(self.path()).args(args);
        for name in ["STEMSYNC_CONFIG", "RUST_LOG", "NO_COLOR", "JOURNAL_STREAM", "SSL_CERT_FILE", "SSL_CERT_DIR"]
        {
            command.env_remove(name);
        }
        command.env("KOMET_TOKEN", KOMET_TOKEN).env("AXERRIO_TOKEN", AXERRIO_TOKEN);
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// Fails if a token stands in any file here, in any spelling.
    pub(crate) fn holds_no_token(&self, when: &str) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let file = entry.unwrap().path();
            tells_no_token(&fs::read(&file).unwrap(), &format!("{when}: {}", file.display()));
        }
    }
}

pub(crate) fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A token in the spellings of URLs (also lower case and form-encoded), JSON, HTML and debug texts.
fn spellings(token: &str) -> Vec<String> {
    let percent = |hex: fn(u8) -> String| -> String {
        token.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { hex(b) }).collect()
    };
    let json = token.replace('"', "\\\"");
    let html = token.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    vec![
        token.to_owned(),
        percent(|b| format!("%{b:02X}")),
        percent(|b| format!("%{b:02x}")),
        json.replace('/', "\\/"),
        json,
        html.replace('"', "&quot;"),
        html,
    ]
}

pub(crate) fn tells_no_token(bytes: &[u8], what: &str) {
    for token in [KOMET_TOKEN, AXERRIO_TOKEN] {
        for spelling in spellings(token) {
            let leaked = bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes());
            assert!(
                !leaked,
                "{what} holds {spelling}: {}",
                String::from_utf8_lossy(&bytes[..bytes.len().min(4000)])
            );
        }
    }
}
