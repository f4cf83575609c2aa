//! Orders by the thousand, for benches and for trying out how far a machine carries: the bundled assortment and
//! customers, everything else drawn from a seed, so that two runs trade the same.

use chrono::NaiveDate;
use fastrand::Rng;
use rust_decimal::Decimal;

use super::{Goods, Scenario, day};
use crate::domain::{Header, InputLine, LineId, OrderInput, Party};

/// Ship dates the orders are spread over: the default horizon.
const SHIP_DATES: u16 = 28;

impl Scenario {
    /// `orders` flow 1 orders of `lines_per_order` different lines each, of products that Komet knows, without mixed
    /// boxes: what two Komet writes carry each. Ship dates run from `start` over 28 days in turn; the same arguments
    /// give the same orders.
    pub fn bulk(&self, orders: usize, lines_per_order: usize, seed: u64, start: NaiveDate) -> Vec<OrderInput> {
        let mut rng = Rng::with_seed(seed);
        let mut goods: Vec<&Goods> =
            self.goods.iter().filter(|g| g.parts.is_empty() && g.komet_id().is_some()).collect();
        let customers: Vec<Party> = self
            .customers
            .iter()
            .filter(|c| c.code == c.komet_code)
            .map(|c| Party { code: c.code.clone(), name: c.name.clone() })
            .collect();
        let carriers: Vec<Party> = self
            .carriers
            .iter()
            .filter(|c| c.active && c.code == c.komet_code)
            .map(|c| Party { code: c.code.clone(), name: c.name.clone() })
            .collect();
        if goods.is_empty() || customers.is_empty() {
            return Vec::new();
        }
        let mut offsets = (0..SHIP_DATES).cycle();
        (1..=orders)
            .map(|number| {
                let ship = offsets.next().unwrap_or_default();
                let customer = customers[rng.usize(..customers.len())].clone();
                let carrier = (!carriers.is_empty()).then(|| carriers[rng.usize(..carriers.len())].clone());
                let mark = format!("{} {:04}", &customer.code, number % 10_000);
                OrderInput {
                    header: Header {
                        customer,
                        customer_po: Some(format!("BULK-{number:07}")),
                        ship_date: day(start, ship),
                        truck_date: Some(day(start, ship + rng.u16(2..=4))),
                        carrier,
                        location: None,
                        comments: None,
                    },
                    lines: lines(&mut rng, &mut goods, lines_per_order, &mark),
                }
            })
            .collect()
    }
}

/// Draws different products by shuffling as many to the front as there are lines; beyond the assortment they repeat.
fn lines(rng: &mut Rng, goods: &mut [&Goods], count: usize, mark: &str) -> Vec<InputLine> {
    let choices = goods.len();
    (0..count)
        .map(|at| {
            let slot = at % choices;
            goods.swap(slot, rng.usize(slot..choices));
            let mut terms = goods[slot].terms(rng.u32(1..=12));
            terms.unit_cost = between(rng, goods[slot].cost);
            terms.mark_code = Some(mark.chars().take(20).collect());
            InputLine { id: LineId((at + 1).to_string()), terms }
        })
        .collect()
}

/// A whole number of cents from `from` to `to`.
fn between(rng: &mut Rng, (from, to): (Decimal, Decimal)) -> Decimal {
    let cents = ((to - from) * Decimal::ONE_HUNDRED).trunc().try_into().unwrap_or(0_u32);
    from + Decimal::new(i64::from(rng.u32(0..=cents)), 2)
}
