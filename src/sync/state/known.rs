//! What a run knows: what it has read, what it made of it, and what its orders wait for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::RunState;
use crate::domain::{MapKind, Maps, OrderKey};
use crate::sync::action::CreatePrebook;
use crate::sync::apply::Outcome;
use crate::sync::engine::Settings;
use crate::sync::needs::Unread;
use crate::sync::plan::{Facts, Made, Need, Rules};
use crate::sync::poll::{List, Polled};
use crate::sync::report::Job;

/// What has been read by now: a plan works on one moment's state of it.
#[derive(Clone, Default)]
pub(in crate::sync) struct Known {
    pub(super) facts: Arc<Facts>,
    /// Komet's carriers: id to code.
    pub(super) carriers: Arc<HashMap<i64, String>>,
    /// The local maps, and by which ids they name Komet's box types.
    pub(super) maps: Arc<Maps>,
    /// What this run made of the order.
    pub(super) made: Arc<Made>,
}

impl Known {
    /// Reads the maps as they were when this was asked for: they may have been corrected since, and what came of the request is
    /// what was asked for.
    pub(in crate::sync) fn ask_as(&mut self, create: &CreatePrebook) {
        let maps = Arc::make_mut(&mut self.maps);
        maps.set(MapKind::Customer, &create.header.customer.code, create.new.customer.id());
        for ((_, terms), item) in create.lines.iter().zip(&create.new.items) {
            if terms.is_mixed() {
                for (part, asked) in terms.mix.iter().zip(&item.goods.mix) {
                    maps.set(MapKind::Product, &part.product.code, asked.product.id());
                }
            } else {
                maps.set(MapKind::Product, &terms.product.code, item.product.id());
            }
        }
    }
}

impl RunState {
    pub(in crate::sync) fn known_for(&self, order: OrderKey) -> Known {
        let shared = self.shared();
        let made = shared.made.get(&order).cloned().unwrap_or_default();
        Known { made, ..shared.known.clone() }
    }

    /// A request of this run ended so.
    pub(in crate::sync) fn made(&self, order: OrderKey, outcome: &Outcome) {
        outcome.note(Arc::make_mut(self.shared().made.entry(order).or_default()));
    }

    pub(in crate::sync) fn learn(&self, change: impl FnOnce(&mut Facts)) {
        let mut shared = self.shared();
        let mut facts = Facts::clone(&shared.known.facts);
        change(&mut facts);
        if *shared.known.facts != facts {
            shared.known.facts = Arc::new(facts);
            shared.read += 1;
        }
    }

    /// What was read need not be read again in this run: windows, the POs of ship dates, single POs.
    pub(in crate::sync) fn learn_from(&self, polled: &Polled) {
        self.learn(|facts| {
            // POs that were read before the Prebooks of a window showed whose items they buy.
            if polled.windows.iter().any(|window| !facts.windows_known.contains(window)) {
                facts.po_dates_read.clear();
                facts.po_numbers_read.clear();
            }
            facts.windows_known.extend(&polled.windows);
            facts.windows_seen.extend(&polled.windows_seen);
            facts.windows_whole.extend(&polled.windows);
            facts.po_dates_unknown.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_unseen.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_read.extend(&polled.po_dates);
            facts.po_dates_in_vain.retain(|date| !polled.po_dates.contains(date));
            facts.po_dates_in_vain.extend(polled.in_vain.keys().filter_map(List::ship_date));
            facts.po_numbers_read.extend(polled.po_numbers.iter().cloned());
        });
        let mut shared = self.shared();
        shared.unread.retain(|list, _| !polled.has_read(list));
        shared.unread.extend(polled.in_vain.clone());
    }

    /// These lists are left because something in them could not be read just now.
    pub(in crate::sync) fn leaves(&self, left: Unread) {
        let mut shared = self.shared();
        // What this run read of them itself says more.
        for (list, why) in left {
            shared.unread.entry(list).or_insert(why);
        }
    }

    /// What an order waits for, as its plan is now.
    pub(in crate::sync) fn waits_for(&self, order: OrderKey, job: Job, needs: &BTreeSet<Need>) {
        let mut shared = self.shared();
        if needs.is_empty() {
            shared.waiting.remove(&order);
        } else {
            shared.waiting.entry(order).or_insert((job, BTreeSet::new())).1 = needs.iter().map(List::of).collect();
        }
    }

    /// The orders that wait for lists of which something cannot be read: for which job, and what that is.
    pub(in crate::sync) fn kept_waiting(&self) -> Vec<(OrderKey, Job, Unread)> {
        let shared = self.shared();
        let unread = |lists: &BTreeSet<List>| -> Unread {
            let known = lists.iter().filter_map(|list| Some((list.clone(), shared.unread.get(list)?.clone())));
            known.collect()
        };
        let waiting = shared.waiting.iter().map(|(order, (job, lists))| (*order, *job, unread(lists)));
        waiting.filter(|(.., unread)| !unread.is_empty()).collect()
    }

    /// Komet's carriers as they were just read, and the maps that go by its box types.
    pub(in crate::sync) fn learn_reference(&self, carriers: HashMap<i64, String>, maps: Maps) {
        let mut shared = self.shared();
        if *shared.known.carriers != carriers || *shared.known.maps != maps {
            shared.known.carriers = Arc::new(carriers);
            shared.known.maps = Arc::new(maps);
            shared.read += 1;
        }
    }

    pub(in crate::sync) fn saw_carriers(&self, seen: &BTreeSet<i64>) {
        self.shared().carriers_seen.extend(seen);
    }

    /// Whether a changed Prebook goes by a carrier that is not in the list.
    pub(in crate::sync) fn lacks_carriers(&self) -> bool {
        let shared = self.shared();
        shared.carriers_seen.iter().any(|id| !shared.known.carriers.contains_key(id))
    }

    /// What holds for an order in this run.
    pub(in crate::sync) fn rules<'a>(
        &'a self,
        order: OrderKey,
        settings: &'a Settings,
        known: &'a Known,
    ) -> Rules<'a> {
        Rules {
            on_conflict: settings.on_conflict,
            create_po: settings.create_po,
            location_code: settings.location_code.as_deref(),
            maps: &known.maps,
            carriers: &known.carriers,
            visible_from: self.visible_from,
            facts: &known.facts,
            made: &known.made,
            may_cancel: self.shared().may_cancel.contains(&order),
        }
    }
}
