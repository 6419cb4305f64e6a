//! `GET /v1/relations`: under whom a buyer is recorded (关系查询).

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::relations::relations;
use crate::Core;
use crate::api::{ApiTime, Params, Principal, Problem};
use crate::names::{Noun, name_of};
use crate::params;
use crate::store::read;
use attribution_core::fold::Relation;
use attribution_core::ids::{BuyerId, MerchantId, PlatformId, ProductId};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(relations_of))
}

/// Whose relation, where, when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RelationQuery {
    /// The buyer's account.
    #[param(value_type = String)]
    buyer: BuyerId,
    /// The shop.
    #[param(value_type = String)]
    merchant: MerchantId,
    /// Only for this product, in programmes that count by product.
    #[param(value_type = Option<String>)]
    product: Option<ProductId>,
    /// At this instant (RFC 3339 or UTC milliseconds); now if absent.
    at: Option<String>,
}

/// Under whom a buyer is recorded.
#[derive(Debug, Serialize, ToSchema)]
struct Relations {
    /// The buyer.
    buyer: String,
    /// The shop.
    merchant: String,
    /// The instant asked for, UTC milliseconds.
    #[schema(value_type = i64)]
    at: Instant,
    /// One entry per programme, and per product where the programme counts by product.
    relations: Vec<RelationEntry>,
    /// The names of the promoters, by their ids.
    promoters: BTreeMap<String, String>,
}

/// Under whom, in one programme.
#[derive(Debug, Serialize, ToSchema)]
struct RelationEntry {
    /// The programme.
    programme: String,
    /// Its name.
    programme_name: Option<String>,
    /// The version of its rules in force then.
    programme_version: u32,
    /// The product, where the programme counts by product.
    product: Option<String>,
    /// Its name, if the catalogue has it.
    title: Option<String>,
    /// The relation at the instant; null if nobody holds the buyer.
    #[schema(value_type = Option<Object>)]
    relation: Option<Relation>,
    /// Earlier relations, oldest first, with how each ended.
    #[schema(value_type = Vec<Object>)]
    earlier: Vec<Relation>,
}

/// Under whom a buyer is recorded at a shop (关系查询), with the history.
#[utoipa::path(
    get,
    path = "/v1/relations",
    params(RelationQuery),
    responses((status = 200, body = Relations), (status = 404, description = "No such merchant"))
)]
async fn relations_of(
    State(core): State<Core>,
    principal: Principal,
    Params(query): Params<RelationQuery>,
) -> Result<Json<Relations>, Problem> {
    principal.require_merchant(query.merchant.as_str())?;
    let at = match &query.at {
        None => core.now(),
        Some(text) => text
            .parse::<ApiTime>()
            .map_err(|_| Problem::invalid("at", "neither RFC 3339 nor UTC milliseconds"))?
            .instant(),
    };
    core.store()
        .read(move |tx| {
            let merchant = &query.merchant;
            let row = tx
                .query_opt("SELECT platform FROM merchants WHERE id = $1", params![merchant])?
                .ok_or_else(|| Problem::unknown("merchant", merchant))?;
            let platform: PlatformId = read("platform id", row.text(0)?)?;
            let held = relations(tx, &platform, merchant, &query.buyer, query.product.as_ref(), at)?;
            let mut entries = Vec::with_capacity(held.len());
            let mut promoters = BTreeMap::new();
            for held in held {
                for of in held.relation.iter().chain(&held.earlier) {
                    if let Some(name) = name_of(tx, Noun::Promoter, of.promoter.as_str())? {
                        promoters.insert(of.promoter.to_string(), name);
                    }
                }
                let product = held.product.as_ref().map(ProductId::as_str);
                let title = product.map_or(Ok(None), |id| name_of(tx, Noun::Product, id))?;
                entries.push(RelationEntry {
                    programme_name: name_of(tx, Noun::Programme, held.programme.as_str())?,
                    programme: held.programme.to_string(),
                    programme_version: held.version,
                    product: held.product.map(|product| product.to_string()),
                    title,
                    relation: held.relation,
                    earlier: held.earlier,
                });
            }
            let (buyer, merchant) = (query.buyer.to_string(), merchant.to_string());
            Ok::<_, Problem>(Relations { buyer, merchant, at, relations: entries, promoters })
        })
        .await
        .map(Json)
}
