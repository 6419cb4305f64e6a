//! `GET /v1/payout-accounts`, `POST /v1/payout-accounts/verify|refuse`: whether an account that a payee bound is in the
//! name of whom it should be.
//!
//! A programme may pay to verified accounts only. Payees bind their accounts themselves; a person at the platform looks
//! at each with whatever the payment provider says of its holder, and answers here.

use super::bindings::{AccountKind, PayoutAccount, bound, refuse, to_check, verify};
use crate::Core;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, Problem, Write, check_filled};
use crate::names::{Noun, name_of};
use crate::notices::write::{Kind, News, tell_by_id};
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a reason at most.
const REASON_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(post_verify)).routes(routes!(post_refuse))
}

/// An account to check.
#[derive(Debug, Serialize, ToSchema)]
struct AccountToCheck {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// A promoter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_name: Option<String>,
    kind: AccountKind,
    /// In full: it is to be compared with what the payment provider says.
    account: String,
    /// In whose name the payee says it is.
    holder: String,
    /// Bound since then, UTC milliseconds.
    from: i64,
}

/// Which accounts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// One payee's alone: `promoter/ID` or `agency/ID`.
    payee: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A binding that was looked at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Looked {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// Which binding, as listed; the present one if absent. If the payee has bound another account meanwhile, that one
    /// has not been looked at: 409.
    #[serde(default)]
    from: Option<i64>,
}

/// A binding that was looked at and is not right.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refused {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// As for `verify`.
    #[serde(default)]
    from: Option<i64>,
    /// Why, for the payee.
    reason: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
struct Checked {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// The holder's real name is verified; else nothing is bound any more.
    verified: bool,
}

/// Accounts that are bound and not verified, those bound longest first. Operators.
#[utoipa::path(
    get, path = "/v1/payout-accounts", params(Which), responses((status = 200, body = Page<AccountToCheck>))
)]
async fn list(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(which): Params<Which>,
) -> Result<Json<Page<AccountToCheck>>, Problem> {
    let payee = which.payee.unwrap_or_default();
    let (page, after) = PageParams { limit: which.limit, cursor: which.cursor }.begin()?;
    let (after, now) = (after.number_and_texts()?, core.now());
    let found = core
        .store()
        .read(move |tx| {
            let found = to_check(tx, &payee, after.as_ref(), page.rows(), now)?;
            let named = found.into_iter().map(|(payee, of)| {
                let promoter = payee.strip_prefix("promoter/");
                let name = promoter.map_or(Ok(None), |id| name_of(tx, Noun::Promoter, id))?;
                Ok((payee, name, of))
            });
            named.collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    let view = |(payee, payee_name, of): (String, Option<String>, PayoutAccount)| AccountToCheck {
        payee,
        payee_name,
        kind: of.kind,
        account: of.account,
        holder: of.holder,
        from: of.from.millis(),
    };
    let items = found.into_iter().map(view).collect();
    Ok(Json(page.cut(items, |of: &AccountToCheck| Cursor::of_number_and_texts(of.from, [&of.payee]))))
}

/// The holder's real name is verified, from now on. Operators.
#[utoipa::path(
    post, path = "/v1/payout-accounts/verify", request_body = Looked,
    responses((status = 200, body = Checked), (status = 409, description = "`account_changed`: another one is bound"))
)]
async fn post_verify(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<Looked>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let of = looked_at(tx, &body.payee, body.from, scope.now)?;
            if of.verified.is_none() {
                verify(tx, &body.payee, of.from, scope.now)?;
                told(tx, Kind::AccountVerified, &body.payee, &of.account, scope.now)?;
            }
            Ok((StatusCode::OK, Checked { payee: body.payee.clone(), verified: true }))
        })
        .await
}

/// The account is not in the name of whom it should be: it is bound no more, and the payee reads why. Operators.
#[utoipa::path(
    post, path = "/v1/payout-accounts/refuse", request_body = Refused,
    responses((status = 200, body = Checked), (status = 409, description = "`account_changed`: another one is bound"))
)]
async fn post_refuse(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<Refused>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    let reason = body.reason.trim().to_owned();
    check_filled("reason", &reason, REASON_MAX)?;
    scope
        .run(&core, move |tx, scope| {
            let of = looked_at(tx, &body.payee, body.from, scope.now)?;
            refuse(tx, &body.payee, of.from, &reason, scope.now)?;
            told(tx, Kind::AccountRefused, &body.payee, &reason, scope.now)?;
            Ok((StatusCode::OK, Checked { payee: body.payee.clone(), verified: false }))
        })
        .await
}

/// The account that is bound now, if it is the one that was looked at; held to the end of the transaction.
fn looked_at(
    tx: &mut dyn Tx,
    payee: &str,
    from: Option<i64>,
    now: Instant,
) -> Result<PayoutAccount, Problem> {
    let unknown = || Problem::unknown("account", payee).about("payee");
    tx.lock(&super::bindings::lock_name(payee))?;
    let of = bound(tx, payee, now)?.ok_or_else(unknown)?;
    if from.is_some_and(|from| from != of.from.millis()) {
        return Err(Problem::conflict("account_changed", "another account has been bound meanwhile"));
    }
    Ok(of)
}

/// Tells a promoter; agencies have no notices, and read it on their page.
fn told(tx: &mut dyn Tx, kind: Kind, payee: &str, detail: &str, now: Instant) -> Result<(), StoreError> {
    let Some(promoter) = payee.strip_prefix("promoter/") else { return Ok(()) };
    let detail = match kind {
        Kind::AccountVerified => super::api::hidden(detail),
        _ => detail.to_owned(),
    };
    tell_by_id(tx, promoter, News::new(kind, payee, &detail), now)
}
