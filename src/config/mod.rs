//! `sync.toml` becomes a [`Config`], checked once and in full; everything after it trusts it. The tables of the
//! file are read in `sections`, single values in `values`, secrets in `secret`, all through `reader`, which notes
//! every problem with its line and goes on; `own` lists what belongs to the link. Paths are relative to the current
//! directory.

mod error;
mod find;
mod own;
mod reader;
mod schedule;
mod secret;
mod sections;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;

pub use error::{ConfigErrors, Problem};
pub(crate) use reader::nearest;
pub use schedule::Schedule;
pub use secret::Secret;
pub use values::parse_duration;
pub(crate) use values::region_of;

use crate::domain::{Brake, CreatePo, Horizon, OnConflict, Percent, Zone};
use crate::sync::engine::Settings;
use crate::sync::report::Job;
use crate::systems::axerrio::AxerrioAuth;

/// Requests a day that Komet grants for each paid user (komet-api.md).
const REQUESTS_PER_USER: u64 = 1000;

/// Everything `sync.toml` says. Not `Clone`: it owns the secrets.
#[derive(Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// `[komet]`
    pub komet: KometConfig,
    /// `[axerrio]`
    pub axerrio: AxerrioConfig,
    /// `[state]`
    pub state: StateConfig,
    /// `[sync]`
    pub sync: SyncConfig,
    /// `[jobs]`
    pub jobs: JobsConfig,
    /// `[status]`
    pub status: StatusConfig,
    /// `[notify]`
    pub notify: NotifyConfig,
}

/// Where a system is found.
#[derive(Debug)]
pub enum Endpoint {
    /// The built-in sandbox; it needs no token.
    Sandbox,
    /// A real system.
    Remote {
        /// Always ends in `/`, so that a method can be joined to it. `https`, or `http` to loopback.
        base_url: Url,
        /// What proves who asks.
        token: Secret,
    },
}

impl Endpoint {
    /// Whether it is the built-in sandbox.
    pub fn is_sandbox(&self) -> bool {
        matches!(self, Self::Sandbox)
    }
}

/// Whose the Komet token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// One vendor's; it implies the vendor.
    Vendor,
    /// The whole company's; it must name the vendor.
    Company {
        /// Komet's id of the vendor.
        vendor_id: i64,
    },
}

/// `[komet]`
#[derive(Debug)]
pub struct KometConfig {
    /// `base_url` and `token`.
    pub endpoint: Endpoint,
    /// `token_kind` and `vendor_id`.
    pub token_kind: TokenKind,
    /// Paid users of the company.
    pub users: u32,
    /// This link's part of the company's quota.
    pub quota_share: Percent,
    /// The location to name, in companies that have several.
    pub location_code: Option<String>,
    /// How long one request may take.
    pub timeout: Duration,
}

impl KometConfig {
    /// Requests a day that this link may make.
    pub fn daily_limit(&self) -> u64 {
        self.quota_share.of(u64::from(self.users) * REQUESTS_PER_USER)
    }
}

/// `[axerrio]`
#[derive(Debug)]
pub struct AxerrioConfig {
    /// `base_url` and `token`.
    pub endpoint: Endpoint,
    /// Where the token goes.
    pub auth: AxerrioAuth,
    /// How long one request may take.
    pub timeout: Duration,
}

/// `[state]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// The database; relative to the current directory.
    pub path: PathBuf,
    /// How long finished runs and events are kept.
    pub retention: Duration,
}

/// `[sync]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncConfig {
    /// Days ahead of today whose ship dates are looked at; yesterday always is.
    pub horizon_days: u32,
    /// How far a watermark stays behind the other system's clock.
    pub overlap: Duration,
    /// What happens where both sides changed.
    pub on_conflict: OnConflict,
    /// When flow 2 makes its PO.
    pub create_po: CreatePo,
    /// The part of the open orders that one run may cancel.
    pub max_cancellations: Brake,
}

/// `[jobs]`
#[derive(Clone, Debug)]
pub struct JobsConfig {
    /// In which the cron patterns are read and "yesterday" begins.
    pub timezone: Zone,
    orders: Schedule,
    prebooks: Schedule,
    purchase_orders: Schedule,
    labels: Schedule,
}

impl JobsConfig {
    /// When `job` runs.
    pub fn schedule(&self, job: Job) -> &Schedule {
        match job {
            Job::Orders => &self.orders,
            Job::Prebooks => &self.prebooks,
            Job::PurchaseOrders => &self.purchase_orders,
            Job::Labels => &self.labels,
        }
    }
}

/// `[status]`: the status page.
#[derive(Debug)]
pub struct StatusConfig {
    /// Where it listens; `None` where it is off. Beyond this machine only with a password.
    pub listen: Option<SocketAddr>,
    /// What a person logs in with; `None` where nobody may act.
    pub password: Option<Secret>,
    /// Names that the page goes by beside this machine's own, such as a reverse proxy's; in lower case.
    pub hosts: Vec<String>,
}

/// `[notify]`
#[derive(Debug)]
pub struct NotifyConfig {
    /// An address to post to. A secret, because such addresses carry their own key.
    pub webhook: Option<Secret>,
    /// `[notify.email]`
    pub email: Option<EmailConfig>,
}

/// `[notify.email]`: an SMTP server to send through.
#[derive(Debug)]
pub struct EmailConfig {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted before anything is said; required with a password, but on loopback.
    pub starttls: bool,
    /// How stemsync logs in; `None` where the server asks nobody.
    pub login: Option<EmailLogin>,
    /// The sender.
    pub from: String,
    /// The receivers, at least one.
    pub to: Vec<String>,
}

/// `username` and `password` of `[notify.email]`.
#[derive(Debug)]
pub struct EmailLogin {
    /// Who logs in.
    pub username: String,
    /// With what.
    pub password: Secret,
}

impl Config {
    /// Reads and checks the file; secrets are resolved, too. Every problem is reported, not only the first.
    pub fn load(file: &Path) -> Result<Self, ConfigErrors> {
        let text = find::read(file)?;
        Self::from_text(file, &text, &|name| std::env::var_os(name))
    }

    /// As [`Config::load`], from text and with a given environment.
    pub fn from_text(
        file: &Path,
        text: &str,
        environment: &dyn Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, ConfigErrors> {
        let folder = file.parent().unwrap_or(Path::new(""));
        sections::read(file, text, secret::Environment { variable: environment, folder })
    }

    /// What the engine needs to know of it.
    pub fn settings(&self) -> Settings {
        Settings {
            horizon_days: self.sync.horizon_days,
            overlap: self.sync.overlap,
            timezone: self.jobs.timezone,
            on_conflict: self.sync.on_conflict,
            create_po: self.sync.create_po,
            brake: self.sync.max_cancellations,
            location_code: self.komet.location_code.clone(),
            quota_limit: self.komet.daily_limit(),
            concurrency: Settings::CONCURRENCY,
            komet_timeout: self.komet.timeout,
        }
    }

    /// The ship dates that are looked at `now`.
    pub fn horizon(&self, now: DateTime<Utc>) -> Horizon {
        Horizon::at(now, self.jobs.timezone, self.sync.horizon_days)
    }

    /// The configuration file to use: the one named, else `$STEMSYNC_CONFIG`, else `./sync.toml`, else
    /// `/etc/stemsync/sync.toml`. A file that was named and does not exist is an error.
    pub fn find(explicit: Option<PathBuf>) -> Result<PathBuf, ConfigErrors> {
        find::find(explicit, std::env::var_os("STEMSYNC_CONFIG"))
    }

    /// Whether [`Config::find`] finds this file here where none is named.
    pub fn is_usual(file: &Path) -> bool {
        find::is_usual(file, std::env::var_os("STEMSYNC_CONFIG"))
    }
}
