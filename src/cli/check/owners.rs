//! Whose files are: what the daemon's user cannot open, its next run cannot use, however well root gets along with it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The user that this process is.
pub(super) fn myself() -> u32 {
    // A process's directory is its effective user's.
    fs::metadata("/proc/self").map_or(0, |meta| meta.uid())
}

/// A user as an admin knows him: by name where the machine has one, else by number.
pub(super) fn user(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&passwd, uid).map_or_else(|| format!("user {uid}"), str::to_owned)
}

fn name_in(passwd: &str, uid: u32) -> Option<&str> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&uid)).then_some(name)
    })
}

/// The directory a file is in.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The directory a file is in, or as much of the way there as exists.
pub(super) fn nearest_directory_of(path: &Path) -> PathBuf {
    let directory = directory_of(path);
    let there = directory.ancestors().find(|place| place.as_os_str().is_empty() || place.exists());
    there.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_by_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nstemsync:x:998:998::/var/lib/stemsync:/usr/sbin/nologin\n";
        assert_eq!(name_in(passwd, 998), Some("stemsync"));
        assert_eq!(name_in(passwd, 99), None);
    }
}
