//! Brings a scenario into the simulated systems: the company into Komet, the week's orders into Axerrio, its Prebooks
//! into Komet, and the noise around them. What people do about them afterwards is [`crate::sandbox::people`]'s.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};

use super::{Goods, KometProductId, Scenario, WeekLine, WeekOrder, WeekPrebook, day};
use crate::domain::{LineTerms, OrderInput, Party, UnitType};
use crate::sandbox::axerrio::{AxProduct, AxUnit, Line, MixPart, Named, OrderDraft};
use crate::sandbox::catalogue::{self, Catalogue};
use crate::sandbox::komet::{ItemDraft, PartDraft, PrebookDraft, Unit};
use crate::sandbox::{Answers, KometRules, World};

/// Something of the week that was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its name in the week.
    pub name: String,
    /// What it became.
    pub id: PlacedId,
    /// Who did what, in one plain sentence.
    pub told: String,
}

/// Where something of the week went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacedId {
    /// An order in Axerrio.
    Order(String),
    /// A Prebook in Komet, by its internal id.
    Prebook(u64),
}

impl Scenario {
    /// What Komet knows before the first order. A product that it does not know is there under Komet's own name, for
    /// a person to map it to.
    pub fn catalogue(&self) -> Catalogue {
        let location = &self.importer.location;
        Catalogue {
            vendor: catalogue::Vendor { id: self.vendor.id.into(), name: self.vendor.name.clone() },
            other_vendor: catalogue::Vendor {
                id: self.other_vendor.id.into(),
                name: self.other_vendor.name.clone(),
            },
            locations: vec![catalogue::Location {
                id: location.id.into(),
                code: location.code.clone(),
                name: location.name.clone(),
            }],
            customers: self
                .customers
                .iter()
                .map(|c| catalogue::Customer {
                    id: c.komet_id.into(),
                    code: c.komet_code.clone(),
                    name: c.name.clone(),
                })
                .collect(),
            carriers: self
                .carriers
                .iter()
                .map(|c| catalogue::Carrier {
                    id: c.komet_id.into(),
                    code: c.komet_code.clone(),
                    name: c.name.clone(),
                    active: c.active,
                })
                .collect(),
            box_types: self
                .box_types
                .iter()
                .map(|b| catalogue::BoxType { id: b.komet_id.into(), code: b.code.clone(), fbe: b.fbe })
                .collect(),
            products: self.goods.iter().map(komet_product).collect(),
        }
    }

    /// A world with the company in it, and no orders yet.
    pub fn world(&self, rules: KometRules, answers: Answers) -> World {
        World::new(self.catalogue(), rules, answers)
    }

    /// Enters one flow 1 order in Axerrio, as `today`'s scenario has it.
    pub fn place_order(
        &self,
        world: &mut World,
        order: &WeekOrder,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Placed> {
        let input = self.order(order, today).with_context(|| unresolved(&order.name))?;
        let ship_date = input.header.ship_date;
        let customer = input.header.customer.name.clone();
        let id = world.axerrio.customer_orders(draft(input), now);
        let told = format!("{} ordered {id} in Axerrio for {customer}, ship date {ship_date}", self.people.sales);
        Ok(Placed { name: order.name.clone(), id: PlacedId::Order(id), told })
    }

    /// Enters one flow 2 Prebook in Komet, as `today`'s scenario has it.
    pub fn place_prebook(
        &self,
        world: &mut World,
        prebook: &WeekPrebook,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Placed> {
        let id = world.komet.rep_creates_prebook(&self.prebook_draft(prebook, today)?, now)?;
        let number = world.komet.prebook(id).map_or(0, |p| p.number);
        let customer = self.customer(&prebook.customer).map_or("", |c| &c.name);
        let kind = if prebook.standing { "standing order" } else { "Prebook" };
        let told = format!("{} entered {kind} {number} in Komet for {customer}", self.people.sales);
        Ok(Placed { name: prebook.name.clone(), id: PlacedId::Prebook(id), told })
    }

    /// Enters what stemsync must leave alone: the other vendor's Prebooks, and stock bought without a Prebook.
    pub fn place_noise(&self, world: &mut World, today: NaiveDate, now: DateTime<Utc>) -> Result<()> {
        for prebook in &self.week.other_prebooks {
            world.komet.other_vendor_prebook(&self.prebook_draft(prebook, today)?, now)?;
        }
        for po in &self.week.stock_pos {
            let ship = day(today, po.ship);
            let lines = po.lines.iter().map(|line| self.item(line, ship, &po.name));
            world.komet.buyer_buys_stock(ship, &lines.collect::<Result<Vec<_>>>()?, now)?;
        }
        Ok(())
    }

    /// Enters what the week has for its day number `placed` (0 is `today`), the noise on day 0.
    pub fn place_day(
        &self,
        world: &mut World,
        placed: u16,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Vec<Placed>> {
        if placed == 0 {
            self.place_noise(world, today, now)?;
        }
        let orders = self.week.orders.iter().filter(|o| o.placed == placed);
        let mut done = orders.map(|o| self.place_order(world, o, today, now)).collect::<Result<Vec<_>>>()?;
        for prebook in self.week.prebooks.iter().filter(|p| p.placed == placed) {
            done.push(self.place_prebook(world, prebook, today, now)?);
        }
        Ok(done)
    }

    /// Enters the whole week at once, its noise too, day by day.
    pub fn place_week(&self, world: &mut World, today: NaiveDate, now: DateTime<Utc>) -> Result<Vec<Placed>> {
        let mut done = Vec::new();
        for placed in 0..=self.last_day() {
            done.extend(self.place_day(world, placed, today, now)?);
        }
        Ok(done)
    }

    /// The last day of the week on which anything is entered.
    pub fn last_day(&self) -> u16 {
        let orders = self.week.orders.iter().map(|o| o.placed);
        orders.chain(self.week.prebooks.iter().map(|p| p.placed)).max().unwrap_or(0)
    }

    fn prebook_draft(&self, prebook: &WeekPrebook, today: NaiveDate) -> Result<PrebookDraft> {
        let customer = self.customer(&prebook.customer).with_context(|| unresolved(&prebook.name))?;
        let items = prebook.lines.iter().map(|line| {
            let ship = line.ship.with_context(|| unresolved(&prebook.name))?;
            self.item(line, day(today, ship), &prebook.name)
        });
        Ok(PrebookDraft {
            customer: customer.komet_code.clone(),
            carrier: prebook.carrier.as_deref().and_then(|c| self.carrier(c)).map(|c| c.komet_code.clone()),
            truck_date: day(today, prebook.truck),
            customer_po: prebook.po.clone().unwrap_or_default(),
            comments: prebook.comments.clone().unwrap_or_default(),
            standing: prebook.standing,
            items: items.collect::<Result<_>>()?,
        })
    }

    fn item(&self, line: &WeekLine, ship: NaiveDate, of: &str) -> Result<ItemDraft> {
        let terms = self.terms(line).with_context(|| unresolved(of))?;
        Ok(ItemDraft {
            ship_date: Some(ship),
            description: terms.product.description,
            box_type: terms.box_type,
            boxes: terms.boxes,
            bunches: terms.bunches,
            stems: terms.stems_per_bunch,
            unit: match terms.unit_type {
                UnitType::Stem => Unit::Stem,
                UnitType::Bunch => Unit::Bunch,
            },
            cost: Some(terms.unit_cost),
            price: terms.unit_price,
            mark_code: terms.mark_code.unwrap_or_default(),
            notes: terms.notes.unwrap_or_default(),
            parts: terms
                .mix
                .into_iter()
                .map(|part| PartDraft {
                    description: part.product.description,
                    bunches: part.bunches,
                    stems: part.stems_per_bunch,
                    cost: part.unit_cost,
                })
                .collect(),
        })
    }
}

/// Enters flow 1 orders, such as [`Scenario::bulk`]'s, in Axerrio. Answers their ids.
pub fn place_orders(
    world: &mut World,
    orders: impl IntoIterator<Item = OrderInput>,
    now: DateTime<Utc>,
) -> Vec<String> {
    orders.into_iter().map(|input| world.axerrio.customer_orders(draft(input), now)).collect()
}

fn unresolved(name: &str) -> String {
    format!("{name:?} of the week does not fit the scenario's catalogue")
}

fn komet_product(goods: &Goods) -> catalogue::Product {
    match &goods.komet {
        KometProductId::Known { id, code } => {
            let (code, description) = (code.clone(), goods.description.clone());
            catalogue::Product { id: (*id).into(), code, description }
        }
        KometProductId::Unknown { map_to } => catalogue::Product {
            id: map_to.komet_id.into(),
            code: String::new(),
            description: map_to.description.clone(),
        },
    }
}

fn named(party: Party) -> Named {
    Named { code: party.code, name: party.name }
}

fn draft(input: OrderInput) -> OrderDraft {
    let header = input.header;
    OrderDraft {
        customer: named(header.customer),
        customer_po: header.customer_po,
        ship_date: header.ship_date,
        truck_date: header.truck_date,
        carrier: header.carrier.map(named),
        location: header.location,
        comments: header.comments,
        lines: input.lines.into_iter().map(|line| ax_line(line.id.0, line.terms)).collect(),
    }
}

fn ax_line(id: String, terms: LineTerms) -> Line {
    let product = |p: crate::domain::Product| AxProduct { code: p.code, description: p.description };
    Line {
        id,
        product: product(terms.product),
        box_type: terms.box_type,
        boxes: terms.boxes,
        bunches_per_box: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: match terms.unit_type {
            UnitType::Stem => AxUnit::Stem,
            UnitType::Bunch => AxUnit::Bunch,
        },
        unit_cost: terms.unit_cost,
        unit_price: terms.unit_price,
        mark_code: terms.mark_code,
        notes: terms.notes,
        confirmed_boxes: None,
        mix: terms
            .mix
            .into_iter()
            .map(|part| MixPart {
                product: product(part.product),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost,
            })
            .collect(),
    }
}
