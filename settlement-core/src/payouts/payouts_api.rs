//! What was sent to payees: `GET /v1/payouts`, and `GET /v1/payout-files` for whoever moves the money.

use crate::Core;
use crate::api::{CsvFile, Cursor, Page, PageParams, Params, Principal, Problem};
use crate::catalogue::refuse_unknown_programme;
use crate::params;
use crate::payout_accounts::hidden;
use crate::store::{Param, Query, Row, StoreError, Tx};
use attribution_core::money::Fen;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list_payouts)).routes(routes!(payout_file))
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
        account: row.opt_text(15)?.map(hidden),
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
