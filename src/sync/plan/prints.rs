//! Names of what both sides say, as they stand in the causes of questions: a question stays the same one while they say the same, and is
//! a new one once either says something else. Each holds only what is reconciled, in one way of writing it, so that another
//! order of parts or another case of letters is nothing new.

use super::compare::new_parts;
use super::draft::Draft;
use super::wanted;
use crate::domain::{
    AxLine, Header, HoldReason, KometTerms, LineId, LineTerms, NewGoods, Verdict, blank, fingerprint,
};

/// What in a cause precedes the ids that a corrected map names.
pub(in crate::sync) const MAPPED_TO: &str = " mapped to ";

/// Names a line's wish after approval, so that a decision holds until Axerrio wants something else.
pub(super) fn line_cause(line: &AxLine, header: &Header) -> String {
    format!("{:016x}", moved_print(line, header))
}

/// Names a line as Axerrio and the local map have it by now.
#[derive(Clone)]
pub(super) struct LinePrint {
    /// What Axerrio says of it, and of its header where the question is about that as well.
    said: u64,
    /// What it goes by, if the map was corrected since its item was made.
    map: Option<String>,
}

impl LinePrint {
    /// Names what is bought for a line whose item stands.
    pub(super) fn of_goods(goods: &NewGoods) -> Self {
        Self { said: goods_print(goods), map: None }
    }

    /// Whether the map was corrected since the line's item was made.
    pub(super) fn is_mapped_anew(&self) -> bool {
        self.map.is_some()
    }

    /// What the map has to do with a question, for its text.
    pub(super) fn since(&self) -> &'static str {
        if self.is_mapped_anew() { " The line was mapped anew since." } else { "" }
    }

    /// What became of the line beside what a question is about, for its text: by a `deed` of Axerrio's, or by the map.
    pub(super) fn both(&self, deed: Option<&str>) -> String {
        match deed {
            Some(what) => format!(" The line was {what} in Axerrio as well."),
            None => self.since().to_owned(),
        }
    }

    /// The cause of a question about the line's edits, which `begins` so. A map that was corrected is a new question, but not what
    /// was decided to go already: that goes by any map.
    pub(super) fn cause(&self, draft: &Draft<'_>, line: &LineId, begins: &str) -> String {
        let cause = format!("{begins} {:016x}", self.said);
        let goes = || draft.verdict(HoldReason::EditedInKomet, Some(line), &cause) == Some(Verdict::TakeAxerrio);
        match &self.map {
            Some(map) if !goes() => format!("{cause}{MAPPED_TO}{map}"),
            _ => cause,
        }
    }
}

/// Names a line, and what Axerrio `said` of it.
pub(super) fn line_print(draft: &Draft<'_>, line: &AxLine, said: u64) -> LinePrint {
    LinePrint { said, map: wanted::map_print(draft, line) }
}

/// Names a line and the header that it moves with.
pub(super) fn moved_print(line: &AxLine, header: &Header) -> u64 {
    fingerprint(&(terms_print(&line.terms), header_print(header)))
}

/// Names a header in what is reconciled, so that a question about it stays the same question while nothing else
/// changes.
pub(super) fn header_print(header: &Header) -> u64 {
    fingerprint(&(
        &header.customer.code,
        blank(header.customer_po.as_deref()),
        header.ship_date,
        header.truck_date(),
        header.carrier.as_ref().map(|c| &c.code),
        blank(header.location.as_deref()),
    ))
}

/// Names an Axerrio line in what is reconciled.
pub(super) fn terms_print(terms: &LineTerms) -> u64 {
    let mut mix: Vec<_> = terms
        .mix
        .iter()
        .map(|p| (p.product.name(), p.bunches, p.stems_per_bunch, p.unit_cost.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        terms.product.name(),
        terms.box_type.to_uppercase(),
        (terms.boxes, terms.bunches, terms.stems_per_bunch),
        terms.unit_type,
        terms.unit_cost.normalize(),
        blank(terms.mark_code.as_deref()),
        mix,
    ))
}

/// Names what Komet shows of a line in what is reconciled.
pub(super) fn komet_print(terms: &KometTerms) -> u64 {
    let mut mix: Vec<_> = terms
        .breakdowns
        .iter()
        .map(|b| (b.product.id, b.bunches, b.stems_per_bunch, b.unit_cost.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        terms.product.id,
        terms.box_type.to_uppercase(),
        (terms.boxes, terms.bunches, terms.stems_per_bunch),
        terms.unit_type,
        terms.unit_cost.normalize(),
        blank(terms.mark_code.as_deref()),
        mix,
    ))
}

/// Names the goods that a PO line should buy; which Komet product it is matters only for the parts of a mixed box.
pub(super) fn goods_print(goods: &NewGoods) -> u64 {
    let mut mix: Vec<_> = new_parts(&goods.mix)
        .into_iter()
        .map(|part| (part.id, part.name, part.packing.0, part.packing.1, part.packing.2.normalize()))
        .collect();
    mix.sort_unstable();
    fingerprint(&(
        (goods.boxes, goods.bunches, goods.stems_per_bunch),
        goods.unit_type,
        goods.unit_cost.normalize(),
        mix,
    ))
}
