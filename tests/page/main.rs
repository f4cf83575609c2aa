//! The status page over real connections: what it shows to whom, and what it withstands.
#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod house;
mod limits;
mod live;
mod machines;
mod overview;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)]
mod place;
mod runs;
mod service;
