//! What the audit of one order has found so far.

use std::fmt::Display;

use super::Difference;
use crate::domain::{Decision, HoldReason, LineId, Order, Verdict};
use crate::sync::plan::declined;

/// Differences of one order, and those that a person agreed to. Each line and field is named once, by whoever names it
/// first: a changed number of boxes is one difference, however many things follow from it.
pub(super) struct Findings<'a> {
    pub(super) order: &'a Order,
    /// Questions that come up in the views and that a person has answered.
    answered: Vec<Decision>,
    pub(super) differences: Vec<Difference>,
    pub(super) agreed: Vec<Difference>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(order: &'a Order, answered: &[Decision]) -> Self {
        Self { order, answered: answered.to_vec(), differences: Vec::new(), agreed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.differences.is_empty() && self.agreed.is_empty()
    }

    /// Reports a difference.
    pub(super) fn differ(
        &mut self,
        line: Option<&LineId>,
        field: &'static str,
        axerrio: Option<String>,
        komet: Option<String>,
    ) {
        self.report(false, line, field, axerrio, komet);
    }

    /// Reports a difference, or, if `agreed`, that a person said so.
    pub(super) fn report(
        &mut self,
        agreed: bool,
        line: Option<&LineId>,
        field: &'static str,
        axerrio: Option<String>,
        komet: Option<String>,
    ) {
        if !self.names(line, field) {
            self.report_each(agreed, line, field, axerrio, komet);
        }
    }

    /// As [`Findings::report`], for what may differ several times in one line: boxes, items too many.
    pub(super) fn report_each(
        &mut self,
        agreed: bool,
        line: Option<&LineId>,
        field: &'static str,
        axerrio: Option<String>,
        komet: Option<String>,
    ) {
        let order = Some(self.order.name().to_owned());
        let difference = Difference { order, line: line.map(ToString::to_string), field, axerrio, komet };
        if agreed { self.agreed.push(difference) } else { self.differences.push(difference) }
    }

    /// Whether this field of the line was named already.
    pub(super) fn names(&self, line: Option<&LineId>, field: &str) -> bool {
        let line = line.map(|line| line.0.as_str());
        self.differences.iter().chain(&self.agreed).any(|d| d.field == field && d.line.as_deref() == line)
    }

    /// Whether the views raise a question that a person has answered with leaving things as they are: by taking the
    /// side that does not own the order, or by dismissing it.
    pub(super) fn is_left(&self, reason: HoldReason, line: Option<&LineId>, cause: impl Fn(&str) -> bool) -> bool {
        self.answered
            .iter()
            .any(|d| d.reason == reason && d.line.as_ref() == line && cause(&d.cause) && leaves(d.verdict, reason))
    }

    /// Whether Komet refuses to take the line, or to give it up, and a person has said to leave it at that.
    pub(super) fn is_kept_out(&self, line: &LineId) -> bool {
        self.is_left(HoldReason::RejectedByKomet, Some(line), |cause| {
            cause.starts_with("prebook.") || cause.starts_with(DELETE_PO_LINE)
        }) || self.is_left(HoldReason::FieldTooLong, Some(line), |cause| cause.starts_with("mark code"))
            || self.is_left(HoldReason::FieldTooLong, None, |_| true)
    }

    /// Whether a person has said to leave the line as it is on both sides.
    pub(super) fn is_line_left(&self, line: &LineId) -> bool {
        let reasons = [HoldReason::EditedInKomet, HoldReason::ChangedAfterApproval];
        reasons.into_iter().any(|reason| self.is_left(reason, Some(line), |_| true)) || self.is_kept_out(line)
    }

    /// Whether the vendor declined the order, and a person has said to keep it on its PO.
    pub(super) fn is_kept_though_declined(&self) -> bool {
        let Some(cause) = declined(self.order) else { return false };
        let mut decisions = self.order.agreed.decisions.iter();
        decisions.any(|d| d.cause == cause && d.verdict != Verdict::TakeAxerrio)
    }

    /// Whether Axerrio refuses such a request for the order, and a person has said to leave it at that.
    pub(super) fn is_refused(&self, request: &str) -> bool {
        self.is_left(HoldReason::RejectedByAxerrio, None, |cause| cause.starts_with(request))
    }

    /// Whether a person has once decided so about the line, whatever the question was. Only for what both sides show as
    /// they did when it was agreed: then nothing came up since.
    pub(super) fn was_left(&self, reason: HoldReason, line: Option<&LineId>) -> bool {
        let mut decisions = self.order.agreed.decisions.iter();
        decisions.any(|d| d.reason == reason && d.line.as_ref() == line && leaves(d.verdict, reason))
    }
}

/// The request that takes a line from a PO, as its refusal is named.
pub(super) const DELETE_PO_LINE: &str = "purchase.order.item.delete";

/// Whether a verdict leaves a difference standing rather than asking for one side to be put right. Where stemsync cannot
/// put anything right, every verdict does.
fn leaves(verdict: Verdict, reason: HoldReason) -> bool {
    match (verdict, reason) {
        (
            _,
            HoldReason::RejectedByKomet
            | HoldReason::RejectedByAxerrio
            | HoldReason::UnmappedProduct
            | HoldReason::VoidLabel
            | HoldReason::LabelChangedAfterShipping
            | HoldReason::ReservedLotNumber
            | HoldReason::DuplicateBoxCode
            // A brake's decision is kept only where it was to cancel nothing.
            | HoldReason::TooManyCancellations,
        ) => true,
        // Komet's value is the one that was cut: it was written.
        (verdict, HoldReason::FieldTooLong) => verdict != Verdict::TakeKomet,
        (verdict, reason) => leaves_conflict(verdict, reason),
    }
}

fn leaves_conflict(verdict: Verdict, reason: HoldReason) -> bool {
    match verdict {
        Verdict::Dismissed => true,
        Verdict::TakeKomet => reason != HoldReason::EditedInAxerrio,
        Verdict::TakeAxerrio => reason == HoldReason::EditedInAxerrio,
    }
}

/// A value for the report.
#[allow(clippy::unnecessary_wraps)] // it stands where other values may be absent
pub(super) fn text(value: impl Display) -> Option<String> {
    Some(value.to_string())
}
