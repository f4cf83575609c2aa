//! Between the budget (`sync::budget`, which decides) and the polls, which do what it says: what is on file about the
//! sources becomes a [`Outlook`], and every read of a source is noted, whoever asked for it. Only runs that the
//! daemon or a timer (`sync --paced`) starts are paced; whatever a paced poll leaves unread stays unread: no plan learns anything from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::budget::{
    APART, Decision, Due, Forecast, Hour, Judged, Kind, Profile, Situation, Source, SourceState, decide, forecast,
    hour_of, reading, watched, window_share,
};
use super::engine::Engine;
use super::poll::{is_stale, polled_from, seldom};
use super::report::Job;
use crate::domain::{Horizon, PoNumber, Zone, dates_of};
use crate::store::watermarks::{self, Stream};
use crate::store::{Connection, StoreError, budget, quota};
use crate::systems::{Axerrio, Komet};

/// How far back learning looks.
const LEARNT_FROM: TimeDelta = TimeDelta::days(28);

/// How soon a source is read again in which something could not be read: it may stay so for days.
const TRIED_AGAIN: TimeDelta = TimeDelta::hours(1);

/// What an outlook depends on beside the database.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Our clock.
    pub now: DateTime<Utc>,
    /// Komet's.
    pub komet_now: DateTime<Utc>,
    /// The link's time zone.
    pub zone: Zone,
    /// `[sync] horizon`
    pub horizon_days: u32,
    /// Requests a day that this link may make.
    pub limit: u64,
}

impl Scope {
    fn horizon(&self) -> Horizon {
        Horizon::at(self.now, self.zone, self.horizon_days)
    }
}

/// How the budget stands, and what it decided.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// What was decided, and why.
    pub decision: Decision,
    /// What is read whatever it is worth, and why.
    mandatory: BTreeMap<Source, &'static str>,
    /// Komet is paused until the reset: the quota is spent, or Komet said so.
    pub paused: bool,
    /// Requests made today.
    pub used: u64,
    /// The day of Komet's, from its beginning to its end.
    pub day: (DateTime<Utc>, DateTime<Utc>),
    profile: Profile,
    hours: Vec<Hour>,
    /// Sources whose POs became more or fewer since they were last noted.
    moved: Vec<SourceState>,
    now: DateTime<Utc>,
    limit: u64,
}

impl Outlook {
    /// Looks at everything on file.
    pub fn of(conn: &Connection, scope: &Scope) -> Result<Self, StoreError> {
        let Scope { now, komet_now, zone, limit, .. } = *scope;
        let day = komet_now.date_naive();
        let began = day.and_time(NaiveTime::MIN).and_utc();
        let (used, spent_at) = (quota::used(conn, day)?, quota::spent_at(conn, day, limit)?);
        let hours = budget::hours(conn, hour_of(now - LEARNT_FROM))?;
        let before = hours.partition_point(|hour| hour.at < began);
        let profile = Profile::learned(zone, limit, &hours[..before]);
        let work = hours[before..].iter().map(|hour| hour.work).sum();
        let (states, moved) = states(conn, scope, &profile)?;
        let situation = Situation {
            now: komet_now,
            day_began: began,
            resets_at: super::end_of(day),
            limit,
            used,
            work,
            profile: &profile,
            sources: &states,
        };
        let mut decision = decide(&situation);
        let in_vain = budget::in_vain(conn, now - TRIED_AGAIN, now)?;
        let mut mandatory = mandatory(conn, &states, &in_vain, now)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what polls may still spend")]
        let reads_left = decision.reads_left as usize;
        let unseen =
            budget::to_look_at(conn, now)?.into_iter().map(|date| (date, "a PO of ours may stand there unseen"));
        let seldom = seldom(conn, scope.horizon().today(), now)?;
        let further = unseen.chain(seldom).map(|(date, why)| (Source::ShipDate(date), why));
        for (source, why) in further.filter(|(source, _)| !in_vain.contains(source)).take(reads_left) {
            mandatory.insert(source, why);
            if !states.iter().any(|state| state.source == source) {
                let state = budget::source(conn, source)?.unwrap_or_else(|| SourceState::new(source, now));
                decision.sources.push(Judged { state, rate: 0.0, due: Due::NotWorthIt });
            }
        }
        let paused = used >= limit || spent_at.is_some();
        let day = (began, situation.resets_at);
        Ok(Self { decision, mandatory, paused, used, day, profile, hours, moved, now, limit })
    }

    /// The sources of a kind that are to be read now.
    pub fn due(&self, kind: Kind) -> BTreeSet<Source> {
        let due = self.decision.sources.iter().filter(|one| self.is_due(one)).map(|one| one.state.source);
        due.filter(|source| source.kind() == kind).collect()
    }

    /// Whether a source is to be read now.
    pub fn is_due(&self, one: &Judged) -> bool {
        one.due == Due::Yes || self.mandatory.contains_key(&one.state.source)
    }

    /// Why it is, or is not.
    pub fn why(&self, one: &Judged) -> &'static str {
        self.mandatory.get(&one.state.source).copied().unwrap_or_else(|| one.due.why())
    }

    /// How far the quota reaches, where one paid user has `a_user` requests a day for this link.
    pub fn forecast(&self, a_user: u64) -> Forecast {
        let Self { profile, hours, now, day, used, limit, .. } = self;
        forecast(profile, hours, *now, *day, (*used, *limit, a_user), self.decision.sources.len())
    }

    /// Keeps what was looked at, and that somebody watched until now.
    fn keep(&self, conn: &Connection, today: NaiveDate) -> Result<(), StoreError> {
        for state in &self.moved {
            budget::save(conn, state)?;
        }
        if !self.moved.is_empty() {
            budget::prune(conn, today)?;
        }
        let last = self.decision.sources.iter().filter_map(|one| one.state.read_at).max();
        let is_any_due = self.decision.sources.iter().any(|one| one.due == Due::Yes);
        let hours = if is_any_due { watched(last, self.now, self.decision.urgency) } else { Vec::new() };
        hours.iter().try_for_each(|hour| budget::add_hour(conn, hour))
    }

    fn explain(&self, kind: Kind) {
        if !log::log_enabled!(log::Level::Debug) {
            return;
        }
        let Decision { price, reserve, reads_left, .. } = &self.decision;
        let due = self.due(kind).len();
        log::debug!(
            "budget: {due} {} due; a read must save {price:.1} min of waiting, {} of {} requests used, {reserve:.0} kept \
             for work, {reads_left:.0} left for polls",
            match kind {
                Kind::PurchaseOrders => "ship dates",
                Kind::Prebooks => "Prebook windows",
            },
            self.used,
            self.limit,
        );
        for one in self.decision.sources.iter().filter(|one| one.state.source.kind() == kind) {
            log::debug!(
                "budget: {}: {:.2} unseen changes expected, {:.1} min waiting: {}",
                name(one.state.source),
                one.state.unseen,
                one.state.waiting,
                self.why(one),
            );
        }
    }
}

/// What people call a source.
pub fn name(source: Source) -> String {
    match source {
        Source::ShipDate(date) => format!("POs of {date}"),
        Source::Window(window) => {
            let (from, to) = dates_of(window);
            format!("Prebooks of {from} to {to}")
        }
    }
}

/// Every source as it stands now; and those whose POs became more or fewer, or that are new.
fn states(
    conn: &Connection,
    scope: &Scope,
    profile: &Profile,
) -> Result<(Vec<SourceState>, Vec<SourceState>), StoreError> {
    let (now, horizon) = (scope.now, scope.horizon());
    let today = horizon.today();
    let known: BTreeMap<Source, SourceState> =
        budget::sources(conn)?.into_iter().map(|state| (state.source, state)).collect();
    let latest = |kind: Kind| {
        known.values().filter(|state| state.source.kind() == kind).filter_map(|state| state.changed_at).max()
    };
    let (latest_po, latest_prebook) = (latest(Kind::PurchaseOrders), latest(Kind::Prebooks));
    let mut states = Vec::new();
    let mut moved = Vec::new();
    for (date, pending, approved) in budget::open_pos(conn, polled_from(today))? {
        let source = Source::ShipDate(date);
        let mut state = known.get(&source).copied().unwrap_or_else(|| SourceState::new(source, now));
        state.advance(profile, latest_po, now);
        if !known.contains_key(&source) || (state.pending, state.approved) != (pending, approved) {
            (state.pending, state.approved) = (pending, approved);
            moved.push(state);
        }
        states.push(state);
    }
    for window in horizon.windows() {
        let source = Source::Window(window);
        let mut state = known.get(&source).copied().unwrap_or_else(|| SourceState::new(source, now));
        state.share = window_share(window, today, horizon.first(), horizon.last());
        state.advance(profile, latest_prebook, now);
        states.push(state);
    }
    Ok((states, moved))
}

/// The windows that were never read, or not in full for a day (clarification 5), unless they were tried just now, in vain. And what
/// was read at a time that has not come yet, because the clock was set back since: nothing would be expected of it until then. Each
/// with the reason.
fn mandatory(
    conn: &Connection,
    states: &[SourceState],
    in_vain: &BTreeSet<Source>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<Source, &'static str>, StoreError> {
    let mut mandatory = BTreeMap::new();
    for state in states {
        if state.as_of > now {
            mandatory.insert(state.source, "the clock was set back");
        } else if let Source::Window(window) = state.source {
            let full_at = watermarks::get(conn, Stream::Prebooks, window)?.and_then(|w| w.full_at);
            if full_at.is_none_or(|at| is_stale(at, now)) && !in_vain.contains(&state.source) {
                mandatory.insert(state.source, "its daily full read");
            }
        }
    }
    Ok(mandatory)
}

/// Notes that a source was read, and what is learned from that. `shows`: up to which moment of Komet's clock, where all of
/// it could be `read_whole`.
pub(super) fn saw(
    conn: &Connection,
    source: Source,
    now: DateTime<Utc>,
    shows: Option<DateTime<Utc>>,
    (changed, read_whole): (u64, bool),
) -> Result<(), StoreError> {
    let mut state = budget::source(conn, source)?.unwrap_or_else(|| SourceState::new(source, now));
    for hour in reading(&state, now, changed) {
        budget::add_hour(conn, &hour)?;
    }
    state.was_read(now, changed > 0);
    budget::save(conn, &state)?;
    budget::was_in_vain(conn, source, (!read_whole).then_some(now))?;
    match shows {
        Some(up_to) => budget::shows(conn, source, up_to, now),
        None => Ok(()),
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// How the budget stands, and what it decides now.
    pub async fn outlook(&self) -> Result<Outlook, StoreError> {
        let scope = Scope {
            now: self.clock.now(),
            komet_now: self.komet_now(),
            zone: self.settings.timezone,
            horizon_days: self.settings.horizon_days,
            limit: self.settings.quota_limit,
        };
        self.store.read(move |conn| Outlook::of(conn, &scope)).await
    }

    /// Whether a paced run of this job would find anything to read now: for who would rather not start one in vain. A job
    /// that polls Axerrio always would.
    pub async fn is_due(&self, job: Job) -> Result<bool, StoreError> {
        let kind = match job {
            Job::Orders | Job::Labels => return Ok(true),
            Job::Prebooks => Kind::Prebooks,
            Job::PurchaseOrders => Kind::PurchaseOrders,
        };
        let outlook = self.outlook().await?;
        Ok(!outlook.paused && !outlook.due(kind).is_empty())
    }

    /// The sources of a kind that a paced poll reads now. What was looked at for that is kept: the POs that there are, and that
    /// somebody watched.
    pub(super) async fn decide_and_note(&self, kind: Kind) -> Result<BTreeSet<Source>, StoreError> {
        let outlook = self.outlook().await?;
        outlook.explain(kind);
        let due = outlook.due(kind);
        let today = self.today();
        self.store.write(move |conn| outlook.keep(conn, today)).await?;
        Ok(due)
    }

    /// The sources in which something could not be read just now, so that nothing is gained by reading them again: for an hour, or,
    /// where somebody waits for it, for as long as no source is read twice (quota.md).
    pub(super) async fn in_vain(&self, paced: bool) -> Result<BTreeSet<Source>, StoreError> {
        let (from, now) = self.just_now(paced);
        self.store.read(move |conn| budget::in_vain(conn, from, now)).await
    }

    /// The same of POs that were asked for by their number.
    pub(super) async fn pos_in_vain(&self, paced: bool) -> Result<BTreeSet<PoNumber>, StoreError> {
        let (from, now) = self.just_now(paced);
        self.store.read(move |conn| budget::pos_in_vain(conn, from, now)).await
    }

    fn just_now(&self, paced: bool) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = self.clock.now();
        (now - if paced { TRIED_AGAIN } else { APART }, now)
    }

    /// Counts requests that were no polls, for expecting as many at this hour of other days.
    pub(super) async fn worked(&self, requests: u64) -> Result<(), StoreError> {
        if requests == 0 {
            return Ok(());
        }
        #[allow(clippy::cast_precision_loss, reason = "a number of requests")]
        let hour = Hour { work: requests as f64, ..Hour::new(self.clock.now()) };
        self.store.write(move |conn| budget::add_hour(conn, &hour)).await
    }
}
