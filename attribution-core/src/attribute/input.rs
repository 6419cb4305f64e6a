//! What a decision looks at: the order line and the facts around it. Everything is data; whoever asks looks it up.

use super::EdgesCaughtUp;
use crate::click::ClickId;
use crate::commission::class::History;
use crate::commission::rate::TargetedPlan;
use crate::fold::{Click, PriorOrder};
use crate::ids::{
    AgencyId, CategoryId, ChannelId, LineId, MerchantId, OrderId, PlatformId, ProductId, PromoterId,
};
use crate::money::Fen;
use crate::policy::commission::Rate;
use crate::policy::settlement::PayMethod;
use crate::policy::{BanRule, PolicyVersion};
use crate::time::{Instant, Period};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A coupon on the order that belongs to one promoter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusiveCoupon {
    /// Its code.
    pub code: String,
    /// Whose it is.
    pub promoter: PromoterId,
}

/// One order line (子订单) as the order feed tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The platform.
    pub platform: PlatformId,
    /// The order.
    pub order: OrderId,
    /// The line.
    pub line: LineId,
    /// The shop.
    pub merchant: MerchantId,
    /// The product.
    pub product: Option<ProductId>,
    /// Its category and that one's ancestors, narrowest first.
    pub categories: Vec<CategoryId>,
    /// When it was created.
    pub created: Instant,
    /// When it was paid.
    pub paid: Option<Instant>,
    /// How it was or will be paid, if known.
    pub method: Option<PayMethod>,
    /// The goods' amount without freight, as paid or to be paid, refunds already taken off.
    pub base: Fen,
    /// An exclusive coupon on it.
    pub coupon: Option<ExclusiveCoupon>,
    /// The channel it names.
    pub channel: Option<ChannelId>,
    /// The click whose token is on it.
    pub token: Option<ClickId>,
}

/// A promoter, as far as orders care.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromoterState {
    /// When the promoter was disabled.
    pub disabled: Vec<Period>,
    /// The agency, from when on its contract counts.
    pub agency: Option<(AgencyId, Instant)>,
    /// From when on a contract counts whose agency cannot be named: what is stored of it is no id.
    #[serde(default)]
    pub unnamed_agency: Option<Instant>,
}

/// A click is one person's, and its token is with the browser that made it. A family may share a device; a token that so many
/// others have brought was handed around, as by a promoter who spreads the shop's address with it in the place of a link.
pub const SHARED_BY: u32 = 3;

/// What the decision looks at beside the order line. Everything is data; whoever asks looks it up.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The buyer's clicks in the programme, judged, in any order.
    pub clicks: &'a [Click],
    /// The buyer's other order lines; needed only where orders close or prolong a relation.
    pub prior_orders: &'a [PriorOrder],
    /// Promoters that are the buyer in person.
    pub own_promoters: &'a BTreeSet<PromoterId>,
    /// The buyer's history at the shop.
    pub history: History,
    /// Merchants' rates beside the policy's own, in the order in which they were said.
    pub rates: &'a [Rate],
    /// Targeted plans that concern the goods.
    pub plans: &'a [TargetedPlan],
    /// Bans beside the policy's own.
    pub bans: &'a [BanRule],
    /// The promoters of the clicks (and of the coupon); one that is missing is in good standing.
    pub promoters: &'a BTreeMap<PromoterId, PromoterState>,
    /// When the promotion of these goods was cancelled.
    pub withdrawn: &'a [Period],
    /// Every version of the programme's rules; needed only where a promotion was cancelled.
    pub versions: &'a [&'a PolicyVersion],
    /// Clicks whose tokens are on this order and came with orders of [`SHARED_BY`] other buyers before it.
    pub shared: &'a BTreeSet<ClickId>,
    /// When the line settled.
    pub settled: Option<Instant>,
    /// Whether all edges have delivered what they recorded before the order.
    pub edges: EdgesCaughtUp,
    /// Now.
    pub now: Instant,
}
