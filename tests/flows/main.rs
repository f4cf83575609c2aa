//! Both flows, over real HTTP to the sandbox and a real database: what happens to an order from its birth in either
//! system until its boxes are scanned in, and what goes wrong on the way.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/invariants.rs"]
mod invariants;
#[path = "../support/link.rs"]
mod link;
#[path = "../support/standing.rs"]
mod standing;
#[path = "../support/trade.rs"]
mod trade;

mod boxes;
mod buyers;
mod cancelling;
mod crashes;
mod days;
mod faults;
mod first_day;
mod flow1;
mod flow2;
mod left;
mod moved;
mod ownership;
mod requests;
mod restored;
mod sight;
mod strangers;
mod unknown;
mod unread;
mod upgrade;
mod watermarks;
mod week;
