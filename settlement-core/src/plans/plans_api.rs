//! `POST` and `GET /v1/plans`: targeted plans (定向计划).

use super::plan_rates::{PlanRate, rates_of};
use super::rates_api::{NewRate, Setting};
use super::{commission_rules, find_programme, refuse_back_dating, refuse_without_targeted, wake};
use crate::Core;
use crate::api::{
    ApiTime, Cursor, Merchants, Only, Page, PageParams, Params, PathId, Principal, Problem, Role, Write,
    all_of,
};
use crate::catalogue::rules::Programme;
use crate::catalogue::{not_before_settled, refuse_without_promoters};
use crate::library_marks;
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::ids::{PlanId, ProgrammeId};
use attribution_core::policy::commission::CommissionPolicy;
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
    OpenApiRouter::new().routes(routes!(list, post_plan)).routes(routes!(close))
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
    /// It counts from here on by the rules in force, UTC milliseconds.
    effective_from: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_at: Option<i64>,
    /// What it pays now or will pay, newest first; the first 20.
    rates: Vec<PlanRate>,
    /// It has more rates than are listed.
    more_rates: bool,
}

pub(super) struct Plan {
    pub(super) programme: ProgrammeId,
    pub(super) merchant: Option<String>,
    pub(super) name: String,
    pub(super) auto: bool,
    pub(super) created: Instant,
    pub(super) closes: Option<Instant>,
}

impl Plan {
    /// Refuses whoever it does not belong to: its merchant, or the operators.
    pub(super) fn refuse_others(&self, principal: &Principal) -> Result<(), Problem> {
        match &self.merchant {
            Some(merchant) => principal.require_merchant(merchant),
            None => principal.require_operator(),
        }
    }
}

const PLAN: &str = "SELECT id, programme, merchant, name, auto_approve, created_ms, closes_ms, \
                    (SELECT g.name FROM programmes g WHERE g.id = programme), \
                    (SELECT m.name FROM merchants m WHERE m.id = plans.merchant) FROM plans";

fn plan_view(
    tx: &mut dyn Tx,
    row: &Row,
    rules: &CommissionPolicy,
    now: Instant,
) -> Result<PlanView, StoreError> {
    let begins = rules.targeted_effective.begin(row.instant(5)?);
    let (rates, more_rates) = rates_of(tx, row.text(1)?, row.text(0)?, begins, now)?;
    Ok(PlanView {
        id: row.text(0)?.to_owned(),
        programme: row.text(1)?.to_owned(),
        merchant: row.opt_text(2)?.map(str::to_owned),
        merchant_name: row.opt_text(8)?.map(str::to_owned),
        name: row.text(3)?.to_owned(),
        approval: if row.flag(4)? { Approval::Automatic } else { Approval::Manual },
        created_at: row.int(5)?,
        effective_from: begins.millis(),
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
        programme: read("programme id", row.text(1)?)?,
        merchant: row.opt_text(2)?.map(str::to_owned),
        name: row.text(3)?.to_owned(),
        auto: row.flag(4)?,
        created: row.instant(5)?,
        closes: row.opt_instant(6)?,
    })
}

/// Makes a targeted plan with its rates. Operators, and merchants: in their own programme, or for their own goods.
#[utoipa::path(
    post, path = "/v1/plans", request_body = PostPlan,
    responses((status = 201, body = PlanView),
              (status = 409, description = "`plan_exists`, or `no_targeted_plans`: the programme's rules look at none"))
)]
async fn post_plan(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostPlan>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    let named = !body.name.trim().is_empty() && !body.name.chars().any(char::is_control);
    let bad_name = || Problem::invalid("name", "must not be empty or have control characters");
    let no_rates = || Problem::invalid("rates", "a plan needs at least one rate");
    all_of([
        named.then_some(()).ok_or_else(bad_name),
        (!body.rates.is_empty()).then_some(()).ok_or_else(no_rates),
    ])?;
    scope.run(&core, move |tx, scope| make(tx, &scope.principal, &body, scope.now)).await
}

fn make(
    tx: &mut dyn Tx,
    principal: &Principal,
    body: &PostPlan,
    now: Instant,
) -> Result<(StatusCode, PlanView), Problem> {
    let programme = find_programme(tx, &body.programme)?;
    let merchant = merchant_of(principal, &programme)?;
    let (created, closes) =
        (body.created_at.map_or(now, ApiTime::instant), body.closes_at.map(ApiTime::instant));
    let rules = commission_rules(&programme, created)?;
    refuse_without_promoters(rules)?;
    refuse_without_targeted(rules)?;
    let there = tx.query_opt(&format!("{PLAN} WHERE id = $1"), params![body.id.as_str()])?;
    let exists =
        || Problem::conflict("plan_exists", format!("there is a plan {} already", body.id)).about("id");
    let opens = closes.is_none_or(|closes| closes > created);
    let setting = Setting { principal, programme: &programme, plan: body.id.as_str(), now };
    let rates: Vec<NewRate> = body.rates.iter().map(|rate| rate.clone().beginning_with(created)).collect();
    let own = [
        if there.is_some() { Err(exists()) } else { Ok(()) },
        refuse_back_dating(principal, "created_at", created, now),
        not_before_settled(tx, &body.programme, "created_at", created, now),
        opens.then_some(()).ok_or_else(|| Problem::invalid("closes_at", "must be later than created_at")),
    ];
    all_of(own.into_iter().chain(setting.check(tx, &rates)))?;
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
    setting.set(tx, &rates)?;
    let row = tx.query_one(&format!("{PLAN} WHERE id = $1"), params![body.id.as_str()])?;
    Ok((StatusCode::CREATED, plan_view(tx, &row, commission_rules(&programme, now)?, now)?))
}

/// Whose a new plan of a programme is: the merchant's who makes it, or that of the programme's owner, if that is one.
fn merchant_of(principal: &Principal, programme: &Programme) -> Result<Option<String>, Problem> {
    let merchant = match principal.role {
        Role::Merchant => principal.subject.clone(),
        _ => programme.merchant.as_ref().map(ToString::to_string),
    };
    match &merchant {
        Some(merchant) => principal.require_merchant(merchant)?,
        None => principal.require_operator()?,
    }
    Ok(merchant)
}

/// When a plan stops.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanEnd {
    /// From here on nobody applies and no order earns by it; now if absent. Only operators name a time that is over.
    #[serde(default)]
    at: Option<ApiTime>,
}

/// Closes a plan: orders placed until then earn by it, later ones do not. An end that has not come yet can be moved; a plan
/// that is closed stays closed. Operators, and the plan's merchant.
#[utoipa::path(
    post, path = "/v1/plans/{id}/close", params(("id" = String, Path)), request_body = PlanEnd,
    responses((status = 200, body = PlanView), (status = 409, description = "It is closed already"))
)]
async fn close(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<PlanId>,
    write: Write<PlanEnd>,
) -> Result<Response, Problem> {
    let Write { body: PlanEnd { at }, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let now = scope.now;
            tx.lock(&format!("plan {id}"))?;
            let plan = find(tx, &id)?;
            plan.refuse_others(&scope.principal)?;
            if plan.closes.is_some_and(|closes| closes <= now) {
                return Err(Problem::conflict("plan_closed", format!("plan {id} is closed already")));
            }
            let at = at.map_or(now, ApiTime::instant);
            if at <= plan.created {
                return Err(Problem::invalid("at", "must be later than created_at"));
            }
            refuse_back_dating(&scope.principal, "at", at, now)?;
            not_before_settled(tx, &plan.programme, "at", at, now)?;
            tx.execute("UPDATE plans SET closes_ms = $2 WHERE id = $1", params![id.as_str(), at])?;
            wake(tx, at, now)?;
            library_marks::plan(tx, id.as_str())?;
            let row = tx.query_one(&format!("{PLAN} WHERE id = $1"), params![id.as_str()])?;
            let programme = find_programme(tx, &plan.programme)?;
            Ok((StatusCode::OK, plan_view(tx, &row, commission_rules(&programme, now)?, now)?))
        })
        .await
}

/// Which plans.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfProgramme {
    /// The programme.
    #[param(value_type = String)]
    programme: ProgrammeId,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The plans of a programme with what they pay, for everybody who has a token: promoters choose among them.
#[utoipa::path(get, path = "/v1/plans", params(OfProgramme), responses((status = 200, body = Page<PlanView>), (status = 404, description = "No such programme")))]
async fn list(
    State(core): State<Core>,
    _principal: Principal,
    Params(of): Params<OfProgramme>,
) -> Result<Json<Page<PlanView>>, Problem> {
    let (page, Cursor(after)) = PageParams { limit: of.limit, cursor: of.cursor }.begin()?;
    let now = core.now();
    core.store()
        .read(move |tx| {
            let programme = find_programme(tx, &of.programme)?;
            let rules = commission_rules(&programme, now)?;
            let rows = tx.query(
                &format!("{PLAN} WHERE programme = $1 AND id > $2 ORDER BY id LIMIT $3"),
                params![&of.programme, &after, page.rows()],
            )?;
            let items =
                rows.iter().map(|row| plan_view(tx, row, rules, now)).collect::<Result<Vec<_>, _>>()?;
            Ok::<_, Problem>(page.cut(items, |plan| plan.id.clone()))
        })
        .await
        .map(Json)
}
