//! The outbox: what a run brought is put in with one transaction; a channel that is at it claims what is due, tells it
//! outside of any transaction, and writes down how that ended with another. Between the two a process may be killed:
//! then its claim runs out and the next one tells it, because twice is better than never. So it is with a delivery that ends
//! in doubt, but a few times only: who is slow each time would tell it all day.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Failure;
use super::digest::News;
use super::what::{Notice, Seen, judge};
use crate::store::notices::{self, ChannelRow};
use crate::store::{Connection, StoreError, holds};

/// No pause between two attempts is longer.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// No claim is longer.
const LONGEST_CLAIM: TimeDelta = TimeDelta::minutes(5);
/// What was not told after a day and [`LAST_ATTEMPT`] attempts is given up: it is no news any more.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// A machine that runs once a day must not give up at the second attempt.
const LAST_ATTEMPT: u32 = 6;

/// What was handed over so often, each time without a word about what became of it, counts as told: once and again after a minute,
/// in case it was lost, and after an hour, in case the other side was down.
pub(super) const MOST_IN_DOUBT: u32 = 3;

/// A way to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `[notify] webhook`
    Webhook,
    /// `[notify.email]`
    Email,
}

impl Channel {
    /// Its name in the database and on the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Email => "e-mail",
        }
    }

    /// Under this name stands which of its notices may have been told: `told` is the last one of them, `attempts` how often they
    /// were handed over.
    fn doubts(self) -> &'static str {
        match self {
            Self::Webhook => "webhook in doubt",
            Self::Email => "e-mail in doubt",
        }
    }
}

/// What a channel is to tell, which no other process tells meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) channel: Channel,
    pub(super) news: News,
    /// The last notice of it.
    last: i64,
    until: DateTime<Utc>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Failed attempts in a row.
    pub(super) attempts: u32,
    /// Notices that were not told and will not be tried again.
    pub(super) given_up: usize,
    /// Notices that may have been told and will not be tried again.
    pub(super) left_in_doubt: usize,
}

/// Puts into the outbox what a run showed and the holds that are new. Says whether there was anything to write.
///
/// Asked first with `is_rehearsal`, it writes nothing: a run that found nothing new must not touch the disk.
pub(super) fn record(
    conn: &Connection,
    seen: &Seen,
    now: DateTime<Utc>,
    is_rehearsal: bool,
) -> Result<bool, StoreError> {
    let before = notices::troubles(conn)?;
    let (after, mut events) = judge(&before, seen, now);
    let unseen = notices::unseen_holds(conn)?;
    events.extend(unseen.map(|(after, last)| Notice::Holds { after, last }));
    let changes = after != before || !events.is_empty();
    if !changes || is_rehearsal {
        return Ok(changes);
    }
    if after != before {
        notices::set_troubles(conn, &after)?;
    }
    if let Some((_, newest)) = unseen {
        notices::set_seen_holds(conn, newest)?;
    }
    for event in &events {
        notices::add(conn, now, event)?;
    }
    Ok(true)
}

/// Whether any of the channels has something to tell that may be tried now.
pub(super) fn is_any_due(conn: &Connection, channels: &[Channel], now: DateTime<Utc>) -> Result<bool, StoreError> {
    for channel in channels {
        let row = notices::channel(conn, channel.name())?;
        if may_try(&row, now) && notices::is_any_after(conn, row.told)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When the next attempt may be made; `None` where nothing waits to be told.
pub(super) fn next_attempt(
    conn: &Connection,
    channels: &[Channel],
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut next: Option<DateTime<Utc>> = None;
    for channel in channels {
        let row = notices::channel(conn, channel.name())?;
        if notices::is_any_after(conn, row.told)? {
            let at = [row.next_at, row.claimed_until].into_iter().flatten().max().unwrap_or(now).max(now);
            // Of a clock that was set back, as in `may_try`.
            let at = at.min(now + LONGEST_PAUSE);
            next = Some(next.map_or(at, |next| next.min(at)));
        }
    }
    Ok(next)
}

/// Claims what the channels may tell now. Holds that cleared meanwhile are not told; where nothing else is left, the
/// channel is done with it.
pub(super) fn claim(
    conn: &Connection,
    channels: &[Channel],
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<Vec<Claim>, StoreError> {
    let patience = TimeDelta::from_std(patience).unwrap_or(LONGEST_CLAIM);
    // Half a minute more, for what comes before and after the attempt.
    let until = now + (patience + TimeDelta::seconds(30)).min(LONGEST_CLAIM);
    let mut claims = Vec::new();
    for &channel in channels {
        let row = notices::channel(conn, channel.name())?;
        if !may_try(&row, now) {
            continue;
        }
        let news = News { notices: notices::after(conn, row.told)?, holds: Vec::new() };
        let Some(last) = news.notices.last().map(|row| row.id) else { continue };
        let news = News { holds: open_holds(conn, &news)?, ..news };
        let is_empty =
            news.holds.is_empty() && news.notices.iter().all(|row| matches!(row.notice, Notice::Holds { .. }));
        if is_empty {
            notices::set_channel(conn, channel.name(), &ChannelRow { told: last, claimed_until: None, ..row })?;
            continue;
        }
        notices::set_channel(conn, channel.name(), &ChannelRow { claimed_until: Some(until), ..row })?;
        claims.push(Claim { channel, news, last, until });
    }
    tidy(conn, channels)?;
    Ok(claims)
}

fn open_holds(conn: &Connection, news: &News) -> Result<Vec<holds::HoldRow>, StoreError> {
    let ranges: Vec<(i64, i64)> = news
        .notices
        .iter()
        .filter_map(|row| match row.notice {
            Notice::Holds { after, last } => Some((after, last)),
            _ => None,
        })
        .collect();
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut open = holds::list(conn)?;
    open.retain(|hold| ranges.iter().any(|(after, last)| hold.id > *after && hold.id <= *last));
    Ok(open)
}

/// Writes down how an attempt ended: told, or not and how long the channel asks to be left alone.
pub(super) fn settle(
    conn: &Connection,
    claim: &Claim,
    end: &Result<(), Failure>,
    channels: &[Channel],
    now: DateTime<Utc>,
) -> Result<Settled, StoreError> {
    let name = claim.channel.name();
    let mut row = notices::channel(conn, name)?;
    let is_told = end.is_ok();
    if is_told {
        row.told = row.told.max(claim.last);
        (row.attempts, row.next_at) = (0, None);
    }
    // Whose claim ran out is not asked any more how it went: another process is at it by now.
    let is_mine = row.claimed_until == Some(claim.until);
    if !is_told && !is_mine {
        return Ok(Settled { attempts: row.attempts, ..Settled::default() });
    }
    let mut given_up = 0;
    let mut doubt = Doubt::default();
    if let Err(failure) = end {
        row.attempts = row.attempts.saturating_add(1);
        let mut pause = pause(row.attempts, failure.wait);
        if failure.is_in_doubt {
            doubt = doubt_of(conn, claim, &mut row)?;
            if doubt.times > 1 {
                pause = LONGEST_PAUSE;
            }
        }
        row.next_at = Some(now + pause);
        if row.attempts >= LAST_ATTEMPT {
            let left = claim.news.notices.iter().filter(|notice| notice.id > row.told);
            let late: Vec<_> = left.filter(|notice| now - notice.at >= GIVEN_UP_AFTER).collect();
            given_up = late.len();
            row.told = late.iter().map(|notice| notice.id).fold(row.told, i64::max);
        }
    }
    if is_mine {
        row.claimed_until = None;
    }
    let settled = Settled { attempts: row.attempts, given_up, left_in_doubt: doubt.left };
    if doubt.left > 0 && row.told >= claim.last {
        // Whatever comes next is not made to wait for what is not sent again.
        (row.attempts, row.next_at) = (0, None);
    }
    notices::set_channel(conn, name, &row)?;
    tidy(conn, channels)?;
    Ok(settled)
}

/// What a delivery in doubt comes to.
#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    /// How often the oldest of the notices were handed over.
    times: u32,
    /// Notices that are not handed over again.
    left: usize,
}

/// Counts a delivery that ended in doubt; what was handed over often enough the channel is done with.
fn doubt_of(conn: &Connection, claim: &Claim, row: &mut ChannelRow) -> Result<Doubt, StoreError> {
    let known = notices::channel(conn, claim.channel.doubts())?;
    let is_over = known.told <= row.told;
    let (last, times) = if is_over { (claim.last, 1) } else { (known.told, known.attempts.saturating_add(1)) };
    let is_enough = times >= MOST_IN_DOUBT;
    // What came later was handed over along with it this once at least.
    let (next, counted) = if is_enough { (claim.last, 1) } else { (last, times) };
    let doubted = ChannelRow { told: next, attempts: counted, ..ChannelRow::default() };
    notices::set_channel(conn, claim.channel.doubts(), &doubted)?;
    if !is_enough {
        return Ok(Doubt { times, left: 0 });
    }
    row.told = row.told.max(last);
    Ok(Doubt { times: counted, left: claim.news.notices.iter().filter(|notice| notice.id <= last).count() })
}

/// Drops what every channel has told or given up.
fn tidy(conn: &Connection, channels: &[Channel]) -> Result<(), StoreError> {
    let mut told = i64::MAX;
    for channel in channels {
        told = told.min(notices::channel(conn, channel.name())?.told);
    }
    notices::drop_to(conn, told)
}

/// Times that lie further ahead than was ever written down are of a clock that was set back since.
fn may_try(row: &ChannelRow, now: DateTime<Utc>) -> bool {
    let is_ahead = |at: Option<DateTime<Utc>>, most| at.is_some_and(|at| at > now && at - now <= most);
    !is_ahead(row.next_at, LONGEST_PAUSE) && !is_ahead(row.claimed_until, LONGEST_CLAIM)
}

/// A minute after the first failed attempt, doubling up to an hour; longer where the channel asks for it, but no longer than
/// an hour either.
pub(super) fn pause(attempts: u32, asked: Option<Duration>) -> TimeDelta {
    let minutes = 1_i64 << attempts.saturating_sub(1).min(10);
    let asked = asked.map_or(TimeDelta::zero(), |asked| TimeDelta::from_std(asked).unwrap_or(LONGEST_PAUSE));
    TimeDelta::minutes(minutes).max(asked).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_double_from_a_minute_to_an_hour() {
        let pauses: Vec<_> = (1..=9).map(|attempt| pause(attempt, None).num_minutes()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX, None), LONGEST_PAUSE);
        let asked = |seconds| pause(1, Some(Duration::from_secs(seconds))).num_seconds();
        assert_eq!(
            [asked(5), asked(300), asked(7200)],
            [60, 300, 3600],
            "what is asked for counts if it is longer"
        );
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_channel_waiting() {
        let now: DateTime<Utc> = "2026-02-02T10:00:00Z".parse().unwrap();
        let row = |next: Option<i64>, claimed: Option<i64>| ChannelRow {
            next_at: next.map(|minutes| now + TimeDelta::minutes(minutes)),
            claimed_until: claimed.map(|minutes| now + TimeDelta::minutes(minutes)),
            ..ChannelRow::default()
        };
        assert!(may_try(&row(None, None), now));
        assert!(!may_try(&row(Some(30), None), now) && !may_try(&row(None, Some(1)), now));
        assert!(may_try(&row(Some(-1), Some(-1)), now));
        assert!(may_try(&row(Some(61), Some(6)), now), "an hour back");
    }
}
