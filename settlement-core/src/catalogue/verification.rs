//! `PUT /v1/promoters/{id}/verification`: whether a promoter is a member whose real name is verified.
//!
//! A platform that checks its members itself never says so here, and vouches for all whom it registers. Once it has
//! said so of a promoter, the programme's demands are checked here: a verified membership, and a bound account that is
//! verified too.

use crate::api::{Only, Operators, PathId, Problem, Write};
use crate::ledger::account::owner_of;
use crate::payout_accounts::bindings::bound;
use crate::store::Tx;
use crate::{Core, params};
use attribution_core::commission::Payee;
use attribution_core::ids::PromoterId;
use attribution_core::policy::eligibility::EligibilityPolicy;
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_verification))
}

/// What is known of a promoter's membership.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Verification {
    /// The member's real name is verified.
    member: bool,
}

/// Says whether a promoter's membership is verified. Operators. From then on links of a programme that demands it take
/// a verified membership and a verified payout account.
#[utoipa::path(
    put, path = "/v1/promoters/{id}/verification", params(("id" = String, Path)),
    request_body = Verification, responses((status = 200, body = Verification))
)]
async fn put_verification(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<Verification>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &promoter))?;
            tx.execute(
                "INSERT INTO promoter_verifications (promoter, member, recorded_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (promoter) DO UPDATE SET member = excluded.member, recorded_ms = excluded.recorded_ms",
                params![&promoter, body.member, scope.now],
            )?;
            Ok((StatusCode::OK, body.clone()))
        })
        .await
}

/// Refuses a promoter who lacks what the programme demands.
pub(super) fn refuse_unverified(
    tx: &mut dyn Tx,
    promoter: &str,
    demands: &EligibilityPolicy,
    now: Instant,
) -> Result<(), Problem> {
    if !demands.verified_member && !demands.verified_payout_account {
        return Ok(());
    }
    let row =
        tx.query_opt("SELECT member FROM promoter_verifications WHERE promoter = $1", params![promoter])?;
    let Some(row) = row else { return Ok(()) };
    if demands.verified_member && !row.flag(0)? {
        return Err(Problem::conflict("not_verified", "the promoter's membership is not verified"));
    }
    let promoter: PromoterId = promoter.parse().map_err(|_| Problem::internal())?;
    let account = bound(tx, &owner_of(&Payee::Promoter(promoter)), now)?;
    let verified = account.and_then(|account| account.verified).is_some_and(|at| at <= now);
    if demands.verified_payout_account && !verified {
        return Err(Problem::conflict("not_verified", "the promoter has no verified payout account bound"));
    }
    Ok(())
}
