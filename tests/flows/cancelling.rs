//! Cancelling: never from absence alone, and never many at once without a person's word.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::domain::{Flow, HoldReason, Stage, Verdict};
use stemsync::sandbox::axerrio::{OrderChange, OrderStatus};
use stemsync::sandbox::komet::{ItemChange, PoStatus};
use stemsync::sandbox::{Fault, KometRules, Target, World};
use stemsync::store::Connection;
use stemsync::store::holds::{self, HoldRow};
use stemsync::sync::RunRequest;
use stemsync::sync::report::{ActionResult, Job};
use stemsync::systems::{self, System, SystemError};

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook, both, both_with, failures};
use crate::trade::{FREEDOM, MONDIAL, bought, item, items_of, line, order, orders_for, prebook};

fn ordered(link: &Link, count: usize) -> Vec<String> {
    let one = || {
        let draft = order(link.day(3), vec![line(FREEDOM, 1)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now))
    };
    (0..count).map(|_| one()).collect()
}

async fn placed(link: &Link, count: usize) -> Vec<String> {
    let ids = ordered(link, count);
    link.sync_well().await;
    ids
}

/// A Prebook of two items, known in Axerrio.
async fn prebooked(link: &Link, ship: i64) -> (u64, String) {
    let date = link.day(ship);
    let draft = prebook(link.day(ship + 2), vec![item(FREEDOM, 4, date), item(MONDIAL, 2, date)]);
    let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync_well().await;
    (id, link.act(|w, _| orders_for(w, id)[0].id.clone()))
}

fn status(link: &Link, order: &str) -> OrderStatus {
    link.act(|w, _| w.axerrio.order(order).unwrap().status)
}

fn cancel_all(link: &Link, ids: &[String]) {
    link.act(|w, now| ids.iter().try_for_each(|id| w.axerrio.customer_cancels(id, now))).unwrap();
}

const BRAKE: (&str, ActionResult) = ("too_many_cancellations", ActionResult::Held);

/// The vendor confirms none, so stemsync bought nothing; no PO of its own is of that day.
#[tokio::test]
async fn what_a_buyer_bought_by_hand_for_an_order_that_is_cancelled_goes_or_is_asked_about() {
    for approves in [false, true] {
        let rules = KometRules { items_show_po: false, ..KometRules::default() };
        let link = Link::start(Setup { rules, ..Setup::default() }).await;
        let id = ordered(&link, 1).remove(0);
        link.act(|w, now| w.axerrio.vendor_accepts(&id, &[("1", 0)], now)).unwrap();
        link.sync_well().await;
        let item = link.act(|w, _| items_of(w, &id)[0].id);
        link.act(|w, now| {
            let po = w.komet.buyer_buys_item(item, now).unwrap();
            if approves {
                w.komet.buyer_approves(po, now).unwrap();
            }
            w.axerrio.customer_cancels(&id, now).unwrap();
        });
        link.sync().await;
        link.sync().await;
        let bought = link.act(|w, _| bought(w, item).len());
        let held = link.held().await;
        assert_eq!((bought, held.len()), if approves { (1, 1) } else { (0, 0) }, "{held:?}");
    }
}

#[tokio::test]
async fn five_cancellations_pass_and_six_of_few_stop_before_the_first() {
    both(async |link: Link| {
        let ids = placed(&link, 12).await;
        cancel_all(&link, &ids[..5]);
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(link.act(|w, _| ids[..5].iter().all(|id| items_of(w, id).is_empty())));

        cancel_all(&link, &ids[5..11]);
        // What is not cancelled goes on meanwhile.
        link.act(|w, now| w.axerrio.customer_changes_line(&ids[11], "1", |l| l.boxes = 3, now)).unwrap();
        let report = link.sync_well().await;
        // The brake is told once, as a hold of no order.
        let (brake, others): (Vec<_>, Vec<_>) = report.actions.iter().partition(|a| a.order.is_none());
        assert!(others.iter().all(|a| a.order.as_ref() == Some(&ids[11])), "{others:?}");
        assert_eq!(brake.iter().map(|a| (a.method.as_str(), a.result)).collect::<Vec<_>>(), [BRAKE]);
        assert_eq!(report.jobs.iter().map(|job| job.held).sum::<u64>(), 1);
        let stopped = link.order(&ids[5]).await.key;
        let waits = link.engine.store.read(move |conn| holds::list_of_order(conn, stopped)).await.unwrap();
        assert_eq!(waits.len(), 1, "whoever looks at a braked order sees why it waits");
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
        assert_eq!(link.act(|w, _| items_of(w, &ids[11])[0].goods.boxes), 3);
        assert!(link.act(|w, _| ids[5..11].iter().all(|id| items_of(w, id).len() == 1)));
        invariants(&link).await;

        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(link.act(|w, _| ids[5..11].iter().all(|id| items_of(w, id).is_empty())));
        invariants(&link).await;
    })
    .await;
}

/// Five orders of eight are cancelled in Axerrio, and a rep wants nothing any more of a Prebook that ships in so many days.
async fn six_in_both(link: &Link, ship: i64) -> (Vec<String>, String) {
    let ids = placed(link, 8).await;
    let (prebook, order) = prebooked(link, ship).await;
    cancel_all(link, &ids[..5]);
    link.act(|w, now| {
        let items: Vec<u64> = w.komet.prebook(prebook).unwrap().items.iter().map(|item| item.id).collect();
        let none = ItemChange { boxes: Some(0), ..ItemChange::default() };
        items.iter().try_for_each(|item| w.komet.rep_changes_item(*item, &none, now))
    })
    .unwrap();
    (ids, order)
}

/// How many of these orders Komet has.
fn standing(link: &Link, ids: &[String]) -> usize {
    link.act(|w, _| ids.iter().filter(|id| !items_of(w, id).is_empty()).count())
}

#[tokio::test]
async fn five_cancelled_in_axerrio_and_one_in_komet_are_six() {
    for (verdict, left, stands) in
        [(Verdict::TakeAxerrio, 3, OrderStatus::Placed), (Verdict::TakeKomet, 8, OrderStatus::Cancelled)]
    {
        both(async |link: Link| {
            let (ids, order) = six_in_both(&link, 10).await;
            for _ in 0..2 {
                link.sync_well().await;
                assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
                assert_eq!((standing(&link, &ids), status(&link, &order)), (8, OrderStatus::Placed));
            }
            let detail = link.holds().await[0].detail.clone();
            let is_told = |text: &str| detail.contains(text);
            assert!(is_told("cancel 6 of 9 open orders") && is_told("None was cancelled"), "{detail}");
            assert!(is_told("in Axerrio, ") && is_told(&format!("{order} in Komet")), "{detail}");
            link.decide(verdict).await;
            link.sync_well().await;
            assert_eq!((standing(&link, &ids), status(&link, &order)), (left, stands));
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

/// Also in a run that nobody asked for.
#[tokio::test]
async fn what_is_read_for_the_brake_is_read_once() {
    for paced in [false, true] {
        both(async |link: Link| {
            let ids = placed(&link, 6).await;
            link.let_pass(TimeDelta::hours(23));
            cancel_all(&link, &ids[..2]);
            let before = link.komet_requests(PREBOOKS);
            let report = link.run(RunRequest { paced, ..RunRequest::default() }).await.report;
            let windows = u64::try_from(link.engine.windows().count()).unwrap();
            assert_eq!(link.komet_requests(PREBOOKS) - before, windows, "paced: {paced}");
            assert_eq!(standing(&link, &ids), 4);
            let prebooks = report.jobs.iter().find(|job| job.job == Job::Prebooks).unwrap();
            assert!(prebooks.requests.komet >= windows, "they are the Prebooks' job's: {prebooks:?}");
        })
        .await;
    }
}

/// Nothing that was cancelled there goes in that run, and what Axerrio cancelled is not too much by itself.
#[tokio::test]
async fn what_axerrio_cancelled_goes_where_komets_prebooks_of_another_week_cannot_be_read() {
    both(async |link: Link| {
        let (ids, order) = six_in_both(&link, 28).await;
        let others = u32::try_from(link.engine.windows().count()).unwrap() - 1;
        let body = r#"{"status":0,"message":"Try another time"}"#.to_owned();
        link.act(|w, _| {
            let refused = Fault::Http { status: 200, body, headers: Vec::new() };
            w.inject(Target::next(System::Komet, PREBOOKS).after(others), refused);
        });
        let report = link.sync().await;
        let failed: Vec<Job> = report.jobs.iter().filter(|job| job.error.is_some()).map(|job| job.job).collect();
        assert_eq!(failed, [Job::Prebooks]);
        assert_eq!((standing(&link, &ids), status(&link, &order)), (3, OrderStatus::Placed));
        assert_eq!(link.holds().await, []);
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Cancelled);
        invariants(&link).await;
    })
    .await;
}

/// The run that nobody asked for reads a week's Prebooks only to delete one of them, and finds that a rep wants none of the others.
#[tokio::test]
async fn what_is_read_before_the_first_cancellation_is_counted_with_it() {
    both(async |link: Link| {
        let (ids, order) = six_in_both(&link, 3).await;
        let report = link.run(RunRequest { paced: true, ..RunRequest::default() }).await.report;
        assert_eq!(failures(&report), Vec::<String>::new());
        assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
        assert_eq!((standing(&link, &ids), status(&link, &order)), (8, OrderStatus::Placed));
        invariants(&link).await;
    })
    .await;
}

/// Seven orders of either flow, on pending POs, each with the items that are bought for it.
async fn seven_on_pos(link: &Link, flow: Flow) -> Vec<(String, Vec<u64>)> {
    if flow == Flow::FromAxerrio {
        let ids = placed(link, 7).await;
        let items = |w: &World, id: &str| items_of(w, id).iter().map(|item| item.id).collect();
        return link.act(|w, _| ids.iter().map(|id| (id.clone(), items(w, id))).collect());
    }
    let date = link.day(3);
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, date), item(MONDIAL, 2, date)]);
    let one = || link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    let prebooks: Vec<u64> = (0..7).map(|_| one()).collect();
    link.sync_well().await;
    link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
    link.sync_well().await;
    let items = |w: &World, prebook| w.komet.prebook(prebook).unwrap().items.iter().map(|item| item.id).collect();
    let order = |w: &World, prebook| (orders_for(w, prebook)[0].id.clone(), items(w, prebook));
    link.act(|w, _| prebooks.iter().map(|prebook| order(w, *prebook)).collect())
}

fn confirms_none(world: &mut World, order: &str, now: DateTime<Utc>) {
    let lines: Vec<String> =
        world.axerrio.order(order).unwrap().draft.lines.iter().map(|line| line.id.clone()).collect();
    let none: Vec<(&str, u32)> = lines.iter().map(|line| (line.as_str(), 0)).collect();
    world.axerrio.vendor_accepts(order, &none, now).unwrap();
}

fn rejects(world: &mut World, order: &str, now: DateTime<Utc>) {
    world.axerrio.vendor_rejects(order, now).unwrap();
}

/// The vendor, or an import that went wrong, declines all that is on pending POs: Komet would buy nothing any more.
#[tokio::test]
async fn many_orders_that_the_vendor_declines_at_once_stop_too() {
    type Declines = fn(&mut World, &str, DateTime<Utc>);
    let ways: [(Flow, Declines); 3] =
        [(Flow::FromAxerrio, confirms_none), (Flow::FromKomet, confirms_none), (Flow::FromKomet, rejects)];
    for (flow, declines) in ways {
        for (verdict, is_kept) in
            [(Verdict::TakeAxerrio, false), (Verdict::TakeKomet, true), (Verdict::Dismissed, true)]
        {
            let link = Link::plain().await;
            let orders = seven_on_pos(&link, flow).await;
            let bought = || {
                let items = || orders.iter().flat_map(|(_, items)| items);
                link.act(|w, _| items().filter(|item| !bought(w, **item).is_empty()).count())
            };
            let all = bought();
            assert!(all >= 7, "they are bought");
            link.act(|w, now| orders.iter().for_each(|(id, _)| declines(w, id, now)));
            for _ in 0..2 {
                link.sync().await;
                let told = link.holds().await;
                let braked: Vec<_> = told.iter().filter(|hold| hold.order.is_none()).collect();
                assert_eq!((bought(), braked.len()), (all, 1), "{told:?}");
                assert!(braked[0].detail.contains("cancel 7 of 7 open orders"), "{}", braked[0].detail);
                assert!(braked[0].detail.contains("declined by the vendor"), "{}", braked[0].detail);
            }
            let hold = link.holds().await.into_iter().find(|hold| hold.order.is_none()).unwrap().id;
            let now = link.engine.clock.now();
            link.engine.store.write(move |conn| holds::decide(conn, hold, verdict, now)).await.unwrap();
            for _ in 0..2 {
                link.sync().await;
                assert_eq!(bought(), if is_kept { all } else { 0 }, "{verdict:?}");
                assert!(link.holds().await.iter().all(|hold| hold.order.is_some()), "nobody is asked again");
            }
            invariants(&link).await;
        }
    }
}

/// A person kept what was declined as it was then: what its customer says next is another matter, and one is not many.
#[tokio::test]
async fn what_was_kept_though_declined_goes_when_its_customer_changes_or_cancels_it() {
    let link = Link::plain().await;
    let ids = placed(&link, 7).await;
    link.act(|w, now| ids.iter().for_each(|id| confirms_none(w, id, now)));
    link.sync().await;
    link.decide(Verdict::TakeKomet).await;
    link.sync_well().await;
    let report = link.engine.audit().await.unwrap();
    assert!(report.differences.is_empty() && report.agreed_to_differ.len() >= 7, "{report:?}");
    cancel_all(&link, &ids[..1]);
    let later = link.day(4);
    let moved = OrderChange { ship_date: Some(later), ..OrderChange::default() };
    link.act(|w, now| w.axerrio.customer_changes_header(&ids[1], &moved, now)).unwrap();
    link.sync_well().await;
    let items = |id: &str| link.act(|w, _| items_of(w, id));
    let is_bought = |id: &str| items(id).iter().any(|item| link.act(|w, _| !bought(w, item.id).is_empty()));
    assert_eq!(items(&ids[0]).len(), 0);
    assert!(!is_bought(&ids[1]) && items(&ids[1]).iter().all(|item| item.ship_date == Some(later)));
    assert!(ids[2..].iter().all(|id| is_bought(id)));
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
}

/// A few go off their POs unasked, as the vendor says every day.
#[tokio::test]
async fn five_orders_that_the_vendor_declines_go_off_their_pos() {
    let link = Link::plain().await;
    let ids = placed(&link, 5).await;
    link.act(|w, now| ids.iter().for_each(|id| confirms_none(w, id, now)));
    link.sync_well().await;
    let is_bought = |w: &mut World, id: &String| items_of(w, id).iter().any(|item| !bought(w, item.id).is_empty());
    assert!(link.act(|w, _| !ids.iter().any(|id| is_bought(w, id))));
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
}

/// Whoever answers a hold has read which orders it is about.
#[tokio::test]
async fn an_answer_to_the_brake_lets_nothing_go_that_was_cancelled_since() {
    both(async |link: Link| {
        let ids = placed(&link, 30).await;
        cancel_all(&link, &ids[..7]);
        link.sync_well().await;
        let asked = link.holds().await.remove(0);
        cancel_all(&link, &ids[7..9]);
        let report = link.sync_well().await;
        assert_eq!(
            report.actions.iter().filter(|action| action.order.is_none()).count(),
            1,
            "people are told anew"
        );
        let more = link.holds().await.remove(0);
        assert_ne!(more.id, asked.id);
        assert_eq!((asked.covers.len(), more.covers.len()), (7, 9));
        assert!(more.detail.contains("cancel 9 of 30 open orders"), "{}", more.detail);

        let now = link.engine.clock.now();
        let stale = move |conn: &Connection| holds::decide(conn, asked.id, Verdict::TakeAxerrio, now);
        assert_eq!(link.engine.store.write(stale).await.unwrap(), holds::Decided::Gone);
        link.sync_well().await;
        assert!(link.act(|w, _| ids[..9].iter().all(|id| items_of(w, id).len() == 1)));
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert!(link.act(|w, _| ids[..9].iter().all(|id| items_of(w, id).is_empty())));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_brake_of_which_orders_come_back_names_those_that_are_left() {
    both(async |link: Link| {
        let ids = placed(&link, 30).await;
        let wants = |boxes: u32, ids: &[String]| {
            link.act(|w, now| {
                let mut change = |id: &String| w.axerrio.customer_changes_line(id, "1", |l| l.boxes = boxes, now);
                ids.iter().try_for_each(&mut change)
            })
            .unwrap();
        };
        wants(0, &ids[..10]);
        link.sync_well().await;
        let asked = link.holds().await.remove(0);
        wants(1, &ids[..8]);
        link.sync_well().await;
        let left = link.holds().await.remove(0);
        assert_eq!((left.id, left.since, left.covers.len()), (asked.id, asked.since, 2));
        let names = |hold: &HoldRow| {
            let detail = hold.detail.replace(',', "");
            let words: Vec<&str> = detail.split(' ').collect();
            ids.iter().filter(|id| words.contains(&id.as_str())).cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&left), ids[8..10], "{}", left.detail);
        assert!(left.detail.contains("2 of 30 open orders"), "{}", left.detail);
        // Few as they are by now, another one is not let go unasked with them.
        wants(1, &ids[8..9]);
        wants(0, &ids[20..21]);
        link.sync_well().await;
        let other = link.holds().await.remove(0);
        assert_ne!(other.id, asked.id);
        assert_eq!(names(&other), [ids[9].clone(), ids[20].clone()], "{}", other.detail);
        assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert!(link.act(|w, _| [9, 20].iter().all(|at| items_of(w, &ids[*at]).is_empty())));
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// What such a run does not read or push was not taken back.
#[tokio::test]
async fn a_run_that_sees_only_a_part_leaves_the_brake_as_it_is() {
    both(async |link: Link| {
        let ids = placed(&link, 12).await;
        cancel_all(&link, &ids[..7]);
        link.sync_well().await;
        let asked = link.holds().await.remove(0);
        let only = Some([link.order(&ids[0]).await.key].into());
        link.run(RunRequest { only, ..RunRequest::default() }).await;
        for job in Job::ALL {
            link.sync_jobs(&[job]).await;
        }
        for system in [System::Axerrio, System::Komet] {
            let down = SystemError { system, method: "health", fault: systems::Fault::Unreachable("x".into()) };
            link.run(RunRequest { paused: vec![down], ..RunRequest::default() }).await;
        }
        link.run(RunRequest { paced: true, ..RunRequest::default() }).await;
        assert_eq!(link.holds().await, [asked]);
    })
    .await;
}

/// Their POs were never read, so that a plan has to read them before it can say what it would cancel: the brake counts again.
#[tokio::test]
async fn what_is_known_to_be_cancelled_only_after_reading_is_counted_before_it_goes() {
    both(async |link: Link| {
        let ids = ordered(&link, 7);
        link.sync_jobs(&[Job::Orders]).await;
        cancel_all(&link, &ids);
        link.sync_jobs(&[Job::Orders]).await;
        assert!(link.act(|w, _| ids.iter().all(|id| !items_of(w, id).is_empty())));
        assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).is_empty())));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn taking_the_other_side_keeps_what_was_to_be_cancelled() {
    both(async |link: Link| {
        let ids = placed(&link, 7).await;
        cancel_all(&link, &ids);
        link.sync_well().await;
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn many_prebooks_gone_at_once_stop_too_and_pass_when_released() {
    both(async |link: Link| {
        let mut orders = Vec::new();
        for _ in 0..7 {
            orders.push(prebooked(&link, 3).await);
        }
        link.act(|w, _| orders.iter().try_for_each(|(prebook, _)| w.komet.rep_deletes_prebook(*prebook))).unwrap();
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
        assert!(orders.iter().all(|(_, order)| status(&link, order) == OrderStatus::Placed));
        link.decide(Verdict::TakeKomet).await;
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(orders.iter().all(|(_, order)| status(&link, order) == OrderStatus::Cancelled));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_brake_that_is_dismissed_or_taken_for_the_other_side_cancels_nothing_and_asks_no_more() {
    for verdict in [Verdict::TakeAxerrio, Verdict::Dismissed] {
        both(async |link: Link| {
            let ids = if verdict == Verdict::Dismissed { placed(&link, 7).await } else { Vec::new() };
            let mut orders = Vec::new();
            for _ in 0..7 {
                orders.push(prebooked(&link, 3).await);
            }
            cancel_all(&link, &ids);
            link.act(|w, _| orders.iter().try_for_each(|(prebook, _)| w.komet.rep_deletes_prebook(*prebook)))
                .unwrap();
            link.let_pass(TimeDelta::hours(25));
            link.sync_well().await;
            assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
            link.decide(verdict).await;
            for _ in 0..3 {
                link.sync_well().await;
                assert_eq!(link.holds().await, [], "{verdict:?}");
            }
            assert!(orders.iter().all(|(_, order)| status(&link, order) == OrderStatus::Placed));
            assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
            // One more is not many.
            let more = placed(&link, 1).await;
            cancel_all(&link, &more);
            link.sync_well().await;
            assert!(link.act(|w, _| items_of(w, &more[0]).is_empty()));
            invariants(&link).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_brake_whose_cause_goes_away_clears_itself() {
    both(async |link: Link| {
        let mut orders = Vec::new();
        for _ in 0..7 {
            orders.push(prebooked(&link, 3).await);
        }
        let set_all = |boxes: u32| {
            let change = ItemChange { boxes: Some(boxes), ..ItemChange::default() };
            link.act(|w, now| {
                let items: Vec<u64> = orders
                    .iter()
                    .flat_map(|(prebook, _)| &w.komet.prebook(*prebook).unwrap().items)
                    .map(|item| item.id)
                    .collect();
                items.iter().try_for_each(|item| w.komet.rep_changes_item(*item, &change, now))
            })
            .unwrap();
        };
        set_all(0);
        link.sync_well().await;
        assert_eq!(link.held().await.len(), 1);
        // Enough new orders make it less than 20 %, but it was stopped: only a person lets it through.
        placed(&link, 40).await;
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::TooManyCancellations, None)]);
        assert!(orders.iter().all(|(_, order)| status(&link, order) == OrderStatus::Placed));
        // The rep takes it back.
        set_all(4);
        link.sync_well().await;
        assert_eq!(link.holds().await, []);
        assert!(orders.iter().all(|(_, order)| status(&link, order) == OrderStatus::Placed));
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_prebook_is_noticed_by_the_days_full_read() {
    both(async |link: Link| {
        let (id, order) = prebooked(&link, 3).await;
        let (_, other) = prebooked(&link, 3).await;
        link.act(|w, now| {
            let items: Vec<u64> = w.komet.prebook(id).unwrap().items.iter().map(|i| i.id).collect();
            w.axerrio.vendor_accepts(&order, &[], now).unwrap();
            items
        });
        link.sync_well().await;
        let items: Vec<u64> = link.act(|w, _| w.komet.prebook(id).unwrap().items.iter().map(|i| i.id).collect());
        link.act(|w, _| w.komet.rep_deletes_prebook(id)).unwrap();
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Accepted, "no changed-since read shows it");
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Cancelled);
        assert_eq!(status(&link, &other), OrderStatus::Placed);
        assert!(link.act(|w, _| items.iter().all(|i| bought(w, *i).is_empty())));
        assert_eq!(link.order(&order).await.stage, Stage::Cancelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_prebook_that_left_the_horizon_lives_on() {
    both(async |link: Link| {
        let (id, order) = prebooked(&link, 3).await;
        let to = link.day(45);
        link.act(|w, now| {
            let items: Vec<u64> = w.komet.prebook(id).unwrap().items.iter().map(|i| i.id).collect();
            items.iter().try_for_each(|i| w.komet.rep_moves_ship_date(*i, to, now))
        })
        .unwrap();
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        let moved = link.act(|w, _| w.axerrio.order(&order).unwrap().clone());
        assert_eq!((moved.status, moved.draft.ship_date), (OrderStatus::Placed, to));
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Placed);
        invariants(&link).await;
    })
    .await;
}

const PREBOOKS: &str = "prebook.details.list";

/// They are missed by the next day's full read.
fn delete_prebooks(link: &Link, prebooks: &[(u64, String)]) {
    link.act(|w, _| prebooks.iter().try_for_each(|(prebook, _)| w.komet.rep_deletes_prebook(*prebook))).unwrap();
    link.let_pass(TimeDelta::hours(25));
}

fn move_prebook(link: &Link, prebook: u64, to: NaiveDate) {
    link.act(|w, now| {
        let items: Vec<u64> = w.komet.prebook(prebook).unwrap().items.iter().map(|i| i.id).collect();
        items.iter().try_for_each(|i| w.komet.rep_moves_ship_date(*i, to, now))
    })
    .unwrap();
}

/// Of three Prebooks that left the lists one moved beyond the horizon and two are gone; answers the one's order, the day, and the two.
async fn one_moves_and_two_are_gone(link: &Link) -> (String, NaiveDate, [(u64, String); 2]) {
    let (moved, order) = prebooked(link, 3).await;
    let gone = [prebooked(link, 3).await, prebooked(link, 3).await];
    let to = link.day(45);
    move_prebook(link, moved, to);
    delete_prebooks(link, &gone);
    (order, to, gone)
}

/// Only what is gone is cancelled.
async fn what_moved_lives_on(link: &Link, (order, to, gone): (String, NaiveDate, [(u64, String); 2])) {
    link.sync_well().await;
    assert!(gone.iter().all(|(_, order)| status(link, order) == OrderStatus::Cancelled));
    let kept = link.act(|w, _| w.axerrio.order(&order).unwrap().clone());
    assert_eq!((kept.status, kept.draft.ship_date), (OrderStatus::Placed, to));
    invariants(link).await;
}

/// Each is asked for by its number where it was and on its truck date; the lists beyond the horizon are read once for all.
#[tokio::test]
async fn prebooks_that_are_gone_together_are_looked_up_together() {
    both(async |link: Link| {
        let mut all = Vec::new();
        for _ in 0..8 {
            all.push(prebooked(&link, 3).await);
        }
        let reads = async |gone: &[(u64, String)]| {
            delete_prebooks(&link, gone);
            let before = link.komet_requests(PREBOOKS);
            link.sync_well().await;
            link.komet_requests(PREBOOKS) - before
        };
        let few = reads(&all[..2]).await;
        let more = reads(&all[2..7]).await;
        assert_eq!(more - few, 2 * 3, "of two and of five");
        assert!(all[..7].iter().all(|(_, order)| status(&link, order) == OrderStatus::Cancelled));
        assert_eq!(status(&link, &all[7].1), OrderStatus::Placed);
        invariants(&link).await;
    })
    .await;
}

/// One of them moved beyond the horizon.
#[tokio::test]
async fn of_prebooks_that_left_the_lists_together_the_one_that_moved_lives_on() {
    both(async |link: Link| {
        let all = one_moves_and_two_are_gone(&link).await;
        what_moved_lives_on(&link, all).await;
    })
    .await;
}

/// Whose record it is nobody knows: each is asked for by its number.
#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_prebook_from_a_look_up_of_several() {
    both(async |link: Link| {
        let all = one_moves_and_two_are_gone(&link).await;
        // Every window of the horizon, and each of them by its number where it was and on its truck date, which shows the one that moved.
        let before = u32::try_from(link.engine.windows().count()).unwrap() + 2 * 3;
        let body = r#"{"status":1,"message":"","prebooks":[17]}"#.to_owned();
        link.act(|w, _| {
            let garbled = Fault::Http { status: 200, body, headers: Vec::new() };
            w.inject(Target::next(System::Komet, PREBOOKS).after(before), garbled);
        });
        what_moved_lives_on(&link, all).await;
    })
    .await;
}

#[tokio::test]
async fn a_look_up_that_fails_cancels_nothing() {
    both(async |link: Link| {
        let (id, order) = prebooked(&link, 3).await;
        link.act(|w, _| w.komet.rep_deletes_prebook(id)).unwrap();
        link.let_pass(TimeDelta::hours(25));
        let windows = u32::try_from(link.engine.windows().count()).unwrap();
        // Every window is read, then the look-up breaks, over and over.
        link.act(|w, _| {
            let target = Target::next(System::Komet, "prebook.details.list").after(windows).times(50);
            w.inject(target, Fault::Html(502));
        });
        let report = link.sync().await;
        assert!(report.jobs.iter().any(|j| j.error.is_some()));
        assert_eq!(status(&link, &order), OrderStatus::Placed);
        link.act(|w, _| w.clear_faults());
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Cancelled);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_empty_list_from_a_broken_komet_cancels_nothing_until_the_look_up_agrees() {
    both(async |link: Link| {
        let (_, order) = prebooked(&link, 3).await;
        link.let_pass(TimeDelta::hours(25));
        let windows = u32::try_from(link.engine.windows().count()).unwrap();
        link.act(|w, _| {
            let empty = Fault::Http {
                status: 200,
                body: r#"{"status":1,"message":"","prebooks":[]}"#.into(),
                headers: Vec::new(),
            };
            w.inject(Target::next(System::Komet, "prebook.details.list").times(windows), empty);
        });
        link.sync_well().await;
        assert_eq!(status(&link, &order), OrderStatus::Placed);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn an_unreadable_prebook_is_not_gone() {
    both(async |link: Link| {
        let (id, order) = prebooked(&link, 3).await;
        link.let_pass(TimeDelta::hours(25));
        let body = format!(r#"{{"status":1,"message":"","prebooks":[{{"id":{id},"number":"?","details":17}}]}}"#);
        link.act(|w, _| {
            let garbled = Fault::Http { status: 200, body, headers: Vec::new() };
            w.inject(Target::next(System::Komet, "prebook.details.list").times(30), garbled);
        });
        let report = link.sync().await;
        assert!(report.jobs.iter().any(|j| j.failed > 0), "it is reported: {:?}", report.jobs);
        assert_eq!(status(&link, &order), OrderStatus::Placed);
        link.act(|w, _| w.clear_faults());
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn what_shipped_in_the_past_is_not_missed_when_it_leaves_the_list() {
    both(async |link: Link| {
        let id = placed(&link, 1).await.remove(0);
        let (_, order) = prebooked(&link, 3).await;
        for _ in 0..6 {
            link.let_pass(TimeDelta::hours(25));
            link.sync_well().await;
        }
        assert_eq!(status(&link, &order), OrderStatus::Placed);
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 1);
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_window_may_show_whole_prebooks_or_only_its_own_items() {
    let rules = KometRules { window_shows_whole_prebook: true, ..KometRules::default() };
    both_with(Setup { rules, ..Setup::default() }, async |link: Link| {
        let draft = prebook(link.day(14), vec![item(FREEDOM, 4, link.day(3)), item(MONDIAL, 2, link.day(11))]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.act(|w, _| orders_for(w, id)).len(), 2);
        let late = link.act(|w, _| w.komet.prebook(id).unwrap().items[1].id);
        link.act(|w, now| {
            w.komet.rep_changes_item(late, &ItemChange { boxes: Some(0), ..Default::default() }, now)
        })
        .unwrap();
        link.sync_well().await;
        let states = link.act(|w, _| orders_for(w, id).iter().map(|o| o.status).collect::<Vec<_>>());
        assert_eq!(states, [OrderStatus::Placed, OrderStatus::Cancelled]);
        invariants(&link).await;
    })
    .await;
}

/// It is sent to the vendor, who accepts it: an order that procurement has not answered yet.
#[tokio::test]
async fn what_a_rep_changes_after_its_po_was_cancelled_is_bought_if_a_person_wants_it() {
    for (verdict, boxes) in [(Verdict::TakeAxerrio, vec![9]), (Verdict::TakeKomet, vec![])] {
        let link = Link::plain().await;
        let number = accepted_prebook(&link, &prebook(link.day(3), vec![item(FREEDOM, 4, link.day(3))])).await;
        link.sync_well().await;
        let item = link.act(|w, _| w.komet.prebook(number).unwrap().items[0].id);
        let po = link.act(|w, _| bought(w, item)[0].0.number);
        link.act(|w, now| w.komet.buyer_cancels(po, now)).unwrap();
        link.sync_well().await;
        assert_eq!(link.held().await, [], "that is procurement's answer");
        let change = ItemChange { boxes: Some(9), ..ItemChange::default() };
        link.act(|w, now| w.komet.rep_changes_item(item, &change, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
        link.sync().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(item.to_string()))]);
        link.decide(verdict).await;
        link.sync_well().await;
        assert_eq!(link.held().await, []);
        let bought = link.act(|w, _| {
            let pos = bought(w, item).into_iter().filter(|(po, _)| po.status != PoStatus::Cancelled);
            pos.map(|(_, line)| line.goods.boxes).collect::<Vec<_>>()
        });
        assert_eq!(bought, boxes, "{verdict:?}");
    }
}
