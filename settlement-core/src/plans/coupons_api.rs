//! `POST /v1/coupons`: coupon codes that belong to one promoter.

use super::facts::coupons;
use super::{not_before_settled, owner, refuse_back_dating, wake};
use crate::Core;
use crate::api::{ApiTime, Merchants, Only, Problem, Write};
use crate::earlier::{self, Fact};
use crate::orders::event::TEXT_MAX;
use crate::params;
use attribution_core::ids::{ProgrammeId, PromoterId};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_coupon))
}

/// A code that belongs to one promoter. Where the programme's rules say so, an order with it is that promoter's.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostCoupon {
    /// In which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// The code, as it comes with orders.
    code: String,
    /// Whose it is.
    #[schema(value_type = String)]
    promoter: PromoterId,
    /// From here on; now if absent. Only operators name a time that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ApiTime>,
    /// Up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<ApiTime>,
}

/// Gives a code to a promoter, instead of whoever had it before. Operators, and the merchant that owns the programme.
#[utoipa::path(
    post, path = "/v1/coupons", request_body = PostCoupon,
    responses((status = 201, body = PostCoupon), (status = 409, description = "An order placed since then has settled"))
)]
async fn post_coupon(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostCoupon>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    let bad = body.code.is_empty() || body.code.len() > TEXT_MAX || body.code.chars().any(char::is_control);
    if bad {
        return Err(Problem::invalid("code", format!("1 to {TEXT_MAX} bytes without control characters")));
    }
    scope
        .run(&core, move |tx, scope| {
            match owner(tx, &body.programme)? {
                Some(merchant) => scope.principal.require_merchant(&merchant)?,
                None => scope.principal.require_operator()?,
            }
            tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![&body.promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &body.promoter))?;
            let from = body.from.map_or(scope.now, ApiTime::instant);
            let to = body.to.map(ApiTime::instant);
            if to.is_some_and(|to| to <= from) {
                return Err(Problem::invalid("to", "must be later than from"));
            }
            refuse_back_dating(&scope.principal, from, scope.now)?;
            not_before_settled(tx, &body.programme, "from", from, scope.now)?;
            let fact = Fact::Coupons { programme: &body.programme, code: &body.code };
            let before = coupons(tx, &body.programme, &body.code)?;
            earlier::keep(tx, fact, &before, scope.now)?;
            tx.execute(
                "INSERT INTO coupons (programme, code, from_ms, to_ms, promoter, recorded_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (programme, code, from_ms) DO UPDATE SET \
                 promoter = excluded.promoter, to_ms = excluded.to_ms, recorded_ms = excluded.recorded_ms",
                params![&body.programme, &body.code, from, to, &body.promoter, scope.now],
            )?;
            wake(tx, from, scope.now)?;
            Ok((StatusCode::CREATED, body.clone()))
        })
        .await
}
