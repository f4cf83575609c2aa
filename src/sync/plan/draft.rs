//! A plan in the making: the views to look things up in, and the actions, holds and needs collected so far.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{
    Need, Plan,
    compare::{header_print, komet_print, terms_print},
    off,
    rules::Rules,
    stage,
};
use crate::domain::{
    Agreed, Decision, Hold, HoldReason, ItemId, ItemLink, LineId, OnConflict, Order, PoItemId, PoLine, PoLink,
    PoNumber, PoStatus, Prebook, PrebookId, PrebookItem, PurchaseOrder, Rejection, Verdict, fingerprint,
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
    /// Something waits until another order has let go of it.
    pub(super) waits: bool,
    /// What somebody took off a PO is looked for, and until it is known where it stands nothing is done.
    pub(super) seeks: bool,
    holds: Vec<Hold>,
    /// Conflicts that the owner rule settled in this plan.
    recorded: Vec<Hold>,
    /// Questions that arose and were answered before.
    answered: Vec<Decision>,
    /// Decisions whose question came up.
    met: RefCell<Vec<Decision>>,
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
            waits: false,
            seeks: false,
            holds: Vec::new(),
            recorded: Vec::new(),
            answered: Vec::new(),
            met: RefCell::default(),
            wanted_keys: BTreeSet::new(),
        }
    }

    pub(super) fn finish(mut self) -> Plan {
        off::seek_parts(&mut self);
        self.read_before_deleting();
        self.mark_what_goes();
        self.keep_rejections();
        self.forget_what_is_over();
        self.holds.sort();
        self.holds.dedup_by(|a, b| (a.reason, &a.line, &a.cause) == (b.reason, &b.line, &b.cause));
        let stage = stage::stage(&self);
        Plan {
            actions: self.actions,
            holds: self.holds,
            answered: self.answered,
            recorded: self.recorded,
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
        changing.chain(self.holds.iter().filter_map(|hold| hold.line.clone())).collect()
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

    /// Refusals of what is no longer wanted are forgotten; not so while something must be read first, because then it
    /// is not known what is wanted.
    fn keep_rejections(&mut self) {
        if self.needs.is_empty() {
            let wanted = &self.wanted_keys;
            self.agreed.rejections.retain(|key, _| wanted.contains(key));
            return;
        }
        for (key, rejection) in self.agreed.rejections.clone() {
            if !self.wanted_keys.contains(&key) {
                let _ = self.ask_about_refusal(&key, &rejection);
            }
        }
    }

    /// What a person decided about questions whose cause `begins` so, and left as Komet has it.
    pub(super) fn left_to_komet<'s>(&'s self, begins: &'s str) -> impl Iterator<Item = &'s Decision> {
        self.agreed.decisions.iter().filter(move |decision| {
            decision.reason == HoldReason::EditedInKomet
                && decision.verdict != Verdict::TakeAxerrio
                && decision.cause.starts_with(begins)
        })
    }

    /// The person's word on a question, if there is one.
    pub(super) fn verdict(&self, reason: HoldReason, line: Option<&LineId>, cause: &str) -> Option<Verdict> {
        let mut decisions = self.agreed.decisions.iter().rev();
        let decision = decisions.find(|d| d.reason == reason && d.line.as_ref() == line && d.cause == cause)?;
        self.met.borrow_mut().push(decision.clone());
        Some(decision.verdict)
    }

    /// Whether a person said to cut this field, whatever else was to be written then. The decision counts as met.
    pub(super) fn was_cut(&self, line: Option<&LineId>, field: &str) -> bool {
        let is_of_field = |cause: &str| {
            let rest = cause.strip_prefix(field);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(" [") && rest.len() == " [0123456789abcdef]".len()
            })
        };
        let mut decisions = self.agreed.decisions.iter().filter(|decision| {
            decision.reason == HoldReason::FieldTooLong
                && decision.verdict == Verdict::TakeKomet
                && decision.line.as_ref() == line
                && is_of_field(&decision.cause)
        });
        let cut = decisions.next();
        self.met.borrow_mut().extend(cut.cloned());
        cut.is_some()
    }

    /// Remembers what this plan decided by itself.
    pub(super) fn remember(&mut self, decision: Decision) {
        let decision = Decision { met: true, ..decision };
        self.met.borrow_mut().push(decision.clone());
        self.agreed.decisions.push(decision);
    }

    /// Forgets decisions whose question is gone, once nothing of their line is left to do: what was changed back by hand before
    /// anybody carried the decision out, and what was carried out. The same deed, done again, is a new question. What both sides
    /// were left to differ in stays known, also where nothing asks about it any more.
    fn forget_what_is_over(&mut self) {
        let met = self.met.take();
        if self.agreed.decisions.is_empty() {
            return;
        }
        let is_quiet = self.actions.is_empty() && self.needs.is_empty() && !self.waits && !self.cancels;
        let holds = &self.holds;
        let waits = |line: &Option<LineId>| {
            holds.iter().any(|hold| line.is_none() || hold.line.is_none() || hold.line == *line)
        };
        let is_carried_out = |decision: &Decision| {
            decision.verdict == Verdict::TakeAxerrio
                && matches!(decision.reason, HoldReason::EditedInKomet | HoldReason::ChangedAfterApproval)
        };
        // These come up in each plan as long as their cause lasts.
        let is_asked_each_time = |decision: &Decision| {
            match decision.reason {
                HoldReason::ChangedAfterApproval
                | HoldReason::VoidLabel
                | HoldReason::LabelChangedAfterShipping
                | HoldReason::ReservedLotNumber
                | HoldReason::DuplicateBoxCode => true,
                // What was cut is in Komet.
                HoldReason::FieldTooLong => decision.verdict != Verdict::TakeKomet,
                _ => false,
            }
        };
        self.agreed.decisions.retain_mut(|decision| {
            if met.contains(decision) {
                decision.met = true;
                return true;
            }
            let is_known = decision.met && !is_carried_out(decision) && !is_asked_each_time(decision);
            !is_quiet || waits(&decision.line) || is_known
        });
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
            Some(verdict) => self.answered.push(Decision { reason, line, cause, verdict, met: true }),
            None => self.holds.push(Hold { reason, line, cause, detail: detail() }),
        }
        verdict
    }

    /// Both sides say something else, or the one that does not own it changed it: by `on_conflict` a person decides, or
    /// the owner's side is taken and the other recorded, as if a person had decided so.
    pub(super) fn settle(
        &mut self,
        reason: HoldReason,
        line: Option<&LineId>,
        cause: &str,
        owner: Verdict,
        detail: impl FnOnce() -> String,
    ) -> Option<Verdict> {
        if self.rules.on_conflict == OnConflict::Owner && self.verdict(reason, line, cause).is_none() {
            let detail = fact(&detail()).to_owned();
            let hold = Hold { reason, line: line.cloned(), cause: cause.to_owned(), detail };
            let decision = Decision::new(reason, hold.line.clone(), hold.cause.clone(), owner);
            self.remember(decision.clone());
            self.answered.push(decision);
            self.recorded.push(hold);
            return Some(owner);
        }
        self.ask(reason, line, cause, detail)
    }

    /// Forgets what was decided about a line (or the order, `None`), so that the same deed, done again, is a new question.
    pub(super) fn forget(&mut self, reason: HoldReason, line: Option<&LineId>, which: impl Fn(&Decision) -> bool) {
        self.agreed
            .decisions
            .retain(|decision| decision.reason != reason || decision.line.as_ref() != line || !which(decision));
    }

    /// Forgets what was decided about questions that no longer arise, so that the same deed, done again, is a new one.
    pub(super) fn forget_settled(&mut self, reason: HoldReason) {
        let met = self.met.borrow();
        self.agreed.decisions.retain(|decision| decision.reason != reason || met.contains(decision));
    }

    /// Whether a difference on this line waits for a person.
    pub(super) fn is_held(&self, line: &LineId) -> bool {
        self.holds.iter().any(|hold| {
            hold.line.as_ref() == Some(line)
                && matches!(
                    hold.reason,
                    HoldReason::EditedInKomet | HoldReason::EditedInAxerrio | HoldReason::ChangedAfterApproval
                )
        })
    }

    /// Wants `action`. If exactly this request was refused before, the hold stays and it is tried again, until it
    /// passes or a person releases it (clarification 11).
    pub(super) fn act(&mut self, action: Action) {
        if self.keep_refusal(&action).is_none() {
            self.actions.push(action);
        }
    }

    /// Tells of a request that is wanted if it was refused before, also where it has to wait for others. Answers what a
    /// person said of that.
    pub(super) fn keep_refusal(&mut self, action: &Action) -> Option<Verdict> {
        let key = self.key_where_refusals_are(action)?;
        self.wanted_keys.insert(key.clone());
        let rejection = self.agreed.rejections.get(&key).cloned()?;
        self.ask_about_refusal(&key, &rejection)
    }

    /// A refusal is named by its request and what the system said, so that it is a new one once the order changed.
    fn ask_about_refusal(&mut self, key: &str, rejection: &Rejection) -> Option<Verdict> {
        let (method, _) = key.rsplit_once(' ').unwrap_or((key, ""));
        let (reason, system) = if method.starts_with("PUT ") || method.starts_with("POST ") {
            (HoldReason::RejectedByAxerrio, System::Axerrio)
        } else {
            (HoldReason::RejectedByKomet, System::Komet)
        };
        let line = match rejection.lines.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        let mut cause = format!("{key}: {}", rejection.message);
        if method.ends_with("item.delete") {
            // What is deleted is named alike whatever the order says: that names it, too.
            cause = format!("{cause} {:016x}", self.wish(rejection.lines.first()));
        }
        self.ask(reason, line.as_ref(), &cause, || {
            format!(
                "{system} refused {method}: {}. stemsync tries again each run, until this is released; change the order or what \
                 `stemsync map` says of it, or mend the cause in {system}.",
                rejection.message,
                system = system.title(),
            )
        })
    }

    /// Names the order, and what Komet wants of a line.
    fn wish(&self, line: Option<&LineId>) -> u64 {
        let order = self.order.axerrio.order.as_ref().map(|order| {
            let lines = order.lines.iter().map(|line| (&line.id, terms_print(&line.terms), line.confirmed_boxes));
            (order.status, header_print(&order.header), lines.collect::<Vec<_>>())
        });
        let link = line.and_then(|line| self.agreed.lines.get(line)?.item.as_ref());
        let item = link.and_then(|link| self.item(&link.item));
        fingerprint(&(order, item.map(|item| (komet_print(&item.terms), item.ship_date))))
    }

    /// Whether exactly this request was refused before, so that the same is asked for in another way: the refusal is remembered as
    /// long as it is wanted.
    pub(super) fn goes_another_way(&mut self, action: &Action) -> bool {
        let Some(key) = self.key_where_refusals_are(action) else { return false };
        let refused = self.agreed.rejections.contains_key(&key);
        if refused {
            self.wanted_keys.insert(key);
        }
        refused
    }

    /// Whether exactly this request was refused before.
    pub(super) fn was_refused(&self, action: &Action) -> bool {
        self.key_where_refusals_are(action).is_some_and(|key| self.agreed.rejections.contains_key(&key))
    }

    /// A request's name, where any of the order's was refused: making it takes a moment, and most orders have no refusals.
    fn key_where_refusals_are(&self, action: &Action) -> Option<String> {
        (!self.agreed.rejections.is_empty()).then(|| action.key())
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

/// What happened, without the choice that a person would have: nobody is asked.
fn fact(detail: &str) -> &str {
    let choice = [" Take axerrio", " Take komet"].iter().filter_map(|choice| detail.find(choice)).min();
    choice.map_or(detail, |at| &detail[..at])
}
