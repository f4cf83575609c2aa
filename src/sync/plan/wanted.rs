//! What a line of an order born in Axerrio goes by in Komet now: its goods, as the local map and Komet's own map name them, and whether
//! the map was corrected since its item was made.

use std::fmt::Write as _;

use super::compare::{goods_from_axerrio, mapped_otherwise, product_ids};
use super::draft::Draft;
use super::po_lines::Buy;
use super::unmapped::parts_in_red;
use crate::domain::{AxLine, Breakdown, ItemLink, KometRef, LineId, MapKind, NewGoods, PrebookItem};

pub(super) fn item_link(draft: &Draft<'_>, line: &LineId) -> Option<ItemLink> {
    draft.agreed.lines.get(line).and_then(|l| l.item.clone())
}

/// Whether the local map names the line otherwise than its item was made by, or came to name what Komet does not know.
pub(super) fn is_mapped_otherwise(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    now_mapped(draft, line, link) || remapped(draft, line, link).is_some() || has_other_box_type(draft, line, link)
}

/// Names what the line goes by now, if the map was corrected since its item was made and procurement has not approved that.
pub(super) fn map_print(draft: &Draft<'_>, line: &AxLine) -> Option<String> {
    let link = item_link(draft, &line.id).filter(|link| draft.item_alive(link))?;
    if draft.is_line_decided(&line.id) || !is_mapped_otherwise(draft, line, &link) {
        return None;
    }
    let mut print = format!("{:?}", product_ids(&line.terms, draft.rules));
    let box_type = box_type_now(draft, line, &link);
    if let Some(box_type) = box_type.filter(|_| has_other_box_type(draft, line, &link)) {
        let _ = write!(print, " {box_type}");
    }
    Some(print)
}

/// The product went by its description, Komet does not know it, and the local map does by now.
fn now_mapped(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let Some(item) = draft.item(&link.item).filter(|item| !item.terms.is_mapped()) else { return false };
    // Axerrio may list the parts otherwise than it did then.
    let in_order = |mut ids: Vec<Option<i64>>| {
        ids.sort_unstable();
        ids
    };
    let is_as_asked =
        |ids: Vec<i64>| in_order(ids.into_iter().map(Some).collect()) == in_order(link.products.clone());
    if product_ids(&line.terms, draft.rules).is_some_and(|ids| !is_as_asked(ids)) {
        return true;
    }
    // Of a mixed box the map needs to name no more than the parts in red.
    let named: Option<Vec<i64>> =
        parts_in_red(item, &line.terms).map(|(_, part)| draft.rules.mapped_product(&part?.product.code)).collect();
    named.is_some_and(|ids| ids.iter().any(|id| !link.products.contains(&Some(*id))))
}

/// What the local map names otherwise than when the line's item was made, and by which ids the line goes by now.
pub(super) fn remapped(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> Option<(String, Vec<i64>)> {
    let then = &draft.agreed.lines.get(&line.id)?.terms;
    let item = &draft.item(&link.item)?.terms;
    let remapped = mapped_otherwise(&line.terms, then, item, &link.products, draft.rules)?;
    Some((remapped.product.description.clone(), remapped.ids))
}

/// The same of the box type.
pub(super) fn has_other_box_type(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let maps = draft.rules.maps;
    // What went by its code, Komet took for one of its own.
    let taken_for = || link.seen.as_ref().and_then(|seen| maps.box_type(&seen.terms.box_type));
    let (then, now) = (link.box_type.or_else(taken_for), box_type_now(draft, line, link));
    let is_shown = |item: &PrebookItem| maps.box_type(&item.terms.box_type) == then;
    then.is_some() && now.is_some() && now != then && draft.item(&link.item).is_some_and(is_shown)
}

/// Which box type the line's code is by the map, or, where the entry was taken away by which its item was made, by Komet's own list. What
/// that does not know stays as it was made: Komet would refuse it.
fn box_type_now(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> Option<i64> {
    let (maps, code) = (draft.rules.maps, &line.terms.box_type);
    let was_mapped = || {
        let then = draft.agreed.lines.get(&line.id).map(|agreed| &agreed.terms.box_type);
        link.box_type.is_some() && then == Some(code)
    };
    maps.komet(MapKind::BoxType, code).or_else(|| maps.box_type(code).filter(|_| was_mapped()))
}

/// What of a line is to be bought.
pub(super) fn wanted_goods(draft: &Draft<'_>, line: &AxLine) -> NewGoods {
    let mut goods = goods_from_axerrio(&line.terms, line.wanted_boxes(line.terms.boxes), draft.rules);
    if let Some(item) = item_link(draft, &line.id).and_then(|link| draft.item(&link.item)) {
        name_known_parts(&mut goods, item);
    }
    goods
}

/// A part that a person mapped in Komet goes by the id that Komet shows since: by its description alone it would be left out
/// of the PO. It is known by its description, or, where Komet shows the product's own since, as the only part that is packed
/// like it.
fn name_known_parts(goods: &mut NewGoods, item: &PrebookItem) {
    let mut shown: Vec<&Breakdown> = item.terms.breakdowns.iter().collect();
    let mut unnamed = Vec::new();
    for part in &mut goods.mix {
        let is_it = |shown: &&Breakdown| match &part.product {
            KometRef::Id(id) => shown.product.id == Some(*id),
            KometRef::Description(name) | KometRef::Code { name, .. } => {
                shown.product.description.eq_ignore_ascii_case(name)
            }
        };
        // Two products of one description: each is the one that is packed like it.
        let packing = (part.bunches, part.stems_per_bunch);
        let alike = shown.iter().position(|it| is_it(it) && (it.bunches, it.stems_per_bunch) == packing);
        let at = alike.or_else(|| shown.iter().position(is_it));
        match at.map(|at| shown.remove(at).product.id) {
            Some(Some(id)) => part.product = KometRef::Id(id),
            Some(None) => {}
            None => unnamed.push(part),
        }
    }
    let packings: Vec<(u32, u32)> = unnamed.iter().map(|part| (part.bunches, part.stems_per_bunch)).collect();
    for part in unnamed {
        let packing = (part.bunches, part.stems_per_bunch);
        let mut alike = shown.iter().filter(|shown| (shown.bunches, shown.stems_per_bunch) == packing);
        let is_only_one = packings.iter().filter(|other| **other == packing).count() == 1;
        let only = alike.next().filter(|_| is_only_one && alike.next().is_none());
        if let Some(id) = only.and_then(|shown| shown.product.id) {
            part.product = KometRef::Id(id);
        }
    }
}

/// What the PO should buy of a line in place.
pub(super) fn buy(draft: &Draft<'_>, line: &AxLine) -> Option<Buy> {
    let link = item_link(draft, &line.id)?;
    let mapped = match draft.item(&link.item) {
        Some(item) => Some(item.terms.is_mapped()),
        None => product_ids(&line.terms, draft.rules).map(|_| true),
    };
    Some(Buy {
        line: line.id.clone(),
        item: link.item,
        goods: wanted_goods(draft, line),
        confirmed: line.confirmed_boxes.is_some(),
        mapped,
        product: line.terms.product.description.clone(),
        code: Some(line.terms.product.code.clone()),
    })
}
