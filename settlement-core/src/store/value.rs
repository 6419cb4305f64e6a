//! What goes into a statement and comes out of one: integers, text, bytes and nothing else.
//!
//! Instants are milliseconds, money is fen, JSON is text: a value means the same on both databases.

use super::StoreError;
use attribution_core::click::{ClickId, EdgeId, Epoch, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{CategoryNum, PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// A parameter of a statement, or a field of its answer, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param<'a> {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Refuses text that PostgreSQL cannot hold, on both databases: what one core takes, every core can.
///
/// # Errors
/// [`StoreError::Nul`] if a text has the character U+0000.
pub(super) fn check(params: &[Param<'_>]) -> Result<(), StoreError> {
    let has_nul = |param: &Param<'_>| matches!(param, Param::Text(text) if text.as_bytes().contains(&0));
    if params.iter().any(has_nul) { Err(StoreError::Nul) } else { Ok(()) }
}

/// The parameters of a statement, each converted by `Param::from`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Param::from($value)),*] };
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<&'a ClickId> for Param<'a> {
    fn from(value: &'a ClickId) -> Self {
        Self::Blob(&value.0)
    }
}

impl<'a> From<&'a VisitorId> for Param<'a> {
    fn from(value: &'a VisitorId) -> Self {
        Self::Blob(&value.0)
    }
}

impl<'a, T> From<Option<T>> for Param<'a>
where
    Param<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Param::from)
    }
}

macro_rules! text_params {
    ($($id:ident),*) => { $(
        impl<'a> From<&'a attribution_core::ids::$id> for Param<'a> {
            fn from(value: &'a attribution_core::ids::$id) -> Self {
                Self::Text(value.as_str())
            }
        }
    )* };
}
text_params!(
    AgencyId,
    PlatformId,
    MerchantId,
    ProgrammeId,
    ProductId,
    PromoterId,
    PlacementId,
    CategoryId,
    BuyerId,
    OrderId,
    LineId
);

macro_rules! int_params {
    ($($name:ident),*) => { $(
        impl From<$name> for Param<'_> {
            fn from(value: $name) -> Self {
                Self::Int(i64::from(value.0))
            }
        }
    )* };
}
int_params!(PlacementNum, TargetNum, ProgrammeNum, PromoterNum, CategoryNum, EdgeId, WorkerId, Instant, Fen);

impl From<Code> for Param<'_> {
    fn from(value: Code) -> Self {
        Self::Int(value.0.cast_signed())
    }
}

impl From<Epoch> for Param<'_> {
    /// An epoch uses all 64 bits; the database keeps them as a signed integer.
    fn from(value: Epoch) -> Self {
        Self::Int(value.0.cast_signed())
    }
}
