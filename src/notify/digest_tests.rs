//! What people read, as they read it.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;

use super::*;
use crate::domain::LineId;
use crate::notify::what::{Cause, DatabaseCause};
use crate::sync::report::Job;
use crate::systems::System;

fn at(minute: i64) -> DateTime<Utc> {
    "2026-02-02T15:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

fn origin() -> Origin {
    let command = "stemsync".to_owned();
    Origin { host: "vm1".to_owned(), link: None, command, zone: Zone::default() }
}

fn hold(id: i64, reason: HoldReason, order: &str, day: u32) -> HoldRow {
    HoldRow {
        id,
        order_key: None,
        order: Some(order.to_owned()),
        reason,
        line: Some(LineId("2".to_owned())),
        cause: "Bloom & Bough pays 0.55".to_owned(),
        detail: "Bloom & Bough Wholesale, 12 Rose Lane, pays 0.55 a stem".to_owned(),
        since: at(0),
        ship_date: chrono::NaiveDate::from_ymd_opt(2026, 2, day),
        covers: Vec::new(),
    }
}

fn row(id: i64, minute: i64, notice: Notice) -> NoticeRow {
    NoticeRow { id, at: at(minute), notice }
}

fn message(notices: Vec<NoticeRow>, holds: Vec<HoldRow>) -> Message {
    compose(&origin(), &News { notices, holds }).unwrap()
}

#[test]
fn one_hold_says_which_order_why_and_what_to_do() {
    let notices = vec![row(1, 0, Notice::Holds { after: 11, last: 12 })];
    let message = message(notices, vec![hold(12, HoldReason::EditedInKomet, "AX-100234", 3)]);
    assert_eq!(
        message.text(),
        "stemsync vm1: order AX-100234 waits for a person\n\
         Hold 12, order AX-100234, line 2, ships 2026-02-03: somebody changed in Komet what Axerrio owns. To do: \
         `stemsync holds release 12 --take axerrio` or `--take komet`. `stemsync holds` says more."
    );
    assert_eq!(message.fields["holds"]["first"][0]["reason"], "edited_in_komet");
    assert_eq!(message.fields["holds"]["first"][0]["ship_date"], "2026-02-03");
}

#[test]
fn what_a_hold_quotes_of_customers_and_prices_is_not_passed_on() {
    let holds = (1..=9).map(|n| hold(n, HoldReason::RejectedByKomet, "AX-1", 3)).collect::<Vec<_>>();
    for holds in [holds[..1].to_vec(), holds] {
        let message = message(vec![row(1, 0, Notice::Holds { after: 0, last: 9 })], holds);
        let all = format!("{}{}", message.text(), message.fields);
        assert!(!["Bloom", "Rose Lane", "0.55"].iter().any(|private| all.contains(private)), "{all}");
    }
}

#[test]
fn many_holds_become_a_digest() {
    let mut holds: Vec<_> = (1..=8)
        .map(|n| hold(n, HoldReason::UnmappedProduct, &format!("AX-{n}"), 3 + u32::try_from(n).unwrap()))
        .collect();
    holds.push(hold(9, HoldReason::VoidLabel, "AX-9", 20));
    let message = message(vec![row(1, 0, Notice::Holds { after: 0, last: 9 })], holds);
    assert_eq!(
        message.text(),
        "stemsync vm1: 9 holds wait for a person\n\
         9 holds are new:\n\
         - 8 unmapped_product: Komet does not know a product\n\
         - 1 void_label: a label was withdrawn after its box had shipped\n\
         The most urgent:\n\
         - order AX-1, line 2, ships 2026-02-04, unmapped_product\n\
         - order AX-2, line 2, ships 2026-02-05, unmapped_product\n\
         - order AX-3, line 2, ships 2026-02-06, unmapped_product\n\
         - order AX-4, line 2, ships 2026-02-07, unmapped_product\n\
         - order AX-5, line 2, ships 2026-02-08, unmapped_product\n\
         All of them, with what to do: `stemsync holds`"
    );
    assert_eq!(message.fields["holds"]["new"], 9);
    assert_eq!(message.fields["holds"]["by_reason"], json!({"unmapped_product": 8, "void_label": 1}));
}

#[test]
fn the_worst_stands_in_the_subject_and_times_are_the_links() {
    let down = Notice::SystemDown { system: System::Axerrio, since: at(0), cause: Cause::TimedOut };
    let failing = Notice::JobFailing { job: Job::Labels, since: at(2), cause: Some(Cause::TimedOut) };
    let message = message(
        vec![row(1, 8, failing), row(2, 16, down)],
        vec![hold(3, HoldReason::TooManyCancellations, "AX-1", 3)],
    );
    assert_eq!(message.subject, "stemsync vm1: Axerrio is down, and 2 more");
    assert_eq!(
        message.lines[0],
        "The job labels failed three times in a row, first at 2026-02-02 10:02 EST (Axerrio does not answer in time). \
         It is tried again on its schedule. `stemsync history --job labels` says more."
    );
    assert_eq!(
        message.lines[1],
        "Axerrio has been down since 2026-02-02 10:00 EST: Axerrio does not answer in time. Nothing is lost; stemsync \
         goes on by itself when it answers. `stemsync check` says more."
    );
    assert_eq!(message.fields["events"][1]["cause"], "timed_out");
    assert_eq!(message.fields["events"][1]["at"], "2026-02-02T15:16:00Z");
}

#[test]
fn recoveries_say_how_long_it_lasted_and_the_quota_until_when() {
    let message = message(
        vec![
            row(1, 0, Notice::QuotaSpent { limit: 1000, resets_at: at(540) }),
            row(2, 47, Notice::SystemRecovered { system: System::Komet, since: at(0) }),
            row(3, 600, Notice::JobRecovered { job: Job::PurchaseOrders, since: at(0) }),
        ],
        Vec::new(),
    );
    assert_eq!(message.subject, "stemsync vm1: Komet's quota of the day is spent, and 2 more");
    assert!(message.lines[0].contains("1000 requests a day") && message.lines[0].contains("2026-02-02 19:00 EST"));
    assert_eq!(message.lines[1], "Komet answers again; it was down for 47 min.");
    assert_eq!(message.lines[2], "The job purchase-orders is well again; it had failed for 10 h.");
}

#[test]
fn nothing_is_said_where_nothing_is_left_to_tell() {
    let notices = vec![row(1, 0, Notice::Holds { after: 0, last: 9 })];
    assert!(compose(&origin(), &News { notices, holds: Vec::new() }).is_none());
}

#[test]
fn a_link_among_several_is_named() {
    let command = "stemsync -c /etc/stemsync/acme.toml".to_owned();
    let origin = Origin { link: Some("acme".to_owned()), command, ..origin() };
    let notices = vec![row(7, 0, Notice::SystemRecovered { system: System::Komet, since: at(0) })];
    let message = compose(&origin, &News { notices, holds: Vec::new() }).unwrap();
    assert_eq!(message.subject, "stemsync acme on vm1: Komet answers again");
    assert_eq!(message.key, format!("7.{}", at(0).timestamp()));
    let holds = vec![hold(12, HoldReason::EditedInKomet, "AX-1", 3)];
    let text = compose(&origin, &News { notices: Vec::new(), holds }).unwrap().text();
    assert!(text.contains("`stemsync -c /etc/stemsync/acme.toml holds release 12 --take axerrio`"), "{text}");
}

#[test]
fn what_is_over_by_the_time_it_is_told_is_not_what_is_the_matter() {
    let since = at(0);
    let down = |system| Notice::SystemDown { system, since, cause: Cause::Server };
    let back = |system| Notice::SystemRecovered { system, since };
    let told = |notices: &[Notice]| {
        let rows = (1..).zip(notices).map(|(n, notice)| row(n, n, notice.clone())).collect();
        let message = message(rows, Vec::new());
        assert_eq!(message.lines.len(), notices.len(), "all of it is told");
        message.subject
    };
    let (axerrio, komet) = (System::Axerrio, System::Komet);
    assert_eq!(told(&[down(axerrio), back(axerrio)]), "stemsync vm1: Axerrio answers again");
    assert_eq!(told(&[down(axerrio), back(komet)]), "stemsync vm1: Axerrio is down, and 1 more");
    assert_eq!(told(&[back(axerrio), down(axerrio)]), "stemsync vm1: Axerrio is down, and 1 more");
}

#[test]
fn a_database_that_cannot_be_used_says_what_follows_and_what_to_do() {
    for (cause, why, to_do) in [
        (DatabaseCause::Full, "the disk is full", "make room"),
        (DatabaseCause::Locked, "another process keeps it locked", "end that process"),
        (DatabaseCause::Disk, "the disk cannot be read or written", "see that the disk is sound"),
    ] {
        let text = message(vec![row(0, 15, Notice::DatabaseFailing { since: at(0), cause })], Vec::new()).text();
        assert!(text.starts_with("stemsync vm1: the database cannot be used\n"), "{text}");
        assert!(text.contains(&format!("since 2026-02-02 10:00 EST: {why}. Until it can, no job runs")), "{text}");
        assert!(text.contains(&format!("To do: {to_do}")), "{text}");
    }
    let text = message(vec![row(0, 40, Notice::DatabaseRecovered { since: at(0) })], Vec::new()).text();
    assert!(text.ends_with("can use its database again; it could not for 40 min. Its jobs go on."), "{text}");
}
