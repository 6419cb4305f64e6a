//! `POST /v1/orders/files`: order events as a CSV file.

use super::batch::{EventResult, Status, take_one};
use super::file::{self, Fault};
use super::sweep::judge_all;
use crate::Core;
use crate::api::{Merchants, Only, Principal, Problem, Role, read_bytes, require_type};
use crate::store::StoreError;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Events taken in together.
const TOGETHER: usize = 200;
/// Answers listed of events that were not taken in.
const LISTED_MAX: usize = 1_000;

/// What came of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
struct FileResults {
    /// Events in it.
    events: usize,
    /// Events taken in by this request.
    accepted: usize,
    /// Events that were there already.
    duplicates: usize,
    /// Events kept in the review queue.
    review: usize,
    /// Events not kept.
    rejected: usize,
    /// Those in the review queue or not kept, at most 1000.
    not_applied: Vec<FileResult>,
}

/// An event of a file that was not applied.
#[derive(Debug, Serialize, ToSchema)]
struct FileResult {
    /// The line of the file where it begins.
    line: u64,
    #[serde(flatten)]
    result: EventResult,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_file))
}

/// Takes a CSV file of order events in. Its columns are those of `yinke import orders`. A file with a mistake is
/// refused whole, with all its mistakes (`faults`). No key is needed: the same file again changes nothing, also after an
/// answer that was not heard. Operators, and merchants for their own orders.
#[utoipa::path(
    post, path = "/v1/orders/files", request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = FileResults),
        (status = 415, description = "`unsupported_media_type`"),
        (status = 422, description = "`file_unreadable`, with `faults`")
    )
)]
async fn post_file(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    require_type(request.headers(), "text/csv")?;
    let bytes = read_bytes(request, &core).await?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let reason = format!("byte {} is no UTF-8", error.valid_up_to());
        unreadable(&[Fault { line: 1, column: None, reason }])
    })?;
    let events = file::read(text).map_err(|faults| unreadable(&faults))?;
    let sender = if principal.role == Role::Merchant { principal.subject.clone() } else { None };
    let now = core.now();
    let mut done = FileResults { events: events.len(), ..FileResults::default() };
    for chunk in events.chunks(TOGETHER) {
        let (taken, keys, sender) = (chunk.to_vec(), core.keys().click.clone(), sender.clone());
        let touched = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&touched);
        let results = core
            .store()
            .write(move |tx| {
                let (mut results, mut orders) = (Vec::with_capacity(taken.len()), Vec::new());
                for (index, event) in taken.iter().enumerate() {
                    let one = take_one(tx, &keys, index, &event.value, sender.as_deref(), now)?;
                    results.push(one.result);
                    orders.extend(one.touched);
                }
                *taking.lock().unwrap_or_else(PoisonError::into_inner) = orders;
                Ok::<_, StoreError>(results)
            })
            .await?;
        let orders = std::mem::take(&mut *touched.lock().unwrap_or_else(PoisonError::into_inner));
        judge_all(core.store(), orders, "order file", now).await?;
        for (event, result) in chunk.iter().zip(results) {
            done.add(event.line, result);
        }
    }
    Ok(Json(done).into_response())
}

fn unreadable(faults: &[Fault]) -> Problem {
    let first = faults.first().map_or_else(String::new, |Fault { line, column, reason }| match column {
        Some(column) => format!("line {line}, column {column}: {reason}"),
        None => format!("line {line}: {reason}"),
    });
    let count = if faults.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", faults.len()) };
    let what = format!("the file has {count}; nothing of it was taken in. {first}");
    let faults = serde_json::json!(faults);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "file_unreadable", what).fact("faults", faults)
}

impl FileResults {
    fn add(&mut self, line: u64, result: EventResult) {
        let (count, outcome) = match result.status {
            Status::Accepted | Status::Waiting => (&mut self.accepted, "accepted"),
            Status::Duplicate => (&mut self.duplicates, "duplicate"),
            Status::Review => (&mut self.review, "review"),
            Status::Rejected => (&mut self.rejected, "rejected"),
        };
        *count += 1;
        metrics::counter!("yinke_core_order_events_total", "outcome" => outcome).increment(1);
        let applied = matches!(result.status, Status::Accepted | Status::Waiting | Status::Duplicate);
        if !applied && self.not_applied.len() < LISTED_MAX {
            self.not_applied.push(FileResult { line, result });
        }
    }
}
