//! Order events as a platform reports them: what may be in them, and what makes two of them the same.
//!
//! The natural key of an event is (platform, order, type, number of the refund or parcel). Everything else in it, except `updated_at`, is
//! its contents: a second event with the same key and the same contents is a repeat, with other contents it is a
//! contradiction that a person must look at. [`log`] keeps the events of an order, and [`state`] says how the order stands by
//! them.

mod check;
pub(crate) mod log;
mod parts;
mod read;
pub(crate) mod state;
#[cfg(test)]
mod tests;

pub use check::{AMOUNT_MAX_FEN, CURRENCY, EventError, LINES_MAX, TOKENS_MAX};
pub use parts::{Completed, Created, Declared, Line, LineAmount, Paid, RefundStep, Refunded, Shipped, Step};

use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderEvent {
    /// The buyer placed the order. Attribution, customer class and rate are decided at its time.
    Created(Created),
    /// The buyer paid: the expected commission is computed (预估).
    Paid(Paid),
    /// A parcel left. Without a confirmation the timer runs from the last one.
    Shipped(Shipped),
    /// The trade succeeded (交易成功): the commission matures.
    Completed(Completed),
    /// A refund was asked for. Until it succeeds or is refused, the timer from the last parcel stands still.
    RefundAsked(RefundStep),
    /// A refund that was asked for was refused, or the buyer took the wish back.
    RefundRefused(RefundStep),
    /// A refund succeeded.
    Refunded(Refunded),
    /// The order was closed without success: unpaid timeout, cancelled, wholly refunded.
    Closed(Step),
}

/// The natural key of an event. While nobody knows whose order it is, each sender has events of its own under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The platform.
    pub platform: PlatformId,
    /// The order.
    pub order: OrderId,
    /// The event's type.
    pub kind: &'static str,
    /// The refund's or the parcel's own number; empty for events that are about neither, and for an order's only parcel.
    pub number: String,
}

impl OrderEvent {
    /// The natural key.
    pub fn key(&self) -> EventKey {
        let (platform, order) = match self {
            Self::Created(e) => (&e.platform, &e.order),
            Self::Paid(e) => (&e.platform, &e.order),
            Self::RefundAsked(e) | Self::RefundRefused(e) => (&e.platform, &e.order),
            Self::Refunded(e) => (&e.platform, &e.order),
            Self::Completed(e) => (&e.platform, &e.order),
            Self::Shipped(e) => (&e.platform, &e.order),
            Self::Closed(e) => (&e.platform, &e.order),
        };
        let number = self.number().to_owned();
        EventKey { platform: platform.clone(), order: order.clone(), kind: self.kind(), number }
    }

    /// See [`EventKey::number`].
    pub fn number(&self) -> &str {
        match self {
            Self::RefundAsked(e) | Self::RefundRefused(e) => &e.refund_id,
            Self::Refunded(e) => &e.refund_id,
            Self::Shipped(e) => e.parcel.as_deref().unwrap_or_default(),
            _ => "",
        }
    }

    /// The type's name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Paid(_) => "paid",
            Self::Shipped(_) => "shipped",
            Self::Completed(_) => "completed",
            Self::RefundAsked(_) => "refund_asked",
            Self::RefundRefused(_) => "refund_refused",
            Self::Refunded(_) => "refunded",
            Self::Closed(_) => "closed",
        }
    }

    /// When it happened.
    pub const fn at(&self) -> Instant {
        match self {
            Self::Created(e) => e.at.instant(),
            Self::Paid(e) => e.at.instant(),
            Self::RefundAsked(e) | Self::RefundRefused(e) => e.at.instant(),
            Self::Refunded(e) => e.at.instant(),
            Self::Completed(e) => e.succeeded(),
            Self::Shipped(e) => e.at.instant(),
            Self::Closed(e) => e.at.instant(),
        }
    }

    /// The contents in one fixed spelling: equal texts are equal events.
    pub fn contents(&self) -> String {
        let mut event = self.clone();
        // Saying what is meant anyway changes nothing.
        let meant = |currency: &mut Option<String>| {
            if currency.as_deref() == Some(CURRENCY) {
                *currency = None;
            }
        };
        match &mut event {
            Self::Created(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::Paid(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::Refunded(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::RefundAsked(e) | Self::RefundRefused(e) => e.updated_at = None,
            Self::Completed(e) => e.updated_at = None,
            Self::Shipped(e) => e.updated_at = None,
            Self::Closed(e) => e.updated_at = None,
        }
        serde_json::to_string(&event).unwrap_or_else(|_| unreachable!("plain data always serialises"))
    }
}
