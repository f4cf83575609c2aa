//! The planner, told as stories of the trade: two systems on paper, one order between them, and what stemsync does next.

#![allow(clippy::unwrap_used, missing_docs)]

mod again;
mod approval;
mod changes;
mod drawn;
mod flow1;
mod flow2;
mod found;
mod hands;
mod kept;
mod labels;
mod mixes;
mod ownership;
mod properties;
mod refusals;
mod trade;
