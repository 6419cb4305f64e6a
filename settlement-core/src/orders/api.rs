//! `POST /v1/orders/events`: batches of order events, each with its own answer.

use super::batch::{EventResult, Status, take_one};
use super::sweep::judge_all;
use crate::Core;
use crate::api::{Merchants, Only, Principal, Problem, Role, Write};
use crate::order_events::OrderEvent;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Events of one request at most.
const EVENTS_MAX: usize = 1_000;

/// Order events, in any order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderEvents {
    /// 1 to 1000 events. They may come late, repeated and out of order.
    #[schema(value_type = Vec<OrderEvent>, min_items = 1, max_items = 1000)]
    events: Vec<Value>,
}

/// The answer to a batch. If no event was taken in, it is also a problem: `type`, `title`, `status`, `code` and
/// `detail` are then those of the first event.
#[derive(Debug, Serialize, ToSchema)]
struct EventResults {
    /// Events taken in by this request.
    accepted: usize,
    /// Events that were there already.
    duplicates: usize,
    /// Events kept in the review queue.
    review: usize,
    /// Events not kept.
    rejected: usize,
    /// One answer per event, in the order of the request.
    results: Vec<EventResult>,
    /// Of the problem, if it is one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Of the problem, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    /// Of the problem, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Of the problem, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Of the problem, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_events))
}

/// Takes order events in, exactly once in effect. The natural key of an event is (platform, order, type, refund id):
/// the same event again changes nothing; other contents under the same key go to the review queue, and so does an
/// order of a product or merchant the catalogue does not have (send it again once the catalogue has it).
#[utoipa::path(
    post,
    path = "/v1/orders/events",
    request_body(content = OrderEvents, example = json!({"events": [
        {"type": "created", "platform": "mall", "order": "T1001", "at": "2026-05-20T20:15:00+08:00", "merchant": "tea",
         "buyer": "buyer-7", "lines": [{"line": "1", "product": "cup", "amount_fen": 8_900}]},
        {"type": "paid", "platform": "mall", "order": "T1001", "at": "2026-05-20T20:15:40+08:00", "payment_method": "alipay"}
    ]})),
    responses(
        (status = 200, description = "Every event was taken in or was there already", body = EventResults),
        (status = 207, description = "Some events were not taken in", body = EventResults),
        (status = 409, description = "No event was taken in; the first contradicts an earlier one. As 422"),
        (status = 422, description = "No event was taken in: the problem is the first event's, and holds `results` and the counts besides, as in 200. `invalid_body`, `invalid` or `idempotency_key_reused`: the request as a whole makes no sense")
    )
)]
async fn post_events(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<OrderEvents>,
) -> Result<Response, Problem> {
    let Write { body: OrderEvents { events }, scope } = write;
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Problem::invalid("events", format!("1 to {EVENTS_MAX} events, not {}", events.len())));
    }
    let sender = sender(&scope.principal)?;
    let now = scope.now;
    let touched = Arc::new(Mutex::new(Vec::new()));
    let (taking, keys) = (Arc::clone(&touched), core.keys().click.clone());
    let mut response = scope
        .run(&core, move |tx, scope| {
            // A transaction may run again: only its last run counts.
            let mut orders = Vec::new();
            let mut results = Vec::with_capacity(events.len());
            for (index, value) in events.iter().enumerate() {
                let taken = take_one(tx, &keys, index, value, sender.as_deref(), scope.now)?;
                orders.extend(taken.touched);
                results.push(taken.result);
            }
            *taking.lock().unwrap_or_else(PoisonError::into_inner) = orders;
            Ok(summary(results))
        })
        .await?;
    let orders = std::mem::take(&mut *touched.lock().unwrap_or_else(PoisonError::into_inner));
    judge_all(core.store(), orders, "order event", now).await?;
    if response.status().is_client_error() {
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
    }
    Ok(response)
}

/// For whom the sender speaks: a merchant for itself, the operator for all.
fn sender(principal: &Principal) -> Result<Option<String>, Problem> {
    match principal.role {
        Role::Merchant => Ok(principal.subject.clone()),
        _ => principal.require_operator().map(|()| None),
    }
}

fn summary(results: Vec<EventResult>) -> (StatusCode, EventResults) {
    let count = |of: &[Status]| results.iter().filter(|r| of.contains(&r.status)).count();
    let (accepted, duplicates) = (count(&[Status::Accepted, Status::Waiting]), count(&[Status::Duplicate]));
    let (review, rejected) = (count(&[Status::Review]), count(&[Status::Rejected]));
    let first = results.iter().find(|r| r.code.is_some());
    let status = if review + rejected == 0 {
        StatusCode::OK
    } else if accepted + duplicates > 0 {
        StatusCode::MULTI_STATUS
    } else if first.is_some_and(|r| r.code.as_deref() == Some(super::review::Reason::EventChanged.code())) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let problem = if status.is_client_error() { first } else { None };
    let code = problem.and_then(|r| r.code.clone());
    for (outcome, events) in
        [("accepted", accepted), ("duplicate", duplicates), ("review", review), ("rejected", rejected)]
    {
        metrics::counter!("yinke_core_order_events_total", "outcome" => outcome).increment(events as u64);
    }
    let answer = EventResults {
        accepted,
        duplicates,
        review,
        rejected,
        kind: code.as_ref().map(|code| format!("urn:yinke:problem:{code}")),
        title: problem.and_then(|_| status.canonical_reason()),
        status: problem.map(|_| status.as_u16()),
        detail: problem.and_then(|r| r.detail.clone()),
        code,
        results,
    };
    (status, answer)
}
