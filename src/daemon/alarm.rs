//! The cron crate, which rings when a job's moment comes. It counts with the offset from UTC that the zone had when a job
//! was handed to it, and with a clock that only goes forward: it is set anew when either changes. That it rings early,
//! late or not at all harms nothing: the loop looks for itself, and the timetable decides.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Offset, TimeDelta, TimeZone, Utc};
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::config::{JobsConfig, Schedule};
use crate::sync::report::Job as OurJob;

/// As `schedule`'s: a clock that went back further was set.
const CORRECTION: TimeDelta = TimeDelta::minutes(1);

/// Rings.
pub struct Alarm {
    scheduler: JobScheduler,
    set: Vec<Job>,
    rung: Arc<Notify>,
    /// The offset it counts with, and when that was looked at.
    counts_with: Option<(FixedOffset, DateTime<Utc>)>,
}

impl Alarm {
    /// Starts, and rings for nothing yet.
    pub async fn start() -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        scheduler.start().await?;
        Ok(Self { scheduler, set: Vec::new(), rung: Arc::default(), counts_with: None })
    }

    /// Rings when one of `jobs` is due, and no longer for what it rang before.
    pub async fn set(&mut self, jobs: &JobsConfig, now: DateTime<Utc>) -> Result<(), JobSchedulerError> {
        self.counts_with = Some((offset(jobs, now), now));
        for ring in std::mem::take(&mut self.set) {
            self.scheduler.remove(&ring.guid()).await?;
        }
        for job in OurJob::ALL {
            let schedule = jobs.schedule(job);
            if matches!(schedule, Schedule::Off) {
                continue;
            }
            let rung = Arc::clone(&self.rung);
            let ring = Job::new_async_tz(schedule.text(), jobs.timezone, move |_, _| {
                rung.notify_one();
                Box::pin(std::future::ready(()))
            })?;
            self.scheduler.add(ring.clone()).await?;
            self.set.push(ring);
        }
        Ok(())
    }

    /// Sets it anew where its clock or its offset is no longer the right one.
    pub async fn keep_up(&mut self, jobs: &JobsConfig, now: DateTime<Utc>) -> Result<(), JobSchedulerError> {
        match &mut self.counts_with {
            Some((with, looked)) if *with == offset(jobs, now) && now + CORRECTION >= *looked => {
                *looked = now.max(*looked);
                Ok(())
            }
            _ => self.set(jobs, now).await,
        }
    }

    /// Waits until it rings; what rang meanwhile counts.
    pub async fn rung(&self) {
        self.rung.notified().await;
    }
}

fn offset(jobs: &JobsConfig, now: DateTime<Utc>) -> FixedOffset {
    jobs.timezone.offset_from_utc_datetime(&now.naive_utc()).fix()
}
