//! How well the words of two names agree, and which words they are.

use super::words::{Name, Word};

/// The outcome.
pub(super) struct Agreement {
    /// 0 to 100.
    pub(super) percent: u32,
    /// The words found, each as it is told to people.
    pub(super) found: Vec<String>,
}

/// How the words of `wanted` are found in `theirs`. With `by_code` a word may also be glued together from the beginnings
/// of theirs, as codes are.
pub(super) fn agreement(wanted: &Name, theirs: &Name, by_code: bool) -> Agreement {
    // How well each of their words was wanted.
    let mut used = vec![0; theirs.words.len()];
    let (mut got, mut all) = (0, 0);
    let mut found = Vec::new();
    for word in &wanted.words {
        all += word.sort.weight() * 100;
        let best = theirs.words.iter().enumerate().filter(|(at, _)| used[*at] == 0);
        let best = best
            .map(|(at, other)| (alike(word, other, by_code), at))
            .max_by_key(|(alike, at)| (*alike, usize::MAX - at));
        match best {
            Some((alike, at)) if alike > 0 => {
                used[at] = alike;
                got += word.sort.weight() * alike;
                found.push(told(word, &theirs.words[at]));
            }
            _ => {
                let pieces = if by_code { glued(&word.written, &theirs.written) } else { None };
                if let Some(pieces) = pieces {
                    got += word.sort.weight() * GLUED;
                    for (used, other) in used.iter_mut().zip(&theirs.words) {
                        if pieces.iter().any(|piece| **piece == *other.written) {
                            *used = GLUED;
                        }
                    }
                    found.push(format!("{} for {}", word.written.to_uppercase(), pieces.join(" ")));
                }
            }
        }
    }
    let of_theirs: u32 = theirs.words.iter().map(|word| word.sort.weight()).sum();
    let theirs_found: u32 = theirs.words.iter().zip(&used).map(|(word, used)| word.sort.weight() * used).sum();
    let forward = got.checked_div(all / 100).unwrap_or(0);
    let back = theirs_found.checked_div(of_theirs).unwrap_or(0);
    Agreement { percent: (2 * forward + back) / 3, found }
}

/// A code's letters say less than words.
const GLUED: u32 = 80;

/// What a slip of the pen leaves; codes have fewer of them, and are easily like another word.
const SLIP: u32 = 85;
const SLIP_IN_CODE: u32 = 60;

/// How alike two words are, 0 to 100.
fn alike(one: &Word, other: &Word, by_code: bool) -> u32 {
    let (a, b) = (one.text.as_str(), other.text.as_str());
    if a == b {
        return 100;
    }
    if one.sort != other.sort {
        return 0;
    }
    let (letters, of_other) = (a.chars().count(), b.chars().count());
    if letters >= 3 && (b.starts_with(a) || (letters <= 5 && without_vowels(b) == a)) {
        return 90;
    }
    // Komet's names are kept with more care: what is shorter there may well be another word, as Free Spirit is not
    // Freedom.
    if of_other >= 3 && a.starts_with(b) {
        return 60;
    }
    let letters = letters.min(of_other);
    let slip = if by_code { SLIP_IN_CODE } else { SLIP };
    let slips = strsim::damerau_levenshtein(a, b);
    match letters {
        5..=8 if slips == 1 => slip,
        9.. if slips <= 2 => slip,
        _ => 0,
    }
}

/// `frdm` of `freedom`; a first vowel stays.
fn without_vowels(word: &str) -> String {
    word.chars().enumerate().filter(|(at, c)| *at == 0 || !"aeiou".contains(*c)).map(|(_, c)| c).collect()
}

fn told(word: &Word, other: &Word) -> String {
    if word.written == other.written || word.text == other.text && word.written.starts_with(&word.text) {
        other.written.clone()
    } else {
        format!("{} for {}", word.written, other.written)
    }
}

/// The words of `theirs` from whose beginnings `code` is put together, in order, if it is: `rfree` is r(ose)
/// free(dom). It takes four letters, and three of one word, to be no chance.
fn glued<'w>(code: &str, theirs: &'w [String]) -> Option<Vec<&'w str>> {
    // Longer ones are no codes, and would take for ever.
    if !(4..=16).contains(&code.len()) || !code.is_ascii() || theirs.len() > 12 {
        return None;
    }
    let mut pieces = Vec::new();
    fits(code, theirs, false, &mut pieces).then_some(pieces)
}

fn fits<'w>(rest: &str, theirs: &'w [String], has_three: bool, pieces: &mut Vec<&'w str>) -> bool {
    if rest.is_empty() {
        return has_three && pieces.len() > 1;
    }
    for (at, word) in theirs.iter().enumerate() {
        let common = rest.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
        for letters in (1..=common).rev() {
            pieces.push(word);
            if fits(&rest[letters..], &theirs[at + 1..], has_three || letters >= 3, pieces) {
                return true;
            }
            pieces.pop();
        }
    }
    false
}
