//! A plan in the making: the views to look things up in, and the actions, holds and needs collected so far. What it asks people is
//! in `asking`, what it must read first in `unread`, what was refused in `refused`.

use std::collections::BTreeSet;

use super::{Need, Plan, asking::Asked, off, refused::WantedKeys, rules::Rules, stage};
use crate::domain::{
    Agreed, ItemId, ItemLink, LineId, Order, PoItemId, PoLine, PoLink, PoNumber, PoStatus, Prebook, PrebookId,
    PrebookItem, PurchaseOrder,
};
use crate::sync::action::Action;

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub(super) order: &'a Order,
    pub(super) rules: &'a Rules<'a>,
    pub(super) agreed: Agreed,
    pub(super) actions: Vec<Action>,
    pub(super) needs: BTreeSet<Need>,
    pub(super) cancels: bool,
    /// Something waits until another order has let go of it.
    pub(super) waits: bool,
    /// What somebody took off a PO is looked for, and until it is known where it stands nothing is done.
    pub(super) seeks: bool,
    pub(super) asked: Asked,
    pub(super) wanted_keys: WantedKeys,
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
            waits: false,
            seeks: false,
            asked: Asked::default(),
            wanted_keys: WantedKeys::default(),
        }
    }

    pub(super) fn finish(mut self) -> Plan {
        off::seek_parts(&mut self);
        self.read_before_deleting();
        self.mark_what_goes();
        self.keep_rejections();
        self.forget_what_is_over();
        self.asked.sort();
        let stage = stage::stage(&self);
        Plan {
            actions: self.actions,
            holds: self.asked.holds,
            answered: self.asked.answered,
            recorded: self.asked.recorded,
            needs: self.needs,
            agreed: self.agreed,
            stage,
            cancels: self.cancels,
            waits: self.waits,
        }
    }

    /// Lines that this plan buys otherwise, or asks about.
    pub(super) fn concerned_lines(&self) -> BTreeSet<LineId> {
        let changing = self.actions.iter().filter(|action| !action.is_batched()).flat_map(Action::lines);
        changing.chain(self.asked.holds.iter().filter_map(|hold| hold.line.clone())).collect()
    }

    /// Where several PO lines of a line are about to go, all of them do, whatever the rest looks like when the first is gone.
    fn mark_what_goes(&mut self) {
        let going = self.actions.iter().filter_map(|action| match action {
            Action::DeletePoLine(delete) => Some((delete.line.clone(), delete.po_item.clone())),
            _ => None,
        });
        let going: BTreeSet<(LineId, PoItemId)> = going.collect();
        for (line, agreed) in self.agreed.lines.iter_mut().filter(|(_, agreed)| !agreed.has_begun_to_go()) {
            let goes = |link: &PoLink| going.contains(&(line.clone(), link.line.clone()));
            let are_several = agreed.po_lines.iter().filter(|link| goes(link)).count() > 1;
            agreed.po_lines.iter_mut().for_each(|link| link.going = are_several && goes(link));
        }
    }

    /// Wants `action`. If exactly this request was refused before, the hold stays and it is tried again, until it
    /// passes or a person releases it (clarification 11).
    pub(super) fn act(&mut self, action: Action) {
        if self.keep_refusal(&action).is_none() {
            self.actions.push(action);
        }
    }

    /// Whether a request is wanted, refused before or not.
    pub(super) fn wants(&self, which: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(which)
    }

    /// Whether a request is on its way that was not refused before: what builds on it waits for it.
    pub(super) fn awaits(&self, which: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(|a| which(a) && !self.was_refused(a))
    }

    pub(super) fn prebook(&self, id: &PrebookId) -> Option<&'a Prebook> {
        self.order.komet.prebooks.iter().find(|p| p.id == *id)
    }

    pub(super) fn item(&self, id: &ItemId) -> Option<&'a PrebookItem> {
        self.order.komet.item(id)
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
            None => !link.dead && !link.gone && link.seen.is_none(),
        }
    }

    /// Whether the PO line stands: Komet shows it with a quantity on a PO that is not cancelled, or it was made and
    /// not read yet.
    pub(super) fn po_alive(&self, link: &PoLink) -> bool {
        match self.po_line(&link.line) {
            Some((po, line)) => line.is_alive() && po.status != PoStatus::Cancelled,
            None => !link.dead && !link.gone && link.seen.is_none(),
        }
    }

    /// The state of the PO a line is on; a PO that was not read yet is pending.
    pub(super) fn po_status(&self, link: &PoLink) -> PoStatus {
        self.po_line(&link.line)
            .map(|(po, _)| po.status)
            .or_else(|| self.po(&link.number).map(|po| po.status))
            .unwrap_or(PoStatus::Pending)
    }

    /// Whether the PO line is Komet's: procurement has decided about its PO, or boxes of it have shipped, also if the PO waits for
    /// approval again since a line was added.
    pub(super) fn is_link_decided(&self, link: &PoLink) -> bool {
        self.po_status(link).is_decided() || self.has_link_shipped(link)
    }

    /// Whether boxes of the PO line have shipped.
    pub(super) fn has_link_shipped(&self, link: &PoLink) -> bool {
        self.po_line(&link.line).is_some_and(|(_, line)| !line.boxes.is_empty())
    }

    /// Whether boxes of the line have shipped.
    pub(super) fn has_shipped(&self, line: &LineId) -> bool {
        let mut links = self.agreed.lines.get(line).into_iter().flat_map(|agreed| &agreed.po_lines);
        links.any(|link| self.has_link_shipped(link))
    }

    /// The PO lines that stand for a line of the order.
    pub(super) fn alive_po_links(&self, line: &LineId) -> Vec<PoLink> {
        self.agreed
            .lines
            .get(line)
            .map(|l| l.po_lines.iter().filter(|link| self.po_alive(link)).cloned().collect())
            .unwrap_or_default()
    }

    /// Procurement has decided about a PO of the order: its lines are Komet's from now on.
    pub(super) fn is_decided(&self) -> bool {
        self.agreed.lines.keys().any(|line| self.decided_on(line) == Some(true))
    }

    /// Whether procurement has decided about this line; one that is on no PO follows the order.
    pub(super) fn is_line_decided(&self, line: &LineId) -> bool {
        self.decided_on(line).unwrap_or_else(|| self.is_decided())
    }

    /// Whether one of the POs that the line is on is decided; `None` where it never was on one. In the middle of a change,
    /// when stemsync has taken it from its PO, nothing is decided about it.
    fn decided_on(&self, line: &LineId) -> Option<bool> {
        let links = &self.agreed.lines.get(line)?.po_lines;
        let mut alive = links.iter().filter(|link| self.po_alive(link)).peekable();
        if alive.peek().is_some() {
            return Some(alive.any(|link| self.is_link_decided(link)));
        }
        // What nothing took the place of may be on a cancelled PO.
        let stands = |link: &&PoLink| match self.po_line(&link.line) {
            Some((_, line)) => line.is_alive() && !link.dead,
            None => self.po_alive(link),
        };
        let states: Vec<bool> = links.iter().filter(stands).map(|link| self.is_link_decided(link)).collect();
        let in_change = links.iter().any(PoLink::was_deleted);
        (in_change || !states.is_empty()).then(|| states.contains(&true))
    }

    /// Whether a PO line is known that buys the item, or bought it.
    pub(super) fn was_ever_bought(&self, item: &ItemId) -> bool {
        self.agreed.lines.values().flat_map(|line| &line.po_lines).any(|link| link.item == *item)
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
