//! Settling by hand: `GET /v1/merchants/{id}/settlements` (what waits, and for what) and
//! `POST /v1/merchants/{id}/settlements` (settle these lines).

use super::judge_error::JudgeError;
use super::rows;
use super::settle::{By, LineResult, settle_line, waits_for_click};
use crate::Core;
use crate::api::{Cursor, Merchants, Only, Page, PageParams, Params, PathId, Principal, Problem, Write};
use crate::attribution::Catalogue;
use crate::ledger::top_up::lock_name;
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::attribute::Flag;
use attribution_core::ids::{LineId, MerchantId, OrderId, PlatformId};
use attribution_core::policy::settlement::SettleMode;
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

/// Lines of one request at most: each is judged once more before its money moves.
const LINES_MAX: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list, settle))
}

/// What a line waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WaitsFor {
    /// The merchant: the programme is settled by hand.
    Hand,
    /// A person who looks at it.
    Review,
    /// A click that an edge may still hold: it could decide otherwise, so nobody settles before, by hand neither.
    Click,
    /// The balance, or the next round of settling.
    Round,
}

/// A line that has matured and is not settled.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingLine {
    platform: String,
    order: String,
    line: String,
    product: String,
    /// The product's name, if the catalogue has it.
    title: Option<String>,
    promoter: Option<String>,
    promoter_name: Option<String>,
    programme: Option<String>,
    programme_name: Option<String>,
    waits_for: WaitsFor,
    /// With `click`: no longer than until then, UTC milliseconds; as a rule it is over once all edges have reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_until: Option<i64>,
    /// What the merchant will pay, fen.
    commission_fen: i64,
    /// When the trade succeeded, UTC milliseconds.
    matured_at: i64,
}

/// Matured lines that are not settled, in the order of their completion. Operators and the merchant.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/settlements", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<WaitingLine>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(merchant): PathId<MerchantId>,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<WaitingLine>>, Problem> {
    principal.require_merchant(merchant.as_str())?;
    let (page, after) = paging.begin()?;
    let (at, [platform, order, line]) = after.number_and_texts()?.unwrap_or((i64::MIN, Default::default()));
    let now = core.now();
    core.store()
        .read(move |tx| {
            known(tx, &merchant)?;
            let rows = tx.query(
                "SELECT platform, order_id, line_id, product, promoter, programme, programme_version, review, \
                 commission_fen, matured_ms, final_ms, decision, \
                 (SELECT t.title FROM targets t WHERE t.kind = 'product' AND t.id = product), \
                 (SELECT r.name FROM promoters r WHERE r.id = promoter), \
                 (SELECT g.name FROM programmes g WHERE g.id = programme) FROM order_lines WHERE merchant = $1 AND state = 'matured' \
                 AND (matured_ms, platform, order_id, line_id) > ($2, $3, $4, $5) \
                 ORDER BY matured_ms, platform, order_id, line_id LIMIT $6",
                params![&merchant, at, &platform, &order, &line, page.rows()],
            )?;
            let mut catalogue = Catalogue::default();
            let entries = rows.iter().map(|row| waiting(tx, &mut catalogue, row, now));
            let items = entries.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, Problem>(page.cut(items, |w| {
                Cursor::of_number_and_texts(w.matured_at, [&w.platform, &w.order, &w.line])
            }))
        })
        .await
        .map(Json)
}

fn known(tx: &mut dyn Tx, merchant: &MerchantId) -> Result<(), Problem> {
    tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![merchant])?
        .ok_or_else(|| Problem::unknown("merchant", merchant))?;
    Ok(())
}

fn waiting(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    row: &Row,
    now: Instant,
) -> Result<WaitingLine, StoreError> {
    let by_hand = match (row.opt_text(5)?, row.opt_num(6)?) {
        (Some(programme), Some(version)) => {
            let policy = catalogue.policy(tx, &read("programme id", programme)?, version)?;
            policy.settlement.mode == SettleMode::Manual
        }
        _ => false,
    };
    let click = click_of(tx, row, now)?;
    let waits_for = match (row.flag(7)?, click, by_hand) {
        (true, ..) => WaitsFor::Review,
        (false, Some(_), _) => WaitsFor::Click,
        (false, None, true) => WaitsFor::Hand,
        (false, None, false) => WaitsFor::Round,
    };
    Ok(WaitingLine {
        platform: row.text(0)?.to_owned(),
        order: row.text(1)?.to_owned(),
        line: row.text(2)?.to_owned(),
        product: row.text(3)?.to_owned(),
        title: row.opt_text(12)?.map(str::to_owned),
        promoter: row.opt_text(4)?.map(str::to_owned),
        promoter_name: row.opt_text(13)?.map(str::to_owned),
        programme: row.opt_text(5)?.map(str::to_owned),
        programme_name: row.opt_text(14)?.map(str::to_owned),
        waits_until: click.filter(|_| waits_for == WaitsFor::Click).map(Instant::millis),
        waits_for,
        commission_fen: row.int(8)?,
        matured_at: row.int(9)?,
    })
}

/// Until when at the latest the line waits for a click, if it does.
fn click_of(tx: &mut dyn Tx, row: &Row, now: Instant) -> Result<Option<Instant>, StoreError> {
    if row.opt_instant(10)?.is_some() {
        return Ok(None);
    }
    let platform: PlatformId = read("platform id", row.text(0)?)?;
    let order: OrderId = read("order id", row.text(1)?)?;
    let line: LineId = read("line id", row.text(2)?)?;
    let decided = rows::decision(tx, &platform, &order, &line, row.opt_int(11)?)?;
    let awaits = decided.is_some_and(|of| of.attribution.flags.contains(&Flag::AwaitingClick));
    waits_for_click(tx, &platform, &order, awaits, now)
}

/// A line to settle.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Chosen {
    #[schema(value_type = String)]
    platform: PlatformId,
    #[schema(value_type = String)]
    order: OrderId,
    #[schema(value_type = String)]
    line: LineId,
}

/// Lines to settle, in this order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Settle {
    /// 1 to 100.
    lines: Vec<Chosen>,
}

/// What became of a chosen line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is settled, by this request or before.
    Settled,
    /// It has not matured, waits for a review, or an edge may still hold a click.
    NotDue,
    /// The balance does not reach for it; nothing of it was paid.
    OutOfMoney,
    /// The merchant has no such line.
    Unknown,
}

/// A chosen line and what became of it.
#[derive(Debug, Serialize, ToSchema)]
struct LineOutcome {
    platform: String,
    order: String,
    line: String,
    outcome: Outcome,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct SettledLines {
    /// Lines settled by this request.
    settled: usize,
    /// One per line asked for, in the order of the request.
    lines: Vec<LineOutcome>,
}

/// Settles chosen lines of a merchant, each whole or not at all and with an answer of its own, also where the programme
/// leaves settling to the merchant. Operators and the merchant.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/settlements", params(("id" = String, Path)), request_body = Settle,
    responses((status = 200, body = SettledLines))
)]
async fn settle(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(merchant): PathId<MerchantId>,
    write: Write<Settle>,
) -> Result<Response, Problem> {
    let Write { body: Settle { lines }, scope } = write;
    scope.principal.require_merchant(merchant.as_str())?;
    if lines.is_empty() || lines.len() > LINES_MAX {
        return Err(Problem::invalid("lines", format!("1 to {LINES_MAX}")));
    }
    scope
        .run(&core, move |tx, scope| {
            known(tx, &merchant)?;
            tx.lock(&lock_name(&merchant))?;
            let mut catalogue = Catalogue::default();
            let mut outcomes = Vec::with_capacity(lines.len());
            let mut settled = 0;
            for Chosen { platform, order, line } in &lines {
                let row = tx.query_opt(
                    "SELECT state FROM order_lines WHERE order_id = $1 AND platform = $2 AND line_id = $3 \
                     AND merchant = $4",
                    params![order, platform, line, &merchant],
                )?;
                let outcome = match row {
                    None => Outcome::Unknown,
                    Some(row) if row.text(0)? == "settled" => Outcome::Settled,
                    Some(_) => {
                        let chosen = (platform, order, line);
                        match settle_line(tx, &mut catalogue, chosen, By::Hand, scope.now).map_err(refused)? {
                            LineResult::Settled => {
                                settled += 1;
                                Outcome::Settled
                            }
                            LineResult::NotDue | LineResult::Gone => Outcome::NotDue,
                            LineResult::OutOfMoney => Outcome::OutOfMoney,
                        }
                    }
                };
                outcomes.push(LineOutcome {
                    platform: platform.to_string(),
                    order: order.to_string(),
                    line: line.to_string(),
                    outcome,
                });
            }
            Ok((StatusCode::OK, SettledLines { settled, lines: outcomes }))
        })
        .await
}

fn refused(error: JudgeError) -> Problem {
    match error {
        JudgeError::Store(error) => error.into(),
        error => {
            tracing::error!(error = with_causes(&error), "a line could not be settled by hand");
            Problem::internal()
        }
    }
}
