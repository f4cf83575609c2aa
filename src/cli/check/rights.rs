//! What each token may do, method by method, because each is allowed by itself. A reading method is asked once. A writing
//! one is not tried: none of Komet's pages names a request that is certain to be refused without effect. What earlier runs
//! met with must do: that it worked, or that it was refused in words that speak of rights.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Check;
use crate::cli::output::relative;
use crate::store::{Connection, Store, StoreError, events};
use crate::systems::{Fault, System, SystemError};

/// Komet's writing methods that stemsync needs (komet-api.md, "Tokens").
const KOMET_WRITES: &[&str] = &[
    "prebook.create",
    "prebook.item.delete",
    "purchase.order.create",
    "purchase.order.mixed.create",
    "purchase.order.item.delete",
    "purchase.order.items.awb.add",
    "box.code.change",
];

/// Axerrio's, by the names of `data/axerrio.openapi.yaml`.
const AXERRIO_WRITES: &[&str] = &[
    "PUT orders/by-ref/{externalRef}",
    "POST orders/by-ref/{externalRef}/cancel",
    "PUT orders/{id}/purchase-order",
];

fn name(system: System) -> &'static str {
    match system {
        System::Komet => "komet rights",
        System::Axerrio => "axerrio rights",
    }
}

/// A reading method that was asked; `Err` hands back what is no refusal of this method.
pub(super) fn read(
    system: System,
    method: &'static str,
    answer: Result<(), SystemError>,
) -> Result<Check, SystemError> {
    match answer {
        Ok(()) => Ok(Check::ok(name(system), "allowed, it answers").of(method)),
        Err(error) => match &error.fault {
            Fault::Rejected(why) | Fault::Unauthorized(why) => {
                Ok(Check::failed(name(system), format!("refused ({why})"), allow(system, method)).of(method))
            }
            _ => Err(error),
        },
    }
}

fn allow(system: System, method: &str) -> String {
    format!("Allow {method} for this token in {}", system.title())
}

/// The writing methods, as far as earlier runs have met with them.
pub(super) async fn writes(system: System, is_sandbox: bool, store: Option<&Store>) -> Vec<Check> {
    let methods = if system == System::Komet { KOMET_WRITES } else { AXERRIO_WRITES };
    let name = name(system);
    if is_sandbox {
        return vec![Check::ok(
            name,
            format!("the sandbox's token may use all {} writing methods", methods.len()),
        )];
    }
    let past = match store {
        Some(store) => store.read(move |conn| Past::read(conn, system)).await.unwrap_or_default(),
        None => Past::default(),
    };
    let now = Utc::now();
    methods.iter().map(|method| past.tell(system, method, now).of(method)).collect()
}

/// What earlier runs met with, by method.
#[derive(Debug, Default)]
struct Past {
    worked: BTreeMap<String, DateTime<Utc>>,
    /// Refused for want of rights: when last, and in which words.
    refused: BTreeMap<String, (DateTime<Utc>, String)>,
}

impl Past {
    fn read(conn: &Connection, system: System) -> Result<Self, StoreError> {
        let worked = events::last_done(conn, system)?;
        let failed = events::failed(conn, system)?;
        let refused = failed
            .into_iter()
            .filter_map(|event| {
                let why = words_of_rights(&event.detail)?.to_owned();
                Some((event.what, (event.at, why)))
            })
            .collect();
        Ok(Self { worked, refused })
    }

    fn tell(&self, system: System, method: &str, now: DateTime<Utc>) -> Check {
        let name = name(system);
        let worked = self.worked.get(method);
        match self.refused.get(method) {
            Some((at, why)) if worked.is_none_or(|worked| worked < at) => {
                let detail = format!("refused {} ({why})", relative(*at, now));
                Check::failed(name, detail, allow(system, method))
            }
            _ => match worked {
                Some(at) => Check::ok(name, format!("allowed, it worked {}", relative(*at, now))),
                None => {
                    Check::untried(name, "it writes, and no run has used it yet", "See that the token allows it")
                }
            },
        }
    }
}

/// The words of a refusal, in an event's detail, if they speak of rights: of a token, or of what somebody may not use.
/// "Not allowed" alone may speak of a cost or a box.
fn words_of_rights(detail: &str) -> Option<&str> {
    let refused = detail.split_once("refused: ").map(|(_, why)| why);
    let token = || detail.split_once("refuses the token (").map(|(_, why)| why.strip_suffix(')').unwrap_or(why));
    let Some(why) = refused else { return token() };
    let plain = why.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    let rights = has(&[
        "http 401",
        "http 403",
        "permission",
        "forbidden",
        "access denied",
        "no access",
        "not authorized",
        "unauthorized",
    ]);
    let not_allowed = has(&["not allowed", "not permitted", "may not use", "not enabled"]);
    (rights || (not_allowed && has(&["method", "token", "user", "api", "function"]))).then_some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_speak_of_rights_are_told_from_those_of_the_trade() {
        for (detail, expected) in [
            (
                "prebook AX-1: Komet Sales prebook.create: refused: Method not allowed for this user",
                Some("Method not allowed for this user"),
            ),
            ("4 boxes: Komet Sales box.code.change: refuses the token (Invalid token)", Some("Invalid token")),
            ("x: Axerrio PUT orders: refused: no permission", Some("no permission")),
            ("x: Komet Sales prebook.create: refused: HTTP 403: not allowed", Some("HTTP 403: not allowed")),
            ("x: Komet Sales prebook.create: refused: This cost is not allowed", None),
            ("x: Komet Sales prebook.create: refused: Unknown customer", None),
            ("x: Komet Sales prebook.create: server error (502)", None),
        ] {
            assert_eq!(words_of_rights(detail), expected, "{detail}");
        }
    }
}
