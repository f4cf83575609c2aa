//! Every write meets every fault: what was done is adopted, what was not is sent again, and nothing happens twice.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use stemsync::domain::{HoldReason, Verdict, dates_of, window_of};
use stemsync::sandbox::axerrio::Reprint;
use stemsync::sandbox::komet::ItemChange;
use stemsync::sandbox::{Answers, Effect, Fault, KometRules, Target, Tokens, World};
use stemsync::store::intents::{self, Intent};
use stemsync::sync::RunRequest;
use stemsync::sync::engine::Settings;
use stemsync::sync::report::{Job, Outcome};
use stemsync::systems::{Fault as SystemFault, System};

use crate::invariants::invariants;
use crate::link::{BOTH, Link, Setup, accepted_prebook, approved};
use crate::trade::{
    FREEDOM, MONDIAL, NOBBIO, WRITES, approve_all, bought, current_labels, item, items_of, line, mixed_line,
    order, orders_for, prebook, prebooks_of, print_all,
};

fn system_of(method: &str) -> System {
    if method.starts_with('P') { System::Axerrio } else { System::Komet }
}

/// Time-outs come soon enough for a test, and late enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(900);

async fn link(answers: Answers) -> Link {
    let settings = Settings { komet_timeout: TIMEOUT, ..Settings::default() };
    Link::start(Setup { answers, settings, ..Setup::default() }).await
}

/// Brings the trade to where the next run sends `method` once.
async fn before(link: &Link, method: &str) {
    match method {
        "purchase.order.mixed.create" => {
            let draft = order(link.day(3), vec![mixed_line(2, &[MONDIAL, NOBBIO])]);
            link.act(|w, now| w.axerrio.customer_orders(draft, now));
        }
        "prebook.create" | "purchase.order.create" => drop(ordered(link)),
        "prebook.item.delete" | "purchase.order.item.delete" => {
            let id = ordered(link);
            link.sync_well().await;
            link.act(|w, now| w.axerrio.customer_removes_line(&id, "2", now)).unwrap();
        }
        "PUT orders/{id}/purchase-order" => {
            ordered(link);
            link.sync_well().await;
            link.act(approve_all);
        }
        "purchase.order.items.awb.add" | "box.code.change" => {
            let id = ordered(link);
            link.sync_well().await;
            link.act(approve_all);
            link.sync_well().await;
            let labels = link.act(|w, now| print_all(w, &id, now));
            if method == "box.code.change" {
                link.sync_well().await;
                link.act(|w, now| w.axerrio.vendor_reprints(&labels[1], Reprint::NewLabel, now)).unwrap();
            }
        }
        _ => {
            let ship = link.day(3);
            let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship)]);
            let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
            if method.ends_with("/cancel") {
                link.sync_well().await;
                link.act(|w, now| {
                    let item = w.komet.prebook(id).unwrap().items[0].id;
                    assert_eq!(orders_for(w, id).len(), 1);
                    w.komet.rep_changes_item(item, &ItemChange { boxes: Some(0), ..Default::default() }, now)
                })
                .unwrap();
            }
        }
    }
}

fn ordered(link: &Link) -> String {
    let draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
    link.act(|w, now| w.axerrio.customer_orders(draft, now))
}

fn sent(link: &Link, method: &str) -> u64 {
    link.act(|w, _| w.requests().count(system_of(method), method))
}

/// One method meets one fault. `requests`: how often the method is sent until all is done, `runs` runs later.
async fn meets(answers: Answers, method: &str, fault: Fault, runs: usize, requests: u64) {
    println!("--- {method} meets {fault:?} in {answers:?}");
    let link = link(answers).await;
    before(&link, method).await;
    let already = sent(&link, method);
    link.inject(system_of(method), method, fault.clone());
    let mut told = Vec::new();
    for _ in 0..runs {
        let report = link.sync().await;
        told.extend(report.jobs.iter().filter_map(|job| job.error.clone()));
        told.extend(report.actions.into_iter().map(|a| format!("{} {}: {}", a.method, a.result.name(), a.detail)));
    }
    assert_eq!(link.act(|w, _| w.faults_waiting()), 0, "{method} was sent");
    let now = sent(&link, method) - already;
    assert_eq!(now, requests, "{method} meets {fault:?} in {answers:?}: {told:#?}");
    assert!(link.holds().await.is_empty(), "{method} meets {fault:?}: {:?}", link.holds().await);
    invariants(&link).await;
}

/// Every method at the same time, since time-outs take time.
async fn each_meets(fault: Fault, runs: usize, requests: u64) {
    join_all(WRITES.map(|method| Box::pin(meets(Answers::Plain, method, fault.clone(), runs, requests)))).await;
}

/// As [`each_meets`], where the wording of answers matters for what is read back.
async fn each_meets_messily(fault: Fault, runs: usize, requests: u64) {
    join_all(WRITES.map(|method| Box::pin(meets(Answers::Messy(7), method, fault.clone(), runs, requests)))).await;
}

#[tokio::test]
async fn a_lost_answer_is_adopted() {
    each_meets(Fault::AnswerLost, 1, 1).await;
}

#[tokio::test]
async fn a_lost_answer_is_adopted_from_messy_answers() {
    each_meets_messily(Fault::AnswerLost, 1, 1).await;
}

#[tokio::test]
async fn a_connection_closed_before_is_sent_again_once_in_messy_answers() {
    each_meets_messily(Fault::RefusedBefore, 1, 2).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_adopted() {
    each_meets(Fault::Truncated, 1, 1).await;
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_is_adopted() {
    each_meets(Fault::Malformed, 1, 1).await;
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_adopted() {
    each_meets(Fault::NotJson, 1, 1).await;
}

#[tokio::test]
async fn a_connection_closed_before_is_sent_again_once() {
    each_meets(Fault::RefusedBefore, 1, 2).await;
}

#[tokio::test]
async fn a_proxys_page_is_sent_again_once() {
    each_meets(Fault::Html(502), 1, 2).await;
}

#[tokio::test]
async fn a_server_error_is_sent_again_once() {
    let fault = Fault::Http { status: 500, body: r#"{"oops":1}"#.into(), headers: Vec::new() };
    each_meets(fault, 1, 2).await;
}

#[tokio::test]
async fn a_system_that_asks_to_wait_is_asked_again_in_the_next_run() {
    each_meets(Fault::Throttle(Duration::from_secs(30)), 2, 2).await;
}

#[tokio::test]
async fn a_request_that_arrives_twice_leaves_nothing_twice_and_asks_nobody() {
    each_meets(Fault::DeliveredTwice, 3, 1).await;
}

/// The PO was made twice, and before anybody saw that the customer does something to one of its lines: the second PO is no
/// buyer's change, and nobody is asked about it.
async fn made_twice_then(what: &str, customer: impl FnOnce(&mut World, &str, DateTime<Utc>)) {
    let link = link(Answers::Plain).await;
    let id = ordered(&link);
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    link.sync_jobs(&[Job::Orders]).await;
    link.act(|w, now| customer(w, &id, now));
    for _ in 0..3 {
        link.sync().await;
    }
    assert!(link.holds().await.is_empty(), "{what}: {:?}", link.holds().await);
    invariants(&link).await;
}

#[tokio::test]
async fn a_line_bought_twice_and_taken_away_is_bought_no_more() {
    made_twice_then("removed", |w, id, now| w.axerrio.customer_removes_line(id, "2", now).unwrap()).await;
}

#[tokio::test]
async fn a_line_bought_twice_and_changed_is_bought_once_as_it_is_now() {
    let wants_seven = |w: &mut World, id: &str, now| {
        w.axerrio.customer_changes_line(id, "2", |line| line.boxes = 7, now).unwrap();
    };
    made_twice_then("changed", wants_seven).await;
}

#[tokio::test]
async fn an_order_bought_twice_and_cancelled_is_bought_no_more() {
    made_twice_then("cancelled", |w, id, now| w.axerrio.customer_cancels(id, now).unwrap()).await;
}

#[tokio::test]
async fn a_line_bought_twice_that_a_buyer_changes_is_asked_about_with_both_its_pos() {
    let link = link(Answers::Plain).await;
    let id = ordered(&link);
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    link.sync_jobs(&[Job::Orders]).await;
    let pos: Vec<u64> = link.act(|w, now| {
        let bought = bought(w, items_of(w, &id)[0].id);
        let (pos, lines): (Vec<u64>, Vec<u64>) = bought.iter().map(|(po, line)| (po.number, line.id)).unzip();
        w.komet.buyer_changes_line(lines[1], Some(3), None, now).unwrap();
        pos
    });
    assert_eq!(pos.len(), 2, "it was made twice");
    link.sync_well().await;
    let holds = link.holds().await;
    assert_eq!(holds.len(), 1, "{holds:?}");
    let told = format!("on POs {}, {} changed in Komet", pos[0], pos[1]);
    assert!(holds[0].detail.contains(&told) && holds[0].detail.contains("several POs"), "{}", holds[0].detail);
    invariants(&link).await;
    link.decide(Verdict::TakeAxerrio).await;
    link.sync_well().await;
    assert_eq!(link.holds().await, []);
    assert_eq!(link.act(|w, _| bought(w, items_of(w, &id)[0].id).len()), 1, "it is bought once");
    invariants(&link).await;
}

#[tokio::test]
async fn a_prebook_bought_twice_and_taken_away_is_bought_no_more() {
    let link = link(Answers::Plain).await;
    let ship = link.day(3);
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship)]);
    let id = accepted_prebook(&link, &draft).await;
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    link.sync_jobs(&[Job::Orders]).await;
    assert_eq!(link.act(|w, _| w.faults_waiting()), 0, "the PO was made");
    link.act(|w, now| {
        let item = w.komet.prebook(id).unwrap().items[0].id;
        w.komet.rep_changes_item(item, &ItemChange { boxes: Some(0), ..Default::default() }, now)
    })
    .unwrap();
    for _ in 0..3 {
        link.sync().await;
    }
    assert!(link.holds().await.is_empty(), "{:?}", link.holds().await);
    invariants(&link).await;
}

/// Its order moves to another day, and before the POs of the former day could be read the buyer approves one of the two.
#[tokio::test]
async fn a_prebook_bought_twice_that_moves_is_bought_once() {
    let link = link(Answers::Plain).await;
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
    let id = accepted_prebook(&link, &draft).await;
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    let (item, to) = (link.act(|w, _| w.komet.prebook(id).unwrap().items[0].id), link.day(4));
    link.act(|w, now| w.komet.rep_moves_ship_date(item, to, now)).unwrap();
    link.sync_jobs(&[Job::Orders]).await;
    let pos: Vec<u64> = link.act(|w, _| bought(w, item).iter().map(|(po, _)| po.number).collect());
    assert_eq!(pos.len(), 2, "it was made twice");
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), Fault::Html(502)));
    link.sync_jobs(&[Job::Prebooks]).await;
    link.act(|w, now| {
        w.clear_faults();
        w.komet.buyer_approves(pos[1], now).unwrap();
    });
    link.sync_well().await;
    link.act(|w, now| w.axerrio.vendor_accepts_all(now)).unwrap();
    for _ in 0..3 {
        link.sync_well().await;
    }
    assert_eq!(link.act(|w, _| bought(w, item).len()), 1);
    invariants(&link).await;
}

/// Both lines buy all of the item, and the vendor confirms fewer in the order it moved to before anybody reads a PO.
#[tokio::test]
async fn a_prebook_bought_twice_that_moves_and_is_confirmed_in_part_is_bought_once() {
    let link = link(Answers::Plain).await;
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3)), item(MONDIAL, 1, link.day(3))]);
    let id = accepted_prebook(&link, &draft).await;
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    link.sync_jobs(&[Job::Orders]).await;
    let (item, to) = (link.act(|w, _| w.komet.prebook(id).unwrap().items[0].id), link.day(4));
    assert_eq!(link.act(|w, _| bought(w, item).len()), 2, "it was made twice");
    link.act(|w, now| w.komet.rep_moves_ship_date(item, to, now)).unwrap();
    link.sync_jobs(&[Job::Prebooks]).await;
    link.act(|w, now| {
        let order = orders_for(w, id).into_iter().find(|order| order.draft.ship_date == to).unwrap().id.clone();
        w.axerrio.vendor_accepts(&order, &[(item.to_string().as_str(), 3)], now).unwrap();
        w.axerrio.vendor_accepts_all(now).unwrap();
    });
    for _ in 0..3 {
        link.sync_well().await;
    }
    assert_eq!(link.act(|w, _| bought(w, item).len()), 1);
    invariants(&link).await;
}

/// A Prebook of one item whose PO was made twice, before anybody has read either. Answers the item, and the PO line that
/// stemsync was told of.
async fn bought_twice(link: &Link) -> (u64, u64) {
    let draft = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
    let id = accepted_prebook(link, &draft).await;
    link.inject(System::Komet, "purchase.order.create", Fault::DeliveredTwice);
    link.sync_jobs(&[Job::Orders]).await;
    let item = link.act(|w, _| w.komet.prebook(id).unwrap().items[0].id);
    let order = link.act(|w, _| orders_for(w, id)[0].id.clone());
    let known = link.order(&order).await.agreed.lines.values().next().unwrap().po_lines[0].line.0;
    (item, u64::try_from(known).unwrap())
}

/// The buyer changes the PO that stemsync was told of; nobody has read the other one yet.
#[tokio::test]
async fn a_prebook_bought_twice_whose_known_po_a_buyer_changes_is_bought_once() {
    let link = link(Answers::Plain).await;
    let (item, known) = bought_twice(&link).await;
    link.act(|w, now| {
        assert_eq!(bought(w, item).len(), 2, "it was made twice");
        w.komet.buyer_changes_line(known, Some(1), None, now).unwrap();
    });
    link.sync_well().await;
    let left = link.act(|w, _| bought(w, item).iter().map(|(_, line)| line.goods.boxes).collect::<Vec<_>>());
    assert_eq!(left, [1], "the buyer's word stands");
    invariants(&link).await;
}

/// The buyer changes the PO that nobody has read yet, or approves it and changes the other: which one stands is asked.
#[tokio::test]
async fn a_prebook_bought_twice_of_which_a_buyer_changes_one_is_asked_about() {
    for approves in [false, true] {
        let link = link(Answers::Plain).await;
        let (item, known) = bought_twice(&link).await;
        link.act(|w, now| {
            let lines = bought(w, item);
            let (own, other): (Vec<_>, Vec<_>) = lines.iter().partition(|(_, l)| l.id == known);
            if approves {
                w.komet.buyer_approves(other[0].0.number, now).unwrap();
                w.komet.buyer_changes_line(own[0].1.id, Some(1), None, now).unwrap();
            } else {
                w.komet.buyer_changes_line(other[0].1.id, Some(6), None, now).unwrap();
            }
        });
        link.sync_well().await;
        assert_eq!(link.held().await, [(HoldReason::ChangedAfterApproval, Some(item.to_string()))]);
        link.decide(Verdict::TakeAxerrio).await;
        link.sync_well().await;
        let left = link.act(|w, _| bought(w, item).iter().map(|(_, line)| line.goods.boxes).collect::<Vec<_>>());
        assert_eq!(left, [4]);
        invariants(&link).await;
    }
}

/// Its items say which PO buys them, so that it is found wherever it went.
#[tokio::test]
async fn a_po_that_moves_before_it_was_read_back_is_not_made_again() {
    let link = link(Answers::Plain).await;
    let id = ordered(&link);
    link.inject(System::Komet, "purchase.order.create", Fault::AnswerLost);
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), Fault::Html(502)));
    link.sync().await;
    let to = link.day(40);
    link.act(|w, now| {
        let made = bought(w, items_of(w, &id)[0].id)[0].0.number;
        w.komet.buyer_moves_po(made, to, now).unwrap();
        w.clear_faults();
    });
    link.sync_well().await;
    assert_eq!(sent(&link, "purchase.order.create"), 1, "it is adopted");
    assert_eq!(link.act(|w, _| bought(w, items_of(w, &id)[0].id).len()), 1);
    invariants(&link).await;
}

/// Where the items say nothing, each day of the horizon is looked at once when the buyers have had their time.
#[tokio::test]
async fn a_po_that_moved_unseen_is_found_within_the_horizon_and_cleared_away() {
    let rules = KometRules { items_show_po: false, ..KometRules::default() };
    let settings = Settings { komet_timeout: TIMEOUT, ..Settings::default() };
    let link = Link::start(Setup { settings, rules, ..Setup::default() }).await;
    // Before anything is bought that was prebooked in Komet, each day of the horizon is read.
    accepted_prebook(&link, &prebook(link.day(5), vec![item(FREEDOM, 1, link.day(3))])).await;
    link.sync_well().await;
    let id = ordered(&link);
    link.inject(System::Komet, "purchase.order.create", Fault::AnswerLost);
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), Fault::Html(502)));
    link.sync().await;
    let item = link.act(|w, _| items_of(w, &id)[0].id);
    let (ordered_for, to) = (link.day(3), link.day(20));
    link.act(|w, now| {
        let made = bought(w, item)[0].0.number;
        w.komet.buyer_moves_po(made, to, now).unwrap();
        w.clear_faults();
    });
    link.sync_well().await;
    assert_eq!(link.act(|w, _| bought(w, item).len()), 2, "it was not to be found, and made again");
    link.let_pass(TimeDelta::minutes(61));
    link.sync_well().await;
    let left = link.act(|w, _| bought(w, item).iter().map(|(po, _)| po.ship_date).collect::<Vec<_>>());
    assert_eq!(left, [ordered_for]);
    let reads = link.komet_requests("purchase.order.list");
    link.sync_well().await;
    assert_eq!(link.komet_requests("purchase.order.list") - reads, 1, "they are looked at once");
    invariants(&link).await;
}

#[tokio::test]
async fn a_time_out_with_its_effect_is_adopted() {
    each_meets(Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Done }, 1, 1).await;
}

#[tokio::test]
async fn a_time_out_without_effect_is_sent_again_once() {
    each_meets(Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Never }, 1, 2).await;
}

/// The effect comes when stemsync has long believed in its absence and sent the request again.
async fn comes_too_late(answers: Answers, method: &str) {
    println!("--- {method} comes too late in {answers:?}");
    let link = link(answers).await;
    before(&link, method).await;
    link.inject(system_of(method), method, Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Late });
    link.sync().await;
    invariants(&link).await;
    link.act(World::release_delayed);
    link.sync().await;
    link.sync().await;
    assert!(link.holds().await.is_empty(), "{method}: {:?}", link.holds().await);
    invariants(&link).await;
}

#[tokio::test]
async fn an_effect_that_comes_too_late_is_cleared_away() {
    join_all(WRITES.map(|method| Box::pin(comes_too_late(Answers::Messy(7), method)))).await;
}

/// The effect comes after the client gave up, and before absence is believed.
async fn comes_late(answers: Answers, method: &str) {
    println!("--- {method} comes late in {answers:?}");
    let link = link(answers).await;
    before(&link, method).await;
    let already = sent(&link, method);
    link.inject(system_of(method), method, Fault::Hang { open_for: TIMEOUT * 4, effect: Effect::Late });
    let comes = async {
        // The client gives up after one time-out; absence counts after two.
        let given_up = |open: Vec<Intent>| open.iter().any(|intent| intent.decided_from.is_some());
        while !given_up(link.engine.store.read(intents::list).await.unwrap()) {
            tokio::time::sleep(TIMEOUT / 50).await;
        }
        link.act(World::release_delayed);
    };
    tokio::join!(comes, link.sync());
    assert_eq!(sent(&link, method) - already, 1, "{method}");
    invariants(&link).await;
}

#[tokio::test]
async fn an_effect_that_comes_late_is_adopted() {
    let late = WRITES.into_iter().filter(|m| *m != "POST orders/by-ref/{externalRef}/cancel");
    join_all(late.map(|method| Box::pin(comes_late(Answers::Plain, method)))).await;
}

#[tokio::test]
async fn a_buyers_change_of_a_po_that_was_not_read_back_yet_is_asked_about() {
    let link = link(Answers::Plain).await;
    let id = ordered(&link);
    link.inject(System::Komet, "purchase.order.create", Fault::AnswerLost);
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), Fault::Html(502)));
    link.sync().await;
    link.act(|w, now| {
        let po_line = bought(w, items_of(w, &id)[0].id)[0].1.id;
        w.komet.buyer_changes_line(po_line, Some(3), None, now).unwrap();
        w.clear_faults();
    });
    link.sync_well().await;
    assert_eq!(sent(&link, "purchase.order.create"), 1, "it is adopted");
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, Some("1".into()))]);
    invariants(&link).await;
}

/// The answer is lost and the read-back fails as well, after so many reads that the plan needs: the request stays in doubt,
/// others go on, the next run settles.
async fn read_back_fails(method: &str, read: &str, reads_before: u32) {
    println!("--- the read-back of {method} by {read} fails");
    let link = link(Answers::Plain).await;
    link.sync_well().await;
    before(&link, method).await;
    let already = sent(&link, method);
    link.inject(system_of(method), method, Fault::AnswerLost);
    link.act(|w, _| {
        w.inject(Target::next(system_of(method), read).after(reads_before).times(200), Fault::Html(502));
    });
    let other = link.act(|w, now| w.axerrio.customer_orders(order(link.day(9), vec![line(NOBBIO, 1)]), now));
    let report = link.sync().await;
    assert_eq!(report.outcome, Outcome::Failed);
    let open = link.engine.store.read(intents::count).await.unwrap();
    assert!(open >= 1, "{method} is in doubt");
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    assert_eq!(link.act(|w, _| items_of(w, &other)).len(), 1);
    let others = u64::from(method.starts_with("prebook.create") || method == "purchase.order.create");
    assert_eq!(sent(&link, method) - already, 1 + others, "{method} was not repeated");
    invariants(&link).await;
}

#[tokio::test]
async fn a_read_back_that_fails_leaves_the_request_in_doubt_until_the_next_run() {
    let pairs = [
        ("prebook.create", "prebook.details.list", 0),
        // What a rep did to the Prebook since is read before a line of it goes.
        ("prebook.item.delete", "prebook.details.list", 1),
        ("purchase.order.create", "purchase.order.list", 0),
        // A PO is read before a line of it goes.
        ("purchase.order.item.delete", "purchase.order.list", 1),
        ("PUT orders/by-ref/{externalRef}", "GET orders", 0),
    ];
    join_all(pairs.map(|(method, read, before)| Box::pin(read_back_fails(method, read, before)))).await;
}

/// Komet answers without ids, nothing can be read back, and meanwhile somebody deletes what was made.
#[tokio::test]
async fn what_was_answered_and_is_in_no_list_a_quarter_of_an_hour_later_is_asked_about() {
    let link = link(Answers::Messy(7)).await;
    link.sync_well().await;
    let id = ordered(&link);
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(200), Fault::Html(502)));
    link.sync().await;
    assert_eq!(link.komet_requests("prebook.create"), 1);
    link.act(|w, _| {
        w.clear_faults();
        let made = prebooks_of(w, &id)[0].id;
        w.komet.rep_deletes_prebook(made).unwrap();
    });
    link.sync_well().await;
    link.sync_well().await;
    assert_eq!(link.komet_requests("prebook.create"), 1, "a list may lag behind what was answered");
    assert_eq!(link.engine.store.read(intents::count).await.unwrap(), 1);
    link.let_pass(TimeDelta::minutes(16));
    link.sync().await;
    assert_eq!(link.engine.store.read(intents::count).await.unwrap(), 0);
    link.let_pass(TimeDelta::minutes(16));
    link.sync().await;
    assert_eq!(link.komet_requests("prebook.create"), 1, "it may stand where the token cannot see it");
    assert_eq!(link.held().await, [(HoldReason::EditedInKomet, None)]);
    link.decide(Verdict::TakeAxerrio).await;
    link.sync_well().await;
    assert_eq!(link.komet_requests("prebook.create"), 2);
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
}

/// The same of a PO, which a buyer takes away.
#[tokio::test]
async fn a_po_that_was_answered_and_does_not_show_is_asked_about() {
    let link = link(Answers::Messy(7)).await;
    link.sync_well().await;
    let id = ordered(&link);
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), Fault::Html(502)));
    link.sync().await;
    assert_eq!(link.komet_requests("purchase.order.create"), 1);
    link.act(|w, now| {
        w.clear_faults();
        let lines: Vec<u64> = items_of(w, &id).iter().map(|item| bought(w, item.id)[0].1.id).collect();
        lines.iter().try_for_each(|line| w.komet.buyer_changes_line(*line, Some(0), None, now)).unwrap();
    });
    for _ in 0..3 {
        link.let_pass(TimeDelta::minutes(16));
        link.sync().await;
    }
    assert_eq!(link.komet_requests("purchase.order.create"), 1, "nobody asked for another");
    let reason = HoldReason::EditedInKomet;
    assert_eq!(link.held().await, [(reason, Some("1".into())), (reason, Some("2".into()))]);
}

/// Somebody's PO of that day makes no sense, and may be the one that is looked for: Komet answers all the same.
#[tokio::test]
async fn an_order_in_doubt_for_an_unreadable_record_is_no_failure_of_komets() {
    let link = link(Answers::Plain).await;
    link.sync_well().await;
    let first = ordered(&link);
    let nonsense = Fault::Http {
        status: 200,
        body: r#"{"status": 1, "purchaseOrders": [{"number": {}}]}"#.to_owned(),
        headers: Vec::new(),
    };
    let hangs = Fault::Hang { open_for: TIMEOUT + Duration::from_secs(1), effect: Effect::Never };
    link.act(|w, _| {
        w.inject(Target::next(System::Komet, "purchase.order.create"), hangs);
        w.inject(Target::next(System::Komet, "purchase.order.list").times(200), nonsense);
    });
    let end = link.run(RunRequest::default()).await;
    assert!(end.failures.is_empty() && end.down.is_empty(), "{end:?}");
    assert_eq!(link.komet_requests("purchase.order.create"), 1, "it is not sent again");
    let told = end.report.jobs.iter().filter_map(|job| job.error.as_deref());
    assert!(told.into_iter().any(|error| error.contains("nothing more is sent for its order")), "{end:?}");
    // The daemon's runs leave that list alone for an hour.
    let read = link.komet_requests("purchase.order.list");
    for _ in 0..5 {
        let request = RunRequest { jobs: vec![Job::Orders], paced: true, ..RunRequest::default() };
        let end = link.run(request).await;
        assert!(end.failures.is_empty(), "{end:?}");
    }
    assert_eq!(link.komet_requests("purchase.order.list"), read);
    link.act(|w, _| w.clear_faults());
    link.let_pass(TimeDelta::minutes(61));
    link.sync().await;
    assert_eq!(link.act(|w, _| bought(w, items_of(w, &first)[0].id).len()), 1);
    link.sync_well().await;
    invariants(&link).await;
}

/// What was read for one of them was read for all that ship to the importer's customers on that day.
#[tokio::test]
async fn creates_in_doubt_of_one_truck_date_are_looked_for_there_together() {
    let mut reads = Vec::new();
    for orders in [2, 6] {
        let link = link(Answers::Plain).await;
        link.sync_well().await;
        let ids: Vec<String> = (0..orders).map(|_| ordered(&link)).collect();
        link.act(|w, _| {
            // Nothing was done, and Komet is done with them.
            let nonsense = Fault::Http { status: 200, body: "[]".to_owned(), headers: Vec::new() };
            w.inject(Target::next(System::Komet, "prebook.create").times(orders), nonsense);
        });
        let before = link.komet_requests("prebook.details.list");
        link.sync().await;
        reads.push(link.komet_requests("prebook.details.list") - before);
        assert!(link.act(|w, _| ids.iter().all(|id| prebooks_of(w, id).len() == 1)));
        link.sync_well().await;
        invariants(&link).await;
    }
    assert_eq!(reads[0], reads[1]);
}

/// Its number was answered, and asked for by that it makes no sense. A timer's runs are a process each.
#[tokio::test]
async fn an_own_po_that_makes_no_sense_is_left_for_an_hour_by_other_processes_too() {
    let rules = KometRules { create_tells_items: false, ..KometRules::default() };
    let mut link = Link::start(Setup { rules, ..Setup::default() }).await;
    link.sync_well().await;
    let first = ordered(&link);
    let body = r#"{"status": 1, "purchaseOrders": [{"number": {}}]}"#.to_owned();
    let nonsense = Fault::Http { status: 200, body, headers: Vec::new() };
    link.act(|w, _| w.inject(Target::next(System::Komet, "purchase.order.list").times(200), nonsense));
    link.run(RunRequest::default()).await;
    let read = link.komet_requests("purchase.order.list");
    assert!(read > 0);
    for (minutes, more) in [(5, 0), (50, 0), (6, 1), (5, 0)] {
        link.let_pass(TimeDelta::minutes(minutes));
        link.restart();
        let before = link.komet_requests("purchase.order.list");
        link.run(RunRequest { jobs: vec![Job::Orders], paced: true, ..RunRequest::default() }).await;
        assert_eq!(link.komet_requests("purchase.order.list") - before, more, "{minutes} minutes later");
    }
    link.act(|w, _| w.clear_faults());
    link.let_pass(TimeDelta::minutes(61));
    link.sync_well().await;
    assert_eq!(link.act(|w, _| bought(w, items_of(w, &first)[0].id).len()), 1);
    invariants(&link).await;
}

#[tokio::test]
async fn an_order_in_doubt_holds_up_no_other() {
    let link = link(Answers::Plain).await;
    link.sync_well().await;
    let first = ordered(&link);
    link.inject(System::Komet, "prebook.create", Fault::AnswerLost);
    link.act(|w, _| w.inject(Target::next(System::Komet, "prebook.details.list").times(200), Fault::Html(502)));
    link.sync().await;
    let second = link.act(|w, now| w.axerrio.customer_orders(order(link.day(9), vec![line(NOBBIO, 1)]), now));
    link.sync().await;
    link.act(|w, _| {
        assert_eq!(bought(w, items_of(w, &second)[0].id).len(), 1);
        assert!(items_of(w, &first).iter().all(|i| bought(w, i.id).is_empty()));
    });
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    invariants(&link).await;
}

#[tokio::test]
async fn a_create_is_found_again_where_komet_ignores_the_ship_date() {
    for answers in BOTH {
        println!("--- {answers:?}");
        let rules = KometRules { keep_vendor_ship_date: false, ..KometRules::default() };
        let link = Link::start(Setup { answers, rules, ..Setup::default() }).await;
        // The truck leaves in another window than the vendor ships.
        let mut draft = order(link.day(3), vec![line(FREEDOM, 4), line(MONDIAL, 2)]);
        draft.truck_date = Some(link.day(13));
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.inject(System::Komet, "prebook.create", Fault::AnswerLost);
        link.sync_well().await;
        assert_eq!(link.komet_requests("prebook.create"), 1);
        link.act(|w, _| {
            let items = items_of(w, &id);
            assert!(items.iter().all(|i| bought(w, i.id).len() == 1));
        });
        link.sync_well().await;
        let writes = link.writes();
        link.sync_well().await;
        assert_eq!(link.writes(), writes);
        assert_eq!(link.holds().await, []);
    }
}

#[tokio::test]
async fn a_spent_quota_stops_komet_and_axerrio_goes_on() {
    for limit_is_429 in [false, true] {
        for answers in BOTH {
            let link = link(answers).await;
            let id = ordered(&link);
            let used = link.act(|w, now| w.komet.quota_used(now));
            // The windows are read and one Prebook is made; then it is over.
            let windows = u64::try_from(link.engine.windows().count()).unwrap();
            link.act(|w, _| {
                w.komet.rules.limit_is_429 = limit_is_429;
                w.komet.rules.daily_limit = Some(used + windows + 1);
            });
            let end = link.run(RunRequest::default()).await;
            assert!(end.quota_spent(), "{:?}", end.down);
            let asked = link.act(|w, _| w.requests().of(System::Komet));
            // The write that is refused, and the read that shows that it is not the write's own.
            assert!(asked <= used + windows + 3, "nothing more is sent to Komet: {asked}");
            let later =
                link.act(|w, now| w.axerrio.customer_orders(order(link.day(9), vec![line(NOBBIO, 1)]), now));
            link.sync().await;
            assert_eq!(link.order(&later).await.name(), later, "Axerrio is polled all the same");
            link.act(|w, _| w.komet.rules.daily_limit = None);
            link.sync_well().await;
            link.sync_well().await;
            assert_eq!(link.act(|w, _| (items_of(w, &id).len(), items_of(w, &later).len())), (2, 1));
            invariants(&link).await;
        }
    }
}

#[tokio::test]
async fn a_refused_token_stops_its_system_and_is_told() {
    for answers in BOTH {
        let link = link(answers).await;
        let id = ordered(&link);
        let right = Tokens {
            vendor: link.sandbox.komet_token().into(),
            company: None,
            axerrio: link.sandbox.axerrio_token().into(),
        };
        link.act(|w, _| w.set_tokens(Tokens { vendor: "another".into(), ..right.clone() }));
        let end = link.run(RunRequest::default()).await;
        assert_eq!(end.down.len(), 1);
        assert!(matches!(end.down[0].fault, SystemFault::Unauthorized(_)), "{:?}", end.down);
        assert_eq!(link.writes(), 0);
        assert!(!format!("{end:?}").contains(link.sandbox.komet_token()));
        link.act(|w, _| w.set_tokens(Tokens { axerrio: "another".into(), ..right.clone() }));
        let end = link.run(RunRequest::default()).await;
        assert_eq!(end.down.iter().map(|e| e.system).collect::<Vec<_>>(), [System::Axerrio]);
        link.act(|w, _| w.set_tokens(right));
        link.sync_well().await;
        assert_eq!(link.act(|w, _| items_of(w, &id)).len(), 2);
        invariants(&link).await;
    }
}

/// What its words say of authority concerns what it asks for.
#[tokio::test]
async fn a_request_that_komet_does_not_authorize_holds_up_no_other_order() {
    let link = link(Answers::Plain).await;
    let other = approved(&link).await;
    link.act(|w, now| print_all(w, &other, now));
    let refusal = Fault::Http {
        status: 200,
        body: r#"{"status": 0, "message": "Vendor is not authorized to sell this product"}"#.to_owned(),
        headers: Vec::new(),
    };
    let rep = prebook(link.day(5), vec![item(FREEDOM, 4, link.day(3))]);
    link.act(|w, now| {
        w.komet.rep_creates_prebook(&rep, now).unwrap();
        w.axerrio.customer_orders(order(link.day(4), vec![line(NOBBIO, 1)]), now);
        w.inject(Target::next(System::Komet, "prebook.create").times(99), refusal);
    });
    let end = link.run(RunRequest::default()).await;
    assert_eq!((end.down.len(), end.failures.len()), (0, 0), "{end:?}");
    assert!(link.held().await.iter().all(|(reason, _)| *reason == HoldReason::RejectedByKomet));
    assert_eq!(link.act(|w, _| w.axerrio.orders().filter(|o| o.external_ref.is_some()).count()), 1);
    let line = link.act(|w, _| bought(w, items_of(w, &other)[0].id)[0].1.clone());
    assert!(!line.boxes.is_empty(), "labels go on");
}

#[tokio::test]
async fn a_list_that_fails_once_is_read_again_and_one_that_keeps_failing_stops_its_job() {
    let link = link(Answers::Plain).await;
    let id = ordered(&link);
    for (method, fault) in [
        ("prebook.details.list", Fault::Html(503)),
        ("prebook.details.list", Fault::Truncated),
        ("carrier.list", Fault::RefusedBefore),
    ] {
        link.inject(System::Komet, method, fault);
    }
    link.inject(System::Axerrio, "GET orders", Fault::NotJson);
    link.sync_well().await;
    link.act(|w, now| {
        approve_all(w, now);
        w.inject(Target::next(System::Komet, "purchase.order.list").times(100), Fault::Html(503));
        print_all(w, &id, now);
    });
    let report = link.sync().await;
    let failed: Vec<_> = report.jobs.iter().filter(|j| j.error.is_some()).map(|j| j.job).collect();
    assert_eq!(failed, [Job::PurchaseOrders]);
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    invariants(&link).await;
}

/// The Never list: nothing is sent twice on a guess. What cannot be read may be what is looked for.
#[tokio::test]
async fn a_list_with_a_record_that_cannot_be_read_proves_no_absence() {
    let link = Link::hasty().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    let po =
        serde_json::json!({"id": 1, "number": "9", "status": "Draft", "shipDate": link.day(3), "details": []});
    let body = serde_json::json!({"status": 1, "purchaseOrders": [po]}).to_string();
    link.inject(System::Komet, "purchase.order.create", Fault::AnswerLost);
    link.act(|w, _| {
        let fault = Fault::Http { status: 200, body, headers: Vec::new() };
        w.inject(Target::next(System::Komet, "purchase.order.list").times(99), fault);
    });
    for _ in 0..2 {
        let report = link.sync().await;
        assert_eq!(link.komet_requests("purchase.order.create"), 1, "it is not sent again");
        let errors: Vec<_> = report.jobs.iter().filter_map(|job| job.error.as_deref()).collect();
        assert!(errors.iter().any(|error| error.contains("nothing more is sent for its order")), "{errors:?}");
    }
    link.act(|w, _| w.clear_faults());
    link.sync_well().await;
    assert_eq!(link.komet_requests("purchase.order.create"), 1);
    assert_eq!(link.act(|w, _| bought(w, items_of(w, &id)[0].id).len()), 1);
    invariants(&link).await;
}

/// Komet's answer names the second of two Prebooks, and no items.
#[tokio::test]
async fn a_prebook_that_was_made_twice_is_settled_at_once_whichever_was_answered() {
    let rules = KometRules { create_tells_items: false, ..KometRules::default() };
    let link = Link::start(Setup { rules, ..Setup::default() }).await;
    let id = ordered(&link);
    link.inject(System::Komet, "prebook.create", Fault::DeliveredTwice);
    link.sync_well().await;
    link.sync_well().await;
    let items = link.act(|w, _| items_of(w, &id));
    assert_eq!(items.len(), 2, "of each line's two items one went");
    for item in items {
        assert_eq!(link.act(|w, _| bought(w, item.id).len()), 1);
    }
    assert_eq!(link.holds().await, []);
    invariants(&link).await;
}

/// Each of an order's lines is one part of the request, and what was sent is known of all of them.
#[tokio::test]
async fn what_changes_on_a_label_after_a_shipment_of_several_lines_that_was_not_answered_is_held() {
    for answers in BOTH {
        let link = link(answers).await;
        let id = approved(&link).await;
        link.act(|w, now| {
            print_all(w, &id, now);
            w.inject(Target::next(System::Komet, "purchase.order.items.awb.add"), Fault::AnswerLost);
            // Nor does the read-back of this run come through.
            w.inject(Target::next(System::Komet, "purchase.order.list").times(99), Fault::RefusedBefore);
        });
        link.sync().await;
        link.act(|w, now| {
            w.clear_faults();
            for line in ["1", "2"] {
                let labels = current_labels(w, &id);
                let label = labels.iter().find(|label| label.line_id == line).unwrap();
                let lot = label.lot_number.as_deref();
                w.axerrio.vendor_corrects_label(&label.id, Some("145-12345675"), None, lot, now).unwrap();
            }
        });
        link.sync().await;
        link.sync().await;
        let held = ["1", "2"].map(|line| (HoldReason::LabelChangedAfterShipping, Some(line.to_owned())));
        assert_eq!(link.held().await, held);
    }
}

const PREBOOKS: &str = "prebook.details.list";

/// Komet's next answers to this are too long to be read, once so many others were.
fn answers_at_length(link: &Link, method: &str, after: i64, times: u32) {
    let too_long = Fault::Http { status: 200, body: " ".repeat(33 << 20), headers: Vec::new() };
    let target = Target::next(System::Komet, method).after(u32::try_from(after).unwrap()).times(times);
    link.act(|w, _| w.inject(target, too_long));
}

fn orders_on(link: &Link, days: &[i64]) -> Vec<String> {
    let place = |day: &i64| {
        let draft = order(link.day(*day), vec![line(FREEDOM, 2)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now))
    };
    days.iter().map(place).collect()
}

#[tokio::test]
async fn a_window_too_long_for_one_answer_is_read_in_halves() {
    let link = link(Answers::Plain).await;
    let ids = orders_on(&link, &[3, 10]);
    answers_at_length(&link, PREBOOKS, 0, 2);
    let report = link.sync_jobs(&[Job::Orders]).await;
    assert_eq!(report.jobs[0].error, None);
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    assert_eq!(link.komet_requests(PREBOOKS), windows + 4, "seven dates, four of them, twice two, and three");
    assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
    link.sync_well().await;
    invariants(&link).await;
}

/// A Company token may see so many of other vendors.
#[tokio::test]
async fn a_date_too_long_to_be_read_is_told_and_holds_up_no_order_of_another_window() {
    let link = link(Answers::Plain).await;
    let ids = orders_on(&link, &[3, 10]);
    let window = window_of(link.day(3));
    answers_at_length(&link, PREBOOKS, window - link.engine.windows().start(), 4);
    let report = link.sync_jobs(&[Job::Orders]).await;
    let told = report.jobs[0].error.clone().unwrap();
    let (first, last) = dates_of(window);
    assert!(told.contains(&format!("Komet's Prebooks of ship date {first} cannot be read")), "{told}");
    assert!(
        told.contains(&format!("ship from {first} to {last} wait")) && told.contains("Vendor token"),
        "{told}"
    );
    assert_eq!(report.jobs[0].outcome, Outcome::Attention);
    assert_eq!(link.act(|w, _| ids.iter().map(|id| items_of(w, id).len()).collect::<Vec<_>>()), [0, 1]);
    link.let_pass(TimeDelta::minutes(1));
    link.sync_well().await;
    assert!(link.act(|w, _| ids.iter().all(|id| items_of(w, id).len() == 1)));
    invariants(&link).await;
}

#[tokio::test]
async fn pos_too_long_to_be_read_hide_no_approval_on_another_date() {
    let link = link(Answers::Plain).await;
    let ids = orders_on(&link, &[3, 4]);
    link.sync_well().await;
    link.act(approve_all);
    answers_at_length(&link, "purchase.order.list", 0, 1);
    let report = link.sync_jobs(&[Job::PurchaseOrders]).await;
    let told = report.jobs[0].error.clone().unwrap();
    assert!(told.contains(&format!("Komet's POs of ship date {} cannot be read", link.day(3))), "{told}");
    let is_told = |id: &String| link.act(|w, _| w.axerrio.order(id).unwrap().purchase_order.is_some());
    assert_eq!(ids.iter().map(is_told).collect::<Vec<_>>(), [false, true]);
    link.let_pass(TimeDelta::minutes(1));
    link.sync_well().await;
    assert!(ids.iter().all(is_told));
    invariants(&link).await;
}
