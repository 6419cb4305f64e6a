#![expect(clippy::type_complexity, reason = "rows of a table read best as tuples")]

use super::*;
use crate::click::ClickId;
use crate::commission::class::History;
use crate::commission::rate::Application;
use crate::commission::rate::TargetedPlan;
use crate::commission::{Payee, Share};
use crate::fold::{Click, Evidence, PriorOrder, Verdict};
use crate::ids::{AgencyId, CategoryId, ChannelId, LineId, OrderId, PlanId, ProgrammeId, PromoterId};
use crate::money::BasisPoints;
use crate::money::Fen;
use crate::policy::BanRule;
use crate::policy::attribution::{CouponOverride, OnPromoWithdrawn, OrderEvent, SelfPurchase};
use crate::policy::commission::{ChannelFee, Party, Subject};
use crate::policy::commission::{Class, PlanRef, Rate, Tier};
use crate::policy::settlement::PayMethod;
use crate::policy::{Policy, Preset};
use crate::testing::{at, click, goods, promoter};
use crate::time::{Instant, Period};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Everything around one order; each test changes what it is about.
pub(crate) struct World {
    pub(crate) policy: Policy,
    pub(crate) line: OrderLine,
    clicks: Vec<Click>,
    orders: Vec<PriorOrder>,
    own: BTreeSet<PromoterId>,
    pub(crate) history: History,
    rates: Vec<Rate>,
    plans: Vec<TargetedPlan>,
    bans: Vec<BanRule>,
    promoters: BTreeMap<PromoterId, PromoterState>,
    withdrawn: Vec<Period>,
    versions: Vec<PolicyVersion>,
    shared: BTreeSet<ClickId>,
    edges: EdgesCaughtUp,
    now: Instant,
}

impl World {
    /// ¥100.00 of 甲 at 5 %, everybody delivered, an hour after the order.
    pub(crate) fn new(preset: Preset, clicks: &[&str], order: &str) -> Self {
        let bought = goods("甲");
        Self {
            policy: preset.policy(),
            line: OrderLine {
                platform: bought.platform,
                order: OrderId::new("2020-77").unwrap(),
                line: LineId::new("1").unwrap(),
                merchant: bought.merchant,
                product: bought.product,
                categories: vec![CategoryId::new("cups").unwrap()],
                created: at(order),
                paid: Some(at(order)),
                method: Some(PayMethod::Alipay),
                base: Fen(10_000),
                coupon: None,
                channel: None,
                token: None,
            },
            clicks: clicks.iter().map(|c| click(c)).collect(),
            orders: Vec::new(),
            own: BTreeSet::new(),
            history: History::None,
            rates: vec![rate(500, "2015-01-01 00:00:00", None)],
            plans: Vec::new(),
            bans: Vec::new(),
            promoters: BTreeMap::new(),
            withdrawn: Vec::new(),
            versions: Vec::new(),
            shared: BTreeSet::new(),
            edges: EdgesCaughtUp::Since(at(order)),
            now: at(order).plus(3_600_000),
        }
    }

    pub(crate) fn decide(&self) -> Attribution {
        let version = PolicyVersion {
            programme: ProgrammeId::new("prog").unwrap(),
            version: 3,
            effective: Period::since(Instant(0)),
            policy: self.policy.clone(),
        };
        let facts = Facts {
            clicks: &self.clicks,
            prior_orders: &self.orders,
            own_promoters: &self.own,
            history: self.history,
            rates: &self.rates,
            plans: &self.plans,
            bans: &self.bans,
            promoters: &self.promoters,
            withdrawn: &self.withdrawn,
            versions: &self.versions.iter().collect::<Vec<_>>(),
            shared: &self.shared,
            settled: None,
            edges: self.edges,
            now: self.now,
        };
        attribute(&version, &self.line, &facts).unwrap()
    }

    /// `a 500` (who and how much in fen) or the reason's code.
    fn result(&self) -> String {
        match self.decide().outcome {
            Outcome::Award(award) => {
                let who = award.promoter.map_or_else(|| "nobody".to_owned(), |p| p.to_string());
                format!("{who} {}", award.amounts.gross.0)
            }
            Outcome::NoCommission(why) => code(&why),
        }
    }
}

fn code(why: &NoCommission) -> String {
    serde_json::to_value(why).unwrap()["code"].as_str().unwrap().to_owned()
}

fn rate(bp: u32, from: &str, to: Option<&str>) -> Rate {
    Rate {
        plan: PlanRef::General,
        class: None,
        subject: Subject::Any,
        bp: Some(BasisPoints::new(bp).unwrap()),
        effective: Period { from: at(from), to: to.map(at) },
    }
}

fn ban(from: &str) -> BanRule {
    BanRule {
        category: CategoryId::new("cups").unwrap(),
        effective_from: at(from),
        effective_to: None,
        announced_at: None,
    }
}

const A: [&str; 1] = ["a 06-01 10:00:00"];

#[test]
fn reasons_come_in_their_fixed_order() {
    // Everything is wrong at once; it is put right one by one.
    let mut w = World::new(Preset::YouzanPermanent, &["a 06-01 10:00:00"], "06-03 10:00:00");
    w.policy.attribution.self_purchase = SelfPurchase::Deny;
    w.policy.attribution.on_promo_withdrawn = OnPromoWithdrawn::CheckAtOrder;
    w.bans = vec![ban("06-03 10:00:00")];
    w.line.method = Some(PayMethod::CashOnDelivery);
    w.own = BTreeSet::from([promoter("a")]);
    let disabled = vec![Period::since(at("06-02 00:00:00"))];
    w.promoters.insert(promoter("a"), PromoterState { disabled, ..PromoterState::default() });
    w.withdrawn = vec![Period::since(at("06-02 12:00:00"))];
    w.rates = vec![];
    w.line.base = Fen(19);
    w.clicks[0].ineligible = Some(crate::fold::Ineligible::NoBadge);
    let fixes: [(&str, fn(&mut World)); 9] = [
        ("category_banned", |w| w.bans = vec![ban("06-03 10:00:01")]),
        ("payment_excluded", |w| w.line.method = Some(PayMethod::BankCard)),
        ("no_eligible_click", |w| w.clicks[0].ineligible = None),
        ("self_purchase", |w| w.own.clear()),
        ("promoter_disabled", |w| w.promoters.clear()),
        ("promotion_withdrawn", |w| w.withdrawn.clear()),
        ("no_rate", |w| w.rates = vec![rate(500, "2020-01-01 00:00:00", None)]),
        ("below_minimum", |w| w.line.base = Fen(20)),
        ("a 1", |_| {}),
    ];
    for (expected, fix) in fixes {
        assert_eq!(w.result(), expected);
        fix(&mut w);
    }
}

#[test]
fn nobody_falls_through_to_an_earlier_promoter() {
    let clicks = ["a 06-01 10:00:00", "b 06-02 10:00:00"];
    let mut disabled_later = World::new(Preset::Distributor1688, &clicks, "06-03 10:00:00");
    let state =
        PromoterState { disabled: vec![Period::since(at("06-03 00:00:00"))], ..PromoterState::default() };
    disabled_later.promoters.insert(promoter("b"), state);
    assert_eq!(disabled_later.result(), "promoter_disabled", "b was disabled after the click");
    let mut disabled_before = World::new(Preset::Distributor1688, &clicks, "06-03 10:00:00");
    disabled_before.clicks[1].ineligible = Some(crate::fold::Ineligible::PromoterDisabled);
    assert_eq!(disabled_before.result(), "a 500", "b's click was ineligible when it was made");
}

#[test]
fn a_promotion_withdrawn_between_click_and_order() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.withdrawn = vec![Period { from: at("06-02 00:00:00"), to: None }];
    w.rates =
        vec![rate(500, "2020-01-01 00:00:00", Some("06-02 00:00:00")), rate(100, "06-02 00:00:00", None)];
    assert_eq!(w.result(), "a 500", "the last rate in force before the withdrawal");
    assert_eq!(w.decide().flags, [Flag::Grandfathered]);
    w.policy.attribution.on_promo_withdrawn = OnPromoWithdrawn::CheckAtOrder;
    assert_eq!(w.result(), "promotion_withdrawn");
    w.withdrawn[0].to = Some(at("06-03 00:00:00"));
    assert_eq!(w.result(), "a 100", "promoted again before the order");
}

#[test]
fn the_last_rate_before_the_withdrawal_is_that_of_the_rules_in_force_then() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.withdrawn = vec![Period::since(at("06-02 00:00:00"))];
    w.rates.clear();
    let version = |number, bp, from| {
        let mut policy = w.policy.clone();
        policy.commission.rates = vec![rate(bp, "2015-01-01 00:00:00", None)];
        let (programme, effective) = (ProgrammeId::new("prog").unwrap(), Period::since(at(from)));
        PolicyVersion { programme, version: number, effective, policy }
    };
    w.versions = vec![
        version(1, 500, "2015-01-01 00:00:00"),
        version(2, 400, "06-02 00:00:00"),
        version(3, 300, "06-03 00:00:00"),
    ];
    w.policy = w.versions[2].policy.clone();
    assert_eq!(w.result(), "a 500", "neither those of that instant nor the order's own");
    w.withdrawn[0].from = at("06-02 00:00:01");
    assert_eq!(w.result(), "a 400");
    w.withdrawn.clear();
    assert_eq!(w.result(), "a 300");
}

#[test]
fn who_earns_nothing_for_the_class_is_told_which() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.history = History::FirstSuccess(at("2015-01-01 00:00:00"));
    w.rates[0].class = Some(Class::New);
    let told = NoCommission::ClassNotCommissioned { class: Some(Class::Returning), history: Some(w.history) };
    assert_eq!(w.decide().outcome, Outcome::NoCommission(told));
    w.rates[0].bp = None;
    assert_eq!(w.result(), "no_rate", "new customers would bring nothing either");
}

#[test]
fn a_commission_below_the_minimum_is_told_with_what_it_is_of() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.line.base = Fen(19);
    let (base, rate) = (Some(Fen(19)), Some(BasisPoints::new(500).unwrap()));
    let told = NoCommission::BelowMinimum { gross: Fen(0), min: Fen(1), base, rate };
    assert_eq!(w.decide().outcome, Outcome::NoCommission(told));
    // What a tier may still make enough waits for its settlement; a lower tier makes nothing of it.
    for (bp, expected) in [(526, "below_minimum"), (527, "a 0"), (499, "below_minimum")] {
        w.policy.commission.tiers = vec![Tier { from_orders: 2, bp: BasisPoints::new(bp).unwrap() }];
        assert_eq!(w.result(), expected, "a tier of {bp}");
    }
}

#[test]
fn only_clicks_before_the_withdrawal_are_grandfathered() {
    // The last click is the one that owns the order; the promotion was withdrawn at 06-02 00:00:00.
    let rows: [(&str, &[&str], &str, &str); 5] = [
        ("before it", &["a 06-01 23:59:59"], "06-03 10:00:00", "a 500"),
        ("at its instant", &["a 06-02 00:00:00"], "06-03 10:00:00", "promotion_withdrawn"),
        (
            "another's after it",
            &["a 06-01 10:00:00", "b 06-02 10:00:00"],
            "06-03 10:00:00",
            "promotion_withdrawn",
        ),
        ("both its own", &["a 06-01 10:00:00", "a 06-10 10:00:00"], "06-16 09:59:59", "a 500"),
        (
            "the first one's window is over",
            &["a 06-01 10:00:00", "a 06-10 10:00:00"],
            "06-16 10:00:00",
            "promotion_withdrawn",
        ),
    ];
    for (what, clicks, order, expected) in rows {
        // Clicks on the shop's other goods, which are promoted as ever.
        let mut w = World::new(Preset::TaobaoLive, clicks, order);
        w.withdrawn = vec![Period::since(at("06-02 00:00:00"))];
        assert_eq!(w.result(), expected, "{what}");
    }
}

#[test]
fn a_code_alone_does_not_sell_what_was_withdrawn() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.policy.attribution.coupon = CouponOverride::ExclusiveCodeWins;
    w.withdrawn = vec![Period::since(at("06-02 00:00:00"))];
    w.line.coupon = Some(ExclusiveCoupon { code: "X".to_owned(), promoter: promoter("c") });
    assert_eq!(w.result(), "promotion_withdrawn");
    w.line.coupon = Some(ExclusiveCoupon { code: "X".to_owned(), promoter: promoter("a") });
    assert_eq!(w.result(), "a 500", "the code's promoter had the click before, too");
}

#[test]
fn a_click_that_arrives_when_the_decision_is_final_moves_no_money() {
    // the grace of 72 hours after the order ends on 6 June
    for (ingested, expected) in [("06-06 09:59:59", "b 500"), ("06-06 10:00:01", "a 500")] {
        let mut w =
            World::new(Preset::Distributor1688, &["a 06-01 10:00:00", "b 06-02 10:00:00"], "06-03 10:00:00");
        w.clicks[1].ingested = at(ingested);
        assert_eq!(w.result(), expected, "ingested {ingested}");
    }
}

#[test]
fn only_a_tier_above_the_rate_lets_it_rise() {
    for (bp, expected) in [(499, None), (500, None), (501, Some(501))] {
        let mut w = World::new(Preset::Distributor1688, &["a 06-01 10:00:00"], "06-03 10:00:00");
        w.policy.commission.tiers = vec![Tier { from_orders: 2, bp: BasisPoints::new(bp).unwrap() }];
        let rises_to = w.decide().award().unwrap().terms.rises_to;
        assert_eq!(rises_to.map(BasisPoints::points), expected, "a tier of {bp}");
    }
}

#[test]
fn where_the_payment_counts_it_may_come_late() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-10 10:00:00");
    w.policy.attribution.order_event = OrderEvent::Paid;
    w.line.paid = None;
    w.now = at("07-10 10:00:00");
    let waiting = w.decide();
    assert_eq!((waiting.provisional, &waiting.flags[..]), (true, &[Flag::AwaitingPayment][..]));
    w.line.paid = Some(at("06-16 09:59:59"));
    assert_eq!(w.result(), "a 500", "fifteen days from the click to the payment");
    assert!(!w.decide().provisional && w.decide().flags.is_empty());
    w.line.paid = Some(at("06-16 10:00:00"));
    assert_eq!(w.result(), "window_over");
}

#[test]
fn own_codes_are_heeded_like_own_clicks() {
    for (rule, expected) in [
        (SelfPurchase::Allow, "c 500"),
        (SelfPurchase::Ignore, "a 500"),
        (SelfPurchase::Deny, "self_purchase"),
    ] {
        let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
        w.policy.attribution.coupon = CouponOverride::ExclusiveCodeWins;
        w.policy.attribution.self_purchase = rule;
        w.own = BTreeSet::from([promoter("c")]);
        w.line.coupon = Some(ExclusiveCoupon { code: "X".to_owned(), promoter: promoter("c") });
        assert_eq!(w.result(), expected, "{rule:?}");
    }
}

#[test]
fn bans_look_at_the_creation_of_the_order() {
    let rows = [
        ("created in the last second before the ban", "2021-03-23 23:59:59", "a 500"),
        ("created at its first instant, though clicked before", "2021-03-24 00:00:00", "category_banned"),
    ];
    for (what, created, expected) in rows {
        let mut w = World::new(Preset::AllianceCreditBan, &["a 2021-03-20 10:00:00"], created);
        w.line.categories =
            vec![CategoryId::new("cards").unwrap(), CategoryId::new("shopping-credit").unwrap()];
        w.line.paid = Some(at("2021-03-30 10:00:00"));
        assert_eq!(w.result(), expected, "{what}");
    }
}

#[test]
fn new_customers_and_unknown_history() {
    let mut w = World::new(Preset::Distributor1688, &["a 2020-05-04 16:00:00"], "2020-05-04 16:55:36");
    let class = |class, bp| Rate { class: Some(class), ..rate(bp, "2020-01-01 00:00:00", None) };
    w.rates = vec![class(Class::New, 500), class(Class::Returning, 100)];
    w.history = History::FirstSuccess(at("2020-03-05 16:55:35"));
    assert_eq!(w.result(), "a 100", "sixty days and a second");
    w.line.created = at("2020-05-04 16:55:35");
    assert_eq!(w.result(), "a 500", "sixty days to the second");
    w.history = History::Unknown;
    assert_eq!((w.result(), w.decide().flags), ("a 500".to_owned(), vec![Flag::HistoryUnknown]));
}

#[test]
fn an_exclusive_coupon_beats_the_clicks() {
    let mut w = World::new(Preset::TaobaoLive, &A, "06-01 11:00:00");
    w.policy.attribution.coupon = CouponOverride::ExclusiveCodeWins;
    assert_eq!(w.result(), "a 500", "without the code");
    w.line.coupon = Some(ExclusiveCoupon { code: "X".to_owned(), promoter: promoter("c") });
    assert_eq!(w.result(), "c 500", "with it");
    let decided = w.decide();
    assert_eq!(decided.candidates[0].verdict, Verdict::CouponFirst);
    w.policy.attribution.coupon = CouponOverride::Off;
    assert_eq!(w.result(), "a 500", "the policy does not care for coupons");
}

#[test]
fn a_declared_channel_pays_a_service_fee_and_no_promoter() {
    let mut w = World::new(Preset::Offsite1688, &A, "06-03 10:00:00");
    assert_eq!(w.result(), "no_channel");
    let channel = ChannelId::new("alipay").unwrap();
    w.line.channel = Some(channel.clone());
    assert_eq!(w.result(), "no_rate");
    let effective = Period::since(at("06-01 00:00:00"));
    let fee = |channel: &ChannelId, bp, effective| ChannelFee {
        channel: channel.clone(),
        bp: BasisPoints::new(bp).unwrap(),
        effective,
    };
    // Another channel's, and one that is over, say nothing about this one.
    let other = ChannelId::new("wechat").unwrap();
    let over = Period { from: at("05-01 00:00:00"), to: Some(at("06-01 00:00:00")) };
    w.policy.commission.channel_fees = vec![fee(&other, 900, effective), fee(&channel, 800, over)];
    assert_eq!(w.result(), "no_rate");
    w.policy.commission.channel_fees.push(fee(&channel, 250, effective));
    assert_eq!(w.result(), "nobody 250");
    let decided = w.decide();
    let shares = &decided.award().unwrap().amounts.shares;
    assert_eq!(shares.len(), 1);
    assert_eq!((shares[0].party, shares[0].amount), (Party::Platform, Fen(250)));
    assert!(decided.candidates.is_empty());
}

fn parts(shares: &[Share]) -> Vec<(Party, i64)> {
    shares.iter().map(|s| (s.party, s.amount.0)).collect()
}

#[test]
fn the_agency_shares_once_its_contract_counts() {
    let mut w = World::new(Preset::TaobaoLive, &A, "06-03 10:00:00");
    let with_agency = |from: &str| {
        let agency = Some((AgencyId::new("mcn").unwrap(), at(from)));
        BTreeMap::from([(promoter("a"), PromoterState { agency, ..PromoterState::default() })])
    };
    let shares = |w: &World| w.decide().award().unwrap().amounts.shares.clone();
    let (platform, agency, talent) = (Party::Platform, Party::Agency, Party::Promoter);
    assert_eq!(parts(&shares(&w)), [(platform, 50), (talent, 450)], "no agency");
    w.promoters = with_agency("06-03 10:00:01");
    assert_eq!(parts(&shares(&w)), [(platform, 50), (talent, 450)], "its contract counts a second later");
    w.promoters = with_agency("06-03 10:00:00");
    let all = shares(&w);
    assert_eq!(parts(&all), [(platform, 50), (agency, 100), (talent, 350)]);
    assert_eq!(all[1].payee, Payee::Agency(AgencyId::new("mcn").unwrap()));
    assert!(all[0].collected_at_withdrawal && !all[1].collected_at_withdrawal);
    w.policy.commission.agency_from = Some(at("07-01 00:00:00"));
    assert_eq!(parts(&shares(&w)), [(platform, 50), (talent, 450)], "the programme splits it off later");
}

#[test]
fn an_agency_that_cannot_be_named_holds_what_it_shares_in() {
    let mut w = World::new(Preset::TaobaoLive, &A, "06-03 10:00:00");
    let unnamed = |from: &str| {
        let state = PromoterState { unnamed_agency: Some(at(from)), ..PromoterState::default() };
        BTreeMap::from([(promoter("a"), state)])
    };
    let held = |w: &World| w.decide().held_by().collect::<Vec<_>>();
    w.promoters = unnamed("06-03 10:00:01");
    assert_eq!(held(&w), [], "its contract counts a second later");
    w.promoters = unnamed("06-03 10:00:00");
    assert_eq!(held(&w), [Flag::UnnamedAgency]);
    let shares = parts(&w.decide().award().unwrap().amounts.shares);
    assert_eq!(shares, [(Party::Platform, 50), (Party::Promoter, 450)]);
    w.policy.commission.agency_from = Some(at("07-01 00:00:00"));
    assert_eq!(held(&w), [], "the programme splits it off later");
    w.policy.commission.agency_from = None;
    for share in w.policy.commission.split.iter_mut().filter(|share| share.party == Party::Agency) {
        share.weight = 0;
    }
    assert_eq!(held(&w), [], "agencies share in nothing: their weight is zero");
    w.policy.commission.split.retain(|weight| weight.party != Party::Agency);
    assert_eq!(held(&w), [], "agencies share in nothing here");
}

#[test]
fn a_targeted_plan_without_approval_leaves_the_general_one() {
    let mut w = World::new(Preset::TaobaoLive, &A, "06-03 10:00:00");
    let id = PlanId::new("vip").unwrap();
    let special = Rate { plan: PlanRef::Targeted(id.clone()), ..rate(2_000, "2020-01-01 00:00:00", None) };
    w.rates.push(special);
    let application = Application {
        promoter: promoter("a"),
        applied: at("06-02 10:00:00"),
        approved: None,
        rejected: None,
    };
    w.plans = vec![TargetedPlan {
        id,
        created: at("06-01 10:00:00"),
        closes: None,
        auto_approve: false,
        applications: vec![application],
    }];
    assert_eq!(w.result(), "a 500", "pending: the general rate");
    w.plans[0].applications[0].approved = Some(at("06-02 11:00:00"));
    assert_eq!(w.result(), "a 2000");
    w.plans[0].applications[0].approved = None;
    w.rates.remove(0);
    assert_eq!(w.result(), "not_approved");
}

#[test]
fn why_there_is_no_owner() {
    let result = |clicks: &[&str], order: &str| World::new(Preset::Distributor1688, clicks, order).result();
    assert_eq!(result(&[], "06-03 10:00:00"), "no_click");
    assert_eq!(result(&A, "06-16 10:00:00"), "window_over");
    assert_eq!(result(&["a 06-01 10:00:00 乙"], "06-03 10:00:00"), "no_eligible_click");
    assert_eq!(result(&["a 06-04 10:00:00"], "06-03 10:00:00"), "no_eligible_click");
    let mut w = World::new(Preset::YouzanPermanent, &A, "06-03 10:00:00");
    w.policy.attribution.close_on_order = true;
    let earlier = OrderId::new("2020-76").unwrap();
    let order = PriorOrder {
        at: at("06-02 10:00:00"),
        paid: None,
        order: earlier.clone(),
        target: goods("甲"),
        method: None,
    };
    w.orders = vec![order];
    assert_eq!(w.decide().outcome, Outcome::NoCommission(NoCommission::ClosedByOrder { order: earlier }));
}

#[test]
fn only_a_commission_can_be_held() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.clicks[0].evidence = Evidence::TokenOnly;
    w.line.token = Some(w.clicks[0].id);
    w.edges = EdgesCaughtUp::NotYet;
    w.now = at("06-20 10:00:00");
    let flagged = w.decide();
    assert_eq!(flagged.held_by().collect::<Vec<_>>(), [Flag::Unjournaled]);
    let nothing_due = Attribution { outcome: Outcome::NoCommission(NoCommission::NoRate), ..flagged.clone() };
    assert_eq!(nothing_due.held_by().count(), 0, "there is nothing to hold");
    let harmless = Attribution { flags: vec![Flag::Grandfathered, Flag::HistoryUnknown], ..flagged };
    assert_eq!(harmless.held_by().count(), 0, "these hold nothing");
}

#[test]
fn a_click_known_only_from_its_token_waits_for_its_edge() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    w.clicks[0].evidence = Evidence::TokenOnly;
    w.line.token = Some(w.clicks[0].id);
    w.edges = EdgesCaughtUp::NotYet;
    w.now = at("06-10 09:59:59");
    let decided = w.decide();
    assert_eq!((decided.provisional, decided.flags), (true, vec![Flag::AwaitingClick]));
    w.now = at("06-10 10:00:00");
    let decided = w.decide();
    assert_eq!((decided.provisional, decided.flags), (false, vec![Flag::Unjournaled]));
    w.edges = EdgesCaughtUp::Since(at("06-03 12:00:00"));
    w.now = at("06-06 10:00:00");
    assert_eq!(w.decide().final_at, at("06-06 10:00:00"));
    // The same click from a journal beside the one from the token: the journal's counts.
    w.clicks.push(Click {
        evidence: Evidence::Journal,
        ingested: at("06-09 10:00:00"),
        ..w.clicks[0].clone()
    });
    assert_eq!((w.result(), w.decide().flags), ("a 500".to_owned(), vec![]));
}

#[test]
fn a_click_that_many_bring_is_held_for_a_review() {
    let mut w = World::new(Preset::Distributor1688, &A, "06-03 10:00:00");
    let other = Click { id: ClickId([9; 16]), ..w.clicks[0].clone() };
    w.shared = BTreeSet::from([other.id]);
    assert!(w.decide().flags.is_empty(), "it is not the one that won");
    w.shared.insert(w.clicks[0].id);
    let decided = w.decide();
    assert_eq!(
        (w.result(), decided.held_by().collect::<Vec<_>>()),
        ("a 500".to_owned(), vec![Flag::SharedToken])
    );
}

#[test]
fn every_field_of_a_policy_can_be_overridden_from_json() {
    let mut w = World::new(
        Preset::Distributor1688,
        &["a 06-01 10:00:00 甲", "b 06-02 10:00:00 乙"],
        "06-03 10:00:00",
    );
    assert_eq!(w.result(), "a 500");
    w.policy = w.policy.patched(&json!({"attribution": {"scope": "shop"}})).unwrap();
    assert_eq!((w.policy.attribution.scope, w.result()), (crate::policy::Scope::Shop, "b 500".to_owned()));
    w.policy = w.policy.patched(&json!({"commission": {"min_fen": 501}})).unwrap();
    assert_eq!(w.result(), "below_minimum");
}

#[test]
fn a_decision_reads_back_from_json() {
    for preset in Preset::ALL {
        let decided =
            World::new(preset, &["a 06-01 10:00:00", "b 06-02 10:00:00"], "06-03 10:00:00").decide();
        let json = serde_json::to_string(&decided).unwrap();
        assert_eq!(serde_json::from_str::<Attribution>(&json).unwrap(), decided, "{preset:?}: {json}");
    }
}
