//! A Prebook in the words by which Axerrio knows it (clarification 17).

use super::compare::same_description;
use super::rules::Rules;
use crate::domain::{
    Agreed, Header, InputLine, KometProduct, LineId, LineTerms, MapKind, MixPart, Order, Party, Prebook,
    PrebookItem, Product, UnitType, blank,
};

/// The header of a Prebook's order for one ship date, with the codes by which it is known in Axerrio.
pub(super) fn header(prebook: &Prebook, order: &Order, agreed: &Agreed, rules: &Rules<'_>) -> Header {
    let (shown, known) = (&prebook.header, known_headers(order, agreed));
    let owned = |text: Option<&str>| blank(text).map(str::to_owned);
    let customer_id = shown.customer_id.filter(|id| *id != 0);
    let komets = owned(shown.customer_code.as_deref());
    let customer = customer_id.map(|id| {
        let names = Names { kind: MapKind::Customer, id, komets: komets.as_deref(), rules };
        names.code(known.iter().map(|known| known.customer.code.as_str()))
    });
    let customer = customer.or_else(|| komets.clone()).unwrap_or_default();
    let carrier = shown.carrier_id.filter(|id| *id != 0).map(|id| {
        let komets = rules.carriers.get(&id).map(String::as_str).filter(|code| !code.trim().is_empty());
        let names = Names { kind: MapKind::Carrier, id, komets, rules };
        Party {
            code: names.code(known.iter().filter_map(|known| Some(known.carrier.as_ref()?.code.as_str()))),
            name: shown.carrier_name.clone().unwrap_or_default(),
        }
    });
    Header {
        customer: Party { code: customer, name: shown.customer_name.clone().unwrap_or_default() },
        customer_po: owned(shown.customer_po.as_deref()),
        ship_date: order.ship_date,
        truck_date: Some(shown.truck_date),
        carrier,
        location: owned(shown.location_code.as_deref()),
        comments: owned(prebook.comments.as_deref()),
    }
}

/// What a thing of Komet's is called in Axerrio: by the reverse map, else by Komet's own code, else by Komet's id as text
/// (clarification 17).
struct Names<'r> {
    kind: MapKind,
    id: i64,
    komets: Option<&'r str>,
    rules: &'r Rules<'r>,
}

impl Names<'_> {
    /// The first of the codes `known` to Axerrio that stands for the same thing: a map that is set later changes no order that
    /// went out, for which the vendor would be asked again. Else the best there is now.
    fn code<'k>(&self, mut known: impl Iterator<Item = &'k str>) -> String {
        if let Some(known) = known.find(|known| self.stands(known)) {
            return known.to_owned();
        }
        let mapped = self.rules.maps.axerrio(self.kind, self.id);
        mapped.or(self.komets).map_or_else(|| self.id.to_string(), str::to_owned)
    }

    /// Whether `code` means this thing: the map says so, or says nothing of it and it is one of Komet's own names.
    fn stands(&self, code: &str) -> bool {
        match self.rules.maps.komet(self.kind, code) {
            Some(id) => id == self.id,
            None => self.komets == Some(code) || code == self.id.to_string(),
        }
    }
}

/// What Axerrio calls a box type that Komet names by its own code.
fn box_type(komets: &str, rules: &Rules<'_>, known: &[&LineTerms]) -> String {
    let Some(id) = rules.maps.box_type(komets) else { return komets.to_owned() };
    let names = Names { kind: MapKind::BoxType, id, komets: Some(komets), rules };
    names.code(known.iter().map(|known| known.box_type.as_str()))
}

/// A line in the words by which Axerrio knows it: as the vendor wrote it since, as it was agreed, or, after a lost database, as
/// Axerrio shows it.
fn known_lines<'o>(order: &'o Order, agreed: &'o Agreed, line: &LineId) -> Vec<&'o LineTerms> {
    let lines = order.axerrio.order.iter().flat_map(|order| &order.lines);
    let shown = lines.filter(|shown| shown.id == *line).map(|shown| &shown.terms);
    let Some(input) = &agreed.input else { return shown.collect() };
    let seen = input.seen.line(line);
    let written = shown.filter(|shown| seen.is_some_and(|seen| !seen.terms.same_goods(shown)));
    written.chain(input.sent.line(line).map(|sent| &sent.terms)).collect()
}

/// The header, likewise.
fn known_headers<'o>(order: &'o Order, agreed: &'o Agreed) -> Vec<&'o Header> {
    let shown = order.axerrio.order.iter().map(|order| &order.header);
    let Some(input) = &agreed.input else { return shown.collect() };
    let written = shown.filter(|shown| !input.seen.header.same_as(shown));
    written.chain([&input.sent.header]).collect()
}

/// Code and description of a mixed box that has none in Komet: in Axerrio every product has a code.
const MIXED: (&str, &str) = ("MIX", "Mixed box");

/// A Prebook item as a line of its order, with the codes by which it is known in Axerrio.
pub(super) fn line(item: &PrebookItem, order: &Order, agreed: &Agreed, rules: &Rules<'_>) -> InputLine {
    let id = LineId::from(&item.id);
    let terms = line_terms(item, rules, &known_lines(order, agreed, &id));
    InputLine { id, terms }
}

/// A Prebook item in Axerrio's words, with the codes by which it is `known` there. The importer's sales price is never
/// sent to the vendor.
pub(super) fn line_terms(item: &PrebookItem, rules: &Rules<'_>, known: &[&LineTerms]) -> LineTerms {
    // A map that was taken away since changes no order that went out, like one that is set later. A number is Komet's own.
    let is_unmapped_since = |known: &Product, p: &KometProduct| {
        known.code.parse::<i64>().is_err()
            && rules.maps.komet(MapKind::Product, &known.code).is_none()
            && same_description(&known.description, &p.description)
    };
    let product = |p: &KometProduct, agreed: &[(bool, &Product)]| Product {
        code: match p.id {
            Some(id) => {
                let names = Names { kind: MapKind::Product, id, komets: None, rules };
                let mut known = agreed.iter().filter(|(is_sent, known)| {
                    names.stands(&known.code) || *is_sent && is_unmapped_since(known, p)
                });
                known.next().map_or_else(|| names.code(std::iter::empty()), |(_, known)| known.code.clone())
            }
            None => p.description.clone(),
        },
        description: p.description.clone(),
    };
    // What was sent comes last.
    let each = || known.iter().enumerate().map(|(at, terms)| (at + 1 == known.len(), *terms));
    let own: Vec<(bool, &Product)> = each().map(|(is_sent, terms)| (is_sent, &terms.product)).collect();
    let parts = each().flat_map(|(is_sent, terms)| terms.mix.iter().map(move |part| (is_sent, &part.product)));
    let parts: Vec<(bool, &Product)> = parts.collect();
    let terms = &item.terms;
    LineTerms {
        product: match (terms.product.id, blank(Some(&terms.product.description))) {
            (None, None) if !terms.breakdowns.is_empty() => {
                Product { code: MIXED.0.to_owned(), description: MIXED.1.to_owned() }
            }
            _ => product(&terms.product, &own),
        },
        box_type: box_type(&terms.box_type, rules, known),
        boxes: terms.boxes,
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type.unwrap_or(UnitType::Stem),
        unit_cost: terms.unit_cost.normalize(),
        unit_price: None,
        mark_code: blank(terms.mark_code.as_deref()).map(str::to_owned),
        notes: blank(terms.notes.as_deref()).map(str::to_owned),
        mix: terms
            .breakdowns
            .iter()
            .map(|part| MixPart {
                product: product(&part.product, &parts),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost.normalize(),
            })
            .collect(),
    }
}
