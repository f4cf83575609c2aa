//! The status page as people see it: the program itself serves it, the sandbox's people act, and Chromium looks. Debian's
//! `chromium` and `chromium-driver` have to be there; `reading` also wants axe-core, which `.ci/run` fetches.
//!
//! - [`browser`]: Chromium, and what a person does in it. [`shop`]: the two systems with their people, and the program.
//! - [`following`]: the open page follows. [`acting`]: logging in and deciding. [`plain`]: without JavaScript.
//! - [`looking`]: narrow and wide, light and dark, and pictures of it. [`reading`]: keyboard, screen readers, hostile names.
//!   [`weight`]: what a page loads.
#![allow(clippy::unwrap_used, missing_docs)]

mod acting;
mod browser;
mod following;
mod looking;
#[path = "../cli_sync/place.rs"]
#[allow(dead_code)]
mod place;
mod plain;
mod reading;
mod shop;
mod weight;

use std::future::Future;
use std::sync::LazyLock;

use tokio::runtime::Runtime;

/// Outlives each test, as do the sandboxes on it that several tests look at.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// Lets one story take place.
pub(crate) fn story(story: impl Future<Output = ()>) {
    RUNTIME.block_on(story);
}
