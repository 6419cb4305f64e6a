//! `GET /v1/orders`: order lines as a promoter, a merchant or an agency sees them, newest first.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::shown::{midnight, not_yet_shown};
use crate::Core;
use crate::api::{
    ApiTime, CsvEntry, Cursor, Form, Page, PageParams, Params, Principal, Problem, Role, visible,
};
use crate::attribution::Catalogue;
use crate::store::{Param, Query, Row, StoreError, Tx, read};
use attribution_core::ids::PromoterId;
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Tracked,
    /// 待结算.
    Expected,
    Matured,
    /// 已结算.
    Settled,
    /// 已失效.
    Invalid,
    ManualRequired,
    None,
}

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Self::Tracked => "tracked",
            Self::Expected => "expected",
            Self::Matured => "matured",
            Self::Settled => "settled",
            Self::Invalid => "invalid",
            Self::ManualRequired => "manual_required",
            Self::None => "none",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose lines. A promoter's token sees its own.
    promoter: Option<String>,
    /// Sold by this merchant. A merchant's token sees its own.
    merchant: Option<String>,
    /// Of this agency's promoters. An agency's token sees its own.
    agency: Option<String>,
    /// Of this product only.
    product: Option<String>,
    /// Of the order of this number only.
    order: Option<String>,
    /// In this state only, as it is shown. A page may hold fewer entries than asked for: `next_cursor` says whether more
    /// follow.
    #[param(inline)]
    state: Option<Standing>,
    /// Placed at or after this (RFC 3339 or UTC milliseconds).
    from: Option<String>,
    /// Placed before this.
    to: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `json`, or `csv`: one row per line, amounts in yuan; all that there are, up to 50000, whatever `limit` says.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
struct OrderLineEntry {
    platform: String,
    order: String,
    line: String,
    product: String,
    /// The product's name, if the catalogue has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    merchant: String,
    /// For merchants and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promoter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promoter_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    programme: Option<String>,
    /// `tracked`, `expected` (待结算), `matured`, `settled` (已结算), `invalid` (已失效), `manual_required` or `none`. A
    /// promoter sees a success of today as `expected` until midnight where the programme shows it from then on.
    state: String,
    /// What the commission is computed on, fen.
    base_fen: i64,
    /// The whole commission, fen. For merchants and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    commission_fen: Option<i64>,
    /// What of it the promoter sees as theirs, fen.
    promoter_fen: i64,
    /// The owner may still change.
    provisional: bool,
    /// A person must look before money moves.
    review: bool,
    /// A refund after the settlement took commission back (维权).
    taken_back: bool,
    /// When the order was placed, UTC milliseconds.
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<i64>,
}

impl CsvEntry for OrderLineEntry {
    const FILE: &'static str = "orders.csv";
    const HEADINGS: &'static [&'static str] = &[
        "platform",
        "order",
        "line",
        "created_at",
        "product",
        "title",
        "merchant",
        "buyer",
        "promoter",
        "promoter_name",
        "programme",
        "state",
        "base_yuan",
        "commission_yuan",
        "promoter_yuan",
        "provisional",
        "review",
        "taken_back",
        "settled_at",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let yuan = |fen: i64| Fen(fen).to_string();
        let at = |at: i64| Instant(at).to_string();
        vec![
            self.platform.clone(),
            self.order.clone(),
            self.line.clone(),
            at(self.created_at),
            self.product.clone(),
            text(&self.title),
            self.merchant.clone(),
            text(&self.buyer),
            text(&self.promoter),
            text(&self.promoter_name),
            text(&self.programme),
            self.state.clone(),
            yuan(self.base_fen),
            self.commission_fen.map(yuan).unwrap_or_default(),
            yuan(self.promoter_fen),
            self.provisional.to_string(),
            self.review.to_string(),
            self.taken_back.to_string(),
            self.settled_at.map(at).unwrap_or_default(),
        ]
    }
}

/// Order lines, newest first. A promoter sees their own, an agency those of its promoters, a merchant those of its shop,
/// an operator all.
#[utoipa::path(
    get, path = "/v1/orders", params(Wanted),
    responses((status = 200, content((Page<OrderLineEntry> = "application/json"), (String = "text/csv"))))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(mut wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    scope(&mut wanted, &principal)?;
    let format = wanted.format;
    let (page, after) = format.begin(&PageParams { limit: wanted.limit, cursor: wanted.cursor.take() })?;
    let after = after.number_and_texts()?;
    let (from, to) = (instant("from", wanted.from.as_deref())?, instant("to", wanted.to.as_deref())?);
    let now = core.now();
    let found = core
        .store()
        .read(move |tx| {
            if let (Some(promoter), Role::Agency) = (&wanted.promoter, principal.role) {
                visible(tx, &principal, &checked(promoter)?)?;
            }
            let period = (from, to);
            let sees_all = !matches!(principal.role, Role::Promoter | Role::Agency);
            let also_settled_since = (!sees_all).then(|| midnight(now));
            let rows = rows(tx, &wanted, period, also_settled_since, after.as_ref(), page.rows())?;
            let mut catalogue = Catalogue::default();
            let mut items = Vec::with_capacity(rows.len());
            let mut last = None;
            for row in rows.iter().take(page.entries()) {
                let line = entry(tx, &mut catalogue, row, sees_all, now)?;
                last = Some(key(&line));
                if wanted.state.is_none_or(|state| state.name() == line.state) {
                    items.push(line);
                }
            }
            let more = rows.len() > page.entries();
            Ok::<_, Problem>(Page::among(items, last.filter(|_| more)))
        })
        .await?;
    format.answer(found)
}

/// The sort key: newest first, then by number.
fn key(line: &OrderLineEntry) -> String {
    Cursor::of_number_and_texts(line.created_at, [&line.order, &line.platform, &line.line])
}

fn checked(promoter: &str) -> Result<PromoterId, Problem> {
    PromoterId::new(promoter).map_err(|why| Problem::invalid("promoter", why))
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<Instant>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at: ApiTime =
        text.parse().map_err(|_| Problem::invalid(name, "neither RFC 3339 nor UTC milliseconds"))?;
    Ok(Some(at.instant()))
}

/// Fills in whose orders a token may see, and refuses what it may not ask for.
fn scope(wanted: &mut Wanted, principal: &Principal) -> Result<(), Problem> {
    let own = principal.subject.clone().unwrap_or_default();
    let field = match principal.role {
        Role::Admin | Role::Operator => return Ok(()),
        Role::Edge => return Err(Problem::forbidden("role edge may not do this")),
        Role::Promoter => &mut wanted.promoter,
        Role::Merchant => &mut wanted.merchant,
        Role::Agency => &mut wanted.agency,
    };
    if field.as_ref().is_some_and(|asked| *asked != own) {
        let role = principal.role.name();
        return Err(Problem::forbidden(format!("this token may not act for another {role}")));
    }
    *field = Some(own);
    Ok(())
}

/// Order lines with what an entry says of them.
const LINES: &str = "SELECT l.platform, l.order_id, l.line_id, l.product, t.title, l.merchant, o.buyer, l.promoter, \
     l.programme, l.state, l.base_fen, l.commission_fen, l.promoter_fen, l.final_ms, l.review, l.created_ms, \
     l.settled_ms, l.programme_version, l.matured_ms, \
     (SELECT r.name FROM promoters r WHERE r.id = l.promoter), \
     CASE WHEN l.settled_ms IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM ledger_transfers x WHERE x.platform = l.platform \
     AND x.order_id = l.order_id AND x.line_id = l.line_id AND x.reason = 'clawback') END FROM order_lines l \
     JOIN orders o ON o.order_id = l.order_id AND o.platform = l.platform \
     LEFT JOIN targets t ON t.kind = 'product' AND t.id = l.product WHERE TRUE";

/// Those that may be in the state that is wanted, with `also_settled_since` for whoever may not see them as settled yet.
fn rows(
    tx: &mut dyn Tx,
    wanted: &Wanted,
    (from, to): (Option<Instant>, Option<Instant>),
    also_settled_since: Option<Instant>,
    after: Option<&(i64, [String; 3])>,
    limit: i64,
) -> Result<Vec<Row>, Problem> {
    let mut query = Query::new(LINES);
    query.only("l.promoter = ?", wanted.promoter.as_ref());
    query.only("l.merchant = ?", wanted.merchant.as_ref());
    query.only("l.promoter IN (SELECT r.id FROM promoters r WHERE r.agency = ?)", wanted.agency.as_ref());
    query.only("l.product = ?", wanted.product.as_ref());
    query.only("l.order_id = ?", wanted.order.as_ref());
    match (wanted.state, also_settled_since) {
        // What is not shown as settled yet is shown as expected.
        (Some(Standing::Expected), Some(since)) => {
            query.only("(l.state = 'expected' OR (l.state = 'settled' AND l.matured_ms >= ?))", Some(since));
        }
        (state, _) => query.only("l.state = ?", state.map(Standing::name)),
    }
    query.only("l.created_ms >= ?", from);
    query.only("l.created_ms < ?", to);
    if let Some((at, [order, platform, line])) = after {
        let at = Param::from(*at);
        query.add(
            " AND l.created_ms <= ? AND (l.created_ms < ? OR (l.order_id, l.platform, l.line_id) > (?, ?, ?))",
            [at, at, order.into(), platform.into(), line.into()],
        );
    }
    query.add(" ORDER BY l.created_ms DESC, l.order_id, l.platform, l.line_id LIMIT ?", [limit.into()]);
    Ok(query.rows(tx)?)
}

fn entry(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    row: &Row,
    sees_all: bool,
    now: Instant,
) -> Result<OrderLineEntry, StoreError> {
    let mut state = row.text(9)?.to_owned();
    let mut settled_at = row.opt_int(16)?;
    if !sees_all && state == "settled" && is_withheld(tx, catalogue, row, now)? {
        "expected".clone_into(&mut state);
        settled_at = None;
    }
    Ok(OrderLineEntry {
        platform: row.text(0)?.to_owned(),
        order: row.text(1)?.to_owned(),
        line: row.text(2)?.to_owned(),
        product: row.text(3)?.to_owned(),
        title: row.opt_text(4)?.map(str::to_owned),
        merchant: row.text(5)?.to_owned(),
        buyer: sees_all.then(|| row.text(6).map(str::to_owned)).transpose()?,
        promoter: row.opt_text(7)?.map(str::to_owned),
        promoter_name: row.opt_text(19)?.map(str::to_owned),
        programme: row.opt_text(8)?.map(str::to_owned),
        state,
        base_fen: row.int(10)?,
        commission_fen: sees_all.then(|| row.int(11)).transpose()?,
        promoter_fen: row.int(12)?,
        provisional: row.opt_int(13)?.is_none(),
        review: row.flag(14)?,
        taken_back: row.int(20)? > 0 && settled_at.is_some(),
        created_at: row.int(15)?,
        settled_at,
    })
}

/// Whether a settled line is still shown as expected.
fn is_withheld(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    row: &Row,
    now: Instant,
) -> Result<bool, StoreError> {
    let (Some(programme), Some(version), Some(matured)) =
        (row.opt_text(8)?, row.opt_num(17)?, row.opt_instant(18)?)
    else {
        return Ok(false);
    };
    not_yet_shown(tx, catalogue, &read("programme id", programme)?, version, matured, now)
}
