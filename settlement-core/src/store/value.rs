//! What goes into and comes out of a statement: integers, text, bytes and nothing else.
//!
//! Instants are milliseconds, money is fen, JSON is text: a value means the same on both databases.

use super::StoreError;
use attribution_core::click::{ClickId, EdgeId, Epoch, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{CategoryNum, PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// A parameter of a statement, borrowed.
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

/// A value of a row, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// One row of an answer; columns are read by their position in the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    fn wrong(&self, column: usize, wanted: &'static str) -> StoreError {
        let found = match self.0.get(column) {
            None => "no such column",
            Some(Value::Null) => "NULL",
            Some(Value::Int(_)) => "an integer",
            Some(Value::Text(_)) => "text",
            Some(Value::Blob(_)) => "bytes",
        };
        StoreError::Column { column, wanted, found }
    }

    fn present(&self, column: usize) -> Option<&Value> {
        self.0.get(column).filter(|value| **value != Value::Null)
    }

    /// An integer.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            _ => Err(self.wrong(column, "an integer")),
        }
    }

    /// An integer or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.present(column).map(|_| self.int(column)).transpose()
    }

    /// Text.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value),
            _ => Err(self.wrong(column, "text")),
        }
    }

    /// Text or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.present(column).map(|_| self.text(column)).transpose()
    }

    /// Bytes.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Blob(value)) => Ok(value),
            _ => Err(self.wrong(column, "bytes")),
        }
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        self.present(column).map(|_| self.blob(column)).transpose()
    }

    /// Sixteen bytes: a click's or a visitor's id.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn id16(&self, column: usize) -> Result<[u8; 16], StoreError> {
        self.blob(column)?.try_into().map_err(|_| self.wrong(column, "sixteen bytes"))
    }

    /// Sixteen bytes or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_id16(&self, column: usize) -> Result<Option<[u8; 16]>, StoreError> {
        self.present(column).map(|_| self.id16(column)).transpose()
    }

    /// An integer as a yes or no.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.int(column).map(|value| value != 0)
    }

    /// A 32-bit number, as the catalogue gives them.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn num(&self, column: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(column)?).map_err(|_| self.wrong(column, "a 32-bit number"))
    }

    /// A 32-bit number or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_num(&self, column: usize) -> Result<Option<u32>, StoreError> {
        self.present(column).map(|_| self.num(column)).transpose()
    }

    /// A count, never negative.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn count(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| self.wrong(column, "a count"))
    }

    /// An instant.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn instant(&self, column: usize) -> Result<Instant, StoreError> {
        self.int(column).map(Instant)
    }

    /// An instant or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_instant(&self, column: usize) -> Result<Option<Instant>, StoreError> {
        Ok(self.opt_int(column)?.map(Instant))
    }
}
