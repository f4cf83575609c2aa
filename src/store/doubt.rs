//! What the database knows "for certain, because nobody but stemsync could have done it" is not certain in one that was put
//! back: both systems have moved on since. A copy does not claim it, and neither does a database with which nobody worked for a
//! while: each Prebook window is read in full before the first push (clarification 1), and no Prebook item counts as too new
//! to have been bought. What its POs hold by then must be read before labels are sent: README, "Backup and restore".

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;

use super::watermarks::{self, Stream};
use super::{StoreError, budget, orders, runs, schema};
use crate::domain::Agreed;

/// A database with which nobody worked for so long may be an old copy of its file, put back without `backup`.
const PAUSE: TimeDelta = TimeDelta::hours(24);

/// [`claim_no_certainty`] for a database whose last run ended more than a day ago. A link that stood still for so long reads a
/// little more than it must.
pub(crate) fn doubt_after_a_pause(conn: &Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
    match runs::last_end(conn)? {
        // Either way: who last ran far in the future stood still for nobody knows how long.
        Some(last) if (now - last).abs() > PAUSE => claim_no_certainty(conn),
        _ => Ok(()),
    }
}

/// Takes out what is certain only as long as no other database has been worked with.
pub(super) fn claim_no_certainty(conn: &Connection) -> Result<(), StoreError> {
    watermarks::reset(conn, Stream::Prebooks)?;
    watermarks::reset(conn, Stream::PurchaseOrders)?;
    // What Axerrio changed since stands behind its watermark, and is read before anything is made of what Komet shows by now.
    watermarks::forget_full(conn, Stream::Orders, 0)?;
    // A file of an older stemsync may have no sources yet; it is brought up without any.
    if schema::version(conn)? >= budget::SINCE {
        budget::forget_shown(conn)?;
    }
    orders::change_all_agreed(conn, Agreed::doubt)
}
