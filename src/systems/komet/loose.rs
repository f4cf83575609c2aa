//! Komet's loose values: a number may come as a string, a string as a number, "no value" as absent, `null` or `""`,
//! and money with thousands separators (komet-api.md, "Transport"). A [`Loose`] keeps the value's own JSON text, so
//! reading an answer never fails on a value, money never passes through a float, and a complaint can quote what was
//! found. [`List`] and [`Record`] do the same for what should be a list or an object.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde_json::value::RawValue;

use crate::systems::calendar::is_countable;

/// A value that could not be read: where, what was expected, what was there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad {
    path: String,
    expected: &'static str,
    found: String,
}

impl Bad {
    pub(super) fn new(path: &str, expected: &'static str, found: impl Into<String>) -> Self {
        Self { path: path.to_owned(), expected, found: found.into() }
    }

    /// The same, seen from one level up.
    pub(super) fn within(mut self, list: &str, index: usize) -> Self {
        self.path = format!("{list}[{index}].{}", self.path);
        self
    }

    /// The field's name, without the way to it.
    #[cfg(test)]
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}

/// Any JSON value, unread.
#[derive(Clone, Copy, Default)]
pub(super) struct Loose<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de RawValue>::deserialize(deserializer).map(|raw| Self(Some(raw)))
    }
}

impl<'a> Loose<'a> {
    fn raw(self) -> &'a str {
        self.0.map_or("null", RawValue::get)
    }

    /// A complaint about this value.
    pub(super) fn bad(self, field: &str, expected: &'static str) -> Bad {
        // A whole list or object is not quoted: it may hold names and prices, and says no more than its kind.
        let found = match self.raw() {
            "null" | "\"\"" => "nothing",
            raw if raw.starts_with('{') => "an object",
            raw if raw.starts_with('[') => "a list",
            raw => raw,
        };
        Bad::new(field, expected, found)
    }

    /// The text of a string, number or truth value; `None` for no value.
    pub(super) fn text(self, field: &str) -> Result<Option<Cow<'a, str>>, Bad> {
        let raw = self.raw();
        let text = match raw.as_bytes().first() {
            Some(b'{' | b'[') => return Err(self.bad(field, "text")),
            Some(b'"') if !raw.contains('\\') => Cow::Borrowed(raw.trim_matches('"')),
            Some(b'"') => Cow::Owned(serde_json::from_str(raw).map_err(|_| self.bad(field, "text"))?),
            _ if raw == "null" => return Ok(None),
            _ => Cow::Borrowed(raw),
        };
        Ok(match text {
            Cow::Borrowed(text) => Some(Cow::Borrowed(text.trim())),
            Cow::Owned(text) => Some(Cow::Owned(text.trim().to_owned())),
        }
        .filter(|text| !text.is_empty()))
    }

    /// As [`Loose::text`], owned.
    pub(super) fn string(self, field: &str) -> Result<Option<String>, Bad> {
        Ok(self.text(field)?.map(Cow::into_owned))
    }

    /// Texts: a list of them, or one text with commas between them.
    pub(super) fn texts(self, field: &str) -> Result<Vec<String>, Bad> {
        if !self.raw().starts_with('[') {
            let text = self.text(field)?.unwrap_or_default();
            return Ok(text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect());
        }
        let list: Vec<Loose<'_>> =
            serde_json::from_str(self.raw()).map_err(|_| self.bad(field, "a list of texts"))?;
        list.into_iter().filter_map(|one| one.string(field).transpose()).collect()
    }

    /// A decimal number, exactly as written. It is a price mostly: what is none is not quoted, because complaints are logged.
    pub(super) fn decimal(self, field: &str) -> Result<Option<Decimal>, Bad> {
        let bad = || match self.raw().as_bytes().first() {
            Some(b'"') => Bad::new(field, "a number", "a text that is none"),
            Some(b'0'..=b'9' | b'-') => Bad::new(field, "a number", "one out of range"),
            _ => self.bad(field, "a number"),
        };
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        decimal(&text).map(Some).ok_or_else(bad)
    }

    /// A count: whole and not negative. `3.0` is whole.
    pub(super) fn count(self, field: &str) -> Result<Option<u32>, Bad> {
        let bad = || self.bad(field, "a whole number");
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        if let Ok(count) = text.parse() {
            return Ok(Some(count));
        }
        decimal(&text).filter(Decimal::is_integer).and_then(|d| d.try_into().ok()).map(Some).ok_or_else(bad)
    }

    /// A count that must be there.
    pub(super) fn required_count(self, field: &str) -> Result<u32, Bad> {
        self.count(field)?.ok_or_else(|| self.bad(field, "a whole number"))
    }

    /// An id; 0 and less mean none.
    pub(super) fn id(self, field: &str) -> Result<Option<i64>, Bad> {
        let bad = || self.bad(field, "an id");
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        let id = match text.parse::<i64>() {
            Ok(id) => Some(id),
            Err(_) => decimal(&text).filter(Decimal::is_integer).and_then(|d| d.try_into().ok()),
        };
        id.map(|id| (id > 0).then_some(id)).ok_or_else(bad)
    }

    /// An id that must be there.
    pub(super) fn required_id(self, field: &str) -> Result<i64, Bad> {
        self.id(field)?.ok_or_else(|| self.bad(field, "an id"))
    }

    /// A truth value either way: `1`, `"1"`, `true`, `"Y"`.
    pub(super) fn flag(self, field: &str) -> Result<Option<bool>, Bad> {
        let bad = || self.bad(field, "1 or 0");
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "1.0" | "true" | "yes" | "y" => Ok(Some(true)),
            "0" | "0.0" | "false" | "no" | "n" => Ok(Some(false)),
            _ => Err(bad()),
        }
    }

    /// A date; a time behind it is ignored.
    pub(super) fn date(self, field: &str) -> Result<Option<NaiveDate>, Bad> {
        let bad = || self.bad(field, "a date (YYYY-MM-DD)");
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        let day = text.split([' ', 'T']).next().unwrap_or_default();
        NaiveDate::parse_from_str(day, "%Y-%m-%d").ok().filter(|day| is_countable(*day)).map(Some).ok_or_else(bad)
    }

    /// A date that must be there.
    pub(super) fn required_date(self, field: &str) -> Result<NaiveDate, Bad> {
        self.date(field)?.ok_or_else(|| self.bad(field, "a date (YYYY-MM-DD)"))
    }

    /// A time in GMT.
    pub(super) fn time(self, field: &str) -> Result<Option<DateTime<Utc>>, Bad> {
        let bad = || self.bad(field, "a time (YYYY-MM-DD hh:mm:ss)");
        let Some(text) = self.text(field).map_err(|_| bad())? else { return Ok(None) };
        let plain = |format: &&str| NaiveDateTime::parse_from_str(&text, format).ok().map(|time| time.and_utc());
        let zoned = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        zoned
            .or_else(|| ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"].iter().find_map(plain))
            .filter(|time| is_countable(*time))
            .map(Some)
            .ok_or_else(bad)
    }
}

/// A decimal as Komet writes it. Commas count as thousands separators only where thousands end: `1,5` is not
/// fifteen, it is unreadable.
fn decimal(text: &str) -> Option<Decimal> {
    let plain = if text.contains(',') {
        let whole = text.split('.').next()?.trim_start_matches('-');
        let mut groups = whole.split(',');
        let first = groups.next()?;
        let in_thousands = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
        if !in_thousands || text.matches(',').count() != whole.matches(',').count() {
            return None;
        }
        Cow::Owned(text.replace(',', ""))
    } else {
        Cow::Borrowed(text)
    };
    if plain.contains(['e', 'E']) {
        return Decimal::from_scientific(&plain).ok();
    }
    // `from_str_exact` also takes Rust's `1_000`, which no system writes.
    if plain.contains('_') { None } else { Decimal::from_str_exact(&plain).ok() }
}

/// What should be an object.
pub(super) enum Record<T> {
    /// It is one. Boxed, so that a list of what is none takes little.
    Is(Box<T>),
    /// It is something else, named here.
    Other(&'static str),
}

impl<T> Record<T> {
    /// The object, or a complaint about `path`.
    pub(super) fn get(&self, path: &str) -> Result<&T, Bad> {
        match self {
            Self::Is(record) => Ok(record.as_ref()),
            Self::Other(found) => Err(Bad::new(path, "an object", *found)),
        }
    }
}

/// What should be a list; absent, `null` and `""` are an empty one.
pub(super) enum List<T> {
    /// It is one.
    Is(Vec<Record<T>>),
    /// It is something else, named here.
    Other(&'static str),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::Is(Vec::new())
    }
}

impl<T> List<T> {
    /// The records, or a complaint about `path`.
    pub(super) fn get(&self, path: &str) -> Result<&[Record<T>], Bad> {
        match self {
            Self::Is(records) => Ok(records),
            Self::Other(found) => Err(Bad::new(path, "a list", *found)),
        }
    }

    /// Whether there is at least one record.
    pub(super) fn has_any(&self) -> bool {
        matches!(self, Self::Is(records) if !records.is_empty())
    }
}

/// The visitor's answers to everything that is neither list nor object.
macro_rules! other_kinds {
    ($other:path) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($other("true or false"))
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($other("a number"))
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($other("a number"))
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($other("a number"))
        }
    };
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Record<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seek<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Seek<T> {
            type Value = Record<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            other_kinds!(Record::Other);
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Record::Other("text"))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Record::Other("nothing"))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|record| Record::Is(Box::new(record)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Record::Other("a list"))
            }
        }
        deserializer.deserialize_any(Seek(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seek<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Seek<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            other_kinds!(List::Other);
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(if text.trim().is_empty() { List::default() } else { List::Other("text") })
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(List::Other("an object"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut records = Vec::new();
                while let Some(record) = seq.next_element()? {
                    records.push(record);
                }
                Ok(List::Is(records))
            }
        }
        deserializer.deserialize_any(Seek(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with<T>(json: &str, read: impl FnOnce(Loose<'_>) -> T) -> T {
        read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn money_is_read_from_its_digits() {
        for (json, expected) in [
            ("0.1", Some("0.1")),
            ("12345678901234567.89", Some("12345678901234567.89")),
            ("\"1,234.50\"", Some("1234.50")),
            ("\"1,234,567\"", Some("1234567")),
            ("1.5e2", Some("150")),
            ("\"\"", None),
            ("null", None),
        ] {
            let read = with(json, |l| l.decimal("unitCost")).unwrap();
            assert_eq!(read.map(|d| d.to_string()).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn a_comma_that_separates_no_thousands_is_unreadable() {
        for json in ["\"1,5\"", "\"1,23.50\"", "\",123\"", "\"1.234,500\"", "\"12 34\"", "\"1_0\"", "[1]"] {
            let complaint = with(json, |l| l.decimal("unitCost")).unwrap_err().to_string();
            assert!(!complaint.contains(json.trim_matches('"')), "a price is not told: {complaint}");
        }
    }

    #[test]
    fn a_count_is_whole() {
        assert_eq!(with("\"1,200\"", |l| l.count("totalBoxes")).unwrap(), Some(1200));
        assert_eq!(with("3.0", |l| l.count("totalBoxes")).unwrap(), Some(3));
        for json in ["2.5", "-1", "\"many\"", "99999999999", "true"] {
            assert_eq!(with(json, |l| l.count("totalBoxes")).unwrap_err().path(), "totalBoxes", "{json}");
        }
        let complaint = with("\"many\"", |l| l.count("totalBoxes")).unwrap_err().within("details", 2);
        assert_eq!(complaint.to_string(), "details[2].totalBoxes: expected a whole number, found \"many\"");
        let complaint = with("{\"cost\": 1}", |l| l.count("totalBoxes")).unwrap_err();
        assert_eq!(complaint.to_string(), "totalBoxes: expected a whole number, found an object");
    }

    #[test]
    fn text_may_be_a_number_and_is_unescaped() {
        assert_eq!(with("85063", |l| l.string("number")).unwrap().as_deref(), Some("85063"));
        assert_eq!(with("\" a \\u00e9\\\"b \"", |l| l.string("notes")).unwrap().as_deref(), Some("a é\"b"));
        assert_eq!(with("\"  \"", |l| l.string("notes")).unwrap(), None);
    }

    #[test]
    fn a_date_may_have_a_time_behind_it() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 10);
        assert_eq!(with("\"2026-02-10\"", |l| l.date("shipDate")).unwrap(), day);
        assert_eq!(with("\"2026-02-10 00:00:00\"", |l| l.date("shipDate")).unwrap(), day);
        assert!(with("\"10/02/2026\"", |l| l.date("shipDate")).is_err());
    }
}
