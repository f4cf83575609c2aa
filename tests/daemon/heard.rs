//! What the daemon logs at the default level, heard by the thread on which it is played.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Ear;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Log for Ear {
    fn enabled(&self, metadata: &Metadata) -> bool {
        let own = metadata.target().starts_with("stemsync::daemon");
        metadata.level() <= if own { Level::Info } else { Level::Warn }
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.level(), record.args());
            LINES.with_borrow_mut(|lines| lines.push(line));
        }
    }

    fn flush(&self) {}
}

/// Forgets what this thread heard, and listens.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Ear).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
    LINES.take();
}

/// What this thread heard since, and forgets it.
pub(crate) fn lines() -> Vec<String> {
    LINES.take()
}

/// Those that hold a text.
pub(crate) fn with<'l>(lines: &'l [String], text: &str) -> Vec<&'l String> {
    lines.iter().filter(|line| line.contains(text)).collect()
}
