//! Applications to targeted plans as lists: a plan's (`GET /v1/plans/{id}/applications`), a promoter's
//! (`GET /v1/promoters/{id}/applications`), and those a merchant answers (`GET /v1/merchants/{id}/applications`).

use super::plans_api::find;
use crate::Core;
use crate::api::visible;
use crate::api::{Cursor, Page, PageParams, Params, PathId, Principal, Problem, Role};
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::ids::{MerchantId, PlanId, PromoterId};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(of_plan)).routes(routes!(of_promoter)).routes(routes!(of_merchant))
}

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// Nobody has answered it.
    Pending,
    /// The promoter takes part.
    Approved,
    /// Refused, or the approval was withdrawn.
    Rejected,
}

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<Standing>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An application in a list.
#[derive(Debug, Serialize, ToSchema)]
struct ApplicationEntry {
    plan: String,
    plan_name: String,
    programme: String,
    promoter: String,
    promoter_name: String,
    state: Standing,
    /// UTC milliseconds.
    applied_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_at: Option<i64>,
}

const STATE: &str = "CASE WHEN a.rejected_ms IS NOT NULL THEN 'rejected' \
     WHEN a.approved_ms IS NOT NULL THEN 'approved' ELSE 'pending' END";

/// The entries of one subject, newest first: `subject` is a condition with `$1`.
async fn entries(
    core: &Core,
    subject: &'static str,
    of: String,
    wanted: Wanted,
) -> Result<Json<Page<ApplicationEntry>>, Problem> {
    let (page, after) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let (at, [plan, promoter]) = after.number_and_texts()?.unwrap_or((i64::MAX, Default::default()));
    let state = wanted.state.map(Standing::name);
    let rows = core
        .store()
        .read(move |tx| {
            let sql = format!(
                "SELECT a.plan, p.name, p.programme, a.promoter, r.name, {STATE}, a.applied_ms, a.approved_ms, \
                 a.rejected_ms FROM plan_applications a JOIN plans p ON p.id = a.plan \
                 JOIN promoters r ON r.id = a.promoter WHERE {subject} = $1 \
                 AND (CAST($2 AS TEXT) IS NULL OR {STATE} = $2) \
                 AND (a.applied_ms < $3 OR (a.applied_ms = $3 AND (a.plan, a.promoter) > ($4, $5))) \
                 ORDER BY a.applied_ms DESC, a.plan, a.promoter LIMIT $6"
            );
            tx.query(&sql, params![&of, state, at, &plan, &promoter, page.rows()])
        })
        .await?;
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |a| Cursor::of_number_and_texts(a.applied_at, [&a.plan, &a.promoter]))))
}

fn entry(row: &Row) -> Result<ApplicationEntry, StoreError> {
    Ok(ApplicationEntry {
        plan: row.text(0)?.to_owned(),
        plan_name: row.text(1)?.to_owned(),
        programme: row.text(2)?.to_owned(),
        promoter: row.text(3)?.to_owned(),
        promoter_name: row.text(4)?.to_owned(),
        state: match row.text(5)? {
            "rejected" => Standing::Rejected,
            "approved" => Standing::Approved,
            _ => Standing::Pending,
        },
        applied_at: row.int(6)?,
        approved_at: row.opt_int(7)?,
        rejected_at: row.opt_int(8)?,
    })
}

/// The applications to a plan, newest first. Operators, and the plan's merchant.
#[utoipa::path(
    get, path = "/v1/plans/{id}/applications", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<ApplicationEntry>))
)]
async fn of_plan(
    State(core): State<Core>,
    principal: Principal,
    PathId(plan): PathId<PlanId>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<ApplicationEntry>>, Problem> {
    if principal.role != Role::Merchant {
        principal.require_operator()?;
    }
    let id = plan.clone();
    core.store().read(move |tx| find(tx, &id)?.refuse_others(&principal)).await?;
    entries(&core, "a.plan", plan.to_string(), wanted).await
}

/// The applications of a promoter, newest first. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/applications", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<ApplicationEntry>))
)]
async fn of_promoter(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<ApplicationEntry>>, Problem> {
    let id = promoter.clone();
    core.store().read(move |tx| visible(tx, &principal, &id).map(|_| ())).await?;
    entries(&core, "a.promoter", promoter.to_string(), wanted).await
}

/// The applications to all plans of a merchant, newest first. Operators, and the merchant.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/applications", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<ApplicationEntry>))
)]
async fn of_merchant(
    State(core): State<Core>,
    principal: Principal,
    PathId(merchant): PathId<MerchantId>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<ApplicationEntry>>, Problem> {
    principal.require_merchant(merchant.as_str())?;
    entries(&core, "p.merchant", merchant.to_string(), wanted).await
}
