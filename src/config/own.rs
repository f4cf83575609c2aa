//! What belongs to a link: its secrets, and the files that it works with, which no command may write another thing into.

use std::path::{Path, PathBuf};

use super::{Config, Endpoint, Secret, StateConfig};
use crate::store::{files_of, is_same};

impl StateConfig {
    /// Where a simulated world is kept between two commands: beside the database.
    pub fn sandbox(&self) -> PathBuf {
        self.path.with_file_name("sandbox.json")
    }
}

impl Config {
    /// Every secret that the configuration names, and what it is for.
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let mut secrets = Vec::new();
        for (name, endpoint) in [("Komet", &self.komet.endpoint), ("Axerrio", &self.axerrio.endpoint)] {
            if let Endpoint::Remote { token, .. } = endpoint {
                secrets.push((name, token));
            }
        }
        secrets.extend(self.notify.webhook.iter().map(|secret| ("webhook", secret)));
        let login = self.notify.email.iter().filter_map(|email| email.login.as_ref());
        secrets.extend(login.map(|login| ("e-mail", &login.password)));
        secrets.extend(self.status.password.iter().map(|secret| ("status page", secret)));
        secrets
    }

    /// Whether `file` is the link's own: the configuration, a secret, the database with what lies beside it, the simulated
    /// world. A name that stands for none of them yet counts as well: what is put there would be taken for it.
    pub fn owns(&self, file: &Path) -> bool {
        let database = &self.state.path;
        let mut own = vec![self.file.clone(), self.state.sandbox()];
        own.extend(files_of(database));
        // Where the database goes by a second name, its locks lie beside the file itself.
        own.extend(database.canonicalize().iter().flat_map(|path| files_of(path)));
        own.extend(self.secrets().iter().filter_map(|(_, secret)| secret.read_from()).map(Path::to_owned));
        own.iter().any(|one| is_same(one, file) || is_same_name(one, file))
    }
}

/// Whether both are one name in one directory.
fn is_same_name(one: &Path, other: &Path) -> bool {
    let folder =
        |path: &Path| path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    one.file_name().is_some() && one.file_name() == other.file_name() && is_same(&folder(one), &folder(other))
}
