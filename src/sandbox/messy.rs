//! How the simulated systems word their answers. Plain answers are what the pages draw; messy ones are what public
//! integrations report: numbers as strings, thousands separators, three ways to say "no value", unknown fields. The
//! mess is drawn from a seed and the answer's number, so that a failing run can be replayed.

use std::fmt::Write as _;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How answers are worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// As the pages draw them.
    #[default]
    Plain,
    /// As awkwardly as the pages allow; the same seed gives the same answers to the same requests.
    Messy(u64),
}

impl Answers {
    /// The dice for answer number `counter`; `None` where nothing is to be rolled.
    pub(super) fn dice(self, counter: u64) -> Option<fastrand::Rng> {
        match self {
            Self::Plain => None,
            Self::Messy(seed) => Some(fastrand::Rng::with_seed(mix(seed, counter))),
        }
    }

    /// A choice out of `n` that stays the same for `key` all through a run; 0 in plain answers.
    pub(super) fn trait_of(self, key: u64, n: u64) -> u64 {
        match self {
            Self::Plain => 0,
            Self::Messy(seed) => mix(!seed, key) % n,
        }
    }
}

/// SplitMix64's finaliser: neighbouring counters give unrelated dice.
fn mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Writes Komet's JSON straight into one string: exact decimals as numbers, and every field messed up on the way
/// if dice are given.
pub(super) struct Writer {
    out: String,
    dice: Option<fastrand::Rng>,
    /// How this world words things, for choices that must stay the same from answer to answer.
    pub(super) answers: Answers,
}

impl Writer {
    pub(super) fn new(answers: Answers, counter: u64) -> Self {
        Self { out: String::with_capacity(256), dice: answers.dice(counter), answers }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// One of `n` wordings; the first in plain answers.
    pub(super) fn pick(&mut self, n: usize) -> usize {
        self.dice.as_mut().map_or(0, |dice| dice.usize(..n))
    }

    fn comma(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    /// A whole object: `body` writes its fields. Messy objects now and then hold a field nobody knows.
    pub(super) fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.comma();
        self.out.push('{');
        if self.pick(4) == 1 {
            self.key("externalSystemFlag");
            self.out.push_str("[null,{\"x\":\"1\"}]");
        }
        body(self);
        self.out.push('}');
    }

    /// A field that holds a list; `body` writes its elements.
    pub(super) fn list(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.out.push('[');
        body(self);
        self.out.push(']');
    }

    /// A list without elements: `[]`, or nothing at all.
    pub(super) fn no_list(&mut self, key: &str) {
        match self.pick(3) {
            0 => self.list(key, |_| {}),
            1 => self.raw(key, "null"),
            _ => {}
        }
    }

    /// A text as an element of a list.
    pub(super) fn element(&mut self, text: &str) {
        self.comma();
        quote(&mut self.out, text);
    }

    fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push_str(value);
    }

    /// A whole number: an id, a quantity.
    pub(super) fn number(&mut self, key: &str, value: u64) {
        let quoted = self.pick(2) == 1;
        self.key(key);
        // Writing to a String cannot fail.
        let _ = if quoted { write!(self.out, "\"{value}\"") } else { write!(self.out, "{value}") };
    }

    /// A decimal, in messy answers also as text with thousands separators.
    pub(super) fn decimal(&mut self, key: &str, value: Decimal) {
        match self.pick(3) {
            0 => self.raw(key, &value.to_string()),
            1 => self.text(key, &value.to_string()),
            _ => self.text(key, &with_separators(value)),
        }
    }

    /// A text that is there.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        quote(&mut self.out, value);
    }

    /// A text that may be missing.
    pub(super) fn text_or_nothing(&mut self, key: &str, value: &str) {
        if value.trim().is_empty() { self.nothing(key) } else { self.text(key, value) }
    }

    /// A number that may be missing.
    pub(super) fn number_or_nothing(&mut self, key: &str, value: Option<u64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.nothing(key),
        }
    }

    /// No value: `null`, an empty text, or no field.
    pub(super) fn nothing(&mut self, key: &str) {
        match self.pick(3) {
            0 => self.raw(key, "null"),
            1 => self.raw(key, "\"\""),
            _ => {}
        }
    }

    /// The answer's `status` and `message`.
    pub(super) fn status(&mut self, ok: bool, message: &str) {
        let quoted = self.pick(2) == 1;
        self.key("status");
        self.out.push_str(match (ok, quoted) {
            (true, false) => "1",
            (true, true) => "\"1\"",
            (false, false) => "0",
            (false, true) => "\"0\"",
        });
        if ok && message.is_empty() { self.nothing("message") } else { self.text("message", message) }
    }
}

/// Writes `text` as a JSON string.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `1234.5` as `1,234.50`.
fn with_separators(value: Decimal) -> String {
    let mut value = value;
    if value.scale() < 2 {
        value.rescale(2);
    }
    let text = value.to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push('.');
    out.push_str(cents);
    out
}

/// Puts fields into an Axerrio answer that its contract does not name, and leaves out some that hold nothing, at every level.
pub(super) fn mess_up(value: &mut Value, dice: &mut fastrand::Rng) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| mess_up(field, dice));
            fields.retain(|_, field| !field.is_null() || dice.bool());
            match dice.u8(..4) {
                0 => drop(fields.insert("xInternalTags".into(), serde_json::json!([1, {"tag": null}]))),
                1 => drop(fields.insert("warehouse".into(), Value::Null)),
                _ => {}
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| mess_up(element, dice)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_cents_are_kept() {
        for (value, text) in
            [("1234.5", "1,234.50"), ("0.32", "0.32"), ("1000000", "1,000,000.00"), ("999.125", "999.125")]
        {
            assert_eq!(with_separators(value.parse().unwrap_or_default()), text);
        }
    }

    #[test]
    fn the_same_seed_and_number_give_the_same_mess() {
        let answer = |counter| {
            let mut writer = Writer::new(Answers::Messy(7), counter);
            writer.object(|w| {
                for _ in 0..20 {
                    w.number("n", 1);
                }
            });
            writer.finish()
        };
        assert_eq!(answer(3), answer(3));
        assert_ne!(answer(3), answer(4));
    }
}
