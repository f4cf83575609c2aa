//! Both systems: whether they answer, take the token, and let it read what stemsync reads. Each of Komet's reading
//! methods is asked once, because each is allowed by itself. Whether the token may write cannot be tried without
//! writing; what the database remembers of former runs must do.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::Check;
use crate::cli::budget::{self, BudgetReport};
use crate::cli::link;
use crate::config::{Config, Endpoint};
use crate::store::{Connection, Store, quota};
use crate::sync::pace::Scope;
use crate::systems::{Axerrio, Fault, Komet, PoQuery, PrebookDates, PrebookQuery, SystemError};

/// Clocks further apart than this deserve a look. Watermarks follow the other system's clock, so nothing is lost.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Komet's writing methods that stemsync needs (komet-api.md, "Tokens").
const WRITES: [&str; 7] = [
    "prebook.create",
    "prebook.item.delete",
    "purchase.order.create",
    "purchase.order.mixed.create",
    "purchase.order.item.delete",
    "purchase.order.items.awb.add",
    "box.code.change",
];

/// What keeps every run from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A system cannot be reached or refuses the token.
    Down,
    /// Komet's quota of the day is spent.
    QuotaSpent,
}

/// What the systems answered.
pub(super) struct Asked {
    pub(super) checks: Vec<Check>,
    pub(super) trouble: Option<Trouble>,
    pub(super) komet_requests: u64,
}

/// Asks both systems.
pub(super) async fn ask(config: &Config, systems: &link::Systems, store: Option<&Store>) -> Asked {
    let mut checks = Vec::new();
    let mut trouble = None;
    let komet = &systems.komet;
    ask_komet(config, komet, &mut checks, &mut trouble).await;
    if trouble.is_none() {
        checks.push(writes(config, store).await);
    }
    checks.extend(quota_left(config, store, komet.clock().unwrap_or_else(Utc::now)).await);
    ask_axerrio(config, &systems.axerrio, &mut checks, &mut trouble).await;
    Asked { checks, trouble, komet_requests: komet.requests() }
}

async fn ask_komet(config: &Config, komet: &impl Komet, checks: &mut Vec<Check>, trouble: &mut Option<Trouble>) {
    let place = place(&config.komet.endpoint);
    match komet.box_types().await {
        Ok(list) => {
            let detail = format!("{place} answers and takes the token ({} box types)", list.len());
            checks.push(Check::ok("komet", detail));
        }
        Err(error) => {
            checks.push(trouble_of("komet", &error, trouble));
            if trouble.is_some() {
                return;
            }
        }
    }
    checks.extend(komet.clock().map(|clock| skew("komet clock", "Komet", clock)));
    let today = Utc::now().date_naive();
    let query =
        PrebookQuery { dates: PrebookDates::Ship { from: today, to: today }, updated_as_of: None, number: None };
    let mut denied = Vec::new();
    let mut note = |method, error: Option<SystemError>| {
        if let Some(error) = error {
            denied.push((method, error));
        }
    };
    note("carrier.list", komet.carriers().await.err());
    note("prebook.details.list", komet.prebooks(&query).await.err());
    note("purchase.order.list", komet.purchase_orders(&PoQuery::ShipDate(today)).await.err());
    if denied.is_empty() {
        let detail = "the token may use boxtype.list, carrier.list, prebook.details.list and purchase.order.list";
        checks.push(Check::ok("komet reads", detail));
    }
    for (method, error) in denied {
        let check = match &error.fault {
            Fault::Rejected(why) | Fault::Unauthorized(why) => {
                let detail = format!("the token may not use {method} ({why})");
                Check::failed("komet reads", detail, format!("Allow {method} for this token in Komet"))
            }
            _ => trouble_of("komet reads", &error, trouble),
        };
        checks.push(check);
    }
}

/// Which writing methods have worked on this link before.
async fn writes(config: &Config, store: Option<&Store>) -> Check {
    if config.komet.endpoint.is_sandbox() {
        return Check::ok("komet writes", "the sandbox's token may write");
    }
    let used: BTreeSet<String> = match store {
        Some(store) => store.read(methods_that_worked).await.unwrap_or_default(),
        None => BTreeSet::new(),
    };
    let unknown: Vec<_> = WRITES.into_iter().filter(|method| !used.contains(*method)).collect();
    if unknown.is_empty() {
        return Check::ok("komet writes", "each of the seven writing methods has worked on this link before");
    }
    let detail = format!(
        "whether the token may write cannot be tried without writing; no run has used these yet: {}",
        unknown.join(", ")
    );
    Check::warning("komet writes", detail, "Make sure that the token allows them")
}

fn methods_that_worked(conn: &Connection) -> Result<BTreeSet<String>, crate::store::StoreError> {
    let sql = "SELECT DISTINCT what FROM events WHERE system = 'komet' AND result IN ('done', 'adopted')";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is left of the day's quota, as far as this link counts it, and how far that reaches.
async fn quota_left(config: &Config, store: Option<&Store>, komet_now: DateTime<Utc>) -> Option<Check> {
    let (limit, users) = (config.komet.daily_limit(), config.komet.users);
    let scope = Scope { komet_now, ..budget::scope(config, Utc::now()) };
    let day = komet_now.date_naive();
    let look = move |conn: &Connection| Ok((quota::used(conn, day)?, BudgetReport::of(conn, &scope, users)?));
    let (used, budget) = store?.read(look).await.ok()?;
    let detail = format!("{used} of {limit} requests used today");
    let advice = "Komet refuses requests once it is spent; it starts anew at midnight UTC";
    Some(match budget.warning() {
        Some(warning) => Check::warning("quota", format!("{detail}; {warning}"), advice),
        // A full sync of an ordinary day must still fit.
        None if used * 10 < limit * 9 => Check::ok("quota", format!("{detail}, which lasts until the reset")),
        None => Check::warning("quota", detail, advice),
    })
}

async fn ask_axerrio(
    config: &Config,
    axerrio: &impl Axerrio,
    checks: &mut Vec<Check>,
    trouble: &mut Option<Trouble>,
) {
    let now = match axerrio.health().await {
        Ok(now) => {
            checks.push(Check::ok("axerrio", format!("{} answers", place(&config.axerrio.endpoint))));
            checks.push(skew("axerrio clock", "Axerrio", now));
            now
        }
        Err(error) => {
            checks.push(trouble_of("axerrio", &error, trouble));
            if trouble.is_some() {
                return;
            }
            Utc::now()
        }
    };
    // Nothing has changed since this moment: the shortest answer there is.
    let orders = axerrio.orders(now, None).await.map(drop);
    let labels = match &orders {
        Ok(()) => axerrio.labels(now, None).await.map(drop),
        Err(_) => Ok(()),
    };
    match orders.and(labels) {
        Ok(()) => checks.push(Check::ok("axerrio token", "the token may read orders and labels")),
        Err(error) => checks.push(trouble_of("axerrio token", &error, trouble)),
    }
}

fn place(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Sandbox => "the built-in sandbox".to_owned(),
        Endpoint::Remote { base_url, .. } => base_url.host_str().unwrap_or("the system").to_owned(),
    }
}

/// A failed request as a check, with what to do about it.
fn trouble_of(name: &'static str, error: &SystemError, trouble: &mut Option<Trouble>) -> Check {
    let (found, advice) = match &error.fault {
        Fault::Unreachable(_) => (
            Some(Trouble::Down),
            "Check base_url, the network, and whether the system is running; nothing was changed",
        ),
        Fault::Unauthorized(_) => {
            (Some(Trouble::Down), "Check the token: whether it is the right one, complete, and still valid")
        }
        Fault::QuotaSpent(_) => {
            (Some(Trouble::QuotaSpent), "Runs go on when Komet's day starts anew, at midnight UTC")
        }
        Fault::Throttled(_) => (Some(Trouble::Down), "Wait, then try again"),
        Fault::TimedOut(_) | Fault::Broken(_) | Fault::Server(_) => {
            (Some(Trouble::Down), "Try again shortly; if it stays so, ask whoever runs the system")
        }
        Fault::Uncounted(_) => {
            (Some(Trouble::Down), "See what is wrong with the database: nothing is sent that cannot be counted")
        }
        Fault::Unreadable(_) => (None, "Check that base_url leads to the system and not to a proxy's page"),
        Fault::Rejected(_) | Fault::NotFound(_) | Fault::TooLarge(_) => {
            (None, "Check base_url, and that the token allows this method")
        }
    };
    // A system that is down is worse news than a quota that is spent.
    *trouble = match (*trouble, found) {
        (Some(Trouble::Down), _) | (_, Some(Trouble::Down)) => Some(Trouble::Down),
        (before, found) => found.or(before),
    };
    Check::failed(name, error.to_string(), advice)
}

fn skew(name: &'static str, system: &str, clock: DateTime<Utc>) -> Check {
    let apart = clock - Utc::now();
    let seconds = apart.num_seconds().abs();
    let direction = if apart > TimeDelta::zero() { "ahead of" } else { "behind" };
    if apart.abs() <= SKEW {
        return Check::ok(name, format!("{system}'s clock is within {} s of this machine's", seconds.max(1)));
    }
    Check::warning(
        name,
        format!("{system}'s clock is {seconds} s {direction} this machine's"),
        "Nothing is lost, watermarks follow the other system's clock; but see that this machine's is right (timedatectl)",
    )
}
