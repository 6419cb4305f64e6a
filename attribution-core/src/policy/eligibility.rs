//! Who and what may take part in a programme.

use serde::{Deserialize, Serialize};

/// Demands on merchants and products that are sourced for channels outside the platform. Scores are in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcingRules {
    /// The merchant's level (L2 is 2).
    pub min_merchant_level: u8,
    /// Products with one-piece, shipping-included dropshipping.
    pub min_dropship_products: u32,
    /// 服务星级.
    pub min_service_tenths: u8,
    /// 物流体验分.
    pub min_logistics_tenths: u8,
    /// 商品体验分.
    pub min_product_tenths: u8,
    /// 商品成长分.
    pub min_growth_score: u32,
    /// Market stock of each enrolled SKU.
    pub min_stock: u32,
    /// The channel's price must be below this percentage of the market price.
    pub below_market_percent: u8,
    /// The channel's price must be below the 30-day low, not only at most equal.
    pub strict_low30: bool,
    /// An audit normally takes so many workdays.
    pub audit_workdays: u8,
    /// And at most so many.
    pub audit_workdays_max: u8,
}

impl Default for SourcingRules {
    fn default() -> Self {
        Self {
            min_merchant_level: 2,
            min_dropship_products: 1,
            min_service_tenths: 35,
            min_logistics_tenths: 30,
            min_product_tenths: 20,
            min_growth_score: 60,
            min_stock: 200,
            below_market_percent: 90,
            strict_low30: false,
            audit_workdays: 3,
            audit_workdays_max: 7,
        }
    }
}

/// Who and what may take part?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EligibilityPolicy {
    /// The promoter is a registered, real-name-verified member.
    pub verified_member: bool,
    /// And has bound a real-name-verified account for payouts: asked for before a link, and before every payout.
    pub verified_payout_account: bool,
    /// A link needs a media placement (推广位): by it the promoter chooses the programme. Always on where clicks
    /// decide.
    pub placement: bool,
    /// Demands on merchants and products for channels outside the platform.
    pub sourcing: Option<SourcingRules>,
}

impl Default for EligibilityPolicy {
    fn default() -> Self {
        Self { verified_member: false, verified_payout_account: false, placement: true, sourcing: None }
    }
}
