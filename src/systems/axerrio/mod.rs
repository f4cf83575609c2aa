//! The Axerrio adapter: the whole of the contract that stemsync expects of an Axerrio installation
//! (`data/axerrio.openapi.yaml`). The contract is stemsync's own, so its shapes are public: the sandbox serves
//! them, and a test holds them against the document.
//!
//! `client` makes the calls, [`wire`] has the shapes, [`convert`] turns them into the domain's types and back.

mod client;
pub mod convert;
pub mod wire;

pub use client::{AxerrioAuth, AxerrioClient, AxerrioOptions};
