//! The source documents as policies: a start for a programme, each field of which can be overridden.

use super::attribution::{AttributionPolicy, Model, Rebind, Scope, Validity};
use super::commission::{CommissionPolicy, NewReturning, Party, PlanStep, TargetedEffective, Weight};
use super::eligibility::{EligibilityPolicy, SourcingRules};
use super::settlement::{
    Destination, Maturity, Methods, PayMethod, Payout, PayoutKey, RefundAfter, RefundBefore, ReportVisible,
    Roll, SettlementPolicy,
};
use super::{BanRule, Policy, VideoTaskPolicy};
use crate::dispute::BatchRule;
use crate::ids::CategoryId;
use crate::time::{Instant, Period, Span};
use jiff::civil::date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// 2021-03-24 00:00:00 in Asia/Shanghai.
const CREDIT_BAN_FROM: Instant = Instant(1_616_515_200_000);
/// 2021-04-08 00:00:00 in Asia/Shanghai.
const CREDIT_BAN_ANNOUNCED: Instant = Instant(1_617_811_200_000);

/// A ready-made set of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 1688分销客: last click, new and returning customers, paid on the 15th two months later.
    Distributor1688,
    /// 有赞销售员, 永久: a click binds for good, any other promoter's click takes over.
    YouzanPermanent,
    /// 有赞销售员, 短期: a link lives 15 days from sharing, and the relation with it.
    YouzanShort,
    /// 有赞销售员, 长期绑定: the first click binds and nothing takes over.
    YouzanLock,
    /// 1688站外分销: the order names its channel; a service fee, no promoter.
    Offsite1688,
    /// 淘宝联盟 with the ban on shopping credit (禁推购物金).
    AllianceCreditBan,
    /// 淘宝直播: platform, agency and talent share 1:2:7; general and targeted plans.
    TaobaoLive,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Distributor1688,
        Self::YouzanPermanent,
        Self::YouzanShort,
        Self::YouzanLock,
        Self::Offsite1688,
        Self::AllianceCreditBan,
        Self::TaobaoLive,
    ];

    /// The name used in files and requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Distributor1688 => "distributor1688",
            Self::YouzanPermanent => "youzan_permanent",
            Self::YouzanShort => "youzan_short",
            Self::YouzanLock => "youzan_lock",
            Self::Offsite1688 => "offsite1688",
            Self::AllianceCreditBan => "alliance_credit_ban",
            Self::TaobaoLive => "taobao_live",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The rules.
    pub fn policy(self) -> Policy {
        match self {
            Self::Distributor1688 => distributor_1688(),
            Self::YouzanPermanent => youzan(Validity::Permanent, Rebind::AnyClick, None),
            Self::YouzanShort => youzan(Validity::UntilLinkExpiry, Rebind::AnyClick, Some(Span::days(15))),
            Self::YouzanLock => youzan(Validity::Permanent, Rebind::Never, None),
            Self::Offsite1688 => offsite_1688(),
            Self::AllianceCreditBan => alliance_credit_ban(),
            Self::TaobaoLive => taobao_live(),
        }
    }
}

fn distributor_1688() -> Policy {
    Policy {
        attribution: AttributionPolicy {
            model: Model::LastClick,
            scope: Scope::Product,
            validity: Validity::FromLastClick(Span::days(15)),
            require_converted_link: true,
            ..AttributionPolicy::default()
        },
        commission: CommissionPolicy {
            classes: Some(NewReturning::default()),
            plan_precedence: vec![PlanStep::General],
            ..CommissionPolicy::default()
        },
        settlement: SettlementPolicy {
            payout: Payout::Monthly {
                day: 15,
                lag_months: 2,
                roll: Roll::NextWorkday,
                key: PayoutKey::SuccessMonth,
            },
            destination: Destination::BoundAtPayout,
            report_visible: ReportVisible::NextDay,
            ..SettlementPolicy::default()
        },
        eligibility: EligibilityPolicy {
            verified_member: true,
            verified_payout_account: true,
            ..EligibilityPolicy::default()
        },
        ..Policy::default()
    }
}

fn youzan(validity: Validity, rebind: Rebind, link_ttl: Option<Span>) -> Policy {
    Policy {
        attribution: AttributionPolicy {
            model: Model::Binding,
            scope: Scope::Shop,
            validity,
            rebind,
            link_ttl,
            require_badge: true,
            ..AttributionPolicy::default()
        },
        commission: CommissionPolicy {
            plan_precedence: vec![PlanStep::General],
            ..CommissionPolicy::default()
        },
        settlement: SettlementPolicy {
            maturity: Maturity { auto_after_ship: Some(Span::days(7)), ..Maturity::default() },
            refund_before: RefundBefore::ReduceBase(Methods::Only(BTreeSet::from([
                PayMethod::WechatConsignment,
                PayMethod::BankCard,
            ]))),
            refund_after: RefundAfter::None,
            refund_manual_methods: BTreeSet::from([PayMethod::WechatOwn]),
            excluded_methods: BTreeSet::from([PayMethod::CashOnDelivery]),
            ..SettlementPolicy::default()
        },
        ..Policy::default()
    }
}

fn offsite_1688() -> Policy {
    Policy {
        attribution: AttributionPolicy { model: Model::Declared, ..AttributionPolicy::default() },
        commission: CommissionPolicy {
            plan_precedence: Vec::new(),
            split: vec![Weight { party: Party::Platform, weight: 1 }],
            ..CommissionPolicy::default()
        },
        eligibility: EligibilityPolicy {
            placement: false,
            sourcing: Some(SourcingRules::default()),
            ..EligibilityPolicy::default()
        },
        ..Policy::default()
    }
}

fn alliance_credit_ban() -> Policy {
    let mut policy = Policy {
        attribution: AttributionPolicy { require_converted_link: true, ..AttributionPolicy::default() },
        ..Policy::default()
    };
    // The id is a literal of allowed characters; a policy without its ban would be worse than none.
    if let Ok(category) = CategoryId::new("shopping-credit") {
        policy.bans.push(BanRule {
            category,
            effective_from: CREDIT_BAN_FROM,
            effective_to: None,
            announced_at: Some(CREDIT_BAN_ANNOUNCED),
        });
    }
    policy.refund_batches = credit_refund_batches();
    policy
}

/// The refunds of used shopping credit that had no record: those settled from December 2020 on got it in one batch,
/// the older ones never; the platform pays in July 2021 what had not come back by then.
fn credit_refund_batches() -> Vec<BatchRule> {
    let midnight = |year, month, day| Instant::of_shanghai_date(date(year, month, day));
    let (december, april) = (midnight(2020, 12, 1), midnight(2021, 4, 1));
    let Ok(category) = CategoryId::new("shopping-credit") else { return Vec::new() };
    let rule = |name: &str, settled: Period, initiated_from, record_on| BatchRule {
        name: name.to_owned(),
        category: category.clone(),
        settled,
        refund_initiated: Period { from: initiated_from, to: Some(april) },
        record_on,
        compensated_at: Some(midnight(2021, 7, 1)),
    };
    let recent = Period { from: december, to: Some(april) };
    let old = Period { from: Instant(0), to: Some(december) };
    vec![rule("batch-1", recent, december, Some(date(2021, 3, 31))), rule("batch-2", old, Instant(0), None)]
}

fn taobao_live() -> Policy {
    let weight = |party, weight| Weight { party, weight };
    Policy {
        attribution: AttributionPolicy { require_converted_link: true, ..AttributionPolicy::default() },
        commission: CommissionPolicy {
            targeted_effective: TargetedEffective::NextMidnight,
            split: vec![weight(Party::Platform, 1), weight(Party::Agency, 2), weight(Party::Promoter, 7)],
            collected_at_withdrawal: vec![Party::Platform],
            ..CommissionPolicy::default()
        },
        settlement: SettlementPolicy {
            payout: Payout::Monthly {
                day: 20,
                lag_months: 1,
                roll: Roll::None,
                key: PayoutKey::SettledMonth,
            },
            destination: Destination::BoundAtWithdrawal,
            ..SettlementPolicy::default()
        },
        eligibility: EligibilityPolicy { verified_payout_account: true, ..EligibilityPolicy::default() },
        video_tasks: Some(VideoTaskPolicy::default()),
        ..Policy::default()
    }
}

#[cfg(test)]
mod tests;
