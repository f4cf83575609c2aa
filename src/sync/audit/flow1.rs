//! Orders born in Axerrio: each line against the Prebook item that stands for it, the header against each Prebook.

use super::Context;
use super::findings::{Findings, text};
use super::purchase::{self, Expected};
use crate::domain::{
    AgreedLine, AgreedPrebook, AxLine, AxOrder, AxStatus, Flow, HoldReason, KometTerms, LineId, LineTerms,
    MapKind, MixPart, NO_ORDER, Prebook, PrebookItem, UnitType, blank,
};
use crate::sync::plan::{
    Sight, UNSEEN, is_cost_kept, is_field_kept, line_parts, mapped_otherwise, parts, parts_changed, parts_differ,
    same_description,
};

pub(super) fn compare(found: &mut Findings<'_>, sight: &Sight, context: &Context<'_>) {
    let alive = alive_items(found.order);
    let Some(ax) = found.order.axerrio.order.as_ref() else {
        if !alive.is_empty() && context.whole.orders {
            let left = found.is_left(HoldReason::EditedInKomet, None, |cause| cause.starts_with(NO_ORDER));
            found.report(left, None, "order", text("absent"), text("present"));
        }
        return;
    };
    let wanted: Vec<&AxLine> = ax.lines.iter().filter(|l| l.terms.boxes > 0).collect();
    if ax.status.is_off() || wanted.is_empty() {
        if stands_in_komet(found, sight, &alive) {
            let are_added = |found: &Findings<'_>| {
                alive.iter().all(|(_, item)| {
                    let cause = format!("item {}", item.id);
                    found.is_left(HoldReason::EditedInKomet, None, |c| c == cause)
                })
            };
            // Lines that a person kept, each by itself.
            let are_kept = |found: &Findings<'_>| {
                alive.iter().all(|(_, item)| {
                    let line = owner(sight, item);
                    line.is_some_and(|line| {
                        found.is_left(HoldReason::EditedInKomet, Some(line), |_| true) || found.is_kept_out(line)
                    })
                })
            };
            let left = found.is_left(HoldReason::ChangedAfterApproval, None, |_| true)
                || found.was_left(HoldReason::TooManyCancellations, None)
                || !alive.is_empty() && (are_added(found) || are_kept(found));
            found.report(left, None, "order", text(status_name(ax.status)), text("present"));
        }
        return;
    }
    compare_missing(found, sight, &wanted, context);
    compare_surplus(found, sight, &wanted, &alive, context);
    if found.names(None, "order") {
        return;
    }
    compare_headers(found, sight, ax, context);
    let mut expected = Vec::new();
    for line in wanted {
        let Some(agreed) = sight.agreed.lines.get(&line.id) else { continue };
        let Some((_, item)) = item_of(found, agreed) else { continue };
        compare_line(found, line, agreed, item, context);
        expected.extend(Expected::of(line, item.id.clone()));
    }
    compare_ship_dates(found, sight, ax);
    purchase::compare(found, sight, &expected, context);
}

fn alive_items(order: &crate::domain::Order) -> Vec<(&Prebook, &PrebookItem)> {
    let items = order.komet.prebooks.iter().flat_map(|p| p.items.iter().map(move |i| (p, i)));
    items.filter(|(_, item)| item.is_alive()).collect()
}

/// Whether anything of an order that is off still stands in Komet.
fn stands_in_komet(found: &Findings<'_>, sight: &Sight, alive: &[(&Prebook, &PrebookItem)]) -> bool {
    !alive.is_empty()
        || sight
            .agreed
            .lines
            .values()
            .flat_map(|l| &l.po_lines)
            .any(|link| purchase::standing(found.order, link).is_some())
}

fn item_of<'o>(found: &Findings<'o>, agreed: &AgreedLine) -> Option<(&'o Prebook, &'o PrebookItem)> {
    let link = agreed.item.as_ref()?;
    alive_items(found.order).into_iter().find(|(_, item)| item.id == link.item)
}

/// The line that an item stands for.
fn owner<'s>(sight: &'s Sight, item: &PrebookItem) -> Option<&'s LineId> {
    let mut lines = sight.agreed.lines.iter();
    let is_its = |agreed: &AgreedLine| agreed.item.as_ref().is_some_and(|link| link.item == item.id);
    lines.find(|(_, agreed)| is_its(agreed)).map(|(id, _)| id)
}

/// Lines that Komet does not have.
fn compare_missing(found: &mut Findings<'_>, sight: &Sight, wanted: &[&AxLine], context: &Context<'_>) {
    if !context.whole.prebooks {
        return;
    }
    let missing: Vec<&&AxLine> = wanted
        .iter()
        .filter(|line| sight.agreed.lines.get(&line.id).and_then(|agreed| item_of(found, agreed)).is_none())
        .collect();
    let left = |found: &Findings<'_>, line: &AxLine| {
        // From approval on Komet's people may delete the item, and nobody is asked about what is bought all the same; what was
        // agreed before then stands until the line changes.
        let agreed = sight.agreed.lines.get(&line.id).filter(|agreed| agreed.terms.same_goods(&line.terms));
        let is_decided = |agreed: &AgreedLine| {
            let is_let_go = agreed.item.as_ref().is_some_and(|link| link.let_go);
            is_let_go && is_approved(found, agreed) || found.was_left(HoldReason::EditedInKomet, Some(&line.id))
        };
        let is_unseen = sight.agreed.unseen.contains_key(&line.id)
            && found.is_left(HoldReason::EditedInKomet, None, |cause| cause.starts_with(UNSEEN));
        is_unseen || is_line_left(found, &line.id) || agreed.is_some_and(is_decided)
    };
    if missing.len() == wanted.len() {
        let all_left = missing.iter().all(|line| left(found, line));
        found.report(all_left, None, "order", text("present"), text("absent"));
        return;
    }
    for line in missing {
        let is_left = left(found, line);
        found.report(is_left, Some(&line.id), "line", text("present"), text("absent"));
    }
}

/// Items that stand for no line that Axerrio wants.
fn compare_surplus(
    found: &mut Findings<'_>,
    sight: &Sight,
    wanted: &[&AxLine],
    alive: &[(&Prebook, &PrebookItem)],
    context: &Context<'_>,
) {
    for (prebook, item) in alive {
        let owner = owner(sight, item);
        // Komet's lists show it no more: nobody knows whether it stands.
        if owner.is_none() && item.ship_date < context.rules.visible_from {
            continue;
        }
        let shown = text(format_args!("item {} of Prebook {}", item.id, prebook.number));
        match owner {
            Some(line) if wanted.iter().any(|w| w.id == *line) => {}
            Some(line) => {
                let left = is_line_left(found, line);
                found.report(left, Some(line), "line", text("absent"), shown);
            }
            None => {
                let cause = format!("item {}", item.id);
                let left = found.is_left(HoldReason::EditedInKomet, None, |c| c == cause);
                found.report_each(left, None, "item", text("absent"), shown);
            }
        }
    }
}

fn compare_headers(found: &mut Findings<'_>, sight: &Sight, ax: &AxOrder, context: &Context<'_>) {
    let order = found.order;
    for prebook in &order.komet.prebooks {
        let linked = sight.agreed.lines.values().filter_map(|l| l.item.as_ref()).any(|link| {
            link.prebook == prebook.id && prebook.items.iter().any(|i| i.id == link.item && i.is_alive())
        });
        let stray = sight.agreed.strays.iter().any(|s| s.prebook == prebook.id);
        if let (true, false, Some(agreed)) = (linked, stray, sight.agreed.prebooks.get(&prebook.id)) {
            compare_header(found, sight, ax, prebook, agreed, context);
        }
    }
}

/// Whether a person said of the line that it stays in its Prebook, whatever Axerrio says of the order by now.
fn is_left_where_it_is(found: &Findings<'_>, line: &LineId) -> bool {
    found.is_left(HoldReason::ChangedAfterApproval, Some(line), |_| true)
        || found.is_left(HoldReason::EditedInKomet, Some(line), |cause| cause.starts_with("moved "))
        || found.is_kept_out(line)
}

fn compare_header(
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
            ["", "moved ", "lines of "]
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

fn carrier_code(carrier: Option<&crate::domain::Party>) -> Option<&str> {
    carrier.map(|carrier| carrier.code.as_str())
}

/// The day the vendor ships stands on Komet's items. If they all agree on another day than Axerrio, the order moved;
/// else single lines did. Komet may ignore the day it is told: then its first sight is what counts.
fn compare_ship_dates(found: &mut Findings<'_>, sight: &Sight, ax: &AxOrder) {
    let ours = ax.header.ship_date;
    let mut moved = Vec::new();
    let mut standing = 0;
    for line in ax.lines.iter().filter(|l| l.terms.boxes > 0) {
        let Some(agreed) = sight.agreed.lines.get(&line.id) else { continue };
        let Some((prebook, item)) = item_of(found, agreed) else { continue };
        standing += 1;
        let seen = agreed.item.as_ref().and_then(|link| link.seen.as_ref());
        let sent = sight.agreed.prebooks.get(&prebook.id).and_then(|p| p.sent.as_ref());
        let explained = seen.is_some_and(|seen| seen.ship_date == item.ship_date)
            && sent.is_none_or(|sent| sent.ship_date == ours);
        // From approval on Komet's people may move it, and that is told apart; what Komet made of the date at first is nobody's doing.
        let is_moved = agreed.item.as_ref().is_some_and(|link| {
            let before = link.before_approval.as_ref();
            before.is_some_and(|before| before.ship_date != item.ship_date)
        });
        let left = explained
            && (found.was_left(HoldReason::EditedInKomet, Some(&line.id))
                || is_moved && is_approved(found, agreed));
        if item.ship_date != ours && (!explained || left) {
            let left = left || is_line_left(found, &line.id);
            moved.push((&line.id, item.ship_date, left));
        }
    }
    let same_day = moved.windows(2).all(|pair| pair[0].1 == pair[1].1);
    match moved.first() {
        Some((_, day, left)) if moved.len() == standing && same_day => {
            found.report(*left, None, "ship_date", text(ours), text(day));
        }
        _ => {
            for (line, day, left) in moved {
                found.report(left, Some(line), "ship_date", text(ours), text(day));
            }
        }
    }
}

/// Whether a person has said to leave the line as it is on both sides.
pub(super) fn is_line_left(found: &Findings<'_>, line: &LineId) -> bool {
    [HoldReason::EditedInKomet, HoldReason::ChangedAfterApproval]
        .into_iter()
        .any(|reason| found.is_left(reason, Some(line), |_| true))
        || found.is_kept_out(line)
}

fn compare_line(
    found: &mut Findings<'_>,
    line: &AxLine,
    agreed: &AgreedLine,
    item: &PrebookItem,
    context: &Context<'_>,
) {
    let seen = agreed.item.as_ref().and_then(|link| link.seen.as_ref()).map(|seen| &seen.terms);
    let unchanged = agreed.terms.same_goods(&line.terms)
        && seen.is_some_and(|seen| crate::sync::plan::item_differences(seen, &item.terms).is_empty());
    let decided = [HoldReason::EditedInKomet, HoldReason::ChangedAfterApproval]
        .into_iter()
        .any(|reason| found.was_left(reason, Some(&line.id)));
    // From approval on an edit of the item is Komet's right (product.md, Who owns what).
    let approved = is_approved(found, agreed);
    let left = unchanged && (decided || approved) || is_line_left(found, &line.id);
    let (ours, shown) = (&line.terms, &item.terms);
    for (field, axerrio, komet) in line_differences(ours, &agreed.terms, shown, seen, context) {
        found.report(left, Some(&line.id), field, axerrio, komet);
    }
    let asked = agreed.item.as_ref().map(|link| &link.products[..]).unwrap_or_default();
    if let Some(remapped) = mapped_otherwise(ours, &agreed.terms, shown, asked, &context.rules) {
        let left = found.is_left(HoldReason::ChangedAfterApproval, Some(&line.id), |_| true);
        let mut parts = shown.breakdowns.iter().map(|part| &part.product);
        let wrong = parts.find(|product| product.id == Some(remapped.former)).map(|product| &product.description);
        let wrong = wrong.map_or_else(|| product_name(shown), |name| format!("{} {name}", remapped.former));
        found.report(left, Some(&line.id), "product", text(&remapped.product.code), text(wrong));
    }
    // Which product the codes of the two sides mean only its first sight tells, and that follows the item once it is Komet's:
    // the PO line still shows what was bought.
    let mut bought = agreed.po_lines.iter().filter_map(|link| purchase::standing(found.order, link));
    let of_another = |bought: &KometTerms| {
        let both = bought.product.id.zip(shown.product.id);
        both.is_some_and(|(bought, shown)| bought != shown)
    };
    if approved && !ours.is_mixed() && bought.any(|(_, line)| of_another(&line.terms)) {
        found.report(left, Some(&line.id), "product", text(&ours.product.code), text(product_name(shown)));
    }
}

/// Whether procurement has approved a PO that buys the line.
fn is_approved(found: &Findings<'_>, agreed: &AgreedLine) -> bool {
    let mut pos = found.order.komet.purchase_orders.iter().filter(|po| po.status.is_decided());
    pos.any(|po| po.lines.iter().any(|it| it.is_alive() && agreed.po_lines.iter().any(|link| link.line == it.id)))
}

type Field = (&'static str, Option<String>, Option<String>);

/// In what Axerrio's line and Komet's item differ. `then` and `seen` are what both showed when last agreed.
fn line_differences(
    ours: &LineTerms,
    then: &LineTerms,
    shown: &KometTerms,
    seen: Option<&KometTerms>,
    context: &Context<'_>,
) -> Vec<Field> {
    let mut fields = Vec::new();
    let mixed = ours.is_mixed();
    if product_differs(ours, then, shown, seen, context) {
        fields.push(("product", text(&ours.product.code), text(product_name(shown))));
    }
    // Of a mixed box Komet computes all but the number of boxes by itself.
    let mut number = |field, certain: bool, ours: String, then: String, shown: String, seen: Option<String>| {
        let differs = ours != shown && (certain || ours != then || seen.is_some_and(|seen| seen != shown));
        if differs {
            fields.push((field, Some(ours), Some(shown)));
        }
    };
    let of = |value: fn(&KometTerms) -> String| (value(shown), seen.map(value));
    let (now, before) = of(|t| t.boxes.to_string());
    number("boxes", true, ours.boxes.to_string(), then.boxes.to_string(), now, before);
    let (now, before) = of(|t| t.bunches.to_string());
    number("bunches", !mixed, ours.bunches.to_string(), then.bunches.to_string(), now, before);
    let (now, before) = of(|t| t.stems_per_bunch.to_string());
    number("stems", !mixed, ours.stems_per_bunch.to_string(), then.stems_per_bunch.to_string(), now, before);
    let (now, before) = of(|t| t.unit_cost.normalize().to_string());
    let cost = |terms: &LineTerms| terms.unit_cost.normalize().to_string();
    let as_seen = seen.is_none_or(|seen| seen.unit_cost == shown.unit_cost);
    if !(as_seen && is_cost_kept(ours.unit_cost, shown.unit_cost)) {
        number("cost", !mixed, cost(ours), cost(then), now, before);
    }
    let (now, before) = of(|t| t.unit_type.map(unit_name).unwrap_or_default().to_owned());
    let unit = |terms: &LineTerms| unit_name(terms.unit_type).to_owned();
    number("unit_type", !mixed && shown.unit_type.is_some(), unit(ours), unit(then), now, before);
    let mark = (blank(ours.mark_code.as_deref()), blank(shown.mark_code.as_deref()));
    if !is_field_kept(mark.0, mark.1) {
        fields.push(("mark_code", mark.0.and_then(text), mark.1.and_then(text)));
    }
    if box_type_differs(ours, then, shown, seen, context) {
        fields.push(("box_type", text(&ours.box_type), text(&shown.box_type)));
    }
    if mix_differs(ours, then, shown, seen, context) {
        fields.push(("mix", text(parts_of_mix(&ours.mix)), text(parts_of_komet(shown))));
    }
    fields
}

fn product_differs(
    ours: &LineTerms,
    then: &LineTerms,
    shown: &KometTerms,
    seen: Option<&KometTerms>,
    context: &Context<'_>,
) -> bool {
    let mapped = context.rules.mapped_product(&ours.product.code);
    if mapped.is_some() && mapped == shown.product.id {
        return false;
    }
    let changed_there = match seen {
        Some(seen) => match (seen.product.id, shown.product.id) {
            (Some(before), now) => now != Some(before),
            // A product that Komet has come to know is no difference.
            (None, Some(_)) => false,
            (None, None) => !same_description(&seen.product.description, &shown.product.description),
        },
        None => match (mapped, shown.product.id) {
            (Some(mapped), Some(shown)) => mapped != shown,
            (_, None) => !same_description(&ours.product.description, &shown.product.description),
            (None, Some(_)) => false,
        },
    };
    ours.product.name() != then.product.name() || changed_there
}

/// A product for people: Komet's id where it knows the product.
pub(super) fn product_name(shown: &KometTerms) -> String {
    match shown.product.id {
        Some(id) => format!("{id} {}", shown.product.description).trim_end().to_owned(),
        None => shown.product.description.clone(),
    }
}

fn box_type_differs(
    ours: &LineTerms,
    then: &LineTerms,
    shown: &KometTerms,
    seen: Option<&KometTerms>,
    context: &Context<'_>,
) -> bool {
    match (expected_box_type(&ours.box_type, context), blank(Some(&shown.box_type))) {
        (Some(expected), Some(shown)) => !expected.eq_ignore_ascii_case(shown),
        _ => {
            !then.box_type.eq_ignore_ascii_case(&ours.box_type)
                || seen.is_some_and(|seen| !seen.box_type.eq_ignore_ascii_case(&shown.box_type))
        }
    }
}

/// The code by which Komet names a box type of Axerrio's; `None` if it is mapped to an id that Komet does not list.
pub(super) fn expected_box_type<'c>(code: &'c str, context: &Context<'c>) -> Option<&'c str> {
    match context.rules.maps.komet(MapKind::BoxType, code) {
        Some(id) => context.box_types.get(&id).map(String::as_str),
        None => Some(code),
    }
}

fn mix_differs(
    ours: &LineTerms,
    then: &LineTerms,
    shown: &KometTerms,
    seen: Option<&KometTerms>,
    context: &Context<'_>,
) -> bool {
    if shown.breakdowns.is_empty() {
        return ours.mix != then.mix && !ours.same_goods(then)
            || seen.is_some_and(|seen| !seen.breakdowns.is_empty());
    }
    if parts_differ(&line_parts(ours, Flow::FromAxerrio, &context.rules), &parts(&shown.breakdowns)) {
        return true;
    }
    let codes = |terms: &LineTerms| {
        let mut codes: Vec<_> = terms.mix.iter().map(|p| p.product.code.clone()).collect();
        codes.sort();
        codes
    };
    // Which part is which where the two sides name them differently only what both showed when last agreed tells.
    let changed_here = parts_of_mix(&ours.mix) != parts_of_mix(&then.mix);
    let moved = seen.is_some_and(|seen| parts_changed(seen, shown) != changed_here);
    let known = |terms: &KometTerms| {
        let mut ids: Vec<_> = terms.breakdowns.iter().filter_map(|b| b.product.id).collect();
        ids.sort_unstable();
        ids
    };
    let remapped = seen.is_some_and(|seen| {
        let now = known(shown);
        known(seen).iter().any(|id| !now.contains(id))
    });
    // A mix that was taken over from Komet as it was found has no codes to compare with.
    !then.mix.is_empty() && (codes(ours) != codes(then) || moved) || remapped
}

pub(super) fn parts_of_mix(mix: &[MixPart]) -> String {
    let parts =
        mix.iter().map(|p| part_text(&p.product.code, p.bunches, p.stems_per_bunch, p.unit_cost)).collect();
    in_order(parts)
}

pub(super) fn parts_of_komet(shown: &KometTerms) -> String {
    let parts = shown
        .breakdowns
        .iter()
        .map(|b| {
            let product = b.product.id.map_or_else(|| b.product.description.clone(), |id| id.to_string());
            part_text(&product, b.bunches, b.stems_per_bunch, b.unit_cost)
        })
        .collect();
    in_order(parts)
}

/// Parts are the same whichever comes first.
fn in_order(mut parts: Vec<String>) -> String {
    parts.sort();
    parts.join(", ")
}

fn part_text(product: &str, bunches: u32, stems: u32, cost: rust_decimal::Decimal) -> String {
    format!("{bunches}x{stems} {product} at {}", cost.normalize())
}

/// Whether two texts have the same words, whatever their case.
fn same_words(a: Option<&str>, b: Option<&str>) -> bool {
    let words = |text: Option<&str>| {
        text.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    words(a) == words(b)
}

pub(super) fn unit_name(unit: UnitType) -> &'static str {
    match unit {
        UnitType::Stem => "stem",
        UnitType::Bunch => "bunch",
    }
}

pub(super) fn status_name(status: AxStatus) -> &'static str {
    match status {
        AxStatus::Placed => "placed",
        AxStatus::Accepted => "accepted",
        AxStatus::Rejected => "rejected",
        AxStatus::Cancelled => "cancelled",
        AxStatus::Shipped => "shipped",
    }
}
