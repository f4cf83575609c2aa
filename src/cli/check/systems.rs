//! Both systems: whether they answer and take the token, and how far their clocks are from this machine's. What the
//! tokens may do stands in `rights`.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Check, rights};
use crate::cli::link;
use crate::config::{Config, Endpoint};
use crate::reports::budget::{self, BudgetReport};
use crate::store::{Connection, Store, quota};
use crate::sync::pace::Scope;
use crate::systems::{Axerrio, Fault, Komet, PoQuery, PrebookDates, PrebookQuery, System, SystemError};

/// Clocks further apart than this deserve a look. Watermarks follow the other system's clock, so nothing is lost.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// What to do about an answer that no system of this kind gives.
const NOT_THE_SYSTEM: &str = "Check that base_url leads to the system and not to a proxy's page";

/// What keeps every run from its work, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Komet's quota of the day is spent.
    QuotaSpent,
    /// A system cannot be reached or refuses the token.
    Down,
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
        checks.extend(rights::writes(System::Komet, config.komet.endpoint.is_sandbox(), store).await);
    }
    checks.extend(quota_left(config, store, komet.clock().unwrap_or_else(Utc::now)).await);
    let before = trouble.take();
    ask_axerrio(config, &systems.axerrio, &mut checks, &mut trouble).await;
    if trouble.is_none() {
        checks.extend(rights::writes(System::Axerrio, config.axerrio.endpoint.is_sandbox(), store).await);
    }
    // A system that is down is worse news than a quota that is spent.
    let trouble = before.max(trouble);
    Asked { checks, trouble, komet_requests: komet.requests() }
}

async fn ask_komet(config: &Config, komet: &impl Komet, checks: &mut Vec<Check>, trouble: &mut Option<Trouble>) {
    let place = place(&config.komet.endpoint);
    let box_types = komet.box_types().await.map(|list| list.len());
    // A refusal is an answer, too: of one method, of which is told below.
    let mut carriers = None;
    let answered = match &box_types {
        Ok(_) | Err(SystemError { fault: Fault::Rejected(_), .. }) => true,
        // What is said of the token may be meant of this method: a token that may read anything else is good.
        Err(SystemError { fault: Fault::Unauthorized(_), .. }) => carriers.insert(komet.carriers().await).is_ok(),
        Err(_) => false,
    };
    match &box_types {
        Ok(count) => {
            let detail = format!("{place} answers and takes the token ({count} box types)");
            checks.push(Check::ok("komet", detail));
        }
        Err(_) if answered => checks.push(Check::ok("komet", format!("{place} answers"))),
        Err(error) => {
            checks.push(trouble_of("komet", error, trouble));
            if trouble.is_some() {
                return;
            }
        }
    }
    checks.extend(komet.clock().map(|clock| skew("komet clock", "Komet", clock)));
    let today = Utc::now().date_naive();
    let query =
        PrebookQuery { dates: PrebookDates::Ship { from: today, to: today }, updated_as_of: None, number: None };
    let mut note = |method, answer: Result<(), SystemError>| {
        let told = rights::read(System::Komet, method, answer);
        checks.push(told.unwrap_or_else(|error| trouble_of("komet rights", &error, trouble).of(method)));
    };
    if answered {
        note("boxtype.list", box_types.map(drop));
    }
    let carriers = match carriers {
        Some(answer) => answer,
        None => komet.carriers().await,
    };
    note("carrier.list", carriers.map(drop));
    note("prebook.details.list", komet.prebooks(&query).await.map(drop));
    note("purchase.order.list", komet.purchase_orders(&PoQuery::ShipDate(today)).await.map(drop));
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
    let mut note = |method, answer: Result<(), SystemError>| {
        let told = match answer {
            // Who refuses the token here refuses every run, whatever `health` said.
            Err(error @ SystemError { fault: Fault::Unauthorized(_), .. }) => Err(error),
            answer => rights::read(System::Axerrio, method, answer),
        };
        checks.push(told.unwrap_or_else(|error| trouble_of("axerrio rights", &error, trouble).of(method)));
    };
    // Nothing has changed since this moment: the shortest answer there is.
    note("GET orders", axerrio.orders(now, None).await.map(drop));
    note("GET labels", axerrio.labels(now, None).await.map(drop));
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
        Fault::NoSuchAddress(System::Komet) => {
            (Some(Trouble::Down), "It is what stands before a method's name: https://api.kometsales.com/api/")
        }
        Fault::NoSuchAddress(System::Axerrio) => (
            Some(Trouble::Down),
            "It is what stands before `orders` and `labels`, such as https://axerrio.example/api/v1",
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
            (None, "See what is wrong with the database: nothing is sent that cannot be counted")
        }
        // Every run ends with 5 where a page comes in place of an answer.
        Fault::Page(_) => (Some(Trouble::Down), NOT_THE_SYSTEM),
        Fault::TooLong | Fault::Unreadable(_) => (None, NOT_THE_SYSTEM),
        Fault::Rejected(_) | Fault::NotFound(_) | Fault::TooLarge(_) | Fault::Stopped => {
            (None, "Check base_url, and that the token allows this method")
        }
    };
    *trouble = (*trouble).max(found);
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
