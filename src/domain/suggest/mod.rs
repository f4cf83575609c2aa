//! Which Komet product an Axerrio product may be, judged by what both are called. Pure: the same names in any order give
//! the same answer, and nothing is decided by it: a person reads the reasons and sets the map.
//!
//! A candidate's score is how well the words agree, times how well the rest does. The words (0 to 100 %) count the
//! variety most, then the kind of flower, then the grade; two thirds are the wanted words found in the candidate's
//! name, one third the candidate's words that were wanted. A word is found as it is, in another language, abbreviated
//! or with a slip of the pen. The rest (0 to 100 %) is 45 for the words as such, up to 25 for the length, up to 25 for
//! the colour and 5 for the box type: another length or colour is another product, and what only one name tells speaks
//! neither for nor against. What Komet itself showed for a line of that code is beyond names, and scores 100.

mod matching;
mod parties;
mod words;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::Serialize;

use self::matching::{Agreement, agreement};
use self::words::Name;

pub use parties::{Listed, box_types, parties};

/// Less than this is chance.
const WORTH_TELLING: u32 = 30;

/// The product that is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its code in Axerrio.
    pub code: String,
    /// What Axerrio calls it; empty for a code that was never seen, which is then read as words itself.
    pub description: String,
    /// Box types it was ordered in.
    pub box_types: BTreeSet<String>,
}

/// A Komet product that was seen in Prebooks and POs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Komet's id.
    pub id: i64,
    /// What Komet last called it.
    pub description: String,
    /// Box types it came in.
    pub box_types: BTreeSet<String>,
    /// Lines it was seen on.
    pub seen: u32,
    /// The last of their ship dates.
    pub last_ship_date: NaiveDate,
    /// Lines of the wanted code that Komet shows as this product.
    pub shown_for_code: u32,
}

/// A candidate that may be it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// Komet's id.
    pub komet_id: i64,
    /// What Komet calls it; for a party its code and name.
    pub description: String,
    /// 0 to 100.
    pub score: u32,
    /// Why, a reason each.
    pub why: Vec<String>,
}

/// The candidates that may be the wanted product, the likeliest first; of equals the one seen more often, then more
/// lately.
pub fn products(wanted: &Wanted, candidates: &[Candidate]) -> Vec<Suggestion> {
    let by_code = wanted.description.trim().is_empty();
    let name = Name::parse(if by_code { &wanted.code } else { &wanted.description });
    let mut judged: Vec<(u32, &Candidate, Vec<String>)> = candidates
        .iter()
        .map(|candidate| {
            let (score, why) = judge(wanted, &name, by_code, candidate);
            (score, candidate, why)
        })
        .filter(|(score, ..)| *score >= WORTH_TELLING)
        .collect();
    judged.sort_by(|(a, one, _), (b, other, _)| {
        let rank = |score: &u32, c: &Candidate| (*score, c.shown_for_code, c.seen, c.last_ship_date);
        rank(b, other).cmp(&rank(a, one)).then(one.id.cmp(&other.id))
    });
    let told = judged.into_iter().map(|(score, candidate, why)| Suggestion {
        komet_id: candidate.id,
        description: candidate.description.clone(),
        score,
        why,
    });
    told.collect()
}

fn judge(wanted: &Wanted, name: &Name, by_code: bool, candidate: &Candidate) -> (u32, Vec<String>) {
    let theirs = Name::parse(&candidate.description);
    let words = agreement(name, &theirs, by_code);
    let mut why = Vec::new();
    if candidate.shown_for_code > 0 {
        let lines = if candidate.shown_for_code == 1 { "line" } else { "lines" };
        why.push(format!("Komet shows it for {} {lines} of this code", candidate.shown_for_code));
    }
    // In flow 2 stemsync itself writes the id where it knows no code (clarification 17).
    let is_its_id = wanted.code.trim() == candidate.id.to_string();
    if is_its_id {
        why.push("the code is its id in Komet".to_owned());
    }
    why.extend(words.told());
    let shared: Vec<&str> = wanted.box_types.intersection(&candidate.box_types).map(String::as_str).collect();
    let box_type = if shared.is_empty() { 0 } else { 5 };
    let (length, about_length) = length(name, &theirs);
    let (colour, about_colour) = colour(name, &theirs);
    why.extend(about_length);
    why.extend(about_colour);
    if !shared.is_empty() {
        why.push(format!("box {}", shared.join(", ")));
    }
    let lines = if candidate.seen == 1 { "line" } else { "lines" };
    why.push(format!("seen on {} {lines}, last ship date {}", candidate.seen, candidate.last_ship_date));
    if candidate.shown_for_code > 0 || is_its_id {
        return (100, why);
    }
    (words.percent * (45 + length + colour + box_type) / 100, why)
}

/// Up to 25 for the stem length, and what to say of it.
fn length(wanted: &Name, theirs: &Name) -> (u32, Option<String>) {
    let told = |(from, to): (u32, u32)| if from == to { format!("{from} cm") } else { format!("{from}-{to} cm") };
    match (wanted.length, theirs.length) {
        (Some(one), Some(other)) if one == other => (25, Some(format!("length {}", told(one)))),
        (Some(one), Some(other)) if one.0 <= other.1 && other.0 <= one.1 => {
            (20, Some(format!("length {} within {}", told(one), told(other))))
        }
        (Some(one), Some(other)) => (0, Some(format!("another length: {} instead of {}", told(other), told(one)))),
        (None, None) => (22, None),
        (Some(one), None) => (15, Some(format!("its name has no length ({} is wanted)", told(one)))),
        (None, Some(other)) => (15, Some(format!("length {}, which the code does not tell", told(other)))),
    }
}

/// Up to 25 for the colour, and what to say of it.
fn colour(wanted: &Name, theirs: &Name) -> (u32, Option<String>) {
    let told = |colours: &BTreeSet<&str>| colours.iter().copied().collect::<Vec<_>>().join(" ");
    let both: BTreeSet<&str> = wanted.colours.intersection(&theirs.colours).copied().collect();
    match (wanted.colours.is_empty(), theirs.colours.is_empty()) {
        (true, true) => (22, None),
        (true, false) | (false, true) => (18, None),
        _ if !both.is_empty() => {
            // Pink is not light green and pink.
            let exact = wanted.colours.len() == both.len() && theirs.colours.len() == both.len();
            (if exact { 25 } else { 22 }, Some(format!("colour {}", told(&both))))
        }
        _ => (0, Some(format!("another colour: {} instead of {}", told(&theirs.colours), told(&wanted.colours)))),
    }
}

impl Agreement {
    fn told(&self) -> Option<String> {
        (!self.found.is_empty()).then(|| format!("words: {}", self.found.join(", ")))
    }
}
