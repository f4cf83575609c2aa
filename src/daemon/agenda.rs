//! What to run next: what is due (`schedule`), less what is left alone for a while (`backoff`). Jobs that are due
//! together run together, in a run's order. A failing system is tried by one of its jobs alone, so that nothing is
//! pushed to it before a poll has shown that it answers. What failed waits for the end of its pause, not for its schedule.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::{Backoff, Culprit, News, Seen};
use super::schedule::Timetable;
use crate::config::JobsConfig;
use crate::sync::report::Job;
use crate::systems::{System, SystemError};

/// One run.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Never empty, in a run's order.
    pub jobs: Vec<Job>,
    /// Systems to leave alone.
    pub paused: Vec<SystemError>,
    /// Its one job is to show whether a failing system answers again: it asks, whatever the budget says.
    pub is_trial: bool,
    /// Somebody wants it now: it reads everything and leaves nothing alone.
    pub is_asked_for: bool,
}

/// What is due, and what waits.
#[derive(Clone, Debug)]
pub struct Agenda {
    timetable: Timetable,
    backoff: Backoff,
    /// Due, and not run yet.
    waiting: BTreeSet<Job>,
    /// What ran while a system failed is made up once that answers again.
    owed: BTreeSet<(System, Job)>,
    /// Nothing runs until then, which is so far away from when that was said.
    rest: Option<(DateTime<Utc>, TimeDelta)>,
}

impl Agenda {
    /// See [`Timetable::new`].
    pub fn new(jobs: &JobsConfig, now: DateTime<Utc>, ran: impl Fn(Job) -> Option<DateTime<Utc>>) -> Self {
        Self {
            timetable: Timetable::new(jobs, now, ran),
            backoff: Backoff::default(),
            waiting: BTreeSet::new(),
            owed: BTreeSet::new(),
            rest: None,
        }
    }

    /// Takes other schedules over. Somebody is at work: what was left alone is tried at once.
    pub fn replace(&mut self, jobs: &JobsConfig, now: DateTime<Utc>) {
        self.timetable.replace(jobs, now);
        let timetable = &self.timetable;
        self.waiting.retain(|job| timetable.has(*job));
        self.owed.retain(|(_, job)| timetable.has(*job));
        self.try_now(now);
    }

    /// Whether Komet is left alone because its quota is spent, until after `reset`.
    pub fn awaits_quota(&self, reset: DateTime<Utc>) -> bool {
        self.backoff.awaits_quota(reset)
    }

    /// What is left alone now, each with the moment at which it was last tried.
    pub fn left_alone(&self, now: DateTime<Utc>) -> Vec<(Culprit, DateTime<Utc>)> {
        self.backoff.left_alone(now)
    }

    /// What is left alone is tried at once.
    pub fn try_now(&mut self, now: DateTime<Utc>) {
        self.await_retries(|_| true);
        self.backoff.try_now(now);
    }

    /// Whatever fails is tried when its pause is over: a job by itself, a system by one of its jobs, which if possible ran
    /// in vain before.
    fn await_retries(&mut self, is_meant: impl Fn(DateTime<Utc>) -> bool) {
        for (culprit, _) in self.backoff.troubles().filter(|(_, until)| is_meant(*until)) {
            let tries = match culprit {
                Culprit::Job(job) => self.timetable.has(job).then_some(job),
                Culprit::System(system) => {
                    let polls =
                        Job::ALL.into_iter().filter(|job| job.polls() == system && self.timetable.has(*job));
                    polls.min_by_key(|job| !self.owed.contains(&(system, *job)))
                }
            };
            self.waiting.extend(tries);
        }
    }

    /// What a system's failure kept from being done is due when that is over.
    fn make_up(&mut self, ran: &[Job]) {
        for system in [System::Axerrio, System::Komet] {
            let ran = ran.iter().map(|job| (system, *job)).filter(|(_, job)| self.timetable.has(*job));
            if self.backoff.fails(system) {
                self.owed.extend(ran);
            } else {
                // Those had it at their disposal just now.
                for done in ran {
                    self.owed.remove(&done);
                }
                let over = self.owed.extract_if(.., |(of, _)| *of == system);
                self.waiting.extend(over.map(|(_, job)| job));
            }
        }
    }

    /// Looks at the clock: says whether there is a run to be made now.
    pub fn look(&mut self, now: DateTime<Utc>) -> bool {
        self.backoff.look(now);
        self.waiting.extend(self.timetable.take_due(now));
        // A clock that was set back does not make the rest longer.
        self.rest = self.rest.filter(|(until, length)| now < *until && *until - now <= *length);
        self.rest.is_none() && self.waiting.iter().any(|job| self.backoff.rests(*job, now).is_none())
    }

    /// The run that is to be made now, if there is one.
    pub fn take(&mut self, now: DateTime<Utc>) -> Option<Turn> {
        if !self.look(now) {
            return None;
        }
        let rests = |job: &Job| self.backoff.rests(*job, now).is_some();
        let ready: Vec<Job> = self.waiting.iter().copied().filter(|job| !rests(job)).collect();
        let (trials, sound): (Vec<_>, Vec<_>) = ready.into_iter().partition(|job| self.backoff.fails(job.polls()));
        let turn = match (sound.is_empty(), trials.first()) {
            (false, _) => {
                Turn { jobs: sound, paused: self.backoff.paused(None), is_trial: false, is_asked_for: false }
            }
            (true, Some(trial)) => {
                let paused = self.backoff.paused(Some(trial.polls()));
                Turn { jobs: vec![*trial], paused, is_trial: true, is_asked_for: false }
            }
            (true, None) => return None,
        };
        for job in &turn.jobs {
            self.waiting.remove(job);
        }
        Some(turn)
    }

    /// A run that somebody asks for: whatever of it is due anyway is done with it.
    pub fn take_now(&mut self, jobs: Vec<Job>, now: DateTime<Utc>) -> Turn {
        self.look(now);
        for job in &jobs {
            self.waiting.remove(job);
        }
        Turn { jobs, paused: Vec::new(), is_trial: false, is_asked_for: true }
    }

    /// Those jobs did not get their turn after all.
    pub fn put_back(&mut self, turn: &Turn) {
        self.waiting.extend(&turn.jobs);
    }

    /// Nobody gets a turn for so long.
    pub fn rest(&mut self, now: DateTime<Utc>, length: TimeDelta) {
        self.rest = Some((now + length, length));
    }

    /// When [`Agenda::take`] is to be asked again; `None`: never, unless something changes.
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let rested = self.waiting.iter().map(|job| self.backoff.rests(*job, now).unwrap_or(now));
        let next = rested.chain(self.timetable.next()).min()?;
        Some(self.rest.map_or(next, |(until, _)| next.max(until)))
    }

    /// When `job` runs next: `None` if it is off.
    pub fn next_of(&self, job: Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = if self.waiting.contains(&job) { Some(now) } else { self.timetable.next_of(job) };
        due.map(|due| self.backoff.rests(job, now).map_or(due, |rested| rested.max(due)))
    }

    /// Whether a system fails as a whole.
    pub fn fails(&self, system: System) -> bool {
        self.backoff.fails(system)
    }

    /// Learns from a run's end; answers what is to be told.
    pub fn learn(&mut self, seen: &Seen, now: DateTime<Utc>, jitter: f64) -> Vec<News> {
        let scheduled: Vec<Job> = Job::ALL.into_iter().filter(|job| self.timetable.has(*job)).collect();
        let news = self.backoff.learn(seen, &scheduled, now, jitter);
        self.make_up(&seen.ran);
        // One whose pause is over had its try, in which nothing was worth a request: its schedule goes on.
        self.await_retries(|until| until > now);
        news
    }
}
