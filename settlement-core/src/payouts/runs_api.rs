//! Payout runs and the files they make: `POST` and `GET /v1/payout-runs`, `GET /v1/payouts`, `GET /v1/payout-files`,
//! and `POST /v1/payouts/arrivals`, where the outside's word on what was sent comes in.

use super::due::{BeginError, Trigger};
use super::run::begin;
use super::send::MoveError;
use super::withdraw::{Arrival, ArrivalError, arrive};
use crate::Core;
use crate::api::{
    CsvFile, Cursor, Mistakes, Only, Operators, Page, PageParams, Params, Principal, Problem, Write,
    check_line,
};
use crate::catalogue::refuse_unknown_programme;
use crate::params;
use crate::store::{Param, Query, Row, StoreError, Tx};
use attribution_core::ids::ProgrammeId;
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Words on payouts in one request at most.
const ARRIVALS_MAX: usize = 1_000;
/// Bytes of why a payment came back at most: the payee reads it.
const REASON_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list_runs, post_run))
        .routes(routes!(list_payouts))
        .routes(routes!(payout_file))
        .routes(routes!(post_arrivals))
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

/// What became of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PayoutState {
    /// Moved there; the payee may withdraw it.
    Available,
    /// On its way out.
    Clearing,
    Paid,
    /// It came back and is available again.
    Returned,
    /// A debt ate it.
    Carried,
    /// Nothing moved.
    Failed,
}

impl PayoutState {
    const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Clearing => "clearing",
            Self::Paid => "paid",
            Self::Returned => "returned",
            Self::Carried => "carried",
            Self::Failed => "failed",
        }
    }
}

/// Which payouts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those of `promoter/ID` or `agency/ID`; operators may leave it out.
    payee: Option<String>,
    /// Only those of this programme.
    programme: Option<String>,
    /// Only those of which this became.
    state: Option<PayoutState>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A payout or withdrawal.
#[derive(Debug, Serialize, ToSchema)]
struct PayoutView {
    id: String,
    /// `run` or `withdrawal`.
    kind: String,
    programme: String,
    /// The programme's name.
    programme_name: String,
    payee: String,
    /// The promoter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_name: Option<String>,
    /// The day it was made.
    day: String,
    attempt: i64,
    /// `available` (moved there), `clearing` (on its way out), `paid`, `returned`, `carried` (a debt ate it) or
    /// `failed` (nothing moved).
    state: String,
    /// Why it failed or came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Entries that moved from earned to available, and their sum.
    entries: i64,
    amount_fen: i64,
    /// Taken from available, of it the platform's part, and what the account receives.
    gross_fen: i64,
    collected_fen: i64,
    paid_fen: i64,
    /// UTC milliseconds.
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_kind: Option<String>,
    /// Its last four characters, or of an e-mail address the first one and the host; the others hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The version of the calendar the day was computed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<String>,
}

fn payout_view(row: &Row) -> Result<PayoutView, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    let opt = |column| row.opt_text(column).map(|text| text.map(str::to_owned));
    Ok(PayoutView {
        id: text(0)?,
        kind: text(1)?,
        programme: text(2)?,
        payee: text(3)?,
        day: text(4)?,
        attempt: row.int(5)?,
        state: text(6)?,
        reason: opt(7)?,
        entries: row.int(8)?,
        amount_fen: row.int(9)?,
        gross_fen: row.int(10)?,
        collected_fen: row.int(11)?,
        paid_fen: row.int(12)?,
        at: row.int(13)?,
        account_kind: opt(14)?,
        account: row.opt_text(15)?.map(super::accounts_api::hidden),
        calendar: opt(16)?,
        programme_name: opt(17)?.unwrap_or_default(),
        payee_name: opt(18)?,
    })
}

/// Payouts and withdrawals, newest first. Operators, and promoters and agencies their own.
#[utoipa::path(get, path = "/v1/payouts", params(Which), responses((status = 200, body = Page<PayoutView>)))]
async fn list_payouts(
    State(core): State<Core>,
    principal: Principal,
    Params(which): Params<Which>,
) -> Result<Json<Page<PayoutView>>, Problem> {
    let own =
        which.payee.as_deref().and_then(|payee| payee.split_once('/')).is_some_and(|(role, id)| {
            principal.role.name() == role && principal.subject.as_deref() == Some(id)
        });
    if !own {
        principal.require_operator()?;
    }
    let (page, after) = PageParams { limit: which.limit, cursor: which.cursor.clone() }.begin()?;
    let after = after.number_and_texts()?;
    let rows = core.store().read(move |tx| payouts(tx, &which, after.as_ref(), page.rows())).await?;
    let items = rows.iter().map(payout_view).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |item: &PayoutView| Cursor::of_number_and_texts(item.at, [&item.id]))))
}

fn payouts(
    tx: &mut dyn Tx,
    which: &Which,
    after: Option<&(i64, [String; 1])>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut query = Query::new(
        "SELECT id, kind, programme, payee, run_day, attempt, state, reason, entries, amount_fen, gross_fen, \
         fee_fen, net_fen, at_ms, account_kind, account, calendar, \
         (SELECT g.name FROM programmes g WHERE g.id = programme), \
         (SELECT r.name FROM promoters r WHERE r.id = SUBSTR(payee, 10) AND payee LIKE 'promoter/%') FROM payouts \
         WHERE TRUE",
    );
    query.only("payee = ?", which.payee.as_ref());
    query.only("programme = ?", which.programme.as_ref());
    if let Some(state) = which.state {
        // Written out: what is on its way has an index of its own.
        query.add(&format!(" AND state = '{}'", state.name()), []);
    }
    if let Some((at, [id])) = after {
        let at = Param::from(*at);
        query.add(" AND (at_ms < ? OR (at_ms = ? AND id < ?))", [at, at, id.into()]);
    }
    query.add(" ORDER BY at_ms DESC, id DESC LIMIT ?", [limit.into()]);
    query.rows(tx)
}

/// Which file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FileOf {
    /// The programme.
    programme: String,
    /// The day the money was sent, `2020-09-15`; without it all that is on its way now.
    day: Option<String>,
}

/// What a day sent, or what is on its way, as a CSV file for whoever moves the money: one row per payment. Operators.
#[utoipa::path(get, path = "/v1/payout-files", params(FileOf), responses((status = 200, body = String, content_type = "text/csv"), (status = 404, description = "No such programme")))]
async fn payout_file(
    State(core): State<Core>,
    principal: Principal,
    Params(of): Params<FileOf>,
) -> Result<Response, Problem> {
    principal.require_operator()?;
    let day: Option<Date> = of
        .day
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Problem::invalid("day", "a day such as 2020-09-15"))?;
    let name = format!("payouts-{}-{}.csv", of.programme, of.day.as_deref().unwrap_or("on-their-way"));
    let rows = core
        .store()
        .read(move |tx| {
            refuse_unknown_programme(tx, &of.programme)?;
            let columns = "SELECT id, payee, account_kind, account, holder, net_fen, state FROM payouts";
            let rows = match &day {
                Some(day) => tx.query(
                    &format!(
                        "{columns} WHERE programme = $1 AND run_day = $2 AND state IN ('clearing', 'paid', 'returned') \
                         ORDER BY payee, id"
                    ),
                    params![&of.programme, &day.to_string()],
                ),
                None => tx.query(
                    &format!("{columns} WHERE programme = $1 AND state = 'clearing' ORDER BY payee, id"),
                    params![&of.programme],
                ),
            };
            Ok::<_, Problem>(rows?)
        })
        .await?;
    let mut file =
        CsvFile::new(&["id", "payee", "account_kind", "account", "holder", "amount_yuan", "state"]);
    for row in &rows {
        let text = |column| row.opt_text(column).map(Option::unwrap_or_default);
        let amount = Fen(row.int(5)?).to_string();
        file.row([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?, &amount, text(6)?]);
    }
    Ok(file.response(&name))
}

/// What became of payments that were sent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Arrivals {
    /// 1 to 1000.
    payouts: Vec<ArrivalOf>,
}

/// What became of one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArrivalOf {
    /// The payout.
    id: String,
    /// It arrived; if not, it came back and is available again.
    paid: bool,
    /// Why it came back: at most 200 bytes.
    #[serde(default)]
    reason: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Closed {
    /// Payouts that are closed now.
    closed: usize,
}

/// Takes in what became of one payment.
fn take_in(tx: &mut dyn Tx, of: &ArrivalOf, now: Instant) -> Result<(), Problem> {
    if let Some(reason) = &of.reason {
        check_line("reason", reason, REASON_MAX)?;
    }
    let arrival = if of.paid { Arrival::Paid } else { Arrival::Returned };
    arrive(tx, &of.id, arrival, of.reason.as_deref(), now).map_err(|error| match error {
        ArrivalError::Move(MoveError::Store(error)) => error.into(),
        ArrivalError::Unknown => Problem::unknown("payout", &of.id).about("id"),
        ArrivalError::NotOnItsWay(_) => {
            Problem::conflict("not_on_its_way", format!("{}: {error}", of.id)).about("id")
        }
        ArrivalError::Move(error) => {
            tracing::error!(error = with_causes(&error), "a payout could not be closed");
            Problem::internal()
        }
    })
}

/// The outside's word on payments: all of them are taken in, or none. Operators.
#[utoipa::path(
    post, path = "/v1/payouts/arrivals", request_body = Arrivals,
    responses((status = 200, body = Closed),
              (status = 422, description = "`invalid_arrivals`: in `errors` each payout that is not on its way (`not_on_its_way`), is not there, or has a reason that cannot be shown"))
)]
async fn post_arrivals(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<Arrivals>,
) -> Result<Response, Problem> {
    let Write { body: Arrivals { payouts }, scope } = write;
    if payouts.is_empty() || payouts.len() > ARRIVALS_MAX {
        let rule = format!("1 to {ARRIVALS_MAX} payouts are taken in at once");
        return Err(Problem::invalid("payouts", rule));
    }
    scope
        .run(&core, move |tx: &mut dyn Tx, scope| {
            let mut mistakes = Mistakes::default();
            for (index, one) in payouts.iter().enumerate() {
                mistakes.sort(index, take_in(tx, one, scope.now))?;
            }
            mistakes.refuse("invalid_arrivals", |count| {
                format!("{count} of the payouts cannot be closed so; none was")
            })?;
            Ok((StatusCode::OK, Closed { closed: payouts.len() }))
        })
        .await
}
