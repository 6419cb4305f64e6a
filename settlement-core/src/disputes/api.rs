//! `GET /v1/disputes`, `POST /v1/disputes/recoveries` and `POST /v1/disputes/broken-rules`.

use super::Key;
use super::jobs::key_of;
use super::recover::{RecoverError, Recovery, recover};
use crate::Core;
use crate::api::time::plausible;
use crate::api::{
    ApiTime, Cursor, Only, Operators, Page, PageParams, Params, Principal, Problem, Write, all_of,
    check_reference,
};
use crate::params;
use crate::payouts::MoveError;
use crate::store::Row;
use crate::store::StoreError;
use attribution_core::ids::{LineId, OrderId, PlatformId};
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

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(post_recovery)).routes(routes!(broken_rules))
}

/// A refund record.
#[derive(Debug, Serialize, ToSchema)]
struct DisputeView {
    platform: String,
    order: String,
    line: String,
    refund: String,
    merchant: String,
    /// The shop's name.
    merchant_name: String,
    programme: String,
    /// The programme's name.
    programme_name: String,
    /// `real_time`, `batch` or `no_record`.
    route: String,
    /// The rule that says so.
    #[serde(skip_serializing_if = "String::is_empty")]
    rule: String,
    /// `waiting` (for its batch), `no_record`, `created` (维权创建), `recovering`, `success` (维权成功), `compensated` or
    /// `rules_broken`.
    state: String,
    /// The commission on what was refunded.
    due_fen: i64,
    /// What came back from the payee.
    recovered_fen: i64,
    /// What the platform made up for.
    #[serde(skip_serializing_if = "Option::is_none")]
    compensated_fen: Option<i64>,
    /// When the refund succeeded, UTC milliseconds.
    source_refund_at: i64,
    /// The record's own time; absent without a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
}

fn view(row: &Row) -> Result<DisputeView, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(DisputeView {
        platform: text(0)?,
        order: text(1)?,
        line: text(2)?,
        refund: text(3)?,
        merchant: text(4)?,
        programme: text(5)?,
        route: text(6)?,
        rule: text(7)?,
        state: text(8)?,
        due_fen: row.int(9)?,
        recovered_fen: row.int(10)?,
        compensated_fen: row.opt_int(11)?,
        source_refund_at: row.int(12)?,
        created_at: row.opt_int(13)?,
        merchant_name: row.opt_text(14)?.unwrap_or_default().to_owned(),
        programme_name: row.opt_text(15)?.unwrap_or_default().to_owned(),
    })
}

/// Of which merchant or order.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The merchant.
    merchant: String,
    /// Only of this order.
    order: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A record's place in the list.
fn key(of: &DisputeView) -> String {
    Cursor::of_number_and_texts(of.source_refund_at, [&of.platform, &of.order, &of.line, &of.refund])
}

/// A merchant's refund records, newest first. Operators, and the merchant.
#[utoipa::path(get, path = "/v1/disputes", params(Which), responses((status = 200, body = Page<DisputeView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(which): Params<Which>,
) -> Result<Json<Page<DisputeView>>, Problem> {
    principal.require_merchant(&which.merchant)?;
    let (page, after) = PageParams { limit: which.limit, cursor: which.cursor }.begin()?;
    let (at, [platform, order, line, refund]) =
        after.number_and_texts()?.unwrap_or((i64::MAX, Default::default()));
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT platform, order_id, line_id, refund_id, merchant, programme, route, rule, state, due_fen, \
                 recovered_fen, compensated_fen, source_refund_ms, created_ms, \
                 (SELECT m.name FROM merchants m WHERE m.id = merchant), \
                 (SELECT g.name FROM programmes g WHERE g.id = programme) FROM disputes \
                 WHERE merchant = $1 AND ($2 = '' OR order_id = $2) AND (source_refund_ms < $3 OR \
                 (source_refund_ms = $3 AND (platform, order_id, line_id, refund_id) > ($4, $5, $6, $7))) \
                 ORDER BY source_refund_ms DESC, platform, order_id, line_id, refund_id LIMIT $8",
                params![
                    &which.merchant,
                    which.order.as_deref().unwrap_or_default(),
                    at,
                    &platform,
                    &order,
                    &line,
                    &refund,
                    page.rows()
                ],
            )
        })
        .await?;
    let items = rows.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, key)))
}

/// Which record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostRecovery {
    #[schema(value_type = String)]
    platform: PlatformId,
    #[schema(value_type = String)]
    order: OrderId,
    #[schema(value_type = String)]
    line: LineId,
    refund: String,
    /// The recovery's own number: the same one again changes nothing.
    reference: String,
    #[schema(minimum = 1)]
    amount_fen: i64,
    /// When it came back; now if absent.
    #[serde(default)]
    at: Option<ApiTime>,
    /// The payee paid it in; otherwise it is taken from what is available to them.
    #[serde(default)]
    paid_in: bool,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Recovered {
    /// The record's state.
    state: &'static str,
}

/// Books what came back from the promoter: to the merchant, or to the platform once it has made up for it. Nothing does
/// where the merchant broke the rules. Operators.
#[utoipa::path(
    post, path = "/v1/disputes/recoveries", request_body = PostRecovery,
    responses((status = 200, body = Recovered), (status = 409, description = "Not so much is missing or available, or the merchant broke the rules"))
)]
async fn post_recovery(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<PostRecovery>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    let is_amount = body.amount_fen > 0;
    all_of([
        is_amount.then_some(()).ok_or_else(|| Problem::invalid("amount_fen", "at least 1")),
        check_reference(&body.reference),
    ])?;
    scope
        .run(&core, move |tx, scope| {
            let at = body.at.map_or(scope.now, ApiTime::instant);
            plausible(at, scope.now).map_err(|error| Problem::invalid("at", error))?;
            let recovery = Recovery {
                key: Key {
                    platform: body.platform.clone(),
                    order: body.order.clone(),
                    line: body.line.clone(),
                    refund: body.refund.clone(),
                },
                reference: body.reference.clone(),
                amount: Fen(body.amount_fen),
                at,
                paid_in: body.paid_in,
            };
            let state = recover(tx, &recovery, scope.now).map_err(|error| match error {
                RecoverError::Move(MoveError::Store(error)) => error.into(),
                RecoverError::Unknown => Problem::unknown("refund record", &body.refund),
                RecoverError::TooMuch { missing } => Problem::conflict("nothing_missing", error.to_string())
                    .about("amount_fen")
                    .fact("missing_fen", missing.0),
                RecoverError::NotAvailable { free } => Problem::conflict("not_available", error.to_string())
                    .about("amount_fen")
                    .fact("available_fen", free.0),
                RecoverError::RulesBroken => Problem::conflict("rules_broken", error.to_string()),
                RecoverError::Reused { .. } => {
                    Problem::conflict("reference_reused", error.to_string()).about("reference")
                }
                RecoverError::Move(error) => {
                    tracing::error!(error = with_causes(&error), "a recovery failed");
                    Problem::internal()
                }
            })?;
            Ok((StatusCode::OK, Recovered { state }))
        })
        .await
}

/// An order with which the merchant broke the rules.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BrokenRules {
    #[schema(value_type = String)]
    platform: PlatformId,
    #[schema(value_type = String)]
    order: OrderId,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Marked {
    /// Records concerned.
    records: usize,
}

/// The merchant broke the rules with this order: what is still missing on its records is neither returned nor made up
/// for. Operators.
#[utoipa::path(
    post, path = "/v1/disputes/broken-rules", request_body = BrokenRules,
    responses((status = 200, body = Marked), (status = 404, description = "No open record of this order"))
)]
async fn broken_rules(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<BrokenRules>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, _| {
            let rows = tx.query(
                "UPDATE disputes SET merchant_broke_rules = 1 WHERE platform = $1 AND order_id = $2 \
                 AND closed_ms IS NULL RETURNING platform, order_id, line_id, refund_id",
                params![&body.platform, &body.order],
            )?;
            let keys = rows.iter().map(key_of).collect::<Result<Vec<_>, _>>()?;
            if keys.is_empty() {
                return Err(Problem::unknown("open refund record of order", &body.order));
            }
            Ok((StatusCode::OK, Marked { records: keys.len() }))
        })
        .await
}
