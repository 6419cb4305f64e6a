//! `POST /v1/reconciliations`: a platform's statement, as CSV, against our books.

use super::reconcile::{Difference, Span, compare, read};
use super::their_states::Dialect;
use crate::Core;
use crate::api::{ApiTime, Only, Operators, Params, Problem, read_bytes};
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_statement))
}

/// What the statement covers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Covers {
    /// The platform.
    platform: String,
    /// The programme.
    programme: String,
    /// Orders placed from here on (RFC 3339 or UTC milliseconds).
    from: String,
    /// Up to here.
    to: String,
    /// Whose names the states have: `taobao`, `jd`, `pdd`, `douyin` or `kuaishou`. Ours are always understood.
    #[serde(default)]
    #[param(inline)]
    states: Dialect,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Reconciliation {
    /// Lines that say the same.
    agree: u64,
    /// Lines of the statement.
    lines: usize,
    /// Each difference, by order and line.
    differences: Vec<Difference>,
}

/// Compares a statement with the books. It is CSV with the columns `order`, `line`, `commission_fen` or
/// `commission_yuan`, and `state` (ours, or as the platform's reports say it, by `states`). Nothing is changed. Operators.
#[utoipa::path(
    post, path = "/v1/reconciliations", params(Covers), request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Reconciliation), (status = 422, description = "The statement cannot be read; says row and column"))
)]
async fn post_statement(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(covers): Params<Covers>,
    request: Request,
) -> Result<Json<Reconciliation>, Problem> {
    let bytes = read_bytes(request, &core).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "statement_unreadable", "the statement is not UTF-8")
    })?;
    let theirs = read(text, covers.states).map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "statement_unreadable", error.to_string())
    })?;
    let at = |name: &str, text: &str| {
        let parsed: Result<ApiTime, _> = text.parse();
        parsed
            .map(ApiTime::instant)
            .map_err(|_| Problem::invalid(name, "neither RFC 3339 nor UTC milliseconds"))
    };
    let span = Span {
        from: at("from", &covers.from)?,
        to: at("to", &covers.to)?,
        platform: covers.platform,
        programme: covers.programme,
    };
    if span.from >= span.to {
        return Err(Problem::invalid("to", "must be later than from"));
    }
    let lines = theirs.len();
    let (differences, agree) = core.store().read(move |tx| compare(tx, &span, &theirs)).await?;
    Ok(Json(Reconciliation { agree, lines, differences }))
}
