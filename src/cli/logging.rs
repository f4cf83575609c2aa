//! The log: one line an event, on stderr, with the job and the order it is about. At the default level it holds
//! warnings and errors only, so that a quiet run is a quiet terminal; results go to stdout through `output`.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use env_logger::WriteStyle;
use log::kv::Key;
use log::{Level, Log, Metadata, Record};

use super::args::{ColorWhen, Global};
use super::output::of_our_link;
use crate::domain::plain;

/// What the log holds where nobody asks for more or less.
#[derive(Clone, Copy, Debug)]
pub(super) enum Usual {
    /// Whoever reads the log reads the command's report on the same terminal, which tells what waits and what failed:
    /// then warnings would only say it twice.
    Nothing,
    /// Warnings and errors.
    Warnings,
    /// These, and what the daemon does: a line a run that did something.
    WarningsAndDeeds,
}

impl Usual {
    fn filters(self) -> &'static str {
        match self {
            Self::Nothing => "off",
            Self::Warnings => "warn",
            Self::WarningsAndDeeds => "warn,stemsync::daemon=info,stemsync::page=info",
        }
    }
}

/// Whether stderr is the journal, which stamps its lines itself and reads a priority in front of each: `JOURNAL_STREAM` names its
/// device and inode, and is inherited by whoever writes elsewhere (systemd.exec(5)).
pub(super) fn is_in_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    named
        .split_once(':')
        .zip(rustix::fs::fstat(std::io::stderr()).ok())
        .is_some_and(|((device, inode), own)| device.parse() == Ok(own.st_dev) && inode.parse() == Ok(own.st_ino))
}

/// Starts the log. Called once; a second call changes nothing.
pub(super) fn start(global: &Global, usual: Usual) {
    let mut builder = env_logger::Builder::new();
    match (global.quiet, global.verbose) {
        (true, _) => builder.parse_filters("error"),
        (false, 0) => match std::env::var("RUST_LOG") {
            Ok(filters) if !filters.trim().is_empty() => builder.parse_filters(&filters),
            _ => builder.parse_filters(usual.filters()),
        },
        (false, 1) => builder.parse_filters("warn,stemsync=info"),
        (false, 2) => builder.parse_filters("warn,stemsync=debug"),
        (false, _) => builder.parse_filters("warn,stemsync=trace"),
    };
    builder.write_style(match global.color {
        ColorWhen::Auto => WriteStyle::Auto,
        ColorWhen::Always => WriteStyle::Always,
        ColorWhen::Never => WriteStyle::Never,
    });
    let journal = is_in_journal();
    builder.format(move |out, record| {
        let text = line(record, if journal { Form::Journal } else { Form::Stamped(Utc::now()) });
        let style = out.default_level_style(record.level());
        if journal || record.level() > Level::Warn {
            writeln!(out, "{text}")
        } else {
            writeln!(out, "{style}{text}{style:#}")
        }
    });
    let logger = OwnLines(builder.build());
    let level = logger.0.filter();
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level);
    }
}

/// The line that shows how far a run has come, at the foot of the terminal that the log writes to.
static FOOT: Mutex<Option<Shown>> = Mutex::new(None);

/// Has the log make room for its lines above such a line; `None` clears it.
pub(super) fn share_terminal_with(line: Option<Shown>) {
    let mut foot = FOOT.lock().unwrap_or_else(PoisonError::into_inner);
    if foot.is_some() {
        clear();
    }
    *foot = line;
}

/// Draws the line anew with this text, if there is one.
pub(super) fn show(text: String) {
    if let Some(shown) = &mut *FOOT.lock().unwrap_or_else(PoisonError::into_inner) {
        shown.text = text;
        shown.turn += 1;
        shown.draw();
    }
}

/// What stands at the foot of the terminal. Drawn with the alphabet alone: a terminal may know no more.
#[derive(Debug)]
pub(super) struct Shown {
    text: String,
    /// Columns that it may take, lest it wrap.
    width: usize,
    turn: usize,
}

impl Shown {
    /// A line that says nothing yet.
    pub(super) fn new(width: usize) -> Self {
        Self { text: String::new(), width, turn: 0 }
    }

    fn draw(&self) {
        let sign = ["|", "/", "-", "\\"][self.turn % 4];
        let line: String = format!("{sign} {}", self.text).chars().take(self.width.saturating_sub(1)).collect();
        let _ = write!(std::io::stderr(), "\r{line}\x1b[K");
    }
}

/// Takes the line off the terminal.
fn clear() {
    let _ = write!(std::io::stderr(), "\r\x1b[K");
}

/// Lets through what stemsync says, and of the libraries only warnings: at lower levels HTTP libraries log URLs, and
/// the token is part of Komet's URLs (komet-api.md).
struct OwnLines(env_logger::Logger);

impl Log for OwnLines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        let own = metadata.target().split("::").next() == Some("stemsync");
        (own || metadata.level() <= Level::Warn) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let foot = FOOT.lock().unwrap_or_else(PoisonError::into_inner);
        match &*foot {
            Some(shown) => {
                clear();
                self.0.log(record);
                shown.draw();
            }
            None => self.0.log(record),
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// What a line begins with.
#[derive(Clone, Copy)]
enum Form {
    /// The journal adds the time; it reads the priority from `<3>` (error) to `<7>` (debug).
    Journal,
    /// Elsewhere the line says when.
    Stamped(DateTime<Utc>),
}

fn line(record: &Record, form: Form) -> String {
    let about: Vec<_> = ["job", "order"]
        .into_iter()
        .filter_map(|key| record.key_values().get(Key::from(key)))
        .map(|value| value.to_string())
        .filter(|value| !value.is_empty())
        .collect();
    let about = if about.is_empty() { String::new() } else { format!("[{}] ", about.join(" ")) };
    let message = record.args().to_string();
    let message = of_our_link(&message);
    let prefix = match form {
        Form::Journal => format!("<{}>", priority(record.level())),
        Form::Stamped(now) => {
            format!("{} {:<5} ", now.to_rfc3339_opts(SecondsFormat::Secs, true), record.level())
        }
    };
    let told = message.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<_> = told.map(|line| format!("{prefix}{about}{}", plain(line))).collect();
    lines.join("\n")
}

/// syslog's numbers.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(level: Level, pairs: &[(&str, &str)], message: &str, form: Form) -> String {
        line(&Record::builder().level(level).key_values(&pairs).args(format_args!("{message}")).build(), form)
    }

    #[test]
    fn a_line_names_its_job_and_order() {
        let now = Form::Stamped("2026-01-15T10:00:00Z".parse().unwrap());
        let line = told(Level::Warn, &[("order", "AX-1"), ("job", "orders")], "held", now);
        assert_eq!(line, "2026-01-15T10:00:00Z WARN  [orders AX-1] held");
    }

    #[test]
    fn the_journal_gets_priorities_and_no_time_on_every_line() {
        let line = told(Level::Error, &[("job", "labels")], "one\ntwo", Form::Journal);
        assert_eq!(line, "<3>[labels] one\n<3>[labels] two");
    }

    #[test]
    fn the_journal_tells_what_waits_for_a_person_from_what_is_told_to_who_looks_closely() {
        let first = |level| told(level, &[], "so", Form::Journal);
        let all = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(first);
        assert_eq!(all, ["<3>so", "<4>so", "<6>so", "<7>so", "<7>so"]);
    }

    #[test]
    fn foreign_control_characters_stay_out_of_the_terminal() {
        let line = told(Level::Info, &[], "red \u{1b}[31m", Form::Journal);
        assert_eq!(line, "<6>red  [31m");
    }

    #[test]
    fn libraries_are_not_logged_below_warnings_whatever_is_asked() {
        let logger = OwnLines(env_logger::Builder::new().parse_filters("trace").build());
        let at = |target, level| logger.enabled(&Metadata::builder().target(target).level(level).build());
        assert!(at("stemsync::sync", Level::Trace) && at("stemsync", Level::Debug));
        assert!(at("reqwest::connect", Level::Warn) && !at("reqwest::connect", Level::Debug));
        assert!(!at("stemsyncer", Level::Info));
    }
}
