//! When a job runs: a cron pattern with seconds, or never by itself.

mod nights;

use crate::domain::Zone;
use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// The fields of a pattern, and what each may hold.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31"),
    ("month", "1 to 12 or JAN to DEC"),
    ("weekday", "0 to 7 or SUN to SAT"),
];

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
        let fields: Vec<_> = text.split_whitespace().collect();
        // croner would take nicknames such as `@hourly`.
        if fields.len() != FIELDS.len() {
            let noun = if fields.len() == 1 { "field" } else { "fields" };
            return Err(format!("{} {noun} instead of six", fields.len()));
        }
        let cron = parser.parse(text).map_err(|_| wrong_field(parser, &fields))?;
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
    pub fn next_after(&self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        match self {
            Self::Off => None,
            Self::Cron(cron) => nights::next_after(cron, now, zone),
        }
    }
}

/// Which field it is that croner, whose texts name none, does not take: the first that it refuses among stars.
fn wrong_field(parser: CronParser, fields: &[&str]) -> String {
    let is_wrong = |place: usize, field: &str| {
        let mut alone = ["*"; FIELDS.len()];
        alone[place] = field;
        parser.parse(&alone.join(" ")).is_err()
    };
    let wrong = fields.iter().zip(FIELDS).enumerate().find(|(place, (field, _))| is_wrong(*place, field));
    match wrong {
        Some((_, (field, (name, range)))) => format!("the {name} is {field:?}: it goes from {range}"),
        None => "it is no cron pattern".to_owned(),
    }
}
