//! The two sides of an order next to each other, line by line, with what was agreed between them. What counts as a difference
//! is not decided here: it is what `verify` would say of the same views.

use std::collections::BTreeSet;

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::Visitor;
use crate::domain::{
    AgreedLine, AxLine, HoldReason, ItemId, KometTerms, LineId, LineTerms, Order, PoLine, PoNumber, PrebookId,
    PrebookItem, UnitType,
};
use crate::page::parts::day;
use crate::reports::story::{po_words, unit_words};
use crate::sync::audit::{AuditReport, Difference};

/// Fields whose values are for whoever is logged in: prices, and what names the customer.
const PRIVATE: [&str; 7] = ["cost", "po_cost", "mix", "po_mix", "customer", "customer_po", "mark_code"];

pub(super) fn draw(visitor: &Visitor, order: &Order, audit: &AuditReport) -> Markup {
    let lines = Line::of(order);
    html! {
        (in_short(order, audit))
        (list("Of the order as a whole", visitor, &of_line(order, audit, None)))
        // Whoever has no pointer scrolls it too.
        div.scroll tabindex="0" role="region" aria-label="Both sides, line by line" {
            table.sides.stacked {
                caption { "What each side last said, and what was last agreed between them" }
                thead {
                    tr {
                        th scope="col" { "Line" } th scope="col" { "Axerrio" } th scope="col" { "Agreed" }
                        th scope="col" { "Komet's Prebook" } th scope="col" { "Komet's PO" } th scope="col" { "Difference" }
                    }
                }
                tbody {
                    (header(visitor, order))
                    @for line in &lines { (row(visitor, order, line, audit)) }
                }
            }
        }
    }
}

/// Whether they agree, and but for what.
fn in_short(order: &Order, audit: &AuditReport) -> Markup {
    let (waits, left): (Vec<_>, Vec<_>) = audit.agreed_to_differ.iter().partition(|it| waits_for_map(order, it));
    let but = match (waits.is_empty(), left.is_empty()) {
        (true, true) => "",
        (true, false) => ", but for what a person agreed to leave",
        (false, true) => ", but for labels that wait until their product is mapped",
        (false, false) => {
            ", but for what a person agreed to leave, and for labels that wait until their product is mapped"
        }
    };
    html! {
        @if audit.differences.is_empty() {
            p.lead.good { "Both sides say the same" (but) "." }
        } @else {
            p.lead.waiting { "The sides differ, as marked." }
        }
    }
}

/// Whether a label has no box only because Komet does not know its product. A person said not to be asked about that again; nobody
/// agreed to leave it so.
fn waits_for_map(order: &Order, difference: &Difference) -> bool {
    let is_of_line = |line: Option<&LineId>| line.map(|line| line.0.as_str()) == difference.line.as_deref();
    let mut decisions = order.agreed.decisions.iter();
    difference.field == "box_code"
        && difference.komet.as_deref() == Some("absent")
        && decisions.any(|it| it.reason == HoldReason::UnmappedProduct && is_of_line(it.line.as_ref()))
}

/// Everything that stands for one line.
struct Line<'o> {
    name: String,
    id: Option<&'o LineId>,
    axerrio: Option<&'o AxLine>,
    agreed: Option<&'o AgreedLine>,
    item: Option<&'o PrebookItem>,
    bought: Vec<&'o PoLine>,
}

impl<'o> Line<'o> {
    /// Axerrio's lines as it lists them, those it no longer has, then what Komet has beside them.
    fn of(order: &'o Order) -> Vec<Self> {
        let asked: Vec<&AxLine> = order.axerrio.order.iter().flat_map(|order| &order.lines).collect();
        let gone = order.agreed.lines.keys().filter(|id| !asked.iter().any(|line| line.id == **id));
        let ids: Vec<&LineId> = asked.iter().map(|line| &line.id).chain(gone).collect();
        let items: Vec<&PrebookItem> = order.komet.prebooks.iter().flat_map(|prebook| &prebook.items).collect();
        let bought: Vec<&PoLine> = order.komet.purchase_orders.iter().flat_map(|po| &po.lines).collect();
        let (mut used, mut lines): (BTreeSet<&ItemId>, Vec<Self>) = (BTreeSet::new(), Vec::new());
        for id in ids {
            let agreed = order.agreed.lines.get(id);
            let link = agreed.and_then(|agreed| agreed.item.as_ref()).map(|link| &link.item);
            // Flow 2 names Axerrio's lines by the Prebook's items.
            let is_its =
                |item: &&&PrebookItem| link.map_or_else(|| item.id.to_string() == id.0, |link| item.id == *link);
            let item = items.iter().find(is_its).copied();
            used.extend(item.map(|item| &item.id));
            let for_item = |line: &&&PoLine| {
                let linked = agreed.is_some_and(|agreed| agreed.po_lines.iter().any(|link| link.line == line.id));
                linked || item.is_some_and(|item| line.item_id.as_ref() == Some(&item.id))
            };
            let bought = bought.iter().filter(for_item).copied().collect();
            let axerrio = asked.iter().find(|line| line.id == *id).copied();
            lines.push(Self { name: id.0.clone(), id: Some(id), axerrio, agreed, item, bought });
        }
        for item in items.iter().copied().filter(|item| !used.contains(&item.id)) {
            let bought = bought.iter().copied().filter(|line| line.item_id.as_ref() == Some(&item.id)).collect();
            lines.push(Self {
                name: format!("item {}", item.id),
                id: None,
                axerrio: None,
                agreed: None,
                item: Some(item),
                bought,
            });
        }
        let told: BTreeSet<_> = lines.iter().flat_map(|line| &line.bought).map(|line| line.id.clone()).collect();
        for line in bought.into_iter().filter(|line| !told.contains(&line.id)) {
            let name = format!("PO line {}", line.id);
            lines.push(Self { name, id: None, axerrio: None, agreed: None, item: None, bought: vec![line] });
        }
        lines.retain(Self::is_anything);
        lines
    }

    /// What was deleted everywhere is history.
    fn is_anything(&self) -> bool {
        self.axerrio.is_some()
            || self.item.is_some_and(PrebookItem::is_alive)
            || self.bought.iter().any(|line| line.is_alive())
    }

    fn product(&self) -> &'o str {
        let komet = self.item.map(|item| &item.terms).or(self.bought.first().map(|line| &line.terms));
        let axerrio = self.axerrio.map(|line| &line.terms).or(self.agreed.map(|agreed| &agreed.terms));
        axerrio
            .map(|terms| &*terms.product.description)
            .or(komet.map(|terms| &*terms.product.description))
            .unwrap_or_default()
    }
}

fn row(visitor: &Visitor, order: &Order, line: &Line<'_>, audit: &AuditReport) -> Markup {
    let id = line.id.map_or_else(|| line.item.map(|item| item.id.to_string()), |id| Some(id.0.clone()));
    let found = id.as_deref().map(|id| of_line(order, audit, Some(id))).unwrap_or_default();
    let marks = found
        .iter()
        .filter(|(standing, _)| *standing == Standing::Open)
        .map(|(_, difference)| difference.field)
        .collect();
    html! {
        tr {
            th scope="row" { (line.name) br; span.muted { (line.product()) } }
            td data-label="Axerrio" {
                @if let Some(asked) = line.axerrio {
                    (of_axerrio(visitor, &asked.terms, &marks))
                    @if let Some(confirmed) = asked.confirmed_boxes.filter(|boxes| *boxes != asked.terms.boxes) {
                        br; (marked(&marks, &["confirmed_boxes"], &format!("vendor confirmed {confirmed}")))
                    }
                } @else { span.muted { "–" } }
            }
            td.muted data-label="Agreed" {
                @if let Some(agreed) = line.agreed { (of_axerrio(visitor, &agreed.terms, &BTreeSet::new())) } @else { "–" }
            }
            td data-label="Prebook" { @if let Some(item) = line.item { (of_komet(visitor, &item.terms, &marks, "", line.product())) } @else { span.muted { "–" } } }
            td data-label="PO" {
                @if line.bought.is_empty() { span.muted { "–" } }
                @for (at, bought) in line.bought.iter().enumerate() {
                    @if at > 0 { br; }
                    (of_komet(visitor, &bought.terms, &marks, "po_", line.product()))
                    @if order.komet.purchase_orders.len() > 1 && let Some(number) = po_of(order, bought) {
                        br; span.muted { "PO " (number) }
                    }
                }
            }
            td data-label="Difference" { (list("", visitor, &found)) @if found.is_empty() { span.good { "✓ none" } } }
        }
    }
}

/// Dates and the like, which hold for every line.
fn header(visitor: &Visitor, order: &Order) -> Markup {
    let sent = order.agreed.prebooks.values().rev().find_map(|prebook| prebook.sent.as_ref());
    let sent = sent.or(order.agreed.input.as_ref().map(|input| &input.sent.header));
    let days = |ship, truck| html! { "ships " (day(ship)) br; "truck " (day(truck)) };
    html! {
        tr {
            th scope="row" { "All lines" }
            td data-label="Axerrio" {
                @if let Some(asked) = &order.axerrio.order {
                    (days(asked.header.ship_date, asked.header.truck_date())) br; (ax_status(asked.status))
                    @if let Some(carrier) = &asked.header.carrier { br; "carrier " (carrier.code) }
                    @if visitor.may_act() && let Some(comments) = &asked.header.comments { br; span.muted { (comments) } }
                } @else { span.muted { "Axerrio has not shown it yet." } }
            }
            td.muted data-label="Agreed" { @if let Some(sent) = sent { (days(sent.ship_date, sent.truck_date())) } @else { "–" } }
            td data-label="Prebook" {
                @let shown = |id: &PrebookId| order.komet.prebooks.iter().any(|prebook| prebook.id == *id);
                @let unread = order.agreed.prebooks.iter().find(|(id, _)| !shown(id)).map(|(_, prebook)| &prebook.number);
                @if let Some(number) = unread { span.muted { "Prebook " (number) ", not read back yet. " } }
                @else if order.komet.prebooks.is_empty() { span.muted { "No Prebook yet." } }
                @for (at, prebook) in order.komet.prebooks.iter().enumerate() {
                    @if at > 0 { br; }
                    "Prebook " (prebook.number) ", truck " (day(prebook.header.truck_date))
                    @if let Some(carrier) = &prebook.header.carrier_name { br; "carrier " (carrier) }
                    @if visitor.may_act() && let Some(comments) = &prebook.comments { br; span.muted { (comments) } }
                }
            }
            td data-label="PO" {
                @let shown = |number: &PoNumber| order.komet.purchase_orders.iter().any(|po| po.number == *number);
                @if let Some(number) = order.agreed.po.as_ref().filter(|number| !shown(number)) {
                    span.muted { "PO " (number) ", not read back yet. " }
                } @else if order.komet.purchase_orders.is_empty() { span.muted { "No PO yet." } }
                @for (at, po) in order.komet.purchase_orders.iter().enumerate() {
                    @if at > 0 { br; }
                    "PO " (po.number) ", " (po_words(po.status)) ", ships " (day(po.ship_date))
                }
            }
            td {}
        }
    }
}

fn ax_status(status: crate::domain::AxStatus) -> &'static str {
    use crate::domain::AxStatus as S;
    match status {
        S::Placed => "not answered by the vendor yet",
        S::Accepted => "accepted by the vendor",
        S::Rejected => "rejected by the vendor",
        S::Cancelled => "cancelled",
        S::Shipped => "shipped",
    }
}

type Marks<'m> = BTreeSet<&'m str>;

fn of_axerrio(visitor: &Visitor, terms: &LineTerms, marks: &Marks<'_>) -> Markup {
    let cost = format!("{} a {}", money(terms.unit_cost), unit_words(terms.unit_type));
    html! {
        (marked(marks, &["boxes", "po_boxes", "line"], &terms.boxes.to_string())) " "
        (marked(marks, &["box_type", "po_box_type"], &terms.box_type)) " · "
        (marked(marks, &["bunches", "po_bunches"], &terms.bunches.to_string())) " × "
        (marked(marks, &["stems", "po_stems"], &terms.stems_per_bunch.to_string()))
        @if visitor.may_act() {
            br; (marked(marks, &["cost", "po_cost", "unit_type", "po_unit_type"], &cost))
            @if let Some(mark) = &terms.mark_code { br; "mark " (marked(marks, &["mark_code"], mark)) }
            @if let Some(notes) = &terms.notes { br; span.muted { (notes) } }
        }
        @for part in &terms.mix {
            br; span.small { (part.bunches) " × " (part.stems_per_bunch) " " (part.product.description) }
        }
    }
}

fn of_komet(visitor: &Visitor, terms: &KometTerms, marks: &Marks<'_>, kind: &str, product: &str) -> Markup {
    if terms.boxes == 0 {
        return html! { (marked(marks, &["line", "item", "po_line"], "deleted")) };
    }
    let unit = terms.unit_type.map_or("unit", |unit: UnitType| unit_words(unit));
    let cost = format!("{} a {unit}", money(terms.unit_cost));
    let of = |field: &str| format!("{kind}{field}");
    html! {
        (marked(marks, &[&of("boxes")], &terms.boxes.to_string())) " "
        (marked(marks, &[&of("box_type")], &terms.box_type)) " · "
        (marked(marks, &[&of("bunches")], &terms.bunches.to_string())) " × "
        (marked(marks, &[&of("stems")], &terms.stems_per_bunch.to_string()))
        @if visitor.may_act() {
            br; (marked(marks, &[&of("cost"), &of("unit_type")], &cost))
            @if let Some(mark) = &terms.mark_code { br; "mark " (marked(marks, &["mark_code"], mark)) }
            @if let Some(notes) = &terms.notes { br; span.muted { (notes) } }
        }
        @if !terms.is_mapped() { br; span.badge.waiting { "product unknown to Komet" } }
        @else if kind.is_empty() && !terms.product.description.eq_ignore_ascii_case(product) { br; span.muted { (terms.product.description) } }
        @for part in &terms.breakdowns {
            br; span.small { (part.bunches) " × " (part.stems_per_bunch) " " (part.product.description) }
        }
    }
}

/// As both systems' people write it, whatever each sends.
fn money(amount: Decimal) -> String {
    let amount = amount.normalize();
    if amount.scale() < 2 { format!("{amount:.2}") } else { amount.to_string() }
}

/// A value, marked where it is one of the fields that differ.
fn marked(marks: &Marks<'_>, fields: &[&str], value: &str) -> Markup {
    html! { @if fields.iter().any(|field| marks.contains(field)) { mark { (value) } } @else { (value) } }
}

fn po_of<'o>(order: &'o Order, line: &PoLine) -> Option<&'o str> {
    let mut pos = order.komet.purchase_orders.iter();
    pos.find(|po| po.lines.iter().any(|other| other.id == line.id)).map(|po| po.number.0.as_str())
}

/// How a difference stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is to be settled.
    Open,
    /// A person agreed to leave it.
    Left,
    /// It goes by itself once the product is mapped.
    Waits,
}

type Found<'a> = (Standing, &'a Difference);

fn of_line<'a>(order: &Order, audit: &'a AuditReport, line: Option<&str>) -> Vec<Found<'a>> {
    let open = audit.differences.iter().map(|difference| (Standing::Open, difference));
    let left = audit.agreed_to_differ.iter().map(|difference| {
        let standing = if waits_for_map(order, difference) { Standing::Waits } else { Standing::Left };
        (standing, difference)
    });
    open.chain(left).filter(|(_, difference)| difference.line.as_deref() == line).collect()
}

fn list(title: &str, visitor: &Visitor, found: &[Found<'_>]) -> Markup {
    html! {
        @if !found.is_empty() {
            @if !title.is_empty() { h3 { (title) } }
            ul.differences {
                @for (standing, difference) in found {
                    @let (class, beginning) = match standing {
                        Standing::Open => ("bad", "✕ "),
                        Standing::Left => ("muted", "Agreed to differ: "),
                        Standing::Waits => ("muted", "Waits until it is mapped: "),
                    };
                    li class=(class) {
                        b { (beginning) (field(difference.field)) }
                        @if visitor.may_act() || !PRIVATE.contains(&difference.field) {
                            " Axerrio " (difference.axerrio.as_deref().unwrap_or("–"))
                            ", Komet " (difference.komet.as_deref().unwrap_or("–"))
                        }
                    }
                }
            }
        }
    }
}

/// A field in words.
fn field(field: &str) -> String {
    let text = field.replace('_', " ");
    let text = text.strip_prefix("po ").map_or_else(|| text.clone(), |rest| format!("{rest} on the PO"));
    match field {
        "order" => "the order".to_owned(),
        "line" => "the line".to_owned(),
        "item" => "Prebook item".to_owned(),
        "po" => "the PO".to_owned(),
        "customer_po" => "customer's PO".to_owned(),
        "bunches" => "bunches per box".to_owned(),
        "stems" => "stems per bunch".to_owned(),
        "awb" | "house_awb" => text.replace("awb", "AWB"),
        "outstanding" => "still to be done".to_owned(),
        _ => text,
    }
}
