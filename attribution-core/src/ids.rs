//! Who and what: the ids people use (text) and the numbers the edge uses (32 bits).
//!
//! The core gives every placement, target, programme, promoter and category a small number once; a link row and
//! a click record carry the numbers, so that a row stays small and a record never needs a dictionary.
//!
//! A text id is shared, not copied: a decision names its promoters and placements once for each click.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("an id must not be empty")]
    Empty,
    /// More bytes than the limit.
    #[error("an id has at most {limit} bytes, this one has {len}")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A character outside the allowed set.
    #[error("character {0:?} is not allowed in an id (letters, digits, '.', '_', ':' and '-')")]
    BadCharacter(char),
}

fn check(text: &str, limit: usize, allowed: fn(char) -> bool) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > limit {
        return Err(IdError::TooLong { len: text.len(), limit });
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(IdError::BadCharacter(c)),
        None => Ok(()),
    }
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-')
}

fn is_foreign_id_char(c: char) -> bool {
    !c.is_control()
}

/// Reads a text id without a copy of its text in between.
struct TextId<T>(PhantomData<T>);

impl<T: FromStr<Err = IdError>> Visitor<'_> for TextId<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $limit:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the characters and the length.
            ///
            /// # Errors
            /// If the text is empty, too long, or has a character that is not allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text, $limit, $allowed)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextId(PhantomData))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text, $limit, $allowed)?;
                Ok(Self(text.into()))
            }
        }

        // Compares and hashes as its text does: maps by id can be asked with a text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(/// A platform: owns merchants; buyer and order ids are unique within it.
    PlatformId, 64, is_id_char);
text_id!(/// A merchant, which is one shop (店铺).
    MerchantId, 64, is_id_char);
text_id!(/// A programme: one set of rules. Part of a cookie's name, hence short.
    ProgrammeId, 40, is_id_char);
text_id!(/// A product (商品).
    ProductId, 64, is_id_char);
text_id!(/// A promoter (推客, 分销客, 销售员, 达人).
    PromoterId, 64, is_id_char);
text_id!(/// A media placement (推广位): belongs to one promoter and one programme.
    PlacementId, 64, is_id_char);
text_id!(/// A category (类目).
    CategoryId, 64, is_id_char);
text_id!(/// An agency (机构) that shares in its promoters' commission.
    AgencyId, 64, is_id_char);
text_id!(/// A commission plan (计划) of a merchant.
    PlanId, 64, is_id_char);
text_id!(/// A sales channel outside the platform (站外渠道).
    ChannelId, 64, is_id_char);
text_id!(/// A buyer as the platform knows it.
    BuyerId, 128, is_foreign_id_char);
text_id!(/// An order as the platform numbers it.
    OrderId, 128, is_foreign_id_char);
text_id!(/// A line of an order (子订单).
    LineId, 128, is_foreign_id_char);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    };
}

number!(/// The core's number for a placement.
    PlacementNum);
number!(/// The core's number for a target (product, shop or page).
    TargetNum);
number!(/// The core's number for a programme.
    ProgrammeNum);
number!(/// The core's number for a promoter.
    PromoterNum);
number!(/// The core's number for a category.
    CategoryNum);

/// A visitor: one browser on one of our own domains. 16 random bytes; all zero means none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VisitorId(pub [u8; 16]);

impl VisitorId {
    /// No visitor: the answer carried no visitor cookie.
    pub const NONE: Self = Self([0; 16]);

    /// Whether this is a real visitor.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }

    /// 32 lower-case hex digits.
    pub fn to_hex(self) -> String {
        crate::hex::hex(&self.0)
    }

    /// Reads 32 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        crate::hex::unhex(text).map(Self)
    }
}
