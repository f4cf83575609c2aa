//! The fields of a Prebook's header that are reconciled: whether Komet shows what Axerrio wants, and what it shows otherwise than
//! at first.

use super::compare::is_field_kept;
use super::rules::Rules;
use crate::domain::{Header, MapKind, Party, Prebook, PrebookHeader, blank, fingerprint};

/// What of a Prebook's header is reconciled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    TruckDate,
    CustomerPo,
    Carrier,
    Customer,
    Location,
}

impl Field {
    pub(super) const ALL: [Self; 5] =
        [Self::TruckDate, Self::CustomerPo, Self::Carrier, Self::Customer, Self::Location];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TruckDate => "truck date",
            Self::CustomerPo => "customer PO",
            Self::Carrier => "carrier",
            Self::Customer => "customer",
            Self::Location => "location",
        }
    }

    /// Whether Komet shows what Axerrio wants.
    pub(super) fn is_as_wanted(self, wanted: &Header, shown: &PrebookHeader, rules: &Rules<'_>) -> bool {
        match self {
            Self::TruckDate => wanted.truck_date() == shown.truck_date,
            Self::CustomerPo => is_field_kept(wanted.customer_po.as_deref(), shown.customer_po.as_deref()),
            Self::Carrier => is_carrier(wanted.carrier.as_ref(), shown.carrier_id, rules) == Some(true),
            Self::Customer => is_customer(&wanted.customer, shown.customer_id, rules) == Some(true),
            Self::Location => is_location(wanted, shown, rules) == Some(true),
        }
    }

    /// Makes this field of `sent` what Axerrio wants.
    pub(super) fn agree(self, sent: &mut Header, wanted: &Header) {
        match self {
            Self::TruckDate => sent.truck_date = Some(wanted.truck_date()),
            Self::CustomerPo => sent.customer_po.clone_from(&wanted.customer_po),
            Self::Carrier => sent.carrier.clone_from(&wanted.carrier),
            Self::Customer => sent.customer.clone_from(&wanted.customer),
            Self::Location => sent.location.clone_from(&wanted.location),
        }
    }

    /// Whether Axerrio wants what it wanted when `sent` was made.
    pub(super) fn is_as_sent(self, sent: &Header, wanted: &Header) -> bool {
        let mut now = sent.clone();
        self.agree(&mut now, wanted);
        now.same_as(sent)
    }
}

/// Whether Komet's carrier is the one that Axerrio names; `None` where that cannot be told.
pub(super) fn is_carrier(wanted: Option<&Party>, shown: Option<i64>, rules: &Rules<'_>) -> Option<bool> {
    let (code, shown) = (&wanted?.code, shown?);
    if let Some(mapped) = rules.maps.komet(MapKind::Carrier, code) {
        return Some(mapped == shown);
    }
    let mut named = rules.carriers.iter().filter(|(_, known)| known.eq_ignore_ascii_case(code)).peekable();
    named.peek()?;
    Some(named.any(|(id, _)| *id == shown))
}

/// Whether Komet's customer is the one that Axerrio names; `None` where that cannot be told.
fn is_customer(wanted: &Party, shown: Option<i64>, rules: &Rules<'_>) -> Option<bool> {
    Some(rules.maps.komet(MapKind::Customer, &wanted.code)? == shown?)
}

/// Whether Komet's location is the one that Axerrio names, or else `sync.toml`; `None` where that cannot be told.
fn is_location(wanted: &Header, shown: &PrebookHeader, rules: &Rules<'_>) -> Option<bool> {
    let wanted = blank(wanted.location.as_deref()).or(rules.location_code)?;
    Some(wanted.eq_ignore_ascii_case(blank(shown.location_code.as_deref())?))
}

/// Whether Komet shows the customer that it was sent: by the map, else by the code; `None` where that cannot be told.
pub(super) fn names_customer(sent: &Party, shown: &PrebookHeader, rules: &Rules<'_>) -> Option<bool> {
    let by_code = || Some(blank(shown.customer_code.as_deref())?.eq_ignore_ascii_case(sent.code.trim()));
    is_customer(sent, shown.customer_id, rules).or_else(by_code)
}

/// Whether Komet surely shows another customer than it was sent.
pub(super) fn is_other_customer(sent: &Party, shown: &PrebookHeader, rules: &Rules<'_>) -> bool {
    names_customer(sent, shown, rules) == Some(false)
}

/// The header that a found Prebook stands for: Axerrio's, but with what Komet surely shows otherwise, so that a change
/// that came in between is noticed as one.
pub(super) fn as_shown(wanted: &Header, prebook: &Prebook, rules: &Rules<'_>) -> Header {
    let shown = &prebook.header;
    let mut header = wanted.clone();
    header.truck_date = Some(shown.truck_date);
    if !Field::CustomerPo.is_as_wanted(wanted, shown, rules) {
        header.customer_po.clone_from(&shown.customer_po);
    }
    if is_carrier(wanted.carrier.as_ref(), shown.carrier_id, rules) == Some(false) {
        header.carrier = shown.carrier_id.map(|id| Party {
            code: rules.carriers.get(&id).cloned().unwrap_or_else(|| id.to_string()),
            name: shown.carrier_name.clone().unwrap_or_default(),
        });
    }
    if is_customer(&wanted.customer, shown.customer_id, rules) == Some(false) {
        let code = shown.customer_code.clone().or_else(|| shown.customer_id.map(|id| id.to_string()));
        header.customer = Party { code: code.unwrap_or_default(), name: String::new() };
    }
    // What `sync.toml` names may have been another when it was made.
    if blank(wanted.location.as_deref()).is_some() && is_location(wanted, shown, rules) == Some(false) {
        header.location.clone_from(&shown.location_code);
    }
    let mut dates = prebook.items.iter().filter(|item| item.is_alive()).map(|item| item.ship_date).peekable();
    if let Some(first) = dates.peek().copied()
        && !dates.any(|date| date == wanted.ship_date)
    {
        header.ship_date = first;
    }
    header
}

/// In what Komet's header differs from its first sight, or, at first sight, from what was surely sent.
pub(super) fn edits(
    seen: Option<&PrebookHeader>,
    sent: &Header,
    now: &PrebookHeader,
    rules: &Rules<'_>,
) -> Vec<Field> {
    let truck_date = seen.map_or(sent.truck_date(), |seen| seen.truck_date);
    let differences = [
        (Field::TruckDate, truck_date != now.truck_date),
        (
            Field::CustomerPo,
            match seen {
                Some(seen) => blank(seen.customer_po.as_deref()) != blank(now.customer_po.as_deref()),
                None => !is_field_kept(sent.customer_po.as_deref(), now.customer_po.as_deref()),
            },
        ),
        (
            Field::Carrier,
            match seen {
                Some(seen) => seen.carrier_id != now.carrier_id,
                None => is_carrier(sent.carrier.as_ref(), now.carrier_id, rules) == Some(false),
            },
        ),
        (
            Field::Customer,
            match seen {
                Some(seen) => seen.customer_id.is_some() && seen.customer_id != now.customer_id,
                None => is_other_customer(&sent.customer, now, rules),
            },
        ),
        (
            Field::Location,
            match seen {
                Some(seen) => match (blank(seen.location_code.as_deref()), blank(now.location_code.as_deref())) {
                    (Some(seen), Some(now)) => !seen.eq_ignore_ascii_case(now),
                    _ => false,
                },
                None => is_location(sent, now, rules) == Some(false),
            },
        ),
    ];
    differences.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}

/// Names what Komet shows of a header.
pub(super) fn shown_print(header: &PrebookHeader) -> u64 {
    fingerprint(&(header.truck_date, blank(header.customer_po.as_deref()), header.carrier_id, header.customer_id))
}

pub(super) fn told(edits: &[Field]) -> String {
    edits.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}
