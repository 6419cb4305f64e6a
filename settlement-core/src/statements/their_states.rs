//! How the platforms' reports name the state of an order, after their public documents, and which of our states that is.
//!
//! The same number means different things: 3 is settled at Taobao, audited at Pinduoduo and cancelled at JD. Whoever
//! sends a statement says whose it is. Our own names and the words that all platforms share are always understood.

use serde::Deserialize;
use utoipa::ToSchema;

/// Whose names a statement uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Dialect {
    /// `tk_status` of 淘宝联盟.
    #[default]
    Taobao,
    /// `validCode` of 京东联盟.
    Jd,
    /// `order_status` of 多多进宝.
    Pdd,
    /// `flow_point` of 抖音精选联盟.
    Douyin,
    /// `cpsOrderStatus` of 快手分销.
    Kuaishou,
}

/// Our states, by which every platform's are told.
type Names = [(&'static str, &'static [&'static str])];

const SHARED: &Names = &[
    ("tracked", &["tracked"]),
    ("expected", &["expected", "待结算"]),
    ("matured", &["matured"]),
    ("settled", &["settled", "已结算"]),
    ("invalid", &["invalid", "已失效"]),
    ("manual_required", &["manual_required"]),
];

impl Dialect {
    /// As it is asked for and kept.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Taobao => "taobao",
            Self::Jd => "jd",
            Self::Pdd => "pdd",
            Self::Douyin => "douyin",
            Self::Kuaishou => "kuaishou",
        }
    }

    /// Our state for a platform's name of one.
    pub(super) fn state(self, name: &str) -> Option<&'static str> {
        // JD gives each reason a number of its own and begins its words the same way.
        if self == Self::Jd && name.starts_with("无效") {
            return Some("invalid");
        }
        let mut all = SHARED.iter().chain(self.names());
        all.find(|(_, names)| names.contains(&name)).map(|(state, _)| *state)
    }

    const fn names(self) -> &'static Names {
        match self {
            Self::Taobao => &[
                ("tracked", &["11"]),
                ("expected", &["12"]),
                ("matured", &["14"]),
                ("settled", &["3"]),
                ("invalid", &["13"]),
            ],
            // 18 is no longer written; lines that are paid out stay at 17 and have a `payMonth`.
            Self::Jd => &[
                ("tracked", &["15", "待付款"]),
                ("expected", &["16", "已付款"]),
                ("matured", &["17", "已完成"]),
                ("settled", &["18"]),
                (
                    "invalid",
                    &["2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "20", "21"],
                ),
            ],
            Self::Pdd => &[
                ("tracked", &["-1", "未支付"]),
                ("expected", &["0", "1", "已支付", "已成团"]),
                ("matured", &["2", "3", "确认收货", "审核成功"]),
                ("settled", &["5", "已经结算"]),
                ("invalid", &["4", "8", "10", "审核失败", "非多多进宝商品", "已处罚"]),
            ],
            Self::Douyin => &[
                ("expected", &["PAY_SUCC", "支付完成"]),
                ("matured", &["CONFIRM", "确认收货"]),
                ("settled", &["SETTLE", "结算"]),
                ("invalid", &["REFUND", "退款"]),
            ],
            Self::Kuaishou => &[
                ("expected", &["30", "已付款"]),
                ("matured", &["50", "已收货"]),
                ("settled", &["60"]),
                ("invalid", &["80"]),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_what_its_platform_says() {
        let three = [Dialect::Taobao, Dialect::Jd, Dialect::Pdd, Dialect::Douyin, Dialect::Kuaishou]
            .map(|dialect| dialect.state("3"));
        assert_eq!(three, [Some("settled"), Some("invalid"), Some("matured"), None, None]);
        for (dialect, name, state) in [
            (Dialect::Jd, "无效-拆单", Some("invalid")),
            (Dialect::Jd, "-1", None),
            (Dialect::Pdd, "-1", Some("tracked")),
            (Dialect::Pdd, "已成团", Some("expected")),
            (Dialect::Douyin, "PAY_SUCC", Some("expected")),
            (Dialect::Kuaishou, "80", Some("invalid")),
            (Dialect::Kuaishou, "已结算", Some("settled")),
            (Dialect::Kuaishou, "matured", Some("matured")),
        ] {
            assert_eq!(dialect.state(name), state, "{dialect:?} {name}");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        let every = [Dialect::Taobao, Dialect::Jd, Dialect::Pdd, Dialect::Douyin, Dialect::Kuaishou];
        for dialect in every {
            let mut names: Vec<_> =
                SHARED.iter().chain(dialect.names()).flat_map(|(_, names)| *names).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{dialect:?}");
        }
    }
}
