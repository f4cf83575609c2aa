//! What a delivery says: everything that is to be told, in one message for people, its lines plain text with commands in
//! backticks, and as fields for scripts. Many new holds become a digest: counted by reason, the most urgent ship dates
//! first, and the command that shows them all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::what::Notice;
use super::words;
use crate::domain::{HoldReason, Zone};
use crate::reports::words::of_link;
use crate::store::holds::HoldRow;
use crate::store::notices::NoticeRow;

/// More new holds than these in one delivery are not told one by one.
const MANY: usize = 5;

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The machine.
    pub host: String,
    /// The link, where a machine has several: the name of its configuration.
    pub link: Option<String>,
    /// How the program is called for it.
    pub command: String,
    /// In which times are told.
    pub zone: Zone,
}

impl Origin {
    fn told(&self) -> String {
        match &self.link {
            Some(link) => format!("{link} on {}", self.host),
            None => self.host.clone(),
        }
    }
}

/// What a channel has not told yet.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Notices, the oldest first.
    pub notices: Vec<NoticeRow>,
    /// The new holds among them that are still open, the most urgent first.
    pub holds: Vec<HoldRow>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// What is the matter, on one line.
    pub subject: String,
    /// The rest, for people.
    pub lines: Vec<String>,
    /// The same for scripts.
    pub fields: Value,
    /// The same for the same news, however often it is sent.
    pub key: String,
}

/// Words a message; `None` where nothing is left to tell.
pub fn compose(origin: &Origin, news: &News) -> Option<Message> {
    let events: Vec<&NoticeRow> =
        news.notices.iter().filter(|row| !matches!(row.notice, Notice::Holds { .. })).collect();
    if events.is_empty() && news.holds.is_empty() {
        return None;
    }
    let lasting = events.iter().enumerate().filter(|(at, row)| !is_over(&row.notice, &events[at + 1..]));
    let mut titles: Vec<(u8, String)> = lasting.map(|(_, row)| title(&row.notice)).collect();
    titles.extend(holds_title(&news.holds).map(|title| (3, title)));
    titles.sort_by_key(|(rank, _)| *rank);
    let more = match titles.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    let mut lines: Vec<String> = events.iter().map(|row| event_line(origin, row)).collect();
    lines.extend(hold_lines(&news.holds));
    for line in &mut lines {
        *line = of_link(line, &origin.command).into_owned();
    }
    let last = news.notices.last();
    let stamp = last.map_or(0, |row| row.at.timestamp());
    Some(Message {
        subject: format!("stemsync {}: {}{more}", origin.told(), titles[0].1),
        lines,
        fields: fields(origin, &events, &news.holds),
        key: format!("{}.{stamp}", last.map_or(0, |row| row.id)),
    })
}

impl Message {
    /// Subject and lines as one text.
    pub fn text(&self) -> String {
        let mut text = self.subject.clone();
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }
}

/// Whether what a notice tells of is over by what comes after it: then it is told, but is not what is the matter.
fn is_over(notice: &Notice, later: &[&NoticeRow]) -> bool {
    later.iter().any(|row| match (notice, &row.notice) {
        (Notice::SystemDown { system, .. }, Notice::SystemRecovered { system: back, .. }) => system == back,
        (Notice::JobFailing { job, .. }, Notice::JobRecovered { job: well, .. }) => job == well,
        _ => false,
    })
}

/// What a notice is about, and its rank: the lower, the worse.
fn title(notice: &Notice) -> (u8, String) {
    match notice {
        Notice::SystemDown { system, .. } => (0, format!("{} is down", system.title())),
        Notice::DatabaseFailing { .. } => (0, "the database cannot be used".to_owned()),
        Notice::DatabaseRecovered { .. } => (4, "the database can be used again".to_owned()),
        Notice::QuotaSpent { .. } => (1, "Komet's quota of the day is spent".to_owned()),
        Notice::JobFailing { job, .. } => (2, format!("the job {} fails", job.name())),
        // Told by `holds_title`.
        Notice::Holds { .. } => (3, String::new()),
        Notice::SystemRecovered { system, .. } => (4, format!("{} answers again", system.title())),
        Notice::JobRecovered { job, .. } => (5, format!("the job {} is well again", job.name())),
    }
}

fn holds_title(holds: &[HoldRow]) -> Option<String> {
    match holds {
        [] => None,
        [hold] => Some(match &hold.order {
            Some(order) => format!("order {} waits for a person", words::id(order)),
            None => "cancellations wait for a person".to_owned(),
        }),
        many => Some(format!("{} holds wait for a person", many.len())),
    }
}

fn event_line(origin: &Origin, row: &NoticeRow) -> String {
    let time = |at: &DateTime<Utc>| at.with_timezone(&origin.zone).format("%Y-%m-%d %H:%M %Z").to_string();
    let lasted = |since: &DateTime<Utc>| minutes(row.at - *since);
    match &row.notice {
        Notice::SystemDown { system, since, cause } => format!(
            "{} has been down since {}: {}. Nothing is lost; stemsync goes on by itself when it answers. `stemsync \
             check` says more.",
            system.title(),
            time(since),
            words::of_cause(*cause, *system)
        ),
        Notice::SystemRecovered { system, since } => {
            format!("{} answers again; it was down for {}.", system.title(), lasted(since))
        }
        Notice::QuotaSpent { limit, resets_at } => format!(
            "Komet's quota of {limit} requests a day is spent: what goes to Komet waits until {}. Axerrio is still \
             read. `stemsync status` says what waits.",
            time(resets_at)
        ),
        Notice::JobFailing { job, since, cause } => {
            let why = cause.map(|cause| format!(" ({})", words::of_cause(cause, job.polls()))).unwrap_or_default();
            let name = job.name();
            format!(
                "The job {name} failed three times in a row, first at {}{why}. It is tried again on its schedule. \
                 `stemsync history --job {name}` says more.",
                time(since)
            )
        }
        Notice::JobRecovered { job, since } => {
            format!("The job {} is well again; it had failed for {}.", job.name(), lasted(since))
        }
        Notice::DatabaseFailing { since, cause } => format!(
            "stemsync has not been able to use its database since {}: {}. Until it can, no job runs: nothing is lost, and \
             nothing goes from one system to the other. {} It goes on by itself then.",
            time(since),
            cause.words(),
            words::to_do_about(*cause)
        ),
        Notice::DatabaseRecovered { since } => {
            format!("stemsync can use its database again; it could not for {}. Its jobs go on.", lasted(since))
        }
        Notice::Holds { .. } => String::new(),
    }
}

fn minutes(time: chrono::TimeDelta) -> String {
    match time.num_minutes().max(1) {
        n @ 1..=119 => format!("{n} min"),
        n @ 120..=2879 => format!("{} h", n / 60),
        n => format!("{} days", n / 1440),
    }
}

fn hold_lines(holds: &[HoldRow]) -> Vec<String> {
    if holds.len() <= MANY {
        return holds.iter().map(hold_line).collect();
    }
    let mut lines = vec![format!("{} holds are new:", holds.len())];
    for (reason, count) in by_reason(holds) {
        lines.push(format!("- {count} {}: {}", reason.name(), words::of_reason(reason).0));
    }
    lines.push("The most urgent:".to_owned());
    lines.extend(holds.iter().take(MANY).map(|hold| format!("- {}, {}", about(hold), hold.reason.name())));
    lines.push("All of them, with what to do: `stemsync holds`".to_owned());
    lines
}

fn hold_line(hold: &HoldRow) -> String {
    let (happened, to_do) = words::of_hold(hold.reason, &hold.cause);
    let to_do = to_do.replace("{id}", &hold.id.to_string());
    let (about, id) = (about(hold), hold.id);
    format!("Hold {id}, {about}: {happened}. To do: {to_do}. `stemsync holds` says more.")
}

/// `order AX-100234, line 2, ships 2026-02-03`
fn about(hold: &HoldRow) -> String {
    let order = hold.order.as_ref().map(|order| format!("order {}", words::id(order)));
    let line = hold.line.as_ref().map(|line| format!(", line {}", words::id(&line.0)));
    let ships = hold.ship_date.map(|date| format!(", ships {date}"));
    let order = order.unwrap_or_else(|| "several orders".to_owned());
    format!("{order}{}{}", line.unwrap_or_default(), ships.unwrap_or_default())
}

/// How many there are of each reason, the most frequent first.
fn by_reason(holds: &[HoldRow]) -> Vec<(HoldReason, usize)> {
    let mut counts: BTreeMap<HoldReason, usize> = BTreeMap::new();
    for hold in holds {
        *counts.entry(hold.reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn fields(origin: &Origin, events: &[&NoticeRow], holds: &[HoldRow]) -> Value {
    let by_reason: BTreeMap<_, _> =
        by_reason(holds).into_iter().map(|(reason, count)| (reason.name(), count)).collect();
    let first: Vec<_> = holds
        .iter()
        .take(MANY)
        .map(|hold| {
            json!({
                "id": hold.id,
                "reason": hold.reason.name(),
                "order": hold.order.as_deref().map(words::id),
                "line": hold.line.as_ref().map(|line| words::id(&line.0)),
                "ship_date": hold.ship_date,
                "since": hold.since,
            })
        })
        .collect();
    let events: Vec<_> = events
        .iter()
        .map(|row| {
            let mut event = json!(row.notice);
            event["at"] = json!(row.at);
            event
        })
        .collect();
    json!({
        "host": origin.host,
        "link": origin.link,
        "holds": {"new": holds.len(), "by_reason": by_reason, "first": first},
        "events": events,
    })
}

#[cfg(test)]
#[path = "digest_tests.rs"]
mod tests;
