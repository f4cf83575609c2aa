//! When a job is due. The cron crate only rings (`alarm`); what is due is decided here, from the time alone, so that
//! days with two three-o'clocks, clocks that are set and runs that take long can be played in a test. A job that was due
//! once or many times while nobody could run it is due once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{JobsConfig, Schedule};
use crate::domain::Zone;
use crate::sync::report::Job;

/// A clock that went back by no more than this was corrected: what ran for a moment is not run for it again. One that
/// went back further was set, and its moments come anew; otherwise a job would be silent until they are over.
const CORRECTION: TimeDelta = TimeDelta::minutes(1);

/// When each job is due next.
#[derive(Clone, Debug)]
pub struct Timetable {
    zone: Zone,
    entries: Vec<Entry>,
    /// The latest moment that was seen, unless the clock was set back since.
    seen: DateTime<Utc>,
}

#[derive(Clone, Debug)]
struct Entry {
    job: Job,
    schedule: Schedule,
    /// `None`: never by itself.
    next: Option<DateTime<Utc>>,
}

impl Entry {
    fn after(&self, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        self.schedule.next_after(now, zone)
    }
}

impl Timetable {
    /// The timetable at the beginning. `ran` tells when a job last ran: one that never did, or that missed a run since, is
    /// due at once.
    pub fn new(jobs: &JobsConfig, now: DateTime<Utc>, ran: impl Fn(Job) -> Option<DateTime<Utc>>) -> Self {
        let zone = jobs.timezone;
        let entries = Job::ALL.into_iter().map(|job| {
            let schedule = jobs.schedule(job).clone();
            let next = match (&schedule, ran(job)) {
                (Schedule::Off, _) => None,
                (_, None) => Some(now),
                // Who ran in the future ran before the clock was set back.
                (schedule, Some(ran)) => schedule.next_after(ran.min(now), zone),
            };
            Entry { job, schedule, next }
        });
        Self { zone, entries: entries.collect(), seen: now }
    }

    /// Takes other schedules over. A job whose schedule is the same keeps its turn.
    pub fn replace(&mut self, jobs: &JobsConfig, now: DateTime<Utc>) {
        let same_zone = self.zone == jobs.timezone;
        self.zone = jobs.timezone;
        for entry in &mut self.entries {
            let schedule = jobs.schedule(entry.job);
            if !same_zone || entry.schedule.text() != schedule.text() {
                entry.schedule = schedule.clone();
                entry.next = schedule.next_after(now, self.zone);
            }
        }
    }

    /// The jobs that are due, in a run's order. They count as taken: however many of its moments a job missed, it is due
    /// once.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Job> {
        let zone = self.zone;
        if now + CORRECTION < self.seen {
            for entry in &mut self.entries {
                let anew = entry.after(now, zone);
                entry.next = anew.map(|anew| entry.next.map_or(anew, |next| next.min(anew)));
            }
            self.seen = now;
        }
        self.seen = self.seen.max(now);
        let due = self.entries.iter_mut().filter(|entry| entry.next.is_some_and(|next| next <= now));
        due.map(|entry| {
            entry.next = entry.after(now, zone);
            entry.job
        })
        .collect()
    }

    /// When the next job is due; `None` if every job is off.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.entries.iter().filter_map(|entry| entry.next).min()
    }

    /// When `job` is due next.
    pub fn next_of(&self, job: Job) -> Option<DateTime<Utc>> {
        self.entries.iter().find(|entry| entry.job == job)?.next
    }

    /// Whether `job` runs by itself.
    pub fn has(&self, job: Job) -> bool {
        self.next_of(job).is_some()
    }
}
