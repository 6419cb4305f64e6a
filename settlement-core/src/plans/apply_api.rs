//! `POST /v1/plans/{id}/apply|approve|reject`: who takes part in a targeted plan.

use super::plans_api::{Plan, find};
use super::{commission_rules, find_programme, refuse_without_targeted, wake};
use crate::Core;
use crate::api::{Merchants, Only, PathId, Problem, Promoters, Write, WriteScope};
use crate::notices::write::{Kind, News, tell_by_id};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::{PlanId, PromoterId};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(apply)).routes(routes!(approve)).routes(routes!(reject))
}

/// Who applies, or whose application is answered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Applicant {
    /// The promoter.
    #[schema(value_type = String)]
    promoter: PromoterId,
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
struct ApplicationView {
    plan: String,
    promoter: String,
    /// `pending`, `approved` or `rejected`.
    state: &'static str,
    /// UTC milliseconds.
    applied_at: i64,
}

/// What happens to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Apply,
    Approve,
    Reject,
}

/// Applies to a plan. Operators, the promoter, the promoter's agency. Applying again while an application is open or
/// approved changes nothing.
#[utoipa::path(
    post, path = "/v1/plans/{id}/apply", params(("id" = String, Path)), request_body = Applicant,
    responses((status = 200, body = ApplicationView),
              (status = 409, description = "`plan_closed`, or `no_targeted_plans`: the programme's rules look at none"))
)]
async fn apply(
    State(core): State<Core>,
    _: Only<Promoters>,
    PathId(plan): PathId<PlanId>,
    write: Write<Applicant>,
) -> Result<Response, Problem> {
    change(core, plan, write, Step::Apply).await
}

/// Approves an application. Operators, and the plan's merchant.
#[utoipa::path(
    post, path = "/v1/plans/{id}/approve", params(("id" = String, Path)), request_body = Applicant,
    responses((status = 200, body = ApplicationView), (status = 409, description = "`no_application`, or `no_targeted_plans`"))
)]
async fn approve(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(plan): PathId<PlanId>,
    write: Write<Applicant>,
) -> Result<Response, Problem> {
    change(core, plan, write, Step::Approve).await
}

/// Rejects an application, or withdraws its approval. Operators, and the plan's merchant.
#[utoipa::path(
    post, path = "/v1/plans/{id}/reject", params(("id" = String, Path)), request_body = Applicant,
    responses((status = 200, body = ApplicationView), (status = 409, description = "There is no application"))
)]
async fn reject(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(plan): PathId<PlanId>,
    write: Write<Applicant>,
) -> Result<Response, Problem> {
    change(core, plan, write, Step::Reject).await
}

async fn change(core: Core, id: PlanId, write: Write<Applicant>, step: Step) -> Result<Response, Problem> {
    let Write { body: Applicant { promoter }, scope } = write;
    scope.run(&core, move |tx, scope| answer(tx, scope, &id, &promoter, step)).await
}

fn answer(
    tx: &mut dyn Tx,
    scope: &WriteScope,
    id: &PlanId,
    promoter: &PromoterId,
    step: Step,
) -> Result<(StatusCode, ApplicationView), Problem> {
    let now = scope.now;
    let plan = find(tx, id)?;
    refuse_unless_allowed(tx, scope, id, &plan, promoter, step)?;
    let programme = find_programme(tx, &plan.programme)?;
    let rules = commission_rules(&programme, now)?;
    if step != Step::Reject {
        refuse_without_targeted(rules)?;
    }
    tx.lock(&format!("plan {id} {promoter}"))?;
    let last = last(tx, id, promoter)?;
    let view = |state, applied: Instant| ApplicationView {
        plan: id.to_string(),
        promoter: promoter.to_string(),
        state,
        applied_at: applied.millis(),
    };
    let done = match (step, last) {
        (Step::Apply, Some(Application { applied, approved, rejected: None })) => {
            let state = if approved.is_some() || plan.auto { "approved" } else { "pending" };
            return Ok((StatusCode::OK, view(state, applied)));
        }
        (Step::Apply, _) => {
            tx.execute(
                "INSERT INTO plan_applications (plan, promoter, applied_ms, approved_ms) VALUES ($1, $2, $3, $4)",
                params![id.as_str(), promoter, now, plan.auto.then_some(now)],
            )?;
            view(if plan.auto { "approved" } else { "pending" }, now)
        }
        (Step::Approve, Some(Application { applied, approved, rejected: None })) => {
            if approved.is_none() {
                tx.execute(
                    "UPDATE plan_applications SET approved_ms = $4 \
                     WHERE plan = $1 AND promoter = $2 AND applied_ms = $3",
                    params![id.as_str(), promoter, applied, now],
                )?;
                let news = News::new(Kind::ApplicationApproved, id.as_str(), &plan.name)
                    .beginning(rules.targeted_effective.begin(plan.created));
                tell_by_id(tx, promoter.as_str(), news, now)?;
            }
            view("approved", applied)
        }
        (Step::Reject, Some(Application { applied, approved, rejected })) => {
            if rejected.is_none() {
                tx.execute(
                    "UPDATE plan_applications SET rejected_ms = $4 \
                     WHERE plan = $1 AND promoter = $2 AND applied_ms = $3",
                    params![id.as_str(), promoter, applied, now],
                )?;
                let kind =
                    if approved.is_some() { Kind::ApprovalWithdrawn } else { Kind::ApplicationRejected };
                tell_by_id(tx, promoter.as_str(), News::new(kind, id.as_str(), &plan.name), now)?;
            }
            view("rejected", applied)
        }
        (Step::Approve, _) | (Step::Reject, None) => {
            let detail = format!("promoter {promoter} has no open application");
            return Err(Problem::conflict("no_application", detail));
        }
    };
    // Orders of this very second are judged by what holds from now on.
    wake(tx, now, now)?;
    Ok((StatusCode::OK, done))
}

/// Refuses whoever may not take this step, and a step that the plan's time no longer allows.
fn refuse_unless_allowed(
    tx: &mut dyn Tx,
    scope: &WriteScope,
    id: &PlanId,
    plan: &Plan,
    promoter: &PromoterId,
    step: Step,
) -> Result<(), Problem> {
    let agency = tx
        .query_opt("SELECT agency FROM promoters WHERE id = $1", params![promoter])?
        .ok_or_else(|| Problem::unknown("promoter", promoter))?;
    if step != Step::Apply {
        return plan.refuse_others(&scope.principal);
    }
    scope.principal.require_promoter_of(promoter.as_str(), agency.opt_text(0)?)?;
    if plan.closes.is_some_and(|closes| closes <= scope.now) {
        return Err(Problem::conflict("plan_closed", format!("plan {id} is closed")));
    }
    Ok(())
}

/// An application, and what became of it.
struct Application {
    applied: Instant,
    approved: Option<Instant>,
    rejected: Option<Instant>,
}

/// The promoter's last application to the plan.
fn last(tx: &mut dyn Tx, plan: &PlanId, promoter: &PromoterId) -> Result<Option<Application>, StoreError> {
    let row = tx.query_opt(
        "SELECT applied_ms, approved_ms, rejected_ms FROM plan_applications WHERE plan = $1 AND promoter = $2 \
         ORDER BY applied_ms DESC LIMIT 1",
        params![plan.as_str(), promoter],
    )?;
    let read = |row: Row| {
        Ok(Application {
            applied: row.instant(0)?,
            approved: row.opt_instant(1)?,
            rejected: row.opt_instant(2)?,
        })
    };
    row.map(read).transpose()
}
