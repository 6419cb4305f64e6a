//! `POST /v1/promoters/{id}/withdrawals` and `POST /v1/agencies/{id}/withdrawals`, and what a payee has.

use super::ahead::{Ahead, WaitingMonth, ahead};
use super::run::platform_of;
use super::send::{MoveError, Purse};
use super::withdraw::{WithdrawError, Withdrawal, withdraw};
use crate::Core;
use crate::api::{Agencies, Only, PathId, Principal, Problem, PromotersAlone, Write, WriteScope};
use crate::catalogue::rules::reports_next_day;
use crate::catalogue::rules::{Programme, of_id};
use crate::ledger::account::owner_of;
use crate::ledger::balance::{balance, pending};
use crate::names::{Noun, name_of};
use crate::params;
use crate::payout_accounts::{hidden, refuse_unknown_agency, require_agency};
use crate::store::{Tx, read};
use attribution_core::commission::Payee;
use attribution_core::ids::{AgencyId, ProgrammeId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
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
    OpenApiRouter::new()
        .routes(routes!(promoter_withdrawal))
        .routes(routes!(agency_withdrawal))
        .routes(routes!(promoter_balance))
        .routes(routes!(agency_balance))
}

/// What to withdraw.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostWithdrawal {
    /// From which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// How much; everything available if absent.
    #[serde(default)]
    #[schema(minimum = 1)]
    amount_fen: Option<i64>,
}

/// A withdrawal that was made.
#[derive(Debug, Serialize, ToSchema)]
struct WithdrawalView {
    /// Its id.
    id: String,
    /// The programme.
    programme: String,
    /// `clearing`: on its way.
    state: &'static str,
    /// Taken from what was available.
    amount_fen: i64,
    /// Of it the platform's part, collected now.
    collected_fen: i64,
    /// Of it what the account receives.
    paid_fen: i64,
    /// Still available.
    available_fen: i64,
    /// The kind of account bound now.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_kind: Option<&'static str>,
    /// Its last four characters, or of an e-mail address the first one and the host; the others hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

fn refusal(error: &WithdrawError) -> Problem {
    match error {
        WithdrawError::TooMuch { free, wanted } => Problem::conflict("not_available", error.to_string())
            .about("amount_fen")
            .fact("available_fen", free.0)
            .fact("wanted_fen", wanted.0),
        WithdrawError::NoAccount(reason) => Problem::conflict(reason, error.to_string()),
        WithdrawError::Automatic => Problem::conflict("automatic_payout", error.to_string()),
        WithdrawError::Move(error) => {
            tracing::error!(error = with_causes(error), "a withdrawal failed");
            Problem::internal()
        }
    }
}

fn problem(error: WithdrawError) -> Problem {
    match error {
        WithdrawError::Move(MoveError::Store(error)) => error.into(),
        other => refusal(&other),
    }
}

fn programme(tx: &mut dyn Tx, id: &ProgrammeId) -> Result<Programme, Problem> {
    of_id(tx, id)?.ok_or_else(|| Problem::unknown("programme", id))
}

fn make(
    tx: &mut dyn Tx,
    payee: &Payee,
    body: &PostWithdrawal,
    now: Instant,
) -> Result<(StatusCode, WithdrawalView), Problem> {
    let programme = programme(tx, &body.programme)?;
    let rules = programme.in_force(now).ok_or_else(|| Problem::unknown("programme", &body.programme))?;
    let purse = Purse {
        platform: platform_of(tx, &body.programme)?,
        programme: body.programme.clone(),
        payee: payee.clone(),
        owner: owner_of(payee),
    };
    let Withdrawal { id, sent, account, left } =
        withdraw(tx, &purse, &rules.policy, body.amount_fen.map(Fen), now).map_err(problem)?;
    let view = WithdrawalView {
        id,
        programme: body.programme.to_string(),
        state: "clearing",
        amount_fen: sent.gross.0,
        collected_fen: sent.fee.0,
        paid_fen: sent.net.0,
        available_fen: left.0,
        account_kind: account.as_ref().map(|account| account.kind.name()),
        account: account.as_ref().map(|account| hidden(&account.account)),
    };
    Ok((StatusCode::CREATED, view))
}

async fn answer(
    core: &Core,
    scope: WriteScope,
    payee: Payee,
    body: PostWithdrawal,
) -> Result<Response, Problem> {
    if body.amount_fen.is_some_and(|fen| fen <= 0) {
        return Err(Problem::invalid("amount_fen", "at least 1"));
    }
    let response = scope.run(core, move |tx, scope| make(tx, &payee, &body, scope.now)).await;
    let result = if response.is_ok() { "made" } else { "refused" };
    metrics::counter!("yinke_ledger_withdrawals_total", "result" => result).increment(1);
    response
}

/// Withdraws what is available. The platform's part is collected here, on lifetime totals. Operators, and the
/// promoter. Send an `Idempotency-Key`: without one, a repeat is another withdrawal.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/withdrawals", params(("id" = String, Path)), request_body = PostWithdrawal,
    responses((status = 201, body = WithdrawalView), (status = 409, description = "Not so much is available, or no account can receive it"))
)]
async fn promoter_withdrawal(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<PostWithdrawal>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_promoter(promoter.as_str())?;
    answer(&core, scope, Payee::Promoter(promoter), body).await
}

/// Withdraws what is available to an agency. Operators, and the agency.
#[utoipa::path(
    post, path = "/v1/agencies/{id}/withdrawals", params(("id" = String, Path)), request_body = PostWithdrawal,
    responses((status = 201, body = WithdrawalView))
)]
async fn agency_withdrawal(
    State(core): State<Core>,
    _: Only<Agencies>,
    PathId(agency): PathId<AgencyId>,
    write: Write<PostWithdrawal>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    require_agency(&scope.principal, &agency)?;
    answer(&core, scope, Payee::Agency(agency), body).await
}

/// A payee's money.
#[derive(Debug, Serialize, ToSchema)]
struct PurseView {
    programme: String,
    /// The programme's name.
    programme_name: String,
    /// Expected and not settled yet.
    expected_fen: i64,
    /// Settled, before the payout day.
    earned_fen: i64,
    /// Free to be withdrawn; negative while a debt is carried.
    available_fen: i64,
    /// On its way out.
    clearing_fen: i64,
    /// The programme's next payout day from today on, `2020-09-15`, if it has such days and the calendar names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_payout_on: Option<String>,
    /// What of `earned_fen` can be paid from which day on, by month.
    waiting: Vec<WaitingMonth>,
    /// Reports and lists of orders show what settled today from midnight on; these amounts have it at once.
    reports_next_day: bool,
}

/// What a payee has in each programme.
fn purses(tx: &mut dyn Tx, payee: &Payee, now: Instant) -> Result<Vec<PurseView>, Problem> {
    let owner = owner_of(payee);
    let rows = tx.query(
        "SELECT DISTINCT programme FROM ledger_entries \
         WHERE account IN ('earned', 'available', 'clearing') AND owner = $1 ORDER BY programme",
        params![&owner],
    )?;
    let mut purses = Vec::new();
    for row in &rows {
        let programme = read("programme id", row.text(0)?)?;
        let platform = platform_of(tx, &programme)?;
        let name = name_of(tx, Noun::Programme, programme.as_str())?;
        let purse = Purse { platform, programme, payee: payee.clone(), owner: owner.clone() };
        let Ahead { next_payout_on, waiting } = ahead(tx, &purse.programme, &owner, now)?;
        purses.push(PurseView {
            expected_fen: pending(tx, &purse.earned())?.0,
            earned_fen: balance(tx, &purse.earned())?.0,
            available_fen: balance(tx, &purse.available())?.0,
            clearing_fen: balance(tx, &purse.clearing())?.0,
            reports_next_day: reports_next_day(tx, &purse.programme, now)?,
            programme: purse.programme.to_string(),
            programme_name: name.unwrap_or_default(),
            next_payout_on,
            waiting,
        });
    }
    Ok(purses)
}

/// What a promoter has in each programme. Amounts include the platform's part until it is collected at a withdrawal.
/// Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/balance", params(("id" = String, Path)),
    responses((status = 200, body = Vec<PurseView>))
)]
async fn promoter_balance(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
) -> Result<Json<Vec<PurseView>>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt("SELECT agency FROM promoters WHERE id = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &promoter))?;
            principal.require_promoter_of(promoter.as_str(), row.opt_text(0)?)?;
            purses(tx, &Payee::Promoter(promoter.clone()), now)
        })
        .await
        .map(Json)
}

/// What an agency has in each programme. Operators, and the agency.
#[utoipa::path(
    get, path = "/v1/agencies/{id}/balance", params(("id" = String, Path)),
    responses((status = 200, body = Vec<PurseView>))
)]
async fn agency_balance(
    State(core): State<Core>,
    principal: Principal,
    PathId(agency): PathId<AgencyId>,
) -> Result<Json<Vec<PurseView>>, Problem> {
    require_agency(&principal, &agency)?;
    let now = core.now();
    core.store()
        .read(move |tx| {
            refuse_unknown_agency(tx, agency.as_str())?;
            purses(tx, &Payee::Agency(agency.clone()), now)
        })
        .await
        .map(Json)
}
