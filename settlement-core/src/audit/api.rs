//! `GET /v1/audit/clicks` and `GET /v1/audit/ledger`.

use super::clicks::ClickAudit;
use super::ledger::LedgerAudit;
use crate::Core;
use crate::api::{Principal, Problem};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(audit_clicks)).routes(routes!(audit_ledger))
}

/// The balance of clicks: recorded = ingested + pending + quarantined + lost, and gaps are 0. An edge in the core's own
/// process is asked first; what others say is as old as their last heartbeat (see `heartbeat_at`). `duplicates` are no
/// fault: after a crash an edge repeats up to half a second of shipping, and each click is counted once.
#[utoipa::path(get, path = "/v1/audit/clicks", responses((status = 200, body = ClickAudit)))]
async fn audit_clicks(State(core): State<Core>, principal: Principal) -> Result<Json<ClickAudit>, Problem> {
    principal.require_operator()?;
    core.hear_edge().await;
    Ok(Json(core.audit_clicks().await?))
}

/// The balance of money: the sum over all accounts is zero.
#[utoipa::path(get, path = "/v1/audit/ledger", responses((status = 200, body = LedgerAudit)))]
async fn audit_ledger(State(core): State<Core>, principal: Principal) -> Result<Json<LedgerAudit>, Problem> {
    principal.require_operator()?;
    Ok(Json(core.audit_ledger().await?))
}
