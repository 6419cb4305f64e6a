//! Price and stock of one SKU. A product may enrol some of its SKUs; each stands for itself.

use crate::money::Fen;
use crate::policy::eligibility::SourcingRules;
use crate::time::{Instant, Period, SECOND_MS, Span};
use serde::{Deserialize, Serialize};

/// How far back the lowest deal is looked for.
const LOW_WINDOW: Span = Span::days(30);

/// One SKU that is to be enrolled. Prices are for one piece with shipping included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkuOffer {
    /// The channel's private price (私密价格).
    pub channel_price: Fen,
    /// The market's list price.
    pub market_price: Fen,
    /// The lowest deal of the last 30 days; none if there was no deal.
    #[serde(default)]
    pub low30: Option<Fen>,
    /// The market's stock.
    pub stock: u32,
}

/// Why a SKU may not be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SkuRefusal {
    /// A price of nothing or less.
    #[error("the channel price {price} is not above zero")]
    NoPrice {
        /// The price.
        price: Fen,
    },
    /// Above the lowest deal of the last 30 days, or not below it where that is asked for.
    #[error("the channel price {price} is not low enough for the 30-day low {low}")]
    AboveLow {
        /// The price.
        price: Fen,
        /// The lowest deal.
        low: Fen,
    },
    /// Not below the market price's percentage.
    #[error("the channel price {price} is not below {percent}% of the market price {market}")]
    AboveMarket {
        /// The price.
        price: Fen,
        /// The market's.
        market: Fen,
        /// The percentage.
        percent: u8,
    },
    /// Not enough stock.
    #[error("the stock is {is}, not at least {min}")]
    Stock {
        /// So many.
        is: u32,
        /// The least number.
        min: u32,
    },
}

/// What is said of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuVerdict {
    /// Why it may not be enrolled; nothing if it may.
    pub refusals: Vec<SkuRefusal>,
    /// There was no deal in 30 days to compare with: a person looks at the price.
    pub needs_review: bool,
}

/// Whether a SKU may be enrolled at its price.
pub fn sku(rules: &SourcingRules, offer: &SkuOffer) -> SkuVerdict {
    let SkuOffer { channel_price: price, market_price: market, low30, stock } = *offer;
    let mut refusals = Vec::new();
    if price <= Fen::ZERO {
        refusals.push(SkuRefusal::NoPrice { price });
    }
    if let Some(low) = low30
        && (price > low || (rules.strict_low30 && price == low))
    {
        refusals.push(SkuRefusal::AboveLow { price, low });
    }
    let percent = rules.below_market_percent;
    if i128::from(price.0) * 100 >= i128::from(market.0) * i128::from(percent) {
        refusals.push(SkuRefusal::AboveMarket { price, market, percent });
    }
    if stock < rules.min_stock {
        refusals.push(SkuRefusal::Stock { is: stock, min: rules.min_stock });
    }
    SkuVerdict { refusals, needs_review: low30.is_none() }
}

/// One deal of a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// When.
    pub at: Instant,
    /// At which price.
    pub price: Fen,
    /// Through a channel outside the platform: its private price does not count.
    #[serde(default)]
    pub channel: bool,
}

/// The instants whose deals count at `now`: a deal counts for 30 times 24 hours from its second on.
pub fn low_window(now: Instant) -> Period {
    let end = now.floor().plus(SECOND_MS);
    Period { from: end.plus(-LOW_WINDOW.millis()), to: Some(end) }
}

/// The lowest deal of the 30 days before `now`.
pub fn low30(deals: &[Deal], now: Instant) -> Option<Fen> {
    let window = low_window(now);
    let counts = |deal: &&Deal| !deal.channel && window.contains(deal.at);
    deals.iter().filter(counts).map(|deal| deal.price).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn the_price_is_at_most_the_low_and_below_nine_tenths_of_the_market() {
        let rules = SourcingRules::default();
        let strict = SourcingRules { strict_low30: true, ..rules };
        let low = |price, low| SkuRefusal::AboveLow { price: Fen(price), low: Fen(low) };
        let above =
            |price, market| SkuRefusal::AboveMarket { price: Fen(price), market: Fen(market), percent: 90 };
        // rules, 30-day low, market, price, refusals
        let rows = [
            (rules, Some(8_500), 10_000, 8_500, vec![]),
            (rules, Some(8_500), 10_000, 8_501, vec![low(8_501, 8_500)]),
            (strict, Some(8_500), 10_000, 8_500, vec![low(8_500, 8_500)]),
            (strict, Some(8_500), 10_000, 8_499, vec![]),
            (rules, Some(8_500), 9_000, 8_100, vec![above(8_100, 9_000)]),
            (rules, Some(8_500), 9_000, 8_099, vec![]),
            (rules, Some(8_500), 9_001, 8_100, vec![]), // 8100.9 is 90 %
            (rules, Some(8_000), 9_000, 8_500, vec![low(8_500, 8_000), above(8_500, 9_000)]),
            (rules, None, 9_000, 8_099, vec![]),
            (rules, None, 9_000, 8_100, vec![above(8_100, 9_000)]),
            (rules, None, i64::MAX, i64::MAX, vec![above(i64::MAX, i64::MAX)]),
            (rules, None, 9_000, 0, vec![SkuRefusal::NoPrice { price: Fen(0) }]),
        ];
        for (rules, low30, market, price, expected) in rows {
            let offer = SkuOffer {
                channel_price: Fen(price),
                market_price: Fen(market),
                low30: low30.map(Fen),
                stock: 200,
            };
            let verdict = sku(&rules, &offer);
            assert_eq!(verdict.refusals, expected, "{price} against {low30:?} and {market}");
            assert_eq!(verdict.needs_review, low30.is_none());
        }
    }

    #[test]
    fn each_sku_needs_its_own_stock() {
        let offer = |stock| SkuOffer {
            channel_price: Fen(5_000),
            market_price: Fen(10_000),
            low30: Some(Fen(8_000)),
            stock,
        };
        let verdicts = [200, 199].map(|stock| sku(&SourcingRules::default(), &offer(stock)).refusals);
        assert_eq!(verdicts, [vec![], vec![SkuRefusal::Stock { is: 199, min: 200 }]]);
    }

    #[test]
    fn the_low_is_that_of_thirty_days_without_the_channels() {
        let deal = |when: &str, price, channel| Deal { at: at(when), price: Fen(price), channel };
        let deals = [
            deal("06-01 10:00:00.500", 8_200, false),
            deal("06-10 00:00:00", 8_500, false),
            deal("06-11 00:00:00", 8_000, true),
            deal("07-05 00:00:00", 7_000, false), // later than now
        ];
        let rows = [
            ("06-20 00:00:00", Some(8_200)),
            ("07-01 09:59:59.999", Some(8_200)),
            ("07-01 10:00:00", Some(8_500)),
            ("05-01 00:00:00", None),
        ];
        for (now, expected) in rows {
            assert_eq!(low30(&deals, at(now)), expected.map(Fen), "{now}");
        }
    }
}
