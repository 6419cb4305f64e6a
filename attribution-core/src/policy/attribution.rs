//! Whose order is it: the parameters of the one fold, and what surrounds it.
//!
//! Last click is a binding without protection whose window each click refreshes; only parameters differ.

pub use crate::catalogue::Rebind;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// How a promoter comes to own an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// The last eligible click before the order; that click is what the order shows.
    #[default]
    LastClick,
    /// A relation made by a click; the click that made it is what the order shows.
    Binding,
    /// The order itself names its channel.
    Declared,
}

/// Within what a click counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For the product clicked.
    Product,
    /// For everything of the shop.
    #[default]
    Shop,
    /// For everything on the platform.
    Platform,
    /// The product's own clicks come first, then those of its shop.
    ProductThenShop,
}

/// How long a relation lasts. Windows are half-open and measured in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// For good.
    Permanent,
    /// So long after the owner's last click.
    FromLastClick(Span),
    /// So long after the (re)binding.
    FromBind(Span),
    /// Until the link that was clicked stops; a relation made by a QR code goes on.
    UntilLinkExpiry,
}

impl Default for Validity {
    fn default() -> Self {
        Self::FromLastClick(Span::days(15))
    }
}

/// A promoter buys through their own link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfPurchase {
    /// It counts like any other click.
    #[default]
    Allow,
    /// The click does not enter the chain: an earlier promoter stays last.
    Ignore,
    /// It owns the order, and the order earns nothing.
    Deny,
}

/// The merchant withdrew the promotion between the click and the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPromoWithdrawn {
    /// The click still pays, at the last rate in force.
    #[default]
    GrandfatherClick,
    /// No commission.
    CheckAtOrder,
}

/// The owner was disabled between the click and the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPromoterDisabled {
    /// No commission, and no earlier promoter takes the order instead.
    #[default]
    NoCommission,
}

/// Which event is "the order" for windows and the owner's state. Bans, rates and classes always go by its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEvent {
    /// Its creation.
    #[default]
    Created,
    /// Its payment.
    Paid,
}

/// What a coupon that belongs to one promoter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CouponOverride {
    /// Nothing.
    #[default]
    Off,
    /// Its promoter gets the order, whatever the clicks.
    ExclusiveCodeWins,
}

/// Which clicks are a buyer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityRule {
    /// Clicks on any device while logged in to the account.
    pub account: bool,
    /// Clicks before a login count at most so far back.
    pub device_ttl: Span,
    /// They do not reach behind an earlier account of the same device.
    pub stop_at_account_switch: bool,
    /// Guessing by address and agent. Always off: it is here so that a policy can say so.
    pub probabilistic: bool,
}

impl Default for IdentityRule {
    fn default() -> Self {
        Self { account: true, device_ttl: Span::days(90), stop_at_account_switch: true, probabilistic: false }
    }
}

/// Links that lead to no product (a shop, a page, a live room, a video) where they last differently from product links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentWindow {
    /// So long, counted as the policy's own validity is.
    pub validity: Span,
    /// An order of the buyer prolongs the relation to at least so long after it.
    #[serde(default)]
    pub extend_on_order: Option<Span>,
}

/// Whose order is it?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributionPolicy {
    /// Last click, binding, or declared by the order.
    pub model: Model,
    /// Within what a click counts.
    pub scope: Scope,
    /// How long a relation lasts.
    pub validity: Validity,
    /// Links that lead to no product, where they last differently.
    pub content: Option<ContentWindow>,
    /// An order of the buyer prolongs the relation to at least so long after it.
    pub extend_on_order: Option<Span>,
    /// An order of the buyer ends the relation for later orders.
    pub close_on_order: bool,
    /// For so long after the (re)binding another promoter's click changes nothing; not refreshed by own clicks.
    pub protection: Span,
    /// May another promoter's click take over?
    pub rebind: Rebind,
    /// A link lives so long after it was shared; QR codes do not age.
    pub link_ttl: Option<Span>,
    /// Only links converted through the alliance count.
    pub require_converted_link: bool,
    /// Only links shared under the salesperson's badge count.
    pub require_badge: bool,
    /// Only clicks that a person's gesture may have made count. Pages that forward by script, as some short-link
    /// services do, lose theirs: see the decision record on clicks without a gesture before turning it on.
    pub require_user_activation: bool,
    /// A promoter buys through their own link.
    pub self_purchase: SelfPurchase,
    /// The promotion was withdrawn between click and order.
    pub on_promo_withdrawn: OnPromoWithdrawn,
    /// The owner was disabled between click and order.
    pub on_promoter_disabled: OnPromoterDisabled,
    /// Which event is "the order".
    pub order_event: OrderEvent,
    /// Which clicks are a buyer's.
    pub identity: IdentityRule,
    /// What an exclusive coupon does.
    pub coupon: CouponOverride,
    /// Banners seen but not clicked. Always off: it is here so that a policy can say so.
    pub view_through: bool,
    /// For so long after the order a click that arrives late still re-decides it.
    pub late_click_grace: Span,
    /// A click whose token is on the order may be later than the order by so much.
    pub max_token_skew: Span,
    /// Finality waits at most so long after the order for edges that have not delivered their clicks.
    pub edge_hold: Span,
}

impl Default for AttributionPolicy {
    fn default() -> Self {
        Self {
            model: Model::default(),
            scope: Scope::default(),
            validity: Validity::default(),
            content: None,
            extend_on_order: None,
            close_on_order: false,
            protection: Span::ZERO,
            rebind: Rebind::default(),
            link_ttl: None,
            require_converted_link: false,
            require_badge: false,
            require_user_activation: false,
            self_purchase: SelfPurchase::default(),
            on_promo_withdrawn: OnPromoWithdrawn::default(),
            on_promoter_disabled: OnPromoterDisabled::default(),
            order_event: OrderEvent::default(),
            identity: IdentityRule::default(),
            coupon: CouponOverride::default(),
            view_through: false,
            late_click_grace: Span::hours(72),
            max_token_skew: Span::seconds(5),
            edge_hold: Span::days(7),
        }
    }
}
