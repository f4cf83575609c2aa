//! The brake: before the first cancellation of a run, whether there would be too many of them (product.md, Never).

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Engine;
use super::plan::{declined, plan};
use super::report::Job;
use super::state::{Look, RunState};
use super::tell::some;
use crate::domain::{Flow, HoldReason, Order, OrderKey, Stage};
use crate::store::events::{self, Event};
use crate::store::{OnFile, StoreError, holds, orders, sought};
use crate::systems::{Axerrio, Komet};

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// The brake: stops before the first cancellation if there would be too many, and holds them all together. Only what it
    /// has counted goes.
    pub(super) async fn brake(&self, state: &RunState, job: Job) -> Result<(), StoreError> {
        if !state.has_news(Look::Brake, self.store.read(OnFile::now).await?) {
            return Ok(());
        }
        let from = self.visible_from();
        let (candidates, open, braked, sought) = self
            .store
            .read(move |conn| {
                let mut candidates = Vec::new();
                for key in orders::dirty(conn)? {
                    if orders::identity(conn, key)?
                        .is_some_and(|o| o.stage != Stage::Placed || o.reference.is_some())
                    {
                        candidates.push(key);
                    }
                }
                let mut sought = BTreeSet::new();
                for key in sought::list(conn)?.into_iter().flat_map(|one| one.orders) {
                    if orders::identity(conn, key)?.is_some_and(|o| o.flow == Flow::FromKomet) {
                        sought.insert(key);
                    }
                }
                Ok((candidates, orders::open_count(conn, from)?, holds::brake(conn)?, sought))
            })
            .await?;
        let mut cancels = Vec::new();
        let mut names: BTreeMap<By, Vec<String>> = BTreeMap::new();
        let mut begun = state.cancelled();
        for key in candidates {
            let Some(order) = self.store.read(move |conn| orders::load(conn, key)).await? else { continue };
            let known = state.known_for(key);
            if plan(&order, &state.rules(key, &self.settings, &known)).cancels {
                begun.remove(&key);
                cancels.push(key);
                names.entry(By::whom(&order)).or_default().push(order.name().to_owned());
            }
        }
        let now = self.clock.now();
        // What this run has cancelled by now counts as well, and was open when it began.
        let total = cancels.len() + begun.len();
        let open = usize::try_from(open).unwrap_or(0) + begun.len();
        // What was stopped goes only when a person lets it through, also where an earlier job left few enough of it.
        let stays = braked.filter(|hold| cancels.iter().any(|key| hold.covers.contains(key)));
        // Where Prebooks went together and there were not the requests to look them all up, each run sees a part of them.
        let sought = if names.contains_key(&By::Komet) {
            sought.into_iter().filter(|key| !cancels.contains(key) && !begun.contains(key)).count()
        } else {
            0
        };
        let stops = self.settings.brake.stops(total + sought, open) && !cancels.is_empty();
        if stops || stays.is_some() {
            state.let_cancel(BTreeSet::new());
            let done = match begun.len() {
                0 => "None was cancelled.".to_owned(),
                some => format!("{some} of them went before the others were known; those wait."),
            };
            let more = match sought {
                0 => String::new(),
                some => {
                    format!(" (the Prebooks of {some} others are in no list of Komet's and still to be looked up)")
                }
            };
            let (percent, who) = (self.settings.brake.percent, who_cancelled(&names));
            let lets_go = what_lets_go(&names);
            let detail = match stays {
                // What the count came to when they were stopped, an earlier job's included.
                Some(hold) if !stops && is_all(&hold.covers, &cancels) => hold.detail,
                Some(_) if !stops => format!(
                    "this run would cancel {total} of {open} open orders: {who}. It was more than max_cancellations ({percent}) \
                     before: what is left of that, and what came since, waits for a person's word. {lets_go}"
                ),
                _ => format!(
                    "this run would cancel {total} of {open} open orders{more}, more than max_cancellations ({percent}): {who}. {done} \
                     {lets_go}"
                ),
            };
            let reason = HoldReason::TooManyCancellations;
            let event = Event {
                order: None,
                run: Some(state.run.clone()),
                at: now,
                system: None,
                what: "held".to_owned(),
                detail: format!("{}: {detail}", reason.name()),
                result: None,
            };
            let told = detail.clone();
            let new = self
                .store
                .write(move |conn| {
                    let new = holds::set_brake(conn, &cancels, &detail, now)?;
                    if new {
                        events::add(conn, &event)?;
                    }
                    Ok(new)
                })
                .await?;
            state.tally(job, |tally| tally.braked = true);
            // A dry run goes on the copy of a database in which it may stand already.
            if new || state.dry_run {
                state.report_hold(job, None, reason, &told);
            }
        } else {
            state.let_cancel(cancels.into_iter().chain(begun).collect());
            self.store.write(holds::clear_brake).await?;
        }
        Ok(())
    }
}

/// Whether these are the orders that the hold names, and no fewer.
fn is_all(covers: &[OrderKey], cancels: &[OrderKey]) -> bool {
    let set = |keys: &[OrderKey]| keys.iter().copied().collect::<BTreeSet<_>>();
    set(covers) == set(cancels)
}

/// Who called an order off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Axerrio,
    /// He rejected it, or confirmed none of its boxes: it goes off its POs, and its Prebook stays.
    Vendor,
    Komet,
}

impl By {
    /// The owner of an order is the one who may cancel it; the vendor may decline either's.
    fn whom(order: &Order) -> Self {
        match order.flow {
            _ if declined(order).is_some() => Self::Vendor,
            Flow::FromAxerrio => Self::Axerrio,
            Flow::FromKomet => Self::Komet,
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Axerrio => "in Axerrio",
            Self::Vendor => "declined by the vendor (what is bought of them goes off its POs)",
            Self::Komet => "in Komet",
        }
    }
}

/// The orders by who called them off.
fn who_cancelled(names: &BTreeMap<By, Vec<String>>) -> String {
    let side = |(by, names): (&By, &Vec<String>)| format!("{} {}", some(names), by.told());
    names.iter().map(side).collect::<Vec<_>>().join(", ")
}

/// What a person can do (clarification 13).
fn what_lets_go(names: &BTreeMap<By, Vec<String>>) -> &'static str {
    match (names.keys().any(|by| *by != By::Komet), names.contains_key(&By::Komet)) {
        (_, false) => "Take axerrio to let them go, take komet to keep them.",
        (false, true) => "Take komet to let them go, take axerrio to keep them.",
        (true, true) => {
            "Take axerrio to let those go that Axerrio cancelled and keep the others, take komet the other way round."
        }
    }
}
