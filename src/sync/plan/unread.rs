//! What this run has not read yet, and must read before a plan may go on: the POs that may already buy an item, those that
//! procurement may have approved meanwhile, the window in which a rep may have changed what is about to go. Each question answers
//! whether it is known, and asks for what is missing, so that nothing is bought, given up or taken for gone on old news.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::Need;
use super::draft::Draft;
use crate::domain::{Flow, ItemId, ItemLink, LineId, PoLink, PoNumber, PoStatus, PrebookItem, window_of};
use crate::sync::action::Action;

impl Draft<'_> {
    /// [`Self::knows_purchase`] for every item of which no PO line is known, or none but those that somebody else took off or
    /// cancelled, and that `concerns`; asks for all at once.
    pub(super) fn knows_purchases(&mut self, concerns: impl Fn(&Self, &ItemLink) -> bool) -> bool {
        let is_off = |link: &PoLink| {
            self.po_status(link) == PoStatus::Cancelled
                || !link.was_deleted() && !link.gone && !self.po_alive(link)
        };
        let lines = self.agreed.lines.values().filter(|line| line.po_lines.iter().all(is_off));
        let links = lines.filter_map(|line| line.item.as_ref()).filter(|link| concerns(self, link));
        let items: Vec<ItemId> = links.map(|link| link.item.clone()).collect();
        items.iter().filter(|item| !self.knows_purchase(item)).count() == 0
    }

    /// Asks for the POs that these items name and that nothing else leads to: a buyer's own, or those of a database that is lost.
    pub(super) fn read_named_pos(&mut self, items: &[&PrebookItem]) {
        let named = items.iter().filter_map(|item| item.po_number.as_ref());
        let is_unread = |number: &&PoNumber| {
            let is_read = self.rules.facts.po_numbers_read.contains(number) || self.po(number).is_some();
            number.can_be_asked_for() && !is_read
        };
        let unread: Vec<Need> =
            named.filter(is_unread).map(|number| Need::PurchaseOrder(number.clone())).collect();
        self.needs.extend(unread);
    }

    /// Whether the POs were read that may already buy an item which was found, not made; asks for them otherwise.
    pub(super) fn knows_purchase(&mut self, item: &ItemId) -> bool {
        let unread = self.unread_pos_of(item);
        self.lacks_nothing(unread)
    }

    /// Whether the POs of its day were read since a line was bought. A request that was delivered twice made a second PO,
    /// and once nothing of the order is bought any more no read would show it: it is looked for before the first one goes.
    pub(super) fn knows_repeats(&mut self, line: &LineId) -> bool {
        let unseen = self.alive_po_links(line).into_iter().filter(|link| link.seen.is_none());
        let days: Vec<_> = unseen.map(|link| link.ship_date.unwrap_or(self.order.ship_date)).collect();
        self.has_read_pos(&days)
    }

    /// Whether the POs that buy the order's lines were read in this run: a line that is added after procurement approved one is
    /// a person's to decide, and goes on no PO unasked.
    pub(super) fn knows_approvals(&mut self) -> bool {
        if self.is_decided() {
            return true;
        }
        let links = self.agreed.lines.keys().flat_map(|line| self.alive_po_links(line));
        let unread = links.flat_map(|link| self.unread_po(&link.number, link.ship_date)).collect();
        self.lacks_nothing(unread)
    }

    /// Whether the POs of every ship date were read in this run; asks for those that were not. A day of which something cannot be read
    /// holds nobody up: what stands there is found as soon as it can be.
    pub(super) fn has_read_horizon(&mut self) -> bool {
        let facts = self.rules.facts;
        let days: Vec<_> = facts.po_dates.difference(&facts.po_dates_in_vain).copied().collect();
        self.has_read_pos(&days)
    }

    /// Whether the windows of all these days were read in full in this database's life; asks for those that were not.
    pub(super) fn knows_windows(&mut self, days: &[NaiveDate]) -> bool {
        let known = &self.rules.facts.windows_known;
        let unread = days.iter().filter(|day| !known.contains(&window_of(**day)));
        let unread = unread.map(|day| Need::Prebooks(*day)).collect();
        self.lacks_nothing(unread)
    }

    /// Whether the windows of all these days were read in full in this run; asks for those that were not. What ships before yesterday
    /// cannot be read.
    pub(super) fn has_read_windows(&mut self, days: &[NaiveDate]) -> bool {
        let rules = self.rules;
        let shown = days.iter().filter(|day| **day >= rules.visible_from);
        let unread = shown.filter(|day| !rules.facts.windows_whole.contains(&window_of(**day)));
        let unread = unread.map(|day| Need::Prebooks(*day)).collect();
        self.lacks_nothing(unread)
    }

    /// Whether the POs of all these days were read; asks for those that were not.
    pub(super) fn has_read_pos(&mut self, days: &[NaiveDate]) -> bool {
        let unread = self.unread_pos(days).collect();
        self.lacks_nothing(unread)
    }

    /// Whether nothing is left to be read; asks for what is.
    fn lacks_nothing(&mut self, unread: Vec<Need>) -> bool {
        let is_known = unread.is_empty();
        self.needs.extend(unread);
        is_known
    }

    /// Procurement may have approved a PO since it was last read, and from then on a change is a question (product.md, Who
    /// owns what); so is what a rep did to an item since. So a line is taken from a pending PO only in a run that has read it,
    /// and in flow 1 from PO and Prebook only in one that has read the Prebook; until then nothing is done at all, because every
    /// other step builds on this one.
    pub(super) fn read_before_deleting(&mut self) {
        let mut unread = BTreeSet::new();
        for action in &self.actions {
            unread.extend(self.unread_window(action));
            unread.extend(self.unread_purchase(action));
            let Action::DeletePoLine(delete) = action else { continue };
            let links = self.agreed.lines.values().flat_map(|line| &line.po_lines);
            let asked = links.filter(|link| link.line == delete.po_item).find_map(|link| link.ship_date);
            unread.extend(self.unread_po(&delete.number, asked));
        }
        if self.seeks || !unread.is_empty() {
            self.needs.extend(unread);
            self.actions.clear();
        }
    }

    /// The window of the item that an action of flow 1 gives up, if it was not read in this run. What ships before yesterday
    /// cannot be read.
    fn unread_window(&self, action: &Action) -> Option<Need> {
        let line = match action {
            Action::DeletePoLine(delete) => &delete.line,
            Action::DeleteItem(delete) => delete.line.as_ref()?,
            _ => return None,
        };
        let link = self.agreed.lines.get(line)?.item.as_ref().filter(|_| self.order.flow == Flow::FromAxerrio)?;
        let seen = || link.seen.as_ref().map(|seen| seen.ship_date);
        let day = self.item(&link.item).map(|item| item.ship_date).or_else(seen).unwrap_or(self.order.ship_date);
        let is_read = self.rules.facts.windows_seen.contains(&window_of(day));
        (!is_read && day >= self.rules.visible_from).then_some(Need::Prebooks(day))
    }

    /// What is to be read before an item is given up that nothing is known to buy: a buyer may have bought it by hand, a restored copy
    /// may not know the PO that does, and the item is all that leads to it.
    fn unread_purchase(&self, action: &Action) -> Vec<Need> {
        let Action::DeleteItem(delete) = action else { return Vec::new() };
        let link = delete.line.as_ref().and_then(|line| self.agreed.lines.get(line)?.item.as_ref());
        let Some(link) = link.filter(|link| link.item == delete.item) else { return Vec::new() };
        if self.was_ever_bought(&link.item) || self.rules.made.items.contains(&link.item) {
            return Vec::new();
        }
        self.unread_pos_of(&link.item)
    }

    /// What is to be read of the POs that may buy an item.
    fn unread_pos_of(&self, item: &ItemId) -> Vec<Need> {
        let shown = self.item(item);
        let facts = self.rules.facts;
        let named = shown.and_then(|item| item.po_number.as_ref()).filter(|number| self.po(number).is_none());
        if let Some(number) =
            named.filter(|number| number.can_be_asked_for() && !facts.po_numbers_read.contains(number))
        {
            return vec![Need::PurchaseOrder(number.clone())];
        }
        // Komet may have given the item another ship date than the PO was made for (assumed): both days are read. A buyer may
        // have bought it for the day that a rep moved it away from, or moved the PO to any day before this database first read that.
        let mut days = vec![self.order.ship_date, shown.map_or(self.order.ship_date, |item| item.ship_date)];
        let mut links = self.agreed.lines.values().filter_map(|line| line.item.as_ref());
        let former = links.find(|link| link.item == *item).into_iter().flat_map(|link| &link.former_days);
        let elsewhere = former.filter(|day| **day >= self.rules.visible_from).chain(&facts.po_dates_unknown);
        // One of somebody else's POs that cannot be read on another day is no reason to buy nothing.
        days.extend(elsewhere.filter(|day| !facts.po_dates_in_vain.contains(day)));
        let unread: Vec<Need> = self.unread_pos(&days).collect();
        // What the item names is somewhere, if not there.
        if unread.is_empty() { named.map_or_else(Vec::new, |number| self.unread_number(number)) } else { unread }
    }

    /// What is to be read of a PO that was `asked` for that ship date, if it was not read in this run and procurement has not
    /// decided about it yet.
    fn unread_po(&self, number: &PoNumber, asked: Option<NaiveDate>) -> Vec<Need> {
        let po = self.po(number);
        let facts = &self.rules.facts;
        if facts.po_numbers_read.contains(number) || po.is_some_and(|po| po.status.is_decided()) {
            return Vec::new();
        }
        let day = po.map(|po| po.ship_date).or(asked).unwrap_or(self.order.ship_date);
        // What a buyer moved to another day is in the list of its old one no more.
        let has_left = facts.po_dates_read.contains(&day) || facts.po_dates_in_vain.contains(&day);
        if has_left { self.unread_number(number) } else { vec![Need::PurchaseOrders(day)] }
    }

    /// What is to be read to see a PO, wherever it is, if it was not seen in this run: Komet is asked for its number, or where it cannot
    /// be, for every ship date. A day on which something cannot be read may be the one on which it stands.
    pub(super) fn unread_number(&self, number: &PoNumber) -> Vec<Need> {
        let facts = self.rules.facts;
        if facts.po_numbers_read.contains(number) {
            return Vec::new();
        }
        if number.can_be_asked_for() {
            return vec![Need::PurchaseOrder(number.clone())];
        }
        // It may have been moved beyond the horizon.
        let known = self.po(number).map(|po| po.ship_date).filter(|day| *day >= self.rules.visible_from);
        let days: Vec<NaiveDate> = facts.po_dates.iter().copied().chain(known).collect();
        self.unread_pos(&days).collect()
    }

    fn unread_pos<'d>(&'d self, days: &'d [NaiveDate]) -> impl Iterator<Item = Need> + 'd {
        let read = &self.rules.facts.po_dates_read;
        days.iter().filter(|day| !read.contains(day)).map(|day| Need::PurchaseOrders(*day))
    }
}
