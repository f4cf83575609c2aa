//! The status page over real connections: what it shows to whom, what a person can do there, and what it withstands.
#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod client;
mod holds;
mod house;
mod limits;
#[path = "../support/link.rs"]
#[allow(dead_code)]
mod link;
mod live;
mod machines;
mod maps;
mod order;
mod orders;
mod overview;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)]
mod place;
mod runs;
mod service;
mod site;
#[path = "../support/trade.rs"]
#[allow(dead_code)]
mod trade;
