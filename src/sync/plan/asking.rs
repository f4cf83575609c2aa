//! What a plan asks people, and what they answered. A question is known by its reason, its line and its cause: answered once, it is
//! not asked again while the cause lasts, and once the cause is gone the answer is forgotten, so that the same deed, done again, is a
//! new question.

use std::cell::RefCell;
use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::draft::Draft;
use crate::domain::{Decision, Flow, Hold, HoldReason, LineId, OnConflict, Verdict};

/// The questions of one plan.
#[derive(Default)]
pub(super) struct Asked {
    /// What waits for a person.
    pub(super) holds: Vec<Hold>,
    /// Conflicts that the owner rule settled in this plan.
    pub(super) recorded: Vec<Hold>,
    /// Questions that arose and were answered before.
    pub(super) answered: Vec<Decision>,
    /// Decisions whose question came up.
    met: RefCell<Vec<Decision>>,
}

impl Asked {
    /// Each question once, always in the same order.
    pub(super) fn sort(&mut self) {
        self.holds.sort();
        self.holds.dedup_by(|a, b| (a.reason, &a.line, &a.cause) == (b.reason, &b.line, &b.cause));
    }
}

impl Draft<'_> {
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
            Some(verdict) => self.asked.answered.push(Decision { reason, line, cause, verdict, met: true }),
            None => self.asked.holds.push(Hold { reason, line, cause, detail: detail() }),
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
            self.asked.answered.push(decision);
            self.asked.recorded.push(hold);
            return Some(owner);
        }
        self.ask(reason, line, cause, detail)
    }

    /// Whether a difference on this line waits for a person.
    pub(super) fn is_held(&self, line: &LineId) -> bool {
        self.asked.holds.iter().any(|hold| {
            hold.line.as_ref() == Some(line)
                && matches!(
                    hold.reason,
                    HoldReason::EditedInKomet | HoldReason::EditedInAxerrio | HoldReason::ChangedAfterApproval
                )
        })
    }

    /// The person's word on a question, if there is one.
    pub(super) fn verdict(&self, reason: HoldReason, line: Option<&LineId>, cause: &str) -> Option<Verdict> {
        let mut decisions = self.agreed.decisions.iter().rev();
        let decision = decisions.find(|d| d.reason == reason && d.line.as_ref() == line && d.cause == cause)?;
        self.asked.met.borrow_mut().push(decision.clone());
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
        self.asked.met.borrow_mut().extend(cut.cloned());
        cut.is_some()
    }

    /// What a person decided about questions whose cause `begins` so, and left as Komet has it.
    pub(super) fn left_to_komet<'s>(&'s self, begins: &'s str) -> impl Iterator<Item = &'s Decision> {
        self.agreed.decisions.iter().filter(move |decision| {
            decision.reason == HoldReason::EditedInKomet
                && decision.verdict != Verdict::TakeAxerrio
                && decision.cause.starts_with(begins)
        })
    }

    /// Remembers what this plan decided by itself.
    pub(super) fn remember(&mut self, decision: Decision) {
        let decision = Decision { met: true, ..decision };
        self.asked.met.borrow_mut().push(decision.clone());
        self.agreed.decisions.push(decision);
    }

    /// Forgets what was decided about a line (or the order, `None`), so that the same deed, done again, is a new question.
    pub(super) fn forget(&mut self, reason: HoldReason, line: Option<&LineId>, which: impl Fn(&Decision) -> bool) {
        self.agreed
            .decisions
            .retain(|decision| decision.reason != reason || decision.line.as_ref() != line || !which(decision));
    }

    /// Forgets what was decided about questions that no longer arise, so that the same deed, done again, is a new one.
    pub(super) fn forget_settled(&mut self, reason: HoldReason) {
        let met = self.asked.met.borrow();
        self.agreed.decisions.retain(|decision| decision.reason != reason || met.contains(decision));
    }

    /// Forgets decisions whose question is gone, once nothing of their line is left to do: what was changed back by hand before
    /// anybody carried the decision out, and what was carried out. The same deed, done again, is a new question. What both sides
    /// were left to differ in stays known, also where nothing asks about it any more.
    pub(super) fn forget_what_is_over(&mut self) {
        let met = self.asked.met.take();
        if self.agreed.decisions.is_empty() {
            return;
        }
        let is_quiet = self.actions.is_empty() && self.needs.is_empty() && !self.waits && !self.cancels;
        let holds = &self.asked.holds;
        let waits = |line: &Option<LineId>| {
            holds.iter().any(|hold| line.is_none() || hold.line.is_none() || hold.line == *line)
        };
        let is_carried_out = |decision: &Decision| {
            decision.verdict == Verdict::TakeAxerrio
                && matches!(decision.reason, HoldReason::EditedInKomet | HoldReason::ChangedAfterApproval)
        };
        // From approval on Komet's people may do what they were asked about before, and nobody asks whether they still do.
        let is_komets = |line: &Option<LineId>| {
            self.order.flow == Flow::FromAxerrio
                && line.as_ref().map_or_else(|| self.is_decided(), |line| self.is_line_decided(line))
        };
        let decided: BTreeSet<Option<LineId>> = self
            .agreed
            .decisions
            .iter()
            .map(|decision| &decision.line)
            .filter(|line| is_komets(line))
            .cloned()
            .collect();
        let is_asked_each_time = |decision: &Decision| {
            is_asked_each_time(decision)
                && (decision.reason != HoldReason::EditedInKomet || !decided.contains(&decision.line))
        };
        // What is in question now took the place of what was left: that is not shown any more.
        let is_overtaken = |decision: &Decision| {
            is_asked_each_time(decision)
                && holds.iter().any(|hold| {
                    (hold.reason, &hold.line, subject(hold.reason, &hold.cause))
                        == (decision.reason, &decision.line, subject(decision.reason, &decision.cause))
                })
        };
        self.agreed.decisions.retain_mut(|decision| {
            if met.contains(decision) {
                decision.met = true;
                return true;
            }
            let is_known = decision.met && !is_carried_out(decision) && !is_asked_each_time(decision);
            !is_overtaken(decision) && (!is_quiet || waits(&decision.line) || is_known)
        });
    }
}

/// Whether the question of this decision comes up in each plan as long as its cause lasts: nothing was agreed by it that would answer.
fn is_asked_each_time(decision: &Decision) -> bool {
    match decision.reason {
        HoldReason::ChangedAfterApproval
        | HoldReason::VoidLabel
        | HoldReason::LabelChangedAfterShipping
        | HoldReason::ReservedLotNumber
        | HoldReason::DuplicateBoxCode => true,
        // What was cut is in Komet.
        HoldReason::FieldTooLong => decision.verdict != Verdict::TakeKomet,
        HoldReason::EditedInKomet => {
            let is_left_there = ["home ", "removed "].iter().any(|begins| decision.cause.starts_with(begins));
            decision.verdict == Verdict::Dismissed || decision.verdict == Verdict::TakeKomet && is_left_there
        }
        _ => false,
    }
}

/// What a question is about, without how that stood: the words of its cause before the first that names a state. What Axerrio wants
/// of a line after approval is named by its state alone, or by its absence.
fn subject(reason: HoldReason, cause: &str) -> Vec<&str> {
    // A rep puts an item on another Prebook as he changes a header: where it stands is its state.
    if reason == HoldReason::LabelChangedAfterShipping || cause.starts_with("home ") {
        return cause.split(' ').take(1).collect();
    }
    let is_print = |word: &str| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_state = |word: &&str| {
        *word == "removed" && cause == "removed" || is_print(word) || word.parse::<NaiveDate>().is_ok()
    };
    cause.split(' ').take_while(|word| !is_state(word)).collect()
}

/// What happened, without the choice that a person would have: nobody is asked.
fn fact(detail: &str) -> &str {
    let choice = [" Take axerrio", " Take komet"].iter().filter_map(|choice| detail.find(choice)).min();
    choice.map_or(detail, |at| &detail[..at])
}
