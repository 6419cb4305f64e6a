//! `/v1/merchants/{id}/sourcing-facts` and `/v1/products/{id}/sourcing-facts`: what the platform says of them.

use super::enrolment;
use super::facts::{Kind, find, keep};
use crate::Core;
use crate::api::{Only, Operators, PathId, Problem, Write};
use crate::params;
use attribution_core::ids::{MerchantId, ProductId};
use attribution_core::policy::eligibility::SourcingRules;
use attribution_core::sourcing::{Edit, EditVerdict, MerchantFacts, ProductFacts, ShipPromise, edit};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(merchant_facts, put_merchant_facts))
        .routes(routes!(product_facts, put_product_facts))
}

/// What the platform says of a merchant. Scores are in tenths.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MerchantSourcingFacts {
    /// The main business is consumer or industrial goods.
    consumer_or_industrial: bool,
    /// The level: 2 for L2.
    level: u8,
    /// How many products it sells one by one with shipping included (一件代发包邮).
    dropship_products: u32,
    /// 服务星级: 35 for 3.5.
    service_tenths: u8,
    /// 物流体验分.
    logistics_tenths: u8,
    /// 商品体验分.
    product_tenths: u8,
    /// All other risk figures are in order.
    risk_ok: bool,
}

impl From<MerchantSourcingFacts> for MerchantFacts {
    fn from(said: MerchantSourcingFacts) -> Self {
        Self {
            consumer_or_industrial: said.consumer_or_industrial,
            level: said.level,
            dropship_products: said.dropship_products,
            service_tenths: said.service_tenths,
            logistics_tenths: said.logistics_tenths,
            product_tenths: said.product_tenths,
            risk_ok: said.risk_ok,
        }
    }
}

/// What the platform says of a product.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductSourcingFacts {
    /// It is a consumer or industrial good.
    consumer_or_industrial: bool,
    /// One piece, shipping included (一件代发包邮).
    dropship_free_shipping: bool,
    /// Returns within seven days without a reason.
    seven_day_returns: bool,
    /// `hours24` or `hours48`, if the merchant promises to ship within that time.
    #[schema(value_type = Option<String>, example = "hours48")]
    ships_within: Option<ShipPromise>,
    /// 商品成长分.
    growth_score: u32,
    /// All other risk figures are in order.
    risk_ok: bool,
    /// It takes part in a group purchase (伙拼团) at the same time.
    group_purchase: bool,
}

impl From<ProductSourcingFacts> for ProductFacts {
    fn from(said: ProductSourcingFacts) -> Self {
        Self {
            consumer_or_industrial: said.consumer_or_industrial,
            dropship_free_shipping: said.dropship_free_shipping,
            seven_day_returns: said.seven_day_returns,
            ships_within: said.ships_within,
            growth_score: said.growth_score,
            risk_ok: said.risk_ok,
            group_purchase: said.group_purchase,
        }
    }
}

/// What was said of it last, as it is kept.
async fn said<F: DeserializeOwned + Send + 'static>(
    core: &Core,
    kind: Kind,
    id: String,
) -> Result<Json<F>, Problem> {
    let unknown = Problem::unknown("sourcing facts of", &id);
    core.store().read(move |tx| find(tx, kind, &id)).await?.map(Json).ok_or(unknown)
}

/// What was said last of level, scores and risk of a merchant; 404 if nothing was. Operators.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/sourcing-facts", params(("id" = String, Path)),
    responses((status = 200, body = MerchantSourcingFacts))
)]
async fn merchant_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(merchant): PathId<MerchantId>,
) -> Result<Json<MerchantSourcingFacts>, Problem> {
    said(&core, Kind::Merchant, merchant.to_string()).await
}

/// What was said last of promises, growth score and risk of a product; 404 if nothing was. Operators.
#[utoipa::path(
    get, path = "/v1/products/{id}/sourcing-facts", params(("id" = String, Path)),
    responses((status = 200, body = ProductSourcingFacts))
)]
async fn product_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(product): PathId<ProductId>,
) -> Result<Json<ProductSourcingFacts>, Problem> {
    said(&core, Kind::Product, product.to_string()).await
}

/// Says level, scores and risk of a merchant, as the platform sees them. Operators.
#[utoipa::path(
    put, path = "/v1/merchants/{id}/sourcing-facts", params(("id" = String, Path)),
    request_body = MerchantSourcingFacts, responses((status = 200, body = MerchantSourcingFacts))
)]
async fn put_merchant_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(merchant): PathId<MerchantId>,
    write: Write<MerchantSourcingFacts>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![&merchant])?
                .ok_or_else(|| Problem::unknown("merchant", &merchant))?;
            // An enrolment that is being made reads what is said here.
            tx.lock(&enrolment::merchant_lock_name(merchant.as_str()))?;
            keep(tx, Kind::Merchant, merchant.as_str(), &MerchantFacts::from(body), scope.now)?;
            Ok((StatusCode::OK, body))
        })
        .await
}

/// Says promises, growth score and risk of a product, as the platform sees them. A product that is enrolled cannot join a
/// group purchase. Operators.
#[utoipa::path(
    put, path = "/v1/products/{id}/sourcing-facts", params(("id" = String, Path)),
    request_body = ProductSourcingFacts,
    responses((status = 200, body = ProductSourcingFacts), (status = 409, description = "It is enrolled"))
)]
async fn put_product_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(product): PathId<ProductId>,
    write: Write<ProductSourcingFacts>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            tx.query_opt("SELECT 1 FROM targets WHERE kind = 'product' AND id = $1", params![&product])?
                .ok_or_else(|| Problem::unknown("product", &product))?;
            // An enrolment that is being made reads what is said here.
            tx.lock(&enrolment::lock_name(&product))?;
            let enrolled = enrolment::open_of(tx, &product, None)?;
            let verdict = edit(&SourcingRules::default(), Edit::JoinGroupPurchase);
            if let Some(enrolled) =
                enrolled.filter(|_| body.group_purchase && verdict == EditVerdict::Refused)
            {
                let detail = format!("enrolment {enrolled} is open: it must be left first");
                return Err(Problem::conflict("enrolled", detail));
            }
            keep(tx, Kind::Product, product.as_str(), &ProductFacts::from(body), scope.now)?;
            Ok((StatusCode::OK, body))
        })
        .await
}
