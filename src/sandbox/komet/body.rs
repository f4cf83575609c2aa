//! Reading the bodies and parameters that Komet is sent: as tolerant of numbers and texts as Komet is reported to
//! be, and with a message that names the field where something does not fit.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Refused, Unit, refuse};

/// One JSON object of a request.
#[derive(Clone, Copy)]
pub(super) struct Fields<'b>(pub(super) &'b Value);

impl<'b> Fields<'b> {
    /// The text of a field; numbers count as text, blank is no value.
    pub(super) fn text(self, key: &str) -> Option<String> {
        let text = match self.0.get(key)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A text of at most `longest` characters.
    pub(super) fn short_text(self, key: &str, longest: usize) -> Result<String, Refused> {
        let text = self.text(key).unwrap_or_default();
        if text.chars().count() > longest {
            refuse!("{key} exceeds {longest} characters");
        }
        Ok(text)
    }

    /// A whole number, if there is one.
    pub(super) fn number(self, key: &str) -> Result<Option<u64>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => refuse!("{key} must be a whole number"),
        }
    }

    /// A whole number that must be there.
    pub(super) fn required(self, key: &str) -> Result<u64, Refused> {
        self.number(key)?.ok_or_else(|| format!("{key} is required").into())
    }

    /// A quantity of at least 1 that must be there.
    pub(super) fn quantity(self, key: &str) -> Result<u32, Refused> {
        match u32::try_from(self.required(key)?) {
            Ok(quantity) if quantity > 0 => Ok(quantity),
            _ => refuse!("{key} must be greater than 0"),
        }
    }

    /// A quantity, or what holds if there is none.
    pub(super) fn quantity_or(self, key: &str, otherwise: u32) -> Result<u32, Refused> {
        if self.number(key)?.is_none() { Ok(otherwise) } else { self.quantity(key) }
    }

    /// An amount of money, if there is one.
    pub(super) fn money(self, key: &str) -> Result<Option<Decimal>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)) {
            Ok(amount) if !amount.is_sign_negative() => Ok(Some(amount)),
            _ => refuse!("{key} must be a decimal number"),
        }
    }

    /// A day, if there is one.
    pub(super) fn date(self, key: &str) -> Result<Option<NaiveDate>, Refused> {
        self.text(key).map(|text| date(key, &text)).transpose()
    }

    /// `Stem` or `Bunch`.
    pub(super) fn unit(self, key: &str) -> Result<Option<Unit>, Refused> {
        match self.text(key).as_deref() {
            None => Ok(None),
            Some("Stem") => Ok(Some(Unit::Stem)),
            Some("Bunch") => Ok(Some(Unit::Bunch)),
            Some(_) => refuse!("{key} must be Stem or Bunch"),
        }
    }

    /// The objects of a list; an absent list is empty.
    pub(super) fn list(self, key: &str) -> Result<Vec<Fields<'b>>, Refused> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(elements)) if elements.iter().all(Value::is_object) => {
                Ok(elements.iter().map(Fields).collect())
            }
            Some(_) => refuse!("{key} must be a list of objects"),
        }
    }

    /// The texts of a list; an absent list is empty.
    pub(super) fn texts(self, key: &str) -> Result<Vec<String>, Refused> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(elements)) => elements
                .iter()
                .map(|element| match element {
                    Value::String(text) => Ok(text.trim().to_owned()),
                    Value::Number(number) => Ok(number.to_string()),
                    _ => Err(format!("{key} must be a list of texts").into()),
                })
                .collect(),
            Some(_) => refuse!("{key} must be a list of texts"),
        }
    }
}

fn date(key: &str, text: &str) -> Result<NaiveDate, Refused> {
    // chrono also takes 2026-1-5; Komet's format is ten characters.
    match text.parse() {
        Ok(date) if text.len() == 10 => Ok(date),
        _ => refuse!("{key} must be a date (YYYY-MM-DD)"),
    }
}

/// The parameters of a GET.
#[derive(Clone, Copy)]
pub(super) struct Parameters<'p>(pub(super) &'p [(String, String)]);

impl<'p> Parameters<'p> {
    pub(super) fn text(self, key: &str) -> Option<&'p str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.trim()).filter(|v| !v.is_empty())
    }

    pub(super) fn number(self, key: &str) -> Result<Option<u64>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => refuse!("{key} must be a whole number"),
        }
    }

    pub(super) fn date(self, key: &str) -> Result<Option<NaiveDate>, Refused> {
        self.text(key).map(|text| date(key, text)).transpose()
    }

    /// A date-time in GMT.
    pub(super) fn time(self, key: &str) -> Result<Option<DateTime<Utc>>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S") {
            Ok(time) if text.len() == 19 => Ok(Some(time.and_utc())),
            _ => refuse!("{key} must be a date-time (YYYY-MM-DD hh:mm:ss)"),
        }
    }
}
