//! Requests that the other side refused before. Each is tried again as long as it is wanted, and told of until it passes or a person
//! releases it (clarification 11); where the same can be asked for in another way, that is tried instead.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::draft::Draft;
use super::links;
use super::prints::{header_print, komet_print, terms_print};
use crate::domain::{HoldReason, LineId, Rejection, Verdict, fingerprint};
use crate::sync::action::Action;
use crate::systems::System;

/// Keys of requests that a plan wants; a rejection of anything else is forgotten.
#[derive(Default)]
pub(super) struct WantedKeys(BTreeSet<String>);

impl Draft<'_> {
    /// Tells of a request that is wanted if it was refused before, also where it has to wait for others. Answers what a
    /// person said of that.
    pub(super) fn keep_refusal(&mut self, action: &Action) -> Option<Verdict> {
        let key = self.key_where_refusals_are(action)?;
        self.wanted_keys.0.insert(key.clone());
        let rejection = self.agreed.rejections.get(&key).cloned()?;
        self.ask_about_refusal(&key, &rejection)
    }

    /// Whether exactly this request was refused before.
    pub(super) fn was_refused(&self, action: &Action) -> bool {
        self.key_where_refusals_are(action).is_some_and(|key| self.agreed.rejections.contains_key(&key))
    }

    /// Whether exactly this request was refused before, so that the same is asked for in another way: the refusal is remembered as
    /// long as it is wanted.
    pub(super) fn goes_another_way(&mut self, action: &Action) -> bool {
        let Some(key) = self.key_where_refusals_are(action) else { return false };
        let refused = self.agreed.rejections.contains_key(&key);
        if refused {
            self.wanted_keys.0.insert(key);
        }
        refused
    }

    /// Refusals of what is no longer wanted are forgotten; not so while something must be read first, because then it
    /// is not known what is wanted.
    pub(super) fn keep_rejections(&mut self) {
        if self.needs.is_empty() {
            let wanted = &self.wanted_keys.0;
            self.agreed.rejections.retain(|key, _| wanted.contains(key));
            return;
        }
        for (key, rejection) in self.agreed.rejections.clone() {
            if !self.wanted_keys.0.contains(&key) {
                let _ = self.ask_about_refusal(&key, &rejection);
            }
        }
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
        let behind =
            line.as_ref().filter(|_| method == "prebook.item.delete").and_then(|line| self.day_left_behind(line));
        let has_lines_that_left = method.contains(" orders/by-ref/") && self.has_lines_that_left();
        self.ask(reason, line.as_ref(), &cause, || {
            if let Some(day) = behind {
                return format!(
                    "Komet refused {method}: {}. The order moved off {day}, which is over, and its line is not made on its new day, lest \
                     it stand twice. stemsync tries again each run, until this is released: see that Komet has the line no more on \
                     {day}, then take axerrio to make it on its new day, or take komet to leave it.",
                    rejection.message
                );
            }
            if has_lines_that_left {
                return format!(
                    "Axerrio refused {method}: {}. A line of the order is on another Prebook, or ships on another day, in Komet by now; it \
                     stands here alone until Axerrio lets go of it. stemsync tries again each run, until this is released: move the item \
                     back in Komet, or mend the cause in Axerrio.",
                    rejection.message
                );
            }
            format!(
                "{system} refused {method}: {}. stemsync tries again each run, until this is released; change the order or what \
                 `stemsync map` says of it, or mend the cause in {system}.",
                rejection.message,
                system = system.title(),
            )
        })
    }

    /// Whether Axerrio has lines of the order whose items Komet shows as another's.
    fn has_lines_that_left(&self) -> bool {
        let lines = self.order.axerrio.order.iter().flat_map(|order| &order.lines);
        let left = &self.order.items_elsewhere;
        lines
            .filter_map(|line| self.agreed.lines.get(&line.id)?.item.as_ref())
            .any(|link| left.contains(&link.item))
    }

    /// The ship date of the line's item, where that is over and the order ships later.
    fn day_left_behind(&self, line: &LineId) -> Option<NaiveDate> {
        let (order, link) = (self.order.axerrio.order.as_ref()?, self.agreed.lines.get(line)?.item.as_ref()?);
        links::is_left_behind(self, order, link).then(|| self.item(&link.item).map(|item| item.ship_date))?
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

    /// A request's name, where any of the order's was refused: making it takes a moment, and most orders have no refusals.
    fn key_where_refusals_are(&self, action: &Action) -> Option<String> {
        (!self.agreed.rejections.is_empty()).then(|| action.key())
    }
}
