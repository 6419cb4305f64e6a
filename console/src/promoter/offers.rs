//! Products as somebody who may promote them sees them: in the library and in the selection.

use crate::show::{rate, yuan};
use crate::states;
use crate::who::SignedIn;
use serde::Deserialize;

/// The API's product.
#[derive(Debug, Deserialize)]
pub(super) struct Offer {
    pub(super) id: String,
    merchant: String,
    merchant_name: String,
    title: String,
    price_fen: Option<i64>,
    image_url: Option<String>,
    category: Option<String>,
    category_name: Option<String>,
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
    /// Its picture can be asked for.
    pub(super) has_picture: bool,
    pub(super) category: Option<String>,
    pub(super) category_name: Option<String>,
    /// 失效, and why.
    pub(super) dead: Option<String>,
    pub(super) rate: Option<String>,
    pub(super) earn: Option<String>,
    /// It can be promoted now.
    pub(super) live: bool,
}

impl Card {
    /// Stands where there is no picture.
    pub(super) fn initial(&self) -> String {
        self.title.chars().find(|c| c.is_alphanumeric()).map(String::from).unwrap_or_default()
    }

    pub(super) fn of(who: &SignedIn, offer: Offer) -> Self {
        let t = who.t();
        let suspended = who.suspended.map(|_| "promoter_disabled");
        let reason = suspended.or(offer.reason.as_deref());
        let dead = reason.map(|reason| states::dead(t, reason).to_owned());
        let dead = dead.or_else(|| offer.invalid.then(|| t.products.dead_other.clone()));
        // What nobody can promote earns nothing, whatever its rate would be.
        let alive = dead.is_none();
        Self {
            dead,
            live: alive && offer.programme.is_some(),
            price: offer.price_fen.map(yuan),
            has_picture: offer.image_url.is_some(),
            rate: offer.rate_bp.filter(|_| alive).map(rate),
            earn: offer.commission_fen.filter(|_| alive).map(yuan),
            id: offer.id,
            merchant: offer.merchant,
            shop: offer.merchant_name,
            title: offer.title,
            category: offer.category,
            category_name: offer.category_name,
        }
    }
}
