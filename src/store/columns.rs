//! How the types of the trade look in a column: times and days as ISO text that sorts, names as scripts know them,
//! documents as JSON. Reading is strict, so that a damaged row is an error and not a default.

use std::fmt::Display;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::StoreError;
use crate::domain::{Flow, ItemId, OrderKey, PrebookId};

/// A moment, with all its nanoseconds so that what is read is what was written.
pub(super) struct Time(pub(super) DateTime<Utc>);

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_rfc3339_opts(SecondsFormat::Nanos, true).into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        DateTime::parse_from_rfc3339(text).map(|at| Self(at.to_utc())).map_err(FromSqlError::other)
    }
}

/// A calendar day.
pub(super) struct Day(pub(super) NaiveDate);

impl ToSql for Day {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// One of a closed set of names, such as a stage; written as the name that serde and scripts know.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned> FromSql for Named<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name: StrDeserializer<'_, ValueError> =
            serde::de::IntoDeserializer::into_deserializer(value.as_str()?);
        T::deserialize(name).map(Self).map_err(FromSqlError::other)
    }
}

/// The name of a flow.
pub(super) fn flow_name(flow: Flow) -> &'static str {
    match flow {
        Flow::FromAxerrio => "from_axerrio",
        Flow::FromKomet => "from_komet",
    }
}

/// A document as it is stored.
pub(super) fn to_doc(value: &impl Serialize, what: impl Display) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::document(what, e))
}

/// A stored document; `what` names it in the error.
pub(super) fn from_doc<T: DeserializeOwned>(text: &str, what: impl Display) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::document(what, e))
}

macro_rules! integer {
    ($($id:ident),*) => { $(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.into())
            }
        }

        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map(Self)
            }
        }
    )* };
}

integer!(OrderKey, PrebookId, ItemId);
