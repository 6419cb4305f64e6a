//! `/v1/webhooks/{id}/deliveries`: what an endpoint was told, how it went, and telling it again.

use super::endpoints_api::find;
use super::event::EventKind;
use super::outbox;
use crate::Core;
use crate::api::{
    ApiTime, Cursor, Nothing, Only, Page, PageParams, Params, PathId, Principal, Problem, Subjects, Write,
};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replay)).routes(routes!(test))
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
struct AttemptView {
    /// 1, 2, ...
    number: i64,
    /// When it began.
    at: ApiTime,
    /// How long it took, in milliseconds.
    took_ms: i64,
    /// The HTTP status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The first bytes of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

/// One event for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookDelivery {
    /// The event's id: `webhook-id` of every attempt.
    id: String,
    /// The event's type.
    #[serde(rename = "type")]
    kind: String,
    /// `pending`, `delivered` or `failed`.
    state: String,
    /// When it happened.
    created_at: ApiTime,
    /// When it is tried next, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<ApiTime>,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<ApiTime>,
    /// The body, as it is sent.
    payload: Value,
    /// The last attempts, the newest first, at most 20.
    attempts: Vec<AttemptView>,
}

/// Attempts shown of one delivery.
const ATTEMPTS_SHOWN: i64 = 20;

const COLUMNS: &str = "SELECT d.event, v.kind, d.state, d.created_ms, d.next_ms, d.finished_ms, v.payload \
                       FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event WHERE d.endpoint = $1";

fn view(tx: &mut dyn Tx, endpoint: &str, row: &Row) -> Result<WebhookDelivery, StoreError> {
    let id = row.text(0)?;
    let attempts = tx.query(
        "SELECT number, at_ms, took_ms, status, error, answer FROM webhook_attempts \
         WHERE endpoint = $1 AND event = $2 ORDER BY number DESC LIMIT $3",
        params![endpoint, id, ATTEMPTS_SHOWN],
    )?;
    let attempt = |row: &Row| {
        Ok::<_, StoreError>(AttemptView {
            number: row.int(0)?,
            at: row.instant(1)?.into(),
            took_ms: row.int(2)?,
            status: row.opt_int(3)?,
            error: row.opt_text(4)?.map(str::to_owned),
            answer: row.opt_text(5)?.map(str::to_owned),
        })
    };
    let state = row.text(2)?;
    Ok(WebhookDelivery {
        id: id.to_owned(),
        kind: row.text(1)?.to_owned(),
        state: state.to_owned(),
        created_at: row.instant(3)?.into(),
        next_at: if state == "pending" { Some(row.instant(4)?.into()) } else { None },
        finished_at: row.opt_instant(5)?.map(ApiTime::from),
        payload: serde_json::from_str(row.text(6)?).map_err(StoreError::corrupt("payload of a webhook"))?,
        attempts: attempts.iter().map(attempt).collect::<Result<_, _>>()?,
    })
}

/// What an endpoint was told in the last 30 days, the newest first. Operators, and its owner.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<WebhookDelivery>))
)]
async fn list(
    State(core): State<Core>,
    _: Only<Subjects>,
    principal: Principal,
    PathId(id): PathId<String>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<WebhookDelivery>>, Problem> {
    let (page, after) = page.begin()?;
    let (ms, [event]) = after.number_and_texts()?.unwrap_or((i64::MAX, Default::default()));
    let views = core
        .store()
        .read(move |tx| {
            find(tx, &id, &principal)?;
            let sql = format!(
                "{COLUMNS} AND (d.created_ms < $2 OR (d.created_ms = $2 AND d.event < $3)) \
                 ORDER BY d.created_ms DESC, d.event DESC LIMIT $4"
            );
            let rows = tx.query(&sql, params![&id, ms, &event, page.rows()])?;
            rows.iter().map(|row| Ok(view(tx, &id, row)?)).collect::<Result<Vec<_>, Problem>>()
        })
        .await?;
    Ok(Json(page.cut(views, |delivery: &WebhookDelivery| {
        Cursor::of_number_and_texts(delivery.created_at.instant().millis(), [&delivery.id])
    })))
}

/// Which delivery.
#[derive(Debug, Deserialize)]
struct Which {
    id: String,
    delivery: String,
}

/// Tells an endpoint the same event again, under the same `webhook-id`. Operators, and its owner.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    params(("id" = String, Path), ("delivery" = String, Path, description = "The event's id")), request_body = Nothing,
    responses((status = 202, body = WebhookDelivery))
)]
async fn replay(
    State(core): State<Core>,
    _: Only<Subjects>,
    PathId(which): PathId<Which>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let Which { id, delivery } = which;
    write
        .scope
        .run(&core, move |tx, scope| {
            find(tx, &id, &scope.principal)?;
            tx.lock(&format!("webhook {id}"))?;
            tx.execute(
                "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_ms = $3, lease_until_ms = 0, \
                 leased_by = '', finished_ms = NULL WHERE endpoint = $1 AND event = $2",
                params![&id, &delivery, scope.now],
            )?;
            Ok((StatusCode::ACCEPTED, one(tx, &id, &delivery)?))
        })
        .await
}

fn one(tx: &mut dyn Tx, endpoint: &str, event: &str) -> Result<WebhookDelivery, Problem> {
    let row = tx
        .query_opt(&format!("{COLUMNS} AND d.event = $2"), params![endpoint, event])?
        .ok_or_else(|| Problem::unknown("delivery", event))?;
    Ok(view(tx, endpoint, &row)?)
}

/// Tells an endpoint a `webhook.test`, whatever types it wants, to see that it arrives. Operators, and its owner.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 202, body = WebhookDelivery))
)]
async fn test(
    State(core): State<Core>,
    _: Only<Subjects>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    write
        .scope
        .run(&core, move |tx, scope| {
            let endpoint = find(tx, &id, &scope.principal)?;
            let data = json!({"webhook": endpoint.id, "owner": endpoint.owner});
            let event = outbox::write(tx, &[endpoint.id], EventKind::WebhookTest, &data, scope.now)?;
            Ok((StatusCode::ACCEPTED, one(tx, &id, event.as_deref().unwrap_or_default())?))
        })
        .await
}
