//! Where both systems agree nothing is reported, whatever they went through.

use stemsync::sandbox::Answers;
use stemsync::sync::engine::Settings;

use crate::link::Link;
use crate::played::{Played, Upto, told};

const NOTHING: Vec<String> = Vec::new();

async fn agrees_throughout(answers: Answers) {
    for upto in [Upto::Ordered, Upto::Approved, Upto::Labelled, Upto::Received] {
        let played = Played::week(answers, upto).await;
        let report = played.audit().await;
        assert_eq!(told(&report.differences), NOTHING, "{upto:?}");
        assert_eq!(told(&report.agreed_to_differ), NOTHING, "{upto:?}");
        assert_eq!(report.checked, played.orders_on_file().await, "{upto:?}");
    }
}

#[tokio::test]
async fn a_week_agrees_at_every_stage_in_plain_answers() {
    agrees_throughout(Answers::Plain).await;
}

#[tokio::test]
async fn a_week_agrees_at_every_stage_in_messy_answers() {
    agrees_throughout(Answers::Messy(11)).await;
}

#[tokio::test]
async fn a_lost_database_is_no_difference() {
    for (answers, upto) in [
        (Answers::Plain, Upto::Ordered),
        (Answers::Plain, Upto::Approved),
        (Answers::Messy(3), Upto::Labelled),
        (Answers::Plain, Upto::Received),
    ] {
        let mut played = Played::week(answers, upto).await;
        played.link.lose_database();
        let report = played.audit().await;
        assert_eq!(told(&report.differences), NOTHING, "{upto:?}");
        assert!(report.checked > 10);
        assert_eq!(played.orders_on_file().await, 0, "an audit leaves the database as it was");
    }
}

#[tokio::test]
async fn orders_that_were_never_pushed_are_differences() {
    let link = Link::with(Answers::Plain, Settings::default()).await;
    let today = link.today();
    link.act(|w, now| link.scenario.place_week(w, today, now)).unwrap();
    let report = link.engine.audit().await.unwrap();
    assert!(report.differences.iter().all(|d| d.field == "order" && d.line.is_none()), "{report:?}");
    assert_eq!(report.differences.len() as u64, report.checked);
}

#[tokio::test]
async fn an_audit_writes_nothing_but_counts_its_requests() {
    let played = Played::week(Answers::Plain, Upto::Received).await;
    let writes = played.link.writes();
    let before = played.link.engine.komet.requests_made();
    let runs = rows(&played, "SELECT count(*) FROM runs").await;
    let used = rows(&played, "SELECT sum(used) FROM quota").await;
    let dirty = rows(&played, "SELECT count(*) FROM orders WHERE dirty").await;
    played.audit().await;
    let made = played.link.engine.komet.requests_made() - before;
    assert_eq!(played.link.writes(), writes);
    assert_eq!(rows(&played, "SELECT count(*) FROM runs").await, runs);
    assert_eq!(rows(&played, "SELECT count(*) FROM orders WHERE dirty").await, dirty);
    assert_eq!(rows(&played, "SELECT sum(used) FROM quota").await, used + made);
}

async fn rows(played: &Played, sql: &'static str) -> i64 {
    played.link.engine.store.read(move |conn| Ok(conn.query_row(sql, [], |row| row.get(0))?)).await.unwrap()
}

trait Made {
    fn requests_made(&self) -> i64;
}

impl<K: stemsync::systems::Komet> Made for K {
    fn requests_made(&self) -> i64 {
        i64::try_from(self.requests()).unwrap()
    }
}
