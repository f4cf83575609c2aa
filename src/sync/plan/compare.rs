//! What counts as a difference. Komet normalises what it is told (it maps products, may ignore a ship date, names
//! box types its own way), so its later sights are compared with its first one, and only the first one, and only in
//! what is certain, with what was sent.

use rust_decimal::Decimal;

use super::rules::Rules;
use crate::domain::{
    Breakdown, Flow, ItemLink, KometProduct, KometRef, KometTerms, LineTerms, MapKind, MixPart, NewBreakdown,
    NewGoods, NewPrebookItem, PrebookItem, Product, SeenItem, UnitType, blank, tag,
};

/// Komet's `customerPO` and `markCode` hold this many characters.
pub(super) const SHORT_FIELD: usize = 20;

/// A customer PO or mark code as Komet is sent it. A longer one is sent only after a person said to cut it.
pub(super) fn cut_field(value: Option<&str>) -> Option<String> {
    let cut: String = blank(value)?.chars().take(SHORT_FIELD).collect();
    Some(cut.trim_end().to_owned())
}

/// Whether such a field shows what Komet was sent. Nobody says whether it keeps several blanks between two words.
pub(in crate::sync) fn is_field_kept(sent: Option<&str>, shown: Option<&str>) -> bool {
    let sent = cut_field(sent).unwrap_or_default();
    sent.split_whitespace().eq(shown.unwrap_or_default().split_whitespace())
}

/// Whether a cost is what Komet was sent, or that with as many decimals as Komet keeps: nobody says how many, or whether the
/// rest is rounded or cut. It keeps cents at least. Later sights are compared with the first one.
pub(in crate::sync) fn is_cost_kept(sent: Decimal, shown: Decimal) -> bool {
    let kept = shown.normalize().scale().max(2);
    sent == shown || sent.normalize().scale() > kept && (sent - shown).abs() < Decimal::new(1, kept)
}

/// Whether what Komet shows `now` still is what Axerrio wants, beside it: each is a pair of that and what is shown. Exactly, but for
/// Komet's rounding: of what was agreed, or, where it rounded that, of what somebody typed there for what Axerrio changed.
pub(super) fn is_cost_agreed(then: (Decimal, Decimal), now: (Decimal, Decimal)) -> bool {
    let rounds = then.0 != then.1 && is_cost_kept(then.0, then.1) && then.0 != now.0 && then.1 != now.1;
    now.0 == now.1 || (now == then || rounds) && is_cost_kept(now.0, now.1)
}

/// As [`asked_differences`], of an item that cost `then` when it was last agreed: what Axerrio wanted, and what Komet showed.
pub(super) fn wanted_differences(
    wanted: &NewGoods,
    mark_code: Option<&str>,
    then: Option<(Decimal, Decimal)>,
    now: &KometTerms,
) -> Vec<&'static str> {
    let mut fields = asked_differences(wanted, mark_code, now);
    let is_agreed = then.is_none_or(|then| is_cost_agreed(then, (wanted.unit_cost, now.unit_cost)));
    if !is_agreed && wanted.mix.is_empty() && !fields.contains(&"cost") {
        fields.push("cost");
    }
    fields
}

/// The goods of an Axerrio line as Komet is asked for them. Notes are cut to Komet's 200 characters.
pub(super) fn goods_from_axerrio(terms: &LineTerms, boxes: u32, rules: &Rules<'_>) -> NewGoods {
    NewGoods {
        boxes,
        box_type: match rules.maps.komet(MapKind::BoxType, &terms.box_type) {
            Some(id) => KometRef::Id(id),
            None => KometRef::Code { code: terms.box_type.clone(), name: String::new() },
        },
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type,
        unit_cost: terms.unit_cost,
        notes: blank(terms.notes.as_deref()).map(|n| tag::cut(n, NOTES_LIMIT)),
        mix: terms
            .mix
            .iter()
            .map(|part| NewBreakdown {
                product: product_ref(&part.product, rules),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost,
            })
            .collect(),
    }
}

/// Komet's `notes` hold this many characters; longer ones are cut with an ellipsis (product.md, "Never").
const NOTES_LIMIT: usize = 200;

/// The goods of a Komet item as a PO line asks for them. Parts that Komet does not know go by their description.
pub(super) fn goods_from_komet(terms: &KometTerms, boxes: u32) -> NewGoods {
    let product = |p: &KometProduct| match p.id {
        Some(id) => KometRef::Id(id),
        None => KometRef::Description(p.description.clone()),
    };
    NewGoods {
        boxes,
        box_type: KometRef::Code { code: terms.box_type.clone(), name: String::new() },
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type.unwrap_or(UnitType::Stem),
        unit_cost: terms.unit_cost,
        notes: blank(terms.notes.as_deref()).map(|n| tag::cut(n, NOTES_LIMIT)),
        mix: terms
            .breakdowns
            .iter()
            .map(|part| NewBreakdown {
                product: product(&part.product),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost,
            })
            .collect(),
    }
}

/// By the local map, else by description, or, without one, by what Axerrio calls it: Komet may know it or show it in red.
pub(super) fn product_ref(product: &Product, rules: &Rules<'_>) -> KometRef {
    match rules.mapped_product(&product.code) {
        Some(id) => KometRef::Id(id),
        None => KometRef::Description(blank(Some(&product.description)).unwrap_or(&product.code).to_owned()),
    }
}

/// The Komet ids by which the local map names every product of a line; `None` where it lacks one.
pub(super) fn product_ids(terms: &LineTerms, rules: &Rules<'_>) -> Option<Vec<i64>> {
    let mapped = |product: &Product| rules.mapped_product(&product.code);
    if terms.is_mixed() {
        terms.mix.iter().map(|part| mapped(&part.product)).collect()
    } else {
        mapped(&terms.product).map(|id| vec![id])
    }
}

/// What the local map came to name otherwise.
pub(in crate::sync) struct Remapped<'l> {
    /// The product, or the part of a mixed box.
    pub(in crate::sync) product: &'l Product,
    /// The Komet id that it was asked for by.
    pub(in crate::sync) former: i64,
    /// The Komet ids by which the line's products go by now, but for those that go by their description.
    pub(in crate::sync) ids: Vec<i64>,
}

/// In what the local map was corrected since the item was `asked` for by it: what Komet shows is the wrong product. What went by
/// its description is not the map's, and neither is what Komet's people made another product. `then` is the line as it was agreed,
/// in the order of whose parts the item was asked for.
pub(in crate::sync) fn mapped_otherwise<'l>(
    line: &'l LineTerms,
    then: &'l LineTerms,
    item: &KometTerms,
    asked: &[Option<i64>],
    rules: &Rules<'_>,
) -> Option<Remapped<'l>> {
    if !then.is_mixed() || !line.is_mixed() {
        let &[Some(asked)] = asked else { return None };
        let id = rules.mapped_product(&line.product.code).filter(|id| *id != asked)?;
        let is_shown = item.product.id == Some(asked);
        return is_shown.then(|| Remapped { product: &line.product, former: asked, ids: vec![id] });
    }
    if asked.len() != then.mix.len() {
        return None;
    }
    let named = |(part, asked): (&MixPart, &Option<i64>)| {
        asked.map(|asked| rules.mapped_product(&part.product.code).unwrap_or(asked))
    };
    let now: Vec<Option<i64>> = then.mix.iter().zip(asked).map(named).collect();
    let corrected = now.iter().zip(asked).position(|(now, asked)| now != asked)?;
    // Parts are the same whichever comes first.
    let shows = |ids: &[Option<i64>], are_packed_alike: bool| {
        let mut left: Vec<&Breakdown> = item.breakdowns.iter().collect();
        then.mix.iter().zip(ids).filter_map(|(part, id)| Some((part, (*id)?))).all(|(part, id)| {
            let packing = (part.bunches, part.stems_per_bunch);
            let is_it = |shown: &&Breakdown| {
                shown.product.id == Some(id)
                    && (!are_packed_alike || (shown.bunches, shown.stems_per_bunch) == packing)
            };
            left.iter().position(is_it).map(|at| left.swap_remove(at)).is_some()
        })
    };
    let is_shown = shows(asked, false) && !shows(&now, true);
    let former = asked[corrected].filter(|_| is_shown)?;
    Some(Remapped { product: &then.mix[corrected].product, former, ids: now.into_iter().flatten().collect() })
}

/// How sure it is that an item's product is a line's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sureness {
    No,
    /// A product that a person mapped may carry any description.
    Possible,
    Sure,
}

pub(super) fn is_product(line: &LineTerms, item: &PrebookItem, rules: &Rules<'_>) -> Sureness {
    match (rules.mapped_product(&line.product.code), item.terms.product.id) {
        (Some(mapped), Some(shown)) if mapped == shown => Sureness::Sure,
        (Some(_), Some(_)) if !line.is_mixed() => Sureness::No,
        _ if same_description(&line.product.description, &item.terms.product.description) => Sureness::Sure,
        _ => Sureness::Possible,
    }
}

/// Whether an item's product is a line's for sure.
pub(super) fn is_surely_product(line: &LineTerms, item: &PrebookItem, rules: &Rules<'_>) -> bool {
    is_product(line, item, rules) == Sureness::Sure
}

/// Whether Komet shows another product of its own than it was asked for by its id.
pub(super) fn is_other_product(link: &ItemLink, item: &PrebookItem) -> bool {
    let [Some(asked)] = link.products[..] else { return false };
    item.terms.breakdowns.is_empty() && item.terms.product.id.is_some_and(|shown| shown != asked)
}

/// Descriptions agree but for case, spaces and Komet's `UNKNOWN` in front.
pub(crate) fn same_description(ours: &str, shown: &str) -> bool {
    plain_description(ours) == plain_description(shown)
}

/// A description without what makes no difference in it.
fn plain_description(text: &str) -> String {
    let text = text.trim().to_uppercase();
    let text = text.strip_prefix("UNKNOWN").unwrap_or(&text).trim_start_matches([' ', ':', '-']);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fields of an item by the names that people read, as [`seen_differences`] has them.
pub(super) const PRODUCT: &str = "product";
pub(super) const SHIP_DATE: &str = "ship date";

/// The fields in which Komet now shows something else than when it was last agreed. A product that Komet has come
/// to know is not a difference.
pub fn item_differences(seen: &KometTerms, now: &KometTerms) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let mut differ = |name, different| {
        if different {
            fields.push(name);
        }
    };
    let (before, after) = (&seen.product, &now.product);
    let is_other = match (before.id, after.id) {
        // What Komet does not know goes by its description.
        (None, None) => !same_description(&before.description, &after.description),
        (None, Some(_)) => false,
        (before, after) => before != after,
    };
    differ(PRODUCT, is_other);
    differ("box type", !seen.box_type.eq_ignore_ascii_case(&now.box_type));
    differ("boxes", seen.boxes != now.boxes);
    differ("bunches per box", seen.bunches != now.bunches);
    differ("stems per bunch", seen.stems_per_bunch != now.stems_per_bunch);
    differ("unit type", seen.unit_type.is_some() && now.unit_type.is_some() && seen.unit_type != now.unit_type);
    differ("cost", seen.unit_cost != now.unit_cost);
    differ("mark code", blank(seen.mark_code.as_deref()) != blank(now.mark_code.as_deref()));
    differ("mix", parts_changed(seen, now));
    fields
}

/// Whether one is exactly what the other is, the product included: what a request that was delivered twice leaves.
pub(super) fn are_twins(one: &KometTerms, other: &KometTerms) -> bool {
    let (a, b) = (&one.product, &other.product);
    let same_product = a.id == b.id && (a.id.is_some() || same_description(&a.description, &b.description));
    same_product && item_differences(one, other).is_empty()
}

/// As [`item_differences`], the vendor ship date included.
pub(super) fn seen_differences(seen: &SeenItem, now: &PrebookItem) -> Vec<&'static str> {
    let mut fields = item_differences(&seen.terms, &now.terms);
    if seen.ship_date != now.ship_date {
        fields.push(SHIP_DATE);
    }
    fields
}

/// The fields in which Komet's first sight differs from what it was asked for, as far as that is certain. Of a
/// mixed box Komet computes bunches and cost itself.
pub(super) fn asked_differences(asked: &NewGoods, mark_code: Option<&str>, now: &KometTerms) -> Vec<&'static str> {
    let mut fields = goods_differences(asked, now);
    if !is_field_kept(mark_code, now.mark_code.as_deref()) {
        fields.push("mark code");
    }
    fields
}

/// Whether an item may be what was asked for as `wanted`. A product that went by its description may be shown by Komet's own.
pub(in crate::sync) fn is_made_of(wanted: &NewPrebookItem, shown: &KometTerms) -> bool {
    let is_product = match &wanted.product {
        KometRef::Id(id) => !wanted.goods.mix.is_empty() || shown.product.id == Some(*id),
        KometRef::Description(name) | KometRef::Code { name, .. } => {
            shown.product.id.is_some() || same_description(name, &shown.product.description)
        }
    };
    let is_kind = wanted.goods.mix.is_empty() == shown.breakdowns.is_empty();
    is_product && is_kind && asked_differences(&wanted.goods, wanted.mark_code.as_deref(), shown).is_empty()
}

/// As [`goods_differences`], however many boxes there are: of the parts of a split line, or where another amount was asked for.
pub(super) fn packing_differences(asked: &NewGoods, now: &KometTerms) -> Vec<&'static str> {
    goods_differences(&NewGoods { boxes: now.boxes, ..asked.clone() }, now)
}

/// As [`asked_differences`], for a PO line, which is not asked for a mark code.
pub(in crate::sync) fn goods_differences(asked: &NewGoods, now: &KometTerms) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let mut differ = |name, different| {
        if different {
            fields.push(name);
        }
    };
    let mixed = !asked.mix.is_empty();
    differ("boxes", asked.boxes != now.boxes);
    differ("bunches per box", !mixed && asked.bunches != now.bunches);
    differ("stems per bunch", !mixed && asked.stems_per_bunch != now.stems_per_bunch);
    differ("unit type", !mixed && now.unit_type.is_some_and(|unit| unit != asked.unit_type));
    differ("cost", !mixed && !is_cost_kept(asked.unit_cost, now.unit_cost));
    differ(
        "mix",
        mixed && !now.breakdowns.is_empty() && parts_differ(&new_parts(&asked.mix), &parts(&now.breakdowns)),
    );
    if let KometRef::Code { code, .. } = &asked.box_type {
        differ("box type", !now.box_type.is_empty() && !code.eq_ignore_ascii_case(&now.box_type));
    }
    fields
}

/// Whether a PO line that was asked for as `asked` would be asked for differently now. Notes do not matter, and
/// neither does a product that has come to be known.
pub(super) fn asks_otherwise(asked: &NewGoods, now: &NewGoods) -> bool {
    let mixed = !now.mix.is_empty();
    asked.boxes != now.boxes
        || (!mixed
            && (asked.bunches != now.bunches
                || asked.stems_per_bunch != now.stems_per_bunch
                || asked.unit_type != now.unit_type
                || asked.unit_cost != now.unit_cost))
        || parts_differ(&new_parts(&asked.mix), &new_parts(&now.mix))
}

/// Whether two mixed boxes are asked for with the same parts.
pub(super) fn asks_for_same_parts(asked: &NewGoods, now: &NewGoods) -> bool {
    !parts_differ(&new_parts(&asked.mix), &new_parts(&now.mix))
}

/// One part of a mixed box.
#[derive(Clone, Debug)]
pub(in crate::sync) struct Part {
    /// Komet's id of the product, where it is known.
    pub(super) id: Option<i64>,
    /// What the product is called; empty where it goes by its id alone.
    pub(super) name: String,
    /// Bunches per box, stems per bunch, cost per unit.
    pub(super) packing: (u32, u32, Decimal),
}

impl Part {
    fn of_line(part: &MixPart, id: Option<i64>) -> Self {
        let name = if id.is_none() { plain_description(&part.product.description) } else { String::new() };
        Self { id, name, packing: (part.bunches, part.stems_per_bunch, part.unit_cost) }
    }

    /// Whether `shown` is surely the product that is asked for: by its id, else by its description.
    fn is_product_of(&self, shown: &Self) -> bool {
        match self.id {
            Some(id) => shown.id == Some(id),
            None => !self.name.is_empty() && self.name == shown.name,
        }
    }
}

/// The parts that Komet shows.
pub(in crate::sync) fn parts(breakdowns: &[Breakdown]) -> Vec<Part> {
    let part = |b: &Breakdown| Part {
        id: b.product.id,
        name: plain_description(&b.product.description),
        packing: (b.bunches, b.stems_per_bunch, b.unit_cost),
    };
    breakdowns.iter().map(part).collect()
}

pub(super) fn new_parts(mix: &[NewBreakdown]) -> Vec<Part> {
    let part = |b: &NewBreakdown| {
        let (id, name) = match &b.product {
            KometRef::Id(id) => (Some(*id), String::new()),
            KometRef::Description(name) | KometRef::Code { name, .. } => (None, plain_description(name)),
        };
        Part { id, name, packing: (b.bunches, b.stems_per_bunch, b.unit_cost) }
    };
    mix.iter().map(part).collect()
}

/// The parts of a line in Axerrio as Komet knows them. In flow 2 a code that no map names is Komet's own id.
pub(in crate::sync) fn line_parts(terms: &LineTerms, flow: Flow, rules: &Rules<'_>) -> Vec<Part> {
    let id = |code: &str| {
        let komets = || code.parse().ok().filter(|_| flow == Flow::FromKomet);
        rules.mapped_product(code).or_else(komets)
    };
    terms.mix.iter().map(|part| Part::of_line(part, id(&part.product.code))).collect()
}

/// Whether two mixed boxes differ, whatever the order of their parts. A product that both name must be packed alike in both;
/// what Komet shows under another name, as it may (assumed), is known by its packing alone.
pub(in crate::sync) fn parts_differ(asked: &[Part], shown: &[Part]) -> bool {
    let mut left: Vec<&Part> = shown.iter().collect();
    let mut others = Vec::new();
    for part in asked {
        let is_it = |shown: &&Part| part.is_product_of(shown) && part.packing == shown.packing;
        match left.iter().position(is_it) {
            Some(at) => drop(left.swap_remove(at)),
            None => others.push(part),
        }
    }
    let packings = |parts: &[&Part]| {
        let mut packings: Vec<_> = parts.iter().map(|part| part.packing).collect();
        packings.sort_unstable();
        packings
    };
    others.iter().any(|part| left.iter().any(|shown| part.is_product_of(shown)))
        || packings(&others) != packings(&left)
}

/// Whether Komet shows the parts of a mixed box otherwise `now` than before. What it knew by id it still shows as that: a part
/// that is another product now, or is packed as another one was, was changed by somebody.
pub(in crate::sync) fn parts_changed(seen: &KometTerms, now: &KometTerms) -> bool {
    let (seen, now) = (parts(&seen.breakdowns), parts(&now.breakdowns));
    let mut left: Vec<&Part> = now.iter().collect();
    let mut known = seen.iter().filter(|part| part.id.is_some());
    let is_lost = known.any(|part| {
        let at = left.iter().position(|now| part.is_product_of(now) && part.packing == now.packing);
        at.map(|at| left.swap_remove(at)).is_none()
    });
    is_lost || parts_differ(&seen, &now)
}
