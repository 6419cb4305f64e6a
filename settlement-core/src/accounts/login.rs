//! The name that somebody signs in with: a phone number, an e-mail address or a word.

use std::fmt;

/// Shortest and longest name.
const LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

/// A name to sign in with, in lower case and without the spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login(String);

/// Why a text is no name to sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Too short or too long.
    #[error("must have {} to {} characters", LENGTH.start(), LENGTH.end())]
    Length,
    /// A character that cannot be typed alike everywhere.
    #[error("may have letters a to z, digits and . _ + @ - only")]
    Character,
}

impl Login {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// If it is no name.
    pub fn new(typed: &str) -> Result<Self, LoginError> {
        let name = typed.trim().to_ascii_lowercase();
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "._+@-".contains(c)) {
            return Err(LoginError::Character);
        }
        if !LENGTH.contains(&name.len()) {
            return Err(LoginError::Length);
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_alike_however_they_are_typed() {
        let rows = [
            (" 13800138000 ", Ok("13800138000")),
            ("Lily@Example.com", Ok("lily@example.com")),
            ("ab", Err(LoginError::Length)),
            ("莉莉", Err(LoginError::Character)),
            ("a b c", Err(LoginError::Character)),
        ];
        for (typed, expected) in rows {
            assert_eq!(Login::new(typed).as_ref().map(Login::as_str).map_err(|e| *e), expected, "{typed}");
        }
    }
}
