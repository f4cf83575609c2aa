//! Records that make no sense: whom they keep waiting, and what is told of it.

use std::sync::Arc;

use chrono::TimeDelta;
use stemsync::sandbox::komet::HeaderChange;
use stemsync::sandbox::{Fault, KometRules, Target};
use stemsync::store::{events, intents, runs};
use stemsync::sync::RunRequest;
use stemsync::sync::engine::{Listener, Progress};
use stemsync::sync::report::{Job, Outcome};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{Link, Setup, accepted_prebook};
use crate::trade::{FREEDOM, approve_all, bought, item, items_of, line, order, orders_for, prebook, prebooks_of};

/// Nothing happened, and what was answered makes no sense: that is known as soon as the read-back shows it.
fn nonsense(body: &str) -> Fault {
    Fault::Http { status: 200, body: body.to_owned(), headers: Vec::new() }
}

async fn in_doubt(link: &Link) -> i64 {
    link.engine.store.read(intents::count).await.unwrap()
}

fn places(link: &Link, day: i64) -> String {
    let draft = order(link.day(day), vec![line(FREEDOM, 4)]);
    link.act(|w, now| w.axerrio.customer_orders(draft, now))
}

/// A read of an order is repeated so often before it is given up.
const ATTEMPTS: u32 = 4;

/// The vendor's system has one order that it cannot show. It answers of every other.
#[tokio::test]
async fn an_order_that_axerrio_cannot_show_keeps_no_other_ones_put_in_doubt() {
    let failed = Fault::Http { status: 500, body: "{}".to_owned(), headers: Vec::new() };
    for (what, fault, times) in [
        ("garbled", nonsense(r#"{"id": "AX-1", "lines": "many"}"#), 1),
        ("HTTP 500", failed, ATTEMPTS),
        ("another's 404", Fault::Html(404), ATTEMPTS),
    ] {
        println!("--- {what}");
        let link = Link::plain().await;
        let ids = [places(&link, 3), places(&link, 4)];
        link.sync_well().await;
        link.act(approve_all);
        let unreadable = |link: &Link| {
            let target = Target::next(System::Axerrio, "GET orders/{id}").times(times);
            link.act(|w, _| w.inject(target, fault.clone()));
        };
        // The orders are read back in the order of their numbers.
        unreadable(&link);
        link.act(|w, _| {
            let target = Target::next(System::Axerrio, "PUT orders/{id}/purchase-order").times(2);
            w.inject(target, nonsense("{}"));
        });
        for _ in 0..2 {
            let end = link.run(RunRequest::default()).await;
            assert!(end.failures.is_empty() && end.down.is_empty(), "Axerrio answers: {end:?}");
            assert_eq!(in_doubt(&link).await, 1, "{what}");
            let knows = ids.each_ref().map(|id| {
                link.act(|w, _| w.axerrio.order(id).unwrap().purchase_order.as_ref().map(|po| po.status))
            });
            assert_ne!(knows[0], knows[1], "the other one is told again");
            let job = end.report.jobs.iter().find(|job| job.job == Job::PurchaseOrders).unwrap();
            assert_eq!(job.outcome, Outcome::Attention);
            let told = job.error.as_deref().unwrap();
            assert!(told.contains(&format!("nothing more is sent for its order ({})", ids[0])), "{told}");
            link.let_pass(TimeDelta::seconds(11));
            unreadable(&link);
        }
        link.act(|w, _| w.clear_faults());
        link.sync_well().await;
        assert_eq!(in_doubt(&link).await, 0);
        invariants(&link).await;
    }
}

/// Somebody's Prebook in the one's window makes no sense, and may be what is looked for there.
#[tokio::test]
async fn a_garbled_prebook_keeps_only_what_would_show_beside_it_in_doubt() {
    let link = Link::plain().await;
    link.sync_well().await;
    let creates = Target::next(System::Komet, "prebook.create");
    let [beside, elsewhere] = [places(&link, 3), places(&link, 20)];
    let garbled = nonsense(r#"{"status": 1, "prebooks": [{"id": 9, "number": {}}]}"#);
    link.act(|w, _| {
        w.inject(creates.clone().times(2), nonsense("{}"));
        w.inject(Target::next(System::Komet, "prebook.details.list"), garbled);
    });
    let made = |id: &str| link.act(|w, _| items_of(w, id).len());
    let report = link.sync_jobs(&[Job::Orders]).await;
    assert_eq!((made(&beside), made(&elsewhere)), (0, 1), "{report:?}");
    let told = report.jobs[0].error.as_deref().unwrap();
    assert!(told.contains(&beside) && told.contains("Komet Prebook 9 cannot be read"), "{told}");
    // The daemon's runs leave that window alone for an hour, and look for everything else.
    let third = places(&link, 12);
    link.act(|w, _| w.inject(creates, nonsense("{}")));
    let daemons = RunRequest { jobs: vec![Job::Orders], paced: true, ..RunRequest::default() };
    link.let_pass(TimeDelta::seconds(11));
    link.run(daemons).await;
    assert_eq!((made(&beside), made(&third)), (0, 1));
    link.let_pass(TimeDelta::minutes(61));
    link.sync().await;
    link.sync_well().await;
    assert_eq!(made(&beside), 1);
    invariants(&link).await;
}

/// A rep changes the Prebook while its line is made anew: `useExisting` finds none with the header that is sent, and makes one
/// with the order's own tag.
#[tokio::test]
async fn a_line_that_went_into_a_new_prebook_of_its_own_order_is_taken_out_truly() {
    for create_tells_items in [true, false] {
        println!("--- items told: {create_tells_items}");
        let rules = KometRules { create_tells_items, ..KometRules::default() };
        let link = Arc::new(Link::start(Setup { rules, ..Setup::default() }).await);
        let id = places(&link, 3);
        link.sync_well().await;
        let first = link.act(|w, _| prebooks_of(w, &id)[0].id);
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 7, now)).unwrap();
        let rep = Arc::clone(&link);
        let listener: Listener = Arc::new(move |progress| {
            if let Progress::Action(action) = progress
                && action.method == "prebook.item.delete"
            {
                let change = HeaderChange { customer_po: Some("PO-78".into()), ..HeaderChange::default() };
                rep.act(|w, now| w.komet.rep_changes_header(first, &change, now)).unwrap();
            }
        });
        let report = link.run(RunRequest { listener: Some(listener), ..RunRequest::default() }).await.report;
        assert_eq!(link.holds().await, [], "{:?}", report.actions);
        link.act(|w, _| {
            let items = items_of(w, &id);
            let alive: Vec<_> = items.iter().filter(|item| item.goods.boxes > 0).collect();
            assert_eq!(alive.iter().map(|item| item.goods.boxes).collect::<Vec<_>>(), [7]);
            assert_eq!(bought(w, alive[0].id).len(), 1);
        });
        assert_eq!(link.komet_requests("prebook.item.delete"), 2, "the line's own, and the stray");
        invariants(&link).await;
    }
}

/// The POs of the day are read before anything is bought there, and somebody's PO of that day makes no sense.
#[tokio::test]
async fn an_order_that_waits_for_what_cannot_be_read_is_told_of_and_once_in_its_story() {
    let link = Link::plain().await;
    let day = link.day(3);
    let rep = accepted_prebook(&link, &prebook(link.day(5), vec![item(FREEDOM, 4, day)])).await;
    let id = link.act(|w, _| orders_for(w, rep)[0].id.clone());
    let garbled = nonsense(r#"{"status": 1, "purchaseOrders": [{"number": "66001", "status": {}}]}"#);
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(99), garbled));
    let daemons = RunRequest { paced: true, ..RunRequest::default() };
    // Read in vain, left for having been so just now, left by the daemon for an hour, and read in vain again.
    let wait = TimeDelta::seconds(11);
    for (request, wait) in [
        (RunRequest::default(), TimeDelta::zero()),
        (RunRequest::default(), wait),
        (daemons, wait),
        (RunRequest::default(), wait),
    ] {
        let report = link.run(request).await.report;
        assert_eq!(report.outcome, Outcome::Attention);
        let job = report.jobs.iter().find(|job| job.job == Job::Orders).unwrap();
        assert_eq!((job.outcome, job.failed), (Outcome::Attention, 1));
        let told = job.error.as_deref().unwrap();
        assert!(told.starts_with(&format!("{id} waits for the POs of {day}")), "{told}");
        link.let_pass(wait);
    }
    let key = link.order(&id).await.key;
    let story = link.engine.store.read(move |conn| events::for_order(conn, key)).await.unwrap();
    let told: Vec<&str> = story.iter().filter(|event| event.what == "waits").map(|event| &*event.detail).collect();
    assert!(told.len() == 1 && told[0].contains("Komet PO 66001 cannot be read"), "{told:?}");
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    assert_eq!(link.act(|w, _| bought(w, w.komet.prebook(rep).unwrap().items[0].id).len()), 1);
    invariants(&link).await;
}

/// With a Company token a busy day's Prebooks may be too many for one answer.
#[tokio::test]
async fn a_truck_date_too_long_to_be_read_keeps_the_create_in_doubt_and_fails_no_job() {
    let link = Link::plain().await;
    link.sync_well().await;
    let id = places(&link, 3);
    let too_long = Fault::Http { status: 200, body: " ".repeat(33 << 20), headers: Vec::new() };
    link.act(|w, _| {
        w.inject(Target::next(System::Komet, "prebook.create"), nonsense("{}"));
        // What is read first is the window of its ship date.
        w.inject(Target::next(System::Komet, "prebook.details.list").after(1), too_long);
    });
    let end = link.run(RunRequest { jobs: vec![Job::Orders], ..RunRequest::default() }).await;
    assert!(end.failures.is_empty(), "Komet answers: {:?}", end.failures);
    let job = &end.report.jobs[0];
    assert_eq!(job.outcome, Outcome::Attention);
    let told = job.error.as_deref().unwrap();
    assert!(told.contains(&id) && told.contains("truck date") && told.contains("longer than 32 MB"), "{told}");
    assert_eq!(in_doubt(&link).await, 1);
    link.let_pass(TimeDelta::seconds(11));
    link.sync_well().await;
    assert_eq!(link.act(|w, _| items_of(w, &id).len()), 1);
    invariants(&link).await;
}

/// The record is somebody else's, and may stand for days.
#[tokio::test]
async fn what_stays_in_doubt_for_a_garbled_record_is_told_once_in_its_story_and_the_history() {
    let link = Link::plain().await;
    link.sync_well().await;
    let id = places(&link, 3);
    let garbled = nonsense(r#"{"status": 1, "prebooks": [{"id": 9, "number": {}}]}"#);
    link.act(|w, _| {
        w.inject(Target::next(System::Komet, "prebook.create"), nonsense("{}"));
        w.inject(Target::next(System::Komet, "prebook.details.list").times(99), garbled);
    });
    let key = async |link: &Link| link.order(&id).await.key;
    link.sync_jobs(&[Job::Orders]).await;
    for minutes in [1, 1, 61, 1] {
        link.let_pass(TimeDelta::minutes(minutes));
        let daemons = RunRequest { jobs: vec![Job::Orders], paced: true, ..RunRequest::default() };
        let job = link.run(daemons).await.report.jobs.remove(0);
        assert_eq!((job.outcome, job.failed > 0), (Outcome::Attention, true));
        assert!(job.error.unwrap().contains("whether prebook.create had its effect is not known"));
        let last = link.engine.store.read(|conn| runs::list(conn, None, 1)).await.unwrap().remove(0);
        assert!(last.quiet, "it found nothing new");
    }
    let key = key(&link).await;
    let story = link.engine.store.read(move |conn| events::for_order(conn, key)).await.unwrap();
    let told: Vec<&str> =
        story.iter().filter(|event| event.what == "in doubt").map(|event| &*event.detail).collect();
    assert!(told.len() == 1 && told[0].contains("Prebooks of the truck date cannot be read"), "{told:?}");
    link.act(|w, _| w.clear_faults());
    link.let_pass(TimeDelta::seconds(11));
    link.sync_well().await;
    assert_eq!(link.act(|w, _| items_of(w, &id).len()), 1);
    invariants(&link).await;
}
