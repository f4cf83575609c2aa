//! What each choice about the brake does: every order that it stopped is planned as the one order of any other hold is, and what
//! that comes to is told as a sum, since nobody reads through a hundred of the same steps.

use super::choices::{Choice, Foreseen, chain, told};
use super::ground::Ground;
use crate::domain::{Decision, Order, Verdict};
use crate::store::holds::{HoldRow, release_brake};
use crate::store::{Connection, StoreError, orders};
use crate::sync::action::Action;
use crate::systems::System;

/// Orders that are planned: to plan all of a season's would keep the page waiting. The others are told by their number.
const PLANNED: usize = 500;

/// Every choice about the brake, the dismissal last.
pub(super) fn all(conn: &Connection, ground: &Ground, hold: &HoldRow) -> Result<Vec<Choice>, StoreError> {
    let mut sums = [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed].map(Sum::of);
    for key in hold.covers.iter().take(PLANNED) {
        let Some(order) = orders::load(conn, *key)? else { continue };
        let stopped = chain(order.clone(), ground, false);
        for sum in &mut sums {
            let mut decided = order.clone();
            let decision = Decision::new(hold.reason, hold.line.clone(), hold.cause.clone(), sum.verdict);
            release_brake(&mut decided.agreed, &order, decision);
            sum.add(&order, &stopped.news(&order, chain(decided, ground, false)));
        }
    }
    Ok(sums.into_iter().map(|sum| sum.told(hold)).collect())
}

/// What one choice does to all of the orders.
struct Sum {
    verdict: Verdict,
    /// Each step in its own words: all that is told where it is about one order.
    steps: Vec<(System, String)>,
    /// How often each kind of step is taken, in the order in which they are.
    kinds: Vec<(System, [&'static str; 2], usize)>,
    waits_for: Option<&'static str>,
}

impl Sum {
    fn of(verdict: Verdict) -> Self {
        Self { verdict, steps: Vec::new(), kinds: Vec::new(), waits_for: None }
    }

    fn add(&mut self, order: &Order, foreseen: &Foreseen) {
        for action in &foreseen.sent {
            let (system, words) = (action.system(), in_sum(action));
            match self.kinds.iter_mut().find(|(to, known, _)| (*to, *known) == (system, words)) {
                Some((.., times)) => *times += 1,
                None => self.kinds.push((system, words, 1)),
            }
            self.steps.push((system, told(order, action)));
        }
        self.waits_for = self.waits_for.or(foreseen.waits_for);
    }

    fn told(self, hold: &HoldRow) -> Choice {
        let mut choice = Choice::without_writes(hold.reason, self.verdict);
        choice.waits_for = self.waits_for;
        let steps = if hold.covers.len() == 1 {
            self.steps
        } else {
            let told = |(system, [one, many], times): (_, [&str; 2], usize)| {
                (system, format!("{times} {}", if times == 1 { one } else { many }))
            };
            self.kinds.into_iter().map(told).collect()
        };
        for (system, step) in steps {
            choice.add(system, step);
        }
        // Whichever system these were cancelled in, the other one may be written to.
        let others = hold.covers.len().saturating_sub(PLANNED);
        if others > 0 && self.verdict != Verdict::Dismissed {
            for steps in [&mut choice.axerrio, &mut choice.komet] {
                steps.push(format!("and what {others} further orders come to"));
            }
        }
        choice
    }
}

/// What is done to one, and to several. Letting a cancellation through deletes and cancels; the rest is what an order that goes
/// on may call for.
fn in_sum(action: &Action) -> [&'static str; 2] {
    match action {
        Action::DeletePoLine(_) => ["PO line is deleted", "PO lines are deleted"],
        Action::DeleteItem(_) => ["Prebook item is deleted", "Prebook items are deleted"],
        Action::CancelOrder(_) => ["order is cancelled", "orders are cancelled"],
        Action::PutOrder(_) => ["order is put again", "orders are put again"],
        Action::PutPurchaseOrder(_) => ["order learns of its PO", "orders learn of their POs"],
        Action::CreatePrebook(_) => ["Prebook is written", "Prebooks are written"],
        Action::CreatePo(_) => ["PO is written", "POs are written"],
        Action::Ship(_) => ["PO line gets its labels", "PO lines get their labels"],
        Action::ChangeCode(_) => ["box code is changed", "box codes are changed"],
    }
}
