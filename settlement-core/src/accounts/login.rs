//! The name that somebody signs in with: a phone number, an e-mail address or a word. One phone number is one name,
//! however it is written (decision 0111).

use crate::params;
use crate::store::{Row, StoreError, Tx};
use std::fmt;

/// Shortest and longest name.
const LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

/// Digits of a mainland mobile number, and fewest and most of any number with its country's code.
const MAINLAND_DIGITS: usize = 11;
const ABROAD_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// A name to sign in with, in lower case and without the spaces around it; a phone number as everybody's is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login {
    name: String,
    /// As it was typed. Accounts that are older than the one way of writing numbers may be called so.
    typed: String,
}

/// Why a text is no name to sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Too short or too long.
    #[error("must have {} to {} characters", LENGTH.start(), LENGTH.end())]
    Length,
    /// A character that cannot be typed alike everywhere.
    #[error("may have letters a to z, digits and . _ + @ - only")]
    Character,
    /// Not a phone number, where one is asked for.
    #[error("must be a mobile number such as 13800138000, or one with + and its country code")]
    Phone,
}

impl Login {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// If it is no name.
    pub fn new(typed: &str) -> Result<Self, LoginError> {
        let typed = typed.trim().to_ascii_lowercase();
        let name = phone_number(&typed).unwrap_or_else(|| typed.clone());
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._+@-".contains(c)) {
            return Err(LoginError::Character);
        }
        if !LENGTH.contains(&name.len()) {
            return Err(LoginError::Length);
        }
        Ok(Self { name, typed })
    }

    /// Reads what somebody typed where only a phone number will do.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn of_phone(typed: &str) -> Result<Self, LoginError> {
        phone_number(typed).ok_or(LoginError::Phone)?;
        Self::new(typed)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Columns of the account that is called so, or else as it was typed.
    pub(super) fn find(&self, tx: &mut dyn Tx, columns: &str) -> Result<Option<Row>, StoreError> {
        let sql = format!(
            "SELECT {columns} FROM accounts WHERE login IN ($1, $2) ORDER BY CASE login WHEN $2 THEN 0 ELSE 1 END LIMIT 1"
        );
        tx.query_opt(&sql, params![&self.name, &self.typed])
    }
}

/// A phone number as everybody's is written, without blanks and hyphens: one of the mainland with its 11 digits alone, others
/// with `+` and the country's code.
fn phone_number(typed: &str) -> Option<String> {
    let bare: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mainland = bare.strip_prefix("+86").unwrap_or(&bare);
    if mainland.len() == MAINLAND_DIGITS
        && all_digits(mainland)
        && matches!(mainland.as_bytes(), [b'1', b'3'..=b'9', ..])
    {
        return Some(mainland.to_owned());
    }
    let abroad = bare.strip_prefix('+')?;
    let known = ABROAD_DIGITS.contains(&abroad.len()) && all_digits(abroad) && !abroad.starts_with('0');
    known.then_some(bare)
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_alike_however_they_are_typed() {
        let rows = [
            (" 13800138000 ", Ok("13800138000")),
            ("+86 138 0013-8000", Ok("13800138000")),
            ("138\u{a0}0013\u{a0}8000", Ok("13800138000")),
            ("+49 151 2345-678", Ok("+491512345678")),
            ("+86 10 1234 5678", Ok("+861012345678")),
            ("12345-67890", Ok("12345-67890")),
            ("+0123456789", Ok("+0123456789")),
            ("Lily@Example.com", Ok("lily@example.com")),
            ("ab", Err(LoginError::Length)),
            ("莉莉", Err(LoginError::Character)),
            ("a b c", Err(LoginError::Character)),
        ];
        for (typed, expected) in rows {
            assert_eq!(Login::new(typed).as_ref().map(Login::as_str).map_err(|e| *e), expected, "{typed}");
        }
    }

    #[test]
    fn whoever_signs_up_gives_a_phone_number() {
        let rows = [
            ("139 0000-1111", true),
            ("+8613900001111", true),
            ("+1 415 555 0100", true),
            ("1390000111", false),
            ("12900001111", false),
            ("+1", false),
            ("a@b.c", false),
            ("", false),
        ];
        for (typed, is_one) in rows {
            assert_eq!(Login::of_phone(typed).is_ok(), is_one, "{typed}");
        }
    }
}
