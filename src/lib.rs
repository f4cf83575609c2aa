//! stemsync keeps a flower importer's Komet Sales and its vendor's Axerrio in agreement.
//!
//! Data flows one way, and the modules stand in that order: [`cli`] takes a command, [`daemon`] runs the jobs on their
//! schedule, [`page`] shows them, [`reports`] gathers what both tell, [`sync`] polls both [`systems`], compares and pushes,
//! [`store`] remembers, and [`domain`] names the things of the trade and knows nobody. [`sandbox`] stands for both systems where the real ones are not at hand.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod notify;
pub mod page;
pub mod reports;
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod systems;
