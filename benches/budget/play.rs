//! A link that lives through the trade: it knows what stemsync would know, asks the real policy what is due, and
//! notes how long each change had waited when it was seen.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use stemsync::domain::Zone;
use stemsync::domain::window_of;
use stemsync::sync::budget::{
    Due, Hour, Kind, Profile, Situation, Source, SourceState, decide, hour_of, reading, watched, window_share,
};

use crate::literal::{self, Day};
use crate::trade::{
    CHANGED, CHANGED_LINE, Deed, Dice, Fate, Id, NEW_ORDER, NEW_PREBOOKS, Volume, after, local_date,
};

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
    /// quota.md's policy 1, to the letter.
    Tokens,
    /// quota.md's policy 2, to the letter.
    Price,
    /// The same, told each hour's true number of changes: as good as it gets.
    Told,
    /// The budget, asked every so many seconds.
    Budget(i64),
    /// The budget, asked when `sync.toml`'s default schedule says.
    BudgetEveryFiveMinutes,
}

/// What is measured.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) approvals: Vec<f64>,
    pub(crate) prebooks: Vec<f64>,
    pub(crate) late: Vec<f64>,
    pub(crate) working_days: u64,
    pub(crate) held_days: u64,
    /// Those of them whose work was no more than the quota.
    pub(crate) needless_days: u64,
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
        self.needless_days += other.needless_days;
        self.used += other.used;
        self.reads += other.reads;
    }
}

/// A write that is to be made, and what it brings about.
type Job = (u64, Option<(NaiveDate, Id, bool)>);

/// How many changes each hour brought to each source.
type Truth = BTreeMap<(DateTime<Utc>, Source), f64>;

struct Link {
    limit: u64,
    policy: Policy,
    seed: u64,
    deeds: BTreeMap<(DateTime<Utc>, u64), Deed>,
    serial: u64,
    /// POs awaiting approval, by their order: their ship date.
    open: BTreeMap<Id, NaiveDate>,
    /// Those of them that lie in a pile.
    piles: BTreeMap<NaiveDate, Vec<Id>>,
    /// Changes that nobody has read yet.
    unseen: BTreeMap<Source, Vec<(DateTime<Utc>, Deed)>>,
    jobs: Vec<Job>,
    sources: BTreeMap<Source, SourceState>,
    full_at: BTreeMap<i64, DateTime<Utc>>,
    /// The local date for which the windows' shares hold.
    shares_of: NaiveDate,
    /// Nothing can become due before: asking would be in vain.
    quiet_until: DateTime<Utc>,
    turn: usize,
    /// Reads that a policy with tokens has saved up.
    saved: f64,
    truth: Truth,
    told: Option<Truth>,
    /// What a policy to the letter expects of the day,
    ahead: Day,
    /// and reads a minute of the even one.
    evenly: f64,
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
    let told = (policy == Policy::Told).then(|| fortnight(volume, limit, Policy::Price, seed, None).1);
    fortnight(volume, limit, policy, seed, told).0
}

fn fortnight(volume: Volume, limit: u64, policy: Policy, seed: u64, told: Option<Truth>) -> (Seen, Truth) {
    let first = NaiveDate::from_ymd_opt(2026, 1, 23).expect("a Friday");
    let begin = first.and_time(NaiveTime::MIN).and_utc();
    let mut link = Link {
        limit,
        policy,
        seed,
        deeds: BTreeMap::new(),
        serial: 0,
        open: BTreeMap::new(),
        piles: BTreeMap::new(),
        unseen: BTreeMap::new(),
        jobs: Vec::new(),
        sources: BTreeMap::new(),
        full_at: BTreeMap::new(),
        shares_of: NaiveDate::MIN,
        quiet_until: begin,
        turn: 0,
        saved: 0.0,
        truth: Truth::new(),
        told,
        ahead: Day::default(),
        evenly: 0.0,
        hours: BTreeMap::new(),
        profile: Profile::unlearned(Zone::default(), limit),
        day: first,
        used: 0,
        work: 0,
        reads: 0,
        held: false,
        seen: Seen::default(),
        measuring: false,
    };
    for n in 0..=(WARM_UP + MEASURED) {
        let date = first + TimeDelta::days(n);
        let mut dice = Dice::of(seed, u64::from(date.num_days_from_ce().unsigned_abs()), Fate::Day);
        for (at, deed) in dice.day(volume, n - WARM_UP, date) {
            link.plan(Some(at), deed);
        }
    }
    link.look_ahead(begin);
    let step = match policy {
        Policy::Budget(seconds) => seconds,
        Policy::Tokens | Policy::Price | Policy::Told => 10,
        Policy::Evenly | Policy::BudgetEveryFiveMinutes => 30,
    };
    let mut now = begin;
    while now < begin + TimeDelta::days(WARM_UP + MEASURED) {
        link.measuring = now >= begin + TimeDelta::days(WARM_UP);
        link.turn_day(now);
        link.live(now);
        link.write(now);
        if now >= link.quiet_until {
            link.poll(now, begin);
        }
        now += TimeDelta::seconds(step);
    }
    link.close_day();
    (link.seen, link.truth)
}

/// By how much a burst raises a rate at most.
const MOST_LIKELY: f64 = 5.0;

/// Until when no source can reach the price, whatever bursts begin. Prices fall slowly, and all are looked at again within
/// a minute.
fn quiet_until(
    now: DateTime<Utc>,
    price: f64,
    expected: impl Iterator<Item = (SourceState, f64)>,
) -> DateTime<Utc> {
    let price = price * 0.97;
    let left = expected.map(|(state, rate)| {
        // When C + N t + r t² / 2 reaches the price.
        let (missing, rate) = (price - state.waiting, rate.max(1e-9));
        ((state.unseen * state.unseen + 2.0 * rate * missing.max(0.0)).sqrt() - state.unseen) / rate
    });
    #[allow(clippy::cast_possible_truncation)]
    let seconds = (left.fold(1.0, f64::min) * 60.0) as i64;
    now + TimeDelta::seconds(seconds)
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
        self.profile = Profile::learned(Zone::default(), self.limit, &hours);
        let long_gone = local_date(now) - TimeDelta::days(2);
        self.sources.retain(|source, _| !matches!(source, Source::ShipDate(date) if *date < long_gone));
        self.look_ahead(now);
    }

    /// What the policies to the letter expect of the day that begins.
    fn look_ahead(&mut self, now: DateTime<Utc>) {
        if !matches!(self.policy, Policy::Budget(_) | Policy::BudgetEveryFiveMinutes) {
            self.ahead = Day::of(&self.profile, now);
            let reads = self.ahead.reads_left(now, &self.profile, 0.0, self.limit, 0);
            self.evenly = reads / (24.0 * 60.0);
        }
    }

    fn close_day(&mut self) {
        let is_working = !matches!(self.day.weekday(), Weekday::Sat | Weekday::Sun);
        if self.measuring && is_working {
            self.seen.working_days += 1;
            self.seen.held_days += u64::from(self.held);
            let undone: u64 = self.jobs.iter().map(|(requests, _)| requests).sum();
            self.seen.needless_days += u64::from(self.held && self.work + undone <= self.limit);
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
                Deed::Order(date, id) => self.jobs.push((NEW_ORDER, Some((date, id, true)))),
                Deed::Accepted(date, id) => self.jobs.push((1, Some((date, id, false)))),
                Deed::Labels => self.jobs.push((1, None)),
                Deed::Change(id) => {
                    if self.open.contains_key(&id) {
                        self.jobs.push((CHANGED_LINE, None));
                    }
                }
                Deed::Prebook(date, _) => self.changed(Source::Window(window_of(date)), at, deed),
                Deed::Approve(id) => {
                    if let Some(date) = self.open.remove(&id) {
                        self.changed(Source::ShipDate(date), at, deed);
                        self.plan_late(at, date, id, 0);
                    }
                }
                Deed::Pile(date) => {
                    for id in self.piles.remove(&date).unwrap_or_default() {
                        let minutes = Dice::of(self.seed, id, Fate::Approval).0.f64() * 4.0;
                        self.plan(Some(after(at, minutes)), Deed::Approve(id));
                    }
                }
                Deed::Late(date, id, n) => {
                    if local_date(at) <= date {
                        self.changed(Source::ShipDate(date), at, deed);
                        self.plan_late(at, date, id, n + 1);
                    }
                }
            }
        }
    }

    fn plan_late(&mut self, from: DateTime<Utc>, date: NaiveDate, id: Id, n: u64) {
        let late = Dice::of(self.seed, id, Fate::Late(n)).late(from);
        self.plan(late, Deed::Late(date, id, n));
    }

    fn changed(&mut self, source: Source, at: DateTime<Utc>, deed: Deed) {
        self.unseen.entry(source).or_default().push((at, deed));
        *self.truth.entry((hour_of(at), source)).or_default() += 1.0;
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
            } else if let Some((date, id, may_change)) = makes {
                self.make_po(now, date, id, may_change);
            }
        }
        self.jobs = waiting;
    }

    fn make_po(&mut self, now: DateTime<Utc>, date: NaiveDate, id: Id, may_change: bool) {
        let mut dice = Dice::of(self.seed, id, Fate::Po);
        self.open.insert(id, date);
        if dice.0.bool() {
            let pile = self.piles.entry(date).or_default();
            pile.push(id);
            if pile.len() == 1 {
                self.plan(dice.approval(now), Deed::Pile(date));
            }
        } else {
            self.plan(dice.approval(now), Deed::Approve(id));
        }
        if may_change && dice.0.f64() < CHANGED {
            let minutes = dice.0.f64() * 120.0;
            self.plan(Some(after(now, minutes)), Deed::Change(id));
        }
        self.source(Source::ShipDate(date), now).pending += 1;
    }

    fn source(&mut self, source: Source, now: DateTime<Utc>) -> &mut SourceState {
        self.sources.entry(source).or_insert_with(|| SourceState::new(source, now))
    }

    fn poll(&mut self, now: DateTime<Utc>, begin: DateTime<Utc>) {
        let today = local_date(now);
        let (first, last) = (today - TimeDelta::days(1), today + TimeDelta::days(HORIZON));
        if self.shares_of != today {
            self.shares_of = today;
            for window in window_of(first)..=window_of(last) {
                self.source(Source::Window(window), now).share = window_share(window, today, first, last);
            }
            let is_past = |window: i64| window < window_of(first);
            self.sources.retain(|source, _| !matches!(source, Source::Window(window) if is_past(*window)));
        }
        let watched_from = self.sources.values().filter_map(|state| state.read_at).max();
        let due = match self.policy {
            Policy::Evenly => self.in_turn(first, last),
            Policy::Tokens | Policy::Price | Policy::Told => self.literally(now),
            Policy::Budget(_) => self.due(now, |_| true),
            Policy::BudgetEveryFiveMinutes => match (now - begin).num_seconds() % 300 {
                0 => self.due(now, |kind| kind == Kind::Prebooks),
                30 => self.due(now, |kind| kind == Kind::PurchaseOrders),
                _ => return,
            },
        };
        if !due.is_empty() && matches!(self.policy, Policy::Budget(_) | Policy::BudgetEveryFiveMinutes) {
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
        let mandatory = self.mandatory(now);
        let expected = decision.sources.iter().map(|one| (one.state, one.rate * MOST_LIKELY));
        self.quiet_until = quiet_until(now, decision.price, expected);
        let chosen =
            decision.sources.iter().filter(|one| one.due == Due::Yes || mandatory.contains(&one.state.source));
        let chosen: Vec<Source> = chosen.map(|one| one.state.source).filter(|source| of(source.kind())).collect();
        self.noted(&chosen, &mandatory, now);
        chosen
    }

    /// The windows that were not read in full for a day.
    fn mandatory(&self, now: DateTime<Utc>) -> BTreeSet<Source> {
        let stale = |window: &i64| self.full_at.get(window).is_none_or(|at| now - *at >= TimeDelta::hours(24));
        let windows = self.sources.keys().copied();
        windows.filter(|source| matches!(source, Source::Window(window) if stale(window))).collect()
    }

    fn noted(&mut self, chosen: &[Source], mandatory: &BTreeSet<Source>, now: DateTime<Utc>) {
        for source in chosen {
            if let Source::Window(window) = source
                && mandatory.contains(source)
            {
                self.full_at.insert(*window, now);
            }
        }
    }

    /// What policies 1 and 2 read, to the letter of quota.md.
    fn literally(&mut self, now: DateTime<Utc>) -> Vec<Source> {
        let cell = *self.ahead.cell(now);
        let latest = [Kind::PurchaseOrders, Kind::Prebooks].map(|kind| self.latest_change(kind));
        let hour = hour_of(now);
        let told = self.told.as_ref();
        let mut urgency = 0.0;
        let mut watched_for = 0.0;
        for state in self.sources.values_mut() {
            let neighbour = latest[usize::from(state.source.kind() == Kind::Prebooks)];
            let rate = match told {
                Some(truth) => truth.get(&(hour, state.source)).copied().unwrap_or_default() / 60.0,
                None => literal::rate(state, &cell, neighbour, now),
            };
            urgency += (rate / 2.0).sqrt();
            watched_for = literal::gather(state, rate, now);
        }
        #[allow(clippy::cast_precision_loss)]
        let work = self.work as f64;
        let reads_left = self.ahead.reads_left(now, &self.profile, work, self.limit, self.used);
        let mut waiting: Vec<SourceState> = self.sources.values().copied().collect();
        waiting.retain(|state| state.read_at.is_none_or(|at| now - at >= literal::APART));
        waiting.sort_by(|a, b| b.waiting.total_cmp(&a.waiting));
        let mandatory = self.mandatory(now);
        let worth: usize = if self.policy == Policy::Tokens {
            self.saved += self.ahead.tokens(now, reads_left) * watched_for;
            self.saved = self.saved.min(literal::SAVED);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let worth = self.saved as usize;
            worth.min(waiting.iter().filter(|state| state.waiting > 0.0).count())
        } else {
            let to_come = match told {
                Some(truth) => literal::true_urgency(truth, now),
                None => self.ahead.urgency(now, urgency),
            };
            let price = literal::price(to_come, reads_left);
            let expected = waiting.iter().map(|state| (*state, literal::most(state, &cell)));
            self.quiet_until = match told {
                Some(_) => now,
                None => quiet_until(now, price, expected),
            };
            let now_worth = waiting.iter().filter(|state| state.waiting > 0.0 && state.waiting >= price);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            now_worth.count().min(reads_left as usize)
        };
        #[allow(clippy::cast_precision_loss)]
        if self.policy == Policy::Tokens {
            self.saved -= worth as f64;
        }
        let mut chosen: Vec<Source> = waiting.iter().take(worth).map(|state| state.source).collect();
        chosen.extend(
            mandatory
                .iter()
                .copied()
                .filter(|source| !waiting.iter().take(worth).any(|one| one.source == *source)),
        );
        self.noted(&chosen, &mandatory, now);
        self.learn(&[Hour { watched: watched_for, urgency: urgency * watched_for, ..Hour::new(now) }]);
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

    /// Every ship date and window in turn, as often as what is left by the reserve of the day's beginning allows.
    fn in_turn(&mut self, first: NaiveDate, last: NaiveDate) -> Vec<Source> {
        self.saved += self.evenly * 0.5;
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
                    Deed::Late(..) => self.seen.late.push(waited),
                    _ => self.seen.prebooks.push(waited),
                }
            }
            if let Deed::Prebook(date, id) = deed {
                let mut dice = Dice::of(self.seed, id, Fate::Acceptance);
                if dice.0.f64() < NEW_PREBOOKS {
                    let accepted = dice.when(now, 1.0 / 60.0, 1.0 / 600.0);
                    self.plan(accepted, Deed::Accepted(date, id));
                }
            }
        }
    }
}
