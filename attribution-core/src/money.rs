//! Money is integer fen (分); rates are integer basis points (万分比).

use serde::{Deserialize, Serialize};

/// An amount in fen (1/100 yuan). May be negative: balances carry debts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

/// A rate in basis points, 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(u16);

/// A rate above 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} basis points is above 10000 (100 %)")]
pub struct RateTooHigh(pub u32);

impl BasisPoints {
    /// 100 %.
    pub const FULL: Self = Self(10_000);

    /// Checks the range.
    ///
    /// # Errors
    /// If `points` is above 10,000.
    pub fn new(points: u32) -> Result<Self, RateTooHigh> {
        match u16::try_from(points) {
            Ok(p) if p <= 10_000 => Ok(Self(p)),
            _ => Err(RateTooHigh(points)),
        }
    }

    /// The number of basis points.
    pub const fn points(self) -> u16 {
        self.0
    }
}
