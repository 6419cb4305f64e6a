//! Text that is stored for a type: an id, a name, or JSON.

use super::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// A stored text that must read as `T`.
pub(crate) fn read<T: FromStr>(what: &'static str, text: &str) -> Result<T, StoreError>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(StoreError::corrupt(what))
}

/// A stored text that must be the JSON of a `T`.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt(what))
}

/// As [`from_json`] reads it.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::corrupt("value to be stored"))
}
