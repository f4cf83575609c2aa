//! What programs read, and what is made for them in data/.

use std::collections::BTreeSet;

use chrono::Utc;
use stemsync::domain::*;
use stemsync::notify::what::DatabaseCause;
use stemsync::store::holds;
use stemsync::store::orders::{self, NewOrder};

use crate::house::House;

/// The names of all families, with their kinds; checks the format on the way.
fn families(text: &str) -> Vec<(String, String)> {
    let mut families: Vec<(String, String)> = Vec::new();
    let mut samples = BTreeSet::new();
    let mut helped = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(help.ends_with('.') && help.len() > 10, "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(helped.as_deref(), Some(name), "help and type stand together");
            assert!(["gauge", "counter", "summary"].contains(&kind), "{line}");
            assert!(families.iter().all(|(known, _)| known != name), "{name} twice");
            families.push((name.to_owned(), kind.to_owned()));
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            assert!(samples.insert(series.to_owned()), "{series} twice");
            let name = series.split('{').next().unwrap();
            let (family, _) = families.last().unwrap();
            assert!(
                name == family || [format!("{family}_sum"), format!("{family}_count")].contains(&name.to_owned()),
                "{line}"
            );
        }
    }
    families
}

#[tokio::test]
async fn metrics_follow_the_conventions_and_name_no_customer() {
    let house = House::new().await;
    house
        .store
        .write(|conn| {
            let new = NewOrder {
                flow: Flow::FromAxerrio,
                ax_id: Some(AxOrderId("AX-JANE-ROE".to_owned())),
                reference: None,
                prebook: None,
                ship_date: Utc::now().date_naive(),
            };
            let key = orders::insert(conn, &new)?;
            let hold = Hold {
                reason: HoldReason::RejectedByKomet,
                line: None,
                cause: "x".to_owned(),
                detail: "Jane Roe's order".to_owned(),
            };
            holds::sync_order(conn, key, &[hold], Utc::now()).map(drop)
        })
        .await
        .unwrap();
    let answer = house.guest().get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(!answer.body.to_lowercase().contains("jane"), "{}", answer.body);
    for (name, kind) in families(&answer.body) {
        assert!(name.starts_with("stemsync_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        for unit in ["minutes", "milliseconds", "_ms", "_kb", "percent"] {
            assert!(!name.contains(unit), "{name}: base units only");
        }
    }
    for line in [
        "stemsync_healthy 0",
        "stemsync_holds{reason=\"rejected_by_komet\"} 1",
        "stemsync_holds{reason=\"unmapped_product\"} 0",
        "stemsync_orders{stage=\"placed\"} 1",
        "stemsync_runs_total{outcome=\"ok\"} 0",
        "stemsync_quota_limit_requests 1000",
    ] {
        assert!(answer.body.lines().any(|one| one == line), "{line} in {}", answer.body);
    }
}

#[tokio::test]
async fn ready_is_what_status_calls_healthy_and_alive_is_less() {
    let house = House::new().await;
    let (ready, alive) = (house.guest().get("/readyz").await, house.guest().get("/healthz").await);
    assert_eq!((ready.status, alive.status), (200, 200));
    assert_eq!(ready.body, "Healthy: nothing waits for a person, nothing failed.\n");
    house
        .store
        .write(|conn| {
            let new = NewOrder {
                flow: Flow::FromAxerrio,
                ax_id: None,
                reference: None,
                prebook: None,
                ship_date: Utc::now().date_naive(),
            };
            let hold =
                Hold { reason: HoldReason::VoidLabel, line: None, cause: String::new(), detail: String::new() };
            let key = orders::insert(conn, &new)?;
            holds::sync_order(conn, key, &[hold], Utc::now()).map(drop)
        })
        .await
        .unwrap();
    let (ready, alive) = (house.guest().get("/readyz").await, house.guest().get("/healthz").await);
    assert_eq!((ready.status, alive.status), (503, 200));
    assert_eq!(ready.body, "Needs a look: 1 held.\n");
}

/// Every metric that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("stemsync_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn alerts_and_dashboard_name_only_what_is_exported() {
    let house = House::new().await;
    let text = house.guest().get("/metrics").await.body;
    let exported = named(&text);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let rules = std::fs::read_to_string(root.join("stemsync.rules.yml")).unwrap();
    let dashboard = std::fs::read_to_string(root.join("stemsync.dashboard.json")).unwrap();

    let rules_of: serde_json::Value = serde_yaml_ng::from_str(&rules).unwrap();
    let rules_of = rules_of["groups"][0]["rules"].as_array().unwrap();
    assert!(rules_of.len() >= 6);
    for rule in rules_of {
        let name = rule["alert"].as_str().unwrap();
        assert!(!named(rule["expr"].as_str().unwrap()).is_empty() || name == "StemsyncDown", "{name}");
        assert!(rule["labels"]["severity"].is_string() && rule["annotations"]["summary"].is_string(), "{name}");
        assert!(rule["annotations"]["description"].as_str().unwrap().contains('`'), "{name} says what to do");
    }
    let board: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = board["panels"].as_array().unwrap();
    assert!(panels.len() >= 8);
    let mut asked = BTreeSet::new();
    for panel in panels {
        for target in panel["targets"].as_array().unwrap() {
            asked.extend(named(target["expr"].as_str().unwrap()));
        }
    }
    asked.extend(rules_of.iter().flat_map(|rule| named(rule["expr"].as_str().unwrap())));
    assert!(asked.len() > 15, "{asked:?}");
    let missing: Vec<_> = asked.difference(&exported).collect();
    assert!(missing.is_empty(), "{missing:?} are not exported");
}

#[tokio::test]
async fn a_database_that_refuses_the_daemon_is_told_at_once_to_whoever_asks() {
    let house = House::new().await;
    let before = house.guest().get("/readyz").await.body;
    house.board.database(Some((Utc::now(), DatabaseCause::Full)));
    let answer = house.guest().get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains("the database cannot be used since") && answer.body.contains("the disk is full"),
        "{}",
        answer.body
    );
    assert!(house.guest().get("/metrics").await.body.contains("stemsync_healthy 0"));
    assert!(house.admin().await.get("/").await.body.contains("(the disk is full)"));
    house.board.database(None);
    assert_eq!(house.guest().get("/readyz").await.body, before);
}
