//! `verify` and `check` as a shell sees them: the program itself, on simulated systems over HTTP, with a real database.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../cli_sync/place.rs"]
#[allow(dead_code)] // sync's stories need more of it
mod place;

mod check;
mod units;
mod verify;
