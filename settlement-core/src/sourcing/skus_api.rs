//! `GET` and `PUT /v1/products/{id}/skus`, and `POST /v1/products/{id}/skus/delete`.

use super::enrolment;
use super::skus::{self, ReportedLow, Sku};
use crate::Core;
use crate::api::{Merchants, Only, PathId, Principal, Problem, Write, all_of, check_name};
use crate::order_events::AMOUNT_MAX_FEN;
use crate::params;
use crate::store::Tx;
use attribution_core::ids::ProductId;
use attribution_core::money::Fen;
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
    OpenApiRouter::new().routes(routes!(list, put_sku)).routes(routes!(delete_sku))
}

/// A SKU's price and stock on the market.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutSku {
    /// The SKU.
    #[schema(example = "cup-316-red")]
    sku: String,
    /// The list price for one piece with shipping, fen.
    #[schema(minimum = 1)]
    price_fen: i64,
    /// Pieces in stock; a channel sells from the same.
    stock: u32,
    /// The lowest deal of the last 30 days as the platform reports it, fen; it counts for 30 days from now. Operators
    /// only; orders that are reported here with their SKU count by themselves.
    #[serde(default)]
    low30_fen: Option<i64>,
}

/// A SKU.
#[derive(Debug, Serialize, ToSchema)]
struct SkuView {
    /// The SKU.
    sku: String,
    /// The list price, fen.
    price_fen: i64,
    /// Pieces in stock.
    stock: u32,
    /// The lowest deal of the last 30 days, fen; absent if there was none. Deals through channels do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    low30_fen: Option<i64>,
    /// The open enrolment it takes part in.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolment: Option<String>,
}

/// Which SKU.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The SKU.
    sku: String,
}

fn view(tx: &mut dyn Tx, product: &ProductId, of: &Sku, now: Instant) -> Result<SkuView, Problem> {
    Ok(SkuView {
        sku: of.sku.clone(),
        price_fen: of.price.0,
        stock: of.stock,
        low30_fen: of.low30(tx, product, now)?.map(|low| low.0),
        enrolment: enrolment::open_of(tx, product, Some(&of.sku))?,
    })
}

/// The merchant of a product.
pub(super) fn merchant_of(tx: &mut dyn Tx, product: &ProductId) -> Result<String, Problem> {
    let row = tx
        .query_opt("SELECT merchant FROM targets WHERE kind = 'product' AND id = $1", params![product])?
        .ok_or_else(|| Problem::unknown("product", product))?;
    Ok(row.text(0)?.to_owned())
}

/// Says what a SKU costs and how many there are. Operators, and the product's merchant. An enrolment stands whatever the
/// market's price becomes; its channel sells from this stock.
#[utoipa::path(
    put, path = "/v1/products/{id}/skus", params(("id" = String, Path)), request_body = PutSku,
    responses((status = 200, body = SkuView))
)]
async fn put_sku(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(product): PathId<ProductId>,
    write: Write<PutSku>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    if body.low30_fen.is_some() && scope.principal.require_operator().is_err() {
        return Err(Problem::forbidden("only operators report the lowest deal"));
    }
    let amount = |field, fen| {
        let known = (1..=AMOUNT_MAX_FEN).contains(&fen);
        known.then_some(()).ok_or_else(|| Problem::invalid(field, format!("1 to {AMOUNT_MAX_FEN}")))
    };
    all_of([
        check_name("sku", &body.sku),
        amount("price_fen", body.price_fen),
        body.low30_fen.map_or(Ok(()), |fen| amount("low30_fen", fen)),
    ])?;
    scope
        .run(&core, move |tx, scope| {
            let merchant = merchant_of(tx, &product)?;
            scope.principal.require_merchant(&merchant)?;
            // An enrolment that is being made reads what is said here.
            tx.lock(&enrolment::lock_name(&product))?;
            let new = Sku {
                sku: body.sku.clone(),
                price: Fen(body.price_fen),
                stock: body.stock,
                reported_low: body.low30_fen.map(|low| ReportedLow { low: Fen(low), at: scope.now }),
            };
            skus::put(tx, &product, &new, scope.now)?;
            // What was not said this time, such as the reported low, stands as it was.
            let kept =
                skus::find(tx, &product, &new.sku)?.ok_or_else(|| Problem::unknown("SKU", &new.sku))?;
            Ok((StatusCode::OK, view(tx, &product, &kept, scope.now)?))
        })
        .await
}

/// A SKU is no longer sold. One that is enrolled cannot be deleted: the enrolment must be left first.
#[utoipa::path(
    post, path = "/v1/products/{id}/skus/delete", params(("id" = String, Path)), request_body = Which,
    responses((status = 200, body = SkuView), (status = 409, description = "It is enrolled"))
)]
async fn delete_sku(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(product): PathId<ProductId>,
    write: Write<Which>,
) -> Result<Response, Problem> {
    let Write { body: Which { sku }, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let merchant = merchant_of(tx, &product)?;
            scope.principal.require_merchant(&merchant)?;
            // An enrolment that is being made reads what is deleted here.
            tx.lock(&enrolment::lock_name(&product))?;
            let of = skus::find(tx, &product, &sku)?.ok_or_else(|| Problem::unknown("SKU", &sku))?;
            if let Some(enrolment) = enrolment::open_of(tx, &product, Some(&sku))? {
                let detail = format!("enrolment {enrolment} is open: it must be left first");
                return Err(Problem::conflict("enrolled", detail));
            }
            let last = view(tx, &product, &of, scope.now)?;
            skus::delete(tx, &product, &sku, scope.now)?;
            Ok((StatusCode::OK, last))
        })
        .await
}

/// A product's SKUs. Operators, and the product's merchant.
#[utoipa::path(
    get, path = "/v1/products/{id}/skus", params(("id" = String, Path)),
    responses((status = 200, body = Vec<SkuView>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(product): PathId<ProductId>,
) -> Result<Json<Vec<SkuView>>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            principal.require_merchant(&merchant_of(tx, &product)?)?;
            let all = skus::of_product(tx, &product)?;
            all.iter().map(|sku| view(tx, &product, sku, now)).collect::<Result<Vec<_>, Problem>>()
        })
        .await
        .map(Json)
}
