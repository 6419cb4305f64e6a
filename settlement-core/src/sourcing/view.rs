//! An enrolment as people see it: where it stands, how far the audit is, and what each SKU came to.

use super::enrolment::{EnrolledSku, Enrolment, State};
use super::skus::{self, Stocks};
use crate::api::Cursor;
use crate::attribution::Catalogue;
use crate::names::{Noun, name_of};
use crate::payouts::calendar;
use crate::store::{StoreError, Tx};
use attribution_core::calendar::Calendar;
use attribution_core::policy::eligibility::SourcingRules;
use attribution_core::sourcing::{AuditTimes, audit_times};
use attribution_core::time::Instant;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// An enrolment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolmentView {
    /// Its id.
    id: String,
    /// Under which programme.
    programme: String,
    /// Its name.
    programme_name: Option<String>,
    /// The version of the rules it was judged by.
    programme_version: u32,
    /// Whose.
    merchant: String,
    /// The merchant's name.
    merchant_name: Option<String>,
    /// What.
    product: String,
    /// The product's name.
    title: Option<String>,
    /// `refused` by the gates, `auditing`, `approved`, `rejected` by the audit, or `exited`.
    state: &'static str,
    /// Why the gates refused it, all reasons at once.
    refusals: Vec<RefusalView>,
    /// UTC milliseconds.
    submitted_at: i64,
    /// How far the audit is.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<AuditView>,
    /// UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<i64>,
    /// Why the audit rejected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    exited_at: Option<i64>,
    /// Its SKUs; each stands for itself.
    skus: Vec<EnrolledSkuView>,
}

/// A reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusalView {
    /// Stable.
    code: String,
    /// 中文.
    zh: String,
    /// English.
    en: String,
}

/// How far an audit is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    /// Normally through by the end of this day; absent while nobody has said which days up to then are workdays.
    #[serde(skip_serializing_if = "Option::is_none")]
    usual_day: Option<String>,
    /// Through by the end of this day at the latest; absent as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_day: Option<String>,
    /// Workdays since the submission, as far as the calendar says; day 1 is the first workday after it. Stands still once
    /// it is decided.
    workday: u32,
    /// The latest day has passed without a decision.
    overdue: bool,
    /// The calendar by which the days were counted.
    calendar: String,
}

/// A SKU of an enrolment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnrolledSkuView {
    /// The SKU.
    sku: String,
    /// The channel's private price, fen; it is shown to the merchant and to operators only.
    channel_price_fen: i64,
    /// The market's price it was compared with, fen.
    market_price_fen: i64,
    /// The lowest deal of 30 days it was compared with, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    low30_fen: Option<i64>,
    /// Whether it takes part.
    accepted: bool,
    /// Why not, all reasons at once.
    refusals: Vec<RefusalView>,
    /// There was no deal in 30 days: the audit looks at the price.
    needs_review: bool,
    /// What the channel can sell now: the market's stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_stock: Option<u32>,
    /// `low_stock` if the market's stock has fallen below what an enrolment needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

fn code<T: Serialize>(refusal: &T) -> String {
    let json = serde_json::to_value(refusal).unwrap_or_default();
    json["code"].as_str().unwrap_or_default().to_owned()
}

impl EnrolmentView {
    /// Where a page after this one begins.
    pub(super) fn key(&self) -> String {
        Cursor::of_number_and_texts(self.submitted_at, [&self.id])
    }
}

/// Enrolments as they stand now: calendar, rules and the market's stock are looked up once for all.
pub(super) fn view_all(
    tx: &mut dyn Tx,
    policies: &mut Catalogue,
    all: &[Enrolment],
    now: Instant,
) -> Result<Vec<EnrolmentView>, StoreError> {
    let calendar = calendar::in_force(tx)?;
    let open = all.iter().filter(|of| of.is_open()).map(|of| &of.product);
    let stocks = skus::stocks(tx, &open.collect())?;
    let mut views = Vec::with_capacity(all.len());
    for of in all {
        let policy = policies.policy(tx, &of.programme, of.version)?;
        let rules = policy.eligibility.sourcing.unwrap_or_default();
        let names = Names {
            programme: name_of(tx, Noun::Programme, of.programme.as_str())?,
            merchant: name_of(tx, Noun::Merchant, of.merchant.as_str())?,
            title: name_of(tx, Noun::Product, of.product.as_str())?,
        };
        views.push(view(of, names, &rules, &calendar, &stocks, now));
    }
    Ok(views)
}

/// What people call what an enrolment is about.
struct Names {
    programme: Option<String>,
    merchant: Option<String>,
    title: Option<String>,
}

fn view(
    of: &Enrolment,
    names: Names,
    rules: &SourcingRules,
    calendar: &Calendar,
    stocks: &Stocks,
    now: Instant,
) -> EnrolmentView {
    let gate = |r: &attribution_core::sourcing::Refusal| RefusalView {
        code: code(r),
        zh: r.zh(),
        en: r.to_string(),
    };
    EnrolmentView {
        id: of.id.clone(),
        programme: of.programme.to_string(),
        programme_name: names.programme,
        programme_version: of.version,
        merchant: of.merchant.to_string(),
        merchant_name: names.merchant,
        product: of.product.to_string(),
        title: names.title,
        state: of.state.name(),
        refusals: of.refusals.iter().map(gate).collect(),
        submitted_at: of.submitted.millis(),
        audit: of.audit.as_ref().map(|times| audit(times, of, rules, calendar, now)),
        decided_at: of.decided.map(Instant::millis),
        reason: of.reason.clone(),
        exited_at: of.exited.map(Instant::millis),
        skus: of.skus.iter().map(|sku| enrolled(of, sku, rules, stocks)).collect(),
    }
}

/// An audit that was submitted before the days of its end were known is counted by the calendar that knows them now.
fn audit(
    then: &AuditTimes,
    of: &Enrolment,
    rules: &SourcingRules,
    calendar: &Calendar,
    now: Instant,
) -> AuditView {
    let later = then.latest.is_none().then(|| audit_times(rules, of.submitted, calendar));
    let times = later.as_ref().unwrap_or(then);
    let until = of.decided.or(of.exited).unwrap_or(now).shanghai_date();
    let counted = times.latest.map_or(until, |latest| until.min(latest));
    AuditView {
        usual_day: times.usual.map(|day| day.to_string()),
        latest_day: times.latest.map(|day| day.to_string()),
        workday: workdays(of.submitted.shanghai_date(), counted, calendar),
        overdue: of.state == State::Auditing && times.latest.is_some_and(|latest| until > latest),
        calendar: times.calendar.to_string(),
    }
}

/// Workdays after `from`, up to and with `to`, of those that the calendar knows.
fn workdays(from: Date, to: Date, calendar: &Calendar) -> u32 {
    let days = from.checked_add(1.day()).into_iter().flat_map(|first| first.series(1.day()));
    let worked = days.take_while(|day| *day <= to).filter(|day| calendar.is_workday(*day).unwrap_or(false));
    u32::try_from(worked.count()).unwrap_or(u32::MAX)
}

fn enrolled(of: &Enrolment, sku: &EnrolledSku, rules: &SourcingRules, stocks: &Stocks) -> EnrolledSkuView {
    let accepted = sku.verdict.refusals.is_empty();
    let live = || stocks.get(&(of.product.to_string(), sku.sku.clone())).copied();
    let stock = if accepted && of.is_open() { live() } else { None };
    let refusal = |r: &attribution_core::sourcing::SkuRefusal| RefusalView {
        code: code(r),
        zh: r.zh(),
        en: r.to_string(),
    };
    EnrolledSkuView {
        sku: sku.sku.clone(),
        channel_price_fen: sku.offer.channel_price.0,
        market_price_fen: sku.offer.market_price.0,
        low30_fen: sku.offer.low30.map(|low| low.0),
        accepted,
        refusals: sku.verdict.refusals.iter().map(refusal).collect(),
        needs_review: accepted && sku.verdict.needs_review,
        channel_stock: stock,
        warning: stock.filter(|stock| *stock < rules.min_stock).map(|_| "low_stock"),
    }
}
