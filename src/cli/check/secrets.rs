//! Secrets: they were resolved with the configuration; here it is told from where, and whether the user that owns the
//! state, which is the daemon's, can read them as well as whoever runs this check.

use std::os::unix::fs::MetadataExt as _;

use super::owners::directory_of;
use super::{Check, owners};
use crate::config::{Config, Secret};

const NAME: &str = "secrets";

/// Looks at where the secrets come from.
pub(super) fn look(config: &Config) -> Vec<Check> {
    let mut told = Vec::new();
    for (name, endpoint) in [("Komet", &config.komet.endpoint), ("Axerrio", &config.axerrio.endpoint)] {
        if endpoint.is_sandbox() {
            told.push(format!("{name}: none, it is the sandbox"));
        }
    }
    let secrets = config.secrets();
    told.extend(
        secrets.iter().map(|(name, secret)| format!("{name}: from {}{}", secret.source(), mode_of(secret))),
    );
    let mut checks = vec![Check::ok(NAME, told.join("; "))];
    let state = std::fs::metadata(directory_of(&config.state.path)).ok().map(|meta| meta.uid());
    // Root reads everything, and whoever runs this has just read them.
    if let Some(keeper) = state.filter(|uid| *uid != 0 && *uid != owners::myself()) {
        checks.extend(secrets.into_iter().filter_map(|(name, secret)| kept_from(name, secret, keeper)));
    }
    checks
}

/// A file's mode: stricter than 0600 or 0600, or it would not have been taken.
fn mode_of(secret: &Secret) -> String {
    let file = secret.file().and_then(|file| std::fs::metadata(file).ok()).filter(std::fs::Metadata::is_file);
    file.map_or(String::new(), |meta| {
        format!(" (mode {:04o}, {})", meta.mode() & 0o7777, owners::user(meta.uid()))
    })
}

/// A file that the owner of the state cannot read.
fn kept_from(name: &str, secret: &Secret, keeper: u32) -> Option<Check> {
    let owner = std::fs::metadata(secret.file()?).ok().filter(std::fs::Metadata::is_file)?.uid();
    if owner == keeper {
        return None;
    }
    let (file, keeper) = (secret.source(), owners::user(keeper));
    let detail = format!("{file} is {}'s, but the state is {keeper}'s, who cannot read it", owners::user(owner));
    let advice = format!(
        "With systemd name it {{ credential = \"NAME\" }} and load it in the unit (LoadCredential=); else: chown \
         {keeper} {file}"
    );
    Some(Check::warning(NAME, detail, advice).of(name))
}
