//! What an admin does beside the link: decides holds, maps codes, changes `sync.toml`, copies the database and puts the copy
//! back.

use std::time::Duration;

use chrono::TimeDelta;
use fastrand::Rng;
use rusqlite::backup::{Backup, StepResult};
use stemsync::domain::{CreatePo, MapKind, OnConflict, Verdict};
use stemsync::sandbox::Answers;
use stemsync::store::watermarks::{self, Stream};
use stemsync::store::{Connection, StoreError, holds, maps};

use crate::life::{Life, Run};
use crate::standing::Remembered;
use crate::trade;

const MAP_CHANGED: &str = "map changed";

impl Life {
    /// A hold is decided, a product mapped, or a watermark moved back.
    pub(crate) fn admin(&mut self, seed: u64) {
        let mut dice = Rng::with_seed(seed);
        let now = stemsync::sync::engine::Clock::now(&*self.net);
        let what = dice.u8(0..10);
        let verdict = *dice.choice([Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed].iter()).unwrap();
        let chosen = dice.usize(..);
        let act = move |conn: &Connection| -> Result<(String, Option<String>), StoreError> {
            match what {
                0 => {
                    maps::set(
                        conn,
                        MapKind::Product,
                        trade::UNKNOWN_CODE,
                        i64::try_from(trade::UNKNOWN_IS).unwrap(),
                    )?;
                    Ok(("maps the unknown product here".to_owned(), None))
                }
                1 => {
                    watermarks::reset(conn, [Stream::Orders, Stream::Prebooks, Stream::Labels][chosen % 3])?;
                    Ok(("forgets a watermark".to_owned(), None))
                }
                _ => {
                    let holds = holds::list(conn)?;
                    if holds.is_empty() {
                        return Ok(("finds nothing held".to_owned(), None));
                    }
                    let hold = &holds[chosen % holds.len()];
                    let what = format!("{verdict:?}: {} {:?}: {}", hold.reason.name(), hold.order, hold.detail);
                    let holds::Decided::Taken(hold) = holds::decide(conn, hold.id, verdict, now)? else {
                        return Ok((format!("is refused {what}"), None));
                    };
                    Ok((format!("decides {what}"), hold.order.filter(|_| verdict == Verdict::TakeAxerrio)))
                }
            }
        };
        let (told, taken) = self.link().store.write_blocking(act).unwrap();
        self.taken.extend(taken);
        self.released |= told.contains("too_many_cancellations");
        self.tell(|| format!("an admin {told}"));
    }

    /// A line of `sync.toml` is changed, and the process started anew.
    pub(crate) fn change_settings(&mut self, seed: u64) {
        self.tally.count("setting changed");
        let mut dice = Rng::with_seed(seed);
        let settings = &mut self.settings;
        match dice.u8(0..7) {
            0 => settings.on_conflict = if dice.bool() { OnConflict::Owner } else { OnConflict::Hold },
            1 => settings.create_po = if dice.bool() { CreatePo::Accepted } else { CreatePo::Received },
            2 => settings.horizon_days = [7, 14, 28, 60][dice.usize(..4)],
            3 => {
                let zones = ["America/New_York", "Asia/Tokyo", "America/Bogota", "UTC"];
                settings.timezone = zones[dice.usize(..zones.len())].parse().unwrap();
            }
            4 => settings.overlap = Duration::from_secs([60, 300, 3600][dice.usize(..3)]),
            5 => self.company = !self.company,
            _ => self.page_size = dice.u32(1..8),
        }
        self.link = None;
        self.tell(|| {
            let token = if self.company { "company" } else { "vendor" };
            format!("sync.toml: {:?}, pages of {}, the {token}'s token", self.settings, self.page_size)
        });
    }

    /// A code is mapped, mapped to something else, or no longer mapped.
    pub(crate) fn change_map(&mut self, seed: u64) {
        self.tally.count(MAP_CHANGED);
        let mut dice = Rng::with_seed(seed);
        let codes = [
            (MapKind::Product, "ROSE-FREEDOM-50-CM", [9001, 9002]),
            (MapKind::Product, "CARNATION-NOBBIO", [9005, 9005]),
            (MapKind::Product, trade::UNKNOWN_CODE, [9006, 9006]),
            (MapKind::Customer, "BLOOM", [5001, 5002]),
            (MapKind::Carrier, "ARM", [301, 302]),
            (MapKind::BoxType, "QB", [3, 4]),
        ];
        let (kind, code, ids) = codes[dice.usize(..codes.len())];
        let to = (dice.u8(0..4) > 0).then_some(ids[dice.usize(..2)]);
        let act = move |conn: &Connection| match to {
            Some(id) => maps::set(conn, kind, code, id),
            None => maps::remove(conn, kind, code),
        };
        self.link().store.write_blocking(act).unwrap();
        self.tell(|| format!("map {kind:?} {code}: {to:?}"));
    }

    /// Whether local maps came and went: what a code stands for depends on when it was sent.
    pub(crate) fn has_mapped(&self) -> bool {
        self.tally.other.contains_key(MAP_CHANGED)
    }

    /// What changed since the last run is known in the database alone: whatever becomes of it does so in a quiet hour.
    fn quiet_hour(&mut self) {
        self.net.pass(TimeDelta::minutes(45));
        self.run(&Run::calm());
    }

    pub(crate) fn lose_database(&mut self) {
        self.quiet_hour();
        // What waits for a person is known there alone, too.
        // Where Prebook items do not name their PO, one that was made for another ship date is not found.
        let names_po = {
            let world = &self.net.lock().world;
            world.answers == Answers::Plain && world.komet.rules.items_show_po
        };
        if !names_po || self.link().store.read_blocking(holds::count).unwrap() > 0 {
            return;
        }
        self.tally.count("database lost");
        self.tell(|| "the database is lost".to_owned());
        self.begin_database(None);
        self.run(&Run::calm());
    }

    /// The file is copied as it is.
    pub(crate) fn copy_database(&mut self) {
        self.tally.count("database copied");
        self.tell(|| "the database is copied".to_owned());
        let mut copy = Connection::open_in_memory().unwrap();
        let end = Backup::new(&self.anchor, &mut copy).unwrap().step(-1).unwrap();
        assert_eq!(end, StepResult::Done, "nobody is at work with it");
        self.copy = Some((copy, self.has_asked()));
    }

    /// The copy is put back in the file's place. What people were asked and decided since is lost with the file, so nothing must
    /// wait for them or have been decided. A raw copy is doubted only a day after its last run.
    pub(crate) fn put_copy_back(&mut self) {
        let Some((copy, had_asked)) = self.copy.take() else { return };
        self.quiet_hour();
        if had_asked || self.has_asked() {
            return;
        }
        self.net.pass(TimeDelta::hours(25));
        self.tally.count("copy put back");
        self.tell(|| "the copy is put back".to_owned());
        self.begin_database(Some(&copy));
        self.run(&Run::calm());
    }

    /// Whether something waits for a person or was decided by one.
    fn has_asked(&mut self) -> bool {
        let known = self.link().store.read_blocking(Remembered::read).unwrap();
        !known.holds.is_empty() || known.orders.iter().any(|order| !order.agreed.decisions.is_empty())
    }
}
