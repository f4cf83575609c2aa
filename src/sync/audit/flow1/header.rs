//! The header against each Prebook.

use super::{is_approved, item_of};
use crate::domain::{AgreedPrebook, AxOrder, HoldReason, LineId, MapKind, Party, Prebook, blank};
use crate::sync::audit::Context;
use crate::sync::audit::findings::{Findings, text};
use crate::sync::plan::{Sight, is_field_kept};

pub(super) fn compare_all(found: &mut Findings<'_>, sight: &Sight, ax: &AxOrder, context: &Context<'_>) {
    let order = found.order;
    for prebook in &order.komet.prebooks {
        let linked = sight.agreed.lines.values().filter_map(|l| l.item.as_ref()).any(|link| {
            link.prebook == prebook.id && prebook.items.iter().any(|i| i.id == link.item && i.is_alive())
        });
        let stray = sight.agreed.strays.iter().any(|s| s.prebook == prebook.id);
        if let (true, false, Some(agreed)) = (linked, stray, sight.agreed.prebooks.get(&prebook.id)) {
            compare(found, sight, ax, prebook, agreed, context);
        }
    }
}

/// Whether a person said of the line that it stays in its Prebook, whatever Axerrio says of the order by now.
fn is_left_where_it_is(found: &Findings<'_>, line: &LineId) -> bool {
    found.is_left(HoldReason::ChangedAfterApproval, Some(line), |_| true)
        || found.is_left(HoldReason::EditedInKomet, Some(line), |cause| cause.starts_with("moved "))
        || found.is_kept_out(line)
}

fn compare(
    found: &mut Findings<'_>,
    sight: &Sight,
    ax: &AxOrder,
    prebook: &Prebook,
    agreed: &AgreedPrebook,
    context: &Context<'_>,
) {
    let (ours, shown) = (&ax.header, &prebook.header);
    let (sent, seen) = (agreed.sent.as_ref(), agreed.seen.as_ref());
    // Nothing came up since the header was agreed: what differs now differed then.
    let explained = sent.is_some_and(|sent| sent.same_as(ours))
        && seen.is_none_or(|seen| {
            seen.truck_date == shown.truck_date
                && blank(seen.customer_po.as_deref()) == blank(shown.customer_po.as_deref())
                && seen.carrier_id == shown.carrier_id
                && seen.customer_id == shown.customer_id
                && blank(seen.location_code.as_deref()) == blank(shown.location_code.as_deref())
        });
    let mut its_lines = sight
        .agreed
        .lines
        .iter()
        .filter(|(_, line)| item_of(found, line).is_some_and(|(its_prebook, _)| its_prebook.id == prebook.id));
    // From approval on Komet's people may change it, like an item.
    let is_komets = sight.agreed.lines.values().any(|line| is_approved(found, line));
    let left = its_lines.all(|(line, _)| is_left_where_it_is(found, line))
        || explained && (is_komets || found.was_left(HoldReason::EditedInKomet, None))
        || found.is_left(HoldReason::EditedInKomet, None, |cause| {
            let own = format!("prebook {} ", prebook.id);
            ["", "moved ", "lines of ", "unmapped "]
                .iter()
                .any(|what| cause.strip_prefix(what).is_some_and(|c| c.starts_with(&own)))
        });
    if ours.truck_date() != shown.truck_date {
        found.report(left, None, "truck_date", text(ours.truck_date()), text(shown.truck_date));
    }
    let po = (blank(ours.customer_po.as_deref()), blank(shown.customer_po.as_deref()));
    let normalised = explained && same_words(po.0, po.1);
    if !is_field_kept(po.0, po.1) && !normalised {
        found.report(left, None, "customer_po", po.0.and_then(text), po.1.and_then(text));
    }
    let maps = context.rules.maps;
    let carrier = ours.carrier.as_ref().and_then(|carrier| {
        let mapped = maps.komet(MapKind::Carrier, &carrier.code);
        mapped.or_else(|| carrier_id(&carrier.code, context))
    });
    let shown_carrier = shown.carrier_id.filter(|id| *id != 0);
    let differs = match carrier {
        Some(expected) => shown_carrier != Some(expected),
        // Komet may give an order without a carrier one of its own, or know this one by another code.
        None => {
            sent.is_some_and(|sent| carrier_code(sent.carrier.as_ref()) != carrier_code(ours.carrier.as_ref()))
                || seen.is_some_and(|seen| seen.carrier_id != shown.carrier_id)
        }
    };
    if differs {
        let name = |id: i64| context.rules.carriers.get(&id).cloned().unwrap_or_else(|| id.to_string());
        found.report(
            left,
            None,
            "carrier",
            ours.carrier.as_ref().map(|c| c.code.clone()),
            shown_carrier.map(name),
        );
    }
    let code = &ours.customer.code;
    let differs = match (maps.komet(MapKind::Customer, code), shown.customer_id, shown.customer_code.as_deref()) {
        (Some(expected), Some(id), _) => expected != id,
        (_, _, Some(shown)) if !shown.trim().is_empty() => !shown.trim().eq_ignore_ascii_case(code.trim()),
        _ => {
            sent.is_some_and(|sent| sent.customer.code != *code)
                || seen.is_some_and(|seen| seen.customer_id != shown.customer_id)
        }
    };
    if differs {
        let komet = shown.customer_code.clone().or_else(|| shown.customer_id.map(|id| id.to_string()));
        found.report(left, None, "customer", text(code), komet);
    }
    let expected = blank(ours.location.as_deref()).or(context.settings.location_code.as_deref());
    let location = blank(shown.location_code.as_deref());
    let moved = sent.is_some_and(|sent| blank(sent.location.as_deref()) != blank(ours.location.as_deref()));
    let differs = match (expected, location) {
        (Some(expected), Some(shown)) => !expected.eq_ignore_ascii_case(shown),
        _ => moved,
    };
    if differs {
        found.report(left, None, "location", expected.and_then(text), location.and_then(text));
    }
}

fn carrier_id(code: &str, context: &Context<'_>) -> Option<i64> {
    let mut ids =
        context.rules.carriers.iter().filter(|(_, known)| known.trim().eq_ignore_ascii_case(code.trim()));
    let first = ids.next().map(|(id, _)| *id);
    first.filter(|_| ids.next().is_none())
}

fn carrier_code(carrier: Option<&Party>) -> Option<&str> {
    carrier.map(|carrier| carrier.code.as_str())
}

/// Whether two texts have the same words, whatever their case.
fn same_words(a: Option<&str>, b: Option<&str>) -> bool {
    let words = |text: Option<&str>| {
        text.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    words(a) == words(b)
}
