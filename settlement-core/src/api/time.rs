//! Instants in requests: RFC 3339 text, or UTC milliseconds. Answers carry milliseconds.

use attribution_core::time::{Instant, SECOND_MS};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An instant in a request: RFC 3339 with any offset (`2020-05-01T15:56:33+08:00`), or UTC milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiTime(Instant);

impl ApiTime {
    /// The instant.
    pub const fn instant(self) -> Instant {
        self.0
    }
}

/// The first instant a report may name, 2000-01-01T00:00:00Z: no platform is older, and a time in seconds where
/// milliseconds are meant lands in 1970.
pub(crate) const EARLIEST: Instant = Instant(946_684_800_000);

/// A report may be dated this much later than our clock: clocks drift by minutes, but a wrong time zone, which is off
/// by half an hour at least, must not pass.
pub(crate) const AHEAD_MS: i64 = 300 * SECOND_MS;

/// An instant at which nothing reported can have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImplausibleTime {
    /// Before [`EARLIEST`].
    #[error("{0} ms is before the year 2000; times are milliseconds, not seconds")]
    TooEarly(i64),
    /// Later than our clock and [`AHEAD_MS`].
    #[error("{0} ms lies in the future")]
    Future(i64),
}

/// Checks that something reported at `now` can have happened at `at`.
///
/// # Errors
/// If it lies before the year 2000 or in the future.
pub(crate) fn plausible(at: Instant, now: Instant) -> Result<(), ImplausibleTime> {
    if at < EARLIEST {
        return Err(ImplausibleTime::TooEarly(at.millis()));
    }
    if at > now.plus(AHEAD_MS) {
        return Err(ImplausibleTime::Future(at.millis()));
    }
    Ok(())
}

impl From<Instant> for ApiTime {
    fn from(at: Instant) -> Self {
        Self(at)
    }
}

impl std::str::FromStr for ApiTime {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        if let Ok(millis) = text.parse::<i64>() {
            return Ok(Self(Instant(millis)));
        }
        text.parse::<jiff::Timestamp>().map(|at| Self(Instant(at.as_millisecond())))
    }
}

impl Serialize for ApiTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.millis())
    }
}

impl<'de> Deserialize<'de> for ApiTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ApiTime;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an instant as RFC 3339 text (2020-05-01T15:56:33+08:00) or UTC milliseconds")
            }
            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<ApiTime, E> {
                Ok(ApiTime(Instant(millis)))
            }
            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<ApiTime, E> {
                i64::try_from(millis).map(|millis| ApiTime(Instant(millis))).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ApiTime, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl PartialSchema for ApiTime {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        let millis = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        OneOfBuilder::new()
            .description(Some("RFC 3339 with any offset, or UTC milliseconds"))
            .item(text)
            .item(millis)
            .into()
    }
}

impl ToSchema for ApiTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_the_same_in_every_spelling() {
        for text in [
            r#""2020-05-01T15:56:33+08:00""#,
            r#""2020-05-01T07:56:33Z""#,
            "1588319793000",
            r#""1588319793000""#,
        ] {
            let at: ApiTime = serde_json::from_str(text).unwrap();
            assert_eq!(at.instant(), Instant(1_588_319_793_000), "{text}");
        }
        for text in [r#""yesterday""#, "1.5", "null", r#""2020-05-01""#] {
            assert!(serde_json::from_str::<ApiTime>(text).is_err(), "{text}");
        }
    }
}
