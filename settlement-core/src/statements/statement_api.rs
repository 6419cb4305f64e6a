//! `GET /v1/promoters/{id}/statements` and `GET /v1/agencies/{id}/statements`.

use super::statement::{Statement, statements};
use crate::Core;
use crate::api::{CsvFile, Form, Params, PathId, Principal, Problem, Role};
use crate::ledger::account::owner_of;
use crate::params;
use crate::payout_accounts::refuse_unknown_agency;
use attribution_core::commission::Payee;
use attribution_core::ids::{AgencyId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(of_promoter)).routes(routes!(of_agency))
}

/// Which month.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The civil month in Asia/Shanghai, `2020-07`; this month if absent.
    month: Option<String>,
    /// `json`, or `csv`: one row per movement, amounts in yuan.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// A payee's month.
#[derive(Debug, Serialize, ToSchema)]
struct Statements {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// The month.
    month: String,
    /// Whether it is over: then nothing in it changes any more.
    closed: bool,
    /// By programme.
    statements: Vec<Statement>,
}

/// The month asked for: its first day, and the first day after it.
fn month(which: &Which, now: Instant) -> Result<(Date, Date), Problem> {
    let bad = || Problem::invalid("month", "a civil month such as 2020-07");
    let first: Date = match &which.month {
        Some(text) => format!("{text}-01").parse().map_err(|_| bad())?,
        None => now.shanghai_date().first_of_month(),
    };
    let after = first.checked_add(1.month()).map_err(|_| bad())?;
    Ok((first, after))
}

async fn answer(core: &Core, payee: Payee, which: &Which) -> Result<Response, Problem> {
    let now = core.now();
    let (first, after) = month(which, now)?;
    let (from, to) = (Instant::of_shanghai_date(first), Instant::of_shanghai_date(after));
    let owner = owner_of(&payee);
    let of = owner.clone();
    let statements = core.store().read(move |tx| statements(tx, &of, from, to, now)).await?;
    let month: String = first.to_string().chars().take(7).collect();
    if which.format == Form::Json {
        return Ok(Json(Statements { payee: owner, month, closed: now >= to, statements }).into_response());
    }
    let mut file =
        CsvFile::new(&["programme", "reason", "order", "line", "at", "recorded_at", "amount_yuan"]);
    for statement in &statements {
        let line = |reason: &str, fen: i64, file: &mut CsvFile| {
            let amount = Fen(fen).to_string();
            file.row([statement.programme.as_str(), reason, "", "", "", "", &amount]);
        };
        line("opening", statement.opening_fen, &mut file);
        for m in &statement.movements {
            let (at, recorded) = (Instant(m.at).to_string(), Instant(m.recorded_at).to_string());
            let (order, line) =
                (m.order.as_deref().unwrap_or_default(), m.line.as_deref().unwrap_or_default());
            let amount = Fen(m.amount_fen).to_string();
            file.row([statement.programme.as_str(), &m.reason, order, line, &at, &recorded, &amount]);
        }
        line("closing", statement.closing_fen, &mut file);
    }
    Ok(file.response(&format!("statement-{}-{month}.csv", owner.replace('/', "-"))))
}

/// What a promoter got in a month, by programme: opening, each movement, closing. Operators, the promoter, the
/// promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/statements", params(("id" = String, Path), Which),
    responses((status = 200, content((Statements = "application/json"), (String = "text/csv"))))
)]
async fn of_promoter(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let id = promoter.clone();
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt("SELECT agency FROM promoters WHERE id = $1", params![&id])?
                .ok_or_else(|| Problem::unknown("promoter", &id))?;
            principal.require_promoter_of(id.as_str(), row.opt_text(0)?)
        })
        .await?;
    answer(&core, Payee::Promoter(promoter), &which).await
}

/// What an agency got in a month. Operators, and the agency.
#[utoipa::path(
    get, path = "/v1/agencies/{id}/statements", params(("id" = String, Path), Which),
    responses((status = 200, content((Statements = "application/json"), (String = "text/csv"))))
)]
async fn of_agency(
    State(core): State<Core>,
    principal: Principal,
    PathId(agency): PathId<AgencyId>,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    let own = principal.role == Role::Agency && principal.subject.as_deref() == Some(agency.as_str());
    if !own {
        principal.require_operator()?;
    }
    let id = agency.clone();
    core.store().read(move |tx| refuse_unknown_agency(tx, id.as_str())).await?;
    answer(&core, Payee::Agency(agency), &which).await
}
