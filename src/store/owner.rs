//! Whose the files are. The daemon runs as a user of its own, an admin's `stemsync sync` beside it as root: what root
//! makes in the daemon's directory must be the daemon's, or its next run could not open it. SQLite does the same for its
//! -wal and -shm.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

/// Gives a file that root has just made to the owner of its directory. That it does not work is told: whoever owns the
/// directory will be kept out.
///
/// Whoever owns the directory may have put a link there to have a file of root's given to him: only an empty file, in
/// that directory itself and under no other name, changes hands.
pub(super) fn hand_over(file: &File, path: &Path) {
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let looked = (file.metadata(), std::fs::symlink_metadata(path), std::fs::metadata(directory));
    let (Ok(made), Ok(named), Ok(home)) = looked else { return };
    let is_here = named.is_file() && (named.dev(), named.ino()) == (made.dev(), made.ino()) && made.nlink() == 1;
    if made.uid() != 0 || home.uid() == 0 || made.len() > 0 || !is_here {
        return;
    }
    if let Err(error) = fchown(file, Some(home.uid()), Some(home.gid())) {
        log::warn!("{} stays root's: it cannot be given to its directory's owner ({error})", path.display());
    }
}
