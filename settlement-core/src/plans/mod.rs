//! What a commission rests on beside the rules themselves: targeted plans with their applications, merchants' rates,
//! exclusive coupon codes. [`facts`] is what a decision reads of it.

mod applications_api;
mod apply_api;
mod coupons_api;
pub(crate) mod facts;
mod plan_rates;
mod plans_api;
mod rate_list_api;
mod rates_api;

use crate::Core;
use crate::api::{Principal, Problem};
use crate::catalogue::rules::{Programme, of_id};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::ProgrammeId;
use attribution_core::policy::commission::CommissionPolicy;
use attribution_core::time::Instant;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    plans_api::routes()
        .merge(apply_api::routes())
        .merge(rates_api::routes())
        .merge(rate_list_api::routes())
        .merge(coupons_api::routes())
        .merge(applications_api::routes())
}

/// The merchant a programme belongs to; `None` if it is a platform's.
fn owner(tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<Option<String>, Problem> {
    let row = tx
        .query_opt("SELECT merchant FROM programmes WHERE id = $1", params![programme])?
        .ok_or_else(|| Problem::unknown("programme", programme))?;
    Ok(row.opt_text(0)?.map(str::to_owned))
}

/// A programme with all versions of its rules.
fn find_programme(tx: &mut dyn Tx, id: &ProgrammeId) -> Result<Programme, Problem> {
    of_id(tx, id)?.ok_or_else(|| Problem::unknown("programme", id).about("programme"))
}

/// What a programme's rules in force at `at` say of commissions; before the first of them are, what those will say.
fn commission_rules(programme: &Programme, at: Instant) -> Result<&CommissionPolicy, StoreError> {
    let version = programme.in_force_or_first(at).ok_or(StoreError::NoRow)?;
    Ok(&version.policy.commission)
}

/// Refuses a programme whose rules look at no targeted plan: nobody would be paid by one.
fn refuse_without_targeted(rules: &CommissionPolicy) -> Result<(), Problem> {
    if rules.has_targeted_plans() {
        return Ok(());
    }
    let detail = "targeted plans do not count in this programme";
    Err(Problem::conflict("no_targeted_plans", detail).about("programme"))
}

/// Only operators date back what orders are paid by: a merchant could take away what was promised for orders that it has
/// already.
fn refuse_back_dating(
    principal: &Principal,
    field: &str,
    from: Instant,
    now: Instant,
) -> Result<(), Problem> {
    if from < now && principal.require_operator().is_err() {
        return Err(Problem::forbidden("only operators may date a change back").about(field));
    }
    Ok(())
}

/// Orders that are still open are judged again if something begins in the past.
fn wake(tx: &mut dyn Tx, from: Instant, now: Instant) -> Result<(), StoreError> {
    if from <= now { crate::wake::since(tx, from) } else { Ok(()) }
}
