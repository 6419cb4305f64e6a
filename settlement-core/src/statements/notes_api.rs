//! `GET /v1/reconciliations/{id}/differences/{number}` and `POST .../notes`: one difference, and that it is settled, says
//! whoever settled it.

use super::kept::{KeptDifference, one_difference};
use super::notes::{Place, say};
use crate::Core;
use crate::api::{Only, Operators, PathId, Problem, Write, check_line};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a note at most.
const NOTE_MAX: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(get_difference)).routes(routes!(post_note))
}

fn unknown(of: Place) -> Problem {
    Problem::unknown("difference", format!("{} of reconciliation {}", of.difference, of.reconciliation))
}

/// One difference, and what was said of it. Operators.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}/differences/{number}",
    params(("id" = i64, Path), ("number" = i64, Path, description = "The difference's number")),
    responses((status = 200, body = KeptDifference), (status = 404, description = "No such difference"))
)]
async fn get_difference(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId((id, number)): PathId<(i64, i64)>,
) -> Result<Json<KeptDifference>, Problem> {
    let of = Place { reconciliation: id, difference: number };
    core.store().read(move |tx| one_difference(tx, of)?.ok_or_else(|| unknown(of))).await.map(Json)
}

/// What somebody says of a difference.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDifferenceNote {
    /// Whether it is settled; `false` takes back that it was.
    settled: bool,
    /// How it was settled, or why it is not, for whoever reads it later: at most 1000 bytes.
    note: String,
}

/// Says that a difference is settled, and how, or that it is not after all. Every word is kept, with who said it and when;
/// the last one holds. Neither the difference nor the books change. Operators.
#[utoipa::path(
    post, path = "/v1/reconciliations/{id}/differences/{number}/notes",
    params(("id" = i64, Path), ("number" = i64, Path, description = "The difference's number")),
    request_body = NewDifferenceNote,
    responses((status = 201, body = KeptDifference), (status = 404, description = "No such difference"))
)]
async fn post_note(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId((id, number)): PathId<(i64, i64)>,
    write: Write<NewDifferenceNote>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    if body.note.trim().is_empty() {
        return Err(Problem::invalid("note", "say how it was settled, or why it is not"));
    }
    check_line("note", &body.note, NOTE_MAX)?;
    let of = Place { reconciliation: id, difference: number };
    scope
        .run(&core, move |tx, scope| {
            let known = say(tx, of, body.settled, body.note.trim(), scope.principal.name(), scope.now)?;
            let difference = if known { one_difference(tx, of)? } else { None };
            Ok((StatusCode::CREATED, difference.ok_or_else(|| unknown(of))?))
        })
        .await
}
