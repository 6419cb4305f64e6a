//! Instants and civil time.
//!
//! An instant is UTC milliseconds. Every civil rule ("the 15th", "next midnight", "60 days") is read in
//! Asia/Shanghai, which has been a fixed +08:00 for all dates from 1992 on. The host's zone is never used.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Milliseconds in one second.
pub const SECOND_MS: i64 = 1_000;
/// Milliseconds in one hour.
pub const HOUR_MS: i64 = 3_600 * SECOND_MS;
/// Milliseconds in one day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A point in time: UTC milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// Milliseconds since 1970, UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded towards the past. Business durations are measured between floored
    /// instants, because order feeds carry whole seconds.
    pub const fn floor_seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }

    /// The whole second this instant falls in. Every business duration is measured between floored instants.
    #[must_use]
    pub const fn floor(self) -> Self {
        Self(self.floor_seconds().saturating_mul(SECOND_MS))
    }

    /// This instant moved by `millis`; saturates instead of wrapping, so that "permanent" stays in the future.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// How far Asia/Shanghai is ahead of UTC, all year, for all dates from 1992 on.
pub const SHANGHAI_OFFSET_MS: i64 = 8 * HOUR_MS;

impl Instant {
    /// The civil day in Asia/Shanghai this instant falls in, counted from 1970-01-01 there.
    pub const fn shanghai_day(self) -> i64 {
        self.0.saturating_add(SHANGHAI_OFFSET_MS).div_euclid(DAY_MS)
    }

    /// Midnight in Asia/Shanghai at the beginning of a civil day.
    pub const fn of_shanghai_day(day: i64) -> Self {
        Self(day.saturating_mul(DAY_MS).saturating_sub(SHANGHAI_OFFSET_MS))
    }

    /// The next midnight in Asia/Shanghai ("当天晚上12点后"), strictly later than this instant.
    #[must_use]
    pub const fn next_shanghai_midnight(self) -> Self {
        Self::of_shanghai_day(self.shanghai_day().saturating_add(1))
    }
}

impl Instant {
    /// The civil date in Asia/Shanghai; instants beyond all dates count as the first or the last one.
    pub fn shanghai_date(self) -> Date {
        let local = self.0.saturating_add(SHANGHAI_OFFSET_MS);
        match jiff::Timestamp::from_millisecond(local) {
            Ok(t) => t.to_zoned(jiff::tz::TimeZone::UTC).date(),
            Err(_) if local < 0 => Date::MIN,
            Err(_) => Date::MAX,
        }
    }

    /// Reads a time with its offset (RFC 3339), or else a time or day in Asia/Shanghai: `2020-05-04 16:55:35`, `2020-05-04`.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Self(at.as_millisecond()));
        }
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let local = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Self(local.as_millisecond()).plus(-SHANGHAI_OFFSET_MS))
    }

    /// Midnight in Asia/Shanghai at the beginning of `date`.
    pub fn of_shanghai_date(date: Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        Self::of_shanghai_day(i64::from((date - epoch).get_days()))
    }
}

/// Written as in Asia/Shanghai, to the second: `2020-05-04 16:55:35`; a fraction only if there is one.
impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let local = self.0.saturating_add(SHANGHAI_OFFSET_MS);
        match jiff::Timestamp::from_millisecond(local) {
            Ok(t) => {
                let t = t.to_zoned(jiff::tz::TimeZone::UTC).datetime();
                let (date, time) = (t.date(), t.time());
                write!(f, "{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
                match local.rem_euclid(SECOND_MS) {
                    0 => Ok(()),
                    ms => write!(f, ".{ms:03}"),
                }
            }
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Half-open `[from, to)`; without `to` it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// First instant inside.
    pub from: Instant,
    /// First instant after it, if it has ended.
    #[serde(default)]
    pub to: Option<Instant>,
}

impl Period {
    /// From `from` on, without an end.
    pub const fn since(from: Instant) -> Self {
        Self { from, to: None }
    }

    /// Whether nothing lies inside.
    pub fn is_empty(self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    /// Whether `at` lies inside.
    pub fn contains(self, at: Instant) -> bool {
        at >= self.from && self.to.is_none_or(|to| at < to)
    }
}

/// A length of time in a policy, in milliseconds. Written `15d`, `72h`, `5s` or `250ms` (also `m` for minutes);
/// a bare number counts milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "SpanText", into = "String")]
pub struct Span(i64);

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time (such as 15d, 72h, 30m, 5s, 250ms)")]
pub struct SpanError(String);

const UNITS: [(&str, i64); 5] =
    [("d", DAY_MS), ("h", HOUR_MS), ("m", 60 * SECOND_MS), ("s", SECOND_MS), ("ms", 1)];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(days as i64 * DAY_MS)
    }

    /// So many hours.
    pub const fn hours(hours: u32) -> Self {
        Self(hours as i64 * HOUR_MS)
    }

    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as i64 * SECOND_MS)
    }

    /// So many milliseconds; below zero counts as zero.
    pub const fn of_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    /// In milliseconds, never negative.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl std::str::FromStr for Span {
    type Err = SpanError;
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
        let number: i64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = |(_, factor): &&(&str, i64)| self.0 != 0 && self.0 % factor == 0;
        let (name, factor) = UNITS.iter().find(whole).unwrap_or(&("s", SECOND_MS));
        write!(f, "{}{name}", self.0 / factor)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SpanText {
    Millis(u32),
    Text(String),
}

impl TryFrom<SpanText> for Span {
    type Error = SpanError;
    fn try_from(text: SpanText) -> Result<Self, SpanError> {
        match text {
            SpanText::Millis(millis) => Ok(Self(i64::from(millis))),
            SpanText::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_back_as_written() {
        for text in ["15d", "72h", "1500ms", "5s", "30m", "0s"] {
            let expected = if text == "72h" { "3d" } else { text };
            assert_eq!(text.parse::<Span>().unwrap().to_string(), expected);
        }
        for text in ["", "d", "15", "-1d", "1 d", "1w", "99999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_shanghais_unless_they_say_otherwise() {
        let at = Instant::read("2020-05-04 16:55:35").unwrap();
        assert_eq!(at.to_string(), "2020-05-04 16:55:35");
        for same in [
            "2020-05-04T16:55:35",
            "2020-05-04T08:55:35Z",
            "2020-05-04T16:55:35+08:00",
            "2020-05-04 09:55:35+01:00",
        ] {
            assert_eq!(Instant::read(same), Some(at), "{same}");
        }
        assert_eq!(Instant::read("2020-05-04 16:55:35.001"), Some(at.plus(1)));
        assert_eq!(Instant::read("2020-05-04 16:55").unwrap().to_string(), "2020-05-04 16:55:00");
        assert_eq!(Instant::read("2020-05-04").unwrap().to_string(), "2020-05-04 00:00:00");
        for wrong in ["", "15d", "2020-02-30", "tomorrow", "11/11/2026", "2020-05-04 25:00:00"] {
            assert_eq!(Instant::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn civil_days_are_shanghais() {
        let noon_utc = Instant(1_588_593_600_000); // 2020-05-04 12:00:00 UTC
        assert_eq!(noon_utc.to_string(), "2020-05-04 20:00:00");
        assert_eq!(noon_utc.next_shanghai_midnight().to_string(), "2020-05-05 00:00:00");
        let midnight = noon_utc.next_shanghai_midnight();
        assert_eq!(midnight.next_shanghai_midnight(), midnight.plus(DAY_MS));
        assert_eq!(midnight.plus(-1).to_string(), "2020-05-04 23:59:59.999");
        assert_eq!(midnight.plus(-1).shanghai_day() + 1, midnight.shanghai_day());
        assert_eq!(midnight.shanghai_date().to_string(), "2020-05-05");
        assert_eq!(midnight.plus(-1).shanghai_date().to_string(), "2020-05-04");
        assert_eq!(Instant::of_shanghai_date(midnight.shanghai_date()), midnight);
        for day in [Date::MIN, jiff::civil::date(1969, 12, 31), jiff::civil::date(2024, 2, 29)] {
            assert_eq!(Instant::of_shanghai_date(day).shanghai_date(), day);
        }
        assert_eq!(Instant(i64::MIN).shanghai_date(), Date::MIN);
        assert_eq!(Instant(i64::MAX).shanghai_date(), Date::MAX);
    }
}
