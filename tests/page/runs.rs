//! Past runs, and one in detail.

use chrono::{DateTime, TimeDelta, Utc};
use stemsync::store::events::{self, Event};
use stemsync::store::runs;
use stemsync::sync::report::*;
use stemsync::systems::{Fault, System, SystemError};

use crate::house::House;

fn report(id: &str, at: DateTime<Utc>, job: Job, changed: u64, error: Option<&str>) -> RunReport {
    let job = JobReport {
        job,
        outcome: if error.is_some() { Outcome::Failed } else { Outcome::Ok },
        polled: changed,
        changed,
        pushed: changed,
        held: 0,
        failed: 0,
        requests: Requests { axerrio: 1, komet: 2 },
        watermark: WatermarkMove::default(),
        error: error.map(str::to_owned),
    };
    RunReport {
        run: id.to_owned(),
        dry_run: false,
        outcome: job.outcome,
        started_at: at,
        finished_at: at + TimeDelta::milliseconds(1500),
        jobs: vec![job],
        actions: Vec::new(),
        quota: QuotaReport { limit: 1000, used: 12, resets_at: at },
    }
}

#[tokio::test]
async fn history_is_paged_filtered_and_one_run_is_told_in_detail() {
    let house = House::new().await;
    house
        .store
        .write(|conn| {
            let began = Utc::now() - TimeDelta::hours(10);
            for n in 0..120 {
                let at = began + TimeDelta::minutes(n);
                let job = if n % 2 == 0 { Job::Orders } else { Job::Labels };
                let error = (n == 119).then_some("Axerrio answered <script>alert(1)</script> for Jane Roe");
                let report = report(&format!("RUN{n:04}"), at, job, u64::try_from(n).unwrap(), error);
                runs::begin(conn, &report.run, "schedule", at)?;
                runs::finish(conn, &report, false)?;
            }
            let event = Event {
                order: None,
                run: Some("RUN0119".to_owned()),
                at: began,
                system: Some(System::Komet),
                what: "prebook.create".to_owned(),
                detail: "prebook 85063 <script>".to_owned(),
                result: Some(ActionResult::Done),
            };
            events::add(conn, &event)
        })
        .await
        .unwrap();
    let mut guest = house.guest();
    let first = guest.get("/runs").await.body;
    assert!(
        first.contains("Page 1 of 3") && first.contains("/runs/RUN0119") && !first.contains("/runs/RUN0069"),
        "{first}"
    );
    assert!(first.contains("The last 60 runs") && first.contains("1.5 s"));
    let last = guest.get("/runs?page=3").await.body;
    assert!(last.contains("/runs/RUN0000") && last.contains("Page 3 of 3"));
    let labels = guest.get("/runs?job=labels&page=2").await.body;
    assert!(labels.contains("/runs/RUN0001") && !labels.contains("/runs/RUN0000"), "{labels}");
    assert!(labels.contains("/runs?page=1&amp;job=labels"));

    let detail = guest.get("/runs/RUN0119").await.body;
    assert!(detail.contains("into Prebook") && detail.contains("12 of 1,000"), "{detail}");
    assert!(
        !detail.contains("85063") && !detail.contains("Jane Roe"),
        "what came from outside is for who is logged in"
    );
    let detail = house.admin().await.get("/runs/RUN0119").await.body;
    assert!(
        detail.contains("prebook 85063 &lt;script&gt;")
            && detail.contains("Jane Roe")
            && !detail.contains("<script>")
    );
    assert!(guest.get("/runs/latest").await.body.contains("RUN0119"));

    for (path, status) in [
        ("/runs/NONE", 404),
        ("/runs?job=nonsense", 400),
        ("/runs?page=999999999", 200),
        ("/runs?page=-1", 400),
        ("/runs?page=0", 200),
        ("/runs/%00%ff", 400),
        ("/runs/'%20OR%201=1", 404),
    ] {
        assert_eq!(guest.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_failed_run_says_in_the_list_why_and_to_a_guest_no_more_than_that() {
    let house = House::new().await;
    house
        .store
        .write(|conn| {
            let began = Utc::now() - TimeDelta::hours(1);
            let of =
                |fault| SystemError { system: System::Komet, method: "prebook.details.list", fault }.to_string();
            let spent = of(Fault::QuotaSpent("Larkspur has none left".to_owned()));
            let away = of(Fault::Unreachable("Larkspur's proxy".to_owned()));
            for (n, changed, error) in [
                (0, 0, Some(spent.as_str())),
                (1, 3, Some(away.as_str())),
                (2, 0, Some("stopped by a signal")),
                (3, 0, Some("Larkspur")),
                (4, 0, None),
            ] {
                let report =
                    report(&format!("RUN{n}"), began + TimeDelta::minutes(n), Job::Prebooks, changed, error);
                runs::begin(conn, &report.run, "schedule", report.started_at)?;
                runs::finish(conn, &report, false)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let list = house.guest().get("/runs").await;
    list.says("failed Komet's quota is spent 3")
        .says("failed 3 changed, 3 pushed, Komet cannot be reached 3")
        .says("failed stopped by a signal 3")
        .says("failed not done 3")
        .says("ok nothing new 3")
        .keeps_quiet_of("Larkspur");
    let one = house.guest().get("/runs/RUN0").await;
    one.says("prebooks: Komet's quota is spent.").keeps_quiet_of("Larkspur");
    house.admin().await.get("/runs/RUN0").await.says("Larkspur has none left");
}
