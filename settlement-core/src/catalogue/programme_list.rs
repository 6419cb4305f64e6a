//! Programmes as lists: `GET /v1/programmes` and `GET /v1/programmes/{id}` with every version of its rules.

use crate::Core;
use crate::api::{Cursor, Page, PageParams, Params, PathId, Principal, Problem, Role};
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::ids::ProgrammeId;
use attribution_core::policy::commission::{Party, PlanStep};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A programme in a list.
#[derive(Debug, Serialize, ToSchema)]
struct ProgrammeEntry {
    id: String,
    num: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    name: String,
    /// The version in force.
    version: i64,
    /// Whether its rules take products by enrolment.
    enrolments: bool,
    /// Whether its rules have video tasks.
    video_tasks: bool,
    /// Whether its rules look at targeted plans.
    targeted_plans: bool,
    /// Whether its rules tell new customers from returning ones.
    customer_classes: bool,
    /// Who shares a commission, in the order in which it is cut.
    split: Vec<PartysWeight>,
    created_at: i64,
}

/// One party's weight in the split.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct PartysWeight {
    #[schema(value_type = String)]
    party: Party,
    weight: u32,
}

/// One version of the rules.
#[derive(Debug, Serialize, ToSchema)]
struct VersionEntry {
    version: i64,
    /// UTC milliseconds.
    effective_from: i64,
    created_at: i64,
    /// Its rules, whole.
    #[schema(value_type = Object)]
    policy: Value,
}

/// A programme with all its versions.
#[derive(Debug, Serialize, ToSchema)]
struct ProgrammeWhole {
    #[serde(flatten)]
    programme: ProgrammeEntry,
    /// The rules in force now.
    #[schema(value_type = Object)]
    policy: Value,
    /// Newest first.
    versions: Vec<VersionEntry>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

const COLUMNS: &str = "SELECT g.id, g.num, g.platform, g.merchant, g.name, g.active_version, g.created_at, a.policy \
     FROM programmes g JOIN programme_versions a ON a.programme = g.num AND a.version = g.active_version";

/// What a list says of rules; the rest of them is skipped.
#[derive(Debug, Deserialize)]
struct Glance {
    eligibility: GlanceAtEligibility,
    commission: GlanceAtCommission,
    #[serde(default)]
    video_tasks: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct GlanceAtCommission {
    #[serde(default)]
    split: Vec<PartysWeight>,
    #[serde(default)]
    classes: Option<IgnoredAny>,
    #[serde(default)]
    plan_precedence: Vec<PlanStep>,
}

#[derive(Debug, Deserialize)]
struct GlanceAtEligibility {
    #[serde(default)]
    sourcing: Option<IgnoredAny>,
}

fn entry(row: &Row) -> Result<ProgrammeEntry, StoreError> {
    let rules: Glance = policy(row.text(7)?)?;
    Ok(ProgrammeEntry {
        enrolments: rules.eligibility.sourcing.is_some(),
        video_tasks: rules.video_tasks.is_some(),
        targeted_plans: rules.commission.plan_precedence.contains(&PlanStep::ApprovedTargeted),
        customer_classes: rules.commission.classes.is_some(),
        split: rules.commission.split,
        id: row.text(0)?.to_owned(),
        num: row.int(1)?,
        platform: row.opt_text(2)?.map(str::to_owned),
        merchant: row.opt_text(3)?.map(str::to_owned),
        name: row.text(4)?.to_owned(),
        version: row.int(5)?,
        created_at: row.int(6)?,
    })
}

/// Programmes by their ids: for a merchant its own and its platform's; for promoters, agencies and operators all, since
/// a promoter chooses among them.
#[utoipa::path(get, path = "/v1/programmes", params(PageParams), responses((status = 200, body = Page<ProgrammeEntry>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<ProgrammeEntry>>, Problem> {
    if principal.role == Role::Edge {
        return Err(Problem::forbidden("role edge may not do this"));
    }
    let (page, Cursor(after)) = paging.begin()?;
    let merchant = principal.subject.filter(|_| principal.role == Role::Merchant);
    let rows = core
        .store()
        .read(move |tx| {
            let sql = format!(
                "{COLUMNS} WHERE g.id > $1 AND (CAST($2 AS TEXT) IS NULL OR g.merchant = $2 \
                 OR g.platform = (SELECT m.platform FROM merchants m WHERE m.id = $2)) ORDER BY g.id LIMIT $3"
            );
            tx.query(&sql, params![&after, merchant.as_ref(), page.rows()])
        })
        .await?;
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |programme| programme.id.clone())))
}

/// A programme with every version of its rules. Operators, the merchant that owns it, and the merchants of the platform
/// that owns it.
#[utoipa::path(
    get, path = "/v1/programmes/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ProgrammeWhole))
)]
async fn one(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<ProgrammeId>,
) -> Result<Json<ProgrammeWhole>, Problem> {
    if principal.role != Role::Merchant {
        principal.require_operator()?;
    }
    let now = core.now();
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt(&format!("{COLUMNS} WHERE g.id = $1"), params![&id])?
                .ok_or_else(|| Problem::unknown("programme", &id))?;
            let programme = entry(&row)?;
            if principal.role == Role::Merchant {
                let own = principal.subject.as_deref().unwrap_or_default();
                let platform = tx.query_opt("SELECT platform FROM merchants WHERE id = $1", params![own])?;
                let platform = platform.as_ref().map(|row| row.text(0)).transpose()?;
                let theirs = programme.merchant.as_deref() == Some(own)
                    || (platform.is_some() && programme.platform.as_deref() == platform);
                if !theirs {
                    return Err(Problem::forbidden(format!("programme {id} is another merchant's")));
                }
            }
            let rows = tx.query(
                "SELECT version, effective_from, created_at, policy FROM programme_versions WHERE programme = $1 \
                 ORDER BY version DESC",
                params![programme.num],
            )?;
            let versions = rows.iter().map(version).collect::<Result<Vec<_>, _>>()?;
            let in_force = versions.iter().find(|v| Instant(v.effective_from) <= now).or(versions.last());
            let policy = in_force.map(|version| version.policy.clone()).unwrap_or_default();
            Ok::<_, Problem>(ProgrammeWhole { programme, policy, versions })
        })
        .await
        .map(Json)
}

fn version(row: &Row) -> Result<VersionEntry, StoreError> {
    Ok(VersionEntry {
        version: row.int(0)?,
        effective_from: row.int(1)?,
        created_at: row.int(2)?,
        policy: policy(row.text(3)?)?,
    })
}

fn policy<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt("policy"))
}
