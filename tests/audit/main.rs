//! The audit behind `verify`: it finds nothing where both systems agree, and every single difference where they do not.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../support/link.rs"]
#[allow(dead_code)] // the flows need more of it
mod link;
#[path = "../support/trade.rs"]
#[allow(dead_code)] // likewise
mod trade;

mod agreed;
mod agreement;
mod mutations;
mod played;
mod stories;
