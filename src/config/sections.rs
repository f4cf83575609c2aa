//! The tables of `sync.toml`, one function each: every key of interface.md with its default. What a key may hold
//! is told by the reader it is given; rules over several keys stand here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use toml::de::{DeTable, DeValue};

use super::reader::{Notes, Section};
use super::schedule::Schedule;
use super::secret::{self, Environment, Secret};
use super::values::{self, Refusal};
use super::{
    AxerrioConfig, Config, ConfigErrors, EmailConfig, EmailLogin, Endpoint, JobsConfig, KometConfig, NotifyConfig,
    StateConfig, StatusConfig, SyncConfig, TokenKind,
};
use crate::domain::{Brake, CreatePo, OnConflict, Percent, Zone};
use crate::systems::axerrio::AxerrioAuth;

/// Reads the whole file. A section with a problem answers `None`; the problem is in the notes by then.
pub(super) fn read(file: &Path, text: &str, environment: Environment) -> Result<Config, ConfigErrors> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let notes = Notes::new(text);
    for error in &errors {
        notes.syntax(error.span(), error.message());
    }
    let mut root = Section::root(&notes, document.get_ref());
    let komet = komet(root.section("komet"), environment);
    let axerrio = axerrio(root.section("axerrio"), environment);
    let state = state(root.section("state"));
    let sync = sync(root.section("sync"));
    let jobs = jobs(root.section("jobs"));
    let status = status(root.section("status"), environment);
    let notify = notify(root.section("notify"), environment);
    root.finish();
    notes.finish(file)?;
    let (Some(komet), Some(axerrio), Some(notify), Some(jobs)) = (komet, axerrio, notify, jobs) else {
        unreachable!("a section is only missing once a problem was noted, and then `finish` has answered it");
    };
    Ok(Config { file: file.to_owned(), komet, axerrio, state, sync, jobs, status, notify })
}

/// Takes a secret and looks it up, at once.
fn resolved<'t>(
    key: &'static str,
    environment: Environment,
) -> impl FnOnce(&DeValue<'t>) -> Result<Secret, Refusal> {
    move |value| secret::source(value, key)?.resolve(environment)
}

/// `base_url` and `token`. In the sandbox a token may stand there but is not looked up.
fn endpoint(section: &mut Section, example: &str, environment: Environment) -> Option<Endpoint> {
    let allowed = format!("\"sandbox\" for the built-in sandbox, or an address such as \"{example}\"");
    let base_url: Option<Option<Url>> =
        section.required("base_url", &allowed, |value| values::base_url(value, example));
    if base_url == Some(None) {
        section.optional("token", |value| secret::source(value, "token"));
        return Some(Endpoint::Sandbox);
    }
    let token = section.required("token", secret::WAYS, resolved("token", environment));
    match (base_url, token) {
        (Some(Some(base_url)), Some(token)) => Some(Endpoint::Remote { base_url, token }),
        _ => None,
    }
}

fn timeout(section: &mut Section) -> Duration {
    section.or("timeout", Duration::from_secs(20), values::duration("100ms", "10m"))
}

fn komet(mut section: Section, environment: Environment) -> Option<KometConfig> {
    let endpoint = endpoint(&mut section, "https://api.kometsales.com/api/", environment);
    let token_kind = token_kind(&mut section);
    let users = section.or("users", 1, values::whole(1, 10_000));
    let quota_share = section.or("quota_share", Percent::ALL, values::percent("1%"));
    let location_code = section.optional("location_code", values::text);
    let timeout = timeout(&mut section);
    section.finish();
    Some(KometConfig {
        endpoint: endpoint?,
        token_kind: token_kind?,
        users: u32::try_from(users).ok()?,
        quota_share,
        location_code,
        timeout,
    })
}

/// `token_kind` and `vendor_id`, which belong together.
fn token_kind(section: &mut Section) -> Option<TokenKind> {
    const KINDS: &[(&str, bool)] = &[("vendor", false), ("company", true)];
    let is_written = section.has("token_kind");
    let of_company = section.optional("token_kind", values::one_of(KINDS));
    let vendor_id = section.optional("vendor_id", values::whole(1, i64::MAX));
    match of_company {
        Some(true) if !section.has("vendor_id") => {
            section.refuse(
                "vendor_id",
                "nothing, but token_kind is \"company\"",
                "Komet's id of the vendor, such as vendor_id = 123: a company's token does not imply one",
            );
            None
        }
        Some(true) => vendor_id.map(|vendor_id| TokenKind::Company { vendor_id }),
        None if is_written => None,
        Some(false) | None if section.has("vendor_id") => {
            section.refuse(
                "vendor_id",
                "a vendor, but token_kind is \"vendor\"",
                "leave vendor_id out (a vendor's token implies it), or say token_kind = \"company\"",
            );
            None
        }
        Some(false) | None => Some(TokenKind::Vendor),
    }
}

fn axerrio(mut section: Section, environment: Environment) -> Option<AxerrioConfig> {
    const STYLES: &[(&str, AxerrioAuth)] = &[("bearer", AxerrioAuth::Bearer), ("x-api-key", AxerrioAuth::XApiKey)];
    let endpoint = endpoint(&mut section, "https://axerrio.example/api/v1", environment);
    let auth = section.or("auth", AxerrioAuth::Bearer, values::one_of(STYLES));
    let timeout = timeout(&mut section);
    section.finish();
    Some(AxerrioConfig { endpoint: endpoint?, auth, timeout })
}

fn state(mut section: Section) -> StateConfig {
    let path = section.or("path", PathBuf::from("data/stemsync.db"), values::database);
    let retention = section.or("retention", Duration::from_hours(90 * 24), values::duration("1d", "3650d"));
    section.finish();
    StateConfig { path, retention }
}

fn sync(mut section: Section) -> SyncConfig {
    const CONFLICTS: &[(&str, OnConflict)] =
        &[(OnConflict::Hold.name(), OnConflict::Hold), (OnConflict::Owner.name(), OnConflict::Owner)];
    const POS: &[(&str, CreatePo)] =
        &[(CreatePo::Accepted.name(), CreatePo::Accepted), (CreatePo::Received.name(), CreatePo::Received)];
    let sync = SyncConfig {
        horizon_days: section.or("horizon", 28, values::days(1, 366)),
        overlap: section.or("overlap", Duration::from_mins(5), values::duration("0s", "1d")),
        on_conflict: section.or("on_conflict", OnConflict::default(), values::one_of(CONFLICTS)),
        create_po: section.or("create_po", CreatePo::default(), values::one_of(POS)),
        max_cancellations: section
            .optional("max_cancellations", values::percent("0%"))
            .map_or_else(Brake::default, |percent| Brake { percent }),
    };
    section.finish();
    sync
}

fn jobs(mut section: Section) -> Option<JobsConfig> {
    let timezone = section.or("timezone", Zone::default(), values::timezone);
    let mut job = |key, default| match section.optional(key, values::schedule) {
        Some(schedule) => Some(schedule),
        None => Schedule::parse(default).ok(),
    };
    let orders = job("orders", "0 */2 * * * *");
    let prebooks = job("prebooks", "0 */5 * * * *");
    let purchase_orders = job("purchase-orders", "30 */5 * * * *");
    let labels = job("labels", "0 1-59/2 * * * *");
    section.finish();
    Some(JobsConfig {
        timezone,
        orders: orders?,
        prebooks: prebooks?,
        purchase_orders: purchase_orders?,
        labels: labels?,
    })
}

/// A password that can be guessed in the tries a day allows is none.
const SHORTEST_PASSWORD: usize = 8;

fn status(mut section: Section, environment: Environment) -> StatusConfig {
    let page = std::net::SocketAddr::from(([127, 0, 0, 1], 8787));
    let listen = section.or("listen", Some(page), values::listen);
    let password = section.optional("password", |value| {
        let secret = resolved("password", environment)(value)?;
        if secret.expose().chars().count() < SHORTEST_PASSWORD {
            let found = format!("a password shorter than {SHORTEST_PASSWORD} characters");
            return Err(Refusal::new(found, "a longer one, such as `openssl rand -base64 18` makes"));
        }
        Ok(secret)
    });
    let hosts = section.or("hosts", Vec::new(), values::hosts);
    if listen.is_some_and(|at| !at.ip().is_loopback()) && !section.has("password") {
        section.refuse(
            "listen",
            "an address beyond this machine, but no password",
            "with status.password, a secret such as { credential = \"status-password\" }; or an address on loopback \
             (\"127.0.0.1:8787\"), reached through SSH or a reverse proxy; or \"off\"",
        );
    }
    section.finish();
    StatusConfig { listen, password, hosts }
}

fn notify(mut section: Section, environment: Environment) -> Option<NotifyConfig> {
    let webhook = section.optional("webhook", |value| {
        let secret = resolved("webhook", environment)(value)?;
        match values::web_address(secret.expose()) {
            Ok(_) => Ok(secret),
            // What is wrong with the address is not told: that text may repeat it, and it is a secret.
            Err(_) => Err(Refusal::new(
                "a secret that is no address to post to",
                "an address that begins with https://; http:// only to this machine",
            )),
        }
    });
    let email = section.section("email");
    let email = if email.is_present() { self::email(email, environment).map(Some) } else { Some(None) };
    section.finish();
    Some(NotifyConfig { webhook, email: email? })
}

fn email(mut section: Section, environment: Environment) -> Option<EmailConfig> {
    let host = section.required("host", "the SMTP server's name, such as \"smtp.example.com\"", values::text);
    let port = section.or("port", 587, values::whole(1, 65_535));
    let starttls = section.or("starttls", true, values::boolean);
    let username = section.optional("username", values::text);
    let password = section.optional("password", resolved("password", environment));
    let sender = section.required("from", "the sender, such as \"stemsync@example.com\"", values::mail_address);
    let to = section.required("to", "one e-mail address or a list of them", values::mail_addresses);
    let (has_username, has_password) = (section.has("username"), section.has("password"));
    if has_username != has_password {
        let (missing, there) = if has_username { ("password", "username") } else { ("username", "password") };
        section.refuse(missing, &format!("nothing, but there is a {there}"), "username and password, or neither");
    }
    let leaves = host.as_deref().is_some_and(|host| !values::is_loopback_host(host));
    if !starttls && has_password && leaves {
        section.refuse(
            "starttls",
            "false, so that the password would travel unencrypted",
            "true, but on loopback",
        );
    }
    section.finish();
    let login = username.zip(password).map(|(username, password)| EmailLogin { username, password });
    Some(EmailConfig { host: host?, port: u16::try_from(port).ok()?, starttls, login, from: sender?, to: to? })
}
