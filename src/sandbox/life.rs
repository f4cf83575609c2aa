//! Daily life in a sandbox that outlives one command: weeks of orders come in, and people see to what is ready for
//! them, as time passes. How far it has come is saved with the world, so that it goes on where it stopped.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::World;
use super::people::People;
use super::scenario::Scenario;

/// How long people take before they look at their screens again. Two runs within it find the same world, and the
/// second one has nothing to do.
pub const PACE: TimeDelta = TimeDelta::minutes(1);

/// Days after which the scenario's week is ordered anew.
const WEEK: i64 = 7;

/// After this long somebody looks after the products that show in red in Komet.
const UNTIL_MAPPED: TimeDelta = TimeDelta::days(1);

/// How far life has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The day on which the last week was ordered.
    week: Option<NaiveDate>,
    /// When people first came in.
    began: Option<DateTime<Utc>>,
    /// When they last saw to things.
    seen_to: Option<DateTime<Utc>>,
}

/// Lets the time pass since the last call: a new week is ordered when the last one is over, and people do once what
/// is ready for them if they have not done so within [`PACE`]. The first call only brings the first week. `today` is
/// the link's. Answers what was done, in plain sentences.
pub fn pass(
    world: &mut World,
    scenario: &Scenario,
    people: &People,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let mut told = week(world, scenario, today, now)?;
    match world.life.seen_to {
        None => world.life.seen_to = Some(now),
        Some(before) if now - before >= PACE => told.extend(act(world, people, now)?),
        Some(_) => {}
    }
    Ok(told)
}

/// Orders the scenario's week if none was ordered within the last seven days.
pub fn week(world: &mut World, scenario: &Scenario, today: NaiveDate, now: DateTime<Utc>) -> Result<Vec<String>> {
    if world.life.week.is_some_and(|began| (today - began).num_days() < WEEK) {
        return Ok(Vec::new());
    }
    let placed = scenario.place_week(world, today, now)?;
    world.life.week = Some(today);
    Ok(placed.into_iter().map(|placed| placed.told).collect())
}

/// Lets people do once what is ready for them; from the second day on somebody also maps unknown products.
pub fn act(world: &mut World, people: &People, now: DateTime<Utc>) -> Result<Vec<String>> {
    let began = *world.life.began.get_or_insert(now);
    world.life.seen_to = Some(now);
    let mut told = people.step(world, now)?;
    if now - began >= UNTIL_MAPPED {
        told.extend(people.maps_products(world, now)?);
    }
    Ok(told)
}
