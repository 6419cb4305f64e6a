//! The decision in Chinese.

use super::{Due, Explanation, Language, Names, due, part_of_promoter, short};
use crate::attribute::{AppliedRule, Attribution, Award, Flag, NoCommission, Outcome, Via};
use crate::commission::class::History;
use crate::commission::{Amounts, Terms, TierReached};
use crate::fold::{Candidate, Evidence, Ineligible, Relation, Verdict};
use crate::ledger::{Bill, Entry};
use crate::money::{BasisPoints, Fen};
use crate::policy::attribution::{Model, Rebind, Scope, Validity};
use crate::policy::commission::{Class, Party, PlanRef, Rounding};
use crate::policy::settlement::PayMethod;
use crate::time::Span;

const OURS: Language = Language::Zh;

pub(super) fn explain(a: &Attribution, bill: Option<&Bill>, names: &Names) -> Explanation {
    let line = format!("订单 {}（子订单 {}）", a.order, a.line);
    let sentence = match &a.outcome {
        Outcome::Award(award) => format!("{line}{}。", won(award, bill, names)),
        Outcome::NoCommission(why) => format!("{line}没有佣金：{}。", reason(why, names)),
    };
    let mut steps = vec![format!(
        "按计划 {} 第 {} 版规则判定，订单时间 {}（均为北京时间）。",
        names.programme(&a.programme, OURS),
        a.policy_version,
        a.order_at
    )];
    steps.push(rule(&a.rule));
    steps.extend(a.relation.as_ref().map(|of| relation(of, names)));
    if let Some(award) = a.award() {
        steps.extend(amounts(award, names));
    }
    steps.extend(a.flags.iter().map(|f| flag(*f).to_owned()));
    steps.push(if a.provisional && a.flags.contains(&Flag::AwaitingPayment) {
        "结果暂定：付款以及其后不久到达的信息仍可改变它。".to_owned()
    } else if a.provisional {
        format!("结果暂定：{} 之前到达的信息仍可改变它。", a.final_at)
    } else {
        format!("结果自 {} 起为最终结果。", a.final_at)
    });
    steps.extend(a.candidates.iter().map(|of| candidate(of, names)));
    Explanation { sentence, steps }
}

fn won(award: &Award, bill: Option<&Bill>, names: &Names) -> String {
    let due = match due(award, bill) {
        Due::Commission(terms, amounts) => {
            let part = part_of_promoter(amounts).map(|part| format!("，其中推广者得 {part} 元"));
            let part = part.unwrap_or_default();
            format!("{} 元（{} 元 × {}）{part}", amounts.gross, amounts.base, terms.rate)
        }
        Due::ByHand => "由商家与推广者线下结算".to_owned(),
    };
    let owner = award.promoter.as_ref().map(|promoter| names.promoter(promoter, OURS));
    match (owner, &award.via) {
        (Some(promoter), Via::Click { click, .. }) => {
            format!("归推广者 {promoter}（点击 {}），佣金 {due}", short(*click))
        }
        (Some(promoter), Via::Coupon { code }) => {
            format!("归推广者 {promoter}（专属优惠码 {code}），佣金 {due}")
        }
        (_, Via::Channel { channel }) => format!("来自渠道 {channel}，技术服务费 {due}"),
        (None, _) => format!("佣金 {due}"),
    }
}

fn reason(why: &NoCommission, names: &Names) -> String {
    let called = |promoter| names.promoter(promoter, OURS);
    let plan_called = |plan| names.plan(plan, OURS);
    match why {
        NoCommission::CategoryBanned { category, since } => {
            format!("类目 {category} 自 {since} 起禁止推广")
        }
        NoCommission::PaymentExcluded { method } => {
            format!("{}订单不计入业绩", pay_method(*method))
        }
        NoCommission::NoChannel => "本计划按订单声明的渠道结算，该订单没有渠道".to_owned(),
        NoCommission::NoClick => "买家没有有效点击过本计划的推广链接".to_owned(),
        NoCommission::NoEligibleClick => "买家的点击都不计入该订单".to_owned(),
        NoCommission::WindowOver { promoter, ended } => {
            format!("与推广者 {} 的关系已于 {ended} 结束", called(promoter))
        }
        NoCommission::ClosedByOrder { order } => format!("该点击已用于之前的订单 {order}"),
        NoCommission::SelfPurchase { promoter } => format!("买家就是推广者 {} 本人", called(promoter)),
        NoCommission::PromoterDisabled { promoter } => {
            format!("下单时归属的推广者 {} 已被停用，也不转给其他推广者", called(promoter))
        }
        NoCommission::PromotionWithdrawn { since } => format!("推广已于 {since} 取消"),
        NoCommission::NoRate => "没有计划为该商品设置佣金，或已设为不计佣金".to_owned(),
        NoCommission::ClassNotCommissioned { class, history } => {
            format!("{}不计佣金", customer(*class, *history))
        }
        NoCommission::NotApproved { plan } => {
            format!("定向计划 {} 尚未通过该推广者的申请", plan_called(plan))
        }
        NoCommission::PlanNotEffective { plan, begins } => {
            format!("定向计划 {} 自 {begins} 起才生效", plan_called(plan))
        }
        NoCommission::BelowMinimum { gross, min, base, rate } => {
            let of = base.zip(*rate).map(|(base, rate)| format!("（{base} 元 × {rate}）"));
            format!("佣金 {gross} 元{}低于最低金额 {min} 元", of.unwrap_or_default())
        }
    }
}

fn rule(rule: &AppliedRule) -> String {
    let scope = match rule.scope {
        Scope::Product => "所点击的商品",
        Scope::Shop => "全店商品",
        Scope::Platform => "全平台商品",
        Scope::ProductThenShop => "先看所点击的商品，再看全店",
    };
    let mut text = match rule.model {
        Model::LastClick => format!("规则：归最后一次有效点击，范围为{scope}"),
        Model::Binding => format!("规则：点击即与推广者绑定，范围为{scope}"),
        Model::Declared => return "规则：以订单声明的渠道为准。".to_owned(),
    };
    let content = rule.content.map(|of| format!("（链接不指向商品时为{}）", length(of.validity)));
    let content = content.unwrap_or_default();
    text += &match rule.validity {
        Validity::Permanent => "；长期有效".to_owned(),
        Validity::FromLastClick(span) => format!("；自最后一次点击起{}内有效{content}", length(span)),
        Validity::FromBind(span) => format!("；自绑定起{}内有效{content}", length(span)),
        Validity::UntilLinkExpiry => "；与链接同时失效".to_owned(),
    };
    if rule.rebind == Rebind::Never {
        text += "；有效期内不被其他推广者取代";
    } else if rule.protection > Span::ZERO {
        text += &format!("；保护期{}", length(rule.protection));
    }
    text + "。同一时刻的两次点击，编号较大者视为较晚。"
}

/// A length of time with its unit as a word.
fn length(span: Span) -> String {
    let text = span.to_string();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let word = match unit {
        "d" => "天",
        "h" => "小时",
        "m" => "分钟",
        "s" => "秒",
        _ => "毫秒",
    };
    format!(" {number} {word}")
}

fn relation(relation: &Relation, names: &Names) -> String {
    let mut text =
        format!("买家自 {} 起归推广者 {}", relation.bound_at, names.promoter(&relation.promoter, OURS));
    match relation.ends {
        Some(ends) => text += &format!("，至 {ends} 止"),
        None => text += "，长期有效",
    }
    if let Some(order) = &relation.prolonged_by {
        text += &format!("（因订单 {order} 延长）");
    }
    if let Some(until) = relation.protected_until {
        text += &format!("，保护期至 {until}");
    }
    text + "。"
}

fn amounts(award: &Award, names: &Names) -> Vec<String> {
    let plan = match &award.plan {
        PlanRef::General => "通用计划".to_owned(),
        PlanRef::Targeted(id) => format!("定向计划 {}", names.plan(id, OURS)),
    };
    let of = award.class.map(|class| format!("，{}", customer(Some(class), award.history)));
    let of = of.unwrap_or_default();
    let mut steps = vec![format!("佣金比例 {}：{plan}{of}，以 {} 为准。", award.terms.rate, award.rate_at)];
    steps.push(product(&award.terms, &award.amounts));
    steps.extend(split(&award.amounts));
    steps
}

/// A customer's class with the history that made it.
fn customer(class: Option<Class>, history: Option<History>) -> String {
    let class = match class {
        Some(Class::New) => "新客",
        Some(Class::Returning) => "老客",
        None => "该类客户",
    };
    match history {
        Some(History::FirstSuccess(first)) => format!("{class}（首单成功于 {first}）"),
        Some(History::None) => format!("{class}（此前在该店铺没有成功订单）"),
        Some(History::Unknown) | None => class.to_owned(),
    }
}

fn product(terms: &Terms, amounts: &Amounts) -> String {
    let rounding = match terms.rounding {
        Rounding::Floor => "不足一分舍去",
        Rounding::HalfUp => "四舍五入到分",
    };
    let min = terms.min_fen;
    format!(
        "佣金：计佣金额 {} 元 × {} = {} 元（{rounding}，低于 {min} 元无效）。",
        amounts.base, terms.rate, amounts.gross
    )
}

fn tier(tier: TierReached, rate: BasisPoints) -> String {
    let TierReached { from_orders, instead_of } = tier;
    format!("推广者已达到结算满 {from_orders} 单的阶梯：佣金比例 {rate}，代替 {instead_of}。")
}

fn split(amounts: &Amounts) -> Option<String> {
    let shares = amounts.shares.iter().map(|share| {
        let party = match share.party {
            Party::Platform => "平台",
            Party::Agency => "机构",
            Party::Promoter => "推广者",
        };
        let later = if share.collected_at_withdrawal { "（提现时扣除）" } else { "" };
        format!("{party} {} 元{later}", share.amount)
    });
    let shares: Vec<String> = shares.collect();
    (shares.len() > 1).then(|| format!("分成：{}。", shares.join("，")))
}

pub(super) fn bill(bill: &Bill) -> Vec<String> {
    let mut steps = vec![
        match bill.entry {
            Entry::Tracked => "已下单，未付款。",
            Entry::Expected => "已付款，待结算（预估）。",
            Entry::Matured => "交易完成，待结算。",
            Entry::Settled => "已结算。",
            Entry::Invalid => "已失效，没有佣金。",
            Entry::ManualRequired => "由商家与推广者线下结算。",
        }
        .to_owned(),
    ];
    steps.push(format!(
        "计佣金额：付款 {} 元 − 退款 {} 元 − 返现 {} 元 = {} 元。",
        bill.paid, bill.refunded, bill.cashback, bill.base
    ));
    if bill.amounts.gross > Fen::ZERO {
        if let Some(terms) = &bill.terms {
            steps.extend(terms.tier.map(|tier| self::tier(tier, terms.rate)));
            steps.push(product(terms, &bill.amounts));
        }
        steps.extend(split(&bill.amounts));
    }
    if bill.refunded_by_hand > Fen::ZERO {
        steps.push(format!("结算后退款 {} 元不自动扣回，由人工处理。", bill.refunded_by_hand));
    }
    steps
}

const fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::HistoryUnknown => {
            "买家此前是否在该店铺下过单未知（当时该店铺的历史订单数据不完整），按新客计。"
        }
        Flag::AwaitingClick => "该点击目前只见于订单上的令牌，尚待边缘节点送达。",
        Flag::Unjournaled => "该点击不在任何边缘节点的日志中：复核前不记账。",
        Flag::Grandfathered => "点击之后推广被取消；该点击仍有效，按取消前最后的佣金比例计。",
        Flag::SharedToken => "此前已有多个其他买家的订单带有该点击的令牌：复核前不记账。",
        Flag::AwaitingPayment => "以付款时间为准，而订单尚未付款：付款前暂按下单时间判定。",
        Flag::UnnamedAgency => "该推广者的机构编号无效，机构的份额暂列在推广者名下：复核前不记账。",
    }
}

fn candidate(c: &Candidate, names: &Names) -> String {
    let unseen = match c.evidence {
        Evidence::Journal => "",
        Evidence::TokenOnly => "（仅见于令牌）",
    };
    let who = names.promoter(&c.promoter, OURS);
    format!("{} 推广者 {who}，点击 {}{unseen}：{}。", c.at, short(c.click), verdict(&c.verdict))
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Won => "该订单归属于它".to_owned(),
        Verdict::RepeatOfOwner { shown } => format!("由同一推广者的点击 {} 代表", short(*shown)),
        Verdict::Replaced { by } => format!("被之后的点击 {} 取代", short(*by)),
        Verdict::WindowOver { ended } => format!("有效期已于 {ended} 结束"),
        Verdict::ClosedByOrder { order } => format!("已用于订单 {order}"),
        Verdict::Protected { by, until } => {
            format!("不计，点击 {} 的关系在 {until} 之前受保护", short(*by))
        }
        Verdict::Locked { by } => format!("不计，点击 {} 的关系为长期绑定", short(*by)),
        Verdict::ProductFirst => "该商品本身的点击优先".to_owned(),
        Verdict::CouponFirst => "专属优惠码优先".to_owned(),
        Verdict::AfterOrder => "晚于下单".to_owned(),
        Verdict::LateAfterFinal { final_at } => format!("送达太晚，结果已于 {final_at} 确定"),
        Verdict::OutOfScope => "不是该订单的商品范围".to_owned(),
        Verdict::Ineligible { reason } => format!("不计：{}", ineligible(*reason)),
    }
}

const fn ineligible(reason: Ineligible) -> &'static str {
    match reason {
        Ineligible::PromotionCancelled => "推广已取消",
        Ineligible::ProductDelisted => "商品已下架",
        Ineligible::LinkExpired => "链接已过期",
        Ineligible::NotYetEffective => "链接尚未生效",
        Ineligible::Head => "HEAD 请求",
        Ineligible::Prefetch => "浏览器预取",
        Ineligible::Preview => "链接预览",
        Ineligible::NotNavigation => "不是页面跳转",
        Ineligible::Bot => "机器访问",
        Ineligible::PromoterDisabled => "推广者已被停用",
        Ineligible::CategoryBanned => "类目禁止推广",
        Ineligible::PrivacySignal => "浏览器要求不被跟踪",
        Ineligible::NoBadge => "分享时没有小黄人",
        Ineligible::NotConverted => "链接未经联盟转换",
        Ineligible::EdgeStale => "边缘节点失联过久",
        Ineligible::NoUserActivation => "由网页自动跳转，不是有人点击",
        Ineligible::SelfPurchase => "买家就是推广者本人",
        Ineligible::NoClick => "不是点击",
    }
}

const fn pay_method(method: PayMethod) -> &'static str {
    match method {
        PayMethod::WechatOwn => "微信支付-自有",
        PayMethod::WechatConsignment => "微信支付-代销",
        PayMethod::BankCard => "银行卡",
        PayMethod::Alipay => "支付宝",
        PayMethod::CashOnDelivery => "货到付款",
        PayMethod::Other => "其他方式支付的",
    }
}
