//! `GET` and `PUT /v1/calendar`: the workday calendar in force, and what operators lay over it; `GET
//! /v1/calendar/versions`: what they laid over it before.

use super::calendar::{self, Said};
use crate::Core;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, Principal, Problem, Write};
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
    OpenApiRouter::new().routes(routes!(get_calendar, put_calendar)).routes(routes!(list_versions))
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

/// What operators laid over the official tables at some time.
#[derive(Debug, Serialize, ToSchema)]
struct CalendarVersionView {
    /// Counts them from 1.
    number: i64,
    /// The version that it made; absent if the tables of this program contradict it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What was laid over.
    #[serde(rename = "override")]
    #[schema(value_type = Object)]
    by: CalendarOverride,
    /// When, UTC milliseconds.
    recorded_at: i64,
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

/// What operators laid over the official tables, newest first; the first one is in force. Operators.
#[utoipa::path(
    get, path = "/v1/calendar/versions", params(PageParams),
    responses((status = 200, body = Page<CalendarVersionView>))
)]
async fn list_versions(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<CalendarVersionView>>, Problem> {
    let (page, after) = page.begin()?;
    let [before] = after.numbers()?.unwrap_or([i64::MAX]);
    let said = core.store().read(move |tx| calendar::said(tx, before, page.rows())).await?;
    let items = said.into_iter().map(|Said { number, by, recorded }| CalendarVersionView {
        number,
        version: Calendar::overridden(&by).ok().map(|calendar| calendar.version().to_string()),
        by,
        recorded_at: recorded.millis(),
    });
    Ok(Json(page.cut(items.collect(), |of: &CalendarVersionView| Cursor::of_numbers(&[of.number]))))
}
