//! Up to when each job has read.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use crate::store::watermarks::{self, Stream, Watermark};
use crate::store::{Connection, StoreError};
use crate::sync::report::Job;

/// What a job polls.
pub fn stream(job: Job) -> Stream {
    match job {
        Job::Orders => Stream::Orders,
        Job::Prebooks => Stream::Prebooks,
        Job::PurchaseOrders => Stream::PurchaseOrders,
        Job::Labels => Stream::Labels,
    }
}

/// Where a job's polling stands: of several windows the oldest counts. `None` if nothing was read yet.
pub fn of_job(
    conn: &Connection,
    job: Job,
    windows: &RangeInclusive<i64>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(parts(conn, job, windows)?.into_iter().map(|(_, mark)| mark.at).min())
}

/// The watermarks of a job that still matter: past windows are not read any more.
pub fn parts(
    conn: &Connection,
    job: Job,
    windows: &RangeInclusive<i64>,
) -> Result<Vec<(i64, Watermark)>, StoreError> {
    let mut parts = watermarks::list(conn, stream(job))?;
    parts.retain(|(part, _)| job != Job::Prebooks || windows.contains(part));
    Ok(parts)
}
