//! `POST /v1/plans` and `.../apply|approve|reject`: targeted plans (定向计划) and who takes part in them.

use super::plan_rates::{PlanRate, rates_of};
use super::rates_api::{NewRate, set};
use super::{not_before_settled, owner, refuse_back_dating, wake};
use crate::Core;
use crate::api::{
    ApiTime, Merchants, Only, Params, PathId, Principal, Problem, Promoters, Role, Write, WriteScope,
};
use crate::notices::write::{Kind, tell_by_id};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::{PlanId, ProgrammeId, PromoterId};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list, post_plan))
        .routes(routes!(apply))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

/// How applications are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Approval {
    /// At once, by themselves.
    Automatic,
    /// By the merchant.
    Manual,
}

/// A plan to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostPlan {
    /// Its id.
    #[schema(value_type = String)]
    id: PlanId,
    /// In which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// Its name.
    name: String,
    /// How applications are answered.
    approval: Approval,
    /// Its rates, at least one.
    rates: Vec<NewRate>,
    /// When it was added; now if absent. The programme's rules say when it takes effect: at once or at the next midnight.
    #[serde(default)]
    created_at: Option<ApiTime>,
    /// When it stops.
    #[serde(default)]
    closes_at: Option<ApiTime>,
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
struct PlanView {
    id: String,
    programme: String,
    /// The programme's name.
    programme_name: String,
    /// Who answers applications; the operator if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    /// The shop's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_name: Option<String>,
    name: String,
    approval: Approval,
    /// UTC milliseconds.
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_at: Option<i64>,
    /// What it pays now or will pay, newest first; the first 20.
    rates: Vec<PlanRate>,
    /// It has more rates than are listed.
    more_rates: bool,
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

pub(super) struct Plan {
    pub(super) merchant: Option<String>,
    name: String,
    auto: bool,
    closes: Option<Instant>,
}

const PLAN: &str = "SELECT id, programme, merchant, name, auto_approve, created_ms, closes_ms, \
                    (SELECT g.name FROM programmes g WHERE g.id = programme), \
                    (SELECT m.name FROM merchants m WHERE m.id = plans.merchant) FROM plans";

fn plan_view(tx: &mut dyn Tx, row: &Row, now: Instant) -> Result<PlanView, StoreError> {
    let (rates, more_rates) = rates_of(tx, row.text(1)?, row.text(0)?, now)?;
    Ok(PlanView {
        id: row.text(0)?.to_owned(),
        programme: row.text(1)?.to_owned(),
        merchant: row.opt_text(2)?.map(str::to_owned),
        merchant_name: row.opt_text(8)?.map(str::to_owned),
        name: row.text(3)?.to_owned(),
        approval: if row.flag(4)? { Approval::Automatic } else { Approval::Manual },
        created_at: row.int(5)?,
        closes_at: row.opt_int(6)?,
        programme_name: row.opt_text(7)?.unwrap_or_default().to_owned(),
        rates,
        more_rates,
    })
}

pub(super) fn find(tx: &mut dyn Tx, id: &PlanId) -> Result<Plan, Problem> {
    let row = tx
        .query_opt(&format!("{PLAN} WHERE id = $1"), params![id.as_str()])?
        .ok_or_else(|| Problem::unknown("plan", id))?;
    Ok(Plan {
        merchant: row.opt_text(2)?.map(str::to_owned),
        name: row.text(3)?.to_owned(),
        auto: row.flag(4)?,
        closes: row.opt_instant(6)?,
    })
}

/// Makes a targeted plan with its rates. Operators, and merchants: in their own programme, or for their own goods.
#[utoipa::path(
    post, path = "/v1/plans", request_body = PostPlan,
    responses((status = 201, body = PlanView), (status = 409, description = "There is a plan of this id"))
)]
async fn post_plan(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostPlan>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    if body.name.trim().is_empty() || body.name.chars().any(char::is_control) {
        return Err(Problem::invalid("name", "must not be empty or have control characters"));
    }
    if body.rates.is_empty() {
        return Err(Problem::invalid("rates", "a plan needs at least one rate"));
    }
    scope
        .run(&core, move |tx, scope| {
            let owner = owner(tx, &body.programme)?;
            let merchant = match scope.principal.role {
                Role::Merchant => scope.principal.subject.clone(),
                _ => owner,
            };
            match &merchant {
                Some(merchant) => scope.principal.require_merchant(merchant)?,
                None => scope.principal.require_operator()?,
            }
            if tx.query_opt(&format!("{PLAN} WHERE id = $1"), params![body.id.as_str()])?.is_some() {
                let detail = format!("there is a plan {} already", body.id);
                return Err(Problem::conflict("plan_exists", detail).about("id"));
            }
            let created = body.created_at.map_or(scope.now, ApiTime::instant);
            refuse_back_dating(&scope.principal, created, scope.now)?;
            not_before_settled(tx, &body.programme, "created_at", created, scope.now)?;
            let closes = body.closes_at.map(ApiTime::instant);
            if closes.is_some_and(|closes| closes <= created) {
                return Err(Problem::invalid("closes_at", "must be later than created_at"));
            }
            tx.execute(
                "INSERT INTO plans (id, programme, merchant, name, auto_approve, created_ms, closes_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![
                    body.id.as_str(),
                    &body.programme,
                    merchant.as_ref(),
                    &body.name,
                    body.approval == Approval::Automatic,
                    created,
                    closes
                ],
            )?;
            for (index, rate) in body.rates.iter().enumerate() {
                let rate = rate.clone().beginning_with(created);
                set(tx, &scope.principal, &body.programme, body.id.as_str(), &rate, index, scope.now)?;
            }
            let row = tx.query_one(&format!("{PLAN} WHERE id = $1"), params![body.id.as_str()])?;
            Ok((StatusCode::CREATED, plan_view(tx, &row, scope.now)?))
        })
        .await
}

/// Which plans.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OfProgramme {
    /// The programme.
    programme: String,
}

/// The plans of a programme with what they pay, for everybody who has a token: promoters choose among them.
#[utoipa::path(get, path = "/v1/plans", params(OfProgramme), responses((status = 200, body = Vec<PlanView>)))]
async fn list(
    State(core): State<Core>,
    _principal: Principal,
    Params(of): Params<OfProgramme>,
) -> Result<Json<Vec<PlanView>>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let rows =
                tx.query(&format!("{PLAN} WHERE programme = $1 ORDER BY id"), params![&of.programme])?;
            rows.iter().map(|row| Ok(plan_view(tx, row, now)?)).collect::<Result<Vec<_>, Problem>>()
        })
        .await
        .map(Json)
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
    responses((status = 200, body = ApplicationView))
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
    responses((status = 200, body = ApplicationView), (status = 409, description = "There is no open application"))
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
    let agency = tx
        .query_opt("SELECT agency FROM promoters WHERE id = $1", params![promoter])?
        .ok_or_else(|| Problem::unknown("promoter", promoter))?;
    match (step, &plan.merchant) {
        (Step::Apply, _) => {
            scope.principal.require_promoter_of(promoter.as_str(), agency.opt_text(0)?)?;
            if plan.closes.is_some_and(|closes| closes <= now) {
                return Err(Problem::conflict("plan_closed", format!("plan {id} is closed")));
            }
        }
        (_, Some(merchant)) => scope.principal.require_merchant(merchant)?,
        (_, None) => scope.principal.require_operator()?,
    }
    tx.lock(&format!("plan {id} {promoter}"))?;
    let last = tx.query_opt(
        "SELECT applied_ms, approved_ms, rejected_ms FROM plan_applications WHERE plan = $1 AND promoter = $2 \
         ORDER BY applied_ms DESC LIMIT 1",
        params![id.as_str(), promoter],
    )?;
    let last = match &last {
        Some(row) => Some((row.instant(0)?, row.opt_instant(1)?, row.opt_instant(2)?)),
        None => None,
    };
    let view = |state, applied: Instant| ApplicationView {
        plan: id.to_string(),
        promoter: promoter.to_string(),
        state,
        applied_at: applied.millis(),
    };
    let missing =
        || Problem::conflict("no_application", format!("promoter {promoter} has no open application"));
    let done = match (step, last) {
        (Step::Apply, Some((applied, approved, None))) => {
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
        (Step::Approve, Some((applied, None, None))) => {
            tx.execute(
                "UPDATE plan_applications SET approved_ms = $4 WHERE plan = $1 AND promoter = $2 AND applied_ms = $3",
                params![id.as_str(), promoter, applied, now],
            )?;
            tell_by_id(tx, promoter.as_str(), Kind::ApplicationApproved, id.as_str(), &plan.name, now)?;
            view("approved", applied)
        }
        (Step::Approve, Some((applied, Some(_), None))) => view("approved", applied),
        (Step::Reject, Some((applied, _, None))) => {
            tx.execute(
                "UPDATE plan_applications SET rejected_ms = $4 WHERE plan = $1 AND promoter = $2 AND applied_ms = $3",
                params![id.as_str(), promoter, applied, now],
            )?;
            tell_by_id(tx, promoter.as_str(), Kind::ApplicationRejected, id.as_str(), &plan.name, now)?;
            view("rejected", applied)
        }
        (Step::Reject, Some((applied, _, Some(_)))) => view("rejected", applied),
        (Step::Approve, _) | (Step::Reject, None) => return Err(missing()),
    };
    // Orders of this very second are judged by what holds from now on.
    wake(tx, now, now)?;
    Ok((StatusCode::OK, done))
}
