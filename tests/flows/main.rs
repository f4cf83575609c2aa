//! Both flows, over real HTTP to the sandbox and a real database: what happens to an order from its birth in either
//! system until its boxes are scanned in, and what goes wrong on the way.

#![allow(clippy::unwrap_used, missing_docs)]

mod afterwards;
mod boxes;
mod cancelling;
mod crashes;
mod decisions;
mod faults;
mod flow1;
mod flow2;
mod invariants;
mod link;
mod ownership;
mod requests;
mod trade;
mod unknown;
mod watermarks;
mod week;
