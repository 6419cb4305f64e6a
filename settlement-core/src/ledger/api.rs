//! A merchant's money: `POST /v1/merchants/{id}/top-ups` and `GET /v1/merchants/{id}/balance`.

use super::account::Holder;
use super::balance::{balance, pending};
use super::top_up::{ToppedUp, top_up};
use super::transfer::TransferError;
use crate::Core;
use crate::api::{Only, Operators, PathId, Principal, Problem, Write, all_of, check_reference};
use crate::params;
use crate::store::{Tx, read};
use attribution_core::ids::{MerchantId, PlatformId};
use attribution_core::ledger::Account;
use attribution_core::money::Fen;
use attribution_core::with_causes;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest single top-up: a thousand million yuan.
const TOP_UP_MAX_FEN: i64 = 100_000_000_000;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_top_up)).routes(routes!(get_balance))
}

/// Money paid in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TopUp {
    /// The payment's own number: the same one again changes nothing.
    reference: String,
    /// How much.
    #[schema(minimum = 1)]
    amount_fen: i64,
}

/// A merchant's money.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantBalance {
    /// Whose.
    merchant: String,
    /// What is there to settle commissions with. Refunds after a settlement flow back here.
    balance_fen: i64,
    /// Commissions that are expected and not yet settled; nothing is reserved for them.
    expected_fen: i64,
}

fn platform_of(tx: &mut dyn Tx, merchant: &MerchantId) -> Result<PlatformId, Problem> {
    let row = tx
        .query_opt("SELECT platform FROM merchants WHERE id = $1", params![merchant])?
        .ok_or_else(|| Problem::unknown("merchant", merchant))?;
    Ok(read("platform id", row.text(0)?)?)
}

fn money_of(tx: &mut dyn Tx, merchant: &MerchantId) -> Result<MerchantBalance, Problem> {
    let account = Holder::Account(Account::Merchant { merchant: merchant.clone() });
    Ok(MerchantBalance {
        merchant: merchant.to_string(),
        balance_fen: balance(tx, &account)?.0,
        expected_fen: -pending(tx, &account)?.0,
    })
}

/// Lets a merchant's money in. What waits for it is settled by the next sweep, in the order of completion.
#[utoipa::path(
    post,
    path = "/v1/merchants/{id}/top-ups",
    params(("id" = String, Path, description = "The merchant")),
    request_body = TopUp,
    responses((status = 200, body = MerchantBalance), (status = 409, description = "The reference was used for another amount"))
)]
async fn post_top_up(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(merchant): PathId<MerchantId>,
    write: Write<TopUp>,
) -> Result<Response, Problem> {
    // Money comes in only on the word of whoever runs the platform's bank account.
    let TopUp { reference, amount_fen } = write.body;
    let out_of_range = || {
        let detail = format!("amount_fen: 1 to {TOP_UP_MAX_FEN}");
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "amount_out_of_range", detail)
            .about("amount_fen")
            .fact("most_fen", TOP_UP_MAX_FEN)
    };
    let in_range = (1..=TOP_UP_MAX_FEN).contains(&amount_fen);
    all_of([check_reference(&reference), in_range.then_some(()).ok_or_else(out_of_range)])?;
    write
        .scope
        .run(&core, move |tx, scope| {
            let platform = platform_of(tx, &merchant)?;
            match top_up(tx, &platform, &merchant, &reference, Fen(amount_fen), scope.now) {
                Ok(ToppedUp::Before { amount, .. }) if amount.0 != amount_fen => {
                    let detail = format!("top-up {reference} was made with {} fen", amount.0);
                    Err(Problem::conflict("reference_reused", detail).about("reference"))
                }
                Ok(_) => Ok((StatusCode::OK, money_of(tx, &merchant)?)),
                Err(TransferError::Store(error)) => Err(error.into()),
                Err(error) => {
                    tracing::error!(error = with_causes(&error), "a top-up was refused by the ledger");
                    Err(Problem::invalid("amount_fen", error))
                }
            }
        })
        .await
}

/// A merchant's money now.
#[utoipa::path(
    get,
    path = "/v1/merchants/{id}/balance",
    params(("id" = String, Path, description = "The merchant")),
    responses((status = 200, body = MerchantBalance))
)]
async fn get_balance(
    State(core): State<Core>,
    principal: Principal,
    PathId(merchant): PathId<MerchantId>,
) -> Result<Json<MerchantBalance>, Problem> {
    principal.require_merchant(merchant.as_str())?;
    core.store()
        .read(move |tx| {
            platform_of(tx, &merchant)?;
            money_of(tx, &merchant)
        })
        .await
        .map(Json)
}
