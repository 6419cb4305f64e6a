//! The demands on merchants and products.

use crate::policy::eligibility::SourcingRules;
use serde::{Deserialize, Serialize};

/// A merchant, as far as the gates care. Scores are in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MerchantFacts {
    /// The main business is consumer or industrial goods.
    pub consumer_or_industrial: bool,
    /// The level (L2 is 2).
    pub level: u8,
    /// Products with one-piece, shipping-included dropshipping (一件代发包邮).
    pub dropship_products: u32,
    /// 服务星级.
    pub service_tenths: u8,
    /// 物流体验分.
    pub logistics_tenths: u8,
    /// 商品体验分.
    pub product_tenths: u8,
    /// All other risk figures are in order.
    pub risk_ok: bool,
}

/// When the merchant promises to ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipPromise {
    /// Within 24 hours.
    Hours24,
    /// Within 48 hours.
    Hours48,
}

/// A product, as far as the gates care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductFacts {
    /// It is a consumer or industrial good.
    pub consumer_or_industrial: bool,
    /// One piece, shipping included (一件代发包邮).
    pub dropship_free_shipping: bool,
    /// Returns within seven days without a reason.
    pub seven_day_returns: bool,
    /// The shipping promise, if there is one.
    pub ships_within: Option<ShipPromise>,
    /// 商品成长分.
    pub growth_score: u32,
    /// All other risk figures are in order.
    pub risk_ok: bool,
    /// It takes part in a group purchase (伙拼团) at the same time.
    pub group_purchase: bool,
}

/// Why a merchant or product may not take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// The merchant's main business is something else.
    #[error("the merchant's main business is neither consumer nor industrial goods")]
    MerchantBusiness,
    /// The merchant's level is too low.
    #[error("the merchant's level is {is}, not at least {min}")]
    MerchantLevel {
        /// The level.
        is: u8,
        /// The least one.
        min: u8,
    },
    /// Too few products with one-piece dropshipping.
    #[error("the merchant has {is} products with one-piece dropshipping, not at least {min}")]
    DropshipProducts {
        /// So many.
        is: u32,
        /// The least number.
        min: u32,
    },
    /// 服务星级 too low.
    #[error("the service score is {is} tenths, not at least {min}")]
    ServiceScore {
        /// The score.
        is: u8,
        /// The least one.
        min: u8,
    },
    /// 物流体验分 too low.
    #[error("the logistics score is {is} tenths, not at least {min}")]
    LogisticsScore {
        /// The score.
        is: u8,
        /// The least one.
        min: u8,
    },
    /// 商品体验分 too low.
    #[error("the product experience score is {is} tenths, not at least {min}")]
    ProductScore {
        /// The score.
        is: u8,
        /// The least one.
        min: u8,
    },
    /// Another figure of the merchant shows a risk.
    #[error("a risk figure of the merchant is out of order")]
    MerchantRisk,
    /// The product is something else.
    #[error("the product is neither a consumer nor an industrial good")]
    ProductKind,
    /// No one-piece dropshipping with shipping included.
    #[error("the product is not sold one piece at a time with shipping included")]
    NoDropship,
    /// No returns within seven days.
    #[error("the product has no returns within seven days")]
    NoSevenDayReturns,
    /// No promise to ship within 24 or 48 hours.
    #[error("the product has no promise to ship within 24 or 48 hours")]
    NoShipPromise,
    /// 商品成长分 too low.
    #[error("the growth score is {is}, not at least {min}")]
    GrowthScore {
        /// The score.
        is: u32,
        /// The least one.
        min: u32,
    },
    /// Another figure of the product shows a risk.
    #[error("a risk figure of the product is out of order")]
    ProductRisk,
    /// It takes part in a group purchase.
    #[error("the product takes part in a group purchase at the same time")]
    GroupPurchase,
}

/// Why this merchant may not take part; nothing if it may.
pub fn merchant(rules: &SourcingRules, facts: &MerchantFacts) -> Vec<Refusal> {
    let MerchantFacts { level, dropship_products, service_tenths, logistics_tenths, product_tenths, .. } =
        *facts;
    let checks = [
        (facts.consumer_or_industrial, Refusal::MerchantBusiness),
        (
            level >= rules.min_merchant_level,
            Refusal::MerchantLevel { is: level, min: rules.min_merchant_level },
        ),
        (
            dropship_products >= rules.min_dropship_products,
            Refusal::DropshipProducts { is: dropship_products, min: rules.min_dropship_products },
        ),
        (
            service_tenths >= rules.min_service_tenths,
            Refusal::ServiceScore { is: service_tenths, min: rules.min_service_tenths },
        ),
        (
            logistics_tenths >= rules.min_logistics_tenths,
            Refusal::LogisticsScore { is: logistics_tenths, min: rules.min_logistics_tenths },
        ),
        (
            product_tenths >= rules.min_product_tenths,
            Refusal::ProductScore { is: product_tenths, min: rules.min_product_tenths },
        ),
        (facts.risk_ok, Refusal::MerchantRisk),
    ];
    failed(&checks)
}

/// Why this product may not take part; nothing if it may.
pub fn product(rules: &SourcingRules, facts: &ProductFacts) -> Vec<Refusal> {
    let growth = facts.growth_score;
    let checks = [
        (facts.consumer_or_industrial, Refusal::ProductKind),
        (facts.dropship_free_shipping, Refusal::NoDropship),
        (facts.seven_day_returns, Refusal::NoSevenDayReturns),
        (facts.ships_within.is_some(), Refusal::NoShipPromise),
        (growth >= rules.min_growth_score, Refusal::GrowthScore { is: growth, min: rules.min_growth_score }),
        (facts.risk_ok, Refusal::ProductRisk),
        (!facts.group_purchase, Refusal::GroupPurchase),
    ];
    failed(&checks)
}

fn failed(checks: &[(bool, Refusal)]) -> Vec<Refusal> {
    checks.iter().filter(|(ok, _)| !ok).map(|(_, refusal)| *refusal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUST_ENOUGH: MerchantFacts = MerchantFacts {
        consumer_or_industrial: true,
        level: 2,
        dropship_products: 1,
        service_tenths: 35,
        logistics_tenths: 30,
        product_tenths: 20,
        risk_ok: true,
    };
    const GOOD: ProductFacts = ProductFacts {
        consumer_or_industrial: true,
        dropship_free_shipping: true,
        seven_day_returns: true,
        ships_within: Some(ShipPromise::Hours48),
        growth_score: 60,
        risk_ok: true,
        group_purchase: false,
    };

    #[test]
    fn a_merchant_one_step_below_any_demand_is_refused_for_it() {
        let rules = SourcingRules::default();
        assert_eq!(merchant(&rules, &JUST_ENOUGH), []);
        let rows = [
            (MerchantFacts { consumer_or_industrial: false, ..JUST_ENOUGH }, Refusal::MerchantBusiness),
            (MerchantFacts { level: 1, ..JUST_ENOUGH }, Refusal::MerchantLevel { is: 1, min: 2 }),
            (
                MerchantFacts { dropship_products: 0, ..JUST_ENOUGH },
                Refusal::DropshipProducts { is: 0, min: 1 },
            ),
            (MerchantFacts { service_tenths: 34, ..JUST_ENOUGH }, Refusal::ServiceScore { is: 34, min: 35 }),
            (
                MerchantFacts { logistics_tenths: 29, ..JUST_ENOUGH },
                Refusal::LogisticsScore { is: 29, min: 30 },
            ),
            (MerchantFacts { product_tenths: 19, ..JUST_ENOUGH }, Refusal::ProductScore { is: 19, min: 20 }),
            (MerchantFacts { risk_ok: false, ..JUST_ENOUGH }, Refusal::MerchantRisk),
        ];
        for (facts, expected) in rows {
            assert_eq!(merchant(&rules, &facts), [expected]);
        }
        let twice = MerchantFacts { level: 1, risk_ok: false, ..JUST_ENOUGH };
        assert_eq!(merchant(&rules, &twice).len(), 2, "every reason is named");
    }

    #[test]
    fn a_product_one_step_below_any_demand_is_refused_for_it() {
        let rules = SourcingRules::default();
        assert_eq!(product(&rules, &GOOD), []);
        assert_eq!(product(&rules, &ProductFacts { ships_within: Some(ShipPromise::Hours24), ..GOOD }), []);
        let rows = [
            (ProductFacts { consumer_or_industrial: false, ..GOOD }, Refusal::ProductKind),
            (ProductFacts { dropship_free_shipping: false, ..GOOD }, Refusal::NoDropship),
            (ProductFacts { seven_day_returns: false, ..GOOD }, Refusal::NoSevenDayReturns),
            (ProductFacts { ships_within: None, ..GOOD }, Refusal::NoShipPromise),
            (ProductFacts { growth_score: 59, ..GOOD }, Refusal::GrowthScore { is: 59, min: 60 }),
            (ProductFacts { risk_ok: false, ..GOOD }, Refusal::ProductRisk),
            (ProductFacts { group_purchase: true, ..GOOD }, Refusal::GroupPurchase),
        ];
        for (facts, expected) in rows {
            assert_eq!(product(&rules, &facts), [expected]);
        }
        assert_eq!(
            Refusal::MerchantLevel { is: 1, min: 2 }.to_string(),
            "the merchant's level is 1, not at least 2"
        );
    }
}
