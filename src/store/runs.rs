//! Runs and how they ended, for `status` and `history`. A run that found nothing takes the place of the one before it
//! if that found nothing over the same jobs, so that polling every two minutes does not fill the disk. Which run came
//! after which is told by their ids alone: their times are those of a clock that somebody may have set.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use ulid::Ulid;

use super::StoreError;
use super::columns::{Named, Time, from_doc, to_doc};
use super::retention::STEP;
use crate::sync::report::{Job, Outcome, RunReport};

/// One run on file, or several quiet ones in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The last one's id, a ULID.
    pub id: String,
    /// What started it.
    pub trigger: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it finished; `None` while it runs, or if it crashed.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Nothing was found.
    pub quiet: bool,
    /// How many quiet runs before it this row stands for.
    pub repeats: u32,
    /// When the first of them started.
    pub first_started_at: DateTime<Utc>,
    /// What it reported, without actions: these are events.
    pub report: Option<RunReport>,
}

/// When a job last ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// When it last finished, however it ended.
    pub last_run: DateTime<Utc>,
    /// When it last finished with both systems in reach.
    pub last_success: Option<DateTime<Utc>>,
    /// Whether its last run did.
    pub succeeded: bool,
}

/// An id for a run that starts: a ULID, and greater than every other one, also than those of a clock that was ahead.
pub fn next_id(conn: &Connection, now: DateTime<Utc>) -> Result<String, StoreError> {
    let last: Option<String> = conn.prepare_cached("SELECT max(id) FROM runs")?.query_row([], |row| row.get(0))?;
    let last = last.and_then(|last| Ulid::from_string(&last).ok());
    // Either way of it is the next one: the random part may be at its end.
    let after = last.map(|last| last.increment().unwrap_or_else(|carried| carried));
    let by_clock = Ulid::from_datetime(now.into());
    Ok(after.map_or(by_clock, |after| after.max(by_clock)).to_string())
}

/// Records that a run starts.
pub fn begin(conn: &Connection, id: &str, trigger: &str, started_at: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "INSERT INTO runs (id, trigger, started_at, first_started_at) VALUES (?1, ?2, ?3, ?3)";
    conn.prepare_cached(sql)?.execute(params![id, trigger, Time(started_at)])?;
    Ok(())
}

/// Records how a run ended. `quiet`: it found nothing and did nothing.
pub fn finish(conn: &Connection, report: &RunReport, quiet: bool) -> Result<(), StoreError> {
    let jobs: Vec<_> = report.jobs.iter().map(|job| job.job.name()).collect();
    let jobs = jobs.join(",");
    let earlier = if quiet { take_quiet(conn, &report.run, &jobs, report.outcome)? } else { None };
    let doc = to_doc(&without_actions(report), "run")?;
    let sql = "UPDATE runs SET finished_at = ?2, jobs = ?3, outcome = ?4, quiet = ?5, report = ?6,
               repeats = ?7, first_started_at = coalesce(?8, first_started_at) WHERE id = ?1";
    conn.prepare_cached(sql)?.execute(params![
        report.run,
        Time(report.finished_at),
        jobs,
        report.outcome.name(),
        quiet,
        doc,
        earlier.as_ref().map_or(0, |(repeats, _)| repeats + 1),
        earlier.map(|(_, first)| first),
    ])?;
    let sql = "INSERT INTO run_jobs (run, job, outcome, finished_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (run, job) DO UPDATE SET outcome = excluded.outcome, finished_at = excluded.finished_at";
    let mut statement = conn.prepare_cached(sql)?;
    for job in &report.jobs {
        statement.execute(params![report.run, job.job.name(), job.outcome.name(), Time(report.finished_at)])?;
    }
    Ok(())
}

/// When the last run that finished did so.
pub fn last_end(conn: &Connection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "SELECT finished_at FROM runs WHERE finished_at IS NOT NULL ORDER BY id DESC LIMIT 1";
    let last = conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, Time>(0)).optional()?;
    Ok(last.map(|at| at.0))
}

/// Removes the last finished run over the same jobs if it was as quiet and ended alike; tells its repeats and when
/// the first of them started.
fn take_quiet(
    conn: &Connection,
    run: &str,
    jobs: &str,
    outcome: Outcome,
) -> Result<Option<(u32, Time)>, StoreError> {
    // What cleared a hold, for one, is told of by its events, and they by their run.
    let sql =
        "SELECT id, quiet AND NOT EXISTS (SELECT 1 FROM events WHERE run = id), outcome, repeats, first_started_at
               FROM runs WHERE jobs = ?1 AND id <> ?2 ORDER BY id DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    let row = |row: &Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, Named<Outcome>>(2)?.0, row.get(3)?, row.get(4)?))
    };
    match statement.query_row([jobs, run], row).optional()? {
        Some((id, true, ended, repeats, first)) if ended == outcome => {
            conn.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([id])?;
            Ok(Some((repeats, first)))
        }
        _ => Ok(None),
    }
}

fn without_actions(report: &RunReport) -> RunReport {
    RunReport {
        run: report.run.clone(),
        dry_run: report.dry_run,
        outcome: report.outcome,
        started_at: report.started_at,
        finished_at: report.finished_at,
        jobs: report.jobs.clone(),
        actions: Vec::new(),
        quota: report.quota,
    }
}

/// When a job last ran and last succeeded; `None` if it never finished.
pub fn last(conn: &Connection, job: Job) -> Result<Option<LastRun>, StoreError> {
    // The plus keeps the index away, which would have every run of the job sorted: the last ones are met first.
    let sql = "SELECT finished_at, outcome IN ('ok', 'attention'),
               (SELECT finished_at FROM run_jobs WHERE +job = ?1 AND outcome IN ('ok', 'attention')
                ORDER BY run DESC LIMIT 1)
               FROM run_jobs WHERE +job = ?1 ORDER BY run DESC LIMIT 1";
    let row = |row: &Row<'_>| {
        Ok(LastRun {
            last_run: row.get::<_, Time>(0)?.0,
            succeeded: row.get(1)?,
            last_success: row.get::<_, Option<Time>>(2)?.map(|at| at.0),
        })
    };
    Ok(conn.prepare_cached(sql)?.query_row([job.name()], row).optional()?)
}

/// The run that started last.
pub fn latest(conn: &Connection) -> Result<Option<RunRow>, StoreError> {
    Ok(list(conn, None, 1)?.pop())
}

/// Runs, the newest first; with `job` those that it was part of.
pub fn list(conn: &Connection, job: Option<Job>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
    page(conn, job, limit, 0)
}

/// How many runs are on file; with `job` those that it was part of.
pub fn count(conn: &Connection, job: Option<Job>) -> Result<u64, StoreError> {
    let sql =
        "SELECT iif(?1 IS NULL, (SELECT count(*) FROM runs), (SELECT count(*) FROM run_jobs WHERE job = ?1))";
    let count: i64 = conn.prepare_cached(sql)?.query_row([job.map(Job::name)], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// As [`list`], after the `skip` newest.
pub fn page(conn: &Connection, job: Option<Job>, limit: u32, skip: u64) -> Result<Vec<RunRow>, StoreError> {
    let sql =
        "SELECT id, trigger, started_at, finished_at, outcome, quiet, repeats, first_started_at, report FROM runs
               WHERE ?1 IS NULL OR id IN (SELECT run FROM run_jobs WHERE job = ?1) ORDER BY id DESC LIMIT ?2 OFFSET ?3";
    let mut statement = conn.prepare_cached(sql)?;
    let skip = i64::try_from(skip).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![job.map(Job::name), limit, skip])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(from_row(row)?);
    }
    Ok(runs)
}

/// One run.
pub fn get(conn: &Connection, id: &str) -> Result<Option<RunRow>, StoreError> {
    let sql =
        "SELECT id, trigger, started_at, finished_at, outcome, quiet, repeats, first_started_at, report FROM runs
               WHERE id = ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(from_row).transpose()
}

/// The runs that ended before `before`, of the [`STEP`] oldest on file, but each job's last run and last success. One that
/// broke off has no end, and goes by when it started.
pub(super) fn old(conn: &Connection, before: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM (SELECT id, coalesce(finished_at, started_at) AS at FROM runs ORDER BY id LIMIT ?2)
               WHERE at < ?1";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params![Time(before), STEP], |row| row.get(0))?;
    let mut old: Vec<String> = rows.collect::<Result<_, _>>()?;
    if !old.is_empty() {
        let kept = last_of_each_job(conn)?;
        old.retain(|id| !kept.contains(id));
    }
    Ok(old)
}

/// Drops such runs, a step's worth; says how many.
pub fn prune(conn: &Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let mut delete = conn.prepare_cached("DELETE FROM runs WHERE id = ?1")?;
    let mut dropped = 0;
    for id in old(conn, before)? {
        dropped += delete.execute([id])?;
    }
    Ok(dropped)
}

/// The last run of each job, and its last success: what `status` tells of, however long ago it was.
fn last_of_each_job(conn: &Connection) -> Result<BTreeSet<String>, StoreError> {
    let mut last = conn.prepare_cached("SELECT run FROM run_jobs WHERE job = ?1 ORDER BY run DESC LIMIT 1")?;
    let mut last_success = conn.prepare_cached(
        "SELECT run FROM run_jobs WHERE job = ?1 AND outcome IN ('ok', 'attention') ORDER BY run DESC LIMIT 1",
    )?;
    let mut kept = BTreeSet::new();
    for job in Job::ALL {
        for statement in [&mut last, &mut last_success] {
            kept.extend(statement.query_row([job.name()], |row| row.get::<_, String>(0)).optional()?);
        }
    }
    Ok(kept)
}

fn from_row(row: &Row<'_>) -> Result<RunRow, StoreError> {
    let id: String = row.get(0)?;
    let report: Option<String> = row.get(8)?;
    Ok(RunRow {
        report: report.map(|doc| from_doc(&doc, format_args!("run {id}"))).transpose()?,
        id,
        trigger: row.get(1)?,
        started_at: row.get::<_, Time>(2)?.0,
        finished_at: row.get::<_, Option<Time>>(3)?.map(|t| t.0),
        outcome: row.get::<_, Option<Named<_>>>(4)?.map(|name| name.0),
        quiet: row.get(5)?,
        repeats: row.get(6)?,
        first_started_at: row.get::<_, Time>(7)?.0,
    })
}
