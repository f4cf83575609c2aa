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

/// How far life has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The day on which the last week was ordered.
    week: Option<NaiveDate>,
    /// When people last saw to things.
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
    let mut told = Vec::new();
    let age = world.life.week.map(|began| (today - began).num_days());
    if age.is_none_or(|days| days >= WEEK) {
        told.extend(scenario.place_week(world, today, now)?.into_iter().map(|placed| placed.told));
        world.life.week = Some(today);
    }
    let Some(seen_to) = world.life.seen_to else {
        world.life.seen_to = Some(now);
        return Ok(told);
    };
    if now - seen_to >= PACE {
        told.extend(people.step(world, now)?);
        if age.is_some_and(|days| days >= 1) {
            // Somebody looks after the products in red once a day has gone by.
            told.extend(people.maps_products(world, now)?);
        }
        world.life.seen_to = Some(now);
    }
    Ok(told)
}
