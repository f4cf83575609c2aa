//! Both adapters against a server on loopback that answers word for word what a test gives it.
#![allow(clippy::unwrap_used)]

mod axerrio;
mod komet_faults;
mod komet_reads;
mod komet_things;
mod komet_writes;
#[path = "../support/received.rs"]
mod received;
mod wire_server;
