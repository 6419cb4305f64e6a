//! What a notification of a shop platform comes to, in our words.

use super::amount::hundredths;
use super::source::{ProductFrom, Shop};
use crate::api::ApiTime;
use crate::order_events::OrderEvent;
use attribution_core::ids::{BuyerId, IdError, LineId, OrderId, ProductId};
use serde_json::Value;

/// What a notification means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mapped {
    /// These events, in this order. A `created` is the platform's picture of the order at that moment: it counts only
    /// while the order is not there.
    Events(Vec<OrderEvent>),
    /// Nothing that concerns us, and why.
    Ignored(String),
}

/// A notification that should mean something, and does not say what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {what}")]
pub(super) struct Unmappable {
    /// Where in the notification, as a JSON pointer.
    pub(super) pointer: String,
    /// What is wrong there.
    pub(super) what: String,
}

pub(super) fn unmappable(pointer: &str, what: impl Into<String>) -> Unmappable {
    Unmappable { pointer: pointer.to_owned(), what: what.into() }
}

/// A part of a notification, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<'v> {
    pub(super) value: &'v Value,
    pub(super) pointer: String,
}

impl<'v> At<'v> {
    pub(super) fn root(value: &'v Value) -> Self {
        Self { value, pointer: String::new() }
    }

    /// A member; null if it is not there.
    pub(super) fn get(&self, name: &str) -> Self {
        Self {
            value: self.value.get(name).unwrap_or(&Value::Null),
            pointer: format!("{}/{name}", self.pointer),
        }
    }

    /// The entries of a list; none if it is no list.
    pub(super) fn items(&self) -> Vec<Self> {
        let entries = self.value.as_array().into_iter().flatten().enumerate();
        entries.map(|(i, value)| Self { value, pointer: format!("{}/{i}", self.pointer) }).collect()
    }

    pub(super) fn wrong(&self, what: impl Into<String>) -> Unmappable {
        unmappable(&self.pointer, what)
    }

    /// Text, or a whole number as text: platforms write their ids both ways. Empty text and 0 are nothing.
    pub(super) fn id(&self) -> Option<String> {
        match self.value {
            Value::String(text) if !text.trim().is_empty() && text.trim() != "0" => {
                Some(text.trim().to_owned())
            }
            Value::Number(number) if number.is_u64() && number.as_u64() != Some(0) => {
                Some(number.to_string())
            }
            _ => None,
        }
    }

    pub(super) fn required_id(&self) -> Result<String, Unmappable> {
        self.id().ok_or_else(|| self.wrong("an id is missing here"))
    }

    pub(super) fn text(&self) -> &'v str {
        self.value.as_str().unwrap_or_default()
    }

    pub(super) fn fen(&self) -> Result<i64, Unmappable> {
        hundredths(self.value).map_err(|error| self.wrong(error.to_string()))
    }

    pub(super) fn order(&self) -> Result<OrderId, Unmappable> {
        OrderId::new(self.required_id()?).map_err(|error| self.unfit(&error))
    }

    pub(super) fn line(&self) -> Result<LineId, Unmappable> {
        LineId::new(self.required_id()?).map_err(|error| self.unfit(&error))
    }

    /// RFC 3339, with its offset.
    pub(super) fn timestamp(&self) -> Result<ApiTime, Unmappable> {
        match self.text().parse::<jiff::Timestamp>() {
            Ok(at) => Ok(attribution_core::time::Instant(at.as_millisecond()).into()),
            Err(_) => Err(self.wrong("a time such as 2026-11-11T20:00:00+08:00 is missing here")),
        }
    }

    fn unfit(&self, error: &IdError) -> Unmappable {
        self.wrong(error.to_string())
    }
}

/// The product's id in our catalogue: the platform's number or the merchant's own code, with the source's prefix.
pub(super) fn product(shop: &Shop, number: &At<'_>, code: &At<'_>) -> Result<ProductId, Unmappable> {
    let from = match shop.settings.product_from {
        ProductFrom::Number => number,
        ProductFrom::Code => code,
    };
    let id = from.id().ok_or_else(|| from.wrong("the product is not named here"))?;
    ProductId::new(format!("{}{id}", shop.settings.product_prefix)).map_err(|error| from.unfit(&error))
}

/// The buyer; an order of nobody known has a buyer of its own.
pub(super) fn buyer(known: Option<String>, order: &OrderId) -> Result<BuyerId, Unmappable> {
    let id = known.unwrap_or_else(|| format!("guest-{order}"));
    BuyerId::new(id).map_err(|error| unmappable("", format!("the buyer's id: {error}")))
}
