//! `POST /v1/enrolments/{id}/approve|reject|exit|edits`: what becomes of an application.

use super::enrolment::{self, Enrolment, State as Stands, lock_name};
use super::enrolments_api::{found, shown};
use super::view::EnrolmentView;
use crate::Core;
use crate::api::{Merchants, Nothing, Only, Operators, PathId, Problem, Write, WriteScope, check_filled};
use crate::attribution::Catalogue;
use crate::store::Tx;
use attribution_core::sourcing::{Edit, EditVerdict, edit};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a reason at most: the merchant reads it.
const REASON_MAX: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(exit))
        .routes(routes!(edits))
}

/// The audit's word.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rejection {
    /// Why.
    reason: String,
}

/// What somebody wants to change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `main_picture`, `detail`, `market_price`, `delete_enrolled_sku`, `delete_other_sku`, `channel_price`,
    /// `channel_detail`, `join_group_purchase`, `join_other_promotion`, or `{"stock": N}`.
    #[schema(value_type = Object)]
    edit: Edit,
}

/// Whether it may be changed.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    /// `allowed`, or `allowed_with_warning`: the channel's stock falls with the market's.
    #[schema(value_type = String)]
    verdict: EditVerdict,
}

/// The audit is through: the SKUs that passed are sold off the platform from now on. Operators.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/approve", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not being audited"))
)]
async fn approve(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    decide(core, id, write.scope, Stands::Approved, None).await
}

/// The audit refuses it. Operators.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/reject", params(("id" = String, Path)), request_body = Rejection,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not being audited"))
)]
async fn reject(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<String>,
    write: Write<Rejection>,
) -> Result<Response, Problem> {
    let reason = write.body.reason;
    check_filled("reason", &reason, REASON_MAX)?;
    decide(core, id, write.scope, Stands::Rejected, Some(reason)).await
}

async fn decide(
    core: Core,
    id: String,
    scope: WriteScope,
    to: Stands,
    reason: Option<String>,
) -> Result<Response, Problem> {
    scope.principal.require_operator()?;
    scope
        .run(&core, move |tx, scope| {
            let of = locked(tx, &id)?;
            if of.state == Stands::Auditing {
                enrolment::decide(tx, &id, to, reason.as_deref(), scope.now)?;
            } else if of.state != to {
                let detail = format!("the enrolment is {}", of.state.name());
                return Err(Problem::conflict("not_auditing", detail));
            }
            let of = found(tx, &id)?;
            Ok((StatusCode::OK, shown(tx, &of, scope.now)?))
        })
        .await
}

/// The enrolment, held to the end of the transaction under its product's lock.
fn locked(tx: &mut dyn Tx, id: &str) -> Result<Enrolment, Problem> {
    let of = found(tx, id)?;
    tx.lock(&lock_name(&of.product))?;
    found(tx, id)
}

/// The merchant leaves; the product may be enrolled anew. Operators, and the merchant.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/exit", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not open"))
)]
async fn exit(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let scope = write.scope;
    scope
        .run(&core, move |tx, scope| {
            let of = locked(tx, &id)?;
            scope.principal.require_merchant(of.merchant.as_str())?;
            match of.state {
                Stands::Auditing | Stands::Approved => enrolment::exit(tx, &id, scope.now)?,
                Stands::Exited => {}
                Stands::Refused | Stands::Rejected => {
                    let detail = format!("the enrolment is {}", of.state.name());
                    return Err(Problem::conflict("not_open", detail));
                }
            }
            let of = found(tx, &id)?;
            Ok((StatusCode::OK, shown(tx, &of, scope.now)?))
        })
        .await
}

/// Asks whether an edit is allowed while the enrolment is open: before the product is changed elsewhere. Operators, and
/// the merchant.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/edits", params(("id" = String, Path)), request_body = Wanted,
    responses((status = 200, body = Verdict),
              (status = 409, description = "`edit_refused`, `needs_new_enrolment` or `not_open`"))
)]
async fn edits(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Wanted>,
) -> Result<Response, Problem> {
    let Write { body: Wanted { edit: wanted }, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let of = found(tx, &id)?;
            scope.principal.require_merchant(of.merchant.as_str())?;
            if !matches!(of.state, Stands::Auditing | Stands::Approved) {
                let detail = format!("the enrolment is {}", of.state.name());
                return Err(Problem::conflict("not_open", detail));
            }
            let policy = Catalogue::default().policy(tx, &of.programme, of.version)?;
            let verdict = edit(&policy.eligibility.sourcing.unwrap_or_default(), wanted);
            match verdict {
                EditVerdict::Allowed | EditVerdict::AllowedWithWarning => {
                    Ok((StatusCode::OK, Verdict { verdict }))
                }
                EditVerdict::Refused => {
                    Err(Problem::conflict("edit_refused", "not while the product is enrolled"))
                }
                EditVerdict::NeedsNewEnrolment => {
                    Err(Problem::conflict("needs_new_enrolment", "leave the enrolment and enrol anew"))
                }
            }
        })
        .await
}
