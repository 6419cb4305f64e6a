//! The selection library (选品库): products that a promoter has set aside, each as it stands now.

use super::offer_view::{OfferView, page_of};
use super::offers::Viewer;
use crate::Core;
use crate::api::{
    Nothing, Only, Page, PageParams, Params, PathId, Principal, Problem, Promoters, Write, visible,
};
use crate::params;
use crate::store::{Row, Tx};
use attribution_core::ids::{ProductId, PromoterId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Products one promoter may set aside.
const SELECTED_MAX: i64 = 10_000;

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Selected {
    promoter: String,
    product: String,
    /// It is in the library now.
    selected: bool,
}

/// A product set aside.
#[derive(Debug, Serialize, ToSchema)]
struct SelectedProduct {
    /// When, UTC milliseconds.
    selected_at: i64,
    #[serde(flatten)]
    product: OfferView,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(select, drop_it))
}

fn target_of(tx: &mut dyn Tx, product: &ProductId) -> Result<i64, Problem> {
    let row = tx
        .query_opt("SELECT num FROM targets WHERE kind = 'product' AND id = $1", params![product])?
        .ok_or_else(|| Problem::unknown("product", product))?;
    Ok(row.int(0)?)
}

/// Sets a product aside. Again changes nothing. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    put, path = "/v1/promoters/{id}/selection/{product}", params(("id" = String, Path), ("product" = String, Path)),
    responses((status = 200, body = Selected))
)]
async fn select(
    State(core): State<Core>,
    _: Only<Promoters>,
    PathId((promoter, product)): PathId<(PromoterId, ProductId)>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let Write { body: Nothing {}, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let num = visible(tx, &scope.principal, &promoter)?;
            let target = target_of(tx, &product)?;
            tx.lock(&format!("selection {num}"))?;
            let row = tx.query_one("SELECT COUNT(*) FROM selections WHERE promoter = $1", params![num])?;
            if row.int(0)? >= SELECTED_MAX {
                let why = format!("at most {SELECTED_MAX} products can be set aside");
                return Err(Problem::conflict("selection_full", why));
            }
            tx.execute(
                "INSERT INTO selections (promoter, target, selected_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (promoter, target) DO NOTHING",
                params![num, target, scope.now],
            )?;
            let (promoter, product) = (promoter.to_string(), product.to_string());
            Ok((StatusCode::OK, Selected { promoter, product, selected: true }))
        })
        .await
}

/// Takes a product out of the library; links made for it stay. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    delete, path = "/v1/promoters/{id}/selection/{product}", params(("id" = String, Path), ("product" = String, Path)),
    responses((status = 200, body = Selected))
)]
async fn drop_it(
    State(core): State<Core>,
    _: Only<Promoters>,
    PathId((promoter, product)): PathId<(PromoterId, ProductId)>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let Write { body: Nothing {}, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let num = visible(tx, &scope.principal, &promoter)?;
            let target = target_of(tx, &product)?;
            tx.execute("DELETE FROM selections WHERE promoter = $1 AND target = $2", params![num, target])?;
            let (promoter, product) = (promoter.to_string(), product.to_string());
            Ok((StatusCode::OK, Selected { promoter, product, selected: false }))
        })
        .await
}

/// The products set aside, newest first, each with what it offers this promoter now and whether it is dead (失效) and
/// why. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/selection", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<SelectedProduct>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<SelectedProduct>>, Problem> {
    let (page, after) = paging.begin()?;
    let [at, target] = after.numbers()?.unwrap_or([i64::MAX, i64::MAX]);
    let now = core.now();
    core.store()
        .read(move |tx| {
            let num = visible(tx, &principal, &promoter)?;
            let rows = tx.query(
                "SELECT target, selected_at, target FROM selections WHERE promoter = $1 \
                 AND (selected_at, target) < ($2, $3) ORDER BY selected_at DESC, target DESC LIMIT $4",
                params![num, at, target, page.rows()],
            )?;
            let entry = |row: &Row, product| Ok(SelectedProduct { selected_at: row.int(1)?, product });
            Ok::<_, Problem>(page_of(tx, Viewer::Promoter(promoter.clone()), page, &rows, now, entry)?)
        })
        .await
        .map(Json)
}
