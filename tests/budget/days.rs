//! Days of a paced link: the real engine on the sandbox, with the time of both moved on.

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc};
use stemsync::domain::{Brake, HoldReason, Percent, Stage};
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::OrderStatus;
use stemsync::sandbox::faults::{Fault, Target};
use stemsync::store::{Connection, budget, quota, runs, sought};
use stemsync::sync::budget::Source;
use stemsync::sync::engine::Settings;
use stemsync::sync::report::{Job, Outcome};
use stemsync::sync::{RunEnd, RunRequest};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, approved};
use crate::trade::{FREEDOM, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, prebook};

/// A link with so many requests a day, on the next Sunday's noon by Komet's clock: days are counted there.
async fn noon(quota_limit: u64) -> Link {
    noon_of(Settings { quota_limit, ..Settings::default() }).await
}

async fn noon_of(settings: Settings) -> Link {
    let link = Link::start(Setup { settings, ..Setup::default() }).await;
    let now = link.engine.clock.now();
    // Far from any midnight, and with the same days in the horizon's weeks, whenever the test runs. A minute late, since the two
    // clocks are moved to within a second and hours are learned from: all that follows on one day is to lie in one hour.
    let noon = now.date_naive().and_time(NaiveTime::from_hms_opt(12, 1, 0).unwrap()).and_utc();
    let days = i64::from(6 - now.weekday().num_days_from_monday());
    let wait = noon - now + TimeDelta::days(days);
    link.let_pass(if wait > TimeDelta::zero() { wait } else { wait + TimeDelta::weeks(1) });
    link
}

async fn paced(link: &Link, jobs: &[Job]) -> RunEnd {
    link.run(RunRequest { jobs: jobs.to_vec(), paced: true, trigger: "test".into(), ..RunRequest::default() })
        .await
}

async fn used(link: &Link) -> u64 {
    let day = link.engine.komet_day();
    link.engine.store.read(move |conn: &Connection| quota::used(conn, day)).await.unwrap()
}

/// As if so many requests had been made before.
async fn spend(link: &Link, n: u64) {
    let day = link.engine.komet_day();
    link.engine.store.write(move |conn| quota::add(conn, day, n)).await.unwrap();
}

fn asked(link: &Link) -> u64 {
    link.act(|world, _| world.requests().of(System::Komet))
}

fn place(link: &Link, ahead: i64) -> String {
    let draft = order(link.day(ahead), vec![line(FREEDOM, 2), line(NOBBIO, 1)]);
    link.act(|world, now| world.axerrio.customer_orders(draft, now))
}

const KOMETS: [Job; 2] = [Job::Prebooks, Job::PurchaseOrders];

#[tokio::test]
async fn with_a_huge_quota_every_source_is_read_but_never_twice_within_ten_seconds() {
    let link = noon(10_000_000).await;
    approved(&link).await;
    let before = asked(&link);
    paced(&link, &KOMETS).await;
    assert_eq!(asked(&link), before, "everything was read a moment ago");
    link.let_pass(TimeDelta::seconds(11));
    for job in KOMETS {
        assert!(link.engine.is_due(job).await.unwrap());
    }
    paced(&link, &KOMETS).await;
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    assert_eq!(asked(&link) - before, windows + 1, "each window, and the ship date");
}

#[tokio::test]
async fn an_approval_is_seen_by_a_paced_run_once_its_ship_date_is_due() {
    let link = noon(1000).await;
    let id = place(&link, 3);
    link.sync_well().await;
    link.act(approve_all);
    let mut runs = 0;
    while link.order(&id).await.stage != Stage::PoApproved {
        link.let_pass(TimeDelta::minutes(5));
        paced(&link, &[]).await;
        runs += 1;
        assert!(runs < 100, "it is seen the same day");
    }
    assert!(used(&link).await < 1000);
    invariants(&link).await;
}

#[tokio::test]
async fn a_ship_date_on_which_a_po_may_stand_unseen_is_read_once_and_never_from_the_reserve() {
    let link = noon(1000).await;
    approved(&link).await;
    let (at, day) = (link.engine.clock.now(), link.day(5));
    link.engine.store.write(move |conn| budget::look_again(conn, [day], at, at)).await.unwrap();
    let left = 999 - used(&link).await;
    spend(&link, left).await;
    let why = async || {
        let outlook = link.engine.outlook().await.unwrap();
        let one = outlook.decision.sources.iter().find(|one| one.state.source == Source::ShipDate(day)).copied();
        one.map(|one| outlook.why(&one))
    };
    assert_eq!(why().await, None, "what is left today is for writes");
    link.let_pass(TimeDelta::days(1));
    assert_eq!(why().await, Some("a PO of ours may stand there unseen"));
    paced(&link, &KOMETS).await;
    assert_eq!(why().await, None, "it was read");
}

/// In a bad hour one PO after the other may come to nothing.
#[tokio::test]
async fn a_later_doubt_puts_off_no_look_that_is_awaited() {
    let link = noon(1000).await;
    let (at, day, hour) = (link.engine.clock.now(), link.day(5), TimeDelta::hours(1));
    let later = at + TimeDelta::minutes(50);
    let doubts = move |conn: &Connection| {
        budget::look_again(conn, [day], at, at + hour)?;
        budget::look_again(conn, [day], later, later + hour)?;
        budget::to_look_at(conn, at + hour)
    };
    assert_eq!(link.engine.store.write(doubts).await.unwrap(), [day]);
}

#[tokio::test]
async fn a_po_that_is_open_long_after_its_ship_date_is_read_once_a_day_until_a_month_is_over() {
    let link = noon(1000).await;
    let id = place(&link, 1);
    link.sync_well().await;
    let day = link.day(1);
    let requests = || link.komet_requests("purchase.order.list");
    link.let_pass(TimeDelta::days(12));
    for _ in 0..3 {
        let before = requests();
        for _ in 0..4 {
            paced(&link, &KOMETS).await;
            link.let_pass(TimeDelta::hours(6));
        }
        assert_eq!(requests() - before, 1, "once a day");
    }
    link.act(approve_all);
    link.let_pass(TimeDelta::days(1));
    paced(&link, &KOMETS).await;
    assert_eq!(link.order(&id).await.stage, Stage::PoApproved, "a late approval is seen");
    link.let_pass(TimeDelta::days(30));
    let outlook = link.engine.outlook().await.unwrap();
    assert!(
        outlook.decision.sources.iter().all(|one| one.state.source != Source::ShipDate(day)),
        "and then no more"
    );
}

#[tokio::test]
async fn writes_are_never_held_on_a_day_whose_writes_fit() {
    let link = noon(120).await;
    link.sync_well().await;
    let mut ids = Vec::new();
    let mut polled = 0;
    // From noon to midnight; a third of the quota is left to polls.
    for quarter in 0..47_i64 {
        link.let_pass(TimeDelta::minutes(15));
        if quarter % 2 == 0 {
            ids.push(place(&link, 2 + quarter % 6));
        }
        let before = asked(&link);
        let writes = link.writes();
        let end = paced(&link, &[]).await;
        polled += asked(&link) - before - (link.writes() - writes);
        assert!(!end.quota_spent(), "after {quarter} quarters and {} requests", used(&link).await);
        let made =
            |id: &String| link.act(|world, _| items_of(world, id).iter().all(|i| bought(world, i.id).len() == 1));
        assert!(ids.iter().all(made), "every order is in Komet with its PO at once");
    }
    assert!(polled > 10, "and Komet was polled all the same: {polled}");
    let used = used(&link).await;
    assert!((60..=120).contains(&used), "{used}");
}

#[tokio::test]
async fn a_spent_quota_pauses_komet_until_its_day_ends_and_axerrio_is_polled_on() {
    let link = noon(20).await;
    for ahead in 2..9 {
        place(&link, ahead);
    }
    let end = link.run(RunRequest::default()).await;
    assert!(end.quota_spent(), "{:?}", end.down);
    assert_eq!((asked(&link), used(&link).await), (20, 20), "the last one is used, and no more");
    assert_eq!(end.report.quota.used, 20);
    let later = place(&link, 5);
    for request in [RunRequest::default(), RunRequest { paced: true, ..RunRequest::default() }] {
        let end = link.run(request).await;
        assert!(end.quota_spent());
        assert_eq!(end.report.outcome, Outcome::Failed);
        assert_eq!(link.order(&later).await.name(), later, "Axerrio is polled");
    }
    for job in KOMETS {
        assert!(!link.engine.is_due(job).await.unwrap(), "nothing is due before the reset");
    }
    assert_eq!(asked(&link), 20);
    // Days go by until everything is there.
    for _ in 0..3 {
        link.let_pass(TimeDelta::days(1));
        link.run(RunRequest { paced: true, jobs: vec![Job::Orders], ..RunRequest::default() }).await;
        assert!(used(&link).await <= 20);
    }
    assert_eq!(link.act(|world, _| items_of(world, &later)).len(), 2);
}

#[tokio::test]
async fn komets_own_word_pauses_paced_runs_and_a_person_may_ask_again() {
    let link = noon(1000).await;
    link.sync_well().await;
    link.act(|world, now| world.komet.rules.daily_limit = Some(world.komet.quota_used(now)));
    assert!(link.run(RunRequest::default()).await.quota_spent());
    let before = asked(&link);
    link.let_pass(TimeDelta::hours(2));
    assert!(paced(&link, &KOMETS).await.quota_spent());
    assert_eq!(asked(&link), before, "a paced run does not ask what was answered today");
    link.act(|world, _| world.komet.rules.daily_limit = None);
    link.sync_well().await;
    link.let_pass(TimeDelta::hours(2));
    assert!(!paced(&link, &KOMETS).await.quota_spent(), "Komet has answered since");
}

#[tokio::test]
async fn polls_leave_the_reserve_to_writes_and_to_a_person_who_asks() {
    let link = noon(1000).await;
    approved(&link).await;
    let left = 25;
    let spent = 1000 - left - used(&link).await;
    spend(&link, spent).await;
    link.let_pass(TimeDelta::hours(3));
    let before = asked(&link);
    paced(&link, &KOMETS).await;
    assert_eq!(asked(&link), before, "what is left is kept");
    let id = place(&link, 4);
    paced(&link, &[Job::Orders]).await;
    let made = link.act(|world, _| items_of(world, &id).iter().all(|i| bought(world, i.id).len() == 1));
    assert!(made, "for writes");
    let before = asked(&link);
    link.sync_well().await;
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    assert!(asked(&link) - before >= windows + 2, "a forced sync reads everything");
}

#[tokio::test]
async fn what_a_paced_poll_does_not_read_is_neither_cancelled_nor_made_again() {
    let link = noon(70).await;
    let ids: Vec<String> = (2..8).map(|ahead| place(&link, ahead)).collect();
    let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
    let flow2 = link.act(|world, now| world.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    let writes = link.writes();
    let stands = |link: &Link| {
        link.act(|world, _| orders_for(world, flow2).iter().any(|order| order.status != OrderStatus::Cancelled))
    };
    // Nobody does anything: neither does stemsync, whichever sources it reads.
    for _ in 0..12 {
        link.let_pass(TimeDelta::minutes(20));
        paced(&link, &[]).await;
    }
    assert_eq!(link.writes(), writes);
    // The Prebook moves to another window. A poll that reads the one it left and not the other must not take it for gone.
    let to = link.day(12);
    let moved = link.act(|world, now| {
        let item = world.komet.prebook(flow2).unwrap().items[0].id;
        world.komet.rep_moves_ship_date(item, to, now)
    });
    moved.unwrap();
    for _ in 0..24 {
        link.let_pass(TimeDelta::minutes(15));
        paced(&link, &[]).await;
        assert!(stands(&link), "it is never cancelled");
    }
    link.let_pass(TimeDelta::days(1));
    link.sync_well().await;
    let orders = link.act(|world, _| orders_for(world, flow2));
    assert_eq!((orders.len(), orders[0].draft.ship_date), (1, to));
    assert!(ids.iter().all(|id| link.act(|world, _| items_of(world, id).len()) == 2), "each line stands once");
    invariants(&link).await;
}

#[tokio::test]
async fn the_stream_of_pos_has_read_no_further_than_its_oldest_ship_date() {
    let link = noon(1000).await;
    place(&link, 3);
    link.sync_well().await;
    let read_to = async |link: &Link| -> DateTime<Utc> {
        let read = |conn: &Connection| {
            use stemsync::store::watermarks::{Stream, get};
            get(conn, Stream::PurchaseOrders, 0)
        };
        link.engine.store.read(read).await.unwrap().unwrap().at
    };
    let before = read_to(&link).await;
    link.let_pass(TimeDelta::hours(1));
    place(&link, 5);
    // The new PO's ship date is not read yet; the other may be.
    link.run(RunRequest { paced: true, jobs: vec![Job::Orders, Job::PurchaseOrders], ..RunRequest::default() })
        .await;
    link.let_pass(TimeDelta::hours(1));
    link.engine.read_po_dates(&[link.day(5)].into()).await.unwrap();
    assert!(read_to(&link).await < link.engine.clock.now() - TimeDelta::minutes(50));
    link.sync_well().await;
    assert!(read_to(&link).await > before + TimeDelta::minutes(90));
}

/// A record that makes no sense stands in a window that was never read, and an order of its dates waits.
#[tokio::test]
async fn a_window_that_was_never_read_and_cannot_be_is_tried_again_after_an_hour_and_not_each_time() {
    let link = noon(1000).await;
    let nonsense = Fault::Http {
        status: 200,
        body: r#"{"status": 1, "prebooks": [{"id": "x"}]}"#.to_owned(),
        headers: Vec::new(),
    };
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(999), nonsense));
    let id = place(&link, 5);
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    for minutes in [0, 2, 2, 2, 50] {
        link.let_pass(TimeDelta::minutes(minutes));
        paced(&link, &[Job::Orders, Job::Labels]).await;
        assert_eq!(asked(&link), windows, "each window once");
    }
    link.let_pass(TimeDelta::minutes(10));
    link.act(|w, _| w.clear_faults());
    paced(&link, &[Job::Orders]).await;
    assert_eq!(link.act(|w, _| items_of(w, &id).len()), 2);
}

/// Somebody's record that makes no sense keeps the daily full read of its window from counting.
#[tokio::test]
async fn a_full_read_that_does_not_count_is_tried_again_after_an_hour_and_not_each_time() {
    let link = noon(1000).await;
    link.sync_well().await;
    link.let_pass(TimeDelta::hours(25));
    let nonsense = Fault::Http {
        status: 200,
        body: r#"{"status": 1, "prebooks": [{"id": "x"}]}"#.to_owned(),
        headers: Vec::new(),
    };
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(999), nonsense));
    let must_be_read = async || {
        let outlook = link.engine.outlook().await.unwrap();
        outlook.decision.sources.iter().filter(|one| outlook.why(one) == "its daily full read").count()
    };
    let windows = link.engine.windows().count();
    assert_eq!(must_be_read().await, windows);
    paced(&link, &KOMETS).await;
    for _ in 0..5 {
        link.let_pass(TimeDelta::minutes(10));
        assert_eq!(must_be_read().await, 0);
    }
    link.let_pass(TimeDelta::minutes(10));
    assert_eq!(must_be_read().await, windows);
}

/// To tell what was deleted from what moved far ahead takes a dozen lists, and a Prebook that goes has time.
#[tokio::test]
async fn what_is_missing_is_looked_up_once_polls_have_the_requests_for_it() {
    let link = noon(1000).await;
    let date = link.day(5);
    let rep = |w: &mut World, now| w.komet.rep_creates_prebook(&prebook(date, vec![item(FREEDOM, 2, date)]), now);
    let ids: Vec<u64> = (0..3).map(|_| link.act(rep).unwrap()).collect();
    link.sync_well().await;
    link.act(|w, _| ids.iter().try_for_each(|id| w.komet.rep_deletes_prebook(*id))).unwrap();
    link.let_pass(TimeDelta::hours(25));
    spend(&link, 1000 - 25).await;
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    let before = link.komet_requests("prebook.details.list");
    paced(&link, &[Job::Prebooks]).await;
    for _ in 0..5 {
        link.let_pass(TimeDelta::minutes(10));
        paced(&link, &[Job::Prebooks]).await;
    }
    let read = link.komet_requests("prebook.details.list") - before;
    assert_eq!(read, windows, "the daily full read of each, and no more for now");
    let is = |status| link.act(|w, _| ids.iter().all(|id| orders_for(w, *id)[0].status == status));
    assert!(is(OrderStatus::Placed), "nothing is concluded from what is missing");
    // Komet's next day.
    link.let_pass(TimeDelta::hours(12));
    paced(&link, &[Job::Prebooks]).await;
    assert!(is(OrderStatus::Cancelled));
    invariants(&link).await;
}

/// Of all orders any number may be cancelled.
fn unbraked(quota_limit: u64) -> Settings {
    Settings { quota_limit, brake: Brake { percent: Percent::parse("100%").unwrap() }, ..Settings::default() }
}

/// A customer goes, and the rep deletes his Prebooks; a day later the lists are read in full again.
async fn vanish_together(link: &Link, prebooks: usize, pass: TimeDelta) -> Vec<u64> {
    let date = link.day(5);
    let rep = |w: &mut World, now| w.komet.rep_creates_prebook(&prebook(date, vec![item(FREEDOM, 2, date)]), now);
    let ids: Vec<u64> = (0..prebooks).map(|_| link.act(rep).unwrap()).collect();
    link.sync_well().await;
    link.act(|w, _| ids.iter().try_for_each(|id| w.komet.rep_deletes_prebook(*id))).unwrap();
    link.let_pass(pass);
    ids
}

fn cancelled(link: &Link, prebooks: &[u64]) -> usize {
    let is_off = |w: &mut World, id: u64| orders_for(w, id)[0].status == OrderStatus::Cancelled;
    link.act(|w, _| prebooks.iter().filter(|id| is_off(w, **id)).count())
}

/// Until ten minutes before Komet's midnight of the next day.
const UNTIL_LATE: TimeDelta = TimeDelta::minutes(35 * 60 + 50);

#[tokio::test]
async fn prebooks_that_vanish_together_are_looked_up_as_far_as_polls_have_the_requests() {
    let link = noon_of(unbraked(100)).await;
    let ids = vanish_together(&link, 40, UNTIL_LATE).await;
    paced(&link, &[Job::Prebooks]).await;
    let first = cancelled(&link, &ids);
    assert!(first > 0 && first < ids.len(), "{first}");
    for _ in 0..3 {
        link.let_pass(TimeDelta::hours(24));
        paced(&link, &[Job::Prebooks]).await;
    }
    assert_eq!(cancelled(&link, &ids), ids.len());
    assert_eq!(link.engine.store.read(sought::list).await.unwrap(), []);
    invariants(&link).await;
}

#[tokio::test]
async fn whoever_asks_for_it_has_what_is_still_sought_looked_up_at_once() {
    let link = noon_of(unbraked(100)).await;
    let ids = vanish_together(&link, 28, UNTIL_LATE).await;
    paced(&link, &[Job::Prebooks]).await;
    assert!(cancelled(&link, &ids) < ids.len());
    link.let_pass(TimeDelta::minutes(15));
    link.sync_well().await;
    assert_eq!(cancelled(&link, &ids), ids.len());
    invariants(&link).await;
}

#[tokio::test]
async fn a_look_up_that_somebody_asked_for_leaves_what_is_kept_for_writes_and_says_what_it_left() {
    let link = noon_of(unbraked(100)).await;
    let ids = vanish_together(&link, 50, TimeDelta::hours(25)).await;
    let report = link.sync_jobs(&[Job::Prebooks]).await;
    let reserve = link.engine.outlook().await.unwrap().decision.reserve;
    assert!(reserve >= 1.0 && used(&link).await < 100, "{reserve}: a write still goes");
    let first = cancelled(&link, &ids);
    assert!(first > 0 && first < ids.len(), "{first}");
    let told = report.jobs[0].error.clone().unwrap();
    assert!(told.contains(&format!("{} Prebooks that Komet's lists no longer show", ids.len() - first)), "{told}");
    for _ in 0..8 {
        link.let_pass(TimeDelta::hours(24));
        link.sync_jobs(&[Job::Prebooks]).await;
    }
    assert_eq!(cancelled(&link, &ids), ids.len());
    // What reads everything for that has another day's requests.
    link.let_pass(TimeDelta::hours(24));
    invariants(&link).await;
}

/// Half a reading is not taken for a whole one.
#[tokio::test]
async fn an_audit_says_what_it_did_not_look_up() {
    let link = noon(1000).await;
    vanish_together(&link, 3, TimeDelta::hours(25)).await;
    let decision = link.engine.outlook().await.unwrap().decision;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    spend(&link, (decision.reads_left - 10.0) as u64).await;
    let audit = link.engine.audit().await.unwrap();
    let told: Vec<String> = audit.differences.into_iter().filter_map(|differ| differ.komet).collect();
    assert!(told.iter().any(|told| told.starts_with("3 Prebooks") && told.contains("not looked up")), "{told:?}");
}

/// Each run sees a part of what went together.
#[tokio::test]
async fn what_is_looked_up_in_parts_is_braked_as_a_whole() {
    let link = noon(100).await;
    let ids = vanish_together(&link, 45, UNTIL_LATE).await;
    let windows = u32::try_from(link.engine.windows().count()).unwrap();
    // The horizon's windows, those beyond, each of four twice; and at least as much for the POs of each day as is kept for work.
    let four = f64::from(windows + 12 + 4 * 2);
    let decision = link.engine.outlook().await.unwrap().decision;
    let kept = (30.0 + 10.0 - decision.reserve).max(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let too_many = (decision.reads_left - kept - four) as u64;
    spend(&link, too_many).await;
    paced(&link, &[Job::Prebooks]).await;
    let others = link.engine.store.read(sought::list).await.unwrap().len();
    assert!((40..45).contains(&others), "the brake lets five go: {others}");
    assert_eq!(cancelled(&link, &ids), 0);
    assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
    let told = link.holds().await.remove(0).detail;
    let all = format!("would cancel {} of 45 open orders (the Prebooks of {others} others", 45 - others);
    assert!(told.contains(&all), "{told}");
}

#[tokio::test]
async fn what_waits_for_a_day_to_be_looked_up_is_told_and_once_in_the_log() {
    let link = noon(1000).await;
    let ids = vanish_together(&link, 3, TimeDelta::hours(25)).await;
    let name = link.act(|w, _| orders_for(w, ids[0])[0].id.clone());
    let told = async |link: &Link| paced(link, &[Job::Prebooks]).await.report.jobs.remove(0);
    let is_quiet = async |link: &Link| {
        link.engine.store.read(|conn| runs::list(conn, None, 1)).await.unwrap().remove(0).quiet
    };
    spend(&link, 1000 - 25).await;
    assert_eq!(told(&link).await.error, None, "it has time");
    link.let_pass(TimeDelta::hours(24));
    spend(&link, 1000 - 25).await;
    let job = told(&link).await;
    assert_eq!((job.outcome, job.failed), (Outcome::Attention, 1));
    let line = job.error.unwrap();
    assert!(line.starts_with("3 Prebooks that Komet's lists no longer show") && line.contains(&name), "{line}");
    assert!(!is_quiet(&link).await);
    link.let_pass(TimeDelta::minutes(10));
    assert_eq!(told(&link).await.error.unwrap(), line, "also where no list is read");
    assert!(is_quiet(&link).await);
    link.let_pass(TimeDelta::hours(12));
    link.sync_well().await;
    assert_eq!(cancelled(&link, &ids), 3);
    invariants(&link).await;
}
