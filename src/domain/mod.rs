//! The things of the trade: orders, Prebooks, POs, labels, money and their ids. Plain types without I/O, in
//! neither system's wire shape; everything else in stemsync speaks in these.

mod agreed;
mod axerrio;
mod fingerprint;
mod hold;
mod horizon;
mod ids;
mod komet;
mod maps;
mod order;
mod plain;
mod policy;
pub mod suggest;
mod terms;
mod zone;

pub use agreed::*;
pub use axerrio::*;
pub use fingerprint::{fingerprint, fingerprint_of_text};
pub use hold::*;
pub use horizon::*;
pub use ids::*;
pub use komet::*;
pub use maps::*;
pub use order::*;
pub use plain::*;
pub use policy::*;
pub use terms::*;
pub use zone::*;
