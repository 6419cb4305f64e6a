//! Payout runs: `POST` and `GET /v1/payout-runs`.

use super::due::{BeginError, Trigger};
use super::run::begin;
use crate::Core;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, Principal, Problem, Write};
use crate::catalogue::refuse_unknown_programme;
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::ids::ProgrammeId;
use attribution_core::with_causes;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list_runs, post_run))
}

/// A run to begin.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostRun {
    /// The programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
struct RunView {
    /// The programme.
    programme: String,
    /// The day it began.
    day: String,
    /// Counts the runs of that day.
    attempt: i64,
    /// The version of the calendar it rests on.
    calendar: String,
    /// Payees with something unpaid when it began.
    payees: i64,
    /// Served so far.
    served: i64,
    /// Of them, payments that failed; their money stays payable.
    failed: i64,
    /// Entries that moved on.
    entries: i64,
    /// Their sum.
    amount_fen: i64,
    /// UTC milliseconds.
    started_at: i64,
    /// UTC milliseconds; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
}

const RUN: &str = "SELECT programme, run_day, attempt, calendar, payees, served, failed, entries, amount_fen, \
                   started_ms, finished_ms FROM payout_runs";

fn run_view(row: &Row) -> Result<RunView, StoreError> {
    Ok(RunView {
        programme: row.text(0)?.to_owned(),
        day: row.text(1)?.to_owned(),
        attempt: row.int(2)?,
        calendar: row.text(3)?.to_owned(),
        payees: row.int(4)?,
        served: row.int(5)?,
        failed: row.int(6)?,
        entries: row.int(7)?,
        amount_fen: row.int(8)?,
        started_at: row.int(9)?,
        finished_at: row.opt_int(10)?,
    })
}

/// Begins another attempt now, over everything that is due and unpaid; it goes on in the background. A run that has
/// not finished goes on instead. Operators.
#[utoipa::path(
    post, path = "/v1/payout-runs", request_body = PostRun,
    responses((status = 202, body = RunView), (status = 409, description = "Nothing is due"))
)]
async fn post_run(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<PostRun>,
) -> Result<Response, Problem> {
    let Write { body: PostRun { programme }, scope } = write;
    let response = scope
        .run(&core, move |tx, scope| {
            refuse_unknown_programme(tx, programme.as_str())?;
            let run = begin(tx, &programme, Trigger::Person, scope.now)
                .map_err(|error| match error {
                    BeginError::Store(error) => error.into(),
                    BeginError::Schedule(error) => Problem::conflict("no_payout_day", with_causes(&error)),
                })?
                .ok_or_else(|| Problem::conflict("nothing_due", "nothing is due and unpaid"))?;
            let row = tx.query_one(
                &format!("{RUN} WHERE programme = $1 AND run_day = $2 AND attempt = $3"),
                params![&run.programme, &run.day, run.attempt],
            )?;
            Ok((StatusCode::ACCEPTED, run_view(&row)?))
        })
        .await?;
    Ok(response)
}

/// Of which programme.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfProgramme {
    /// The programme.
    programme: String,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A programme's runs, newest first. Operators.
#[utoipa::path(get, path = "/v1/payout-runs", params(OfProgramme), responses((status = 200, body = Page<RunView>), (status = 404, description = "No such programme")))]
async fn list_runs(
    State(core): State<Core>,
    principal: Principal,
    Params(of): Params<OfProgramme>,
) -> Result<Json<Page<RunView>>, Problem> {
    principal.require_operator()?;
    let (page, after) = PageParams { limit: of.limit, cursor: of.cursor }.begin()?;
    // Later than any day.
    let (attempt, [day]) = after.number_and_texts()?.unwrap_or((i64::MAX, ["9999-12-31".to_owned()]));
    let rows = core
        .store()
        .read(move |tx| {
            refuse_unknown_programme(tx, &of.programme)?;
            let sql = format!(
                "{RUN} WHERE programme = $1 AND (run_day, attempt) < ($2, $3) ORDER BY run_day DESC, attempt DESC LIMIT $4"
            );
            Ok::<_, Problem>(tx.query(&sql, params![&of.programme, &day, attempt, page.rows()])?)
        })
        .await?;
    let items = rows.iter().map(run_view).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |run| Cursor::of_number_and_texts(run.attempt, [&run.day]))))
}
