//! Mutations, all drawn from one seed: of a JSON document's structure (types swapped, fields doubled or gone, odd
//! values of every kind) and of bytes (flipped, cut, doubled, moved).

use std::fmt::Write;

use serde_json::Value;

/// A token whose every spelling is looked for in what is told. Two of its characters need encoding in a URL, one in JSON.
pub(crate) const TOKEN: &str = "S3cret+T/k\"n4711zz";

/// Values that parsers stumble over, as they stand in JSON.
const ODD: &[&str] = &[
    "null",
    "true",
    "false",
    "\"\"",
    "\"   \"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[{}]",
    "0",
    "-0",
    "-1",
    "0.5",
    "-0.0",
    "1e400",
    "-1e400",
    "1e-400",
    "1E9",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "0.0000000000000000000000000001",
    "0.00000000000000000000000000001",
    "1.000000000000000000000000000000000000000000001",
    "\"4,294,967,295\"",
    "\"1,5\"",
    "\"1,234.50\"",
    "\"-1,234\"",
    "\",\"",
    "\"-\"",
    "\"+5\"",
    "\"0x10\"",
    "\"1_000\"",
    "\"NaN\"",
    "NaN",
    "\"Infinity\"",
    "-Infinity",
    "\"1e5\"",
    "\"1e-30\"",
    "\"\\u0031\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83c\\udf39\"",
    "\"\u{202e}\u{200b}\u{feff}\"",
    "\"e\u{301}\u{e9}\u{df}\u{130}\"",
    "\"\u{1b}[31m\"",
    "\"\\u001b]0;x\\u0007\"",
    "\"0000-00-00\"",
    "\"0000-01-01\"",
    "\"-0001-01-01\"",
    "\"1969-12-31\"",
    "\"2026-02-30\"",
    "\"2026-2-3\"",
    "\"2024-02-29\"",
    "\"9999-12-31\"",
    "\"10000-01-01\"",
    "\"+10000-01-01\"",
    "\"+262142-12-31\"",
    "\"-262143-01-01\"",
    "\"0001-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"9999-12-31 23:59:59\"",
    "\"9999-12-31T23:59:59-23:59\"",
    "\"0000-01-01T00:00:00+23:59\"",
    "\"2026-02-05T23:59:60Z\"",
    "\"2026-02-05T10:00:00.123456789123Z\"",
    "\"2026-02-05T10:00:00+99:00\"",
    "\"+262142-12-31T23:59:59Z\"",
    "\"-262143-01-01T00:00:00Z\"",
    "\"AX-1' OR '1'='1\"",
    "\"../../etc/passwd\"",
    "\"a/b?c=d&e#f%zz\"",
    "\"UNKNOWN rose\"",
    "\"unknow\u{e9}\"",
    "\"PA\"",
    "\"A\"",
    "\"CF\"",
    "\"C\"",
    "\"cancelled\"",
    "\"rejected\"",
    "\"accepted\"",
    "\"void\"",
    "\"printed\"",
    "\"Stem\"",
    "\"komet-prebook-\"",
    "\"komet-prebook-99999999999999999999\"",
    "\"[AX \"",
    "\"[AX AX-1] [AX AX-2]\"",
];

/// Bytes that mean something to some parser.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\r\n",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"<html>",
    b"=",
    b"#",
    b"'''",
    b"-",
    b"e999999999",
    b"null",
    b"\\u0000",
];

/// A JSON document that may hold what JSON does not allow.
#[derive(Clone)]
enum Node {
    /// Written as it is.
    Raw(String),
    List(Vec<Self>),
    /// Keys may come twice.
    Object(Vec<(String, Self)>),
}

impl Node {
    fn of(value: Value) -> Self {
        match value {
            Value::Array(list) => Self::List(list.into_iter().map(Self::of).collect()),
            Value::Object(map) => Self::Object(map.into_iter().map(|(key, one)| (key, Self::of(one))).collect()),
            plain => Self::Raw(plain.to_string()),
        }
    }

    fn count(&self) -> usize {
        1 + match self {
            Self::Raw(_) => 0,
            Self::List(list) => list.iter().map(Self::count).sum(),
            Self::Object(fields) => fields.iter().map(|(_, one)| one.count()).sum(),
        }
    }

    /// The `at`th node in reading order.
    fn at(&mut self, at: usize) -> &mut Self {
        if at == 0 {
            return self;
        }
        let children: Vec<&mut Self> = match self {
            Self::Raw(_) => unreachable!("a leaf counts as one"),
            Self::List(list) => list.iter_mut().collect(),
            Self::Object(fields) => fields.iter_mut().map(|(_, one)| one).collect(),
        };
        let mut left = at - 1;
        for child in children {
            let count = child.count();
            if left < count {
                return child.at(left);
            }
            left -= count;
        }
        unreachable!("the number was drawn below the count")
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::List(list) => {
                for (place, one) in list.iter().enumerate() {
                    out.push(if place == 0 { '[' } else { ',' });
                    one.write(out);
                }
                out.push_str(if list.is_empty() { "[]" } else { "]" });
            }
            Self::Object(fields) => {
                for (place, (key, one)) in fields.iter().enumerate() {
                    out.push(if place == 0 { '{' } else { ',' });
                    write!(out, "{}:", Value::from(key.as_str())).unwrap();
                    one.write(out);
                }
                out.push_str(if fields.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

/// Draws mutations.
pub(crate) struct Mutator {
    pub(crate) rng: fastrand::Rng,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed) }
    }

    /// Whether something of this chance happens.
    pub(crate) fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    pub(crate) fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.rng.usize(..from.len())]
    }

    /// A document with its structure, its bytes or both changed; now and then as it is.
    pub(crate) fn json(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = match self.rng.u8(..20) {
            0 => text.as_bytes().to_vec(),
            1..=3 => return self.bytes(text.as_bytes()),
            _ => self.structure(text).into_bytes(),
        };
        if self.chance(15) {
            bytes = self.bytes(&bytes);
        }
        bytes
    }

    /// A document with its structure changed.
    pub(crate) fn structure(&mut self, text: &str) -> String {
        let mut tree = Node::of(serde_json::from_str(text).unwrap());
        for _ in 0..self.rng.usize(1..=4) {
            let at = self.rng.usize(..tree.count());
            let donor = tree.at(self.rng.usize(..tree.count())).clone();
            self.change(tree.at(at), donor);
        }
        let mut out = String::new();
        tree.write(&mut out);
        out
    }

    fn change(&mut self, node: &mut Node, donor: Node) {
        match (self.rng.u8(..8), &mut *node) {
            (0, _) => *node = donor,
            (1, _) => *node = Node::List(vec![node.clone(), donor]),
            (2, _) => *node = Node::Object(vec![("id".to_owned(), node.clone()), ("details".to_owned(), donor)]),
            (3.., Node::Object(fields)) if !fields.is_empty() => {
                let at = self.rng.usize(..fields.len());
                match self.rng.u8(..6) {
                    0 => drop(fields.remove(at)),
                    1 => fields.push((fields[at].0.clone(), donor)),
                    2 => fields.push((fields[at].0.clone(), fields[at].1.clone())),
                    3 => self
                        .pick(&["", "x", "status", "items", "\u{0}", "__proto__"])
                        .clone_into(&mut fields[at].0),
                    4 => {
                        let other = self.rng.usize(..fields.len());
                        let moved = fields[other].1.clone();
                        fields[at].1 = moved;
                    }
                    _ => fields[at].1 = self.odd(),
                }
            }
            (3.., Node::List(list)) if !list.is_empty() => {
                let at = self.rng.usize(..list.len());
                match self.rng.u8(..5) {
                    0 => list.clear(),
                    1 => list.truncate(at),
                    2 => list.extend(std::iter::repeat_n(list[at].clone(), self.rng.usize(1..40))),
                    3 => list.insert(at, self.odd()),
                    _ => list.reverse(),
                }
            }
            _ => *node = self.odd(),
        }
    }

    fn odd(&mut self) -> Node {
        let text = match self.rng.u8(..24) {
            0 => {
                let depth = self.rng.usize(1..2_000);
                format!("{}{}", "[".repeat(depth), "]".repeat(depth))
            }
            1 => {
                let depth = self.rng.usize(1..2_000);
                format!("{}1{}", "{\"details\":[".repeat(depth), "]}".repeat(depth))
            }
            2 => format!("\"{}\"", "long ".repeat(self.rng.usize(1..20_000))),
            3 => "9".repeat(self.rng.usize(1..2_000)),
            4 => format!("0.{}1", "0".repeat(self.rng.usize(1..400))),
            5 => Value::from(TOKEN).to_string(),
            6 => format!("\"{}\"", "\u{1f339}".repeat(self.rng.usize(1..600))),
            7 => self.rng.i64(..).to_string(),
            8 => format!("\"{}-{:02}-{:02}\"", self.rng.u16(..), self.rng.u8(..15), self.rng.u8(..34)),
            _ => self.pick(ODD).to_owned(),
        };
        Node::Raw(text)
    }

    /// Some bytes changed.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..self.rng.usize(1..=6) {
            if bytes.is_empty() {
                bytes.extend(self.pick(TOKENS));
                continue;
            }
            let at = self.rng.usize(..bytes.len());
            let end = (at + self.rng.usize(1..64)).min(bytes.len());
            match self.rng.u8(..8) {
                0 => bytes[at] ^= 1 << self.rng.u8(..8),
                1 => bytes[at] = self.rng.u8(..),
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let part = bytes[at..end].to_vec();
                    let to = self.rng.usize(..=bytes.len());
                    bytes.splice(to..to, part);
                }
                5 => bytes[at..end].fill(0),
                _ => {
                    let token = self.pick(TOKENS).to_vec();
                    bytes.splice(at..at, token);
                }
            }
        }
        bytes
    }
}

/// Whether a text holds the token, in any spelling that a server may echo.
pub(crate) fn leaks(text: &str) -> bool {
    [
        TOKEN,
        "S3cret%2BT%2Fk%22n4711zz",
        "S3cret%2bT%2fk%22n4711zz",
        "S3cret+T/k\\\"n4711zz",
        "S3cret+T\\/k\\\"n4711zz",
    ]
    .iter()
    .any(|spelling| text.contains(spelling))
}
