//! What order events carry.

use crate::api::time::ApiTime;
use attribution_core::dispute::CreditPart;
use attribution_core::ids::{BuyerId, LineId, MerchantId, OrderId, PlatformId, ProductId};
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    /// The platform that numbers orders and buyers.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order's number on that platform.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When the order was placed.
    pub at: ApiTime,
    /// The shop it was placed at.
    #[schema(value_type = String, example = "shop-1688")]
    pub merchant: MerchantId,
    /// The buyer's account.
    #[schema(value_type = String, example = "buyer-7")]
    pub buyer: BuyerId,
    /// How the buyer pays, if known already: `wechat_own` (微信支付-自有), `wechat_consignment` (微信支付-代销),
    /// `bank_card`, `alipay`, `cash_on_delivery` (货到付款) or `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "wechat_consignment")]
    pub payment_method: Option<PayMethod>,
    /// Click tokens (`yk_click`) that the shop kept and sends back: each adds its click and joins its visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub click_tokens: Vec<String>,
    /// The channel and distributor the order itself names, for programmes that attribute by declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declared>,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// An exclusive coupon code used with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// The lines (子订单), at least one.
    pub lines: Vec<Line>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// One line (子订单): attribution, commission and refunds are per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number within the order.
    #[schema(value_type = String, example = "1")]
    pub line: LineId,
    /// What was bought.
    #[schema(value_type = String, example = "cup-316")]
    pub product: ProductId,
    /// Which of the product's SKUs, if the platform tells: from these sales a SKU's 30-day low is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cup-316-red")]
    pub sku: Option<String>,
    /// Goods amount in fen, freight excluded.
    #[schema(minimum = 0, example = 10_000)]
    pub amount_fen: i64,
    /// Pieces.
    #[serde(default = "one")]
    #[schema(minimum = 1, default = 1)]
    pub quantity: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the serialiser asks with a reference")]
fn is_not(flag: &bool) -> bool {
    !*flag
}

fn one() -> u32 {
    1
}

/// Who brought the order, in the order's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The distributor: a promoter's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distributor: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Paid {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When the payment succeeded.
    pub at: ApiTime,
    /// How the buyer paid; replaces what `created` said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "wechat_consignment")]
    pub payment_method: Option<PayMethod>,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What was paid for lines whose paid amount differs from `created`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineAmount>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// An amount for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineAmount {
    /// The line.
    #[schema(value_type = String, example = "1")]
    pub line: LineId,
    /// Fen, freight excluded.
    #[schema(minimum = 0, example = 3_000)]
    pub amount_fen: i64,
}

/// A step that carries nothing but its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When it happened.
    pub at: ApiTime,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// The trade succeeded (交易成功): the buyer has confirmed the receipt, and the money has reached the seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completed {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When the buyer confirmed the receipt.
    pub at: ApiTime,
    /// When the money reached the seller, where that was later: the trade succeeded only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller_paid_at: Option<ApiTime>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// A parcel left. An order that leaves in one has no number for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shipped {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When it left.
    pub at: ApiTime,
    /// The parcel's own number, where an order leaves in several: each has an event of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "SF1234567890")]
    pub parcel: Option<String>,
    /// More parcels follow: until they have left no timer runs.
    #[serde(default, skip_serializing_if = "is_not")]
    pub more_to_come: bool,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

impl From<Step> for Shipped {
    fn from(Step { platform, order, at, updated_at }: Step) -> Self {
        Self { platform, order, at, parcel: None, more_to_come: false, updated_at }
    }
}

impl Completed {
    /// The later of the two.
    pub const fn succeeded(&self) -> Instant {
        let confirmed = self.at.instant();
        match self.seller_paid_at {
            Some(paid) if paid.instant().0 > confirmed.0 => paid.instant(),
            _ => confirmed,
        }
    }
}

impl From<Step> for Completed {
    fn from(Step { platform, order, at, updated_at }: Step) -> Self {
        Self { platform, order, at, seller_paid_at: None, updated_at }
    }
}

/// A step on the way to a refund, which moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundStep {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// The refund's own number, the one that its success will bear.
    #[schema(example = "refund-1")]
    pub refund_id: String,
    /// When it happened.
    pub at: ApiTime,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// A refund that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refunded {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// The refund's own number.
    #[schema(example = "refund-1")]
    pub refund_id: String,
    /// When the refund succeeded.
    pub at: ApiTime,
    /// When it was asked for, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_at: Option<ApiTime>,
    /// Of a shopping credit (购物金): `unused` credit, or credit `spent` on goods that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "spent")]
    pub credit_part: Option<CreditPart>,
    /// A special order, which batches of refund records leave out.
    #[serde(default, skip_serializing_if = "is_not")]
    pub special: bool,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What was refunded, by line.
    pub lines: Vec<LineAmount>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}
