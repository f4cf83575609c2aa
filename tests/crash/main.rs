//! Crashes, for real: the program itself dies by SIGKILL at every request of a trade that needs all write methods, and
//! its database fails write by write. Whatever the moment, what comes after finds everything done once and nothing lost.

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

mod database;
mod disk;
mod fuse;
mod gate;
mod kills;
mod leaving;
#[path = "../daemon/manager.rs"]
#[allow(dead_code)] // likewise
mod manager;
mod process;
mod scenario;
