//! The status page, which `stemsync run` serves: what a person would look up in the shell, drawn as HTML, and what they would
//! do there, as forms. It reads over a database connection of its own and acts through the daemon, so that neither waits
//! for the other. It decides nothing: what it tells comes from `reports`.
//!
//! - [`server`]: listening, and what a client may take. [`access`]: who may see and do what. [`desk`]: reading and changing.
//! - [`shell`]: the page around each view. [`parts`]: small pieces that several views use. [`trouble`]: what could not be done.
//! - [`overview`]: one file a view.
//! - [`assets`]: style and script.

mod access;
mod address;
mod assets;
mod desk;
mod holds;
mod maps;
mod order;
mod orders;
mod overview;
mod parts;
mod server;
mod shell;
mod trouble;

use axum::Router;

pub use access::Visitor;
pub use desk::Desk;
pub use server::{CannotListen, Listening, Page};
pub use trouble::Trouble;

/// Every view.
fn routes() -> Router<Desk> {
    Router::new()
        .merge(overview::routes())
        .merge(orders::routes())
        .merge(order::routes())
        .merge(holds::routes())
        .merge(maps::routes())
        .merge(access::routes())
        .merge(assets::routes())
}
