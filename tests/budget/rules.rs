//! quota.md's rules, one by one, on the policy itself.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::domain::{Zone, window_of};
use stemsync::sync::budget::{
    Due, Hour, Profile, Situation, Source, SourceState, decide, expected_work, forecast, reserve, window_share,
};

/// A Wednesday, ten in the morning in New York.
fn morning() -> DateTime<Utc> {
    "2026-01-14T15:00:00Z".parse().unwrap()
}

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
}

fn profile() -> Profile {
    Profile::unlearned(Zone::default(), 1000)
}

/// A ship date with POs, read at this moment.
fn ship_date(day: u32, pending: u32, approved: u32, read_at: DateTime<Utc>) -> SourceState {
    let mut state = SourceState { pending, approved, ..SourceState::new(Source::ShipDate(date(day)), read_at) };
    state.was_read(read_at, false);
    state
}

fn after(mut state: SourceState, minutes: i64) -> SourceState {
    let to = state.as_of + TimeDelta::minutes(minutes);
    state.advance(&profile(), None, to);
    state
}

fn situation<'a>(
    now: DateTime<Utc>,
    used: u64,
    profile: &'a Profile,
    sources: &'a [SourceState],
) -> Situation<'a> {
    let day_began = now.date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let resets_at = day_began + TimeDelta::days(1);
    Situation { now, day_began, resets_at, limit: 1000, used, work: 0.0, profile, sources }
}

fn about(value: f64, expected: f64) {
    assert!((value - expected).abs() <= expected.abs() * 0.02 + 1e-9, "{value} is about {expected}");
}

#[test]
fn waiting_grows_with_the_square_of_the_time_and_a_read_ends_it() {
    let source = ship_date(16, 0, 400, morning());
    let (ten, twenty) = (after(source, 10), after(source, 20));
    about(twenty.unseen, 2.0 * ten.unseen);
    about(twenty.waiting, 4.0 * ten.waiting);
    let mut read = twenty;
    read.was_read(morning() + TimeDelta::minutes(20), false);
    assert_eq!((read.unseen, read.waiting), (0.0, 0.0));
}

#[test]
fn what_is_kept_between_two_looks_comes_to_the_same_as_one_look() {
    let source = ship_date(16, 7, 50, morning());
    let (once, twice) = (after(source, 120), after(after(source, 50), 70));
    about(twice.unseen, once.unseen);
    about(twice.waiting, once.waiting);
}

#[test]
fn an_open_po_is_approved_in_office_hours_and_more_on_working_days() {
    let rate = |at: &str| profile().at(at.parse().unwrap()).approval;
    about(rate("2026-01-14T15:00:00Z"), 1.0 / 75.0);
    about(rate("2026-01-14T08:00:00Z"), 1.0 / 1500.0);
    about(rate("2026-01-17T15:00:00Z"), 1.0 / 150.0);
    about(rate("2026-01-18T15:00:00Z"), 1.0 / 750.0);
    // Seven in the morning in New York, in winter and in summer.
    assert!(rate("2026-01-14T11:59:00Z") < rate("2026-01-14T12:00:00Z"));
    assert!(rate("2026-07-15T10:59:00Z") < rate("2026-07-15T11:00:00Z"));
}

#[test]
fn approvals_that_are_expected_already_are_not_expected_twice() {
    let state = after(ship_date(16, 10, 0, morning()), 12 * 60 - 1);
    assert!(state.unseen <= 10.0, "of ten open POs no more than ten are approved: {}", state.unseen);
}

#[test]
fn the_windows_share_the_days_prebook_changes() {
    let (today, first, last) = (date(14), date(13), date(14) + TimeDelta::days(28));
    let share = |window| window_share(window, today, first, last);
    about((window_of(first)..=window_of(last)).map(share).sum(), 1.0);
    assert!(share(window_of(date(19))) > share(window_of(date(14) + TimeDelta::days(20))));
}

/// Four weeks in which every office hour looked the same.
fn weeks_of(work: f64, prebooks: f64) -> Vec<Hour> {
    let begin: DateTime<Utc> = "2025-12-17T00:00:00Z".parse().unwrap();
    let hours = (0..28 * 24).map(|n| begin + TimeDelta::hours(n));
    hours
        .map(|at| {
            let busy = (12..24).contains(&chrono::Timelike::hour(&at));
            let (work, prebooks) = if busy { (work, prebooks) } else { (0.0, 0.0) };
            Hour { watched: 60.0, urgency: 60.0, work, prebooks, ..Hour::new(at) }
        })
        .collect()
}

#[test]
fn hours_are_learned_day_by_day_and_soon_forget_the_default() {
    let hours = weeks_of(50.0, 12.0);
    let learned = Profile::learned(Zone::default(), 1000, &hours).at(morning());
    about(learned.work * 60.0, 50.0);
    about(learned.prebooks * 60.0, 12.0);
    let default = profile().at(morning()).work * 60.0;
    // 0:00 to 24:00 UTC of one Wednesday: two fifths of the way.
    let one_day = Profile::learned(Zone::default(), 1000, &hours[..24]).at(morning());
    about(one_day.work * 60.0, default + 0.4 * (50.0 - default));
}

#[test]
fn the_reserve_keeps_what_work_is_expected_to_need_and_never_too_little() {
    about(reserve(0.0, 0.0, 1000.0, 900.0), 54.0);
    about(reserve(0.0, 0.0, 1000.0, 100.0), 10.0);
    about(reserve(0.0, 0.0, 5000.0, 100.0), 50.0);
    about(reserve(300.0, 40.0, 1000.0, 900.0), 300.0 + 1.5 * 40.0 + 10.0);
}

/// Four weeks, of which the last working days grew by a tenth each.
fn a_rising_season() -> Vec<Hour> {
    let mut hours = weeks_of(20.0, 12.0);
    let rises: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    for hour in hours.iter_mut().filter(|hour| hour.at >= rises) {
        let days = i32::try_from((hour.at - rises).num_days()).unwrap();
        hour.work *= 1.1_f64.powi(days);
    }
    hours
}

#[test]
fn a_rising_season_is_expected_to_rise_on_and_an_even_one_is_not() {
    let day: DateTime<Utc> = "2026-01-14T00:00:00Z".parse().unwrap();
    let expected = |hours: &[Hour]| {
        let profile = Profile::learned(Zone::default(), 1000, hours);
        let average: f64 = (0..24).map(|n| profile.at(day + TimeDelta::hours(n)).work * 60.0).sum();
        (expected_work(&profile, day, day + TimeDelta::days(1)), average)
    };
    let (even, average) = expected(&weeks_of(20.0, 12.0));
    about(even, average);
    let (rising, average) = expected(&a_rising_season());
    let yesterday: f64 =
        a_rising_season().iter().filter(|hour| hour.at >= day - TimeDelta::days(1)).map(|h| h.work).sum();
    assert!(rising > 1.1 * average, "{rising} against {average} on average");
    assert!(rising > 0.9 * yesterday && rising < 1.6 * yesterday, "{rising} after {yesterday}");
}

#[test]
fn hours_keep_their_place_when_the_zones_clocks_change() {
    let profile = Profile::learned(Zone::default(), 1000, &weeks_of(50.0, 12.0));
    // Sunday, 8 March: at two in New York, seven by UTC, it becomes three.
    for from in ["2026-03-07T12:00:00Z", "2026-03-08T05:30:00Z", "2026-03-08T07:00:00Z"] {
        let from: DateTime<Utc> = from.parse().unwrap();
        let by_minute = (0..36 * 60).map(|n| profile.expected(from + TimeDelta::minutes(n)).work).sum();
        about(expected_work(&profile, from, from + TimeDelta::hours(36)), by_minute);
    }
}

#[test]
fn a_late_change_counts_as_much_as_an_approval_and_a_prebook_change_more() {
    let now = morning();
    let cell = profile().at(now);
    let [open, late] = [ship_date(16, 1, 0, now), ship_date(16, 0, 1, now)].map(|state| state.rate(&cell));
    about(open, cell.approval);
    about(late, cell.late);
    let window = SourceState { share: 1.0, ..SourceState::new(Source::Window(1), now) }.rate(&cell);
    assert!(window > cell.prebooks && window < 1.5 * cell.prebooks, "{window} of {}", cell.prebooks);
}

#[test]
fn what_has_shipped_is_changed_no_more_and_read_now_and_then() {
    let rate = |day, at: &str| {
        let at = at.parse().unwrap();
        ship_date(day, 0, 100, at).rate(&profile().at(at)) / profile().at(at).late
    };
    about(rate(14, "2026-01-14T23:59:00Z"), 100.0);
    // In New York it is still the evening of the 14th.
    about(rate(14, "2026-01-15T04:00:00Z"), 100.0);
    about(rate(14, "2026-01-15T12:00:00Z"), 10.0);
}

#[test]
fn a_day_that_is_early_or_late_by_chance_is_a_day_as_usual() {
    let now = morning();
    let profile = Profile::learned(Zone::default(), 1000, &weeks_of(20.0, 12.0));
    let usual = expected_work(&profile, now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc(), now);
    let kept = |work| decide(&Situation { work, ..situation(now, 100, &profile, &[]) }).reserve;
    about(kept(usual + 35.0), kept(usual));
    about(kept(0.0), kept(usual));
    assert!(kept(usual + 90.0) > 1.1 * kept(usual), "further ahead than chance");
}

#[test]
fn a_day_that_runs_busy_is_expected_to_stay_busy() {
    let now = morning();
    let profile = Profile::learned(Zone::default(), 1000, &weeks_of(20.0, 12.0));
    let sources = [after(ship_date(16, 20, 0, now - TimeDelta::minutes(30)), 30)];
    let usual = expected_work(&profile, now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc(), now);
    let of = |work| decide(&Situation { work, ..situation(now, 100, &profile, &sources) });
    let (as_usual, busy) = (of(usual), of(usual * 4.0));
    let kept = as_usual.reads_left / busy.reads_left;
    assert!(kept > 1.0, "more is kept for the work to come");
    // Beyond what fewer reads make of the price, there is more to read.
    assert!(busy.price > 1.1 * as_usual.price * kept.powi(2), "{} after {}", busy.price, as_usual.price);
}

#[test]
fn calm_days_do_not_tell_that_a_busy_one_will_be_calm() {
    let now = morning();
    // The same to the request in every hour of four weeks: no spread was ever seen.
    let profile = Profile::learned(Zone::default(), 1000, &weeks_of(20.0, 12.0));
    let to_come = expected_work(
        &profile,
        now,
        now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(1),
    );
    assert!(profile.spread(now, to_come) < 10.0);
    let so_far = expected_work(&profile, now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc(), now);
    let kept = decide(&Situation { work: so_far, ..situation(now, 100, &profile, &[]) }).reserve;
    assert!(kept > to_come + 1.5 * (6.0 * to_come).sqrt(), "{kept} for {to_come}");
}

#[test]
fn polls_leave_the_reserve_alone() {
    let now = morning();
    let sources = [after(ship_date(16, 50, 0, now - TimeDelta::hours(3)), 180)];
    let profile = profile();
    for used in [900, 985, 1000, 2000] {
        let decision = decide(&situation(now, used, &profile, &sources));
        assert_ne!(decision.sources[0].due, Due::Yes, "after {used}: {decision:?}");
        assert!(decision.reads_left + decision.reserve >= 0.0);
    }
    assert_eq!(decide(&situation(now, 100, &profile, &sources)).sources[0].due, Due::Yes);
}

#[test]
fn the_price_rises_with_the_square_of_what_was_spent_and_the_most_waiting_comes_first() {
    let now = morning();
    let read_at = now - TimeDelta::minutes(30);
    let sources = [1, 9, 4].map(|pending| after(ship_date(15 + pending, pending, 0, read_at), 30));
    let profile = profile();
    let (rich, poor) =
        (decide(&situation(now, 0, &profile, &sources)), decide(&situation(now, 500, &profile, &sources)));
    about(poor.price / rich.price, (rich.reads_left / poor.reads_left).powi(2));
    let order: Vec<u32> = rich.sources.iter().map(|one| one.state.pending).collect();
    assert_eq!(order, [9, 4, 1]);
    for one in &poor.sources {
        assert_eq!(one.due == Due::Yes, one.state.waiting >= poor.price);
    }
}

#[test]
fn a_source_that_just_showed_a_change_is_likely_to_show_more() {
    let now = morning();
    let quiet = ship_date(16, 20, 0, now);
    let mut burst = quiet;
    burst.was_read(now, true);
    let two_minutes = now + TimeDelta::minutes(2);
    let expected = |mut state: SourceState, neighbour| {
        state.advance(&profile(), neighbour, two_minutes);
        state.unseen
    };
    let (alone, itself, beside) = (expected(quiet, None), expected(burst, Some(now)), expected(quiet, Some(now)));
    assert!(itself > 3.0 * alone && itself < 5.0 * alone, "{itself} against {alone}");
    assert!(beside > 1.9 * alone && beside < 3.0 * alone, "{beside} against {alone}");
    let later = now + TimeDelta::minutes(40);
    let mut faded = SourceState { as_of: later, ..burst };
    faded.advance(&profile(), Some(now), later + TimeDelta::minutes(2));
    about(faded.unseen, alone);
}

#[test]
fn no_source_is_read_twice_within_ten_seconds_and_a_huge_quota_reads_every_other() {
    let now = morning();
    let profile = profile();
    let sources: Vec<SourceState> = (1..=9)
        .map(|seconds| ship_date(15 + seconds, 0, 1, now - TimeDelta::seconds(i64::from(seconds) * 2)))
        .collect();
    let situation = Situation { limit: 10_000_000, ..situation(now, 0, &profile, &sources) };
    for one in decide(&situation).sources {
        let age = (now - one.state.read_at.unwrap()).num_seconds();
        assert_eq!(one.due, if age < 10 { Due::JustRead } else { Due::Yes }, "read {age} s ago");
    }
}

#[test]
fn it_is_told_ahead_when_the_quota_will_not_last_and_how_many_users_would_do() {
    let now: DateTime<Utc> = "2026-01-14T12:00:00Z".parse().unwrap();
    let day = (now - TimeDelta::hours(12), now + TimeDelta::hours(12));
    let told = |work| {
        let hours = weeks_of(work, 1.0);
        let profile = Profile::learned(Zone::default(), 1000, &hours);
        forecast(&profile, &hours, now, day, (0, 1000, 1000), 15)
    };
    let much = told(125.0);
    let until = much.lasts_until.unwrap();
    assert!((day.1 - until).num_hours() >= 3, "1,500 a day spend 1,000 after eight hours: {until}");
    assert_eq!(much.users, 2);
    let little = told(25.0);
    assert_eq!((little.lasts_until, little.users), (None, 1));
}
