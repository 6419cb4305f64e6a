//! Products (商品) as they are shown, and their dated state: promoted, cancelled, delisted.

use super::feed::Numbers;
use super::periods::{self, State};
use super::targets;
use crate::api::{ApiTime, Merchants, Only, PathId, Problem, Write, WriteScope};
use crate::library_marks;
use crate::notices::write::{self as notices, Kind};
use crate::store::{Row, StoreError, Tx};
use crate::webhooks::{self, EventKind, Owner};
use crate::{Core, params};
use attribution_core::ids::ProductId;
use attribution_core::time::Instant;
use axum::extract::State as Shared;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A product as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ProductView {
    pub(super) id: String,
    pub(super) num: i64,
    pub(super) merchant: String,
    pub(super) title: String,
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price_fen: Option<i64>,
    /// Address of its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_url: Option<String>,
    /// The visitor's own query is appended to the URL.
    pub(super) pass_query: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category: Option<String>,
    /// The promotion is cancelled from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancelled_from: Option<i64>,
    /// The product is delisted from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delisted_from: Option<i64>,
    /// 失效: links to it do not earn now.
    pub(super) invalid: bool,
}

/// The columns of [`view`], for a query over `targets t LEFT JOIN categories c`.
pub(super) const VIEW_COLUMNS: &str = "t.id, t.num, t.merchant, t.title, t.destination, t.price_fen, c.id, \
                                       t.cancelled_from, t.delisted_from, t.image_url, t.pass_query";

pub(super) fn view(row: &Row, now: Instant) -> Result<ProductView, StoreError> {
    let (cancelled, delisted) = (row.opt_instant(7)?, row.opt_instant(8)?);
    Ok(ProductView {
        id: row.text(0)?.to_owned(),
        num: row.int(1)?,
        merchant: row.text(2)?.to_owned(),
        title: row.text(3)?.to_owned(),
        url: row.text(4)?.to_owned(),
        price_fen: row.opt_int(5)?,
        image_url: row.opt_text(9)?.map(str::to_owned),
        pass_query: row.flag(10)?,
        category: row.opt_text(6)?.map(str::to_owned),
        cancelled_from: cancelled.map(Instant::millis),
        delisted_from: delisted.map(Instant::millis),
        invalid: cancelled.is_some_and(|at| at <= now) || delisted.is_some_and(|at| at <= now),
    })
}

pub(super) fn stored(tx: &mut dyn Tx, id: &ProductId, now: Instant) -> Result<ProductView, Problem> {
    let sql = format!(
        "SELECT {VIEW_COLUMNS} FROM targets t LEFT JOIN categories c ON c.num = t.category \
         WHERE t.kind = 'product' AND t.id = $1"
    );
    let row = tx.query_opt(&sql, params![id])?.ok_or_else(|| Problem::unknown("product", id))?;
    Ok(view(&row, now)?)
}

/// When a change of state begins.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct From {
    /// Now unless given. Only operators may name a time in the past.
    at: Option<ApiTime>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(cancel_promotion))
        .routes(routes!(promote))
        .routes(routes!(delist))
        .routes(routes!(relist))
}

/// The merchant cancels the promotion: links answer 当前页面已过期. Operators and its merchant.
#[utoipa::path(
    post, path = "/v1/products/{id}/cancel-promotion", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = ProductView))
)]
async fn cancel_promotion(
    Shared(core): Shared<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProductId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, "cancelled", true).await
}

/// The promotion goes on. Operators and its merchant.
#[utoipa::path(
    post, path = "/v1/products/{id}/promote", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = ProductView))
)]
async fn promote(
    Shared(core): Shared<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProductId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, "cancelled", false).await
}

/// The product is taken off the shelf. Operators and its merchant.
#[utoipa::path(
    post, path = "/v1/products/{id}/delist", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = ProductView))
)]
async fn delist(
    Shared(core): Shared<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProductId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, "delisted", true).await
}

/// The product is back. Operators and its merchant.
#[utoipa::path(
    post, path = "/v1/products/{id}/relist", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = ProductView))
)]
async fn relist(
    Shared(core): Shared<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProductId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, "delisted", false).await
}

async fn change_state(
    core: Core,
    id: ProductId,
    write: Write<From>,
    what: &'static str,
    begins: bool,
) -> Result<Response, Problem> {
    let at = write.body.at.map_or(write.scope.now, ApiTime::instant);
    // Edges know when a state begins, not when it will end: an end is always now.
    if !begins && at > write.scope.now {
        return Err(Problem::invalid("at", "the end of a withdrawal cannot lie in the future"));
    }
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            set_state(tx, &id, what, begins.then_some(at), at, scope)?;
            Ok((StatusCode::OK, stored(tx, &id, scope.now)?))
        })
        .await
}

fn set_state(
    tx: &mut dyn Tx,
    id: &ProductId,
    what: &'static str,
    from: Option<Instant>,
    at: Instant,
    scope: &WriteScope,
) -> Result<(), Problem> {
    let mut numbers = Numbers::take(tx, 1)?;
    let target = targets::find(tx, "product", id.as_str())?.ok_or_else(|| Problem::unknown("product", id))?;
    scope.principal.require_merchant(&target.merchant)?;
    if at < scope.now && scope.principal.require_operator().is_err() {
        return Err(Problem::forbidden("only operators may date a change back"));
    }
    let (now_from, sql) = match what {
        "cancelled" => (
            target.cancelled_from,
            "UPDATE targets SET cancelled_from = $2, updated_at = $3, change_no = $4, changed_at = $3 WHERE num = $1",
        ),
        _ => (
            target.delisted_from,
            "UPDATE targets SET delisted_from = $2, updated_at = $3, change_no = $4, changed_at = $3 WHERE num = $1",
        ),
    };
    // What holds already stays as it began; saying it again changes nothing.
    let holds = now_from.is_some_and(|began| from.is_some_and(|from| began <= from));
    if holds || (now_from.is_none() && from.is_none()) {
        return Ok(numbers.give_back(tx)?);
    }
    let state = State { kind: "target", num: target.num, what, scope: 0 };
    match from {
        Some(from) => periods::open(tx, state, from, scope.now)?,
        None => periods::close(tx, state, at, scope.now)?,
    }
    tx.execute(sql, params![target.num, from, scope.now, numbers.next()])?;
    if let ("cancelled", Some(from)) = (what, from) {
        tell_cancelled(tx, id, &target.merchant, target.num, from, scope.now)?;
    }
    let kind = match (what, from) {
        (_, None) => Kind::ProductBack,
        ("cancelled", Some(_)) => Kind::PromotionCancelled,
        (_, Some(_)) => Kind::ProductDelisted,
    };
    notices::tell_all(tx, kind, target.num, from.unwrap_or(scope.now).max(scope.now))?;
    Ok(library_marks::product(tx, target.num)?)
}

/// A product is no longer promoted: its merchant hears of it, and every promoter with a link to it.
fn tell_cancelled(
    tx: &mut dyn Tx,
    product: &ProductId,
    merchant: &str,
    target: i64,
    from: Instant,
    now: Instant,
) -> Result<(), StoreError> {
    // From the endpoints, which are few, to the links, which may be a million: one step of the index for each.
    let rows = tx.query(
        "SELECT e.owner FROM webhook_endpoints e JOIN promoters p ON e.owner = 'promoter/' || p.id \
         WHERE e.removed_ms IS NULL AND e.disabled_ms IS NULL AND EXISTS (\
         SELECT 1 FROM links l WHERE l.target = $1 AND l.promoter = p.num AND l.qr_of IS NULL) \
         GROUP BY e.owner",
        params![target],
    )?;
    let mut owners = vec![Owner::payee(&format!("merchant/{merchant}"))];
    for row in &rows {
        owners.push(Owner::payee(row.text(0)?));
    }
    let data = json!({"product": product.as_str(), "merchant": merchant, "from_ms": from.millis()});
    webhooks::tell(tx, &owners, EventKind::ProductPromotionCancelled, &data, now)
}
