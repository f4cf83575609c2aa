//! The status page over real HTTP, on a real database and a trade that the engine made between both simulated systems.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/link.rs"]
mod link;
#[path = "../support/trade.rs"]
mod trade;

mod holds;
mod maps;
mod order;
mod orders;
mod site;
