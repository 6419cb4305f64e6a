//! Products as somebody who may promote them sees them: in the library and in the selection.

use crate::show::{rate, yuan};
use crate::texts::Texts;
use serde::Deserialize;

/// The API's product.
#[derive(Debug, Deserialize)]
pub(super) struct Offer {
    pub(super) id: String,
    merchant: String,
    merchant_name: String,
    title: String,
    price_fen: Option<i64>,
    category: Option<String>,
    #[serde(default)]
    invalid: bool,
    pub(super) reason: Option<String>,
    rate_bp: Option<u32>,
    commission_fen: Option<i64>,
    pub(super) programme: Option<String>,
}

/// A product on a page.
pub(super) struct Card {
    pub(super) id: String,
    pub(super) merchant: String,
    pub(super) shop: String,
    pub(super) title: String,
    pub(super) price: Option<String>,
    pub(super) category: Option<String>,
    /// 失效, and why.
    pub(super) dead: Option<String>,
    pub(super) rate: Option<String>,
    pub(super) earn: Option<String>,
    /// It can be promoted now.
    pub(super) live: bool,
}

/// Why a link or product does not earn, in words.
pub(super) fn dead_words<'t>(t: &'t Texts, reason: &'t str) -> &'t str {
    match reason {
        "promotion_cancelled" => &t.products.dead_cancelled,
        "product_delisted" => &t.products.dead_delisted,
        "category_banned" => &t.products.dead_banned,
        "link_expired" | "expired" => &t.products.dead_expired,
        "not_started" => &t.products.dead_not_started,
        "promoter_disabled" => &t.products.dead_disabled,
        _ => &t.products.dead_other,
    }
}

impl Card {
    pub(super) fn of(t: &Texts, offer: Offer) -> Self {
        let reason = offer.reason.as_deref();
        let dead = reason.map(|reason| dead_words(t, reason).to_owned());
        Self {
            dead: dead.or_else(|| offer.invalid.then(|| t.products.dead_other.clone())),
            live: !offer.invalid && offer.reason.is_none() && offer.programme.is_some(),
            price: offer.price_fen.map(yuan),
            rate: offer.rate_bp.map(rate),
            earn: offer.commission_fen.map(yuan),
            id: offer.id,
            merchant: offer.merchant,
            shop: offer.merchant_name,
            title: offer.title,
            category: offer.category,
        }
    }
}
