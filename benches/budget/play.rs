//! A link that lives through the trade: it knows what stemsync would know, asks the real policy what is due, and
//! notes how long each change had waited when it was seen.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use fastrand::Rng;
use stemsync::sync::budget::{
    Due, Hour, Kind, Profile, Situation, Source, SourceState, decide, hour_of, reading, watched, window_share,
};
use stemsync::sync::plan::window_of;

use crate::trade::{CHANGED_LINE, Deed, Dice, NEW_ORDER, Volume, after, local_date};

/// Days before the fortnight, in which hours are learned.
const WARM_UP: i64 = 8;
/// The fortnight.
const MEASURED: i64 = 14;
/// Ship dates from yesterday to so many days ahead are polled.
const HORIZON: i64 = 28;
/// Days that learning looks back.
const KEPT: i64 = 28;

/// Who decides what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Every ship date and window in turn, evenly over the day: what the budget is there to beat.
    Evenly,
    /// The budget, asked every so many seconds.
    Budget(i64),
    /// The budget, asked when `sync.toml`'s default schedule says.
    BudgetEveryFiveMinutes,
}

/// What is measured.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) approvals: Vec<f64>,
    pub(crate) prebooks: Vec<f64>,
    pub(crate) late: Vec<f64>,
    pub(crate) working_days: u64,
    pub(crate) held_days: u64,
    pub(crate) used: u64,
    pub(crate) reads: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.approvals.extend(other.approvals);
        self.prebooks.extend(other.prebooks);
        self.late.extend(other.late);
        self.working_days += other.working_days;
        self.held_days += other.held_days;
        self.used += other.used;
        self.reads += other.reads;
    }
}

/// A write that is to be made, and what it brings about.
type Job = (u64, Option<(NaiveDate, bool)>);

struct Link {
    limit: u64,
    policy: Policy,
    dice: Dice,
    deeds: BTreeMap<(DateTime<Utc>, u64), Deed>,
    serial: u64,
    /// POs awaiting approval, by their number: their ship date.
    open: BTreeMap<u64, NaiveDate>,
    /// Those of them that lie in a pile.
    piles: BTreeMap<NaiveDate, Vec<u64>>,
    /// Changes that nobody has read yet.
    unseen: BTreeMap<Source, Vec<(DateTime<Utc>, Deed)>>,
    jobs: Vec<Job>,
    sources: BTreeMap<Source, SourceState>,
    full_at: BTreeMap<i64, DateTime<Utc>>,
    turn: usize,
    /// Thousandths of a read that the even policy has saved up.
    saved: f64,
    hours: BTreeMap<DateTime<Utc>, Hour>,
    profile: Profile,
    day: NaiveDate,
    used: u64,
    work: u64,
    reads: u64,
    held: bool,
    seen: Seen,
    measuring: bool,
}

/// Plays one fortnight.
pub(crate) fn play(volume: Volume, limit: u64, policy: Policy, seed: u64) -> Seen {
    let first = NaiveDate::from_ymd_opt(2026, 1, 23).expect("a Friday");
    let begin = first.and_time(NaiveTime::MIN).and_utc();
    let mut link = Link {
        limit,
        policy,
        dice: Dice(Rng::with_seed(seed)),
        deeds: BTreeMap::new(),
        serial: 0,
        open: BTreeMap::new(),
        piles: BTreeMap::new(),
        unseen: BTreeMap::new(),
        jobs: Vec::new(),
        sources: BTreeMap::new(),
        full_at: BTreeMap::new(),
        turn: 0,
        saved: 0.0,
        hours: BTreeMap::new(),
        profile: Profile::unlearned(New_York, limit),
        day: first,
        used: 0,
        work: 0,
        reads: 0,
        held: false,
        seen: Seen::default(),
        measuring: false,
    };
    for n in 0..=(WARM_UP + MEASURED) {
        for (at, deed) in link.dice.day(volume, n - WARM_UP, first + TimeDelta::days(n)) {
            link.plan(Some(at), deed);
        }
    }
    let step = match policy {
        Policy::Budget(seconds) => seconds,
        Policy::Evenly | Policy::BudgetEveryFiveMinutes => 30,
    };
    let mut now = begin;
    while now < begin + TimeDelta::days(WARM_UP + MEASURED) {
        link.measuring = now >= begin + TimeDelta::days(WARM_UP);
        link.turn_day(now);
        link.live(now);
        link.write(now);
        link.poll(now, begin);
        now += TimeDelta::seconds(step);
    }
    link.close_day();
    link.seen
}

impl Link {
    fn plan(&mut self, at: Option<DateTime<Utc>>, deed: Deed) {
        if let Some(at) = at {
            self.serial += 1;
            self.deeds.insert((at, self.serial), deed);
        }
    }

    fn turn_day(&mut self, now: DateTime<Utc>) {
        if now.date_naive() == self.day {
            return;
        }
        self.close_day();
        self.day = now.date_naive();
        (self.used, self.work, self.reads, self.held) = (0, 0, 0, false);
        let from = now - TimeDelta::days(KEPT);
        let hours: Vec<Hour> = self.hours.range(from..).map(|(_, hour)| *hour).collect();
        self.profile = Profile::learned(New_York, self.limit, &hours);
        let long_gone = local_date(now) - TimeDelta::days(2);
        self.sources.retain(|source, _| !matches!(source, Source::ShipDate(date) if *date < long_gone));
    }

    fn close_day(&mut self) {
        let is_working =
            !matches!(chrono::Datelike::weekday(&self.day), chrono::Weekday::Sat | chrono::Weekday::Sun);
        if self.measuring && is_working {
            self.seen.working_days += 1;
            self.seen.held_days += u64::from(self.held);
            self.seen.used += self.used;
            self.seen.reads += self.reads;
        }
    }

    /// People do what is theirs.
    fn live(&mut self, now: DateTime<Utc>) {
        while let Some(entry) = self.deeds.first_entry().filter(|entry| entry.key().0 <= now) {
            let at = entry.key().0;
            let deed = entry.remove();
            match deed {
                Deed::Order(date) => self.jobs.push((NEW_ORDER, Some((date, true)))),
                Deed::Accepted(date) => self.jobs.push((1, Some((date, false)))),
                Deed::Labels => self.jobs.push((1, None)),
                Deed::Change(po) => {
                    if self.open.contains_key(&po) {
                        self.jobs.push((CHANGED_LINE, None));
                    }
                }
                Deed::Prebook(date, _) => self.changed(Source::Window(window_of(date)), at, deed),
                Deed::Approve(po) => {
                    if let Some(date) = self.open.remove(&po) {
                        self.changed(Source::ShipDate(date), at, deed);
                        let late = self.dice.late(at);
                        self.plan(late, Deed::Late(date));
                    }
                }
                Deed::Pile(date) => {
                    for po in self.piles.remove(&date).unwrap_or_default() {
                        let minutes = self.dice.0.f64() * 4.0;
                        self.plan(Some(after(at, minutes)), Deed::Approve(po));
                    }
                }
                Deed::Late(date) => {
                    if local_date(at) <= date {
                        self.changed(Source::ShipDate(date), at, deed);
                        let late = self.dice.late(at);
                        self.plan(late, Deed::Late(date));
                    }
                }
            }
        }
    }

    fn changed(&mut self, source: Source, at: DateTime<Utc>, deed: Deed) {
        self.unseen.entry(source).or_default().push((at, deed));
    }

    /// Writes what is to be written, as far as the quota goes.
    fn write(&mut self, now: DateTime<Utc>) {
        let mut waiting = Vec::new();
        for (requests, makes) in std::mem::take(&mut self.jobs) {
            let made = requests.min(self.limit.saturating_sub(self.used));
            self.used += made;
            self.work += made;
            let at = hour_of(now);
            #[allow(clippy::cast_precision_loss)]
            let work = made as f64;
            self.hours.entry(at).or_insert_with(|| Hour::new(at)).work += work;
            if made < requests {
                self.held = true;
                waiting.push((requests - made, makes));
            } else if let Some((date, may_change)) = makes {
                self.make_po(now, date, may_change);
            }
        }
        self.jobs = waiting;
    }

    fn make_po(&mut self, now: DateTime<Utc>, date: NaiveDate, may_change: bool) {
        self.serial += 1;
        let po = self.serial;
        self.open.insert(po, date);
        if self.dice.0.bool() {
            let pile = self.piles.entry(date).or_default();
            pile.push(po);
            if pile.len() == 1 {
                let at = self.dice.approval(now);
                self.plan(at, Deed::Pile(date));
            }
        } else {
            let at = self.dice.approval(now);
            self.plan(at, Deed::Approve(po));
        }
        if may_change && self.dice.0.f64() < 0.2 {
            let minutes = self.dice.0.f64() * 120.0;
            self.plan(Some(after(now, minutes)), Deed::Change(po));
        }
        self.source(Source::ShipDate(date), now).pending += 1;
    }

    fn source(&mut self, source: Source, now: DateTime<Utc>) -> &mut SourceState {
        self.sources.entry(source).or_insert_with(|| SourceState::new(source, now))
    }

    fn poll(&mut self, now: DateTime<Utc>, begin: DateTime<Utc>) {
        let today = local_date(now);
        let (first, last) = (today - TimeDelta::days(1), today + TimeDelta::days(HORIZON));
        for window in window_of(first)..=window_of(last) {
            self.source(Source::Window(window), now).share = window_share(window, today, first, last);
        }
        self.sources.retain(|source, _| !matches!(source, Source::Window(window) if *window < window_of(first)));
        let watched_from = self.sources.values().filter_map(|state| state.read_at).max();
        let due = match self.policy {
            Policy::Evenly => self.in_turn(now, first, last),
            Policy::Budget(_) => self.due(now, |_| true),
            Policy::BudgetEveryFiveMinutes => match (now - begin).num_seconds() % 300 {
                0 => self.due(now, |kind| kind == Kind::Prebooks),
                30 => self.due(now, |kind| kind == Kind::PurchaseOrders),
                _ => return,
            },
        };
        if !due.is_empty() {
            let states: Vec<SourceState> = self.sources.values().copied().collect();
            let urgency = decide(&self.situation(now, &states)).urgency;
            self.learn(&watched(watched_from, now, urgency));
        }
        for source in due {
            if self.used < self.limit {
                self.read(source, now);
            }
        }
    }

    fn latest_change(&self, kind: Kind) -> Option<DateTime<Utc>> {
        self.sources
            .values()
            .filter(|state| state.source.kind() == kind)
            .filter_map(|state| state.changed_at)
            .max()
    }

    /// What the policy says is due.
    fn due(&mut self, now: DateTime<Utc>, of: impl Fn(Kind) -> bool) -> Vec<Source> {
        let latest = [Kind::PurchaseOrders, Kind::Prebooks].map(|kind| self.latest_change(kind));
        for state in self.sources.values_mut() {
            let neighbour = latest[usize::from(state.source.kind() == Kind::Prebooks)];
            state.advance(&self.profile, neighbour, now);
        }
        let states: Vec<SourceState> = self.sources.values().copied().collect();
        let decision = decide(&self.situation(now, &states));
        let stale = |window: &i64| self.full_at.get(window).is_none_or(|at| now - *at >= TimeDelta::hours(24));
        let mandatory: BTreeSet<Source> = states
            .iter()
            .map(|state| state.source)
            .filter(|source| matches!(source, Source::Window(window) if stale(window)))
            .collect();
        let chosen =
            decision.sources.iter().filter(|one| one.due == Due::Yes || mandatory.contains(&one.state.source));
        let chosen: Vec<Source> = chosen.map(|one| one.state.source).filter(|source| of(source.kind())).collect();
        for source in &chosen {
            if let Source::Window(window) = source
                && mandatory.contains(source)
            {
                self.full_at.insert(*window, now);
            }
        }
        chosen
    }

    fn situation<'a>(&'a self, now: DateTime<Utc>, states: &'a [SourceState]) -> Situation<'a> {
        let day_began = self.day.and_time(NaiveTime::MIN).and_utc();
        #[allow(clippy::cast_precision_loss)]
        let work = self.work as f64;
        Situation {
            now,
            day_began,
            resets_at: day_began + TimeDelta::days(1),
            limit: self.limit,
            used: self.used,
            work,
            profile: &self.profile,
            sources: states,
        }
    }

    /// Every ship date and window in turn, so that what is left lasts until the reset.
    fn in_turn(&mut self, now: DateTime<Utc>, first: NaiveDate, last: NaiveDate) -> Vec<Source> {
        let states: Vec<SourceState> = Vec::new();
        let decision = decide(&self.situation(now, &states));
        let reset = self.day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1);
        self.saved += decision.reads_left * 30.0 / (reset - now).as_seconds_f64();
        let mut all: Vec<Source> =
            first.iter_days().take_while(|date| *date <= last).map(Source::ShipDate).collect();
        all.extend((window_of(first)..=window_of(last)).map(Source::Window));
        let mut due = Vec::new();
        while self.saved >= 1.0 {
            self.saved -= 1.0;
            self.turn += 1;
            due.push(all[self.turn % all.len()]);
        }
        due
    }

    fn learn(&mut self, hours: &[Hour]) {
        for more in hours {
            self.hours.entry(more.at).or_insert_with(|| Hour::new(more.at)).add(more);
        }
    }

    fn read(&mut self, source: Source, now: DateTime<Utc>) {
        self.used += 1;
        self.reads += 1;
        let shown = self.unseen.remove(&source).unwrap_or_default();
        let before = *self.source(source, now);
        let changed = shown.len() as u64;
        self.learn(&reading(&before, now, changed));
        let approved = u32::try_from(shown.iter().filter(|(_, deed)| matches!(deed, Deed::Approve(_))).count());
        let approved = approved.unwrap_or_default();
        let state = self.source(source, now);
        state.was_read(now, changed > 0);
        state.pending = state.pending.saturating_sub(approved);
        state.approved += approved;
        for (at, deed) in shown {
            let waited = (now - at).as_seconds_f64() / 60.0;
            if self.measuring {
                match deed {
                    Deed::Approve(_) => self.seen.approvals.push(waited),
                    Deed::Late(_) => self.seen.late.push(waited),
                    _ => self.seen.prebooks.push(waited),
                }
            }
            if let Deed::Prebook(date, true) = deed {
                let accepted = self.dice.when(now, 1.0 / 60.0, 1.0 / 600.0);
                self.plan(accepted, Deed::Accepted(date));
            }
        }
    }
}
