//! Instants and civil time.
//!
//! An instant is UTC milliseconds. Every civil rule ("the 15th", "next midnight", "60 days") is read in
//! Asia/Shanghai, which has been a fixed +08:00 for all dates from 1992 on. The host's zone is never used.

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
