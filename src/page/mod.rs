//! The status page, which `stemsync run` serves: what a person would look up in the shell, drawn as HTML, and what they would
//! do there, as forms. It reads over a database connection of its own and acts through the daemon, so that neither waits
//! for the other. It decides nothing: what it tells comes from `reports`.
//!
//! - [`server`], [`patience`]: listening, and what a client may take. [`access`]: who may see and do what. [`desk`]: reading and changing.
//! - [`shell`]: the page around each view. [`parts`]: small pieces that several views use. [`trouble`]: what could not be done.
//! - [`overview`], [`orders`], [`order`], [`holds`], [`maps`], [`runs`]: one file a view. [`address`]: where they are.
//!   [`advice`]: what a hold says, with the names of the buttons. [`chart`], [`spark`]: drawings. [`live`]: following what
//!   happens, and having it happen now. [`machines`]: what programs read.
//! - [`assets`]: style and script.

mod access;
mod address;
mod advice;
mod assets;
mod chart;
mod desk;
mod holds;
mod live;
mod machines;
mod maps;
mod order;
mod orders;
mod overview;
mod parts;
mod patience;
mod runs;
mod server;
mod shell;
mod spark;
mod trouble;

use axum::Router;

pub use access::Visitor;
pub use desk::Desk;
pub use server::{CannotListen, Listening, Page, Standing, TRY_AGAIN};
pub use trouble::Trouble;

/// Every view.
fn routes() -> Router<Desk> {
    Router::new()
        .merge(overview::routes())
        .merge(orders::routes())
        .merge(order::routes())
        .merge(holds::routes())
        .merge(maps::routes())
        .merge(runs::routes())
        .merge(live::routes())
        .merge(machines::routes())
        .merge(access::routes())
        .merge(assets::routes())
        .fallback(nowhere)
}

async fn nowhere() -> Trouble {
    Trouble::not_found("There is no such page.")
}
