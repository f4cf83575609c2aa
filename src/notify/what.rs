//! Which events deserve a notice. One pure function, [`judge`], takes what is going wrong so far and what a run showed,
//! and says what is going wrong now and what people are to be told of it. New holds are not judged here: each is told
//! once, and the database numbers them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::store::Fault as StoreFault;
use crate::sync::RunEnd;
use crate::sync::report::{Job, JobReport, Outcome};
use crate::systems::{Fault, System};

/// A job is told of when it failed in so many runs in a row: one failure is mended by the next run more often than not.
const FAILURES: u32 = 3;

/// A system is told of when no run reached it for so long.
pub const DOWN: TimeDelta = TimeDelta::minutes(15);

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Holds are new: those with numbers above `after` up to `last` that are still open when it is told.
    Holds {
        /// The last hold before them.
        after: i64,
        /// The last of them.
        last: i64,
    },
    /// A job failed three times in a row.
    JobFailing {
        /// The job.
        job: Job,
        /// When it first failed.
        since: DateTime<Utc>,
        /// Why it failed the last time, where that is known.
        cause: Option<Cause>,
    },
    /// A job that was told of is well again.
    JobRecovered {
        /// The job.
        job: Job,
        /// When it had first failed.
        since: DateTime<Utc>,
    },
    /// Komet's quota of the day is spent.
    QuotaSpent {
        /// Requests a day.
        limit: u64,
        /// When the next day begins, by Komet's clock.
        resets_at: DateTime<Utc>,
    },
    /// A system was out of reach for a quarter of an hour.
    SystemDown {
        /// The system.
        system: System,
        /// When a run first found it so.
        since: DateTime<Utc>,
        /// What is wrong with it.
        cause: Cause,
    },
    /// A system that was told of answers again.
    SystemRecovered {
        /// The system.
        system: System,
        /// When a run had first found it out of reach.
        since: DateTime<Utc>,
    },
    /// The daemon could not use the database for a quarter of an hour. The outbox, which is in it, never has this.
    DatabaseFailing {
        /// When it was first refused.
        since: DateTime<Utc>,
        /// Why it was refused the last time.
        cause: DatabaseCause,
    },
    /// The daemon uses the database again, after that was told.
    DatabaseRecovered {
        /// When it had first been refused.
        since: DateTime<Utc>,
    },
}

/// Why the database cannot be used, of what may pass by itself or by a person's hand while the daemon goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseCause {
    /// There is no room for a write.
    Full,
    /// Another process keeps it locked.
    Locked,
    /// The disk refuses.
    Disk,
}

impl DatabaseCause {
    /// `None` for what no daemon outlives.
    pub fn of(fault: &StoreFault) -> Option<Self> {
        match fault {
            StoreFault::Full => Some(Self::Full),
            StoreFault::Locked => Some(Self::Locked),
            StoreFault::Disk(_) => Some(Self::Disk),
            _ => None,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "the disk is full",
            Self::Locked => "another process keeps it locked",
            Self::Disk => "the disk cannot be read or written",
        }
    }
}

/// Why a request failed: the kind of fault alone. What a system says in its own words may hold anything, a customer's
/// name and a price included, and stays out of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No connection came about.
    Unreachable,
    /// It refuses the token.
    Unauthorized,
    /// It asks to wait.
    Throttled,
    /// It does not answer in time.
    TimedOut,
    /// Its connections break.
    Broken,
    /// It reports errors of its own.
    Server,
    /// It answers, in a way that makes no sense.
    Unreadable,
    /// It answers and refuses.
    Rejected,
}

impl Cause {
    /// `None` for a spent quota, which is an event of its own, and for what was not sent because of the database or a signal.
    fn of(fault: &Fault) -> Option<Self> {
        Some(match fault {
            Fault::Unreachable(_) | Fault::NoSuchAddress(_) => Self::Unreachable,
            Fault::Unauthorized(_) => Self::Unauthorized,
            Fault::QuotaSpent(_) | Fault::Uncounted(_) | Fault::Stopped => return None,
            Fault::Throttled(_) => Self::Throttled,
            Fault::TimedOut(_) => Self::TimedOut,
            Fault::Broken(_) => Self::Broken,
            Fault::Server(_) => Self::Server,
            Fault::Page(_) | Fault::TooLong | Fault::Unreadable(_) => Self::Unreadable,
            Fault::Rejected(_) | Fault::NotFound(_) | Fault::TooLarge(_) => Self::Rejected,
        })
    }

    /// Whether the whole system is of no use.
    fn is_down(self) -> bool {
        !matches!(self, Self::Unreadable | Self::Rejected)
    }
}

/// What can go wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A job fails.
    Job(Job),
    /// A system is out of reach.
    System(System),
}

/// What goes wrong with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: DateTime<Utc>,
    /// In how many runs in a row; not counted on once people were told.
    pub times: u32,
    /// Whether people were told.
    pub told: bool,
}

/// All that goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// By what it is about.
    pub of: BTreeMap<Subject, Trouble>,
    /// That the quota is spent was told, and is not told again before this time.
    pub quota_until: Option<DateTime<Utc>>,
}

/// What a run showed of the jobs and systems it had to do with. What is absent it says nothing about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    jobs: BTreeMap<Job, JobSeen>,
    systems: BTreeMap<System, SystemSeen>,
    /// The quota's limit and when its next day begins.
    quota: Option<(u64, DateTime<Utc>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JobSeen {
    Well,
    /// Why, where that is known.
    Failed(Option<Cause>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SystemSeen {
    Up,
    Down(Cause),
}

impl Seen {
    /// What a run shows.
    ///
    /// A run that was stopped shows nothing of its jobs: they were broken off; nor does one in which a job had nothing to
    /// ask. A job that failed because the quota is
    /// spent did not fail by itself; that is told as what it is.
    pub fn by(end: &RunEnd) -> Self {
        let quota = end.quota_spent().then_some((end.report.quota.limit, end.report.quota.resets_at));
        let jobs = end.report.jobs.iter().filter_map(|job| Some((job.job, seen_of_job(end, job)?)));
        let systems = [System::Axerrio, System::Komet];
        let systems = systems.into_iter().filter_map(|system| Some((system, seen_of_system(end, system)?)));
        Self { jobs: jobs.collect(), systems: systems.collect(), quota }
    }
}

fn seen_of_job(end: &RunEnd, job: &JobReport) -> Option<JobSeen> {
    if end.stopped {
        return None;
    }
    if job.outcome != Outcome::Failed {
        return end.has_read(job).then_some(JobSeen::Well);
    }
    let own = end.failures.iter().find(|(of, _)| *of == job.job).map(|(_, error)| error);
    // What is known to be out of reach is not asked again.
    match own.or_else(|| end.down.iter().find(|error| error.system == job.job.polls())) {
        Some(error) => Cause::of(&error.fault).map(|cause| JobSeen::Failed(Some(cause))),
        None => Some(JobSeen::Failed(None)),
    }
}

/// Whether a system answers: one job that read it in full says so, whatever went wrong beside it.
fn seen_of_system(end: &RunEnd, system: System) -> Option<SystemSeen> {
    if end.report.jobs.iter().any(|job| job.job.polls() == system && end.has_read(job)) {
        return Some(SystemSeen::Up);
    }
    let errors = end.failures.iter().map(|(_, error)| error).chain(&end.down);
    let causes: Vec<_> = errors.filter(|e| e.system == system).filter_map(|e| Cause::of(&e.fault)).collect();
    match causes.iter().find(|cause| cause.is_down()) {
        Some(cause) => Some(SystemSeen::Down(*cause)),
        // Who refuses is there.
        None => (!causes.is_empty()).then_some(SystemSeen::Up),
    }
}

/// What goes wrong after a run, and what people are to be told.
///
/// - A job is told of when it failed in three runs in a row, and again when it succeeds.
/// - A system is told of when the runs of a quarter of an hour or longer all found it out of reach, and again when it
///   answers. One run alone never says how long.
/// - The quota is told of once a day of Komet's.
///
/// Each is told once, however long it lasts.
pub fn judge(before: &Troubles, seen: &Seen, now: DateTime<Utc>) -> (Troubles, Vec<Notice>) {
    let mut troubles = before.clone();
    let mut notices = Vec::new();
    for (&system, &found) in &seen.systems {
        let subject = Subject::System(system);
        let SystemSeen::Down(cause) = found else {
            let over = troubles.of.remove(&subject).filter(|trouble| trouble.told);
            notices.extend(over.map(|trouble| Notice::SystemRecovered { system, since: trouble.since }));
            continue;
        };
        let trouble = troubles.again(subject, now);
        if !trouble.told && now - trouble.since >= DOWN {
            trouble.told = true;
            notices.push(Notice::SystemDown { system, since: trouble.since, cause });
        }
    }
    if let Some((limit, resets_at)) = seen.quota
        && before.quota_until.is_none_or(|until| until <= now)
    {
        troubles.quota_until = Some(resets_at);
        notices.push(Notice::QuotaSpent { limit, resets_at });
    }
    for (&job, &found) in &seen.jobs {
        let subject = Subject::Job(job);
        let JobSeen::Failed(cause) = found else {
            let over = troubles.of.remove(&subject).filter(|trouble| trouble.told);
            notices.extend(over.map(|trouble| Notice::JobRecovered { job, since: trouble.since }));
            continue;
        };
        let trouble = troubles.again(subject, now);
        if !trouble.told && trouble.times >= FAILURES {
            trouble.told = true;
            notices.push(Notice::JobFailing { job, since: trouble.since, cause });
        }
    }
    (troubles, notices)
}

impl Troubles {
    /// It goes wrong once more, or for the first time.
    fn again(&mut self, subject: Subject, now: DateTime<Utc>) -> &mut Trouble {
        let trouble = self.of.entry(subject).or_insert(Trouble { since: now, times: 0, told: false });
        // A clock that was set back must not make a trouble younger than nothing.
        trouble.since = trouble.since.min(now);
        if !trouble.told {
            trouble.times += 1;
        }
        trouble
    }
}

#[cfg(test)]
#[path = "what_tests.rs"]
mod tests;
