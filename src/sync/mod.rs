//! The heart, in the order things happen: poll, diff, plan, push, verify; and one run of the five.

pub mod action;
pub mod apply;
pub mod audit;
mod batch;
mod brake;
pub mod budget;
pub mod engine;
mod finish;
mod meter;
mod needs;
pub mod observe;
pub mod pace;
pub mod plan;
pub mod poll;
mod push;
pub mod report;
mod run;
mod send;
mod state;
pub(crate) mod tell;
mod verify;

pub use meter::meter;
pub use run::{RunEnd, RunRequest, end_of};
