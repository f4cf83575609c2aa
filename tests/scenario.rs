//! The bundled scenario is what newcomers, the demo and many tests trade with: it must hold together, and hold what
//! it promises.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use chrono::{Days, NaiveDate};
use stemsync::sandbox::scenario::{Scenario, ScenarioError, WeekPrebook};

fn monday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, 2).unwrap()
}

/// A folder that holds one file of its own.
fn with_file(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), text).unwrap();
    Scenario::from_dir(dir.path())
}

fn problems(result: Result<Scenario, ScenarioError>) -> Vec<String> {
    match result.err() {
        Some(ScenarioError::Invalid(problems)) => problems,
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn the_bundled_week_resolves_every_code() {
    let scenario = Scenario::bundled();
    for order in &scenario.week.orders {
        let input = scenario.order(order, monday()).unwrap();
        assert_eq!(input.lines.len(), order.lines.len(), "{}", order.name);
        assert_eq!(input.header.carrier.is_some(), order.carrier.is_some(), "{}", order.name);
    }
    let prebooks = scenario.week.prebooks.iter().chain(&scenario.week.other_prebooks);
    for line in prebooks.flat_map(|p| &p.lines).chain(scenario.week.stock_pos.iter().flat_map(|p| &p.lines)) {
        assert!(scenario.terms(line).is_some(), "{}", line.product);
    }
}

#[test]
fn flow_1_of_the_week_needs_no_map_for_customers_and_carriers() {
    let scenario = Scenario::bundled();
    for order in &scenario.week.orders {
        let customer = scenario.customer(&order.customer).unwrap();
        assert_eq!(customer.code, customer.komet_code, "{}", order.name);
        let carrier = order.carrier.as_deref().and_then(|code| scenario.carrier(code));
        assert!(carrier.is_some_and(|c| c.active && c.code == c.komet_code), "{}", order.name);
    }
    assert!(scenario.customers.iter().any(|c| c.code != c.komet_code), "some customers differ, for the maps");
}

#[test]
fn exactly_one_product_is_unknown_to_komet_and_it_is_ordered() {
    let scenario = Scenario::bundled();
    let unknown: Vec<_> = scenario.unknown_products().map(|g| g.code.as_str()).collect();
    assert_eq!(unknown, ["GRDWED"]);
    let ordering: Vec<_> = scenario
        .week
        .orders
        .iter()
        .filter(|o| o.lines.iter().any(|l| l.product == "GRDWED"))
        .map(|o| (o.name.as_str(), o.lines.len()))
        .collect();
    assert_eq!(ordering, [("juniper-garden-wedding", 3)], "its other lines go on");
    assert!(scenario.maps().iter().all(|(_, code, _)| code != "GRDWED"));
}

#[test]
fn the_week_covers_both_flows_with_all_that_makes_them_hard() {
    let scenario = Scenario::bundled();
    let week = &scenario.week;
    let is_mixed = |code: &str| scenario.goods(code).is_some_and(|g| !g.parts.is_empty());
    assert_eq!((week.orders.len(), week.prebooks.len()), (12, 8));
    assert!(week.orders.iter().all(|o| o.lines.len() >= 2), "several lines each");
    assert!(week.orders.iter().flat_map(|o| &o.lines).any(|l| is_mixed(&l.product)));
    assert!(week.prebooks.iter().flat_map(|p| &p.lines).any(|l| is_mixed(&l.product)));
    assert!(week.prebooks.iter().filter(|p| p.standing).count() >= 3, "standing orders");
    assert!(week.orders.iter().any(|o| o.truck.is_none()), "truck date = ship date");
    assert!(week.orders.iter().any(|o| o.truck.is_some_and(|truck| truck != o.ship)));
    assert!(week.orders.iter().any(|o| o.po.is_none()), "without a customer PO");
    assert!(week.orders.iter().flat_map(|o| &o.lines).any(|l| l.mark.is_some()));
    let ship_dates = |p: &WeekPrebook| p.lines.iter().filter_map(|l| l.ship).collect::<HashSet<_>>().len();
    let several: Vec<_> = week.prebooks.iter().filter(|p| ship_dates(p) == 2).map(|p| p.name.as_str()).collect();
    assert_eq!(several, ["great-bend-split-week"]);
    assert_eq!((week.other_prebooks.len(), week.stock_pos.len()), (2, 1), "noise");
}

#[test]
fn roses_come_by_variety_and_length() {
    let scenario = Scenario::bundled();
    let freedom = scenario.goods("RFREE60").unwrap();
    assert_eq!(freedom.description, "Rose Freedom Red 60 cm");
    assert_eq!(freedom.komet_id(), Some(41060));
    assert_eq!(freedom.cost.0.to_string(), "0.35", "the length's cost and the variety's extra");
    let lengths = (40..=100).step_by(10).filter(|cm| scenario.goods(&format!("RFREE{cm}")).is_some());
    assert_eq!(lengths.count(), 7);
}

#[test]
fn a_mixed_box_holds_the_bunches_of_its_parts() {
    let scenario = Scenario::bundled();
    let terms = scenario.goods("MXWHITE").unwrap().terms(3);
    assert!(terms.is_mixed());
    assert_eq!(terms.bunches, terms.mix.iter().map(|p| p.bunches).sum::<u32>());
    assert_eq!(terms.mix[1].product.description, "Rose Playa Blanca White 60 cm");
}

#[test]
fn a_folder_of_ones_own_replaces_only_the_files_in_it() {
    let week = r#"
        [[order]]
        name = "just-one"
        placed = 0
        customer = "OLDMILL"
        ship = 3
        lines = [{ product = "RTIBE50", boxes = 2, cost = "0.30" }]
    "#;
    let scenario = with_file("week.toml", week).unwrap();
    assert_eq!(scenario.customers, Scenario::bundled().customers);
    let input = scenario.order(&scenario.week.orders[0], monday()).unwrap();
    assert_eq!(input.header.ship_date, NaiveDate::from_ymd_opt(2026, 2, 5).unwrap());
    assert_eq!(input.lines[0].terms.unit_cost.to_string(), "0.30");
}

#[test]
fn all_problems_are_told_at_once_and_name_the_nearest_code() {
    let week = r#"
        [[order]]
        name = "muddle"
        placed = 4
        customer = "OLDMIL"
        ship = 3
        carrier = "OLDWAY"
        lines = [{ product = "RTIBET50", boxes = 0, mark = "a mark code beyond any box" }]
    "#;
    let problems = problems(with_file("week.toml", week));
    assert_eq!(
        problems,
        [
            r#"week.toml: order "muddle": "OLDMIL" is no known customer; did you mean "OLDMILL"?"#,
            r#"week.toml: order "muddle": carrier "OLDWAY" is not active"#,
            r#"week.toml: order "muddle": placed 4, ship 3, truck 3: must not go back in time"#,
            r#"week.toml: order "muddle": line 1: "RTIBET50" is no known product; did you mean "RTIBE50"?"#,
            r#"week.toml: order "muddle": line 1: boxes and bunches must be at least 1"#,
            r#"week.toml: order "muddle": line 1: mark has 26 characters; Komet holds 20"#,
        ]
    );
}

#[test]
fn money_written_as_a_float_is_refused_with_its_line() {
    let week = "[[order]]\nname = \"x\"\nplaced = 0\ncustomer = \"OLDMILL\"\nship = 3\n\
                lines = [{ product = \"RTIBE50\", boxes = 2, cost = 0.30 }]\n";
    let error = with_file("week.toml", week).err().unwrap().to_string();
    assert!(error.contains("week.toml") && error.contains("line 6"), "{error}");
}

#[test]
fn a_folder_without_scenario_files_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Scenario::from_dir(dir.path()), Err(ScenarioError::Empty(_))));
}

#[test]
fn lots_in_komets_own_range_are_refused() {
    let company = include_str!("../data/scenario/company.toml").replace("lot_prefix = \"2\"", "lot_prefix = \"\"");
    let problems = problems(with_file("company.toml", &company));
    assert!(problems[0].contains("lot_prefix"), "{problems:?}");
}

#[test]
fn bulk_orders_are_the_same_for_the_same_seed_and_spread_over_28_ship_dates() {
    let scenario = Scenario::bundled();
    let orders = scenario.bulk(10_000, 3, 7, monday());
    assert_eq!(orders, scenario.bulk(10_000, 3, 7, monday()));
    assert_ne!(orders, scenario.bulk(10_000, 3, 8, monday()));
    let dates: HashSet<_> = orders.iter().map(|o| o.header.ship_date).collect();
    assert_eq!(dates.len(), 28);
    assert_eq!(dates.iter().max(), Some(&(monday() + Days::new(27))));
    for order in &orders {
        let codes: HashSet<_> = order.lines.iter().map(|l| &l.terms.product.code).collect();
        assert_eq!(codes.len(), 3, "different products");
        assert!(order.lines.iter().all(|l| scenario.goods(&l.terms.product.code).unwrap().komet_id().is_some()));
        assert!(order.header.customer_po.as_deref().is_some_and(|po| po.len() <= 20));
    }
}
