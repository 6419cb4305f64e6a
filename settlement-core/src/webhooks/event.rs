//! What is told, under fixed names.

use attribution_core::ids::{MerchantId, PromoterId};
use attribution_core::time::Instant;
use serde_json::{Value, json};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A line of an order has a new owner.
    OrderAttributed,
    /// A line of an order is no longer the former owner's.
    OrderSuperseded,
    /// The merchant was debited, and the commission is earned.
    CommissionSettled,
    /// A refund took settled commission back.
    CommissionClawedBack,
    /// A payout arrived.
    PayoutPaid,
    /// A payout could not be made or came back.
    PayoutFailed,
    /// A product's promotion was cancelled: its links end.
    ProductPromotionCancelled,
    /// A link's time is over.
    LinkExpired,
    /// A person must look at something.
    ReviewOpened,
    /// Another endpoint of the same owner was disabled.
    WebhookDisabled,
    /// Sent by hand, to see that it arrives.
    WebhookTest,
}

impl EventKind {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::OrderAttributed,
        Self::OrderSuperseded,
        Self::CommissionSettled,
        Self::CommissionClawedBack,
        Self::PayoutPaid,
        Self::PayoutFailed,
        Self::ProductPromotionCancelled,
        Self::LinkExpired,
        Self::ReviewOpened,
        Self::WebhookDisabled,
        Self::WebhookTest,
    ];

    /// The fixed name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OrderAttributed => "order.attributed",
            Self::OrderSuperseded => "order.superseded",
            Self::CommissionSettled => "commission.settled",
            Self::CommissionClawedBack => "commission.clawed_back",
            Self::PayoutPaid => "payout.paid",
            Self::PayoutFailed => "payout.failed",
            Self::ProductPromotionCancelled => "product.promotion_cancelled",
            Self::LinkExpired => "link.expired",
            Self::ReviewOpened => "review.opened",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookTest => "webhook.test",
        }
    }
}

/// Whose endpoints hear of it. As text it is `merchant/m1`, like payees in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn merchant(id: &MerchantId) -> Self {
        Self(format!("merchant/{id}"))
    }

    pub(crate) fn promoter(id: &PromoterId) -> Self {
        Self(format!("promoter/{id}"))
    }

    pub(crate) fn agency(id: &str) -> Self {
        Self(format!("agency/{id}"))
    }

    /// As the books write payees: `promoter/ID`, `agency/ID`.
    pub(crate) fn payee(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The body that is sent: the convention's `type`, `timestamp` and `data`.
pub(super) fn payload(kind: EventKind, data: &Value, now: Instant) -> String {
    let at = jiff::Timestamp::from_millisecond(now.millis()).map(|at| format!("{at:.3}")).unwrap_or_default();
    json!({"type": kind.name(), "timestamp": at, "data": data}).to_string()
}
