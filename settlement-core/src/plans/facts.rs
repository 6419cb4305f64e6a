//! Reading plans, rates and coupons for a decision.

use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::attribute::ExclusiveCoupon;
use attribution_core::commission::rate::{Application, TargetedPlan};
use attribution_core::ids::{CategoryId, MerchantId, ProductId, ProgrammeId, PromoterId};
use attribution_core::money::BasisPoints;
use attribution_core::policy::commission::{Class, PlanRef, Rate, Subject};
use attribution_core::time::{Instant, Period};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What one programme's commission rests on, beside its rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Terms {
    pub plans: Vec<TargetedPlan>,
    /// The programme has rates of its own beside the rules': they are read by the goods.
    pub has_rates: bool,
}

/// The plans of a programme with all applications.
///
/// # Errors
/// If the store fails.
pub(crate) fn terms(tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<Terms, StoreError> {
    let rows = tx.query(
        "SELECT p.id, p.created_ms, p.closes_ms, p.auto_approve, a.promoter, a.applied_ms, a.approved_ms, a.rejected_ms \
         FROM plans p LEFT JOIN plan_applications a ON a.plan = p.id WHERE p.programme = $1 \
         ORDER BY p.id, a.promoter, a.applied_ms",
        params![programme],
    )?;
    group(tx, programme, &rows)
}

/// The plans of a programme with one promoter's applications, or without any.
///
/// # Errors
/// If the store fails.
pub(crate) fn terms_of(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    promoter: Option<&PromoterId>,
) -> Result<Terms, StoreError> {
    let rows = tx.query(
        "SELECT p.id, p.created_ms, p.closes_ms, p.auto_approve, a.promoter, a.applied_ms, a.approved_ms, a.rejected_ms \
         FROM plans p LEFT JOIN plan_applications a ON a.plan = p.id AND a.promoter = $2 WHERE p.programme = $1 \
         ORDER BY p.id, a.applied_ms",
        params![programme, promoter],
    )?;
    group(tx, programme, &rows)
}

fn group(tx: &mut dyn Tx, programme: &ProgrammeId, rows: &[Row]) -> Result<Terms, StoreError> {
    let mut plans: Vec<TargetedPlan> = Vec::new();
    for row in rows {
        if plans.last().is_none_or(|plan| plan.id.as_str() != row.text(0).unwrap_or_default()) {
            plans.push(TargetedPlan {
                id: read("plan id", row.text(0)?)?,
                created: row.instant(1)?,
                closes: row.opt_instant(2)?,
                auto_approve: row.flag(3)?,
                applications: Vec::new(),
            });
        }
        if let (Some(promoter), Some(plan)) = (row.opt_text(4)?, plans.last_mut()) {
            plan.applications.push(Application {
                promoter: read("promoter id", promoter)?,
                applied: row.instant(5)?,
                approved: row.opt_instant(6)?,
                rejected: row.opt_instant(7)?,
            });
        }
    }
    let any = tx.query_opt("SELECT 1 FROM rates WHERE programme = $1 LIMIT 1", params![programme])?;
    Ok(Terms { plans, has_rates: any.is_some() })
}

/// Rates in the order in which they were said, which is that of their numbers: a clock may have jumped meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RecordedRates {
    rates: Vec<Rate>,
    recorded: Vec<Instant>,
}

impl RecordedRates {
    /// Those known at `known`.
    pub(crate) fn as_of(&self, known: Instant) -> Cow<'_, [Rate]> {
        if self.recorded.iter().all(|recorded| *recorded <= known) {
            return Cow::Borrowed(&self.rates);
        }
        let then = self.rates.iter().zip(&self.recorded).filter(|(_, recorded)| **recorded <= known);
        Cow::Owned(then.map(|(rate, _)| rate.clone()).collect())
    }
}

/// The rates of a programme that can concern these goods.
///
/// # Errors
/// If the store fails.
pub(crate) fn rates(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    product: &ProductId,
    categories: &[CategoryId],
    merchant: &MerchantId,
) -> Result<RecordedRates, StoreError> {
    let mut rows = tx.query(
        &format!(
            "{RATE_COLUMNS} WHERE programme = $1 AND ((subject_kind = 'product' AND subject = $2) \
             OR (subject_kind = 'shop' AND subject = $3) OR subject_kind = 'any')"
        ),
        params![programme, product, merchant],
    )?;
    for category in categories {
        rows.extend(tx.query(
            &format!("{RATE_COLUMNS} WHERE programme = $1 AND subject_kind = 'category' AND subject = $2"),
            params![programme, category],
        )?);
    }
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push((row.int(8)?, row.instant(7)?, rate(row)?));
    }
    found.sort_by_key(|(number, ..)| *number);
    let (recorded, rates) = found.into_iter().map(|(_, recorded, rate)| (recorded, rate)).unzip();
    Ok(RecordedRates { rates, recorded })
}

/// The columns of [`rate`].
pub(crate) const RATE_COLUMNS: &str =
    "SELECT plan, class, subject_kind, subject, bp, from_ms, to_ms, recorded_ms, number FROM rates";

pub(crate) fn rate(row: &Row) -> Result<Rate, StoreError> {
    let plan = match row.text(0)? {
        "" => PlanRef::General,
        id => PlanRef::Targeted(read("plan id", id)?),
    };
    let subject = match row.text(2)? {
        "product" => Subject::Product(read("product id", row.text(3)?)?),
        "category" => Subject::Category(read("category id", row.text(3)?)?),
        "shop" => Subject::Shop(read("merchant id", row.text(3)?)?),
        _ => Subject::Any,
    };
    let bp = row.opt_num(4)?.map(BasisPoints::new).transpose();
    Ok(Rate {
        plan,
        class: row.opt_text(1)?.map(class).transpose()?,
        subject,
        bp: bp.map_err(StoreError::corrupt("rate"))?,
        effective: Period { from: row.instant(5)?, to: row.opt_instant(6)? },
    })
}

fn class(stored: &str) -> Result<Class, StoreError> {
    match stored {
        "new" => Ok(Class::New),
        "returning" => Ok(Class::Returning),
        other => Err(StoreError::Corrupt { what: "class of a rate", cause: other.into() }),
    }
}

/// Whose a coupon code is, from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CouponOwner {
    from: Instant,
    to: Option<Instant>,
    promoter: PromoterId,
}

/// All owners of a coupon code, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn coupons(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    code: &str,
) -> Result<Vec<CouponOwner>, StoreError> {
    let rows = tx.query(
        "SELECT from_ms, to_ms, promoter FROM coupons WHERE programme = $1 AND code = $2 ORDER BY from_ms",
        params![programme, code],
    )?;
    let owner = |row: &Row| {
        let promoter = read("promoter id", row.text(2)?)?;
        Ok(CouponOwner { from: row.instant(0)?, to: row.opt_instant(1)?, promoter })
    };
    rows.iter().map(owner).collect()
}

/// Whose coupon an order carries, if its code belonged to one promoter at `at`.
pub(crate) fn owner_at(owners: &[CouponOwner], code: &str, at: Instant) -> Option<ExclusiveCoupon> {
    let then = owners.iter().filter(|owner| owner.from <= at && owner.to.is_none_or(|to| to > at));
    let owner = then.max_by_key(|owner| owner.from)?;
    Some(ExclusiveCoupon { code: code.to_owned(), promoter: owner.promoter.clone() })
}
