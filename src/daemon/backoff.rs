//! Patience with what fails. A system that failed as a whole is left alone for a while, then asked by one poll; each time
//! it fails again the while grows, up to a limit. A job that alone fails is treated likewise. What begins and what ends is
//! news, and news is told once. Decided from runs' ends and the time alone.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::notify::what::DOWN;
use crate::sync::RunEnd;
use crate::sync::report::Job;
use crate::systems::{Fault, System, SystemError};

/// The first pause, and the longest. Between them it doubles. Jitter takes up to half of it away: the links that one
/// system serves do not come back at the same moment.
const FIRST: Duration = Duration::from_mins(1);
/// See [`FIRST`].
const LONGEST: Duration = Duration::from_mins(15);
/// A quota that is spent when its day has just begun follows another clock than Komet's `Date` (clarification 15).
const OTHER_CLOCK: Duration = Duration::from_hours(1);

/// What is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Culprit {
    /// A whole system: nothing is asked of it.
    System(System),
    /// One job: its system answers others.
    Job(Job),
}

impl Culprit {
    /// Whether a poll of this job shows that it fails no more.
    pub fn is_asked_by(self, job: Job) -> bool {
        match self {
            Self::System(system) => job.polls() == system,
            Self::Job(own) => job == own,
        }
    }
}

/// What is known of a failure that goes on.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What failed last.
    pub error: SystemError,
    /// When it began.
    pub since: DateTime<Utc>,
    /// It is left alone until then.
    pub until: DateTime<Utc>,
    tries: u32,
    wait: TimeDelta,
}

impl Trouble {
    /// Whether there is no more to it than that the day's quota is spent.
    fn is_spent(&self) -> bool {
        is_spent(&self.error)
    }
}

fn is_spent(error: &SystemError) -> bool {
    matches!(error.fault, Fault::QuotaSpent(_))
}

/// Something to tell, once.
#[derive(Clone, Debug)]
pub enum News {
    /// It fails.
    Began(Culprit, Trouble),
    /// It is over.
    Ended(Culprit, Trouble),
}

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Systems that failed as a whole.
    pub down: Vec<SystemError>,
    /// Jobs whose reads failed.
    pub failed: Vec<(Job, SystemError)>,
    /// Jobs that read what they poll.
    pub polled: Vec<Job>,
    /// Every job that ran.
    pub ran: Vec<Job>,
    /// How long Komet's day of quota still lasts.
    pub until_reset: Duration,
}

impl Seen {
    /// What `end` shows. Of a run that was stopped nothing is to be learned.
    pub fn of(end: &RunEnd, until_reset: Duration) -> Self {
        if end.stopped {
            return Self::default();
        }
        let polled = end.report.jobs.iter().filter(|job| end.has_read(job)).map(|job| job.job).collect();
        let ran = end.report.jobs.iter().map(|job| job.job).collect();
        Self { down: end.down.clone(), failed: end.failures.clone(), polled, ran, until_reset }
    }
}

/// Everything that fails at present.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    troubles: BTreeMap<Culprit, Trouble>,
}

impl Backoff {
    /// Learns from a run. `scheduled` are the jobs that run by themselves; `jitter` is from 0 up to 1.
    pub fn learn(&mut self, seen: &Seen, scheduled: &[Job], now: DateTime<Utc>, jitter: f64) -> Vec<News> {
        let before = self.troubles.clone();
        for job in &seen.polled {
            self.troubles.remove(&Culprit::Job(*job));
            self.troubles.remove(&Culprit::System(job.polls()));
        }
        for error in &seen.down {
            self.fail(Culprit::System(error.system), error, seen.until_reset, now, jitter);
        }
        for (job, error) in &seen.failed {
            let is_known = self.troubles.contains_key(&Culprit::System(error.system));
            // What is in doubt is read back by whichever job runs: where no poll was answered it is the system that fails.
            let is_read_back = job.polls() != error.system;
            let of_whole = is_known || is_read_back && !seen.polled.iter().any(|job| job.polls() == error.system);
            if seen.down.iter().any(|down| down.system == error.system) {
                // Counted already.
            } else if of_whole {
                self.fail(Culprit::System(error.system), error, seen.until_reset, now, jitter);
            } else {
                self.fail(Culprit::Job(*job), error, seen.until_reset, now, jitter);
            }
        }
        for system in [System::Axerrio, System::Komet] {
            self.gather(system, scheduled);
        }
        self.news_since(before)
    }

    /// A system that none of its jobs can read has failed as a whole; whatever failed because of it is part of that.
    fn gather(&mut self, system: System, scheduled: &[Job]) {
        let whole = Culprit::System(system);
        let fails = |job: &Job| self.troubles.get(&Culprit::Job(*job)).filter(|t| t.error.system == system);
        let polling: Vec<_> = scheduled.iter().filter(|job| job.polls() == system).collect();
        let all: Option<Vec<_>> = polling.into_iter().map(fails).collect();
        let worst = all.and_then(|all| {
            // As a whole it fails since the last of them does.
            let since = all.iter().map(|trouble| trouble.since).max()?;
            let worst = all.into_iter().max_by_key(|trouble| trouble.until)?;
            Some(Trouble { since, ..worst.clone() })
        });
        if let Some(worst) = worst {
            self.troubles.entry(whole).or_insert(worst);
        }
        if self.troubles.contains_key(&whole) {
            self.troubles
                .retain(|culprit, trouble| !matches!(culprit, Culprit::Job(_)) || trouble.error.system != system);
        }
    }

    fn fail(
        &mut self,
        culprit: Culprit,
        error: &SystemError,
        until_reset: Duration,
        now: DateTime<Utc>,
        jitter: f64,
    ) {
        // Who turns out to be down when its quota's day is over, or the other way round, fails anew.
        let known = self.troubles.get(&culprit).filter(|trouble| trouble.is_spent() == is_spent(error));
        let (since, tries) = known.map_or((now, 0), |trouble| (trouble.since, trouble.tries));
        let full = FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST);
        let back_off = up_to_telling(full.mul_f64(0.5 + jitter / 2.0), since, now);
        let wait = match &error.fault {
            // A moment after the reset, not all links in the same.
            Fault::QuotaSpent(_) if tries == 0 => until_reset + FIRST.mul_f64(jitter),
            Fault::QuotaSpent(_) => (until_reset + FIRST.mul_f64(jitter)).min(OTHER_CLOCK),
            Fault::Throttled(asked) => back_off.max(*asked),
            _ => back_off,
        };
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        let until = now.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let trouble = Trouble { error: error.clone(), since, until, tries: tries + 1, wait };
        self.troubles.insert(culprit, trouble);
    }

    /// What began and what ended. A job's failure that became its system's did not end.
    fn news_since(&self, before: BTreeMap<Culprit, Trouble>) -> Vec<News> {
        let is_new = |(culprit, trouble): &(&Culprit, &Trouble)| {
            before.get(culprit).is_none_or(|known| known.is_spent() != trouble.is_spent())
        };
        let began = self.troubles.iter().filter(is_new);
        let mut news: Vec<_> = began.map(|(culprit, trouble)| News::Began(*culprit, trouble.clone())).collect();
        let is_part = |culprit: Culprit, trouble: &Trouble| {
            matches!(culprit, Culprit::Job(_))
                && self.troubles.contains_key(&Culprit::System(trouble.error.system))
        };
        for (culprit, trouble) in before {
            if !self.troubles.contains_key(&culprit) && !is_part(culprit, &trouble) {
                news.push(News::Ended(culprit, trouble));
            }
        }
        news
    }

    /// A clock that was set back does not make a pause longer.
    pub fn look(&mut self, now: DateTime<Utc>) {
        for trouble in self.troubles.values_mut() {
            if trouble.until - now > trouble.wait {
                trouble.until = now + trouble.wait;
            }
        }
    }

    /// Whether Komet is left alone because its quota is spent, until after `reset`.
    pub fn awaits_quota(&self, reset: DateTime<Utc>) -> bool {
        let trouble = self.troubles.get(&Culprit::System(System::Komet));
        trouble.is_some_and(|trouble| trouble.is_spent() && trouble.until >= reset)
    }

    /// Somebody mended something: everything may be tried at once. That it failed stays known, and its end is told.
    pub fn try_now(&mut self, now: DateTime<Utc>) {
        for trouble in self.troubles.values_mut() {
            trouble.until = trouble.until.min(now);
        }
    }

    /// What fails, and until when it is left alone.
    pub fn troubles(&self) -> impl Iterator<Item = (Culprit, DateTime<Utc>)> {
        self.troubles.iter().map(|(culprit, trouble)| (*culprit, trouble.until))
    }

    /// What is left alone now, each with the moment at which it was last tried.
    pub fn left_alone(&self, now: DateTime<Utc>) -> Vec<(Culprit, DateTime<Utc>)> {
        let left = self.troubles.iter().filter(|(_, trouble)| trouble.until > now);
        left.map(|(culprit, trouble)| (*culprit, trouble.until - trouble.wait)).collect()
    }

    /// Until when `job` is left alone; `None` if it is not.
    pub fn rests(&self, job: Job, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let troubles = [Culprit::Job(job), Culprit::System(job.polls())];
        troubles.iter().filter_map(|culprit| Some(self.troubles.get(culprit)?.until)).filter(|at| *at > now).max()
    }

    /// Whether a system fails, be it left alone or about to be tried.
    pub fn fails(&self, system: System) -> bool {
        self.troubles.contains_key(&Culprit::System(system))
    }

    /// The failing systems but `tried`, each with what was last heard of it.
    pub fn paused(&self, tried: Option<System>) -> Vec<SystemError> {
        let errors = self.troubles.iter().filter_map(|(culprit, trouble)| match culprit {
            Culprit::System(system) if Some(*system) != tried => Some(trouble.error.clone()),
            _ => None,
        });
        errors.collect()
    }
}

/// A pause does not reach across the moment from which a system's failure is told to people (`notify`), because it takes a
/// try to see that it still fails.
fn up_to_telling(pause: Duration, since: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    match (since + DOWN - now).to_std() {
        Ok(left) if !left.is_zero() => pause.min(left),
        _ => pause,
    }
}
