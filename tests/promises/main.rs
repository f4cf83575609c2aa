//! What was promised about conflicts and afterthoughts, over real HTTP to the sandbox: what a person's word does for each
//! reason to wait, and what comes after it was agreed.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/invariants.rs"]
mod invariants;
#[path = "../support/link.rs"]
mod link;
#[path = "../support/standing.rs"]
mod standing;
#[path = "../support/trade.rs"]
mod trade;

mod afterwards;
mod decisions;
