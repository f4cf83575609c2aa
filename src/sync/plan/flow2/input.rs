//! An order as it is put to Axerrio, and as Axerrio shows it: what differs between two of them, line by line, and how one takes over
//! a line of the other.

use crate::domain::{AxOrder, Header, InputLine, LineId, LineTerms, OrderInput, blank, fingerprint};
use crate::sync::plan::prints::{header_print, terms_print};
use crate::sync::plan::said::{header_changes, line_changes, said};

/// One thing that Axerrio shows differently from right after stemsync's last put.
pub(super) struct Edit {
    pub(super) line: Option<LineId>,
    pub(super) what: String,
    now: Option<LineTerms>,
    header: Option<Header>,
}

impl Edit {
    pub(super) fn print(&self) -> u64 {
        fingerprint(&(self.now.as_ref().map(terms_print), self.header.as_ref().map(header_print)))
    }
}

pub(super) fn edits(seen: &OrderInput, now: &OrderInput) -> Vec<Edit> {
    let mut edits = Vec::new();
    if !seen.header.same_as(&now.header) {
        let what = said("the header", &header_changes(&seen.header, &now.header));
        edits.push(Edit { line: None, what, now: None, header: Some(now.header.clone()) });
    }
    for line in &seen.lines {
        match now.line(&line.id) {
            Some(other) if other.terms.same_goods(&line.terms) => {}
            other => edits.push(Edit {
                line: Some(line.id.clone()),
                what: match other {
                    Some(other) => said("the line", &line_changes(&line.terms, &other.terms)),
                    None => "the line is gone: it".into(),
                },
                now: other.map(|l| l.terms.clone()),
                header: None,
            }),
        }
    }
    for line in now.lines.iter().filter(|l| seen.line(&l.id).is_none()) {
        edits.push(Edit {
            line: Some(line.id.clone()),
            what: "a line that Komet does not have was added: it".into(),
            now: Some(line.terms.clone()),
            header: None,
        });
    }
    edits
}

/// Names what Komet says of a line (or of the header, `None`): if that changes, the question is a new one.
pub(super) fn wish_print(wanted: &OrderInput, line: Option<&LineId>) -> u64 {
    match line {
        Some(line) => fingerprint(&wanted.line(line).map(|line| terms_print(&line.terms))),
        None => header_print(&wanted.header),
    }
}

/// Names a whole order.
pub(super) fn print(order: &OrderInput) -> u64 {
    let lines = order.lines.iter().map(|line| (&line.id, terms_print(&line.terms)));
    fingerprint(&(header_print(&order.header), lines.collect::<Vec<_>>()))
}

/// Gives a line (or the header, `None`) of `order` the state it has in `from`, absence included.
pub(crate) fn take_over(order: &mut OrderInput, from: &OrderInput, line: Option<&LineId>) {
    let Some(line) = line else {
        order.header = from.header.clone();
        return;
    };
    let at = order.lines.iter().position(|l| l.id == *line);
    match (at, from.line(line)) {
        (Some(at), Some(other)) => order.lines[at] = other.clone(),
        (Some(at), None) => {
            order.lines.remove(at);
        }
        (None, Some(other)) => order.lines.push(other.clone()),
        (None, None) => {}
    }
}

/// An order as Axerrio shows it, in the shape in which it is put.
pub(crate) fn shown(order: &AxOrder) -> OrderInput {
    OrderInput {
        header: order.header.clone(),
        lines: order.lines.iter().map(|l| InputLine { id: l.id.clone(), terms: l.terms.clone() }).collect(),
    }
}

/// Whether both order the same.
pub(crate) fn same_input(a: &OrderInput, b: &OrderInput) -> bool {
    a.header.same_as(&b.header) && edits(a, b).is_empty()
}

/// As [`same_input`], comments and notes included: the owner's are passed on. Names are not.
pub(super) fn same_text(a: &OrderInput, b: &OrderInput) -> bool {
    let notes = |order: &OrderInput| {
        let mut notes: Vec<_> = order
            .lines
            .iter()
            .map(|l| (l.id.clone(), blank(l.terms.notes.as_deref()).map(str::to_owned)))
            .collect();
        notes.sort();
        (blank(order.header.comments.as_deref()).map(str::to_owned), notes)
    };
    same_input(a, b) && notes(a) == notes(b)
}
