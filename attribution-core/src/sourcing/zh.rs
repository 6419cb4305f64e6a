//! Refusals in Chinese; in English they say themselves.

use super::{Refusal, SkuRefusal};

/// A score in tenths as people write it: `3.5`.
fn score(tenths: u8) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

impl Refusal {
    /// In Chinese.
    pub fn zh(&self) -> String {
        match *self {
            Self::MerchantBusiness => "商家主营不是消费品或工业品".to_owned(),
            Self::MerchantLevel { is, min } => format!("商家等级为L{is},须不低于L{min}"),
            Self::DropshipProducts { is, min } => format!("一件代发包邮商品{is}个,须不少于{min}个"),
            Self::ServiceScore { is, min } => format!("服务星级{},须不低于{}", score(is), score(min)),
            Self::LogisticsScore { is, min } => format!("物流体验分{},须不低于{}", score(is), score(min)),
            Self::ProductScore { is, min } => format!("商品体验分{},须不低于{}", score(is), score(min)),
            Self::MerchantRisk => "商家风险指标异常".to_owned(),
            Self::ProductKind => "商品不是消费品或工业品".to_owned(),
            Self::NoDropship => "商品不支持一件代发包邮".to_owned(),
            Self::NoSevenDayReturns => "商品不支持7天无理由退货".to_owned(),
            Self::NoShipPromise => "商品没有24小时或48小时发货承诺".to_owned(),
            Self::GrowthScore { is, min } => format!("商品成长分{is},须不低于{min}"),
            Self::ProductRisk => "商品风险指标异常".to_owned(),
            Self::GroupPurchase => "商品正在参加伙拼团".to_owned(),
        }
    }
}

impl SkuRefusal {
    /// In Chinese.
    pub fn zh(&self) -> String {
        match *self {
            Self::NoPrice { price } => format!("渠道价¥{price}须大于零"),
            Self::AboveLow { price, low } => format!("渠道价¥{price}未达到近30天最低成交价¥{low}的要求"),
            Self::AboveMarket { price, market, percent } => {
                format!("渠道价¥{price}须低于市场价¥{market}的{percent}%")
            }
            Self::Stock { is, min } => format!("库存{is},须不少于{min}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Fen;

    #[test]
    fn scores_and_prices_are_written_as_people_write_them() {
        assert_eq!(Refusal::ServiceScore { is: 34, min: 35 }.zh(), "服务星级3.4,须不低于3.5");
        assert_eq!(Refusal::MerchantLevel { is: 1, min: 2 }.zh(), "商家等级为L1,须不低于L2");
        let above = SkuRefusal::AboveLow { price: Fen(8_501), low: Fen(8_500) };
        assert_eq!(above.zh(), "渠道价¥85.01未达到近30天最低成交价¥85.00的要求");
        let market = SkuRefusal::AboveMarket { price: Fen(8_100), market: Fen(9_000), percent: 90 };
        assert_eq!(market.zh(), "渠道价¥81.00须低于市场价¥90.00的90%");
    }
}
