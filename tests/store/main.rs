//! The store on real files: what it keeps, what it refuses to write, and how it says what is wrong.
#![allow(clippy::unwrap_used)]

mod backup;
mod file;
mod holds;
mod orders;
mod records;
mod retention;
mod search;
mod trade;
