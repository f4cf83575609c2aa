//! Polling: what changed since the watermark, stored together with the new watermark in one transaction. A
//! watermark comes from the other system's clock less an overlap, and never passes a record that could not be read.
//! What a list no longer shows is looked up by its number before anything is concluded from it.
//!
//! [`feed`] reads Axerrio's orders and labels, [`prebooks`] Komet's Prebooks window by window, which [`dates`] divides where it must,
//! [`lost`] looks for what these no longer show, [`purchase_orders`] reads its POs by ship date.

mod dates;
mod feed;
mod lost;
mod prebooks;
mod purchase_orders;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::budget::Source;
use super::engine::Engine;
use super::report::Job;
use super::state::log_without_words;
use crate::domain::PoNumber;
use crate::store::{StoreError, reference};
use crate::systems::{Axerrio, Komet, SystemError, Unreadable};

pub(super) use dates::Shown;
pub use prebooks::Windows;
pub(super) use purchase_orders::{polled_from, seldom, unseen};

/// Why a poll did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// A system failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One of Komet's lists, as a plan or a read-back asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// The Prebooks of a window, or the POs of a ship date.
    Source(Source),
    /// The one PO of that number.
    Po(PoNumber),
}

impl List {
    /// The date whose POs it holds.
    pub fn ship_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Source(source) => source.ship_date(),
            Self::Po(_) => None,
        }
    }
}

/// What a poll found.
#[derive(Clone, Debug, Default)]
pub struct Polled {
    /// Records read.
    pub records: u64,
    /// Sources read because it was their turn: requests that a plan did not ask for.
    pub polls: u64,
    /// Orders whose views changed.
    pub changed: u64,
    /// Records that could not be read.
    pub unreadable: Vec<String>,
    /// Prebook windows read in full.
    pub windows: BTreeSet<i64>,
    /// Prebook windows read, in full or for what changed since.
    pub windows_seen: BTreeSet<i64>,
    /// Ship dates whose POs were read.
    pub po_dates: BTreeSet<NaiveDate>,
    /// The lists that were asked for and of which something could not be read, each with what that was: what they do not show
    /// may be there all the same.
    pub in_vain: BTreeMap<List, String>,
    /// POs that were read: by their number, or in a list, also one in which others could not be read.
    pub po_numbers: BTreeSet<PoNumber>,
    /// Prebooks that a list no longer shows, and that are left to be looked up later for want of requests.
    pub left: u64,
    /// Carriers, by Komet's id, of windows in which something changed.
    pub carriers: BTreeSet<i64>,
}

impl Polled {
    /// Whether all of a list was read.
    pub(super) fn has_read(&self, list: &List) -> bool {
        match list {
            List::Source(Source::Window(window)) => self.windows.contains(window),
            List::Source(Source::ShipDate(date)) => self.po_dates.contains(date),
            List::Po(number) => self.po_numbers.contains(number),
        }
    }

    /// Adds what another poll found.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.polls += other.polls;
        self.changed += other.changed;
        self.left += other.left;
        self.unreadable.extend(other.unreadable);
        self.windows.extend(other.windows);
        self.windows_seen.extend(other.windows_seen);
        self.po_dates.extend(other.po_dates);
        self.in_vain.extend(other.in_vain);
        self.po_numbers.extend(other.po_numbers);
        self.carriers.extend(other.carriers);
    }

    /// Reports what could not be read of one list.
    fn report_in(&mut self, list: List, job: Job, what: &str, unreadable: &[Unreadable]) {
        let known = self.unreadable.len();
        self.report(job, what, unreadable);
        let first = self.unreadable.get(known).cloned();
        self.in_vain.extend(first.map(|why| (list, why)));
    }

    /// Reports a list that is too long to be read; `then`: what waits for it, and what a person can do.
    fn report_too_long(&mut self, list: List, job: Job, what: &str, date: NaiveDate, then: &str) {
        let told =
            format!("Komet's {what} of ship date {date} cannot be read: the answer is longer than 32 MB. {then}");
        log::warn!(job = job.name(); "{told}");
        self.in_vain.entry(list).or_insert_with(|| told.clone());
        self.unreadable.push(told);
    }

    fn report(&mut self, job: Job, what: &str, unreadable: &[Unreadable]) {
        for record in unreadable {
            let id = record.id.as_deref().unwrap_or("of unknown id");
            let text = format!("{what} {id} cannot be read: {}", record.what);
            // Of the other lists' records the order is not known by name.
            let order = record.id.as_deref().filter(|_| job == Job::Orders).unwrap_or_default();
            log_without_words(
                log::Level::Warn,
                job,
                order,
                &text,
                "; it is read again next time, the others go on",
            );
            self.unreadable.push(text);
        }
    }
}

/// How long a window's last full read satisfies: a deleted Prebook shows in no changed-since read (clarification 5).
const FULL_READ_HOURS: TimeDelta = TimeDelta::hours(24);

/// Whether what was read in full `then` is to be read in full again; also where that is yet to come, because the clock was set back
/// since.
pub(super) fn is_stale(then: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (now - then).abs() >= FULL_READ_HOURS
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Reads Komet's carriers and box types, which change rarely: once a day, and the carriers also when a Prebook goes
    /// by one that is not in the list (`lacks_carriers`).
    pub async fn poll_reference(&self, lacks_carriers: bool) -> Result<(), PollError> {
        let now = self.clock.now();
        let stale = move |read_at| is_stale(read_at, now);
        let due = self
            .store
            .read(move |conn| {
                let carriers = reference::carriers(conn)?.is_none_or(|list| stale(list.read_at));
                let box_types = reference::box_types(conn)?.is_none_or(|list| stale(list.read_at));
                Ok((carriers, box_types))
            })
            .await?;
        if due.0 || lacks_carriers {
            let carriers = self.komet.carriers().await?;
            self.store.write(move |conn| reference::set_carriers(conn, &carriers, now)).await?;
        }
        if due.1 {
            let box_types = self.komet.box_types().await?;
            self.store.write(move |conn| reference::set_box_types(conn, &box_types, now)).await?;
        }
        Ok(())
    }
}
