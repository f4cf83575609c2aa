//! The daemon: what it decides by itself, played by a clock that is set by hand; whole days and months of it over a
//! simulated network; and the program itself, as a service manager sees it.
#![allow(clippy::unwrap_used, missing_docs)]

mod alarm;
mod days;
mod heard;
mod manager;
mod nights;
mod patience;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)]
mod place;
#[path = "../support/received.rs"]
#[allow(dead_code)]
mod received;
mod service;
mod stage;

use std::path::Path;

use chrono::{DateTime, Utc};
use stemsync::config::Config;

/// A configuration on the sandbox with this `[jobs]`; the default one where it is empty.
pub(crate) fn config(jobs: &str) -> Config {
    let text = format!("[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[jobs]\n{jobs}");
    Config::from_text(Path::new("sync.toml"), &text, &|_| None).unwrap()
}

/// A moment in RFC 3339.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}
