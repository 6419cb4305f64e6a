//! `GET /v1/merchants/{id}/top-ups`: what a merchant paid in.

use crate::Core;
use crate::api::{Cursor, Page, PageParams, Params, PathId, Principal, Problem};
use crate::params;
use attribution_core::ids::MerchantId;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Money that came in.
#[derive(Debug, Serialize, ToSchema)]
struct TopUpEntry {
    /// The payment's own number.
    reference: String,
    /// How much.
    amount_fen: i64,
    /// When it was booked, UTC milliseconds.
    at: i64,
}

/// What a merchant paid in, newest first. Operators, and the merchant.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/top-ups", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<TopUpEntry>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(merchant): PathId<MerchantId>,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<TopUpEntry>>, Problem> {
    principal.require_merchant(merchant.as_str())?;
    let (page, after) = paging.begin()?;
    let prefix = format!("top-up/{merchant}/");
    let (at, last) = match after.number_and_texts()? {
        None => (i64::MAX, String::new()),
        Some((at, [reference])) => (at, format!("{prefix}{reference}")),
    };
    let owner =
        super::Holder::Account(attribution_core::ledger::Account::Merchant { merchant: merchant.clone() });
    let key = owner.key();
    let from = prefix.clone();
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT t.id, e.amount_fen, t.at_ms FROM ledger_transfers t \
                 JOIN ledger_entries e ON e.transfer = t.id AND e.account = $1 AND e.owner = $2 \
                 WHERE t.reason = 'top_up' AND substr(t.id, 1, $3) = $4 AND (t.at_ms, t.id) < ($5, $6) \
                 ORDER BY t.at_ms DESC, t.id DESC LIMIT $7",
                params![
                    key.account,
                    &key.owner,
                    i64::try_from(from.len()).unwrap_or(i64::MAX),
                    &from,
                    at,
                    &last,
                    page.rows()
                ],
            )
        })
        .await?;
    let cut = |id: &str| id.strip_prefix(prefix.as_str()).unwrap_or(id).to_owned();
    let items = rows
        .iter()
        .map(|row| Ok(TopUpEntry { reference: cut(row.text(0)?), amount_fen: row.int(1)?, at: row.int(2)? }))
        .collect::<Result<Vec<_>, crate::store::StoreError>>()?;
    Ok(Json(page.cut(items, |entry| Cursor::of_number_and_texts(entry.at, [&entry.reference]))))
}
