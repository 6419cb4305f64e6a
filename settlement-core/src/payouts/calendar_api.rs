//! `GET` and `PUT /v1/calendar`: the workday calendar in force, and what operators lay over it.

use super::calendar;
use crate::Core;
use crate::api::{Only, Operators, Principal, Problem, Write};
use crate::store::Tx;
use attribution_core::calendar::{Calendar, CalendarOverride};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(get_calendar, put_calendar))
}

/// The calendar in force.
#[derive(Debug, Serialize, ToSchema)]
struct CalendarView {
    /// Recorded with everything that is computed from it.
    version: String,
    /// The first day covered.
    first_day: String,
    /// The last day covered; beyond it nothing is paid until the official days are added.
    last_day: String,
    /// What operators laid over the official tables.
    #[serde(rename = "override")]
    #[schema(value_type = Object)]
    by: CalendarOverride,
}

fn view(tx: &mut dyn Tx) -> Result<CalendarView, Problem> {
    let calendar = calendar::in_force(tx)?;
    Ok(CalendarView {
        version: calendar.version().to_string(),
        first_day: calendar.first_day().to_string(),
        last_day: calendar.last_day().to_string(),
        by: calendar::stored(tx)?,
    })
}

/// The workday calendar in force.
#[utoipa::path(get, path = "/v1/calendar", responses((status = 200, body = CalendarView)))]
async fn get_calendar(
    State(core): State<Core>,
    _principal: Principal,
) -> Result<Json<CalendarView>, Problem> {
    core.store().read(|tx| view(tx)).await.map(Json)
}

/// Lays days and years over the official tables, instead of what was laid over them before. Operators.
#[utoipa::path(
    put, path = "/v1/calendar", request_body = serde_json::Value,
    responses((status = 200, body = CalendarView), (status = 422, description = "It takes years away, or claims one without its days"))
)]
async fn put_calendar(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<CalendarOverride>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    Calendar::overridden(&body).map_err(|error| Problem::invalid("override", error))?;
    scope
        .run(&core, move |tx, scope| {
            calendar::keep(tx, &body, scope.now)?;
            Ok((StatusCode::OK, view(tx)?))
        })
        .await
}
