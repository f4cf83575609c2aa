//! Products that Komet does not know: it shows them in red, leaves them out of mixed boxes on POs and refuses their labels. What needs
//! one waits until somebody maps it, in Komet or by a local map, and goes on by itself then.

use super::compare::same_description;
use super::draft::Draft;
use crate::domain::{Breakdown, Flow, HoldReason, LineId, LineTerms, MixPart, PrebookItem, quoted};

/// Komet refuses labels of products it does not know; says so as soon as it shows.
pub(super) fn ask_for_unmapped(draft: &mut Draft<'_>) {
    if draft.order.flow == Flow::FromKomet {
        return;
    }
    // Nobody waits for what the order no longer wants.
    let is_wanted = |id: &LineId| {
        let order = draft.order.axerrio.order.as_ref();
        order.is_none_or(|order| {
            !order.status.is_off() && order.lines.iter().any(|line| line.id == *id && line.terms.boxes > 0)
        })
    };
    let unmapped: Vec<(LineId, String, String)> = draft
        .agreed
        .lines
        .iter()
        .filter(|(id, _)| is_wanted(id))
        .filter_map(|(id, line)| {
            let item = draft.item(&line.item.as_ref()?.item).filter(|i| i.is_alive())?;
            (!item.terms.is_mapped() && !is_mapped_on_po(draft, id))
                .then(|| (id.clone(), line.terms.product.description.clone(), line.terms.product.code.clone()))
        })
        .collect();
    for (line, product, code) in unmapped {
        ask_for_mapping(draft, &line, &product, Some(&code));
    }
}

/// Holds a line until somebody tells Komet the product.
pub(super) fn ask_for_mapping(draft: &mut Draft<'_>, line: &LineId, product: &str, code: Option<&str>) {
    let cause = code.unwrap_or(product).to_owned();
    let mut unknown = unknown_parts(draft, line);
    // From approval on the line is not made anew, and a local map is of no use.
    let is_decided = draft.is_line_decided(line);
    if !is_decided {
        let is_mapped = |code: &String| draft.rules.mapped_product(code).is_some();
        unknown.retain(|(_, code)| !code.as_ref().is_some_and(is_mapped));
    }
    if unknown.is_empty() {
        unknown.push((product.to_owned(), code.map(str::to_owned)));
    }
    let _ = draft.ask(HoldReason::UnmappedProduct, Some(line), &cause, || {
        let names: Vec<String> =
            unknown.iter().map(|(product, _)| format!("\u{201c}{product}\u{201d}")).collect();
        let codes = unknown.iter().filter_map(|(_, code)| code.as_ref()).filter(|code| !is_decided && !code.trim().is_empty());
        let local: Vec<String> =
            codes.map(|code| format!(", or run: stemsync map product set {} KOMET-ID", quoted(code))).collect();
        let late = if is_decided { " Its PO is approved: a local map comes too late for it." } else { "" };
        format!(
            "Komet does not know {}. Map it in Komet's Prebook Summary (shown in red){local}. stemsync goes on by itself then.{late}",
            names.join(", "),
            local = local.concat(),
        )
    });
}

/// The parts of a mixed box that Komet does not know: what they are called, and their codes in Axerrio where these are known.
fn unknown_parts(draft: &Draft<'_>, line: &LineId) -> Vec<(String, Option<String>)> {
    let Some(agreed) = draft.agreed.lines.get(line) else { return Vec::new() };
    let Some(item) = agreed.item.as_ref().and_then(|link| draft.item(&link.item)) else { return Vec::new() };
    parts_in_red(item, &agreed.terms)
        .map(|(shown, part)| {
            let part = part.filter(|_| draft.order.flow == Flow::FromAxerrio);
            (shown.product.description.clone(), part.map(|part| part.product.code.clone()))
        })
        .collect()
}

/// The parts of a mixed box that Komet shows in red, each with the part of the line that it is, where its description tells.
pub(super) fn parts_in_red<'t>(
    item: &'t PrebookItem,
    line: &'t LineTerms,
) -> impl Iterator<Item = (&'t Breakdown, Option<&'t MixPart>)> {
    let in_red = item.terms.breakdowns.iter().filter(|shown| shown.product.id.is_none());
    in_red.map(|shown| {
        let is_it = |part: &&MixPart| same_description(&part.product.description, &shown.product.description);
        (shown, line.mix.iter().find(is_it))
    })
}

/// Mapping need not touch a Prebook's changed-since, so the PO may know first (clarification 14).
pub(super) fn is_mapped_on_po(draft: &Draft<'_>, line: &LineId) -> bool {
    let links = draft.alive_po_links(line);
    let mut shown = links.iter().filter_map(|link| draft.po_line(&link.line)).peekable();
    shown.peek().is_some() && shown.all(|(_, po_line)| po_line.terms.is_mapped())
}
