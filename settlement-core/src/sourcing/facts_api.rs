//! `PUT /v1/merchants/{id}/sourcing-facts` and `PUT /v1/products/{id}/sourcing-facts`: what the platform says of them.

use super::enrolment;
use super::facts::{Kind, keep};
use crate::Core;
use crate::api::{Only, Operators, PathId, Problem, Write};
use crate::params;
use attribution_core::ids::{MerchantId, ProductId};
use attribution_core::policy::eligibility::SourcingRules;
use attribution_core::sourcing::{Edit, EditVerdict, MerchantFacts, ProductFacts, edit};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_merchant_facts)).routes(routes!(put_product_facts))
}

/// Level, scores (in tenths) and risk of a merchant, as the platform sees them. Operators. Fields:
/// `consumer_or_industrial`, `level`, `dropship_products`, `service_tenths`, `logistics_tenths`, `product_tenths`,
/// `risk_ok`.
#[utoipa::path(
    put, path = "/v1/merchants/{id}/sourcing-facts", params(("id" = String, Path)),
    request_body = serde_json::Value, responses((status = 200, body = serde_json::Value))
)]
async fn put_merchant_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(merchant): PathId<MerchantId>,
    write: Write<MerchantFacts>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_operator()?;
    scope
        .run(&core, move |tx, scope| {
            tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![&merchant])?
                .ok_or_else(|| Problem::unknown("merchant", &merchant))?;
            keep(tx, Kind::Merchant, merchant.as_str(), &body, scope.now)?;
            Ok((StatusCode::OK, body))
        })
        .await
}

/// Promises, growth score and risk of a product, as the platform sees them. Operators. Fields:
/// `consumer_or_industrial`, `dropship_free_shipping`, `seven_day_returns`, `ships_within` (`hours24`, `hours48` or
/// nothing), `growth_score`, `risk_ok`, `group_purchase`. A product that is enrolled cannot join a group purchase.
#[utoipa::path(
    put, path = "/v1/products/{id}/sourcing-facts", params(("id" = String, Path)),
    request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value), (status = 409, description = "It is enrolled"))
)]
async fn put_product_facts(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(product): PathId<ProductId>,
    write: Write<ProductFacts>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_operator()?;
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
            keep(tx, Kind::Product, product.as_str(), &body, scope.now)?;
            Ok((StatusCode::OK, body))
        })
        .await
}
