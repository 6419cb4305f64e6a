//! `GET /v1/products/{id}/spread`: how many edges know what was said of a product last.
//!
//! Whoever withdraws a product sees here when it has stopped everywhere. An edge that was not heard of lately may still
//! serve the old state: it is listed, with its age.

use super::histories;
use crate::api::{PathId, Principal, Problem};
use crate::{Core, params};
use attribution_core::ids::ProductId;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(spread))
}

/// How far the last change of a product has come.
#[derive(Debug, Serialize, ToSchema)]
struct Spread {
    /// When it was changed last, UTC milliseconds.
    changed_at: i64,
    /// Edges that serve it as it is now.
    reached: usize,
    /// Edges that have not said so yet.
    behind: Vec<Behind>,
}

/// An edge that may still serve the product as it was.
#[derive(Debug, Serialize, ToSchema)]
struct Behind {
    edge: i64,
    /// When it was heard of last, UTC milliseconds; absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_at: Option<i64>,
}

/// How many edges know the last change of a product: its withdrawal, or that it is back. An edge says so with its next
/// report, a few seconds later. Operators, and the product's merchant.
#[utoipa::path(
    get, path = "/v1/products/{id}/spread", params(("id" = String, Path)),
    responses((status = 200, body = Spread))
)]
async fn spread(
    State(core): State<Core>,
    principal: Principal,
    PathId(product): PathId<ProductId>,
) -> Result<Json<Spread>, Problem> {
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt(
                    "SELECT merchant, change_no, changed_at FROM targets WHERE kind = 'product' AND id = $1",
                    params![&product],
                )?
                .ok_or_else(|| Problem::unknown("product", &product))?;
            principal.require_merchant(row.text(0)?)?;
            // Numbers of another history say nothing of this one.
            let history = histories::int(histories::current(tx)?);
            let edges = tx.query(
                "SELECT edge, heartbeat_at, CASE WHEN history = $1 AND applied >= $2 THEN 1 ELSE 0 END FROM edges \
                 ORDER BY edge",
                params![history, row.int(1)?],
            )?;
            let mut all = Spread { changed_at: row.int(2)?, reached: 0, behind: Vec::new() };
            for edge in &edges {
                match edge.flag(2)? {
                    true => all.reached += 1,
                    false => all.behind.push(Behind { edge: edge.int(0)?, heartbeat_at: edge.opt_int(1)? }),
                }
            }
            Ok(Json(all))
        })
        .await
}
