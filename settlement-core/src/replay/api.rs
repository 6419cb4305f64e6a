//! `POST /v1/rehearsals`: changed rules over past orders.

use super::{Changed, Progress, Rehearsal, RehearseError, ReplayError, Selection, rehearse};
use crate::Core;
use crate::api::{ApiTime, Body, Merchants, Only, Principal, Problem};
use crate::catalogue::invalid_policy;
use crate::params;
use attribution_core::ids::{MerchantId, ProgrammeId};
use attribution_core::policy::Preset;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_rehearsal))
}

/// Which rules to rehearse over which orders.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PostRehearsal {
    /// The programme whose rules change.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// The rules to begin with; the programme's newest if absent.
    #[schema(value_type = Option<String>)]
    preset: Option<Preset>,
    /// Fields of the rules that differ from it, as in `PUT /v1/programmes/{id}`.
    #[serde(default)]
    policy: Value,
    /// The rules are looked at as if in force from here on; orders placed since then count.
    since: ApiTime,
    /// Orders placed before this instant; all since then if absent.
    until: Option<ApiTime>,
    /// Only this merchant's orders, in a platform's programme.
    #[schema(value_type = Option<String>)]
    merchant: Option<MerchantId>,
    /// List the lines that change.
    #[serde(default)]
    lines: bool,
}

/// Shows who would have gained or lost how much under changed rules. Nothing is written. Operators, and the merchant
/// that owns the programme. What takes longer than a request may is for `yinke rehearse`.
#[utoipa::path(
    post, path = "/v1/rehearsals", request_body = PostRehearsal,
    responses((status = 200, body = Rehearsal), (status = 422, description = "The rules have mistakes, all of them listed"))
)]
async fn post_rehearsal(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    Body(body): Body<PostRehearsal>,
) -> Result<Json<Rehearsal>, Problem> {
    let programme = body.programme.clone();
    let row = core
        .store()
        .read(move |tx| tx.query_opt("SELECT merchant FROM programmes WHERE id = $1", params![&programme]))
        .await?;
    match row.as_ref().map(|row| row.opt_text(0)).transpose()? {
        Some(Some(merchant)) => principal.require_merchant(merchant)?,
        // Who may not see a platform's programme is not told whether there is one either.
        _ => principal.require_operator()?,
    }
    let selection = Selection {
        since: Some(body.since.instant()),
        until: body.until.map(ApiTime::instant),
        merchant: body.merchant,
        order: None,
    };
    if selection.until.is_some_and(|until| until <= body.since.instant()) {
        return Err(Problem::invalid("until", "must be later than since"));
    }
    let changed = Changed { preset: body.preset, policy: body.policy, list: body.lines };
    let quiet = |_: Progress| {};
    let done = rehearse(core.store(), body.programme, changed, selection, quiet).await;
    Ok(Json(done?))
}

impl From<RehearseError> for Problem {
    fn from(error: RehearseError) -> Self {
        match error {
            RehearseError::Mistakes(mistakes) => invalid_policy(mistakes),
            RehearseError::NoProgramme(programme) => Self::unknown("programme", programme),
            RehearseError::Replay(ReplayError::NoMerchant(merchant)) => Self::unknown("merchant", merchant),
            RehearseError::Replay(ReplayError::NoOrder(order)) => Self::unknown("order", order),
            RehearseError::Replay(ReplayError::NoPlace(platform)) => Self::unknown("platform", platform),
            RehearseError::Replay(ReplayError::Store(error)) | RehearseError::Store(error) => error.into(),
        }
    }
}
