//! `GET /v1/orders/{id}/attribution`: the explanation of an order, which is the computation itself.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::beside::Beside;
use super::named::names_in;
use crate::Core;
use crate::api::{Params, PathId, Principal, Problem, Role};
use crate::attribution::Decided;
use crate::names::{Noun, name_of};
use crate::order_events::log;
use crate::order_events::state::{LineState, OrderState};
use crate::orders::rows::{self, LineRow};
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::attribute::Attribution;
use attribution_core::explanation::{Explanation, Language, Names, explain, explain_bill};
use attribution_core::ids::{LineId, OrderId, PlatformId, ProgrammeId, PromoterId};
use attribution_core::ledger::Bill;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(explain_order))
}

/// Which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The platform that numbered the order; needed only where two platforms have an order of this number.
    platform: Option<String>,
}

/// An order with the explanation of every line.
#[derive(Debug, Serialize, ToSchema)]
struct OrderExplained {
    /// The platform.
    platform: String,
    /// The order.
    order: String,
    /// The shop.
    merchant: String,
    /// The shop's name.
    merchant_name: Option<String>,
    /// The buyer.
    buyer: String,
    /// When it was created, UTC milliseconds.
    #[schema(value_type = i64)]
    created_at: Instant,
    /// When it was paid.
    #[schema(value_type = Option<i64>)]
    paid_at: Option<Instant>,
    /// When the trade succeeded.
    #[schema(value_type = Option<i64>)]
    completed_at: Option<Instant>,
    /// When it was closed without success.
    #[schema(value_type = Option<i64>)]
    closed_at: Option<Instant>,
    /// Its lines.
    lines: Vec<LineExplained>,
    /// What a person has to look at, or looked at.
    reviews: Vec<ReviewEntry>,
}

/// A line: where its commission stands, and why.
#[derive(Debug, Serialize, ToSchema)]
struct LineExplained {
    /// The line.
    line: String,
    /// What was bought.
    product: String,
    /// Its name, if the catalogue has it.
    title: Option<String>,
    /// Pieces.
    quantity: u32,
    /// Goods amount, fen.
    amount_fen: i64,
    /// Refunded so far, fen.
    refunded_fen: i64,
    /// `tracked`, `expected` (待结算), `matured`, `settled` (已结算), `invalid` (已失效), `manual_required`, or `none`.
    state: &'static str,
    /// A refund after the settlement took commission back (维权).
    taken_back: bool,
    /// What the commission is computed on now, fen.
    base_fen: i64,
    /// The whole commission now, fen.
    commission_fen: i64,
    /// What of it the promoter sees as theirs, fen.
    promoter_fen: i64,
    /// The promoter who owns the line.
    promoter: Option<String>,
    /// Their name.
    promoter_name: Option<String>,
    /// The programme whose rules decided.
    programme: Option<String>,
    /// Its name.
    programme_name: Option<String>,
    /// The version of those rules.
    programme_version: Option<u32>,
    /// New facts may still change the owner.
    provisional: bool,
    /// From when on they may not, once that is known.
    #[schema(value_type = Option<i64>)]
    final_at: Option<Instant>,
    /// A person must look before money moves.
    review: bool,
    /// When the commission was settled.
    #[schema(value_type = Option<i64>)]
    settled_at: Option<Instant>,
    /// The decision in force.
    decision: Option<DecisionExplained>,
    /// How the commission came to what it is now, from the books; none while nobody has one.
    bill: Option<BillExplained>,
    /// The decisions it superseded, newest first.
    superseded: Vec<Superseded>,
}

/// A decision as it was computed, and in words.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionExplained {
    /// Its number on this line, from 1.
    number: i64,
    /// The computation itself: candidates with their verdicts, relation, class, plan, rate, amounts, rule version.
    #[schema(value_type = Object)]
    attribution: Attribution,
    /// The same in words.
    explanation: Words,
    /// What the rules said for the buyer's clicks in other programmes.
    #[schema(value_type = Vec<Object>)]
    other_programmes: Vec<Attribution>,
}

/// How a commission came about: the books' own amounts, and in words.
#[derive(Debug, Serialize, ToSchema)]
struct BillExplained {
    /// What was paid, refunded and taken off, what remains of it, the terms, the commission and its shares.
    #[schema(value_type = Object)]
    computed: Bill,
    /// 中文.
    zh: Vec<String>,
    /// English.
    en: Vec<String>,
}

impl From<Bill> for BillExplained {
    fn from(computed: Bill) -> Self {
        let told = |language| explain_bill(&computed, language);
        Self { zh: told(Language::Zh), en: told(Language::En), computed }
    }
}

/// An explanation in two languages.
#[derive(Debug, Serialize, ToSchema)]
struct Words {
    /// 中文.
    #[schema(value_type = Object)]
    zh: Explanation,
    /// English.
    #[schema(value_type = Object)]
    en: Explanation,
}

impl Words {
    fn of(attribution: &Attribution, bill: Option<&Bill>, names: &Names) -> Self {
        let told = |language| explain(attribution, bill, names, language);
        Self { zh: told(Language::Zh), en: told(Language::En) }
    }
}

/// An earlier decision.
#[derive(Debug, Serialize, ToSchema)]
struct Superseded {
    /// Its number on this line.
    number: i64,
    /// When it was made.
    #[schema(value_type = i64)]
    made_at: Instant,
    /// What made us decide.
    cause: String,
    /// `award`, or why there was none.
    outcome: String,
    /// Whose the line was.
    promoter: Option<String>,
    /// It in one sentence each.
    zh: String,
    /// In English.
    en: String,
}

/// Something a person has to look at, or looked at.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewEntry {
    /// Why.
    reason: String,
    /// The line, or empty for the whole order.
    line: String,
    /// Tells findings of one kind apart.
    found: String,
    /// In words.
    detail: String,
    /// Since when.
    #[schema(value_type = i64)]
    opened_at: Instant,
    /// Until when, and with what result.
    #[schema(value_type = Option<i64>)]
    resolved_at: Option<Instant>,
    /// The result.
    resolution: Option<String>,
}

/// Explains an order: for each line who owns it, through which click, under which rules, how much, and what became of
/// every other click. The explanation is the computation itself.
#[utoipa::path(
    get,
    path = "/v1/orders/{id}/attribution",
    params(("id" = String, Path, description = "The order's number"), Which),
    responses((status = 200, body = OrderExplained), (status = 404, description = "No such order"))
)]
async fn explain_order(
    State(core): State<Core>,
    principal: Principal,
    PathId(order): PathId<OrderId>,
    Params(which): Params<Which>,
) -> Result<Json<OrderExplained>, Problem> {
    let own = match (principal.role, &principal.subject) {
        (Role::Merchant, Some(merchant)) => Some(merchant.clone()),
        _ => {
            principal.require_operator()?;
            None
        }
    };
    let now = core.now();
    core.store()
        .read(move |tx| {
            let platform = find_order(tx, &order, which.platform.as_deref(), own.as_deref())?;
            explained(tx, &platform, &order, now)
        })
        .await
        .map(Json)
}

/// On which platform the order is. To a merchant (`own`) there are no orders of others: whether there is one of this number
/// is not theirs to know.
fn find_order(
    tx: &mut dyn Tx,
    order: &OrderId,
    platform: Option<&str>,
    own: Option<&str>,
) -> Result<PlatformId, Problem> {
    let rows = tx.query(
        "SELECT platform FROM orders WHERE order_id = $1 AND ($2 = '' OR platform = $2) \
         AND ($3 = '' OR merchant = $3) ORDER BY platform",
        params![order, platform.unwrap_or_default(), own.unwrap_or_default()],
    )?;
    only_platform(&rows, order)
}

/// The platform of the only order that was found: its first column names it.
pub(super) fn only_platform(rows: &[Row], order: &OrderId) -> Result<PlatformId, Problem> {
    match rows {
        [] => Err(Problem::unknown("order", order)),
        [row] => Ok(read("platform id", row.text(0)?)?),
        several => {
            let platforms: Vec<&str> = several.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
            Err(Problem::conflict(
                "ambiguous_order",
                "several platforms have an order of this number; name one",
            )
            .fact("platforms", platforms))
        }
    }
}

fn explained(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    now: Instant,
) -> Result<OrderExplained, Problem> {
    let events = log::events(tx, platform, order)?;
    let state = OrderState::of(&events).ok_or_else(|| Problem::unknown("order", order))?;
    let beside = Beside::of(tx, &state, now)?;
    let mut lines = Vec::with_capacity(state.lines.len());
    for (index, line) in state.lines.iter().enumerate() {
        let row = rows::line(tx, platform, order, &line.line)?;
        let mut decided = rows::decision(tx, platform, order, &line.line, row.decision)?;
        if let Some(decided) = &mut decided {
            beside.tell(index, decided, row.final_at);
        }
        lines.push(line_explained(tx, &state, line, &row, decided)?);
    }
    Ok(OrderExplained {
        platform: platform.to_string(),
        order: order.to_string(),
        merchant_name: name_of(tx, Noun::Merchant, state.created.merchant.as_str())?,
        merchant: state.created.merchant.to_string(),
        buyer: state.created.buyer.to_string(),
        created_at: state.created.at.instant(),
        paid_at: state.paid,
        completed_at: state.completed,
        closed_at: state.closed,
        lines,
        reviews: reviews(tx, platform, order)?,
    })
}

/// Whether a refund took back what a line had settled.
fn is_taken_back(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    line: &LineId,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM ledger_transfers WHERE platform = $1 AND order_id = $2 AND line_id = $3 \
         AND reason = 'clawback' LIMIT 1",
        params![platform, order, line],
    )?;
    Ok(found.is_some())
}

fn line_explained(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    row: &LineRow,
    decided: Option<Decided>,
) -> Result<LineExplained, StoreError> {
    let (platform, order) = (&state.created.platform, &state.created.order);
    let bill = row.bill()?;
    let decision = match decided {
        Some(decided) => {
            let names = names_in(tx, [&decided.attribution])?;
            Some(decision_explained(row, decided, bill.as_ref(), &names))
        }
        None => None,
    };
    let mut name = |noun, id: Option<&str>| id.map_or(Ok(None), |id| name_of(tx, noun, id));
    let title = name(Noun::Product, Some(line.product.as_str()))?;
    let promoter_name = name(Noun::Promoter, row.promoter.as_ref().map(PromoterId::as_str))?;
    let programme_name = name(Noun::Programme, row.programme.as_ref().map(ProgrammeId::as_str))?;
    Ok(LineExplained {
        line: line.line.to_string(),
        product: line.product.to_string(),
        title,
        quantity: line.quantity,
        amount_fen: line.amount.0,
        refunded_fen: line.refunded().0,
        state: row.state,
        taken_back: row.settled.is_some() && is_taken_back(tx, platform, order, &line.line)?,
        base_fen: row.amounts.base,
        commission_fen: row.amounts.commission,
        promoter_fen: row.amounts.promoter,
        promoter: row.promoter.as_ref().map(ToString::to_string),
        promoter_name,
        programme: row.programme.as_ref().map(ToString::to_string),
        programme_name,
        programme_version: row.version,
        provisional: !row.is_final(),
        final_at: row.final_at,
        review: row.held,
        settled_at: row.settled,
        decision,
        bill: bill.map(BillExplained::from),
        superseded: superseded(tx, platform, order, &line.line, row.decision)?,
    })
}

fn decision_explained(
    row: &LineRow,
    decided: Decided,
    bill: Option<&Bill>,
    names: &Names,
) -> DecisionExplained {
    let Decided { mut attribution, others } = decided;
    row.tell_finality(&mut attribution);
    DecisionExplained {
        number: row.decision.unwrap_or_default(),
        explanation: Words::of(&attribution, bill, names),
        attribution,
        other_programmes: others,
    }
}

fn superseded(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    line: &LineId,
    in_force: Option<i64>,
) -> Result<Vec<Superseded>, StoreError> {
    let rows = tx.query(
        "SELECT number, made_ms, cause, outcome, promoter, attribution FROM order_decisions \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND number < $4 ORDER BY number DESC",
        params![platform, order, line, in_force.unwrap_or_default()],
    )?;
    let decided = rows.iter().map(|row| {
        let decided: Result<Decided, _> = serde_json::from_str(row.text(5)?);
        decided.map_err(StoreError::corrupt("decision"))
    });
    let decided = decided.collect::<Result<Vec<_>, StoreError>>()?;
    let names = names_in(tx, decided.iter().map(|of| &of.attribution))?;
    rows.iter()
        .zip(&decided)
        .map(|(row, decided)| {
            Ok(Superseded {
                number: row.int(0)?,
                made_at: row.instant(1)?,
                cause: row.text(2)?.to_owned(),
                outcome: row.text(3)?.to_owned(),
                promoter: row.opt_text(4)?.map(str::to_owned),
                zh: explain(&decided.attribution, None, &names, Language::Zh).sentence,
                en: explain(&decided.attribution, None, &names, Language::En).sentence,
            })
        })
        .collect()
}

fn reviews(tx: &mut dyn Tx, platform: &PlatformId, order: &OrderId) -> Result<Vec<ReviewEntry>, StoreError> {
    let rows = tx.query(
        "SELECT reason, line_id, found, detail, opened_ms, resolved_ms, resolution FROM order_reviews \
         WHERE platform = $1 AND order_id = $2 ORDER BY opened_ms, reason, line_id, found",
        params![platform, order],
    )?;
    rows.iter()
        .map(|row| {
            Ok(ReviewEntry {
                reason: row.text(0)?.to_owned(),
                line: row.text(1)?.to_owned(),
                found: row.text(2)?.to_owned(),
                detail: row.text(3)?.to_owned(),
                opened_at: row.instant(4)?,
                resolved_at: row.opt_instant(5)?,
                resolution: row.opt_text(6)?.map(str::to_owned),
            })
        })
        .collect()
}
