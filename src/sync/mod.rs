//! The heart, in the order things happen: poll, diff, plan, push, verify; and one run of the five.

pub mod action;
pub mod apply;
pub mod plan;
pub mod report;
