//! The request budget: its rules (quota.md, 1 to 6), and what they do to real runs on the sandbox: writes are never held on
//! a day whose writes fit, a spent quota pauses Komet, every request is counted whoever makes it and however it ends, and
//! what a paced poll does not read means nothing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/invariants.rs"]
mod invariants;
#[path = "../support/link.rs"]
#[allow(dead_code)] // the flows need more of it
mod link;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)] // likewise
mod place;
#[path = "../support/standing.rs"]
mod standing;
#[path = "../support/trade.rs"]
#[allow(dead_code)] // likewise
mod trade;

mod count;
mod days;
mod rules;
