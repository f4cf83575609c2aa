//! Orders born in Axerrio. Until procurement approves the PO, Axerrio owns header and lines: its changes are carried
//! out, Komet's are held. From approval on the PO is Komet's, and a change in Axerrio is held.
//!
//! Komet's lines cannot be changed, only deleted and added, so every change has the same shape: a line that is not
//! *in place* loses its PO line, then its Prebook item, and is created anew. Each step is planned from the views, so
//! it does not matter who took the step before.

use std::collections::BTreeSet;

use super::compare::{
    SHORT_FIELD, asked_differences, cut_field, goods_from_axerrio, product_ref, seen_differences,
};
use super::draft::Draft;
use super::purchase::{self, Buy};
use super::rules::window_of;
use super::{Need, links};
use crate::domain::{
    AgreedLine, AxLine, AxOrder, Header, HoldReason, ItemLink, KometRef, LineId, MapKind, NewPrebook,
    NewPrebookItem, OnConflict, Prebook, PrebookHeader, PrebookId, Verdict, blank, fingerprint, tag,
};
use crate::sync::action::{Action, CreatePrebook, DeleteItem, DeletePoLine};

/// Cause and decision of a whole order's cancellation.
pub(super) const CANCELLED: &str = "cancelled";

/// What is to become of a line.
enum Fate {
    /// Stands as it should.
    InPlace,
    /// Must be made.
    Create,
    /// Must go, to be made anew or for good.
    Delete,
    /// Waits for a person, or is left as a person decided.
    Leave,
}

pub(super) fn plan(draft: &mut Draft<'_>) {
    // A tag whose order was not read: nothing is decided on absence.
    let Some(order) = &draft.order.axerrio.order else { return };
    delete_strays(draft);
    judge_unlinked_items(draft);
    let wanted: Vec<&AxLine> = order.lines.iter().filter(|l| l.terms.boxes > 0).collect();
    if order.status.is_off() || wanted.is_empty() {
        cancel(draft);
        return;
    }
    let header_held = judge_headers(draft, order);
    let mut create = Vec::new();
    let mut buys = Vec::new();
    for line in &wanted {
        match fate(draft, order, line, &header_held) {
            Fate::InPlace => buys.extend(buy(draft, line)),
            Fate::Create => create.push(*line),
            Fate::Delete => delete_line(draft, &line.id),
            Fate::Leave => {}
        }
    }
    remove_lines(draft, &wanted);
    let deleting = draft.awaits(|a| matches!(a, Action::DeletePoLine(_) | Action::DeleteItem(_)));
    if !create.is_empty() && !deleting {
        create_lines(draft, order, &create, &header_held);
    }
    let location = order.header.location.clone();
    purchase::plan(draft, &buys, order.header.ship_date, location.as_deref());
}

/// What is to become of one line that Axerrio wants.
fn fate(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, held: &[PrebookId]) -> Fate {
    let Some(agreed) = draft.agreed.lines.get(&line.id).cloned() else {
        return new_line(draft, order, line);
    };
    let Some(link) = agreed.item.clone() else { return new_line(draft, order, line) };
    if !draft.item_alive(&link) {
        return dead_line(draft, order, line, &link);
    }
    if held.contains(&link.prebook) {
        return Fate::Leave;
    }
    let changed = !agreed.terms.same_goods(&line.terms);
    let moved = !header_stands(draft, &link.prebook, &order.header);
    let edits = edits(draft, &agreed, &link);
    if draft.is_decided() {
        return decided_line(draft, order, line, &link, changed, moved);
    }
    let mut replace = changed || moved || now_mapped(draft, line, &link);
    if !edits.is_empty() {
        let item = draft.item(&link.item);
        let goods = goods_from_axerrio(&line.terms, line.terms.boxes, draft.rules);
        let converged = item.is_some_and(|item| {
            changed && asked_differences(&goods, line.terms.mark_code.as_deref(), &item.terms).is_empty()
        });
        let cause = format!("{:016x}", fingerprint(&item.map(|i| (&i.terms, i.ship_date))));
        if converged {
            agree(draft, line, &link);
            replace = moved;
        } else if draft.rules.on_conflict == OnConflict::Owner {
            replace = true;
        } else {
            let shown = edits.join(", ");
            let both = if changed { " It changed in Axerrio as well." } else { "" };
            match draft.ask(HoldReason::EditedInKomet, Some(&line.id), &cause, || {
                format!(
                    "{shown} of Prebook item {} changed in Komet, but the order is Axerrio's until its PO is approved.{both} \
                     Take axerrio to write Axerrio's line again, take komet to leave Komet's as it is.",
                    link.item
                )
            }) {
                Some(Verdict::TakeAxerrio) => replace = true,
                Some(Verdict::TakeKomet) => {
                    agree(draft, line, &link);
                    replace = moved;
                }
                Some(Verdict::Dismissed) | None => return Fate::Leave,
            }
        }
    }
    if !replace {
        return Fate::InPlace;
    }
    if may_create(draft, order, line) { Fate::Delete } else { Fate::Leave }
}

/// A line that was never in Komet.
fn new_line(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) -> Fate {
    if draft.is_decided()
        && !takes_axerrio_after_approval(draft, &line.id, &line_cause(line, &order.header), "added")
    {
        return Fate::Leave;
    }
    if may_create(draft, order, line) { Fate::Create } else { Fate::Leave }
}

/// A line whose item is gone: stemsync is in the middle of a change, or somebody deleted it in Komet.
fn dead_line(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine, link: &ItemLink) -> Fate {
    if !link.dead {
        if draft.is_decided() {
            return Fate::Leave;
        }
        let cause = format!("deleted {}", link.item);
        if draft.rules.on_conflict == OnConflict::Hold {
            let verdict = draft.ask(HoldReason::EditedInKomet, Some(&line.id), &cause, || {
                format!(
                    "Prebook item {} was deleted in Komet, but the line still stands in Axerrio. Take axerrio to make it \
                     again, take komet to leave it deleted.",
                    link.item
                )
            });
            if verdict != Some(Verdict::TakeAxerrio) {
                return Fate::Leave;
            }
        }
    }
    if may_create(draft, order, line) { Fate::Create } else { Fate::Leave }
}

/// A line after approval: Komet's edits are Komet's right, Axerrio's are held.
fn decided_line(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    line: &AxLine,
    link: &ItemLink,
    changed: bool,
    moved: bool,
) -> Fate {
    if let Some(item) = draft.item(&link.item) {
        let seen = crate::domain::SeenItem { terms: item.terms.clone(), ship_date: item.ship_date };
        if let Some(link) = draft.agreed.lines.get_mut(&line.id).and_then(|l| l.item.as_mut()) {
            link.seen = Some(seen);
        }
    }
    if changed || moved {
        let what = if changed { "changed" } else { "moved to another date, carrier or customer PO" };
        return if takes_axerrio_after_approval(draft, &line.id, &line_cause(line, &order.header), what)
            && may_create(draft, order, line)
        {
            Fate::Delete
        } else {
            Fate::Leave
        };
    }
    Fate::InPlace
}

/// Asks about a change after approval; `true` if Axerrio's change is to be carried out all the same.
fn takes_axerrio_after_approval(draft: &mut Draft<'_>, line: &LineId, cause: &str, what: &str) -> bool {
    draft.ask(HoldReason::ChangedAfterApproval, Some(line), cause, || {
        format!(
            "the line was {what} in Axerrio after procurement approved the PO. Take axerrio to change Komet's Prebook and \
             PO, take komet to keep what was approved."
        )
    }) == Some(Verdict::TakeAxerrio)
}

/// A line that Axerrio no longer has.
fn remove_lines(draft: &mut Draft<'_>, wanted: &[&AxLine]) {
    let gone: Vec<(LineId, AgreedLine)> = draft
        .agreed
        .lines
        .iter()
        .filter(|(id, _)| !wanted.iter().any(|l| l.id == **id))
        .map(|(id, l)| (id.clone(), l.clone()))
        .collect();
    for (line, agreed) in gone {
        let alive = agreed.item.as_ref().is_some_and(|link| draft.item_alive(link))
            || !draft.alive_po_links(&line).is_empty();
        if !alive {
            continue;
        }
        let goes = if draft.is_decided() {
            takes_axerrio_after_approval(draft, &line, "removed", "removed")
        } else {
            agreed.item.as_ref().is_none_or(|link| may_delete_edited(draft, &line, &agreed, link))
        };
        if goes {
            delete_line(draft, &line);
        }
    }
}

/// A line that was edited in Komet is not deleted over somebody's head.
fn may_delete_edited(draft: &mut Draft<'_>, line: &LineId, agreed: &AgreedLine, link: &ItemLink) -> bool {
    let edits = edits(draft, agreed, link);
    if edits.is_empty() || draft.rules.on_conflict == OnConflict::Owner {
        return true;
    }
    let shown = edits.join(", ");
    let cause = format!("removed {:016x}", fingerprint(&draft.item(&link.item).map(|i| &i.terms)));
    draft.ask(HoldReason::EditedInKomet, Some(line), &cause, || {
        format!(
            "the line was removed in Axerrio, but {shown} of its Prebook item {} changed in Komet meanwhile. Take axerrio to \
             delete it, take komet to leave it.",
            link.item
        )
    }) == Some(Verdict::TakeAxerrio)
}

/// Takes a line out of Komet: its PO lines first, then its Prebook item.
fn delete_line(draft: &mut Draft<'_>, line: &LineId) {
    let po_links = draft.alive_po_links(line);
    for link in &po_links {
        draft.act(Action::DeletePoLine(DeletePoLine {
            number: link.number.clone(),
            po_item: link.line.clone(),
            line: line.clone(),
        }));
    }
    let link = draft.agreed.lines.get(line).and_then(|l| l.item.clone());
    if let Some(link) = link.filter(|link| po_links.is_empty() && draft.item_alive(link)) {
        if may_be_bought(draft, line, &link) {
            return;
        }
        draft.act(Action::DeleteItem(DeleteItem {
            prebook: link.prebook,
            item: link.item,
            line: Some(line.clone()),
        }));
    }
}

/// An item that was found, not made, in this database's life may be on a PO that was not read yet: it must not be
/// deleted under a PO line, nor before it is known whether procurement has approved it.
fn may_be_bought(draft: &mut Draft<'_>, line: &LineId, link: &ItemLink) -> bool {
    let known = draft.agreed.lines.get(line).is_some_and(|l| l.po_lines.iter().any(|po| po.item == link.item));
    if link.fresh || known {
        return false;
    }
    let Some(item) = draft.item(&link.item) else { return false };
    let mut unread = BTreeSet::new();
    if let Some(number) = item.po_number.as_ref().filter(|n| !draft.rules.facts.po_numbers_read.contains(n)) {
        unread.insert(Need::PurchaseOrder(number.clone()));
    }
    if !draft.rules.facts.po_dates_read.contains(&item.ship_date) {
        unread.insert(Need::PurchaseOrders(item.ship_date));
    }
    draft.needs.extend(unread.iter().cloned());
    !unread.is_empty()
}

/// The whole order is off, or has no lines left.
fn cancel(draft: &mut Draft<'_>) {
    let alive: Vec<LineId> = draft
        .agreed
        .lines
        .iter()
        .filter(|(id, l)| {
            l.item.as_ref().is_some_and(|link| draft.item_alive(link)) || !draft.alive_po_links(id).is_empty()
        })
        .map(|(id, _)| id.clone())
        .collect();
    if alive.is_empty() {
        return;
    }
    let mut released = draft.agreed.cancellation_released;
    if draft.is_decided() && !draft.is_po_cancelled() {
        let verdict = draft.ask(HoldReason::ChangedAfterApproval, None, CANCELLED, || {
            "the order was cancelled in Axerrio after procurement approved the PO. Take axerrio to delete it in Komet, take \
             komet to keep the PO."
                .to_owned()
        });
        if verdict != Some(Verdict::TakeAxerrio) {
            return;
        }
        // A person has already said that this one goes.
        released = true;
    }
    if draft.verdict(HoldReason::TooManyCancellations, None, CANCELLED).is_some() {
        return;
    }
    draft.cancels = !released;
    if released || draft.rules.may_cancel {
        for line in &alive {
            delete_line(draft, line);
        }
    }
}

/// Lines that `useExisting` put into another Prebook go before anything else (clarification 2).
fn delete_strays(draft: &mut Draft<'_>) {
    for stray in draft.agreed.strays.clone() {
        match stray.item {
            Some(item) => {
                draft.act(Action::DeleteItem(DeleteItem { prebook: stray.prebook, item, line: None }));
            }
            None => {
                let cause = format!("stray {}", stray.prebook);
                let _ = draft.ask(HoldReason::RejectedByKomet, Some(&stray.line), &cause, || {
                    format!(
                        "Komet put the line into Prebook id {}, which is not the order's and which the token cannot see. \
                         Delete it there by hand, then dismiss this.",
                        stray.prebook
                    )
                });
            }
        }
    }
}

/// Items in the order's Prebooks that stand for no line: stemsync's own late effect, or somebody's addition.
fn judge_unlinked_items(draft: &mut Draft<'_>) {
    for (prebook, item) in links::unlinked_items(draft) {
        let prebook_links = |id: &PrebookId| {
            draft.agreed.lines.values().filter_map(|l| l.item.as_ref()).any(|link| link.prebook == *id)
        };
        let own = draft.agreed.doubtful_creates > 0 && !prebook_links(&prebook.id);
        let delete = own
            || draft.rules.on_conflict == OnConflict::Owner
            || draft.ask(
                HoldReason::EditedInKomet,
                None,
                &format!("item {}", item.id),
                || {
                    format!(
                        "Prebook {} has an item ({}) that no line of the order stands for. Take axerrio to delete it, take \
                         komet to leave it.",
                        prebook.number, item.id
                    )
                },
            ) == Some(Verdict::TakeAxerrio);
        if delete && !draft.is_decided() {
            draft.act(Action::DeleteItem(DeleteItem {
                prebook: prebook.id.clone(),
                item: item.id.clone(),
                line: None,
            }));
        }
    }
}

/// Headers changed in Komet. Answers the Prebooks whose header waits for a person; of the others, those whose header a
/// person (or the owner rule) gave to Axerrio no longer stand.
fn judge_headers(draft: &mut Draft<'_>, order: &AxOrder) -> Vec<PrebookId> {
    let decided = draft.is_decided();
    let mut held = Vec::new();
    for prebook in &draft.order.komet.prebooks {
        let Some(agreed) = draft.agreed.prebooks.get(&prebook.id) else { continue };
        if !prebook.items.iter().any(crate::domain::PrebookItem::is_alive) {
            continue;
        }
        let Some(sent) = &agreed.sent else { continue };
        let edits = header_edits(agreed.seen.as_ref(), sent, prebook);
        let mut take_komet = edits.is_empty() || decided;
        let mut give_up = false;
        if !take_komet {
            let cause = format!("prebook {} {:016x}", prebook.id, fingerprint(&edit_key(&prebook.header)));
            if shown_as_wanted(&order.header, &prebook.header) {
                take_komet = true;
            } else if draft.rules.on_conflict == OnConflict::Owner {
                give_up = true;
            } else {
                let shown = edits.join(", ");
                match draft.ask(HoldReason::EditedInKomet, None, &cause, || {
                    format!(
                        "{shown} of Prebook {} changed in Komet, but the order is Axerrio's until its PO is approved. Take \
                         axerrio to move the lines to a new Prebook, take komet to leave it.",
                        prebook.number
                    )
                }) {
                    Some(Verdict::TakeAxerrio) => give_up = true,
                    Some(Verdict::TakeKomet) => take_komet = true,
                    Some(Verdict::Dismissed) | None => held.push(prebook.id.clone()),
                }
            }
        }
        if let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
            if take_komet {
                agreed.seen = Some(prebook.header.clone());
                if edits.iter().any(|e| *e != "carrier" && *e != "customer") && !decided {
                    agreed.sent = Some(order.header.clone());
                }
            }
            if give_up {
                agreed.sent = None;
            }
        }
    }
    held
}

/// What of a Komet header is reconciled.
fn edit_key(header: &PrebookHeader) -> impl serde::Serialize + use<> {
    (
        header.truck_date,
        blank(header.customer_po.as_deref()).map(str::to_owned),
        header.carrier_id,
        header.customer_id,
    )
}

fn shown_as_wanted(wanted: &Header, shown: &PrebookHeader) -> bool {
    wanted.truck_date() == shown.truck_date
        && cut_field(wanted.customer_po.as_deref()).as_deref() == blank(shown.customer_po.as_deref())
}

fn header_edits(seen: Option<&PrebookHeader>, sent: &Header, now: &Prebook) -> Vec<&'static str> {
    let now = &now.header;
    let mut fields = Vec::new();
    let (truck_date, customer_po) = match seen {
        Some(seen) => (seen.truck_date, blank(seen.customer_po.as_deref()).map(str::to_owned)),
        None => (sent.truck_date(), cut_field(sent.customer_po.as_deref())),
    };
    if truck_date != now.truck_date {
        fields.push("truck date");
    }
    if customer_po.as_deref() != blank(now.customer_po.as_deref()) {
        fields.push("customer PO");
    }
    if seen.is_some_and(|seen| seen.carrier_id != now.carrier_id) {
        fields.push("carrier");
    }
    if seen.is_some_and(|seen| seen.customer_id.is_some() && seen.customer_id != now.customer_id) {
        fields.push("customer");
    }
    fields
}

/// Whether the Prebook was made from a header that still says the same.
fn header_stands(draft: &Draft<'_>, prebook: &PrebookId, header: &Header) -> bool {
    draft.agreed.prebooks.get(prebook).and_then(|p| p.sent.as_ref()).is_some_and(|sent| sent.same_as(header))
}

/// In what Komet's item differs from what was agreed.
fn edits(draft: &Draft<'_>, agreed: &AgreedLine, link: &ItemLink) -> Vec<&'static str> {
    let Some(item) = draft.item(&link.item) else { return Vec::new() };
    match &link.seen {
        Some(seen) => seen_differences(seen, item),
        None => {
            let goods = goods_from_axerrio(&agreed.terms, agreed.terms.boxes, draft.rules);
            asked_differences(&goods, agreed.terms.mark_code.as_deref(), &item.terms)
        }
    }
}

/// Makes what both sides show now the agreed state of a line.
fn agree(draft: &mut Draft<'_>, line: &AxLine, link: &ItemLink) {
    let seen = draft
        .item(&link.item)
        .map(|item| crate::domain::SeenItem { terms: item.terms.clone(), ship_date: item.ship_date });
    if let Some(agreed) = draft.agreed.lines.get_mut(&line.id) {
        agreed.terms = line.terms.clone();
        if let Some(link) = &mut agreed.item {
            link.seen = seen;
        }
    }
}

/// The product was made by description, Komet does not know it, and the local map does by now.
fn now_mapped(draft: &Draft<'_>, line: &AxLine, link: &ItemLink) -> bool {
    let Some(item) = draft.item(&link.item) else { return false };
    if item.terms.is_mapped() {
        return false;
    }
    if line.terms.is_mixed() {
        line.terms.mix.iter().all(|part| draft.rules.mapped_product(&part.product.code).is_some())
    } else {
        draft.rules.mapped_product(&line.terms.product.code).is_some()
    }
}

fn line_cause(line: &AxLine, header: &Header) -> String {
    format!("{:016x}", fingerprint(&(&line.terms, header)))
}

/// Whether the line may be written at all: its fields fit, and Komet would still show it.
fn may_create(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) -> bool {
    let po_fits = fits(draft, None, "customer PO", order.header.customer_po.as_deref());
    let mark_fits = fits(draft, Some(&line.id), "mark code", line.terms.mark_code.as_deref());
    po_fits && mark_fits && order.header.ship_date >= draft.rules.visible_from
}

/// Whether a field fits Komet's 20 characters, or a person said to cut it.
fn fits(draft: &mut Draft<'_>, line: Option<&LineId>, field: &str, value: Option<&str>) -> bool {
    let Some(value) = blank(value) else { return true };
    let length = value.chars().count();
    if length <= SHORT_FIELD {
        return true;
    }
    let cause = format!("{field}: {value}");
    draft.ask(HoldReason::FieldTooLong, line, &cause, || {
        format!(
            "the {field} has {length} characters, Komet holds {SHORT_FIELD}. Shorten it in Axerrio, or take komet to cut it."
        )
    }) == Some(Verdict::TakeKomet)
}

/// Makes lines: in the order's Prebook where there is one with the same header, else in a new one.
fn create_lines(draft: &mut Draft<'_>, order: &AxOrder, lines: &[&AxLine], held: &[PrebookId]) {
    if draft.awaits(|a| matches!(a, Action::DeleteItem(_))) {
        return;
    }
    let ship_date = order.header.ship_date;
    if draft.agreed.prebooks.is_empty() && !draft.rules.facts.windows_known.contains(&window_of(ship_date)) {
        draft.needs.insert(Need::Prebooks(ship_date));
        return;
    }
    let expect = (!draft.agreed.avoid_existing)
        .then(|| {
            draft
                .agreed
                .prebooks
                .iter()
                .rev()
                .find(|(id, p)| {
                    let still_there = p.seen.is_none() || draft.prebook(id).is_some();
                    still_there && !held.contains(id) && header_stands(draft, id, &order.header)
                })
                .map(|(id, _)| id.clone())
        })
        .flatten();
    let action = create_action(draft, order, lines, expect.clone());
    if draft.was_refused_together(&action) {
        // One line of several was refused: alone, the others pass.
        let singles: Vec<Action> =
            lines.iter().map(|line| create_action(draft, order, &[*line], expect.clone())).collect();
        for single in singles {
            draft.act(single);
        }
    } else {
        draft.act(action);
    }
}

fn create_action(draft: &Draft<'_>, order: &AxOrder, lines: &[&AxLine], expect: Option<PrebookId>) -> Action {
    let rules = draft.rules;
    let header = &order.header;
    let party = |kind, party: &crate::domain::Party| match rules.maps.komet(kind, &party.code) {
        Some(id) => KometRef::Id(id),
        None => KometRef::Code { code: party.code.clone(), name: party.name.clone() },
    };
    let items = lines
        .iter()
        .map(|line| NewPrebookItem {
            line: line.id.clone(),
            product: product_ref(&line.terms.product, rules),
            goods: goods_from_axerrio(&line.terms, line.terms.boxes, rules),
            price: line.terms.unit_price,
            ship_date: header.ship_date,
            mark_code: cut_field(line.terms.mark_code.as_deref()),
        })
        .collect();
    Action::CreatePrebook(CreatePrebook {
        new: NewPrebook {
            customer: party(MapKind::Customer, &header.customer),
            carrier: header.carrier.as_ref().map(|c| party(MapKind::Carrier, c)),
            truck_date: header.truck_date(),
            customer_po: cut_field(header.customer_po.as_deref()),
            comments: tag::append(header.comments.as_deref(), &order.id),
            location_code: blank(header.location.as_deref()).or(rules.location_code).map(str::to_owned),
            use_existing: expect.is_some(),
            items,
        },
        header: header.clone(),
        lines: lines.iter().map(|l| (l.id.clone(), l.terms.clone())).collect(),
        expect,
    })
}

/// What the PO should buy of a line in place: a lower `confirmedBoxes` is what is bought (clarification 8).
fn buy(draft: &Draft<'_>, line: &AxLine) -> Option<Buy> {
    let link = draft.agreed.lines.get(&line.id)?.item.clone()?;
    let item = draft.item(&link.item);
    let boxes = line.confirmed_boxes.map_or(line.terms.boxes, |confirmed| confirmed.min(line.terms.boxes));
    let all_parts_mapped = line.terms.mix.iter().all(|p| draft.rules.mapped_product(&p.product.code).is_some());
    Some(Buy {
        line: line.id.clone(),
        item: link.item,
        goods: goods_from_axerrio(&line.terms, boxes, draft.rules),
        fresh: link.fresh,
        po_number: item.and_then(|i| i.po_number.clone()),
        mapped: item.map_or(all_parts_mapped.then_some(true), |i| Some(i.terms.is_mapped())),
        product: line.terms.product.description.clone(),
        code: Some(line.terms.product.code.clone()),
    })
}
