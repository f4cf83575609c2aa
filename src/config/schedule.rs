//! When a job runs: a cron pattern with seconds, or never by itself.

mod nights;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// When a job runs by itself.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Only when somebody asks.
    Off,
    /// By the clock. The pattern fires at least once, ever.
    Cron(Box<Cron>),
}

impl Schedule {
    /// Reads `"off"` or a cron pattern of six fields, the first of them seconds. The error is for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        let fields = text.split_whitespace().count();
        if fields != 6 && !text.starts_with('@') {
            let noun = if fields == 1 { "field" } else { "fields" };
            return Err(format!("{fields} {noun} instead of six"));
        }
        let cron = parser.parse(text).map_err(|error| error.to_string().trim_end_matches('.').to_owned())?;
        // Without a year a pattern fires within a leap cycle or never, whatever the day it is asked.
        let any_day = DateTime::UNIX_EPOCH;
        if cron.find_next_occurrence(&any_day, false).is_err() {
            return Err("it never fires".to_owned());
        }
        Ok(Self::Cron(Box::new(cron)))
    }

    /// As written in the file.
    pub fn text(&self) -> &str {
        match self {
            Self::Off => "off",
            Self::Cron(cron) => cron.as_str(),
        }
    }

    /// The first time after `now` at which it fires by the clock of `zone`; see `nights` for those that a change of
    /// clocks repeats or leaves out.
    pub fn next_after(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Off => None,
            Self::Cron(cron) => nights::next_after(cron, now, zone),
        }
    }
}
