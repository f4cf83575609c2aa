//! Items whose ids were answered in another order than they were asked for. That a create answers them in the order sent is
//! assumed (komet-api.md), so the first sight of an item says which line it was made for: a PO that was made by then buys the
//! wrong goods, and is put right like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{asked_differences, goods_from_axerrio, is_surely_product};
use super::draft::Draft;
use crate::domain::{AgreedLine, ItemId, LineId, PoItemId, PoLine, PoLink, PrebookItem};

/// Gives lines that were linked crosswise the items that were made for them, where these are surely other lines'.
pub(super) fn uncross(draft: &mut Draft<'_>) {
    let crossed: Vec<(LineId, ItemId)> = draft
        .agreed
        .lines
        .iter()
        .filter_map(|(line, agreed)| {
            let link = agreed.item.as_ref().filter(|link| link.fresh && link.seen.is_none() && !link.dead)?;
            let item = draft.item(&link.item).filter(|item| item.is_alive())?;
            (!is_made_for(draft, agreed, item)).then(|| (line.clone(), item.id.clone()))
        })
        .collect();
    if crossed.len() < 2 {
        return;
    }
    let mut free: Vec<&ItemId> = crossed.iter().map(|(_, item)| item).collect();
    let mut own: Vec<(&LineId, ItemId)> = Vec::new();
    for (line, _) in &crossed {
        let fits = |item: &&ItemId| {
            let agreed = draft.agreed.lines.get(line);
            agreed.zip(draft.item(item)).is_some_and(|(agreed, item)| is_made_for(draft, agreed, item))
        };
        // All or nothing: one that is left over was edited, and then nothing is certain.
        let Some(at) = free.iter().position(fits) else { return };
        own.push((line, free.remove(at).clone()));
    }
    let mut bought: Vec<PoLink> = Vec::new();
    for (line, item) in &own {
        let Some(agreed) = draft.agreed.lines.get_mut(*line) else { continue };
        bought.append(&mut agreed.po_lines);
        if let Some(link) = &mut agreed.item {
            link.item = item.clone();
        }
    }
    for link in bought {
        let owner = own.iter().find(|(_, item)| *item == link.item).map(|(line, _)| *line);
        if let Some(agreed) = owner.and_then(|line| draft.agreed.lines.get_mut(line)) {
            agreed.po_lines.push(link);
        }
    }
}

/// Gives PO lines whose ids were answered in another order than they were asked for, or that no list shows, the ids under which
/// their PO buys their items: what was asked for stays with the item that it was asked for.
pub(super) fn uncross_purchases(draft: &mut Draft<'_>) {
    let links = || draft.agreed.lines.values().flat_map(|line| &line.po_lines);
    let is_crossed = |link: &&PoLink| {
        let is_made = link.asked.is_some() && link.seen.is_none() && !link.dead;
        let buys_another = |line: &PoLine| line.item_id.as_ref().is_some_and(|item| *item != link.item);
        is_made && draft.po_line(&link.line).map_or(link.gone, |(_, line)| buys_another(line))
    };
    let others: BTreeSet<&PoItemId> = links().filter(|link| !is_crossed(link)).map(|link| &link.line).collect();
    let own = |link: &PoLink| {
        let mut lines = draft.po(&link.number)?.lines.iter().filter(|line| line.is_alive());
        let line = lines.find(|line| line.item_id.as_ref() == Some(&link.item) && !others.contains(&line.id))?;
        Some((link.line.clone(), line.id.clone()))
    };
    let renamed: BTreeMap<PoItemId, PoItemId> = links().filter(is_crossed).filter_map(own).collect();
    for link in draft.agreed.lines.values_mut().flat_map(|line| &mut line.po_lines) {
        if let Some(id) = renamed.get(&link.line) {
            link.line = id.clone();
            link.gone = false;
        }
    }
}

/// Whether the item is surely what was asked for the line.
fn is_made_for(draft: &Draft<'_>, line: &AgreedLine, item: &PrebookItem) -> bool {
    let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
    is_surely_product(&line.terms, item, draft.rules)
        && asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms).is_empty()
}
