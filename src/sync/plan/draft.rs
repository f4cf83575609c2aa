//! A plan in the making: the views to look things up in, and the actions, holds and needs collected so far.

use std::collections::BTreeSet;

use super::{Need, Plan, rules::Rules, stage};
use crate::domain::{
    Agreed, Decision, Hold, HoldReason, ItemId, ItemLink, LineId, Order, PoItemId, PoLine, PoLink, PoNumber,
    PoStatus, Prebook, PrebookId, PrebookItem, PurchaseOrder, Verdict,
};
use crate::sync::action::Action;
use crate::systems::System;

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) order: &'a Order,
    pub(super) rules: &'a Rules<'a>,
    pub(super) agreed: Agreed,
    pub(super) actions: Vec<Action>,
    pub(super) needs: BTreeSet<Need>,
    pub(super) cancels: bool,
    holds: Vec<Hold>,
    answered: Vec<Decision>,
    /// Keys of requests that this plan wants; a rejection of anything else is forgotten.
    wanted_keys: BTreeSet<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(order: &'a Order, rules: &'a Rules<'a>) -> Self {
        Self {
            order,
            rules,
            agreed: order.agreed.clone(),
            actions: Vec::new(),
            needs: BTreeSet::new(),
            cancels: false,
            holds: Vec::new(),
            answered: Vec::new(),
            wanted_keys: BTreeSet::new(),
        }
    }

    pub(super) fn finish(mut self) -> Plan {
        let wanted = &self.wanted_keys;
        self.agreed.rejections.retain(|key, _| wanted.contains(key));
        self.holds.sort();
        self.holds.dedup_by(|a, b| (a.reason, &a.line, &a.cause) == (b.reason, &b.line, &b.cause));
        let stage = stage::stage(&self);
        Plan {
            actions: self.actions,
            holds: self.holds,
            answered: self.answered,
            needs: self.needs,
            agreed: self.agreed,
            stage,
            cancels: self.cancels,
        }
    }

    /// The person's word on a question, if there is one.
    pub(super) fn verdict(&self, reason: HoldReason, line: Option<&LineId>, cause: &str) -> Option<Verdict> {
        self.agreed
            .decisions
            .iter()
            .rev()
            .find(|d| d.reason == reason && d.line.as_ref() == line && d.cause == cause)
            .map(|d| d.verdict)
    }

    /// Asks a person: answers with the decision if it was made, else holds.
    pub(super) fn ask(
        &mut self,
        reason: HoldReason,
        line: Option<&LineId>,
        cause: &str,
        detail: impl FnOnce() -> String,
    ) -> Option<Verdict> {
        let verdict = self.verdict(reason, line, cause);
        let (line, cause) = (line.cloned(), cause.to_owned());
        match verdict {
            Some(verdict) => self.answered.push(Decision { reason, line, cause, verdict }),
            None => self.holds.push(Hold { reason, line, cause, detail: detail() }),
        }
        verdict
    }

    /// Wants `action`. If exactly this request was refused before, it is tried again and the hold stays until it
    /// passes (clarification 11).
    pub(super) fn act(&mut self, action: Action) {
        let key = action.key();
        if let Some(rejection) = self.agreed.rejections.get(&key) {
            let (reason, system) = match action.system() {
                System::Komet => (HoldReason::RejectedByKomet, System::Komet),
                System::Axerrio => (HoldReason::RejectedByAxerrio, System::Axerrio),
            };
            let line = match rejection.lines.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            };
            let detail = format!(
                "{} refused {}: {}. stemsync tries again each run; change the order, or mend the cause in {}.",
                system.title(),
                action.method(),
                rejection.message,
                system.title()
            );
            let cause = format!("{} {}", action.method(), rejection.message);
            let _ = self.ask(reason, line.as_ref(), &cause, || detail);
        }
        self.wanted_keys.insert(key);
        self.actions.push(action);
    }

    /// Whether a request for several lines was refused as a whole, so that they go one by one. The refusal is
    /// remembered as long as the same lines wait.
    pub(super) fn was_refused_together(&mut self, action: &Action) -> bool {
        let key = action.key();
        let refused = action.lines().len() > 1 && self.agreed.rejections.contains_key(&key);
        if refused {
            self.wanted_keys.insert(key);
        }
        refused
    }

    /// Whether a request is on its way that was not refused before: what builds on it waits for it.
    pub(super) fn awaits(&self, which: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(|a| which(a) && !self.agreed.rejections.contains_key(&a.key()))
    }

    pub(super) fn prebook(&self, id: &PrebookId) -> Option<&'a Prebook> {
        self.order.komet.prebooks.iter().find(|p| p.id == *id)
    }

    pub(super) fn item(&self, id: &ItemId) -> Option<&'a PrebookItem> {
        self.order.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == *id)
    }

    pub(super) fn po(&self, number: &PoNumber) -> Option<&'a PurchaseOrder> {
        self.order.komet.purchase_orders.iter().find(|p| p.number == *number)
    }

    pub(super) fn po_line(&self, id: &PoItemId) -> Option<(&'a PurchaseOrder, &'a PoLine)> {
        self.order.komet.purchase_orders.iter().find_map(|p| p.lines.iter().find(|l| l.id == *id).map(|l| (p, l)))
    }

    /// Whether the item stands: Komet shows it with a quantity, or it was made and not read yet.
    pub(super) fn item_alive(&self, link: &ItemLink) -> bool {
        match self.item(&link.item) {
            Some(item) => item.is_alive(),
            None => !link.dead && link.seen.is_none(),
        }
    }

    /// Whether the PO line stands: Komet shows it with a quantity on a PO that is not cancelled, or it was made and
    /// not read yet.
    pub(super) fn po_alive(&self, link: &PoLink) -> bool {
        match self.po_line(&link.line) {
            Some((po, line)) => line.is_alive() && po.status != PoStatus::Cancelled,
            None => !link.dead && link.seen.is_none(),
        }
    }

    /// The state of the PO a line is on; a PO that was not read yet is pending.
    pub(super) fn po_status(&self, link: &PoLink) -> PoStatus {
        self.po_line(&link.line)
            .map(|(po, _)| po.status)
            .or_else(|| self.po(&link.number).map(|po| po.status))
            .unwrap_or(PoStatus::Pending)
    }

    /// The PO lines that stand for a line of the order.
    pub(super) fn alive_po_links(&self, line: &LineId) -> Vec<PoLink> {
        self.agreed
            .lines
            .get(line)
            .map(|l| l.po_lines.iter().filter(|link| self.po_alive(link)).cloned().collect())
            .unwrap_or_default()
    }

    /// Procurement has decided: the PO's lines are Komet's from now on.
    pub(super) fn is_decided(&self) -> bool {
        self.agreed.lines.values().flat_map(|l| &l.po_lines).any(|link| {
            self.po_line(&link.line).is_some_and(|(po, line)| po.status.is_decided() && line.is_alive())
        })
    }

    /// Every PO of the order was cancelled in Komet, and there is one.
    pub(super) fn is_po_cancelled(&self) -> bool {
        let mut any = false;
        for link in self.agreed.lines.values().flat_map(|l| &l.po_lines) {
            match self.po_line(&link.line) {
                Some((po, line)) if line.is_alive() => {
                    if po.status != PoStatus::Cancelled {
                        return false;
                    }
                    any = true;
                }
                Some(_) => {}
                None => {
                    if self.po_alive(link) {
                        return false;
                    }
                }
            }
        }
        any
    }
}
