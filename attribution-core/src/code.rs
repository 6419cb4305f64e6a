//! Short codes: what stands behind the slash of a promo link.
//!
//! A generated code is eight random base62 characters and one keyed check character: a mistyped or guessed code is
//! refused before any look-up, 61 times out of 62. It packs into 64 bits, which is the link's key everywhere.
//! A custom alias is text of its own and stands in a table of its own, pointing at a code.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random characters in a code.
const BODY_LEN: usize = 8;
/// Characters in a code.
pub const CODE_LEN: usize = BODY_LEN + 1;
/// Number of different bodies: 62^8.
pub const BODIES: u64 = 62u64.pow(8);

const fn digit_table() -> [u8; 256] {
    let mut table = [0xff; 256];
    let mut i = 0;
    while i < ALPHABET.len() {
        #[expect(clippy::cast_possible_truncation, reason = "i is below 62")]
        {
            table[ALPHABET[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
}

static DIGITS: [u8; 256] = digit_table();

/// The key of the check character. It is separate from the signing keys and never rotates: QR codes are printed.
#[derive(Clone, Copy)]
pub struct CheckKey(u64);

impl CheckKey {
    /// From eight secret bytes.
    pub const fn new(secret: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(secret))
    }

    /// Tells this key from others without giving it away: for noticing that a wrong one was put in its place.
    pub fn fingerprint(self) -> u32 {
        let digest =
            Sha256::new().chain_update(b"yinke check key").chain_update(self.0.to_le_bytes()).finalize();
        u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    fn check_digit(self, body: u64) -> u64 {
        xxh3_64_with_seed(&body.to_le_bytes(), self.0) % 62
    }
}

impl fmt::Debug for CheckKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckKey(secret)")
    }
}

/// A link's code, packed: body x 62 + check digit. Below 2^54.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Code(pub u64);

impl Code {
    /// The code of a random body. `body` must be drawn evenly from `0..`[`BODIES`] by the caller.
    ///
    /// Returns `None` if `body` is out of range.
    pub fn from_body(body: u64, key: CheckKey) -> Option<Self> {
        (body < BODIES).then(|| Self(body * 62 + key.check_digit(body)))
    }

    /// Reads a code as it stands in a path and checks its check character.
    pub fn parse(text: &[u8], key: CheckKey) -> Option<Self> {
        let value = pack(text.try_into().ok()?)?;
        (key.check_digit(value / 62) == value % 62).then_some(Self(value))
    }

    /// What may be a code at the beginning of `text`, its check character unchecked: good for nothing but fetching
    /// ahead what it may lead to.
    pub fn guess(text: &[u8]) -> Option<Self> {
        pack(text.first_chunk()?).map(Self)
    }

    /// The codes that somebody may mean who writes `text`: those from which it differs by one wrong character, by two
    /// neighbours that changed places, or by large and small letters.
    pub fn slips(text: &[u8], key: CheckKey) -> Vec<Self> {
        let Ok(text) = <[u8; CODE_LEN]>::try_from(text) else { return Vec::new() };
        let mut found: Vec<Self> = Vec::new();
        let mut meant = |text: [u8; CODE_LEN]| found.extend(Self::parse(&text, key));
        for place in 0..CODE_LEN {
            for &other in ALPHABET {
                let mut slip = text;
                slip[place] = other;
                meant(slip);
            }
            if place > 0 {
                let mut slip = text;
                slip.swap(place - 1, place);
                meant(slip);
            }
        }
        for upper in 0..1_u16 << CODE_LEN {
            let cased = |(place, c): (usize, &u8)| {
                if (upper >> place) & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            };
            let mut slip = [0; CODE_LEN];
            slip.iter_mut().zip(text.iter().enumerate().map(cased)).for_each(|(to, c)| *to = c);
            meant(slip);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The nine characters.
    pub fn text(self) -> [u8; CODE_LEN] {
        let mut out = [b'0'; CODE_LEN];
        let mut value = self.0;
        for slot in out.iter_mut().rev() {
            *slot = ALPHABET[(value % 62) as usize];
            value /= 62;
        }
        out
    }
}

/// The nine characters as a number.
fn pack(text: &[u8; CODE_LEN]) -> Option<u64> {
    let mut value = 0u64;
    for &byte in text {
        let digit = DIGITS[usize::from(byte)];
        if digit == 0xff {
            return None;
        }
        value = value * 62 + u64::from(digit);
    }
    Some(value)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.text() {
            fmt::Write::write_char(f, char::from(byte))?;
        }
        Ok(())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    /// Reads nine base62 characters without checking the check character: whoever serialised it had the key.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut value = 0u64;
        for byte in text.bytes() {
            let digit = DIGITS[usize::from(byte)];
            if digit == 0xff || text.len() != CODE_LEN {
                return Err(serde::de::Error::custom("a code is nine letters and digits"));
            }
            value = value * 62 + u64::from(digit);
        }
        Ok(Self(value))
    }
}

/// Why a text cannot be a custom alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// Not 3 to 50 bytes.
    #[error("an alias has 3 to 50 characters")]
    Length,
    /// A character outside letters, digits, '_' and '-'.
    #[error("an alias has letters, digits, '_' and '-' only, not {0:?}")]
    Character(char),
    /// A path the edge needs for itself, or a word a scanner would ask for.
    #[error("this alias is reserved")]
    Reserved,
    /// It reads as a generated code.
    #[error("this alias reads as a generated code")]
    LooksLikeCode,
}

/// A custom alias of a link: 3 to 50 letters, digits, '_' and '-', case sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(String);

impl TryFrom<String> for Alias {
    type Error = AliasError;
    /// Checks the form only: whether it reads as a code was checked when it was given, by whoever had the key.
    fn try_from(text: String) -> Result<Self, AliasError> {
        Self::check_form(&text)?;
        Ok(Self(text))
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0
    }
}

const RESERVED: [&str; 12] = [
    "api", "admin", "console", "favicon", "healthz", "livez", "metrics", "openapi", "readyz", "robots",
    "static", "version",
];

impl Alias {
    /// Checks a wished-for alias.
    ///
    /// # Errors
    /// If the length or a character is wrong, the word is reserved, or it could be taken for a generated code.
    pub fn new(text: &str, key: CheckKey) -> Result<Self, AliasError> {
        Self::check_form(text)?;
        if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
            return Err(AliasError::Reserved);
        }
        if Code::parse(text.as_bytes(), key).is_some() {
            return Err(AliasError::LooksLikeCode);
        }
        Ok(Self(text.to_owned()))
    }

    fn check_form(text: &str) -> Result<(), AliasError> {
        if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
            return Err(AliasError::Character(c));
        }
        if (3..=50).contains(&text.len()) { Ok(()) } else { Err(AliasError::Length) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CheckKey = CheckKey::new(*b"8 bytes!");

    #[test]
    fn a_code_reads_back() {
        for body in [0, 1, 61, 62, 123_456_789, BODIES - 1] {
            let code = Code::from_body(body, KEY).unwrap();
            assert_eq!(Code::parse(&code.text(), KEY), Some(code));
            assert_eq!(Code::guess(&[&code.text()[..], b"?a=b"].concat()), Some(code));
            assert_eq!(serde_json::from_str::<Code>(&serde_json::to_string(&code).unwrap()).unwrap(), code);
        }
        assert_eq!(Code::from_body(BODIES, KEY), None);
    }

    #[test]
    fn every_wrong_check_character_is_refused() {
        let text = Code::from_body(987_654_321, KEY).unwrap().text();
        let accepted =
            ALPHABET.iter().filter(|c| Code::parse(&[&text[..BODY_LEN], &[**c]].concat(), KEY).is_some());
        assert_eq!(accepted.count(), 1);
    }

    #[test]
    fn one_slip_of_the_finger_leads_back_to_the_code() {
        let code = Code::from_body(123_456_789_012, KEY).unwrap();
        let text = code.text();
        let mut slips = vec![text.to_ascii_lowercase(), text.to_ascii_uppercase()];
        for place in 0..CODE_LEN {
            let mut slip = text;
            slip[place] = if slip[place] == b'x' { b'y' } else { b'x' };
            slips.push(slip.to_vec());
            let mut slip = text;
            slip.swap(place.saturating_sub(1), place);
            slips.push(slip.to_vec());
        }
        for slip in slips {
            assert!(Code::slips(&slip, KEY).contains(&code), "{slip:?}");
        }
        let other = Code::from_body(210_987_654_321, KEY).unwrap().text();
        assert!(!Code::slips(&other, KEY).contains(&code));
        assert!(Code::slips(&other, KEY).len() < 60);
        assert_eq!((Code::slips(b"double11", KEY), Code::slips("二维码".as_bytes(), KEY)), (vec![], vec![]));
    }

    #[test]
    fn odd_bytes_are_no_code() {
        for text in [&b""[..], b"short", b"123456789012", "二维码".as_bytes(), b"abc/efghi", b"abcdefgh\0"]
        {
            assert_eq!(Code::parse(text, KEY), None);
            assert!(text == b"123456789012" || Code::guess(text).is_none());
        }
    }

    #[test]
    fn aliases_are_checked() {
        let code = Code::from_body(42, KEY).unwrap().to_string();
        let rows = [
            ("double11", Ok(())),
            ("ab", Err(AliasError::Length)),
            ("a/b", Err(AliasError::Character('/'))),
            ("双十一", Err(AliasError::Character('双'))),
            ("Healthz", Err(AliasError::Reserved)),
            (code.as_str(), Err(AliasError::LooksLikeCode)),
        ];
        for (text, expected) in rows {
            assert_eq!(Alias::new(text, KEY).map(|_| ()), expected, "{text}");
        }
        assert!(serde_json::from_str::<Alias>("\"a/b\"").is_err());
    }
}
