//! Which configuration file is meant, and its text.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{ConfigErrors, Problem};
use crate::store::is_same;

/// Where a configuration is looked for when nobody names one, in this order.
const USUAL_PLACES: [&str; 2] = ["./sync.toml", "/etc/stemsync/sync.toml"];

/// The commented one in the repository has 3 KB; what is longer is the wrong file, or a device that does not end.
const LONGEST: u64 = 1024 * 1024;

/// The file named by `-c`, else by the environment, else the first of the usual places that exists.
pub(super) fn find(explicit: Option<PathBuf>, variable: Option<OsString>) -> Result<PathBuf, ConfigErrors> {
    let variable = variable.filter(|v| !v.is_empty()).map(PathBuf::from);
    let named = explicit.map(|f| (f, "-c")).or_else(|| variable.map(|f| (f, "$STEMSYNC_CONFIG")));
    if let Some((file, who)) = named {
        return match std::fs::metadata(&file) {
            Ok(_) => Ok(file),
            Err(error) => Err(ConfigErrors::Unreadable { why: reason(&error), file, named_by: Some(who) }),
        };
    }
    let places = USUAL_PLACES.map(PathBuf::from);
    match places.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => Err(ConfigErrors::NoneFound { looked: places.to_vec() }),
    }
}

/// Whether this is the file that is found where nobody names one.
pub(super) fn is_usual(file: &Path, variable: Option<OsString>) -> bool {
    let is_named = variable.is_some_and(|variable| !variable.is_empty());
    !is_named && find(None, None).is_ok_and(|found| is_same(&found, file))
}

/// The file's text. What is not UTF-8 is a problem with a line, like any other.
pub(super) fn read(file: &Path) -> Result<String, ConfigErrors> {
    let unreadable = |why: String| ConfigErrors::Unreadable { file: file.to_owned(), named_by: None, why };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(reason(&error)))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unreadable("it is longer than 1 MB, which no configuration is".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + String::from_utf8_lossy(&error.as_bytes()[..good]).matches('\n').count();
        let problem = Problem {
            line,
            key: "text".to_owned(),
            found: "bytes that are not UTF-8".to_owned(),
            allowed: "a TOML file in UTF-8".to_owned(),
        };
        ConfigErrors::Invalid { file: file.to_owned(), problems: vec![problem] }
    })
}

/// The reason in plain words.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
