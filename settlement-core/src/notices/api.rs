//! `GET /v1/promoters/{id}/notices` and `POST /v1/promoters/{id}/notices/read`.

use crate::Core;
use crate::api::visible;
use crate::api::{Cursor, Only, Page, PageParams, Params, PathId, Principal, Problem, Promoters, Write};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::PromoterId;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(mark_read))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only those that were not read.
    #[serde(default)]
    unread: bool,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
struct Notice {
    /// Grows with every notice.
    number: i64,
    /// `promotion_cancelled`, `product_delisted`, `product_back`, `link_expired`, `application_approved`,
    /// `application_rejected`, `approval_withdrawn`, `withdrawal_paid`, `withdrawal_returned`, `account_verified`,
    /// `account_refused`, `commission_taken_back`, `payout_failed`, `category_banned`, `promoter_disabled` or
    /// `promoter_enabled`.
    kind: String,
    /// UTC milliseconds.
    at: i64,
    /// What it is about: the id of a product, plan, payout, payee, category or promoter, a link's code, or an order as
    /// `PLATFORM/ORDER`.
    subject: String,
    /// Its name (of a category that is banned in one programme, that one's beside it), the amount of a withdrawal with its
    /// programme's name and why it came back, the amount in yuan of commission that was taken back, or the reason.
    detail: String,
    /// When what it tells of begins, if that was still to come, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<i64>,
}

/// A promoter's notices, newest first. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/notices", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<Notice>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<Notice>>, Problem> {
    let (page, after) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let [before] = after.numbers()?.unwrap_or([i64::MAX]);
    let unread = if wanted.unread { "AND read_ms IS NULL" } else { "" };
    let sql = format!(
        "SELECT number, kind, at_ms, subject, detail, read_ms, from_ms FROM notices WHERE promoter = $1 AND number < $2 \
         {unread} ORDER BY number DESC LIMIT $3"
    );
    let rows = core
        .store()
        .read(move |tx| {
            let num = visible(tx, &principal, &promoter)?;
            Ok::<_, Problem>(tx.query(&sql, params![num, before, page.rows()])?)
        })
        .await?;
    let items = rows.iter().map(notice).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |notice| Cursor::of_numbers(&[notice.number]))))
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    Ok(Notice {
        number: row.int(0)?,
        kind: row.text(1)?.to_owned(),
        at: row.int(2)?,
        subject: row.text(3)?.to_owned(),
        detail: row.text(4)?.to_owned(),
        read_at: row.opt_int(5)?,
        from: row.opt_int(6)?,
    })
}

/// What was read.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Read {
    /// This notice and all before it.
    up_to: i64,
}

/// What is left.
#[derive(Debug, Serialize, ToSchema)]
struct Unread {
    /// Notices marked by this request.
    marked: u64,
    /// Notices that were not read.
    unread: i64,
}

/// Marks notices as read. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/notices/read", params(("id" = String, Path)), request_body = Read,
    responses((status = 200, body = Unread))
)]
async fn mark_read(
    State(core): State<Core>,
    _: Only<Promoters>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<Read>,
) -> Result<Response, Problem> {
    let Write { body: Read { up_to }, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let num = visible(tx, &scope.principal, &promoter)?;
            let marked = tx.execute(
                "UPDATE notices SET read_ms = $3 WHERE promoter = $1 AND number <= $2 AND read_ms IS NULL",
                params![num, up_to, scope.now],
            )?;
            Ok((StatusCode::OK, Unread { marked, unread: unread(tx, num)? }))
        })
        .await
}

fn unread(tx: &mut dyn Tx, promoter: i64) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM notices WHERE promoter = $1 AND read_ms IS NULL";
    tx.query_one(sql, params![promoter])?.int(0)
}
