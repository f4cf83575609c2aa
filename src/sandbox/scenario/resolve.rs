//! From the scenario files to one [`Scenario`]: varieties become products of every length, recipes find their parts.
//! Everything is then checked, and all problems are told at once, each with the file and the entry it is in.

use std::collections::HashSet;
use std::hash::Hash;

use rust_decimal::Decimal;

use super::files::{
    BoxTypesFile, CarriersFile, CatalogueFile, CompanyFile, CustomersFile, ProductRow, RecipeRow, Rose, Texts,
    parse,
};
use super::{Carrier, Customer, Goods, KometProductId, Part, Scenario, ScenarioError, Week, WeekLine};
use crate::domain::UnitType;

/// Komet's lengths of what may not be cut (komet-api.md).
const MARK_LIMIT: usize = 20;
const CUSTOMER_PO_LIMIT: usize = 20;
const NOTES_LIMIT: usize = 200;
const BOX_TYPE_LIMIT: usize = 3;

/// Reads and checks the six files.
pub(super) fn scenario(texts: &Texts) -> Result<Scenario, ScenarioError> {
    let company: CompanyFile = parse(Texts::COMPANY, &texts.company)?;
    let box_types: BoxTypesFile = parse(Texts::BOX_TYPES, &texts.box_types)?;
    let carriers: CarriersFile = parse(Texts::CARRIERS, &texts.carriers)?;
    let customers: CustomersFile = parse(Texts::CUSTOMERS, &texts.customers)?;
    let catalogue: CatalogueFile = parse(Texts::CATALOGUE, &texts.catalogue)?;
    let week: Week = parse(Texts::WEEK, &texts.week)?;

    let mut problems = Vec::new();
    let goods = goods(catalogue, &mut problems);
    let scenario = Scenario {
        importer: company.importer,
        vendor: company.vendor,
        other_vendor: company.other_vendor,
        people: company.people,
        box_types: box_types.box_types,
        carriers: carriers
            .carriers
            .into_iter()
            .map(|row| Carrier {
                komet_code: row.komet_code.unwrap_or_else(|| row.code.clone()),
                code: row.code,
                komet_id: row.komet_id,
                name: row.name,
                active: row.active,
            })
            .collect(),
        customers: customers
            .customers
            .into_iter()
            .map(|row| Customer {
                komet_code: row.komet_code.unwrap_or_else(|| row.code.clone()),
                code: row.code,
                komet_id: row.komet_id,
                name: row.name,
                kind: row.kind,
                place: row.place,
            })
            .collect(),
        goods,
        week,
    };
    check(&scenario, &mut problems);
    if problems.is_empty() { Ok(scenario) } else { Err(ScenarioError::Invalid(problems)) }
}

fn goods(catalogue: CatalogueFile, problems: &mut Vec<String>) -> Vec<Goods> {
    let mut goods = Vec::new();
    for rose in &catalogue.roses {
        lengths_of(rose, &catalogue, &mut goods, problems);
    }
    for row in catalogue.products {
        goods.extend(product(row, problems));
    }
    for row in catalogue.recipes {
        let recipe = recipe(row, &goods, problems);
        goods.push(recipe);
    }
    goods
}

fn lengths_of(rose: &Rose, catalogue: &CatalogueFile, goods: &mut Vec<Goods>, problems: &mut Vec<String>) {
    let extra = rose.extra.map_or(Decimal::ZERO, |money| money.0);
    for &cm in &rose.lengths {
        let Some(length) = catalogue.rose_lengths.iter().find(|l| l.cm == cm) else {
            problems.push(format!(
                "{}: rose {:?}: there is no rose_length of {cm} cm",
                Texts::CATALOGUE,
                rose.variety
            ));
            continue;
        };
        let code = format!("{}{cm}", rose.code);
        goods.push(Goods {
            komet: KometProductId::Known { id: rose.komet_id.saturating_add(cm), code: code.clone() },
            code,
            description: format!("Rose {} {} {cm} cm", rose.variety, rose.colour),
            box_type: length.box_type.clone(),
            bunches: length.bunches,
            stems: length.stems,
            unit: UnitType::Stem,
            cost: (length.cost[0].0 + extra, length.cost[1].0 + extra),
            parts: Vec::new(),
        });
    }
}

fn product(row: ProductRow, problems: &mut Vec<String>) -> Option<Goods> {
    let komet = match (row.komet_id, row.map_to) {
        (Some(id), None) => KometProductId::Known { id, code: row.komet_code.unwrap_or_else(|| row.code.clone()) },
        (None, Some(map_to)) => KometProductId::Unknown { map_to },
        _ => {
            problems.push(format!("{}: {:?}: needs either komet_id or map_to", Texts::CATALOGUE, row.code));
            return None;
        }
    };
    Some(Goods {
        code: row.code,
        komet,
        description: row.description,
        box_type: row.box_type,
        bunches: row.bunches,
        stems: row.stems,
        unit: row.unit,
        cost: (row.cost[0].0, row.cost[1].0),
        parts: Vec::new(),
    })
}

fn recipe(row: RecipeRow, goods: &[Goods], problems: &mut Vec<String>) -> Goods {
    let at = format!("{}: recipe {:?}", Texts::CATALOGUE, row.code);
    let mut parts = Vec::new();
    for part in row.parts {
        match goods.iter().find(|g| g.code == part.product) {
            Some(found) if !found.parts.is_empty() => {
                problems.push(format!("{at}: part {:?} is itself a recipe", part.product));
            }
            Some(found) if found.unit != row.unit => {
                problems.push(format!("{at}: part {:?} is sold by another unit than the recipe", part.product));
            }
            Some(found) => parts.push(Part {
                product: found.code.clone(),
                description: found.description.clone(),
                bunches: part.bunches,
                stems: found.stems,
                cost: part.cost.0,
            }),
            None => problems.push(format!("{at}: part {}", unknown(&part.product, "product", codes(goods)))),
        }
    }
    if parts.len() < 2 {
        problems.push(format!("{at}: a mixed box has at least two parts"));
    }
    Goods {
        komet: KometProductId::Known { id: row.komet_id, code: row.code.clone() },
        code: row.code,
        description: row.description,
        box_type: row.box_type,
        bunches: parts.iter().map(|p| p.bunches).sum(),
        stems: row.stems,
        unit: row.unit,
        cost: (row.cost.0, row.cost.0),
        parts,
    }
}

fn codes(goods: &[Goods]) -> impl Iterator<Item = &str> {
    goods.iter().map(|g| g.code.as_str())
}

/// `"RFRE60" is no known product; did you mean "RFREE60"?`
fn unknown<'c>(code: &str, what: &str, known: impl Iterator<Item = &'c str>) -> String {
    let near = known
        .map(|k| (strsim::jaro_winkler(k, code), k))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, near)) => format!("{code:?} is no known {what}; did you mean {near:?}?"),
        None => format!("{code:?} is no known {what}"),
    }
}

fn check(scenario: &Scenario, problems: &mut Vec<String>) {
    check_lists(scenario, problems);
    check_goods(scenario, problems);
    check_week(scenario, problems);
}

fn once<T: Eq + Hash + std::fmt::Debug>(
    problems: &mut Vec<String>,
    file: &str,
    what: &str,
    values: impl Iterator<Item = T>,
) {
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for value in values {
        if seen.contains(&value) {
            twice.push(format!("{file}: {what} {value:?} is there twice"));
        }
        seen.insert(value);
    }
    problems.extend(twice);
}

fn check_lists(s: &Scenario, problems: &mut Vec<String>) {
    once(problems, Texts::BOX_TYPES, "code", s.box_types.iter().map(|b| b.code.as_str()));
    once(problems, Texts::BOX_TYPES, "komet_id", s.box_types.iter().map(|b| b.komet_id));
    once(problems, Texts::CARRIERS, "code", s.carriers.iter().map(|c| c.code.as_str()));
    once(problems, Texts::CARRIERS, "komet_id", s.carriers.iter().map(|c| c.komet_id));
    once(problems, Texts::CARRIERS, "komet_code", s.carriers.iter().map(|c| c.komet_code.as_str()));
    once(problems, Texts::CUSTOMERS, "code", s.customers.iter().map(|c| c.code.as_str()));
    once(problems, Texts::CUSTOMERS, "komet_id", s.customers.iter().map(|c| c.komet_id));
    once(problems, Texts::CUSTOMERS, "komet_code", s.customers.iter().map(|c| c.komet_code.as_str()));
    once(problems, Texts::CATALOGUE, "code", codes(&s.goods));
    let in_komet = |g: &Goods| match &g.komet {
        KometProductId::Known { id, .. } => (*id, g.description.to_lowercase()),
        KometProductId::Unknown { map_to } => (map_to.komet_id, map_to.description.to_lowercase()),
    };
    once(problems, Texts::CATALOGUE, "komet_id", s.goods.iter().map(|g| in_komet(g).0));
    once(problems, Texts::CATALOGUE, "Komet's description", s.goods.iter().map(|g| in_komet(g).1));
    once(problems, Texts::CATALOGUE, "description", s.goods.iter().map(|g| g.description.to_lowercase()));
    once(problems, Texts::COMPANY, "vendor id", [s.vendor.id, s.other_vendor.id].into_iter());
    for b in &s.box_types {
        if b.code.is_empty() || b.code.chars().count() > BOX_TYPE_LIMIT {
            problems.push(format!("{}: code {:?}: 1 to {BOX_TYPE_LIMIT} characters", Texts::BOX_TYPES, b.code));
        }
        if b.fbe <= Decimal::ZERO {
            problems.push(format!("{}: code {:?}: fbe must be above 0", Texts::BOX_TYPES, b.code));
        }
    }
    let lots = format!("{}01011", s.vendor.lot_prefix);
    if lots.parse::<u64>().is_ok_and(|lot| (1000..=99_999).contains(&lot)) {
        problems.push(format!("{}: lot_prefix: lots would fall into Komet's own 1000 to 99999", Texts::COMPANY));
    }
}

fn check_goods(s: &Scenario, problems: &mut Vec<String>) {
    for g in &s.goods {
        let at = format!("{}: {:?}", Texts::CATALOGUE, g.code);
        if s.box_type(&g.box_type).is_none() {
            let known = s.box_types.iter().map(|b| b.code.as_str());
            problems.push(format!("{at}: box {}", unknown(&g.box_type, "box type", known)));
        }
        if g.bunches == 0 || g.stems == 0 {
            problems.push(format!("{at}: bunches and stems must be at least 1"));
        }
        if g.cost.0 <= Decimal::ZERO || g.cost.1 < g.cost.0 {
            problems.push(format!("{at}: cost is [from, to], above 0, from not above to"));
        }
        for part in &g.parts {
            if part.bunches == 0 || part.cost <= Decimal::ZERO {
                problems.push(format!("{at}: part {:?}: bunches and cost must be above 0", part.product));
            }
        }
    }
}

fn check_week(s: &Scenario, problems: &mut Vec<String>) {
    let w = &s.week;
    let prebooks = || w.prebooks.iter().chain(&w.other_prebooks);
    let names = w.orders.iter().map(|o| &o.name).chain(prebooks().map(|p| &p.name));
    once(problems, Texts::WEEK, "name", names.chain(w.stock_pos.iter().map(|p| &p.name)));
    for o in &w.orders {
        let at = format!("{}: order {:?}", Texts::WEEK, o.name);
        check_head(s, &at, &o.customer, o.carrier.as_deref(), o.po.as_deref(), problems);
        check_days(&at, o.placed, o.ship, o.truck.unwrap_or(o.ship), problems);
        check_lines(s, &at, &o.lines, problems);
        if o.lines.iter().any(|line| line.ship.is_some()) {
            problems.push(format!("{at}: an order has one ship date; a line cannot have its own"));
        }
    }
    for p in prebooks() {
        let at = format!("{}: prebook {:?}", Texts::WEEK, p.name);
        check_head(s, &at, &p.customer, p.carrier.as_deref(), p.po.as_deref(), problems);
        for line in &p.lines {
            match line.ship {
                Some(ship) => check_days(&at, p.placed, ship, p.truck, problems),
                None => problems.push(format!("{at}: line {:?} needs its vendor ship date, `ship`", line.product)),
            }
            if s.goods(&line.product).is_some_and(|g| g.komet_id().is_none()) {
                problems.push(format!("{at}: {:?} cannot be prebooked in Komet, which lacks it", line.product));
            }
        }
        check_lines(s, &at, &p.lines, problems);
    }
    for po in &w.stock_pos {
        check_lines(s, &format!("{}: stock_po {:?}", Texts::WEEK, po.name), &po.lines, problems);
    }
}

fn check_head(
    s: &Scenario,
    at: &str,
    customer: &str,
    carrier: Option<&str>,
    po: Option<&str>,
    problems: &mut Vec<String>,
) {
    if s.customer(customer).is_none() {
        let known = s.customers.iter().map(|c| c.code.as_str());
        problems.push(format!("{at}: {}", unknown(customer, "customer", known)));
    }
    match carrier.map(|code| (code, s.carrier(code))) {
        Some((code, None)) => {
            problems
                .push(format!("{at}: {}", unknown(code, "carrier", s.carriers.iter().map(|c| c.code.as_str()))));
        }
        Some((code, Some(found))) if !found.active => {
            problems.push(format!("{at}: carrier {code:?} is not active"));
        }
        _ => {}
    }
    too_long(at, "po", po, CUSTOMER_PO_LIMIT, problems);
}

fn check_days(at: &str, placed: u16, ship: u16, truck: u16, problems: &mut Vec<String>) {
    if ship < placed || truck < ship {
        problems.push(format!("{at}: placed {placed}, ship {ship}, truck {truck}: must not go back in time"));
    }
}

fn check_lines(s: &Scenario, at: &str, lines: &[WeekLine], problems: &mut Vec<String>) {
    for (line, number) in lines.iter().zip(1..) {
        let at = format!("{at}: line {number}");
        match s.goods(&line.product) {
            None => problems.push(format!("{at}: {}", unknown(&line.product, "product", codes(&s.goods)))),
            Some(recipe) if !recipe.parts.is_empty() && line.bunches.is_some() => {
                problems.push(format!("{at}: the recipe {:?} says how many bunches", line.product));
            }
            Some(_) => {}
        }
        if let Some(code) = line.box_type.as_deref().filter(|code| s.box_type(code).is_none()) {
            let known = s.box_types.iter().map(|b| b.code.as_str());
            problems.push(format!("{at}: box {}", unknown(code, "box type", known)));
        }
        if line.boxes == 0 || line.bunches == Some(0) {
            problems.push(format!("{at}: boxes and bunches must be at least 1"));
        }
        if [line.cost, line.price].into_iter().flatten().any(|money| money <= Decimal::ZERO) {
            problems.push(format!("{at}: cost and price must be above 0"));
        }
        too_long(&at, "mark", line.mark.as_deref(), MARK_LIMIT, problems);
        too_long(&at, "notes", line.notes.as_deref(), NOTES_LIMIT, problems);
    }
    if lines.is_empty() {
        problems.push(format!("{at}: has no lines"));
    }
}

fn too_long(at: &str, what: &str, text: Option<&str>, limit: usize, problems: &mut Vec<String>) {
    let length = text.map_or(0, |t| t.chars().count());
    if length > limit {
        problems.push(format!("{at}: {what} has {length} characters; Komet holds {limit}"));
    }
}
