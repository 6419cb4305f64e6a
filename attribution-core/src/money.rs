//! Money is integer fen (分); rates are integer basis points (万分比).

use serde::{Deserialize, Serialize};

/// An amount in fen (1/100 yuan). May be negative: balances carry debts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

/// A sum or product that does not fit 64 bits: no real amount does this, so the input is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount does not fit 64 bits")]
pub struct Overflow;

/// Why a text is no amount in yuan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotYuan {
    /// Not plain decimal digits.
    #[error("an amount must be decimal text such as \"19.90\"")]
    Shape,
    /// Parts of a fen.
    #[error("{0} has parts of a fen")]
    Fraction(String),
    /// More than fits.
    #[error("{0} is too large")]
    Large(String),
}

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads yuan in plain decimals, without a float on the way: `12.34`, `-0.5`, `7`.
    ///
    /// # Errors
    /// If it is anything else, has parts of a fen or does not fit.
    pub fn of_yuan(text: &str) -> Result<Self, NotYuan> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(part) {
            return Err(NotYuan::Shape);
        }
        let (fen, rest) = part.split_at(part.len().min(2));
        if rest.bytes().any(|b| b != b'0') {
            return Err(NotYuan::Fraction(text.to_owned()));
        }
        let number = |digits: &str| digits.parse::<i64>().ok();
        let fen = number(&format!("{fen:0<2}"));
        let sum = number(whole).and_then(|yuan| yuan.checked_mul(100)?.checked_add(fen?));
        let sum = sum.ok_or_else(|| NotYuan::Large(text.to_owned()))?;
        Ok(Self(if negative { -sum } else { sum }))
    }

    /// The sum.
    ///
    /// # Errors
    /// If it does not fit.
    pub const fn add(self, other: Self) -> Result<Self, Overflow> {
        match self.0.checked_add(other.0) {
            Some(sum) => Ok(Self(sum)),
            None => Err(Overflow),
        }
    }

    /// The difference.
    ///
    /// # Errors
    /// If it does not fit.
    pub const fn sub(self, other: Self) -> Result<Self, Overflow> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Ok(Self(difference)),
            None => Err(Overflow),
        }
    }

    /// `floor(self * numerator / denominator)`, in 128 bits between.
    ///
    /// # Errors
    /// If the result does not fit, or the denominator is not positive.
    pub fn scale(self, numerator: i128, denominator: i128) -> Result<Self, Overflow> {
        if denominator <= 0 {
            return Err(Overflow);
        }
        let product = i128::from(self.0).checked_mul(numerator).ok_or(Overflow)?;
        i64::try_from(product.div_euclid(denominator)).map(Self).map_err(|_| Overflow)
    }
}

impl std::fmt::Display for Fen {
    /// In yuan with two decimals: `12.34`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

/// A rate in basis points, 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BasisPoints(u16);

impl TryFrom<u32> for BasisPoints {
    type Error = RateTooHigh;
    fn try_from(points: u32) -> Result<Self, RateTooHigh> {
        Self::new(points)
    }
}

impl From<BasisPoints> for u32 {
    fn from(rate: BasisPoints) -> Self {
        Self::from(rate.0)
    }
}

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

    /// A rate that is known when the program is built; above 100 % it does not build.
    pub const fn const_new<const POINTS: u16>() -> Self {
        const { assert!(POINTS <= 10_000, "above 100 %") };
        Self(POINTS)
    }

    /// The number of basis points.
    pub const fn points(self) -> u16 {
        self.0
    }
}

impl std::fmt::Display for BasisPoints {
    /// In percent: `5%`, `0.25%`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}%"),
            r if r % 10 == 0 => write!(f, "{whole}.{}%", r / 10),
            r => write!(f, "{whole}.{r:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_rates_read_as_people_write_them() {
        for (fen, text) in
            [(0, "0.00"), (5, "0.05"), (1234, "12.34"), (-7, "-0.07"), (i64::MIN, "-92233720368547758.08")]
        {
            assert_eq!(Fen(fen).to_string(), text);
        }
        for (points, text) in
            [(0, "0%"), (500, "5%"), (250, "2.5%"), (25, "0.25%"), (1, "0.01%"), (10_000, "100%")]
        {
            assert_eq!(BasisPoints::new(points).unwrap().to_string(), text);
        }
    }

    #[test]
    fn yuan_become_fen_exactly_or_not_at_all() {
        let fraction = |text: &str| Err(NotYuan::Fraction(text.to_owned()));
        let large = |text: &str| Err(NotYuan::Large(text.to_owned()));
        for (text, expected) in [
            ("19.90", Ok(1_990)),
            ("0.29", Ok(29)),
            ("1", Ok(100)),
            ("12.", Ok(1_200)),
            ("1.5", Ok(150)),
            ("-5.00", Ok(-500)),
            ("-0.05", Ok(-5)),
            ("100.000", Ok(10_000)),
            ("2.675", fraction("2.675")),
            ("99999999999999999.00", large("99999999999999999.00")),
            ("99999999999999999999", large("99999999999999999999")),
            ("1,000.00", Err(NotYuan::Shape)),
            ("", Err(NotYuan::Shape)),
            (".", Err(NotYuan::Shape)),
            (".5", Err(NotYuan::Shape)),
            ("+1", Err(NotYuan::Shape)),
            ("1e3", Err(NotYuan::Shape)),
        ] {
            assert_eq!(Fen::of_yuan(text), expected.map(Fen), "{text}");
        }
    }

    #[test]
    fn a_rate_above_one_hundred_percent_is_refused_in_json_too() {
        assert!(serde_json::from_str::<BasisPoints>("10001").is_err());
        assert_eq!(serde_json::from_str::<BasisPoints>("10000").unwrap(), BasisPoints::FULL);
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_never_wraps() {
        assert_eq!(Fen(i64::MAX).add(Fen(1)), Err(Overflow));
        assert_eq!(Fen(i64::MIN).sub(Fen(1)), Err(Overflow));
        assert_eq!(Fen(i64::MAX).scale(10_000, 10_000), Ok(Fen(i64::MAX)));
        assert_eq!(Fen(i64::MAX).scale(2, 1), Err(Overflow));
        assert_eq!(Fen(1).scale(1, 0), Err(Overflow));
    }
}
