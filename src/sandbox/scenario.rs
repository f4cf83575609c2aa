//! What the sandbox plays: a company, its vendor's assortment, and a week of orders, read from files that people can
//! edit (`data/scenario/*.toml`). The bundled ones are part of the program; a folder of one's own replaces any of them.
//! [`Scenario::bulk`] makes as many orders as a bench wants.

mod bulk;
mod files;
mod resolve;
mod types;
mod world;

use std::path::Path;

use chrono::{Days, NaiveDate};

pub use types::*;
pub use world::{Placed, PlacedId, place_orders};

use crate::domain::{Header, InputLine, LineId, LineTerms, MapKind, OrderInput, Party};

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file is there and cannot be read.
    #[error("scenario file {file} cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds none of the files.
    #[error(
        "{0} holds no scenario file: expected at least one of company.toml, boxtypes.toml, carriers.toml, \
         customers.toml, catalogue.toml, week.toml"
    )]
    Empty(String),
    /// A file is no TOML of the expected shape.
    #[error("scenario file {file}: {message}")]
    Parse {
        /// The file's name.
        file: &'static str,
        /// Line, column and what was expected.
        message: String,
    },
    /// The files do not fit together: every problem, with its file and entry.
    #[error("the scenario does not hold together:\n  - {}", .0.join("\n  - "))]
    Invalid(Vec<String>),
}

impl Scenario {
    /// The scenario that comes with the program.
    ///
    /// # Panics
    /// Never in a released program: its files are compiled in, and a test loads them.
    pub fn bundled() -> Self {
        resolve::scenario(&files::Texts::bundled())
            .expect("the bundled files are part of the program, and tests/scenario.rs loads them")
    }

    /// A scenario of one's own: the files of `dir`; those that are not there are the bundled ones.
    pub fn from_dir(dir: &Path) -> Result<Self, ScenarioError> {
        resolve::scenario(&files::Texts::of_dir(dir)?)
    }

    /// The product or recipe of an Axerrio code.
    pub fn goods(&self, code: &str) -> Option<&Goods> {
        self.goods.iter().find(|g| g.code == code)
    }

    /// The customer of an Axerrio code.
    pub fn customer(&self, code: &str) -> Option<&Customer> {
        self.customers.iter().find(|c| c.code == code)
    }

    /// The carrier of an Axerrio code.
    pub fn carrier(&self, code: &str) -> Option<&Carrier> {
        self.carriers.iter().find(|c| c.code == code)
    }

    /// The box type of a code.
    pub fn box_type(&self, code: &str) -> Option<&BoxType> {
        self.box_types.iter().find(|b| b.code == code)
    }

    /// Products that Komet does not know.
    pub fn unknown_products(&self) -> impl Iterator<Item = &Goods> {
        self.goods.iter().filter(|g| g.komet_id().is_none())
    }

    /// Rows for stemsync's local maps: every Axerrio code that Komet has an id for.
    pub fn maps(&self) -> Vec<(MapKind, String, i64)> {
        let products = self.goods.iter().filter_map(|g| Some((MapKind::Product, &g.code, g.komet_id()?)));
        let customers = self.customers.iter().map(|c| (MapKind::Customer, &c.code, c.komet_id));
        let carriers = self.carriers.iter().map(|c| (MapKind::Carrier, &c.code, c.komet_id));
        let box_types = self.box_types.iter().map(|b| (MapKind::BoxType, &b.code, b.komet_id));
        products
            .chain(customers)
            .chain(carriers)
            .chain(box_types)
            .map(|(kind, code, id)| (kind, code.clone(), i64::from(id)))
            .collect()
    }

    /// A line of the week in the words of the trade. Every code of a checked scenario resolves; a line made by hand
    /// with a code that does not gives `None`.
    pub fn terms(&self, line: &WeekLine) -> Option<LineTerms> {
        let mut terms = self.goods(&line.product)?.terms(line.boxes);
        if let Some(code) = &line.box_type {
            terms.box_type.clone_from(code);
        }
        terms.bunches = line.bunches.unwrap_or(terms.bunches);
        terms.unit_cost = line.cost.unwrap_or(terms.unit_cost);
        terms.unit_price = line.price;
        terms.mark_code.clone_from(&line.mark);
        terms.notes.clone_from(&line.notes);
        Some(terms)
    }

    /// A flow 1 order as Axerrio takes it, its lines numbered from 1. `None` as for [`Scenario::terms`].
    pub fn order(&self, order: &WeekOrder, today: NaiveDate) -> Option<OrderInput> {
        let customer = self.customer(&order.customer)?;
        let carrier = order.carrier.as_deref().and_then(|code| self.carrier(code));
        let lines = order.lines.iter().zip(1..).map(|(line, number): (_, u32)| {
            Some(InputLine { id: LineId(number.to_string()), terms: self.terms(line)? })
        });
        Some(OrderInput {
            header: Header {
                customer: Party { code: customer.code.clone(), name: customer.name.clone() },
                customer_po: order.po.clone(),
                ship_date: day(today, order.ship),
                truck_date: order.truck.map(|offset| day(today, offset)),
                carrier: carrier.map(|c| Party { code: c.code.clone(), name: c.name.clone() }),
                location: None,
                comments: order.comments.clone(),
            },
            lines: lines.collect::<Option<_>>()?,
        })
    }
}

/// The day `offset` days after `today`; chrono's calendar ends long after any scenario.
pub fn day(today: NaiveDate, offset: u16) -> NaiveDate {
    today.checked_add_days(Days::new(u64::from(offset))).unwrap_or(NaiveDate::MAX)
}
