//! When and how a commission is paid, and what a refund does to it.

use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How the buyer paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayMethod {
    /// 微信支付-自有: the money goes straight to the merchant.
    WechatOwn,
    /// 微信支付-代销: the platform collects.
    WechatConsignment,
    /// 银行卡.
    BankCard,
    /// 支付宝.
    Alipay,
    /// 货到付款.
    CashOnDelivery,
    /// Anything else.
    Other,
}

impl PayMethod {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::WechatOwn,
        Self::WechatConsignment,
        Self::BankCard,
        Self::Alipay,
        Self::CashOnDelivery,
        Self::Other,
    ];

    /// The name by which programs know it, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WechatOwn => "wechat_own",
            Self::WechatConsignment => "wechat_consignment",
            Self::BankCard => "bank_card",
            Self::Alipay => "alipay",
            Self::CashOnDelivery => "cash_on_delivery",
            Self::Other => "other",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// A set of ways to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Methods {
    /// Every one.
    All,
    /// These.
    Only(BTreeSet<PayMethod>),
}

impl Methods {
    /// Whether `method` is in the set.
    pub fn contains(&self, method: PayMethod) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.contains(&method),
        }
    }
}

/// When a commission may settle: the completed trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Maturity {
    /// Without a confirmation the trade completes so long after its last parcel was shipped.
    pub auto_after_ship: Option<Span>,
    /// That timer runs on while a refund is asked for, instead of standing still.
    pub runs_during_refunds: bool,
}

/// Who starts a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleMode {
    /// The system.
    #[default]
    Auto,
    /// The merchant.
    Manual,
}

/// Where the money comes from: the merchant's balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Funding {
    /// An entry is settled whole or not at all. Always on: it is here so that a policy can say so.
    pub all_or_nothing: bool,
    /// Waiting entries are tried again when the merchant tops up. Always on, too.
    pub retry_on_top_up: bool,
    /// And at least every so often.
    pub retry_every: Option<Span>,
}

impl Default for Funding {
    fn default() -> Self {
        Self { all_or_nothing: true, retry_on_top_up: true, retry_every: Some(Span::hours(1)) }
    }
}

/// What happens when a payout day is not a workday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roll {
    /// Nothing.
    #[default]
    None,
    /// The next workday, make-up days (调休) included.
    NextWorkday,
}

/// Which month an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutKey {
    /// The trade's success.
    #[default]
    SuccessMonth,
    /// The settlement.
    SettledMonth,
}

/// When settled money becomes available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// At once.
    #[default]
    Immediate,
    /// On one day of a later month.
    Monthly {
        /// The day, 1 to 28.
        day: u8,
        /// So many months after the entry's own.
        lag_months: u8,
        /// If that is not a workday.
        roll: Roll,
        /// Which month is the entry's own.
        key: PayoutKey,
    },
}

/// Which account receives the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The account bound on the day of the payout; none bound, and that payout fails.
    BoundAtPayout,
    /// The account bound when the promoter withdraws.
    BoundAtWithdrawal,
    /// The promoter's balance.
    #[default]
    Balance,
}

/// A refund before the settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundBefore {
    /// For these ways to pay, the refunded amount comes off the base.
    ReduceBase(Methods),
}

impl Default for RefundBefore {
    fn default() -> Self {
        Self::ReduceBase(Methods::All)
    }
}

/// A refund after the settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundAfter {
    /// The commission on it goes back to the merchant (维权).
    #[default]
    Clawback,
    /// Nothing by itself; it is noted for handling by hand.
    None,
}

/// From when promoters see an entry in their report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportVisible {
    /// From the midnight after the success.
    NextDay,
    /// At once.
    #[default]
    Realtime,
}

impl ReportVisible {
    /// From when on a trade that succeeded at `success` is shown.
    pub const fn visible_from(self, success: Instant) -> Instant {
        match self {
            Self::NextDay => success.next_shanghai_midnight(),
            Self::Realtime => success,
        }
    }
}

/// When and how is it paid?
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettlementPolicy {
    /// When an entry may settle.
    pub maturity: Maturity,
    /// Who starts it.
    pub mode: SettleMode,
    /// Where the money comes from.
    pub funding: Funding,
    /// When settled money becomes available.
    pub payout: Payout,
    /// Which account receives it.
    pub destination: Destination,
    /// A refund before the settlement.
    pub refund_before: RefundBefore,
    /// A refund after it.
    pub refund_after: RefundAfter,
    /// With a refund these are settled between merchant and promoter by hand.
    pub refund_manual_methods: BTreeSet<PayMethod>,
    /// Orders paid this way earn nothing and are not shown as promoted.
    pub excluded_methods: BTreeSet<PayMethod>,
    /// From when promoters see an entry.
    pub report_visible: ReportVisible,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn a_way_to_pay_has_one_name() {
        let names = ["wechat_own", "wechat_consignment", "bank_card", "alipay", "cash_on_delivery", "other"];
        for (method, name) in PayMethod::ALL.into_iter().zip(names) {
            assert_eq!((method.name(), serde_json::to_value(method).unwrap()), (name, name.into()));
            assert_eq!(PayMethod::from_name(name), Some(method));
        }
        assert_eq!(PayMethod::from_name("cheque"), None);
    }

    #[test]
    fn a_report_shows_a_success_at_once_or_from_the_next_midnight() {
        let (success, midnight) = (at("2020-07-31 23:59:59"), at("2020-08-01 00:00:00"));
        assert_eq!(ReportVisible::NextDay.visible_from(success), midnight);
        assert_eq!(ReportVisible::NextDay.visible_from(midnight), at("2020-08-02 00:00:00"));
        assert_eq!(ReportVisible::Realtime.visible_from(success), success);
    }
}
