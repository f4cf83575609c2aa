//! Notifications: what is told, over real HTTP and a real SMTP server, and that nobody's sync notices when a channel
//! hangs, refuses or lies.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/link.rs"]
#[allow(dead_code)] // the flows' stories need more of it
mod link;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)] // sync's stories need more of it
mod place;
#[path = "../support/received.rs"]
mod received;
#[path = "../support/trade.rs"]
#[allow(dead_code)] // the flows' stories need more of it
mod trade;

mod check;
mod email;
mod hook;
mod outbox;
mod program;
mod smtp;
mod told;
