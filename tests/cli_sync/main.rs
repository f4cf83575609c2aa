//! `sync`, `demo` and `sandbox` as a shell sees them: the program itself, on simulated systems over HTTP, with a real
//! database.
#![allow(clippy::unwrap_used, missing_docs)]

mod backup;
mod doubt;
mod place;
mod signals;
mod starts;
mod sync;
