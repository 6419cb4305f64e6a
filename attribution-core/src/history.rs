//! Where an edge stands in the core's numbered changes, and in which history of them.
//!
//! A number alone says too little: a core that was restored from a backup gives numbers a second time, to other
//! changes. So every opening of the core's store begins a new history with a random id. What was numbered before it
//! belongs to its past; what another history numbered after that moment does not. An edge names the history together
//! with the number, and the core can say whether that place lies in its own past. If not, the edge loads everything
//! anew.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// The random name of one history of changes. As text: 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistoryId(NonZeroU64);

/// Why text is not a history's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a history's id is 16 hexadecimal digits, not all zero")]
pub struct BadHistoryId;

impl HistoryId {
    /// `None` for zero, which stands for "no history" on disk.
    pub const fn new(id: u64) -> Option<Self> {
        match NonZeroU64::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// As a number, never zero.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for HistoryId {
    type Err = BadHistoryId;

    fn from_str(text: &str) -> Result<Self, BadHistoryId> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadHistoryId);
        }
        u64::from_str_radix(text, 16).ok().and_then(Self::new).ok_or(BadHistoryId)
    }
}

impl Serialize for HistoryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HistoryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// How far somebody has followed the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedPosition {
    /// The history that gave the number; `None` if it is not known. At number zero it does not matter.
    pub history: Option<HistoryId>,
    /// The last change that was applied.
    pub number: u64,
}

impl FeedPosition {
    /// Before the first change of all.
    pub const START: Self = Self { history: None, number: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_anything_else_is_refused() {
        let id = HistoryId::new(0x00ab).unwrap();
        assert_eq!(id.to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"00000000000000ab\"");
        for text in
            ["", "ab", "0000000000000000", "00000000000000g0", "+0000000000000ab", "00000000000000ab0"]
        {
            assert_eq!(text.parse::<HistoryId>(), Err(BadHistoryId), "{text}");
        }
    }
}
