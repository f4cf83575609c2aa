//! What was promised about conflicts and afterthoughts, over real HTTP to the sandbox: what a person's word does for each
//! reason to wait, and what comes after it was agreed.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/invariants.rs"]
mod invariants;
#[path = "../support/link.rs"]
#[allow(dead_code)] // the flows need more of it
mod link;
#[path = "../support/standing.rs"]
mod standing;
#[path = "../support/trade.rs"]
#[allow(dead_code)] // the flows need more of it
mod trade;

mod afterwards;
mod decisions;
mod left;
