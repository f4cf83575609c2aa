//! Notices: what people are to be told, how far each channel has come with telling it, and what is going wrong. It is
//! kept here because several processes share one link: what one of them told no other tells again.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::columns::{Time, from_doc, to_doc};
use crate::notify::what::{Notice, Subject, Trouble, Troubles};
use crate::sync::report::Job;
use crate::systems::System;

/// A notice on file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Its number, never used again.
    pub id: i64,
    /// When it came up.
    pub at: DateTime<Utc>,
    /// What it says.
    pub notice: Notice,
}

/// How far a channel has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelRow {
    /// The last notice that was told, or given up.
    pub told: i64,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// Not tried before this time.
    pub next_at: Option<DateTime<Utc>>,
    /// A process is at it; after this time it is not any more, whatever became of it.
    pub claimed_until: Option<DateTime<Utc>>,
}

/// Adds a notice.
pub fn add(conn: &Connection, at: DateTime<Utc>, notice: &Notice) -> Result<(), StoreError> {
    let doc = to_doc(notice, "notice")?;
    conn.prepare_cached("INSERT INTO notices (at, doc) VALUES (?1, ?2)")?.execute(params![Time(at), doc])?;
    Ok(())
}

/// The notices after one, the first one first.
pub fn after(conn: &Connection, id: i64) -> Result<Vec<NoticeRow>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT id, at, doc FROM notices WHERE id > ?1 ORDER BY id")?;
    let mut rows = statement.query([id])?;
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let doc: String = row.get(2)?;
        let notice = from_doc(&doc, format_args!("notice {id}"))?;
        notices.push(NoticeRow { id, at: row.get::<_, Time>(1)?.0, notice });
    }
    Ok(notices)
}

/// Whether there is a notice after one.
pub fn is_any_after(conn: &Connection, id: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM notices WHERE id > ?1)";
    Ok(conn.prepare_cached(sql)?.query_row([id], |row| row.get(0))?)
}

/// Drops the notices up to one.
pub fn drop_to(conn: &Connection, id: i64) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM notices WHERE id <= ?1")?.execute([id])?;
    Ok(())
}

/// How far a channel has come; at the very beginning, if it was never used.
pub fn channel(conn: &Connection, name: &str) -> Result<ChannelRow, StoreError> {
    let sql = "SELECT told, attempts, next_at, claimed_until FROM notice_channels WHERE channel = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let row = statement.query_row([name], |row| {
        Ok(ChannelRow {
            told: row.get(0)?,
            attempts: row.get(1)?,
            next_at: row.get::<_, Option<Time>>(2)?.map(|at| at.0),
            claimed_until: row.get::<_, Option<Time>>(3)?.map(|at| at.0),
        })
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Writes down how far a channel has come.
pub fn set_channel(conn: &Connection, name: &str, row: &ChannelRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO notice_channels (channel, told, attempts, next_at, claimed_until)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (channel) DO UPDATE SET told = excluded.told, attempts = excluded.attempts,
               next_at = excluded.next_at, claimed_until = excluded.claimed_until";
    conn.prepare_cached(sql)?.execute(params![
        name,
        row.told,
        row.attempts,
        row.next_at.map(Time),
        row.claimed_until.map(Time)
    ])?;
    Ok(())
}

/// Under this name the time before which the quota is not told of again is kept as a trouble's `since`.
const QUOTA: &str = "quota";

/// What is going wrong.
pub fn troubles(conn: &Connection) -> Result<Troubles, StoreError> {
    let mut statement = conn.prepare_cached("SELECT subject, since, times, told FROM troubles")?;
    let mut rows = statement.query([])?;
    let mut troubles = Troubles::default();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let since = row.get::<_, Time>(1)?.0;
        if name == QUOTA {
            troubles.quota_until = Some(since);
        } else if let Some(subject) = subject(&name) {
            troubles.of.insert(subject, Trouble { since, times: row.get(2)?, told: row.get(3)? });
        } else {
            return Err(StoreError::document("troubles", format_args!("{name:?} is no subject")));
        }
    }
    Ok(troubles)
}

/// Writes down what is going wrong, in place of what was.
pub fn set_troubles(conn: &Connection, troubles: &Troubles) -> Result<(), StoreError> {
    conn.prepare_cached("DELETE FROM troubles")?.execute([])?;
    let sql = "INSERT INTO troubles (subject, since, times, told) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = conn.prepare_cached(sql)?;
    for (subject, trouble) in &troubles.of {
        statement.execute(params![name(*subject), Time(trouble.since), trouble.times, trouble.told])?;
    }
    if let Some(until) = troubles.quota_until {
        statement.execute(params![QUOTA, Time(until), 1, true])?;
    }
    Ok(())
}

fn name(subject: Subject) -> String {
    match subject {
        Subject::Job(job) => format!("job {}", job.name()),
        Subject::System(system) => format!("system {}", system.name()),
    }
}

fn subject(name: &str) -> Option<Subject> {
    match name.split_once(' ')? {
        ("job", job) => Job::parse(job).map(Subject::Job),
        ("system", system) => {
            let all = [System::Axerrio, System::Komet];
            all.into_iter().find(|one| one.name() == system).map(Subject::System)
        }
        _ => None,
    }
}

/// The newest hold that was put among the notices, and the newest there is; `None` where none is newer.
pub fn unseen_holds(conn: &Connection) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT hold, (SELECT max(id) FROM holds) FROM notices_seen";
    let (seen, newest): (i64, Option<i64>) =
        conn.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(newest.filter(|newest| *newest > seen).map(|newest| (seen, newest)))
}

/// The holds up to this one are among the notices.
pub fn set_seen_holds(conn: &Connection, newest: i64) -> Result<(), StoreError> {
    conn.prepare_cached("UPDATE notices_seen SET hold = ?1")?.execute([newest])?;
    Ok(())
}
