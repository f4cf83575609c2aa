//! sandbox

pub mod scenario;
