//! Bytes from elsewhere, of which nothing can be assumed: the answers of both systems, the files that people give to the
//! program, and a database that was damaged. Each target mutates real specimens from one seed (`fuzz`, `mutate`,
//! `corpus`); what a target once found stands beside it as a story of its own. They run on the stable toolchain: a
//! few hundred cases each in CI, and as long as `STEMSYNC_FUZZ_SECONDS` says.

#![allow(clippy::unwrap_used)]

mod axerrio;
mod corpus;
mod damage;
mod files;
mod fuzz;
mod http;
mod komet;
mod limits;
mod lives;
mod mutate;
#[path = "../support/received.rs"]
mod received;
mod regressions;
mod world;
