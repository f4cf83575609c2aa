//! The Komet adapter: the eleven methods a Vendor token may call, and no other.
//!
//! `client` speaks the methods, `wire` has the shapes of the answers, `loose` the quirks of their values, `bodies`
//! the shapes of what is written. `verdict` judges an answer as a whole and `convert` turns its records into the
//! domain's types. None of these shapes is visible outside.

mod bodies;
mod client;
mod convert;
mod loose;
mod refusals;
mod verdict;
mod wire;

pub use client::{KometClient, KometOptions};
