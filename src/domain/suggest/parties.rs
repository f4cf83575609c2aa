//! The same question about customers, carriers and box types: Komet tells their codes, so a code that is the same is as
//! good as certain; else the names are compared as words.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::words::tokens;
use super::{Suggestion, WORTH_TELLING};
use crate::domain::BoxType;

/// Somebody whom Komet knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Komet's id.
    pub id: i64,
    /// The code in Komet; empty where it has none.
    pub code: String,
    /// The name.
    pub name: String,
}

/// Words that many firms have in their names.
const COMMON: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "bv",
    "sa",
    "sas",
    "co",
    "corp",
    "company",
    "the",
    "and",
    "of",
    "flower",
    "flowers",
    "floral",
    "florist",
    "florists",
    "wholesale",
    "trucking",
    "freight",
    "logistics",
    "express",
    "lines",
    "transport",
    "services",
];

/// Customers or carriers that may be the one called `code` and `name` in Axerrio, the likeliest first.
pub fn parties(code: &str, name: &str, listed: &[Listed]) -> Vec<Suggestion> {
    let wanted = if name.trim().is_empty() { code } else { name };
    let judged = listed.iter().filter_map(|party| {
        let (score, why) = if !squeezed(code).is_empty() && squeezed(code) == squeezed(&party.code) {
            (100, format!("its code in Komet is {}", party.code))
        } else {
            by_name(wanted, &party.name)?
        };
        let shown = if party.code.is_empty() { String::new() } else { format!(" ({})", party.code) };
        let description = format!("{}{shown}", party.name);
        Some(Suggestion { komet_id: party.id, description, score, why: vec![why] })
    });
    ranked(judged.collect())
}

/// Box types that may be the one of that code, the likeliest first.
pub fn box_types(code: &str, listed: &[BoxType]) -> Vec<Suggestion> {
    let size = size_of(code);
    let judged = listed.iter().filter_map(|box_type| {
        let (score, why) = if squeezed(code) == squeezed(&box_type.code) {
            (100, "the same code".to_owned())
        } else if size.is_some_and(|(fbe, _)| fbe == box_type.fbe) {
            let (_, word) = size?;
            (75, format!("{code} reads as a {word} box, and it is {} of a full one", box_type.fbe.normalize()))
        } else {
            return None;
        };
        let description = format!("{}, {} FBE", box_type.code, box_type.fbe.normalize());
        Some(Suggestion { komet_id: box_type.id, description, score, why: vec![why] })
    });
    ranked(judged.collect())
}

fn ranked(mut judged: Vec<Suggestion>) -> Vec<Suggestion> {
    judged.retain(|one| one.score >= WORTH_TELLING);
    judged.sort_by(|a, b| b.score.cmp(&a.score).then(a.komet_id.cmp(&b.komet_id)));
    judged
}

/// Letters and digits alone: `MESA-OWN` is `mesaown`.
fn squeezed(code: &str) -> String {
    tokens(code).concat()
}

/// At most 90: names are no proof.
fn by_name(wanted: &str, theirs: &str) -> Option<(u32, String)> {
    let (wanted, theirs) = (tokens(wanted), tokens(theirs));
    let weight = |word: &str| if COMMON.contains(&word) || word.len() < 2 { 1 } else { 4 };
    let alike = |a: &str, b: &str| {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        a == b || (short.len() >= 4 && (long.starts_with(short) || strsim::damerau_levenshtein(a, b) == 1))
    };
    let shared: Vec<&String> =
        wanted.iter().filter(|word| theirs.iter().any(|other| alike(word, other))).collect();
    if shared.iter().all(|word| weight(word) == 1) {
        return None;
    }
    let sum = |words: &[&String]| words.iter().map(|word| weight(word)).sum::<u32>();
    let found: Vec<&String> = theirs.iter().filter(|word| wanted.iter().any(|other| alike(word, other))).collect();
    let percent = |part: u32, whole: u32| (part * 90).checked_div(whole).unwrap_or(0);
    let forward = percent(sum(&shared), sum(&wanted.iter().collect::<Vec<_>>()));
    let back = percent(sum(&found), sum(&theirs.iter().collect::<Vec<_>>()));
    let told: BTreeSet<&str> = shared.iter().map(|word| word.as_str()).collect();
    Some(((2 * forward + back) / 3, format!("words: {}", told.into_iter().collect::<Vec<_>>().join(", "))))
}

/// How much of a full box a code speaks of, in English, Spanish or Dutch.
fn size_of(code: &str) -> Option<(Decimal, &'static str)> {
    const SIZES: &[(i64, &str, &[&str])] = &[
        (1000, "full", &["f", "fb", "fbx", "full", "entera", "completa", "heel", "hele"]),
        (500, "half", &["h", "hb", "hbx", "half", "media", "halve"]),
        (250, "quarter", &["q", "qb", "qbx", "quarter", "cuarto", "kwart"]),
        (125, "eighth", &["e", "eb", "ebx", "eighth", "octavo", "achtste"]),
    ];
    let words = tokens(code);
    let found = SIZES.iter().find(|(_, _, names)| words.iter().any(|word| names.contains(&word.as_str())));
    found.map(|(thousandths, word, _)| (Decimal::new(*thousandths, 3), *word))
}
