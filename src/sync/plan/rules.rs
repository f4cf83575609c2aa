//! What a plan depends on beside the three views: the admin's choices, the local maps, and which lists this run or
//! this database has already read.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::{CreatePo, ItemId, MapKind, Maps, OnConflict, PoItemId, PoNumber};

/// What has been read, as far as a plan needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Windows of Prebooks that were read in full at least once in this database's life.
    pub windows_known: BTreeSet<i64>,
    /// Windows of Prebooks that were read in this run, in full or for what changed since.
    pub windows_seen: BTreeSet<i64>,
    /// Windows of Prebooks that were read in full in this run: what they do not show is gone.
    pub windows_whole: BTreeSet<i64>,
    /// Ship dates of the horizon.
    pub po_dates: BTreeSet<NaiveDate>,
    /// Those of them whose POs this database has never read.
    pub po_dates_unknown: BTreeSet<NaiveDate>,
    /// Ship dates of open POs of which a new database, or a restored copy, has not seen all: boxes may have shipped there that it
    /// does not know.
    pub po_dates_unseen: BTreeSet<NaiveDate>,
    /// Ship dates among whose POs one could not be read just now: they are not read again for the sake of another.
    pub po_dates_in_vain: BTreeSet<NaiveDate>,
    /// Ship dates whose POs were read in this run.
    pub po_dates_read: BTreeSet<NaiveDate>,
    /// Up to when every change of Axerrio's orders is on file.
    pub orders_read: Option<DateTime<Utc>>,
    /// POs that were read in this run, by number or among those of their day.
    pub po_numbers_read: BTreeSet<PoNumber>,
}

impl Facts {
    /// These windows of Prebooks were read in full just now.
    pub fn has_read_whole(&mut self, windows: &BTreeSet<i64>) {
        for read in [&mut self.windows_known, &mut self.windows_seen, &mut self.windows_whole] {
            read.extend(windows);
        }
    }
}

/// What a plan depends on beside the three views.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// `[sync] on_conflict`
    pub on_conflict: OnConflict,
    /// `[sync] create_po`
    pub create_po: CreatePo,
    /// `[komet] location_code`
    pub location_code: Option<&'a str>,
    /// The local maps.
    pub maps: &'a Maps,
    /// Komet's carriers: id to code.
    pub carriers: &'a HashMap<i64, String>,
    /// Yesterday: a Vendor token sees nothing older, so nothing older may be created (it could not be found again).
    pub visible_from: NaiveDate,
    /// What has been read.
    pub facts: &'a Facts,
    /// What stemsync made of the order in this run.
    pub made: &'a Made,
    /// Whether the whole order may be cancelled: the brake has counted it among the run's cancellations.
    pub may_cancel: bool,
}

/// What stemsync made of an order in this run.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Prebook items: nobody can have bought them before it does.
    pub items: BTreeSet<ItemId>,
    /// PO lines: what was read of their PO may be older.
    pub po_lines: BTreeSet<PoItemId>,
}

impl Rules<'_> {
    /// The day after [`Rules::visible_from`].
    pub fn today(&self) -> NaiveDate {
        self.visible_from.succ_opt().unwrap_or(self.visible_from)
    }

    /// The Komet id that the local map gives an Axerrio product code.
    pub fn mapped_product(&self, code: &str) -> Option<i64> {
        self.maps.komet(MapKind::Product, code)
    }
}
