//! Placements (推广位): where a promoter shares, each under one programme.

use super::feed::Numbers;
use super::insiders::refuse_without_promoters;
use super::promoters::find;
use super::rules;
use super::{checked_name, next_num};
use crate::api::{Only, PathId, Problem, Promoters, Write, WriteScope};
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::ids::{PlacementId, ProgrammeId, PromoterId};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_placement))
}

/// A placement to make.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PostPlacement {
    /// Its id; promoter and programme joined by a dot unless given.
    #[schema(value_type = Option<String>)]
    id: Option<PlacementId>,
    /// The programme its links belong to.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// Its name.
    name: Option<String>,
}

/// A placement as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PlacementView {
    id: String,
    num: i64,
    promoter: String,
    programme: String,
    name: String,
}

/// Makes a placement; asking for the same again finds it. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/placements", params(("id" = String, Path)),
    request_body(content = PostPlacement, example = json!({"id": "lily-wechat", "programme": "tea-rules"})),
    responses((status = 201, body = PlacementView), (status = 200, body = PlacementView),
              (status = 409, description = "`placement_taken`, or `no_promoters`: they have no share in the programme"))
)]
async fn post_placement(
    State(core): State<Core>,
    _: Only<Promoters>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<PostPlacement>,
) -> Result<Response, Problem> {
    let body = write.body;
    if let Some(name) = &body.name {
        checked_name("name", name)?;
    }
    let id = match &body.id {
        Some(id) => id.clone(),
        None => PlacementId::new(format!("{promoter}.{}", body.programme))
            .map_err(|e| Problem::invalid("id", e))?,
    };
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let numbers = Numbers::take(tx, 1)?;
            put_placement(tx, &promoter, &id, &body, numbers, scope)
        })
        .await
}

fn put_placement(
    tx: &mut dyn Tx,
    promoter: &PromoterId,
    id: &PlacementId,
    body: &PostPlacement,
    mut numbers: Numbers,
    scope: &WriteScope,
) -> Result<(StatusCode, PlacementView), Problem> {
    let owner = find(tx, promoter)?.ok_or_else(|| Problem::unknown("promoter", promoter))?;
    scope.principal.require_promoter_of(promoter.as_str(), owner.agency.as_deref())?;
    let programme = tx
        .query_opt("SELECT num FROM programmes WHERE id = $1", params![&body.programme])?
        .ok_or_else(|| Problem::unknown("programme", &body.programme))?
        .int(0)?;
    let name = body.name.clone().unwrap_or_else(|| id.to_string());
    let found =
        tx.query_opt("SELECT num, promoter, programme, name FROM placements WHERE id = $1", params![id])?;
    let view = |num, name| PlacementView {
        id: id.to_string(),
        num,
        promoter: promoter.to_string(),
        programme: body.programme.to_string(),
        name,
    };
    if let Some(row) = found {
        if (row.int(1)?, row.int(2)?) != (owner.num, programme) {
            return Err(Problem::conflict(
                "placement_taken",
                format!("placement {id} belongs to another promoter or programme"),
            ));
        }
        numbers.give_back(tx)?;
        return Ok((StatusCode::OK, view(row.int(0)?, row.text(3)?.to_owned())));
    }
    if scope.principal.require_operator().is_err() {
        refuse_anothers_name(tx, promoter, id)?;
    }
    let programme_now = rules::named(tx, programme)?;
    let rules_now = programme_now.in_force_or_first(scope.now).ok_or(StoreError::NoRow)?;
    refuse_without_promoters(&rules_now.policy.commission)?;
    let num = next_num(tx, "placement")?;
    tx.execute(
        "INSERT INTO placements (num, id, promoter, programme, name, created_at, change_no, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
        params![num, id, owner.num, programme, &name, scope.now, numbers.next()],
    )?;
    Ok((StatusCode::CREATED, view(num, name)))
}

/// Refuses a placement that is called as another promoter's would be without a wish: it would stand in their way.
fn refuse_anothers_name(tx: &mut dyn Tx, promoter: &PromoterId, id: &PlacementId) -> Result<(), Problem> {
    for (dot, _) in id.as_str().match_indices('.') {
        let front = &id.as_str()[..dot];
        let other =
            tx.query_opt("SELECT 1 FROM promoters WHERE id = $1 AND id <> $2", params![front, promoter])?;
        if other.is_some() {
            let detail = format!("placements that begin with {front}. are another promoter's");
            return Err(Problem::conflict("placement_taken", detail).about("id"));
        }
    }
    Ok(())
}
