//! `POST /v1/rates`: rates by product, category or shop beside the programme's own.

use super::{commission_rules, find_programme, refuse_back_dating, wake};
use crate::Core;
use crate::api::{ApiTime, Merchants, Only, Principal, Problem, Role, Write, all_of};
use crate::catalogue::rules::Programme;
use crate::catalogue::{not_before_settled, refuse_without_promoters};
use crate::library_marks;
use crate::params;
use crate::store::Tx;
use attribution_core::ids::{CategoryId, MerchantId, PlanId, ProductId, ProgrammeId};
use attribution_core::money::BasisPoints;
use attribution_core::policy::commission::Class;
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::iter::once;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Rates of one request at most.
const RATES_MAX: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_rates))
}

/// What a rate is for, and how much. At most one of product, category and shop; none of them means everything.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRate {
    /// Only this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    product: Option<ProductId>,
    /// Only this category and those below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    category: Option<CategoryId>,
    /// Only this shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    shop: Option<MerchantId>,
    /// Only customers of this class, `new` or `returning`, if the rules in force at `from` tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    class: Option<Class>,
    /// Basis points, 0 to 10000; `null` says that this earns nothing.
    #[schema(value_type = Option<u32>, maximum = 10_000)]
    bp: Option<BasisPoints>,
    /// From here on; now if absent. Only operators name a time that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ApiTime>,
    /// Up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<ApiTime>,
}

impl NewRate {
    /// Begins with its plan, unless it says otherwise.
    pub(super) fn beginning_with(mut self, created: Instant) -> Self {
        self.from = self.from.or(Some(created.into()));
        self
    }
}

/// Rates to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostRates {
    /// In which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// For which targeted plan; the general plan if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    plan: Option<PlanId>,
    /// 1 to 1000. Of two that fit equally narrowly, the one that begins later counts; of two that begin together the one
    /// said last.
    rates: Vec<NewRate>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct RatesSet {
    /// Rates set.
    set: usize,
}

/// Sets rates. Operators for everything, merchants for their own shop and products, and in their own programmes for everything.
#[utoipa::path(
    post, path = "/v1/rates", request_body = PostRates,
    responses((status = 201, body = RatesSet),
              (status = 409, description = "`settled_since`: an order placed since then has settled; or `no_promoters`"))
)]
async fn post_rates(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostRates>,
) -> Result<Response, Problem> {
    let Write { body: PostRates { programme: id, plan, rates }, scope } = write;
    if rates.is_empty() || rates.len() > RATES_MAX {
        return Err(Problem::invalid("rates", format!("1 to {RATES_MAX}")));
    }
    scope
        .run(&core, move |tx, scope| {
            let programme = find_programme(tx, &id)?;
            let known = match &plan {
                Some(plan) => known_plan(tx, plan, &id),
                None => Ok(()),
            };
            let setting = Setting {
                principal: &scope.principal,
                programme: &programme,
                plan: plan.as_ref().map_or("", PlanId::as_str),
                now: scope.now,
            };
            all_of(once(known).chain(setting.check(tx, &rates)))?;
            setting.set(tx, &rates)?;
            Ok((StatusCode::CREATED, RatesSet { set: rates.len() }))
        })
        .await
}

fn known_plan(tx: &mut dyn Tx, plan: &PlanId, programme: &ProgrammeId) -> Result<(), Problem> {
    let sql = "SELECT 1 FROM plans WHERE id = $1 AND programme = $2";
    let found = tx.query_opt(sql, params![plan.as_str(), programme])?;
    found.map(drop).ok_or_else(|| Problem::unknown("plan", plan).about("plan"))
}

/// Who sets rates, and where.
pub(super) struct Setting<'a> {
    pub(super) principal: &'a Principal,
    pub(super) programme: &'a Programme,
    /// The targeted plan; empty for the general one.
    pub(super) plan: &'a str,
    pub(super) now: Instant,
}

impl Setting<'_> {
    /// What is wrong with any of these rates. What they say must fit the rules in force when they begin.
    pub(super) fn check(&self, tx: &mut dyn Tx, rates: &[NewRate]) -> Vec<Result<(), Problem>> {
        // Of the programme as a whole, and told once, however many rates there are.
        let paid = rates.iter().try_for_each(|rate| {
            refuse_without_promoters(commission_rules(self.programme, self.beginning(rate))?)
        });
        let each = rates.iter().enumerate().flat_map(|(index, rate)| self.check_one(tx, rate, index));
        once(paid).chain(each).collect()
    }

    fn check_one(&self, tx: &mut dyn Tx, rate: &NewRate, index: usize) -> [Result<(), Problem>; 5] {
        let Self { principal, programme, now, .. } = *self;
        let field = |name: &str| format!("rates[{index}].{name}");
        let from = self.beginning(rate);
        let lasts = rate.to.is_none_or(|to| to.instant() > from);
        [
            self.may_set(tx, rate, index),
            lasts.then_some(()).ok_or_else(|| Problem::invalid(&field("to"), "must be later than from")),
            refuse_back_dating(principal, &field("from"), from, now),
            self.check_class(rate, &field("class")),
            not_before_settled(tx, &programme.id, &field("from"), from, now),
        ]
    }

    fn check_class(&self, rate: &NewRate, field: &str) -> Result<(), Problem> {
        let rules = commission_rules(self.programme, self.beginning(rate))?;
        if rate.class.is_some() && rules.classes.is_none() {
            let why = "the programme's rules then do not tell new customers from returning ones";
            return Err(Problem::invalid(field, why));
        }
        Ok(())
    }

    fn beginning(&self, rate: &NewRate) -> Instant {
        rate.from.map_or(self.now, ApiTime::instant)
    }

    /// Sets rates with which [`check`](Self::check) found nothing wrong.
    pub(super) fn set(&self, tx: &mut dyn Tx, rates: &[NewRate]) -> Result<(), Problem> {
        tx.lock(&format!("rates {}", self.programme.id))?;
        rates.iter().enumerate().try_for_each(|(index, rate)| self.set_one(tx, rate, index))
    }

    fn set_one(&self, tx: &mut dyn Tx, rate: &NewRate, index: usize) -> Result<(), Problem> {
        let Self { programme, plan, now, .. } = *self;
        let programme = &programme.id;
        let (kind, subject) = subject(rate, index)?;
        let from = self.beginning(rate);
        let class = rate.class.map(|class| match class {
            Class::New => "new",
            Class::Returning => "returning",
        });
        tx.execute(
            "INSERT INTO rates (programme, number, plan, class, subject_kind, subject, bp, from_ms, to_ms, recorded_ms) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9 FROM rates WHERE programme = $1",
            params![
                programme,
                plan,
                class,
                kind,
                subject,
                rate.bp.map(|bp| i64::from(bp.points())),
                from,
                rate.to.map(ApiTime::instant),
                now
            ],
        )?;
        wake(tx, from, now)?;
        Ok(library_marks::subject(tx, programme.as_str(), kind, subject)?)
    }

    /// A merchant sets what its own goods pay, and nobody else's. A category has goods of many, except in a merchant's own
    /// programme. What a rate is for must be there: after a slip of the pen it would pay nobody.
    fn may_set(&self, tx: &mut dyn Tx, rate: &NewRate, index: usize) -> Result<(), Problem> {
        let (kind, subject) = subject(rate, index)?;
        let Self { principal, programme, .. } = *self;
        let field = if kind == "any" { format!("rates[{index}]") } else { format!("rates[{index}].{kind}") };
        let unknown = || Problem::unknown(kind, subject).fact("index", index).about(&field);
        let whose = match kind {
            "shop" => Some(subject.to_owned()),
            "product" => {
                let sql = "SELECT merchant FROM targets WHERE kind = 'product' AND id = $1";
                Some(tx.query_opt(sql, params![subject])?.ok_or_else(unknown)?.text(0)?.to_owned())
            }
            _ => programme.merchant.as_ref().map(ToString::to_string),
        };
        match (principal.role, whose) {
            (Role::Merchant, Some(whose)) => principal.require_merchant(&whose)?,
            (Role::Merchant, None) => {
                let why =
                    "in a platform's programme a merchant sets rates for its own shop and products only";
                return Err(Problem::forbidden(why).about(&field));
            }
            _ => principal.require_operator()?,
        }
        let known = match kind {
            "shop" => "SELECT 1 FROM merchants WHERE id = $1",
            "category" => "SELECT 1 FROM categories WHERE id = $1",
            _ => return Ok(()),
        };
        tx.query_opt(known, params![subject])?.ok_or_else(unknown)?;
        Ok(())
    }
}

/// What a rate is for: the kind, and which of them.
fn subject(rate: &NewRate, index: usize) -> Result<(&'static str, &str), Problem> {
    match (&rate.product, &rate.category, &rate.shop) {
        (Some(product), None, None) => Ok(("product", product.as_str())),
        (None, Some(category), None) => Ok(("category", category.as_str())),
        (None, None, Some(shop)) => Ok(("shop", shop.as_str())),
        (None, None, None) => Ok(("any", "")),
        _ => Err(Problem::invalid(&format!("rates[{index}]"), "at most one of product, category and shop")),
    }
}
